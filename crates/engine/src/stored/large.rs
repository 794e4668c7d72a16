//! Rows whose large values lie on pages of their own, read while others change them. A page image is whole, and its rows are committed
//! when it was taken; the pieces of its large values are read after that, and whoever replaces such a row gives them back.
//!
//! Invariant: a row leaves its page before its pieces are given back (`write::changes`). So pieces that were read belong to the row as
//! long as its page is, after they were read, the one that it was taken from. Otherwise what was read is forgotten and the reader takes
//! the page again.

use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_base::FileId;
use holdfast_format::{FormatError, PageRef, PageSource, PageView};

use crate::decode::column::Target;

/// Notes that pages were asked for.
struct Noting<'a> {
    source: &'a dyn PageSource,
    asked: AtomicBool,
}

impl PageSource for Noting<'_> {
    fn page(&self, id: holdfast_base::PageId) -> Result<PageRef, FormatError> {
        self.asked.store(true, Ordering::Relaxed);
        self.source.page(id)
    }
    fn files(&self) -> Vec<FileId> {
        self.source.files()
    }
    fn page_count(&self, file: FileId) -> u32 {
        self.source.page_count(file)
    }
}

/// Fills `targets` from rows of a page by `read`, which gets the source for their large values. `None`: the page has changed meanwhile,
/// the targets are as they were, and the rows are to be found again.
///
/// # Errors
/// What `read` answers while the page is still the one that was read.
pub(super) fn steady<T>(
    source: &dyn PageSource,
    rows: PageView<'_>,
    targets: &mut [Target],
    read: impl FnOnce(&dyn PageSource, &mut [Target]) -> Result<T, FormatError>,
) -> Result<Option<T>, FormatError> {
    let before = targets.first().map_or(0, |t| t.data.len());
    let noting = Noting { source, asked: AtomicBool::new(false) };
    let found = read(&noting, targets);
    if noting.asked.into_inner() && PageView::new(&*source.page(rows.page_id())?).lsn() != rows.lsn() {
        for target in targets {
            target.truncate(before);
        }
        return Ok(None);
    }
    found.map(Some)
}
