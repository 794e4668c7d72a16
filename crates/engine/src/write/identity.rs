//! Identity values: given from memory, with a high-water mark in the catalogue ahead of them.
//!
//! Invariants
//! 1. The catalogue's mark (syscolpars.idtval) is never behind a value that was given: after a crash values may be left out,
//!    never given twice.
//! 2. A clean checkpoint writes the value last given.
//! 3. A reset by TRUNCATE is the transaction's: a rollback takes it back, and no mark goes back before the commit.

use std::collections::HashMap;

use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::Change;
use holdfast_types::storage_form::encode_value;
use holdfast_types::{Decimal, SqlError, SqlResult, SqlType, TypeId, Value};
use parking_lot::Mutex;

use super::tree::rewrite;
use super::writing::{CatalogTrees, Writing};

/// Values taken from the catalogue at a time.
const BLOCK: i128 = 1000;

/// The identity column of a table as its definition says.
#[derive(Clone, Debug)]
pub struct IdentityColumn {
    pub column_id: i32,
    pub ty: SqlType,
    pub seed: Value,
    pub increment: Value,
    pub last: Option<Value>,
}

struct State {
    column: IdentityColumn,
    last: Option<i128>,
    /// What the catalogue has; `None` = as `last` was when read.
    mark: Option<i128>,
    /// The catalogue may have another mark by now: the row was defined anew, or that was taken back.
    unsure: bool,
}

/// Identity states by object id.
#[derive(Default)]
pub struct Identities {
    states: Mutex<HashMap<i32, State>>,
}

fn number(value: &Value) -> i128 {
    match value {
        Value::TinyInt(v) => i128::from(*v),
        Value::SmallInt(v) => i128::from(*v),
        Value::Int(v) => i128::from(*v),
        Value::BigInt(v) => i128::from(*v),
        Value::Decimal(d) => d.mantissa / 10i128.pow(u32::from(d.scale)),
        _ => 0,
    }
}

fn value(ty: &SqlType, n: i128) -> Option<Value> {
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

fn overflow(ty: &SqlType) -> SqlError {
    let text = format!("Arithmetic overflow error converting IDENTITY to data type {}.", ty.id.name());
    SqlError::with_text(8115, 16, text)
}

impl State {
    /// `mark`, or what is known already where that lies further in the direction of the column's step.
    fn furthest(&self, mark: i128) -> i128 {
        let ascends = number(&self.column.increment) > 0;
        let known = [self.mark, self.last].into_iter().flatten();
        known.fold(mark, |a, b| if ascends { a.max(b) } else { a.min(b) })
    }
}

impl Identities {
    fn with<T>(&self, object: i32, column: &IdentityColumn, f: impl FnOnce(&mut State) -> T) -> T {
        let mut states = self.states.lock();
        let state = states.entry(object).or_insert_with(|| State {
            column: column.clone(),
            last: column.last.as_ref().map(number),
            mark: None,
            unsure: false,
        });
        f(state)
    }

    /// Brings what is known in line with the catalog after DDL or a rollback: a table that is gone is forgotten (its number may
    /// be given again), a column that was altered goes on with its new type and step. Who reads the catalog beside others that
    /// define may miss a row that is taken out and put in again, so a column is gone only when it is not there under the gate either.
    pub fn reconcile(&self, writing: &Writing, now: impl Fn(i32) -> Option<IdentityColumn>) {
        let known = self.states.lock().iter().map(|(o, s)| (*o, s.column.column_id)).collect::<Vec<_>>();
        let missed = known.into_iter().filter(|(object, _)| now(*object).is_none());
        let gone: Vec<i32> =
            missed.filter(|(object, id)| !is_there(writing, *object, *id)).map(|(o, _)| o).collect();
        self.states.lock().retain(|object, state| match now(*object) {
            None => {
                state.unsure = state.mark.is_some();
                !gone.contains(object)
            }
            Some(column) if column.column_id == state.column.column_id => {
                state.column = column;
                state.unsure = state.mark.is_some();
                true
            }
            _ => false,
        });
    }

    pub fn next(&self, writing: &Writing, object: i32, column: &IdentityColumn) -> SqlResult<Value> {
        let (given, mark) = self.with(object, column, |s| {
            let step = number(&s.column.increment);
            let next = match s.last {
                Some(last) => last.checked_add(step),
                None => Some(number(&s.column.seed)),
            };
            let given = next.and_then(|n| value(&s.column.ty, n).map(|v| (n, v)));
            let (n, v) = given.ok_or_else(|| overflow(&s.column.ty))?;
            s.last = Some(n);
            let behind = s.unsure || s.mark.is_none_or(|m| if step > 0 { n > m } else { n < m });
            // The mark stays inside the type, so that the column can be used up to its end.
            let ahead = (0..=3)
                .map(|p| n + step * (BLOCK / 10i128.pow(p)))
                .find(|m| value(&s.column.ty, *m).is_some());
            // Where the mark is not known for sure, it may only go ahead of what it was.
            let ahead = ahead.unwrap_or(n);
            let known = s.mark.filter(|m| if step > 0 { *m > ahead } else { *m < ahead });
            let mark = behind.then(|| known.unwrap_or(ahead));
            Ok::<_, SqlError>((v, mark))
        })?;
        if let Some(mark) = mark {
            self.write_mark(writing, object, column, |s| Some(s.furthest(mark)))?;
        }
        Ok(given)
    }

    /// An explicit value, or a reseed.
    pub fn note(
        &self,
        writing: &Writing,
        object: i32,
        column: &IdentityColumn,
        given: Option<&Value>,
        reseed: bool,
    ) -> SqlResult<()> {
        let changed = self.with(object, column, |s| {
            let new = given.map(number);
            let step = number(&s.column.increment);
            let further = match (s.last, new) {
                (Some(last), Some(n)) => {
                    if step > 0 {
                        n > last
                    } else {
                        n < last
                    }
                }
                _ => true,
            };
            if further || reseed {
                // Where nothing was given yet, a reseed names the very next value.
                let before = new.map(|n| n - step).filter(|n| value(&s.column.ty, *n).is_some());
                s.last = if reseed && s.last.is_none() && before.is_some() { before } else { new };
            }
            further || reseed
        });
        if changed {
            self.write_mark(writing, object, column, |s| s.last)?;
        }
        Ok(())
    }

    /// TRUNCATE: begins with the seed again. The catalogue's mark stays where it is until the transaction has committed
    /// ([`Self::settle`]), for it may be rolled back or cut off. Answers the value last given, for [`Self::restore`]; `None`: none was.
    pub fn begin_again(&self, object: i32, column: &IdentityColumn) -> Option<i128> {
        self.with(object, column, |s| {
            let last = s.last.take();
            s.mark = s.mark.or(last);
            last
        })
    }

    /// Takes [`Self::begin_again`] back.
    pub fn restore(&self, object: i32, last: i128) {
        if let Some(state) = self.states.lock().get_mut(&object) {
            state.last = Some(last);
        }
    }

    /// After the commit of [`Self::begin_again`], before others may enter: the catalogue learns where the column stands.
    ///
    /// # Errors
    /// Those of the change. The next checkpoint writes it then; until that, a crash leaves values out.
    pub fn settle(&self, writing: &Writing, object: i32) -> SqlResult<()> {
        let found = self.states.lock().get(&object).map(|s| s.column.clone());
        let Some(column) = found else { return Ok(()) };
        self.write_mark(writing, object, &column, |s| s.last)
    }

    pub fn current(&self, object: i32, column: &IdentityColumn) -> Value {
        self.with(object, column, |s| s.last.and_then(|n| value(&s.column.ty, n)).unwrap_or(Value::Null))
    }

    /// Writes the mark that `mark` finds under the gate, where nobody else writes one: what was found before may be behind by then.
    fn write_mark(
        &self,
        writing: &Writing,
        object: i32,
        column: &IdentityColumn,
        mark: impl FnOnce(&State) -> Option<i128>,
    ) -> SqlResult<()> {
        let failed = |e: RecoveryError| super::writing::failure(&e);
        let trees = writing.trees().map_err(failed)?;
        let mut change = writing.logged.change().map_err(failed)?;
        self.with(object, column, |s| {
            let mark = mark(s);
            write_row(&mut change, &trees, object, column, mark)?;
            (s.mark, s.unsure) = (mark, false);
            Ok(())
        })
        .map_err(failed)
    }

    /// Invariant 2: before a checkpoint, for tables that nobody defines anew. Called under the gate.
    pub fn write(
        &self,
        change: &mut Change<'_>,
        trees: &CatalogTrees,
        defined: &dyn Fn(i32) -> bool,
    ) -> RecoveryResult<()> {
        let mut states = self.states.lock();
        for (object, state) in states.iter_mut() {
            let other = state.mark.is_some() && (state.unsure || state.mark != state.last);
            if other && !defined(*object) {
                write_row(change, trees, *object, &state.column, state.last)?;
                (state.mark, state.unsure) = (state.last, false);
            }
        }
        Ok(())
    }
}

/// What syscolpars keeps of an identity column (`idtval`): last value or seed, increment, seed, and whether none was given yet.
fn stored(column: &IdentityColumn, last: Option<i128>) -> Result<Vec<u8>, String> {
    let encoded = |v: &Value| encode_value(&column.ty, v).map_err(|e| e.to_string());
    let shown = match last {
        Some(n) => value(&column.ty, n).ok_or("out of range")?,
        None => column.seed.clone(),
    };
    let mut image = encoded(&shown)?;
    image.extend(encoded(&column.increment)?);
    image.extend(encoded(&column.seed)?);
    image.push(u8::from(last.is_none()));
    Ok(image)
}

impl Identities {
    /// What the catalogue is to keep when the column gets another type.
    ///
    /// # Errors
    /// 8115 when its values do not fit.
    pub fn retyped(&self, object: i32, column: &IdentityColumn, ty: SqlType) -> SqlResult<Vec<u8>> {
        let last = self.with(object, column, |s| s.last);
        let of = |v: &Value| value(&ty, number(v)).ok_or_else(|| overflow(&ty));
        let new = IdentityColumn {
            ty,
            seed: of(&column.seed)?,
            increment: of(&column.increment)?,
            ..column.clone()
        };
        stored(&new, last).map_err(|_| overflow(&ty))
    }
}

/// Whether the catalogue has a column, looked up under the gate. An error counts as yes: nothing is forgotten for it.
fn is_there(writing: &Writing, object: i32, column: i32) -> bool {
    let look = || -> RecoveryResult<bool> {
        let trees = writing.trees()?;
        let tree = &trees.columns;
        let change = writing.logged.change()?;
        let key = [Value::Int(object), Value::SmallInt(0), Value::Int(column)];
        let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
        Ok(tree.find_entry(change.source(), &key).map_err(fail)?.is_some_and(|p| p.found && !p.ghost))
    };
    look().unwrap_or(true)
}

/// Writes last value, increment, seed and flag into the column's row of syscolpars, in a transaction of its own.
fn write_row(
    change: &mut Change<'_>,
    trees: &CatalogTrees,
    object: i32,
    column: &IdentityColumn,
    last: Option<i128>,
) -> RecoveryResult<()> {
    let broken = |what| RecoveryError::Database { what: format!("identity of object {object}: {what}") };
    let image = stored(column, last).map_err(broken)?;
    let tree = &trees.columns;
    let key = [Value::Int(object), Value::SmallInt(0), Value::Int(column.column_id)];
    let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
    let place = tree.find_entry(change.source(), &key).map_err(fail)?.filter(|p| p.found && !p.ghost);
    // The table was dropped meanwhile.
    let Some(place) = place else { return Ok(()) };
    let position = tree.layout().columns.iter().find(|c| c.column_id == 16).map(|c| c.leaf.offset);
    let index = position.filter(|o| *o < 0).map(|o| usize::from(o.unsigned_abs()) - 1);
    rewrite(tree, change, &place, "IdentityMark", |parts| {
        let slot = index.and_then(|i| parts.variable.get_mut(i)).filter(|slot| slot.0.len() == image.len());
        // Another table has the number meanwhile, or the column another type: `reconcile` will tell.
        if let Some(slot) = slot {
            slot.0 = image;
        }
        Ok(())
    })
}
