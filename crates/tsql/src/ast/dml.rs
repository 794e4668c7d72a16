//! INSERT, UPDATE, DELETE, MERGE.

use crate::ast::expression::Expr;
use crate::ast::name::{Ident, ObjectName};
use crate::ast::query::{AssignOp, Query, QueryHint, SelectItem, TableHint, TableRef, Top, With};
use crate::ast::statement::Execute;

/// What a data change works on.
#[derive(Clone, Debug, PartialEq)]
pub enum DmlTarget {
    /// A table, view, CTE or alias of the FROM clause.
    Named {
        name: ObjectName,
        hints: Vec<TableHint>,
    },
    Variable(String),
    /// OPENQUERY, OPENROWSET, table functions.
    Rowset(Box<TableRef>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub with: Option<With>,
    pub top: Option<Top>,
    pub target: DmlTarget,
    pub columns: Vec<Vec<Ident>>,
    pub output: Vec<OutputClause>,
    pub source: InsertSource,
    pub options: Vec<QueryHint>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    Values(Vec<Vec<Expr>>),
    DefaultValues,
    Query(Box<Query>),
    Execute(Box<Execute>),
}

/// `OUTPUT … [INTO t (…)]`.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputClause {
    pub items: Vec<SelectItem>,
    pub into: Option<(DmlTarget, Vec<Ident>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub with: Option<With>,
    pub top: Option<Top>,
    pub target: DmlTarget,
    pub assignments: Vec<Assignment>,
    pub output: Vec<OutputClause>,
    pub from: Vec<TableRef>,
    pub filter: Option<Expr>,
    pub options: Vec<QueryHint>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Assignment {
    /// `c = e`, `c += e`.
    Column { column: Vec<Ident>, op: AssignOp, value: Expr },
    /// `@v = e`, `@v += e`.
    Variable { variable: String, op: AssignOp, value: Expr },
    /// `@v = c = e`.
    Both { variable: String, column: Vec<Ident>, op: AssignOp, value: Expr },
    /// `c.WRITE(e, offset, length)`, `c.modify('…')`.
    Method { column: Vec<Ident>, method: Ident, arguments: Vec<Expr> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub with: Option<With>,
    pub top: Option<Top>,
    pub target: DmlTarget,
    pub output: Vec<OutputClause>,
    pub from: Vec<TableRef>,
    pub filter: Option<Expr>,
    pub options: Vec<QueryHint>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    pub with: Option<With>,
    pub top: Option<Top>,
    pub target: DmlTarget,
    pub alias: Option<Ident>,
    pub source: TableRef,
    pub on: Expr,
    pub clauses: Vec<MergeClause>,
    pub output: Vec<OutputClause>,
    pub options: Vec<QueryHint>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MergeClause {
    pub when: MergeWhen,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeWhen {
    Matched,
    /// NOT MATCHED [BY TARGET].
    NotMatchedByTarget,
    NotMatchedBySource,
}

#[derive(Clone, Debug, PartialEq)]
pub enum MergeAction {
    Update(Vec<Assignment>),
    Delete,
    /// `None` = DEFAULT VALUES.
    Insert {
        columns: Vec<Vec<Ident>>,
        values: Option<Vec<Expr>>,
    },
}
