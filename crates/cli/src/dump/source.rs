//! Opening the database of a dump: data files in place, or backups restored into a temporary folder that goes away with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use holdfast_backup::{BackupKind, BackupSet};
use holdfast_base::PAGE_SIZE;
use holdfast_disk::{Disk, RealDisk};
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::instance::attach::{file_id, read_primary};
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::restore::database::{Surroundings, restore};
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_exec::session::CancelFlag;
use holdfast_format::file_header::FileHeader;
use holdfast_format::page::protection;
use holdfast_storage::PageCache;

use crate::sequence;

/// Highest database version that a dump takes: everything the format layer reads.
const NEWEST: i32 = 998;

/// An open database and, for backups, the folder it lies in.
pub struct Opened {
    pub catalog: Arc<DatabaseCatalog>,
    _folder: Option<Folder>,
}

/// A folder removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let base = std::env::temp_dir();
        for n in 0..1000u32 {
            let path = base.join(format!("holdfast-dump-{}-{n}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e).with_context(|| path.display().to_string()),
            }
        }
        bail!("no temporary folder could be made in {}", base.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens data files or backups. `position` picks the backup set of every file; without it, all sets are used that lead
/// furthest.
pub fn open(
    files: &[PathBuf],
    position: Option<u32>,
    media_password: Option<&str>,
) -> anyhow::Result<Opened> {
    let first = files.first().ok_or_else(|| anyhow!("no file is given"))?;
    let data = is_data_file(first)?;
    for f in files {
        if is_data_file(f)? != data {
            bail!("{} and {} are not of one kind: give data files or backups", first.display(), f.display());
        }
    }
    if data { open_data_files(files) } else { open_backup(files, position, media_password) }
}

/// A data or log file starts with a page of type 15; a backup does not.
fn is_data_file(path: &Path) -> anyhow::Result<bool> {
    use std::io::Read;
    let mut head = [0u8; 2];
    let mut file = crate::output::open_file(path).with_context(|| path.display().to_string())?;
    Ok(file.read(&mut head)? == 2 && head == [1, 15])
}

fn open_data_files(files: &[PathBuf]) -> anyhow::Result<Opened> {
    let mut data = Vec::new();
    for path in files {
        let file = RealDisk.open(path, false)?;
        let mut page = [0u8; PAGE_SIZE];
        file.read_at(0, &mut page)?;
        // A torn page says so when it is read as a page; its header is looked at either way.
        let _ = protection::restore_torn(&mut page);
        let header = FileHeader::read(&page).with_context(|| path.display().to_string())?;
        // Log files have filegroup 0 and hold no tables.
        if header.filegroup_id != 0 {
            data.push((header.file_id, file));
        }
    }
    if data.is_empty() {
        bail!("there are only log files; the tables are in the data files (.mdf, .ndf)");
    }
    if data.iter().all(|(id, _)| *id != 1) {
        bail!("the primary data file (.mdf) is missing: without it the others cannot be read");
    }
    for path in files.iter().filter(|p| file_id(&RealDisk, p) == Some(1)) {
        // What cannot be read of the primary file is told when the catalog is opened.
        if let Ok(facts) = read_primary(&RealDisk, path)
            && !facts.closed_cleanly
        {
            eprintln!(
                "warning: {}: the database was not closed cleanly; changes that only its log holds are not in the data files and not in this dump. Attaching it with its log to a server recovers them",
                path.display()
            );
        }
    }
    let pages = PageCache::new(64 << 20).attach(data)?;
    Ok(Opened { catalog: DatabaseCatalog::open(5, None, pages)?, _folder: None })
}

/// Restores the sequence of sets among the files that leads furthest; `position` leaves only the sets at that place.
fn open_backup(
    files: &[PathBuf],
    position: Option<u32>,
    media_password: Option<&str>,
) -> anyhow::Result<Opened> {
    let sets: Vec<BackupSet> = sequence::sets_of(files)?
        .into_iter()
        .filter(|s| position.is_none_or(|p| p == u32::from(s.head().start.position)))
        .collect();
    if sets.is_empty() {
        bail!(
            "the files hold no backup set{}",
            position.map_or(String::new(), |p| format!(" at position {p}"))
        );
    }
    let family = sets[0].info().map(|i| i.family);
    if let Some(other) = sets.iter().find(|s| s.info().map(|i| i.family) != family) {
        let name = |s: &BackupSet| s.info().map_or(String::new(), |i| i.database_name.clone());
        bail!(
            "the files hold backups of several databases ('{}', '{}'); dump one at a time",
            name(&sets[0]),
            name(other)
        );
    }
    let steps = sequence::best(&sets.iter().collect::<Vec<_>>())?;
    let folder = Folder::new()?;
    let cache = PageCache::new(64 << 20);
    let opener = StoredOpener::new(Arc::new(RealDisk), cache).read_only();
    let mut options = InstanceOptions::new(&folder.0);
    options.database_version = NEWEST;
    let instance = Instance::open(options, Arc::new(opener), &mut |m| eprintln!("{m}"))?;
    let count = steps.len();
    for (i, set) in steps.into_iter().enumerate() {
        let verb = match set.info().map(|i| i.kind) {
            Some(BackupKind::Log) => RestoreVerb::Log("dump".to_owned()),
            _ => RestoreVerb::Database("dump".to_owned()),
        };
        let last = i + 1 == count;
        let request = RestoreRequest {
            file: Some(u32::from(set.head().start.position)),
            recovery: if last { RecoveryOption::Recovery } else { RecoveryOption::NoRecovery },
            media_password: media_password.map(str::to_owned),
            ..RestoreRequest::of(verb, sequence::devices(set))
        };
        let around = Surroundings {
            instance: &instance,
            cancel: &CancelFlag::new(),
            session_database: 1,
            in_use: &|_| false,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            clock: &holdfast_base::world::SystemClock::new(0),
            progress: &|_| (),
            restorer: None,
        };
        restore(&request, &around, &mut Collected::new()).map_err(|errors| {
            let texts: Vec<String> =
                errors.iter().map(|e| format!("Msg {}: {}", e.number, e.message)).collect();
            anyhow!("{}", texts.join("; "))
        })?;
    }
    let entry = instance.find("dump").context("the restored database is not listed")?;
    let data = entry
        .files
        .read()
        .iter()
        .filter(|f| !f.is_log)
        .map(|f| Ok((f.file_id, RealDisk.open(&f.path, false)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let pages = PageCache::new(64 << 20).attach(data)?;
    Ok(Opened { catalog: DatabaseCatalog::open(5, None, pages)?, _folder: Some(folder) })
}
