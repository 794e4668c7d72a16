//! A blocking connection over the protocol crate's client side: plain, TLS inside TDS, and TLS first (TDS 8.0). The shell
//! and the server's tests use the one implementation.
//!
//! The server's certificate is not verified: it is usually self-made. The connection is encrypted all the same.
//!
//! Invariants
//! 1. The password never leaves in the clear when the server offers encryption.
#![forbid(unsafe_code)]

mod tls;

use std::io::{Read, Write};
use std::net::TcpStream;

use holdfast_tds::client::{self, Client, Event};
use holdfast_tds::login::Login7;
use holdfast_tds::prelogin::{Encryption, PreLogin};
use holdfast_tds::token::Token;
use holdfast_tds::{TdsError, TdsVersion};
use rustls::StreamOwned;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ClientError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Protocol(#[from] TdsError),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error("the server closed the connection")]
    Closed,
}

pub type ClientResult<T> = Result<T, ClientError>;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Options {
    /// What PRELOGIN asks for; without meaning under `strict`.
    pub encryption: Encryption,
    /// TLS before the first packet, as TDS 8.0 has it.
    pub strict: bool,
    /// Ask for several requests at once on the connection.
    pub mars: bool,
    pub login: Login7,
}

pub struct Connection {
    stream: Box<dyn Stream>,
    pub client: Client,
    /// What the server answered to PRELOGIN.
    pub prelogin: PreLogin,
}

fn take_prelogin(stream: &mut dyn Read, client: &mut Client) -> ClientResult<PreLogin> {
    let mut buffer = [0u8; 4096];
    loop {
        if let Some(payload) = client.take_message()? {
            return Ok(PreLogin::decode(&payload)?);
        }
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Err(ClientError::Closed);
        }
        client.feed(&buffer[..n]);
    }
}

impl Connection {
    /// Shakes hands and sends the login; its answer is read with [`Connection::answer`].
    pub fn open(mut tcp: TcpStream, o: &Options) -> ClientResult<Self> {
        tcp.set_nodelay(true)?;
        let version = TdsVersion::from_login(o.login.tds_version).unwrap_or(TdsVersion::V7_4);
        let mut client = Client::new(version);
        let login = client::login(&o.login);
        let encryption = (!o.strict).then_some(o.encryption);
        let hello = client::prelogin(&PreLogin { encryption, mars: o.mars, ..PreLogin::default() });
        if o.strict {
            let mut stream = StreamOwned::new(tls::session(true)?, tcp);
            stream.write_all(&hello)?;
            stream.flush()?;
            let prelogin = take_prelogin(&mut stream, &mut client)?;
            stream.write_all(&login)?;
            stream.flush()?;
            return Ok(Connection { stream: Box::new(stream), client, prelogin });
        }
        tcp.write_all(&hello)?;
        let prelogin = take_prelogin(&mut tcp, &mut client)?;
        let stream: Box<dyn Stream> = match prelogin.encryption {
            Some(Encryption::NotSupported) | None => {
                tcp.write_all(&login)?;
                Box::new(tcp)
            }
            answered => {
                let mut secured = tls::inside_tds(tcp.try_clone()?)?;
                secured.write_all(&login)?;
                secured.flush()?;
                // The login alone is encrypted: everything after it is plain again.
                if answered == Some(Encryption::Off) { Box::new(tcp) } else { Box::new(secured) }
            }
        };
        Ok(Connection { stream, client, prelogin })
    }

    pub fn send(&mut self, bytes: &[u8]) -> ClientResult<()> {
        self.stream.write_all(bytes)?;
        Ok(self.stream.flush()?)
    }

    /// Hands every token of one answer to `each`.
    pub fn answer(&mut self, each: &mut dyn FnMut(Token)) -> ClientResult<()> {
        let mut bytes = vec![0; 1 << 16];
        loop {
            match self.client.next_event()? {
                Event::Token(token) => each(token),
                Event::End => return Ok(()),
                Event::NeedBytes => {
                    let n = self.stream.read(&mut bytes)?;
                    if n == 0 {
                        return Err(ClientError::Closed);
                    }
                    self.client.feed(&bytes[..n]);
                }
            }
        }
    }

    /// Runs a batch.
    pub fn batch(&mut self, text: &str, each: &mut dyn FnMut(Token)) -> ClientResult<()> {
        self.send_batch(text)?;
        self.answer(each)
    }

    /// Sends a batch, whose answer is left to be read.
    pub fn send_batch(&mut self, text: &str) -> ClientResult<()> {
        let bytes = self.client.batch(text);
        self.send(&bytes)
    }
}
