//! Moving through the entries of a tree as it was when the cursor was made.
//!
//! Invariants
//! 1. A cursor keeps one leaf in memory, the one it is at.
//! 2. Between two entries of neighbouring leaves a cursor stands at the second.

use std::sync::Arc;

use holdfast_types::SqlResult;

use super::leaf::Leaf;
use super::tree::{Branch, Node, Tree};

/// A place in a tree: at an entry, before the first or behind the last.
pub struct Cursor {
    root: Option<Node>,
    /// The branches above the leaf, with the child that was taken.
    path: Vec<(Arc<Branch>, usize)>,
    leaf: Option<Arc<Leaf>>,
    at: usize,
}

impl Cursor {
    /// A cursor that stands nowhere yet.
    pub fn new(tree: &Tree) -> Self {
        Cursor { root: tree.root().cloned(), path: Vec::new(), leaf: None, at: 0 }
    }

    /// The entry it stands at.
    #[inline]
    pub fn entry(&self) -> Option<&[u8]> {
        let leaf = self.leaf.as_ref()?;
        (self.at < leaf.len()).then(|| leaf.entry(self.at))
    }

    /// Goes to the first entry that is not below `key`.
    ///
    /// # Errors
    /// Here and below: 1105 when the spill file cannot be read.
    pub fn seek(&mut self, key: &[u8]) -> SqlResult<()> {
        // Where it stands already, as lookups in order mostly do.
        if let Some(leaf) = &self.leaf
            && leaf.first().is_some_and(|f| f <= key)
            && leaf.last().is_some_and(|l| key <= l)
        {
            self.at = leaf.lower_bound(key);
            return Ok(());
        }
        self.path.clear();
        self.leaf = None;
        let mut node = self.root.clone();
        while let Some(Node::Branch(branch)) = node {
            let i = branch.place(key);
            node = branch.child(i).cloned();
            self.path.push((branch, i));
        }
        self.open(node)?;
        self.at = self.leaf.as_ref().map_or(0, |l| l.lower_bound(key));
        if self.entry().is_none() { self.next_leaf() } else { Ok(()) }
    }

    /// Goes to the last entry below `key`.
    pub fn seek_before(&mut self, key: &[u8]) -> SqlResult<()> {
        self.seek(key)?;
        if self.entry().is_some() { self.previous() } else { self.seek_last() }
    }

    /// Goes to the first entry.
    pub fn seek_first(&mut self) -> SqlResult<()> {
        self.seek(&[])
    }

    /// Goes to the last entry.
    pub fn seek_last(&mut self) -> SqlResult<()> {
        self.path.clear();
        self.leaf = None;
        let node = self.root.clone();
        self.descend(node, true)
    }

    /// Whether an entry begins with `key`; the cursor stands there then.
    pub fn find(&mut self, key: &[u8]) -> SqlResult<bool> {
        self.seek(key)?;
        Ok(self.entry().is_some_and(|e| e.starts_with(key)))
    }

    /// Goes to the next entry.
    #[inline]
    pub fn advance(&mut self) -> SqlResult<()> {
        self.at += 1;
        match &self.leaf {
            Some(leaf) if self.at >= leaf.len() => self.next_leaf(),
            _ => Ok(()),
        }
    }

    /// Goes to the entry before.
    pub fn previous(&mut self) -> SqlResult<()> {
        if self.at > 0 {
            self.at -= 1;
            return Ok(());
        }
        self.leave(true)
    }

    fn next_leaf(&mut self) -> SqlResult<()> {
        self.leave(false)
    }

    /// To the neighbouring leaf; nowhere when there is none.
    fn leave(&mut self, backward: bool) -> SqlResult<()> {
        self.leaf = None;
        while let Some((branch, i)) = self.path.last_mut() {
            let next = if backward { i.checked_sub(1) } else { Some(*i + 1).filter(|n| *n < branch.len()) };
            if let Some(next) = next {
                *i = next;
                let node = branch.child(next).cloned();
                return self.descend(node, backward);
            }
            self.path.pop();
        }
        Ok(())
    }

    /// To the first or last entry below a node.
    fn descend(&mut self, mut node: Option<Node>, backward: bool) -> SqlResult<()> {
        while let Some(Node::Branch(branch)) = node {
            let i = if backward { branch.len().saturating_sub(1) } else { 0 };
            node = branch.child(i).cloned();
            self.path.push((branch, i));
        }
        self.open(node)?;
        self.at = match &self.leaf {
            Some(leaf) if backward => leaf.len().saturating_sub(1),
            _ => 0,
        };
        Ok(())
    }

    fn open(&mut self, node: Option<Node>) -> SqlResult<()> {
        if let Some(Node::Leaf(slot)) = node {
            self.leaf = Some(slot.leaf()?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Pool;
    use super::*;

    struct Numbers(u64);
    impl Numbers {
        fn next(&mut self, below: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % below
        }
    }

    fn all(tree: &Tree) -> Vec<Vec<u8>> {
        let mut c = Cursor::new(tree);
        let mut out = Vec::new();
        c.seek_first().unwrap();
        while let Some(e) = c.entry() {
            out.push(e.to_vec());
            c.advance().unwrap();
        }
        out
    }

    fn backward(tree: &Tree) -> Vec<Vec<u8>> {
        let mut c = Cursor::new(tree);
        let mut out = Vec::new();
        c.seek_last().unwrap();
        while let Some(e) = c.entry() {
            out.push(e.to_vec());
            c.previous().unwrap();
        }
        out.reverse();
        out
    }

    /// Trees do what sets do, whatever their memory, and snapshots stay what they were.
    #[test]
    fn a_tree_is_a_set() {
        for (seed, limit) in [(1, 0), (2, 700), (3, 1 << 20), (4, 0), (5, 3000)] {
            let pool = Pool::new(limit, std::env::temp_dir());
            pool.set_leaf_bytes(240);
            let mut n = Numbers(seed);
            let (mut tree, mut model) = (Tree::of_keys(&pool), BTreeSet::<Vec<u8>>::new());
            let mut snapshots: Vec<(Tree, Vec<Vec<u8>>)> = Vec::new();
            let entry = |n: &mut Numbers| {
                let mut e = (n.next(3000) as u16).to_be_bytes().to_vec();
                let id = u64::from(e[1]) * 7;
                e.extend(std::iter::repeat_n(e[0], id as usize % 13));
                e
            };
            for step in 0..1500 {
                match n.next(10) {
                    0..=4 => {
                        let count = if step % 97 == 0 { 400 } else { 1 + n.next(4) };
                        let some: BTreeSet<Vec<u8>> = (0..count).map(|_| entry(&mut n)).collect();
                        let some: Vec<Vec<u8>> = some.into_iter().collect();
                        tree.insert_sorted(&some).unwrap();
                        model.extend(some);
                    }
                    5..=7 => {
                        let count = if step % 83 == 0 { 700 } else { 1 + n.next(3) };
                        let some: BTreeSet<Vec<u8>> = (0..count).map(|_| entry(&mut n)).collect();
                        let some: Vec<Vec<u8>> = some.into_iter().collect();
                        let gone = tree.remove_sorted(&some).unwrap();
                        let expected = some.iter().filter(|e| model.remove(*e)).count();
                        assert_eq!(gone, expected, "seed {seed} step {step}");
                    }
                    8 => {
                        let e = entry(&mut n);
                        let mut c = Cursor::new(&tree);
                        c.seek(&e).unwrap();
                        assert_eq!(c.entry(), model.range(e.clone()..).next().map(Vec::as_slice));
                        c.seek_before(&e).unwrap();
                        assert_eq!(c.entry(), model.range(..e.clone()).next_back().map(Vec::as_slice));
                    }
                    _ => {
                        if snapshots.len() > 5 {
                            let at = n.next(6) as usize;
                            let (snapshot, was) = snapshots.swap_remove(at);
                            assert_eq!(all(&snapshot), was, "seed {seed} step {step}");
                        }
                        snapshots.push((tree.clone(), model.iter().cloned().collect()));
                    }
                }
                assert_eq!(tree.len(), model.len(), "seed {seed} step {step}");
                pool.make_room().unwrap();
                if step % 50 == 0 {
                    let expected: Vec<Vec<u8>> = model.iter().cloned().collect();
                    assert_eq!(all(&tree), expected, "seed {seed} step {step}");
                    assert_eq!(backward(&tree), expected, "seed {seed} step {step}");
                }
            }
            assert_eq!(pool.written_bytes() > 0, limit < 1 << 20);
            for (snapshot, was) in snapshots.drain(..) {
                assert_eq!(all(&snapshot), was);
            }
            let gone: Vec<Vec<u8>> = model.iter().cloned().collect();
            assert_eq!(tree.remove_sorted(&gone).unwrap(), gone.len());
            assert!(tree.is_empty() && all(&tree).is_empty());
            drop(tree);
            assert_eq!((pool.used(), pool.file_bytes()), (0, 0), "all given back");
        }
    }

    /// Entries that are the same take each other's place, whatever their length.
    #[test]
    fn a_tree_of_rows_is_a_map() {
        for limit in [0, 1 << 20] {
            let pool = Pool::new(limit, std::env::temp_dir());
            pool.set_leaf_bytes(100);
            let mut n = Numbers(8);
            let (mut tree, mut model) = (Tree::new(&pool, 2), std::collections::BTreeMap::new());
            for step in 0..800 {
                let some: BTreeSet<u16> = (0..1 + n.next(30)).map(|_| n.next(500) as u16).collect();
                let keys: Vec<[u8; 2]> = some.iter().map(|k| k.to_be_bytes()).collect();
                if n.next(3) == 0 {
                    let expected = keys.iter().filter(|k| model.remove(*k).is_some()).count();
                    assert_eq!(tree.remove_sorted(&keys).unwrap(), expected, "step {step}");
                } else {
                    let row = |k: &[u8; 2]| [&k[..], &vec![step as u8; n.next(40) as usize]].concat();
                    let rows: Vec<Vec<u8>> = keys.iter().map(row).collect();
                    tree.insert_sorted(&rows).unwrap();
                    model.extend(keys.into_iter().zip(rows));
                }
                pool.make_room().unwrap();
                assert_eq!(tree.len(), model.len(), "step {step}");
                if step % 20 == 0 {
                    let expected: Vec<Vec<u8>> = model.values().cloned().collect();
                    assert_eq!(all(&tree), expected, "step {step}");
                }
            }
        }
    }

    #[test]
    fn dividers_divide() {
        let pool = Pool::new(1 << 20, std::env::temp_dir());
        pool.set_leaf_bytes(256);
        let mut tree = Tree::of_keys(&pool);
        let entries: Vec<[u8; 8]> = (0..50_000u64).map(u64::to_be_bytes).collect();
        for part in entries.chunks(1000) {
            tree.insert_sorted(part).unwrap();
        }
        assert!(Tree::of_keys(&pool).dividers(4).is_empty());
        let keys = tree.dividers(4);
        assert_eq!(keys.len(), 3);
        let places: Vec<usize> = keys.iter().map(|k| entries.partition_point(|e| e[..] < **k)).collect();
        for (n, p) in places.iter().enumerate() {
            assert!(p.abs_diff((n + 1) * 12_500) < 3000, "{places:?}");
        }
    }

    #[test]
    fn a_full_disk_is_an_error_before_anything_changes() {
        let root = tempfile::tempdir().unwrap();
        let pool = Pool::new(0, root.path().join("absent"));
        pool.set_leaf_bytes(256);
        let mut tree = Tree::of_keys(&pool);
        let entries: Vec<[u8; 8]> = (0..1000u64).map(u64::to_be_bytes).collect();
        tree.insert_sorted(&entries).unwrap();
        assert_eq!(pool.make_room().unwrap_err().number, 1105);
        assert_eq!(all(&tree).len(), 1000);
    }
}
