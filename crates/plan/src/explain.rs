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
    out
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
            format!("Filter {}", expression(predicate))
        }
        PhysicalOp::StartupFilter { input, predicate } => {
            inner.push(input);
            format!("StartupFilter {}", expression(predicate))
        }
        PhysicalOp::Project { input, exprs } => {
            inner.push(input);
            format!("Project {}", list(exprs))
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
                bindings.iter().map(|b| format!("@{} := {}", b.slot.0, expression(&b.value))).collect();
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
            let top = top.as_ref().map_or(String::new(), |t| format!(" top {}", expression(t)));
            format!("Sort {}{top}", sort_keys(keys))
        }
        PhysicalOp::Top { input, count, percent, ties } => {
            inner.push(input);
            format!(
                "Top {}{}{}",
                expression(count),
                if *percent { " percent" } else { "" },
                if ties.is_some() { " with ties" } else { "" }
            )
        }
        PhysicalOp::Offset { input, offset, fetch } => {
            inner.push(input);
            format!(
                "Offset {} fetch {}",
                expression(offset),
                fetch.as_ref().map_or("all".to_owned(), expression)
            )
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

fn filter(p: &Option<Expr>) -> String {
    p.as_ref().map_or(String::new(), |p| format!(" where {}", expression(p)))
}

fn list(v: &[Expr]) -> String {
    v.iter().map(expression).collect::<Vec<_>>().join(", ")
}

fn sort_keys(keys: &[SortKey]) -> String {
    keys.iter()
        .map(|k| format!("{}{}", expression(&k.expr), if k.descending { " desc" } else { "" }))
        .collect::<Vec<_>>()
        .join(", ")
}

fn aggregate(a: &Aggregate) -> String {
    let argument = a.argument.as_ref().map_or("*".to_owned(), expression);
    format!("{}({}{argument})", a.function.name(), if a.distinct { "distinct " } else { "" })
}

fn range(r: &SeekRange) -> String {
    let mut parts: Vec<String> = r
        .prefix
        .iter()
        .map(|k| match k {
            SeekKey::Equal(e) => format!("= {}", expression(e)),
            SeekKey::IsNull => "is null".to_owned(),
        })
        .collect();
    if let Some(b) = &r.low {
        parts.push(format!("{} {}", if b.inclusive { ">=" } else { ">" }, expression(&b.value)));
    }
    if let Some(b) = &r.high {
        parts.push(format!("{} {}", if b.inclusive { "<=" } else { "<" }, expression(&b.value)));
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

/// An expression on one line; columns are `#position`, parameters `@slot`.
pub fn expression(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Literal(v) => value(v),
        ExprKind::BoolLiteral(b) => format!("{b:?}"),
        ExprKind::Column(c) => format!("#{c}"),
        ExprKind::Parameter(p) => format!("@{}", p.0),
        ExprKind::Unary { op: UnaryOp::Negate, operand } => format!("-{}", expression(operand)),
        ExprKind::Unary { op: UnaryOp::BitNot, operand } => format!("~{}", expression(operand)),
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
            format!("({} {s} {})", expression(left), expression(right))
        }
        ExprKind::Compare { op, left, right } => {
            format!("{} {} {}", expression(left), op.symbol(), expression(right))
        }
        ExprKind::And(v) => format!("({})", v.iter().map(expression).collect::<Vec<_>>().join(" and ")),
        ExprKind::Or(v) => format!("({})", v.iter().map(expression).collect::<Vec<_>>().join(" or ")),
        ExprKind::Not(x) => format!("not {}", expression(x)),
        ExprKind::IsNull { operand, negated } => {
            format!("{} is {}null", expression(operand), if *negated { "not " } else { "" })
        }
        ExprKind::Like { operand, pattern, negated, .. } => {
            format!(
                "{} {}like {}",
                expression(operand),
                if *negated { "not " } else { "" },
                expression(pattern)
            )
        }
        ExprKind::InList { operand, list: l, negated } => {
            format!("{} {}in ({})", expression(operand), if *negated { "not " } else { "" }, list(l))
        }
        ExprKind::Case { whens, otherwise } => {
            let w: Vec<String> =
                whens.iter().map(|(c, r)| format!("when {} then {}", expression(c), expression(r))).collect();
            let o = otherwise.as_ref().map_or(String::new(), |o| format!(" else {}", expression(o)));
            format!("case {}{o} end", w.join(" "))
        }
        ExprKind::Coalesce(v) => format!("coalesce({})", list(v)),
        ExprKind::Convert { operand, .. } => format!("{}({})", e.ty, expression(operand)),
        ExprKind::Function { function, args } => {
            format!("{}({})", definition(*function).name.to_ascii_lowercase(), list(args))
        }
        ExprKind::UserFunction { module, args } => {
            format!(
                "{}({})",
                module.name,
                args.iter().flatten().map(expression).collect::<Vec<_>>().join(", ")
            )
        }
        ExprKind::Method { method, operand, args } => {
            format!("{}.{method:?}({})", expression(operand), list(args))
        }
        ExprKind::Subquery(s) => {
            let b: Vec<String> =
                s.bindings.iter().map(|b| format!("@{} := {}", b.slot.0, expression(&b.value))).collect();
            let plan = match &s.plan {
                SubPlan::Physical(p) => explain(p, false).trim_end().replace('\n', " | ").replace("  ", ""),
                SubPlan::Logical(_) => "…".to_owned(),
            };
            let kind = match &s.kind {
                SubqueryKind::Scalar => "scalar".to_owned(),
                SubqueryKind::Exists => "exists".to_owned(),
                SubqueryKind::Quantified { left, op, all } => {
                    format!("{} {} {}", expression(left), op.symbol(), if *all { "all" } else { "any" })
                }
            };
            format!("{kind}[{}: {plan}]", b.join(", "))
        }
    }
}
