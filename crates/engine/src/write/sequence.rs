//! Values of sequences: given from memory, with a mark in the catalogue ahead of them.
//!
//! Invariants
//! 1. The catalogue's current value (sysobjvalues, class 63) is never behind a value that was given, and is durable before the
//!    value is given: after a crash cached values may be left out, none is given twice.
//! 2. A clean checkpoint writes the value last given, so that a clean stop leaves none out.
//! 3. Giving a value belongs to no transaction: a rollback does not take it back. Only values of a sequence that the same
//!    transaction has made or altered are written by it, and go back with it; others wait for its end.
//!
//! Evidence: reference of the base tables: class 63, value number = type | precision << 8 | scale << 16, value = start,
//! increment, minimum, maximum, current, each in the type's own form, and a byte of flags. Assumed (no genuine sample at hand):
//! bit 0 of the flags says that nothing was given yet, as for identity columns; the cache size is the object's intprop, status
//! 0x200 says that there is a cache.

use std::collections::HashMap;

use holdfast_format::page::PageView;
use holdfast_format::record::writer::Parts;
use holdfast_format::record::{FixedVar, PageRows};
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::Change;
use holdfast_types::storage_form::{decode_value, encode_value};
use holdfast_types::{Decimal, SqlError, SqlResult, SqlType, TypeId, Value};
use parking_lot::Mutex;

use super::tree::{record_bytes, rewrite};
use super::writing::{CatalogTrees, Writing, failure};
use crate::database::DatabaseCatalog;
use crate::database::rows::sql_type;
use crate::error::damaged;
use crate::lock::LockOwner;

/// Class of sysobjvalues.
pub const CLASS: i64 = 63;
/// Bits of sysschobjs.status.
pub const CYCLES: i64 = 0x100;
pub const CACHED: i64 = 0x200;
/// Values taken at a time by CACHE without a size.
const DEFAULT_CACHE: i128 = 50;
/// Bit of the flags: nothing was given yet.
const UNUSED: u8 = 1;
/// Bytes in front of the value in a sql_variant of varbinary: type, version, declared length.
const VARIANT_HEAD: usize = 4;

/// What a sequence is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSpec {
    pub ty: SqlType,
    pub start: i128,
    /// The next value while none was given: the start, or what RESTART WITH says.
    pub first: i128,
    pub increment: i128,
    pub min: i128,
    pub max: i128,
    pub cycle: bool,
    /// `None`: NO CACHE; 0: a cache without a size.
    pub cache: Option<u32>,
}

/// A range of values that was given.
#[derive(Clone, Debug)]
pub struct Given {
    pub first: i128,
    pub last: i128,
    /// How often the range went over the end.
    pub cycles: i128,
    pub spec: SequenceSpec,
}

/// Whole numbers of a sequence's type.
pub fn number(value: &Value) -> Option<i128> {
    Some(match value {
        Value::TinyInt(v) => i128::from(*v),
        Value::SmallInt(v) => i128::from(*v),
        Value::Int(v) => i128::from(*v),
        Value::BigInt(v) => i128::from(*v),
        Value::Decimal(d) => d.mantissa / 10i128.checked_pow(u32::from(d.scale))?,
        _ => return None,
    })
}

/// A whole number as a value of the type; `None` when it does not fit.
pub fn value(ty: &SqlType, n: i128) -> Option<Value> {
    Some(match ty.id {
        TypeId::TinyInt => Value::TinyInt(u8::try_from(n).ok()?),
        TypeId::SmallInt => Value::SmallInt(i16::try_from(n).ok()?),
        TypeId::Int => Value::Int(i32::try_from(n).ok()?),
        TypeId::BigInt => Value::BigInt(i64::try_from(n).ok()?),
        _ => {
            if n.unsigned_abs() >= 10u128.checked_pow(u32::from(ty.precision))? {
                return None;
            }
            Value::Decimal(Decimal::new(n, 0))
        }
    })
}

impl SequenceSpec {
    /// The value number of the catalogue row.
    pub fn value_number(&self) -> i32 {
        i32::from(self.ty.id.xtype()) | i32::from(self.ty.precision) << 8 | i32::from(self.ty.scale) << 16
    }

    /// The catalogue row's value. `last`: the value last given.
    ///
    /// # Errors
    /// When a bound does not fit into the type.
    pub fn encode(&self, last: Option<i128>) -> SqlResult<Vec<u8>> {
        let mut out = Vec::new();
        for n in [self.start, self.increment, self.min, self.max, last.unwrap_or(self.first)] {
            let v = value(&self.ty, n).and_then(|v| encode_value(&self.ty, &v).ok());
            out.extend(v.ok_or_else(|| SqlError::new(11708, &[&"sequence"]))?);
        }
        out.push(if last.is_none() { UNUSED } else { 0 });
        Ok(out)
    }

    /// What a row's value says: the sequence (without cycle and cache) and the value last given.
    fn decode(ty: SqlType, bytes: &[u8]) -> Option<(Self, Option<i128>)> {
        let width = bytes.len().checked_sub(1)? / 5;
        let part = |i: usize| {
            let bytes = bytes.get(i * width..(i + 1) * width).filter(|b| !b.is_empty())?;
            number(&decode_value(&ty, bytes).ok()?)
        };
        let unused = bytes.last()? & UNUSED != 0;
        let current = part(4)?;
        let spec = SequenceSpec {
            ty,
            start: part(0)?,
            first: if unused { current } else { part(0)? },
            increment: part(1)?,
            min: part(2)?,
            max: part(3)?,
            cycle: false,
            cache: Some(0),
        };
        Some((spec, (!unused).then_some(current)))
    }

    /// The value behind `last`; `None` at the end of a sequence that does not cycle.
    fn next(&self, last: Option<i128>) -> Option<i128> {
        let Some(last) = last else { return Some(self.first) };
        let next = last.checked_add(self.increment).filter(|n| (self.min..=self.max).contains(n));
        match next {
            Some(n) => Some(n),
            None if self.cycle => Some(self.restart()),
            None => None,
        }
    }

    /// Where a cycle begins again.
    fn restart(&self) -> i128 {
        if self.increment > 0 { self.min } else { self.max }
    }

    /// How many values lie behind `n` before the end.
    fn left(&self, n: i128) -> i128 {
        let room = if self.increment > 0 { self.max - n } else { n - self.min };
        room / self.increment.abs().max(1)
    }

    /// The end of a range of `count` values that begins with `first`, and how often it went over the end; `None` when it
    /// would and the sequence does not cycle.
    fn end_of(&self, first: i128, count: i128) -> Option<(i128, i128)> {
        let left = self.left(first);
        if count - 1 <= left {
            return Some((first + self.increment * (count - 1), 0));
        }
        if !self.cycle {
            return None;
        }
        let behind = count - 1 - left - 1;
        let whole = self.left(self.restart()) + 1;
        Some((self.restart() + self.increment * (behind % whole), 1 + behind / whole))
    }
}

struct State {
    spec: SequenceSpec,
    value_number: i32,
    last: Option<i128>,
    /// What the catalogue has, and how many values up to it were not given yet.
    mark: Option<i128>,
    cached: i128,
}

/// Sequences of one database by object id.
#[derive(Default)]
pub struct Sequences {
    /// One value at a time. A checkpoint does not take it: who gives values waits for the gate that a checkpoint holds.
    giving: Mutex<()>,
    states: Mutex<HashMap<i32, State>>,
    /// Those that a definition changed, and on whose behalf: a rollback makes them be read again.
    changed: Mutex<HashMap<i32, LockOwner>>,
}

/// The value number and type of a sequence, from a catalog snapshot.
pub fn stored_type(catalog: &DatabaseCatalog, object: i32) -> SqlResult<(i32, SqlType)> {
    let values = catalog.base_table("sysobjvalues").map_err(damaged)?;
    let row = values.iter().find(|r| r.int("valclass") == CLASS && r.i32("objid") == object);
    let number = row.map(|r| r.i32("valnum")).ok_or_else(|| broken_row(object))?;
    let kind = number as u32;
    Ok((number, sql_type(kind as u8, 0, 0, (kind >> 8) as u8, (kind >> 16) as u8, 0)))
}

fn broken_row(object: i32) -> SqlError {
    SqlError::with_text(8624, 16, format!("The sequence object {object} has no definition in the catalogue."))
}

impl Sequences {
    /// Reads a sequence from the catalogue unless it is known. Called with `giving` held.
    fn load(&self, writing: &Writing, catalog: &DatabaseCatalog, object: i32) -> SqlResult<()> {
        if self.states.lock().contains_key(&object) {
            return Ok(());
        }
        let (value_number, ty) = stored_type(catalog, object)?;
        let bytes = stored_bytes(writing, object, value_number).map_err(|e| failure(&e))?;
        let decoded = bytes.and_then(|b| SequenceSpec::decode(ty, &b));
        let (mut spec, last) = decoded.ok_or_else(|| broken_row(object))?;
        let row = catalog.object_row(object).ok_or_else(|| broken_row(object))?;
        let status = i64::from(row.status);
        spec.cycle = status & CYCLES != 0;
        spec.cache = (status & CACHED != 0).then(|| row.intprop.max(0).unsigned_abs());
        let state = State { spec, value_number, last, mark: last, cached: 0 };
        self.states.lock().insert(object, state);
        Ok(())
    }

    /// Gives `count` values. `through` writes the sequence's row in the transaction that changed it (invariant 3).
    ///
    /// # Errors
    /// 11728 at the end of the sequence, 11732 when a range does not fit.
    pub fn give(
        &self,
        writing: &Writing,
        catalog: &DatabaseCatalog,
        object: i32,
        count: i128,
        through: Option<&dyn Fn(&SequenceSpec, i128) -> SqlResult<()>>,
    ) -> SqlResult<Given> {
        let name = || catalog.object_row(object).map_or_else(String::new, |o| o.name.to_string());
        let _one = self.giving.lock();
        self.load(writing, catalog, object)?;
        let (given, ahead) = {
            let mut states = self.states.lock();
            let s = states.get_mut(&object).ok_or_else(|| broken_row(object))?;
            let first = s.spec.next(s.last).ok_or_else(|| SqlError::new(11728, &[&name()]))?;
            let end = s.spec.end_of(first, count);
            let (last, cycles) = end.ok_or_else(|| SqlError::new(11732, &[&name()]))?;
            s.last = Some(last);
            let given = Given { first, last, cycles, spec: s.spec.clone() };
            if s.cached >= count {
                s.cached -= count;
                (given, None)
            } else {
                let cache = s.spec.cache.filter(|_| through.is_none());
                let cache = cache.map_or(1, |n| if n == 0 { DEFAULT_CACHE } else { i128::from(n) });
                s.cached = (cache - count).clamp(0, s.spec.left(last));
                let mark = last + s.spec.increment * s.cached;
                s.mark = Some(mark);
                (given, Some((mark, s.value_number)))
            }
        };
        if let (Some(through), Some((mark, _))) = (through, ahead) {
            through(&given.spec, mark)?;
        } else if let Some((mark, value_number)) = ahead {
            // Invariant 1. A checkpoint in between writes a value that is not further.
            let done = write_mark(writing, object, &given.spec, value_number, mark)
                .and_then(|()| writing.logged.log().flush());
            if let Err(e) = done {
                self.states.lock().remove(&object);
                return Err(failure(&e));
            }
        }
        Ok(given)
    }

    /// The sequence and the value last given.
    pub fn current(
        &self,
        writing: &Writing,
        catalog: &DatabaseCatalog,
        object: i32,
    ) -> SqlResult<(SequenceSpec, Option<i128>)> {
        let _one = self.giving.lock();
        self.load(writing, catalog, object)?;
        let states = self.states.lock();
        let state = states.get(&object).ok_or_else(|| broken_row(object))?;
        Ok((state.spec.clone(), state.last))
    }

    /// A definition changes the sequence: what is known of it is read again, now and after a rollback.
    pub fn note_changed(&self, object: i32, owner: LockOwner) {
        self.states.lock().remove(&object);
        self.changed.lock().insert(object, owner);
    }

    /// Who changed the sequence and may not have ended yet.
    pub fn changed_by(&self, object: i32) -> Option<LockOwner> {
        self.changed.lock().get(&object).copied()
    }

    /// Whoever changed the sequence has ended.
    pub fn settled(&self, object: i32) {
        self.changed.lock().remove(&object);
    }

    /// Definitions were taken back.
    pub fn taken_back(&self) {
        let changed = self.changed.lock().clone();
        self.states.lock().retain(|object, _| !changed.contains_key(object));
    }

    /// Invariant 2: before a checkpoint, for sequences that nobody defines anew. Called under the gate.
    pub fn write(
        &self,
        change: &mut Change<'_>,
        trees: &CatalogTrees,
        defined: &dyn Fn(i32) -> bool,
    ) -> RecoveryResult<()> {
        let mut states = self.states.lock();
        for (object, state) in states.iter_mut() {
            if state.mark != state.last && !defined(*object) {
                write_row(change, trees, *object, &state.spec, state.value_number, state.last)?;
                state.mark = state.last;
                state.cached = 0;
            }
        }
        Ok(())
    }
}

fn write_mark(
    writing: &Writing,
    object: i32,
    spec: &SequenceSpec,
    value_number: i32,
    mark: i128,
) -> RecoveryResult<()> {
    let trees = writing.trees()?;
    let mut change = writing.logged.change()?;
    write_row(&mut change, &trees, object, spec, value_number, Some(mark))
}

fn key(object: i32, value_number: i32) -> [Value; 4] {
    [Value::TinyInt(CLASS as u8), Value::Int(object), Value::Int(0), Value::Int(value_number)]
}

/// The varbinary in a sequence's row as it stands now.
fn stored_bytes(writing: &Writing, object: i32, value_number: i32) -> RecoveryResult<Option<Vec<u8>>> {
    let trees = writing.trees()?;
    let change = writing.logged.change()?;
    let Some(place) = find(&change, &trees, object, value_number)? else { return Ok(None) };
    let fail = |error| RecoveryError::Unreadable { page: place.page, error };
    let rows = PageRows::new(PageView::new(&place.image)).map_err(fail)?;
    let old = record_bytes(&rows, place.slot).map_err(fail)?;
    let record = FixedVar::parse_data(old).map_err(|e| fail(e.at(place.page, place.slot)))?;
    let mut parts = Parts::of(&record).map_err(|e| fail(e.at(place.page, place.slot)))?;
    let slot = value_slot(&trees, &mut parts, object)?;
    Ok(slot.get(VARIANT_HEAD..).map(<[u8]>::to_vec))
}

fn find(
    change: &Change<'_>,
    trees: &CatalogTrees,
    object: i32,
    value_number: i32,
) -> RecoveryResult<Option<super::tree::Place>> {
    let tree = &trees.values;
    let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
    let found = tree.find_entry(change.source(), &key(object, value_number)).map_err(fail)?;
    Ok(found.filter(|p| p.found && !p.ghost))
}

/// The bytes of column `value`.
fn value_slot<'p>(
    trees: &CatalogTrees,
    parts: &'p mut Parts,
    object: i32,
) -> RecoveryResult<&'p mut Vec<u8>> {
    let position = trees.values.layout().columns.iter().find(|c| c.column_id == 5).map(|c| c.leaf.offset);
    let index = position.filter(|o| *o < 0).map(|o| usize::from(o.unsigned_abs()) - 1);
    let slot = index.and_then(|i| parts.variable.get_mut(i)).map(|s| &mut s.0);
    slot.filter(|s| s.first() == Some(&TypeId::VarBinary.xtype())).ok_or_else(|| RecoveryError::Database {
        what: format!("sequence {object}: the catalogue row has no value"),
    })
}

/// Writes the sequence with the value last given into its row, in a transaction of its own.
fn write_row(
    change: &mut Change<'_>,
    trees: &CatalogTrees,
    object: i32,
    spec: &SequenceSpec,
    value_number: i32,
    last: Option<i128>,
) -> RecoveryResult<()> {
    let broken = |what: String| RecoveryError::Database { what: format!("sequence {object}: {what}") };
    let image = spec.encode(last).map_err(|e| broken(e.message))?;
    // The sequence was dropped meanwhile.
    let Some(place) = find(change, trees, object, value_number)? else { return Ok(()) };
    rewrite(&trees.values, change, &place, "SequenceMark", |parts| {
        let slot = value_slot(trees, parts, object)?;
        if slot.len() != VARIANT_HEAD + image.len() {
            return Err(broken("the catalogue row holds another type".to_owned()));
        }
        slot.truncate(VARIANT_HEAD);
        slot.extend(image);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(start: i128, increment: i128, min: i128, max: i128, cycle: bool) -> SequenceSpec {
        SequenceSpec { ty: SqlType::INT, start, first: start, increment, min, max, cycle, cache: Some(0) }
    }

    #[test]
    fn the_row_says_what_was_given() {
        let s = spec(5, 2, 1, 99, false);
        let fresh = s.encode(None).unwrap();
        assert_eq!(fresh.len(), 21);
        assert_eq!(SequenceSpec::decode(SqlType::INT, &fresh), Some((s.clone(), None)));
        let used = s.encode(Some(7)).unwrap();
        assert_eq!(SequenceSpec::decode(SqlType::INT, &used), Some((s, Some(7))));
        assert_eq!(SequenceSpec::decode(SqlType::INT, &[]), None);
        let wide = SequenceSpec { ty: SqlType::decimal(20, 0), ..spec(1, 1, -5, 9, false) };
        let bytes = wide.encode(Some(3)).unwrap();
        assert_eq!(SequenceSpec::decode(wide.ty, &bytes), Some((wide, Some(3))));
    }

    #[test]
    fn ranges_go_over_the_end_only_when_the_sequence_cycles() {
        let s = spec(5, 2, 1, 10, true);
        assert_eq!(s.next(None), Some(5));
        assert_eq!(s.next(Some(9)), Some(1));
        // 5 7 9 | 1 3 5 7 9 | 1
        assert_eq!(s.end_of(5, 3), Some((9, 0)));
        assert_eq!(s.end_of(5, 4), Some((1, 1)));
        assert_eq!(s.end_of(5, 9), Some((1, 2)));
        let down = spec(-1, -1, -3, -1, false);
        assert_eq!(down.next(Some(-3)), None);
        assert_eq!(down.end_of(-1, 3), Some((-3, 0)));
        assert_eq!(down.end_of(-1, 4), None);
    }
}
