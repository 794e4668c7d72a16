//! A log that is damaged where its content was known to be durable stops recovery: it is not taken for a log that ends earlier.
//! On the pairs of data and log file of the corpus.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use holdfast_base::Lsn;
use holdfast_disk::{Disk, DiskFile, SimulatedDisk};
use holdfast_format::boot::BootPage;
use holdfast_format::log::vlf::vlf_table;
use holdfast_format::log::{LogStore, LogTime};
use holdfast_storage::recovery::database::recover_files;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};

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
