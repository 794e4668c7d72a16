//! Reading rows: in the order they came, and in the order of an index.
//!
//! Invariants
//! 1. A scan goes through snapshots of the trees.
//! 2. Rows that are reached through an index are fetched in the order of their ids, some thousands at a time, and brought into the
//!    index's order after: a leaf that is in the file is read once for all of them.

use std::sync::Arc;

use holdfast_engine::access::{BOOKMARK, BOOKMARK_TYPE, BatchSource};
use holdfast_types::batch::{BATCH_ROWS, ColumnBuilder};
use holdfast_types::{Batch, Column, SqlResult, SqlType};

use super::rows::{ID, RowEntry, digest, id_of_key};
use crate::operator::spill::damaged;
use crate::row_store::codec::{Codec, Decoder};
use crate::row_store::{Cursor, Tree};

/// Rows that are fetched at once through an index, at most.
const MOST: usize = 32 * BATCH_ROWS;

/// Bytes that they may take together.
const MOST_BYTES: usize = 4 << 20;

/// A row's bookmark: its id and digest. It ends with a byte that no trimming of zeros takes away.
pub(super) fn mark(entry: &[u8]) -> SqlResult<[u8; 17]> {
    let mut out = [1; 17];
    out[..8].copy_from_slice(entry.get(..ID).ok_or_else(damaged)?);
    out[8..16].copy_from_slice(&digest(entry).to_be_bytes());
    Ok(out)
}

/// The id and digest of a bookmark.
pub(super) fn marked(bookmark: &[u8]) -> Option<(u64, u64)> {
    let (id, rest) = bookmark.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*id), u64::from_be_bytes(*rest.first_chunk::<8>()?)))
}

/// Makes batches of entries.
pub(super) struct Fill {
    decoder: Decoder,
    columns: Vec<usize>,
    marks: Option<ColumnBuilder>,
    len: usize,
}

impl Fill {
    /// Of these columns, which are ordinals or [`BOOKMARK`].
    pub fn new(codec: &Codec, columns: &[usize]) -> Self {
        Fill {
            decoder: Decoder::new(codec, columns.iter().copied()),
            marks: columns.contains(&BOOKMARK).then(|| ColumnBuilder::new(BOOKMARK_TYPE, 0)),
            columns: columns.to_vec(),
            len: 0,
        }
    }

    fn push(&mut self, entry: &[u8]) -> SqlResult<()> {
        self.decoder.push(RowEntry::of(entry)?.values)?;
        if let Some(marks) = &mut self.marks {
            marks.push_bytes(&mark(entry)?)?;
        }
        self.len += 1;
        Ok(())
    }

    fn take(&mut self) -> Batch {
        let len = std::mem::take(&mut self.len);
        let by_ordinal = self.decoder.take();
        let marks = self.marks.as_mut().map(|m| Arc::new(m.take()));
        let column = |&c: &usize| {
            let found = if c == BOOKMARK { marks.clone() } else { by_ordinal.get(c).cloned().flatten() };
            found.unwrap_or_else(|| Arc::new(Column::all_null(&SqlType::NULL, len)))
        };
        Batch { len, columns: self.columns.iter().map(column).collect() }
    }
}

/// Rows from one entry up to another.
pub(super) struct RowScan {
    cursor: Cursor,
    from: Option<Box<[u8]>>,
    to: Option<Box<[u8]>>,
    begun: bool,
    fill: Fill,
    backward: bool,
    /// How many rows the next batch may have.
    most: usize,
}

impl RowScan {
    pub fn new(rows: &Tree, from: Option<Box<[u8]>>, to: Option<Box<[u8]>>, fill: Fill) -> Self {
        RowScan { cursor: Cursor::new(rows), from, to, begun: false, fill, backward: false, most: BATCH_ROWS }
    }

    /// With so many rows in the first batch and more in the next ones; `backward`: from the last one on.
    pub fn beginning_with(self, most: usize, backward: bool) -> Self {
        RowScan { most, backward, ..self }
    }

    fn begin(&mut self) -> SqlResult<()> {
        match (self.backward, &self.to) {
            (false, _) => self.cursor.seek(self.from.as_deref().unwrap_or_default()),
            (true, Some(to)) => self.cursor.seek_before(to),
            (true, None) => self.cursor.seek_last(),
        }
    }
}

impl BatchSource for RowScan {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if !self.begun {
            self.begun = true;
            self.begin()?;
        }
        let most = self.most;
        self.most = (most * 2).min(BATCH_ROWS);
        while self.fill.len < most {
            let Some(entry) = self.cursor.entry() else { break };
            let beyond = if self.backward {
                self.from.as_deref().is_some_and(|from| entry < from)
            } else {
                self.to.as_deref().is_some_and(|to| entry >= to)
            };
            if beyond {
                break;
            }
            self.fill.push(entry)?;
            if self.backward {
                self.cursor.previous()?;
            } else {
                self.cursor.advance()?;
            }
        }
        Ok((self.fill.len > 0).then(|| self.fill.take()))
    }
}

/// Rows in the order of an index, between two keys, forward or backward.
pub(super) struct KeyScan {
    keys: Cursor,
    rows: Cursor,
    /// The first key, and the first beyond the last.
    from: Option<Vec<u8>>,
    to: Option<Vec<u8>>,
    backward: bool,
    begun: bool,
    fill: Fill,
    /// How many to fetch next.
    next: usize,
    fetched: Batch,
    /// The rows of `fetched` in the index's order, and how many of them are given.
    order: Vec<u32>,
    given: usize,
}

impl KeyScan {
    pub fn new(
        keys: &Tree,
        rows: &Tree,
        from: Option<Vec<u8>>,
        to: Option<Vec<u8>>,
        backward: bool,
        fill: Fill,
    ) -> Self {
        KeyScan {
            keys: Cursor::new(keys),
            rows: Cursor::new(rows),
            from,
            to,
            backward,
            begun: false,
            fill,
            next: BATCH_ROWS,
            fetched: Batch::default(),
            order: Vec::new(),
            given: 0,
        }
    }

    /// With so many rows in the first batch, and more in the next ones.
    pub fn beginning_with(self, most: usize) -> Self {
        KeyScan { next: most, ..self }
    }

    fn begin(&mut self) -> SqlResult<()> {
        match (self.backward, &self.from, &self.to) {
            (false, from, _) => self.keys.seek(from.as_deref().unwrap_or_default()),
            (true, _, Some(to)) => self.keys.seek_before(to),
            (true, _, None) => self.keys.seek_last(),
        }
    }

    /// The ids of the next rows.
    fn ids(&mut self) -> SqlResult<Vec<u64>> {
        let mut ids = Vec::new();
        while ids.len() < self.next {
            let Some(entry) = self.keys.entry() else { break };
            let beyond = if self.backward {
                self.from.as_deref().is_some_and(|from| entry < from)
            } else {
                self.to.as_deref().is_some_and(|to| entry >= to)
            };
            if beyond {
                break;
            }
            ids.push(id_of_key(entry)?);
            if self.backward {
                self.keys.previous()?
            } else {
                self.keys.advance()?
            };
        }
        Ok(ids)
    }

    fn fetch(&mut self) -> SqlResult<()> {
        if !self.begun {
            self.begun = true;
            self.begin()?;
        }
        let ids = self.ids()?;
        let mut places: Vec<u32> = (0..ids.len() as u32).collect();
        if !ids.is_sorted() {
            places.sort_unstable_by_key(|p| ids[*p as usize]);
        }
        self.order = vec![0; ids.len()];
        for (n, &p) in places.iter().enumerate() {
            self.order[p as usize] = n as u32;
            let found = self.rows.find(&ids[p as usize].to_be_bytes())?;
            match self.rows.entry() {
                Some(entry) if found => self.fill.push(entry)?,
                _ => return Err(damaged()),
            }
        }
        self.fetched = self.fill.take();
        self.given = 0;
        let bytes = self.fetched.memory();
        if bytes > 2 * MOST_BYTES {
            self.next = (self.next / 2).max(1);
        } else if bytes <= MOST_BYTES / 2 {
            self.next = (self.next * 2).min(MOST);
        }
        Ok(())
    }
}

impl BatchSource for KeyScan {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.given == self.order.len() {
            self.fetch()?;
            if self.order.is_empty() {
                return Ok(None);
            }
        }
        let some = &self.order[self.given..(self.given + BATCH_ROWS).min(self.order.len())];
        let all = some.len() == self.fetched.len;
        self.given += some.len();
        Ok(Some(if all && some.is_sorted() {
            std::mem::take(&mut self.fetched)
        } else {
            self.fetched.take(some)
        }))
    }
}
