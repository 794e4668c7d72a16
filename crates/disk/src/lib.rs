//! Files as the engine sees them: [`Disk`] names and opens them, [`DiskFile`] reads and writes at offsets. Real files
//! ([`RealDisk`]) and a simulated disk ([`SimulatedDisk`]) that can be cut at every write.
//!
//! Invariants
//! 1. Nothing is durable before [`DiskFile::sync`] (contents) and [`Disk::sync_directory`] (names) have returned.
//! 2. A failed sync is never tried again: the state of the pages it should have written is unknown from then on.
//! 3. Only this crate opens database files.
#![forbid(unsafe_code)]

mod direct;
mod error;
mod private;
mod real;
mod simulated;

pub use error::{DiskError, DiskResult, Operation};
pub use private::{private_directory, write_private};
pub use real::{DirectIo, InstanceLock, RealDisk, RealDiskWith, free_space, probe_direct, volume_space};
pub use simulated::{Fault, Replay, SimulatedDisk};

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names of files and how to open them.
pub trait Disk: Send + Sync {
    /// Makes a new, empty file; fails when the name is taken.
    fn create(&self, path: &Path) -> DiskResult<Arc<dyn DiskFile>>;
    fn open(&self, path: &Path, writable: bool) -> DiskResult<Arc<dyn DiskFile>>;
    fn exists(&self, path: &Path) -> bool;
    fn remove(&self, path: &Path) -> DiskResult<()>;
    /// Replaces `to` if it exists.
    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()>;
    /// Files of a directory, by name.
    fn list(&self, directory: &Path) -> DiskResult<Vec<PathBuf>>;
    fn create_directory(&self, directory: &Path) -> DiskResult<()>;
    /// Makes creations, removals and renames in a directory durable.
    fn sync_directory(&self, directory: &Path) -> DiskResult<()>;

    /// Reads a whole small file.
    fn read_file(&self, path: &Path) -> DiskResult<Vec<u8>> {
        let file = self.open(path, false)?;
        let length = usize::try_from(file.length()?).unwrap_or(usize::MAX).min(64 << 20);
        let mut out = vec![0; length];
        file.read_at(0, &mut out)?;
        Ok(out)
    }

    /// Puts a small file in place so that after a crash either the old or the new contents are there.
    fn replace_file(&self, path: &Path, contents: &[u8]) -> DiskResult<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let temporary = path.with_file_name(name);
        if self.exists(&temporary) {
            self.remove(&temporary)?;
        }
        let file = self.create(&temporary)?;
        file.write_at(0, contents)?;
        file.sync()?;
        self.rename(&temporary, path)?;
        self.sync_directory(path.parent().unwrap_or(Path::new(".")))
    }
}

/// Writes parts one behind the other, each by itself.
fn write_parts<F: DiskFile + ?Sized>(file: &F, offset: u64, parts: &[&[u8]]) -> DiskResult<()> {
    let mut at = offset;
    for part in parts {
        file.write_at(at, part)?;
        at += part.len() as u64;
    }
    Ok(())
}

/// One open file. All methods may be called from several threads.
pub trait DiskFile: Send + Sync {
    fn path(&self) -> &Path;
    fn length(&self) -> DiskResult<u64>;
    /// Fills `out`; an end of file before that is an error.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> DiskResult<()>;
    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()>;
    /// Writes parts one behind the other, from `offset` on, that are not read again soon: they may go past the page cache.
    fn write_log(&self, offset: u64, parts: &[&[u8]]) -> DiskResult<()> {
        write_parts(self, offset, parts)
    }
    /// The same, durable when it returns. Says nothing about other writes; a failure counts as that of a sync.
    fn write_log_durably(&self, offset: u64, parts: &[&[u8]]) -> DiskResult<()> {
        self.write_log(offset, parts)?;
        self.sync()
    }
    /// Makes everything written durable.
    fn sync(&self) -> DiskResult<()>;
    /// Cuts or extends (with zeros, without space behind them).
    fn set_length(&self, length: u64) -> DiskResult<()>;
    /// Extends to at least `length` with space behind it.
    fn allocate(&self, length: u64) -> DiskResult<()>;
    /// Tells that a range will be read soon.
    fn will_need(&self, offset: u64, length: u64) {
        let _ = (offset, length);
    }
    /// Starts writing back a range without waiting; a hint that spreads the work of a later sync.
    fn start_write_back(&self, offset: u64, length: u64) {
        let _ = (offset, length);
    }
}
