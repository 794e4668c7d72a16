//! How fast a stored table is scanned: generates a database in memory and scans its largest table, column by column.
//!
//! `cargo run --release -p holdfast-engine --example scan_speed -- 5000000`

use std::sync::Arc;
use std::time::Instant;

use holdfast_base::PageId;
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::access::{KeyRange, ReadContext};
use holdfast_format::MemoryPages;
use holdfast_types::Value;

fn main() {
    let rows = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1_000_000u64);
    let database = holdfast_generator::sample::big(rows).expect("generated");
    let mut pages = MemoryPages::new();
    for number in 0..database.file_pages {
        pages.set(PageId::new(1, number), database.page(number).expect("page"));
    }
    let catalog = DatabaseCatalog::open(5, None, Arc::new(pages)).expect("opens");
    let started = Instant::now();
    let mut sum = 0u64;
    for number in 0..database.file_pages {
        let page = catalog.source().page(PageId::new(1, number)).expect("page");
        for word in page.chunks_exact(8) {
            sum = sum.wrapping_add(u64::from_le_bytes(word.try_into().expect("8")));
        }
    }
    println!("all bytes summed ({sum:x}): {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let tables = catalog.user_tables().expect("tables");
    let table = tables.iter().max_by_key(|t| t.row_count).expect("a table");
    println!("{table:?}: {} rows, {} pages", table.row_count, table.page_count);
    let run = |what: &str, columns: &[usize], parts: usize| {
        let mut best = f64::MAX;
        let mut counted = 0usize;
        for _ in 0..5 {
            let started = Instant::now();
            let sources = table.access.parallel_scan(&ReadContext::unlocked(), columns, parts).expect("scan");
            counted = std::thread::scope(|scope| {
                let threads: Vec<_> = sources
                    .into_iter()
                    .map(|mut source| {
                        scope.spawn(move || {
                            let mut n = 0;
                            while let Some(batch) = source.next_batch().expect("batch") {
                                n += batch.len;
                            }
                            n
                        })
                    })
                    .collect();
                threads.into_iter().map(|t| t.join().expect("joined")).sum()
            });
            best = best.min(started.elapsed().as_secs_f64());
        }
        let seconds = best;
        println!("{what:<40} {:>8.1} ms {:>8.2} M rows/s", seconds * 1e3, counted as f64 / seconds / 1e6);
    };
    run("no columns", &[], 1);
    for (ordinal, column) in table.columns.iter().enumerate() {
        run(&format!("{} {}", column.name, column.ty), &[ordinal], 1);
    }
    let all: Vec<usize> = (0..table.columns.len()).collect();
    run("all columns", &all, 1);
    run("all columns, 2 threads", &all, 2);
    if let Some(index) = table.indexes.iter().find(|i| !i.disabled && i.keys.len() == 1 || i.primary_key) {
        let key_types: Vec<usize> = index.keys.iter().map(|k| k.ordinal).collect();
        println!("seeks through index {:?} on columns {key_types:?}", index.name);
        let started = Instant::now();
        let mut found = 0;
        let count = 20_000i32;
        for i in 0..count {
            let key = match table.columns[key_types[0]].ty.id {
                holdfast_types::TypeId::BigInt => Value::BigInt(i64::from(i) * 37 + 1),
                _ => Value::Int(i * 37 + 1),
            };
            let mut source = table
                .access
                .seek(&ReadContext::unlocked(), index.index_id, KeyRange::point(vec![key]), &all, false)
                .expect("seek");
            while let Some(batch) = source.next_batch().expect("batch") {
                found += batch.len;
            }
        }
        println!(
            "{count} seeks, {found} rows: {:.2} µs each",
            started.elapsed().as_secs_f64() * 1e6 / f64::from(count)
        );
    }
}
