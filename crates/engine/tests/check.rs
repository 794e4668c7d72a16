//! The checker finds nothing on undamaged genuine databases, and something on damaged ones.

mod common;

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::access::{BatchSource, KeyRange, ReadContext};
use holdfast_engine::catalog::IndexKind;
use holdfast_engine::check::check;
use holdfast_format::PageSource;
use holdfast_format::allocation::iam;
use holdfast_format::page::protection;
use holdfast_format::source::MemoryPages;
use holdfast_types::TypeId;

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

/// Where one page of a file is changed: the page and what is done to it.
type Damage = (PageId, Box<dyn Fn(&mut [u8; 8192])>);

/// Bytes of a column in the record of a slot.
fn field_at(page: &[u8; 8192], slot: u16, offset: i32) -> usize {
    let entry = 8192 - 2 * (usize::from(slot) + 1);
    usize::from(u16::from_le_bytes([page[entry], page[entry + 1]])) + offset as usize
}

/// The numbers and texts that a database answers after one page was changed (its checksum being right again).
fn findings_after(clean: &MemoryPages, damage: &Damage) -> Vec<(i32, String)> {
    let mut pages = clean.clone();
    let mut page = *pages.page(damage.0).expect("page");
    damage.1(&mut page);
    if page[5] & 2 != 0 {
        protection::stamp_checksum(&mut page);
    }
    pages.set(damage.0, page);
    let source: Arc<dyn PageSource> = Arc::new(pages);
    let report = check(&source, &mut |_, _| {});
    report.findings.iter().map(|f| (f.number, f.to_string())).collect()
}

/// What SQL Server's own checker finds, too: rows that indexes do not have, keys that the level above denies, pages in use that count
/// as free, extents that are lost.
#[test]
fn rows_indexes_and_maps_agree() {
    let (mut rows, mut trees) = (0, 0);
    let files = common::data_files();
    for (_, clean) in &files {
        if rows < 8 {
            damage_tables(clean, &mut rows, &mut trees);
        }
    }
    assert!(files.is_empty() || rows > 2 && trees > 0, "{rows} rows, {trees} trees");
    // A free extent that the map calls taken.
    for (name, clean) in files.iter().take(3) {
        let gam = PageId::new(1, 2);
        let page = clean.page(gam).expect("the map");
        let size = clean.page_count(1) as usize / 8;
        let Some(free) = (0..size).find(|e| page[194 + e / 8] & 1 << (e % 8) != 0) else { continue };
        let damage: Damage = (gam, Box::new(move |page| page[194 + free / 8] &= !(1 << (free % 8))));
        let found = findings_after(clean, &damage);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [8905], "{name}: {found:?}");
    }
}

fn damage_tables(clean: &MemoryPages, rows: &mut u32, trees: &mut u32) {
    let source: Arc<dyn PageSource> = Arc::new(clean.clone());
    let catalog = DatabaseCatalog::open(5, None, source.clone()).expect("opens");
    let storage = catalog.storage();
    for object in catalog.objects().into_iter().filter(|o| &*o.kind == "U") {
        let Ok(Some(table)) = catalog.table(object.id) else { continue };
        let Some(rowset) = storage.rowsets_of(object.id).find(|r| r.index_id < 2) else { continue };
        let (Some(layout), Some(unit)) = (storage.layout(rowset.id), storage.unit(rowset.id, 1)) else {
            continue;
        };
        let own: Vec<PageId> = iam::unit_pages(&*source, unit.first_iam).expect("pages");
        let level = |id: &PageId, kind: u8| source.page(*id).is_ok_and(|p| p[1] == kind && p[22] > 0);
        // A column of a nonclustered index changes in the table only.
        let place = |ordinal: usize| {
            let position = layout.position_of(table.columns.get(ordinal)?.column_id)?;
            let c = &layout.columns[position];
            (c.leaf.offset > 0 && table.columns[ordinal].ty.id == TypeId::Int).then_some(c)
        };
        let key = table
            .indexes
            .iter()
            .filter(|i| i.kind == IndexKind::Nonclustered && !i.disabled)
            .find_map(|i| place(i.keys[0].ordinal));
        if let (Some(c), Some(&leaf)) = (key, own.iter().find(|id| level(id, 1))) {
            let offset = i32::from(c.leaf.offset);
            let damage: Damage = (leaf, Box::new(move |page| page[field_at(page, 0, offset) + 1] ^= 0x40));
            let found = findings_after(clean, &damage);
            let numbers: Vec<i32> = found.iter().map(|f| f.0).collect();
            assert!(numbers.contains(&8951) && numbers.contains(&8952), "{}: {found:?}", object.name);
            *rows += 1;
        }
        // The second key of a clustered root of whole numbers grows beyond the keys of its page.
        let root = own.iter().find(|id| level(id, 2) && source.page(**id).is_ok_and(|p| p[22] > 1)).copied();
        let clustered = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered);
        let key = clustered.and_then(|i| place(i.keys[0].ordinal));
        if let (Some(c), Some(root)) = (key, root) {
            let offset = i32::from(c.internal.offset);
            let damage: Damage = (root, Box::new(move |page| page[field_at(page, 1, offset) + 3] ^= 0x40));
            let found = findings_after(clean, &damage);
            assert!(found.iter().any(|f| f.1.contains("level above")), "{}: {found:?}", object.name);
            let leaf = own.iter().find(|id| level(id, 1)).copied().expect("a leaf");
            let pfs = holdfast_format::allocation::pfs_page(leaf);
            let at = 100 + (leaf.page % 8088) as usize;
            let damage: Damage = (pfs, Box::new(move |page| page[at] &= !0x40));
            let found = findings_after(clean, &damage);
            assert!(
                found.iter().any(|f| f.1.contains("not allocated in the PFS")),
                "{}: {found:?}",
                object.name
            );
            *trees += 1;
        }
    }
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
