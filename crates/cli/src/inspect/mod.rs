//! `holdfast inspect`: what backup and database files hold, as tables or JSON.

use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// Backup files (any mix of stripes) and data or log files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("inspect of {} files (json: {}) is not there yet", args.files.len(), args.json)
}
