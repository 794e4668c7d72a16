//! Who waits for the log: committers in the order in which they came, each asleep until its own record is durable.
//!
//! Invariants
//! 1. A committer is woken once, by what made its record durable or by a failure; nobody is woken for another's record.
//! 2. Whoever wakes several wakes one, which wakes the others ([`wake`]): the disk gets its next sync after one call of the scheduler,
//!    not after as many as there are committers.
//!
//! Rejected: a condition variable (every sync wakes all who wait, those of the next group in vain, one behind the other through its lock).

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::Thread;

use holdfast_base::Lsn;
use parking_lot::Mutex;

const ASLEEP: u8 = 0;
const DURABLE: u8 = 1;
const LOOK: u8 = 2;

/// What a committer is woken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Woken {
    /// Its record is durable.
    Durable,
    /// The log failed, or nobody syncs any more.
    Look,
}

/// Where a thread sleeps; each has one.
struct Place {
    thread: Thread,
    state: AtomicU8,
    /// Whom it wakes next.
    others: Mutex<Vec<Waiter>>,
}

pub(super) struct Waiter {
    lsn: Lsn,
    place: Arc<Place>,
}

#[derive(Default)]
pub(super) struct Waiters {
    list: Vec<Waiter>,
}

thread_local! {
    static PLACE: OnceCell<Arc<Place>> = const { OnceCell::new() };
}

impl Waiters {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The present thread waits from now on; it has to [`sleep`] once the list's lock is free.
    pub(super) fn enter(&mut self, lsn: Lsn) {
        PLACE.with(|place| {
            let place = place.get_or_init(|| {
                Arc::new(Place {
                    thread: std::thread::current(),
                    state: AtomicU8::new(ASLEEP),
                    others: Mutex::default(),
                })
            });
            place.state.store(ASLEEP, Ordering::Relaxed);
            self.list.push(Waiter { lsn, place: Arc::clone(place) });
        });
    }

    /// Takes out those whose records are durable.
    pub(super) fn take_durable(&mut self, reached: Lsn) -> Vec<Waiter> {
        let (done, waiting) = std::mem::take(&mut self.list).into_iter().partition(|w| w.lsn <= reached);
        self.list = waiting;
        done
    }

    pub(super) fn take_all(&mut self) -> Vec<Waiter> {
        std::mem::take(&mut self.list)
    }
}

/// Sleeps until somebody woke the present thread, which had entered; wakes those it is to wake.
pub(super) fn sleep() -> Woken {
    PLACE.with(|place| {
        let Some(place) = place.get() else { return Woken::Look };
        loop {
            let why = match place.state.load(Ordering::Acquire) {
                DURABLE => Woken::Durable,
                LOOK => Woken::Look,
                _ => {
                    std::thread::park();
                    continue;
                }
            };
            let mut others = std::mem::take(&mut *place.others.lock());
            // Half of them wake the other half's half, and so on.
            while !others.is_empty() {
                let half = others.split_off(others.len() / 2);
                wake(half, why);
            }
            return why;
        }
    })
}

/// Wakes the first, and has it wake the others.
pub(super) fn wake(mut list: Vec<Waiter>, why: Woken) {
    let Some(first) = list.pop() else { return };
    *first.place.others.lock() = list;
    let state = if why == Woken::Durable { DURABLE } else { LOOK };
    first.place.state.store(state, Ordering::Release);
    first.place.thread.unpark();
}
