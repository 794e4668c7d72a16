//! The log of a new database: virtual log files and the first block, a checkpoint.
//!
//! Evidence: docs/format/log.md (new and rebuilt logs); four VLFs for files below 64 MiB, eight to 1 GiB, sixteen above
//! (documented).

use holdfast_base::{Lsn, PAGE_SIZE};
use holdfast_format::log::VlfHeader;
use holdfast_format::log::block::BlockVersion;
use holdfast_format::log::record::{LogTime, TransactionId};
use holdfast_format::log::vlf::FIRST_VLF;
use holdfast_format::log::write::{BlockBuilder, begin_checkpoint, boot_page_checkpoint, end_checkpoint};

use crate::template::Version;

/// Parity of a VLF in its first cycle.
pub const PARITY: u8 = 0x40;
/// VLF format number since 2012.
const FORMAT: u16 = 5;
/// The smallest genuine VLF.
const SMALLEST: u64 = 0x3E000;

/// Offsets and sizes of the VLFs of a log file made with `pages` pages.
pub fn vlfs(pages: u32) -> Vec<(u64, u64)> {
    let bytes = u64::from(pages) * PAGE_SIZE as u64;
    let body = bytes.saturating_sub(FIRST_VLF);
    let wanted: u64 = match bytes {
        b if b < 64 << 20 => 4,
        b if b <= 1 << 30 => 8,
        _ => 16,
    };
    let count = wanted.min(body / SMALLEST).max(1);
    let each = if count == 1 { body } else { ((body / count) & !0xFFFF).max(SMALLEST) };
    (0..count)
        .map(|i| {
            let offset = FIRST_VLF + i * each;
            (offset, if i + 1 == count { FIRST_VLF + body - offset } else { each })
        })
        .collect()
}

/// The headers of these VLFs: the first one in use from `sequence` on when given.
pub fn headers(pages: u32, sequence: Option<u32>) -> Vec<VlfHeader> {
    let used = |i: usize| if i == 0 { sequence } else { None };
    vlfs(pages)
        .into_iter()
        .enumerate()
        .map(|(i, (offset, size))| {
            let unused = VlfHeader::unused(FORMAT, offset, size);
            match used(i) {
                Some(sequence) => VlfHeader { parity: PARITY, sequence, cycle: 1, ..unused },
                None => unused,
            }
        })
        .collect()
}

/// The first block: a checkpoint at `at`. Gives the bytes and the LSN behind them.
pub fn first_block(version: Version, at: Lsn, created: [u8; 8]) -> (Vec<u8>, Lsn) {
    first_block_of(version.number(), at, LogTime::from_bytes(created))
}

/// The same for any database version.
pub fn first_block_of(version: u16, at: Lsn, time: LogTime) -> (Vec<u8>, Lsn) {
    let mut block = BlockBuilder::new(BlockVersion::of_database(version), at);
    let begin = block.next_lsn();
    for record in [
        begin_checkpoint(Lsn::ZERO, time, version, TransactionId::NONE),
        boot_page_checkpoint(),
        end_checkpoint(begin, time, version),
    ] {
        // Three short records always fit a block.
        let _ = block.push(&record);
    }
    let bytes = block.finish(PARITY, 0, 512, 0, time, true);
    let end = Lsn::new(at.vlf, at.block + (bytes.len() / 512) as u32, 1);
    (bytes, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_files_cover_the_file() {
        for pages in [64, 72, 128, 1024, 8192, 200_000] {
            let all = vlfs(pages);
            let mut at = FIRST_VLF;
            for (offset, size) in &all {
                assert_eq!(*offset, at);
                assert!(*size > 0 && size.is_multiple_of(8192), "{all:?}");
                at += size;
            }
            assert_eq!(at, u64::from(pages) * 8192);
        }
        assert_eq!(vlfs(1024)[0], (8192, 2_031_616));
        assert_eq!(vlfs(1024)[3], (6_103_040, 2_285_568));
        // As the server makes for a rebuilt log of 516,096 bytes: the first page and two of 0x3E000.
        assert_eq!(vlfs(63), vec![(8192, 0x3E000), (8192 + 0x3E000, 0x3E000)]);
    }
}
