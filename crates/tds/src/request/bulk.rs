//! Bulk load: after an INSERT BULK statement the client sends column metadata, rows and a DONE as one message.

use holdfast_base::ByteReader;
use holdfast_types::Value;

use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::token::ColumnMeta;
use crate::token::read::{Token, read_token};

#[derive(Clone, Debug, PartialEq, Default)]
pub struct BulkLoad {
    pub columns: Vec<ColumnMeta>,
    pub rows: Vec<Vec<Value>>,
}

impl BulkLoad {
    pub fn decode(payload: &[u8], version: TdsVersion) -> TdsResult<Self> {
        let mut r = ByteReader::new(payload);
        let mut out = BulkLoad::default();
        while !r.is_empty() {
            let offset = r.position();
            match read_token(&mut r, version, &out.columns)? {
                Token::Columns(c) if out.columns.is_empty() => out.columns = c,
                Token::Row(row) => out.rows.push(row),
                Token::Done(_) => break,
                _ => {
                    let token = payload.get(offset).copied().unwrap_or(0);
                    return Err(TdsError::Token { token, offset });
                }
            }
        }
        Ok(out)
    }
}
