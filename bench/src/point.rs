//! Rows by primary key, one at a time: prepared statements over plain loopback connections.
//!
//! Holdfast's client is this program, PostgreSQL's is pgbench: both are compiled and do next to nothing themselves. The
//! comparison of Python drivers is in `scripts/point.py`, since there the drivers take most of the time.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::holdfast::{Connection, DATABASE, PASSWORD, Server};
use crate::postgres;
use crate::process::{finish, remove};
use crate::random::Random;
use crate::table::Row;
use crate::{Plan, beside};

const TEXT: &str = "select OrderLineID, OrderID, Quantity, UnitPrice from OrderLines where OrderLineID = ";

/// Queries answered within `seconds`, by `clients` connections.
fn ours(port: u16, keys: u64, clients: u64, seconds: f64) -> anyhow::Result<f64> {
    let threads: Vec<_> = (0..clients)
        .map(|client| {
            std::thread::spawn(move || -> anyhow::Result<f64> {
                let mut c = Connection::open(port, DATABASE)?;
                let handle = c.prepare("@k int", &format!("{TEXT}@k"))?;
                let mut random = Random::new(client);
                let (start, end) = (Instant::now(), Duration::from_secs_f64(seconds));
                let mut done = 0u64;
                while start.elapsed() < end {
                    let answer = c.execute(handle, &[random.below(keys as i32) + 1])?;
                    anyhow::ensure!(answer.rows.len() == 1, "a key has {} rows", answer.rows.len());
                    done += 1;
                }
                Ok(done as f64 / start.elapsed().as_secs_f64())
            })
        })
        .collect();
    let mut sum = 0.0;
    for t in threads {
        sum += t.join().map_err(|_| anyhow::anyhow!("a client failed"))??;
    }
    Ok(sum)
}

pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let backup = plan.backup(false)?;
    let directory = plan.work.join("point");
    remove(&directory)?;
    let there = postgres::Server::start(plan, &backup)?;
    let here = Server::start(&plan.holdfast, &directory, Some(&backup), 2048)?;
    let script = plan.work.join("point.sql");
    std::fs::write(&script, format!("\\set k random(1, {})\n{TEXT}:k;\n", plan.rows))?;
    let mut rows = Vec::new();
    for clients in [1, 8] {
        ours(here.port, plan.rows, clients, plan.seconds / 2.0)?;
        let file = ["-f", script.to_str().context("a path that is not text")?];
        there.pgbench(clients, 1.0, &file)?;
        rows.push(beside::pgbench(plan, &here, &there, "row by key, prepared", clients, &file, |seconds| {
            ours(here.port, plan.rows, clients, seconds)
        })?);
    }
    rows.extend(drivers(plan, &here, &there)?);
    here.stop()?;
    Ok(rows)
}

/// Python's drivers; those that are not installed are left out.
fn drivers(plan: &Plan, here: &Server, there: &postgres::Server) -> anyhow::Result<Vec<Row>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/point.py");
    let mut c = Command::new("python3");
    c.arg(script).arg(here.port.to_string()).arg(PASSWORD).arg(there.port.to_string());
    c.arg(plan.rows.to_string()).arg(plan.rounds.to_string());
    let mut rows = Vec::new();
    for line in finish(c)?.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        if let [ours, theirs, ratio] = fields[..] {
            rows.push(Row {
                what: format!("row by key, {ours}"),
                peer: format!("PostgreSQL with {theirs}"),
                ratio: Some(ratio.parse()?),
                cpu: None,
                goal: "≥ 1".into(),
                note: "drivers included, their default settings".into(),
            });
        } else {
            eprintln!("{line}");
        }
    }
    Ok(rows)
}
