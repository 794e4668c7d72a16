//! Rows of a base table as values.
//!
//! Invariants
//! 1. Only the types base tables use are decoded; anything else comes out as bytes.
//! 2. Values are in the order of the columns asked for; a column that the version lacks is NULL.
//! 3. Rows of a page are decoded again only when its LSN is another ([`RowCache`]). A page with a row that has a value outside of
//!    it is always decoded: such a value can change while the page does not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use holdfast_base::{Lsn, PageId};

use super::{SystemTables, unit_type};
use crate::allocation::iam;
use crate::boot::StoredDateTime;
use crate::btree;
use crate::error::FormatError;
use crate::lob;
use crate::page::{PageType, PageView};
use crate::record::layout::{PhysicalColumn, xtype};
use crate::record::row::RowKind;
use crate::record::{Field, PageRows, RowLayout};
use crate::source::{PageRef, PageSource};

/// A column to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BaseColumn {
    pub name: String,
    pub column_id: i32,
}

/// A value of a base table.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum BaseValue {
    #[default]
    Null,
    /// All integer types and bit.
    Int(i64),
    /// Unicode and single-byte text (the latter is ASCII in base tables).
    Text(String),
    Bytes(Vec<u8>),
    DateTime(StoredDateTime),
    Guid([u8; 16]),
    /// A sql_variant as stored: type, version, properties, value.
    Variant(Vec<u8>),
}

impl BaseValue {
    pub fn int(&self) -> Option<i64> {
        match self {
            BaseValue::Int(v) => Some(*v),
            _ => None,
        }
    }
    pub fn text(&self) -> Option<&str> {
        match self {
            BaseValue::Text(v) => Some(v),
            _ => None,
        }
    }
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            BaseValue::Bytes(v) | BaseValue::Variant(v) => Some(v),
            BaseValue::Guid(v) => Some(v),
            _ => None,
        }
    }
    pub fn is_null(&self) -> bool {
        *self == BaseValue::Null
    }
}

/// Rows of one page.
type DecodedPage = Arc<Vec<Vec<BaseValue>>>;

/// Pages of base tables decoded before.
#[derive(Debug, Default)]
pub struct RowCache {
    /// By object and number of columns asked for.
    tables: Mutex<HashMap<(i32, usize), HashMap<PageId, (Lsn, DecodedPage)>>>,
}

impl RowCache {
    fn take(&self, key: (i32, usize)) -> HashMap<PageId, (Lsn, DecodedPage)> {
        self.tables.lock().map(|mut t| t.remove(&key).unwrap_or_default()).unwrap_or_default()
    }

    fn keep(&self, key: (i32, usize), pages: HashMap<PageId, (Lsn, DecodedPage)>) {
        if let Ok(mut tables) = self.tables.lock() {
            tables.insert(key, pages);
        }
    }
}

/// A base table in memory.
#[derive(Clone, Debug, Default)]
pub struct BaseTable {
    pub columns: Vec<BaseColumn>,
    pages: Vec<DecodedPage>,
    /// Number of the first row of each page.
    starts: Vec<usize>,
}

impl BaseTable {
    pub fn new(columns: Vec<BaseColumn>) -> Self {
        BaseTable { columns, pages: Vec::new(), starts: Vec::new() }
    }

    fn push(&mut self, page: DecodedPage) {
        let next = self.len();
        self.starts.push(next);
        self.pages.push(page);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0) + self.pages.last().map_or(0, |p| p.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        // A look through a handful of names is faster than a hash of one.
        self.columns.iter().position(|c| c.name == name)
    }

    /// A row by number.
    pub fn row(&self, index: usize) -> Option<BaseRow<'_>> {
        let page = self.starts.partition_point(|s| *s <= index).checked_sub(1)?;
        let values = self.pages.get(page)?.get(index - self.starts.get(page)?)?;
        Some(BaseRow { table: self, values })
    }

    /// The rows with access by column name.
    pub fn iter(&self) -> impl Iterator<Item = BaseRow<'_>> {
        self.pages.iter().flat_map(|p| p.iter()).map(|values| BaseRow { table: self, values })
    }
}

/// A row with access by column name. A name the table lacks reads as NULL (older versions lack columns).
#[derive(Clone, Copy, Debug)]
pub struct BaseRow<'a> {
    table: &'a BaseTable,
    pub values: &'a [BaseValue],
}

impl<'a> BaseRow<'a> {
    pub fn value(&self, name: &str) -> &'a BaseValue {
        const NULL: &BaseValue = &BaseValue::Null;
        self.table.column(name).and_then(|i| self.values.get(i)).unwrap_or(NULL)
    }
    /// An integer; 0 when NULL or absent.
    pub fn int(&self, name: &str) -> i64 {
        self.value(name).int().unwrap_or(0)
    }
    /// An integer of at most 32 bits.
    pub fn i32(&self, name: &str) -> i32 {
        self.int(name) as i32
    }
    /// A text; empty when NULL or absent.
    pub fn text(&self, name: &str) -> &'a str {
        self.value(name).text().unwrap_or("")
    }
    pub fn bytes(&self, name: &str) -> &'a [u8] {
        self.value(name).bytes().unwrap_or(&[])
    }
    pub fn datetime(&self, name: &str) -> Option<StoredDateTime> {
        match self.value(name) {
            BaseValue::DateTime(v) => Some(*v),
            _ => None,
        }
    }
}

/// Decodes the stored bytes of a value.
pub fn decode(column: &PhysicalColumn, bytes: Vec<u8>) -> BaseValue {
    let integer = || {
        let mut raw = [0u8; 8];
        let n = bytes.len().min(8);
        raw[..n].copy_from_slice(&bytes[..n]);
        let shift = 64 - 8 * n as u32;
        if n == 0 { 0 } else { i64::from_le_bytes(raw) << shift >> shift }
    };
    match column.xtype {
        xtype::TINYINT => BaseValue::Int(i64::from(bytes.first().copied().unwrap_or(0))),
        xtype::SMALLINT | xtype::INT | xtype::BIGINT => BaseValue::Int(integer()),
        xtype::NVARCHAR | xtype::NCHAR | xtype::NTEXT => {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            BaseValue::Text(String::from_utf16_lossy(&units))
        }
        xtype::CHAR | xtype::VARCHAR | xtype::TEXT => {
            BaseValue::Text(bytes.iter().map(|&b| char::from(b)).collect())
        }
        xtype::DATETIME if bytes.len() == 8 => {
            let mut raw = [0u8; 8];
            raw.copy_from_slice(&bytes);
            BaseValue::DateTime(StoredDateTime::from_bytes(raw))
        }
        xtype::GUID if bytes.len() == 16 => {
            let mut raw = [0u8; 16];
            raw.copy_from_slice(&bytes);
            BaseValue::Guid(raw)
        }
        xtype::VARIANT => BaseValue::Variant(bytes),
        _ => BaseValue::Bytes(bytes),
    }
}

/// Reads the rows of every partition of an object's heap or clustered index.
pub(super) fn read(
    source: &dyn PageSource,
    tables: &SystemTables,
    object_id: i32,
    columns: Vec<BaseColumn>,
) -> Result<BaseTable, FormatError> {
    let mut out = BaseTable::new(columns);
    let key = (object_id, out.columns.len());
    let mut before = tables.cache.take(key);
    let mut kept = HashMap::new();
    for rowset in tables.base_rowsets(object_id) {
        let layout = tables
            .layout(rowset.id)
            .ok_or_else(|| FormatError::catalog(format!("rowset {} has no columns", rowset.id)))?;
        let positions: Vec<Option<usize>> =
            out.columns.iter().map(|c| layout.position_of(c.column_id)).collect();
        let Some(unit) = tables.unit(rowset.id, unit_type::IN_ROW) else { continue };
        if rowset.index_id == 0 {
            for at in iam::unit_pages(source, unit.first_iam)? {
                let page = source.page(at)?;
                out.push(page_rows(source, at, &page, layout, &positions, &mut before, &mut kept)?);
            }
        } else {
            for page in btree::leaves(source, unit.root, true)? {
                let (at, page) = page?;
                out.push(page_rows(source, at, &page, layout, &positions, &mut before, &mut kept)?);
            }
        }
    }
    tables.cache.keep(key, kept);
    Ok(out)
}

/// The rows of a page, as they were decoded before where it is the same (invariant 3).
fn page_rows(
    source: &dyn PageSource,
    at: PageId,
    page: &PageRef,
    layout: &RowLayout,
    positions: &[Option<usize>],
    before: &mut HashMap<PageId, (Lsn, DecodedPage)>,
    kept: &mut HashMap<PageId, (Lsn, DecodedPage)>,
) -> Result<DecodedPage, FormatError> {
    let lsn = PageView::new(page).lsn();
    if let Some(same) = before.remove(&at).filter(|p| p.0 == lsn) {
        let rows = Arc::clone(&same.1);
        kept.insert(at, same);
        return Ok(rows);
    }
    let mut rows = Vec::new();
    let whole = read_page(source, page, layout, positions, &mut rows)?;
    let rows = Arc::new(rows);
    if whole {
        kept.insert(at, (lsn, Arc::clone(&rows)));
    }
    Ok(rows)
}

/// Decodes a page; `false`: a row has a value outside of it.
fn read_page(
    source: &dyn PageSource,
    page: &PageRef,
    layout: &RowLayout,
    positions: &[Option<usize>],
    out: &mut Vec<Vec<BaseValue>>,
) -> Result<bool, FormatError> {
    let view = PageView::new(page);
    if !view.is(PageType::Data) {
        return Ok(true);
    }
    let mut whole = true;
    let rows = PageRows::new(view)?;
    let mut scratch = Vec::new();
    for slot in 0..rows.len() {
        let Some(row) = rows.row(slot)? else { continue };
        if !matches!(row.kind(), RowKind::Row | RowKind::Forwarded) {
            continue;
        }
        let mut values = Vec::with_capacity(positions.len());
        for position in positions {
            let Some(position) = *position else {
                values.push(BaseValue::Null);
                continue;
            };
            let column = &layout.columns[position];
            let field = row.field(layout, position, false, &mut scratch);
            values.push(match field.map_err(|e| e.at(view.page_id(), slot))? {
                Field::Null | Field::Missing => BaseValue::Null,
                Field::Bit(bit) => BaseValue::Int(i64::from(bit)),
                Field::Bytes(bytes) => decode(column, bytes.to_vec()),
                Field::Complex(pointer) => {
                    whole = false;
                    lob::read(source, pointer)?.map_or(BaseValue::Null, |bytes| decode(column, bytes))
                }
            });
        }
        out.push(values);
    }
    Ok(whole)
}
