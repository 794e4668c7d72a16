//! Distinct rows within a grant: what DISTINCT, EXCEPT and DISTINCT aggregates are made of.
//!
//! Invariants
//! 1. Of rows that are equal (NULL equal to NULL) exactly one comes out, from [`Dedup::add`] or from [`Dedup::rest`].
//! 2. As long as memory lasts it is the first, and at once. Then the table is only read: rows that it does not know go to files by hash
//!    of all columns, and are looked at file by file by `rest`, with an empty table each time.
//! 3. Every pass takes at least one batch of rows into its table, so the passes come to an end whatever the grant.

use std::sync::Arc;

use holdfast_types::{Batch, Column, SqlResult, SqlType};

use super::hash_table::{Finder, KeyTable, NO_GROUP};
use super::partition::Partitions;
use super::sort_key::{KeyPart, encode_rows};
use super::spill::{Grant, SpillReader};
use crate::context::ExecContext;

/// See the module description.
pub struct Dedup {
    types: Arc<[SqlType]>,
    nulls: Vec<bool>,
    table: KeyTable,
    numbers: Vec<u32>,
    grant: Grant,
    /// The table is full: what its reader remembers, and the rows put aside.
    full: Option<(Finder, Partitions)>,
    level: u32,
    /// Files still to be looked at, with their levels.
    pending: Vec<(SpillReader, u32)>,
    current: Option<SpillReader>,
    ctx: ExecContext,
}

fn refs(batch: &Batch) -> Vec<&Column> {
    batch.columns.iter().map(Arc::as_ref).collect()
}

/// Rows whose number is seen for the first time, given how many numbers there were before.
fn fresh(numbers: &[u32], before: usize) -> Vec<u32> {
    let mut next = before as u32;
    let mut out = Vec::new();
    for (i, &g) in numbers.iter().enumerate() {
        if g == next {
            out.push(i as u32);
            next += 1;
        }
    }
    out
}

/// All columns of a row as bytes that are equal when the rows are.
pub fn whole_rows(types: &[SqlType], batch: &Batch) -> SqlResult<holdfast_types::batch::VarColumn<u8>> {
    let parts: Vec<KeyPart> = types.iter().map(|&ty| KeyPart { ty, descending: false }).collect();
    encode_rows(&parts, &refs(batch), batch.len)
}

impl Dedup {
    pub fn new(types: &[SqlType], ctx: &ExecContext) -> Self {
        Dedup {
            types: Arc::from(types),
            nulls: vec![true; types.len()],
            table: KeyTable::new(types),
            numbers: Vec::new(),
            grant: Grant::new(ctx.query.budget()),
            full: None,
            level: 0,
            pending: Vec::new(),
            current: None,
            ctx: ctx.clone(),
        }
    }

    /// Rows of the batch that come out now.
    pub fn add(&mut self, batch: &Batch) -> SqlResult<Vec<u32>> {
        if self.full.is_none()
            && !self.grant.resize(self.table.memory_after(batch.len))
            && !self.table.is_empty()
        {
            let rest = Partitions::new(self.ctx.query.budget(), &self.types, self.level)?;
            self.full = Some((self.table.finder(), rest));
        }
        let columns = refs(batch);
        match &mut self.full {
            None => {
                let before = self.table.len();
                self.table.insert(&columns, batch.len, &self.nulls, &mut self.numbers)?;
                Ok(fresh(&self.numbers, before))
            }
            Some((finder, rest)) => {
                self.table.find(&columns, batch.len, &self.nulls, finder, &mut self.numbers)?;
                if self.numbers.contains(&NO_GROUP) {
                    let unknown = (0..batch.len).filter(|&i| self.numbers[i] == NO_GROUP);
                    rest.write(batch, &whole_rows(&self.types, batch)?, unknown)?;
                }
                Ok(Vec::new())
            }
        }
    }

    /// After the last row: the next of those that had to wait.
    pub fn rest(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            self.ctx.check_cancel()?;
            if let Some(reader) = &mut self.current {
                if let Some(batch) = reader.next_batch()? {
                    let rows = self.add(&batch)?;
                    if rows.is_empty() {
                        continue;
                    }
                    return Ok(Some(if rows.len() == batch.len { batch } else { batch.take(&rows) }));
                }
                self.current = None;
            }
            if let Some((_, rest)) = self.full.take() {
                let level = rest.level() + 1;
                let files = rest.finish()?;
                self.pending.extend(files.into_iter().filter(|f| f.rows() > 0).map(|f| (f, level)));
            }
            self.table = KeyTable::new(&self.types);
            self.grant.resize(0);
            let Some((file, level)) = self.pending.pop() else { return Ok(None) };
            self.level = level;
            self.current = Some(file);
        }
    }

    /// Bytes that the table takes.
    pub fn memory(&self) -> usize {
        self.table.memory()
    }
}
