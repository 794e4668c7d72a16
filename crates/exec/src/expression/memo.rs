//! What is remembered of subqueries: results by outer values, and the values that IN looks among.
//!
//! Invariants
//! 1. Outer values are the same only if they are the very same values: not merely equal under a collation, which a result may show.
//! 2. Both are charged to the query's budget. A memo that does not fit or does not pay takes no more results; a set that does not fit
//!    is not made.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use holdfast_plan::expr::{Expr, ExprKind, ParamId};
use holdfast_plan::physical::PhysicalPlan;
use holdfast_types::{Column, SqlResult, SqlType, Value};
use parking_lot::Mutex;

use super::vector::{FALSE, TRUE, Truth, UNKNOWN, Vector};
use crate::context::ExecContext;
use crate::operator::hash_table::{Finder, KeyTable, NO_GROUP};
use crate::operator::open;
use crate::operator::spill::{Grant, MemoryBudget};

/// Look-ups after which a memo must have been of use.
const TRIAL: u64 = 4096;
/// One look-up in so many must find something.
const WORTH: u64 = 16;
/// A memo takes at most this part of the query's memory, which other operators need, too.
const SHARE: usize = 8;
/// Bytes of an entry beside what its values refer to.
const ENTRY: usize = 128;

type Bound = Vec<(ParamId, Value)>;

/// Results by outer values.
#[derive(Debug)]
pub struct Memo {
    entries: HashMap<u64, Vec<(Bound, Value)>>,
    asked: u64,
    found: u64,
    bytes: usize,
    grant: Grant,
    /// Bytes it may take.
    limit: usize,
    /// Takes no more results.
    closed: bool,
}

impl Memo {
    pub fn new(budget: &Arc<MemoryBudget>) -> Self {
        let (grant, limit) = (Grant::new(budget), budget.limit() / SHARE);
        Memo { entries: HashMap::new(), asked: 0, found: 0, bytes: 0, grant, limit, closed: false }
    }

    pub fn find(&mut self, bound: &Bound) -> Option<Value> {
        if self.closed && self.entries.is_empty() {
            return None;
        }
        self.asked += 1;
        let same = |e: &&(Bound, Value)| e.0.iter().zip(bound).all(|((_, a), (_, b))| identical(a, b));
        let found = self.entries.get(&hash(bound)?)?.iter().find(same)?;
        self.found += 1;
        Some(found.1.clone())
    }

    pub fn add(&mut self, bound: Bound, value: &Value) {
        if self.closed {
            return;
        }
        if self.asked >= TRIAL && self.found * WORTH < self.asked {
            self.entries = HashMap::new();
            self.grant.resize(0);
            self.closed = true;
            return;
        }
        let Some(hash) = hash(&bound) else { return };
        self.bytes += ENTRY + size(value) + bound.iter().map(|(_, v)| size(v)).sum::<usize>();
        if self.bytes > self.limit || !self.grant.resize(self.bytes) {
            self.closed = true;
            return;
        }
        self.entries.entry(hash).or_default().push((bound, value.clone()));
    }
}

/// Bytes that a value refers to, with its own.
fn size(v: &Value) -> usize {
    std::mem::size_of::<Value>()
        + match v {
            Value::String(s) => s.len() * 2,
            Value::Binary(b) => b.len(),
            Value::Variant(x) => 64 + size(&x.value),
            _ => 0,
        }
}

fn identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

/// `None` for values that are not remembered.
fn hash(bound: &Bound) -> Option<u64> {
    let mut h = DefaultHasher::new();
    for (_, v) in bound {
        match v {
            Value::Null => 0u8.hash(&mut h),
            Value::Bit(x) => x.hash(&mut h),
            Value::TinyInt(x) => x.hash(&mut h),
            Value::SmallInt(x) => x.hash(&mut h),
            Value::Int(x) => x.hash(&mut h),
            Value::BigInt(x) | Value::Money(x) => x.hash(&mut h),
            Value::Decimal(x) => x.hash(&mut h),
            Value::SmallMoney(x) => x.hash(&mut h),
            Value::Real(x) => x.to_bits().hash(&mut h),
            Value::Float(x) => x.to_bits().hash(&mut h),
            Value::Date(x) => x.hash(&mut h),
            Value::Time(x) => x.hash(&mut h),
            Value::DateTime2(x) => x.hash(&mut h),
            Value::DateTimeOffset(x) => x.hash(&mut h),
            Value::DateTime(x) => x.hash(&mut h),
            Value::SmallDateTime(x) => x.hash(&mut h),
            Value::String(x) => x.hash(&mut h),
            Value::Binary(x) => x.hash(&mut h),
            Value::Guid(x) => x.hash(&mut h),
            Value::Variant(_) => return None,
        }
    }
    Some(h.finish())
}

/// The values of a subquery's one column.
#[derive(Debug)]
pub struct ValueSet {
    table: KeyTable,
    finder: Mutex<Finder>,
    has_null: bool,
    /// The values of a list.
    list: Vec<Value>,
    _grant: Grant,
}

impl ValueSet {
    /// Whether this is the set of the list: a set is kept by the place of its list, where another one may lie later. What is no
    /// literal has the same value within the frame that keeps the set.
    pub fn is_of(&self, list: &[Expr]) -> bool {
        let same = |(e, v): (&Expr, &Value)| match &e.kind {
            ExprKind::Literal(x) => identical(x, v),
            _ => true,
        };
        self.list.len() == list.len() && list.iter().zip(&self.list).all(same)
    }

    /// Reads the subquery; `None` when its values do not fit into memory.
    pub fn read(plan: &PhysicalPlan, ty: &SqlType, ctx: &ExecContext) -> SqlResult<Option<ValueSet>> {
        let mut table = KeyTable::new(&[*ty]);
        let mut grant = Grant::new(ctx.query.budget());
        let mut has_null = false;
        let mut numbers = Vec::new();
        let mut source = open(plan, ctx)?;
        while let Some(b) = source.next_batch()? {
            ctx.check_cancel()?;
            let Some(c) = b.columns.first() else { return Ok(None) };
            if !grant.resize(table.memory_after(b.len) + c.memory()) {
                return Ok(None);
            }
            has_null |= c.nulls.as_ref().is_some_and(|n| n.contains(&true));
            table.insert(&[c.as_ref()], b.len, &[false], &mut numbers)?;
        }
        grant.resize(table.memory());
        let finder = Mutex::new(table.finder());
        Ok(Some(ValueSet { table, finder, has_null, list: Vec::new(), _grant: grant }))
    }

    /// Of a list.
    pub fn of_values(values: Vec<Value>, ty: &SqlType, ctx: &ExecContext) -> SqlResult<Option<ValueSet>> {
        let column = Column::from_values(ty, &values)?;
        let mut table = KeyTable::new(&[*ty]);
        let mut numbers = Vec::new();
        table.insert_all(&[&column], values.len(), &[false], &mut numbers)?;
        let mut grant = Grant::new(ctx.query.budget());
        if !grant.resize(table.memory() + values.iter().map(size).sum::<usize>()) {
            return Ok(None);
        }
        let has_null = values.iter().any(Value::is_null);
        let finder = Mutex::new(table.finder());
        Ok(Some(ValueSet { table, finder, has_null, list: values, _grant: grant }))
    }

    /// `left IN (values)` for every row.
    pub fn contains(&self, left: &Vector, ty: &SqlType, len: usize) -> SqlResult<Truth> {
        let (left, len) = match left {
            Vector::Const(v) => (Vector::Const(v.clone()), 1),
            Vector::Column(_) => (left.clone(), len),
        };
        let constant = matches!(left, Vector::Const(_));
        let column = left.into_column(ty, len)?;
        let mut numbers = Vec::new();
        match self.finder.try_lock() {
            Some(mut finder) => {
                self.table.find(&[column.as_ref()], len, &[false], &mut finder, &mut numbers)?;
            }
            // Another thread has it.
            None => {
                let mut finder = self.table.finder();
                self.table.find(&[column.as_ref()], len, &[false], &mut finder, &mut numbers)?;
            }
        }
        let nothing = self.table.is_empty() && !self.has_null;
        let truth = |(row, &g): (usize, &u32)| match g {
            _ if nothing => FALSE,
            NO_GROUP if self.has_null || column.is_null(row) => UNKNOWN,
            NO_GROUP => FALSE,
            _ => TRUE,
        };
        let rows: Vec<u8> = numbers.iter().enumerate().map(truth).collect();
        Ok(match rows.as_slice() {
            [t] if constant => Truth::Const(*t),
            _ => Truth::Rows(rows),
        })
    }
}
