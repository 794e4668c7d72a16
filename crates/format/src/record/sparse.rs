//! The sparse vector: non-NULL values of sparse columns, together in one complex variable column.
//!
//! `u16 5, u16 count, count × u16 column id (ascending), count × u16 end offset (from the vector's start), values`.
//!
//! Invariants
//! 1. Look-up is bounded by the vector; a column that is not listed is NULL.
//! 2. The highest bit of a value's end says that it is a pointer to a value kept elsewhere, as in a record's own offsets (assumed).
//!
//! Evidence: public descriptions only; no genuine row.

use super::Field;
use crate::error::RecordError;

/// First word of a sparse vector.
pub const MARK: u16 = 5;

fn u16_at(bytes: &[u8], at: usize) -> Result<usize, RecordError> {
    let pair = bytes.get(at..at + 2).ok_or(RecordError::new(at, "the sparse vector is cut off"))?;
    Ok(usize::from(u16::from_le_bytes([pair[0], pair[1]])))
}

/// Whether the bytes of a complex column are a sparse vector. A text pointer may begin with the same word: the offsets have to fit.
pub fn is_vector(bytes: &[u8]) -> bool {
    let (Ok(mark), Ok(count)) = (u16_at(bytes, 0), u16_at(bytes, 2)) else { return false };
    let data = 4 + 4 * count;
    let last = if count == 0 { Ok(data) } else { u16_at(bytes, data - 2) };
    mark == usize::from(MARK) && last.is_ok_and(|last| last & 0x7FFF == bytes.len() && data <= bytes.len())
}

/// What the vector says about a column: [`Field::Null`], [`Field::Bytes`] or [`Field::Complex`].
pub fn find(vector: &[u8], column_id: i32) -> Result<Field<'_>, RecordError> {
    if u16_at(vector, 0)? != usize::from(MARK) {
        return Err(RecordError::new(0, "not a sparse vector"));
    }
    let count = u16_at(vector, 2)?;
    let ends = 4 + 2 * count;
    let data = ends + 2 * count;
    for index in 0..count {
        if u16_at(vector, 4 + 2 * index)? as i64 == i64::from(column_id) {
            let start = if index == 0 { data } else { u16_at(vector, ends + 2 * (index - 1))? & 0x7FFF };
            let end = u16_at(vector, ends + 2 * index)?;
            let bytes = vector
                .get(start..end & 0x7FFF)
                .ok_or(RecordError::new(ends, "a sparse value lies outside"))?;
            return Ok(if end & 0x8000 != 0 { Field::Complex(bytes) } else { Field::Bytes(bytes) });
        }
    }
    Ok(Field::Null)
}

/// Builds a vector from fields with their column ids, in any order; NULLs are left out. `None`: there is no other.
pub fn build(fields: &[(u16, Field<'_>)]) -> Result<Option<Vec<u8>>, RecordError> {
    let mut values: Vec<(u16, &[u8], u16)> = Vec::with_capacity(fields.len());
    for (id, field) in fields {
        match *field {
            Field::Null | Field::Missing => {}
            Field::Bit(bit) => values.push((*id, if bit { &[1] } else { &[0] }, 0)),
            Field::Bytes(bytes) => values.push((*id, bytes, 0)),
            Field::Complex(bytes) => values.push((*id, bytes, 0x8000)),
        }
    }
    if values.is_empty() {
        return Ok(None);
    }
    values.sort_by_key(|v| v.0);
    let mut out = Vec::new();
    out.extend_from_slice(&MARK.to_le_bytes());
    out.extend_from_slice(&(values.len() as u16).to_le_bytes());
    for (id, _, _) in &values {
        out.extend_from_slice(&id.to_le_bytes());
    }
    let mut end = 4 + 4 * values.len();
    for (_, value, complex) in &values {
        end += value.len();
        let raw = u16::try_from(end).ok().filter(|e| *e < 0x8000);
        let raw = raw.ok_or(RecordError::new(0, "the sparse values are too long"))?;
        out.extend_from_slice(&(raw | complex).to_le_bytes());
    }
    for (_, value, _) in &values {
        out.extend_from_slice(value);
    }
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let fields = [
            (12, Field::Complex(b"xyz")),
            (3, Field::Bytes(b"ab")),
            (9, Field::Bytes(b"")),
            (5, Field::Null),
            (7, Field::Bit(true)),
        ];
        let v = build(&fields).unwrap().unwrap();
        assert_eq!(find(&v, 3), Ok(Field::Bytes(b"ab")));
        assert_eq!(find(&v, 7), Ok(Field::Bytes(&[1])));
        assert_eq!(find(&v, 9), Ok(Field::Bytes(b"")));
        assert_eq!(find(&v, 12), Ok(Field::Complex(b"xyz")));
        assert_eq!(find(&v, 4), Ok(Field::Null));
        assert!(find(&v[..7], 12).is_err());
        assert!(is_vector(&v) && !is_vector(&v[..v.len() - 1]) && !is_vector(&[5]));
        assert_eq!(build(&fields[3..4]), Ok(None));
    }
}
