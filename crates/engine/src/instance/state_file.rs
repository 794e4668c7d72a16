//! `instance.json`: which databases an instance has, their files, and which of them are in the middle of a restore.
//!
//! Invariants
//! 1. Written whole to `instance.json.new`, synced, renamed over the old one, and the directory synced: a crash leaves the old
//!    or the new file, never a mixture.
//! 2. An unreadable file stops the start; it is never replaced by an empty one.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A database as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseRecord {
    pub id: i32,
    pub name: String,
    /// In the middle of a restore; never opened at start.
    pub restoring: bool,
    /// Being made or removed: what there is of its files goes away at the next start.
    #[serde(default)]
    pub discard: bool,
    /// SET OFFLINE: not opened at start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    pub files: Vec<FileRecord>,
    /// While it is restored: the SID of the login that will own it; `None`: whoever owned it in the backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Vec<u8>>,
    /// While it is not known that a page was placed: what the restore is about to replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Replaced>,
}

impl DatabaseRecord {
    /// A database that is opened at start.
    pub fn online(id: i32, name: String, files: Vec<FileRecord>) -> Self {
        DatabaseRecord {
            id,
            name,
            restoring: false,
            discard: false,
            offline: false,
            files,
            owner: None,
            before: None,
        }
    }

    /// What it was before the restore that replaces it.
    pub fn taken_back(self, before: Replaced) -> Self {
        let Replaced { restoring, offline, files, owner } = before;
        DatabaseRecord { restoring, offline, owner, ..DatabaseRecord::online(self.id, self.name, files) }
    }
}

/// A database that a restore is about to replace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    pub restoring: bool,
    pub offline: bool,
    pub files: Vec<FileRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Vec<u8>>,
}

/// A file as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    pub file_id: u16,
    pub is_log: bool,
    pub logical_name: String,
    pub path: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    /// Layout version of this file.
    version: u32,
    databases: Vec<DatabaseRecord>,
    /// Databases that keep row versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    row_versions: BTreeMap<i32, RowVersions>,
    /// Options of databases that are not what a new database has: name and value in upper case. (SQL Server keeps them in
    /// master, too.)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<i32, DatabaseOptions>,
    /// Where files will be looked for when their database is next opened: path by database and file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moves: BTreeMap<i32, BTreeMap<u16, PathBuf>>,
}

/// Options of a database by name.
pub type DatabaseOptions = BTreeMap<String, String>;

/// Options of a database about row versions.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowVersions {
    pub allow_snapshot_isolation: bool,
    pub read_committed_snapshot: bool,
}

const VERSION: u32 = 1;

/// The open state file.
pub struct StateFile {
    path: PathBuf,
    contents: Contents,
}

impl StateFile {
    /// Reads the file of a data directory; an absent one is an empty instance.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join("instance.json");
        let bad = |e: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {e}", path.display()));
        let contents = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Contents { version: VERSION, ..Contents::default() }
            }
            Err(e) => return Err(e),
        };
        if contents.version != VERSION {
            return Err(bad(format!("layout {} is not known to this build", contents.version)));
        }
        Ok(StateFile { path, contents })
    }

    pub fn records(&self) -> &[DatabaseRecord] {
        &self.contents.databases
    }

    pub fn record(&self, id: i32) -> Option<&DatabaseRecord> {
        self.contents.databases.iter().find(|d| d.id == id)
    }

    /// Adds or replaces a record and makes it durable. A file that is not where it was is not moved any more.
    pub fn put(&mut self, record: DatabaseRecord) -> io::Result<()> {
        let before = self.record(record.id).map(|d| d.files.clone()).unwrap_or_default();
        let stays = |file: &u16| {
            let path =
                |files: &[FileRecord]| files.iter().find(|f| f.file_id == *file).map(|f| f.path.clone());
            path(&before).is_some_and(|p| path(&record.files) == Some(p))
        };
        if let Some(moves) = self.contents.moves.get_mut(&record.id) {
            moves.retain(|file, _| stays(file));
        }
        self.contents.moves.retain(|_, m| !m.is_empty());
        self.contents.databases.retain(|d| d.id != record.id);
        self.contents.databases.push(record);
        self.contents.databases.sort_by_key(|d| d.id);
        self.write()
    }

    pub fn row_versions(&self) -> &BTreeMap<i32, RowVersions> {
        &self.contents.row_versions
    }

    pub fn set_row_versions(&mut self, id: i32, versions: RowVersions) -> io::Result<()> {
        self.contents.row_versions.insert(id, versions);
        self.write()
    }

    /// Where a file of a database will be looked for from its next opening on.
    pub fn move_file(&mut self, id: i32, file: u16, path: PathBuf) -> io::Result<()> {
        self.contents.moves.entry(id).or_default().insert(file, path);
        self.write()
    }

    /// The paths that [`StateFile::move_file`] has set and no opening has taken.
    pub fn moves(&self, id: i32) -> BTreeMap<u16, PathBuf> {
        self.contents.moves.get(&id).cloned().unwrap_or_default()
    }

    /// The files of the database are from now on where they were to be moved to; answers whether any was.
    pub fn take_moves(&mut self, id: i32) -> io::Result<bool> {
        let Some(moves) = self.contents.moves.remove(&id) else { return Ok(false) };
        let files = self.contents.databases.iter_mut().filter(|d| d.id == id).flat_map(|d| &mut d.files);
        for file in files {
            if let Some(path) = moves.get(&file.file_id) {
                file.path.clone_from(path);
            }
        }
        self.write()?;
        Ok(true)
    }

    pub fn options(&self, id: i32) -> DatabaseOptions {
        self.contents.options.get(&id).cloned().unwrap_or_default()
    }

    /// Sets an option; `None`: what a new database has.
    pub fn set_option(&mut self, id: i32, name: &str, value: Option<&str>) -> io::Result<()> {
        let options = self.contents.options.entry(id).or_default();
        match value {
            Some(v) => options.insert(name.to_owned(), v.to_owned()),
            None => options.remove(name),
        };
        self.contents.options.retain(|_, o| !o.is_empty());
        self.write()
    }

    pub fn remove(&mut self, id: i32) -> io::Result<()> {
        self.contents.databases.retain(|d| d.id != id);
        self.contents.row_versions.remove(&id);
        self.contents.options.remove(&id);
        self.contents.moves.remove(&id);
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let new = self.path.with_extension("json.new");
        let bytes = serde_json::to_vec_pretty(&self.contents).map_err(io::Error::other)?;
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        match self.path.parent() {
            Some(directory) => std::fs::File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }
}
