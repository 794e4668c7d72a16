//! Answers of the executor as tokens, packets and chunks for the socket.
//!
//! Invariants
//! 1. A DONE is held back until it is known whether something follows, so its "more" bit is right without patching.
//! 2. Whole packets are delivered in chunks of about [`CHUNK`] bytes; delivering waits while the client does not read.
//! 3. A short answer is not delivered piece by piece; its bytes come back with the finished request.

use std::sync::Arc;

use holdfast_base::ByteWriter;
use holdfast_exec::session::{
    self as exec_session, CancelFlag, Done, DoneKind, EnvironmentChange, Origins, RequestEnd, ResultColumn,
    ResultSink, SinkClosed, SinkResult,
};
use holdfast_tds::TdsVersion;
use holdfast_tds::collation;
use holdfast_tds::packet::{MessageWriter, PacketType};
use holdfast_tds::token::{
    self, ColumnMeta, ColumnOrigin, DoneToken, Environment, ReturnValue, ServerMessage, column_flags,
    done_status, write_column_origins, write_columns, write_done, write_environment, write_message,
    write_return_status, write_return_value, write_table_names,
};
use holdfast_tds::type_info::{TypeInfo, UdtName};
use holdfast_tds::value::RowEncoder;
use holdfast_types::{Batch, CollationId, SqlError, SqlType, TypeId, Value};

/// Bytes after which packets are handed to the connection.
pub const CHUNK: usize = 64 * 1024;
/// Rows encoded between looks at the buffer.
const ROWS_PER_STEP: usize = 64;

/// What tokens depend on, for the life of a connection.
#[derive(Clone)]
pub struct Wire {
    pub version: TdsVersion,
    pub packet_size: usize,
    pub spid: u16,
    pub server_name: Arc<str>,
}

/// Sends a chunk to the client and waits until it is on its way.
pub type Deliver<'a> = &'a mut (dyn FnMut(&[u8]) -> SinkResult + Send);

pub struct TdsSink<'a> {
    wire: Wire,
    writer: MessageWriter,
    /// Packets not handed over yet.
    out: Vec<u8>,
    deliver: Deliver<'a>,
    cancel: CancelFlag,
    rows: Option<RowEncoder>,
    held: Option<DoneToken>,
    collation: CollationId,
    saw_return_status: bool,
    closed: bool,
    /// An error of severity 20 or more was sent.
    fatal: bool,
}

impl<'a> TdsSink<'a> {
    pub fn new(wire: Wire, deliver: Deliver<'a>, cancel: CancelFlag) -> Self {
        let writer = MessageWriter::new(PacketType::Tabular, wire.packet_size, wire.spid);
        TdsSink {
            wire,
            writer,
            out: Vec::new(),
            deliver,
            cancel,
            rows: None,
            held: None,
            collation: CollationId::SERVER_DEFAULT,
            saw_return_status: false,
            closed: false,
            fatal: false,
        }
    }

    /// The buffer, after the held DONE went out with its "more" bit.
    fn buffer(&mut self) -> &mut ByteWriter {
        if let Some(mut d) = self.held.take() {
            d.status |= done_status::MORE;
            write_done(&mut self.writer.payload, &d, self.wire.version);
        }
        &mut self.writer.payload
    }

    /// Writes a token outside the executor's calls (login tokens, acknowledgements).
    pub fn token(&mut self, write: impl FnOnce(&mut ByteWriter, TdsVersion)) {
        let version = self.wire.version;
        write(self.buffer(), version);
    }

    fn hand_over(&mut self, force: bool) -> SinkResult {
        if self.closed {
            return Err(SinkClosed);
        }
        if self.writer.payload.len() >= CHUNK / 2 {
            self.writer.take_full(&mut self.out);
        }
        if self.out.len() >= CHUNK || force && !self.out.is_empty() {
            let sent = (self.deliver)(&self.out);
            self.out.clear();
            if sent.is_err() {
                self.closed = true;
                return Err(SinkClosed);
            }
        }
        Ok(())
    }

    /// Before each procedure call of a request.
    pub fn start_rpc(&mut self) {
        self.saw_return_status = false;
    }

    /// After each procedure call: a call always ends with its status and DONEPROC.
    pub fn end_rpc(&mut self) {
        if self.held.is_some_and(|d| d.token == token::code::DONE_PROC) {
            return;
        }
        let failed = self.held.is_some_and(|d| d.status & done_status::ERROR != 0);
        if let Some(d) = &mut self.held
            && d.token == token::code::DONE
        {
            d.token = token::code::DONE_IN_PROC;
        }
        if !self.saw_return_status && !failed {
            write_return_status(self.buffer(), 0);
        }
        self.buffer();
        let status = if failed { done_status::ERROR } else { 0 };
        self.held = Some(DoneToken { token: token::code::DONE_PROC, status, command: 0xE0, rows: 0 });
    }

    /// Ends the answer; what was not handed over comes back.
    pub fn finish(mut self, end: RequestEnd) -> (Vec<u8>, bool) {
        if self.cancel.is_cancelled() {
            // What was promised as "more" will not come.
            self.held =
                Some(DoneToken { token: token::code::DONE, status: done_status::ERROR, command: 0, rows: 0 });
        }
        let last = self.held.take().unwrap_or(DoneToken {
            token: token::code::DONE,
            status: 0,
            command: 0,
            rows: 0,
        });
        write_done(&mut self.writer.payload, &last, self.wire.version);
        self.writer.finish(&mut self.out);
        let disconnect = self.fatal || self.closed || end == RequestEnd::Disconnect;
        (self.out, disconnect)
    }

    pub fn is_fatal(&self) -> bool {
        self.fatal
    }
}

/// The acknowledgement of an attention, as a message of its own.
pub fn attention_answer(wire: &Wire) -> Vec<u8> {
    let mut w = MessageWriter::new(PacketType::Tabular, wire.packet_size, wire.spid);
    let done = DoneToken { token: token::code::DONE, status: done_status::ATTENTION, command: 0, rows: 0 };
    write_done(&mut w.payload, &done, wire.version);
    let mut out = Vec::new();
    w.finish(&mut out);
    out
}

/// Metadata of a result column.
pub fn column_meta(c: &ResultColumn, version: TdsVersion) -> ColumnMeta {
    let mut info = TypeInfo::for_column(&c.ty, c.nullable, version);
    if c.ty.id == TypeId::Clr
        && let Some(name) = &c.user_type
    {
        info.udt = Some(Arc::new(UdtName {
            database: c.source.as_ref().map_or_else(String::new, |s| s.database.to_string()),
            schema: "dbo".into(),
            name: name.to_string(),
            assembly: String::new(),
        }));
    }
    let mut flags = 0;
    if c.nullable {
        flags |= column_flags::NULLABLE;
    }
    if c.computed {
        flags |= column_flags::COMPUTED;
    } else if c.updatable {
        flags |= column_flags::UPDATABLE_UNKNOWN;
    }
    if c.identity {
        flags |= column_flags::IDENTITY;
    }
    let table = match (&c.source, info.is_long()) {
        (Some(s), true) => vec![s.schema.to_string(), s.table.to_string()],
        _ => Vec::new(),
    };
    ColumnMeta { name: c.name.to_string(), info, flags, user_type: token::columns::user_type(c.ty.id), table }
}

fn protocol_error(e: &holdfast_tds::TdsError) -> SqlError {
    SqlError::with_text(8624, 16, format!("Internal error: a result cannot be sent: {e}"))
}

impl TdsSink<'_> {
    fn begin_rows(&mut self, meta: Vec<ColumnMeta>) -> SinkResult {
        let version = self.wire.version;
        write_columns(self.buffer(), &meta, version);
        self.rows = Some(RowEncoder::new(meta.into_iter().map(|m| m.info).collect(), version));
        self.hand_over(false)
    }
}

impl ResultSink for TdsSink<'_> {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        let version = self.wire.version;
        self.begin_rows(columns.iter().map(|c| column_meta(c, version)).collect())
    }

    fn changeable_columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        let version = self.wire.version;
        let mut meta: Vec<ColumnMeta> = columns.iter().map(|c| column_meta(c, version)).collect();
        // Microsoft's ODBC driver changes no column of which this is not certain.
        for m in meta.iter_mut().filter(|m| m.flags & column_flags::UPDATABLE_UNKNOWN != 0) {
            m.flags ^= column_flags::UPDATABLE_UNKNOWN | column_flags::UPDATABLE;
        }
        self.begin_rows(meta)
    }

    fn origins(&mut self, origins: &Origins) -> SinkResult {
        let tables: Vec<Vec<String>> =
            origins.tables.iter().map(|parts| parts.iter().map(|p| p.to_string()).collect()).collect();
        let one = |(n, c): (usize, &exec_session::ColumnOrigin)| {
            let status = if c.table == 0 { 4 } else { 0 }
                | if c.key { 8 } else { 0 }
                | if c.hidden { 0x10 } else { 0 }
                | if c.base_name.is_some() { 0x20 } else { 0 };
            // Both are one byte: what does not fit is told of as computed.
            let told = u8::try_from(c.table).ok();
            ColumnOrigin {
                column: (n + 1) as u8,
                table: told.unwrap_or(0),
                status: if told.is_some() { status } else { 4 },
                base_name: c.base_name.as_deref().unwrap_or("").to_owned(),
            }
        };
        let columns: Vec<ColumnOrigin> = origins.columns.iter().take(255).enumerate().map(one).collect();
        // A fetch tells of the columns only: the tables are those of the open.
        if !tables.is_empty() || origins.columns.iter().all(|c| c.table == 0) {
            write_table_names(self.buffer(), &tables);
        }
        write_column_origins(self.buffer(), &columns);
        self.hand_over(false)
    }

    fn rows(&mut self, batch: &Batch) -> SinkResult {
        let Some(mut encoder) = self.rows.take() else { return Ok(()) };
        let mut start = 0;
        while start < batch.len {
            if self.cancel.is_cancelled() {
                return Err(SinkClosed);
            }
            let end = (start + ROWS_PER_STEP).min(batch.len);
            let at = self.buffer().len();
            if let Err(e) = encoder.encode_range(batch, start, end, &mut self.writer.payload) {
                // Half a row must not go out.
                self.writer.payload.buf.truncate(at);
                self.message(&protocol_error(&e))?;
                return Err(SinkClosed);
            }
            start = end;
            self.hand_over(false)?;
        }
        self.rows = Some(encoder);
        Ok(())
    }

    fn done(&mut self, done: Done) -> SinkResult {
        self.buffer();
        let token = match done.kind {
            DoneKind::Done => token::code::DONE,
            DoneKind::InProc => token::code::DONE_IN_PROC,
            DoneKind::Proc => token::code::DONE_PROC,
        };
        let mut status = 0;
        if done.rows.is_some() {
            status |= done_status::COUNT;
        }
        if done.error {
            status |= done_status::ERROR;
        }
        self.held = Some(DoneToken { token, status, command: done.command, rows: done.rows.unwrap_or(0) });
        self.rows = None;
        self.hand_over(false)
    }

    fn message(&mut self, message: &SqlError) -> SinkResult {
        let m = ServerMessage {
            number: message.number,
            state: message.state,
            // Clients of SQL Server never see class 10: it is told as 0, and some treat anything above as an error.
            class: if message.severity == 10 { 0 } else { message.severity },
            text: message.message.clone(),
            server: self.wire.server_name.to_string(),
            procedure: message.procedure.clone(),
            line: message.line,
        };
        self.fatal |= message.severity >= 20;
        let version = self.wire.version;
        write_message(self.buffer(), &m, version);
        self.hand_over(false)
    }

    fn environment(&mut self, change: EnvironmentChange) -> SinkResult {
        let e = match change {
            EnvironmentChange::Database { new, old } => {
                Environment::Database { new: new.to_string(), old: old.to_string() }
            }
            EnvironmentChange::Language { new, old } => {
                Environment::Language { new: new.to_string(), old: old.to_string() }
            }
            EnvironmentChange::Collation(c) => {
                let old = std::mem::replace(&mut self.collation, c);
                Environment::Collation {
                    new: Some(collation::to_wire(c)),
                    old: Some(collation::to_wire(old)),
                }
            }
            EnvironmentChange::BeginTransaction(d) => Environment::BeginTransaction(d),
            EnvironmentChange::CommitTransaction(d) => Environment::CommitTransaction(d),
            EnvironmentChange::RollbackTransaction(d) => Environment::RollbackTransaction(d),
        };
        write_environment(self.buffer(), &e);
        Ok(())
    }

    fn return_status(&mut self, status: i32) -> SinkResult {
        self.saw_return_status = true;
        write_return_status(self.buffer(), status);
        Ok(())
    }

    fn return_value(&mut self, ordinal: u16, name: &str, ty: &SqlType, value: &Value) -> SinkResult {
        let version = self.wire.version;
        let v = ReturnValue {
            ordinal,
            name: name.to_owned(),
            status: 1,
            user_type: 0,
            flags: column_flags::NULLABLE,
            info: TypeInfo::for_column(ty, true, version),
            value: value.clone(),
        };
        let at = self.buffer().len();
        if let Err(e) = write_return_value(&mut self.writer.payload, &v, version) {
            self.writer.payload.buf.truncate(at);
            self.message(&protocol_error(&e))?;
        }
        self.hand_over(false)
    }

    fn flush(&mut self) -> SinkResult {
        self.buffer();
        self.writer.flush(&mut self.out);
        self.hand_over(true)
    }
}

/// Columns of a table-valued parameter as the executor sees them.
pub fn sent_columns(columns: &[holdfast_tds::token::ColumnMeta]) -> Vec<ResultColumn> {
    columns
        .iter()
        .map(|c| ResultColumn {
            name: Arc::from(c.name.as_str()),
            ty: c.info.ty,
            nullable: true,
            identity: false,
            computed: false,
            updatable: false,
            user_type: None,
            source: None,
        })
        .collect()
}

/// Columns of a table-valued parameter.
pub fn tvp_columns(table: &holdfast_tds::request::TableValue) -> Vec<ResultColumn> {
    table
        .columns
        .iter()
        .map(|c| ResultColumn {
            name: Arc::from(c.name.as_str()),
            ty: c.info.ty,
            nullable: c.flags & column_flags::NULLABLE != 0,
            identity: c.flags & column_flags::IDENTITY != 0,
            computed: c.is_default() || c.flags & column_flags::COMPUTED != 0,
            updatable: false,
            user_type: None,
            source: None,
        })
        .collect()
}
