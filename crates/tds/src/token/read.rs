//! Reading tokens: the client's side, also the oracle of this crate's own tests.

use holdfast_base::ByteReader;
use holdfast_types::Value;

use super::code;
use super::columns::{ColumnMeta, Writer, read_columns};
use super::done::{DoneToken, read_done};
use super::environment::{Environment, read_environment};
use super::login::{LoginAck, read_feature_ack, read_login_ack};
use super::message::{ServerMessage, read_message};
use super::output::{ReturnValue, read_return_value};
use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::login::Feature;
use crate::value::{ValueContext, decode_value};

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Column metadata; the reader keeps a copy for the rows.
    Columns(Vec<ColumnMeta>),
    Row(Vec<Value>),
    Message(ServerMessage),
    Environment(Environment),
    Done(DoneToken),
    LoginAck(LoginAck),
    FeatureAck(Vec<Feature>),
    ReturnStatus(i32),
    ReturnValue(Box<ReturnValue>),
    Order(Vec<u16>),
    /// A token whose content this reader does not interpret (TABNAME, COLINFO, SESSIONSTATE, SSPI, FEDAUTHINFO).
    Other {
        token: u8,
        data: Vec<u8>,
    },
}

/// Reads tokens from payload as it arrives.
#[derive(Debug)]
pub struct TokenReader {
    version: TdsVersion,
    columns: Vec<ColumnMeta>,
    data: Vec<u8>,
    start: usize,
}

impl TokenReader {
    pub fn new(version: TdsVersion) -> Self {
        TokenReader { version, columns: Vec::new(), data: Vec::new(), start: 0 }
    }

    pub fn set_version(&mut self, version: TdsVersion) {
        self.version = version;
    }

    /// Columns of the current result set.
    pub fn columns(&self) -> &[ColumnMeta] {
        &self.columns
    }

    /// Adds payload of the next packet.
    pub fn feed(&mut self, payload: &[u8]) {
        if self.start > 0 {
            self.data.drain(..self.start);
            self.start = 0;
        }
        self.data.extend_from_slice(payload);
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.data.len()
    }

    /// The next token; `None` when more payload is needed (or there is none left).
    pub fn next_token(&mut self) -> TdsResult<Option<Token>> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut r = ByteReader::at(&self.data, self.start);
        match read_token(&mut r, self.version, &self.columns) {
            Ok(token) => {
                self.start = r.position();
                if let Token::Columns(c) = &token {
                    self.columns.clone_from(c);
                }
                Ok(Some(token))
            }
            Err(e) if e.is_truncated() => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Reads one token at the reader's position.
pub fn read_token(r: &mut ByteReader<'_>, version: TdsVersion, columns: &[ColumnMeta]) -> TdsResult<Token> {
    let offset = r.position();
    let token = r.u8()?;
    Ok(match token {
        code::COL_METADATA => Token::Columns(read_columns(r, version, Writer::Server)?.unwrap_or_default()),
        code::ROW => {
            if columns.is_empty() {
                return Err(TdsError::NoMetadata);
            }
            let mut row = Vec::with_capacity(columns.len());
            for c in columns {
                row.push(decode_value(r, &c.info, ValueContext::Row)?);
            }
            Token::Row(row)
        }
        code::NBC_ROW => {
            if columns.is_empty() {
                return Err(TdsError::NoMetadata);
            }
            let bitmap = r.bytes(columns.len().div_ceil(8))?;
            let mut row = Vec::with_capacity(columns.len());
            for (i, c) in columns.iter().enumerate() {
                row.push(if bitmap[i / 8] >> (i % 8) & 1 != 0 {
                    Value::Null
                } else {
                    decode_value(r, &c.info, ValueContext::Row)?
                });
            }
            Token::Row(row)
        }
        code::ERROR | code::INFO => Token::Message(read_message(r, version)?),
        code::ENV_CHANGE => Token::Environment(read_environment(r)?),
        code::DONE | code::DONE_PROC | code::DONE_IN_PROC => Token::Done(read_done(r, token, version)?),
        code::LOGIN_ACK => Token::LoginAck(read_login_ack(r)?),
        code::FEATURE_EXT_ACK => Token::FeatureAck(read_feature_ack(r)?),
        code::RETURN_STATUS => Token::ReturnStatus(r.i32()?),
        code::RETURN_VALUE => Token::ReturnValue(Box::new(read_return_value(r, version)?)),
        code::ORDER => {
            let n = usize::from(r.u16()?);
            Token::Order(r.bytes(n)?.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect())
        }
        code::TAB_NAME | code::COL_INFO | code::SSPI => {
            let n = usize::from(r.u16()?);
            Token::Other { token, data: r.bytes(n)?.to_vec() }
        }
        code::SESSION_STATE | code::FED_AUTH_INFO => {
            let n = r.u32()? as usize;
            Token::Other { token, data: r.bytes(n)?.to_vec() }
        }
        _ => return Err(TdsError::Token { token, offset }),
    })
}
