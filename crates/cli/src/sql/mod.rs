//! `holdfast sql`: The interactive shell.

use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`holdfast sql` is not there yet")
}
