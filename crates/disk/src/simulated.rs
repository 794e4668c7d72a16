//! A disk in memory that forgets, tears and reorders what was not synced, that stops at a chosen change or keeps its whole
//! history, and that fails as real disks do.
//!
//! Every file has contents that reads see, and of every sector written since the last sync what it held before.
//! [`SimulatedDisk::crash`] gives the disk after power loss: of every unsynced sector either the old or the new bytes, chosen
//! by the seed; names not synced are there or not. [`SimulatedDisk::record`] keeps every change, so that one run gives the
//! disk of every moment of it ([`Replay`]). [`SimulatedDisk::set_fault`] makes chosen operations fail.
//!
//! Invariants
//! 1. Synced contents always survive.
//! 2. After the chosen change, every operation fails until [`SimulatedDisk::crash`].
//! 3. What a failed sync should have made durable stays in doubt, whatever is synced later: so it is with real disks.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::{Disk, DiskError, DiskFile, DiskResult, Operation};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Contents {
    live: Vec<u8>,
    /// What sectors written since the last sync held before.
    unsynced: BTreeMap<usize, [u8; SECTOR]>,
    /// The same for those of syncs that failed.
    doubtful: BTreeMap<usize, [u8; SECTOR]>,
    durable_length: usize,
}

impl Contents {
    fn keep_old(&mut self, from: usize, to: usize) {
        for at in from / SECTOR..to.div_ceil(SECTOR) {
            let live = &self.live;
            self.unsynced.entry(at).or_insert_with(|| {
                let mut old = [0; SECTOR];
                let part = live.get(at * SECTOR..).unwrap_or(&[]);
                let part = &part[..part.len().min(SECTOR)];
                old[..part.len()].copy_from_slice(part);
                old
            });
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.keep_old(offset, end);
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        self.live[offset..end].copy_from_slice(bytes);
    }

    fn resize(&mut self, length: usize) {
        self.keep_old(length.min(self.live.len()), self.live.len());
        self.live.resize(length, 0);
    }

    fn sync(&mut self) {
        self.unsynced.clear();
        self.durable_length = self.live.len();
    }

    fn sync_failed(&mut self) {
        for (at, old) in std::mem::take(&mut self.unsynced) {
            self.doubtful.entry(at).or_insert(old);
        }
    }

    fn crash(&self, survives: &mut dyn FnMut() -> bool) -> Contents {
        let keep = self.live.len() == self.durable_length || survives();
        let length = if keep { self.live.len() } else { self.durable_length };
        let mut live = self.live.clone();
        live.resize(length, 0);
        for (&at, old) in self.unsynced.iter().chain(&self.doubtful) {
            let range = at * SECTOR..((at + 1) * SECTOR).min(length);
            if range.is_empty() || (range.start < self.live.len() && survives()) {
                continue;
            }
            let size = range.len();
            live[range].copy_from_slice(&old[..size]);
        }
        Contents { live, durable_length: length, ..Contents::default() }
    }
}

/// A change as [`SimulatedDisk::record`] keeps it.
enum Step {
    Write { file: usize, offset: usize, bytes: Vec<u8> },
    Sync { file: usize },
    Resize { file: usize, length: usize },
    Create,
    Names { live: BTreeMap<PathBuf, usize>, durable: BTreeMap<PathBuf, usize> },
}

#[derive(Clone, Default)]
struct Volume {
    files: Vec<Contents>,
    live_names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
}

impl Volume {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write { file, offset, bytes } => self.files[*file].write(*offset, bytes),
            Step::Sync { file } => self.files[*file].sync(),
            Step::Resize { file, length } => self.files[*file].resize(*length),
            Step::Create => self.files.push(Contents::default()),
            Step::Names { live, durable } => {
                self.live_names.clone_from(live);
                self.durable_names.clone_from(durable);
            }
        }
    }

    fn crash(&self, seed: u64) -> Volume {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        // Power loss that kept everything (a process that was killed), nothing, or some.
        let percent = match seed % 8 {
            0 => 0,
            1 => 100,
            2 => 90,
            3 => 10,
            _ => 50,
        };
        let mut survives = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 20) % 100 < percent
        };
        let files = self.files.iter().map(|f| f.crash(&mut survives)).collect();
        let mut names = self.durable_names.clone();
        let all: std::collections::BTreeSet<_> =
            self.live_names.keys().chain(names.keys()).cloned().collect();
        for name in all {
            if self.live_names.get(&name) != self.durable_names.get(&name) && survives() {
                match self.live_names.get(&name) {
                    Some(&id) => names.insert(name, id),
                    None => names.remove(&name),
                };
            }
        }
        Volume { files, live_names: names.clone(), durable_names: names }
    }
}

/// Decides whether an operation (at an offset) fails, and how.
pub type Fault = Arc<dyn Fn(&Path, Operation, u64) -> Option<io::ErrorKind> + Send + Sync>;

#[derive(Default)]
struct State {
    volume: Volume,
    changes: u64,
    stop_after: Option<u64>,
    history: Option<(Volume, u64, Vec<Step>)>,
    fault: Option<Fault>,
}

impl State {
    fn apply(&mut self, step: Step) {
        self.volume.apply(&step);
        if let Some((_, _, steps)) = &mut self.history {
            steps.push(step);
        }
    }

    fn rename(&mut self, f: impl FnOnce(&mut Volume)) {
        f(&mut self.volume);
        if let Some((_, _, steps)) = &mut self.history {
            let (live, durable) = (self.volume.live_names.clone(), self.volume.durable_names.clone());
            steps.push(Step::Names { live, durable });
        }
    }
}

/// Shared handle of a simulated disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

/// The disk at any moment since [`SimulatedDisk::record`].
pub struct Replay {
    volume: Volume,
    first: u64,
    done: usize,
    steps: Vec<Step>,
}

impl Replay {
    /// Numbers of changes: before the first one and behind the last.
    pub fn range(&self) -> std::ops::RangeInclusive<u64> {
        self.first..=self.first + self.steps.len() as u64
    }

    /// Goes on to the moment when `changes` changes had happened; never back.
    pub fn go_to(&mut self, changes: u64) {
        while self.first + (self.done as u64) < changes {
            let Some(step) = self.steps.get(self.done) else { break };
            self.volume.apply(step);
            self.done += 1;
        }
    }

    /// What power loss at this moment leaves.
    pub fn crash(&self, seed: u64) -> SimulatedDisk {
        SimulatedDisk::of(self.volume.crash(seed))
    }
}

struct SimulatedFile {
    path: PathBuf,
    id: usize,
    disk: SimulatedDisk,
}

fn error(path: &Path, operation: Operation, offset: u64, kind: io::ErrorKind, what: &str) -> DiskError {
    DiskError::new(path, operation, offset, &io::Error::new(kind, what))
}

impl SimulatedDisk {
    pub fn new() -> Self {
        Self::default()
    }

    fn of(volume: Volume) -> Self {
        SimulatedDisk { state: Arc::new(Mutex::new(State { volume, ..State::default() })) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Changes (writes, resizes, syncs, name changes) made so far.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Lets `count` more changes happen, then fails everything.
    pub fn stop_after(&self, count: u64) {
        let mut state = self.state();
        state.stop_after = Some(state.changes + count);
    }

    /// Keeps every change from now on.
    pub fn record(&self) {
        let mut state = self.state();
        state.history = Some((state.volume.clone(), state.changes, Vec::new()));
    }

    /// Ends recording and gives what was recorded.
    pub fn replay(&self) -> Option<Replay> {
        let (volume, first, steps) = self.state().history.take()?;
        Some(Replay { volume, first, done: 0, steps })
    }

    /// Makes operations fail from now on; `None` heals the disk.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// What is left after power loss; `seed` decides the fate of unsynced sectors and names.
    pub fn crash(&self, seed: u64) -> SimulatedDisk {
        Self::of(self.state().volume.crash(seed))
    }

    fn check(&self, path: &Path, operation: Operation, offset: u64) -> DiskResult<MutexGuard<'_, State>> {
        let fault = self.state().fault.clone();
        if let Some(kind) = fault.and_then(|f| f(path, operation, offset)) {
            return Err(error(path, operation, offset, kind, "the simulated disk fails"));
        }
        Ok(self.state())
    }

    /// Counts a change; fails when the disk is stopped.
    fn change(&self, path: &Path, operation: Operation, offset: u64) -> DiskResult<MutexGuard<'_, State>> {
        let mut state = self.check(path, operation, offset)?;
        if state.stop_after.is_some_and(|stop| state.changes >= stop) {
            return Err(error(path, operation, offset, io::ErrorKind::Other, "the simulated machine is off"));
        }
        state.changes += 1;
        Ok(state)
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> DiskResult<Arc<dyn DiskFile>> {
        let mut state = self.change(path, Operation::Create, 0)?;
        if state.volume.live_names.contains_key(path) {
            return Err(error(path, Operation::Create, 0, io::ErrorKind::AlreadyExists, "the file exists"));
        }
        let id = state.volume.files.len();
        // One change of two steps: a file without a name is not seen by anybody.
        state.changes += 1;
        state.apply(Step::Create);
        state.rename(|v| {
            v.live_names.insert(path.to_owned(), id);
        });
        Ok(Arc::new(SimulatedFile { path: path.to_owned(), id, disk: self.clone() }))
    }

    fn open(&self, path: &Path, _writable: bool) -> DiskResult<Arc<dyn DiskFile>> {
        let id = self.check(path, Operation::Open, 0)?.volume.live_names.get(path).copied();
        let id =
            id.ok_or_else(|| error(path, Operation::Open, 0, io::ErrorKind::NotFound, "no such file"))?;
        Ok(Arc::new(SimulatedFile { path: path.to_owned(), id, disk: self.clone() }))
    }

    fn exists(&self, path: &Path) -> bool {
        self.state().volume.live_names.contains_key(path)
    }

    fn remove(&self, path: &Path) -> DiskResult<()> {
        let mut state = self.change(path, Operation::Remove, 0)?;
        if !state.volume.live_names.contains_key(path) {
            return Err(error(path, Operation::Remove, 0, io::ErrorKind::NotFound, "no such file"));
        }
        state.rename(|v| {
            v.live_names.remove(path);
        });
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()> {
        let mut state = self.change(from, Operation::Rename, 0)?;
        let Some(&id) = state.volume.live_names.get(from) else {
            return Err(error(from, Operation::Rename, 0, io::ErrorKind::NotFound, "no such file"));
        };
        state.rename(|v| {
            v.live_names.remove(from);
            v.live_names.insert(to.to_owned(), id);
        });
        Ok(())
    }

    fn list(&self, directory: &Path) -> DiskResult<Vec<PathBuf>> {
        let state = self.check(directory, Operation::List, 0)?;
        Ok(state.volume.live_names.keys().filter(|p| p.parent() == Some(directory)).cloned().collect())
    }

    fn create_directory(&self, _directory: &Path) -> DiskResult<()> {
        Ok(())
    }

    fn sync_directory(&self, directory: &Path) -> DiskResult<()> {
        let mut state = self.change(directory, Operation::Sync, 0)?;
        state.rename(|v| {
            v.durable_names.retain(|p, _| p.parent() != Some(directory));
            let live = v.live_names.iter().filter(|(p, _)| p.parent() == Some(directory));
            v.durable_names.extend(live.map(|(p, &id)| (p.clone(), id)));
        });
        Ok(())
    }
}

impl SimulatedFile {
    fn with(&self, operation: Operation, offset: u64, step: Step) -> DiskResult<()> {
        self.disk.change(&self.path, operation, offset)?.apply(step);
        Ok(())
    }
}

impl DiskFile for SimulatedFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn length(&self) -> DiskResult<u64> {
        Ok(self.disk.state().volume.files[self.id].live.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> DiskResult<()> {
        let state = self.disk.check(&self.path, Operation::Read, offset)?;
        let live = &state.volume.files[self.id].live;
        let part = usize::try_from(offset).ok().and_then(|o| live.get(o..o.checked_add(out.len())?));
        let part = part.ok_or_else(|| {
            error(
                &self.path,
                Operation::Read,
                offset,
                io::ErrorKind::UnexpectedEof,
                "beyond the end of the file",
            )
        })?;
        out.copy_from_slice(part);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()> {
        let step = Step::Write { file: self.id, offset: offset as usize, bytes: bytes.to_vec() };
        self.with(Operation::Write, offset, step)
    }

    fn sync(&self) -> DiskResult<()> {
        let done = self.with(Operation::Sync, 0, Step::Sync { file: self.id });
        if done.is_err() {
            self.disk.state().volume.files[self.id].sync_failed();
        }
        done
    }

    fn set_length(&self, length: u64) -> DiskResult<()> {
        self.with(Operation::Resize, length, Step::Resize { file: self.id, length: length as usize })
    }

    fn allocate(&self, length: u64) -> DiskResult<()> {
        let length = (length as usize).max(self.length()? as usize);
        self.with(Operation::Resize, length as u64, Step::Resize { file: self.id, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_bytes_survive_and_a_stopped_disk_refuses() {
        let disk = SimulatedDisk::new();
        let path = Path::new("/d/a");
        let file = disk.create(path).expect("created");
        file.write_at(0, &[1; 2048]).expect("written");
        file.sync().expect("durable");
        disk.sync_directory(Path::new("/d")).expect("durable");
        file.write_at(0, &[2; 2048]).expect("written");
        disk.stop_after(0);
        assert!(file.write_at(0, &[3]).is_err());
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..32 {
            let after = disk.crash(seed);
            let bytes = after.read_file(path).expect("the name was durable");
            assert!(bytes.chunks(SECTOR).all(|s| s.iter().all(|&b| b == s[0]) && matches!(s[0], 1 | 2)));
            kinds.insert(bytes);
        }
        assert!(kinds.len() > 2, "unsynced sectors are torn apart");
    }

    #[test]
    fn a_replay_gives_the_disk_of_every_moment_and_failed_syncs_stay_in_doubt() {
        let disk = SimulatedDisk::new();
        let path = Path::new("/d/a");
        let file = disk.create(path).expect("created");
        disk.sync_directory(Path::new("/d")).expect("durable");
        disk.record();
        for n in 1..=5u8 {
            file.write_at(0, &[n; 1024]).expect("written");
            file.sync().expect("durable");
        }
        let mut replay = disk.replay().expect("recorded");
        let first = *replay.range().start();
        for n in 1..=5u8 {
            replay.go_to(first + u64::from(n) * 2 - 1);
            let half = replay.crash(6).read_file(path).expect("there");
            assert!(half.iter().all(|b| [n - 1, n].contains(b)));
            replay.go_to(first + u64::from(n) * 2);
            assert_eq!(replay.crash(6).read_file(path).expect("there"), [n; 1024]);
        }
        let failing: Fault = Arc::new(|_, o, _| (o == Operation::Sync).then_some(io::ErrorKind::Other));
        file.write_at(0, &[9; 512]).expect("written");
        disk.set_fault(Some(failing));
        assert!(file.sync().is_err());
        disk.set_fault(None);
        file.sync().expect("the next one says nothing");
        assert_eq!(disk.crash(0).read_file(path).expect("there")[..512], [5; 512]);
        assert_eq!(disk.crash(1).read_file(path).expect("there")[..512], [9; 512]);
    }
}
