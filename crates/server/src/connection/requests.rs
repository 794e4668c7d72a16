//! The loop after login: one request at a time, executed on a blocking thread, while this side writes what it answers and
//! listens for an attention.
//!
//! Invariants
//! 1. The session is owned by the running request and comes back with its result.
//! 2. An attention is always answered by a DONE with the attention bit, as a message after the interrupted answer.
//! 3. When the client goes away the request is cancelled and waited for.

use std::collections::VecDeque;

use holdfast_exec::session::{
    CancelFlag, RequestEnd, ResultSink, RpcParameter, RpcRequest, RpcValue, SqlSession, TransactionRequest,
};
use holdfast_tds::TdsError;
use holdfast_tds::packet::{Message, PacketType, status};
use holdfast_tds::request::{self, Rpc, RpcProcedure, SqlBatch, TransactionManagerRequest, rpc};
use holdfast_tds::token::{Environment, write_environment};
use holdfast_types::SqlError;
use tokio::sync::{mpsc, watch};

use super::io::{ConnectionError, Io};
use super::login::LoggedIn;
use super::sink::{TdsSink, Wire, attention_answer, tvp_columns};
use super::stopped;

/// Chunks on their way to the socket.
const CHUNKS: usize = 4;
/// Requests a client may send ahead of their answers.
const PENDING_MAX: usize = 16;

/// What a worker gives back.
struct Finished {
    session: Box<dyn SqlSession>,
    rest: Vec<u8>,
    disconnect: bool,
}

pub async fn run(connection: LoggedIn, mut stop: watch::Receiver<bool>) -> Result<(), ConnectionError> {
    let LoggedIn { mut io, session, cancel, wire, shared: _shared } = connection;
    let mut session = Some(session);
    let mut pending: VecDeque<Message> = VecDeque::new();
    loop {
        let message = match pending.pop_front() {
            Some(m) => m,
            None => tokio::select! {
                m = io.next_message() => match m? {
                    Some(m) => m,
                    None => break,
                },
                () = stopped(&mut stop) => break,
            },
        };
        if message.ty == PacketType::Attention {
            io.write(&attention_answer(&wire)).await?;
            continue;
        }
        let Some(taken) = session.take() else { return Err(ConnectionError::Worker) };
        cancel.clear();
        let done = request(&mut io, taken, message, &cancel, &wire, &mut pending, &mut stop).await?;
        match done {
            Some(s) => session = Some(s),
            None => return Ok(()),
        }
    }
    // Dropping a session may roll back work: not on this thread.
    let _ = tokio::task::spawn_blocking(move || drop(session)).await;
    io.shutdown().await;
    Ok(())
}

/// Runs one request; `None` when the connection must end.
async fn request(
    io: &mut Io,
    session: Box<dyn SqlSession>,
    message: Message,
    cancel: &CancelFlag,
    wire: &Wire,
    pending: &mut VecDeque<Message>,
    stop: &mut watch::Receiver<bool>,
) -> Result<Option<Box<dyn SqlSession>>, ConnectionError> {
    let (tx, mut chunks) = mpsc::channel(CHUNKS);
    let sink = TdsSink::new(wire.clone(), tx, cancel.clone());
    let version = wire.version;
    let mut job = tokio::task::spawn_blocking(move || execute(session, &message, sink, version));
    let mut attention = false;
    let mut closed = false;
    let mut chunks_open = true;
    let mut stopping = false;
    let finished = loop {
        tokio::select! {
            // The client is listened to first: an attention must not wait behind a fast answer.
            biased;
            m = io.next_message(), if !closed && pending.len() < PENDING_MAX => match m {
                Ok(Some(m)) if m.ty == PacketType::Attention => {
                    attention = true;
                    cancel.cancel();
                }
                Ok(Some(m)) => pending.push_back(m),
                Ok(None) | Err(_) => {
                    closed = true;
                    cancel.cancel();
                }
            },
            chunk = chunks.recv(), if chunks_open => match chunk {
                Some(bytes) if !closed => {
                    if let Err(e) = io.write(&bytes).await {
                        tracing::debug!(error = %e, "client gone while sending");
                        closed = true;
                        cancel.cancel();
                    }
                }
                Some(_) => {}
                None => chunks_open = false,
            },
            result = &mut job, if !chunks_open => {
                break result.map_err(|_| ConnectionError::Worker)?;
            }
            () = stopped(stop), if !stopping => {
                stopping = true;
                cancel.cancel();
            }
        }
    };
    let Finished { session, rest, disconnect } = finished;
    if closed {
        let _ = tokio::task::spawn_blocking(move || drop(session)).await;
        return Ok(None);
    }
    io.write(&rest).await?;
    if attention {
        io.write(&attention_answer(wire)).await?;
    }
    if disconnect || stopping {
        let _ = tokio::task::spawn_blocking(move || drop(session)).await;
        io.shutdown().await;
        return Ok(None);
    }
    Ok(Some(session))
}

/// On the worker thread: decodes the request and runs it.
fn execute(
    mut session: Box<dyn SqlSession>,
    message: &Message,
    mut sink: TdsSink,
    version: holdfast_tds::TdsVersion,
) -> Finished {
    if message.reset & (status::RESET_CONNECTION | status::RESET_KEEP_TRANSACTION) != 0 {
        session.reset(message.reset & status::RESET_KEEP_TRANSACTION != 0);
        sink.token(|w, _| write_environment(w, &Environment::ResetConnection));
    }
    let end = if message.ignore {
        // The client gave up while sending; it only wants to hear an end.
        RequestEnd::Finished
    } else {
        dispatch(session.as_mut(), message, &mut sink, version).unwrap_or_else(|e| {
            let text = format!("The incoming tabular data stream (TDS) protocol stream is incorrect: {e}.");
            let _ = sink.message(&SqlError::with_text(4002, 20, text).at_line(1));
            RequestEnd::Disconnect
        })
    };
    let (rest, disconnect) = sink.finish(end);
    Finished { session, rest, disconnect }
}

fn dispatch(
    session: &mut dyn SqlSession,
    message: &Message,
    sink: &mut TdsSink,
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
                    Err(e) => {
                        let _ = sink.message(&e.at_line(1));
                        RequestEnd::Finished
                    }
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
                Err(e) => unsupported(sink, &e),
            })
        }
        PacketType::BulkLoad => Ok(unsupported(sink, &SqlError::not_supported("Bulk load"))),
        other => Err(TdsError::PacketType(other.code())),
    }
}

/// Answers a request that cannot be run: the error and a DONE that says so.
fn unsupported(sink: &mut TdsSink, e: &SqlError) -> RequestEnd {
    let _ = sink.message(&e.clone().at_line(1));
    let done = holdfast_exec::session::Done {
        kind: holdfast_exec::session::DoneKind::Done,
        rows: None,
        error: true,
        command: 0,
    };
    let _ = sink.done(done);
    RequestEnd::Finished
}

fn rpc_request(call: request::RpcCall) -> Result<RpcRequest, SqlError> {
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
