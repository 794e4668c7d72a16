//! `holdfast sample`: writes a small backup of Holdfast's own sample database.

use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// File to write
    #[arg(long, default_value = "sample.bak")]
    out: PathBuf,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("cannot write {}: the sample generator is not there yet", args.out.display())
}
