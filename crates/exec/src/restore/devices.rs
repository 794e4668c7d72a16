//! Opening the devices of a statement.
//!
//! A relative path lies in the instance's backup directory; a Windows path (`C:\dir\x.bak`, `C:/dir/x.bak`, `dir\x.bak`) is
//! looked up there by its file name, so that scripts written for Windows find backups that were copied over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::{BackupSet, Device, Media, MediaSet};
use holdfast_types::SqlError;

use super::errors::message;
use super::request::{NamedDevice, RestoreRequest, RestoreVerb};

/// The file name of a path as Windows writes them; `None` for one of this system.
pub fn windows_name(path: &str) -> Option<&str> {
    let drive = matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    let windows = drive || !path.starts_with('/') && path.contains('\\');
    windows.then(|| path.rsplit(['\\', '/']).next().unwrap_or(path))
}

/// Where a DISK name lies on this machine.
pub fn disk_path(name: &str, backup_directory: &Path) -> PathBuf {
    if let Some(file) = windows_name(name) {
        return backup_directory.join(file);
    }
    let path = Path::new(name);
    if path.is_absolute() { path.to_owned() } else { backup_directory.join(path) }
}

/// The operating system's part of 3201 and its kin, in the numbers and words that SQL Server gives on every system; a failure
/// that has none of these keeps this system's own.
pub fn os_text(code: i32, message: &str) -> String {
    const ENOENT: i32 = 2;
    const EPERM: i32 = 1;
    const EACCES: i32 = 13;
    const ENOTDIR: i32 = 20;
    const EISDIR: i32 = 21;
    const ENOSPC: i32 = 28;
    const EROFS: i32 = 30;
    const EDQUOT: i32 = 122;
    let known = match code {
        ENOENT => "2(The system cannot find the file specified.)",
        ENOTDIR => "3(The system cannot find the path specified.)",
        EPERM | EACCES | EISDIR => "5(Access is denied.)",
        EROFS => "19(The media is write protected.)",
        ENOSPC | EDQUOT => "112(There is not enough space on the disk.)",
        _ => return format!("{code}({})", message.split(" (os error").next().unwrap_or(message)),
    };
    known.to_owned()
}

fn os_error(e: &std::io::Error) -> String {
    os_text(e.raw_os_error().unwrap_or(0), &e.to_string())
}

/// Opens one device of a statement and checks it against MEDIANAME and MEDIAPASSWORD.
///
/// # Errors
/// 3206 for a logical device (there are none), 3201, 3279, 4037, and what the backup layer says of the file.
pub fn open(
    device: &NamedDevice,
    request: &RestoreRequest,
    backup_directory: &Path,
) -> Result<Arc<Media>, SqlError> {
    if device.logical {
        return Err(SqlError::new(3206, &[&device.name]));
    }
    let path = disk_path(&device.name, backup_directory);
    let shown = path.display().to_string();
    let cannot = |e: std::io::Error| SqlError::new(3201, &[&shown, &os_error(&e)]);
    // Before it is opened: a pipe would wait for a writer.
    if !std::fs::metadata(&path).map_err(cannot)?.is_file() {
        return Err(SqlError::new(3201, &[&shown, &"5(Access is denied.)"]));
    }
    let file = std::fs::File::open(&path).map_err(cannot)?;
    let device = Device::new(&shown, Arc::new(file)).map_err(|e| message(&e))?;
    let media = Media::open(device).map_err(|e| message(&e))?;
    media.check_password(request.media_password.as_deref()).map_err(|e| message(&e))?;
    // LABELONLY looks for the medium of that name; the others insist on it.
    if let Some(name) = &request.media_name
        && request.verb != RestoreVerb::LabelOnly
        && *name != media.label.name
    {
        return Err(SqlError::new(4037, &[name, &media.label.name, &shown]));
    }
    Ok(Arc::new(media))
}

/// Opens all devices of a statement as one media set.
pub fn open_set(request: &RestoreRequest, backup_directory: &Path) -> Result<MediaSet, SqlError> {
    let media = request.devices.iter().map(|d| open(d, request, backup_directory));
    MediaSet::assemble(media.collect::<Result<Vec<_>, _>>()?).map_err(|e| message(&e))
}

/// The set a statement names, once its PASSWORD is right.
pub fn choose_set(media: &MediaSet, request: &RestoreRequest) -> Result<BackupSet, SqlError> {
    let set = media.set(request.file.unwrap_or(1)).map_err(|e| message(&e))?;
    set.head()
        .check_password(request.password.as_deref(), set.media().device.name())
        .map_err(|e| message(&e))?;
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_in_sql_servers_words() {
        let missing = std::fs::File::open("/no such folder/x.bak").expect_err("missing");
        assert_eq!(os_error(&missing), "2(The system cannot find the file specified.)");
        assert_eq!(os_text(28, "full"), "112(There is not enough space on the disk.)");
        assert_eq!(os_text(5, "Input/output error (os error 5)"), "5(Input/output error)");
    }

    #[test]
    fn windows_paths_are_found_by_name() {
        let dir = Path::new("/b");
        assert_eq!(disk_path("C:\\x\\y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("\\\\host\\share\\y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("C:/x/y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("sub\\y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("sub/y.bak", dir), Path::new("/b/sub/y.bak"));
        assert_eq!(disk_path("/a/x\\y.bak", dir), Path::new("/a/x\\y.bak"));
        assert_eq!(disk_path("y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("/a/y.bak", dir), Path::new("/a/y.bak"));
    }
}
