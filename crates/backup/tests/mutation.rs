//! Damaged input: bit flips, truncations and hostile lengths on genuine files. Every case ends with an error or a value:
//! no panic, no hang, no unbounded memory. The seed is fixed.

use std::sync::Arc;

use holdfast_backup::compress::decompress;
use holdfast_backup::data::extents;
use holdfast_backup::rows;
use holdfast_backup::{BatchReader, Device, Media, MediaSet};
use holdfast_testkit::corpus;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 20
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Reads everything there is to read; gives whether anything was found wrong.
fn exercise(name: &str, bytes: Vec<u8>) -> bool {
    let size = bytes.len();
    let Ok(media) = Media::open(Device::from_bytes(name, bytes)) else { return true };
    let mut wrong = media.problem.is_some();
    let _ = rows::header_rows(&media, 2);
    let _ = rows::label_row(&media);
    let media = Arc::new(media);
    for set in MediaSet::group([media.clone()]).iter().flat_map(MediaSet::sets) {
        wrong |= set.require_complete().is_err();
        let _ = rows::file_list_rows(&media, set.head());
        let logs = set.log().into_iter().filter_map(|(_, s)| s);
        for source in (0..set.passes()).flat_map(|p| set.pages(p)).chain(logs) {
            let mut reader = BatchReader::new(&source.device, source.stream);
            let (mut out, mut batches) = (Vec::new(), 0);
            loop {
                match reader.next_batch(Vec::new()) {
                    Ok(Some(batch)) => {
                        wrong |= batch.unpack(&mut out).is_err();
                        let _ = extents(&out, batch.offset).count();
                    }
                    Ok(None) => break,
                    Err(_) => {
                        wrong = true;
                    }
                }
                batches += 1;
                assert!(batches < 4 + size, "{name}: a stream without end");
            }
        }
    }
    wrong
}

#[test]
fn damaged_files_end_with_an_error_or_a_value() {
    let files: Vec<_> = corpus()
        .into_iter()
        .filter(|f| !matches!(f.column("kind"), "mdf" | "ldf"))
        .filter(|f| f.path.metadata().is_ok_and(|m| m.len() < 700_000))
        .collect();
    let mut random = Random(0x5EED);
    let mut cases = 0;
    for f in files.iter().take(24) {
        let original = f.read();
        assert!(!exercise(f.name(), original.clone()) || f.column("family") != "1/1", "{}", f.name());
        // Where the structure is: headers at the front, the index and end blocks behind.
        let dense = original.len().min(16_384);
        for round in 0..60 {
            let mut bytes = original.clone();
            match round % 4 {
                0 => bytes.truncate(random.below(original.len())),
                1 => {
                    for _ in 0..=random.below(3) {
                        let at = random.below(dense);
                        bytes[at] ^= 1 << random.below(8);
                    }
                }
                2 => {
                    let at = bytes.len() - 1 - random.below(dense);
                    bytes[at] = random.next() as u8;
                }
                _ => {
                    // A hostile length anywhere in the dense part.
                    let at = random.below(dense.saturating_sub(8));
                    let value = [u64::MAX, 0, 1 << 40, 0xFFFF_FFFF, 0x8000][random.below(5)];
                    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
            }
            exercise(f.name(), bytes);
            cases += 1;
        }
    }
    assert!(cases > 500 || holdfast_testkit::corpus_dir().is_none(), "{cases}");
}

#[test]
fn damaged_header_checksums_do_not_hide_hostile_fields() {
    // Fields are changed and the block's checksum mended, so that the parser believes them.
    let files: Vec<_> = corpus()
        .into_iter()
        .filter(|f| f.column("compressed") == "no" && f.name().contains("RestoreTime"))
        .collect();
    let mut random = Random(0xB10C);
    for f in files.iter().take(6) {
        let original = f.read();
        let blocks: Vec<usize> = (0..original.len().saturating_sub(52))
            .step_by(512)
            .filter(|&at| {
                matches!(
                    &original[at..at + 4],
                    b"TAPE" | b"SSET" | b"VOLB" | b"MSCI" | b"MSDA" | b"MSTL" | b"MSLS" | b"ESET"
                )
            })
            .collect();
        for _ in 0..150 {
            let mut bytes = original.clone();
            let block = blocks[random.below(blocks.len())];
            let at = block + 4 + random.below(140);
            if at + 4 > bytes.len() {
                continue;
            }
            bytes[at..at + 2].copy_from_slice(&(random.next() as u16).to_le_bytes());
            let sum = holdfast_backup::checksum::header_checksum(&bytes[block..block + 50]);
            bytes[block + 50..block + 52].copy_from_slice(&sum.to_le_bytes());
            // Stream headers too, wherever one begins near.
            for s in (block..(block + 2048).min(bytes.len() - 22)).step_by(4) {
                let known = matches!(
                    &bytes[s..s + 4],
                    b"SPAD" | b"MQCI" | b"MQDA" | b"MQTL" | b"APAD" | b"RAID" | b"TSMP"
                );
                if known && random.below(2) == 0 {
                    let length = random.next() << random.below(40);
                    bytes[s + 8..s + 16].copy_from_slice(&length.to_le_bytes());
                    let sum = holdfast_backup::checksum::header_checksum(&bytes[s..s + 20]);
                    bytes[s + 20..s + 22].copy_from_slice(&sum.to_le_bytes());
                    break;
                }
            }
            exercise(f.name(), bytes);
        }
    }
}

#[test]
fn the_decoder_survives_noise() {
    let mut random = Random(7);
    let mut encoder = holdfast_backup::compress::Encoder::new();
    let text: Vec<u8> = (0..65_536u32).map(|i| ((i * i) >> 7) as u8 & 0x3F).collect();
    let good = encoder.compress(&text);
    for round in 0..2_000 {
        let mut bad = good.clone();
        if round % 3 == 0 {
            bad.truncate(random.below(good.len()));
        }
        for _ in 0..1 + random.below(4) {
            if !bad.is_empty() {
                let at =
                    if round % 2 == 0 { random.below(bad.len()) } else { random.below(bad.len().min(256)) };
                bad[at] ^= random.next() as u8;
            }
        }
        let mut out = vec![0; 512 * (1 + random.below(128))];
        let _ = decompress(&bad, &mut out);
    }
}
