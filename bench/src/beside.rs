//! Transactions in turn here and in PostgreSQL under pgbench, with the processor time of both servers.

use crate::Plan;
use crate::holdfast::Server;
use crate::postgres;
use crate::process::cpu_ticks;
use crate::table::{Row, median};

/// Measures `what` with `clients` connections: `ours` runs for the seconds it is told and gives transactions per second,
/// pgbench does the same with `arguments`. Both have warmed up before.
pub fn pgbench(
    plan: &Plan,
    here: &Server,
    there: &postgres::Server,
    what: &str,
    clients: u64,
    arguments: &[&str],
    ours: impl Fn(f64) -> anyhow::Result<f64>,
) -> anyhow::Result<Row> {
    let (mut ratios, mut cpu) = (Vec::new(), Vec::new());
    for round in 0..plan.rounds {
        let c = cpu_ticks(here.id())?;
        let a = ours(plan.seconds)?;
        let own = (cpu_ticks(here.id())? - c) as f64 / (a * plan.seconds);
        let c = cpu_ticks(there.id)?;
        let b = there.pgbench(clients, plan.seconds, arguments)?;
        let other = (cpu_ticks(there.id)? - c) as f64 / (b * plan.seconds.ceil());
        eprintln!("  {what}, {clients} clients, round {round}: {a:.0} and {b:.0} a second");
        ratios.push(a / b);
        cpu.push(other / own);
    }
    Ok(Row {
        what: format!("{what}, {clients} connections"),
        peer: "PostgreSQL with pgbench".into(),
        ratio: Some(median(ratios)),
        cpu: Some(median(cpu)),
        goal: "≥ 1".into(),
        note: "processor: servers only, per transaction".into(),
    })
}
