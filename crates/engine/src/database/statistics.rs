//! Stored statistics: density of each key prefix and the histogram of the first key column.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | form: 7 (2008 and later) or 4 (earlier) |
//! | 4 | 8 | when they were made (datetime: ticks, days) |
//! | 12, 20 | 8 | rows, rows sampled |
//! | 32 | 4 × columns | density of each prefix (real) |
//! | 164 | 4 | steps |
//! | 168 | 4 | steps there is room for |
//! | 172 | 4 | columns |
//! | form 7: 324 | 4 | flags: 2 = a summary of strings follows the steps |
//! | form 7: 356, or 364 with flag 2 | 8 × steps | offset of each step, from here |
//! | form 4: 324 | 2 × room + 2 | offset of each step, from behind the array |
//!
//! A step is a plain record of four columns: equal rows, range rows, average range rows (reals at 4, 8, 12) and the key
//! (fixed at 16, or the first variable column).
//!
//! Invariants
//! 1. A blob that does not fit this description gives no statistics, never wrong ones: all parts are bounded and reals must
//!    be finite and not negative.
//!
//! Evidence: equal plus range rows of all steps add up to the rows on every index of the corpus.

use std::sync::Arc;

use holdfast_base::ByteReader;
use holdfast_format::FormatError;
use holdfast_format::record::{Field, FixedVar, Placement};
use holdfast_types::{DateTime, SqlType, Value};

use super::DatabaseCatalog;
use crate::catalog::{HistogramStep, IndexStatistics};
use crate::decode;

const STATISTICS_CLASS: i64 = 60;
/// A datetime counts 300ths of a second.
const TICKS_A_DAY: u32 = 86_400 * 300;
const MAX_STEPS: u32 = 256;
const MAX_COLUMNS: u32 = 33;

/// Statistics of an index whose first key column has type `ty`; `None` when there are none or they are in another form.
pub fn of_index(
    catalog: &DatabaseCatalog,
    object_id: i32,
    index_id: i32,
    ty: &SqlType,
) -> Result<Option<Arc<IndexStatistics>>, FormatError> {
    let (table, map) = catalog.catalogs.group(&catalog.store, "sysobjvalues", "objid")?;
    for row in map.get(&i64::from(object_id)).into_iter().flatten().filter_map(|&i| table.row(i)) {
        if row.int("valclass") == STATISTICS_CLASS
            && row.i32("subobjid") == index_id
            && row.int("valnum") == 0
            && !row.value("imageval").is_null()
        {
            return Ok(decode(row.bytes("imageval"), ty).map(Arc::new));
        }
    }
    Ok(None)
}

impl DatabaseCatalog {
    /// When statistics were made last.
    pub fn statistics_date(&self, object_id: i32, statistics: i32) -> Result<Option<DateTime>, FormatError> {
        let (table, map) = self.catalogs.group(&self.store, "sysobjvalues", "objid")?;
        for row in map.get(&i64::from(object_id)).into_iter().flatten().filter_map(|&i| table.row(i)) {
            if row.int("valclass") == STATISTICS_CLASS && row.i32("subobjid") == statistics {
                let blob = row.bytes("imageval");
                let (ticks, days) = (ByteReader::at(blob, 4).u32(), ByteReader::at(blob, 8).u32());
                return Ok(match (ticks, days) {
                    (Ok(ticks), Ok(days)) if ticks < TICKS_A_DAY => {
                        Some(DateTime { days: days as i32, ticks }).filter(|d| d.to_datetime2().is_some())
                    }
                    _ => None,
                });
            }
        }
        Ok(None)
    }
}

fn real(bytes: &[u8]) -> Option<f64> {
    let value = f64::from(f32::from_le_bytes(bytes.try_into().ok()?));
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// Decodes a statistics blob.
pub fn decode(blob: &[u8], ty: &SqlType) -> Option<IndexStatistics> {
    let u32_at = |at: usize| ByteReader::at(blob, at).u32().ok();
    let form = u32_at(0)?;
    let rows = ByteReader::at(blob, 12).u64().ok()?;
    let (steps, room, columns) = (u32_at(164)?, u32_at(168)?, u32_at(172)?);
    if steps > MAX_STEPS || columns > MAX_COLUMNS {
        return None;
    }
    let densities = (0..columns as usize)
        .map(|i| real(blob.get(32 + 4 * i..36 + 4 * i)?))
        .collect::<Option<Vec<f64>>>()?;
    let mut histogram = Vec::with_capacity(steps as usize);
    for step in 0..steps as usize {
        let at = match form {
            7 => {
                let base = if u32_at(324)? & 2 != 0 { 364 } else { 356 };
                let offset = ByteReader::at(blob, base + 8 * step).u64().ok()?;
                base.checked_add(usize::try_from(offset).ok()?)?
            }
            4 if room <= MAX_STEPS => {
                let offset = ByteReader::at(blob, 324 + 2 * step).u16().ok()?;
                326 + 2 * room as usize + usize::from(offset)
            }
            _ => return None,
        };
        histogram.push(step_at(blob.get(at..)?, ty)?);
    }
    Some(IndexStatistics { rows: rows as f64, densities, histogram })
}

fn step_at(bytes: &[u8], ty: &SqlType) -> Option<HistogramStep> {
    let record = FixedVar::parse_data(bytes).ok()?;
    let fixed = usize::from(record.fixed_end());
    let part = |from: usize| real(record.bytes().get(from..from + 4).filter(|_| from + 4 <= fixed)?);
    let (equal_rows, range_rows, average) = (part(4)?, part(8)?, part(12)?);
    let key = if fixed > 16 {
        Placement { offset: 16, size: u16::try_from(fixed - 16).ok()?, null_bit: 4, ..Placement::default() }
    } else {
        Placement { offset: -1, null_bit: 4, ..Placement::default() }
    };
    let high_key = match record.field(&key).ok()? {
        Field::Null | Field::Missing => Value::Null,
        Field::Bytes(bytes) => decode::value(ty, bytes).ok()?,
        Field::Bit(_) | Field::Complex(_) => return None,
    };
    let distinct_range_rows = if average > 0.0 { (range_rows / average).round() } else { 0.0 };
    Some(HistogramStep { high_key, equal_rows, range_rows, distinct_range_rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_gives_nothing() {
        assert!(decode(&[], &SqlType::INT).is_none());
        assert!(decode(&[0xFF; 1000], &SqlType::INT).is_none());
        let mut blob = vec![0u8; 500];
        blob[0] = 7;
        blob[164] = 3;
        blob[172] = 1;
        assert!(decode(&blob, &SqlType::INT).is_none());
    }
}
