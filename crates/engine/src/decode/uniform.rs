//! Plain data pages whose rows all have one shape: the fast way from columns to vectors.
//!
//! Nearly every page of an uncompressed table is such a page: its rows were written under one definition of the table, so
//! their fixed parts end at the same byte and their null bitmaps count the same columns. Then a fixed column is one strided copy,
//! and variable ones are found without parsing whole records.
//!
//! Invariants
//! 1. Every row in `rows` lies with its fixed part and null bitmap inside the page's record area; reads need no further
//!    judgement.
//! 2. Ghosts and forwarding stubs are no rows. A page that differs in anything is refused (`None`), and the general way
//!    reads it and finds what is wrong with it.
//! 3. A column gets exactly one entry per row, as in [`super::column`].

use std::ops::Range;

use holdfast_base::PAGE_SIZE;
use holdfast_format::page::HEADER_SIZE;
use holdfast_format::record::layout::Placement;
use holdfast_format::record::{FixedVar, status};
use holdfast_format::{FormatError, PageBytes, PageView, RecordError};
use holdfast_types::batch::ColumnData;
use holdfast_types::{Date, SmallDateTime, Time, TypeId};

use super::column::{ColumnPlan, Target};
use super::{date, datetime, datetime2, ticks};

/// Type bits of a forwarded row.
const FORWARDED: u8 = 0x02;
/// Bytes of null bitmap that are looked at: 64 columns.
const BITMAP_MAX: usize = 8;

/// The rows of a page.
pub struct UniformPage<'a> {
    page: PageView<'a>,
    bytes: &'a PageBytes,
    /// Where each row begins.
    rows: &'a [u16],
    fixed_end: usize,
    /// Columns counted by the null bitmaps.
    columns: u16,
    /// Null bits of all rows, one over the other.
    nulls: u64,
}

impl<'a> UniformPage<'a> {
    /// Looks at every row of an uncompressed data page; `rows` is room for their places.
    pub fn recognise(view: PageView<'a>, rows: &'a mut Vec<u16>) -> Option<Self> {
        let bytes = view.bytes();
        let limit = view.slot_array_start();
        let count = usize::from(view.slot_count()).min((PAGE_SIZE - HEADER_SIZE) / 2);
        rows.clear();
        rows.reserve(count);
        let (mut shape, mut fixed_end, mut columns, mut bitmap, mut nulls) =
            (0u32, 0usize, 0u16, 0usize, 0u64);
        for slot in 0..count {
            let at = PAGE_SIZE - 2 * (slot + 1);
            let offset = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
            if offset == 0 {
                continue;
            }
            if offset < HEADER_SIZE || offset + 4 > limit {
                return None;
            }
            let head =
                u32::from_le_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]]);
            match head as u8 & (status::COMPRESSED | status::TYPE_MASK) {
                0 | FORWARDED => {}
                kind if kind & status::COMPRESSED != 0 => return None,
                _ => continue,
            }
            // The fixed part's end, and whether there is a null bitmap.
            let own = head & (0xFFFF_0000 | u32::from(status::NULL_BITMAP));
            if rows.is_empty() {
                shape = own;
                fixed_end = (head >> 16) as usize;
                if head as u8 & status::NULL_BITMAP == 0 || fixed_end < 4 || offset + fixed_end + 2 > limit {
                    return None;
                }
                columns = u16::from_le_bytes([bytes[offset + fixed_end], bytes[offset + fixed_end + 1]]);
                bitmap = usize::from(columns).div_ceil(8);
                if bitmap > BITMAP_MAX {
                    return None;
                }
            }
            let tail = offset + fixed_end;
            if own != shape || tail + 2 + bitmap > limit {
                return None;
            }
            if u16::from_le_bytes([bytes[tail], bytes[tail + 1]]) != columns {
                return None;
            }
            for i in 0..bitmap {
                nulls |= u64::from(bytes[tail + 2 + i]) << (8 * i);
            }
            rows.push(offset as u16);
        }
        Some(UniformPage { page: view, bytes, rows, fixed_end, columns, nulls })
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    #[inline(always)]
    fn read<const N: usize>(&self, row: u16, start: usize) -> [u8; N] {
        let at = usize::from(row) + start;
        let mut out = [0u8; N];
        out.copy_from_slice(&self.bytes[at..at + N]);
        out
    }

    /// Slots of the rows, in their order.
    fn slots(&self) -> impl Iterator<Item = u16> {
        let mut rows = self.rows.iter().copied().peekable();
        (0..self.page.slot_count()).filter(move |&slot| {
            let at = PAGE_SIZE - 2 * (usize::from(slot) + 1);
            let offset = u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]);
            rows.next_if_eq(&offset).is_some()
        })
    }

    fn fail(&self, row: u16, e: RecordError) -> FormatError {
        let found = self.slots().zip(self.rows).find(|(_, r)| **r == row);
        e.at(self.page.page_id(), found.map_or(0, |f| f.0))
    }

    /// The rows as parsed records, for columns outside the fixed part.
    pub fn records(&self) -> Result<Vec<(u16, FixedVar<'a>)>, FormatError> {
        let mut out = Vec::with_capacity(self.rows.len());
        let limit = self.page.slot_array_start();
        for (slot, &row) in self.slots().zip(self.rows) {
            let record = self.bytes.get(usize::from(row)..limit).unwrap_or(&[]);
            out.push((slot, FixedVar::parse_data(record).map_err(|e| self.fail(row, e))?));
        }
        Ok(out)
    }

    /// Where the column's bytes lie in each row; `None` for a NULL. Values kept elsewhere, and whatever looks wrong, are for
    /// the general way.
    fn ranges(&self, place: &Placement) -> Option<Vec<Option<Range<usize>>>> {
        let limit = self.page.slot_array_start();
        let bit = usize::from(place.null_bit.checked_sub(1)?);
        if place.offset == 0 || place.null_bit > self.columns || place.is_bit {
            return None;
        }
        let bitmap = self.fixed_end + 2;
        let behind = bitmap + usize::from(self.columns).div_ceil(8);
        let word = |at: usize| usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]));
        let mut out = Vec::with_capacity(self.rows.len());
        for &row in self.rows {
            let row = usize::from(row);
            if self.bytes[row + bitmap + bit / 8] >> (bit % 8) & 1 == 1 {
                out.push(None);
                continue;
            }
            let (start, end) = if place.offset > 0 {
                let start = usize::from(place.offset.unsigned_abs());
                let end = start + usize::from(place.size);
                if end > self.fixed_end {
                    return None;
                }
                (start, end)
            } else {
                let index = usize::from(place.offset.unsigned_abs()) - 1;
                let count = if self.bytes[row] & status::VARIABLE == 0 {
                    0
                } else if row + behind + 2 <= limit {
                    word(row + behind)
                } else {
                    return None;
                };
                let (ends, data) = (behind + 2, behind + 2 + 2 * count);
                if row + data > limit {
                    return None;
                }
                if index >= count {
                    (0, 0)
                } else {
                    let start = if index == 0 { data } else { word(row + ends + 2 * index - 2) & 0x7FFF };
                    let end = word(row + ends + 2 * index);
                    // Bit 15: the value is elsewhere, or of a form of its own.
                    if end & 0x8000 != 0 || start < data || end < start || row + end > limit {
                        return None;
                    }
                    (start, end)
                }
            };
            out.push(Some(row + start..row + end));
        }
        Some(out)
    }

    /// Appends one entry per row of a column of text or bytes; `false` = nothing was appended.
    fn fill_long(&self, place: &Placement, plan: &ColumnPlan, target: &mut Target) -> bool {
        let Some(ranges) = self.ranges(place) else { return false };
        let before = target.data.len();
        let bytes: usize = ranges.iter().flatten().map(Range::len).sum();
        // Offsets are 32 bits wide: a batch that could outgrow them is for the general way, which says so.
        let room = |used: usize| used + 2 * bytes < u32::MAX as usize;
        match (&mut target.data, plan.ty.id) {
            (ColumnData::Utf16(v), TypeId::NChar | TypeId::NVarChar) if room(v.data.len()) => {
                v.data.reserve(bytes / 2);
                for range in &ranges {
                    if let Some(range) = range {
                        let units = self.bytes[range.clone()].chunks_exact(2);
                        v.data.extend(units.map(|c| u16::from_le_bytes([c[0], c[1]])));
                    }
                    v.offsets.push(v.data.len() as u32);
                }
            }
            (ColumnData::Utf16(v), TypeId::Char | TypeId::VarChar) if room(v.data.len()) => {
                let page = plan.ty.collation.code_page();
                for range in &ranges {
                    if let Some(range) = range {
                        page.decode_into(&self.bytes[range.clone()], &mut v.data);
                    }
                    v.offsets.push(v.data.len() as u32);
                }
            }
            (ColumnData::Bytes(v), TypeId::Binary | TypeId::VarBinary) if room(v.data.len()) => {
                for range in &ranges {
                    if let Some(range) = range {
                        v.data.extend_from_slice(&self.bytes[range.clone()]);
                    }
                    v.offsets.push(v.data.len() as u32);
                }
            }
            _ => return false,
        }
        if ranges.iter().any(Option::is_none) {
            target.null_flags(before).extend(ranges.iter().map(Option::is_none));
        }
        true
    }

    /// Appends one entry per row, if the column's type has a loop here and its values lie in the rows; `false` = nothing was
    /// appended.
    pub fn fill(
        &self,
        place: &Placement,
        plan: &ColumnPlan,
        target: &mut Target,
    ) -> Result<bool, FormatError> {
        if matches!(target.data, ColumnData::Utf16(_) | ColumnData::Bytes(_)) {
            return Ok(self.fill_long(place, plan, target));
        }
        let (start, size) = (usize::from(place.offset.max(0) as u16), usize::from(place.size));
        let bit = usize::from(place.null_bit.wrapping_sub(1));
        // Without a null bit, or behind what the rows know of (a column added later): the general way.
        if place.offset < 4
            || start + size > self.fixed_end
            || place.null_bit == 0
            || place.null_bit > self.columns
            || bit >= 64
        {
            return Ok(false);
        }
        let nullable = self.nulls >> bit & 1 == 1;
        let null_byte = self.fixed_end + 2 + bit / 8;
        let null_mask = 1u8 << (bit % 8);
        let scale = plan.ty.scale;
        let before = target.data.len();
        // Values that cannot be wrong.
        macro_rules! plain {
            ($variant:ident, $n:literal, |$a:ident| $value:expr) => {{
                let ColumnData::$variant(v) = &mut target.data else { return Ok(false) };
                if size != $n {
                    return Ok(false);
                }
                v.extend(self.rows.iter().map(|&row| {
                    let $a = self.read::<$n>(row, start);
                    $value
                }));
            }};
        }
        // Values that are checked; under NULL may lie anything.
        macro_rules! checked {
            ($variant:ident, $zero:expr, |$b:ident| $value:expr) => {{
                let ColumnData::$variant(v) = &mut target.data else { return Ok(false) };
                v.reserve(self.rows.len());
                for &row in self.rows {
                    let at = usize::from(row);
                    if nullable && self.bytes[at + null_byte] & null_mask != 0 {
                        v.push($zero);
                        continue;
                    }
                    let $b = &self.bytes[at + start..at + start + size];
                    match $value {
                        Ok(x) => v.push(x),
                        Err(e) => return Err(self.fail(row, e)),
                    }
                }
            }};
        }
        match plan.ty.id {
            TypeId::Bit if place.is_bit => {
                let shift = place.bit & 7;
                plain!(U8, 1, |a| a[0] >> shift & 1);
            }
            TypeId::TinyInt => plain!(U8, 1, |a| a[0]),
            TypeId::SmallInt => plain!(I16, 2, |a| i16::from_le_bytes(a)),
            TypeId::Int | TypeId::SmallMoney => plain!(I32, 4, |a| i32::from_le_bytes(a)),
            TypeId::BigInt | TypeId::Money => plain!(I64, 8, |a| i64::from_le_bytes(a)),
            TypeId::Real => plain!(F32, 4, |a| f32::from_le_bytes(a)),
            TypeId::Float => plain!(F64, 8, |a| f64::from_le_bytes(a)),
            TypeId::UniqueIdentifier => plain!(Guid, 16, |a| a),
            TypeId::SmallDateTime => plain!(SmallDateTime, 4, |a| SmallDateTime {
                minutes: u16::from_le_bytes([a[0], a[1]]),
                days: u16::from_le_bytes([a[2], a[3]]),
            }),
            TypeId::Decimal | TypeId::Numeric if size == 5 => plain!(Decimal, 5, |a| {
                let m = i64::from(u32::from_le_bytes([a[1], a[2], a[3], a[4]]));
                i128::from(if a[0] == 0 { -m } else { m })
            }),
            TypeId::Decimal | TypeId::Numeric if size == 9 => plain!(Decimal, 9, |a| {
                let m = i128::from(u64::from_le_bytes([a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]]));
                if a[0] == 0 { -m } else { m }
            }),
            TypeId::Decimal | TypeId::Numeric => {
                checked!(Decimal, 0, |b| holdfast_format::record::number::decode_decimal(b));
            }
            TypeId::Date => checked!(I32, 0, |b| date(b).map(|d| Date(d).0)),
            TypeId::Time => checked!(I64, 0, |b| ticks(b, scale).map(|t| Time(t).0 as i64)),
            TypeId::DateTime => checked!(DateTime, Default::default(), |b| datetime(b)),
            TypeId::DateTime2 => checked!(DateTime2, Default::default(), |b| datetime2(b, scale)),
            _ => return Ok(false),
        }
        if nullable {
            let flags = target.null_flags(before);
            flags.extend(
                self.rows.iter().map(|&row| self.bytes[usize::from(row) + null_byte] & null_mask != 0),
            );
        }
        Ok(true)
    }
}
