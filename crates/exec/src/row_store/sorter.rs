//! Building a tree from entries that come in any order: sorted runs, which are trees themselves, merged into one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use holdfast_types::SqlResult;

use super::cursor::Cursor;
use super::pool::Pool;
use super::tree::Tree;
use crate::operator::sort_key::prefix;

/// Entries are added to a tree so many at a time.
const STEP: usize = 1024;

/// A run takes at most this many bytes before it is sorted, and at most a quarter of the pool's memory.
const RUN_BYTES: usize = 32 << 20;

/// Entries in one buffer.
#[derive(Default)]
struct Run {
    bytes: Vec<u8>,
    /// First bytes of the entry as a number that orders the same way, start, length.
    entries: Vec<(u64, u32, u32)>,
}

impl Run {
    fn push(&mut self, entry: &[u8]) {
        // `Sorter::push` keeps runs below 4 GB.
        self.entries.push((prefix(entry), self.bytes.len() as u32, entry.len() as u32));
        self.bytes.extend_from_slice(entry);
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<(u64, u32, u32)>()
    }

    fn get(&self, n: usize) -> Option<&[u8]> {
        let (_, start, len) = *self.entries.get(n)?;
        self.bytes.get(start as usize..(start + len) as usize)
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        let of = |e: &(u64, u32, u32)| &bytes[e.1 as usize..(e.1 + e.2) as usize];
        self.entries.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| of(a).cmp(of(b))));
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

/// Takes entries in any order.
pub struct Sorter {
    pool: Arc<Pool>,
    run: Run,
    max: usize,
    runs: Vec<Tree>,
}

impl Sorter {
    pub fn new(pool: &Arc<Pool>) -> Self {
        let max = (pool.limit() / 4).clamp(pool.leaf_bytes(), RUN_BYTES);
        Sorter { pool: Arc::clone(pool), run: Run::default(), max, runs: Vec::new() }
    }

    /// # Errors
    /// 1105 when the spill file cannot be written or read.
    pub fn push(&mut self, entry: &[u8]) -> SqlResult<()> {
        if !self.run.entries.is_empty() && self.run.size() + entry.len() > self.max {
            self.end_run()?;
        }
        self.run.push(entry);
        Ok(())
    }

    fn end_run(&mut self) -> SqlResult<()> {
        self.run.sort();
        let mut tree = Tree::of_keys(&self.pool);
        let mut some = Vec::with_capacity(STEP);
        for from in (0..self.run.entries.len()).step_by(STEP) {
            some.clear();
            some.extend((from..from + STEP).map_while(|n| self.run.get(n)));
            self.pool.make_room()?;
            tree.insert_sorted(&some)?;
        }
        drop(some);
        self.run.clear();
        self.runs.push(tree);
        Ok(())
    }

    /// The entries in order. Those that are equal to another may be left out.
    ///
    /// # Errors
    /// As [`Sorter::push`].
    pub fn sorted(mut self) -> SqlResult<Sorted> {
        let mut out = Sorted { run: Run::default(), at: 0, cursors: Vec::new(), heads: BinaryHeap::new() };
        if self.runs.is_empty() {
            self.run.sort();
            out.run = self.run;
            return Ok(out);
        }
        self.end_run()?;
        self.run = Run::default();
        for (n, run) in self.runs.iter().enumerate() {
            let mut cursor = Cursor::new(run);
            cursor.seek_first()?;
            out.heads.extend(cursor.entry().map(|e| Reverse((e.to_vec(), n))));
            // It keeps what it has not passed yet.
            out.cursors.push(cursor);
        }
        Ok(out)
    }

    /// The tree of all entries.
    ///
    /// # Errors
    /// As [`Sorter::push`].
    pub fn finish(self) -> SqlResult<Tree> {
        let pool = Arc::clone(&self.pool);
        let mut sorted = self.sorted()?;
        let mut tree = Tree::of_keys(&pool);
        let mut some: Vec<Vec<u8>> = Vec::with_capacity(STEP);
        loop {
            let mut entry = Vec::new();
            let more = sorted.next(&mut entry)?;
            if more {
                some.push(entry);
            }
            if some.len() == STEP || !more {
                pool.make_room()?;
                tree.insert_sorted(&some)?;
                some.clear();
            }
            if !more {
                return Ok(tree);
            }
        }
    }
}

/// Entries in order.
pub struct Sorted {
    /// All of them, when they were few.
    run: Run,
    at: usize,
    /// Otherwise the runs, and the entry that each stands at.
    cursors: Vec<Cursor>,
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
}

impl Sorted {
    /// Appends the next entry to `out`; `false` at the end.
    ///
    /// # Errors
    /// 1105 when the spill file cannot be read.
    pub fn next(&mut self, out: &mut Vec<u8>) -> SqlResult<bool> {
        if let Some(entry) = self.run.get(self.at) {
            out.extend_from_slice(entry);
            self.at += 1;
            return Ok(true);
        }
        let Some(mut head) = self.heads.peek_mut() else { return Ok(false) };
        let Reverse((entry, n)) = &mut *head;
        out.extend_from_slice(entry);
        let cursor = &mut self.cursors[*n];
        cursor.advance()?;
        match cursor.entry() {
            Some(next) => {
                entry.clear();
                entry.extend_from_slice(next);
            }
            None => {
                PeekMut::pop(head);
            }
        }
        Ok(true)
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
                sorter.push(&(n * 7919 % 5000).to_be_bytes()).unwrap();
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
