//! Log files (`.ldf`): every VLF header in its place, and the blocks from the newest VLF's beginning to the log's end.

use std::sync::Arc;

use holdfast_backup::Device;
use holdfast_base::Lsn;
use holdfast_format::log::vlf::vlf_table;
use holdfast_format::log::{LogBytes, LogError, LogStore};

use super::finding::{Finding, Findings, Severity};

struct Bytes(Device);

impl LogBytes for Bytes {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), LogError> {
        self.0.read(offset, out).map_err(|e| LogError::Read { offset, message: e.to_string() })
    }
}

/// Gives a line of the summary.
pub fn check(name: &str, device: &Device, findings: &Findings) -> String {
    let fault = |text: String| {
        findings.add(Finding {
            severity: Severity::Damage,
            file: name.to_owned(),
            page: None,
            offset: None,
            text,
        });
    };
    let bytes: Arc<dyn LogBytes> = Arc::new(Bytes(device.clone()));
    let table = match vlf_table(&*bytes) {
        Ok(table) => table,
        Err(e) => {
            fault(e.to_string());
            return format!("{name}: log file, VLFs not readable");
        }
    };
    let mut store = LogStore::new();
    if let Err(e) = store.add_file(bytes) {
        fault(e.to_string());
        return format!("{name}: log file, {} VLFs", table.len());
    }
    // Only the newest VLF is walked: older ones may be partly reused, and where the needed log begins stands in the boot
    // page of another file.
    let Some(newest) = store.last_vlf() else {
        return format!("{name}: log file, {} VLFs, never used", table.len());
    };
    let mut cursor = store.blocks_from(Lsn::new(newest, 0x10, 1));
    let mut blocks = 0u64;
    loop {
        match cursor.next_block() {
            Ok(Some(_)) => blocks += 1,
            Ok(None) => break,
            Err(e) => {
                fault(e.to_string());
                break;
            }
        }
    }
    format!("{name}: log file, {} VLFs, {blocks} blocks in the newest", table.len())
}
