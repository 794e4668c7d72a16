//! Rolling forward on several threads gives the same pages, the same table and the same error as on one: on made logs over
//! many pages, with pages written in between, with a record that cannot be applied, and on genuine logs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use holdfast_base::{Lsn, PAGE_SIZE, PageId};
use holdfast_disk::{Disk, DiskFile, SimulatedDisk};
use holdfast_format::log::record::flag;
use holdfast_format::log::vlf::vlf_table;
use holdfast_format::log::write::{RecordHeader, page_record, row_record};
use holdfast_format::log::{
    Context, LogRecord, LogStore, LogTime, Operation, PageTarget, RowTarget, TransactionId, VlfHeader,
    context, op,
};
use holdfast_format::page::protection;
use holdfast_format::{PageBytes, PageView};
use holdfast_storage::recovery::log_writer::{LogShape, vlf_header_bytes};
use holdfast_storage::recovery::redo;
use holdfast_storage::recovery::{
    FilePages, LogWriter, PageStore, Spread, StopPoint, TransactionTable, roll_forward,
};
use holdfast_storage::restore::log_files::log_store;

const FIRST: Lsn = Lsn::new(40, 0x10, 1);

/// A generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A log being made, and the pages as its records leave them.
struct Made {
    numbers: Numbers,
    writer: LogWriter,
    pages: BTreeMap<PageId, Box<PageBytes>>,
    lsns: Vec<Lsn>,
}

fn heap_row(length: usize, byte: u8) -> Vec<u8> {
    let mut row = vec![0x10, 0];
    row.extend_from_slice(&(4 + length as u16).to_le_bytes());
    row.resize(4 + length, byte);
    row.extend_from_slice(&[1, 0, 0]);
    row
}

impl Made {
    fn append(
        &mut self,
        operation: Operation,
        context: Context,
        id: PageId,
        body: impl Fn(&RecordHeader, &PageTarget) -> Vec<u8>,
        slot: u16,
    ) {
        let page = self.pages.entry(id).or_insert_with(|| Box::new([0; PAGE_SIZE]));
        let header = RecordHeader {
            previous: Lsn::ZERO,
            flags: flag::TRANSACTION,
            transaction: TransactionId(1 + u64::from(id.page % 5)),
            operation,
            context,
        };
        let page_lsn = PageView::new(page).lsn();
        let target = PageTarget { page: id, slot, object_part: 77, index_part: 1, page_lsn };
        let bytes = body(&header, &target);
        let lsn = self.writer.append(&bytes).unwrap();
        self.lsns.push(lsn);
        let record = LogRecord::new(lsn, &bytes).unwrap();
        redo::apply(&record, &target, page).unwrap();
    }

    fn format(&mut self, id: PageId) {
        let mut rest = vec![1, 0, 0, 0];
        rest.extend_from_slice(&[0; 6]);
        rest.extend_from_slice(&12u16.to_le_bytes());
        rest.resize(0x50 - 0x30, 0);
        self.append(op::FORMAT_PAGE, context::HEAP, id, |h, t| page_record(h, t, &rest, Some(&[])), 0xFFFF);
    }

    /// Some change of a page that is in use.
    fn change(&mut self, id: PageId) {
        let view = PageView::new(&self.pages[&id]);
        let (count, free) = (view.slot_count(), usize::from(view.free_count()));
        let slot = self.numbers.below(usize::from(count) + 1) as u16;
        let there = view.record(slot).filter(|_| slot < count && !view.slot_is_empty(slot));
        let length = there.map(|row| usize::from(u16::from_le_bytes([row[2], row[3]])));
        let byte = self.numbers.below(256) as u8;
        match (length, self.numbers.below(3)) {
            (Some(end), 0) => {
                let old = heap_row(end - 4, 0);
                let row = RowTarget { rowset: 9, ..RowTarget::default() };
                self.append(
                    op::DELETE_ROWS,
                    context::HEAP,
                    id,
                    |h, t| row_record(h, t, &row, &[&old, &[]]),
                    slot,
                );
            }
            (Some(end), 1) if end > 6 => {
                let row = RowTarget { rowset: 9, offset: 5, size_or_flags: 1, space_bits: 0 };
                let new = [byte];
                self.append(
                    op::MODIFY_ROW,
                    context::HEAP,
                    id,
                    |h, t| row_record(h, t, &row, &[&[0], &new, &[], &[]]),
                    slot,
                );
            }
            _ => {
                let length = 1 + self.numbers.below(90);
                if free < length + 20 {
                    return self.format(id);
                }
                let slot = if there.is_some() { count } else { slot };
                let row = RowTarget { rowset: 9, ..RowTarget::default() };
                let new = heap_row(length, byte);
                self.append(
                    op::INSERT_ROWS,
                    context::HEAP,
                    id,
                    |h, t| row_record(h, t, &row, &[&new, &[], &[]]),
                    slot,
                );
            }
        }
    }
}

struct Log {
    file: Arc<dyn DiskFile>,
    store: LogStore,
    pages: BTreeMap<PageId, Box<PageBytes>>,
    lsns: Vec<Lsn>,
}

/// A log of `records` changes of `pages` pages. With `broken`, that record claims another page LSN than there is.
fn made(seed: u64, pages: usize, records: usize, broken: Option<usize>) -> Log {
    let file = SimulatedDisk::new().create(Path::new("/log")).unwrap();
    let size = 16 << 20;
    file.set_length(8192 + size).unwrap();
    let shape = LogShape::of_database(706, true);
    let vlf = VlfHeader { parity: 0x40, sequence: 40, cycle: 1, ..VlfHeader::unused(5, 8192, size) };
    file.write_at(8192, &vlf_header_bytes(&vlf, 0)).unwrap();
    let writer =
        LogWriter::resume(vec![(file.clone(), vec![vlf])], FIRST, 0, shape, LogTime::default(), 0).unwrap();
    let mut made = Made { numbers: Numbers(seed | 1), writer, pages: BTreeMap::new(), lsns: Vec::new() };
    for n in 0..records {
        let page = PageId::new(1, 100 + made.numbers.below(pages) as u32);
        if broken == Some(n) {
            let other = PageId::new(1, 50);
            let row = RowTarget { rowset: 9, ..RowTarget::default() };
            let header = RecordHeader {
                previous: Lsn::ZERO,
                flags: flag::TRANSACTION,
                transaction: TransactionId(1),
                operation: op::DELETE_ROWS,
                context: context::HEAP,
            };
            let target = PageTarget {
                page: other,
                slot: 0,
                object_part: 77,
                index_part: 1,
                page_lsn: Lsn::new(1, 1, n as u16),
            };
            made.lsns.push(made.writer.append(&row_record(&header, &target, &row, &[&[1], &[]])).unwrap());
        }
        if made.pages.contains_key(&page) { made.change(page) } else { made.format(page) }
    }
    made.writer.flush().unwrap();
    let store = log_store(&BTreeMap::from([(2, file.clone())])).unwrap();
    Log { file, store, pages: made.pages, lsns: made.lsns }
}

/// What rolling a log forward left: pages in their file, or the error; and the table.
#[derive(PartialEq, Debug)]
struct Outcome {
    result: String,
    open: String,
    file: Vec<u8>,
}

fn roll(
    log: &LogStore,
    from: Lsn,
    stop: StopPoint,
    start: &[u8],
    capacity: usize,
    spread: Spread,
) -> Outcome {
    let file = SimulatedDisk::new().create(Path::new("/data")).unwrap();
    if !start.is_empty() {
        file.write_at(0, start).unwrap();
    }
    let mut pages = FilePages::spread(BTreeMap::from([(1, file.clone())]), capacity, None, spread).unwrap();
    let mut table = TransactionTable::new();
    let done = roll_forward(&mut pages, log, from, stop, &mut table, &mut |_| {});
    let result = format!("{done:?}");
    // After an error nobody looks at the pages.
    let mut bytes = Vec::new();
    if done.is_ok() {
        pages.flush().unwrap();
        bytes = vec![0; file.length().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
    }
    let open = if done.is_ok() {
        format!("{:?} {:?}", table.open().collect::<Vec<_>>(), table.counts)
    } else {
        String::new()
    };
    Outcome { result, open, file: bytes }
}

fn spread(workers: usize) -> Spread {
    Spread { workers, batch: 2000 }
}

#[test]
fn pages_do_not_depend_on_the_number_of_workers() {
    for seed in 1..=2 {
        let log = made(seed * 7919, 200, 8_000, None);
        let one =
            roll(&log.store, FIRST, StopPoint::EndOfLog, &[], 10_000, Spread { workers: 1, batch: 1 << 30 });
        assert!(one.result.contains("records: 8000, applied: 8000"), "{}", one.result);
        for (id, expected) in &log.pages {
            let at = id.page as usize * PAGE_SIZE;
            let mut found: PageBytes = one.file[at..at + PAGE_SIZE].try_into().unwrap();
            protection::restore_torn(&mut found).unwrap();
            assert!(found[64..] == expected[64..] && found[..60] == expected[..60], "page {id}");
        }
        for workers in [1, 2, 8] {
            assert!(one == roll(&log.store, FIRST, StopPoint::EndOfLog, &[], 10_000, spread(workers)));
            // Pages leave memory in between and come back.
            let rounds = roll(&log.store, FIRST, StopPoint::EndOfLog, &[], 40, spread(workers));
            assert!(one == rounds, "{} workers", workers);
            // A second time over the same pages: nothing is left to do.
            let again = roll(&log.store, FIRST, StopPoint::EndOfLog, &one.file, 100, spread(workers));
            assert!(again.file == one.file && again.result.contains("applied: 0"), "{}", again.result);
        }
    }
}

#[test]
fn the_earliest_error_and_the_stop_point_are_those_of_one_worker() {
    for (seed, broken) in [(3, 100), (5, 4_000), (11, 7_999)] {
        let log = made(seed, 200, 8_000, Some(broken));
        let one = roll(&log.store, FIRST, StopPoint::EndOfLog, &[], 10_000, spread(1));
        let lsn = log.lsns[broken];
        assert!(
            one.result.starts_with("Err(Gap") && one.result.contains(&format!("{lsn:?}")),
            "{}",
            one.result
        );
        for workers in [2, 8] {
            assert_eq!(one, roll(&log.store, FIRST, StopPoint::EndOfLog, &[], 10_000, spread(workers)));
        }
        // Right before it, nothing is wrong.
        for workers in [1, 4] {
            let before = roll(&log.store, FIRST, StopPoint::Before(lsn), &[], 10_000, spread(workers));
            assert!(
                before.result.contains("stopped: true")
                    && before.result.contains(&format!("records: {broken},")),
                "{}",
                before.result
            );
        }
    }
}

#[test]
fn a_block_that_is_damaged_ends_the_log_at_the_same_place() {
    let log = made(17, 100, 10_000, None);
    let victim = log.lsns[6_000];
    log.file.write_at(8192 + u64::from(victim.block) * 512 + 100, &[0xFF, 0xFE, 0xFD]).unwrap();
    let one = roll(&log.store, FIRST, StopPoint::EndOfLog, &[], 10_000, spread(1));
    assert!(one.result.contains("Checksum"), "{}", one.result);
    for workers in [2, 3] {
        assert!(one == roll(&log.store, FIRST, StopPoint::EndOfLog, &[], 10_000, spread(workers)));
    }
}

#[test]
fn genuine_logs_roll_forward_alike() {
    let mut compared = 0;
    let all = holdfast_testkit::corpus();
    let of = |kind: &str| -> Vec<(String, Vec<u8>)> {
        all.iter().filter(|f| f.name().ends_with(kind)).map(|f| (f.name().to_owned(), f.read())).collect()
    };
    let data = of(".mdf");
    for (name, bytes) in of(".ldf") {
        let stem = |s: &str| s.chars().filter(char::is_ascii_digit).take(3).collect::<String>();
        let used = vlf_table(&bytes).unwrap().into_iter().filter(|v| v.sequence != 0);
        let mut store = LogStore::new();
        store.add_file(Arc::new(bytes.clone())).unwrap();
        for from in used.map(|v| Lsn::new(v.sequence, 0x10, 1)) {
            // Every beginning, on empty files and on those of the same release: most of them end in an error, which must be
            // the same.
            let starts = data.iter().filter(|d| stem(&d.0) == stem(&name)).map(|d| d.1.as_slice());
            for start in starts.chain([&[][..]]) {
                let one = roll(&store, from, StopPoint::EndOfLog, start, 500, spread(1));
                assert!(
                    one == roll(&store, from, StopPoint::EndOfLog, start, 500, spread(3)),
                    "{name} {from}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 20 || holdfast_testkit::corpus_dir().is_none(), "{compared}");
}
