//! What binding a statement needs to know of the world: databases, variables, settings.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, TableDef, TableRules};
use holdfast_types::{CollationId, SqlResult, SqlType, Value};

use crate::expr::{Expr, ParamId};

/// A local variable or procedure parameter in scope.
#[derive(Clone, Debug)]
pub struct VariableInfo {
    pub slot: ParamId,
    pub ty: SqlType,
}

/// Names outside the statement. Implemented by the session.
pub trait NameResolver {
    /// A database by name (`None`: 911 or 208 as fits).
    fn database(&self, name: &str) -> Option<Arc<dyn Catalog>>;
    /// Why a database that is there cannot be read.
    fn closed(&self, name: &str) -> Option<holdfast_types::SqlError> {
        let _ = name;
        None
    }
    /// The database whose object of that name is everybody's where their own database has none.
    fn everywhere(&self, schema: &str, name: &str) -> Option<Arc<dyn Catalog>> {
        let _ = (schema, name);
        None
    }
    /// Whether a linked server of that name is listed.
    fn linked_server(&self, name: &str) -> bool {
        let _ = name;
        false
    }
    /// Whether it is this server's own name.
    fn own_server(&self, name: &str) -> bool {
        let _ = name;
        false
    }
    /// Scalar variable `@name` (with the `@`).
    fn variable(&self, name: &str) -> Option<VariableInfo>;
    /// Table variable or table-valued parameter `@name`.
    fn table_variable(&self, name: &str) -> Option<Arc<TableDef>>;
    /// The object of the table type that a table variable was declared with; `None` where it has a shape of its own.
    fn table_variable_type(&self, name: &str) -> Option<i32> {
        let _ = name;
        None
    }
    /// `#name` or `##name`.
    fn temp_table(&self, name: &str) -> Option<Arc<TableDef>>;
    /// `inserted` and `deleted` in a trigger, in these letters.
    fn trigger_table(&self, name: &str) -> Option<Arc<TableDef>> {
        let _ = name;
        None
    }
    /// The rows to read in place of a table's own: those that a change of it adds or takes away, for views over it.
    fn stand_in(&self, table: &TableDef) -> Option<Arc<TableDef>> {
        let _ = table;
        None
    }
    /// The columns of the table whose trigger is being bound, for UPDATE().
    fn trigger_target(&self) -> Option<Arc<TableDef>> {
        None
    }
    /// Checks, foreign keys and triggers of a table.
    fn rules(&self, table: &TableDef) -> SqlResult<Arc<TableRules>> {
        let _ = table;
        Ok(Arc::default())
    }
}

/// Evaluates expressions without columns at planning time (constant folding, TOP (10), LIKE prefixes). Implemented by the executor.
pub trait ConstantEvaluator {
    /// `None` when the expression cannot be evaluated now or fails (then it fails at run time, if reached).
    fn evaluate(&self, expr: &Expr) -> Option<Value>;

    /// The error to end planning with when the statement was cancelled meanwhile.
    ///
    /// # Errors
    /// 3617.
    fn check_cancel(&self) -> SqlResult<()> {
        Ok(())
    }
}

/// SET options that change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BindSettings {
    pub quoted_identifier: bool,
    pub ansi_nulls: bool,
    pub ansi_warnings: bool,
    pub concat_null_yields_null: bool,
    pub arithabort: bool,
    pub numeric_roundabort: bool,
}

impl Default for BindSettings {
    fn default() -> Self {
        BindSettings {
            quoted_identifier: true,
            ansi_nulls: true,
            ansi_warnings: true,
            concat_null_yields_null: true,
            arithabort: true,
            numeric_roundabort: false,
        }
    }
}

pub struct BindContext<'a> {
    /// The current database.
    pub catalog: Arc<dyn Catalog>,
    pub default_schema: Arc<str>,
    pub names: &'a dyn NameResolver,
    pub evaluator: Option<&'a dyn ConstantEvaluator>,
    pub settings: BindSettings,
    /// Collation of variables, literals and tempdb objects: the database's for statements in it.
    pub database_collation: CollationId,
    pub server_collation: CollationId,
    /// Slots used by variables; the planner takes further ones from here.
    pub first_free_slot: u32,
    /// Workers a plan may use; 1 = no parallel plans.
    pub max_parallelism: usize,
}

impl BindContext<'_> {
    /// Asked at every node that is bound or built: planning ends when the statement is cancelled.
    pub(crate) fn check_cancel(&self) -> SqlResult<()> {
        self.evaluator.map_or(Ok(()), ConstantEvaluator::check_cancel)
    }
}
