//! Rowsets and indexes in the catalog: sysidxstats, sysiscols, sysrowsets, sysrscols, sysallocunits.
//!
//! Invariants
//! 1. A new rowset has no pages; the first row takes them.
//! 2. Ids of rowsets and units are never given twice while the database is open, whatever becomes of the transaction, because
//!    what is known of an open rowset goes by its id.

use std::sync::Arc;

use holdfast_format::catalog::unit_type;
use holdfast_format::statistics::Statistics;
use holdfast_types::{NameOrder, SqlError, SqlResult, SqlType, TypeId, Value};

use super::layout::{Kind, MAX_ROW, PhysicalSpec, RowsetShape, lay_out};
use super::rows::{CatalogWriter, Cell, FIRST_OF_2008, FIRST_OF_2012, Found};
use crate::catalog::{IndexKind, TableDef};
use crate::database::partition::{INDEX_SPACE, PartitionScheme};

/// First id of user rowsets and units.
const USER_RANGE: i64 = 0x0100 << 48;
const ID_STEP: i64 = 0x1_0000;

/// Bits of sysidxstats.status.
pub mod bits {
    pub const INDEX: i64 = 1;
    pub const STATISTICS: i64 = 2;
    pub const UNIQUE: i64 = 8;
    pub const PADDED: i64 = 0x10;
    pub const PRIMARY_KEY: i64 = 0x20;
    pub const UNIQUE_CONSTRAINT: i64 = 0x40;
    pub const DISABLED: i64 = 0x80;
    pub const NO_ROW_LOCKS: i64 = 0x200;
    pub const NO_PAGE_LOCKS: i64 = 0x400;
    pub const NO_RECOMPUTE: i64 = 0x4000;
    pub const IGNORE_DUPLICATES: i64 = 0x4;
    pub const FILTERED: i64 = 0x2_0000;
}

/// An index to be made.
#[derive(Clone, Debug)]
pub struct NewIndex {
    pub name: String,
    pub clustered: bool,
    pub unique: bool,
    pub primary_key: bool,
    pub unique_constraint: bool,
    /// (column id, descending), in key order.
    pub keys: Vec<(i32, bool)>,
    pub included: Vec<i32>,
    /// As stored, with parentheses.
    pub filter: Option<String>,
    pub fill_factor: u8,
    pub padded: bool,
    pub ignore_duplicates: bool,
    pub no_recompute: bool,
    pub no_row_locks: bool,
    pub no_page_locks: bool,
    pub place: Placement,
}

impl NewIndex {
    /// An index without anything but its name.
    pub fn named(name: &str, place: Placement) -> Self {
        NewIndex {
            name: name.to_owned(),
            clustered: false,
            unique: false,
            primary_key: false,
            unique_constraint: false,
            keys: Vec::new(),
            included: Vec::new(),
            filter: None,
            fill_factor: 0,
            padded: false,
            ignore_duplicates: false,
            no_recompute: false,
            no_row_locks: false,
            no_page_locks: false,
            place,
        }
    }
}

/// Where the rows of a heap or index lie, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// 1 PRIMARY.
    pub filegroup: i16,
    /// 0 none, 1 ROW, 2 PAGE.
    pub compression: u8,
    /// In their place when the rows are spread by a scheme.
    pub partitions: Option<Partitions>,
}

/// The partitions of a heap or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partitions {
    pub scheme: i32,
    pub column_id: i32,
    /// Filegroup and compression of each.
    pub each: Vec<(i16, u8)>,
}

impl Placement {
    pub const fn on(filegroup: i16) -> Self {
        Placement { filegroup, compression: 0, partitions: None }
    }

    /// On a scheme, uncompressed.
    pub fn spread(scheme: &PartitionScheme, column_id: i32) -> Self {
        let each = scheme.groups.iter().map(|g| (*g, 0)).collect();
        let partitions = Some(Partitions { scheme: scheme.id, column_id, each });
        Placement { filegroup: scheme.groups.first().copied().unwrap_or(1), compression: 0, partitions }
    }

    /// Gives all rows a form, or those of one partition (from 0).
    pub fn compress(&mut self, level: u8, only: Option<usize>) {
        match (&mut self.partitions, only) {
            (Some(p), Some(n)) => p.each.iter_mut().skip(n).take(1).for_each(|e| e.1 = level),
            (Some(p), None) => p.each.iter_mut().for_each(|e| e.1 = level),
            (None, _) => self.compression = level,
        }
    }

    /// The same place without compression.
    #[must_use]
    pub fn uncompressed(mut self) -> Self {
        self.compress(0, None);
        self
    }

    pub fn is_compressed(&self) -> bool {
        self.each().iter().any(|e| e.1 > 0)
    }

    /// Filegroup and compression of each rowset.
    pub fn each(&self) -> Vec<(i16, u8)> {
        match &self.partitions {
            Some(p) => p.each.clone(),
            None => vec![(self.filegroup, self.compression)],
        }
    }

    /// The data space that the rows lie in.
    pub fn space(&self) -> i32 {
        self.partitions.as_ref().map_or(i32::from(self.filegroup), |p| p.scheme)
    }

    pub fn partition_column(&self) -> Option<i32> {
        self.partitions.as_ref().map(|p| p.column_id)
    }
}

/// A column of a table as its rowsets need it.
#[derive(Clone, Debug)]
pub struct TableColumn {
    pub column_id: i32,
    pub ty: SqlType,
    pub nullable: bool,
    pub sparse: bool,
    /// Computed and not stored: takes part in indexes only.
    pub computed: bool,
}

/// The columns of a definition.
pub fn table_columns(definition: &TableDef) -> Vec<TableColumn> {
    definition
        .columns
        .iter()
        .map(|c| TableColumn {
            column_id: c.column_id,
            ty: c.ty,
            nullable: c.nullable,
            sparse: c.is_sparse,
            computed: c.computed.is_some() && !c.persisted,
        })
        .collect()
}

fn spec(c: &TableColumn, key_ordinal: i16, descending: bool) -> PhysicalSpec {
    PhysicalSpec {
        column_id: c.column_id,
        ty: c.ty,
        nullable: c.nullable,
        sparse: c.sparse && key_ordinal == 0,
        key_ordinal,
        descending,
        uniquifier: false,
    }
}

fn uniquifier(key_ordinal: i16) -> PhysicalSpec {
    PhysicalSpec {
        column_id: 0,
        ty: SqlType::INT,
        nullable: false,
        sparse: false,
        key_ordinal,
        descending: false,
        uniquifier: true,
    }
}

/// The clustered key of a table: its columns, and whether it needs a uniquifier.
#[derive(Clone, Debug, Default)]
pub struct ClusteredKey {
    pub columns: Vec<(i32, bool)>,
    pub unique: bool,
}

impl ClusteredKey {
    /// The key of a clustered index: the partitioning column follows what is declared, where that does not have it.
    pub fn of(index: &NewIndex) -> Self {
        let mut columns = index.keys.clone();
        if let Some(id) = index.place.partition_column()
            && !columns.iter().any(|(c, _)| *c == id)
        {
            columns.push((id, false));
        }
        ClusteredKey { columns, unique: index.unique }
    }
}

/// Physical columns of a heap (no key) or clustered index.
pub fn base_specs(columns: &[TableColumn], key: Option<&ClusteredKey>) -> Vec<PhysicalSpec> {
    let stored: Vec<&TableColumn> = columns.iter().filter(|c| !c.computed).collect();
    let Some(key) = key else { return stored.iter().map(|c| spec(c, 0, false)).collect() };
    let mut out = Vec::new();
    if !key.unique {
        out.push(uniquifier(key.columns.len() as i16 + 1));
    }
    for (n, (id, descending)) in key.columns.iter().enumerate() {
        if let Some(c) = stored.iter().find(|c| c.column_id == *id) {
            out.push(spec(c, n as i16 + 1, *descending));
        }
    }
    let rest = stored.iter().filter(|c| !key.columns.iter().any(|(id, _)| *id == c.column_id));
    out.extend(rest.map(|c| spec(c, 0, false)));
    out
}

/// Physical columns of a nonclustered index: keys, locator, included columns; in a unique index the locator is no key.
pub fn index_specs(
    columns: &[TableColumn],
    index: &NewIndex,
    key: Option<&ClusteredKey>,
) -> Vec<PhysicalSpec> {
    let find = |id: i32| columns.iter().find(|c| c.column_id == id);
    let mut out: Vec<PhysicalSpec> = Vec::new();
    let mut present: Vec<i32> = Vec::new();
    for (n, (id, descending)) in index.keys.iter().enumerate() {
        if let Some(c) = find(*id) {
            out.push(spec(c, n as i16 + 1, *descending));
            present.push(*id);
        }
    }
    let mut locator: Vec<PhysicalSpec> = Vec::new();
    match key {
        None => {
            let rid = TableColumn {
                column_id: 0,
                ty: SqlType::binary(TypeId::Binary, 8),
                nullable: false,
                sparse: false,
                computed: false,
            };
            locator.push(spec(&rid, 0, false));
        }
        Some(key) => {
            for (id, descending) in &key.columns {
                if !present.contains(id)
                    && !index.included.contains(id)
                    && let Some(c) = find(*id)
                {
                    locator.push(spec(c, 0, *descending));
                } else if !index.unique
                    && index.included.contains(id)
                    && let Some(c) = find(*id)
                {
                    // A key column of the table cannot be included only: it is part of this key anyway.
                    locator.push(spec(c, 0, *descending));
                }
            }
            if !key.unique {
                locator.push(uniquifier(0));
            }
        }
    }
    // An entry has the partitioning column in any case.
    let partitioning = index.place.partition_column().filter(|id| {
        !present.contains(id)
            && !index.included.contains(id)
            && !key.is_some_and(|k| k.columns.iter().any(|(c, _)| c == id))
    });
    let included: Vec<PhysicalSpec> = index
        .included
        .iter()
        .chain(partitioning.iter())
        .filter(|id| index.unique || !key.is_some_and(|k| k.columns.iter().any(|(c, _)| c == *id)))
        .filter_map(|id| find(*id))
        .map(|c| spec(c, 0, false))
        .collect();
    if index.unique {
        out.extend(included);
        out.extend(locator);
    } else {
        let keys = out.len() as i16;
        for (n, l) in locator.iter_mut().enumerate() {
            l.key_ordinal = keys + n as i16 + 1;
        }
        out.extend(locator);
        out.extend(included);
    }
    for (n, s) in out.iter_mut().enumerate() {
        // In an index the columns go by their place.
        s.column_id = n as i32 + 1;
        s.sparse = false;
    }
    out
}

impl CatalogWriter<'_> {
    /// Enters the rowsets of a heap or index, one per partition. Answers the id of the first.
    pub fn add_rowsets(
        &self,
        object: i32,
        index: i32,
        kind: Kind,
        unique: bool,
        shape: &RowsetShape,
        fill_factor: u8,
        place: &Placement,
    ) -> SqlResult<i64> {
        let mut first = None;
        for (n, (filegroup, compression)) in place.each().into_iter().enumerate() {
            let number = n as i32 + 1;
            let part = Placement { filegroup, compression, partitions: None };
            let id = self.add_rowset(object, index, number, kind, unique, shape, fill_factor, &part)?;
            first.get_or_insert(id);
        }
        Ok(first.unwrap_or(0))
    }

    /// Enters the rowset of one partition (from 1) with its columns and allocation units. Answers its id.
    pub fn add_rowset(
        &self,
        object: i32,
        index: i32,
        number: i32,
        kind: Kind,
        unique: bool,
        shape: &RowsetShape,
        fill_factor: u8,
        place: &Placement,
    ) -> SqlResult<i64> {
        let filegroup = place.filegroup;
        let version = self.catalog.version();
        if place.compression > 0 {
            self.require(FIRST_OF_2008, "Compression")?;
        }
        // One that this statement has removed is in the snapshot still.
        let known = self.catalog.storage().rowsets.iter().map(|r| r.id).max().unwrap_or(0);
        let known = i64::try_from(known).unwrap_or(0);
        let floor = self.highest("sysrowsets")?.max(USER_RANGE).max(known);
        let id = self.catalog.store.live.reserve_rowset(floor);
        // 2005 keeps the other bits in syshobts.
        let own = version >= FIRST_OF_2008;
        let status = 2
            | if own && kind != Kind::Nonclustered { 0x200 } else { 0 }
            | if unique && kind != Kind::Heap { 4 } else { 0 }
            | if own && shape.index_null_bits { 0x40 } else { 0 }
            | match version {
                0..=851 => 0,
                852..=956 => 0x4_0000,
                _ => 0x1004_0000,
            };
        if let Some(writing) = &self.catalog.store.writing {
            self.catalog.store.live.make(id.unsigned_abs(), object, index, filegroup);
            writing.join(self.write.transaction)?.part()?.note_made(id.unsigned_abs());
        }
        self.insert(
            "sysrowsets",
            &[
                ("rowsetid", id.into()),
                ("ownertype", 1.into()),
                ("idmajor", object.into()),
                ("idminor", index.into()),
                ("numpart", number.into()),
                ("status", status.into()),
                ("fgidfs", 0.into()),
                ("rcrows", 0.into()),
                ("cmprlevel", i32::from(place.compression).into()),
                ("fillfact", i32::from(fill_factor).into()),
                ("maxnullbit", i32::from(shape.max_null_bit).into()),
                ("maxleaf", shape.max_leaf.into()),
                ("maxint", i32::from(shape.max_internal).into()),
                ("minleaf", i32::from(shape.min_leaf).into()),
                ("minint", i32::from(shape.min_internal).into()),
                ("scope_id", 1.into()),
                ("dbfragid", 1.into()),
            ],
        )?;
        self.add_hobt(id, object, kind, shape, fill_factor)?;
        self.add_rowset_columns(id, kind, shape)?;
        self.add_unit(id, 1, filegroup)?;
        if shape.has_overflow() {
            self.add_unit(id, 3, filegroup)?;
        }
        if shape.has_large {
            self.add_unit(id, 2, filegroup)?;
        }
        Ok(id)
    }

    /// An allocation unit: 1 in row, 2 large values, 3 row overflow.
    pub(super) fn add_unit(&self, rowset: i64, kind: i32, filegroup: i16) -> SqlResult<()> {
        let next = i64::try_from(self.catalog.storage().boot.next_unit << 16).unwrap_or(0);
        let known = self.catalog.storage().units.iter().map(|u| u.id).max().unwrap_or(0);
        let known = i64::try_from(known).unwrap_or(0);
        let floor = self.highest("sysallocunits")?.max(USER_RANGE).max(next - ID_STEP).max(known);
        let id = self.catalog.store.live.reserve_unit(floor);
        self.insert(
            "sysallocunits",
            &[
                ("auid", id.into()),
                ("type", kind.into()),
                ("ownerid", rowset.into()),
                ("status", 0.into()),
                ("fgid", i32::from(filegroup).into()),
                ("pgfirst", Cell::Bytes(vec![0; 6])),
                ("pgroot", Cell::Bytes(vec![0; 6])),
                ("pgfirstiam", Cell::Bytes(vec![0; 6])),
                ("dbfragid", 1.into()),
            ],
        )?;
        self.add_unit_reference(rowset, kind, id)?;
        super::boot::raise_next_unit(self, ((id >> 16) + 1).unsigned_abs())?;
        // It is known at once: what is known of the rowset outlives the catalogue's snapshots.
        if let Some(writing) = &self.catalog.store.writing
            && let Some(live) = self.live(rowset)
        {
            writing.join(self.write.transaction)?.part()?.note_unit(&live, kind as u8, id.unsigned_abs());
        }
        Ok(())
    }

    /// Gives a rowset the units that its columns may need and that it lacks: one for large values when `large`, one for row
    /// overflow when its rows may get longer than a page. They lie where its rows do.
    pub(super) fn complete_units(&self, rowset: i64, max_leaf: i64, large: bool) -> SqlResult<()> {
        let base = self.base("sysallocunits")?;
        let units = self.units_of(rowset)?;
        let of = |kind: i64| units.iter().find(|u| base.int(u, "type") == kind);
        let filegroup = of(1).map_or(1, |u| base.int(u, "fgid") as i16);
        if max_leaf > MAX_ROW && of(3).is_none() {
            self.add_unit(rowset, 3, filegroup)?;
        }
        if large && of(2).is_none() {
            self.add_unit(rowset, 2, filegroup)?;
            self.note_large_values(rowset, filegroup)?;
        }
        Ok(())
    }

    /// Before 2012 the row of a heap or clustered index tells where its large values lie.
    fn note_large_values(&self, rowset: i64, filegroup: i16) -> SqlResult<()> {
        if self.catalog.version() >= FIRST_OF_2012 {
            return Ok(());
        }
        let base = self.base("sysrowsets")?;
        for row in self.rows("sysrowsets", &[rowset])? {
            let key = [base.int(&row, "idmajor"), base.int(&row, "idminor")];
            let space = Cell::from(i32::from(filegroup));
            self.update("sysidxstats", &key, &|_, _| true, &|_, _| vec![("lobds", space.clone())])?;
        }
        Ok(())
    }

    /// The rows of a rowset's allocation units.
    fn units_of(&self, rowset: i64) -> SqlResult<Vec<Found>> {
        let base = self.base("sysallocunits")?;
        // 2005 has no index by owner.
        let indexed = base.definition.indexes.iter().any(|i| i.index_id == 2);
        let owner = crate::access::KeyRange::point(vec![Value::BigInt(rowset)]);
        let mut units = if indexed { self.seek(&base, 2, owner)? } else { self.rows("sysallocunits", &[])? };
        units.retain(|u| base.int(u, "ownerid") == rowset);
        Ok(units)
    }

    /// Removes a rowset; its pages are given back when the transaction commits.
    pub fn remove_rowset(&self, rowset: i64) -> SqlResult<()> {
        self.empty_rowset(rowset)?;
        self.remove_rowset_columns(rowset)?;
        let base = self.base("sysallocunits")?;
        for unit in self.units_of(rowset)? {
            self.delete_all("sysallocunits", &[base.int(&unit, "auid")])?;
        }
        self.delete_all("sysrowsets", &[rowset])?;
        if self.has("sysseobjvalues") {
            self.delete_all("sysseobjvalues", &[1, rowset])?;
        }
        Ok(())
    }

    /// What is known of a rowset while the database is open.
    fn live(&self, rowset: i64) -> Option<Arc<crate::stored::live::LiveRowset>> {
        let id = rowset.unsigned_abs();
        let tables = self.catalog.storage();
        let live = &self.catalog.store.live;
        live.get(id).or_else(|| tables.rowsets.iter().find(|r| r.id == id).map(|r| live.of(tables, r)))
    }

    /// The rowsets of an index: (id, compression).
    pub fn rowsets_of(&self, object: i32, index: i32) -> SqlResult<Vec<i64>> {
        let mut ids: Vec<i64> = self
            .catalog
            .storage()
            .rowsets_of(object)
            .filter(|r| r.index_id == index)
            .map(|r| r.id as i64)
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Where an index (or the heap, id 0) is; PRIMARY when it has no rows of its own.
    pub fn placement_of(&self, object: i32, index: i32) -> Placement {
        let tables = self.catalog.storage();
        let mut each: Vec<(i16, u8)> = tables
            .rowsets_of(object)
            .filter(|r| r.index_id == index)
            .map(|r| {
                let unit = tables.unit(r.id, unit_type::IN_ROW);
                (unit.map_or(1, |u| u.filegroup), r.compression.min(2))
            })
            .collect();
        let (filegroup, compression) = each.first().copied().unwrap_or((1, 0));
        // A catalog that cannot be read says so where the table is looked up.
        let spread = self.catalog.spread_of(object, index).ok().flatten();
        let partitions = spread.map(|s| {
            if each.len() != s.scheme.groups.len() {
                each = s.scheme.groups.iter().map(|g| (*g, compression)).collect();
            }
            Partitions { scheme: s.scheme.id, column_id: s.column_id, each }
        });
        Placement { filegroup, compression, partitions }
    }

    /// The row of sysidxstats. The data space (0 for statistics) stands in it before 2012, and that of large values where there are
    /// such.
    pub fn add_index_row(
        &self,
        object: i32,
        index: i32,
        name: Option<&str>,
        status: i64,
        kind: i32,
        fill: u8,
        rowset: i64,
        space: i32,
        large: bool,
    ) -> SqlResult<()> {
        let version = self.catalog.version();
        let space = if version < FIRST_OF_2012 { space } else { 0 };
        let status =
            if index > 0 && status & bits::INDEX != 0 && version >= 904 { status | 0x8_0000 } else { status };
        self.insert(
            "sysidxstats",
            &[
                ("id", object.into()),
                ("indid", index.into()),
                ("name", name.map_or(Cell::Null, Cell::Text)),
                ("status", status.into()),
                ("intprop", 0.into()),
                ("fillfact", i32::from(fill).into()),
                ("type", kind.into()),
                ("tinyprop", 0.into()),
                ("dataspace", space.into()),
                ("lobds", if large { space } else { 0 }.into()),
                ("rowset", rowset.into()),
            ],
        )
    }

    /// Key, included or statistics columns.
    pub fn add_index_columns(
        &self,
        object: i32,
        index: i32,
        keys: &[(i32, bool)],
        included: &[i32],
        partitioning: Option<i32>,
    ) -> SqlResult<()> {
        // The place in the key stands beside. Rows of a clustered index go by column id, those of others by place (verified:
        // pubs' employee_ind, AdventureWorksLT's Address).
        let mut rows: Vec<(i32, i64, i32)> = keys
            .iter()
            .enumerate()
            .map(|(n, (id, descending))| (*id, if *descending { 7 } else { 3 }, n as i32 + 1))
            .collect();
        if index == 1 {
            rows.sort_unstable();
        }
        rows.extend(included.iter().map(|id| (*id, 0x12, 0)));
        if let Some(id) = partitioning.filter(|id| !rows.iter().any(|r| r.0 == *id)) {
            rows.push((id, 0, 0));
        }
        for (n, (column, status, place)) in rows.into_iter().enumerate() {
            self.insert(
                "sysiscols",
                &[
                    ("idmajor", object.into()),
                    ("idminor", index.into()),
                    ("subid", (n as i32 + 1).into()),
                    ("status", status.into()),
                    ("intprop", column.into()),
                    ("tinyprop1", place.into()),
                    ("tinyprop2", i32::from(partitioning == Some(column)).into()),
                    ("tinyprop3", 0.into()),
                    ("tinyprop4", 0.into()),
                ],
            )?;
        }
        Ok(())
    }

    /// The lowest free index id; 1 for a clustered index.
    pub fn next_index_id(&self, object: i32, clustered: bool) -> SqlResult<i32> {
        if clustered {
            return Ok(1);
        }
        let base = self.base("sysidxstats")?;
        let used: Vec<i64> =
            self.rows("sysidxstats", &[object.into()])?.iter().map(|r| base.int(r, "indid")).collect();
        Ok((2..).find(|n| !used.contains(&i64::from(*n))).unwrap_or(i32::MAX))
    }

    /// Enters a new index with everything but its rows. Answers its id.
    pub fn add_index(
        &self,
        object: i32,
        columns: &[TableColumn],
        index: &NewIndex,
        clustered: Option<&ClusteredKey>,
    ) -> SqlResult<i32> {
        if index.filter.is_some() {
            self.require(FIRST_OF_2008, "A filtered index")?;
        }
        let version = self.catalog.version();
        let id = self.next_index_id(object, index.clustered)?;
        let status = bits::INDEX
            | bits::STATISTICS
            | if index.unique { bits::UNIQUE } else { 0 }
            | if index.primary_key { bits::PRIMARY_KEY } else { 0 }
            | if index.unique_constraint { bits::UNIQUE_CONSTRAINT } else { 0 }
            | if index.padded { bits::PADDED } else { 0 }
            | if index.ignore_duplicates { bits::IGNORE_DUPLICATES } else { 0 }
            | if index.no_recompute { bits::NO_RECOMPUTE } else { 0 }
            | if index.no_row_locks { bits::NO_ROW_LOCKS } else { 0 }
            | if index.no_page_locks { bits::NO_PAGE_LOCKS } else { 0 }
            | if index.filter.is_some() { bits::FILTERED } else { 0 };
        let (kind, shape) = if index.clustered {
            let key = ClusteredKey::of(index);
            (Kind::Clustered, lay_out(Kind::Clustered, &base_specs(columns, Some(&key)), version))
        } else {
            (
                Kind::Nonclustered,
                lay_out(Kind::Nonclustered, &index_specs(columns, index, clustered), version),
            )
        };
        let rowset =
            self.add_rowsets(object, id, kind, index.unique, &shape, index.fill_factor, &index.place)?;
        if let Some(partitions) = &index.place.partitions {
            self.place_on_scheme(object, id, partitions.scheme)?;
        }
        let type_number = if index.clustered { 1 } else { 2 };
        let large = index.clustered && shape.has_large;
        let space = index.place.space();
        self.add_index_row(
            object,
            id,
            Some(&index.name),
            status,
            type_number,
            index.fill_factor,
            rowset,
            space,
            large,
        )?;
        let partitioning = index.place.partition_column();
        self.add_index_columns(object, id, &index.keys, &index.included, partitioning)?;
        self.add_statistics_value(object, id)?;
        if let Some(filter) = &index.filter {
            self.add_text(66, object, id, filter)?;
        }
        Ok(id)
    }

    /// Gives an index new, empty rowsets, for the columns and the clustered key that the table has now.
    pub fn replace_rowset(
        &self,
        object: i32,
        id: i32,
        columns: &[TableColumn],
        index: &NewIndex,
        clustered: Option<&ClusteredKey>,
    ) -> SqlResult<()> {
        let version = self.catalog.version();
        let shape = lay_out(Kind::Nonclustered, &index_specs(columns, index, clustered), version);
        self.give_rowset(object, id, Kind::Nonclustered, index, &shape)
    }

    /// Gives a heap (index id 0) or clustered index new, empty rowsets.
    pub fn replace_base(
        &self,
        object: i32,
        id: i32,
        columns: &[TableColumn],
        index: &NewIndex,
        clustered: Option<&ClusteredKey>,
    ) -> SqlResult<()> {
        let kind = if clustered.is_some() { Kind::Clustered } else { Kind::Heap };
        let shape = lay_out(kind, &base_specs(columns, clustered), self.catalog.version());
        self.give_rowset(object, id, kind, index, &shape)
    }

    fn give_rowset(
        &self,
        object: i32,
        id: i32,
        kind: Kind,
        index: &NewIndex,
        shape: &RowsetShape,
    ) -> SqlResult<()> {
        for rowset in self.rowsets_of(object, id)? {
            self.remove_rowset(rowset)?;
        }
        let rowset =
            self.add_rowsets(object, id, kind, index.unique, shape, index.fill_factor, &index.place)?;
        let key = [i64::from(object), i64::from(id)];
        self.update("sysidxstats", &key, &|_, _| true, &|_, _| vec![("rowset", Cell::Int(rowset))])
            .map(|_| ())
    }

    /// Sets and clears bits of an index's status.
    pub fn set_index_status(&self, object: i32, id: i32, set: i64, clear: i64) -> SqlResult<()> {
        let key = [i64::from(object), i64::from(id)];
        self.update("sysidxstats", &key, &|_, _| true, &|b, r| {
            vec![("status", Cell::Int(b.int(r, "status") & !clear | set))]
        })
        .map(|_| ())
    }

    pub fn set_fill_factor(&self, object: i32, id: i32, percent: u8) -> SqlResult<()> {
        let key = [i64::from(object), i64::from(id)];
        let fill = vec![("fillfact", Cell::from(i32::from(percent)))];
        self.update("sysidxstats", &key, &|_, _| true, &|_, _| fill.clone()).map(|_| ())
    }

    pub(super) fn add_statistics_value(&self, object: i32, id: i32) -> SqlResult<()> {
        self.insert(
            "sysobjvalues",
            &[
                ("valclass", 60.into()),
                ("objid", object.into()),
                ("subobjid", id.into()),
                ("valnum", 0.into()),
                ("value", Cell::Variant(SqlType::BIGINT, Value::BigInt(0))),
            ],
        )
    }

    /// Puts statistics into the catalogue; `changes` of the first column were counted when they were made.
    pub fn set_statistics(
        &self,
        object: i32,
        id: i32,
        made: Option<&Statistics>,
        changes: i64,
    ) -> SqlResult<()> {
        let blob = made.map(Statistics::build);
        self.update("sysobjvalues", &[60, object.into(), id.into(), 0], &|_, _| true, &|_, _| {
            vec![
                ("value", Cell::Variant(SqlType::BIGINT, Value::BigInt(changes))),
                ("imageval", blob.clone().map_or(Cell::Null, Cell::Bytes)),
            ]
        })
        .map(|_| ())
    }

    /// The tables in which an XML or spatial index keeps its rows: their names end with the ids of table and index (verified:
    /// `xml_index_nodes_1381579960_256000` of AdventureWorksLT2012).
    pub fn internal_tables_of(&self, object: i32, index: i32) -> Vec<i32> {
        let end = format!("_{object}_{index}");
        let all = self.catalog.objects().into_iter();
        all.filter(|o| &*o.kind == "IT" && o.parent_id == object && o.name.ends_with(&end))
            .map(|o| o.id)
            .collect()
    }

    /// Disables an index that keeps its rows in a table of its own, which stays, empty.
    pub fn disable_internal(&self, object: i32, index: i32) -> SqlResult<()> {
        for table in self.internal_tables_of(object, index) {
            let rowsets: Vec<i64> = self.catalog.storage().rowsets_of(table).map(|r| r.id as i64).collect();
            for rowset in rowsets {
                self.empty_rowset(rowset)?;
            }
            let base = self.base("sysidxstats")?;
            for row in self.rows("sysidxstats", &[table.into()])? {
                let id = base.int(&row, "indid") as i32;
                self.set_index_status(table, id, bits::DISABLED, 0)?;
            }
        }
        self.set_index_status(object, index, bits::DISABLED, 0)
    }

    /// Gives the pages of a rowset back when the transaction commits.
    fn empty_rowset(&self, rowset: i64) -> SqlResult<()> {
        if let Some(writing) = &self.catalog.store.writing
            && let Some(live) = self.live(rowset)
        {
            let joined = writing.join(self.write.transaction)?;
            crate::write::release::empty(writing, joined.part()?, &live)
                .map_err(|e| crate::write::writing::failure(&e))?;
        }
        Ok(())
    }

    /// Removes an index (or the heap, id 0) with its rowsets.
    pub fn remove_index(&self, object: i32, index: i32) -> SqlResult<()> {
        for table in self.internal_tables_of(object, index) {
            self.remove_table(table)?;
        }
        self.delete_all("sysxprops", &[7, object.into(), index.into()])?;
        let key = [i64::from(object), i64::from(index)];
        for rowset in self.rowsets_of(object, index)? {
            self.remove_rowset(rowset)?;
        }
        self.delete_all("sysidxstats", &key)?;
        self.delete_all("sysiscols", &key)?;
        self.delete_all("syssingleobjrefs", &[INDEX_SPACE.into(), key[0], key[1]])?;
        self.delete_all("sysobjvalues", &[60, key[0], key[1]])?;
        self.delete_all("sysobjvalues", &[66, key[0], key[1]])?;
        Ok(())
    }

    /// Statistics on columns, without what they say: see [`Self::set_statistics`].
    pub fn add_statistics(
        &self,
        object: i32,
        name: &str,
        columns: &[i32],
        filter: Option<&str>,
        no_recompute: bool,
    ) -> SqlResult<i32> {
        if filter.is_some() {
            self.require(FIRST_OF_2008, "Filtered statistics")?;
        }
        let id = self.next_index_id(object, false)?;
        let status = bits::STATISTICS
            | if no_recompute { bits::NO_RECOMPUTE } else { 0 }
            | if filter.is_some() { bits::FILTERED } else { 0 };
        self.add_index_row(object, id, Some(name), status, 0, 0, 0, 0, false)?;
        for (n, column) in columns.iter().enumerate() {
            self.insert(
                "sysiscols",
                &[
                    ("idmajor", object.into()),
                    ("idminor", id.into()),
                    ("subid", (n as i32 + 1).into()),
                    ("status", 1.into()),
                    ("intprop", (*column).into()),
                ],
            )?;
        }
        self.add_statistics_value(object, id)?;
        if let Some(filter) = filter {
            self.add_text(66, object, id, filter)?;
        }
        Ok(id)
    }
}

/// The clustered key of a table as it is now.
pub fn clustered_key(definition: &Arc<TableDef>) -> Option<ClusteredKey> {
    let index = definition.indexes.iter().find(|i| i.kind == IndexKind::Clustered)?;
    let id = |ordinal: usize| definition.columns.get(ordinal).map(|c| c.column_id);
    let mut columns: Vec<(i32, bool)> =
        index.keys.iter().filter_map(|k| Some((id(k.ordinal)?, k.descending))).collect();
    if let Some(column) = definition.access.partitioned_by().and_then(|by| id(by.ordinal))
        && !columns.iter().any(|(c, _)| *c == column)
    {
        columns.push((column, false));
    }
    Some(ClusteredKey { columns, unique: index.unique })
}

/// 1919, 1909, 1904 and their kin for the columns of a key.
pub fn check_key(names: NameOrder, table: &str, name: &str, columns: &[(String, SqlType)]) -> SqlResult<()> {
    for (i, (column, ty)) in columns.iter().enumerate() {
        if columns.iter().take(i).any(|(c, _)| names.same(c, column)) {
            return Err(SqlError::new(1909, &[&"index", column]));
        }
        if super::layout::is_large(ty) {
            return Err(SqlError::new(1919, &[column, &table]));
        }
        if ty.id == TypeId::SqlVariant {
            // Entries of such an index could not be kept in their order.
            return Err(SqlError::not_supported("An index over a column of type sql_variant"));
        }
    }
    if columns.len() > 32 {
        return Err(SqlError::new(1904, &[&"index", &name, &table, &columns.len(), &"index", &32]));
    }
    Ok(())
}
