//! RETURNSTATUS (0x79), RETURNVALUE (0xAC), ORDER (0xA9), SESSIONSTATE (0xE4).

use holdfast_base::{ByteReader, ByteWriter};
use holdfast_types::Value;

use super::code;
use crate::TdsVersion;
use crate::error::TdsResult;
use crate::type_info::{TypeContext, TypeInfo};
use crate::value::{ValueContext, decode_value, encode_value};
use crate::wire;

pub fn write_return_status(w: &mut ByteWriter, status: i32) {
    w.u8(code::RETURN_STATUS).i32(status);
}

/// An output parameter or the value of a user function.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnValue {
    pub ordinal: u16,
    pub name: String,
    /// 1 output parameter, 2 function value.
    pub status: u8,
    pub user_type: u32,
    pub flags: u16,
    pub info: TypeInfo,
    pub value: Value,
}

pub fn write_return_value(w: &mut ByteWriter, v: &ReturnValue, version: TdsVersion) -> TdsResult<()> {
    w.u8(code::RETURN_VALUE).u16(v.ordinal);
    wire::put_b_varchar(w, &v.name);
    w.u8(v.status);
    if version.has_72() {
        w.u32(v.user_type);
    } else {
        w.u16(v.user_type as u16);
    }
    w.u16(v.flags);
    v.info.encode(w, TypeContext::Column, version);
    encode_value(w, &v.info, &v.value, ValueContext::Parameter)
}

/// Reads after the token byte.
pub fn read_return_value(r: &mut ByteReader<'_>, version: TdsVersion) -> TdsResult<ReturnValue> {
    let ordinal = r.u16()?;
    let name = wire::b_varchar(r)?;
    let status = r.u8()?;
    let user_type = if version.has_72() { r.u32()? } else { u32::from(r.u16()?) };
    let flags = r.u16()?;
    let info = TypeInfo::decode(r, TypeContext::Column)?;
    let value = decode_value(r, &info, ValueContext::Parameter)?;
    Ok(ReturnValue { ordinal, name, status, user_type, flags, info, value })
}

/// Columns (from 1) that the result set is sorted by.
pub fn write_order(w: &mut ByteWriter, columns: &[u16]) {
    w.u8(code::ORDER).u16((columns.len() * 2).min(0xFFFF) as u16);
    for c in columns.iter().take(0x7FFF) {
        w.u16(*c);
    }
}

/// Recoverable session state: (state number, value) pairs.
pub fn write_session_state(w: &mut ByteWriter, sequence: u32, recoverable: bool, states: &[(u8, Vec<u8>)]) {
    w.u8(code::SESSION_STATE);
    let mut body = ByteWriter::new();
    body.u32(sequence).u8(u8::from(recoverable));
    for (id, value) in states {
        body.u8(*id);
        if value.len() < 0xFF {
            body.u8(value.len() as u8);
        } else {
            body.u8(0xFF).u32(value.len() as u32);
        }
        body.bytes(value);
    }
    w.u32(body.len() as u32).bytes(&body.buf);
}
