//! One backup set applied to a database: pages, log, roll forward; and recovery at the end of a sequence of sets.
//!
//! Invariants
//! 1. The state file is durable before any file of the database is touched, and goes last (see [`super::state`]).
//! 2. Whatever fails, the state file stays: the database does not come online half restored.
//! 3. After recovery the data files and the log file are a consistent pair: the log ends with a checkpoint, and the boot page
//!    names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::chain::{Link, apply};
use holdfast_backup::{BackupKind, BackupSet, Configuration, FileKind, MtfDate, SetInfo};
use holdfast_base::{FileId, Lsn, PAGE_SIZE, PageId};
use holdfast_disk::{Disk, DiskFile};
use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::file_header::FileHeader;
use holdfast_format::log::LogTime;

use super::cut::cut_log;
use super::error::RestoreError;
use super::log_files::{LogFileFacts, log_header_page, log_store, place_log};
use super::place::{PlaceOptions, TargetFile, place_pages};
use super::state::{Phase, RestoreState, RestoredFile};
use crate::recovery::counts::CountChanges;
use crate::recovery::{
    FilePages, PageStore, RecoveryError, StopPoint, TransactionTable, database, roll_forward,
};

/// Pages that recovery holds at most: 64 MiB.
const RECOVERY_PAGES: usize = 8192;

/// Where a database is restored to.
#[derive(Clone, Debug)]
pub struct RestoreTarget {
    pub database: String,
    /// A path for every file of the set, data and log.
    pub files: BTreeMap<FileId, PathBuf>,
    /// The state file of this restore.
    pub state: PathBuf,
    /// Page journals of what the files held before: once the state file is there, they must not be put back any more.
    pub journals: Vec<PathBuf>,
}

/// How to restore a set.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions {
    /// Highest database version that is accepted.
    pub newest_version: u16,
    pub verify: bool,
    pub continue_after_error: bool,
    /// Threads for placing pages.
    pub workers: usize,
    /// STOPAT: nothing that was committed later may be in the database.
    pub stop_at: Option<LogTime>,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        RestoreOptions {
            newest_version: 998,
            verify: true,
            continue_after_error: false,
            workers: 2,
            stop_at: None,
        }
    }
}

/// What one set did.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Pages placed per data file.
    pub pages: BTreeMap<FileId, u64>,
    /// Bytes of log placed.
    pub log_bytes: u64,
    /// Log records read, and those that changed a page.
    pub records: u64,
    pub applied: u64,
    /// Damaged pages placed all the same.
    pub damaged: Vec<PageId>,
    /// The stop point was reached in this set.
    pub stopped: bool,
    pub state: RestoreState,
}

/// What can be said of a set before anything is written: that it is whole, of a version that is taken, and no younger than the
/// stop point.
///
/// # Errors
/// What [`restore_set`] would answer.
pub fn check_set(set: &BackupSet, options: RestoreOptions) -> Result<&Configuration, RestoreError> {
    let configuration = set.require_complete()?;
    let info = &configuration.set;
    if info.database_version > options.newest_version {
        let (version, supported) = (info.database_version, options.newest_version);
        return Err(RestoreError::Version { version, supported });
    }
    // Pages of a data backup are as they were when it ended; they cannot be taken back further than that.
    if let Some(stop) = options.stop_at.filter(|_| info.kind != BackupKind::Log)
        && log_time(info.finish_date).is_some_and(|end| end > stop)
    {
        return Err(RestoreError::SetAfterStop);
    }
    Ok(configuration)
}

/// Applies one set and leaves the database restoring. `progress` gets page bytes done and in all, and answers whether to go
/// on.
pub fn restore_set(
    disk: &dyn Disk,
    set: &BackupSet,
    target: &RestoreTarget,
    options: RestoreOptions,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Restored, RestoreError> {
    let configuration = check_set(set, options)?;
    let info = &configuration.set;
    let full = info.kind == BackupKind::Full;
    let previous = if full { None } else { Some(previous_state(disk, target, info)?) };
    let reached = apply(previous.as_ref().map(|p| &p.progress), &Link::new(set.guid(), info))?;
    let files = match &previous {
        Some(p) => p.files.clone(),
        None => named_files(configuration, target)?,
    };
    let mut state = RestoreState {
        phase: Phase::Placing,
        database: target.database.clone(),
        version: info.database_version,
        progress: reached,
        reached: info.first_lsn,
        last_checkpoint: info.checkpoint_lsn,
        highest: previous.as_ref().map_or(Default::default(), |p| p.highest),
        open: Vec::new(),
        committed: previous.as_ref().map_or(Default::default(), |p| p.committed),
        files,
        tried: None,
        cut: None,
        counts: CountChanges::default(),
    };
    if options.stop_at.is_some_and(|stop| state.committed > stop) {
        return Err(RestoreError::StopTooEarly);
    }
    // A log backup adds nothing that could make the present state unusable: it is replayed from where it stood.
    if let Some(p) = previous.as_ref().filter(|_| info.kind == BackupKind::Log) {
        state.phase = p.phase;
        state.reached = p.reached;
        state.open.clone_from(&p.open);
        state.last_checkpoint = p.last_checkpoint;
        state.counts.clone_from(&p.counts);
    } else {
        let mut begun = state.clone();
        if let Some(p) = &previous {
            (begun.progress, begun.tried) = (p.progress, Some(info.last_lsn));
        }
        begun.save(disk, &target.state)?;
        // A journal of an earlier attempt must not be put back over what is placed now.
        for journal in target.journals.iter().chain([&journal_path(&target.state)]) {
            if disk.exists(journal) {
                disk.remove(journal)?;
            }
        }
    }
    let placed = place_data(disk, set, configuration, &state, options, progress)?;
    let log_targets = paths(&state.files, true);
    let (log, log_bytes) = place_log(disk, set, &log_targets, full)?;
    for file in log.values() {
        file.sync()?;
    }
    for directory in state.files.iter().filter_map(|f| f.path.parent()) {
        disk.sync_directory(directory)?;
    }
    if previous.as_ref().is_some_and(|p| p.cut.is_some()) {
        // From here on pages may go beyond the stop that was.
        RestoreState { progress: previous.as_ref().map_or(state.progress, |p| p.progress), ..state.clone() }
            .save(disk, &target.state)?;
    }
    let rolled = roll(disk, &mut state, &log, info.last_lsn, options.stop_at, &target.state)?;
    let (records, applied) = (rolled.records, rolled.applied);
    // Pages of a data backup are as they were when it ended: no stop may lie before that.
    if let Some(end) = log_time(info.finish_date).filter(|_| info.kind != BackupKind::Log) {
        state.committed = state.committed.max(end);
    }
    state.phase = Phase::Restoring;
    state.reached = rolled.stopped_at.unwrap_or(info.last_lsn);
    state.cut = rolled.stopped_at;
    if let Some(p) = previous.as_ref().filter(|_| rolled.stopped_at.is_some()) {
        // The set was not used up: it may be given again with a later point.
        state.progress = p.progress;
    }
    state.save(disk, &target.state)?;
    let stopped = rolled.stopped_at.is_some();
    Ok(Restored { pages: placed.pages, log_bytes, records, applied, damaged: placed.damaged, stopped, state })
}

/// What the steps before this set have left.
fn previous_state(
    disk: &dyn Disk,
    target: &RestoreTarget,
    info: &SetInfo,
) -> Result<RestoreState, RestoreError> {
    let loaded = RestoreState::load(disk, &target.state)?;
    let state = loaded.ok_or(RestoreError::WrongState { what: "no restore is under way" })?;
    let state = state.ok_or_else(|| RestoreError::State { path: target.state.clone() })?;
    match (state.phase, state.tried) {
        (Phase::Restoring, _) => Ok(state),
        // Invariant 2 of the state.
        (Phase::Placing, Some(tried)) if info.kind == BackupKind::Differential && info.last_lsn >= tried => {
            Ok(state)
        }
        (Phase::Placing, _) => Err(interrupted(&state)),
        (Phase::Recovering, _) => Err(RestoreError::WrongState { what: "its recovery has begun" }),
    }
}

fn interrupted(state: &RestoreState) -> RestoreError {
    let file = state.files.iter().find(|f| !f.is_log).map_or_else(String::new, |f| f.logical_name.clone());
    RestoreError::Interrupted { file }
}

fn named_files(
    configuration: &Configuration,
    target: &RestoreTarget,
) -> Result<Vec<RestoredFile>, RestoreError> {
    let mut out = Vec::new();
    for file in &configuration.files {
        let no_target = RestoreError::NoTarget { file: file.id as u16 };
        let id = u16::try_from(file.id).ok();
        let path = id.and_then(|id| target.files.get(&id)).ok_or(no_target)?;
        let is_log = match file.kind {
            FileKind::Data => false,
            FileKind::Log => true,
            FileKind::Other(_) => continue,
        };
        let percent = file.flags & 8 != 0;
        let growth = if percent { file.growth } else { file.growth / PAGE_SIZE as u64 };
        let max_pages = file.max_size / PAGE_SIZE as u64;
        out.push(RestoredFile {
            file_id: file.id as u16,
            is_log,
            path: path.clone(),
            logical_name: file.logical_name.clone(),
            max_size: i32::try_from(max_pages).unwrap_or(-1),
            growth: u32::try_from(growth).unwrap_or(10),
            sector_size: if file.source_block_size == 4096 { 4096 } else { 512 },
        });
    }
    Ok(out)
}

fn paths(files: &[RestoredFile], log: bool) -> BTreeMap<FileId, PathBuf> {
    files.iter().filter(|f| f.is_log == log).map(|f| (f.file_id, f.path.clone())).collect()
}

fn place_data(
    disk: &dyn Disk,
    set: &BackupSet,
    configuration: &Configuration,
    state: &RestoreState,
    options: RestoreOptions,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<super::place::Placed, RestoreError> {
    let kind = configuration.set.kind;
    if kind == BackupKind::Log {
        return Ok(super::place::Placed::default());
    }
    let mut targets = Vec::new();
    for (file_id, path) in paths(&state.files, false) {
        let file = configuration.files.iter().find(|f| f.id == u32::from(file_id));
        let size = file.map(|f| f.size).ok_or(RestoreError::NoTarget { file: file_id })?;
        targets.push(TargetFile { file_id, path, size });
    }
    let place = PlaceOptions {
        create: kind == BackupKind::Full,
        verify: options.verify,
        continue_after_error: options.continue_after_error,
        workers: options.workers,
    };
    Ok(place_pages(disk, set, &targets, place, progress)?)
}

fn open_all(
    disk: &dyn Disk,
    files: &[RestoredFile],
    log: bool,
) -> Result<BTreeMap<FileId, Arc<dyn DiskFile>>, RestoreError> {
    paths(files, log).into_iter().map(|(id, path)| Ok((id, disk.open(&path, true)?))).collect()
}

/// The page journal of a restore, beside its state file.
fn journal_path(state: &Path) -> PathBuf {
    state.with_extension("journal")
}

fn open_journal(disk: &dyn Disk, state: &Path) -> Result<Arc<dyn DiskFile>, RestoreError> {
    let path = journal_path(state);
    if disk.exists(&path) {
        return Ok(disk.open(&path, true)?);
    }
    let file = disk.create(&path)?;
    disk.sync_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(file)
}

/// Gives a restore up: takes its state away. The caller removes the database's files.
pub fn discard(disk: &dyn Disk, state: &Path) {
    for path in [journal_path(state), state.to_owned()] {
        if disk.exists(&path) {
            // What cannot be removed is replaced by the next restore to this place.
            let _ = disk.remove(&path);
        }
    }
}

/// A local time of the backup's header as the log writes times; `None` when there is none.
fn log_time(date: MtfDate) -> Option<LogTime> {
    let days = date.days_since_epoch()?;
    let seconds = u32::from(date.hour) * 3600 + u32::from(date.minute) * 60 + u32::from(date.second);
    // 1900-01-01 lies 25,567 days before 1970-01-01.
    Some(LogTime { days: u32::try_from(days + 25_567).ok()?, ticks: seconds * 300 })
}

#[derive(Default)]
struct Rolled {
    records: u64,
    applied: u64,
    /// The first record that was not applied, when the stop point was reached.
    stopped_at: Option<Lsn>,
}

/// Rolls the log now in place forward, from where the state stands to `end` or to the stop point.
fn roll(
    disk: &dyn Disk,
    state: &mut RestoreState,
    log: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    end: Lsn,
    stop_at: Option<LogTime>,
    state_path: &Path,
) -> Result<Rolled, RestoreError> {
    if state.reached == end {
        return Ok(Rolled::default());
    }
    let store = log_store(log)?;
    // Pages of a set that is being placed are torn or whole together with the rest of it; under a log backup they are not.
    let journal = if state.phase == Phase::Placing { None } else { Some(open_journal(disk, state_path)?) };
    let timed = stop_at.filter(|_| state.phase != Phase::Placing);
    let mut pages = FilePages::new(open_all(disk, &state.files, false)?, RECOVERY_PAGES, journal)?;
    let mut table = TransactionTable::with_open(state.open.iter().copied(), state.highest);
    table.counts = std::mem::take(&mut state.counts);
    let stop = timed.map_or(StopPoint::Before(end), StopPoint::Time);
    let done = roll_forward(&mut pages, &store, state.reached, stop, &mut table, &mut |_| {})?;
    // LastLSN is the first LSN behind the set: the walk must have come exactly there, or to the end of the VLF before.
    let at = done.end.at;
    let next_vlf = at.vlf.checked_add(1) == Some(end.vlf) && end.block <= 0x10;
    if !done.stopped && (at.vlf, at.block) != (end.vlf, end.block) && !next_vlf {
        return Err(RestoreError::LogEnds { found: at, wanted: end });
    }
    pages.flush()?;
    state.open = table.open().copied().collect();
    state.highest = table.highest();
    state.counts = std::mem::take(&mut table.counts);
    state.counts.ghosts.clear();
    state.committed = state.committed.max(done.last_commit.unwrap_or_default());
    if !table.last_checkpoint().is_zero() {
        state.last_checkpoint = table.last_checkpoint();
    }
    let stopped = timed.is_some() && done.stopped;
    Ok(Rolled { records: done.records, applied: done.applied, stopped_at: stopped.then_some(at) })
}

/// Who the recovered database is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name in the boot page.
    pub name: String,
    /// Written to every file of the database.
    pub binding_id: [u8; 16],
    /// The new recovery fork.
    pub fork: [u8; 16],
    /// For the log file's header.
    pub log_file_guid: [u8; 16],
    pub time: LogTime,
}

/// What recovery did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recovered {
    pub rolled_back: u64,
    pub records: u64,
}

/// RESTORE … WITH RECOVERY: rolls back what is open, ends with a checkpoint and takes the state file away. May be called
/// again after a crash.
pub fn recover(disk: &dyn Disk, state_path: &Path, identity: &Identity) -> Result<Recovered, RestoreError> {
    let loaded = RestoreState::load(disk, state_path)?;
    let state = loaded.ok_or(RestoreError::WrongState { what: "no restore is under way" })?;
    let mut state = state.ok_or_else(|| RestoreError::State { path: state_path.to_owned() })?;
    if state.phase == Phase::Placing {
        return Err(interrupted(&state));
    }
    let log = open_all(disk, &state.files, true)?;
    if state.phase != Phase::Recovering {
        if let Some(at) = state.cut.take() {
            // May be done again after a crash: the block is shortened to what it then has.
            state.reached = cut_log(&log, at)?;
        }
        state.phase = Phase::Recovering;
        state.save(disk, state_path)?;
    }
    let journal = open_journal(disk, state_path)?;
    let mut pages = FilePages::new(open_all(disk, &state.files, false)?, RECOVERY_PAGES, Some(journal))?;
    let mut table = TransactionTable::with_open(state.open.iter().copied(), state.highest);
    table.counts.clone_from(&state.counts);
    let (last_checkpoint, version) = (state.last_checkpoint, state.version);
    let start = database::Start { from: state.reached, last_checkpoint, version, table, known: false };
    let done = database::finish(&mut pages, &log, start, identity.time)?;
    sign(&mut pages, &state, identity, done.end)?;
    write_log_headers(&mut pages, &state, &log, identity)?;
    pages.flush()?;
    for file in log.values() {
        file.sync()?;
    }
    // The journal is empty now; it goes first, so that nothing is left when the state file is gone.
    disk.remove(&journal_path(state_path))?;
    disk.remove(state_path)?;
    disk.sync_directory(state_path.parent().unwrap_or(Path::new(".")))?;
    Ok(Recovered { rolled_back: done.rolled_back, records: done.records })
}

/// Writes the new identity into the boot page and the file headers. Unlogged, as a rebuilt log's.
fn sign(
    pages: &mut FilePages,
    state: &RestoreState,
    identity: &Identity,
    fork_point: Lsn,
) -> Result<(), RestoreError> {
    let failed = |page, error| RestoreError::Recovery(RecoveryError::Unreadable { page, error });
    let page = pages.page_mut(BOOT_PAGE)?;
    let mut boot = BootPage::read(page).map_err(|e| failed(BOOT_PAGE, e))?;
    boot.name.clone_from(&identity.name);
    boot.recovery_fork_lsn = fork_point;
    boot.recovery_fork_guid = identity.fork;
    boot.write(page).map_err(|e| failed(BOOT_PAGE, e))?;
    for file_id in paths(&state.files, false).into_keys() {
        let at = PageId::new(file_id, 0);
        let page = pages.page_mut(at)?;
        let mut header = FileHeader::read(page).map_err(|e| failed(at, e))?;
        header.binding_id = identity.binding_id;
        header.write(page).map_err(|e| failed(at, e))?;
    }
    Ok(())
}

fn write_log_headers(
    pages: &mut FilePages,
    state: &RestoreState,
    log: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    identity: &Identity,
) -> Result<(), RestoreError> {
    for (index, (&file_id, file)) in log.iter().enumerate() {
        let Some(described) = state.files.iter().find(|f| f.file_id == file_id) else { continue };
        let mut file_guid = identity.log_file_guid;
        file_guid[0] ^= index as u8;
        let facts = LogFileFacts {
            file_id,
            name: described.logical_name.clone(),
            max_size: described.max_size,
            growth: described.growth,
            sector_size: described.sector_size,
            file_guid,
            lsn: Lsn::new(0, 0, 1),
        };
        let page = log_header_page(pages, &facts, file.length()?)?;
        file.write_at(0, page.as_ref())?;
    }
    Ok(())
}
