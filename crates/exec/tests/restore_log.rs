//! RESTORE LOG over genuine chains whose one table got a row every half minute: the whole chain, a stop in the middle of it,
//! stops that cannot be kept, and the refusals of media and plan.

#[path = "common/restore.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_disk::RealDisk;
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::access::ReadContext;
use holdfast_engine::instance::Instance;
use holdfast_exec::restore::request::NamedDevice;
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_storage::PageCache;
use holdfast_types::{DateTime, SqlError, SqlType, Value};

use common::instance;

/// No message.
const NONE: [i32; 0] = [];

/// The corpus file whose name begins so.
fn file(name: &str) -> Option<PathBuf> {
    let found = holdfast_testkit::corpus().into_iter().find(|f| f.name().starts_with(name))?;
    Some(std::fs::canonicalize(found.path).expect("the corpus is there"))
}

fn step(path: &Path, log: bool) -> RestoreRequest {
    let verb = if log { RestoreVerb::Log("x".into()) } else { RestoreVerb::Database("x".into()) };
    let devices = vec![NamedDevice { name: path.display().to_string(), logical: false }];
    RestoreRequest { recovery: RecoveryOption::NoRecovery, ..RestoreRequest::of(verb, devices) }
}

/// The numbers of its errors and of its messages.
fn run(instance: &Arc<Instance>, request: &RestoreRequest) -> (Vec<i32>, Vec<i32>) {
    let (result, sink) = common::run(instance, request);
    let numbers = |list: &[SqlError]| list.iter().map(|m| m.number).filter(|n| *n != 0).collect();
    (numbers(&result.err().unwrap_or_default()), numbers(&sink.messages))
}

/// The times in dbo.steps, ascending.
fn times(instance: &Arc<Instance>) -> Vec<String> {
    let entry = instance.find("x").expect("listed");
    let data = entry
        .files
        .read()
        .iter()
        .filter(|f| !f.is_log)
        .map(|f| (f.file_id, holdfast_disk::Disk::open(&RealDisk, &f.path, false).expect("opens")))
        .collect();
    let pages = PageCache::new(16 << 20).attach(data).expect("attaches");
    let catalog = DatabaseCatalog::open(entry.id, None, pages).expect("opens");
    let table =
        catalog.user_tables().expect("tables").into_iter().find(|t| &*t.name == "steps").expect("steps");
    let types: Vec<SqlType> = table.columns.iter().map(|c| c.ty).collect();
    let mut scan = table.access.scan(&ReadContext::unlocked(), &[0, 1]).expect("scans");
    let mut out = Vec::new();
    while let Some(batch) = scan.next_batch().expect("batch") {
        for i in 0..batch.len {
            let value: Value = batch.row(i, &types)[1].clone();
            out.push(holdfast_types::canonical::canonical_text(&value, &types[1]).expect("a time"));
        }
    }
    out.sort();
    out
}

/// `2017-06-01 13:05:00` as datetime.
fn at(text: &str) -> DateTime {
    let part = |r: std::ops::Range<usize>| -> u32 { text[r].parse().expect("a number") };
    let days = holdfast_backup::MtfDate {
        year: part(0..4) as u16,
        month: part(5..7) as u8,
        day: part(8..10) as u8,
        hour: 0,
        minute: 0,
        second: 0,
    }
    .days_since_epoch()
    .expect("a date");
    DateTime {
        days: days as i32 + 25_567,
        ticks: (part(11..13) * 3600 + part(14..16) * 60 + part(17..19)) * 300,
    }
}

/// Full and logs of a chain, in order.
fn chain(version: &str) -> Option<(PathBuf, Vec<PathBuf>)> {
    let full = file(&format!("{version}_full_RestoreTimeClean_"))?;
    let logs =
        (1..=3).map(|n| file(&format!("{version}_log_RestoreTimeClean-{n}_"))).collect::<Option<_>>()?;
    Some((full, logs))
}

#[test]
fn a_stop_takes_exactly_what_was_committed_before() {
    for version in ["661", "852"] {
        let Some((full, logs)) = chain(version) else { return };
        // The whole chain tells which times there are.
        let dir = tempfile::tempdir().expect("a folder");
        let whole = instance(dir.path());
        assert_eq!(run(&whole, &step(&full, false)).0, NONE);
        for log in &logs {
            assert_eq!(run(&whole, &step(log, true)).0, NONE, "{version} {}", log.display());
        }
        let last = RestoreRequest::of(RestoreVerb::Database("x".into()), Vec::new());
        assert_eq!(run(&whole, &last).0, NONE);
        let all = times(&whole);
        assert!(all.len() > 20, "{version}: {}", all.len());
        for quarter in [all.len() / 4, all.len() / 2, all.len() * 3 / 4] {
            // Ten seconds after a row: rows are thirty apart.
            let stop = at(&all[quarter][..19]);
            let stop = DateTime { ticks: stop.ticks + 10 * 300, ..stop };
            let dir = tempfile::tempdir().expect("a folder");
            let instance = instance(dir.path());
            assert_eq!(run(&instance, &step(&full, false)).0, NONE);
            let mut stopped = false;
            for log in &logs {
                let request = RestoreRequest {
                    stop_at: Some(stop),
                    recovery: RecoveryOption::Recovery,
                    ..step(log, true)
                };
                let (errors, messages) = run(&instance, &request);
                assert_eq!(errors, NONE, "{version}");
                stopped = !messages.contains(&4322);
                // Before the point is reached the database stays as it is, whatever was asked for.
                assert_eq!(instance.online("x").is_ok(), stopped, "{version}");
                if stopped {
                    break;
                }
            }
            if !stopped {
                // The rows of the last quarter may have come after the third log.
                continue;
            }
            assert_eq!(times(&instance), all[..=quarter], "{version} {quarter}");
            // A second start recovers nothing and finds the same.
            drop(instance);
            let again = self::instance(dir.path());
            assert!(again.online("x").is_ok());
            assert_eq!(times(&again), all[..=quarter], "{version} {quarter}");
        }
    }
}

#[test]
fn a_stop_without_recovery_can_be_moved_on() {
    for version in ["661", "852"] {
        let Some((full, logs)) = chain(version) else { return };
        let dir = tempfile::tempdir().expect("a folder");
        let whole = instance(dir.path());
        for (i, set) in [&full, &logs[0]].into_iter().enumerate() {
            assert_eq!(run(&whole, &step(set, i > 0)).0, NONE);
        }
        let before = {
            let dir = tempfile::tempdir().expect("a folder");
            let only = instance(dir.path());
            let request = RestoreRequest { recovery: RecoveryOption::Recovery, ..step(&full, false) };
            assert_eq!(run(&only, &request).0, NONE);
            times(&only).len()
        };
        let last = RestoreRequest::of(RestoreVerb::Database("x".into()), Vec::new());
        assert_eq!(run(&whole, &last).0, NONE);
        let all = times(&whole);
        assert!(all.len() > before + 4, "{version}: {} of {before}", all.len());
        let stop = |row: usize| {
            let t = at(&all[row][..19]);
            Some(DateTime { ticks: t.ticks + 10 * 300, ..t })
        };
        let dir = tempfile::tempdir().expect("a folder");
        let instance = instance(dir.path());
        assert_eq!(run(&instance, &step(&full, false)).0, NONE);
        for row in [before + 1, before + 2] {
            assert_eq!(
                run(&instance, &RestoreRequest { stop_at: stop(row), ..step(&logs[0], true) }).0,
                NONE
            );
            assert!(instance.online("x").is_err());
        }
        // Not back, and not on with the next log while this one is not used up.
        assert_eq!(
            run(&instance, &RestoreRequest { stop_at: stop(before), ..step(&logs[0], true) }).0,
            [4335]
        );
        assert_eq!(run(&instance, &step(&logs[1], true)).0, [4305]);
        let end = RestoreRequest {
            stop_at: stop(before + 3),
            recovery: RecoveryOption::Recovery,
            ..step(&logs[0], true)
        };
        assert_eq!(run(&instance, &end).0, NONE);
        assert_eq!(times(&instance), all[..=before + 3], "{version}");
    }
}

#[test]
fn no_stop_lies_before_the_end_of_a_data_backup() {
    let Some((full, logs)) = chain("852") else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let instance = instance(dir.path());
    assert_eq!(run(&instance, &step(&full, false)).0, NONE);
    // The backup ended at 21:00:55.
    for early in ["2019-05-02 20:00:00", "2019-05-02 21:00:50", "2010-01-01 00:00:00"] {
        let request = RestoreRequest { stop_at: Some(at(early)), ..step(&logs[0], true) };
        assert_eq!(run(&instance, &request).0, [4335], "{early}");
    }
    let difference = file("852_diff_RestoreTimeClean2_").expect("the corpus has it");
    assert_eq!(run(&instance, &step(&difference, false)).0, NONE);
    let log = file("852_log_RestoreTimeClean2-1_").expect("the corpus has it");
    let request = RestoreRequest { stop_at: Some(at("2019-05-02 21:08:10")), ..step(&log, true) };
    assert_eq!(run(&instance, &request).0, [4335]);
}

#[test]
fn stops_that_cannot_be_kept_are_refused() {
    let Some((full, logs)) = chain("852") else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let instance = instance(dir.path());
    let early = Some(at("2001-01-01 00:00:00"));
    assert_eq!(run(&instance, &RestoreRequest { stop_at: early, ..step(&full, false) }).0, [4338]);
    assert!(instance.find("x").is_none());
    // A point after a full backup: the database waits for its log.
    let late = Some(at("2031-01-01 00:00:00"));
    let request = RestoreRequest { stop_at: late, recovery: RecoveryOption::Recovery, ..step(&full, false) };
    let (errors, messages) = run(&instance, &request);
    assert_eq!((errors, messages.contains(&4322)), (vec![], true));
    assert_eq!(instance.online("x").err().map(|e| e.number), Some(927));
    assert_eq!(run(&instance, &step(&logs[0], true)).0, NONE);
    assert_eq!(run(&instance, &RestoreRequest { stop_at: early, ..step(&logs[1], true) }).0, [4335]);
    // Out of order: a gap, and a log that adds nothing.
    assert_eq!(run(&instance, &step(&logs[2], true)).0, [4305]);
    assert_eq!(run(&instance, &step(&logs[0], true)).0, [4326]);
}

#[test]
fn media_and_plan_are_refused_with_their_numbers() {
    let (Some(secret), Some(plain)) = (file("661_full_passwd"), file("852_full_RestoreTimeClean")) else {
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let instance = instance(dir.path());
    assert_eq!(run(&instance, &step(&secret, false)).0, [3279]);
    let wrong = RestoreRequest { media_password: Some("no".into()), ..step(&secret, false) };
    assert_eq!(run(&instance, &wrong).0, [3279]);
    let named = RestoreRequest { media_name: Some("other".into()), ..step(&plain, false) };
    assert_eq!(run(&instance, &named).0, [4037]);
    let moved = |target: &str| RestoreRequest {
        moves: vec![
            ("RestoreTimeClean2016".into(), target.into()),
            ("RestoreTimeClean".into(), target.into()),
        ],
        ..step(&plain, false)
    };
    let known = |r: &RestoreRequest| {
        // The chain's logical names differ between releases; those that are not there are not moved.
        let mut r = r.clone();
        r.moves.retain(|(name, _)| name == "RestoreTimeClean");
        run(&instance, &r).0
    };
    assert_eq!(known(&moved("/no such folder/x.mdf")), [5133, 3156, 3119]);
    let taken = dir.path().join("taken.mdf");
    std::fs::write(&taken, b"something").expect("writes");
    assert_eq!(known(&moved(&taken.display().to_string())), [3142, 3119]);
    assert_eq!(std::fs::read(&taken).expect("still there"), b"something");
    let folder = dir.path().join("a folder.mdf");
    std::fs::create_dir(&folder).expect("a folder");
    let over = RestoreRequest { replace: true, ..moved(&folder.display().to_string()) };
    let errors = known(&over);
    assert_eq!(errors, [5123, 3156, 3119]);
    assert!(instance.find("x").is_none());
    let left: Vec<_> = std::fs::read_dir(instance.data_directory()).expect("lists").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The corpus files of these names restored one after the other, the last with recovery.
fn restored(steps: &[&str]) -> Option<(tempfile::TempDir, Arc<Instance>)> {
    let files: Vec<PathBuf> = steps.iter().map(|s| file(s)).collect::<Option<_>>()?;
    let dir = tempfile::tempdir().expect("a folder");
    let instance = instance(dir.path());
    for path in &files {
        let log = path.display().to_string().contains("_log_");
        assert_eq!(run(&instance, &step(path, log)).0, NONE, "{}", path.display());
    }
    let last = RestoreRequest::of(RestoreVerb::Database("x".into()), Vec::new());
    assert_eq!(run(&instance, &last).0, NONE);
    Some((dir, instance))
}

#[test]
fn counts_are_right_when_the_chain_is_rolled_forward() {
    for chain in [
        &["661_full_RestoreTimeClean_", "661_log_RestoreTimeClean-1_", "661_log_RestoreTimeClean-2_"][..],
        &["661_full_RestoreTimeClean_", "661_diff_RestoreTimeClean2_", "661_log_RestoreTimeClean2-1_"],
        &[
            "852_full_RestoreTimeClean_",
            "852_log_RestoreTimeClean-1_",
            "852_log_RestoreTimeClean-2_",
            "852_log_RestoreTimeClean-3_",
        ],
        &[
            "852_full_RestoreTimeClean_",
            "852_diff_RestoreTimeClean2_",
            "852_log_RestoreTimeClean2-1_",
            "852_log_RestoreTimeClean2-2_",
            "852_log_RestoreTimeClean2-3_",
        ],
        &["904c_full_TestFull1_", "904c_diff_TestDiff1-1_", "904c_log_TestLog1-1-1_"],
    ] {
        let Some((dir, instance)) = restored(chain) else { return };
        let report = instance.online("x").expect("online").check().expect("checks");
        assert!(report.findings.is_empty(), "{chain:?}: {:?}", report.findings);
        // And after a second start.
        drop(instance);
        let again = self::instance(dir.path());
        let report = again.online("x").expect("online").check().expect("checks");
        assert!(report.findings.is_empty(), "{chain:?}: {:?}", report.findings);
    }
}
