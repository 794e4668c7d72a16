//! The writer of a partitioned table: each row to the writer of its partition.
//!
//! Invariants
//! 1. A row is in the partition that the function gives for its value of the partitioning column; an update that changes the
//!    partition takes the row out of the old one and enters it into the new one.
//! 2. An update takes everything old out of all partitions before anything new goes in: keys of an index that is not partitioned
//!    may change places across partitions.
//! 3. Bookmarks end with the partition ([`bookmark::partition`]); what a partition's own writer gets does not.

use std::sync::Arc;

use holdfast_base::Rid;
use holdfast_types::{SqlError, SqlResult, Value};

use super::row::Stored;
use super::{NewRow, RowState, RowUpdate, StoredWriter, TableWriter, WriteContext, bookmark};
use crate::database::partition::Partitioned;
use crate::lock::LockMode;

/// See the file's head.
pub struct PartitionedWriter {
    parts: Vec<Arc<StoredWriter>>,
    by: Arc<Partitioned>,
}

/// What of a change belongs to one partition: its number, bookmarks, rows.
type Share = (usize, Vec<Vec<u8>>, Vec<Vec<Value>>);

/// A row that is on its way from one partition to another.
struct Moving<'r> {
    from: usize,
    to: usize,
    fields: Vec<Stored>,
    old: Vec<Stored>,
    /// Where it was, if it had an address.
    old_rid: Option<Rid>,
    outside: &'r [i32],
}

impl PartitionedWriter {
    pub fn new(parts: Vec<Arc<StoredWriter>>, by: Arc<Partitioned>) -> Self {
        PartitionedWriter { parts, by }
    }

    fn part(&self, n: usize) -> SqlResult<&StoredWriter> {
        let part = self.parts.get(n).map(|p| &**p);
        part.ok_or_else(|| {
            SqlError::with_text(8624, 16, "Internal error: a row of a partition that is not there.")
        })
    }

    fn first(&self) -> SqlResult<&StoredWriter> {
        self.part(0)
    }

    fn place(&self, values: &[Value]) -> usize {
        self.by.function.partition_of(values.get(self.by.ordinal).unwrap_or(&Value::Null))
    }

    /// Bookmarks by partition, and with them the rows, where they are given.
    fn by_partition(&self, marks: &[Vec<u8>], rows: &[Vec<Value>]) -> SqlResult<Vec<Share>> {
        let mut out: Vec<Share> = Vec::new();
        for (at, mark) in marks.iter().enumerate() {
            let (n, own) = bookmark::partition(mark).map_err(|e| crate::page_error(&e))?;
            let place = match out.iter().position(|(p, ..)| *p == n) {
                Some(place) => place,
                None => {
                    out.push((n, Vec::new(), Vec::new()));
                    out.len() - 1
                }
            };
            if let Some((_, marks, own_rows)) = out.get_mut(place) {
                marks.push(own.to_vec());
                own_rows.extend(rows.get(at).cloned());
            }
        }
        Ok(out)
    }

    /// The fields of a row in the layout of another partition.
    fn fields_for(&self, moving: &Moving<'_>) -> SqlResult<Vec<Stored>> {
        let (from, to) = (self.part(moving.from)?, self.part(moving.to)?);
        let mut out = vec![Stored::null(); to.layout().columns.len()];
        for (a, b) in from.positions.iter().zip(&to.positions) {
            if let (Some(a), Some(b)) = (a, b)
                && let (Some(field), Some(place)) = (moving.fields.get(*a), out.get_mut(*b))
            {
                place.clone_from(field);
            }
        }
        // What only indexes hold lies behind the columns, in the same order everywhere.
        out.extend(moving.fields.get(from.layout().columns.len()..).unwrap_or(&[]).iter().cloned());
        Ok(out)
    }

    fn leave<'r>(
        &self,
        write: WriteContext<'_>,
        (from, own): (usize, &[u8]),
        (row, before): (&'r NewRow, &[Value]),
        changed: &[usize],
        to: usize,
    ) -> SqlResult<Moving<'r>> {
        let part = self.part(from)?;
        let (fields, (old, old_rid)) =
            part.leave(write, own, (row, before), changed).map_err(|e| part.named(e))?;
        Ok(Moving { from, to, fields, old, old_rid, outside: &row.outside_indexes })
    }

    fn arrive(&self, write: WriteContext<'_>, row: &Moving<'_>) -> SqlResult<()> {
        let (from, to) = (self.part(row.from)?, self.part(row.to)?);
        let fields = self.fields_for(row)?;
        to.arrive(write, fields, row.outside).map_err(|e| to.named(e))?;
        from.forget_large(write, &row.old, row.old_rid).map_err(|e| from.named(e))
    }

    /// Whether an index of the table has entries for rows of several partitions in one tree.
    fn shares_an_index(&self) -> bool {
        let (Some(a), Some(b)) = (self.parts.first(), self.parts.get(1)) else { return false };
        a.indexes.iter().zip(&b.indexes).any(|(x, y)| x.tree.access.rowset == y.tree.access.rowset)
    }
}

impl TableWriter for PartitionedWriter {
    fn insert(&self, write: WriteContext<'_>, rows: &[NewRow]) -> SqlResult<u64> {
        let places: Vec<usize> = rows.iter().map(|r| self.place(&r.values)).collect();
        let Some(first) = places.first() else { return Ok(0) };
        if places.iter().all(|p| p == first) {
            return self.part(*first)?.insert(write, rows);
        }
        let mut grouped: Vec<(usize, Vec<NewRow>)> = Vec::new();
        for (row, place) in rows.iter().zip(places) {
            match grouped.iter_mut().find(|(p, _)| *p == place) {
                Some((_, list)) => list.push(row.clone()),
                None => grouped.push((place, vec![row.clone()])),
            }
        }
        let mut entered = 0;
        for (place, rows) in grouped {
            entered += self.part(place)?.insert(write, &rows)?;
        }
        Ok(entered)
    }

    fn lock_all(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.first()?.lock_all(write)
    }

    fn lock_to_change(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.first()?.lock_to_change(write)
    }

    fn lock(&self, write: WriteContext<'_>, mark: &[u8]) -> SqlResult<RowState> {
        let (n, own) = bookmark::partition(mark).map_err(|e| crate::page_error(&e))?;
        self.part(n)?.lock(write, own)
    }

    fn changed_since(&self, write: WriteContext<'_>, mark: &[u8], snapshot: u64) -> SqlResult<bool> {
        let (n, own) = bookmark::partition(mark).map_err(|e| crate::page_error(&e))?;
        self.part(n)?.changed_since(write, own, snapshot)
    }

    fn update(&self, write: WriteContext<'_>, rows: &[RowUpdate], changed: &[usize]) -> SqlResult<()> {
        let mut staying: Vec<(usize, Vec<(&[u8], &RowUpdate)>)> = Vec::new();
        let mut moving = Vec::new();
        let may_move = changed.contains(&self.by.ordinal);
        for update in rows {
            let (from, own) = bookmark::partition(&update.bookmark).map_err(|e| crate::page_error(&e))?;
            let to = if may_move { self.place(&update.row.values) } else { from };
            if from != to {
                moving.push(self.leave(write, (from, own), (&update.row, &update.old), changed, to)?);
                continue;
            }
            match staying.iter_mut().find(|(p, _)| *p == from) {
                Some((_, list)) => list.push((own, update)),
                None => staying.push((from, vec![(own, update)])),
            }
        }
        let mut pending = Vec::with_capacity(staying.len());
        for (n, rows) in &staying {
            let part = self.part(*n)?;
            let touched = part.touched(changed);
            let out = part.take_out(write, rows, changed, &touched).map_err(|e| part.named(e))?;
            part.count_updates(changed, rows.len());
            pending.push((part, out, touched));
        }
        for (part, out, touched) in pending {
            part.put_in(write, out, &touched).map_err(|e| part.named(e))?;
        }
        for row in &moving {
            self.arrive(write, row)?;
            self.part(row.to)?.count_updates(changed, 1);
        }
        Ok(())
    }

    fn move_rows(&self, write: WriteContext<'_>, rows: &[RowUpdate], to: usize) -> SqlResult<()> {
        for update in rows {
            let mark = bookmark::partition(&update.bookmark).map_err(|e| crate::page_error(&e))?;
            let row = self.leave(write, mark, (&update.row, &update.row.values), &[], to)?;
            self.arrive(write, &row)?;
        }
        Ok(())
    }

    fn delete(&self, write: WriteContext<'_>, bookmarks: &[Vec<u8>], old: &[Vec<Value>]) -> SqlResult<()> {
        for (n, marks, rows) in self.by_partition(bookmarks, old)? {
            self.part(n)?.delete(write, &marks, &rows)?;
        }
        Ok(())
    }

    fn stored_parts(&self) -> Vec<&StoredWriter> {
        self.parts.iter().map(|p| &**p).collect()
    }

    fn part_of(&self, values: &[Value]) -> usize {
        self.place(values)
    }

    fn truncate(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.parts.iter().try_for_each(|p| p.truncate(write))
    }

    fn truncate_partitions(&self, write: WriteContext<'_>, partitions: &[usize]) -> SqlResult<()> {
        if self.shares_an_index() {
            let what = format!(
                "TRUNCATE of partitions of table '{}', which has an index that is not partitioned",
                self.first()?.name
            );
            return Err(SqlError::not_supported(what));
        }
        for n in partitions {
            let part = self.part(*n)?;
            part.check()?;
            part.lock_table(write, LockMode::SchM)?;
            part.release_pages(write).map_err(|e| part.named(e))?;
        }
        Ok(())
    }

    fn next_identity(&self) -> SqlResult<Value> {
        self.first()?.next_identity()
    }

    fn note_identity(&self, value: &Value, reseed: bool) -> SqlResult<()> {
        self.first()?.note_identity(value, reseed)
    }

    fn next_row_version(&self) -> SqlResult<u64> {
        self.first()?.next_row_version()
    }

    fn current_identity(&self) -> SqlResult<Value> {
        self.first()?.current_identity()
    }
}
