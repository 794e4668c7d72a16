//! The statements that the server layer answers: RESTORE, BACKUP, KILL, DBCC, SHUTDOWN and their kin.

use std::sync::Arc;

use holdfast_tsql::ast::{Expr, StatementKind};
use holdfast_types::{SqlError, SqlResult, Value};

use super::state::SharedSession;
use crate::session::ResultSink;

/// What such a statement may use.
pub struct Call<'a> {
    /// Value of a literal or variable.
    pub evaluate: &'a mut dyn FnMut(&Expr) -> SqlResult<Value>,
    pub session: &'a Arc<SharedSession>,
    pub sink: &'a mut dyn ResultSink,
}

/// Implemented by the layer that owns files and listeners.
pub trait Administration: Send + Sync {
    /// Runs the statement: result sets and informational messages go to the sink (without DONE, which the runner sends).
    /// `Ok(Some(n))` is a row count.
    ///
    /// # Errors
    /// All errors, in the order in which clients see them.
    fn run(&self, statement: &StatementKind, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
        let _ = call;
        Err(vec![SqlError::not_supported(statement.name())])
    }

    /// Answers a system procedure that is not known to the executor; `None`: no such procedure.
    fn procedure(
        &self,
        name: &str,
        arguments: &[(Option<String>, Value)],
        call: &mut Call<'_>,
    ) -> Option<Result<i32, Vec<SqlError>>> {
        let _ = (name, arguments, call);
        None
    }
}

/// Knows none of them.
#[derive(Debug, Default)]
pub struct NoAdministration;
impl Administration for NoAdministration {}
