//! `--restore`: the best restore sequence of each database among the files given, through the RESTORE statement's own code.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use holdfast_backup::chain::{Link, best_sequence};
use holdfast_backup::{BackupKind, BackupSet, Device, Media, MediaSet};
use holdfast_engine::instance::Instance;
use holdfast_exec::restore::database::{Surroundings, restore};
use holdfast_exec::restore::request::NamedDevice;
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_exec::session::{CancelFlag, Done, EnvironmentChange, ResultColumn, ResultSink, SinkResult};
use holdfast_types::{Batch, SqlError, SqlType, Value};

use crate::output::outln;

/// Restores what the files hold. A database of the same name that is there already is left alone.
pub fn bring_online(instance: &Arc<Instance>, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut media = Vec::new();
    for path in files {
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        let file = std::fs::File::open(&path).with_context(|| path.display().to_string())?;
        let opened = Device::new(&path.display().to_string(), Arc::new(file)).and_then(Media::open)?;
        media.push(Arc::new(opened));
    }
    let groups = MediaSet::group(media);
    let all: Vec<BackupSet> = groups.iter().flat_map(MediaSet::sets).collect();
    let mut families: Vec<[u8; 16]> = Vec::new();
    for info in all.iter().filter_map(BackupSet::info) {
        if !families.contains(&info.family) {
            families.push(info.family);
        }
    }
    if families.is_empty() {
        bail!("--restore: the files hold no complete backup set");
    }
    for family in families {
        let sets: Vec<&BackupSet> =
            all.iter().filter(|s| s.info().is_some_and(|i| i.family == family)).collect();
        one_database(instance, &sets)?;
    }
    Ok(())
}

fn one_database(instance: &Arc<Instance>, sets: &[&BackupSet]) -> anyhow::Result<()> {
    let name = sets.first().and_then(|s| s.info()).map_or("", |i| i.database_name.as_str());
    let linked: Vec<(&BackupSet, Link)> = sets.iter().filter_map(|s| Link::of(s).map(|l| (*s, l))).collect();
    let links: Vec<Link> = linked.iter().map(|l| l.1).collect();
    let steps = best_sequence(&links);
    if steps.is_empty() {
        bail!("--restore: database '{name}' has no full backup among the files");
    }
    if instance.online(name).is_ok() {
        return Ok(outln(&format!("database '{name}' is there already; not restored again"))?);
    }
    for (number, &step) in steps.iter().enumerate() {
        let (set, link) = linked[step];
        let last = number + 1 == steps.len();
        let verb = match link.kind {
            BackupKind::Log => RestoreVerb::Log(name.to_owned()),
            _ => RestoreVerb::Database(name.to_owned()),
        };
        let devices = set
            .members()
            .iter()
            .map(|m| NamedDevice { name: m.media.device.name().to_string(), logical: false })
            .collect();
        let request = RestoreRequest {
            verb,
            devices,
            file: Some(u32::from(set.head().start.position)),
            moves: Vec::new(),
            replace: number == 0,
            recovery: if last { RecoveryOption::Recovery } else { RecoveryOption::NoRecovery },
            stats: None,
            checksum: None,
            continue_after_error: false,
            stop_at: None,
            media_name: None,
        };
        let around = Surroundings {
            instance,
            cancel: &CancelFlag::new(),
            session_database: 1,
            in_use: &|_| false,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            clock: &holdfast_base::world::SystemClock::new(0),
        };
        if let Err(errors) = restore(&request, &around, &mut Printing) {
            for e in &errors {
                outln(&e.to_string())?;
            }
            bail!("--restore: database '{name}' could not be restored");
        }
    }
    Ok(())
}

/// Shows messages on standard output.
struct Printing;

impl ResultSink for Printing {
    fn columns(&mut self, _: &[ResultColumn]) -> SinkResult {
        Ok(())
    }
    fn rows(&mut self, _: &Batch) -> SinkResult {
        Ok(())
    }
    fn done(&mut self, _: Done) -> SinkResult {
        Ok(())
    }
    fn message(&mut self, message: &SqlError) -> SinkResult {
        let _ = outln(&message.message);
        Ok(())
    }
    fn environment(&mut self, _: EnvironmentChange) -> SinkResult {
        Ok(())
    }
    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> SinkResult {
        Ok(())
    }
}
