//! A leaf: some entries of a tree, back to back in ascending order.
//!
//! Invariants
//! 1. Entry `i` is `bytes[ends[i - 1]..ends[i]]`; ends do not fall.
//! 2. A leaf has less than 4 GB of entries: [`Leaf::fits`] is asked first.

use holdfast_types::SqlResult;

use crate::operator::spill::damaged;

#[derive(Clone, Debug, Default)]
pub struct Leaf {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Leaf {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all entries.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4
    }

    #[inline]
    fn start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.ends[i - 1] as usize }
    }

    /// Entry `i`, which must be below [`Leaf::len`].
    #[inline]
    pub fn entry(&self, i: usize) -> &[u8] {
        &self.bytes[self.start(i)..self.ends[i] as usize]
    }

    pub fn first(&self) -> Option<&[u8]> {
        (!self.is_empty()).then(|| self.entry(0))
    }

    pub fn last(&self) -> Option<&[u8]> {
        self.len().checked_sub(1).map(|i| self.entry(i))
    }

    /// The first entry that is not below `key`.
    pub fn lower_bound(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(middle) < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Whether `more` bytes can be held besides what is here (invariant 2).
    pub fn fits(&self, more: usize) -> bool {
        self.bytes.len().saturating_add(more) <= u32::MAX as usize
    }

    /// Appends an entry that is above all others and [`Leaf::fits`].
    pub fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Puts an entry that [`Leaf::fits`] before entry `i`.
    pub fn insert(&mut self, i: usize, entry: &[u8]) {
        if i == self.len() {
            return self.push(entry);
        }
        let (at, more) = (self.start(i), entry.len());
        self.bytes.splice(at..at, entry.iter().copied());
        self.ends.insert(i, (at + more) as u32);
        self.ends[i + 1..].iter_mut().for_each(|e| *e += more as u32);
    }

    /// Takes out entries at ascending places.
    pub fn remove(&mut self, places: &[usize]) {
        let Some(&first) = places.first() else { return };
        let mut gone = places.iter().copied().peekable();
        let (mut end, mut kept) = (self.start(first), first);
        let mut from = end;
        for i in first..self.len() {
            let to = self.ends[i] as usize;
            if gone.next_if_eq(&i).is_none() {
                self.bytes.copy_within(from..to, end);
                end += to - from;
                self.ends[kept] = end as u32;
                kept += 1;
            }
            from = to;
        }
        self.bytes.truncate(end);
        self.ends.truncate(kept);
        if self.bytes.len() < self.bytes.capacity() / 4 {
            self.bytes.shrink_to(self.bytes.len() * 2);
            self.ends.shrink_to(self.ends.len() * 2);
        }
    }

    /// A leaf with room for that many bytes and entries.
    pub fn with_capacity(bytes: usize, entries: usize) -> Self {
        Leaf { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(entries) }
    }

    /// The leaf as it is written: number of entries, ends, bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.ends.len() * 4 + self.bytes.len());
        out.extend_from_slice(&(self.ends.len() as u32).to_le_bytes());
        self.ends.iter().for_each(|e| out.extend_from_slice(&e.to_le_bytes()));
        out.extend_from_slice(&self.bytes);
        out
    }

    /// # Errors
    /// 1105 when these are not the bytes of a leaf.
    pub fn decode(content: &[u8]) -> SqlResult<Leaf> {
        let head = content.first_chunk::<4>().ok_or_else(damaged)?;
        let len = u32::from_le_bytes(*head) as usize;
        let split = len.checked_mul(4).and_then(|n| n.checked_add(4)).filter(|&n| n <= content.len());
        let (ends, bytes) = content.split_at(split.ok_or_else(damaged)?);
        let ends: Vec<u32> =
            ends[4..].chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
        let rising = ends.windows(2).all(|w| w[0] <= w[1]);
        if !rising || ends.last().map_or(0, |&e| e as usize) != bytes.len() {
            return Err(damaged());
        }
        Ok(Leaf { bytes: bytes.to_vec(), ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_in_order_and_survive_writing() {
        let mut leaf = Leaf::default();
        for e in [&b"b"[..], b"dd", b"", b"c", b"bb"] {
            let at = leaf.lower_bound(e);
            leaf.insert(at, e);
        }
        leaf.insert(4, b"ca");
        leaf.remove(&[3, 4]);
        let back = Leaf::decode(&leaf.encode()).unwrap();
        let entries: Vec<&[u8]> = (0..back.len()).map(|i| back.entry(i)).collect();
        assert_eq!(entries, [&b""[..], b"b", b"bb", b"dd"]);
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let mut leaf = Leaf::default();
        leaf.push(b"abc");
        leaf.push(b"abd");
        let good = leaf.encode();
        for n in 0..good.len() {
            assert_eq!(Leaf::decode(&good[..n]).unwrap_err().number, 1105);
        }
        let mut falling = good.clone();
        falling[4] = 200;
        assert_eq!(Leaf::decode(&falling).unwrap_err().number, 1105);
    }
}
