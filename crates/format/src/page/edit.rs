//! Changing the records of a page.
//!
//! Invariants
//! 1. After every operation `m_freeCnt`, `m_freeData` and `m_slotCnt` agree with the records (see [`super::check`]).
//! 2. A page is compacted only when the free space is not contiguous enough; slot numbers never change by compaction.
//! 3. Protection is not touched: whoever writes the page stamps it.
//! 4. Records of sysfiles1 stand at multiples of four bytes and count as many (see [`super::is_padded`]); what a record itself is, and
//!    what the log says of it, has no padding.
//!
//! Evidence: free-space arithmetic verified on every genuine page (docs/format/page.md).

use holdfast_base::PAGE_SIZE;
use thiserror::Error;

use super::{HEADER_SIZE, PageBytes, PageHeader, PageType, PageView, flag, is_padded};
use crate::error::{FormatError, RecordError};
use crate::record::{FixedVar, record_length};

/// Most slots a page can have.
const MAX_SLOTS: usize = (PAGE_SIZE - HEADER_SIZE) / 2 - 2;

/// Why an edit was refused. The page is unchanged then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    #[error("the record of {wanted} bytes does not fit: {free} bytes are free")]
    Full { wanted: usize, free: usize },
    #[error(transparent)]
    Damaged(#[from] FormatError),
}

/// Write access to a page.
#[derive(Debug)]
pub struct PageEditor<'a> {
    page: &'a mut PageBytes,
}

impl<'a> PageEditor<'a> {
    #[inline]
    pub fn new(page: &'a mut PageBytes) -> Self {
        PageEditor { page }
    }

    /// Clears the page and writes a header; no records.
    pub fn format(page: &'a mut PageBytes, header: &PageHeader) -> Self {
        page.fill(0);
        let header = PageHeader { slot_count: 0, free_count: 8096, free_data: 96, ghost_count: 0, ..*header };
        header.encode(page);
        PageEditor { page }
    }

    #[inline]
    pub fn view(&self) -> PageView<'_> {
        PageView::new(self.page)
    }

    pub fn header(&self) -> PageHeader {
        PageHeader::decode(self.page)
    }

    pub fn set_header(&mut self, header: &PageHeader) {
        header.encode(self.page);
    }

    #[inline]
    fn set_u16(&mut self, at: usize, value: u16) {
        self.page[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    #[inline]
    fn set_slot(&mut self, slot: u16, offset: u16) {
        self.set_u16(PAGE_SIZE - 2 * (usize::from(slot) + 1), offset);
    }

    #[inline]
    fn slot(&self, slot: u16) -> u16 {
        let at = PAGE_SIZE - 2 * (usize::from(slot) + 1);
        u16::from_le_bytes([self.page[at], self.page[at + 1]])
    }

    fn damaged(&self, what: &'static str) -> EditError {
        EditError::Damaged(FormatError::Page { page: self.view().page_id(), what })
    }

    /// Fails on a slot count that no page can have, so that slot positions are always inside the page.
    #[inline]
    fn sound(&self) -> Result<(), EditError> {
        if usize::from(self.view().slot_count()) > MAX_SLOTS {
            return Err(self.damaged("the slot count is larger than a page can hold"));
        }
        Ok(())
    }

    /// Length of the record in a slot, 0 for an empty slot.
    pub fn record_length(&self, slot: u16) -> Result<usize, EditError> {
        self.sound()?;
        let view = self.view();
        if view.slot_is_empty(slot) {
            return Ok(0);
        }
        let bytes = view.require_record(slot)?;
        record_length(bytes, view.is(PageType::Index), view.pminlen())
            .map_err(|e: RecordError| EditError::Damaged(e.at(view.page_id(), slot)))
    }

    /// Bytes that a record of this length takes (invariant 4).
    #[inline]
    fn taken(&self, length: usize) -> usize {
        if is_padded(self.page) { length.next_multiple_of(4) } else { length }
    }

    /// Rows that were entered without padding, as Holdfast once did, count as if they had it from the first change of their page on.
    #[inline]
    fn count_padded(&mut self) -> Result<(), EditError> {
        if !is_padded(self.page) {
            return Ok(());
        }
        let count = self.view().slot_count();
        let mut used = 2 * usize::from(count);
        for slot in 0..count {
            used += self.taken(self.record_length(slot)?);
        }
        self.set_u16(28, (PAGE_SIZE - HEADER_SIZE).saturating_sub(used) as u16);
        Ok(())
    }

    #[inline]
    fn free(&self) -> usize {
        usize::from(self.view().free_count())
    }

    /// Makes `wanted` contiguous bytes available behind `m_freeData`, with `slots` slot entries in total.
    #[inline]
    fn make_room(&mut self, wanted: usize, slots: u16) -> Result<usize, EditError> {
        let limit = PAGE_SIZE - 2 * usize::from(slots);
        let start = usize::from(self.view().free_data());
        if start >= HEADER_SIZE && start + wanted <= limit {
            return Ok(start);
        }
        self.compact()?;
        let start = usize::from(self.view().free_data());
        if start + wanted <= limit { Ok(start) } else { Err(EditError::Full { wanted, free: self.free() }) }
    }

    /// Inserts a record as slot `slot`, moving later slots up by one. `slot` may be the slot count.
    pub fn insert(&mut self, slot: u16, record: &[u8]) -> Result<(), EditError> {
        self.sound()?;
        let count = self.view().slot_count();
        if slot > count {
            return Err(self.damaged("an insert behind the last slot"));
        }
        let need = self.taken(record.len()) + 2;
        if need > self.free() {
            return Err(EditError::Full { wanted: need, free: self.free() });
        }
        let at = self.make_room(self.taken(record.len()), count + 1)?;
        self.page[at..at + record.len()].copy_from_slice(record);
        let (last, first) = (PAGE_SIZE - 2 * usize::from(count), PAGE_SIZE - 2 * usize::from(slot));
        self.page.copy_within(last..first, last - 2);
        self.set_slot(slot, at as u16);
        self.set_u16(22, count + 1);
        self.set_u16(28, (self.free() - need) as u16);
        self.set_u16(30, (at + self.taken(record.len())) as u16);
        self.leave_bulk();
        self.count_padded()
    }

    /// Puts a record into an empty slot of a heap or LOB page, or appends slots up to it.
    pub fn fill_slot(&mut self, slot: u16, record: &[u8]) -> Result<(), EditError> {
        self.sound()?;
        let count = self.view().slot_count();
        if slot < count && !self.view().slot_is_empty(slot) {
            return Err(self.damaged("the slot to fill is in use"));
        }
        if usize::from(slot) >= MAX_SLOTS {
            return Err(self.damaged("a slot number is out of range"));
        }
        let new_count = count.max(slot + 1);
        let need = self.taken(record.len()) + 2 * usize::from(new_count - count);
        if need > self.free() {
            return Err(EditError::Full { wanted: need, free: self.free() });
        }
        let at = self.make_room(self.taken(record.len()), new_count)?;
        for index in count..new_count {
            self.set_slot(index, 0);
        }
        self.page[at..at + record.len()].copy_from_slice(record);
        self.set_slot(slot, at as u16);
        self.set_u16(22, new_count);
        self.set_u16(28, (self.free() - need) as u16);
        self.set_u16(30, (at + self.taken(record.len())) as u16);
        self.leave_bulk();
        self.count_padded()
    }

    /// Removes a slot and its record; later slots move down by one.
    pub fn remove(&mut self, slot: u16) -> Result<(), EditError> {
        let count = self.view().slot_count();
        if slot >= count {
            return Err(EditError::Damaged(FormatError::NoSuchSlot { page: self.view().page_id(), slot }));
        }
        let length = self.record_length(slot)?;
        self.give_back(slot, length);
        let (last, first) = (PAGE_SIZE - 2 * usize::from(count), PAGE_SIZE - 2 * usize::from(slot + 1));
        self.page.copy_within(last..first, last + 2);
        self.set_slot(count - 1, 0);
        self.set_u16(22, count - 1);
        self.set_u16(28, (self.free() + 2).min(8096) as u16);
        self.leave_bulk();
        self.count_padded()
    }

    /// Empties a slot of a heap or LOB page; slot numbers stay, trailing empty slots go.
    pub fn clear_slot(&mut self, slot: u16) -> Result<(), EditError> {
        let mut count = self.view().slot_count();
        if slot >= count {
            return Err(EditError::Damaged(FormatError::NoSuchSlot { page: self.view().page_id(), slot }));
        }
        let length = self.record_length(slot)?;
        self.give_back(slot, length);
        self.set_slot(slot, 0);
        while count > 0 && self.slot(count - 1) == 0 {
            count -= 1;
            self.set_u16(28, (self.free() + 2).min(8096) as u16);
        }
        self.set_u16(22, count);
        self.leave_bulk();
        self.count_padded()
    }

    #[inline]
    fn give_back(&mut self, slot: u16, length: usize) {
        let length = self.taken(length);
        let end = usize::from(self.slot(slot)) + length;
        if length > 0 && end == usize::from(self.view().free_data()) {
            let start = self.slot(slot);
            self.set_u16(30, start);
        }
        self.set_u16(28, (self.free() + length).min(8096) as u16);
    }

    /// Replaces the record of a slot, in place when it does not grow.
    pub fn replace(&mut self, slot: u16, record: &[u8]) -> Result<(), EditError> {
        let count = self.view().slot_count();
        let old = self.record_length(slot)?;
        let growth = record.len().saturating_sub(old);
        if growth > self.free() {
            return Err(EditError::Full { wanted: growth, free: self.free() });
        }
        let offset = usize::from(self.slot(slot));
        let at_end = offset + old == usize::from(self.view().free_data());
        let limit = PAGE_SIZE - 2 * usize::from(count);
        let at = if record.len() <= old || (at_end && offset + record.len() <= limit) {
            offset
        } else if usize::from(self.view().free_data()) + record.len() <= limit {
            usize::from(self.view().free_data())
        } else {
            // The old copy must not take part in compaction.
            self.set_slot(slot, 0);
            self.compact()?;
            usize::from(self.view().free_data())
        };
        if at + record.len() > limit {
            return Err(self.damaged("the free byte count is larger than the free space"));
        }
        self.page[at..at + record.len()].copy_from_slice(record);
        self.set_slot(slot, at as u16);
        let used = usize::from(self.view().free_data());
        let end = at + record.len();
        let new_free_data = if at_end && at == offset { end } else { used.max(end) };
        self.set_u16(30, new_free_data as u16);
        self.set_u16(28, (self.free() + old - record.len().min(self.free() + old)) as u16);
        Ok(())
    }

    /// Overwrites bytes inside a slot's record without changing its length.
    pub fn overwrite(&mut self, slot: u16, offset: usize, bytes: &[u8]) -> Result<(), EditError> {
        let length = self.record_length(slot)?;
        if offset.checked_add(bytes.len()).is_none_or(|end| end > length) {
            return Err(self.damaged("an overwrite goes beyond its record"));
        }
        let at = usize::from(self.slot(slot)) + offset;
        self.page[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    /// Moves the records together, in physical order.
    pub fn compact(&mut self) -> Result<(), EditError> {
        self.sound()?;
        let count = self.view().slot_count();
        let mut start = HEADER_SIZE;
        if self.view().is_page_compressed() {
            let info = crate::record::page_compression::CompressionInfo::parse(&self.page[HEADER_SIZE..]);
            start += info.map_err(|e| self.damaged(e.what))?.size;
        }
        let mut records = Vec::with_capacity(usize::from(count));
        for slot in 0..count {
            if self.slot(slot) != 0 {
                records.push((usize::from(self.slot(slot)), self.record_length(slot)?, slot));
            }
        }
        records.sort_unstable();
        if records.iter().map(|r| self.taken(r.1)).sum::<usize>()
            > self.view().slot_array_start().saturating_sub(start)
        {
            return Err(self.damaged("the records overlap"));
        }
        let old = *self.page;
        for (offset, length, slot) in records {
            self.page[start..start + length].copy_from_slice(&old[offset..offset + length]);
            self.set_slot(slot, start as u16);
            start += self.taken(length);
        }
        self.set_u16(30, start as u16);
        Ok(())
    }

    /// Turns the record of a B-tree slot into a ghost, or back.
    pub fn set_ghost(&mut self, slot: u16, ghost: bool) -> Result<(), EditError> {
        let length = self.record_length(slot)?;
        if length == 0 {
            return Err(EditError::Damaged(FormatError::NoSuchSlot { page: self.view().page_id(), slot }));
        }
        let at = usize::from(self.slot(slot));
        let index = self.view().is(PageType::Index);
        let old = self.page[at];
        let kind = match (index, ghost) {
            (true, true) => 5,
            (true, false) => 3,
            (false, true) => 6,
            (false, false) => 0,
        };
        let was = crate::record::RecordType::of(old).is_ghost();
        self.page[at] = (old & !0x0E) | kind << 1;
        let count = self.view().ghost_count();
        let count = if was == ghost {
            count
        } else if ghost {
            count + 1
        } else {
            count.saturating_sub(1)
        };
        self.set_u16(58, count);
        Ok(())
    }

    #[inline]
    fn leave_bulk(&mut self) {
        let flags = self.view().flags() & !flag::BULK;
        self.set_u16(4, flags);
    }
}

/// Bytes a plain record takes together with its slot.
pub fn cost(record: &FixedVar<'_>) -> usize {
    record.length() + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::PADDED_UNIT;
    use crate::page::check::check_page;
    use holdfast_base::PageId;

    fn row(id: u32, text: &[u8]) -> Vec<u8> {
        let mut r = vec![0x30, 0, 8, 0];
        r.extend_from_slice(&id.to_le_bytes());
        r.extend_from_slice(&[2, 0, 0, 1, 0]);
        r.extend_from_slice(&((15 + text.len()) as u16).to_le_bytes());
        r.extend_from_slice(text);
        r
    }

    /// Rows of 15 + 2 bytes take 20 in sysfiles1; one that was entered with 17 counts as the others from the next change on.
    #[test]
    fn rows_of_sysfiles1_take_multiples_of_four() {
        let mut page = [0u8; PAGE_SIZE];
        let header = PageHeader::new(PageId::new(1, 100), PageType::Data, PADDED_UNIT, 8);
        let mut editor = PageEditor::format(&mut page, &header);
        for i in 0..4 {
            editor.fill_slot(i, &row(u32::from(i), b"ab")).expect("fits");
        }
        let found = |page: &PageBytes| (PageView::new(page).free_count(), PageView::new(page).free_data());
        assert_eq!(found(&page), (8096 - 4 * 22, 96 + 80));
        PageEditor::new(&mut page).clear_slot(1).expect("clears");
        assert_eq!(found(&page), (8096 - 3 * 20 - 4 * 2, 96 + 80));
        let mut editor = PageEditor::new(&mut page);
        editor.compact().expect("compacts");
        editor.fill_slot(1, &row(9, b"cd")).expect("fits");
        assert_eq!(found(&page), (8096 - 4 * 22, 96 + 80));
        let mut findings = Vec::new();
        check_page(PageView::new(&page), PageId::new(1, 100), &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        // As Holdfast once wrote them.
        page[28..30].copy_from_slice(&(8096u16 - 4 * 19).to_le_bytes());
        PageEditor::new(&mut page).clear_slot(3).expect("clears");
        assert_eq!(found(&page), (8096 - 3 * 22, 96 + 80));
    }

    #[test]
    fn edits_of_damaged_pages_never_panic() {
        let mut seed = 99u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize
        };
        for n in 0..4000 {
            let mut page = [0u8; PAGE_SIZE];
            let unit = if n % 4 == 0 { PADDED_UNIT } else { 1 << 56 | 5 << 16 };
            let header = PageHeader::new(PageId::new(1, 100), PageType::Data, unit, 8);
            let mut editor = PageEditor::format(&mut page, &header);
            for i in 0..40 {
                editor.insert(i, &row(u32::from(i), &[b'y'; 100])).expect("fits");
            }
            for _ in 0..1 + random() % 4 {
                let at = if random() % 2 == 0 { random() % 96 } else { PAGE_SIZE - 1 - random() % 90 };
                page[at] = random() as u8;
            }
            let mut editor = PageEditor::new(&mut page);
            let slot = (random() % 45) as u16;
            let long = row(1, &vec![b'z'; random() % 4000]);
            let _ = editor.insert(slot, &long);
            let _ = editor.replace(slot, &long);
            let _ = editor.remove(slot);
            let _ = editor.set_ghost(slot, true);
            let _ = editor.fill_slot(slot, &long);
            let _ = editor.clear_slot(slot);
            let _ = editor.overwrite(slot, random() % 9000, &[1, 2, 3]);
            let _ = editor.compact();
        }
    }

    #[test]
    fn edits_keep_the_page_consistent() {
        let mut page = [0u8; PAGE_SIZE];
        let header = PageHeader::new(PageId::new(1, 100), PageType::Data, 1 << 56 | 5 << 16, 8);
        let mut editor = PageEditor::format(&mut page, &header);
        let mut model: Vec<Vec<u8>> = Vec::new();
        let mut seed = 12345u32;
        for step in 0..4000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let pick = (seed >> 8) as usize;
            let record = row(step, &vec![b'x'; pick % 90]);
            match pick % 7 {
                0..=3 => {
                    let slot = pick / 7 % (model.len() + 1);
                    if editor.insert(slot as u16, &record).is_ok() {
                        model.insert(slot, record);
                    }
                }
                4 if !model.is_empty() => {
                    let slot = pick / 7 % model.len();
                    editor.remove(slot as u16).expect("removes");
                    model.remove(slot);
                }
                _ if !model.is_empty() => {
                    let slot = pick / 7 % model.len();
                    if editor.replace(slot as u16, &record).is_ok() {
                        model[slot] = record;
                    }
                }
                _ => {}
            }
            for (slot, want) in model.iter().enumerate() {
                let got = editor.view().record(slot as u16).expect("there");
                assert_eq!(&got[..want.len()], &want[..], "step {step} slot {slot}");
            }
            let mut findings = Vec::new();
            check_page(editor.view(), PageId::new(1, 100), &mut findings);
            assert!(findings.is_empty(), "step {step}: {findings:?}");
        }
        assert!(model.len() > 20);
    }
}
