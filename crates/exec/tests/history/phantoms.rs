//! Rows that appear in ranges others have read: sessions at SERIALIZABLE look whether a range is empty and put one row into it if it is,
//! take the rows of a range out, or move one to another range. Whatever the order, no range ever holds two rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};
use std::thread;

use holdfast_exec::procedure::InstanceSession;
use holdfast_types::Value;

use crate::server::Server;
use crate::workload::{Random, run};

/// Numbers of a range.
const WIDTH: u64 = 10;

/// How the table is made, and how the statements are led to its index.
#[derive(Clone, Copy)]
pub struct Shape {
    pub table: &'static str,
    pub hint: &'static str,
}

fn count(session: &mut InstanceSession, shape: Shape, range: u64) -> Result<i64, i32> {
    let (low, high) = (range * WIDTH, range * WIDTH + WIDTH - 1);
    let query = format!("select count(*) from slots with ({}) where g between {low} and {high}", shape.hint);
    match run(session, &query)?.results[0].rows[0][0] {
        Value::Int(n) => Ok(i64::from(n)),
        ref other => panic!("{other:?}"),
    }
}

fn transaction(
    session: &mut InstanceSession,
    random: &mut Random,
    shape: Shape,
    ranges: u64,
    id: &mut u64,
) -> Result<(), i32> {
    run(session, "begin transaction")?;
    let range = random.below(ranges);
    let (low, high) = (range * WIDTH, range * WIDTH + WIDTH - 1);
    let at = low + random.below(WIDTH);
    let found = count(session, shape, range)?;
    assert!(found <= 1, "range {range} holds {found} rows");
    if random.below(3) == 0 {
        thread::yield_now();
    }
    if found == 0 && random.below(4) == 0 {
        // From another range, also when nothing is there.
        let from = random.below(ranges) * WIDTH;
        run(session, &format!("update slots set g = {at} where g between {from} and {}", from + WIDTH - 1))?;
    } else if found == 0 {
        *id += 1;
        run(session, &format!("insert into slots (id, g) values ({id}, {at})"))?;
    } else if random.below(2) == 0 {
        run(session, &format!("delete slots where g between {low} and {high}"))?;
    }
    assert_eq!(count(session, shape, range)?, count(session, shape, range)?, "range {range} was read twice");
    run(session, if random.below(8) > 0 { "commit" } else { "rollback" })?;
    Ok(())
}

/// Runs sessions beside each other; gives how many transactions committed or rolled back by themselves.
pub fn go(shape: Shape, transactions: u32, seed: u64) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::new(dir.path());
    let mut session = server.session("master");
    run(&mut session, "create database ranges").unwrap();
    run(&mut session, "use ranges").unwrap();
    run(&mut session, shape.table).unwrap();
    let (threads, ranges) = (4u64, 6);
    let barrier = Arc::new(Barrier::new(threads as usize));
    let workers: Vec<_> = (0..threads)
        .map(|t| {
            let mut session = server.session("ranges");
            let barrier = Arc::clone(&barrier);
            let work = move || {
                let mut random = Random(seed.wrapping_mul(1000) + t);
                run(&mut session, "set transaction isolation level serializable").unwrap();
                let (mut id, mut done) = (t * 1_000_000, 0);
                barrier.wait();
                for _ in 0..transactions {
                    match transaction(&mut session, &mut random, shape, ranges, &mut id) {
                        Ok(()) => done += 1,
                        Err(_) => drop(run(&mut session, "if @@trancount > 0 rollback").unwrap()),
                    }
                }
                done
            };
            thread::Builder::new().stack_size(16 << 20).spawn(work).unwrap()
        })
        .collect();
    let done = workers.into_iter().map(|w| w.join().unwrap()).sum();
    let rows = run(&mut session, "select g from slots").unwrap();
    let mut held: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for row in &rows.results[0].rows {
        let Value::Int(g) = row[0] else { panic!("{row:?}") };
        held.entry(g as u64 / WIDTH).or_default().push(g as u64);
    }
    assert!(held.values().all(|g| g.len() == 1), "seed {seed}: {held:?}");
    let check = run(&mut session, "dbcc checkdb with no_infomsgs").unwrap();
    assert!(check.errors().is_empty());
    drop(session);
    assert!(server.locks.is_idle(), "locks are left after all sessions have gone");
    done
}
