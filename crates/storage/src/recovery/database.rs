//! Recovery of a whole database: from a starting point through the log in its files to a new checkpoint. Crash recovery
//! starts at the boot page's checkpoint; a restore where its last set ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_base::{FileId, Lsn, PAGE_SIZE, PageId};
use holdfast_disk::DiskFile;
use holdfast_format::log::transaction::BranchId;
use holdfast_format::log::write::end_transaction;
use holdfast_format::log::{BlockFlaw, LogRecord, LogStore, LogTime, TransactionId, op};
use holdfast_format::page::{PageView, flag};
use holdfast_format::source::PageRef;

use super::analysis::{Changed, OpenTransaction};
use super::checkpoint::{boot, checkpoint};
use super::counts::{CountChanges, leftover_record};
use super::error::{RecoveryError, RecoveryResult};
use super::journal::PageJournal;
use super::log_writer::{LogShape, LogWriter};
use super::pages::{FilePages, PageStore};
use super::{RollForward, StopPoint, TransactionTable, roll_forward, undo};
use crate::restore::log_files::{log_store, table};

/// Where recovery begins and what is known there.
pub struct Start {
    pub from: Lsn,
    pub last_checkpoint: Lsn,
    /// Of the database.
    pub version: u16,
    pub table: TransactionTable,
    /// The log is known to reach behind the last checkpoint, since the boot page names that.
    pub known: bool,
}

/// What recovery did.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Log records read.
    pub records: u64,
    /// Transactions rolled back.
    pub rolled_back: u64,
    /// End of the log as found.
    pub end: Lsn,
    /// The last checkpoint: the new one, where recovery makes one.
    pub checkpoint: Lsn,
    /// Highest transaction id seen.
    pub highest: TransactionId,
    /// Counts that the catalogue does not have yet.
    pub counts: CountChanges,
    /// Parts of transactions over several databases that have been committed, durably.
    pub settled: Vec<BranchId>,
}

/// What became of a transaction over several databases that was made ready to be committed in each of them: asked when the log
/// of one of them ends before it tells.
pub trait Outcomes: Send + Sync {
    /// The pages that its commit gives back (allocation unit, first IAM page) when it has been decided that this part is
    /// committed; `None`: it never was, so it is rolled back.
    fn committed(&self, branch: BranchId) -> Option<Vec<(u64, PageId)>>;
}

/// Row offset 372 of the boot page: where recovery must begin when transactions were open at the checkpoint.
const RECOVERY_LSN: usize = 96 + 372;

/// Crash recovery: makes the files of a database consistent, whatever moment they stopped at.
pub fn recover_files(
    data: BTreeMap<FileId, Arc<dyn DiskFile>>,
    log: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    journal: Option<Arc<dyn DiskFile>>,
    time: LogTime,
    held_pages: usize,
) -> RecoveryResult<Finished> {
    let mut pages = FilePages::new(data, held_pages, journal)?;
    let start = start(&mut pages)?;
    finish(&mut pages, log, start, time)
}

/// What goes on behind a recovery: the writer at the end of the log, the page journal, and pages that their files do not have
/// yet.
pub struct Continued {
    pub writer: LogWriter,
    pub journal: Option<PageJournal>,
    pub dirty: Vec<(PageId, PageRef)>,
    /// Those that are rolled back once the database is open.
    pub losers: Option<Losers>,
}

/// A transaction that was open when the log ended, and that is still to be rolled back.
#[derive(Clone, Debug)]
pub struct Loser {
    pub transaction: OpenTransaction,
    pub changed: Changed,
}

/// Transactions that changed rows of tables only and are rolled back while the database is open, by who keeps others from
/// those tables meanwhile; the log that tells what they did, and its end at that time.
pub struct Losers {
    pub list: Vec<Loser>,
    pub log: LogStore,
    pub end: Lsn,
}

/// The same without its checkpoint: the database is ready as soon as its pages are right in memory. Until the next checkpoint
/// is made, recovery begins again where this one began. With `early`, transactions that changed nothing but rows are left for
/// later.
pub fn recover_for_writing(
    data: BTreeMap<FileId, Arc<dyn DiskFile>>,
    log: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    journal: Option<Arc<dyn DiskFile>>,
    time: LogTime,
    held_pages: usize,
    early: bool,
    outcomes: Option<&dyn Outcomes>,
) -> RecoveryResult<(Finished, Continued)> {
    let mut pages = FilePages::new(data, held_pages, journal)?;
    let start = start(&mut pages)?;
    let last = start.last_checkpoint;
    let (rolled, writer) = roll(&mut pages, log, start, time, early, outcomes)?;
    let table = rolled.table;
    let list: Vec<Loser> = table
        .open()
        .map(|t| Loser {
            transaction: *t,
            changed: table.changed(t.id).cloned().unwrap_or_else(Changed::unseen),
        })
        .collect();
    // With what was written since it was read first.
    let losers = match list.is_empty() {
        true => None,
        false => Some(Losers { list, log: log_store(log)?, end: writer.end() }),
    };
    let checkpoint = if table.last_checkpoint().is_zero() { last } else { table.last_checkpoint() };
    let finished = Finished {
        records: rolled.records,
        rolled_back: rolled.rolled_back,
        end: rolled.end,
        checkpoint,
        highest: table.highest(),
        counts: table.counts,
        settled: rolled.settled,
    };
    let (journal, dirty) = pages.into_parts();
    Ok((finished, Continued { writer, journal, dirty, losers }))
}

/// Where the boot page says that recovery begins.
fn start(pages: &mut FilePages) -> RecoveryResult<Start> {
    let facts = boot(pages)?;
    let page = pages.page(holdfast_format::boot::BOOT_PAGE)?;
    let second =
        page.get(RECOVERY_LSN..RECOVERY_LSN + 10).and_then(|b| b.try_into().ok()).map(Lsn::from_bytes);
    let from = second.filter(|l| !l.is_zero() && *l < facts.checkpoint_lsn).unwrap_or(facts.checkpoint_lsn);
    let (last_checkpoint, version) = (facts.checkpoint_lsn, facts.version);
    Ok(Start { from, last_checkpoint, version, table: TransactionTable::new(), known: true })
}

/// Rolls forward to the end of the log, rolls back what is open, writes a checkpoint.
pub fn finish(
    pages: &mut FilePages,
    log: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    start: Start,
    time: LogTime,
) -> RecoveryResult<Finished> {
    let last = start.last_checkpoint;
    let (rolled, mut writer) = roll(pages, log, start, time, false, None)?;
    let table = rolled.table;
    let previous = if table.last_checkpoint().is_zero() { last } else { table.last_checkpoint() };
    let checkpoint = checkpoint(pages, &mut writer, previous, table.highest(), &table.counts, time)?;
    let highest = table.highest();
    let Rolled { records, rolled_back, end, settled, .. } = rolled;
    Ok(Finished { records, rolled_back, end, checkpoint, highest, counts: table.counts, settled })
}

/// What rolling forward and back left.
struct Rolled {
    table: TransactionTable,
    records: u64,
    rolled_back: u64,
    end: Lsn,
    settled: Vec<BranchId>,
}

fn roll(
    pages: &mut FilePages,
    log: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    start: Start,
    time: LogTime,
    early: bool,
    outcomes: Option<&dyn Outcomes>,
) -> RecoveryResult<(Rolled, LogWriter)> {
    let store = log_store(log)?;
    let Start { from, last_checkpoint, version, mut table, known } = start;
    // What will be read may not be durable yet (a process that died left it in the system's cache), and pages are written while
    // it is read.
    for file in log.values() {
        file.sync()?;
    }
    let done = roll_forward(pages, &store, from, StopPoint::EndOfLog, &mut table, &mut |_| {})?;
    if known {
        reaches(&done, from.max(last_checkpoint))?;
    }
    if let Some(BlockFlaw::Version(number)) = done.end.flaw {
        return Err(RecoveryError::Database {
            what: format!("log blocks of unknown header version {number}"),
        });
    }
    let mut writer = writer_at(pages, log, &store, from, &table, done.end.at, version, time)?;
    let settled = match outcomes {
        Some(outcomes) => commit_decided(&mut writer, &mut table, outcomes, time)?,
        None => Vec::new(),
    };
    let left: BTreeSet<TransactionId> =
        table.open().map(|t| t.id).filter(|id| early && table.changed_only_rows(*id)).collect();
    let end = done.end.at;
    let undone = undo::roll_back_those(pages, &store, end, &mut writer, &mut table, time, &left)?;
    let rolled =
        Rolled { table, records: done.records, rolled_back: undone.transactions, end: done.end.at, settled };
    Ok((rolled, writer))
}

/// What is known to have been durable is there: the log up to the last checkpoint, which the boot page names only afterwards, and
/// that of every change that a page has. A log that ends before has been damaged, and commits would be lost without a word.
fn reaches(done: &RollForward, checkpoint: Lsn) -> RecoveryResult<()> {
    let end = done.end.at;
    let what = if end <= checkpoint {
        format!("recovery has to read it up to the checkpoint at {checkpoint}")
    } else if done.newest.0 >= end {
        format!("page {} has a change of {}", done.newest.1, done.newest.0)
    } else {
        return Ok(());
    };
    let flaw = done.end.flaw.map_or_else(|| "nothing follows".to_owned(), |f| f.to_string());
    Err(RecoveryError::LogEndsEarly { end, flaw, what })
}

/// Commits what was made ready to be committed and then was: the log ended before it says so.
fn commit_decided(
    writer: &mut LogWriter,
    table: &mut TransactionTable,
    outcomes: &dyn Outcomes,
    time: LogTime,
) -> RecoveryResult<Vec<BranchId>> {
    let prepared: Vec<_> = table.prepared().map(|(t, branch)| (*t, branch)).collect();
    let mut settled = Vec::new();
    for (transaction, branch) in prepared {
        let Some(emptied) = outcomes.committed(branch) else { continue };
        // Before nobody owns them: a recovery that is cut behind the commit finds them in the log.
        for (unit, first_iam) in emptied {
            let note = leftover_record(unit, first_iam);
            let own = writer.append(&note)?;
            table.counts.observe(&LogRecord::new(own, &note)?, false)?;
        }
        let (id, begin, version) = (transaction.id, transaction.begin, writer.version());
        let begin = if begin.is_zero() { transaction.last } else { begin };
        writer.append(&end_transaction(op::COMMIT_XACT, id, begin, time, 0, version))?;
        table.close(id);
        settled.push(branch);
    }
    if !settled.is_empty() {
        writer.flush()?;
    }
    Ok(settled)
}

/// The writer that goes on at the end of the log. Until the checkpoint at the end of recovery is made, the next start
/// begins where this one began: nothing from there on is written over.
#[allow(clippy::too_many_arguments)]
fn writer_at(
    pages: &mut FilePages,
    log: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    store: &LogStore,
    from: Lsn,
    transactions: &TransactionTable,
    end: Lsn,
    version: u16,
    time: LogTime,
) -> RecoveryResult<LogWriter> {
    let flags = PageView::new(pages.page(holdfast_base::PageId::new(1, 0))?).flags();
    let shape = LogShape::of_database(version, flags & flag::CHECKSUM != 0);
    let shape = LogShape { sector: sector_of(log, end)?, ..shape };
    let oldest = transactions.open().map(|t| if t.begin.is_zero() { t.last } else { t.begin }).min();
    let oldest_needed = oldest.unwrap_or(end).min(from).vlf.min(end.vlf);
    let mut all = Vec::with_capacity(log.len());
    for file in log.values() {
        all.push((file.clone(), table(file)?));
    }
    let vlfs = || all.iter().flat_map(|(_, vlfs)| vlfs).filter(|v| v.parity != 0);
    if vlfs().any(|v| v.sequence == end.vlf) {
        let previous = previous_size(store, end)?;
        return LogWriter::resume(all, end, previous, shape, time, oldest_needed);
    }
    // A set that ends exactly at the end of a VLF names the next one, which has no header yet.
    let before = end.vlf.saturating_sub(1);
    if let Some(vlf) = vlfs().find(|v| v.sequence == before) {
        let at = Lsn::new(before, u32::try_from(vlf.size / 512).unwrap_or(u32::MAX), 1);
        return LogWriter::resume(all, at, 0, shape, time, oldest_needed);
    }
    Err(RecoveryError::LogFull { what: "the end of the log lies in no virtual log file" })
}

/// Size of the last valid block before the end; 0 when the log at hand begins there.
fn previous_size(store: &LogStore, end: Lsn) -> RecoveryResult<u16> {
    // Blocks have no pointer forward from the end: try the possible sizes, smallest first.
    for sectors in 1..=120u32 {
        let Some(block) = end.block.checked_sub(sectors) else { break };
        if let Ok(found) = store.block(end.vlf, block)?
            && found.next_block() == end.block
        {
            return Ok(found.header().size);
        }
    }
    Ok(0)
}

/// Sector size of a log: 4096 when every block seen near its end begins on such a boundary and page 0 says so.
fn sector_of(log: &BTreeMap<FileId, Arc<dyn DiskFile>>, end: Lsn) -> RecoveryResult<usize> {
    for file in log.values() {
        if file.length()? < PAGE_SIZE as u64 {
            continue;
        }
        if let Ok(Some(page)) = crate::restore::log_files::read_header_page(file.as_ref())
            && let Ok(header) = holdfast_format::file_header::FileHeader::read(&page)
            && header.sector_size == 4096
            && end.block.is_multiple_of(8)
        {
            return Ok(4096);
        }
    }
    Ok(512)
}
