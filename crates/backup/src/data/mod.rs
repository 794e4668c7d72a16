//! Reading pages and log out of a set, in bounded memory, with decompression apart from reading.
//!
//! A [`BatchReader`] hands out raw batches in file order, which is cheap; [`RawBatch::unpack`] reads or decompresses one
//! and may run on any thread; [`extents`] cuts the result into places. Batches of one stream are independent of each other (an extent
//! occurs once per pass), a later pass replaces an earlier one: passes are to be applied in order.
//!
//! Invariants
//! 1. Every batch but a stream's last unpacks to a multiple of 64 KiB, so an extent never spans two batches.
//! 2. A batch unpacks to at most [`BATCH_LIMIT`] bytes plus one record.

mod extent;

pub use extent::{EXTENT, Extent, Place, classify, extents};

use crate::compress::{Record, TAG_PLAIN, TAG_RECORD};
use crate::device::Device;
use crate::error::{BackupError, BackupResult};
use crate::media::BulkStream;

/// Bytes of a batch of plain data. Buffers above 128 KiB begin 16 bytes behind a page boundary, and the kernel copies from
/// a page-aligned place to one a few bytes behind it several times slower (measured 1.3 against 6.5 GB/s); smaller ones also
/// stay in a core's own cache between reading and checking.
const PLAIN_BATCH: usize = 64 << 10;

/// Most uncompressed bytes in a batch.
pub const BATCH_LIMIT: usize = 2 << 20;

/// A claimed part of a stream: compressed bytes as stored, or the place of plain ones, which are read when unpacked.
pub struct RawBatch {
    device: Device,
    /// Offset of the batch's first byte in the stream's data.
    pub offset: u64,
    /// Stored offset of the batch.
    pub stored_offset: u64,
    /// Uncompressed length.
    pub length: usize,
    bytes: Vec<u8>,
    /// Empty for plain data.
    records: Vec<Record>,
}

impl RawBatch {
    /// The batch's data, read or decompressed. `out` is reused; what it held is dropped.
    pub fn unpack(&self, out: &mut Vec<u8>) -> BackupResult<()> {
        out.resize(self.length, 0);
        if self.records.is_empty() {
            return self.device.read(self.stored_offset, out);
        }
        let mut rest = out.as_mut_slice();
        for record in &self.records {
            let at = (record.offset - self.stored_offset) as usize + record.header;
            let packed = self.bytes.get(at..at + record.packed).unwrap_or(&[]);
            let (piece, after) = rest.split_at_mut(record.length.min(rest.len()));
            record.unpack(packed, piece, self.device.name())?;
            rest = after;
        }
        Ok(())
    }

    /// Stored offset of the byte at `offset` of the stream's data: exact in plain files, that of the compressed record
    /// otherwise.
    pub fn stored_at(&self, offset: u64) -> u64 {
        let within = offset.saturating_sub(self.offset);
        if self.records.is_empty() {
            return self.stored_offset + within;
        }
        let mut end = 0;
        for record in &self.records {
            end += record.length as u64;
            if within < end {
                return record.offset;
            }
        }
        self.stored_offset
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Gives the buffer back for the next batch.
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a bulk stream in batches.
pub struct BatchReader {
    device: Device,
    stream: BulkStream,
    offset: u64,
    stored: u64,
}

impl BatchReader {
    pub fn new(device: &Device, stream: BulkStream) -> Self {
        BatchReader { device: device.clone(), stream, offset: 0, stored: stream.stored_start }
    }

    /// Uncompressed bytes of the stream.
    pub fn length(&self) -> u64 {
        self.stream.length
    }

    /// Claims the next batch; `buffer` is reused for compressed bytes. After an error the reader may be asked again: it
    /// goes on behind a damaged part where that is possible, and else ends.
    pub fn next_batch(&mut self, mut buffer: Vec<u8>) -> BackupResult<Option<RawBatch>> {
        let left = self.stream.length - self.offset;
        if left == 0 {
            return Ok(None);
        }
        let (offset, stored_offset) = (self.offset, self.stored);
        let mut records = Vec::new();
        let length = if self.stream.compressed {
            match self.fill_packed(&mut buffer, &mut records) {
                Ok(length) => length,
                Err(e) => {
                    // The next record's place is not known any more.
                    self.offset = self.stream.length;
                    return Err(e);
                }
            }
        } else {
            let length = left.min(PLAIN_BATCH as u64) as usize;
            self.stored += length as u64;
            length
        };
        self.offset += length as u64;
        let device = self.device.clone();
        Ok(Some(RawBatch { device, offset, stored_offset, length, bytes: buffer, records }))
    }

    /// Reads whole records up to the batch limit.
    fn fill_packed(&mut self, buffer: &mut Vec<u8>, records: &mut Vec<Record>) -> BackupResult<usize> {
        const READ: u64 = 1 << 20;
        let size = (self.stream.stored_end - self.stored).min(READ) as usize;
        buffer.resize(size, 0);
        self.device.read(self.stored, buffer)?;
        let (mut at, mut length) = (0usize, 0usize);
        // Length and position after the last record that ended on an extent boundary.
        let mut good = (0, 0, 0);
        while length < BATCH_LIMIT {
            let header = self.stream.record_header;
            let Some(head) = buffer.get(at..at + header) else { break };
            let offset = self.stored + at as u64;
            if !matches!(head[0], TAG_RECORD | TAG_PLAIN) {
                return Err(BackupError::UnknownPiece {
                    device: self.device.name().clone(),
                    offset,
                    tag: head[0],
                });
            }
            let record = Record::parse(head, header, offset, &self.device)?;
            let end = at + record.stored_length() as usize;
            if end > buffer.len() {
                break;
            }
            at = end;
            length += record.length;
            records.push(record);
            let position = self.offset + length as u64;
            if position.is_multiple_of(EXTENT as u64) || position == self.stream.length {
                good = (records.len(), at, length);
            }
            if position >= self.stream.length {
                break;
            }
        }
        let (count, end, length) = good;
        if length == 0 {
            let what = "compressed records that do not make up a whole extent";
            return Err(self.device.damaged(self.stored, what));
        }
        records.truncate(count);
        buffer.truncate(end);
        self.stored += end as u64;
        Ok(length)
    }
}
