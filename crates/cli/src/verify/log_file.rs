//! Log files (`.ldf`): the header page, every VLF header in its place, the blocks of every VLF, and with the data file beside it
//! whether the log reaches from where recovery begins to the last checkpoint.
//!
//! Invariants
//! 1. A block that was written whole and is not what was written is damage. A block that was not written whole may be where a
//!    crash has cut the log: damage only before the last checkpoint, whose log was durable.
//! 2. Files of other databases are not judged by this one's boot page.

use std::sync::Arc;

use holdfast_backup::Device;
use holdfast_base::{Lsn, PAGE_SIZE, PageId};
use holdfast_format::log::vlf::{FIRST_BLOCK, vlf_table};
use holdfast_format::log::{LogBytes, LogError, LogStore, VlfHeader};

use super::finding::{Finding, Findings, Severity};
use super::pages::PageChecks;

struct Bytes(Device);

impl LogBytes for Bytes {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), LogError> {
        self.0.read(offset, out).map_err(|e| LogError::Read { offset, message: e.to_string() })
    }
}

fn finding(severity: Severity, name: &str, offset: Option<u64>, text: String) -> Finding {
    Finding { severity, file: name.to_owned(), page: None, offset, text }
}

/// Where a log record lies in its file.
fn offset_of(table: &[VlfHeader], lsn: Lsn) -> Option<u64> {
    table.iter().find(|v| v.sequence == lsn.vlf && v.parity != 0).map(|v| v.block_offset(lsn.block))
}

/// Checks a file by itself; gives a line of the summary.
pub fn check(name: &str, file_id: u16, device: &Device, findings: &Findings) -> String {
    let damage = |offset, text| findings.add(finding(Severity::Damage, name, offset, text));
    let mut page = vec![0; PAGE_SIZE];
    match device.read(0, &mut page) {
        Ok(()) => {
            let mut checks = PageChecks::default();
            checks.check(name, PageId::new(file_id, 0), &page, &|at| at, findings);
            checks.end_pass(findings);
        }
        Err(e) => findings.add(Finding::of(&e, Severity::Damage)),
    }
    let bytes: Arc<dyn LogBytes> = Arc::new(Bytes(device.clone()));
    let table = match vlf_table(&*bytes) {
        Ok(table) => table,
        Err(e) => {
            damage(None, e.to_string());
            return format!("{name}: log file, VLFs not readable");
        }
    };
    let mut store = LogStore::new();
    if let Err(e) = store.add_file(bytes) {
        damage(None, e.to_string());
        return format!("{name}: log file, {} VLFs", table.len());
    }
    let mut blocks = 0u64;
    let mut used: Vec<u32> = table.iter().filter(|v| v.parity != 0).map(|v| v.sequence).collect();
    used.sort_unstable();
    for sequence in used {
        let mut cursor = store.blocks_from(Lsn::new(sequence, FIRST_BLOCK, 1));
        loop {
            match cursor.next_block() {
                Ok(Some(block)) if block.header().lsn.vlf == sequence => blocks += 1,
                Ok(_) => break,
                Err(e) => {
                    let at =
                        if let LogError::Block { lsn, .. } = &e { offset_of(&table, *lsn) } else { None };
                    damage(at, e.to_string());
                    break;
                }
            }
        }
    }
    match store.last_vlf() {
        Some(_) => format!("{name}: log file, {} VLFs, {blocks} blocks", table.len()),
        None => format!("{name}: log file, {} VLFs, never used", table.len()),
    }
}

/// The log of a database, from where recovery begins to its end, which lies behind the last checkpoint. Gives the end where it is
/// known. What is wrong with single blocks [`check`] has told.
pub fn check_needed(
    logs: &[(&str, &Device)],
    (from, checkpoint): (Lsn, Lsn),
    findings: &Findings,
) -> Option<Lsn> {
    let (first, _) = logs.first()?;
    let mut store = LogStore::new();
    let mut tables = Vec::new();
    for (_, device) in logs {
        let bytes: Arc<dyn LogBytes> = Arc::new(Bytes((*device).clone()));
        tables.extend(vlf_table(&*bytes).ok()?);
        store.add_file(bytes).ok()?;
    }
    let mut cursor = store.blocks_from(from);
    let end = loop {
        match cursor.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => break cursor.end()?,
            Err(_) => return None,
        }
    };
    if end.at <= checkpoint {
        let flaw = end.flaw.map_or_else(|| "nothing follows".to_owned(), |f| f.to_string());
        let text = format!(
            "the log ends at {} ({flaw}), but recovery has to read it from {from} up to the checkpoint at {checkpoint}",
            end.at
        );
        findings.add(finding(Severity::Damage, first, offset_of(&tables, end.at), text));
        return None;
    }
    Some(end.at)
}
