//! Sessions that define, change and read the same few names at the same time, mostly in transactions that are rolled back. Every error must be
//! one that such a race may end in, CHECKDB must find nothing, and all of it must be so again once the instance has been opened anew.
//!
//! It found structures of one table's columns used for another's, rowsets known before their creation was over, and identity values
//! given twice; `HOLDFAST_HISTORY` and `HOLDFAST_HISTORY_SEED` make it run longer and otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};
use std::thread;

use holdfast_exec::procedure::InstanceSession;

use crate::redefined::errors;
use crate::server::Server;
use crate::workload::{Random, run};

/// What a statement may fail with here: names that are there or not (207, 208, 213, 1088, 1913, 2705, 2714, 2812, 3701, 4701, 4902, 4922, 4924, 5074,
/// 15225, 15248, 15335), views whose tables have changed (4413, 4502), deadlocks, and transactions that an error has ended.
const FAIR: &[i32] = &[
    207, 208, 213, 1088, 1205, 1913, 2705, 2714, 2812, 3621, 3701, 3902, 3903, 4413, 4502, 4701, 4902, 4922,
    4924, 5074, 15225, 15248, 15335,
];

fn table(n: u64) -> String {
    format!("create table t{n} (k int identity primary key, a int, b varchar(50), c varchar(max))")
}

fn statement(random: &mut Random) -> String {
    let t = format!("t{}", random.below(5));
    let other = random.below(5);
    let n = random.below(3);
    match random.below(17) {
        0 => table(other),
        1 => format!("drop table if exists {t}"),
        2 => format!("alter table {t} add d{n} int null"),
        3 => format!("alter table {t} drop column d{n}"),
        4 => format!("alter table {t} alter column a {}", ["int", "bigint"][random.below(2) as usize]),
        5 | 6 => {
            let (rows, large) = ([1, 20, 200][n as usize], if random.below(2) == 0 { 10 } else { 9000 });
            format!(
                "insert {t} (a, b, c) select value, replicate('x', {}), replicate(cast('y' as varchar(max)), {large}) \
                 from generate_series(1, {rows})",
                random.below(50)
            )
        }
        7 => format!(
            "update {t} set b = replicate('z', {}), a = a + 1 where k % {} = 0",
            random.below(50),
            1 + random.below(8)
        ),
        8 => format!("delete {t} where k % {} = 0", 2 + random.below(7)),
        9 => format!("select count(*), sum(len(c)) from {t}"),
        10 => format!("create index i{n} on {t} (a) include (c)"),
        11 => format!("drop index if exists i{n} on {t}"),
        12 => "checkpoint".to_owned(),
        13 => format!("exec sp_rename '{t}', 't{other}'"),
        14 => format!("exec('create or alter procedure p{n} as select count(*) from {t}'); exec p0"),
        15 => format!("truncate table {t}"),
        _ => match n {
            0 => format!("select * into t{other} from {t}"),
            _ => format!("exec('create or alter view w{n} as select * from {t}'); select count(*) from w1"),
        },
    }
}

/// One session's part; gives how often each error came.
fn part(session: &mut InstanceSession, transactions: u32, random: &mut Random) -> BTreeMap<i32, usize> {
    let mut seen = BTreeMap::new();
    let mut one = |session: &mut InstanceSession, batch: &str| {
        for (number, message) in errors(session, batch) {
            assert!(FAIR.contains(&number), "{batch}: {number} {message}");
            *seen.entry(number).or_default() += 1;
        }
    };
    for _ in 0..transactions {
        let whole = random.below(10) < 6;
        if whole {
            one(session, "begin tran");
        }
        for _ in 0..=random.below(4) {
            one(session, &statement(random));
        }
        if whole {
            let end = if random.below(3) == 0 { "commit" } else { "rollback" };
            one(session, &format!("if @@trancount > 0 {end}"));
        }
    }
    seen
}

/// Runs `transactions` in each of six sessions.
pub fn go(transactions: u32, seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(dir.path());
    let mut session = server.session("master");
    run(&mut session, "create database d").unwrap();
    run(&mut session, "use d").unwrap();
    for n in 0..5 {
        run(&mut session, &table(n)).unwrap();
    }
    let threads = 6;
    let barrier = Arc::new(Barrier::new(threads));
    let workers: Vec<_> = (0..threads as u64)
        .map(|t| {
            let mut session = server.session("d");
            let barrier = Arc::clone(&barrier);
            let work = move || {
                let mut random = Random(seed.wrapping_mul(1000) + t);
                barrier.wait();
                part(&mut session, transactions, &mut random)
            };
            thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap()
        })
        .collect();
    let mut seen: BTreeMap<i32, usize> = BTreeMap::new();
    for worker in workers {
        for (number, n) in worker.join().unwrap_or_else(|_| panic!("seed {seed}: a session failed")) {
            *seen.entry(number).or_default() += n;
        }
    }
    println!("seed {seed}: errors {seen:?}");
    let check = "dbcc checkdb ('d') with no_infomsgs";
    assert_eq!(errors(&mut session, check), [], "seed {seed}");
    drop(session);
    assert!(server.locks.is_idle(), "locks are left after all sessions have gone");
    drop(server);
    let server = Server::new(dir.path());
    assert_eq!(errors(&mut server.session("master"), check), [], "seed {seed}: opened anew");
}
