//! Walks the blocks of a file from the media header to its end.
//!
//! Order: TAPE, SFMB, then per set SSET, VOLB, MSCI, MSDA…, MSTL…, MSLS, SFMB, ESET, ESET, SFMB. Unknown blocks and
//! streams are stepped over by their lengths.

use super::{BulkKind, BulkStream, Media, SetMap, SetMember, SetStart, Vlf, VolumeInfo};
use crate::block::{BLOCK_HEADER, BlockHeader, BlockKind, STREAM_HEADER, StreamHeader};
use crate::config::Configuration;
use crate::cursor::{Container, Cursor};
use crate::device::Device;
use crate::error::{BackupError, BackupResult};
use crate::label::MediaLabel;

/// Largest metadata stream that is read into memory: a configuration of 32,767 files is 43 MiB.
const METADATA_LIMIT: u64 = 64 << 20;
/// Shortest media block.
const SMALLEST_BLOCK: u32 = 512;

struct Block {
    header: BlockHeader,
    /// Stored offset of the block.
    stored: u64,
    /// Bytes from the block's start to its first stream.
    bytes: Vec<u8>,
    streams: Vec<(StreamHeader, Content)>,
}

enum Content {
    Bytes(Vec<u8>),
    Bulk(BulkStream),
    Skipped,
}

impl Block {
    fn stream(&self, id: &[u8; 4]) -> Option<&[u8]> {
        self.streams.iter().find_map(|(h, c)| match c {
            Content::Bytes(b) if &h.id == id => Some(b.as_slice()),
            _ => None,
        })
    }

    fn bulk(&self) -> impl Iterator<Item = BulkStream> {
        self.streams.iter().filter_map(|(_, c)| if let Content::Bulk(b) = c { Some(*b) } else { None })
    }
}

pub(super) fn walk(device: Device) -> BackupResult<Media> {
    let owner = device.clone();
    let mut cursor = Cursor::open(&owner)?;
    let first = match read_block(&mut cursor, &owner) {
        Ok(b) => b,
        // Whatever the cause, a file whose first block cannot be read is not a usable media family.
        Err(e @ BackupError::Read { .. }) => return Err(e),
        Err(e) => return Err(owner.damaged(0, format!("no media header: {e}"))),
    };
    let parsed = (first.header.kind == BlockKind::Tape)
        .then(|| MediaLabel::parse(&first.bytes, first.stream(b"RAID").unwrap_or(&[])));
    let label = match parsed {
        Some(Ok(label)) => label,
        _ => {
            return Err(BackupError::Foreign {
                device: owner.name().clone(),
                what: "it has no media header",
            });
        }
    };
    if label.block_size < SMALLEST_BLOCK || label.block_size > 65_536 || !label.block_size.is_power_of_two() {
        return Err(owner.damaged(64, format!("media block size {}", label.block_size)));
    }
    cursor.block_size = label.block_size;
    let container = cursor.container();
    let mut sets: Vec<SetMember> = Vec::new();
    let problem = walk_sets(&mut cursor, &owner, &mut sets).err();
    Ok(Media { device, container, label, sets, problem })
}

fn walk_sets(cursor: &mut Cursor<'_>, device: &Device, sets: &mut Vec<SetMember>) -> BackupResult<()> {
    let mut in_set = false;
    while !cursor.at_end()? {
        let block = read_block(cursor, device)?;
        let cut = |what: &'static str| device.damaged(block.stored, format!("{what} is cut short"));
        match block.header.kind {
            BlockKind::SetStart => {
                let start = SetStart::parse(&block.bytes).map_err(|_| cut("start of set"))?;
                in_set = true;
                sets.push(SetMember {
                    offset: block.stored,
                    start,
                    volume: None,
                    leading: None,
                    trailing: None,
                    pages: Vec::new(),
                    vlfs: Vec::new(),
                    map: None,
                    complete: false,
                });
            }
            BlockKind::FileMark => {
                if let Some(set) = sets.last_mut().filter(|s| in_set && s.trailing.is_some()) {
                    set.complete = true;
                }
            }
            kind if in_set => {
                if let Some(set) = sets.last_mut() {
                    add_block(set, kind, &block, device)?;
                }
            }
            _ => {}
        }
    }
    match sets.last() {
        Some(set) if !set.complete => {
            Err(BackupError::Incomplete { device: device.name().clone(), position: set.start.position })
        }
        _ => Ok(()),
    }
}

fn add_block(set: &mut SetMember, kind: BlockKind, block: &Block, device: &Device) -> BackupResult<()> {
    let cut = |what: &'static str| device.damaged(block.stored, format!("{what} is cut short"));
    match kind {
        BlockKind::Volume => set.volume = Some(VolumeInfo::parse(&block.bytes).map_err(|_| cut("volume"))?),
        BlockKind::Configuration | BlockKind::ConfigurationEnd => {
            let raw = block.stream(b"MQCI").unwrap_or(&[]).to_vec();
            let parsed = Configuration::parse(raw).map_err(|(at, what)| {
                device.damaged(block.stored, format!("configuration at {at}: {what}"))
            })?;
            if kind == BlockKind::Configuration {
                set.leading = Some(parsed);
            } else {
                set.trailing = Some(parsed);
            }
        }
        BlockKind::Data => set.pages.extend(block.bulk()),
        BlockKind::Log => {
            let mut vlf = Vlf::parse(&block.bytes).map_err(|_| cut("log description"))?;
            vlf.stream = block.bulk().next();
            if vlf.end < vlf.start || vlf.stream.is_some_and(|s| s.length < vlf.end - vlf.start) {
                return Err(device.damaged(block.stored, "a log range that its stream does not hold"));
            }
            set.vlfs.push(vlf);
        }
        BlockKind::SetEnd => {
            if let Some(data) = block.stream(b"TSMP") {
                set.map = Some(SetMap::parse(data).map_err(|_| cut("set map"))?);
            }
        }
        _ => {}
    }
    Ok(())
}

fn read_block(cursor: &mut Cursor<'_>, device: &Device) -> BackupResult<Block> {
    let stored = cursor.stored();
    let start = cursor.position();
    let mut bytes = vec![0; BLOCK_HEADER];
    cursor.read(&mut bytes)?;
    let cut = |_| device.damaged(stored, "block header");
    let Some(header) = BlockHeader::parse(&bytes).map_err(cut)? else {
        return Err(device.damaged(stored, "no block with a valid header checksum"));
    };
    if header.kind == BlockKind::FileMark {
        // A filemark is one media block and has no streams.
        cursor.skip(u64::from(cursor.block_size) - BLOCK_HEADER as u64)?;
        return Ok(Block { header, stored, bytes, streams: Vec::new() });
    }
    let first = usize::from(header.first_stream);
    if first < BLOCK_HEADER {
        return Err(device.damaged(stored, "a block whose first stream lies in its header"));
    }
    bytes.resize(first, 0);
    cursor.read(&mut bytes[BLOCK_HEADER..])?;
    let mut streams = Vec::new();
    // A chain is short; the limit only stops a hostile file from growing memory.
    while streams.len() < 64 {
        let aligned = (cursor.position() - start).next_multiple_of(4) - (cursor.position() - start);
        cursor.skip(aligned)?;
        let at = cursor.stored();
        let mut raw = [0; STREAM_HEADER];
        cursor.read(&mut raw)?;
        let Some(h) = StreamHeader::parse(&raw).map_err(cut)? else {
            return Err(device.damaged(at, "no stream with a valid header checksum"));
        };
        let content = read_stream(cursor, device, &h)?;
        if let Content::Bytes(data) = &content
            && &h.id == b"CSUM"
            && let Ok(sum) = <[u8; 4]>::try_from(data.as_slice())
        {
            // It belongs to the bulk stream before it.
            if let Some((_, Content::Bulk(b))) = streams.last_mut() {
                b.checksum = Some(u32::from_le_bytes(sum));
            }
        }
        let last = &h.id == b"SPAD";
        streams.push((h, content));
        if last {
            return Ok(Block { header, stored, bytes, streams });
        }
    }
    Err(device.damaged(stored, "a block with more than 64 streams"))
}

fn read_stream(cursor: &mut Cursor<'_>, device: &Device, h: &StreamHeader) -> BackupResult<Content> {
    match &h.id {
        b"RAID" | b"MQCI" | b"TSMP" | b"CSUM" => {
            if h.length > METADATA_LIMIT {
                return Err(BackupError::TooLarge {
                    device: device.name().clone(),
                    what: "a metadata stream",
                    limit: METADATA_LIMIT,
                });
            }
            // Grown as it is read: a hostile length ends at the end of the file, not in an allocation.
            let mut data = Vec::new();
            let mut left = h.length as usize;
            while left > 0 {
                let n = left.min(1 << 20);
                let from = data.len();
                data.resize(from + n, 0);
                cursor.read(&mut data[from..])?;
                left -= n;
            }
            Ok(Content::Bytes(data))
        }
        b"MQDA" | b"MQTL" if h.length > 0 => {
            let kind = if &h.id == b"MQDA" { BulkKind::Pages } else { BulkKind::Log };
            let unit = if kind == BulkKind::Pages { 8192 } else { 512 };
            let lead = h.length % unit;
            cursor.skip(lead)?;
            if !cursor.at_boundary() {
                return Err(device
                    .damaged(cursor.stored(), "page or log data that begins inside a compressed record"));
            }
            // Making sure that fillers, if any, are behind us before the place is noted.
            let stored_start = cursor.stored();
            let length = h.length - lead;
            cursor.skip(length)?;
            if !cursor.at_boundary() {
                return Err(
                    device.damaged(cursor.stored(), "page or log data that ends inside a compressed record")
                );
            }
            Ok(Content::Bulk(BulkStream {
                kind,
                compressed: cursor.container() == Container::Compressed,
                record_header: cursor.record_header(),
                stored_start,
                stored_end: cursor.stored(),
                length,
                checksum: None,
            }))
        }
        _ => {
            cursor.skip(h.length)?;
            Ok(Content::Skipped)
        }
    }
}
