//! The file header (page 0 of every data file): one plain record whose fields are variable columns by position.
//!
//! Invariants
//! 1. Columns beyond those the record has read as empty; a field of the wrong length reads as zero.
//! 2. [`FileHeader::write`] changes only the columns it names and keeps their lengths, so the record stays where it is.
//!
//! Evidence: docs/format/file-header.md.

use holdfast_base::{Lsn, PageId};

use crate::error::FormatError;
use crate::page::{PageBytes, PageEditor, PageHeader, PageType, PageView};
use crate::record::FixedVar;
use crate::record::writer::Parts;

/// Positions of the fields.
mod column {
    pub const BINDING: u16 = 0;
    pub const FILE: u16 = 2;
    pub const FILEGROUP: u16 = 3;
    pub const SIZE: u16 = 4;
    pub const MAX_SIZE: u16 = 5;
    pub const GROWTH: u16 = 6;
    pub const BACKUP_LSN: u16 = 8;
    pub const FIRST_UPDATE_LSN: u16 = 9;
    pub const MIN_SIZE: u16 = 12;
    pub const STATUS: u16 = 13;
    pub const SECTOR_SIZE: u16 = 15;
    pub const MAX_LSN: u16 = 16;
    pub const REDO_START: u16 = 17;
    pub const CREATE_LSN: u16 = 18;
    pub const DIFFERENTIAL_BASE_LSN: u16 = 20;
    pub const DIFFERENTIAL_BASE: u16 = 21;
    pub const FILE_GUID: u16 = 23;
    pub const NAME: u16 = 27;
    pub const FORK: u16 = 35;
}

/// Fields of page 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileHeader {
    /// Common to all files of the database.
    pub binding_id: [u8; 16],
    pub file_id: u16,
    pub filegroup_id: u16,
    /// Pages.
    pub size: u32,
    /// Pages; −1 unlimited.
    pub max_size: i32,
    /// Pages or percent.
    pub growth: u32,
    pub backup_lsn: Lsn,
    pub first_update_lsn: Lsn,
    pub min_size: u32,
    pub status: u32,
    pub sector_size: u32,
    pub max_lsn: Lsn,
    pub redo_start_lsn: Lsn,
    pub create_lsn: Lsn,
    pub differential_base_lsn: Lsn,
    pub differential_base_guid: [u8; 16],
    pub file_guid: [u8; 16],
    pub fork_guid: [u8; 16],
    pub name: String,
}

fn bytes<'a>(record: &FixedVar<'a>, index: u16) -> &'a [u8] {
    record.variable(index).ok().flatten().map_or(&[], |(b, _)| b)
}

fn fixed<const N: usize>(record: &FixedVar<'_>, index: u16) -> [u8; N] {
    let mut out = [0u8; N];
    if let Some(b) = bytes(record, index).get(..N) {
        out.copy_from_slice(b);
    }
    out
}

impl FileHeader {
    pub fn read(page: &PageBytes) -> Result<Self, FormatError> {
        let view = PageView::new(page);
        let at = PageId::new(view.page_id().file, 0);
        view.expect(at, PageType::FileHeader)?;
        let record = FixedVar::parse_data(view.require_record(0)?).map_err(|e| e.at(at, 0))?;
        let name: Vec<u16> =
            bytes(&record, column::NAME).chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
        Ok(FileHeader {
            binding_id: fixed(&record, column::BINDING),
            file_id: u16::from_le_bytes(fixed(&record, column::FILE)),
            filegroup_id: u16::from_le_bytes(fixed(&record, column::FILEGROUP)),
            size: u32::from_le_bytes(fixed(&record, column::SIZE)),
            max_size: i32::from_le_bytes(fixed(&record, column::MAX_SIZE)),
            growth: u32::from_le_bytes(fixed(&record, column::GROWTH)),
            backup_lsn: Lsn::from_bytes(fixed(&record, column::BACKUP_LSN)),
            first_update_lsn: Lsn::from_bytes(fixed(&record, column::FIRST_UPDATE_LSN)),
            min_size: u32::from_le_bytes(fixed(&record, column::MIN_SIZE)),
            status: u32::from_le_bytes(fixed(&record, column::STATUS)),
            sector_size: u32::from_le_bytes(fixed(&record, column::SECTOR_SIZE)),
            max_lsn: Lsn::from_bytes(fixed(&record, column::MAX_LSN)),
            redo_start_lsn: Lsn::from_bytes(fixed(&record, column::REDO_START)),
            create_lsn: Lsn::from_bytes(fixed(&record, column::CREATE_LSN)),
            differential_base_lsn: Lsn::from_bytes(fixed(&record, column::DIFFERENTIAL_BASE_LSN)),
            differential_base_guid: fixed(&record, column::DIFFERENTIAL_BASE),
            file_guid: fixed(&record, column::FILE_GUID),
            fork_guid: fixed(&record, column::FORK),
            name: String::from_utf16_lossy(&name),
        })
    }

    /// Makes a header page out of another file's of the same database: the record keeps what it has besides these fields.
    pub fn write_new(&self, page: &mut PageBytes) -> Result<(), FormatError> {
        let at = PageId::new(self.file_id, 0);
        let old = *page;
        let record = FixedVar::parse_data(PageView::new(&old).require_record(0)?).map_err(|e| e.at(at, 0))?;
        let mut parts = Parts::of(&record).map_err(|e| e.at(at, 0))?;
        if let Some(name) = parts.variable.get_mut(usize::from(column::NAME)) {
            name.0 = self.name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        let header = PageHeader { page_id: at, lsn: Lsn::ZERO, ..PageHeader::decode(page) };
        let mut editor = PageEditor::format(page, &header);
        editor
            .insert(0, &parts.assemble())
            .map_err(|_| FormatError::Page { page: at, what: "the file header does not fit its page" })?;
        self.write(page)
    }

    /// Gives the header in `page` another name; the record may become longer or shorter.
    pub fn rename(page: &mut PageBytes, name: &str) -> Result<(), FormatError> {
        let at = PageId::new(PageView::new(page).page_id().file, 0);
        let old = *page;
        let record = FixedVar::parse_data(PageView::new(&old).require_record(0)?).map_err(|e| e.at(at, 0))?;
        let mut parts = Parts::of(&record).map_err(|e| e.at(at, 0))?;
        let column = parts.variable.get_mut(usize::from(column::NAME));
        let column = column.ok_or(FormatError::Page { page: at, what: "the file header has no name" })?;
        column.0 = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let done = PageEditor::new(page).replace(0, &parts.assemble());
        done.map_err(|_| FormatError::Page { page: at, what: "the file header does not fit its page" })
    }

    /// Writes the fixed-length fields back (not the name); a field the record lacks is skipped.
    pub fn write(&self, page: &mut PageBytes) -> Result<(), FormatError> {
        let view = PageView::new(page);
        let at = PageId::new(view.page_id().file, 0);
        view.expect(at, PageType::FileHeader)?;
        let start = view.slot_offset(0).ok_or(FormatError::NoSuchSlot { page: at, slot: 0 })?;
        let copy = *page;
        let record =
            FixedVar::parse_data(PageView::new(&copy).require_record(0)?).map_err(|e| e.at(at, 0))?;
        let base = record.bytes().as_ptr() as usize;
        let mut put = |index: u16, value: &[u8]| {
            if let Ok(Some((old, _))) = record.variable(index)
                && old.len() >= value.len()
            {
                let offset = start + (old.as_ptr() as usize - base);
                page[offset..offset + value.len()].copy_from_slice(value);
            }
        };
        put(column::BINDING, &self.binding_id);
        put(column::FILE, &self.file_id.to_le_bytes());
        put(column::FILEGROUP, &self.filegroup_id.to_le_bytes());
        put(column::SIZE, &self.size.to_le_bytes());
        put(column::MAX_SIZE, &self.max_size.to_le_bytes());
        put(column::GROWTH, &self.growth.to_le_bytes());
        put(column::BACKUP_LSN, &self.backup_lsn.to_bytes());
        put(column::FIRST_UPDATE_LSN, &self.first_update_lsn.to_bytes());
        put(column::MIN_SIZE, &self.min_size.to_le_bytes());
        put(column::STATUS, &self.status.to_le_bytes());
        put(column::SECTOR_SIZE, &self.sector_size.to_le_bytes());
        put(column::MAX_LSN, &self.max_lsn.to_bytes());
        put(column::REDO_START, &self.redo_start_lsn.to_bytes());
        put(column::CREATE_LSN, &self.create_lsn.to_bytes());
        put(column::DIFFERENTIAL_BASE_LSN, &self.differential_base_lsn.to_bytes());
        put(column::DIFFERENTIAL_BASE, &self.differential_base_guid);
        put(column::FILE_GUID, &self.file_guid);
        put(column::FORK, &self.fork_guid);
        Ok(())
    }
}
