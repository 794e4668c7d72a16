//! How soon a server without databases is ready, and what memory it takes.

use crate::Plan;
use crate::holdfast::{Connection, Server};
use crate::process::{peak_memory, remove};
use crate::table::{Row, median};

pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let (mut first, mut again, mut memory) = (Vec::new(), Vec::new(), 0.0f64);
    for _ in 0..plan.rounds {
        let directory = plan.work.join("serve");
        remove(&directory)?;
        for seconds in [&mut first, &mut again] {
            let server = Server::start(&plan.holdfast, &directory, None, 128)?;
            seconds.push(server.ready_seconds);
            Connection::open(server.port, "master")?.batch("select @@version")?;
            memory = memory.max(peak_memory(server.id())?);
            server.stop()?;
        }
    }
    let row = |what: &str, value: f64, goal: f64, unit: &str| Row {
        what: what.to_owned(),
        peer: format!("the goal of {goal} {unit}"),
        ratio: Some(goal / value),
        cpu: None,
        goal: "≥ 1".into(),
        note: String::new(),
    };
    Ok(vec![
        row("ready, first start", median(first), 1.0, "s"),
        row("ready, later starts", median(again), 1.0, "s"),
        row("memory, no database, one query", memory, 200.0, "MiB"),
    ])
}
