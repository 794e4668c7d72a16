//! Measures scan, aggregation and join over rows in memory: `cargo run --release -p holdfast-exec --example operator_speed -- [rows]`.
//! The same queries in PostgreSQL are in the comments; storage cost is not part of this measurement.
#![allow(missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::Instant;

use common::{col, context, plan, table_of};
use holdfast_exec::context::ExecContext;
use holdfast_exec::operator::open;
use holdfast_plan::expr::{CompareOp, Expr};
use holdfast_plan::function::AggregateId;
use holdfast_plan::physical::{Aggregate, AggregateStrategy, JoinKind, PhysicalOp, PhysicalPlan};
use holdfast_types::batch::VarColumn;
use holdfast_types::{Batch, CollationId, Column, ColumnData, SqlType, Value};

const TEXT: SqlType = SqlType::nvarchar(20, CollationId::SERVER_DEFAULT);
const AMOUNT: SqlType = SqlType::decimal(12, 2);

/// id int, key int (1000 values), amount decimal(12,2), name nvarchar (50 values), value float.
fn fact(rows: usize) -> PhysicalPlan {
    let types = [SqlType::INT, SqlType::INT, AMOUNT, TEXT, SqlType::FLOAT];
    let mut batches = Vec::new();
    let mut at = 0;
    while at < rows {
        let n = 4096.min(rows - at);
        let ids: Vec<i32> = (at..at + n).map(|i| i as i32).collect();
        let mut names = VarColumn::with_capacity(n, 10);
        for i in &ids {
            let s: Vec<u16> = format!("customer {:02}", i.wrapping_mul(7919) % 50).encode_utf16().collect();
            names.push(&s);
        }
        let columns = vec![
            Column::new(ColumnData::I32(ids.clone())),
            Column::new(ColumnData::I32(ids.iter().map(|i| (i.wrapping_mul(31) & 0xffff) % 1000).collect())),
            Column::new(ColumnData::Decimal(ids.iter().map(|&i| i128::from(i % 10_000)).collect())),
            Column::new(ColumnData::Utf16(names)),
            Column::new(ColumnData::F64(ids.iter().map(|&i| f64::from(i) * 0.5).collect())),
        ];
        batches.push(Batch { len: n, columns: columns.into_iter().map(Arc::new).collect() });
        at += n;
    }
    table_of(&types, batches)
}

/// key int (1000 rows), region int.
fn dimension() -> PhysicalPlan {
    let keys: Vec<i32> = (0..1000).collect();
    let regions: Vec<i32> = keys.iter().map(|k| k % 7).collect();
    let batch =
        Batch::from_columns(vec![Column::new(ColumnData::I32(keys)), Column::new(ColumnData::I32(regions))]);
    table_of(&[SqlType::INT, SqlType::INT], vec![batch])
}

fn sum(i: usize, from: SqlType, ty: SqlType) -> Aggregate {
    Aggregate {
        function: AggregateId::Sum,
        argument: Some(col(i, from)),
        argument2: None,
        distinct: false,
        order: Vec::new(),
        ty,
        nullable: true,
    }
}

fn count() -> Aggregate {
    Aggregate { function: AggregateId::CountBig, argument: None, ..sum(0, SqlType::INT, SqlType::BIGINT) }
}

fn group(input: PhysicalPlan, keys: Vec<Expr>, aggregates: Vec<Aggregate>) -> PhysicalPlan {
    let types: Vec<SqlType> = keys.iter().map(|k| k.ty).chain(aggregates.iter().map(|a| a.ty)).collect();
    let op = PhysicalOp::Aggregate {
        input: Box::new(input),
        strategy: AggregateStrategy::Hash,
        group: keys,
        aggregates,
        grouping_sets: None,
        parallel: true,
    };
    plan(op, &types)
}

fn measure(name: &str, plan: &PhysicalPlan, ctx: &ExecContext) {
    let mut best = f64::MAX;
    let mut rows = 0;
    for _ in 0..3 {
        let start = Instant::now();
        let mut source = open(plan, ctx).expect("open");
        rows = 0;
        while let Some(b) = source.next_batch().expect("run") {
            rows += b.len;
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<58} {:>8.1} ms  {rows} rows", best * 1000.0);
}

fn main() {
    let n: usize = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(5_000_000);
    let t = fact(n);
    let ctx = context(1 << 30, 2);
    let wide = SqlType::decimal(38, 2);
    measure(
        "select sum(value), count(*) from t",
        &group(t.clone(), vec![], vec![sum(4, SqlType::FLOAT, SqlType::FLOAT), count()]),
        &ctx,
    );
    measure(
        "select key, sum(amount), count(*) from t group by key",
        &group(t.clone(), vec![col(1, SqlType::INT)], vec![sum(2, AMOUNT, wide), count()]),
        &ctx,
    );
    measure(
        "select name, sum(value) from t group by name",
        &group(t.clone(), vec![col(3, TEXT)], vec![sum(4, SqlType::FLOAT, SqlType::FLOAT)]),
        &ctx,
    );
    let filtered = plan(
        PhysicalOp::Filter {
            input: Box::new(t.clone()),
            predicate: Expr::compare(
                CompareOp::Less,
                col(0, SqlType::INT),
                Expr::literal(Value::Int((n / 2) as i32), SqlType::INT),
            ),
        },
        &[SqlType::INT, SqlType::INT, AMOUNT, TEXT, SqlType::FLOAT],
    );
    measure(
        "select count(*), sum(amount) from t where id < n/2",
        &group(filtered, vec![], vec![sum(2, AMOUNT, wide), count()]),
        &ctx,
    );
    let join = plan(
        PhysicalOp::HashJoin {
            kind: JoinKind::Inner,
            left: Box::new(t.clone()),
            right: Box::new(dimension()),
            left_keys: vec![col(1, SqlType::INT)],
            right_keys: vec![col(0, SqlType::INT)],
            null_equal: vec![false],
            residual: None,
        },
        &[SqlType::INT, SqlType::INT, AMOUNT, TEXT, SqlType::FLOAT, SqlType::INT, SqlType::INT],
    );
    measure(
        "select d.region, sum(t.amount) from t join d on … group by",
        &group(join, vec![col(6, SqlType::INT)], vec![sum(2, AMOUNT, wide)]),
        &ctx,
    );
    measure(
        "select id, count(*) from t group by id",
        &group(t, vec![col(0, SqlType::INT)], vec![count()]),
        &ctx,
    );
}
