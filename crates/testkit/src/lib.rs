//! Shared by tests only: where the genuine corpus is, and what its manifest says.
//!
//! Invariants
//! 1. The corpus is read where it lies (`HOLDFAST_CORPUS`, default `../shared/corpus` beside the project), never copied.
//! 2. A missing corpus fails under CI (`CI=true`) and skips loudly elsewhere.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

/// One row of `manifest.tsv`, by column name.
#[derive(Clone, Debug)]
pub struct CorpusFile {
    pub path: PathBuf,
    columns: std::collections::HashMap<String, String>,
}

impl CorpusFile {
    /// A manifest column (`kind`, `db_version`, `database`, `group`, `family`, `first_lsn`, …); empty when absent.
    pub fn column(&self, name: &str) -> &str {
        self.columns.get(name).map_or("", String::as_str)
    }

    pub fn name(&self) -> &str {
        self.column("name")
    }

    pub fn read(&self) -> Vec<u8> {
        std::fs::read(&self.path).unwrap_or_else(|e| panic!("{}: {e}", self.path.display()))
    }
}

/// The folder of genuine files, or `None` (after saying so on standard error) when it is not there.
///
/// # Panics
/// Under CI, when the folder is missing.
pub fn corpus_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("HOLDFAST_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    if dir.join("manifest.tsv").is_file() {
        return Some(dir);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "the corpus is missing at {} and this is CI; set HOLDFAST_CORPUS",
        dir.display()
    );
    eprintln!("SKIPPED: no corpus at {} (set HOLDFAST_CORPUS)", dir.display());
    None
}

/// All manifest rows; empty when the corpus is missing outside CI.
pub fn corpus() -> Vec<CorpusFile> {
    let Some(dir) = corpus_dir() else { return Vec::new() };
    let text = std::fs::read_to_string(dir.join("manifest.tsv")).expect("manifest.tsv is readable");
    let mut lines = text.lines();
    let head: Vec<String> = lines.next().unwrap_or("").split('\t').map(str::to_owned).collect();
    lines
        .filter(|l| !l.is_empty())
        .map(|l| {
            let columns: std::collections::HashMap<String, String> =
                head.iter().cloned().zip(l.split('\t').map(str::to_owned)).collect();
            CorpusFile { path: dir.join(&columns["name"]), columns }
        })
        .collect()
}
