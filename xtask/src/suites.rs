//! `cargo xtask suites [NAME …]`: the test suites that client libraries carry, run against a server, compared with what is known to
//! fail; and `sqllogictest`, the public suites of that kind (`tests/suites/sqllogictest.py`, which has a server and a list of its own).
//!
//! The suites come with the libraries' source packages and are put under `target/suites/`. `tests/suites/<name>.txt` lists the
//! tests that fail, one a line: the test's id (`*` stands for anything), then ` # ` and why.
//!
//! Invariants
//! 1. A test that fails and is not listed fails the command; so does a line of which no test fails any more.
//! 2. Versions are fixed, so that a list means the same tests everywhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::clients::{PASSWORD, Server, build};

const SQLALCHEMY: &str = "sqlalchemy==2.1.9";
const PYMSSQL: &str = "pymssql==2.4.6";

struct Suite {
    /// Name of its list.
    name: &'static str,
    package: &'static str,
    database: &'static str,
    run: fn(&Place<'_>) -> Command,
}

const SUITES: &[Suite] = &[
    Suite { name: "sqlalchemy", package: SQLALCHEMY, database: "suite_sqlalchemy", run: sqlalchemy },
    Suite { name: "pymssql", package: PYMSSQL, database: "suite_pymssql", run: pymssql },
];

struct Place<'a> {
    python: &'a Path,
    /// The unpacked source package.
    source: PathBuf,
    port: u16,
    database: &'static str,
}

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let work = root.join("target/suites");
    std::fs::create_dir_all(&work)?;
    let binary = build(root)?;
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|a| a == name);
    let mut failed = Vec::new();
    if SUITES.iter().any(|s| wanted(s.name)) {
        of_clients(root, &work, &binary, &wanted, &mut failed)?;
    }
    if wanted("sqllogictest") {
        let clients = root.join("target/clients");
        std::fs::create_dir_all(&clients)?;
        let python = crate::clients::python_environment(&clients).map_err(anyhow::Error::msg)?;
        let script = root.join("tests/suites/sqllogictest.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&binary).arg("--work").arg(work.join("sqllogictest"));
        if !command.status()?.success() {
            failed.push("sqllogictest");
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

/// The suites of client libraries, against one server.
fn of_clients(
    root: &Path,
    work: &Path,
    binary: &Path,
    wanted: &dyn Fn(&str) -> bool,
    failed: &mut Vec<&'static str>,
) -> anyhow::Result<()> {
    let python = environment(work)?;
    let mut server = Server::start(binary, work)?;
    for suite in SUITES.iter().filter(|s| wanted(s.name)) {
        let source = unpacked(work, &python, suite.package)?;
        prepare(&python, server.port, suite.database)?;
        let place = Place { python: &python, source, port: server.port, database: suite.database };
        let output = (suite.run)(&place).stdin(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        std::fs::write(work.join(format!("{}.log", suite.name)), text.as_bytes())?;
        let summary = text.lines().rev().find(|l| l.contains(" passed")).unwrap_or("no test ran").to_owned();
        let list = root.join("tests/suites").join(format!("{}.txt", suite.name));
        let complaints = compare(&failures(&text), &std::fs::read_to_string(&list)?);
        println!("{:<12} {}", suite.name, summary.trim_matches(['=', ' ']));
        for c in &complaints {
            println!("  {c}");
        }
        if !complaints.is_empty() || !text.contains(" passed") {
            failed.push(suite.name);
        }
    }
    server.stop()
}

/// Ids of the tests that failed, as pytest's short summary names them.
fn failures(text: &str) -> BTreeSet<String> {
    let summary = text.rsplit("short test summary info").next().unwrap_or(text);
    summary
        .lines()
        .filter_map(|l| {
            let rest = ["FAILED ", "ERROR ", "SUBFAILED"].iter().find_map(|p| l.strip_prefix(p))?;
            let id = rest.rsplit_once(" - ").map_or(rest, |(id, _)| id).trim();
            // The server's version stands in the names of SQLAlchemy's classes.
            Some(id.replace("_mssql+pymssql_16_0_1000_0", ""))
        })
        .collect()
}

/// What differs from the list.
fn compare(failed: &BTreeSet<String>, list: &str) -> Vec<String> {
    let known: Vec<&str> = list
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| l.split(" # ").next().unwrap_or(l).trim())
        .collect();
    let mut out: Vec<String> = failed
        .iter()
        .filter(|f| !known.iter().any(|k| matches(k, f)))
        .map(|f| format!("fails and is not listed: {f}"))
        .collect();
    let passing = known.iter().filter(|k| !failed.iter().any(|f| matches(k, f)));
    out.extend(passing.map(|k| format!("is listed and does not fail any more: {k}")));
    out
}

/// `*` stands for any characters.
fn matches(pattern: &str, id: &str) -> bool {
    let mut rest = id;
    let mut pieces = pattern.split('*').peekable();
    let Some(first) = pieces.next() else { return false };
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

fn step(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn environment(work: &Path) -> anyhow::Result<PathBuf> {
    let python = work.join("venv/bin/python");
    if !work.join("python.ready").exists() {
        step(Command::new("python3").args(["-m", "venv"]).arg(work.join("venv")))?;
        let packages = ["pytest", "pytest-timeout", "psutil", "gevent", SQLALCHEMY, PYMSSQL];
        step(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(packages),
        )?;
        std::fs::write(work.join("python.ready"), "")?;
    }
    Ok(python)
}

/// The source package of a library, with its tests.
fn unpacked(work: &Path, python: &Path, package: &str) -> anyhow::Result<PathBuf> {
    let folder = work.join(package.replace("==", "-"));
    if !folder.exists() {
        step(
            Command::new(python)
                .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"])
                .arg("--dest")
                .arg(work)
                .arg(package),
        )?;
        let archive = work.join(format!("{}.tar.gz", package.replace("==", "-")));
        step(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(work))?;
        // The tests shall meet the installed library, not its source.
        for part in ["src", "setup.py"] {
            let part = folder.join(part);
            if part.is_dir() {
                std::fs::remove_dir_all(part)?;
            } else if part.exists() {
                std::fs::remove_file(part)?;
            }
        }
    }
    Ok(folder)
}

/// A database of its own, with row versions and the schemas that SQLAlchemy's suite expects.
fn prepare(python: &Path, port: u16, database: &str) -> anyhow::Result<()> {
    let script = format!(
        "import pymssql
c = pymssql.connect(server='127.0.0.1', port={port}, user='sa', password='{PASSWORD}', autocommit=True).cursor()
c.execute('CREATE DATABASE {database}')
c.execute('ALTER DATABASE {database} SET ALLOW_SNAPSHOT_ISOLATION ON')
c.execute('ALTER DATABASE {database} SET READ_COMMITTED_SNAPSHOT ON')
c.execute('USE {database}')
c.execute('CREATE SCHEMA test_schema')
c.execute('CREATE SCHEMA test_schema_2')
"
    );
    step(Command::new(python).arg("-c").arg(script))
}

fn sqlalchemy(p: &Place<'_>) -> Command {
    let mut c = Command::new("timeout");
    let url = format!("mssql+pymssql://sa:{PASSWORD}@127.0.0.1:{}/{}", p.port, p.database);
    c.arg("1800")
        .arg(p.python)
        .args(["-m", "pytest", "--dburi", &url])
        .args(["-p", "no:logging", "-q", "-rfE", "--timeout=60", "--tb=short", "--maxfail=100000"])
        .args(["test/dialect/test_suite.py", "test/dialect/mssql"])
        .current_dir(&p.source);
    c
}

fn pymssql(p: &Place<'_>) -> Command {
    let config = format!(
        "[DEFAULT]\nserver = 127.0.0.1\nusername = sa\npassword = {PASSWORD}\ndatabase = {}\nport = {}\nipaddress = 127.0.0.1\n[suite]\nserver = 127.0.0.1\n",
        p.database, p.port
    );
    // A file that cannot be written shows as a suite in which no test ran.
    let _ = std::fs::write(p.source.join("tests/tests.cfg"), config);
    let mut c = Command::new("timeout");
    c.arg("900")
        .arg(p.python)
        .args([
            "-m",
            "pytest",
            "--pymssql-section",
            "suite",
            "-q",
            "-rfE",
            "--timeout=60",
            "--tb=short",
            "tests",
        ])
        .current_dir(&p.source);
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_complains_of_new_failures_and_of_old_lines() {
        let failed: BTreeSet<String> = ["a.py::T::one[x]", "a.py::T::two"].map(str::to_owned).into();
        assert!(compare(&failed, "a.py::T::one[*] # why\na.py::T::two # why").is_empty());
        assert_eq!(compare(&failed, "a.py::T::one[*] # why").len(), 1);
        assert_eq!(compare(&failed, "a.py::T::* # why\nb.py::gone # why").len(), 1);
    }

    #[test]
    fn ids_come_out_of_the_summary() {
        let text = "== short test summary info ==\nFAILED a.py::T::one - AssertionError: x\nERROR a.py::T_mssql+pymssql_16_0_1000_0::two\n1 failed";
        let found: Vec<String> = failures(text).into_iter().collect();
        assert_eq!(found, ["a.py::T::one", "a.py::T::two"]);
    }
}
