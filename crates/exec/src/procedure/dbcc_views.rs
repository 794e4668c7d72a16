//! CHECKDB WITH EXTENDED_LOGICAL_CHECKS: the rows that indexed views keep against those that their queries give.
//!
//! Invariants
//! 1. Both are read in one transaction under shared locks on the tables and the view: what others have changed and not
//!    committed is waited for, as by every reader, and nothing changes between the two.
//! 2. Rows are compared as their columns' types compare; approximate numbers by ten digits, because sums of them depend on
//!    the order in which rows came.

use std::collections::HashMap;
use std::hash::Hasher;
use std::sync::Arc;

use holdfast_engine::access::{ReadContext, ReadLevel};
use holdfast_engine::transaction::Transaction;
use holdfast_tsql::ast::StatementKind;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, TypeId, Value};

use super::administration::Call;
use super::surroundings::now;
use super::unit::{Folding, Layout, Names, with_bind_context};
use crate::context::{ExecContext, QueryContext, SessionInfo};
use crate::ddl::lower::bracketed;
use crate::host::HostDatabase;
use crate::operator;
use crate::operator::sort_key::{KeyPart, encode_rows};

/// 8907 and 8908 for every indexed view of a database that is not what it should be.
pub fn check(database: &HostDatabase, call: &Call<'_>) -> SqlResult<Vec<SqlError>> {
    let Some(catalog) = database.online().stored() else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for view in catalog.indexed_views()? {
        let Some(table) = catalog.table(view)? else { continue };
        let name = format!(
            "{}.{}.{}",
            bracketed(&database.name),
            bracketed(&table.schema_name),
            bracketed(&table.name)
        );
        let (_own, read) = unchanging(call);
        let mut rows: HashMap<Vec<u8>, i64> = HashMap::new();
        count(&format!("select * from {name}"), -1, &read, call, &mut rows)?;
        count(&format!("select * from {name} with (noexpand)"), 1, &read, call, &mut rows)?;
        if rows.values().any(|n| *n > 0) {
            out.push(SqlError::new(8907, &[&table.name, &view]));
        }
        if rows.values().any(|n| *n < 0) {
            out.push(SqlError::new(8908, &[&table.name, &view]));
        }
    }
    Ok(out)
}

/// Reads tables under locks on the whole of them, in the session's transaction or in one that ends with what is given here.
pub(super) fn unchanging(call: &Call<'_>) -> (Arc<Transaction>, ReadContext) {
    let own = call.session.open_transaction().unwrap_or_else(|| call.session.new_transaction());
    let read = ReadContext {
        owner: own.owner(),
        level: ReadLevel::Serializable,
        table_lock: true,
        wait: call.session.lock_wait(),
        ..ReadContext::default()
    };
    (own, read)
}

/// Counts the rows of a query, each as `by`.
pub(super) fn count(
    text: &str,
    by: i64,
    read: &ReadContext,
    call: &Call<'_>,
    rows: &mut HashMap<Vec<u8>, i64>,
) -> SqlResult<()> {
    let batch = holdfast_tsql::parse_batch(text, &Default::default()).ok();
    let first = batch.and_then(|b| b.statements.into_iter().next()).map(|s| s.kind);
    let Some(StatementKind::Select(select)) = first else { return Err(SqlError::new(102, &[&text])) };
    let session = call.session;
    let info: Arc<dyn SessionInfo> = Arc::clone(session) as Arc<dyn SessionInfo>;
    let settings = session.state.lock().settings.clone();
    let query = QueryContext::with_parts(info, settings, now(session), session.cancel.clone(), read.clone());
    let context = ExecContext::new(Arc::new(query), Arc::new(Vec::new()));
    let (layout, tables, schema) = (Layout::default(), HashMap::new(), Arc::from("dbo"));
    let names = Names { session, layout: &layout, tables: &tables, trigger: None, schema: &schema };
    let evaluator = Folding(context.clone());
    let bound = with_bind_context(&names, &evaluator, |cx| {
        holdfast_plan::bind_query(&select.query, &select.options, cx)
    })??;
    let types: Vec<SqlType> = bound.plan.columns.iter().map(|c| c.ty).collect();
    let mut source = operator::open(&bound.plan, &context)?;
    while let Some(batch) = source.next_batch()? {
        context.check_cancel()?;
        for row in comparable(&batch, &types)? {
            let n = rows.entry(row).or_default();
            *n += by;
        }
        // Most rows are as they should be.
        if by > 0 {
            rows.retain(|_, n| *n != 0);
        }
    }
    Ok(())
}

/// Bytes above which a row is kept by its hash.
const LONG: usize = 64;

/// Rows in a form that is equal where they are; long ones, with large values in them, by 128 bits of a hash.
pub(super) fn comparable(batch: &Batch, types: &[SqlType]) -> SqlResult<Vec<Vec<u8>>> {
    let approximate = |t: &SqlType| matches!(t.id, TypeId::Float | TypeId::Real);
    let sorts = |t: &SqlType| holdfast_engine::stored::key::is_comparable(t) && !approximate(t);
    let exact: Vec<usize> = (0..types.len()).filter(|&i| sorts(&types[i])).collect();
    let parts: Vec<KeyPart> = exact.iter().map(|&i| KeyPart { ty: types[i], descending: false }).collect();
    let columns: Vec<_> = exact.iter().map(|&i| &*batch.columns[i]).collect();
    let mut out: Vec<Vec<u8>> = match parts.is_empty() {
        true => vec![Vec::new(); batch.len],
        false => encode_rows(&parts, &columns, batch.len)?.iter().map(<[u8]>::to_vec).collect(),
    };
    for (i, ty) in types.iter().enumerate().filter(|(_, t)| !sorts(t)) {
        for (n, row) in out.iter_mut().enumerate() {
            let text = match batch.columns[i].value(n, ty) {
                Value::Float(x) => format!("{x:.10e}"),
                Value::Real(x) => format!("{x:.5e}"),
                other => format!("{other:?}"),
            };
            row.extend_from_slice(&(text.len() as u64).to_be_bytes());
            row.extend_from_slice(text.as_bytes());
        }
    }
    for row in out.iter_mut().filter(|r| r.len() > LONG) {
        let half = |seed: u8| {
            let mut hasher = std::hash::DefaultHasher::new();
            hasher.write_u8(seed);
            hasher.write(row);
            hasher.finish().to_be_bytes()
        };
        *row = [half(0), half(1)].concat();
    }
    Ok(out)
}
