//! Genuine backups restored end to end: every complete full backup comes online consistent, chains come out equal whichever
//! way they are rolled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::{BackupKind, BackupSet, Device, Media, MediaSet};
use holdfast_base::{FileId, Lsn, PageId};
use holdfast_disk::{Disk, DiskFile, SimulatedDisk};
use holdfast_format::log::LogTime;
use holdfast_format::source::PageSource;
use holdfast_format::{PageBytes, PageView};
use holdfast_storage::PageCache;
use holdfast_storage::recovery::database::recover_files;
use holdfast_storage::restore::{
    Identity, RestoreError, RestoreOptions, RestoreState, RestoreTarget, Restored, recover, restore_set,
};

const STATE: &str = "/d/x.restore";

fn identity() -> Identity {
    Identity {
        name: "restored".into(),
        binding_id: [0x11; 16],
        fork: [0x22; 16],
        log_file_guid: [0x33; 16],
        time: LogTime { days: 45_000, ticks: 300 },
    }
}

fn media(names: &[&str]) -> MediaSet {
    let files = holdfast_testkit::corpus();
    let media = names.iter().map(|n| {
        let f = files
            .iter()
            .find(|f| f.name().starts_with(n))
            .unwrap_or_else(|| panic!("{n} is not in the corpus"));
        Arc::new(Media::open(Device::new(f.name(), Arc::new(f.read())).unwrap()).unwrap())
    });
    MediaSet::group(media).remove(0)
}

fn first_set(names: &[&str]) -> BackupSet {
    media(names).sets().remove(0)
}

fn target(set: &BackupSet) -> RestoreTarget {
    let files = &set.configuration().unwrap().files;
    let files = files.iter().map(|f| (f.id as FileId, PathBuf::from(format!("/d/file{}", f.id)))).collect();
    RestoreTarget { database: "restored".into(), files, state: STATE.into(), journals: Vec::new() }
}

fn apply(disk: &dyn Disk, set: &BackupSet) -> Result<Restored, RestoreError> {
    restore_set(disk, set, &target(set), RestoreOptions::default(), &mut |_, _| true)
}

fn open(disk: &dyn Disk, state: &RestoreState, log: bool) -> BTreeMap<FileId, Arc<dyn DiskFile>> {
    let files = state.files.iter().filter(|f| f.is_log == log);
    files.map(|f| (f.file_id, disk.open(&f.path, true).unwrap())).collect()
}

/// All pages that are allocated in their PFS page, by address.
fn allocated(disk: &dyn Disk, state: &RestoreState) -> BTreeMap<PageId, Box<PageBytes>> {
    let files: Vec<_> = open(disk, state, false).into_iter().collect();
    let cache = PageCache::new(64 << 20);
    let pages = cache.attach(files).unwrap();
    let mut out = BTreeMap::new();
    for file in pages.files() {
        let count = pages.page_count(file);
        for n in 0..count {
            let pfs = if n < 8088 { 1 } else { n / 8088 * 8088 };
            let map = pages.page(PageId::new(file, pfs)).unwrap();
            if map[100 + (n % 8088) as usize] & 0x40 != 0 {
                let id = PageId::new(file, n);
                out.insert(id, Box::new(*pages.page(id).unwrap_or_else(|e| panic!("{e}"))));
            }
        }
    }
    out
}

fn full_sets() -> Vec<(String, BackupSet)> {
    let media = holdfast_testkit::corpus()
        .into_iter()
        .filter(|f| f.column("kind") == "full")
        .map(|f| Media::open(Device::new(f.name(), Arc::new(f.read())).unwrap()).map(Arc::new).unwrap());
    let mut out = Vec::new();
    for set in MediaSet::group(media) {
        for s in set.sets() {
            if s.require_complete().is_ok() && s.info().is_some_and(|i| i.kind == BackupKind::Full) {
                out.push((s.media().device.name().to_string(), s));
            }
        }
    }
    out
}

#[test]
fn every_full_backup_recovers_and_is_clean_afterwards() {
    let sets = full_sets();
    assert!(sets.len() >= 10 || holdfast_testkit::corpus_dir().is_none());
    for (name, set) in sets {
        let disk = SimulatedDisk::new();
        let done = apply(&disk, &set).unwrap_or_else(|e| panic!("{name}: {e}"));
        let recovered =
            recover(&disk, Path::new(STATE), &identity()).unwrap_or_else(|e| panic!("{name}: {e}"));
        eprintln!(
            "{name}: version {} records {} applied {} open {} rolled back {}",
            done.state.version,
            done.records,
            done.applied,
            done.state.open.len(),
            recovered.rolled_back
        );
        assert!(!disk.exists(Path::new(STATE)), "{name}");
        let before = allocated(&disk, &done.state);
        // Crash recovery of a database that was closed after a checkpoint finds the checkpoint and nothing else to do.
        let data = open(&disk, &done.state, false);
        let log = open(&disk, &done.state, true);
        let again =
            recover_files(data, &log, None, identity().time, 1000).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(again.records <= 3 && again.rolled_back == 0, "{name}: {again:?}");
        let after = allocated(&disk, &done.state);
        for (id, page) in &before {
            let same = *id == PageId::new(1, 9) || page[..] == after[id][..];
            assert!(same, "{name}: page {id} changed");
        }
    }
}

/// Pages of a set as it lies in the backup, without its log.
fn compare(
    name: &str,
    left: &BTreeMap<PageId, Box<PageBytes>>,
    right: &BTreeMap<PageId, Box<PageBytes>>,
) -> usize {
    let mut equal = 0;
    for (id, a) in left {
        let Some(b) = right.get(id) else { panic!("{name}: page {id} is missing on one side") };
        let (va, vb) = (PageView::new(a), PageView::new(b));
        if *id == PageId::new(1, 9) {
            continue;
        }
        // File headers carry the backup's own bookkeeping (differential base), written without a log record.
        if va.lsn() != vb.lsn() {
            panic!("{name}: page {id} type {} LSN {} and {}", va.page_type(), va.lsn(), vb.lsn());
        }
        assert_eq!(va.slot_count(), vb.slot_count(), "{name}: page {id}");
        for slot in 0..va.slot_count() {
            let (ra, rb) = (va.record(slot), vb.record(slot));
            let rows = |r: Option<&[u8]>| {
                r.map(|r| holdfast_format::record::record_length(r, va.page_type() == 2, va.pminlen()).ok())
            };
            let length = rows(ra).flatten();
            assert_eq!(length, rows(rb).flatten(), "{name}: page {id} slot {slot}");
            if let (Some(ra), Some(rb), Some(length)) = (ra, rb, length)
                && va.page_type() <= 4
            {
                assert!(ra[..length] == rb[..length], "{name}: page {id} slot {slot}");
            }
        }
        equal += 1;
    }
    equal
}

fn chain(names: &[&[&str]]) -> (SimulatedDisk, Vec<Restored>) {
    let disk = SimulatedDisk::new();
    let mut done = Vec::new();
    for n in names {
        let set = first_set(n);
        done.push(apply(&disk, &set).unwrap_or_else(|e| panic!("{n:?}: {e}")));
    }
    (disk, done)
}

#[test]
fn logs_lead_where_the_differential_leads() {
    if holdfast_testkit::corpus_dir().is_none() {
        return;
    }
    for v in ["661", "852"] {
        let file = |kind: &str, rest: &str| format!("{v}_{kind}_{rest}_");
        let full = file("full", "RestoreTimeClean");
        let diff = file("diff", "RestoreTimeClean2");
        let logs: Vec<String> =
            ["1", "2", "3"].iter().map(|n| file("log", &format!("RestoreTimeClean-{n}"))).collect();
        let later: Vec<String> =
            ["1", "2", "3"].iter().map(|n| file("log", &format!("RestoreTimeClean2-{n}"))).collect();
        let one = |s: &String| -> Vec<String> { vec![s.clone()] };
        let mut by_logs: Vec<Vec<String>> = vec![one(&full)];
        by_logs.extend(logs.iter().chain(&later).map(one));
        let mut by_diff: Vec<Vec<String>> = vec![one(&full), one(&diff)];
        by_diff.extend(later.iter().map(one));
        let run = |list: &[Vec<String>]| {
            let names: Vec<Vec<&str>> = list.iter().map(|l| l.iter().map(String::as_str).collect()).collect();
            let names: Vec<&[&str]> = names.iter().map(Vec::as_slice).collect();
            chain(&names)
        };
        let (a, done_a) = run(&by_logs);
        let (b, done_b) = run(&by_diff);
        for d in done_a.iter().chain(&done_b) {
            eprintln!(
                "{v}: to {} records {} applied {} open {:?}",
                d.state.reached, d.records, d.applied, d.state.open
            );
        }
        let (sa, sb) = (&done_a.last().unwrap().state, &done_b.last().unwrap().state);
        assert_eq!(sa.reached, sb.reached);
        let equal = compare(v, &allocated(&a, sa), &allocated(&b, sb));
        eprintln!("{v}: {equal} pages equal");
        assert!(equal > 100);
        for disk in [&a, &b] {
            recover(disk, Path::new(STATE), &identity()).unwrap_or_else(|e| panic!("{v}: {e}"));
        }
        assert!(sa.reached > Lsn::ZERO);
    }
}
