//! `holdfast serve`: Runs the server.

use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`holdfast serve` is not there yet")
}
