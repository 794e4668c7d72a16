//! What opens databases over files: recovery, then data files behind the page cache; and the threads that roll back what was
//! open and keep them tidy.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use holdfast_base::PAGE_SIZE;
use holdfast_base::world::{Clock, SystemClock};
use holdfast_disk::Disk;
use holdfast_format::PageSource;
use holdfast_format::boot::BootPage;
use holdfast_storage::PageCache;
use holdfast_storage::recovery::database::Outcomes;
use holdfast_storage::write::LoggedDatabase;
use holdfast_storage::write::open::Files;

use super::{DatabaseOpener, FileRecord, OnlineDatabase};
use crate::database::StoredDatabase;
use crate::decision::Decisions;
use crate::lock::LockManager;
use crate::write::{Writing, ghost};

/// Pages recovery holds at least: 128 MiB; more when the cache, which takes them over, is larger.
const HELD_PAGES: usize = 16_384;
/// Log after which a checkpoint is due (a recovery reads it in a fraction of a second), and dirty pages.
const CHECKPOINT_LOG: u64 = 256 << 20;
const CHECKPOINT_PAGES: usize = 16_384;
/// A checkpoint is also due this long after the last one when there is anything to write.
const CHECKPOINT_AGE: Duration = Duration::from_secs(60);
/// Bit of the boot page's status: the database is read-only.
const READ_ONLY: u32 = 0x400;

/// Opens databases through one page cache.
pub struct StoredOpener {
    pub disk: Arc<dyn Disk>,
    pub cache: Arc<PageCache>,
    pub locks: Arc<LockManager>,
    clock: Arc<dyn Clock>,
    read_only: bool,
    tending: bool,
    report: Arc<dyn Fn(&str) + Send + Sync>,
    decisions: OnceLock<Arc<Decisions>>,
}

impl StoredOpener {
    pub fn new(disk: Arc<dyn Disk>, cache: Arc<PageCache>) -> Self {
        let clock = Arc::new(SystemClock::new(0));
        let (locks, report) = (Arc::default(), Arc::new(|_: &str| ()));
        StoredOpener {
            disk,
            cache,
            locks,
            clock,
            read_only: false,
            tending: true,
            report,
            decisions: OnceLock::new(),
        }
    }

    /// Tells what recovery did, in the words of the server's log.
    #[must_use]
    pub fn reporting(mut self, report: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// Opens databases for reading only, as they are.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Tells the time that goes into the log.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Without a thread of its own: whoever tests calls checkpoints and clean-up.
    #[must_use]
    pub fn untended(mut self) -> Self {
        self.tending = false;
        self
    }
}

impl StoredOpener {
    fn open_as(
        &self,
        id: i32,
        name: &str,
        files: &[FileRecord],
        writable: bool,
    ) -> Result<Arc<dyn OnlineDatabase>, String> {
        let mut data = BTreeMap::new();
        let mut log = BTreeMap::new();
        for f in files {
            let file = self.disk.open(&f.path, true).map_err(|e| e.to_string())?;
            if f.is_log {
                log.insert(f.file_id, file)
            } else {
                data.insert(f.file_id, file)
            };
        }
        let Some(primary) = data.get(&1) else { return Err("it has no primary data file".into()) };
        let paths: Vec<_> = files.iter().map(|f| (f.file_id, f.path.clone())).collect();
        let mut boot = Box::new([0u8; PAGE_SIZE]);
        primary.read_at(9 * PAGE_SIZE as u64, boot.as_mut()).map_err(|e| e.to_string())?;
        // A page torn by a crash is made whole by recovery; whether the database may be written can be read all the same.
        let _ = holdfast_format::page::protection::restore_torn(&mut boot);
        let status = BootPage::read(&boot).map_err(|e| e.to_string())?.status;
        if self.read_only || status & READ_ONLY != 0 && !writable || log.is_empty() {
            let data = data.into_iter().collect();
            let pages: Arc<dyn PageSource> = self.cache.attach(data).map_err(|e| e.to_string())?;
            let database = StoredDatabase::open(id, name, pages, &paths).map_err(|e| e.to_string())?;
            return Ok(Arc::new(database));
        }
        let journal_path = files
            .iter()
            .find(|f| !f.is_log && f.file_id == 1)
            .map(|f| super::Instance::journal_path(&f.path))
            .ok_or("it has no primary data file")?;
        let journal = if self.disk.exists(&journal_path) {
            self.disk.open(&journal_path, true)
        } else {
            self.disk.create(&journal_path).and_then(|file| {
                if let Some(directory) = journal_path.parent() {
                    self.disk.sync_directory(directory)?;
                }
                Ok(file)
            })
        }
        .map_err(|e| e.to_string())?;
        let decisions = self.decisions.get();
        let outcomes = decisions.map(|d| Arc::clone(d) as Arc<dyn Outcomes>);
        let files = Files { data, log, journal: Some(journal), outcomes };
        let held = HELD_PAGES.max(self.cache.capacity() / 2);
        let begun = self.clock.monotonic();
        let (logged, finished, losers) =
            LoggedDatabase::open_early(files, &self.cache, Arc::clone(&self.clock), held)
                .map_err(|e| e.to_string())?;
        let redone = self.clock.monotonic();
        let database = StoredDatabase::open_writable(id, name, logged, losers, &paths, self.locks())
            .map_err(|e| e.to_string())?;
        database.in_use().map_err(|e| e.message)?;
        if let (Some(decisions), Some(writing)) = (decisions, database.writing()) {
            writing.decide_with(Arc::clone(decisions));
            decisions.settled_in(id);
            for _ in &finished.settled {
                (self.report)(&format!(
                    "A transaction over several databases that had been decided was committed in database '{name}' ({id}:0)."
                ));
            }
        }
        let losers = database.losers().cloned();
        let left = losers.as_ref().map_or(0, |l| l.count() as u64);
        let (report, clock, name) = (Arc::clone(&self.report), Arc::clone(&self.clock), name.to_owned());
        let rolled_back = finished.rolled_back + left;
        let work = move || {
            let done = losers.map_or(Ok(true), |losers| losers.finish());
            let (redo, whole) = (redone.saturating_sub(begun), clock.monotonic().saturating_sub(begun));
            match done {
                Ok(true) if rolled_back > 0 => {
                    report(&format!(
                        "{rolled_back} transactions rolled back in database '{name}' ({id}:0). This is an \
                         informational message only. No user action is required."
                    ));
                    report(&format!(
                        "Recovery completed for database {name} (database ID {id}) in {} second(s) (analysis 0 ms, redo \
                         {} ms, undo {} ms.) This is an informational message only. No user action is required.",
                        whole.as_secs(),
                        redo.as_millis(),
                        (whole - redo).as_millis()
                    ));
                }
                Ok(_) => {}
                Err(e) => report(&format!("Recovery of database '{name}' ({id}) has failed: {e}")),
            }
        };
        if left == 0 || !self.tending {
            work();
        } else {
            std::thread::Builder::new().name("undo".into()).spawn(work).map_err(|e| e.to_string())?;
        }
        if let Some(writing) = database.writing().filter(|_| self.tending) {
            tend(writing, Arc::clone(&self.clock));
        }
        Ok(Arc::new(database))
    }
}

impl DatabaseOpener for StoredOpener {
    fn open(&self, id: i32, name: &str, files: &[FileRecord]) -> Result<Arc<dyn OnlineDatabase>, String> {
        self.open_as(id, name, files, false)
    }

    fn open_writable(
        &self,
        id: i32,
        name: &str,
        files: &[FileRecord],
    ) -> Result<Arc<dyn OnlineDatabase>, String> {
        self.open_as(id, name, files, true)
    }

    fn locks(&self) -> Arc<LockManager> {
        Arc::clone(&self.locks)
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    fn forget(&self, id: i32) {
        if let Some(decisions) = self.decisions.get() {
            decisions.settled_in(id);
        }
    }

    fn decide_in(&self, directory: &Path) -> Result<(), String> {
        if !self.read_only {
            let decisions = Decisions::open(Arc::clone(&self.disk), directory)?;
            let _ = self.decisions.set(decisions);
        }
        Ok(())
    }
}

/// Makes checkpoints and clears deleted rows away as long as the database is open.
fn tend(writing: &Arc<Writing>, clock: Arc<dyn Clock>) {
    let weak: Weak<Writing> = Arc::downgrade(writing);
    let mut last = clock.monotonic();
    let work = move || {
        let Some(bell) = weak.upgrade().map(|writing| writing.logged.tend()) else { return };
        while let Some(writing) = weak.upgrade() {
            if writing.logged.stopped().is_some() {
                return;
            }
            // A failure stops the database and is reported by whoever changes something next.
            let _ = ghost::clean(&writing);
            let dirty = writing.logged.pages().dirty_count();
            let log = writing.logged.log_since_checkpoint();
            let age = clock.monotonic().saturating_sub(last);
            let mut pressed = writing.logged.log().is_pressed();
            if pressed && !writing.logged.log().is_urgent() && !writing.logged.checkpoint_frees_log() {
                // A long transaction: pages would be written for nothing, and again later.
                writing.logged.log().put_off();
                pressed = false;
            }
            if pressed
                || log > CHECKPOINT_LOG
                || dirty > CHECKPOINT_PAGES
                || (dirty > 0 && age > CHECKPOINT_AGE)
            {
                let _ = writing.logged.checkpoint();
                last = clock.monotonic();
            }
            drop(writing);
            bell.wait(Duration::from_millis(200));
        }
    };
    // Without the thread the log grows until the database is closed, or until changes fail with 9002; nothing is lost.
    let _ = std::thread::Builder::new().name("tend".into()).spawn(work);
}
