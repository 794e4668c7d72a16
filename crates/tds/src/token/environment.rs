//! ENVCHANGE: state that the client library tracks. `0xE3, u16 length, type u8, new value, old value`; the form of the
//! values depends on the type.

use holdfast_base::{ByteReader, ByteWriter};

use super::code;
use crate::collation::WireCollation;
use crate::error::{TdsError, TdsResult};
use crate::wire;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    Database {
        new: String,
        old: String,
    },
    Language {
        new: String,
        old: String,
    },
    CharacterSet {
        new: String,
        old: String,
    },
    PacketSize {
        new: u32,
        old: u32,
    },
    /// 5 and 6: comparison style and LCID of 7.0 clients.
    Locale {
        kind: u8,
        new: String,
        old: String,
    },
    Collation {
        new: Option<WireCollation>,
        old: Option<WireCollation>,
    },
    BeginTransaction(u64),
    CommitTransaction(u64),
    RollbackTransaction(u64),
    EnlistTransaction {
        new: Vec<u8>,
        old: Vec<u8>,
    },
    DefectTransaction {
        new: Vec<u8>,
        old: Vec<u8>,
    },
    MirrorPartner(String),
    PromoteTransaction(Vec<u8>),
    TransactionManagerAddress(Vec<u8>),
    TransactionEnded(u64),
    /// Acknowledges the reset bit of a request.
    ResetConnection,
    UserInstance(String),
    Routing {
        port: u16,
        server: String,
    },
}

fn b_varbyte<'a>(r: &mut ByteReader<'a>) -> TdsResult<&'a [u8]> {
    let n = r.u8()?;
    Ok(r.bytes(usize::from(n))?)
}

fn descriptor(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}

pub fn write_environment(w: &mut ByteWriter, e: &Environment) {
    w.u8(code::ENV_CHANGE);
    let at = w.len();
    w.u16(0);
    let pair = |w: &mut ByteWriter, kind: u8, new: &str, old: &str| {
        w.u8(kind);
        wire::put_b_varchar(w, new);
        wire::put_b_varchar(w, old);
    };
    let blob = |w: &mut ByteWriter, b: &[u8]| {
        let b = &b[..b.len().min(255)];
        w.u8(b.len() as u8).bytes(b);
    };
    match e {
        Environment::Database { new, old } => pair(w, 1, new, old),
        Environment::Language { new, old } => pair(w, 2, new, old),
        Environment::CharacterSet { new, old } => pair(w, 3, new, old),
        Environment::PacketSize { new, old } => pair(w, 4, &new.to_string(), &old.to_string()),
        Environment::Locale { kind, new, old } => pair(w, *kind, new, old),
        Environment::Collation { new, old } => {
            w.u8(7);
            blob(w, new.as_ref().map_or(&[], |c| &c[..]));
            blob(w, old.as_ref().map_or(&[], |c| &c[..]));
        }
        Environment::BeginTransaction(d) => {
            w.u8(8).u8(8).u64(*d).u8(0);
        }
        Environment::CommitTransaction(d) => {
            w.u8(9).u8(0).u8(8).u64(*d);
        }
        Environment::RollbackTransaction(d) => {
            w.u8(10).u8(0).u8(8).u64(*d);
        }
        Environment::EnlistTransaction { new, old } => {
            w.u8(11);
            blob(w, new);
            blob(w, old);
        }
        Environment::DefectTransaction { new, old } => {
            w.u8(12);
            blob(w, new);
            blob(w, old);
        }
        Environment::MirrorPartner(name) => pair(w, 13, name, ""),
        Environment::PromoteTransaction(token) => {
            w.u8(15).u32(token.len() as u32).bytes(token).u8(0);
        }
        Environment::TransactionManagerAddress(address) => {
            w.u8(16);
            blob(w, address);
            w.u8(0);
        }
        Environment::TransactionEnded(d) => {
            w.u8(17).u8(0).u8(8).u64(*d);
        }
        Environment::ResetConnection => {
            w.u8(18).u8(0).u8(0);
        }
        Environment::UserInstance(name) => pair(w, 19, name, ""),
        Environment::Routing { port, server } => {
            w.u8(20);
            let length = 5 + 2 * server.encode_utf16().count();
            w.u16(length as u16).u8(0).u16(*port);
            wire::put_us_varchar(w, server);
            w.u16(0);
        }
    }
    let length = (w.len() - at - 2) as u16;
    w.patch_u16(at, length);
}

/// Reads after the token byte.
pub fn read_environment(r: &mut ByteReader<'_>) -> TdsResult<Environment> {
    let length = r.u16()?;
    let mut b = ByteReader::new(r.bytes(usize::from(length))?);
    let b = &mut b;
    let kind = b.u8()?;
    let number = |s: String| s.trim().parse::<u32>().unwrap_or(0);
    Ok(match kind {
        1 => Environment::Database { new: wire::b_varchar(b)?, old: wire::b_varchar(b)? },
        2 => Environment::Language { new: wire::b_varchar(b)?, old: wire::b_varchar(b)? },
        3 => Environment::CharacterSet { new: wire::b_varchar(b)?, old: wire::b_varchar(b)? },
        4 => Environment::PacketSize { new: number(wire::b_varchar(b)?), old: number(wire::b_varchar(b)?) },
        5 | 6 => Environment::Locale { kind, new: wire::b_varchar(b)?, old: wire::b_varchar(b)? },
        7 => Environment::Collation {
            new: b_varbyte(b)?.first_chunk().copied(),
            old: b_varbyte(b)?.first_chunk().copied(),
        },
        8 => Environment::BeginTransaction(descriptor(b_varbyte(b)?)),
        9 | 10 | 17 => {
            b_varbyte(b)?;
            let d = descriptor(b_varbyte(b)?);
            match kind {
                9 => Environment::CommitTransaction(d),
                10 => Environment::RollbackTransaction(d),
                _ => Environment::TransactionEnded(d),
            }
        }
        11 => Environment::EnlistTransaction { new: b_varbyte(b)?.to_vec(), old: b_varbyte(b)?.to_vec() },
        12 => Environment::DefectTransaction { new: b_varbyte(b)?.to_vec(), old: b_varbyte(b)?.to_vec() },
        13 => Environment::MirrorPartner(wire::b_varchar(b)?),
        15 => {
            let n = b.u32()? as usize;
            Environment::PromoteTransaction(b.bytes(n)?.to_vec())
        }
        16 => Environment::TransactionManagerAddress(b_varbyte(b)?.to_vec()),
        18 => Environment::ResetConnection,
        19 => Environment::UserInstance(wire::b_varchar(b)?),
        20 => {
            b.u16()?;
            b.u8()?;
            Environment::Routing { port: b.u16()?, server: wire::us_varchar(b)? }
        }
        other => return Err(TdsError::Invalid { what: "environment change", value: other.into() }),
    })
}
