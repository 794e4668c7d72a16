//! Data files (`.mdf`, `.ndf`): every page at its place, in parallel slices.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_backup::Device;
use holdfast_base::{PAGE_SIZE, PageId};

use super::finding::{Finding, Findings, Severity};
use super::pages::PageChecks;
use super::stream::worker_count;
use crate::output::Progress;

const SLICE: u64 = 1 << 20;

/// Gives the number of pages checked.
pub fn check(
    path: &Path,
    device: &Device,
    file_id: u16,
    checks: &mut PageChecks,
    findings: &Findings,
    progress: &Progress,
) -> u64 {
    let name = path.display().to_string();
    let whole = device.length() / PAGE_SIZE as u64 * PAGE_SIZE as u64;
    if whole != device.length() {
        findings.add(Finding {
            severity: Severity::Damage,
            file: name.clone(),
            page: None,
            offset: Some(whole),
            text: "the file does not end at a page boundary".to_owned(),
        });
    }
    let shared = &*checks;
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..worker_count() {
            scope.spawn(|| {
                let mut buffer = Vec::new();
                loop {
                    let start = next.fetch_add(SLICE, Ordering::Relaxed);
                    if start >= whole {
                        break;
                    }
                    buffer.resize((whole - start).min(SLICE) as usize, 0);
                    progress.add(buffer.len() as u64);
                    if let Err(e) = device.read(start, &mut buffer) {
                        findings.add(Finding::of(&e, Severity::Damage));
                        continue;
                    }
                    let Ok(page) = u32::try_from(start / PAGE_SIZE as u64) else { break };
                    shared.check(&name, PageId::new(file_id, page), &buffer, &|at| start + at, findings);
                }
            });
        }
    });
    checks.end_pass(findings)
}
