//! Server cursors of the API at the boundary between connections and the executor: what a client asks for, what it gets, and the calls that
//! work on an open cursor. They are the cursors of T-SQL ([`crate::procedure::cursor`]) under names that nobody declares.
//!
//! Invariants
//! 1. What a client is told is what the cursor has become: what cannot be read anew is STATIC, and then READ_ONLY.
//! 2. A fetch answers the columns and, behind them, ROWSTAT: 1 for a row, 2 for one that is missing, whose values are NULL.

use std::sync::Arc;

use holdfast_types::{SqlError, SqlType};

use crate::session::{
    ColumnOrigin, Origins, RequestEnd, ResultColumn, ResultSink, RpcParameter, StatementText,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CursorModel {
    Static,
    Keyset,
    Dynamic,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CursorConcurrency {
    ReadOnly,
    ScrollLocks,
    Optimistic,
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct CursorWish {
    /// What the cursor is called from then on, in lower case; unique in the session.
    pub name: String,
    pub model: CursorModel,
    pub concurrency: CursorConcurrency,
    pub forward_only: bool,
}

/// A table whose rows a cursor shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorTable {
    pub database: Arc<str>,
    pub schema: Arc<str>,
    pub table: Arc<str>,
}

/// An open cursor.
#[derive(Clone, Debug)]
pub struct CursorState {
    pub model: CursorModel,
    pub concurrency: CursorConcurrency,
    /// -1: not known (dynamic).
    pub rows: i64,
    /// Of the row that the fetch buffer begins with; 0 before the first, -1 behind the last. Of dynamic cursors only 1 is known.
    pub position: i64,
    /// Rows in the fetch buffer.
    pub fetched: usize,
    /// Of the query. They take NULL where rows can be missing.
    pub columns: Vec<ResultColumn>,
    pub tables: Vec<CursorTable>,
    /// Where the columns of a fetch come from.
    pub origins: Origins,
}

/// Where a block of rows begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockFetch {
    First,
    /// Behind the last block.
    Next,
    /// Before the last block. Where fewer rows are left: `adjusted`, the first ones; else only those.
    Previous {
        adjusted: bool,
    },
    Last,
    /// From 1; counted from the end when negative.
    Absolute(i64),
    /// From the first row of the last block.
    Relative(i64),
    /// The last block again, as its rows are now.
    Refresh,
}

/// Calls on cursors by their names. Those that end in [`RequestEnd`] answer as an RPC does, with DONEPROC at the end.
pub trait CursorSession {
    /// Declares and opens a cursor; answers nothing but errors.
    fn open_cursor(
        &mut self,
        wish: &CursorWish,
        statement: &StatementText,
        values: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd;
    /// `None`: there is none, or it was closed (by CURSOR_CLOSE_ON_COMMIT, say).
    fn cursor_state(&self, name: &str) -> Option<CursorState>;
    fn fetch_block(
        &mut self,
        name: &str,
        fetch: BlockFetch,
        count: u64,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd;
    /// Has WHERE CURRENT OF mean a row of the fetch buffer, from 1.
    ///
    /// # Errors
    /// 16930 and 16931 when it is not there.
    fn choose_row(&mut self, name: &str, row: usize) -> Result<(), SqlError>;
    /// Reads rows of the fetch buffer (from 1; `None`: all) as they are now, and answers them; `lock`: takes update locks on them and answers
    /// nothing.
    fn reread_rows(
        &mut self,
        name: &str,
        row: Option<usize>,
        lock: bool,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd;
    /// Runs an INSERT into a table of the cursor, as `execute_statement` does; a keyset has the row at its end then.
    fn insert_row(
        &mut self,
        name: &str,
        statement: &StatementText,
        values: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd;
    /// A further name, for WHERE CURRENT OF.
    ///
    /// # Errors
    /// 16915 when there is a cursor of that name.
    fn name_cursor(&mut self, name: &str, other: &str) -> Result<(), SqlError>;
    /// Closes it and forgets it with all its names.
    fn close_cursor(&mut self, name: &str);
}

/// The column behind a fetched row.
pub fn row_status_column() -> ResultColumn {
    ResultColumn {
        name: Arc::from("ROWSTAT"),
        ty: SqlType::INT,
        nullable: false,
        identity: false,
        computed: true,
        updatable: false,
        user_type: None,
        source: None,
    }
}

/// The columns of a fetch.
pub fn fetched_columns(columns: &[ResultColumn]) -> Vec<ResultColumn> {
    columns.iter().cloned().chain([row_status_column()]).collect()
}

/// Where the columns of a fetch come from.
pub fn fetched_origins(mut of: Origins) -> Origins {
    of.columns.push(ColumnOrigin { table: 0, key: false, hidden: true, base_name: None });
    of
}
