//! JSON functions.
use holdfast_plan::physical::TableFunction;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use crate::context::ExecContext;

pub fn open_json(
    _function: &TableFunction,
    _args: &[Value],
    _types: &[SqlType],
    _ctx: &ExecContext,
) -> SqlResult<Vec<Vec<Value>>> {
    Err(SqlError::not_supported("OPENJSON"))
}
