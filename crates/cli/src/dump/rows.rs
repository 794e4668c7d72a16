//! Rows as CSV and JSON lines.
//!
//! CSV: RFC 4180 with a header line; NULL is an empty field, an empty string is `""`. JSON lines: one object a row; integers
//! and bits are numbers and booleans, NULL is null, everything else is its canonical text.

use std::io::{BufWriter, Write};

use holdfast_engine::catalog::TableDef;
use holdfast_types::canonical::canonical_text;
use holdfast_types::{SqlType, Value};

/// Columns that have stored values, by ordinal.
pub fn stored_columns(table: &TableDef) -> Vec<usize> {
    let stored = |i: &usize| table.columns[*i].computed.is_none() || table.columns[*i].persisted;
    (0..table.columns.len()).filter(stored).collect()
}

/// Calls `each` for every row. Answers the number of rows.
pub fn for_each_row(
    table: &TableDef,
    columns: &[usize],
    mut each: impl FnMut(&[Value]) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let types: Vec<SqlType> = columns.iter().map(|&c| table.columns[c].ty).collect();
    let mut scan = table.access.scan(&holdfast_engine::access::ReadContext::unlocked(), columns)?;
    let mut count = 0;
    while let Some(batch) = scan.next_batch()? {
        for row in 0..batch.len {
            each(&batch.row(row, &types))?;
            count += 1;
        }
    }
    Ok(count)
}

pub fn csv(table: &TableDef, out: impl Write) -> anyhow::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let columns = stored_columns(table);
    let header: Vec<String> = columns.iter().map(|&c| field(&table.columns[c].name)).collect();
    write!(out, "{}\r\n", header.join(","))?;
    let count = for_each_row(table, &columns, |row| {
        for (i, value) in row.iter().enumerate() {
            if i > 0 {
                out.write_all(b",")?;
            }
            if let Some(text) = canonical_text(value, &table.columns[columns[i]].ty) {
                out.write_all(field(&text).as_bytes())?;
            }
        }
        out.write_all(b"\r\n")?;
        Ok(())
    })?;
    out.flush()?;
    Ok(count)
}

/// A field, quoted when it has to be.
fn field(text: &str) -> String {
    let quote = text.is_empty()
        || text.contains([',', '"', '\r', '\n'])
        || text.starts_with(' ')
        || text.ends_with(' ');
    if quote { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

pub fn json_lines(table: &TableDef, out: impl Write) -> anyhow::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let columns = stored_columns(table);
    let names: Vec<String> =
        columns.iter().map(|&c| serde_json::to_string(&*table.columns[c].name)).collect::<Result<_, _>>()?;
    let count = for_each_row(table, &columns, |row| {
        for (i, value) in row.iter().enumerate() {
            write!(out, "{}{}:", if i == 0 { "{" } else { "," }, names[i])?;
            json_value(&mut out, value, &table.columns[columns[i]].ty)?;
        }
        out.write_all(b"}\n")?;
        Ok(())
    })?;
    out.flush()?;
    Ok(count)
}

fn json_value(out: &mut impl Write, value: &Value, ty: &SqlType) -> anyhow::Result<()> {
    match value {
        Value::Null => out.write_all(b"null")?,
        Value::Bit(b) => write!(out, "{b}")?,
        Value::TinyInt(v) => write!(out, "{v}")?,
        Value::SmallInt(v) => write!(out, "{v}")?,
        Value::Int(v) => write!(out, "{v}")?,
        Value::BigInt(v) => write!(out, "{v}")?,
        Value::Real(v) if v.is_finite() => write!(out, "{v:e}")?,
        Value::Float(v) if v.is_finite() => write!(out, "{v:e}")?,
        other => {
            let text = canonical_text(other, ty).unwrap_or_default();
            serde_json::to_writer(out, &text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn csv_fields_are_quoted_when_needed() {
        assert_eq!(field("a"), "a");
        assert_eq!(field(""), "\"\"");
        assert_eq!(field("a\"b,c"), "\"a\"\"b,c\"");
        assert_eq!(field(" x"), "\" x\"");
    }
}
