//! The scripts of `tests/sql`: each `*.sql` has beside it an `*.out` with everything the script answers.
//!
//! `UPDATE_EXPECT=1` writes the transcripts anew (read the difference before keeping it); `HOLDFAST_SQL=text` runs only
//! scripts whose path contains the text. Those that have tables outside databases answer the same when these have no memory.

#[path = "common/transcript.rs"]
mod transcript;

use std::path::{Path, PathBuf};

fn scripts(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            scripts(&path, out);
        } else if path.extension().is_some_and(|e| e == "sql") {
            out.push(path);
        }
    }
}

/// The first line that differs, with some lines before it.
fn difference(expected: &str, found: &str) -> String {
    let (e, f): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let at = (0..e.len().max(f.len())).find(|&i| e.get(i) != f.get(i)).unwrap_or(0);
    let before = e[at.saturating_sub(4).min(e.len())..at.min(e.len())].join("\n");
    let show = |l: &[&str]| l.iter().skip(at).take(4).copied().collect::<Vec<_>>().join("\n");
    format!("line {}:\n{before}\n--- expected\n{}\n--- found\n{}", at + 1, show(&e), show(&f))
}

#[test]
fn every_script_answers_its_transcript() {
    // Deeply nested texts want the stack that the server's threads have.
    std::thread::Builder::new().stack_size(16 << 20).spawn(|| all(None)).unwrap().join().unwrap();
}

/// Leaves are tiny and read from the spill file all the time.
#[test]
fn tables_outside_databases_answer_the_same_from_a_file() {
    std::thread::Builder::new().stack_size(16 << 20).spawn(|| all(Some(0))).unwrap().join().unwrap();
}

/// Whether a script has temporary tables, table variables, cursors or triggers.
fn has_tables(script: &str) -> bool {
    let script = script.to_lowercase();
    let hash = script.split('#').skip(1).any(|s| s.starts_with(|c: char| c.is_ascii_alphanumeric()));
    hash || ["cursor", "trigger", " table (", " table(", "output"].iter().any(|word| script.contains(word))
}

fn all(temporary_memory: Option<usize>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sql");
    let filter = std::env::var("HOLDFAST_SQL").unwrap_or_default();
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut paths = Vec::new();
    scripts(&root, &mut paths);
    assert!(!paths.is_empty(), "no scripts below {}", root.display());
    paths.retain(|p| p.to_string_lossy().contains(&filter));
    let mut failures = Vec::new();
    for path in &paths {
        let script = std::fs::read_to_string(path).unwrap();
        if temporary_memory.is_some() && (update || !has_tables(&script)) {
            continue;
        }
        let Some(found) = transcript::run(&script, temporary_memory) else { continue };
        let out = path.with_extension("out");
        if update {
            std::fs::write(&out, &found).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&out).unwrap_or_default();
        if expected != found {
            failures.push(format!("{}: {}", path.display(), difference(&expected, &found)));
        }
    }
    assert!(failures.is_empty(), "{} of {} differ\n{}", failures.len(), paths.len(), failures.join("\n\n"));
}
