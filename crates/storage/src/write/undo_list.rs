//! What a transaction remembers to take its changes back, in few bytes: a change of a row takes some twenty beside its key.
//!
//! Invariants
//! 1. Entries come back in the order opposite to that in which they were put in, each as it was.
//! 2. The last [`OPEN`] to twice as many are entries; those before are packed, [`OPEN`] to a block.

use std::sync::Arc;

use holdfast_base::Lsn;

use super::transaction::{Entry, Rows, Undo};
use crate::recovery::{RecoveryError, RecoveryResult};

/// Entries of a block.
const OPEN: usize = 512;

/// What precedes the parts of a packed entry.
mod tag {
    pub const IN_PLACE: u8 = 0;
    pub const ROW: u8 = 1;
    pub const ROWS: u8 = 2;
    pub const CALL: u8 = 3;
    /// Beside one of those: the record follows.
    pub const RECORD: u8 = 4;
}

/// [`OPEN`] entries in their order.
struct Block {
    bytes: Box<[u8]>,
    calls: Vec<Arc<dyn Fn() + Send + Sync>>,
}

/// The entries of a transaction.
#[derive(Default)]
pub(super) struct UndoList {
    blocks: Vec<Block>,
    open: Vec<Entry>,
    /// Who finds rows, once each.
    finders: Vec<Arc<dyn Rows>>,
}

impl UndoList {
    pub fn len(&self) -> usize {
        self.blocks.len() * OPEN + self.open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn clear(&mut self) {
        *self = UndoList::default();
    }

    pub fn push(&mut self, entry: Entry) {
        if self.open.len() >= 2 * OPEN {
            let rest = self.open.split_off(OPEN);
            let full = std::mem::replace(&mut self.open, rest);
            let block = self.pack(full);
            self.blocks.push(block);
        }
        self.open.push(entry);
    }

    /// The last entry.
    ///
    /// # Errors
    /// A block that is not what was packed.
    pub fn pop(&mut self) -> RecoveryResult<Option<Entry>> {
        if self.open.is_empty()
            && let Some(block) = self.blocks.pop()
        {
            self.open = self.unpack(block)?;
        }
        Ok(self.open.pop())
    }

    /// The last entries, newest first; not those that are packed.
    pub fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.open.iter().rev()
    }

    /// The number of a finder.
    fn finder(&mut self, rows: &Arc<dyn Rows>) -> usize {
        let same = |known: &Arc<dyn Rows>| {
            Arc::ptr_eq(known, rows) || known.identity().is_some_and(|id| rows.identity() == Some(id))
        };
        // A statement changes few rowsets, and those before it are done with.
        self.finders.iter().rposition(same).unwrap_or_else(|| {
            self.finders.push(Arc::clone(rows));
            self.finders.len() - 1
        })
    }

    fn pack(&mut self, entries: Vec<Entry>) -> Block {
        let mut bytes = Vec::with_capacity(entries.len() * 24);
        let mut calls = Vec::new();
        for Entry { lsn, record, undo, promise } in entries {
            let with = if record.is_some() { tag::RECORD } else { 0 };
            let kind = match &undo {
                Undo::InPlace => tag::IN_PLACE,
                Undo::Row { .. } => tag::ROW,
                Undo::Rows { .. } => tag::ROWS,
                Undo::Call(_) => tag::CALL,
            };
            bytes.push(kind | with);
            for part in [u64::from(lsn.vlf), u64::from(lsn.block), u64::from(lsn.slot), promise] {
                put(&mut bytes, part);
            }
            match undo {
                Undo::InPlace => {}
                Undo::Row { rows, key, count } => {
                    put(&mut bytes, self.finder(&rows) as u64);
                    bytes.push(count as u8);
                    put_bytes(&mut bytes, &key);
                }
                Undo::Rows { rows, key } => {
                    put(&mut bytes, self.finder(&rows) as u64);
                    put_bytes(&mut bytes, &key);
                }
                Undo::Call(call) => calls.push(call),
            }
            if let Some(record) = record {
                put_bytes(&mut bytes, &record);
            }
        }
        Block { bytes: bytes.into_boxed_slice(), calls }
    }

    fn unpack(&self, block: Block) -> RecoveryResult<Vec<Entry>> {
        let mut from = Packed { bytes: &block.bytes };
        let mut calls = block.calls.into_iter();
        let mut out = Vec::with_capacity(2 * OPEN);
        while !from.bytes.is_empty() {
            let entry = self.unpack_one(&mut from, &mut calls);
            out.push(entry.ok_or_else(|| RecoveryError::Database {
                what: "what a transaction remembers of its changes cannot be read back".to_owned(),
            })?);
        }
        Ok(out)
    }

    fn unpack_one(
        &self,
        from: &mut Packed<'_>,
        calls: &mut impl Iterator<Item = Arc<dyn Fn() + Send + Sync>>,
    ) -> Option<Entry> {
        let kind = from.byte()?;
        let lsn = Lsn {
            vlf: u32::try_from(from.number()?).ok()?,
            block: u32::try_from(from.number()?).ok()?,
            slot: u16::try_from(from.number()?).ok()?,
        };
        let promise = from.number()?;
        let undo = match kind & !tag::RECORD {
            tag::IN_PLACE => Undo::InPlace,
            tag::ROW => {
                let rows = self.finders.get(usize::try_from(from.number()?).ok()?)?;
                let count = from.byte()? as i8;
                Undo::Row { rows: Arc::clone(rows), key: from.part()?, count }
            }
            tag::ROWS => {
                let rows = self.finders.get(usize::try_from(from.number()?).ok()?)?;
                Undo::Rows { rows: Arc::clone(rows), key: from.part()? }
            }
            tag::CALL => Undo::Call(calls.next()?),
            _ => return None,
        };
        let record = if kind & tag::RECORD != 0 { Some(from.part()?) } else { None };
        Some(Entry { lsn, record, undo, promise })
    }
}

/// Seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

struct Packed<'a> {
    bytes: &'a [u8],
}

impl Packed<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut out = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            out |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(out);
            }
        }
        None
    }

    fn part(&mut self) -> Option<Box<[u8]>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (part, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(part.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use holdfast_base::PageId;

    use super::*;
    use crate::write::Change;

    struct Finder(usize);
    impl Rows for Finder {
        fn find(
            &self,
            _: &mut Change<'_>,
            page: PageId,
            slot: u16,
            _: &[u8],
        ) -> RecoveryResult<(PageId, u16)> {
            Ok((page, slot))
        }
        fn make_room(
            &self,
            _: &mut Change<'_>,
            page: PageId,
            slot: u16,
            _: &[u8],
            _: usize,
        ) -> RecoveryResult<(PageId, u16)> {
            Ok((page, slot))
        }
        fn stretches(
            &self,
            _: &mut Change<'_>,
            _: PageId,
            _: u16,
            _: &[u8],
            _: u16,
        ) -> RecoveryResult<Vec<(PageId, u16, u16)>> {
            Ok(Vec::new())
        }
        fn counted(&self, _: i64) {}
        fn identity(&self) -> Option<usize> {
            (self.0 > 0).then_some(self.0)
        }
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let called = Arc::new(AtomicUsize::new(0));
        let make = |n: usize| {
            let rows: Arc<dyn Rows> = Arc::new(Finder(n % 3));
            let key: Box<[u8]> = vec![n as u8; n % 200].into();
            let undo = match n % 7 {
                0 => Undo::InPlace,
                1 => {
                    let called = Arc::clone(&called);
                    Undo::Call(Arc::new(move || {
                        called.fetch_add(n, Ordering::Relaxed);
                    }))
                }
                2 => Undo::Rows { rows, key },
                _ => Undo::Row { rows, key, count: (n % 3) as i8 - 1 },
            };
            let lsn = Lsn { vlf: 7 + n as u32 / 900, block: n as u32 * 77, slot: n as u16 };
            let record = (n % 5 < 2).then(|| vec![1; n % 300].into());
            Entry { lsn, record, undo, promise: n as u64 * 1000 }
        };
        let mut list = UndoList::default();
        let count = 5000;
        for n in 0..count {
            list.push(make(n));
        }
        // Some are taken back, and others put in their place.
        for _ in 0..1500 {
            list.pop().unwrap().unwrap();
        }
        for n in count - 1500..count {
            list.push(make(n));
        }
        assert_eq!(list.len(), count);
        assert!(list.finders.len() < 2 + count / 3, "finders with an identity are kept once");
        let (mut calls, mut sum) = (0, 0);
        for n in (0..count).rev() {
            let (found, wanted) = (list.pop().unwrap().unwrap(), make(n));
            assert_eq!(found.lsn, wanted.lsn);
            assert_eq!((found.record, found.promise), (wanted.record, wanted.promise), "entry {n}");
            match (found.undo, wanted.undo) {
                (Undo::InPlace, Undo::InPlace) => {}
                (Undo::Row { rows: a, key: x, count: c }, Undo::Row { rows: b, key: y, count: d }) => {
                    assert!(a.identity() == b.identity() && x == y && c == d, "entry {n}")
                }
                (Undo::Rows { rows: a, key: x }, Undo::Rows { rows: b, key: y }) => {
                    assert!(a.identity() == b.identity() && x == y, "entry {n}");
                }
                (Undo::Call(f), Undo::Call(_)) => {
                    f();
                    calls += 1;
                    sum += n;
                }
                _ => panic!("entry {n} is another kind"),
            }
        }
        assert!(list.is_empty() && list.pop().unwrap().is_none());
        assert!(calls > 0 && called.load(Ordering::Relaxed) == sum);
    }

    #[test]
    fn a_row_takes_few_bytes() {
        let mut list = UndoList::default();
        for n in 0..100_000u32 {
            let undo = Undo::Row { rows: Arc::new(Finder(1)), key: vec![4, 0, 1, 2, 3, 4].into(), count: 0 };
            let lsn = Lsn { vlf: 40, block: 100_000 + n / 50, slot: (n % 50) as u16 };
            list.push(Entry { lsn, record: None, undo, promise: 300 });
        }
        let bytes: usize = list.blocks.iter().map(|b| b.bytes.len()).sum();
        assert!(bytes < 100_000 * 20, "{bytes} bytes");
        assert_eq!(list.finders.len(), 1);
    }
}
