//! Rolling back, in an open database, what was open when its log ended (docs/design/recovery.md).
//!
//! The way is that of recovery's own undo: rows are where the log says that they went ([`Positions`]), each record becomes a
//! compensation record. So neither keys nor collations are asked for, and a crash at any place goes on behind the last
//! compensation.
//!
//! Invariants
//! 1. Nobody else changes pages of the losers' tables until they have ended: the caller holds locks that keep them out.
//!    Ghost clean-up leaves pages alone that changed since the oldest open transaction began, and losers are open.
//! 2. The gate is given up between stretches of records, and no block of the log is read under it.
//! 3. Log is never short: what taking a loser back may need is promised from opening on.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_base::Lsn;
use holdfast_format::log::page_operation::DeleteSplit;
use holdfast_format::log::{LogBlock, LogRecord, TransactionId, op};

use super::{Change, ChangePages, END_ROOM, LoggedDatabase, UNDO_ROOM};
use crate::recovery::counts::CountChanges;
use crate::recovery::database::{Loser, Losers};
use crate::recovery::position::Positions;
use crate::recovery::undo::{self, Step};
use crate::recovery::{RecoveryError, RecoveryResult};

/// Records taken back before others get the gate, usually.
pub const STRETCH: u32 = 64;

/// Log kept for taking a loser back: what was kept when it was at work, or more.
pub(super) fn promise(loser: &Loser) -> u64 {
    loser.changed.bytes + loser.changed.records * UNDO_ROOM + END_ROOM
}

/// Who rolls losers back.
pub trait Takeover {
    /// Rows and pages that a compensation changed; under the gate.
    fn counted(&self, changes: &CountChanges);
    /// A loser is gone.
    fn ended(&self, transaction: TransactionId);
    /// Whether to go on, asked between stretches; what is left is for the next opening.
    fn goes_on(&self) -> bool;
}

/// What is left of a loser.
struct Left {
    id: TransactionId,
    begin: Lsn,
    promised: u64,
}

impl LoggedDatabase {
    /// Rolls losers back, `stretch` records at a time; `false`: it did not go on.
    pub fn roll_back_losers(&self, losers: Losers, stretch: u32, by: &dyn Takeover) -> RecoveryResult<bool> {
        self.check()?;
        let done = self.take_losers_back(losers, stretch, by);
        done.inspect_err(|e| {
            if !matches!(e, RecoveryError::Stopped { .. }) {
                self.stop(&e.to_string());
            }
        })
    }

    fn take_losers_back(&self, losers: Losers, stretch: u32, by: &dyn Takeover) -> RecoveryResult<bool> {
        let Losers { list, log, end } = losers;
        let ids: BTreeSet<TransactionId> = list.iter().map(|l| l.transaction.id).collect();
        let from = list.iter().map(|l| l.transaction.begin).min().unwrap_or(end);
        let followed = Positions::follow_while(&log, from, end, &|id| ids.contains(&id), &|| by.goes_on())?;
        let Some(mut positions) = followed else { return Ok(false) };
        drop(log);
        // The next record of each; the newest comes first.
        let left =
            |l: &Loser| Left { id: l.transaction.id, begin: l.transaction.begin, promised: promise(l) };
        let mut next: BTreeMap<Lsn, Left> = list.iter().map(|l| (l.transaction.last, left(l))).collect();
        let mut block: Option<LogBlock> = None;
        while let Some((&newest, _)) = next.last_key_value() {
            if !by.goes_on() {
                return Ok(false);
            }
            let read = match block.take().filter(|b| holds(b, newest)) {
                Some(block) => block,
                None => self.log.block_of(newest)?,
            };
            let mut ended = Vec::new();
            let mut change = self.change()?;
            change.take_back(|change| {
                for _ in 0..stretch.max(1) {
                    match next.pop_last() {
                        Some((lsn, left)) if holds(&read, lsn) => {
                            let id = left.id;
                            match change.take_loser_back(&mut positions, &read.record(lsn.slot)?, left, by)? {
                                Some((lsn, left)) => drop(next.insert(lsn, left)),
                                None => ended.push(id),
                            }
                        }
                        Some((lsn, left)) => {
                            next.insert(lsn, left);
                            break;
                        }
                        None => break,
                    }
                }
                RecoveryResult::Ok(())
            })?;
            drop(change);
            ended.into_iter().for_each(|id| by.ended(id));
            block = Some(read);
        }
        Ok(true)
    }
}

fn holds(block: &LogBlock, lsn: Lsn) -> bool {
    block.header().lsn == Lsn { slot: 1, ..lsn }
}

impl Change<'_> {
    /// Takes one record of a loser back; answers the next one, or ends the loser.
    fn take_loser_back(
        &mut self,
        positions: &mut Positions,
        record: &LogRecord<'_>,
        mut left: Left,
        by: &dyn Takeover,
    ) -> RecoveryResult<Option<(Lsn, Left)>> {
        let mut moved = |record: &LogRecord<'_>, _: &DeleteSplit| {
            // Splits are system transactions, which are taken back before the database opens.
            Err(RecoveryError::CannotUndo { lsn: record.lsn(), operation: record.operation() })
        };
        let Step { next, written } =
            undo::take_back(&mut ChangePages { change: self }, positions, &mut moved, record)?;
        if let Some((bytes, owner)) = written {
            let page = LogRecord::new(Lsn::ZERO, &bytes)?.page_target()?.map(|t| t.page);
            let (Some(page), None) = (page, owner) else {
                return Err(RecoveryError::CannotUndo { lsn: record.lsn(), operation: record.operation() });
            };
            self.touch(page)?;
            let lsn = self.apply(&bytes, page, None)?;
            self.note_taken_back(record, page)?;
            let mut counts = CountChanges::default();
            counts.observe(&LogRecord::new(lsn, &bytes)?, false)?;
            by.counted(&counts);
            if let Some(open) = self.state.open.get_mut(&left.id) {
                open.last = lsn;
            }
            if next != record.lsn() {
                let done = (record.bytes().len() as u64 + UNDO_ROOM).min(left.promised);
                left.promised -= done;
                self.database.log.release(done);
            }
        }
        if !next.is_zero() {
            return Ok(Some((next, left)));
        }
        let begin = if left.begin.is_zero() { record.lsn() } else { left.begin };
        let version = self.database.log.version();
        let end = holdfast_format::log::write::end_transaction(
            op::ABORT_XACT,
            left.id,
            begin,
            self.time(),
            0,
            version,
        );
        self.fatal(self.database.log.append(&end))?;
        self.database.log.release(left.promised);
        self.state.open.remove(&left.id);
        Ok(None)
    }
}
