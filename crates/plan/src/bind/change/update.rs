//! UPDATE and DELETE.

use std::sync::Arc;

use holdfast_tsql::ast::{
    AssignOp, Assignment, Delete, DmlTarget, Expr as AstExpr, ExprKind as AstKind, Ident, Literal,
    OutputClause, TableRef, Top, Update,
};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::super::{Clause, at};
use super::output::Visible;
use super::target::Named;
use super::{Binder, Draft, Source, Typed, err, named_twice};
use crate::access::AccessKind;
use crate::change::{Action, BoundChange, ChangeKind, SetItem, SetValue, TargetTable};
use crate::expr::{BinaryOp, Expr};
use crate::logical::Col;

/// The parts that UPDATE and DELETE share.
struct Parts<'q> {
    target: &'q DmlTarget,
    from: &'q [TableRef],
    filter: Option<&'q AstExpr>,
    top: Option<&'q Top>,
    output: &'q [OutputClause],
    assignments: &'q [Assignment],
    action: Action,
}

impl Binder<'_> {
    pub fn bind_update(&mut self, u: &Update) -> SqlResult<BoundChange> {
        self.with_ctes(u.with.as_ref(), |b| {
            b.bind_rows_changed(&Parts {
                target: &u.target,
                from: &u.from,
                filter: u.filter.as_ref(),
                top: u.top.as_ref(),
                output: &u.output,
                assignments: &u.assignments,
                action: Action::Update,
            })
        })
    }

    pub fn bind_delete(&mut self, d: &Delete) -> SqlResult<BoundChange> {
        self.with_ctes(d.with.as_ref(), |b| {
            b.bind_rows_changed(&Parts {
                target: &d.target,
                from: &d.from,
                filter: d.filter.as_ref(),
                top: d.top.as_ref(),
                output: &d.output,
                assignments: &[],
                action: Action::Delete,
            })
        })
    }

    fn bind_rows_changed(&mut self, p: &Parts<'_>) -> SqlResult<BoundChange> {
        let label = Self::target_name(p.target);
        self.changing = true;
        self.levels.push(super::Level { is_select: true, ..super::Level::default() });
        let from = self.target_source(p.target, p.from);
        self.levels.pop();
        self.changing = false;
        let (from, place) = from?;
        let source = from.sources[place].clone();
        let mut plan = from.plan;
        let mut current_of = None;
        match p.filter.map(|f| (f, &f.unparen().kind)) {
            Some((_, AstKind::CurrentOf { cursor, global })) => {
                current_of = Some((cursor.text.clone(), *global));
            }
            Some((f, _)) => {
                let predicate = self.in_level(from.sources.clone(), |b| {
                    b.set_clause(Clause::Where);
                    b.bind_condition(f)
                })?;
                plan = plan.filter(predicate);
            }
            None => {}
        }
        if let Some(t) = p.top {
            plan = self.change_top(plan, t)?;
        }
        // A view whose INSTEAD OF trigger takes the change: the view's own rows are what is changed.
        let named = self.view_behind(p.target, &source)?;
        let view = match &named {
            Some(n) => self.instead_view(n, &[p.action])?,
            None => None,
        };
        let visible = plan.output_set();
        let mut assigned = Vec::with_capacity(p.assignments.len());
        let mut places = Vec::with_capacity(p.assignments.len());
        for a in p.assignments {
            if let Some(parts) = assigned_column(a) {
                let at = self.source_column(&source, parts)?;
                assigned.push(source.columns[at].col.id);
                places.push(at);
            }
        }
        let kind = if p.action == Action::Update { AccessKind::Update } else { AccessKind::Delete };
        let (target, bookmark, columns): (Arc<TargetTable>, Option<Col>, Vec<Col>) = match view {
            Some(v) => {
                if v.is_partitioned_view() {
                    super::partitioned_view::lock_for_update(&mut plan);
                }
                self.note_change(kind, &source, &places, None);
                (v, None, source.columns.iter().map(|c| c.col).collect())
            }
            None => {
                let found = self.base_of(&source, &visible, &assigned, &label)?;
                self.note_change(kind, &source, &places, Some(&found));
                let mut target = self.bind_target_table(&found.table, found.catalog.as_ref(), false)?;
                if let (Some(Named::View(view, catalog)), Action::Update) = (&named, p.action) {
                    self.add_check_option(view, catalog, &mut target)?;
                }
                (Arc::new(target), Some(found.bookmark), found.columns)
            }
        };
        let kind = match p.action {
            Action::Update => {
                let items = self.bind_set(p.assignments, &target, &columns, &source, &from.sources)?;
                ChangeKind::Update(items)
            }
            _ => ChangeKind::Delete,
        };
        let visible = Visible { inserted: p.action == Action::Update, deleted: true, action: false };
        let others: Vec<Source> = if p.from.is_empty() {
            Vec::new()
        } else {
            let mut others = from.sources.clone();
            others.remove(place);
            others
        };
        let output = self.bind_output(p.output, &target, visible, &others)?;
        let needs_old = p.action == Action::Update
            || bookmark.is_none()
            || !p.output.is_empty()
            || current_of.is_some()
            || target.triggers.iter().any(|t| t.delete && !t.def.disabled)
            || target.table.temporal.history.is_some()
            || !target.views.is_empty()
            // What only indexes hold is computed out of the row.
            || target.computed.iter().any(|c| c.stored && !target.table.columns[c.ordinal].persisted)
            || !target.rules.referencing.is_empty();
        let asked = match &kind {
            ChangeKind::Update(items) if current_of.is_none() && output.clauses.is_empty() => {
                asked_columns(&target, items)
            }
            _ => None,
        };
        let asks = |o: usize| asked.as_ref().is_none_or(|asked| asked.contains(&o));
        let old = columns.into_iter().enumerate().map(|(o, c)| asks(o).then_some(c));
        let old = if needs_old { old.collect() } else { Vec::new() };
        self.finish_change(Draft {
            kind,
            target,
            plan,
            bookmark,
            old,
            marker: None,
            output: output.clauses,
            output_columns: output.columns,
            current_of,
            reads_target: true,
        })
    }

    /// The view that stands for itself as a target.
    fn view_behind(&mut self, target: &DmlTarget, source: &Source) -> SqlResult<Option<Named>> {
        if source.aliased && source.schema.is_none() {
            // A CTE or alias of a derived table has no object of its own.
            let DmlTarget::Named { name, .. } = target else { return Ok(None) };
            let here = source.name.as_deref().is_some_and(|n| self.same(n, &name.name.text));
            if here && self.ctes.iter().any(|c| self.same(&c.table.name.text, &name.name.text)) {
                return Ok(None);
            }
        }
        match target {
            DmlTarget::Named { name, .. } if !name.name.text.starts_with('#') => {
                Ok(self.named_target(target).ok().filter(|n| matches!(n, Named::View(..))))
            }
            _ => Ok(None),
        }
    }

    /// The SET list. `columns` are the target's, `source` what the statement calls it.
    pub(super) fn bind_set(
        &mut self,
        list: &[Assignment],
        target: &TargetTable,
        columns: &[Col],
        source: &Source,
        sources: &[Source],
    ) -> SqlResult<Vec<SetItem>> {
        let mut items: Vec<SetItem> = Vec::with_capacity(list.len());
        for a in list {
            let mut column = None;
            if let Some(parts) = assigned_column(a) {
                let span = parts.last().map_or(holdfast_tsql::Span::default(), |p| p.span);
                let at = self.source_column(source, parts)?;
                let id = source.columns[at].col.id;
                let Some(ordinal) = columns.iter().position(|c| c.id == id) else {
                    return err(span, if source.aliased { 4421 } else { 4406 }, &[&Self::label(source)]);
                };
                let def = &target.table.columns[ordinal];
                if def.computed.is_some() {
                    return err(span, 271, &[&def.name]);
                }
                if target.table.temporal.generates(ordinal) {
                    return err(span, 13537, &[&target.full_name]);
                }
                if Some(ordinal) == target.row_version {
                    return err(span, 272, &[]);
                }
                if def.identity.is_some() {
                    return err(span, 8102, &[&def.name]);
                }
                if items.iter().any(|i| i.column == Some(ordinal)) && !matches!(a, Assignment::Method { .. })
                {
                    return named_twice(span, &def.name);
                }
                column = Some(ordinal);
            }
            let item = self.in_level(sources.to_vec(), |b| b.set_item(a, column, target, columns));
            items.push(item?);
        }
        Ok(items)
    }

    fn label(source: &Source) -> String {
        source.name.as_deref().unwrap_or("").to_owned()
    }

    fn set_item(
        &mut self,
        a: &Assignment,
        column: Option<usize>,
        target: &TargetTable,
        columns: &[Col],
    ) -> SqlResult<SetItem> {
        match a {
            Assignment::Column { op, value, .. } => {
                let value = self.set_value(column.unwrap_or_default(), *op, value, target, columns)?;
                Ok(SetItem { column, variable: None, value: SetValue::Expr(value) })
            }
            Assignment::Both { variable, op, value, .. } => {
                let Some(info) = self.variable(variable) else {
                    return Err(SqlError::new(137, &[variable]));
                };
                let value = self.set_value(column.unwrap_or_default(), *op, value, target, columns)?;
                Ok(SetItem { column, variable: Some((info.slot, info.ty)), value: SetValue::Expr(value) })
            }
            Assignment::Variable { variable, op, value } => {
                let Some(info) = self.variable(variable) else {
                    return Err(SqlError::new(137, &[variable]));
                };
                let mut t = self.bind(value)?;
                if let Some(op) = binary(*op) {
                    let v = self.bind_variable(variable, value.span)?;
                    t = at(value.span, self.binary(op, v, t))?;
                }
                let e = at(value.span, self.coerce_to(t, info.ty))?;
                Ok(SetItem { column: None, variable: Some((info.slot, info.ty)), value: SetValue::Expr(e) })
            }
            Assignment::Method { method, arguments, .. } if method.is("WRITE") => {
                let ordinal = column.unwrap_or_default();
                let ty = target.table.columns[ordinal].ty;
                if !ty.is_max() {
                    let text = format!("Cannot call methods on {}.", ty.id.name());
                    return Err(SqlError::with_text(258, 15, text));
                }
                let [value, offset, length] = arguments.as_slice() else {
                    return Err(SqlError::with_text(174, 15, "The WRITE function requires 3 argument(s)."));
                };
                let v = self.bind(value)?;
                let value = self.coerce_to(v, ty)?;
                let o = self.bind(offset)?;
                let offset = self.coerce_to(o, SqlType::BIGINT)?;
                let l = self.bind(length)?;
                let length = self.coerce_to(l, SqlType::BIGINT)?;
                Ok(SetItem { column, variable: None, value: SetValue::Write { value, offset, length } })
            }
            Assignment::Method { method, arguments, column: named } if method.text == "modify" => {
                let ordinal = column.unwrap_or_default();
                let span = named.last().map_or_else(Default::default, |c| c.span);
                if target.table.columns[ordinal].typed_xml.is_some() {
                    self.typed_xml.insert(columns[ordinal].id);
                }
                let value = self.bind_modify(columns[ordinal].expr(), arguments, span)?;
                Ok(SetItem { column, variable: None, value: SetValue::Expr(value) })
            }
            Assignment::Method { method, .. } => {
                Err(SqlError::not_supported(format!("SET of a column by the method {}", method.text)))
            }
        }
    }

    fn set_value(
        &mut self,
        ordinal: usize,
        op: AssignOp,
        value: &AstExpr,
        target: &TargetTable,
        columns: &[Col],
    ) -> SqlResult<Expr> {
        let def = &target.table.columns[ordinal];
        if matches!(value.kind, AstKind::Default) {
            return self.default_of(target, ordinal);
        }
        let mut t = self.bind(value)?;
        if let Some(op) = binary(op) {
            // It reads what it changes.
            let id = columns[ordinal].id;
            let read = self
                .levels
                .last()
                .and_then(|l| l.sources.iter().flat_map(|s| &s.columns).find(|c| c.col.id == id).cloned());
            if let Some(read) = read {
                self.note_column(&read);
            }
            let current = Typed::with(columns[ordinal].expr(), super::Coerce::Implicit);
            t = at(value.span, self.binary(op, current, t))?;
        }
        if t.e.ty.id == TypeId::Null && matches!(value.unparen().kind, AstKind::Literal(Literal::Null)) {
            t.e.ty = def.ty;
        }
        self.assign(t, def.ty).map_err(|e| e.at_line(value.span.line))
    }
}

pub(super) fn assigned_column(a: &Assignment) -> Option<&[Ident]> {
    match a {
        Assignment::Column { column, .. }
        | Assignment::Both { column, .. }
        | Assignment::Method { column, .. } => Some(column),
        Assignment::Variable { .. } => None,
    }
}

/// The operator of a compound assignment.
fn binary(op: AssignOp) -> Option<BinaryOp> {
    Some(match op {
        AssignOp::Set => return None,
        AssignOp::Add => BinaryOp::Add,
        AssignOp::Subtract => BinaryOp::Subtract,
        AssignOp::Multiply => BinaryOp::Multiply,
        AssignOp::Divide => BinaryOp::Divide,
        AssignOp::Modulo => BinaryOp::Modulo,
        AssignOp::BitAnd => BinaryOp::BitAnd,
        AssignOp::BitOr => BinaryOp::BitOr,
        AssignOp::BitXor => BinaryOp::BitXor,
        AssignOp::Concat => BinaryOp::Concat,
    })
}

/// The columns whose old values an UPDATE asks for where it leaves the others as they are stored; `None`: all.
fn asked_columns(target: &TargetTable, items: &[SetItem]) -> Option<Vec<usize>> {
    let table = &target.table;
    let leaves = table.access.writer().is_some_and(|w| w.leaves_other_columns());
    let of_rows = !target.triggers.is_empty()
        || !target.views.is_empty()
        || !target.computed.is_empty()
        || !target.filters.is_empty()
        || table.temporal.history.is_some()
        || table.temporal.period.is_some();
    if !leaves || target.is_view || of_rows {
        return None;
    }
    let changed: Vec<usize> = items.iter().filter_map(|i| i.column).chain(target.row_version).collect();
    let mut asked = changed.clone();
    for check in &target.checks {
        // One that names no column may look at any.
        if check.of_view || check.columns.is_empty() {
            return None;
        }
        if check.columns.iter().any(|c| changed.contains(c)) {
            asked.extend(&check.columns);
        }
    }
    let mut keys = |ids: Vec<i32>| {
        let at = |id: &i32| table.columns.iter().position(|c| c.column_id == *id);
        let own: Vec<usize> = ids.iter().filter_map(at).collect();
        if own.iter().any(|o| changed.contains(o)) {
            asked.extend(own);
        }
    };
    target.rules.foreign_keys.iter().for_each(|k| keys(k.columns.iter().map(|c| c.0).collect()));
    target.rules.referencing.iter().for_each(|k| keys(k.columns.iter().map(|c| c.1).collect()));
    Some(asked)
}
