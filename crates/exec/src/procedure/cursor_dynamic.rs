//! DYNAMIC cursors: every FETCH reads the rows as they are now, from the place of the last one on.
//!
//! Invariants
//! 1. The place is the key of an index's entry ([`holdfast_plan::physical::Placed`]), not a row: it stays when the row goes.
//! 2. All fetches go by the index that OPEN chose. When that, the table or the columns are not there any more as they were, the cursor
//!    cannot go on (16943).
//! 3. A FETCH reads and locks as a SELECT of the session would that stops at the row fetched.
//! 4. Names are those of the database where the cursor was opened.

use std::sync::Arc;

use holdfast_engine::access::EntryKey;
use holdfast_engine::transaction::Transaction as OpenTransaction;
use holdfast_plan::BoundQuery;
use holdfast_plan::physical::Placed;
use holdfast_tsql::ast::{FetchDirection, SelectStatement};
use holdfast_types::compare::hash_key;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::run::{Fail, Runner, Scope};
use super::unit::{Folding, Layout, Planned, Unit, with_bind_context};
use crate::context::ExecContext;
use crate::operator;
use crate::operator::placed::{From, Place};

/// Where a cursor stands.
#[derive(Clone, Debug)]
enum At {
    Before,
    /// At the row with this key, or where it was.
    Key(Vec<Value>),
    After,
}

/// An open dynamic cursor.
pub struct Dynamic {
    query: Arc<SelectStatement>,
    /// With a unit of its own, which keeps the plan.
    scope: Scope,
    database: i32,
    /// With the rows' bookmarks.
    marked: bool,
    /// What OPEN chose: the index, what tells its entries apart, the table, and the types of the plan's columns.
    index_id: i32,
    key: EntryKey,
    table: i32,
    types: Vec<SqlType>,
    at: At,
    /// SCROLL_LOCKS: rows are locked as they are fetched, and until the next FETCH where no transaction keeps the lock.
    locks: bool,
    held: Option<Arc<OpenTransaction>>,
    /// The row fetched last, with what comes after the client's columns.
    pub row: Option<Vec<Value>>,
}

/// 16943: a cursor whose table is not what it was.
fn redefined() -> Fail {
    let text =
        "Could not complete cursor operation because the table schema changed after the cursor was declared.";
    Fail::Error(SqlError::with_text(16_943, 16, text).state(4))
}

impl Dynamic {
    /// It stands at a row, or where one was.
    pub fn stands_at_key(&self) -> bool {
        matches!(self.at, At::Key(_))
    }
}

fn types_of(bound: &BoundQuery) -> Vec<SqlType> {
    bound.plan.columns.iter().map(|c| c.ty).collect()
}

/// The scope in which a dynamic cursor's query is run: that of its OPEN without what the query has nothing to do with.
pub fn scope_of(opening: &Scope, runner: &Runner<'_>) -> Scope {
    let unit = &opening.unit;
    let layout = Layout { cursors: Vec::new(), tables: Default::default(), ..unit.layout.clone() };
    let unit = Unit::new(&unit.text, unit.parameters.clone(), Vec::new(), layout);
    let mut scope = Scope::new(unit, &runner.session.host.temporary_rows);
    scope.frame = Arc::clone(&opening.frame);
    scope.tables = opening.tables.clone();
    scope.trigger = opening.trigger.clone();
    scope.module = opening.module;
    scope.schema = opening.schema.clone();
    scope
}

/// What a fetch has come to.
pub struct Fetched {
    pub row: Option<Vec<Value>>,
    /// @@FETCH_STATUS.
    pub status: i32,
}

impl Runner<'_> {
    /// A cursor over a query whose rows can be read from any place on; `None`: they cannot.
    pub(super) fn open_dynamic(
        &mut self,
        query: &SelectStatement,
        marked: bool,
        locks: bool,
        scope: Scope,
    ) -> Result<Option<(Dynamic, Arc<BoundQuery>)>, Fail> {
        let Some(bound) = self.bind_placed(query, marked, None, &scope)? else { return Ok(None) };
        let Some(placed) = bound.placed.clone() else { return Ok(None) };
        // inserted and deleted stay what they are as long as their trigger runs.
        let of_trigger = |name: &str| {
            let found = scope.trigger.as_ref().and_then(|_| scope.tables.get(name));
            found.is_some_and(|t| Arc::ptr_eq(&t.definition, &placed.table))
        };
        if of_trigger("inserted") || of_trigger("deleted") {
            return Ok(None);
        }
        self.authorize(&bound.accesses, &scope)?;
        let query = Arc::new(query.clone());
        let schema = scope.schema(&self.session);
        let node = Arc::as_ptr(&query) as usize;
        let run = self.keep_under(&scope);
        scope.unit.keep(node, Planned::Query(Arc::clone(&bound)), &self.session, schema, run);
        let Placed { index_id, key, table, .. } = placed;
        let dynamic = Dynamic {
            query,
            scope,
            database: self.session.names_database().id,
            marked,
            index_id,
            key,
            table: table.object_id,
            types: types_of(&bound),
            at: At::Before,
            locks,
            held: None,
            row: None,
        };
        Ok(Some((dynamic, bound)))
    }

    fn bind_placed(
        &mut self,
        query: &SelectStatement,
        marked: bool,
        only: Option<(i32, i32)>,
        scope: &Scope,
    ) -> Result<Option<Arc<BoundQuery>>, Fail> {
        let names = super::run::scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let bound = with_bind_context(&names.names(), &evaluator, |cx| {
            holdfast_plan::bind_placed(&query.query, &query.options, cx, marked, only)
        })?;
        Ok(bound.map_err(Fail::Compile)?.map(Arc::new))
    }

    /// The plan of a dynamic cursor, made anew when it does not fit any more (invariant 2).
    fn plan_placed(&mut self, c: &Dynamic) -> Result<Arc<BoundQuery>, Fail> {
        let scope = &c.scope;
        let node = Arc::as_ptr(&c.query) as usize;
        let run = self.keep_under(scope);
        let schema = scope.schema(&self.session);
        let found = scope.unit.kept(node, &self.session, &schema, run, &|id| self.is_alive(scope, id));
        if let Some(Planned::Query(found)) = found {
            return Ok(found);
        }
        let bound = match self.bind_placed(&c.query, c.marked, Some((c.table, c.index_id)), scope) {
            Err(Fail::Compile(_)) => return Err(redefined()),
            bound => bound?.ok_or_else(redefined)?,
        };
        let same = bound
            .placed
            .as_ref()
            .is_some_and(|p| p.index_id == c.index_id && p.key == c.key && p.table.object_id == c.table);
        if !same || types_of(&bound) != c.types {
            return Err(redefined());
        }
        self.authorize(&bound.accesses, scope)?;
        scope.unit.keep(node, Planned::Query(Arc::clone(&bound)), &self.session, schema, run);
        Ok(bound)
    }

    /// Moves the cursor and reads the row that it comes to.
    pub(super) fn fetch_dynamic(
        &mut self,
        c: &mut Dynamic,
        direction: &FetchDirection,
        offset: i64,
    ) -> Result<Fetched, Fail> {
        let (place, count) = match (direction, &c.at) {
            (FetchDirection::First, _) => (Some((From::Edge, false)), 1),
            (FetchDirection::Last, _) => (Some((From::Edge, true)), 1),
            (FetchDirection::Prior, at) => (backward(at), 1),
            (FetchDirection::Relative(_), At::Key(key)) if offset == 0 => {
                (Some((From::At(key.clone()), false)), 1)
            }
            (FetchDirection::Relative(_), _) if offset == 0 => (None, 0),
            (FetchDirection::Relative(_), at) if offset < 0 => (backward(at), offset.unsigned_abs()),
            (FetchDirection::Relative(_), at) => (forward(at), offset.unsigned_abs()),
            (_, at) => (forward(at), 1),
        };
        let again = matches!(direction, FetchDirection::Relative(_)) && offset == 0;
        let found = match place {
            Some((from, against)) => self.placed_row(c, Place { from, against, locks: c.locks }, count)?,
            None => None,
        };
        let found = found.filter(|(_, key)| match (&c.at, again) {
            (At::Key(old), true) => same_key(old, key, c),
            _ => true,
        });
        c.row = None;
        if let Some((row, key)) = found {
            c.at = At::Key(key);
            c.row = Some(row.clone());
            return Ok(Fetched { row: Some(row), status: 0 });
        }
        if again && matches!(c.at, At::Key(_)) {
            return Ok(Fetched { row: None, status: super::cursor::MISSING });
        }
        let back = match direction {
            FetchDirection::Prior | FetchDirection::Last => true,
            FetchDirection::Relative(_) if offset == 0 => matches!(c.at, At::Before),
            FetchDirection::Relative(_) => offset < 0,
            _ => false,
        };
        c.at = if back { At::Before } else { At::After };
        Ok(Fetched { row: None, status: -1 })
    }

    /// The row that comes as so manieth from a place on, and its key.
    fn placed_row(
        &mut self,
        c: &mut Dynamic,
        place: Place,
        count: u64,
    ) -> Result<Option<(Vec<Value>, Vec<Value>)>, Fail> {
        let before = match self.session.names_database().id == c.database {
            true => None,
            false => {
                let names = self.session.host.database_by_id(c.database).ok_or_else(redefined)?;
                Some(self.session.state.lock().names.replace(names))
            }
        };
        let held = c.locks.then(|| self.session.new_transaction());
        let found = self.while_defined(|runner| {
            let bound = runner.plan_placed(c)?;
            let context = runner.context_at(&c.scope, place.clone(), held.as_ref());
            let row = nth(&bound, &context, count)?;
            Ok(row.map(|row| (key_of(&bound, &row), row)))
        });
        if let Some(names) = before {
            self.session.state.lock().names = names;
        }
        c.held = held;
        Ok(match found? {
            Some((Some(key), row)) => Some((row, key)),
            Some((None, _)) => return Err(redefined()),
            None => None,
        })
    }
}

fn forward(at: &At) -> Option<(From, bool)> {
    match at {
        At::Before => Some((From::Edge, false)),
        At::Key(key) => Some((From::Behind(key.clone()), false)),
        At::After => None,
    }
}

fn backward(at: &At) -> Option<(From, bool)> {
    match at {
        At::Before => None,
        At::Key(key) => Some((From::Behind(key.clone()), true)),
        At::After => Some((From::Edge, true)),
    }
}

/// The row that comes as so manieth.
fn nth(bound: &BoundQuery, context: &ExecContext, count: u64) -> SqlResult<Option<Vec<Value>>> {
    let mut source = operator::open(&bound.plan, context)?;
    let mut left = count;
    while let Some(batch) = source.next_batch()? {
        context.check_cancel()?;
        let len = batch.len as u64;
        if left <= len && left > 0 {
            let at = (left - 1) as usize;
            let types = bound.plan.columns.iter().zip(&batch.columns);
            return Ok(Some(types.map(|(c, values)| values.value(at, &c.ty)).collect()));
        }
        left -= len;
    }
    Ok(None)
}

/// The key of a row's entry; `None`: its bookmark does not tell.
fn key_of(bound: &BoundQuery, row: &[Value]) -> Option<Vec<Value>> {
    let placed = bound.placed.as_ref()?;
    let mut key = row[row.len().checked_sub(placed.key.columns.len())?..].to_vec();
    if placed.key.locator {
        let Some(Value::Binary(mark)) = placed.mark.and_then(|at| row.get(at)) else { return None };
        key.push(placed.table.access.locator(mark)?);
    }
    Some(key)
}

/// Whether two keys are of one entry.
fn same_key(a: &[Value], b: &[Value], c: &Dynamic) -> bool {
    let types = c.types.iter().skip(c.types.len().saturating_sub(c.key.columns.len()));
    let hash = |key: &[Value]| {
        let mut bytes = Vec::new();
        key.iter().zip(types.clone()).for_each(|(v, ty)| hash_key(v, ty, &mut bytes));
        bytes
    };
    hash(a) == hash(b) && (!c.key.locator || a.last() == b.last())
}
