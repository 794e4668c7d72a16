//! Ordered sets of byte strings: B+trees that are copied on writing.
//!
//! Invariants
//! 1. `keys[i]` of a branch is above everything below child `i` and not above anything below child `i + 1`.
//! 2. A child that another tree refers to as well is copied before it changes, and so is everything on the way to it.
//! 3. No leaf of a branch is empty.
//! 4. A tree of one leaf stays in memory as long as that is not full: small tables never wait for a disk.
//! 5. A change that fails has been carried out for some of its entries and not for the others; the tree is as good as any.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use holdfast_types::{SqlError, SqlResult};

use super::leaf::Leaf;
use super::pool::{Pool, Slot};

/// Children of a branch.
const FANOUT: usize = 256;

/// Leaves of trees of keys are so much smaller than those of rows: changes come to them in any order, a few to each.
const SMALLER: usize = 4;

#[derive(Clone)]
pub(super) enum Node {
    Branch(Arc<Branch>),
    Leaf(Arc<Slot>),
}

#[derive(Clone)]
pub(super) struct Branch {
    keys: Vec<Box<[u8]>>,
    children: Vec<Node>,
}

impl Branch {
    /// The child below which `key` is or would be.
    pub(super) fn place(&self, key: &[u8]) -> usize {
        self.keys.partition_point(|k| **k <= *key)
    }

    pub(super) fn child(&self, i: usize) -> Option<&Node> {
        self.children.get(i)
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }
}

/// New right neighbours of a node, each with the key before it.
type Split = Vec<(Box<[u8]>, Node)>;

/// How many bytes of entries a leaf may have, and with how many at their beginning two entries are the same.
#[derive(Clone, Copy)]
struct Form {
    max: usize,
    same: usize,
}

/// An ordered set. A copy is a snapshot.
#[derive(Clone)]
pub struct Tree {
    pool: Arc<Pool>,
    root: Option<Node>,
    len: usize,
    form: Form,
}

impl Tree {
    /// A set of entries that are the same when their first `same` bytes are.
    pub fn new(pool: &Arc<Pool>, same: usize) -> Self {
        let form = Form { max: pool.leaf_bytes(), same };
        Tree { pool: Arc::clone(pool), root: None, len: 0, form }
    }

    /// A set of entries that are the same when all of them is: short ones.
    pub fn of_keys(pool: &Arc<Pool>) -> Self {
        let form = Form { max: (pool.leaf_bytes() / SMALLER).max(1), same: usize::MAX };
        Tree { pool: Arc::clone(pool), root: None, len: 0, form }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Adds entries that come in ascending order, no two of them the same; they take the place of those that are there.
    ///
    /// # Errors
    /// 1105 when the spill file cannot be read (invariant 5).
    pub fn insert_sorted<E: AsRef<[u8]>>(&mut self, entries: &[E]) -> SqlResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let form = self.form;
        let mut added = 0;
        let Some(root) = &mut self.root else {
            let pieces = pieces(entries.iter().map(AsRef::as_ref), form.max, true)?;
            let listed = pieces.len() > 1 || pieces.iter().any(|p| p.size() > form.max);
            self.len = pieces.iter().map(Leaf::len).sum();
            let mut nodes = linked(&self.pool, None, pieces, listed).into_iter();
            self.root = nodes.next().map(|first| first.1);
            self.grow(nodes.collect());
            return Ok(());
        };
        let result = insert_below(&self.pool, root, entries, form, true, &mut added);
        self.len = self.len.saturating_add_signed(added);
        self.grow(result?);
        Ok(())
    }

    /// Puts new neighbours of the root beside it, under a new root.
    fn grow(&mut self, mut split: Split) {
        while !split.is_empty() {
            let Some(root) = self.root.take() else { return };
            let mut branch = Branch { keys: Vec::new(), children: vec![root] };
            branch.add(0, split);
            split = branch.divide(true);
            self.root = Some(Node::Branch(Arc::new(branch)));
        }
    }

    /// Takes out the entries that begin with keys, which come in ascending order; answers how many there were. A key must be as long
    /// as what makes entries the same, or all of an entry: separators between leaves are not longer.
    ///
    /// # Errors
    /// 1105 when the spill file cannot be read (invariant 5).
    pub fn remove_sorted<E: AsRef<[u8]>>(&mut self, keys: &[E]) -> SqlResult<usize> {
        let Some(root) = &mut self.root else { return Ok(0) };
        let mut gone = 0;
        let empty = remove_below(&self.pool, root, keys, &mut gone);
        self.len -= gone;
        if empty? {
            self.root = None;
        }
        while let Some(Node::Branch(b)) = &self.root
            && b.children.len() == 1
        {
            self.root = b.children.first().cloned();
        }
        Ok(gone)
    }

    /// Keys that divide the tree into at most `parts` ranges of about the same size.
    pub fn dividers(&self, parts: usize) -> Vec<Box<[u8]>> {
        let mut keys: Vec<Box<[u8]>> = Vec::new();
        let Some(Node::Branch(root)) = &self.root else { return keys };
        let below = |i: usize| match root.children.get(i) {
            Some(Node::Branch(b)) => b.keys.as_slice(),
            _ => &[],
        };
        keys.extend_from_slice(below(0));
        for (i, k) in root.keys.iter().enumerate() {
            keys.push(k.clone());
            keys.extend_from_slice(below(i + 1));
        }
        let parts = parts.clamp(1, keys.len() + 1);
        (1..parts).filter_map(|n| keys.get(n * (keys.len() + 1) / parts - 1).cloned()).collect()
    }
}

impl Branch {
    /// Puts new neighbours of child `i` after it.
    fn add(&mut self, i: usize, split: Split) {
        let (keys, children): (Vec<_>, Vec<_>) = split.into_iter().unzip();
        self.keys.splice(i..i, keys);
        self.children.splice(i + 1..i + 1, children);
    }

    /// Cuts a branch with too many children: what stays is as large as the others, or full where only the end grows.
    fn divide(&mut self, rightmost: bool) -> Split {
        let count = self.children.len();
        if count <= FANOUT {
            return Vec::new();
        }
        let parts = count.div_ceil(FANOUT);
        let size = if rightmost { FANOUT } else { count.div_ceil(parts) };
        let mut split = Vec::with_capacity(parts);
        let mut keys = self.keys.split_off(size - 1).into_iter();
        let mut children = self.children.split_off(size).into_iter();
        while let Some(key) = keys.next() {
            let some: Vec<Node> = children.by_ref().take(size).collect();
            let between = keys.by_ref().take(some.len().saturating_sub(1)).collect();
            split.push((key, Node::Branch(Arc::new(Branch { keys: between, children: some }))));
        }
        split
    }
}

/// The shortest key that is above `left` and not above `right`.
fn separator(left: &[u8], right: &[u8]) -> Box<[u8]> {
    let common = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    Box::from(&right[..(common + 1).min(right.len())])
}

/// Leaves as nodes; the key of the first says nothing when there is no leaf `before`.
fn linked(pool: &Arc<Pool>, before: Option<&[u8]>, leaves: Vec<Leaf>, listed: bool) -> Split {
    let mut last: Option<Vec<u8>> = before.map(<[u8]>::to_vec);
    let mut out = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let key = match (&last, leaf.first()) {
            (Some(last), Some(first)) => separator(last, first),
            _ => Box::default(),
        };
        last = leaf.last().map(<[u8]>::to_vec);
        out.push((key, Node::Leaf(Slot::new(pool, Arc::new(leaf), listed))));
    }
    out
}

/// Entries in ascending order as leaves: full ones where only the end grows, else of the same size.
fn pieces<'e>(
    entries: impl Iterator<Item = &'e [u8]> + Clone,
    max: usize,
    rightmost: bool,
) -> SqlResult<Vec<Leaf>> {
    let (mut total, mut count) = (0usize, 0usize);
    for e in entries.clone() {
        total += e.len();
        count += 1;
    }
    let parts = total.div_ceil(max.max(1)).max(1);
    let size = if rightmost { max } else { total.div_ceil(parts) };
    let mut out = Vec::with_capacity(parts);
    let (room, rows) = (size.min(total), count.div_ceil(parts));
    let mut leaf = Leaf::with_capacity(room, rows);
    for e in entries {
        let ends = if rightmost { leaf.size() + e.len() > size } else { leaf.size() >= size };
        if ends && !leaf.is_empty() {
            out.push(std::mem::replace(&mut leaf, Leaf::with_capacity(room, rows)));
        }
        if !leaf.fits(e.len()) {
            return Err(SqlError::new(701, &[&"default"]));
        }
        leaf.push(e);
    }
    out.push(leaf);
    Ok(out)
}

/// The leaf of a place, which no other tree refers to afterwards.
fn own(pool: &Arc<Pool>, slot: &mut Arc<Slot>) -> SqlResult<()> {
    if Arc::strong_count(slot) > 1 {
        let leaf = slot.leaf()?;
        *slot = Slot::new(pool, leaf, slot.is_listed());
    }
    Ok(())
}

/// What goes below child `i` of some ascending entries.
fn below<E: AsRef<[u8]>>(branch: &Branch, i: usize, entries: &[E]) -> Range<usize> {
    let place = |key: Option<&Box<[u8]>>, none: usize| match key {
        Some(k) => entries.partition_point(|e| *e.as_ref() < **k),
        None => none,
    };
    let from = if i == 0 { 0 } else { place(branch.keys.get(i - 1), 0) };
    from..place(branch.keys.get(i), entries.len())
}

fn insert_below<E: AsRef<[u8]>>(
    pool: &Arc<Pool>,
    node: &mut Node,
    entries: &[E],
    form: Form,
    rightmost: bool,
    added: &mut isize,
) -> SqlResult<Split> {
    match node {
        Node::Leaf(slot) => {
            own(pool, slot)?;
            let (split, full) = slot.change(|leaf| {
                let before = leaf.len() as isize;
                let new = add_to(leaf, entries, form, rightmost)?;
                *added += (leaf.len() + new.iter().map(Leaf::len).sum::<usize>()) as isize - before;
                let last = leaf.last().map(<[u8]>::to_vec);
                Ok((linked(pool, last.as_deref(), new, true), leaf.size() > form.max))
            })?;
            if full || !split.is_empty() {
                slot.list();
            }
            Ok(split)
        }
        Node::Branch(shared) => {
            let branch = Arc::make_mut(shared);
            // From behind, so that places of children stay.
            let (first, last) = match (entries.first(), entries.last()) {
                (Some(a), Some(b)) => (branch.place(a.as_ref()), branch.place(b.as_ref())),
                _ => return Ok(Vec::new()),
            };
            let end = branch.children.len() - 1;
            for i in (first..=last).rev() {
                let some = &entries[below(branch, i, entries)];
                if some.is_empty() {
                    continue;
                }
                let split =
                    insert_below(pool, &mut branch.children[i], some, form, rightmost && i == end, added)?;
                if !split.is_empty() {
                    branch.add(i, split);
                }
            }
            Ok(branch.divide(rightmost))
        }
    }
}

/// Adds entries to a leaf; what it cannot hold makes new ones.
fn add_to<E: AsRef<[u8]>>(
    leaf: &mut Leaf,
    entries: &[E],
    form: Form,
    rightmost: bool,
) -> SqlResult<Vec<Leaf>> {
    let more: usize = entries.iter().map(|e| e.as_ref().len()).sum();
    let fits = leaf.size().saturating_add(more) <= form.max;
    // Behind all others, where there is room: as rows mostly come.
    let behind = match (leaf.last(), entries.first()) {
        (Some(l), Some(e)) => cut(l, form.same) < cut(e.as_ref(), form.same),
        _ => false,
    };
    if behind && fits {
        entries.iter().for_each(|e| leaf.push(e.as_ref()));
        return Ok(Vec::new());
    }
    if let [one] = entries {
        let e = one.as_ref();
        let at = leaf.lower_bound(cut(e, form.same));
        let there = at < leaf.len() && cut(leaf.entry(at), form.same) == cut(e, form.same);
        let old = if there { leaf.entry(at).len() } else { 0 };
        if leaf.size() - old + e.len() <= form.max || leaf.len() == usize::from(there) {
            if !leaf.fits(e.len()) {
                return Err(SqlError::new(701, &[&"default"]));
            }
            if there {
                leaf.remove(&[at]);
            }
            leaf.insert(at, e);
            return Ok(Vec::new());
        }
    }
    let merged = Merged { leaf, at: 0, entries, next: 0, same: form.same };
    let mut new = pieces(merged, form.max, rightmost)?.into_iter();
    *leaf = new.next().unwrap_or_default();
    Ok(new.collect())
}

/// What makes an entry the same as another.
fn cut(entry: &[u8], same: usize) -> &[u8] {
    entry.get(..same).unwrap_or(entry)
}

/// The entries of a leaf and others, in order; of two that are the same the other.
struct Merged<'m, E> {
    leaf: &'m Leaf,
    at: usize,
    entries: &'m [E],
    next: usize,
    same: usize,
}

impl<E> Clone for Merged<'_, E> {
    fn clone(&self) -> Self {
        Merged { ..*self }
    }
}

impl<'m, E: AsRef<[u8]>> Iterator for Merged<'m, E> {
    type Item = &'m [u8];

    fn next(&mut self) -> Option<&'m [u8]> {
        let here = (self.at < self.leaf.len()).then(|| self.leaf.entry(self.at));
        let other = self.entries.get(self.next).map(AsRef::as_ref);
        let order = match (here, other) {
            (Some(h), Some(o)) => cut(h, self.same).cmp(cut(o, self.same)),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        if order != Ordering::Greater {
            self.at += 1;
        }
        if order == Ordering::Less {
            return here;
        }
        self.next += 1;
        other
    }
}

/// Takes out the entries that begin with keys, and tells whether nothing is left.
fn remove_below<E: AsRef<[u8]>>(
    pool: &Arc<Pool>,
    node: &mut Node,
    keys: &[E],
    gone: &mut usize,
) -> SqlResult<bool> {
    match node {
        Node::Leaf(slot) => {
            let leaf = slot.leaf()?;
            let place = |key: &E| {
                let at = leaf.lower_bound(key.as_ref());
                (at < leaf.len() && leaf.entry(at).starts_with(key.as_ref())).then_some(at)
            };
            let places: Vec<usize> = keys.iter().filter_map(place).collect();
            if places.is_empty() {
                return Ok(leaf.is_empty());
            }
            drop(leaf);
            own(pool, slot)?;
            *gone += places.len();
            slot.change(|leaf| {
                leaf.remove(&places);
                Ok(leaf.is_empty())
            })
        }
        Node::Branch(shared) => {
            let (Some(a), Some(b)) = (keys.first(), keys.last()) else { return Ok(false) };
            let branch = Arc::make_mut(shared);
            for i in (branch.place(a.as_ref())..=branch.place(b.as_ref())).rev() {
                let some = &keys[below(branch, i, keys)];
                if some.is_empty() || !remove_below(pool, &mut branch.children[i], some, gone)? {
                    continue;
                }
                branch.children.remove(i);
                if !branch.keys.is_empty() {
                    branch.keys.remove(i.saturating_sub(1));
                }
            }
            Ok(branch.children.is_empty())
        }
    }
}
