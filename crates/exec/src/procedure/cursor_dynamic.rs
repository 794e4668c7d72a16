//! DYNAMIC cursors: every FETCH reads the rows as they are now, from the place of the last one on.
//!
//! Invariants
//! 1. The place is the key of an index's entry ([`holdfast_plan::physical::Placed`]), not a row: it stays when the row goes.
//! 2. All fetches go by the index that OPEN chose. When that, the table or the columns are not there any more as they were, the cursor
//!    cannot go on (16943).
//! 3. A FETCH reads and locks as a SELECT of the session would that stops at the row fetched.
//! 4. A client's block goes on behind the last row of the block before, or before its first one, whichever way that was read.
//! 5. Names are those of the database where the cursor was opened.

use std::sync::Arc;

use holdfast_engine::access::EntryKey;
use holdfast_engine::transaction::Transaction as OpenTransaction;
use holdfast_plan::BoundQuery;
use holdfast_plan::physical::Placed;
use holdfast_tsql::ast::{FetchDirection, SelectStatement};
use holdfast_types::compare::hash_key;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::cursor::no_absolute;
use super::memory_table::RowList;
use super::run::{Fail, Runner, Scope};
use super::unit::{Folding, Layout, Planned, Unit, with_bind_context};
use crate::context::ExecContext;
use crate::operator;
use crate::operator::placed::{From, Place};
use crate::server_cursor::BlockFetch;

/// Where a cursor stands.
#[derive(Clone, Debug)]
pub enum At {
    Before,
    /// At the row with this key, or where it was.
    Key(Vec<Value>),
    After,
}

/// Rows of a dynamic cursor that a client fetched together, in the cursor's order.
pub struct DynamicBlock {
    /// With what comes after the client's columns.
    pub rows: RowList,
    /// Of the rows' entries.
    keys: Vec<Vec<Value>>,
    /// Those that were not there any more when the block was read again.
    pub missing: Vec<bool>,
    /// The place of its first row and of its last one; both are its place where it has no rows.
    pub begin: At,
    end: At,
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

    /// 0 before its rows, 1 among them, -1 behind.
    pub fn side(&self) -> i64 {
        match self.at {
            At::Before => 0,
            At::Key(_) => 1,
            At::After => -1,
        }
    }

    /// What keeps the locks of the last fetch.
    pub fn held(&self) -> Option<Arc<OpenTransaction>> {
        self.held.clone()
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

    /// Runs `f` with the names of a database.
    pub(super) fn with_names_of<T>(
        &mut self,
        database: i32,
        f: impl FnOnce(&mut Self) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        if self.session.names_database().id == database {
            return f(self);
        }
        let names = self.session.host.database_by_id(database).ok_or_else(redefined)?;
        let before = self.session.state.lock().names.replace(names);
        let done = f(self);
        self.session.state.lock().names = before;
        done
    }

    /// The row that comes as so manieth from a place on, and its key.
    fn placed_row(
        &mut self,
        c: &mut Dynamic,
        place: Place,
        count: u64,
    ) -> Result<Option<(Vec<Value>, Vec<Value>)>, Fail> {
        let held = c.locks.then(|| self.session.new_transaction());
        let found = self.with_names_of(c.database, |runner| {
            runner.while_defined(|runner| {
                let bound = runner.plan_placed(c)?;
                let context = runner.context_at(&c.scope, place.clone(), held.as_ref());
                let row = nth(&bound, &context, count)?;
                Ok(row.map(|row| (key_of(&bound, &row), row)))
            })
        });
        c.held = held;
        Ok(match found? {
            Some((Some(key), row)) => Some((row, key)),
            Some((None, _)) => return Err(redefined()),
            None => None,
        })
    }
}

/// Blocks of rows.
impl Runner<'_> {
    /// Reads a block; `last` is the one before it. The cursor stands at its first row then.
    pub(super) fn fetch_dynamic_block(
        &mut self,
        c: &mut Dynamic,
        last: Option<&DynamicBlock>,
        fetch: BlockFetch,
        count: u64,
    ) -> Result<DynamicBlock, Fail> {
        let held = c.locks.then(|| self.session.new_transaction());
        let block = self.dynamic_block(c, last, fetch, count, held.as_ref())?;
        c.held = held;
        c.row = None;
        c.at = block.begin.clone();
        Ok(block)
    }

    fn dynamic_block(
        &mut self,
        c: &Dynamic,
        last: Option<&DynamicBlock>,
        fetch: BlockFetch,
        count: u64,
        held: Option<&Arc<OpenTransaction>>,
    ) -> Result<DynamicBlock, Fail> {
        let (begin, end) = last.map_or((&c.at, &c.at), |b| (&b.begin, &b.end));
        match fetch {
            BlockFetch::First if count == 0 => Ok(self.no_rows(c, At::Before, At::Before)),
            BlockFetch::Last if count == 0 => Ok(self.no_rows(c, At::After, At::After)),
            BlockFetch::Refresh => self.dynamic_again(c, last, held),
            _ if count == 0 => Ok(self.no_rows(c, begin.clone(), end.clone())),
            BlockFetch::First => self.block_from(c, Some((From::Edge, false)), At::After, count, held),
            BlockFetch::Next => self.block_from(c, forward(end), At::After, count, held),
            BlockFetch::Last => self.block_from(c, Some((From::Edge, true)), At::After, count, held),
            BlockFetch::Previous { adjusted } => {
                let block = self.block_from(c, backward(begin), At::Before, count, held)?;
                let short = block.keys.len() as u64;
                if adjusted && (1..count).contains(&short) {
                    return self.block_from(c, Some((From::Edge, false)), At::After, count, held);
                }
                Ok(block)
            }
            BlockFetch::Absolute(_) => Err(no_absolute().into()),
            BlockFetch::Relative(0) => match begin {
                At::Key(key) => self.block_at(c, key, count, held),
                other => Ok(self.no_rows(c, other.clone(), other.clone())),
            },
            BlockFetch::Relative(n) => {
                let (start, beyond) =
                    if n < 0 { (backward(begin), At::Before) } else { (forward(begin), At::After) };
                let key = match start {
                    Some((from, against)) => {
                        let place = Place { from, against, locks: false };
                        self.placed_rows(c, place, None, n.unsigned_abs() - 1, 1)?.1.pop()
                    }
                    None => None,
                };
                match key {
                    Some(key) => self.block_at(c, &key, count, held),
                    None => Ok(self.no_rows(c, beyond.clone(), beyond)),
                }
            }
        }
    }

    fn no_rows(&self, c: &Dynamic, begin: At, end: At) -> DynamicBlock {
        let rows = RowList::new(&c.types, &self.session.host.temporary_rows);
        DynamicBlock { rows, keys: Vec::new(), missing: Vec::new(), begin, end }
    }

    fn block_of(&self, c: &Dynamic, rows: RowList, keys: Vec<Vec<Value>>, beyond: At) -> DynamicBlock {
        match (keys.first().cloned(), keys.last().cloned()) {
            (Some(first), Some(last)) => {
                let missing = vec![false; keys.len()];
                DynamicBlock { rows, keys, missing, begin: At::Key(first), end: At::Key(last) }
            }
            _ => self.no_rows(c, beyond.clone(), beyond),
        }
    }

    /// The rows from a place on, in the cursor's order; `beyond` is where it stands when there are none.
    fn block_from(
        &mut self,
        c: &Dynamic,
        start: Option<(From, bool)>,
        beyond: At,
        count: u64,
        held: Option<&Arc<OpenTransaction>>,
    ) -> Result<DynamicBlock, Fail> {
        let Some((from, against)) = start else { return Ok(self.no_rows(c, beyond.clone(), beyond)) };
        let place = Place { from, against, locks: c.locks };
        let (mut rows, mut keys) = self.placed_rows(c, place, held, 0, count)?;
        if against {
            let mut turned = RowList::new(&c.types, &self.session.host.temporary_rows);
            for at in (0..rows.len()).rev() {
                turned.append(rows.get(at)?.as_slice())?;
            }
            rows = turned;
            keys.reverse();
        }
        Ok(self.block_of(c, rows, keys, beyond))
    }

    /// The row with a key, if it is still there, and those behind it.
    fn block_at(
        &mut self,
        c: &Dynamic,
        key: &[Value],
        count: u64,
        held: Option<&Arc<OpenTransaction>>,
    ) -> Result<DynamicBlock, Fail> {
        let (mut rows, mut keys) = match self.dynamic_row(c, key, c.locks, held)? {
            Some(row) => {
                let mut rows = RowList::new(&c.types, &self.session.host.temporary_rows);
                rows.append(&[row])?;
                (rows, vec![key.to_vec()])
            }
            None => (RowList::new(&c.types, &self.session.host.temporary_rows), Vec::new()),
        };
        let place = Place { from: From::Behind(key.to_vec()), against: false, locks: c.locks };
        let (more, others) = self.placed_rows(c, place, held, 0, count - keys.len() as u64)?;
        for at in 0..more.len() {
            rows.append(more.get(at)?.as_slice())?;
        }
        keys.extend(others);
        Ok(self.block_of(c, rows, keys, At::After))
    }

    /// The rows of a block as they are now.
    fn dynamic_again(
        &mut self,
        c: &Dynamic,
        last: Option<&DynamicBlock>,
        held: Option<&Arc<OpenTransaction>>,
    ) -> Result<DynamicBlock, Fail> {
        let Some(last) = last else { return Ok(self.no_rows(c, c.at.clone(), c.at.clone())) };
        let mut block = DynamicBlock {
            rows: last.rows.clone(),
            keys: last.keys.clone(),
            missing: last.missing.clone(),
            begin: last.begin.clone(),
            end: last.end.clone(),
        };
        for at in 0..block.keys.len() {
            self.refresh_dynamic(c, &mut block, at, held)?;
        }
        Ok(block)
    }

    /// Reads a row of a block as it is now.
    pub(super) fn refresh_dynamic(
        &mut self,
        c: &Dynamic,
        block: &mut DynamicBlock,
        at: usize,
        held: Option<&Arc<OpenTransaction>>,
    ) -> Result<(), Fail> {
        let Some(key) = block.keys.get(at) else { return Ok(()) };
        let row = self.dynamic_row(c, key, c.locks, held)?;
        block.missing[at] = row.is_none();
        if let Some(row) = row {
            block.rows.set(at, &row)?;
        }
        Ok(())
    }

    /// Takes an update lock on a row of a block, and keeps it as the cursor keeps those of its last fetch.
    pub(super) fn lock_dynamic(
        &mut self,
        c: &mut Dynamic,
        block: &DynamicBlock,
        at: usize,
    ) -> Result<(), Fail> {
        let Some(key) = block.keys.get(at) else { return Ok(()) };
        let held = c.held.get_or_insert_with(|| self.session.new_transaction()).clone();
        self.dynamic_row(c, key, true, Some(&held))?;
        Ok(())
    }

    /// The row with a key as it is now.
    fn dynamic_row(
        &mut self,
        c: &Dynamic,
        key: &[Value],
        locks: bool,
        held: Option<&Arc<OpenTransaction>>,
    ) -> Result<Option<Vec<Value>>, Fail> {
        let place = Place { from: From::At(key.to_vec()), against: false, locks };
        let (rows, keys) = self.placed_rows(c, place, held, 0, 1)?;
        match keys.first().is_some_and(|k| same_key(k, key, c)) {
            true => Ok(rows.get(0)?),
            false => Ok(None),
        }
    }

    /// So many rows from a place on in its direction, after some that are passed by, and the keys of their entries.
    fn placed_rows(
        &mut self,
        c: &Dynamic,
        place: Place,
        held: Option<&Arc<OpenTransaction>>,
        skip: u64,
        count: u64,
    ) -> Result<(RowList, Vec<Vec<Value>>), Fail> {
        self.with_names_of(c.database, |runner| {
            runner.while_defined(|runner| {
                let bound = runner.plan_placed(c)?;
                let mut rows = RowList::new(&c.types, &runner.session.host.temporary_rows);
                let (mut keys, mut place, mut skip) = (Vec::new(), place.clone(), skip);
                while (keys.len() as u64) < count {
                    let left = count - keys.len() as u64;
                    // Under locks each row is read for itself: a source reads ahead.
                    let most = if place.locks { 1 } else { left };
                    let context = runner.context_at(&c.scope, place.clone(), held);
                    let read = some_rows(&bound, &context, skip, most, &mut |row| {
                        keys.push(key_of(&bound, &row).ok_or_else(redefined)?);
                        Ok(rows.append(&[row])?)
                    })?;
                    if read < most || read == left {
                        break;
                    }
                    skip = 0;
                    place.from = From::Behind(keys.last().cloned().unwrap_or_default());
                }
                Ok((rows, keys))
            })
        })
    }
}

/// Gives `to` so many rows after some that are passed by; how many there were.
fn some_rows(
    bound: &BoundQuery,
    context: &ExecContext,
    mut skip: u64,
    count: u64,
    to: &mut dyn FnMut(Vec<Value>) -> Result<(), Fail>,
) -> Result<u64, Fail> {
    let types = types_of(bound);
    let mut given = 0;
    let mut source = operator::open(&bound.plan, context)?;
    while given < count
        && let Some(batch) = source.next_batch()?
    {
        context.check_cancel()?;
        let passed = skip.min(batch.len as u64);
        skip -= passed;
        for at in (passed as usize..batch.len).take((count - given) as usize) {
            to(batch.row(at, &types))?;
            given += 1;
        }
    }
    Ok(given)
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
