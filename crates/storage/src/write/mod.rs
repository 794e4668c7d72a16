//! Changing an open database: one log, one gate for changes, dirty pages, checkpoints, rollback.
//!
//! Module map: [`log`] appending and group commit; [`transaction`] a transaction's records; [`space`] pages and extents;
//! [`grow`] making files larger; [`shrink`] and smaller; [`files`] adding and removing them; [`checkpoint`] writing dirty pages; [`losers`] rolled back after a recovery; `prepare` parts of transactions over several databases; [`open`] recovery and everything behind it.
//!
//! Invariants (docs/design/write.md)
//! 1. A page changes only by a log record applied with the one redo, under the gate ([`LoggedDatabase::change`]).
//! 2. The gate is never held while waiting for a lock or for a commit to become durable.
//! 3. A page reaches its file only after the log up to its last change is durable.
//! 4. After an error in the middle of a change nothing more is changed until the database is opened again: memory may
//!    differ from the log then.

pub mod checkpoint;
pub mod files;
pub mod grow;
pub mod log;
mod log_thread;
mod log_waiters;
pub mod losers;
pub mod open;
mod prepare;
pub mod shrink;
pub mod space;
pub mod transaction;
mod undo_list;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use holdfast_base::world::Clock;
use holdfast_base::{FileId, Lsn, PageId};
use holdfast_disk::DiskFile;
use holdfast_format::PageRef;
use holdfast_format::log::page_operation::DeleteSplit;
use holdfast_format::log::record::flag;
use holdfast_format::log::write::{
    RecordHeader, begin_transaction, count_change, end_transaction, page_record, row_record,
};
use holdfast_format::log::{
    Context, LogRecord, LogTime, Operation, PageTarget, RowTarget, TransactionId, context, op,
};
use holdfast_format::page::PageView;
use holdfast_format::source::PageSource;
use parking_lot::{Mutex, MutexGuard, RwLock};

use crate::cache::DatabasePages;
use crate::recovery::counts::{CountChanges, leftover_record, lone_count};
use crate::recovery::journal::PageJournal;
use crate::recovery::undo::{Stretch, take_back_rows};
use crate::recovery::{LogWait, Protection, RecoveryError, RecoveryResult, redo};
use log::{Bell, Log};
use space::Space;
use transaction::{Entry, KEPT_RECORDS};
pub use transaction::{LogTransaction, Rows, Undo};
use undo_list::UndoList;

/// Log kept for the record that ends a transaction.
const END_ROOM: u64 = 128 + log::RECORD_ROOM;
/// Log that taking a record back may need beyond the record's own length, with what its block needs and the note of what is
/// left behind.
pub(crate) const UNDO_ROOM: u64 = 160 + log::RECORD_ROOM;

/// The allocation unit that a page belongs to: the parts of its id that pages and records carry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UnitId(pub u64);

impl UnitId {
    pub const fn object_part(self) -> u32 {
        (self.0 >> 16) as u32
    }
    pub const fn index_part(self) -> u16 {
        (self.0 >> 48) as u16
    }
    /// Allocation maps, headers and the boot page.
    pub const FIXED: UnitId = UnitId((holdfast_format::page::header::FIXED_PAGE_OBJECT as u64) << 16);
}

/// What the gate protects besides the pages.
pub(crate) struct State {
    pub space: Space,
    /// Open transactions that have written something.
    pub open: HashMap<TransactionId, OpenEntry>,
    /// What only the owner may use of a page.
    pub reserved: HashMap<PageId, Vec<Held>>,
    pub last_checkpoint: Lsn,
    /// Where recovery begins once that checkpoint is in the boot page.
    pub recovery_start: Lsn,
    /// Something is being taken back: what that logs was promised, or must go through all the same.
    pub taking_back: u32,
}

/// Room that a transaction gave up and may want back.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    transaction: TransactionId,
    bytes: u16,
    /// First slot behind the one that was emptied; 0 where no slot was.
    slots: u16,
}

#[derive(Clone, Copy)]
pub(crate) struct OpenEntry {
    pub begin: Lsn,
    pub last: Lsn,
}

/// Called at a checkpoint for the counts that live in memory until then.
pub trait Counts: Send + Sync {
    /// Writes changed counts into the catalogue through `change`. Answers those that it cannot take at this time: rowsets, and how
    /// many rows each has got since the catalogue had them. Their pages are counted with them after a recovery.
    fn write(&self, change: &mut Change<'_>) -> RecoveryResult<Vec<(u64, i64)>>;
}

/// A database open for changes.
pub struct LoggedDatabase {
    pages: Arc<DatabasePages>,
    data: RwLock<BTreeMap<FileId, Arc<dyn DiskFile>>>,
    log: Arc<Log>,
    state: Mutex<State>,
    journal: Mutex<Option<PageJournal>>,
    checkpointing: Mutex<()>,
    /// Somebody makes checkpoints when they are due.
    tended: AtomicBool,
    clock: Arc<dyn Clock>,
    version: u16,
    protection: Protection,
    next_transaction: AtomicU64,
    stopped: OnceLock<String>,
    /// It was a failure that stopped it: what memory holds was not acknowledged and may not be shown.
    failed: AtomicBool,
    /// Weak: who keeps the counts holds the database.
    counts: Mutex<Option<Weak<dyn Counts>>>,
    /// What recovery found that the catalogue does not have yet.
    recovered: Mutex<CountChanges>,
    name: Mutex<String>,
}

/// The right to change pages, and what is being changed.
pub struct Change<'a> {
    database: &'a LoggedDatabase,
    state: MutexGuard<'a, State>,
}

/// Local time as the log has it.
pub fn log_time(clock: &dyn Clock) -> LogTime {
    let utc = clock.now_utc();
    let seconds = utc.as_secs() as i64 + i64::from(clock.local_offset_minutes(utc)) * 60;
    // 1900-01-01 is 25,567 days before 1970-01-01.
    let days = seconds.div_euclid(86_400) + 25_567;
    let ticks = seconds.rem_euclid(86_400) * 300 + i64::from(utc.subsec_millis()) * 300 / 1000;
    LogTime { days: u32::try_from(days).unwrap_or(0), ticks: ticks as u32 }
}

impl LoggedDatabase {
    pub fn pages(&self) -> &Arc<DatabasePages> {
        &self.pages
    }

    /// Internal version of the database.
    pub fn version(&self) -> u16 {
        self.version
    }

    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Who is asked for counts at checkpoints.
    pub fn set_counts(&self, counts: Weak<dyn Counts>) {
        *self.counts.lock() = Some(counts);
    }

    /// Counts that recovery found and that the catalogue does not have yet; whoever takes them keeps them in memory.
    pub fn take_recovered_counts(&self) -> CountChanges {
        std::mem::take(&mut *self.recovered.lock())
    }

    /// What messages call the database.
    pub fn set_name(&self, name: &str) {
        *self.name.lock() = name.to_owned();
    }

    pub fn name(&self) -> String {
        self.name.lock().clone()
    }

    /// Makes a checkpoint when the log fills up and that can help. Not under the gate. Where somebody else makes them, changes go
    /// on meanwhile, as long as the log has room or may grow.
    pub fn relieve_log(&self) -> RecoveryResult<()> {
        let due = || self.log.is_pressed() && (self.log.is_urgent() || !self.tended.load(Ordering::Relaxed));
        if !due() {
            return Ok(());
        }
        let _one = self.checkpointing.lock();
        if !due() {
            return Ok(());
        }
        self.checkpoint_alone().map(|_| ())
    }

    /// Whether a checkpoint now would let go of log; the first record of an old open transaction may hold all of it.
    pub fn checkpoint_frees_log(&self) -> bool {
        let oldest = self.state.lock().open.values().map(|e| e.begin.vlf).min();
        let (kept, now) = self.log.with_writer(|w| (w.oldest_needed(), w.end().vlf));
        oldest.unwrap_or(now).min(now) > kept
    }

    /// Whether a transaction has changed something and has not ended.
    pub fn has_open_transactions(&self) -> bool {
        !self.state.lock().open.is_empty()
    }

    /// From now on the caller makes a checkpoint when this rings.
    pub fn tend(&self) -> Arc<Bell> {
        self.tended.store(true, Ordering::Relaxed);
        Arc::clone(self.log.bell())
    }

    /// Why nothing can be changed any more, if that is so.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.get().cloned()
    }

    /// Whether a failure stopped all changes.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Invariant 4.
    pub fn stop(&self, why: &str) {
        self.failed.store(true, Ordering::Release);
        self.close(why);
    }

    /// Nothing is changed any more, because nobody wants it.
    pub fn close(&self, why: &str) {
        self.stopped.get_or_init(|| why.to_owned());
    }

    /// An error when nothing can be changed any more.
    pub fn check(&self) -> RecoveryResult<()> {
        match self.stopped.get() {
            Some(what) => Err(RecoveryError::Stopped { what: what.clone() }),
            None => Ok(()),
        }
    }

    /// A transaction that has not written anything yet.
    pub fn begin(&self, session: u32, name: &str) -> LogTransaction {
        let id = TransactionId(self.next_transaction.fetch_add(1, Ordering::Relaxed));
        LogTransaction {
            id,
            begin: Lsn::ZERO,
            last: Lsn::ZERO,
            entries: UndoList::default(),
            kept: 0,
            block: None,
            promised: 0,
            session,
            name: name.to_owned(),
            reserved: false,
        }
    }

    /// Waits for the gate.
    pub fn change(&self) -> RecoveryResult<Change<'_>> {
        self.check()?;
        let state = self.state.lock();
        self.check()?;
        Ok(Change { database: self, state })
    }

    /// Ends a transaction whose changes stay: returns after they are durable. Locks are released by the caller afterwards.
    pub fn commit(&self, transaction: &mut LogTransaction) -> RecoveryResult<()> {
        self.commit_after(transaction, |_, _| Ok(()))
    }

    /// The same; `last` makes changes that nobody else may see before the transaction has ended. When it fails, the
    /// transaction goes on and is to be rolled back.
    pub fn commit_after(
        &self,
        transaction: &mut LogTransaction,
        last: impl FnOnce(&mut Change<'_>, &mut LogTransaction) -> RecoveryResult<()>,
    ) -> RecoveryResult<()> {
        if transaction.begin.is_zero() {
            return Ok(());
        }
        let lsn = {
            let mut change = self.change()?;
            last(&mut change, transaction).inspect_err(|_| change.forget_space())?;
            change.end(transaction, op::COMMIT_XACT)?
        };
        transaction.entries.clear();
        transaction.kept = 0;
        self.log.flush_to(lsn).inspect_err(|e| self.stop(&e.to_string()))
    }

    /// Takes back everything since `mark` (see [`LogTransaction::mark`]).
    pub fn roll_back_to(&self, transaction: &mut LogTransaction, mark: usize) -> RecoveryResult<()> {
        while transaction.entries.len() > mark {
            let mut change = self.change()?;
            // A stretch at a time, so that others get the gate in between.
            for _ in 0..64 {
                if transaction.entries.len() <= mark {
                    break;
                }
                let popped = transaction.entries.pop().inspect_err(|e| self.stop(&e.to_string()))?;
                let Some(entry) = popped else { break };
                change.undo(transaction, &entry).inspect_err(|e| self.stop(&e.to_string()))?;
            }
        }
        Ok(())
    }

    /// Takes back a whole transaction and ends it.
    pub fn roll_back(&self, transaction: &mut LogTransaction) -> RecoveryResult<()> {
        self.roll_back_to(transaction, 0)?;
        if transaction.begin.is_zero() {
            return Ok(());
        }
        let mut change = self.change()?;
        change.end(transaction, op::ABORT_XACT)?;
        Ok(())
    }
}

impl Change<'_> {
    pub fn database(&self) -> &LoggedDatabase {
        self.database
    }

    pub fn source(&self) -> &DatabasePages {
        &self.database.pages
    }

    pub fn page(&self, id: PageId) -> RecoveryResult<PageRef> {
        self.database.pages.page(id).map_err(|error| RecoveryError::Unreadable { page: id, error })
    }

    fn time(&self) -> LogTime {
        log_time(&*self.database.clock)
    }

    /// Invariant 4 for an error that may have left a change half done.
    fn fatal<T>(&self, done: RecoveryResult<T>) -> RecoveryResult<T> {
        done.inspect_err(|e| self.database.stop(&e.to_string()))
    }

    fn ensure_begun(&mut self, transaction: &mut LogTransaction) -> RecoveryResult<()> {
        if !transaction.begin.is_zero() {
            return Ok(());
        }
        let record = begin_transaction(
            transaction.id,
            TransactionId::NONE,
            transaction.session,
            1,
            self.time(),
            &transaction.name,
            self.database.log.version(),
        );
        self.begin_with(transaction, &record)
    }

    /// Log to be kept: none while something is taken back.
    fn promised(&self, bytes: u64) -> u64 {
        if self.state.taking_back > 0 { 0 } else { bytes }
    }

    /// Runs what belongs to taking something back: it does not fail because the log is full of promises.
    pub fn take_back<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        self.state.taking_back += 1;
        let done = f(self);
        self.state.taking_back -= 1;
        done
    }

    fn begin_with(&mut self, transaction: &mut LogTransaction, record: &[u8]) -> RecoveryResult<()> {
        let promise = self.promised(END_ROOM);
        let lsn = self.append_promising(record, promise)?;
        transaction.promised += promise;
        (transaction.begin, transaction.last) = (lsn, lsn);
        self.state.open.insert(transaction.id, OpenEntry { begin: lsn, last: lsn });
        Ok(())
    }

    /// Appends a record when there is room for it and for `promise` bytes more; otherwise the statement fails and nothing has
    /// changed.
    fn append_promising(&mut self, record: &[u8], promise: u64) -> RecoveryResult<Lsn> {
        if self.state.taking_back > 0 {
            return self.fatal(self.database.log.append(record));
        }
        let done = self.database.log.append_promising(record, promise);
        self.unless_full(done)
    }

    /// Keeps `bytes` of the log for records to come, until [`Log::release`](log::Log::release).
    fn keep_room(&mut self, bytes: u64) -> RecoveryResult<()> {
        let done = self.database.log.promise(bytes);
        self.unless_full(done)
    }

    /// That the log is full has changed nothing; everything else stops the database.
    fn unless_full<T>(&mut self, done: RecoveryResult<T>) -> RecoveryResult<T> {
        match done {
            Err(RecoveryError::NoLogSpace { .. }) => {
                Err(RecoveryError::FullLog { database: self.database.name(), wait: self.log_wait() })
            }
            done => self.fatal(done),
        }
    }

    /// What keeps the log from being reused.
    pub fn log_wait(&self) -> LogWait {
        let log = &self.database.log;
        let checkpoint = self.state.last_checkpoint;
        if !log.is_reusable() {
            return LogWait::LogBackup;
        }
        match self.oldest_open() {
            Some(oldest) if oldest < checkpoint || checkpoint.vlf == log.last().vlf => {
                LogWait::ActiveTransaction
            }
            _ if checkpoint.vlf < log.last().vlf => LogWait::Checkpoint,
            _ => LogWait::Nothing,
        }
    }

    fn end(&mut self, transaction: &mut LogTransaction, operation: Operation) -> RecoveryResult<Lsn> {
        let version = self.database.log.version();
        let record = end_transaction(operation, transaction.id, transaction.begin, self.time(), 0, version);
        let lsn = self.fatal(self.database.log.append(&record))?;
        self.database.log.release(std::mem::take(&mut transaction.promised));
        self.state.open.remove(&transaction.id);
        if std::mem::take(&mut transaction.reserved) {
            self.state.reserved.retain(|_, held| {
                held.retain(|h| h.transaction != transaction.id);
                !held.is_empty()
            });
        }
        transaction.begin = Lsn::ZERO;
        Ok(lsn)
    }

    /// Appends a record that was built for the page as it is and applies it. Without a promise to ask for, it is one that
    /// was promised.
    fn apply(&mut self, bytes: &[u8], page: PageId, promise: Option<u64>) -> RecoveryResult<Lsn> {
        let lsn = match promise {
            Some(promise) => self.append_promising(bytes, promise)?,
            None => self.fatal(self.database.log.append(bytes))?,
        };
        let done = LogRecord::new(lsn, bytes).map_err(RecoveryError::from).and_then(|record| {
            let target = record.page_target()?.ok_or_else(|| RecoveryError::Database {
                what: "a change of a page without a page".to_owned(),
            })?;
            let ghosts = |image: &holdfast_format::PageBytes| PageView::new(image).ghost_count() > 0;
            let changed = self.database.pages.modify(page, |image| {
                let before = ghosts(image);
                redo::apply(&record, &target, image).map_err(Failed::Redo)?;
                Ok::<_, Failed>((before != ghosts(image)).then_some(!before))
            })?;
            Ok(changed.map(|ghosts| (ghosts, record.operation() == op::EXPUNGE_ROWS)))
        });
        if let Some((ghosts, expunged)) = self.fatal(done)? {
            self.hint(|change| change.note_ghosts(page, ghosts, expunged))?;
        }
        Ok(lsn)
    }

    /// What is logged only so that others find something sooner: it is left out where the log has no room beside what was promised,
    /// and where the map cannot be read.
    pub(super) fn hint(&mut self, f: impl FnOnce(&mut Self) -> RecoveryResult<()>) -> RecoveryResult<()> {
        let taking_back = std::mem::take(&mut self.state.taking_back);
        let done = f(self);
        self.state.taking_back = taking_back;
        match done {
            Err(RecoveryError::FullLog { .. } | RecoveryError::Unreadable { .. }) => Ok(()),
            done => done,
        }
    }

    /// After a compensation: heaps and large values have in the PFS how full their pages are.
    fn note_taken_back(&mut self, record: &LogRecord<'_>, page: PageId) -> RecoveryResult<()> {
        if !matches!(record.context(), context::HEAP | context::TEXT_MIX) {
            return Ok(());
        }
        let free = {
            let image = self.page(page)?;
            let view = PageView::new(&image);
            let kept = [holdfast_format::page::PageType::Data, holdfast_format::page::PageType::TextMix];
            kept.iter().any(|k| view.is(*k)).then(|| usize::from(view.free_count()).min(8096))
        };
        match free {
            Some(free) => self.hint(|change| change.note_fullness(page, 8096 - free)),
            None => Ok(()),
        }
    }

    fn target(&self, page: PageId, slot: u16, unit: UnitId) -> RecoveryResult<PageTarget> {
        let image = self.page(page)?;
        Ok(PageTarget {
            page,
            slot,
            object_part: unit.object_part(),
            index_part: unit.index_part(),
            page_lsn: PageView::new(&image).lsn(),
        })
    }

    /// A record that does not fit its page must not come into the log: redo could not apply it either. Where there may not be room
    /// for it, it is tried on a copy.
    ///
    /// # Errors
    /// What applying it would answer; nothing has changed then.
    fn try_out(&self, bytes: &[u8], what: &What<'_>) -> RecoveryResult<()> {
        let Body::Row { elements, .. } = &what.body else { return Ok(()) };
        let length = |at: usize| elements.get(at).map_or(0, |e| e.len());
        // No less than the page can grow by.
        let growth = match what.operation {
            op::INSERT_ROWS => elements.iter().map(|e| e.len() + 2).sum(),
            op::MODIFY_ROW => length(1).saturating_sub(length(0)),
            op::MODIFY_COLUMNS => bytes.len(),
            _ => 0,
        };
        if growth == 0 {
            return Ok(());
        }
        let image = self.page(what.page)?;
        if usize::from(PageView::new(&image).free_count()) >= growth {
            return Ok(());
        }
        let mut copy = *image;
        let record = LogRecord::new(Lsn::ZERO, bytes)?;
        match record.page_target()? {
            Some(target) => redo::apply(&record, &target, &mut copy),
            None => Ok(()),
        }
    }

    /// One change of a transaction.
    pub fn log(
        &mut self,
        transaction: &mut LogTransaction,
        what: What<'_>,
        undo: Undo,
    ) -> RecoveryResult<Lsn> {
        self.ensure_begun(transaction)?;
        let target = self.target(what.page, what.slot, what.unit)?;
        let header = RecordHeader {
            previous: transaction.last,
            flags: flag::TRANSACTION,
            transaction: transaction.id,
            operation: what.operation,
            context: what.context,
        };
        let bytes = what.body.record(&header, &target);
        self.try_out(&bytes, &what)?;
        self.touch(what.page)?;
        let mut promise = bytes.len() as u64 + UNDO_ROOM;
        if what.operation == op::DELETE_SPLIT {
            // The rows are named by their number and come back as they are.
            promise += holdfast_base::PAGE_SIZE as u64;
        }
        let promise = self.promised(promise);
        let lsn = self.apply(&bytes, what.page, Some(promise))?;
        let record = match (&undo, &what.body) {
            // Taking rows back needs their number only.
            (Undo::Rows { .. }, Body::Row { row, elements }) => {
                row_record(&header, &target, row, &vec![&[][..]; elements.len()])
            }
            _ => bytes,
        };
        self.note(transaction, lsn, record, undo, promise);
        Ok(lsn)
    }

    fn note(
        &mut self,
        transaction: &mut LogTransaction,
        lsn: Lsn,
        record: Vec<u8>,
        undo: Undo,
        promise: u64,
    ) {
        let keep = transaction.kept + record.len() <= KEPT_RECORDS;
        let record = keep.then(|| record.into_boxed_slice());
        transaction.kept += record.as_ref().map_or(0, |r| r.len());
        let entry = Entry { lsn, record, undo, promise };
        transaction.last = entry.lsn;
        if let Some(open) = self.state.open.get_mut(&transaction.id) {
            open.last = entry.lsn;
        }
        transaction.promised += entry.promise;
        transaction.entries.push(entry);
    }

    /// A record of the transaction without a page (savepoints, counters).
    pub fn log_only(
        &mut self,
        transaction: &mut LogTransaction,
        operation: Operation,
        rest: &[u8],
    ) -> RecoveryResult<()> {
        self.ensure_begun(transaction)?;
        let header = RecordHeader {
            previous: transaction.last,
            flags: flag::TRANSACTION,
            transaction: transaction.id,
            operation,
            context: context::NULL,
        };
        let bytes = holdfast_format::log::write::record(&header, rest, None);
        transaction.last = self.append_promising(&bytes, 0)?;
        if let Some(open) = self.state.open.get_mut(&transaction.id) {
            open.last = transaction.last;
        }
        Ok(())
    }

    /// Rows that went away (or came) without a record of their own: TRUNCATE.
    pub fn log_rows(
        &mut self,
        transaction: &mut LogTransaction,
        rowset: u64,
        rows: i64,
    ) -> RecoveryResult<()> {
        self.ensure_begun(transaction)?;
        let header = RecordHeader {
            previous: transaction.last,
            flags: flag::TRANSACTION,
            transaction: transaction.id,
            operation: op::HOBT_DELTA,
            context: context::NULL,
        };
        let bytes = count_change(&header, rowset, rows, 0);
        let promise = self.promised(bytes.len() as u64 + UNDO_ROOM);
        let lsn = self.append_promising(&bytes, promise)?;
        self.note(transaction, lsn, bytes, Undo::InPlace, promise);
        Ok(())
    }

    /// Says that the number of a unit's pages changes, for the counts after a recovery.
    fn log_unit(&mut self, unit: UnitId) -> RecoveryResult<()> {
        self.append_promising(&lone_count(0, 0, unit.0), 0)?;
        Ok(())
    }

    /// The same in a rollback, within the room that was kept for the record it takes back.
    pub fn log_unit_again(&mut self, unit: UnitId) -> RecoveryResult<()> {
        self.fatal(self.database.log.append(&lone_count(0, 0, unit.0)))?;
        Ok(())
    }

    /// Whether room on the page is kept for somebody's rollback.
    pub fn is_reserved(&self, page: PageId) -> bool {
        self.state.reserved.contains_key(&page)
    }

    /// Appends a compensation that changes no page.
    fn append(&mut self, transaction: &mut LogTransaction, bytes: &[u8]) -> RecoveryResult<Lsn> {
        transaction.last = self.fatal(self.database.log.append(bytes))?;
        if let Some(open) = self.state.open.get_mut(&transaction.id) {
            open.last = transaction.last;
        }
        Ok(transaction.last)
    }

    /// A change that belongs to no transaction: free space, ghost clean-up, counts, differential maps.
    pub fn log_outside(&mut self, what: What<'_>) -> RecoveryResult<Lsn> {
        let target = self.target(what.page, what.slot, what.unit)?;
        let header = RecordHeader {
            previous: Lsn::ZERO,
            flags: 0,
            transaction: TransactionId::NONE,
            operation: what.operation,
            context: what.context,
        };
        let bytes = what.body.record(&header, &target);
        if what.context != context::DIFF_MAP {
            self.touch(what.page)?;
        }
        self.apply(&bytes, what.page, Some(0))
    }

    /// A nested transaction whose changes stay whatever becomes of the user's: page splits, allocation. An error inside it
    /// takes back what it did so far and is the statement's alone; `f` leaves nothing in memory that differs from the pages
    /// then, except through [`Undo::Call`].
    pub fn system<T>(
        &mut self,
        name: &str,
        parent: Option<&LogTransaction>,
        f: impl FnOnce(&mut Self, &mut LogTransaction) -> RecoveryResult<T>,
    ) -> RecoveryResult<T> {
        let mut own = self.database.begin(0, name);
        let parent_id = parent.map_or(TransactionId::NONE, |t| t.id);
        let version = self.database.log.version();
        let record = begin_transaction(own.id, parent_id, 0, 3, self.time(), name, version);
        self.begin_with(&mut own, &record)?;
        match f(self, &mut own) {
            Ok(out) => {
                self.end(&mut own, op::COMMIT_XACT)?;
                Ok(out)
            }
            Err(e) => {
                // After a failure of the log, or of a page that was to be changed, memory is not to be trusted.
                if self.database.stopped().is_some() {
                    return Err(e);
                }
                if !own.entries.is_empty() {
                    loop {
                        let popped = own.entries.pop();
                        let Some(entry) = self.fatal(popped)? else { break };
                        let done = self.undo(&mut own, &entry);
                        self.fatal(done)?;
                    }
                    self.forget_space();
                }
                self.end(&mut own, op::ABORT_XACT)?;
                Err(e)
            }
        }
    }

    /// Free bytes of a page for this transaction: what others need to take their changes back stays free.
    pub fn free_bytes(&self, page: PageId, transaction: TransactionId) -> RecoveryResult<usize> {
        let image = self.page(page)?;
        let free = usize::from(PageView::new(&image).free_count());
        let held = self.state.reserved.get(&page);
        let others = held.map_or(0, |all| {
            all.iter().filter(|h| h.transaction != transaction).map(|h| usize::from(h.bytes)).sum()
        });
        Ok(free.saturating_sub(others))
    }

    /// First record of the oldest open transaction that has changed anything.
    pub fn oldest_open(&self) -> Option<Lsn> {
        self.state.open.values().map(|e| e.begin).min()
    }

    /// Keeps bytes that a row gave up, until the transaction ends.
    pub fn reserve(&mut self, transaction: &mut LogTransaction, page: PageId, bytes: usize) {
        self.hold(transaction, page, bytes, 0);
    }

    /// Keeps the place of a row whose slot was emptied.
    pub fn reserve_slot(&mut self, transaction: &mut LogTransaction, page: PageId, slot: u16, bytes: usize) {
        self.hold(transaction, page, bytes, slot.saturating_add(1));
    }

    fn hold(&mut self, transaction: &mut LogTransaction, page: PageId, bytes: usize, slots: u16) {
        let bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
        if bytes > 0 {
            let all = self.state.reserved.entry(page).or_default();
            match all.iter_mut().find(|h| h.transaction == transaction.id) {
                Some(held) => {
                    held.bytes = held.bytes.saturating_add(bytes);
                    held.slots = held.slots.max(slots);
                }
                None => all.push(Held { transaction: transaction.id, bytes, slots }),
            }
            transaction.reserved = true;
        }
    }

    /// First slot of a page behind all that are in use or kept by [`Self::reserve_slot`]; slots emptied at the end of a page
    /// are cut off it.
    pub fn slot_behind(&self, page: PageId) -> RecoveryResult<u16> {
        let count = PageView::new(&*self.page(page)?).slot_count();
        let held = self.state.reserved.get(&page).into_iter().flatten().map(|h| h.slots).max();
        Ok(count.max(held.unwrap_or(0)))
    }

    /// Rows moved from one page to another: what was kept free on the first is now kept on both.
    pub fn reserve_like(&mut self, from: PageId, to: PageId) {
        if let Some(held) = self.state.reserved.get(&from).cloned() {
            self.state.reserved.insert(to, held);
        }
    }

    /// All rows moved from one page to another: what was kept free goes with them.
    pub fn reserve_instead(&mut self, from: PageId, to: PageId) {
        if let Some(held) = self.state.reserved.remove(&from) {
            self.state.reserved.insert(to, held);
        }
    }

    /// Takes one change back.
    fn undo(&mut self, transaction: &mut LogTransaction, entry: &Entry) -> RecoveryResult<()> {
        self.take_back(|change| change.undo_entry(transaction, entry))
    }

    /// Takes back rows that were entered together: one compensation for each page they are on by now.
    fn undo_rows(
        &mut self,
        transaction: &mut LogTransaction,
        entry: &Entry,
        record: &LogRecord<'_>,
        rows: &Arc<dyn Rows>,
        key: &[u8],
    ) -> RecoveryResult<()> {
        let Some(target) = record.page_target()? else { return Ok(()) };
        let entered = crate::recovery::undo::rows_entered(record)?;
        let stretches = rows.stretches(self, target.page, target.slot, key, entered)?;
        for (at, &(page, slot, here)) in stretches.iter().enumerate().rev() {
            let stretch = Stretch { page, slot, rows: here, last: at == 0 };
            let bytes = take_back_rows(&mut ChangePages { change: self }, record, stretch)?;
            self.touch(page)?;
            transaction.last = self.apply(&bytes, page, None)?;
            if let Some(open) = self.state.open.get_mut(&transaction.id) {
                open.last = transaction.last;
            }
            self.note_taken_back(record, page)?;
            rows.counted(-i64::from(here));
        }
        self.database.log.release(entry.promise);
        transaction.promised = transaction.promised.saturating_sub(entry.promise);
        Ok(())
    }

    fn undo_entry(&mut self, transaction: &mut LogTransaction, entry: &Entry) -> RecoveryResult<()> {
        if let Some(bytes) = &entry.record {
            transaction.kept = transaction.kept.saturating_sub(bytes.len());
            return self.undo_record(transaction, entry, &LogRecord::new(entry.lsn, bytes)?);
        }
        let first = Lsn { slot: 1, ..entry.lsn };
        let block = match transaction.block.take().filter(|block| block.header().lsn == first) {
            Some(block) => block,
            None => self.database.log.block_of(entry.lsn)?,
        };
        self.undo_record(transaction, entry, &block.record(entry.lsn.slot)?)?;
        transaction.block = Some(block);
        Ok(())
    }

    fn undo_record(
        &mut self,
        transaction: &mut LogTransaction,
        entry: &Entry,
        record: &LogRecord<'_>,
    ) -> RecoveryResult<()> {
        if let Undo::Rows { rows, key } = &entry.undo {
            return self.undo_rows(transaction, entry, record, rows, key);
        }
        let written = {
            let mut pages = ChangePages { change: self };
            let mut locate = |_: &LogRecord<'_>, target: &PageTarget| Ok((target.page, target.slot));
            match &entry.undo {
                Undo::InPlace | Undo::Call(_) | Undo::Rows { .. } => {
                    let mut moved = |record: &LogRecord<'_>, split: &DeleteSplit| {
                        moved_rows(&transaction.entries, record, split)
                    };
                    crate::recovery::undo::compensate(&mut pages, &mut moved, record, &mut locate)?
                }
                Undo::Row { rows, key, .. } => {
                    let Some(target) = record.page_target()? else { return Ok(()) };
                    let mut place = rows.find(pages.change, target.page, target.slot, key)?;
                    let image = pages.change.page(place.0)?;
                    let growth = growth_of_undo(record, &image, place.1)?;
                    // All that is free: what others keep for their own way back is never more than is left behind this
                    // (a transaction takes of a page only what the others do not keep, or what it gave up itself).
                    if growth > usize::from(PageView::new(&image).free_count()) {
                        place = rows.make_room(pages.change, place.0, place.1, key, growth)?;
                    }
                    let mut locate = |_: &LogRecord<'_>, _: &PageTarget| Ok(place);
                    let mut moved = |record: &LogRecord<'_>, split: &DeleteSplit| {
                        moved_rows(&transaction.entries, record, split)
                    };
                    crate::recovery::undo::compensate(&mut pages, &mut moved, record, &mut locate)?
                }
            }
        };
        if let Some(bytes) = written {
            // A crash before whoever rolls back has freed them: recovery does it.
            if let Some((unit, first_iam)) =
                crate::recovery::undo::left_behind(&mut ChangePages { change: self }, record, &bytes)?
            {
                self.database.log.append(&leftover_record(unit, first_iam))?;
            }
            let page = LogRecord::new(Lsn::ZERO, &bytes)?.page_target()?.map(|t| t.page);
            if page.is_none() {
                self.append(transaction, &bytes)?;
            } else if let Some(page) = page {
                // Compensations carry the previous LSN of what they undo, so an interrupted rollback goes on behind it.
                self.touch(page)?;
                let lsn = self.apply(&bytes, page, None)?;
                transaction.last = lsn;
                if let Some(open) = self.state.open.get_mut(&transaction.id) {
                    open.last = lsn;
                }
                self.note_taken_back(record, page)?;
            }
        }
        self.database.log.release(entry.promise);
        transaction.promised = transaction.promised.saturating_sub(entry.promise);
        match &entry.undo {
            Undo::Row { rows, count, .. } if *count != 0 => rows.counted(-i64::from(*count)),
            Undo::Call(f) => f(),
            _ => {}
        }
        Ok(())
    }
}

/// The rows that a split moved, out of the record that put them on the new page before.
fn moved_rows(
    entries: &UndoList,
    record: &LogRecord<'_>,
    split: &DeleteSplit,
) -> RecoveryResult<Vec<Vec<u8>>> {
    let mut images: Vec<Vec<u8>> = Vec::new();
    for entry in entries.newest() {
        // Splits are nested transactions of their own, far below what is kept.
        let Some(bytes) = &entry.record else { break };
        let before = LogRecord::new(entry.lsn, bytes)?;
        if before.operation() == op::INSERT_ROWS
            && before.page_target()?.is_some_and(|t| t.page == split.new_page)
        {
            images.splice(0..0, before.elements()?.rows().map(<[u8]>::to_vec));
            if images.len() >= usize::from(split.rows) {
                break;
            }
        }
    }
    if images.len() != usize::from(split.rows) {
        return Err(RecoveryError::CannotUndo { lsn: record.lsn(), operation: record.operation() });
    }
    Ok(images)
}

/// Bytes by which undoing a record makes its page fuller; `slot` is where its row is now.
fn growth_of_undo(
    record: &LogRecord<'_>,
    page: &holdfast_format::PageBytes,
    slot: u16,
) -> RecoveryResult<usize> {
    let elements = record.elements()?;
    Ok(match record.operation() {
        op::MODIFY_ROW => elements.required(0)?.len().saturating_sub(elements.required(1)?.len()),
        op::DELETE_ROWS if redo::row::rows_keep_slots(record.context()) => {
            // The slot may still be there, or several may have been cut off the end of the page since.
            let slots = usize::from((slot + 1).saturating_sub(PageView::new(page).slot_count()));
            elements.required(0)?.len() + 2 * slots
        }
        op::DELETE_ROWS if record.context() != context::MARK_AS_GHOST => elements.required(0)?.len() + 2,
        op::DELETE_ROWS => {
            // The ghost there may be of a row that had taken the place meanwhile.
            let view = PageView::new(page);
            let index = view.is(holdfast_format::page::PageType::Index);
            let there = view
                .record(slot)
                .and_then(|bytes| holdfast_format::record::record_length(bytes, index, view.pminlen()).ok());
            elements.required(0)?.len().saturating_sub(there.unwrap_or(0))
        }
        _ => 0,
    })
}

/// Pages as undo wants them.
struct ChangePages<'c, 'a> {
    change: &'c mut Change<'a>,
}

impl crate::recovery::undo::Images for ChangePages<'_, '_> {
    fn image(&mut self, id: PageId) -> RecoveryResult<holdfast_format::PageBytes> {
        self.change.page(id).map(|image| *image)
    }
    fn has_file(&self, file: FileId) -> bool {
        self.change.database.data.read().contains_key(&file)
    }
}

/// What a record does, besides whose it is.
pub struct What<'a> {
    pub operation: Operation,
    pub context: Context,
    pub page: PageId,
    pub slot: u16,
    pub unit: UnitId,
    pub body: Body<'a>,
}

/// The rest of a record.
pub enum Body<'a> {
    /// Fixed part behind the page header; with an (empty) element area or none.
    Page {
        rest: &'a [u8],
        elements: bool,
    },
    Row {
        row: RowTarget,
        elements: &'a [&'a [u8]],
    },
    /// FORMAT_PAGE of a page that begins with compression information.
    Format {
        rest: &'a [u8],
        information: &'a [u8],
    },
}

impl Body<'_> {
    fn record(&self, header: &RecordHeader, target: &PageTarget) -> Vec<u8> {
        match self {
            Body::Page { rest, elements } => page_record(header, target, rest, elements.then_some(&[][..])),
            Body::Row { row, elements } => row_record(header, target, row, elements),
            Body::Format { rest, information } => page_record(header, target, rest, Some(&[information])),
        }
    }
}

/// Errors of changing a cached page.
enum Failed {
    Format(holdfast_format::FormatError),
    Redo(RecoveryError),
}

impl From<holdfast_format::FormatError> for Failed {
    fn from(e: holdfast_format::FormatError) -> Self {
        Failed::Format(e)
    }
}

impl From<Failed> for RecoveryError {
    fn from(e: Failed) -> Self {
        match e {
            Failed::Format(error) => RecoveryError::Page { lsn: Lsn::ZERO, error },
            Failed::Redo(e) => e,
        }
    }
}
