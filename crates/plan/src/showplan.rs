//! Plans as SHOWPLAN tells them: one node per operator, under SQL Server's names where the operator is one of its own.
//!
//! Invariants
//! 1. What is told is the plan that would run. Where an operator has no counterpart the nearest name stands, and the argument
//!    says what it does.
//! 2. Costs are this planner's, in its own unit; they are not seconds of a reference machine.

use crate::explain::{aggregate, filter, list, marked, named, range, sort_keys};
use crate::expr::Expr;
use crate::physical::{AggregateStrategy, JoinKind, PhysicalOp, PhysicalPlan, WindowFunctionKind};
use holdfast_engine::catalog::{IndexKind, TableDef};

/// An operator.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanNode {
    /// Address of the operator's plan; 0 for the change that a statement makes of its rows.
    pub operator: usize,
    /// From 1; the statement itself is 0 for `parent`.
    pub id: usize,
    pub parent: usize,
    pub depth: usize,
    pub physical: &'static str,
    pub logical: &'static str,
    pub argument: String,
    pub output: Vec<String>,
    pub rows: f64,
    pub cost: f64,
    pub parallel: bool,
}

/// The operators, each before its inputs. `database` names a database by id.
pub fn nodes(plan: &PhysicalPlan, database: &dyn Fn(i32) -> String) -> Vec<PlanNode> {
    let mut walk = Walk { database, out: Vec::new(), expressions: 1000 };
    walk.node(plan, 0, 0);
    walk.out
}

struct Walk<'a> {
    database: &'a dyn Fn(i32) -> String,
    out: Vec<PlanNode>,
    /// Last number of an expression without a name.
    expressions: usize,
}

struct Told {
    physical: &'static str,
    logical: &'static str,
    argument: String,
    output: Vec<String>,
    parallel: bool,
}

fn told(name: &'static str, argument: String, output: Vec<String>) -> Told {
    Told { physical: name, logical: name, argument, output, parallel: false }
}

fn logical_join(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "Inner Join",
        JoinKind::Left => "Left Outer Join",
        JoinKind::Right => "Right Outer Join",
        JoinKind::Full => "Full Outer Join",
        JoinKind::LeftSemi => "Left Semi Join",
        JoinKind::LeftAnti => "Left Anti Semi Join",
    }
}

fn keeps_right(kind: JoinKind) -> bool {
    !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti)
}

fn put(names: &[String], text: &str) -> String {
    named(text, &|c| names.get(c).cloned().unwrap_or_else(|| format!("#{c}")))
}

impl Walk<'_> {
    fn new_name(&mut self) -> String {
        self.expressions += 1;
        format!("[Expr{}]", self.expressions)
    }

    fn object(&self, table: &TableDef, index: Option<&str>) -> String {
        let index = index.map_or(String::new(), |i| format!(".[{i}]"));
        format!(
            "OBJECT:([{}].[{}].[{}]{index})",
            (self.database)(table.database_id),
            table.schema_name,
            table.name
        )
    }

    /// Names of a table's columns; positions beyond them are the row's address.
    fn columns(table: &TableDef, columns: &[usize]) -> Vec<String> {
        let name = |c: &usize| match table.columns.get(*c) {
            Some(column) => format!("[{}].[{}]", table.name, column.name),
            None => "[Bmk]".to_owned(),
        };
        columns.iter().map(name).collect()
    }

    /// Names of expressions over an input: a column keeps its name.
    fn computed(&mut self, exprs: &[Expr], input: &[String]) -> (Vec<String>, String) {
        let mut names = Vec::new();
        let mut defined = Vec::new();
        for e in exprs {
            let text = put(input, &marked(e));
            match e.kind {
                crate::expr::ExprKind::Column(c) => names.push(input.get(c).cloned().unwrap_or(text)),
                _ => {
                    let name = self.new_name();
                    defined.push(format!("{name}={text}"));
                    names.push(name);
                }
            }
        }
        let argument =
            if defined.is_empty() { String::new() } else { format!("DEFINE:({})", defined.join(", ")) };
        (names, argument)
    }

    fn node(&mut self, plan: &PhysicalPlan, parent: usize, depth: usize) -> Vec<String> {
        let id = self.out.len() + 1;
        self.out.push(PlanNode {
            operator: std::ptr::from_ref(plan) as usize,
            id,
            parent,
            depth,
            physical: "",
            logical: "",
            argument: String::new(),
            output: Vec::new(),
            rows: plan.rows,
            cost: plan.cost,
            parallel: false,
        });
        let t = self.tell(plan, id, depth + 1);
        let node = &mut self.out[id - 1];
        node.physical = t.physical;
        node.logical = t.logical;
        node.argument = t.argument;
        node.output.clone_from(&t.output);
        node.parallel = t.parallel;
        t.output
    }

    fn tell(&mut self, plan: &PhysicalPlan, id: usize, depth: usize) -> Told {
        match &plan.op {
            PhysicalOp::TableScan { table, columns, predicate, parallel, .. } => {
                let output = Self::columns(table, columns);
                let clustered = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered);
                let name = if clustered.is_some() { "Clustered Index Scan" } else { "Table Scan" };
                let mut argument = self.object(table, clustered.and_then(|i| i.name.as_deref()));
                if predicate.is_some() {
                    argument += &format!(
                        ", WHERE:({})",
                        put(&output, filter(predicate).trim_start_matches(" where "))
                    );
                }
                Told { parallel: *parallel, ..told(name, argument, output) }
            }
            PhysicalOp::IndexSeek { table, index_id, ranges, columns, predicate, backward, .. } => {
                let output = Self::columns(table, columns);
                let index = table.indexes.iter().find(|i| i.index_id == *index_id);
                let clustered = index.is_some_and(|i| i.kind == IndexKind::Clustered);
                let keys: Vec<String> = index
                    .map(|i| i.keys.iter().map(|k| Self::columns(table, &[k.ordinal]).concat()).collect())
                    .unwrap_or_default();
                let mut argument = self.object(table, index.and_then(|i| i.name.as_deref()));
                let whole = ranges.iter().all(|r| r.prefix.is_empty() && r.low.is_none() && r.high.is_none());
                let name = match (clustered, whole) {
                    (true, false) => "Clustered Index Seek",
                    (true, true) => "Clustered Index Scan",
                    (false, false) => "Index Seek",
                    (false, true) => "Index Scan",
                };
                if !whole {
                    let sought: Vec<String> = ranges.iter().map(range).collect();
                    argument +=
                        &format!(", SEEK:({} {})", keys.join(", "), put(&output, &sought.join(" OR ")));
                }
                if predicate.is_some() {
                    argument += &format!(
                        ", WHERE:({})",
                        put(&output, filter(predicate).trim_start_matches(" where "))
                    );
                }
                argument += if *backward { " ORDERED BACKWARD" } else { " ORDERED FORWARD" };
                told(name, argument, output)
            }
            PhysicalOp::Values { rows } => {
                let width = rows.first().map_or(0, Vec::len);
                let output = (0..width).map(|_| self.new_name()).collect();
                let shown: Vec<String> = rows.iter().take(10).map(|r| format!("({})", list(r))).collect();
                let more = if rows.len() > 10 { ", …" } else { "" };
                told("Constant Scan", format!("VALUES:({}{more})", shown.join(", ")), output)
            }
            PhysicalOp::Filter { input, predicate } => {
                let output = self.node(input, id, depth);
                told("Filter", format!("WHERE:({})", put(&output, &marked(predicate))), output)
            }
            PhysicalOp::StartupFilter { input, predicate } => {
                let output = self.node(input, id, depth);
                told("Filter", format!("WHERE:(STARTUP EXPR({}))", put(&output, &marked(predicate))), output)
            }
            PhysicalOp::Project { input, exprs } => {
                let from = self.node(input, id, depth);
                let (output, argument) = self.computed(exprs, &from);
                told("Compute Scalar", argument, output)
            }
            PhysicalOp::IndexSpool { input, keys, values, residual, .. } => {
                let output = self.node(input, id, depth);
                let mut argument = format!("SEEK:({} = {})", put(&output, &list(keys)), list(values));
                if residual.is_some() {
                    let text = put(&output, filter(residual).trim_start_matches(" where "));
                    argument += &format!(", WHERE:({text})");
                }
                Told { logical: "Eager Spool", ..told("Index Spool", argument, output) }
            }
            PhysicalOp::HashJoin { kind, left, right, left_keys, right_keys, residual, .. } => {
                self.join("Hash Match", *kind, (left, right), (left_keys, right_keys), residual, (id, depth))
            }
            PhysicalOp::MergeJoin { kind, left, right, left_keys, right_keys, residual } => {
                self.join("Merge Join", *kind, (left, right), (left_keys, right_keys), residual, (id, depth))
            }
            PhysicalOp::NestedLoops { kind, left, right, bindings, predicate } => {
                let mut output = self.node(left, id, depth);
                let bound: Vec<String> = bindings
                    .iter()
                    .map(|b| format!("@{}={}", b.slot.0, put(&output, &marked(&b.value))))
                    .collect();
                let inner = self.node(right, id, depth);
                let both: Vec<String> = output.iter().chain(&inner).cloned().collect();
                let mut argument = String::new();
                if !bound.is_empty() {
                    argument = format!("OUTER REFERENCES:({})", bound.join(", "));
                }
                if predicate.is_some() {
                    let text = put(&both, filter(predicate).trim_start_matches(" where "));
                    argument += &format!("{}WHERE:({text})", if argument.is_empty() { "" } else { ", " });
                }
                if keeps_right(*kind) {
                    output = both;
                }
                Told { logical: logical_join(*kind), ..told("Nested Loops", argument, output) }
            }
            PhysicalOp::Aggregate { input, strategy, group, aggregates, grouping_sets, parallel } => {
                let from = self.node(input, id, depth);
                let (mut output, _) = self.computed(group, &from);
                let mut defined = Vec::new();
                for a in aggregates {
                    let name = self.new_name();
                    defined.push(format!("{name}={}", put(&from, &aggregate(a))));
                    output.push(name);
                }
                if grouping_sets.is_some() {
                    output.push(self.new_name());
                }
                let keys = put(&from, &list(group));
                let stream = *strategy == AggregateStrategy::Stream || group.is_empty();
                let mut argument = match (keys.is_empty(), stream) {
                    (true, _) => String::new(),
                    (false, true) => format!("GROUP BY:({keys}), "),
                    (false, false) => format!("HASH:({keys}), "),
                };
                argument += &format!("DEFINE:({})", defined.join(", "));
                let physical = if stream { "Stream Aggregate" } else { "Hash Match" };
                Told { logical: "Aggregate", parallel: *parallel, ..told(physical, argument, output) }
            }
            PhysicalOp::Distinct { input } => {
                let output = self.node(input, id, depth);
                let argument = format!("HASH:({})", output.join(", "));
                Told { logical: "Aggregate", ..told("Hash Match", argument, output) }
            }
            PhysicalOp::Sort { input, keys, top } => {
                let output = self.node(input, id, depth);
                let mut argument = format!("ORDER BY:({})", put(&output, &sort_keys(keys)));
                if let Some(t) = top {
                    argument = format!("TOP {}, {argument}", put(&output, &marked(t)));
                }
                Told {
                    logical: if top.is_some() { "TopN Sort" } else { "Sort" },
                    ..told("Sort", argument, output)
                }
            }
            PhysicalOp::Top { input, count, percent, ties } => {
                let output = self.node(input, id, depth);
                let argument = format!(
                    "TOP EXPRESSION:({}){}{}",
                    marked(count),
                    if *percent { " PERCENT" } else { "" },
                    if ties.is_some() { " WITH TIES" } else { "" }
                );
                told("Top", argument, output)
            }
            PhysicalOp::Offset { input, offset, fetch } => {
                let output = self.node(input, id, depth);
                let fetch =
                    fetch.as_ref().map_or(String::new(), |f| format!(", TOP EXPRESSION:({})", marked(f)));
                told("Top", format!("OFFSET EXPRESSION:({}){fetch}", marked(offset)), output)
            }
            PhysicalOp::Concat { inputs } => {
                let mut output = Vec::new();
                for (i, input) in inputs.iter().enumerate() {
                    let names = self.node(input, id, depth);
                    if i == 0 {
                        output = names;
                    }
                }
                told("Concatenation", String::new(), output)
            }
            PhysicalOp::SetOp { kind, left, right } => {
                let output = self.node(left, id, depth);
                self.node(right, id, depth);
                told("Hash Match", format!("{kind:?}"), output)
            }
            PhysicalOp::Window { input, partition, order, functions } => {
                let mut output = self.node(input, id, depth);
                let from = output.clone();
                let mut defined = Vec::new();
                for f in functions {
                    let name = self.new_name();
                    let function = match &f.function {
                        WindowFunctionKind::Ranking(id) => id.name(),
                        WindowFunctionKind::Aggregate(id) => id.name(),
                    };
                    defined.push(format!("{name}={function}({})", put(&from, &list(&f.args))));
                    output.push(name);
                }
                let argument = format!(
                    "PARTITION BY:({}), ORDER BY:({}), DEFINE:({})",
                    put(&from, &list(partition)),
                    put(&from, &sort_keys(order)),
                    defined.join(", ")
                );
                told("Window Aggregate", argument, output)
            }
            PhysicalOp::RecursiveCte { anchor, recursive, .. } => {
                let output = self.node(anchor, id, depth);
                self.node(recursive, id, depth);
                Told { logical: "Lazy Spool", ..told("Index Spool", "WITH STACK".to_owned(), output) }
            }
            PhysicalOp::CteRead { .. } => {
                let output = (0..plan.columns.len()).map(|_| self.new_name()).collect();
                Told { logical: "Lazy Spool", ..told("Table Spool", String::new(), output) }
            }
            PhysicalOp::TableFunction { function, args } => {
                let output = (0..plan.columns.len()).map(|_| self.new_name()).collect();
                told("Table-valued function", format!("{:?}({})", function.id, list(args)), output)
            }
            PhysicalOp::UserTableFunction { module, .. } => {
                let output = (0..plan.columns.len()).map(|_| self.new_name()).collect();
                let object = format!("OBJECT:([{}].[{}])", module.schema_name, module.name);
                told("Table-valued function", object, output)
            }
            PhysicalOp::MaxOneRow { input } => {
                let output = self.node(input, id, depth);
                told("Assert", "WHERE:(more than one row)".to_owned(), output)
            }
            PhysicalOp::ForXml { input, options } => {
                self.node(input, id, depth);
                let output = vec![self.new_name()];
                Told { logical: "UDX", ..told("UDX", format!("FOR XML {:?}", options.mode), output) }
            }
            PhysicalOp::ForJson { input, .. } => {
                self.node(input, id, depth);
                let output = vec![self.new_name()];
                Told { logical: "UDX", ..told("UDX", "FOR JSON".to_owned(), output) }
            }
        }
    }

    fn join(
        &mut self,
        physical: &'static str,
        kind: JoinKind,
        (left, right): (&PhysicalPlan, &PhysicalPlan),
        (left_keys, right_keys): (&[Expr], &[Expr]),
        residual: &Option<Expr>,
        (id, depth): (usize, usize),
    ) -> Told {
        let mut output = self.node(left, id, depth);
        let inner = self.node(right, id, depth);
        let words = if physical == "Hash Match" { "HASH" } else { "MERGE" };
        let mut argument =
            format!("{words}:({})=({})", put(&output, &list(left_keys)), put(&inner, &list(right_keys)));
        let both: Vec<String> = output.iter().chain(&inner).cloned().collect();
        if residual.is_some() {
            let text = put(&both, filter(residual).trim_start_matches(" where "));
            argument += &format!(", RESIDUAL:({text})");
        }
        if keeps_right(kind) {
            output = both;
        }
        Told { logical: logical_join(kind), ..told(physical, argument, output) }
    }
}
