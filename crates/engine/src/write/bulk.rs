//! Entering many rows at a time into a table that nobody else can change.
//!
//! Invariants
//! 1. The transaction holds the table exclusively: no row is locked, and what is entered behind all others stays the last until
//!    the transaction ends, but for its own changes, which are taken back first ([`holdfast_storage::write::Undo::Rows`]).
//! 2. Rows enter a page by one log record. Rows of a clustered index that do not belong behind the last one go in one by one.

use std::cmp::Ordering;

use holdfast_base::Rid;
use holdfast_format::record::{FixedVar, Row};
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Change, LogTransaction};
use holdfast_types::{SqlResult, TypeId, Value};

use super::records::Records;
use super::table::{Ahead, Base, LONGEST_CLUSTERED_KEY, StoredWriter, check_key, fields_of, internal};
use super::tree::Tree;
use super::writing::{DatabaseTransaction, failure};
use super::{NewRow, WriteContext};
use crate::lock::LockMode;
use crate::stored::key;

/// Rows for which it is worth asking whether nobody else can change the table.
pub const MANY: usize = 8;

/// Bytes of a page for rows and their slots.
const PAGE_ROOM: usize = 8096;

/// A key of whole numbers and a row's address at fixed places: compared without making values of it.
pub(super) struct Numbers(Vec<(usize, usize, TypeId, bool)>);

impl Numbers {
    /// `None`: the key is another, or records are compressed.
    pub(super) fn of(tree: &Tree) -> Option<Self> {
        if tree.layout().compression != 0 {
            return None;
        }
        let mut out = Vec::with_capacity(tree.keys.len());
        for k in tree.keys.iter() {
            let column = tree.layout().columns.get(k.position)?;
            let whole = matches!(k.ty.id, TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::BigInt);
            if column.is_uniquifier() {
                // Behind the declared columns, where it does not matter.
                continue;
            }
            let address = k.ordinal.is_none() && k.ty.id == TypeId::Binary && column.leaf.size == 8;
            if column.leaf.offset <= 0 || !(address || whole && column.is_not_null()) {
                return None;
            }
            let offset = usize::from(column.leaf.offset.unsigned_abs());
            out.push((offset, usize::from(column.leaf.size), k.ty.id, k.descending));
        }
        Some(Numbers(out))
    }

    pub(super) fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        for &(offset, size, id, descending) in &self.0 {
            let end = offset + size;
            if id == TypeId::Binary {
                let order = a.get(offset..end).cmp(&b.get(offset..end));
                if order != Ordering::Equal {
                    return if descending { order.reverse() } else { order };
                }
                continue;
            }
            let number = |record: &[u8]| {
                let mut wide = [0u8; 8];
                if let Some(bytes) = record.get(offset..offset + size) {
                    wide[..size].copy_from_slice(bytes);
                }
                let shift = 64 - 8 * size as u32;
                let raw = i64::from_le_bytes(wide) << shift;
                if id == TypeId::TinyInt { ((raw as u64) >> shift) as i64 } else { raw >> shift }
            };
            let order = number(a).cmp(&number(b));
            if order != Ordering::Equal {
                return if descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }
}

fn row(record: &[u8]) -> RecoveryResult<Row<'_>> {
    FixedVar::parse_data(record).map(Row::Plain).map_err(|e| internal(e.what))
}

/// The records in key order, each with whether its declared key is greater than that of the one before.
fn in_order(tree: &Tree, change: &Change<'_>, records: &Records) -> RecoveryResult<Vec<(usize, bool)>> {
    let all = 0..records.len();
    let arrange = |compare: &dyn Fn(usize, usize) -> Ordering| {
        let mut order: Vec<usize> = all.clone().collect();
        let sorted = order.windows(2).all(|w| compare(w[0], w[1]) != Ordering::Greater);
        if !sorted {
            order.sort_by(|a, b| compare(*a, *b));
        }
        let mut before = None;
        let mut out = Vec::with_capacity(order.len());
        for at in order {
            out.push((at, before.is_none_or(|b| compare(b, at) == Ordering::Less)));
            before = Some(at);
        }
        out
    };
    if let Some(numbers) = Numbers::of(tree) {
        return Ok(arrange(&|a, b| numbers.compare(records.get(a), records.get(b))));
    }
    let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
    let mut keys: Vec<Vec<Value>> = Vec::with_capacity(records.len());
    for at in all.clone() {
        keys.push(tree.key_of(change.source(), &row(records.get(at))?, false).map_err(fail)?);
    }
    let declared = declared(tree);
    Ok(arrange(&|a, b| {
        for (k, (x, y)) in tree.keys[..declared].iter().zip(keys[a].iter().zip(&keys[b])) {
            let order = key::compare(&k.ty, x, y);
            if order != Ordering::Equal {
                return if k.descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }))
}

/// How many of the key's columns were declared.
pub(super) fn declared(tree: &Tree) -> usize {
    let is_uniquifier = |p: usize| tree.layout().columns.get(p).is_some_and(|c| c.is_uniquifier());
    tree.keys.iter().take_while(|k| !is_uniquifier(k.position)).count()
}

impl StoredWriter {
    /// Invariant 1.
    pub(super) fn is_alone(&self, write: WriteContext<'_>) -> bool {
        let owner = write.transaction.owner();
        owner.0 != 0 && self.writing.locks.held(owner, &self.table().resource()).covers_rows(LockMode::X)
    }

    /// Enters leading rows, as many as records can be made of; answers how many.
    pub(super) fn append_rows(
        &self,
        write: WriteContext<'_>,
        part: &DatabaseTransaction,
        rows: &[NewRow],
        records: &mut Records,
    ) -> SqlResult<usize> {
        records.clear();
        for row in rows {
            self.check_nulls(&row.values, None, "INSERT")?;
            if !records.push(&row.values)? {
                break;
            }
        }
        self.append(write, part, records, &|at| rows.get(at).map_or(&[], |r| &r.outside_indexes))?;
        Ok(records.len())
    }

    /// Enters records; `outside` tells which filtered indexes a row is not in.
    pub(super) fn append<'o>(
        &self,
        write: WriteContext<'_>,
        part: &DatabaseTransaction,
        records: &Records,
        outside: &dyn Fn(usize) -> &'o [i32],
    ) -> SqlResult<()> {
        let order = match &self.base {
            Base::Heap(_) => (0..records.len()).map(|at| (at, true)).collect(),
            Base::Tree { tree, .. } => {
                let change = self.gate()?;
                in_order(tree, &change, records).map_err(|e| failure(&e))?
            }
        };
        let mut rest = order.as_slice();
        while let Some((first, _)) = rest.first() {
            let mut together: Vec<&[u8]> = vec![records.get(*first)];
            let mut bytes = together[0].len();
            for (at, greater) in &rest[1..] {
                let record = records.get(*at);
                bytes += record.len() + 2;
                if !greater || bytes > PAGE_ROOM {
                    break;
                }
                together.push(record);
            }
            let mut log = part.log.lock();
            let mut change = self.gate()?;
            let entered = self.append_some(write, &mut change, &mut log, &together)?;
            let (places, entered) = match entered {
                Some((first, count)) => (first, count),
                None => {
                    let mut fields = fields_of(self.layout(), together[0], &[]).map_err(|e| failure(&e))?;
                    self.insert_row(
                        write,
                        &mut change,
                        &mut log,
                        &mut fields,
                        &[],
                        outside(*first),
                        Ahead::default(),
                    )?;
                    rest = &rest[1..];
                    continue;
                }
            };
            if !self.indexes.is_empty() {
                for (n, (at, _)) in rest[..entered].iter().enumerate() {
                    let fields = fields_of(self.layout(), records.get(*at), &[]).map_err(|e| failure(&e))?;
                    let rid = places.map(|r| Rid { slot: r.slot + n as u16, ..r });
                    for index in self.indexes.iter().filter(|i| !outside(*at).contains(&i.index_id)) {
                        self.insert_entry(&mut change, &mut log, index, &fields, rid)?;
                    }
                }
            }
            rest = &rest[entered..];
        }
        Ok(())
    }

    /// Puts leading records behind the last row: the address of the first in a heap, and how many. `None`: the first does not
    /// belong there.
    fn append_some(
        &self,
        write: WriteContext<'_>,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        records: &[&[u8]],
    ) -> SqlResult<Option<(Option<Rid>, usize)>> {
        match &self.base {
            Base::Heap(heap) => {
                let note = |rid: Rid| self.note(write, &rid.to_bytes(), None);
                let (first, count) = heap.append(change, log, records, &note).map_err(|e| failure(&e))?;
                Ok(Some((Some(first), count)))
            }
            Base::Tree { tree, name, .. } => {
                let fields = |record: &[u8]| fields_of(tree.layout(), record, &[]);
                if tree.longest_key() > LONGEST_CLUSTERED_KEY {
                    for record in records {
                        let fields = fields(record).map_err(|e| failure(&e))?;
                        let all = tree.keys.len();
                        check_key(tree, all, &fields, name, "clustered", LONGEST_CLUSTERED_KEY)?;
                    }
                }
                let first = fields(records[0]).map_err(|e| failure(&e))?;
                let (key, raw) = Self::key_of(tree, &first).map_err(|e| failure(&e))?;
                let kept = self.keeps_versions();
                let note = |record: &[u8]| -> RecoveryResult<()> {
                    if kept {
                        let (_, raw) = Self::key_of(tree, &fields(record)?)?;
                        self.note(write, &raw, None);
                    }
                    Ok(())
                };
                let wanted = &key[..declared(tree).min(key.len())];
                let count =
                    tree.append(change, log, wanted, &raw, records, 0, &note).map_err(|e| failure(&e))?;
                Ok((count > 0).then_some((None, count)))
            }
        }
    }
}
