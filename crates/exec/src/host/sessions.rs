//! Who is connected: the rows of the session DMVs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use holdfast_tsql::ast::IsolationLevel;
use holdfast_types::DateTime;
use parking_lot::Mutex;

use crate::procedure::SharedSession;
use crate::session::{CancelFlag, LoginInfo};
use crate::system_view::{ServerCounts, SessionRow, TransactionRow};

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
    pub percent_complete: f32,
    pub cancel: CancelFlag,
}

/// All sessions by id.
#[derive(Default)]
pub struct SessionRegistry {
    sessions: Mutex<BTreeMap<u16, SessionState>>,
    /// The sessions themselves, for what they alone know.
    live: Mutex<BTreeMap<u16, Weak<SharedSession>>>,
    logins: AtomicI64,
    requests: AtomicI64,
}

impl SessionRegistry {
    /// Enters a session under the lowest free id from 51; `None` when all are taken, or as many are there as may be (0: as fit).
    pub fn enter(&self, limit: i32, state: SessionState) -> Option<u16> {
        let mut sessions = self.sessions.lock();
        if usize::try_from(limit).is_ok_and(|limit| limit > 0 && sessions.len() >= limit) {
            return None;
        }
        let id = (FIRST_USER_SESSION..=32_767).find(|i| !sessions.contains_key(i))?;
        sessions.insert(id, state);
        self.logins.fetch_add(1, Ordering::Relaxed);
        Some(id)
    }

    /// A request has come.
    pub fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub fn counts(&self) -> ServerCounts {
        let now = |n: &AtomicI64| n.load(Ordering::Relaxed);
        ServerCounts { logins: now(&self.logins), requests: now(&self.requests) }
    }

    /// Makes the session behind an id known.
    pub fn attach(&self, id: u16, session: &Arc<SharedSession>) {
        self.live.lock().insert(id, Arc::downgrade(session));
    }

    /// Whether anybody is connected as a login.
    pub fn uses_login(&self, login: &str) -> bool {
        self.sessions
            .lock()
            .values()
            .any(|s| holdfast_types::NameOrder::instance().same(&s.login.login, login))
    }

    /// A session by id.
    pub fn find(&self, id: u16) -> Option<Arc<SharedSession>> {
        self.live.lock().get(&id).and_then(Weak::upgrade)
    }

    pub fn leave(&self, id: u16) {
        self.live.lock().remove(&id);
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

    /// The sessions in a database but `except`.
    pub fn in_database(&self, database_id: i32, except: u16) -> Vec<u16> {
        let sessions = self.sessions.lock();
        sessions
            .iter()
            .filter(|(id, s)| **id != except && s.database_id == database_id)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Whether there is a session of that id.
    pub fn contains(&self, id: u16) -> bool {
        self.sessions.lock().contains_key(&id)
    }

    /// Ends a session (KILL): its request if one runs, its transaction, and its connection. `false` when there is no such session.
    pub fn kill(&self, id: u16) -> bool {
        let live = self.live.lock().get(&id).and_then(Weak::upgrade);
        if let Some(session) = &live {
            session.kill();
        }
        // A request says that it runs before it looks whether it was killed; so one of both sees the other.
        let running = {
            let sessions = self.sessions.lock();
            let Some(state) = sessions.get(&id) else { return false };
            state.cancel.cancel();
            state.running
        };
        if let Some(session) = live {
            if !running {
                session.abandon_transaction();
            }
            session.end_connection(running);
        }
        true
    }

    /// Text of a session's batch.
    pub fn text(&self, id: u16) -> Option<Arc<str>> {
        self.sessions.lock().get(&id).map(|s| Arc::clone(&s.text))
    }

    /// All sessions as they are at `now`.
    pub fn rows(&self, now: DateTime) -> Vec<SessionRow> {
        let mut rows = self.entries();
        let live = self.live.lock().clone();
        for row in &mut rows {
            let session = live.get(&(row.session_id as u16)).and_then(Weak::upgrade);
            let Some(session) = session else { continue };
            let state = session.state.lock();
            row.lock_timeout = state.settings.lock_timeout_ms;
            row.isolation = isolation_number(state.isolation);
            row.deadlock_priority = i32::from(state.deadlock_priority);
            row.open_transactions = state.transaction.count;
            row.transaction = state.transaction.open.as_ref().map(|open| TransactionRow {
                id: open.owner().0 as i64,
                name: state.transaction.name.as_deref().unwrap_or("user_transaction").into(),
                started: earlier(now, open.started().elapsed()),
                descriptor: state.transaction.descriptor,
            });
        }
        rows
    }

    fn entries(&self) -> Vec<SessionRow> {
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
                local_address: s.login.local_address,
                database_id: s.database_id,
                running: s.running,
                text: Arc::clone(&s.text),
                command: Arc::clone(&s.command),
                open_transactions: s.open_transactions,
                isolation: 2,
                encrypted: s.login.encrypted,
                percent_complete: s.percent_complete,
                transaction: None,
                lock_timeout: -1,
                deadlock_priority: 0,
            })
            .collect()
    }
}

/// As sys.dm_exec_sessions shows it.
fn isolation_number(level: IsolationLevel) -> i16 {
    match level {
        IsolationLevel::ReadUncommitted => 1,
        IsolationLevel::ReadCommitted => 2,
        IsolationLevel::RepeatableRead => 3,
        IsolationLevel::Serializable => 4,
        IsolationLevel::Snapshot => 5,
    }
}

/// A moment before another.
fn earlier(now: DateTime, by: std::time::Duration) -> DateTime {
    let ticks = i64::try_from(by.as_nanos() / 100).unwrap_or(i64::MAX);
    let then = now.to_datetime2().and_then(|n| n.add_ticks(-ticks)).and_then(DateTime::from_datetime2);
    then.unwrap_or(now)
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
            percent_complete: 0.0,
            cancel: CancelFlag::new(),
        }
    }

    #[test]
    fn ids_start_at_51_and_are_reused() {
        let registry = SessionRegistry::default();
        assert_eq!(registry.enter(0, state()), Some(51));
        assert_eq!(registry.enter(0, state()), Some(52));
        registry.leave(51);
        assert_eq!(registry.enter(0, state()), Some(51));
        assert_eq!(registry.enter(2, state()), None);
        registry.update(52, |s| s.database_id = 7);
        assert!(registry.uses_database(7, 51));
        assert!(!registry.uses_database(7, 52));
        assert!(registry.kill(52));
        assert!(!registry.kill(99));
    }
}
