//! Transaction-manager requests: headers, `type u16`, then what the type needs.
//!
//! Evidence: MS-TDS 2.2.6.9.

use holdfast_base::{ByteReader, ByteWriter};

use super::Headers;
use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::wire;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionManagerRequest {
    GetDtcAddress,
    Propagate(Vec<u8>),
    /// Isolation level: 0 as is, 1 read uncommitted … 4 serializable, 5 snapshot.
    Begin {
        isolation: u8,
        name: String,
    },
    Promote,
    /// `next`: begin another transaction at once (isolation, name).
    Commit {
        name: String,
        next: Option<(u8, String)>,
    },
    Rollback {
        name: String,
        next: Option<(u8, String)>,
    },
    Save {
        name: String,
    },
}

/// Transaction names count bytes, not units.
fn name(r: &mut ByteReader<'_>) -> TdsResult<String> {
    let n = r.u8()?;
    Ok(wire::decode_ucs2(r.bytes(usize::from(n))?))
}

fn put_name(w: &mut ByteWriter, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(127).collect();
    w.u8(units.len() as u8 * 2);
    for u in units {
        w.u16(u);
    }
}

fn end(r: &mut ByteReader<'_>) -> TdsResult<(String, Option<(u8, String)>)> {
    let n = name(r)?;
    if r.is_empty() || r.u8()? & 1 == 0 {
        return Ok((n, None));
    }
    Ok((n, Some((r.u8()?, name(r)?))))
}

impl TransactionManagerRequest {
    pub fn decode(payload: &[u8], version: TdsVersion) -> TdsResult<(Headers, Self)> {
        let mut r = ByteReader::new(payload);
        let headers = Headers::decode(&mut r, version)?;
        let request = match r.u16()? {
            0 => TransactionManagerRequest::GetDtcAddress,
            1 => {
                let n = usize::from(r.u16()?);
                TransactionManagerRequest::Propagate(r.bytes(n)?.to_vec())
            }
            5 => TransactionManagerRequest::Begin { isolation: r.u8()?, name: name(&mut r)? },
            6 => TransactionManagerRequest::Promote,
            7 => {
                let (name, next) = end(&mut r)?;
                TransactionManagerRequest::Commit { name, next }
            }
            8 => {
                let (name, next) = end(&mut r)?;
                TransactionManagerRequest::Rollback { name, next }
            }
            9 => TransactionManagerRequest::Save { name: name(&mut r)? },
            other => return Err(TdsError::Invalid { what: "transaction request", value: other.into() }),
        };
        Ok((headers, request))
    }

    pub fn encode(&self, headers: &Headers, version: TdsVersion) -> Vec<u8> {
        let mut w = ByteWriter::new();
        headers.encode(&mut w, version);
        let finish = |w: &mut ByteWriter, code: u16, name: &str, next: &Option<(u8, String)>| {
            w.u16(code);
            put_name(w, name);
            match next {
                None => {
                    w.u8(0);
                }
                Some((isolation, name)) => {
                    w.u8(1).u8(*isolation);
                    put_name(w, name);
                }
            }
        };
        match self {
            TransactionManagerRequest::GetDtcAddress => {
                w.u16(0).u16(0);
            }
            TransactionManagerRequest::Propagate(cookie) => {
                w.u16(1).u16(cookie.len() as u16).bytes(cookie);
            }
            TransactionManagerRequest::Begin { isolation, name } => {
                w.u16(5).u8(*isolation);
                put_name(&mut w, name);
            }
            TransactionManagerRequest::Promote => {
                w.u16(6);
            }
            TransactionManagerRequest::Commit { name, next } => finish(&mut w, 7, name, next),
            TransactionManagerRequest::Rollback { name, next } => finish(&mut w, 8, name, next),
            TransactionManagerRequest::Save { name } => {
                w.u16(9);
                put_name(&mut w, name);
            }
        }
        w.buf
    }
}
