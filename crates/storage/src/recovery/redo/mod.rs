//! Redo: one record applied to one page. Pure: bytes of the record and of the page in, changed page out.
//!
//! Invariants
//! 1. The page-LSN gate decides: a record applies iff the page's LSN is below its own. When it applies, the page must carry
//!    the LSN the record names (FORMAT_PAGE excepted, which replaces whatever is there).
//! 2. After a record was applied the page carries its LSN.
//! 3. Nothing is guessed: an operation that is not known stops with its name, a page that does not fit with its address.
//!
//! Evidence: docs/format/log.md; chains and log files of the corpus.

mod area;
pub(crate) mod row;

use holdfast_base::{Lsn, PageId};
use holdfast_format::allocation::iam;
use holdfast_format::log::page_operation::{
    CountDelta, DeleteSplit, FormatPage, RootChange, SetBits, SetFreeSpace,
};
use holdfast_format::log::{LogRecord, PageTarget, op};
use holdfast_format::page::header::TYPE_FLAG_COMPRESSED;
use holdfast_format::page::{HEADER_SIZE, PADDED_UNIT, PageHeader, PageType, PageView};
use holdfast_format::{FormatError, PageBytes};

use super::error::{RecoveryError, RecoveryResult};
pub use row::is_ghost;
pub(crate) use row::rows_keep_slots;

/// What the gate says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// The page already holds the change.
    Done,
    Apply,
}

/// Invariant 1.
pub fn gate(record: &LogRecord<'_>, target: &PageTarget, page: &PageBytes) -> RecoveryResult<Gate> {
    let view = PageView::new(page);
    let found = view.lsn();
    // A page that was never in use may hold anything, an LSN from nowhere too; only a page that knows its own address has a
    // history to compare with.
    if record.operation() == op::FORMAT_PAGE && view.page_id() != target.page {
        return Ok(Gate::Apply);
    }
    if found >= record.lsn() {
        return Ok(Gate::Done);
    }
    if found != target.page_lsn && record.operation() != op::FORMAT_PAGE {
        let (lsn, expected) = (record.lsn(), target.page_lsn);
        return Err(RecoveryError::Gap { lsn, page: target.page, expected, found });
    }
    Ok(Gate::Apply)
}

/// Where an error happened.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a, 'r> {
    pub record: &'a LogRecord<'r>,
    pub target: &'a PageTarget,
}

impl Site<'_, '_> {
    pub fn mismatch(&self, what: &'static str) -> RecoveryError {
        RecoveryError::Mismatch {
            lsn: self.record.lsn(),
            operation: self.record.operation(),
            page: self.target.page,
            slot: self.target.slot,
            what,
        }
    }

    pub fn page(&self, error: FormatError) -> RecoveryError {
        RecoveryError::Page { lsn: self.record.lsn(), error }
    }
}

/// Applies a record whose gate said so. On an error the page may be half changed and must be thrown away.
pub fn apply(record: &LogRecord<'_>, target: &PageTarget, page: &mut PageBytes) -> RecoveryResult<()> {
    let site = Site { record, target };
    match record.operation() {
        op::FORMAT_PAGE => format_page(&site, page)?,
        op::INSERT_ROWS => row::insert(&site, page)?,
        op::DELETE_ROWS => row::delete(&site, page)?,
        op::MODIFY_ROW => row::modify(&site, page)?,
        op::MODIFY_COLUMNS | op::CLEAR_GAM_BITS => row::modify_columns(&site, page)?,
        op::MODIFY_HEADER => {
            let row = record.row_target()?;
            let new = record.elements()?.required(1)?;
            let at = usize::from(row.offset);
            let area = page.get_mut(at..at + new.len()).filter(|_| at + new.len() <= 96);
            area.ok_or_else(|| site.mismatch("the change lies outside the page header"))?
                .copy_from_slice(new);
        }
        op::SET_BITS => set_bits(&site, page)?,
        op::SET_FREE_SPACE => {
            let change = SetFreeSpace::decode(record)?;
            area::overwrite(&site, page, usize::from(change.row_offset), &[change.new])?;
        }
        op::DELETE_SPLIT => {
            let split = DeleteSplit::decode(record)?;
            row::remove_to_end(&site, page, split.rows)?;
        }
        op::EXPUNGE_ROWS => row::expunge(&site, page)?,
        op::FILE_HDR_MODIFY => row::replace(&site, page, record.elements()?.required(1)?)?,
        op::COUNT_DELTA => {
            for count in CountDelta::decode(record)?.values {
                let bytes = count.value.to_le_bytes();
                let bytes = bytes.get(..count.length).unwrap_or(&bytes);
                area::overwrite(&site, page, count.row_offset as usize, bytes)?;
            }
        }
        op::ROOT_CHANGE => {
            let change = RootChange::decode(record)?;
            area::overwrite(&site, page, change.row_offset as usize, &change.new.to_bytes())?;
        }
        // Brackets a page split; leaves nothing behind.
        op::INSYSXACT => {}
        op::REMOVE_VERSION_INFO => row::clear_version_tags(&site, page)?,
        _ => {
            return Err(RecoveryError::UnknownOperation {
                lsn: record.lsn(),
                operation: record.operation(),
                context: record.context(),
            });
        }
    }
    set_lsn(page, record.lsn());
    Ok(())
}

/// Invariant 2.
pub(crate) fn set_lsn(page: &mut PageBytes, lsn: Lsn) {
    page[40..50].copy_from_slice(&lsn.to_bytes());
}

fn format_page(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    let f = FormatPage::decode(site.record)?;
    page.fill(0);
    page[0] = 1;
    page[1] = f.page_type;
    page[2] = f.type_flags;
    page[3] = f.level;
    page[6..8].copy_from_slice(&site.target.index_part.to_le_bytes());
    page[8..14].copy_from_slice(&f.previous.to_bytes());
    page[14..16].copy_from_slice(&f.pminlen.to_le_bytes());
    page[16..22].copy_from_slice(&f.next.to_bytes());
    page[24..28].copy_from_slice(&site.target.object_part.to_le_bytes());
    page[28..30].copy_from_slice(&8096u16.to_le_bytes());
    page[30..32].copy_from_slice(&96u16.to_le_bytes());
    page[32..38].copy_from_slice(&site.target.page.to_bytes());
    if f.page_type == PageType::Iam as u8 {
        format_iam_rows(page, f.interval_start);
        if PageView::new(page).unit_id() == PADDED_UNIT {
            iam::pad(page);
        }
    }
    let goes_on = site.record.bytes().len() > usize::from(site.record.fixed_length()) + 1;
    if f.type_flags & TYPE_FLAG_COMPRESSED != 0
        && goes_on
        && let Some(information) = site.record.elements()?.iter().next()
    {
        let end = HEADER_SIZE + information.len();
        let place = page.get_mut(HEADER_SIZE..end);
        place
            .ok_or_else(|| site.mismatch("the compression information does not fit the page"))?
            .copy_from_slice(information);
        let header = PageHeader::decode(page);
        let free_count = header.free_count.saturating_sub(information.len() as u16);
        PageHeader { free_count, free_data: end as u16, ..header }.encode(page);
    }
    Ok(())
}

/// The two rows of an IAM page: 94 bytes with the interval's first page at +28 hex, and the bitmap.
fn format_iam_rows(page: &mut PageBytes, interval: PageId) {
    page[96..100].copy_from_slice(&[0, 0, 0x5E, 0]);
    page[96 + 0x28..96 + 0x2E].copy_from_slice(&interval.to_bytes());
    page[190..194].copy_from_slice(&[0, 0, 0x38, 0x1F]);
    page[8190..8192].copy_from_slice(&96u16.to_le_bytes());
    page[8188..8190].copy_from_slice(&190u16.to_le_bytes());
    let header = PageHeader::decode(page);
    PageHeader { slot_count: 2, free_count: 6, free_data: 0x1FF6, ..header }.encode(page);
}

fn set_bits(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    let bits = SetBits::decode(site.record)?;
    let start = area::row_start(site, page)?;
    for bit in usize::from(bits.first)..usize::from(bits.first) + usize::from(bits.count) {
        let byte =
            page.get_mut(start + bit / 8).ok_or_else(|| site.mismatch("the bit lies outside the page"))?;
        let mask = 1u8 << (bit % 8);
        *byte = if bits.value { *byte | mask } else { *byte & !mask };
    }
    Ok(())
}

#[cfg(test)]
mod tests;
