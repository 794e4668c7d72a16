//! Where an extent belongs. Its first page names its place, even where that page is not allocated; later pages may be
//! stale and are never asked.
//!
//! Filler extents pad the data to the transfer unit: pages of type 101 (`01 65`), to be dropped.
//!
//! Evidence: every extent of the corpus; docs/format/backup.md.

use holdfast_base::{FileId, PAGE_SIZE, PageNumber};

/// Bytes of an extent: eight pages.
pub const EXTENT: usize = 8 * PAGE_SIZE;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// File and number of the extent's first page.
    At(FileId, PageNumber),
    Filler,
    /// The first page does not tell.
    Unknown,
}

pub struct Extent<'a> {
    pub place: Place,
    /// Offset of the extent in the stream's data.
    pub offset: u64,
    /// 64 KiB.
    pub bytes: &'a [u8],
}

/// Reads the place out of an extent's first page.
pub fn classify(bytes: &[u8]) -> Place {
    let Some(head) = bytes.first_chunk::<96>() else { return Place::Unknown };
    if head[0] != 1 {
        return Place::Unknown;
    }
    if head[1] == 0x65 {
        return Place::Filler;
    }
    let page = u32::from_le_bytes([head[32], head[33], head[34], head[35]]);
    let file = u16::from_le_bytes([head[36], head[37]]);
    if !page.is_multiple_of(8) || file == 0 {
        return Place::Unknown;
    }
    Place::At(file, page)
}

/// Cuts unpacked data into extents. `offset` is that of `data` in the stream. A last part shorter than an extent does not
/// occur in genuine files and is given out as it is.
pub fn extents(data: &[u8], offset: u64) -> impl Iterator<Item = Extent<'_>> {
    data.chunks(EXTENT).enumerate().map(move |(i, bytes)| Extent {
        place: classify(bytes),
        offset: offset + (i * EXTENT) as u64,
        bytes,
    })
}
