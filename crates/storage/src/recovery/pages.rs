//! The pages that recovery reads and changes.
//!
//! Invariants
//! 1. A changed page gets its protection (checksum, torn bits or none, as it had, new pages as the database) when it is
//!    written, never before.
//! 2. [`FilePages::relieve`] is the only place that writes pages before the end; its caller has made the log durable first.
//! 3. With a journal, a page is written over only after the journal holds it durably (see [`super::journal`]).
//! 4. At most the given number of pages is held between two calls of `relieve`, plus those touched since.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_disk::DiskFile;
use holdfast_format::page::{PageView, flag, protection};
use holdfast_format::{FormatError, PageBytes};

use super::error::{RecoveryError, RecoveryResult};
use super::journal::{self, PageJournal};

/// Pages by address, for reading and changing.
pub trait PageStore {
    fn page(&mut self, id: PageId) -> RecoveryResult<&PageBytes>;
    /// The page, which will be changed. A page behind the end of its file is zeros; the file grows when it is written.
    fn page_mut(&mut self, id: PageId) -> RecoveryResult<&mut PageBytes>;
    /// Whether the file belongs to the data files.
    fn has_file(&self, file: FileId) -> bool;
    /// Lets go of pages when there are many. The log is durable up to every change.
    fn relieve(&mut self) -> RecoveryResult<()>;
    /// Writes every changed page and makes it durable.
    fn flush(&mut self) -> RecoveryResult<()>;
}

struct Held {
    page: Box<PageBytes>,
    dirty: bool,
    /// Torn pattern the page carried on disk.
    torn: u8,
}

/// How pages without a protection of their own are to be protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    None,
    Torn,
    Checksum,
}

impl Protection {
    pub fn of_flags(flags: u16) -> Self {
        if flags & flag::CHECKSUM != 0 {
            Protection::Checksum
        } else if flags & flag::TORN != 0 {
            Protection::Torn
        } else {
            Protection::None
        }
    }
}

/// Data files of one database, written back page by page.
pub struct FilePages {
    files: BTreeMap<FileId, Arc<dyn DiskFile>>,
    held: HashMap<PageId, Held>,
    capacity: usize,
    protection: Protection,
    journal: Option<PageJournal>,
    /// Pages whose stored checksum or torn bits were wrong when they were read.
    damaged: Vec<PageId>,
}

/// Highest page number that recovery will make a file grow to (16 TiB).
const PAGE_LIMIT: u32 = u32::MAX / 2;

impl FilePages {
    /// `capacity` in pages. With a journal file, pages that a crash has torn are first made whole from it.
    pub fn new(
        files: BTreeMap<FileId, Arc<dyn DiskFile>>,
        capacity: usize,
        journal: Option<Arc<dyn DiskFile>>,
    ) -> RecoveryResult<Self> {
        let journal = journal.map(|file| PageJournal::open(file, &files)).transpose()?;
        let mut pages = FilePages {
            files,
            held: HashMap::new(),
            capacity,
            protection: Protection::Checksum,
            journal,
            damaged: Vec::new(),
        };
        if pages.has_file(1) {
            pages.protection = Protection::of_flags(PageView::new(pages.page(PageId::new(1, 0))?).flags());
        }
        Ok(pages)
    }

    /// Ends work on the pages: the journal, and the pages that are not in their files yet.
    pub fn into_parts(self) -> (Option<PageJournal>, Vec<(PageId, Box<PageBytes>)>) {
        let dirty = self.held.into_iter().filter(|(_, held)| held.dirty).map(|(id, held)| {
            let mut page = held.page;
            // Where a cached page keeps the pattern that it had on disk.
            page[60] = page[60] & !3 | held.torn;
            (id, page)
        });
        let mut dirty: Vec<_> = dirty.collect();
        dirty.sort_unstable_by_key(|(id, _)| *id);
        (self.journal, dirty)
    }

    /// Pages found damaged when read; they could still be replaced as a whole.
    pub fn damaged(&self) -> &[PageId] {
        &self.damaged
    }

    fn load(&mut self, id: PageId) -> RecoveryResult<&mut Held> {
        if !self.held.contains_key(&id) {
            let held = self.read(id)?;
            self.held.insert(id, held);
        }
        match self.held.get_mut(&id) {
            Some(held) => Ok(held),
            None => Err(RecoveryError::Unreadable { page: id, error: FormatError::NoSuchPage { page: id } }),
        }
    }

    fn read(&mut self, id: PageId) -> RecoveryResult<Held> {
        let missing = || RecoveryError::Unreadable { page: id, error: FormatError::NoSuchPage { page: id } };
        let file = self.files.get(&id.file).ok_or_else(missing)?;
        if id.page > PAGE_LIMIT {
            return Err(missing());
        }
        let mut page = Box::new([0u8; PAGE_SIZE]);
        let offset = u64::from(id.page) * PAGE_SIZE as u64;
        if offset + PAGE_SIZE as u64 <= file.length()? {
            file.read_at(offset, page.as_mut())?;
        }
        let torn = page[60] & 3;
        if protection::verify(&page).is_err() || protection::restore_torn(&mut page).is_err() {
            // Unallocated pages may hold anything; a record that formats the page makes it whole. Zeros carry LSN 0, so
            // that any other record shows as a gap.
            self.damaged.push(id);
            page.fill(0);
        }
        Ok(Held { page, dirty: false, torn })
    }

    fn image(&self, id: PageId) -> Option<(PageId, Box<PageBytes>)> {
        let held = self.held.get(&id)?;
        let mut image = held.page.clone();
        protect(&mut image, self.protection, held.torn);
        Some((id, image))
    }

    fn write(&mut self, id: PageId, image: &PageBytes) -> RecoveryResult<()> {
        let (Some(held), Some(file)) = (self.held.get_mut(&id), self.files.get(&id.file)) else {
            return Ok(());
        };
        let offset = u64::from(id.page) * PAGE_SIZE as u64;
        if offset + PAGE_SIZE as u64 > file.length()? {
            file.allocate((offset + PAGE_SIZE as u64).next_multiple_of(8 * PAGE_SIZE as u64))?;
        }
        file.write_at(offset, image.as_ref())?;
        held.torn = image[60] & 3;
        held.dirty = false;
        Ok(())
    }

    fn write_dirty(&mut self) -> RecoveryResult<()> {
        let mut dirty: Vec<PageId> = self.held.iter().filter(|(_, h)| h.dirty).map(|(&id, _)| id).collect();
        dirty.sort_unstable();
        for part in dirty.chunks(journal::CAPACITY) {
            let images: Vec<_> = part.iter().filter_map(|&id| self.image(id)).collect();
            if let Some(journal) = &self.journal {
                journal.write(&images)?;
            }
            for (id, image) in &images {
                self.write(*id, image)?;
            }
            if let Some(journal) = &self.journal {
                self.files.values().try_for_each(|f| f.sync())?;
                journal.clear()?;
            }
        }
        Ok(())
    }
}

/// Invariant 1.
pub fn protect(page: &mut PageBytes, database: Protection, last_torn: u8) {
    let own = Protection::of_flags(PageView::new(page).flags());
    match if own == Protection::None { database } else { own } {
        Protection::Checksum => protection::stamp_checksum(page),
        Protection::Torn => protection::stamp_torn(page, if last_torn == 1 { 2 } else { 1 }),
        Protection::None => {}
    }
}

impl PageStore for FilePages {
    fn page(&mut self, id: PageId) -> RecoveryResult<&PageBytes> {
        self.load(id).map(|h| &*h.page)
    }

    fn page_mut(&mut self, id: PageId) -> RecoveryResult<&mut PageBytes> {
        self.load(id).map(|h| {
            h.dirty = true;
            &mut *h.page
        })
    }

    fn has_file(&self, file: FileId) -> bool {
        self.files.contains_key(&file)
    }

    fn relieve(&mut self) -> RecoveryResult<()> {
        if self.held.len() > self.capacity {
            self.write_dirty()?;
            self.held.clear();
        }
        Ok(())
    }

    fn flush(&mut self) -> RecoveryResult<()> {
        self.write_dirty()?;
        self.files.values().try_for_each(|f| f.sync().map_err(RecoveryError::from))
    }
}
