//! The loop after login: one request at a time. A task of its own listens to the client meanwhile, so that an attention is
//! seen while a request runs.
//!
//! Invariants
//! 1. Requests are answered in the order in which they came; an attention is always answered by a DONE with the attention
//!    bit, as a message after the interrupted answer.
//! 2. When the client goes away, or the server stops, the running request is cancelled and waited for; what is queued behind
//!    it is dropped.
//! 3. A request runs on the thread that read it, which first hands the runtime's other work to another thread: no switch
//!    of threads lies between a short request and its answer. At most [`Config::requests_max`] run at a time.
//!
//! [`Config::requests_max`]: crate::config::Config::requests_max

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use holdfast_exec::session::{
    CancelFlag, RequestEnd, ResultSink, RpcParameter, RpcRequest, RpcValue, SinkClosed, SqlSession,
    TransactionRequest,
};
use holdfast_tds::TdsError;
use holdfast_tds::packet::{Message, PacketType, status};
use holdfast_tds::request::{self, Rpc, RpcProcedure, SqlBatch, TransactionManagerRequest, rpc};
use holdfast_tds::token::{Environment, write_environment};
use holdfast_types::SqlError;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, block_in_place};

use super::io::{ConnectionError, Incoming, Outgoing};
use super::login::LoggedIn;
use super::sink::{TdsSink, attention_answer, sent_columns, tvp_columns};
use super::stopped;

/// Messages a client may send ahead of their answers.
const PENDING_MAX: usize = 16;

/// What the listening task tells about the client while a request runs.
struct Interrupts {
    cancel: CancelFlag,
    /// Attentions received so far.
    attentions: AtomicUsize,
    /// The client is gone, or the server stops.
    over: AtomicBool,
}

impl Interrupts {
    fn attention(&self) {
        self.attentions.fetch_add(1, Ordering::SeqCst);
        self.cancel.cancel();
    }

    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.cancel.cancel();
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Before a request: forgets interruptions of earlier ones, but none that is for this one.
    fn start(&self, acknowledged: usize) {
        self.cancel.clear();
        if self.is_over() || self.attentions.load(Ordering::SeqCst) > acknowledged {
            self.cancel.cancel();
        }
    }
}

/// Stops listening when the connection ends, however it ends.
struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(
    mut incoming: Incoming,
    messages: mpsc::Sender<Result<Message, ConnectionError>>,
    interrupts: Arc<Interrupts>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let received = tokio::select! {
            m = incoming.next_message() => m,
            () = stopped(&mut stop) => break,
        };
        let last = match &received {
            Ok(Some(m)) => {
                if m.ty == PacketType::Attention {
                    interrupts.attention();
                }
                false
            }
            Ok(None) => break,
            Err(_) => true,
        };
        if last {
            interrupts.end();
        }
        if let Some(m) = received.transpose()
            && (messages.send(m).await.is_err() || last)
        {
            break;
        }
    }
    interrupts.end();
}

pub async fn run(connection: LoggedIn, stop: watch::Receiver<bool>) -> Result<(), ConnectionError> {
    let LoggedIn { io, mut session, cancel, wire, shared } = connection;
    let super::io::Io { incoming, mut outgoing } = io;
    let interrupts =
        Arc::new(Interrupts { cancel, attentions: AtomicUsize::new(0), over: AtomicBool::new(false) });
    let (tx, mut messages) = mpsc::channel(PENDING_MAX);
    let listening = tokio::spawn(listen(incoming, tx, Arc::clone(&interrupts), stop.clone()));
    let _listening = Listening(listening.abort_handle());
    let mut acknowledged = 0;
    let result = loop {
        let message = match messages.recv().await {
            Some(Ok(m)) if !interrupts.is_over() => m,
            Some(Err(e)) => break Err(e),
            _ => break Ok(()),
        };
        if message.ty == PacketType::Attention {
            acknowledged += 1;
            if let Err(e) = outgoing.write(&attention_answer(&wire)).await {
                break Err(e);
            }
            continue;
        }
        let Ok(_running) = shared.running.acquire().await else { break Ok(()) };
        interrupts.start(acknowledged);
        let (rest, disconnect) = block_in_place(|| {
            let mut deliver = |bytes: &[u8]| deliver(&mut outgoing, bytes, stop.clone());
            let sink = TdsSink::new(wire.clone(), &mut deliver, interrupts.cancel.clone());
            execute(session.as_mut(), &message, sink, wire.version)
        });
        if let Err(e) = outgoing.write(&rest).await {
            break Err(e);
        }
        if disconnect {
            break Ok(());
        }
    };
    // Dropping a session may roll back work.
    block_in_place(move || drop(session));
    outgoing.shutdown().await;
    result
}

/// Sends a part of a long answer, unless the server stops while the client does not read.
fn deliver(outgoing: &mut Outgoing, bytes: &[u8], mut stop: watch::Receiver<bool>) -> Result<(), SinkClosed> {
    Handle::current().block_on(async {
        tokio::select! {
            sent = outgoing.write(bytes) => sent.map_err(|e| {
                tracing::debug!(error = %e, "client gone while sending");
                SinkClosed
            }),
            () = stopped(&mut stop) => Err(SinkClosed),
        }
    })
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
            let _ = sink.message(&SqlError::with_text(4002, 20, text).at_line(1));
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
        PacketType::BulkLoad => {
            let load = request::BulkLoad::decode(&message.payload, version)?;
            Ok(session.bulk_load(&sent_columns(&load.columns), load.rows, sink))
        }
        other => Err(TdsError::PacketType(other.code())),
    }
}

/// Answers a request that cannot be run: the error and a DONE that says so.
fn unsupported(sink: &mut TdsSink<'_>, e: &SqlError) -> RequestEnd {
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
