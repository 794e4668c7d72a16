//! What an open database needs to be changed, and a transaction's part in it.
//!
//! Invariants
//! 1. Counts of rows and pages are written into the catalogue at every checkpoint (COUNT_DELTA), so that the catalogue of a
//!    database that was closed says exactly what its pages hold.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use holdfast_base::{FileId, PageId};
use holdfast_format::catalog::{AllocationUnit, object, unit_type};
use holdfast_format::log::transaction::BranchId;
use holdfast_format::log::{VlfHeader, context, op};
use holdfast_format::record::PageRows;
use holdfast_format::{FormatError, PageView};
pub use holdfast_storage::recovery::log_writer::LogUse;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Body, Change, Counts, LogTransaction, LoggedDatabase, UnitId, What};
use holdfast_types::{SqlError, SqlResult, Value};
use parking_lot::{Mutex, RwLock};

use super::definitions::{Definitions, redefined};
use super::identity::Identities;
use super::pointers;
use super::row_version::RowVersionCounter;
use super::sequence::Sequences;
use super::table::Base;
use super::tree::{Tree, Way};
use crate::database::DatabaseCatalog;
use crate::decision::{Branch, Decisions, Ending};
use crate::lock::{LockManager, LockMode, LockOwner, Resource};
use crate::stored::LiveRowsets;
use crate::stored::live::LiveRowset;
use crate::transaction::{DurableParticipant, Participant, Transaction};

/// The changing side of an open database.
pub struct Writing {
    pub database_id: i32,
    pub logged: Arc<LoggedDatabase>,
    pub rowsets: Arc<LiveRowsets>,
    /// The tree of sysallocunits.
    units: RwLock<Option<Arc<Tree>>>,
    /// Trees of the catalogue that changes themselves keep up.
    catalog: RwLock<Option<CatalogTrees>>,
    pub identities: Identities,
    pub row_versions: RowVersionCounter,
    pub sequences: Sequences,
    pub definitions: Definitions,
    pub locks: Arc<LockManager>,
    next_large: AtomicU64,
    /// Closed with transactions that are not rolled back.
    left_open: AtomicBool,
    decisions: OnceLock<Arc<Decisions>>,
    /// Transactions between the two steps of a commit over several databases.
    pub ending: Ending,
}

/// sysallocunits, sysrowsets, syscolpars, sysobjvalues; and sysrscols where it counts changes of columns at a known place.
#[derive(Clone)]
pub struct CatalogTrees {
    pub units: Arc<Tree>,
    pub rowsets: Arc<Tree>,
    pub columns: Arc<Tree>,
    pub values: Arc<Tree>,
    pub rowset_columns: Option<Arc<Tree>>,
}

/// Database version of SQL Server 2012.
const FIRST_WITH_MODIFICATIONS: u16 = 706;

impl Writing {
    pub fn new(
        database_id: i32,
        logged: Arc<LoggedDatabase>,
        rowsets: Arc<LiveRowsets>,
        locks: Arc<LockManager>,
    ) -> Self {
        // Ids of large values only have to differ from those around them; the end of the log never comes back.
        let end = logged.log().with_writer(|w| w.end());
        let seed = (u64::from(end.vlf) << 20 ^ u64::from(end.block)) & 0xFFFF_FFFF;
        Writing {
            database_id,
            logged,
            rowsets,
            units: RwLock::new(None),
            catalog: RwLock::new(None),
            identities: Identities::default(),
            row_versions: RowVersionCounter::default(),
            sequences: Sequences::default(),
            definitions: Definitions::default(),
            locks,
            next_large: AtomicU64::new(seed.max(1)),
            left_open: AtomicBool::new(false),
            decisions: OnceLock::new(),
            ending: Ending::default(),
        }
    }

    /// Tells where decisions about transactions over several databases are kept; once, before anything is changed.
    pub fn decide_with(&self, decisions: Arc<Decisions>) {
        let _ = self.decisions.set(decisions);
    }

    /// Whether a definition taken at a moment is still that of the table, once a lock keeps it. Who changes it himself knows.
    ///
    /// # Errors
    /// [`super::definitions::REDEFINED`].
    pub fn still_defined(&self, object: i32, name: &str, as_of: u64, owner: LockOwner) -> SqlResult<()> {
        self.readable()?;
        if !self.definitions.changed_since(object, as_of) {
            return Ok(());
        }
        match self.defines(object, owner) {
            true => Ok(()),
            false => Err(redefined(self.database_id, object, name)),
        }
    }

    /// Whether the owner has Sch-M on an object: what changes there is his own doing, unless he got it just now.
    pub fn defines(&self, object: i32, owner: LockOwner) -> bool {
        let resource = Resource::Object { database: self.database_id, object };
        self.locks.held(owner, &resource) == LockMode::SchM
    }

    /// The database is closed, and rows are in it that belong to transactions which nobody has rolled back.
    pub fn leave_open(&self) {
        self.left_open.store(true, Ordering::Release);
    }

    /// 942 when rows of the database may be anybody's, see [`Self::leave_open`].
    pub fn readable(&self) -> SqlResult<()> {
        match self.left_open.load(Ordering::Acquire) {
            true => Err(SqlError::new(942, &[&self.logged.name()])),
            false => Ok(()),
        }
    }

    /// How full the log is.
    pub fn log_use(&self) -> LogUse {
        self.logged.log().with_writer(|w| w.usage())
    }

    /// The VLFs of the log with their files, and which of them hold log that is needed.
    pub fn vlfs(&self) -> Vec<(FileId, VlfHeader, bool)> {
        self.logged.log().with_writer(|w| w.vlfs_of_files().map(|(f, v)| (f, *v, w.is_active(v))).collect())
    }

    /// An id for a new large value.
    pub fn large_id(&self) -> u64 {
        (self.next_large.fetch_add(1, Ordering::Relaxed) & 0xFFFF_FFFF) << 16
    }

    /// The tree of sysallocunits, for root pointers.
    pub fn pointers(&self) -> Option<Arc<Tree>> {
        self.units.read().clone()
    }

    /// Learns the trees of the catalogue from a new snapshot.
    pub fn open_catalog(&self, catalog: &DatabaseCatalog) -> Result<(), FormatError> {
        let tree = |object: i32| -> Result<Arc<Tree>, FormatError> {
            let row =
                catalog.object_row(object).ok_or_else(|| FormatError::catalog("a base table is missing"))?;
            let stored = crate::database::tables::storage(catalog, row)?;
            match stored.writer.as_ref().map(|w| &w.base) {
                Some(Base::Tree { tree, .. }) => Ok(Arc::clone(tree)),
                _ => Err(FormatError::catalog("a base table is no tree")),
            }
        };
        let units = tree(object::SYSALLOCUNITS)?;
        *self.units.write() = Some(Arc::clone(&units));
        let (rowsets, columns) = (tree(object::SYSROWSETS)?, tree(object::SYSCOLPARS)?);
        let values = tree(object::SYSOBJVALUES)?;
        let counted = catalog.version() >= FIRST_WITH_MODIFICATIONS;
        let rowset_columns = if counted { Some(tree(object::SYSRSCOLS)?) } else { None };
        *self.catalog.write() = Some(CatalogTrees { units, rowsets, columns, values, rowset_columns });
        Ok(())
    }

    pub fn trees(&self) -> RecoveryResult<CatalogTrees> {
        self.catalog.read().clone().ok_or_else(|| RecoveryError::Database {
            what: "the catalogue is not open for changes".to_owned(),
        })
    }

    /// The part of a transaction in this database, begun the first time.
    pub fn join(self: &Arc<Self>, transaction: &Transaction) -> SqlResult<Joined> {
        let place = Arc::as_ptr(self) as usize;
        let part = transaction.participant(place, || {
            if let Some(why) = self.logged.stopped() {
                return Err(stopped(&why));
            }
            let log = self.logged.begin(0, "user_transaction");
            let part = DatabaseTransaction {
                writing: Arc::clone(self),
                log: Mutex::new(log),
                emptied: Mutex::new(Vec::new()),
                begun_again: Mutex::new(Vec::new()),
                made: Mutex::new(Vec::new()),
                added: Mutex::new(Vec::new()),
                located: Mutex::new(None),
                prepared: AtomicBool::new(false),
            };
            Ok(Arc::new(part))
        })?;
        Ok(Joined(part))
    }

    /// The same part, if the transaction has one already.
    pub fn joined(self: &Arc<Self>, transaction: &Transaction) -> Option<Joined> {
        transaction.takes_part(Arc::as_ptr(self) as usize).map(Joined)
    }
}

/// A transaction's part in one database, as the transaction holds it.
pub struct Joined(Arc<dyn Participant>);

impl Joined {
    pub fn part(&self) -> SqlResult<&DatabaseTransaction> {
        self.0.as_any().downcast_ref().ok_or_else(|| {
            SqlError::with_text(8624, 16, "Internal error: a transaction's part is of another kind.")
        })
    }
}

/// Pages that are given back when the transaction that emptied their unit commits.
#[derive(Clone, Copy)]
pub struct Emptied {
    pub unit: UnitId,
    pub first_iam: PageId,
}

/// A transaction's part in one database.
pub struct DatabaseTransaction {
    writing: Arc<Writing>,
    pub log: Mutex<LogTransaction>,
    emptied: Mutex<Vec<(usize, Emptied)>>,
    /// Tables whose identity begins again with the commit: mark, object, value last given.
    begun_again: Mutex<Vec<(usize, i32, i128)>>,
    /// Rowsets that the transaction made, each with the mark before its row in the catalogue.
    made: Mutex<Vec<(usize, u64)>>,
    /// Units that it gave to rowsets: the mark behind the unit's row, rowset, kind and id.
    added: Mutex<Vec<(usize, Arc<LiveRowset>, u8, u64)>>,
    /// The row of a tree that was locked last, for who changes it next.
    pub(super) located: Mutex<Option<Located>>,
    /// Between the two steps of a commit over several databases.
    prepared: AtomicBool,
}

/// Where a locked row is: its rowset, its place as bookmarks have it, and the way to it.
pub(super) struct Located {
    pub rowset: u64,
    pub place: Box<[u8]>,
    pub way: Way,
}

impl DatabaseTransaction {
    pub fn writing(&self) -> &Arc<Writing> {
        &self.writing
    }

    /// Notes a rowset that comes into the catalogue next: when its creation is taken back, its pages are given back.
    pub fn note_made(&self, rowset: u64) {
        let mark = self.log.lock().mark();
        self.made.lock().push((mark, rowset));
    }

    /// A rowset has got a unit, which is used from now on; when that is taken back the rowset loses it
    /// again with its pages.
    pub fn note_unit(&self, live: &Arc<LiveRowset>, kind: u8, id: u64) {
        live.unit(kind).set(&AllocationUnit { id, kind, owner: live.rowset, ..AllocationUnit::default() });
        let mark = self.log.lock().mark();
        self.added.lock().push((mark, Arc::clone(live), kind, id));
    }

    /// Frees the pages of one unit that is no longer in the catalogue.
    fn free_pages(&self, id: u64, first_iam: PageId) -> SqlResult<()> {
        let mut change = self.writing.logged.change().map_err(|e| failure(&e))?;
        change
            .take_back(|change| {
                change
                    .system("DeferredDrop", None, |change, own| change.free_unit(own, UnitId(id), first_iam))
            })
            .map_err(|e| failure(&e))
    }

    /// Takes units from rowsets whose catalogue rows were taken back.
    fn sweep_units(&self, mark: usize) -> SqlResult<()> {
        let taken_back: Vec<_> = self.added.lock().extract_if(.., |(at, ..)| *at > mark).collect();
        if taken_back.is_empty() {
            return Ok(());
        }
        let trees = self.writing.trees().map_err(|e| failure(&e))?;
        for (at, live, kind, id) in taken_back {
            let place = {
                let change = self.writing.logged.change().map_err(|e| failure(&e))?;
                let key = [Value::BigInt(id as i64)];
                trees.units.find_entry(change.source(), &key).map_err(|e| crate::page_error(&e))?
            };
            if place.is_some_and(|p| p.found && !p.ghost) {
                self.added.lock().push((at, live, kind, id));
                continue;
            }
            let unit = live.unit(kind);
            if unit.id() != id {
                continue;
            }
            let first_iam = unit.first_iam();
            unit.set(&AllocationUnit::default());
            unit.forget_room();
            if !first_iam.is_null() {
                self.free_pages(id, first_iam)?;
            }
        }
        Ok(())
    }

    /// Frees the pages of rowsets and units whose creation was taken back: those that were made since `mark`. Pages are given out
    /// in transactions of their own, which stay. What was made before and has been dropped gives its pages back with the commit,
    /// or loses them when all is taken back.
    fn sweep(&self, mark: usize) -> SqlResult<()> {
        self.sweep_units(mark)?;
        let taken_back: Vec<_> = self.made.lock().extract_if(.., |(at, _)| *at >= mark).collect();
        if taken_back.is_empty() {
            return Ok(());
        }
        let trees = self.writing.trees().map_err(|e| failure(&e))?;
        for (at, rowset) in taken_back {
            let Some(live) = self.writing.rowsets.get(rowset) else { continue };
            let place = {
                let change = self.writing.logged.change().map_err(|e| failure(&e))?;
                let key = [Value::BigInt(rowset as i64)];
                trees.rowsets.find_entry(change.source(), &key).map_err(|e| crate::page_error(&e))?
            };
            if place.is_some_and(|p| p.found && !p.ghost) {
                self.made.lock().push((at, rowset));
                continue;
            }
            for kind in [unit_type::IN_ROW, unit_type::LOB, unit_type::ROW_OVERFLOW] {
                let unit = live.unit(kind);
                let (id, first_iam) = (unit.id(), unit.first_iam());
                if id == 0 || first_iam.is_null() {
                    continue;
                }
                self.free_pages(id, first_iam)?;
            }
            self.writing.rowsets.forget(rowset);
        }
        Ok(())
    }

    /// Gives pages back with the commit; forgotten when what was changed up to `mark` is rolled back.
    pub fn give_back(&self, mark: usize, emptied: Emptied) {
        self.emptied.lock().push((mark, emptied));
    }

    /// The identity of a table begins again, unless that is rolled back.
    pub fn begin_again(&self, object: i32, last: i128) {
        let mark = self.log.lock().mark();
        self.begun_again.lock().push((mark, object, last));
    }

    /// Takes back what of that came after the mark; `None`: all.
    fn restore_identities(&self, mark: Option<usize>) {
        let mut begun = self.begun_again.lock();
        while let Some((_, object, last)) = begun.pop_if(|(at, ..)| mark.is_none_or(|m| *at > m)) {
            self.writing.identities.restore(object, last);
        }
    }

    /// After the commit.
    fn settle_identities(&self) {
        for (_, object, _) in self.begun_again.lock().drain(..) {
            // What fails here is written by the next checkpoint.
            let _ = self.writing.identities.settle(&self.writing, object);
        }
    }
}

impl Participant for DatabaseTransaction {
    fn place(&self) -> usize {
        Arc::as_ptr(&self.writing) as usize
    }
    fn commit(&self) -> SqlResult<()> {
        let emptied = std::mem::take(&mut *self.emptied.lock());
        let log = &mut self.log.lock();
        let done = self.writing.logged.commit_after(log, |change, log| {
            emptied.iter().try_for_each(|(_, e)| change.free_unit(log, e.unit, e.first_iam))
        });
        if done.is_err() && self.writing.logged.stopped().is_none() {
            self.restore_identities(None);
            self.writing.logged.roll_back_to(log, 0).map_err(|e| failure(&e))?;
            let swept = self.sweep(0);
            self.writing.logged.roll_back(log).map_err(|e| failure(&e))?;
            swept?;
        }
        if done.is_ok() {
            self.settle_identities();
        }
        done.map_err(|e| failure(&e))
    }
    fn durable(&self) -> Option<&dyn DurableParticipant> {
        (!self.log.lock().begin().is_zero()).then_some(self)
    }
    fn rollback(&self) -> SqlResult<()> {
        let done = self.take_back();
        self.no_longer_prepared();
        done
    }
    fn savepoint(&self) -> u64 {
        self.log.lock().mark() as u64
    }
    fn rollback_to(&self, mark: u64) -> SqlResult<()> {
        self.emptied.lock().retain(|(at, _)| *at <= mark as usize);
        self.restore_identities(Some(mark as usize));
        self.writing.logged.roll_back_to(&mut self.log.lock(), mark as usize).map_err(|e| failure(&e))?;
        self.sweep(mark as usize)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl DatabaseTransaction {
    fn take_back(&self) -> SqlResult<()> {
        self.emptied.lock().clear();
        self.restore_identities(None);
        let log = &mut self.log.lock();
        self.writing.logged.roll_back_to(log, 0).map_err(|e| failure(&e))?;
        // Before the transaction ends: as long as it is open, no checkpoint lets recovery forget what is to be freed.
        let swept = self.sweep(0);
        self.writing.logged.roll_back(log).map_err(|e| failure(&e))?;
        swept
    }

    fn emptied_units(&self) -> Vec<(UnitId, PageId)> {
        self.emptied.lock().iter().map(|(_, e)| (e.unit, e.first_iam)).collect()
    }

    fn no_longer_prepared(&self) {
        if self.prepared.swap(false, Ordering::AcqRel) {
            self.writing.ending.leave();
        }
    }
}

impl DurableParticipant for DatabaseTransaction {
    fn decisions(&self) -> Option<Arc<Decisions>> {
        self.writing.decisions.get().cloned()
    }
    fn prepare(&self, branch: BranchId) -> SqlResult<Branch> {
        if !self.writing.ending.enter() {
            return Err(SqlError::new(942, &[&self.writing.logged.name()]));
        }
        self.prepared.store(true, Ordering::Release);
        let emptied = self.emptied_units();
        self.writing.logged.prepare(&mut self.log.lock(), branch, &emptied).map_err(|e| failure(&e))?;
        let emptied = emptied.into_iter().map(|(unit, first_iam)| (unit.0, first_iam)).collect();
        Ok(Branch { id: branch, database: self.writing.database_id, emptied })
    }
    fn commit_prepared(&self) -> SqlResult<()> {
        let emptied = self.emptied_units();
        self.emptied.lock().clear();
        let done = self.writing.logged.commit_prepared(&mut self.log.lock(), &emptied);
        if done.is_ok() {
            self.settle_identities();
        }
        self.no_longer_prepared();
        done.map_err(|e| failure(&e))
    }
    fn doubt(&self, why: &str) {
        self.writing.logged.stop(why);
        self.no_longer_prepared();
    }
}

/// An error of storage as the client sees it.
pub fn failure(error: &RecoveryError) -> SqlError {
    match error {
        RecoveryError::Stopped { what } => stopped(what),
        RecoveryError::NoSpace { what } => SqlError::with_text(
            1105,
            17,
            format!(
                "Could not allocate space because the filegroup is full ({what}). Create disk space by deleting unneeded \
                 files, dropping objects in the filegroup, adding additional files to the filegroup, or setting autogrowth \
                 on for existing files in the filegroup."
            ),
        ),
        RecoveryError::FullLog { database, wait } => {
            SqlError::new(9002, &[database, &wait.name()]).state(*wait as u8)
        }
        RecoveryError::Unreadable { error, .. } => crate::page_error(error),
        other => {
            SqlError::with_text(3314, 21, format!("An error occurred in the log or the pages: {other}."))
        }
    }
}

fn stopped(why: &str) -> SqlError {
    SqlError::with_text(
        9001,
        21,
        format!(
            "The log for the database is not available: {why}. Nothing can be changed until the server is restarted."
        ),
    )
}

impl Counts for Writing {
    fn write(&self, change: &mut Change<'_>) -> RecoveryResult<Vec<(u64, i64)>> {
        let Some(trees) = self.catalog.read().clone() else { return Ok(Vec::new()) };
        // A transaction that changed an object's rows in the catalogue changes them back as it left them, and whoever defines
        // an object writes its marks ahead of it himself.
        let defined = |object: i32| self.locks.is_being_defined(self.database_id, object);
        self.identities.write(change, &trees, &defined)?;
        self.sequences.write(change, &trees, &defined)?;
        // Writing counts changes no counts: these are rows replaced in place.
        let mut carried = Vec::new();
        for live in self.rowsets.changed() {
            live.counts_changed.store(false, Ordering::Relaxed);
            let written = write_counts(change, &trees, &live, defined(live.object_id()));
            if !matches!(written, Ok(None)) {
                live.counts_changed.store(true, Ordering::Relaxed);
            }
            carried.extend(written?.map(|rows| (live.rowset, rows)));
        }
        Ok(carried)
    }
}

/// One COUNT_DELTA: absolute values at offsets of a catalogue row.
pub(super) fn count_delta(
    change: &mut Change<'_>,
    tree: &Tree,
    place: (PageId, u16),
    kind: u32,
    rowset: u64,
    column: Option<u32>,
    values: &[(u64, u32)],
) -> RecoveryResult<()> {
    let mut rest = vec![0u8; 0xD0 - 0x30];
    rest[0..4].copy_from_slice(&kind.to_le_bytes());
    rest[8..16].copy_from_slice(&rowset.to_le_bytes());
    // That of a column names it first.
    if let Some(column) = column {
        rest[0x20..0x24].copy_from_slice(&column.to_le_bytes());
    }
    let first = if column.is_some() { 0x28 } else { 0x20 };
    for (index, (value, offset)) in values.iter().enumerate() {
        let at = first + 16 * index;
        rest[at..at + 8].copy_from_slice(&value.to_le_bytes());
        rest[at + 8..at + 12].copy_from_slice(&offset.to_le_bytes());
        rest[at + 12..at + 16].copy_from_slice(&8u32.to_le_bytes());
    }
    let what = What {
        operation: op::COUNT_DELTA,
        context: context::CLUSTERED,
        page: place.0,
        slot: place.1,
        unit: UnitId(tree.live().in_row.id()),
        body: Body::Page { rest: &rest, elements: false },
    };
    change.log_outside(what)?;
    Ok(())
}

/// Offsets in sysallocunits: data, used, reserved pages; in sysrowsets: rows.
const DATA: u32 = 53;
const USED: u32 = 45;
const RESERVED: u32 = 61;
const ROWS: u32 = 31;

/// Writes the counts of a rowset. Its catalogue row may be deleted, or its object defined anew, by a transaction that may still take
/// that back: then they are to be written later, and the rows that the catalogue does not have are answered.
fn write_counts(
    change: &mut Change<'_>,
    trees: &CatalogTrees,
    live: &LiveRowset,
    defined: bool,
) -> RecoveryResult<Option<i64>> {
    let fail = |error| RecoveryError::Unreadable { page: trees.rowsets.access.root(), error };
    let key = [Value::BigInt(live.rowset as i64)];
    let row = trees.rowsets.find_entry(change.source(), &key).map_err(fail)?.filter(|p| p.found);
    if let Some(ghost) = row.as_ref().filter(|p| p.ghost || defined) {
        let rows = PageRows::new(PageView::new(&ghost.image)).map_err(fail)?;
        let record = super::tree::record_bytes(&rows, ghost.slot).map_err(fail)?;
        let stored = record.get(ROWS as usize..ROWS as usize + 8).and_then(|b| b.try_into().ok());
        let stored = stored.map(i64::from_le_bytes).ok_or_else(|| RecoveryError::Database {
            what: format!("the row of rowset {} in sysrowsets is cut off", live.rowset),
        })?;
        return Ok(Some(live.rows.load(Ordering::Relaxed) - stored));
    }
    let value = |v: i64| v.max(0).unsigned_abs();
    for (kind, number) in [(unit_type::IN_ROW, 0), (unit_type::LOB, 3), (unit_type::ROW_OVERFLOW, 4)] {
        let unit = live.unit(kind);
        if unit.id() == 0 {
            continue;
        }
        // A rowset whose creation was rolled back, or that was dropped, has no row any more.
        let Ok(place) = pointers::row_of(&trees.units, change, unit.id()) else { continue };
        let data = value(unit.data.load(Ordering::Relaxed));
        let used = value(unit.used.load(Ordering::Relaxed));
        let reserved = value(unit.reserved.load(Ordering::Relaxed));
        let counts: &[(u64, u32)] = if kind == unit_type::IN_ROW {
            &[(data, DATA), (used, USED), (reserved, RESERVED)]
        } else {
            &[(used, USED), (reserved, RESERVED)]
        };
        count_delta(change, &trees.units, place, number, live.rowset, None, counts)?;
    }
    if let Some(place) = row {
        let rows = value(live.rows.load(Ordering::Relaxed));
        let at = (place.page, place.slot);
        count_delta(change, &trees.rowsets, at, 1, live.rowset, None, &[(rows, ROWS)])?;
        if let Some(columns) = trees.rowset_columns.as_ref().filter(|_| live.index_id < 2) {
            super::modifications::write(change, columns, live)?;
        }
    }
    Ok(None)
}
