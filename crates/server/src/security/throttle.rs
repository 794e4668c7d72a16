//! Failed logins by address: the more of them, the later the next refusal comes.
//!
//! Invariants
//! 1. Failures from one address are answered ever more slowly, up to [`DELAY_MAX`]; those older than [`FORGET`] are forgotten.
//! 2. At most [`ADDRESSES_MAX`] addresses are remembered; when there are more, everybody waits longest.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Longest wait before a refusal.
pub const DELAY_MAX: Duration = Duration::from_secs(5);
const ADDRESSES_MAX: usize = 4096;
const FORGET: Duration = Duration::from_secs(600);

struct Failures {
    count: u32,
    last: Instant,
}

/// What is remembered of failures.
#[derive(Default)]
pub struct Throttle(Mutex<HashMap<IpAddr, Failures>>);

impl Throttle {
    /// Notes a failure and says how long to wait before answering.
    pub fn failed(&self, address: IpAddr) -> Duration {
        let now = Instant::now();
        let mut failures = self.0.lock();
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, f| now.duration_since(f.last) < FORGET);
            if failures.len() >= ADDRESSES_MAX {
                return DELAY_MAX;
            }
        }
        let f = failures.entry(address).or_insert(Failures { count: 0, last: now });
        if now.duration_since(f.last) >= FORGET {
            f.count = 0;
        }
        f.count = f.count.saturating_add(1);
        f.last = now;
        Duration::from_millis(100 << f.count.saturating_sub(1).min(6)).min(DELAY_MAX)
    }

    pub fn succeeded(&self, address: IpAddr) {
        self.0.lock().remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_slow_down() {
        let throttle = Throttle::default();
        let a = IpAddr::from([127, 0, 0, 1]);
        let first = throttle.failed(a);
        let mut last = first;
        for _ in 0..20 {
            last = throttle.failed(a);
        }
        assert!(first < last && last <= DELAY_MAX);
        throttle.succeeded(a);
        assert_eq!(throttle.failed(a), first);
    }
}
