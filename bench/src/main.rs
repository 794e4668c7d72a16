//! Side-by-side measurements: Holdfast and its peers do the same work in turn, in one run on one machine, and only ratios
//! are reported. `cargo xtask bench [NAMES] [OPTIONS]` runs it; docs/benchmarks.md says what the numbers mean.
//!
//! Invariants
//! 1. A round runs Holdfast and the peer right after each other; a ratio is taken within the round, and the table shows the
//!    median of the rounds. So what disturbs the machine for longer than a round disturbs both.
//! 2. Beside wall time stands the processor time of the server processes, which other programs on the machine hardly change.
//! 3. Whatever is started here listens on loopback, lives in the working directory, and is stopped at the end.
#![forbid(unsafe_code)]

mod beside;
mod files;
mod holdfast;
mod load;
mod log;
mod point;
mod postgres;
mod process;
mod query;
mod random;
mod serve;
mod table;
mod tpcb;
mod tpcc;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use table::Row;

/// What all measurements need to know.
pub struct Plan {
    pub holdfast: PathBuf,
    pub work: PathBuf,
    /// Order lines in the big database.
    pub rows: u64,
    pub rounds: usize,
    /// Seconds of a round of point queries.
    pub seconds: f64,
    /// Connections of the transactions.
    pub clients: Vec<u64>,
    /// Where profiles of the server under transactions go, with `perf`.
    pub perf: Option<PathBuf>,
}

type Measure = fn(&Plan) -> anyhow::Result<Vec<Row>>;

const MEASURES: &[(&str, Measure)] = &[
    ("serve", serve::measure),
    ("restore", files::restore),
    ("verify", files::verify),
    ("query", query::measure),
    ("point", point::measure),
    ("tpcb", tpcb::measure),
    ("tpcc", tpcc::measure),
    ("load", load::measure),
    ("log", log::measure),
];

const USAGE: &str =
    "usage: holdfast-bench [serve] [restore] [verify] [query] [point] [tpcb] [tpcc] [load] [log]
  --holdfast PATH   the program to measure (default: beside this one)
  --work DIR        directory for databases and servers (default: target/bench)
  --rows N          order lines in the big database, about 150 bytes of backup each (default: 8000000)
  --rounds N        rounds of each comparison (default: 5)
  --seconds N       length of a round of point queries or transactions (default: 2)
  --clients N,…     connections of the transactions (default: 1,8,32)
  --perf DIR        after the rounds of a transaction, one more under `perf record`; profiles go there";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let beside = own.parent().unwrap_or(Path::new(".")).join("holdfast");
    let mut plan = Plan {
        holdfast: beside,
        work: PathBuf::from("target/bench"),
        rows: 8_000_000,
        rounds: 5,
        seconds: 2.0,
        clients: vec![1, 8, 32],
        perf: None,
    };
    let mut chosen = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(a) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{a} wants a value"));
        match a.as_str() {
            "--holdfast" => plan.holdfast = value()?.into(),
            "--work" => plan.work = value()?.into(),
            "--rows" => plan.rows = value()?.parse()?,
            "--rounds" => plan.rounds = value()?.parse::<usize>()?.max(1),
            "--clients" => plan.clients = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--perf" => plan.perf = Some(value()?.into()),
            "--seconds" => plan.seconds = value()?.parse()?,
            name => match MEASURES.iter().find(|m| m.0 == name) {
                Some(m) => chosen.push(m),
                None => bail!("{USAGE}"),
            },
        }
    }
    if chosen.is_empty() {
        chosen.extend(MEASURES);
    }
    std::fs::create_dir_all(&plan.work)?;
    plan.work = plan.work.canonicalize()?;
    if !plan.holdfast.is_file() {
        bail!("{} is not there: cargo build --release", plan.holdfast.display());
    }
    let mut rows = Vec::new();
    for (name, measure) in chosen {
        eprintln!("{name} …");
        rows.extend(measure(&plan).with_context(|| (*name).to_owned())?);
    }
    println!("{}", table::render(&rows));
    Ok(())
}

impl Plan {
    /// The big backup, made on first use.
    pub fn backup(&self, compressed: bool) -> anyhow::Result<PathBuf> {
        let kind = if compressed { "compressed" } else { "plain" };
        let path = self.work.join(format!("big-{}-{kind}.bak", self.rows));
        if !path.exists() {
            let mut c = Command::new(&self.holdfast);
            c.arg("sample").arg("--rows").arg(self.rows.to_string()).arg("--out").arg(&path);
            if compressed {
                c.arg("--compressed");
            }
            process::finish(c)?;
        }
        Ok(path)
    }
}
