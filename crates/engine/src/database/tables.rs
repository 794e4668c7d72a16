//! The definition of a table: columns from syscolpars, indexes from sysidxstats and sysiscols, storage from the rowsets.
//!
//! Invariants
//! 1. Columns are in column-id order; a dropped column has no row and does not appear.
//! 2. The columns of a nonclustered leaf are told apart by position: keys by key ordinal, then (unique index) included columns
//!    and the row locator, or (non-unique) the locator as further key columns and then the included ones.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_format::FormatError;
use holdfast_format::catalog::base_table::BaseRow;
use holdfast_format::catalog::{Rowset, unit_type};
use holdfast_format::record::RowLayout;
use holdfast_types::{SqlType, TypeId, Value};

use super::partition::Partitioned;
use super::{DatabaseCatalog, ObjectRow, rows::sql_type};
use crate::catalog::{ColumnDef, ColumnStatistics, IdentityDef, IndexDef, IndexKey, IndexKind, TableDef};
use crate::ddl::object::{Escalation, bits};
use crate::decode;
use crate::stored::partitioned::{PartitionedTable, split};
use crate::stored::table::{Locator, StoredIndex, StoredKey, StoredTable, entry_keys};
use crate::stored::way::Ways;
use crate::stored::{RowsetAccess, key};
use crate::write::identity::IdentityColumn;
use crate::write::partitioned::PartitionedWriter;

/// Bits of syscolpars.status.
pub mod column_bit {
    pub const NOT_NULL: i64 = 1;
    pub const IDENTITY: i64 = 4;
    pub const ROW_GUID: i64 = 8;
    pub const COMPUTED: i64 = 0x10;
    pub const HIDDEN: i64 = 0x2000;
    pub const XML_DOCUMENT: i64 = 0x800;
    pub const SPARSE: i64 = 0x0100_0000;
    pub const OUTPUT: i64 = 0x200;
}

/// Bits of sysidxstats.status.
pub mod index_bit {
    pub const IGNORE_DUPLICATES: i64 = crate::ddl::index::bits::IGNORE_DUPLICATES;
    pub const INDEX: i64 = 1;
    pub const UNIQUE: i64 = 8;
    pub const PRIMARY_KEY: i64 = 0x20;
    pub const UNIQUE_CONSTRAINT: i64 = 0x40;
    pub const DISABLED: i64 = 0x80;
    pub const HYPOTHETICAL: i64 = 0x100;
}

/// The type of a syscolpars row.
pub fn column_type(row: &BaseRow<'_>) -> SqlType {
    sql_type(
        row.int("xtype") as u8,
        row.i32("utype"),
        row.i32("length"),
        row.int("prec") as u8,
        row.int("scale") as u8,
        row.int("collationid") as u32,
    )
}

/// Last value, increment and seed, each in the column's own encoding, and a flag byte.
fn identity(ty: &SqlType, bytes: &[u8]) -> Option<IdentityDef> {
    let width = bytes.len().checked_sub(1)? / 3;
    let part = |i: usize| decode::value(ty, bytes.get(i * width..(i + 1) * width)?).ok();
    if width == 0 {
        return None;
    }
    let unused = bytes.last().is_some_and(|b| b & 1 == 1);
    Some(IdentityDef { last: if unused { None } else { part(0) }, increment: part(1)?, seed: part(2)? })
}

/// Column definitions of a table, view or table function.
pub fn columns(catalog: &DatabaseCatalog, object_id: i32) -> Result<Vec<ColumnDef>, FormatError> {
    let mut out = Vec::new();
    for row in catalog.catalogs.columns_of(object_id, 0) {
        let status = row.int("status");
        let ty = column_type(&row);
        let column_id = row.i32("colid");
        let utype = row.i32("utype");
        let computed = if status & column_bit::COMPUTED != 0 {
            catalog.text(1, object_id, column_id)?.or(catalog.text(2, object_id, column_id)?)
        } else {
            None
        };
        let default_id = row.i32("dflt");
        let default = if default_id != 0 { catalog.text(1, default_id, 0)? } else { None };
        let identity =
            if status & column_bit::IDENTITY != 0 { identity(&ty, row.bytes("idtval")) } else { None };
        let user_type = catalog.catalogs.type_row(utype).filter(|t| t.id > 255).map(|t| {
            if t.schema_id == 4 {
                t.name.clone()
            } else {
                Arc::from(format!("{}.{}", catalog.schema_name(t.schema_id), t.name))
            }
        });
        out.push(ColumnDef {
            name: row.text("name").into(),
            column_id,
            ty,
            nullable: status & column_bit::NOT_NULL == 0,
            user_type,
            identity,
            is_row_guid: status & column_bit::ROW_GUID != 0,
            is_sparse: status & column_bit::SPARSE != 0,
            is_hidden: status & column_bit::HIDDEN != 0,
            computed,
            persisted: false,
            default,
            typed_xml: catalog.typed_xml_of(row.i32("xmlns"), status & column_bit::XML_DOCUMENT != 0),
        });
    }
    out.sort_by_key(|c| c.column_id);
    Ok(out)
}

/// The identity column of a table as the catalog has it; `None` without one, or when its row cannot be read.
pub fn identity_column(catalog: &DatabaseCatalog, object_id: i32) -> Option<IdentityColumn> {
    let row = catalog
        .catalogs
        .columns_of(object_id, 0)
        .into_iter()
        .find(|r| r.int("status") & column_bit::IDENTITY != 0)?;
    let ty = column_type(&row);
    let i = identity(&ty, row.bytes("idtval"))?;
    let column_id = row.i32("colid");
    Some(IdentityColumn { column_id, ty, seed: i.seed, increment: i.increment, last: i.last })
}

/// Access to one rowset of a table or nonclustered index.
fn rowset_access(
    catalog: &DatabaseCatalog,
    rowset: &Rowset,
    positions: Vec<Option<usize>>,
    missing: Vec<Value>,
    layout: Arc<RowLayout>,
) -> RowsetAccess {
    RowsetAccess {
        rowset: rowset.id,
        layout,
        live: catalog.store.live.of(&catalog.store.tables, rowset),
        heap: rowset.index_id == 0,
        positions: positions.into(),
        missing: missing.into(),
        compression: rowset.compression,
        partition: None,
    }
}

/// Stored defaults of columns added without rewriting rows: (rowset, physical id) to value.
fn stored_defaults(
    catalog: &DatabaseCatalog,
    rowset: u64,
) -> Result<HashMap<i64, (Vec<u8>, bool)>, FormatError> {
    let (table, map) = catalog.catalogs.group(&catalog.store, "sysseobjvalues", "id")?;
    let mut out = HashMap::new();
    for row in map.get(&(rowset as i64)).into_iter().flatten().filter_map(|&i| table.row(i)) {
        if row.int("valclass") != 1 {
            continue;
        }
        let large = row.value("imageval");
        let value = if large.is_null() {
            (row.bytes("value").to_vec(), true)
        } else {
            (row.bytes("imageval").to_vec(), false)
        };
        out.insert(row.int("subid"), value);
    }
    Ok(out)
}

/// The stored side of a table or indexed view alone.
pub fn storage(catalog: &DatabaseCatalog, object: &ObjectRow) -> Result<StoredTable, FormatError> {
    let (definition, mut access) = build_both(catalog, object)?;
    access.writer = super::writer::build(catalog, &definition, &access).map(Arc::new);
    Ok(access)
}

/// Builds the definition of a table (or base table).
pub fn build(catalog: &DatabaseCatalog, object: &ObjectRow) -> Result<TableDef, FormatError> {
    let (mut definition, mut access) = build_both(catalog, object)?;
    let Some(by) = access.partitioned.clone() else {
        access.writer = super::writer::build(catalog, &definition, &access).map(Arc::new);
        definition.access = Arc::new(access);
        return Ok(definition);
    };
    let mut parts = split(&access);
    let mut writers = Vec::with_capacity(parts.len());
    for part in &mut parts {
        part.writer = super::writer::build(catalog, &definition, part).map(Arc::new);
        writers.extend(part.writer.clone());
    }
    access.writer = writers.first().cloned();
    let whole = writers.len() == parts.len() && !writers.is_empty();
    let writer = whole.then(|| Arc::new(PartitionedWriter::new(writers, Arc::clone(&by))));
    let only = (0..parts.len()).collect();
    definition.access = Arc::new(PartitionedTable { whole: access, parts: parts.into(), by, only, writer });
    Ok(definition)
}

/// The definition, with an empty access, and the access.
fn build_both(catalog: &DatabaseCatalog, object: &ObjectRow) -> Result<(TableDef, StoredTable), FormatError> {
    let mut columns = columns(catalog, object.id)?;
    let tables = &catalog.store.tables;
    let mut base = Vec::new();
    let (mut row_count, mut page_count) = (0u64, 0u64);
    for rowset in tables.base_rowsets(object.id) {
        let Some(layout) = tables.layout(rowset.id) else { continue };
        let defaults = stored_defaults(catalog, rowset.id)?;
        let mut positions = Vec::with_capacity(columns.len());
        let mut missing = Vec::with_capacity(columns.len());
        for column in &mut columns {
            let position = layout.position_of(column.column_id);
            if position.is_some() && column.computed.is_some() {
                column.persisted = true;
            }
            let value = position.and_then(|p| defaults.get(&i64::from(layout.columns[p].physical_id)));
            missing.push(match value {
                Some((bytes, true)) => coerce(&column.ty, decode::variant::inner(bytes).unwrap_or_default()),
                Some((bytes, false)) => decode::value(&column.ty, bytes).unwrap_or_default(),
                None => Value::Null,
            });
            positions.push(position);
        }
        row_count += rowset.rows.max(0).unsigned_abs();
        page_count +=
            tables.unit(rowset.id, unit_type::IN_ROW).map_or(0, |u| u.used_pages.max(0).unsigned_abs());
        base.push(rowset_access(catalog, rowset, positions, missing, layout.clone()));
    }
    let partitioned = partitioned(catalog, object.id, &columns, &mut base)?;
    let mut statistics = super::statistics::of_table(catalog, object.id, &columns)?;
    let (indexes, stored) =
        indexes(catalog, object.id, &columns, &base, &statistics, partitioned.as_deref())?;
    statistics.retain(|s| indexes.iter().all(|i| i.index_id != s.id));
    let temporal = super::temporal::of(catalog, object.id, &columns)?;
    let access = StoredTable {
        store: catalog.store.clone(),
        object_id: object.id,
        name: object.name.clone(),
        types: columns.iter().map(|c| c.ty).collect(),
        names: columns.iter().map(|c| c.name.clone()).collect(),
        computed: columns.iter().map(|c| c.computed.is_some() && !c.persisted).collect(),
        base,
        indexes: stored,
        partitioned,
        writer: None,
        large_out_of_row: i64::from(object.status) & bits::LARGE_OUT_OF_ROW != 0,
        keeps_row_locks: Escalation::of(object.status.into()) == Some(Escalation::Disable),
        ways: Ways::default(),
    };
    let nothing = StoredTable {
        store: catalog.store.clone(),
        object_id: object.id,
        name: object.name.clone(),
        types: Vec::new(),
        names: Vec::new(),
        computed: Vec::new(),
        base: Vec::new(),
        indexes: Vec::new(),
        partitioned: None,
        writer: None,
        large_out_of_row: false,
        keeps_row_locks: false,
        ways: Ways::default(),
    };
    let definition = TableDef {
        database_id: catalog.id,
        object_id: object.id,
        schema_name: catalog.schema_name(object.schema_id),
        name: object.name.clone(),
        columns,
        indexes,
        statistics,
        row_count,
        page_count,
        temporal,
        access: Arc::new(nothing),
    };
    Ok((definition, access))
}

/// How the rows of a table are spread over its rowsets; `None` when they are not, or not in a way that is understood.
fn partitioned(
    catalog: &DatabaseCatalog,
    object_id: i32,
    columns: &[ColumnDef],
    base: &mut [RowsetAccess],
) -> Result<Option<Arc<Partitioned>>, FormatError> {
    let Some(first) = base.first() else { return Ok(None) };
    let Some(spread) = catalog.spread_of(object_id, i32::from(!first.heap))? else { return Ok(None) };
    let ordinal = columns.iter().position(|c| c.column_id == spread.column_id);
    let Some(ordinal) = ordinal.filter(|_| spread.function.partitions() == base.len()) else {
        return Ok(None);
    };
    for (n, rowset) in base.iter_mut().enumerate() {
        rowset.partition = u16::try_from(n).ok();
    }
    let rowsets = base.iter().map(|r| r.rowset).collect();
    Ok(Some(Arc::new(Partitioned { function: spread.function, ordinal, rowsets })))
}

/// A stored default has the type of the constant that was written; only its scale or width can differ from the column's.
fn coerce(ty: &SqlType, value: Value) -> Value {
    match (ty.id, value) {
        (TypeId::Int, Value::TinyInt(v)) => Value::Int(v.into()),
        (TypeId::Int, Value::SmallInt(v)) => Value::Int(v.into()),
        (TypeId::BigInt, Value::Int(v)) => Value::BigInt(v.into()),
        (TypeId::SmallInt, Value::Int(v)) => i16::try_from(v).map_or(Value::Null, Value::SmallInt),
        (TypeId::TinyInt, Value::Int(v)) => u8::try_from(v).map_or(Value::Null, Value::TinyInt),
        (TypeId::Bit, Value::Int(v)) => Value::Bit(v != 0),
        (_, value) => value,
    }
}

/// The key and included columns of an index as the catalog lists them, by ordinal.
struct IndexColumns {
    keys: Vec<IndexKey>,
    included: Vec<usize>,
    /// The partitioning column.
    partitioning: Option<usize>,
}

fn index_columns(
    catalog: &DatabaseCatalog,
    object_id: i32,
    index_id: i32,
    columns: &[ColumnDef],
) -> Result<IndexColumns, FormatError> {
    let (table, map) = catalog.catalogs.group(&catalog.store, "sysiscols", "idmajor")?;
    let mut keys: Vec<(i64, IndexKey)> = Vec::new();
    let mut included: Vec<(i64, usize)> = Vec::new();
    let mut partitioning = None;
    for row in map.get(&i64::from(object_id)).into_iter().flatten().filter_map(|&i| table.row(i)) {
        if row.i32("idminor") != index_id {
            continue;
        }
        let Some(ordinal) = columns.iter().position(|c| c.column_id == row.i32("intprop")) else { continue };
        let status = row.int("status");
        let place = row.int("tinyprop1");
        if row.int("tinyprop2") > 0 {
            partitioning = Some(ordinal);
        }
        if status & 0x10 != 0 {
            included.push((row.int("subid"), ordinal));
        } else if place > 0 || status & 2 != 0 {
            let order = if place > 0 { place } else { row.int("subid") };
            keys.push((order, IndexKey { ordinal, descending: status & 4 != 0 }));
        }
    }
    keys.sort_by_key(|k| k.0);
    included.sort_by_key(|k| k.0);
    Ok(IndexColumns {
        keys: keys.into_iter().map(|k| k.1).collect(),
        included: included.into_iter().map(|k| k.1).collect(),
        partitioning,
    })
}

fn indexes(
    catalog: &DatabaseCatalog,
    object_id: i32,
    columns: &[ColumnDef],
    base: &[RowsetAccess],
    statistics: &[ColumnStatistics],
    partitioned: Option<&Partitioned>,
) -> Result<(Vec<IndexDef>, Vec<StoredIndex>), FormatError> {
    let (table, map) = catalog.catalogs.group(&catalog.store, "sysidxstats", "id")?;
    let mut definitions = Vec::new();
    let mut stored: Vec<StoredIndex> = Vec::new();
    let mut rows: Vec<BaseRow<'_>> =
        map.get(&i64::from(object_id)).into_iter().flatten().filter_map(|&i| table.row(i)).collect();
    rows.sort_by_key(|r| r.i32("indid"));
    for row in rows {
        let index_id = row.i32("indid");
        let status = row.int("status");
        let kind = match row.int("type") {
            0 => IndexKind::Heap,
            1 => IndexKind::Clustered,
            2 => IndexKind::Nonclustered,
            3 => IndexKind::Xml,
            4 => IndexKind::Spatial,
            _ => IndexKind::Columnstore,
        };
        if status & index_bit::HYPOTHETICAL != 0 || (index_id != 0 && status & index_bit::INDEX == 0) {
            continue;
        }
        let mut listed = index_columns(catalog, object_id, index_id, columns)?;
        if let (IndexKind::Nonclustered, Some(ordinal)) = (kind, listed.partitioning) {
            // It is in the entry: as part of the key, of the clustered key, or behind both.
            let clustered: Option<&StoredIndex> = stored.iter().find(|s| s.clustered);
            let there = listed.keys.iter().any(|k| k.ordinal == ordinal)
                || listed.included.contains(&ordinal)
                || clustered.is_some_and(|c| c.keys.iter().any(|k| k.ordinal == Some(ordinal)));
            if !there {
                listed.included.push(ordinal);
            }
        }
        let name: Option<Arc<str>> = Some(row.text("name")).filter(|n| !n.is_empty()).map(Into::into);
        let mut definition = IndexDef {
            index_id,
            name: if kind == IndexKind::Heap { None } else { name.clone() },
            kind,
            unique: status & index_bit::UNIQUE != 0,
            primary_key: status & index_bit::PRIMARY_KEY != 0,
            unique_constraint: status & index_bit::UNIQUE_CONSTRAINT != 0,
            ignore_duplicates: status & index_bit::IGNORE_DUPLICATES != 0,
            disabled: status & index_bit::DISABLED != 0,
            keys: listed.keys,
            included: listed.included,
            filter: catalog.text(66, object_id, index_id)?,
            statistics: None,
        };
        // An XML index has other columns than keys.
        if !definition.keys.is_empty() {
            definition.statistics =
                statistics.iter().find(|s| s.id == index_id).map(|s| Arc::clone(&s.values));
        }
        let built = match kind {
            IndexKind::Clustered => clustered(catalog, &definition, columns, base),
            // Without understanding the clustered key the row locator cannot be understood either.
            IndexKind::Nonclustered
                if definitions.iter().any(|d: &IndexDef| d.kind == IndexKind::Clustered)
                    && !stored.iter().any(|s| s.clustered) =>
            {
                None
            }
            IndexKind::Nonclustered => {
                nonclustered(catalog, object_id, &definition, columns, stored.iter().find(|s| s.clustered))
            }
            _ => None,
        };
        let built = match built {
            Some(mut index) => {
                index.aligned = match partitioned {
                    Some(by) if !index.clustered => {
                        let spread = catalog.spread_of(object_id, index_id)?;
                        let alike = spread.is_some_and(|s| {
                            s.function.id == by.function.id
                                && columns.get(by.ordinal).is_some_and(|c| c.column_id == s.column_id)
                        });
                        alike && index.rowsets.len() == base.len()
                    }
                    by => by.is_some() || index.rowsets.len() == 1,
                };
                // What a row address looks like in an index that is partitioned otherwise than its heap is not known.
                let one = index.rowsets.len() == 1 && matches!(index.locator, Locator::Key(_));
                index.usable &= index.aligned || one;
                Some(index)
            }
            None => None,
        };
        match built {
            Some(index) => {
                // A sort order that cannot be reproduced makes an index useless for seeks.
                definition.disabled |= !index.usable;
                stored.push(index);
            }
            None => definition.disabled |= kind != IndexKind::Heap,
        }
        definitions.push(definition);
    }
    Ok((definitions, stored))
}

fn clustered(
    _catalog: &DatabaseCatalog,
    definition: &IndexDef,
    columns: &[ColumnDef],
    base: &[RowsetAccess],
) -> Option<StoredIndex> {
    let layout = &base.first()?.layout;
    let mut keys = Vec::new();
    for position in layout.key_positions() {
        let physical = &layout.columns[position];
        let ordinal =
            columns.iter().position(|c| c.column_id == physical.column_id && !physical.is_uniquifier());
        let ty = match ordinal {
            Some(o) => columns[o].ty,
            None if physical.is_uniquifier() => SqlType::INT,
            None => return None,
        };
        keys.push(StoredKey { position, ty, descending: physical.is_descending(), ordinal });
    }
    let usable = keys.iter().all(|k| key::is_comparable(&k.ty)) && base.iter().all(|r| r.compression <= 2);
    Some(StoredIndex {
        index_id: definition.index_id,
        name: definition.name.clone().unwrap_or_else(|| Arc::from("")),
        clustered: true,
        unique: true,
        entry_keys: keys.clone().into(),
        keys: keys.into(),
        rowsets: base.to_vec(),
        locator: Locator::Row,
        usable,
        aligned: true,
    })
}

fn nonclustered(
    catalog: &DatabaseCatalog,
    object_id: i32,
    definition: &IndexDef,
    columns: &[ColumnDef],
    clustered: Option<&StoredIndex>,
) -> Option<StoredIndex> {
    let tables = &catalog.store.tables;
    let rowsets: Vec<&Rowset> =
        tables.rowsets_of(object_id).filter(|r| r.index_id == definition.index_id).collect();
    let layout = tables.layout(rowsets.first()?.id)?;
    let key_count = definition.keys.len();
    let by_key = layout.key_positions();
    let rest: Vec<usize> = (0..layout.columns.len())
        .filter(|&i| layout.columns[i].key_ordinal == 0 && !layout.columns[i].is_dropped())
        .collect();
    if by_key.len() < key_count {
        return None;
    }
    let mut positions: Vec<Option<usize>> = vec![None; columns.len()];
    let mut keys = Vec::new();
    for (k, &position) in definition.keys.iter().zip(&by_key) {
        positions[k.ordinal] = Some(position);
        let descending = layout.columns[position].is_descending();
        keys.push(StoredKey { position, ty: columns[k.ordinal].ty, descending, ordinal: Some(k.ordinal) });
    }
    let extra_keys = &by_key[key_count..];
    let (included, locators): (&[usize], &[usize]) = if extra_keys.is_empty() {
        rest.split_at_checked(definition.included.len())?
    } else {
        (&rest, extra_keys)
    };
    // Where the locator is a part of the key, it holds columns that are listed as included, too.
    let in_locator = |ordinal: usize| {
        !extra_keys.is_empty() && clustered.is_some_and(|c| c.keys.iter().any(|k| k.ordinal == Some(ordinal)))
    };
    let listed = definition.included.iter().filter(|o| !in_locator(**o));
    for (ordinal, position) in listed.zip(included) {
        positions[*ordinal] = Some(*position);
    }
    let locator = match clustered {
        None => Locator::Rid(*locators.first()?),
        Some(index) => {
            let mut next = locators.iter();
            let mut found = Vec::new();
            for k in index.keys.iter() {
                let known = k.ordinal.and_then(|o| positions[o].filter(|_| !is_locator_only(o, definition)));
                let position = match known {
                    Some(position) => position,
                    None => {
                        let position = *next.next()?;
                        if let Some(ordinal) = k.ordinal {
                            positions[ordinal] = Some(position);
                        }
                        position
                    }
                };
                found.push(position);
            }
            Locator::Key(found.into())
        }
    };
    // Every position must hold the type of the column it stands for; otherwise the index is not understood.
    let understood = positions.iter().enumerate().all(|(o, p)| {
        p.is_none_or(|p| {
            layout.columns[p].xtype == columns[o].ty.id.xtype() || columns[o].ty.id == TypeId::Vector
        })
    });
    let usable = understood
        && keys.iter().all(|k| key::is_comparable(&k.ty))
        && clustered.is_none_or(|c| c.usable)
        && rowsets.iter().all(|r| r.compression <= 2)
        && rowsets
            .iter()
            .all(|r| tables.layout(r.id).is_some_and(|l| l.columns.len() == layout.columns.len()));
    let missing = vec![Value::Null; columns.len()];
    let rowsets = rowsets
        .into_iter()
        .filter_map(|r| {
            let layout = tables.layout(r.id)?.clone();
            Some(rowset_access(catalog, r, positions.clone(), missing.clone(), layout))
        })
        .collect();
    Some(StoredIndex {
        index_id: definition.index_id,
        name: definition.name.clone().unwrap_or_else(|| Arc::from("")),
        clustered: false,
        unique: definition.unique,
        entry_keys: entry_keys(&keys, definition.unique, layout, &locator, clustered).into(),
        keys: keys.into(),
        rowsets,
        locator,
        usable,
        aligned: true,
    })
}

/// The column is neither key nor included: it can only be in the index as part of the row locator.
fn is_locator_only(ordinal: usize, definition: &IndexDef) -> bool {
    !definition.keys.iter().any(|k| k.ordinal == ordinal) && !definition.included.contains(&ordinal)
}
