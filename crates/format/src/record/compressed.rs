//! The compressed ("CD") record form of ROW and PAGE compressed rowsets.
//!
//! ```text
//! 0   header: bit 0 = 1, bit 1 version tag, bits 2–4 type, bit 5 long data present
//! 1   column count: 1 byte below 128, else 2 bytes big-endian with bit 15 set
//!     CD array: 4 bits per column, low nibble first
//!     short data: cluster lengths (one byte per 30 columns except the last cluster), values
//!     long data: flags, u16 count, u16 end offsets (bit 15 complex), cluster counts, values
//!     back pointer of a forwarded record (an address), version tag
//! ```
//! Nibble: 0 NULL, 1 empty, 2…9 one to eight bytes, 10 long, 11 bit 1, 12 one-byte symbol, 13 two-byte symbol.
//!
//! Invariants
//! 1. Columns are in physical order; `parse` resolves each to a range of the record, all inside it.
//! 2. [`expand`] gives the bytes the plain form would hold, so that nothing above knows about compression.
//!
//! Evidence: a published page dump for the structure and int values; public descriptions for the rest (docs/format/compression.md).

use holdfast_base::Rid;

use super::{
    Field, STUB_SIZE, VERSION_TAG_SIZE, layout::PhysicalColumn, layout::RowLayout, layout::decimal_size,
    layout::fixed_size, layout::xtype, number, scsu, writer::RecordShape,
};
use crate::error::RecordError;

/// Bytes of the address that a forwarded record leads back to.
const BACK_POINTER_SIZE: usize = 8;

/// Columns per cluster.
const CLUSTER: usize = 30;

/// Kind of a compressed record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CdType {
    Primary,
    GhostEmpty,
    Stub,
    GhostData,
    Forwarded,
    GhostForwarded,
    Index,
    GhostIndex,
}

/// Where a column's bytes lie in the record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CdSlot {
    Null,
    Empty,
    True,
    /// Range of the record.
    Short(u16, u16),
    Long(u16, u16),
    /// A long column that is a pointer.
    Complex(u16, u16),
    Symbol(u16),
}

/// A parsed compressed record; the columns are in the scratch vector given to [`CdRecord::parse`].
#[derive(Clone, Copy, Debug)]
pub struct CdRecord<'a> {
    bytes: &'a [u8],
    columns: usize,
    length: usize,
    /// Where the columns end.
    home: usize,
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, RecordError> {
    bytes.get(at).copied().ok_or(RecordError::new(at, "the compressed record is cut off"))
}

fn word(bytes: &[u8], at: usize) -> Result<u16, RecordError> {
    Ok(u16::from_le_bytes([byte(bytes, at)?, byte(bytes, at + 1)?]))
}

impl<'a> CdRecord<'a> {
    /// Parses the record at the start of `bytes`; `slots` is cleared and filled with one entry per column.
    pub fn parse(bytes: &'a [u8], slots: &mut Vec<CdSlot>) -> Result<Self, RecordError> {
        slots.clear();
        let header = byte(bytes, 0)?;
        if header & 1 == 0 {
            return Err(RecordError::new(0, "the record is not compressed"));
        }
        if (header >> 2) & 7 == 2 {
            // A forwarding stub: header and the target's address.
            if bytes.len() < STUB_SIZE {
                return Err(RecordError::new(1, "the forwarding stub is cut off"));
            }
            return Ok(CdRecord { bytes, columns: 0, length: STUB_SIZE, home: STUB_SIZE });
        }
        let first = byte(bytes, 1)?;
        let (columns, mut at) = if first & 0x80 == 0 {
            (usize::from(first), 2)
        } else {
            (usize::from(u16::from_be_bytes([first & 0x7F, byte(bytes, 2)?])), 3)
        };
        let nibbles = at;
        at += columns.div_ceil(2);
        byte(bytes, at.saturating_sub(1))?;
        let clusters = columns.saturating_sub(1) / CLUSTER;
        // Cluster lengths only speed up access: positions follow from the nibbles.
        at += clusters;
        let mut long_columns = 0usize;
        for column in 0..columns {
            let nibble = byte(bytes, nibbles + column / 2)? >> (4 * (column % 2)) & 0xF;
            let slot = match nibble {
                0 => CdSlot::Null,
                1 => CdSlot::Empty,
                11 => CdSlot::True,
                10 => {
                    long_columns += 1;
                    CdSlot::Long(0, 0)
                }
                12 => {
                    at += 1;
                    CdSlot::Symbol(u16::from(byte(bytes, at - 1)?))
                }
                13 => {
                    at += 2;
                    CdSlot::Symbol(u16::from_be_bytes([byte(bytes, at - 2)?, byte(bytes, at - 1)?]))
                }
                2..=9 => {
                    let start = at;
                    at += usize::from(nibble) - 1;
                    byte(bytes, at - 1)?;
                    CdSlot::Short(start as u16, at as u16)
                }
                _ => return Err(RecordError::new(nibbles + column / 2, "a column's kind is not known")),
            };
            slots.push(slot);
        }
        if header & 0x20 != 0 {
            let flags = byte(bytes, at)?;
            if flags & 1 == 0 {
                return Err(RecordError::new(at, "long data offsets are not two bytes wide"));
            }
            let count = usize::from(word(bytes, at + 1)?);
            if count < long_columns {
                return Err(RecordError::new(at + 1, "fewer long columns than the column array says"));
            }
            let ends = at + 3;
            let data = ends + 2 * count + clusters;
            let mut start = data;
            let mut index = 0usize;
            for slot in slots.iter_mut().filter(|s| matches!(s, CdSlot::Long(..))) {
                let raw = word(bytes, ends + 2 * index)?;
                let end = data + usize::from(raw & 0x7FFF);
                if end < start || end > bytes.len() {
                    return Err(RecordError::new(ends + 2 * index, "a long column lies outside the record"));
                }
                let range = (start as u16, end as u16);
                *slot = if raw & 0x8000 != 0 {
                    CdSlot::Complex(range.0, range.1)
                } else {
                    CdSlot::Long(range.0, range.1)
                };
                start = end;
                index += 1;
            }
            at = start;
            if count > index {
                at = data + usize::from(word(bytes, ends + 2 * (count - 1))? & 0x7FFF);
            }
        } else if long_columns > 0 {
            return Err(RecordError::new(0, "a long column without long data"));
        }
        let home = at;
        if matches!((header >> 2) & 7, 4 | 5) {
            at += BACK_POINTER_SIZE;
        }
        if header & 2 != 0 {
            at += VERSION_TAG_SIZE;
        }
        if at > bytes.len() {
            return Err(RecordError::new(at, "the compressed record is cut off"));
        }
        Ok(CdRecord { bytes, columns, length: at, home })
    }

    /// The record's own bytes, version tag included.
    pub fn whole(&self) -> &'a [u8] {
        self.bytes.get(..self.length).unwrap_or(self.bytes)
    }

    /// The address a forwarded record belongs to.
    pub fn back_pointer(&self) -> Option<Rid> {
        if !matches!(self.record_type(), CdType::Forwarded | CdType::GhostForwarded) {
            return None;
        }
        let raw = self.bytes.get(self.home..self.home + BACK_POINTER_SIZE)?;
        raw.try_into().ok().map(Rid::from_bytes)
    }

    /// What stands behind the columns: the way back of a forwarded record, the version tag.
    pub fn tail(&self) -> &'a [u8] {
        self.bytes.get(self.home..self.length).unwrap_or(&[])
    }

    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub const fn column_count(&self) -> usize {
        self.columns
    }

    /// Bytes of the record, version tag included.
    pub const fn length(&self) -> usize {
        self.length
    }

    pub const fn record_type(&self) -> CdType {
        match (self.bytes[0] >> 2) & 7 {
            0 => CdType::Primary,
            1 => CdType::GhostEmpty,
            2 => CdType::Stub,
            3 => CdType::GhostData,
            4 => CdType::Forwarded,
            5 => CdType::GhostForwarded,
            6 => CdType::Index,
            _ => CdType::GhostIndex,
        }
    }

    /// The bytes of a range found by `parse`.
    pub fn range(&self, from: u16, to: u16) -> &'a [u8] {
        self.bytes.get(usize::from(from)..usize::from(to)).unwrap_or(&[])
    }
}

/// Appends to `out` the plain form of a value whose compressed bytes are `stored` (empty for zero or empty).
pub fn expand(column: &PhysicalColumn, stored: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    let size = usize::from(fixed_size(column.xtype, column.length, column.precision, column.scale));
    let too_long = RecordError::new(0, "a compressed value is longer than its type");
    match column.xtype {
        xtype::SMALLINT | xtype::INT | xtype::BIGINT | xtype::MONEY | xtype::SMALLMONEY | xtype::DATETIME => {
            let value = number::decode_excess(stored)?;
            out.extend_from_slice(&value.to_le_bytes()[..size.min(8)]);
        }
        xtype::BIT => out.push(stored.first().copied().unwrap_or(0)),
        xtype::SMALLDATETIME | xtype::REAL | xtype::FLOAT => {
            let missing = size.checked_sub(stored.len()).ok_or(too_long)?;
            out.resize(out.len() + missing, 0);
            out.extend_from_slice(stored);
        }
        xtype::DECIMAL | xtype::NUMERIC => {
            let value = number::decode_vardecimal(stored, column.scale)?;
            number::encode_decimal(value, decimal_size(column.precision), out);
        }
        xtype::NVARCHAR | xtype::NCHAR => {
            let from = out.len();
            if stored.len() % 2 == 1 {
                scsu::decode(stored, out)?;
            } else {
                out.extend_from_slice(stored);
            }
            if column.xtype == xtype::NCHAR {
                while out.len() - from + 1 < size {
                    out.extend_from_slice(&[0x20, 0]);
                }
            }
        }
        xtype::CHAR => {
            let missing = size.checked_sub(stored.len()).ok_or(too_long)?;
            out.extend_from_slice(stored);
            out.resize(out.len() + missing, b' ');
        }
        xtype::TINYINT
        | xtype::DATE
        | xtype::TIME
        | xtype::DATETIME2
        | xtype::DATETIMEOFFSET
        | xtype::BINARY
        | xtype::GUID
        | xtype::ROWVERSION => {
            let missing = size.checked_sub(stored.len()).ok_or(too_long)?;
            out.extend_from_slice(stored);
            out.resize(out.len() + missing, 0);
        }
        _ => out.extend_from_slice(stored),
    }
    Ok(())
}

/// The compressed bytes of a plain value (the inverse of [`expand`]).
pub fn shrink(column: &PhysicalColumn, plain: &[u8]) -> Result<Vec<u8>, RecordError> {
    let without_trailing =
        |pad: u8| plain[..plain.iter().rposition(|&b| b != pad).map_or(0, |p| p + 1)].to_vec();
    Ok(match column.xtype {
        xtype::SMALLINT | xtype::INT | xtype::BIGINT | xtype::MONEY | xtype::SMALLMONEY | xtype::DATETIME => {
            let mut raw = [0u8; 8];
            let n = plain.len().min(8);
            raw[..n].copy_from_slice(&plain[..n]);
            let shift = 64 - 8 * n as u32;
            number::encode_excess(if n == 0 { 0 } else { i64::from_le_bytes(raw) << shift >> shift })
        }
        xtype::SMALLDATETIME | xtype::REAL | xtype::FLOAT => {
            plain[plain.iter().position(|&b| b != 0).unwrap_or(plain.len())..].to_vec()
        }
        xtype::DECIMAL | xtype::NUMERIC => {
            number::encode_vardecimal(number::decode_decimal(plain)?, column.scale)
        }
        xtype::NCHAR => {
            let mut n = plain.len() & !1;
            while n >= 2 && plain[n - 2..n] == [0x20, 0] {
                n -= 2;
            }
            shorter_text(&plain[..n])
        }
        xtype::NVARCHAR if column.length > 0 => shorter_text(plain),
        xtype::CHAR => without_trailing(b' '),
        xtype::TINYINT
        | xtype::DATE
        | xtype::TIME
        | xtype::DATETIME2
        | xtype::DATETIMEOFFSET
        | xtype::BINARY
        | xtype::ROWVERSION => without_trailing(0),
        _ => plain.to_vec(),
    })
}

/// Text in its compressed form where that is shorter.
fn shorter_text(plain: &[u8]) -> Vec<u8> {
    scsu::encode(plain).filter(|c| c.len() < plain.len()).unwrap_or_else(|| plain.to_vec())
}

/// The record of a row or index entry, as it stands on a page without compression information. Entries of the upper levels
/// hold the key columns, which come first, and the child.
pub fn build_row(
    layout: &RowLayout,
    fields: &[Field<'_>],
    shape: RecordShape,
) -> Result<Vec<u8>, RecordError> {
    if fields.len() != layout.columns.len() {
        return Err(RecordError::new(0, "as many values as columns are needed"));
    }
    let internal = matches!(shape, RecordShape::IndexInternal(_));
    let mut kept: Vec<(CdValue<'static>, Vec<u8>, bool)> = Vec::with_capacity(fields.len() + 1);
    for (column, field) in layout.columns.iter().zip(fields) {
        if internal && column.key_ordinal == 0 {
            continue;
        }
        let is_bit = column.xtype == xtype::BIT;
        kept.push(match *field {
            Field::Null | Field::Missing => (CdValue::Null, Vec::new(), false),
            Field::Bit(true) => (CdValue::True, Vec::new(), false),
            Field::Bit(false) => (CdValue::Bytes(&[]), Vec::new(), false),
            Field::Bytes(b) if is_bit && b.first().is_some_and(|b| b & 1 == 1) => {
                (CdValue::True, Vec::new(), false)
            }
            Field::Bytes(_) if is_bit => (CdValue::Bytes(&[]), Vec::new(), false),
            Field::Bytes(bytes) => (CdValue::Bytes(&[]), shrink(column, bytes)?, false),
            Field::Complex(bytes) => (CdValue::Bytes(&[]), bytes.to_vec(), true),
        });
    }
    if let RecordShape::IndexInternal(child) = shape {
        kept.push((CdValue::Bytes(&[]), child.to_vec(), false));
    }
    let values: Vec<CdValue<'_>> = kept
        .iter()
        .map(|(kind, bytes, complex)| match kind {
            CdValue::Null => CdValue::Null,
            CdValue::True => CdValue::True,
            _ if *complex => CdValue::Complex(bytes),
            _ => CdValue::Bytes(bytes),
        })
        .collect();
    build(if shape == RecordShape::Data { PRIMARY } else { INDEX }, &values)
}

/// The record as it stands away from its address `home`, in a heap.
pub fn forwarded(record: &[u8], home: Rid) -> Result<Vec<u8>, RecordError> {
    let mut slots = Vec::new();
    let parsed = CdRecord::parse(record, &mut slots)?;
    let end = parsed.home;
    let mut out = record.get(..end).unwrap_or(record).to_vec();
    out[0] = out[0] & !0x1E | FORWARDED << 2;
    out.extend_from_slice(&home.to_bytes());
    Ok(out)
}

/// The 9 bytes of a forwarding stub in a compressed heap.
pub fn build_stub(target: Rid) -> [u8; STUB_SIZE] {
    let mut out = [0u8; STUB_SIZE];
    out[0] = 1 | STUB << 2;
    out[1..].copy_from_slice(&target.to_bytes());
    out
}

/// Whether a record's first byte says that it lies away from its address.
pub const fn is_forwarded(first: u8) -> bool {
    (first >> 2) & 7 == FORWARDED
}

const PRIMARY: u8 = 0;
const STUB: u8 = 2;
const FORWARDED: u8 = 4;
const INDEX: u8 = 6;

/// A column of a record to build.
#[derive(Clone, Copy, Debug)]
pub enum CdValue<'a> {
    Null,
    True,
    Bytes(&'a [u8]),
    Complex(&'a [u8]),
}

/// Builds a record of the given type (0 primary, 6 index …).
pub fn build(record_type: u8, values: &[CdValue<'_>]) -> Result<Vec<u8>, RecordError> {
    let too_many = RecordError::new(1, "too many columns");
    let mut out = vec![1 | (record_type & 7) << 2];
    if values.len() < 128 {
        out.push(values.len() as u8);
    } else {
        let count = u16::try_from(values.len()).ok().filter(|n| *n < 0x8000).ok_or(too_many)?;
        out.extend_from_slice(&(count | 0x8000).to_be_bytes());
    }
    let nibble = |v: &CdValue<'_>| match v {
        CdValue::Null => 0u8,
        CdValue::True => 11,
        CdValue::Bytes(b) if b.len() <= 8 => b.len() as u8 + 1,
        CdValue::Bytes(_) | CdValue::Complex(_) => 10,
    };
    for pair in values.chunks(2) {
        out.push(nibble(&pair[0]) | pair.get(1).map_or(0, nibble) << 4);
    }
    let is_short = |v: &CdValue<'_>| matches!(nibble(v), 2..=9);
    let clusters = values.chunks(CLUSTER).count().saturating_sub(1);
    for cluster in values.chunks(CLUSTER).take(clusters) {
        out.push(cluster.iter().filter(|v| is_short(v)).map(|v| nibble(v) - 1).sum());
    }
    for value in values {
        if let (true, CdValue::Bytes(b)) = (is_short(value), value) {
            out.extend_from_slice(b);
        }
    }
    let long: Vec<(&[u8], bool)> = values
        .iter()
        .filter_map(|v| match v {
            CdValue::Bytes(b) if b.len() > 8 => Some((*b, false)),
            CdValue::Complex(b) => Some((*b, true)),
            _ => None,
        })
        .collect();
    if !long.is_empty() {
        out[0] |= 0x20;
        out.push(1 | u8::from(long.iter().any(|l| l.1)) << 1);
        out.extend_from_slice(&(long.len() as u16).to_le_bytes());
        let mut end = 0usize;
        for (bytes, complex) in &long {
            end += bytes.len();
            let end = u16::try_from(end).ok().filter(|e| *e < 0x8000);
            let end = end.ok_or(RecordError::new(0, "the record is too long"))?;
            out.extend_from_slice(&(end | u16::from(*complex) << 15).to_le_bytes());
        }
        for cluster in values.chunks(CLUSTER).take(clusters) {
            out.push(cluster.iter().filter(|v| nibble(v) == 10).count() as u8);
        }
        for (bytes, _) in &long {
            out.extend_from_slice(bytes);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_record_parses_back() {
        let long = [7u8; 20];
        let pointer = [4u8; 24];
        let mut values = vec![
            CdValue::Bytes(&[0x81]),
            CdValue::Null,
            CdValue::True,
            CdValue::Bytes(&long),
            CdValue::Bytes(&[]),
            CdValue::Complex(&pointer),
        ];
        for n in [0usize, 40, 200] {
            values.extend(std::iter::repeat_n(CdValue::Bytes(&[1, 2, 3]), n));
            let bytes = build(0, &values).expect("builds");
            let mut slots = Vec::new();
            let record = CdRecord::parse(&bytes, &mut slots).expect("parses");
            assert_eq!(record.length(), bytes.len());
            assert_eq!(record.column_count(), values.len());
            for (slot, value) in slots.iter().zip(&values) {
                match (slot, value) {
                    (CdSlot::Null, CdValue::Null) | (CdSlot::True, CdValue::True) => {}
                    (CdSlot::Empty, CdValue::Bytes(b)) => assert!(b.is_empty()),
                    (CdSlot::Short(a, z) | CdSlot::Long(a, z), CdValue::Bytes(b)) => {
                        assert_eq!(record.range(*a, *z), *b)
                    }
                    (CdSlot::Complex(a, z), CdValue::Complex(b)) => assert_eq!(record.range(*a, *z), *b),
                    other => panic!("{other:?}"),
                }
            }
            for cut in 1..bytes.len() {
                let _ = CdRecord::parse(&bytes[..cut], &mut slots);
            }
        }
    }

    #[test]
    fn values_shrink_and_expand() {
        let column = |ti: u32| {
            let mut c = PhysicalColumn::default();
            c.set_type(ti);
            c
        };
        let cases: [(u32, &[u8]); 9] = [
            (56, &[1, 0, 0, 0]),
            (52, &[0xFE, 0xFF]),
            (61, &[9, 0, 0, 0, 5, 0, 0, 0]),
            (62, &[0, 0, 0, 0, 0, 0, 0xF0, 0x3F]),
            (0x0AAF, b"abc       "),
            (0x06EF, &[b'a', 0, 0x20, 0, 0x20, 0]),
            (0x02_0A_6A, &[1, 0x39, 0x30, 0, 0, 0, 0, 0, 0]),
            (40, &[1, 2, 0]),
            (48, &[0]),
        ];
        for (ti, plain) in cases {
            let c = column(ti);
            let small = shrink(&c, plain).expect("shrinks");
            let mut back = Vec::new();
            expand(&c, &small, &mut back).expect("expands");
            assert_eq!(back, plain, "type {ti:#x} via {small:02x?}");
        }
    }
}
