//! Prints rows of system base tables of the genuine corpus, to see how the server stores something:
//! `cargo run -p holdfast-engine --example catalog_rows -- sysschobjs SO sysobjvalues 63`, pairs of a table and a text that a
//! cell of the row must be equal to (`*`: any row).
#![allow(missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;

use holdfast_engine::DatabaseCatalog;
use holdfast_types::Value;

fn shown(v: &Value) -> String {
    match v {
        Value::Null => "NULL".into(),
        Value::String(s) => s.to_text().trim_end().to_owned(),
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::TinyInt(n) => n.to_string(),
        Value::SmallInt(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::Binary(b) => b.iter().take(80).fold("0x".to_owned(), |s, x| s + &format!("{x:02x}")),
        Value::Variant(v) => format!("({}){}", v.ty, shown(&v.value)),
        Value::DateTime(_) => "…".into(),
        other => format!("{other:?}"),
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for (name, pages) in common::all_databases() {
        let Ok(catalog) = DatabaseCatalog::open(5, None, Arc::new(pages)) else { continue };
        for pair in wanted.chunks_exact(2) {
            let Ok((columns, rows)) = catalog.base_values(&pair[0]) else { continue };
            for row in rows {
                let cells: Vec<String> = row.iter().map(shown).collect();
                if pair[1] == "*" || cells.contains(&pair[1]) {
                    let cells: Vec<String> =
                        columns.iter().zip(cells).map(|(c, v)| format!("{c}={v}")).collect();
                    println!("{name}\t{}\t{}\t{}", catalog.version(), pair[0], cells.join(" "));
                }
            }
        }
    }
}
