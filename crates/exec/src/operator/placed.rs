//! The seek of a dynamic cursor: its plan's ranges from a place in the index on, in either direction.
//!
//! Invariants
//! 1. A place is the whole key of an entry, which may have gone.
//! 2. What is read is what the plan without a place reads, less what lies before the place.

use std::borrow::Cow;
use std::cmp::Ordering;

use holdfast_engine::access::{Bound, KeyRange, ReadIntent, ReadLevel};
use holdfast_engine::catalog::{IndexDef, TableDef};
use holdfast_plan::physical::{PhysicalOp, PhysicalPlan};
use holdfast_types::{SqlError, SqlResult, Value};

use super::Source;
use super::scan::{Range, Scan, Seek, compare_edges, ranges_in_order};
use crate::context::ExecContext;

/// Where a placed plan begins.
#[derive(Clone, Debug)]
pub enum From {
    /// At its end: the first row, or the last one.
    Edge,
    /// At the next entry behind this one.
    Behind(Vec<Value>),
    /// At this entry, or the one that has come behind it.
    At(Vec<Value>),
}

/// Where and how a placed plan is read.
#[derive(Clone, Debug)]
pub struct Place {
    pub from: From,
    /// Against the plan's order.
    pub against: bool,
    /// Update locks are taken on the rows read (SCROLL_LOCKS).
    pub locks: bool,
}

/// The part of a range that lies behind a place; `None`: nothing does.
fn behind(
    range: Range,
    from: &From,
    backward: bool,
    index: Option<(&TableDef, &IndexDef)>,
) -> SqlResult<Option<Range>> {
    let Range { mut low, mut high } = range;
    let (Some((table, index)), From::Behind(key) | From::At(key)) = (index, from) else {
        // The rows of a heap are one range.
        let (low, high) = match (from, backward) {
            (From::Edge, _) => (low, high),
            (From::Behind(key), false) => (Bound::Excluded(key.clone()), high),
            (From::Behind(key), true) => (low, Bound::Excluded(key.clone())),
            (From::At(key), _) => (Bound::Included(key.clone()), Bound::Included(key.clone())),
        };
        return Ok(Some(Range { low, high }));
    };
    // A range ends with values of the index's own columns.
    let own = || key.iter().take(index.keys.len()).cloned().collect::<Vec<_>>();
    let (first, last) = match (from, backward) {
        (From::Behind(_), false) => (Bound::Excluded(key.clone()), Bound::Unbounded),
        (From::Behind(_), true) => (Bound::Unbounded, Bound::Excluded(key.clone())),
        (_, false) => (Bound::Included(key.clone()), Bound::Included(own())),
        (_, true) => (Bound::Included(own()), Bound::Included(key.clone())),
    };
    if compare_edges((&low, true), (&first, true), table, index)? == Ordering::Less {
        low = first;
    }
    if compare_edges((&last, false), (&high, false), table, index)? == Ordering::Less {
        high = last;
    }
    let some = compare_edges((&low, true), (&high, false), table, index)? == Ordering::Less;
    Ok(some.then_some(Range { low, high }))
}

/// Opens the placed seek of a plan at the context's place.
pub fn open_seek<'p>(plan: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Source<'p>> {
    let (
        PhysicalOp::IndexSeek { table, index_id, ranges, columns, predicate, backward, read, .. },
        Some(place),
    ) = (&plan.op, &ctx.place)
    else {
        return Err(SqlError::with_text(
            8624,
            16,
            "Internal error: a plan without a place is opened at one.",
        ));
    };
    let mut read = ctx.query.read_with(read).into_owned();
    read.few = true;
    if place.locks && read.intent == ReadIntent::Read {
        read.intent = ReadIntent::Update;
        if read.level == ReadLevel::Uncommitted {
            read.level = ReadLevel::Committed;
        }
    }
    let backward = *backward != place.against;
    let index = table.indexes.iter().find(|i| i.index_id == *index_id && *index_id != 0);
    let mut parts = std::collections::VecDeque::with_capacity(1);
    for range in ranges_in_order(table, *index_id, ranges, backward, ctx)? {
        if let Some(Range { low, high }) = behind(range, &place.from, backward, index.map(|i| (&**table, i)))?
        {
            parts.push_back(KeyRange { low, high });
        }
    }
    let access = Cow::Borrowed(&table.access);
    let rows = Seek { access, index_id: *index_id, ranges: parts, columns, backward, read, current: None };
    Ok(Box::new(Scan::new(Box::new(rows), predicate.as_ref(), ctx)))
}
