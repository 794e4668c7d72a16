//! Files of the operating system.
//!
//! Invariants
//! 1. New files are private to the user that runs the server (mode 0600), new directories 0700.
//! 2. An [`InstanceLock`] is held by at most one process for a directory; it ends with the process.
//! 3. After a sync that failed, or a durable write, no other sync of the file succeeds.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::fs::{Advice, FallocateFlags, FlockOperation};

use crate::direct::Direct;
use crate::{Disk, DiskError, DiskFile, DiskResult, Operation, write_parts};

/// Files of the operating system; logs are written past the page cache where that can be ([`DirectIo::Log`]).
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

/// What goes past the page cache of the operating system (`O_DIRECT`), where file system and device take it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DirectIo {
    /// Nothing.
    Off,
    /// What is written of logs.
    #[default]
    Log,
    /// Logs, and pages of data files, read or written.
    All,
}

/// [`RealDisk`] with another choice of what goes past the page cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDiskWith(pub DirectIo);

struct RealFile {
    path: PathBuf,
    file: File,
    goes_direct: DirectIo,
    /// Made when it is first wanted; `None`: it cannot be had.
    direct: OnceLock<Option<Direct>>,
    refused: AtomicBool,
    /// What the first sync that failed said. The kernel tells of a lost write once; a second sync would be told that all is well,
    /// and so would one that runs at the same time. So syncs come one after the other, and none after a failed one.
    sync_failed: Mutex<Option<DiskError>>,
}

impl RealFile {
    fn shared(path: &Path, file: File, goes_direct: DirectIo) -> Arc<dyn DiskFile> {
        let (direct, refused, sync_failed) = (OnceLock::new(), AtomicBool::new(false), Mutex::new(None));
        Arc::new(RealFile { path: path.to_owned(), file, goes_direct, direct, refused, sync_failed })
    }

    /// The way past the page cache for this range, if it is wanted for `what` and can be had.
    fn direct(&self, what: DirectIo, offset: u64, length: usize) -> Option<&Direct> {
        if self.goes_direct != what && self.goes_direct != DirectIo::All {
            return None;
        }
        if self.refused.load(Ordering::Relaxed) {
            return None;
        }
        let direct = self.direct.get_or_init(|| Direct::of(&self.file).ok());
        direct.as_ref().filter(|d| d.takes(offset, length))
    }

    /// What a write past the page cache came to; `None`: the file system opens files for it and then does not take it, and the page cache is
    /// used from now on.
    fn taken<T>(&self, done: io::Result<T>) -> Option<io::Result<T>> {
        if done.as_ref().is_err_and(is_refusal) {
            self.refused.store(true, Ordering::Relaxed);
            return None;
        }
        Some(done)
    }

    /// Invariant 3.
    fn syncing(&self, f: impl FnOnce() -> DiskResult<()>) -> DiskResult<()> {
        let mut failed = self.sync_failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*failed {
            return Err(error.clone());
        }
        f().inspect_err(|error| *failed = Some(error.clone()))
    }

    fn error(&self, operation: Operation, offset: u64) -> impl Fn(io::Error) -> DiskError + '_ {
        move |e| DiskError::new(&self.path, operation, offset, &e)
    }
}

/// EINVAL: what was asked for cannot be done this way; nothing was.
fn is_refusal(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::InvalidInput
}

fn failed(path: &Path, operation: Operation) -> impl Fn(io::Error) -> DiskError + '_ {
    move |e| DiskError::new(path, operation, 0, &e)
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> DiskResult<Arc<dyn DiskFile>> {
        RealDiskWith::default().create(path)
    }

    fn open(&self, path: &Path, writable: bool) -> DiskResult<Arc<dyn DiskFile>> {
        RealDiskWith::default().open(path, writable)
    }

    fn exists(&self, path: &Path) -> bool {
        RealDiskWith::default().exists(path)
    }

    fn remove(&self, path: &Path) -> DiskResult<()> {
        RealDiskWith::default().remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()> {
        RealDiskWith::default().rename(from, to)
    }

    fn list(&self, directory: &Path) -> DiskResult<Vec<PathBuf>> {
        RealDiskWith::default().list(directory)
    }

    fn create_directory(&self, directory: &Path) -> DiskResult<()> {
        RealDiskWith::default().create_directory(directory)
    }

    fn sync_directory(&self, directory: &Path) -> DiskResult<()> {
        RealDiskWith::default().sync_directory(directory)
    }
}

impl Disk for RealDiskWith {
    fn create(&self, path: &Path) -> DiskResult<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
        Ok(RealFile::shared(path, file.map_err(failed(path, Operation::Create))?, self.0))
    }

    fn open(&self, path: &Path, writable: bool) -> DiskResult<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(writable).open(path);
        // Files that are only read are read once from end to end, mostly: that is what read-ahead is for.
        let direct = if writable { self.0 } else { DirectIo::Off };
        Ok(RealFile::shared(path, file.map_err(failed(path, Operation::Open))?, direct))
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
        let done = match self.direct(DirectIo::All, offset, out.len()) {
            // At the end of a file what is left to read lies on no boundary.
            Some(direct) => match direct.read(offset, out) {
                Err(e) if is_refusal(&e) => self.file.read_exact_at(out, offset),
                done => done,
            },
            None => self.file.read_exact_at(out, offset),
        };
        done.map_err(self.error(Operation::Read, offset))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()> {
        let direct = self.direct(DirectIo::All, offset, bytes.len());
        let done = direct.and_then(|d| self.taken(d.write(offset, &[bytes])));
        let done = done.unwrap_or_else(|| self.file.write_all_at(bytes, offset));
        done.map_err(self.error(Operation::Write, offset))
    }

    fn write_log(&self, offset: u64, parts: &[&[u8]]) -> DiskResult<()> {
        let length = parts.iter().map(|p| p.len()).sum();
        if let Some(direct) = self.direct(DirectIo::Log, offset, length)
            && let Some(done) = self.taken(direct.write(offset, parts))
        {
            return done.map_err(self.error(Operation::Write, offset));
        }
        write_parts(self, offset, parts)
    }

    fn write_log_durably(&self, offset: u64, parts: &[&[u8]]) -> DiskResult<()> {
        let length = parts.iter().map(|p| p.len()).sum();
        let Some(direct) = self.direct(DirectIo::Log, offset, length) else {
            self.write_log(offset, parts)?;
            return self.sync();
        };
        self.syncing(|| {
            let Some(done) = self.taken(direct.write_durably(offset, parts)) else {
                write_parts(self, offset, parts)?;
                return self.file.sync_data().map_err(self.error(Operation::Sync, 0));
            };
            if !done.map_err(self.error(Operation::Write, offset))? {
                self.file.sync_data().map_err(self.error(Operation::Sync, 0))?;
            }
            Ok(())
        })
    }

    fn sync(&self) -> DiskResult<()> {
        self.syncing(|| self.file.sync_data().map_err(self.error(Operation::Sync, 0)))
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
        if self.goes_direct == DirectIo::All {
            return;
        }
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

/// Whether files in a directory that can be written can be written past the page cache, too.
///
/// # Errors
/// What says that they cannot.
pub fn probe_direct(directory: &Path) -> DiskResult<()> {
    let path = directory.join("holdfast.direct");
    let options =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path);
    let file = options.map_err(failed(&path, Operation::Create))?;
    let found = Direct::of(&file).map(drop).map_err(failed(&path, Operation::Open));
    RealDisk.remove(&path)?;
    found
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

    /// Whatever the file system beside the tests takes, both ways show the same bytes; what lies on no boundary goes the other way.
    #[test]
    fn both_ways_to_a_file_are_one_file() {
        let dir = tempfile::tempdir_in(".").expect("temporary directory");
        for mode in [DirectIo::Off, DirectIo::Log, DirectIo::All] {
            let path = dir.path().join(format!("{mode:?}"));
            let file = RealDiskWith(mode).create(&path).expect("created");
            let mut expected = vec![7; 3 << 20];
            file.write_at(0, &expected).expect("written");
            let pieces: [(usize, usize); 8] = [
                (0, 512),
                (512, 1024),
                (5120, 60 << 10),
                (100, 77),
                (1 << 20, 1 << 20),
                (4096, 4096),
                (8191, 2),
                (2 << 20, 300 << 10),
            ];
            for (n, (at, length)) in pieces.into_iter().enumerate() {
                let bytes: Vec<u8> = (0..length).map(|i| (i * 31 + n) as u8).collect();
                expected[at..at + length].copy_from_slice(&bytes);
                let (first, rest) = bytes.split_at(length / 3);
                match n % 3 {
                    0 => file.write_log(at as u64, &[first, rest]),
                    1 => file.write_log_durably(at as u64, &[&[], first, rest]),
                    _ => file.write_at(at as u64, &bytes),
                }
                .expect("written");
                let mut read = vec![0; expected.len()];
                file.read_at(0, &mut read).expect("read");
                assert!(read == expected, "{mode:?}, piece {n}");
            }
            file.sync().expect("durable");
            // It has another name by now.
            std::fs::rename(&path, path.with_extension("moved")).expect("renamed");
            assert!(std::fs::read(path.with_extension("moved")).expect("read") == expected, "{mode:?}");
            assert!(file.read_at(3 << 20, &mut [0; 4096]).is_err(), "behind the end");
            file.set_length((3 << 20) + 100).expect("longer");
            let mut across = [1; 4096];
            assert!(file.read_at(3 << 20, &mut across).is_err(), "across the end");
            file.read_at(3 << 20, &mut across[..100]).expect("up to the end");
        }
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
