//! ROW and PAGE compressed pages: records in the compressed form, and for PAGE an anchor and a dictionary per page.
//!
//! Invariants
//! 1. A page gets compression information only when that makes it smaller.
//!
//! Evidence: docs/format/compression.md; what is made here proves that reader and writer agree.

use std::collections::BTreeMap;

use holdfast_base::PAGE_SIZE;
use holdfast_format::page::edit::PageEditor;
use holdfast_format::page::header::PageHeader;
use holdfast_format::page::{HEADER_SIZE, PageBytes};
use holdfast_format::record::compressed::{CdValue, build, shrink};
use holdfast_format::record::layout::{RowLayout, xtype};

use crate::Result;
use crate::value::Stored;

/// Record types of the compressed form.
pub const PRIMARY: u8 = 0;
const INDEX: u8 = 6;
/// Bit of the page header's type flags: compression information precedes the records.
const HAS_INFORMATION: u8 = 0x80;
/// Most entries of a dictionary: symbols are one byte.
const ENTRIES_MAX: usize = 255;

/// A value of a compressed record before it is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    Null,
    True,
    Bytes(Vec<u8>),
}

fn cells(layout: &RowLayout, row: &[Stored]) -> Result<Vec<Cell>> {
    let each = layout.columns.iter().zip(row).map(|(c, v)| {
        Ok(match v {
            None => Cell::Null,
            Some(b) if c.xtype == xtype::BIT && b.first() == Some(&1) => Cell::True,
            Some(_) if c.xtype == xtype::BIT => Cell::Bytes(Vec::new()),
            Some(b) => Cell::Bytes(shrink(c, b)?),
        })
    });
    each.collect()
}

fn lay_out(kind: u8, cells: &[Cell]) -> Result<Vec<u8>> {
    let values: Vec<CdValue<'_>> = cells
        .iter()
        .map(|c| match c {
            Cell::Null => CdValue::Null,
            Cell::True => CdValue::True,
            Cell::Bytes(b) => CdValue::Bytes(b),
        })
        .collect();
    Ok(build(kind, &values)?)
}

/// A leaf record.
pub fn leaf(layout: &RowLayout, row: &[Stored]) -> Result<Vec<u8>> {
    lay_out(PRIMARY, &cells(layout, row)?)
}

/// An index entry: the key columns and, last, the child.
pub fn internal(layout: &RowLayout, row: &[Stored], child: [u8; 6]) -> Result<Vec<u8>> {
    let all = cells(layout, row)?;
    let kept = layout.columns.iter().zip(all).filter(|(c, _)| c.internal.offset != 0).map(|(_, v)| v);
    let mut entry: Vec<Cell> = kept.collect();
    entry.push(Cell::Bytes(child.to_vec()));
    lay_out(INDEX, &entry)
}

/// Lays a full leaf page out again with an anchor and a dictionary; `false` when that gains nothing.
pub fn compress_page(page: &mut PageBytes, layout: &RowLayout, rows: &[Vec<Stored>]) -> Result<bool> {
    let mut table = rows.iter().map(|r| cells(layout, r)).collect::<Result<Vec<_>>>()?;
    let plain: usize = rows.iter().map(|r| leaf(layout, r).map_or(0, |b| b.len())).sum();
    let anchor = anchors(&table);
    for row in &mut table {
        for (cell, anchor) in row.iter_mut().zip(&anchor) {
            if let (Cell::Bytes(value), Cell::Bytes(anchor)) = (cell, anchor) {
                *value = prefixed(value, anchor);
            }
        }
    }
    let (dictionary, symbols) = dictionary(&table);
    let mut records = Vec::new();
    for row in &table {
        records.push(with_symbols(&lay_out(PRIMARY, row)?, row, &symbols)?);
    }
    let information = information(&anchor, &dictionary)?;
    let total = information.len() + records.iter().map(Vec::len).sum::<usize>();
    if total >= plain || total + 2 * records.len() > PAGE_SIZE - HEADER_SIZE {
        return Ok(false);
    }
    let header = PageHeader::decode(page);
    let mut editor = PageEditor::format(page, &header);
    let mut header = editor.header();
    header.free_count -= information.len() as u16;
    header.free_data += information.len() as u16;
    editor.set_header(&header);
    page[2] |= HAS_INFORMATION;
    page[HEADER_SIZE..HEADER_SIZE + information.len()].copy_from_slice(&information);
    let mut editor = PageEditor::new(page);
    for (slot, record) in records.iter().enumerate() {
        editor.insert(slot as u16, record)?;
    }
    Ok(true)
}

/// Per column the longest value, unless there are none; bit columns have no prefix.
fn anchors(table: &[Vec<Cell>]) -> Vec<Cell> {
    let count = table.first().map_or(0, Vec::len);
    (0..count)
        .map(|column| {
            let values = table.iter().map(|r| &r[column]);
            if values.clone().any(|v| *v == Cell::True) {
                return Cell::Null;
            }
            let bytes = values.filter_map(|v| if let Cell::Bytes(b) = v { Some(b) } else { None });
            let longest = bytes.max_by_key(|b| b.len()).filter(|b| !b.is_empty() && b.len() < 128);
            longest.map_or(Cell::Null, |b| Cell::Bytes(b.clone()))
        })
        .collect()
}

/// A value as its common prefix with the anchor and the rest; nothing at all when it is the anchor.
fn prefixed(value: &[u8], anchor: &[u8]) -> Vec<u8> {
    if value == anchor {
        return Vec::new();
    }
    let common = value.iter().zip(anchor).take_while(|(a, b)| a == b).count();
    [&[common as u8], &value[common..]].concat()
}

/// Values that occur often enough to stand in the dictionary, and their symbols.
fn dictionary(table: &[Vec<Cell>]) -> (Vec<Vec<u8>>, BTreeMap<Vec<u8>, u8>) {
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for cell in table.iter().flatten() {
        if let Cell::Bytes(b) = cell
            && b.len() > 2
        {
            *counts.entry(b).or_default() += 1;
        }
    }
    let often = counts.into_iter().filter(|(_, n)| *n > 1).map(|(b, _)| b.to_vec());
    let entries: Vec<Vec<u8>> = often.take(ENTRIES_MAX).collect();
    let symbols = entries.iter().enumerate().map(|(i, e)| (e.clone(), i as u8)).collect();
    (entries, symbols)
}

/// The record with dictionary values replaced by their symbols: nibble 12 and a byte among the short data.
fn with_symbols(record: &[u8], row: &[Cell], symbols: &BTreeMap<Vec<u8>, u8>) -> Result<Vec<u8>> {
    let symbol = |c: &Cell| if let Cell::Bytes(b) = c { symbols.get(b).copied() } else { None };
    if row.iter().all(|c| symbol(c).is_none()) {
        return Ok(record.to_vec());
    }
    // Laid out with a byte in the value's place, whose kind is then changed: positions follow from the kinds.
    let replaced: Vec<Cell> =
        row.iter().map(|c| symbol(c).map_or_else(|| c.clone(), |s| Cell::Bytes(vec![s]))).collect();
    let mut out = lay_out(PRIMARY, &replaced)?;
    let nibbles = if row.len() < 128 { 2 } else { 3 };
    for (column, cell) in row.iter().enumerate() {
        if symbol(cell).is_some() {
            let shift = 4 * (column % 2);
            let at = nibbles + column / 2;
            out[at] = out[at] & !(0xF << shift) | 12 << shift;
        }
    }
    Ok(out)
}

fn information(anchor: &[Cell], dictionary: &[Vec<u8>]) -> Result<Vec<u8>> {
    let anchor = lay_out(PRIMARY, anchor)?;
    let has_dictionary = !dictionary.is_empty();
    let mut out = vec![if has_dictionary { 6 } else { 2 }, 0, 0];
    let head = if has_dictionary { 7 } else { 5 };
    if has_dictionary {
        out.extend(((head + anchor.len()) as u16).to_le_bytes());
    }
    let mut tail = Vec::new();
    if has_dictionary {
        tail.extend((dictionary.len() as u16).to_le_bytes());
        let mut end = 2 + 2 * dictionary.len();
        for entry in dictionary {
            end += entry.len();
            tail.extend((end as u16).to_le_bytes());
        }
        tail.extend(dictionary.iter().flatten());
    }
    out.extend(((head + anchor.len() + tail.len()) as u16).to_le_bytes());
    out.extend(anchor);
    out.extend(tail);
    Ok(out)
}
