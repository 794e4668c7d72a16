//! Every corpus file is taken apart into values, page data, log and (when compressed) compressed payloads, and laid out
//! again: the result must be the same bytes. Compressed files leave bytes undefined (container header, record headers);
//! those are masked. So are the last 4 bytes of a 2005 filemark.

use std::collections::VecDeque;

use holdfast_backup::compress::{RECORD_HEADER, TAG_FILLER, TAG_INDEX, TAG_RECORD};
use holdfast_backup::writer::{MediaWriter, Packing};
use holdfast_backup::{BatchReader, BulkStream, Device, Media};
use holdfast_testkit::corpus;

fn bulk(media: &Media, stream: BulkStream) -> Vec<u8> {
    let mut reader = BatchReader::new(&media.device, stream);
    let (mut all, mut out) = (Vec::new(), Vec::new());
    while let Some(batch) = reader.next_batch(Vec::new()).expect("reads") {
        batch.unpack(&mut out).expect("unpacks");
        all.extend_from_slice(&out);
    }
    all
}

/// Payloads of all records in file order, and the file with undefined bytes zeroed.
fn payloads(file: &[u8], block: usize) -> (VecDeque<Vec<u8>>, Vec<u8>) {
    let mut masked = file.to_vec();
    masked[16..480].fill(0);
    let (mut at, mut out) = (480, VecDeque::new());
    while at < file.len() {
        match file[at] {
            TAG_RECORD => {
                let n = usize::from(u16::from_le_bytes([file[at + 2], file[at + 3]]));
                out.push_back(file[at + RECORD_HEADER..at + RECORD_HEADER + n].to_vec());
                masked[at + 4..at + 20].fill(0);
                at += RECORD_HEADER + n;
            }
            TAG_FILLER => at += 24 + usize::from(u16::from_le_bytes([file[at + 2], file[at + 3]])),
            TAG_INDEX => {
                let n = [file[at + 32], file[at + 33], file[at + 34], file[at + 35]];
                at += 24 + u32::from_le_bytes(n) as usize;
            }
            _ => at += block,
        }
    }
    (out, masked)
}

#[test]
fn written_again_byte_for_byte() {
    let mut equal = 0;
    for f in corpus().iter().filter(|f| !matches!(f.column("kind"), "mdf" | "ldf")) {
        let original = f.read();
        let media =
            Media::open(Device::from_bytes(f.name(), original.clone())).unwrap_or_else(|e| panic!("{e}"));
        let (packing, expected) = if media.is_compressed() {
            let (mut pieces, masked) = payloads(&original, media.label.block_size as usize);
            let replay = move |_: &[u8]| pieces.pop_front().unwrap_or_default();
            (Packing::Compressed(Box::new(replay)), masked)
        } else {
            let mut expected = original;
            if f.column("db_version") == "611" {
                // The 4 bytes behind a 2005 filemark's array are not defined.
                for mark in expected.chunks_mut(512).filter(|b| b.starts_with(b"SFMB")) {
                    mark[508..].fill(0);
                }
            }
            (Packing::Plain, expected)
        };
        let major = media.sets[0].start.software_major;
        let mut writer =
            MediaWriter::new(f.name(), Vec::new(), packing, media.label.clone(), major).expect("label");
        for set in &media.sets {
            let leading = &set.leading.as_ref().expect("leading").raw;
            let trailing = set.trailing.as_ref().expect("trailing");
            let volume = set.volume.clone().expect("volume");
            let mut w = writer.begin_set(set.start.clone(), volume, leading).expect("set");
            for stream in &set.pages {
                let data = bulk(&media, *stream);
                w.pages(stream.length, stream.checksum.is_some(), |put| put(&data)).expect("pages");
            }
            for vlf in &set.vlfs {
                let log = vlf.stream.map(|s| {
                    let mut bytes = bulk(&media, s);
                    bytes.truncate((vlf.end - vlf.start) as usize);
                    bytes
                });
                let sum = vlf.stream.is_some_and(|s| s.checksum.is_some());
                w.log(vlf, log.as_deref(), sum).expect("log");
            }
            let map = set.map.as_ref().expect("map");
            let size = map.entries.last().expect("entry").size;
            writer = w.finish(&trailing.raw, size).expect("end");
        }
        let written = writer.finish().expect("finish");
        if let Some(at) = (0..written.len().max(expected.len())).find(|&i| written.get(i) != expected.get(i))
        {
            let show = |b: &[u8]| b.get(at..(at + 32).min(b.len())).map(<[u8]>::to_vec);
            panic!(
                "{} differs at {at} of {} / {}: {:02x?} {:02x?}",
                f.name(),
                written.len(),
                expected.len(),
                show(&written),
                show(&expected)
            );
        }
        equal += 1;
    }
    assert!(equal > 40 || holdfast_testkit::corpus_dir().is_none(), "{equal}");
}
