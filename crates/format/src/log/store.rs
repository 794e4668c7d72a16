//! Log bytes from log files and backups as one log, and the walk over their blocks.
//!
//! Invariants
//! 1. A segment is a run of blocks of one VLF. Segments of a log file are open: the first invalid block is the end of the
//!    log. Segments of a backup are exact: an invalid block in them is an error.
//! 2. The cursor goes from the end of a VLF only to the VLF whose sequence number is one higher.
//! 3. Memory in use is bounded by one read window.
//! 4. A block of this use of its VLF of which every sector was written, whose checksum is wrong and behind which a valid block
//!    stands, is no end but damage, in open segments, too: writes are cut between sectors. The last block may have been half copied
//!    by the system when the power went; and near the end of a VLF sectors of the use before the last may carry the same marks.
//! 5. Nor is it an end when a block behind it says that the log was durable up to behind that place ([`super::block::durable_mark`]):
//!    looked for in the next [`LOOK_BEHIND`] bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::Lsn;

use super::block::{BlockFlaw, LogBlock, MAX_BLOCK, SECTOR};
use super::vlf::{FIRST_BLOCK, vlf_table};
use super::{LogError, LogRecord};

/// Bytes read ahead by a cursor.
const WINDOW: usize = 512 * 1024;
/// How far behind an invalid block others are looked for.
pub const LOOK_BEHIND: u64 = 1 << 20;

/// A log file, or the log part of a backup, as positioned reads.
pub trait LogBytes: Send + Sync {
    fn length(&self) -> u64;
    /// Fills `out` from `offset`.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), LogError>;
}

impl LogBytes for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), LogError> {
        let part = usize::try_from(offset).ok().and_then(|o| self.get(o..o.checked_add(out.len())?));
        let part = part.ok_or_else(|| LogError::Read { offset, message: "beyond the end".into() })?;
        out.copy_from_slice(part);
        Ok(())
    }
}

/// A run of blocks of one VLF.
#[derive(Clone)]
pub struct LogSegment {
    pub bytes: Arc<dyn LogBytes>,
    /// Sequence number of the VLF.
    pub vlf: u32,
    /// Place of the first block, in sectors from the VLF start.
    pub first_block: u32,
    /// Where the first block lies in `bytes`.
    pub offset: u64,
    /// Bytes of the run.
    pub length: u64,
    /// Parity of the VLF, where it is known.
    pub parity: Option<u8>,
    /// Whether every byte of the run must belong to a valid block (backups).
    pub exact: bool,
}

impl LogSegment {
    fn end_block(&self) -> u64 {
        u64::from(self.first_block) + self.length / SECTOR as u64
    }
}

/// The log at hand.
#[derive(Clone, Default)]
pub struct LogStore {
    segments: BTreeMap<(u32, u32), LogSegment>,
}

/// Why a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfLog {
    /// Place where the next block would be (slot 1).
    pub at: Lsn,
    /// What was wrong there; `None` when the log at hand simply stops.
    pub flaw: Option<BlockFlaw>,
}

impl LogStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the VLFs of a log file.
    pub fn add_file(&mut self, file: Arc<dyn LogBytes>) -> Result<(), LogError> {
        for vlf in vlf_table(file.as_ref())? {
            if vlf.sequence == 0 || vlf.parity == 0 {
                continue;
            }
            self.add_segment(LogSegment {
                bytes: file.clone(),
                vlf: vlf.sequence,
                first_block: FIRST_BLOCK,
                offset: vlf.block_offset(FIRST_BLOCK),
                length: vlf.size - u64::from(FIRST_BLOCK) * 512,
                parity: Some(vlf.parity),
                exact: false,
            });
        }
        Ok(())
    }

    pub fn add_segment(&mut self, segment: LogSegment) {
        if segment.length > 0 {
            self.segments.insert((segment.vlf, segment.first_block), segment);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Place of the first block at hand.
    pub fn first(&self) -> Option<Lsn> {
        self.segments.keys().next().map(|&(vlf, block)| Lsn::new(vlf, block, 1))
    }

    /// Highest VLF sequence number at hand.
    pub fn last_vlf(&self) -> Option<u32> {
        self.segments.keys().next_back().map(|&(vlf, _)| vlf)
    }

    fn segment_of(&self, vlf: u32, block: u32) -> Option<&LogSegment> {
        self.segments
            .range((vlf, 0)..=(vlf, block))
            .next_back()
            .map(|(_, s)| s)
            .filter(|s| u64::from(block) < s.end_block())
    }

    /// Reads one block, `Ok(Err(flaw))` when there is none at that place.
    pub fn block(&self, vlf: u32, block: u32) -> Result<Result<LogBlock, BlockFlaw>, LogError> {
        let Some(segment) = self.segment_of(vlf, block) else { return Ok(Err(BlockFlaw::Cut)) };
        let skip = u64::from(block - segment.first_block) * SECTOR as u64;
        let mut first = [0u8; SECTOR];
        segment.bytes.read_at(segment.offset + skip, &mut first)?;
        let size = match LogBlock::announced_size(&first) {
            Ok(size) => size,
            Err(flaw) => return Ok(Err(flaw)),
        };
        if skip + size as u64 > segment.length {
            return Ok(Err(BlockFlaw::Cut));
        }
        let mut bytes = vec![0; size];
        segment.bytes.read_at(segment.offset + skip, &mut bytes)?;
        Ok(LogBlock::decode(&bytes, (vlf, block), segment.parity))
    }

    /// The block that holds `lsn`, which must be there.
    pub fn block_of(&self, lsn: Lsn) -> Result<LogBlock, LogError> {
        self.block(lsn.vlf, lsn.block)?.map_err(|flaw| match flaw {
            BlockFlaw::Cut | BlockFlaw::Mark => LogError::Missing { lsn },
            flaw => LogError::Block { lsn, flaw },
        })
    }

    /// Walks the blocks from the one that holds `from`.
    pub fn blocks_from(&self, from: Lsn) -> BlockCursor<'_> {
        BlockCursor {
            store: self,
            vlf: from.vlf,
            block: from.block,
            window: Vec::new(),
            window_at: None,
            end: None,
        }
    }

    /// Calls `visit` for every record from `from` (inclusive) to the end; `visit` answers whether to go on.
    pub fn for_each_record<E: From<LogError>>(
        &self,
        from: Lsn,
        mut visit: impl FnMut(&LogRecord<'_>) -> Result<bool, E>,
    ) -> Result<EndOfLog, E> {
        let mut cursor = self.blocks_from(from);
        while let Some(block) = cursor.next_block()? {
            for record in block.records() {
                let record = record?;
                if record.lsn() >= from && !visit(&record)? {
                    return Ok(EndOfLog { at: record.lsn(), flaw: None });
                }
            }
        }
        Ok(cursor.end().unwrap_or(EndOfLog { at: from, flaw: None }))
    }
}

/// Walks over blocks in log order.
pub struct BlockCursor<'a> {
    store: &'a LogStore,
    vlf: u32,
    block: u32,
    window: Vec<u8>,
    /// (VLF, first block) that the window holds.
    window_at: Option<(u32, u32)>,
    end: Option<EndOfLog>,
}

impl BlockCursor<'_> {
    /// The next block, or `None` at the end of the log.
    pub fn next_block(&mut self) -> Result<Option<LogBlock>, LogError> {
        if self.end.is_some() {
            return Ok(None);
        }
        let segment = match self.store.segment_of(self.vlf, self.block) {
            Some(segment) => segment,
            None => {
                // Invariant 2. The VLF must be used up: its segment ends exactly here.
                let used_up = self.store.segments.range((self.vlf, 0)..=(self.vlf, self.block)).next_back();
                let used_up = used_up.is_some_and(|(_, s)| s.end_block() == u64::from(self.block));
                match self.vlf.checked_add(1).and_then(|next| self.store.segment_of(next, FIRST_BLOCK)) {
                    Some(next) if used_up => {
                        self.vlf = next.vlf;
                        self.block = FIRST_BLOCK;
                        next
                    }
                    _ => return Ok(self.finish(None)),
                }
            }
        };
        let place = (segment.vlf, self.block);
        let bytes = match self.fill(segment)? {
            Ok(bytes) => bytes,
            Err(flaw) => return self.flawed(segment, flaw),
        };
        match LogBlock::decode(bytes, place, segment.parity) {
            Ok(block) => {
                self.block = block.next_block();
                Ok(Some(block))
            }
            Err(flaw) => self.flawed(segment, flaw),
        }
    }

    fn flawed(&mut self, segment: &LogSegment, flaw: BlockFlaw) -> Result<Option<LogBlock>, LogError> {
        let place = u64::from(self.block) * SECTOR as u64;
        let whole = matches!(flaw, BlockFlaw::Checksum { .. })
            && place + 2 * MAX_BLOCK as u64 <= segment.end_block() * SECTOR as u64
            && self.is_followed(segment)?;
        if segment.exact || whole {
            return Err(LogError::Block { lsn: Lsn::new(self.vlf, self.block, 1), flaw });
        }
        // Of blocks that this build does not know it cannot say anything.
        if !matches!(flaw, BlockFlaw::Version(_))
            && let Some(by) = self.outlived(segment)?
            // In a log that is written meanwhile the block may have come since it was read.
            && self.store.block(self.vlf, self.block)?.is_err()
        {
            return Err(LogError::Hole { lsn: Lsn::new(self.vlf, self.block, 1), flaw, by });
        }
        Ok(self.finish(Some(flaw)))
    }

    /// Invariant 5: a block behind the current place that was written when this was durable.
    fn outlived(&self, segment: &LogSegment) -> Result<Option<Lsn>, LogError> {
        let Some(parity) = segment.parity else { return Ok(None) };
        let (store, end) = (self.store, segment.end_block());
        let from = u64::from(self.block) + 1;
        let to = end.min(from + LOOK_BEHIND / SECTOR as u64);
        let skip = (from - u64::from(segment.first_block)) * SECTOR as u64;
        let mut bytes = vec![0; (to.saturating_sub(from)) as usize * SECTOR];
        segment.bytes.read_at(segment.offset + skip, &mut bytes)?;
        for (n, sector) in bytes.chunks_exact(SECTOR).enumerate() {
            let Ok(at) = u32::try_from(from + n as u64) else { break };
            if !LogBlock::begins(sector, parity, (segment.vlf, at)) {
                continue;
            }
            let block = store.block(segment.vlf, at)?.ok();
            if let Some(by) = block.filter(|b| b.durable_until().is_some_and(|until| until > self.block)) {
                return Ok(Some(by.header().lsn));
            }
        }
        // A VLF is begun when all log of the one before is durable.
        let next = segment.vlf.checked_add(1).filter(|_| to == end);
        let Some(next) = next.filter(|next| store.segment_of(*next, FIRST_BLOCK).is_some()) else {
            return Ok(None);
        };
        let first = store.block(next, FIRST_BLOCK)?.ok().filter(|b| b.durable_until().is_some());
        Ok(first.map(|b| b.header().lsn))
    }

    /// Whether a valid block stands behind the one at the current place.
    fn is_followed(&self, segment: &LogSegment) -> Result<bool, LogError> {
        let skip = u64::from(self.block - segment.first_block) * SECTOR as u64;
        let mut first = [0u8; SECTOR];
        segment.bytes.read_at(segment.offset + skip, &mut first)?;
        let Ok(size) = LogBlock::announced_size(&first) else { return Ok(false) };
        let next = self.block.saturating_add(u32::try_from(size / SECTOR).unwrap_or(u32::MAX));
        Ok(self.store.block(segment.vlf, next)?.is_ok())
    }

    fn finish(&mut self, flaw: Option<BlockFlaw>) -> Option<LogBlock> {
        self.end = Some(EndOfLog { at: Lsn::new(self.vlf, self.block, 1), flaw });
        None
    }

    /// Where and why the walk ended, after it has.
    pub fn end(&self) -> Option<EndOfLog> {
        self.end
    }

    /// The stored bytes of the block at the current place.
    fn fill(&mut self, segment: &LogSegment) -> Result<Result<&[u8], BlockFlaw>, LogError> {
        let skip = u64::from(self.block - segment.first_block) * SECTOR as u64;
        let left = segment.length - skip;
        let held = self.window_at.filter(|&(vlf, first)| vlf == segment.vlf && first <= self.block);
        let mut start = held.map_or(usize::MAX, |(_, first)| (self.block - first) as usize * SECTOR);
        let enough = |start: usize, window: &[u8]| {
            let rest = window.get(start..).unwrap_or(&[]);
            rest.len() >= MAX_BLOCK || rest.len() as u64 >= left
        };
        if held.is_none() || !enough(start, &self.window) {
            let length = left.min(WINDOW as u64) as usize;
            self.window.resize(length, 0);
            self.window_at = None;
            segment.bytes.read_at(segment.offset + skip, &mut self.window)?;
            self.window_at = Some((segment.vlf, self.block));
            start = 0;
        }
        let rest = self.window.get(start..).unwrap_or(&[]);
        let size = match LogBlock::announced_size(rest) {
            Ok(size) => size,
            Err(flaw) => return Ok(Err(flaw)),
        };
        Ok(rest.get(..size).ok_or(BlockFlaw::Cut))
    }
}
