//! How a connection is protected: [`certificate`] TLS, [`throttle`] answers to failed logins. Who may connect is the
//! executor's affair (`holdfast_exec::security`).

pub mod certificate;
pub mod throttle;

pub use certificate::Certificates;
pub use throttle::Throttle;

use std::io::Write;
use std::path::Path;

/// Creates a directory only its owner may enter.
pub(crate) fn private_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file only its owner may read, all or nothing.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = path.with_extension("new");
    let _ = std::fs::remove_file(&temporary);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    if let Some(dir) = path.parent() {
        std::fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}
