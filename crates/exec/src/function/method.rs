//! Methods of xml and CLR values.
use holdfast_plan::expr::Expr;
use holdfast_plan::function::MethodId;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType};

use crate::context::ExecContext;
use crate::expression::vector::Vector;

pub fn call(
    method: MethodId,
    _operand: &Expr,
    _args: &[Expr],
    _ty: &SqlType,
    _batch: &Batch,
    _ctx: &ExecContext,
) -> SqlResult<Vector> {
    Err(SqlError::not_supported(format!("The method {method:?}")))
}
