//! Pieces of the compressed container and the XPRESS Huffman code inside them.

mod decode;
mod encode;

use holdfast_base::ByteReader;

pub use decode::{DecodeError, decompress};
pub use encode::{Encoder, Token, encode_tokens};

use crate::checksum::record_checksum;
use crate::device::Device;
use crate::error::{BackupError, BackupResult};

pub const TAG_RECORD: u8 = 0x21;
/// A piece that did not shrink, stored as it is (assumed: the bit that says "compressed" is clear, the checksum decides).
pub const TAG_PLAIN: u8 = 0x20;
pub const TAG_FILLER: u8 = 0x24;
pub const TAG_INDEX: u8 = 0x2C;
/// Header of a record since 2014; before, it is 8 bytes: tag, length, packed length, checksum.
pub const RECORD_HEADER: usize = 28;
/// Header of a record of 2008 to 2012.
pub const OLD_RECORD_HEADER: usize = 8;
/// Largest piece: 64 KiB.
pub const PIECE: usize = 65_536;

/// Header of one compressed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Stored offset of the record's header.
    pub offset: u64,
    /// Bytes of the header.
    pub header: usize,
    /// Uncompressed bytes, a multiple of 512.
    pub length: usize,
    /// Stored bytes after the header.
    pub packed: usize,
    /// Compressed, not stored as it is.
    pub compressed: bool,
    pub checksum: u32,
}

impl Record {
    /// Reads a header of `header` bytes ([`RECORD_HEADER`] or [`OLD_RECORD_HEADER`]).
    pub(crate) fn parse(head: &[u8], header: usize, offset: u64, device: &Device) -> BackupResult<Self> {
        let damaged = |_| device.damaged(offset, "a compressed record's header is cut short");
        let mut r = ByteReader::new(head);
        let compressed = r.u8().map_err(damaged)? == TAG_RECORD;
        let length = usize::from(r.u8().map_err(damaged)?) * 512;
        let packed = usize::from(r.u16().map_err(damaged)?);
        r.seek(header - 4);
        let checksum = r.u32().map_err(damaged)?;
        if length == 0 || length > PIECE {
            return Err(device.damaged(offset, format!("a compressed record of {length} bytes")));
        }
        // The length of 64 KiB does not fit the field for the packed length.
        let packed = if compressed { packed } else { length };
        Ok(Record { offset, header, length, packed, compressed, checksum })
    }

    pub fn stored_length(&self) -> u64 {
        (self.header + self.packed) as u64
    }

    /// Checks and decompresses `packed` (the bytes after the header) into `out`, which has this record's length.
    pub(crate) fn unpack(
        &self,
        packed: &[u8],
        out: &mut [u8],
        device: &std::sync::Arc<str>,
    ) -> BackupResult<()> {
        let found = record_checksum(packed);
        if found != self.checksum {
            return Err(BackupError::Checksum {
                device: device.clone(),
                offset: self.offset,
                what: "compressed record",
                stored: self.checksum,
                found,
            });
        }
        if !self.compressed {
            let whole = packed.get(..out.len()).ok_or(BackupError::Compression {
                device: device.clone(),
                offset: self.offset,
                what: "it is cut short",
            })?;
            out.copy_from_slice(whole);
            return Ok(());
        }
        decompress(packed, out).map_err(|e| BackupError::Compression {
            device: device.clone(),
            offset: self.offset,
            what: e.text(),
        })
    }

    pub(crate) fn read_and_unpack(&self, device: &Device, out: &mut [u8]) -> BackupResult<()> {
        let mut packed = vec![0; self.packed];
        device.read(self.offset + self.header as u64, &mut packed)?;
        self.unpack(&packed, out, device.name())
    }
}
