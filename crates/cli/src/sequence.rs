//! Backup files given in any order as restore steps: which sets there are, and which of them, in which order, lead furthest.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use holdfast_backup::chain::{Link, best_sequence};
use holdfast_backup::{BackupKind, BackupSet, Device, Media, MediaSet};
use holdfast_exec::restore::errors::message;
use holdfast_exec::restore::request::NamedDevice;

/// All sets of the files, stripes put together.
pub fn sets_of(files: &[PathBuf]) -> anyhow::Result<Vec<BackupSet>> {
    let mut media = Vec::new();
    for path in files {
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        let file = crate::output::open_file(&path).with_context(|| path.display().to_string())?;
        let opened = Device::new(&path.display().to_string(), Arc::new(file)).and_then(Media::open);
        media.push(Arc::new(opened.map_err(|e| anyhow!("{}", message(&e)))?));
    }
    Ok(MediaSet::group(media).iter().flat_map(MediaSet::sets).collect())
}

/// The sets of one database in the order in which they are to be restored.
pub fn best<'a>(sets: &[&'a BackupSet]) -> anyhow::Result<Vec<&'a BackupSet>> {
    let linked: Vec<(&BackupSet, Link)> = sets.iter().filter_map(|s| Link::of(s).map(|l| (*s, l))).collect();
    let links: Vec<Link> = linked.iter().map(|l| l.1).collect();
    let steps = best_sequence(&links);
    if !steps.is_empty() {
        return Ok(steps.into_iter().map(|i| linked[i].0).collect());
    }
    let Some((set, link)) = linked.first() else {
        bail!("the files hold no backup set whose description is whole");
    };
    let what = match link.kind {
        BackupKind::Differential => "a differential backup",
        BackupKind::Log => "a log backup",
        _ => "a backup that does not hold the whole database",
    };
    let name = set.info().map_or("", |i| i.database_name.as_str());
    bail!(
        "{} holds {what} of database '{name}'; the full backup it builds on must be given too",
        set.media().device.name()
    )
}

/// The files of a set as devices of a statement.
pub fn devices(set: &BackupSet) -> Vec<NamedDevice> {
    let name = |m: &holdfast_backup::set::Member| m.media.device.name().to_string();
    set.members().iter().map(|m| NamedDevice { name: name(m), logical: false }).collect()
}
