//! Every page, record, map and catalog row of the genuine data files: decoded, re-encoded to the same bytes, cross-checked.

use holdfast_base::{PAGE_SIZE, PageId};
use holdfast_format::allocation::{ExtentMap, MapKind, iam, map_page, pfs, pfs_page};
use holdfast_format::boot::BootPage;
use holdfast_format::catalog::{SystemTables, object, unit_type};
use holdfast_format::file_header::FileHeader;
use holdfast_format::page::{PageHeader, check::check_page, protection};
use holdfast_format::record::row::RowKind;
use holdfast_format::record::writer::Parts;
use holdfast_format::record::{Field, FixedVar, PageRows, RecordType, Row, record_length};
use holdfast_format::{MemoryPages, PageBytes, PageSource, PageType, PageView, btree, lob};

fn data_files() -> Vec<(String, Vec<u8>)> {
    holdfast_testkit::corpus()
        .iter()
        .filter(|f| f.column("kind") == "mdf")
        .map(|f| (f.name().to_owned(), f.read()))
        .collect()
}

fn pages(bytes: &[u8]) -> impl Iterator<Item = PageBytes> + '_ {
    bytes.chunks_exact(PAGE_SIZE).map(|c| c.try_into().expect("a page"))
}

fn is_allocated(source: &MemoryPages, id: PageId) -> bool {
    let at = pfs_page(id);
    let page = source.page(at).expect("PFS page");
    pfs::PfsMap::read(PageView::new(&page), at).expect("PFS").byte(id.page) & pfs::ALLOCATED != 0
}

#[test]
fn protection_of_every_page_verifies_and_stamps_equal() {
    for (name, bytes) in data_files() {
        let source = MemoryPages::from_file(&bytes);
        for (number, page) in pages(&bytes).enumerate() {
            let id = PageId::new(1, number as u32);
            if !is_allocated(&source, id) {
                continue;
            }
            protection::verify(&page).unwrap_or_else(|e| panic!("{name}: {e}"));
            let header = PageHeader::decode(&page);
            let mut again = page;
            header.encode(&mut again);
            assert_eq!(again, page, "{name} {id}");
            if header.flags & 0x200 != 0 {
                protection::stamp_checksum(&mut again);
                assert_eq!(again, page, "{name} {id}");
            } else if header.flags & 0x100 != 0 {
                protection::restore_torn(&mut again).expect("not torn");
                protection::stamp_torn(&mut again, header.torn_bits as u8 & 3);
                assert_eq!(again, page, "{name} {id}");
            }
        }
    }
}

#[test]
fn every_allocated_page_is_consistent_and_its_records_reassemble() {
    let mut records = 0;
    for (name, bytes) in data_files() {
        let source = MemoryPages::from_file(&bytes);
        for number in 0..source.page_count(1) {
            let id = PageId::new(1, number);
            if !is_allocated(&source, id) {
                continue;
            }
            let page = source.page(id).expect("page");
            let view = PageView::new(&page);
            let mut findings = Vec::new();
            check_page(view, id, &mut findings);
            assert!(findings.is_empty(), "{name}: {findings:?}");
            if !view.is(PageType::Data) && !view.is(PageType::Index) {
                continue;
            }
            for slot in 0..view.slot_count() {
                let Some(bytes) = view.record(slot) else { continue };
                let index = view.is(PageType::Index);
                let length = record_length(bytes, index, view.pminlen()).expect("length");
                if RecordType::of(bytes[0]) == RecordType::Stub {
                    continue;
                }
                let record = if index {
                    FixedVar::parse_index(bytes, view.pminlen())
                } else {
                    FixedVar::parse_data(bytes)
                };
                let parts = Parts::of(&record.expect("parses")).expect("parts");
                assert_eq!(parts.assemble(), bytes[..length], "{name} {id} slot {slot}");
                records += 1;
            }
        }
    }
    assert!(records == 0 || records > 20_000, "{records}");
}

#[test]
fn boot_and_file_header_write_back_what_they_read() {
    for (name, bytes) in data_files() {
        let source = MemoryPages::from_file(&bytes);
        let page = *source.page(PageId::new(1, 9)).expect("boot page");
        let boot = BootPage::read(&page).expect("boot");
        let mut again = page;
        boot.write(&mut again).expect("writes");
        assert_eq!(again, page, "{name}");
        assert!(name.starts_with(&boot.version.to_string()), "{name} {}", boot.version);
        let page = *source.page(PageId::new(1, 0)).expect("file header");
        let header = FileHeader::read(&page).expect("header");
        let mut again = page;
        header.write(&mut again).expect("writes");
        assert_eq!(again, page, "{name}");
        assert_eq!(header.size, source.page_count(1), "{name}");
    }
}

#[test]
fn catalog_row_counts_and_units_agree_with_the_pages() {
    for (name, bytes) in data_files() {
        let source = MemoryPages::from_file(&bytes);
        let tables = SystemTables::open(&source).unwrap_or_else(|e| panic!("{name}: {e}"));
        let columns = tables.read_columns(&source).expect("syscolpars");
        assert!(columns.len() > 400, "{name}");
        for rowset in &tables.rowsets {
            let Some(unit) = tables.unit(rowset.id, unit_type::IN_ROW) else { continue };
            let layout = tables.layout(rowset.id).unwrap_or_else(|| panic!("{name}: {rowset:?}"));
            if unit.root.is_null() && unit.first_iam.is_null() {
                assert_eq!(rowset.rows, 0, "{name} {rowset:?}");
                continue;
            }
            let leaves: Vec<PageId> = if rowset.index_id == 0 {
                iam::unit_pages(&source, unit.first_iam).expect("iam")
            } else {
                btree::leaves(&source, unit.root, rowset.index_id == 1)
                    .expect("tree")
                    .map(|p| p.expect("leaf").0)
                    .collect()
            };
            let mut count = 0i64;
            let mut scratch = Vec::new();
            for at in leaves {
                let page = source.page(at).expect("page");
                let rows = PageRows::new(PageView::new(&page)).expect("rows");
                for slot in 0..rows.len() {
                    let Some(row) = rows.row(slot).expect("row") else { continue };
                    if !matches!(row.kind(), RowKind::Row | RowKind::Forwarded) {
                        continue;
                    }
                    count += 1;
                    for position in 0..layout.columns.len() {
                        let field = row.field(layout, position, false, &mut scratch).expect("field");
                        if let Field::Complex(pointer) = field
                            && !layout.columns[position].is_dropped()
                        {
                            lob::read(&source, pointer).unwrap_or_else(|e| panic!("{name} {at} {slot}: {e}"));
                        }
                    }
                }
            }
            // A disabled count (0 with rows) does not occur; see docs/format/catalog.md.
            assert_eq!(count, rowset.rows, "{name} {rowset:?}");
        }
    }
}

#[test]
fn allocation_maps_agree() {
    for (name, bytes) in data_files() {
        let source = MemoryPages::from_file(&bytes);
        let tables = SystemTables::open(&source).expect("catalog");
        let mut owned = vec![false; source.page_count(1) as usize];
        for unit in &tables.units {
            for (at, page) in iam::chain(&source, unit.first_iam).expect("chain") {
                assert!(is_allocated(&source, at), "{name} IAM {at}");
                let decoded = iam::Iam::read(PageView::new(&page), at).expect("IAM");
                assert_eq!(PageView::new(&page).unit_id(), unit.id, "{name} {at}");
                for start in decoded.extent_starts() {
                    let gam = map_page(MapKind::Gam, start);
                    let gam_page = source.page(gam).expect("GAM");
                    let map = ExtentMap::read(PageView::new(&gam_page), gam).expect("GAM");
                    assert!(!map.is_set(start.page / 8), "{name} {start} is free in the GAM");
                }
            }
            for page in iam::unit_pages(&source, unit.first_iam).expect("pages") {
                assert!(
                    !std::mem::replace(&mut owned[page.page as usize], true),
                    "{name} {page} owned twice"
                );
            }
        }
    }
}

#[test]
fn mutated_databases_give_errors_and_never_panic() {
    let Some((_, bytes)) = data_files().into_iter().find(|(n, _)| n.starts_with("706")) else { return };
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let clean = MemoryPages::from_file(&bytes);
    let tables = SystemTables::open(&clean).expect("opens");
    let allocated: Vec<u32> =
        (0..clean.page_count(1)).filter(|n| is_allocated(&clean, PageId::new(1, *n))).collect();
    let mut scratch = Vec::new();
    for round in 0..3000 {
        let number = allocated[random() as usize % allocated.len()];
        let id = PageId::new(1, number);
        let mut page = *clean.page(id).expect("page");
        for _ in 0..1 + random() % 8 {
            let at = match random() % 3 {
                0 => random() as usize % 96,
                1 => PAGE_SIZE - 1 - random() as usize % 200,
                _ => random() as usize % PAGE_SIZE,
            };
            page[at] = random() as u8;
        }
        let view = PageView::new(&page);
        check_page(view, id, &mut Vec::new());
        if let Ok(rows) = PageRows::new(view) {
            for slot in 0..rows.len().min(200) {
                if let Ok(Some(row)) = rows.row(slot) {
                    for (_, layout) in tables.layouts().take(3) {
                        for position in 0..layout.columns.len() {
                            let _ = row.field(layout, position, round % 2 == 0, &mut scratch);
                        }
                    }
                    if let Row::Plain(record) = row {
                        let _ = record.child();
                        let _ = record.back_pointer();
                    }
                }
            }
        }
        let _ = BootPage::read(&page);
        let _ = FileHeader::read(&page);
        if round % 10 == 0 {
            let mut source = clean.clone();
            source.set(id, page);
            if let Ok(tables) = SystemTables::open(&source) {
                let _ = tables.read_columns(&source);
                let _ = tables.read_table(&source, object::SYSOBJVALUES, Vec::new());
                for unit in tables.units.iter().take(50) {
                    let _ = iam::unit_pages(&source, unit.first_iam);
                }
            }
        }
    }
}
