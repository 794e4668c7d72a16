//! LOGINACK (0xAD) and FEATUREEXTACK (0xAE).

use holdfast_base::{ByteReader, ByteWriter};

use super::code;
use crate::error::TdsResult;
use crate::login::{Feature, feature};
use crate::wire;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginAck {
    /// 1 = T-SQL.
    pub interface: u8,
    /// As LOGIN7 numbers it; big-endian here.
    pub tds_version: u32,
    pub program: String,
    /// major, minor, build.
    pub version: (u8, u8, u16),
}

pub fn write_login_ack(w: &mut ByteWriter, a: &LoginAck) {
    w.u8(code::LOGIN_ACK);
    let at = w.len();
    w.u16(0).u8(a.interface).u32_be(a.tds_version);
    wire::put_b_varchar(w, &a.program);
    w.u8(a.version.0).u8(a.version.1).u16_be(a.version.2);
    let length = (w.len() - at - 2) as u16;
    w.patch_u16(at, length);
}

/// Reads after the token byte.
pub fn read_login_ack(r: &mut ByteReader<'_>) -> TdsResult<LoginAck> {
    let length = r.u16()?;
    let mut b = ByteReader::new(r.bytes(usize::from(length))?);
    Ok(LoginAck {
        interface: b.u8()?,
        tds_version: b.u32_be()?,
        program: wire::b_varchar(&mut b)?,
        version: (b.u8()?, b.u8()?, b.u16_be()?),
    })
}

pub fn write_feature_ack(w: &mut ByteWriter, features: &[Feature]) {
    w.u8(code::FEATURE_EXT_ACK);
    for f in features {
        w.u8(f.id).u32(f.data.len() as u32).bytes(&f.data);
    }
    w.u8(feature::TERMINATOR);
}

/// Reads after the token byte.
pub fn read_feature_ack(r: &mut ByteReader<'_>) -> TdsResult<Vec<Feature>> {
    let mut out = Vec::new();
    loop {
        let id = r.u8()?;
        if id == feature::TERMINATOR {
            return Ok(out);
        }
        let n = r.u32()? as usize;
        out.push(Feature { id, data: r.bytes(n)?.to_vec() });
    }
}
