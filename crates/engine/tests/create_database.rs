//! A new database is whole: opened from its files, its structure checked, its rows those of a genuine new one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_base::world::SystemEntropy;
use holdfast_disk::{Disk, RealDisk};
use holdfast_engine::check::check;
use holdfast_engine::database::DatabaseCatalog;
use holdfast_engine::instance::create::{DEFAULT_GROWTH, NewDatabaseOptions, NewFile};
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_engine::transaction::{Transaction, new_owner};
use holdfast_format::page::PADDED_UNIT;
use holdfast_format::{MemoryPages, PageSource, PageView};
use holdfast_storage::PageCache;
use holdfast_types::{CollationId, DateTime};

fn instance(dir: &Path) -> Arc<Instance> {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(16 << 20));
    Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |s| panic!("{s}")).expect("opens")
}

fn file(dir: &Path, log: bool, filegroup: u16, name: &str) -> NewFile {
    NewFile {
        log,
        filegroup,
        logical_name: name.into(),
        path: dir.join(name),
        size: if log { 128 } else { 1024 },
        max_size: None,
        growth: DEFAULT_GROWTH,
        percent: false,
    }
}

fn options(dir: &Path, name: &str, collation: CollationId) -> NewDatabaseOptions {
    NewDatabaseOptions {
        name: name.into(),
        collation,
        files: vec![file(dir, false, 1, "a.mdf"), file(dir, false, 2, "b.ndf"), file(dir, true, 0, "a.ldf")],
        filegroups: vec![(2, "more".into(), false)],
        compatibility_level: 110,
        status: 0x1_0000,
    }
}

fn pages(path: &Path) -> MemoryPages {
    MemoryPages::from_file(&std::fs::read(path).expect("reads"))
}

/// A moment in 2026, local seconds since 1970.
const CREATED: i64 = 1_790_000_000;

#[test]
fn a_new_database_is_whole_and_stays() {
    for collation in ["SQL_Latin1_General_CP1_CI_AS", "Latin1_General_BIN2", "Finnish_Swedish_100_CS_AS"] {
        let collation = CollationId::from_name(collation).expect("known");
        let dir = tempfile::tempdir().expect("folder");
        let data = dir.path().join("data");
        {
            let instance = instance(dir.path());
            let made = instance.create_database(&options(&data, "Shop", collation), CREATED, &SystemEntropy);
            assert_eq!(made.expect("made").id, 5);
            let properties = instance.online("shop").expect("open").properties();
            assert_eq!((properties.version, properties.collation), (706, collation));
            assert_eq!(properties.files.len(), 3);
            let again = instance.create_database(&options(&data, "SHOP", collation), CREATED, &SystemEntropy);
            assert_eq!(again.err().map(|e| e.number), Some(1801));
            let other = instance.create_database(&options(&data, "b", collation), CREATED, &SystemEntropy);
            assert_eq!(other.err().map(|e| e.number), Some(1834));
        }
        {
            let instance = instance(dir.path());
            assert!(instance.online("Shop").is_ok());
        }
        let source: Arc<dyn PageSource> = Arc::new(pages(&data.join("a.mdf")));
        let report = check(&source, &mut |_, _| {});
        let faults: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{:?}: {faults:?}", collation.name());
        let catalog = DatabaseCatalog::open(5, None, source).expect("opens");
        assert_eq!(catalog.base_table("sysschobjs").expect("rows").iter().count(), 2186);
        let instance = instance(dir.path());
        instance.drop_database("Shop").expect("dropped");
        assert!(!data.join("a.mdf").exists() && !data.join("b.ndf").exists() && !data.join("a.ldf").exists());
        assert_eq!(instance.online("shop").err().map(|e| e.number), Some(911));
    }
}

/// A stop at any write leaves the whole database or nothing.
#[test]
fn a_stop_while_making_leaves_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    let wanted = options(&data, "Shop", CollationId::SERVER_DEFAULT);
    {
        let _ = instance(dir.path());
    }
    // What a stop leaves: the record that says so, and some of the files.
    let records: Vec<PathBuf> = wanted.files.iter().map(|f| f.path.clone()).collect();
    let files: Vec<String> = records
        .iter()
        .enumerate()
        .map(|(i, p)| {
            format!(
                r#"{{"file_id":{},"is_log":false,"logical_name":"x","path":{:?}}}"#,
                i + 1,
                p.display().to_string()
            )
        })
        .collect();
    let state = format!(
        r#"{{"version":1,"databases":[{{"id":5,"name":"Shop","restoring":false,"discard":true,"files":[{}]}}]}}"#,
        files.join(",")
    );
    std::fs::write(dir.path().join("instance.json"), state).expect("written");
    std::fs::write(&records[0], b"half").expect("written");
    let instance = instance(dir.path());
    assert!(!RealDisk.exists(&records[0]));
    assert_eq!(instance.online("shop").err().map(|e| e.number), Some(911));
    assert!(instance.create_database(&wanted, CREATED, &SystemEntropy).is_ok());
}

#[test]
fn detached_files_can_be_attached() {
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    let instance = instance(dir.path());
    let wanted = options(&data, "Shop", CollationId::SERVER_DEFAULT);
    instance.create_database(&wanted, CREATED, &SystemEntropy).expect("made");
    let files = instance.detach_database("Shop").expect("detached");
    assert_eq!(instance.online("shop").err().map(|e| e.number), Some(911));
    instance.attach_database("Kiosk", files).expect("attached");
    instance.rename_database("Kiosk", "Stall").expect("renamed");
    assert!(instance.online("Stall").is_ok() && instance.online("Kiosk").is_err());
}

/// How the pages of sysfiles1 stand in a data file: offsets of their rows, free bytes and where those begin; of its IAM page, too.
fn padded(data: &Path) -> Vec<(u8, Vec<usize>, u16, u16)> {
    let source = pages(data);
    let mut out = Vec::new();
    for page in 0..source.page_count(1) {
        let Ok(image) = source.page(PageId::new(1, page)) else { continue };
        let view = PageView::new(&image);
        if view.unit_id() == PADDED_UNIT && matches!(view.page_type(), 1 | 10) {
            let offsets = (0..view.slot_count()).filter_map(|s| view.slot_offset(s)).collect();
            out.push((view.page_type(), offsets, view.free_count(), view.free_data()));
        }
    }
    out.sort();
    out
}

/// docs/format/page.md: rows of sysfiles1 have 789 bytes and take 792.
#[test]
fn rows_of_sysfiles1_are_padded() {
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    let made = options(&data, "Shop", CollationId::SERVER_DEFAULT);
    let now = DateTime::default();
    {
        let instance = instance(dir.path());
        instance.create_database(&made, CREATED, &SystemEntropy).expect("made");
    }
    let map = (10, vec![96, 192], 4, 8184);
    let rows = |n: usize| {
        let offsets = (0..n).map(|i| 96 + 792 * i).collect();
        (1, offsets, 8096 - 794 * n as u16, 96 + 792 * n as u16)
    };
    assert_eq!(padded(&data.join("a.mdf")), [rows(3), map.clone()]);
    {
        let instance = instance(dir.path());
        for name in ["c.ndf", "d.ndf"] {
            let transaction = Transaction::new(new_owner());
            instance
                .add_file("Shop", &file(&data, false, 1, name), &transaction, now, &SystemEntropy)
                .expect("added");
            transaction.commit().expect("commits");
        }
        assert!(instance.close().is_empty());
    }
    assert_eq!(padded(&data.join("a.mdf")), [rows(5), map.clone()]);
    {
        let instance = instance(dir.path());
        let transaction = Transaction::new(new_owner());
        instance.remove_file("Shop", "d.ndf", &transaction, now).expect("removed");
        transaction.commit().expect("commits");
        assert!(instance.close().is_empty());
    }
    let found = padded(&data.join("a.mdf"));
    assert_eq!((found[0].1.len(), found[0].2), (4, 8096 - 794 * 4), "{found:?}");
    assert_eq!(found[1], map);
}
