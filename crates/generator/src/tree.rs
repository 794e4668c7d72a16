//! Builds B-trees and heaps bottom-up from sorted rows.
//!
//! Invariants
//! 1. Leaf pages are filled in key order; every level is a doubly linked list; the root has no siblings.
//! 2. An index entry carries the key of its child's first row.

use std::collections::BTreeMap;

use holdfast_base::{Lsn, PageId};
use holdfast_format::page::edit::PageEditor;
use holdfast_format::page::header::PageHeader;
use holdfast_format::page::{PageBytes, PageType};
use holdfast_format::record::Field;
use holdfast_format::record::layout::{RowLayout, xtype};
use holdfast_format::record::writer::{RecordShape, build};

use crate::Result;
use crate::compressed;
use crate::space::{Space, Unit};
use crate::value::Stored;

/// LSN that pages made here carry: before the checkpoint of the backup.
pub const PAGE_LSN: Lsn = Lsn::new(32, 16, 1);
/// sysrowsets.cmprlevel of a PAGE compressed rowset.
const PAGE_COMPRESSION: u8 = 2;
/// Bytes of a page for records and slots.
pub const PAGE_BODY: usize = 8096;

/// A row in physical column order of its layout.
pub type Row = Vec<Stored>;

fn fields<'a>(layout: &RowLayout, row: &'a [Stored], internal: bool) -> Vec<Field<'a>> {
    let each = layout.columns.iter().zip(row).map(|(c, v)| {
        if internal && c.internal.offset == 0 {
            return Field::Missing;
        }
        match v {
            None => Field::Null,
            Some(b) if c.xtype == xtype::BIT => Field::Bit(b.first() == Some(&1)),
            Some(b) => Field::Bytes(b),
        }
    });
    each.collect()
}

pub fn record(layout: &RowLayout, row: &[Stored], shape: RecordShape) -> Result<Vec<u8>> {
    match shape {
        RecordShape::IndexInternal(child) if layout.compression > 0 => {
            return compressed::internal(layout, row, child);
        }
        RecordShape::Data if layout.compression > 0 => return compressed::leaf(layout, row),
        _ => {}
    }
    let internal = matches!(shape, RecordShape::IndexInternal(_));
    Ok(build(layout, &fields(layout, row, internal), shape)?)
}

/// Fixed part of an index entry: prologue, key columns, child pointer.
fn internal_length(layout: &RowLayout) -> u16 {
    let places = layout.columns.iter().map(|c| c.internal).filter(|p| p.offset > 0);
    places.map(|p| p.offset.unsigned_abs() + p.size).max().unwrap_or(1) + 6
}

/// What a built tree or heap tells the catalogue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Built {
    pub first: PageId,
    pub root: PageId,
    /// Leaf (data) pages.
    pub leaves: u64,
}

pub type Pages = BTreeMap<u32, PageBytes>;

pub struct Builder<'a> {
    pub space: &'a mut Space,
    pub pages: &'a mut Pages,
}

/// Which leaf a rowset has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leaf {
    Heap,
    Clustered,
    Nonclustered,
}

pub fn format_page(page: &mut PageBytes, id: PageId, kind: PageType, level: u8, unit: u64, pminlen: u16) {
    let header = PageHeader { level, lsn: PAGE_LSN, ..PageHeader::new(id, kind, unit, pminlen) };
    PageEditor::format(page, &header);
}

impl Builder<'_> {
    fn new_page(
        &mut self,
        unit: &mut Unit,
        kind: PageType,
        level: u8,
        pminlen: u16,
        previous: Option<PageId>,
    ) -> Result<PageId> {
        let id = self.space.page(unit)?;
        let mut page = [0u8; holdfast_base::PAGE_SIZE];
        format_page(&mut page, id, kind, level, unit.id, pminlen);
        if let Some(previous) = previous {
            page[8..14].copy_from_slice(&previous.to_bytes());
            if let Some(before) = self.pages.get_mut(&previous.page) {
                before[16..22].copy_from_slice(&id.to_bytes());
            }
        }
        self.pages.insert(id.page, page);
        Ok(id)
    }

    fn append(&mut self, id: PageId, record: &[u8]) -> Result<bool> {
        let Some(page) = self.pages.get_mut(&id.page) else { return Ok(false) };
        let mut editor = PageEditor::new(page);
        if usize::from(editor.view().free_count()) < record.len() + 2 {
            return Ok(false);
        }
        let count = editor.view().slot_count();
        editor.insert(count, record)?;
        Ok(true)
    }

    /// Builds the leaf level and everything above. `rows` are sorted (any order for a heap).
    pub fn build(
        &mut self,
        unit: &mut Unit,
        layout: &RowLayout,
        leaf: Leaf,
        pminlen: u16,
        rows: &[Row],
    ) -> Result<Built> {
        let kind = if leaf == Leaf::Nonclustered { PageType::Index } else { PageType::Data };
        let shape = if leaf == Leaf::Nonclustered { RecordShape::IndexLeaf } else { RecordShape::Data };
        let linked = leaf != Leaf::Heap;
        let mut children: Vec<(PageId, Row)> = Vec::new();
        let mut current: Option<PageId> = None;
        let mut first_of_page = 0;
        for (number, row) in rows.iter().enumerate() {
            let bytes = record(layout, row, shape)?;
            if let Some(id) = current
                && self.append(id, &bytes)?
            {
                continue;
            }
            // A page that is full is where PAGE compression sets in; the last one stays as it is.
            if let Some(page) = current.and_then(|id| self.pages.get_mut(&id.page))
                && layout.compression == PAGE_COMPRESSION
            {
                let rows = rows.get(first_of_page..number).unwrap_or(&[]);
                compressed::compress_page(page, layout, rows)?;
            }
            first_of_page = number;
            let id = self.new_page(unit, kind, 0, pminlen, current.filter(|_| linked))?;
            self.append(id, &bytes)?;
            children.push((id, row.clone()));
            current = Some(id);
        }
        if leaf == Leaf::Heap {
            for (id, _) in &children {
                if let Some(page) = self.pages.get_mut(&id.page) {
                    let used = PAGE_BODY - usize::from(PageEditor::new(page).view().free_count());
                    self.space.set_fullness(*id, used);
                }
            }
            let first = children.first().map_or(PageId::NULL, |c| c.0);
            return Ok(Built { first, root: first, leaves: children.len() as u64 });
        }
        let leaves = children.len() as u64;
        let first = children.first().map_or(PageId::NULL, |c| c.0);
        let root = self.upper_levels(unit, layout, children)?;
        Ok(Built { first, root, leaves })
    }

    /// Index levels above `children`, up to the root.
    pub fn upper_levels(
        &mut self,
        unit: &mut Unit,
        layout: &RowLayout,
        mut children: Vec<(PageId, Row)>,
    ) -> Result<PageId> {
        let pminlen = internal_length(layout);
        let mut level = 1;
        while children.len() > 1 {
            let mut parents: Vec<(PageId, Row)> = Vec::new();
            let mut current: Option<PageId> = None;
            for (child, key) in children {
                let bytes = record(layout, &key, RecordShape::IndexInternal(child.to_bytes()))?;
                if let Some(id) = current
                    && self.append(id, &bytes)?
                {
                    continue;
                }
                let id = self.new_page(unit, PageType::Index, level, pminlen, current)?;
                self.append(id, &bytes)?;
                parents.push((id, key));
                current = Some(id);
            }
            children = parents;
            level += 1;
        }
        Ok(children.first().map_or(PageId::NULL, |c| c.0))
    }
}
