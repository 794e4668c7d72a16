//! INSERT.

use std::sync::Arc;

use holdfast_tsql::Span;
use holdfast_tsql::ast::{Expr as AstExpr, ExprKind as AstKind, Ident, Insert, InsertSource, Literal, Top};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::super::{QueryRole, at};
use super::output::{Visible, insertable};
use super::target::{Named, cannot_change, target_ref};
use super::{Binder, Draft, Typed, err, named_twice};
use crate::access::AccessKind;
use crate::change::{Action, BoundChange, ChangeKind, InsertRows, TargetTable};
use crate::expr::Expr;
use crate::logical::{Col, LogicalPlan};

/// The target of an INSERT and the columns it gives values for.
pub(super) struct InsertTarget {
    pub target: Arc<TargetTable>,
    pub ordinals: Vec<usize>,
    /// See [`ChangeKind::InsertExternal`].
    pub shown: Vec<usize>,
    /// A column list was written.
    pub listed: bool,
}

/// Ordinals of the columns that take values.
fn not_computed(target: &TargetTable) -> Vec<usize> {
    let columns = &target.table.columns;
    (0..columns.len()).filter(|&i| columns[i].computed.is_none() && !columns[i].is_hidden).collect()
}

impl Binder<'_> {
    pub fn bind_insert(&mut self, i: &Insert) -> SqlResult<BoundChange> {
        self.with_ctes(i.with.as_ref(), |b| b.bind_insert_inner(i))
    }

    fn bind_insert_inner(&mut self, i: &Insert) -> SqlResult<BoundChange> {
        let into = self.insert_target(i)?;
        let target = Arc::clone(&into.target);
        let outside = std::mem::take(&mut self.dependencies);
        let (plan, values) = match &i.source {
            InsertSource::Values(rows) => self.insert_values(&into, rows)?,
            InsertSource::DefaultValues => (LogicalPlan::one_row(), Vec::new()),
            InsertSource::Query(q) => self.insert_query(&into, q, i)?,
            InsertSource::Execute(_) => {
                for &o in &into.ordinals {
                    self.check_generated(&target, o, Span::default())?;
                }
                (LogicalPlan::one_row(), Vec::new())
            }
        };
        let read = std::mem::replace(&mut self.dependencies, outside);
        // The rows that a view keeps come from the target, too.
        let database = target.table.database_id;
        let reads_target = read.contains(&(database, target.table.object_id))
            || target.views.iter().any(|v| read.contains(&(database, v.view)));
        for (database, object) in read {
            self.depends_on(database, object);
        }
        let plan = match &i.top {
            Some(t) => self.change_top(plan, t)?,
            None => plan,
        };
        let visible = Visible { inserted: true, deleted: false, action: false };
        let output = self.bind_output(&i.output, &target, visible, &[])?;
        let kind = if matches!(i.source, InsertSource::Execute(_)) {
            ChangeKind::InsertExternal { ordinals: into.ordinals, shown: into.shown }
        } else {
            let identity_given = values.iter().any(|(o, _)| Some(*o) == target.identity);
            ChangeKind::Insert(InsertRows { values, identity_given })
        };
        self.finish_change(Draft {
            kind,
            target,
            plan,
            bookmark: None,
            old: Vec::new(),
            marker: None,
            output: output.clauses,
            output_columns: output.columns,
            current_of: None,
            reads_target,
        })
    }

    /// TOP (n) [PERCENT] of a change.
    pub(super) fn change_top(&mut self, plan: LogicalPlan, t: &Top) -> SqlResult<LogicalPlan> {
        let count = self.in_level(Vec::new(), |b| {
            if t.percent {
                let c = b.bind(&t.count)?;
                b.coerce_to(c, SqlType::FLOAT)
            } else {
                b.bind_count(&t.count)
            }
        });
        let count = at(t.count.span, count)?;
        Ok(LogicalPlan::Top { input: Box::new(plan), count, percent: t.percent, ties: None })
    }

    fn insert_target(&mut self, i: &Insert) -> SqlResult<InsertTarget> {
        // A CTE may be the target.
        let cte = match &i.target {
            holdfast_tsql::ast::DmlTarget::Named { name, .. } if name.is_simple() => {
                self.ctes.iter().any(|c| self.same(&c.table.name.text, &name.name.text))
            }
            _ => false,
        };
        if let holdfast_tsql::ast::DmlTarget::Named { hints, .. } = &i.target {
            crate::bind::hint::check_target(hints)?;
        }
        let mut through = None;
        if !cte {
            let named = self.named_target(&i.target)?;
            if let Some(view) = self.instead_view(&named, &[Action::Insert])? {
                let table = Arc::clone(&view.table);
                self.note_insert(&table);
                let ordinals = self.insert_columns(&view, &i.columns, None)?;
                if view.is_partitioned_view() && ordinals.len() < table.columns.len() {
                    let what = "because values were not supplied for all columns.";
                    let text = format!("Cannot INSERT into partitioned view '{}' {what}", view.full_name);
                    return Err(SqlError::with_text(4448, 16, text));
                }
                let shown = not_computed(&view);
                return Ok(InsertTarget { target: view, ordinals, shown, listed: !i.columns.is_empty() });
            }
            if let Named::View(view, catalog) = &named {
                through = Some((Arc::clone(view), Arc::clone(catalog)));
            }
            if let Named::Table(table, catalog) = named {
                if table.access.writer().is_none() {
                    return Err(cannot_change(&table, catalog.as_ref()));
                }
                self.note_insert(&table);
                let target = Arc::new(self.bind_target_table(&table, catalog.as_ref(), false)?);
                let ordinals = self.insert_columns(&target, &i.columns, None)?;
                let shown = not_computed(&target);
                return Ok(InsertTarget { target, ordinals, shown, listed: !i.columns.is_empty() });
            }
        }
        // Through a view or CTE: its columns come down to those of one table.
        let label = Self::target_name(&i.target);
        self.changing = true;
        let from = self.bind_table_ref(&target_ref(&i.target, None)?);
        self.changing = false;
        let from = from?;
        let source = &from.sources[0].clone();
        let visible = from.plan.output_set();
        let named: Vec<usize> = if i.columns.is_empty() {
            (0..source.columns.len()).collect()
        } else {
            i.columns.iter().map(|c| self.source_column(source, c)).collect::<SqlResult<_>>()?
        };
        let ids: Vec<_> = named.iter().map(|&n| source.columns[n].col.id).collect();
        let found = self.base_of(source, &visible, &ids, &label)?;
        self.note_change(AccessKind::Insert, source, &[], Some(&found));
        let mut target = self.bind_target_table(&found.table, found.catalog.as_ref(), false)?;
        if let Some((view, catalog)) = &through {
            self.add_check_option(view, catalog, &mut target)?;
        }
        let target = Arc::new(target);
        let base: Vec<usize> =
            ids.iter().filter_map(|id| found.columns.iter().position(|c| c.id == *id)).collect();
        let ordinals = self.insert_columns(&target, &i.columns, Some(base.clone()))?;
        Ok(InsertTarget { target, ordinals, shown: base, listed: !i.columns.is_empty() })
    }

    /// Ordinals that the column list names; `mapped` when a view's columns were resolved already.
    pub(super) fn insert_columns(
        &mut self,
        target: &TargetTable,
        names: &[Vec<Ident>],
        mapped: Option<Vec<usize>>,
    ) -> SqlResult<Vec<usize>> {
        let columns = &target.table.columns;
        let span = names.first().and_then(|n| n.last()).map_or(Span::default(), |p| p.span);
        let list: Vec<usize> = match mapped {
            Some(m) => {
                m.into_iter().filter(|&o| !names.is_empty() || columns[o].identity.is_none()).collect()
            }
            None if names.is_empty() => insertable(target),
            None => {
                let mut list = Vec::with_capacity(names.len());
                for parts in names {
                    let name = parts.last().map_or("", |p| p.text.as_str());
                    let at = if name.eq_ignore_ascii_case("$identity") {
                        target.identity
                    } else if name.eq_ignore_ascii_case("$rowguid") {
                        columns.iter().position(|c| c.is_row_guid)
                    } else {
                        columns.iter().position(|c| self.same(&c.name, name))
                    };
                    match at {
                        Some(o) => list.push(o),
                        None => return err(parts.last().map_or(span, |p| p.span), 207, &[&name]),
                    }
                }
                list
            }
        };
        for (n, &o) in list.iter().enumerate() {
            if list[..n].contains(&o) {
                return named_twice(span, &columns[o].name);
            }
            if columns[o].computed.is_some() {
                return err(span, 271, &[&columns[o].name]);
            }
        }
        Ok(list)
    }

    /// Counts must agree; how they are told apart depends on what was written.
    fn check_width(&self, into: &InsertTarget, found: usize, values: bool) -> SqlResult<()> {
        let expected = into.ordinals.len();
        if expected == found {
            return Ok(());
        }
        if !into.listed {
            // With a value for the identity column too, that is what is wrong.
            if into.target.identity.is_some() && found == expected + 1 {
                return Err(SqlError::new(8101, &[&into.target.table.name]));
            }
            return Err(SqlError::new(213, &[]));
        }
        Err(SqlError::new(
            match (values, expected > found) {
                (true, true) => 109,
                (true, false) => 110,
                (false, true) => 120,
                (false, false) => 121,
            },
            &[],
        ))
    }

    fn insert_values(
        &mut self,
        into: &InsertTarget,
        rows: &[Vec<AstExpr>],
    ) -> SqlResult<(LogicalPlan, Vec<(usize, Expr)>)> {
        let width = rows.first().map_or(0, Vec::len);
        for row in rows {
            if row.len() != width {
                return Err(SqlError::new(10709, &[]));
            }
        }
        self.check_width(into, width, true)?;
        if rows.len() > 1000 {
            return Err(SqlError::new(10738, &[]));
        }
        let mut bound: Vec<Vec<Option<Typed>>> = Vec::with_capacity(rows.len());
        let of_every_row = self.sequences.of_every_row();
        for row in rows {
            self.sequences.begin_row(&of_every_row);
            let mut out = Vec::with_capacity(width);
            for (e, &o) in row.iter().zip(&into.ordinals) {
                if matches!(e.kind, AstKind::Default) {
                    if Some(o) == into.target.identity {
                        return err(e.span, 339, &[]);
                    }
                    out.push(None);
                    continue;
                }
                self.check_generated(&into.target, o, e.span)?;
                if Some(o) == into.target.row_version && !is_null(e) {
                    return err(e.span, 273, &[]);
                }
                out.push(Some(self.in_level(Vec::new(), |b| b.bind(e)).map_err(|x| x.at_line(e.span.line))?));
            }
            bound.push(out);
        }
        let mut columns = Vec::with_capacity(width);
        let mut cells: Vec<Vec<Expr>> = vec![Vec::with_capacity(width); rows.len()];
        for (i, &o) in into.ordinals.iter().enumerate() {
            let ty = into.target.table.columns[o].ty;
            // Several rows first agree on a type, as those of UNION ALL do.
            let given: Vec<(SqlType, super::Coerce)> = bound
                .iter()
                .filter_map(|r| r[i].as_ref().map(|t| (t.e.ty, t.coerce)))
                .filter(|t| t.0.id != TypeId::Null)
                .collect();
            let common = match given.first() {
                Some(first) if given.iter().any(|g| g.0.id != first.0.id) => {
                    Some(self.common_of(&given, crate::bind::collate::Meeting::Makes(""))?.0)
                }
                _ => None,
            };
            let mut values = Vec::with_capacity(rows.len());
            for (r, row) in bound.iter_mut().enumerate() {
                let value = match row[i].take() {
                    Some(mut t) => {
                        let line = rows[r][i].span.line;
                        if let Some(c) = common
                            && t.e.ty.id != TypeId::Null
                        {
                            t.e = self.convert(t.e, c);
                        }
                        self.assign(t, ty).map_err(|x| x.at_line(line))?
                    }
                    None => self.default_of(&into.target, o)?,
                };
                values.push(value);
            }
            // One type for the column: the MAX form when any row needs it.
            let wide = values.iter().map(|v| v.ty).find(|t| *t != ty).unwrap_or(ty);
            let nullable = values.iter().any(|v| v.nullable);
            columns.push(Col { id: self.new_column(), ty: wide, nullable });
            for (r, v) in values.into_iter().enumerate() {
                cells[r].push(self.convert(v, wide));
            }
        }
        let values = columns.iter().zip(&into.ordinals).map(|(c, &o)| (o, c.expr())).collect();
        Ok((LogicalPlan::Values { columns, rows: cells }, values))
    }

    /// The default of a column as an expression; NULL without one.
    pub(super) fn default_of(&mut self, target: &TargetTable, ordinal: usize) -> SqlResult<Expr> {
        match &target.defaults[ordinal] {
            Some(Ok(e)) => Ok(e.clone()),
            Some(Err(e)) => Err(e.clone()),
            None => Ok(Expr::literal(Value::Null, target.table.columns[ordinal].ty)),
        }
    }

    fn insert_query(
        &mut self,
        into: &InsertTarget,
        q: &holdfast_tsql::ast::Query,
        i: &Insert,
    ) -> SqlResult<(LogicalPlan, Vec<(usize, Expr)>)> {
        let _ = i;
        let bound = self.bind_query(q, QueryRole::Statement)?;
        if !self.assignments.is_empty() {
            return Err(SqlError::with_text(
                199,
                15,
                "An INSERT statement cannot contain a SELECT statement that assigns values to a variable.",
            ));
        }
        self.check_width(into, bound.columns.len(), false)?;
        let mut extra = Vec::new();
        let mut values = Vec::with_capacity(bound.columns.len());
        for (c, &o) in bound.columns.iter().zip(&into.ordinals) {
            self.check_generated(&into.target, o, q.span)?;
            if Some(o) == into.target.row_version {
                return err(q.span, 273, &[]);
            }
            let ty = into.target.table.columns[o].ty;
            self.deduce_column(&bound.plan, c.col.id, ty);
            // A bare NULL goes into every type.
            let source = if c.untyped { Expr::null() } else { c.col.expr() };
            let e = self.assign(Typed::with(source, c.coerce), ty)?;
            match super::plain_column(&e) {
                Some(_) => values.push((o, e)),
                None => {
                    let col = self.new_col(e.ty, e.nullable);
                    extra.push((col.id, e));
                    values.push((o, col.expr()));
                }
            }
        }
        Ok((bound.plan.extend(extra), values))
    }
}

fn is_null(e: &AstExpr) -> bool {
    matches!(e.unparen().kind, AstKind::Literal(Literal::Null))
}
