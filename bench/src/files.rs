//! Restore beside copying the file, and verify beside reading it.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Plan;
use crate::holdfast::Server;
use crate::process::{TICKS, cpu_ticks, finish, peak_memory, remove, sync_file, timed};
use crate::table::{Row, median};

pub fn restore(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let directory = plan.work.join("restore");
    let copy = plan.work.join("copy.bak");
    let plain = plan.backup(false)?;
    let bytes = std::fs::metadata(&plain)?.len() as f64;
    let warm = |file: &std::path::Path| timed_cat(file).map(drop);
    let (mut ratios, mut cpu, mut memory) = (Vec::new(), Vec::new(), 0.0f64);
    for _ in 0..plan.rounds {
        remove(&copy)?;
        remove(&directory)?;
        warm(&plain)?;
        finish(Command::new("sync"))?;
        let start = Instant::now();
        let mut c = Command::new("cp");
        finish({
            c.arg(&plain).arg(&copy);
            c
        })?;
        sync_file(&copy)?;
        let copied = start.elapsed().as_secs_f64();
        remove(&copy)?;
        finish(Command::new("sync"))?;
        let server = Server::start(&plan.holdfast, &directory, Some(&plain), 128)?;
        ratios.push(copied / server.ready_seconds);
        memory = memory.max(peak_memory(server.id())?);
        server.stop()?;
    }
    let note = format!("start of the server included; peak memory {memory:.0} MiB");
    rows.push(Row {
        what: "restore of an uncompressed set".into(),
        peer: "cp and fsync".into(),
        ratio: Some(median(std::mem::take(&mut ratios))),
        cpu: None,
        goal: "≥ 0.77".into(),
        note,
    });
    let compressed = plan.backup(true)?;
    memory = 0.0;
    for _ in 0..plan.rounds {
        remove(&directory)?;
        warm(&compressed)?;
        finish(Command::new("sync"))?;
        let server = Server::start(&plan.holdfast, &directory, Some(&compressed), 128)?;
        let cores = std::thread::available_parallelism()?.get() as f64;
        ratios.push(bytes / server.ready_seconds / cores / 300e6);
        cpu.push(bytes / (cpu_ticks(server.id())? as f64 / TICKS) / 300e6);
        memory = memory.max(peak_memory(server.id())?);
        server.stop()?;
    }
    remove(&directory)?;
    rows.push(Row {
        what: "restore of a compressed set".into(),
        peer: "300 MB/s of output per core".into(),
        ratio: Some(median(ratios)),
        cpu: Some(median(cpu)),
        goal: "≥ 1".into(),
        note: format!("fsync included; peak memory {memory:.0} MiB"),
    });
    Ok(rows)
}

fn timed_cat(file: &std::path::Path) -> anyhow::Result<f64> {
    let mut c = Command::new("sh");
    c.args(["-c", "cat \"$0\" > /dev/null"]).arg(file).stderr(Stdio::inherit());
    timed(c)
}

pub fn verify(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let plain = plan.backup(false)?;
    let mut rows = Vec::new();
    for (mode, what) in
        [(None, "verify"), (Some("--quick"), "verify --quick"), (Some("--deep"), "verify --deep")]
    {
        let mut ratios = Vec::new();
        timed_cat(&plain)?;
        for _ in 0..plan.rounds {
            let cat = timed_cat(&plain)?;
            let mut c = Command::new(&plan.holdfast);
            c.arg("verify").args(mode).arg(&plain);
            ratios.push(cat / timed(c)?);
        }
        rows.push(Row {
            what: format!("{what} of an uncompressed set"),
            peer: "cat to /dev/null".into(),
            ratio: Some(median(ratios)),
            cpu: None,
            goal: if mode == Some("--deep") { "–" } else { "≥ 0.70" }.into(),
            note: "from the page cache".into(),
        });
    }
    Ok(rows)
}
