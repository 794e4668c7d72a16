//! Block and stream headers, shared by every block of a backup file, read and written.
//!
//! Block header, 52 bytes: 0 type (4 letters), 4 attributes u32, 8 offset of the first stream u16, 10 OS id = 14,
//! 11 OS version = 1, 12 u64 0, 20 format logical address u64, 28..36 zero, 36 control block id u32, 40 u32 0,
//! 44 OS data pointer (u16 size, u16 offset), 48 string type, 49 zero, 50 checksum u16 (XOR of the 25 words before).
//! Stream header, 22 bytes: 0 id (4 letters), 4 u16 0, 6 attributes u16, 8 length u64, 16 u16 0, 18 u16 0, 20 checksum.
//! String pointer: u16 byte length, u16 offset from block start; UTF-16LE, no terminator.
//!
//! Evidence: documented in MTF 1.00a, verified on the corpus (every file is taken apart and written again byte-identical).

use holdfast_base::{ByteReader, ByteWriter, Truncated};

use crate::checksum::header_checksum;

pub const BLOCK_HEADER: usize = 52;
pub const STREAM_HEADER: usize = 22;
/// Format logical block: everything inside a set is aligned to it, counted from the SSET.
pub const LOGICAL_BLOCK: u64 = 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// Media header.
    Tape,
    /// Soft filemark.
    FileMark,
    /// Start of a backup set.
    SetStart,
    /// Machine and volume.
    Volume,
    /// Configuration, first copy.
    Configuration,
    /// Data pages.
    Data,
    /// One virtual log file.
    Log,
    /// Configuration, final copy.
    ConfigurationEnd,
    /// End of set.
    SetEnd,
    Other([u8; 4]),
}

impl BlockKind {
    pub fn from_letters(l: [u8; 4]) -> Self {
        match &l {
            b"TAPE" => BlockKind::Tape,
            b"SFMB" => BlockKind::FileMark,
            b"SSET" => BlockKind::SetStart,
            b"VOLB" => BlockKind::Volume,
            b"MSCI" => BlockKind::Configuration,
            b"MSDA" => BlockKind::Data,
            b"MSTL" => BlockKind::Log,
            b"MSLS" => BlockKind::ConfigurationEnd,
            b"ESET" => BlockKind::SetEnd,
            _ => BlockKind::Other(l),
        }
    }

    pub fn letters(self) -> [u8; 4] {
        match self {
            BlockKind::Tape => *b"TAPE",
            BlockKind::FileMark => *b"SFMB",
            BlockKind::SetStart => *b"SSET",
            BlockKind::Volume => *b"VOLB",
            BlockKind::Configuration => *b"MSCI",
            BlockKind::Data => *b"MSDA",
            BlockKind::Log => *b"MSTL",
            BlockKind::ConfigurationEnd => *b"MSLS",
            BlockKind::SetEnd => *b"ESET",
            BlockKind::Other(l) => l,
        }
    }

    /// The block carries UTF-16 strings (string type 2).
    fn has_strings(self) -> bool {
        matches!(
            self,
            BlockKind::Tape
                | BlockKind::SetStart
                | BlockKind::Volume
                | BlockKind::Configuration
                | BlockKind::ConfigurationEnd
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockHeader {
    pub kind: BlockKind,
    pub attributes: u32,
    /// Offset from block start to the first stream header.
    pub first_stream: u16,
    pub format_logical_address: u64,
    pub control_block: u32,
}

impl BlockHeader {
    /// `None` when the checksum does not fit: what lies here is not a block.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Truncated> {
        let mut r = ByteReader::new(bytes);
        let letters = r.array()?;
        let attributes = r.u32()?;
        let first_stream = r.u16()?;
        r.skip(10)?;
        let format_logical_address = r.u64()?;
        r.skip(8)?;
        let control_block = r.u32()?;
        r.seek(50);
        let sum = r.u16()?;
        let plausible = letters.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !plausible || sum != header_checksum(&bytes[..50]) {
            return Ok(None);
        }
        let kind = BlockKind::from_letters(letters);
        Ok(Some(BlockHeader { kind, attributes, first_stream, format_logical_address, control_block }))
    }

    /// Appends the 52 bytes; a start of set points at its OS data (21 bytes at 100).
    pub fn write(&self, w: &mut ByteWriter) {
        let start = w.len();
        w.bytes(&self.kind.letters()).u32(self.attributes).u16(self.first_stream).u8(14).u8(1).u64(0);
        w.u64(self.format_logical_address).u64(0).u32(self.control_block).u32(0);
        if self.kind == BlockKind::SetStart {
            w.u16(21).u16(100);
        } else {
            w.u32(0);
        }
        w.u8(if self.kind.has_strings() { 2 } else { 0 }).u8(0);
        let sum = header_checksum(&w.buf[start..]);
        w.u16(sum);
    }
}

/// Stream attributes seen.
pub mod stream_attribute {
    /// Variable length.
    pub const VARIABLE: u16 = 0x0002;
    /// Last piece.
    pub const END: u16 = 0x0004;
    /// Alignment padding.
    pub const PADDING: u16 = 0x0080;
    /// A CSUM stream follows.
    pub const CHECKSUM: u16 = 0x0100;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamHeader {
    pub id: [u8; 4],
    pub attributes: u16,
    /// Bytes of data, without header and alignment.
    pub length: u64,
}

impl StreamHeader {
    pub fn new(id: &[u8; 4], attributes: u16, length: u64) -> Self {
        StreamHeader { id: *id, attributes, length }
    }

    /// `None` when the checksum does not fit.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Truncated> {
        let mut r = ByteReader::new(bytes);
        let id = r.array()?;
        r.skip(2)?;
        let attributes = r.u16()?;
        let length = r.u64()?;
        r.skip(4)?;
        let sum = r.u16()?;
        if sum != header_checksum(&bytes[..20]) {
            return Ok(None);
        }
        Ok(Some(StreamHeader { id, attributes, length }))
    }

    pub fn write(&self, w: &mut ByteWriter) {
        let start = w.len();
        w.bytes(&self.id).u16(0).u16(self.attributes).u64(self.length).u32(0);
        let sum = header_checksum(&w.buf[start..]);
        w.u16(sum);
    }
}

/// Reads the string whose pointer stands at `pointer`, relative to the start of `block`. Absent strings (0,0) are empty.
pub fn read_string(block: &[u8], pointer: usize) -> Result<String, Truncated> {
    let bytes = pointed(block, pointer)?;
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
    Ok(String::from_utf16_lossy(&units))
}

/// The bytes that the pointer (u16 length, u16 offset) at `pointer` names.
pub fn pointed(block: &[u8], pointer: usize) -> Result<&[u8], Truncated> {
    let mut r = ByteReader::at(block, pointer);
    let (length, offset) = (r.u16()?, r.u16()?);
    if length == 0 {
        return Ok(&[]);
    }
    ByteReader::at(block, usize::from(offset)).bytes(usize::from(length))
}

/// UTF-16LE bytes of a string.
pub fn utf16(s: &str) -> Vec<u8> {
    s.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_round_trip() {
        let h = BlockHeader {
            kind: BlockKind::SetStart,
            attributes: 4,
            first_stream: 200,
            format_logical_address: 7,
            control_block: 3,
        };
        let mut w = ByteWriter::new();
        h.write(&mut w);
        assert_eq!(w.len(), BLOCK_HEADER);
        assert_eq!(BlockHeader::parse(&w.buf), Ok(Some(h)));
        w.buf[7] ^= 1;
        assert_eq!(BlockHeader::parse(&w.buf), Ok(None));
        let s = StreamHeader::new(b"SPAD", 0, 99);
        let mut w = ByteWriter::new();
        s.write(&mut w);
        assert_eq!(w.len(), STREAM_HEADER);
        assert_eq!(StreamHeader::parse(&w.buf), Ok(Some(s)));
    }
}
