//! The thread of a log: it syncs for commits that came while another sync was under way.
//!
//! Invariants
//! 1. It is there while commits meet, and goes when nobody had need of it for [`STAYS`]; a log that nobody writes has none.
//! 2. It does not keep a log open: what it holds while it waits is a weak reference.
//! 3. Who calls it has marked the log busy, and it alone ends that.
//!
//! Rejected: that whoever syncs goes on for others (his client waits for syncs that are not its own); that every sync is this thread's
//! (a lone commit would wait for two changes of threads).

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::log::Log;

/// What it asks of the scheduler for itself (nice(2), which on Linux is a thread's own): as soon as the disk has answered, the next group goes
/// to it, before those who were woken run. Needs root or a limit on nice that allows it.
const PRIORITY: i32 = -10;
/// How long it waits to be called before it goes.
const STAYS: Duration = Duration::from_millis(200);

#[derive(Default)]
pub(super) struct LogThread {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The thread waits or works.
    runs: bool,
    /// It is to go on with the log.
    called: bool,
}

impl LogThread {
    /// Has the thread go on with a log that is marked busy; `false`: there is none, and none can be made.
    pub(super) fn call(self: &Arc<Self>, log: &Arc<Log>) -> bool {
        let mut state = self.state.lock();
        if !state.runs {
            let (this, log) = (Arc::clone(self), Arc::downgrade(log));
            let thread = std::thread::Builder::new().name("log".into());
            if thread.spawn(move || this.run(&log)).is_err() {
                return false;
            }
            state.runs = true;
        }
        state.called = true;
        self.changed.notify_one();
        true
    }

    fn run(&self, log: &Weak<Log>) {
        // Where the process may not, committers share the processors with it as before.
        let _ = rustix::process::nice(PRIORITY);
        loop {
            {
                let mut state = self.state.lock();
                if !state.called {
                    self.changed.wait_for(&mut state, STAYS);
                }
                if !state.called {
                    state.runs = false;
                    return;
                }
                state.called = false;
            }
            if let Some(log) = log.upgrade() {
                log.go_on();
            }
        }
    }
}
