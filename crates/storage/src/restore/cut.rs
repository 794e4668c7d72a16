//! Ending the log at a stop point: what lies behind it must not be found by the recovery that follows.
//!
//! The block that holds the stop point is written again with the records before it; the place behind it and every virtual
//! log file that was begun later are emptied.
//!
//! Invariants
//! 1. Records before the stop point keep their LSNs, so that transactions that are rolled back are still found.
//! 2. A walk over the log ends exactly at the place that is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{FileId, Lsn};
use holdfast_disk::DiskFile;
use holdfast_format::log::block::{MAX_BLOCK, SECTOR};
use holdfast_format::log::store::LOOK_BEHIND;
use holdfast_format::log::write::BlockBuilder;
use holdfast_format::log::{LogBlock, LogStore, LogTime, VlfHeader};

use super::error::RestoreError;
use super::log_files::{log_store, table};
use crate::recovery::log_writer::vlf_header_bytes;

/// Room for the blocks at both ends of it.
const BLOCKS: u64 = 2 * MAX_BLOCK as u64;

/// Cuts the log before the record `at`; answers where it now ends.
pub fn cut_log(log: &BTreeMap<FileId, Arc<dyn DiskFile>>, at: Lsn) -> Result<Lsn, RestoreError> {
    let store = log_store(log)?;
    let mut end = None;
    for file in log.values() {
        for vlf in table(file)? {
            if vlf.parity == 0 || vlf.sequence < at.vlf {
                continue;
            }
            if vlf.sequence == at.vlf {
                end = Some(cut_block(file, &vlf, &store, at)?);
            } else {
                let unused = VlfHeader { parity: 0, sequence: 0, ..vlf };
                file.write_at(vlf.offset, &vlf_header_bytes(&unused, 0))?;
            }
        }
        file.sync()?;
    }
    end.ok_or(RestoreError::LogLayout { what: "the stop point lies in no virtual log file" })
}

fn cut_block(
    file: &Arc<dyn DiskFile>,
    vlf: &VlfHeader,
    store: &LogStore,
    at: Lsn,
) -> Result<Lsn, RestoreError> {
    let mut end = at.block;
    if at.slot > 1 {
        let block = store.block_of(at)?;
        let bytes = shortened(&block, at)?;
        file.write_at(vlf.block_offset(at.block), &bytes)?;
        end = at.block.saturating_add((bytes.len() / SECTOR) as u32);
    }
    // As far as a walk looks for blocks behind its end that say that there must be more.
    let (from, to) = (vlf.block_offset(end), vlf.block_offset(end).saturating_add(LOOK_BEHIND + BLOCKS));
    if let Some(length) = to.min(vlf.end()).checked_sub(from) {
        file.write_at(from, &vec![0; usize::try_from(length).unwrap_or(0)])?;
    }
    Ok(Lsn::new(at.vlf, end, 1))
}

/// The block with the records before `at` only.
fn shortened(block: &LogBlock, at: Lsn) -> Result<Vec<u8>, RestoreError> {
    let header = block.header();
    let mut builder = BlockBuilder::new(header.version, Lsn { slot: 1, ..at });
    for record in block.records().take(usize::from(at.slot) - 1) {
        let full = RestoreError::LogLayout { what: "a block of the log does not hold its own records" };
        builder.push(record?.bytes()).ok_or(full)?;
    }
    // A log on sectors of 4096 bytes has nothing but blocks of that grain.
    let whole = header.size.is_multiple_of(4096) && at.block.is_multiple_of(8);
    let sector = if whole { 4096 } else { SECTOR };
    let time = block.bytes().get(0x30..0x38).and_then(|b| b.try_into().ok()).map(LogTime::from_bytes);
    let time = time.unwrap_or_default();
    Ok(builder.finish(header.parity, header.previous_size, sector, 0, time, header.checksum != 0))
}
