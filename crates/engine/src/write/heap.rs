//! Changing a heap: rows at addresses that stay, forwarding when a row outgrows its page.
//!
//! Invariants
//! 1. A row keeps its address (RID) as long as it lives; when it moves, a stub at the address leads to it, and there is never
//!    more than one step.
//! 2. Bytes and slots that a transaction gives up are nobody else's until it ends: bytes by reservation, slots by the lock on
//!    their address, which whoever would reuse one asks for.

use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::FormatError;
use holdfast_format::catalog::unit_type;
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::{PageType, PageView};
use holdfast_format::record::fixed_var::{build_stub, stub_target};
use holdfast_format::record::row::RowKind;
use holdfast_format::record::writer::RecordShape;
use holdfast_format::record::{PageRows, RowLayout, compressed, status};
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::space::Format;
use holdfast_storage::write::{Body, Change, LogTransaction, Undo, UnitId, What};

use super::tree::{Tree, modify, record_bytes};
use super::undo::FixedRows;
use super::{pointers, row};
use crate::stored::LiveRowsets;
use crate::stored::table::RowsetAccess;

/// Shortest row of a heap: a stub must fit in its place.
const SHORTEST: usize = 9;
/// Non-zero bits that records of heaps carry where those of indexes have 0.
const SPACE_BITS: u16 = 0x41;
const FORWARDED: u8 = 0x02;

pub struct Heap {
    pub access: RowsetAccess,
    pub rowsets: Arc<LiveRowsets>,
    pub pointers: Option<Arc<Tree>>,
}

/// A row as it is found by its address.
pub struct Found {
    /// Where its bytes are: its address, or where the stub leads.
    pub at: Rid,
    pub record: Vec<u8>,
    /// The record as it can be read without its page.
    pub standalone: Vec<u8>,
    pub forwarded: bool,
}

fn unreadable(page: PageId) -> impl Fn(FormatError) -> RecoveryError {
    move |error| RecoveryError::Unreadable { page, error }
}

impl Heap {
    pub fn unit(&self) -> UnitId {
        UnitId(self.access.live.in_row.id())
    }

    fn row_target(&self) -> RowTarget {
        RowTarget { rowset: self.access.rowset, space_bits: SPACE_BITS, ..RowTarget::default() }
    }

    fn undo(&self, count: i8) -> Undo {
        Undo::Row { rows: Arc::new(FixedRows(Arc::clone(&self.access.live))), key: Box::default(), count }
    }

    /// Inserts a row; `is_free` says whether an address may be taken (nobody holds a lock on it).
    pub fn insert(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        record: &[u8],
        is_free: &dyn Fn(Rid) -> bool,
    ) -> RecoveryResult<Rid> {
        let rid = self.place(change, transaction, record, is_free, 1)?;
        self.access.live.count_rows(1);
        Ok(rid)
    }

    fn place(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        record: &[u8],
        is_free: &dyn Fn(Rid) -> bool,
        count: i8,
    ) -> RecoveryResult<Rid> {
        let mut need = record.len().max(SHORTEST) + 2;
        let (page, slot, record) = loop {
            let page = self.page_with_room(change, transaction, need)?;
            let image = change.page(page)?;
            let view = PageView::new(&image);
            let rows = PageRows::new(view).map_err(unreadable(page))?;
            let record = rows.fitted(&self.access.layout, record).map_err(unreadable(page))?;
            let length = record.len().max(SHORTEST) + self.stub_debt(&rows)?;
            let slots = view.slot_count();
            let free = (0..slots).find(|&s| view.slot_is_empty(s) && is_free(Rid { page, slot: s }));
            let slot = match free {
                Some(slot) => slot,
                // A slot that was cut off the end may still be somebody's.
                None => (slots..u16::MAX).find(|&s| is_free(Rid { page, slot: s })).unwrap_or(slots),
            };
            let wanted = length + 2 * usize::from((slot + 1).saturating_sub(slots));
            if wanted <= change.free_bytes(page, transaction.id)? {
                break (page, slot, record);
            }
            // Grows every time, so that in the end a page without such slots is taken.
            need = wanted.max(need + 2);
        };
        let body = Body::Row { row: self.row_target(), elements: &[&record, &[], &[]] };
        let unit = self.unit();
        let what = What { operation: op::INSERT_ROWS, context: context::HEAP, page, slot, unit, body };
        change.log(transaction, what, self.undo(count))?;
        self.note_fullness(change, page)?;
        Ok(Rid { page, slot })
    }

    /// Puts leading rows into one page behind the rows that are there, by one log record; answers the address of the first
    /// and how many went in. Nobody else may change the heap. `note` learns every address before it is used.
    pub fn append(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        records: &[&[u8]],
        note: &dyn Fn(Rid),
    ) -> RecoveryResult<(Rid, usize)> {
        let first = records.first().map_or(SHORTEST, |r| r.len().max(SHORTEST));
        let mut need = first + 2;
        let (page, slot, debt, free) = loop {
            let page = self.page_with_room(change, transaction, need)?;
            let image = change.page(page)?;
            let rows = PageRows::new(PageView::new(&image)).map_err(unreadable(page))?;
            let debt = self.stub_debt(&rows)?;
            let free = change.free_bytes(page, transaction.id)?;
            if debt + first + 2 <= free {
                break (page, rows.len(), debt, free);
            }
            // Grows every time, so that in the end a page without short rows is taken.
            need = (debt + first + 2).max(need + 2);
        };
        let mut used = debt;
        let mut count = 0;
        for record in records {
            used += record.len().max(SHORTEST) + 2;
            if used > free {
                break;
            }
            count += 1;
        }
        for n in 0..count {
            note(Rid { page, slot: slot + n as u16 });
        }
        let mut elements = records.get(..count).unwrap_or(records).to_vec();
        elements.extend([&[][..], &[][..]]);
        let body = Body::Row { row: self.row_target(), elements: &elements };
        let unit = self.unit();
        let what = What { operation: op::INSERT_ROWS, context: context::HEAP, page, slot, unit, body };
        let undo =
            Undo::Rows { rows: Arc::new(FixedRows(Arc::clone(&self.access.live))), key: Box::default() };
        change.log(transaction, what, undo)?;
        self.note_fullness(change, page)?;
        self.access.live.count_rows(count as i64);
        Ok((Rid { page, slot }, count))
    }

    /// Bytes that a page keeps free so that each of its rows can become a stub: compressed rows may be shorter than one.
    fn stub_debt(&self, rows: &PageRows<'_>) -> RecoveryResult<usize> {
        if self.access.layout.compression == 0 {
            return Ok(0);
        }
        let page = rows.view().page_id();
        let mut debt = 0;
        for slot in (0..rows.len()).filter(|&s| !rows.view().slot_is_empty(s)) {
            let length = record_bytes(rows, slot).map_err(unreadable(page))?.len();
            debt += SHORTEST.saturating_sub(length);
        }
        Ok(debt)
    }

    fn stub(&self, target: Rid) -> [u8; SHORTEST] {
        if self.access.layout.compression == 0 { build_stub(target) } else { compressed::build_stub(target) }
    }

    fn note_fullness(&self, change: &mut Change<'_>, page: PageId) -> RecoveryResult<()> {
        let image = change.page(page)?;
        change.note_fullness(page, 8096 - usize::from(PageView::new(&image).free_count()).min(8096))
    }

    /// A page of the heap with `need` bytes that this transaction may use.
    fn page_with_room(
        &self,
        change: &mut Change<'_>,
        transaction: &LogTransaction,
        need: usize,
    ) -> RecoveryResult<PageId> {
        let live = &self.access.live;
        let known = live.room.lock().is_some();
        if !known {
            let found = self.look_for_room(change)?;
            *live.room.lock() = Some(found);
        }
        // A few tries, then a new page: a page that has no room for this row may have some for others.
        let mut passed = Vec::new();
        let mut chosen = None;
        for _ in 0..4 {
            let Some(page) = live.room.lock().as_mut().and_then(|r| r.last().copied()) else { break };
            let free = change.free_bytes(page, transaction.id)?;
            if need <= free {
                chosen = Some(page);
                break;
            }
            let popped = live.room.lock().as_mut().and_then(Vec::pop);
            if free > 400 {
                passed.extend(popped);
            }
        }
        if let Some(room) = live.room.lock().as_mut() {
            let at = room.len().saturating_sub(usize::from(chosen.is_some()));
            for page in passed.into_iter().rev() {
                // Behind the one in use, so that it is tried again for smaller rows.
                room.insert(at.min(room.len()), page);
            }
        }
        match chosen {
            Some(page) => Ok(page),
            None => {
                let page = self.new_page(change, transaction)?;
                if let Some(room) = live.room.lock().as_mut() {
                    room.push(page);
                    let excess = room.len().saturating_sub(4096);
                    room.drain(..excess);
                }
                Ok(page)
            }
        }
    }

    fn look_for_room(&self, change: &Change<'_>) -> RecoveryResult<Vec<PageId>> {
        let first_iam = self.access.first_iam();
        let pages = holdfast_format::allocation::iam::unit_pages(change.source(), first_iam)
            .map_err(unreadable(first_iam))?;
        let mut reader = holdfast_format::allocation::iam::PfsReader::default();
        let mut out = Vec::new();
        for page in pages {
            let byte = reader.byte(change.source(), page).map_err(unreadable(page))?;
            if byte & holdfast_format::allocation::pfs::FULLNESS < 3 {
                out.push(page);
            }
        }
        Ok(out)
    }

    fn new_page(&self, change: &mut Change<'_>, transaction: &LogTransaction) -> RecoveryResult<PageId> {
        let live = &self.access.live;
        let files = self.rowsets.files(live.filegroup);
        let pminlen = row::fixed_length(&self.access.layout, RecordShape::Data);
        let (page, taken) =
            change.system("AllocHeapPageSimpleXactDML", Some(transaction), |change, own| {
                let mut first_iam = live.in_row.first_iam();
                let empty = first_iam.is_null();
                let (page, taken) = change.allocate(own, self.unit(), &files, &mut first_iam, 0)?;
                let format = Format { kind: PageType::Data, pminlen, heap: true, ..Format::default() };
                change.format_page(own, page, self.unit(), format)?;
                if empty && let Some(tree) = &self.pointers {
                    let (first, iam) = (Some(page), Some(first_iam));
                    pointers::set_of(tree, change, own, live, unit_type::IN_ROW, first, first, iam)?;
                }
                Ok((page, taken))
            })?;
        pointers::count(live, &live.in_row, taken, 1);
        Ok(page)
    }

    /// The row of an address, if there is one.
    pub fn find(&self, change: &Change<'_>, rid: Rid) -> RecoveryResult<Option<Found>> {
        let mut at = rid;
        for step in 0..2 {
            let image = change.page(at.page)?;
            let view = PageView::new(&image);
            let fail = unreadable(at.page);
            if !view.is(PageType::Data) || at.slot >= view.slot_count() || view.slot_is_empty(at.slot) {
                return Ok(None);
            }
            let rows = PageRows::new(view).map_err(&fail)?;
            let Some(row) = rows.row(at.slot).map_err(&fail)? else { return Ok(None) };
            match row.kind() {
                RowKind::Ghost => return Ok(None),
                RowKind::Stub => {
                    let bytes = view.require_record(at.slot).map_err(&fail)?;
                    at = stub_target(bytes).map_err(|e| fail(e.at(at.page, at.slot)))?;
                }
                kind => {
                    let record = record_bytes(&rows, at.slot).map_err(&fail)?.to_vec();
                    let standalone = row.standalone(&self.access.layout);
                    let standalone = standalone.map_err(|e| fail(e.at(at.page, at.slot)))?.into_owned();
                    if (kind == RowKind::Forwarded) != (step == 1) {
                        return Ok(None);
                    }
                    let forwarded = kind == RowKind::Forwarded;
                    return Ok(Some(Found { at, record, standalone, forwarded }));
                }
            }
        }
        Ok(None)
    }

    fn remove(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        at: Rid,
        record: &[u8],
        count: i8,
    ) -> RecoveryResult<()> {
        let row = RowTarget { offset: 1, ..self.row_target() };
        let body = Body::Row { row, elements: &[record, &[]] };
        let unit = self.unit();
        let (page, slot) = (at.page, at.slot);
        let what = What { operation: op::DELETE_ROWS, context: context::HEAP, page, slot, unit, body };
        change.log(transaction, what, self.undo(count))?;
        change.reserve(transaction, page, record.len().max(SHORTEST) + 2);
        self.note_fullness(change, page)?;
        if let Some(room) = self.access.live.room.lock().as_mut()
            && !room.contains(&page)
            && room.len() < 4096
        {
            room.insert(0, page);
        }
        Ok(())
    }

    /// Removes the row of an address.
    pub fn delete(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        rid: Rid,
        found: &Found,
    ) -> RecoveryResult<()> {
        if found.forwarded {
            self.remove(change, transaction, found.at, &found.record, 0)?;
            self.remove(change, transaction, rid, &self.stub(found.at), -1)?;
        } else {
            self.remove(change, transaction, rid, &found.record, -1)?;
        }
        self.access.live.count_rows(-1);
        Ok(())
    }

    /// Replaces the row of an address.
    pub fn replace(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        rid: Rid,
        found: &Found,
        record: &[u8],
        is_free: &dyn Fn(Rid) -> bool,
    ) -> RecoveryResult<()> {
        let new =
            if found.forwarded { forwarded(&self.access.layout, record, rid)? } else { record.to_vec() };
        let new = {
            let image = change.page(found.at.page)?;
            let fail = unreadable(found.at.page);
            let rows = PageRows::new(PageView::new(&image)).map_err(&fail)?;
            let growth = if self.access.layout.compression == 0 {
                new.len().saturating_sub(found.record.len().max(SHORTEST))
            } else {
                let new = rows.fitted(&self.access.layout, &new).map_err(&fail)?;
                let gone = SHORTEST.saturating_sub(found.record.len());
                let debt = self.stub_debt(&rows)? - gone + SHORTEST.saturating_sub(new.len());
                let growth = new.len().saturating_sub(found.record.len());
                if growth == 0 { 0 } else { growth + debt }
            };
            let fits = growth == 0 || growth <= change.free_bytes(found.at.page, transaction.id)?;
            let new = rows.fitted(&self.access.layout, &new).map_err(&fail)?.into_owned();
            fits.then_some(new)
        };
        if let Some(new) = new {
            self.modify(change, transaction, found.at, &found.record, &new)?;
            return self.note_fullness(change, found.at.page);
        }
        if !found.forwarded && SHORTEST > found.record.len() + change.free_bytes(rid.page, transaction.id)? {
            // Pages that Holdfast writes keep that room.
            let what =
                "a compressed row that must move leaves no room for what leads to it; rebuild the table";
            return Err(unreadable(rid.page)(FormatError::Page { page: rid.page, what }));
        }
        let moved =
            self.place(change, transaction, &forwarded(&self.access.layout, record, rid)?, is_free, 0)?;
        if found.forwarded {
            self.remove(change, transaction, found.at, &found.record, 0)?;
            self.modify(change, transaction, rid, &self.stub(found.at), &self.stub(moved))
        } else {
            self.modify(change, transaction, rid, &found.record, &self.stub(moved))?;
            self.note_fullness(change, rid.page)
        }
    }

    fn modify(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        at: Rid,
        old: &[u8],
        new: &[u8],
    ) -> RecoveryResult<()> {
        let undo = self.undo(0);
        let place = (at.page, at.slot);
        modify(change, transaction, self.unit(), self.row_target(), context::HEAP, place, old, new, undo)
    }
}

/// The record as it stands away from its address `home`: the last variable column leads back. It stands behind all columns of the
/// table, empty ones that are left out of other records too, so that nobody takes it for one of them; unless that made the record of
/// a full row longer than pages are made for.
fn forwarded(layout: &RowLayout, record: &[u8], home: Rid) -> RecoveryResult<Vec<u8>> {
    let broken = |what: &str| RecoveryError::Database { what: format!("a row cannot be moved: {what}") };
    if record.first().is_some_and(|b| b & status::COMPRESSED != 0) {
        return compressed::forwarded(record, home).map_err(|e| broken(e.what));
    }
    let parsed = holdfast_format::record::FixedVar::parse_data(record).map_err(|e| broken(e.what))?;
    let mut parts = holdfast_format::record::writer::Parts::of(&parsed).map_err(|e| broken(e.what))?;
    let mut back = vec![0x00, 0x04];
    back.extend_from_slice(&home.to_bytes());
    let columns =
        layout.columns.iter().map(|c| usize::from(c.leaf.offset.min(0).unsigned_abs())).max().unwrap_or(0);
    let padding = 2 * columns.saturating_sub(parts.variable.len());
    if padding > 0 && record.len() + padding <= row::MAX_ROW {
        parts.variable.resize(columns, (Vec::new(), false));
    }
    parts.variable.push((back, true));
    parts.status_a = parts.status_a & !status::TYPE_MASK | FORWARDED | status::VARIABLE;
    Ok(parts.assemble())
}
