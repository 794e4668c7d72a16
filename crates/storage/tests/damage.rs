//! Damaged backups and logs: each restore gives an error or a database, never a panic or a hang.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::{Device, Media, MediaSet};
use holdfast_base::{FileId, Lsn, PageId};
use holdfast_disk::SimulatedDisk;
use holdfast_format::PageBytes;
use holdfast_format::log::{LogError, LogRecord, LogStore, LogTime, op};
use holdfast_storage::recovery::redo::{self, Gate};
use holdfast_storage::recovery::{RecoveryError, TransactionTable};
use holdfast_storage::restore::{Identity, RestoreOptions, RestoreTarget, recover, restore_set};

const STATE: &str = "/d/x.restore";

fn identity() -> Identity {
    let time = LogTime { days: 45_000, ticks: 300 };
    Identity { name: "x".into(), binding_id: [1; 16], fork: [2; 16], log_file_guid: [3; 16], time }
}

fn bytes(name: &str) -> Option<Vec<u8>> {
    holdfast_testkit::corpus().into_iter().find(|f| f.name().starts_with(name)).map(|f| f.read())
}

fn generator(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Restores whatever sets the bytes hold; says whether a set was applied.
fn restore(disk: &SimulatedDisk, bytes: Vec<u8>) -> bool {
    let Ok(device) = Device::new("damaged", Arc::new(bytes)) else { return false };
    let Ok(media) = Media::open(device) else { return false };
    let mut applied = false;
    for set in MediaSet::group([Arc::new(media)]).iter().flat_map(MediaSet::sets) {
        let Some(configuration) = set.configuration() else { continue };
        // Sizes come from the backup; a test must not follow them anywhere.
        if configuration.files.iter().any(|f| f.size > 64 << 20) {
            continue;
        }
        let files = configuration.files.iter();
        let files = files.map(|f| (f.id as FileId, PathBuf::from(format!("/d/file{}", f.id)))).collect();
        let target = RestoreTarget { database: "x".into(), files, state: STATE.into(), journals: Vec::new() };
        let options = RestoreOptions { workers: 1, verify: false, ..RestoreOptions::default() };
        applied |= restore_set(disk, &set, &target, options, &mut |_, _| true).is_ok();
    }
    applied
}

#[test]
fn damaged_backups_never_panic() {
    let (mut fine, mut refused) = (0, 0);
    for (full, log) in [
        ("661_full_RestoreTimeClean", "661_log_RestoreTimeClean-1"),
        ("852_full_RestoreTimeClean", "852_log_RestoreTimeClean-1"),
    ] {
        let (Some(full), Some(log)) = (bytes(full), bytes(log)) else { return };
        let base = SimulatedDisk::new();
        assert!(restore(&base, full));
        let mut random = generator(0x5DEE_CE66_D1CE_B00C);
        for _ in 0..60 {
            let mut copy = log.clone();
            for _ in 0..1 + random() % 4 {
                let at = random() as usize % copy.len();
                copy[at] ^= 1 << (random() % 8);
            }
            if random().is_multiple_of(8) {
                copy.truncate(random() as usize % copy.len());
            }
            let disk = base.crash(0);
            if restore(&disk, copy) && recover(&disk, Path::new(STATE), &identity()).is_ok() {
                fine += 1;
            } else {
                refused += 1;
            }
        }
    }
    eprintln!("{fine} came through, {refused} refused");
    assert!(fine > 10 && refused > 10);
}

/// Damage behind the checksums: wrong records reach analysis and redo.
#[test]
fn damaged_records_never_panic() {
    let mut random = generator(0x0123_4567_89AB_CDEF);
    let (mut fine, mut refused) = (0, 0);
    for (name, first) in
        [("655_ldf_NORTHWND", 0x16), ("706_ldf_MvcMusicStore", 0x1F), ("782_ldf_Database1", 0x1F)]
    {
        let Some(log) = bytes(name) else { return };
        let mut store = LogStore::new();
        store.add_file(Arc::new(log)).unwrap();
        let mut pages: HashMap<PageId, Box<PageBytes>> = HashMap::new();
        store
            .for_each_record::<LogError>(Lsn::new(first, 0x10, 1), |record| {
                let target = record.page_target()?;
                if random().is_multiple_of(2) {
                    let mut copy = record.bytes().to_vec();
                    for _ in 0..1 + random() % 3 {
                        let at = random() as usize % copy.len();
                        copy[at] ^= 1 << (random() % 8);
                    }
                    copy.truncate(copy.len() - (random() % 16) as usize);
                    let page = target.and_then(|t| pages.get(&t.page).cloned());
                    let mut page = page.unwrap_or_else(|| Box::new([0; 8192]));
                    let wrong =
                        LogRecord::new(record.lsn(), &copy).map_err(RecoveryError::from).and_then(|r| {
                            TransactionTable::new().observe(&r)?;
                            match r.page_target()? {
                                Some(t) => redo::apply(&r, &t, &mut page),
                                None => Ok(()),
                            }
                        });
                    match wrong {
                        Ok(()) => fine += 1,
                        Err(_) => refused += 1,
                    }
                }
                let Some(target) = target else { return Ok(true) };
                if record.operation() == op::FORMAT_PAGE {
                    pages.entry(target.page).or_insert_with(|| Box::new([0; 8192]));
                }
                if let Some(page) = pages.get_mut(&target.page)
                    && redo::gate(record, &target, page).is_ok_and(|g| g == Gate::Apply)
                {
                    let _ = redo::apply(record, &target, page);
                }
                Ok(true)
            })
            .unwrap();
    }
    eprintln!("{fine} came through, {refused} refused");
    assert!(fine > 1000 && refused > 1000);
}
