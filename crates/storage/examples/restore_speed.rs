//! Times a restore of one backup file against copying and syncing the same bytes.
//!
//! Usage: `restore_speed FILE.bak DIRECTORY [workers]`. The directory's files `restore_speed.*` are replaced.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use holdfast_backup::{Device, Media, MediaSet};
use holdfast_base::FileId;
use holdfast_base::world::{Entropy, SystemEntropy};
use holdfast_disk::RealDisk;
use holdfast_format::log::LogTime;
use holdfast_storage::restore::{Identity, RestoreOptions, RestoreTarget, recover, restore_set};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(backup), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: restore_speed FILE.bak DIRECTORY [workers]".into());
    };
    let workers = arguments.next().map_or(Ok(2), |n| n.parse())?;
    let directory = PathBuf::from(directory);
    let file = std::fs::File::open(&backup)?;
    let length = file.metadata()?.len();

    let copy = directory.join("restore_speed.copy");
    let start = Instant::now();
    std::fs::copy(&backup, &copy)?;
    std::fs::File::open(&copy)?.sync_all()?;
    let copied = start.elapsed();
    std::fs::remove_file(&copy)?;

    let start = Instant::now();
    let media = Media::open(Device::new(&backup, Arc::new(file))?)?;
    let set = MediaSet::group([Arc::new(media)]).remove(0).set(1)?;
    let configuration = set.require_complete()?;
    let files = configuration.files.iter();
    let files = files.map(|f| (f.id as FileId, directory.join(format!("restore_speed.{}", f.id)))).collect();
    let state = directory.join("restore_speed.restore");
    let target =
        RestoreTarget { database: "speed".into(), files, state: state.clone(), journals: Vec::new() };
    let options = RestoreOptions { workers, ..RestoreOptions::default() };
    let done = restore_set(&RealDisk, &set, &target, options, &mut |_, _| true)?;
    let placed = start.elapsed();
    let identity = Identity {
        name: "speed".into(),
        binding_id: SystemEntropy.guid(),
        fork: SystemEntropy.guid(),
        log_file_guid: SystemEntropy.guid(),
        time: LogTime::default(),
    };
    recover(&RealDisk, &state, &identity)?;
    let whole = start.elapsed();

    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let pages: u64 = done.pages.values().sum();
    println!(
        "backup {:.0} MB, pages {:.0} MB, {workers} workers",
        megabytes(length),
        megabytes(pages * 8192)
    );
    println!("copy and sync   {copied:?}");
    println!("restore         {placed:?}, with recovery {whole:?}");
    println!(
        "ratio {:.2}, {:.0} MB/s of pages",
        whole.as_secs_f64() / copied.as_secs_f64(),
        megabytes(pages * 8192) / whole.as_secs_f64()
    );
    for path in target.files.values() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
