//! The log file of a restored database: the VLFs that the backup set describes, its log bytes at their places, and page 0.
//!
//! Invariants
//! 1. The VLFs cover the file from 8192 to its end without gaps; a set whose description does not is refused.
//! 2. Log bytes of the set are placed unchanged: recovery reads them from the file as it would after a crash.
//! 3. VLFs that hold log of an earlier set and have none in this one keep their headers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_backup::BackupSet;
use holdfast_base::{FileId, Lsn, PAGE_SIZE, PageId};
use holdfast_disk::{Disk, DiskFile};
use holdfast_format::PageBytes;
use holdfast_format::boot::BOOT_PAGE;
use holdfast_format::file_header::FileHeader;
use holdfast_format::log::vlf::{FIRST_VLF, VLF_HEADER_SIZE, VLF_HEADER_USED, vlf_table};
use holdfast_format::log::{LogBytes, LogError, LogStore, VlfHeader};
use holdfast_format::page::{PageEditor, PageHeader, PageType, PageView, protection};
use holdfast_format::record::FixedVar;
use holdfast_format::record::writer::Parts;

use super::error::RestoreError;
use crate::recovery::log_writer::vlf_header_bytes;
use crate::recovery::pages::{Protection, protect};
use crate::recovery::{PageStore, RecoveryError};

/// Reads from this size on belong to a walk through the log, and how far it is read ahead.
const WINDOW: usize = 64 << 10;
const AHEAD: u64 = 4 << 20;

/// A disk file as log bytes.
pub struct DiskLog {
    file: Arc<dyn DiskFile>,
    /// Up to this offset the disk was told that the file will be read.
    announced: AtomicU64,
}

impl DiskLog {
    pub fn new(file: Arc<dyn DiskFile>) -> Self {
        DiskLog { file, announced: AtomicU64::new(0) }
    }
}

impl LogBytes for DiskLog {
    fn length(&self) -> u64 {
        self.file.length().unwrap_or(0)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), LogError> {
        // Whoever reads much of a log goes on behind it: the disk works while the records are.
        if out.len() >= WINDOW {
            let end = offset + out.len() as u64;
            let told = self.announced.load(Ordering::Relaxed);
            // Where a walk has just been told of the log ahead of it, half of that must be used up first.
            if !(end + AHEAD / 2..=end + AHEAD).contains(&told) {
                let from = if (end..end + AHEAD).contains(&told) { told } else { end };
                self.file.will_need(from, end + AHEAD - from);
                self.announced.store(end + AHEAD, Ordering::Relaxed);
            }
        }
        self.file.read_at(offset, out).map_err(|e| LogError::Read { offset, message: e.to_string() })
    }
}

/// Open log files by file id.
pub type LogFiles = BTreeMap<FileId, Arc<dyn DiskFile>>;

/// All log in the given files.
pub fn log_store(files: &BTreeMap<FileId, Arc<dyn DiskFile>>) -> Result<LogStore, LogError> {
    let mut store = LogStore::new();
    for file in files.values() {
        store.add_file(Arc::new(DiskLog::new(file.clone())))?;
    }
    Ok(store)
}

/// The VLFs of every log file with the place of their log in the set.
type Layout = BTreeMap<FileId, Vec<(VlfHeader, usize)>>;

/// Reads the layout out of a set (invariant 1).
fn layout(set: &BackupSet) -> Result<Layout, RestoreError> {
    let mut files: Layout = BTreeMap::new();
    for (index, (vlf, _)) in set.log().iter().enumerate() {
        let cycle = match vlf.parity {
            0x40 => 1,
            0x80 => 2,
            _ => 0,
        };
        let header = VlfHeader {
            parity: vlf.parity,
            format: vlf.version,
            sequence: vlf.sequence,
            cycle,
            size: vlf.size,
            offset: vlf.offset,
            create_lsn: vlf.create_lsn,
        };
        let inside = vlf.start <= vlf.end
            && (vlf.start == vlf.end || vlf.start >= vlf.offset.saturating_add(VLF_HEADER_SIZE));
        if !inside || vlf.end > header.end().max(vlf.start) || vlf.size < VLF_HEADER_SIZE {
            return Err(RestoreError::LogLayout { what: "log lies outside its virtual log file" });
        }
        files.entry(vlf.file).or_default().push((header, index));
    }
    for vlfs in files.values_mut() {
        vlfs.sort_unstable_by_key(|(v, _)| v.offset);
        let mut at = FIRST_VLF;
        for (vlf, _) in vlfs.iter() {
            if vlf.offset != at {
                return Err(RestoreError::LogLayout { what: "the virtual log files leave a gap" });
            }
            at = vlf.end();
        }
    }
    Ok(files)
}

/// Makes or reuses the log files and writes the set's log into them. Answers the files and the bytes of log written.
pub fn place_log(
    disk: &dyn Disk,
    set: &BackupSet,
    targets: &BTreeMap<FileId, PathBuf>,
    create: bool,
) -> Result<(LogFiles, u64), RestoreError> {
    let layout = layout(set)?;
    let sources = set.log();
    let mut files = BTreeMap::new();
    let mut written = 0u64;
    for (&id, path) in targets {
        let vlfs = layout.get(&id).map_or(&[][..], Vec::as_slice);
        let file = if create { super::place::create(disk, path)? } else { disk.open(path, true)? };
        let end = vlfs.last().map_or(FIRST_VLF, |(v, _)| v.end());
        file.allocate(end)?;
        for (vlf, index) in vlfs {
            let Some((place, source)) = sources.get(*index) else { continue };
            if vlf.sequence != 0 || create || keeps_nothing(file.as_ref(), vlf)? {
                let cycle = if vlf.sequence == 0 { 0 } else { vlf.cycle };
                let parity = if vlf.sequence == 0 { 0 } else { vlf.parity };
                let header = VlfHeader { cycle, parity, ..*vlf };
                file.write_at(vlf.offset, &vlf_header_bytes(&header, 0))?;
            }
            if place.end == place.start {
                continue;
            }
            let missing = RestoreError::LogLayout { what: "the set names log that it does not hold" };
            let source = source.as_ref().ok_or(missing)?;
            written += copy_log(file.as_ref(), source, place.start, place.end)?;
        }
        files.insert(id, file);
    }
    if let Some(id) = layout.keys().find(|id| !targets.contains_key(id)) {
        return Err(RestoreError::NoTarget { file: *id });
    }
    Ok((files, written))
}

/// Invariant 3: whether the place holds no VLF of this shape yet.
fn keeps_nothing(file: &dyn DiskFile, vlf: &VlfHeader) -> Result<bool, RestoreError> {
    let mut head = [0u8; VLF_HEADER_USED];
    file.read_at(vlf.offset, &mut head)?;
    Ok(!VlfHeader::decode(&head, vlf.offset).is_ok_and(|old| old.size == vlf.size))
}

fn copy_log(
    file: &dyn DiskFile,
    source: &holdfast_backup::set::Source,
    start: u64,
    end: u64,
) -> Result<u64, RestoreError> {
    let mut reader = source.reader();
    let (mut buffer, mut data) = (Vec::new(), Vec::new());
    let wanted = end - start;
    let mut done = 0u64;
    while done < wanted {
        let Some(batch) = reader.next_batch(std::mem::take(&mut buffer))? else { break };
        batch.unpack(&mut data)?;
        let part = data.get(..data.len().min((wanted - done) as usize)).unwrap_or(&[]);
        file.write_at(start + done, part)?;
        done += part.len() as u64;
        buffer = batch.into_buffer();
    }
    if done < wanted {
        return Err(RestoreError::LogLayout { what: "the set holds less log than it says" });
    }
    Ok(done)
}

/// What page 0 of a log file says.
#[derive(Clone, Debug)]
pub struct LogFileFacts {
    pub file_id: FileId,
    pub name: String,
    /// Pages.
    pub max_size: i32,
    /// Pages or percent.
    pub growth: u32,
    /// 512 or 4096.
    pub sector_size: u32,
    pub file_guid: [u8; 16],
    pub lsn: Lsn,
}

/// Builds page 0 of a log file: the header row of the primary data file with the log file's values, and the boot page's
/// row.
pub fn log_header_page(
    pages: &mut dyn PageStore,
    facts: &LogFileFacts,
    size: u64,
) -> Result<Box<PageBytes>, RestoreError> {
    let data = *pages.page(PageId::new(1, 0))?;
    let boot_page = *pages.page(BOOT_PAGE)?;
    log_header_page_of(&data, &boot_page, facts, size)
}

/// The same from page 0 of the primary data file and the boot page.
pub fn log_header_page_of(
    data: &PageBytes,
    boot_page: &PageBytes,
    facts: &LogFileFacts,
    size: u64,
) -> Result<Box<PageBytes>, RestoreError> {
    let at = PageId::new(1, 0);
    let failed = |error| RestoreError::Recovery(RecoveryError::Unreadable { page: at, error });
    let model = PageView::new(data).require_record(0).map_err(failed)?;
    let record = FixedVar::parse_data(model).map_err(|e| failed(e.at(at, 0)))?;
    let mut parts = Parts::of(&record).map_err(|e| failed(e.at(at, 0)))?;
    const NAME: usize = 27;
    if let Some((name, _)) = parts.variable.get_mut(NAME) {
        *name = facts.name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    let mut page = Box::new([0u8; PAGE_SIZE]);
    let here = PageId::new(facts.file_id, 0);
    let header = PageHeader { page_id: here, lsn: facts.lsn, ..PageHeader::decode(data) };
    let mut editor = PageEditor::format(&mut page, &header);
    let full = |_| RestoreError::LogLayout { what: "the header of the log file does not fit a page" };
    editor.insert(0, &parts.assemble()).map_err(full)?;
    let fields = FileHeader {
        file_id: facts.file_id,
        filegroup_id: 0,
        size: u32::try_from(size / PAGE_SIZE as u64).unwrap_or(u32::MAX),
        max_size: facts.max_size,
        growth: facts.growth,
        min_size: u32::try_from(size / PAGE_SIZE as u64).unwrap_or(u32::MAX),
        status: 0x0010_0000,
        sector_size: facts.sector_size,
        file_guid: facts.file_guid,
        differential_base_lsn: Lsn::ZERO,
        differential_base_guid: [0; 16],
        ..FileHeader::read(data).map_err(failed)?
    };
    fields.write(&mut page).map_err(failed)?;
    add_boot_row(&mut page, boot_page);
    protect(&mut page, Protection::of_flags(header.flags), 1);
    Ok(page)
}

/// Slot 1: the boot page's row, byte for byte. It is no record of a table, so it is placed by hand.
fn add_boot_row(page: &mut PageBytes, boot_page: &PageBytes) {
    let view = PageView::new(boot_page);
    let row = view.record(0).unwrap_or(&[]);
    let length = row.get(2..4).map_or(0, |l| usize::from(u16::from_le_bytes([l[0], l[1]])));
    let Some(row) = row.get(..length) else { return };
    let start = usize::from(PageView::new(page).free_data());
    if start + length + 4 > PAGE_SIZE {
        return;
    }
    page[start..start + length].copy_from_slice(row);
    page[PAGE_SIZE - 4..PAGE_SIZE - 2].copy_from_slice(&(start as u16).to_le_bytes());
    let header = PageHeader::decode(page);
    let free = usize::from(header.free_count).saturating_sub(length + 2) as u16;
    PageHeader { slot_count: 2, free_count: free, free_data: (start + length) as u16, ..header }.encode(page);
}

/// The VLF table of a log file.
pub fn table(file: &Arc<dyn DiskFile>) -> Result<Vec<VlfHeader>, LogError> {
    vlf_table(&DiskLog::new(file.clone()))
}

/// Page 0 of a log file as it lies on disk. A page that power loss tore is answered as well: the header row's numbers, which are all
/// that is taken from it, lie in the first sector, and only that and the copy of the boot page ever change.
pub fn read_header_page(file: &dyn DiskFile) -> Result<Option<Box<PageBytes>>, RestoreError> {
    let mut page = Box::new([0u8; PAGE_SIZE]);
    file.read_at(0, page.as_mut())?;
    if Protection::of_flags(PageView::new(&page).flags()) == Protection::Torn {
        // Also where a sector has the pattern of another write: what belongs in the place of the pattern stands in the first.
        let pattern = page[60] & 3;
        for sector in page.chunks_exact_mut(512).skip(1) {
            sector[511] = sector[511] & !3 | pattern;
        }
        if protection::restore_torn(&mut page).is_err() {
            return Ok(None);
        }
    }
    let view = PageView::new(&page);
    Ok((view.is(PageType::FileHeader) && view.page_id().page == 0).then_some(page))
}

/// Puts the boot page's row into page 0 of a log file, in the place of the copy that is there; whether that changed anything.
pub fn copy_boot_row(page: &mut PageBytes, row: &[u8]) -> bool {
    let view = PageView::new(page);
    let Some(start) = view.slot_offset(1).filter(|_| view.slot_count() == 2) else { return false };
    let length = row.get(2..4).map_or(0, |l| usize::from(u16::from_le_bytes([l[0], l[1]])));
    let Some(row) = row.get(..length).filter(|_| length > 4) else { return false };
    match page.get_mut(start..start + length).filter(|_| start + length <= PAGE_SIZE - 4) {
        Some(copy) if copy[..4] == row[..4] && *copy != *row => {
            copy.copy_from_slice(row);
            true
        }
        _ => false,
    }
}
