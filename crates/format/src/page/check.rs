//! What can be verified inside one page, protection apart.
//!
//! Invariants
//! 1. Never stops at the first fault; each finding names what is wrong and where in the page.
//!
//! Evidence: everything checked here holds on every allocated page of the genuine corpus.

use holdfast_base::{PAGE_SIZE, PageId};

use super::{HEADER_SIZE, PageType, PageView};
use crate::record::{RecordType, record_length, status};

/// One thing that is wrong with a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFinding {
    pub page: PageId,
    /// Byte offset in the page.
    pub offset: usize,
    pub what: String,
}

/// Checks header, slots and records of an allocated page that should be `at`.
pub fn check_page(view: PageView<'_>, at: PageId, findings: &mut Vec<PageFinding>) {
    let mut report = |offset: usize, what: String| findings.push(PageFinding { page: at, offset, what });
    let header = view.header();
    if header.header_version != 1 {
        report(0, format!("header version is {}", header.header_version));
        return;
    }
    if header.page_id != at {
        report(32, format!("the page carries the address {}", header.page_id));
    }
    let Some(kind) = PageType::from_raw(header.page_type) else {
        report(1, format!("page type {} is not known", header.page_type));
        return;
    };
    if header.tail != [0; 32] {
        report(64, "the unused end of the header is not zero".to_owned());
    }
    let slots = usize::from(header.slot_count);
    if HEADER_SIZE + 2 * slots > PAGE_SIZE {
        report(22, format!("{slots} slots do not fit a page"));
        return;
    }
    let may_have_gaps = matches!(kind, PageType::Data | PageType::TextMix);
    let mut extents: Vec<(usize, usize, u16)> = Vec::with_capacity(slots);
    let mut ghosts = 0u16;
    for slot in 0..header.slot_count {
        if view.slot_is_empty(slot) {
            if !may_have_gaps {
                report(PAGE_SIZE - 2 * (usize::from(slot) + 1), format!("slot {slot} is empty"));
            }
            continue;
        }
        let Some(offset) = view.slot_offset(slot) else {
            report(
                PAGE_SIZE - 2 * (usize::from(slot) + 1),
                format!("slot {slot} points outside the records' area"),
            );
            continue;
        };
        let Some(bytes) = view.record(slot) else { continue };
        match record_length(bytes, kind == PageType::Index, header.pminlen) {
            Ok(length) => extents.push((offset, offset + length, slot)),
            Err(e) => report(offset + e.offset, format!("slot {slot}: {}", e.what)),
        }
        let first = bytes.first().copied().unwrap_or(0);
        let ghost = if first & status::COMPRESSED != 0 {
            matches!((first >> 2) & 7, 1 | 3 | 5 | 7)
        } else {
            RecordType::of(first).is_ghost()
        };
        ghosts += u16::from(ghost);
    }
    if extents.len() < slots && !may_have_gaps {
        return;
    }
    extents.sort_unstable();
    let mut floor = HEADER_SIZE;
    if view.is_page_compressed() && matches!(kind, PageType::Data | PageType::Index) {
        match crate::record::page_compression::CompressionInfo::parse(&view.bytes()[HEADER_SIZE..]) {
            Ok(info) => floor += info.size,
            Err(e) => report(HEADER_SIZE + e.offset, e.what.to_owned()),
        }
    }
    let first_free = floor;
    for &(start, end, slot) in &extents {
        if start < floor {
            report(start, format!("the record of slot {slot} overlaps the one before it"));
        }
        if end > view.slot_array_start() {
            report(start, format!("the record of slot {slot} reaches into the slot array"));
        }
        floor = floor.max(end);
    }
    if floor > usize::from(header.free_data) {
        report(30, format!("free data begins at {} but a record ends at {floor}", header.free_data));
    }
    if ghosts != header.ghost_count {
        report(58, format!("{} ghost records are announced, {ghosts} are there", header.ghost_count));
    }
    let used: usize = extents.iter().map(|e| e.1 - e.0).sum();
    let overhead = 2 * slots + (first_free - HEADER_SIZE);
    let exact = (PAGE_SIZE - HEADER_SIZE).checked_sub(used + overhead);
    let announced = usize::from(header.free_count);
    // Records of sysfiles1 are padded to four bytes, and a heap record counts at least nine bytes.
    let padding: usize =
        extents.iter().map(|e| (4 - (e.1 - e.0) % 4) % 4 + 9usize.saturating_sub(e.1 - e.0)).sum();
    match exact {
        Some(exact) if announced <= exact && announced + padding >= exact => {}
        Some(exact) => report(28, format!("{announced} free bytes are announced, {exact} are free")),
        None => report(28, "the records are larger than the page".to_owned()),
    }
}
