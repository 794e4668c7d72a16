//! The sample backup goes the way of every backup: restored with its log, recovered, opened by the engine, checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::{Device, Media, MediaSet};
use holdfast_base::FileId;
use holdfast_disk::{Disk, SimulatedDisk};
use holdfast_engine::check::check;
use holdfast_engine::database::DatabaseCatalog;
use holdfast_format::log::LogTime;
use holdfast_format::{MemoryPages, PageSource};
use holdfast_generator::backup::{Options, write};
use holdfast_generator::database::Database;
use holdfast_generator::sample;
use holdfast_storage::restore::{Identity, RestoreOptions, RestoreTarget, recover, restore_set};

/// Restores the database's backup and gives its data file.
fn restored(database: &Database, compressed: bool) -> MemoryPages {
    let options = Options { compressed, checksum: true };
    let bytes = write(database, Vec::new(), options, &|_| {}).expect("writes");
    let media = Media::open(Device::from_bytes("sample", bytes)).expect("opens");
    let set = MediaSet::group([Arc::new(media)]).remove(0).sets().remove(0);
    let disk = SimulatedDisk::new();
    let files = &set.configuration().expect("configuration").files;
    let target = RestoreTarget {
        database: "Harbour".into(),
        files: files.iter().map(|f| (f.id as FileId, PathBuf::from(format!("/d/file{}", f.id)))).collect(),
        state: "/d/x.restore".into(),
        journals: Vec::new(),
    };
    restore_set(&disk, &set, &target, RestoreOptions::default(), &mut |_, _| true).expect("restores");
    let identity = Identity {
        name: "Harbour".into(),
        binding_id: [1; 16],
        fork: [2; 16],
        log_file_guid: [3; 16],
        time: LogTime { days: 46_000, ticks: 300 },
    };
    recover(&disk, Path::new("/d/x.restore"), &identity).expect("recovers");
    let file = disk.open(Path::new("/d/file1"), false).expect("data file");
    let mut bytes = vec![0; file.length().expect("length") as usize];
    file.read_at(0, &mut bytes).expect("reads");
    MemoryPages::from_file(&bytes)
}

fn row_counts(pages: MemoryPages) -> Vec<(String, u64)> {
    let source: Arc<dyn PageSource> = Arc::new(pages);
    let report = check(&source, &mut |_, _| {});
    let faults: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{faults:?}");
    let catalog = DatabaseCatalog::open(5, None, source).expect("opens");
    let tables = catalog.user_tables().expect("tables");
    tables.iter().map(|t| (t.name.to_string(), t.row_count)).collect()
}

#[test]
fn sample_restores_clean() {
    let database = sample::sample().expect("builds");
    for compressed in [false, true] {
        let mut rows = row_counts(restored(&database, compressed));
        rows.sort();
        let expected = [
            ("Customers", 500),
            ("EveryType", 100),
            ("OrderLines", 15_000),
            ("Orders", 5_000),
            ("Products", 60),
        ];
        assert_eq!(rows, expected.map(|(n, c)| (n.to_owned(), c)).to_vec());
    }
}

/// More than one PFS interval, streamed leaves, three levels.
#[test]
fn big_restores_clean() {
    let database = sample::big(1_400_000).expect("builds");
    let rows = row_counts(restored(&database, false));
    assert!(rows.iter().any(|(n, c)| n == "OrderLines" && *c == 1_400_000), "{rows:?}");
}
