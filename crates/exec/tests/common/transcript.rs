//! Runs a T-SQL script as a client would see it and writes down everything it answers, in order.
//!
//! Form, per batch: `-- batch at line N`; per result set one line `name type|…`, one line per row, `(n rows)`; errors as
//! `Msg n, Level n, State n[, Procedure p], Line n` with the text below; informational messages as their text.
//! A batch whose first line is `-- as LOGIN` runs in that login's session, `-- as LOGIN in DATABASE` in a new one.
//! A first line `-- restore: PREFIX as NAME` (several allowed) restores a corpus file and, for the last one, uses it.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use holdfast_base::world::SystemClock;
use holdfast_disk::RealDisk;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::{
    ColumnOrigin, Done, EnvironmentChange, LoginInfo, Origins, RequestEnd, ResultColumn, ResultSink,
    SinkResult, SqlSession,
};
use holdfast_storage::PageCache;
use holdfast_tsql::splitter::split_batches;
use holdfast_types::conversion::canonical_text;
use holdfast_types::{Batch, SqlError, SqlType, Value};

/// A sink that writes the transcript.
#[derive(Default)]
pub struct Transcript {
    pub text: String,
    columns: Vec<ResultColumn>,
    rows: u64,
    open: bool,
    /// The current statement sent rows: their count is written already.
    counted: bool,
}

/// Line breaks inside a value would look like rows.
fn on_one_line(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\r', "\\r").replace('\n', "\\n")
}

impl Transcript {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end_matches(['\n', '\r']));
        self.text.push('\n');
    }

    fn end_rows(&mut self) {
        if self.open {
            self.open = false;
            let _ = writeln!(self.text, "({} row{})", self.rows, if self.rows == 1 { "" } else { "s" });
        }
    }
}

impl ResultSink for Transcript {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        self.end_rows();
        let head: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, c.ty)).collect();
        self.line(&head.join("|"));
        self.columns = columns.to_vec();
        self.rows = 0;
        self.open = true;
        self.counted = true;
        Ok(())
    }

    fn origins(&mut self, origins: &Origins) -> SinkResult {
        let of = |c: &ColumnOrigin| {
            let table = c.table.checked_sub(1).and_then(|n| origins.tables.get(n));
            let table = table.map_or("-".to_owned(), |parts| parts.join("."));
            let (key, hidden) = (if c.key { " key" } else { "" }, if c.hidden { " hidden" } else { "" });
            let name = c.base_name.as_deref().map(|n| format!(" as {n}")).unwrap_or_default();
            format!("{table}{name}{key}{hidden}")
        };
        let all: Vec<String> = origins.columns.iter().map(of).collect();
        self.line(&format!("from {}", all.join("|")));
        Ok(())
    }

    fn rows(&mut self, batch: &Batch) -> SinkResult {
        for row in 0..batch.len {
            let cells: Vec<String> = self
                .columns
                .iter()
                .zip(&batch.columns)
                .map(|(c, data)| match canonical_text(&data.value(row, &c.ty), &c.ty) {
                    Some(text) => on_one_line(&text),
                    None => "NULL".to_owned(),
                })
                .collect();
            self.text.push_str(&cells.join("|"));
            self.text.push('\n');
        }
        self.rows += batch.len as u64;
        Ok(())
    }

    fn done(&mut self, done: Done) -> SinkResult {
        self.end_rows();
        if let (false, Some(n)) = (std::mem::take(&mut self.counted), done.rows) {
            let _ = writeln!(self.text, "({n} affected)");
        }
        Ok(())
    }

    fn message(&mut self, m: &SqlError) -> SinkResult {
        self.end_rows();
        if m.severity > 10 {
            let procedure =
                if m.procedure.is_empty() { String::new() } else { format!(", Procedure {}", m.procedure) };
            let head = format!(
                "Msg {}, Level {}, State {}{procedure}, Line {}",
                m.number, m.severity, m.state, m.line
            );
            self.line(&head);
        }
        self.line(&m.message.clone());
        Ok(())
    }

    fn environment(&mut self, _: EnvironmentChange) -> SinkResult {
        Ok(())
    }

    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }

    fn return_value(&mut self, _: u16, name: &str, ty: &SqlType, value: &Value) -> SinkResult {
        let text = canonical_text(value, ty).unwrap_or_else(|| "NULL".into());
        self.line(&format!("{name} = {text}"));
        Ok(())
    }

    fn flush(&mut self) -> SinkResult {
        Ok(())
    }
}

/// Sessions of a new instance in `dir`. With `temporary_memory` tables outside databases may have so many bytes of memory, and tiny
/// leaves.
pub fn sessions(dir: &Path, temporary_memory: Option<usize>) -> Arc<InstanceSessions> {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(64 << 20));
    let instance =
        Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| panic!("{m}")).unwrap();
    let host = Host::open(instance, Arc::new(SystemClock::new(0))).unwrap();
    if let Some(bytes) = temporary_memory {
        host.temporary_rows.set_limit(bytes);
        host.temporary_rows.set_leaf_bytes(48);
    }
    InstanceSessions::new(host, Arc::new(InstanceAdministration))
}

pub fn login(name: &str, database: &str) -> LoginInfo {
    LoginInfo { login: name.into(), database: database.into(), ..LoginInfo::default() }
}

/// Restores the corpus file whose name begins with `prefix`; false when there is no corpus.
pub fn restore(session: &mut InstanceSession, prefix: &str, name: &str) -> bool {
    let files = holdfast_testkit::corpus();
    if files.is_empty() {
        return false;
    }
    let file = files.iter().find(|f| f.name().starts_with(prefix));
    let path = &file.unwrap_or_else(|| panic!("no corpus file begins with {prefix}")).path;
    let path = std::fs::canonicalize(path).unwrap();
    let mut sink = Collected::new();
    session.execute_batch(&format!("restore database [{name}] from disk = '{}'", path.display()), &mut sink);
    assert!(sink.errors().is_empty(), "{prefix}: {:?}", sink.errors());
    true
}

/// `-- as LOGIN [in DATABASE]` at the top of a batch.
fn who(batch: &str) -> Option<(&str, &str)> {
    let rest = batch.trim_start().lines().next()?.strip_prefix("-- as ")?.trim();
    Some(rest.split_once(" in ").unwrap_or((rest, "")))
}

/// The transcript of a script, see [`sessions`]; `None` when it needs the corpus and there is none.
pub fn run(script: &str, temporary_memory: Option<usize>) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let factory = sessions(dir.path(), temporary_memory);
    let mut session = factory.open_session(login("sa", "")).unwrap();
    for line in script.lines().take_while(|l| l.starts_with("-- ")) {
        let Some(rest) = line.strip_prefix("-- restore: ") else { continue };
        let (prefix, name) = rest.split_once(" as ").expect("-- restore: PREFIX as NAME");
        if !restore(&mut session, prefix.trim(), name.trim()) {
            return None;
        }
        session.execute_batch(&format!("use [{}]", name.trim()), &mut Collected::new());
    }
    let mut open: HashMap<String, InstanceSession> = HashMap::from([("sa".to_owned(), session)]);
    let mut out = Transcript::default();
    for batch in split_batches(script) {
        let (name, database) = who(batch.text).unwrap_or(("sa", ""));
        for _ in 0..batch.count {
            let _ = write!(out.text, "-- batch at line {}", batch.line);
            let _ = if name == "sa" { writeln!(out.text) } else { writeln!(out.text, " as {name}") };
            // A login that names its database logs in anew.
            if !database.is_empty() || !open.contains_key(name) {
                open.remove(name);
                match factory.open_session(login(name, database)) {
                    Ok(session) => open.insert(name.to_owned(), session),
                    Err(e) => {
                        let _ = out.message(&e);
                        continue;
                    }
                };
            }
            let session = open.get_mut(name).unwrap();
            // A panic is a finding of its own; the batches after it are still worth seeing.
            let ran = || session.execute_batch(batch.text, &mut out);
            let Ok(end) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ran)) else {
                out.line("PANIC");
                continue;
            };
            out.end_rows();
            if end != RequestEnd::Finished {
                let _ = writeln!(out.text, "{end:?}");
                return Some(out.text);
            }
        }
    }
    Some(out.text)
}
