//! Cursors of T-SQL over a copy of their rows.
//!
//! Invariants
//! 1. A cursor's rows are those of the moment of OPEN, but for KEYSET cursors (see [`super::cursor_keyset`]); variables in its query
//!    have their values of the moment of DECLARE.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use holdfast_tsql::ast::{
    self, CursorDeclaration, CursorName, ExprKind, Fetch, FetchDirection, SelectStatement,
};
use holdfast_types::{SqlError, SqlType, Value};
use parking_lot::Mutex;

use super::cursor_keyset::Keyset;
use super::memory_table::RowList;
use super::query::{SELECT, convert};
use super::raise::integer;
use super::run::{Fail, Runner, Scope};
use super::unit::Unit;
use crate::session::ResultColumn;

/// @@FETCH_STATUS of a row that is not there any more.
const MISSING: i32 = -2;

/// Numbers of cursors, as sp_cursor_list shows them.
static HANDLES: AtomicI32 = AtomicI32::new(180_150_003);

/// A declared cursor, shared by all names and variables that refer to it.
#[derive(Clone)]
pub struct Cursor(Arc<Mutex<Declared>>);

#[derive(Clone)]
struct Declared {
    query: Arc<SelectStatement>,
    unit: Arc<Unit>,
    frame: Arc<Vec<Value>>,
    forward_only: bool,
    read_only: bool,
    /// OPEN fixes which rows it has (STATIC, KEYSET).
    counted: bool,
    /// As it was declared: 1 insensitive, 2 keyset, 3 dynamic, 4 fast forward.
    model: i16,
    /// 1 read only, 2 scroll locks, 3 optimistic.
    concurrency: i16,
    /// Of the last fetch; -9 before the first.
    fetch_status: i32,
    /// What was done last: 0 nothing, 1 open, 2 fetch, 6 close.
    last_operation: i16,
    handle: i32,
    /// Columns, rows, and the position (0 = before the first).
    open: Option<Open>,
}

#[derive(Clone)]
struct Open {
    columns: Arc<Vec<ResultColumn>>,
    /// After the columns' values, the bookmarks of `bookmarks`.
    rows: RowList,
    position: usize,
    bookmarks: Arc<Vec<((i32, i32), usize)>>,
    /// How its rows are read anew; the keys stand between columns and bookmarks.
    keyset: Option<Arc<Keyset>>,
}

/// A row of a keyset that is to be read anew.
pub struct Keyed {
    pub keyset: Arc<Keyset>,
    /// The variables of its query.
    pub frame: Arc<Vec<Value>>,
    /// As it was read last.
    pub row: Vec<Value>,
}

/// The row of a table under a cursor.
pub struct CursorPosition {
    pub bookmark: Vec<u8>,
}

/// Nothing is declared under the name, or the variable refers to nothing.
fn missing(name: &str) -> Fail {
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
        let rows = match &c.open {
            Some(open) if c.counted => open.rows.len() as i64,
            Some(_) => -1,
            None => 0,
        };
        Told {
            model: c.model,
            concurrency: c.concurrency,
            scrollable: !c.forward_only,
            columns: c.open.as_ref().map(|o| o.columns.len()),
            rows,
            fetch_status: c.fetch_status,
            affected: i64::from(c.last_operation == 2 && c.fetch_status == 0),
            last_operation: c.last_operation,
            handle: c.handle,
        }
    }

    /// As CURSOR_STATUS tells it: 1 open, 0 open without rows, -1 closed.
    pub fn status(&self) -> i16 {
        match &self.0.lock().open {
            Some(open) => i16::from(!open.rows.is_empty()),
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
            () if has(&["STATIC", "INSENSITIVE"]) => 1,
            () if has(&["KEYSET"]) => 2,
            () if has(&["FAST_FORWARD"]) => 4,
            () => 3,
        };
        let read_only = has(&["READ_ONLY", "FAST_FORWARD", "STATIC", "INSENSITIVE"])
            || matches!(c.query.query.for_clause, Some(ast::ForClause::ReadOnly));
        let declared = Declared {
            query: Arc::new(c.query.clone()),
            unit: Arc::clone(&scope.unit),
            frame: Arc::clone(&scope.frame),
            forward_only: forward || !scroll,
            read_only,
            counted: c.options.iter().any(|o| matches!(o.as_str(), "STATIC" | "INSENSITIVE" | "KEYSET")),
            model,
            concurrency: match c.options.iter().any(|o| o == "SCROLL_LOCKS") {
                _ if read_only => 1,
                true => 2,
                false => 3,
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
        let local = c.options.iter().any(|o| o == "LOCAL");
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

    /// Runs `f` on the cursor, the local one first.
    fn with_cursor<T>(
        &mut self,
        name: &CursorName,
        scope: &mut Scope,
        f: impl FnOnce(&mut Declared) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let (key, global) = Self::key(name);
        let own = if global { None } else { scope.cursors.get(&key).cloned() };
        let cursor = own.or_else(|| self.cursors.lock().get(&key).cloned());
        let cursor = cursor.ok_or_else(|| missing(&key))?;
        f(&mut cursor.0.lock())
    }

    pub fn open_cursor(&mut self, name: &CursorName, scope: &mut Scope) -> Result<(), Fail> {
        let cursor = self.with_cursor(name, scope, |c| Ok(c.clone()))?;
        if cursor.open.is_some() {
            return Err(SqlError::with_text(16_905, 16, "The cursor is already open.").into());
        }
        let mut inner = Scope::new(Arc::clone(&cursor.unit), &self.session.host.temporary_rows);
        inner.frame = Arc::clone(&cursor.frame);
        inner.tables = scope.tables.clone();
        // A cursor of a trigger reads inserted and deleted.
        inner.trigger = scope.trigger.clone();
        let mut plain = (*cursor.query).clone();
        if matches!(plain.query.for_clause, Some(ast::ForClause::ReadOnly | ast::ForClause::Update(_))) {
            plain.query.for_clause = None;
        }
        self.begin_implicitly()?;
        inner.module = scope.module;
        inner.schema = scope.schema.clone();
        let mut keyset = if cursor.model == 2 { self.keyset_of(&plain, &inner) } else { None };
        // What cannot be found again by its keys has the rows of now: an aggregate, say.
        let keyed = keyset.as_ref().and_then(|k| self.bind_cursor(&k.keyed, &inner).ok());
        let bound = match keyed {
            Some(bound) => bound,
            None => {
                keyset = None;
                self.bind_cursor(&plain, &inner)?
            }
        };
        self.authorize(&bound.accesses, &inner)?;
        let rows = self.list_of(&bound, &inner)?;
        let mut columns = bound.columns.clone();
        columns.truncate(columns.len() - keyset.as_ref().map_or(0, |k| k.count));
        let keyset = keyset.map(Arc::new);
        let columns = Arc::new(columns.iter().map(super::query::result_column).collect::<Vec<_>>());
        let bookmarks = if cursor.read_only { Arc::default() } else { Arc::new(bound.bookmarks.clone()) };
        let count = if cursor.counted { i32::try_from(rows.len()).unwrap_or(i32::MAX) } else { -1 };
        self.session.state.lock().cursor_rows = count;
        let open = Open { columns, rows, position: 0, bookmarks, keyset };
        self.with_cursor(name, scope, |c| {
            c.open = Some(open);
            (c.fetch_status, c.last_operation) = (-9, 1);
            Ok(())
        })?;
        self.cleared();
        Ok(())
    }

    pub fn fetch(&mut self, f: &Fetch, scope: &mut Scope) -> Result<(), Fail> {
        let offset = match &f.direction {
            FetchDirection::Absolute(e) | FetchDirection::Relative(e) => {
                integer(&self.value(e, scope)?.0).unwrap_or(0)
            }
            _ => 0,
        };
        let direction = &f.direction;
        let (columns, mut row, keyed) = self.with_cursor(&f.cursor, scope, |c| {
            let frame = Arc::clone(&c.frame);
            let forward = c.forward_only;
            let Some(open) = &mut c.open else {
                return Err(SqlError::with_text(16_917, 16, "Cursor is not open.").into());
            };
            if forward && !matches!(direction, FetchDirection::Next) {
                let word = fetch_word(direction);
                let text = format!("{word}: The fetch type {word} cannot be used with forward only cursors.");
                return Err(SqlError::with_text(16_911, 16, text).into());
            }
            let count = open.rows.len() as i64;
            let at = open.position as i64;
            let target = match direction {
                FetchDirection::Next => at + 1,
                FetchDirection::Prior => at - 1,
                FetchDirection::First => 1,
                FetchDirection::Last => count,
                FetchDirection::Absolute(_) if offset < 0 => count + 1 + offset,
                FetchDirection::Absolute(_) => offset,
                FetchDirection::Relative(_) => at.saturating_add(offset),
            };
            open.position = target.clamp(0, count + 1) as usize;
            let row = if (1..=count).contains(&target) { open.rows.get(target as usize - 1)? } else { None };
            let columns = Arc::clone(&open.columns);
            let keyed = match (&open.keyset, &row) {
                (Some(k), Some(row)) => Some(Keyed { keyset: Arc::clone(k), frame, row: row.clone() }),
                _ => None,
            };
            (c.fetch_status, c.last_operation) = (if row.is_some() { 0 } else { -1 }, 2);
            Ok((columns, row, keyed))
        })?;
        let mut status = if row.is_some() { 0 } else { -1 };
        if let Some(keyed) = keyed {
            row = self.keyset_row(&keyed, columns.len(), scope)?;
            status = if row.is_some() { 0 } else { MISSING };
            let now = row.clone();
            self.with_cursor(&f.cursor, scope, |c| {
                c.fetch_status = status;
                if let (Some(open), Some(now)) = (&mut c.open, now)
                    && let Some(place) = open.position.checked_sub(1)
                {
                    open.rows.set(place, &now)?;
                }
                Ok(())
            })?;
        }
        self.session.state.lock().fetch_status = status;
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
        if f.into.len() != columns.len() {
            let text = "Cursorfetch: The number of variables declared in the INTO list must match that of selected columns.";
            return Err(SqlError::with_text(16_924, 16, text).into());
        }
        if let Some(values) = row {
            let context = self.context(scope);
            for ((name, value), column) in f.into.iter().zip(&values).zip(columns.iter()) {
                let Some(v) = scope.unit.layout.variables.get(&name.to_lowercase()).cloned() else {
                    continue;
                };
                scope.assign(v.slot, convert(value, column.ty, v.ty, &context)?)?;
            }
        }
        let mut state = self.session.state.lock();
        state.row_count = count as i64;
        state.error = 0;
        Ok(())
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
                return Err(SqlError::with_text(16_917, 16, "Cursor is not open.").into());
            };
            let at = open.position.checked_sub(1);
            let Some(row) = at.map(|p| open.rows.get(p)).transpose()?.flatten() else {
                let text = "There is no row at the current position of the cursor.";
                return Err(SqlError::with_text(16_931, 16, text).into());
            };
            let place = open.bookmarks.iter().find(|(t, _)| *t == table).map(|(_, p)| *p);
            match place.and_then(|p| row.get(p)) {
                Some(Value::Binary(b)) => Ok(CursorPosition { bookmark: b.to_vec() }),
                _ => {
                    let text = "The target object type is not updatable through a cursor.";
                    Err(SqlError::with_text(16_933, 16, text).into())
                }
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
                && let Some(at) = open.position.checked_sub(1)
                && let Some(mut row) = open.rows.get(at)?
            {
                row[place] = Value::binary(bookmark);
                open.rows.set(at, &row)?;
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
            None => Err(SqlError::with_text(16_917, 16, "Cursor is not open.").into()),
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
