//! `holdfast dump`: Reads the schema and rows of a backup without a server.

use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`holdfast dump` is not there yet")
}
