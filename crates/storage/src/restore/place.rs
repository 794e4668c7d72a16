//! Placing the pages of a backup set: every extent goes to the file and offset that its first page names.
//!
//! Workers claim batches of a stream (2 MiB), read and decompress them, check them and write them; nothing is handed between
//! threads. Passes are applied one after the other, because a later pass replaces what an earlier one wrote.
//!
//! Invariants
//! 1. Memory is bounded by workers × one batch, whatever the size of the set.
//! 2. Every file has its size from the set and space behind it before the first page is written; nothing is written beyond.
//! 3. When this returns without error, every extent of the set was written and all files are synced.
//! 4. When pages are verified, one with a checksum that names its own place and fails the checksum stops the work (unless told to
//!    go on), and so does a first page of an extent that does not say where the extent goes: an unformatted or stale page says
//!    nothing and is placed as it is. Unverified, an extent goes where its pages agree that it goes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use holdfast_backup::checksum::StreamChecksum;
use holdfast_backup::data::{BatchReader, Place, extents};
use holdfast_backup::{BackupError, BackupSet, Source};
use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_disk::{Disk, DiskError, DiskFile};
use holdfast_format::page::protection;
use parking_lot::Mutex;
use thiserror::Error;

/// A data file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFile {
    pub file_id: FileId,
    pub path: PathBuf,
    /// Bytes the file must have at the end (FILELISTONLY column Size).
    pub size: u64,
}

/// How to place.
#[derive(Clone, Copy, Debug)]
pub struct PlaceOptions {
    /// Create the files (full backup) instead of writing into existing ones (differential).
    pub create: bool,
    /// Check page checksums, and the streams' checksums where the set has them.
    pub verify: bool,
    /// Note damage and go on.
    pub continue_after_error: bool,
    /// Threads; at least one.
    pub workers: usize,
}

/// What was placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Pages per file, fillers and second passes not counted twice.
    pub pages: BTreeMap<FileId, u64>,
    /// Damaged pages that were placed all the same (`continue_after_error`).
    pub damaged: Vec<PageId>,
}

#[derive(Debug, Error)]
pub enum PlaceError {
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("page {page} fails its checksum (stored offset {offset} of {device})")]
    Page { page: PageId, device: Arc<str>, offset: u64 },
    #[error("an extent for page {page} lies beyond the end of file {path} ({size} bytes)")]
    Beyond { page: PageId, path: PathBuf, size: u64 },
    #[error("the set holds pages of file {file}, which has no target")]
    NoTarget { file: FileId },
    #[error("the restore was stopped")]
    Stopped,
}

struct OpenTarget {
    file: Arc<dyn DiskFile>,
    size: u64,
    extents: AtomicU64,
}

/// Shared by the workers of one pass.
struct Work<'a> {
    targets: &'a BTreeMap<FileId, OpenTarget>,
    options: PlaceOptions,
    reader: Mutex<BatchReader>,
    source: &'a Source,
    /// Checksums of batches with their offset and sectors, to be joined in order.
    sums: Mutex<Vec<(u64, StreamChecksum, u64)>>,
    damaged: Mutex<Vec<PageId>>,
    failure: Mutex<Option<PlaceError>>,
    stop: AtomicBool,
    done: &'a AtomicU64,
    count_pages: bool,
}

/// Places all pages of a set. `progress` gets (bytes done, bytes in all) from the calling thread and answers whether to go
/// on.
///
/// # Errors
/// See [`PlaceError`]; files may then hold part of the set.
pub fn place_pages(
    disk: &dyn Disk,
    set: &BackupSet,
    files: &[TargetFile],
    options: PlaceOptions,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Placed, PlaceError> {
    set.require_complete()?;
    let mut targets = BTreeMap::new();
    for f in files {
        let file = if options.create { create(disk, &f.path)? } else { disk.open(&f.path, true)? };
        if file.length()? < f.size {
            file.allocate(f.size)?;
        }
        targets.insert(f.file_id, OpenTarget { file, size: f.size, extents: AtomicU64::new(0) });
    }
    let total = set.page_bytes();
    let done = AtomicU64::new(0);
    let mut damaged = Vec::new();
    for pass in 0..set.passes() {
        for source in set.pages(pass) {
            damaged.append(&mut place_source(&targets, options, &source, &done, total, pass == 0, progress)?);
        }
    }
    for target in targets.values() {
        target.file.sync()?;
    }
    for directory in files.iter().filter_map(|f| f.path.parent()) {
        disk.sync_directory(directory)?;
    }
    damaged.sort_unstable();
    damaged.dedup();
    let pages = targets.iter().map(|(id, t)| (*id, t.extents.load(Ordering::Relaxed) * 8)).collect();
    Ok(Placed { pages, damaged })
}

/// The place of an extent whose first page does not tell it, when its other pages that name one agree.
fn named_by_others(extent: &[u8]) -> Option<(FileId, u32)> {
    let mut found = None;
    for (i, page) in extent.chunks_exact(PAGE_SIZE).enumerate().skip(1) {
        let number = u32::from_le_bytes([page[32], page[33], page[34], page[35]]);
        let file = FileId::from_le_bytes([page[36], page[37]]);
        if page[0] != 1 || file == 0 {
            continue;
        }
        let first = number.checked_sub(i as u32).filter(|n| n.is_multiple_of(8))?;
        if found.is_some_and(|f| f != (file, first)) {
            return None;
        }
        found = Some((file, first));
    }
    found
}

/// A new file in place of whatever was there.
pub(super) fn create(disk: &dyn Disk, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError> {
    if disk.exists(path) {
        // Its space must come back at once, even while somebody still holds it open.
        if let Ok(old) = disk.open(path, true) {
            old.set_length(0)?;
        }
        disk.remove(path)?;
    }
    disk.create(path)
}

/// One stream on all workers; the calling thread reports progress.
fn place_source(
    targets: &BTreeMap<FileId, OpenTarget>,
    options: PlaceOptions,
    source: &Source,
    done: &AtomicU64,
    total: u64,
    count_pages: bool,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Vec<PageId>, PlaceError> {
    let work = Work {
        targets,
        options,
        reader: Mutex::new(source.reader()),
        source,
        sums: Mutex::new(Vec::new()),
        damaged: Mutex::new(Vec::new()),
        failure: Mutex::new(None),
        stop: AtomicBool::new(false),
        done,
        count_pages,
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.workers.max(1)).map(|_| scope.spawn(|| work.run())).collect();
        while workers.iter().any(|w| !w.is_finished()) {
            if !progress(done.load(Ordering::Relaxed), total) {
                work.fail(PlaceError::Stopped);
            }
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
    });
    progress(done.load(Ordering::Relaxed), total);
    if let Some(e) = work.failure.lock().take() {
        return Err(e);
    }
    if options.verify
        && let Some(stored) = source.stream.checksum
    {
        let mut parts = std::mem::take(&mut *work.sums.lock());
        parts.sort_unstable_by_key(|p| p.0);
        let sum = parts.iter().fold(StreamChecksum::default(), |a, p| a.append(p.1, p.2));
        if sum.value() != stored && !options.continue_after_error {
            return Err(PlaceError::Backup(BackupError::Checksum {
                device: source.device.name().clone(),
                offset: source.stream.stored_start,
                what: "page data",
                stored,
                found: sum.value(),
            }));
        }
    }
    Ok(work.damaged.into_inner())
}

impl Work<'_> {
    /// The first failure is the one that is told.
    fn fail(&self, e: PlaceError) {
        self.failure.lock().get_or_insert(e);
        self.stop.store(true, Ordering::Relaxed);
    }

    fn run(&self) {
        let (mut data, mut buffer) = (Vec::new(), Vec::new());
        while !self.stop.load(Ordering::Relaxed) {
            let claimed = self.reader.lock().next_batch(std::mem::take(&mut buffer));
            let batch = match claimed {
                Ok(Some(batch)) => batch,
                Ok(None) => return,
                Err(e) => return self.fail(e.into()),
            };
            if let Err(e) = batch.unpack(&mut data) {
                return self.fail(e.into());
            }
            if self.options.verify && self.source.stream.checksum.is_some() {
                let mut sum = StreamChecksum::default();
                sum.update(&data);
                self.sums.lock().push((batch.offset, sum, (data.len() as u64).div_ceil(512)));
            }
            let stored = |offset| batch.stored_at(offset);
            if let Err(e) = self.write(&data, batch.offset, &stored) {
                return self.fail(e);
            }
            self.done.fetch_add(data.len() as u64, Ordering::Relaxed);
            buffer = batch.into_buffer();
        }
    }

    /// Writes the extents of a batch; neighbours that stay neighbours go out in one write.
    fn write(&self, data: &[u8], offset: u64, stored: &dyn Fn(u64) -> u64) -> Result<(), PlaceError> {
        let mut run: Option<(FileId, u64, usize, usize)> = None;
        for extent in extents(data, offset) {
            let at = (extent.offset - offset) as usize;
            let (file, page) = match extent.place {
                Place::At(file, page) => (file, page),
                Place::Filler => continue,
                // An extent that was allocated and never formatted has nothing to place.
                Place::Unknown if extent.bytes.iter().all(|&b| b == 0) => continue,
                Place::Unknown => match named_by_others(extent.bytes) {
                    Some(place) => place,
                    None => {
                        let device = self.source.device.name().clone();
                        return Err(BackupError::LostExtent { device, offset: stored(extent.offset) }.into());
                    }
                },
            };
            let target = self.targets.get(&file).ok_or(PlaceError::NoTarget { file })?;
            if self.options.verify {
                self.check(extent.bytes, file, page, extent.offset, stored)?;
            }
            let position = u64::from(page) * PAGE_SIZE as u64;
            if position + extent.bytes.len() as u64 > target.size {
                return Err(PlaceError::Beyond {
                    page: PageId::new(file, page),
                    path: target.file.path().to_owned(),
                    size: target.size,
                });
            }
            if self.count_pages {
                target.extents.fetch_add(1, Ordering::Relaxed);
            }
            run = match run {
                Some((f, start, from, to))
                    if f == file && start + (to - from) as u64 == position && to == at =>
                {
                    Some((f, start, from, at + extent.bytes.len()))
                }
                other => {
                    self.flush(other, data)?;
                    Some((file, position, at, at + extent.bytes.len()))
                }
            };
        }
        self.flush(run, data)
    }

    fn flush(&self, run: Option<(FileId, u64, usize, usize)>, data: &[u8]) -> Result<(), PlaceError> {
        let Some((file, position, from, to)) = run else { return Ok(()) };
        let target = self.targets.get(&file).ok_or(PlaceError::NoTarget { file })?;
        target.file.write_at(position, &data[from..to])?;
        target.file.start_write_back(position, (to - from) as u64);
        Ok(())
    }

    /// Invariant 4.
    fn check(
        &self,
        extent: &[u8],
        file: FileId,
        first: u32,
        offset: u64,
        stored: &dyn Fn(u64) -> u64,
    ) -> Result<(), PlaceError> {
        for (i, bytes) in extent.chunks_exact(PAGE_SIZE).enumerate() {
            let Some(page) = bytes.first_chunk::<PAGE_SIZE>() else { continue };
            let here = PageId::new(file, first + i as u32);
            let named = PageId::from_bytes([page[32], page[33], page[34], page[35], page[36], page[37]]);
            // The first page of an extent says where the extent goes: that it does not is damage, see `named_by_others`.
            let lost = i == 0 && named != here;
            if !lost && (page[0] != 1 || named != here || protection::verify(page).is_ok()) {
                continue;
            }
            if !self.options.continue_after_error {
                return Err(PlaceError::Page {
                    page: here,
                    device: self.source.device.name().clone(),
                    offset: stored(offset + (i * PAGE_SIZE) as u64),
                });
            }
            self.damaged.lock().push(here);
        }
        Ok(())
    }
}
