//! Window functions over input sorted by partition then order.
use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{PhysicalPlan, SortKey, WindowFunction};
use holdfast_types::{Batch, SqlError, SqlResult};

use crate::context::ExecContext;

pub struct Window<'p>(std::marker::PhantomData<&'p ()>);
impl<'p> Window<'p> {
    pub fn new(
        _input: &'p PhysicalPlan,
        _partition: &'p [Expr],
        _order: &'p [SortKey],
        _functions: &'p [WindowFunction],
        _ctx: &ExecContext,
    ) -> SqlResult<Self> {
        Err(SqlError::not_supported("A window function"))
    }
}
impl BatchSource for Window<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        Ok(None)
    }
}
