//! Statistics blobs (`sysobjvalues.imageval` of class 60): header, densities, histogram.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | form: 7 (2005 and later) or 4 (kept from SQL Server 2000) |
//! | 4 | 8 | when they were made (datetime: ticks, days) |
//! | 12, 20 | 8 | rows, rows sampled |
//! | 28 | 4 | range density (real): distinct values between the steps by the rows there; 0 without such rows |
//! | 32 | 4 × columns | density of each prefix (real) |
//! | 164 | 4 | steps |
//! | 168 | 4 | the same again; in form 4 the steps there is room for |
//! | 172 | 4 | columns |
//! | 176 | 4 | where the fixed part of a step ends: 16, and the size of a fixed key |
//! | 180 | 4 | average length of the whole key (real) |
//! | 184, 188 | 4 | rows sampled, rows with NULL in the first column (reals) |
//! | 192 | 4 × columns | average length of each column (real) |
//! | form 7: 324 | 8 | which sections follow, see [`section`] |
//! | form 7: 332 | 8 | 0 |
//! | form 7: 340 | 8 × sections | end of each section, counted from behind this array |
//! | form 4: 324 | 2 × room + 2 | offset of each step, from behind the array |
//!
//! The histogram's section is an array of offsets (8 × steps, counted as the ends are) and the steps. A step is a plain record
//! of four columns: equal rows, range rows, average range rows (reals at 4, 8, 12) and the key (fixed at 16, else the one
//! variable column). NULL has no step; its rows stand at 188.
//!
//! Invariants
//! 1. A blob that does not fit this description is refused: parts are bounded, reals finite and not negative.
//! 2. What is parsed from form 7 and built again has the same bytes.
//!
//! Evidence: invariant 2 and the sum of rows on all 2,627 blobs of form 7 in the corpus (docs/format/statistics.md).

use holdfast_base::ByteReader;

use crate::record::{Field, FixedVar, Placement, status};

/// Sections that may follow the head, in this order.
pub mod section {
    pub const HISTOGRAM: u64 = 1;
    /// Summary of strings, for LIKE; its inside is not known.
    pub const STRINGS: u64 = 2;
    /// Earlier updates, for ascending keys; its inside is not known.
    pub const HISTORY: u64 = 8;
    /// Rows without the filter (u64).
    pub const UNFILTERED: u64 = 16;
    /// Persisted sampling percentage (float; 0 none).
    pub const SAMPLE: u64 = 0x400;
    pub const ALL: [u64; 5] = [HISTOGRAM, STRINGS, HISTORY, UNFILTERED, SAMPLE];
}

pub const FORM: u32 = 7;
pub const OLD_FORM: u32 = 4;
/// `sysobjvalues.valclass` of statistics.
pub const CLASS: i64 = 60;
/// Where the head ends.
const SECTIONS_AT: usize = 324;
const ENDS_AT: usize = 340;
const DENSITIES_AT: usize = 32;
const LENGTHS_AT: usize = 192;
const MAX_STEPS: u32 = 256;
pub const MAX_COLUMNS: usize = 33;
/// Where a fixed key begins.
const KEY_AT: u16 = 16;

/// A step of the histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    pub equal_rows: f32,
    pub range_rows: f32,
    /// Rows of each distinct value below the key, 1 without such values.
    pub average_range_rows: f32,
    /// The key in the form in which records have it; `None` is NULL (form 4 only).
    pub key: Option<Vec<u8>>,
}

/// Statistics as they are stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    pub form: u32,
    /// 300ths of a second, days since 1900.
    pub updated: (u32, i32),
    pub rows: u64,
    pub rows_sampled: u64,
    pub range_density: f32,
    /// Of each prefix of the columns.
    pub densities: Vec<f32>,
    /// Size of a fixed key; 0: the key is variable.
    pub key_size: u16,
    pub average_key_length: f32,
    pub counted: f32,
    pub null_rows: f32,
    /// Average length of each column.
    pub lengths: Vec<f32>,
    /// `None`: no section (no row, or all of them NULL).
    pub steps: Option<Vec<Step>>,
    pub strings: Option<Vec<u8>>,
    pub history: Option<Vec<u8>>,
    pub unfiltered_rows: Option<u64>,
    pub sample_percent: Option<f64>,
}

fn real(bytes: &[u8], at: usize) -> Option<f32> {
    let value = f32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?);
    (value.is_finite() && value >= 0.0).then_some(value)
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    ByteReader::at(bytes, at).u64().ok()
}

impl Statistics {
    /// Reads a blob; `None` when it does not fit (invariant 1).
    pub fn parse(blob: &[u8]) -> Option<Self> {
        let u32_at = |at: usize| ByteReader::at(blob, at).u32().ok();
        let (form, steps, columns) = (u32_at(0)?, u32_at(164)?, u32_at(172)? as usize);
        if steps > MAX_STEPS || columns > MAX_COLUMNS {
            return None;
        }
        let key_end = u16::try_from(u32_at(176)?).ok()?;
        let reals =
            |from: usize| (0..columns).map(|i| real(blob, from + 4 * i)).collect::<Option<Vec<f32>>>();
        let mut found = Statistics {
            form,
            updated: (u32_at(4)?, u32_at(8)? as i32),
            rows: number(blob, 12)?,
            rows_sampled: number(blob, 20)?,
            range_density: real(blob, 28)?,
            densities: reals(DENSITIES_AT)?,
            key_size: key_end.checked_sub(KEY_AT)?,
            average_key_length: real(blob, 180)?,
            counted: real(blob, 184)?,
            null_rows: real(blob, 188)?,
            lengths: reals(LENGTHS_AT)?,
            ..Statistics::default()
        };
        match form {
            FORM => found.sections(blob, steps as usize)?,
            OLD_FORM => {
                let room = u32_at(168)?;
                if room > MAX_STEPS {
                    return None;
                }
                let base = SECTIONS_AT + 2 + 2 * room as usize;
                let step = |i: usize| {
                    let offset = ByteReader::at(blob, SECTIONS_AT + 2 * i).u16().ok()?;
                    step_at(blob.get(base + usize::from(offset)..)?)
                };
                found.steps = Some((0..steps as usize).map(step).collect::<Option<_>>()?);
            }
            _ => return None,
        }
        Some(found)
    }

    fn sections(&mut self, blob: &[u8], steps: usize) -> Option<()> {
        let present = number(blob, SECTIONS_AT)?;
        if present & !section::ALL.iter().fold(0, |a, s| a | s) != 0 || number(blob, SECTIONS_AT + 8)? != 0 {
            return None;
        }
        let base = ENDS_AT + 8 * present.count_ones() as usize;
        let mut start = 0usize;
        let mut at = ENDS_AT;
        for kind in section::ALL {
            if present & kind == 0 {
                continue;
            }
            let end = usize::try_from(number(blob, at)?).ok()?;
            let bytes = blob.get(base..)?.get(start..end)?;
            match kind {
                section::HISTOGRAM => {
                    let step = |i: usize| {
                        let offset = usize::try_from(number(bytes, 8 * i)?).ok()?;
                        step_at(bytes.get(offset..)?)
                    };
                    self.steps = Some((0..steps).map(step).collect::<Option<_>>()?);
                }
                section::STRINGS => self.strings = Some(bytes.to_vec()),
                section::HISTORY => self.history = Some(bytes.to_vec()),
                section::UNFILTERED => self.unfiltered_rows = Some(number(bytes, 0)?),
                _ => self.sample_percent = Some(f64::from_bits(number(bytes, 0)?)),
            }
            (start, at) = (end, at + 8);
        }
        // Steps without their section would be lost.
        (self.steps.is_some() || steps == 0).then_some(())
    }

    /// The blob, in form 7.
    pub fn build(&self) -> Vec<u8> {
        let mut head = vec![0u8; SECTIONS_AT];
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(place) = head.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        let steps = self.steps.as_ref().map_or(0, Vec::len) as u32;
        put(0, &FORM.to_le_bytes());
        put(4, &self.updated.0.to_le_bytes());
        put(8, &self.updated.1.to_le_bytes());
        put(12, &self.rows.to_le_bytes());
        put(20, &self.rows_sampled.to_le_bytes());
        put(28, &self.range_density.to_le_bytes());
        put(164, &steps.to_le_bytes());
        put(168, &steps.to_le_bytes());
        put(172, &(self.densities.len().min(MAX_COLUMNS) as u32).to_le_bytes());
        put(176, &u32::from(KEY_AT + self.key_size).to_le_bytes());
        put(180, &self.average_key_length.to_le_bytes());
        put(184, &self.counted.to_le_bytes());
        put(188, &self.null_rows.to_le_bytes());
        for (i, (density, length)) in self.densities.iter().zip(&self.lengths).enumerate().take(MAX_COLUMNS) {
            put(DENSITIES_AT + 4 * i, &density.to_le_bytes());
            put(LENGTHS_AT + 4 * i, &length.to_le_bytes());
        }
        let parts: [(u64, Option<Vec<u8>>); 5] = [
            (section::HISTOGRAM, self.steps.as_ref().map(|s| self.histogram(s))),
            (section::STRINGS, self.strings.clone()),
            (section::HISTORY, self.history.clone()),
            (section::UNFILTERED, self.unfiltered_rows.map(|n| n.to_le_bytes().to_vec())),
            (section::SAMPLE, self.sample_percent.map(|p| p.to_bits().to_le_bytes().to_vec())),
        ];
        let (mut present, mut ends, mut bodies) = (0u64, Vec::new(), Vec::new());
        for (kind, body) in parts {
            if let Some(body) = body {
                present |= kind;
                bodies.extend_from_slice(&body);
                ends.extend_from_slice(&(bodies.len() as u64).to_le_bytes());
            }
        }
        head.extend_from_slice(&present.to_le_bytes());
        head.extend_from_slice(&[0; 8]);
        head.extend_from_slice(&ends);
        head.extend_from_slice(&bodies);
        head
    }

    fn histogram(&self, steps: &[Step]) -> Vec<u8> {
        let mut offsets = Vec::with_capacity(8 * steps.len());
        let mut records = Vec::new();
        for step in steps {
            offsets.extend_from_slice(&((8 * steps.len() + records.len()) as u64).to_le_bytes());
            self.step_record(step, &mut records);
        }
        offsets.extend_from_slice(&records);
        offsets
    }

    fn step_record(&self, step: &Step, out: &mut Vec<u8>) {
        let start = out.len();
        let key = step.key.as_deref().unwrap_or_default();
        let variable = self.key_size == 0;
        // As in every record, an empty last value leaves no trace.
        let written = variable && !key.is_empty();
        out.push(status::NULL_BITMAP | if written { status::VARIABLE } else { 0 });
        out.push(0);
        out.extend_from_slice(&(KEY_AT + self.key_size).to_le_bytes());
        for rows in [step.equal_rows, step.range_rows, step.average_range_rows] {
            out.extend_from_slice(&rows.to_le_bytes());
        }
        if !variable {
            let size = usize::from(self.key_size);
            out.extend(key.iter().copied().chain(std::iter::repeat(0)).take(size));
        }
        out.extend_from_slice(&4u16.to_le_bytes());
        out.push(if step.key.is_none() { 8 } else { 0 });
        if written {
            out.extend_from_slice(&1u16.to_le_bytes());
            let end = out.len() + 2 - start + key.len();
            out.extend_from_slice(&(end as u16).to_le_bytes());
            out.extend_from_slice(key);
        }
    }
}

fn step_at(bytes: &[u8]) -> Option<Step> {
    let record = FixedVar::parse_data(bytes).ok()?;
    let fixed = record.fixed_end();
    let part = |from: u16| {
        if from + 4 > fixed {
            return None;
        }
        real(record.bytes(), usize::from(from))
    };
    let (equal_rows, range_rows, average_range_rows) = (part(4)?, part(8)?, part(12)?);
    let place = if fixed > KEY_AT {
        Placement { offset: KEY_AT as i16, size: fixed - KEY_AT, null_bit: 4, ..Placement::default() }
    } else {
        Placement { offset: -1, null_bit: 4, ..Placement::default() }
    };
    let key = match record.field(&place).ok()? {
        Field::Null | Field::Missing => None,
        Field::Bytes(bytes) => Some(bytes.to_vec()),
        Field::Bit(_) | Field::Complex(_) => return None,
    };
    Some(Step { equal_rows, range_rows, average_range_rows, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(key_size: u16, key: &[u8]) -> Statistics {
        Statistics {
            form: FORM,
            updated: (300, 41_000),
            rows: 9,
            rows_sampled: 9,
            range_density: 0.5,
            densities: vec![0.25, 0.125],
            key_size,
            average_key_length: 8.0,
            counted: 9.0,
            null_rows: 1.0,
            lengths: vec![4.0, 4.0],
            steps: Some(vec![
                Step { equal_rows: 1.0, range_rows: 0.0, average_range_rows: 1.0, key: Some(key.to_vec()) },
                Step { equal_rows: 3.0, range_rows: 4.0, average_range_rows: 2.0, key: Some(key.to_vec()) },
            ]),
            unfiltered_rows: Some(12),
            sample_percent: Some(0.0),
            ..Statistics::default()
        }
    }

    #[test]
    fn built_statistics_are_read_again() {
        for (size, key) in [(4, vec![1, 2, 3, 4]), (0, b"Harbour".to_vec()), (0, Vec::new())] {
            let statistics = sample(size, &key);
            assert_eq!(Statistics::parse(&statistics.build()), Some(statistics));
        }
        let all_null = Statistics { steps: None, ..sample(4, &[]) };
        assert_eq!(Statistics::parse(&all_null.build()), Some(all_null));
    }

    #[test]
    fn what_is_cut_off_or_garbage_is_refused() {
        assert!(Statistics::parse(&[]).is_none());
        assert!(Statistics::parse(&[0xFF; 1000]).is_none());
        let whole = sample(0, b"Harbour").build();
        for length in 0..whole.len() {
            assert!(Statistics::parse(&whole[..length]).is_none(), "{length}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                let _ = Statistics::parse(&changed);
            }
        }
    }
}
