//! COLMETADATA: the columns of a result set. Also TABNAME and COLINFO, which browse-mode clients and server cursors read.
//!
//! `0x81, count u16 (0xFFFF = none), then per column: user type u32 (u16 before 7.2), flags u16, TYPE_INFO, for text types
//! the table's name parts, B_VARCHAR name`.

use holdfast_base::{ByteReader, ByteWriter};
use holdfast_types::TypeId;

use super::code;
use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::type_info::{TypeContext, TypeInfo};
use crate::wire;

/// Bits of a column's flags.
pub mod column_flags {
    pub const NULLABLE: u16 = 0x0001;
    pub const CASE_SENSITIVE: u16 = 0x0002;
    pub const UPDATABLE: u16 = 0x0004;
    pub const UPDATABLE_UNKNOWN: u16 = 0x0008;
    pub const IDENTITY: u16 = 0x0010;
    pub const COMPUTED: u16 = 0x0020;
    pub const FIXED_LENGTH_CLR: u16 = 0x0100;
    /// In a table-valued parameter: the column's values are not sent.
    pub const DEFAULT: u16 = 0x0200;
    pub const SPARSE_SET: u16 = 0x0400;
    pub const ENCRYPTED: u16 = 0x0800;
    pub const HIDDEN: u16 = 0x2000;
    pub const KEY: u16 = 0x4000;
}

/// User type numbers that clients know.
pub fn user_type(id: TypeId) -> u32 {
    match id {
        TypeId::RowVersion => 80,
        _ => 0,
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnMeta {
    pub name: String,
    pub info: TypeInfo,
    pub flags: u16,
    pub user_type: u32,
    /// Name parts of the table, for text, ntext and image.
    pub table: Vec<String>,
}

/// Most columns of a result set.
pub const COLUMNS_MAX: usize = 4096;

pub fn write_columns(w: &mut ByteWriter, columns: &[ColumnMeta], version: TdsVersion) {
    w.u8(code::COL_METADATA).u16(columns.len().min(COLUMNS_MAX) as u16);
    for c in columns.iter().take(COLUMNS_MAX) {
        if version.has_72() {
            w.u32(c.user_type);
        } else {
            w.u16(c.user_type as u16);
        }
        w.u16(c.flags);
        c.info.encode(w, TypeContext::Column, version);
        if c.info.is_long() {
            if version.has_72() {
                let parts = &c.table[c.table.len().saturating_sub(4)..];
                w.u8(parts.len() as u8);
                for p in parts {
                    wire::put_us_varchar(w, p);
                }
            } else {
                wire::put_us_varchar(w, &c.table.join("."));
            }
        }
        wire::put_b_varchar(w, &c.name);
    }
}

/// Who wrote COLMETADATA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writer {
    Server,
    /// A client in front of a bulk load: the table of text, ntext and image is one name without a count of parts, in every
    /// version.
    BulkClient,
}

/// Reads after the token byte; `None` for "no metadata".
pub fn read_columns(
    r: &mut ByteReader<'_>,
    version: TdsVersion,
    writer: Writer,
) -> TdsResult<Option<Vec<ColumnMeta>>> {
    let count = r.u16()?;
    if count == 0xFFFF {
        return Ok(None);
    }
    if usize::from(count) > COLUMNS_MAX {
        return Err(TdsError::TooLong { what: "columns", length: count.into(), limit: COLUMNS_MAX });
    }
    let mut out = Vec::with_capacity(usize::from(count).min(r.remaining() / 6 + 1));
    for _ in 0..count {
        let user_type = if version.has_72() { r.u32()? } else { u32::from(r.u16()?) };
        let flags = r.u16()?;
        let info = TypeInfo::decode(r, TypeContext::Column)?;
        let mut table = Vec::new();
        if info.is_long() {
            let counted = version.has_72() && writer == Writer::Server;
            let parts = if counted { r.u8()? } else { 1 };
            for _ in 0..parts {
                table.push(wire::us_varchar(r)?);
            }
        }
        let name = wire::b_varchar(r)?;
        out.push(ColumnMeta { name, info, flags, user_type, table });
    }
    Ok(Some(out))
}

/// TABNAME: the tables that COLINFO's columns come from, each as its name parts.
pub fn write_table_names(w: &mut ByteWriter, tables: &[Vec<String>]) {
    w.u8(code::TAB_NAME);
    let at = w.len();
    w.u16(0);
    for parts in tables {
        w.u8(parts.len().min(4) as u8);
        for p in parts.iter().take(4) {
            wire::put_us_varchar(w, p);
        }
    }
    let length = (w.len() - at - 2).min(0xFFFF) as u16;
    w.patch_u16(at, length);
}

/// One entry of COLINFO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOrigin {
    /// Column number from 1.
    pub column: u8,
    /// Table number in TABNAME from 1, 0 for an expression.
    pub table: u8,
    /// 4 expression, 8 key, 0x10 hidden, 0x20 name differs from the base column's.
    pub status: u8,
    pub base_name: String,
}

pub fn write_column_origins(w: &mut ByteWriter, origins: &[ColumnOrigin]) {
    w.u8(code::COL_INFO);
    let at = w.len();
    w.u16(0);
    for o in origins {
        w.u8(o.column).u8(o.table).u8(o.status);
        if o.status & 0x20 != 0 {
            wire::put_b_varchar(w, &o.base_name);
        }
    }
    let length = (w.len() - at - 2).min(0xFFFF) as u16;
    w.patch_u16(at, length);
}
