//! The loop after login: one request at a time, on a thread that waits for it, runs it and writes its answer.
//!
//! Invariants
//! 1. Requests are answered in the order in which they came; an attention is always answered by a DONE with the attention
//!    bit, as a message after the interrupted answer.
//! 2. When the client goes away, or the server stops, the running request is cancelled and waited for; what is queued behind
//!    it is dropped.
//! 3. No switch of threads lies between a request's bytes and its answer's. A client that is silent for a while gives its
//!    thread back ([`Turn::Idle`]), sooner when threads are short.

use std::sync::Arc;
use std::time::Duration;

use holdfast_exec::session::{
    Done, DoneKind, RequestEnd, ResultSink, RpcParameter, RpcRequest, RpcValue, SinkClosed, SqlSession,
    TransactionRequest,
};
use holdfast_tds::TdsError;
use holdfast_tds::packet::{Message, PacketType, status};
use holdfast_tds::request::{self, Rpc, RpcProcedure, SqlBatch, TransactionManagerRequest, rpc};
use holdfast_tds::token::{Environment, write_environment};
use holdfast_types::SqlError;

use super::error::ConnectionError;
use super::login::LoggedIn;
use super::sink::{TdsSink, attention_answer, sent_columns, tvp_columns};
use super::transport::{Received, Transport};
use super::watch::Watched;

/// How long a thread waits for a silent client.
const IDLE: Duration = Duration::from_secs(1);
/// The same when half of the threads are taken.
const IDLE_SHORT: Duration = Duration::from_millis(5);

/// A connection after its login.
pub struct Requests {
    connection: LoggedIn,
    watched: Watched,
    /// Attentions answered.
    acknowledged: u64,
    /// What is read goes through here.
    buffer: Vec<u8>,
}

/// Why a thread is free again.
pub enum Turn {
    /// The client is silent: another thread goes on when it speaks.
    Idle(Requests),
    /// The connection is over.
    Ended(Result<(), ConnectionError>),
}

impl Requests {
    pub fn new(connection: LoggedIn) -> Self {
        let watched = connection.shared.watch.add(&connection.transport);
        connection.transport.set_cancel(connection.cancel.clone());
        let transport = Arc::downgrade(&connection.transport);
        connection.session.on_kill(Box::new(move |running| match transport.upgrade() {
            Some(transport) if running => transport.cut_soon(),
            Some(transport) => transport.stop(),
            None => {}
        }));
        Requests { connection, watched, acknowledged: 0, buffer: Vec::new() }
    }

    pub fn transport(&self) -> &Arc<Transport> {
        &self.connection.transport
    }

    /// Serves requests until the client is silent or gone. Blocks.
    pub fn run(mut self) -> Turn {
        let shared = &self.connection.shared;
        let short = shared.threads.available_permits() < shared.config.requests_max.div_ceil(2);
        let idle = if short { IDLE_SHORT } else { IDLE };
        match self.serve(idle) {
            Ok(true) => Turn::Idle(self),
            end => {
                let transport = Arc::clone(&self.connection.transport);
                // Dropping a session may roll back work.
                drop(self);
                transport.shutdown();
                Turn::Ended(end.map(|_| ()))
            }
        }
    }

    /// True: the client is silent.
    fn serve(&mut self, idle: Duration) -> Result<bool, ConnectionError> {
        let LoggedIn { transport, session, cancel, wire, .. } = &mut self.connection;
        loop {
            let message = match transport.receive(idle, &mut self.buffer)? {
                Received::Message(m) => m,
                Received::Idle => return Ok(true),
                Received::Closed => return Ok(false),
            };
            if message.ty == PacketType::Attention {
                self.acknowledged += 1;
                transport.write(&attention_answer(wire))?;
                continue;
            }
            let (rest, disconnect) = {
                let _running = self.watched.request();
                transport.start_request(self.acknowledged);
                let mut deliver = |bytes: &[u8]| {
                    transport.write(bytes).map_err(|e| {
                        tracing::debug!(error = %e, "client gone while sending");
                        SinkClosed
                    })
                };
                let sink = TdsSink::new(wire.clone(), &mut deliver, cancel.clone());
                let done = execute(session.as_mut(), &message, sink, wire.version);
                transport.end_request();
                done
            };
            transport.write(&rest)?;
            if disconnect {
                return Ok(false);
            }
        }
    }
}

/// Decodes a request and runs it; gives the end of the answer, and whether the connection must end.
fn execute(
    session: &mut dyn SqlSession,
    message: &Message,
    mut sink: TdsSink<'_>,
    version: holdfast_tds::TdsVersion,
) -> (Vec<u8>, bool) {
    if message.reset & (status::RESET_CONNECTION | status::RESET_KEEP_TRANSACTION) != 0 {
        session.reset(message.reset & status::RESET_KEEP_TRANSACTION != 0);
        sink.token(|w, _| write_environment(w, &Environment::ResetConnection));
    }
    let end = if message.ignore {
        // The client gave up while sending; it only wants to hear an end.
        RequestEnd::Finished
    } else {
        dispatch(session, message, &mut sink, version).unwrap_or_else(|e| {
            let text = format!("The incoming tabular data stream (TDS) protocol stream is incorrect: {e}.");
            refused(&mut sink, DoneKind::Done, &SqlError::with_text(4002, 20, text));
            RequestEnd::Disconnect
        })
    };
    sink.finish(end)
}

fn dispatch(
    session: &mut dyn SqlSession,
    message: &Message,
    sink: &mut TdsSink<'_>,
    version: holdfast_tds::TdsVersion,
) -> Result<RequestEnd, TdsError> {
    match message.ty {
        PacketType::SqlBatch => {
            let batch = SqlBatch::decode(&message.payload, version)?;
            Ok(session.execute_batch(&batch.text, sink))
        }
        PacketType::Rpc => {
            let rpc = Rpc::decode(&message.payload, version)?;
            let mut end = RequestEnd::Finished;
            for call in rpc.calls.into_iter().filter(|c| !c.no_execute) {
                sink.start_rpc();
                end = match rpc_request(call) {
                    Ok(r) => session.execute_rpc(&r, sink),
                    Err(e) => refused(sink, DoneKind::Proc, &e),
                };
                sink.end_rpc();
                if end != RequestEnd::Finished || sink.is_fatal() {
                    break;
                }
            }
            Ok(end)
        }
        PacketType::TransactionManager => {
            let (_, request) = TransactionManagerRequest::decode(&message.payload, version)?;
            Ok(match transaction_request(request) {
                Ok(r) => session.transaction(&r, sink),
                Err(e) => refused(sink, DoneKind::Done, &e),
            })
        }
        PacketType::BulkLoad => {
            let load = request::BulkLoad::decode(&message.payload, version)?;
            Ok(session.bulk_load(&sent_columns(&load.columns), load.rows, sink))
        }
        other => Err(TdsError::PacketType(other.code())),
    }
}

/// Answers a request that cannot be run: the error and a DONE that says so.
fn refused(sink: &mut TdsSink<'_>, kind: DoneKind, e: &SqlError) -> RequestEnd {
    let _ = sink.message(&e.clone().at_line(1));
    let _ = sink.done(Done { kind, rows: None, error: true, command: 0 });
    RequestEnd::Finished
}

fn rpc_request(call: request::RpcCall) -> Result<RpcRequest, SqlError> {
    if call.parameters.len() > rpc::PARAMETERS_MAX {
        let text = format!(
            "The incoming request has too many parameters. The server supports a maximum of {} parameters. Reduce the number of parameters and resend the request.",
            rpc::PARAMETERS_MAX
        );
        return Err(SqlError::with_text(8003, 16, text));
    }
    let procedure = match call.procedure {
        RpcProcedure::Name(n) => n,
        RpcProcedure::Number(n) => rpc::well_known(n)
            .ok_or_else(|| SqlError::with_text(2812, 16, format!("Could not find stored procedure '{n}'.")))?
            .to_owned(),
    };
    let parameters = call.parameters.into_iter().map(rpc_parameter).collect();
    Ok(RpcRequest { procedure, parameters })
}

fn rpc_parameter(p: request::RpcParameter) -> RpcParameter {
    let (ty, value) = match p.value {
        request::RpcValue::Scalar { info, value } => (info.ty, RpcValue::Scalar(value)),
        request::RpcValue::Table(t) => {
            let columns = tvp_columns(&t);
            let type_name = [&t.schema, &t.type_name]
                .into_iter()
                .filter(|p| !p.is_empty())
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(".");
            (holdfast_types::SqlType::NULL, RpcValue::Table { type_name, columns, rows: t.rows })
        }
    };
    RpcParameter { name: p.name, ty, value, output: p.by_reference, default: p.default }
}

fn transaction_request(r: TransactionManagerRequest) -> Result<TransactionRequest, SqlError> {
    Ok(match r {
        TransactionManagerRequest::Begin { isolation, name } => TransactionRequest::Begin { name, isolation },
        TransactionManagerRequest::Commit { name, next } => {
            TransactionRequest::Commit { name, begin_next: next.map(|n| n.0) }
        }
        TransactionManagerRequest::Rollback { name, next } => {
            TransactionRequest::Rollback { name, begin_next: next.map(|n| n.0) }
        }
        TransactionManagerRequest::Save { name } => TransactionRequest::Save { name },
        TransactionManagerRequest::GetDtcAddress
        | TransactionManagerRequest::Propagate(_)
        | TransactionManagerRequest::Promote => {
            return Err(SqlError::not_supported("A distributed transaction"));
        }
    })
}
