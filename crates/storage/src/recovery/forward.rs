//! Rolling forward: one thread reads the log and keeps the table of transactions; redo goes by page on several.
//!
//! A record changes one page and looks at no other, and the page's LSN says whether it applies. So records of different pages
//! may be redone in any order, those of one page in theirs: the reader routes each record to the worker that has the page
//! ([`super::pages::shard_of`]). Analysis sees every record in log order.
//!
//! Invariants
//! 1. The pages are the same as if one record was redone after the other, however many workers there are.
//! 2. So is the error: that of the earliest record that fails. Whoever finds one lets the others come as far as it.
//! 3. Pages are written only between rounds, when no worker holds any (see [`PageStore::relieve`]).
//! 4. What is queued is bounded: [`QUEUE`] batches for all workers together.
//! 5. A log that fits one batch is redone by the reader itself, in the same way.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use holdfast_base::{FileId, Lsn, PageId};
use holdfast_format::log::transaction::EndTransaction;
use holdfast_format::log::{BlockCursor, EndOfLog, LogBlock, LogRecord, LogStore, PageTarget, op};

use holdfast_format::page::PageView;

use super::error::{RecoveryError, RecoveryResult};
use super::pages::{DataFiles, FilePages, PageStore, Shard, shard_of};
use super::redo::{self, Gate};
use super::{RollForward, StopPoint, TransactionTable};

/// Records whose pages are fetched from memory together.
const LOOK_AHEAD: usize = 16;
/// Batches that may wait for a worker.
const QUEUE: usize = 8;

/// Blocks of log, and which of their records each worker is to redo.
struct Batch {
    blocks: Vec<LogBlock>,
    /// By worker, in log order.
    work: Vec<Vec<Task>>,
}

/// A record to be redone: its block in the batch, its slot there, its page, and the page's slot.
#[derive(Clone, Copy)]
struct Task {
    block: u16,
    slot: u16,
    row: u16,
    page: PageId,
}

/// Pages that were met: one bit for each as far as files usually reach, a table behind that.
#[derive(Default)]
struct Met {
    bits: BTreeMap<FileId, Vec<u64>>,
    beyond: HashSet<PageId>,
    count: usize,
}

impl Met {
    /// Pages of a file that have a bit: 32 GiB of them.
    const BITS: u32 = 4 << 20;

    /// Whether it was not met before.
    fn insert(&mut self, id: PageId) -> bool {
        let new = if id.page < Self::BITS {
            let words = self.bits.entry(id.file).or_default();
            let (at, bit) = (id.page as usize / 64, 1u64 << (id.page % 64));
            if words.len() <= at {
                words.resize(at + 64, 0);
            }
            let before = words[at];
            words[at] |= bit;
            before & bit == 0
        } else {
            self.beyond.insert(id)
        };
        self.count += usize::from(new);
        new
    }
}

/// What reading a batch came to.
enum Read {
    More,
    /// Enough pages were touched.
    Full,
    /// The log has ended, or the stop point is reached.
    End(EndOfLog),
}

/// The reader's side.
struct Walk<'a> {
    cursor: BlockCursor<'a>,
    from: Lsn,
    stop: StopPoint,
    table: &'a mut TransactionTable,
    done: RollForward,
    workers: usize,
    batch: usize,
    /// Pages touched in this round, and extents that were announced to the disk.
    seen: Met,
    announced: Met,
    last: PageId,
}

impl Walk<'_> {
    /// Reads blocks until a batch is full. After an error the batch holds what came before it.
    fn read(&mut self, files: &DataFiles, room: usize) -> (Batch, RecoveryResult<Read>) {
        let work = (0..self.workers).map(|_| Vec::with_capacity(1024)).collect();
        let mut batch = Batch { blocks: Vec::new(), work };
        let mut bytes = 0;
        let read = loop {
            let block = match self.cursor.next_block() {
                Ok(Some(block)) => block,
                Ok(None) => {
                    let end = self.cursor.end().unwrap_or(EndOfLog { at: self.from, flaw: None });
                    break Ok(Read::End(end));
                }
                Err(e) => break Err(e.into()),
            };
            bytes += block.bytes().len();
            let stopped = self.route(&block, &mut batch, files);
            batch.blocks.push(block);
            match stopped {
                Err(e) => break Err(e),
                Ok(Some(at)) => {
                    self.done.stopped = true;
                    break Ok(Read::End(EndOfLog { at, flaw: None }));
                }
                Ok(None) if self.seen.count > room => break Ok(Read::Full),
                Ok(None) if bytes >= self.batch || batch.blocks.len() >= usize::from(u16::MAX) => {
                    break Ok(Read::More);
                }
                Ok(None) => {}
            }
        };
        (batch, read)
    }

    /// Analysis, and who redoes what; answers the record before which the walk stops.
    fn route(
        &mut self,
        block: &LogBlock,
        batch: &mut Batch,
        files: &DataFiles,
    ) -> RecoveryResult<Option<Lsn>> {
        let at = batch.blocks.len() as u16;
        for record in block.records() {
            let record = record?;
            if record.lsn() < self.from {
                continue;
            }
            if self.stop.reached(&record)? {
                return Ok(Some(record.lsn()));
            }
            self.table.observe(&record)?;
            if record.operation() == op::COMMIT_XACT {
                let time = EndTransaction::decode(&record)?.time;
                self.done.last_commit = self.done.last_commit.max(Some(time));
            }
            self.done.records += 1;
            if let Some(PageTarget { page, slot: row, .. }) = target_of(&record, files)? {
                if page != self.last {
                    self.touch(page, &record, files);
                }
                if let Some(work) = batch.work.get_mut(shard_of(page, self.workers)) {
                    work.push(Task { block: at, slot: record.lsn().slot, row, page });
                }
            }
        }
        Ok(None)
    }

    fn touch(&mut self, page: PageId, record: &LogRecord<'_>, files: &DataFiles) {
        self.last = page;
        if !self.seen.insert(page) {
            return;
        }
        // Where pages come into use for the first time, the disk has nothing to be read.
        let extent = PageId { page: page.page / 8, ..page };
        if record.operation() != op::FORMAT_PAGE && self.announced.insert(extent) {
            files.will_need(page);
        }
    }
}

/// What a record changes. Records that touch no page must be known to.
fn target_of(record: &LogRecord<'_>, files: &DataFiles) -> RecoveryResult<Option<PageTarget>> {
    let Some(target) = record.page_target()? else {
        if record.operation().touches_no_page() {
            return Ok(None);
        }
        return Err(RecoveryError::UnknownOperation {
            lsn: record.lsn(),
            operation: record.operation(),
            context: record.context(),
        });
    };
    if files.has(target.page.file) {
        return Ok(Some(target));
    }
    // Page 0 of a log file: its copy of the header is rebuilt when the log file is made.
    if target.page.page == 0 && record.operation() == op::FILE_HDR_MODIFY {
        return Ok(None);
    }
    Err(RecoveryError::NoSuchFile { lsn: record.lsn(), page: target.page })
}

/// An error and the record it happened at.
type Failed = (Lsn, RecoveryError);

/// Redoes a worker's part of a batch; answers how many records changed a page.
fn redo_part(shard: &mut Shard, files: &DataFiles, batch: &Batch, worker: usize) -> Result<u64, Failed> {
    let mut applied = 0;
    for tasks in batch.work.get(worker).map_or(&[][..], Vec::as_slice).chunks(LOOK_AHEAD) {
        shard.bring_near(tasks.iter().map(|t| (t.page, t.row)));
        for task in tasks {
            let Some(block) = batch.blocks.get(usize::from(task.block)) else { continue };
            let lsn = Lsn { slot: task.slot, ..block.header().lsn };
            let record = block.record(task.slot).map_err(RecoveryError::from);
            let redone = record.and_then(|record| redo(shard, files, &record));
            applied += u64::from(redone.map_err(|e| (lsn, e))?);
        }
    }
    Ok(applied)
}

/// Redoes one record; answers whether its page changed.
fn redo(shard: &mut Shard, files: &DataFiles, record: &LogRecord<'_>) -> RecoveryResult<bool> {
    let Some(target) = record.page_target()? else { return Ok(false) };
    let mut found = Lsn::ZERO;
    let changed = shard.change(files, target.page, |page| {
        found = PageView::new(page).lsn();
        match redo::gate(record, &target, page)? {
            Gate::Done => Ok(false),
            Gate::Apply => redo::apply(record, &target, page).map(|()| true),
        }
    })?;
    // What a page that is formatted held before belongs to another life of it.
    if found > shard.newest.0 && record.operation() != op::FORMAT_PAGE {
        shard.newest = (found, target.page);
    }
    Ok(changed)
}

/// The earliest error (invariant 2), or how many records were applied.
fn together(parts: impl Iterator<Item = Result<u64, Failed>>) -> Result<u64, RecoveryError> {
    let (mut applied, mut first) = (0, None::<Failed>);
    for part in parts {
        match part {
            Ok(more) => applied += more,
            Err(e) if first.as_ref().is_none_or(|f| e.0 < f.0) => first = Some(e),
            Err(_) => {}
        }
    }
    first.map_or(Ok(applied), |(_, error)| Err(error))
}

/// Walks the log from `from`, redoing every record and keeping the table of open transactions. `progress` gets the number
/// of records now and then.
pub fn roll_forward(
    pages: &mut FilePages,
    log: &LogStore,
    from: Lsn,
    stop: StopPoint,
    table: &mut TransactionTable,
    progress: &mut dyn FnMut(u64),
) -> RecoveryResult<RollForward> {
    let nothing = EndOfLog { at: from, flaw: None };
    let workers = pages.split().1.len();
    let mut walk = Walk {
        cursor: log.blocks_from(from),
        from,
        stop,
        table,
        done: RollForward {
            end: nothing,
            stopped: false,
            records: 0,
            applied: 0,
            last_commit: None,
            newest: (Lsn::ZERO, PageId::NULL),
        },
        workers,
        batch: pages.batch,
        seen: Met::default(),
        announced: Met::default(),
        last: PageId::NULL,
    };
    loop {
        walk.seen = Met::default();
        walk.announced = Met::default();
        walk.last = PageId::NULL;
        let room = pages.room();
        let (files, shards) = pages.split();
        let (batch, read) = walk.read(files, room);
        let one_by_one = |shards: &mut [Shard], batch: &Batch, read| {
            let parts = shards.iter_mut().enumerate().map(|(n, shard)| redo_part(shard, files, batch, n));
            (together(parts), read)
        };
        let (applied, read) = match read {
            Ok(Read::More) if workers > 1 => {
                match side_by_side(&mut walk, batch, files, shards, room, progress) {
                    Ok(done) => done,
                    Err(batch) => one_by_one(shards, &batch, Ok(Read::More)),
                }
            }
            read => one_by_one(shards, &batch, read),
        };
        // Errors of the reader lie behind every record that was handed over.
        walk.done.applied += applied?;
        if let Read::End(end) = read? {
            walk.done.end = end;
            walk.done.newest = shards.iter().map(|s| s.newest).max_by_key(|n| n.0).unwrap_or_default();
            return Ok(walk.done);
        }
        progress(walk.done.records);
        // Restore and crash recovery read the log from durable storage: it is ahead of every page.
        pages.relieve()?;
    }
}

/// One round with a thread for each shard, until the log ends or enough pages were touched. The batch comes back when the
/// system gives no threads.
fn side_by_side(
    walk: &mut Walk<'_>,
    first: Batch,
    files: &DataFiles,
    shards: &mut [Shard],
    room: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<(Result<u64, RecoveryError>, RecoveryResult<Read>), Batch> {
    std::thread::scope(|scope| {
        let (mut queues, mut workers) = (Vec::new(), Vec::new());
        for (number, shard) in shards.iter_mut().enumerate() {
            let (queue, batches) = sync_channel::<Arc<Batch>>(QUEUE);
            let work = move || {
                let mut applied = 0;
                for batch in batches {
                    applied += redo_part(shard, files, &batch, number)?;
                }
                Ok(applied)
            };
            match std::thread::Builder::new().name("redo".into()).spawn_scoped(scope, work) {
                Ok(worker) => workers.push(worker),
                // The others find their queues closed, and end.
                Err(_) => return Err(first),
            }
            queues.push(queue);
        }
        let (mut batch, mut read) = (first, Ok(Read::More));
        loop {
            let shared = Arc::new(batch);
            // All of them get it, also when one has failed: an earlier record of the batch may fail at another.
            let failed = queues.iter().filter(|q| q.send(Arc::clone(&shared)).is_err()).count();
            if failed > 0 || !matches!(read, Ok(Read::More)) {
                break;
            }
            progress(walk.done.records);
            (batch, read) = walk.read(files, room);
        }
        drop(queues);
        let parts = workers.into_iter().map(|worker| match worker.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        Ok((together(parts), read))
    })
}
