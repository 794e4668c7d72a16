//! Appending records to the log files: blocks, VLF changes, reuse, growth.
//!
//! Several log files are used one after the other: VLFs that were never used first, in the order of the files and their places,
//! then those that are not needed any more, the oldest first; when there is none, the first file grows that can.
//!
//! Invariants
//! 1. The writer begins at a block boundary behind the last valid block. Whatever could be taken for a later block, or for a
//!    part of one, is cleared durably before a block comes near it ([`LogWriter::prepare`]).
//! 2. A record is durable when [`LogWriter::flush`] has returned.
//! 3. A VLF is reused only when its sequence number is below the oldest that is still needed.
//! 4. What was promised ([`LogWriter::promise`]) can be appended without a file growing: rollback never meets a full log.
//! 5. Where the log goes on in another file, all of the file before is durable first.
//! 6. Blocks that ended wait in memory, all of the present VLF. Those that were handed over ([`LogWriter::hand_over`]) are written by whoever
//!    took them, while appending goes on. Until they are in their file the log does not leave its VLF and nobody reads them from there
//!    ([`LogWriter::settle`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use holdfast_base::{FileId, Lsn, PAGE_SIZE};
use holdfast_disk::DiskFile;
use holdfast_format::PageBytes;
use holdfast_format::file_header::FileHeader;
use holdfast_format::log::block::{MAX_BLOCK, SECTOR};
use holdfast_format::log::vlf::{FIRST_BLOCK, VLF_HEADER_SIZE};
use holdfast_format::log::write::BlockBuilder;
use holdfast_format::log::{BlockVersion, LogBlock, LogError, LogTime, VlfHeader};
use holdfast_format::page::{PageView, protection};

use super::error::{RecoveryError, RecoveryResult};
use super::log_growth::{LogGrowth, PERCENT_GROWTH, Step};
use super::pages::Protection;
use crate::restore::log_files::{copy_boot_row, read_header_page};

/// Room that is promised to nobody: for checkpoints, and for the ends of blocks that were flushed before they were full.
const SPARE_ROOM: u64 = 48 << 10;
/// The rest of a VLF that a long record may leave unused.
const VLF_TAIL: u64 = 20 << 10;
/// Bytes behind the end that are prepared at a time, and how many at least are before a block is written.
const STRETCH: u64 = 1 << 20;
const AHEAD: u64 = 128 << 10;
/// Bytes of blocks that wait to be written when somebody should hand them over, and when whoever appends writes them.
const BEHIND: u64 = 256 << 10;
const ENDED_LIMIT: u64 = 4 << 20;
/// Largest block the writer makes, leaving room for sectors of 4096 bytes.
const BLOCK_LIMIT: usize = MAX_BLOCK - 4096;

/// How blocks of a log are written; all of it depends on the database.
#[derive(Clone, Copy, Debug)]
pub struct LogShape {
    pub version: BlockVersion,
    /// VLF format number.
    pub vlf_format: u16,
    /// Sector size of the log: 512 or 4096.
    pub sector: usize,
    /// Byte of unused space: 0, or C0 since 2016.
    pub fill: u8,
    /// Whether blocks carry checksums.
    pub checksum: bool,
    /// Version of the database, for the rule by which growth is cut into VLFs.
    pub database: u16,
}

impl LogShape {
    pub fn of_database(version: u16, checksum: bool) -> Self {
        LogShape {
            version: BlockVersion::of_database(version),
            vlf_format: match version {
                0..=654 => 2,
                655..=705 => 4,
                _ => 5,
            },
            sector: SECTOR,
            fill: if version >= 852 { 0xC0 } else { 0 },
            checksum,
            database: version,
        }
    }
}

/// The 8 KiB that begin a VLF.
pub fn vlf_header_bytes(vlf: &VlfHeader, fill: u8) -> Vec<u8> {
    let mut out = vec![0; VLF_HEADER_SIZE as usize];
    if let Some(second) = out.get_mut(4096..) {
        second.fill(fill);
    }
    let head = vlf.encode();
    out[..head.len()].copy_from_slice(&head);
    out
}

/// A log file that is written.
struct LogFile {
    disk: Arc<dyn DiskFile>,
    /// Its number, from its header.
    id: Option<FileId>,
    growth: LogGrowth,
    /// Something was written that is not durable.
    dirty: bool,
}

impl LogFile {
    fn new(disk: Arc<dyn DiskFile>) -> Self {
        let page = read_header_page(disk.as_ref()).ok().flatten();
        let header = page.and_then(|page| FileHeader::read(&page).ok());
        LogFile {
            disk,
            id: header.as_ref().map(|h| h.file_id),
            growth: header.as_ref().map_or_else(LogGrowth::default, LogGrowth::of_header),
            dirty: false,
        }
    }
}

/// A block that ended: its records, its place, and all else that its bytes are made of.
struct EndedBlock {
    records: BlockBuilder,
    disk: Arc<dyn DiskFile>,
    offset: u64,
    parity: u8,
    previous_size: u16,
    sector: usize,
    fill: u8,
    time: LogTime,
    checksum: bool,
}

impl EndedBlock {
    fn bytes(self) -> Vec<u8> {
        let EndedBlock { records, parity, previous_size, sector, fill, time, checksum, .. } = self;
        records.finish(parity, previous_size, sector, fill, time, checksum)
    }

    /// Writes blocks of one VLF that follow each other.
    fn write_all(blocks: Vec<EndedBlock>, durably: bool) -> RecoveryResult<()> {
        let Some(first) = blocks.first() else { return Ok(()) };
        let (disk, offset) = (Arc::clone(&first.disk), first.offset);
        let bytes: Vec<_> = blocks.into_iter().map(EndedBlock::bytes).collect();
        let parts: Vec<_> = bytes.iter().map(Vec::as_slice).collect();
        match durably {
            true => disk.write_log_durably(offset, &parts)?,
            false => disk.write_log(offset, &parts)?,
        }
        Ok(())
    }
}

/// Told when it goes, whatever became of the block.
struct Handed(Arc<OnceLock<()>>);

impl Drop for Handed {
    fn drop(&mut self) {
        let _ = self.0.set(());
    }
}

/// What [`LogWriter::hand_over`] gives: blocks that are left to write, and the files to sync.
pub struct HandedOver {
    /// [`LogWriter::durable`], and what it is to become.
    durable: Arc<AtomicU64>,
    end: u64,
    blocks: Vec<EndedBlock>,
    handed: Option<Handed>,
    files: Vec<Arc<dyn DiskFile>>,
    _unfinished: Arc<()>,
}

impl HandedOver {
    /// Returns when all that was appended before the hand-over is durable.
    pub fn make_durable(self) -> RecoveryResult<()> {
        // What else is to become durable lies before them: all of that has been written.
        EndedBlock::write_all(self.blocks, self.files.is_empty())?;
        drop(self.handed);
        for file in self.files {
            file.sync()?;
        }
        self.durable.fetch_max(self.end, Ordering::Relaxed);
        Ok(())
    }
}

/// A place of the log as a number that grows.
fn place_number(vlf: u32, block: u32) -> u64 {
    u64::from(vlf) << 32 | u64::from(block)
}

/// Appends to the log files of a database.
pub struct LogWriter {
    files: Vec<LogFile>,
    /// Of all files, in their order when the log was opened.
    vlfs: Vec<VlfHeader>,
    /// The file of each.
    places: Vec<usize>,
    current: usize,
    /// Blocks of the present VLF that are full but not written, in their order, and their bytes.
    ended: Vec<EndedBlock>,
    ended_size: u64,
    /// Place of the block being filled.
    block: u32,
    previous_size: u16,
    builder: BlockBuilder,
    shape: LogShape,
    time: LogTime,
    /// VLFs with a lower sequence number may be reused.
    oldest_needed: u32,
    last: Lsn,
    /// Bytes promised (invariant 4).
    promised: u64,
    /// Bytes that records may take in the VLFs that are free.
    free_elsewhere: u64,
    /// Up to this offset of the file, in the present VLF, nothing is left that could be taken for log.
    prepared: u64,
    /// Bytes handed to the file since the beginning.
    written: u64,
    /// No file could grow when that was tried last.
    stuck: bool,
    /// Invariant 6: set once the blocks handed over last are in their file.
    handed: Option<Arc<OnceLock<()>>>,
    /// There while something that was handed over is not durable.
    unfinished: Weak<()>,
    /// Up to here ([`place_number`]) the log is durable: blocks say so of those before them.
    durable: Arc<AtomicU64>,
}

/// How full a log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogUse {
    /// Bytes of all VLFs.
    pub size: u64,
    /// Bytes that can still be appended or promised without growing.
    pub free: u64,
    /// Bytes written since the log was opened.
    pub written: u64,
}

/// A log file and its VLFs.
pub type FileOfVlfs = (Arc<dyn DiskFile>, Vec<VlfHeader>);

impl LogWriter {
    /// Continues the log at `end`, the place behind the last valid block, whose size is `previous_size`.
    pub fn resume(
        all: Vec<FileOfVlfs>,
        end: Lsn,
        previous_size: u16,
        shape: LogShape,
        time: LogTime,
        oldest_needed: u32,
    ) -> RecoveryResult<Self> {
        let (mut files, mut vlfs, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (disk, own) in all {
            places.extend(own.iter().map(|_| files.len()));
            vlfs.extend(own);
            files.push(LogFile::new(disk));
        }
        let current = vlfs.iter().position(|v| v.sequence == end.vlf && v.parity != 0);
        let current = current
            .ok_or(RecoveryError::LogFull { what: "the end of the log lies in no virtual log file" })?;
        let builder = BlockBuilder::new(shape.version, end);
        let mut writer = LogWriter {
            files,
            vlfs,
            places,
            current,
            ended: Vec::new(),
            ended_size: 0,
            block: end.block,
            previous_size,
            builder,
            shape,
            time,
            oldest_needed,
            last: Lsn::ZERO,
            promised: 0,
            free_elsewhere: 0,
            prepared: 0,
            written: 0,
            stuck: false,
            handed: None,
            unfinished: Weak::new(),
            // Recovery has synced what it has read.
            durable: Arc::new(AtomicU64::new(place_number(end.vlf, end.block))),
        };
        writer.begin_vlf()?;
        writer.count_free();
        Ok(writer)
    }

    pub fn version(&self) -> BlockVersion {
        self.shape.version
    }

    /// LSN of the last appended record.
    pub fn last(&self) -> Lsn {
        self.last
    }

    /// Place behind everything appended: where the next block goes.
    pub fn end(&self) -> Lsn {
        let vlf = self.vlfs[self.current].sequence;
        Lsn::new(vlf, self.block, 1)
    }

    pub fn vlfs(&self) -> &[VlfHeader] {
        &self.vlfs
    }

    /// The VLFs, with the number of the file that each lies in (2 where a single file does not tell its own).
    pub fn vlfs_of_files(&self) -> impl Iterator<Item = (FileId, &VlfHeader)> {
        let file = |place: &usize| self.files.get(*place).and_then(|f| f.id).unwrap_or(2);
        self.places.iter().map(file).zip(&self.vlfs)
    }

    /// Behind a change of VLF: prepares its first stretch, and takes the number of the next one from a VLF that a torn group
    /// of writes has left with it.
    fn begin_vlf(&mut self) -> RecoveryResult<()> {
        let vlf = self.vlfs[self.current];
        self.prepared = vlf.block_offset(self.block);
        self.prepare(0)?;
        let next = vlf.sequence.wrapping_add(1);
        for index in 0..self.vlfs.len() {
            if self.vlfs[index].sequence == next {
                let old = self.vlfs[index];
                self.vlfs[index] = VlfHeader { sequence: 0, ..old };
                let file = &self.files[self.places[index]].disk;
                file.write_at(old.offset, &vlf_header_bytes(&self.vlfs[index], self.shape.fill))?;
                // Before another one gets this number.
                file.sync()?;
            }
        }
        Ok(())
    }

    /// Invariant 1, for a block of `size` bytes: sectors behind the end that carry this VLF's parity are left over from
    /// writes that did not complete (or from a round of the VLF before the last). A later block that is torn could take one
    /// of them for its own, and a whole block there would become part of the log when the one before it ends just where it
    /// begins.
    ///
    /// Where the file holds nothing but zeros they are written once more: on most file systems a write to space that was only
    /// set aside makes the next sync cost twice.
    fn prepare(&mut self, size: u64) -> RecoveryResult<()> {
        let vlf = self.vlfs[self.current];
        let wanted = (vlf.block_offset(self.block) + size + AHEAD).min(vlf.end());
        let file = &mut self.files[self.places[self.current]];
        while self.prepared < wanted {
            let length = STRETCH.min(vlf.end() - self.prepared) as usize;
            let mut stretch = vec![0u8; length];
            file.disk.read_at(self.prepared, &mut stretch)?;
            let mut found = false;
            for sector in stretch.chunks_mut(SECTOR) {
                if sector.first().is_some_and(|first| first & 0xC0 == vlf.parity) {
                    sector.fill(self.shape.fill);
                    found = true;
                }
            }
            if found {
                file.disk.write_log(self.prepared, &[&stretch])?;
                // Before a block that may end there: the order within one sync is the disk's.
                file.disk.sync()?;
            } else if stretch.iter().all(|&b| b == 0) {
                file.disk.write_log(self.prepared, &[&stretch])?;
                file.dirty = true;
            }
            self.prepared += length as u64;
        }
        Ok(())
    }

    fn room(&self) -> u64 {
        let vlf = &self.vlfs[self.current];
        vlf.end().saturating_sub(vlf.block_offset(self.block))
    }

    /// The place of a file among those that are written. Files of before 2005 do not say their number: there is one.
    fn place_of(&self, file: i32) -> Option<usize> {
        let own = self.files.iter().position(|f| f.id.is_some_and(|id| i32::from(id) == file));
        own.or_else(|| (self.files.len() == 1 && self.files[0].id.is_none()).then_some(0))
    }

    /// Byte behind the last VLF of a file.
    fn end_of(&self, place: usize) -> u64 {
        let own = self.vlfs.iter().zip(&self.places).filter(|(_, p)| **p == place);
        own.map(|(v, _)| v.end()).max().unwrap_or(PAGE_SIZE as u64)
    }

    /// How a file grows from now on.
    pub fn set_growth_of(&mut self, file: i32, growth: LogGrowth) {
        if let Some(place) = self.place_of(file) {
            self.files[place].growth = growth;
        }
    }

    /// Size of a file in pages.
    pub fn pages_of(&self, file: i32) -> Option<u32> {
        let place = self.place_of(file).filter(|p| self.files[*p].id.is_some())?;
        Some(u32::try_from(self.end_of(place) / PAGE_SIZE as u64).unwrap_or(u32::MAX))
    }

    /// Numbers of the files.
    pub fn file_ids(&self) -> Vec<FileId> {
        self.files.iter().filter_map(|f| f.id).collect()
    }

    /// A file comes to the log; its header and those of its VLFs, none of them used, are durable.
    pub fn add_file(&mut self, disk: Arc<dyn DiskFile>, vlfs: Vec<VlfHeader>) {
        self.places.extend(vlfs.iter().map(|_| self.files.len()));
        self.vlfs.extend(vlfs);
        self.files.push(LogFile::new(disk));
        self.count_free();
    }

    /// A file leaves the log; `false`: it holds log that is needed, or what was promised has no room without it.
    pub fn remove_file(&mut self, file: FileId) -> bool {
        let Some(place) = self.place_of(i32::from(file)) else { return true };
        let of_file = |i: usize| self.places[i] == place;
        let needed =
            (0..self.vlfs.len()).any(|i| of_file(i) && (i == self.current || !self.is_free(&self.vlfs[i])));
        let room: u64 = (0..self.vlfs.len()).filter(|i| of_file(*i)).map(|i| usable(&self.vlfs[i])).sum();
        if needed || self.promised > 0 && self.free() < room {
            return false;
        }
        let kept: Vec<usize> = (0..self.vlfs.len()).filter(|i| !of_file(*i)).collect();
        self.current = kept.iter().position(|i| *i == self.current).unwrap_or(0);
        let behind = |p: usize| if p > place { p - 1 } else { p };
        (self.vlfs, self.places) = kept.iter().map(|&i| (self.vlfs[i], behind(self.places[i]))).unzip();
        self.files.remove(place);
        self.count_free();
        true
    }

    fn is_free(&self, vlf: &VlfHeader) -> bool {
        vlf.sequence == 0 || vlf.sequence < self.oldest_needed
    }

    fn count_free(&mut self) {
        let current = self.current;
        let others = self.vlfs.iter().enumerate().filter(|(i, v)| *i != current && self.is_free(v));
        self.free_elsewhere = others.map(|(_, v)| usable(v)).sum();
    }

    /// Bytes that can be appended or promised without the file growing.
    fn free(&self) -> u64 {
        let here = self.room().saturating_sub(self.builder.size() as u64 + VLF_TAIL);
        (here + self.free_elsewhere).saturating_sub(self.promised + SPARE_ROOM)
    }

    /// Whether log that is needed may stand in the VLF.
    pub fn is_active(&self, vlf: &VlfHeader) -> bool {
        !self.is_free(vlf)
    }

    pub fn usage(&self) -> LogUse {
        LogUse { size: self.vlfs.iter().map(|v| v.size).sum(), free: self.free(), written: self.written }
    }

    /// Makes sure that `now` bytes of records and later `later` more can be appended, growing the file if need be; `later` is
    /// promised. [`RecoveryError::NoLogSpace`]: there is no room, and nothing has changed.
    pub fn promise(&mut self, now: u64, later: u64) -> RecoveryResult<()> {
        while self.free() < now + later {
            self.grow(VLF_HEADER_SIZE + VLF_TAIL + now + later)?;
        }
        self.promised += later;
        Ok(())
    }

    /// Promises what was promised before the log was opened: there was room for it then.
    pub fn promise_again(&mut self, bytes: u64) {
        self.promised += bytes;
    }

    /// Takes back a promise: what it was for has been appended or is not needed any more.
    pub fn release(&mut self, bytes: u64) {
        self.promised = self.promised.saturating_sub(bytes);
    }

    /// Appends a record and answers its LSN.
    pub fn append(&mut self, record: &[u8]) -> RecoveryResult<Lsn> {
        let limit = |room: u64| usize::try_from(room).unwrap_or(usize::MAX).min(BLOCK_LIMIT);
        if !self.builder.fits(record.len(), limit(self.room())) {
            self.end_block()?;
            if self.ended_size > ENDED_LIMIT {
                self.write_ended()?;
            }
            // An empty block that still has no room for the record: the rest of the VLF is too small.
            while !self.builder.fits(record.len(), limit(self.room())) {
                self.next_vlf(record.len())?;
            }
        }
        let lsn = self.builder.push(record);
        self.last = lsn.ok_or(RecoveryError::LogFull { what: "a record is larger than a log block" })?;
        Ok(self.last)
    }

    /// Makes everything appended durable.
    pub fn flush(&mut self) -> RecoveryResult<()> {
        self.hand_over()?.make_durable()
    }

    /// Ends the present block and gives all that are not written with the files in which something is not durable yet. The caller
    /// writes and syncs without holding the writer; appending goes on meanwhile.
    pub fn hand_over(&mut self) -> RecoveryResult<HandedOver> {
        self.settle();
        self.end_block()?;
        let blocks = std::mem::take(&mut self.ended);
        self.ended_size = 0;
        let handed = (!blocks.is_empty()).then(|| {
            let written = Arc::new(OnceLock::new());
            self.handed = Some(Arc::clone(&written));
            Handed(written)
        });
        // What somebody else was handed is his to make durable, but must not be behind this.
        let all = self.unfinished.strong_count() > 0;
        let dirty = |f: &mut LogFile| (std::mem::take(&mut f.dirty) || all).then(|| Arc::clone(&f.disk));
        let mut files: Vec<_> = self.files.iter_mut().filter_map(dirty).collect();
        // Alone, the blocks are durable with their write; otherwise their file is synced, too.
        let own = &self.files[self.places[self.current]].disk;
        if !blocks.is_empty() && !files.is_empty() && !files.iter().any(|f| Arc::ptr_eq(f, own)) {
            files.push(Arc::clone(own));
        }
        let unfinished = Arc::new(());
        self.unfinished = Arc::downgrade(&unfinished);
        let end = place_number(self.vlfs[self.current].sequence, self.block);
        let durable = Arc::clone(&self.durable);
        Ok(HandedOver { durable, end, blocks, handed, files, _unfinished: unfinished })
    }

    /// Whether so much is waiting to be written that somebody should hand it over.
    pub fn is_behind(&self) -> bool {
        self.ended_size >= BEHIND
    }

    /// Waits until the blocks that were handed over last have been written (invariant 6). Whoever writes it needs nothing of this.
    fn settle(&mut self) {
        if let Some(written) = self.handed.take() {
            written.wait();
        }
    }

    /// VLFs with a lower sequence number may be reused from now on.
    pub fn set_oldest_needed(&mut self, vlf: u32) {
        self.oldest_needed = vlf;
        self.count_free();
    }

    /// VLFs with a lower sequence number may be reused.
    pub fn oldest_needed(&self) -> u32 {
        self.oldest_needed
    }

    /// Time written into blocks and used for records from now on.
    pub fn set_time(&mut self, time: LogTime) {
        self.time = time;
    }

    /// Reads the block that holds a record; the present one is ended for it.
    pub fn block_of(&mut self, lsn: Lsn) -> RecoveryResult<LogBlock> {
        if (lsn.vlf, lsn.block) == (self.vlfs[self.current].sequence, self.block) {
            self.end_block()?;
        }
        self.write_ended()?;
        self.settle();
        let at = self.vlfs.iter().position(|v| v.sequence == lsn.vlf && v.parity != 0);
        let at = at.ok_or(LogError::Missing { lsn })?;
        let (vlf, file) = (self.vlfs[at], &self.files[self.places[at]].disk);
        let offset = vlf.block_offset(lsn.block);
        let flawed = |flaw| LogError::Block { lsn, flaw };
        let mut first = [0u8; SECTOR];
        file.read_at(offset, &mut first)?;
        let mut bytes = vec![0; LogBlock::announced_size(&first).map_err(flawed)?];
        file.read_at(offset, &mut bytes)?;
        Ok(LogBlock::decode(&bytes, (lsn.vlf, lsn.block), Some(vlf.parity)).map_err(flawed)?)
    }

    /// Ends the present block, so that the next record begins a new one; its place is made ready.
    pub fn end_block(&mut self) -> RecoveryResult<()> {
        if self.builder.is_empty() {
            return Ok(());
        }
        let sector =
            if self.room().is_multiple_of(self.shape.sector as u64) { self.shape.sector } else { SECTOR };
        let size = self.builder.stored_size(sector);
        let block = self.end_block_of(sector)?;
        self.ended.push(block);
        self.ended_size += size as u64;
        Ok(())
    }

    /// Writes the blocks that have ended.
    fn write_ended(&mut self) -> RecoveryResult<()> {
        if self.ended.is_empty() {
            return Ok(());
        }
        self.files[self.places[self.current]].dirty = true;
        self.ended_size = 0;
        EndedBlock::write_all(std::mem::take(&mut self.ended), false)
    }

    fn end_block_of(&mut self, sector: usize) -> RecoveryResult<EndedBlock> {
        let size = self.builder.stored_size(sector);
        self.prepare(size as u64)?;
        let vlf = self.vlfs[self.current];
        let disk = Arc::clone(&self.files[self.places[self.current]].disk);
        let offset = vlf.block_offset(self.block);
        let previous_size = std::mem::replace(&mut self.previous_size, size as u16);
        let durable = self.durable.load(Ordering::Relaxed);
        // What was written before this VLF was begun is durable.
        let until = if durable >> 32 == u64::from(vlf.sequence) { durable as u32 } else { FIRST_BLOCK };
        self.builder.set_durable(self.block.saturating_sub(until));
        self.written += size as u64;
        self.block += (size / SECTOR) as u32;
        let next = BlockBuilder::new(self.shape.version, self.end());
        Ok(EndedBlock {
            records: std::mem::replace(&mut self.builder, next),
            disk,
            offset,
            parity: vlf.parity,
            previous_size,
            sector,
            fill: self.shape.fill,
            time: self.time,
            checksum: self.shape.checksum,
        })
    }

    /// Fills the rest of the VLF with blocks without records and goes on in another VLF.
    fn next_vlf(&mut self, record: usize) -> RecoveryResult<()> {
        self.write_ended()?;
        self.settle();
        // The present block holds nothing.
        while self.room() > 0 {
            let size = self.room().min(MAX_BLOCK as u64) as usize;
            self.files[self.places[self.current]].dirty = true;
            let filler = self.end_block_of(size)?;
            EndedBlock::write_all(vec![filler], false)?;
        }
        let sequence = self.vlfs[self.current].sequence;
        let next_sequence =
            sequence.checked_add(1).ok_or(RecoveryError::LogFull { what: "sequence numbers are used up" })?;
        let wanted = VLF_HEADER_SIZE + record as u64 + 4096;
        let reusable = (0..self.vlfs.len())
            .filter(|&i| i != self.current && self.is_free(&self.vlfs[i]) && self.vlfs[i].size >= wanted);
        let order = |&i: &usize| (self.vlfs[i].sequence != 0, self.places[i], self.vlfs[i].offset);
        let chosen = match reusable.min_by_key(order) {
            Some(index) => index,
            None => self.grow(wanted)?,
        };
        let old = self.vlfs[chosen];
        let cycle = old.cycle.wrapping_add(1).max(1);
        let parity = if cycle % 2 == 1 { 0x40 } else { 0x80 };
        let vlf = VlfHeader { parity, format: self.shape.vlf_format, sequence: next_sequence, cycle, ..old };
        if self.places[chosen] != self.places[self.current] {
            // Invariant 5.
            let before = &mut self.files[self.places[self.current]];
            before.disk.sync()?;
            before.dirty = false;
        }
        let file = &self.files[self.places[chosen]].disk;
        file.write_at(vlf.offset, &vlf_header_bytes(&vlf, self.shape.fill))?;
        // The header must be there before a block of the VLF can count.
        file.sync()?;
        self.vlfs[chosen] = vlf;
        self.current = chosen;
        self.block = FIRST_BLOCK;
        self.builder = BlockBuilder::new(self.shape.version, self.end());
        self.count_free();
        self.begin_vlf()
    }

    /// FILEGROWTH (and whether that is a percentage) and MAXSIZE of a file. The next opening grows by them before it reads the
    /// catalogue, so they stand in page 0, too.
    pub fn set_limits(
        &mut self,
        file: FileId,
        max_size: Option<i32>,
        growth: Option<(u32, bool)>,
    ) -> RecoveryResult<()> {
        let Some(place) = self.place_of(i32::from(file)) else { return Ok(()) };
        self.stuck = false;
        self.change_header(place, |header| {
            header.max_size = max_size.unwrap_or(header.max_size);
            if let Some((by, percent)) = growth {
                header.growth = by;
                header.status = header.status & !PERCENT_GROWTH | if percent { PERCENT_GROWTH } else { 0 };
            }
        })?;
        self.files[place].disk.sync()?;
        Ok(())
    }

    /// Sets the logical name in page 0 of a file.
    pub fn set_name_of(&mut self, file: FileId, name: &str) -> RecoveryResult<()> {
        let Some(place) = self.place_of(i32::from(file)) else { return Ok(()) };
        self.change_first_page(place, |page| FileHeader::rename(page, name).is_ok())?;
        self.files[place].disk.sync()?;
        Ok(())
    }

    /// Page 0 of the file says how large it is. What counts is the chain of VLFs: this follows it.
    fn write_size(&mut self, place: usize) -> RecoveryResult<()> {
        let size = u32::try_from(self.end_of(place) / PAGE_SIZE as u64).unwrap_or(u32::MAX);
        self.change_header(place, |header| header.size = size)
    }

    /// Page 0 of each file has a copy of the boot page's row: it becomes this one. Nobody reads it here; it is for who has lost the
    /// primary data file. Durable with the next sync.
    pub fn copy_boot(&mut self, row: &[u8]) -> RecoveryResult<()> {
        (0..self.files.len())
            .try_for_each(|place| self.change_first_page(place, |page| copy_boot_row(page, row)))
    }

    /// Changes the header of a file, without a record; durable with the next sync.
    fn change_header(&mut self, place: usize, f: impl FnOnce(&mut FileHeader)) -> RecoveryResult<()> {
        self.change_first_page(place, |page| {
            let Ok(mut header) = FileHeader::read(page) else { return false };
            f(&mut header);
            header.write(page).is_ok()
        })
    }

    /// Changes page 0 of a file, unless `f` says that there is nothing to change.
    fn change_first_page(
        &mut self,
        place: usize,
        f: impl FnOnce(&mut PageBytes) -> bool,
    ) -> RecoveryResult<()> {
        let disk = Arc::clone(&self.files[place].disk);
        let read = read_header_page(disk.as_ref()).ok().flatten();
        let Some(mut page) = read else { return Ok(()) };
        if !f(&mut page) {
            return Ok(());
        }
        let mut old = [0u8; PAGE_SIZE];
        disk.read_at(0, &mut old)?;
        match Protection::of_flags(PageView::new(&page).flags()) {
            Protection::Checksum => protection::stamp_checksum(&mut page),
            // With the pattern it has: the ends of the other sectors stay as they are.
            Protection::Torn => protection::stamp_torn(&mut page, old[60] & 3),
            Protection::None => {}
        }
        // A sector is written wholly or not at all, and the header row's numbers lie in the first.
        let length = if page[SECTOR..] == old[SECTOR..] { SECTOR } else { PAGE_SIZE };
        disk.write_at(0, &page[..length])?;
        self.files[place].dirty = true;
        Ok(())
    }

    /// Adds VLFs of which one has at least `least` bytes to the first file that can grow; answers the first that has.
    fn grow(&mut self, least: u64) -> RecoveryResult<usize> {
        let mut first = None;
        for place in 0..self.files.len() {
            let size = self.end_of(place);
            let grown = match self.files[place].growth.next(self.shape.database, size, least) {
                Ok(sizes) => self.grow_by(place, &sizes),
                Err(why) => Err(RecoveryError::NoLogSpace { what: why.to_owned() }),
            };
            match grown {
                Err(full @ RecoveryError::NoLogSpace { .. }) => {
                    first.get_or_insert(full);
                }
                Ok(added) => {
                    self.stuck = false;
                    let large_enough = self.vlfs.iter().skip(added).position(|v| v.size >= least);
                    return Ok(added + large_enough.unwrap_or(0));
                }
                Err(e) => return Err(e),
            }
        }
        self.stuck = true;
        Err(first.unwrap_or(RecoveryError::LogFull { what: "there is no log file" }))
    }

    /// Whether some file may grow, as far as its settings and the last attempt tell.
    pub fn can_grow(&self) -> bool {
        if self.stuck {
            return false;
        }
        let version = self.shape.database;
        (0..self.files.len()).any(|p| self.files[p].growth.next(version, self.end_of(p), 0).is_ok())
    }

    /// Makes a file as large as asked, whatever its limit says; `false`: it is that large.
    pub fn grow_to(&mut self, file: FileId, pages: u32) -> RecoveryResult<bool> {
        let place = self.place_of(i32::from(file));
        let place = place.ok_or(RecoveryError::LogFull { what: "there is no such log file" })?;
        let size = self.end_of(place);
        let wanted = (u64::from(pages) * PAGE_SIZE as u64).saturating_sub(size);
        if wanted == 0 {
            return Ok(false);
        }
        let by = LogGrowth { step: Step::Bytes(wanted), limit: u64::MAX };
        let sizes = by.next(self.shape.database, size, 0);
        let sizes = sizes.map_err(|e| RecoveryError::NoLogSpace { what: e.to_owned() })?;
        self.grow_by(place, &sizes)?;
        self.stuck = false;
        Ok(true)
    }

    /// Takes VLFs that hold no needed log off the end of a file, while it has more than `least` pages and two of them; its size in
    /// pages then, and whether needed log keeps it larger.
    pub fn shrink_to(&mut self, file: FileId, least: u32) -> RecoveryResult<(u32, bool)> {
        let place = self.place_of(i32::from(file));
        let place = place.ok_or(RecoveryError::LogFull { what: "there is no such log file" })?;
        let before = self.end_of(place);
        let mut held = false;
        loop {
            let own = (0..self.vlfs.len()).filter(|&i| self.places[i] == place);
            let (count, last) = own.fold((0, None::<usize>), |(n, last), i| match last {
                Some(l) if self.vlfs[l].offset > self.vlfs[i].offset => (n + 1, Some(l)),
                _ => (n + 1, Some(i)),
            });
            let Some(last) = last else { break };
            let vlf = self.vlfs[last];
            if count <= 2 || vlf.offset < u64::from(least) * PAGE_SIZE as u64 {
                break;
            }
            let promised = self.promised > 0 && self.free() < usable(&vlf);
            if last == self.current || !self.is_free(&vlf) || promised {
                held = true;
                break;
            }
            self.vlfs.remove(last);
            self.places.remove(last);
            self.current -= usize::from(self.current > last);
            self.count_free();
        }
        let end = self.end_of(place);
        if end < before {
            let disk = Arc::clone(&self.files[place].disk);
            disk.set_length(end)?;
            // Before it grows again: what is written there then must not be cut off by this.
            disk.sync()?;
            self.write_size(place)?;
        }
        Ok((u32::try_from(end / PAGE_SIZE as u64).unwrap_or(u32::MAX), held))
    }

    /// Goes on with the log in an earlier VLF, when it goes on in one of this file and there is a free one before that; `false`:
    /// it stays where it is.
    pub fn go_to_front(&mut self, file: FileId) -> RecoveryResult<bool> {
        let at = (self.places[self.current], self.vlfs[self.current].offset);
        let before = |i: usize| {
            let vlf = &self.vlfs[i];
            i != self.current && self.is_free(vlf) && (self.places[i], vlf.offset) < at
        };
        // The rest of this VLF is lost by that, and must not be what was promised.
        let here = self.room().saturating_sub(self.builder.size() as u64 + VLF_TAIL);
        let spared = self.promised == 0 || self.free() >= here;
        let can = spared && self.place_of(i32::from(file)) == Some(at.0) && (0..self.vlfs.len()).any(before);
        if can {
            self.end_block()?;
            self.next_vlf(0)?;
        }
        Ok(can)
    }

    /// Adds VLFs of these sizes to a file; answers where they begin.
    fn grow_by(&mut self, place: usize, sizes: &[u64]) -> RecoveryResult<usize> {
        let no = |what: String| RecoveryError::NoLogSpace { what };
        let mut offset = self.end_of(place);
        let create_lsn = self.end();
        let file = Arc::clone(&self.files[place].disk);
        file.allocate(offset + sizes.iter().sum::<u64>()).map_err(|e| no(e.to_string()))?;
        let mut added = Vec::with_capacity(sizes.len());
        for &size in sizes {
            let vlf = VlfHeader { create_lsn, ..VlfHeader::unused(self.shape.vlf_format, offset, size) };
            offset = vlf.end();
            let header = vlf_header_bytes(&vlf, self.shape.fill);
            file.write_at(vlf.offset, &header).map_err(|e| match e.is_out_of_space() {
                true => no(e.to_string()),
                false => e.into(),
            })?;
            added.push(vlf);
        }
        // All of them, before one is used: the table of VLFs ends at the first header that is not there.
        file.sync()?;
        let first = self.vlfs.len();
        self.places.extend(added.iter().map(|_| place));
        self.vlfs.extend(added);
        self.write_size(place)?;
        self.count_free();
        Ok(first)
    }
}

/// Bytes that records may take of a VLF, with what a long one may leave unused.
fn usable(vlf: &VlfHeader) -> u64 {
    vlf.size.saturating_sub(VLF_HEADER_SIZE + VLF_TAIL)
}

#[cfg(test)]
impl LogWriter {
    /// Over an empty file, which gets one VLF of 248 KiB.
    pub fn of_one_vlf(file: &Arc<dyn DiskFile>) -> LogWriter {
        let (shape, size, time) = (LogShape::of_database(904, true), 0x3E000, LogTime::default());
        file.set_length(8192 + size).expect("sized");
        let vlf = VlfHeader {
            parity: 0x40,
            sequence: 33,
            cycle: 1,
            ..VlfHeader::unused(shape.vlf_format, 8192, size)
        };
        file.write_at(vlf.offset, &vlf_header_bytes(&vlf, shape.fill)).expect("written");
        let all = vec![(Arc::clone(file), vec![vlf])];
        LogWriter::resume(all, Lsn::new(33, 16, 1), 0, shape, time, 0).expect("resumes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_disk::{Disk, SimulatedDisk};
    use holdfast_format::log::vlf::vlf_table;
    use holdfast_format::log::write::begin_checkpoint;
    use holdfast_format::log::{LogBytes, LogStore, TransactionId};
    use std::path::Path;

    struct Bytes(Arc<dyn DiskFile>);
    impl LogBytes for Bytes {
        fn length(&self) -> u64 {
            self.0.length().expect("length")
        }
        fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), LogError> {
            self.0.read_at(offset, out).map_err(|e| LogError::Read { offset, message: e.to_string() })
        }
    }

    /// Invariant 6: whoever wants the block that was handed over waits for it, whoever appends does not.
    #[test]
    fn appending_goes_on_while_a_block_is_handed_over() {
        let file = SimulatedDisk::new().create(Path::new("/l")).expect("created");
        let mut writer = LogWriter::of_one_vlf(&file);
        let vlf = writer.vlfs[0];
        let record = |n: u64| begin_checkpoint(Lsn::ZERO, LogTime::default(), 904, TransactionId(n));
        let first = writer.append(&record(1)).expect("appends");
        let handed = writer.hand_over().expect("ends the block");
        let second = writer.append(&record(2)).expect("appends");
        assert!(second.block > first.block, "{first} {second}");
        writer.end_block().expect("ends the block");
        writer.write_ended().expect("the later block overtakes the earlier");
        let mut begun = vec![0; 512];
        file.read_at(vlf.block_offset(first.block), &mut begun).expect("read");
        assert!(begun.iter().all(|&b| b == 0), "nothing is written under the writer's lock");
        let slow = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            handed.make_durable().expect("durable");
        });
        let block = writer.block_of(first).expect("waits for the block");
        assert_eq!(block.record(1).expect("there").bytes(), record(1));
        slow.join().expect("ends");
        // A block that failed or was dropped keeps nobody waiting.
        writer.append(&record(3)).expect("appends");
        drop(writer.hand_over().expect("ends the block"));
        writer.settle();
    }

    #[test]
    fn records_go_through_vlf_ends_reuse_and_growth() {
        for version in [661, 706, 904] {
            let disk = SimulatedDisk::new();
            let file = disk.create(Path::new("/l")).expect("created");
            let shape = LogShape::of_database(version, true);
            let size = 0x3E000;
            file.set_length(8192 + 2 * size).expect("sized");
            let first = VlfHeader {
                parity: 0x40,
                sequence: 33,
                cycle: 1,
                ..VlfHeader::unused(shape.vlf_format, 8192, size)
            };
            let second = VlfHeader::unused(shape.vlf_format, 8192 + size, size);
            for vlf in [&first, &second] {
                file.write_at(vlf.offset, &vlf_header_bytes(vlf, shape.fill)).expect("written");
            }
            let time = LogTime::default();
            let all = vec![(file.clone(), vec![first, second])];
            let mut writer = LogWriter::resume(all, Lsn::new(33, 16, 1), 0, shape, time, 0).expect("resumes");
            let mut lsns = Vec::new();
            for n in 0..9000u64 {
                let record = begin_checkpoint(Lsn::ZERO, time, version, TransactionId(n));
                lsns.push(writer.append(&record).expect("appends"));
                if n % 97 == 0 {
                    writer.flush().expect("durable");
                }
            }
            writer.flush().expect("durable");
            assert!(writer.vlfs().len() > 2, "the file grew");
            let mut store = LogStore::new();
            let bytes = Bytes(file);
            assert_eq!(vlf_table(&bytes).expect("valid"), writer.vlfs());
            store.add_file(Arc::new(bytes)).expect("valid");
            let mut seen = Vec::new();
            let end = store
                .for_each_record::<LogError>(Lsn::new(33, 16, 1), |r| {
                    seen.push(r.lsn());
                    Ok(true)
                })
                .expect("readable");
            assert_eq!(seen, lsns);
            assert_eq!(end.at, writer.end());
        }
    }
}
