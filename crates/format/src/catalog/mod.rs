//! Reading the system base tables, from the boot page upwards.
//!
//! ```text
//! boot page -> first page of sysallocunits (hard-wired layout, linked list)
//!           -> sysrowsets, sysrscols (hard-wired layouts, through their roots)      611: sysrowsetcolumns, syshobtcolumns
//!           -> RowLayout of every rowset -> any base table, decoded by metadata -> names from syscolpars and sysschobjs
//! ```
//!
//! Module map: [`bootstrap`] the hard-wired layouts as data, [`base_table`] rows of any base table.
//!
//! Invariants
//! 1. Which layout a version has is looked up in tables, never decided by scattered comparisons.
//! 2. All ids are those on disk; nothing is invented. A rowset without layout or unit is simply not readable.
//!
//! Evidence: docs/format/catalog.md.

pub mod base_table;
pub mod bootstrap;

pub use base_table::{BaseColumn, BaseTable, BaseValue, RowCache};

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_base::PageId;

use crate::boot::{BOOT_PAGE, BootPage};
use crate::error::FormatError;
use crate::record::RowLayout;
use crate::source::PageSource;

/// Object ids of base tables.
pub mod object {
    pub const SYSRSCOLS: i32 = 3;
    pub const SYSROWSETCOLUMNS: i32 = 4;
    pub const SYSROWSETS: i32 = 5;
    pub const SYSALLOCUNITS: i32 = 7;
    pub const SYSFILES1: i32 = 8;
    pub const SYSSEOBJVALUES: i32 = 9;
    pub const SYSHOBTCOLUMNS: i32 = 13;
    pub const SYSHOBTS: i32 = 15;
    pub const SYSPRUFILES: i32 = 24;
    pub const SYSOWNERS: i32 = 27;
    pub const SYSPRIVS: i32 = 29;
    pub const SYSSCHOBJS: i32 = 34;
    pub const SYSCOLPARS: i32 = 41;
    pub const SYSNSOBJS: i32 = 44;
    pub const SYSXPROPS: i32 = 49;
    pub const SYSSCALARTYPES: i32 = 50;
    pub const SYSIDXSTATS: i32 = 54;
    pub const SYSISCOLS: i32 = 55;
    pub const SYSOBJVALUES: i32 = 60;
    pub const SYSCLSOBJS: i32 = 64;
    pub const SYSSINGLEOBJREFS: i32 = 74;
    pub const SYSMULTIOBJREFS: i32 = 75;
}

/// What an allocation unit holds.
pub mod unit_type {
    pub const IN_ROW: u8 = 1;
    pub const LOB: u8 = 2;
    pub const ROW_OVERFLOW: u8 = 3;
    /// Ids from here on are numbers given out; others are made of object and index: those of the catalogue, and of tables that
    /// come from 2000.
    pub const FIRST_NUMBERED: u64 = 1 << 56;
}

/// A row of sysallocunits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AllocationUnit {
    pub id: u64,
    /// See [`unit_type`].
    pub kind: u8,
    /// The rowset it belongs to.
    pub owner: u64,
    pub filegroup: i16,
    pub first: PageId,
    pub root: PageId,
    pub first_iam: PageId,
    pub used_pages: i64,
    pub data_pages: i64,
    pub reserved_pages: i64,
}

/// A row of sysrowsets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rowset {
    pub id: u64,
    pub object_id: i32,
    /// 0 heap, 1 clustered, 2… nonclustered.
    pub index_id: i32,
    /// From 1.
    pub partition: i32,
    pub status: u32,
    pub rows: i64,
    /// 0 none, 1 ROW, 2 PAGE, 3 and 4 columnstore.
    pub compression: u8,
    pub fill_factor: u8,
}

/// The storage side of the catalog: everything needed to read any rowset.
#[derive(Debug)]
pub struct SystemTables {
    pub boot: BootPage,
    pub units: Vec<AllocationUnit>,
    pub rowsets: Vec<Rowset>,
    units_by_owner: HashMap<u64, Vec<usize>>,
    rowsets_by_object: HashMap<i32, Vec<usize>>,
    layouts: HashMap<u64, Arc<RowLayout>>,
    cache: Arc<RowCache>,
}

impl SystemTables {
    /// Reads the storage catalog of a database.
    pub fn open(source: &dyn PageSource) -> Result<Self, FormatError> {
        Self::open_again(source, Arc::default())
    }

    /// The same, with what was decoded when the same database's catalog was read before.
    pub fn open_again(source: &dyn PageSource, cache: Arc<RowCache>) -> Result<Self, FormatError> {
        let page = source.page(BOOT_PAGE)?;
        let boot = BootPage::read(&page)?;
        let shape = bootstrap::shape(boot.version)?;
        let units = bootstrap::read_units(source, &boot)?;
        let mut tables = SystemTables {
            boot,
            units,
            rowsets: Vec::new(),
            units_by_owner: HashMap::new(),
            rowsets_by_object: HashMap::new(),
            layouts: HashMap::new(),
            cache,
        };
        for (index, unit) in tables.units.iter().enumerate() {
            tables.units_by_owner.entry(unit.owner).or_default().push(index);
        }
        tables.rowsets = bootstrap::read_rowsets(source, &tables, shape)?;
        tables.rowsets.sort_by_key(|r| (r.object_id, r.index_id, r.partition));
        for (index, rowset) in tables.rowsets.iter().enumerate() {
            tables.rowsets_by_object.entry(rowset.object_id).or_default().push(index);
        }
        let compression: HashMap<u64, u8> = tables.rowsets.iter().map(|r| (r.id, r.compression)).collect();
        for (rowset, columns) in bootstrap::read_columns(source, &tables, shape)? {
            let level = compression.get(&rowset).copied().unwrap_or(0);
            tables.layouts.insert(rowset, Arc::new(RowLayout::new(columns, level)));
        }
        Ok(tables)
    }

    /// The units of a rowset.
    pub fn units_of(&self, rowset: u64) -> impl Iterator<Item = &AllocationUnit> {
        self.units_by_owner.get(&rowset).into_iter().flatten().map(|&i| &self.units[i])
    }

    /// One unit of a rowset, by [`unit_type`].
    pub fn unit(&self, rowset: u64, kind: u8) -> Option<&AllocationUnit> {
        self.units_of(rowset).find(|u| u.kind == kind)
    }

    /// The rowsets of an object, by index then partition.
    pub fn rowsets_of(&self, object_id: i32) -> impl Iterator<Item = &Rowset> {
        self.rowsets_by_object.get(&object_id).into_iter().flatten().map(|&i| &self.rowsets[i])
    }

    /// The heap or clustered index's rowsets of an object (one per partition).
    pub fn base_rowsets(&self, object_id: i32) -> impl Iterator<Item = &Rowset> {
        self.rowsets_of(object_id).filter(|r| r.index_id <= 1)
    }

    pub fn layout(&self, rowset: u64) -> Option<&Arc<RowLayout>> {
        self.layouts.get(&rowset)
    }

    /// Ids of all rowsets with a layout.
    pub fn layouts(&self) -> impl Iterator<Item = (u64, &Arc<RowLayout>)> {
        self.layouts.iter().map(|(id, layout)| (*id, layout))
    }

    /// Reads a base table by object id, with the given column names (position = column id − 1).
    pub fn read_table(
        &self,
        source: &dyn PageSource,
        object_id: i32,
        columns: Vec<BaseColumn>,
    ) -> Result<BaseTable, FormatError> {
        base_table::read(source, self, object_id, columns)
    }

    /// Reads syscolpars, whose own column names are known.
    pub fn read_columns(&self, source: &dyn PageSource) -> Result<BaseTable, FormatError> {
        self.read_table(source, object::SYSCOLPARS, bootstrap::syscolpars_columns())
    }
}
