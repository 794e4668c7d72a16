//! Reading rows while others change them: which rows of a page image may be used.
//!
//! A reader takes a page image, asks for the locks of the rows on it, and takes the image again. The same image means that no
//! row of it changed meanwhile, so what the locks said is true of it (docs/design/write.md). Whoever had to wait starts over
//! with the page.
//!
//! Invariants
//! 1. While a source is open its owner holds an intent lock on the table.
//! 2. READ COMMITTED keeps no row lock; the stricter levels, UPDLOCK and XLOCK keep theirs until the transaction ends.
//! 3. SERIALIZABLE locks the key ranges it reads ([`super::range`]) where an index is read in key order, otherwise the whole table:
//!    nothing can be added to what was read.

use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{Field, PageRows, Row, RowLayout};
use holdfast_format::{FormatError, PageRef, PageSource, PageView};
use holdfast_types::compare::hash_key;
use holdfast_types::{SqlResult, Value};

use super::seek::key_value;
use super::table::{Locator, RowsetAccess, StoredIndex, StoredKey, StoredTable};
use crate::access::{ReadContext, ReadIntent, ReadLevel};
use crate::database::partition::Partitioned;
use crate::error::damaged;
use crate::lock::manager::Table;
use crate::lock::{Duration, Granted, LockMode, Resource};
use crate::write::Writing;
use crate::write::writing::failure;

/// How the rows of one rowset are named to the lock manager.
#[derive(Clone)]
enum Names {
    /// A heap's rows by their own address.
    Address,
    /// Entries of an index on a heap, by the address in them.
    LocatorRid(usize),
    /// By the clustered key, whose columns stand at these positions.
    Key(Arc<[StoredKey]>),
}

/// The locking side of an open source.
pub struct RowReader {
    pub(super) writing: Arc<Writing>,
    pub(super) context: ReadContext,
    pub(super) table: Table,
    /// Key ranges are locked, and the table only with an intent.
    pub(super) ranges: bool,
}

/// What the lock on a row says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Usable,
    /// Somebody was waited for: the page is old.
    Waited,
    /// READPAST.
    Skip,
}

/// How rows of a rowset are named; made once per source and rowset.
#[derive(Clone)]
pub struct RowNames {
    names: Names,
    /// Rowset that names rows: the heap or clustered index.
    base: u64,
    /// Entries may belong to rows of any partition: by the key column at this place, in one of these rowsets.
    spread: Option<(usize, Arc<Partitioned>)>,
    layout: Arc<RowLayout>,
    access: RowsetAccess,
}

impl RowNames {
    /// Rows of the table itself.
    pub fn of_base(table: &StoredTable, access: &RowsetAccess) -> Self {
        let clustered = table.indexes.iter().find(|i| i.clustered);
        let names = match clustered {
            Some(index) if !access.heap => Names::Key(index.keys.clone()),
            _ => Names::Address,
        };
        let layout = Arc::clone(&access.layout);
        RowNames { names, base: access.rowset, spread: None, layout, access: access.clone() }
    }

    /// Entries of an index.
    pub fn of_index(table: &StoredTable, index: &StoredIndex, access: &RowsetAccess) -> Self {
        let names = match &index.locator {
            Locator::Row => return Self::of_base(table, access),
            Locator::Rid(position) => Names::LocatorRid(*position),
            Locator::Key(positions) => {
                let clustered = table.indexes.iter().find(|i| i.clustered);
                let keys = clustered.map(|i| &*i.keys).unwrap_or_default();
                Names::Key(
                    positions
                        .iter()
                        .zip(keys)
                        .map(|(position, key)| StoredKey { position: *position, ..key.clone() })
                        .collect(),
                )
            }
        };
        let keys = table.indexes.iter().find(|i| i.clustered).map_or(&[][..], |i| &i.keys);
        let spread = table
            .partitioned
            .as_ref()
            .and_then(|by| Some((keys.iter().position(|k| k.ordinal == Some(by.ordinal))?, Arc::clone(by))));
        let base = table.base.first().map_or(0, |b| b.rowset);
        RowNames { names, base, spread, layout: Arc::clone(&access.layout), access: access.clone() }
    }
}

impl RowReader {
    /// `None`: nothing has to be asked (the database is only read, or the reader takes no locks).
    ///
    /// # Errors
    /// When the intent lock cannot be had.
    pub fn open(table: &StoredTable, context: &ReadContext) -> SqlResult<Option<RowReader>> {
        Self::open_for(table, context, false)
    }

    /// The same for a source that reads an index in key order, rowset by rowset, and asks [`RowReader::range`] at each page.
    ///
    /// # Errors
    /// As [`RowReader::open`].
    pub fn open_ranges(table: &StoredTable, context: &ReadContext) -> SqlResult<Option<RowReader>> {
        Self::open_for(table, context, true)
    }

    fn open_for(
        table: &StoredTable,
        context: &ReadContext,
        in_key_order: bool,
    ) -> SqlResult<Option<RowReader>> {
        let Some(writing) = &table.store.writing else { return Ok(None) };
        if context.owner.0 == 0 || matches!(context.level, ReadLevel::Uncommitted | ReadLevel::Snapshot) {
            // Changes of rows need their locks even here.
            if context.owner.0 == 0 || context.intent == ReadIntent::Read {
                return Ok(None);
            }
        }
        let of = Table { database: writing.database_id, object: table.object_id };
        let serializable = context.level == ReadLevel::Serializable;
        let ranges = serializable && in_key_order && !context.skip_locked && !context.table_lock;
        let whole = context.table_lock || (serializable && !ranges);
        let mode = match (whole, context.intent) {
            (true, ReadIntent::Read) => LockMode::S,
            // Documented: UPDLOCK with TABLOCK locks exclusively; without, an update lock keeps all from being added.
            (true, ReadIntent::Update) if !context.table_lock => LockMode::U,
            (true, _) => LockMode::X,
            (false, ReadIntent::Read) if context.for_change => LockMode::IX,
            (false, ReadIntent::Read) => LockMode::IS,
            (false, ReadIntent::Update) => LockMode::IU,
            (false, ReadIntent::Exclusive) => LockMode::IX,
        };
        writing.locks.acquire(context.owner, &of.resource(), mode, Duration::Transaction, &context.wait)?;
        if table.keeps_row_locks {
            writing.locks.keep_row_locks(context.owner, of);
        }
        let current = writing.still_defined(table.object_id, &table.name, table.store.as_of, context.owner);
        if current.is_err() && matches!(mode, LockMode::IS | LockMode::S) {
            writing.locks.release(context.owner, &of.resource());
        }
        current?;
        let reader = RowReader { writing: Arc::clone(writing), context: context.clone(), table: of, ranges };
        if ranges && writing.locks.enter_ranges(context.owner, of) {
            // Invariant 2 of the lock manager's ranges: whoever did not see this is done behind the gate.
            drop(writing.logged.change().map_err(|e| failure(&e))?);
        }
        Ok(Some(reader))
    }

    /// Whether [`RowReader::range`] is to be asked in place of [`RowReader::usable`].
    pub fn locks_ranges(&self) -> bool {
        self.ranges
    }

    /// Rows are to be locked only as they are asked for: others work on the next ones (a queue read with UPDLOCK, READPAST).
    pub fn one_by_one(&self) -> bool {
        (self.context.intent != ReadIntent::Read || self.context.few)
            && self.context.level != ReadLevel::Serializable
            && !self.context.table_lock
    }

    /// Whether rows that are read before they are asked for are read no differently from then.
    pub fn may_read_on(&self) -> bool {
        self.context.intent == ReadIntent::Read && self.is_quiet()
    }

    fn keeps_locks(&self) -> bool {
        matches!(self.context.level, ReadLevel::Repeatable | ReadLevel::Serializable)
            || self.context.intent != ReadIntent::Read
    }

    /// Nobody else changes rows of the table, and nothing has to be kept.
    fn is_quiet(&self) -> bool {
        let (locks, of, owner) = (&self.writing.locks, self.table, self.context.owner);
        !self.keeps_locks() && !locks.rows_are_locked_by_others(of.database, of.object, owner, self.wanted())
    }

    pub(super) fn resource(
        &self,
        source: &dyn PageSource,
        names: &RowNames,
        at: Rid,
        row: &Row<'_>,
    ) -> Result<Resource, FormatError> {
        let rid = |rid: Rid| Resource::Rid {
            database: self.table.database,
            rowset: names.base as i64,
            file: rid.page.file,
            page: rid.page.page,
            slot: rid.slot,
        };
        Ok(match &names.names {
            Names::Address => rid(row.back_pointer().unwrap_or(at)),
            Names::LocatorRid(position) => {
                let mut scratch = Vec::new();
                match row.field(&names.layout, *position, false, &mut scratch) {
                    Ok(Field::Bytes(bytes)) => {
                        let raw = bytes.first_chunk::<8>();
                        rid(Rid::from_bytes(
                            *raw.ok_or_else(|| FormatError::catalog("a row address is cut off"))?,
                        ))
                    }
                    _ => return Err(FormatError::catalog("an index entry has no row address")),
                }
            }
            Names::Key(keys) => {
                let mut bytes = Vec::with_capacity(32);
                let mut base = names.base;
                for (n, k) in keys.iter().enumerate() {
                    let internal = false;
                    let value: Value = key_value(source, row, &names.access, k.position, &k.ty, internal)?;
                    hash_key(&value, &k.ty, &mut bytes);
                    if let Some((_, by)) = names.spread.as_ref().filter(|(at, _)| *at == n) {
                        base = by.rowset_of(&value);
                    }
                }
                Resource::key(self.table.database, base as i64, &bytes)
            }
        })
    }

    /// The lock on a row that a reader takes, or waits for.
    fn wanted(&self) -> LockMode {
        match self.context.intent {
            ReadIntent::Read if self.context.for_change => LockMode::U,
            ReadIntent::Read => LockMode::S,
            ReadIntent::Update => LockMode::U,
            ReadIntent::Exclusive => LockMode::X,
        }
    }

    fn verdict(&self, resource: &Resource) -> SqlResult<Verdict> {
        let locks = &self.writing.locks;
        let c = &self.context;
        let mode = self.wanted();
        if c.skip_locked && locks.would_wait(c.owner, resource, mode) {
            return Ok(Verdict::Skip);
        }
        let granted = if self.keeps_locks() {
            locks.acquire_row(c.owner, self.table, resource, mode, Duration::Transaction, &c.wait)?
        } else {
            locks.wait_until_free(c.owner, resource, mode, &c.wait)?
        };
        Ok(if granted == Granted::AfterWait { Verdict::Waited } else { Verdict::Usable })
    }

    /// Judges the rows of an image in `slots`, ghosts included: `None` when somebody was waited for, else the slots to be left
    /// out.
    fn judge(
        &self,
        source: &dyn PageSource,
        names: &RowNames,
        image: &PageRef,
        slots: std::ops::Range<u16>,
    ) -> SqlResult<Option<Vec<u16>>> {
        let view = PageView::new(image);
        let page = view.page_id();
        let rows = PageRows::new(view).map_err(damaged)?;
        let mut skip = Vec::new();
        for slot in slots {
            let at = Rid { page, slot };
            let row = if slot < rows.len() { rows.row(slot).map_err(damaged)? } else { None };
            let resource = match &row {
                Some(row) if row.kind() == RowKind::Stub => continue,
                Some(row) => self.resource(source, names, at, row).map_err(damaged)?,
                // An empty slot of a heap: a row that may come back when its deletion is rolled back.
                None if matches!(names.names, Names::Address) && names.access.heap => Resource::Rid {
                    database: self.table.database,
                    rowset: names.base as i64,
                    file: page.file,
                    page: page.page,
                    slot,
                },
                None => continue,
            };
            let verdict = if row.is_none() && self.keeps_locks() {
                // Nothing to keep; only whether something is on its way.
                let (locks, c) = (&self.writing.locks, &self.context);
                let waited = locks.wait_until_free(c.owner, &resource, LockMode::S, &c.wait)?;
                if waited == Granted::AfterWait { Verdict::Waited } else { Verdict::Usable }
            } else {
                self.verdict(&resource)?
            };
            match verdict {
                Verdict::Usable => {}
                Verdict::Waited => return Ok(None),
                Verdict::Skip => skip.push(slot),
            }
        }
        Ok(Some(skip))
    }

    /// An image of a page all of whose rows may be used; those of READPAST's look deleted in it.
    pub fn page(&self, source: &dyn PageSource, names: &RowNames, at: PageId) -> SqlResult<PageRef> {
        loop {
            let image = source.page(at).map_err(damaged)?;
            let mut skip = Vec::new();
            if !self.is_quiet() {
                // Slots at the end of a heap page that were cut off may still be somebody's.
                let beyond = if names.access.heap { 64 } else { 0 };
                let slots = PageView::new(&image).slot_count().saturating_add(beyond);
                match self.judge(source, names, &image, 0..slots)? {
                    Some(left_out) => skip = left_out,
                    None => continue,
                }
            }
            if Arc::ptr_eq(&image, &source.page(at).map_err(damaged)?) {
                return Ok(if skip.is_empty() { image } else { without(&image, &skip) });
            }
        }
    }

    /// Whether the rows of an image in `slots` may be used as they are; otherwise the reader finds its place again. With
    /// READPAST the image that comes back has the locked rows marked deleted.
    pub fn usable(
        &self,
        source: &dyn PageSource,
        names: &RowNames,
        image: &PageRef,
        slots: std::ops::Range<u16>,
    ) -> SqlResult<Option<PageRef>> {
        let mut skip = Vec::new();
        if !self.is_quiet() {
            match self.judge(source, names, image, slots)? {
                Some(left_out) => skip = left_out,
                None => return Ok(None),
            }
        }
        let now = source.page(PageView::new(image).page_id()).map_err(damaged)?;
        if !Arc::ptr_eq(image, &now) {
            return Ok(None);
        }
        Ok(Some(if skip.is_empty() { now } else { without(image, &skip) }))
    }
}

impl Drop for RowReader {
    fn drop(&mut self) {
        // Invariant 1; levels that keep row locks keep this one, too, and so do statements that change the table.
        if !self.keeps_locks() && !self.context.for_change {
            self.writing.locks.release(self.context.owner, &self.table.resource());
        }
    }
}

/// A copy of a page in which some rows look deleted.
fn without(image: &PageRef, slots: &[u16]) -> PageRef {
    let mut copy = **image;
    for &slot in slots {
        let mut editor = holdfast_format::page::PageEditor::new(&mut copy);
        // A row that cannot be marked was not readable either.
        let _ = editor.set_ghost(slot, true);
    }
    Arc::new(copy)
}
