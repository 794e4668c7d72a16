//! The checker finds nothing on undamaged genuine databases, and something on damaged ones.

mod common;

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::access::{BatchSource, KeyRange, ReadContext};
use holdfast_engine::check::check;
use holdfast_format::PageSource;
use holdfast_format::page::protection;

#[test]
fn genuine_databases_are_clean() {
    for (name, pages) in common::all_databases() {
        let source: Arc<dyn PageSource> = Arc::new(pages);
        let report = check(&source, &mut |_, _| {});
        assert!(report.is_clean(), "{name}: {:#?}", &report.findings[..report.findings.len().min(10)]);
        assert!(report.tables_checked > 40 && report.rows_checked > 1000, "{name}: {report:?}");
    }
}

#[test]
fn damage_is_found_and_never_panics() {
    let Some((_, clean)) = common::data_files().into_iter().find(|(n, _)| n.starts_with("706")) else {
        return;
    };
    let count = clean.page_count(1);
    let mut seed = 88_172_645_463_325_252u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut found = 0;
    for round in 0..60 {
        let mut pages = clean.clone();
        let id = PageId::new(1, 1 + random() as u32 % (count - 1).min(250));
        let mut page = *pages.page(id).expect("page");
        if page[0] != 1 {
            continue;
        }
        for _ in 0..3 {
            let at = if round % 2 == 0 { random() as usize % 96 } else { 96 + random() as usize % 8096 };
            page[at] ^= 1 << (random() % 8);
        }
        if page[5] & 2 != 0 {
            protection::stamp_checksum(&mut page);
        }
        pages.set(id, page);
        let source: Arc<dyn PageSource> = Arc::new(pages);
        read_everything(&source);
        found += u32::from(!check(&source, &mut |_, _| {}).is_clean());
    }
    assert!(found > 10, "{found}");
}

/// Scans every table and walks every index; errors are fine, panics and endless loops are not.
fn read_everything(source: &Arc<dyn PageSource>) {
    let Ok(catalog) = DatabaseCatalog::open(5, None, source.clone()) else { return };
    for object in catalog.objects() {
        if !matches!(&*object.kind, "U" | "S") {
            continue;
        }
        let Ok(Some(table)) = catalog.table(object.id) else { continue };
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        let drain = |source: holdfast_types::SqlResult<Box<dyn BatchSource>>| {
            if let Ok(mut source) = source {
                while let Ok(Some(_)) = source.next_batch() {}
            }
        };
        drain(table.access.scan(&ReadContext::unlocked(), &columns));
        for index in &table.indexes {
            drain(table.access.seek(
                &ReadContext::unlocked(),
                index.index_id,
                KeyRange::all(),
                &columns,
                index.index_id % 2 == 0,
            ));
        }
    }
    let _ = holdfast_engine::script::schema(&catalog);
}
