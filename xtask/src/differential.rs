//! `cargo xtask differential [--seed N] [--count N]`: generated queries against SQLite (`tests/differential/sqlite.py`).
//! Without a seed three of them run, always the same.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "-p", "holdfast-exec", "--example", "transcript"])
        .current_dir(root)
        .status()?;
    if !built.success() {
        bail!("the transcript example does not build");
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), std::path::PathBuf::from);
    let runner = target.join("debug/examples/transcript");
    let own_seed = arguments.iter().any(|a| a == "--seed");
    let seeds: &[&str] = if own_seed { &[""] } else { &["1", "2", "3"] };
    for seed in seeds {
        let mut command = Command::new("python3");
        command.arg(root.join("tests/differential/sqlite.py")).arg(&runner).args(arguments);
        if !seed.is_empty() {
            command.args(["--seed", seed]);
        }
        if !command.status().context("python3 runs the comparison")?.success() {
            bail!("answers differ from SQLite's");
        }
    }
    Ok(())
}
