//! Tests of the lock manager: every pair of modes, conversions, order, deadlocks, escalation, and a random load whose grants
//! are watched from outside. Nothing sleeps to be in step: a test asks the lock manager who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration as Time, Instant};

use super::manager::{ESCALATION, Granted, Table};
use super::mode::MODES;
use super::snapshot::Status;
use super::{Duration, LockError, LockManager, LockMode, LockOwner, LockWait, Resource};

use LockMode::*;

const A: LockOwner = LockOwner(1);
const B: LockOwner = LockOwner(2);
const C: LockOwner = LockOwner(3);
const D: LockOwner = LockOwner(4);
const TABLE: Table = Table { database: 5, object: 100 };

fn key(n: u64) -> Resource {
    Resource::Key { database: 5, rowset: 72, hash: n }
}

fn no_wait() -> LockWait {
    LockWait { timeout: Some(Time::ZERO), ..LockWait::default() }
}

fn priority(priority: i8) -> LockWait {
    LockWait { priority, ..LockWait::default() }
}

/// Takes a lock for the transaction without waiting.
fn take(m: &LockManager, owner: LockOwner, resource: Resource, mode: LockMode) -> Result<Granted, LockError> {
    m.acquire(owner, &resource, mode, Duration::Transaction, &no_wait())
}

/// Takes a lock in a thread of its own and comes back when it waits.
fn waits(
    m: &Arc<LockManager>,
    owner: LockOwner,
    resource: Resource,
    mode: LockMode,
    wait: LockWait,
) -> JoinHandle<Result<Granted, LockError>> {
    let m2 = Arc::clone(m);
    let handle = thread::spawn(move || m2.acquire(owner, &resource, mode, Duration::Transaction, &wait));
    until(|| m.waiting().iter().any(|w| w.owner == owner));
    handle
}

fn until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Time::from_secs(30), "never came true");
        thread::yield_now();
    }
}

#[test]
fn every_pair_of_modes() {
    let m = LockManager::new();
    for a in MODES {
        for b in MODES {
            if a == Null || b == Null {
                continue;
            }
            assert_eq!(take(&m, A, key(1), a), Ok(Granted::Immediately));
            assert_eq!(m.would_wait(B, &key(1), b), a.conflicts(b));
            let expected = if a.conflicts(b) { Err(LockError::Timeout) } else { Ok(Granted::Immediately) };
            assert_eq!(take(&m, B, key(1), b), expected, "{} then {}", a.name(), b.name());
            // The same owner gets both together.
            assert_eq!(m.held(A, &key(1)), a);
            m.release_all(B);
            let answer = if a.covers(b) { Granted::Held } else { Granted::Immediately };
            assert_eq!(take(&m, A, key(1), b), Ok(answer));
            assert_eq!(m.held(A, &key(1)), a.union(b));
            m.release_all(A);
            assert!(m.is_idle());
        }
    }
}

#[test]
fn the_engine_itself_takes_no_locks() {
    let m = LockManager::new();
    take(&m, A, key(1), X).unwrap();
    let engine = LockOwner::default();
    assert_eq!(take(&m, engine, key(1), X), Ok(Granted::Held));
    assert!(!m.would_wait(engine, &key(1), S));
    assert_eq!(m.locks().len(), 1);
}

#[test]
fn statement_and_transaction_durations() {
    let m = LockManager::new();
    let statement = |mode| m.acquire(A, &key(1), mode, Duration::Statement, &no_wait()).unwrap();
    statement(S);
    m.release_statement(A);
    assert_eq!(m.held(A, &key(1)), Null);
    take(&m, A, key(1), S).unwrap();
    statement(U);
    assert_eq!(m.held(A, &key(1)), U);
    m.release_statement(A);
    assert_eq!(m.held(A, &key(1)), S);
    statement(S);
    assert!(m.release(A, &key(1)));
    assert_eq!(m.held(A, &key(1)), S, "the statement still holds it");
    assert!(!m.release(A, &key(1)));
    m.release_statement(A);
    assert!(m.is_idle());
}

#[test]
fn as_many_releases_as_requests() {
    let m = LockManager::new();
    for _ in 0..3 {
        take(&m, A, key(1), X).unwrap();
    }
    assert_eq!(m.locks()[0].count, 3);
    for _ in 0..2 {
        assert!(m.release(A, &key(1)));
        assert_eq!(m.held(A, &key(1)), X);
    }
    assert!(m.release(A, &key(1)));
    assert!(!m.release(A, &key(1)));
    assert!(m.is_idle());
}

#[test]
fn waiters_come_in_order_and_newcomers_do_not_overtake() {
    let m = Arc::new(LockManager::new());
    take(&m, A, key(1), S).unwrap();
    let b = waits(&m, B, key(1), X, LockWait::default());
    // S agrees with what is held, but would overtake.
    assert_eq!(take(&m, C, key(1), S), Err(LockError::Timeout));
    let c = waits(&m, C, key(1), S, LockWait::default());
    let d = waits(&m, D, key(1), S, LockWait::default());
    let order: Vec<_> = m.waiting().iter().map(|w| (w.owner, w.mode, w.kind())).collect();
    assert_eq!(
        order,
        [(B, X, "LCK_M_X".into()), (C, S, "LCK_M_S".into()), (D, S, "LCK_M_S".into())] as [(_, _, String); 3]
    );
    m.release_all(A);
    assert_eq!(b.join().unwrap(), Ok(Granted::AfterWait));
    assert_eq!(m.waiting().len(), 2);
    m.release_all(B);
    assert_eq!(c.join().unwrap(), Ok(Granted::AfterWait));
    assert_eq!(d.join().unwrap(), Ok(Granted::AfterWait));
    m.release_all(C);
    m.release_all(D);
    assert!(m.is_idle());
}

#[test]
fn a_mode_that_agrees_with_all_who_wait_passes() {
    let m = Arc::new(LockManager::new());
    let table = TABLE.resource();
    take(&m, A, table, IX).unwrap();
    let b = waits(&m, B, table, S, LockWait::default());
    assert_eq!(take(&m, C, table, IS), Ok(Granted::Immediately));
    assert_eq!(take(&m, D, table, IX), Err(LockError::Timeout));
    m.release_all(A);
    assert_eq!(b.join().unwrap(), Ok(Granted::AfterWait));
}

#[test]
fn conversions_wait_before_others() {
    let m = Arc::new(LockManager::new());
    take(&m, A, key(1), S).unwrap();
    take(&m, B, key(1), S).unwrap();
    let c = waits(&m, C, key(1), X, LockWait::default());
    let b = waits(&m, B, key(1), X, LockWait::default());
    let statuses: Vec<_> =
        m.locks().iter().filter(|l| l.status != Status::Granted).map(|l| (l.owner, l.status)).collect();
    assert_eq!(statuses, [(B, Status::Converting), (C, Status::Waiting)]);
    m.release_all(A);
    assert_eq!(b.join().unwrap(), Ok(Granted::AfterWait));
    assert_eq!(m.held(B, &key(1)), X);
    m.release_all(B);
    c.join().unwrap().unwrap();
}

#[test]
fn a_holder_converts_past_waiters_when_no_other_holds() {
    let m = Arc::new(LockManager::new());
    take(&m, A, key(1), U).unwrap();
    let b = waits(&m, B, key(1), U, LockWait::default());
    assert_eq!(take(&m, A, key(1), X), Ok(Granted::Immediately));
    m.release_all(A);
    b.join().unwrap().unwrap();
}

#[test]
fn timeout_and_cancel_leave_nothing_behind() {
    let m = Arc::new(LockManager::new());
    take(&m, A, key(1), S).unwrap();
    let start = Instant::now();
    let wait = LockWait { timeout: Some(Time::from_millis(400)), ..LockWait::default() };
    let b = waits(&m, B, key(1), X, wait);
    // C only waits because B does; when B gives up C goes on.
    let c = waits(&m, C, key(1), S, LockWait::default());
    assert_eq!(b.join().unwrap(), Err(LockError::Timeout));
    assert!(start.elapsed() >= Time::from_millis(400));
    assert_eq!(c.join().unwrap(), Ok(Granted::AfterWait));

    let flag = Arc::new(AtomicBool::new(false));
    let wait = LockWait { cancel: Some(Arc::clone(&flag)), ..LockWait::default() };
    let d = waits(&m, D, key(1), X, wait);
    flag.store(true, Ordering::Relaxed);
    assert_eq!(d.join().unwrap(), Err(LockError::Cancelled));
    assert_eq!(m.totals().timeouts, 1);
    for owner in [A, B, C, D] {
        m.release_all(owner);
    }
    assert!(m.is_idle());
}

#[test]
fn a_reader_waits_and_keeps_nothing() {
    let m = Arc::new(LockManager::new());
    assert_eq!(m.wait_until_free(A, &key(1), S, &no_wait()), Ok(Granted::Immediately));
    take(&m, A, key(1), X).unwrap();
    assert_eq!(m.wait_until_free(A, &key(1), S, &no_wait()), Ok(Granted::Immediately), "its own lock");
    assert_eq!(m.wait_until_free(B, &key(1), S, &no_wait()), Err(LockError::Timeout));
    let m2 = Arc::clone(&m);
    let b = thread::spawn(move || m2.wait_until_free(B, &key(1), S, &LockWait::default()));
    until(|| m.waiting().len() == 1);
    m.release_all(A);
    assert_eq!(b.join().unwrap(), Ok(Granted::AfterWait));
    assert!(m.is_idle());
}

/// Two owners who each hold one key and want the other's.
fn crossing(
    a: LockWait,
    b: LockWait,
    work: Option<LockOwner>,
) -> (Result<Granted, LockError>, Result<Granted, LockError>) {
    let m = Arc::new(LockManager::new());
    m.enter(A, 51, A);
    m.enter(B, 52, B);
    take(&m, A, key(1), X).unwrap();
    take(&m, B, key(2), X).unwrap();
    if let Some(owner) = work {
        m.note_work(owner, 1000);
    }
    let first = waits(&m, A, key(2), X, a);
    let m2 = Arc::clone(&m);
    let second = thread::spawn(move || {
        let r = m2.acquire(B, &key(1), X, Duration::Transaction, &b);
        m2.release_all(B);
        r
    });
    // Whoever dies lets go of its locks, so the other goes on.
    let first = {
        until(|| first.is_finished() || second.is_finished());
        if first.is_finished() {
            m.release_all(A);
        }
        first.join().unwrap()
    };
    let second = second.join().unwrap();
    assert_eq!(m.totals().deadlocks, 1);
    m.release_all(A);
    assert!(m.is_idle());
    (first, second)
}

#[test]
fn deadlock_victims() {
    let dead = |session| Err(LockError::Deadlock { session });
    let got = Ok(Granted::AfterWait);
    // The youngest.
    assert_eq!(crossing(priority(0), priority(0), None), (got, dead(52)));
    // The one with less work.
    assert_eq!(crossing(priority(0), priority(0), Some(B)), (dead(51), got));
    assert_eq!(crossing(priority(0), priority(0), Some(A)), (got, dead(52)));
    // The lower priority, whatever the work.
    assert_eq!(crossing(priority(-5), priority(0), Some(A)), (dead(51), got));
    assert_eq!(crossing(priority(3), priority(10), Some(A)), (dead(51), got));
}

#[test]
fn the_message_of_a_victim() {
    let e = holdfast_types::SqlError::from(LockError::Deadlock { session: 53 });
    assert_eq!((e.number, e.severity), (1205, 13));
    assert_eq!(
        e.message,
        "Transaction (Process ID 53) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction."
    );
    let e = holdfast_types::SqlError::from(LockError::Timeout);
    assert_eq!(
        (e.number, e.severity, e.message.as_str()),
        (1222, 16, "Lock request time out period exceeded.")
    );
}

#[test]
fn two_holders_who_both_convert_are_a_deadlock() {
    let m = Arc::new(LockManager::new());
    take(&m, A, key(1), S).unwrap();
    take(&m, B, key(1), S).unwrap();
    let a = waits(&m, A, key(1), X, priority(0));
    let r = m.acquire(B, &key(1), X, Duration::Transaction, &LockWait::default());
    assert_eq!(r, Err(LockError::Deadlock { session: 0 }));
    m.release_all(B);
    assert_eq!(a.join().unwrap(), Ok(Granted::AfterWait));
}

#[test]
fn circles_of_three_and_more() {
    for n in 3..=8u64 {
        let m = Arc::new(LockManager::new());
        for i in 0..n {
            m.enter(LockOwner(i + 1), 50 + i as u16, LockOwner(i + 1));
            take(&m, LockOwner(i + 1), key(i), X).unwrap();
        }
        // All but the last wait for the next; the third has the lowest priority.
        let threads: Vec<_> = (0..n - 1)
            .map(|i| waits(&m, LockOwner(i + 1), key(i + 1), S, priority(if i == 2 { -1 } else { 0 })))
            .collect();
        let m2 = Arc::clone(&m);
        let wait = priority(if n == 3 { -1 } else { 0 });
        let last = thread::spawn(move || m2.acquire(LockOwner(n), &key(0), S, Duration::Transaction, &wait));
        let mut all: Vec<_> = threads.into_iter().chain([last]).map(Some).collect();
        let mut left = n;
        let mut victims = Vec::new();
        // Whoever returns, victim or not, ends its transaction, which frees the one before it.
        while left > 0 {
            for i in 0..n as usize {
                if all[i].as_ref().is_some_and(|h| h.is_finished()) {
                    if let Err(e) = all[i].take().unwrap().join().unwrap() {
                        victims.push(e);
                    }
                    m.release_all(LockOwner(i as u64 + 1));
                    left -= 1;
                }
            }
            thread::yield_now();
        }
        assert_eq!(victims, [LockError::Deadlock { session: 52 }]);
        assert!(m.is_idle());
    }
}

#[test]
fn a_deadlock_through_a_waiter_ahead() {
    // C waits behind B for the first key, B waits for A, and A wants what C holds.
    let m = Arc::new(LockManager::new());
    take(&m, A, key(1), S).unwrap();
    take(&m, C, key(2), X).unwrap();
    let b = waits(&m, B, key(1), X, priority(0));
    let c = waits(&m, C, key(1), S, priority(0));
    let a = waits(&m, A, key(2), S, priority(5));
    // C is the youngest of A, B, C at the lowest priority.
    assert_eq!(c.join().unwrap(), Err(LockError::Deadlock { session: 0 }));
    m.release_all(C);
    assert_eq!(a.join().unwrap(), Ok(Granted::AfterWait));
    m.release_all(A);
    b.join().unwrap().unwrap();
}

#[test]
fn one_space_never_waits_for_itself() {
    let m = Arc::new(LockManager::new());
    let (session, transaction) = (LockOwner(10), LockOwner(11));
    m.enter(session, 60, session);
    m.enter(transaction, 60, session);
    take(&m, session, key(1), X).unwrap();
    assert_eq!(take(&m, transaction, key(1), X), Ok(Granted::Immediately));
    assert!(!m.would_wait(transaction, &key(1), X));
    // Also when another waits in between.
    m.release_all(transaction);
    let b = waits(&m, B, key(1), X, LockWait::default());
    m.enter(transaction, 60, session);
    assert_eq!(take(&m, transaction, key(1), X), Ok(Granted::Immediately));
    // The circle goes through both owners of the space.
    take(&m, B, key(2), X).unwrap();
    let blocked = m.acquire(transaction, &key(2), S, Duration::Transaction, &priority(-1));
    assert_eq!(blocked, Err(LockError::Deadlock { session: 60 }));
    m.release_all(transaction);
    m.release_all(session);
    b.join().unwrap().unwrap();
}

#[test]
fn many_row_locks_become_a_table_lock() {
    let m = LockManager::new();
    let row = |owner, n, mode| {
        m.acquire_row(owner, TABLE, &key(n), mode, Duration::Transaction, &no_wait()).unwrap()
    };
    take(&m, A, TABLE.resource(), IX).unwrap();
    for n in 0..ESCALATION as u64 - 1 {
        assert_eq!(row(A, n, X), Granted::Immediately);
    }
    assert_eq!(m.held(A, &TABLE.resource()), IX);
    row(A, 5000, X);
    assert_eq!(m.held(A, &TABLE.resource()), X);
    assert_eq!(m.locks().len(), 1, "the row locks are gone");
    assert_eq!(row(A, 5001, X), Granted::Held);
    assert_eq!(m.totals().escalations, 1);
    assert_eq!(take(&m, B, TABLE.resource(), IS), Err(LockError::Timeout));
    m.release_all(A);
    assert!(m.is_idle());

    // Shared row locks become S; a table that others use stays with row locks, and is tried again.
    take(&m, A, TABLE.resource(), IS).unwrap();
    take(&m, B, TABLE.resource(), IX).unwrap();
    for n in 0..6000 {
        row(A, n, S);
    }
    assert_eq!(m.held(A, &TABLE.resource()), IS);
    m.release_all(B);
    for n in 6000..6249 {
        row(A, n, S);
    }
    assert_eq!(m.held(A, &TABLE.resource()), IS);
    row(A, 6249, S);
    assert_eq!(m.held(A, &TABLE.resource()), S);
    assert_eq!(m.locks().len(), 1);
    // Reading rows is covered, changing them is not.
    assert_eq!(row(A, 7000, S), Granted::Held);
    take(&m, A, TABLE.resource(), IX).unwrap();
    assert_eq!(m.held(A, &TABLE.resource()), SIX);
    assert_eq!(row(A, 7000, X), Granted::Immediately);
    m.release_all(A);
    assert!(m.is_idle());
}

#[test]
fn written_by_others() {
    let m = LockManager::new();
    let written = |owner| m.rows_are_locked_by_others(TABLE.database, TABLE.object, owner, S);
    for mode in [IS, S, U, SchS, IU, SIU] {
        take(&m, B, TABLE.resource(), mode).unwrap();
        assert!(!written(A), "{}", mode.name());
        m.release_all(B);
    }
    for mode in [IX, X, SIX, UIX, BU, SchM] {
        take(&m, B, TABLE.resource(), mode).unwrap();
        assert!(written(A) && !written(B), "{}", mode.name());
        m.release_all(B);
        assert!(!written(A), "{}", mode.name());
    }
    take(&m, A, TABLE.resource(), IX).unwrap();
    take(&m, B, TABLE.resource(), IX).unwrap();
    m.release_all(B);
    assert!(!written(A) && written(C));
}

#[test]
fn application_locks_are_named_in_the_views() {
    let m = LockManager::new();
    let r = m.application(5, 0, "order-4711");
    assert_eq!(r, m.application(5, 0, "order-4711"));
    assert_ne!(r, m.application(5, 0, "Order-4711"));
    m.enter(A, 77, A);
    take(&m, A, r, X).unwrap();
    for n in 0..10_000 {
        m.application(5, 0, &format!("other {n}"));
    }
    let row = m.locks().remove(0);
    assert_eq!((row.session, row.resource.kind(), row.mode.name()), (77, "APPLICATION", "X"));
    assert!(row.description.starts_with("0:[order-4711]:("), "{}", row.description);
}

/// A small random generator (SplitMix64), so that a failure comes back from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// Threads lock random resources in random modes; beside the lock manager each grant is counted per resource and mode, and
/// whoever has got a lock looks whether an excluded mode is there.
#[test]
fn random_load_never_grants_what_excludes_each_other() {
    const RESOURCES: u64 = 6;
    const THREADS: u64 = 6;
    let modes = [S, U, X, IS, IU, IX, SIU, SIX, UIX, SchS, SchM, BU];
    let keys = [S, U, X, RangeSS, RangeSU, RangeIN, RangeIX, RangeXX];
    for seed in 0..4u64 {
        let m = Arc::new(LockManager::new());
        // Who shows which mode on which resource: 0 nothing.
        let shown: Arc<Vec<AtomicU32>> =
            Arc::new((0..RESOURCES * THREADS).map(|_| AtomicU32::new(0)).collect());
        let deadlocks = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = (0..THREADS)
            .map(|t| {
                let (m, shown, deadlocks) = (Arc::clone(&m), Arc::clone(&shown), Arc::clone(&deadlocks));
                thread::spawn(move || {
                    let mut random = Random(seed * 1000 + t);
                    for round in 0..400 {
                        let owner = LockOwner(1 + t + THREADS * round);
                        let mut mine: Vec<u64> = Vec::new();
                        for _ in 0..1 + random.below(4) {
                            let n = random.below(RESOURCES);
                            // Half of them are keys, the others tables.
                            let (resource, mode) = if n.is_multiple_of(2) {
                                (key(n), keys[random.below(keys.len() as u64) as usize])
                            } else {
                                let table = Table { database: 5, object: n as i32 };
                                (table.resource(), modes[random.below(modes.len() as u64) as usize])
                            };
                            let wait = match random.below(4) {
                                0 => LockWait {
                                    timeout: Some(Time::from_micros(random.below(500))),
                                    ..LockWait::default()
                                },
                                1 => priority(random.below(21) as i8 - 10),
                                _ => LockWait::default(),
                            };
                            match m.acquire(owner, &resource, mode, Duration::Transaction, &wait) {
                                Ok(_) => {}
                                Err(LockError::Deadlock { .. }) => {
                                    deadlocks.fetch_add(1, Ordering::Relaxed);
                                    break;
                                }
                                Err(_) => continue,
                            }
                            let held = m.held(owner, &resource);
                            assert!(held.covers(mode));
                            shown[(n * THREADS + t) as usize].store(held as u32, Ordering::SeqCst);
                            mine.push(n);
                            for other in (0..THREADS).filter(|o| *o != t) {
                                let theirs = MODES
                                    [shown[(n * THREADS + other) as usize].load(Ordering::SeqCst) as usize];
                                assert!(
                                    !theirs.conflicts(held),
                                    "seed {seed}: {} beside {}",
                                    theirs.name(),
                                    held.name()
                                );
                            }
                            if random.below(8) == 0 {
                                thread::yield_now();
                            }
                        }
                        for n in mine {
                            shown[(n * THREADS + t) as usize].store(0, Ordering::SeqCst);
                        }
                        m.release_all(owner);
                    }
                })
            })
            .collect();
        for t in threads {
            t.join().unwrap();
        }
        assert!(m.is_idle());
        for object in 0..RESOURCES as i32 {
            assert!(!m.rows_are_locked_by_others(5, object, LockOwner(u64::MAX), U));
        }
        assert!(deadlocks.load(Ordering::Relaxed) > 0, "the load has no deadlocks: it tests too little");
    }
}
