//! The sparse vector: non-NULL values of sparse columns, together in one complex variable column.
//!
//! `u16 5, u16 count, count × u16 column id (ascending), count × u16 end offset (from the vector's start), values`.
//!
//! Invariants
//! 1. Look-up is bounded by the vector; a column that is not listed is NULL.
//!
//! Evidence: public descriptions only; no genuine row.

use crate::error::RecordError;

/// First word of a sparse vector.
pub const MARK: u16 = 5;

fn u16_at(bytes: &[u8], at: usize) -> Result<usize, RecordError> {
    let pair = bytes.get(at..at + 2).ok_or(RecordError::new(at, "the sparse vector is cut off"))?;
    Ok(usize::from(u16::from_le_bytes([pair[0], pair[1]])))
}

/// The bytes of a column's value, `None` when it is NULL.
pub fn find(vector: &[u8], column_id: i32) -> Result<Option<&[u8]>, RecordError> {
    if u16_at(vector, 0)? != usize::from(MARK) {
        return Err(RecordError::new(0, "not a sparse vector"));
    }
    let count = u16_at(vector, 2)?;
    let ends = 4 + 2 * count;
    let data = ends + 2 * count;
    for index in 0..count {
        if u16_at(vector, 4 + 2 * index)? as i64 == i64::from(column_id) {
            let start = if index == 0 { data } else { u16_at(vector, ends + 2 * (index - 1))? & 0x7FFF };
            let end = u16_at(vector, ends + 2 * index)? & 0x7FFF;
            return vector
                .get(start..end)
                .map(Some)
                .ok_or(RecordError::new(ends, "a sparse value lies outside"));
        }
    }
    Ok(None)
}

/// Builds a vector from values in ascending column order.
pub fn build(values: &[(u16, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&MARK.to_le_bytes());
    out.extend_from_slice(&(values.len() as u16).to_le_bytes());
    for (id, _) in values {
        out.extend_from_slice(&id.to_le_bytes());
    }
    let mut end = 4 + 4 * values.len();
    for (_, value) in values {
        end += value.len();
        out.extend_from_slice(&(end as u16).to_le_bytes());
    }
    for (_, value) in values {
        out.extend_from_slice(value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let v = build(&[(3, b"ab"), (9, b""), (12, b"xyz")]);
        assert_eq!(find(&v, 3), Ok(Some(&b"ab"[..])));
        assert_eq!(find(&v, 9), Ok(Some(&b""[..])));
        assert_eq!(find(&v, 12), Ok(Some(&b"xyz"[..])));
        assert_eq!(find(&v, 4), Ok(None));
        assert!(find(&v[..7], 12).is_err());
    }
}
