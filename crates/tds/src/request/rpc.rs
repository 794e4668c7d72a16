//! RPC: one or more procedure calls in one message. Each: name or number, option flags, parameters; calls are separated by
//! 0xFF (0x80 before 7.2), or 0xFE when the next must not run.
//!
//! Evidence: MS-TDS 2.2.6.6.

use holdfast_base::{ByteReader, ByteWriter};
use holdfast_types::Value;

use super::Headers;
use super::table::TableValue;
use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::type_info::{TypeContext, TypeInfo, code};
use crate::value::{ValueContext, decode_value, encode_value};
use crate::wire;

/// Most parameters of a call. A call with more is decoded with one more than that, which says so; the others are dropped.
pub const PARAMETERS_MAX: usize = 2100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RpcProcedure {
    Name(String),
    /// Well-known procedure; see [`well_known`].
    Number(u16),
}

/// Name of a well-known procedure number.
pub fn well_known(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "sp_cursor",
        2 => "sp_cursoropen",
        3 => "sp_cursorprepare",
        4 => "sp_cursorexecute",
        5 => "sp_cursorprepexec",
        6 => "sp_cursorunprepare",
        7 => "sp_cursorfetch",
        8 => "sp_cursoroption",
        9 => "sp_cursorclose",
        10 => "sp_executesql",
        11 => "sp_prepare",
        12 => "sp_execute",
        13 => "sp_prepexec",
        14 => "sp_prepexecrpc",
        15 => "sp_unprepare",
        _ => return None,
    })
}

#[derive(Clone, Debug, PartialEq)]
pub enum RpcValue {
    Scalar { info: TypeInfo, value: Value },
    Table(TableValue),
}

#[derive(Clone, Debug, PartialEq)]
pub struct RpcParameter {
    /// With the `@`; empty when positional.
    pub name: String,
    pub by_reference: bool,
    pub default: bool,
    pub value: RpcValue,
}

impl RpcParameter {
    pub fn scalar(name: &str, info: TypeInfo, value: Value) -> Self {
        RpcParameter {
            name: name.into(),
            by_reference: false,
            default: false,
            value: RpcValue::Scalar { info, value },
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct RpcCall {
    pub procedure: RpcProcedure,
    /// 1 recompile, 2 no metadata, 4 reuse metadata.
    pub options: u16,
    pub parameters: Vec<RpcParameter>,
    /// Preceded by "do not execute".
    pub no_execute: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rpc {
    pub headers: Headers,
    pub calls: Vec<RpcCall>,
}

fn is_separator(byte: u8, version: TdsVersion) -> bool {
    if version.has_72() { matches!(byte, 0xFF | 0xFE) } else { byte == 0x80 }
}

impl Rpc {
    pub fn decode(payload: &[u8], version: TdsVersion) -> TdsResult<Self> {
        let mut r = ByteReader::new(payload);
        let headers = Headers::decode(&mut r, version)?;
        let mut calls = Vec::new();
        let mut no_execute = false;
        while !r.is_empty() {
            let (call, next) = decode_call(&mut r, payload, version, no_execute)?;
            calls.push(call);
            no_execute = next;
        }
        Ok(Rpc { headers, calls })
    }

    pub fn encode(&self, version: TdsVersion) -> TdsResult<Vec<u8>> {
        let mut w = ByteWriter::new();
        self.headers.encode(&mut w, version);
        for (i, call) in self.calls.iter().enumerate() {
            if i > 0 {
                w.u8(match (version.has_72(), call.no_execute) {
                    (false, _) => 0x80,
                    (true, false) => 0xFF,
                    (true, true) => 0xFE,
                });
            }
            match &call.procedure {
                RpcProcedure::Name(n) => wire::put_us_varchar(&mut w, n),
                RpcProcedure::Number(n) => {
                    w.u16(0xFFFF).u16(*n);
                }
            }
            w.u16(call.options);
            for p in &call.parameters {
                wire::put_b_varchar(&mut w, &p.name);
                w.u8(u8::from(p.by_reference) | u8::from(p.default) << 1);
                match &p.value {
                    RpcValue::Scalar { info, value } => {
                        info.encode(&mut w, TypeContext::Parameter, version);
                        encode_value(&mut w, info, value, ValueContext::Parameter)?;
                    }
                    RpcValue::Table(t) => t.encode(&mut w, version)?,
                }
            }
        }
        Ok(w.buf)
    }
}

/// Reads one call and the separator after it; the flag says that the next call must not run.
fn decode_call(
    r: &mut ByteReader<'_>,
    payload: &[u8],
    version: TdsVersion,
    no_execute: bool,
) -> TdsResult<(RpcCall, bool)> {
    let length = r.u16()?;
    let procedure = if length == 0xFFFF {
        RpcProcedure::Number(r.u16()?)
    } else {
        if length > 1046 {
            return Err(TdsError::TooLong { what: "procedure name", length: length.into(), limit: 1046 });
        }
        RpcProcedure::Name(wire::ucs2(r, usize::from(length))?)
    };
    let options = r.u16()?;
    let mut parameters = Vec::new();
    while let Some(&next) = payload.get(r.position()) {
        if is_separator(next, version) {
            r.u8()?;
            return Ok((RpcCall { procedure, options, parameters, no_execute }, next == 0xFE));
        }
        let parameter = decode_parameter(r, payload, version)?;
        if parameters.len() <= PARAMETERS_MAX {
            parameters.push(parameter);
        }
    }
    Ok((RpcCall { procedure, options, parameters, no_execute }, false))
}

fn decode_parameter(r: &mut ByteReader<'_>, payload: &[u8], version: TdsVersion) -> TdsResult<RpcParameter> {
    let name = wire::b_varchar(r)?;
    let flags = r.u8()?;
    let value = if payload.get(r.position()) == Some(&code::TABLE) {
        r.u8()?;
        RpcValue::Table(TableValue::decode(r, payload, version)?)
    } else {
        let info = TypeInfo::decode(r, TypeContext::Parameter)?;
        let value = decode_value(r, &info, ValueContext::Parameter)?;
        RpcValue::Scalar { info, value }
    };
    Ok(RpcParameter { name, by_reference: flags & 1 != 0, default: flags & 2 != 0, value })
}
