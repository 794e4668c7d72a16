//! The project's one tool: `cargo xtask <command>`. Each command is a module; this file is only their table.
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod clients;
mod code_page_table;
mod collation_table;
mod differential;
mod fuzz;
mod random;
mod suites;
mod tidy;

use std::process::ExitCode;

/// Name, what it does, entry point (arguments after the name).
type Command = (&'static str, &'static str, fn(&[String]) -> anyhow::Result<()>);

const COMMANDS: &[Command] = &[
    (
        "ci",
        "format, lints, tidy, all tests (what CI runs); --quick leaves out real clients and long runs",
        ci::run,
    ),
    (
        "tidy",
        "project rules that no compiler checks: crate edges, file sizes, head comments, paths",
        tidy::run,
    ),
    (
        "bench",
        "speed beside cp, cat and PostgreSQL, as ratios; names and options as docs/benchmarks.md says",
        bench::run,
    ),
    (
        "code-page-table",
        "regenerates the single-byte code page table from code page files",
        code_page_table::run,
    ),
    (
        "clients",
        "real client libraries against a server with the sample database; names choose some of them",
        clients::run,
    ),
    ("fuzz", "mutates inputs of every decoder; --seconds N, --seed N, --target NAME", fuzz::run),
    ("differential", "generated queries against SQLite; --seed and --count choose them", differential::run),
    (
        "random",
        "random work against a server that is killed, compared with models; --seed, --rounds, --seconds",
        random::run,
    ),
    (
        "suites",
        "test suites of client libraries, compared with tests/suites; names choose some of them",
        suites::run,
    ),
    ("collation-table", "regenerates the sort weight table from a sort table file", collation_table::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((_, _, entry)) = COMMANDS.iter().find(|c| Some(c.0) == arguments.first().map(String::as_str))
    else {
        eprintln!("usage: cargo xtask <command>\n");
        for (name, what, _) in COMMANDS {
            eprintln!("  {name:<18} {what}");
        }
        return ExitCode::from(2);
    };
    match entry(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}
