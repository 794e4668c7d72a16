//! ALTER INDEX, and ALTER TABLE … REBUILD.
//!
//! Invariants
//! 1. A rebuilt index has new rowsets with the rows of the table, in the form and at the place it had unless the statement
//!    says otherwise; a rebuilt heap or clustered index takes the nonclustered ones with it, because their entries lead to rows.
//! 2. Options that the statement does not name stay as they are.

use std::sync::Arc;

use holdfast_engine::catalog::{IndexDef, IndexKind as Kind, TableDef};
use holdfast_engine::ddl::index::{NewIndex, bits, clustered_key, table_columns};
use holdfast_tsql::ast::{AlterIndex, Setting};
use holdfast_types::SqlError;

use super::build::clustered_ordinals;
use super::constraint::{index_options, index_options_of, partition_number};
use super::index::{duplicate, map_error};
use super::{Definition, shown};
use crate::procedure::run::Fail;

/// Options of an index that stand in its status, and the bit that says the opposite of ON where there is one.
const STATUS_OPTIONS: [(&str, i64, bool); 5] = [
    ("PAD_INDEX", bits::PADDED, true),
    ("IGNORE_DUP_KEY", bits::IGNORE_DUPLICATES, true),
    ("STATISTICS_NORECOMPUTE", bits::NO_RECOMPUTE, true),
    ("ALLOW_ROW_LOCKS", bits::NO_ROW_LOCKS, false),
    ("ALLOW_PAGE_LOCKS", bits::NO_PAGE_LOCKS, false),
];

/// 155: an option that the action does not have, which would be passed over.
fn only_known(action: &str, options: &[Setting]) -> Result<(), Fail> {
    let known: &[&str] = match action {
        "SET" => &["ALLOW_ROW_LOCKS", "ALLOW_PAGE_LOCKS", "IGNORE_DUP_KEY", "STATISTICS_NORECOMPUTE"],
        "REORGANIZE" => &["LOB_COMPACTION"],
        // What the options of REBUILD are is known where they are read.
        "REBUILD" => return Ok(()),
        _ => &[],
    };
    match options.iter().find(|o| !known.contains(&o.name.as_str())) {
        Some(o) => {
            let text = format!("'{}' is not a recognized ALTER INDEX {action} option.", o.name);
            Err(Fail::Compile(SqlError::with_text(155, 15, text)))
        }
        None => Ok(()),
    }
}

impl Definition<'_, '_> {
    pub fn alter_index(&mut self, a: &AlterIndex) -> Result<(), Fail> {
        let missing = || Fail::Compile(SqlError::new(1088, &[&shown(&a.table)]));
        let (id, kind) = self.find(&a.table)?.ok_or_else(missing)?;
        let is_view = kind == "V";
        let table = match kind.as_str() {
            "U" => self.catalog()?.table(id)?,
            "V" => self.catalog()?.view_as_table(id)?,
            _ => None,
        };
        let table = table.ok_or_else(missing)?;
        if is_view {
            self.lock_under_view(id)?;
        }
        self.lock(id)?;
        let name = a.name.as_ref().map(|n| n.text.as_str());
        let chosen: Vec<IndexDef> = table
            .indexes
            .iter()
            .filter(|i| i.kind != Kind::Heap)
            .filter(|i| name.is_none_or(|n| i.name.as_deref().is_some_and(|x| self.same(x, n))))
            .cloned()
            .collect();
        if let Some(n) = name
            && chosen.is_empty()
        {
            let text = format!("Cannot find index '{n}'.");
            return Err(SqlError::with_text(2727, 11, text).into());
        }
        let table_name = format!("{}.{}", table.schema_name, table.name);
        let action = a.action.as_str();
        if let ("REORGANIZE" | "SET", Some(off)) = (action, chosen.iter().find(|i| i.disabled))
            && name.is_some()
        {
            return Err(SqlError::new(1973, &[&off.name.as_deref().unwrap_or(""), &table_name]).into());
        }
        if !matches!(action, "REBUILD" | "REORGANIZE") && a.partition.is_some() {
            return Err(SqlError::new(102, &[&"PARTITION"]).into());
        }
        only_known(action, &a.options)?;
        match action {
            // The order of rows on pages is kept by every change.
            "REORGANIZE" => self.one_partition(a.partition.as_ref(), &table).map(|_| ()),
            "REBUILD"
                if is_view
                    && (chosen.iter().any(|i| i.kind == Kind::Clustered)
                        || table.indexes.iter().any(|i| i.kind == Kind::Clustered && i.disabled)) =>
            {
                self.rebuild_view(&table, &chosen, &a.options)
            }
            "DISABLE" if is_view && chosen.iter().any(|i| i.kind == Kind::Clustered) => {
                self.disable_rowsets(&table, &table.indexes)
            }
            "REBUILD" => {
                let only = self.one_partition(a.partition.as_ref(), &table)?;
                let mut chosen = chosen;
                if name.is_none() {
                    self.leave_disabled(&table, &mut chosen)?;
                }
                self.rebuild_indexes(&table, &chosen, &a.options, only)
            }
            "DISABLE" => self.disable_indexes(&table, &chosen),
            "SET" => chosen.iter().try_for_each(|i| self.set_index_options(&table, i, &a.options)),
            "RESUME" | "PAUSE" | "ABORT" => {
                let index = name.unwrap_or("ALL");
                Err(SqlError::new(10638, &[&action, &index, &table_name]).into())
            }
            other => Err(SqlError::not_supported(format!("ALTER INDEX {other}")).into()),
        }
    }

    /// Takes the disabled indexes that nobody here can fill out of ALL, and says so.
    fn leave_disabled(&mut self, table: &TableDef, chosen: &mut Vec<IndexDef>) -> Result<(), Fail> {
        let off = self.catalog()?.disabled_indexes(table.object_id);
        let stays = |i: &IndexDef| matches!(i.kind, Kind::Xml | Kind::Spatial) && off.contains(&i.index_id);
        for i in chosen.iter().filter(|i| stays(i)) {
            let kind = if i.kind == Kind::Xml { "XML" } else { "Spatial" };
            let text = format!(
                "Warning: {kind} index '{}' on table '{}.{}' stays disabled. Rebuild it with ALTER INDEX ... REBUILD on SQL Server.",
                i.name.as_deref().unwrap_or_default(),
                table.schema_name,
                table.name
            );
            self.runner.info(0, 10, 1, text)?;
        }
        chosen.retain(|i| !stays(i));
        Ok(())
    }

    /// ALTER TABLE … REBUILD.
    pub fn rebuild_table(
        &mut self,
        table: &Arc<TableDef>,
        partition: Option<&holdfast_tsql::ast::Expr>,
        options: &[Setting],
    ) -> Result<(), Fail> {
        let only = self.one_partition(partition, table)?;
        let base = table.indexes.iter().find(|i| matches!(i.kind, Kind::Heap | Kind::Clustered));
        let Some(base) = base.cloned() else {
            return Err(SqlError::not_supported("Rebuilding a table without rows of its own").into());
        };
        self.rebuild_base(table, &base, options, only)
    }

    /// PARTITION = (from 0); `None`: all.
    fn one_partition(
        &mut self,
        partition: Option<&holdfast_tsql::ast::Expr>,
        table: &TableDef,
    ) -> Result<Option<usize>, Fail> {
        let all = |e: &holdfast_tsql::ast::Expr| {
            super::table::word(e).is_some_and(|w| w.eq_ignore_ascii_case("ALL"))
        };
        let count = table.access.partitioned_by().map_or(1, |by| by.rowsets.len());
        match partition {
            Some(e) if !all(e) => partition_number(e, &table.name, count).map(Some),
            _ => Ok(None),
        }
    }

    fn rebuild_indexes(
        &mut self,
        table: &Arc<TableDef>,
        chosen: &[IndexDef],
        options: &[Setting],
        only: Option<usize>,
    ) -> Result<(), Fail> {
        let off = self.catalog()?.disabled_indexes(table.object_id);
        if let Some(base) = chosen.iter().find(|i| i.kind == Kind::Clustered) {
            self.rebuild_base(table, base, options, only)?;
        }
        for def in chosen.iter().filter(|i| i.kind != Kind::Clustered) {
            if def.kind != Kind::Nonclustered {
                // Kept as every change leaves them.
                if off.contains(&def.index_id) || !options.is_empty() {
                    let what = "Rebuilding an XML, spatial or columnstore index";
                    return Err(SqlError::not_supported(what).into());
                }
                continue;
            }
            let table = self.again(table)?;
            let index = self.with_options(&table, def, options, only)?;
            let columns = table_columns(&table);
            let key = clustered_key(&table);
            let writer = self.writer()?;
            writer.replace_rowset(table.object_id, def.index_id, &columns, &index, key.as_ref())?;
            writer.set_index_status(table.object_id, def.index_id, 0, bits::DISABLED)?;
            drop(writer);
            self.refresh()?;
            let (name, shown) = (&index.name, format!("{}.{}", table.schema_name, table.name));
            self.fill(table.object_id, def.index_id, index.filter.as_deref())
                .map_err(|f| map_error(f, &|e| duplicate(e, &shown, name)))?;
            self.statistics_of_index(table.object_id, def.index_id)?;
        }
        Ok(())
    }

    /// Fills a view from its query, with the indexes that it has and the chosen ones of those that were disabled.
    fn rebuild_view(
        &mut self,
        view: &Arc<TableDef>,
        chosen: &[IndexDef],
        options: &[Setting],
    ) -> Result<(), Fail> {
        let Some(base) = chosen.iter().find(|i| i.kind == Kind::Clustered) else {
            let first = view.indexes.iter().find(|i| i.kind == Kind::Clustered);
            let name = format!("{}.{}", view.schema_name, view.name);
            let first = first.and_then(|i| i.name.clone()).unwrap_or_default();
            return Err(SqlError::new(1973, &[&first, &name]).into());
        };
        let id = view.object_id;
        let (key, columns) = (clustered_key(view), table_columns(view));
        let index = self.with_options(view, base, options, None)?;
        let mut kept = Vec::new();
        for i in view.indexes.iter().filter(|i| i.kind == Kind::Nonclustered && !i.disabled) {
            kept.push((i.index_id, self.definition_of(view, i)?));
        }
        let writer = self.writer()?;
        writer.replace_base(id, base.index_id, &columns, &index, key.as_ref())?;
        for (other, index) in &kept {
            writer.replace_rowset(id, *other, &columns, index, key.as_ref())?;
        }
        writer.set_index_status(id, base.index_id, 0, bits::DISABLED)?;
        drop(writer);
        self.refresh()?;
        let rows = self.rows_of_view(view)?;
        let rows = self.sort_rows(view, &rows)?;
        let name = format!("{}.{}", view.schema_name, view.name);
        self.load(id, rows).map_err(|f| map_error(f, &|e| duplicate(e, &name, &index.name)))?;
        for id_of in std::iter::once(base.index_id).chain(kept.iter().map(|k| k.0)) {
            self.statistics_of_index(id, id_of)?;
        }
        let others = chosen.iter().filter(|i| i.kind != Kind::Clustered && i.disabled);
        let others: Vec<IndexDef> = others.cloned().collect();
        let view = self.again(view)?;
        self.rebuild_indexes(&view, &others, &[], None)
    }

    fn again(&self, table: &Arc<TableDef>) -> Result<Arc<TableDef>, Fail> {
        let found = self.catalog()?.table(table.object_id)?;
        Ok(found.unwrap_or_else(|| Arc::clone(table)))
    }

    /// Writes a heap or clustered index anew, and the nonclustered indexes with it.
    fn rebuild_base(
        &mut self,
        table: &Arc<TableDef>,
        base: &IndexDef,
        options: &[Setting],
        only: Option<usize>,
    ) -> Result<(), Fail> {
        let object = table.object_id;
        if base.disabled {
            return Err(SqlError::not_supported("Rebuilding a disabled clustered index").into());
        }
        let off = self.catalog()?.disabled_indexes(object);
        let follows = |i: &IndexDef| {
            i.kind == Kind::Columnstore
                || matches!(i.kind, Kind::Xml | Kind::Spatial) && !off.contains(&i.index_id)
        };
        if table.indexes.iter().any(follows) {
            return Err(SqlError::not_supported("Writing a table with such indexes anew").into());
        }
        let index = self.with_options(table, base, options, only)?;
        if index.place.is_compressed() && table.columns.iter().any(|c| c.is_sparse) {
            return Err(SqlError::new(11418, &[&"alter", &table.name]).into());
        }
        let rows = self.sorted_rows(table, &clustered_ordinals(table))?;
        let columns = table_columns(table);
        let key = clustered_key(table);
        let mut others = Vec::new();
        for i in table.indexes.iter().filter(|i| i.kind == Kind::Nonclustered && !i.disabled) {
            others.push((i.index_id, self.definition_of(table, i)?));
        }
        let writer = self.writer()?;
        writer.replace_base(object, base.index_id, &columns, &index, key.as_ref())?;
        for (id, index) in &others {
            writer.replace_rowset(object, *id, &columns, index, key.as_ref())?;
        }
        drop(writer);
        self.refresh()?;
        self.load(object, rows)?;
        for id in std::iter::once(base.index_id).chain(others.iter().map(|o| o.0)).filter(|id| *id > 0) {
            self.statistics_of_index(object, id)?;
        }
        Ok(())
    }

    /// An index as it is, with the options of a REBUILD; what stands in its catalogue row is written there.
    fn with_options(
        &mut self,
        table: &Arc<TableDef>,
        def: &IndexDef,
        options: &[Setting],
        only: Option<usize>,
    ) -> Result<NewIndex, Fail> {
        let mut index = self.definition_of(table, def)?;
        let mut asked = index.clone();
        index_options_of(&mut asked, options, only.filter(|_| index.place.partitions.is_some()))?;
        index.place = asked.place;
        if def.kind != Kind::Heap {
            if asked.fill_factor > 0 {
                index.fill_factor = asked.fill_factor;
                self.writer()?.set_fill_factor(table.object_id, def.index_id, asked.fill_factor)?;
            }
            self.set_index_options(table, def, options)?;
        }
        Ok(index)
    }

    /// Options that stand in the status of an index.
    fn set_index_options(
        &mut self,
        table: &TableDef,
        def: &IndexDef,
        options: &[Setting],
    ) -> Result<(), Fail> {
        let place = self.writer()?.placement_of(table.object_id, def.index_id);
        let mut asked = NewIndex::named("", place);
        index_options(&mut asked, options)?;
        let (mut set, mut clear) = (0, 0);
        for o in options {
            let Some((_, bit, when_on)) = STATUS_OPTIONS.iter().find(|s| s.0 == o.name) else { continue };
            let on = match *bit {
                bits::PADDED => asked.padded,
                bits::IGNORE_DUPLICATES => asked.ignore_duplicates,
                bits::NO_RECOMPUTE => asked.no_recompute,
                bits::NO_ROW_LOCKS => !asked.no_row_locks,
                _ => !asked.no_page_locks,
            };
            if *bit == bits::IGNORE_DUPLICATES && (def.primary_key || def.unique_constraint) {
                return Err(SqlError::new(1979, &[&def.name.as_deref().unwrap_or("")]).into());
            }
            if on == *when_on { set |= bit } else { clear |= bit }
        }
        if set | clear != 0 {
            self.writer()?.set_index_status(table.object_id, def.index_id, set, clear)?;
        }
        Ok(())
    }

    fn disable_indexes(&mut self, table: &Arc<TableDef>, chosen: &[IndexDef]) -> Result<(), Fail> {
        let other = |i: &&IndexDef| !matches!(i.kind, Kind::Nonclustered | Kind::Xml | Kind::Spatial);
        if chosen.iter().any(|i| other(&i)) {
            return Err(SqlError::not_supported("Disabling a clustered or columnstore index").into());
        }
        for def in chosen.iter().filter(|i| i.kind != Kind::Nonclustered) {
            self.writer()?.disable_internal(table.object_id, def.index_id)?;
        }
        let plain: Vec<IndexDef> = chosen.iter().filter(|i| i.kind == Kind::Nonclustered).cloned().collect();
        self.disable_rowsets(table, &plain)
    }

    /// Indexes without rows.
    fn disable_rowsets(&mut self, table: &TableDef, chosen: &[IndexDef]) -> Result<(), Fail> {
        for def in chosen {
            let writer = self.writer()?;
            for rowset in writer.rowsets_of(table.object_id, def.index_id)? {
                writer.remove_rowset(rowset)?;
            }
            writer.set_index_status(table.object_id, def.index_id, bits::DISABLED, 0)?;
        }
        Ok(())
    }
}
