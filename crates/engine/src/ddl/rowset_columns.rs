//! Columns and figures of rowsets in the catalogue. From 2008 on columns are rows of sysrscols, and figures stand in sysrowsets. 2005
//! has two rows for each column, in sysrowsetcolumns (which column of the table it is) and in syshobtcolumns (its type, and where it
//! lies in records); figures stand in syshobts, and sysserefs names the units of a rowset.
//!
//! Invariants
//! 1. Whoever changes columns of rowsets does it here; no other code asks which of the two a database has.
//!
//! Evidence: rows of genuine databases of both kinds (docs/format/catalog.md), made again and compared (exec's tests/old_versions.rs).

use holdfast_format::catalog::bootstrap::hobt_status;
use holdfast_format::record::layout::{column_status, xtype};
use holdfast_types::{SqlResult, SqlType};

use super::layout::{Kind, RowsetColumn, RowsetShape, fixed_size, packed_type, precision};
use super::rows::{CatalogWriter, Cell};
use super::table::in_row;

/// Bits of syshobts.status.
const INDEX_NULL_BITS: i64 = 2;
const BASE: i64 = 0x10;

/// What the catalogue says of a column of a rowset.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredColumn {
    /// In the table; in a nonclustered index its place.
    pub column_id: i64,
    pub physical_id: i64,
    pub xtype: u8,
    /// Declared bytes of variable columns; 0 for MAX.
    pub length: i64,
    /// In data rows or leaves: above 0 in bytes, below 0 minus the place among variable columns.
    pub offset: i64,
    /// Of a bit column.
    pub bit: i64,
}

/// Shortest and longest row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub min_leaf: i64,
    pub max_leaf: i64,
}

/// One half of a packed place: of the leaf, or of the levels above.
const fn half(packed: i32, internal: bool) -> i64 {
    (if internal { packed >> 16 } else { packed }) as i16 as i64
}

impl CatalogWriter<'_> {
    /// The database has the tables of 2005.
    fn has_hobts(&self) -> bool {
        self.has("syshobts")
    }

    /// The table that has the figures of rowsets, by their id.
    fn figures_table(&self) -> &'static str {
        if self.has_hobts() { "syshobts" } else { "sysrowsets" }
    }

    /// In 2005: the row of syshobts that belongs to a new rowset.
    pub(super) fn add_hobt(
        &self,
        rowset: i64,
        object: i32,
        kind: Kind,
        shape: &RowsetShape,
        fill_factor: u8,
    ) -> SqlResult<()> {
        if !self.has_hobts() {
            return Ok(());
        }
        let status = if kind == Kind::Nonclustered { 0 } else { BASE }
            | if shape.index_null_bits { INDEX_NULL_BITS } else { 0 };
        self.insert(
            "syshobts",
            &[
                ("hobtid", rowset.into()),
                ("status", status.into()),
                ("fillfact", i32::from(fill_factor).into()),
                ("maxnullbit", i32::from(shape.max_null_bit).into()),
                ("maxleaf", shape.max_leaf.into()),
                ("maxint", i32::from(shape.max_internal).into()),
                ("minleaf", i32::from(shape.min_leaf).into()),
                ("minint", i32::from(shape.min_internal).into()),
                ("lockres", (i64::from(object) << 16).into()),
            ],
        )
    }

    /// In 2005: a rowset goes to another object.
    pub(super) fn move_hobt(&self, rowset: i64, object: i32) -> SqlResult<()> {
        if self.has_hobts() {
            let resource = Cell::Int(i64::from(object) << 16);
            self.update("syshobts", &[rowset], &|_, _| true, &|_, _| vec![("lockres", resource.clone())])?;
        }
        Ok(())
    }

    /// In 2005: the row that ties a unit to its rowset.
    pub(super) fn add_unit_reference(&self, rowset: i64, kind: i32, unit: i64) -> SqlResult<()> {
        if !self.has_hobts() {
            return Ok(());
        }
        // 0 large values, 1 rows, 2 row overflow; types of units are 2, 1, 3.
        let class = [1, 0, 2][usize::try_from(kind - 1).unwrap_or(0).min(2)];
        let cells = [("class", Cell::Int(class)), ("depid", rowset.into()), ("indepid", unit.into())];
        self.insert("sysserefs", &cells)
    }

    /// Removes what the catalogue says of a rowset beside sysrowsets and sysallocunits.
    pub(super) fn remove_rowset_columns(&self, rowset: i64) -> SqlResult<()> {
        // Tables that the database does not have are passed over.
        for table in ["sysrscols", "sysrowsetcolumns", "syshobtcolumns", "syshobts"] {
            self.delete_all(table, &[rowset])?;
        }
        for class in 0..=2 {
            self.delete_all("sysserefs", &[class, rowset])?;
        }
        Ok(())
    }

    pub(super) fn add_rowset_columns(&self, rowset: i64, kind: Kind, shape: &RowsetShape) -> SqlResult<()> {
        for c in &shape.columns {
            self.add_rowset_column(rowset, kind, c)?;
        }
        Ok(())
    }

    pub(super) fn add_rowset_column(&self, rowset: i64, kind: Kind, c: &RowsetColumn) -> SqlResult<()> {
        if self.has_hobts() {
            return self.add_hobt_column(rowset, kind, c);
        }
        self.insert(
            "sysrscols",
            &[
                ("rsid", rowset.into()),
                ("rscolid", c.column_id.into()),
                ("hbcolid", c.physical_id.into()),
                ("rcmodified", 0.into()),
                ("ti", i64::from(c.ti).into()),
                ("cid", i64::from(c.collation).into()),
                ("ordkey", i32::from(c.key_ordinal).into()),
                ("maxinrowlen", i32::from(c.max_in_row).into()),
                ("status", i64::from(c.status).into()),
                ("offset", c.offset.into()),
                ("nullbit", c.null_bit.into()),
                ("bitpos", i32::from(c.bit_position).into()),
                ("dbfragid", 1.into()),
                ("ordlock", 0.into()),
            ],
        )
    }

    fn add_hobt_column(&self, rowset: i64, kind: Kind, c: &RowsetColumn) -> SqlResult<()> {
        let of_type = c.ti as u8;
        let text = matches!(of_type, xtype::TEXT | xtype::NTEXT | xtype::IMAGE);
        let length = if text { 16 } else { c.length };
        let in_row = if c.max_in_row > 0 { i32::from(c.max_in_row) } else { length };
        let cells = [
            ("rowsetid", rowset.into()),
            ("rowsetcolid", c.column_id.into()),
            ("hobtcolid", c.physical_id.into()),
            ("status", 0.into()),
            ("rcmodified", 0.into()),
            ("maxinrowlen", in_row.into()),
        ];
        self.insert("sysrowsetcolumns", &cells)?;
        let has = |bit: u32| c.status & bit != 0;
        // In nonclustered indexes a uniquifier is a column as any other.
        let uniquifier = has(column_status::UNIQUIFIER) && kind != Kind::Nonclustered;
        let status = if has(column_status::NOT_NULL) { hobt_status::NOT_NULL } else { 0 }
            | if has(column_status::DESCENDING) { hobt_status::DESCENDING } else { 0 }
            | if uniquifier { hobt_status::UNIQUIFIER } else { 0 };
        let bits = i32::from(c.bit_position);
        self.insert(
            "syshobtcolumns",
            &[
                ("hobtid", rowset.into()),
                ("hobtcolumnid", c.physical_id.into()),
                ("status", i64::from(status).into()),
                ("ordkey", i32::from(c.key_ordinal).into()),
                ("xtype", i32::from(of_type).into()),
                ("length", length.into()),
                ("prec", i32::from(c.precision).into()),
                ("scale", i32::from(c.scale).into()),
                ("collationid", i64::from(c.collation).into()),
                ("offsetleaf", half(c.offset, false).into()),
                ("offsetint", half(c.offset, true).into()),
                ("bitposleaf", (bits & 0xFF).into()),
                ("bitposint", (bits >> 8 & 0xFF).into()),
                ("nullbitleaf", half(c.null_bit, false).into()),
                ("nullbitint", half(c.null_bit, true).into()),
            ],
        )
    }

    /// The columns of a rowset as they stand now.
    pub(super) fn rowset_columns(&self, rowset: i64) -> SqlResult<Vec<StoredColumn>> {
        if !self.has_hobts() {
            let base = self.base("sysrscols")?;
            return Ok(self
                .rows("sysrscols", &[rowset])?
                .iter()
                .map(|r| {
                    let ti = base.int(r, "ti");
                    StoredColumn {
                        column_id: base.int(r, "rscolid"),
                        physical_id: base.int(r, "hbcolid"),
                        xtype: ti as u8,
                        length: ti >> 8,
                        offset: i64::from(base.int(r, "offset") as i16),
                        bit: base.int(r, "bitpos") & 0xFF,
                    }
                })
                .collect());
        }
        let (logical, physical) = (self.base("sysrowsetcolumns")?, self.base("syshobtcolumns")?);
        let ids: Vec<(i64, i64)> = self
            .rows("sysrowsetcolumns", &[rowset])?
            .iter()
            .map(|r| (logical.int(r, "hobtcolid"), logical.int(r, "rowsetcolid")))
            .collect();
        Ok(self
            .rows("syshobtcolumns", &[rowset])?
            .iter()
            .map(|r| {
                let id = physical.int(r, "hobtcolumnid");
                StoredColumn {
                    column_id: ids.iter().find(|i| i.0 == id).map_or(0, |i| i.1),
                    physical_id: id,
                    xtype: physical.int(r, "xtype") as u8,
                    length: physical.int(r, "length").max(0),
                    offset: physical.int(r, "offsetleaf"),
                    bit: physical.int(r, "bitposleaf"),
                }
            })
            .collect())
    }

    /// A column of a rowset is of another column of the table, or (`dropped`) of none any more.
    pub(super) fn renumber_rowset_column(
        &self,
        rowset: i64,
        column_id: i64,
        new: i64,
        dropped: bool,
    ) -> SqlResult<()> {
        let bit = if dropped { i64::from(column_status::DROPPED) } else { 0 };
        if self.has_hobts() {
            return self
                .update("sysrowsetcolumns", &[rowset, column_id], &|_, _| true, &|b, r| {
                    vec![("rowsetcolid", Cell::Int(new)), ("status", Cell::Int(b.int(r, "status") | bit))]
                })
                .map(|_| ());
        }
        let lost = if dropped { i64::from(column_status::NOT_NULL) } else { 0 };
        self.update("sysrscols", &[rowset], &|b, r| b.int(r, "rscolid") == column_id, &|b, r| {
            vec![("rscolid", Cell::Int(new)), ("status", Cell::Int(b.int(r, "status") & !lost | bit))]
        })
        .map(|_| ())
    }

    /// A column has another type, whose values lie in records as before, or other nullability.
    pub(super) fn retype_rowset_column(
        &self,
        rowset: i64,
        physical_id: i64,
        ty: &SqlType,
        nullable: bool,
    ) -> SqlResult<()> {
        let collation = if ty.id.is_character() { i64::from(ty.collation.0) } else { 0 };
        let key = [rowset, physical_id];
        let columns = self.rowset_columns(rowset)?;
        let before = columns.iter().find(|c| c.physical_id == physical_id).map_or(0, |c| c.length);
        if self.has_hobts() {
            let bit = i64::from(hobt_status::NOT_NULL);
            let (digits, scale) = precision(ty);
            self.update("syshobtcolumns", &key, &|_, _| true, &|b, r| {
                let status = b.int(r, "status") & !bit | if nullable { 0 } else { bit };
                vec![
                    ("xtype", Cell::Int(ty.id.xtype().into())),
                    ("length", Cell::Int(ty.length.into())),
                    ("prec", Cell::Int(digits.into())),
                    ("scale", Cell::Int(scale.into())),
                    ("collationid", Cell::Int(collation)),
                    ("status", Cell::Int(status)),
                ]
            })?;
            let column_id = columns.iter().find(|c| c.physical_id == physical_id).map_or(0, |c| c.column_id);
            self.update("sysrowsetcolumns", &[rowset, column_id], &|_, _| true, &|_, _| {
                vec![("maxinrowlen", Cell::Int(in_row(ty)))]
            })?;
        } else {
            let bit = i64::from(column_status::NOT_NULL);
            self.update("sysrscols", &key, &|_, _| true, &|b, r| {
                vec![
                    ("ti", Cell::Int(packed_type(ty).into())),
                    ("cid", Cell::Int(collation)),
                    ("status", Cell::Int(b.int(r, "status") & !bit | if nullable { 0 } else { bit })),
                ]
            })?;
        }
        let growth = i64::from(packed_type(ty) >> 8) - before;
        if fixed_size(ty).is_none() && growth != 0 {
            let mut figures = self.rowset_figures(rowset)?;
            figures.max_leaf += growth;
            self.set_rowset_figures(rowset, figures, None)?;
            self.complete_units(rowset, figures.max_leaf, false)?;
        }
        Ok(())
    }

    pub(super) fn rowset_figures(&self, rowset: i64) -> SqlResult<Figures> {
        let table = self.figures_table();
        let base = self.base(table)?;
        let rows = self.rows(table, &[rowset])?;
        let of = |name: &str| rows.first().map_or(0, |r| base.int(r, name));
        Ok(Figures { min_leaf: of("minleaf"), max_leaf: of("maxleaf") })
    }

    /// Sets the figures of a rowset, and the number of null bits in its data rows.
    pub(super) fn set_rowset_figures(
        &self,
        rowset: i64,
        figures: Figures,
        null_bits: Option<i64>,
    ) -> SqlResult<()> {
        self.update(self.figures_table(), &[rowset], &|_, _| true, &|_, _| {
            let mut cells =
                vec![("minleaf", Cell::Int(figures.min_leaf)), ("maxleaf", Cell::Int(figures.max_leaf))];
            cells.extend(null_bits.map(|n| ("maxnullbit", Cell::Int(n))));
            cells
        })
        .map(|_| ())
    }
}
