//! Reading messages and writing packets on a stream.

use std::io;

use holdfast_tds::TdsError;
use holdfast_tds::packet::{Message, MessageReader};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use super::stream::ByteStream;

/// Why a connection ends early.
#[derive(Debug, Error)]
pub enum ConnectionError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] TdsError),
    #[error("the client took too long to log in")]
    LoginTimeout,
    #[error("the client closed the connection before logging in")]
    ClosedEarly,
    #[error("{0}")]
    Refused(&'static str),
    #[error("a worker thread ended abnormally")]
    Worker,
}

/// Both halves of a connection.
pub struct Io {
    pub incoming: Incoming,
    pub outgoing: Outgoing,
}

impl Io {
    pub fn new(stream: Box<dyn ByteStream>, limit: usize) -> Self {
        let (read, write) = tokio::io::split(stream);
        let incoming = Incoming { read, messages: MessageReader::new(limit), buffer: vec![0; 16 * 1024] };
        Io { incoming, outgoing: Outgoing { write } }
    }
}

/// What the client sends.
pub struct Incoming {
    read: ReadHalf<Box<dyn ByteStream>>,
    messages: MessageReader,
    buffer: Vec<u8>,
}

impl Incoming {
    pub fn set_limit(&mut self, limit: usize) {
        self.messages.set_limit(limit);
    }

    /// The next message; `None` when the client closed. Can be dropped and called again without losing bytes.
    pub async fn next_message(&mut self) -> Result<Option<Message>, ConnectionError> {
        loop {
            if let Some(m) = self.messages.next_message()? {
                return Ok(Some(m));
            }
            match self.read.read(&mut self.buffer).await {
                Ok(0) => return Ok(None),
                Ok(n) => self.messages.feed(&self.buffer[..n]),
                // Clients close TLS without saying goodbye.
                Err(e) if is_close(&e) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// What goes to the client.
pub struct Outgoing {
    write: WriteHalf<Box<dyn ByteStream>>,
}

impl Outgoing {
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        if !bytes.is_empty() {
            self.write.write_all(bytes).await?;
            self.write.flush().await?;
        }
        Ok(())
    }

    pub async fn shutdown(&mut self) {
        let _ = self.write.shutdown().await;
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
