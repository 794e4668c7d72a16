//! The one binary, `holdfast`: a thin table of subcommands. Each lives in its own module with its own argument struct and
//! a `run` that returns the process's exit code; nothing else is decided here.
//!
//! Exit codes: 0 success, 1 the subcommand ran and found something wrong, 2 it could not run.
#![forbid(unsafe_code)]

mod dump;
mod inspect;
mod output;
mod sample;
mod sequence;
mod serve;
mod sql;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Statements make many small things that live shortly (docs/decisions/0001-dependencies.md has the measurement).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "holdfast", version, about = "An open database server that restores SQL Server backups")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what backup or database files hold
    Inspect(inspect::Args),
    /// Check that backup or database files are intact
    Verify(verify::Args),
    /// Write schema and rows of a backup or database file, without a server
    Dump(dump::Args),
    /// Run the server
    Serve(serve::Args),
    /// Interactive SQL shell
    Sql(sql::Args),
    /// Make a small sample backup
    Sample(sample::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Inspect(args) => inspect::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Dump(args) => dump::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Sql(args) => sql::run(args),
        Command::Sample(args) => sample::run(args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("holdfast: {error:#}");
            ExitCode::from(2)
        }
    }
}
