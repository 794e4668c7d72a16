//! Reads bulk streams and data files with all cores: workers claim batches in turn, then read, decompress and check them
//! on their own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use holdfast_backup::checksum::StreamChecksum;
use holdfast_backup::data::{Place, extents};
use holdfast_backup::media::BulkKind;
use holdfast_backup::{BackupError, Source};
use holdfast_base::PageId;

use super::finding::{Finding, Findings, Severity};
use super::pages::PageChecks;
use crate::output::Progress;

pub fn worker_count() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Checks one stream: records, places, pages, stream checksum.
pub fn check_stream(source: &Source, checks: &PageChecks, findings: &Findings, progress: &Progress) {
    let reader = Mutex::new(source.reader());
    let sum = Mutex::new(0u32);
    let broken = AtomicU64::new(0);
    let sectors = source.stream.length / 512;
    std::thread::scope(|scope| {
        for _ in 0..worker_count() {
            scope.spawn(|| {
                let (mut buffer, mut out) = (Vec::new(), Vec::new());
                loop {
                    let claimed = {
                        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
                        reader.next_batch(std::mem::take(&mut buffer))
                    };
                    let batch = match claimed {
                        Ok(Some(batch)) => batch,
                        Ok(None) => break,
                        Err(e) => {
                            broken.fetch_add(1, Ordering::Relaxed);
                            findings.add(Finding::of(&e, Severity::Damage));
                            continue;
                        }
                    };
                    progress.add(batch.length as u64);
                    if let Err(e) = batch.unpack(&mut out) {
                        broken.fetch_add(1, Ordering::Relaxed);
                        findings.add(Finding::of(&e, Severity::Damage));
                        buffer = batch.into_buffer();
                        continue;
                    }
                    let part = check_batch(source, &batch, &out, checks, findings);
                    // Rotation distributes over XOR, so the parts may come in any order.
                    let after = sectors - (batch.offset + out.len() as u64) / 512;
                    let turned = part.value().rotate_left((after % 32) as u32);
                    *sum.lock().unwrap_or_else(PoisonError::into_inner) ^= turned;
                    buffer = batch.into_buffer();
                }
            });
        }
    });
    let found = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(stored) = source.stream.checksum
        && broken.into_inner() == 0
        && stored != found
    {
        let what = if source.stream.kind == BulkKind::Pages { "page data" } else { "log data" };
        let device = source.device.name().clone();
        let offset = source.stream.stored_start;
        findings.add(Finding::of(
            &BackupError::Checksum { device, offset, what, stored, found },
            Severity::Damage,
        ));
    }
}

fn check_batch(
    source: &Source,
    batch: &holdfast_backup::RawBatch,
    out: &[u8],
    checks: &PageChecks,
    findings: &Findings,
) -> StreamChecksum {
    let mut sum = StreamChecksum::default();
    if source.stream.kind == BulkKind::Log {
        sum.update(out);
        return sum;
    }
    for extent in extents(out, batch.offset) {
        let part = match extent.place {
            Place::At(file, page) => {
                let stored = |at: u64| batch.stored_at(extent.offset + at);
                checks.check(source.device.name(), PageId::new(file, page), extent.bytes, &stored, findings)
            }
            Place::Filler | Place::Unknown => {
                if extent.place == Place::Unknown {
                    let e = BackupError::LostExtent {
                        device: source.device.name().clone(),
                        offset: batch.stored_at(extent.offset),
                    };
                    findings.add(Finding::of(&e, Severity::Damage));
                }
                let mut s = StreamChecksum::default();
                s.update(extent.bytes);
                s
            }
        };
        sum = sum.append(part, extent.bytes.len() as u64 / 512);
    }
    sum
}
