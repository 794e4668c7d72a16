//! User tables: columns, clustered primary key, generated rows, and the catalogue rows that CREATE TABLE adds.
//!
//! Evidence: the rows follow the worked example of a genuine table (docs/format/backup.md names the source facts).

use std::sync::Arc;

use holdfast_format::record::layout::xtype;

use crate::template::Template;
use crate::value::Stored;
use crate::{GeneratorError, Result};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ty {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal(u8, u8),
    Money,
    Float,
    Real,
    Date,
    Time7,
    DateTime2,
    DateTime,
    DateTimeOffset,
    UniqueIdentifier,
    Char(u16),
    VarChar(u16),
    NChar(u16),
    NVarChar(u16),
    Binary(u16),
    VarBinary(u16),
}

/// xtype, bytes, precision, scale, packed type, has a collation, is ANSI padded, is variable.
struct Facts {
    xtype: u8,
    length: i32,
    precision: u8,
    scale: u8,
    ti: u32,
    collated: bool,
    padded: bool,
    variable: bool,
}

impl Ty {
    fn facts(self) -> Facts {
        let plain = |xtype: u8, length: i32, precision: u8, scale: u8| Facts {
            xtype,
            length,
            precision,
            scale,
            ti: u32::from(xtype),
            collated: false,
            padded: false,
            variable: false,
        };
        let scaled = |xtype: u8, length, precision| Facts {
            ti: u32::from(xtype) | 7 << 8,
            ..plain(xtype, length, precision, 7)
        };
        let sized = |xtype: u8, bytes: u16, collated, variable| Facts {
            ti: u32::from(xtype) | u32::from(bytes) << 8,
            collated,
            padded: true,
            variable,
            ..plain(xtype, i32::from(bytes), 0, 0)
        };
        match self {
            Ty::Bit => plain(xtype::BIT, 1, 1, 0),
            Ty::TinyInt => plain(xtype::TINYINT, 1, 3, 0),
            Ty::SmallInt => plain(xtype::SMALLINT, 2, 5, 0),
            Ty::Int => plain(xtype::INT, 4, 10, 0),
            Ty::BigInt => plain(xtype::BIGINT, 8, 19, 0),
            Ty::Decimal(p, s) => Facts {
                ti: u32::from(xtype::DECIMAL) | u32::from(p) << 8 | u32::from(s) << 16,
                ..plain(xtype::DECIMAL, i32::from(holdfast_format::record::layout::decimal_size(p)), p, s)
            },
            Ty::Money => plain(xtype::MONEY, 8, 19, 4),
            Ty::Float => plain(xtype::FLOAT, 8, 53, 0),
            Ty::Real => plain(xtype::REAL, 4, 24, 0),
            Ty::Date => plain(xtype::DATE, 3, 10, 0),
            Ty::Time7 => scaled(xtype::TIME, 5, 16),
            Ty::DateTime2 => scaled(xtype::DATETIME2, 8, 27),
            Ty::DateTimeOffset => scaled(xtype::DATETIMEOFFSET, 10, 34),
            Ty::DateTime => plain(xtype::DATETIME, 8, 23, 3),
            Ty::UniqueIdentifier => plain(xtype::GUID, 16, 0, 0),
            Ty::Char(n) => sized(xtype::CHAR, n, true, false),
            Ty::VarChar(n) => sized(xtype::VARCHAR, n, true, true),
            Ty::NChar(n) => sized(xtype::NCHAR, n * 2, true, false),
            Ty::NVarChar(n) => sized(xtype::NVARCHAR, n * 2, true, true),
            Ty::Binary(n) => sized(xtype::BINARY, n, false, false),
            Ty::VarBinary(n) => sized(xtype::VARBINARY, n, false, true),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub ty: Ty,
    pub nullable: bool,
}

pub fn column(name: &str, ty: Ty) -> Column {
    Column { name: name.to_owned(), ty, nullable: false }
}

pub fn nullable(name: &str, ty: Ty) -> Column {
    Column { nullable: true, ..column(name, ty) }
}

/// Makes row `i` (from 0): stored values in column order, keys ascending in `i`.
pub type RowSource = Arc<dyn Fn(u64) -> Vec<Stored> + Send + Sync>;

/// A table whose first column is its clustered primary key.
#[derive(Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The key is an identity column (1, 1).
    pub identity: bool,
    /// (column position from 1, name of the table it refers to): foreign keys.
    pub references: Vec<(i32, String)>,
    /// 0 none, 1 ROW, 2 PAGE.
    pub compression: u8,
    pub row_count: u64,
    pub rows: RowSource,
}

/// A table with its place in the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub object: i32,
    pub rowset: i64,
    pub unit: i64,
    /// End of the fixed part of a leaf record.
    pub minleaf: u16,
}

/// Numbers the catalogue hands out.
pub struct Numbers {
    pub object: i32,
    pub rowset: i64,
    pub unit: i64,
    /// Creation time of all objects, `YYYY-MM-DD HH:MM:SS.mmm`.
    pub created: String,
    pub collation: u32,
}

/// First unit and rowset number of user objects.
const USER_RANGE: i64 = 0x0100 << 48;
/// Distance between object ids.
const OBJECT_STEP: i64 = 16_000_057;
const FIRST_OBJECT: i32 = 581_577_110;

impl Numbers {
    /// Goes on after the rows that are there.
    pub fn after(template: &Template, created: &str, collation: u32) -> Result<Self> {
        let highest = |table: &str| -> Result<i64> {
            let rows = &template.table(table)?.rows;
            Ok(rows
                .iter()
                .map(|r| Template::number(r, 0))
                .filter(|n| n >> 48 == 0x0100)
                .max()
                .unwrap_or(USER_RANGE))
        };
        Ok(Numbers {
            object: FIRST_OBJECT,
            rowset: highest("sysrowsets")? + 0x1_0000,
            unit: highest("sysallocunits")? + 0x1_0000,
            created: created.to_owned(),
            collation,
        })
    }

    fn next_object(&mut self) -> i32 {
        let id = self.object;
        self.object = ((i64::from(id) + OBJECT_STEP) % (1 << 31)) as i32;
        id
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |s, b| format!("{s}{b:02X}"))
}

impl Table {
    /// Adds the table's catalogue rows, without foreign keys.
    pub fn place(&self, t: &mut Template, n: &mut Numbers) -> Result<Placed> {
        let (object, key) = (n.next_object(), n.next_object());
        let count = self.columns.len();
        let created = n.created.clone();
        let dates: [&dyn std::fmt::Display; 2] = [&created, &created];
        let name = &self.name;
        let pk = format!("PK_{name}");
        t.add_row(
            "sysschobjs",
            &[&object, name, &1, &0, &917_504, &"U ", &0, &1, &count, dates[0], dates[1], &0],
        )?;
        t.add_row("sysschobjs", &[&key, &pk, &1, &0, &0, &"PK", &object, &1, &0, dates[0], dates[1], &0])?;
        let (rowset, unit) = (n.rowset, n.unit);
        n.rowset += 0x1_0000;
        n.unit += 0x1_0000;
        let minleaf = self.place_columns(t, n, object, rowset)?;
        t.add_row("sysidxstats", &[&object, &1, &pk, &0x8002B, &0, &0, &1, &0, &0, &0, &rowset])?;
        t.add_row("sysiscols", &[&object, &1, &1, &3, &1, &1, &0, &0, &0])?;
        t.add_row("sysobjvalues", &[&60, &object, &1, &0, &"bigint:0"])?;
        t.add_row("syssingleobjrefs", &[&93, &key, &0, &1, &0, &0])?;
        let key_size = self.columns.first().map_or(0, |c| c.ty.facts().length);
        let variable: Vec<i32> =
            self.columns.iter().map(|c| c.ty.facts()).filter(|f| f.variable).map(|f| f.length).collect();
        let tail = if variable.is_empty() { 0 } else { 2 + variable.iter().map(|l| l + 2).sum::<i32>() };
        let maxleaf = i32::from(minleaf) + 2 + (count as i32 + 7) / 8 + tail;
        let minint = 1 + key_size + 6;
        if maxleaf > 8060 {
            return Err(self.error("rows may not exceed 8060 bytes"));
        }
        t.add(
            "sysrowsets",
            &[
                ("rowsetid", rowset.to_string()),
                ("ownertype", "1".into()),
                ("idmajor", object.to_string()),
                ("idminor", "1".into()),
                ("numpart", "1".into()),
                ("status", 0x40246.to_string()),
                ("fgidfs", "0".into()),
                ("rcrows", self.row_count.to_string()),
                ("cmprlevel", self.compression.to_string()),
                ("fillfact", "0".into()),
                ("maxnullbit", count.to_string()),
                ("maxleaf", maxleaf.to_string()),
                ("maxint", (minint + 4).to_string()),
                ("minleaf", minleaf.to_string()),
                ("minint", minint.to_string()),
                ("scope_id", "1".into()),
            ],
        )?;
        let null_page = "0x000000000000";
        t.add_row(
            "sysallocunits",
            &[&unit, &1, &rowset, &0, &1, &null_page, &null_page, &null_page, &0, &0, &0],
        )?;
        Ok(Placed { object, rowset, unit, minleaf })
    }

    fn error(&self, what: &str) -> GeneratorError {
        GeneratorError::Table { table: self.name.clone(), what: what.to_owned() }
    }

    /// syscolpars and sysrscols; gives the end of the fixed part.
    fn place_columns(&self, t: &mut Template, n: &Numbers, object: i32, rowset: i64) -> Result<u16> {
        let (mut fixed, mut variable) = (4i32, 0i32);
        let mut bit = 8;
        let mut bit_offset = 0;
        for (i, c) in self.columns.iter().enumerate() {
            let f = c.ty.facts();
            let id = i as i32 + 1;
            let key = i == 0;
            if key && (c.nullable || f.variable || f.collated) {
                return Err(self.error("the first column must be a fixed NOT NULL key"));
            }
            let mut position = 0;
            let leaf = if f.variable {
                variable += 1;
                -variable
            } else if c.ty == Ty::Bit {
                if bit == 8 {
                    (bit, bit_offset) = (0, fixed);
                    fixed += 1;
                }
                position = bit;
                bit += 1;
                bit_offset
            } else {
                fixed += f.length;
                fixed - f.length
            };
            let (internal, internal_null) = if key { (1u32, 1u32) } else { (0, 0) };
            let offset = (leaf as i16 as u16 as u32 | internal << 16) as i32;
            let nullbit = id as u32 | internal_null << 16;
            let collation = if f.collated { n.collation } else { 0 };
            let rs_status = if c.nullable { 0 } else { 0x80 };
            t.add_row(
                "sysrscols",
                &[
                    &rowset,
                    &id,
                    &id,
                    &0,
                    &f.ti,
                    &collation,
                    &i32::from(key),
                    &0,
                    &rs_status,
                    &offset,
                    &nullbit,
                    &position,
                ],
            )?;
            let status =
                u32::from(!c.nullable) | u32::from(f.padded) << 1 | u32::from(key && self.identity) << 2;
            let x = f.xtype;
            let (p, s) = (f.precision, f.scale);
            t.add_row(
                "syscolpars",
                &[
                    &object, &0, &id, &c.name, &x, &x, &f.length, &p, &s, &collation, &status, &f.length, &0,
                    &0, &0,
                ],
            )?;
            if key && self.identity {
                let width = f.length as usize;
                let number = |v: u64| v.to_le_bytes()[..width.min(8)].to_vec();
                let value = [
                    number(self.row_count.max(1)),
                    number(1),
                    number(1),
                    vec![u8::from(self.row_count == 0)],
                ];
                let table = t.table_mut("syscolpars")?;
                let at = table.position("idtval");
                if let (Some(row), Some(at)) = (table.rows.last_mut(), at) {
                    row[at] = Some(hex(&value.concat()));
                }
            }
        }
        u16::try_from(fixed).map_err(|_| self.error("the fixed columns are too long"))
    }

    /// Foreign keys to the primary keys of other tables.
    pub fn place_references(
        &self,
        t: &mut Template,
        n: &mut Numbers,
        own: i32,
        find: &dyn Fn(&str) -> Option<i32>,
    ) -> Result<()> {
        for (column, target) in &self.references {
            let parent = find(target).ok_or_else(|| self.error("it refers to a table that is not there"))?;
            let id = n.next_object();
            let name = format!("FK_{}_{target}", self.name);
            let created = n.created.clone();
            t.add_row(
                "sysschobjs",
                &[&id, &name, &1, &0, &0, &"F ", &own, &1, column, &created, &created, &0],
            )?;
            t.add_row("syssingleobjrefs", &[&27, &id, &0, &parent, &1, &0])?;
            t.add_row("syssingleobjrefs", &[&28, &id, &1, &own, column, &0])?;
            t.add_row("syssingleobjrefs", &[&29, &id, &1, &parent, &1, &0])?;
        }
        Ok(())
    }
}
