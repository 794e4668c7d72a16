//! Blocks and records of the log: built, read back, damaged.

use super::write::{BlockBuilder, begin_checkpoint, end_checkpoint};
use super::*;

/// Two checkpoint records in a block, as a rebuilt log begins.
fn sample() -> Vec<u8> {
    let version = BlockVersion::of_database(706);
    let mut b = BlockBuilder::new(version, Lsn::new(0xDA, 0x10, 1));
    let time = LogTime { days: 0xA686, ticks: 0x0120_3002 };
    let begin = b.push(&begin_checkpoint(Lsn::ZERO, time, 706, TransactionId(0x3BF9))).expect("fits");
    b.push(&end_checkpoint(begin, time, 706)).expect("fits");
    b.finish(0x40, 0, 512, 0, time, true)
}

#[test]
fn a_rebuilt_log_block_has_the_genuine_shape() {
    let stored = sample();
    assert_eq!(stored.len(), 512);
    let block = LogBlock::decode(&stored, (0xDA, 0x10), Some(0x40)).expect("valid");
    assert_eq!((block.header().records, block.header().used), (2, 0x11C));
    assert_eq!(&block.bytes()[0x118..0x11C], &[0x90, 0, 0x30, 0]);
    let ops: Vec<_> = block.records().map(|r| r.expect("valid").operation()).collect();
    assert_eq!(ops, [op::BEGIN_CKPT, op::END_CKPT]);
    assert_eq!(block.to_stored(), stored);
    assert_eq!(write::rebuild(&block), Some(stored));
}

#[test]
fn every_flipped_bit_of_a_block_is_noticed() {
    let stored = sample();
    for at in 0..stored.len() {
        for bit in 0..8 {
            let mut bad = stored.clone();
            bad[at] ^= 1 << bit;
            assert!(LogBlock::decode(&bad, (0xDA, 0x10), Some(0x40)).is_err(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn the_walk_ends_at_the_first_invalid_block() {
    let mut bytes = vec![0u8; 8192 * 2 + 4096];
    let vlf = VlfHeader {
        parity: 0x40,
        format: 5,
        sequence: 0xDA,
        cycle: 1,
        size: 8192 + 4096,
        offset: 8192,
        create_lsn: Lsn::ZERO,
    };
    bytes[8192..8192 + 0x2A].copy_from_slice(&vlf.encode());
    bytes[16384..16896].copy_from_slice(&sample());
    let mut store = LogStore::new();
    store.add_file(std::sync::Arc::new(bytes)).expect("valid");
    let mut seen = 0;
    let end = store
        .for_each_record::<LogError>(Lsn::new(0xDA, 0x10, 1), |_| {
            seen += 1;
            Ok(true)
        })
        .expect("readable");
    assert_eq!(seen, 2);
    assert_eq!(end, EndOfLog { at: Lsn::new(0xDA, 0x11, 1), flaw: Some(BlockFlaw::Mark) });
}
