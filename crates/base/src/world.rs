//! The outside world as traits, so that tests can replace it: clock and entropy. Disk lives in the `disk` crate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Source of time. The simulated world gives its own.
pub trait Clock: Send + Sync {
    /// Time since 1970-01-01T00:00:00Z.
    fn now_utc(&self) -> Duration;
    /// Monotonic time since an arbitrary start.
    fn monotonic(&self) -> Duration;
    /// Offset of local time from UTC in minutes at the given instant.
    fn local_offset_minutes(&self, utc: Duration) -> i32;
}

/// Source of random bytes.
pub trait Entropy: Send + Sync {
    fn fill(&self, out: &mut [u8]);

    /// A random (version 4) GUID in SQL Server's byte order.
    fn guid(&self) -> [u8; 16] {
        let mut g = [0u8; 16];
        self.fill(&mut g);
        g[7] = (g[7] & 0x0f) | 0x40;
        g[8] = (g[8] & 0x3f) | 0x80;
        g
    }
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// When the system's random source cannot be read: nothing that needs it may go on.
    fn fill(&self, out: &mut [u8]) {
        use std::io::Read;
        let read = std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(out));
        assert!(read.is_ok(), "the system's random source cannot be read: {read:?}");
    }
}

/// The machine's clock. Local time is UTC unless the owner of the process sets an offset.
pub struct SystemClock {
    start: std::time::Instant,
    offset_minutes: i32,
}

impl SystemClock {
    pub fn new(offset_minutes: i32) -> Self {
        SystemClock { start: std::time::Instant::now(), offset_minutes }
    }
}

impl Clock for SystemClock {
    fn now_utc(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
    fn local_offset_minutes(&self, _utc: Duration) -> i32 {
        self.offset_minutes
    }
}
