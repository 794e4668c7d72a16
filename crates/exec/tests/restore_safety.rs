//! What a RESTORE that is refused leaves alone: the database it would have replaced, files that are somebody's, other restores.

#[path = "common/restore.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_engine::instance::{DatabaseState, FileRecord, Instance};
use holdfast_exec::restore::request::NamedDevice;
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_types::{DateTime, SqlError};

use common::instance;

fn request(name: &str, path: &Path) -> RestoreRequest {
    let device = NamedDevice { name: path.display().to_string(), logical: false };
    RestoreRequest::of(RestoreVerb::Database(name.to_owned()), vec![device])
}

fn run(instance: &Arc<Instance>, request: &RestoreRequest) -> Result<(), Vec<SqlError>> {
    common::run(instance, request).0
}

fn numbers(instance: &Arc<Instance>, request: &RestoreRequest) -> Vec<i32> {
    run(instance, request).err().unwrap_or_default().iter().map(|e| e.number).collect()
}

/// A full backup whose name holds the text.
fn full(part: &str) -> Option<PathBuf> {
    let whole = |f: &holdfast_testkit::CorpusFile| f.column("kind") == "full" && f.column("family") == "1/1";
    let all = holdfast_testkit::corpus();
    all.into_iter().find(|f| whole(f) && f.name().contains(part)).map(|f| f.path)
}

fn is_online(instance: &Arc<Instance>, name: &str) -> bool {
    // It can be written, too: its log is open.
    instance.online(name).is_ok_and(|d| d.checkpoint().is_ok() && d.catalog().schema("dbo").is_some())
}

#[test]
fn a_database_stays_when_its_replacement_is_refused_before_a_page_is_placed() {
    let Some(path) = full("pubs_dwip") else { return };
    let dir = tempfile::tempdir().unwrap();
    let instance = instance(dir.path());
    run(&instance, &request("x", &path)).unwrap();
    let replace = RestoreRequest { replace: true, ..request("x", &path) };
    let logical = instance.find("x").unwrap().files.read()[0].logical_name.clone();
    let moved = |target: &Path| RestoreRequest {
        moves: vec![(logical.clone(), target.display().to_string())],
        ..replace.clone()
    };
    let folder = dir.path().join("data/folder");
    std::fs::create_dir(&folder).unwrap();
    // The set has no checksums; the stop lies before its end; targets that are no files, the backup, and the server's own.
    assert_eq!(numbers(&instance, &RestoreRequest { checksum: Some(true), ..replace.clone() }), [3187]);
    assert!(is_online(&instance, "x"));
    let early = DateTime { days: 36_525, ticks: 0 };
    let refused = numbers(&instance, &RestoreRequest { stop_at: Some(early), ..replace.clone() });
    assert!(matches!(refused.as_slice(), [3145 | 4338]), "{refused:?}");
    assert!(is_online(&instance, "x"));
    std::fs::write(dir.path().join("holdfast.lock"), b"kept").unwrap();
    let copy = dir.path().join("copy.bak");
    std::fs::copy(&path, &copy).unwrap();
    let from_copy = RestoreRequest {
        devices: vec![NamedDevice { name: copy.display().to_string(), logical: false }],
        ..moved(&copy)
    };
    for r in
        [moved(&folder), moved(Path::new("/dev/null")), moved(&dir.path().join("holdfast.lock")), from_copy]
    {
        assert_eq!(numbers(&instance, &r), [5123, 3156, 3119], "{:?}", r.moves);
        assert!(is_online(&instance, "x"), "{:?}", r.moves);
    }
    assert_eq!(std::fs::read(dir.path().join("holdfast.lock")).unwrap(), b"kept");
    assert_eq!(std::fs::metadata(&copy).unwrap().len(), std::fs::metadata(&path).unwrap().len());
    assert!(std::fs::metadata("/dev/null").is_ok_and(|m| !m.is_file()));
    // And it is replaced when nothing stands against that.
    run(&instance, &replace).unwrap();
    assert!(is_online(&instance, "x"));
}

#[test]
fn files_that_were_there_stay_when_a_new_database_is_refused() {
    let Some(path) = full("pubs_dwip") else { return };
    let dir = tempfile::tempdir().unwrap();
    let instance = instance(dir.path());
    let file = dir.path().join("data/somebody.mdf");
    std::fs::write(&file, b"somebody's").unwrap();
    run(&instance, &request("x", &path)).unwrap();
    let logical = instance.find("x").unwrap().files.read()[0].logical_name.clone();
    let moves = vec![(logical, file.display().to_string())];
    let refused = RestoreRequest { moves, replace: true, checksum: Some(true), ..request("y", &path) };
    assert_eq!(numbers(&instance, &refused), [3187]);
    assert!(instance.find("y").is_none());
    assert_eq!(std::fs::read(&file).unwrap(), b"somebody's");
}

#[test]
fn a_database_that_is_not_online_is_not_replaced_by_another_without_saying_so() {
    let (Some(a), Some(b)) = (full("pubs_dwip"), full("904_full_ITI")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let instance = instance(dir.path());
    run(&instance, &request("x", &a)).unwrap();
    instance.take_offline("x").unwrap();
    assert_eq!(numbers(&instance, &request("x", &b)), [3154]);
    assert_eq!(numbers(&instance, &request("x", &a)), [3159]);
    assert!(matches!(instance.find("x").unwrap().state(), DatabaseState::Offline));
    instance.bring_online("x").unwrap();
    assert!(is_online(&instance, "x"));
    // In the middle of a sequence it is neither taken offline nor brought online.
    let first = RestoreRequest { recovery: RecoveryOption::NoRecovery, replace: true, ..request("x", &a) };
    run(&instance, &first).unwrap();
    assert_eq!(instance.take_offline("x").map_err(|e| e.number), Err(5052));
    assert_eq!(instance.bring_online("x").map_err(|e| e.number), Err(5052));
}

#[test]
fn restores_at_the_same_time_do_not_share_files() {
    let Some(path) = full("pubs_dwip") else { return };
    let dir = tempfile::tempdir().unwrap();
    let instance = instance(dir.path());
    for round in 0..4 {
        let names: Vec<String> = (0..4).map(|n| format!("d{round}_{n}")).collect();
        std::thread::scope(|s| {
            for name in &names {
                let (instance, path) = (&instance, &path);
                s.spawn(move || run(instance, &request(name, path)).unwrap());
            }
        });
        let mut files = Vec::new();
        for name in &names {
            assert!(is_online(&instance, name), "{name}");
            files.extend(instance.find(name).unwrap().files.read().iter().map(|f| f.path.clone()));
        }
        let all = files.len();
        files.sort();
        files.dedup();
        assert_eq!(files.len(), all, "two databases have one file");
    }
}

#[test]
fn no_two_databases_share_a_journal() {
    let journal = |name: &str| Instance::journal_path(Path::new(name));
    assert_ne!(journal("/d/sales.2023"), journal("/d/sales.2024"));
    assert_ne!(journal("/d/q.mdf"), PathBuf::from("/d/q.journal"));
}

#[test]
fn a_server_that_stops_before_a_page_is_placed_finds_the_database_as_it_was() {
    let Some(path) = full("pubs_dwip") else { return };
    let dir = tempfile::tempdir().unwrap();
    let moved = |files: &[FileRecord]| -> Vec<FileRecord> {
        let to = |f: &FileRecord| f.path.with_extension("other");
        files.iter().map(|f| FileRecord { path: to(f), ..f.clone() }).collect()
    };
    let files = {
        let instance = instance(dir.path());
        run(&instance, &request("x", &path)).unwrap();
        let files = instance.find("x").unwrap().files.read().clone();
        instance.begin_restore("x", moved(&files), None).unwrap();
        files
    };
    // Online and offline.
    {
        let instance = instance(dir.path());
        assert!(is_online(&instance, "x"));
        assert_eq!(*instance.find("x").unwrap().files.read(), files);
        instance.take_offline("x").unwrap();
        instance.begin_restore("x", files.clone(), None).unwrap();
    }
    {
        let instance = instance(dir.path());
        assert!(matches!(instance.find("x").unwrap().state(), DatabaseState::Offline));
        instance.bring_online("x").unwrap();
        assert!(is_online(&instance, "x"));
        // Between the steps of a sequence: its files are those of that sequence.
        let first =
            RestoreRequest { recovery: RecoveryOption::NoRecovery, replace: true, ..request("x", &path) };
        run(&instance, &first).unwrap();
        instance.begin_restore("x", moved(&files), None).unwrap();
    }
    {
        let instance = instance(dir.path());
        let last = RestoreRequest::of(RestoreVerb::Database("x".into()), Vec::new());
        run(&instance, &last).unwrap();
        assert!(is_online(&instance, "x"));
        assert_eq!(*instance.find("x").unwrap().files.read(), files);
        // Once something may have been placed it is half restored.
        instance.begin_restore("x", files, None).unwrap();
        std::fs::write(instance.restore_state_path(instance.find("x").unwrap().id), "holdfast-restore 1\n")
            .unwrap();
    }
    let instance = instance(dir.path());
    assert!(matches!(instance.find("x").unwrap().state(), DatabaseState::Restoring));
}
