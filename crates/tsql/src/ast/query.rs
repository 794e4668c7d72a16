//! Queries: SELECT and everything inside it.

use crate::Span;
use crate::ast::expression::{Expr, OverClause};
use crate::ast::name::{Ident, ObjectName};
use crate::ast::statement::StatementKind;
use crate::ast::types::DataType;

/// A query expression with its ORDER BY, OFFSET and FOR clauses, and the WITH list that precedes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub with: Option<With>,
    pub body: QueryBody,
    pub order_by: Vec<OrderItem>,
    pub offset: Option<Expr>,
    pub fetch: Option<Expr>,
    pub for_clause: Option<ForClause>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    Select(Box<Select>),
    /// INTERSECT binds tighter than UNION and EXCEPT, which are left-associative.
    Set {
        op: SetOp,
        all: bool,
        left: Box<QueryBody>,
        right: Box<QueryBody>,
    },
    /// A parenthesised query (without WITH; ORDER BY only where SQL Server allows it).
    Paren(Box<Query>),
    /// `VALUES (…), (…)` as a table source or insert source.
    Values(Vec<Vec<Expr>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOp {
    Union,
    Except,
    Intersect,
}

/// WITH common table expressions and XML namespaces; WITH CHANGE_TRACKING_CONTEXT.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct With {
    pub namespaces: Vec<XmlNamespace>,
    pub tables: Vec<CommonTable>,
    pub change_tracking_context: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct XmlNamespace {
    pub uri: String,
    /// `None` = DEFAULT.
    pub prefix: Option<Ident>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CommonTable {
    pub name: Ident,
    pub columns: Vec<Ident>,
    pub query: Box<Query>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    pub distinct: bool,
    pub top: Option<Top>,
    pub items: Vec<SelectItem>,
    pub into: Option<SelectInto>,
    pub from: Vec<TableRef>,
    pub filter: Option<Expr>,
    pub group_by: Option<GroupBy>,
    pub having: Option<Expr>,
    /// `WINDOW w AS (…)`.
    pub windows: Vec<(Ident, OverClause)>,
    pub span: Span,
}

/// `INTO table [ON filegroup]`.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectInto {
    pub table: ObjectName,
    pub filegroup: Option<Ident>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Top {
    pub count: Expr,
    pub percent: bool,
    pub with_ties: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SelectItem {
    /// `*`, `t.*`, `dbo.t.*`.
    Wildcard { qualifier: Vec<Ident>, span: Span },
    /// `e`, `e AS a`, `e a`, `a = e`, `e AS 'a'`.
    Expr { expr: Expr, alias: Option<Ident> },
    /// `@v = e`, `@v += e`.
    Assign { variable: String, op: AssignOp, expr: Expr, span: Span },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignOp {
    Set,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    Concat,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    pub expr: Expr,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupBy {
    /// GROUP BY ALL.
    pub all: bool,
    pub items: Vec<GroupItem>,
    /// The old `WITH CUBE` / `WITH ROLLUP`.
    pub with: Option<GroupWith>,
    /// `WITH (DISTRIBUTED_AGG)`: accepted and ignored.
    pub distributed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupWith {
    Cube,
    Rollup,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GroupItem {
    Expr(Expr),
    /// `(a, b)` inside ROLLUP, CUBE or GROUPING SETS.
    Composite(Vec<Expr>),
    /// `()`.
    Empty,
    Rollup(Vec<GroupItem>),
    Cube(Vec<GroupItem>),
    GroupingSets(Vec<GroupItem>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableRef {
    pub kind: TableKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableKind {
    /// A table, view, synonym, CTE.
    Named(NamedTable),
    /// `@t [AS a]`.
    Variable {
        name: String,
        alias: Option<Ident>,
        hints: Vec<TableHint>,
    },
    /// A table-valued function, built in (`STRING_SPLIT`, `OPENJSON` without WITH, `sys.dm_…(…)`) or user-defined, and
    /// `c.nodes('…') AS T(c)` when the receiver is a name.
    Function {
        name: ObjectName,
        arguments: Vec<Expr>,
        alias: Option<Ident>,
        columns: Vec<Ident>,
        hints: Vec<TableHint>,
    },
    /// `::fn_x(…)`, `@x.nodes(…) AS T(c)`: the expression is a Method.
    Method {
        call: Box<Expr>,
        alias: Option<Ident>,
        columns: Vec<Ident>,
    },
    Derived {
        query: Box<Query>,
        alias: Option<Ident>,
        columns: Vec<Ident>,
    },
    /// `(VALUES …) AS t(a, b)`.
    Values {
        rows: Vec<Vec<Expr>>,
        alias: Option<Ident>,
        columns: Vec<Ident>,
    },
    Join {
        kind: JoinKind,
        hint: Option<JoinHint>,
        left: Box<TableRef>,
        right: Box<TableRef>,
        on: Option<Expr>,
    },
    /// CROSS APPLY, OUTER APPLY.
    Apply {
        outer: bool,
        left: Box<TableRef>,
        right: Box<TableRef>,
    },
    Paren(Box<TableRef>),
    /// `(MERGE … OUTPUT …) AS t(a, b)`: an INSERT, UPDATE, DELETE or MERGE whose OUTPUT rows an INSERT takes.
    Change {
        change: Box<StatementKind>,
        alias: Option<Ident>,
        columns: Vec<Ident>,
    },
    Pivot(Box<Pivot>),
    Unpivot(Box<Unpivot>),
    OpenJson {
        json: Box<Expr>,
        path: Option<Box<Expr>>,
        columns: Vec<OpenJsonColumn>,
        alias: Option<Ident>,
    },
    OpenXml {
        handle: Box<Expr>,
        row_pattern: Box<Expr>,
        flags: Option<Box<Expr>>,
        schema: OpenXmlSchema,
        alias: Option<Ident>,
    },
    OpenQuery {
        server: Ident,
        query: String,
        alias: Option<Ident>,
    },
    /// OPENROWSET(provider, …) and OPENDATASOURCE: arguments as expressions.
    OpenRowset {
        arguments: Vec<Expr>,
        bulk: Option<Box<OpenRowsetBulk>>,
        alias: Option<Ident>,
        columns: Vec<Ident>,
    },
    OpenDataSource {
        provider: String,
        connection: String,
        object: ObjectName,
        alias: Option<Ident>,
    },
    /// `CHANGETABLE(CHANGES t, v)` and `CHANGETABLE(VERSION …)`.
    ChangeTable {
        arguments: Vec<Expr>,
        table: ObjectName,
        changes: bool,
        alias: Option<Ident>,
        columns: Vec<Ident>,
    },
    /// CONTAINSTABLE, FREETEXTTABLE, SEMANTIC…TABLE.
    FullText {
        function: Ident,
        table: ObjectName,
        arguments: Vec<Expr>,
        alias: Option<Ident>,
        columns: Vec<Ident>,
    },
    /// PREDICT(…), AI functions and such: recognised only.
    Unsupported {
        name: String,
        alias: Option<Ident>,
    },
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct NamedTable {
    pub name: ObjectName,
    pub alias: Option<Ident>,
    pub columns: Vec<Ident>,
    pub hints: Vec<TableHint>,
    pub sample: Option<Box<TableSample>>,
    pub system_time: Option<Box<SystemTime>>,
    /// `FOR PATH` of graph queries.
    pub for_path: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TableSample {
    pub system: bool,
    pub number: Expr,
    pub unit: SampleUnit,
    pub repeatable: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleUnit {
    /// Neither word given, or PERCENT.
    Percent,
    Rows,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SystemTime {
    AsOf(Expr),
    FromTo(Expr, Expr),
    Between(Expr, Expr),
    ContainedIn(Expr, Expr),
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinHint {
    Loop,
    Hash,
    Merge,
    Remote,
    Reduce,
    Replicate,
    Redistribute,
}

/// `NOLOCK`, `INDEX(1, ix)`, `FORCESEEK(ix(a, b))`, `SPATIAL_WINDOW_MAX_CELLS = 5`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableHint {
    /// Upper case.
    pub name: String,
    /// Index names or numbers, or the value after `=`.
    pub arguments: Vec<HintArgument>,
    /// FORCESEEK's columns.
    pub columns: Vec<Ident>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum HintArgument {
    Name(Ident),
    Number(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Pivot {
    pub input: TableRef,
    /// Usually one aggregate call.
    pub aggregates: Vec<Expr>,
    pub column: Vec<Ident>,
    pub values: Vec<Ident>,
    pub alias: Option<Ident>,
    pub columns: Vec<Ident>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Unpivot {
    pub input: TableRef,
    pub value: Ident,
    pub column: Ident,
    pub sources: Vec<Vec<Ident>>,
    pub alias: Option<Ident>,
    pub columns: Vec<Ident>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OpenJsonColumn {
    pub name: Ident,
    pub data_type: DataType,
    pub path: Option<String>,
    pub as_json: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OpenXmlSchema {
    Edge,
    Columns(Vec<OpenJsonColumn>),
    Table(ObjectName),
}

/// `OPENROWSET(BULK 'file', option…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRowsetBulk {
    pub files: Vec<Expr>,
    /// SINGLE_BLOB, SINGLE_CLOB, SINGLE_NCLOB: upper case.
    pub single: Option<String>,
    pub options: Vec<(String, Expr)>,
    pub schema: Vec<OpenJsonColumn>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ForClause {
    Browse,
    Xml(ForXml),
    Json(ForJson),
    /// FOR UPDATE [OF …] / FOR READ ONLY of cursor declarations.
    ReadOnly,
    Update(Vec<Ident>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForXml {
    pub mode: ForXmlMode,
    /// RAW('x') or PATH('x').
    pub element: Option<String>,
    pub elements: Option<ForXmlElements>,
    pub root: Option<Option<String>>,
    pub is_type: bool,
    pub binary_base64: bool,
    pub xmldata: bool,
    pub xmlschema: Option<Option<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForXmlMode {
    Raw,
    Auto,
    Path,
    Explicit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForXmlElements {
    Plain,
    XsiNil,
    Absent,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForJson {
    /// PATH (true) or AUTO.
    pub path: bool,
    pub root: Option<Option<String>>,
    pub include_null_values: bool,
    pub without_array_wrapper: bool,
}

/// One entry of `OPTION (…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryHint {
    /// Upper-case words as written, e.g. `RECOMPILE`, `MAXDOP`, `HASH JOIN`, `OPTIMIZE FOR`, `USE HINT`, `FORCE ORDER`.
    pub name: String,
    /// Number, strings of USE HINT, PARAMETERIZATION's word, …
    pub arguments: Vec<Expr>,
    /// OPTIMIZE FOR (@v = x | @v UNKNOWN, …).
    pub optimize_for: Vec<(String, Option<Expr>)>,
    /// TABLE HINT (name, hints…).
    pub table: Option<(ObjectName, Vec<TableHint>)>,
}
