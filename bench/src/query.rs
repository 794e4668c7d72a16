//! Scans, groupings and joins over a restored database, beside PostgreSQL with the same rows.
//!
//! Both have the tables in their own caches; every query is run once before it is measured, and the answers must agree.

use std::time::Instant;

use anyhow::{Context, bail};
use holdfast_types::Value;

use crate::Plan;
use crate::holdfast::{Connection, DATABASE, Server};
use crate::postgres;
use crate::process::{TICKS, cpu_ticks, remove};
use crate::table::{Row, median};

/// Name, text for both.
const QUERIES: &[(&str, &str)] = &[
    ("sum, count", "select sum(Quantity), count(*) from OrderLines"),
    ("sum of money", "select sum(UnitPrice) from OrderLines"),
    ("sum of a product", "select sum(UnitPrice * Quantity) from OrderLines"),
    ("filter", "select count(*), sum(UnitPrice) from OrderLines where Quantity > 15"),
    ("min, max, avg", "select min(UnitPrice), max(UnitPrice), avg(Discount) from OrderLines"),
    ("group by, 20 groups", "select Quantity, count(*), sum(UnitPrice) from OrderLines group by Quantity"),
    (
        "group by, 1000 groups",
        "select ProductID, sum(UnitPrice), sum(Quantity) from OrderLines group by ProductID",
    ),
    (
        "group by, 2 million groups",
        "select count(*), sum(q) from (select OrderID, sum(Quantity) q from OrderLines group by OrderID) x",
    ),
    (
        "join with 1000 rows, group by text",
        "select p.Name, sum(l.Quantity) from OrderLines l join Products p on p.ProductID = l.ProductID group by p.Name",
    ),
    (
        "join with 2 million rows",
        "select sum(l.Quantity) from OrderLines l join Orders o on o.OrderID = l.OrderID where o.Shipped is null",
    ),
    (
        "join of three tables, group by text",
        "select c.City, sum(l.UnitPrice) from OrderLines l join Orders o on o.OrderID = l.OrderID \
         join Customers c on c.CustomerID = o.CustomerID group by c.City",
    ),
];

fn number(v: &Value) -> Option<f64> {
    Some(match v {
        Value::TinyInt(x) => f64::from(*x),
        Value::SmallInt(x) => f64::from(*x),
        Value::Int(x) => f64::from(*x),
        Value::BigInt(x) => *x as f64,
        Value::Money(x) => *x as f64 / 10_000.0,
        Value::Decimal(d) => d.to_f64(),
        Value::Float(x) => *x,
        Value::Real(x) => f64::from(*x),
        _ => return None,
    })
}

/// Sums of the number columns over all rows must agree, and the numbers of rows.
fn agree(ours: &[Vec<Value>], theirs: &[String]) -> anyhow::Result<()> {
    if ours.len() != theirs.len() {
        bail!("{} rows here, {} there", ours.len(), theirs.len());
    }
    let width = ours.first().map_or(0, Vec::len);
    for column in 0..width {
        let a: Option<f64> = ours.iter().map(|r| number(&r[column])).sum();
        let Some(a) = a else { continue };
        let b: f64 = theirs
            .iter()
            .map(|r| r.split('|').nth(column).and_then(|f| f.parse::<f64>().ok()))
            .sum::<Option<f64>>()
            .context("a field that is no number")?;
        if (a - b).abs() > 1e-6 * b.abs().max(1.0) {
            bail!("column {column}: {a} here, {b} there");
        }
    }
    Ok(())
}

pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let backup = plan.backup(false)?;
    let directory = plan.work.join("query");
    remove(&directory)?;
    let theirs = postgres::Server::start(plan, &backup)?;
    let ours = Server::start(&plan.holdfast, &directory, Some(&backup), 2048)?;
    let mut connection = Connection::open(ours.port, DATABASE)?;
    let mut session = theirs.session()?;
    let mut rows = Vec::new();
    for (name, text) in QUERIES {
        let answer = connection.batch(text)?;
        agree(&answer.rows, &session.query(text)?).with_context(|| (*name).to_owned())?;
        let (mut ratios, mut here, mut there) = (Vec::new(), 0, 0);
        for _ in 0..plan.rounds {
            let (c, t) = (cpu_ticks(ours.id())?, Instant::now());
            connection.batch(text)?;
            let a = t.elapsed().as_secs_f64();
            here += cpu_ticks(ours.id())? - c;
            let (c, t) = (cpu_ticks(theirs.id)?, Instant::now());
            session.query(text)?;
            let b = t.elapsed().as_secs_f64();
            there += cpu_ticks(theirs.id)? - c;
            ratios.push(b / a);
        }
        // A few ticks say nothing.
        let cpu = (here as f64 > TICKS / 20.0).then(|| there as f64 / here as f64);
        rows.push(Row {
            what: (*name).to_owned(),
            peer: "PostgreSQL".into(),
            ratio: Some(median(ratios)),
            cpu,
            goal: "≥ 3".into(),
            note: String::new(),
        });
    }
    drop(session);
    ours.stop()?;
    Ok(rows)
}
