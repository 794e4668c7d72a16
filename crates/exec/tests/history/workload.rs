//! Random transactions of several sessions over lists in a table, and the history they make.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};
use std::thread;

use holdfast_exec::collect::Collected;
use holdfast_exec::procedure::InstanceSession;
use holdfast_exec::session::{RequestEnd, SqlSession};
use holdfast_types::Value;

use crate::checker::{Element, Key, Op, Transaction};
use crate::server::Server;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// What is to be run.
#[derive(Clone, Copy)]
pub struct Load {
    /// As SET TRANSACTION ISOLATION LEVEL names it.
    pub level: &'static str,
    /// Options of ALTER DATABASE set before, if any.
    pub option: Option<&'static str>,
    /// Lists are rows of a heap, not of a clustered index.
    pub heap: bool,
    pub threads: u32,
    /// Per thread.
    pub transactions: u32,
    pub lists: u32,
    pub seed: u64,
}

/// Result of a run.
pub struct Outcome {
    pub history: Vec<Transaction>,
    pub lists: BTreeMap<Key, Vec<Element>>,
    /// Errors by number: deadlocks, update conflicts.
    pub errors: BTreeMap<i32, usize>,
}

pub fn run(session: &mut InstanceSession, batch: &str) -> Result<Collected, i32> {
    let mut sink = Collected::new();
    let end = session.execute_batch(batch, &mut sink);
    assert_eq!(end, RequestEnd::Finished, "{batch}");
    match sink.errors().first() {
        Some(e) if matches!(e.number, 1205 | 3960) => Err(e.number),
        Some(e) => panic!("{batch}: {e}"),
        None => Ok(sink),
    }
}

fn list(text: &str) -> Vec<Element> {
    text.split(',').filter(|t| !t.is_empty()).map(|t| t.parse().unwrap()).collect()
}

fn read(session: &mut InstanceSession, key: Key) -> Result<Vec<Element>, i32> {
    let sink = run(session, &format!("select v from lists where id = {key}"))?;
    match sink.results.first().and_then(|r| r.rows.first()).and_then(|r| r.first()) {
        Some(Value::String(s)) => Ok(list(&s.to_text())),
        other => panic!("list {key}: {other:?}"),
    }
}

/// One transaction; what it did, and the error that ended it.
fn transaction(
    session: &mut InstanceSession,
    random: &mut Random,
    lists: u32,
    next: &mut Element,
) -> (Transaction, Option<i32>) {
    let mut ops = Vec::new();
    let mut body = || -> Result<bool, i32> {
        run(session, "begin transaction")?;
        for _ in 0..1 + random.below(4) {
            let key = random.below(u64::from(lists)) as Key;
            if random.below(2) == 0 {
                let read = read(session, key)?;
                ops.push(Op::Read(key, read));
            } else {
                let value = *next;
                *next += 1;
                run(session, &format!("update lists set v = v + '{value},' where id = {key}"))?;
                ops.push(Op::Append(key, value));
            }
            if random.below(4) == 0 {
                thread::yield_now();
            }
        }
        let commit = random.below(10) > 0;
        run(session, if commit { "commit" } else { "rollback" })?;
        Ok(commit)
    };
    let (committed, error) = match body() {
        Ok(committed) => (committed, None),
        Err(number) => (false, Some(number)),
    };
    if error.is_some() {
        run(session, "if @@trancount > 0 rollback").unwrap();
    }
    (Transaction { ops, committed }, error)
}

/// Runs the load over a new instance; `None` when tables cannot be made yet.
pub fn go(load: Load) -> Option<Outcome> {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(dir.path());
    let mut session = server.session("master");
    let mut set_up = |batch: &str| run(&mut session, batch).map(|_| ()).unwrap();
    set_up("create database iso");
    if let Some(option) = load.option {
        set_up(&format!("alter database iso set {option}"));
    }
    set_up("use iso");
    let key = if load.heap { "int not null" } else { "int not null primary key" };
    let table = format!("create table lists (id {key}, v varchar(4000) not null)");
    let mut sink = Collected::new();
    session.execute_batch(&table, &mut sink);
    match sink.errors().first() {
        Some(e) if e.number == 40_517 => return None,
        Some(e) => panic!("{table}: {e}"),
        None => {}
    }
    let mut set_up = |batch: &str| run(&mut session, batch).map(|_| ()).unwrap();
    for id in 0..load.lists {
        set_up(&format!("insert into lists values ({id}, '')"));
    }
    let barrier = Arc::new(Barrier::new(load.threads as usize));
    let threads: Vec<_> = (0..load.threads)
        .map(|t| {
            let mut session = server.session("iso");
            let barrier = Arc::clone(&barrier);
            let work = move || {
                let mut random = Random(load.seed.wrapping_mul(1000) + u64::from(t));
                run(&mut session, &format!("set transaction isolation level {}", load.level)).unwrap();
                let mut next = (t + 1) * 1_000_000;
                barrier.wait();
                let mut done = Vec::new();
                for _ in 0..load.transactions {
                    done.push(transaction(&mut session, &mut random, load.lists, &mut next));
                }
                done
            };
            thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap()
        })
        .collect();
    let mut outcome = Outcome { history: Vec::new(), lists: BTreeMap::new(), errors: BTreeMap::new() };
    for t in threads {
        for (transaction, error) in t.join().unwrap() {
            outcome.history.push(transaction);
            if let Some(number) = error {
                *outcome.errors.entry(number).or_default() += 1;
            }
        }
    }
    for key in 0..load.lists {
        outcome.lists.insert(key, read(&mut session, key).unwrap());
    }
    drop(session);
    assert!(server.locks.is_idle(), "locks are left after all sessions have gone");
    Some(outcome)
}
