//! What can be wrong with bytes from the other side.

use holdfast_base::Truncated;
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TdsError {
    /// The message ends inside a field.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    #[error("packet type {0:#04x} is not known")]
    PacketType(u8),
    #[error("packet of type {got:#04x} inside a message of type {expected:#04x}")]
    MixedMessage { expected: u8, got: u8 },
    #[error("packet length {0} is outside 8..=32767")]
    PacketLength(u16),
    #[error("message of more than {limit} bytes")]
    MessageTooLong { limit: usize },
    #[error("{what}: length {length} is more than {limit}")]
    TooLong { what: &'static str, length: usize, limit: usize },
    #[error("data type {0:#04x} is not known or not allowed here")]
    DataType(u8),
    #[error("token {token:#04x} at offset {offset} is not known")]
    Token { token: u8, offset: usize },
    #[error("{what} has the invalid value {value}")]
    Invalid { what: &'static str, value: i64 },
    #[error("TDS version {0:#010x} is not supported")]
    Version(u32),
    /// A row token before any column metadata.
    #[error("rows before their column metadata")]
    NoMetadata,
    #[error("{0} cannot be encoded as the declared wire type")]
    Encode(&'static str),
}

pub type TdsResult<T> = Result<T, TdsError>;

impl TdsError {
    /// More bytes would help: the caller may wait for the next packet.
    pub fn is_truncated(&self) -> bool {
        matches!(self, TdsError::Truncated(_))
    }
}
