//! Which table a statement changes: names, aliases of FROM, CTEs, derived tables and views come down to one table.
//!
//! Invariants
//! 1. A source can be changed when the bookmark of one table behind it still reaches the statement's plan: grouping, DISTINCT
//!    and set operations make rows that are no table's.

use std::collections::HashSet;
use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ModuleDef, ObjectDef, TableDef};
use holdfast_tsql::Span;
use holdfast_tsql::ast::query::{NamedTable, TableKind, TableRef};
use holdfast_tsql::ast::{DmlTarget, Ident, ObjectName, TableHint};
use holdfast_types::{SqlError, SqlResult};

use super::super::from::From;
use super::{Binder, Source, err};
use crate::access::{Access, AccessKind};
use crate::change::{Action, TargetTable};
use crate::logical::{Col, ColumnId};

/// A table found for a source, and which of its columns the source's columns are.
pub(super) struct Found {
    pub table: Arc<TableDef>,
    pub catalog: Option<Arc<dyn Catalog>>,
    pub bookmark: Col,
    pub columns: Vec<Col>,
    pub through: Option<(i32, i32)>,
}

/// What the target's name stands for by itself.
pub(super) enum Named {
    Table(Arc<TableDef>, Option<Arc<dyn Catalog>>),
    View(Arc<ModuleDef>, Arc<dyn Catalog>),
}

impl Binder<'_> {
    pub(super) fn target_name(target: &DmlTarget) -> String {
        match target {
            DmlTarget::Named { name, .. } => name.to_string(),
            DmlTarget::Variable(v) => v.clone(),
            DmlTarget::Rowset(_) => String::new(),
        }
    }

    /// The object a target names, without FROM, CTEs and aliases.
    pub(super) fn named_target(&mut self, target: &DmlTarget) -> SqlResult<Named> {
        self.target_synonym = None;
        match target {
            DmlTarget::Variable(v) => match self.cx.names.table_variable(v) {
                Some(t) => Ok(Named::Table(t, None)),
                None => Err(SqlError::new(1087, &[v])),
            },
            DmlTarget::Named { name, .. } => {
                if name.name.text.starts_with('#') {
                    return match self.cx.names.temp_table(&name.name.text) {
                        Some(t) => Ok(Named::Table(t, None)),
                        None => err(name.span, 208, &[&name.name.text]),
                    };
                }
                if name.is_simple() && self.trigger_table(&name.name.text).is_some() {
                    let text = "The logical tables INSERTED and DELETED cannot be updated.";
                    return Err(SqlError::with_text(286, 16, text).at_line(name.span.line));
                }
                self.object_target(name)
            }
            DmlTarget::Rowset(_) => Err(SqlError::not_supported("Changing a remote rowset")),
        }
    }

    fn object_target(&mut self, name: &ObjectName) -> SqlResult<Named> {
        self.refuse_server(name)?;
        let (mut catalog, mut object) = self.find_object(name)?;
        if let Some(ObjectDef::Synonym(synonym)) = object {
            let (behind, found) = self.behind(&synonym, &catalog, name)?;
            (catalog, object) = (behind, Some(found));
            self.target_synonym = Some(synonym);
        }
        match object {
            Some(ObjectDef::Table(t)) => Ok(Named::Table(t, Some(catalog))),
            Some(ObjectDef::View(m)) => Ok(Named::View(m, catalog)),
            Some(_) | None => err(name.span, 208, &[name]),
        }
    }

    /// The pseudo-table that stands for a view with INSTEAD OF triggers.
    pub(super) fn view_target(
        &mut self,
        view: &Arc<ModuleDef>,
        catalog: &Arc<dyn Catalog>,
    ) -> SqlResult<TargetTable> {
        let mut columns = view.columns.clone();
        for c in &mut columns {
            // Values of a view's rows only travel to its trigger.
            c.identity = None;
            c.computed = None;
            c.default = None;
            c.nullable = true;
        }
        let table = Arc::new(TableDef {
            database_id: view.database_id,
            object_id: view.object_id,
            schema_name: view.schema_name.clone(),
            name: view.name.clone(),
            columns,
            indexes: Vec::new(),
            statistics: Vec::new(),
            row_count: 0,
            page_count: 0,
            temporal: Default::default(),
            access: Arc::new(NoRows(view.name.clone())),
        });
        self.bind_target_table(&table, Some(catalog), true)
    }

    /// The view behind a target when an INSTEAD OF trigger takes its changes, or what stands in for one of a partitioned view.
    pub(super) fn instead_view(
        &mut self,
        named: &Named,
        actions: &[Action],
    ) -> SqlResult<Option<Arc<TargetTable>>> {
        let Named::View(view, catalog) = named else { return Ok(None) };
        let mut target = self.view_target(view, catalog)?;
        let taken = actions.iter().any(|a| target.instead_of(*a).is_some());
        if !taken {
            match self.partitioned_view(view, catalog)? {
                Some(own) => target.triggers.push(own),
                None => return Ok(None),
            }
        }
        Ok(Some(Arc::new(target)))
    }

    /// The FROM clause of an UPDATE or DELETE with its target in it, and the target's place among the sources.
    pub(super) fn target_source(
        &mut self,
        target: &DmlTarget,
        refs: &[TableRef],
    ) -> SqlResult<(From, usize)> {
        let from = self.bind_from(refs)?;
        if !refs.is_empty()
            && let Some(at) = self.find_source(target, &from.sources)?
        {
            return Ok((from, at));
        }
        let own = self.bind_table_ref(&target_ref(target, None)?)?;
        if refs.is_empty() {
            return Ok((own, 0));
        }
        // The target is joined to the clause that does not mention it.
        let at = from.sources.len();
        Ok((self.cross(from, own)?, at))
    }

    fn find_source(&mut self, target: &DmlTarget, sources: &[Source]) -> SqlResult<Option<usize>> {
        let (parts, span) = match target {
            DmlTarget::Named { name, .. } => {
                let parts: Vec<Ident> = [&name.database, &name.schema]
                    .into_iter()
                    .flatten()
                    .chain([&name.name])
                    .cloned()
                    .collect();
                (parts, name.span)
            }
            DmlTarget::Variable(v) => (vec![Ident::new(v.as_str())], Span::default()),
            DmlTarget::Rowset(_) => return Ok(None),
        };
        // An alias is meant before a table of that name.
        if parts.len() == 1
            && let Some(at) = sources
                .iter()
                .position(|s| s.aliased && s.name.as_deref().is_some_and(|n| self.same(n, &parts[0].text)))
        {
            return Ok(Some(at));
        }
        if let Some(at) = sources.iter().position(|s| !s.aliased && s.answers_to(self.env.order, &parts)) {
            return Ok(Some(at));
        }
        // The table itself, mentioned once under an alias.
        let Ok(Named::Table(table, _)) = self.named_target(target) else { return Ok(None) };
        let same: Vec<usize> = sources
            .iter()
            .enumerate()
            .filter(|(_, s)| {
                s.bases.is_some_and(|(a, b)| {
                    b == a + 1
                        && self.bases.get(a).is_some_and(|x| {
                            x.table.object_id == table.object_id && x.table.database_id == table.database_id
                        })
                })
            })
            .map(|(i, _)| i)
            .collect();
        match same.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => err(span, 8154, &[&Self::target_name(target)]),
        }
    }

    /// The table that a change of `source` is made to. `assigned` are the ids of the columns it sets (none for DELETE).
    pub(super) fn base_of(
        &self,
        source: &Source,
        visible: &HashSet<ColumnId>,
        assigned: &[ColumnId],
        label: &str,
    ) -> SqlResult<Found> {
        let (from, to) = source.bases.unwrap_or((0, 0));
        let reachable: Vec<&super::super::Base> = self
            .bases
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .filter(|b| visible.contains(&b.bookmark.id))
            .collect();
        let derived = source.aliased;
        if reachable.is_empty() {
            return Err(SqlError::new(if derived { 4418 } else { 4403 }, &[&label]));
        }
        let mut chosen: Option<&super::super::Base> = None;
        for id in assigned {
            let Some(base) = reachable.iter().find(|b| b.columns.iter().any(|c| c.id == *id)) else {
                return Err(SqlError::new(if derived { 4421 } else { 4406 }, &[&label]));
            };
            if chosen.is_some_and(|c| c.bookmark.id != base.bookmark.id) {
                return Err(SqlError::new(if derived { 4420 } else { 4405 }, &[&label]));
            }
            chosen = Some(base);
        }
        if chosen.is_none() && reachable.len() > 1 {
            return Err(SqlError::new(if derived { 4420 } else { 4405 }, &[&label]));
        }
        let base = chosen.unwrap_or(reachable[0]);
        // What an indexed view keeps follows its tables and nothing else.
        if let Some(catalog) = &base.catalog
            && catalog.indexed_view(base.table.object_id)?.is_some()
        {
            return Err(SqlError::new(8171, &[&"noexpand", &label]));
        }
        if base.table.access.writer().is_none() {
            return Err(cannot_change(&base.table, base.catalog.as_ref()));
        }
        Ok(Found {
            table: Arc::clone(&base.table),
            catalog: base.catalog.clone(),
            bookmark: base.bookmark,
            columns: base.columns.clone(),
            through: base.through,
        })
    }

    /// Notes what a statement does to its target: to what its source is called (a view, a table), and to the table behind it.
    /// `assigned` are positions among the source's columns. What reading noted of the source counts by column from now on.
    pub(super) fn note_change(
        &mut self,
        kind: AccessKind,
        source: &Source,
        assigned: &[usize],
        base: Option<&Found>,
    ) {
        let mut called = None;
        if let Some(access) = source.synonym.and_then(|at| self.accesses.get_mut(at)) {
            access.columns_only = true;
            let change = Access { kind, columns_only: false, columns: Vec::new(), ..access.clone() };
            self.accesses.push(change);
        }
        if let Some(at) = source.access
            && let Some(access) = self.accesses.get_mut(at)
        {
            access.columns_only = true;
            called = Some((access.database, access.object));
            let mut change = access.clone();
            change.kind = kind;
            change.columns_only = false;
            let columns = assigned.iter().filter_map(|&i| source.columns.get(i));
            change.columns = columns.filter_map(|c| c.origin.map(|o| (o.1, Arc::clone(&c.name)))).collect();
            self.accesses.push(change);
        }
        let Some(found) = base else { return };
        self.target_through = found.through;
        let table = &found.table;
        if called == Some((table.database_id, table.object_id)) {
            return;
        }
        let outer = std::mem::replace(&mut self.through, found.through);
        let noted = self.note(kind, (table.database_id, table.object_id), &table.schema_name, &table.name);
        self.through = outer;
        let ids = assigned.iter().filter_map(|&i| source.columns.get(i)).map(|c| c.col.id);
        let ordinals: Vec<usize> =
            ids.filter_map(|id| found.columns.iter().position(|c| c.id == id)).collect();
        if let Some(access) = noted.and_then(|n| self.accesses.get_mut(n)) {
            access.columns = ordinals
                .iter()
                .filter_map(|&o| table.columns.get(o))
                .map(|c| (c.column_id, Arc::clone(&c.name)))
                .collect();
        }
    }

    /// Notes rows that are entered into a target found by its name, which may be that of a synonym: the last that [`Self::named_target`] met.
    pub(super) fn note_insert(&mut self, table: &TableDef) {
        let id = (table.database_id, table.object_id);
        let synonym = self.target_synonym.take();
        let through = synonym.as_ref().map(|s| (s.database_id, s.object_id));
        if let Some(synonym) = &synonym {
            self.note_synonym(AccessKind::Insert, synonym);
        }
        self.through(through, |b| b.note(AccessKind::Insert, id, &table.schema_name, &table.name));
        self.target_through = through;
    }

    /// The column of a source that a SET list or column list names.
    pub(super) fn source_column(&self, source: &Source, parts: &[Ident]) -> SqlResult<usize> {
        let Some(last) = parts.last() else { return Err(SqlError::new(207, &[&""])) };
        match source.columns.iter().position(|c| self.same(&c.name, &last.text)) {
            Some(i) => Ok(i),
            None => err(last.span, 207, &[&last.text]),
        }
    }
}

/// Why a table's rows cannot be changed: 259 for what shows the catalog, 3906 in a database that is read-only, else that it is not there yet.
pub(super) fn cannot_change(table: &TableDef, catalog: Option<&Arc<dyn Catalog>>) -> SqlError {
    if matches!(&*table.schema_name, "sys" | "INFORMATION_SCHEMA") {
        return SqlError::with_text(259, 16, "Ad hoc updates to system catalogs are not allowed.");
    }
    if let Some(catalog) = catalog.filter(|c| c.is_read_only()) {
        return SqlError::new(3906, &[&catalog.database_name()]);
    }
    SqlError::not_supported(format!("Changing rows of the table '{}'", table.name))
}

/// A target as a member of FROM.
pub(super) fn target_ref(target: &DmlTarget, alias: Option<&Ident>) -> SqlResult<TableRef> {
    match target {
        DmlTarget::Named { name, hints } => {
            crate::bind::hint::check_target(hints)?;
            Ok(TableRef { span: name.span, kind: TableKind::Named(named_table(name, hints, alias)) })
        }
        DmlTarget::Variable(v) => Ok(TableRef {
            span: Span::default(),
            kind: TableKind::Variable { name: v.clone(), alias: alias.cloned(), hints: Vec::new() },
        }),
        DmlTarget::Rowset(_) => Err(SqlError::not_supported("Changing a remote rowset")),
    }
}

fn named_table(name: &ObjectName, hints: &[TableHint], alias: Option<&Ident>) -> NamedTable {
    NamedTable {
        name: name.clone(),
        alias: alias.cloned(),
        columns: Vec::new(),
        hints: hints.to_vec(),
        sample: None,
        system_time: None,
        for_path: false,
    }
}

/// A view has no rows of its own.
struct NoRows(Arc<str>);

impl holdfast_engine::access::TableAccess for NoRows {
    fn scan(
        &self,
        _: &holdfast_engine::access::ReadContext,
        _: &[usize],
    ) -> SqlResult<Box<dyn holdfast_engine::access::BatchSource>> {
        Err(SqlError::not_supported(format!("Scanning the view {} as a table", self.0)))
    }
    fn seek(
        &self,
        read: &holdfast_engine::access::ReadContext,
        _: i32,
        _: holdfast_engine::access::KeyRange,
        columns: &[usize],
        _: bool,
    ) -> SqlResult<Box<dyn holdfast_engine::access::BatchSource>> {
        self.scan(read, columns)
    }
}
