//! Transactions in turn here and in PostgreSQL under pgbench, with the processor time of both servers.

use std::process::{Command, Stdio};

use anyhow::Context;

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
    if let Some(directory) = &plan.perf {
        profile(here.id(), &directory.join(format!("{what}-{clients}.perf")), || ours(plan.seconds))?;
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

/// Runs `work` once more while `perf` samples the server of this process id into a file.
fn profile(
    server: u32,
    file: &std::path::Path,
    work: impl Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<()> {
    let mut c = Command::new("perf");
    c.args(["record", "-q", "-F", "999", "--call-graph", "dwarf,16384", "-p", &server.to_string(), "-o"])
        .arg(file);
    let mut perf = c.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("perf")?;
    let done = work();
    Command::new("kill").args(["-INT", &perf.id().to_string()]).status().context("kill")?;
    perf.wait()?;
    done?;
    eprintln!("  {}", file.display());
    Ok(())
}
