//! CREATE INDEX.
//!
//! Invariants
//! 1. A clustered index is made by writing the table anew; a nonclustered one is filled from the rows that are there.

use std::sync::Arc;

use holdfast_engine::access::TableAccess;
use holdfast_engine::catalog::{ColumnDef, IndexKind as Kind, TableDef};
use holdfast_engine::ddl::index::{ClusteredKey, NewIndex, Placement, clustered_key, table_columns};
use holdfast_engine::ddl::layout::fixed_size;
use holdfast_tsql::ast::{CreateIndex, IndexKind};
use holdfast_types::{SqlError, SqlType, Value};

use super::build::WholeRows;
use super::constraint::{Target, check_filter, index_options, only_unique_ignores};
use super::lower::known_columns;
use super::print::stored_filter;
use super::{Definition, shown};
use crate::procedure::run::Fail;

/// 1505 for what an index in the making says of duplicates.
pub fn duplicate(e: SqlError, table: &str, index: &str) -> SqlError {
    if !matches!(e.number, 2601 | 2627) {
        return e;
    }
    let value = e.message.rsplit_once("value is ").map_or("", |v| v.1).trim_end_matches('.').to_owned();
    SqlError::new(1505, &[&table, &index, &value])
}

impl Definition<'_, '_> {
    pub fn target(&self, t: &TableDef) -> Result<Target, Fail> {
        let catalog = self.catalog()?;
        let row = catalog.object_row(t.object_id);
        let definition = catalog.table(t.object_id)?;
        Ok(Target {
            object: t.object_id,
            schema_id: row.map_or(1, |r| r.schema_id),
            name: t.name.to_string(),
            known: known_columns(t),
            clustered: definition.as_ref().and_then(clustered_key),
            place: self.base_placement(t)?.uncompressed(),
            keys: super::constraint::keys_of(t),
        })
    }

    pub fn create_index(&mut self, c: &CreateIndex) -> Result<(), Fail> {
        if c.kind != IndexKind::Rowstore {
            return Err(SqlError::not_supported("An index of this kind").into());
        }
        let table = match self.find(&c.table)? {
            Some((id, kind)) if kind == "U" => self.catalog()?.table(id)?,
            Some((id, kind)) if kind == "V" => return self.create_view_index(c, id),
            _ => None,
        };
        let name = shown(&c.table);
        let table = table.ok_or_else(|| Fail::Compile(SqlError::new(1088, &[&name])))?;
        self.lock(table.object_id)?;
        if c.unique && table.temporal.history_of.is_some() {
            return Err(SqlError::new(13741, &[&self.versioned_name(&table)]).into());
        }
        let mut target = self.target(&table)?;
        let base = target.place.clone();
        if let Some(on) = &c.on {
            target.place = self.placement(Some(on), &target.known)?;
        }
        let mut index = NewIndex {
            clustered: c.clustered == Some(true),
            unique: c.unique,
            keys: self.key_columns(&target, &c.name.text, &c.columns)?,
            ..NewIndex::named(&c.name.text, target.place.clone())
        };
        index.included = self.included(&target, &index.keys, &c.include)?;
        index_options(&mut index, &c.options)?;
        only_unique_ignores(&index)?;
        let place = if index.clustered { index.place.clone() } else { base };
        self.check_partitioning_at(&index, &place, &target.known, target.clustered.is_some())?;
        if let Some(f) = &c.filter {
            check_filter(f, &c.name.text, &name)?;
            let text = stored_filter(f, self.source());
            self.check_condition(&target.known, &text)?;
            index.filter = Some(text);
        }
        self.check_computed_keys(&target, &index)?;
        let drop_existing = super::view_index::drop_existing(c);
        let existing = self.index_named(table.object_id, &c.name.text)?;
        match existing {
            Some(id) if drop_existing => return self.replace_index(&table, id, index),
            None if drop_existing => return Err(SqlError::new(7999, &[&c.name.text, &name]).into()),
            Some(_) => return Err(SqlError::new(1913, &[&c.name.text, &"table", &name]).into()),
            None => {}
        }
        self.make_index(table.object_id, &index)?;
        Ok(())
    }

    /// The id of an index or statistics of a table.
    pub fn index_named(&self, object: i32, name: &str) -> Result<Option<i32>, Fail> {
        let writer = self.writer()?;
        let base = writer.base("sysidxstats")?;
        let rows = writer.rows("sysidxstats", &[object.into()])?;
        Ok(rows.iter().find(|r| self.same(&base.text(r, "name"), name)).map(|r| base.int(r, "indid") as i32))
    }

    /// Enters an index on a table that is there, and its rows. Answers its id.
    pub fn make_index(&mut self, object: i32, index: &NewIndex) -> Result<i32, Fail> {
        let table = self.catalog()?.table(object)?.ok_or_else(|| SqlError::new(4902, &[&index.name]))?;
        let shown = format!("{}.{}", table.schema_name, table.name);
        if index.clustered {
            if let Some(other) = table.indexes.iter().find(|i| i.kind == Kind::Clustered) {
                let other = other.name.as_deref().unwrap_or("");
                return Err(SqlError::new(1902, &[&"table", &shown, &other]).into());
            }
            return self.make_clustered(&table, index).map(|()| 1);
        }
        self.warn_of_key(index, &|id| table.columns.iter().find(|c| c.column_id == id).map(|c| c.ty))?;
        let columns = table_columns(&table);
        let clustered = clustered_key(&table);
        let id = self.writer()?.add_index(object, &columns, index, clustered.as_ref())?;
        self.refresh()?;
        self.fill(object, id, index.filter.as_deref())
            .map_err(|f| map_error(f, &|e| duplicate(e, &shown, &index.name)))?;
        self.statistics_of_index(object, id)?;
        Ok(id)
    }

    /// 1944 for a key that is too long with the shortest values, 1945 for one that may become so.
    pub fn warn_of_key(
        &mut self,
        index: &NewIndex,
        type_of: &dyn Fn(i32) -> Option<SqlType>,
    ) -> Result<(), Fail> {
        let (most, kind) = if index.clustered { (900, "clustered") } else { (1700, "nonclustered") };
        let (mut least, mut longest) = (0, 0);
        for ty in index.keys.iter().filter_map(|(id, _)| type_of(*id)) {
            least += fixed_size(&ty).unwrap_or(0);
            longest += fixed_size(&ty).unwrap_or(ty.length);
        }
        if least > most {
            return Err(SqlError::new(1944, &[&index.name, &least, &most]).into());
        }
        if longest > most {
            let warning = SqlError::new(1945, &[&kind, &most, &index.name, &longest]);
            self.runner.sink.message(&warning.at_line(self.span.line))?;
        }
        Ok(())
    }

    /// Writes a table in the order of a clustered index, which takes the place of the one there is.
    fn make_clustered(&mut self, table: &Arc<TableDef>, index: &NewIndex) -> Result<(), Fail> {
        let shown = format!("{}.{}", table.schema_name, table.name);
        let keyed = |c: &&ColumnDef| c.is_sparse && index.keys.iter().any(|(id, _)| *id == c.column_id);
        if let Some(c) = table.columns.iter().find(keyed) {
            return Err(SqlError::new(1919, &[&c.name, &shown]).into());
        }
        self.warn_of_key(index, &|id| table.columns.iter().find(|c| c.column_id == id).map(|c| c.ty))?;
        self.rewrite(table, Some((index, ClusteredKey::of(index))))
            .map_err(|f| map_error(f, &|e| duplicate(e, &shown, &index.name)))?;
        self.refresh()?;
        for id in self.index_ids(table.object_id)? {
            self.statistics_of_index(table.object_id, id)?;
        }
        Ok(())
    }

    /// WITH (DROP_EXISTING = ON): an index instead of the one of the same name.
    fn replace_index(&mut self, table: &Arc<TableDef>, id: i32, mut index: NewIndex) -> Result<(), Fail> {
        let object = table.object_id;
        let Some(old) = table.indexes.iter().find(|i| i.index_id == id).cloned() else {
            return Err(SqlError::new(7999, &[&index.name, &table.name]).into());
        };
        if !matches!(old.kind, Kind::Clustered | Kind::Nonclustered) {
            return Err(SqlError::not_supported("DROP_EXISTING of an index of this kind").into());
        }
        if old.kind == Kind::Clustered && !index.clustered {
            return Err(SqlError::new(1925, &[]).into());
        }
        let shown = format!("{}.{}", table.schema_name, table.name);
        let first = table.indexes.iter().find(|i| i.kind == Kind::Clustered);
        if let Some(other) = first.filter(|i| index.clustered && i.index_id != id) {
            let other = other.name.as_deref().unwrap_or("");
            return Err(SqlError::new(1902, &[&"table", &shown, &other]).into());
        }
        let constraint = old.primary_key || old.unique_constraint;
        if constraint {
            // What the constraint says must stay as it is.
            let before = self.definition_of(table, &old)?;
            let ids = |i: &NewIndex| i.keys.iter().map(|k| k.0).collect::<Vec<_>>();
            if !index.unique || ids(&before) != ids(&index) || index.filter.is_some() {
                return Err(SqlError::new(1907, &[&index.name]).into());
            }
            index.primary_key = old.primary_key;
            index.unique_constraint = old.unique_constraint;
        }
        match (old.kind, index.clustered) {
            (Kind::Clustered, _) => self.make_clustered(table, &index),
            (_, true) if constraint => {
                Err(SqlError::not_supported("Making the index of a constraint clustered").into())
            }
            (_, false) if constraint => {
                let writer = self.writer()?;
                let key = clustered_key(table);
                writer.replace_rowset(object, id, &table_columns(table), &index, key.as_ref())?;
                drop(writer);
                self.refresh()?;
                self.fill(object, id, None)
                    .map_err(|f| map_error(f, &|e| duplicate(e, &shown, &index.name)))?;
                self.statistics_of_index(object, id)
            }
            _ => {
                self.writer()?.remove_index(object, id)?;
                self.refresh()?;
                self.make_index(object, &index).map(|_| ())
            }
        }
    }

    /// Ids of a table's indexes.
    fn index_ids(&self, object: i32) -> Result<Vec<i32>, Fail> {
        let table = self.catalog()?.table(object)?;
        Ok(table.iter().flat_map(|t| t.indexes.iter().map(|i| i.index_id)).filter(|id| *id > 0).collect())
    }

    /// Where the heap or clustered index of a table is.
    pub fn base_placement(&self, table: &TableDef) -> Result<Placement, Fail> {
        let base = table.indexes.iter().find(|i| matches!(i.kind, Kind::Heap | Kind::Clustered));
        Ok(self.writer()?.placement_of(table.object_id, base.map_or(0, |b| b.index_id)))
    }

    /// All rows of a table, whole.
    pub fn all_rows(&self, table: &TableDef) -> Result<Vec<Vec<Value>>, Fail> {
        self.rows_of(table, &*table.access, false).map(|r| r.0)
    }

    /// Rows of a part of a table, whole, and with `marked` what names each.
    pub fn rows_of(
        &self,
        table: &TableDef,
        access: &dyn TableAccess,
        marked: bool,
    ) -> Result<(Vec<Vec<Value>>, Vec<Vec<u8>>), Fail> {
        let columns = WholeRows::of(table, marked);
        let mut source = access.scan(&self.reading(), &columns.ordinals)?;
        let (mut out, mut marks) = (Vec::new(), Vec::new());
        while let Some(batch) = source.next_batch()? {
            columns.take(&batch, &mut out, &mut marks);
        }
        Ok((out, marks))
    }

    /// Writes a table anew, as a heap or with a clustered index, and its other indexes with it.
    pub fn rewrite(
        &mut self,
        table: &Arc<TableDef>,
        clustered: Option<(&NewIndex, ClusteredKey)>,
    ) -> Result<(), Fail> {
        let object = table.object_id;
        if table.indexes.iter().any(|i| matches!(i.kind, Kind::Xml | Kind::Spatial | Kind::Columnstore)) {
            return Err(SqlError::not_supported("Writing a table with such indexes anew").into());
        }
        let key: Vec<(usize, bool)> = match &clustered {
            Some((_, key)) => {
                let place = |id: i32| table.columns.iter().position(|c| c.column_id == id);
                key.columns.iter().filter_map(|(id, descending)| Some((place(*id)?, *descending))).collect()
            }
            None => Vec::new(),
        };
        let rows = self.sorted_rows(table, &key)?;
        let columns = table_columns(table);
        let others: Vec<(i32, NewIndex)> = table
            .indexes
            .iter()
            .filter(|i| i.kind == Kind::Nonclustered)
            .map(|i| Ok((i.index_id, self.definition_of(table, i)?)))
            .collect::<Result<_, Fail>>()?;
        let place = match &clustered {
            Some((index, _)) => index.place.clone(),
            None => self.base_placement(table)?,
        };
        for (_, index) in &others {
            self.check_partitioning_at(index, &place, &known_columns(table), clustered.is_some())?;
        }
        {
            let writer = self.writer()?;
            let base = table.indexes.iter().find(|i| matches!(i.kind, Kind::Heap | Kind::Clustered));
            if let Some(base) = base {
                writer.remove_index(object, base.index_id)?;
            }
            let heap = base.map(|b| writer.placement_of(object, b.index_id)).unwrap_or(Placement::on(1));
            let key = match &clustered {
                Some((index, key)) => {
                    writer.add_index(object, &columns, index, None)?;
                    Some(key)
                }
                None => {
                    writer.add_heap(object, &columns, &heap)?;
                    None
                }
            };
            for (id, index) in &others {
                writer.replace_rowset(object, *id, &columns, index, key)?;
            }
        }
        self.refresh()?;
        self.load(object, rows)
    }

    /// An index that is there as one to be made.
    pub fn definition_of(
        &self,
        table: &TableDef,
        i: &holdfast_engine::catalog::IndexDef,
    ) -> Result<NewIndex, Fail> {
        let place = self.writer()?.placement_of(table.object_id, i.index_id);
        let id = |ordinal: usize| table.columns.get(ordinal).map_or(0, |c| c.column_id);
        Ok(NewIndex {
            unique: i.unique,
            primary_key: i.primary_key,
            unique_constraint: i.unique_constraint,
            keys: i.keys.iter().map(|k| (id(k.ordinal), k.descending)).collect(),
            included: i.included.iter().map(|&o| id(o)).collect(),
            filter: i.filter.as_ref().map(ToString::to_string),
            ..NewIndex::named(i.name.as_deref().unwrap_or(""), place)
        })
    }
}

pub fn map_error(f: Fail, with: &dyn Fn(SqlError) -> SqlError) -> Fail {
    match f {
        Fail::Error(e) => Fail::Error(with(e)),
        other => other,
    }
}
