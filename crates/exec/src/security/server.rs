//! What statements of the server layer ask before they run: backups, databases, processes, checks.
//!
//! Invariants
//! 1. A statement that is not named here is refused to everybody who does not control the server.

use std::sync::Arc;

use holdfast_tsql::ast::backup::{BackupWhat, NameOrVariable};
use holdfast_tsql::ast::{Ddl, Expr, ExprKind, StatementKind};
use holdfast_types::{SqlError, SqlResult, Value};

use super::model::Securable;
use crate::procedure::SharedSession;
use crate::procedure::raise::integer;
use crate::restore::RestoreVerb;

type Evaluate<'a> = &'a mut dyn FnMut(&Expr) -> SqlResult<Value>;

/// Commands of DBCC that are everybody's; SHOW_STATISTICS asks for itself.
const OPEN_DBCC: &[&str] = &["USEROPTIONS", "HELP", "SHOW_STATISTICS", "TRACESTATUS"];
/// Those whose first argument is a database, the current one without.
const NAMING_DBCC: &[&str] =
    &["CHECKDB", "CHECKALLOC", "CHECKCATALOG", "SHRINKDATABASE", "OPENTRAN", "UPDATEUSAGE", "LOGINFO"];
/// What a database's owners may do in it.
const DATABASE_DBCC: &[&str] = &[
    "CHECKDB",
    "CHECKALLOC",
    "CHECKCATALOG",
    "CHECKTABLE",
    "CHECKFILEGROUP",
    "CHECKIDENT",
    "CHECKCONSTRAINTS",
    "CLEANTABLE",
    "DBREINDEX",
    "INDEXDEFRAG",
    "LOGINFO",
    "OPENTRAN",
    "SHOWCONTIG",
    "SHRINKDATABASE",
    "SHRINKFILE",
    "UPDATEUSAGE",
];

impl SharedSession {
    /// A permission in a database that the session need not be able to enter when the server gives it.
    fn may_in(&self, database: &str, code: &'static str) -> bool {
        if self.security.login().is_some_and(|l| l.has_in_databases(code)) {
            return true;
        }
        let Ok(found) = self.host.database(database) else { return false };
        self.may(&found, Securable::Database, code).unwrap_or(false)
    }

    /// Asks for what a statement needs; the errors that clients see.
    ///
    /// # Errors
    /// When it is not there.
    pub fn need_for(&self, statement: &StatementKind, evaluate: Evaluate<'_>) -> Result<(), Vec<SqlError>> {
        if self.security.is_unrestricted() {
            return Ok(());
        }
        let server = |code| self.security.has_server(code);
        let one = |allowed: bool, e: SqlError| if allowed { Ok(()) } else { Err(vec![e]) };
        let current = self.current_database();
        let create_database = || SqlError::new(262, &[&"CREATE DATABASE", &"master"]);
        match statement {
            StatementKind::Restore(r) => {
                let verb = crate::restore::request::verb(r, evaluate).map_err(|e| vec![e])?;
                let error = match &verb {
                    _ if server("CRDB") => return Ok(()),
                    RestoreVerb::Database(name) | RestoreVerb::Log(name) => {
                        // Its owner, not whoever a role of the database, which a backup may bring, lets do everything in it.
                        let owner = match self.host.database(name) {
                            Ok(d) => Some(d.online().properties().owner_sid),
                            // Between the steps of a sequence.
                            Err(_) => {
                                let found = self.host.instance.find(name);
                                found.and_then(|d| self.host.instance.future_owner(d.id))
                            }
                        };
                        if let (Some(owner), Some(login)) = (owner, self.security.login())
                            && !owner.is_empty()
                            && *login.sid == *owner
                        {
                            return Ok(());
                        }
                        SqlError::new(3110, &[name])
                    }
                    // What a backup holds is shown to who could restore it.
                    _ => create_database(),
                };
                Err(vec![error, SqlError::new(3013, &[&verb.words()])])
            }
            StatementKind::Backup(b) => {
                let (code, words, name) = match &b.what {
                    BackupWhat::Database(n) => ("BADB", "BACKUP DATABASE", n),
                    BackupWhat::Log(n) => ("BALO", "BACKUP LOG", n),
                    _ => return one(server("CL"), SqlError::new(15247, &[])),
                };
                let name = match name {
                    NameOrVariable::Name(n) => n.text.clone(),
                    NameOrVariable::Variable(v) => {
                        let value = evaluate(&Expr::new(ExprKind::Variable(v.clone()), b.span));
                        match value.map_err(|e| vec![e])? {
                            Value::String(s) => s.to_text(),
                            _ => String::new(),
                        }
                    }
                };
                if self.may_in(&name, code) {
                    return Ok(());
                }
                Err(vec![SqlError::new(262, &[&words, &name]), SqlError::new(3013, &[&words])])
            }
            StatementKind::Kill { .. } => one(server("ALCO"), SqlError::new(6102, &[])),
            StatementKind::Checkpoint(_) => {
                let allowed = self.may(&current, Securable::Database, "CP").unwrap_or(false);
                one(allowed, SqlError::new(262, &[&"CHECKPOINT", &current.name]))
            }
            StatementKind::Reconfigure { .. } => one(server("ALST"), SqlError::new(5812, &[])),
            StatementKind::Dbcc(d) => {
                let command = d.command.as_str();
                let named = match d.arguments.first().filter(|_| NAMING_DBCC.contains(&command)) {
                    Some(e) => match evaluate(e).map_err(|e| vec![e])? {
                        Value::String(s) => Some(s.to_text()),
                        Value::Int(0) => None,
                        Value::Int(id) => self.host.instance.find_id(id).map(|d| d.name.to_string()),
                        _ => None,
                    },
                    None => None,
                };
                let allowed = match command {
                    c if OPEN_DBCC.contains(&c) => true,
                    c if DATABASE_DBCC.contains(&c) => {
                        self.may_in(named.as_deref().unwrap_or(&current.name), "CL")
                    }
                    "INPUTBUFFER" => {
                        let own = i64::from(self.id);
                        let asked = match d.arguments.first() {
                            Some(e) => Some(evaluate(e).map_err(|e| vec![e])?),
                            None => None,
                        };
                        asked.as_ref().and_then(integer) == Some(own) || server("VWSS")
                    }
                    _ => server("ALSS"),
                };
                let user = super::functions::current_user(self).1;
                one(allowed, SqlError::new(2571, &[&user, &d.command.to_lowercase()]))
            }
            StatementKind::Ddl(d) => match &**d {
                Ddl::CreateDatabase(_) => one(server("CRDB"), create_database()),
                Ddl::AlterDatabase(a) => {
                    let name = a.name.as_ref().map_or_else(|| current.name.to_string(), |n| n.text.clone());
                    if self.may_in(&name, "AL") {
                        return Ok(());
                    }
                    Err(vec![SqlError::new(5011, &[&name]).state(5), SqlError::new(5069, &[])])
                }
                Ddl::ScopedConfiguration { .. } => {
                    let denied =
                        SqlError::new(262, &[&"ALTER ANY DATABASE SCOPED CONFIGURATION", &current.name]);
                    one(self.may_in(&current.name, "AL"), denied)
                }
                Ddl::Drop(drop) if drop.kind == "DATABASE" => {
                    for name in &drop.names {
                        let text = &name.name.text;
                        let there = self.host.instance.find(text).is_some();
                        if there && !self.may_in(text, "CL") && !server("ALDB") {
                            let mut e = SqlError::new(3701, &[&"drop", &"database", text]);
                            e.severity = 14;
                            return Err(vec![e]);
                        }
                    }
                    Ok(())
                }
                // These ask for themselves (`ddl::login`).
                Ddl::Principal(_) => Ok(()),
                Ddl::Drop(drop) if matches!(drop.kind.as_str(), "LOGIN" | "SERVER ROLE") => Ok(()),
                _ => one(server("CL"), SqlError::new(15247, &[])),
            },
            _ => one(server("CL"), SqlError::new(15247, &[])),
        }
    }

    /// What a procedure of the server layer needs.
    ///
    /// # Errors
    /// 262, 15247.
    pub fn need_for_procedure(self: &Arc<Self>, name: &str, database: Option<&str>) -> SqlResult<()> {
        if self.security.is_unrestricted() {
            return Ok(());
        }
        match name {
            "sp_attach_db" | "sp_attach_single_file_db" if !self.security.has_server("CRDB") => {
                Err(SqlError::new(262, &[&"CREATE DATABASE", &"master"]))
            }
            "sp_renamedb" if !database.is_some_and(|d| self.may_in(d, "AL")) => {
                Err(SqlError::new(15247, &[]))
            }
            "sp_detach_db" if !database.is_some_and(|d| self.may_in(d, "CL")) => {
                Err(SqlError::new(15247, &[]))
            }
            _ => Ok(()),
        }
    }
}
