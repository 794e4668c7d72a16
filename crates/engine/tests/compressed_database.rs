//! A whole database with ROW and PAGE compressed tables beside the same rows uncompressed: scans, seeks in both directions,
//! and the checker. It proves that reader and generator agree, not that either is what SQL Server does.

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::access::{KeyRange, ReadContext};
use holdfast_engine::catalog::TableDef;
use holdfast_format::{MemoryPages, PageSource, PageView};
use holdfast_generator::sample;
use holdfast_types::{SqlType, Value};

const ROWS: u64 = 3_000;

fn rows(table: &TableDef) -> Vec<Vec<Value>> {
    let ordinals: Vec<usize> = (0..table.columns.len()).collect();
    let types: Vec<SqlType> = table.columns.iter().map(|c| c.ty).collect();
    let mut scan = table.access.scan(&ReadContext::unlocked(), &ordinals).expect("scans");
    let mut out = Vec::new();
    while let Some(batch) = scan.next_batch().unwrap_or_else(|e| panic!("{}: {e}", table.name)) {
        out.extend((0..batch.len).map(|i| batch.row(i, &types)));
    }
    out
}

#[test]
fn compressed_tables_hold_what_plain_ones_hold() {
    let database = sample::compressed(ROWS).expect("builds");
    let mut pages = MemoryPages::new();
    let (mut informed, mut used) = (0, 0);
    for number in 0..database.file_pages {
        let page = database.page(number).expect("page");
        informed += usize::from(page[0] == 1 && PageView::new(&page).is_page_compressed());
        used += usize::from(page[0] == 1);
        pages.set(PageId::new(1, number), page);
    }
    // Most of the leaves of the third table: few enough to show that values are shared, many enough for two levels.
    assert!(informed > 10, "{informed} of {used}");
    let source: Arc<dyn PageSource> = Arc::new(pages);
    let report = holdfast_engine::check::check(&source, &mut |_, _| {});
    assert!(report.is_clean(), "{:?}", report.findings.iter().take(5).collect::<Vec<_>>());
    let catalog = DatabaseCatalog::open(5, None, source).expect("opens");
    let tables = catalog.user_tables().expect("tables");
    let table = |name: &str| tables.iter().find(|t| &*t.name == name).expect("the table");
    let plain = rows(table("Plain"));
    assert_eq!(plain.len() as u64, ROWS);
    for name in ["ByRow", "ByPage"] {
        let table = table(name);
        let found = rows(table);
        for (a, b) in plain.iter().zip(&found) {
            assert_eq!(a, b, "{name}");
        }
        assert_eq!(found.len(), plain.len(), "{name}");
        let types: Vec<SqlType> = table.columns.iter().map(|c| c.ty).collect();
        let seek = |range: &KeyRange, backward: bool| {
            let ordinals: Vec<usize> = (0..types.len()).collect();
            let read = ReadContext::unlocked();
            let mut source = table.access.seek(&read, 1, range.clone(), &ordinals, backward).expect("seeks");
            let mut out = Vec::new();
            while let Some(batch) = source.next_batch().expect("batch") {
                out.extend((0..batch.len).map(|i| batch.row(i, &types)));
            }
            out
        };
        for row in plain.iter().step_by(97) {
            assert_eq!(
                seek(&KeyRange::point(vec![row[0].clone()]), false),
                std::slice::from_ref(row),
                "{name}"
            );
        }
        let mut backward = seek(&KeyRange::all(), true);
        backward.reverse();
        assert!(backward == plain, "{name}");
    }
    let script = holdfast_engine::script::schema(&catalog).expect("script");
    assert!(
        script.contains("WITH (DATA_COMPRESSION = ROW)") && script.contains("WITH (DATA_COMPRESSION = PAGE)")
    );
}
