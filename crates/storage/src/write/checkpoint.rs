//! Writing dirty pages: checkpoints that move the start of recovery forward while changes go on.
//!
//! Order: counts, BEGIN_CKPT, the counts that the catalogue cannot take, the list of open transactions and the images of all dirty
//! pages under one gate; the log up to there durable; the pages, through the journal; END_CKPT durable; then the boot page, and its copy
//! in the log files, which nobody reads. A crash in between leaves the old start, from which the same work is done again.
//!
//! Invariants
//! 1. Recovery that starts where the boot page says sees every change that a file lacks, the first record of every
//!    transaction open at the checkpoint, and the counts that the checkpoint carries on because the catalogue cannot take them.
//! 2. What is written is an image that the log up to the flush describes wholly.

use std::sync::Arc;

use holdfast_base::{Lsn, PAGE_SIZE, PageId};
use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::log::TransactionId;
use holdfast_format::log::write::{
    begin_checkpoint, boot_page_checkpoint, end_checkpoint, open_transactions,
};
use holdfast_format::page::PageView;
use holdfast_format::{PageBytes, PageRef};

use super::log::RECORD_ROOM;
use super::{Change, Failed, LoggedDatabase, log_time};
use crate::recovery::checkpoint::set_recovery_start;
use crate::recovery::counts::lone_count;
use crate::recovery::journal::CAPACITY;
use crate::recovery::pages::protect;
use crate::recovery::{Protection, RecoveryError, RecoveryResult};

/// Bit of the boot page's status: recovery model SIMPLE.
const SIMPLE: u32 = 0x8;

/// Whether log that recovery does not need is nobody's.
pub(super) fn reusable(facts: &BootPage) -> bool {
    facts.status & SIMPLE != 0 || facts.last_full_backup.days == 0
}

impl LoggedDatabase {
    /// Makes a checkpoint; answers its LSN.
    pub fn checkpoint(&self) -> RecoveryResult<Lsn> {
        let _one = self.checkpointing.lock();
        self.checkpoint_alone()
    }

    /// The same; the caller holds `checkpointing`. What fails before the checkpoint begins leaves everything as it was.
    pub(super) fn checkpoint_alone(&self) -> RecoveryResult<Lsn> {
        let counts = self.counts.lock().as_ref().and_then(std::sync::Weak::upgrade);
        let mut change = self.change()?;
        let carried = counts.map_or(Ok(Vec::new()), |counts| counts.write(&mut change))?;
        let carried: Vec<_> = carried.into_iter().map(|(rowset, rows)| lone_count(rowset, rows, 0)).collect();
        let room = carried.iter().map(|count| count.len() as u64 + RECORD_ROOM).sum();
        change.keep_room(room)?;
        let done = self.checkpoint_pages(change, &carried, room);
        done.inspect_err(|e| self.stop(&e.to_string()))
    }

    /// `carried`: records of counts, for which `room` is kept in the log. No page has what they say, so that they come behind the
    /// beginning, where recovery begins.
    fn checkpoint_pages(&self, change: Change<'_>, carried: &[Vec<u8>], room: u64) -> RecoveryResult<Lsn> {
        let (begin, oldest, dirty) = {
            let time = change.time();
            self.log.end_block()?;
            let highest = TransactionId(
                self.next_transaction.load(std::sync::atomic::Ordering::Relaxed).saturating_sub(1),
            );
            let record = begin_checkpoint(change.state.last_checkpoint, time, self.version, highest);
            let begin = self.log.append(&record)?;
            for count in carried {
                self.log.append(count)?;
            }
            self.log.release(room);
            let open: Vec<(TransactionId, Lsn, Lsn)> =
                change.state.open.iter().map(|(id, e)| (*id, e.begin, e.last)).collect();
            for part in open.chunks(500) {
                self.log.append(&open_transactions(part))?;
            }
            self.log.end_block()?;
            let oldest = open.iter().map(|o| o.1).min().unwrap_or(begin).min(begin);
            let dirty = self.pages.dirty_pages();
            drop(change);
            (begin, oldest, dirty)
        };
        self.log.flush()?;
        self.write_pages(&dirty)?;
        drop(dirty);
        {
            let mut change = self.change()?;
            if self.version >= 706 {
                self.log.append(&boot_page_checkpoint())?;
                self.log.end_block()?;
            }
            self.log.append(&end_checkpoint(begin, log_time(&*self.clock), self.version))?;
            change.state.last_checkpoint = begin;
            change.state.recovery_start = oldest;
        }
        self.log.flush()?;
        let boot = {
            let _change = self.change()?;
            self.pages
                .modify(BOOT_PAGE, |page| set_recovery_start(page, begin, oldest).map_err(Failed::Redo))?;
            self.pages.dirty_pages().into_iter().filter(|(id, _)| *id == BOOT_PAGE).collect::<Vec<_>>()
        };
        // The image may carry later changes than those flushed above.
        self.log.flush()?;
        self.write_pages(&boot)?;
        if let Some((_, page)) = boot.first() {
            self.copy_boot(page)?;
            let facts =
                BootPage::read(page).map_err(|error| RecoveryError::Unreadable { page: BOOT_PAGE, error })?;
            // Without a backup to continue, and in the SIMPLE model, nobody needs what recovery does not.
            self.log.checkpointed(reusable(&facts).then_some(oldest.vlf));
        }
        Ok(begin)
    }

    /// Has page 0 of the log files follow the boot page, which is durable by now.
    fn copy_boot(&self, page: &PageBytes) -> RecoveryResult<()> {
        let row = PageView::new(page).require_record(0);
        let row = row.map_err(|error| RecoveryError::Unreadable { page: BOOT_PAGE, error })?;
        self.log.with_writer(|w| w.copy_boot(row))
    }

    /// Runs `f` while nothing changes, every count is in the catalogue and every page in its file. The one place where the gate
    /// is held while the disk works: changes wait until `f` has ended.
    pub fn quiet<T>(&self, f: impl FnOnce() -> T) -> RecoveryResult<T> {
        let _one = self.checkpointing.lock();
        let counts = self.counts.lock().as_ref().and_then(std::sync::Weak::upgrade);
        let mut change = self.change()?;
        if let Some(counts) = counts {
            counts.write(&mut change)?;
        }
        let dirty = self.pages.dirty_pages();
        let done = self.log.flush().and_then(|()| self.write_pages(&dirty)).and_then(|()| {
            let boot = dirty.iter().find(|(id, _)| *id == BOOT_PAGE);
            boot.map_or(Ok(()), |(_, page)| self.copy_boot(page))
        });
        done.inspect_err(|e| self.stop(&e.to_string()))?;
        Ok(f())
    }

    /// Writes images to the files and makes them durable.
    fn write_pages(&self, images: &[(PageId, PageRef)]) -> RecoveryResult<()> {
        let journal = self.journal.lock();
        let mut bytes = Vec::new();
        for part in images.chunks(CAPACITY) {
            let mut stamped: Vec<(PageId, PageRef)> = Vec::with_capacity(part.len());
            for (id, image) in part {
                // Nobody else holds the copy: it is changed in its place, and may take the image's in the cache.
                let mut copy = Arc::new(**image);
                let page: &mut PageBytes = Arc::make_mut(&mut copy);
                let torn = page[60] & 3;
                debug_assert_eq!(PageView::new(page).page_id(), *id);
                protect(page, self.protection, torn);
                stamped.push((*id, copy));
            }
            if let Some(journal) = &*journal {
                journal.write(stamped.iter().map(|(id, page)| (*id, &**page)), &mut bytes)?;
            }
            self.pages.note_writing();
            let data = self.data.read().clone();
            for (id, page) in &stamped {
                let file =
                    data.get(&id.file).ok_or(RecoveryError::NoSuchFile { lsn: Lsn::ZERO, page: *id })?;
                file.write_at(u64::from(id.page) * PAGE_SIZE as u64, page.as_ref())?;
            }
            for (index, file) in &data {
                if part.iter().any(|(id, _)| id.file == *index) {
                    file.sync()?;
                }
            }
            self.pages.note_writing();
            if let Some(journal) = &*journal {
                journal.clear()?;
            }
            for ((id, image), (_, page)) in part.iter().zip(stamped) {
                let checksum = Protection::of_flags(PageView::new(&page).flags()) == Protection::Checksum;
                self.pages.written(*id, image, checksum.then_some(page));
            }
        }
        Ok(())
    }

    /// Bytes of log since the last checkpoint began, roughly; what automatic checkpoints go by.
    pub fn log_since_checkpoint(&self) -> u64 {
        let last = self.state.lock().last_checkpoint;
        self.log.with_writer(|w| {
            let end = w.end();
            let vlfs = w.vlfs();
            if last.vlf == end.vlf {
                return u64::from(end.block.saturating_sub(last.block)) * 512;
            }
            let between: u64 =
                vlfs.iter().filter(|v| v.sequence > last.vlf && v.sequence < end.vlf).map(|v| v.size).sum();
            let first = vlfs.iter().find(|v| v.sequence == last.vlf).map_or(0, |v| v.size);
            between + first.saturating_sub(u64::from(last.block) * 512) + u64::from(end.block) * 512
        })
    }
}
