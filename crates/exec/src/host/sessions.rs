//! Who is connected: the rows of the session DMVs.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_types::DateTime;
use parking_lot::Mutex;

use crate::session::{CancelFlag, LoginInfo};
use crate::system_view::SessionRow;

/// First id of a user session, as in SQL Server.
const FIRST_USER_SESSION: u16 = 51;

/// State that a session keeps up for others to see.
#[derive(Clone, Debug)]
pub struct SessionState {
    pub login: LoginInfo,
    pub login_time: DateTime,
    pub database_id: i32,
    pub running: bool,
    pub text: Arc<str>,
    pub command: Arc<str>,
    pub open_transactions: i32,
    /// 1 read uncommitted … 5 snapshot.
    pub isolation: i16,
    pub percent_complete: f32,
    pub cancel: CancelFlag,
}

/// All sessions by id.
#[derive(Default)]
pub struct SessionRegistry {
    sessions: Mutex<BTreeMap<u16, SessionState>>,
}

impl SessionRegistry {
    /// Enters a session under the lowest free id from 51; `None` when all are taken.
    pub fn enter(&self, state: SessionState) -> Option<u16> {
        let mut sessions = self.sessions.lock();
        let id = (FIRST_USER_SESSION..=32_767).find(|i| !sessions.contains_key(i))?;
        sessions.insert(id, state);
        Some(id)
    }

    pub fn leave(&self, id: u16) {
        self.sessions.lock().remove(&id);
    }

    /// Changes what others see of a session.
    pub fn update(&self, id: u16, change: impl FnOnce(&mut SessionState)) {
        if let Some(state) = self.sessions.lock().get_mut(&id) {
            change(state);
        }
    }

    /// Whether any session but `except` is in the database.
    pub fn uses_database(&self, database_id: i32, except: u16) -> bool {
        self.sessions.lock().iter().any(|(id, s)| *id != except && s.database_id == database_id)
    }

    /// Cancels a session's request (KILL). `false` when there is no such session.
    pub fn kill(&self, id: u16) -> bool {
        match self.sessions.lock().get(&id) {
            Some(state) => {
                state.cancel.cancel();
                true
            }
            None => false,
        }
    }

    /// Text of a session's batch.
    pub fn text(&self, id: u16) -> Option<Arc<str>> {
        self.sessions.lock().get(&id).map(|s| Arc::clone(&s.text))
    }

    pub fn rows(&self) -> Vec<SessionRow> {
        self.sessions
            .lock()
            .iter()
            .map(|(id, s)| SessionRow {
                session_id: *id as i16,
                login_time: s.login_time,
                login: s.login.login.as_str().into(),
                host: s.login.host_name.as_str().into(),
                program: s.login.application.as_str().into(),
                client_interface: s.login.client_interface.as_str().into(),
                host_process_id: s.login.client_process_id as i32,
                client_address: s.login.client_address.as_str().into(),
                database_id: s.database_id,
                running: s.running,
                text: Arc::clone(&s.text),
                command: Arc::clone(&s.command),
                open_transactions: s.open_transactions,
                isolation: s.isolation,
                encrypted: s.login.encrypted,
                percent_complete: s.percent_complete,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> SessionState {
        SessionState {
            login: LoginInfo::default(),
            login_time: DateTime::default(),
            database_id: 1,
            running: false,
            text: "".into(),
            command: "".into(),
            open_transactions: 0,
            isolation: 2,
            percent_complete: 0.0,
            cancel: CancelFlag::new(),
        }
    }

    #[test]
    fn ids_start_at_51_and_are_reused() {
        let registry = SessionRegistry::default();
        assert_eq!(registry.enter(state()), Some(51));
        assert_eq!(registry.enter(state()), Some(52));
        registry.leave(51);
        assert_eq!(registry.enter(state()), Some(51));
        registry.update(52, |s| s.database_id = 7);
        assert!(registry.uses_database(7, 51));
        assert!(!registry.uses_database(7, 52));
        assert!(registry.kill(52));
        assert!(!registry.kill(99));
    }
}
