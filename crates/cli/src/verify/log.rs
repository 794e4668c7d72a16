//! The log part of a set: its blocks must follow each other without gap, each with its own place, marks and checksum; and
//! the VLFs must follow each other up to the set's last LSN.
//!
//! Invariants
//! 1. Memory is bounded by one batch and one block: blocks are taken off as the bytes arrive.

use holdfast_backup::{BackupSet, Source, Vlf};
use holdfast_base::Lsn;
use holdfast_format::log::block::LogBlock;

use super::finding::{Finding, Findings, Severity};

/// Largest block on disk.
const LARGEST_BLOCK: usize = 120 * 512;

/// Takes blocks off a VLF's bytes.
struct BlockWalk<'a> {
    vlf: &'a Vlf,
    /// Offset in the log file of the first byte of `pending`.
    position: u64,
    pending: Vec<u8>,
    damaged: bool,
    first: Option<Lsn>,
    blocks: u64,
}

impl BlockWalk<'_> {
    fn block_number(&self) -> u32 {
        u32::try_from((self.position.saturating_sub(self.vlf.offset)) / 512).unwrap_or(u32::MAX)
    }

    /// Takes off whole blocks; with `last` also a cut one is a fault.
    fn take(&mut self, last: bool, fault: &mut dyn FnMut(u64, String)) {
        let mut at = 0;
        while !self.damaged && at < self.pending.len() {
            let rest = &self.pending[at..];
            if !last && rest.len() < LARGEST_BLOCK {
                break;
            }
            let place = (self.vlf.sequence, self.block_number());
            match LogBlock::decode(rest, place, None) {
                Ok(block) => {
                    self.first.get_or_insert(Lsn::new(place.0, place.1, 1));
                    let size = usize::from(block.header().size);
                    at += size;
                    self.position += size as u64;
                    self.blocks += 1;
                }
                Err(flaw) => {
                    self.damaged = true;
                    let lsn = Lsn::new(place.0, place.1, 1);
                    fault(self.position, format!("log block {lsn}: {flaw}"));
                }
            }
        }
        self.pending.drain(..at);
    }
}

/// Checks the blocks of one VLF's stream; gives their number.
pub fn check_blocks(vlf: &Vlf, source: &Source, findings: &Findings) -> u64 {
    let mut walk =
        BlockWalk { vlf, position: vlf.start, pending: Vec::new(), damaged: false, first: None, blocks: 0 };
    let device = source.device.name().to_string();
    let start = source.stream.stored_start;
    let mut fault = |position: u64, text: String| {
        // In a compressed file the stream's own offset is the nearest place that can be named.
        let offset = if source.stream.compressed { start } else { start + (position - vlf.start) };
        findings.add(Finding {
            severity: Severity::Damage,
            file: device.clone(),
            page: None,
            offset: Some(offset),
            text,
        });
    };
    let mut left = vlf.end.saturating_sub(vlf.start);
    let mut reader = source.reader();
    let mut out = Vec::new();
    // Errors of reading were found by the stream check already.
    while let Ok(Some(batch)) = reader.next_batch(Vec::new()) {
        if batch.unpack(&mut out).is_err() {
            return walk.blocks;
        }
        let take = left.min(out.len() as u64) as usize;
        walk.pending.extend_from_slice(&out[..take]);
        left -= take as u64;
        walk.take(left == 0, &mut fault);
        if left == 0 || walk.damaged {
            break;
        }
    }
    walk.blocks
}

/// The VLFs with log must follow each other and cover first to last LSN.
pub fn check_cover(set: &BackupSet, findings: &Findings) {
    let Some(info) = set.info() else { return };
    let fault = |text: String| {
        findings.add(Finding {
            severity: Severity::Damage,
            file: set.media().device.name().to_string(),
            page: None,
            offset: Some(set.head().offset),
            text,
        });
    };
    let with_log: Vec<&Vlf> = set.head().vlfs.iter().filter(|v| v.end > v.start).collect();
    let (Some(first), Some(last)) = (with_log.first(), with_log.last()) else {
        if info.first_lsn < info.last_lsn {
            fault(format!("the set holds no log between LSN {} and {}", info.first_lsn, info.last_lsn));
        }
        return;
    };
    for pair in with_log.windows(2) {
        if pair[1].sequence != pair[0].sequence.wrapping_add(1) {
            fault(format!("virtual log file {} does not follow {}", pair[1].sequence, pair[0].sequence));
        }
    }
    let offset = |vlf: &Vlf, lsn: Lsn| vlf.offset + u64::from(lsn.block) * 512;
    if first.sequence == info.first_lsn.vlf && first.start > offset(first, info.first_lsn) {
        fault(format!("the log begins behind LSN {}", info.first_lsn));
    }
    if last.sequence == info.last_lsn.vlf && last.end < offset(last, info.last_lsn) {
        fault(format!("the log ends before LSN {}", info.last_lsn));
    }
}
