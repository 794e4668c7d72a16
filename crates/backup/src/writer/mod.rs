//! Lays out backup files: media header, sets with pages and log, ends of sets, filemarks; plain or compressed.
//!
//! Order of calls: [`MediaWriter::new`], then per set [`MediaWriter::begin_set`], [`SetWriter::pages`] (once per pass),
//! [`SetWriter::log`] (once per VLF, those with log first), [`SetWriter::finish`]; at the end [`MediaWriter::finish`].
//!
//! Invariants
//! 1. Positions inside a set are aligned to 1024 from its SSET, filemarks, SSET, ESET and TSMP also to the media block.
//! 2. The leading and trailing configuration have the same length.
//! 3. Everything is written forward; nothing needs seeking.
//!
//! Evidence: every corpus file taken apart and written again is byte-identical (test).

mod blocks;
mod sink;

use std::io::Write;

use holdfast_base::ByteWriter;

pub use sink::{Compressor, Packing};

use crate::block::{LOGICAL_BLOCK, STREAM_HEADER, StreamHeader, stream_attribute as attribute};
use crate::checksum::StreamChecksum;
use crate::config::Layout;
use crate::error::{BackupError, BackupResult};
use crate::label::MediaLabel;
use crate::media::{SetMapEntry, SetStart, Vlf, VolumeInfo};
use sink::Sink;

/// Log data is padded with zeros to a multiple of this.
const LOG_UNIT: u64 = 65_536;

/// Writes one backup file (one member of a media set).
pub struct MediaWriter<W> {
    sink: Sink<W>,
    label: MediaLabel,
    layout: &'static Layout,
    /// Stored positions of the filemarks so far.
    filemarks: Vec<u64>,
    map: Vec<SetMapEntry>,
}

impl<W: Write> MediaWriter<W> {
    /// Writes the media header. `software_major` chooses the layout (9 = 2005 … 17 = 2025).
    pub fn new(
        name: &str,
        inner: W,
        packing: Packing,
        label: MediaLabel,
        software_major: u8,
    ) -> BackupResult<Self> {
        let layout = Layout::for_major(software_major);
        let sink = Sink::new(name, inner, packing)?;
        let mut w = MediaWriter { sink, label, layout, filemarks: Vec::new(), map: Vec::new() };
        let block = blocks::tape(&w.label);
        w.sink.put(&block)?;
        w.stream(b"RAID", 0, &blocks::raid(&w.label))?;
        w.pad(0, true)?;
        w.filemark(None)?;
        Ok(w)
    }

    fn block_size(&self) -> u64 {
        u64::from(self.label.block_size)
    }

    fn align4(&mut self) -> BackupResult<()> {
        let at = self.sink.position();
        let gap = at.next_multiple_of(4) - at;
        self.sink.put(&[0; 4][..gap as usize])
    }

    fn stream(&mut self, id: &[u8; 4], attributes: u16, data: &[u8]) -> BackupResult<()> {
        self.stream_header(id, attributes, data.len() as u64)?;
        self.sink.put(data)
    }

    fn stream_header(&mut self, id: &[u8; 4], attributes: u16, length: u64) -> BackupResult<()> {
        self.align4()?;
        let mut w = ByteWriter::new();
        StreamHeader::new(id, attributes, length).write(&mut w);
        self.sink.put(&w.buf)
    }

    /// The next position behind `at` that is a multiple of 1024 from `origin` and, for `whole`, of the media block.
    fn next_boundary(&self, at: u64, origin: u64, whole: bool) -> u64 {
        let logical = |p: u64| origin + (p - origin).next_multiple_of(LOGICAL_BLOCK);
        let mut p = logical(at);
        // Both are powers of two: at most a few steps.
        while whole && !p.is_multiple_of(self.block_size()) {
            p += LOGICAL_BLOCK;
            if !self.block_size().is_multiple_of(LOGICAL_BLOCK)
                && !LOGICAL_BLOCK.is_multiple_of(self.block_size())
            {
                break;
            }
        }
        p
    }

    /// SPAD up to the next boundary counted from `origin`.
    fn pad(&mut self, origin: u64, whole: bool) -> BackupResult<()> {
        self.align4()?;
        let body = self.sink.position() + STREAM_HEADER as u64;
        let end = self.next_boundary(body, origin, whole);
        self.stream(b"SPAD", 0, &vec![0; (end - body) as usize])
    }

    fn filemark(&mut self, index: Option<&[(u64, u64)]>) -> BackupResult<()> {
        self.sink.fill(self.block_size(), index)?;
        let at = self.sink.stored();
        let after_data = index.is_some() && self.sink.container() == crate::Container::Compressed;
        let bytes = blocks::filemark(&self.filemarks, self.block_size(), self.layout, after_data);
        self.filemarks.push(at);
        self.sink.filemark(&bytes)
    }

    /// Position the next set will have (its SSET), in the file as stored.
    pub fn next_set_offset(&self) -> u64 {
        self.sink.stored()
    }

    /// Begins a backup set. `leading` is the raw configuration as known before the data.
    pub fn begin_set(
        mut self,
        start: SetStart,
        volume: VolumeInfo,
        leading: &[u8],
    ) -> BackupResult<SetWriter<W>> {
        let origin = self.sink.position();
        let offset = self.sink.stored();
        self.sink.put(&blocks::set_start(&start, offset))?;
        self.pad(origin, false)?;
        let mut set = SetWriter { media: self, start, volume, origin, offset, control: 0, index: Vec::new() };
        let logical = set.next_block();
        let block = blocks::volume(&set.volume, set.start.write_date, logical, set.control);
        set.media.sink.put(&block)?;
        set.media.pad(origin, false)?;
        set.configuration(b"MSCI", leading, false)?;
        Ok(set)
    }

    pub fn finish(self) -> BackupResult<W> {
        self.sink.finish()
    }
}

/// Writes one backup set.
pub struct SetWriter<W> {
    media: MediaWriter<W>,
    start: SetStart,
    volume: VolumeInfo,
    /// Position of the SSET in the uncompressed stream and as stored.
    origin: u64,
    offset: u64,
    control: u32,
    index: Vec<(u64, u64)>,
}

impl<W: Write> SetWriter<W> {
    /// Format logical address of the block about to be written; counts its control id.
    fn next_block(&mut self) -> u64 {
        self.control += 1;
        (self.media.sink.position() - self.origin) / LOGICAL_BLOCK
    }

    fn configuration(&mut self, letters: &[u8; 4], raw: &[u8], last: bool) -> BackupResult<()> {
        let logical = self.next_block();
        self.media.sink.put(&blocks::configuration(letters, logical, self.control))?;
        self.media.stream(b"MQCI", 0, raw)?;
        self.media.pad(self.origin, last)
    }

    /// APAD and the header of a bulk stream, so that its first byte of data lies on a boundary.
    fn bulk_header(&mut self, id: &[u8; 4], attributes: u16, length: u64) -> BackupResult<()> {
        let m = &mut self.media;
        let header = STREAM_HEADER as u64;
        let body = m.sink.position() + header;
        let target = m.next_boundary(body + header + 2, self.origin, true);
        m.stream(b"APAD", attribute::PADDING, &vec![0; (target - header - 2 - body) as usize])?;
        m.stream_header(id, attributes, length + 2)?;
        m.sink.put(&[0; 2])?;
        m.sink.cut()
    }

    fn bulk_end(&mut self, checksum: Option<StreamChecksum>) -> BackupResult<()> {
        self.media.sink.cut()?;
        let place = (self.media.sink.position() - self.origin, self.media.sink.stored());
        self.index.push(place);
        if let Some(sum) = checksum {
            self.media.stream(b"CSUM", 0, &sum.value().to_le_bytes())?;
        }
        Ok(())
    }

    /// One pass of pages: `length` bytes (a multiple of the transfer unit, fillers included), handed over by `write`
    /// through the given function in any portions that are multiples of 512 bytes.
    pub fn pages(
        &mut self,
        length: u64,
        with_checksum: bool,
        write: impl FnOnce(&mut dyn FnMut(&[u8]) -> BackupResult<()>) -> BackupResult<()>,
    ) -> BackupResult<()> {
        let logical = self.next_block();
        self.media.sink.put(&blocks::data(logical, self.control))?;
        let extra = if with_checksum { attribute::CHECKSUM } else { 0 };
        self.bulk_header(b"MQDA", attribute::VARIABLE | extra, length)?;
        let mut sum = StreamChecksum::default();
        let mut left = length;
        let sink = &mut self.media.sink;
        write(&mut |bytes: &[u8]| {
            left = left.checked_sub(bytes.len() as u64).ok_or_else(|| mismatch(self.offset))?;
            if with_checksum {
                sum.update(bytes);
            }
            sink.put(bytes)
        })?;
        if left != 0 {
            return Err(mismatch(self.offset));
        }
        self.bulk_end(with_checksum.then_some(sum))?;
        self.media.stream(b"MQDA", attribute::VARIABLE | attribute::END, &[])?;
        self.media.pad(self.origin, false)
    }

    /// One VLF; `bytes` is its log in this backup (`vlf.end - vlf.start` bytes), or `None` when it has none here.
    pub fn log(&mut self, vlf: &Vlf, bytes: Option<&[u8]>, with_checksum: bool) -> BackupResult<()> {
        let logical = self.next_block();
        self.media.sink.put(&blocks::log(vlf, self.media.layout, logical, self.control))?;
        if let Some(bytes) = bytes {
            let extra = if with_checksum { attribute::CHECKSUM } else { 0 };
            let padded = (bytes.len() as u64).next_multiple_of(LOG_UNIT);
            self.bulk_header(b"MQTL", extra, padded)?;
            let zeros = vec![0; (padded - bytes.len() as u64) as usize];
            let mut sum = StreamChecksum::default();
            sum.update(bytes);
            sum.update(&zeros);
            self.media.sink.put(bytes)?;
            self.media.sink.put(&zeros)?;
            self.bulk_end(with_checksum.then_some(sum))?;
        }
        self.media.pad(self.origin, false)
    }

    /// Bytes written for the set so far: (uncompressed, stored).
    pub fn sizes(&self) -> (u64, u64) {
        (self.media.sink.position() - self.origin, self.media.sink.stored() - self.offset)
    }

    /// Ends the set. `trailing` is the final raw configuration (as long as the leading one), `size` what the set map tells
    /// (CompressedBackupSize).
    pub fn finish(mut self, trailing: &[u8], size: u64) -> BackupResult<MediaWriter<W>> {
        self.configuration(b"MSLS", trailing, true)?;
        let index = std::mem::take(&mut self.index);
        let mut m = self.media;
        m.filemark(Some(&index))?;
        m.map.push(SetMapEntry {
            attributes: self.start.attributes,
            offset: self.offset,
            position: self.start.position,
            size,
            date: self.start.write_date,
            time_zone: self.start.time_zone,
            name: self.start.name.clone(),
            description: self.start.description.clone(),
            user: self.start.user.clone(),
            volume: self.volume.clone(),
        });
        let first = m.sink.position();
        let first_stored = m.sink.stored();
        m.sink.put(&blocks::set_end(&self.start, 0))?;
        let body = m.sink.position() + STREAM_HEADER as u64;
        let target = m.next_boundary(body, first, true);
        m.stream(b"OTCP", 0, &vec![0; (target - body) as usize])?;
        // 2005 names the set map here, later releases the first end of set. Nothing in between is compressed away: both
        // lie in the same span only in plain files, and 2005 wrote no others.
        let named = if m.layout.from_major < 10 { first_stored + (target - first) } else { first_stored };
        let map = blocks::set_map(m.label.family_id, &m.map);
        m.stream(b"TSMP", 0, &map)?;
        m.pad(first, true)?;
        m.sink.put(&blocks::set_end(&self.start, named))?;
        m.pad(first, true)?;
        m.filemark(None)?;
        Ok(m)
    }
}

fn mismatch(offset: u64) -> BackupError {
    BackupError::Write {
        device: std::sync::Arc::from("backup set"),
        offset,
        reason: "the page data is not as long as was announced".to_owned(),
    }
}
