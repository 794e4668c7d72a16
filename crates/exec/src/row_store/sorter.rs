//! Building a tree from entries that come in any order: sorted runs, which are trees themselves, merged into one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use holdfast_types::SqlResult;

use super::cursor::Cursor;
use super::pool::Pool;
use super::tree::Tree;

/// Entries are added to a tree so many at a time.
const STEP: usize = 1024;

/// A run takes at most this many bytes before it is sorted, and at most a quarter of the pool's memory.
const RUN_BYTES: usize = 32 << 20;

pub struct Sorter {
    pool: Arc<Pool>,
    run: Vec<Vec<u8>>,
    bytes: usize,
    max: usize,
    runs: Vec<Tree>,
}

impl Sorter {
    pub fn new(pool: &Arc<Pool>) -> Self {
        let max = (pool.limit() / 4).clamp(pool.leaf_bytes(), RUN_BYTES);
        Sorter { pool: Arc::clone(pool), run: Vec::new(), bytes: 0, max, runs: Vec::new() }
    }

    /// # Errors
    /// 1105 when the spill file cannot be written or read.
    pub fn push(&mut self, entry: Vec<u8>) -> SqlResult<()> {
        // With what the allocator adds and the vector's own words.
        self.bytes += entry.len() + 40;
        self.run.push(entry);
        if self.bytes >= self.max { self.end_run() } else { Ok(()) }
    }

    fn end_run(&mut self) -> SqlResult<()> {
        self.run.sort_unstable();
        let mut tree = Tree::of_keys(&self.pool);
        for some in self.run.chunks(STEP) {
            self.pool.make_room()?;
            tree.insert_sorted(some)?;
        }
        self.run.clear();
        self.bytes = 0;
        self.runs.push(tree);
        Ok(())
    }

    /// The tree of all entries.
    ///
    /// # Errors
    /// As [`Sorter::push`].
    pub fn finish(mut self) -> SqlResult<Tree> {
        self.end_run()?;
        if self.runs.len() == 1
            && let Some(only) = self.runs.pop()
        {
            return Ok(only);
        }
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        let mut cursors: Vec<Cursor> = self.runs.iter().map(Cursor::new).collect();
        // The cursors keep what they have not passed yet.
        self.runs.clear();
        for (n, c) in cursors.iter_mut().enumerate() {
            c.seek_first()?;
            heads.extend(c.entry().map(|e| Reverse((e.to_vec(), n))));
        }
        let mut tree = Tree::of_keys(&self.pool);
        let mut some = Vec::with_capacity(STEP);
        while let Some(Reverse((entry, n))) = heads.pop() {
            cursors[n].advance()?;
            heads.extend(cursors[n].entry().map(|e| Reverse((e.to_vec(), n))));
            some.push(entry);
            if some.len() == STEP {
                self.pool.make_room()?;
                tree.insert_sorted(&some)?;
                some.clear();
            }
        }
        tree.insert_sorted(&some)?;
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_come_together() {
        for limit in [0, 20_000, 1 << 24] {
            let pool = Pool::new(limit, std::env::temp_dir());
            pool.set_leaf_bytes(256);
            let mut sorter = Sorter::new(&pool);
            for n in 0..5000u64 {
                sorter.push((n * 7919 % 5000).to_be_bytes().to_vec()).unwrap();
            }
            let tree = sorter.finish().unwrap();
            assert_eq!(tree.len(), 5000);
            let mut c = Cursor::new(&tree);
            c.seek_first().unwrap();
            for n in 0..5000u64 {
                assert_eq!(c.entry(), Some(&n.to_be_bytes()[..]));
                c.advance().unwrap();
            }
            assert!(c.entry().is_none());
        }
    }
}
