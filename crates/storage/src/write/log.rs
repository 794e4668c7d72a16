//! The log of an open database: appending, and group commit.
//!
//! Invariants
//! 1. [`Log::flush_to`] returns only when the record is durable. Whoever comes first syncs for all who came before; who comes meanwhile
//!    sleeps ([`Waiters`]), and the log's own thread goes on for them ([`LogThread`]), so that the disk does not stand still until one is awake.
//! 2. Nothing is appended by a transaction before there is room to take it back, too ([`Log::append_promising`]).
//! 3. After a failed write or sync nothing is appended or called durable any more: what the file holds is unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use holdfast_base::Lsn;
use holdfast_format::log::{BlockVersion, LogBlock};
use parking_lot::{Condvar, Mutex};

use super::log_thread::LogThread;
use super::log_waiters::{Waiter, Waiters, Woken, sleep, wake};
use crate::recovery::{LogWriter, RecoveryError, RecoveryResult};

/// Bytes beside a record in its block: slot, alignment, a share of the block's header and of flushing blocks before they are
/// full.
pub const RECORD_ROOM: u64 = 96;

struct Durable {
    /// Every record up to here is durable.
    lsn: Lsn,
    /// Somebody is syncing, or the log's thread is about to.
    busy: bool,
    /// Who came meanwhile.
    waiters: Waiters,
    failed: Option<RecoveryError>,
}

/// Rung when a checkpoint is due, for whoever makes them.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock() = true;
        self.changed.notify_one();
    }

    /// Waits until it rings, at most so long.
    pub fn wait(&self, at_most: Duration) {
        let mut rung = self.rung.lock();
        if !*rung {
            self.changed.wait_for(&mut rung, at_most);
        }
        *rung = false;
    }
}

pub struct Log {
    writer: Mutex<LogWriter>,
    durable: Mutex<Durable>,
    thread: Arc<LogThread>,
    version: BlockVersion,
    /// The log fills up: a checkpoint is due that lets go of what is not needed any more.
    pressed: AtomicBool,
    /// It is nearly full: changes wait for that checkpoint.
    urgent: AtomicBool,
    bell: Arc<Bell>,
    /// Bytes written when that was last said, and whether a checkpoint can help.
    pressed_at: AtomicU64,
    reusable: AtomicBool,
}

/// Share of the log that is in use when a checkpoint is due: 70 of 100, as the server has it.
const PRESSED: u64 = 70;
/// The same when changes are to wait for it, in a log that cannot grow.
const URGENT: u64 = 85;
/// The same in a log that may grow: whether the disk lets it shows only when it is tried, and a checkpoint needs room, too.
const FULL: u64 = 95;

impl Log {
    /// `writer` stands behind a durable end of the log.
    pub fn new(writer: LogWriter) -> Arc<Self> {
        let version = writer.version();
        let durable = Durable { lsn: writer.last(), busy: false, waiters: Waiters::default(), failed: None };
        Arc::new(Log {
            writer: Mutex::new(writer),
            durable: Mutex::new(durable),
            thread: Arc::default(),
            version,
            pressed: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
            bell: Arc::default(),
            pressed_at: AtomicU64::new(0),
            reusable: AtomicBool::new(false),
        })
    }

    pub fn version(&self) -> BlockVersion {
        self.version
    }

    /// Appends a record; it is not durable yet.
    pub fn append(self: &Arc<Self>, record: &[u8]) -> RecoveryResult<Lsn> {
        let mut writer = self.writer.lock();
        let done = writer.append(record).inspect_err(|e| self.fail(e));
        let behind = writer.is_behind();
        drop(writer);
        if behind {
            self.go_ahead();
        }
        done
    }

    /// Has the log's thread write what waits to be written, unless somebody does.
    fn go_ahead(self: &Arc<Self>) {
        let mut durable = self.durable.lock();
        if durable.busy || durable.failed.is_some() {
            return;
        }
        durable.busy = true;
        drop(durable);
        if !self.thread.call(self) {
            self.nobody_goes_on();
        }
    }

    /// One of those who wait is to sync.
    fn nobody_goes_on(&self) {
        let mut durable = self.durable.lock();
        durable.busy = false;
        let all = durable.waiters.take_all();
        drop(durable);
        wake(all, Woken::Look);
    }

    /// The same for a transaction; `promise` bytes are kept for the record that takes it back, until [`Self::release`].
    /// [`RecoveryError::NoLogSpace`]: nothing was appended.
    pub fn append_promising(self: &Arc<Self>, record: &[u8], promise: u64) -> RecoveryResult<Lsn> {
        let mut writer = self.writer.lock();
        let done = match writer.promise(record.len() as u64 + RECORD_ROOM, promise) {
            Err(full @ RecoveryError::NoLogSpace { .. }) => {
                // Whoever comes next looks whether a checkpoint helps.
                let reusable = self.reusable.load(Ordering::Relaxed);
                self.pressed.store(reusable, Ordering::Relaxed);
                self.urgent.store(reusable, Ordering::Relaxed);
                return Err(full);
            }
            Err(e) => Err(e),
            Ok(()) => writer.append(record),
        };
        let done = done.inspect_err(|e| self.fail(e));
        if self.reusable.load(Ordering::Relaxed) && !self.urgent.load(Ordering::Relaxed) {
            let usage = writer.usage();
            let used = (usage.size - usage.free.min(usage.size)) * 100;
            // Once more only after a tenth of the log: an old transaction may hold all of it.
            if used > usage.size * PRESSED
                && !self.pressed.load(Ordering::Relaxed)
                && usage.written >= self.pressed_at.load(Ordering::Relaxed) + usage.size / 10
            {
                self.pressed_at.store(usage.written, Ordering::Relaxed);
                self.pressed.store(true, Ordering::Relaxed);
                self.bell.ring();
            }
            if used > usage.size * URGENT
                && self.pressed.load(Ordering::Relaxed)
                && (used > usage.size * FULL || !writer.can_grow())
            {
                self.urgent.store(true, Ordering::Relaxed);
            }
        }
        let behind = writer.is_behind();
        drop(writer);
        if behind {
            self.go_ahead();
        }
        done
    }

    /// Promises `bytes` until [`Self::release`]. [`RecoveryError::NoLogSpace`]: nothing is promised.
    pub fn promise(&self, bytes: u64) -> RecoveryResult<()> {
        if bytes == 0 {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        writer.promise(0, bytes).inspect_err(|e| {
            if !matches!(e, RecoveryError::NoLogSpace { .. }) {
                self.fail(e);
            }
        })
    }

    /// Gives back what was promised.
    pub fn release(&self, promised: u64) {
        if promised > 0 {
            self.writer.lock().release(promised);
        }
    }

    /// Whether a checkpoint is due because the log fills up.
    pub fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Relaxed)
    }

    /// Whether changes are to wait for that.
    pub fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    pub fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// A checkpoint was made; `oldest`, when the log may be reused: the first VLF that is still needed.
    pub fn checkpointed(&self, oldest: Option<u32>) {
        self.reusable.store(oldest.is_some(), Ordering::Relaxed);
        let mut writer = self.writer.lock();
        if let Some(oldest) = oldest {
            writer.set_oldest_needed(oldest);
        }
        self.pressed_at.store(writer.usage().written, Ordering::Relaxed);
        self.pressed.store(false, Ordering::Relaxed);
        self.urgent.store(false, Ordering::Relaxed);
    }

    /// No checkpoint helps for now: one is due again when a tenth of the log more was written.
    pub fn put_off(&self) {
        let writer = self.writer.lock();
        if self.urgent.load(Ordering::Relaxed) {
            // Meanwhile somebody waits for it all the same.
            return;
        }
        self.pressed_at.store(writer.usage().written, Ordering::Relaxed);
        self.pressed.store(false, Ordering::Relaxed);
    }

    /// Whether the log is reused after checkpoints.
    pub fn is_reusable(&self) -> bool {
        self.reusable.load(Ordering::Relaxed)
    }

    /// From opening on, as the recovery model says.
    pub fn set_reusable(&self, reusable: bool) {
        self.reusable.store(reusable, Ordering::Relaxed);
        // Recovery may have found it full.
        let usage = self.writer.lock().usage();
        let full = (usage.size - usage.free.min(usage.size)) * 100 > usage.size * PRESSED;
        self.pressed.store(reusable && full, Ordering::Relaxed);
    }

    /// Ends the present block, so that the next record begins a new one.
    pub fn end_block(&self) -> RecoveryResult<()> {
        let mut writer = self.writer.lock();
        writer.end_block().inspect_err(|e| self.fail(e))
    }

    /// LSN of the last record appended.
    pub fn last(&self) -> Lsn {
        self.writer.lock().last()
    }

    /// Place of the end of the log and sizes of its virtual log files, for growth decisions and views.
    pub fn with_writer<T>(&self, f: impl FnOnce(&mut LogWriter) -> T) -> T {
        f(&mut self.writer.lock())
    }

    /// The block that holds a record, which may not be durable yet.
    pub fn block_of(&self, lsn: Lsn) -> RecoveryResult<LogBlock> {
        let mut writer = self.writer.lock();
        writer.block_of(lsn).inspect_err(|e| self.fail(e))
    }

    /// Present size of a log file in pages, if it is the one that is written.
    pub fn pages_of(&self, file: i32) -> Option<u32> {
        self.writer.lock().pages_of(file)
    }

    /// Called with the writer still held: nobody may take what a failed call left for written (invariant 3).
    fn fail(&self, error: &RecoveryError) {
        let mut durable = self.durable.lock();
        durable.failed.get_or_insert_with(|| error.clone());
        let all = durable.waiters.take_all();
        drop(durable);
        wake(all, Woken::Look);
    }

    /// Invariant 1.
    pub fn flush_to(self: &Arc<Self>, lsn: Lsn) -> RecoveryResult<()> {
        loop {
            let mut durable = self.durable.lock();
            if durable.lsn >= lsn {
                return Ok(());
            }
            if let Some(error) = &durable.failed {
                return Err(RecoveryError::Stopped { what: error.to_string() });
            }
            if durable.busy {
                durable.waiters.enter(lsn);
                drop(durable);
                if sleep() == Woken::Durable {
                    return Ok(());
                }
                continue;
            }
            durable.busy = true;
            drop(durable);
            let (done, more) = self.sync_once();
            if more && !self.thread.call(self) {
                self.nobody_goes_on();
            }
            wake(done, Woken::Durable);
        }
    }

    /// Syncs for who waits, until nobody does; the log is marked busy for it.
    pub(super) fn go_on(&self) {
        loop {
            let (done, more) = self.sync_once();
            wake(done, Woken::Durable);
            if !more {
                return;
            }
        }
    }

    /// Makes durable what has been appended, and notes it. Whose records that concerned, and whether others wait: the log stays busy
    /// for them.
    fn sync_once(&self) -> (Vec<Waiter>, bool) {
        let done = self.sync();
        let mut durable = self.durable.lock();
        match done {
            // What failed meanwhile may have been a part of it.
            Ok(_) if durable.failed.is_some() => {}
            Ok(reached) => durable.lsn = durable.lsn.max(reached),
            Err(e) => {
                durable.failed.get_or_insert(e);
            }
        }
        let reached = durable.lsn;
        let done = durable.waiters.take_durable(reached);
        if durable.failed.is_some() {
            durable.busy = false;
            let all = durable.waiters.take_all();
            drop(durable);
            wake(all, Woken::Look);
            return (done, false);
        }
        durable.busy = !durable.waiters.is_empty();
        (done, durable.busy)
    }

    fn sync(&self) -> RecoveryResult<Lsn> {
        let (handed, reached) = {
            let mut writer = self.writer.lock();
            if let Some(error) = &self.durable.lock().failed {
                return Err(RecoveryError::Stopped { what: error.to_string() });
            }
            (writer.hand_over().inspect_err(|e| self.fail(e))?, writer.last())
        };
        handed.make_durable()?;
        Ok(reached)
    }

    /// Makes everything appended so far durable.
    pub fn flush(self: &Arc<Self>) -> RecoveryResult<()> {
        let last = self.last();
        if last.is_zero() { Ok(()) } else { self.flush_to(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_disk::{Disk, Operation, SimulatedDisk};
    use holdfast_format::log::write::begin_checkpoint;
    use holdfast_format::log::{LogTime, TransactionId};
    use std::path::Path;
    use std::sync::mpsc::channel;

    /// Invariant 3: a commit waits for a block whose write fails in another thread's append. The next sync succeeds, because
    /// there is nothing of that block for it to do.
    #[test]
    fn nobody_is_told_that_a_block_is_durable_whose_write_failed_elsewhere() {
        let disk = SimulatedDisk::new();
        let file = disk.create(Path::new("/l")).expect("created");
        let log = Log::new(LogWriter::of_one_vlf(&file));
        let record = |n: u64| begin_checkpoint(Lsn::ZERO, LogTime::default(), 904, TransactionId(n));
        let committed = log.append(&record(1)).expect("appends");
        let (writes, is_writing) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let (writes, may_go_on) = (Mutex::new(writes), Mutex::new(may_go_on));
        disk.set_fault(Some(Arc::new(move |_, operation, _| {
            if operation != Operation::Write {
                return None;
            }
            writes.lock().send(()).expect("the test listens");
            may_go_on.lock().recv().expect("the test goes on");
            Some(std::io::ErrorKind::Other)
        })));
        let appender = {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                // Until the block is full and is written.
                (2..100_000).find_map(|n| log.append(&record(n)).err())
            })
        };
        is_writing.recv().expect("the block is being written");
        let committer = {
            let log = Arc::clone(&log);
            std::thread::spawn(move || log.flush_to(committed))
        };
        while !log.durable.lock().busy {
            std::thread::yield_now();
        }
        go_on.send(()).expect("it waits");
        drop(go_on);
        assert!(appender.join().expect("ends").is_some(), "the append fails");
        let told = committer.join().expect("ends");
        assert!(matches!(told, Err(RecoveryError::Stopped { .. })), "{told:?}");
        disk.set_fault(None);
        assert!(log.flush_to(committed).is_err(), "also later");
    }

    /// Invariants 1 and 3: the log's thread syncs for a commit that came during a sync; what fails then is told to that commit, and the
    /// one before stands.
    #[test]
    fn a_sync_that_fails_for_who_came_meanwhile_is_told_to_him() {
        let disk = SimulatedDisk::new();
        let file = disk.create(Path::new("/l")).expect("created");
        let log = Log::new(LogWriter::of_one_vlf(&file));
        let record = |n: u64| begin_checkpoint(Lsn::ZERO, LogTime::default(), 904, TransactionId(n));
        let (begun, has_begun) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let (begun, may_go_on) = (Mutex::new(begun), Mutex::new(may_go_on));
        let syncs = AtomicU64::new(0);
        disk.set_fault(Some(Arc::new(move |_, operation, _| {
            if operation != Operation::Sync {
                return None;
            }
            if syncs.fetch_add(1, Ordering::Relaxed) > 0 {
                return Some(std::io::ErrorKind::StorageFull);
            }
            begun.lock().send(()).expect("the test listens");
            may_go_on.lock().recv().expect("the test goes on");
            None
        })));
        let commit = |n: u64| {
            let (log, lsn) = (Arc::clone(&log), log.append(&record(n)).expect("appends"));
            (lsn, std::thread::spawn(move || log.flush_to(lsn)))
        };
        let (_, first) = commit(1);
        has_begun.recv().expect("it syncs");
        let (lsn, second) = commit(2);
        while log.durable.lock().waiters.is_empty() {
            std::thread::yield_now();
        }
        go_on.send(()).expect("it waits");
        first.join().expect("ends").expect("the first commit is durable");
        let told = second.join().expect("ends");
        assert!(matches!(told, Err(RecoveryError::Stopped { .. })), "{told:?}");
        disk.set_fault(None);
        assert!(log.flush_to(lsn).is_err(), "also later");
    }
}
