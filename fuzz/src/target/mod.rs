//! The targets by what they read: backup files, databases and pages, logs, values, protocol and language.

pub mod backup;
pub mod database;
pub mod log;
pub mod value;
pub mod wire;

use holdfast_testkit::CorpusFile;

/// Corpus files that `wanted` takes, smallest first, at most `count`; empty without a corpus.
fn corpus_files(count: usize, wanted: impl Fn(&CorpusFile) -> bool) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = holdfast_testkit::corpus().into_iter().filter(wanted).collect();
    files.sort_by_key(|f| f.path.metadata().map_or(0, |m| m.len()));
    files.into_iter().take(count).map(|f| (f.name().to_owned(), f.read())).collect()
}
