//! Building records and blocks.
//!
//! Invariants
//! 1. Records begin on 8-byte boundaries (4 before 2012) and are padded with zeros.
//! 2. A built block leaves at least 16 bytes free besides the bytes saved for the sector marks, as genuine ones do.
//!
//! Evidence: built from the records of genuine blocks, blocks come out as they were (corpus test).

use holdfast_base::Lsn;

use super::block::{BlockVersion, DURABLE, LogBlock, MAX_BLOCK, SECTOR, checksum, durable_mark, stamp};
use super::operation::{Context, Operation};
use super::record::{COMMON_HEADER, LogTime, PageTarget, RowTarget, TransactionId};
use super::transaction::PrepareTransaction;
use super::{context, op};

const SPARE: usize = 16;

/// The common header of a record to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    pub previous: Lsn,
    pub flags: u16,
    pub transaction: TransactionId,
    pub operation: Operation,
    pub context: Context,
}

/// Puts a record together: common header, the rest of the fixed part, elements (none = no element area at all).
pub fn record(header: &RecordHeader, fixed_rest: &[u8], elements: Option<&[&[u8]]>) -> Vec<u8> {
    let fixed = COMMON_HEADER + fixed_rest.len();
    let mut out = Vec::with_capacity(fixed + 64);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(fixed as u16).to_le_bytes());
    out.extend_from_slice(&header.previous.to_bytes());
    out.extend_from_slice(&header.flags.to_le_bytes());
    out.extend_from_slice(&header.transaction.to_bytes());
    out.push(header.operation.0);
    out.push(header.context.0);
    out.extend_from_slice(fixed_rest);
    if let Some(elements) = elements {
        out.extend_from_slice(&(elements.len() as u16).to_le_bytes());
        for e in elements {
            out.extend_from_slice(&(e.len() as u16).to_le_bytes());
        }
        for e in elements {
            out.resize(out.len().next_multiple_of(4), 0);
            out.extend_from_slice(e);
        }
    }
    out
}

/// A page operation without row header.
pub fn page_record(
    header: &RecordHeader,
    page: &PageTarget,
    fixed_rest: &[u8],
    elements: Option<&[&[u8]]>,
) -> Vec<u8> {
    let mut rest = page.encode().to_vec();
    rest.extend_from_slice(fixed_rest);
    record(header, &rest, elements)
}

/// A row operation.
pub fn row_record(header: &RecordHeader, page: &PageTarget, row: &RowTarget, elements: &[&[u8]]) -> Vec<u8> {
    page_record(header, page, &row.encode(), Some(elements))
}

/// COMMIT_XACT or ABORT_XACT in the layout of the database version.
pub fn end_transaction(
    operation: Operation,
    transaction: TransactionId,
    begin: Lsn,
    time: LogTime,
    number: u64,
    version: BlockVersion,
) -> Vec<u8> {
    let header = RecordHeader { previous: begin, flags: 2, transaction, operation, context: Context(0) };
    let mut rest = Vec::with_capacity(0x38);
    rest.extend_from_slice(&time.to_bytes());
    rest.extend_from_slice(&begin.to_bytes());
    rest.resize(0x18, 0);
    if version.number >= 5 {
        rest.resize(0x28, 0);
        rest.extend_from_slice(&number.to_le_bytes());
        rest.resize(0x38, 0);
        return record(&header, &rest, Some(&[]));
    }
    record(&header, &rest, None)
}

/// BEGIN_XACT in the layout of the database version. `kind`: 1 ordinary, 3 a system transaction nested in `parent`.
pub fn begin_transaction(
    id: TransactionId,
    parent: TransactionId,
    session: u32,
    kind: u32,
    time: LogTime,
    name: &str,
    version: BlockVersion,
) -> Vec<u8> {
    let header = RecordHeader {
        previous: Lsn::ZERO,
        flags: 2,
        transaction: id,
        operation: super::op::BEGIN_XACT,
        context: Context(0),
    };
    let length = if version.number >= 5 { 0x4C } else { 0x40 };
    let mut rest = vec![0; length - COMMON_HEADER];
    rest[0..4].copy_from_slice(&session.to_le_bytes());
    rest[4..8].copy_from_slice(&1u32.to_le_bytes());
    rest[8..12].copy_from_slice(&kind.to_le_bytes());
    rest[0x10..0x18].copy_from_slice(&time.to_bytes());
    if version.number >= 5 {
        rest[0x18..0x1E].copy_from_slice(&id.to_bytes());
        let top = if parent.is_none() { id } else { parent };
        rest[0x28..0x2E].copy_from_slice(&top.to_bytes());
        rest[0x2E..0x34].copy_from_slice(&parent.to_bytes());
    }
    let name: Vec<u8> = name.encode_utf16().take(32).flat_map(u16::to_le_bytes).collect();
    record(&header, &rest, Some(&[&name, &[]]))
}

/// PREP_XACT of a transaction whose last record was `previous`.
pub fn prepare_transaction(transaction: TransactionId, previous: Lsn, what: &PrepareTransaction) -> Vec<u8> {
    let header = RecordHeader {
        previous,
        flags: 2,
        transaction,
        operation: super::op::PREP_XACT,
        context: Context(0),
    };
    let mut rest = vec![0; 0x28];
    rest[0x00..0x06].copy_from_slice(&what.partner.to_bytes());
    rest[0x06..0x08].copy_from_slice(&what.partner_database.to_le_bytes());
    rest[0x08..0x12].copy_from_slice(&what.partner_lsn.to_bytes());
    rest[0x14..0x1E].copy_from_slice(&what.begin.to_bytes());
    rest[0x20..0x28].copy_from_slice(&what.time.to_bytes());
    let branch = what.branch.as_ref().map_or(&[][..], |b| &b.0);
    record(&header, &rest, Some(&[branch]))
}

/// XACT_CKPT with transactions that are open: (id, LSN of BEGIN, LSN of the last record); at most 500.
pub fn open_transactions(open: &[(TransactionId, Lsn, Lsn)]) -> Vec<u8> {
    let header = RecordHeader {
        previous: Lsn::ZERO,
        flags: 0,
        transaction: TransactionId::NONE,
        operation: super::op::XACT_CKPT,
        context: Context(0),
    };
    let entries: Vec<[u8; 80]> = open
        .iter()
        .map(|(id, begin, last)| {
            let mut e = [0u8; 80];
            e[0..6].copy_from_slice(&id.to_bytes());
            e[8..18].copy_from_slice(&begin.to_bytes());
            e[0x14..0x1E].copy_from_slice(&last.to_bytes());
            e[0x30..0x36].copy_from_slice(&id.to_bytes());
            e[0x48..0x4E].copy_from_slice(&id.to_bytes());
            e
        })
        .collect();
    let elements: Vec<&[u8]> = entries.iter().map(<[u8; 80]>::as_slice).collect();
    record(&header, &[], Some(&elements))
}

/// A change of counts that no other record shows: rows of a rowset (TRUNCATE), or that a unit's pages must be counted.
/// The form of HOBT_DELTA with two fields behind it.
pub fn count_change(header: &RecordHeader, rowset: u64, rows: i64, unit_id: u64) -> Vec<u8> {
    let mut rest = vec![0u8; 0x50 - 0x18];
    rest[..8].copy_from_slice(&rowset.to_le_bytes());
    rest[0x28..0x30].copy_from_slice(&rows.to_le_bytes());
    rest[0x30..0x38].copy_from_slice(&unit_id.to_le_bytes());
    record(&RecordHeader { operation: op::HOBT_DELTA, context: context::NULL, ..*header }, &rest, None)
}

/// BEGIN_CKPT.
pub fn begin_checkpoint(
    previous: Lsn,
    time: LogTime,
    database_version: u16,
    highest: TransactionId,
) -> Vec<u8> {
    let header = RecordHeader {
        previous,
        flags: 0,
        transaction: TransactionId::NONE,
        operation: super::op::BEGIN_CKPT,
        context: Context(0),
    };
    let mut rest = vec![0; 0x60 - COMMON_HEADER];
    rest[0..8].copy_from_slice(&time.to_bytes());
    rest[0x12..0x14].copy_from_slice(&database_version.to_le_bytes());
    rest[0x14..0x1A].copy_from_slice(&highest.to_bytes());
    record(&header, &rest, None)
}

/// XACT_CKPT without open transactions, written before the boot page changes.
pub fn boot_page_checkpoint() -> Vec<u8> {
    let header = RecordHeader {
        previous: Lsn::ZERO,
        flags: 0,
        transaction: TransactionId::NONE,
        operation: super::op::XACT_CKPT,
        context: super::context::BOOT_PAGE_CKPT,
    };
    record(&header, &[], Some(&[]))
}

/// END_CKPT.
pub fn end_checkpoint(begin: Lsn, time: LogTime, database_version: u16) -> Vec<u8> {
    let header = RecordHeader {
        previous: begin,
        flags: 0,
        transaction: TransactionId::NONE,
        operation: super::op::END_CKPT,
        context: Context(0),
    };
    let mut rest = vec![0; 0x88 - COMMON_HEADER];
    rest[0..8].copy_from_slice(&time.to_bytes());
    rest[8..18].copy_from_slice(&begin.to_bytes());
    rest[0x12..0x14].copy_from_slice(&database_version.to_le_bytes());
    record(&header, &rest, None)
}

/// A block being filled.
pub struct BlockBuilder {
    version: BlockVersion,
    lsn: Lsn,
    bytes: Vec<u8>,
    slots: Vec<u16>,
}

impl BlockBuilder {
    /// A block at the given place of the log (its slot is ignored).
    pub fn new(version: BlockVersion, at: Lsn) -> Self {
        BlockBuilder {
            version,
            lsn: Lsn { slot: 1, ..at },
            bytes: vec![0; version.header_size],
            slots: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Says that the log of this VLF is durable up to `distance` sectors before this block ([`durable_mark`]).
    pub fn set_durable(&mut self, distance: u32) {
        if let Some(mark) = durable_mark(self.lsn, distance)
            && self.version.header_size >= DURABLE + 4
        {
            self.bytes[DURABLE..DURABLE + 4].copy_from_slice(&mark.to_le_bytes());
        }
    }

    /// Bytes that the block would take if it ended now.
    pub fn size(&self) -> usize {
        if self.is_empty() { 0 } else { self.size_with(0) }
    }

    /// LSN that the next record will get.
    pub fn next_lsn(&self) -> Lsn {
        Lsn { slot: self.slots.len() as u16 + 1, ..self.lsn }
    }

    fn size_with(&self, record: usize) -> usize {
        let step = self.version.alignment;
        let records = self.bytes.len().next_multiple_of(step) + record.next_multiple_of(step);
        let used = records + 2 * (self.slots.len() + 1);
        let mut size = (used + SPARE).next_multiple_of(SECTOR);
        while used + SPARE + size / SECTOR > size {
            size += SECTOR;
        }
        size
    }

    /// Whether a record of this length still fits a block of at most `limit` bytes.
    pub fn fits(&self, record: usize, limit: usize) -> bool {
        self.slots.len() < 0x7FFF && self.size_with(record) <= limit.min(MAX_BLOCK)
    }

    /// Adds a record and answers its LSN; `None` when it does not fit.
    pub fn push(&mut self, record: &[u8]) -> Option<Lsn> {
        if !self.fits(record.len(), MAX_BLOCK) {
            return None;
        }
        let lsn = self.next_lsn();
        self.bytes.resize(self.bytes.len().next_multiple_of(self.version.alignment), 0);
        self.slots.push(self.bytes.len() as u16);
        self.bytes.extend_from_slice(record);
        Some(lsn)
    }

    /// Bytes of the block as stored, see [`Self::finish`].
    pub fn stored_size(&self, sector: usize) -> usize {
        let used = self.bytes.len().next_multiple_of(self.version.alignment) + 2 * self.slots.len();
        let sector = sector.max(SECTOR);
        let mut size = (used + SPARE).next_multiple_of(sector);
        while used + SPARE + size / SECTOR > size {
            size += sector;
        }
        size
    }

    /// The block as stored. `sector` is the log's sector size (512 or 4096); `fill` goes to the unused bytes.
    pub fn finish(
        mut self,
        parity: u8,
        previous_size: u16,
        sector: usize,
        fill: u8,
        time: LogTime,
        sum: bool,
    ) -> Vec<u8> {
        let size = self.stored_size(sector);
        self.bytes.resize(self.bytes.len().next_multiple_of(self.version.alignment), 0);
        for slot in self.slots.iter().rev() {
            self.bytes.extend_from_slice(&slot.to_le_bytes());
        }
        let used = self.bytes.len();
        self.bytes.resize(size, fill);
        let b = &mut self.bytes;
        b[0] = self.version.number;
        b[2..4].copy_from_slice(&(self.slots.len() as u16).to_le_bytes());
        b[4..6].copy_from_slice(&(used as u16).to_le_bytes());
        b[6..8].copy_from_slice(&(size as u16).to_le_bytes());
        b[8..10].copy_from_slice(&3u16.to_le_bytes());
        b[0x0A..0x0C].copy_from_slice(&previous_size.to_le_bytes());
        b[0x0C..0x16].copy_from_slice(&self.lsn.to_bytes());
        if self.version.number >= 6 {
            b[0x30..0x38].copy_from_slice(&time.to_bytes());
            b[0x38..0x48].fill(0xFF);
        }
        stamp(b, parity);
        if sum {
            let c = checksum(b);
            b[0x18..0x1C].copy_from_slice(&c.to_le_bytes());
        }
        self.bytes
    }
}

/// Builds a block again from its records and the bytes that carry no meaning (uninitialised header bytes, the tail), to
/// show that the codec knows every byte that does.
pub fn rebuild(block: &LogBlock) -> Option<Vec<u8>> {
    let header = block.header();
    let mut out = block.bytes().get(..header.version.header_size)?.to_vec();
    out[2..4].copy_from_slice(&header.records.to_le_bytes());
    out[4..6].copy_from_slice(&header.used.to_le_bytes());
    out[6..8].copy_from_slice(&header.size.to_le_bytes());
    out[0x0A..0x0C].copy_from_slice(&header.previous_size.to_le_bytes());
    out[0x0C..0x16].copy_from_slice(&header.lsn.to_bytes());
    let mut slots = Vec::new();
    for record in block.records() {
        let record = record.ok()?;
        if out.len() % header.version.alignment != 0 {
            return None;
        }
        slots.push(out.len() as u16);
        out.extend_from_slice(record.bytes());
    }
    for slot in slots.iter().rev() {
        out.extend_from_slice(&slot.to_le_bytes());
    }
    if header.records > 0 && out.len() != usize::from(header.used) {
        return None;
    }
    out.extend_from_slice(block.bytes().get(out.len()..)?);
    stamp(&mut out, header.parity);
    if header.checksum != 0 {
        let c = checksum(&out);
        out[0x18..0x1C].copy_from_slice(&c.to_le_bytes());
    }
    Some(out)
}
