//! Opening the database of a dump: data files in place, or backups restored into a temporary folder that goes away with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use holdfast_backup::BackupKind;
use holdfast_base::PAGE_SIZE;
use holdfast_disk::{Disk, RealDisk};
use holdfast_engine::DatabaseCatalog;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::restore::database::{Surroundings, restore};
use holdfast_exec::restore::devices;
use holdfast_exec::restore::request::NamedDevice;
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_exec::session::CancelFlag;
use holdfast_format::file_header::FileHeader;
use holdfast_storage::PageCache;

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

/// Opens data files or backups. `position` picks the backup set of every file.
pub fn open(files: &[PathBuf], position: u32) -> anyhow::Result<Opened> {
    let first = files.first().ok_or_else(|| anyhow!("no file is given"))?;
    let data = is_data_file(first)?;
    for f in files {
        if is_data_file(f)? != data {
            bail!("{} and {} are not of one kind: give data files or backups", first.display(), f.display());
        }
    }
    if data { open_data_files(files) } else { open_backup(files, position) }
}

/// A data or log file starts with a page of type 15; a backup does not.
fn is_data_file(path: &Path) -> anyhow::Result<bool> {
    use std::io::Read;
    let mut head = [0u8; 2];
    let mut file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    Ok(file.read(&mut head)? == 2 && head == [1, 15])
}

fn open_data_files(files: &[PathBuf]) -> anyhow::Result<Opened> {
    let mut data = Vec::new();
    for path in files {
        let file = RealDisk.open(path, false)?;
        let mut page = [0u8; PAGE_SIZE];
        file.read_at(0, &mut page)?;
        let header = FileHeader::read(&page).with_context(|| path.display().to_string())?;
        // Log files have filegroup 0 and hold no tables.
        if header.filegroup_id != 0 {
            data.push((header.file_id, file));
        }
    }
    let pages = PageCache::new(64 << 20).attach(data)?;
    Ok(Opened { catalog: DatabaseCatalog::open(5, None, pages)?, _folder: None })
}

/// Restores the full backup among the files, then its differential and logs, each media set being one step.
fn open_backup(files: &[PathBuf], position: u32) -> anyhow::Result<Opened> {
    let mut steps: Vec<(BackupKind, u128, Vec<NamedDevice>)> = Vec::new();
    let mut ids: Vec<[u8; 16]> = Vec::new();
    for path in files {
        let path = std::fs::canonicalize(path).with_context(|| path.display().to_string())?;
        let device = NamedDevice { name: path.display().to_string(), logical: false };
        let media = devices::open(&device, Path::new("/")).map_err(|e| anyhow!("{}", e.message))?;
        let info = media.set(position)?.info().context("the backup set is cut short")?;
        match ids.iter().position(|id| *id == media.label.media_set) {
            Some(i) => steps[i].2.push(device),
            None => {
                ids.push(media.label.media_set);
                steps.push((info.kind, info.last_lsn.to_decimal(), vec![device]));
            }
        }
    }
    // Full first, then by where each one ends.
    steps.sort_by_key(|s| (s.0 != BackupKind::Full, s.1));
    let folder = Folder::new()?;
    let cache = PageCache::new(64 << 20);
    let opener = StoredOpener::new(Arc::new(RealDisk), cache);
    let mut options = InstanceOptions::new(&folder.0);
    options.database_version = NEWEST;
    let instance = Instance::open(options, Arc::new(opener), &mut |m| eprintln!("{m}"))?;
    let count = steps.len();
    for (i, (kind, _, devices)) in steps.into_iter().enumerate() {
        let name = "dump".to_owned();
        let verb = if kind == BackupKind::Log { RestoreVerb::Log(name) } else { RestoreVerb::Database(name) };
        let last = i + 1 == count;
        let request = RestoreRequest {
            verb,
            devices,
            file: Some(position),
            moves: Vec::new(),
            replace: false,
            recovery: if last { RecoveryOption::Recovery } else { RecoveryOption::NoRecovery },
            stats: None,
            checksum: None,
            continue_after_error: false,
            stop_at: None,
            media_name: None,
        };
        let around = Surroundings {
            instance: &instance,
            cancel: &CancelFlag::new(),
            session_database: 1,
            in_use: &|_| false,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            clock: &holdfast_base::world::SystemClock::new(0),
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
