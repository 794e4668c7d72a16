//! The log: so many committers append records and wait until theirs are durable, beside a loop that writes and syncs groups
//! of the same size into a file beside it. In both files all space was written before, as it was in a log whose virtual log files are
//! used again.
//!
//! Both sides work in the same directory, in turn. What a group of commits amounts to is counted at the file: bytes written
//! by syncs. A ratio below 1 is what blocks, group commit and waking the committers cost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use holdfast_base::Lsn;
use holdfast_disk::{Disk, DiskFile, DiskResult, RealDisk};
use holdfast_format::log::vlf::{FIRST_BLOCK, VLF_HEADER_SIZE};
use holdfast_format::log::write::{RecordHeader, record};
use holdfast_format::log::{LogTime, TransactionId, VlfHeader, context, op};
use holdfast_storage::recovery::LogWriter;
use holdfast_storage::recovery::log_writer::{LogShape, vlf_header_bytes};
use holdfast_storage::write::log::Log;

use crate::Plan;
use crate::process::remove;
use crate::table::{Row, median};

/// Committers, and bytes that each of their transactions logs.
const CASES: &[(usize, usize)] = &[(1, 400), (1, 16_000), (8, 400), (32, 400), (32, 4_000)];
/// Virtual log files of the log that is written for each second of a round: more than it can fill.
const VLFS: f64 = 6.0;
const VLF_SIZE: u64 = 64 << 20;

/// A file that counts what reaches it.
struct Counting {
    file: Arc<dyn DiskFile>,
    bytes: AtomicU64,
    syncs: AtomicU64,
}

impl Counting {
    /// Stretches of zeros that prepare the file are no log.
    fn count(&self, bytes: &[u8]) {
        if bytes.iter().any(|&b| b != 0) {
            self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
    }
}

impl DiskFile for Counting {
    fn path(&self) -> &Path {
        self.file.path()
    }
    fn length(&self) -> DiskResult<u64> {
        self.file.length()
    }
    fn read_at(&self, offset: u64, out: &mut [u8]) -> DiskResult<()> {
        self.file.read_at(offset, out)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()> {
        self.count(bytes);
        self.file.write_at(offset, bytes)
    }
    fn write_log(&self, offset: u64, parts: &[&[u8]]) -> DiskResult<()> {
        parts.iter().for_each(|part| self.count(part));
        self.file.write_log(offset, parts)
    }
    fn write_log_durably(&self, offset: u64, parts: &[&[u8]]) -> DiskResult<()> {
        parts.iter().for_each(|part| self.count(part));
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.write_log_durably(offset, parts)
    }
    fn sync(&self) -> DiskResult<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync()
    }
    fn set_length(&self, length: u64) -> DiskResult<()> {
        self.file.set_length(length)
    }
    fn allocate(&self, length: u64) -> DiskResult<()> {
        self.file.allocate(length)
    }
}

/// What one side did.
struct Done {
    commits: u64,
    bytes: u64,
    syncs: u64,
    seconds: f64,
}

impl Done {
    fn per_second(&self) -> f64 {
        self.bytes as f64 / self.seconds
    }
}

pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let directory = plan.work.join("log");
    remove(&directory)?;
    std::fs::create_dir_all(&directory)?;
    let mut rows = Vec::new();
    for &(committers, size) in CASES {
        let (mut ratios, mut groups) = (Vec::new(), Vec::new());
        for round in 0..plan.rounds {
            let own = commit(&directory, committers, size, plan.seconds)?;
            let group = (own.bytes / own.syncs.max(1)).next_multiple_of(512).max(512);
            let peer = write_and_sync(&directory, group as usize, plan.seconds)?;
            eprintln!(
                "  {committers} committers of {size} bytes, round {round}: {:.0} commits, {:.1} MB a second in groups of {group}; {:.1} MB a second beside",
                own.commits as f64 / own.seconds,
                own.per_second() / 1e6,
                peer.per_second() / 1e6
            );
            ratios.push(own.per_second() / peer.per_second());
            groups.push(group as f64);
        }
        rows.push(Row {
            what: format!("log, {committers} committers of {size} bytes"),
            peer: "fdatasync of groups of the same size".into(),
            ratio: Some(median(ratios)),
            cpu: None,
            goal: "≥ 0.8".into(),
            note: format!("groups of {:.0} bytes", median(groups)),
        });
    }
    remove(&directory)?;
    Ok(rows)
}

/// Committers at a new log.
fn commit(directory: &Path, committers: usize, size: usize, seconds: f64) -> anyhow::Result<Done> {
    let path = directory.join("own.ldf");
    let _ = std::fs::remove_file(&path);
    let file = RealDisk.create(&path)?;
    let shape = LogShape::of_database(904, true);
    let count = (seconds * VLFS).ceil() as u32;
    let length = VLF_HEADER_SIZE + u64::from(count) * VLF_SIZE;
    file.allocate(length)?;
    for at in (0..length).step_by(1 << 20) {
        file.write_at(at, &vec![shape.fill; (length - at).min(1 << 20) as usize])?;
    }
    let mut vlfs = Vec::new();
    for n in 0..count {
        let offset = VLF_HEADER_SIZE + u64::from(n) * VLF_SIZE;
        let unused = VlfHeader::unused(shape.vlf_format, offset, VLF_SIZE);
        let first = VlfHeader { parity: 0x40, sequence: 1, cycle: 1, ..unused };
        let vlf = if n == 0 { first } else { unused };
        file.write_at(offset, &vlf_header_bytes(&vlf, shape.fill))?;
        vlfs.push(vlf);
    }
    file.sync()?;
    let counting = Arc::new(Counting { file, bytes: AtomicU64::new(0), syncs: AtomicU64::new(0) });
    let end = Lsn::new(1, FIRST_BLOCK, 1);
    let all = vec![(counting.clone() as Arc<dyn DiskFile>, vlfs)];
    let writer = LogWriter::resume(all, end, 0, shape, LogTime::default(), 1)?;
    let log = Log::new(writer);
    let header = RecordHeader {
        previous: Lsn::ZERO,
        flags: 0,
        transaction: TransactionId(1),
        operation: op::NULL,
        context: context::NULL,
    };
    // Half in a change, the rest in what ends the transaction, like an insert and its COMMIT.
    let bytes = record(&header, &vec![0xA5; (size / 2).saturating_sub(24)], None);
    let (commits, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let began = Instant::now();
    let failed = std::thread::scope(|scope| {
        let work = || -> anyhow::Result<()> {
            while !stop.load(Ordering::Relaxed) {
                log.append(&bytes)?;
                let last = log.append(&bytes)?;
                log.flush_to(last)?;
                commits.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let workers: Vec<_> = (0..committers).map(|_| scope.spawn(work)).collect();
        std::thread::sleep(Duration::from_secs_f64(seconds));
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().find_map(|w| w.join().ok().and_then(Result::err))
    });
    let seconds = began.elapsed().as_secs_f64();
    if let Some(e) = failed {
        return Err(e.context("committing"));
    }
    std::fs::remove_file(&path)?;
    Ok(Done {
        commits: commits.into_inner(),
        bytes: counting.bytes.load(Ordering::Relaxed),
        syncs: counting.syncs.load(Ordering::Relaxed),
        seconds,
    })
}

/// Groups of `size` bytes, each written and synced, one behind the other through a file that was written before.
fn write_and_sync(directory: &Path, size: usize, seconds: f64) -> anyhow::Result<Done> {
    const LENGTH: u64 = 256 << 20;
    let path = directory.join("beside");
    let _ = std::fs::remove_file(&path);
    let file = RealDisk.create(&path)?;
    file.allocate(LENGTH)?;
    for at in (0..LENGTH).step_by(1 << 20) {
        file.write_at(at, &vec![0; 1 << 20])?;
    }
    file.sync()?;
    let group = vec![0xA5; size];
    let (mut at, mut syncs) = (0, 0);
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < seconds {
        if at + size as u64 > LENGTH {
            at = 0;
        }
        file.write_at(at, &group)?;
        file.sync()?;
        at += size as u64;
        syncs += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    std::fs::remove_file(&path).context("the file beside")?;
    Ok(Done { commits: syncs, bytes: syncs * size as u64, syncs, seconds })
}
