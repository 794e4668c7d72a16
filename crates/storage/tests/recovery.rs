//! Redo and undo over genuine log files: every page that a log formats is rebuilt from its records and compared with the
//! data file; every transaction that lies wholly on such pages is rolled back and compared with what was there before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use holdfast_base::{FileId, Lsn, PageId};
use holdfast_disk::{Disk, DiskFile, SimulatedDisk};
use holdfast_format::log::vlf::vlf_table;
use holdfast_format::log::{LogError, LogRecord, LogStore, LogTime, TransactionId, VlfHeader, op};
use holdfast_format::page::protection;
use holdfast_format::record::record_length;
use holdfast_format::{PageBytes, PageView};
use holdfast_storage::recovery::log_writer::{LogShape, vlf_header_bytes};
use holdfast_storage::recovery::redo::{self, Gate};
use holdfast_storage::recovery::{
    FilePages, LogWriter, OpenTransaction, PageStore, RecoveryError, RecoveryResult, StopPoint,
    TransactionTable, roll_forward, undo,
};

/// Pages known because the log formats them.
#[derive(Clone, Default)]
struct Known(HashMap<PageId, Box<PageBytes>>);

impl PageStore for Known {
    fn page(&mut self, id: PageId) -> RecoveryResult<&PageBytes> {
        let missing = RecoveryError::Database { what: format!("page {id} is not known") };
        self.0.get(&id).map(|p| &**p).ok_or(missing)
    }
    fn page_mut(&mut self, id: PageId) -> RecoveryResult<&mut PageBytes> {
        let missing = RecoveryError::Database { what: format!("page {id} is not known") };
        self.0.get_mut(&id).map(|p| &mut **p).ok_or(missing)
    }
    fn has_file(&self, file: FileId) -> bool {
        file == 1
    }
    fn relieve(&mut self) -> RecoveryResult<()> {
        Ok(())
    }
    fn flush(&mut self) -> RecoveryResult<()> {
        Ok(())
    }
}

fn files(kind: &str) -> Vec<(String, Vec<u8>)> {
    let all = holdfast_testkit::corpus().into_iter().filter(|f| f.name().ends_with(kind));
    all.map(|f| (f.name().to_owned(), f.read())).collect()
}

fn store(bytes: &[u8]) -> (LogStore, Lsn, u32) {
    let table = vlf_table(&bytes.to_vec()).unwrap();
    let mut store = LogStore::new();
    store.add_file(Arc::new(bytes.to_vec())).unwrap();
    // Blocks of SQL Server 2000 may stand in the oldest VLFs of an upgraded database: begin behind them.
    let mut used: Vec<&VlfHeader> = table.iter().filter(|v| v.sequence != 0).collect();
    used.sort_by_key(|v| v.sequence);
    let last = used.last().map_or(0, |v| v.sequence);
    let mut first = last;
    for v in used.iter().rev() {
        let here = store.block(v.sequence, 0x10);
        if v.sequence + 1 < first || !matches!(here, Ok(Ok(b)) if b.header().version.number > 2) {
            break;
        }
        first = v.sequence;
    }
    (store, Lsn::new(first, 0x10, 1), last)
}

fn redo_known(known: &mut Known, record: &LogRecord<'_>, format: bool) -> RecoveryResult<bool> {
    let Some(target) = record.page_target()? else { return Ok(false) };
    if record.operation() == op::FORMAT_PAGE && format {
        known.0.entry(target.page).or_insert_with(|| Box::new([0; 8192]));
    }
    let Some(page) = known.0.get_mut(&target.page) else { return Ok(false) };
    match redo::gate(record, &target, page)? {
        Gate::Done => Ok(false),
        Gate::Apply => redo::apply(record, &target, page).map(|()| true),
    }
}

/// Visible rows of a page: address, bytes without the first (ghost state) and without the version tag.
fn rows(pages: &Known) -> BTreeMap<PageId, Vec<Vec<u8>>> {
    let mut out = BTreeMap::new();
    for (id, page) in &pages.0 {
        let view = PageView::new(page);
        let mut list = Vec::new();
        for slot in 0..view.slot_count() {
            let Some(row) = view.record(slot) else { continue };
            if view.page_type() > 4 {
                list.push(row[..row.len().min(7900)].to_vec());
                continue;
            }
            let ghost = row[0] & 1 == 0 && matches!(row[0] >> 1 & 7, 5..=7);
            if ghost {
                continue;
            }
            let length = record_length(row, view.page_type() == 2, view.pminlen()).unwrap_or(0);
            list.push(row[..length].to_vec());
        }
        out.insert(*id, list);
    }
    out
}

#[test]
fn pages_formatted_in_a_log_come_out_as_in_the_data_file() {
    let data = files(".mdf");
    let (mut rebuilt, mut equal, mut applied) = (0, 0, 0u64);
    let mut differing = Vec::new();
    for (name, bytes) in files(".ldf") {
        let (log, from, _) = store(&bytes);
        let mut known = Known::default();
        let mut gaps = 0;
        log.for_each_record::<RecoveryError>(from, |r| {
            match redo_known(&mut known, r, true) {
                Ok(done) => applied += u64::from(done),
                // A log that mixes two lives of a database.
                Err(RecoveryError::Gap { page, .. }) => {
                    gaps += 1;
                    known.0.remove(&page);
                }
                Err(e) => panic!("{name}: {e}"),
            }
            Ok(true)
        })
        .unwrap_or_else(|e| panic!("{name}: {e}"));
        rebuilt += known.0.len();
        for (mdf_name, mdf) in &data {
            let stem = |s: &str| s.split('_').take(1).collect::<String>();
            if stem(mdf_name) != stem(&name) {
                continue;
            }
            for (id, page) in &known.0 {
                let at = id.page as usize * 8192;
                let Some(bytes) = mdf.get(at..at + 8192) else { continue };
                let mut genuine = [0u8; 8192];
                genuine.copy_from_slice(bytes);
                protection::restore_torn(&mut genuine).unwrap();
                let (a, b) = (PageView::new(page), PageView::new(&genuine));
                if a.lsn() != b.lsn() || a.unit_id() != b.unit_id() {
                    continue;
                }
                let one = |p: &PageBytes| rows(&Known(HashMap::from([(*id, Box::new(*p))])));
                if one(page) == one(&genuine) && a.slot_count() == b.slot_count() {
                    equal += 1;
                } else {
                    differing.push(format!("{mdf_name} {id} type {}", a.page_type()));
                }
            }
        }
        eprintln!("{name}: {} pages, {gaps} gaps", known.0.len());
    }
    eprintln!("{rebuilt} pages rebuilt by {applied} records, {equal} equal, differing {differing:?}");
    assert!(rebuilt == 0 || (equal > 100 && applied > 5000));
    assert!(differing.len() * 50 < equal.max(1), "{differing:?}");
}

/// A log file of one VLF to write compensation records to.
fn scratch_writer(sequence: u32) -> LogWriter {
    let file: Arc<dyn DiskFile> = SimulatedDisk::new().create(Path::new("/undo")).unwrap();
    let size = 1 << 20;
    file.set_length(8192 + size).unwrap();
    let shape = LogShape::of_database(706, true);
    let vlf = VlfHeader { parity: 0x40, sequence, cycle: 1, ..VlfHeader::unused(5, 8192, size) };
    file.write_at(8192, &vlf_header_bytes(&vlf, 0)).unwrap();
    let all = vec![(file, vec![vlf])];
    LogWriter::resume(all, Lsn::new(sequence, 0x10, 1), 0, shape, LogTime::default(), 0).unwrap()
}

#[test]
fn transactions_roll_back_to_what_was_there_before() {
    let (mut done, mut undone_records) = (0, 0);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    for (name, bytes) in files(".ldf") {
        let (log, from, last) = store(&bytes);
        let mut known = Known::default();
        // Per open transaction: pages before it, whether every page it touched is known, and its operations.
        let mut before: HashMap<TransactionId, (Lsn, Known, bool, Vec<String>)> = HashMap::new();
        let mut table = TransactionTable::new();
        let mut poisoned: HashSet<TransactionId> = HashSet::new();
        let result = log.for_each_record::<RecoveryError>(from, |r| {
            let id = r.transaction();
            let commit = r.operation() == op::COMMIT_XACT;
            if commit && let Some((begin, old, whole, operations)) = before.remove(&id) {
                let system: Vec<OpenTransaction> = table.open().copied().filter(|t| t.id == id).collect();
                if whole && !operations.is_empty() && !poisoned.contains(&id) {
                    let mut pages = known.clone();
                    let mut losers = TransactionTable::with_open(
                        system.iter().map(|t| OpenTransaction { begin, ..*t }),
                        id,
                    );
                    let mut writer = scratch_writer(last + 1);
                    match undo::roll_back(&mut pages, &log, r.lsn(), &mut writer, &mut losers, LogTime::default()) {
                        Ok(stats) => {
                            undone_records += stats.records;
                            done += 1;
                            for o in &operations {
                                *kinds.entry(o.clone()).or_default() += 1;
                            }
                            // Pages the transaction itself formatted are given back, whatever they hold.
                            let mut was = rows(&old);
                            let mut is = rows(&pages);
                            is.retain(|p, _| was.contains_key(p));
                            was.retain(|p, _| is.contains_key(p));
                            for (page, expected) in &was {
                                let found = &is[page];
                                let same = expected == found;
                                if !same {
                                    let lost: Vec<_> = expected.iter().filter(|x| !found.contains(x)).collect();
                                    let extra: Vec<_> = found.iter().filter(|x| !expected.contains(x)).collect();
                                    panic!(
                                        "{name}: page {page} after undo of {id} at {}: {} rows, {} expected, lost {lost:02x?}, extra {extra:02x?}, {operations:?}",
                                        r.lsn(), found.len(), expected.len()
                                    );
                                }
                            }
                        }
                        Err(e) => {
                            let e = format!("{e}");
                            *refused.entry(e.split(':').next_back().unwrap_or("").to_owned()).or_default() += 1;
                        }
                    }
                }
            }
            if r.operation() == op::BEGIN_XACT && known.0.len() < 400 {
                before.insert(id, (r.lsn(), known.clone(), true, Vec::new()));
            }
            table.observe(r)?;
            let target = r.page_target()?;
            if let Some(t) = target {
                // Only transactions that run alone can be compared with the state at their beginning.
                for (other, entry) in &mut before {
                    if *other != id && r.flags() & 2 != 0 {
                        entry.2 = false;
                    }
                }
                let is_format = r.operation() == op::FORMAT_PAGE;
                if let Some(entry) = before.get_mut(&id) {
                    entry.2 &= is_format || known.0.contains_key(&t.page);
                    entry.2 &= r.flags() & 1 == 0;
                    entry.3.push(format!("{} {}", r.operation(), r.context()));
                }
            }
            match redo_known(&mut known, r, true) {
                Ok(_) => Ok(true),
                Err(RecoveryError::Gap { page, .. }) => {
                    known.0.remove(&page);
                    poisoned.extend(before.keys());
                    Ok(true)
                }
                Err(e) => Err(e),
            }
        });
        result.unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    eprintln!("{done} transactions rolled back, {undone_records} records; {kinds:#?}; refused {refused:?}");
    assert!(done > 20 || holdfast_testkit::corpus_dir().is_none());
    assert!(refused.values().sum::<u64>() * 20 <= done.max(1), "{refused:?}");
}

#[test]
fn an_older_data_file_catches_up_with_a_newer_log() {
    if holdfast_testkit::corpus_dir().is_none() {
        return;
    }
    let data: Vec<_> = files(".mdf").into_iter().filter(|f| f.0.starts_with("782_mdf_Database1")).collect();
    let logs: Vec<_> = files(".ldf").into_iter().filter(|f| f.0.starts_with("782_ldf_Database1")).collect();
    assert_eq!((data.len(), logs.len()), (2, 2));
    let highest = |mdf: &[u8]| {
        mdf.chunks_exact(8192)
            .filter(|p| p[0] == 1)
            .filter_map(|p| {
                let page: &PageBytes = p.try_into().ok()?;
                Some(PageView::new(page).lsn())
            })
            .max()
            .unwrap()
    };
    let (old, new) = if highest(&data[0].1) < highest(&data[1].1) { (0, 1) } else { (1, 0) };
    let end = |ldf: &[u8]| {
        let (log, from, _) = store(ldf);
        log.for_each_record::<LogError>(from, |_| Ok(true)).unwrap().at
    };
    let log = if end(&logs[0].1) > end(&logs[1].1) { &logs[0].1 } else { &logs[1].1 };
    let disk = SimulatedDisk::new();
    let file = disk.create(Path::new("/old.mdf")).unwrap();
    file.write_at(0, &data[old].1).unwrap();
    let mut pages = FilePages::new(BTreeMap::from([(1, file.clone())]), 100, None).unwrap();
    let (log, from, _) = store(log);
    let mut table = TransactionTable::new();
    let done = roll_forward(&mut pages, &log, from, StopPoint::EndOfLog, &mut table, &mut |_| {}).unwrap();
    pages.flush().unwrap();
    eprintln!("{done:?}");
    let mut differing = Vec::new();
    let mut changed = 0;
    for (n, genuine) in data[new].1.chunks_exact(8192).enumerate() {
        let mut page = [0u8; 8192];
        if file.read_at(n as u64 * 8192, &mut page).is_err() {
            continue;
        }
        let mut genuine_page: PageBytes = genuine.try_into().unwrap();
        protection::restore_torn(&mut genuine_page).unwrap();
        protection::restore_torn(&mut page).unwrap();
        let id = PageId::new(1, n as u32);
        let one = |p: &PageBytes| rows(&Known(HashMap::from([(id, Box::new(*p))])));
        changed += usize::from(data[old].1.get(n * 8192..(n + 1) * 8192) != Some(&page[..]));
        if PageView::new(&page).lsn() != PageView::new(&genuine_page).lsn()
            || one(&page) != one(&genuine_page)
        {
            differing.push((
                n,
                genuine_page[1],
                PageView::new(&page).lsn(),
                PageView::new(&genuine_page).lsn(),
            ));
        }
    }
    eprintln!("changed {changed}, differing {differing:?}");
    // The boot page (9) and the headers are also written without a log record.
    assert!(differing.iter().all(|d| matches!(d.0, 0 | 9)), "{differing:?}");
}
