//! Backup files: structure, configuration, streams, compression; and a whole restore on a simulated disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::checksum::header_checksum;
use holdfast_backup::compress::{Encoder, decompress};
use holdfast_backup::data::extents;
use holdfast_backup::{Configuration, Device, Media, MediaSet, rows};
use holdfast_base::FileId;
use holdfast_disk::SimulatedDisk;
use holdfast_format::log::LogTime;
use holdfast_generator::backup::{Options, write};
use holdfast_storage::restore::{Identity, RestoreOptions, RestoreTarget, recover, restore_set};

use super::corpus_files;
use crate::Target;

pub fn targets() -> Vec<Target> {
    vec![
        Target {
            name: "backup",
            what: "a backup file read to its end, checksums of headers mended",
            seeds: backups,
            run: backup,
            changes: 6,
        },
        Target {
            name: "configuration",
            what: "the configuration stream of a backup set",
            seeds: configurations,
            run: |data| drop(Configuration::parse(data.to_vec())),
            changes: 4,
        },
        Target { name: "xpress", what: "one compressed piece", seeds: packed, run: unpack, changes: 6 },
        Target {
            name: "restore",
            what: "a backup restored and recovered",
            seeds: backups,
            run: restore,
            changes: 6,
        },
    ]
}

fn backups() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = corpus_files(16, |f| f.name().ends_with(".bak") || f.name().ends_with(".trn"))
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    seeds.extend(made());
    // Today's records under the old container's version: reading must look for records, and end.
    let old = seeds.iter().find(|s| s.starts_with(b"MSSQLBAK")).cloned();
    seeds.extend(old.map(|mut s| {
        s[8..12].fill(0);
        s
    }));
    seeds
}

/// A small backup of the generator's.
fn made() -> Option<Vec<u8>> {
    let database = holdfast_generator::sample::sample().ok()?;
    write(&database, Vec::new(), Options { compressed: true, checksum: true }, &|_| {}).ok()
}

/// Changed headers are signed anew, or nothing behind the checksum would ever be reached.
fn mend(bytes: &mut [u8]) {
    for at in (0..bytes.len().saturating_sub(52)).step_by(512) {
        let known = [b"TAPE", b"SSET", b"VOLB", b"MSCI", b"MSDA", b"MSTL", b"MSLS", b"ESET", b"SFMB"];
        if known.iter().any(|k| bytes[at..].starts_with(*k)) {
            let sum = header_checksum(&bytes[at..at + 50]);
            bytes[at + 50..at + 52].copy_from_slice(&sum.to_le_bytes());
        }
    }
    for at in (0..bytes.len().saturating_sub(22)).step_by(4) {
        let known = [b"SPAD", b"MQCI", b"MQDA", b"MQTL", b"APAD", b"RAID", b"TSMP", b"CSUM"];
        if known.iter().any(|k| bytes[at..].starts_with(*k)) {
            let sum = header_checksum(&bytes[at..at + 20]);
            bytes[at + 20..at + 22].copy_from_slice(&sum.to_le_bytes());
        }
    }
}

/// What a mutated file is read as: mended when its length says so, so that both ways are taken.
fn media(data: &[u8]) -> Option<Arc<Media>> {
    let mut bytes = data.to_vec();
    if data.iter().fold(0u8, |a, b| a ^ b) % 4 != 0 {
        mend(&mut bytes);
    }
    Media::open(Device::from_bytes("fuzz", bytes)).ok().map(Arc::new)
}

fn backup(data: &[u8]) {
    let Some(media) = media(data) else { return };
    let _ = rows::header_rows(&media, 2);
    let _ = rows::label_row(&media);
    for set in MediaSet::group([media.clone()]).iter().flat_map(MediaSet::sets) {
        let _ = set.require_complete();
        let _ = rows::file_list_rows(&media, set.head());
        let logs = set.log().into_iter().filter_map(|(_, s)| s);
        for source in (0..set.passes()).flat_map(|p| set.pages(p)).chain(logs) {
            let mut reader = source.reader();
            let mut out = Vec::new();
            let mut rounds = 0;
            loop {
                match reader.next_batch(Vec::new()) {
                    Ok(Some(batch)) => {
                        let _ = batch.unpack(&mut out);
                        let _ = extents(&out, batch.offset).count();
                    }
                    Ok(None) => break,
                    Err(_) => {}
                }
                rounds += 1;
                assert!(rounds < 4 + data.len(), "a stream without end");
            }
        }
    }
}

fn configurations() -> Vec<Vec<u8>> {
    backups()
        .into_iter()
        .filter_map(|b| Media::open(Device::from_bytes("seed", b)).ok())
        .flat_map(|m| {
            m.sets.iter().filter_map(|s| s.configuration().map(|c| c.raw.clone())).collect::<Vec<_>>()
        })
        .collect()
}

fn packed() -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new();
    let texts: [Vec<u8>; 3] = [
        (0..65_536u32).map(|i| ((i * i) >> 7) as u8 & 0x3F).collect(),
        vec![7; 4096],
        (0..512u32).map(|i| (i * 37) as u8).collect(),
    ];
    texts.iter().map(|t| encoder.compress(t)).collect()
}

fn unpack(data: &[u8]) {
    for sectors in [1, 16, 128] {
        let mut out = vec![0; 512 * sectors];
        let _ = decompress(data, &mut out);
    }
}

fn restore(data: &[u8]) {
    const STATE: &str = "/d/x.restore";
    let Some(media) = media(data) else { return };
    let disk = SimulatedDisk::new();
    for set in MediaSet::group([media]).iter().flat_map(MediaSet::sets) {
        let Some(configuration) = set.configuration() else { continue };
        // Sizes are the backup's word; a real disk refuses what it cannot hold, memory must not be asked.
        if configuration.files.iter().any(|f| f.size > 64 << 20) {
            continue;
        }
        let vlfs: u64 = set.log().iter().map(|(v, _)| v.size).fold(0, u64::saturating_add);
        if vlfs > 64 << 20 {
            continue;
        }
        let files = configuration.files.iter();
        let files = files.map(|f| (f.id as FileId, PathBuf::from(format!("/d/file{}", f.id)))).collect();
        let target = RestoreTarget { database: "x".into(), files, state: STATE.into(), journals: Vec::new() };
        let options = RestoreOptions { workers: 1, verify: false, ..RestoreOptions::default() };
        let _ = restore_set(&disk, &set, &target, options, &mut |_, _| true);
    }
    let time = LogTime { days: 45_000, ticks: 300 };
    let identity =
        Identity { name: "x".into(), binding_id: [1; 16], fork: [2; 16], log_file_guid: [3; 16], time };
    let _ = recover(&disk, Path::new(STATE), &identity);
}
