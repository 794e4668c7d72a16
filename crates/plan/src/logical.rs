//! Logical plans: what the binder makes and the rules rewrite. Columns are identified by ids unique within a statement.
//!
//! Invariants
//! 1. A column id is made by exactly one node and never reused; `Expr::Column(id)` refers to it wherever it is visible.
//! 2. [`LogicalPlan::Extend`] keeps all input columns and adds its own; which columns really flow is decided when the physical plan
//!    is built, from what is needed above.
//! 3. Parameters of subqueries are set by the node (or subquery expression) that carries the bindings.

use std::sync::Arc;

use holdfast_engine::catalog::{ModuleDef, TableDef};
use holdfast_types::SqlType;

use crate::expr::{Binding, Expr};
use crate::physical::{
    Aggregate, ForJson, ForXml, JoinKind, ReadHints, SetOpKind, SortKey, TableFunction, WindowFunction,
};

/// Column identity within one statement.
pub type ColumnId = usize;

/// A column made by a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Col {
    pub id: ColumnId,
    pub ty: SqlType,
    pub nullable: bool,
}

impl Col {
    pub fn expr(&self) -> Expr {
        Expr::column(self.id, self.ty, self.nullable)
    }
}

/// What hints ask of one table.
#[derive(Clone, Debug, Default)]
pub struct AccessHints {
    /// INDEX(…): names or numbers resolved to index ids.
    pub index: Option<i32>,
    pub force_seek: bool,
    pub force_scan: bool,
    pub read: ReadHints,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinAlgorithm {
    Loop,
    Hash,
    Merge,
}

#[derive(Clone, Debug)]
pub enum LogicalPlan {
    /// A table; `columns[i]` belongs to `table.columns[i]`.
    Get {
        table: Arc<TableDef>,
        columns: Vec<Col>,
        /// Names the row for a later change; only made where the statement changes rows.
        bookmark: Option<Col>,
        /// Computed columns that are not stored, as expressions over the others.
        computed: Vec<(ColumnId, Expr)>,
        /// Conditions of filtered indexes, by the indexes' ids.
        filters: Vec<(i32, Expr)>,
        hints: AccessHints,
    },
    Values {
        columns: Vec<Col>,
        rows: Vec<Vec<Expr>>,
    },
    Filter {
        input: Box<LogicalPlan>,
        predicate: Expr,
    },
    Extend {
        input: Box<LogicalPlan>,
        exprs: Vec<(ColumnId, Expr)>,
    },
    Join {
        kind: JoinKind,
        left: Box<LogicalPlan>,
        right: Box<LogicalPlan>,
        predicate: Option<Expr>,
        algorithm: Option<JoinAlgorithm>,
    },
    /// The right side depends on the left row through the bindings. Inner, Left, LeftSemi or LeftAnti.
    Apply {
        kind: JoinKind,
        left: Box<LogicalPlan>,
        right: Box<LogicalPlan>,
        bindings: Vec<Binding>,
        predicate: Option<Expr>,
    },
    Aggregate {
        input: Box<LogicalPlan>,
        group: Vec<(ColumnId, Expr)>,
        aggregates: Vec<(ColumnId, Aggregate)>,
        sets: Option<Vec<Vec<usize>>>,
        /// int column with the GROUPING_ID bits, with sets only.
        grouping: Option<ColumnId>,
    },
    /// Distinct values of these columns; only they go on.
    Distinct {
        input: Box<LogicalPlan>,
        columns: Vec<Col>,
    },
    Sort {
        input: Box<LogicalPlan>,
        keys: Vec<SortKey>,
    },
    Top {
        input: Box<LogicalPlan>,
        count: Expr,
        percent: bool,
        ties: Option<Vec<SortKey>>,
    },
    Offset {
        input: Box<LogicalPlan>,
        offset: Expr,
        fetch: Option<Expr>,
    },
    /// UNION ALL; per input the columns (already of the common types) that feed `columns`.
    Concat {
        inputs: Vec<(LogicalPlan, Vec<ColumnId>)>,
        columns: Vec<Col>,
    },
    SetOp {
        kind: SetOpKind,
        left: Box<LogicalPlan>,
        right: Box<LogicalPlan>,
        left_columns: Vec<ColumnId>,
        right_columns: Vec<ColumnId>,
        columns: Vec<Col>,
    },
    Window {
        input: Box<LogicalPlan>,
        partition: Vec<Expr>,
        order: Vec<SortKey>,
        functions: Vec<(ColumnId, WindowFunction)>,
    },
    RecursiveCte {
        id: u32,
        anchor: Box<LogicalPlan>,
        anchor_columns: Vec<ColumnId>,
        recursive: Box<LogicalPlan>,
        recursive_columns: Vec<ColumnId>,
        columns: Vec<Col>,
        max_recursion: u32,
    },
    CteRead {
        id: u32,
        columns: Vec<Col>,
    },
    TableFunction {
        function: TableFunction,
        args: Vec<Expr>,
        columns: Vec<Col>,
    },
    UserTableFunction {
        module: Arc<ModuleDef>,
        args: Vec<Option<Expr>>,
        columns: Vec<Col>,
    },
    MaxOneRow {
        input: Box<LogicalPlan>,
    },
    ForXml {
        input: Box<LogicalPlan>,
        input_columns: Vec<ColumnId>,
        options: Box<ForXml>,
        column: Col,
    },
    ForJson {
        input: Box<LogicalPlan>,
        input_columns: Vec<ColumnId>,
        options: Box<ForJson>,
        column: Col,
    },
}

impl LogicalPlan {
    /// One row without columns (SELECT without FROM).
    pub fn one_row() -> Self {
        LogicalPlan::Values { columns: Vec::new(), rows: vec![Vec::new()] }
    }

    pub fn filter(self, predicate: Expr) -> Self {
        LogicalPlan::Filter { input: Box::new(self), predicate }
    }

    pub fn extend(self, exprs: Vec<(ColumnId, Expr)>) -> Self {
        if exprs.is_empty() { self } else { LogicalPlan::Extend { input: Box::new(self), exprs } }
    }

    /// Direct inputs.
    pub fn inputs(&self) -> Vec<&LogicalPlan> {
        use LogicalPlan::*;
        match self {
            Get { .. } | Values { .. } | CteRead { .. } | TableFunction { .. } | UserTableFunction { .. } => {
                Vec::new()
            }
            Filter { input, .. }
            | Extend { input, .. }
            | Aggregate { input, .. }
            | Distinct { input, .. }
            | Sort { input, .. }
            | Top { input, .. }
            | Offset { input, .. }
            | Window { input, .. }
            | MaxOneRow { input }
            | ForXml { input, .. }
            | ForJson { input, .. } => vec![input],
            Join { left, right, .. } | Apply { left, right, .. } | SetOp { left, right, .. } => {
                vec![left, right]
            }
            Concat { inputs, .. } => inputs.iter().map(|(p, _)| p).collect(),
            RecursiveCte { anchor, recursive, .. } => vec![anchor, recursive],
        }
    }

    pub fn inputs_mut(&mut self) -> Vec<&mut LogicalPlan> {
        use LogicalPlan::*;
        match self {
            Get { .. } | Values { .. } | CteRead { .. } | TableFunction { .. } | UserTableFunction { .. } => {
                Vec::new()
            }
            Filter { input, .. }
            | Extend { input, .. }
            | Aggregate { input, .. }
            | Distinct { input, .. }
            | Sort { input, .. }
            | Top { input, .. }
            | Offset { input, .. }
            | Window { input, .. }
            | MaxOneRow { input }
            | ForXml { input, .. }
            | ForJson { input, .. } => vec![input],
            Join { left, right, .. } | Apply { left, right, .. } | SetOp { left, right, .. } => {
                vec![left, right]
            }
            Concat { inputs, .. } => inputs.iter_mut().map(|(p, _)| p).collect(),
            RecursiveCte { anchor, recursive, .. } => vec![anchor, recursive],
        }
    }

    /// Calls `f` on every expression of this node (not of its inputs).
    pub fn for_each_expr_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        use LogicalPlan::*;
        match self {
            Get { .. }
            | CteRead { .. }
            | Distinct { .. }
            | Concat { .. }
            | SetOp { .. }
            | RecursiveCte { .. }
            | MaxOneRow { .. } => {}
            ForXml { .. } | ForJson { .. } => {}
            Values { rows, .. } => rows.iter_mut().flatten().for_each(f),
            Filter { predicate, .. } => f(predicate),
            Extend { exprs, .. } => exprs.iter_mut().for_each(|(_, e)| f(e)),
            Join { predicate, .. } => predicate.iter_mut().for_each(f),
            Apply { bindings, predicate, .. } => {
                bindings.iter_mut().for_each(|b| f(&mut b.value));
                predicate.iter_mut().for_each(f);
            }
            Aggregate { group, aggregates, .. } => {
                group.iter_mut().for_each(|(_, e)| f(e));
                for (_, a) in aggregates {
                    a.argument.iter_mut().for_each(&mut *f);
                    a.argument2.iter_mut().for_each(&mut *f);
                    a.order.iter_mut().for_each(|k| f(&mut k.expr));
                }
            }
            Sort { keys, .. } => keys.iter_mut().for_each(|k| f(&mut k.expr)),
            Top { count, ties, .. } => {
                f(count);
                ties.iter_mut().flatten().for_each(|k| f(&mut k.expr));
            }
            Offset { offset, fetch, .. } => {
                f(offset);
                fetch.iter_mut().for_each(f);
            }
            Window { partition, order, functions, .. } => {
                partition.iter_mut().for_each(&mut *f);
                order.iter_mut().for_each(|k| f(&mut k.expr));
                functions.iter_mut().flat_map(|(_, w)| w.args.iter_mut()).for_each(f);
            }
            TableFunction { args, .. } => args.iter_mut().for_each(f),
            UserTableFunction { args, .. } => args.iter_mut().flatten().for_each(f),
        }
    }

    /// Column ids visible above this node.
    pub fn output(&self, out: &mut Vec<ColumnId>) {
        use LogicalPlan::*;
        match self {
            Get { columns, bookmark, .. } => {
                out.extend(columns.iter().map(|c| c.id));
                out.extend(bookmark.iter().map(|c| c.id));
            }
            Values { columns, .. }
            | CteRead { columns, .. }
            | TableFunction { columns, .. }
            | UserTableFunction { columns, .. }
            | Distinct { columns, .. }
            | Concat { columns, .. }
            | SetOp { columns, .. }
            | RecursiveCte { columns, .. } => out.extend(columns.iter().map(|c| c.id)),
            Filter { input, .. }
            | Sort { input, .. }
            | Top { input, .. }
            | Offset { input, .. }
            | MaxOneRow { input } => {
                input.output(out);
            }
            Extend { input, exprs } => {
                input.output(out);
                out.extend(exprs.iter().map(|(id, _)| *id));
            }
            Join { kind, left, right, .. } | Apply { kind, left, right, .. } => {
                left.output(out);
                if !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
                    right.output(out);
                }
            }
            Aggregate { group, aggregates, grouping, .. } => {
                out.extend(group.iter().map(|(id, _)| *id));
                out.extend(aggregates.iter().map(|(id, _)| *id));
                out.extend(grouping.iter());
            }
            Window { input, functions, .. } => {
                input.output(out);
                out.extend(functions.iter().map(|(id, _)| *id));
            }
            ForXml { column, .. } | ForJson { column, .. } => out.push(column.id),
        }
    }

    pub fn output_set(&self) -> std::collections::HashSet<ColumnId> {
        let mut v = Vec::new();
        self.output(&mut v);
        v.into_iter().collect()
    }
}
