//! Files of the operating system.
//!
//! Invariants
//! 1. New files are private to the user that runs the server (mode 0600), new directories 0700.
//! 2. An [`InstanceLock`] is held by at most one process for a directory; it ends with the process.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Advice, FallocateFlags, FlockOperation};

use crate::{Disk, DiskError, DiskFile, DiskResult, Operation};

#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

struct RealFile {
    path: PathBuf,
    file: File,
    /// What the first sync that failed said. The kernel tells of a lost write once; a second sync would be told that all is well,
    /// and so would one that runs at the same time. So syncs come one after the other, and none after a failed one.
    sync_failed: Mutex<Option<DiskError>>,
}

impl RealFile {
    fn shared(path: &Path, file: File) -> Arc<dyn DiskFile> {
        Arc::new(RealFile { path: path.to_owned(), file, sync_failed: Mutex::new(None) })
    }

    fn error(&self, operation: Operation, offset: u64) -> impl Fn(io::Error) -> DiskError + '_ {
        move |e| DiskError::new(&self.path, operation, offset, &e)
    }
}

fn failed(path: &Path, operation: Operation) -> impl Fn(io::Error) -> DiskError + '_ {
    move |e| DiskError::new(path, operation, 0, &e)
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> DiskResult<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
        Ok(RealFile::shared(path, file.map_err(failed(path, Operation::Create))?))
    }

    fn open(&self, path: &Path, writable: bool) -> DiskResult<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(writable).open(path);
        Ok(RealFile::shared(path, file.map_err(failed(path, Operation::Open))?))
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn remove(&self, path: &Path) -> DiskResult<()> {
        std::fs::remove_file(path).map_err(failed(path, Operation::Remove))
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()> {
        std::fs::rename(from, to).map_err(failed(from, Operation::Rename))
    }

    fn list(&self, directory: &Path) -> DiskResult<Vec<PathBuf>> {
        let mut out = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed(directory, Operation::List))? {
            out.push(entry.map_err(failed(directory, Operation::List))?.path());
        }
        out.sort();
        Ok(out)
    }

    fn create_directory(&self, directory: &Path) -> DiskResult<()> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(failed(directory, Operation::Create))
    }

    fn sync_directory(&self, directory: &Path) -> DiskResult<()> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let handle = File::open(directory).map_err(failed(directory, Operation::Open))?;
        handle.sync_all().map_err(failed(directory, Operation::Sync))
    }
}

impl DiskFile for RealFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn length(&self) -> DiskResult<u64> {
        Ok(self.file.metadata().map_err(self.error(Operation::Read, 0))?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> DiskResult<()> {
        self.file.read_exact_at(out, offset).map_err(self.error(Operation::Read, offset))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()> {
        self.file.write_all_at(bytes, offset).map_err(self.error(Operation::Write, offset))
    }

    fn sync(&self) -> DiskResult<()> {
        let mut failed = self.sync_failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*failed {
            return Err(error.clone());
        }
        let done = self.file.sync_data().map_err(self.error(Operation::Sync, 0));
        if let Err(error) = &done {
            *failed = Some(error.clone());
        }
        done
    }

    fn set_length(&self, length: u64) -> DiskResult<()> {
        self.file.set_len(length).map_err(self.error(Operation::Resize, length))
    }

    fn allocate(&self, length: u64) -> DiskResult<()> {
        let now = self.length()?;
        if length <= now {
            return Ok(());
        }
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), now, length - now) {
            Ok(()) => Ok(()),
            // File systems without it: a plain extension; a full disk then shows when pages are written.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.set_length(length),
            Err(e) => Err(self.error(Operation::Resize, length)(e.into())),
        }
    }

    fn will_need(&self, offset: u64, length: u64) {
        let _ = rustix::fs::fadvise(&self.file, offset, std::num::NonZeroU64::new(length), Advice::WillNeed);
    }
}

/// The right of one process to use a data directory.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

impl InstanceLock {
    /// Takes the lock of a directory; fails at once when another process holds it.
    pub fn acquire(directory: &Path) -> DiskResult<Self> {
        let path = directory.join("holdfast.lock");
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed(&path, Operation::Lock))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|e| {
            let e = if e == rustix::io::Errno::WOULDBLOCK {
                io::Error::new(io::ErrorKind::WouldBlock, "another server uses this data directory")
            } else {
                e.into()
            };
            DiskError::new(&path, Operation::Lock, 0, &e)
        })?;
        Ok(InstanceLock { _file: file })
    }
}

/// Bytes that a file in `directory` can still take.
pub fn free_space(directory: &Path) -> DiskResult<u64> {
    volume_space(directory).map(|space| space.1)
}

/// Bytes of the volume that `directory` is on, and those of them that a file can still take.
pub fn volume_space(directory: &Path) -> DiskResult<(u64, u64)> {
    let volume = rustix::fs::statvfs(directory)
        .map_err(|e| DiskError::new(directory, Operation::List, 0, &std::io::Error::from(e)))?;
    let size = |blocks: u64| blocks.saturating_mul(volume.f_frsize);
    Ok((size(volume.f_blocks), size(volume.f_bavail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_lock_is_exclusive() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let held = InstanceLock::acquire(dir.path()).expect("free");
        assert_eq!(InstanceLock::acquire(dir.path()).expect_err("taken").kind, io::ErrorKind::WouldBlock);
        drop(held);
        InstanceLock::acquire(dir.path()).expect("free again");
    }

    #[test]
    fn files_read_what_was_written() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("a");
        let file = RealDisk.create(&path).expect("created");
        file.allocate(8192).expect("space");
        file.write_at(4096, b"page").expect("written");
        file.sync().expect("durable");
        let mut out = [0; 4];
        file.read_at(4096, &mut out).expect("read");
        assert_eq!(&out, b"page");
        assert_eq!(file.length().expect("length"), 8192);
        assert!(RealDisk.create(&path).is_err());
        RealDisk.replace_file(&path, b"new").expect("replaced");
        assert_eq!(RealDisk.read_file(&path).expect("read"), b"new");
    }
}
