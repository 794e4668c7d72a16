//! The header of a virtual log file, and the table of VLFs of a log file.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 00 | 1 | AB |
//! | 01 | 1 | parity of the blocks: 40, 80; 0 = never used |
//! | 02 | 2 | format: 2 up to 2008, 4 in 2008 R2, 5 since 2012 |
//! | 04 | 4 | sequence number, 0 = never used |
//! | 08 | 4 | 0 |
//! | 0C | 4 | cycle: how many times the VLF was started |
//! | 10 | 8 | size in bytes |
//! | 18 | 8 | byte offset in the file |
//! | 20 | 10 | create LSN, zero for the VLFs the file was made with |
//!
//! Invariants
//! 1. [`VlfHeader::encode`] gives the bytes that [`VlfHeader::decode`] read.
//! 2. [`vlf_table`] accepts only a table that covers the file without gaps.
//!
//! Evidence: every log file of the corpus.

use holdfast_base::{ByteReader, ByteWriter, Lsn};

use super::LogError;
use super::store::LogBytes;

/// Bytes of the VLF header; the first block follows.
pub const VLF_HEADER_SIZE: u64 = 8192;
/// Byte offset of the first VLF: behind page 0.
pub const FIRST_VLF: u64 = 8192;
/// Bytes of the header that carry meaning.
pub const VLF_HEADER_USED: usize = 0x2A;
/// Block number (in sectors from the VLF start) of the first block.
pub const FIRST_BLOCK: u32 = 0x10;
/// A log file with more VLFs than this is taken as damaged.
const VLF_LIMIT: usize = 1 << 20;

/// One virtual log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlfHeader {
    pub parity: u8,
    /// Format number: 2 up to 2008, 4 in 2008 R2, 5 since 2012.
    pub format: u16,
    pub sequence: u32,
    pub cycle: u32,
    /// Size in bytes, header included.
    pub size: u64,
    /// Byte offset of the VLF in its file.
    pub offset: u64,
    pub create_lsn: Lsn,
}

impl VlfHeader {
    /// A VLF that was never used.
    pub const fn unused(format: u16, offset: u64, size: u64) -> Self {
        VlfHeader { parity: 0, format, sequence: 0, cycle: 0, size, offset, create_lsn: Lsn::ZERO }
    }

    pub fn decode(bytes: &[u8], offset: u64) -> Result<Self, LogError> {
        let flaw = |what| LogError::Vlf { offset, what };
        let mut r = ByteReader::new(bytes);
        let mut read = || -> Result<(u8, VlfHeader), holdfast_base::Truncated> {
            let mark = r.u8()?;
            let parity = r.u8()?;
            let format = r.u16()?;
            let sequence = r.u32()?;
            r.skip(4)?;
            let cycle = r.u32()?;
            let size = r.u64()?;
            let own_offset = r.u64()?;
            let create_lsn = Lsn::from_bytes(r.array()?);
            Ok((mark, VlfHeader { parity, format, sequence, cycle, size, offset: own_offset, create_lsn }))
        };
        let (mark, vlf) = read().map_err(|_| flaw("the header is cut off"))?;
        if mark != 0xAB {
            return Err(flaw("the header does not begin with AB"));
        }
        if vlf.offset != offset {
            return Err(flaw("the header names another place in the file"));
        }
        if vlf.size < VLF_HEADER_SIZE + 512 || vlf.size % 512 != 0 {
            return Err(flaw("the size is impossible"));
        }
        Ok(vlf)
    }

    /// The meaningful bytes of the header.
    pub fn encode(&self) -> [u8; VLF_HEADER_USED] {
        let mut w = ByteWriter::new();
        w.u8(0xAB).u8(self.parity).u16(self.format).u32(self.sequence).u32(0).u32(self.cycle);
        w.u64(self.size).u64(self.offset).bytes(&self.create_lsn.to_bytes());
        let mut out = [0; VLF_HEADER_USED];
        out.copy_from_slice(&w.buf);
        out
    }

    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }

    /// Byte offset in the file of a block of this VLF.
    pub fn block_offset(&self, block: u32) -> u64 {
        self.offset.saturating_add(u64::from(block) * 512)
    }
}

/// The VLFs of a log file in file order.
pub fn vlf_table(file: &dyn LogBytes) -> Result<Vec<VlfHeader>, LogError> {
    let length = file.length();
    let mut table = Vec::new();
    let mut at = FIRST_VLF;
    while at < length {
        let mut head = [0u8; VLF_HEADER_USED];
        if length - at < VLF_HEADER_SIZE {
            return Err(LogError::Vlf { offset: at, what: "the file ends inside the header" });
        }
        file.read_at(at, &mut head)?;
        // Space that the file got for a further one whose header was not written any more.
        if !table.is_empty() && head.iter().all(|&b| b == 0) {
            break;
        }
        let vlf = VlfHeader::decode(&head, at)?;
        at = at.checked_add(vlf.size).filter(|&end| end <= length).ok_or(LogError::Vlf {
            offset: vlf.offset,
            what: "the virtual log file reaches beyond the end of the file",
        })?;
        table.push(vlf);
        if table.len() > VLF_LIMIT {
            return Err(LogError::Vlf { offset: at, what: "too many virtual log files" });
        }
    }
    Ok(table)
}
