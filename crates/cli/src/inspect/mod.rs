//! `holdfast inspect`: what backup and database files hold, as tables or JSON.
//!
//! Exit codes: 0 everything was read to its end, 1 something is damaged or cut short, 2 a file is unusable.

pub mod data_file;
pub mod report;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::output::outln;

#[derive(clap::Args)]
pub struct Args {
    /// Backup files (any mix of stripes and sets), data and log files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let report = report::Report::build(&args.files);
    if args.json {
        outln(&serde_json::to_string_pretty(&report)?)?;
    } else {
        outln(text::render(&report).trim_end())?;
    }
    Ok(ExitCode::from(report.exit_code()))
}
