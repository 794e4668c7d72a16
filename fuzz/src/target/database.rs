//! Databases as pages: one page with all its records, and a whole database opened, scanned, sought, scripted and checked.

use std::sync::Arc;

use holdfast_base::{PAGE_SIZE, PageId, Rid};
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::access::{KeyRange, ReadContext};
use holdfast_format::allocation::{iam, pfs};
use holdfast_format::boot::BootPage;
use holdfast_format::file_header::FileHeader;
use holdfast_format::lob;
use holdfast_format::page::check::check_page;
use holdfast_format::record::{PageRows, sparse};
use holdfast_format::{MemoryPages, PageSource, PageView};

use super::corpus_files;
use crate::Target;

pub fn targets() -> Vec<Target> {
    vec![
        Target { name: "page", what: "one page of any type", seeds: pages, run: page, changes: 8 },
        Target {
            name: "database",
            what: "a database opened, scripted, checked and every table read",
            seeds: databases,
            run: database,
            changes: 64,
        },
        Target { name: "lob", what: "a value out of row", seeds: lobs, run: lob_value, changes: 6 },
    ]
}

/// Images of data files: the smallest genuine ones and a made one.
fn databases() -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> =
        corpus_files(4, |f| f.name().ends_with(".mdf")).into_iter().map(|(_, b)| b).collect();
    if let Ok(sample) = holdfast_generator::sample::sample() {
        out.push((0..sample.file_pages).filter_map(|n| sample.page(n).ok()).flatten().collect());
    }
    out
}

/// Pages of every type out of the databases.
fn pages() -> Vec<Vec<u8>> {
    let mut by_type: std::collections::BTreeMap<(u8, u8), Vec<Vec<u8>>> = Default::default();
    for file in databases() {
        for page in file.chunks_exact(PAGE_SIZE).filter(|p| p[0] == 1) {
            let list = by_type.entry((page[1], page[3])).or_default();
            if list.len() < 24 {
                list.push(page.to_vec());
            }
        }
    }
    by_type.into_values().flatten().collect()
}

fn page(data: &[u8]) {
    let mut bytes = [0u8; PAGE_SIZE];
    let length = data.len().min(PAGE_SIZE);
    bytes[..length].copy_from_slice(&data[..length]);
    let view = PageView::new(&bytes);
    let id = view.page_id();
    check_page(view, id, &mut Vec::new());
    let _ = BootPage::read(&bytes);
    let _ = FileHeader::read(&bytes);
    let _ = iam::Iam::read(view, id);
    let _ = pfs::PfsMap::read(view, id);
    for slot in 0..view.slot_count().min(4096) {
        if let Some(record) = view.record(slot) {
            let _ = lob::decode_node(record);
            let _ = lob::Pointer::decode(record);
            let _ = sparse::find(record, 3);
        }
    }
    if let Ok(rows) = PageRows::new(view) {
        for slot in 0..rows.len().min(4096) {
            if let Ok(Some(row)) = rows.row(slot) {
                let _ = row.kind();
            }
        }
    }
}

fn database(data: &[u8]) {
    let source: Arc<dyn PageSource> = Arc::new(MemoryPages::from_file(data));
    let _ = holdfast_engine::check::check(&source, &mut |_, _| {});
    let Ok(catalog) = DatabaseCatalog::open(5, None, source) else { return };
    let _ = holdfast_engine::script::schema(&catalog);
    for object in catalog.objects() {
        let Ok(Some(table)) = catalog.table(object.id) else { continue };
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        // A chain that was bent into a circle is an error of the scan, not an endless one.
        let limit = data.len();
        let mut count = 0;
        if let Ok(mut scan) = table.access.scan(&ReadContext::unlocked(), &columns) {
            while let Ok(Some(batch)) = scan.next_batch() {
                count += batch.len;
                assert!(count <= limit, "a scan without end");
            }
        }
        for index in &table.indexes {
            let mut count = 0;
            if let Ok(mut seek) =
                table.access.seek(&ReadContext::unlocked(), index.index_id, KeyRange::all(), &[0], true)
            {
                while let Ok(Some(batch)) = seek.next_batch() {
                    count += batch.len;
                    assert!(count <= limit, "a seek without end");
                }
            }
        }
    }
}

/// A pointer of 24 bytes, then two pages it may lead to.
fn lobs() -> Vec<Vec<u8>> {
    let id = 77u64 << 16;
    let data: Vec<u8> = (0..3000u32).map(|i| i as u8).collect();
    let mut page = [0u8; PAGE_SIZE];
    page[0] = 1;
    page[1] = 3;
    let link =
        |end: u64, page: u32, slot: u16| lob::Link { end, target: Rid { page: PageId::new(1, page), slot } };
    let records = [
        lob::build_data(id, &data),
        lob::build_large_root(id, 0, &[link(3000, 0, 0)]),
        lob::build_internal(id, 0, 501, &[link(3000, 0, 0)]),
        lob::build_small_root(id, &data[..40]),
    ];
    let mut at = 96;
    for (slot, record) in records.iter().enumerate() {
        page[at..at + record.len()].copy_from_slice(record);
        let place = PAGE_SIZE - 2 * (slot + 1);
        page[place..place + 2].copy_from_slice(&(at as u16).to_le_bytes());
        at += record.len();
    }
    page[22..24].copy_from_slice(&(records.len() as u16).to_le_bytes());
    let inline = |kind: u8, level: u8, slot: u16| {
        let mut p = vec![kind, 0, level, 0, 1, 0, 0, 0];
        p.extend((77u32).to_le_bytes());
        p.extend(3000u32.to_le_bytes());
        p.extend(0u32.to_le_bytes());
        p.extend(1u16.to_le_bytes());
        p.extend(slot.to_le_bytes());
        p
    };
    let text = |slot: u16| {
        let mut p = id.to_le_bytes().to_vec();
        p.extend(0u32.to_le_bytes());
        p.extend(1u16.to_le_bytes());
        p.extend(slot.to_le_bytes());
        p.resize(24, 0);
        p
    };
    [inline(4, 0, 0), inline(4, 1, 2), inline(2, 0, 0), text(1), text(3)]
        .into_iter()
        .map(|pointer| [pointer, page.to_vec(), page.to_vec()].concat())
        .collect()
}

fn lob_value(data: &[u8]) {
    let (pointer, pages) = data.split_at(24.min(data.len()));
    let source = MemoryPages::from_file(pages);
    for length in [16, 24] {
        let _ = lob::read(&source, pointer.get(..length).unwrap_or(pointer));
    }
}
