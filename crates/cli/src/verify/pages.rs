//! Checks pages as they stream by: each page's own id, its checksum or torn bits.
//!
//! A page that is not allocated need not be valid: a suspicious page counts only when the PFS page that covers it says it
//! is allocated. PFS pages come before the pages they cover, so nearly all questions are answered at once; the rest wait
//! for the end of the pass.
//!
//! Invariants
//! 1. Memory: 8 KiB of PFS per 64 MiB of database, at most [`SUSPECT_LIMIT`] open questions, and the links where they are asked for.
//! 2. PFS pages of a later pass replace those of an earlier one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

use holdfast_backup::checksum::StreamChecksum;
use holdfast_base::{Lsn, PAGE_SIZE, PageId};

use super::finding::{Finding, Findings, Severity};
use super::links::LinkChecks;

/// Pages covered by one PFS page.
const PFS_INTERVAL: u32 = 8088;
const PFS_TYPE: u8 = 11;
const SUSPECT_LIMIT: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    Checksum {
        stored: u32,
        found: u32,
    },
    Torn {
        sector: u8,
    },
    WrongId {
        found: PageId,
    },
    /// The page has a change that the log does not have any more.
    BeyondLog {
        lsn: Lsn,
        end: Lsn,
    },
    NotFormatted,
}

impl Trouble {
    fn text(&self) -> String {
        match self {
            Trouble::Checksum { stored, found } => {
                format!("checksum 0x{stored:08X} is stored, the page's is 0x{found:08X}")
            }
            Trouble::Torn { sector } => {
                format!("sector {sector} was not written with the rest of the page (torn)")
            }
            Trouble::WrongId { found } => format!("the page carries the id {found}"),
            Trouble::BeyondLog { lsn, end } => {
                format!("the page has a change of {lsn}, but the log ends at {end}")
            }
            Trouble::NotFormatted => "allocated but never formatted; the log must hold it".to_owned(),
        }
    }

    fn severity(&self) -> Severity {
        if matches!(self, Trouble::NotFormatted) { Severity::Note } else { Severity::Damage }
    }
}

struct Suspect {
    page: PageId,
    device: String,
    offset: u64,
    trouble: Trouble,
}

/// Byte maps by file and interval.
type PfsMaps = HashMap<(u16, u32), Box<[u8]>>;

/// Shared by the workers of one pass.
#[derive(Default)]
pub struct PageChecks {
    /// Byte map of each PFS interval seen.
    pfs: RwLock<PfsMaps>,
    open: Mutex<Vec<Suspect>>,
    checked: std::sync::atomic::AtomicU64,
    /// Where the links of whole pages are noted; `None`: nobody asks for them.
    links: Option<LinkChecks>,
    /// Where the log of the database ends: it is ahead of every page.
    log_end: Option<Lsn>,
}

impl PageChecks {
    /// Checks that also note the links between pages.
    pub fn with_links() -> Self {
        PageChecks { links: Some(LinkChecks::default()), ..PageChecks::default() }
    }

    /// Checks for pages of a database whose log ends there, where that is known.
    pub fn within_log(self, end: Option<Lsn>) -> Self {
        PageChecks { log_end: end, ..self }
    }

    /// `None` while the covering PFS page has not been seen.
    fn allocated(&self, page: PageId) -> Option<bool> {
        let pfs = self.pfs.read().unwrap_or_else(PoisonError::into_inner);
        let map = pfs.get(&(page.file, page.page / PFS_INTERVAL))?;
        Some(map.get((page.page % PFS_INTERVAL) as usize).is_some_and(|b| b & 0x40 != 0))
    }

    /// Checks `bytes` (whole pages) that belong at `first`; gives the running checksum of the bytes for the stream's own.
    /// `stored` tells the stored offset of a byte of `bytes`.
    pub fn check(
        &self,
        device: &str,
        first: PageId,
        bytes: &[u8],
        stored: &dyn Fn(u64) -> u64,
        findings: &Findings,
    ) -> StreamChecksum {
        let mut total = StreamChecksum::default();
        let mut whole: Vec<&[u8; PAGE_SIZE]> = Vec::new();
        for (i, page) in bytes.chunks(PAGE_SIZE).enumerate() {
            let mut sum = StreamChecksum::default();
            sum.update(page);
            total = total.append(sum, 16);
            let id = PageId::new(first.file, first.page.saturating_add(i as u32));
            let Some(exact) = page.first_chunk::<PAGE_SIZE>() else { continue };
            match self.page_trouble(id, page, sum.value()) {
                Some(trouble) => self.suspect(device, id, stored((i * PAGE_SIZE) as u64), trouble, findings),
                None if self.links.is_some() => whole.push(exact),
                None => {}
            }
        }
        if let Some(links) = &self.links {
            links.note(whole.into_iter());
        }
        self.checked.fetch_add((bytes.len() / PAGE_SIZE) as u64, std::sync::atomic::Ordering::Relaxed);
        total
    }

    fn page_trouble(&self, id: PageId, page: &[u8], sum: u32) -> Option<Trouble> {
        let head: &[u8; 96] = page.first_chunk()?;
        if head[0] == 0 {
            return Some(Trouble::NotFormatted);
        }
        let flags = u16::from_le_bytes([head[4], head[5]]);
        let field = u32::from_le_bytes([head[60], head[61], head[62], head[63]]);
        if flags & 0x0200 != 0 {
            // The field is not part of its own checksum: its word of sector 0 has been rotated 15 times.
            let found = sum ^ field.rotate_left(15);
            if found != field {
                return Some(Trouble::Checksum { stored: field, found });
            }
        } else if flags & 0x0100 != 0 {
            let pattern = (field & 3) as u8;
            for sector in 1..16u8 {
                if page[usize::from(sector) * 512 + 511] & 3 != pattern {
                    return Some(Trouble::Torn { sector });
                }
            }
        }
        let own = PageId::from_bytes([head[32], head[33], head[34], head[35], head[36], head[37]]);
        if own != id {
            return Some(Trouble::WrongId { found: own });
        }
        if let (Some(end), Some(lsn)) = (self.log_end, head[40..].first_chunk().copied().map(Lsn::from_bytes))
            && lsn >= end
        {
            return Some(Trouble::BeyondLog { lsn, end });
        }
        if head[1] == PFS_TYPE && (id.page == 1 || id.page.is_multiple_of(PFS_INTERVAL) && id.page > 0) {
            let map = page.get(100..100 + PFS_INTERVAL as usize).unwrap_or(&[]).into();
            let mut pfs = self.pfs.write().unwrap_or_else(PoisonError::into_inner);
            pfs.insert((id.file, id.page / PFS_INTERVAL), map);
        }
        None
    }

    fn suspect(&self, device: &str, page: PageId, offset: u64, trouble: Trouble, findings: &Findings) {
        let suspect = Suspect { page, device: device.to_owned(), offset, trouble };
        match self.allocated(page) {
            Some(true) => report(suspect, findings),
            Some(false) => {}
            None => {
                let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                if open.len() < SUSPECT_LIMIT {
                    open.push(suspect);
                }
            }
        }
    }

    /// A pass has ended: answers what is still open; gives the number of pages checked in it.
    pub fn end_pass(&mut self, findings: &Findings) -> u64 {
        if let Some(links) = &mut self.links {
            links.next_turn();
        }
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for suspect in open {
            // Without a PFS page (another stripe, a differential, damage) a page that is formatted must still be whole.
            let known = self.allocated(suspect.page);
            let doubtful = matches!(
                suspect.trouble,
                Trouble::NotFormatted | Trouble::WrongId { .. } | Trouble::BeyondLog { .. }
            );
            if known == Some(true) || known.is_none() && !doubtful {
                report(suspect, findings);
            }
        }
        std::mem::take(self.checked.get_mut())
    }

    /// Checks the links noted in all passes; gives a part of the summary.
    pub fn check_links(mut self, name: &str, severity: Severity, findings: &Findings) -> Option<String> {
        let links = self.links.take()?;
        Some(links.finish(name, severity, &|page| self.allocated(page), findings))
    }
}

fn report(s: Suspect, findings: &Findings) {
    findings.add(Finding {
        severity: s.trouble.severity(),
        text: s.trouble.text(),
        file: s.device,
        page: Some(s.page),
        offset: Some(s.offset),
    });
}
