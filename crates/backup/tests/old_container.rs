//! The container of 2008 to 2012 and encrypted backups, from genuine files of today's container with their records put into
//! the other form: the streams inside are the same, so everything must read the same.

use std::sync::Arc;

use holdfast_backup::checksum::record_checksum;
use holdfast_backup::compress::{RECORD_HEADER, TAG_FILLER, TAG_INDEX, TAG_PLAIN, TAG_RECORD, decompress};
use holdfast_backup::{BackupError, Device, Media, MediaSet};
use holdfast_testkit::{CorpusFile, corpus};

fn compressed() -> impl Iterator<Item = CorpusFile> {
    corpus().into_iter().filter(|f| f.column("compressed") == "yes")
}

/// The file with 8-byte record headers, its first record at `first`, whole pieces stored as they are when `unpacked`. Filemarks keep to multiples of the media block.
fn in_old_form(file: &[u8], version: u32, first: usize, unpacked: bool) -> Vec<u8> {
    let mut out = b"MSSQLBAK".to_vec();
    out.extend(version.to_le_bytes());
    out.resize(first, 0xA5);
    let word = |at: usize| usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
    let mut at = 480;
    let mut block = 0;
    while at < file.len() {
        match file[at] {
            TAG_RECORD => {
                let packed = word(at + 2);
                if unpacked && file[at + 1] == 128 {
                    let mut plain = vec![0; 65_536];
                    decompress(&file[at + RECORD_HEADER..at + RECORD_HEADER + packed], &mut plain)
                        .expect("unpacks");
                    out.extend([TAG_PLAIN, 128, 0, 0]);
                    out.extend(record_checksum(&plain).to_le_bytes());
                    out.extend(plain);
                } else {
                    out.extend(&file[at..at + 4]);
                    out.extend(&file[at + 24..at + RECORD_HEADER + packed]);
                }
                at += RECORD_HEADER + packed;
            }
            TAG_FILLER => at += 24 + word(at + 2),
            TAG_INDEX => at += 24 + word(at + 32) + (word(at + 34) << 16),
            b'S' => {
                if block == 0 {
                    // Capacity of its array of positions: 55 in blocks of 512 bytes, 503 in blocks of 4096.
                    block = if word(at + 52) == 55 { 512 } else { 4096 };
                }
                out.resize(out.len().next_multiple_of(block), 0);
                out.extend(&file[at..at + block]);
                at += block;
            }
            tag => panic!("0x{tag:02X} at {at}"),
        }
    }
    out
}

/// Names and every page and log byte of all sets.
fn contents(name: &str, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let media = Arc::new(Media::open(Device::from_bytes(name, bytes)).unwrap_or_else(|e| panic!("{e}")));
    assert!(media.problem.is_none(), "{name}: {:?}", media.problem);
    let mut out = Vec::new();
    for set in MediaSet::group([media]).iter().flat_map(MediaSet::sets) {
        let title = set.info().expect("info").database_name.clone();
        let logs = set.log().into_iter().filter_map(|(_, s)| s);
        for source in (0..set.passes()).flat_map(|p| set.pages(p)).chain(logs) {
            let (mut reader, mut data, mut all) = (source.reader(), Vec::new(), Vec::new());
            while let Some(batch) = reader.next_batch(Vec::new()).expect("batch") {
                batch.unpack(&mut data).expect("unpacks");
                all.extend(&data);
            }
            out.push((title.clone(), all));
        }
    }
    out
}

#[test]
fn the_old_container_reads_as_the_new_one() {
    let mut count = 0;
    for f in compressed() {
        let bytes = f.read();
        let wanted = contents(f.name(), bytes.clone());
        assert!(!wanted.is_empty(), "{}", f.name());
        for (version, first) in [(0, 16), (1, 480), (1, 64)] {
            let old = in_old_form(&bytes, version, first, false);
            assert!(contents(f.name(), old) == wanted, "{} version {version} from {first}", f.name());
        }
        count += 1;
    }
    assert!(count > 8 || holdfast_testkit::corpus_dir().is_none(), "{count}");
}

#[test]
fn pieces_stored_as_they_are_read_too() {
    let Some(f) = compressed().next() else { return };
    let bytes = f.read();
    let wanted = contents(f.name(), bytes.clone());
    let old = in_old_form(&bytes, 1, 16, true);
    assert!(contents(f.name(), old) == wanted);
}

#[test]
fn damage_in_the_old_container_is_found() {
    let Some(f) = compressed().next() else { return };
    let mut old = in_old_form(&f.read(), 1, 16, false);
    let middle = old.len() / 2;
    old[middle] ^= 0x40;
    let media = Media::open(Device::from_bytes("old", old)).expect("the label is whole");
    assert!(media.problem.is_some());
}

#[test]
fn a_file_of_nothing_but_record_headers_ends_soon() {
    let mut bytes = b"MSSQLBAK\0\0\0\0".to_vec();
    bytes.resize(4 << 20, TAG_PLAIN);
    let start = std::time::Instant::now();
    assert!(Media::open(Device::from_bytes("hostile", bytes)).is_err());
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn an_encrypted_backup_is_refused_with_its_thumbprint() {
    let Some(f) = compressed().next() else { return };
    let mut bytes = f.read();
    // The first record says that its data is enciphered; the key's certificate stands in the header.
    bytes[480 + 20..480 + 24].copy_from_slice(&1024u32.to_le_bytes());
    let thumbprint: Vec<u8> = (10..30).collect();
    bytes[32..36].copy_from_slice(&20u32.to_le_bytes());
    bytes[36..56].copy_from_slice(&thumbprint);
    bytes[56..60].copy_from_slice(&256u32.to_le_bytes());
    match Media::open(Device::from_bytes("sealed", bytes)) {
        Err(e @ BackupError::Encrypted { .. }) => {
            assert_eq!(e.message_number(), 33111);
            assert!(matches!(e, BackupError::Encrypted { thumbprint: Some(t), .. } if t == thumbprint));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_genuine_file_is_taken_for_an_encrypted_one() {
    for f in corpus().into_iter().filter(|f| f.name().ends_with(".bak")) {
        let media = Media::open(Device::new(f.name(), Arc::new(f.read())).expect("device"));
        let media = media.unwrap_or_else(|e| panic!("{e}"));
        for set in MediaSet::group([Arc::new(media)]).iter().flat_map(MediaSet::sets) {
            set.require_plain().unwrap_or_else(|e| panic!("{e}"));
        }
    }
}
