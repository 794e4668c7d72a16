//! The bytes of a connection after its TLS handshake: blocking reads and writes on the socket, with or without TLS.
//!
//! Invariants
//! 1. Only the connection's own thread waits for bytes, and only while no request runs; while one runs, [`super::watch`] looks
//!    for bytes without waiting. Both take in bytes under one lock, so they keep their order.
//! 2. Nobody holds that lock while waiting for the client: a client that does not read can still be heard.
//! 3. At most [`PENDING_MAX`] messages are taken in ahead of their answers, besides what was read with them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use holdfast_exec::session::CancelFlag;
use holdfast_tds::packet::{Message, MessageReader, PacketType};
use parking_lot::Mutex;
use rustix::net::RecvFlags;
use rustls::ServerConnection;

use super::ConnectionError;

/// Messages a client may send ahead of their answers.
pub const PENDING_MAX: usize = 16;
const BUFFER: usize = 16 * 1024;

/// What the connection's thread waited for.
#[derive(Debug)]
pub enum Received {
    Message(Message),
    /// The client closed, or the server stops.
    Closed,
    /// Nothing came within the time given.
    Idle,
}

struct Inbound {
    tls: Option<ServerConnection>,
    reader: MessageReader,
    ready: VecDeque<Message>,
    /// A request runs: bytes are taken in by the watch.
    running: bool,
    /// Attentions among the messages taken in so far.
    attentions: u64,
    closed: bool,
    failed: Option<ConnectionError>,
    plain: Vec<u8>,
}

pub struct Transport {
    tcp: TcpStream,
    encrypted: bool,
    inbound: Mutex<Inbound>,
    /// Raised by an attention, by the client's leaving and by the server's stop.
    cancel: Mutex<CancelFlag>,
    over: AtomicBool,
    /// Requests started; with [`Self::is_running`] it tells the watch which of them last.
    requests: AtomicU64,
    is_running: AtomicBool,
    idle: Mutex<Option<Duration>>,
    /// When a killed session's connection ends, whatever it does.
    cut_at: Mutex<Option<Instant>>,
}

/// What a killed session has for telling its client.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("tcp", &self.tcp).field("encrypted", &self.encrypted).finish()
    }
}

impl Inbound {
    /// Takes in what the socket gave; messages that are complete become ready.
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ConnectionError> {
        if bytes.is_empty() && self.tls.is_none() {
            self.closed = true;
        }
        match &mut self.tls {
            None => self.reader.feed(bytes),
            Some(_) if bytes.is_empty() => self.closed = true,
            Some(tls) => {
                while !bytes.is_empty() {
                    tls.read_tls(&mut bytes)?;
                    tls.process_new_packets().map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
                    self.closed |= take_plain(tls, &mut self.reader, &mut self.plain)?;
                }
            }
        }
        self.collect()
    }

    fn collect(&mut self) -> Result<(), ConnectionError> {
        while let Some(m) = self.reader.next_message()? {
            if m.ty == PacketType::Attention {
                self.attentions += 1;
            }
            self.ready.push_back(m);
        }
        Ok(())
    }
}

/// Moves decrypted bytes to the reader; true when the client said goodbye.
fn take_plain(
    tls: &mut ServerConnection,
    reader: &mut MessageReader,
    buffer: &mut Vec<u8>,
) -> io::Result<bool> {
    buffer.resize(BUFFER, 0);
    loop {
        match tls.reader().read(buffer) {
            Ok(0) => return Ok(true),
            Ok(n) => reader.feed(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            // Clients close TLS without saying goodbye.
            Err(e) if is_close(&e) => return Ok(true),
            Err(e) => return Err(e),
        }
    }
}

impl Transport {
    /// `tcp` must be in blocking mode; `tls` is past its handshake. `limit`: bytes of one message.
    pub fn new(
        tcp: TcpStream,
        mut tls: Option<ServerConnection>,
        limit: usize,
    ) -> Result<Self, ConnectionError> {
        let mut reader = MessageReader::new(limit);
        let mut plain = Vec::new();
        let mut closed = false;
        if let Some(tls) = &mut tls {
            // Answers are handed over in chunks; nothing more is ever kept.
            tls.set_buffer_limit(None);
            closed = take_plain(tls, &mut reader, &mut plain)?;
        }
        let encrypted = tls.is_some();
        let mut inbound = Inbound {
            tls,
            reader,
            ready: VecDeque::new(),
            running: false,
            attentions: 0,
            closed,
            failed: None,
            plain,
        };
        inbound.collect()?;
        Ok(Transport {
            tcp,
            encrypted,
            inbound: Mutex::new(inbound),
            cancel: Mutex::new(CancelFlag::new()),
            over: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            is_running: AtomicBool::new(false),
            idle: Mutex::new(None),
            cut_at: Mutex::new(None),
        })
    }

    /// Ends the connection when its request has not ended within [`LAST_WORDS`]: its client may have stopped to listen.
    pub fn cut_soon(&self) {
        self.cut_at.lock().get_or_insert(Instant::now() + LAST_WORDS);
    }

    /// Whether that time has come.
    pub fn is_to_be_cut(&self) -> bool {
        self.cut_at.lock().is_some_and(|at| at <= Instant::now())
    }

    /// Before there are requests: whether it is listened to what the client does.
    pub fn listen(&self, on: bool) {
        self.inbound.lock().running = on;
    }

    /// The flag that interrupts this connection's requests.
    pub fn set_cancel(&self, flag: CancelFlag) {
        *self.cancel.lock() = flag;
    }

    pub fn set_limit(&self, limit: usize) {
        self.inbound.lock().reader.set_limit(limit);
    }

    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Waits for the next message, at most `idle` from the last byte. `bytes`: the caller's buffer.
    pub fn receive(&self, idle: Duration, bytes: &mut Vec<u8>) -> Result<Received, ConnectionError> {
        bytes.resize(BUFFER, 0);
        loop {
            {
                let mut inbound = self.inbound.lock();
                inbound.running = false;
                if let Some(e) = inbound.failed.take() {
                    return Err(e);
                }
                if self.over.load(Ordering::SeqCst) {
                    return Ok(Received::Closed);
                }
                if let Some(m) = inbound.ready.pop_front() {
                    inbound.running = true;
                    return Ok(Received::Message(m));
                }
                if inbound.closed {
                    return Ok(Received::Closed);
                }
            }
            {
                let mut set = self.idle.lock();
                if *set != Some(idle) {
                    self.tcp.set_read_timeout(Some(idle))?;
                    *set = Some(idle);
                }
            }
            let n = match (&self.tcp).read(bytes) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(Received::Idle);
                }
                Err(e) if is_close(&e) => 0,
                Err(e) => return Err(e.into()),
            };
            self.inbound.lock().feed(&bytes[..n])?;
        }
    }

    /// Before a request: forgets interruptions of earlier ones, but none that is for this one. `acknowledged`: attentions
    /// answered so far.
    pub fn start_request(&self, acknowledged: u64) {
        let flag = self.cancel.lock();
        flag.clear();
        if self.is_over() || self.inbound.lock().attentions > acknowledged {
            flag.cancel();
        }
        drop(flag);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.is_running.store(true, Ordering::Release);
    }

    pub fn end_request(&self) {
        self.is_running.store(false, Ordering::Release);
    }

    /// The number of the request that runs.
    pub fn running(&self) -> Option<u64> {
        self.is_running.load(Ordering::Acquire).then(|| self.requests.load(Ordering::Relaxed))
    }

    /// The client is gone, or the server stops.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// While a request runs: takes in what has come, without waiting, and interrupts the request if the client wants so.
    pub fn look(&self) {
        let mut bytes = [0; BUFFER];
        let mut inbound = self.inbound.lock();
        if !inbound.running || inbound.ready.len() >= PENDING_MAX || inbound.closed {
            return;
        }
        let before = inbound.attentions;
        let fed = match rustix::net::recv(&self.tcp, &mut bytes[..], RecvFlags::DONTWAIT) {
            Ok((_, n)) => inbound.feed(&bytes[..n]),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return,
            Err(e) if is_close(&io::Error::from(e)) => inbound.feed(&[]),
            Err(e) => Err(io::Error::from(e).into()),
        };
        if let Err(e) = fed {
            inbound.failed = Some(e);
            inbound.closed = true;
        }
        let (closed, attention) = (inbound.closed, inbound.attentions > before);
        drop(inbound);
        if closed {
            self.over.store(true, Ordering::SeqCst);
        }
        if closed || attention {
            self.cancel.lock().cancel();
        }
    }

    /// The server stops: whoever waits for the client's bytes is told that there are none, a request is interrupted.
    pub fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.cancel.lock().cancel();
        let _ = self.tcp.shutdown(Shutdown::Read);
    }

    /// Ends the connection whatever it does.
    pub fn cut(&self) {
        let _ = self.tcp.shutdown(Shutdown::Both);
    }

    /// Sends bytes and waits until they are on their way.
    pub fn write(&self, bytes: &[u8]) -> Result<(), ConnectionError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if !self.encrypted {
            return Ok((&self.tcp).write_all(bytes)?);
        }
        let mut records = Vec::with_capacity(bytes.len() + 512);
        {
            let mut inbound = self.inbound.lock();
            let Some(tls) = &mut inbound.tls else { return Ok(()) };
            tls.writer().write_all(bytes)?;
            while tls.wants_write() {
                tls.write_tls(&mut records)?;
            }
        }
        Ok((&self.tcp).write_all(&records)?)
    }

    /// Says goodbye; nothing is written afterwards.
    pub fn shutdown(&self) {
        let mut records = Vec::new();
        if let Some(tls) = &mut self.inbound.lock().tls {
            tls.send_close_notify();
            while tls.wants_write() && tls.write_tls(&mut records).is_ok() {}
        }
        let _ = (&self.tcp).write_all(&records);
        let _ = self.tcp.shutdown(Shutdown::Write);
    }
}

fn is_close(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}
