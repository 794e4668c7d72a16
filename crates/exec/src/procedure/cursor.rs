//! Cursors of T-SQL: declared, opened, moved, closed.
//!
//! Invariants
//! 1. OPEN decides what kind a cursor is: as asked for, but DYNAMIC becomes KEYSET where its rows cannot be read from a place on
//!    ([`super::cursor_dynamic`]), and KEYSET becomes STATIC where they cannot be found again ([`super::cursor_keyset`]).
//! 2. Variables in its query have their values of the moment of DECLARE.
//! 3. FAST_FORWARD cursors are copies of their rows at OPEN.
//! 4. A cursor of the API has a fetch buffer ([`super::cursor_block`]), whose chosen row is its current one until a FETCH of T-SQL.
//! 5. SCROLL_LOCKS: rows are read with update locks, which outside a transaction last until the next fetch.
//!
//! Evidence: conversions, @@CURSOR_ROWS and messages as documented and as captured from SQL Server.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Weak};

use holdfast_engine::transaction::Transaction as OpenTransaction;
use holdfast_tsql::ast::{
    self, CursorDeclaration, CursorName, ExprKind, Fetch, FetchDirection, SelectStatement,
};
use holdfast_types::{SqlError, SqlResult, SqlType, Value};
use parking_lot::Mutex;

use super::cursor_block::Block;
use super::cursor_dynamic::{Dynamic, Fetched, scope_of};
use super::cursor_keyset::Keyset;
use super::memory_table::RowList;
use super::query::{SELECT, convert};
use super::raise::integer;
use super::run::{Fail, Runner, Scope};
use super::unit::Unit;
use crate::session::ResultColumn;

/// @@FETCH_STATUS of a row that is not there any more.
pub(super) const MISSING: i32 = -2;

/// Concurrency by the numbers of sp_describe_cursor.
pub(super) const READ_ONLY: i16 = 1;
pub(super) const SCROLL_LOCKS: i16 = 2;
pub(super) const OPTIMISTIC: i16 = 3;

/// Kinds of cursors by the numbers of sp_describe_cursor.
pub(super) mod model {
    pub const STATIC: i16 = 1;
    pub const KEYSET: i16 = 2;
    pub const DYNAMIC: i16 = 3;
    pub const FAST_FORWARD: i16 = 4;
}

/// Numbers of cursors, as sp_cursor_list shows them.
static HANDLES: AtomicI32 = AtomicI32::new(180_150_003);

/// A declared cursor, shared by all names and variables that refer to it.
#[derive(Clone)]
pub struct Cursor(pub(super) Arc<Mutex<Declared>>);

/// The cursors that a session has opened, for CURSOR_CLOSE_ON_COMMIT.
#[derive(Clone, Default)]
pub struct OpenedCursors(Vec<Weak<Mutex<Declared>>>);

impl OpenedCursors {
    /// Those that are gone are forgotten now and then.
    fn add(&mut self, cursor: &Cursor) {
        if self.0.len() >= 64 {
            self.0.retain(|c| c.strong_count() > 0);
        }
        self.0.push(Arc::downgrade(&cursor.0));
    }

    /// Closes those that are open.
    pub fn close_all(self) {
        for cursor in self.0.iter().filter_map(Weak::upgrade) {
            let mut c = cursor.lock();
            if c.open.take().is_some() {
                c.last_operation = 6;
            }
        }
    }
}

pub(super) struct Declared {
    pub(super) query: Arc<SelectStatement>,
    pub(super) unit: Arc<Unit>,
    pub(super) frame: Arc<Vec<Value>>,
    pub(super) forward_only: bool,
    pub(super) read_only: bool,
    /// As it was declared, see [`model`].
    pub(super) model: i16,
    /// [`READ_ONLY`], [`SCROLL_LOCKS`] or [`OPTIMISTIC`].
    pub(super) concurrency: i16,
    /// Of the last fetch; -9 before the first.
    pub(super) fetch_status: i32,
    /// What was done last: 0 nothing, 1 open, 2 fetch, 6 close.
    pub(super) last_operation: i16,
    pub(super) handle: i32,
    pub(super) open: Option<Open>,
}

pub(super) struct Open {
    pub(super) columns: Arc<Vec<ResultColumn>>,
    /// After the columns' values rows have the bookmarks of these tables.
    pub(super) bookmarks: Vec<((i32, i32), usize)>,
    /// What it has become, see [`model`].
    pub(super) model: i16,
    pub(super) rows: OpenRows,
    /// The rows of the last fetch of a client.
    pub(super) block: Option<Block>,
    /// Keeps update locks until the next fetch, outside transactions.
    pub(super) held: Option<Arc<OpenTransaction>>,
}

pub(super) enum OpenRows {
    Kept {
        rows: RowList,
        /// 0: before the first.
        position: usize,
        /// How the rows are read anew; the keys stand between columns and bookmarks.
        keyset: Option<Arc<Keyset>>,
        /// The row at the position has turned out to be missing.
        hole: bool,
    },
    /// `None` while a FETCH goes on.
    Dynamic(Option<Box<Dynamic>>),
}

impl Declared {
    /// Rows can be changed through it, as clients are told.
    pub(super) fn changeable(&self) -> bool {
        self.concurrency != READ_ONLY && self.open.as_ref().is_some_and(|o| o.model != model::STATIC)
    }
}

impl Open {
    /// @@CURSOR_ROWS; -1 where OPEN does not fix which rows there are.
    pub(super) fn count(&self) -> i64 {
        match &self.rows {
            OpenRows::Kept { rows, .. } if matches!(self.model, model::STATIC | model::KEYSET) => {
                rows.len() as i64
            }
            _ => -1,
        }
    }

    /// The row that the cursor stands at.
    fn row(&self) -> SqlResult<Option<Vec<Value>>> {
        if let Some(block) = &self.block {
            return block.row(&self.rows);
        }
        match &self.rows {
            OpenRows::Kept { rows, position, .. } => {
                position.checked_sub(1).map_or(Ok(None), |at| rows.get(at))
            }
            OpenRows::Dynamic(d) => Ok(d.as_ref().and_then(|d| d.row.clone())),
        }
    }

    /// It stands where a row was.
    fn stands_at_hole(&self) -> bool {
        if let Some(block) = &self.block {
            return block.stands_at_hole();
        }
        match &self.rows {
            OpenRows::Kept { hole, .. } => *hole,
            OpenRows::Dynamic(d) => d.as_ref().is_some_and(|d| d.row.is_none() && d.stands_at_key()),
        }
    }
}

/// A row of a keyset that is to be read anew.
pub struct Keyed {
    pub keyset: Arc<Keyset>,
    /// The variables of its query.
    pub frame: Arc<Vec<Value>>,
    /// As it was read last.
    pub row: Vec<Value>,
    /// It is locked for an update; outside a transaction this one keeps the lock.
    pub locks: Option<Arc<OpenTransaction>>,
}

/// The row of a table under a cursor.
pub struct CursorPosition {
    pub bookmark: Vec<u8>,
    /// Columns of FOR UPDATE OF, when there is a list.
    pub updatable: Vec<String>,
}

/// 16910: a FETCH of the cursor goes on.
pub(super) fn in_use() -> Fail {
    Fail::Error(SqlError::with_text(16_910, 16, "The cursor is currently used by another statement."))
}

/// 16947: the row is not there, or not as it was.
pub fn nothing_changed() -> SqlError {
    SqlError::with_text(16_947, 16, "No rows were updated or deleted.")
}

pub(super) fn not_open() -> SqlError {
    SqlError::with_text(16_917, 16, "Cursor is not open.")
}

/// 16925: a dynamic cursor's rows have no numbers.
pub(super) fn no_absolute() -> SqlError {
    SqlError::with_text(16_925, 16, "The fetch type Absolute cannot be used with dynamic cursors.")
}

/// 16931: there is no current row.
pub(super) fn empty_buffer() -> SqlError {
    SqlError::with_text(16_931, 16, "There are no rows in the current fetch buffer.")
}

/// Nothing is declared under the name, or the variable refers to nothing.
pub(super) fn missing(name: &str) -> Fail {
    if name.starts_with('@') {
        let text = format!("The variable '{name}' does not currently have a cursor allocated to it.");
        return Fail::Error(SqlError::with_text(16_950, 16, text).state(2));
    }
    Fail::Error(SqlError::with_text(16_916, 16, format!("A cursor with the name '{name}' does not exist.")))
}

/// See [`Cursor::told`].
pub struct Told {
    pub model: i16,
    pub concurrency: i16,
    pub scrollable: bool,
    /// How many columns it has; `None` while it is closed.
    pub columns: Option<usize>,
    /// -1: not known (dynamic).
    pub rows: i64,
    pub fetch_status: i32,
    /// Rows that the last operation touched.
    pub affected: i64,
    pub last_operation: i16,
    pub handle: i32,
}

/// 16949: a cursor variable where there may be none.
pub fn not_valid(name: &str) -> SqlError {
    let text = format!(
        "The variable '{name}' is a cursor variable, but it is used in a place where a cursor variable is not valid."
    );
    SqlError::with_text(16_949, 16, text)
}

/// 16951: the variable that is to take a cursor has one.
pub fn already_allocated(name: &str) -> SqlError {
    let text = format!(
        "The variable '{name}' cannot be used as a parameter because a CURSOR OUTPUT parameter must not have a cursor allocated to it before execution of the procedure."
    );
    SqlError::with_text(16_951, 16, text)
}

impl Cursor {
    /// Columns, while it is open.
    pub fn columns(&self) -> Option<Arc<Vec<ResultColumn>>> {
        self.0.lock().open.as_ref().map(|o| Arc::clone(&o.columns))
    }

    /// What sp_cursor_list tells of it.
    pub fn told(&self) -> Told {
        let c = self.0.lock();
        Told {
            model: c.open.as_ref().map_or(c.model, |o| o.model),
            concurrency: c.concurrency,
            scrollable: !c.forward_only,
            columns: c.open.as_ref().map(|o| o.columns.len()),
            rows: c.open.as_ref().map_or(0, Open::count),
            fetch_status: c.fetch_status,
            affected: i64::from(c.last_operation == 2 && c.fetch_status == 0),
            last_operation: c.last_operation,
            handle: c.handle,
        }
    }

    /// As CURSOR_STATUS tells it: 1 open, 0 open without rows, -1 closed.
    pub fn status(&self) -> i16 {
        match &self.0.lock().open {
            Some(Open { rows: OpenRows::Kept { rows, .. }, .. }) => i16::from(!rows.is_empty()),
            Some(_) => 1,
            None => -1,
        }
    }
}

impl Runner<'_> {
    fn new_cursor(&self, c: &CursorDeclaration, scope: &Scope) -> Cursor {
        let has = |words: &[&str]| c.options.iter().any(|o| words.contains(&o.as_str()));
        let scroll =
            c.options.iter().any(|o| matches!(o.as_str(), "SCROLL" | "STATIC" | "KEYSET" | "DYNAMIC"));
        let forward = c.options.iter().any(|o| o == "FORWARD_ONLY" || o == "FAST_FORWARD");
        let model = match () {
            () if has(&["STATIC", "INSENSITIVE"]) => model::STATIC,
            () if has(&["KEYSET"]) => model::KEYSET,
            () if has(&["FAST_FORWARD"]) => model::FAST_FORWARD,
            () if has(&["SCROLL"]) && !has(&["DYNAMIC"]) => model::KEYSET,
            () => model::DYNAMIC,
        };
        let read_only = has(&["READ_ONLY", "FAST_FORWARD", "STATIC", "INSENSITIVE"])
            || matches!(c.query.query.for_clause, Some(ast::ForClause::ReadOnly));
        let declared = Declared {
            query: Arc::new(c.query.clone()),
            unit: Arc::clone(&scope.unit),
            frame: Arc::clone(&scope.frame),
            forward_only: forward || !scroll,
            read_only,
            model,
            concurrency: match c.options.iter().any(|o| o == "SCROLL_LOCKS") {
                _ if read_only => READ_ONLY,
                true => SCROLL_LOCKS,
                false => OPTIMISTIC,
            },
            fetch_status: -9,
            last_operation: 0,
            handle: HANDLES.fetch_add(1, Ordering::Relaxed),
            open: None,
        };
        Cursor(Arc::new(Mutex::new(declared)))
    }

    pub fn declare_cursor(&mut self, c: &CursorDeclaration, scope: &mut Scope) -> Result<(), Fail> {
        let name = c.name.text.to_lowercase();
        let cursor = self.new_cursor(c, scope);
        let says = |word: &str| c.options.iter().any(|o| o == word);
        let local = says("LOCAL") || !says("GLOBAL") && self.cursors_are_local();
        let exists = self.cursors.lock().contains_key(&name);
        if (local && scope.cursors.contains_key(&name)) || (!local && exists) {
            let text = format!("A cursor with the name '{}' already exists.", c.name.text);
            return Err(SqlError::with_text(16_915, 16, text).into());
        }
        if local {
            scope.cursors.insert(name, cursor);
        } else {
            self.cursors.lock().insert(name, cursor);
        }
        self.cleared();
        Ok(())
    }

    /// CURSOR_DEFAULT LOCAL of the current database.
    fn cursors_are_local(&self) -> bool {
        let id = self.session.current_database().id;
        let options = self.session.host.instance.database_options(id);
        options.get("CURSOR_DEFAULT").is_some_and(|v| v == "LOCAL")
    }

    pub fn set_cursor(&mut self, name: &str, c: &CursorDeclaration, scope: &mut Scope) -> Result<(), Fail> {
        let cursor = self.new_cursor(c, scope);
        scope.cursors.insert(name.to_owned(), cursor);
        Ok(())
    }

    /// `SET @a = @b` or `SET @a = name`.
    pub fn copy_cursor(&mut self, name: &str, value: &ast::Expr, scope: &mut Scope) -> Result<(), Fail> {
        let source = match &value.kind {
            ExprKind::Variable(v) => v.to_lowercase(),
            ExprKind::Column(parts) => parts.last().map(|p| p.text.to_lowercase()).unwrap_or_default(),
            _ => return Err(missing(name)),
        };
        let found = scope.cursors.get(&source).cloned().or_else(|| self.cursors.lock().get(&source).cloned());
        let cursor = found.ok_or_else(|| missing(&source))?;
        scope.cursors.insert(name.to_owned(), cursor);
        Ok(())
    }

    fn key(name: &CursorName) -> (String, bool) {
        match name {
            CursorName::Name { name, global } => (name.text.to_lowercase(), *global),
            CursorName::Variable(v) => (v.to_lowercase(), false),
        }
    }

    /// The cursor of a name, the local one first.
    fn cursor_named(&self, name: &CursorName, scope: &Scope) -> Result<Cursor, Fail> {
        let (key, global) = Self::key(name);
        let own = if global { None } else { scope.cursors.get(&key).cloned() };
        let cursor = own.or_else(|| self.cursors.lock().get(&key).cloned());
        cursor.ok_or_else(|| missing(&key))
    }

    /// Runs `f` on the cursor.
    fn with_cursor<T>(
        &mut self,
        name: &CursorName,
        scope: &mut Scope,
        f: impl FnOnce(&mut Declared) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let cursor = self.cursor_named(name, scope)?;
        f(&mut cursor.0.lock())
    }

    pub fn open_cursor(&mut self, name: &CursorName, scope: &mut Scope) -> Result<(), Fail> {
        let (query, unit, frame, wanted, concurrency, is_open) = self.with_cursor(name, scope, |c| {
            let (query, unit, frame) = (Arc::clone(&c.query), Arc::clone(&c.unit), Arc::clone(&c.frame));
            Ok((query, unit, frame, c.model, c.concurrency, c.open.is_some()))
        })?;
        let read_only = concurrency == READ_ONLY;
        if is_open {
            return Err(SqlError::with_text(16_905, 16, "The cursor is already open.").into());
        }
        let mut inner = Scope::new(unit, &self.session.host.temporary_rows);
        inner.frame = frame;
        inner.tables = scope.tables.clone();
        // A cursor of a trigger reads inserted and deleted.
        inner.trigger = scope.trigger.clone();
        let mut plain = (*query).clone();
        if matches!(plain.query.for_clause, Some(ast::ForClause::ReadOnly | ast::ForClause::Update(_))) {
            plain.query.for_clause = None;
        }
        self.begin_implicitly()?;
        inner.module = scope.module;
        inner.schema = scope.schema.clone();
        let dynamic = match wanted {
            model::DYNAMIC => {
                let locks = concurrency == SCROLL_LOCKS;
                self.open_dynamic(&plain, !read_only, locks, scope_of(&inner, self))?
            }
            _ => None,
        };
        let open = match dynamic {
            Some((dynamic, bound)) => Open {
                columns: Arc::new(bound.columns.iter().map(super::query::result_column).collect()),
                bookmarks: bound.bookmarks.clone(),
                model: model::DYNAMIC,
                rows: OpenRows::Dynamic(Some(Box::new(dynamic))),
                block: None,
                held: None,
            },
            None => self.open_kept(&plain, wanted, read_only, &inner)?,
        };
        let cursor = self.cursor_named(name, scope)?;
        {
            let mut state = self.session.state.lock();
            state.cursor_rows = i32::try_from(open.count()).unwrap_or(i32::MAX);
            state.opened_cursors.add(&cursor);
        }
        self.with_cursor(name, scope, |c| {
            c.open = Some(open);
            (c.fetch_status, c.last_operation) = (-9, 1);
            Ok(())
        })?;
        self.cleared();
        Ok(())
    }

    /// A cursor over a copy of its rows, with keys by which they are found again where it wants that and there are some.
    fn open_kept(
        &mut self,
        plain: &SelectStatement,
        wanted: i16,
        read_only: bool,
        inner: &Scope,
    ) -> Result<Open, Fail> {
        let by_keys = matches!(wanted, model::KEYSET | model::DYNAMIC);
        let mut keyset = if by_keys { self.keyset_of(plain, inner) } else { None };
        // What cannot be found again by its keys has the rows of now: an aggregate, say.
        let keyed = keyset.as_ref().and_then(|k| self.bind_cursor(&k.keyed, inner).ok());
        let bound = match keyed {
            Some(bound) => bound,
            None => {
                keyset = None;
                self.bind_cursor(plain, inner)?
            }
        };
        self.authorize(&bound.accesses, inner)?;
        let rows = self.list_of(&bound, inner)?;
        let mut columns = bound.columns.clone();
        columns.truncate(columns.len() - keyset.as_ref().map_or(0, |k| k.count));
        let model = match &keyset {
            _ if !by_keys => wanted,
            None => model::STATIC,
            Some(k) if wanted == model::DYNAMIC && k.goes_on => model::DYNAMIC,
            Some(_) => model::KEYSET,
        };
        Ok(Open {
            columns: Arc::new(columns.iter().map(super::query::result_column).collect()),
            bookmarks: if read_only { Vec::new() } else { bound.bookmarks.clone() },
            model,
            rows: OpenRows::Kept { rows, position: 0, keyset: keyset.map(Arc::new), hole: false },
            block: None,
            held: None,
        })
    }

    pub fn fetch(&mut self, f: &Fetch, scope: &mut Scope) -> Result<(), Fail> {
        let offset = match &f.direction {
            FetchDirection::Absolute(e) | FetchDirection::Relative(e) => {
                integer(&self.value(e, scope)?.0).unwrap_or(0)
            }
            _ => 0,
        };
        self.begin_implicitly()?;
        // That of a FETCH that fails.
        self.session.state.lock().fetch_status = -1;
        let (columns, Fetched { row, status }) = self.fetch_row(f, offset, scope)?;
        let fits = f.into.is_empty() || f.into.len() == columns.len();
        if fits {
            self.session.state.lock().fetch_status = status;
        }
        let count = u64::from(row.is_some());
        if f.into.is_empty() {
            self.may_answer()?;
            self.sink.columns(&columns)?;
            if let Some(mut values) = row {
                values.truncate(columns.len());
                let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
                self.sink.rows(&holdfast_types::Batch::from_rows(&types, &[values])?)?;
            }
            return self.counted(count, SELECT, true);
        }
        if !fits {
            let text = "Cursorfetch: The number of variables declared in the INTO list must match that of selected columns.";
            return Err(SqlError::with_text(16_924, 16, text).into());
        }
        if let Some(values) = row {
            let mut context = None;
            for ((name, value), column) in f.into.iter().zip(&values).zip(columns.iter()) {
                let Some(v) = scope.unit.layout.variables.get(&name.to_lowercase()).cloned() else {
                    continue;
                };
                let value = match column.ty == v.ty {
                    true => value.clone(),
                    false => {
                        convert(value, column.ty, v.ty, context.get_or_insert_with(|| self.context(scope)))?
                    }
                };
                scope.assign(v.slot, value)?;
            }
        }
        let mut state = self.session.state.lock();
        state.row_count = count as i64;
        state.error = 0;
        Ok(())
    }

    /// Moves a cursor; its columns and what it comes to.
    fn fetch_row(
        &mut self,
        f: &Fetch,
        offset: i64,
        scope: &mut Scope,
    ) -> Result<(Arc<Vec<ResultColumn>>, Fetched), Fail> {
        let direction = &f.direction;
        let cursor = self.cursor_named(&f.cursor, scope)?;
        let (columns, dynamic) = {
            let mut c = cursor.0.lock();
            let forward = c.forward_only;
            let Some(open) = &mut c.open else {
                return Err(not_open().state(2).into());
            };
            if open.model == model::DYNAMIC && matches!(direction, FetchDirection::Absolute(_)) {
                return Err(no_absolute().into());
            }
            if forward && !matches!(direction, FetchDirection::Next) {
                let word = fetch_word(direction);
                let text = format!("fetch: The fetch type {word} cannot be used with forward only cursors.");
                return Err(SqlError::with_text(16_911, 16, text).into());
            }
            open.block = None;
            let dynamic = match &mut open.rows {
                OpenRows::Kept { .. } => None,
                OpenRows::Dynamic(d) => Some(d.take().ok_or_else(in_use)?),
            };
            (Arc::clone(&open.columns), dynamic)
        };
        let fetched = match dynamic {
            None => self.fetch_kept(f, offset, columns.len(), scope)?,
            Some(mut dynamic) => {
                let fetched = self.fetch_dynamic(&mut dynamic, direction, offset);
                if let Some(Open { rows: OpenRows::Dynamic(place), .. }) = &mut cursor.0.lock().open {
                    *place = Some(dynamic);
                }
                fetched?
            }
        };
        let mut c = cursor.0.lock();
        (c.fetch_status, c.last_operation) = (fetched.status, 2);
        Ok((columns, fetched))
    }

    /// The same among rows that were copied at OPEN.
    fn fetch_kept(
        &mut self,
        f: &Fetch,
        offset: i64,
        columns: usize,
        scope: &mut Scope,
    ) -> Result<Fetched, Fail> {
        let direction = &f.direction;
        let locks = self
            .with_cursor(&f.cursor, scope, |c| Ok(c.concurrency == SCROLL_LOCKS))?
            .then(|| self.session.new_transaction());
        loop {
            let (row, keyed, goes_on) = self.with_cursor(&f.cursor, scope, |c| {
                let Some(Open { model, rows: OpenRows::Kept { rows, position, keyset, hole }, .. }) =
                    &mut c.open
                else {
                    return Err(in_use());
                };
                let count = rows.len() as i64;
                let at = *position as i64;
                let target = match direction {
                    FetchDirection::Next => at + 1,
                    FetchDirection::Prior => at - 1,
                    FetchDirection::First => 1,
                    FetchDirection::Last => count,
                    FetchDirection::Absolute(_) if offset < 0 => count + 1 + offset,
                    FetchDirection::Absolute(_) => offset,
                    FetchDirection::Relative(_) => at.saturating_add(offset),
                };
                (*position, *hole) = (target.clamp(0, count + 1) as usize, false);
                let row = if (1..=count).contains(&target) { rows.get(target as usize - 1)? } else { None };
                let keyed = match (keyset, &row) {
                    (Some(k), Some(row)) => Some(Keyed {
                        keyset: Arc::clone(k),
                        frame: Arc::clone(&c.frame),
                        row: row.clone(),
                        locks: locks.clone(),
                    }),
                    _ => None,
                };
                let goes_on = *model == model::DYNAMIC
                    && matches!(direction, FetchDirection::Next | FetchDirection::Prior);
                Ok((row, keyed, goes_on))
            })?;
            let Some(keyed) = keyed else {
                let status = if row.is_some() { 0 } else { -1 };
                return Ok(Fetched { row, status });
            };
            let row = self.keyset_row(&keyed, columns, scope)?;
            let status = if row.is_some() { 0 } else { MISSING };
            if row.is_none() && goes_on {
                continue;
            }
            self.with_cursor(&f.cursor, scope, |c| {
                if let Some(Open { rows: OpenRows::Kept { rows, position, hole, .. }, held, .. }) =
                    &mut c.open
                {
                    (*hole, *held) = (row.is_none(), locks);
                    if let (Some(now), Some(place)) = (&row, position.checked_sub(1)) {
                        rows.set(place, now)?;
                    }
                }
                Ok(())
            })?;
            return Ok(Fetched { row, status });
        }
    }

    /// The row under a cursor that WHERE CURRENT OF means, of the one table behind it.
    pub fn cursor_position(
        &mut self,
        name: &str,
        global: bool,
        table: (i32, i32),
        scope: &mut Scope,
    ) -> Result<CursorPosition, Fail> {
        let name = if name.starts_with('@') {
            CursorName::Variable(name.to_owned())
        } else {
            CursorName::Name { name: ast::Ident::new(name), global }
        };
        self.with_cursor(&name, scope, |c| {
            if c.read_only {
                return Err(SqlError::with_text(16_929, 16, "The cursor is READ ONLY.").into());
            }
            let Some(open) = &c.open else {
                return Err(not_open().into());
            };
            let Some(place) = open.bookmarks.iter().find(|(t, _)| *t == table).map(|(_, p)| *p) else {
                let text = "The cursor does not include the table being modified or the table is not updatable through the cursor.";
                return Err(SqlError::with_text(16_933, 16, text).into());
            };
            if open.stands_at_hole() {
                return Err(nothing_changed().into());
            }
            let Some(row) = open.row()? else {
                return Err(empty_buffer().into());
            };
            match row.get(place) {
                Some(Value::Binary(b)) => {
                    let updatable = match &c.query.query.for_clause {
                        Some(ast::ForClause::Update(list)) => list.iter().map(|n| n.text.clone()).collect(),
                        _ => Vec::new(),
                    };
                    Ok(CursorPosition { bookmark: b.to_vec(), updatable })
                }
                _ => Err(nothing_changed().into()),
            }
        })
    }

    /// The row under the cursor was changed by a positioned update: it has another bookmark now.
    pub fn move_bookmark(
        &mut self,
        name: &str,
        global: bool,
        table: (i32, i32),
        bookmark: &[u8],
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let name = if name.starts_with('@') {
            CursorName::Variable(name.to_owned())
        } else {
            CursorName::Name { name: ast::Ident::new(name), global }
        };
        self.with_cursor(&name, scope, |c| {
            if let Some(open) = &mut c.open
                && let Some(place) = open.bookmarks.iter().find(|(t, _)| *t == table).map(|(_, p)| *p)
            {
                if let Some(block) = &mut open.block {
                    return Ok(block.set_bookmark(&mut open.rows, place, bookmark)?);
                }
                match &mut open.rows {
                    OpenRows::Kept { rows, position, .. } => {
                        if let Some(at) = position.checked_sub(1)
                            && let Some(mut row) = rows.get(at)?
                        {
                            row[place] = Value::binary(bookmark);
                            rows.set(at, &row)?;
                        }
                    }
                    OpenRows::Dynamic(dynamic) => {
                        if let Some(row) = dynamic.as_mut().and_then(|d| d.row.as_mut()) {
                            row[place] = Value::binary(bookmark);
                        }
                    }
                }
            }
            Ok(())
        })
    }

    pub fn close_cursor(&mut self, name: &CursorName, scope: &mut Scope) -> Result<(), Fail> {
        self.with_cursor(name, scope, |c| match c.open.take() {
            Some(_) => {
                c.last_operation = 6;
                Ok(())
            }
            None => Err(not_open().into()),
        })?;
        self.session.state.lock().cursor_rows = 0;
        self.cleared();
        Ok(())
    }

    pub fn deallocate_cursor(&mut self, name: &CursorName, scope: &mut Scope) -> Result<(), Fail> {
        let (key, global) = Self::key(name);
        let local = !global && scope.cursors.remove(&key).is_some();
        if !local && self.cursors.lock().remove(&key).is_none() {
            return Err(missing(&key));
        }
        self.session.state.lock().cursor_rows = 0;
        self.cleared();
        Ok(())
    }
}

fn fetch_word(d: &FetchDirection) -> &'static str {
    match d {
        FetchDirection::Next => "next",
        FetchDirection::Prior => "prior",
        FetchDirection::First => "first",
        FetchDirection::Last => "last",
        FetchDirection::Absolute(_) => "absolute",
        FetchDirection::Relative(_) => "relative",
    }
}
