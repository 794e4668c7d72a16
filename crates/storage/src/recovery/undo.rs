//! Undo: takes back the records of open transactions, newest first, writing a compensation record for each and closing
//! every transaction with ABORT_XACT.
//!
//! | undone | written |
//! |---|---|
//! | INSERT | DELETE_ROWS; as ghost when the row had taken over a ghost |
//! | INSERT of several rows | DELETE_SPLIT, one for each page that holds some of them by now |
//! | DELETE as ghost | INSERT_ROWS that takes the ghost over |
//! | DELETE | INSERT_ROWS |
//! | MODIFY_ROW, MODIFY_COLUMNS, MODIFY_HEADER, SET_BITS, ROOT_CHANGE, FILE_HDR_MODIFY | the same with the old value |
//! | DELETE_SPLIT | INSERT_ROWS of the rows that had moved |
//!
//! Invariants
//! 1. A compensation record is applied to its page by the same redo as any other record.
//! 2. The previous LSN of a compensation record is that of the record it undoes, so that an interrupted rollback goes on
//!    behind it and nothing is undone twice. Of several records for one, all but the last name the record itself: it comes
//!    again, for the rows that are left ([`Positions::stretch`]).
//! 3. Before a row is touched it is compared with what the record left; a difference stops undo.
//!
//! A running server turns the rows of a rolled back insert into ghosts, because others may wait on their keys. Nobody waits
//! during recovery, and removing the row keeps the order of rows exact when the transaction also removed neighbours.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_base::{Lsn, PageId};
use holdfast_format::PageBytes;
use holdfast_format::catalog::object::SYSALLOCUNITS;
use holdfast_format::log::page_operation::{DeleteSplit, RootChange, SetBits, column_changes};
use holdfast_format::log::record::flag;
use holdfast_format::log::transaction::HobtDelta;
use holdfast_format::log::write::{RecordHeader, count_change, end_transaction, page_record, row_record};
use holdfast_format::log::{
    BlockVersion, Context, LogBlock, LogRecord, LogStore, LogTime, Operation, PageTarget, RowTarget,
    TransactionId, context, op,
};
use holdfast_format::page::PageView;
use holdfast_format::record::is_forwarded;

use super::analysis::{OpenTransaction, TransactionTable};
use super::counts::{leftover_record, lone_count};
use super::error::{RecoveryError, RecoveryResult};
use super::log_writer::LogWriter;
use super::pages::PageStore;
use super::position::Positions;
use super::redo;
use super::redo::is_ghost;

/// Bytes of a row of sysallocunits that say where the unit's pages begin: first page, root, first IAM page.
pub const UNIT_POINTERS: std::ops::Range<usize> = 27..45;

/// Object and index part of the pages of sysallocunits.
const UNITS: (u32, u16) = (SYSALLOCUNITS as u32, 0);

/// What undo did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollBack {
    pub transactions: u64,
    pub records: u64,
}

/// Reads records by LSN, keeping the last block.
struct Reader<'a> {
    log: &'a LogStore,
    block: Option<LogBlock>,
}

impl Reader<'_> {
    fn with<T>(
        &mut self,
        lsn: Lsn,
        f: impl FnOnce(&LogRecord<'_>) -> RecoveryResult<T>,
    ) -> RecoveryResult<T> {
        let first = Lsn { slot: 1, ..lsn };
        let block = match self.block.take().filter(|b| b.header().lsn == first) {
            Some(block) => block,
            None => self.log.block_of(lsn)?,
        };
        let block = self.block.insert(block);
        f(&block.record(lsn.slot)?)
    }
}

/// Undoes everything that is open in `table`; `log` must reach back to their beginnings. Records from `end` on did not
/// happen.
pub fn roll_back(
    pages: &mut dyn PageStore,
    log: &LogStore,
    end: Lsn,
    writer: &mut LogWriter,
    table: &mut TransactionTable,
    time: LogTime,
) -> RecoveryResult<RollBack> {
    roll_back_those(pages, log, end, writer, table, time, &BTreeSet::new())
}

/// The same, but for those that are `left` open.
pub fn roll_back_those(
    pages: &mut dyn PageStore,
    log: &LogStore,
    end: Lsn,
    writer: &mut LogWriter,
    table: &mut TransactionTable,
    time: LogTime,
    left: &BTreeSet<TransactionId>,
) -> RecoveryResult<RollBack> {
    let losers: Vec<OpenTransaction> = table.open().filter(|t| !left.contains(&t.id)).copied().collect();
    let mut done = RollBack::default();
    if losers.is_empty() {
        return Ok(done);
    }
    let oldest =
        losers.iter().map(|t| if t.begin.is_zero() { t.last } else { t.begin }).min().unwrap_or(Lsn::ZERO);
    let mut positions = Positions::follow(log, oldest, end, &|id| table.is_open(id) && !left.contains(&id))?;
    let mut reader = Reader { log, block: None };
    // Next record to undo of each transaction; the newest comes first.
    let mut next: BTreeMap<Lsn, OpenTransaction> = losers.iter().map(|t| (t.last, *t)).collect();
    while let Some((lsn, loser)) = next.pop_last() {
        let Step { next: previous, written } = reader.with(lsn, |record| {
            let mut moved = |record: &LogRecord<'_>, split: &DeleteSplit| moved_rows(log, record, split);
            take_back(&mut StoreImages(pages), &mut positions, &mut moved, record)
        })?;
        if let Some((bytes, left)) = written {
            // Before the pages lose their owner: a recovery that is cut behind this finds them again in the log.
            if let Some((unit, first_iam)) = left {
                let note = match first_iam.is_null() {
                    true => lone_count(0, 0, unit),
                    false => leftover_record(unit, first_iam),
                };
                let own = writer.append(&note)?;
                table.counts.observe(&LogRecord::new(own, &note)?, false)?;
            }
            let own = writer.append(&bytes)?;
            let record = LogRecord::new(own, &bytes)?;
            table.counts.observe(&record, loser.system)?;
            if let Some(target) = record.page_target()? {
                redo::apply(&record, &target, pages.page_mut(target.page)?)?;
            }
            done.records += 1;
            if done.records.is_multiple_of(256) {
                writer.flush()?;
                pages.relieve()?;
            }
        }
        if previous.is_zero() {
            let begin = if loser.begin.is_zero() { lsn } else { loser.begin };
            let version = writer.version();
            writer.append(&abort(&loser, begin, time, version))?;
            table.close(loser.id);
            done.transactions += 1;
        } else {
            next.insert(previous, loser);
        }
    }
    writer.flush()?;
    Ok(done)
}

/// What a record of a loser comes to when it is taken back.
pub(crate) struct Step {
    /// The next one of the transaction; zero: there is none.
    pub next: Lsn,
    /// The compensation, for the present page, and pages that lose their owner by it: their unit and where its chain of IAM
    /// pages begins.
    pub written: Option<(Vec<u8>, Option<(u64, PageId)>)>,
}

/// Takes a record back; rows are where the log says that they went.
pub(crate) fn take_back(
    pages: &mut dyn Images,
    positions: &mut Positions,
    moved: &mut MovedRows<'_>,
    record: &LogRecord<'_>,
) -> RecoveryResult<Step> {
    if record.operation() == op::BEGIN_XACT {
        return Ok(Step { next: Lsn::ZERO, written: None });
    }
    if record.is_compensation() {
        return Ok(Step { next: record.previous(), written: None });
    }
    let rows = rows_entered(record)?;
    if rows > 1
        && let Some(target) = record.page_target()?
        && pages.has_file(target.page.file)
    {
        let stretch = positions.stretch(record.lsn(), target.page, target.slot, rows);
        let bytes = take_back_rows(pages, record, stretch)?;
        let next = if stretch.last { record.previous() } else { record.lsn() };
        return Ok(Step { next, written: Some((bytes, None)) });
    }
    let mut locate = |record: &LogRecord<'_>, target: &PageTarget| {
        Ok(positions.undone(record.lsn(), target.page, target.slot))
    };
    let written = compensate(pages, moved, record, &mut locate)?;
    let left = match &written {
        Some(bytes) => left_behind(pages, record, bytes)?,
        None => None,
    };
    Ok(Step { next: record.previous(), written: written.map(|bytes| (bytes, left)) })
}

fn abort(loser: &OpenTransaction, begin: Lsn, time: LogTime, version: BlockVersion) -> Vec<u8> {
    end_transaction(op::ABORT_XACT, loser.id, begin, time, 0, version)
}

/// What a compensation is built from.
struct Undoing<'a, 'r> {
    record: &'a LogRecord<'r>,
    target: PageTarget,
    page: PageBytes,
}

impl Undoing<'_, '_> {
    fn header(&self, operation: Operation, context: Context) -> RecordHeader {
        RecordHeader {
            previous: self.record.previous(),
            flags: flag::TRANSACTION | flag::COMPENSATION,
            transaction: self.record.transaction(),
            operation,
            context,
        }
    }

    fn same_header(&self) -> RecordHeader {
        self.header(self.record.operation(), self.record.context())
    }

    fn mismatch(&self, what: &'static str) -> RecoveryError {
        RecoveryError::Mismatch {
            lsn: self.record.lsn(),
            operation: self.record.operation(),
            page: self.target.page,
            slot: self.target.slot,
            what,
        }
    }

    fn row(&self) -> Option<&[u8]> {
        PageView::new(&self.page).record(self.target.slot)
    }

    /// Invariant 3 for whole rows: equal but for the ghost state and the version tag behind.
    fn expect_row(&self, image: &[u8], ghost: bool) -> RecoveryResult<()> {
        let row = self.row().ok_or_else(|| self.mismatch("the row to be undone is not there"))?;
        let compared = match counted_row(&self.target) {
            Some(key) if image.len() >= key.end => key,
            _ => 1..image.len(),
        };
        let same = row.len() >= compared.end
            && !image.is_empty()
            && row.get(compared.clone()) == image.get(compared);
        if !same {
            return Err(self.mismatch("the row to be undone is another one"));
        }
        if row.first().is_some_and(|&b| is_ghost(b)) != ghost {
            return Err(self.mismatch("the row to be undone is not in the state that was left"));
        }
        Ok(())
    }
}

/// Rows whose counts and pointers change outside of the transaction that entered them (COUNT_DELTA, ROOT_CHANGE, identity
/// values): where their key stands. They are sysrscols, sysrowsets, sysallocunits and syscolpars.
fn counted_row(target: &PageTarget) -> Option<std::ops::Range<usize>> {
    match (target.object_part, target.index_part) {
        (3, 0) => Some(4..20),
        (5 | 7, 0) => Some(4..12),
        (41, 1) => Some(4..14),
        _ => None,
    }
}

/// Copies of pages.
pub(crate) trait Images {
    fn image(&mut self, id: PageId) -> RecoveryResult<PageBytes>;
    fn has_file(&self, file: holdfast_base::FileId) -> bool;
}

struct StoreImages<'a>(&'a mut dyn PageStore);

impl Images for StoreImages<'_> {
    fn image(&mut self, id: PageId) -> RecoveryResult<PageBytes> {
        self.0.page(id).copied()
    }
    fn has_file(&self, file: holdfast_base::FileId) -> bool {
        self.0.has_file(file)
    }
}

/// Where the row is now that a record named.
pub(crate) type Locate<'a> = dyn FnMut(&LogRecord<'_>, &PageTarget) -> RecoveryResult<(PageId, u16)> + 'a;

/// The rows that a page split moved; its record names only how many.
pub(crate) type MovedRows<'a> = dyn FnMut(&LogRecord<'_>, &DeleteSplit) -> RecoveryResult<Vec<Vec<u8>>> + 'a;

/// Rows that one record entered, which stand together at the end of a page now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub page: PageId,
    pub slot: u16,
    pub rows: u16,
    /// Nothing of the record is left when these are gone.
    pub last: bool,
}

/// How many rows an INSERT_ROWS entered; 0 for other records.
pub(crate) fn rows_entered(record: &LogRecord<'_>) -> RecoveryResult<u16> {
    if record.operation() != op::INSERT_ROWS {
        return Ok(0);
    }
    Ok(u16::try_from(record.elements()?.len().saturating_sub(2)).unwrap_or(u16::MAX))
}

/// The compensation record that takes some of the rows away that one record entered.
pub(crate) fn take_back_rows(
    pages: &mut dyn Images,
    record: &LogRecord<'_>,
    stretch: Stretch,
) -> RecoveryResult<Vec<u8>> {
    let missing = || RecoveryError::CannotUndo { lsn: record.lsn(), operation: record.operation() };
    let mut target = record.page_target()?.ok_or_else(missing)?;
    (target.page, target.slot) = (stretch.page, stretch.slot);
    let page = pages.image(target.page)?;
    target.page_lsn = PageView::new(&page).lsn();
    let undo = Undoing { record, target, page };
    let previous = if stretch.last { record.previous() } else { record.lsn() };
    undo_rows(&undo, stretch.rows, previous)
}

/// Nothing stands behind the rows: they were the last of their table when they came and nobody else may have added any, or a
/// split put them on a page of its own.
fn undo_rows(undo: &Undoing<'_, '_>, rows: u16, previous: Lsn) -> RecoveryResult<Vec<u8>> {
    let behind = PageView::new(&undo.page).slot_count().checked_sub(undo.target.slot);
    if behind != Some(rows) {
        return Err(undo.mismatch("rows that were entered together are not at the end of their page"));
    }
    let header = RecordHeader { previous, ..undo.header(op::DELETE_SPLIT, undo.record.context()) };
    let rest = DeleteSplit::rows_taken_back(undo.target.page, rows, undo.record.row_target()?.rowset);
    Ok(page_record(&header, &undo.target, &rest, Some(&[])))
}

/// The compensation record of a record; `None` when there is nothing to take back on a page.
pub(crate) fn compensate(
    pages: &mut dyn Images,
    moved: &mut MovedRows<'_>,
    record: &LogRecord<'_>,
    locate: &mut Locate<'_>,
) -> RecoveryResult<Option<Vec<u8>>> {
    if record.operation() == op::HOBT_DELTA {
        // Rows that TRUNCATE took away; page counts of other writers' records are nothing to take back.
        let delta = HobtDelta::decode(record)?;
        let header = RecordHeader {
            previous: record.previous(),
            flags: flag::TRANSACTION | flag::COMPENSATION,
            transaction: record.transaction(),
            operation: op::HOBT_DELTA,
            context: record.context(),
        };
        return Ok((delta.rows != 0).then(|| count_change(&header, delta.rowset, -delta.rows, 0)));
    }
    let Some(mut target) = record.page_target()? else {
        // Locks, savepoints, counters in memory: nothing on a page.
        return Ok(None);
    };
    if !pages.has_file(target.page.file) {
        return Ok(None);
    }
    (target.page, target.slot) = locate(record, &target)?;
    let page = pages.image(target.page)?;
    target.page_lsn = PageView::new(&page).lsn();
    let undo = Undoing { record, target, page };
    Ok(match record.operation() {
        // The page goes back to the free ones with the bits that gave it out; system transaction brackets leave nothing.
        op::FORMAT_PAGE | op::INSYSXACT => None,
        op::INSERT_ROWS => Some(undo_insert(&undo)?),
        op::DELETE_ROWS => Some(undo_delete(&undo)?),
        op::MODIFY_ROW | op::MODIFY_HEADER => Some(undo_modify(&undo)?),
        op::MODIFY_COLUMNS => Some(undo_columns(&undo)?),
        op::SET_BITS => {
            let bits = SetBits::decode(record)?;
            let mut rest = bits.first.to_le_bytes().to_vec();
            rest.extend_from_slice(&bits.count.to_le_bytes());
            rest.extend_from_slice(&u16::from(!bits.value).to_le_bytes());
            Some(page_record(&undo.same_header(), &undo.target, &rest, Some(&[])))
        }
        op::ROOT_CHANGE => Some(undo_root_change(&undo)?),
        op::FILE_HDR_MODIFY => {
            let elements = record.elements()?;
            let row = record.row_target()?;
            let (old, new) = (elements.required(0)?, elements.required(1)?);
            Some(row_record(&undo.same_header(), &undo.target, &row, &[new, old, &[], &[]]))
        }
        op::DELETE_SPLIT => {
            let split = DeleteSplit::decode(record)?;
            let images = moved(record, &split)?;
            let mut elements: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
            elements.extend([&[][..], &[][..]]);
            let header = undo.header(op::INSERT_ROWS, record.context());
            Some(row_record(&header, &undo.target, &RowTarget::default(), &elements))
        }
        operation => return Err(RecoveryError::CannotUndo { lsn: record.lsn(), operation }),
    })
}

fn undo_insert(undo: &Undoing<'_, '_>) -> RecoveryResult<Vec<u8>> {
    let elements = undo.record.elements()?;
    let rows = elements.len().saturating_sub(2);
    let row = undo.record.row_target()?;
    let took_over = row.size_or_flags & 2 != 0;
    let row = RowTarget { offset: 1, size_or_flags: 0, ..row };
    if rows > 1 {
        return undo_rows(undo, rows as u16, undo.record.previous());
    }
    let image = elements.required(0)?;
    undo.expect_row(image, image.first().is_some_and(|&b| is_ghost(b)))?;
    let context = if took_over { context::MARK_AS_GHOST } else { undo.record.context() };
    // Forwarded rows do not count: the record must tell that it was one.
    let forwarded = context == context::HEAP && image.first().is_some_and(|&b| is_forwarded(b));
    let gone = if forwarded { image } else { &[] };
    Ok(row_record(&undo.header(op::DELETE_ROWS, context), &undo.target, &row, &[gone, &[]]))
}

fn undo_delete(undo: &Undoing<'_, '_>) -> RecoveryResult<Vec<u8>> {
    let elements = undo.record.elements()?;
    let image = elements.required(0)?;
    let row = RowTarget { offset: 0, ..undo.record.row_target()? };
    if undo.record.context() == context::MARK_AS_GHOST {
        // The key is the same; the rest may have been another row in between, which was rolled back to a ghost.
        if !undo.row().and_then(|r| r.first()).is_some_and(|&b| is_ghost(b)) {
            return Err(undo.mismatch("the row to be undone is no ghost"));
        }
        let context = match (PageView::new(&undo.page).page_type(), PageView::new(&undo.page).level()) {
            (1, _) => context::CLUSTERED,
            (_, 0) => context::INDEX_LEAF,
            _ => context::INDEX_INTERIOR,
        };
        let row = RowTarget { size_or_flags: 2, ..row };
        return Ok(row_record(
            &undo.header(op::INSERT_ROWS, context),
            &undo.target,
            &row,
            &[image, &[], &[]],
        ));
    }
    let row = RowTarget { size_or_flags: 0, ..row };
    Ok(row_record(
        &undo.header(op::INSERT_ROWS, undo.record.context()),
        &undo.target,
        &row,
        &[image, &[], &[]],
    ))
}

fn undo_modify(undo: &Undoing<'_, '_>) -> RecoveryResult<Vec<u8>> {
    let elements = undo.record.elements()?;
    let (old, new) = (elements.required(0)?, elements.required(1)?);
    let mut row = undo.record.row_target()?;
    if is_emptying(undo.record, &undo.target)? {
        // What the transaction put into the unit since goes with it (see [`is_emptying`]).
    } else if undo.record.operation() == op::MODIFY_ROW {
        let offset = usize::from(row.offset);
        // A piece of a large value that grew has its length word set by redo, not by the record.
        let present = undo.row().and_then(|r| r.get(offset..offset + new.len()));
        if present != Some(new) {
            return Err(undo.mismatch("the bytes to be undone are other ones"));
        }
        row.size_or_flags = new.len() as u16;
    }
    Ok(row_record(&undo.same_header(), &undo.target, &row, &[&[], old, &[], &[]]))
}

/// The record with which a transaction emptied an allocation unit: the unit's pointers in its row of sysallocunits become
/// null. The unit may have got pages since, by nested transactions that stay; they are freed when the pointers come back.
pub(crate) fn is_emptying(record: &LogRecord<'_>, target: &PageTarget) -> RecoveryResult<bool> {
    if record.operation() != op::MODIFY_ROW || record.is_compensation() {
        return Ok(false);
    }
    let elements = record.elements()?;
    Ok((target.object_part, target.index_part) == UNITS
        && usize::from(record.row_target()?.offset) == UNIT_POINTERS.start
        && elements.required(1)? == [0; UNIT_POINTERS.end - UNIT_POINTERS.start])
}

/// A unit whose pages are to be counted anew when `compensation` takes `record` back, and pages that lose their owner by it,
/// because they came in nested transactions that stay: those of a unit that was emptied and has got pages since, and those of
/// a unit whose creation is taken back. A unit that was emptied has its old pages back, whose counts a checkpoint may have
/// written as none: no page is null then.
pub(crate) fn left_behind(
    pages: &mut dyn Images,
    record: &LogRecord<'_>,
    compensation: &[u8],
) -> RecoveryResult<Option<(u64, PageId)>> {
    let Some(target) = record.page_target()? else { return Ok(None) };
    let created = record.operation() == op::INSERT_ROWS
        && (target.object_part, target.index_part) == UNITS
        && record.context() == context::CLUSTERED
        && !record.is_compensation();
    if !created && !is_emptying(record, &target)? {
        return Ok(None);
    }
    let Some(at) = LogRecord::new(Lsn::ZERO, compensation)?.page_target()? else { return Ok(None) };
    let page = pages.image(at.page)?;
    let since = PageView::new(&page).record(at.slot).and_then(pages_since);
    Ok(since.filter(|(_, first_iam)| !created || !first_iam.is_null()))
}

/// The unit and its present first IAM page in a row of sysallocunits.
fn pages_since(row: &[u8]) -> Option<(u64, PageId)> {
    let iam = row.get(UNIT_POINTERS.end - 6..UNIT_POINTERS.end)?;
    let iam = PageId::from_bytes(iam.try_into().ok()?);
    let unit = u64::from_le_bytes(row.get(4..12)?.try_into().ok()?);
    Some((unit, iam))
}

fn undo_columns(undo: &Undoing<'_, '_>) -> RecoveryResult<Vec<u8>> {
    let changes = column_changes(undo.record)?;
    let (mut pairs, mut lengths) = (Vec::new(), Vec::new());
    for change in changes.clone() {
        pairs.extend_from_slice(&change.new_offset.to_le_bytes());
        pairs.extend_from_slice(&change.old_offset.to_le_bytes());
        lengths.extend_from_slice(&(change.new.len() as u16).to_le_bytes());
        let offset = usize::from(change.new_offset);
        if undo.row().and_then(|r| r.get(offset..offset + change.new.len())) != Some(change.new) {
            return Err(undo.mismatch("the bytes to be undone are other ones"));
        }
    }
    let mut elements: Vec<&[u8]> = vec![&pairs, &lengths, &[], &[]];
    for change in changes {
        elements.extend([&[][..], change.old]);
    }
    let row = undo.record.row_target()?;
    Ok(row_record(&undo.same_header(), &undo.target, &row, &elements))
}

fn undo_root_change(undo: &Undoing<'_, '_>) -> RecoveryResult<Vec<u8>> {
    let change = RootChange::decode(undo.record)?;
    let mut rest = undo.record.fixed().get(0x30..).unwrap_or(&[]).to_vec();
    let (new, old) = (change.old.to_bytes(), change.new.to_bytes());
    for (at, bytes) in [(0x48 - 0x30, new), (0x50 - 0x30, old)] {
        if let Some(field) = rest.get_mut(at..at + 6) {
            field.copy_from_slice(&bytes);
        }
    }
    Ok(page_record(&undo.same_header(), &undo.target, &rest, Some(&[])))
}

/// The rows a split moved: the images of the insert into the new page, which the same transaction wrote before.
fn moved_rows(log: &LogStore, record: &LogRecord<'_>, split: &DeleteSplit) -> RecoveryResult<Vec<Vec<u8>>> {
    let cannot = || RecoveryError::CannotUndo { lsn: record.lsn(), operation: record.operation() };
    let mut reader = Reader { log, block: None };
    let mut lsn = record.previous();
    let mut images: Vec<Vec<u8>> = Vec::new();
    while !lsn.is_zero() && images.len() < usize::from(split.rows) {
        lsn = reader.with(lsn, |r| {
            let into_new = r.page_target()?.is_some_and(|t| t.page == split.new_page);
            if r.operation() == op::INSERT_ROWS && into_new && !r.is_compensation() {
                images.splice(0..0, r.elements()?.rows().map(<[u8]>::to_vec));
            }
            Ok(r.previous())
        })?;
    }
    if images.len() == usize::from(split.rows) { Ok(images) } else { Err(cannot()) }
}
