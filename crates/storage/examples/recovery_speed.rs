//! How long recovery takes beside reading its log, without anything around it:
//! `cargo run --release -p holdfast-storage --example recovery_speed -- DATA LOG [ROUNDS]`.
//!
//! The files stay as they are as long as no transaction was open at the crash: recovery keeps its pages in memory.
//! `restart_speed` (an example of `exec`) makes such files and measures what a user waits for.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use holdfast_disk::{Disk, DiskFile, RealDisk};
use holdfast_format::log::LogTime;
use holdfast_storage::recovery::database::recover_for_writing;

/// Processor seconds of this process, from the system's accounting.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    ticks.skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut open = || -> Result<Arc<dyn DiskFile>, Box<dyn Error>> {
        let path = arguments.next().ok_or("a data file and a log file")?;
        Ok(RealDisk.open(Path::new(&path), true)?)
    };
    let (data, log) = (open()?, open()?);
    let rounds: u32 = arguments.next().map_or(Ok(3), |n| n.parse())?;
    for _ in 0..rounds {
        let began = (Instant::now(), processor());
        let mut buffer = vec![0; 1 << 20];
        let length = log.length()?;
        let mut at = 0;
        while at + (1 << 20) <= length {
            log.read_at(at, &mut buffer)?;
            at += 1 << 20;
        }
        let read = (began.0.elapsed().as_secs_f64(), processor() - began.1);
        let began = (Instant::now(), processor());
        let (data, log) = (BTreeMap::from([(1, data.clone())]), BTreeMap::from([(2, log.clone())]));
        let (finished, continued) =
            recover_for_writing(data, &log, None, LogTime::default(), 1 << 20, false, None)?;
        println!(
            "reading {} MiB {:.2} s ({:.2} of processor), recovery {:.2} s ({:.2}): {} records, {} pages changed",
            length >> 20,
            read.0,
            read.1,
            began.0.elapsed().as_secs_f64(),
            processor() - began.1,
            finished.records,
            continued.dirty.len(),
        );
    }
    Ok(())
}
