//! Changing a B-tree: insert, mark deleted, replace in place, page splits.
//!
//! Invariants
//! 1. Entries are ordered by the whole key (uniquifier and row locator included where the index has them); no two are equal.
//! 2. A split moves rows to a new page on the right, in a system transaction of its own; the root keeps its place as leftmost
//!    page of its level, a new root is put above it.
//! 3. A leaf that a key leads to stays its leaf as long as the tree keeps its shape ([`LiveRowset::shape`]): what was found without
//!    the gate ([`Tree::walk`]) is looked at again under it, and the way down is not.
//! 4. Deleted entries stay as ghosts until nobody can need them (see [`super::ghost`]); an entry with the same key takes the
//!    ghost's place.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use holdfast_base::{Lsn, PageId};
use holdfast_format::log::{Context, RowTarget, context, op};
use holdfast_format::page::{PageType, PageView};
use holdfast_format::record::writer::{Parts, RecordShape};
use holdfast_format::record::{Field, FixedVar, PageRows, PhysicalColumn, Row, RowLayout};
use holdfast_format::{FormatError, PageRef, PageSource, btree};
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::space::{Format, Link, Taken};
use holdfast_storage::write::{Body, Change, LogTransaction, Undo, UnitId, What};
use holdfast_types::Value;

use super::undo::TreeRows;
use super::{pointers, row};
use crate::stored::LiveRowsets;
use crate::stored::live::LiveRowset;
use crate::stored::probe::Probe;
use crate::stored::seek::compare_row;
use crate::stored::table::{RowsetAccess, StoredKey};

/// Bytes that no key has more of: 1,700 of a nonclustered index, 900 of the clustered one that it leads to, and what tells their
/// lengths. A long row must not ask its parent for room as if all of it were key: no parent would ever have that.
const LONGEST_KEY: usize = 2700;

/// Bytes that a key column has at most.
fn longest(column: &PhysicalColumn) -> usize {
    match (column.length, column.xtype) {
        // sql_variant and hierarchyid name no length; no number or time is longer than 17.
        (0, 98 | 240) => LONGEST_KEY,
        (0, _) => 17,
        (n, _) => usize::from(n),
    }
}

/// What a row may gain on a page with compression information, with its slot.
const LONGER_BY_PREFIXES: usize = 64;

/// A B-tree as changes need it.
pub struct Tree {
    pub access: RowsetAccess,
    /// All key columns, locator and uniquifier included.
    pub keys: Arc<[StoredKey]>,
    pub clustered: bool,
    pub rowsets: Arc<LiveRowsets>,
    /// The tree of sysallocunits, where root pointers are kept; `None` for that tree itself.
    pub pointers: Option<Arc<Tree>>,
}

/// Where an entry is or belongs.
pub struct Place {
    pub page: PageId,
    pub image: PageRef,
    pub slot: u16,
    /// The entry there has exactly the key.
    pub found: bool,
    pub ghost: bool,
    /// Pages from the root to the parent, with the slot taken.
    path: Vec<(PageId, u16)>,
}

/// A [`Place`] found without the gate; it holds no image, which a change would have to copy.
pub struct Way {
    shape: u64,
    page: PageId,
    lsn: Lsn,
    slot: u16,
    found: bool,
    ghost: bool,
    path: Vec<(PageId, u16)>,
}

fn unreadable(page: PageId) -> impl Fn(FormatError) -> RecoveryError {
    move |error| RecoveryError::Unreadable { page, error }
}

impl Tree {
    pub fn live(&self) -> &Arc<LiveRowset> {
        &self.access.live
    }

    pub fn layout(&self) -> &RowLayout {
        &self.access.layout
    }

    pub fn unit(&self) -> UnitId {
        UnitId(self.live().in_row.id())
    }

    /// Bytes that an entry's declared key may have.
    pub fn longest_key(&self) -> usize {
        let columns = self.keys.iter().filter(|k| k.ordinal.is_some());
        columns.filter_map(|k| self.layout().columns.get(k.position)).map(longest).sum()
    }

    pub fn positions(&self) -> Vec<usize> {
        self.keys.iter().map(|k| k.position).collect()
    }

    fn leaf_shape(&self) -> RecordShape {
        if self.clustered { RecordShape::Data } else { RecordShape::IndexLeaf }
    }

    fn context(&self, level_is_leaf: bool) -> Context {
        match (level_is_leaf, self.clustered) {
            (false, _) => context::INDEX_INTERIOR,
            (true, true) => context::CLUSTERED,
            (true, false) => context::INDEX_LEAF,
        }
    }

    /// The key of an entry.
    pub fn key_of(
        &self,
        source: &dyn PageSource,
        row: &Row<'_>,
        internal: bool,
    ) -> Result<Vec<Value>, FormatError> {
        crate::stored::seek::key_values(source, row, &self.access, &self.keys, internal)
    }

    /// Order of an entry against a key or a prefix of one.
    fn compare(
        &self,
        source: &dyn PageSource,
        row: &Row<'_>,
        key: &[Value],
        internal: bool,
    ) -> Result<Ordering, FormatError> {
        compare_row(source, row, &self.access, &self.keys, key, internal)
    }

    /// First entry that is not before `key` (a whole key or a prefix), and the way to it. `None`: the tree has no page.
    pub fn find(&self, source: &dyn PageSource, key: &[Value]) -> Result<Option<Place>, FormatError> {
        let root = self.access.root();
        if root.is_null() {
            return Ok(None);
        }
        let mut path = Vec::new();
        let mut at = root;
        for _ in 0..btree::MAX_DEPTH {
            let image = btree::tree_page(source, at)?;
            let view = PageView::new(&image);
            let rows = PageRows::new(view)?;
            let leaf = btree::is_leaf(view, self.clustered);
            let low = self.search(source, &rows, key, leaf)?;
            if leaf {
                let (found, ghost) = self.meets(source, &rows, low, key)?;
                drop(rows);
                return Ok(Some(Place { page: at, image, slot: low, found, ghost, path }));
            }
            if rows.is_empty() {
                return Err(FormatError::Tree { page: at, what: "an upper level page is empty" });
            }
            let slot = low - 1;
            let child = btree::child_at(&rows, slot)?;
            path.push((at, slot));
            at = child;
        }
        Err(FormatError::Tree { page: root, what: "the tree is too deep" })
    }

    /// Slot of the first entry of a page that is not before `key`; on an upper level the one behind that which leads to it.
    fn search(
        &self,
        source: &dyn PageSource,
        rows: &PageRows<'_>,
        key: &[Value],
        leaf: bool,
    ) -> Result<u16, FormatError> {
        let probe = Probe::new(&self.access, &self.keys, key, !leaf);
        let (mut low, mut high) = (u16::from(!leaf), rows.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let order = probe.order(source, rows, middle)?;
            // An upper entry equal to the key leads to it; a prefix may begin before such an entry.
            let right = if leaf || key.len() < self.keys.len() {
                order == Ordering::Less
            } else {
                order != Ordering::Greater
            };
            if right { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// Whether the entry in a slot of a leaf has the key, and is a ghost.
    fn meets(
        &self,
        source: &dyn PageSource,
        rows: &PageRows<'_>,
        slot: u16,
        key: &[Value],
    ) -> Result<(bool, bool), FormatError> {
        let Some(row) = (if slot < rows.len() { rows.row(slot)? } else { None }) else {
            return Ok((false, false));
        };
        let found = self.compare(source, &row, key, false)? == Ordering::Equal;
        Ok((found, row.kind() == holdfast_format::record::row::RowKind::Ghost))
    }

    /// The place of a whole key without the gate, and how to come back to it; `known`, if it was found before.
    pub fn walk(
        &self,
        source: &dyn PageSource,
        key: &[Value],
        known: Option<&Way>,
    ) -> Result<Option<(Place, Way)>, FormatError> {
        let (shape, found) = self.live().stable_at(|| self.find_by(source, key, known));
        Ok(found?.map(|place| {
            let Place { page, slot, found, ghost, .. } = place;
            let (lsn, path) = (PageView::new(&place.image).lsn(), place.path.clone());
            let way = Way { shape, page, lsn, slot, found, ghost, path };
            (place, way)
        }))
    }

    /// As [`Self::find`] for a whole key, by the way found before (invariant 3); under the gate, or in a walk that is repeated when
    /// the tree has changed its shape.
    pub fn find_by(
        &self,
        source: &dyn PageSource,
        key: &[Value],
        way: Option<&Way>,
    ) -> Result<Option<Place>, FormatError> {
        let Some(way) = way.filter(|way| way.shape == self.live().shape()) else {
            return self.find(source, key);
        };
        let Way { page, path, .. } = way;
        let (page, path) = (*page, path.clone());
        let image = btree::tree_page(source, page)?;
        let view = PageView::new(&image);
        if view.lsn() == way.lsn {
            let Way { slot, found, ghost, .. } = *way;
            return Ok(Some(Place { page, image, slot, found, ghost, path }));
        }
        let rows = PageRows::new(view)?;
        let slot = self.search(source, &rows, key, true)?;
        let (found, ghost) = self.meets(source, &rows, slot, key)?;
        drop(rows);
        Ok(Some(Place { page, image, slot, found, ghost, path }))
    }

    /// Like [`Self::find`], but where the place is behind the last entry of a page that has a next one, the place in that.
    pub fn find_entry(&self, source: &dyn PageSource, key: &[Value]) -> Result<Option<Place>, FormatError> {
        let Some(mut place) = self.find(source, key)? else { return Ok(None) };
        loop {
            let view = PageView::new(&place.image);
            if place.slot < view.slot_count() || view.next().is_null() {
                return Ok(Some(place));
            }
            let next = view.next();
            let image = btree::tree_page(source, next)?;
            let rows = PageRows::new(PageView::new(&image))?;
            let (found, ghost) = self.meets(source, &rows, 0, key)?;
            drop(rows);
            place = Place { page: next, image, slot: 0, found, ghost, path: Vec::new() };
        }
    }

    /// Every entry that begins with `prefix`, ghosts included, until `take` says no more.
    pub fn for_prefix(
        &self,
        source: &dyn PageSource,
        prefix: &[Value],
        mut take: impl FnMut(&Row<'_>, PageId, u16, bool) -> Result<bool, FormatError>,
    ) -> Result<(), FormatError> {
        let Some(mut place) = self.find_entry(source, prefix)? else { return Ok(()) };
        loop {
            let view = PageView::new(&place.image);
            let rows = PageRows::new(view)?;
            while place.slot < rows.len() {
                let missing = FormatError::NoSuchSlot { page: place.page, slot: place.slot };
                let row = rows.row(place.slot)?.ok_or(missing)?;
                if self.compare(source, &row, prefix, false)? != Ordering::Equal {
                    return Ok(());
                }
                let ghost = row.kind() == holdfast_format::record::row::RowKind::Ghost;
                if !take(&row, place.page, place.slot, ghost)? {
                    return Ok(());
                }
                place.slot += 1;
            }
            let next = view.next();
            if next.is_null() {
                return Ok(());
            }
            drop(rows);
            place.image = btree::tree_page(source, next)?;
            (place.page, place.slot) = (next, 0);
        }
    }

    /// The undo of a change of the entry with these key fields.
    fn undo(self: &Arc<Self>, key: &[u8], count: i8) -> Undo {
        Undo::Row { rows: Arc::new(TreeRows(Arc::clone(self))), key: key.into(), count }
    }

    fn row_target(&self) -> RowTarget {
        RowTarget { rowset: self.access.rowset, ..RowTarget::default() }
    }

    /// Inserts an entry whose key is not there; `key` is its key, `fields` the key's stored fields. Counts a row.
    pub fn insert(
        self: &Arc<Self>,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        key: &[Value],
        fields: &[u8],
        record: &[u8],
        way: Option<&Way>,
    ) -> RecoveryResult<PageId> {
        for _ in 0..64 {
            let found = self.find_by(change.source(), key, way).map_err(unreadable(self.access.root()))?;
            let Some(place) = found else {
                self.first_page(change, transaction)?;
                continue;
            };
            if place.found && !place.ghost {
                return Err(RecoveryError::Database {
                    what: "an index entry to be inserted exists".to_owned(),
                });
            }
            let (page, slot) = (place.page, place.slot);
            let free = change.free_bytes(page, transaction.id)?;
            let mut row = self.row_target();
            let mut given_up = 0;
            let rows = PageRows::new(PageView::new(&place.image)).map_err(unreadable(page))?;
            let whole = record;
            let record = rows.fitted(self.layout(), whole).map_err(unreadable(page))?;
            let fits = if place.found {
                row.size_or_flags = 2;
                let old = record_bytes(&rows, slot).map_err(unreadable(page))?.len();
                given_up = old.saturating_sub(record.len());
                record.len() <= old + free
            } else {
                record.len() + 2 <= free
            };
            drop(rows);
            if !fits {
                self.split(change, transaction, &place, whole)?;
                continue;
            }
            // The image would have to be copied for the change.
            drop(place);
            let body = Body::Row { row, elements: &[&record, &[], &[]] };
            let what = What {
                operation: op::INSERT_ROWS,
                context: self.context(true),
                page,
                slot,
                unit: self.unit(),
                body,
            };
            change.log(transaction, what, self.undo(fields, 1))?;
            change.reserve(transaction, page, given_up);
            self.live().count_rows(1);
            return Ok(page);
        }
        Err(RecoveryError::Database {
            what: "an index page was split again and again without room".to_owned(),
        })
    }

    /// Puts leading entries into the last page, by one log record, when the first belongs behind all that are there; answers
    /// how many, 0 when it does not. `key` is its declared key and `fields` the stored fields of the whole; the others follow
    /// in order. Nobody else may change the tree. `keep`: bytes of a page that stay free unless nothing else is on it (FILLFACTOR).
    /// `note` learns every row before it is there.
    pub fn append(
        self: &Arc<Self>,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        key: &[Value],
        fields: &[u8],
        records: &[&[u8]],
        keep: usize,
        note: &dyn Fn(&[u8]) -> RecoveryResult<()>,
    ) -> RecoveryResult<usize> {
        let Some(first) = records.first() else { return Ok(0) };
        for _ in 0..64 {
            let Some(place) = self.find(change.source(), key).map_err(unreadable(self.access.root()))? else {
                self.first_page(change, transaction)?;
                continue;
            };
            let view = PageView::new(&place.image);
            if place.slot < view.slot_count() || !view.next().is_null() {
                return Ok(0);
            }
            let (page, slot) = (place.page, place.slot);
            let free = change.free_bytes(page, transaction.id)?;
            let room = free.saturating_sub(keep);
            let fits_alone = slot == 0 && first.len() + 2 <= free;
            if first.len() + 2 > room && !fits_alone {
                self.split(change, transaction, &place, first)?;
                continue;
            }
            // The image would have to be copied for the change.
            drop(place);
            let mut used = 0;
            let fits = records.iter().take_while(|r| {
                used += r.len() + 2;
                used <= room
            });
            let count = fits.count().max(1);
            let mut elements = records.get(..count).unwrap_or(records).to_vec();
            for record in &elements {
                note(record)?;
            }
            elements.extend([&[][..], &[][..]]);
            let body = Body::Row { row: self.row_target(), elements: &elements };
            let (context, unit) = (self.context(true), self.unit());
            let what = What { operation: op::INSERT_ROWS, context, page, slot, unit, body };
            let rows = Arc::new(TreeRows(Arc::clone(self)));
            change.log(transaction, what, Undo::Rows { rows, key: fields.into() })?;
            self.live().count_rows(count as i64);
            return Ok(count);
        }
        Err(RecoveryError::Database {
            what: "an index page was split again and again without room".to_owned(),
        })
    }

    /// Marks an entry as deleted.
    pub fn delete(
        self: &Arc<Self>,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        place: Place,
        fields: &[u8],
    ) -> RecoveryResult<()> {
        let Place { page, slot, image, .. } = place;
        let record = {
            let rows = PageRows::new(PageView::new(&image)).map_err(unreadable(page))?;
            record_bytes(&rows, slot).map_err(unreadable(page))?.to_vec()
        };
        // It would have to be copied for the change.
        drop(image);
        let row = RowTarget { offset: 1, ..self.row_target() };
        let body = Body::Row { row, elements: &[&record, &[]] };
        let what = What {
            operation: op::DELETE_ROWS,
            context: context::MARK_AS_GHOST,
            page,
            slot,
            unit: self.unit(),
            body,
        };
        change.log(transaction, what, self.undo(fields, -1))?;
        self.live().count_rows(-1);
        self.live().note_ghosts(page);
        Ok(())
    }

    /// Replaces an entry by one with the same key.
    pub fn replace(
        self: &Arc<Self>,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        key: &[Value],
        fields: &[u8],
        record: &[u8],
        way: Option<&Way>,
    ) -> RecoveryResult<()> {
        for _ in 0..64 {
            let fail = unreadable(self.access.root());
            let place = self.find_by(change.source(), key, way).map_err(&fail)?;
            let missing = || RecoveryError::Database { what: "a row to be changed is not there".to_owned() };
            let place = place.filter(|p| p.found && !p.ghost).ok_or_else(missing)?;
            let fail = unreadable(place.page);
            let rows = PageRows::new(PageView::new(&place.image)).map_err(&fail)?;
            let old = record_bytes(&rows, place.slot).map_err(&fail)?.to_vec();
            let record = rows.fitted(self.layout(), record).map_err(&fail)?;
            let growth = record.len().saturating_sub(old.len());
            if growth > 0 && growth > change.free_bytes(place.page, transaction.id)? {
                let whole = standalone(&rows, place.slot, self.layout()).map_err(&fail)?;
                self.split(change, transaction, &place, &whole)?;
                continue;
            }
            drop(rows);
            let undo = self.undo(fields, 0);
            let at = (place.page, place.slot);
            // The image would have to be copied for the change.
            drop(place);
            modify(
                change,
                transaction,
                self.unit(),
                self.row_target(),
                self.context(true),
                at,
                &old,
                &record,
                undo,
            )?;
            return Ok(());
        }
        Err(RecoveryError::Database {
            what: "an index page was split again and again without room".to_owned(),
        })
    }

    fn files(&self) -> Vec<holdfast_base::FileId> {
        self.rowsets.files(self.live().filegroup)
    }

    /// The first page of an empty tree.
    fn first_page(&self, change: &mut Change<'_>, transaction: &LogTransaction) -> RecoveryResult<()> {
        let live = self.live();
        let files = self.files();
        let _changing = live.restructure();
        let kind = if self.clustered { PageType::Data } else { PageType::Index };
        let pminlen = row::fixed_length(self.layout(), self.leaf_shape());
        let taken = change.system("AllocFirstPage", Some(transaction), |change, own| {
            let mut first_iam = live.in_row.first_iam();
            let (page, taken) = change.allocate(own, self.unit(), &files, &mut first_iam, 0)?;
            change.format_page(own, page, self.unit(), Format { kind, pminlen, ..Format::default() })?;
            pointers::set(self, change, own, Some(page), Some(page), Some(first_iam))?;
            Ok(taken)
        })?;
        pointers::count(live, &live.in_row, taken, 1);
        Ok(())
    }

    fn new_page(
        &self,
        change: &mut Change<'_>,
        own: &mut LogTransaction,
        format: Format,
        information: &[u8],
        taken_by_split: &mut Vec<(Taken, i64)>,
    ) -> RecoveryResult<PageId> {
        let live = self.live();
        let mut first_iam = live.in_row.first_iam();
        let (page, taken) = change.allocate(own, self.unit(), &self.files(), &mut first_iam, 0)?;
        change.format_compressed_page(own, page, self.unit(), format, information)?;
        let leaf = if self.clustered { format.kind == PageType::Data } else { format.level == 0 };
        taken_by_split.push((taken, i64::from(leaf)));
        Ok(page)
    }

    /// The upper-level entry for the page whose first row is `row`.
    fn upper_entry(&self, row: &Row<'_>, internal: bool, child: PageId) -> Result<Vec<u8>, FormatError> {
        let layout = self.layout();
        let failed = |e: holdfast_format::RecordError| FormatError::catalog(e.what);
        let mut scratch: Vec<Vec<u8>> = layout.columns.iter().map(|_| Vec::new()).collect();
        let mut fields = Vec::with_capacity(layout.columns.len());
        for ((position, column), scratch) in layout.columns.iter().enumerate().zip(&mut scratch) {
            let absent =
                if layout.compression == 0 { column.internal.offset == 0 } else { column.key_ordinal == 0 };
            fields.push(if absent {
                Field::Missing
            } else {
                row.field(layout, position, internal, scratch).map_err(failed)?
            });
        }
        row::record_of(layout, &fields, RecordShape::IndexInternal(child.to_bytes())).map_err(failed)
    }

    /// Makes room on the page of `place` by moving its upper rows to a new page; the caller then looks again. When the parent
    /// has no room for the new entry, the parent is split instead. `record` is the row that needs room.
    pub(super) fn split(
        &self,
        change: &mut Change<'_>,
        transaction: &LogTransaction,
        place: &Place,
        record: &[u8],
    ) -> RecoveryResult<()> {
        let leaf = (place.page, place.slot);
        let mut way: Vec<(PageId, u16)> = place.path.clone();
        way.push(leaf);
        let _changing = self.live().restructure();
        // From the leaf up: the first level whose parent has room for one more entry is the one to split.
        let mut depth = way.len() - 1;
        while depth > 0 {
            let longest = self.longest_upper_entry(change, way[depth].0, record.len())?;
            if longest <= change.free_bytes(way[depth - 1].0, transaction.id)? {
                break;
            }
            depth -= 1;
        }
        let append = if depth == way.len() - 1 { Some((record, place.found)) } else { None };
        let taken = change.system("SplitPage", Some(transaction), |change, own| {
            self.split_page(change, own, &way, depth, append)
        })?;
        for (taken, leaves) in taken {
            pointers::count(self.live(), &self.live().in_row, taken, leaves);
        }
        Ok(())
    }

    /// Upper bound of the entry that a split of the page puts into its parent, with its slot: the key of one of its rows or
    /// of a new one of `record` bytes.
    fn longest_upper_entry(&self, change: &Change<'_>, page: PageId, record: usize) -> RecoveryResult<usize> {
        let image = change.page(page)?;
        let rows = PageRows::new(PageView::new(&image)).map_err(unreadable(page))?;
        let mut row = record;
        let layout = self.layout();
        for slot in 0..rows.len() {
            row = row.max(standalone(&rows, slot, layout).map_err(unreadable(page))?.len());
        }
        if layout.compression > 0 {
            // The keys in the row's own form, the child, and what tells how many columns there are and how long.
            let keys = layout.columns.iter().filter(|c| c.key_ordinal != 0);
            let key = keys.map(|c| longest(c) + 3).sum::<usize>().min(LONGEST_KEY);
            return Ok(2 + key.min(row) + 7 + 3 + layout.columns.len());
        }
        let columns = layout.columns.iter().filter(|c| c.internal.offset < 0);
        let key = columns.map(|c| longest(c) + 2).sum::<usize>().min(LONGEST_KEY);
        let fixed = usize::from(row::fixed_length(layout, RecordShape::IndexInternal([0; 6])));
        // Slot, NULL bitmap and counts.
        Ok(2 + fixed + key.min(row) + layout.columns.len() / 8 + 8)
    }

    /// `append`: the row that needs room on this page, and whether it takes the place of one that is there.
    fn split_page(
        &self,
        change: &mut Change<'_>,
        own: &mut LogTransaction,
        way: &[(PageId, u16)],
        depth: usize,
        append: Option<(&[u8], bool)>,
    ) -> RecoveryResult<Vec<(Taken, i64)>> {
        let (page, wanted) = way[depth];
        let image = change.page(page)?;
        let view = PageView::new(&image);
        let fail = unreadable(page);
        let rows = PageRows::new(view).map_err(&fail)?;
        let leaf = btree::is_leaf(view, self.clustered);
        let count = rows.len();
        let level = view.level();
        // A row added behind the last one of the tree starts a page of its own: keys that only grow fill their pages.
        // Compression information may leave too little of a page for a long row.
        let (append, in_place) = (append.map(|a| a.0), append.is_some_and(|a| a.1));
        let too_long = append.is_some_and(|r| r.len() + LONGER_BY_PREFIXES > 8096 - rows.information().len());
        let at = match append {
            Some(_) if wanted == count && (view.next().is_null() || count == 1 || too_long) => count,
            // First those before the row leave it, then those behind it.
            Some(_) if too_long && in_place && count > 1 => wanted.max(1),
            Some(_) if too_long => wanted,
            _ if count == 1 => 0,
            // An upper level that grows at its end fills its pages, too.
            None if !leaf && wanted + 1 == count && view.next().is_null() => wanted,
            _ => middle(&rows, count).map_err(&fail)?,
        };
        let kind = if leaf && self.clustered { PageType::Data } else { PageType::Index };
        let format = Format {
            kind,
            level,
            previous: page,
            next: view.next(),
            pminlen: view.pminlen(),
            ..Format::default()
        };
        // Whatever can fail for want of space or of a page that cannot be read comes before rows move.
        if !view.next().is_null() {
            change.page(view.next())?;
        }
        let mut taken = Vec::new();
        // Rows that move stay as they are: the new page gets the information that their values are told by.
        let information: &[u8] = if at < count { rows.information() } else { &[] };
        let new = self.new_page(change, own, format, information, &mut taken)?;
        let root = if depth == 0 {
            let upper = Format {
                kind: PageType::Index,
                level: level + 1,
                pminlen: row::fixed_length(self.layout(), RecordShape::IndexInternal([0; 6])),
                ..Format::default()
            };
            Some(self.new_page(change, own, upper, &[], &mut taken)?)
        } else {
            None
        };
        let moved: Vec<&[u8]> =
            (at..count).map(|slot| record_bytes(&rows, slot)).collect::<Result<_, _>>().map_err(&fail)?;
        let separator = if at < count {
            let row = rows
                .row(at)
                .map_err(&fail)?
                .ok_or_else(|| fail(FormatError::NoSuchSlot { page, slot: at }))?;
            self.upper_entry(&row, !leaf, new).map_err(&fail)?
        } else {
            let bytes = append.unwrap_or(&[]);
            let row = Row::parse(bytes, !self.clustered, view.pminlen());
            let row = row.map_err(|e| fail(e.at(page, wanted)))?;
            self.upper_entry(&row, false, new).map_err(&fail)?
        };
        if let Some(root) = root {
            let first = rows.row(0).map_err(&fail)?;
            let first = first.ok_or_else(|| fail(FormatError::NoSuchSlot { page, slot: 0 }))?;
            let entry = self.upper_entry(&first, !leaf, page).map_err(&fail)?;
            self.put(change, own, root, 0, false, &[&entry, &separator])?;
            pointers::set(self, change, own, None, Some(root), None)?;
        } else {
            let (parent, slot) = way[depth - 1];
            self.put(change, own, parent, slot + 1, false, &[&separator])?;
        }
        if !moved.is_empty() {
            self.put(change, own, new, 0, leaf, &moved)?;
            let bytes: usize = moved.iter().map(|r| r.len() + 2).sum();
            let mut rest = new.to_bytes().to_vec();
            rest.extend_from_slice(&(moved.len() as u16).to_le_bytes());
            rest.extend_from_slice(&(bytes as u16).to_le_bytes());
            rest.resize(0x3C - 0x30, 0);
            let what = What {
                operation: op::DELETE_SPLIT,
                context: self.context(leaf),
                page,
                slot: at,
                unit: self.unit(),
                body: Body::Page { rest: &rest, elements: false },
            };
            change.log(own, what, Undo::InPlace)?;
            if moved.iter().any(|r| r.first().is_some_and(|&b| holdfast_storage::recovery::redo::is_ghost(b)))
            {
                self.live().note_ghosts(new);
            }
        }
        let next = view.next();
        if !next.is_null() {
            change.set_link(own, next, self.unit(), self.context(leaf), Link::Previous, new)?;
        }
        change.set_link(own, page, self.unit(), self.context(leaf), Link::Next, new)?;
        // What was kept free for rows that may want it back goes where those rows are: a page that none of them came to keeps
        // nothing, else no split would ever make room.
        if at < count && at == 0 {
            change.reserve_instead(page, new);
        } else if at < count {
            change.reserve_like(page, new);
        }
        Ok(taken)
    }

    /// Where a leaf hangs that could leave the tree: its parent, with the slot. `None`: it stays, because it leads its parent
    /// or its level, or is no page of an extent of the tree's own.
    pub(super) fn droppable(
        &self,
        change: &Change<'_>,
        page: PageId,
    ) -> RecoveryResult<Option<(PageId, u16)>> {
        let image = change.page(page)?;
        let view = PageView::new(&image);
        let fail = unreadable(page);
        let key = {
            let rows = PageRows::new(view).map_err(&fail)?;
            let Some(row) = (if rows.is_empty() { None } else { rows.row(0).map_err(&fail)? }) else {
                return Ok(None);
            };
            self.key_of(change.source(), &row, false).map_err(&fail)?
        };
        let Some(place) = self.find(change.source(), &key).map_err(&fail)? else { return Ok(None) };
        let leads = view.previous().is_null();
        let hangs = place.path.last().copied().filter(|(_, slot)| place.page == page && *slot > 0 && !leads);
        Ok(if hangs.is_some() && change.is_own_page(page)? { hangs } else { None })
    }

    /// Takes a leaf out of the tree and gives its page back: all its rows are deleted ones that nobody wants back, it hangs
    /// where [`Self::droppable`] says, and nobody reads the table.
    pub(super) fn drop_leaf(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        (parent, slot): (PageId, u16),
    ) -> RecoveryResult<()> {
        let image = change.page(page)?;
        // Its neighbours are read before anything changes.
        let (previous, next) = (PageView::new(&image).previous(), PageView::new(&image).next());
        change.page(previous)?;
        if !next.is_null() {
            change.page(next)?;
        }
        let parent_image = change.page(parent)?;
        let parent_rows = PageRows::new(PageView::new(&parent_image)).map_err(unreadable(parent))?;
        let entry = record_bytes(&parent_rows, slot).map_err(unreadable(parent))?;
        let (unit, context) = (self.unit(), self.context(true));
        let first_iam = self.live().in_row.first_iam();
        let given = change.system("DropEmptyPage", None, |change, own| {
            let body =
                Body::Row { row: RowTarget { offset: 1, ..self.row_target() }, elements: &[entry, &[]] };
            let upper = self.context(false);
            let operation = op::DELETE_ROWS;
            change.log(
                own,
                What { operation, context: upper, page: parent, slot, unit, body },
                Undo::InPlace,
            )?;
            change.set_link(own, previous, unit, context, Link::Next, next)?;
            if !next.is_null() {
                change.set_link(own, next, unit, context, Link::Previous, previous)?;
            }
            change.free_page(own, unit, first_iam, page)
        })?;
        pointers::count(self.live(), &self.live().in_row, given, -1);
        Ok(())
    }

    fn put(
        &self,
        change: &mut Change<'_>,
        own: &mut LogTransaction,
        page: PageId,
        slot: u16,
        leaf: bool,
        rows: &[&[u8]],
    ) -> RecoveryResult<()> {
        let mut elements = rows.to_vec();
        elements.extend([&[][..], &[][..]]);
        let body = Body::Row { row: self.row_target(), elements: &elements };
        let what = What {
            operation: op::INSERT_ROWS,
            context: self.context(leaf),
            page,
            slot,
            unit: self.unit(),
            body,
        };
        change.log(own, what, Undo::InPlace)?;
        Ok(())
    }
}

impl Tree {
    /// What `read` makes of the entry at a place, in the form that can be read without its page.
    pub(super) fn record_at<T>(
        &self,
        place: &Place,
        read: impl FnOnce(&[u8]) -> RecoveryResult<T>,
    ) -> RecoveryResult<T> {
        let fail = unreadable(place.page);
        let rows = PageRows::new(PageView::new(&place.image)).map_err(&fail)?;
        let record = standalone(&rows, place.slot, self.layout()).map_err(&fail)?;
        read(&record)
    }
}

/// Bytes of the record in a slot.
pub fn record_bytes<'p>(rows: &PageRows<'p>, slot: u16) -> Result<&'p [u8], FormatError> {
    let view = rows.view();
    let bytes = view.require_record(slot)?;
    let length = holdfast_format::record::record_length(bytes, view.is(PageType::Index), view.pminlen())
        .map_err(|e| e.at(view.page_id(), slot))?;
    bytes.get(..length).ok_or(FormatError::NoSuchSlot { page: view.page_id(), slot })
}

/// The record in a slot as it would stand on a page without compression information.
pub(super) fn standalone<'p>(
    rows: &PageRows<'p>,
    slot: u16,
    layout: &RowLayout,
) -> Result<Cow<'p, [u8]>, FormatError> {
    let page = rows.view().page_id();
    let row = rows.row(slot)?.ok_or(FormatError::NoSuchSlot { page, slot })?;
    row.standalone(layout).map_err(|e| e.at(page, slot))
}

/// The slot from which on rows move, so that both halves hold about the same.
fn middle(rows: &PageRows<'_>, count: u16) -> Result<u16, FormatError> {
    let mut lengths = Vec::with_capacity(usize::from(count));
    for slot in 0..count {
        lengths.push(record_bytes(rows, slot)?.len() + 2);
    }
    let half = lengths.iter().sum::<usize>() / 2;
    let mut sum = 0;
    for (slot, length) in lengths.iter().enumerate() {
        sum += length;
        if sum >= half {
            return Ok((slot as u16 + 1).clamp(1, count.saturating_sub(1).max(1)));
        }
    }
    Ok(count / 2)
}

/// Logs the replacement of a row by the bytes in which it differs.
#[allow(clippy::too_many_arguments)]
pub fn modify(
    change: &mut Change<'_>,
    transaction: &mut LogTransaction,
    unit: UnitId,
    row: RowTarget,
    context: Context,
    place: (PageId, u16),
    old: &[u8],
    new: &[u8],
    undo: Undo,
) -> RecoveryResult<()> {
    if old == new {
        return Ok(());
    }
    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let longest = old.len().min(new.len()) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take(longest).take_while(|(a, b)| a == b).count();
    let (before, after) = (&old[front..old.len() - back], &new[front..new.len() - back]);
    let row = RowTarget { offset: front as u16, size_or_flags: before.len() as u16, ..row };
    let body = Body::Row { row, elements: &[before, after, &[], &[]] };
    let what = What { operation: op::MODIFY_ROW, context, page: place.0, slot: place.1, unit, body };
    change.log(transaction, what, undo)?;
    change.reserve(transaction, place.0, old.len().saturating_sub(new.len()));
    Ok(())
}

/// Changes variable-length columns of a catalogue row, in a transaction of its own.
pub fn rewrite(
    tree: &Tree,
    change: &mut Change<'_>,
    place: &Place,
    name: &str,
    edit: impl FnOnce(&mut Parts) -> RecoveryResult<()>,
) -> RecoveryResult<()> {
    let fail = unreadable(place.page);
    let rows = PageRows::new(PageView::new(&place.image)).map_err(&fail)?;
    let old = record_bytes(&rows, place.slot).map_err(&fail)?;
    let record = FixedVar::parse_data(old).map_err(|e| fail(e.at(place.page, place.slot)))?;
    let mut parts = Parts::of(&record).map_err(|e| fail(e.at(place.page, place.slot)))?;
    edit(&mut parts)?;
    let new = parts.assemble();
    if new == old {
        return Ok(());
    }
    let unit = UnitId(tree.live().in_row.id());
    let row = RowTarget { rowset: tree.access.rowset, ..RowTarget::default() };
    let at = (place.page, place.slot);
    change.system(name, None, |change, own| {
        modify(change, own, unit, row, context::CLUSTERED, at, old, &new, Undo::InPlace)
    })
}
