//! Sinks between the session and the connection.

use holdfast_exec::session::{
    Done, DoneKind, EnvironmentChange, Origins, ResultColumn, ResultSink, SinkClosed, SinkResult,
};
use holdfast_types::{Batch, SqlError, SqlType, Value};

/// Passes everything on, but holds back the DONEPROC that ends the call.
pub struct Forward<'a> {
    to: &'a mut dyn ResultSink,
    held: Option<Done>,
    status_seen: bool,
    /// Place in the client's request of the first parameter of the call behind it.
    first: u16,
    /// Sent in the place of the first ones.
    origins: Option<Origins>,
}

impl<'a> Forward<'a> {
    pub fn new(to: &'a mut dyn ResultSink) -> Self {
        Self::from_place(to, 0)
    }

    /// Of a call whose parameters begin at `first` in the client's request.
    pub fn from_place(to: &'a mut dyn ResultSink, first: u16) -> Self {
        Forward { to, held: None, status_seen: false, first, origins: None }
    }

    /// Tells more of where the columns come from than the call does.
    pub fn with_origins(self, origins: Origins) -> Self {
        Forward { origins: Some(origins), ..self }
    }

    /// The call has ended with an error.
    pub fn failed(&self) -> bool {
        self.held.is_some_and(|d| d.error)
    }

    fn release(&mut self) -> SinkResult {
        match self.held.take() {
            Some(d) => self.to.done(Done { kind: DoneKind::InProc, ..d }),
            None => Ok(()),
        }
    }

    /// The end of the call; `outputs` writes further output parameters before it.
    pub fn finish(mut self, outputs: impl FnOnce(&mut dyn ResultSink) -> SinkResult) -> SinkResult {
        let last = self.held.take().filter(|d| d.kind == DoneKind::Proc).unwrap_or(Done {
            kind: DoneKind::Proc,
            rows: None,
            error: false,
            command: 0xE0,
        });
        if !self.status_seen {
            self.to.return_status(0)?;
        }
        outputs(self.to)?;
        self.to.done(last)
    }
}

impl ResultSink for Forward<'_> {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        self.release()?;
        self.to.columns(columns)
    }
    fn changeable_columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        self.release()?;
        self.to.changeable_columns(columns)
    }
    fn origins(&mut self, origins: &Origins) -> SinkResult {
        match self.origins.take() {
            Some(own) => self.to.origins(&own),
            None => self.to.origins(origins),
        }
    }
    fn rows(&mut self, batch: &Batch) -> SinkResult {
        self.to.rows(batch)
    }
    fn done(&mut self, done: Done) -> SinkResult {
        self.release()?;
        if done.kind == DoneKind::Proc {
            self.held = Some(done);
            return Ok(());
        }
        self.to.done(done)
    }
    fn message(&mut self, message: &SqlError) -> SinkResult {
        self.release()?;
        self.to.message(message)
    }
    fn environment(&mut self, change: EnvironmentChange) -> SinkResult {
        self.release()?;
        self.to.environment(change)
    }
    fn return_status(&mut self, status: i32) -> SinkResult {
        self.release()?;
        self.status_seen = true;
        self.to.return_status(status)
    }
    fn return_value(&mut self, ordinal: u16, name: &str, ty: &SqlType, value: &Value) -> SinkResult {
        self.release()?;
        self.to.return_value(self.first.saturating_add(ordinal), name, ty, value)
    }
    fn flush(&mut self) -> SinkResult {
        self.to.flush()
    }
}

/// Passes on what a statement says, and nothing of what it answers.
pub struct Quiet<'a> {
    to: &'a mut dyn ResultSink,
    pub failed: bool,
}

impl<'a> Quiet<'a> {
    pub fn new(to: &'a mut dyn ResultSink) -> Self {
        Quiet { to, failed: false }
    }
}

impl ResultSink for Quiet<'_> {
    fn columns(&mut self, _: &[ResultColumn]) -> SinkResult {
        Ok(())
    }
    fn rows(&mut self, _: &Batch) -> SinkResult {
        Ok(())
    }
    fn done(&mut self, done: Done) -> SinkResult {
        self.failed |= done.error;
        Ok(())
    }
    fn message(&mut self, message: &SqlError) -> SinkResult {
        self.failed |= message.severity > 10;
        self.to.message(message)
    }
    fn environment(&mut self, change: EnvironmentChange) -> SinkResult {
        self.to.environment(change)
    }
    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> SinkResult {
        self.to.flush()
    }
}

/// Keeps the first result set and passes messages on.
pub struct Capture<'a> {
    to: &'a mut dyn ResultSink,
    pub columns: Option<Vec<ResultColumn>>,
    pub batches: Vec<Batch>,
    /// The first result set has ended.
    complete: bool,
    pub failed: bool,
    memory: usize,
}

/// Bytes a materialised cursor may take.
const MEMORY_MAX: usize = 512 << 20;

impl<'a> Capture<'a> {
    pub fn new(to: &'a mut dyn ResultSink) -> Self {
        Capture { to, columns: None, batches: Vec::new(), complete: false, failed: false, memory: 0 }
    }
}

impl ResultSink for Capture<'_> {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        if self.columns.is_none() {
            self.columns = Some(columns.to_vec());
        } else {
            self.complete = true;
        }
        Ok(())
    }
    fn rows(&mut self, batch: &Batch) -> SinkResult {
        if self.complete {
            return Ok(());
        }
        self.memory = self.memory.saturating_add(batch.memory());
        if self.memory > MEMORY_MAX {
            self.failed = true;
            let e = SqlError::not_supported("A server cursor over more than 512 MB of rows");
            self.to.message(&e)?;
            return Err(SinkClosed);
        }
        self.batches.push(batch.clone());
        Ok(())
    }
    fn done(&mut self, done: Done) -> SinkResult {
        self.failed |= done.error;
        Ok(())
    }
    fn message(&mut self, message: &SqlError) -> SinkResult {
        self.failed |= message.severity > 10;
        self.to.message(message)
    }
    fn environment(&mut self, change: EnvironmentChange) -> SinkResult {
        self.to.environment(change)
    }
    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> SinkResult {
        self.to.flush()
    }
}
