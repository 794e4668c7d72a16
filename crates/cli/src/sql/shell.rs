//! Batches and the shell's own commands, from a script or from the keyboard.
//!
//! Invariants
//! 1. A line of a script is the shell's when it begins with `:` (or is `quit`, `exit`, `exit(…)`, `reset`); all others belong
//!    to the batch that the next GO ends.
//! 2. Scripts nest at most [`NESTED_MAX`] deep.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use holdfast_client::Connection;
use holdfast_tds::token::Token;
use holdfast_tsql::splitter::split_batches;
use holdfast_types::Value;
use holdfast_types::code_page::CodePage;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Config, Editor};

use super::complete::Names;
use super::show::Show;
use super::variables::{Variables, unquoted};

/// Deepest nesting of `:r`.
const NESTED_MAX: u32 = 16;
/// Names that completion offers.
const NAMES_QUERY: &str = "select name from sys.databases union select name from sys.schemas union \
    select name from sys.objects where is_ms_shipped = 0 union \
    select c.name from sys.columns c join sys.objects o on o.object_id = c.object_id where o.is_ms_shipped = 0";

const HELP: &str = "\
GO [n]              run the batch, n times
:r FILE             run a script
:setvar NAME VALUE  set $(NAME); without VALUE: forget it        :listvar  the variables
:out FILE           write results to FILE; :out stdout           :error FILE  the same for errors
:on error exit      stop at an error; :on error ignore: go on
:list               show the batch being written                 :reset  forget it
:timing             tell how long batches take
:exit, :quit        leave; :exit(QUERY): with the first value of QUERY as exit code";

pub struct Shell {
    connection: Connection,
    pub show: Show,
    variables: Variables,
    pub stop_on_error: bool,
    pub timing: bool,
    pub echo: bool,
    failed: bool,
    code: Option<u8>,
    /// Lines come from the keyboard.
    asking: bool,
}

/// A script in UTF-16 with its mark, in UTF-8 or, when it is neither, in Windows-1252, which is told on standard error.
pub fn decoded(name: &Path, bytes: &[u8]) -> String {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|c| unit([c[0], c[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let bytes = match bytes {
        [0xFF, 0xFE, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        other => other,
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(e) => {
            eprintln!(
                "note: {}: not UTF-8 at offset {}; it is read as Windows-1252",
                name.display(),
                e.valid_up_to()
            );
            String::from_utf16_lossy(&CodePage::WINDOWS_1252.decode(bytes))
        }
    }
}

/// A line that is the shell's: command and the rest.
fn command(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix(':') {
        let end = rest.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(rest.len());
        return Some((rest[..end].to_lowercase(), rest[end..].trim()));
    }
    let word = line.split(['(', ' ']).next().unwrap_or("").to_lowercase();
    let rest = line.get(word.len()..).unwrap_or("").trim();
    let alone = matches!(word.as_str(), "quit" | "exit" | "reset") && rest.is_empty();
    let with_query = word == "exit" && rest.starts_with('(') && rest.ends_with(')');
    (alone || with_query).then_some((word, rest))
}

impl Shell {
    pub fn new(connection: Connection, show: Show, variables: Variables) -> Self {
        Shell {
            connection,
            show,
            variables,
            stop_on_error: false,
            timing: false,
            echo: false,
            failed: false,
            code: None,
            asking: false,
        }
    }

    pub fn exit_code(&self) -> ExitCode {
        match self.code {
            Some(code) => ExitCode::from(code),
            None if self.failed && self.stop_on_error => ExitCode::from(1),
            None => ExitCode::SUCCESS,
        }
    }

    /// Runs a script; whether the shell is to end.
    pub fn script(&mut self, text: &str) -> anyhow::Result<bool> {
        let mut pending = String::new();
        self.lines(text, &mut pending, 0)?;
        if self.code.is_some() {
            return Ok(true);
        }
        self.batches(&pending)
    }

    /// Lines of a script: commands are run when they come, the rest is kept up to the next GO.
    fn lines(&mut self, text: &str, pending: &mut String, depth: u32) -> anyhow::Result<bool> {
        // The ends of lines belong to the batch: they may lie in a literal or a module's text.
        for line in text.split_inclusive('\n') {
            match command(line) {
                Some((name, rest)) => {
                    if self.command(&name, rest, pending, depth)? {
                        return Ok(true);
                    }
                }
                None => {
                    pending.push_str(line);
                    if !line.ends_with('\n') {
                        pending.push('\n');
                    }
                    if is_go(line) && ends_batch(pending) {
                        let batch = std::mem::take(pending);
                        if self.batches(&batch)? {
                            return Ok(true);
                        }
                    }
                }
            }
        }
        Ok(false)
    }

    /// Runs the batches of a text; whether the shell is to end.
    fn batches(&mut self, text: &str) -> anyhow::Result<bool> {
        let text = match self.variables.expand(text) {
            Ok(text) => text,
            Err(e) => return Ok(self.fail(&e)),
        };
        for batch in split_batches(&text) {
            for _ in 0..batch.count {
                if self.batch(batch.text)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn fail(&mut self, text: &str) -> bool {
        self.show.error(text);
        self.failed = true;
        self.stop_on_error && {
            self.code = Some(1);
            true
        }
    }

    fn batch(&mut self, text: &str) -> anyhow::Result<bool> {
        if self.echo {
            self.show.line(text.trim_end());
        }
        let start = Instant::now();
        let before = self.show.errors;
        let show = &mut self.show;
        self.connection.batch(text, &mut |token| show.token(token))?;
        self.show.end();
        if self.timing {
            let text = format!("{:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
            self.show.line(&text);
        }
        if self.show.errors > before {
            self.failed = true;
            if self.stop_on_error {
                self.code = Some(1);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Runs one command; whether the shell is to end.
    fn command(&mut self, name: &str, rest: &str, pending: &mut String, depth: u32) -> anyhow::Result<bool> {
        let rest = match self.variables.expand(rest) {
            Ok(rest) => rest,
            Err(e) => return Ok(self.fail(&e)),
        };
        let argument = unquoted(&rest);
        match name {
            "quit" => {
                self.code.get_or_insert(u8::from(self.failed && self.stop_on_error));
                return Ok(true);
            }
            "exit" => {
                let query = rest.strip_prefix('(').and_then(|q| q.strip_suffix(')'));
                // Without parentheses nothing more is run; with empty ones the batch that was being written is.
                let text = match query {
                    None => String::new(),
                    Some(query) => std::mem::take(pending) + query,
                };
                let code = self.first_value(&text)?;
                self.code.get_or_insert(code);
                return Ok(true);
            }
            "r" if depth >= NESTED_MAX => {
                return Ok(self.fail(&format!(":r is nested more than {NESTED_MAX} deep")));
            }
            "r" => match std::fs::read(argument) {
                Ok(bytes) => {
                    let text = decoded(argument.as_ref(), &bytes);
                    return self.lines(&text, pending, depth + 1);
                }
                // As in sqlcmd a script that is not there ends the shell, whatever `:on error` says; at the keyboard it does not.
                Err(e) => {
                    let ends = self.fail(&format!("{argument}: {e}"));
                    if self.asking {
                        return Ok(ends);
                    }
                    self.code.get_or_insert(1);
                    return Ok(true);
                }
            },
            "setvar" => {
                let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((&rest, ""));
                match value.trim() {
                    "" => self.variables.unset(name),
                    value => self.variables.set(name, unquoted(value)),
                }
            }
            "listvar" => {
                for (name, value) in self.variables.iter() {
                    self.show.line(&format!("{name} = \"{value}\""));
                }
            }
            "out" | "error" => {
                let errors = name == "error";
                let done = match argument.to_lowercase().as_str() {
                    "stdout" => {
                        self.show.write_to_stdout(errors);
                        Ok(())
                    }
                    "stderr" => {
                        self.show.write_to_stderr(errors);
                        Ok(())
                    }
                    _ if errors => self.show.write_errors_to(argument.as_ref()),
                    _ => self.show.write_to(argument.as_ref()),
                };
                if let Err(e) = done {
                    return Ok(self.fail(&format!("{argument}: {e}")));
                }
            }
            "on" => match rest.to_lowercase().split_whitespace().collect::<Vec<_>>().as_slice() {
                ["error", "exit"] => self.stop_on_error = true,
                ["error", "ignore"] => self.stop_on_error = false,
                _ => return Ok(self.fail(":on error exit, or :on error ignore")),
            },
            "list" => self.show.line(pending.trim_end()),
            "reset" => pending.clear(),
            "timing" => self.timing = !self.timing,
            "help" => self.show.line(HELP),
            other => return Ok(self.fail(&format!(":{other}: no such command; :help lists them"))),
        }
        Ok(false)
    }

    /// The first value of the last result of a query, as an exit code.
    fn first_value(&mut self, query: &str) -> anyhow::Result<u8> {
        if query.trim().is_empty() {
            return Ok(u8::from(self.failed && self.stop_on_error));
        }
        let (mut value, mut fresh) = (None, false);
        let show = &mut self.show;
        self.connection.batch(query, &mut |token| {
            match &token {
                Token::Columns(_) => fresh = true,
                Token::Row(row) if fresh => {
                    fresh = false;
                    value = row.first().cloned();
                }
                _ => {}
            }
            show.token(token);
        })?;
        self.show.end();
        let number = match value {
            Some(Value::TinyInt(n)) => i64::from(n),
            Some(Value::SmallInt(n)) => i64::from(n),
            Some(Value::Int(n)) => i64::from(n),
            Some(Value::BigInt(n)) => n,
            Some(Value::Bit(b)) => i64::from(b),
            // sqlcmd's -100 … -102 for no rows, no query and a failed conversion.
            Some(_) => -102,
            None => -100,
        };
        Ok(number as u8)
    }

    /// Names for the Tab key; a server that does not answer the query gives none.
    fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        let asked = self.connection.batch(NAMES_QUERY, &mut |token| {
            if let Token::Row(row) = token
                && let Some(Value::String(name)) = row.first()
            {
                names.push(name.to_text());
            }
        });
        if asked.is_err() { Vec::new() } else { names }
    }

    pub fn interactive(&mut self) -> anyhow::Result<()> {
        let config = Config::builder().history_ignore_dups(true)?.build();
        let mut editor: Editor<Names, DefaultHistory> = Editor::with_config(config)?;
        editor.set_helper(Some(Names { names: self.names() }));
        let history = std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".holdfast_history"));
        if let Some(path) = &history {
            // A first start has none.
            let _ = editor.load_history(path);
        }
        self.asking = true;
        let mut pending = String::new();
        loop {
            let number = pending.lines().count() + 1;
            match editor.readline(&format!("{number}> ")) {
                Ok(line) => {
                    if !line.trim().is_empty() {
                        let _ = editor.add_history_entry(&line);
                    }
                    if let Some(path) = &history {
                        let _ = editor.save_history(path);
                    }
                    let uses = line.trim().get(..4).is_some_and(|w| w.eq_ignore_ascii_case("use "))
                        || pending.to_lowercase().contains("use ");
                    if self.lines(&line, &mut pending, 0)? {
                        break;
                    }
                    // A command's empty line is not part of a batch.
                    if pending.trim().is_empty() {
                        pending.clear();
                        if uses && is_go(&line) {
                            let names = self.names();
                            editor.set_helper(Some(Names { names }));
                        }
                    }
                }
                Err(ReadlineError::Interrupted) => pending.clear(),
                Err(ReadlineError::Eof) => break,
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

/// Whether the GO at the end of a text ends a batch: it does not inside a string or a comment.
fn ends_batch(text: &str) -> bool {
    const MARK: &str = "\u{1}";
    let probe = format!("{text}{MARK}");
    split_batches(&probe).last().is_some_and(|b| b.text == MARK)
}

/// A line that may end a batch; the splitter decides whether it does.
fn is_go(line: &str) -> bool {
    let line = line.trim();
    line.get(..2).is_some_and(|w| w.eq_ignore_ascii_case("go"))
        && !line[2..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_batches() {
        let name = |line| command(line).map(|c| c.0);
        assert_eq!(command(":r  \"a b.sql\""), Some(("r".into(), "\"a b.sql\"")));
        assert_eq!(command(":exit(select 3)"), Some(("exit".into(), "(select 3)")));
        assert_eq!(command("EXIT (select 3)"), Some(("exit".into(), "(select 3)")));
        assert_eq!(name("quit"), Some("quit".into()));
        assert_eq!(name("reset"), Some("reset".into()));
        assert_eq!(name("quit the job"), None);
        assert_eq!(name("select 1"), None);
        assert!(ends_batch("select 'category go'\ngo\n") && ends_batch("go\n"));
        assert!(!ends_batch("select '\ngo\n") && !ends_batch("/* \nGO\n"));
        assert!(is_go("GO 5") && is_go("go") && !is_go("goto x") && !is_go("go_on"));
    }

    #[test]
    fn scripts_are_read_in_both_forms() {
        let decoded = |bytes: &[u8]| decoded(Path::new("s.sql"), bytes);
        assert_eq!(decoded(b"\xEF\xBB\xBFselect"), "select");
        assert_eq!(decoded(&[0xFF, 0xFE, b'a', 0, 0xE9, 0]), "a\u{e9}");
        assert_eq!(decoded(&[0xFE, 0xFF, 0, b'a', 0, 0xE9]), "a\u{e9}");
        assert_eq!(decoded("\u{20AC}".as_bytes()), "\u{20AC}");
        assert_eq!(decoded(b"\x80 \xE9"), "\u{20AC} \u{e9}");
    }
}
