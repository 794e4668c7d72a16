//! Keys of whole numbers compared with the records of a page without parsing them: a descent compares a dozen records on every page,
//! and parsing touches the null bitmap and the variable part of each, which lie cache lines behind the key.
//!
//! Invariants
//! 1. An order is given only where [`compare_row`] gives the same: a record without compression, a column that is never NULL, in the
//!    fixed part of this very record. Everything else is left to it.
//! 2. A probe belongs to one rowset, one bound and one kind of page (leaf or above).

use std::cmp::Ordering;

use holdfast_format::FormatError;
use holdfast_format::record::row::PageRows;
use holdfast_format::source::PageSource;
use holdfast_types::{TypeId, Value};

use super::seek::compare_row;
use super::table::{RowsetAccess, StoredKey};

/// Longest key that is compared in this way; columns behind are compared by the parsed row.
const PARTS: usize = 4;

#[derive(Clone, Copy, Default)]
struct Part {
    start: usize,
    size: usize,
    wanted: i64,
    descending: bool,
}

/// A bound's values, prepared for the records of pages.
pub(crate) struct Probe<'a> {
    rowset: &'a RowsetAccess,
    keys: &'a [StoredKey],
    bound: &'a [Value],
    internal: bool,
    parts: [Part; PARTS],
    count: usize,
}

impl<'a> Probe<'a> {
    pub fn new(rowset: &'a RowsetAccess, keys: &'a [StoredKey], bound: &'a [Value], internal: bool) -> Self {
        let mut probe = Probe { rowset, keys, bound, internal, parts: Default::default(), count: 0 };
        for (key, value) in keys.iter().zip(bound).take(PARTS) {
            let Some(part) = part(rowset, key, value, internal) else { break };
            probe.parts[probe.count] = part;
            probe.count += 1;
        }
        probe
    }

    /// Order of the entry in a slot against the bound; its columns behind the bound don't count.
    pub fn order(
        &self,
        source: &dyn PageSource,
        rows: &PageRows<'_>,
        slot: u16,
    ) -> Result<Ordering, FormatError> {
        if self.count > 0
            && let Some(fixed) = rows.fixed_part(slot)
            && let Some(order) = self.order_of(fixed)
        {
            return Ok(order);
        }
        let row = rows.row(slot)?.ok_or(FormatError::NoSuchSlot { page: rows.view().page_id(), slot })?;
        compare_row(source, &row, self.rowset, self.keys, self.bound, self.internal)
    }

    #[inline]
    fn order_of(&self, fixed: &[u8]) -> Option<Ordering> {
        for part in &self.parts[..self.count] {
            let stored = fixed.get(part.start..part.start + part.size)?;
            let stored = match part.size {
                4 => i64::from(i32::from_le_bytes(stored.try_into().ok()?)),
                8 => i64::from_le_bytes(stored.try_into().ok()?),
                2 => i64::from(i16::from_le_bytes(stored.try_into().ok()?)),
                _ => i64::from(*stored.first()?),
            };
            let order = stored.cmp(&part.wanted);
            if order != Ordering::Equal {
                return Some(if part.descending { order.reverse() } else { order });
            }
        }
        (self.count == self.keys.len().min(self.bound.len())).then_some(Ordering::Equal)
    }
}

fn part(rowset: &RowsetAccess, key: &StoredKey, value: &Value, internal: bool) -> Option<Part> {
    let column = rowset.layout.columns.get(key.position)?;
    let place = if internal { &column.internal } else { &column.leaf };
    let (size, wanted) = match (key.ty.id, value) {
        (TypeId::Int, Value::Int(n)) => (4, i64::from(*n)),
        (TypeId::BigInt, Value::BigInt(n)) => (8, *n),
        (TypeId::SmallInt, Value::SmallInt(n)) => (2, i64::from(*n)),
        (TypeId::TinyInt, Value::TinyInt(n)) => (1, i64::from(*n)),
        _ => return None,
    };
    let start = usize::try_from(place.offset).ok().filter(|start| *start > 0)?;
    (column.is_not_null() && usize::from(place.size) == size && !place.is_bit).then_some(Part {
        start,
        size,
        wanted,
        descending: key.descending,
    })
}
