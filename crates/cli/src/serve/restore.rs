//! `--restore`: the best restore sequence of each database among the files given, through the RESTORE statement's own code.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use holdfast_backup::{BackupKind, BackupSet};
use holdfast_disk::RealDisk;
use holdfast_engine::instance::{DatabaseState, Instance};
use holdfast_exec::restore::database::{Surroundings, restore};
use holdfast_exec::restore::{RecoveryOption, RestoreRequest, RestoreVerb};
use holdfast_exec::session::{CancelFlag, Done, EnvironmentChange, ResultColumn, ResultSink, SinkResult};
use holdfast_storage::restore::{Phase, RestoreState};
use holdfast_types::{Batch, SqlError, SqlType, Value};

use crate::output::outln;
use crate::sequence;

/// SID of sa, who owns what the server is told to restore at its start.
const SA: [u8; 1] = [1];

/// Restores what the files hold. A database of the same name that is there already is left alone, whatever its state, unless it
/// is a restore of no more than these files that was stopped.
pub fn bring_online(instance: &Arc<Instance>, files: &[PathBuf]) -> anyhow::Result<()> {
    let all = sequence::sets_of(files)?;
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
    let steps = sequence::best(sets).context("--restore")?;
    if let Some(entry) = instance.find(name) {
        let state = match entry.state() {
            DatabaseState::Online(_) => "",
            DatabaseState::Restoring if reaches(instance, entry.id, &steps) => "again",
            DatabaseState::Restoring => " (RESTORING)",
            DatabaseState::RecoveryPending(_) => " (RECOVERY_PENDING)",
            DatabaseState::Offline => " (OFFLINE)",
        };
        if state != "again" {
            return Ok(outln(&format!("database '{name}' is there already{state}; not restored again"))?);
        }
    }
    for (number, set) in steps.iter().enumerate() {
        let last = number + 1 == steps.len();
        let verb = match set.info().map(|i| i.kind) {
            Some(BackupKind::Log) => RestoreVerb::Log(name.to_owned()),
            _ => RestoreVerb::Database(name.to_owned()),
        };
        let request = RestoreRequest {
            file: Some(u32::from(set.head().start.position)),
            replace: number == 0,
            recovery: if last { RecoveryOption::Recovery } else { RecoveryOption::NoRecovery },
            ..RestoreRequest::of(verb, sequence::devices(set))
        };
        let around = Surroundings {
            instance,
            cancel: &CancelFlag::new(),
            session_database: 1,
            in_use: &|_| false,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            clock: &holdfast_base::world::SystemClock::new(0),
            progress: &|_| (),
            restorer: Some(SA.to_vec()),
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

/// Whether restoring these sets loses nothing of a sequence that was stopped: it has got no further than they do.
fn reaches(instance: &Instance, id: i32, steps: &[&BackupSet]) -> bool {
    let Ok(found) = RestoreState::load(&RealDisk, &instance.restore_state_path(id)) else { return false };
    match (found, steps.last().and_then(|s| s.info())) {
        (None, _) => true,
        (Some(Some(state)), Some(last)) => {
            state.phase == Phase::Placing
                || state.progress.family == last.family && state.progress.lsn <= last.last_lsn
        }
        _ => false,
    }
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
