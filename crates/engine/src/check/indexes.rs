//! Nonclustered indexes against the rows of their table.
//!
//! Invariants
//! 1. Both sides are read as queries read them; each row gives a hash of the values that the index has, with the clustering key. The sums
//!    of both sides are equal in an undamaged table. Only where they are not are single rows looked for: sums are kept for some
//!    thousands of classes of hashes, and only rows of classes that differ are held in memory.
//! 2. What cannot be read from the table's own pages (computed columns that are not stored: `exec::procedure::dbcc_indexes`) or asks for an evaluated condition (which rows a
//!    filtered index has) is left out: of a filtered index every entry must have its row.
//!
//! The numbers of the messages are those of SQL Server (8951, 8952), which compares the rows in the same way.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use holdfast_types::{Batch, SqlResult, SqlType, Value};

use super::{Finding, Report};
use crate::access::{BatchSource, KeyRange, ReadContext};
use crate::catalog::{IndexDef, IndexKind, TableDef};
use crate::database::DatabaseCatalog;

/// Rows named for each index.
const NAMED: usize = 10;
/// A row has no index entry, and an entry has no row.
const MISSING: i32 = 8951;
const EXTRA: i32 = 8952;

/// Checks the indexes of all tables but those in `busy`.
pub fn check(catalog: &DatabaseCatalog, busy: &dyn Fn(i32) -> bool, report: &mut Report) {
    for object in catalog.objects() {
        if !matches!(&*object.kind, "U" | "V" | "IT") || busy(object.id) {
            continue;
        }
        let Ok(Some(table)) = catalog.table(object.id) else { continue };
        if let Err(e) = check_table(&table, report) {
            report.add(finding(&table, 8928, e.message.clone()));
        }
    }
}

fn finding(table: &TableDef, number: i32, what: String) -> Finding {
    let object = format!("{}.{}", table.schema_name, table.name).into();
    Finding { page: None, offset: 0, object: Some(object), what, number }
}

/// Classes of hashes.
const CLASSES: usize = 4096;

fn class_of(hash: u64) -> usize {
    hash as usize % CLASSES
}

/// Count and sum of the hashes of each class.
struct Sums(Vec<(u64, u64)>);

impl Sums {
    fn new() -> Self {
        Sums(vec![(0, 0); CLASSES])
    }

    fn add(&mut self, hash: u64) {
        if let Some((count, sum)) = self.0.get_mut(class_of(hash)) {
            *count += 1;
            *sum = sum.wrapping_add(hash);
        }
    }
}

/// One index and the places of its columns among all that are read of the table.
struct Compared<'t> {
    index: &'t IndexDef,
    ordinals: Vec<usize>,
    places: Vec<usize>,
    /// Of the table's rows.
    sums: Sums,
}

fn compared<'t>(table: &'t TableDef, all: &mut Vec<usize>) -> Vec<Compared<'t>> {
    let clustered = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered);
    let mut out = Vec::new();
    for index in &table.indexes {
        if index.kind != IndexKind::Nonclustered || index.disabled {
            continue;
        }
        let keys = index.keys.iter().map(|k| k.ordinal).chain(index.included.iter().copied());
        let mut ordinals: Vec<usize> = keys.collect();
        ordinals.extend(clustered.iter().flat_map(|c| c.keys.iter().map(|k| k.ordinal)));
        ordinals.sort_unstable();
        ordinals.dedup();
        let stored = |o: &usize| table.columns.get(*o).is_some_and(|c| c.computed.is_none() || c.persisted);
        if !ordinals.iter().all(stored) {
            continue;
        }
        let mut places = Vec::with_capacity(ordinals.len());
        for o in &ordinals {
            let place = all.iter().position(|a| a == o).unwrap_or_else(|| {
                all.push(*o);
                all.len() - 1
            });
            places.push(place);
        }
        out.push(Compared { index, ordinals, places, sums: Sums::new() });
    }
    out
}

fn check_table(table: &TableDef, report: &mut Report) -> SqlResult<()> {
    let mut all = Vec::new();
    let mut list = compared(table, &mut all);
    if list.is_empty() {
        return Ok(());
    }
    let types: Vec<SqlType> = all.iter().map(|o| table.columns[*o].ty).collect();
    let read = ReadContext::unlocked();
    for_each(table.access.scan(&read, &all)?, &mut |batch, row| {
        for c in &mut list {
            c.sums.add(hash(batch, row, &c.places, &types));
        }
    })?;
    for c in &list {
        let own: Vec<SqlType> = c.ordinals.iter().map(|o| table.columns[*o].ty).collect();
        let places: Vec<usize> = (0..own.len()).collect();
        let mut sums = Sums::new();
        for_each(entries(table, c, &read)?, &mut |batch, row| sums.add(hash(batch, row, &places, &own)))?;
        // A filtered index lacks rows rightly: what differs is looked at entry by entry.
        let differs: Vec<bool> = sums.0.iter().zip(&c.sums.0).map(|(a, b)| a != b).collect();
        if differs.contains(&true) {
            name_rows(table, c, &differs, &all, &types, &own, &read, report)?;
        }
    }
    Ok(())
}

fn entries(table: &TableDef, c: &Compared<'_>, read: &ReadContext) -> SqlResult<Box<dyn BatchSource>> {
    table.access.seek(read, c.index.index_id, KeyRange::all(), &c.ordinals, false)
}

/// Says which rows and entries stand alone, of the classes that differ.
#[allow(clippy::too_many_arguments)]
fn name_rows(
    table: &TableDef,
    c: &Compared<'_>,
    differs: &[bool],
    all: &[usize],
    types: &[SqlType],
    own: &[SqlType],
    read: &ReadContext,
    report: &mut Report,
) -> SqlResult<()> {
    let places: Vec<usize> = (0..own.len()).collect();
    let filtered = c.index.filter.is_some();
    let looked_at = |hash: u64| differs.get(class_of(hash)).is_some_and(|d| *d);
    let mut balance: HashMap<u64, i64> = HashMap::new();
    for_each(entries(table, c, read)?, &mut |batch, row| {
        let hash = hash(batch, row, &places, own);
        if looked_at(hash) {
            *balance.entry(hash).or_default() -= 1;
        }
    })?;
    for_each(table.access.scan(read, all)?, &mut |batch, row| {
        let hash = hash(batch, row, &c.places, types);
        if filtered {
            // Only entries without a row count.
            balance.entry(hash).and_modify(|n| *n += 1);
        } else if looked_at(hash) {
            *balance.entry(hash).or_default() += 1;
        }
    })?;
    balance.retain(|_, n| if filtered { *n < 0 } else { *n != 0 });
    if balance.is_empty() {
        return Ok(());
    }
    let name = c.index.name.as_deref().unwrap_or("");
    let mut named = 0;
    let mut more = 0u64;
    let mut tell = |number: i32, text: String, report: &mut Report| {
        if named < NAMED {
            named += 1;
            report.add(finding(table, number, text));
        } else {
            more += 1;
        }
    };
    let mut missing = balance.clone();
    for_each(table.access.scan(read, all)?, &mut |batch, row| {
        let left = missing.get_mut(&hash(batch, row, &c.places, types));
        if let Some(n) = left.filter(|n| **n > 0) {
            *n -= 1;
            let values = shown(batch, row, &c.places, types, &c.ordinals, table);
            let text = format!(
                "the row ({values}) has no matching entry in the index '{name}' (ID {})",
                c.index.index_id
            );
            tell(MISSING, text, report);
        }
    })?;
    let mut extra = balance;
    for_each(entries(table, c, read)?, &mut |batch, row| {
        let left = extra.get_mut(&hash(batch, row, &places, own));
        if let Some(n) = left.filter(|n| **n < 0) {
            *n += 1;
            let values = shown(batch, row, &places, own, &c.ordinals, table);
            let text = format!(
                "the entry ({values}) of the index '{name}' (ID {}) has no matching row",
                c.index.index_id
            );
            tell(EXTRA, text, report);
        }
    })?;
    if more > 0 {
        let text = format!("the index '{name}' (ID {}) has {more} more such entries", c.index.index_id);
        report.add(finding(table, EXTRA, text));
    }
    Ok(())
}

fn for_each(mut source: Box<dyn BatchSource>, f: &mut dyn FnMut(&Batch, usize)) -> SqlResult<()> {
    while let Some(batch) = source.next_batch()? {
        for row in 0..batch.len {
            f(&batch, row);
        }
    }
    Ok(())
}

fn shown(
    batch: &Batch,
    row: usize,
    places: &[usize],
    types: &[SqlType],
    ordinals: &[usize],
    table: &TableDef,
) -> String {
    let one = |(place, ordinal): (&usize, &usize)| {
        let value = batch.columns[*place].value(row, &types[*place]);
        let text = match value.is_null() {
            true => "NULL".to_owned(),
            false => holdfast_types::conversion::canonical_text(&value, &types[*place]).unwrap_or_default(),
        };
        format!("{} = {text}", table.columns[*ordinal].name)
    };
    places.iter().zip(ordinals).map(one).collect::<Vec<_>>().join(", ")
}

/// Hash of some columns of a row.
fn hash(batch: &Batch, row: usize, places: &[usize], types: &[SqlType]) -> u64 {
    let mut h = DefaultHasher::new();
    for place in places {
        feed(&batch.columns[*place].value(row, &types[*place]), &mut h);
    }
    h.finish()
}

fn feed(v: &Value, h: &mut DefaultHasher) {
    std::mem::discriminant(v).hash(h);
    match v {
        Value::Null => {}
        Value::Bit(x) => x.hash(h),
        Value::TinyInt(x) => x.hash(h),
        Value::SmallInt(x) => x.hash(h),
        Value::Int(x) | Value::SmallMoney(x) => x.hash(h),
        Value::BigInt(x) | Value::Money(x) => x.hash(h),
        Value::Decimal(d) => (d.mantissa, d.scale).hash(h),
        Value::Real(x) => x.to_bits().hash(h),
        Value::Float(x) => x.to_bits().hash(h),
        Value::Date(x) => x.hash(h),
        Value::Time(x) => x.hash(h),
        Value::DateTime2(x) => x.hash(h),
        Value::DateTimeOffset(x) => x.hash(h),
        Value::DateTime(x) => x.hash(h),
        Value::SmallDateTime(x) => x.hash(h),
        Value::String(s) => s.units().hash(h),
        Value::Binary(b) => b.hash(h),
        Value::Guid(g) => g.hash(h),
        Value::Variant(v) => feed(&v.value, h),
    }
}
