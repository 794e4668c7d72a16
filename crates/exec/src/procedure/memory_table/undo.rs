//! Taking back what a transaction did to tables outside databases.
//!
//! Invariants
//! 1. What is noted is noted before the change it takes back.
//! 2. Notes of one kind about one table come together in one, unless a savepoint lies between them: what is noted grows with the rows
//!    that were changed, not with the steps, and lies in the row store.
//! 3. Taking back never fails: it is the others of the transaction whose changes must not stay because of it. A table that cannot
//!    be brought back is lost (`rows`, invariant 4).

use std::any::Any;
use std::sync::Arc;

use holdfast_engine::transaction::{Participant, Transaction};
use holdfast_types::{SqlError, SqlResult};
use parking_lot::Mutex;

use super::rows::{Entries, ID, MemoryRows, RowEntry, STEP};
use crate::procedure::identity::Counter;
use crate::row_store::{Cursor, Tree};

/// Places of the two participants tables in memory join a transaction as.
const TEMPORARIES: usize = 1;
const VARIABLES: usize = 2;

/// What is taken back of a table.
pub(super) enum Note {
    /// Rows with these ids came, the last included.
    Came(u64, u64),
    /// Rows were these before: entries of the tree of rows.
    Were(Tree),
    /// All rows were these, and the entries of indexes by id; and where the identity column stood.
    All(Tree, Vec<(i32, Tree)>, Option<Counter>),
}

enum Undo {
    Rows {
        table: Arc<MemoryRows>,
        note: Note,
    },
    /// Something else in memory: temporary tables made or dropped.
    Other(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Notes {
    list: Vec<Undo>,
    /// The last savepoint: what is noted before it stays as it is.
    savepoint: usize,
}

/// What a transaction did to tables in memory.
struct MemoryChanges {
    place: usize,
    notes: Mutex<Notes>,
}

fn changes(transaction: &Transaction, place: usize) -> SqlResult<Arc<dyn Participant>> {
    transaction.participant(place, || {
        Ok(Arc::new(MemoryChanges { place, notes: Mutex::default() }) as Arc<dyn Participant>)
    })
}

impl Notes {
    fn add(&mut self, table: &Arc<MemoryRows>, note: Note) -> SqlResult<()> {
        if self.list.len() > self.savepoint
            && let Some(Undo::Rows { table: last, note: before }) = self.list.last_mut()
            && Arc::ptr_eq(last, table)
        {
            match (before, &note) {
                (Note::Came(_, end), Note::Came(first, last)) if *end + 1 == *first => {
                    *end = *last;
                    return Ok(());
                }
                (Note::Were(before), Note::Were(now)) => return add_older(before, now),
                _ => {}
            }
        }
        self.list.push(Undo::Rows { table: Arc::clone(table), note });
        Ok(())
    }
}

/// Adds rows to others that were noted before; those stay what they are.
fn add_older(before: &mut Tree, now: &Tree) -> SqlResult<()> {
    let (mut cursor, mut known) = (Cursor::new(now), Cursor::new(before));
    let mut new = Entries::default();
    cursor.seek_first()?;
    while let Some(e) = cursor.entry() {
        if !known.find(e.get(..ID).unwrap_or(e))? {
            new.push(e);
        }
        cursor.advance()?;
    }
    drop(known);
    before.insert_sorted(&new.all())
}

impl MemoryRows {
    /// Notes what a statement is going to do.
    pub(super) fn note(&self, transaction: &Transaction, note: Note) -> SqlResult<()> {
        let Some(this) = self.this.upgrade() else { return Ok(()) };
        let participant = changes(transaction, if self.lasting { VARIABLES } else { TEMPORARIES })?;
        match participant.as_any().downcast_ref::<MemoryChanges>() {
            Some(changes) => changes.notes.lock().add(&this, note),
            None => Ok(()),
        }
    }

    fn take_back(&self, note: Note) -> SqlResult<()> {
        match note {
            Note::Came(first, last) => self.take_out(first, last),
            Note::Were(rows) => self.bring_back(&rows),
            Note::All(rows, keys, stood) => {
                if let (Some(counter), Some(stood)) = (&self.identity, stood) {
                    *counter.lock() = stood;
                }
                let mut inner = self.inner.write();
                let same = inner.rows.is_empty()
                    && inner.indexes.len() == keys.len()
                    && inner.indexes.iter().zip(&keys).all(|(i, k)| i.index_id == k.0);
                if same {
                    inner.rows = rows;
                    inner.indexes.iter_mut().zip(keys).for_each(|(i, k)| i.keys = k.1);
                    return Ok(());
                }
                drop(inner);
                self.bring_back(&rows)
            }
        }
    }

    fn take_out(&self, first: u64, last: u64) -> SqlResult<()> {
        let mut inner = self.inner.write();
        loop {
            // Anew each time: a cursor keeps what it was made over.
            let mut cursor = Cursor::new(&inner.rows);
            cursor.seek(&first.to_be_bytes())?;
            let mut gone = Entries::default();
            while gone.len() < STEP
                && let Some(e) = cursor.entry()
                && RowEntry::of(e)?.id <= last
            {
                gone.push(e);
                cursor.advance()?;
            }
            drop(cursor);
            if gone.is_empty() {
                return Ok(());
            }
            inner.replace(&self.codec, &gone, &Entries::default())?;
            let _ = self.pool.make_room();
        }
    }

    fn bring_back(&self, rows: &Tree) -> SqlResult<()> {
        let mut inner = self.inner.write();
        let mut cursor = Cursor::new(rows);
        cursor.seek_first()?;
        loop {
            let (mut old, mut ids) = (Entries::default(), Vec::new());
            while old.len() < STEP
                && let Some(e) = cursor.entry()
            {
                ids.push(RowEntry::of(e)?.id);
                old.push(e);
                cursor.advance()?;
            }
            if old.is_empty() {
                return Ok(());
            }
            let now = inner.find(ids.into_iter())?;
            inner.replace(&self.codec, &now, &old)?;
            // Whatever the disk has room for: going back takes no more than there was.
            let _ = self.pool.make_room();
        }
    }
}

impl Participant for MemoryChanges {
    fn place(&self) -> usize {
        self.place
    }
    fn commit(&self) -> SqlResult<()> {
        *self.notes.lock() = Notes::default();
        Ok(())
    }
    fn rollback(&self) -> SqlResult<()> {
        if self.place == VARIABLES {
            return self.commit();
        }
        self.rollback_to(0)
    }
    fn savepoint(&self) -> u64 {
        let mut notes = self.notes.lock();
        notes.savepoint = notes.list.len();
        notes.savepoint as u64
    }
    fn rollback_to(&self, mark: u64) -> SqlResult<()> {
        let taken = {
            let mut notes = self.notes.lock();
            let keep = usize::try_from(mark).unwrap_or(usize::MAX).min(notes.list.len());
            notes.savepoint = keep;
            notes.list.split_off(keep)
        };
        for u in taken.into_iter().rev() {
            match u {
                Undo::Other(f) => f(),
                Undo::Rows { table, note } => {
                    if table.take_back(note).is_err() {
                        table.lose();
                    }
                }
            }
        }
        Ok(())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A statement has ended well: its changes of table variables stay, whatever becomes of the transaction.
pub fn keep_variables(transaction: &Transaction) {
    let none = || Err(SqlError::with_text(0, 0, ""));
    if let Ok(p) = transaction.participant(VARIABLES, none) {
        // Nothing of memory can fail to end.
        let _ = p.commit();
    }
}

/// Notes how to take back something else that a transaction did in memory.
pub fn note_undo(transaction: &Transaction, undo: Box<dyn FnOnce() + Send>) -> SqlResult<()> {
    let p = changes(transaction, TEMPORARIES)?;
    if let Some(changes) = p.as_any().downcast_ref::<MemoryChanges>() {
        changes.notes.lock().list.push(Undo::Other(undo));
    }
    Ok(())
}
