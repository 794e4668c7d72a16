//! `cargo xtask random [--seed N] [--rounds N] [--seconds N]`: random work against a real server (`tests/random`): clients that are
//! cut off by kill -9 and compared with models of what must be there, and single statements compared with a model.
//!
//! What a run does follows from the seed, when the server dies does not: a failure names the seed, and may need more than one run to
//! come again.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let option = |name: &str, usual: &str| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|at| arguments.get(at + 1)).map_or_else(|| usual.to_owned(), Clone::clone)
    };
    let (seed, rounds, seconds) = (option("--seed", "1"), option("--rounds", "5"), option("--seconds", "30"));
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built =
        Command::new(cargo).args(["build", "--quiet", "-p", "holdfast-cli"]).current_dir(root).status()?;
    if !built.success() {
        bail!("the server does not build");
    }
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), std::path::PathBuf::from);
    let runner = target.join("debug/holdfast");
    let work = root.join("target/clients");
    std::fs::create_dir_all(&work)?;
    let python = crate::clients::python_environment(&work).map_err(anyhow::Error::msg)?;
    let tests = root.join("tests/random");
    for (script, how, count) in [("kill.py", "--rounds", &rounds), ("model.py", "--seconds", &seconds)] {
        let mut command = Command::new(&python);
        command.arg(tests.join(script)).arg(&runner).args(["--seed", &seed, how, count]);
        if !command.status().with_context(|| format!("python runs {script}"))?.success() {
            bail!("{script}: seed {seed} fails");
        }
    }
    Ok(())
}
