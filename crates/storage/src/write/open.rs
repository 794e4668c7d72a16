//! Opening a database for changes: recovery of its files, then everything behind it.
//!
//! Invariants
//! 1. Losers that are left for later ([`super::losers`]) are open transactions from the beginning: checkpoints list them,
//!    recovery begins at their first record, and there is log for taking them back.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};

use holdfast_base::world::Clock;
use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_disk::DiskFile;
use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::file_header::FileHeader;
use holdfast_format::page::PageView;
use holdfast_format::source::PageSource;
use parking_lot::{Mutex, RwLock};

use super::log::Log;
use super::space::Space;
use super::{LoggedDatabase, OpenEntry, State, log_time};
use crate::cache::PageCache;
use crate::recovery::database::{Continued, Finished, Losers, Outcomes, recover_for_writing};
use crate::recovery::{Protection, RecoveryError, RecoveryResult};

/// The files of a database.
#[derive(Clone, Default)]
pub struct Files {
    pub data: BTreeMap<FileId, Arc<dyn DiskFile>>,
    pub log: BTreeMap<FileId, Arc<dyn DiskFile>>,
    /// Guards against torn pages; without one a page torn by a power failure must be restored.
    pub journal: Option<Arc<dyn DiskFile>>,
    /// Tells what became of transactions over several databases; without it, those that the log leaves open are rolled back.
    pub outcomes: Option<Arc<dyn Outcomes>>,
}

/// A file larger than 16 TiB does not exist: such a size is damage, and nothing is made as large.
const PAGES_MAX: u32 = 0x7FFF_FFF8;

impl LoggedDatabase {
    /// Recovers the files and opens them behind the cache. Recovery holds at most `held_pages` pages.
    pub fn open(
        files: Files,
        cache: &Arc<PageCache>,
        clock: Arc<dyn Clock>,
        held_pages: usize,
    ) -> RecoveryResult<(Arc<Self>, Finished)> {
        let (database, finished, _) = Self::open_as(files, cache, clock, held_pages, false)?;
        Ok((database, finished))
    }

    /// The same before transactions that changed nothing but rows are rolled back, if there are any: the caller locks their
    /// tables before anybody sees them, and rolls them back ([`Self::roll_back_losers`]).
    pub fn open_early(
        files: Files,
        cache: &Arc<PageCache>,
        clock: Arc<dyn Clock>,
        held_pages: usize,
    ) -> RecoveryResult<(Arc<Self>, Finished, Option<Losers>)> {
        Self::open_as(files, cache, clock, held_pages, true)
    }

    fn open_as(
        files: Files,
        cache: &Arc<PageCache>,
        clock: Arc<dyn Clock>,
        held_pages: usize,
        early: bool,
    ) -> RecoveryResult<(Arc<Self>, Finished, Option<Losers>)> {
        let time = log_time(&*clock);
        let outcomes = files.outcomes.as_deref();
        let (finished, Continued { mut writer, journal, dirty, losers }) = recover_for_writing(
            files.data.clone(),
            &files.log,
            files.journal,
            time,
            held_pages,
            early,
            outcomes,
        )?;
        let left = losers.iter().flat_map(|l| &l.list);
        let mut open = HashMap::new();
        for loser in left.clone() {
            let transaction = loser.transaction;
            open.insert(transaction.id, OpenEntry { begin: transaction.begin, last: transaction.last });
            writer.promise_again(super::losers::promise(loser));
        }
        let attached = files.data.iter().map(|(id, f)| (*id, Arc::clone(f))).collect();
        let unreadable = |error| RecoveryError::Unreadable { page: PageId::new(1, 0), error };
        let pages = cache.attach(attached).map_err(unreadable)?;
        for (id, page) in dirty {
            pages.adopt(id, page).map_err(unreadable)?;
        }
        for &file in files.data.keys() {
            let image = pages.page(PageId::new(file, 0)).map_err(unreadable)?;
            let header = FileHeader::read(&image).map_err(unreadable)?;
            // A growth that the log has but the disk forgot: the file must reach as far as its header says, or the part behind
            // its end would be taken for new at the next growth.
            let wanted = u64::from(header.size) * PAGE_SIZE as u64;
            if let Some(disk) = files.data.get(&file).filter(|_| header.size < PAGES_MAX)
                && disk.length()? < wanted
            {
                disk.allocate(wanted)?;
                disk.sync()?;
                pages.grown(file, header.size);
            }
            pages.limit(file, header.size);
        }
        let first = pages.page(PageId::new(1, 0)).map_err(unreadable)?;
        let protection = Protection::of_flags(PageView::new(&first).flags());
        let broken = |error| RecoveryError::Unreadable { page: BOOT_PAGE, error };
        let facts = pages.page(BOOT_PAGE).and_then(|page| BootPage::read(&page)).map_err(broken)?;
        let version = facts.version;
        let recovery_start =
            left.map(|l| l.transaction.begin).min().unwrap_or(finished.checkpoint).min(finished.checkpoint);
        let state = State {
            space: Space::default(),
            open,
            reserved: HashMap::new(),
            last_checkpoint: finished.checkpoint,
            recovery_start,
            taking_back: 0,
        };
        let database = LoggedDatabase {
            pages,
            data: RwLock::new(files.data),
            log: Log::new(writer),
            state: Mutex::new(state),
            journal: Mutex::new(journal),
            checkpointing: Mutex::new(()),
            tended: AtomicBool::new(false),
            clock,
            version,
            protection,
            next_transaction: AtomicU64::new(finished.highest.0 + 1),
            stopped: OnceLock::new(),
            failed: AtomicBool::new(false),
            counts: Mutex::new(None),
            recovered: Mutex::new(finished.counts.clone()),
            name: Mutex::new(String::new()),
        };
        database.log.set_reusable(super::checkpoint::reusable(&facts));
        Ok((Arc::new(database), finished, losers))
    }
}
