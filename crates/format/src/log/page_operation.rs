//! The fixed parts and elements of the page operations, decoded.
//!
//! | operation | fields (offset: meaning) |
//! |---|---|
//! | FORMAT_PAGE | 30 type, 31 type flags, 32 level, 34 previous, 3A pminlen, 3C next, 44 start of the interval (IAM) |
//! | SET_BITS | 30 first bit of the row, 32 count, 34 value |
//! | SET_FREE_SPACE | 30 row offset, 32 new byte, 33 old byte |
//! | DELETE_SPLIT | 30 new page, 36 rows, 38 bytes freed |
//! | COUNT_DELTA | 30 kind, 38 rowset, groups (value u64, row offset u32, length u32) at 50 or 58 |
//! | ROOT_CHANGE | 38 rowset, 40 unit, 48 new pointer, 50 old pointer, 58 row offset |
//! | MODIFY_COLUMNS | elements: 0 offset pairs, 1 old lengths, 2 key, 3 locks, then old and new bytes of each change |
//!
//! Evidence: docs/format/log.md.

use holdfast_base::{ByteReader, PageId};

use super::LogError;
use super::record::{ElementIter, LogRecord, PAGE_HEADER};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatPage {
    pub page_type: u8,
    pub type_flags: u8,
    pub level: u8,
    pub previous: PageId,
    pub pminlen: u16,
    pub next: PageId,
    /// IAM pages: first page of the interval covered.
    pub interval_start: PageId,
}

impl FormatPage {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(PAGE_HEADER);
        let mut read = || -> Result<Self, holdfast_base::Truncated> {
            let page_type = r.u8()?;
            let type_flags = r.u8()?;
            let level = r.u8()?;
            r.skip(1)?;
            let previous = PageId::from_bytes(r.array()?);
            let pminlen = r.u16()?;
            let next = PageId::from_bytes(r.array()?);
            r.skip(2)?;
            let interval_start = PageId::from_bytes(r.array()?);
            Ok(FormatPage { page_type, type_flags, level, previous, pminlen, next, interval_start })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetBits {
    /// Counted from the start of the row.
    pub first: u16,
    pub count: u16,
    pub value: bool,
}

impl SetBits {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(PAGE_HEADER);
        let mut read = || -> Result<Self, holdfast_base::Truncated> {
            Ok(SetBits { first: r.u16()?, count: r.u16()?, value: r.u16()? != 0 })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetFreeSpace {
    pub row_offset: u16,
    pub new: u8,
    pub old: u8,
}

impl SetFreeSpace {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        // 2005 writes the four bytes behind a fixed part of 30 bytes, later releases inside one of 34: the place is the same.
        let mut r = ByteReader::at(record.bytes(), PAGE_HEADER);
        let mut read = || -> Result<Self, holdfast_base::Truncated> {
            Ok(SetFreeSpace { row_offset: r.u16()?, new: r.u8()?, old: r.u8()? })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteSplit {
    pub new_page: PageId,
    pub rows: u16,
    /// Bytes freed: the rows and two for each slot.
    pub bytes: u16,
}

impl DeleteSplit {
    /// Fixed length of a record that takes rows back: the rowset that loses them stands behind what genuine records have.
    const TAKEN_BACK: u16 = 0x44;

    /// Fixed part behind the page header of a record by which `rows` entered together go away again.
    pub fn rows_taken_back(page: PageId, rows: u16, rowset: u64) -> Vec<u8> {
        let mut rest = page.to_bytes().to_vec();
        rest.extend_from_slice(&rows.to_le_bytes());
        rest.resize(0x3C - PAGE_HEADER, 0);
        rest.extend_from_slice(&rowset.to_le_bytes());
        rest
    }

    /// The rowset that loses the rows for good; `None` when they only move.
    pub fn loser(record: &LogRecord<'_>) -> Result<Option<u64>, LogError> {
        if record.fixed_length() < Self::TAKEN_BACK {
            return Ok(None);
        }
        record.reader(0x3C).u64().map(Some).map_err(LogError::short(record.lsn()))
    }

    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(PAGE_HEADER);
        let mut read = || -> Result<Self, holdfast_base::Truncated> {
            Ok(DeleteSplit { new_page: PageId::from_bytes(r.array()?), rows: r.u16()?, bytes: r.u16()? })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

/// One count and its place in the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountValue {
    pub value: u64,
    pub row_offset: u32,
    /// 8 or 4 bytes.
    pub length: usize,
}

/// Absolute counts written into system table rows at a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountDelta {
    pub kind: u32,
    pub rowset: u64,
    pub values: Vec<CountValue>,
}

impl CountDelta {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let lsn = record.lsn();
        let mut r = record.reader(PAGE_HEADER);
        let kind = r.u32().map_err(LogError::short(lsn))?;
        let rowset = record.reader(0x38).u64().map_err(LogError::short(lsn))?;
        let (groups, start) = match kind {
            0 => (3, 0x50),
            1 => (1, 0x50),
            2 => (1, 0x58),
            3 | 4 => (2, 0x50),
            _ => return Err(LogError::record(lsn, PAGE_HEADER, "a count of unknown kind")),
        };
        let mut r = record.reader(start);
        let mut values = Vec::with_capacity(groups);
        for _ in 0..groups {
            let mut read = || -> Result<(u64, u32, u32), holdfast_base::Truncated> {
                Ok((r.u64()?, r.u32()?, r.u32()?))
            };
            let (value, offset, length) = read().map_err(LogError::short(lsn))?;
            // 4 occurs while a database of SQL Server 2000 is being upgraded.
            let length = match length {
                0 | 8 => 8,
                4 => 4,
                _ => return Err(LogError::record(lsn, start, "a count of unknown length")),
            };
            values.push(CountValue { value, row_offset: offset, length });
        }
        Ok(CountDelta { kind, rowset, values })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootChange {
    pub rowset: u64,
    pub allocation_unit: u64,
    pub new: PageId,
    pub old: PageId,
    /// 27 first page, 33 root page, 39 first IAM page.
    pub row_offset: u32,
}

impl RootChange {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(0x38);
        let mut read = || -> Result<Self, holdfast_base::Truncated> {
            let rowset = r.u64()?;
            let allocation_unit = r.u64()?;
            let new = PageId::from_bytes(r.array()?);
            r.skip(2)?;
            let old = PageId::from_bytes(r.array()?);
            r.skip(2)?;
            Ok(RootChange { rowset, allocation_unit, new, old, row_offset: r.u32()? })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

/// One change of MODIFY_COLUMNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnChange<'a> {
    pub old_offset: u16,
    pub new_offset: u16,
    pub old_length: u16,
    /// Empty in compensation records.
    pub old: &'a [u8],
    pub new: &'a [u8],
}

/// The changes of a MODIFY_COLUMNS or CLEAR_GAM_BITS record, ascending by old offset.
pub fn column_changes<'a>(record: &LogRecord<'a>) -> Result<ColumnChanges<'a>, LogError> {
    let elements = record.elements()?;
    let mut parts = elements.iter();
    let (Some(pairs), Some(lengths)) = (parts.next(), parts.next()) else {
        return Err(LogError::record(record.lsn(), 0, "an element is missing"));
    };
    let count = pairs.len() / 4;
    if elements.len() < 4 + 2 * count || lengths.len() < 2 * count {
        return Err(LogError::record(record.lsn(), 0, "the changes and their offsets do not match"));
    }
    // The key and the locks.
    let (_, _) = (parts.next(), parts.next());
    Ok(ColumnChanges { pairs, lengths, parts })
}

/// Walks over the changes of a record; each was checked to be there.
#[derive(Clone, Debug)]
pub struct ColumnChanges<'a> {
    pairs: &'a [u8],
    lengths: &'a [u8],
    parts: ElementIter<'a>,
}

impl<'a> Iterator for ColumnChanges<'a> {
    type Item = ColumnChange<'a>;

    fn next(&mut self) -> Option<ColumnChange<'a>> {
        let (pair, pairs) = self.pairs.split_first_chunk::<4>()?;
        let (length, lengths) = self.lengths.split_first_chunk::<2>()?;
        (self.pairs, self.lengths) = (pairs, lengths);
        Some(ColumnChange {
            old_offset: u16::from_le_bytes([pair[0], pair[1]]),
            new_offset: u16::from_le_bytes([pair[2], pair[3]]),
            old_length: u16::from_le_bytes(*length),
            old: self.parts.next()?,
            new: self.parts.next()?,
        })
    }
}
