//! The changing side of a table, out of its definition and storage.
//!
//! Invariants
//! 1. A table of which anything is not understood well enough to keep it right is not changed: the writer says why.

use std::sync::{Arc, OnceLock};

use holdfast_format::record::RowLayout;
use holdfast_types::{SqlType, TypeId};

use super::DatabaseCatalog;
use super::rows::sql_type;
use crate::catalog::{IndexKind, TableDef};
use crate::stored::table::{Locator, RowsetAccess, StoredIndex, StoredKey, StoredTable};
use crate::write::heap::Heap;
use crate::write::identity::IdentityColumn;
use crate::write::table::{Apart, Base, From, Index};
use crate::write::tree::Tree;
use crate::write::unkept::Unkept;
use crate::write::{StoredWriter, Writing};

/// `None` when the database is only read.
pub fn build(catalog: &DatabaseCatalog, definition: &TableDef, access: &StoredTable) -> Option<StoredWriter> {
    let writing = catalog.store.writing.clone()?;
    let mut unsupported = None;
    let mut refuse = |why: String| {
        unsupported.get_or_insert(why);
    };
    let rowset = match access.base.as_slice() {
        [] => return None,
        [one] => one.clone(),
        [one, ..] => {
            refuse("which has several partitions".to_owned());
            one.clone()
        }
    };
    if rowset.compression > 2 {
        refuse("which is a columnstore".to_owned());
    }
    if !keys_lead(&rowset.layout) {
        refuse("whose rows are compressed and do not begin with their key".to_owned());
    }
    let pointers = writing.pointers();
    let clustered = access.indexes.iter().find(|i| i.clustered);
    let base = if rowset.heap {
        let rowsets = Arc::clone(&writing.rowsets);
        Base::Heap(Heap { access: rowset.clone(), rowsets, pointers: pointers.clone() })
    } else {
        let def = definition.indexes.iter().find(|i| i.kind == IndexKind::Clustered);
        let Some(index) = clustered.filter(|i| i.usable) else {
            let tree = Arc::new(tree(&writing, &rowset, Vec::new(), true));
            return Some(StoredWriter {
                unsupported: Some("whose key order cannot be reproduced".to_owned()),
                ..writer(
                    writing,
                    definition,
                    access,
                    Base::Tree { tree, unique: true, name: "".into(), constraint: false },
                )
            });
        };
        let own = if definition.object_id == holdfast_format::catalog::object::SYSALLOCUNITS {
            None
        } else {
            pointers.clone()
        };
        let tree = Tree { pointers: own, ..tree(&writing, &rowset, index.keys.clone(), true) };
        Base::Tree {
            tree: Arc::new(tree),
            unique: def.is_some_and(|d| d.unique)
                || !index.keys.iter().any(|k| is_uniquifier(&rowset.layout, k)),
            name: index.name.clone(),
            constraint: def.is_some_and(|d| d.primary_key || d.unique_constraint),
        }
    };
    let mut indexes = Vec::new();
    let (mut unkept, mut apart) = (Vec::new(), Vec::new());
    let off = catalog.disabled_indexes(definition.object_id);
    for def in definition.indexes.iter().filter(|d| !matches!(d.kind, IndexKind::Heap | IndexKind::Clustered))
    {
        let stored = access.indexes.iter().find(|i| i.index_id == def.index_id);
        let Some(stored) = stored else {
            let has_rowset =
                catalog.store.tables.rowsets_of(definition.object_id).any(|r| r.index_id == def.index_id);
            let mut over: Vec<usize> =
                def.keys.iter().map(|k| k.ordinal).chain(def.included.clone()).collect();
            if def.kind == IndexKind::Xml && over.is_empty() {
                // It does not say over which column: over any of them.
                let columns = definition.columns.iter().enumerate();
                over.extend(columns.filter(|(_, c)| c.ty.id == TypeId::Xml).map(|(o, _)| o));
            }
            // A disabled or hypothetical index has no rows to keep.
            if off.contains(&def.index_id) {
                continue;
            }
            if matches!(def.kind, IndexKind::Xml | IndexKind::Spatial) && !over.is_empty() {
                unkept.push(Unkept {
                    database: definition.database_id,
                    table: definition.object_id,
                    index: def.index_id,
                    name: def.name.clone().unwrap_or_default(),
                    ordinals: over,
                    without_nulls: def.kind == IndexKind::Xml,
                });
                continue;
            }
            if has_rowset || matches!(def.kind, IndexKind::Xml | IndexKind::Spatial | IndexKind::Columnstore)
            {
                let name = def.name.as_deref().unwrap_or("");
                refuse(format!("whose index '{name}' cannot be kept up"));
            }
            continue;
        };
        note_apart(&mut apart, access, &rowset, stored);
        let parts = (&rowset, apart.as_slice());
        match index(&writing, access, parts, stored, clustered, pointers.clone()) {
            Some((tree, fields)) => indexes.push(Index {
                index_id: def.index_id,
                name: stored.name.clone(),
                tree: Arc::new(tree),
                fields,
                unique: def.unique,
                constraint: def.primary_key || def.unique_constraint,
                filtered: def.filter.is_some(),
                declared: def.keys.len(),
            }),
            None => refuse(format!("whose index '{}' cannot be kept up", stored.name)),
        }
    }
    if let Base::Tree { tree, .. } = &base {
        tree.live().know_tree(tree);
    }
    for index in &indexes {
        index.tree.live().know_tree(&index.tree);
    }
    let mut out = writer(writing, definition, access, base);
    out.ignoring =
        definition.indexes.iter().filter(|i| i.ignore_duplicates && i.unique).map(|i| i.index_id).collect();
    out.indexes = indexes;
    out.apart = apart;
    out.positions = rowset.positions.to_vec();
    out.unsupported = unsupported;
    out.unkept = unkept;
    Some(out)
}

/// Entries of the upper levels of a compressed tree hold the key columns at the places they have in its rows.
fn keys_lead(layout: &RowLayout) -> bool {
    let keys = layout.columns.iter().filter(|c| c.key_ordinal > 0).count();
    layout.compression == 0 || layout.columns.iter().take(keys).all(|c| c.key_ordinal > 0)
}

fn is_uniquifier(layout: &RowLayout, key: &StoredKey) -> bool {
    layout.columns.get(key.position).is_some_and(|c| c.is_uniquifier())
}

fn writer(writing: Arc<Writing>, definition: &TableDef, access: &StoredTable, base: Base) -> StoredWriter {
    let identity = definition.columns.iter().find_map(|c| {
        let i = c.identity.as_ref()?;
        Some(IdentityColumn {
            column_id: c.column_id,
            ty: c.ty,
            seed: i.seed.clone(),
            increment: i.increment.clone(),
            last: i.last.clone(),
        })
    });
    StoredWriter {
        writing,
        object_id: definition.object_id,
        name: format!("{}.{}", definition.schema_name, definition.name).into(),
        types: access.types.clone(),
        names: access.names.clone(),
        nullable: definition.columns.iter().map(|c| c.nullable).collect(),
        positions: Vec::new(),
        base,
        indexes: Vec::new(),
        apart: Vec::new(),
        identity,
        unsupported: None,
        unkept: Vec::new(),
        ignoring: Vec::new(),
        as_of: access.store.as_of,
        keeps_row_locks: access.keeps_row_locks,
        large_out_of_row: access.large_out_of_row,
        absent: OnceLock::new(),
        plan: OnceLock::new(),
    }
}

fn tree(
    writing: &Arc<Writing>,
    access: &RowsetAccess,
    keys: impl Into<Arc<[StoredKey]>>,
    clustered: bool,
) -> Tree {
    Tree {
        access: access.clone(),
        keys: keys.into(),
        clustered,
        rowsets: Arc::clone(&writing.rowsets),
        pointers: writing.pointers(),
    }
}

/// Enters the columns of an index that are computed and that no row holds.
fn note_apart(apart: &mut Vec<Apart>, table: &StoredTable, base: &RowsetAccess, index: &StoredIndex) {
    let Some(rowset) = index.rowsets.first() else { return };
    for (ordinal, position) in rowset.positions.iter().enumerate() {
        let computed = table.computed.get(ordinal).copied().unwrap_or(false);
        let in_rows = base.positions.get(ordinal).copied().flatten().is_some();
        let Some(position) = position.filter(|_| computed && !in_rows) else { continue };
        if apart.iter().all(|a| a.ordinal != ordinal) {
            let place = rowset.layout.columns.get(position).map(|c| &c.leaf);
            let size = place.filter(|l| l.offset > 0).map_or(0, |l| usize::from(l.size));
            apart.push(Apart { ordinal, size });
        }
    }
}

/// The tree of a nonclustered index and where its fields come from.
fn index(
    writing: &Arc<Writing>,
    table: &StoredTable,
    (base, apart): (&RowsetAccess, &[Apart]),
    stored: &StoredIndex,
    clustered: Option<&StoredIndex>,
    pointers: Option<Arc<Tree>>,
) -> Option<(Tree, Vec<From>)> {
    let [rowset] = stored.rowsets.as_slice() else { return None };
    if !stored.usable || rowset.compression > 2 || !keys_lead(&rowset.layout) {
        return None;
    }
    let layout = &rowset.layout;
    let mut fields = vec![From::Nothing; layout.columns.len()];
    let mut types: Vec<Option<(SqlType, Option<usize>)>> = vec![None; layout.columns.len()];
    for (ordinal, position) in rowset.positions.iter().enumerate() {
        let Some(position) = *position else { continue };
        let own = base.positions.get(ordinal).copied().flatten();
        let from = own.or_else(|| {
            let n = apart.iter().position(|a| a.ordinal == ordinal)?;
            Some(base.layout.columns.len() + n)
        });
        *fields.get_mut(position)? = From::Base(from?);
        *types.get_mut(position)? = Some((*table.types.get(ordinal)?, Some(ordinal)));
    }
    match (&stored.locator, clustered) {
        (Locator::Rid(position), _) => {
            *fields.get_mut(*position)? = From::Rid;
            let ty = SqlType { id: TypeId::Binary, length: 8, ..SqlType::NULL };
            *types.get_mut(*position)? = Some((ty, None));
        }
        (Locator::Key(positions), Some(clustered)) => {
            for (position, key) in positions.iter().zip(clustered.keys.iter()) {
                *fields.get_mut(*position)? = From::Base(key.position);
                *types.get_mut(*position)? = Some((key.ty, key.ordinal));
            }
        }
        _ => return None,
    }
    let mut keys = Vec::new();
    for position in layout.key_positions() {
        let column = &layout.columns[position];
        let (ty, ordinal) = types[position].unwrap_or_else(|| {
            let ty = sql_type(
                column.xtype,
                0,
                i32::from(column.length),
                column.precision,
                column.scale,
                column.collation,
            );
            (ty, None)
        });
        keys.push(StoredKey { position, ty, descending: column.is_descending(), ordinal });
    }
    // Every column must come from somewhere, or rows would be stored with holes.
    if fields.iter().zip(&layout.columns).any(|(f, c)| *f == From::Nothing && !c.is_dropped()) {
        return None;
    }
    let tree = Tree { pointers, ..tree(writing, rowset, keys, false) };
    Some((tree, fields))
}
