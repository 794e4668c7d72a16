//! The page cache: verified pages of all databases, bounded, shared.
//!
//! Pages are immutable `Arc`ed images. A shard is a hash table from page address to frame plus a clock hand; which shard a
//! page belongs to depends on its extent, so that a read of neighbouring pages fills one shard under one lock.
//!
//! Invariants
//! 1. A page in the cache had its checksum or torn bits verified, and its torn bits are put back.
//! 2. The cache never holds more than its capacity; images still in use elsewhere live on by their `Arc`.
//! 3. A page that fails verification is never cached and only fails the reader that asked for it.
//! 4. Whoever changes a file behind the cache calls [`DatabasePages::forget`].
//! 5. A changed ([`DatabasePages::modify`]) page stays in the cache until [`DatabasePages::written`] says that its file holds
//!    it; a shard that has nothing clean to give up grows beyond its share instead.
//! 6. A change happens to an image that nobody else holds: images handed out never change.
//!
//! Rejected: pinning frames in place with latches (needs unsafe frames; a copy of 8 KiB, only while a reader holds the page,
//! costs less than a latch at every read).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::address::{self, AddressMap};
use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_disk::DiskFile;
use holdfast_format::page::protection;
use holdfast_format::source::{PageRef, PageSource};
use holdfast_format::{FormatError, PageBytes};
use parking_lot::{Mutex, RwLock};

const SHARDS: usize = 64;
const EXTENT_PAGES: u32 = 8;
/// Pages read at once when misses follow each other.
const SEQUENTIAL_PAGES: u32 = 64;

struct Frame {
    key: u64,
    page: PageRef,
    referenced: bool,
    dirty: bool,
}

#[derive(Default)]
struct Shard {
    places: AddressMap<usize>,
    frames: Vec<Frame>,
    /// Frames that cannot be given up.
    dirty: usize,
    hand: usize,
    /// Pages found here. Counted under the lock: one counter of all would go from processor to processor with every page.
    hits: u64,
}

impl Shard {
    fn find(&mut self, key: u64) -> Option<PageRef> {
        let frame = self.frames.get_mut(*self.places.get(&key)?)?;
        frame.referenced = true;
        Some(frame.page.clone())
    }

    fn insert(&mut self, key: u64, page: PageRef, capacity: usize) {
        if self.places.contains_key(&key) {
            // What is there is at least as new as what was read from the file.
            return;
        }
        let frame = Frame { key, page, referenced: false, dirty: false };
        if self.frames.len() < capacity || self.dirty == self.frames.len() {
            self.places.insert(key, self.frames.len());
            self.frames.push(frame);
            return;
        }
        // Clock sweep; at most two rounds, since the first one clears every mark and some frame is clean.
        loop {
            self.hand = (self.hand + 1) % self.frames.len();
            let victim = &mut self.frames[self.hand];
            if victim.dirty || std::mem::take(&mut victim.referenced) {
                continue;
            }
            self.places.remove(&victim.key);
            self.places.insert(key, self.hand);
            *victim = frame;
            return;
        }
    }

    fn remove(&mut self, key: u64) {
        if let Some(at) = self.places.remove(&key) {
            let gone = self.frames.swap_remove(at);
            self.dirty -= usize::from(gone.dirty);
            if let Some(moved) = self.frames.get(at) {
                self.places.insert(moved.key, at);
            }
            self.hand = 0;
        }
    }
}

/// Counters since start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CacheCounters {
    pub hits: u64,
    pub misses: u64,
    pub pages_read: u64,
}

/// The cache of one instance.
pub struct PageCache {
    shards: Vec<Mutex<Shard>>,
    shard_capacity: usize,
    next_space: AtomicU32,
    misses: AtomicU64,
    pages_read: AtomicU64,
}

impl PageCache {
    /// A cache of at most `bytes` of pages (at least 8 MiB).
    pub fn new(bytes: usize) -> Arc<Self> {
        let pages = (bytes / PAGE_SIZE).max(1024);
        Arc::new(PageCache {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect(),
            shard_capacity: pages / SHARDS,
            next_space: AtomicU32::new(1),
            misses: AtomicU64::new(0),
            pages_read: AtomicU64::new(0),
        })
    }

    /// Pages that it holds at most.
    pub fn capacity(&self) -> usize {
        self.shard_capacity * SHARDS
    }

    pub fn counters(&self) -> CacheCounters {
        CacheCounters {
            hits: self.shards.iter().map(|s| s.lock().hits).sum(),
            misses: self.misses.load(Ordering::Relaxed),
            pages_read: self.pages_read.load(Ordering::Relaxed),
        }
    }

    /// Puts the data files of a database behind the cache.
    pub fn attach(
        self: &Arc<Self>,
        files: Vec<(FileId, Arc<dyn DiskFile>)>,
    ) -> Result<Arc<DatabasePages>, FormatError> {
        let mut table = BTreeMap::new();
        for (id, file) in files {
            let length = file.length().map_err(|e| unreadable(PageId::new(id, 0), &e))?;
            let pages = u32::try_from(length / PAGE_SIZE as u64).unwrap_or(u32::MAX);
            table.insert(
                id,
                Arc::new(DataFile { file, pages: AtomicU32::new(pages), next_miss: AtomicU32::new(0) }),
            );
        }
        let space = self.next_space.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(DatabasePages {
            cache: self.clone(),
            space,
            files: RwLock::new(table),
            dirty: Mutex::new(HashSet::new()),
            writes: AtomicU64::new(0),
        }))
    }

    fn shard(&self, space: u32, id: PageId) -> &Mutex<Shard> {
        let address = u64::from(space) << 48 | u64::from(id.file) << 32 | u64::from(id.page / EXTENT_PAGES);
        &self.shards[(address::mix(address) >> 32) as usize % SHARDS]
    }
}

fn unreadable(page: PageId, error: &dyn std::fmt::Display) -> FormatError {
    FormatError::Unreadable { page, message: error.to_string() }
}

struct DataFile {
    file: Arc<dyn DiskFile>,
    pages: AtomicU32,
    /// Page at which a miss would continue the last read.
    next_miss: AtomicU32,
}

/// The data files of one database, seen through the cache.
pub struct DatabasePages {
    cache: Arc<PageCache>,
    space: u32,
    files: RwLock<BTreeMap<FileId, Arc<DataFile>>>,
    /// Pages changed since their file had them.
    dirty: Mutex<HashSet<PageId>>,
    /// Counts rounds of writing to the files.
    writes: AtomicU64,
}

impl DatabasePages {
    /// A file comes to the database.
    pub fn add_file(&self, id: FileId, file: Arc<dyn DiskFile>) -> Result<(), FormatError> {
        let length = file.length().map_err(|e| unreadable(PageId::new(id, 0), &e))?;
        let pages = u32::try_from(length / PAGE_SIZE as u64).unwrap_or(u32::MAX);
        let file = DataFile { file, pages: AtomicU32::new(pages), next_miss: AtomicU32::new(0) };
        self.files.write().insert(id, Arc::new(file));
        Ok(())
    }

    /// Whether pages of a file have changed and are not written yet.
    pub fn is_changed(&self, id: FileId) -> bool {
        self.dirty.lock().iter().any(|page| page.file == id)
    }

    /// The same of its pages from `first` on.
    pub fn is_changed_from(&self, id: FileId, first: u32) -> bool {
        self.dirty.lock().iter().any(|page| page.file == id && page.page >= first)
    }

    /// A file has become smaller; nobody used what went.
    pub fn shrunk(&self, id: FileId, pages: u32) {
        let Some(file) = self.files.read().get(&id).cloned() else { return };
        let before = file.pages.fetch_min(pages, Ordering::Relaxed);
        // Whoever reads from that part just now does not keep what it read.
        self.note_writing();
        for page in pages..before {
            self.forget(PageId::new(id, page));
        }
    }

    /// A file leaves the database; nothing of it is written any more.
    pub fn remove_file(&self, id: FileId) {
        let gone = self.files.write().remove(&id);
        // Whoever has the file still and reads from it finds it changed, and does not keep what it read.
        self.note_writing();
        self.dirty.lock().retain(|page| page.file != id);
        let pages = gone.map_or(0, |f| f.pages.load(Ordering::Relaxed));
        for page in 0..pages {
            self.forget(PageId::new(id, page));
        }
    }

    fn key(&self, id: PageId) -> u64 {
        // 16 bits are enough to tell apart databases whose pages can be in the cache at the same time.
        (u64::from(self.space) & 0xFFFF) << 48 | u64::from(id.file) << 32 | u64::from(id.page)
    }

    /// Drops a page from the cache, after it was changed in the file.
    pub fn forget(&self, id: PageId) {
        self.cache.shard(self.space, id).lock().remove(self.key(id));
    }

    /// Changes a page in the cache (invariants 5 and 6). When `f` fails the page may be half changed: the caller gives up
    /// the database.
    pub fn modify<T, E: From<FormatError>>(
        &self,
        id: PageId,
        f: impl FnOnce(&mut PageBytes) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut f = Some(f);
        loop {
            {
                let mut shard = self.cache.shard(self.space, id).lock();
                let key = self.key(id);
                if let Some(&at) = shard.places.get(&key)
                    && let Some(f) = f.take()
                {
                    let frame = &mut shard.frames[at];
                    frame.referenced = true;
                    let newly = !std::mem::replace(&mut frame.dirty, true);
                    let done = f(Arc::make_mut(&mut frame.page));
                    if newly {
                        shard.dirty += 1;
                        self.dirty.lock().insert(id);
                    }
                    return done;
                }
            }
            let page = self.page(id)?;
            // Its neighbours may have pushed it out already. Only one thread changes pages at a time, so nothing newer exists.
            let mut shard = self.cache.shard(self.space, id).lock();
            shard.insert(self.key(id), page, self.cache.shard_capacity);
        }
    }

    /// Puts a page of zeros in place of whatever the file holds there, as a changed page; the file's size as seen here
    /// grows to include it.
    pub fn create(&self, id: PageId) -> Result<(), FormatError> {
        self.adopt(id, Arc::new([0u8; PAGE_SIZE]))
    }

    /// Takes over a changed page that its file does not hold yet, in place of whatever is here; the file's size as seen here
    /// grows to include it.
    pub fn adopt(&self, id: PageId, page: PageRef) -> Result<(), FormatError> {
        let file = self.files.read().get(&id.file).cloned();
        let file = file.ok_or(FormatError::NoSuchPage { page: id })?;
        file.pages.fetch_max(id.page.saturating_add(1), Ordering::Relaxed);
        let mut shard = self.cache.shard(self.space, id).lock();
        let key = self.key(id);
        shard.insert(key, PageRef::clone(&page), self.cache.shard_capacity);
        if let Some(&at) = shard.places.get(&key) {
            let frame = &mut shard.frames[at];
            let newly = !std::mem::replace(&mut frame.dirty, true);
            frame.page = page;
            shard.dirty += usize::from(newly);
        }
        self.dirty.lock().insert(id);
        Ok(())
    }

    /// The file has grown to this many pages.
    pub fn grown(&self, file: FileId, pages: u32) {
        if let Some(file) = self.files.read().get(&file) {
            file.pages.fetch_max(pages, Ordering::Relaxed);
        }
    }

    /// The database uses only this many pages of the file; what lies behind is left over from a growth that did not happen.
    pub fn limit(&self, file: FileId, pages: u32) {
        if let Some(file) = self.files.read().get(&file).filter(|_| pages > 0) {
            file.pages.fetch_min(pages, Ordering::Relaxed);
        }
    }

    /// How many pages wait to be written.
    pub fn dirty_count(&self) -> usize {
        self.dirty.lock().len()
    }

    /// The changed pages as they are now, in file order.
    pub fn dirty_pages(&self) -> Vec<(PageId, PageRef)> {
        let mut ids: Vec<PageId> = self.dirty.lock().iter().copied().collect();
        ids.sort_unstable();
        let image =
            |id: PageId| self.cache.shard(self.space, id).lock().find(self.key(id)).map(|page| (id, page));
        ids.into_iter().filter_map(image).collect()
    }

    /// The file holds this image; the page is clean unless it was changed again since. `stamped` takes its place when the
    /// file has it with a fresh checksum.
    pub fn written(&self, id: PageId, image: &PageRef, stamped: Option<PageRef>) {
        let mut shard = self.cache.shard(self.space, id).lock();
        let key = self.key(id);
        if let Some(&at) = shard.places.get(&key)
            && Arc::ptr_eq(&shard.frames[at].page, image)
        {
            if let Some(stamped) = stamped {
                shard.frames[at].page = stamped;
            }
            shard.frames[at].dirty = false;
            shard.dirty -= 1;
            self.dirty.lock().remove(&id);
        }
    }

    /// Called before pages of the files are written over and again after it, before [`Self::written`]: what readers fetched
    /// from the files in between may be older than what the cache may then give up, so they fetch again.
    pub fn note_writing(&self) {
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    fn read(&self, file: &DataFile, id: PageId) -> Result<PageRef, FormatError> {
        loop {
            if let Some(page) = self.read_once(file, id)? {
                return Ok(page);
            }
        }
    }

    /// `None`: files were written meanwhile and what was read may be old.
    fn read_once(&self, file: &DataFile, id: PageId) -> Result<Option<PageRef>, FormatError> {
        let writes = self.writes.load(Ordering::SeqCst);
        let count = file.pages.load(Ordering::Relaxed);
        if id.page >= count {
            return Err(FormatError::NoSuchPage { page: id });
        }
        self.cache.misses.fetch_add(1, Ordering::Relaxed);
        let first = id.page - id.page % EXTENT_PAGES;
        let sequential = file.next_miss.load(Ordering::Relaxed) == first;
        let wanted = if sequential { SEQUENTIAL_PAGES } else { EXTENT_PAGES };
        let length = wanted.min(count - first);
        file.next_miss.store(first + length, Ordering::Relaxed);
        let mut buffer = vec![0u8; length as usize * PAGE_SIZE];
        match file.file.read_at(u64::from(first) * PAGE_SIZE as u64, &mut buffer) {
            Ok(()) => {}
            // The file has become shorter meanwhile.
            Err(_) if file.pages.load(Ordering::Relaxed) < count => return Ok(None),
            Err(e) => return Err(unreadable(id, &e)),
        }
        self.cache.pages_read.fetch_add(u64::from(length), Ordering::Relaxed);
        let mut asked = None;
        for (extent, bytes) in buffer.chunks(PAGE_SIZE * EXTENT_PAGES as usize).enumerate() {
            let base = first + extent as u32 * EXTENT_PAGES;
            let mut pages = Vec::with_capacity(EXTENT_PAGES as usize);
            for (at, bytes) in bytes.chunks_exact(PAGE_SIZE).enumerate() {
                let here = PageId::new(id.file, base + at as u32);
                match verified(bytes, here) {
                    Ok(page) => pages.push((here, page)),
                    // Invariant 3. A page that was being written over meanwhile is read again.
                    Err(_) if self.writes.load(Ordering::SeqCst) != writes => return Ok(None),
                    Err(e) if here == id => return Err(e),
                    Err(_) => {}
                }
            }
            // What was asked for comes last: in a shard full of changed pages its neighbours would push it out again, and
            // whoever looks twice whether it is still the same would never see it be.
            pages.sort_by_key(|(here, _)| *here == id);
            let mut shard = self.cache.shard(self.space, PageId::new(id.file, base)).lock();
            if self.writes.load(Ordering::SeqCst) != writes {
                return Ok(shard.find(self.key(id)));
            }
            for (here, page) in pages {
                shard.insert(self.key(here), page.clone(), self.cache.shard_capacity);
                if here == id {
                    asked = shard.find(self.key(here)).or(Some(page));
                }
            }
        }
        asked.ok_or(FormatError::NoSuchPage { page: id }).map(Some)
    }
}

/// Verifies a page as read from its place and puts torn bits back.
fn verified(bytes: &[u8], at: PageId) -> Result<PageRef, FormatError> {
    let Some(bytes) = bytes.first_chunk::<PAGE_SIZE>() else {
        return Err(FormatError::NoSuchPage { page: at });
    };
    let place = |e: FormatError| match e {
        FormatError::Checksum { stored, computed, .. } => {
            FormatError::Checksum { page: at, stored, computed }
        }
        FormatError::Torn { sector, .. } => FormatError::Torn { page: at, sector },
        e => e,
    };
    let mut page: PageBytes = *bytes;
    protection::verify(&page).map_err(place)?;
    protection::restore_torn(&mut page).map_err(place)?;
    Ok(Arc::new(page))
}

impl PageSource for DatabasePages {
    fn page(&self, id: PageId) -> Result<PageRef, FormatError> {
        {
            let mut shard = self.cache.shard(self.space, id).lock();
            if let Some(page) = shard.find(self.key(id)) {
                shard.hits += 1;
                return Ok(page);
            }
        }
        let file = self.files.read().get(&id.file).cloned();
        let file = file.ok_or(FormatError::NoSuchPage { page: id })?;
        self.read(&file, id)
    }

    fn files(&self) -> Vec<FileId> {
        self.files.read().keys().copied().collect()
    }

    fn page_count(&self, file: FileId) -> u32 {
        self.files.read().get(&file).map_or(0, |f| f.pages.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_disk::{Disk, SimulatedDisk};
    use std::path::Path;

    fn page(number: u32) -> PageBytes {
        let mut p = [0u8; PAGE_SIZE];
        p[0] = 1;
        p[1] = 1;
        p[32..36].copy_from_slice(&number.to_le_bytes());
        p[36] = 1;
        protection::stamp_checksum(&mut p);
        p
    }

    #[test]
    fn every_page_comes_out_and_the_bound_holds() {
        let disk = SimulatedDisk::new();
        let file = disk.create(Path::new("/a")).expect("created");
        let count = 4000u32;
        for n in 0..count {
            file.write_at(u64::from(n) * 8192, &page(n)).expect("written");
        }
        let cache = PageCache::new(1 << 20);
        let pages = cache.attach(vec![(1, file.clone())]).expect("attached");
        for round in 0..3 {
            for n in 0..count {
                let n = if round == 1 { n * 7919 % count } else { n };
                let got = pages.page(PageId::new(1, n)).expect("there");
                assert_eq!(got[32..36], n.to_le_bytes());
            }
        }
        let held: usize = cache.shards.iter().map(|s| s.lock().frames.len()).sum();
        assert!(held <= 1024 && held > 800, "{held}");
        assert!(pages.page(PageId::new(1, count)).is_err());
        assert!(pages.page(PageId::new(3, 0)).is_err());
        file.write_at(8192 * 5 + 100, &[9]).expect("written");
        pages.forget(PageId::new(1, 5));
        assert!(matches!(pages.page(PageId::new(1, 5)), Err(FormatError::Checksum { .. })));
        assert!(pages.page(PageId::new(1, 6)).is_ok());
    }
}
