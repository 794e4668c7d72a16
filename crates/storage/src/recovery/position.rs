//! Where a row is now. Undo names rows by the page and slot they had when the record was written; since then other rows may
//! have come before them and splits may have moved them. All of that is in the log, so following it gives the exact place
//! without knowing any key.
//!
//! Every record that moves slots is an event of its page. The present place of a row is its old place carried through the
//! events behind it. Undoing a removal takes its event back instead of adding one: removing two neighbours and putting them
//! back is then exact, which counting forwards and backwards is not (both slots become one in between). Undoing an insert
//! adds an event: splits and other rows' records logged while the row was there counted it.
//!
//! Invariants
//! 1. Only pages whose slots shift have events; rows of heaps and large values stay where they are.
//! 2. Undo goes from new to old, so that of the losers' own events none behind the record in hand is left.
//! 3. What a system transaction did and took back again (a page split that failed, or that a recovery undid which was cut)
//!    moved nothing: nobody else changes its pages in between. The rows of others are carried neither there nor back.
//!
//! Rejected: descending the tree by key, which needs the catalogue before the catalogue is consistent, and the collation of
//! every key column.

use std::collections::{HashMap, HashSet};

use holdfast_base::{Lsn, PageId};
use holdfast_format::log::page_operation::DeleteSplit;
use holdfast_format::log::record::flag;
use holdfast_format::log::transaction::BeginTransaction;
use holdfast_format::log::{LogRecord, LogStore, TransactionId, context, op};

use super::error::{RecoveryError, RecoveryResult};
use super::redo::rows_keep_slots;
use super::undo::Stretch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Rows came in at the slot.
    In { slot: u16, rows: u16 },
    /// The row of the slot went away.
    Out { slot: u16 },
    /// Rows from the slot on went to another page, the first of them to slot `to`.
    Split { slot: u16, rows: u16, new_page: PageId, to: u16 },
}

#[derive(Clone, Copy, Debug)]
struct Event {
    lsn: Lsn,
    moved: Move,
    undone: bool,
}

/// A record of a loser that is still to be undone, for matching compensation records written before the crash.
#[derive(Clone, Copy, Debug)]
struct Live {
    lsn: Lsn,
    previous: Lsn,
    page: PageId,
}

/// The moves of slots since the oldest record to undo.
#[derive(Default)]
pub struct Positions {
    by_page: HashMap<PageId, Vec<Event>>,
    live: HashMap<TransactionId, Vec<Live>>,
    /// System transactions that are under way in the walk.
    system: HashSet<TransactionId>,
    /// Slot of the last insert of a transaction into a page: where a split put the rows it moved.
    last_insert: HashMap<(TransactionId, PageId), u16>,
    /// How many of the rows that one record entered have been taken back.
    taken: HashMap<Lsn, u16>,
    /// Behind every record that was followed.
    end: Lsn,
}

/// Records between two questions whether to go on.
const ASKED: u32 = 4096;

impl Positions {
    /// Follows the log from `from` up to `end` (exclusive) for the records of the given transactions.
    pub fn follow(
        log: &LogStore,
        from: Lsn,
        end: Lsn,
        is_loser: &dyn Fn(TransactionId) -> bool,
    ) -> RecoveryResult<Self> {
        let whole = Self::follow_while(log, from, end, is_loser, &|| true)?;
        whole
            .ok_or_else(|| RecoveryError::Database { what: "the log was not followed to its end".to_owned() })
    }

    /// The same, as long as it `goes_on`; `None`: it did not.
    pub fn follow_while(
        log: &LogStore,
        from: Lsn,
        end: Lsn,
        is_loser: &dyn Fn(TransactionId) -> bool,
        goes_on: &dyn Fn() -> bool,
    ) -> RecoveryResult<Option<Self>> {
        let mut positions = Positions { end, ..Positions::default() };
        let (mut count, mut stopped) = (0u32, false);
        let read = log.for_each_record::<RecoveryError>(from, |record| {
            if record.lsn() >= end {
                return Ok(false);
            }
            count = count.wrapping_add(1);
            stopped = count.is_multiple_of(ASKED) && !goes_on();
            if stopped {
                return Ok(false);
            }
            positions.observe(record, is_loser(record.transaction()))?;
            Ok(true)
        })?;
        if stopped {
            return Ok(None);
        }
        // A block that cannot be read must not pass for the end: rows would be sought where they were before.
        if read.at < end {
            let what = format!("the log was read up to {} and goes on to {end}", read.at);
            return Err(RecoveryError::Database { what });
        }
        Ok(Some(positions))
    }

    /// Present place of the row that a record named.
    pub fn of(&self, record: Lsn, page: PageId, slot: u16) -> (PageId, u16) {
        let (mut page, mut slot, mut after) = (page, slot, record);
        'pages: loop {
            for event in self.by_page.get(&page).into_iter().flatten() {
                if event.lsn <= after || event.undone {
                    continue;
                }
                match event.moved {
                    Move::In { slot: at, rows } if slot >= at => slot = slot.saturating_add(rows),
                    Move::Out { slot: at } if slot > at => slot -= 1,
                    Move::Split { slot: at, rows, new_page, to }
                        if slot >= at && u32::from(slot) < u32::from(at) + u32::from(rows) =>
                    {
                        slot = to.saturating_add(slot - at);
                        page = new_page;
                        after = event.lsn;
                        continue 'pages;
                    }
                    _ => {}
                }
            }
            return (page, slot);
        }
    }

    /// Present place of the row of a record that is being undone; what it moved is moved back.
    pub fn undone(&mut self, record: Lsn, page: PageId, slot: u16) -> (PageId, u16) {
        let moved = self.by_page.get(&page).and_then(|events| {
            events.binary_search_by_key(&record, |e| e.lsn).ok().and_then(|at| events.get(at))
        });
        if !matches!(moved, Some(Event { moved: Move::In { rows: 1, .. }, .. })) {
            self.take_back(record, page);
            return self.of(record, page, slot);
        }
        // What was logged while the row was there counted it, splits among others: its going is a move of its own.
        let place = self.of(record, page, slot);
        let gone = Event { lsn: self.end, moved: Move::Out { slot: place.1 }, undone: false };
        self.by_page.entry(place.0).or_default().push(gone);
        place
    }

    /// The last of the rows that a record entered together and that are still there, as far as they are on one page; they are
    /// being taken back. Nothing stands behind them, so their going moves nothing.
    pub(crate) fn stretch(&mut self, record: Lsn, page: PageId, slot: u16, rows: u16) -> Stretch {
        let left = rows.saturating_sub(self.taken.get(&record).copied().unwrap_or(0));
        let last = slot.saturating_add(left.saturating_sub(1));
        let (at, end) = self.of(record, page, last);
        let mut here = left.min(1);
        while here < left && here <= end && self.of(record, page, last - here) == (at, end - here) {
            here += 1;
        }
        *self.taken.entry(record).or_default() += here;
        Stretch { page: at, slot: (end + 1).saturating_sub(here), rows: here, last: here == left }
    }

    /// A removal is being undone: its move did not happen.
    fn take_back(&mut self, record: Lsn, page: PageId) {
        let events = self.by_page.get_mut(&page).map_or(&mut [][..], Vec::as_mut_slice);
        // Events stand in log order.
        if let Ok(at) = events.binary_search_by_key(&record, |e| e.lsn)
            && let Some(event) = events.get_mut(at)
        {
            event.undone = true;
        }
    }

    fn observe(&mut self, record: &LogRecord<'_>, loser: bool) -> RecoveryResult<()> {
        let id = record.transaction();
        match record.operation() {
            op::BEGIN_XACT if BeginTransaction::is_system(record)? => {
                self.system.insert(id);
            }
            op::COMMIT_XACT | op::ABORT_XACT if self.system.remove(&id) => {
                self.live.remove(&id);
            }
            _ => {}
        }
        let loser = loser || self.system.contains(&id);
        let Some(target) = record.page_target()? else { return Ok(()) };
        if rows_keep_slots(record.context()) {
            return Ok(());
        }
        let (page, slot) = (target.page, target.slot);
        let moved = match record.operation() {
            op::INSERT_ROWS => {
                let rows = record.elements()?.len().saturating_sub(2);
                self.last_insert.insert((id, page), slot);
                let takes_over = record.row_target()?.size_or_flags & 2 != 0;
                (!takes_over).then_some(Move::In { slot, rows: u16::try_from(rows).unwrap_or(u16::MAX) })
            }
            op::DELETE_ROWS if record.context() != context::MARK_AS_GHOST => Some(Move::Out { slot }),
            op::EXPUNGE_ROWS => Some(Move::Out { slot }),
            op::DELETE_SPLIT => {
                let split = DeleteSplit::decode(record)?;
                let to = self.last_insert.get(&(id, split.new_page)).copied().unwrap_or(0);
                Some(Move::Split { slot, rows: split.rows, new_page: split.new_page, to })
            }
            _ => None,
        };
        if loser && record.flags() & flag::COMPENSATION != 0 {
            // Written by a rollback that the crash cut short: it takes back the record that has the same predecessor.
            let live = self.live.entry(id).or_default();
            if let Some(Move::Split { rows, .. }) = moved
                && live.last().is_some_and(|l| l.lsn == record.previous())
            {
                *self.taken.entry(record.previous()).or_default() += rows;
                return Ok(());
            }
            while let Some(undone) = live.pop() {
                if undone.previous != record.previous() {
                    continue;
                }
                // Rows taken out again are a move like any other: what was logged while they were there counted them.
                if !matches!(moved, Some(Move::Out { .. })) {
                    if moved.is_some() {
                        self.take_back(undone.lsn, undone.page);
                    }
                    return Ok(());
                }
                break;
            }
        } else if loser {
            self.live.entry(id).or_default().push(Live {
                lsn: record.lsn(),
                previous: record.previous(),
                page,
            });
        }
        if record.is_compensation() && matches!(moved, Some(Move::Split { .. })) {
            // Rows at the end of their page that are gone again; nothing has moved.
            return Ok(());
        }
        if let Some(moved) = moved {
            self.by_page.entry(page).or_default().push(Event { lsn: record.lsn(), moved, undone: false });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_format::log::write::{
        RecordHeader, begin_transaction, end_transaction, page_record, row_record,
    };
    use holdfast_format::log::{BlockVersion, LogTime, PageTarget, RowTarget};

    fn lsn(n: u16) -> Lsn {
        Lsn::new(1, 16, n)
    }

    fn positions(page: PageId, moves: &[(u16, Move)]) -> Positions {
        let events = moves.iter().map(|&(n, moved)| Event { lsn: lsn(n), moved, undone: false }).collect();
        Positions { by_page: HashMap::from([(page, events)]), ..Positions::default() }
    }

    #[test]
    fn rows_are_found_behind_moves() {
        let (a, b) = (PageId::new(1, 80), PageId::new(1, 90));
        let moves = [
            (2, Move::In { slot: 3, rows: 1 }),
            (3, Move::Out { slot: 0 }),
            (4, Move::Split { slot: 5, rows: 3, new_page: b, to: 2 }),
        ];
        let p = positions(a, &moves);
        assert_eq!(p.of(lsn(1), a, 1), (a, 0));
        assert_eq!(p.of(lsn(1), a, 4), (a, 4));
        assert_eq!(p.of(lsn(1), a, 6), (b, 3));
        assert_eq!(p.of(lsn(3), a, 4), (a, 4));
    }

    #[test]
    fn neighbours_removed_one_after_the_other_come_back_in_order() {
        let a = PageId::new(1, 80);
        let mut p = positions(a, &[(1, Move::Out { slot: 5 }), (2, Move::Out { slot: 5 })]);
        assert_eq!(p.undone(lsn(2), a, 5), (a, 5));
        assert_eq!(p.undone(lsn(1), a, 5), (a, 5));
    }

    #[test]
    fn an_undone_insert_was_there_when_the_page_was_split() {
        let (a, b) = (PageId::new(1, 80), PageId::new(1, 90));
        let moves =
            [(2, Move::In { slot: 3, rows: 1 }), (3, Move::Split { slot: 6, rows: 5, new_page: b, to: 0 })];
        let mut p = positions(a, &moves);
        p.end = lsn(9);
        assert_eq!(p.undone(lsn(2), a, 3), (a, 3));
        assert_eq!(p.of(lsn(1), a, 5), (b, 0));
        assert_eq!(p.of(lsn(1), a, 4), (a, 4));
    }

    /// A page split that was taken back, by a statement that failed or by a recovery that was cut, has carried nobody away.
    #[test]
    fn a_split_that_was_taken_back_moved_nothing() {
        let (a, b) = (PageId::new(1, 80), PageId::new(1, 90));
        let id = TransactionId(9);
        let none = TransactionId::NONE;
        let time = LogTime::default();
        let begin = begin_transaction(id, none, 0, 3, time, "SplitPage", BlockVersion::of_database(706));
        let of = |operation, previous: u16, compensation| RecordHeader {
            previous: lsn(previous),
            flags: flag::TRANSACTION | if compensation { flag::COMPENSATION } else { 0 },
            transaction: id,
            operation,
            context: context::CLUSTERED,
        };
        let at =
            |page, slot| PageTarget { page, slot, object_part: 100, index_part: 256, page_lsn: Lsn::ZERO };
        let rows: &[&[u8]] = &[b"ab", b"cd", b"ef", &[], &[]];
        let row = RowTarget::default();
        let moved = DeleteSplit::rows_taken_back(b, 3, 7);
        let records = [
            begin,
            row_record(&of(op::INSERT_ROWS, 1, false), &at(b, 0), &row, rows),
            page_record(&of(op::DELETE_SPLIT, 2, false), &at(a, 5), &moved, Some(&[])),
            row_record(&of(op::INSERT_ROWS, 2, true), &at(a, 5), &row, rows),
            page_record(&of(op::DELETE_SPLIT, 1, true), &at(b, 0), &moved, Some(&[])),
            end_transaction(op::ABORT_XACT, id, lsn(1), time, 0, BlockVersion::of_database(706)),
        ];
        let mut positions = Positions::default();
        for (n, bytes) in records.iter().enumerate() {
            let record = LogRecord::new(lsn(n as u16 + 1), bytes).expect("a record");
            positions.observe(&record, false).expect("followed");
            if n == 2 {
                assert_eq!(positions.of(lsn(0), a, 6), (b, 1));
            }
        }
        assert_eq!(positions.of(lsn(0), a, 6), (a, 6));
        assert!(positions.live.is_empty() && positions.system.is_empty());
    }
}
