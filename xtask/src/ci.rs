//! `cargo xtask ci`: the one command that says whether a tree may land. Steps run in order and the first failure ends it.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

/// One step: what it is, program, arguments.
struct Step {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    /// Left out by `--quick`.
    long: bool,
}

const STEPS: &[Step] = &[
    Step { name: "format", program: "cargo", arguments: &["fmt", "--all", "--check"], long: false },
    Step {
        name: "clippy",
        program: "cargo",
        arguments: &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
        long: true,
    },
    Step { name: "tidy", program: "cargo", arguments: &["xtask", "tidy"], long: false },
    Step { name: "tests", program: "cargo", arguments: &["test", "--workspace"], long: false },
    Step { name: "differential", program: "cargo", arguments: &["xtask", "differential"], long: true },
    Step { name: "clients", program: "cargo", arguments: &["xtask", "clients"], long: true },
];

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let quick = arguments.iter().any(|a| a == "--quick");
    let mut times = Vec::new();
    for step in STEPS.iter().filter(|s| !(quick && s.long)) {
        let start = Instant::now();
        println!("== {} ==", step.name);
        let status = Command::new(step.program)
            .args(step.arguments)
            .status()
            .with_context(|| format!("cannot start {}", step.program))?;
        if !status.success() {
            bail!("{} failed ({status})", step.name);
        }
        times.push((step.name, start.elapsed()));
    }
    println!("== all steps passed ==");
    for (name, time) in times {
        println!("{name:<10} {:>6.1} s", time.as_secs_f64());
    }
    Ok(())
}
