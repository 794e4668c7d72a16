//! Where the files of a backup set go: names, MOVE targets, and room for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use holdfast_backup::{Configuration, FileInfo};
use holdfast_engine::instance::FileRecord;
use holdfast_types::{NameOrder, SqlError, SqlResult};

use super::devices::{os_text, windows_name};

/// 3234 for a MOVE of a file that the set does not hold.
pub fn check_moves(moves: &[(String, String)], set: &Configuration, database: &str) -> SqlResult<()> {
    let known = |name: &str| set.files.iter().any(|f| NameOrder::instance().same(&f.logical_name, name));
    match moves.iter().find(|(logical, _)| !known(logical)) {
        Some((logical, _)) => Err(SqlError::new(3234, &[logical, &database]).state(2)),
        None => Ok(()),
    }
}

/// Where a MOVE target lies: one as Windows writes it keeps its name and goes to the data directory.
pub fn moved_to(target: &str, data_directory: &Path) -> PathBuf {
    // An absolute path stays as it is.
    data_directory.join(windows_name(target).unwrap_or(target))
}

/// The name of a file in the backup, without its folder; SQL Server 2008 pads some with blanks.
pub fn file_name_of(f: &FileInfo) -> String {
    let file_name = f.physical_name.rsplit(['\\', '/']).next().unwrap_or("");
    let file_name: String = file_name.trim_end().chars().filter(|c| !c.is_control()).collect();
    if file_name.is_empty() || file_name.starts_with('.') {
        format!("{}_{}", f.logical_name.replace(['/', '\\'], "_"), f.id)
    } else {
        file_name
    }
}

/// A path with its folder as it is on the disk: without links and `..`.
pub fn plain_path(path: &Path) -> PathBuf {
    if let Ok(whole) = std::fs::canonicalize(path) {
        return whole;
    }
    let folder = path.parent().and_then(|p| std::fs::canonicalize(p).ok());
    folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
}

/// 3257 when a volume cannot take the files that go to it; what the replaced database gives back counts.
pub fn check_space(set: &Configuration, files: &[FileRecord], old: &[FileRecord]) -> SqlResult<()> {
    use std::os::unix::fs::MetadataExt;
    let mut needed: BTreeMap<u64, (PathBuf, u64)> = BTreeMap::new();
    for f in files {
        let directory = f.path.parent().unwrap_or(Path::new("."));
        let Ok(volume) = std::fs::metadata(directory).map(|m| m.dev()) else { continue };
        let described = set.files.iter().find(|i| i.id == u32::from(f.file_id));
        let entry = needed.entry(volume).or_insert_with(|| (directory.to_owned(), 0));
        entry.1 = entry.1.saturating_add(described.map_or(0, |i| i.size));
    }
    for (volume, (directory, bytes)) in needed {
        let given_back: u64 = (old.iter().filter_map(|o| std::fs::metadata(&o.path).ok()))
            .filter(|m| m.dev() == volume)
            .map(|m| m.blocks().saturating_mul(512))
            .sum();
        // A volume that cannot be asked says so when it is written to.
        let Ok(free) = holdfast_disk::free_space(&directory) else { continue };
        let available = free.saturating_add(given_back);
        if bytes > available {
            let short = bytes - available;
            return Err(SqlError::new(3257, &[&directory.display(), &short, &available]));
        }
    }
    Ok(())
}

/// What VERIFYONLY tells of the places that the files would go to: nothing, or 3181 and what is wrong with them (5133, 3257), all as
/// information. `replaced`: files of the database of that name that is there; others keep their place.
///
/// # Errors
/// 3234 for a MOVE of a file that the set does not hold.
pub fn verify_targets(
    moves: &[(String, String)],
    set: &Configuration,
    replaced: &[FileRecord],
    data_directory: &Path,
) -> SqlResult<Vec<SqlError>> {
    const ENOENT: i32 = 2;
    check_moves(moves, set, &set.set.database_name)?;
    let mut files = Vec::new();
    let mut wrong = Vec::new();
    for f in &set.files {
        let moved = moves.iter().find(|m| NameOrder::instance().same(&m.0, &f.logical_name));
        let there = replaced.iter().find(|r| u32::from(r.file_id) == f.id);
        let path = match (moved, there) {
            (Some((_, target)), _) => moved_to(target, data_directory),
            (None, Some(there)) => there.path.clone(),
            (None, None) => data_directory.join(file_name_of(f)),
        };
        if path.parent().is_some_and(Path::is_dir) {
            let (file_id, logical_name) = (u16::try_from(f.id).unwrap_or(u16::MAX), f.logical_name.clone());
            files.push(FileRecord { file_id, is_log: false, logical_name, path });
        } else {
            wrong.push(SqlError::new(5133, &[&path.display(), &os_text(ENOENT, "")]));
        }
    }
    wrong.extend(check_space(set, &files, replaced).err());
    if !wrong.is_empty() {
        wrong.insert(0, SqlError::new(3181, &[]));
    }
    wrong.iter_mut().for_each(|m| m.severity = 10);
    Ok(wrong)
}
