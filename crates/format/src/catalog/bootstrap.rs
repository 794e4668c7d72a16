//! The hard-wired layouts: what must be known before the catalog can describe itself.
//!
//! Invariants
//! 1. Offsets are those of data records; every field read here is a fixed column that all known versions place alike, apart
//!    from what [`Shape`] lists.
//!
//! Evidence: equal to the catalogue's own description on every genuine file.

use std::collections::HashMap;

use holdfast_base::PageId;

use super::{AllocationUnit, BaseColumn, Rowset, SystemTables, object, unit_type};
use crate::boot::BootPage;
use crate::btree::{self, LeafChain};
use crate::error::FormatError;
use crate::page::{PageType, PageView};
use crate::record::layout::{column_status, xtype};
use crate::record::row::RowKind;
use crate::record::{FixedVar, PageRows, PhysicalColumn, Row};
use crate::source::PageSource;

/// How the storage catalog of a version is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// First and last database version.
    pub versions: (u16, u16),
    /// Columns of rowsets are in sysrscols; otherwise in sysrowsetcolumns and syshobtcolumns.
    pub rscols: bool,
    /// sysrowsets has compression level and fill factor (offsets 39 and 40).
    pub rowset_details: bool,
}

/// All known shapes, by version.
pub const SHAPES: [Shape; 2] = [
    Shape { versions: (611, 654), rscols: false, rowset_details: false },
    Shape { versions: (655, 1099), rscols: true, rowset_details: true },
];

pub fn shape(version: u16) -> Result<Shape, FormatError> {
    SHAPES
        .into_iter()
        .find(|s| (s.versions.0..=s.versions.1).contains(&version))
        .ok_or(FormatError::Version { version })
}

/// (name, xtype) of syscolpars in column-id order; the same in all versions.
const SYSCOLPARS: [&str; 16] = [
    "id",
    "number",
    "colid",
    "name",
    "xtype",
    "utype",
    "length",
    "prec",
    "scale",
    "collationid",
    "status",
    "maxinrow",
    "xmlns",
    "dflt",
    "chk",
    "idtval",
];

pub fn syscolpars_columns() -> Vec<BaseColumn> {
    SYSCOLPARS
        .iter()
        .zip(1..)
        .map(|(name, id)| BaseColumn { name: (*name).to_owned(), column_id: id })
        .collect()
}

/// Fixed fields of a row, by offset.
struct Fixed<'a> {
    record: FixedVar<'a>,
    page: PageId,
    slot: u16,
}

impl Fixed<'_> {
    fn bytes<const N: usize>(&self, offset: usize) -> Result<[u8; N], FormatError> {
        let mut out = [0u8; N];
        let end = offset + N;
        if end > usize::from(self.record.fixed_end()) {
            return Err(FormatError::Record {
                page: self.page,
                slot: self.slot,
                offset,
                what: "a bootstrap column is missing",
            });
        }
        out.copy_from_slice(&self.record.bytes()[offset..end]);
        Ok(out)
    }
    fn u8(&self, offset: usize) -> Result<u8, FormatError> {
        Ok(self.bytes::<1>(offset)?[0])
    }
    fn i16(&self, offset: usize) -> Result<i16, FormatError> {
        Ok(i16::from_le_bytes(self.bytes(offset)?))
    }
    fn u16(&self, offset: usize) -> Result<u16, FormatError> {
        Ok(u16::from_le_bytes(self.bytes(offset)?))
    }
    fn i32(&self, offset: usize) -> Result<i32, FormatError> {
        Ok(i32::from_le_bytes(self.bytes(offset)?))
    }
    fn u32(&self, offset: usize) -> Result<u32, FormatError> {
        Ok(u32::from_le_bytes(self.bytes(offset)?))
    }
    fn u64(&self, offset: usize) -> Result<u64, FormatError> {
        Ok(u64::from_le_bytes(self.bytes(offset)?))
    }
    fn i64(&self, offset: usize) -> Result<i64, FormatError> {
        Ok(i64::from_le_bytes(self.bytes(offset)?))
    }
    fn page_id(&self, offset: usize) -> Result<PageId, FormatError> {
        Ok(PageId::from_bytes(self.bytes(offset)?))
    }
}

/// Calls `take` for every row of a chain of data pages.
fn for_rows(
    chain: LeafChain<'_>,
    mut take: impl FnMut(Fixed<'_>) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    for page in chain {
        let (at, page) = page?;
        let view = PageView::new(&page);
        view.expect(at, PageType::Data)?;
        let rows = PageRows::new(view)?;
        for slot in 0..rows.len() {
            let Some(row) = rows.row(slot)? else { continue };
            if row.kind() != RowKind::Row {
                continue;
            }
            match row {
                Row::Plain(record) => take(Fixed { record, page: at, slot })?,
                Row::Compressed { .. } => {
                    return Err(FormatError::Page { page: at, what: "a bootstrap table is compressed" });
                }
            }
        }
    }
    Ok(())
}

pub(super) fn read_units(
    source: &dyn PageSource,
    boot: &BootPage,
) -> Result<Vec<AllocationUnit>, FormatError> {
    let mut units = Vec::new();
    for_rows(LeafChain::new(source, boot.first_sys_indexes, false), |row| {
        units.push(AllocationUnit {
            id: row.u64(4)?,
            kind: row.u8(12)?,
            owner: row.u64(13)?,
            filegroup: row.i16(25)?,
            first: row.page_id(27)?,
            root: row.page_id(33)?,
            first_iam: row.page_id(39)?,
            used_pages: row.i64(45)?,
            data_pages: row.i64(53)?,
            reserved_pages: row.i64(61)?,
        });
        Ok(())
    })?;
    if units.is_empty() {
        return Err(FormatError::catalog("sysallocunits is empty"));
    }
    Ok(units)
}

/// The rows of a bootstrap table, whose rowset id is its object id << 16.
fn table<'s>(
    source: &'s dyn PageSource,
    tables: &SystemTables,
    object: i32,
) -> Result<LeafChain<'s>, FormatError> {
    let rowset = u64::from(object.unsigned_abs()) << 16;
    let unit = tables
        .unit(rowset, unit_type::IN_ROW)
        .ok_or_else(|| FormatError::catalog(format!("base table {object} has no allocation unit")))?;
    btree::leaves(source, unit.root, true)
}

pub(super) fn read_rowsets(
    source: &dyn PageSource,
    tables: &SystemTables,
    shape: Shape,
) -> Result<Vec<Rowset>, FormatError> {
    let mut rowsets = Vec::new();
    for_rows(table(source, tables, object::SYSROWSETS)?, |row| {
        rowsets.push(Rowset {
            id: row.u64(4)?,
            object_id: row.i32(13)?,
            index_id: row.i32(17)?,
            partition: row.i32(21)?,
            status: row.u32(25)?,
            rows: row.i64(31)?,
            compression: if shape.rowset_details { row.u8(39)? } else { 0 },
            fill_factor: if shape.rowset_details { row.u8(40)? } else { 0 },
        });
        Ok(())
    })?;
    Ok(rowsets)
}

type ColumnsByRowset = HashMap<u64, Vec<PhysicalColumn>>;

pub(super) fn read_columns(
    source: &dyn PageSource,
    tables: &SystemTables,
    shape: Shape,
) -> Result<ColumnsByRowset, FormatError> {
    if shape.rscols { read_rscols(source, tables) } else { read_hobt_columns(source, tables) }
}

fn read_rscols(source: &dyn PageSource, tables: &SystemTables) -> Result<ColumnsByRowset, FormatError> {
    let mut out = ColumnsByRowset::new();
    for_rows(table(source, tables, object::SYSRSCOLS)?, |row| {
        let mut column = PhysicalColumn {
            column_id: row.i32(12)?,
            physical_id: row.i32(16)?,
            collation: row.u32(32)?,
            key_ordinal: row.i16(36)?,
            status: row.u32(40)?,
            ..PhysicalColumn::default()
        };
        column.set_type(row.u32(28)?);
        column.set_placement(row.u32(44)?, row.u32(48)?, row.u16(52)?);
        out.entry(row.u64(4)?).or_default().push(column);
        Ok(())
    })?;
    Ok(out)
}

/// Status bits of `syshobtcolumns.status` (2005).
pub mod hobt_status {
    /// Assumed, as the bit of sysrscols that came of it.
    pub const DESCENDING: u32 = 1;
    pub const UNIQUIFIER: u32 = 2;
    pub const NOT_NULL: u32 = 0x20;
}

/// Version 611: logical columns of a rowset point to physical columns of its heap or B-tree.
fn read_hobt_columns(source: &dyn PageSource, tables: &SystemTables) -> Result<ColumnsByRowset, FormatError> {
    let mut logical: HashMap<(u64, i32), (i32, u32)> = HashMap::new();
    for_rows(table(source, tables, object::SYSROWSETCOLUMNS)?, |row| {
        logical.insert((row.u64(4)?, row.i32(16)?), (row.i32(12)?, row.u32(20)?));
        Ok(())
    })?;
    let mut out = ColumnsByRowset::new();
    for_rows(table(source, tables, object::SYSHOBTCOLUMNS)?, |row| {
        let rowset = row.u64(4)?;
        let physical_id = row.i32(12)?;
        let found = logical.get(&(rowset, physical_id)).copied();
        let bits = row.u32(16)?;
        let mut column = PhysicalColumn {
            column_id: found.map_or(0, |f| f.0),
            physical_id,
            collation: row.u32(27)?,
            key_ordinal: row.i16(20)?,
            xtype: row.u8(22)?,
            precision: row.u8(25)?,
            scale: row.u8(26)?,
            ..PhysicalColumn::default()
        };
        let length = row.i16(23)?;
        column.length = if length > 0 && takes_length(column.xtype) { length.unsigned_abs() } else { 0 };
        let pair = |leaf: u16, internal: u16| u32::from(leaf) | u32::from(internal) << 16;
        column.set_placement(
            pair(row.u16(31)?, row.u16(33)?),
            pair(row.u16(37)?, row.u16(39)?),
            u16::from(row.u8(35)?) | u16::from(row.u8(36)?) << 8,
        );
        // Only the uniquifier is an int among the variable columns; in nonclustered indexes it is not marked.
        let uniquifier =
            bits & hobt_status::UNIQUIFIER != 0 || (column.xtype == xtype::INT && column.leaf.offset < 0);
        let dropped = !uniquifier && found.is_none_or(|f| f.1 & column_status::DROPPED != 0);
        let says = |bit: u32, status: u32| if bits & bit != 0 { status } else { 0 };
        column.status = says(hobt_status::DESCENDING, column_status::DESCENDING)
            | says(hobt_status::NOT_NULL, column_status::NOT_NULL)
            | if uniquifier { column_status::UNIQUIFIER } else { 0 }
            | if dropped { column_status::DROPPED } else { 0 };
        if uniquifier {
            column.column_id = 0;
        }
        out.entry(rowset).or_default().push(column);
        Ok(())
    })?;
    Ok(out)
}

/// Types whose declared length is part of the packed type.
fn takes_length(kind: u8) -> bool {
    matches!(
        kind,
        xtype::CHAR
            | xtype::VARCHAR
            | xtype::NCHAR
            | xtype::NVARCHAR
            | xtype::BINARY
            | xtype::VARBINARY
            | xtype::CLR
    )
}
