//! Where pages come from. Readers in this crate ask a [`PageSource`] for pages by address; the page cache, a data file, a
//! backup and a test each are one.
//!
//! Invariants
//! 1. A page handed out is as it is to be interpreted: torn-page bits are already put back (see [`crate::page::protection`]).
//! 2. A source never hands out a page that it does not hold; it answers [`FormatError::NoSuchPage`].

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{FileId, PAGE_SIZE, PageId};

use crate::error::FormatError;
use crate::page::{PageBytes, protection};

/// A shared, immutable page image.
pub type PageRef = Arc<PageBytes>;

/// Reads pages by address.
pub trait PageSource: Send + Sync {
    fn page(&self, id: PageId) -> Result<PageRef, FormatError>;

    /// The data files, ascending.
    fn files(&self) -> Vec<FileId>;

    /// Size of a data file in pages; 0 when there is no such file.
    fn page_count(&self, file: FileId) -> u32;
}

impl<S: PageSource + ?Sized> PageSource for Arc<S> {
    fn page(&self, id: PageId) -> Result<PageRef, FormatError> {
        (**self).page(id)
    }
    fn files(&self) -> Vec<FileId> {
        (**self).files()
    }
    fn page_count(&self, file: FileId) -> u32 {
        (**self).page_count(file)
    }
}

/// Data files held in memory, with torn-page bits already put back.
#[derive(Clone, Debug, Default)]
pub struct MemoryPages {
    files: BTreeMap<FileId, Vec<PageRef>>,
}

impl MemoryPages {
    pub fn new() -> Self {
        Self::default()
    }

    /// A database of one data file (file id 1), from the bytes of that file. A partial last page is dropped.
    pub fn from_file(bytes: &[u8]) -> Self {
        let mut pages = Self::new();
        pages.add_file(1, bytes);
        pages
    }

    /// Adds or replaces a file. Pages whose torn bits do not agree are kept as they are.
    pub fn add_file(&mut self, file: FileId, bytes: &[u8]) {
        let pages = bytes
            .chunks_exact(PAGE_SIZE)
            .map(|chunk| {
                let mut page = [0u8; PAGE_SIZE];
                page.copy_from_slice(chunk);
                let _ = protection::restore_torn(&mut page);
                Arc::new(page)
            })
            .collect();
        self.files.insert(file, pages);
    }

    /// Replaces one page, growing the file with zero pages where needed (at most to 2^22 pages).
    pub fn set(&mut self, id: PageId, page: PageBytes) {
        const LIMIT: usize = 1 << 22;
        let at = id.page as usize;
        if at >= LIMIT {
            return;
        }
        let file = self.files.entry(id.file).or_default();
        if file.len() <= at {
            file.resize(at + 1, Arc::new([0u8; PAGE_SIZE]));
        }
        file[at] = Arc::new(page);
    }
}

impl PageSource for MemoryPages {
    fn page(&self, id: PageId) -> Result<PageRef, FormatError> {
        self.files
            .get(&id.file)
            .and_then(|pages| pages.get(id.page as usize))
            .cloned()
            .ok_or(FormatError::NoSuchPage { page: id })
    }

    fn files(&self) -> Vec<FileId> {
        self.files.keys().copied().collect()
    }

    fn page_count(&self, file: FileId) -> u32 {
        self.files.get(&file).map_or(0, |pages| u32::try_from(pages.len()).unwrap_or(u32::MAX))
    }
}
