//! Where the stream goes: plain bytes, or pieces of 64 KiB that are compressed one by one.
//!
//! Invariants
//! 1. `position` counts the uncompressed stream (raw filemarks included), `stored` the bytes written.
//! 2. A span is cut into pieces of 64 KiB from its start; spans begin and end at filemarks, at the first byte of page or
//!    log data and behind its last.
//! 3. A piece whose compressed form does not fit its record (u16 length) is cut into smaller ones.

use std::io::Write;
use std::sync::Arc;

use holdfast_base::ByteWriter;

use crate::checksum::record_checksum;
use crate::compress::{Encoder, PIECE, RECORD_HEADER, TAG_FILLER, TAG_INDEX, TAG_RECORD};
use crate::cursor::{CONTAINER_HEADER, CONTAINER_MAGIC, Container};
use crate::error::{BackupError, BackupResult};

/// Compresses one piece.
pub type Compressor = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

/// How the stream is stored.
pub enum Packing {
    Plain,
    Compressed(Compressor),
}

impl Packing {
    /// The container with this crate's own encoder.
    pub fn xpress() -> Self {
        let mut encoder = Encoder::new();
        Packing::Compressed(Box::new(move |piece| encoder.compress(piece)))
    }
}

pub(super) struct Sink<W> {
    name: Arc<str>,
    inner: W,
    packing: Packing,
    position: u64,
    stored: u64,
    span: Vec<u8>,
}

impl<W: Write> Sink<W> {
    pub fn new(name: &str, inner: W, packing: Packing) -> BackupResult<Self> {
        let mut sink =
            Sink { name: Arc::from(name), inner, packing, position: 0, stored: 0, span: Vec::new() };
        if sink.container() == Container::Compressed {
            let mut head = ByteWriter::new();
            head.bytes(CONTAINER_MAGIC).u32(2).u32(3).zeros(CONTAINER_HEADER as usize - 16);
            sink.raw(&head.buf)?;
        }
        Ok(sink)
    }

    pub fn container(&self) -> Container {
        if matches!(self.packing, Packing::Plain) { Container::Plain } else { Container::Compressed }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    /// Stored position of the next byte. In a compressed file only meaningful at the start of a span.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    fn raw(&mut self, bytes: &[u8]) -> BackupResult<()> {
        self.inner.write_all(bytes).map_err(|e| BackupError::Write {
            device: self.name.clone(),
            offset: self.stored,
            reason: e.to_string(),
        })?;
        self.stored += bytes.len() as u64;
        Ok(())
    }

    pub fn put(&mut self, mut bytes: &[u8]) -> BackupResult<()> {
        self.position += bytes.len() as u64;
        if self.container() == Container::Plain {
            return self.raw(bytes);
        }
        while !bytes.is_empty() {
            let n = bytes.len().min(PIECE - self.span.len());
            self.span.extend_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            if self.span.len() == PIECE {
                self.cut()?;
            }
        }
        Ok(())
    }

    /// Ends the span: the next byte begins a record.
    pub fn cut(&mut self) -> BackupResult<()> {
        if self.span.is_empty() {
            return Ok(());
        }
        let mut span = std::mem::take(&mut self.span);
        self.piece(&span)?;
        span.clear();
        self.span = span;
        Ok(())
    }

    fn piece(&mut self, piece: &[u8]) -> BackupResult<()> {
        let Packing::Compressed(compress) = &mut self.packing else { return Ok(()) };
        let packed = compress(piece);
        let Ok(length) = u16::try_from(packed.len()) else {
            // Invariant 3. Half a piece of noise is far below the limit, so this ends.
            let half = (piece.len() / 2).next_multiple_of(512);
            self.piece(&piece[..half])?;
            return self.piece(&piece[half..]);
        };
        let mut w = ByteWriter::new();
        w.u8(TAG_RECORD).u8((piece.len() / 512) as u8).u16(length).zeros(20).u32(record_checksum(&packed));
        debug_assert_eq!(w.len(), RECORD_HEADER);
        w.bytes(&packed);
        self.raw(&w.buf)
    }

    /// Fills up to the next multiple of `block` where a filemark will stand (compressed files). `index` holds, for the
    /// filemark behind a set's data, the places behind each page or log stream: (stream position from SSET, stored).
    pub fn fill(&mut self, block: u64, index: Option<&[(u64, u64)]>) -> BackupResult<()> {
        self.cut()?;
        if self.container() == Container::Plain {
            return Ok(());
        }
        let mut w = ByteWriter::new();
        match index {
            None => {
                if self.stored.is_multiple_of(block) {
                    return Ok(());
                }
                let n = (self.stored + 24).next_multiple_of(block) - self.stored - 24;
                w.u8(TAG_FILLER).u8(0).u16(n as u16).zeros(20 + n as usize);
            }
            Some(entries) => {
                let needed = 24 + 32 + 16 * entries.len() as u64;
                let total = (self.stored + needed).next_multiple_of(block) - self.stored;
                let mut list = ByteWriter::new();
                for (position, stored) in entries {
                    list.u64(*position).u64(*stored);
                }
                let mut head = ByteWriter::new();
                head.u16(1)
                    .u16(1)
                    .u32(entries.len() as u32)
                    .u32(total as u32 - 24)
                    .u32(record_checksum(&list.buf));
                w.u8(TAG_INDEX).zeros(23).bytes(&head.buf).bytes(&list.buf);
                w.zeros((total - needed) as usize).bytes(&head.buf);
            }
        }
        self.raw(&w.buf)
    }

    /// Writes a filemark as it is, also in compressed files.
    pub fn filemark(&mut self, bytes: &[u8]) -> BackupResult<()> {
        self.position += bytes.len() as u64;
        self.raw(bytes)
    }

    pub fn finish(mut self) -> BackupResult<W> {
        self.cut()?;
        self.inner.flush().map_err(|e| BackupError::Write {
            device: self.name.clone(),
            offset: self.stored,
            reason: e.to_string(),
        })?;
        Ok(self.inner)
    }
}
