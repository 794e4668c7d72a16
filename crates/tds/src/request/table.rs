//! Table-valued parameters: type name, column metadata, optional order and uniqueness, rows.
//!
//! Evidence: MS-TDS 2.2.5.5.5.

use holdfast_base::{ByteReader, ByteWriter};
use holdfast_types::Value;

use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::token::column_flags;
use crate::type_info::{TypeContext, TypeInfo, code};
use crate::value::{ValueContext, decode_value, encode_value};
use crate::wire;

#[derive(Clone, Debug, PartialEq)]
pub struct TableColumn {
    pub info: TypeInfo,
    pub flags: u16,
    pub user_type: u32,
    pub name: String,
}

impl TableColumn {
    /// The client leaves the column to its default; rows carry nothing for it.
    pub fn is_default(&self) -> bool {
        self.flags & column_flags::DEFAULT != 0
    }
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct TableValue {
    pub database: String,
    pub schema: String,
    pub type_name: String,
    /// Empty with no rows for a NULL table.
    pub columns: Vec<TableColumn>,
    /// One value per column; defaulted columns hold NULL.
    pub rows: Vec<Vec<Value>>,
    /// (column from 1, flags: 1 ascending, 2 descending, 4 unique).
    pub order: Vec<(u16, u8)>,
}

const COLUMNS_MAX: usize = 1024;
const NO_METADATA: u16 = 0xFFFF;
const TOKEN_END: u8 = 0x00;
const TOKEN_ROW: u8 = 0x01;
const TOKEN_ORDER_UNIQUE: u8 = 0x10;
const TOKEN_COLUMN_ORDERING: u8 = 0x11;

impl TableValue {
    /// Reads after the type byte.
    pub fn decode(r: &mut ByteReader<'_>, payload: &[u8], version: TdsVersion) -> TdsResult<Self> {
        if !version.has_73() {
            return Err(TdsError::DataType(code::TABLE));
        }
        let mut out = TableValue {
            database: wire::b_varchar(r)?,
            schema: wire::b_varchar(r)?,
            type_name: wire::b_varchar(r)?,
            ..Default::default()
        };
        let count = r.u16()?;
        if count != NO_METADATA {
            if usize::from(count) > COLUMNS_MAX {
                return Err(TdsError::TooLong {
                    what: "table columns",
                    length: count.into(),
                    limit: COLUMNS_MAX,
                });
            }
            for _ in 0..count {
                let user_type = r.u32()?;
                let flags = r.u16()?;
                let info = TypeInfo::decode(r, TypeContext::Parameter)?;
                let name = wire::b_varchar(r)?;
                out.columns.push(TableColumn { info, flags, user_type, name });
            }
        }
        loop {
            match r.u8()? {
                TOKEN_END => break,
                TOKEN_ORDER_UNIQUE => {
                    let n = r.u16()?;
                    for _ in 0..n {
                        out.order.push((r.u16()?, r.u8()?));
                    }
                }
                TOKEN_COLUMN_ORDERING => {
                    let n = r.u16()?;
                    r.skip(usize::from(n) * 2)?;
                }
                other => {
                    return Err(TdsError::Token { token: other, offset: r.position().saturating_sub(1) });
                }
            }
        }
        loop {
            // Rows of a table without columns would take one byte each and grow without bound.
            match r.u8()? {
                TOKEN_END => return Ok(out),
                TOKEN_ROW if !out.columns.is_empty() => {
                    let mut row = Vec::with_capacity(out.columns.len());
                    for c in &out.columns {
                        row.push(if c.is_default() {
                            Value::Null
                        } else {
                            decode_value(r, &c.info, ValueContext::Parameter)?
                        });
                    }
                    out.rows.push(row);
                    if out.rows.len() > payload.len() {
                        return Err(TdsError::TooLong {
                            what: "table rows",
                            length: out.rows.len(),
                            limit: payload.len(),
                        });
                    }
                }
                other => {
                    return Err(TdsError::Token { token: other, offset: r.position().saturating_sub(1) });
                }
            }
        }
    }

    pub fn encode(&self, w: &mut ByteWriter, version: TdsVersion) -> TdsResult<()> {
        w.u8(code::TABLE);
        for part in [&self.database, &self.schema, &self.type_name] {
            wire::put_b_varchar(w, part);
        }
        if self.columns.is_empty() {
            w.u16(NO_METADATA);
        } else {
            w.u16(self.columns.len() as u16);
            for c in &self.columns {
                w.u32(c.user_type).u16(c.flags);
                c.info.encode(w, TypeContext::Parameter, version);
                wire::put_b_varchar(w, &c.name);
            }
        }
        if !self.order.is_empty() {
            w.u8(TOKEN_ORDER_UNIQUE).u16(self.order.len() as u16);
            for (column, flags) in &self.order {
                w.u16(*column).u8(*flags);
            }
        }
        w.u8(TOKEN_END);
        for row in &self.rows {
            w.u8(TOKEN_ROW);
            for (c, v) in self.columns.iter().zip(row).filter(|(c, _)| !c.is_default()) {
                encode_value(w, &c.info, v, ValueContext::Parameter)?;
            }
        }
        w.u8(TOKEN_END);
        Ok(())
    }
}
