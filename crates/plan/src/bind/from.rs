//! FROM: tables, views, derived tables, joins, APPLY, PIVOT.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ColumnDef, ModuleDef, ObjectDef, TableDef};
use holdfast_engine::stored::sample::{SampleSize, SampledTable};
use holdfast_tsql::Span;
use holdfast_tsql::ast::expression::Expr as AstExpr;
use holdfast_tsql::ast::query::{
    JoinHint, JoinKind as AstJoin, NamedTable, SampleUnit, TableHint, TableKind, TableRef, TableSample,
};
use holdfast_tsql::ast::{Ident, ObjectName};
use holdfast_types::{NameOrder, SqlError, SqlResult, SqlType, TypeId};

use super::hint::access_hints;
use super::query::BoundQueryPlan;
use super::{Binder, Clause, Coerce, ColumnMeta, QueryRole, ScopeColumn, Source, at, err};
use crate::access::{Access, AccessKind};
use crate::expr::{Binding, Expr, ExprKind};
use crate::function::TableFunctionId;
use crate::logical::{JoinAlgorithm, LogicalPlan};
use crate::physical::{ColumnSourceInfo, JoinKind, SchemaColumn};
use crate::typing;

/// Type of the pseudo column that names rows.
const BOOKMARK_TYPE: SqlType = SqlType::binary(TypeId::VarBinary, 8000);

/// A bound row source.
pub(crate) struct From {
    pub plan: LogicalPlan,
    pub sources: Vec<Source>,
}

impl Binder<'_> {
    /// A whole FROM clause; the comma is a cross join.
    pub fn bind_from(&mut self, refs: &[TableRef]) -> SqlResult<From> {
        let mut result: Option<From> = None;
        for r in refs {
            let next = self.bind_table_ref(r)?;
            result = Some(match result {
                None => next,
                Some(left) => self.join(JoinKind::Inner, left, next, None, None)?,
            });
        }
        Ok(result.unwrap_or(From { plan: LogicalPlan::one_row(), sources: Vec::new() }))
    }

    /// Both sources beside each other.
    pub fn cross(&mut self, left: From, right: From) -> SqlResult<From> {
        self.join(JoinKind::Inner, left, right, None, None)
    }

    pub fn join(
        &mut self,
        kind: JoinKind,
        left: From,
        right: From,
        predicate: Option<Expr>,
        algorithm: Option<JoinAlgorithm>,
    ) -> SqlResult<From> {
        check_exposed(self.env.order, &left.sources, &right.sources)?;
        let mut sources = left.sources;
        let mut right_sources = right.sources;
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            make_nullable(&mut sources);
        }
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            make_nullable(&mut right_sources);
        }
        sources.append(&mut right_sources);
        let plan = LogicalPlan::Join {
            kind,
            left: Box::new(left.plan),
            right: Box::new(right.plan),
            predicate,
            algorithm,
        };
        Ok(From { plan, sources })
    }

    pub fn bind_table_ref(&mut self, r: &TableRef) -> SqlResult<From> {
        at(r.span, self.nested(|b| b.bind_table_inner(r)))
    }

    fn bind_table_inner(&mut self, r: &TableRef) -> SqlResult<From> {
        let before = self.bases.len();
        let mut from = self.bind_table_kind(r)?;
        if self.changing {
            for s in from.sources.iter_mut().filter(|s| s.bases.is_none()) {
                s.bases = Some((before, self.bases.len()));
            }
        }
        Ok(from)
    }

    fn bind_table_kind(&mut self, r: &TableRef) -> SqlResult<From> {
        match &r.kind {
            TableKind::Named(t) => self.bind_named(t, r.span),
            TableKind::Variable { name, alias, .. } => {
                let Some(table) = self.table_variable(name).map(|t| t.table) else {
                    return err(r.span, 1087, &[name]);
                };
                let label = alias.as_ref().map_or(name.as_str(), |a| a.text.as_str());
                self.table_source(table, None, label, alias.is_some(), &[])
            }
            TableKind::Function { name, arguments, alias, columns, .. } => {
                self.bind_table_function(name, arguments, alias.as_ref(), columns, r.span)
            }
            TableKind::Method { call, alias, columns } => {
                self.bind_nodes_expr(call, alias.as_ref(), columns, r.span)
            }
            TableKind::Derived { query, alias, columns } => {
                let label = alias.as_ref().map_or("", |a| a.text.as_str());
                let q = self.bind_query(query, QueryRole::Derived)?;
                self.derived(q, label, columns)
            }
            TableKind::Values { rows, alias, columns } => {
                let q = self.bind_values_query(rows)?;
                let label = alias.as_ref().map_or("", |a| a.text.as_str());
                self.derived(q, label, columns)
            }
            TableKind::Join { left, right, .. } | TableKind::Apply { left, right, .. }
                if is_change(left) || is_change(right) =>
            {
                Err(SqlError::new(10727, &[]))
            }
            TableKind::Join { kind, hint, left, right, on } => {
                let l = self.bind_table_ref(left)?;
                let r2 = self.bind_table_ref(right)?;
                check_exposed(self.env.order, &l.sources, &r2.sources)?;
                let kind = match kind {
                    AstJoin::Inner | AstJoin::Cross => JoinKind::Inner,
                    AstJoin::Left => JoinKind::Left,
                    AstJoin::Right => JoinKind::Right,
                    AstJoin::Full => JoinKind::Full,
                };
                let algorithm = match hint {
                    Some(JoinHint::Loop) => Some(JoinAlgorithm::Loop),
                    Some(JoinHint::Hash) => Some(JoinAlgorithm::Hash),
                    Some(JoinHint::Merge) => Some(JoinAlgorithm::Merge),
                    _ => None,
                };
                let predicate = match on {
                    None => None,
                    Some(c) => {
                        let visible: Vec<Source> = l.sources.iter().chain(&r2.sources).cloned().collect();
                        Some(self.with_sources(visible, Clause::On, |b| b.bind_condition(c))?)
                    }
                };
                self.join(kind, l, r2, predicate, algorithm)
            }
            TableKind::Apply { outer, left, right } => {
                let l = self.bind_table_ref(left)?;
                let visible = l.sources.clone();
                let (r2, bindings) =
                    self.with_sources(visible, Clause::Other, |b| b.collecting(|b| b.bind_table_ref(right)))?;
                self.apply(*outer, l, r2, bindings)
            }
            TableKind::Paren(inner) => self.bind_table_ref(inner),
            TableKind::Change { .. } => Err(SqlError::new(10729, &[])),
            TableKind::Pivot(p) => self.bind_pivot(p, r.span),
            TableKind::Unpivot(u) => self.bind_unpivot(u, r.span),
            TableKind::OpenJson { json, path, columns, alias } => {
                let mut args = vec![json.as_ref()];
                args.extend(path.as_deref());
                let mut schema = Vec::with_capacity(columns.len());
                for c in columns {
                    let (ty, _) = self.data_type(&c.data_type, false)?;
                    let takes_json = ty.id == TypeId::Json || ty.id == TypeId::NVarChar && ty.is_max();
                    if c.as_json && !takes_json {
                        return Err(SqlError::new(13618, &[]));
                    }
                    schema.push(SchemaColumn {
                        name: c.name.text.as_str().into(),
                        ty,
                        path: c.path.as_deref().map(Into::into),
                        as_json: c.as_json,
                    });
                }
                let label = alias.as_ref().map_or("openjson", |a| a.text.as_str()).to_owned();
                self.builtin_table(TableFunctionId::OpenJson, "openjson", &args, schema, &label, &[], r.span)
            }
            TableKind::OpenXml { handle, row_pattern, flags, schema, alias } => {
                let mut args = vec![handle.as_ref(), row_pattern.as_ref()];
                args.extend(flags.as_deref());
                let schema = self.open_xml_schema(schema)?;
                let label = alias.as_ref().map_or("openxml", |a| a.text.as_str()).to_owned();
                self.builtin_table(TableFunctionId::OpenXml, "openxml", &args, schema, &label, &[], r.span)
            }
            TableKind::OpenQuery { .. } => Err(SqlError::not_supported("OPENQUERY")),
            TableKind::OpenRowset { .. } => Err(SqlError::not_supported("OPENROWSET")),
            TableKind::OpenDataSource { .. } => Err(SqlError::not_supported("OPENDATASOURCE")),
            TableKind::ChangeTable { .. } => Err(SqlError::not_supported("CHANGETABLE")),
            TableKind::FullText { function, table, .. } => {
                let name = function.text.to_ascii_uppercase();
                if name.starts_with("SEMANTIC") {
                    return Err(SqlError::not_supported(name));
                }
                Err(SqlError::new(7601, &[&"table or indexed view", &table.name.text]))
            }
            TableKind::Unsupported { name, .. } => Err(SqlError::not_supported(name)),
        }
    }

    /// Runs `f` while the top level sees these sources.
    pub fn with_sources<T>(
        &mut self,
        sources: Vec<Source>,
        clause: Clause,
        f: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let Some(top) = self.levels.len().checked_sub(1) else {
            return Err(SqlError::not_supported("A row source outside a query"));
        };
        let saved = std::mem::replace(&mut self.levels[top].sources, sources);
        let saved_clause = std::mem::replace(&mut self.levels[top].clause, clause);
        let result = f(self);
        self.levels[top].sources = saved;
        self.levels[top].clause = saved_clause;
        result
    }

    fn apply(&mut self, outer: bool, left: From, right: From, bindings: Vec<Binding>) -> SqlResult<From> {
        let kind = if outer { JoinKind::Left } else { JoinKind::Inner };
        if bindings.is_empty() {
            return self.join(kind, left, right, None, None);
        }
        check_exposed(self.env.order, &left.sources, &right.sources)?;
        let mut sources = left.sources;
        let mut right_sources = right.sources;
        if outer {
            make_nullable(&mut right_sources);
        }
        sources.append(&mut right_sources);
        let plan = LogicalPlan::Apply {
            kind,
            left: Box::new(left.plan),
            right: Box::new(right.plan),
            bindings,
            predicate: None,
        };
        Ok(From { plan, sources })
    }

    /// A bound query as a row source named `label`.
    pub fn derived(&mut self, q: BoundQueryPlan, label: &str, names: &[Ident]) -> SqlResult<From> {
        if !names.is_empty() {
            if names.len() < q.columns.len() {
                return Err(SqlError::new(8158, &[&label]));
            }
            if names.len() > q.columns.len() {
                return Err(SqlError::new(8159, &[&label]));
            }
        }
        let mut columns: Vec<ScopeColumn> = Vec::with_capacity(q.columns.len());
        // The same column twice needs two identities for the sources of an outer join; plain reuse of the id is fine otherwise.
        for (i, c) in q.columns.iter().enumerate() {
            let name: Arc<str> = match names.get(i) {
                Some(n) => n.text.as_str().into(),
                None => match &c.name {
                    Some(n) if !n.is_empty() => n.clone(),
                    _ => return Err(SqlError::new(8155, &[&(i + 1), &label])),
                },
            };
            if columns.iter().any(|o| self.same(&o.name, &name)) {
                return Err(SqlError::new(8156, &[&name, &label]));
            }
            let coerce = if c.col.ty.id.is_character() && c.coerce == Coerce::Default {
                Coerce::Implicit
            } else {
                c.coerce
            };
            self.column_names.insert(c.col.id, format!("{label}.{name}"));
            columns.push(ScopeColumn {
                name,
                col: c.col,
                coerce,
                meta: c.meta.clone(),
                hidden: false,
                origin: None,
            });
        }
        let source = Source { name: Some(label.into()), aliased: true, columns, ..Source::default() };
        Ok(From { plan: q.plan, sources: vec![source] })
    }

    /// Refuses names of objects of other servers.
    pub(super) fn refuse_server(&self, name: &ObjectName) -> SqlResult<()> {
        match name.server.as_ref().filter(|s| !self.cx.names.own_server(&s.text)) {
            Some(server) if self.cx.names.linked_server(&server.text) => {
                let what = format!("Using tables of the linked server '{}'", server.text);
                Err(SqlError::not_supported(what))
            }
            Some(server) => err(name.span, 7202, &[&server.text]).map_err(|e| e.state(2)),
            None => Ok(()),
        }
    }

    fn bind_named(&mut self, t: &NamedTable, span: Span) -> SqlResult<From> {
        let label = t.alias.as_ref().map_or(t.name.name.text.as_str(), |a| a.text.as_str()).to_owned();
        if t.name.is_simple()
            && t.system_time.is_none()
            && let Some(i) = self.ctes.iter().rposition(|c| self.same(&c.table.name.text, &t.name.name.text))
        {
            return self.bind_cte(i, &label);
        }
        self.refuse_server(&t.name)?;
        let own = match &t.system_time {
            Some(clause) => Some(at(span, self.bind_system_time(clause))?),
            None => None,
        };
        if own.is_some() && t.name.name.text.starts_with('#') {
            return Err(super::temporal::not_versioned(&t.name.name.text).at_line(span.line));
        }
        if t.name.name.text.starts_with('#') {
            let Some(table) = self.cx.names.temp_table(&t.name.name.text) else {
                return err(t.name.span, 208, &[&t.name]);
            };
            let table = match &t.sample {
                Some(sample) => self.sampled(table, sample)?,
                None => table,
            };
            return self.table_source(table, None, &label, t.alias.is_some(), &t.hints);
        }
        if t.name.is_simple()
            && let Some(table) = self.trigger_table(&t.name.name.text)
        {
            return self.table_source(table, None, &label, t.alias.is_some(), &t.hints);
        }
        let (catalog, object) = self.find_object(&t.name)?;
        let Some(object) = object else {
            return err(t.name.span, 208, &[&t.name]);
        };
        match own {
            None => self.named_object(object, catalog, t, &label, span),
            Some(_) if self.system_time.is_some() => err(t.name.span, 13590, &[&t.name]),
            Some(own) => {
                let full = match &object {
                    ObjectDef::Table(t) => super::temporal::full_name(t, Some(&catalog)),
                    ObjectDef::View(v) => format!("{}.{}.{}", catalog.database_name(), v.schema_name, v.name),
                    _ => t.name.to_string(),
                };
                self.system_time = Some(own);
                let from = self.named_object(object, catalog, t, &label, span);
                let used = self.system_time.take().is_some_and(|s| s.met);
                match from {
                    Ok(_) if !used => Err(super::temporal::not_versioned(&full).at_line(span.line)),
                    from => from,
                }
            }
        }
    }

    /// Looks an object up as a statement in the current surroundings would.
    pub fn find_object(&mut self, name: &ObjectName) -> SqlResult<(Arc<dyn Catalog>, Option<ObjectDef>)> {
        let catalog = match &name.database {
            Some(d) if !d.text.is_empty() => match self.cx.names.database(&d.text) {
                Some(c) => {
                    self.note_database(&c);
                    c
                }
                None => {
                    let closed = self.cx.names.closed(&d.text);
                    return closed
                        .map_or_else(|| err(name.span, 208, &[name]), |e| Err(e.at_line(name.span.line)));
                }
            },
            _ => self.env.catalog.clone(),
        };
        let object = match &name.schema {
            Some(s) if !s.text.is_empty() => catalog.object(&s.text, &name.name.text),
            _ => catalog
                .object(&self.env.schema, &name.name.text)
                .or_else(|| catalog.object("", &name.name.text)),
        };
        let schema = name.schema.as_ref().map_or("", |s| s.text.as_str());
        if object.is_none()
            && name.database.is_none()
            && let Some(other) = self.cx.names.everywhere(schema, &name.name.text)
        {
            self.note_database(&other);
            let object = other.object("dbo", &name.name.text);
            return Ok((other, object));
        }
        Ok((catalog, object))
    }

    fn named_object(
        &mut self,
        object: ObjectDef,
        catalog: Arc<dyn Catalog>,
        t: &NamedTable,
        label: &str,
        span: Span,
    ) -> SqlResult<From> {
        let unexpanded = t.hints.iter().any(|h| h.name == "NOEXPAND");
        if unexpanded && !matches!(object, ObjectDef::View(_) | ObjectDef::Synonym(_)) {
            return err(t.name.span, 8171, &[&"noexpand", &t.name]);
        }
        match object {
            ObjectDef::Table(table) => {
                let aliased = t.alias.is_some();
                let table = self.cx.names.stand_in(&table).unwrap_or(table);
                let versioned = table.temporal.history.is_some();
                let table = match &t.sample {
                    Some(sample) => self.sampled(table, sample)?,
                    None => table,
                };
                let mut from = match self
                    .system_time
                    .as_mut()
                    .filter(|_| versioned || t.system_time.is_some())
                {
                    Some(filter) => {
                        filter.met = true;
                        let filter = filter.clone();
                        at(span, self.system_time_source(table, &catalog, label, aliased, &t.hints, &filter))?
                    }
                    None => self.table_source(table, Some(&catalog), label, aliased, &t.hints)?,
                };
                if let Some(s) = from.sources.first_mut()
                    && t.alias.is_none()
                {
                    s.database = Some(catalog.database_name());
                    // Messages name the table as the query does.
                    if let Some(schema) = t.name.schema.as_ref().filter(|n| !n.text.is_empty()) {
                        for c in &s.columns {
                            let full = format!("{}.{}.{}", schema.text, t.name.name.text, c.name);
                            self.column_names.insert(c.col.id, full);
                        }
                    }
                }
                Ok(from)
            }
            ObjectDef::View(_) if t.sample.is_some() => {
                let text = "Invalid SAMPLE clause. Only table names in the FROM clause of SELECT, UPDATE, and DELETE queries may be sampled.";
                Err(SqlError::with_text(475, 16, text).at_line(span.line))
            }
            ObjectDef::View(module) if unexpanded => {
                // The rows that it keeps, as those of a table.
                let Some(kept) = catalog.indexed_view(module.object_id)? else {
                    return err(t.name.span, 8171, &[&"noexpand", &t.name]);
                };
                let mut from = self.table_source(kept, Some(&catalog), label, t.alias.is_some(), &t.hints)?;
                if let Some(s) = from.sources.first_mut()
                    && t.alias.is_none()
                {
                    s.database = Some(catalog.database_name());
                }
                Ok(from)
            }
            ObjectDef::View(module) => {
                let access = self.note_module(AccessKind::Select, &module);
                let (mut q, columns) = self
                    .bind_module(&module, catalog.clone(), Vec::new(), Vec::new())
                    .map_err(|e| e.at_line(span.line))?;
                let columns = at(span, super::source::kept_columns(&mut q, columns, &module))?;
                let mut from = self.derived(q, label, &columns)?;
                originate(&mut from, access, &module);
                if let Some(s) = from.sources.first_mut()
                    && t.alias.is_none()
                {
                    s.aliased = false;
                    s.schema = Some(module.schema_name.clone());
                    s.database = Some(catalog.database_name());
                }
                Ok(from)
            }
            ObjectDef::Synonym(synonym) => {
                let (catalog, object) = self.behind(&synonym, &catalog, &t.name)?;
                let noted = self.note_synonym(AccessKind::Select, &synonym);
                let through = Some((synonym.database_id, synonym.object_id));
                let from = self.through(through, |b| b.named_object(object, catalog, t, label, span));
                let mut from = from?;
                if let Some(s) = from.sources.first_mut() {
                    s.synonym = noted;
                }
                Ok(from)
            }
            ObjectDef::InlineFunction(_) | ObjectDef::TableFunction(_) => Err(SqlError::with_text(
                216,
                16,
                format!("Parameters were not supplied for the function '{}'.", t.name),
            )),
            _ => err(t.name.span, 208, &[&t.name]),
        }
    }

    /// The database of a synonym whose target names none, when that is another one.
    pub(super) fn elsewhere(&self, catalog: &Arc<dyn Catalog>) -> Option<Ident> {
        let other = catalog.database_id() != self.cx.catalog.database_id();
        other.then(|| Ident::new(&*catalog.database_name()))
    }

    /// Notes that a database is named.
    fn note_database(&mut self, catalog: &Arc<dyn Catalog>) {
        self.accesses.push(Access {
            kind: AccessKind::Connect,
            database: catalog.database_id(),
            object: 0,
            schema: "".into(),
            name: catalog.database_name(),
            columns: Vec::new(),
            columns_only: false,
            through: self.through,
        });
    }

    /// Notes a use of a view or function.
    pub fn note_module(&mut self, kind: AccessKind, module: &ModuleDef) -> Option<usize> {
        let id = (module.database_id, module.object_id);
        self.note(kind, id, &module.schema_name, &module.name)
    }

    /// The table under TABLESAMPLE: scans give a part of it, and nothing is sought in it.
    fn sampled(&mut self, table: Arc<TableDef>, sample: &TableSample) -> SqlResult<Arc<TableDef>> {
        let name = &table.name;
        let constant = |b: &mut Self, e: &AstExpr| -> SqlResult<Option<holdfast_types::Value>> {
            let t = b.bind(e)?;
            if t.e.any(&|x| matches!(x.kind, ExprKind::Parameter(_) | ExprKind::Column(_))) {
                let text = "Variables are not allowed in the TABLESAMPLE or REPEATABLE clauses.";
                return Err(SqlError::with_text(497, 15, text).at_line(e.span.line));
            }
            let converted = b.convert(t.e, SqlType::FLOAT);
            Ok(b.cx.evaluator.and_then(|v| v.evaluate(&converted)))
        };
        let whole = |v: Option<holdfast_types::Value>, e: &AstExpr| match v {
            Some(holdfast_types::Value::Float(f)) if f >= 0.0 && f.fract() == 0.0 => Ok(f as u64),
            _ => {
                let text = format!(
                    "Invalid ROWS value or REPEATABLE seed in the TABLESAMPLE clause for table \"{name}\" in the FROM clause. The value or seed must be an integer."
                );
                Err(SqlError::with_text(477, 15, text).at_line(e.span.line))
            }
        };
        let number = constant(self, &sample.number)?;
        let size = match sample.unit {
            SampleUnit::Rows => SampleSize::Rows(whole(number, &sample.number)?),
            SampleUnit::Percent => match number {
                Some(holdfast_types::Value::Float(p)) if (0.0..=100.0).contains(&p) => SampleSize::Percent(p),
                other => {
                    let shown = match other {
                        Some(holdfast_types::Value::Float(p)) => format!("{p:.6}"),
                        _ => "NULL".to_owned(),
                    };
                    let text = format!(
                        "Invalid PERCENT tablesample size \"{shown}\" for table \"{name}\" in the FROM clause. The PERCENT tablesample size must be between 0 and 100."
                    );
                    return Err(SqlError::with_text(476, 16, text).at_line(sample.number.span.line));
                }
            },
        };
        let seed = match &sample.repeatable {
            Some(e) => Some(whole(constant(self, e)?, e)?),
            None => None,
        };
        let known = (table.row_count, table.page_count);
        let access = SampledTable::new(Arc::clone(&table.access), size, seed, known);
        Ok(Arc::new(TableDef { access: Arc::new(access), ..(*table).clone() }))
    }

    /// A table with fresh column ids.
    pub(super) fn table_source(
        &mut self,
        table: Arc<TableDef>,
        catalog: Option<&Arc<dyn Catalog>>,
        label: &str,
        aliased: bool,
        hints: &[TableHint],
    ) -> SqlResult<From> {
        self.depends_on(table.database_id, table.object_id);
        let id = (table.database_id, table.object_id);
        let access = self.note(AccessKind::Select, id, &table.schema_name, &table.name);
        let database = catalog.map(|c| c.database_name());
        let primary = table.indexes.iter().find(|i| i.primary_key);
        let mut cols = Vec::with_capacity(table.columns.len());
        let mut columns = Vec::with_capacity(table.columns.len());
        for (i, c) in table.columns.iter().enumerate() {
            let col = self.new_col(c.ty, c.nullable);
            self.column_names.insert(col.id, format!("{label}.{}", c.name));
            if c.typed_xml.is_some() {
                self.typed_xml.insert(col.id);
            }
            cols.push(col);
            let key = primary.is_some_and(|p| p.keys.iter().any(|k| k.ordinal == i));
            columns.push(ScopeColumn {
                name: c.name.clone(),
                col,
                coerce: Coerce::Implicit,
                meta: Some(Arc::new(meta_of(c, &table, database.as_ref(), key))),
                hidden: c.is_hidden,
                origin: access.map(|a| (a, c.column_id)),
            });
        }
        let mut hints = access_hints(self.env.order, &table, hints)?;
        // What is sampled cannot be sought.
        hints.force_scan |= table.access.is_part();
        hints.read.changes = self.changing && !self.cursor;
        let source = Source {
            name: Some(label.into()),
            schema: Some(table.schema_name.clone()),
            database: None,
            aliased,
            columns,
            bases: None,
            access,
            synonym: None,
        };
        let computed = self.computed_columns(&table, &source, catalog);
        let bookmark = self.changing.then(|| self.new_col(BOOKMARK_TYPE, true));
        if let Some(bookmark) = bookmark {
            self.bases.push(super::Base {
                table: Arc::clone(&table),
                catalog: catalog.cloned(),
                columns: cols.clone(),
                bookmark,
                through: self.through,
            });
        }
        self.sizes.note(&table);
        // A change reads its rows where all of them are.
        let filters = if self.changing { Vec::new() } else { self.index_filters(&table, &source, catalog) };
        let plan = LogicalPlan::Get { table, columns: cols, bookmark, computed, filters, hints };
        Ok(From { plan, sources: vec![source] })
    }

    /// Expressions of the computed columns that no page holds. One that cannot be bound is left out: then only reading that
    /// column fails.
    fn computed_columns(
        &mut self,
        table: &TableDef,
        source: &Source,
        catalog: Option<&Arc<dyn Catalog>>,
    ) -> Vec<(crate::logical::ColumnId, Expr)> {
        // Who names the computed column does not name what it is made of.
        let columns = || source.columns.iter().cloned().map(|c| ScopeColumn { origin: None, ..c }).collect();
        let mut out = Vec::new();
        for (c, scope) in table.columns.iter().zip(&source.columns) {
            let Some(text) = c.computed.as_deref().filter(|_| !c.persisted) else { continue };
            if let Ok(e) = self.bind_row_text(text, columns(), catalog)
                && let Ok(e) = self.coerce_to(e, c.ty)
            {
                out.push((scope.col.id, e));
            }
        }
        out
    }

    /// Conditions of filtered indexes. One that cannot be bound is left out: then its index is not used.
    fn index_filters(
        &mut self,
        table: &TableDef,
        source: &Source,
        catalog: Option<&Arc<dyn Catalog>>,
    ) -> Vec<(i32, Expr)> {
        // Nobody is asked for permission on columns that only an index names.
        let columns = || source.columns.iter().cloned().map(|c| ScopeColumn { origin: None, ..c }).collect();
        let filtered = table.indexes.iter().filter(|i| !i.disabled);
        let texts: Vec<(i32, Arc<str>)> =
            filtered.filter_map(|i| Some((i.index_id, Arc::clone(i.filter.as_ref()?)))).collect();
        let mut out = Vec::new();
        for (id, text) in texts {
            if let Ok(e) = self.bind_row_condition(&text, columns(), catalog) {
                out.push((id, e));
            }
        }
        out
    }

    /// An expression kept as text with a table (computed column, default), over the table's columns.
    pub fn bind_row_text(
        &mut self,
        text: &str,
        columns: Vec<ScopeColumn>,
        catalog: Option<&Arc<dyn Catalog>>,
    ) -> SqlResult<super::Typed> {
        let options = holdfast_tsql::ParseOptions { quoted_identifier: true };
        let parsed = holdfast_tsql::parse_expression(text, &options)
            .map_err(|e| SqlError::with_text(e.number, e.severity, e.message))?;
        self.over_row(Source { columns, ..Source::default() }, catalog, |b| b.bind(&parsed))
    }

    /// As `bind_row_text`, a condition (check, filter of an index).
    pub fn bind_row_condition(
        &mut self,
        text: &str,
        columns: Vec<ScopeColumn>,
        catalog: Option<&Arc<dyn Catalog>>,
    ) -> SqlResult<Expr> {
        let options = holdfast_tsql::ParseOptions { quoted_identifier: true };
        let parsed = holdfast_tsql::parse_expression(text, &options)
            .map_err(|e| SqlError::with_text(e.number, e.severity, e.message))?;
        self.over_row(Source { columns, ..Source::default() }, catalog, |b| b.bind_condition(&parsed))
    }

    /// Runs `f` where nothing but one row of `source` is in sight.
    pub fn over_row<T>(
        &mut self,
        source: Source,
        catalog: Option<&Arc<dyn Catalog>>,
        f: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let mut source = source;
        // What the table's own expressions read is no reading of the statement's.
        source.columns.iter_mut().for_each(|c| c.origin = None);
        let level = super::Level { is_select: true, sources: vec![source], ..super::Level::default() };
        let saved_levels = std::mem::replace(&mut self.levels, vec![level]);
        let mut env = self.env.clone();
        if let Some(c) = catalog {
            env.catalog = Arc::clone(c);
        }
        env.schema = "dbo".into();
        let saved_env = std::mem::replace(&mut self.env, env);
        let changing = std::mem::replace(&mut self.changing, false);
        let unbound = self.unbound.take();
        // Functions that a table's own expressions call are the table owner's affair.
        let noted = self.accesses.len();
        let result = f(self);
        self.accesses.truncate(noted);
        self.changing = changing;
        self.unbound = unbound;
        self.env = saved_env;
        self.levels = saved_levels;
        result
    }

    /// `(VALUES …)`.
    pub fn bind_values(&mut self, rows: &[Vec<AstExpr>]) -> SqlResult<BoundQueryPlan> {
        let width = rows.first().map_or(0, Vec::len);
        let mut bound = Vec::with_capacity(rows.len());
        for row in rows {
            if row.len() != width {
                return Err(SqlError::new(10709, &[]));
            }
            bound.push(row.iter().map(|e| self.bind(e)).collect::<SqlResult<Vec<_>>>()?);
        }
        let mut columns = Vec::with_capacity(width);
        let mut out = Vec::with_capacity(width);
        for i in 0..width {
            let list: Vec<_> = bound.iter().map(|r| (r[i].e.ty, r[i].coerce)).collect();
            let (ty, coerce) = self.common_of(&list, super::collate::Meeting::Makes(""))?;
            let nullable = bound.iter().any(|r| r[i].e.nullable);
            let col = self.new_col(ty, nullable);
            columns.push(col);
            out.push(super::OutColumn { name: None, col, coerce, meta: None, raw: false, untyped: false });
        }
        let rows = bound
            .into_iter()
            .map(|r| r.into_iter().zip(&columns).map(|(t, c)| self.convert(t.e, c.ty)).collect())
            .collect();
        Ok(BoundQueryPlan { plan: LogicalPlan::Values { columns, rows }, columns: out, ordered: false })
    }

    pub fn comparable(&self, e: &Expr) -> SqlResult<()> {
        if typing::not_comparable(e.ty.id) {
            return Err(if e.ty.id == TypeId::Xml {
                SqlError::new(305, &[])
            } else {
                SqlError::new(306, &[])
            });
        }
        Ok(())
    }
}

pub(super) fn meta_of(c: &ColumnDef, table: &TableDef, database: Option<&Arc<str>>, key: bool) -> ColumnMeta {
    ColumnMeta {
        identity: c.identity.is_some(),
        computed: c.computed.is_some(),
        user_type: c.user_type.clone(),
        source: Some(Arc::new(ColumnSourceInfo {
            database: database.cloned().unwrap_or_else(|| "".into()),
            schema: table.schema_name.clone(),
            table: table.name.clone(),
            column: c.name.clone(),
            key,
        })),
    }
}

pub(crate) fn make_nullable(sources: &mut [Source]) {
    for c in sources.iter_mut().flat_map(|s| &mut s.columns) {
        c.col.nullable = true;
    }
}

/// A change of rows as a table source.
fn is_change(r: &TableRef) -> bool {
    match &r.kind {
        TableKind::Change { .. } => true,
        TableKind::Paren(inner) => is_change(inner),
        _ => false,
    }
}

/// Two sources may not answer to the same name.
fn check_exposed(order: NameOrder, left: &[Source], right: &[Source]) -> SqlResult<()> {
    for l in left {
        for r in right {
            let (Some(a), Some(b)) = (&l.name, &r.name) else { continue };
            if a.is_empty() || !order.same(a, b) {
                continue;
            }
            match (l.aliased, r.aliased) {
                (true, true) => return Err(SqlError::new(1011, &[b])),
                (false, false) => {
                    let schema_differs = match (&l.schema, &r.schema) {
                        (Some(x), Some(y)) => !order.same(x, y),
                        _ => false,
                    };
                    let database_differs = match (&l.database, &r.database) {
                        (Some(x), Some(y)) => !order.same(x, y),
                        _ => false,
                    };
                    if !schema_differs && !database_differs {
                        return Err(SqlError::new(1013, &[b, a]));
                    }
                }
                (true, false) => return Err(SqlError::new(1012, &[a, b])),
                (false, true) => return Err(SqlError::new(1012, &[b, a])),
            }
        }
    }
    Ok(())
}

/// Lets a source stand for the module behind it: what is read of it is read of the module's columns.
pub(super) fn originate(from: &mut From, access: Option<usize>, module: &ModuleDef) {
    let Some(access) = access else { return };
    for s in &mut from.sources {
        s.access = Some(access);
        for (i, c) in s.columns.iter_mut().enumerate() {
            let id = module.columns.get(i).map_or(i as i32 + 1, |d| d.column_id);
            c.origin = Some((access, id));
        }
    }
}
