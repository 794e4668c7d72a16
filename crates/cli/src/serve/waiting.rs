//! Sessions that accept logins and answer every statement with "not supported yet", until the statement runner is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use holdfast_exec::host::Host;
use holdfast_exec::session::{
    CancelFlag, Done, DoneKind, LoginInfo, RequestEnd, ResultColumn, ResultSink, RpcRequest, SessionFactory,
    SqlSession, TransactionRequest,
};
use holdfast_types::{CollationId, SqlError};

pub struct Factory {
    host: Arc<Host>,
    last: AtomicU16,
}

impl Factory {
    pub fn new(host: Arc<Host>) -> Self {
        Factory { host, last: AtomicU16::new(50) }
    }
}

impl SessionFactory for Factory {
    fn open(&self, login: LoginInfo, _: &mut dyn ResultSink) -> Result<Box<dyn SqlSession>, SqlError> {
        let database = if login.database.is_empty() { "master" } else { &login.database };
        let found = self.host.instance.find(database).ok_or_else(|| SqlError::new(4060, &[&database]))?;
        found.online().map_err(|_| SqlError::new(4060, &[&database]))?;
        let id = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        Ok(Box::new(Session { id, database: Arc::clone(&found.name), cancel: CancelFlag::new() }))
    }
    fn server_name(&self) -> Arc<str> {
        Arc::from(self.host.instance.options.server_name.as_str())
    }
    fn product_version(&self) -> (u8, u8, u16) {
        let (major, minor, build, _) = self.host.instance.options.product_version;
        (major, minor, build)
    }
    fn default_collation(&self) -> CollationId {
        self.host.instance.options.collation
    }
}

struct Session {
    id: u16,
    database: Arc<str>,
    cancel: CancelFlag,
}

fn refuse(sink: &mut dyn ResultSink) -> RequestEnd {
    let told = sink
        .message(&SqlError::not_supported("Running statements").at_line(1))
        .and_then(|()| sink.done(Done { kind: DoneKind::Done, rows: None, error: true, command: 0 }));
    if told.is_ok() { RequestEnd::Finished } else { RequestEnd::Disconnect }
}

impl SqlSession for Session {
    fn execute_batch(&mut self, _: &str, sink: &mut dyn ResultSink) -> RequestEnd {
        refuse(sink)
    }
    fn execute_rpc(&mut self, _: &RpcRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        refuse(sink)
    }
    fn transaction(&mut self, _: &TransactionRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        refuse(sink)
    }
    fn reset(&mut self, _: bool) {}
    fn cancel_flag(&self) -> CancelFlag {
        self.cancel.clone()
    }
    fn database(&self) -> Arc<str> {
        Arc::clone(&self.database)
    }
    fn session_id(&self) -> u16 {
        self.id
    }
    fn describe(&mut self, _: &str) -> Result<Vec<ResultColumn>, SqlError> {
        Err(SqlError::not_supported("Running statements"))
    }
}
