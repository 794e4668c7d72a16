//! The binder: from syntax to a logical plan with types, names resolved and conversions written out.
//!
//! Invariants
//! 1. `levels` holds one level per query being bound, plus a collecting level for each place where an inner plan hangs off an outer
//!    row (subquery expressions, APPLY). A column found in level i while binding above it becomes a parameter, and the
//!    assignment of that parameter is recorded in level i + 1, which is always a collecting level.
//! 2. While a FROM clause is bound its select level has no sources, so siblings do not see each other except through APPLY.
//! 3. Views, inline functions and CTEs are bound with the outer levels put aside.

mod aggregate;
mod call;
mod change;
mod collate;
mod datatype;
mod from;
mod grouping;
mod hint;
mod literal;
mod name;
mod query;
mod recursion;
mod scalar;
mod select;
mod sequence;
mod serial;
mod source;
mod subquery;
mod synonym;
mod table_function;
mod temporal;
mod window;
mod xml;

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, SynonymDef, TableDef};
use holdfast_tsql::Span;
use holdfast_tsql::ast::query::CommonTable;
use holdfast_types::{CollationId, NameOrder, SqlError, SqlResult, SqlType};

use crate::access::{Access, AccessKind, state_shown};
use crate::context::{BindContext, BindSettings, VariableInfo};
use crate::expr::{Binding, Expr, ParamId};
use crate::logical::{Col, ColumnId};
use crate::physical::{Aggregate, ColumnSourceInfo, Sizes, SortKey, WindowFunction};

pub(crate) use collate::{Coerce, Typed};
pub use datatype::resolve_type;
pub(crate) use query::QueryRole;
pub(crate) use scalar::convert as fold_integer;

/// Views and functions may nest this deep.
const MAX_MODULE_DEPTH: usize = 32;

/// The database of tables in memory.
const TEMPORARY: i32 = 2;

/// Deepest nesting of expressions and queries the binder follows.
const MAX_BIND_DEPTH: usize = 256;

/// Operators in the chains (`a + b + c …`) around an expression: their trees are as deep as that on the left side.
const MAX_LINKS: usize = 4096;

/// What a result or source column carries besides its type.
#[derive(Debug, Default)]
pub(crate) struct ColumnMeta {
    pub identity: bool,
    pub computed: bool,
    pub user_type: Option<Arc<str>>,
    pub source: Option<Arc<ColumnSourceInfo>>,
}

#[derive(Clone, Debug)]
pub(crate) struct ScopeColumn {
    pub name: Arc<str>,
    pub col: Col,
    pub coerce: Coerce,
    pub meta: Option<Arc<ColumnMeta>>,
    pub hidden: bool,
    /// The noted access that this column belongs to, and its id there.
    pub origin: Option<(usize, i32)>,
}

/// A row source of a FROM clause.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// Alias, or the object's name.
    pub name: Option<Arc<str>>,
    /// Qualifiers that may stand before the name (only when there is no alias).
    pub schema: Option<Arc<str>>,
    pub database: Option<Arc<str>>,
    pub aliased: bool,
    pub columns: Vec<ScopeColumn>,
    /// Which of the binder's `bases` stand behind it, in a statement that changes rows.
    pub bases: Option<(usize, usize)>,
    /// The noted access that reading it is.
    pub access: Option<usize>,
    /// The one that naming it by a synonym is.
    pub synonym: Option<usize>,
}

/// A stored table read by a statement that changes rows: what a change of a source above it may come down to.
#[derive(Clone)]
pub(crate) struct Base {
    pub table: Arc<TableDef>,
    /// Of the database it is in; `None` for tables in memory.
    pub catalog: Option<Arc<dyn Catalog>>,
    pub columns: Vec<Col>,
    pub bookmark: Col,
    /// The view whose text names it.
    pub through: Option<(i32, i32)>,
}

/// A column of a bound query.
#[derive(Clone, Debug)]
pub(crate) struct OutColumn {
    pub name: Option<Arc<str>>,
    pub col: Col,
    pub coerce: Coerce,
    pub meta: Option<Arc<ColumnMeta>>,
    /// JSON or XML text made by a nested FOR clause or JSON_QUERY.
    pub raw: bool,
    /// A NULL without a type: in a set operation it takes that of the others.
    pub untyped: bool,
}

impl OutColumn {
    /// The type that it brings into a set operation.
    pub fn offered(&self) -> (SqlType, Coerce) {
        (if self.untyped { SqlType::NULL } else { self.col.ty }, self.coerce)
    }
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Clause {
    #[default]
    Other,
    Where,
    On,
    GroupBy,
    Select,
    Having,
    OrderBy,
}

/// One (PARTITION BY, ORDER BY) combination and its functions.
pub(crate) struct WindowSpec {
    pub key: String,
    pub partition: Vec<Expr>,
    pub order: Vec<SortKey>,
    pub functions: Vec<(ColumnId, WindowFunction)>,
}

#[derive(Default)]
pub(crate) struct Level {
    pub sources: Vec<Source>,
    /// Parameter assignments for the plan being bound above this level.
    pub outer: Vec<Binding>,
    memo: HashMap<ColumnId, ParamId>,
    pub is_select: bool,
    pub clause: Clause,
    pub in_aggregate: bool,
    pub in_window: bool,
    pub aggregates: Vec<(ColumnId, Aggregate, String)>,
    pub windows: Vec<WindowSpec>,
    /// Group expressions: output column, expression and its key.
    pub group: Vec<(ColumnId, Expr, String)>,
    pub grouped: bool,
    pub grouping_id: Option<ColumnId>,
    pub named_windows: Vec<(String, holdfast_tsql::ast::expression::OverClause)>,
}

/// A CTE in scope. `visible` is how many of the CTEs before it its query may see.
#[derive(Clone)]
pub(crate) struct Cte {
    pub table: Arc<CommonTable>,
    pub visible: usize,
    /// While binding the recursive part: the columns that self-references read.
    pub recursion: Option<(u32, Vec<ScopeColumn>)>,
}

/// A table variable that is given to a function.
#[derive(Clone)]
pub(crate) struct TableArgument {
    pub table: Arc<TableDef>,
    /// The object of its table type.
    pub type_object: i32,
}

/// Surroundings of the text being bound: the batch or a module.
#[derive(Clone)]
pub(crate) struct Env {
    pub catalog: Arc<dyn Catalog>,
    /// How the names in the text are compared: as those of the database it is run or stored in.
    pub order: NameOrder,
    pub schema: Arc<str>,
    pub settings: BindSettings,
    /// Parameters of an inline function; `None` outside modules.
    pub parameters: Option<Vec<(Arc<str>, VariableInfo)>>,
    /// Its table-valued parameters.
    pub tables: Vec<(Arc<str>, TableArgument)>,
    /// WITH XMLNAMESPACES: prefix (empty = default) and URI.
    pub namespaces: Vec<(String, String)>,
}

pub(crate) struct Binder<'a> {
    pub cx: &'a BindContext<'a>,
    pub env: Env,
    pub levels: Vec<Level>,
    pub ctes: Vec<Cte>,
    pub next_column: ColumnId,
    pub next_slot: u32,
    pub next_cte: u32,
    pub module_depth: usize,
    pub depth: usize,
    /// Operators in the chains around the expression that is being bound.
    pub links: usize,
    pub max_recursion: u32,
    pub dependencies: Vec<(i32, i32)>,
    pub sizes: Sizes,
    pub accesses: Vec<Access>,
    /// The view or inline function whose text is being bound.
    pub through: Option<(i32, i32)>,
    /// The view whose text names the table that a change comes down to.
    pub target_through: Option<(i32, i32)>,
    /// The synonym that the name of a change's target was, until its use is noted.
    pub target_synonym: Option<Arc<SynonymDef>>,
    /// `SELECT @x = …`.
    pub assignments: Vec<(ParamId, Expr)>,
    /// Tables read, with their bookmarks; only kept while `changing`.
    pub bases: Vec<Base>,
    pub changing: bool,
    /// The bookmarks are a cursor's: its rows may be changed later, or never.
    pub cursor: bool,
    /// `$action` in the OUTPUT clause of MERGE.
    pub action: Option<Col>,
    /// `table.column` of source columns, for message 8120 and its kin.
    pub column_names: HashMap<ColumnId, String>,
    /// Source columns of xml with a schema collection.
    pub typed_xml: std::collections::HashSet<ColumnId>,
    /// Such columns of outer levels.
    pub typed_xml_slots: std::collections::HashSet<ParamId>,
    pub sequences: sequence::SequenceUses,
    pub in_set_operation: bool,
    /// FOR SYSTEM_TIME of the view whose text is being bound.
    pub system_time: Option<temporal::SystemTimeFilter>,
    /// Names of columns that nobody knows, so far; `None` where the first one ends the binding.
    pub unbound: Option<Vec<SqlError>>,
    /// Undeclared parameters whose types are asked for.
    pub deduction: Option<crate::deduce::Deduction>,
}

impl<'a> Binder<'a> {
    pub fn new(cx: &'a BindContext<'a>) -> Self {
        Binder {
            cx,
            env: Env {
                catalog: cx.catalog.clone(),
                order: cx.catalog.names(),
                schema: cx.default_schema.clone(),
                settings: cx.settings,
                parameters: None,
                tables: Vec::new(),
                namespaces: Vec::new(),
            },
            levels: Vec::new(),
            ctes: Vec::new(),
            next_column: 0,
            next_slot: cx.first_free_slot,
            next_cte: 0,
            module_depth: 0,
            depth: 0,
            links: 0,
            max_recursion: 100,
            dependencies: Vec::new(),
            sizes: Sizes::default(),
            accesses: Vec::new(),
            through: None,
            target_through: None,
            target_synonym: None,
            assignments: Vec::new(),
            bases: Vec::new(),
            changing: false,
            cursor: false,
            action: None,
            column_names: HashMap::new(),
            typed_xml: std::collections::HashSet::new(),
            typed_xml_slots: std::collections::HashSet::new(),
            sequences: sequence::SequenceUses::default(),
            in_set_operation: false,
            system_time: None,
            unbound: None,
            deduction: None,
        }
    }

    pub fn new_column(&mut self) -> ColumnId {
        let id = self.next_column;
        self.next_column += 1;
        id
    }

    pub fn new_col(&mut self, ty: SqlType, nullable: bool) -> Col {
        Col { id: self.new_column(), ty, nullable }
    }

    pub fn new_slot(&mut self) -> ParamId {
        let slot = ParamId(self.next_slot);
        self.next_slot += 1;
        slot
    }

    /// Collation of literals and variables.
    pub fn collation(&self) -> CollationId {
        self.cx.database_collation
    }

    /// Whether two names are one in the text being bound.
    pub fn same(&self, a: &str, b: &str) -> bool {
        self.env.order.same(a, b)
    }

    pub fn depends_on(&mut self, database: i32, object: i32) {
        if !self.dependencies.contains(&(database, object)) {
            self.dependencies.push((database, object));
        }
    }

    /// Notes a use of an object (invariant 1 of `access`). Answers its place; `None` when nobody asks.
    pub fn note(
        &mut self,
        kind: AccessKind,
        id: (i32, i32),
        schema: &Arc<str>,
        name: &Arc<str>,
    ) -> Option<usize> {
        if id.1 < 0 && id.0 == TEMPORARY {
            return None;
        }
        // As the system views' definitions have them: a case-sensitive database may have a schema "Sys" of its own.
        let system = matches!(&**schema, "sys" | "INFORMATION_SCHEMA");
        let kind = if system { state_shown(schema, name)? } else { kind };
        self.accesses.push(Access {
            kind,
            database: id.0,
            object: id.1,
            schema: Arc::clone(schema),
            name: Arc::clone(name),
            columns: Vec::new(),
            columns_only: false,
            through: self.through,
        });
        Some(self.accesses.len() - 1)
    }

    /// Notes that a column is read.
    pub fn note_column(&mut self, c: &ScopeColumn) {
        if let Some((access, id)) = c.origin
            && let Some(a) = self.accesses.get_mut(access)
            && !a.columns.iter().any(|x| x.0 == id)
        {
            a.columns.push((id, Arc::clone(&c.name)));
        }
    }

    /// Runs `f` one nesting level deeper; 191 when that is too deep.
    pub fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> SqlResult<T>) -> SqlResult<T> {
        if self.depth >= MAX_BIND_DEPTH {
            return Err(SqlError::new(191, &[]));
        }
        self.cx.check_cancel()?;
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Binds with a collecting level on top; the assignments it collected come back with the result.
    pub fn collecting<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<(T, Vec<Binding>)> {
        self.levels.push(Level::default());
        let height = self.levels.len();
        let result = f(self);
        self.levels.truncate(height);
        let level = self.levels.pop().unwrap_or_default();
        Ok((result?, level.outer))
    }

    /// The innermost select level.
    pub fn select_level(&mut self) -> Option<&mut Level> {
        self.levels.iter_mut().rev().find(|l| l.is_select)
    }

    pub fn set_clause(&mut self, clause: Clause) {
        if let Some(l) = self.levels.last_mut() {
            l.clause = clause;
        }
    }
}

/// Attaches the line of `span` to an error that has none.
pub(crate) fn at<T>(span: Span, r: SqlResult<T>) -> SqlResult<T> {
    r.map_err(|e| e.at_line(span.line))
}

pub(crate) fn err<T>(span: Span, number: i32, args: &[&dyn std::fmt::Display]) -> SqlResult<T> {
    Err(SqlError::new(number, args).at_line(span.line))
}

/// Text that is equal for equal expressions.
pub(crate) fn key_of(e: &Expr) -> String {
    format!("{:?}", e.kind)
}
