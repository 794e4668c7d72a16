//! Transactions of several statements in stored procedures: the five of TPC-C with their shares, over four warehouses of a tenth of the
//! customers and a fifth of the items. One request a transaction on both sides; every commit waits for the disk.
//!
//! It is like TPC-C and not TPC-C: no think times, no remote warehouses, items from the parameters, customers always by number.

use std::time::{Duration, Instant};

use crate::holdfast::{Connection, Server};
use crate::postgres;
use crate::process::remove;
use crate::random::Random;
use crate::table::Row;
use crate::{Plan, beside};

const OURS: &str = include_str!("ours.sql");
const THEIRS: &str = include_str!("theirs.sql");

const WAREHOUSES: i32 = 4;
const CUSTOMERS: i32 = 1000;
/// The last first item of an order: ten more follow, 137 apart.
const SEEDS: i32 = 18_000;

/// Procedures and their shares.
const MIX: [(&str, u32); 5] =
    [("place_order", 45), ("pay", 43), ("order_status", 4), ("deliver", 4), ("stock_level", 4)];

fn one(port: u16, client: u64, seconds: f64) -> anyhow::Result<(u64, u64)> {
    let mut c = Connection::open(port, "Wholesale")?;
    let mut handles = Vec::new();
    for (name, share) in MIX {
        let call = format!("exec {name} @w, @d, @c, @s");
        handles.push((c.prepare("@w int, @d int, @c int, @s int", &call)?, share as i32));
    }
    let mut random = Random::new(client);
    let (start, end) = (Instant::now(), Duration::from_secs_f64(seconds));
    let (mut done, mut failed) = (0, 0);
    while start.elapsed() < end {
        let mut at = random.below(100);
        let chosen = handles.iter().find(|(_, share)| {
            at -= share;
            at < 0
        });
        let Some((handle, _)) = chosen else { continue };
        let values = [
            random.below(WAREHOUSES) + 1,
            random.below(10) + 1,
            random.below(CUSTOMERS) + 1,
            random.below(SEEDS) + 1,
        ];
        match c.execute(*handle, &values) {
            Ok(_) => done += 1,
            Err(e) if e.to_string().starts_with("1205") => failed += 1,
            Err(e) => return Err(e),
        }
    }
    Ok((done, failed))
}

/// Transactions per second of `clients` connections.
fn ours(port: u16, clients: u64, seconds: f64) -> anyhow::Result<f64> {
    let start = Instant::now();
    let threads: Vec<_> =
        (0..clients).map(|client| std::thread::spawn(move || one(port, client, seconds))).collect();
    let (mut done, mut failed) = (0, 0);
    for t in threads {
        let (d, f) = t.join().map_err(|_| anyhow::anyhow!("a client failed"))??;
        (done, failed) = (done + d, failed + f);
    }
    if failed > 0 {
        eprintln!("  {failed} deadlocks beside {done} transactions");
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let directory = plan.work.join("tpcc");
    remove(&directory)?;
    let there = postgres::Server::start_script("tpcc", &plan.work.join("tpcc.sql"), THEIRS)?;
    let here = Server::start(&plan.holdfast, &directory, None, 2048)?;
    let mut c = Connection::open(here.port, "master")?;
    for batch in OURS.split("\ngo\n") {
        c.batch(batch)?;
    }
    let mut arguments = Vec::new();
    for (name, share) in MIX {
        let file = plan.work.join(format!("tpcc-{name}.sql"));
        std::fs::write(
            &file,
            format!(
                "\\set w random(1, {WAREHOUSES})\n\\set d random(1, 10)\n\\set c random(1, {CUSTOMERS})\n\\set s random(1, {SEEDS})\n\
                 select * from {name}(:w, :d, :c, :s);\n"
            ),
        )?;
        arguments.extend(["-f".to_owned(), format!("{}@{share}", file.display())]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    for &clients in &plan.clients {
        ours(here.port, clients, 0.5)?;
        let what = "TPC-C-like transactions in procedures";
        rows.push(beside::pgbench(plan, &here, &there, what, clients, &arguments, |seconds| {
            ours(here.port, clients, seconds)
        })?);
    }
    here.stop()?;
    Ok(rows)
}
