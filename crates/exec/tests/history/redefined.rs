//! Rows of a table change while the table itself does: indexes come, go and are rebuilt, columns are added. No statement may work on
//! with a definition that is not the table's any more: every index equals its table in the end, and no statement fails for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use holdfast_exec::collect::Collected;
use holdfast_exec::procedure::InstanceSession;
use holdfast_exec::session::SqlSession;

use crate::server::Server;
use crate::workload::{Random, run};

/// Numbers of the errors of a batch.
pub fn errors(session: &mut InstanceSession, batch: &str) -> Vec<(i32, String)> {
    let mut sink = Collected::new();
    session.execute_batch(batch, &mut sink);
    sink.errors().iter().map(|e| (e.number, e.message.to_string())).collect()
}

const DEFINITIONS: [&str; 8] = [
    "create index n on t (g) include (v)",
    "alter index all on t rebuild",
    "drop index n on t",
    "alter table t add extra int null",
    "alter table t rebuild with (data_compression = row)",
    "alter table t drop column extra",
    "create unique index u on t (g, id)",
    "drop index u on t",
];

/// Runs `statements` per session beside definitions that go on as long; gives how often the table was defined anew.
pub fn go(statements: u32, seed: u64) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(dir.path());
    let mut session = server.session("master");
    run(&mut session, "create database d").unwrap();
    run(&mut session, "use d").unwrap();
    run(&mut session, "create table t (id int primary key, g int, v varchar(100))").unwrap();
    run(&mut session, "insert t select value, value % 10, 'v' from generate_series(1, 300)").unwrap();
    let threads = 3u64;
    let (barrier, over) = (Arc::new(Barrier::new(threads as usize + 1)), Arc::new(AtomicBool::new(false)));
    let workers: Vec<_> = (0..threads)
        .map(|t| {
            let mut session = server.session("d");
            let barrier = Arc::clone(&barrier);
            let work = move || {
                let mut random = Random(seed.wrapping_mul(1000) + t);
                barrier.wait();
                for _ in 0..statements {
                    let (id, g) = (random.below(600), random.below(20));
                    let batch = match random.below(5) {
                        0 => format!("insert t (id, g, v) select {id}, {g}, 'new' where not exists (select * from t where id = {id})"),
                        1 => format!("update t set g = {g}, v = replicate('w', {g}) where id = {id}"),
                        2 => format!("delete t where id = {id}"),
                        3 => format!("select id, v from t where g = {g}"),
                        _ => format!("if exists (select * from t where g = {g}) update t set g = g + 1 where id = {id}"),
                    };
                    for (number, message) in errors(&mut session, &batch) {
                        // Two that insert one row; deadlocks.
                        assert!(matches!(number, 2627 | 1205 | 3621), "{batch}: {number} {message}");
                    }
                }
            };
            thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap()
        })
        .collect();
    let definer = {
        let (mut session, barrier, over) = (server.session("d"), Arc::clone(&barrier), Arc::clone(&over));
        let work = move || {
            let mut done = 0;
            barrier.wait();
            while !over.load(Ordering::Relaxed) {
                for statement in DEFINITIONS {
                    for (number, message) in errors(&mut session, statement) {
                        assert_eq!(number, 1205, "{statement}: {message}");
                    }
                    done += 1;
                }
            }
            done
        };
        thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap()
    };
    workers.into_iter().for_each(|w| w.join().unwrap());
    over.store(true, Ordering::Relaxed);
    let done = definer.join().unwrap();
    run(&mut session, "create index n on t (g) include (v)").unwrap();
    assert_eq!(errors(&mut session, "dbcc checkdb with no_infomsgs"), []);
    drop(session);
    assert!(server.locks.is_idle(), "locks are left after all sessions have gone");
    done
}
