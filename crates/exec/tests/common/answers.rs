//! A session of an instance in a directory, and what batches answer as lines to compare.
#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;

use holdfast_base::world::SystemClock;
use holdfast_disk::RealDisk;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::{LoginInfo, RequestEnd, SqlSession};
use holdfast_storage::PageCache;
use holdfast_types::Value;

pub fn session(dir: &Path) -> InstanceSession {
    open(&sessions(dir))
}

pub fn open(sessions: &InstanceSessions) -> InstanceSession {
    sessions.open_session(LoginInfo { login: "sa".into(), ..LoginInfo::default() }).unwrap()
}

/// Sessions of one instance.
pub fn sessions(dir: &Path) -> Arc<InstanceSessions> {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(32 << 20));
    let instance =
        Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| panic!("{m}")).unwrap();
    let host = Host::open(instance, Arc::new(SystemClock::new(0))).unwrap();
    InstanceSessions::new(host, Arc::new(InstanceAdministration))
}

pub fn text(v: &Value) -> String {
    match v {
        Value::Null => "NULL".into(),
        Value::Bit(b) => i32::from(*b).to_string(),
        Value::TinyInt(n) => n.to_string(),
        Value::SmallInt(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::String(s) => s.to_text(),
        Value::Decimal(d) => d.to_string(),
        other => format!("{other:?}"),
    }
}

/// Everything that a batch answers, on one line per item: rows `a|b`, messages `#number:text`, errors `!number:line:text`.
pub fn answers(session: &mut InstanceSession, batch: &str) -> Vec<String> {
    let mut sink = Collected::new();
    let end = session.execute_batch(batch, &mut sink);
    assert_eq!(end, RequestEnd::Finished, "{batch}");
    let mut out: Vec<String> = sink
        .results
        .iter()
        .flat_map(|r| r.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")))
        .collect();
    out.extend(sink.messages.iter().map(|m| {
        if m.severity > 10 {
            format!("!{}:{}:{}", m.number, m.line, m.message)
        } else {
            format!("#{}:{}", m.number, m.message)
        }
    }));
    out
}

#[track_caller]
pub fn check(session: &mut InstanceSession, batch: &str, expected: &[&str]) {
    let found = answers(session, batch);
    let found: Vec<String> = found.iter().map(|f| plain_names(f)).collect();
    assert_eq!(found, expected, "{batch}");
}

/// Generated names of constraints end in digits that mean nothing.
fn plain_names(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = ["PK__", "UQ__", "CK__"].iter().filter_map(|p| rest.find(p)).min() {
        let name_end = rest[at + 4..].find("__").map_or(rest.len(), |n| at + 4 + n + 2);
        out.push_str(&rest[..name_end]);
        out.push('*');
        let tail = &rest[name_end..];
        rest = &tail[tail.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(tail.len())..];
    }
    out + rest
}

/// A session in a restored copy of a sample database, called `nw`; `None` without the corpus.
pub fn sample(dir: &Path, name: &str) -> Option<InstanceSession> {
    let file = holdfast_testkit::corpus()
        .into_iter()
        .find(|f| f.column("kind") == "full" && f.name().to_lowercase().contains(name))?;
    let mut s = session(dir);
    let path = std::fs::canonicalize(&file.path).unwrap();
    let answered = answers(&mut s, &format!("restore database nw from disk = '{}'", path.display()));
    assert!(answered.iter().all(|a| a.starts_with('#')), "{answered:?}");
    answers(&mut s, "use nw");
    Some(s)
}
