//! Bulk load: after an INSERT BULK statement the client sends column metadata, rows and a DONE as one message.

use holdfast_base::ByteReader;
use holdfast_types::Value;

use crate::TdsVersion;
use crate::error::{TdsError, TdsResult};
use crate::token::columns::{Writer, read_columns};
use crate::token::read::{Token, read_token};
use crate::token::{ColumnMeta, code};

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
            if out.columns.is_empty() && payload.get(offset) == Some(&code::COL_METADATA) {
                r.u8()?;
                out.columns = read_columns(&mut r, version, Writer::BulkClient)?.unwrap_or_default();
                continue;
            }
            match read_token(&mut r, version, &out.columns)? {
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

#[cfg(test)]
mod tests {
    use holdfast_base::ByteWriter;

    use super::*;
    use crate::wire;

    #[test]
    fn a_text_column_comes_with_one_table_name_in_every_version() {
        for version in [TdsVersion::V7_1, TdsVersion::V7_4] {
            let mut w = ByteWriter::new();
            w.u8(code::COL_METADATA).u16(1);
            if version.has_72() {
                w.u32(0);
            } else {
                w.u16(0);
            }
            w.u16(0).u8(0x23).u32(0x7FFF_FFFF).bytes(&[0x09, 0x04, 0xD0, 0x00, 0x34]);
            wire::put_us_varchar(&mut w, "#t");
            wire::put_b_varchar(&mut w, "c");
            w.u8(code::ROW).u8(16).bytes(&[0xFF; 24]).u32(3).bytes(b"abc");
            w.u8(code::ROW).u8(0);
            let load = BulkLoad::decode(&w.buf, version).unwrap();
            assert_eq!(load.columns.len(), 1);
            assert_eq!(
                (load.columns[0].name.as_str(), load.columns[0].table.as_slice()),
                ("c", &["#t".to_owned()][..])
            );
            assert_eq!(load.rows, [[Value::string("abc")], [Value::Null]]);
        }
    }
}
