//! Statements of administration that an instance can answer by itself: RESTORE in its forms, KILL, CHECKPOINT, DROP DATABASE.

use std::sync::Arc;

use holdfast_tsql::ast::{Ddl, Drop, Restore, StatementKind};
use holdfast_types::{Batch, CollationId, SqlError, SqlType, Value};

use super::administration::{Administration, Call};
use super::raise::integer;
use super::state::SharedSession;
use crate::restore::database::{Surroundings, restore};
use crate::restore::{RestoreRequest, RestoreVerb, answers, devices, verify};

/// Answers for one instance.
#[derive(Debug, Default)]
pub struct InstanceAdministration;

impl InstanceAdministration {
    fn restore(&self, statement: &Restore, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
        let request = RestoreRequest::new(statement, call.evaluate).map_err(|e| vec![e])?;
        let words = request.verb.words();
        self.run_restore(&request, call).map_err(|mut errors| {
            // Invariant of RESTORE: the specific errors first, this one last.
            errors.push(SqlError::new(3013, &[&words]));
            errors
        })
    }

    fn run_restore(
        &self,
        request: &RestoreRequest,
        call: &mut Call<'_>,
    ) -> Result<Option<u64>, Vec<SqlError>> {
        let one = |e: SqlError| vec![e];
        let host = Arc::clone(&call.session.host);
        let directory = host.instance.backup_directory();
        match &request.verb {
            RestoreVerb::HeaderOnly | RestoreVerb::FileListOnly | RestoreVerb::LabelOnly => {
                let Some(device) = request.devices.first() else {
                    return Err(vec![SqlError::new(102, &[&"FROM"])]);
                };
                let media = devices::open(device, &directory).map_err(one)?;
                let major = host.instance.options.product_version.0;
                let collation = host.instance.options.collation;
                let (columns, rows) =
                    answers::answer(request, &media, major, collation, &collation_name).map_err(one)?;
                let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
                let batch = Batch::from_rows(&types, &rows).map_err(one)?;
                let sent = call.sink.columns(&columns).and_then(|()| call.sink.rows(&batch));
                sent.map_err(|_| Vec::new())?;
                Ok(Some(rows.len() as u64))
            }
            RestoreVerb::VerifyOnly => {
                let media = devices::open_set(&request.devices, &directory).map_err(one)?;
                let set = media
                    .set(request.file.unwrap_or(1))
                    .map_err(|e| vec![crate::restore::errors::message(&e)])?;
                let cancel = call.session.cancel.clone();
                verify::verify(&set, request.checksum, &mut |_| {
                    if cancel.is_cancelled() { Err(crate::context::cancelled()) } else { Ok(()) }
                })
                .map_err(one)?;
                let _ = call.sink.message(&SqlError::new(3262, &[&request.file.unwrap_or(1)]));
                Ok(None)
            }
            RestoreVerb::Database(_) | RestoreVerb::Log(_) => {
                let id = call.session.id;
                let sessions = Arc::clone(&host);
                let in_use = move |database: i32| sessions.sessions.uses_database(database, id);
                let cancel = call.session.cancel.clone();
                let around = Surroundings {
                    instance: &host.instance,
                    cancel: &cancel,
                    session_database: call.session.current_database().id,
                    in_use: &in_use,
                    workers: 2,
                    clock: &*host.clock,
                };
                restore(request, &around, call.sink)?;
                Ok(None)
            }
        }
    }

    fn kill(&self, statement: &StatementKind, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
        let StatementKind::Kill { what, .. } = statement else { return Ok(None) };
        let value = (call.evaluate)(what).map_err(|e| vec![e])?;
        let id = integer(&value).unwrap_or(-1);
        if id == i64::from(call.session.id) {
            let text = "Cannot use KILL to kill your own process.";
            return Err(vec![SqlError::with_text(6104, 16, text)]);
        }
        let killed = u16::try_from(id).is_ok_and(|id| call.session.host.sessions.kill(id));
        if killed {
            return Ok(None);
        }
        Err(vec![SqlError::with_text(6106, 16, format!("Process ID {id} is not an active process ID."))])
    }

    fn drop_database(&self, drop: &Drop, session: &SharedSession) -> Result<Option<u64>, Vec<SqlError>> {
        let host = &session.host;
        for name in &drop.names {
            let shown = &name.name.text;
            let Some(entry) = host.instance.find(shown) else {
                if drop.if_exists {
                    continue;
                }
                let text = format!(
                    "Cannot drop the database '{shown}', because it does not exist or you do not have permission."
                );
                return Err(vec![SqlError::with_text(3701, 11, text)]);
            };
            if entry.id <= 4 {
                let text = format!("Cannot drop the database '{shown}' because it is a system database.");
                return Err(vec![SqlError::with_text(3708, 16, text).state(4)]);
            }
            let busy = entry.id == session.current_database().id
                || host.sessions.uses_database(entry.id, session.id);
            if busy {
                let text = format!("Cannot drop database \"{shown}\" because it is currently in use.");
                return Err(vec![SqlError::with_text(3702, 16, text).state(3)]);
            }
            let files: Vec<std::path::PathBuf> = entry.files.read().iter().map(|f| f.path.clone()).collect();
            host.instance.remove(shown).map_err(|e| vec![SqlError::with_text(5123, 16, e.to_string())])?;
            for f in files {
                // Gone already is as good.
                let _ = std::fs::remove_file(f);
            }
        }
        Ok(None)
    }
}

/// Collation of a backup header as a name; the sort order is the top byte of the id.
fn collation_name(id: u32, sort: u32) -> Option<String> {
    CollationId(id & 0x00FF_FFFF | (sort & 0xFF) << 24).name()
}

impl Administration for InstanceAdministration {
    fn run(&self, statement: &StatementKind, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
        match statement {
            StatementKind::Restore(r) => self.restore(r, call),
            StatementKind::Kill { .. } => self.kill(statement, call),
            // Nothing is dirty in databases that are only read.
            StatementKind::Checkpoint(_) | StatementKind::Reconfigure { .. } => Ok(None),
            StatementKind::Ddl(d) => match &**d {
                Ddl::Drop(drop) if drop.kind == "DATABASE" => self.drop_database(drop, call.session),
                other => Err(vec![SqlError::not_supported(other.name())]),
            },
            other => Err(vec![SqlError::not_supported(other.name())]),
        }
    }

    fn procedure(
        &self,
        name: &str,
        arguments: &[(Option<String>, Value)],
        call: &mut Call<'_>,
    ) -> Option<Result<i32, Vec<SqlError>>> {
        let _ = (arguments, call);
        match name {
            // A reset comes with the packet's header; the call itself has nothing left to do.
            "sp_reset_connection" => Some(Ok(0)),
            _ => None,
        }
    }
}
