//! Forward reading of the backup stream, the same for plain files and for the compressed container.
//!
//! A compressed file is: 480 bytes header (`MSSQLBAK`, u32 2, u32 3), then records without alignment.
//! Record: 0 tag 0x21, 1 uncompressed length / 512 (128 = 64 KiB), 2 compressed length u16, 4..20 undefined, 20 u32 0,
//! 24 checksum u32, 28 compressed bytes. Before a filemark: filler 0x24 (24 bytes header with u16 n at 2, then n zeros) or
//! index 0x2C (24 bytes, then 16 bytes head with the total length at 8). Filemarks stand raw, at multiples of the media
//! block size.
//!
//! The container of 2008 to 2012 has 0 or 1 in its first word and records with a header of 8 bytes: tag 0x21, length / 512,
//! packed length u16, checksum u32. Where its records begin and what stands before a filemark is not known, so both are
//! looked for: a record counts when its checksum is right, a filemark when it stands at a sector boundary.
//!
//! A backup WITH ENCRYPTION is the same container with the length of the enciphered data at 20 of a record's header and the
//! initialisation vector at 4. It is refused.
//!
//! Invariants
//! 1. `position` counts bytes of the uncompressed stream, raw filemarks included, fillers not.
//! 2. Skipping over whole records reads their headers only.
//!
//! Evidence: verified on all compressed corpus files (2014-2022). The old container and the encrypted one as others describe
//! them from genuine files (docs/format/backup.md); tests rewrite genuine records in the old form.

use crate::compress::{self, Record};
use crate::device::Device;
use crate::error::{BackupError, BackupResult};

pub const CONTAINER_MAGIC: &[u8; 8] = b"MSSQLBAK";
/// Where the records begin.
pub const CONTAINER_HEADER: u64 = 480;
/// Bytes without a record or filemark that are passed over in an old container before reading gives up.
const GAP_LIMIT: u64 = 128 << 10;
/// Places of an old container that are tried as records. Genuine gaps hold next to none; hostile ones could hold nothing else,
/// and each costs a checksum over 64 KiB.
const TRIES_LIMIT: u32 = 16_384;

/// How the stream is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Container {
    Plain,
    Compressed,
}

pub struct Cursor<'a> {
    device: &'a Device,
    container: Container,
    /// Stored offset of the next unread byte (plain) or of the next record (compressed).
    stored: u64,
    position: u64,
    /// The record being read (compressed): its bytes not consumed yet, decompressed or still to be.
    current: Option<Piece>,
    window: Vec<u8>,
    window_start: u64,
    /// Bytes of a record's header: 28, or 8 in the old container; 0 in a plain file.
    record_header: usize,
    /// Places tried as records so far.
    tries: u32,
    /// Media block size, known once the label is read.
    pub block_size: u32,
}

struct Piece {
    record: Option<Record>,
    offset: u64,
    consumed: usize,
    length: usize,
    bytes: Vec<u8>,
}

/// Finds the mark of a backup WITH ENCRYPTION in the container's first record.
fn refuse_encrypted(device: &Device) -> BackupResult<()> {
    let mut head = [0u8; compress::RECORD_HEADER];
    if device.length() < CONTAINER_HEADER + head.len() as u64 {
        return Ok(());
    }
    device.read(CONTAINER_HEADER, &mut head)?;
    let enciphered = u32::from_le_bytes([head[20], head[21], head[22], head[23]]);
    if enciphered == 0 || !enciphered.is_multiple_of(16) {
        return Ok(());
    }
    Err(BackupError::Encrypted {
        device: device.name().clone(),
        thumbprint: crate::encryption::find_thumbprint(device)?,
    })
}

impl<'a> Cursor<'a> {
    /// Looks at the first bytes and tells the container.
    pub fn open(device: &'a Device) -> BackupResult<Self> {
        let name = device.name().clone();
        if device.length() == 0 {
            return Err(BackupError::Empty { device: name });
        }
        let mut head = [0u8; 16];
        if device.length() < 16 {
            return Err(BackupError::Foreign { device: name, what: "it is shorter than any header" });
        }
        device.read(0, &mut head)?;
        let mut record_header = 0;
        let container = if &head[..8] == CONTAINER_MAGIC {
            let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
            record_header = match version {
                0 | 1 => compress::OLD_RECORD_HEADER,
                2 => compress::RECORD_HEADER,
                _ => return Err(BackupError::UnknownContainer { device: name, version }),
            };
            if version == 2 {
                refuse_encrypted(device)?;
            }
            Container::Compressed
        } else if &head[..4] == b"TAPE" {
            Container::Plain
        } else {
            return Err(BackupError::Foreign {
                device: name,
                what: "it begins with neither TAPE nor MSSQLBAK",
            });
        };
        let stored = match record_header {
            0 => 0,
            // The old container's records begin somewhere behind the magic and two words.
            compress::OLD_RECORD_HEADER => head.len() as u64,
            _ => CONTAINER_HEADER,
        };
        Ok(Cursor {
            device,
            container,
            stored,
            position: 0,
            current: None,
            window: Vec::new(),
            window_start: 0,
            record_header,
            tries: 0,
            block_size: 512,
        })
    }

    pub fn container(&self) -> Container {
        self.container
    }

    /// Bytes of a compressed record's header.
    pub fn record_header(&self) -> usize {
        self.record_header
    }

    /// Byte position in the uncompressed stream.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Stored offset of the next byte; inside a record of a compressed file, that of the record.
    pub fn stored(&self) -> u64 {
        match &self.current {
            Some(p) if p.consumed < p.length => p.offset,
            _ => self.stored,
        }
    }

    /// The next byte begins a record (always so in a plain file).
    pub fn at_boundary(&self) -> bool {
        self.current.as_ref().is_none_or(|p| p.consumed == p.length || p.consumed == 0)
    }

    pub fn at_end(&mut self) -> BackupResult<bool> {
        match self.container {
            Container::Plain => Ok(self.stored >= self.device.length()),
            Container::Compressed => Ok(!self.load()?),
        }
    }

    /// Small reads go through a window of 16 KiB, so that header-by-header walking is not one system call each.
    fn window_read(&mut self, offset: u64, buffer: &mut [u8]) -> BackupResult<()> {
        const WINDOW: usize = 16 * 1024;
        if buffer.len() > WINDOW / 2 {
            return self.device.read(offset, buffer);
        }
        let end = offset.saturating_add(buffer.len() as u64);
        if offset < self.window_start || end > self.window_start + self.window.len() as u64 {
            let size = self.device.length().saturating_sub(offset).min(WINDOW as u64) as usize;
            if size < buffer.len() {
                return self.device.read(offset, buffer);
            }
            self.window.resize(size, 0);
            self.window_start = offset;
            let read = self.device.read(offset, &mut self.window);
            if read.is_err() {
                self.window.clear();
            }
            read?;
        }
        let start = (offset - self.window_start) as usize;
        buffer.copy_from_slice(&self.window[start..start + buffer.len()]);
        Ok(())
    }

    /// Makes the next record current (compressed files). `false` at the end of the file.
    fn load(&mut self) -> BackupResult<bool> {
        if self.current.as_ref().is_some_and(|p| p.consumed < p.length) {
            return Ok(true);
        }
        self.current = None;
        loop {
            let left = self.device.length().saturating_sub(self.stored);
            if left == 0 {
                return Ok(false);
            }
            let offset = self.stored;
            let mut head = [0u8; 40];
            let have = (left as usize).min(head.len());
            self.window_read(offset, &mut head[..have])?;
            let need = |n: u64| -> BackupResult<()> {
                if left < n {
                    return Err(BackupError::Truncated {
                        device: self.device.name().clone(),
                        offset,
                        wanted: n,
                        length: self.device.length(),
                    });
                }
                Ok(())
            };
            match head[0] {
                compress::TAG_RECORD | compress::TAG_PLAIN => {
                    let old = self.record_header == compress::OLD_RECORD_HEADER;
                    if old && !self.is_record(offset)? {
                        if !self.find_next()? {
                            return Ok(false);
                        }
                        continue;
                    }
                    need(self.record_header as u64)?;
                    let record = Record::parse(&head, self.record_header, offset, self.device)?;
                    need(record.stored_length())?;
                    self.stored += record.stored_length();
                    let length = record.length;
                    self.current =
                        Some(Piece { record: Some(record), offset, consumed: 0, length, bytes: Vec::new() });
                    return Ok(true);
                }
                b'S' if &head[..4] == b"SFMB" => {
                    let length = self.block_size as usize;
                    need(length as u64)?;
                    self.stored += length as u64;
                    self.current =
                        Some(Piece { record: None, offset, consumed: 0, length, bytes: Vec::new() });
                    return Ok(true);
                }
                _ if self.record_header == compress::OLD_RECORD_HEADER => {
                    if !self.find_next()? {
                        return Ok(false);
                    }
                }
                compress::TAG_FILLER => {
                    let n = 24 + u64::from(u16::from_le_bytes([head[2], head[3]]));
                    need(n)?;
                    self.stored += n;
                }
                compress::TAG_INDEX => {
                    need(40)?;
                    let n = 24 + u64::from(u32::from_le_bytes([head[32], head[33], head[34], head[35]]));
                    need(n)?;
                    self.stored += n;
                }
                tag => {
                    return Err(BackupError::UnknownPiece {
                        device: self.device.name().clone(),
                        offset,
                        tag,
                    });
                }
            }
        }
    }

    /// A record of the old container whose checksum is right begins at `offset`.
    fn is_record(&mut self, offset: u64) -> BackupResult<bool> {
        let left = self.device.length().saturating_sub(offset);
        let mut head = [0u8; compress::OLD_RECORD_HEADER];
        if left < head.len() as u64 {
            return Ok(false);
        }
        self.window_read(offset, &mut head)?;
        if !matches!(head[0], compress::TAG_RECORD | compress::TAG_PLAIN) {
            return Ok(false);
        }
        let Ok(record) = Record::parse(&head, head.len(), offset, self.device) else { return Ok(false) };
        // A Huffman table alone takes 256 bytes.
        if record.compressed && record.packed <= 256 || record.stored_length() > left {
            return Ok(false);
        }
        let mut packed = vec![0; record.packed];
        self.device.read(offset + head.len() as u64, &mut packed)?;
        if crate::checksum::record_checksum(&packed) == record.checksum {
            return Ok(true);
        }
        self.tries += 1;
        if self.tries > TRIES_LIMIT {
            return Err(self.device.damaged(offset, "too many places look like compressed records"));
        }
        Ok(false)
    }

    /// Moves `stored` to the next record or filemark of an old container. `false` when the file ends before one.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when there is none within [`GAP_LIMIT`].
    fn find_next(&mut self) -> BackupResult<bool> {
        let from = self.stored;
        let end = self.device.length().min(from.saturating_add(GAP_LIMIT));
        for at in from + 1..end {
            let mut head = [0u8; 4];
            if self.device.length() - at < head.len() as u64 {
                break;
            }
            self.window_read(at, &mut head)?;
            let filemark = at.is_multiple_of(512) && &head == b"SFMB";
            if filemark
                || (matches!(head[0], compress::TAG_RECORD | compress::TAG_PLAIN) && self.is_record(at)?)
            {
                self.stored = at;
                return Ok(true);
            }
        }
        if end == self.device.length() {
            self.stored = end;
            return Ok(false);
        }
        Err(self.device.damaged(from, "no compressed record and no filemark follows"))
    }

    fn ended(&self, wanted: u64) -> BackupError {
        BackupError::Truncated {
            device: self.device.name().clone(),
            offset: self.stored,
            wanted,
            length: self.device.length(),
        }
    }

    pub fn read(&mut self, buffer: &mut [u8]) -> BackupResult<()> {
        if self.container == Container::Plain {
            self.window_read(self.stored, buffer)?;
            self.stored += buffer.len() as u64;
            self.position += buffer.len() as u64;
            return Ok(());
        }
        let mut done = 0;
        while done < buffer.len() {
            if !self.load()? {
                return Err(self.ended((buffer.len() - done) as u64));
            }
            let Some(mut piece) = self.current.take() else { return Err(self.ended(1)) };
            if piece.bytes.is_empty() {
                piece.bytes = vec![0; piece.length];
                match &piece.record {
                    Some(record) => record.read_and_unpack(self.device, &mut piece.bytes)?,
                    None => self.device.read(piece.offset, &mut piece.bytes)?,
                }
            }
            let n = (buffer.len() - done).min(piece.length - piece.consumed);
            buffer[done..done + n].copy_from_slice(&piece.bytes[piece.consumed..piece.consumed + n]);
            piece.consumed += n;
            done += n;
            self.position += n as u64;
            self.current = Some(piece);
        }
        Ok(())
    }

    /// Skips `count` bytes of the stream. In a plain file skipping past the end is found by the next read.
    pub fn skip(&mut self, count: u64) -> BackupResult<()> {
        if self.container == Container::Plain {
            let end = self.stored.checked_add(count).filter(|&e| e <= self.device.length());
            self.stored = end.ok_or_else(|| self.ended(count))?;
            self.position += count;
            return Ok(());
        }
        let mut left = count;
        while left > 0 {
            if !self.load()? {
                return Err(self.ended(left));
            }
            if let Some(piece) = &mut self.current {
                let n = left.min((piece.length - piece.consumed) as u64);
                piece.consumed += n as usize;
                left -= n;
                self.position += n;
            }
        }
        Ok(())
    }
}
