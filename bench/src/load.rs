//! Bulk loads: BULK INSERT of a CSV file beside COPY of the same file into the same table; the commit waits for the disk on
//! both sides.

use std::time::Instant;

use crate::Plan;
use crate::holdfast::{Connection, Server};
use crate::postgres;
use crate::process::{finish, remove};
use crate::table::{Row, median};

/// Rows loaded at a time.
const ROWS: u64 = 1_000_000;

const OURS: &str = "create table lines(OrderLineID int not null KEY, OrderID int not null, ProductID int not null, Quantity smallint not null, UnitPrice money not null, Discount real not null, note varchar(60) null)";
const THEIRS: &str = "create table lines(orderlineid int not null KEY, orderid int not null, productid int not null, quantity smallint not null, unitprice numeric(19,4) not null, discount real not null, note varchar(60) null)";

pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let directory = plan.work.join("load");
    remove(&directory)?;
    let there = postgres::Server::start_pgbench(1)?;
    let here = Server::start(&plan.holdfast, &directory, None, 1024)?;
    let mut c = Connection::open(here.port, "master")?;
    c.batch("create database Load")?;
    c.batch("use Load; alter database Load set recovery simple")?;
    // PostgreSQL may run as another user: the file lies where it can be read.
    let file = std::env::temp_dir().join("holdfast-bench-load.csv");
    let mut text = String::new();
    for n in 1..=ROWS {
        use std::fmt::Write as _;
        let (order, product) = (n / 4 + 1, n * 7919 % 1000);
        let price = n * 31 % 100_000;
        writeln!(
            text,
            "{n},{order},{product},{},{}.{:02},0.{},line {n} of an order",
            n % 90 + 1,
            price / 100,
            price % 100,
            n % 5
        )?;
    }
    let size = text.len();
    std::fs::write(&file, text)?;
    let mut mode = std::process::Command::new("chmod");
    mode.arg("644").arg(&file);
    finish(mode)?;
    let mut session = there.session()?;
    let mut rows = Vec::new();
    for (what, key) in [("heap", ""), ("clustered primary key", "primary key")] {
        let mut ratios = Vec::new();
        for round in 0..plan.rounds {
            c.batch("use Load; if object_id('lines') is not null drop table lines; checkpoint")?;
            c.batch(&format!("use Load; {}", OURS.replace("KEY", key)))?;
            let start = Instant::now();
            c.batch(&format!(
                "use Load; bulk insert lines from '{}' with (fieldterminator = ',', rowterminator = '0x0a', tablock)",
                file.display()
            ))?;
            let own = start.elapsed().as_secs_f64();
            session.query("drop table if exists lines")?;
            session.query(&THEIRS.replace("KEY", key))?;
            session.query("checkpoint")?;
            let start = Instant::now();
            session.query(&format!("copy lines from '{}' csv", file.display()))?;
            let other = start.elapsed().as_secs_f64();
            let mb = size as f64 / 1e6;
            eprintln!("  {what}, round {round}: {:.0} and {:.0} MB a second", mb / own, mb / other);
            ratios.push(other / own);
        }
        rows.push(Row {
            what: format!("BULK INSERT of {ROWS} rows, {what}"),
            peer: "PostgreSQL's COPY".into(),
            ratio: Some(median(ratios)),
            cpu: None,
            goal: "≥ 1.5".into(),
            note: String::new(),
        });
    }
    let _ = std::fs::remove_file(&file);
    here.stop()?;
    Ok(rows)
}
