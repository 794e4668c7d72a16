//! A disk in memory that forgets, tears and reorders what was not synced, and that stops at a chosen change.
//!
//! Every file has live contents (what reads see) and durable contents (what surely survives). [`SimulatedDisk::crash`]
//! gives the disk after power loss: of every unsynced sector either the old or the new bytes, chosen by the seed; names not
//! synced are there or not.
//!
//! Invariants
//! 1. Synced contents always survive.
//! 2. After the chosen change, every operation fails until [`SimulatedDisk::crash`].

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::{Disk, DiskError, DiskFile, DiskResult, Operation};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Contents {
    live: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone, Default)]
struct State {
    files: Vec<Contents>,
    live_names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    changes: u64,
    stop_after: Option<u64>,
}

/// Shared handle of a simulated disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
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

    /// What is left after power loss; `seed` decides the fate of unsynced sectors and names.
    pub fn crash(&self, seed: u64) -> SimulatedDisk {
        let mut random = seed | 1;
        let mut chance = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random & 1 == 0
        };
        let mut state = self.state().clone();
        state.stop_after = None;
        for file in &mut state.files {
            if file.live.len() != file.durable.len() && chance() {
                file.durable.resize(file.live.len(), 0);
            }
            for (at, sector) in file.durable.chunks_mut(SECTOR).enumerate() {
                let Some(new) = file.live.get(at * SECTOR..at * SECTOR + sector.len()) else { continue };
                if *sector != *new && chance() {
                    sector.copy_from_slice(new);
                }
            }
            file.live = file.durable.clone();
        }
        let mut names = state.durable_names.clone();
        let all: std::collections::BTreeSet<_> =
            state.live_names.keys().chain(names.keys()).cloned().collect();
        for name in all {
            if state.live_names.get(&name) != state.durable_names.get(&name) && chance() {
                match state.live_names.get(&name) {
                    Some(&id) => names.insert(name, id),
                    None => names.remove(&name),
                };
            }
        }
        state.live_names = names.clone();
        state.durable_names = names;
        SimulatedDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Counts a change; fails when the disk is stopped.
    fn change(&self, path: &Path, operation: Operation, offset: u64) -> DiskResult<MutexGuard<'_, State>> {
        let mut state = self.state();
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
        if state.live_names.contains_key(path) {
            return Err(error(path, Operation::Create, 0, io::ErrorKind::AlreadyExists, "the file exists"));
        }
        let id = state.files.len();
        state.files.push(Contents::default());
        state.live_names.insert(path.to_owned(), id);
        Ok(Arc::new(SimulatedFile { path: path.to_owned(), id, disk: self.clone() }))
    }

    fn open(&self, path: &Path, _writable: bool) -> DiskResult<Arc<dyn DiskFile>> {
        let id = self.state().live_names.get(path).copied();
        let id =
            id.ok_or_else(|| error(path, Operation::Open, 0, io::ErrorKind::NotFound, "no such file"))?;
        Ok(Arc::new(SimulatedFile { path: path.to_owned(), id, disk: self.clone() }))
    }

    fn exists(&self, path: &Path) -> bool {
        self.state().live_names.contains_key(path)
    }

    fn remove(&self, path: &Path) -> DiskResult<()> {
        let mut state = self.change(path, Operation::Remove, 0)?;
        match state.live_names.remove(path) {
            Some(_) => Ok(()),
            None => Err(error(path, Operation::Remove, 0, io::ErrorKind::NotFound, "no such file")),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()> {
        let mut state = self.change(from, Operation::Rename, 0)?;
        let Some(id) = state.live_names.remove(from) else {
            return Err(error(from, Operation::Rename, 0, io::ErrorKind::NotFound, "no such file"));
        };
        state.live_names.insert(to.to_owned(), id);
        Ok(())
    }

    fn list(&self, directory: &Path) -> DiskResult<Vec<PathBuf>> {
        Ok(self.state().live_names.keys().filter(|p| p.parent() == Some(directory)).cloned().collect())
    }

    fn create_directory(&self, _directory: &Path) -> DiskResult<()> {
        Ok(())
    }

    fn sync_directory(&self, directory: &Path) -> DiskResult<()> {
        let mut state = self.change(directory, Operation::Sync, 0)?;
        let state = &mut *state;
        state.durable_names.retain(|p, _| p.parent() != Some(directory));
        let live = state.live_names.iter().filter(|(p, _)| p.parent() == Some(directory));
        state.durable_names.extend(live.map(|(p, &id)| (p.clone(), id)));
        Ok(())
    }
}

impl SimulatedFile {
    fn with<T>(
        &self,
        operation: Operation,
        offset: u64,
        f: impl FnOnce(&mut Contents) -> T,
    ) -> DiskResult<T> {
        let mut state = self.disk.change(&self.path, operation, offset)?;
        Ok(f(&mut state.files[self.id]))
    }
}

impl DiskFile for SimulatedFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn length(&self) -> DiskResult<u64> {
        Ok(self.disk.state().files[self.id].live.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> DiskResult<()> {
        let state = self.disk.state();
        let live = &state.files[self.id].live;
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
        self.with(Operation::Write, offset, |c| {
            let end = offset as usize + bytes.len();
            if c.live.len() < end {
                c.live.resize(end, 0);
            }
            c.live[offset as usize..end].copy_from_slice(bytes);
        })
    }

    fn sync(&self) -> DiskResult<()> {
        self.with(Operation::Sync, 0, |c| c.durable = c.live.clone())
    }

    fn set_length(&self, length: u64) -> DiskResult<()> {
        self.with(Operation::Resize, length, |c| c.live.resize(length as usize, 0))
    }

    fn allocate(&self, length: u64) -> DiskResult<()> {
        self.with(Operation::Resize, length, |c| {
            if (c.live.len() as u64) < length {
                c.live.resize(length as usize, 0);
            }
        })
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
}
