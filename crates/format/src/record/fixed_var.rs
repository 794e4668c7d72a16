//! The plain record form.
//!
//! ```text
//! data record                                   index record
//! 0   status A                                  0   status A
//! 1   status B                                  1   fixed columns … (non-leaf: child pointer last)
//! 2   u16 f: end of the fixed part              p = pminlen
//! 4   fixed columns
//! f   u16 columns, bitmap of ceil(n/8) bytes    (as data, when status 0x10)
//!     u16 variable columns, u16 end offsets     (as data, when status 0x20)
//!     variable data                             a set bit 15 of an end offset marks a complex column
//!     14-byte version tag                       (when status 0x40)
//! ```
//!
//! Invariants
//! 1. `parse_*` checks that every part lies inside the slice; field access is then checked against the parts only.
//! 2. A fixed column behind the record's fixed part, or whose null bit exceeds the record's column count, was added
//!    after the row was written: [`Field::Missing`].
//! 3. A variable column beyond the record's count is empty unless its null bit says NULL.
//!
//! Evidence: docs/format/record.md; every record of the genuine corpus parses.

use holdfast_base::{PageId, Rid};

use super::layout::Placement;
use super::{Field, VERSION_TAG_SIZE, status};
use crate::error::RecordError;

/// Kind of a plain record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordType {
    Primary,
    /// A row that moved away from its home slot; its last variable column points back.
    Forwarded,
    /// The home slot of a moved row.
    Stub,
    Index,
    Lob,
    GhostIndex,
    GhostData,
    GhostVersion,
}

impl RecordType {
    pub const fn of(status: u8) -> Self {
        match (status & super::status::TYPE_MASK) >> 1 {
            0 => RecordType::Primary,
            1 => RecordType::Forwarded,
            2 => RecordType::Stub,
            3 => RecordType::Index,
            4 => RecordType::Lob,
            5 => RecordType::GhostIndex,
            6 => RecordType::GhostData,
            _ => RecordType::GhostVersion,
        }
    }

    pub const fn is_ghost(self) -> bool {
        matches!(self, RecordType::GhostIndex | RecordType::GhostData | RecordType::GhostVersion)
    }
}

/// A parsed plain record.
#[derive(Clone, Copy, Debug)]
pub struct FixedVar<'a> {
    /// Exactly the record, version tag included.
    bytes: &'a [u8],
    /// End of the fixed part.
    fixed_end: u16,
    /// Columns in the null bitmap; 0 without one.
    column_count: u16,
    /// Offset of the null bitmap's bytes.
    nulls: u16,
    /// Variable columns present.
    variable_count: u16,
    /// Offset of the array of end offsets.
    ends: u16,
    /// First byte of variable data.
    variable_start: u16,
    /// End of the record without its version tag.
    body_end: u16,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes([pair[0], pair[1]]))
}

impl<'a> FixedVar<'a> {
    /// Parses a data record; `bytes` starts at the record and may go on behind it.
    #[inline]
    pub fn parse_data(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let fixed_end = u16_at(bytes, 2).ok_or(RecordError::new(2, "the record ends inside its prologue"))?;
        if fixed_end < 4 {
            return Err(RecordError::new(2, "the fixed part ends before it begins"));
        }
        Self::parse_from(bytes, fixed_end)
    }

    /// Parses an index record, whose fixed part ends at the page's pminlen.
    #[inline]
    pub fn parse_index(bytes: &'a [u8], pminlen: u16) -> Result<Self, RecordError> {
        if pminlen < 1 {
            return Err(RecordError::new(0, "the page has no length for index records"));
        }
        Self::parse_from(bytes, pminlen)
    }

    /// A forwarding stub as a record without columns.
    pub fn parse_stub(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let bytes =
            bytes.get(..super::STUB_SIZE).ok_or(RecordError::new(1, "the forwarding stub is cut off"))?;
        Ok(FixedVar {
            bytes,
            fixed_end: 1,
            column_count: 0,
            nulls: 1,
            variable_count: 0,
            ends: 1,
            variable_start: 9,
            body_end: 9,
        })
    }

    #[inline]
    fn parse_from(bytes: &'a [u8], fixed_end: u16) -> Result<Self, RecordError> {
        let first = *bytes.first().ok_or(RecordError::new(0, "the record is empty"))?;
        if first & status::COMPRESSED != 0 {
            return Err(RecordError::new(0, "the record is compressed"));
        }
        let mut at = usize::from(fixed_end);
        if at > bytes.len() {
            return Err(RecordError::new(2, "the fixed part is longer than the page's rest"));
        }
        let mut column_count = 0;
        let mut nulls = at;
        if first & status::NULL_BITMAP != 0 {
            column_count =
                u16_at(bytes, at).ok_or(RecordError::new(at, "the record ends before its column count"))?;
            nulls = at + 2;
            at = nulls + usize::from(column_count).div_ceil(8);
        }
        let (mut variable_count, mut ends) = (0, at);
        let mut body_end = at;
        let mut variable_start = at;
        if first & status::VARIABLE != 0 {
            variable_count = u16_at(bytes, at)
                .ok_or(RecordError::new(at, "the record ends before its variable column count"))?;
            ends = at + 2;
            variable_start = ends + 2 * usize::from(variable_count);
            body_end = variable_start;
            if variable_count > 0 {
                let last = u16_at(bytes, variable_start - 2)
                    .ok_or(RecordError::new(ends, "the record ends inside its offset array"))?;
                body_end = usize::from(last & 0x7FFF);
                if body_end < variable_start {
                    return Err(RecordError::new(variable_start - 2, "variable data ends before it begins"));
                }
            }
        }
        let length = body_end + if first & status::VERSION_TAG != 0 { VERSION_TAG_SIZE } else { 0 };
        let bytes =
            bytes.get(..length).ok_or(RecordError::new(ends, "the record is longer than the page's rest"))?;
        // All offsets are within a page's 8192 bytes here, because `length` was inside the slice.
        let narrow = |v: usize| u16::try_from(v).map_err(|_| RecordError::new(0, "the record is too long"));
        Ok(FixedVar {
            bytes,
            fixed_end,
            column_count,
            nulls: narrow(nulls)?,
            variable_count,
            ends: narrow(ends)?,
            variable_start: narrow(variable_start)?,
            body_end: narrow(body_end)?,
        })
    }

    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of the record, version tag included.
    pub const fn length(&self) -> usize {
        self.bytes.len()
    }

    pub const fn status(&self) -> u8 {
        self.bytes[0]
    }

    pub const fn record_type(&self) -> RecordType {
        RecordType::of(self.bytes[0])
    }

    pub const fn fixed_end(&self) -> u16 {
        self.fixed_end
    }

    pub const fn has_null_bitmap(&self) -> bool {
        self.bytes[0] & status::NULL_BITMAP != 0
    }

    /// Columns the null bitmap covers; 0 without a bitmap.
    pub const fn column_count(&self) -> u16 {
        self.column_count
    }

    pub const fn variable_count(&self) -> u16 {
        self.variable_count
    }

    /// First byte of variable data and end of the body, as offsets in the record.
    pub const fn variable_bounds(&self) -> (u16, u16) {
        (self.variable_start, self.body_end)
    }

    pub fn version_tag(&self) -> Option<&'a [u8]> {
        (self.status() & status::VERSION_TAG != 0).then(|| &self.bytes[usize::from(self.body_end)..])
    }

    /// The null bit numbered from 1; bits outside the bitmap are not set.
    #[inline]
    pub fn is_null(&self, null_bit: u16) -> bool {
        if null_bit == 0 || null_bit > self.column_count {
            return false;
        }
        let bit = usize::from(null_bit - 1);
        self.bytes.get(usize::from(self.nulls) + bit / 8).is_some_and(|b| b >> (bit % 8) & 1 == 1)
    }

    /// Any null bit of the first `count` columns is set.
    pub fn any_null(&self, count: u16) -> bool {
        (1..=count.min(self.column_count)).any(|bit| self.is_null(bit))
    }

    /// Variable column `index` from 0: its bytes and whether it is complex; `None` beyond the record's count.
    #[inline]
    pub fn variable(&self, index: u16) -> Result<Option<(&'a [u8], bool)>, RecordError> {
        if index >= self.variable_count {
            return Ok(None);
        }
        let at = usize::from(self.ends) + 2 * usize::from(index);
        let broken = RecordError::new(at, "a variable column's end offset is out of order");
        let end = u16_at(self.bytes, at).ok_or(broken)?;
        let start =
            if index == 0 { self.variable_start } else { u16_at(self.bytes, at - 2).ok_or(broken)? & 0x7FFF };
        let (start, stop) = (usize::from(start), usize::from(end & 0x7FFF));
        if start < usize::from(self.variable_start) || stop > usize::from(self.body_end) {
            return Err(broken);
        }
        let data = self.bytes.get(start..stop).ok_or(broken)?;
        Ok(Some((data, end & 0x8000 != 0)))
    }

    /// As [`Self::variable`], without the back pointer of a forwarded record: it is the last one, and a record whose last columns are
    /// empty and left out has it in their place.
    #[inline]
    fn variable_field(&self, index: u16) -> Result<Option<(&'a [u8], bool)>, RecordError> {
        if index + 1 == self.variable_count && self.record_type() == RecordType::Forwarded {
            return Ok(None);
        }
        self.variable(index)
    }

    /// What the record says about the column placed at `place`.
    #[inline]
    pub fn field(&self, place: &Placement) -> Result<Field<'a>, RecordError> {
        if place.null_bit > 0 && self.has_null_bitmap() {
            if place.null_bit > self.column_count {
                return Ok(Field::Missing);
            }
            if self.is_null(place.null_bit) {
                return Ok(Field::Null);
            }
        }
        if place.offset > 0 {
            let start = usize::from(place.offset.unsigned_abs());
            let end = start + usize::from(place.size);
            if end > usize::from(self.fixed_end) {
                return Ok(Field::Missing);
            }
            if place.is_bit {
                return Ok(Field::Bit(self.bytes[start] >> (place.bit & 7) & 1 == 1));
            }
            Ok(Field::Bytes(&self.bytes[start..end]))
        } else if place.offset < 0 {
            Ok(match self.variable_field(place.offset.unsigned_abs() - 1)? {
                None => Field::Bytes(&[]),
                Some((data, false)) => Field::Bytes(data),
                Some((data, true)) => Field::Complex(data),
            })
        } else {
            Ok(Field::Missing)
        }
    }

    /// The child pointer at the end of the fixed part of a non-leaf record.
    pub fn child(&self) -> Result<PageId, RecordError> {
        let end = usize::from(self.fixed_end);
        let pointer = end.checked_sub(6).and_then(|start| self.bytes.get(start..end));
        let mut raw = [0u8; 6];
        raw.copy_from_slice(pointer.ok_or(RecordError::new(0, "the entry has no room for a child pointer"))?);
        Ok(PageId::from_bytes(raw))
    }

    /// Where a forwarded record's home slot is.
    pub fn back_pointer(&self) -> Option<Rid> {
        if self.record_type() != RecordType::Forwarded {
            return None;
        }
        let (data, complex) = self.variable(self.variable_count.checked_sub(1)?).ok()??;
        if !complex || data.len() != 10 || data[..2] != [0, 4] {
            return None;
        }
        let mut rid = [0u8; 8];
        rid.copy_from_slice(&data[2..]);
        Some(Rid::from_bytes(rid))
    }
}

/// Sets the column placed at `place` of a data record to `value` (`None`: NULL) without moving anything else. `false`, and nothing is
/// changed, where that cannot be: the value has another length than what stands there, the record is older than the column or was
/// moved or carries a version tag, the column is a bit or has its value on pages of its own.
///
/// # Errors
/// The record does not parse.
pub fn set_in_place(record: &mut [u8], place: &Placement, value: Option<&[u8]>) -> Result<bool, RecordError> {
    let parsed = FixedVar::parse_data(record)?;
    let plain = parsed.record_type() == RecordType::Primary
        && parsed.has_null_bitmap()
        && parsed.status() & status::VERSION_TAG == 0;
    if !plain || place.is_bit || place.null_bit == 0 || place.null_bit > parsed.column_count {
        return Ok(false);
    }
    let bit = place.null_bit - 1;
    let null_byte = usize::from(parsed.nulls) + usize::from(bit / 8);
    let was_null = parsed.is_null(place.null_bit);
    let range = if place.offset > 0 {
        let start = usize::from(place.offset.unsigned_abs());
        if start + usize::from(place.size) > usize::from(parsed.fixed_end) {
            return Ok(false);
        }
        start..start + usize::from(place.size)
    } else if place.offset < 0 {
        match parsed.variable_field(place.offset.unsigned_abs() - 1)? {
            Some((data, false)) if !was_null => {
                let start = data.as_ptr() as usize - parsed.bytes.as_ptr() as usize;
                start..start + data.len()
            }
            _ => return Ok(false),
        }
    } else {
        return Ok(false);
    };
    match value {
        Some(value) if value.len() == range.len() => record[range].copy_from_slice(value),
        // A variable column gives its bytes back.
        None if place.offset > 0 => record[range].fill(0),
        _ => return Ok(false),
    }
    let mask = 1u8 << (bit % 8);
    if value.is_none() {
        record[null_byte] |= mask;
    } else {
        record[null_byte] &= !mask;
    }
    Ok(true)
}

/// Where a forwarding stub points.
pub fn stub_target(bytes: &[u8]) -> Result<Rid, RecordError> {
    let mut rid = [0u8; 8];
    rid.copy_from_slice(bytes.get(1..9).ok_or(RecordError::new(1, "the forwarding stub is cut off"))?);
    Ok(Rid::from_bytes(rid))
}

/// The 9 bytes of a forwarding stub.
pub fn build_stub(target: Rid) -> [u8; 9] {
    let mut out = [0u8; 9];
    out[0] = 0x04;
    out[1..].copy_from_slice(&target.to_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: i16, size: u16, null_bit: u16) -> Placement {
        Placement { offset, size, null_bit, bit: 0, is_bit: false }
    }

    #[test]
    fn a_row_with_fixed_and_variable_columns() {
        let row = [0x30, 0, 8, 0, 7, 0, 0, 0, 3, 0, 0b100, 2, 0, 20, 0, 20, 0, b'a', b'b', b'c', 0xEE, 0xEE];
        let r = FixedVar::parse_data(&row).expect("parses");
        assert_eq!(r.length(), 20);
        assert_eq!(r.field(&place(4, 4, 1)), Ok(Field::Bytes(&[7, 0, 0, 0])));
        assert_eq!(r.field(&place(-1, 0, 2)), Ok(Field::Bytes(b"abc")));
        assert_eq!(r.field(&place(-2, 0, 3)), Ok(Field::Null));
        assert_eq!(r.field(&place(-3, 0, 4)), Ok(Field::Missing));
        assert_eq!(r.field(&place(8, 4, 0)), Ok(Field::Missing));
    }

    #[test]
    fn what_is_set_in_place_moves_nothing() {
        let row = [0x30, 0, 8, 0, 7, 0, 0, 0, 3, 0, 0b100, 2, 0, 20, 0, 20, 0, b'a', b'b', b'c'];
        let set = |row: &[u8], place: Placement, value: Option<&[u8]>| {
            let mut row = row.to_vec();
            let done = set_in_place(&mut row, &place, value).expect("parses");
            done.then_some(row)
        };
        let fixed = set(&row, place(4, 4, 1), Some(&[1, 2, 3, 4])).expect("set");
        assert_eq!(
            FixedVar::parse_data(&fixed).unwrap().field(&place(4, 4, 1)),
            Ok(Field::Bytes(&[1, 2, 3, 4]))
        );
        let null = set(&row, place(4, 4, 1), None).expect("set");
        assert_eq!(null[4..8], [0; 4]);
        assert_eq!(FixedVar::parse_data(&null).unwrap().field(&place(4, 4, 1)), Ok(Field::Null));
        assert_eq!(set(&null, place(4, 4, 1), Some(&row[4..8])).as_deref(), Some(&row[..]));
        assert!(set(&row, place(-1, 0, 2), Some(b"xyz")).is_some_and(|r| r.ends_with(b"xyz")));
        // Another length, NULL to or from a variable column, no column of this record, a bit.
        assert_eq!(set(&row, place(-1, 0, 2), Some(b"xy")), None);
        assert_eq!(set(&row, place(-1, 0, 2), None), None);
        assert_eq!(set(&row, place(-2, 0, 3), Some(b"")), None);
        assert_eq!(set(&row, place(8, 4, 1), Some(&[0; 4])), None);
        assert_eq!(set(&row, place(4, 4, 4), Some(&[0; 4])), None);
        assert_eq!(set(&row, Placement { is_bit: true, ..place(4, 1, 1) }, Some(&[1])), None);
        // A complex column, a version tag, a forwarded record.
        let mut complex = row;
        complex[14] |= 0x80;
        complex[16] |= 0x80;
        assert_eq!(set(&complex, place(-1, 0, 2), Some(b"xyz")), None);
        let mut tagged = row.to_vec();
        tagged[0] |= status::VERSION_TAG;
        tagged.extend([0; VERSION_TAG_SIZE]);
        assert_eq!(set(&tagged, place(4, 4, 1), Some(&[0; 4])), None);
        let mut moved = row;
        moved[0] |= 2;
        assert_eq!(set(&moved, place(4, 4, 1), Some(&[0; 4])), None);
        // Whatever a byte becomes, nothing panics and the length stays.
        for at in 0..row.len() {
            for byte in 0..=255 {
                let mut broken = row;
                broken[at] = byte;
                for (place, value) in [(place(4, 4, 1), None), (place(-2, 0, 2), Some(&b"abc"[..]))] {
                    let _ = set_in_place(&mut broken, &place, value);
                }
            }
        }
    }

    #[test]
    fn truncations_are_errors() {
        let row = [0x30, 0, 8, 0, 7, 0, 0, 0, 3, 0, 0b100, 2, 0, 20, 0, 20, 0, b'a', b'b', b'c'];
        for n in 0..row.len() {
            assert!(FixedVar::parse_data(&row[..n]).is_err(), "{n} bytes");
        }
    }
}
