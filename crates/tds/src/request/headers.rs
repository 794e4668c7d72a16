//! ALL_HEADERS, before every request from 7.2 on: `total u32, then headers {length u32, type u16, data}`.

use holdfast_base::{ByteReader, ByteWriter};

use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Headers {
    /// Transaction the request runs in, 0 for none.
    pub transaction: u64,
    /// Requests outstanding on the session, 1 without MARS.
    pub outstanding: u32,
    /// Activity id and sequence, 20 bytes.
    pub trace: Option<[u8; 20]>,
    /// Query notification header, not interpreted.
    pub notification: Option<Vec<u8>>,
}

/// No client sends more.
const SIZE_MAX: usize = 128 * 1024;

impl Headers {
    /// Reads the block if the version has one.
    pub fn decode(r: &mut ByteReader<'_>, version: TdsVersion) -> TdsResult<Self> {
        let mut out = Headers { outstanding: 1, ..Default::default() };
        if !version.has_72() {
            return Ok(out);
        }
        let total = r.u32()? as usize;
        if !(4..=SIZE_MAX).contains(&total) {
            return Err(TdsError::Invalid { what: "length of the headers", value: total as i64 });
        }
        let mut all = ByteReader::new(r.bytes(total - 4)?);
        while !all.is_empty() {
            let length = all.u32()? as usize;
            if length < 6 {
                return Err(TdsError::Invalid { what: "length of a header", value: length as i64 });
            }
            let mut h = ByteReader::new(all.bytes(length - 4)?);
            match h.u16()? {
                1 => out.notification = Some(h.rest().to_vec()),
                2 => {
                    out.transaction = h.u64()?;
                    out.outstanding = h.u32()?;
                }
                3 if h.remaining() >= 20 => out.trace = Some(h.array()?),
                _ => {}
            }
        }
        Ok(out)
    }

    /// Writes the transaction header (the one every client sends).
    pub fn encode(&self, w: &mut ByteWriter, version: TdsVersion) {
        if version.has_72() {
            w.u32(22).u32(18).u16(2).u64(self.transaction).u32(self.outstanding.max(1));
        }
    }
}
