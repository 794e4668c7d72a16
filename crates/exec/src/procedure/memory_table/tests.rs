//! Tables beside a plain model, with no memory to speak of, some, and plenty.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_engine::access::{
    BOOKMARK, BOOKMARK_TYPE, BatchSource, Bound, KeyRange, ReadContext, TableAccess,
};
use holdfast_engine::catalog::{ColumnDef, IndexDef, IndexKey, IndexKind};
use holdfast_engine::lock::LockWait;
use holdfast_engine::transaction::{Savepoint, Transaction, new_owner};
use holdfast_engine::write::{NewRow, RowState, RowUpdate, TableWriter, WriteContext};
use holdfast_types::{CollationId, SqlType, Value};

use super::{MemoryShape, MemoryTable};
use crate::procedure::query::plain_column;
use crate::row_store::Pool;

type Row = Vec<Value>;

struct Numbers(u64);
impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn columns() -> Vec<ColumnDef> {
    let name = SqlType::nvarchar(200, CollationId::SERVER_DEFAULT);
    vec![
        plain_column("k", 0, SqlType::INT, false),
        plain_column("n", 1, SqlType::INT, true),
        plain_column("s", 2, name, true),
    ]
}

fn index(index_id: i32, unique: bool, keys: &[(usize, bool)]) -> IndexDef {
    let key = |&(ordinal, descending): &(usize, bool)| IndexKey { ordinal, descending };
    IndexDef {
        index_id,
        name: Some(format!("i{index_id}").into()),
        kind: if index_id == 1 { IndexKind::Clustered } else { IndexKind::Nonclustered },
        unique,
        keys: keys.iter().map(key).collect(),
        ..IndexDef::heap()
    }
}

/// Index 1 (k, clustered or none), 2 (n descending), 3 (s, unique, only of rows whose n is not NULL).
fn table(pool: &Arc<Pool>, clustered: bool) -> MemoryTable {
    let mut indexes = vec![index(2, false, &[(1, true)]), index(3, true, &[(2, false)])];
    if clustered {
        indexes.insert(0, index(1, true, &[(0, false)]));
    }
    MemoryTable::of("#t", MemoryShape { columns: columns(), indexes, ..MemoryShape::default() }, pool)
}

fn rows(mut source: Box<dyn BatchSource>) -> Vec<Row> {
    let types: Vec<SqlType> = columns().iter().map(|c| c.ty).collect();
    let mut out = Vec::new();
    while let Some(b) = source.next_batch().unwrap() {
        out.extend((0..b.len).map(|i| b.row(i, &types)));
    }
    out
}

fn scan(t: &MemoryTable) -> Box<dyn BatchSource> {
    t.rows.scan(&ReadContext::unlocked(), &[0, 1, 2]).unwrap()
}

fn seek(t: &MemoryTable, index: i32, range: &KeyRange, backward: bool) -> Box<dyn BatchSource> {
    t.rows.seek(&ReadContext::unlocked(), index, range.clone(), &[0, 1, 2], backward).unwrap()
}

/// Bookmarks of rows by k.
fn marks(t: &MemoryTable) -> BTreeMap<i32, Vec<u8>> {
    let mut source = t.rows.scan(&ReadContext::unlocked(), &[0, BOOKMARK]).unwrap();
    let mut out = BTreeMap::new();
    while let Some(b) = source.next_batch().unwrap() {
        for i in 0..b.len {
            let (Value::Int(k), Value::Binary(mark)) =
                (b.columns[0].value(i, &SqlType::INT), b.columns[1].value(i, &BOOKMARK_TYPE))
            else {
                panic!("a key and a bookmark")
            };
            out.insert(k, mark.to_vec());
        }
    }
    out
}

fn key(row: &Row) -> i32 {
    match row[0] {
        Value::Int(k) => k,
        _ => panic!("a key"),
    }
}

/// The rows in the order they came.
#[derive(Clone, Default, Debug)]
struct Model(Vec<Row>);

impl Model {
    fn ordered(&self, clustered: bool) -> Vec<Row> {
        let mut all = self.0.clone();
        if clustered {
            all.sort_by_key(key);
        }
        all
    }

    /// By n descending, as rows came where that is the same.
    fn by_n(&self) -> Vec<Row> {
        let mut all = self.0.clone();
        all.sort_by_key(|r| match r[1] {
            Value::Int(n) => -i64::from(n),
            _ => i64::MAX,
        });
        all
    }

    fn allows(&self, clustered: bool) -> bool {
        let unique = |keys: Vec<String>| {
            let count = keys.len();
            keys.into_iter().collect::<std::collections::BTreeSet<_>>().len() == count
        };
        let filtered = self.0.iter().filter(|r| !r[1].is_null());
        (!clustered || unique(self.0.iter().map(|r| format!("{:?}", r[0])).collect()))
            && unique(filtered.map(|r| format!("{:?}", r[2])).collect())
    }
}

fn outside(row: &Row) -> Vec<i32> {
    if row[1].is_null() { vec![3] } else { Vec::new() }
}

fn new_row(n: &mut Numbers) -> Row {
    let k = n.next(400) as i32;
    let group = n.next(20);
    vec![
        Value::Int(k),
        if group == 0 { Value::Null } else { Value::Int(group as i32) },
        Value::string(&format!("{}{}", n.next(3000), "x".repeat((k % 50) as usize))),
    ]
}

#[test]
fn tables_are_what_the_model_is() {
    for (seed, limit, clustered) in
        [(1, 0, true), (2, 0, false), (3, 5_000, true), (4, 5_000, false), (5, 1 << 24, true)]
    {
        let pool = Pool::new(limit, std::env::temp_dir());
        pool.set_leaf_bytes(200);
        run(&pool, seed, clustered);
        assert_eq!(pool.written_bytes() > 0, limit < 1 << 24);
        assert_eq!((pool.used(), pool.file_bytes()), (0, 0), "all given back");
    }
}

fn run(pool: &Arc<Pool>, seed: u64, clustered: bool) {
    let mut n = Numbers(seed);
    let t = table(pool, clustered);
    let wait = LockWait::default();
    let (mut model, mut begun) = (Model::default(), Model::default());
    let mut work = Transaction::new(new_owner());
    let mut savepoints: Vec<(Savepoint, Model)> = Vec::new();
    let mut open: Vec<(Box<dyn BatchSource>, Vec<Row>)> = Vec::new();
    for step in 0..1200 {
        let at = format!("seed {seed}, step {step}");
        let write = WriteContext { transaction: &work, wait: &wait };
        let statement = work.savepoint();
        match n.next(16) {
            0..=4 => {
                let count = if step % 50 == 3 { 60 } else { 1 + n.next(5) };
                let new: Vec<Row> = (0..count).map(|_| new_row(&mut n)).collect();
                let mut after = model.clone();
                after.0.extend(new.iter().cloned());
                let new: Vec<NewRow> = new
                    .into_iter()
                    .map(|values| NewRow { outside_indexes: outside(&values), values })
                    .collect();
                let done = t.rows.insert(write, &new);
                assert_eq!(done.is_ok(), after.allows(clustered), "{at}: {done:?}");
                match done {
                    Ok(inserted) => {
                        assert_eq!(inserted, count);
                        model = after;
                    }
                    Err(_) => work.rollback_to(&statement).unwrap(),
                }
            }
            5..=7 => {
                // Every row at a time only once, and keys may change places.
                let all = marks(&t);
                let chosen: Vec<i32> = all.keys().copied().filter(|_| n.next(8) == 0).collect();
                let shift = n.next(2) as i32;
                let mut after = model.clone();
                let mut updates = Vec::new();
                for (i, k) in chosen.iter().enumerate() {
                    let Some(place) = after.0.iter().rposition(|r| key(r) == *k) else { continue };
                    let mut row = new_row(&mut n);
                    row[0] = Value::Int(chosen[(i + shift as usize) % chosen.len()]);
                    if n.next(2) == 0 {
                        row[2] = model.0[place][2].clone();
                    }
                    updates.push((place, row.clone(), all[k].clone()));
                }
                for (place, row, _) in &updates {
                    after.0[*place] = row.clone();
                }
                let updates: Vec<RowUpdate> = updates
                    .into_iter()
                    .map(|(_, values, bookmark)| RowUpdate {
                        bookmark,
                        row: NewRow { outside_indexes: outside(&values), values },
                        old: Vec::new(),
                    })
                    .collect();
                for u in &updates {
                    assert_eq!(t.rows.lock(write, &u.bookmark).unwrap(), RowState::Unchanged, "{at}");
                }
                let done = t.rows.update(write, &updates, &[0, 1, 2]);
                assert_eq!(done.is_ok(), after.allows(clustered), "{at}: {done:?}");
                match done {
                    Ok(()) => model = after,
                    Err(_) => work.rollback_to(&statement).unwrap(),
                }
            }
            8..=9 => {
                let all = marks(&t);
                let chosen: Vec<i32> = all.keys().copied().filter(|_| n.next(9) == 0).collect();
                let gone: Vec<Vec<u8>> = chosen.iter().map(|k| all[k].clone()).collect();
                t.rows.delete(write, &gone, &[]).unwrap();
                for k in chosen {
                    let place = model.0.iter().rposition(|r| key(r) == k).unwrap();
                    model.0.remove(place);
                }
                for mark in gone {
                    assert_eq!(t.rows.lock(write, &mark).unwrap(), RowState::Changed, "{at}");
                }
            }
            10 if n.next(6) == 0 => {
                t.rows.truncate(write).unwrap();
                model.0.clear();
            }
            10 | 11 => savepoints.push((work.savepoint(), model.clone())),
            12 if !savepoints.is_empty() => {
                let (savepoint, was) = savepoints.swap_remove(n.next(savepoints.len() as u64) as usize);
                work.rollback_to(&savepoint).unwrap();
                model = was;
                savepoints.clear();
            }
            13 => {
                savepoints.clear();
                if n.next(2) == 0 {
                    work.commit().unwrap();
                } else {
                    work.rollback().unwrap();
                    model = begun.clone();
                }
                work = Transaction::new(new_owner());
                begun = model.clone();
            }
            14 => open.push((scan(&t), model.ordered(clustered))),
            _ => {
                let (low, high) = (n.next(22) as i32, n.next(22) as i32);
                let bound = |v: i32, open: bool| match v {
                    0 => Bound::Unbounded,
                    v if open => Bound::Excluded(vec![Value::Int(v)]),
                    v => Bound::Included(vec![Value::Int(v)]),
                };
                let (open_low, open_high, backward) = (n.next(2) == 0, n.next(2) == 0, n.next(2) == 0);
                // The index is descending: what comes first is the greater.
                let range = KeyRange { low: bound(high, open_high), high: bound(low, open_low) };
                let mut expected = model.by_n();
                expected.retain(|r| match r[1] {
                    Value::Int(v) => {
                        (high == 0 || v < high || v == high && !open_high)
                            && (low == 0 || v > low || v == low && !open_low)
                    }
                    _ => low == 0,
                });
                if backward {
                    expected.reverse();
                }
                open.push((seek(&t, 2, &range, backward), expected));
            }
        }
        if open.len() > 6 {
            let (source, expected) = open.swap_remove(n.next(6) as usize);
            assert_eq!(rows(source), expected, "{at}");
        }
        if step % 40 == 0 {
            assert_eq!(rows(scan(&t)), model.ordered(clustered), "{at}");
            assert_eq!(rows(seek(&t, 2, &KeyRange::all(), false)), model.by_n(), "{at}");
            assert_eq!(t.rows.len(), model.0.len());
        }
    }
    for (source, expected) in open {
        assert_eq!(rows(source), expected);
    }
    work.commit().unwrap();
}

#[test]
fn indexes_of_rows_that_are_there() {
    for limit in [0, 30_000, 1 << 24] {
        let pool = Pool::new(limit, std::env::temp_dir());
        pool.set_leaf_bytes(300);
        let t = MemoryTable::new("#t", columns(), &pool);
        let mut n = Numbers(9);
        let all: Vec<Row> = (0..5000).map(|_| new_row(&mut n)).collect();
        t.rows.append(&all).unwrap();
        let duplicate = t.with_index(index(4, true, &[(0, false)]), false).err().unwrap();
        let first = (0..400).find(|k| all.iter().filter(|r| key(r) == *k).count() > 1).unwrap();
        assert!(duplicate.message.ends_with(&format!("duplicate key value is ({first}).")), "{duplicate:?}");
        let with = t.with_index(index(2, false, &[(1, true)]), false).unwrap();
        let expected = Model(all).by_n();
        assert_eq!(rows(seek(&with, 2, &KeyRange::all(), false)), expected);
        let mut back = rows(seek(&with, 2, &KeyRange::all(), true));
        back.reverse();
        assert_eq!(back, expected);
    }
}

#[test]
fn several_threads_read_every_row_once() {
    let pool = Pool::new(100_000, std::env::temp_dir());
    let t = MemoryTable::new("#t", columns(), &pool);
    let mut n = Numbers(3);
    let all: Vec<Row> = (0..50_000)
        .map(|i| {
            let mut row = new_row(&mut n);
            row[0] = Value::Int(i);
            row
        })
        .collect();
    t.rows.append(&all).unwrap();
    let parts = t.rows.parallel_scan(&ReadContext::unlocked(), &[0, 1, 2], 3).unwrap();
    assert_eq!(parts.len(), 3);
    let parts: Vec<Vec<Row>> = parts.into_iter().map(rows).collect();
    assert!(parts.iter().all(|p| p.len() > 10_000));
    let mut found: Vec<Row> = parts.into_iter().flatten().collect();
    found.sort_by_key(key);
    assert!(found == all);
}

#[test]
fn a_full_disk_refuses_rows_and_keeps_what_is_there() {
    let root = tempfile::tempdir().unwrap();
    let pool = Pool::new(1000, root.path().join("absent"));
    pool.set_leaf_bytes(200);
    let t = table(&pool, true);
    let wait = LockWait::default();
    let work = Transaction::new(new_owner());
    let mut stored = Vec::new();
    let refused = loop {
        let row = vec![Value::Int(stored.len() as i32), Value::Null, Value::string("some text")];
        let new = NewRow { outside_indexes: vec![3], values: row.clone() };
        match t.rows.insert(WriteContext { transaction: &work, wait: &wait }, &[new]) {
            Ok(_) => stored.push(row),
            Err(e) => break e,
        }
        assert!(stored.len() < 1000, "no end");
    };
    assert_eq!(refused.number, 1105);
    assert_eq!(rows(scan(&t)), stored);
    work.rollback().unwrap();
    assert!(rows(scan(&t)).is_empty());
    assert_eq!(pool.used(), 0);
}
