//! Which parts of the file are free.
//!
//! Invariants
//! 1. Free extents do not touch each other nor the end: neighbours are one, and the end moves down to what is in use.
//! 2. A place is given to one holder at a time.

use std::collections::{BTreeMap, BTreeSet};

/// Extents are multiples of this many bytes.
const UNIT: u64 = 512;

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub offset: u64,
    /// Bytes that are used of it.
    pub len: u64,
}

fn rounded(len: u64) -> u64 {
    len.max(1).next_multiple_of(UNIT)
}

#[derive(Debug, Default)]
pub struct Extents {
    end: u64,
    in_use: u64,
    by_place: BTreeMap<u64, u64>,
    by_size: BTreeSet<(u64, u64)>,
}

impl Extents {
    /// Where the last used extent ends.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Bytes in use.
    pub fn in_use(&self) -> u64 {
        self.in_use
    }

    /// A place for `len` bytes: the smallest free one that holds them, or the end.
    pub fn take(&mut self, len: u64) -> Extent {
        let need = rounded(len);
        self.in_use += need;
        let Some(&(size, offset)) = self.by_size.range((need, 0)..).next() else {
            let offset = self.end;
            self.end += need;
            return Extent { offset, len };
        };
        self.forget(offset, size);
        if size > need {
            self.note(offset + need, size - need);
        }
        Extent { offset, len }
    }

    pub fn give_back(&mut self, extent: Extent) {
        let (mut offset, mut size) = (extent.offset, rounded(extent.len));
        self.in_use = self.in_use.saturating_sub(size);
        if let Some((&before, &length)) = self.by_place.range(..offset).next_back()
            && before + length == offset
        {
            self.forget(before, length);
            offset = before;
            size += length;
        }
        if let Some(&length) = self.by_place.get(&(offset + size)) {
            self.forget(offset + size, length);
            size += length;
        }
        if offset + size == self.end {
            self.end = offset;
        } else {
            self.note(offset, size);
        }
    }

    fn note(&mut self, offset: u64, size: u64) {
        self.by_place.insert(offset, size);
        self.by_size.insert((size, offset));
    }

    fn forget(&mut self, offset: u64, size: u64) {
        self.by_place.remove(&offset);
        self.by_size.remove(&(size, offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_the_end_comes_back() {
        let mut x = Extents::default();
        let all: Vec<Extent> = (0..8).map(|n| x.take(100 + n * 400)).collect();
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert!(a.offset + a.len <= b.offset || b.offset + b.len <= a.offset);
            }
        }
        let end = x.end();
        x.give_back(all[2]);
        x.give_back(all[4]);
        x.give_back(all[3]);
        let whole = rounded(all[2].len) + rounded(all[3].len) + rounded(all[4].len);
        let again = x.take(whole);
        assert_eq!((again.offset, x.end()), (all[2].offset, end), "neighbours are one free extent");
        x.give_back(again);
        for i in [0, 7, 6, 1, 5] {
            x.give_back(all[i]);
        }
        assert_eq!((x.end(), x.in_use()), (0, 0));
        assert!(x.by_place.is_empty() && x.by_size.is_empty());
    }
}
