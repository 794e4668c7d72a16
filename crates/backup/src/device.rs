//! A backup file as positioned reads. The crate never opens files: the owner hands in something that can be read at an
//! offset, from several threads at once.
//!
//! Invariants
//! 1. The length is taken once, at open; reads beyond it are [`BackupError::Truncated`] without touching the file.

use std::io;
use std::sync::Arc;

use crate::error::{BackupError, BackupResult};

/// Positioned reading. Reads do not disturb each other.
pub trait ReadAt: Send + Sync {
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Fills `buffer` from `offset`; an end of file before that is `UnexpectedEof`.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for Vec<u8> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let part = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(buffer.len())?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}

#[cfg(unix)]
impl ReadAt for std::fs::File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

/// Anything that reads and seeks, one reader at a time.
pub struct Seeking<R>(std::sync::Mutex<R>);

impl<R: io::Read + io::Seek + Send> Seeking<R> {
    pub fn new(inner: R) -> Self {
        Seeking(std::sync::Mutex::new(inner))
    }
}

impl<R: io::Read + io::Seek + Send> ReadAt for Seeking<R> {
    fn length(&self) -> io::Result<u64> {
        let mut r = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        r.seek(io::SeekFrom::End(0))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut r = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        r.seek(io::SeekFrom::Start(offset))?;
        r.read_exact(buffer)
    }
}

/// A named backup file.
#[derive(Clone)]
pub struct Device {
    name: Arc<str>,
    source: Arc<dyn ReadAt>,
    length: u64,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device({}, {} bytes)", self.name, self.length)
    }
}

impl Device {
    pub fn new(name: &str, source: Arc<dyn ReadAt>) -> BackupResult<Self> {
        let name: Arc<str> = Arc::from(name);
        let length = source.length().map_err(|e| BackupError::Read {
            device: name.clone(),
            offset: 0,
            reason: e.to_string(),
        })?;
        Ok(Device { name, source, length })
    }

    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Device { name: Arc::from(name), source: Arc::new(bytes), length }
    }

    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> BackupResult<()> {
        let wanted = buffer.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.length) {
            return Err(BackupError::Truncated {
                device: self.name.clone(),
                offset,
                wanted,
                length: self.length,
            });
        }
        self.source.read_exact_at(buffer, offset).map_err(|e| BackupError::Read {
            device: self.name.clone(),
            offset,
            reason: e.to_string(),
        })
    }

    pub(crate) fn damaged(&self, offset: u64, what: impl Into<String>) -> BackupError {
        BackupError::Damaged { device: self.name.clone(), offset, what: what.into() }
    }
}
