//! The memory that the leaves of all trees share, and the file that takes those that have not been used for long.
//!
//! Invariants
//! 1. A thread holds one slot's lock at a time, and none while it makes room; whoever makes room passes by slots that are locked.
//! 2. What a leaf has in the file is what it has in memory, or there is none: changing it gives the place in the file back.
//! 3. There is one file for all trees, made when first needed and gone when nothing is in it. It is unlinked at once (`operator::spill`).

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use holdfast_types::SqlResult;
use parking_lot::Mutex;

use super::extents::{Extent, Extents};
use super::leaf::Leaf;
use crate::operator::spill::{damaged, io_error, open_temporary};

/// Bytes of entries of a leaf, as long as it holds more than one.
const LEAF_BYTES: usize = 16 << 10;

/// The file is cut when its unused end has grown to this many bytes.
const CUT: u64 = 4 << 20;

/// Slots in the queue beyond those that are alive before the others are taken out.
const SLACK: usize = 1024;

/// What all trees of a server share.
pub struct Pool {
    /// Bytes that leaves may take in memory.
    limit: AtomicUsize,
    leaf_bytes: AtomicUsize,
    used: AtomicUsize,
    directory: PathBuf,
    space: Mutex<Space>,
    /// Slots with a leaf in memory that may be put out, the longest there first.
    queue: Mutex<VecDeque<Weak<Slot>>>,
    /// Slots that are or were in the queue and still live.
    enlisted: AtomicUsize,
    written: AtomicU64,
}

#[derive(Default)]
struct Space {
    file: Option<Arc<File>>,
    /// Length of the file, at least the end of what is in use.
    length: u64,
    extents: Extents,
}

impl Pool {
    /// A pool whose leaves may take `limit` bytes in memory, with its file in `directory`.
    pub fn new(limit: usize, directory: impl Into<PathBuf>) -> Arc<Self> {
        Arc::new(Pool {
            limit: AtomicUsize::new(limit),
            leaf_bytes: AtomicUsize::new(LEAF_BYTES),
            used: AtomicUsize::new(0),
            directory: directory.into(),
            space: Mutex::default(),
            queue: Mutex::default(),
            enlisted: AtomicUsize::new(0),
            written: AtomicU64::new(0),
        })
    }

    /// Bytes that leaves may take from now on.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Bytes of entries of a leaf from now on: tests make trees of few rows deep.
    pub fn set_leaf_bytes(&self, bytes: usize) {
        self.leaf_bytes.store(bytes, Ordering::Relaxed);
    }

    pub fn leaf_bytes(&self) -> usize {
        self.leaf_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that leaves take in memory.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes written to the file so far.
    pub fn written_bytes(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Bytes of the file that are in use.
    pub fn file_bytes(&self) -> u64 {
        self.space.lock().extents.in_use()
    }

    /// Puts leaves out until what is in memory is within the limit.
    ///
    /// # Errors
    /// 1105 when the file cannot be written.
    pub fn make_room(&self) -> SqlResult<()> {
        let limit = self.limit();
        if self.used() <= limit {
            return Ok(());
        }
        let goal = limit - limit / 16;
        let mut failure = None;
        // Each slot is met twice: first it is only marked as not used since.
        let mut steps = 2 * self.queue.lock().len();
        while self.used() > goal && steps > 0 {
            steps -= 1;
            let Some(next) = self.queue.lock().pop_front() else { break };
            let Some(slot) = next.upgrade() else { continue };
            match slot.put_out(failure.is_none()) {
                Ok(true) => {}
                Ok(false) => self.queue.lock().push_back(next),
                Err(e) => {
                    self.queue.lock().push_back(next);
                    failure = Some(e);
                }
            }
        }
        match failure {
            Some(e) if self.used() > limit => Err(e),
            _ => Ok(()),
        }
    }

    fn enlist(&self, slot: &Arc<Slot>) {
        let mut queue = self.queue.lock();
        if queue.len() > 2 * self.enlisted.load(Ordering::Relaxed) + SLACK {
            queue.retain(|s| s.strong_count() > 0);
        }
        queue.push_back(Arc::downgrade(slot));
    }

    fn write(&self, content: &[u8]) -> SqlResult<Extent> {
        let (file, extent) = {
            let mut space = self.space.lock();
            let file = match &space.file {
                Some(file) => Arc::clone(file),
                None => {
                    let file = Arc::new(open_temporary(&self.directory)?);
                    space.length = 0;
                    space.file.insert(file).clone()
                }
            };
            let extent = space.extents.take(content.len() as u64);
            space.length = space.length.max(space.extents.end());
            (file, extent)
        };
        if let Err(e) = file.write_all_at(content, extent.offset) {
            self.give_back(extent);
            return Err(io_error(e));
        }
        self.written.fetch_add(extent.len, Ordering::Relaxed);
        Ok(extent)
    }

    fn read(&self, extent: Extent) -> SqlResult<Leaf> {
        let file = self.space.lock().file.clone();
        let file = file.ok_or_else(damaged)?;
        let mut content = vec![0; usize::try_from(extent.len).unwrap_or(0)];
        file.read_exact_at(&mut content, extent.offset).map_err(io_error)?;
        Leaf::decode(&content)
    }

    fn give_back(&self, extent: Extent) {
        let mut space = self.space.lock();
        space.extents.give_back(extent);
        let end = space.extents.end();
        if end == 0 {
            // Closing it gives all its space back.
            space.file = None;
            space.length = 0;
        } else if space.length - end >= CUT
            && let Some(file) = &space.file
            && file.set_len(end).is_ok()
        {
            space.length = end;
        }
    }
}

/// The place of a leaf: in memory, in the file, or both.
pub struct Slot {
    pool: Arc<Pool>,
    state: Mutex<State>,
    /// Looked at since whoever makes room last came by.
    touched: AtomicBool,
    /// Whether it may be put out at all.
    counted: AtomicBool,
}

struct State {
    leaf: Option<Arc<Leaf>>,
    charged: usize,
    extent: Option<Extent>,
    queued: bool,
}

impl Slot {
    /// A slot for a leaf. One that is not `listed` stays in memory: the only leaf of a small tree.
    pub fn new(pool: &Arc<Pool>, leaf: Arc<Leaf>, listed: bool) -> Arc<Slot> {
        let charged = leaf.memory();
        pool.used.fetch_add(charged, Ordering::Relaxed);
        let state = State { leaf: Some(leaf), charged, extent: None, queued: false };
        let slot = Arc::new(Slot {
            pool: Arc::clone(pool),
            state: Mutex::new(state),
            touched: AtomicBool::new(true),
            counted: AtomicBool::new(false),
        });
        if listed {
            slot.list();
        }
        slot
    }

    /// From now on the leaf may be put out.
    pub fn list(self: &Arc<Self>) {
        if self.counted.swap(true, Ordering::Relaxed) {
            return;
        }
        self.pool.enlisted.fetch_add(1, Ordering::Relaxed);
        self.state.lock().queued = true;
        self.pool.enlist(self);
    }

    pub fn is_listed(&self) -> bool {
        self.counted.load(Ordering::Relaxed)
    }

    /// The leaf.
    ///
    /// # Errors
    /// 1105 when it cannot be read from the file.
    pub fn leaf(self: &Arc<Self>) -> SqlResult<Arc<Leaf>> {
        self.touched.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        if let Some(leaf) = &state.leaf {
            return Ok(Arc::clone(leaf));
        }
        let leaf = self.load(&mut state)?;
        drop(state);
        // What cannot be put out now stays: reading goes on (`row_store`, invariant 4).
        let _ = self.pool.make_room();
        Ok(leaf)
    }

    fn load(self: &Arc<Self>, state: &mut State) -> SqlResult<Arc<Leaf>> {
        if let Some(leaf) = &state.leaf {
            return Ok(Arc::clone(leaf));
        }
        let extent = state.extent.ok_or_else(damaged)?;
        let leaf = Arc::new(self.pool.read(extent)?);
        state.charged = leaf.memory();
        self.pool.used.fetch_add(state.charged, Ordering::Relaxed);
        state.leaf = Some(Arc::clone(&leaf));
        if !state.queued {
            state.queued = true;
            self.pool.enlist(self);
        }
        Ok(leaf)
    }

    /// Changes the leaf.
    ///
    /// # Errors
    /// 1105 when it cannot be read from the file; those of `f`, which has changed nothing then.
    pub fn change<T>(self: &Arc<Self>, f: impl FnOnce(&mut Leaf) -> SqlResult<T>) -> SqlResult<T> {
        self.touched.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        drop(self.load(&mut state)?);
        let State { leaf, charged, extent, .. } = &mut *state;
        let Some(leaf) = leaf else { return Err(damaged()) };
        let leaf = Arc::make_mut(leaf);
        let out = f(leaf);
        let now = leaf.memory();
        self.pool.used.fetch_add(now, Ordering::Relaxed);
        self.pool.used.fetch_sub(*charged, Ordering::Relaxed);
        *charged = now;
        if out.is_ok()
            && let Some(old) = extent.take()
        {
            self.pool.give_back(old);
        }
        out
    }

    /// Gives the leaf's memory back, if it has not been used lately; `write`: also when it has to be written first.
    fn put_out(&self, write: bool) -> SqlResult<bool> {
        if self.touched.swap(false, Ordering::Relaxed) {
            return Ok(false);
        }
        let Some(mut state) = self.state.try_lock() else { return Ok(false) };
        let Some(leaf) = &state.leaf else {
            state.queued = false;
            return Ok(true);
        };
        if Arc::strong_count(leaf) > 1 {
            return Ok(false);
        }
        if state.extent.is_none() {
            if !write {
                return Ok(false);
            }
            state.extent = Some(self.pool.write(&leaf.encode())?);
        }
        state.leaf = None;
        state.queued = false;
        self.pool.used.fetch_sub(std::mem::take(&mut state.charged), Ordering::Relaxed);
        Ok(true)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        self.pool.used.fetch_sub(state.charged, Ordering::Relaxed);
        if let Some(extent) = state.extent.take() {
            self.pool.give_back(extent);
        }
        if *self.counted.get_mut() {
            self.pool.enlisted.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row_store::{Cursor, Tree};

    #[test]
    fn a_file_that_was_cut_short_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::new(0, dir.path());
        pool.set_leaf_bytes(256);
        let mut tree = Tree::of_keys(&pool);
        let entries: Vec<[u8; 8]> = (0..1000u64).map(u64::to_be_bytes).collect();
        tree.insert_sorted(&entries).unwrap();
        pool.make_room().unwrap();
        assert!(pool.file_bytes() > 0, "leaves were put out");
        pool.space.lock().file.as_ref().unwrap().set_len(100).unwrap();
        let mut c = Cursor::new(&tree);
        let mut read = || -> SqlResult<usize> {
            c.seek_first()?;
            let mut n = 0;
            while c.entry().is_some() {
                c.advance()?;
                n += 1;
            }
            Ok(n)
        };
        assert_eq!(read().unwrap_err().number, 1105);
    }
}
