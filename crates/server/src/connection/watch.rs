//! The watch: one thread that listens to the clients whose requests take longer than a tick, so that an attention, or the
//! client's leaving, interrupts them. Short requests never meet it.
//!
//! Invariants
//! 1. A request that runs through a whole tick is listened to from then on, every tick, in one system call for all.
//! 2. While nothing runs the watch sleeps; the first request wakes it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::transport::Transport;

const TICK: Duration = Duration::from_millis(10);
/// Ticks without a request after which the watch goes to sleep.
const QUIET: u32 = 100;

#[derive(Default)]
struct State {
    connections: Mutex<HashMap<u64, Arc<Transport>>>,
    next: AtomicU64,
    /// Requests running now.
    running: AtomicUsize,
    asleep: AtomicBool,
    ended: AtomicBool,
}

/// All connections of a server, and the thread that watches over their requests.
pub struct Watch {
    state: Arc<State>,
    thread: Thread,
}

/// A connection's entry, until dropped.
pub struct Watched {
    id: u64,
    state: Arc<State>,
    thread: Thread,
}

/// A request that runs, until dropped.
pub struct Running<'a>(&'a Watched);

impl Watch {
    pub fn start() -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        let own = Arc::clone(&state);
        let handle = thread::Builder::new().name("watch".into()).spawn(move || run(&own))?;
        Ok(Watch { state, thread: handle.thread().clone() })
    }

    pub fn add(&self, transport: &Arc<Transport>) -> Watched {
        let id = self.state.next.fetch_add(1, Ordering::Relaxed);
        self.state.connections.lock().insert(id, Arc::clone(transport));
        Watched { id, state: Arc::clone(&self.state), thread: self.thread.clone() }
    }

    /// Every connection there is.
    pub fn connections(&self) -> Vec<Arc<Transport>> {
        self.state.connections.lock().values().cloned().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Watched {
    pub fn request(&self) -> Running<'_> {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(self)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.state.connections.lock().remove(&self.id);
    }
}

fn run(state: &State) {
    // Requests that ran at the last tick.
    let mut last: HashMap<u64, u64> = HashMap::new();
    let mut quiet = 0;
    while !state.ended.load(Ordering::SeqCst) {
        thread::sleep(TICK);
        if state.running.load(Ordering::SeqCst) == 0 {
            last.clear();
            quiet += 1;
            if quiet >= QUIET {
                state.asleep.store(true, Ordering::SeqCst);
                // A request that began meanwhile has either been seen here or sees the flag.
                if state.running.load(Ordering::SeqCst) == 0 && !state.ended.load(Ordering::SeqCst) {
                    thread::park();
                }
                state.asleep.store(false, Ordering::SeqCst);
                quiet = 0;
            }
            continue;
        }
        quiet = 0;
        let mut now = HashMap::new();
        let mut long = Vec::new();
        for (id, transport) in state.connections.lock().iter() {
            if let Some(request) = transport.running() {
                now.insert(*id, request);
                if transport.is_to_be_cut() {
                    transport.cut();
                }
                if last.get(id) == Some(&request) {
                    long.push(Arc::clone(transport));
                }
            }
        }
        last = now;
        look(&long);
    }
}

fn look(long: &[Arc<Transport>]) {
    if long.is_empty() {
        return;
    }
    let mut polled: Vec<PollFd<'_>> = long.iter().map(|t| PollFd::new(t.tcp(), PollFlags::IN)).collect();
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    if !matches!(poll(&mut polled, Some(&now)), Ok(n) if n > 0) {
        return;
    }
    for (transport, p) in long.iter().zip(&polled) {
        if !p.revents().is_empty() {
            transport.look();
        }
    }
}
