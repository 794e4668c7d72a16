//! A log that is damaged where its content was known to be durable stops recovery: it is not taken for a log that ends earlier.
//! On the pairs of data and log file of the corpus.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use holdfast_base::Lsn;
use holdfast_disk::{Disk, DiskFile, SimulatedDisk};
use holdfast_format::boot::BootPage;
use holdfast_format::log::vlf::vlf_table;
use holdfast_format::log::write::begin_checkpoint;
use holdfast_format::log::{LogBytes, LogError, LogStore, LogTime, TransactionId, VlfHeader};
use holdfast_storage::recovery::database::recover_files;
use holdfast_storage::recovery::log_writer::{LogShape, vlf_header_bytes};
use holdfast_storage::recovery::{LogWriter, RecoveryError, RecoveryResult};

/// Those whose log has checksums.
const PAIRS: [(&str, &str); 2] = [
    ("706_mdf_MvcMusicStore_asdeoz_82269f.mdf", "706_ldf_MvcMusicStore-log_asdeoz_01346d.ldf"),
    ("852_mdf_Database1_lidorduk_95cd0c.mdf", "852_ldf_Database1-log_lidorduk_6f35d3.ldf"),
];

fn recover(data: &[u8], log: &[u8]) -> RecoveryResult<()> {
    let disk = SimulatedDisk::new();
    let file = |name: &str, bytes: &[u8]| -> Arc<dyn DiskFile> {
        let file = disk.create(Path::new(name)).expect("made");
        file.write_at(0, bytes).expect("written");
        file.sync().expect("synced");
        file
    };
    let (data, log) = (file("/d", data), file("/l", log));
    let time = LogTime { days: 45_000, ticks: 0 };
    recover_files(BTreeMap::from([(1, data)]), &BTreeMap::from([(2, log)]), None, time, 1000).map(|_| ())
}

/// Where the log begins that recovery needs, and where the block lies that holds the last checkpoint.
fn checkpoint(data: &[u8], log: &[u8]) -> (Lsn, usize, usize) {
    let mut page: [u8; 8192] = data[9 * 8192..10 * 8192].try_into().expect("a page");
    let _ = holdfast_format::page::protection::restore_torn(&mut page);
    let lsn = BootPage::read(&page).expect("a boot page").checkpoint_lsn;
    let table = vlf_table(&log.to_vec()).expect("VLFs");
    let vlf = table.iter().find(|v| v.sequence == lsn.vlf && v.parity != 0).expect("its VLF");
    let mut store = LogStore::new();
    store.add_file(Arc::new(log.to_vec())).expect("a log");
    let block = store.block_of(lsn).expect("its block");
    assert_ne!(block.header().checksum, 0, "the log has checksums");
    let size = usize::from(block.header().size);
    (lsn, vlf.block_offset(lsn.block) as usize, size)
}

#[test]
fn a_flipped_bit_in_the_block_of_the_last_checkpoint_is_no_end() {
    for (data, log) in PAIRS {
        let read =
            |name: &str| holdfast_testkit::corpus().iter().find(|f| f.name() == name).map(|f| f.read());
        let (Some(data), Some(log)) = (read(data), read(log)) else { return };
        recover(&data, &log).unwrap_or_else(|e| panic!("undamaged: {e}"));
        let (lsn, at, size) = checkpoint(&data, &log);
        for bit in (0..size * 8).step_by(307) {
            let mut damaged = log.clone();
            damaged[at + bit / 8] ^= 1 << (bit % 8);
            let error = recover(&data, &damaged).expect_err("a damaged log");
            let place = format!("{:08x}:{:08x}", lsn.vlf, lsn.block);
            assert!(error.to_string().contains(&place), "{error}");
        }
        // The log of before the checkpoint: what an older copy of it would be.
        let mut older = log.clone();
        older[at..].fill(0);
        assert!(matches!(recover(&data, &older), Err(RecoveryError::LogEndsEarly { end, .. }) if end <= lsn));
    }
}

struct Bytes(Arc<dyn DiskFile>);

impl LogBytes for Bytes {
    fn length(&self) -> u64 {
        self.0.length().expect("length")
    }
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), LogError> {
        self.0.read_at(offset, out).map_err(|e| LogError::Read { offset, message: e.to_string() })
    }
}

/// Every block that was durable when a later one was written is missed, whatever has become of it; what was written in one go with
/// those behind it may be missing, and ends the log.
#[test]
fn a_block_that_was_durable_is_no_end() {
    for version in [661, 706, 904] {
        let file = SimulatedDisk::new().create(Path::new("/l")).expect("created");
        let shape = LogShape::of_database(version, true);
        let size = 0x3E000;
        file.set_length(8192 + 2 * size).expect("sized");
        let begun = |sequence, offset| VlfHeader {
            parity: if sequence == 0 { 0 } else { 0x40 },
            sequence,
            cycle: u32::from(sequence != 0),
            ..VlfHeader::unused(shape.vlf_format, offset, size)
        };
        let vlfs = [begun(33, 8192), begun(0, 8192 + size)];
        for vlf in &vlfs {
            file.write_at(vlf.offset, &vlf_header_bytes(vlf, shape.fill)).expect("written");
        }
        let (time, start) = (LogTime::default(), Lsn::new(33, 16, 1));
        let all = vec![(Arc::clone(&file), vlfs.to_vec())];
        let mut writer = LogWriter::resume(all, start, 0, shape, time, 0).expect("resumes");
        let append = |n: u64, writer: &mut LogWriter| {
            writer.append(&begin_checkpoint(Lsn::ZERO, time, version, TransactionId(n))).expect("appends")
        };
        let alone: Vec<Lsn> = (0..20)
            .map(|n| {
                let lsn = append(n, &mut writer);
                writer.flush().expect("durable");
                lsn
            })
            .collect();
        // Three blocks in one go.
        let together: Vec<Lsn> = (20..23)
            .map(|n| {
                let lsn = append(n, &mut writer);
                writer.end_block().expect("ends");
                lsn
            })
            .collect();
        writer.flush().expect("durable");
        let whole = writer.end();
        let read = || {
            let mut store = LogStore::new();
            store.add_file(Arc::new(Bytes(Arc::clone(&file)))).expect("valid");
            store.for_each_record::<LogError>(start, |_| Ok(true)).map(|end| end.at)
        };
        assert_eq!(read().expect("whole"), whole);
        let damaged = |lsn: Lsn, damage: &dyn Fn(&mut [u8])| {
            let at = vlfs[0].block_offset(lsn.block);
            let mut sector = [0u8; 512];
            file.read_at(at, &mut sector).expect("read");
            let mut changed = sector;
            damage(&mut changed);
            file.write_at(at, &changed).expect("written");
            let found = read();
            file.write_at(at, &sector).expect("written");
            found
        };
        let older = alone[3];
        let mut stale = [0u8; 512];
        file.read_at(vlfs[0].block_offset(older.block), &mut stale).expect("read");
        let damages: [&dyn Fn(&mut [u8]); 4] =
            [&|s| s.fill(0), &|s| s[0] ^= 0x80, &|s| s[0x10] ^= 1, &|s| s.copy_from_slice(&stale)];
        for damage in damages {
            for lsn in alone.iter().filter(|l| **l != older) {
                let hole = Lsn { slot: 1, ..*lsn };
                match damaged(*lsn, damage) {
                    Err(LogError::Hole { lsn, by, .. }) => assert!(lsn == hole && by > hole, "{lsn} {by}"),
                    other => panic!("{version} {hole}: {other:?}"),
                }
            }
            for lsn in &together {
                let end = damaged(*lsn, damage).expect("an end");
                assert_eq!((end.vlf, end.block), (lsn.vlf, lsn.block));
            }
        }
        // The next VLF says that of the whole one before.
        let mut last = together[2];
        while last.vlf == 33 {
            last = append(99, &mut writer);
        }
        writer.flush().expect("durable");
        let found = damaged(together[1], &|s| s.fill(0));
        assert!(matches!(found, Err(LogError::Hole { .. })), "{found:?}");
    }
}
