//! The client's side of a connection without I/O: the bytes to send for each step, and tokens out of what comes back. The
//! caller moves bytes (plain or through TLS) and decides when.
//!
//! Order: [`prelogin`] → (TLS handshake, whose records travel in packets of type PRELOGIN) → [`login`] → read tokens until the
//! message ends → [`batch`] / [`rpc`] / [`attention`], each answered by one message.

use crate::TdsVersion;
use crate::error::TdsResult;
use crate::login::Login7;
use crate::packet::{MessageReader, PACKET_SIZE_DEFAULT, PacketType, message};
use crate::prelogin::PreLogin;
use crate::request::{Headers, Rpc, SqlBatch};
use crate::token::{Environment, Token, TokenReader};

pub fn prelogin(p: &PreLogin) -> Vec<u8> {
    message(PacketType::PreLogin, PACKET_SIZE_DEFAULT, 0, p.encode(false))
}

pub fn login(l: &Login7) -> Vec<u8> {
    message(PacketType::Login7, PACKET_SIZE_DEFAULT, 0, l.encode())
}

pub fn attention() -> Vec<u8> {
    message(PacketType::Attention, PACKET_SIZE_DEFAULT, 0, Vec::new())
}

/// What a client keeps between requests, and the reader of answers.
#[derive(Debug)]
pub struct Client {
    packets: MessageReader,
    tokens: TokenReader,
    version: TdsVersion,
    packet_size: usize,
    transaction: u64,
    /// The current answer's last packet was taken.
    ended: bool,
}

/// One step of reading an answer.
#[derive(Debug, PartialEq)]
pub enum Event {
    Token(Token),
    /// The answer is complete.
    End,
    /// More bytes are needed.
    NeedBytes,
}

impl Client {
    pub fn new(version: TdsVersion) -> Self {
        Client {
            packets: MessageReader::new(usize::MAX),
            tokens: TokenReader::new(version),
            version,
            packet_size: PACKET_SIZE_DEFAULT,
            transaction: 0,
            ended: false,
        }
    }

    pub fn version(&self) -> TdsVersion {
        self.version
    }

    /// The payload of a whole message (used for the server's PRELOGIN, which is no token stream).
    pub fn take_message(&mut self) -> TdsResult<Option<Vec<u8>>> {
        Ok(self.packets.next_message()?.map(|m| m.payload))
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.packets.feed(bytes);
    }

    pub fn batch(&mut self, text: &str) -> Vec<u8> {
        let b = SqlBatch { headers: self.headers(), text: text.into() };
        self.start(PacketType::SqlBatch, b.encode(self.version))
    }

    pub fn rpc(&mut self, mut rpc: Rpc) -> TdsResult<Vec<u8>> {
        rpc.headers = self.headers();
        let payload = rpc.encode(self.version)?;
        Ok(self.start(PacketType::Rpc, payload))
    }

    pub fn request(&mut self, ty: PacketType, payload: Vec<u8>) -> Vec<u8> {
        self.start(ty, payload)
    }

    /// Headers for the next request.
    pub fn headers(&self) -> Headers {
        Headers { transaction: self.transaction, outstanding: 1, ..Default::default() }
    }

    fn start(&mut self, ty: PacketType, payload: Vec<u8>) -> Vec<u8> {
        self.ended = false;
        message(ty, self.packet_size, 0, payload)
    }

    /// The next piece of the answer.
    pub fn next_event(&mut self) -> TdsResult<Event> {
        loop {
            if let Some(token) = self.tokens.next_token()? {
                self.note(&token);
                return Ok(Event::Token(token));
            }
            if std::mem::take(&mut self.ended) {
                return Ok(Event::End);
            }
            let Some((header, payload)) = self.packets.next_packet()? else { return Ok(Event::NeedBytes) };
            self.tokens.feed(&payload);
            self.ended = header.is_last();
        }
    }

    fn note(&mut self, token: &Token) {
        match token {
            Token::Environment(Environment::PacketSize { new, .. }) => self.packet_size = *new as usize,
            Token::Environment(Environment::BeginTransaction(d)) => self.transaction = *d,
            Token::Environment(
                Environment::CommitTransaction(_)
                | Environment::RollbackTransaction(_)
                | Environment::TransactionEnded(_),
            ) => self.transaction = 0,
            Token::LoginAck(a) => {
                // LOGINACK's number decides what the rest of the connection means.
                if let Some(v) = TdsVersion::from_login(a.tds_version) {
                    self.version = self.version.min(v);
                    self.tokens.set_version(self.version);
                }
            }
            _ => {}
        }
    }
}
