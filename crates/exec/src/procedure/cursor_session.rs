//! The calls of clients on server cursors ([`crate::server_cursor`]) over the cursors of T-SQL.
//!
//! Invariants
//! 1. A client's cursor is declared GLOBAL under one name by a text that is the same for the same statement, so that its plans are kept, and
//!    called by its own name once it is open.
//! 2. What has become STATIC is told of as READ_ONLY.

use std::sync::Arc;

use holdfast_engine::catalog::Catalog;
use holdfast_types::SqlError;

use super::browse::column_origins;
use super::cursor::{OPTIMISTIC, SCROLL_LOCKS, missing, model, not_open};
use super::cursor_block::{Block, client_columns};
use super::instance_session::InstanceSession;
use super::run::Fail;
use crate::server_cursor::{
    BlockFetch, CursorConcurrency, CursorModel, CursorSession, CursorState, CursorTable, CursorWish,
    fetched_origins,
};
use crate::session::{RequestEnd, ResultColumn, ResultSink, RpcParameter, SqlSession, StatementText};

/// What a cursor is called while it is being opened; nobody writes such a name.
const OPENING: &str = "\u{1}opening";

/// The text that declares and opens a cursor over a query.
fn opening(wish: &CursorWish, query: &str) -> String {
    let scroll = if wish.forward_only { "FORWARD_ONLY" } else { "SCROLL" };
    let model = match wish.model {
        CursorModel::Static => "STATIC",
        CursorModel::Keyset => "KEYSET",
        CursorModel::Dynamic => "DYNAMIC",
    };
    let concurrency = match wish.concurrency {
        CursorConcurrency::ReadOnly => "READ_ONLY",
        CursorConcurrency::ScrollLocks => "SCROLL_LOCKS",
        CursorConcurrency::Optimistic => "OPTIMISTIC",
    };
    let query = query.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
    format!(
        "DECLARE [{OPENING}] CURSOR GLOBAL {scroll} {model} {concurrency} FOR {query}\nOPEN GLOBAL [{OPENING}]"
    )
}

fn failed(fail: Fail) -> SqlError {
    match fail {
        Fail::Error(e) | Fail::Compile(e) | Fail::Raised(e) | Fail::Thrown(e) => e,
        Fail::Many(mut list) if !list.is_empty() => list.swap_remove(0),
        _ => not_open(),
    }
}

impl InstanceSession {
    /// The tables that an open cursor reads: those of its columns, then those that only its bookmarks tell of.
    fn tables_of(&self, columns: &[ResultColumn], marked: &[(i32, i32)]) -> Vec<CursorTable> {
        let mut out: Vec<CursorTable> = Vec::new();
        let mut add = |t: CursorTable| {
            if !out.contains(&t) {
                out.push(t);
            }
        };
        for s in columns.iter().filter_map(|c| c.source.as_ref()) {
            let (database, schema, table) =
                (Arc::clone(&s.database), Arc::clone(&s.schema), Arc::clone(&s.table));
            add(CursorTable { database, schema, table });
        }
        for (database, id) in marked {
            let Some(database) = self.shared_session().host.database_by_id(*database) else { continue };
            if let Ok(Some(t)) = database.table_by_id(*id) {
                let (schema, table) = (Arc::clone(&t.schema_name), Arc::clone(&t.name));
                add(CursorTable { database: Arc::clone(&database.name), schema, table });
            }
        }
        out
    }
}

impl CursorSession for InstanceSession {
    fn open_cursor(
        &mut self,
        wish: &CursorWish,
        statement: &StatementText,
        values: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.global_cursors().lock().remove(OPENING);
        let text = opening(wish, &statement.text).into();
        let statement = StatementText { text, declarations: Arc::clone(&statement.declarations) };
        let end = self.execute_statement(&statement, values, first, sink);
        let mut all = self.global_cursors().lock();
        if let Some(cursor) = all.remove(OPENING)
            && cursor.0.lock().open.is_some()
        {
            all.insert(wish.name.clone(), cursor);
        }
        end
    }

    fn cursor_state(&self, name: &str) -> Option<CursorState> {
        let cursor = self.global_cursors().lock().get(name).cloned()?;
        let c = cursor.0.lock();
        let open = c.open.as_ref()?;
        let model = match open.model {
            model::KEYSET => CursorModel::Keyset,
            model::DYNAMIC => CursorModel::Dynamic,
            _ => CursorModel::Static,
        };
        let concurrency = match c.concurrency {
            _ if model == CursorModel::Static => CursorConcurrency::ReadOnly,
            SCROLL_LOCKS => CursorConcurrency::ScrollLocks,
            OPTIMISTIC => CursorConcurrency::Optimistic,
            _ => CursorConcurrency::ReadOnly,
        };
        let marked: Vec<(i32, i32)> = open.bookmarks.iter().map(|(table, _)| *table).collect();
        let (rows, position) = (open.count(), open.block_position());
        let fetched = open.block.as_ref().map_or(0, Block::len);
        let columns = Arc::clone(&open.columns);
        drop(c);
        Some(CursorState {
            model,
            concurrency,
            rows,
            position,
            fetched,
            // What a fetch tells of them: drivers keep what they hear first.
            columns: client_columns(&columns),
            tables: self.tables_of(&columns, &marked),
            origins: fetched_origins(column_origins(&columns, self.shared_session())),
        })
    }

    fn fetch_block(
        &mut self,
        name: &str,
        fetch: BlockFetch,
        count: u64,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.request(&"FETCH API_CURSOR".into(), sink, |sink| {
            self.run_call(&[], 0, sink, |runner, _| runner.fetch_block(name, fetch, count))
        })
    }

    fn choose_row(&mut self, name: &str, row: usize) -> Result<(), SqlError> {
        let cursor = self.global_cursors().lock().get(name).cloned();
        let cursor = cursor.ok_or_else(|| failed(missing(name)))?;
        match &mut cursor.0.lock().open {
            Some(open) => open.choose(row),
            None => Err(not_open()),
        }
    }

    fn reread_rows(
        &mut self,
        name: &str,
        row: Option<usize>,
        lock: bool,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.request(&"FETCH API_CURSOR".into(), sink, |sink| {
            self.run_call(&[], 0, sink, |runner, _| runner.reread_block(name, row, lock))
        })
    }

    fn insert_row(
        &mut self,
        name: &str,
        statement: &StatementText,
        values: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.request(&statement.text, sink, |sink| {
            self.run_call(values, first, sink, |runner, arguments| {
                runner.insert_through(name, |runner| runner.execute_text(statement, arguments))
            })
        })
    }

    fn name_cursor(&mut self, name: &str, other: &str) -> Result<(), SqlError> {
        let mut all = self.global_cursors().lock();
        let cursor = all.get(name).cloned().ok_or_else(|| failed(missing(name)))?;
        let key = other.to_lowercase();
        if all.contains_key(&key) {
            let text = format!("A cursor with the name '{other}' already exists.");
            return Err(SqlError::with_text(16_915, 16, text));
        }
        all.insert(key, cursor);
        Ok(())
    }

    fn close_cursor(&mut self, name: &str) {
        let mut all = self.global_cursors().lock();
        if let Some(cursor) = all.remove(name) {
            all.retain(|_, c| !Arc::ptr_eq(&c.0, &cursor.0));
            cursor.0.lock().open = None;
        }
    }
}
