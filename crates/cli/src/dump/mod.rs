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

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
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
    let mut names = Names::default();
    for table in &tables {
        tell_left_out(table);
        let file = names.name(&full_name(table), args.format);
        // What one table cannot give must not keep the others from being written.
        if let Err(e) = dump_table(table, &file, &args) {
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

/// `schema.table`, each part in brackets where the name would not tell where one ends.
fn full_name(table: &TableDef) -> String {
    let part = |name: &str| match name.contains(['.', '[', ']']) {
        true => format!("[{}]", name.replace(']', "]]")),
        false => name.to_owned(),
    };
    format!("{}.{}", part(&table.schema_name), part(&table.name))
}

/// Columns whose values are not stored are not among the rows.
fn tell_left_out(table: &TableDef) {
    let stored = rows::stored_columns(table);
    let left: Vec<&str> = (0..table.columns.len())
        .filter(|c| !stored.contains(c))
        .filter_map(|c| table.columns.get(c))
        .map(|c| &*c.name)
        .collect();
    if !left.is_empty() {
        eprintln!("note: {}: computed and not stored, left out: {}", full_name(table), left.join(", "));
    }
}

/// Tables by name, in brackets or not; a name without schema must be unique.
fn chosen(catalog: &DatabaseCatalog, names: &[String]) -> anyhow::Result<Vec<Arc<TableDef>>> {
    let all = catalog.user_tables()?;
    names
        .iter()
        .map(|name| {
            let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
            let parsed = holdfast_tsql::parse_object_name(name).ok().filter(|n| n.database.is_none());
            let found: Vec<_> = all
                .iter()
                .filter(|t| match &parsed {
                    Some(n) => {
                        same(&t.name, &n.name.text)
                            && n.schema.as_ref().is_none_or(|s| same(&t.schema_name, &s.text))
                    }
                    // A name that has to be in brackets may come without them while it is the only one.
                    None => same(&format!("{}.{}", t.schema_name, t.name), name) || same(&t.name, name),
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

fn dump_table(table: &TableDef, file: &str, args: &Args) -> anyhow::Result<()> {
    let name = full_name(table);
    match &args.out {
        Some(dir) => {
            let path = dir.join(file);
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

/// Names of the files written so far, without case: some file systems know none.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// A name that no other table of the dump has.
    fn name(&mut self, table: &str, format: Format) -> String {
        let safe: String = table.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).collect();
        let mut stem = safe.clone();
        let mut number = 2u32;
        while !self.0.insert(stem.to_lowercase()) {
            stem = format!("{safe}~{number}");
            number += 1;
        }
        format!("{stem}.{}", format.extension())
    }
}

fn write(table: &TableDef, format: Format, out: impl Write + Send) -> anyhow::Result<u64> {
    match format {
        Format::Csv => rows::csv(table, out),
        Format::Jsonl => rows::json_lines(table, out),
        Format::Parquet => parquet::write(table, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tables_share_a_file() {
        let mut names = Names::default();
        let mut name = |table| names.name(table, Format::Csv);
        assert_eq!(name("dbo.a/b"), "dbo.a_b.csv");
        assert_eq!(name("dbo.a_b"), "dbo.a_b~2.csv");
        assert_eq!(name("dbo.A_B"), "dbo.A_B~3.csv");
        assert_eq!(name("dbo.a_b~2"), "dbo.a_b~2~2.csv");
        assert_eq!(name("dbo.c"), "dbo.c.csv");
    }
}
