//! `holdfast sample`: writes a backup of Holdfast's own sample database, or of the same shop with as many rows as wanted.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use holdfast_generator::backup::{Options, write};
use holdfast_generator::sample;

use crate::output::{Progress, outln, size};

#[derive(clap::Args)]
pub struct Args {
    /// File to write
    #[arg(long, default_value = "harbour.bak")]
    out: PathBuf,
    /// Write a compressed backup
    #[arg(long)]
    compressed: bool,
    /// Write a backup with stream checksums
    #[arg(long)]
    checksum: bool,
    /// Make a big database with this many order lines (about 46 bytes each) instead of the sample
    #[arg(long)]
    rows: Option<u64>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let database = match args.rows {
        Some(rows) => sample::big(rows)?,
        None => sample::sample()?,
    };
    let path = args.out.display();
    let file = File::create(&args.out).with_context(|| format!("cannot create {path}"))?;
    let progress = Progress::new("sample", database.backup_extents.len() as u64 * 65_536);
    let options = Options { compressed: args.compressed, checksum: args.checksum };
    let out =
        write(&database, BufWriter::with_capacity(1 << 20, file), options, &|bytes| progress.add(bytes))?;
    progress.finish();
    let length = out.get_ref().metadata().map_or(0, |m| m.len());
    outln(&format!("{path}: backup of database {}, {}", database.identity.name, size(length)))?;
    Ok(ExitCode::SUCCESS)
}
