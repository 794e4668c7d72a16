//! `holdfast dump`: the schema of a database as T-SQL and the rows of its tables as CSV, JSON lines or Parquet, without a
//! server.
//!
//! A backup is restored into a temporary folder first, by the same code that RESTORE runs, so that what is dumped is what a
//! restored database holds. Data files are read as they are.
//!
//! Module map: [`source`] opening the database, [`rows`] the formats.

mod parquet;
mod rows;
mod source;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::catalog::TableDef;
use holdfast_engine::script;

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Format {
    Csv,
    Jsonl,
    Parquet,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
        }
    }
}

#[derive(clap::Args)]
pub struct Args {
    /// Backups of a database in any order (all stripes; a full backup with its differential and logs), or its data files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Write the schema as a T-SQL script
    #[arg(long)]
    schema: bool,
    /// Write the rows of this table (`schema.table` or `table`); may be given several times. Without --schema and --table:
    /// the schema and all tables
    #[arg(long = "table", value_name = "S.T")]
    tables: Vec<String>,
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Folder to write to (`schema.sql`, `schema.table.csv` …); without it everything goes to standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only the backup sets at this position in their files; without it, all sets that lead to the newest state
    #[arg(long, value_name = "N")]
    set: Option<u32>,
    /// Password of the media set (backups of 2008 R2 and before)
    #[arg(long, value_name = "PASSWORD")]
    media_password: Option<String>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let database = source::open(&args.files, args.set, args.media_password.as_deref())?;
    let catalog = &database.catalog;
    let everything = !args.schema && args.tables.is_empty();
    if everything && args.out.is_none() && args.format == Format::Parquet {
        bail!("Parquet of several tables needs --out DIR");
    }
    if let Some(dir) = &args.out {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    if args.schema || everything {
        let text = script::schema(catalog)?;
        match &args.out {
            Some(dir) => std::fs::write(dir.join("schema.sql"), text).context("schema.sql")?,
            None => std::io::stdout().write_all(text.as_bytes())?,
        }
    }
    let tables = if everything { catalog.user_tables()? } else { chosen(catalog, &args.tables)? };
    let mut failed = 0;
    for table in &tables {
        // What one table cannot give must not keep the others from being written.
        if let Err(e) = dump_table(table, &args) {
            let broken_pipe = |c: &std::io::Error| c.kind() == std::io::ErrorKind::BrokenPipe;
            if e.chain().any(|c| c.downcast_ref::<std::io::Error>().is_some_and(broken_pipe)) {
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("{e:#}");
            failed += 1;
        }
    }
    if failed > 0 {
        eprintln!("{failed} of {} tables could not be written", tables.len());
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// Tables by name; a name without schema must be unique.
fn chosen(catalog: &DatabaseCatalog, names: &[String]) -> anyhow::Result<Vec<Arc<TableDef>>> {
    let all = catalog.user_tables()?;
    names
        .iter()
        .map(|name| {
            let plain = name.replace(['[', ']'], "");
            let found: Vec<_> = all
                .iter()
                .filter(|t| {
                    let full = format!("{}.{}", t.schema_name, t.name);
                    full.eq_ignore_ascii_case(&plain) || t.name.eq_ignore_ascii_case(&plain)
                })
                .collect();
            match found.as_slice() {
                [one] => Ok(Arc::clone(one)),
                [] => bail!("there is no table '{name}'"),
                _ => bail!("'{name}' is the name of several tables; say schema.table"),
            }
        })
        .collect()
}

fn dump_table(table: &TableDef, args: &Args) -> anyhow::Result<()> {
    let name = format!("{}.{}", table.schema_name, table.name);
    match &args.out {
        Some(dir) => {
            let path = dir.join(file_name(&name, args.format));
            let file = std::fs::File::create(&path).with_context(|| path.display().to_string())?;
            let count = write(table, args.format, file).inspect_err(|_| {
                // Half a table would pass for a whole one.
                let _ = std::fs::remove_file(&path);
            });
            let count = count.with_context(|| name.clone())?;
            eprintln!("{name}: {count} rows -> {}", path.display());
        }
        None => {
            write(table, args.format, std::io::stdout()).with_context(|| name)?;
        }
    }
    Ok(())
}

fn file_name(table: &str, format: Format) -> PathBuf {
    let safe: String = table.chars().map(|c| if matches!(c, '/' | '\0') { '_' } else { c }).collect();
    Path::new(&format!("{safe}.{}", format.extension())).to_owned()
}

fn write(table: &TableDef, format: Format, out: impl Write + Send) -> anyhow::Result<u64> {
    match format {
        Format::Csv => rows::csv(table, out),
        Format::Jsonl => rows::json_lines(table, out),
        Format::Parquet => parquet::write(table, out),
    }
}
