//! The compression information (CI) structure at the start of a PAGE-compressed page: anchor record and dictionary.
//!
//! ```text
//! 0  flags: 0x02 anchor, 0x04 dictionary
//! 1  u16 modification count
//! 3  u16 offset of the dictionary (with one), then u16 size of the structure
//!    anchor: a compressed record with one value per column
//!    dictionary: u16 n, n × u16 end offset (from the dictionary's start), entries
//! ```
//! A value of a column whose anchor is not NULL starts with the length p of the prefix it shares with the anchor; a symbol
//! stands for the whole value after that coding; an empty value then means the anchor itself.
//!
//! Invariants
//! 1. Resolution is one dictionary step and one anchor step; nothing recurses.
//!
//! Evidence: one published page dump.

use super::compressed::{CdRecord, CdSlot, CdType, CdValue, build};
use super::layout::{RowLayout, xtype};
use crate::error::RecordError;

/// A parsed CI structure.
#[derive(Clone, Debug, Default)]
pub struct CompressionInfo {
    /// Anchor bytes per column; `None` = no anchor for the column.
    anchor: Vec<Option<Vec<u8>>>,
    dictionary: Vec<Vec<u8>>,
    /// Bytes of the structure.
    pub size: usize,
}

fn word(bytes: &[u8], at: usize) -> Result<usize, RecordError> {
    let pair = bytes.get(at..at + 2).ok_or(RecordError::new(at, "the compression information is cut off"))?;
    Ok(usize::from(u16::from_le_bytes([pair[0], pair[1]])))
}

impl CompressionInfo {
    /// Parses the structure at the start of `bytes` (page offset 96).
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let flags = *bytes.first().ok_or(RecordError::new(0, "the compression information is cut off"))?;
        let (has_anchor, has_dictionary) = (flags & 2 != 0, flags & 4 != 0);
        let mut at = 3;
        let dictionary_at = if has_dictionary {
            at += 2;
            Some(word(bytes, at - 2)?)
        } else {
            None
        };
        let size = word(bytes, at)?;
        at += 2;
        let bytes =
            bytes.get(..size).ok_or(RecordError::new(at, "the compression information is too long"))?;
        let mut info = CompressionInfo { size, ..Self::default() };
        if has_anchor {
            let mut slots = Vec::new();
            let record = CdRecord::parse(bytes.get(at..).unwrap_or(&[]), &mut slots)?;
            info.anchor = slots
                .iter()
                .map(|slot| match *slot {
                    CdSlot::Short(a, z) | CdSlot::Long(a, z) => Some(record.range(a, z).to_vec()),
                    CdSlot::Empty => Some(Vec::new()),
                    _ => None,
                })
                .collect();
        }
        if let Some(start) = dictionary_at {
            let region = bytes.get(start..).ok_or(RecordError::new(3, "the dictionary lies outside"))?;
            let count = word(region, 0)?;
            let mut from = 2 + 2 * count;
            for index in 0..count {
                let end = word(region, 2 + 2 * index)?;
                let entry = region
                    .get(from..end)
                    .ok_or(RecordError::new(start, "a dictionary entry lies outside"))?;
                info.dictionary.push(entry.to_vec());
                from = end;
            }
        }
        Ok(info)
    }

    pub fn entry(&self, symbol: u16) -> Result<&[u8], RecordError> {
        self.dictionary
            .get(usize::from(symbol))
            .map(Vec::as_slice)
            .ok_or(RecordError::new(0, "a symbol is not in the dictionary"))
    }

    /// Undoes prefix coding: appends the row-compressed bytes of column `index` to `out`.
    pub fn resolve(&self, index: usize, stored: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
        let Some(Some(anchor)) = self.anchor.get(index) else {
            out.extend_from_slice(stored);
            return Ok(());
        };
        let Some(&first) = stored.first() else {
            out.extend_from_slice(anchor);
            return Ok(());
        };
        let (prefix, rest) = if first & 0x80 == 0 {
            (usize::from(first), &stored[1..])
        } else {
            let second = *stored.get(1).ok_or(RecordError::new(1, "a prefix length is cut off"))?;
            (usize::from(u16::from_be_bytes([first & 0x7F, second])), &stored[2..])
        };
        out.extend_from_slice(
            anchor.get(..prefix).ok_or(RecordError::new(0, "a prefix is longer than its anchor"))?,
        );
        out.extend_from_slice(rest);
        Ok(())
    }
}

impl CompressionInfo {
    /// The record as it stands on a page with this information: each value of an anchored column as its common prefix with
    /// the anchor and the rest. Bits have no prefix.
    pub fn encode(&self, layout: &RowLayout, record: &[u8]) -> Result<Vec<u8>, RecordError> {
        self.rebuild(layout, record, |index, stored, out| {
            let Some(Some(anchor)) = self.anchor.get(index) else {
                out.extend_from_slice(stored);
                return Ok(());
            };
            if stored == anchor.as_slice() {
                return Ok(());
            }
            let common = stored.iter().zip(anchor).take_while(|(a, b)| a == b).count().min(0x7FFF);
            match u8::try_from(common) {
                Ok(short) if short < 0x80 => out.push(short),
                _ => out.extend_from_slice(&(common as u16 | 0x8000).to_be_bytes()),
            }
            out.extend_from_slice(stored.get(common..).unwrap_or(&[]));
            Ok(())
        })
    }

    /// The record as it would stand on a page without such information.
    pub fn decode(&self, layout: &RowLayout, record: &[u8]) -> Result<Vec<u8>, RecordError> {
        self.rebuild(layout, record, |index, stored, out| self.resolve(index, stored, out))
    }

    fn rebuild(
        &self,
        layout: &RowLayout,
        record: &[u8],
        mut each: impl FnMut(usize, &[u8], &mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<Vec<u8>, RecordError> {
        let mut slots = Vec::new();
        let parsed = CdRecord::parse(record, &mut slots)?;
        if parsed.record_type() == CdType::Stub {
            return Ok(parsed.whole().to_vec());
        }
        let mut bytes: Vec<Vec<u8>> = Vec::with_capacity(slots.len());
        for (index, slot) in slots.iter().enumerate() {
            let is_bit = layout.columns.get(index).is_some_and(|c| c.xtype == xtype::BIT);
            let mut out = Vec::new();
            match *slot {
                CdSlot::Empty if is_bit => {}
                CdSlot::Empty => each(index, &[], &mut out)?,
                CdSlot::Short(a, z) | CdSlot::Long(a, z) => each(index, parsed.range(a, z), &mut out)?,
                CdSlot::Symbol(symbol) => each(index, self.entry(symbol)?, &mut out)?,
                CdSlot::Complex(a, z) => out.extend_from_slice(parsed.range(a, z)),
                CdSlot::Null | CdSlot::True => {}
            }
            bytes.push(out);
        }
        let values: Vec<CdValue<'_>> = slots
            .iter()
            .zip(&bytes)
            .map(|(slot, bytes)| match slot {
                CdSlot::Null => CdValue::Null,
                CdSlot::True => CdValue::True,
                CdSlot::Complex(..) => CdValue::Complex(bytes),
                _ => CdValue::Bytes(bytes),
            })
            .collect();
        let first = record.first().copied().unwrap_or(0);
        let mut out = build((first >> 2) & 7, &values)?;
        out[0] |= first & 2;
        out.extend_from_slice(parsed.tail());
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::layout::PhysicalColumn;

    #[test]
    fn prefixes_and_symbols_resolve() {
        let anchor = build(0, &[CdValue::Bytes(b"abcdef"), CdValue::Null]).expect("builds");
        let mut dictionary = vec![2, 0, 9, 0, 11, 0];
        dictionary.extend_from_slice(b"\x03xy");
        dictionary.extend_from_slice(b"zz");
        let mut bytes = vec![6, 0, 0];
        let at = 7 + anchor.len();
        bytes.extend_from_slice(&(at as u16).to_le_bytes());
        bytes.extend_from_slice(&((at + dictionary.len()) as u16).to_le_bytes());
        bytes.extend_from_slice(&anchor);
        bytes.extend_from_slice(&dictionary);
        let info = CompressionInfo::parse(&bytes).expect("parses");
        let mut out = Vec::new();
        info.resolve(0, info.entry(0).expect("entry"), &mut out).expect("resolves");
        assert_eq!(out, b"abcxy");
        out.clear();
        info.resolve(0, &[], &mut out).expect("resolves");
        assert_eq!(out, b"abcdef");
        out.clear();
        info.resolve(1, info.entry(1).expect("entry"), &mut out).expect("resolves");
        assert_eq!(out, b"zz");
        assert!(info.entry(2).is_err());
        for cut in 0..bytes.len() {
            assert!(CompressionInfo::parse(&bytes[..cut]).is_err());
        }
        // Any record is encoded and comes back.
        let column = PhysicalColumn { xtype: xtype::VARCHAR, length: 50, ..PhysicalColumn::default() };
        let layout = RowLayout::new(vec![column; 2], 2);
        for value in [&b"abcdef"[..], b"abq", b"", b"zzzzzzzzzzzzzzzzzzzz", b"abcdefgh"] {
            let record = build(0, &[CdValue::Bytes(value), CdValue::Null]).expect("builds");
            let encoded = info.encode(&layout, &record).expect("encodes");
            assert_eq!(info.decode(&layout, &encoded).expect("decodes"), record);
        }
    }
}
