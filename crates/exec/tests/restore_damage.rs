//! Backups with damaged pages: what is verified and what is not follows the set's checksums and the statement; a damaged
//! differential leaves the sequence where it was.

#[path = "common/restore.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_engine::instance::{DatabaseState, Instance};
use holdfast_exec::restore::request::NamedDevice;
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_generator::{backup, sample};

use common::{instance, run};

const PAGE: usize = 8192;

fn request(path: &Path) -> RestoreRequest {
    let devices = vec![NamedDevice { name: path.display().to_string(), logical: false }];
    RestoreRequest::of(RestoreVerb::Database("x".into()), devices)
}

fn numbers(instance: &Arc<Instance>, request: &RestoreRequest) -> Vec<i32> {
    run(instance, request).0.err().unwrap_or_default().iter().map(|e| e.number).collect()
}

fn corpus(name: &str) -> Option<PathBuf> {
    let found = holdfast_testkit::corpus().into_iter().find(|f| f.name().starts_with(name))?;
    Some(std::fs::canonicalize(found.path).unwrap())
}

/// The sample database's backup.
fn backup_of_sample(checksum: bool) -> Vec<u8> {
    let database = sample::sample().unwrap();
    backup::write(&database, Vec::new(), backup::Options { compressed: false, checksum }, &|_| {}).unwrap()
}

/// Places of extents whose eight pages all name themselves.
fn extents(bytes: &[u8]) -> Vec<usize> {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let names = |at: usize, number: u32| {
        bytes[at] == 1 && bytes[at + 36..at + 38] == [1, 0] && word(at + 32) == number
    };
    let whole = |at: &usize| {
        let first = word(at + 32);
        first > 0 && first.is_multiple_of(8) && (0..8).all(|i| names(at + i * PAGE, first + i as u32))
    };
    (0..bytes.len().saturating_sub(8 * PAGE)).step_by(512).filter(whole).collect()
}

/// The last of them that holds data pages only.
fn data_extent(bytes: &[u8]) -> usize {
    let data = |at: &usize| (0..8).all(|i| bytes[at + i * PAGE + 1] == 1);
    extents(bytes).into_iter().rfind(data).unwrap()
}

#[test]
fn page_checksums_are_verified_where_the_set_has_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.bak");
    for with_checksums in [false, true] {
        let mut bytes = backup_of_sample(with_checksums);
        let at = data_extent(&bytes);
        bytes[at + 3 * PAGE + 4000] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        let instance = instance(&dir.path().join(format!("instance {with_checksums}")));
        let ask = |checksum| RestoreRequest { checksum, replace: true, ..request(&path) };
        let expected: [&[i32]; 3] =
            if with_checksums { [&[3183], &[3183], &[]] } else { [&[], &[3187], &[]] };
        for (checksum, expected) in [None, Some(true), Some(false)].into_iter().zip(expected) {
            assert_eq!(numbers(&instance, &ask(checksum)), expected, "{with_checksums} {checksum:?}");
        }
        // The page is there as the set has it, damage and all.
        let report = instance.online("x").unwrap().check().unwrap();
        assert!(!report.is_clean());
        if with_checksums {
            let on = RestoreRequest { continue_after_error: true, ..ask(None) };
            let (result, sink) = run(&instance, &on);
            assert!(result.is_ok() && sink.messages.iter().any(|m| m.number == 3184), "{result:?}");
        }
    }
}

#[test]
fn an_extent_whose_first_page_has_a_wrong_number_goes_where_the_others_belong() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.bak");
    for with_checksums in [false, true] {
        let mut bytes = backup_of_sample(with_checksums);
        let at = data_extent(&bytes);
        bytes[at + 32] |= 1;
        std::fs::write(&path, &bytes).unwrap();
        let instance = instance(&dir.path().join(format!("instance {with_checksums}")));
        let expected: &[i32] = if with_checksums { &[3183] } else { &[] };
        assert_eq!(numbers(&instance, &request(&path)), expected);
        if !with_checksums {
            let found = instance.online("x").unwrap().check().unwrap().findings;
            // That page, and what missing its rows means; nothing of the seven others.
            assert!(!found.is_empty() && found.len() < 8, "{found:?}");
        }
    }
}

#[test]
fn a_damaged_differential_does_not_end_the_sequence() {
    for (full, differential, log) in [
        ("661_full_RestoreTimeClean_", "661_diff_RestoreTimeClean2_", "661_log_RestoreTimeClean2-1_"),
        ("852_full_RestoreTimeClean_", "852_diff_RestoreTimeClean2_", "852_log_RestoreTimeClean2-1_"),
    ] {
        let (Some(full), Some(differential), Some(log)) = (corpus(full), corpus(differential), corpus(log))
        else {
            return;
        };
        let dir = tempfile::tempdir().unwrap();
        let damaged = dir.path().join("damaged.bak");
        let mut bytes = std::fs::read(&differential).unwrap();
        let extents = extents(&bytes);
        // The last one: whatever comes before it has been placed.
        let at = *extents.last().unwrap();
        (0..8).for_each(|i| bytes[at + i * PAGE] = 9);
        std::fs::write(&damaged, bytes).unwrap();
        let instance = instance(dir.path());
        let step = |path: &Path| RestoreRequest { recovery: RecoveryOption::NoRecovery, ..request(path) };
        let log = RestoreRequest { verb: RestoreVerb::Log("x".into()), ..step(&log) };
        let recover = RestoreRequest::of(RestoreVerb::Database("x".into()), Vec::new());
        assert_eq!(numbers(&instance, &step(&full)), [0; 0]);
        assert_eq!(numbers(&instance, &step(&damaged)), [3270]);
        assert!(matches!(instance.find("x").unwrap().state(), DatabaseState::Restoring));
        // Nothing but a differential helps now.
        assert_eq!(numbers(&instance, &log), [4319]);
        assert_eq!(numbers(&instance, &recover), [4319]);
        drop(instance);
        let instance = common::instance(dir.path());
        assert_eq!(numbers(&instance, &step(&differential)), [0; 0]);
        assert_eq!(numbers(&instance, &log), [0; 0]);
        assert_eq!(numbers(&instance, &recover), [0; 0]);
        let report = instance.online("x").unwrap().check().unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }
}
