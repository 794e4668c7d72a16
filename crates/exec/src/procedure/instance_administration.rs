//! Statements of administration that an instance can answer by itself: RESTORE in its forms, KILL, CHECKPOINT, CREATE and DROP DATABASE, attach and detach.

use std::sync::Arc;

use holdfast_tsql::ast::{Ddl, Restore, StatementKind};
use holdfast_types::{Batch, CollationId, SqlError, SqlType, Value};

use super::administration::{Administration, Call};
use super::raise::integer;
use crate::context::SessionInfo;
use crate::ddl::{alter_database, database, login, row_versions, scoped_configuration};
use crate::restore::database::{Surroundings, restore};
use crate::restore::{RestoreRequest, RestoreVerb, answers, devices, errors, targets, verify};

/// Answers for one instance.
#[derive(Debug, Default)]
pub struct InstanceAdministration;

impl InstanceAdministration {
    fn restore(&self, statement: &Restore, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
        let mut request = RestoreRequest::new(statement, call.evaluate).map_err(|e| vec![e])?;
        request.name_devices(&call.session.host.settings.read().devices);
        let words = request.verb.words();
        let changes = matches!(request.verb, RestoreVerb::Database(_) | RestoreVerb::Log(_));
        if changes && call.session.transaction_count() > 0 {
            return Err(vec![SqlError::new(3021, &[]), SqlError::new(3013, &[&words])]);
        }
        let sessions = Arc::clone(&call.session.host);
        let (id, shown) = (call.session.id, shown_command(&request.verb));
        let mut before: Arc<str> = "".into();
        sessions.sessions.update(id, |s| before = std::mem::replace(&mut s.command, shown.into()));
        let done = self.run_restore(&request, call);
        sessions.sessions.update(id, |s| (s.command, s.percent_complete) = (before.clone(), 0.0));
        done.map_err(|mut errors| {
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
                let media = devices::open(device, request, &directory).map_err(one)?;
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
                let media = devices::open_set(request, &directory).map_err(one)?;
                let set = devices::choose_set(&media, request).map_err(one)?;
                let cancel = call.session.cancel.clone();
                let configuration = set.require_complete().map_err(|e| one(errors::message(&e)))?;
                let there = host.instance.find(&configuration.set.database_name);
                let replaced = there.map(|d| d.files.read().clone()).unwrap_or_default();
                let data = host.instance.data_directory();
                let told = targets::verify_targets(&request.moves, configuration, &replaced, &data);
                for message in told.map_err(one)? {
                    let _ = call.sink.message(&message);
                }
                let (id, total) = (call.session.id, set.page_bytes().max(1));
                verify::verify(&set, request.checksum, &mut |done| {
                    host.sessions.update(id, |s| s.percent_complete = done as f32 * 100.0 / total as f32);
                    if cancel.is_cancelled() { Err(crate::context::cancelled()) } else { Ok(()) }
                })
                .map_err(one)?;
                let _ = call.sink.message(&SqlError::new(3262, &[&request.file.unwrap_or(1)]));
                Ok(None)
            }
            RestoreVerb::Database(_) | RestoreVerb::Log(_) => {
                let id = call.session.id;
                let sessions = Arc::clone(&host);
                let in_use = move |database: i32| !sessions.users_of(database, id).is_empty();
                let cancel = call.session.cancel.clone();
                let around = Surroundings {
                    instance: &host.instance,
                    cancel: &cancel,
                    session_database: call.session.current_database().id,
                    in_use: &in_use,
                    workers: *crate::context::PROCESSORS,
                    clock: &*host.clock,
                    progress: &|percent| host.sessions.update(id, |s| s.percent_complete = percent),
                    restorer: call.session.security.login().map(|login| login.sid.to_vec()),
                };
                restore(request, &around, call.sink)?;
                Ok(None)
            }
        }
    }

    fn kill(&self, statement: &StatementKind, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
        let StatementKind::Kill { what, with_status_only, .. } = statement else { return Ok(None) };
        let value = (call.evaluate)(what).map_err(|e| vec![e])?;
        let id = integer(&value).unwrap_or(-1);
        let sessions = &call.session.host.sessions;
        if *with_status_only {
            // A rollback is over before KILL answers, or before the killed session's request ends.
            let there = u16::try_from(id).is_ok_and(|id| sessions.contains(id));
            return Err(vec![SqlError::new(if there { 6120 } else { 6106 }, &[&id])]);
        }
        if id == i64::from(call.session.id) {
            return Err(vec![SqlError::new(6104, &[])]);
        }
        match u16::try_from(id).is_ok_and(|id| sessions.kill(id)) {
            true => Ok(None),
            false => Err(vec![SqlError::new(6106, &[&id])]),
        }
    }
}

/// A statement as sys.dm_exec_requests names it: words, cut at 16 letters.
fn shown_command(verb: &RestoreVerb) -> &'static str {
    match verb {
        RestoreVerb::Database(_) => "RESTORE DATABASE",
        RestoreVerb::Log(_) => "RESTORE LOG",
        RestoreVerb::HeaderOnly => "RESTORE HEADERON",
        RestoreVerb::FileListOnly => "RESTORE FILELIST",
        RestoreVerb::LabelOnly => "RESTORE LABELONL",
        RestoreVerb::VerifyOnly => "RESTORE VERIFYON",
    }
}

/// Collation of a backup header as a name: kept as the protocol sends it.
fn collation_name(id: u32, sort: u32) -> Option<String> {
    let [a, b, c, d] = id.to_le_bytes();
    CollationId::from_tds([a, b, c, d, u8::try_from(sort).ok()?])?.name()
}

impl Administration for InstanceAdministration {
    fn run(&self, statement: &StatementKind, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
        match statement {
            StatementKind::Restore(r) => self.restore(r, call),
            StatementKind::Kill { .. } => self.kill(statement, call),
            StatementKind::Checkpoint(_) => {
                let name = Arc::clone(&call.session.current_database().name);
                let database = call.session.host.instance.online(&name).map_err(|e| vec![e])?;
                database.checkpoint().map_err(|e| vec![e])?;
                Ok(None)
            }
            StatementKind::Dbcc(d) => super::dbcc::run(d, call),
            StatementKind::Reconfigure { with_override } => {
                super::configure::reconfigure(call.session, *with_override).map_err(|e| vec![e])?;
                Ok(None)
            }
            StatementKind::Ddl(d) => match &**d {
                Ddl::CreateDatabase(c) => database::create(c, call),
                Ddl::AlterDatabase(a) => {
                    let (others, versions) = row_versions::apart(a);
                    if let Some(a) = others {
                        alter_database::alter(&a, call)?;
                    }
                    if let Some(a) = versions {
                        row_versions::alter(&a, call)?;
                    }
                    Ok(None)
                }
                Ddl::ScopedConfiguration { secondary, setting } => {
                    scoped_configuration::alter(*secondary, setting, call)
                }
                Ddl::Drop(drop) if drop.kind == "DATABASE" => database::drop(drop, call),
                Ddl::Drop(drop) => login::drop(drop, call).map(|()| None).map_err(|e| vec![e]),
                Ddl::Principal(p) => login::change(p, call).map(|()| None).map_err(|e| vec![e]),
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
        if let Some((code, error)) = call.session.application_lock(name, arguments) {
            return Some(error.map_or(Ok(code), |e| Err(vec![e])));
        }
        let text = |wanted: &str, place: usize| {
            let named = arguments
                .iter()
                .find(|(n, _)| n.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(wanted)))
                .or_else(|| arguments.get(place).filter(|(n, _)| n.is_none()));
            match named {
                Some((_, Value::String(s))) => Some(s.to_text()),
                _ => None,
            }
        };
        let done = |r: Result<(), SqlError>| Some(r.map(|()| 0).map_err(|e| vec![e]));
        if let Err(e) = call.session.need_for_procedure(name, text("@dbname", 0).as_deref()) {
            return Some(Err(vec![e]));
        }
        match name {
            "sp_detach_db" => match text("@dbname", 0) {
                Some(n) => done(database::detach(&n, call)),
                None => done(Err(SqlError::new(201, &[&"sp_detach_db", &"@dbname"]))),
            },
            "sp_attach_db" | "sp_attach_single_file_db" => {
                let Some(n) = text("@dbname", 0) else {
                    return done(Err(SqlError::new(201, &[&name, &"@dbname"])));
                };
                let single = name == "sp_attach_single_file_db";
                let instance = Arc::clone(&call.session.host.instance);
                let files: Vec<_> = (1..=16)
                    .filter_map(|i| {
                        let parameter = if single { "@physname".to_owned() } else { format!("@filename{i}") };
                        text(&parameter, i).filter(|_| !single || i == 1)
                    })
                    .map(|f| database::local_path(&instance, &f))
                    .collect();
                done(database::attach_database(&n, &files, single, call))
            }
            "sp_renamedb" => match (text("@dbname", 0), text("@newname", 1)) {
                (Some(old), Some(new)) => {
                    let new = holdfast_tsql::ast::Ident::new(new);
                    Some(alter_database::rename(&old, &new, call).map(|()| 0))
                }
                _ => done(Err(SqlError::new(201, &[&name, &"@newname"]))),
            },
            // A reset comes with the packet's header; the call itself has nothing left to do.
            "sp_reset_connection" => Some(Ok(0)),
            _ => None,
        }
    }
}
