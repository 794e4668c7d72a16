//! Writing and reading past the page cache of the operating system (`O_DIRECT`).
//!
//! The log is written once, in order, and read only by recovery, backups and rollbacks: a copy of it in the page cache is of no use, making
//! one takes processor time that grows with the size of a commit, and writing it back is a second step of each commit.
//!
//! Invariants
//! 1. What does not lie on the device's boundaries is refused ([`Direct::takes`]): the caller takes the page cache for it. The kernel keeps
//!    both ways to a file coherent for reads and writes of one process.
//! 2. The memory given to the kernel is this module's own and belongs to one call until that returns.
//!
//! Source of the rules: open(2), statx(2), pwritev2(2); boundaries are asked of each file.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, OFlags, StatxFlags};
use rustix::io::ReadWriteFlags;

/// Largest piece that goes to the kernel at once.
const PIECE: usize = 256 << 10;
/// Buffers that are kept for the next call.
const KEPT: usize = 4;

/// A second handle of a file.
pub(crate) struct Direct {
    file: File,
    /// Boundary of buffers in memory, and of offsets and lengths in the file, in bytes.
    memory: usize,
    place: u64,
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Direct {
    /// Another handle of the same file.
    ///
    /// # Errors
    /// When the file system, the device or the kernel does not have it.
    pub(crate) fn of(file: &File) -> io::Result<Direct> {
        // By handle, not by name: the file may have another name by now.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let direct = OFlags::DIRECT.bits() as i32;
        let file = File::options().read(true).write(true).custom_flags(direct).open(path)?;
        let told = rustix::fs::statx(&file, c"", AtFlags::EMPTY_PATH, StatxFlags::DIOALIGN)?;
        let known = told.stx_mask & StatxFlags::DIOALIGN.bits() != 0;
        // Kernels before 6.1 do not tell: what every device takes.
        let (memory, place) = match known {
            true => (told.stx_dio_mem_align, told.stx_dio_offset_align),
            false => (4096, 4096),
        };
        if !memory.is_power_of_two() || !place.is_power_of_two() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Direct { file, memory: memory as usize, place: u64::from(place), buffers: Mutex::default() })
    }

    /// Invariant 1.
    pub(crate) fn takes(&self, offset: u64, length: usize) -> bool {
        offset.is_multiple_of(self.place) && (length as u64).is_multiple_of(self.place) && length > 0
    }

    /// Writes parts one behind the other, from `offset` on.
    pub(crate) fn write(&self, offset: u64, parts: &[&[u8]]) -> io::Result<()> {
        self.write_pieces(offset, parts, |buffer, at| self.file.write_all_at(buffer, at))
    }

    /// Writes and has the device keep it: `false`, when the bytes are written but a sync is still needed. Says nothing about other writes.
    pub(crate) fn write_durably(&self, offset: u64, parts: &[&[u8]]) -> io::Result<bool> {
        if parts.iter().map(|p| p.len()).sum::<usize>() > PIECE {
            return self.write(offset, parts).map(|()| false);
        }
        let mut durable = false;
        self.write_pieces(offset, parts, |buffer, at| {
            let written = loop {
                match rustix::io::pwritev2(&self.file, &[IoSlice::new(buffer)], at, ReadWriteFlags::DSYNC) {
                    Err(rustix::io::Errno::INTR) => {}
                    // A file system that does not know the flag.
                    Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => break 0,
                    done => break done?,
                }
            };
            durable = written == buffer.len();
            if durable { Ok(()) } else { self.file.write_all_at(buffer, at) }
        })?;
        Ok(durable)
    }

    /// Calls `f` with one piece after the other and its place.
    fn write_pieces(
        &self,
        offset: u64,
        parts: &[&[u8]],
        mut f: impl FnMut(&[u8], u64) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut left: usize = parts.iter().map(|p| p.len()).sum();
        let mut bytes = parts.iter().flat_map(|p| p.chunks(PIECE)).collect::<std::collections::VecDeque<_>>();
        let mut at = offset;
        while left > 0 {
            let length = left.min(PIECE);
            self.with_buffer(length, |buffer| {
                let mut rest = &mut *buffer;
                while let Some(next) = bytes.front_mut().filter(|_| !rest.is_empty()) {
                    let fits = next.len().min(rest.len());
                    let (here, later) = next.split_at(fits);
                    let (to, behind) = std::mem::take(&mut rest).split_at_mut(fits);
                    to.copy_from_slice(here);
                    (rest, *next) = (behind, later);
                    if later.is_empty() {
                        bytes.pop_front();
                    }
                }
                f(buffer, at)
            })?;
            at += length as u64;
            left -= length;
        }
        Ok(())
    }

    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut at = offset;
        out.chunks_mut(PIECE).try_for_each(|piece| {
            self.with_buffer(piece.len(), |buffer| {
                self.file.read_exact_at(buffer, at)?;
                piece.copy_from_slice(buffer);
                Ok(())
            })?;
            at += piece.len() as u64;
            Ok(())
        })
    }

    /// Lends `length` bytes on a boundary.
    fn with_buffer<T>(&self, length: usize, f: impl FnOnce(&mut [u8]) -> io::Result<T>) -> io::Result<T> {
        let kept = || self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = kept().pop().unwrap_or_default();
        if buffer.len() < length + self.memory {
            buffer.resize(length + self.memory, 0);
        }
        let from = buffer.as_ptr().align_offset(self.memory);
        let done = match buffer.get_mut(from..from + length) {
            Some(part) => f(part),
            None => Err(io::ErrorKind::OutOfMemory.into()),
        };
        let mut kept = kept();
        if kept.len() < KEPT {
            kept.push(buffer);
        }
        done
    }
}
