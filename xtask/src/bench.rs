//! `cargo xtask bench [NAMES] [OPTIONS]`: builds the server and the measuring program with optimisation, and runs the latter.
//! What it measures and how to read it: docs/benchmarks.md.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let cargo = |first: &[&str]| {
        let mut c = Command::new("cargo");
        c.current_dir(root).args(first).args(["--quiet", "--release"]);
        c
    };
    let built = cargo(&["build"]).args(["-p", "holdfast-cli"]).status().context("cannot start cargo")?;
    if !built.success() {
        bail!("the server does not build");
    }
    let status = cargo(&["run"]).args(["-p", "holdfast-bench", "--"]).args(arguments).status()?;
    if !status.success() {
        bail!("the measurement failed; see above");
    }
    Ok(())
}
