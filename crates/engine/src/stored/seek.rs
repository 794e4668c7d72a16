//! Ranges of an index in key order.
//!
//! Invariants
//! 1. A cursor stands before a slot of a leaf and moves along sibling pointers; it visits at most as many pages as the files
//!    have.
//! 2. The low end is the one that comes first in index order (for a descending key column, the larger value).
//! 3. Rowsets of several partitions would come one after the other, with key order within each only: partitions are read each by
//!    itself ([`super::partitioned`]).

use std::cmp::Ordering;
use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{Field, PageRows, Row};
use holdfast_format::{FormatError, PageRef, PageSource, PageView, btree};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, TypeId, Value};

use super::key;
use super::large::steady;
use super::probe::Probe;
use super::range::Ranged;
use super::read::{RowNames, RowReader};
use super::table::{Locator, RowsetAccess, Store, StoredIndex, StoredKey, StoredTable};
use super::way::{Lookup, Partition, Way};
use crate::access::{BatchSource, Bound, KeyRange, ReadContext};
use crate::decode::column::{ColumnPlan, Records, Target, field_value, fill};
use crate::error::damaged;

/// Rows between two bounds of one index.
struct RangeScan {
    store: Arc<Store>,
    way: Arc<Way>,
    range: KeyRange,
    backward: bool,
    /// Place in the way's partitions of those still to read.
    next: usize,
    cursor: Option<Cursor>,
    /// Asks for the locks of rows; `None` when none are to be asked for.
    reader: Option<RowReader>,
    /// Rows are locked and handed on one by one, so that nothing is locked that nobody asked for.
    one_by_one: bool,
    /// At most one entry can be in the range.
    single: bool,
    /// How many rows the next batch may have.
    most: usize,
}

struct Cursor {
    /// Place in the way's partitions.
    partition: usize,
    page: PageId,
    held: PageRef,
    /// Forward: the next slot. Backward: one above the next slot.
    slot: u16,
    /// Pages that the chain of leaves can have at most; known from the first step on.
    left: Option<u64>,
    done: bool,
    /// Key of the row read last, where rows are read one by one.
    last: Option<Vec<Value>>,
}

/// Opens a seek; see [`crate::access::TableAccess::seek`].
pub fn open(
    table: &StoredTable,
    read: &ReadContext,
    index_id: i32,
    range: KeyRange,
    columns: &[usize],
    backward: bool,
) -> SqlResult<Box<dyn BatchSource>> {
    let way = table.ways.get(table, index_id, columns)?;
    // Where it begins is looked for by all of an entry's key.
    let (first, last) = if backward { (&range.high, &range.low) } else { (&range.low, &range.high) };
    if first.values().len() > way.entry_keys.len() || last.values().len() > way.keys.len() {
        return Err(SqlError::with_text(
            8624,
            16,
            "Internal error: a key range is longer than its index key.",
        ));
    }
    // A lock on the end of one partition says nothing of the others.
    let reader = match way.partitions.len() {
        1 => RowReader::open_ranges(table, read)?,
        _ => RowReader::open(table, read)?,
    };
    let one_by_one = reader.as_ref().is_some_and(RowReader::one_by_one);
    Ok(Box::new(RangeScan {
        store: table.store.clone(),
        single: way.unique && is_whole_key(&way.keys, &range),
        way,
        range,
        backward,
        next: 0,
        cursor: None,
        reader,
        one_by_one,
        most: if read.few { 1 } else { BATCH_ROWS },
    }))
}

/// The range is one whole key.
fn is_whole_key(keys: &[StoredKey], range: &KeyRange) -> bool {
    let (Bound::Included(low), Bound::Included(high)) = (&range.low, &range.high) else { return false };
    let mut pairs = keys.iter().zip(low.iter().zip(high));
    low.len() == keys.len()
        && high.len() == keys.len()
        && pairs.all(|(k, (a, b))| key::compare(&k.ty, a, b) == Ordering::Equal)
}

/// The value of a key column of a row.
pub(crate) fn key_value(
    source: &dyn PageSource,
    row: &Row<'_>,
    rowset: &RowsetAccess,
    position: usize,
    ty: &SqlType,
    internal: bool,
) -> Result<Value, FormatError> {
    let mut scratch = Vec::new();
    let unplaced = |e: holdfast_format::RecordError| FormatError::Catalog { what: e.what.to_owned() };
    let field = row.field(&rowset.layout, position, internal, &mut scratch).map_err(unplaced)?;
    stored_key_value(source, ty, field)
}

/// The value of a key column's field.
pub(crate) fn stored_key_value(
    source: &dyn PageSource,
    ty: &SqlType,
    field: Field<'_>,
) -> Result<Value, FormatError> {
    // A uniquifier that is not there is 0.
    if matches!(field, Field::Bytes([])) && ty.id == holdfast_types::TypeId::Int {
        return Ok(Value::Int(0));
    }
    field_value(source, ty, field)
}

/// All key values of a row.
pub(crate) fn key_values(
    source: &dyn PageSource,
    row: &Row<'_>,
    rowset: &RowsetAccess,
    keys: &[StoredKey],
    internal: bool,
) -> Result<Vec<Value>, FormatError> {
    keys.iter().map(|k| key_value(source, row, rowset, k.position, &k.ty, internal)).collect()
}

/// Order of a plain row's key column against a whole number, straight from the record: most keys are whole numbers, and a descent
/// compares a dozen rows on every page. `None`: neither is what it should be for that.
#[inline]
fn whole_number_order(
    row: &Row<'_>,
    rowset: &RowsetAccess,
    key: &StoredKey,
    wanted: &Value,
    internal: bool,
) -> Option<Ordering> {
    let Row::Plain(record) = row else { return None };
    let column = rowset.layout.columns.get(key.position)?;
    let place = if internal { &column.internal } else { &column.leaf };
    if place.offset <= 0 {
        return None;
    }
    let Ok(Field::Bytes(stored)) = record.field(place) else { return None };
    match (key.ty.id, wanted) {
        (TypeId::Int, Value::Int(n)) => Some(i32::from_le_bytes(stored.try_into().ok()?).cmp(n)),
        (TypeId::BigInt, Value::BigInt(n)) => Some(i64::from_le_bytes(stored.try_into().ok()?).cmp(n)),
        (TypeId::SmallInt, Value::SmallInt(n)) => Some(i16::from_le_bytes(stored.try_into().ok()?).cmp(n)),
        _ => None,
    }
}

/// Order of a row against a key prefix.
pub(crate) fn compare_row(
    source: &dyn PageSource,
    row: &Row<'_>,
    rowset: &RowsetAccess,
    keys: &[StoredKey],
    bound: &[Value],
    internal: bool,
) -> Result<Ordering, FormatError> {
    for (k, wanted) in keys.iter().zip(bound) {
        let order = match whole_number_order(row, rowset, k, wanted, internal) {
            Some(order) => order,
            None => {
                let value = key_value(source, row, rowset, k.position, &k.ty, internal)?;
                key::compare(&k.ty, &value, wanted)
            }
        };
        if order != Ordering::Equal {
            return Ok(if k.descending { order.reverse() } else { order });
        }
    }
    Ok(Ordering::Equal)
}

/// First of some slots for which `before` is false (slots are ordered by it), else their end.
fn partition_point(
    slots: std::ops::Range<u16>,
    mut before: impl FnMut(u16) -> Result<bool, FormatError>,
) -> Result<u16, FormatError> {
    let (mut low, mut high) = (slots.start, slots.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

/// The row lies before the position the bound stands for. `Unbounded` gives `unbounded`.
pub(crate) fn is_before(
    bound: &Bound,
    is_low: bool,
    unbounded: bool,
    order: impl Fn(&[Value]) -> Result<Ordering, FormatError>,
) -> Result<bool, FormatError> {
    Ok(match (bound, is_low) {
        (Bound::Unbounded, _) => unbounded,
        // A low bound's position is before the first row in range; a high bound's behind the last.
        (Bound::Included(k), true) | (Bound::Excluded(k), false) => order(k)? == Ordering::Less,
        (Bound::Excluded(k), true) | (Bound::Included(k), false) => order(k)? != Ordering::Greater,
    })
}

/// Leaf and slot of the position a bound stands for.
pub(crate) fn position(
    source: &dyn PageSource,
    rowset: &RowsetAccess,
    keys: &[StoredKey],
    clustered: bool,
    bound: &Bound,
    is_low: bool,
) -> Result<Option<(PageId, PageRef, u16)>, FormatError> {
    if rowset.root().is_null() {
        return Ok(None);
    }
    // An open high end lies behind every row, an open low end before.
    let unbounded = !is_low;
    let above = Probe::new(rowset, keys, bound.values(), true);
    let (at, page) = rowset.live.stable(|| {
        btree::descend(source, rowset.root(), clustered, |rows| {
            let slot = partition_point(1..rows.len(), |slot| {
                is_before(bound, is_low, unbounded, |_| above.order(source, rows, slot))
            })?;
            Ok(slot.saturating_sub(1))
        })
    })?;
    let slot = {
        let rows = PageRows::new(PageView::new(&page))?;
        let leaf = Probe::new(rowset, keys, bound.values(), false);
        partition_point(0..rows.len(), |slot| {
            is_before(bound, is_low, unbounded, |_| leaf.order(source, &rows, slot))
        })?
    };
    Ok(Some((at, page, slot)))
}

impl RangeScan {
    fn start(&mut self) -> SqlResult<bool> {
        let bound = if self.backward { &self.range.high } else { &self.range.low };
        while self.next < self.way.partitions.len() {
            let last = self.way.partitions.len() - 1;
            let partition = if self.backward { last - self.next } else { self.next };
            self.next += 1;
            if let Some((page, held, slot)) = self.enter(&self.way.partitions[partition], bound)? {
                self.cursor =
                    Some(Cursor { partition, page, held, slot, left: None, done: false, last: None });
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The leaf at a bound, its rows in range locked as far as the reader locks.
    fn enter(&self, partition: &Partition, bound: &Bound) -> SqlResult<Option<(PageId, PageRef, u16)>> {
        let source = &*self.store.source;
        let find = || {
            position(
                source,
                &partition.rowset,
                &self.way.entry_keys,
                self.way.clustered,
                bound,
                !self.backward,
            )
            .map_err(damaged)
        };
        let mut found = find()?;
        if found.is_none()
            && let Some(reader) = self.reader.as_ref().filter(|r| r.locks_ranges())
        {
            // Nothing is in the index, and nothing will be.
            reader.lock_empty(&partition.rowset)?;
            found = find()?;
        }
        while let (Some(reader), Some((_, held, slot)), false) = (&self.reader, &mut found, self.one_by_one) {
            let slots = self.in_range(&partition.rowset, held, *slot)?;
            match self.settle(reader, partition, held, slots)? {
                Some(image) => {
                    *held = image;
                    break;
                }
                None => found = find()?,
            }
        }
        Ok(found)
    }

    /// Asks for the locks of a page's rows in range; `None`: the place is to be found again.
    fn settle(
        &self,
        reader: &RowReader,
        partition: &Partition,
        held: &PageRef,
        slots: std::ops::Range<u16>,
    ) -> SqlResult<Option<PageRef>> {
        let source = &*self.store.source;
        if !reader.locks_ranges() {
            return reader.usable(source, &partition.names, held, slots);
        }
        let (rowset, names) = (&partition.rowset, &partition.names);
        let index = Ranged { rowset, keys: &self.way.keys, clustered: self.way.clustered, names };
        reader.range(source, index, held, slots, self.single)
    }

    /// Slots of a page, from the cursor on, whose rows are in range.
    fn in_range(&self, rowset: &RowsetAccess, held: &PageRef, slot: u16) -> SqlResult<std::ops::Range<u16>> {
        let source = &*self.store.source;
        let rows = PageRows::new(PageView::new(held)).map_err(damaged)?;
        let end = if self.backward { &self.range.low } else { &self.range.high };
        let probe = Probe::new(rowset, &self.way.keys, end.values(), false);
        let before = |at| is_before(end, self.backward, !self.backward, |_| probe.order(source, &rows, at));
        if self.backward {
            let past = partition_point(0..slot.min(rows.len()), before).map_err(damaged)?;
            return Ok(past..slot);
        }
        // Most ranges are short: look ahead in steps that double.
        let (mut from, mut step) = (slot, 1u16);
        while let Some(at) = from.checked_add(step - 1).filter(|at| *at < rows.len()) {
            if !before(at).map_err(damaged)? {
                return Ok(slot..partition_point(from..at, before).map_err(damaged)?);
            }
            (from, step) = (at + 1, step.saturating_mul(2));
        }
        Ok(slot..partition_point(from..rows.len().max(from), before).map_err(damaged)?)
    }

    fn partition(&self, cursor: &Cursor) -> &Partition {
        &self.way.partitions[cursor.partition]
    }

    fn fill_batch(&mut self) -> SqlResult<Option<Batch>> {
        let mut targets = Vec::new();
        let mut count = 0usize;
        let most = self.most;
        self.most = (most * 2).min(BATCH_ROWS);
        while count < most {
            if self.cursor.as_ref().is_none_or(|c| c.done) && !self.start()? {
                break;
            }
            if targets.is_empty() {
                let capacity = if self.single { 1 } else { 16 };
                targets = self.way.types.iter().map(|ty| Target::new(ty, capacity)).collect();
            }
            let Some(mut cursor) = self.cursor.take() else { break };
            if self.one_by_one {
                count += self.take_rows(&mut cursor, &mut targets, most)?;
                self.cursor = Some(cursor);
                if count > 0 {
                    break;
                }
                continue;
            }
            count += self.take_page(&mut cursor, &mut targets, most - count)?;
            self.cursor = Some(cursor);
        }
        if count == 0 {
            return Ok(None);
        }
        let columns = targets.into_iter().map(|t| Arc::new(t.finish())).collect();
        Ok(Some(Batch::new(count, columns)))
    }

    /// Takes rows of the cursor's page that are in range, at most `limit`; moves on to the next page at its end.
    fn take_page(&self, cursor: &mut Cursor, targets: &mut [Target], limit: usize) -> SqlResult<usize> {
        let source = &*self.store.source;
        let held = cursor.held.clone();
        let rows = PageRows::new(PageView::new(&held)).map_err(damaged)?;
        let mut taken: Vec<(u16, Row<'_>)> = Vec::with_capacity(if self.single { 1 } else { 16 });
        let end = if self.backward { &self.range.low } else { &self.range.high };
        let probe = Probe::new(&self.partition(cursor).rowset, &self.way.keys, end.values(), false);
        while taken.len() < limit {
            let slot = if self.backward {
                let Some(slot) = cursor.slot.checked_sub(1) else { break };
                slot
            } else {
                if cursor.slot >= rows.len() {
                    break;
                }
                cursor.slot
            };
            let before = is_before(end, self.backward, !self.backward, |_| probe.order(source, &rows, slot))
                .map_err(damaged)?;
            // Forward: stop at the first row that is not before the high position. Backward: at the first that is
            // before the low position.
            if before == self.backward {
                cursor.done = true;
                break;
            }
            let Some(row) = rows.row(slot).map_err(damaged)? else {
                return Err(damaged(FormatError::NoSuchSlot { page: cursor.page, slot }));
            };
            cursor.slot = if self.backward { slot } else { slot + 1 };
            if row.kind() == RowKind::Row {
                taken.push((slot, row));
                if self.single {
                    cursor.done = true;
                    break;
                }
            }
        }
        let Some(found) = self.fill_rows(cursor, rows.view(), &taken, targets)? else {
            // The first row that was taken, or what stands in its place by now.
            let Some((_, row)) = taken.first() else { return Ok(0) };
            let key = key_values(source, row, &self.partition(cursor).rowset, &self.way.entry_keys, false)
                .map_err(damaged)?;
            match self.enter(self.partition(cursor), &Bound::Included(key))? {
                Some((page, held, slot)) => {
                    (cursor.page, cursor.held, cursor.slot, cursor.done) = (page, held, slot, false);
                }
                None => cursor.done = true,
            }
            return Ok(0);
        };
        let exhausted = if self.backward { cursor.slot == 0 } else { cursor.slot >= rows.len() };
        if exhausted && !cursor.done {
            self.leave_page(cursor, rows.view())?;
        }
        Ok(found)
    }

    /// Moves on from a page all of whose rows were taken.
    fn leave_page(&self, cursor: &mut Cursor, view: PageView<'_>) -> SqlResult<()> {
        let next = if self.backward { view.previous() } else { view.next() };
        if next.is_null() {
            cursor.done = true;
            return Ok(());
        }
        let source = &*self.store.source;
        let all = || source.files().iter().map(|f| u64::from(source.page_count(*f))).sum();
        let left = cursor.left.get_or_insert_with(all);
        if *left == 0 {
            return Err(damaged(FormatError::Tree {
                page: cursor.page,
                what: "the chain of leaves does not end",
            }));
        }
        *left -= 1;
        self.go_to(cursor, next)
    }

    /// Appends the rows taken, with what the index does not hold. `None`: they have changed meanwhile.
    fn fill_rows(
        &self,
        cursor: &Cursor,
        view: PageView<'_>,
        taken: &[(u16, Row<'_>)],
        targets: &mut [Target],
    ) -> SqlResult<Option<usize>> {
        let source = &*self.store.source;
        let Some(lookup) = &self.way.lookup else {
            let layout = &self.partition(cursor).rowset.layout;
            let filled = steady(source, view, targets, |source, targets| {
                let records = Records { source, layout, page: cursor.page, rows: taken };
                let plans = self.partition(cursor).plans.iter();
                plans.zip(targets).try_for_each(|(plan, target)| fill(&records, plan, target))
            });
            return Ok(filled.map_err(damaged)?.map(|()| taken.len()));
        };
        let mut found = 0;
        for (_, row) in taken {
            found += usize::from(self.look_up(lookup, &self.partition(cursor).rowset, row, targets)?);
        }
        Ok(Some(found))
    }

    /// Takes the next row in range after its lock was asked for, or as many as `most` where nobody has locked any; 0 at the end of a page or
    /// of the range.
    fn take_rows(&self, cursor: &mut Cursor, targets: &mut [Target], most: usize) -> SqlResult<usize> {
        let Some(reader) = &self.reader else { return Ok(0) };
        let source = &*self.store.source;
        loop {
            let held = cursor.held.clone();
            let rows = PageRows::new(PageView::new(&held)).map_err(damaged)?;
            let slot = if self.backward { cursor.slot.checked_sub(1) } else { Some(cursor.slot) };
            let Some(slot) = slot.filter(|s| *s < rows.len()) else {
                self.leave_page(cursor, rows.view())?;
                return Ok(0);
            };
            let rowset = &self.partition(cursor).rowset;
            let Some(row) = rows.row(slot).map_err(damaged)? else {
                return Err(damaged(FormatError::NoSuchSlot { page: cursor.page, slot }));
            };
            let end = if self.backward { &self.range.low } else { &self.range.high };
            let before = is_before(end, self.backward, !self.backward, |k| {
                compare_row(source, &row, rowset, &self.way.keys, k, false)
            })
            .map_err(damaged)?;
            if before == self.backward {
                cursor.done = true;
                return Ok(0);
            }
            let mut slots = slot..slot + 1;
            if most > 1 && reader.may_read_on() {
                let all = self.in_range(rowset, &held, cursor.slot)?;
                let most = u16::try_from(most).unwrap_or(u16::MAX);
                slots = match self.backward {
                    true => all.start.max(all.end.saturating_sub(most))..all.end,
                    false => all.start..all.end.min(all.start.saturating_add(most)),
                };
            }
            let last = if self.backward { slots.start } else { slots.end - 1 };
            let Some(row) = rows.row(last).map_err(damaged)? else {
                return Err(damaged(FormatError::NoSuchSlot { page: cursor.page, slot: last }));
            };
            let key = key_values(source, &row, rowset, &self.way.entry_keys, false).map_err(damaged)?;
            let Some(image) = reader.usable(source, &self.partition(cursor).names, &held, slots.clone())?
            else {
                self.find_again(cursor)?;
                continue;
            };
            let view = PageView::new(&image);
            let rows = PageRows::new(view).map_err(damaged)?;
            let mut taken = Vec::with_capacity(slots.len());
            for at in slots.clone() {
                let slot = if self.backward { slots.end - 1 - (at - slots.start) } else { at };
                if let Some(row) = rows.row(slot).map_err(damaged)?.filter(|r| r.kind() == RowKind::Row) {
                    taken.push((slot, row));
                }
            }
            let found =
                if taken.is_empty() { Some(0) } else { self.fill_rows(cursor, view, &taken, targets)? };
            let Some(found) = found else {
                self.find_again(cursor)?;
                continue;
            };
            cursor.slot = if self.backward { last } else { last + 1 };
            cursor.last = Some(key);
            if found > 0 {
                return Ok(found);
            }
        }
    }

    /// The cursor's place in the tree as it is now: behind the row read last.
    fn find_again(&self, cursor: &mut Cursor) -> SqlResult<()> {
        let source = &*self.store.source;
        let bound = match &cursor.last {
            Some(key) => Bound::Excluded(key.clone()),
            None if self.backward => self.range.high.clone(),
            None => self.range.low.clone(),
        };
        let rowset = &self.partition(cursor).rowset;
        let found =
            position(source, rowset, &self.way.entry_keys, self.way.clustered, &bound, !self.backward);
        match found.map_err(damaged)? {
            Some((page, held, slot)) => (cursor.page, cursor.held, cursor.slot) = (page, held, slot),
            None => cursor.done = true,
        }
        Ok(())
    }

    /// Moves the cursor to a neighbour of its page.
    fn go_to(&self, cursor: &mut Cursor, next: PageId) -> SqlResult<()> {
        let source = &*self.store.source;
        let from = cursor.page;
        loop {
            let mut held = btree::tree_page(source, next).map_err(damaged)?;
            if self.backward && self.store.writing.is_some() {
                // Splits since the held image was taken put pages between the two.
                for _ in 0..cursor.left.unwrap_or(1).max(1) {
                    let behind = PageView::new(&held).next();
                    if behind == from || behind.is_null() {
                        break;
                    }
                    held = btree::tree_page(source, behind).map_err(damaged)?;
                }
            }
            let slot = if self.backward { PageView::new(&held).slot_count() } else { 0 };
            if let (Some(reader), false) = (&self.reader, self.one_by_one) {
                let slots = self.in_range(&self.partition(cursor).rowset, &held, slot)?;
                match self.settle(reader, self.partition(cursor), &held, slots)? {
                    Some(image) => held = image,
                    None => continue,
                }
            }
            cursor.page = PageView::new(&held).page_id();
            (cursor.held, cursor.slot) = (held, slot);
            return Ok(());
        }
    }

    /// Fetches the table row an index entry names.
    fn look_up(
        &self,
        lookup: &Lookup,
        rowset: &RowsetAccess,
        entry: &Row<'_>,
        targets: &mut [Target],
    ) -> SqlResult<bool> {
        let source = &*self.store.source;
        match &self.way.locator {
            Locator::Row => Ok(true),
            Locator::Rid(position) => {
                let mut scratch = Vec::new();
                let field = entry.field(&rowset.layout, *position, false, &mut scratch);
                let Ok(Field::Bytes(bytes)) = field else {
                    return Err(damaged(FormatError::catalog("an index entry has no row address")));
                };
                let mut raw = [0u8; 8];
                raw.copy_from_slice(
                    bytes
                        .get(..8)
                        .ok_or_else(|| damaged(FormatError::catalog("a row address is cut off")))?,
                );
                let Some((base, plans, names)) = lookup.base.first() else {
                    return Err(damaged(FormatError::catalog("a heap has no rowset")));
                };
                let rid = Rid::from_bytes(raw);
                let same = |row: &Row<'_>| self.is_entry_of(lookup, rowset, entry, &base.layout, row);
                match heap_row(
                    source,
                    rid,
                    base,
                    plans,
                    targets,
                    self.reader.as_ref().map(|r| (r, names)),
                    &same,
                ) {
                    Ok(found) if found || lookup.may_vanish => Ok(found),
                    Ok(_) => Err(damaged(FormatError::NoSuchSlot { page: rid.page, slot: rid.slot })),
                    Err(e) => Err(e),
                }
            }
            Locator::Key(positions) => {
                let mut wanted = Vec::with_capacity(positions.len());
                for (position, k) in positions.iter().zip(lookup.keys.iter()) {
                    wanted.push(key_value(source, entry, rowset, *position, &k.ty, false).map_err(damaged)?);
                }
                let only =
                    lookup.spread.as_ref().and_then(|(at, by)| wanted.get(*at).map(|v| by.rowset_of(v)));
                for (base, plans, names) in &lookup.base {
                    if only.is_some_and(|rowset| rowset != base.rowset) {
                        continue;
                    }
                    let same = |row: &Row<'_>| self.is_entry_of(lookup, rowset, entry, &base.layout, row);
                    let reader = self.reader.as_ref().map(|r| (r, names));
                    if clustered_row(source, &wanted, base, &lookup.keys, plans, targets, reader, &same)? {
                        return Ok(true);
                    }
                }
                if lookup.may_vanish {
                    return Ok(false);
                }
                Err(damaged(FormatError::catalog("an index entry names a row that is not there")))
            }
        }
    }
}

/// How often a row may move on while its stub is followed before the stub counts as wrong.
const MANY: usize = 1000;

/// Whose locks are asked for, and how rows are named.
pub(super) type Asking<'a> = Option<(&'a RowReader, &'a RowNames)>;

/// Reads the row at a RID, following one forwarding stub; false when there is none (any more), or another one.
pub(super) fn heap_row(
    source: &dyn PageSource,
    rid: Rid,
    base: &RowsetAccess,
    plans: &[ColumnPlan],
    targets: &mut [Target],
    asking: Asking<'_>,
    same: &dyn Fn(&Row<'_>) -> bool,
) -> SqlResult<bool> {
    let mut at = rid;
    let mut stale = 0;
    loop {
        let page = loop {
            let page = source.page(at.page).map_err(damaged)?;
            let Some((reader, names)) = asking else { break page };
            let end = at.slot.saturating_add(1);
            if let Some(page) = reader.usable(source, names, &page, at.slot..end)? {
                break page;
            }
        };
        let view = PageView::new(&page);
        view.expect_id(at.page).map_err(damaged)?;
        let rows = PageRows::new(view).map_err(damaged)?;
        let there = view.is(holdfast_format::PageType::Data) && at.slot < view.slot_count();
        let row = if there { rows.row(at.slot).map_err(damaged)? } else { None };
        let home = at == rid;
        let row = match row {
            Some(row) if home && row.kind() != RowKind::Forwarded => row,
            Some(row) if !home && row.back_pointer() == Some(rid) => row,
            _ if home => return Ok(false),
            // The row went on from there since its stub was read.
            _ => {
                stale += 1;
                if stale > MANY {
                    let what = "a forwarding stub does not lead to its row";
                    return Err(damaged(FormatError::Tree { page: rid.page, what }));
                }
                at = rid;
                continue;
            }
        };
        match row.kind() {
            RowKind::Stub => {
                at = view
                    .require_record(at.slot)
                    .and_then(|bytes| {
                        holdfast_format::record::fixed_var::stub_target(bytes)
                            .map_err(|e| e.at(at.page, at.slot))
                    })
                    .map_err(damaged)?;
            }
            RowKind::Ghost => return Ok(false),
            RowKind::Row | RowKind::Forwarded => {
                if !same(&row) {
                    return Ok(false);
                }
                let taken = [(at.slot, row)];
                let filled = steady(source, view, targets, |source, targets| {
                    let records = Records { source, layout: &base.layout, page: at.page, rows: &taken };
                    plans.iter().zip(targets).try_for_each(|(plan, target)| fill(&records, plan, target))
                });
                if filled.map_err(damaged)?.is_some() {
                    return Ok(true);
                }
                at = rid;
            }
        }
    }
}

/// Finds the row with exactly this clustered key; false when it is not in this rowset.
fn clustered_row(
    source: &dyn PageSource,
    wanted: &[Value],
    base: &RowsetAccess,
    keys: &[StoredKey],
    plans: &[ColumnPlan],
    targets: &mut [Target],
    asking: Asking<'_>,
    same: &dyn Fn(&Row<'_>) -> bool,
) -> SqlResult<bool> {
    let bound = Bound::Included(wanted.to_vec());
    let find = || position(source, base, keys, true, &bound, true).map_err(damaged);
    let Some((mut at, mut page, mut slot)) = find()? else {
        return Ok(false);
    };
    // The first row not before the key may be on the next page.
    let mut steps = 0;
    while steps < 3 {
        steps += 1;
        let next = {
            let rows = PageRows::new(PageView::new(&page)).map_err(damaged)?;
            if slot < rows.len() {
                let missing = || damaged(FormatError::NoSuchSlot { page: at, slot });
                let row = rows.row(slot).map_err(damaged)?.ok_or_else(missing)?;
                if compare_row(source, &row, base, keys, wanted, false).map_err(damaged)? != Ordering::Equal {
                    return Ok(false);
                }
                if let Some((reader, names)) = asking
                    && reader.usable(source, names, &page, slot..slot + 1)?.is_none()
                {
                    drop(rows);
                    let Some(again) = find()? else { return Ok(false) };
                    (at, page, slot) = again;
                    steps = 0;
                    continue;
                }
                if row.kind() != RowKind::Row || !same(&row) {
                    return Ok(false);
                }
                let taken = [(slot, row)];
                let filled = steady(source, rows.view(), targets, |source, targets| {
                    let records = Records { source, layout: &base.layout, page: at, rows: &taken };
                    plans.iter().zip(targets).try_for_each(|(plan, target)| fill(&records, plan, target))
                });
                if filled.map_err(damaged)?.is_some() {
                    return Ok(true);
                }
                drop(rows);
                let Some(again) = find()? else { return Ok(false) };
                (at, page, slot) = again;
                steps = 0;
                continue;
            }
            rows.view().next()
        };
        if next.is_null() {
            return Ok(false);
        }
        page = btree::tree_page(source, next).map_err(damaged)?;
        at = next;
        slot = 0;
    }
    Ok(false)
}

impl BatchSource for RangeScan {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        self.fill_batch()
    }
}

impl RangeScan {
    /// The row found still has the key under which its entry stood.
    fn is_entry_of(
        &self,
        lookup: &Lookup,
        index: &RowsetAccess,
        entry: &Row<'_>,
        base: &holdfast_format::record::RowLayout,
        row: &Row<'_>,
    ) -> bool {
        if !lookup.may_vanish {
            return true;
        }
        let (mut a, mut b) = (Vec::new(), Vec::new());
        lookup.entry_keys.iter().all(|&(in_index, in_base)| {
            let entry = entry.field(&index.layout, in_index, false, &mut a);
            match (entry, row.field(base, in_base, false, &mut b)) {
                (Ok(Field::Bytes(x)), Ok(Field::Bytes(y))) => x == y,
                (Ok(Field::Bit(x)), Ok(Field::Bit(y))) => x == y,
                (Ok(Field::Null | Field::Missing), Ok(Field::Null | Field::Missing)) => true,
                // A stored default, or a form that cannot be compared by its bytes.
                (Ok(_), Ok(Field::Missing | Field::Complex(_))) => true,
                _ => false,
            }
        })
    }
}

/// An index whose entries can be told apart, for messages.
pub fn describe(index: &StoredIndex) -> String {
    format!("{} ({})", index.name, index.index_id)
}
