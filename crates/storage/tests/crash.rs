//! Restore and recovery cut at every change of the disk: nothing half restored is ever taken for whole, and starting again
//! always ends where an undisturbed run ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::{BackupSet, Device, Media, MediaSet};
use holdfast_base::{FileId, Lsn, PageId};
use holdfast_disk::{Disk, DiskFile, SimulatedDisk};
use holdfast_format::PageView;
use holdfast_format::log::vlf::vlf_table;
use holdfast_format::log::write::BlockBuilder;
use holdfast_format::log::{LogBytes, LogError, LogRecord, LogStore, LogTime, op};
use holdfast_format::record::record_length;
use holdfast_format::source::PageSource;
use holdfast_storage::PageCache;
use holdfast_storage::recovery::database::recover_files;
use holdfast_storage::restore::log_files::{DiskLog, place_log};
use holdfast_storage::restore::{
    Identity, Phase, RestoreError, RestoreOptions, RestoreState, RestoreTarget, recover, restore_set,
};

const STATE: &str = "/d/x.restore";
const TIME: LogTime = LogTime { days: 45_000, ticks: 300 };

fn identity() -> Identity {
    Identity {
        name: "restored".into(),
        binding_id: [0x11; 16],
        fork: [0x22; 16],
        log_file_guid: [0x33; 16],
        time: TIME,
    }
}

fn set(name: &str) -> Option<BackupSet> {
    let file = holdfast_testkit::corpus().into_iter().find(|f| f.name().starts_with(name))?;
    let media = Media::open(Device::new(file.name(), Arc::new(file.read())).unwrap()).unwrap();
    Some(MediaSet::group([Arc::new(media)]).remove(0).sets().remove(0))
}

fn restore(disk: &dyn Disk, set: &BackupSet) -> Result<RestoreState, RestoreError> {
    let files = &set.configuration().unwrap().files;
    let files = files.iter().map(|f| (f.id as FileId, PathBuf::from(format!("/d/file{}", f.id)))).collect();
    let target =
        RestoreTarget { database: "restored".into(), files, state: STATE.into(), journals: Vec::new() };
    let options = RestoreOptions { workers: 1, ..RestoreOptions::default() };
    restore_set(disk, set, &target, options, &mut |_, _| true).map(|r| r.state)
}

/// Rows of all allocated data and large-value pages.
fn rows(disk: &dyn Disk) -> BTreeMap<PageId, Vec<Vec<u8>>> {
    let file = disk.open(Path::new("/d/file1"), false).unwrap();
    let pages = PageCache::new(32 << 20).attach(vec![(1, file)]).unwrap();
    let mut out = BTreeMap::new();
    for n in 0..pages.page_count(1) {
        let map = pages.page(PageId::new(1, 1)).unwrap();
        if map[100 + n as usize] & 0x40 == 0 || n == 9 {
            continue;
        }
        let page = pages.page(PageId::new(1, n)).unwrap_or_else(|e| panic!("{e}"));
        let view = PageView::new(&page);
        if view.page_type() > 4 {
            continue;
        }
        let rows = (0..view.slot_count()).filter_map(|s| view.record(s));
        let rows = rows.filter(|r| r[0] & 1 == 1 || !matches!(r[0] >> 1 & 7, 5..=7));
        let rows =
            rows.map(|r| r[..record_length(r, view.page_type() == 2, view.pminlen()).unwrap()].to_vec());
        out.insert(PageId::new(1, n), rows.collect());
    }
    out
}

#[test]
fn a_restore_cut_anywhere_never_looks_whole() {
    let Some(full) = set("661_full_RestoreTimeClean") else { return };
    let whole = SimulatedDisk::new();
    restore(&whole, &full).unwrap();
    recover(&whole, Path::new(STATE), &identity()).unwrap();
    let expected = rows(&whole);
    let changes = whole.changes();
    eprintln!("{changes} changes");
    for cut in 0..changes {
        let disk = SimulatedDisk::new();
        disk.stop_after(cut);
        let run = restore(&disk, &full).and_then(|_| recover(&disk, Path::new(STATE), &identity()));
        assert!(run.is_err(), "cut {cut}");
        let after = disk.crash(cut * 977 + 5);
        let state = RestoreState::load(&after, Path::new(STATE)).unwrap();
        match state {
            None => {
                // Not begun, or all done but for the answer.
                if after.exists(Path::new("/d/file1")) {
                    assert_eq!(rows(&after), expected, "cut {cut}");
                }
            }
            Some(state) => {
                let state = state.unwrap_or_else(|| panic!("cut {cut}: the state file is torn"));
                if state.phase == Phase::Placing {
                    let refused = recover(&after, Path::new(STATE), &identity());
                    assert!(matches!(refused, Err(RestoreError::Interrupted { .. })), "cut {cut}");
                } else {
                    recover(&after, Path::new(STATE), &identity())
                        .unwrap_or_else(|e| panic!("cut {cut}: {e}"));
                    assert_eq!(rows(&after), expected, "cut {cut}");
                }
            }
        }
        // Starting again over whatever is left.
        let again = disk.crash(cut * 31 + 1);
        restore(&again, &full).unwrap_or_else(|e| panic!("cut {cut}: {e}"));
        recover(&again, Path::new(STATE), &identity()).unwrap_or_else(|e| panic!("cut {cut}: {e}"));
        assert_eq!(rows(&again), expected, "cut {cut}");
    }
}

/// Cuts the log in a file before the first record that `stop` says: the block is written again without it, what follows is
/// cleared.
fn cut_log(file: &Arc<dyn DiskFile>, from: Lsn, stop: &dyn Fn(&LogRecord<'_>) -> bool) {
    let bytes = DiskLog::new(file.clone());
    let table = vlf_table(&bytes).unwrap();
    let mut store = LogStore::new();
    store.add_file(Arc::new(DiskLog::new(file.clone()))).unwrap();
    let end = store.for_each_record::<LogError>(from, |r| Ok(!stop(r))).unwrap();
    let at = end.at;
    if end.flaw.is_some() {
        return;
    }
    let block = store.block_of(at).unwrap();
    let header = *block.header();
    let mut builder = BlockBuilder::new(header.version, header.lsn);
    for slot in 1..at.slot {
        builder.push(block.record(slot).unwrap().bytes()).unwrap();
    }
    let vlf = table.iter().find(|v| v.sequence == at.vlf).unwrap();
    let offset = vlf.block_offset(at.block);
    file.write_at(offset, &vec![0; (bytes.length().min(vlf.end()) - offset) as usize]).unwrap();
    if !builder.is_empty() {
        let new = builder.finish(header.parity, header.previous_size, 512, 0, TIME, true);
        file.write_at(offset, &new).unwrap();
    }
    file.sync().unwrap();
}

/// A disk with the full backup restored and the log of `log` behind it, cut before the first record that `stop` says.
fn prepared(full: &BackupSet, log: &BackupSet, stop: &dyn Fn(&LogRecord<'_>) -> bool) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let state = restore(&disk, full).unwrap();
    let targets = BTreeMap::from([(2, PathBuf::from("/d/file2"))]);
    let (files, _) = place_log(&disk, log, &targets, false).unwrap();
    cut_log(&files[&2], state.reached, stop);
    disk.sync_directory(Path::new("/d")).unwrap();
    disk
}

#[test]
fn open_transactions_are_rolled_back_whenever_the_machine_stops() {
    for version in ["661", "852"] {
        let Some(full) = set(&format!("{version}_full_RestoreTimeClean")) else { return };
        let log = set(&format!("{version}_log_RestoreTimeClean-1")).unwrap();
        // Transactions that change pages, by their commits.
        let mut store = LogStore::new();
        let probe = prepared(&full, &log, &|_| false);
        store.add_file(Arc::new(DiskLog::new(probe.open(Path::new("/d/file2"), false).unwrap()))).unwrap();
        let mut commits = Vec::new();
        store
            .for_each_record::<LogError>(full.info().unwrap().last_lsn, |r| {
                if r.operation() == op::COMMIT_XACT {
                    commits.push((r.lsn(), r.transaction(), r.previous()));
                }
                Ok(true)
            })
            .unwrap();
        assert!(commits.len() > 8);
        let mut undone = 0;
        for (index, &(commit, id, begin)) in commits.iter().enumerate() {
            // What must come out: the log that ends before the transaction began. Transactions nested in it that committed
            // stay, so only those without any are compared.
            let nested = commits.iter().any(|c| c.2 > begin && c.0 < commit);
            let without = prepared(&full, &log, &|r| r.lsn() >= begin);
            recover(&without, Path::new(STATE), &identity())
                .unwrap_or_else(|e| panic!("{version} {id}: {e}"));
            let expected = rows(&without);
            let disk = prepared(&full, &log, &|r| r.lsn() >= commit);
            let start = disk.changes();
            let base = disk.crash(0);
            let done = recover(&disk, Path::new(STATE), &identity())
                .unwrap_or_else(|e| panic!("{version} {id}: {e}"));
            assert!(done.rolled_back >= 1, "{version} {id}");
            undone += done.rolled_back;
            if !nested {
                assert_eq!(rows(&disk), expected, "{version} {id}");
            }
            let reference = rows(&disk);
            let changes = disk.changes() - start;
            // Every cut is made for some of the transactions: all of them for all would take minutes.
            for cut in (0..changes).filter(|c| *c as usize % commits.len() == index) {
                let disk = base.crash(0);
                disk.stop_after(cut);
                assert!(recover(&disk, Path::new(STATE), &identity()).is_err());
                let after = disk.crash(cut * 7919 + 3);
                if after.exists(Path::new(STATE)) {
                    recover(&after, Path::new(STATE), &identity())
                        .unwrap_or_else(|e| panic!("{version} {id} cut {cut} of {changes}: {e}"));
                }
                assert_eq!(rows(&after), reference, "{version} {id} cut {cut}");
            }
            // A server that finds such files at start, without a restore under way, comes to the same end.
            let open =
                |disk: &dyn Disk, id: FileId| disk.open(Path::new(&format!("/d/file{id}")), true).unwrap();
            let crashed = base.crash(0);
            let logs = BTreeMap::from([(2, open(&crashed, 2))]);
            recover_files(BTreeMap::from([(1, open(&crashed, 1))]), &logs, None, TIME, 100)
                .unwrap_or_else(|e| panic!("{version} {id}: {e}"));
            assert_eq!(rows(&crashed), reference, "{version} {id}");
        }
        eprintln!("{version}: {} transactions cut, {undone} rolled back", commits.len());
    }
}
