//! In-memory tables and hand-made plans for operator tests.
#![allow(dead_code)]

use std::sync::Arc;

use holdfast_engine::access::{BatchSource, KeyRange, ReadContext, TableAccess};
use holdfast_engine::catalog::{ColumnDef, TableDef};
use holdfast_exec::context::{ExecContext, PlainSession, QueryContext};
use holdfast_exec::operator::open;
use holdfast_exec::operator::spill::MemoryBudget;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{PhysicalOp, PhysicalPlan, PlanColumn, SortKey};
use holdfast_types::{Batch, DateTimeOffset, SqlError, SqlResult, SqlType, Value};

pub type Rows = Vec<Vec<Value>>;

/// Rows in memory, in batches of a few rows so that batch boundaries are met often.
pub struct MemoryTable {
    types: Vec<SqlType>,
    batches: Vec<Batch>,
}

struct Source {
    batches: Vec<Batch>,
    next: usize,
}

impl BatchSource for Source {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let b = self.batches.get(self.next).cloned();
        self.next += 1;
        Ok(b)
    }
}

impl TableAccess for MemoryTable {
    fn scan(&self, _read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        Ok(Box::new(Source { batches: self.batches.iter().map(|b| b.select(columns)).collect(), next: 0 }))
    }

    fn parallel_scan(
        &self,
        _read: &ReadContext,
        columns: &[usize],
        parts: usize,
    ) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        let per = self.batches.len().div_ceil(parts).max(1);
        Ok(self
            .batches
            .chunks(per)
            .map(|c| {
                let batches = c.iter().map(|b| b.select(columns)).collect();
                Box::new(Source { batches, next: 0 }) as Box<dyn BatchSource>
            })
            .collect())
    }

    fn seek(
        &self,
        _: &ReadContext,
        _: i32,
        _: KeyRange,
        _: &[usize],
        _: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        Err(SqlError::not_supported("A seek in a fixture"))
    }
}

pub fn plan(op: PhysicalOp, types: &[SqlType]) -> PhysicalPlan {
    PhysicalPlan {
        op,
        columns: types.iter().map(|&ty| PlanColumn { ty, nullable: true }).collect(),
        rows: 1.0,
        cost: 1.0,
    }
}

/// A scan of the given rows, cut into batches of `batch` rows.
pub fn table(types: &[SqlType], rows: &Rows, batch: usize) -> PhysicalPlan {
    let batches = rows.chunks(batch.max(1)).map(|c| Batch::from_rows(types, c).unwrap()).collect();
    table_of(types, batches)
}

pub fn table_of(types: &[SqlType], batches: Vec<Batch>) -> PhysicalPlan {
    let columns = types
        .iter()
        .enumerate()
        .map(|(i, &ty)| ColumnDef {
            name: Arc::from(format!("c{i}")),
            column_id: i as i32 + 1,
            ty,
            nullable: true,
            user_type: None,
            identity: None,
            is_row_guid: false,
            is_sparse: false,
            is_hidden: false,
            computed: None,
            persisted: false,
            default: None,
            typed_xml: None,
        })
        .collect();
    let def = TableDef {
        database_id: 1,
        object_id: 1,
        schema_name: Arc::from("dbo"),
        name: Arc::from("t"),
        columns,
        indexes: Vec::new(),
        statistics: Vec::new(),
        row_count: 0,
        page_count: 0,
        temporal: Default::default(),
        access: Arc::new(MemoryTable { types: types.to_vec(), batches }),
    };
    let op = PhysicalOp::TableScan {
        table: Arc::new(def),
        columns: (0..types.len()).collect(),
        predicate: None,
        parallel: true,
        partitions: Vec::new(),
        read: Default::default(),
    };
    plan(op, types)
}

pub fn col(i: usize, ty: SqlType) -> Expr {
    Expr::column(i, ty, true)
}

pub fn key(i: usize, ty: SqlType, descending: bool) -> SortKey {
    SortKey { expr: col(i, ty), descending }
}

/// A context with a memory limit in bytes and a number of workers.
pub fn context(limit: usize, workers: usize) -> ExecContext {
    let mut q = QueryContext::new(Arc::new(PlainSession), DateTimeOffset::default())
        .with_budget(MemoryBudget::new(limit, std::env::temp_dir()));
    q.workers = workers;
    ExecContext::new(Arc::new(q), Vec::new())
}

pub fn run_with(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Rows> {
    let types: Vec<SqlType> = plan.columns.iter().map(|c| c.ty).collect();
    let mut source = open(plan, ctx)?;
    let mut out = Vec::new();
    while let Some(b) = source.next_batch()? {
        for c in &b.columns {
            assert_eq!(c.len(), b.len, "column length");
        }
        for r in 0..b.len {
            out.push(b.row(r, &types));
        }
    }
    Ok(out)
}

pub fn run(plan: &PhysicalPlan) -> Rows {
    run_with(plan, &context(1 << 30, 1)).unwrap()
}

/// Rows in an order of their own, for comparing as multisets.
pub fn sorted(mut rows: Rows) -> Vec<String> {
    let mut out: Vec<String> = rows.drain(..).map(|r| format!("{r:?}")).collect();
    out.sort();
    out
}
