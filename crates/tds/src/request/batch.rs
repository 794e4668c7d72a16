//! SQL batch: headers, then the text in UTF-16LE to the end of the message.

use holdfast_base::{ByteReader, ByteWriter};

use super::Headers;
use crate::TdsVersion;
use crate::error::TdsResult;
use crate::wire;

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SqlBatch {
    pub headers: Headers,
    pub text: String,
}

impl SqlBatch {
    pub fn decode(payload: &[u8], version: TdsVersion) -> TdsResult<Self> {
        let mut r = ByteReader::new(payload);
        let headers = Headers::decode(&mut r, version)?;
        Ok(SqlBatch { headers, text: wire::decode_ucs2(r.rest()) })
    }

    pub fn encode(&self, version: TdsVersion) -> Vec<u8> {
        let mut w = ByteWriter::new();
        self.headers.encode(&mut w, version);
        wire::put_ucs2(&mut w, &self.text);
        w.buf
    }
}
