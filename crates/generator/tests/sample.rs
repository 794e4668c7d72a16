//! The sample database is read back by the format crate's own readers: catalogue, allocation, every tree.

use std::collections::HashSet;

use holdfast_backup::data::{Place, extents};
use holdfast_backup::{Device, Media};
use holdfast_base::{PAGE_SIZE, PageId};
use holdfast_format::allocation::iam::{PfsReader, unit_pages};
use holdfast_format::catalog::{BaseColumn, SystemTables, object};
use holdfast_format::page::check::check_page;
use holdfast_format::page::protection::verify;
use holdfast_format::{MemoryPages, PageSource, PageView};
use holdfast_generator::backup::{Options, write};
use holdfast_generator::database::Database;
use holdfast_generator::sample;

fn image(database: &Database) -> MemoryPages {
    let mut pages = MemoryPages::new();
    for first in &database.backup_extents {
        for page in *first..*first + 8 {
            pages.set(PageId::new(1, page), database.page(page).expect("page"));
        }
    }
    pages
}

#[test]
fn the_catalogue_reads_back() {
    let database = sample::sample().expect("builds");
    let pages = image(&database);
    let system = SystemTables::open(&pages).expect("opens");
    let column = |name: &str, column_id| BaseColumn { name: name.to_owned(), column_id };
    let wanted = vec![column("id", 1), column("name", 2), column("type", 6)];
    let objects = system.read_table(&pages, object::SYSSCHOBJS, wanted).expect("objects");
    let names: HashSet<String> =
        objects.iter().filter(|r| r.text("type") == "U ").map(|r| r.text("name").to_owned()).collect();
    for name in ["Customers", "Products", "Orders", "OrderLines", "EveryType"] {
        assert!(names.contains(name), "{names:?}");
    }
    assert!(objects.iter().count() > 2_500);
}

#[test]
fn every_page_is_owned_and_sound() {
    let database = sample::big(120_000).expect("builds");
    let pages = image(&database);
    let system = SystemTables::open(&pages).expect("opens");
    let mut owned = HashSet::new();
    let mut units = 0;
    for rowset in system.layouts().map(|(id, _)| id).collect::<Vec<_>>() {
        for unit in system.units_of(rowset) {
            if unit.first_iam.is_null() {
                continue;
            }
            units += 1;
            for page in unit_pages(&pages, unit.first_iam).expect("unit pages") {
                assert!(owned.insert(page), "{page} twice");
                let bytes = pages.page(page).expect("page");
                let view = PageView::new(&bytes);
                assert_eq!(view.page_id(), page);
                assert_eq!(view.unit_id(), unit.id);
            }
        }
    }
    assert!(units > 40, "{units}");
    let mut findings = Vec::new();
    let mut pfs = PfsReader::default();
    for first in &database.backup_extents {
        for number in *first..*first + 8 {
            let id = PageId::new(1, number);
            let bytes = database.page(number).expect("page");
            if bytes[0] == 0 {
                continue;
            }
            assert_eq!(verify(&bytes).map_err(|e| e.to_string()), Ok(()), "{id}");
            check_page(PageView::new(&bytes), id, &mut findings);
            assert!(pfs.byte(&pages, id).expect("pfs") & 0x40 != 0, "{id} is formatted but not allocated");
        }
    }
    assert!(findings.is_empty(), "{:?}", findings.iter().map(|f| f.what.clone()).collect::<Vec<_>>());
}

#[test]
fn the_backup_reads_back_plain_and_compressed() {
    let database = sample::sample().expect("builds");
    for (compressed, checksum) in [(false, true), (true, true), (true, false)] {
        let options = Options { compressed, checksum };
        let bytes = write(&database, Vec::new(), options, &|_| {}).expect("writes");
        let media = Media::open(Device::from_bytes("sample", bytes)).expect("opens");
        assert!(media.problem.is_none(), "{:?}", media.problem);
        assert_eq!(media.is_compressed(), compressed);
        let set = &media.sets[0];
        let info = set.info().expect("configuration");
        assert_eq!((info.database_name.as_str(), info.database_version), ("Harbour", 904));
        let mut reader = holdfast_backup::BatchReader::new(&media.device, set.pages[0]);
        let (mut seen, mut out) = (Vec::new(), Vec::new());
        while let Some(batch) = reader.next_batch(Vec::new()).expect("reads") {
            let offset = batch.offset;
            batch.unpack(&mut out).expect("unpacks");
            for e in extents(&out, offset) {
                if let Place::At(1, page) = e.place {
                    seen.push(page);
                    for (i, bytes) in e.bytes.chunks(PAGE_SIZE).enumerate() {
                        assert!(bytes == database.page(page + i as u32).expect("page").as_slice());
                    }
                }
            }
        }
        assert_eq!(seen, database.backup_extents);
    }
}
