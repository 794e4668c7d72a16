//! Opening the devices of a statement.
//!
//! A relative path lies in the instance's backup directory; a Windows path (`C:\dir\x.bak`) is looked up there by its file
//! name, so that scripts written for Windows find backups that were copied over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::{Device, Media, MediaSet};
use holdfast_types::SqlError;

use super::errors::message;
use super::request::NamedDevice;

/// Where a DISK name lies on this machine.
pub fn disk_path(name: &str, backup_directory: &Path) -> PathBuf {
    let bytes = name.as_bytes();
    let windows = name.starts_with("\\\\") || bytes.len() > 2 && bytes[1] == b':' && bytes[2] == b'\\';
    if windows {
        let file = name.rsplit(['\\', '/']).next().unwrap_or(name);
        return backup_directory.join(file);
    }
    let path = Path::new(name);
    if path.is_absolute() { path.to_owned() } else { backup_directory.join(path) }
}

/// `2(No such file or directory)`: the operating system's part of 3201.
pub fn os_error(e: &std::io::Error) -> String {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    format!("{}({text})", e.raw_os_error().unwrap_or(0))
}

/// Opens one device.
///
/// # Errors
/// 3206 for a logical device (there are none), 3201, and what the backup layer says of the file.
pub fn open(device: &NamedDevice, backup_directory: &Path) -> Result<Arc<Media>, SqlError> {
    if device.logical {
        return Err(SqlError::new(3206, &[&device.name]));
    }
    let path = disk_path(&device.name, backup_directory);
    let shown = path.display().to_string();
    let cannot = |e: std::io::Error| SqlError::new(3201, &[&shown, &os_error(&e)]);
    let file = std::fs::File::open(&path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(SqlError::new(3201, &[&shown, &"5(Access is denied.)"]));
    }
    let device = Device::new(&shown, Arc::new(file)).map_err(|e| message(&e))?;
    Media::open(device).map(Arc::new).map_err(|e| message(&e))
}

/// Opens all devices as one media set.
pub fn open_set(devices: &[NamedDevice], backup_directory: &Path) -> Result<MediaSet, SqlError> {
    let media = devices.iter().map(|d| open(d, backup_directory)).collect::<Result<Vec<_>, _>>()?;
    MediaSet::assemble(media).map_err(|e| message(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_paths_are_found_by_name() {
        let dir = Path::new("/b");
        assert_eq!(disk_path("C:\\x\\y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("\\\\host\\share\\y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("y.bak", dir), Path::new("/b/y.bak"));
        assert_eq!(disk_path("/a/y.bak", dir), Path::new("/a/y.bak"));
    }
}
