//! DONE (0xFD), DONEPROC (0xFE), DONEINPROC (0xFF): `status u16, command u16, rows u64 (u32 before 7.2)`.

use holdfast_base::{ByteReader, ByteWriter};

use super::code;
use crate::TdsVersion;
use crate::error::TdsResult;

/// Bits of the status.
pub mod done_status {
    pub const MORE: u16 = 0x0001;
    pub const ERROR: u16 = 0x0002;
    pub const IN_TRANSACTION: u16 = 0x0004;
    /// The row count is valid.
    pub const COUNT: u16 = 0x0010;
    /// Acknowledges an attention.
    pub const ATTENTION: u16 = 0x0020;
    /// Inside a procedure of several in one request.
    pub const RPC_IN_BATCH: u16 = 0x0080;
    /// A severe error: the result is to be thrown away.
    pub const SERVER_ERROR: u16 = 0x0100;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoneToken {
    /// One of the three token bytes.
    pub token: u8,
    pub status: u16,
    pub command: u16,
    pub rows: u64,
}

impl DoneToken {
    pub fn has_more(&self) -> bool {
        self.status & done_status::MORE != 0
    }

    /// Row count, if it is valid.
    pub fn count(&self) -> Option<u64> {
        (self.status & done_status::COUNT != 0).then_some(self.rows)
    }
}

pub fn write_done(w: &mut ByteWriter, d: &DoneToken, version: TdsVersion) {
    w.u8(d.token).u16(d.status).u16(d.command);
    if version.has_72() {
        w.u64(d.rows);
    } else {
        w.u32(d.rows.min(u64::from(u32::MAX)) as u32);
    }
}

/// Bytes of a DONE token with its token byte.
pub fn done_size(version: TdsVersion) -> usize {
    if version.has_72() { 13 } else { 9 }
}

/// Sets bits in the status of a DONE token written at `offset`.
pub fn patch_status(w: &mut ByteWriter, offset: usize, set: u16, clear: u16) {
    if let Some(b) = w.buf.get_mut(offset + 1..offset + 3) {
        let s = (u16::from_le_bytes([b[0], b[1]]) | set) & !clear;
        b.copy_from_slice(&s.to_le_bytes());
    }
}

/// Reads after the token byte.
pub fn read_done(r: &mut ByteReader<'_>, token: u8, version: TdsVersion) -> TdsResult<DoneToken> {
    debug_assert!(matches!(token, code::DONE | code::DONE_PROC | code::DONE_IN_PROC));
    Ok(DoneToken {
        token,
        status: r.u16()?,
        command: r.u16()?,
        rows: if version.has_72() { r.u64()? } else { u64::from(r.u32()?) },
    })
}
