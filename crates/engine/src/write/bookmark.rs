//! What names a row between reading and changing it.
//!
//! ```text
//! 0  8  digest of the record as it was read
//! 8  …  heap: RID of the row's home slot (8); clustered index: each key field, u16 length (FFFF = NULL), bytes
//! …  2  of a partitioned table: the partition, from 0
//! ```
//!
//! Invariants
//! 1. Equal digests mean equal records for all that an update cares about: the digest covers every byte but the version tag.

use holdfast_base::Rid;
use holdfast_format::record::{Field, Row, RowLayout};
use holdfast_format::{FormatError, RecordError};
use smallvec::SmallVec;

/// 64-bit digest of a record, its ghost state and version tag left out.
pub fn digest(record: &[u8]) -> u64 {
    let mut sum = 0xCBF2_9CE4_8422_2325u64 ^ record.len() as u64;
    let mut words = record.chunks_exact(8);
    for word in words.by_ref() {
        let word = word.try_into().map_or(0, u64::from_le_bytes);
        sum = (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
    for &byte in words.remainder() {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    sum ^ (sum >> 31)
}

/// Key fields of a row as they are stored.
pub fn key_fields(
    row: &Row<'_>,
    layout: &RowLayout,
    positions: &[usize],
    internal: bool,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    let mut scratch = Vec::new();
    for &position in positions {
        let one;
        let bytes: &[u8] = match row.field(layout, position, internal, &mut scratch)? {
            Field::Null | Field::Missing => {
                out.extend_from_slice(&u16::MAX.to_le_bytes());
                continue;
            }
            Field::Bit(bit) => {
                one = [u8::from(bit)];
                &one
            }
            Field::Bytes(bytes) | Field::Complex(bytes) => bytes,
        };
        out.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
        out.extend_from_slice(bytes);
    }
    Ok(())
}

/// The fields again; `None` = NULL.
pub fn split_fields(mut key: &[u8]) -> Option<SmallVec<[Option<&[u8]>; 8]>> {
    let mut out = SmallVec::new();
    while !key.is_empty() {
        let (length, rest) = key.split_first_chunk::<2>()?;
        let length = u16::from_le_bytes(*length);
        if length == u16::MAX {
            out.push(None);
            key = rest;
        } else {
            let (field, rest) = rest.split_at_checked(usize::from(length))?;
            out.push(Some(field));
            key = rest;
        }
    }
    Some(out)
}

/// The partition at the end of a bookmark of a partitioned table, and the bookmark as the partition's own writer knows it.
pub fn partition(bookmark: &[u8]) -> Result<(usize, &[u8]), FormatError> {
    let (rest, tail) =
        bookmark.split_last_chunk::<2>().ok_or_else(|| FormatError::catalog("a bookmark is cut off"))?;
    Ok((usize::from(u16::from_le_bytes(*tail)), rest))
}

/// A bookmark taken apart: digest and place.
pub fn open(bookmark: &[u8]) -> Result<(u64, &[u8]), FormatError> {
    let (digest, place) =
        bookmark.split_first_chunk::<8>().ok_or_else(|| FormatError::catalog("a bookmark is cut off"))?;
    Ok((u64::from_le_bytes(*digest), place))
}

/// The address in a heap's bookmark.
pub fn rid(place: &[u8]) -> Result<Rid, FormatError> {
    place.try_into().map(Rid::from_bytes).map_err(|_| FormatError::catalog("a bookmark is no row address"))
}
