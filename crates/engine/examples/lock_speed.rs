//! What a lock costs: row locks of transactions of several sizes, alone and from several threads, and a reader's checks.
//!
//! `cargo run --release -p holdfast-engine --example lock_speed`

use std::sync::Arc;
use std::time::Instant;

use holdfast_engine::lock::manager::Table;
use holdfast_engine::lock::{Duration, LockManager, LockMode, LockOwner, LockWait, Resource};

const TABLE: Table = Table { database: 5, object: 100 };

/// Transactions with `rows` row locks each, the keys of one thread apart from those of others.
fn transactions(locks: &LockManager, thread: u64, rows: u64, count: u64) {
    let wait = LockWait::default();
    for n in 0..count {
        let owner = LockOwner(1 + thread + 64 * (n + 1));
        locks.acquire(owner, &TABLE.resource(), LockMode::IX, Duration::Transaction, &wait).unwrap();
        for row in 0..rows {
            let key = (thread << 40 | (n * rows + row)).to_le_bytes();
            let key = Resource::key(5, 72, &key);
            locks.acquire_row(owner, TABLE, &key, LockMode::X, Duration::Transaction, &wait).unwrap();
        }
        locks.release_all(owner);
    }
}

fn main() {
    for threads in [1u64, 2, 4] {
        for rows in [1u64, 10, 1000] {
            let count = 2_000_000 / (rows + 1) / threads;
            let locks = Arc::new(LockManager::new());
            transactions(&locks, 63, rows, 10);
            let start = Instant::now();
            let running: Vec<_> = (0..threads)
                .map(|t| {
                    let locks = Arc::clone(&locks);
                    std::thread::spawn(move || transactions(&locks, t, rows, count))
                })
                .collect();
            for t in running {
                t.join().unwrap();
            }
            let taken = start.elapsed();
            let all = count * threads * (rows + 1);
            println!(
                "{threads} threads, {rows} rows and their table in a transaction: {:.0} ns of wall time per lock and release",
                taken.as_nanos() as f64 / all as f64
            );
        }
    }
    let locks = LockManager::new();
    let (reader, writer) = (LockOwner(1), LockOwner(2));
    let times = 5_000_000u32;
    for written in [false, true] {
        if written {
            locks
                .acquire(writer, &TABLE.resource(), LockMode::IX, Duration::Transaction, &LockWait::default())
                .unwrap();
        }
        let start = Instant::now();
        let mut yes = 0u32;
        for _ in 0..times {
            yes +=
                u32::from(locks.rows_are_locked_by_others(TABLE.database, TABLE.object, reader, LockMode::S));
        }
        let ns = start.elapsed().as_nanos() as f64 / f64::from(times);
        println!("is the table written by others (answer {}): {ns:.1} ns", yes > 0);
    }
    let start = Instant::now();
    let mut yes = 0u32;
    for n in 0..times {
        yes += u32::from(locks.would_wait(reader, &Resource::key(5, 72, &n.to_le_bytes()), LockMode::S));
    }
    let ns = start.elapsed().as_nanos() as f64 / f64::from(times);
    println!("is a row locked (answer {}): {ns:.1} ns", yes > 0);
}
