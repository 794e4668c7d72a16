//! The pages that recovery reads and changes.
//!
//! They lie in shards by address, so that a record of one page needs one shard only: redo gives each worker a shard of its own
//! (see [`super::forward`]), everything else sees them as one [`PageStore`].
//!
//! Invariants
//! 1. A changed page gets its protection (checksum, torn bits or none, as it had, new pages as the database) when it is
//!    written, never before.
//! 2. [`FilePages::relieve`] is the only place that writes pages before the end; its caller has made the log durable first.
//! 3. With a journal, a page is written over only after the journal holds it durably (see [`super::journal`]).
//! 4. At most the given number of pages is held between two calls of `relieve`, plus those touched since.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{FileId, Lsn, PAGE_SIZE, PageId};
use holdfast_disk::DiskFile;
use holdfast_format::page::{PageView, flag, protection};
use holdfast_format::source::PageRef;
use holdfast_format::{FormatError, PageBytes};

use super::error::{RecoveryError, RecoveryResult};
use super::journal::{self, PageJournal};
use crate::address::{AddressMap, address, mix};

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
    id: PageId,
    /// Nobody else holds it.
    page: PageRef,
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
    files: DataFiles,
    shards: Vec<Shard>,
    capacity: usize,
    protection: Protection,
    journal: Option<PageJournal>,
    pub(super) batch: usize,
}

/// How redo is spread over threads; what comes out does not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub workers: usize,
    /// Bytes of log that a worker is handed at once.
    pub batch: usize,
}

impl Default for Spread {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Spread { workers, batch: 256 << 10 }
    }
}

/// The files that pages come from.
pub(super) struct DataFiles(BTreeMap<FileId, Arc<dyn DiskFile>>);

/// Pages of which an address says that they belong here.
#[derive(Default)]
pub(super) struct Shard {
    held: AddressMap<Held>,
    /// Highest LSN that a page carried when a record came to it.
    pub newest: (Lsn, PageId),
}

/// Highest page number that recovery will make a file grow to (16 TiB).
const PAGE_LIMIT: u32 = u32::MAX / 2;
/// More workers than this have nothing to do: one thread reads the log for all of them.
const MOST_SHARDS: usize = 8;

fn no_page(page: PageId) -> RecoveryError {
    RecoveryError::Unreadable { page, error: FormatError::NoSuchPage { page } }
}

/// Which of `shards` a page belongs to.
pub(super) fn shard_of(id: PageId, shards: usize) -> usize {
    // The tables inside a shard use the low and the highest bits.
    (mix(address(id)) >> 20) as usize % shards.max(1)
}

impl DataFiles {
    pub fn has(&self, file: FileId) -> bool {
        self.0.contains_key(&file)
    }

    /// The extent of a page will be read soon.
    pub fn will_need(&self, id: PageId) {
        const EXTENT: u64 = 8 * PAGE_SIZE as u64;
        if let Some(file) = self.0.get(&id.file).filter(|_| id.page <= PAGE_LIMIT) {
            file.will_need(u64::from(id.page / 8) * EXTENT, EXTENT);
        }
    }

    fn read(&self, id: PageId) -> RecoveryResult<Held> {
        let file = self.0.get(&id.file).ok_or_else(|| no_page(id))?;
        if id.page > PAGE_LIMIT {
            return Err(no_page(id));
        }
        let mut image = Arc::new([0u8; PAGE_SIZE]);
        let page = Arc::make_mut(&mut image);
        let offset = u64::from(id.page) * PAGE_SIZE as u64;
        if offset + PAGE_SIZE as u64 <= file.length()? {
            file.read_at(offset, page)?;
        }
        let torn = page[60] & 3;
        if protection::verify(page).is_err() || protection::restore_torn(page).is_err() {
            // Unallocated pages may hold anything; a record that formats the page makes it whole. Zeros carry LSN 0, so
            // that any other record shows as a gap.
            page.fill(0);
        }
        Ok(Held { id, page: image, dirty: false, torn })
    }
}

impl Shard {
    fn load(&mut self, files: &DataFiles, id: PageId) -> RecoveryResult<&mut Held> {
        use std::collections::hash_map::Entry;
        match self.held.entry(address(id)) {
            Entry::Occupied(there) => Ok(there.into_mut()),
            Entry::Vacant(free) => Ok(free.insert(files.read(id)?)),
        }
    }

    /// Fetches what is held of the given pages into the processor's caches, all of them at once: their header, slot, and the
    /// end of their rows. A page that changes seldom has left the caches since, and redo would wait for each part in turn.
    pub fn bring_near(&self, pages: impl Iterator<Item = (PageId, u16)>) {
        let mut all = 0u8;
        for (id, slot) in pages {
            if let Some(held) = self.held.get(&address(id)) {
                let page: &PageBytes = &held.page;
                let end = usize::from(PageView::new(page).free_data()) % PAGE_SIZE;
                let slot = PAGE_SIZE - 1 - usize::from(slot) * 2 % PAGE_SIZE;
                all ^= page[0] ^ page[64] ^ page[end] ^ page[slot];
            }
        }
        std::hint::black_box(all);
    }

    /// Lets `f` look at a page and change it; it answers whether it did.
    pub fn change(
        &mut self,
        files: &DataFiles,
        id: PageId,
        f: impl FnOnce(&mut PageBytes) -> RecoveryResult<bool>,
    ) -> RecoveryResult<bool> {
        let held = self.load(files, id)?;
        let changed = f(Arc::make_mut(&mut held.page))?;
        held.dirty |= changed;
        Ok(changed)
    }
}

impl FilePages {
    /// `capacity` in pages. With a journal file, pages that a crash has torn are first made whole from it.
    pub fn new(
        files: BTreeMap<FileId, Arc<dyn DiskFile>>,
        capacity: usize,
        journal: Option<Arc<dyn DiskFile>>,
    ) -> RecoveryResult<Self> {
        Self::spread(files, capacity, journal, Spread::default())
    }

    /// The same with a say in how redo is spread.
    pub fn spread(
        files: BTreeMap<FileId, Arc<dyn DiskFile>>,
        capacity: usize,
        journal: Option<Arc<dyn DiskFile>>,
        spread: Spread,
    ) -> RecoveryResult<Self> {
        let journal = journal.map(|file| PageJournal::open(file, &files)).transpose()?;
        let mut pages = FilePages {
            files: DataFiles(files),
            shards: (0..spread.workers.clamp(1, MOST_SHARDS)).map(|_| Shard::default()).collect(),
            capacity,
            protection: Protection::Checksum,
            journal,
            batch: spread.batch,
        };
        if pages.has_file(1) {
            pages.protection = Protection::of_flags(PageView::new(pages.page(PageId::new(1, 0))?).flags());
        }
        Ok(pages)
    }

    /// Ends work on the pages: the journal, and the pages that are not in their files yet.
    pub fn into_parts(self) -> (Option<PageJournal>, Vec<(PageId, PageRef)>) {
        let held = self.shards.into_iter().flat_map(|shard| shard.held.into_values());
        let dirty = held.filter(|held| held.dirty).map(|held| {
            let mut page = held.page;
            // Where a cached page keeps the pattern that it had on disk.
            let bits = &mut Arc::make_mut(&mut page)[60];
            *bits = *bits & !3 | held.torn;
            (held.id, page)
        });
        let mut dirty: Vec<_> = dirty.collect();
        dirty.sort_unstable_by_key(|(id, _)| *id);
        (self.journal, dirty)
    }

    /// The files, and the shards to be changed side by side.
    pub(super) fn split(&mut self) -> (&DataFiles, &mut [Shard]) {
        (&self.files, &mut self.shards)
    }

    /// How many pages may be touched before [`PageStore::relieve`] lets go of them.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.held()).max(self.capacity / 8)
    }

    fn held(&self) -> usize {
        self.shards.iter().map(|shard| shard.held.len()).sum()
    }

    fn load(&mut self, id: PageId) -> RecoveryResult<&mut Held> {
        let at = shard_of(id, self.shards.len());
        let shard = self.shards.get_mut(at).ok_or_else(|| no_page(id))?;
        shard.load(&self.files, id)
    }

    fn write(&mut self, id: PageId, image: &PageBytes) -> RecoveryResult<()> {
        let Some(file) = self.files.0.get(&id.file) else { return Ok(()) };
        let offset = u64::from(id.page) * PAGE_SIZE as u64;
        if offset + PAGE_SIZE as u64 > file.length()? {
            file.allocate((offset + PAGE_SIZE as u64).next_multiple_of(8 * PAGE_SIZE as u64))?;
        }
        file.write_at(offset, image.as_ref())?;
        let held = self.load(id)?;
        held.torn = image[60] & 3;
        held.dirty = false;
        Ok(())
    }

    fn write_dirty(&mut self) -> RecoveryResult<()> {
        let held = self.shards.iter().flat_map(|shard| shard.held.values());
        let mut dirty: Vec<PageId> = held.filter(|h| h.dirty).map(|h| h.id).collect();
        dirty.sort_unstable();
        let protection = self.protection;
        let mut bytes = Vec::new();
        for part in dirty.chunks(journal::CAPACITY) {
            let mut images: Vec<(PageId, Box<PageBytes>)> = Vec::with_capacity(part.len());
            for &id in part {
                let held = self.load(id)?;
                let mut image = Box::new(*held.page);
                protect(&mut image, protection, held.torn);
                images.push((id, image));
            }
            if let Some(journal) = &self.journal {
                journal.write(images.iter().map(|(id, image)| (*id, &**image)), &mut bytes)?;
            }
            for (id, image) in &images {
                self.write(*id, image)?;
            }
            if let Some(journal) = &self.journal {
                self.files.0.values().try_for_each(|f| f.sync())?;
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
            Arc::make_mut(&mut h.page)
        })
    }

    fn has_file(&self, file: FileId) -> bool {
        self.files.has(file)
    }

    fn relieve(&mut self) -> RecoveryResult<()> {
        if self.held() > self.capacity {
            self.write_dirty()?;
            self.shards.iter_mut().for_each(|shard| shard.held.clear());
        }
        Ok(())
    }

    fn flush(&mut self) -> RecoveryResult<()> {
        self.write_dirty()?;
        self.files.0.values().try_for_each(|f| f.sync().map_err(RecoveryError::from))
    }
}
