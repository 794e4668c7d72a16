//! Short transactions that change rows: the load of TPC-B as pgbench has it, single-row updates and inserts; every commit
//! waits for the disk on both sides.
//!
//! Both clients are compiled, both send each statement as a request of its own over prepared statements, and both begin and
//! commit with requests of their own. Tables, row widths and keys are pgbench's.

use std::time::{Duration, Instant};

use crate::holdfast::{Connection, Server};
use crate::postgres;
use crate::process::remove;
use crate::random::Random;
use crate::table::Row;
use crate::{Plan, beside};

/// Branches; a tenth of a million accounts each.
const SCALE: u32 = 10;
const ACCOUNTS: i32 = SCALE as i32 * 100_000;

const TABLES: &[&str] = &[
    "create database Bank",
    "use Bank; alter database Bank set recovery simple",
    "create table branches(bid int not null primary key, bbalance int, filler char(88))",
    "create table tellers(tid int not null primary key, bid int, tbalance int, filler char(84))",
    "create table accounts(aid int not null primary key, bid int, abalance int, filler char(84))",
    "create table history(tid int, bid int, aid int, delta int, mtime datetime2, filler char(22))",
    "insert branches select value, 0, null from generate_series(1, 10)",
    "insert tellers select value, (value - 1) / 10 + 1, 0, null from generate_series(1, 100)",
    "insert accounts select value, (value - 1) / 100000 + 1, 0, '' from generate_series(1, 1000000)",
    "checkpoint",
];

/// One kind of transaction.
#[derive(Clone, Copy)]
enum Kind {
    TpcB,
    Update,
    Insert,
    Select,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::TpcB => "TPC-B-like transaction",
            Kind::Update => "single-row update",
            Kind::Insert => "single-row insert",
            Kind::Select => "single-row select, 1 million rows",
        }
    }

    fn pgbench(self) -> String {
        let accounts = format!("\\set aid random(1, {ACCOUNTS})\n\\set delta random(-5000, 5000)\n");
        match self {
            Kind::TpcB => String::new(),
            Kind::Update => {
                accounts + "update pgbench_accounts set abalance = abalance + :delta where aid = :aid;\n"
            }
            Kind::Insert => {
                accounts
                    + "insert into pgbench_history(tid, bid, aid, delta, mtime) values (1, 1, :aid, :delta, current_timestamp);\n"
            }
            Kind::Select => accounts + "select abalance from pgbench_accounts where aid = :aid;\n",
        }
    }
}

/// Transactions per second of `clients` connections.
fn ours(port: u16, kind: Kind, clients: u64, seconds: f64) -> anyhow::Result<f64> {
    let threads: Vec<_> =
        (0..clients).map(|client| std::thread::spawn(move || one(port, kind, client, seconds))).collect();
    let mut sum = 0.0;
    for t in threads {
        sum += t.join().map_err(|_| anyhow::anyhow!("a client failed"))??;
    }
    Ok(sum)
}

fn one(port: u16, kind: Kind, client: u64, seconds: f64) -> anyhow::Result<f64> {
    let mut c = Connection::open(port, "Bank")?;
    let update =
        c.prepare("@d int, @a int", "update accounts set abalance = abalance + @d where aid = @a")?;
    let select = c.prepare("@a int", "select abalance from accounts where aid = @a")?;
    let teller = c.prepare("@d int, @t int", "update tellers set tbalance = tbalance + @d where tid = @t")?;
    let branch =
        c.prepare("@d int, @b int", "update branches set bbalance = bbalance + @d where bid = @b")?;
    let insert = c.prepare(
        "@t int, @b int, @a int, @d int",
        "insert into history(tid, bid, aid, delta, mtime) values (@t, @b, @a, @d, sysdatetime())",
    )?;
    let mut random = Random::new(client);
    let (start, end) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut done = 0u64;
    while start.elapsed() < end {
        let (a, d) = (random.below(ACCOUNTS) + 1, random.below(10_001) - 5000);
        let (b, t) = (random.below(SCALE as i32) + 1, random.below(SCALE as i32 * 10) + 1);
        match kind {
            Kind::TpcB => {
                c.begin()?;
                c.execute(update, &[d, a])?;
                c.execute(select, &[a])?;
                c.execute(teller, &[d, t])?;
                c.execute(branch, &[d, b])?;
                c.execute(insert, &[t, b, a, d])?;
                c.commit()?;
            }
            Kind::Update => {
                c.execute(update, &[d, a])?;
            }
            Kind::Insert => {
                c.execute(insert, &[1, 1, a, d])?;
            }
            Kind::Select => {
                c.execute(select, &[a])?;
            }
        }
        done += 1;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let directory = plan.work.join("tpcb");
    remove(&directory)?;
    let there = postgres::Server::start_pgbench(SCALE)?;
    let here = Server::start(&plan.holdfast, &directory, None, 2048)?;
    let mut c = Connection::open(here.port, "master")?;
    for text in TABLES {
        c.batch(text)?;
    }
    let script = plan.work.join("tpcb.sql");
    let mut rows = Vec::new();
    for kind in [Kind::TpcB, Kind::Update, Kind::Insert, Kind::Select] {
        std::fs::write(&script, kind.pgbench())?;
        let file = script.display().to_string();
        let arguments = match kind {
            Kind::TpcB => vec!["-b", "tpcb-like"],
            _ => vec!["-f", file.as_str()],
        };
        for &clients in &plan.clients {
            ours(here.port, kind, clients, 0.5)?;
            let row = beside::pgbench(plan, &here, &there, kind.name(), clients, &arguments, |seconds| {
                ours(here.port, kind, clients, seconds)
            });
            rows.push(row?);
        }
    }
    here.stop()?;
    Ok(rows)
}
