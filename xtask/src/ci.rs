//! `cargo xtask ci`: the one command that says whether a tree may land. Steps run in order and the first failure ends it.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

/// One step: what it is, program, arguments.
struct Step {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    /// Left out by `--quick`.
    long: bool,
}

/// A step without environment of its own.
const fn step(
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    long: bool,
) -> Step {
    Step { name, program, arguments, environment: &[], long }
}

const STEPS: &[Step] = &[
    step("format", "cargo", &["fmt", "--all", "--check"], false),
    step(
        "clippy",
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
        true,
    ),
    step("tidy", "cargo", &["xtask", "tidy"], false),
    step("tests", "cargo", &["test", "--workspace"], false),
    // More power losses than everybody's test run has.
    Step {
        name: "crashes",
        program: "cargo",
        arguments: &[
            "test",
            "-p",
            "holdfast-engine",
            "--test",
            "writing",
            "power_loss_at_any",
            "--",
            "--nocapture",
        ],
        environment: &[("HOLDFAST_CRASH_FROM", "5000"), ("HOLDFAST_CRASH_SEEDS", "15")],
        long: true,
    },
    step("differential", "cargo", &["xtask", "differential"], true),
    step("clients", "cargo", &["xtask", "clients"], true),
];

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let quick = arguments.iter().any(|a| a == "--quick");
    let mut times = Vec::new();
    for step in STEPS.iter().filter(|s| !(quick && s.long)) {
        let start = Instant::now();
        println!("== {} ==", step.name);
        let status = Command::new(step.program)
            .args(step.arguments)
            .envs(step.environment.iter().copied())
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
