//! INFO (0xAB) and ERROR (0xAA): `u16 length, number i32, state u8, class u8, US_VARCHAR text, B_VARCHAR server, B_VARCHAR
//! procedure, line u32 (u16 before 7.2)`.

use holdfast_base::{ByteReader, ByteWriter};

use super::code;
use crate::TdsVersion;
use crate::error::TdsResult;
use crate::wire;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerMessage {
    pub number: i32,
    pub state: u8,
    /// Severity; up to 10 is informational.
    pub class: u8,
    pub text: String,
    pub server: String,
    pub procedure: String,
    pub line: u32,
}

/// The token's length field is 16 bits: texts are cut so that everything fits.
const TEXT_MAX: usize = 30_000;

/// Writes INFO for class ≤ 10, else ERROR.
pub fn write_message(w: &mut ByteWriter, m: &ServerMessage, version: TdsVersion) {
    w.u8(if m.class <= 10 { code::INFO } else { code::ERROR });
    let at = w.len();
    w.u16(0).i32(m.number).u8(m.state).u8(m.class);
    if m.text.len() > TEXT_MAX {
        let cut: String = m.text.chars().take(TEXT_MAX / 2).collect();
        wire::put_us_varchar(w, &cut);
    } else {
        wire::put_us_varchar(w, &m.text);
    }
    wire::put_b_varchar(w, &m.server);
    wire::put_b_varchar(w, &m.procedure);
    if version.has_72() {
        w.u32(m.line);
    } else {
        w.u16(m.line.min(0xFFFF) as u16);
    }
    let length = (w.len() - at - 2) as u16;
    w.patch_u16(at, length);
}

/// Reads after the token byte.
pub fn read_message(r: &mut ByteReader<'_>, version: TdsVersion) -> TdsResult<ServerMessage> {
    let length = r.u16()?;
    let mut b = ByteReader::new(r.bytes(usize::from(length))?);
    Ok(ServerMessage {
        number: b.i32()?,
        state: b.u8()?,
        class: b.u8()?,
        text: wire::us_varchar(&mut b)?,
        server: wire::b_varchar(&mut b)?,
        procedure: wire::b_varchar(&mut b)?,
        line: if version.has_72() { b.u32()? } else { u32::from(b.u16()?) },
    })
}
