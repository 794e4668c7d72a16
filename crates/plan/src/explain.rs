//! Plans as text, one operator per line: for tests and for people.

use std::fmt::Write;

use holdfast_types::Value;

use crate::expr::{BinaryOp, Expr, ExprKind, SubPlan, SubqueryKind, UnaryOp};
use crate::function::definition;
use crate::physical::{
    Aggregate, AggregateStrategy, PhysicalOp, PhysicalPlan, SeekKey, SeekRange, SortKey, WindowFunctionKind,
};

/// The tree, indented by two blanks per level, with estimated rows when `estimates`.
pub fn explain(plan: &PhysicalPlan, estimates: bool) -> String {
    let mut out = String::new();
    node(plan, 0, estimates, &mut out);
    numbered(&out)
}

fn node(plan: &PhysicalPlan, depth: usize, estimates: bool, out: &mut String) {
    let mut inner: Vec<&PhysicalPlan> = Vec::new();
    let text = match &plan.op {
        PhysicalOp::TableScan { table, columns, predicate, parallel, .. } => format!(
            "{}Scan {}.{} [{}]{}",
            if *parallel { "Parallel" } else { "" },
            table.schema_name,
            table.name,
            names(table, columns),
            filter(predicate)
        ),
        PhysicalOp::IndexSeek { table, index_id, ranges, columns, predicate, backward, .. } => {
            let index = table.indexes.iter().find(|i| i.index_id == *index_id).and_then(|i| i.name.clone());
            format!(
                "Seek {}.{} {} {{{}}}{} [{}]{}",
                table.schema_name,
                table.name,
                index.as_deref().unwrap_or("?"),
                ranges.iter().map(range).collect::<Vec<_>>().join("; "),
                if *backward { " backward" } else { "" },
                names(table, columns),
                filter(predicate)
            )
        }
        PhysicalOp::Values { rows } => format!("Values {}", rows.len()),
        PhysicalOp::Filter { input, predicate } => {
            inner.push(input);
            format!("Filter {}", marked(predicate))
        }
        PhysicalOp::StartupFilter { input, predicate } => {
            inner.push(input);
            format!("StartupFilter {}", marked(predicate))
        }
        PhysicalOp::Project { input, exprs } => {
            inner.push(input);
            format!("Project {}", list(exprs))
        }
        PhysicalOp::IndexSpool { input, keys, values, residual, .. } => {
            inner.push(input);
            format!("IndexSpool {} = {}{}", list(keys), list(values), filter(residual))
        }
        PhysicalOp::HashJoin { kind, left, right, left_keys, right_keys, residual, .. } => {
            inner.extend([left.as_ref(), right.as_ref()]);
            format!("HashJoin {kind:?} {} = {}{}", list(left_keys), list(right_keys), filter(residual))
        }
        PhysicalOp::MergeJoin { kind, left, right, left_keys, right_keys, residual } => {
            inner.extend([left.as_ref(), right.as_ref()]);
            format!("MergeJoin {kind:?} {} = {}{}", list(left_keys), list(right_keys), filter(residual))
        }
        PhysicalOp::NestedLoops { kind, left, right, bindings, predicate } => {
            inner.extend([left.as_ref(), right.as_ref()]);
            let b: Vec<String> =
                bindings.iter().map(|b| format!("@{} := {}", b.slot.0, marked(&b.value))).collect();
            let b = if b.is_empty() { String::new() } else { format!(" ({})", b.join(", ")) };
            format!("Loops {kind:?}{b}{}", filter(predicate))
        }
        PhysicalOp::Aggregate { input, strategy, group, aggregates, grouping_sets, parallel } => {
            inner.push(input);
            let a: Vec<String> = aggregates.iter().map(aggregate).collect();
            let sets = grouping_sets.as_ref().map_or(String::new(), |s| format!(" sets {s:?}"));
            format!(
                "{}{}Aggregate by ({}) compute ({}){sets}",
                if *parallel { "Parallel" } else { "" },
                if *strategy == AggregateStrategy::Stream { "Stream" } else { "Hash" },
                list(group),
                a.join(", ")
            )
        }
        PhysicalOp::Distinct { input } => {
            inner.push(input);
            "Distinct".to_owned()
        }
        PhysicalOp::Sort { input, keys, top } => {
            inner.push(input);
            let top = top.as_ref().map_or(String::new(), |t| format!(" top {}", marked(t)));
            format!("Sort {}{top}", sort_keys(keys))
        }
        PhysicalOp::Top { input, count, percent, ties } => {
            inner.push(input);
            format!(
                "Top {}{}{}",
                marked(count),
                if *percent { " percent" } else { "" },
                if ties.is_some() { " with ties" } else { "" }
            )
        }
        PhysicalOp::Offset { input, offset, fetch } => {
            inner.push(input);
            format!("Offset {} fetch {}", marked(offset), fetch.as_ref().map_or("all".to_owned(), marked))
        }
        PhysicalOp::Concat { inputs } => {
            inner.extend(inputs);
            "Concat".to_owned()
        }
        PhysicalOp::SetOp { kind, left, right } => {
            inner.extend([left.as_ref(), right.as_ref()]);
            format!("{kind:?}")
        }
        PhysicalOp::Window { input, partition, order, functions } => {
            inner.push(input);
            let f: Vec<String> = functions
                .iter()
                .map(|f| match &f.function {
                    WindowFunctionKind::Ranking(id) => format!("{}({})", id.name(), list(&f.args)),
                    WindowFunctionKind::Aggregate(id) => format!("{}({})", id.name(), list(&f.args)),
                })
                .collect();
            format!("Window {} over ({} order {})", f.join(", "), list(partition), sort_keys(order))
        }
        PhysicalOp::RecursiveCte { id, anchor, recursive, .. } => {
            inner.extend([anchor.as_ref(), recursive.as_ref()]);
            format!("RecursiveCte #{id}")
        }
        PhysicalOp::CteRead { id } => format!("CteRead #{id}"),
        PhysicalOp::TableFunction { function, args } => {
            format!("TableFunction {:?}({})", function.id, list(args))
        }
        PhysicalOp::UserTableFunction { module, .. } => format!("UserTableFunction {}", module.name),
        PhysicalOp::MaxOneRow { input } => {
            inner.push(input);
            "MaxOneRow".to_owned()
        }
        PhysicalOp::ForXml { input, options } => {
            inner.push(input);
            format!("ForXml {:?}", options.mode)
        }
        PhysicalOp::ForJson { input, options } => {
            inner.push(input);
            format!("ForJson {}", if options.auto { "Auto" } else { "Path" })
        }
    };
    let rows = if estimates { format!("  ~{:.0}", plan.rows) } else { String::new() };
    let _ = writeln!(out, "{:indent$}{text}{rows}", "", indent = depth * 2);
    for i in inner {
        node(i, depth + 1, estimates, out);
    }
}

fn names(table: &holdfast_engine::catalog::TableDef, columns: &[usize]) -> String {
    columns.iter().map(|&c| table.columns.get(c).map_or("?", |c| &c.name)).collect::<Vec<_>>().join(" ")
}

pub(crate) fn filter(p: &Option<Expr>) -> String {
    p.as_ref().map_or(String::new(), |p| format!(" where {}", marked(p)))
}

pub(crate) fn list(v: &[Expr]) -> String {
    v.iter().map(marked).collect::<Vec<_>>().join(", ")
}

pub(crate) fn sort_keys(keys: &[SortKey]) -> String {
    keys.iter()
        .map(|k| format!("{}{}", marked(&k.expr), if k.descending { " desc" } else { "" }))
        .collect::<Vec<_>>()
        .join(", ")
}

pub(crate) fn aggregate(a: &Aggregate) -> String {
    let argument = a.argument.as_ref().map_or("*".to_owned(), marked);
    format!("{}({}{argument})", a.function.name(), if a.distinct { "distinct " } else { "" })
}

pub(crate) fn range(r: &SeekRange) -> String {
    let mut parts: Vec<String> = r
        .prefix
        .iter()
        .map(|k| match k {
            SeekKey::Equal(e) => format!("= {}", marked(e)),
            SeekKey::IsNull => "is null".to_owned(),
        })
        .collect();
    if let Some(b) = &r.low {
        parts.push(format!("{} {}", if b.inclusive { ">=" } else { ">" }, marked(&b.value)));
    }
    if let Some(b) = &r.high {
        parts.push(format!("{} {}", if b.inclusive { "<=" } else { "<" }, marked(&b.value)));
    }
    if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
}

fn value(v: &Value) -> String {
    match v {
        Value::Null => "NULL".to_owned(),
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::TinyInt(n) => n.to_string(),
        Value::SmallInt(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => format!("{n}L"),
        Value::Decimal(d) => format!("{}e-{}", d.mantissa, d.scale),
        Value::String(s) => format!("'{s}'"),
        other => format!("{other:?}"),
    }
}

/// Marks around the position of a column in an expression's text, for [`named`].
const COLUMN: char = '\u{1}';
const END: char = '\u{2}';

/// Puts names in the place of columns' positions.
pub(crate) fn named(text: &str, name: &dyn Fn(usize) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(COLUMN) {
        out.push_str(before);
        let (position, behind) = after.split_once(END).unwrap_or((after, ""));
        out.push_str(&position.parse().map_or_else(|_| position.to_owned(), name));
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn numbered(text: &str) -> String {
    named(text, &|c| format!("#{c}"))
}

/// An expression on one line; columns are `#position`, parameters `@slot`.
pub fn expression(e: &Expr) -> String {
    numbered(&marked(e))
}

/// The same with marked columns.
pub(crate) fn marked(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Literal(v) => value(v),
        ExprKind::BoolLiteral(b) => format!("{b:?}"),
        ExprKind::Column(c) => format!("{COLUMN}{c}{END}"),
        ExprKind::Parameter(p) => format!("@{}", p.0),
        ExprKind::Unary { op: UnaryOp::Negate, operand } => format!("-{}", marked(operand)),
        ExprKind::Unary { op: UnaryOp::BitNot, operand } => format!("~{}", marked(operand)),
        ExprKind::Binary { op, left, right } => {
            let s = match op {
                BinaryOp::Add => "+",
                BinaryOp::Subtract => "-",
                BinaryOp::Multiply => "*",
                BinaryOp::Divide => "/",
                BinaryOp::Modulo => "%",
                BinaryOp::BitAnd => "&",
                BinaryOp::BitOr => "|",
                BinaryOp::BitXor => "^",
                BinaryOp::Concat => "||",
                BinaryOp::ShiftLeft => "<<",
                BinaryOp::ShiftRight => ">>",
            };
            format!("({} {s} {})", marked(left), marked(right))
        }
        ExprKind::Compare { op, left, right } => {
            format!("{} {} {}", marked(left), op.symbol(), marked(right))
        }
        ExprKind::And(v) => format!("({})", v.iter().map(marked).collect::<Vec<_>>().join(" and ")),
        ExprKind::Or(v) => format!("({})", v.iter().map(marked).collect::<Vec<_>>().join(" or ")),
        ExprKind::Not(x) => format!("not {}", marked(x)),
        ExprKind::IsNull { operand, negated } => {
            format!("{} is {}null", marked(operand), if *negated { "not " } else { "" })
        }
        ExprKind::Like { operand, pattern, negated, .. } => {
            format!("{} {}like {}", marked(operand), if *negated { "not " } else { "" }, marked(pattern))
        }
        ExprKind::InList { operand, list: l, negated } => {
            format!("{} {}in ({})", marked(operand), if *negated { "not " } else { "" }, list(l))
        }
        ExprKind::Case { whens, otherwise } => {
            let w: Vec<String> =
                whens.iter().map(|(c, r)| format!("when {} then {}", marked(c), marked(r))).collect();
            let o = otherwise.as_ref().map_or(String::new(), |o| format!(" else {}", marked(o)));
            format!("case {}{o} end", w.join(" "))
        }
        ExprKind::Coalesce(v) => format!("coalesce({})", list(v)),
        ExprKind::Convert { operand, .. } => format!("{}({})", e.ty, marked(operand)),
        ExprKind::Function { function, args } => {
            format!("{}({})", definition(*function).name.to_ascii_lowercase(), list(args))
        }
        ExprKind::UserFunction { module, args } => {
            format!("{}({})", module.name, args.iter().flatten().map(marked).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Table(table) => table.name.to_string(),
        ExprKind::Method { method, operand, args } => {
            format!("{}.{method:?}({})", marked(operand), list(args))
        }
        ExprKind::Subquery(s) => {
            let b: Vec<String> =
                s.bindings.iter().map(|b| format!("@{} := {}", b.slot.0, marked(&b.value))).collect();
            let plan = match &s.plan {
                SubPlan::Physical(p) => explain(p, false).trim_end().replace('\n', " | ").replace("  ", ""),
                SubPlan::Logical(_) => "…".to_owned(),
            };
            let kind = match &s.kind {
                SubqueryKind::Scalar => "scalar".to_owned(),
                SubqueryKind::Exists => "exists".to_owned(),
                SubqueryKind::Quantified { left, op, all } => {
                    format!("{} {} {}", marked(left), op.symbol(), if *all { "all" } else { "any" })
                }
            };
            format!("{kind}[{}: {plan}]", b.join(", "))
        }
    }
}
