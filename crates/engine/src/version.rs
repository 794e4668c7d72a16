//! Row versions: what rows were before changes that a snapshot does not see.
//!
//! Each changed row has a chain of before-images, the newest last. A reader takes the row as it is now and walks back over
//! the changes that its snapshot does not see. Everything is in memory: no snapshot outlives the process.
//!
//! Invariants
//! 1. A change is noted before its page changes, under the row's exclusive lock; so a reader that finds no note for a row
//!    after it took the page sees no change that is too new.
//! 2. A transaction's changes get their commit number at one moment, after its log is durable and before its locks go.
//! 3. A before-image is kept as long as a snapshot is active that is older than the commit of its change.
//! 4. Without active snapshots nothing is kept of ended transactions.
//! 5. Before pieces of a row's large value are given back, or go on under another name of the row, the newest version of the row keeps
//!    the value. So a large value that an older record points to, and that neither its version nor a newer one keeps, still lies where
//!    the row as it is now has it. What a newer version keeps of a column that an older record has in itself is not that record's.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::lock::LockOwner;

/// A transaction that changes rows; 0 until it has committed.
#[derive(Debug)]
struct Writer {
    owner: LockOwner,
    commit: AtomicU64,
}

/// Values of a record's columns that lay on pages of their own: position in the rowset's layout and bytes, `None` for NULL.
pub type KeptValues = Vec<(usize, Option<Arc<[u8]>>)>;

#[derive(Clone, Debug)]
struct Version {
    writer: Arc<Writer>,
    /// The record before the change; `None`: there was no row.
    before: Option<Arc<[u8]>>,
    /// Its large values whose pieces went with the change.
    kept: KeptValues,
}

impl Version {
    /// Bytes of memory, the row's name included.
    fn size(&self, row: &[u8]) -> usize {
        size(row, self.before.as_deref()) + size_of_kept(&self.kept)
    }
}

/// The changes of one rowset.
#[derive(Default)]
struct RowsetVersions {
    chains: Mutex<Chains>,
    /// Rows with a chain, to be asked without the mutex.
    rows: AtomicUsize,
    /// How often anything was noted.
    notes: AtomicU64,
}

#[derive(Default)]
struct Chains {
    by_row: HashMap<Arc<[u8]>, Vec<Version>>,
    /// Rows in the order in which they got a chain, numbered. Some may have none any more.
    order: Vec<(u64, Arc<[u8]>)>,
    next: u64,
}

impl Chains {
    fn enter(&mut self, row: &Arc<[u8]>) {
        // Those without a chain go when they are most of the list.
        if self.order.len() > 2 * self.by_row.len() + 64 {
            let by_row = &self.by_row;
            self.order.retain(|(_, row)| by_row.contains_key(row));
        }
        self.order.push((self.next, Arc::clone(row)));
        self.next += 1;
    }
}

type Touched = Vec<(Arc<RowsetVersions>, Arc<[u8]>)>;

struct Open {
    writer: Arc<Writer>,
    touched: Touched,
}

struct Clock {
    /// The number of the last commit.
    last: u64,
    /// Active snapshots and how many readers each has.
    active: BTreeMap<u64, usize>,
    /// Commits whose before-images are still needed, oldest first.
    kept: VecDeque<(u64, Touched)>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { last: 1, active: BTreeMap::new(), kept: VecDeque::new() }
    }
}

/// The version store of an instance.
#[derive(Default)]
pub struct VersionStore {
    rowsets: RwLock<HashMap<(i32, i64), Arc<RowsetVersions>>>,
    open: Mutex<HashMap<LockOwner, Open>>,
    clock: Mutex<Clock>,
    databases: RwLock<HashMap<i32, Keeping>>,
    bytes: AtomicUsize,
}

/// What a database keeps versions for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Keeping {
    /// ALLOW_SNAPSHOT_ISOLATION: transactions at level SNAPSHOT.
    pub snapshot: bool,
    /// READ_COMMITTED_SNAPSHOT: statements at level READ COMMITTED.
    pub read_committed: bool,
    /// Being switched on: noted already, not read yet.
    pub pending: bool,
}

impl Keeping {
    fn any(self) -> bool {
        self.snapshot || self.read_committed || self.pending
    }
}

/// A moment whose rows are seen; it stays readable until this is dropped.
#[derive(Clone)]
pub struct Snapshot(Arc<Active>);

struct Active {
    store: Arc<VersionStore>,
    number: u64,
}

impl Snapshot {
    pub fn number(&self) -> u64 {
        self.0.number
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({})", self.0.number)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.store.end(self.number);
    }
}

/// Memory that a version takes besides its image: the chain's entry, the row's name in two lists.
const OVERHEAD: usize = 96;

fn size(row: &[u8], before: Option<&[u8]>) -> usize {
    OVERHEAD + row.len() + before.map_or(0, <[u8]>::len)
}

fn size_of_kept(kept: &KeptValues) -> usize {
    kept.iter().map(|(_, value)| OVERHEAD + value.as_ref().map_or(0, |v| v.len())).sum()
}

/// The oldest version of the chain that the snapshot does not see, if any.
fn unseen(chain: &[Version], snapshot: u64, reader: LockOwner) -> Option<usize> {
    let unseen = chain.iter().rev().take_while(|v| {
        let commit = v.writer.commit.load(Ordering::Acquire);
        v.writer.owner != reader && (commit == 0 || commit > snapshot)
    });
    chain.len().checked_sub(unseen.count()).filter(|first| *first < chain.len())
}

/// The large values of the first version's record that it or newer ones keep (invariant 5).
fn kept_of(versions: &[Version]) -> KeptValues {
    let mut kept = KeptValues::new();
    for v in versions.iter().take_while(|v| v.before.is_some()) {
        for (position, value) in &v.kept {
            if !kept.iter().any(|(p, _)| p == position) {
                kept.push((*position, value.clone()));
            }
        }
    }
    kept
}

impl VersionStore {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Begins or ends keeping versions for a database. Before they are read, whoever was changing something then must have
    /// ended; until that, `pending` notes them only.
    pub fn keep(&self, database: i32, what: Keeping) {
        let mut databases = self.databases.write();
        if what.any() {
            databases.insert(database, what);
        } else {
            databases.remove(&database);
        }
    }

    pub fn keeping(&self, database: i32) -> Keeping {
        self.databases.read().get(&database).copied().unwrap_or_default()
    }

    /// Whether changes in the database are to be noted.
    pub fn keeps(&self, database: i32) -> bool {
        self.databases.read().contains_key(&database)
    }

    /// Whether READ COMMITTED reads versions in any database.
    pub fn serves_read_committed(&self) -> bool {
        self.databases.read().values().any(|k| k.read_committed)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// A snapshot of now.
    pub fn snapshot(self: &Arc<Self>) -> Snapshot {
        let mut clock = self.clock.lock();
        let number = clock.last;
        *clock.active.entry(number).or_default() += 1;
        Snapshot(Arc::new(Active { store: Arc::clone(self), number }))
    }

    /// A moment between those of commits: snapshots taken before have smaller numbers.
    pub fn moment(&self) -> u64 {
        let mut clock = self.clock.lock();
        clock.last += 1;
        clock.last
    }

    /// The number of the last commit or moment.
    pub fn last(&self) -> u64 {
        self.clock.lock().last
    }

    /// Snapshots that are active, and the oldest.
    pub fn active(&self) -> (usize, Option<u64>) {
        let clock = self.clock.lock();
        (clock.active.values().sum(), clock.active.keys().next().copied())
    }

    fn end(&self, number: u64) {
        let freed: Vec<Touched> = {
            let mut clock = self.clock.lock();
            if let Some(n) = clock.active.get_mut(&number) {
                *n -= 1;
                if *n == 0 {
                    clock.active.remove(&number);
                }
            }
            let oldest = clock.active.keys().next().copied().unwrap_or(u64::MAX);
            let mut freed = Vec::new();
            while clock.kept.front().is_some_and(|(commit, _)| *commit <= oldest) {
                freed.extend(clock.kept.pop_front().map(|(_, touched)| touched));
            }
            freed
        };
        for touched in freed {
            self.drop_settled(&touched);
        }
    }

    fn rowset(&self, database: i32, rowset: i64) -> Option<Arc<RowsetVersions>> {
        self.rowsets.read().get(&(database, rowset)).cloned()
    }

    /// Whether any row of the rowset has versions (invariant 1 says when to ask).
    pub fn has_versions(&self, database: i32, rowset: i64) -> bool {
        self.rowset(database, rowset).is_some_and(|r| r.rows.load(Ordering::Acquire) > 0)
    }

    /// Counts what was noted of the rowset: as long as it stays the same and there are no versions, its pages show nothing
    /// that is too new.
    pub fn notes(&self, database: i32, rowset: i64) -> u64 {
        self.rowset(database, rowset).map_or(0, |r| r.notes.load(Ordering::Acquire))
    }

    /// Notes what a row is before `owner` changes it for the first time. `row` is its key bytes or its address.
    pub fn note(&self, owner: LockOwner, database: i32, rowset: i64, row: &[u8], before: Option<&[u8]>) {
        let versions = match self.rowset(database, rowset) {
            Some(v) => v,
            None => Arc::clone(self.rowsets.write().entry((database, rowset)).or_default()),
        };
        let mut open = self.open.lock();
        let open = open.entry(owner).or_insert_with(|| Open {
            writer: Arc::new(Writer { owner, commit: AtomicU64::new(0) }),
            touched: Vec::new(),
        });
        let mut chains = versions.chains.lock();
        let chains = &mut *chains;
        versions.notes.fetch_add(1, Ordering::Release);
        let name = match chains.by_row.get_key_value(row) {
            Some((_, chain)) if chain.last().is_some_and(|v| Arc::ptr_eq(&v.writer, &open.writer)) => return,
            Some((name, _)) => Arc::clone(name),
            None => Arc::from(row),
        };
        let before = before.map(Arc::from);
        let version = Version { writer: Arc::clone(&open.writer), before, kept: KeptValues::new() };
        let size = version.size(row);
        match chains.by_row.get_mut(&name) {
            Some(chain) => chain.push(version),
            None => {
                chains.by_row.insert(Arc::clone(&name), vec![version]);
                chains.enter(&name);
                versions.rows.fetch_add(1, Ordering::Release);
            }
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        open.touched.push((Arc::clone(&versions), name));
    }

    /// Keeps large values of a row that `owner` has noted and changes now, before their pieces are given back. `is_of` says whether it
    /// is the noted record that leads to the pieces of a position: what the transaction itself has written since belongs to no
    /// version. `read` answers the values of those that are still to be kept.
    ///
    /// # Errors
    /// Those of `is_of` and `read`.
    pub fn keep_values<E>(
        &self,
        owner: LockOwner,
        (database, rowset, row): (i32, i64, &[u8]),
        positions: &[usize],
        is_of: impl Fn(&[u8], usize) -> Result<bool, E>,
        read: impl Fn(usize) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<(), E> {
        let Some(versions) = self.rowset(database, rowset) else { return Ok(()) };
        let (before, wanted): (Arc<[u8]>, Vec<usize>) = {
            let chains = versions.chains.lock();
            match chains.by_row.get(row).and_then(|chain| chain.last()) {
                Some(Version { writer, before: Some(before), kept }) if writer.owner == owner => {
                    let is_kept = |p: &usize| kept.iter().any(|(at, _)| at == p);
                    (Arc::clone(before), positions.iter().copied().filter(|p| !is_kept(p)).collect())
                }
                _ => return Ok(()),
            }
        };
        let mut values = KeptValues::new();
        for position in wanted {
            if is_of(&before, position)? {
                values.push((position, read(position)?.map(Arc::from)));
            }
        }
        let mut chains = versions.chains.lock();
        // The row is locked: the newest version is still the owner's.
        if let Some(v) = chains.by_row.get_mut(row).and_then(|chain| chain.last_mut()) {
            self.bytes.fetch_add(size_of_kept(&values), Ordering::Relaxed);
            v.kept.append(&mut values);
        }
        Ok(())
    }

    /// The transaction has committed: its changes are seen by snapshots from now on.
    pub fn commit(&self, owner: LockOwner) -> Option<u64> {
        let Open { writer, touched } = self.open.lock().remove(&owner)?;
        let (number, free) = {
            let mut clock = self.clock.lock();
            clock.last += 1;
            let number = clock.last;
            writer.commit.store(number, Ordering::Release);
            if clock.active.is_empty() {
                (number, Some(touched))
            } else {
                clock.kept.push_back((number, touched));
                (number, None)
            }
        };
        if let Some(touched) = free {
            self.drop_settled(&touched);
        }
        Some(number)
    }

    /// The transaction was rolled back: its rows are again what they were.
    pub fn roll_back(&self, owner: LockOwner) {
        let Some(Open { writer, touched }) = self.open.lock().remove(&owner) else { return };
        for (versions, row) in &touched {
            self.remove(versions, row, |v| Arc::ptr_eq(&v.writer, &writer));
        }
    }

    /// Drops what no snapshot needs of these rows.
    fn drop_settled(&self, touched: &Touched) {
        let oldest = {
            let clock = self.clock.lock();
            clock.active.keys().next().copied().unwrap_or(clock.last)
        };
        for (versions, row) in touched {
            self.remove(versions, row, |v| {
                let commit = v.writer.commit.load(Ordering::Acquire);
                commit != 0 && commit <= oldest
            });
        }
    }

    fn remove(&self, versions: &RowsetVersions, row: &Arc<[u8]>, gone: impl Fn(&Version) -> bool) {
        let mut chains = versions.chains.lock();
        let chains = &mut *chains;
        let Some(chain) = chains.by_row.get_mut(row) else { return };
        let mut freed = 0;
        chain.retain(|v| {
            let gone = gone(v);
            if gone {
                freed += v.size(row);
            }
            !gone
        });
        if chain.is_empty() {
            chains.by_row.remove(row);
            versions.rows.fetch_sub(1, Ordering::Release);
            if chains.by_row.is_empty() {
                chains.order.clear();
            }
        }
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
    }

    /// The row as the snapshot sees it. `current` is what it is now, `None` when it is not there.
    pub fn visible<'a>(
        &self,
        database: i32,
        rowset: i64,
        row: &[u8],
        current: Option<&'a [u8]>,
        snapshot: u64,
        reader: LockOwner,
    ) -> Seen<'a> {
        let Some(versions) = self.rowset(database, rowset) else { return Seen::Current(current) };
        let chains = versions.chains.lock();
        let Some(chain) = chains.by_row.get(row) else { return Seen::Current(current) };
        match unseen(chain, snapshot, reader) {
            None => Seen::Current(current),
            Some(at) => match &chain[at].before {
                Some(record) => {
                    let kept = kept_of(&chain[at..]);
                    Seen::Before(Before { record: Arc::clone(record), kept })
                }
                None if current.is_none() => Seen::Current(None),
                None => Seen::Nothing,
            },
        }
    }

    /// Whether another transaction has committed a change of the row that the snapshot does not see: who changes such a row
    /// under the snapshot would undo that change (3960).
    pub fn changed_since(
        &self,
        database: i32,
        rowset: i64,
        row: &[u8],
        snapshot: u64,
        reader: LockOwner,
    ) -> bool {
        let Some(versions) = self.rowset(database, rowset) else { return false };
        let chains = versions.chains.lock();
        chains.by_row.get(row).is_some_and(|chain| {
            chain
                .iter()
                .any(|v| v.writer.owner != reader && v.writer.commit.load(Ordering::Acquire) > snapshot)
        })
    }

    /// Rows that got a chain since `from` (0: all that have one), and the place to go on from. A row may come again.
    pub fn noted_since(&self, database: i32, rowset: i64, from: u64) -> (Vec<Arc<[u8]>>, u64) {
        let Some(versions) = self.rowset(database, rowset) else { return (Vec::new(), from) };
        let chains = versions.chains.lock();
        let skip = chains.order.partition_point(|(n, _)| *n < from);
        let rows = chains.order.iter().skip(skip).map(|(_, row)| row);
        let rows = rows.filter(|r| chains.by_row.contains_key(*r)).cloned().collect();
        (rows, chains.next)
    }
}

/// What a snapshot sees in place of the row as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen<'a> {
    /// The row as it is now, or nothing because there is none.
    Current(Option<&'a [u8]>),
    /// What the row was before.
    Before(Before),
    /// Nothing: the row has come since.
    Nothing,
}

/// An older record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Before {
    pub record: Arc<[u8]>,
    /// Its large values that went since; others still lie where the record says.
    pub kept: KeptValues,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: LockOwner = LockOwner(1);
    const B: LockOwner = LockOwner(2);
    /// Nobody who changes anything: an owner sees its own changes.
    const READER: LockOwner = LockOwner(u64::MAX);

    /// A table of one column beside the store: rows as they are now.
    #[derive(Default)]
    struct Table {
        store: Arc<VersionStore>,
        rows: HashMap<u8, Vec<u8>>,
    }

    impl Table {
        fn set(&mut self, owner: LockOwner, row: u8, value: Option<&str>) {
            self.store.note(owner, 1, 7, &[row], self.rows.get(&row).map(Vec::as_slice));
            match value {
                Some(v) => self.rows.insert(row, v.as_bytes().to_vec()),
                None => self.rows.remove(&row),
            };
        }
        fn get(&self, row: u8, snapshot: &Snapshot, reader: LockOwner) -> Option<String> {
            let current = self.rows.get(&row).map(Vec::as_slice);
            let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
            match self.store.visible(1, 7, &[row], current, snapshot.number(), reader) {
                Seen::Current(row) => row.map(text),
                Seen::Before(b) => Some(text(&b.record)),
                Seen::Nothing => None,
            }
        }
        fn empty(&self) -> bool {
            self.store.bytes() == 0 && !self.store.has_versions(1, 7) && self.store.open.lock().is_empty()
        }
    }

    #[test]
    fn a_snapshot_sees_the_moment_it_was_taken() {
        let mut t = Table::default();
        t.set(A, 1, Some("one"));
        assert_eq!(t.store.commit(A), Some(2));
        assert!(t.empty(), "nobody looks, nothing is kept");
        let before = t.store.snapshot();
        t.set(A, 1, Some("two"));
        t.set(A, 2, Some("new"));
        t.set(A, 1, Some("three"));
        assert_eq!(t.get(1, &before, READER).as_deref(), Some("one"));
        assert_eq!(t.get(2, &before, READER), None);
        // The writer sees its own.
        assert_eq!(t.get(1, &before, A).as_deref(), Some("three"));
        let during = t.store.snapshot();
        t.store.commit(A);
        let after = t.store.snapshot();
        for s in [&before, &during] {
            assert_eq!(t.get(1, s, READER).as_deref(), Some("one"));
            assert_eq!(t.get(2, s, READER), None);
        }
        assert_eq!(t.get(1, &after, READER).as_deref(), Some("three"));
        t.set(B, 1, None);
        t.store.commit(B);
        assert_eq!(t.get(1, &before, READER).as_deref(), Some("one"));
        assert_eq!(t.get(1, &after, READER).as_deref(), Some("three"));
        let last = t.store.snapshot();
        assert_eq!(t.get(1, &last, READER), None);
        assert_eq!(t.get(2, &last, READER).as_deref(), Some("new"));
        drop(before);
        assert!(t.store.has_versions(1, 7), "another snapshot of the same number is active");
        drop(during);
        assert_eq!(t.get(1, &after, READER).as_deref(), Some("three"));
        drop(after);
        assert!(t.empty());
        drop(last);
        assert_eq!(t.store.active(), (0, None));
    }

    #[test]
    fn what_is_rolled_back_was_never_there() {
        let mut t = Table::default();
        t.rows.insert(1, b"one".to_vec());
        let s = t.store.snapshot();
        t.set(A, 1, Some("two"));
        assert_eq!(t.get(1, &s, READER).as_deref(), Some("one"));
        // The page is put right first, then the note goes.
        t.rows.insert(1, b"one".to_vec());
        t.store.roll_back(A);
        assert_eq!(t.get(1, &s, READER).as_deref(), Some("one"));
        assert!(t.empty());
    }

    #[test]
    fn large_values_stay_with_the_version_that_lost_them() {
        let mut t = Table::default();
        t.rows.insert(1, b"one".to_vec());
        let keep = |t: &Table, owner, position: usize, value: &str| {
            let read = |_| Ok::<_, ()>(Some(value.as_bytes().to_vec()));
            let is_of = |before: &[u8], _| Ok(before != b"short");
            t.store.keep_values(owner, (1, 7, &[1]), &[position], is_of, read).unwrap();
        };
        let kept = |t: &Table, s: &Snapshot| match t.store.visible(1, 7, &[1], None, s.number(), READER) {
            Seen::Before(b) => {
                let text = |v: Option<Arc<[u8]>>| String::from_utf8(v.unwrap().to_vec()).unwrap();
                b.kept.into_iter().map(|(p, v)| format!("{p}={}", text(v))).collect::<Vec<_>>()
            }
            _ => panic!("an older row"),
        };
        keep(&t, A, 3, "nobody has noted the row");
        let first = t.store.snapshot();
        // A small change keeps nothing; what the next transaction takes away belongs to both versions.
        t.set(A, 1, Some("two"));
        t.store.commit(A);
        assert!(kept(&t, &first).is_empty());
        let second = t.store.snapshot();
        t.set(B, 1, Some("three"));
        keep(&t, B, 3, "large");
        keep(&t, B, 3, "a value of the same transaction");
        assert_eq!(kept(&t, &first), ["3=large"]);
        assert_eq!(kept(&t, &second), ["3=large"]);
        keep(&t, B, 4, "other");
        t.store.commit(B);
        // Another row at the place: what it loses was never that one's.
        t.set(A, 1, None);
        keep(&t, A, 3, "new");
        assert_eq!(kept(&t, &second), ["3=large", "4=other"]);
        t.store.commit(A);
        t.set(B, 1, Some("again"));
        keep(&t, B, 5, "not of an old row");
        t.store.roll_back(B);
        assert_eq!(kept(&t, &first), ["3=large", "4=other"]);
        drop(first);
        drop(second);
        // A value that the transaction itself has put off the row and takes away again was never the noted row's.
        t.rows.insert(1, b"short".to_vec());
        let third = t.store.snapshot();
        t.set(A, 1, Some("off the row"));
        keep(&t, A, 3, "large");
        t.set(A, 1, Some("short again"));
        assert!(kept(&t, &third).is_empty());
        t.store.commit(A);
        drop(third);
        assert!(t.empty());
    }

    #[test]
    fn who_changes_what_another_has_committed_since_is_refused() {
        let mut t = Table::default();
        t.rows.insert(1, b"one".to_vec());
        let s = t.store.snapshot();
        let refused = |t: &Table| t.store.changed_since(1, 7, &[1], s.number(), B);
        assert!(!refused(&t));
        t.set(A, 1, Some("two"));
        assert!(!refused(&t), "not committed: the row's lock decides");
        t.store.commit(A);
        assert!(refused(&t));
        assert!(!t.store.changed_since(1, 7, &[1], t.store.snapshot().number(), B));
    }

    #[test]
    fn rows_that_exist_only_as_versions_are_found() {
        let mut t = Table::default();
        t.rows.insert(1, b"one".to_vec());
        t.rows.insert(2, b"two".to_vec());
        let s = t.store.snapshot();
        t.set(A, 1, None);
        let (rows, from) = t.store.noted_since(1, 7, 0);
        assert_eq!(rows.iter().map(|r| r[0]).collect::<Vec<_>>(), [1]);
        t.set(A, 2, None);
        let (rows, from) = t.store.noted_since(1, 7, from);
        assert_eq!(rows.iter().map(|r| r[0]).collect::<Vec<_>>(), [2]);
        t.store.commit(A);
        assert_eq!(t.store.noted_since(1, 7, from).0.len(), 0);
        drop(s);
        assert!(t.empty());
        assert_eq!(t.store.noted_since(1, 7, 0).0.len(), 0);
        // The place stays good after the list was emptied, and the list stays short under a snapshot that stays.
        let s = t.store.snapshot();
        t.set(B, 3, Some("three"));
        assert_eq!(t.store.noted_since(1, 7, from).0.len(), 1);
        for n in 0..1000u64 {
            t.set(LockOwner(100 + n), (n % 200) as u8 + 10, Some("x"));
            t.store.roll_back(LockOwner(100 + n));
        }
        let rowset = t.store.rowset(1, 7).unwrap();
        assert!(rowset.chains.lock().order.len() < 100);
        drop(s);
    }

    /// Threads move amounts between rows; every snapshot sees the same sum.
    #[test]
    fn snapshots_of_concurrent_transfers_see_one_sum() {
        const ROWS: usize = 8;
        let store = VersionStore::new();
        let rows: Arc<Vec<Mutex<i64>>> = Arc::new((0..ROWS).map(|_| Mutex::new(100)).collect());
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let writers: Vec<_> = (0..3u64)
            .map(|t| {
                let (store, rows, stop) = (Arc::clone(&store), Arc::clone(&rows), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let mut n = t * 7 + 1;
                    let mut owner = 1 + t;
                    while !stop.load(Ordering::Relaxed) {
                        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        let (a, b) = ((n >> 33) as usize % ROWS, (n >> 40) as usize % ROWS);
                        if a == b {
                            continue;
                        }
                        owner += 3;
                        // The rows' mutexes stand for their locks, held until the end of the transaction.
                        let (mut low, mut high) = {
                            let low = rows[a.min(b)].lock();
                            (low, rows[a.max(b)].lock())
                        };
                        for (row, value, by) in [(a.min(b), &mut *low, 5), (a.max(b), &mut *high, -5)] {
                            let before = value.to_le_bytes();
                            store.note(LockOwner(owner), 1, 7, &[row as u8], Some(&before));
                            *value += by;
                        }
                        if n.is_multiple_of(5) {
                            *low -= 5;
                            *high += 5;
                            store.roll_back(LockOwner(owner));
                        } else {
                            store.commit(LockOwner(owner));
                        }
                    }
                })
            })
            .collect();
        for _ in 0..300 {
            let s = store.snapshot();
            let mut sum = 0;
            for row in 0..ROWS {
                // A reader takes no lock for the transaction, only looks at one moment of the row.
                let value = loop {
                    if let Some(v) = rows[row].try_lock() {
                        let now = v.to_le_bytes();
                        let seen = store.visible(1, 7, &[row as u8], Some(&now), s.number(), READER);
                        let bytes: Vec<u8> = match seen {
                            Seen::Current(b) => b.unwrap().to_vec(),
                            Seen::Before(b) => b.record.to_vec(),
                            Seen::Nothing => panic!("the row was always there"),
                        };
                        break i64::from_le_bytes(bytes.try_into().unwrap());
                    }
                    std::thread::yield_now();
                };
                sum += value;
            }
            assert_eq!(sum, 100 * ROWS as i64);
        }
        stop.store(true, Ordering::Relaxed);
        for w in writers {
            w.join().unwrap();
        }
        assert_eq!(store.bytes(), 0);
    }
}
