//! Physical plans: the tree of operators the executor runs.
//!
//! Invariants
//! 1. `PhysicalPlan::columns` are the operator's output columns; every `Expr::Column(n)` inside an operator is a position in its
//!    input's output (for joins: left columns, then right columns; for scans: positions in `columns` of the scan).
//! 2. Joins yield left columns then right columns, semi and anti joins only the left ones. Columns of an outer join's
//!    null-extended side are nullable in the output.
//! 3. Only [`PhysicalOp::NestedLoops`] with bindings and subquery expressions set parameter slots; an inner plan is (re)opened after they are set.
//! 4. Row estimates are hints; no operator may rely on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_engine::access::{EntryKey, ReadIntent, ReadLevel};
use holdfast_engine::catalog::{ModuleDef, TableDef};
use holdfast_types::SqlType;

use crate::access::Accesses;
use crate::expr::{Binding, Expr, ParamId};
use crate::function::{AggregateId, TableFunctionId, WindowId};

#[derive(Clone, Debug)]
pub struct PhysicalPlan {
    pub op: PhysicalOp,
    pub columns: Vec<PlanColumn>,
    /// Estimated output rows of one execution.
    pub rows: f64,
    /// Estimated cost of one execution, in arbitrary units.
    pub cost: f64,
}

/// Type of an output column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanColumn {
    pub ty: SqlType,
    pub nullable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    /// Left rows that have a match.
    LeftSemi,
    /// Left rows that have none.
    LeftAnti,
}

/// A sort key; NULL sorts first ascending, last descending.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// The collation is `expr.ty.collation`.
    pub expr: Expr,
    pub descending: bool,
}

#[derive(Clone, Debug)]
pub enum PhysicalOp {
    /// Every row of the heap or clustered index.
    TableScan {
        table: Arc<TableDef>,
        /// Ordinals of the table, in output order.
        columns: Vec<usize>,
        /// Over the output columns.
        predicate: Option<Expr>,
        /// Worth splitting among workers.
        parallel: bool,
        /// Over the partitioning column: only partitions that can hold rows of one of these are read. Empty: all.
        partitions: Vec<SeekRange>,
        read: ReadHints,
    },
    /// Ranges of an index, one after the other. Ranges may be empty or overlap: with several, evaluate all, drop empty ones, sort and
    /// merge overlapping ones (so that no row comes twice and index order holds).
    IndexSeek {
        table: Arc<TableDef>,
        index_id: i32,
        ranges: Vec<SeekRange>,
        columns: Vec<usize>,
        predicate: Option<Expr>,
        backward: bool,
        /// As of [`PhysicalOp::TableScan`].
        partitions: Vec<SeekRange>,
        read: ReadHints,
        /// Begins at the place that the execution is given, see [`Placed`].
        placed: bool,
    },
    /// Literal rows: VALUES, or one row of no columns for SELECT without FROM.
    Values {
        rows: Vec<Vec<Expr>>,
    },
    Filter {
        input: Box<PhysicalPlan>,
        predicate: Expr,
    },
    /// Filter that is evaluated once, before opening the input: no row when not true.
    StartupFilter {
        input: Box<PhysicalPlan>,
        predicate: Expr,
    },
    Project {
        input: Box<PhysicalPlan>,
        exprs: Vec<Expr>,
    },
    /// Rows of `input` for which `condition` holds, in an inner side that is opened often. The input is the same for all openings
    /// with the same values of `depends`; once it has been read often enough its rows are kept by `keys`.
    IndexSpool {
        /// Unique in the process: names the kept rows within an execution.
        id: u64,
        input: Box<PhysicalPlan>,
        /// Over the input; `condition` is keys = values AND `residual`. Pairwise of one type and collation.
        keys: Vec<Expr>,
        /// Without columns.
        values: Vec<Expr>,
        residual: Option<Expr>,
        condition: Expr,
        depends: Vec<ParamId>,
    },
    /// Left probes, right is built. Keys compare by = (no match on NULL) unless `null_equal` says otherwise per key.
    HashJoin {
        kind: JoinKind,
        left: Box<PhysicalPlan>,
        right: Box<PhysicalPlan>,
        /// Over the left / right input; pairwise of one type and collation.
        left_keys: Vec<Expr>,
        right_keys: Vec<Expr>,
        /// Per key: NULL matches NULL (INTERSECT/EXCEPT, IS NOT DISTINCT FROM).
        null_equal: Vec<bool>,
        /// Part of the join condition, over left then right columns.
        residual: Option<Expr>,
    },
    /// Both inputs arrive sorted ascending by their keys.
    MergeJoin {
        kind: JoinKind,
        left: Box<PhysicalPlan>,
        right: Box<PhysicalPlan>,
        left_keys: Vec<Expr>,
        right_keys: Vec<Expr>,
        residual: Option<Expr>,
    },
    /// For each left row: set the bindings (over the left row), open the right side, join by `predicate` (over left then right columns).
    /// Without bindings the right side is the same each time and should be kept in memory. Right and Full only come without bindings.
    NestedLoops {
        kind: JoinKind,
        left: Box<PhysicalPlan>,
        right: Box<PhysicalPlan>,
        bindings: Vec<Binding>,
        predicate: Option<Expr>,
    },
    /// Output: group keys, then aggregates, then (with grouping sets) one int column: bit i (from the left, most significant first, as
    /// GROUPING_ID over all keys) set when key i is rolled up.
    /// Without keys and sets there is exactly one row, also for no input.
    Aggregate {
        input: Box<PhysicalPlan>,
        strategy: AggregateStrategy,
        group: Vec<Expr>,
        aggregates: Vec<Aggregate>,
        /// Each a list of positions in `group`; an empty list is the grand total (one row even for no input).
        grouping_sets: Option<Vec<Vec<usize>>>,
        /// The input is big and the aggregates can be merged from partial ones.
        parallel: bool,
    },
    /// Distinct rows over all columns (NULL equals NULL).
    Distinct {
        input: Box<PhysicalPlan>,
    },
    Sort {
        input: Box<PhysicalPlan>,
        keys: Vec<SortKey>,
        /// Keep only the first this many (an expression without columns).
        top: Option<Expr>,
    },
    Top {
        input: Box<PhysicalPlan>,
        /// bigint (float for PERCENT), no columns; NULL or negative raises 1014/1060/127 as the executor knows.
        count: Expr,
        percent: bool,
        /// WITH TIES: also following rows whose keys equal the last one's.
        ties: Option<Vec<SortKey>>,
    },
    Offset {
        input: Box<PhysicalPlan>,
        offset: Expr,
        fetch: Option<Expr>,
    },
    /// UNION ALL, in order.
    Concat {
        inputs: Vec<PhysicalPlan>,
    },
    /// Distinct rows of left that are (Intersect) or are not (Except) in right; NULL equals NULL.
    SetOp {
        kind: SetOpKind,
        left: Box<PhysicalPlan>,
        right: Box<PhysicalPlan>,
    },
    /// Input sorted by partition then order. Output: input columns, then one per function.
    Window {
        input: Box<PhysicalPlan>,
        partition: Vec<Expr>,
        order: Vec<SortKey>,
        functions: Vec<WindowFunction>,
    },
    /// UNION ALL of the anchor's rows and what `recursive` yields from the rows of the round before (read by [`PhysicalOp::CteRead`] of
    /// the same id), until a round yields nothing. Round number above the limit (0 = none): error 530.
    RecursiveCte {
        id: u32,
        anchor: Box<PhysicalPlan>,
        recursive: Box<PhysicalPlan>,
        max_recursion: u32,
    },
    CteRead {
        id: u32,
    },
    TableFunction {
        function: TableFunction,
        args: Vec<Expr>,
    },
    /// A multi-statement table function, run by the interpreter.
    UserTableFunction {
        module: Arc<ModuleDef>,
        args: Vec<Option<Expr>>,
    },
    /// Error 512 when the input has more than one row; a row of NULLs when it has none.
    MaxOneRow {
        input: Box<PhysicalPlan>,
    },
    /// One row, one column: the whole input as XML (nvarchar(max) or xml).
    ForXml {
        input: Box<PhysicalPlan>,
        options: Box<ForXml>,
    },
    /// One row, one column: the whole input as JSON text.
    ForJson {
        input: Box<PhysicalPlan>,
        options: Box<ForJson>,
    },
}

/// What table hints ask of the reads of one table, over what the session asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReadHints {
    /// NOLOCK, READCOMMITTED, REPEATABLEREAD, HOLDLOCK and their like.
    pub level: Option<ReadLevel>,
    /// UPDLOCK, XLOCK.
    pub intent: ReadIntent,
    /// READPAST.
    pub skip_locked: bool,
    /// NOWAIT: 1222 in place of a wait.
    pub no_wait: bool,
    /// TABLOCK, TABLOCKX.
    pub table_lock: bool,
    /// The rows read are those that the statement changes.
    pub changes: bool,
}

impl ReadHints {
    /// Nothing is asked but that rows are read to be changed.
    pub fn is_only_for_change(&self) -> bool {
        *self == ReadHints { changes: true, ..ReadHints::default() }
    }
}

/// Equality on a prefix of the index key, then a range on the next key column. Bounds are in **value** order, whatever the index
/// direction; `descending` says the range column is descending in the index. A NULL bound value makes the range empty.
#[derive(Clone, Debug)]
pub struct SeekRange {
    pub prefix: Vec<SeekKey>,
    pub low: Option<SeekBound>,
    pub high: Option<SeekBound>,
    pub descending: bool,
    /// With one bound only: rows with NULL in the range column are still outside (always true today, since `x < 5` excludes NULL).
    pub exclude_null: bool,
}

#[derive(Clone, Debug)]
pub enum SeekKey {
    /// `key = value`; the range is empty when the value is NULL. The value has the key column's type.
    Equal(Expr),
    IsNull,
}

#[derive(Clone, Debug)]
pub struct SeekBound {
    pub value: Expr,
    pub inclusive: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AggregateStrategy {
    Hash,
    /// Input arrives grouped by the keys.
    Stream,
}

#[derive(Clone, Debug)]
pub struct Aggregate {
    pub function: AggregateId,
    /// Argument (converted as the function needs); `None` for COUNT(*).
    pub argument: Option<Expr>,
    /// Second argument: separator of STRING_AGG, fraction of PERCENTILE_*.
    pub argument2: Option<Expr>,
    pub distinct: bool,
    /// WITHIN GROUP (ORDER BY …).
    pub order: Vec<SortKey>,
    pub ty: SqlType,
    pub nullable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetOpKind {
    Intersect,
    Except,
}

#[derive(Clone, Debug)]
pub struct WindowFunction {
    pub function: WindowFunctionKind,
    /// The function's arguments (value, offset, default for LAG/LEAD; tiles for NTILE; fraction and value for PERCENTILE_*).
    pub args: Vec<Expr>,
    pub frame: Option<Frame>,
    /// IGNORE NULLS.
    pub ignore_nulls: bool,
    pub ty: SqlType,
    pub nullable: bool,
}

#[derive(Clone, Debug)]
pub enum WindowFunctionKind {
    Ranking(WindowId),
    Aggregate(AggregateId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// ROWS when true, else RANGE.
    pub rows: bool,
    pub start: FrameBound,
    pub end: FrameBound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(u64),
    CurrentRow,
    Following(u64),
    UnboundedFollowing,
}

/// A built-in table function with what its syntax adds.
#[derive(Clone, Debug)]
pub struct TableFunction {
    pub id: TableFunctionId,
    /// OPENJSON … WITH (columns), or OPENXML's.
    pub schema: Vec<SchemaColumn>,
    /// XQuery of nodes().
    pub path: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub struct SchemaColumn {
    pub name: Arc<str>,
    pub ty: SqlType,
    /// `None`: `$.name`.
    pub path: Option<Arc<str>>,
    pub as_json: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ForXmlMode {
    Raw {
        element: Arc<str>,
    },
    Auto,
    /// Empty element name: no row wrapper.
    Path {
        element: Arc<str>,
    },
    Explicit,
}

#[derive(Clone, Debug)]
pub struct ForXml {
    pub mode: ForXmlMode,
    pub root: Option<Arc<str>>,
    /// TYPE: the result is of type xml.
    pub typed: bool,
    /// Without rows there is no row, instead of a NULL.
    pub absent: bool,
    pub elements: bool,
    pub xsinil: bool,
    /// Namespace declarations as they are written into the outermost elements, each with a blank before it.
    pub declarations: Arc<str>,
    pub binary_base64: bool,
    pub columns: Vec<SerialColumn>,
}

#[derive(Clone, Debug)]
pub struct ForJson {
    pub auto: bool,
    /// Without rows there is no row, instead of a NULL.
    pub absent: bool,
    pub root: Option<Arc<str>>,
    pub include_null_values: bool,
    pub without_array_wrapper: bool,
    pub columns: Vec<SerialColumn>,
}

/// A column handed to FOR XML / FOR JSON.
#[derive(Clone, Debug)]
pub struct SerialColumn {
    pub name: Arc<str>,
    /// AUTO: alias of the table the column comes from, and that table's nesting level (0 = outermost, in order of first appearance).
    pub table: Option<(usize, Arc<str>)>,
    /// The value is JSON text already (JSON_QUERY, nested FOR JSON) or xml: embed, do not escape.
    pub raw: bool,
}

/// Rows of the tables that a plan reads, as they were when it was made.
#[derive(Clone, Debug, Default)]
pub struct Sizes(Vec<(Arc<TableDef>, u64, u64)>);

/// Tables of fewer rows are planned well enough by their size: the server makes no statistics of them by itself.
pub const STATISTICS_FROM: u64 = 500;

/// Changes after which the statistics of a table of so many rows are out of date: 500 and a fifth of the rows; `root` (from
/// compatibility level 130 on): the square root of a thousand times the rows, if that is less.
pub fn changes_to_recompute(rows: u64, root: bool) -> u64 {
    let fifth = if rows <= 500 { 500 } else { 500 + rows / 5 };
    if root && rows > 500 { fifth.min((1000.0 * rows as f64).sqrt() as u64) } else { fifth }
}

impl Sizes {
    pub fn note(&mut self, table: &Arc<TableDef>) {
        if table.access.size().is_some() && !self.0.iter().any(|(t, ..)| Arc::ptr_eq(t, table)) {
            self.0.push((Arc::clone(table), table.rows(), table.access.changes()));
        }
    }

    /// No table has become so much larger or smaller that another plan may be better by far.
    pub fn still_fit(&self) -> bool {
        self.0.iter().all(|(table, then, changes)| {
            let now = table.rows();
            now.max(*then) <= 500 + 4 * now.min(*then)
                // So many changes are due to make statistics anew, which may ask for another plan; small tables have none.
                && (*then < STATISTICS_FROM
                    || table.access.changes().saturating_sub(*changes) < changes_to_recompute(*then, true))
        })
    }
}

/// Columns of whose distribution a plan would know.
#[derive(Clone, Debug, Default)]
pub struct NotedStatistics {
    /// Table, ordinal of the column, and whether statistics were found.
    pub columns: Vec<(Arc<TableDef>, usize, bool)>,
    /// Somebody has looked whether they are to be made, or made anew.
    looked_at: Arc<AtomicBool>,
}

impl NotedStatistics {
    pub fn note(&mut self, table: &Arc<TableDef>, ordinal: usize, found: bool) {
        let stored = table.object_id > 0 && table.access.size().is_some();
        if stored && !self.columns.iter().any(|(t, o, _)| *o == ordinal && t.object_id == table.object_id) {
            self.columns.push((Arc::clone(table), ordinal, found));
        }
    }

    /// Whether this is the first to look.
    pub fn look(&self) -> bool {
        // Every use of a kept plan asks: reading shares the line, writing does not.
        !self.columns.is_empty()
            && !self.looked_at.load(Ordering::Relaxed)
            && !self.looked_at.swap(true, Ordering::Relaxed)
    }
}

/// A bound, planned query.
#[derive(Clone, Debug)]
pub struct BoundQuery {
    pub plan: PhysicalPlan,
    /// What the client sees; as many as `plan.columns` (none when the query assigns variables).
    pub columns: Vec<ResultColumnInfo>,
    /// `SELECT @a = x, @b = y`: evaluated in order for every row of the plan, each seeing the assignments before it.
    pub assignments: Vec<(ParamId, Expr)>,
    /// Databases and objects read, for cache invalidation: (database id, object id).
    pub dependencies: Vec<(i32, i32)>,
    pub sizes: Sizes,
    pub statistics: NotedStatistics,
    pub accesses: Accesses,
    /// Of a cursor's query: tables (database and object id) whose rows its rows are, and the plan's column, after the
    /// result columns, that names the row.
    pub bookmarks: Vec<((i32, i32), usize)>,
    /// Of a query that was planned to begin anywhere.
    pub placed: Option<Placed>,
}

/// A query whose rows come one for one from the entries of an index: it can begin anywhere in that, in either direction.
#[derive(Clone, Debug)]
pub struct Placed {
    /// 0: the rows of a table without clustered index, as they lie there.
    pub index_id: i32,
    /// What tells the entries apart; the values of its columns are the last of the plan's.
    pub key: EntryKey,
    /// The plan's column with the bookmark that the key's locator comes from.
    pub mark: Option<usize>,
    pub table: Arc<TableDef>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ResultColumnInfo {
    /// Empty when the expression has no name.
    pub name: Arc<str>,
    pub ty: SqlType,
    pub nullable: bool,
    pub identity: bool,
    pub computed: bool,
    pub updatable: bool,
    pub user_type: Option<Arc<str>>,
    pub source: Option<Arc<ColumnSourceInfo>>,
}

/// Base table of a result column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSourceInfo {
    pub database: Arc<str>,
    pub schema: Arc<str>,
    pub table: Arc<str>,
    pub column: Arc<str>,
    /// Part of the table's primary key.
    pub key: bool,
}

/// Parts of `bind` for the executor: `bind_query(&Query, &BindContext) -> SqlResult<BoundQuery>` and
/// `bind_expression(&Expression, &BindContext) -> SqlResult<BoundExpression>` land with the binder.
#[derive(Clone, Debug)]
pub struct BoundExpression {
    /// Without columns; a boolean node for IF and WHILE.
    pub expr: Expr,
    /// See [`Expr::is_plain`].
    pub plain: bool,
    pub accesses: Accesses,
}
