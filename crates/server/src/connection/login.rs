//! From the first byte to the login's answer.
//!
//! Invariants
//! 1. Messages here are limited to the login record's size, and the whole takes at most the configured time.
//! 2. A refusal is 18456 without a reason, after a delay that grows with the failures of the address.
//! 3. Login-only encryption: TLS ends with the login record; the answer is plain.

use std::net::SocketAddr;
use std::sync::Arc;

use holdfast_exec::security::{LoginStore, LoginVerdict};
use holdfast_exec::session::{
    CancelFlag, Done, DoneKind, EnvironmentChange, LoginInfo, RequestEnd, ResultColumn, ResultSink,
    SessionFactory, SinkResult, SqlSession,
};
use holdfast_tds::login::{Feature, Login7, SIZE_MAX, feature};
use holdfast_tds::packet::{
    HEADER_SIZE, PACKET_SIZE_DEFAULT, PACKET_SIZE_MIN, PacketHeader, PacketType, message,
};
use holdfast_tds::prelogin::{Encryption, EncryptionScope, PreLogin, negotiate};
use holdfast_tds::token::{Environment, LoginAck, write_environment, write_feature_ack, write_login_ack};
use holdfast_tds::{TdsError, TdsVersion, collation};
use holdfast_types::SqlError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConnection;

use super::Shared;
use super::error::ConnectionError;
use super::sink::{TdsSink, Wire};
use super::stream::Tunnel;
use super::transport::Transport;
use crate::rpc::Procedures;

/// A connection that may send requests.
pub struct LoggedIn {
    pub transport: Arc<Transport>,
    pub session: Box<dyn SqlSession>,
    pub cancel: CancelFlag,
    pub wire: Wire,
    pub shared: Arc<Shared>,
}

/// First byte of a TLS record that starts a handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// Name in LOGINACK.
const PROGRAM: &str = "Holdfast";
const LANGUAGE: &str = "us_english";

/// Both addresses of a connection.
#[derive(Clone, Copy)]
struct Ends {
    peer: SocketAddr,
    local: SocketAddr,
}

/// `None`: the login was refused and the client told.
pub async fn login(
    shared: &Arc<Shared>,
    tcp: TcpStream,
    peer: SocketAddr,
) -> Result<Option<LoggedIn>, ConnectionError> {
    let ends = Ends { peer, local: tcp.local_addr()? };
    let mut first = [0u8; 1];
    if tcp.peek(&mut first).await? == 0 {
        return Err(ConnectionError::ClosedEarly);
    }
    if first[0] == TLS_HANDSHAKE {
        let mut tls = TlsAcceptor::from(Arc::clone(&shared.certificates.strict)).accept(tcp).await?;
        let asked = read_prelogin(&mut tls).await?;
        // Inside TLS the option is a formality: the connection is encrypted already.
        answer_prelogin(shared, &mut tls, asked.encryption.map(|_| Encryption::NotSupported)).await?;
        let record = read_login(&mut tls).await?;
        let (tcp, tls) = tls.into_inner();
        return authenticate(shared, transport(tcp, Some(tls))?, record, ends, true, true).await;
    }
    let mut tcp = tcp;
    let asked = read_prelogin(&mut tcp).await?;
    let client = asked.encryption.unwrap_or(Encryption::NotSupported);
    let (answer, scope) = negotiate(client, shared.config.force_encryption);
    answer_prelogin(shared, &mut tcp, Some(answer)).await?;
    if scope == EncryptionScope::Nothing {
        let record = read_login(&mut tcp).await?;
        return authenticate(shared, transport(tcp, None)?, record, ends, false, false).await;
    }
    if client == Encryption::NotSupported {
        return Err(ConnectionError::Refused("the client does not encrypt and the server insists"));
    }
    let acceptor = TlsAcceptor::from(Arc::clone(&shared.certificates.wrapped));
    let mut tls = acceptor.accept(Tunnel::new(tcp)).await?;
    tls.get_mut().0.end_wrapping();
    let record = read_login(&mut tls).await?;
    let everything = scope == EncryptionScope::Everything;
    let (tunnel, tls) = tls.into_inner();
    // Invariant 3.
    let transport = transport(tunnel.into_tcp(), everything.then_some(tls))?;
    authenticate(shared, transport, record, ends, everything, false).await
}

/// What the connection goes on with after its handshake: a thread waits for it, not the runtime.
fn transport(tcp: TcpStream, tls: Option<ServerConnection>) -> Result<Arc<Transport>, ConnectionError> {
    let tcp = tcp.into_std()?;
    tcp.set_nonblocking(false)?;
    Ok(Arc::new(Transport::new(tcp, tls, SIZE_MAX)?))
}

/// Runs what may wait for the client, or takes its time, away from the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ConnectionError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ConnectionError::Worker)
}

/// Reads one message and not a byte more, so that the stream below can change its nature afterwards.
async fn read_exactly_one(
    stream: &mut (impl AsyncRead + Unpin),
    expected: PacketType,
) -> Result<Vec<u8>, ConnectionError> {
    let mut payload = Vec::new();
    loop {
        let mut head = [0u8; HEADER_SIZE];
        stream.read_exact(&mut head).await?;
        let header = PacketHeader::decode(head)?;
        if header.ty != expected {
            return Err(TdsError::MixedMessage { expected: expected.code(), got: header.ty.code() }.into());
        }
        let start = payload.len();
        let size = usize::from(header.length) - HEADER_SIZE;
        if start + size > SIZE_MAX {
            return Err(TdsError::MessageTooLong { limit: SIZE_MAX }.into());
        }
        payload.resize(start + size, 0);
        stream.read_exact(&mut payload[start..]).await?;
        if header.is_last() {
            return Ok(payload);
        }
    }
}

async fn read_prelogin(stream: &mut (impl AsyncRead + Unpin)) -> Result<PreLogin, ConnectionError> {
    Ok(PreLogin::decode(&read_exactly_one(stream, PacketType::PreLogin).await?)?)
}

async fn read_login(stream: &mut (impl AsyncRead + Unpin)) -> Result<Login7, ConnectionError> {
    Ok(Login7::decode(&read_exactly_one(stream, PacketType::Login7).await?)?)
}

async fn answer_prelogin(
    shared: &Shared,
    stream: &mut (impl AsyncWrite + Unpin),
    encryption: Option<Encryption>,
) -> Result<(), ConnectionError> {
    let answer = PreLogin {
        version: shared.factory.product_version(),
        encryption,
        // Several result sets at once are not offered: 0 is the polite refusal.
        mars: false,
        ..Default::default()
    };
    let bytes = message(PacketType::Tabular, PACKET_SIZE_DEFAULT, 0, answer.encode(true));
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    Ok(())
}

/// Checks the login and answers it.
async fn authenticate(
    shared: &Arc<Shared>,
    transport: Arc<Transport>,
    record: Login7,
    Ends { peer, local }: Ends,
    encrypted: bool,
    strict: bool,
) -> Result<Option<LoggedIn>, ConnectionError> {
    let mut version = record.version()?;
    if strict {
        version = TdsVersion::V8_0;
    }
    let asked_size = record.packet_size as usize;
    let packet_size = match asked_size {
        0 => PACKET_SIZE_DEFAULT,
        n => n.clamp(PACKET_SIZE_MIN, shared.config.packet_size_max),
    };
    let wire = Wire { version, packet_size, spid: 0, server_name: shared.factory.server_name() };
    if let Some(error) = refusal(&record, version) {
        refuse(&transport, &wire, &[error]).await?;
        return Ok(None);
    }
    let work = Arc::clone(shared);
    let (name, password, new) =
        (record.user_name.clone(), record.password.clone(), record.change_password.clone());
    let verdict = blocking(move || check(&work.logins, &name, &password.0, &new.0)).await?;
    if let Err((errors, reason)) = verdict {
        tracing::warn!(login = %record.user_name, client = %peer, reason, "login failed");
        tokio::time::sleep(shared.throttle.failed(peer.ip())).await;
        refuse(&transport, &wire, &errors).await?;
        return Ok(None);
    }
    shared.throttle.succeeded(peer.ip());
    open_session(shared, transport, record, Ends { peer, local }, wire, encrypted).await
}

/// Checks a password, and sets the new one that came along. The errors for the client, and for the log why: what the client is
/// told does not say which part was wrong before the password was right.
fn check(
    logins: &LoginStore,
    name: &str,
    password: &str,
    new: &str,
) -> Result<(), (Vec<SqlError>, &'static str)> {
    let failed = || SqlError::new(18456, &[&name]);
    match logins.verify(name, password) {
        LoginVerdict::Unknown => Err((vec![failed()], "no such login (state 5)")),
        LoginVerdict::WrongPassword => Err((vec![failed()], "wrong password (state 8)")),
        LoginVerdict::Disabled => Err((vec![SqlError::new(18470, &[&name])], "disabled (state 7)")),
        LoginVerdict::MustChange if new.is_empty() => {
            Err((vec![SqlError::new(18488, &[&name])], "the password must be changed (state 18)"))
        }
        LoginVerdict::Accepted | LoginVerdict::MustChange if !new.is_empty() => logins
            .set_password(name, new)
            .map_err(|e| (vec![e, failed()], "the new password is not acceptable")),
        LoginVerdict::Accepted | LoginVerdict::MustChange => Ok(()),
    }
}

/// Kinds of login that are not offered.
fn refusal(record: &Login7, version: TdsVersion) -> Option<SqlError> {
    if version < TdsVersion::V7_1 {
        return Some(SqlError::not_supported("A TDS version below 7.1"));
    }
    if record.feature(feature::FED_AUTH).is_some() {
        return Some(SqlError::with_text(
            18456,
            14,
            "Login failed: federated authentication is not supported by Holdfast. Use a SQL login.",
        ));
    }
    if record.is_integrated() {
        return Some(SqlError::new(18452, &[]));
    }
    None
}

async fn refuse(transport: &Arc<Transport>, wire: &Wire, errors: &[SqlError]) -> Result<(), ConnectionError> {
    let answer = {
        let mut nowhere = |_: &[u8]| Ok(());
        let mut sink = TdsSink::new(wire.clone(), &mut nowhere, CancelFlag::new());
        for e in errors {
            let _ = sink.message(&e.clone().at_line(1));
        }
        let _ = sink.done(Done { kind: DoneKind::Done, rows: None, error: true, command: 0 });
        sink.finish(RequestEnd::Finished).0
    };
    let transport = Arc::clone(transport);
    blocking(move || {
        transport.write(&answer)?;
        transport.shutdown();
        Ok(())
    })
    .await?
}

/// Holds what opening the session says until the login's own tokens can be written around it.
#[derive(Default)]
struct Opening {
    messages: Vec<SqlError>,
    changes: Vec<EnvironmentChange>,
}

impl ResultSink for Opening {
    fn columns(&mut self, _: &[ResultColumn]) -> SinkResult {
        Ok(())
    }
    fn rows(&mut self, _: &holdfast_types::Batch) -> SinkResult {
        Ok(())
    }
    fn done(&mut self, _: Done) -> SinkResult {
        Ok(())
    }
    fn message(&mut self, message: &SqlError) -> SinkResult {
        self.messages.push(message.clone());
        Ok(())
    }
    fn environment(&mut self, change: EnvironmentChange) -> SinkResult {
        self.changes.push(change);
        Ok(())
    }
    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }
    fn return_value(
        &mut self,
        _: u16,
        _: &str,
        _: &holdfast_types::SqlType,
        _: &holdfast_types::Value,
    ) -> SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> SinkResult {
        Ok(())
    }
}

/// Cancels what runs when it goes before it was told that all is done: when the login took too long, or the server stops.
struct CancelUnlessDone(Option<CancelFlag>);

impl Drop for CancelUnlessDone {
    fn drop(&mut self) {
        if let Some(flag) = &self.0 {
            flag.cancel();
        }
    }
}

async fn open_session(
    shared: &Arc<Shared>,
    transport: Arc<Transport>,
    record: Login7,
    Ends { peer, local }: Ends,
    mut wire: Wire,
    encrypted: bool,
) -> Result<Option<LoggedIn>, ConnectionError> {
    // Triggers of the logon may take their time: they end with the client, and with whoever waits for them here.
    let cancel = CancelFlag::new();
    let mut waited = CancelUnlessDone(Some(cancel.clone()));
    let info = LoginInfo {
        cancel: cancel.clone(),
        login: record.user_name.clone(),
        host_name: record.host_name.clone(),
        application: record.application.clone(),
        client_interface: record.interface.clone(),
        database: record.database.clone(),
        language: record.language.clone(),
        client_address: peer.ip().to_string(),
        local_address: Some(local),
        packet_size: wire.packet_size as u32,
        tds_version: wire.version.number(),
        encrypted,
        client_process_id: record.client_process_id,
    };
    let factory = Arc::clone(&shared.factory);
    let (watched, heard) = (shared.watch.add(&transport), Arc::clone(&transport));
    transport.set_cancel(cancel.clone());
    let (opened, said) = blocking(move || {
        let mut said = Opening::default();
        let running = watched.request();
        heard.listen(true);
        heard.start_request(0);
        let opened = factory.open(info, &mut said);
        heard.end_request();
        heard.listen(false);
        drop(running);
        (opened, said)
    })
    .await?;
    waited.0 = None;
    let session = match opened {
        Ok(s) => s,
        Err(e) => {
            let failed = SqlError::new(18456, &[&record.user_name]);
            let errors = if e.number == failed.number { vec![failed] } else { vec![e, failed] };
            refuse(&transport, &wire, &errors).await?;
            return Ok(None);
        }
    };
    wire.spid = session.session_id();
    let cancel = session.cancel_flag();
    let answer = login_answer(shared.factory.as_ref(), &wire, &record, session.as_ref(), &said);
    let sent = Arc::clone(&transport);
    blocking(move || sent.write(&answer)).await??;
    transport.set_limit(shared.config.message_size_max);
    tracing::info!(login = %record.user_name, client = %peer, session = wire.spid, "logged in");
    let session: Box<dyn SqlSession> = Box::new(Procedures::new(session));
    Ok(Some(LoggedIn { transport, session, cancel, wire, shared: Arc::clone(shared) }))
}

/// All tokens of a successful login, in the order clients expect.
fn login_answer(
    factory: &dyn SessionFactory,
    wire: &Wire,
    record: &Login7,
    session: &dyn SqlSession,
    said: &Opening,
) -> Vec<u8> {
    // Short enough to come back whole.
    let mut nowhere = |_: &[u8]| Ok(());
    // Before the login's end packets have the default size.
    let small = Wire { packet_size: PACKET_SIZE_DEFAULT, ..wire.clone() };
    let mut sink = TdsSink::new(small, &mut nowhere, CancelFlag::new());
    let database = session.database();
    let language = said.changes.iter().find_map(|c| match c {
        EnvironmentChange::Language { new, .. } => Some(&**new),
        _ => None,
    });
    let language = language.unwrap_or(LANGUAGE);
    let has = |number| said.messages.iter().any(|m| m.number == number);
    sink.token(|w, _| {
        let old = "master".to_owned();
        write_environment(w, &Environment::Database { new: database.to_string(), old });
    });
    if !has(5701) {
        let _ = sink.message(&SqlError::new(5701, &[&database]).state(2).at_line(1));
    }
    sink.token(|w, _| {
        let new = Some(collation::to_wire(factory.default_collation()));
        write_environment(w, &Environment::Collation { new, old: None });
        write_environment(w, &Environment::Language { new: language.into(), old: String::new() });
    });
    if !has(5703) {
        let _ = sink.message(&SqlError::new(5703, &[&language]).at_line(1));
    }
    for m in &said.messages {
        let _ = sink.message(m);
    }
    for c in &said.changes {
        let known = matches!(c, EnvironmentChange::Database { .. } | EnvironmentChange::Language { .. });
        if !known {
            let _ = sink.environment(c.clone());
        }
    }
    let ack = LoginAck {
        interface: 1,
        tds_version: wire.version.number(),
        program: PROGRAM.into(),
        version: factory.product_version(),
    };
    let features = acknowledged(record);
    let sizes = (wire.packet_size as u32, record.packet_size);
    sink.token(|w, version| {
        write_login_ack(w, &ack);
        if sizes.0 as usize != PACKET_SIZE_DEFAULT || sizes.0 != sizes.1 {
            let old = PACKET_SIZE_DEFAULT as u32;
            write_environment(w, &Environment::PacketSize { new: sizes.0, old });
        }
        if version.has_74() && !features.is_empty() {
            write_feature_ack(w, &features);
        }
    });
    sink.finish(RequestEnd::Finished).0
}

/// Answers to the feature extensions asked for. A feature that is not acknowledged is not there.
fn acknowledged(record: &Login7) -> Vec<Feature> {
    let mut out = Vec::new();
    if record.feature(feature::UTF8_SUPPORT).is_some() {
        out.push(Feature { id: feature::UTF8_SUPPORT, data: vec![1] });
    }
    out
}
