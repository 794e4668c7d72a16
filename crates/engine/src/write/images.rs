//! Rows of base tables as they were before open transactions changed them, for who wants to see what is committed only.
//!
//! Invariants
//! 1. A row's image is noted before its first change by a transaction, and kept until the transaction has ended; a rollback has
//!    put the row back by then. So whoever reads the rows first and the images then has every uncommitted change covered,
//!    unless a transaction has ended in between, which [`Images::ended`] tells.
//! 2. Only transactions that have told that they define ([`Images::begin`]) have images: they tell when they end.
//! 3. Rows are known by the key of their table's clustered index, whose first column is a number. A table without one has no
//!    images.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_types::Value;
use parking_lot::Mutex;

use crate::lock::LockOwner;

/// A row before its change.
struct Image {
    owner: LockOwner,
    key: Vec<Value>,
    /// `None`: it was not there.
    before: Option<Vec<Value>>,
}

#[derive(Default)]
struct TableImages {
    /// Ordinals of the key's columns.
    key: Vec<usize>,
    /// By the first value of the key.
    rows: HashMap<i64, Vec<Image>>,
}

/// The images of one database.
#[derive(Default)]
pub struct Images {
    /// By base table.
    tables: Mutex<HashMap<String, TableImages>>,
    /// Transactions that define.
    open: Mutex<HashSet<LockOwner>>,
    ended: AtomicU64,
}

fn first(key: &[Value]) -> i64 {
    match key.first() {
        Some(Value::TinyInt(n)) => i64::from(*n),
        Some(Value::SmallInt(n)) => i64::from(*n),
        Some(Value::Int(n)) => i64::from(*n),
        Some(Value::BigInt(n)) => *n,
        _ => 0,
    }
}

fn key_of(row: &[Value], key: &[usize]) -> Vec<Value> {
    key.iter().map(|&i| row.get(i).cloned().unwrap_or(Value::Null)).collect()
}

impl Images {
    /// A transaction is going to define something.
    pub fn begin(&self, owner: LockOwner) {
        self.open.lock().insert(owner);
    }

    /// A transaction is going to change a row of a table with this key. `comes`: it is not there yet.
    pub fn note(&self, owner: LockOwner, table: &str, key: &[usize], row: &[Value], comes: bool) {
        if key.is_empty() || !self.open.lock().contains(&owner) {
            return;
        }
        let values = key_of(row, key);
        let mut tables = self.tables.lock();
        if !tables.contains_key(table) {
            tables.insert(table.to_owned(), TableImages { key: key.to_vec(), rows: HashMap::new() });
        }
        let Some(images) = tables.get_mut(table) else { return };
        let beside = images.rows.entry(first(&values)).or_default();
        if !beside.iter().any(|i| i.owner == owner && i.key == values) {
            beside.push(Image { owner, key: values, before: (!comes).then(|| row.to_vec()) });
        }
    }

    /// A transaction has ended, and what it took back is back.
    pub fn end(&self, owner: LockOwner) {
        self.open.lock().remove(&owner);
        let mut tables = self.tables.lock();
        tables.retain(|_, t| {
            t.rows.retain(|_, beside| {
                beside.retain(|i| i.owner != owner);
                !beside.is_empty()
            });
            !t.rows.is_empty()
        });
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    /// How many transactions have ended.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }

    /// Whether others than `owner` have changed something.
    pub fn are_of_others(&self, owner: LockOwner) -> bool {
        let tables = self.tables.lock();
        tables.values().any(|t| t.rows.values().flatten().any(|i| i.owner != owner))
    }

    /// Rows of a table, with what others than `owner` have changed as it was.
    pub fn committed(&self, owner: LockOwner, table: &str, rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
        let tables = self.tables.lock();
        let Some(images) = tables.get(table) else { return rows };
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let key = key_of(&row, &images.key);
            let beside = images.rows.get(&first(&key));
            if !beside.is_some_and(|b| b.iter().any(|i| i.owner != owner && i.key == key)) {
                out.push(row);
            }
        }
        let of_others = images.rows.values().flatten().filter(|i| i.owner != owner);
        out.extend(of_others.filter_map(|i| i.before.clone()));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LockOwner = LockOwner(1);
    const B: LockOwner = LockOwner(2);

    fn row(id: i32, name: &str) -> Vec<Value> {
        vec![Value::Int(id), Value::string(name)]
    }

    fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
        rows.sort_by_key(|r| first(r));
        rows
    }

    #[test]
    fn others_see_what_was() {
        let images = Images::default();
        // Who has not told that he defines would not tell that he has ended either.
        images.note(A, "t", &[0], &row(9, "nine"), true);
        assert!(!images.are_of_others(B));
        images.begin(A);
        // 1 is renamed twice, 2 goes, 3 comes.
        images.note(A, "t", &[0], &row(1, "one"), false);
        images.note(A, "t", &[0], &row(1, "uno"), false);
        images.note(A, "t", &[0], &row(2, "two"), false);
        images.note(A, "t", &[0], &row(3, "three"), true);
        let now = vec![row(1, "eins"), row(3, "three"), row(4, "four")];
        let was = vec![row(1, "one"), row(2, "two"), row(4, "four")];
        assert_eq!(sorted(images.committed(B, "t", now.clone())), was);
        assert_eq!(images.committed(A, "t", now.clone()), now);
        assert_eq!(images.committed(B, "other", now.clone()), now);
        // What has gone back already is not there twice.
        assert_eq!(sorted(images.committed(B, "t", was.clone())), was);
        assert!(images.are_of_others(B) && !images.are_of_others(A));
        let before = images.ended();
        images.end(A);
        assert_ne!(images.ended(), before);
        assert_eq!(images.committed(B, "t", now.clone()), now);
    }
}
