//! Log records: common header, page header, row header, variable elements.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 00 | 2 | 0 |
//! | 02 | 2 | length of the fixed part |
//! | 04 | 10 | previous LSN of the transaction |
//! | 0E | 2 | flags: 2 = in a transaction, 1 = compensation |
//! | 10 | 6 | transaction id |
//! | 16 | 1 | operation |
//! | 17 | 1 | context |
//! | 18 | 6 | *page operations*: page |
//! | 1E | 2 | slot |
//! | 20 | 4 | object part of the allocation unit id |
//! | 24 | 10 | page LSN before this record |
//! | 2E | 2 | index part of the allocation unit id |
//! | 30 | 8 | *row operations*: rowset id |
//! | 38 | 2 | offset in row or page header |
//! | 3A | 2 | bytes replaced, or flags |
//! | 3C | 2 | free-space class bits |
//!
//! Elements follow the fixed part: u16 count, that many u16 lengths, padding to 4, then the elements, each padded to 4.
//!
//! Invariants
//! 1. A [`LogRecord`] holds at least its fixed part; everything behind it is read with checks.
//! 2. Offsets are relative to the record start; the bytes include up to 7 of padding at the end.
//!
//! Evidence: every record of the corpus.

use std::fmt;

use holdfast_base::{ByteReader, Lsn, PageId};

use super::LogError;
use super::operation::{Context, Operation};

/// Bytes of the common header.
pub const COMMON_HEADER: usize = 0x18;
/// Bytes up to the end of the page header.
pub const PAGE_HEADER: usize = 0x30;
/// Bytes up to the end of the row header.
pub const ROW_HEADER: usize = 0x3E;

/// Record flags.
pub mod flag {
    /// The record undoes another one.
    pub const COMPENSATION: u16 = 0x0001;
    /// The record belongs to a transaction.
    pub const TRANSACTION: u16 = 0x0002;
}

/// A 48-bit transaction id; 0 = none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TransactionId(pub u64);

impl TransactionId {
    pub const NONE: TransactionId = TransactionId(0);

    pub fn from_bytes(b: [u8; 6]) -> Self {
        TransactionId(u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], 0, 0]))
    }

    pub fn to_bytes(self) -> [u8; 6] {
        let b = self.0.to_le_bytes();
        [b[0], b[1], b[2], b[3], b[4], b[5]]
    }

    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}
/// Shown as fn_dblog does: `0000:00000287`.
impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:08x}", (self.0 >> 32) & 0xFFFF, self.0 & 0xFFFF_FFFF)
    }
}
impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A point in local time: days since 1900-01-01, then 1/300 seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LogTime {
    pub days: u32,
    /// Units of 1/300 second since midnight.
    pub ticks: u32,
}

impl LogTime {
    /// On disk: ticks, then days.
    pub fn from_bytes(b: [u8; 8]) -> Self {
        LogTime {
            ticks: u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            days: u32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        }
    }

    pub fn to_bytes(self) -> [u8; 8] {
        let (t, d) = (self.ticks.to_le_bytes(), self.days.to_le_bytes());
        [t[0], t[1], t[2], t[3], d[0], d[1], d[2], d[3]]
    }
}

/// The page header of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageTarget {
    pub page: PageId,
    /// FFFF = the page itself.
    pub slot: u16,
    pub object_part: u32,
    pub index_part: u16,
    /// LSN the page carries before this record.
    pub page_lsn: Lsn,
}

impl PageTarget {
    pub fn allocation_unit(&self) -> u64 {
        (u64::from(self.index_part) << 48) | (u64::from(self.object_part) << 16)
    }

    /// The 24 bytes of the page header.
    pub fn encode(&self) -> [u8; PAGE_HEADER - COMMON_HEADER] {
        let mut out = [0; PAGE_HEADER - COMMON_HEADER];
        out[0..6].copy_from_slice(&self.page.to_bytes());
        out[6..8].copy_from_slice(&self.slot.to_le_bytes());
        out[8..12].copy_from_slice(&self.object_part.to_le_bytes());
        out[12..22].copy_from_slice(&self.page_lsn.to_bytes());
        out[22..24].copy_from_slice(&self.index_part.to_le_bytes());
        out
    }
}

/// The row header of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RowTarget {
    pub rowset: u64,
    pub offset: u16,
    pub size_or_flags: u16,
    pub space_bits: u16,
}

impl RowTarget {
    pub fn encode(&self) -> [u8; ROW_HEADER - PAGE_HEADER] {
        let mut out = [0; ROW_HEADER - PAGE_HEADER];
        out[0..8].copy_from_slice(&self.rowset.to_le_bytes());
        out[8..10].copy_from_slice(&self.offset.to_le_bytes());
        out[10..12].copy_from_slice(&self.size_or_flags.to_le_bytes());
        out[12..14].copy_from_slice(&self.space_bits.to_le_bytes());
        out
    }
}

/// One log record: its LSN and its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LogRecord<'a> {
    lsn: Lsn,
    bytes: &'a [u8],
    fixed: u16,
}

impl fmt::Debug for LogRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.lsn, self.transaction(), self.operation(), self.context())
    }
}

impl<'a> LogRecord<'a> {
    #[inline]
    pub fn new(lsn: Lsn, bytes: &'a [u8]) -> Result<Self, LogError> {
        let mut r = ByteReader::at(bytes, 2);
        let fixed = r.u16().map_err(LogError::short(lsn))?;
        if usize::from(fixed) < COMMON_HEADER || usize::from(fixed) > bytes.len() {
            return Err(LogError::record(lsn, 2, "the fixed length cannot be"));
        }
        Ok(LogRecord { lsn, bytes, fixed })
    }

    #[inline]
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// All bytes, padding included.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub fn fixed_length(&self) -> u16 {
        self.fixed
    }

    /// The fixed part.
    #[inline]
    pub fn fixed(&self) -> &'a [u8] {
        self.bytes.get(..usize::from(self.fixed)).unwrap_or(&[])
    }

    #[inline]
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        // Invariant 1: the common header is there.
        ByteReader::at(self.bytes, at).array().unwrap_or([0; N])
    }

    /// LSN of the transaction's record before this one.
    #[inline]
    pub fn previous(&self) -> Lsn {
        Lsn::from_bytes(self.array(4))
    }

    #[inline]
    pub fn flags(&self) -> u16 {
        u16::from_le_bytes(self.array(0x0E))
    }

    pub fn is_compensation(&self) -> bool {
        self.flags() & flag::COMPENSATION != 0
    }

    #[inline]
    pub fn transaction(&self) -> TransactionId {
        TransactionId::from_bytes(self.array(0x10))
    }

    #[inline]
    pub fn operation(&self) -> Operation {
        Operation(self.array::<1>(0x16)[0])
    }

    #[inline]
    pub fn context(&self) -> Context {
        Context(self.array::<1>(0x17)[0])
    }

    /// A reader positioned at `offset` of the fixed part, bounded by it.
    #[inline]
    pub fn reader(&self, offset: usize) -> ByteReader<'a> {
        ByteReader::at(self.fixed(), offset)
    }

    /// The page header, for page operations.
    #[inline]
    pub fn page_target(&self) -> Result<Option<PageTarget>, LogError> {
        if !self.operation().is_page_operation() {
            return Ok(None);
        }
        let Some(h) = self.fixed().get(COMMON_HEADER..).and_then(|rest| rest.first_chunk::<24>()) else {
            return Err(LogError::record(self.lsn, COMMON_HEADER, "the record ends too early"));
        };
        Ok(Some(PageTarget {
            page: PageId::from_bytes([h[0], h[1], h[2], h[3], h[4], h[5]]),
            slot: u16::from_le_bytes([h[6], h[7]]),
            object_part: u32::from_le_bytes([h[8], h[9], h[10], h[11]]),
            page_lsn: Lsn::from_bytes([h[12], h[13], h[14], h[15], h[16], h[17], h[18], h[19], h[20], h[21]]),
            index_part: u16::from_le_bytes([h[22], h[23]]),
        }))
    }

    /// The row header, for row operations.
    #[inline]
    pub fn row_target(&self) -> Result<RowTarget, LogError> {
        let mut r = self.reader(PAGE_HEADER);
        let mut read = || -> Result<RowTarget, holdfast_base::Truncated> {
            Ok(RowTarget {
                rowset: r.u64()?,
                offset: r.u16()?,
                size_or_flags: r.u16()?,
                space_bits: r.u16()?,
            })
        };
        read().map_err(LogError::short(self.lsn))
    }

    /// The variable elements behind the fixed part. All of them lie inside the record.
    #[inline]
    pub fn elements(&self) -> Result<Elements<'a>, LogError> {
        let mut r = ByteReader::at(self.bytes, usize::from(self.fixed));
        let count = r.u16().map_err(LogError::short(self.lsn))?;
        let lengths = r.bytes(usize::from(count) * 2).map_err(LogError::short(self.lsn))?;
        let first = r.position().next_multiple_of(4);
        let area = self.bytes.get(first..).unwrap_or(&[]);
        let elements = Elements { lsn: self.lsn, lengths, area };
        let mut end = 0usize;
        for length in elements.lengths() {
            let at = end.next_multiple_of(4);
            end = at + length;
            if end > area.len() || at > area.len() || first > self.bytes.len() {
                return Err(LogError::record(self.lsn, first + at, "an element reaches beyond the record"));
            }
        }
        Ok(elements)
    }
}

/// The variable elements of a record. Nothing is copied; each is found by adding up the lengths before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elements<'a> {
    lsn: Lsn,
    /// Two bytes for each.
    lengths: &'a [u8],
    /// From the first element on; a multiple of 4 behind the record's beginning.
    area: &'a [u8],
}

impl<'a> Elements<'a> {
    pub fn len(&self) -> usize {
        self.lengths.len() / 2
    }

    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    #[inline]
    fn lengths(&self) -> impl Iterator<Item = usize> + use<'a> {
        self.lengths.chunks_exact(2).map(|l| usize::from(u16::from_le_bytes([l[0], l[1]])))
    }

    /// All elements in order.
    #[inline]
    pub fn iter(&self) -> ElementIter<'a> {
        ElementIter { lengths: self.lengths, area: self.area }
    }

    /// The rows of INSERT_ROWS: every element but the last two.
    #[inline]
    pub fn rows(&self) -> ElementIter<'a> {
        let lengths = self.lengths.get(..self.lengths.len().saturating_sub(4)).unwrap_or(&[]);
        ElementIter { lengths, area: self.area }
    }

    pub fn first(&self) -> Option<&'a [u8]> {
        self.iter().next()
    }

    /// An element that must be there.
    pub fn required(&self, index: usize) -> Result<&'a [u8], LogError> {
        self.iter().nth(index).ok_or(LogError::record(self.lsn, 0, "an element is missing"))
    }
}

/// Walks over the elements of a record.
#[derive(Clone, Debug)]
pub struct ElementIter<'a> {
    lengths: &'a [u8],
    area: &'a [u8],
}

impl<'a> Iterator for ElementIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.lengths.split_first_chunk()?;
        self.lengths = rest;
        let length = usize::from(u16::from_le_bytes(*length));
        let part = self.area.get(..length)?;
        self.area = self.area.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some(part)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.lengths.len() / 2, Some(self.lengths.len() / 2))
    }
}

impl ExactSizeIterator for ElementIter<'_> {}
