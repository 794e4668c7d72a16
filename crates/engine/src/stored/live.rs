//! What changes about a rowset while its database is open: where its pages begin, and how many there are. Definitions are
//! snapshots; this is shared by all snapshots of one open database.
//!
//! Invariants
//! 1. Root and IAM pointers here equal those of the catalogue row at all times; counts are ahead of it until the next
//!    checkpoint.
//! 2. `structure` is odd while a page split is going on: who walks down a tree meanwhile walks again (see [`LiveRowset::stable`]).
//!    So does whoever reads whole trees of the catalogue ([`LiveRowsets::steady`]).
//! 3. A leaf is taken out of its tree only while nobody reads the table: whoever reads says so ([`LiveRowset::read`]) before
//!    the first walk, and holds page numbers only as long as that. No leaf is taken out of the catalogue's trees.
//! 4. A rowset is known here from before its first row in the catalogue ([`LiveRowsets::make`]): a snapshot of the catalogue that
//!    is read in the middle of its creation or removal may lack its units, and what is known of a rowset outlives snapshots.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use holdfast_base::{FileId, PageId};
use holdfast_format::catalog::{AllocationUnit, RowCache, Rowset, SystemTables, unit_type};
use parking_lot::{Mutex, RwLock};

use super::room::LargeRoom;
use crate::write::ghost::FIRST_USER_OBJECT;
use crate::write::modifications::Modifications;
use crate::write::tree::Tree;

fn pack(id: PageId) -> u64 {
    u64::from(id.file) << 32 | u64::from(id.page)
}

fn unpack(raw: u64) -> PageId {
    PageId::new((raw >> 32) as u16, raw as u32)
}

/// An allocation unit of a rowset.
#[derive(Debug, Default)]
pub struct LiveUnit {
    id: AtomicU64,
    first: AtomicU64,
    root: AtomicU64,
    first_iam: AtomicU64,
    /// Units of large values: where the next piece may go.
    pub room: Mutex<LargeRoom>,
    pub used: AtomicI64,
    pub data: AtomicI64,
    pub reserved: AtomicI64,
}

impl LiveUnit {
    fn of(unit: Option<&AllocationUnit>) -> Self {
        let live = LiveUnit::default();
        if let Some(unit) = unit {
            live.set(unit);
        }
        live
    }

    /// Takes over what a catalogue row says.
    pub fn set(&self, unit: &AllocationUnit) {
        self.id.store(unit.id, Ordering::Release);
        self.set_first(unit.first);
        self.set_root(unit.root);
        self.set_first_iam(unit.first_iam);
        self.used.store(unit.used_pages, Ordering::Relaxed);
        self.data.store(unit.data_pages, Ordering::Relaxed);
        self.reserved.store(unit.reserved_pages, Ordering::Relaxed);
    }

    /// 0: the rowset has no such unit.
    pub fn id(&self) -> u64 {
        self.id.load(Ordering::Acquire)
    }
    pub fn first(&self) -> PageId {
        unpack(self.first.load(Ordering::Acquire))
    }
    pub fn root(&self) -> PageId {
        unpack(self.root.load(Ordering::Acquire))
    }
    pub fn first_iam(&self) -> PageId {
        unpack(self.first_iam.load(Ordering::Acquire))
    }
    /// What is known of room for large values is asked of the maps again.
    pub fn forget_room(&self) {
        *self.room.lock() = LargeRoom::default();
    }
    pub fn set_first(&self, id: PageId) {
        self.first.store(pack(id), Ordering::Release);
    }
    pub fn set_root(&self, id: PageId) {
        self.root.store(pack(id), Ordering::Release);
    }
    pub fn set_first_iam(&self, id: PageId) {
        self.first_iam.store(pack(id), Ordering::Release);
    }
}

/// A rowset of an open database.
#[derive(Debug, Default)]
pub struct LiveRowset {
    pub rowset: u64,
    /// The table; another one after ALTER TABLE … SWITCH.
    object_id: AtomicI32,
    pub index_id: i32,
    pub filegroup: i16,
    pub in_row: LiveUnit,
    pub lob: LiveUnit,
    pub overflow: LiveUnit,
    pub rows: AtomicI64,
    /// Changes of columns, where this holds a table's rows.
    pub modifications: Modifications,
    /// Counts differ from the catalogue.
    pub counts_changed: AtomicBool,
    structure: AtomicU64,
    /// Heaps: pages that may have room, the next to try last; `None` before they were looked for.
    pub room: Mutex<Option<Vec<PageId>>>,
    /// Pages with deleted rows that still stand there, and how often clearing them was put off for readers' sake; pages of large
    /// values that were emptied.
    pub ghosts: Mutex<BTreeMap<PageId, u8>>,
    /// Reads under way; counted at the rowset that holds the table's rows, for its indexes as well.
    readers: AtomicUsize,
    /// The tree, once the table was looked up.
    pub tree: Mutex<Weak<Tree>>,
}

/// A read of a table that goes on (invariant 3).
#[derive(Debug)]
pub struct Reading(Arc<LiveRowset>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl LiveRowset {
    pub fn new(tables: &SystemTables, rowset: &Rowset) -> Self {
        let unit = tables.unit(rowset.id, unit_type::IN_ROW);
        LiveRowset {
            rowset: rowset.id,
            object_id: AtomicI32::new(rowset.object_id),
            index_id: rowset.index_id,
            filegroup: unit.map_or(1, |u| u.filegroup),
            in_row: LiveUnit::of(unit),
            lob: LiveUnit::of(tables.unit(rowset.id, unit_type::LOB)),
            overflow: LiveUnit::of(tables.unit(rowset.id, unit_type::ROW_OVERFLOW)),
            rows: AtomicI64::new(rowset.rows),
            ..LiveRowset::default()
        }
    }

    pub fn object_id(&self) -> i32 {
        self.object_id.load(Ordering::Acquire)
    }

    /// By [`unit_type`].
    pub fn unit(&self, kind: u8) -> &LiveUnit {
        match kind {
            unit_type::LOB => &self.lob,
            unit_type::ROW_OVERFLOW => &self.overflow,
            _ => &self.in_row,
        }
    }

    pub fn count_rows(&self, by: i64) {
        self.rows.fetch_add(by, Ordering::Relaxed);
        self.counts_changed.store(true, Ordering::Relaxed);
    }

    /// A read of the table begins; it ends when the guard goes.
    pub fn read(self: &Arc<Self>) -> Reading {
        self.readers.fetch_add(1, Ordering::SeqCst);
        Reading(Arc::clone(self))
    }

    /// The tree of this rowset, as long as a definition of the table holds it.
    pub fn know_tree(&self, tree: &Arc<Tree>) {
        let mut known = self.tree.lock();
        if known.strong_count() == 0 {
            *known = Arc::downgrade(tree);
        }
    }

    /// A page has deleted rows.
    pub fn note_ghosts(&self, page: PageId) {
        self.ghosts.lock().entry(page).or_default();
    }

    /// A change of the tree's shape begins; it ends when the guard goes.
    pub fn restructure(&self) -> Restructuring<'_> {
        self.structure.fetch_add(1, Ordering::SeqCst);
        Restructuring(self)
    }

    /// The number of the tree's present shape; odd while that changes.
    pub fn shape(&self) -> u64 {
        self.structure.load(Ordering::SeqCst)
    }

    /// Runs `walk` until the tree did not change its shape meanwhile.
    pub fn stable<T>(&self, walk: impl FnMut() -> T) -> T {
        self.stable_at(walk).1
    }

    /// The same, with the number of the shape that `walk` met.
    pub fn stable_at<T>(&self, mut walk: impl FnMut() -> T) -> (u64, T) {
        loop {
            let before = self.structure.load(Ordering::SeqCst);
            if before % 2 == 1 {
                std::thread::yield_now();
                continue;
            }
            let found = walk();
            if self.structure.load(Ordering::Acquire) == before {
                return (before, found);
            }
        }
    }
}

/// See [`LiveRowset::restructure`].
pub struct Restructuring<'a>(&'a LiveRowset);

impl Drop for Restructuring<'_> {
    fn drop(&mut self) {
        self.0.structure.fetch_add(1, Ordering::AcqRel);
    }
}

fn reserve(last: &AtomicI64, highest: i64) -> i64 {
    let next = |last: i64| last.max(highest) + 0x1_0000;
    let before = last.fetch_update(Ordering::AcqRel, Ordering::Acquire, |l| Some(next(l)));
    next(before.unwrap_or(highest))
}

/// The rowsets of an open database, and its files by filegroup.
#[derive(Debug, Default)]
pub struct LiveRowsets {
    /// What was decoded of the catalogue, for the next snapshot.
    pub decoded: Arc<RowCache>,
    /// Highest ids given to new rowsets and units.
    last_rowset: AtomicI64,
    last_unit: AtomicI64,
    /// Id given to the latest object where the catalogue does not keep the next one; 0: none since opening.
    last_object: AtomicI64,
    rowsets: RwLock<HashMap<u64, Arc<LiveRowset>>>,
    files: RwLock<HashMap<i16, Vec<FileId>>>,
    names: RwLock<HashMap<i16, String>>,
}

impl LiveRowsets {
    /// The live side of a rowset of a catalogue snapshot.
    pub fn of(&self, tables: &SystemTables, rowset: &Rowset) -> Arc<LiveRowset> {
        if let Some(known) = self.rowsets.read().get(&rowset.id) {
            known.object_id.store(rowset.object_id, Ordering::Release);
            return Arc::clone(known);
        }
        let mut all = self.rowsets.write();
        Arc::clone(all.entry(rowset.id).or_insert_with(|| Arc::new(LiveRowset::new(tables, rowset))))
    }

    /// A rowset is about to be entered in the catalogue; its units come afterwards.
    pub fn make(&self, rowset: u64, object_id: i32, index_id: i32, filegroup: i16) {
        let object_id = AtomicI32::new(object_id);
        let live = LiveRowset { rowset, object_id, index_id, filegroup, ..LiveRowset::default() };
        self.rowsets.write().insert(rowset, Arc::new(live));
    }

    /// How often the trees of the catalogue have changed their shape; `None` while one does.
    fn catalogue_shape(&self) -> Option<(usize, u64)> {
        let rowsets = self.rowsets.read();
        let mut shape = (0, 0);
        for live in rowsets.values().filter(|r| (1..FIRST_USER_OBJECT).contains(&r.object_id())) {
            let own = live.shape();
            if own % 2 == 1 {
                return None;
            }
            shape = (shape.0 + 1, shape.1 + own);
        }
        Some(shape)
    }

    /// Reads trees of the catalogue leaf by leaf: again when one of them was split meanwhile, so that no row is missed or met twice.
    pub fn steady<T>(&self, mut read: impl FnMut() -> T) -> T {
        loop {
            let Some(before) = self.catalogue_shape() else {
                std::thread::yield_now();
                continue;
            };
            let found = read();
            if self.catalogue_shape() == Some(before) {
                return found;
            }
        }
    }

    pub fn get(&self, rowset: u64) -> Option<Arc<LiveRowset>> {
        self.rowsets.read().get(&rowset).cloned()
    }

    /// The log names a rowset: a new one gets a higher id.
    pub fn seen(&self, rowset: u64) {
        self.last_rowset.fetch_max(i64::try_from(rowset).unwrap_or(0), Ordering::AcqRel);
    }

    /// An id for a new rowset above `highest`, the highest in the catalogue; none is given twice.
    /// Those of rowsets that were removed while the database was open count: what is known of them goes by their id.
    pub fn reserve_rowset(&self, highest: i64) -> i64 {
        let known = self.rowsets.read().keys().copied().max().unwrap_or(0);
        reserve(&self.last_rowset, highest.max(i64::try_from(known).unwrap_or(0)))
    }

    /// The same for an allocation unit.
    pub fn reserve_unit(&self, highest: i64) -> i64 {
        let ids = |r: &Arc<LiveRowset>| r.in_row.id().max(r.lob.id()).max(r.overflow.id());
        let known = self.rowsets.read().values().map(ids).max().unwrap_or(0);
        reserve(&self.last_unit, highest.max(i64::try_from(known).unwrap_or(0)))
    }

    /// An id for a new object where the catalogue does not keep the next one: `first`, then what comes `after` the last one
    /// given. A statement takes the ids of a table's constraints before any of them is in the catalogue.
    pub fn reserve_object(&self, first: i64, after: impl Fn(i64) -> i64) -> i64 {
        let next = |last: i64| if last == 0 { first } else { after(last) };
        let before = self.last_object.fetch_update(Ordering::AcqRel, Ordering::Acquire, |l| Some(next(l)));
        next(before.unwrap_or(0))
    }

    /// Those whose counts the catalogue does not have yet.
    pub fn changed(&self) -> Vec<Arc<LiveRowset>> {
        let all = self.rowsets.read();
        all.values().filter(|r| r.counts_changed.load(Ordering::Relaxed)).cloned().collect()
    }

    /// Whether somebody reads the table.
    pub fn is_read(&self, object: i32) -> bool {
        let rowsets = self.rowsets.read();
        let mut own = rowsets.values().filter(|r| r.object_id() == object);
        own.any(|r| r.readers.load(Ordering::SeqCst) > 0)
    }

    /// Those with deleted rows to be cleared away.
    pub fn with_ghosts(&self) -> Vec<Arc<LiveRowset>> {
        self.rowsets.read().values().filter(|r| !r.ghosts.lock().is_empty()).cloned().collect()
    }

    /// Forgets a rowset that was dropped or whose creation was rolled back.
    pub fn forget(&self, rowset: u64) {
        self.rowsets.write().remove(&rowset);
    }

    pub fn set_files(&self, files: HashMap<i16, Vec<FileId>>, names: HashMap<i16, String>) {
        *self.files.write() = files;
        *self.names.write() = names;
    }

    /// Name of a filegroup, for messages.
    pub fn group_name(&self, filegroup: i16) -> String {
        self.names.read().get(&filegroup).cloned().unwrap_or_else(|| "PRIMARY".to_owned())
    }

    /// Data files of a filegroup; those of the primary one when it is not known.
    pub fn files(&self, filegroup: i16) -> Vec<FileId> {
        let files = self.files.read();
        match files.get(&filegroup) {
            Some(own) => own.clone(),
            // A filegroup that has no files yet.
            None if self.names.read().contains_key(&filegroup) => Vec::new(),
            None => files.get(&1).cloned().unwrap_or_else(|| vec![1]),
        }
    }
}
