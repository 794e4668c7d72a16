//! The checks that need pages at random: allocation maps, system tables, trees, heaps, large values. A backup serves its
//! pages by an index of where each extent lies, so memory is a few bytes per extent.
//!
//! Invariants
//! 1. A later pass replaces an earlier one, as in a restore.
//! 2. At most [`CACHED_EXTENTS`] extents are held.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_backup::data::{EXTENT, Place, extents};
use holdfast_backup::{BackupSet, Device, Source};
use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_engine::check::{Report, check};
use holdfast_format::page::protection::restore_torn;
use holdfast_format::{FormatError, PageSource};

use super::finding::{Finding, Findings, Severity};
use crate::output::Progress;

const CACHED_EXTENTS: usize = 256;

type PageRef = Arc<[u8; PAGE_SIZE]>;

/// Where an extent lies: source, and its batch or byte position.
#[derive(Clone, Copy)]
struct Position {
    source: u16,
    /// Offset in the stream's data.
    offset: u64,
}

struct Cache {
    extents: HashMap<(FileId, u32), Arc<Vec<u8>>>,
    order: VecDeque<(FileId, u32)>,
}

/// Pages of a full backup.
struct BackupPages {
    sources: Vec<Source>,
    /// For each source, stream offset and stored position of every record or run, ascending.
    runs: Vec<Vec<(u64, u64)>>,
    index: BTreeMap<(FileId, u32), Position>,
    sizes: BTreeMap<FileId, u32>,
    cache: Mutex<Cache>,
}

impl BackupPages {
    /// Reads all extents' places. Sources of all passes in order.
    fn open(set: &BackupSet) -> Option<Self> {
        let configuration = set.configuration()?;
        let mut pages = BackupPages {
            sources: Vec::new(),
            runs: Vec::new(),
            index: BTreeMap::new(),
            sizes: BTreeMap::new(),
            cache: Mutex::new(Cache { extents: HashMap::new(), order: VecDeque::new() }),
        };
        for f in configuration.data_files() {
            let size = u32::try_from(f.size / PAGE_SIZE as u64).ok()?;
            pages.sizes.insert(FileId::try_from(f.id).ok()?, size);
        }
        for pass in 0..set.passes() {
            for source in set.pages(pass) {
                pages.add(source)?;
            }
        }
        Some(pages)
    }

    fn add(&mut self, source: Source) -> Option<()> {
        let number = u16::try_from(self.sources.len()).ok()?;
        let mut reader = source.reader();
        let (mut runs, mut out) = (Vec::new(), Vec::new());
        while let Ok(Some(batch)) = reader.next_batch(Vec::new()) {
            batch.unpack(&mut out).ok()?;
            for e in extents(&out, batch.offset) {
                if source.stream.compressed {
                    runs.push((e.offset, batch.stored_at(e.offset)));
                }
                if let Place::At(file, page) = e.place {
                    self.index.insert((file, page / 8), Position { source: number, offset: e.offset });
                }
            }
        }
        self.sources.push(source);
        self.runs.push(runs);
        Some(())
    }

    /// Where a byte of a page lies; in a compressed stream, where the record begins that holds it.
    fn place(&self, page: PageId, offset: usize) -> Option<(String, u64)> {
        let position = self.index.get(&(page.file, page.page / 8))?;
        let source = self.sources.get(usize::from(position.source))?;
        let within = u64::from(page.page % 8) * PAGE_SIZE as u64 + offset as u64;
        let at = if source.stream.compressed {
            let runs = self.runs.get(usize::from(position.source))?;
            let run = runs.binary_search_by_key(&position.offset, |r| r.0).ok()?;
            runs.get(run)?.1
        } else {
            source.stream.stored_start + position.offset + within
        };
        Some((source.device.name().to_string(), at))
    }

    fn extent(&self, key: (FileId, u32)) -> Option<Arc<Vec<u8>>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cache.extents.get(&key) {
            return Some(found.clone());
        }
        let position = self.index.get(&key)?;
        let source = self.sources.get(usize::from(position.source))?;
        let mut stream = source.stream;
        let mut bytes = vec![0; EXTENT];
        if stream.compressed {
            // A stream that begins at the extent's own record.
            let runs = self.runs.get(usize::from(position.source))?;
            let run = runs.binary_search_by_key(&position.offset, |r| r.0).ok()?;
            stream.stored_start = runs.get(run)?.1;
            stream.length -= position.offset;
            stream.length = stream.length.min(EXTENT as u64);
            let one = Source { device: source.device.clone(), stream };
            one.reader().next_batch(Vec::new()).ok()??.unpack(&mut bytes).ok()?;
        } else {
            source.device.read(stream.stored_start + position.offset, &mut bytes).ok()?;
        }
        let bytes = Arc::new(bytes);
        cache.extents.insert(key, bytes.clone());
        cache.order.push_back(key);
        if cache.order.len() > CACHED_EXTENTS
            && let Some(old) = cache.order.pop_front()
        {
            cache.extents.remove(&old);
        }
        Some(bytes)
    }
}

fn page_of(bytes: &[u8]) -> Option<PageRef> {
    let mut page: [u8; PAGE_SIZE] = bytes.try_into().ok()?;
    // A torn page was reported when it streamed by; here it is read as it is.
    let _ = restore_torn(&mut page);
    Some(Arc::new(page))
}

impl PageSource for BackupPages {
    fn page(&self, id: PageId) -> Result<PageRef, FormatError> {
        let size = self.page_count(id.file);
        if id.page >= size {
            return Err(FormatError::NoSuchPage { page: id });
        }
        let Some(extent) = self.extent((id.file, id.page / 8)) else {
            // Extents that a backup leaves out are zero after a restore.
            return Ok(Arc::new([0; PAGE_SIZE]));
        };
        let at = (id.page % 8) as usize * PAGE_SIZE;
        extent.get(at..at + PAGE_SIZE).and_then(page_of).ok_or(FormatError::NoSuchPage { page: id })
    }

    fn files(&self) -> Vec<FileId> {
        self.sizes.keys().copied().collect()
    }

    fn page_count(&self, file: FileId) -> u32 {
        self.sizes.get(&file).copied().unwrap_or(0)
    }
}

/// Data files as they lie.
struct FilePages {
    files: BTreeMap<FileId, Device>,
}

impl PageSource for FilePages {
    fn page(&self, id: PageId) -> Result<PageRef, FormatError> {
        let device = self.files.get(&id.file).ok_or(FormatError::NoSuchPage { page: id })?;
        let mut bytes = vec![0; PAGE_SIZE];
        let read = device.read(u64::from(id.page) * PAGE_SIZE as u64, &mut bytes);
        read.map_err(|_| FormatError::NoSuchPage { page: id })?;
        page_of(&bytes).ok_or(FormatError::NoSuchPage { page: id })
    }

    fn files(&self) -> Vec<FileId> {
        self.files.keys().copied().collect()
    }

    fn page_count(&self, file: FileId) -> u32 {
        self.files.get(&file).map_or(0, |d| u32::try_from(d.length() / PAGE_SIZE as u64).unwrap_or(u32::MAX))
    }
}

/// Where a byte of a page lies: device, and offset in it as stored.
type PlaceOf<'a> = &'a dyn Fn(PageId, usize) -> Option<(String, u64)>;

fn run(
    source: Arc<dyn PageSource>,
    name: &str,
    severity: Severity,
    place: PlaceOf<'_>,
    findings: &Findings,
) -> Report {
    let progress = Progress::new("structure", 0);
    let report = check(&source, &mut |_, _| {});
    progress.finish();
    for f in &report.findings {
        let object = f.object.as_ref().map_or(String::new(), |o| format!("{o}: "));
        let place = f.page.and_then(|page| place(page, f.offset));
        findings.add(Finding {
            severity,
            file: place.as_ref().map_or_else(|| name.to_owned(), |p| p.0.clone()),
            page: f.page,
            offset: place.map(|p| p.1),
            text: format!("{object}{}", f.what),
        });
    }
    report
}

/// How grave it is that pages of a backup disagree.
///
/// The images of a backup are of slightly different moments, and the log in it brings them together. When it holds
/// changes, a fault may be one that the log repairs, so it is a note.
pub fn severity(log_blocks: u64) -> Severity {
    if log_blocks > QUIET_BLOCKS { Severity::Note } else { Severity::Damage }
}

/// Checks the structure of a complete full backup; gives a line of the summary.
pub fn check_backup(set: &BackupSet, name: &str, log_blocks: u64, findings: &Findings) -> Option<String> {
    let pages = BackupPages::open(set)?;
    let pages = Arc::new(pages);
    let place = |page: PageId, offset: usize| pages.place(page, offset);
    let report = run(pages.clone(), name, severity(log_blocks), &place, findings);
    Some(format!("{} tables, {} rows checked", report.tables_checked, report.rows_checked))
}

/// A backup with no more log blocks than this held only its own checkpoints.
const QUIET_BLOCKS: u64 = 16;

/// Checks the structure of a database's data files.
pub fn check_files(files: BTreeMap<FileId, Device>, name: &str, findings: &Findings) -> String {
    let devices = files.clone();
    let place = |page: PageId, offset: usize| {
        let at = u64::from(page.page) * PAGE_SIZE as u64 + offset as u64;
        devices.get(&page.file).map(|d| (d.name().to_string(), at))
    };
    let report = run(Arc::new(FilePages { files }), name, Severity::Damage, &place, findings);
    format!("{name}: {} tables, {} rows checked", report.tables_checked, report.rows_checked)
}
