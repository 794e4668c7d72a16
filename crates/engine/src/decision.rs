//! Decisions about transactions over several databases: whether all their parts are committed.
//!
//! One small file for each that is decided and not yet committed everywhere, named by the transaction's id, in a directory
//! of the instance. A part that its log leaves ready to be committed is committed by recovery when a file here names it, and
//! rolled back when none does.
//!
//! Invariants
//! 1. A file is there, durably, before the first part is committed, and goes after the last one is, or after the databases
//!    of the others have been recovered or dropped.
//! 2. Recovery hears of a decision only when it is durable.
//! 3. No two parts ever have the same id, also not in copies of one database.
//!
//! Rejected: the commit record of one of the databases as the decision, as SQL Server does with master's. That database may
//! be restored, detached or dropped before the others have heard of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_base::world::{Entropy, SystemEntropy};
use holdfast_disk::Disk;
use holdfast_format::log::transaction::BranchId;
use holdfast_storage::recovery::database::Outcomes;
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};

/// A transaction over several databases.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GlobalId([u8; 14]);

impl GlobalId {
    /// Its part with this number.
    pub fn branch(self, number: usize) -> BranchId {
        let mut out = [0; 16];
        out[..14].copy_from_slice(&self.0);
        out[14..].copy_from_slice(&(number as u16).to_le_bytes());
        BranchId(out)
    }

    fn of(branch: BranchId) -> Self {
        let mut out = [0; 14];
        out.copy_from_slice(&branch.0[..14]);
        GlobalId(out)
    }
}

/// A part that is ready to be committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Branch {
    pub id: BranchId,
    /// Id of the database in the instance.
    pub database: i32,
    /// What its commit gives back: allocation units with the first page of their IAM chains.
    pub emptied: Vec<(u64, PageId)>,
}

/// Why nothing was decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Undecided {
    /// The parts can be rolled back.
    No(String),
    /// Only the next start tells.
    InDoubt(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    parts: Vec<StoredPart>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPart {
    id: String,
    database: i32,
    /// Allocation unit, file, page.
    emptied: Vec<(u64, u16, u32)>,
}

const VERSION: u32 = 1;

/// The decisions of an instance.
pub struct Decisions {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    entropy: Arc<dyn Entropy>,
    /// Parts that may not be committed yet.
    pending: Mutex<BTreeMap<GlobalId, Vec<Branch>>>,
}

impl Decisions {
    /// Reads the decisions in a directory, which is made when it is not there.
    ///
    /// # Errors
    /// Names the file that cannot be read or understood.
    pub fn open(disk: Arc<dyn Disk>, directory: &Path) -> Result<Arc<Self>, String> {
        let paths = match disk.list(directory) {
            Ok(paths) => paths,
            Err(e) if disk.exists(directory) => return Err(e.to_string()),
            Err(_) => {
                // On a disk that cannot be written there is nothing to decide either; whoever tries is told.
                let parent = directory.parent().unwrap_or(Path::new("."));
                let _ = disk.create_directory(directory).and_then(|()| disk.sync_directory(parent));
                Vec::new()
            }
        };
        let (decided, unfinished): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|p| p.extension().is_some_and(|e| e == "json"));
        for path in unfinished {
            // What was being written when the server stopped decides nothing.
            let _ = disk.remove(&path);
        }
        if !decided.is_empty() {
            // What a server that died renamed may not be durable yet, and is relied on from now on.
            disk.sync_directory(directory).map_err(|e| e.to_string())?;
        }
        let mut pending = BTreeMap::new();
        for path in decided {
            let bytes = disk.read_file(&path).map_err(|e| e.to_string())?;
            let (id, parts) = decode(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
            pending.insert(id, parts);
        }
        let (directory, pending) = (directory.to_owned(), Mutex::new(pending));
        Ok(Arc::new(Decisions { disk, directory, entropy: Arc::new(SystemEntropy), pending }))
    }

    /// An id for a new transaction.
    pub fn new_id(&self) -> GlobalId {
        let mut out = [0; 14];
        self.entropy.fill(&mut out);
        GlobalId(out)
    }

    fn path(&self, id: GlobalId) -> PathBuf {
        self.directory.join(hex(&id.0)).with_extension("json")
    }

    /// Decides that all parts are committed. Returns when that is durable.
    pub fn decide(&self, id: GlobalId, parts: Vec<Branch>) -> Result<(), Undecided> {
        let path = self.path(id);
        let new = path.with_extension("new");
        let written = self
            .disk
            .create(&new)
            .and_then(|file| file.write_at(0, &encode(&parts)).and_then(|()| file.sync()));
        if let Err(e) = written {
            // It decides nothing, whether it goes or not.
            let _ = self.disk.remove(&new);
            return Err(Undecided::No(e.to_string()));
        }
        self.disk
            .rename(&new, &path)
            .and_then(|()| self.disk.sync_directory(&self.directory))
            .map_err(|e| Undecided::InDoubt(e.to_string()))?;
        self.pending.lock().insert(id, parts);
        Ok(())
    }

    /// All parts are committed, durably.
    pub fn settled(&self, id: GlobalId) {
        self.pending.lock().remove(&id);
        // A file that stays, or comes back after a crash, names parts that nobody asks for any more.
        let _ = self.disk.remove(&self.path(id));
    }

    /// A database was recovered, or is gone: nobody asks for its parts any more. None of them is between its two steps,
    /// because a database that closes waits for those.
    pub fn settled_in(&self, database: i32) {
        let mut done = Vec::new();
        for (id, parts) in self.pending.lock().iter_mut() {
            parts.retain(|p| p.database != database);
            if parts.is_empty() {
                done.push(*id);
            }
        }
        done.into_iter().for_each(|id| self.settled(id));
    }
}

impl Outcomes for Decisions {
    fn committed(&self, branch: BranchId) -> Option<Vec<(u64, PageId)>> {
        let pending = self.pending.lock();
        let parts = pending.get(&GlobalId::of(branch))?;
        parts.iter().find(|p| p.id == branch).map(|p| p.emptied.clone())
    }
}

/// Transactions of a database that are between their two steps. It is not closed meanwhile: whoever opened it again would
/// find them undecided and roll them back.
#[derive(Default)]
pub struct Ending {
    state: Mutex<EndingState>,
    none: Condvar,
}

#[derive(Default)]
struct EndingState {
    count: usize,
    closing: bool,
}

impl Ending {
    /// One more; `false` when the database is being closed.
    pub fn enter(&self) -> bool {
        let mut state = self.state.lock();
        state.count += usize::from(!state.closing);
        !state.closing
    }

    pub fn leave(&self) {
        let mut state = self.state.lock();
        state.count -= 1;
        if state.count == 0 {
            self.none.notify_all();
        }
    }

    /// Lets no more in and waits until the last one has left.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closing = true;
        self.none.wait_while(&mut state, |s| s.count > 0);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn from_hex(text: &str) -> Option<BranchId> {
    let mut out = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (n, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(BranchId(out))
}

fn encode(parts: &[Branch]) -> Vec<u8> {
    let part = |p: &Branch| StoredPart {
        id: hex(&p.id.0),
        database: p.database,
        emptied: p.emptied.iter().map(|(unit, page)| (*unit, page.file, page.page)).collect(),
    };
    let stored = Stored { version: VERSION, parts: parts.iter().map(part).collect() };
    serde_json::to_vec_pretty(&stored).unwrap_or_default()
}

fn decode(bytes: &[u8]) -> Result<(GlobalId, Vec<Branch>), String> {
    let stored: Stored = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if stored.version != VERSION {
        return Err(format!("layout {} is not known to this build", stored.version));
    }
    let mut parts = Vec::with_capacity(stored.parts.len());
    for p in stored.parts {
        let id = from_hex(&p.id).ok_or_else(|| format!("'{}' is no id", p.id))?;
        let emptied = p.emptied.iter().map(|&(unit, file, page)| (unit, PageId::new(file, page))).collect();
        parts.push(Branch { id, database: p.database, emptied });
    }
    let first = parts.first().ok_or("it names no part")?;
    Ok((GlobalId::of(first.id), parts))
}

#[cfg(test)]
mod tests {
    use holdfast_disk::{Operation, SimulatedDisk};

    use super::*;

    fn part(id: BranchId, n: i32) -> Branch {
        Branch { id, database: n, emptied: vec![(7 << 48 | 3, PageId::new(1, 80))] }
    }

    #[test]
    fn decisions_outlive_a_crash_until_every_part_is_settled() {
        let disk = SimulatedDisk::new();
        let directory = Path::new("/d/decisions");
        let open = |disk: &SimulatedDisk| Decisions::open(Arc::new(disk.clone()), directory).expect("opens");
        let decisions = open(&disk);
        let (id, other) = (decisions.new_id(), decisions.new_id());
        assert_ne!(id, other);
        decisions.decide(id, vec![part(id.branch(0), 5), part(id.branch(1), 6)]).expect("decided");
        let disk = disk.crash(1);
        let decisions = open(&disk);
        assert_eq!(decisions.committed(id.branch(1)), Some(vec![(7 << 48 | 3, PageId::new(1, 80))]));
        assert_eq!(decisions.committed(id.branch(2)), None);
        assert_eq!(decisions.committed(other.branch(0)), None);
        decisions.settled_in(5);
        decisions.settled_in(5);
        assert_eq!(open(&disk).pending.lock().len(), 1);
        decisions.settled_in(6);
        assert_eq!(open(&disk).pending.lock().len(), 0);
        assert_eq!(disk.list(directory).expect("listed"), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_cannot_be_written_decides_nothing_and_leaves_nothing() {
        let disk = SimulatedDisk::new();
        let directory = Path::new("/d");
        let decisions = Decisions::open(Arc::new(disk.clone()), directory).expect("opens");
        for fails in [Operation::Create, Operation::Write, Operation::Sync] {
            disk.set_fault(Some(Arc::new(move |path, operation, _| {
                let new = path.extension().is_some_and(|e| e == "new");
                (new && operation == fails).then_some(std::io::ErrorKind::StorageFull)
            })));
            let id = decisions.new_id();
            let told = decisions.decide(id, vec![part(id.branch(0), 5)]);
            assert!(matches!(told, Err(Undecided::No(_))), "{fails:?}: {told:?}");
            assert_eq!(decisions.committed(id.branch(0)), None);
            disk.set_fault(None);
            assert_eq!(disk.list(directory).expect("listed"), Vec::<PathBuf>::new(), "{fails:?}");
        }
        // A name that may or may not be durable leaves it open.
        disk.set_fault(Some(Arc::new(|_, operation, _| {
            (operation == Operation::Rename).then_some(std::io::ErrorKind::Other)
        })));
        let id = decisions.new_id();
        let told = decisions.decide(id, vec![part(id.branch(0), 5)]);
        assert!(matches!(told, Err(Undecided::InDoubt(_))), "{told:?}");
        assert_eq!(decisions.committed(id.branch(0)), None);
    }

    #[test]
    fn files_that_are_not_understood_are_named() {
        for bad in [
            "",
            "{",
            r#"{"version":2,"parts":[]}"#,
            r#"{"version":1,"parts":[]}"#,
            r#"{"version":1,"parts":[{"id":"é0","database":"","emptied":[]}]}"#,
        ] {
            let disk = SimulatedDisk::new();
            let directory = Path::new("/d");
            let file = disk.create(&directory.join("x.json")).expect("made");
            file.write_at(0, bad.as_bytes()).expect("written");
            let found = Decisions::open(Arc::new(disk), directory).err().expect("refused");
            assert!(found.starts_with("/d/x.json: "), "{found}");
        }
    }
}
