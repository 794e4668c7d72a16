//! Planned changes of rows: which rows to read, what becomes of them, what the table asks of every row.
//!
//! Invariants
//! 1. Expressions of a [`BoundChange`] are over the rows of its plan, those of OUTPUT over the deleted row, the inserted row,
//!    the action and then the plan's row, those of a [`TargetTable`] over a row of the table.
//! 2. A value for a column has the column's type, except that strings and binary values that might be too long for it have
//!    the MAX form: whoever stores them cuts blanks, pads, or answers 2628.

use std::sync::Arc;

use holdfast_engine::catalog::{TableDef, TableRules, TriggerDef, ViewUse};
use holdfast_types::{SqlError, SqlResult, SqlType};

use crate::access::Accesses;
use crate::expr::{Expr, ParamId};
use crate::physical::{PhysicalPlan, ResultColumnInfo, Sizes};

/// What a statement does to rows; a MERGE does all three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Insert,
    Update,
    Delete,
}

impl Action {
    pub fn word(self) -> &'static str {
        match self {
            Action::Insert => "INSERT",
            Action::Update => "UPDATE",
            Action::Delete => "DELETE",
        }
    }

    /// Its number among the events that triggers are for.
    pub fn event(self) -> i32 {
        match self {
            Action::Insert => 1,
            Action::Update => 2,
            Action::Delete => 3,
        }
    }
}

/// A CHECK constraint that is enforced.
#[derive(Clone, Debug)]
pub struct BoundCheck {
    pub name: Arc<str>,
    /// Name of the column it was declared with.
    pub column: Option<Arc<str>>,
    pub condition: Expr,
    /// Ordinals it looks at.
    pub columns: Vec<usize>,
    /// WITH CHECK OPTION of the view the change goes through: must be true, whatever was set.
    pub of_view: bool,
    /// A rule bound to the column: 513 instead of 547.
    pub rule: bool,
}

/// A computed column.
#[derive(Clone, Debug)]
pub struct BoundComputed {
    pub ordinal: usize,
    pub value: Expr,
    /// Kept in the table or an index: computed whenever the row is written.
    pub stored: bool,
}

/// A trigger with what its header says.
#[derive(Clone, Debug)]
pub struct BoundTrigger {
    pub def: TriggerDef,
    pub instead_of: bool,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
}

impl BoundTrigger {
    pub fn fires_for(&self, action: Action) -> bool {
        match action {
            Action::Insert => self.insert,
            Action::Update => self.update,
            Action::Delete => self.delete,
        }
    }
}

/// A table whose rows a statement changes, with all that its rows must obey.
#[derive(Clone, Debug)]
pub struct TargetTable {
    pub table: Arc<TableDef>,
    /// A view: only INSTEAD OF triggers can change it.
    pub is_view: bool,
    pub rules: Arc<TableRules>,
    /// Per column: the value when none is given. An error is that of binding, for whoever needs the default.
    pub defaults: Vec<Option<SqlResult<Expr>>>,
    pub computed: Vec<BoundComputed>,
    pub checks: Vec<BoundCheck>,
    /// Conditions of filtered indexes.
    pub filters: Vec<(i32, Expr)>,
    pub triggers: Vec<BoundTrigger>,
    pub identity: Option<usize>,
    pub row_version: Option<usize>,
    /// Indexed views over the table, which its changes carry along.
    pub views: Arc<[ViewUse]>,
    /// `database.schema.table`.
    pub full_name: Arc<str>,
}

impl TargetTable {
    pub fn types(&self) -> Vec<SqlType> {
        self.table.columns.iter().map(|c| c.ty).collect()
    }

    /// A partitioned view, whose changes its members take.
    pub fn is_partitioned_view(&self) -> bool {
        self.is_view && self.triggers.iter().any(|t| t.def.module.object_id == self.table.object_id)
    }

    /// The enabled INSTEAD OF trigger for an action.
    pub fn instead_of(&self, action: Action) -> Option<&BoundTrigger> {
        self.triggers.iter().find(|t| t.instead_of && !t.def.disabled && t.fires_for(action))
    }

    /// Enabled AFTER triggers for an action.
    pub fn after(&self, action: Action) -> Vec<&BoundTrigger> {
        let fires = |t: &&BoundTrigger| !t.instead_of && !t.def.disabled && t.fires_for(action);
        let mut list: Vec<&BoundTrigger> = self.triggers.iter().filter(fires).collect();
        list.sort_by_key(|t| t.def.place(action.event()));
        list
    }
}

/// What a SET item does to its column.
#[derive(Clone, Debug)]
pub enum SetValue {
    Expr(Expr),
    /// `c.WRITE(value, offset, length)`.
    Write {
        value: Expr,
        offset: Expr,
        length: Expr,
    },
}

/// `c = e`, `@v = e`, `@v = c = e`.
#[derive(Clone, Debug)]
pub struct SetItem {
    pub column: Option<usize>,
    /// Slot and type of the variable.
    pub variable: Option<(ParamId, SqlType)>,
    pub value: SetValue,
}

/// New rows: a value per listed column, the rest by default.
#[derive(Clone, Debug)]
pub struct InsertRows {
    pub values: Vec<(usize, Expr)>,
    /// The identity column is among them.
    pub identity_given: bool,
}

impl InsertRows {
    pub fn ordinals(&self) -> Vec<usize> {
        self.values.iter().map(|v| v.0).collect()
    }
}

/// When a MERGE clause applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MergeWhen {
    Matched,
    NotMatchedByTarget,
    NotMatchedBySource,
}

#[derive(Clone, Debug)]
pub enum MergeAction {
    Insert(InsertRows),
    Update(Vec<SetItem>),
    Delete,
}

#[derive(Clone, Debug)]
pub struct MergeClause {
    pub when: MergeWhen,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Clone, Debug)]
pub enum ChangeKind {
    Insert(InsertRows),
    /// INSERT of rows that come from elsewhere (EXEC, bulk load): values for these columns, of any convertible type.
    InsertExternal {
        ordinals: Vec<usize>,
        /// All that the named table or view has, in its order, the identity column too: what a data file has fields for.
        shown: Vec<usize>,
    },
    Update(Vec<SetItem>),
    Delete,
    Merge {
        clauses: Vec<MergeClause>,
        /// Position of the column that is NULL where no source row matched.
        marker: usize,
        limit: Option<Expr>,
    },
}

/// Where OUTPUT … INTO puts its rows.
#[derive(Clone, Debug)]
pub struct OutputInto {
    pub target: Arc<TargetTable>,
    pub ordinals: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct BoundOutput {
    pub columns: Vec<ResultColumnInfo>,
    pub exprs: Vec<Expr>,
    pub into: Option<OutputInto>,
}

/// A bound, planned change.
#[derive(Debug)]
pub struct BoundChange {
    pub kind: ChangeKind,
    pub target: Arc<TargetTable>,
    /// The rows to work on.
    pub plan: PhysicalPlan,
    /// The source of an INSERT reads the table it goes to.
    pub reads_target: bool,
    /// Position of the bookmark of the row to change.
    pub bookmark: Option<usize>,
    /// Positions of the target's columns as they are; empty where nobody asks for them, `None` where nobody asks for that column.
    pub old: Vec<Option<usize>>,
    pub output: Vec<BoundOutput>,
    /// WHERE CURRENT OF: name and whether GLOBAL was said.
    pub current_of: Option<(String, bool)>,
    /// The plan can be opened at the entry of one row in [`holdfast_engine::access::TableAccess::row_index`].
    pub placed: bool,
    pub dependencies: Vec<(i32, i32)>,
    pub sizes: Sizes,
    pub accesses: Accesses,
    /// How the rows are worked off, found out when it runs first.
    pub course: std::sync::OnceLock<Course>,
}

/// How the rows of an UPDATE or DELETE are worked off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    /// Some at a time, from a store that may end in a file.
    pub in_parts: bool,
    /// No row of the target comes twice.
    pub comes_once: bool,
}

/// 515 for a column that got NULL.
pub fn null_not_allowed(table: &TableDef, database: &str, column: &str, action: Action) -> SqlError {
    let name = if table.database_id == 2 || database.is_empty() {
        table.name.to_string()
    } else {
        format!("{database}.{}.{}", table.schema_name, table.name)
    };
    SqlError::new(515, &[&column, &name, &action.word()]).state(2)
}

/// States in which what carries out a change of a partitioned view raises what no member can say.
pub mod partitioned_view {
    /// A value belongs to no member.
    pub const NO_MEMBER: u8 = 251;
    /// A row to be changed stands twice in `deleted`, or is none.
    pub const UNCLEAR: u8 = 252;
}
