//! `cargo xtask fuzz [--seconds N] [--seed N] [--target NAME]…`: mutates seeds of every decoder for a while. Built with the
//! development profile, because its arithmetic checks find what release builds pass over in silence.

use std::process::Command;

use anyhow::{Context, bail};

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let status = Command::new("cargo")
        .args(["run", "--quiet", "-p", "holdfast-fuzz", "--"])
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("fuzzing found something; see above and fuzz/findings");
    }
    Ok(())
}
