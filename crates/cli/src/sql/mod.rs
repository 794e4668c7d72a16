//! `holdfast sql`: a shell in sqlcmd's habits. Batches end with GO; `:r FILE`, `:quit`, `:help`; results as aligned tables.
//!
//! Exit codes: 0, or 1 when a query failed under -b or in `:on error exit`, 2 when there is no connection.

mod connection;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use holdfast_tsql::splitter::split_batches;
use rustyline::error::ReadlineError;

use connection::Connection;
use show::Show;

#[derive(clap::Args)]
pub struct Args {
    /// Server: host, or host,port
    #[arg(short = 'S', long, default_value = "127.0.0.1,1433")]
    server: String,
    #[arg(short = 'U', long, default_value = "sa")]
    user: String,
    /// Password; else SQLCMDPASSWORD, HOLDFAST_SA_PASSWORD or MSSQL_SA_PASSWORD
    #[arg(short = 'P', long)]
    password: Option<String>,
    #[arg(short = 'd', long, default_value = "")]
    database: String,
    /// Run this and exit
    #[arg(short = 'Q', long)]
    query: Option<String>,
    /// Run this script and exit
    #[arg(short = 'i', long)]
    input: Vec<PathBuf>,
    /// Stop at the first error, with exit code 1
    #[arg(short = 'b')]
    stop_on_error: bool,
    /// Separator between columns; cells are then not padded
    #[arg(short = 's')]
    separator: Option<String>,
    /// Tell how long each batch took
    #[arg(long)]
    timing: bool,
}

/// Deepest nesting of `:r`.
const NESTED_MAX: u32 = 16;

struct Shell {
    connection: Connection,
    show: Show,
    stop_on_error: bool,
    timing: bool,
    failed: bool,
}

/// What a line asked for.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Quit,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let from_environment = || {
        ["SQLCMDPASSWORD", "HOLDFAST_SA_PASSWORD", "MSSQL_SA_PASSWORD"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
    let password = args.password.clone().or_else(from_environment).unwrap_or_default();
    let address = address(&args.server);
    let mut show = Show::new(args.separator.clone());
    let connection =
        Connection::open(&address, &args.user, &password, &args.database, &mut |t| show.quiet(t))?;
    let mut shell =
        Shell { connection, show, stop_on_error: args.stop_on_error, timing: args.timing, failed: false };
    if let Some(query) = &args.query {
        shell.script(query, 0)?;
    } else if !args.input.is_empty() {
        for path in &args.input {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            if shell.script(&text, 0)? == Next::Quit {
                break;
            }
        }
    } else {
        shell.interactive()?;
    }
    Ok(if shell.failed && shell.stop_on_error { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// `host`, `host,port`, `tcp:host,port` as sqlcmd writes them; also `host:port`.
fn address(server: &str) -> String {
    let server = server.strip_prefix("tcp:").unwrap_or(server);
    match server.split_once(',') {
        Some((host, port)) => format!("{}:{}", host.trim(), port.trim()),
        None if server.contains(':') => server.to_owned(),
        None => format!("{server}:1433"),
    }
}

impl Shell {
    fn batch(&mut self, text: &str) -> anyhow::Result<Next> {
        if text.trim().is_empty() {
            return Ok(Next::Continue);
        }
        let start = Instant::now();
        let before = self.show.errors;
        self.connection.batch(text, &mut |token| self.show.token(token))?;
        self.show.end();
        if self.timing {
            eprintln!("{:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
        }
        if self.show.errors > before {
            self.failed = true;
            if self.stop_on_error {
                return Ok(Next::Quit);
            }
        }
        Ok(Next::Continue)
    }

    /// Runs a script: lines that begin with `:` are the shell's, the rest is batches.
    fn script(&mut self, text: &str, depth: u32) -> anyhow::Result<Next> {
        let mut pending = String::new();
        for line in text.lines() {
            if line.trim_start().starts_with(':') {
                if self.batches(&std::mem::take(&mut pending))? == Next::Quit
                    || self.directive(line.trim(), depth)? == Next::Quit
                {
                    return Ok(Next::Quit);
                }
            } else {
                pending.push_str(line);
                pending.push('\n');
            }
        }
        self.batches(&pending)
    }

    fn batches(&mut self, text: &str) -> anyhow::Result<Next> {
        for batch in split_batches(text) {
            for _ in 0..batch.count {
                if self.batch(batch.text)? == Next::Quit {
                    return Ok(Next::Quit);
                }
            }
        }
        Ok(Next::Continue)
    }

    fn directive(&mut self, line: &str, depth: u32) -> anyhow::Result<Next> {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match name.to_lowercase().as_str() {
            ":quit" | ":exit" => return Ok(Next::Quit),
            ":r" if depth >= NESTED_MAX => eprintln!(":r is nested more than {NESTED_MAX} deep"),
            ":r" => {
                let path = rest.trim().trim_matches('"');
                match std::fs::read_to_string(path) {
                    Ok(text) => return self.script(&text, depth + 1),
                    Err(e) => {
                        eprintln!("{path}: {e}");
                        self.failed = true;
                    }
                }
            }
            ":on" => self.stop_on_error = rest.to_lowercase().contains("exit"),
            ":timing" => self.timing = !self.timing,
            ":help" => println!(
                "GO [n] runs the batch (n times)   :r FILE runs a script   :on error exit|ignore   :timing   :quit"
            ),
            other => eprintln!("{other}: no such command; :help lists them"),
        }
        Ok(Next::Continue)
    }

    fn interactive(&mut self) -> anyhow::Result<()> {
        let mut editor = rustyline::DefaultEditor::new()?;
        let history = std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".holdfast_history"));
        if let Some(path) = &history {
            // A first start has none.
            let _ = editor.load_history(path);
        }
        let mut pending = String::new();
        let mut number = 1;
        loop {
            match editor.readline(&format!("{number}> ")) {
                Ok(line) => {
                    let word = line.trim().to_lowercase();
                    if pending.is_empty() && (word == "quit" || word == "exit") {
                        break;
                    }
                    let _ = editor.add_history_entry(&line);
                    if line.trim_start().starts_with(':') {
                        if self.directive(line.trim(), 0)? == Next::Quit {
                            break;
                        }
                        continue;
                    }
                    pending.push_str(&line);
                    pending.push('\n');
                    number += 1;
                    let is_go = word == "go"
                        || word.strip_prefix("go ").is_some_and(|n| n.trim().parse::<u32>().is_ok());
                    if is_go {
                        let text = std::mem::take(&mut pending);
                        number = 1;
                        if self.batches(&text)? == Next::Quit {
                            break;
                        }
                    }
                }
                Err(ReadlineError::Interrupted) => {
                    pending.clear();
                    number = 1;
                }
                Err(ReadlineError::Eof) => break,
                Err(e) => return Err(e.into()),
            }
        }
        if let Some(path) = &history {
            let _ = editor.save_history(path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn servers_are_written_as_sqlcmd_writes_them() {
        assert_eq!(address("h"), "h:1433");
        assert_eq!(address("tcp:h,99"), "h:99");
        assert_eq!(address("h:5"), "h:5");
    }
}
