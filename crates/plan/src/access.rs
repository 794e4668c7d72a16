//! What a statement does to which objects, for the executor to check against permissions. The binder only notes it: who runs
//! the statement and what that principal may do is not known here, so that a plan serves everybody.
//!
//! Invariants
//! 1. Every user table, view and function that binding resolved for reading, changing or calling is noted once per use; tables
//!    in memory, `inserted` and `deleted`, and catalog views that everybody may read are not.
//! 2. `through` is the innermost view or inline function whose text names the object: the executor compares owners along it
//!    (ownership chaining). `None` is the text of the statement itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    Select,
    Insert,
    Update,
    Delete,
    Execute,
    /// A database is named.
    Connect,
    /// Rows that show the server's state.
    ServerState,
    /// Rows that show a database's state.
    DatabaseState,
}

/// One use of an object.
#[derive(Clone, Debug)]
pub struct Access {
    pub kind: AccessKind,
    pub database: i32,
    pub object: i32,
    /// For messages.
    pub schema: Arc<str>,
    pub name: Arc<str>,
    /// Columns read or set: id and name. Empty: none in particular.
    pub columns: Vec<(i32, Arc<str>)>,
    /// Only the columns count: a target of a change whose rows are found without reading any column.
    pub columns_only: bool,
    pub through: Option<(i32, i32)>,
}

/// Dynamic management views that everybody may read: their rows are the reader's own.
const OPEN: &[&str] = &["dm_exec_sessions", "dm_exec_requests"];

/// What reading a catalog view asks for; `None` when everybody may.
pub(crate) fn state_shown(schema: &str, name: &str) -> Option<AccessKind> {
    if schema != "sys" {
        return None;
    }
    if OPEN.contains(&name) {
        return None;
    }
    // The one catalog view of a database that is not granted to everybody.
    if name == "sql_expression_dependencies" {
        return Some(AccessKind::Select);
    }
    if name.starts_with("dm_db_") {
        return Some(AccessKind::DatabaseState);
    }
    let state = name.starts_with("dm_") || matches!(name, "syslockinfo" | "sysperfinfo");
    state.then_some(AccessKind::ServerState)
}

/// What a plan does, and for whom that was allowed last.
#[derive(Debug, Default)]
pub struct Accesses {
    pub list: Vec<Access>,
    allowed: AtomicU64,
}

impl Accesses {
    pub fn new(list: Vec<Access>) -> Self {
        Accesses { list, allowed: AtomicU64::new(0) }
    }

    /// Whether all of it was allowed under a key that stands for a principal; 0 stands for nobody.
    pub fn allowed_under(&self, key: u64) -> bool {
        key != 0 && self.allowed.load(Ordering::Relaxed) == key
    }

    pub fn allow(&self, key: u64) {
        self.allowed.store(key, Ordering::Relaxed);
    }
}

impl Clone for Accesses {
    fn clone(&self) -> Self {
        Accesses::new(self.list.clone())
    }
}
