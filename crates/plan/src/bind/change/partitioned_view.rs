//! Partitioned views: UNION ALL over tables whose CHECK constraints part the values of one column of their primary keys.
//!
//! Invariants
//! 1. Changes of such a view are those of its member tables: they are T-SQL that stands in the place of an INSTEAD OF trigger, over
//!    `inserted` and `deleted`. A trigger of the view's own comes first.
//! 2. A row belongs to the one member whose check it fulfils. An UPDATE of key columns takes rows out and puts them in again.
//! 3. A view of one SELECT, and one with another set operation than UNION ALL, is none of these.
//!
//! Evidence: T-SQL reference, CREATE VIEW, "Partitioned views"; texts of sys.messages 4416 to 4457.

use std::cmp::Ordering;
use std::fmt::Write;
use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ModuleDef, ObjectDef, TableDef, TriggerDef};
use holdfast_tsql::ast::{ComparisonOp, Expr as AstExpr, ExprKind as AstKind, Query, QueryBody, Select};
use holdfast_tsql::ast::{SelectItem, SetOp, TableKind};
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::super::source::module_query;
use super::Binder;
use crate::change::{BoundTrigger, partitioned_view as state};
use crate::expr::ExprKind;
use holdfast_engine::access::ReadIntent;

use crate::logical::LogicalPlan;

/// A table behind the view.
struct Member {
    table: Arc<TableDef>,
    /// Ordinal of the table's column for each of the view's.
    columns: Vec<usize>,
    /// Ordinals of the primary key.
    key: Vec<usize>,
}

/// One side of a range: the value, and whether it is part of it. `None`: open.
type Side = Option<(Value, bool)>;

/// Values from a low to a high side.
type Range = (Side, Side);

/// A check of a partitioning column: its ranges and its text.
struct Part {
    ranges: Vec<Range>,
    text: Arc<str>,
}

fn refused(number: i32, text: String) -> SqlError {
    SqlError::with_text(number, 16, text)
}

/// The SELECTs of a chain of UNION ALL; `None` when anything else stands in it.
fn branches<'q>(body: &'q QueryBody, out: &mut Vec<&'q Select>) -> Option<()> {
    match body {
        QueryBody::Select(s) => out.push(s),
        QueryBody::Set { op: SetOp::Union, all: true, left, right } => {
            branches(left, out)?;
            branches(right, out)?;
        }
        QueryBody::Paren(q) if q.with.is_none() && q.order_by.is_empty() => branches(&q.body, out)?,
        _ => return None,
    }
    Some(())
}

fn name(text: &str) -> String {
    format!("[{}]", text.replace(']', "]]"))
}

/// Low sides: open is lowest, then by value, the value itself before what lies behind it.
fn later(a: &Side, b: &Side, ty: &SqlType, low: bool) -> bool {
    match (a, b) {
        (None, _) => !low,
        (_, None) => low,
        (Some(a), Some(b)) => match holdfast_types::compare::compare(&a.0, &b.0, ty) {
            Ordering::Equal => {
                if low {
                    !a.1 && b.1
                } else {
                    a.1 && !b.1
                }
            }
            order => order == Ordering::Greater,
        },
    }
}

/// What lies in both; `None`: nothing.
fn common(a: &Range, b: &Range, ty: &SqlType) -> Option<Range> {
    let low = if later(&a.0, &b.0, ty, true) { &a.0 } else { &b.0 };
    let high = if later(&a.1, &b.1, ty, false) { &b.1 } else { &a.1 };
    if let (Some(l), Some(h)) = (low, high) {
        match holdfast_types::compare::compare(&l.0, &h.0, ty) {
            Ordering::Greater => return None,
            Ordering::Equal if !(l.1 && h.1) => return None,
            _ => {}
        }
    }
    Some((low.clone(), high.clone()))
}

impl Binder<'_> {
    /// What stands in for the triggers of a partitioned view; none for other views.
    ///
    /// # Errors
    /// Why a UNION ALL view cannot be changed.
    pub(super) fn partitioned_view(
        &mut self,
        view: &Arc<ModuleDef>,
        catalog: &Arc<dyn Catalog>,
    ) -> SqlResult<Option<BoundTrigger>> {
        let Ok((query, _)) = module_query(view) else { return Ok(None) };
        let mut selects = Vec::new();
        if branches(&query.body, &mut selects).is_none() || selects.len() < 2 {
            return Ok(None);
        }
        let members = self.members(view, catalog, &query, &selects)?;
        let parts = self.parts(view, catalog, &members)?;
        let text: Arc<str> = text(view, &members, &parts).into();
        let module = ModuleDef {
            text,
            quoted_identifier: true,
            ansi_nulls: true,
            columns: Vec::new(),
            parameters: Vec::new(),
            ..(**view).clone()
        };
        let def =
            TriggerDef { module: Arc::new(module), disabled: false, first: Vec::new(), last: Vec::new() };
        Ok(Some(BoundTrigger { def, instead_of: true, insert: true, update: true, delete: true }))
    }

    fn members(
        &mut self,
        view: &Arc<ModuleDef>,
        catalog: &Arc<dyn Catalog>,
        query: &Query,
        selects: &[&Select],
    ) -> SqlResult<Vec<Member>> {
        let label = &view.name;
        let disallowed = || {
            let why = "is not updatable because the definition contains a disallowed construct.";
            refused(4416, format!("UNION ALL view '{label}' {why}"))
        };
        if query.with.is_some() || !query.order_by.is_empty() || query.offset.is_some() {
            return Err(disallowed());
        }
        let mut members: Vec<Member> = Vec::new();
        for s in selects {
            let plain = !s.distinct && s.top.is_none() && s.group_by.is_none() && s.having.is_none();
            let [from] = s.from.as_slice() else { return Err(disallowed()) };
            let TableKind::Named(named) = &from.kind else { return Err(disallowed()) };
            if !plain || s.filter.is_some() || named.name.server.is_some() {
                return Err(disallowed());
            }
            let schema = named.name.schema.as_ref().map_or(&*view.schema_name, |s| s.text.as_str());
            if let Some(d) = &named.name.database
                && self.cx.names.database(&d.text).is_some_and(|c| c.database_id() != view.database_id)
            {
                let text =
                    format!("Changing the partitioned view '{label}' over tables of several databases");
                return Err(SqlError::not_supported(text));
            }
            let Some(ObjectDef::Table(table)) = catalog.object(schema, &named.name.name.text) else {
                return Err(disallowed());
            };
            if members
                .iter()
                .any(|m| (m.table.database_id, m.table.object_id) == (table.database_id, table.object_id))
            {
                let why = "is used multiple times.";
                let text = format!(
                    "UNION ALL view '{label}' is not updatable because base table '{}' {why}",
                    table.name
                );
                return Err(refused(4442, text));
            }
            let columns = self.member_columns(view, &table, s)?.ok_or_else(disallowed)?;
            let key = table
                .indexes
                .iter()
                .find(|i| i.primary_key)
                .map(|i| i.keys.iter().map(|k| k.ordinal).collect());
            let Some(key): Option<Vec<usize>> = key else {
                let text = format!(
                    "UNION ALL view '{label}' is not updatable because a primary key was not found on table '{}'.",
                    table.name
                );
                return Err(refused(4440, text));
            };
            let places = |m: &Member| -> Vec<Option<usize>> {
                let mut p: Vec<_> = m.key.iter().map(|k| m.columns.iter().position(|c| c == k)).collect();
                p.sort_unstable();
                p
            };
            let member = Member { table, columns, key };
            let own = places(&member);
            if own.contains(&None) {
                let text = format!(
                    "UNION ALL view '{label}' is not updatable because the primary key of table '{}' is not included in the union result.",
                    member.table.name
                );
                return Err(refused(4444, text));
            }
            if members.first().is_some_and(|m| places(m) != own) {
                let text = format!(
                    "UNION ALL view '{label}' is not updatable because the primary key of table '{}' is not unioned with primary keys of preceding tables.",
                    member.table.name
                );
                return Err(refused(4445, text));
            }
            members.push(member);
        }
        Ok(members)
    }

    /// Ordinals behind the view's columns; `None` when it selects more than plain columns.
    fn member_columns(
        &self,
        view: &ModuleDef,
        table: &TableDef,
        s: &Select,
    ) -> SqlResult<Option<Vec<usize>>> {
        let mut out: Vec<usize> = Vec::new();
        for item in &s.items {
            match item {
                SelectItem::Wildcard { .. } => out.extend(0..table.columns.len()),
                SelectItem::Expr { expr, .. } => {
                    let AstKind::Column(parts) = &expr.unparen().kind else { return Ok(None) };
                    let last = parts.last().map_or("", |p| p.text.as_str());
                    let found = table.columns.iter().position(|c| self.same(&c.name, last));
                    let Some(found) = found else { return Ok(None) };
                    out.push(found);
                }
                SelectItem::Assign { .. } => return Ok(None),
            }
        }
        for (i, c) in table.columns.iter().enumerate() {
            if out.iter().filter(|&&o| o == i).count() > 1 {
                let text = format!(
                    "UNION ALL view '{}' is not updatable because column '{}' of base table '{}' is used multiple times.",
                    view.name, c.name, table.name
                );
                return Err(refused(4443, text));
            }
            if !out.contains(&i) {
                let text = format!(
                    "Partitioned view '{}' is not updatable because it does not deliver all columns from its member tables.",
                    view.name
                );
                return Err(refused(4438, text));
            }
            if c.computed.is_some() || c.identity.is_some() || super::rules::is_row_version(c) {
                let what = "with a computed, identity or rowversion column in a member table";
                let text = format!("Changing the partitioned view '{}' {what}", view.name);
                return Err(SqlError::not_supported(text));
            }
        }
        Ok((out.len() == view.columns.len()).then_some(out))
    }

    /// The checks that part the values of one column; 4436 when no column is parted.
    fn parts(
        &mut self,
        view: &ModuleDef,
        catalog: &Arc<dyn Catalog>,
        members: &[Member],
    ) -> SqlResult<Vec<Part>> {
        for place in 0..view.columns.len() {
            if !members.iter().all(|m| m.key.contains(&m.columns[place])) {
                continue;
            }
            let ty = members[0].table.columns[members[0].columns[place]].ty;
            let mut parts: Vec<Part> = Vec::new();
            for m in members {
                let column = &m.table.columns[m.columns[place]];
                let rules = self.cx.names.rules(&m.table)?;
                for check in rules.checks.iter().filter(|c| !c.disabled && !c.not_trusted) {
                    if let Some(ranges) = self.ranges_of(&check.text, &column.name, column.ty, catalog)? {
                        parts.push(Part { ranges, text: Arc::clone(&check.text) });
                        break;
                    }
                }
            }
            let disjoint = |a: &Part, b: &Part| {
                a.ranges.iter().all(|x| b.ranges.iter().all(|y| common(x, y, &ty).is_none()))
            };
            let parted = parts.iter().enumerate().all(|(i, a)| parts[i + 1..].iter().all(|b| disjoint(a, b)));
            if parts.len() == members.len() && parted {
                return Ok(parts);
            }
        }
        let text = format!(
            "UNION ALL view '{}' is not updatable because a partitioning column was not found.",
            view.name
        );
        Err(refused(4436, text))
    }

    /// The ranges of a column that a check lets pass; `None`: it is about something else.
    fn ranges_of(
        &mut self,
        text: &str,
        column: &str,
        ty: SqlType,
        catalog: &Arc<dyn Catalog>,
    ) -> SqlResult<Option<Vec<Range>>> {
        let options = holdfast_tsql::ParseOptions { quoted_identifier: true };
        let Ok(parsed) = holdfast_tsql::parse_expression(text, &options) else { return Ok(None) };
        self.over_row(Default::default(), Some(catalog), |b| Ok(b.ranges(&parsed, column, ty)))
    }

    fn ranges(&mut self, e: &AstExpr, column: &str, ty: SqlType) -> Option<Vec<Range>> {
        let is_column = |b: &Self, e: &AstExpr| match &e.unparen().kind {
            AstKind::Column(parts) => parts.len() == 1 && b.same(&parts[0].text, column),
            _ => false,
        };
        match &e.unparen().kind {
            AstKind::And(list) => {
                let mut out: Vec<Range> = vec![(None, None)];
                for part in list {
                    let more = self.ranges(part, column, ty)?;
                    out = out.iter().flat_map(|a| more.iter().filter_map(|b| common(a, b, &ty))).collect();
                }
                Some(out)
            }
            AstKind::Or(list) => {
                let mut out = Vec::new();
                for part in list {
                    out.extend(self.ranges(part, column, ty)?);
                }
                Some(out)
            }
            AstKind::Between { value, low, high, negated: false } if is_column(self, value) => {
                let (low, high) = (self.constant(low, ty)?, self.constant(high, ty)?);
                Some(vec![(Some((low, true)), Some((high, true)))])
            }
            AstKind::InList { value, list, negated: false } if is_column(self, value) => {
                let points = list.iter().map(|p| self.constant(p, ty));
                points.map(|p| p.map(|v| (Some((v.clone(), true)), Some((v, true))))).collect()
            }
            AstKind::Comparison { op, left, right } => {
                use ComparisonOp as C;
                let (op, value) = if is_column(self, left) {
                    (*op, right)
                } else if is_column(self, right) {
                    let turned = match op {
                        C::Less => C::Greater,
                        C::LessOrEqual => C::GreaterOrEqual,
                        C::Greater => C::Less,
                        C::GreaterOrEqual => C::LessOrEqual,
                        other => *other,
                    };
                    (turned, left)
                } else {
                    return None;
                };
                let v = self.constant(value, ty)?;
                Some(vec![match op {
                    C::Equal => (Some((v.clone(), true)), Some((v, true))),
                    C::Less => (None, Some((v, false))),
                    C::LessOrEqual => (None, Some((v, true))),
                    C::Greater => (Some((v, false)), None),
                    C::GreaterOrEqual => (Some((v, true)), None),
                    _ => return None,
                }])
            }
            _ => None,
        }
    }

    /// A constant in the column's type; NULL is none.
    fn constant(&mut self, e: &AstExpr, ty: SqlType) -> Option<Value> {
        let bound = self.bind(e).ok()?;
        let bound = self.assign(bound, ty).ok()?;
        let value = match (&bound.kind, self.cx.evaluator) {
            (ExprKind::Literal(v), _) => Some(v.clone()),
            (_, Some(evaluator)) => evaluator.evaluate(&bound),
            _ => None,
        };
        value.filter(|v| !v.is_null())
    }
}

/// Rows that will be changed are read under update locks: what stands in for a trigger changes them after they were read.
pub(super) fn lock_for_update(plan: &mut LogicalPlan) {
    if let LogicalPlan::Get { hints, .. } = plan
        && hints.read.intent == ReadIntent::Read
    {
        hints.read.intent = ReadIntent::Update;
    }
    for child in plan.inputs_mut() {
        lock_for_update(child);
    }
}

/// Rows of `inserted` or `deleted` under the names of a member's columns.
fn rows(view: &ModuleDef, m: &Member, from: &str) -> String {
    let columns: Vec<String> = m
        .columns
        .iter()
        .zip(&view.columns)
        .map(|(&o, v)| format!("{} AS {}", name(&v.name), name(&m.table.columns[o].name)))
        .collect();
    format!("(SELECT {} FROM {from})", columns.join(","))
}

/// The statements of invariant 1.
fn text(view: &ModuleDef, members: &[Member], parts: &[Part]) -> String {
    let mut out = format!(
        "CREATE TRIGGER [partitioned view] ON {}.{} INSTEAD OF INSERT, UPDATE, DELETE AS SET NOCOUNT ON;\n",
        name(&view.schema_name),
        name(&view.name)
    );
    let own = |c: &usize, m: &Member| name(&m.table.columns[*c].name);
    let join = |m: &Member| {
        m.key.iter().map(|k| format!("m.{0}=d.{0}", own(k, m))).collect::<Vec<_>>().join(" AND ")
    };
    let full = |m: &Member| format!("{}.{}", name(&m.table.schema_name), name(&m.table.name));
    // `UPDATE(c)` is false in a DELETE and true for all columns in an INSERT.
    let key: Vec<String> = members[0]
        .key
        .iter()
        .filter_map(|k| members[0].columns.iter().position(|c| c == k))
        .map(|p| format!("UPDATE({})", name(&view.columns[p].name)))
        .collect();
    let first = &members[0];
    let keys: Vec<String> = first.key.iter().map(|k| format!("d.{}", own(k, first))).collect();
    let missing: Vec<String> = keys.iter().map(|k| format!("{k} IS NULL")).collect();
    let _ = writeln!(
        out,
        "IF EXISTS (SELECT 1 FROM {0} AS d GROUP BY {1} HAVING COUNT(*) > 1) OR EXISTS (SELECT * FROM {0} AS d WHERE {2}) \
         RAISERROR('row',16,{3});",
        rows(view, first, "deleted"),
        keys.join(","),
        missing.join(" OR "),
        state::UNCLEAR
    );
    let _ = writeln!(out, "IF {} OR NOT EXISTS (SELECT * FROM inserted)\nBEGIN", key.join(" OR "));
    // Row by row: one that two members would take must not make up for one that none takes.
    let counts: Vec<String> = members
        .iter()
        .zip(parts)
        .map(|(m, p)| {
            let named = m.columns.iter().zip(&view.columns);
            let row: Vec<String> =
                named.map(|(c, v)| format!("i.{} AS {}", name(&v.name), own(c, m))).collect();
            format!("(SELECT COUNT(*) FROM (SELECT {}) AS m WHERE {})", row.join(","), p.text)
        })
        .collect();
    let _ = writeln!(
        out,
        "IF EXISTS (SELECT * FROM inserted AS i WHERE {} <> 1) RAISERROR('partition',16,{});",
        counts.join("+"),
        state::NO_MEMBER
    );
    for (m, p) in members.iter().zip(parts) {
        let _ = writeln!(
            out,
            "IF EXISTS (SELECT * FROM {0} AS m WHERE {1}) DELETE m FROM {2} AS m JOIN {0} AS d ON {3};",
            rows(view, m, "deleted"),
            p.text,
            full(m),
            join(m)
        );
    }
    for (m, p) in members.iter().zip(parts) {
        let columns: Vec<String> = m.columns.iter().map(|c| own(c, m)).collect();
        let columns = columns.join(",");
        let from = rows(view, m, "inserted");
        let _ = writeln!(
            out,
            "IF EXISTS (SELECT * FROM {from} AS m WHERE {0}) INSERT {1} ({columns}) SELECT {columns} FROM {from} AS m WHERE {0};",
            p.text,
            full(m)
        );
    }
    out.push_str("END ELSE BEGIN\n");
    for (m, p) in members.iter().zip(parts) {
        let set: Vec<String> = m
            .columns
            .iter()
            .filter(|c| !m.key.contains(c))
            .map(|c| format!("{0}=d.{0}", own(c, m)))
            .collect();
        if !set.is_empty() {
            let _ = writeln!(
                out,
                "IF EXISTS (SELECT * FROM {0} AS m WHERE {1}) UPDATE m SET {2} FROM {3} AS m JOIN {0} AS d ON {4};",
                rows(view, m, "inserted"),
                p.text,
                set.join(","),
                full(m),
                join(m)
            );
        }
    }
    out.push_str("RETURN END");
    out
}
