//! FOR XML and FOR JSON.
use holdfast_plan::physical::{ForJson, ForXml, PhysicalPlan};
use holdfast_types::{SqlError, SqlResult};

use super::Source;
use crate::context::ExecContext;

pub fn open_xml<'p>(
    _input: &'p PhysicalPlan,
    _options: &'p ForXml,
    _plan: &'p PhysicalPlan,
    _ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    Err(SqlError::not_supported("FOR XML"))
}

pub fn open_json<'p>(
    _input: &'p PhysicalPlan,
    _options: &'p ForJson,
    _plan: &'p PhysicalPlan,
    _ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    Err(SqlError::not_supported("FOR JSON"))
}
