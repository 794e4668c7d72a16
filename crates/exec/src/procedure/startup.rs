//! Procedures of master that run when the server starts: those that `sp_procoption` has marked.
//!
//! Invariants
//! 1. Each runs in a session of `sa` of its own, beside the others and beside clients, once.
//! 2. What it answers goes nowhere; its errors go to the server's log.
//!
//! Evidence: the documentation of sp_procoption; that the mark is bit 2 of an object's status is assumed.

use std::sync::Arc;

use holdfast_engine::instance::MASTER;
use holdfast_types::SqlResult;

use super::instance_session::InstanceSessions;
use crate::collect::Collected;
use crate::host::Host;
use crate::session::{LoginInfo, SqlSession};
use crate::system_view::ViewSource;

/// Bit of a procedure's status.
pub const STARTUP: i64 = 2;

/// Names of the marked procedures, ready for a statement.
///
/// # Errors
/// When master's catalogue cannot be read.
pub fn startup_procedures(host: &Arc<Host>) -> SqlResult<Vec<String>> {
    let Some(master) = host.database_by_id(MASTER) else { return Ok(Vec::new()) };
    let model = master.model()?;
    let quoted = |name: &str| format!("[{}]", name.replace(']', "]]"));
    let marked = model.of_kind(&["P"]).filter(|o| !o.system && o.status & STARTUP as i32 != 0);
    Ok(marked.map(|o| format!("{}.{}", quoted(&model.schema_name(o.schema_id)), quoted(&o.name))).collect())
}

impl InstanceSessions {
    /// Runs one of them and answers its errors.
    pub fn run_startup_procedure(&self, name: &str) -> Vec<String> {
        let login = LoginInfo {
            login: "sa".into(),
            database: "master".into(),
            application: "startup".into(),
            ..LoginInfo::default()
        };
        let mut session = match self.open_session(login) {
            Ok(session) => session,
            Err(e) => return vec![e.to_string()],
        };
        let mut sink = Collected::new();
        session.execute_batch(&format!("EXECUTE {name}"), &mut sink);
        sink.errors().iter().map(ToString::to_string).collect()
    }
}
