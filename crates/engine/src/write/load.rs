//! Loading a heap or clustered index that was just made with rows in the order of its key: pages are filled one behind the other.
//!
//! Invariants
//! 1. The transaction holds the table exclusively, and the rowset was empty before ([`super::bulk`], invariant 1).
//! 2. Rows come in the order of the clustered key, equal keys of an index that is not unique beside each other; another order is an
//!    error. Rows of a heap come in any.
//! 3. Nonclustered indexes get nothing: they are built afterwards ([`super::build`]). IGNORE_DUP_KEY leaves no row out.

use std::cmp::Ordering;

use holdfast_base::Rid;
use holdfast_format::record::Row;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Change, LogTransaction};
use holdfast_types::{SqlResult, Value};

use super::build::{self, Entries, PAGE_ROOM, STEP_BYTES};
use super::bulk::{Numbers, declared};
use super::records::{RecordPlan, Records};
use super::row::Stored;
use super::table::{Base, LONGEST_CLUSTERED_KEY, StoredWriter, check_key, fields_of, internal};
use super::tree::Tree;
use super::writing::failure;
use super::{NewRow, TableWriter, WriteContext, bookmark};
use crate::lock::LockMode;

/// One partition, or the whole table.
struct Part<'w> {
    writer: &'w StoredWriter,
    /// Rows whose values all stay in the row are made by it.
    records: Option<Records>,
    numbers: Option<Numbers>,
    keep: usize,
    pending: Entries,
    /// The last row's record.
    last: Option<Vec<u8>>,
    /// Its key, when that was made.
    last_key: Option<Vec<Value>>,
    /// Its uniquifier.
    uniquifier: i32,
}

/// See the file's head.
pub struct TableLoad<'w> {
    table: &'w dyn TableWriter,
    parts: Vec<Part<'w>>,
}

impl<'w> TableLoad<'w> {
    /// `fill`: percent of a leaf that rows take; 0 is 100.
    ///
    /// # Errors
    /// When the table cannot be changed.
    pub fn new(table: &'w dyn TableWriter, write: WriteContext<'_>, fill: u8) -> SqlResult<Self> {
        let mut parts = Vec::new();
        for writer in table.stored_parts() {
            writer.check()?;
            writer.lock_table(write, LockMode::X)?;
            let plan = RecordPlan::new(writer.layout(), &writer.types, &writer.positions);
            let numbers = match &writer.base {
                Base::Tree { tree, .. } => Numbers::of(tree),
                Base::Heap(_) => None,
            };
            parts.push(Part {
                writer,
                records: plan.map(|p| Records::new(p.into())),
                numbers,
                keep: build::kept_free(fill),
                pending: Entries::default(),
                last: None,
                last_key: None,
                uniquifier: 0,
            });
        }
        Ok(TableLoad { table, parts })
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// 2601 or 2627 for the key of the row before in a unique index, 515 for NULL where there must be none, 1946 for a key that is
    /// too long, 511 for a row that fits on no page; those of the pages.
    pub fn push(&mut self, write: WriteContext<'_>, row: &NewRow) -> SqlResult<()> {
        let number = self.table.part_of(&row.values);
        let part = self.parts.get_mut(number).ok_or_else(|| failure(&internal("no such partition")))?;
        part.push(write, row).map_err(|e| part.writer.named(e))
    }

    /// All rows are in the table behind this.
    ///
    /// # Errors
    /// As [`TableLoad::push`].
    pub fn finish(mut self, write: WriteContext<'_>) -> SqlResult<()> {
        for part in &mut self.parts {
            part.flush(write).map_err(|e| part.writer.named(e))?;
        }
        Ok(())
    }
}

fn parsed(record: &[u8]) -> RecoveryResult<Row<'_>> {
    Row::parse(record, false, 0).map_err(|e| internal(e.what))
}

impl Part<'_> {
    fn push(&mut self, write: WriteContext<'_>, row: &NewRow) -> SqlResult<()> {
        self.writer.check_nulls(&row.values, None, "INSERT")?;
        if let Some(records) = &mut self.records {
            records.clear();
            if records.push(&row.values)? {
                let record = records.get(0).to_vec();
                if self.follows(&record)? {
                    return self.add(write, record);
                }
            }
        }
        let mut fields = self.writer.fields(row, None)?;
        self.uniquify(&mut fields)?;
        let record = match self.writer.ready(&fields).map_err(|e| failure(&e))? {
            Some(record) => record,
            None => {
                // Its large values come behind the rows before.
                self.flush(write)?;
                let joined = self.writer.writing.join(write.transaction)?;
                let mut log = joined.part()?.log.lock();
                let mut change = self.writer.gate()?;
                let record = self.writer.settling().settle(&mut change, &mut log, &mut fields, &[]);
                record.map_err(|e| self.writer.too_large(e))?
            }
        };
        self.add(write, record)
    }

    /// Whether a row's key is greater than that of the row before. What else it may be [`Part::uniquify`] tells.
    fn follows(&mut self, record: &[u8]) -> SqlResult<bool> {
        let Base::Tree { tree, name, .. } = &self.writer.base else { return Ok(true) };
        if tree.longest_key() > LONGEST_CLUSTERED_KEY {
            let fields = fields_of(tree.layout(), record, &[]).map_err(|e| failure(&e))?;
            check_key(tree, tree.keys.len(), &fields, name, "clustered", LONGEST_CLUSTERED_KEY)?;
        }
        if let Some(numbers) = &self.numbers {
            let last = self.last.as_ref();
            let greater = last.is_none_or(|last| numbers.compare(record, last) == Ordering::Greater);
            if greater {
                (self.last_key, self.uniquifier) = (None, 0);
            }
            return Ok(greater);
        }
        let key = self.key_of(tree, record)?;
        let greater = match self.key_before(tree)? {
            Some(before) => compare(tree, &key, before) == Ordering::Greater,
            None => true,
        };
        if greater {
            (self.last_key, self.uniquifier) = (Some(key), 0);
        }
        Ok(greater)
    }

    fn key_of(&self, tree: &Tree, record: &[u8]) -> SqlResult<Vec<Value>> {
        let source = &**self.writer.writing.logged.pages();
        let row = parsed(record).map_err(|e| failure(&e))?;
        tree.key_of(source, &row, false).map_err(|e| crate::page_error(&e))
    }

    fn key_before(&mut self, tree: &Tree) -> SqlResult<Option<&[Value]>> {
        if self.last_key.is_none()
            && let Some(last) = &self.last
        {
            self.last_key = Some(self.key_of(tree, last)?);
        }
        Ok(self.last_key.as_deref())
    }

    /// Compares a row's key with that of the row before, and sets its uniquifier.
    fn uniquify(&mut self, fields: &mut [Stored]) -> SqlResult<()> {
        let Base::Tree { tree, unique, name, constraint } = &self.writer.base else { return Ok(()) };
        check_key(tree, tree.keys.len(), fields, name, "clustered", LONGEST_CLUSTERED_KEY)?;
        let (key, _) = StoredWriter::key_of(tree, fields).map_err(|e| failure(&e))?;
        let order = self.key_before(tree)?.map_or(Ordering::Greater, |before| compare(tree, &key, before));
        match order {
            Ordering::Greater => self.uniquifier = 0,
            Ordering::Equal if *unique => return Err(self.writer.duplicate(name, *constraint, tree, &key)),
            Ordering::Equal => {
                let next = self.uniquifier.checked_add(1);
                self.uniquifier = next.ok_or_else(|| failure(&internal("uniquifiers are used up")))?;
            }
            Ordering::Less => {
                let what = format!("rows of index '{name}' were sorted in another order");
                return Err(failure(&RecoveryError::Database { what }));
            }
        }
        if !*unique && let Some(field) = tree.keys.last().and_then(|k| fields.get_mut(k.position)) {
            *field = StoredWriter::uniquifier_field(tree, self.uniquifier);
        }
        self.last_key = Some(key);
        Ok(())
    }

    fn add(&mut self, write: WriteContext<'_>, record: Vec<u8>) -> SqlResult<()> {
        self.pending.push(&record);
        self.last = Some(record);
        if self.pending.size() < STEP_BYTES { Ok(()) } else { self.flush(write) }
    }

    fn flush(&mut self, write: WriteContext<'_>) -> SqlResult<()> {
        if self.pending.len() == 0 {
            return Ok(());
        }
        let joined = self.writer.writing.join(write.transaction)?;
        let mut log = joined.part()?.log.lock();
        let mut change = self.writer.gate()?;
        let records: Vec<&[u8]> = (0..self.pending.len()).map(|n| self.pending.get(n)).collect();
        let mut rest = records.as_slice();
        while !rest.is_empty() {
            // As many as a page can hold at most.
            let mut bytes = 0;
            let fits = rest.iter().take_while(|r| {
                bytes += r.len() + 2;
                bytes <= PAGE_ROOM
            });
            let some = rest.get(..fits.count().max(1)).unwrap_or(rest);
            let count = self.append(write, &mut change, &mut log, some).map_err(|e| failure(&e))?;
            rest = rest.get(count..).unwrap_or(&[]);
        }
        drop(change);
        self.pending.clear();
        Ok(())
    }

    /// Puts leading rows behind the last one; answers how many, at least one.
    fn append(
        &self,
        write: WriteContext<'_>,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        records: &[&[u8]],
    ) -> RecoveryResult<usize> {
        let writer = self.writer;
        let tree = match &writer.base {
            Base::Heap(heap) => {
                let note = |rid: Rid| writer.note(write, &rid.to_bytes(), None);
                return heap.append(change, log, records, &note).map(|(_, count)| count);
            }
            Base::Tree { tree, .. } => tree,
        };
        let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
        let positions = tree.positions();
        let raw = |record: &[u8]| -> RecoveryResult<Vec<u8>> {
            let mut out = Vec::new();
            bookmark::key_fields(&parsed(record)?, tree.layout(), &positions, false, &mut out)
                .map_err(|e| internal(e.what))?;
            Ok(out)
        };
        let Some(first) = records.first() else { return Ok(0) };
        let key = tree.key_of(change.source(), &parsed(first)?, false).map_err(fail)?;
        let kept = writer.keeps_versions();
        let note = |record: &[u8]| -> RecoveryResult<()> {
            if kept {
                writer.note(write, &raw(record)?, None);
            }
            Ok(())
        };
        match tree.append(change, log, &key, &raw(first)?, records, self.keep, &note)? {
            0 => Err(internal("a table was not empty when it was loaded")),
            count => Ok(count),
        }
    }
}

/// Order of two keys of a clustered index, the uniquifier left out.
fn compare(tree: &Tree, a: &[Value], b: &[Value]) -> Ordering {
    let declared = declared(tree);
    build::compare(tree, &a[..declared.min(a.len())], &b[..declared.min(b.len())])
}
