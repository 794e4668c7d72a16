//! Bytes inside a row, overwritten in place. Rows of allocation and boot pages are not records of tables, so their length is
//! known from the page only: the next row, or the slot array.

use holdfast_format::PageBytes;
use holdfast_format::page::PageView;

use super::Site;
use crate::recovery::error::RecoveryResult;

/// Byte offset of the record's row in the page.
pub fn row_start(site: &Site<'_, '_>, page: &PageBytes) -> RecoveryResult<usize> {
    let offset = PageView::new(page).slot_offset(site.target.slot);
    offset.ok_or_else(|| site.mismatch("the slot is not there"))
}

/// Overwrites bytes of the row at `offset` from its start.
pub fn overwrite(
    site: &Site<'_, '_>,
    page: &mut PageBytes,
    offset: usize,
    bytes: &[u8],
) -> RecoveryResult<()> {
    let start = row_start(site, page)? + offset;
    let limit = PageView::new(page).slot_array_start();
    let area =
        start.checked_add(bytes.len()).filter(|&end| end <= limit).and_then(|end| page.get_mut(start..end));
    area.ok_or_else(|| site.mismatch("the change lies outside the row"))?.copy_from_slice(bytes);
    Ok(())
}
