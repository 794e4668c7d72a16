//! Table scans, index seeks and filters.
//!
//! Invariants
//! 1. A seek with several ranges yields every row once, in index order: ranges are evaluated, empty ones dropped, the rest sorted and
//!    overlapping ones merged.
//! 2. Bounds are given in value order; for a descending index column low and high change places.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_engine::access::{BatchSource, Bound, KeyRange, ReadContext, TableAccess};
use holdfast_engine::catalog::{IndexDef, TableDef};
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{ReadHints, SeekKey, SeekRange};
use holdfast_types::{Batch, SqlError, SqlResult, Value};

use super::Source;
use crate::context::ExecContext;
use crate::expression::compare::order_with_nulls;
use crate::expression::{evaluate_constant, evaluate_predicate};

/// Rows of a source for which a predicate is true.
pub struct Scan<'p> {
    input: Source<'p>,
    predicate: Option<&'p Expr>,
    keep: Keep,
    ctx: ExecContext,
}

/// Which columns of an operator's output its consumer looks at; `None` = all.
pub type Keep = Option<Arc<[bool]>>;

impl<'p> Scan<'p> {
    pub fn new(input: Source<'p>, predicate: Option<&'p Expr>, ctx: &ExecContext) -> Self {
        Scan { input, predicate, keep: None, ctx: ctx.clone() }
    }

    /// Leaves columns empty that nobody looks at.
    #[must_use]
    pub fn keeping(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }
}

/// Keeps the rows for which `predicate` is true.
pub fn filter(batch: Batch, predicate: &Expr, keep: &Keep, ctx: &ExecContext) -> SqlResult<Batch> {
    let truth = evaluate_predicate(predicate, &batch, ctx)?;
    Ok(match truth.selected(batch.len) {
        None => batch,
        Some(rows) => batch.take_kept(&rows, keep.as_deref()),
    })
}

impl BatchSource for Scan<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            self.ctx.check_cancel()?;
            let Some(batch) = self.input.next_batch()? else { return Ok(None) };
            let Some(p) = self.predicate else { return Ok(Some(batch)) };
            if batch.len == 0 {
                continue;
            }
            let out = filter(batch, p, &self.keep, &self.ctx)?;
            if out.len > 0 {
                return Ok(Some(out));
            }
        }
    }
}

/// A range with its bounds evaluated: index-order bounds as prefixes of key values.
pub(super) struct Range {
    pub low: Bound,
    pub high: Bound,
}

fn bound_values(b: &Bound) -> &[Value] {
    match b {
        Bound::Unbounded => &[],
        Bound::Included(v) | Bound::Excluded(v) => v,
    }
}

pub(super) fn index_of(table: &TableDef, index_id: i32) -> SqlResult<&IndexDef> {
    table.indexes.iter().find(|i| i.index_id == index_id).ok_or_else(|| {
        SqlError::with_text(
            8624,
            16,
            format!("Internal error: table {} has no index {index_id}.", table.name),
        )
    })
}

/// Evaluates a range; `None` when a NULL bound makes it empty.
fn evaluate_range(r: &SeekRange, ctx: &ExecContext) -> SqlResult<Option<Range>> {
    let mut prefix = Vec::with_capacity(r.prefix.len() + 1);
    for k in &r.prefix {
        prefix.push(match k {
            SeekKey::Equal(e) => {
                let v = evaluate_constant(e, ctx)?;
                if v.is_null() {
                    return Ok(None);
                }
                v
            }
            SeekKey::IsNull => Value::Null,
        });
    }
    let bound = |b: &Option<holdfast_plan::physical::SeekBound>| -> SqlResult<Option<Bound>> {
        let Some(b) = b else {
            return Ok(Some(if prefix.is_empty() {
                Bound::Unbounded
            } else {
                Bound::Included(prefix.clone())
            }));
        };
        let v = evaluate_constant(&b.value, ctx)?;
        if v.is_null() {
            return Ok(None);
        }
        let mut key = prefix.clone();
        key.push(v);
        Ok(Some(if b.inclusive { Bound::Included(key) } else { Bound::Excluded(key) }))
    };
    let (Some(mut low), Some(mut high)) = (bound(&r.low)?, bound(&r.high)?) else { return Ok(None) };
    // NULL sorts lowest: an open lower end must start after it.
    if r.low.is_none() && (r.high.is_some() || r.exclude_null) {
        let mut key = prefix.clone();
        key.push(Value::Null);
        if r.high.is_some() {
            low = Bound::Excluded(key);
        }
    }
    if r.descending {
        std::mem::swap(&mut low, &mut high);
    }
    Ok(Some(Range { low, high }))
}

/// Compares key prefixes in index order over their common length.
fn compare_keys(a: &[Value], b: &[Value], table: &TableDef, index: &IndexDef) -> SqlResult<Ordering> {
    for (k, (x, y)) in a.iter().zip(b).enumerate() {
        let Some(key) = index.keys.get(k) else { break };
        let Some(column) = table.columns.get(key.ordinal) else { break };
        let o = order_with_nulls(x, y, &column.ty)?;
        if o != Ordering::Equal {
            return Ok(if key.descending { o.reverse() } else { o });
        }
    }
    Ok(Ordering::Equal)
}

/// Where a bound stands relative to the keys that begin with it: low bounds included before, excluded after them.
fn edge(b: &Bound, low: bool) -> i8 {
    match (b, low) {
        (Bound::Unbounded, true) => -1,
        (Bound::Unbounded, false) => 1,
        (Bound::Included(_), true) | (Bound::Excluded(_), false) => -1,
        (Bound::Excluded(_), true) | (Bound::Included(_), false) => 1,
    }
}

/// Order of two positions between keys.
pub(super) fn compare_edges(
    (a, a_low): (&Bound, bool),
    (b, b_low): (&Bound, bool),
    table: &TableDef,
    index: &IndexDef,
) -> SqlResult<Ordering> {
    let (x, y) = (bound_values(a), bound_values(b));
    let o = compare_keys(x, y, table, index)?;
    if o != Ordering::Equal {
        return Ok(o);
    }
    Ok(match x.len().cmp(&y.len()) {
        Ordering::Equal => edge(a, a_low).cmp(&edge(b, b_low)),
        // The shorter prefix stands before or after all its extensions.
        Ordering::Less => edge(a, a_low).cmp(&0),
        Ordering::Greater => 0.cmp(&edge(b, b_low)),
    })
}

fn merge_ranges(mut ranges: Vec<Range>, table: &TableDef, index: &IndexDef) -> SqlResult<Vec<Range>> {
    let mut failure = None;
    ranges.sort_by(|a, b| {
        compare_edges((&a.low, true), (&b.low, true), table, index).unwrap_or_else(|e| {
            failure = Some(e);
            Ordering::Equal
        })
    });
    if let Some(e) = failure {
        return Err(e);
    }
    let mut out: Vec<Range> = Vec::with_capacity(ranges.len());
    for r in ranges {
        if compare_edges((&r.low, true), (&r.high, false), table, index)? != Ordering::Less {
            continue;
        }
        if let Some(last) = out.last_mut()
            && compare_edges((&r.low, true), (&last.high, false), table, index)? != Ordering::Greater
        {
            if compare_edges((&r.high, false), (&last.high, false), table, index)? == Ordering::Greater {
                last.high = r.high;
            }
            continue;
        }
        out.push(r);
    }
    Ok(out)
}

/// A table's rows, or those of the partitions that can hold rows of some range.
pub fn within<'p>(
    table: &'p Arc<TableDef>,
    partitions: &[SeekRange],
    ctx: &ExecContext,
) -> SqlResult<Cow<'p, Arc<dyn TableAccess>>> {
    if partitions.is_empty() {
        return Ok(Cow::Borrowed(&table.access));
    }
    let mut ranges = Vec::with_capacity(partitions.len());
    for r in partitions {
        if let Some(r) = evaluate_range(r, ctx)? {
            ranges.push(KeyRange { low: r.low, high: r.high });
        }
    }
    Ok(table.access.within(&ranges).map_or(Cow::Borrowed(&table.access), Cow::Owned))
}

/// Rows of several ranges, one after the other.
pub(super) struct Seek<'p> {
    pub access: Cow<'p, Arc<dyn TableAccess>>,
    pub index_id: i32,
    pub ranges: VecDeque<KeyRange>,
    pub columns: &'p [usize],
    pub backward: bool,
    pub read: ReadContext,
    pub current: Option<Box<dyn BatchSource>>,
}

impl BatchSource for Seek<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            if let Some(s) = &mut self.current {
                if let Some(b) = s.next_batch()? {
                    return Ok(Some(b));
                }
                self.current = None;
            }
            let Some(range) = self.ranges.pop_front() else { return Ok(None) };
            self.current =
                Some(self.access.seek(&self.read, self.index_id, range, self.columns, self.backward)?);
        }
    }
}

/// Invariant 1; `backward`: the last range first.
pub(super) fn ranges_in_order(
    table: &TableDef,
    index_id: i32,
    ranges: &[SeekRange],
    backward: bool,
    ctx: &ExecContext,
) -> SqlResult<Vec<Range>> {
    let mut evaluated = Vec::with_capacity(ranges.len());
    for r in ranges {
        if let Some(r) = evaluate_range(r, ctx)? {
            evaluated.push(r);
        }
    }
    if evaluated.len() > 1 {
        evaluated = merge_ranges(evaluated, table, index_of(table, index_id)?)?;
    }
    if backward {
        evaluated.reverse();
    }
    Ok(evaluated)
}

#[allow(clippy::too_many_arguments)]
pub fn open_seek<'p>(
    (table, access): (&'p Arc<TableDef>, Cow<'p, Arc<dyn TableAccess>>),
    index_id: i32,
    ranges: &'p [SeekRange],
    columns: &'p [usize],
    predicate: Option<&'p Expr>,
    backward: bool,
    read: &ReadHints,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let read = ctx.query.read_with(read);
    let mut evaluated = ranges_in_order(table, index_id, ranges, backward, ctx)?;
    let to_key = |r: Range| KeyRange { low: r.low, high: r.high };
    let source: Source<'p> = if evaluated.len() == 1 {
        // The usual case needs no operator of its own.
        let range = to_key(evaluated.remove(0));
        access.seek(&read, index_id, range, columns, backward)?
    } else {
        let ranges = evaluated.into_iter().map(to_key).collect();
        Box::new(Seek { access, index_id, ranges, columns, backward, read: read.into_owned(), current: None })
    };
    Ok(match predicate {
        None => source,
        Some(_) => Box::new(Scan::new(source, predicate, ctx)),
    })
}
