//! Redo of the operations that add, remove, mark and change rows.

use holdfast_format::PageBytes;
use holdfast_format::log::page_operation::column_changes;
use holdfast_format::log::{Context, context};
use holdfast_format::page::edit::EditError;
use holdfast_format::page::{PageEditor, PageType, PageView};
use holdfast_format::record::{RecordType, VERSION_TAG_SIZE, record_length, status};

use super::{Site, area};
use crate::recovery::error::{RecoveryError, RecoveryResult};

/// Heaps and pages of large values: others point to slots, so slots never move.
pub fn rows_keep_slots(context: Context) -> bool {
    matches!(context, context::HEAP | context::TEXT_MIX | context::TEXT_TREE)
}

/// Whether a row's first byte says that it is deleted but still there.
pub fn is_ghost(first: u8) -> bool {
    if first & status::COMPRESSED != 0 {
        return matches!(first >> 2 & 7, 1 | 3 | 5 | 7);
    }
    RecordType::of(first).is_ghost()
}

/// The first byte with the ghost state changed.
fn with_ghost(first: u8, ghost: bool, index_page: bool) -> u8 {
    if first & status::COMPRESSED != 0 {
        let kind = match (index_page, ghost) {
            (true, true) => 7,
            (true, false) => 6,
            (false, true) => 3,
            (false, false) => 0,
        };
        return first & !0x1C | kind << 2;
    }
    let kind = match (index_page, ghost) {
        (true, true) => 5,
        (true, false) => 3,
        (false, true) => 6,
        (false, false) => 0,
    };
    first & !status::TYPE_MASK | kind << 1
}

fn edit_error<'s>(site: &'s Site<'_, '_>) -> impl Fn(EditError) -> RecoveryError + use<'s> {
    move |e| match e {
        EditError::Full { .. } => site.mismatch("the row does not fit the page"),
        EditError::Damaged(error) => site.page(error),
    }
}

fn change_ghosts(page: &mut PageBytes, by: i32) {
    let count = i32::from(PageView::new(page).ghost_count()) + by;
    page[58..60].copy_from_slice(&(count.clamp(0, i32::from(u16::MAX)) as u16).to_le_bytes());
}

fn first_byte(site: &Site<'_, '_>, page: &PageBytes, slot: u16) -> RecoveryResult<u8> {
    let record = PageView::new(page).require_record(slot).map_err(|e| site.page(e))?;
    record.first().copied().ok_or_else(|| site.mismatch("the row is empty"))
}

/// INSERT_ROWS: every element but the last two is a row.
pub fn insert(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    let rows = site.record.elements()?.rows();
    let keep = rows_keep_slots(site.record.context());
    let takes_over = site.record.row_target()?.size_or_flags & 2 != 0;
    for (index, row) in rows.enumerate() {
        let slot = u16::try_from(index).ok().and_then(|i| site.target.slot.checked_add(i));
        let slot = slot.ok_or_else(|| site.mismatch("too many rows"))?;
        if takes_over && slot < PageView::new(page).slot_count() && !PageView::new(page).slot_is_empty(slot) {
            if !is_ghost(first_byte(site, page, slot)?) {
                return Err(site.mismatch("the row to be taken over is not a ghost"));
            }
            change_ghosts(page, -1);
            let mut editor = PageEditor::new(page);
            let removed = if keep { editor.clear_slot(slot) } else { editor.remove(slot) };
            removed.map_err(edit_error(site))?;
        }
        let mut editor = PageEditor::new(page);
        let done = if keep { editor.fill_slot(slot, row) } else { editor.insert(slot, row) };
        done.map_err(edit_error(site))?;
        if row.first().is_some_and(|&b| is_ghost(b)) && !matches!(PageView::new(page).page_type(), 3 | 4) {
            change_ghosts(page, 1);
        }
    }
    Ok(())
}

fn remove_row(site: &Site<'_, '_>, page: &mut PageBytes, slot: u16, keep: bool) -> RecoveryResult<()> {
    if PageView::new(page).slot_is_empty(slot) {
        return Err(site.mismatch("the slot is empty"));
    }
    let lob = matches!(PageView::new(page).page_type(), 3 | 4);
    if !lob && is_ghost(first_byte(site, page, slot)?) {
        change_ghosts(page, -1);
    }
    let mut editor = PageEditor::new(page);
    let done = if keep { editor.clear_slot(slot) } else { editor.remove(slot) };
    done.map_err(edit_error(site))
}

/// DELETE_ROWS: marks a ghost, or removes the row.
pub fn delete(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    let slot = site.target.slot;
    if site.record.context() != context::MARK_AS_GHOST {
        return remove_row(site, page, slot, rows_keep_slots(site.record.context()));
    }
    let start = area::row_start(site, page)?;
    let first = page[start];
    if is_ghost(first) {
        return Err(site.mismatch("the row is a ghost already"));
    }
    page[start] = with_ghost(first, true, PageView::new(page).is(PageType::Index));
    change_ghosts(page, 1);
    Ok(())
}

/// EXPUNGE_ROWS: removes one ghost.
pub fn expunge(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    let slot = site.target.slot;
    if !is_ghost(first_byte(site, page, slot)?) {
        return Err(site.mismatch("the row to be expunged is not a ghost"));
    }
    remove_row(site, page, slot, rows_keep_slots(site.record.context()))
}

/// DELETE_SPLIT: the rows from the slot to the end have moved to another page.
pub fn remove_to_end(site: &Site<'_, '_>, page: &mut PageBytes, rows: u16) -> RecoveryResult<()> {
    let count = PageView::new(page).slot_count();
    if site.target.slot.checked_add(rows) != Some(count) {
        return Err(site.mismatch("the number of rows behind the split differs"));
    }
    for slot in (site.target.slot..count).rev() {
        remove_row(site, page, slot, false)?;
    }
    Ok(())
}

/// Length of the row in the record's slot.
fn row_length(site: &Site<'_, '_>, page: &PageBytes) -> RecoveryResult<usize> {
    let view = PageView::new(page);
    let bytes = view.require_record(site.target.slot).map_err(|e| site.page(e))?;
    record_length(bytes, view.is(PageType::Index), view.pminlen())
        .map_err(|e| site.page(e.at(site.target.page, site.target.slot)))
}

/// Puts a whole new row in place of the old one.
pub fn replace(site: &Site<'_, '_>, page: &mut PageBytes, row: &[u8]) -> RecoveryResult<()> {
    PageEditor::new(page).replace(site.target.slot, row).map_err(edit_error(site))
}

/// MODIFY_ROW: `size` bytes at `offset` become element 1.
pub fn modify(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    let row = site.record.row_target()?;
    let elements = site.record.elements()?;
    let new = elements.required(1)?;
    let (offset, size) = (usize::from(row.offset), usize::from(row.size_or_flags));
    if new.len() == size {
        return area::overwrite(site, page, offset, new);
    }
    let start = area::row_start(site, page)?;
    let length = row_length(site, page)?;
    let old = page.get(start..start + length).unwrap_or(&[]);
    let (Some(head), Some(tail)) = (old.get(..offset), old.get(offset + size..)) else {
        return Err(site.mismatch("the change lies outside the row"));
    };
    let mut image = [head, new, tail].concat();
    let is_piece = |b: u8| b & status::COMPRESSED == 0 && RecordType::of(b) == RecordType::Lob;
    if image.first().is_some_and(|&b| is_piece(b)) {
        // The length word of a piece of a large value is not part of what is logged.
        let length = u16::try_from(image.len()).map_err(|_| site.mismatch("the row is too long"))?;
        if let Some(word) = image.get_mut(2..4) {
            word.copy_from_slice(&length.to_le_bytes());
        }
    }
    replace(site, page, &image)
}

/// MODIFY_COLUMNS, CLEAR_GAM_BITS: several changes; what lies between them is carried over.
pub fn modify_columns(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    let changes = column_changes(site.record)?;
    let in_place = |c: &holdfast_format::log::page_operation::ColumnChange<'_>| {
        c.old_offset == c.new_offset && usize::from(c.old_length) == c.new.len()
    };
    if changes.clone().all(|c| in_place(&c)) {
        for change in changes {
            area::overwrite(site, page, usize::from(change.new_offset), change.new)?;
        }
        return Ok(());
    }
    let start = area::row_start(site, page)?;
    let length = row_length(site, page)?;
    let old = page.get(start..start + length).unwrap_or(&[]);
    let mut image = Vec::with_capacity(length + 64);
    let mut taken = 0usize;
    for change in changes {
        let between = old.get(taken..usize::from(change.old_offset));
        image.extend_from_slice(between.ok_or_else(|| site.mismatch("the changes lie outside the row"))?);
        if image.len() != usize::from(change.new_offset) {
            return Err(site.mismatch("the offsets of the changes do not fit the row"));
        }
        image.extend_from_slice(change.new);
        taken = usize::from(change.old_offset) + usize::from(change.old_length);
    }
    let rest = old.get(taken..).ok_or_else(|| site.mismatch("the changes lie outside the row"))?;
    image.extend_from_slice(rest);
    replace(site, page, &image)
}

/// REMOVE_VERSION_INFO: zeroes the version tags of all rows.
pub fn clear_version_tags(site: &Site<'_, '_>, page: &mut PageBytes) -> RecoveryResult<()> {
    for slot in 0..PageView::new(page).slot_count() {
        let view = PageView::new(page);
        if view.slot_is_empty(slot) {
            continue;
        }
        let bytes = view.require_record(slot).map_err(|e| site.page(e))?;
        let first = bytes.first().copied().unwrap_or(0);
        let tagged =
            if first & status::COMPRESSED != 0 { first & 2 != 0 } else { first & status::VERSION_TAG != 0 };
        if !tagged {
            continue;
        }
        let length = record_length(bytes, view.is(PageType::Index), view.pminlen())
            .map_err(|e| site.page(e.at(site.target.page, slot)))?;
        let end = view.slot_offset(slot).unwrap_or(0) + length;
        if let Some(tag) = page.get_mut(end.saturating_sub(VERSION_TAG_SIZE)..end) {
            tag.fill(0);
        }
    }
    Ok(())
}
