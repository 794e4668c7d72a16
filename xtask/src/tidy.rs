//! `cargo xtask tidy`: rules of the project that no compiler checks.
//!
//! Invariants checked
//! 1. Crate edges are only those listed in [`EDGES`] (ARCHITECTURE.md says why).
//! 2. Every Rust file opens with a head comment and stays below [`LINES_MAX`] lines.
//! 3. `unsafe` appears only in the crates listed in [`UNSAFE_ALLOWED`].
//! 4. No absolute path of a build machine is committed.
//! 5. No test is ignored and nothing is left unfinished by macro.
//! 6. Every message number that code raises has its text in the message table.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Allowed direct edges between the project's crates (normal dependencies; tests may also use `testkit`).
const EDGES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("testkit", &["base"]),
    ("types", &["base"]),
    ("format", &["base"]),
    ("backup", &["base"]),
    ("tsql", &["base"]),
    ("tds", &["base", "types"]),
    ("client", &["tds"]),
    ("disk", &["base"]),
    ("storage", &["base", "format", "backup", "disk"]),
    ("engine", &["base", "format", "backup", "disk", "storage", "types", "generator"]),
    ("generator", &["base", "format", "backup"]),
    ("plan", &["base", "types", "tsql", "engine"]),
    ("exec", &["base", "types", "tsql", "engine", "plan", "storage", "backup", "format", "disk"]),
    (
        "server",
        &["base", "types", "tsql", "tds", "engine", "plan", "exec", "backup", "format", "storage", "disk"],
    ),
];

/// Longest allowed Rust file, tests included.
const LINES_MAX: usize = 1200;

/// Crates that may name `unsafe`, each with its argument in the module that does.
const UNSAFE_ALLOWED: &[&str] = &["disk"];

pub fn run(_arguments: &[String]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let mut findings = Vec::new();
    edges(root, &mut findings)?;
    let mut files = Vec::new();
    for top in ["crates", "xtask", "tests", "fuzz", "bench", "docs", ".ci"] {
        collect(&root.join(top), &mut files)?;
    }
    files.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Cargo.toml"].map(|f| root.join(f)));
    let table = message_numbers(root)?;
    for file in &files {
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        text_rules(&name, &text, &mut findings);
        if name.starts_with("crates") && name.ends_with(".rs") {
            for n in raised_numbers(&text).filter(|n| !table.contains(n)) {
                findings.push(format!("{name}: message {n} is raised but is not in the message table"));
            }
        }
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing to say", files.len());
        return Ok(());
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    bail!("{} findings", findings.len())
}

/// The numbers of all rows of the message table.
fn message_numbers(root: &Path) -> anyhow::Result<std::collections::HashSet<u32>> {
    let mut out = std::collections::HashSet::new();
    for entry in std::fs::read_dir(root.join("crates/types/src/messages"))? {
        let text = std::fs::read_to_string(entry?.path())?;
        let rows = text.lines().filter_map(|l| l.trim_start().strip_prefix('(')?.split_once(','));
        out.extend(rows.filter_map(|(n, _)| n.parse::<u32>().ok()));
    }
    Ok(out)
}

/// The literal numbers given to `SqlError::new` and to the binder's `err`.
fn raised_numbers(text: &str) -> impl Iterator<Item = u32> {
    let number = |t: &str| t.trim().replace('_', "").parse::<u32>().ok();
    let plain = text.split("SqlError::new(").skip(1).map(|rest| rest.split(',').next());
    // The binder's `err(span, number, …)`.
    let with_span = text
        .split(" err(")
        .skip(1)
        .filter(|r| r.split(',').next().is_some_and(|a| a.ends_with("span")))
        .map(|rest| rest.split(',').nth(1));
    plain.chain(with_span).filter_map(move |t| number(t?))
}

fn collect(dir: &Path, out: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "node_modules" {
                collect(&path, out)?;
            }
        } else if path
            .extension()
            .is_some_and(|e| ["rs", "md", "toml", "sh", "py", "js", "java"].iter().any(|x| e == *x))
            || name == "run"
        {
            out.push(path);
        }
    }
    Ok(())
}

fn text_rules(name: &str, text: &str, findings: &mut Vec<String>) {
    for (number, line) in text.lines().enumerate() {
        let absolute = ["work", "farm", "root"].iter().any(|p| line.contains(&format!("/{p}/")));
        if absolute && name != "xtask/src/tidy.rs" {
            findings.push(format!("{name}:{}: a path of one machine", number + 1));
        }
    }
    if !name.ends_with(".rs") || name == "xtask/src/tidy.rs" {
        return;
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(format!("{name}: {lines} lines, more than {LINES_MAX}; split it by kind or phase"));
    }
    if !text.starts_with("//!") {
        findings.push(format!("{name}: no head comment"));
    }
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        for banned in ["todo!(", "unimplemented!(", "#[ignore", "dbg!("] {
            if code.contains(banned) {
                findings.push(format!("{name}:{}: {banned}", number + 1));
            }
        }
        let is_unsafe = code.contains("unsafe ") && !code.contains('"');
        if is_unsafe && !UNSAFE_ALLOWED.iter().any(|c| name.starts_with(&format!("crates/{c}/"))) {
            findings.push(format!("{name}:{}: unsafe outside {UNSAFE_ALLOWED:?}", number + 1));
        }
    }
}

/// Reads each crate's `[dependencies]` table and compares with [`EDGES`].
fn edges(root: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    for (name, allowed) in EDGES {
        let path = root.join("crates").join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line == "[dependencies]";
            }
            let Some(rest) = line.strip_prefix("holdfast-") else { continue };
            let target = rest.split([' ', '=', '.']).next().unwrap_or("");
            if inside && !allowed.contains(&target) {
                findings.push(format!("crates/{name}: edge to {target} is not in the layer map"));
            }
        }
    }
    Ok(())
}
