//! What statements ask before they run.
//!
//! Invariants
//! 1. Whatever the binder noted is checked before the plan runs, each time for another principal, once for the same.
//! 2. An object with the owner of the module or view that names it is not checked (ownership chain); another database is another
//!    chain.
//! 3. For sysadmin two numbers are compared and nothing else is done.

use std::sync::Arc;

use holdfast_plan::access::{Access, AccessKind, Accesses};
use holdfast_types::{SqlError, SqlResult};

use super::model::{Securable, SecurityModel};
use super::token::UserToken;
use crate::host::HostDatabase;
use crate::procedure::SharedSession;
use crate::procedure::run::{Fail, Runner, Scope};

fn code_of(kind: AccessKind) -> (&'static str, &'static str) {
    match kind {
        AccessKind::Select => ("SL", "SELECT"),
        AccessKind::Insert => ("IN", "INSERT"),
        AccessKind::Update => ("UP", "UPDATE"),
        AccessKind::Delete => ("DL", "DELETE"),
        AccessKind::Execute => ("EX", "EXECUTE"),
        AccessKind::Connect => ("CO", "CONNECT"),
        AccessKind::ServerState => ("VWSS", "VIEW SERVER STATE"),
        AccessKind::DatabaseState => ("VWDS", "VIEW DATABASE STATE"),
    }
}

/// Checks one use of an object; all refusals of its columns.
fn check(
    access: &Access,
    database: &HostDatabase,
    model: &SecurityModel,
    token: &UserToken,
) -> Vec<SqlError> {
    let (code, word) = code_of(access.kind);
    let object = Securable::Object(access.object);
    // What the server ships lies in a database of its own.
    let home: &str = if access.object < 0 { "mssqlsystemresource" } else { &database.name };
    let denied = || SqlError::new(229, &[&word, &access.name, &home, &access.schema]).state(5);
    if !matches!(access.kind, AccessKind::Select | AccessKind::Update) || access.columns.is_empty() {
        // Rows are counted by who may read any column.
        let some_column = || {
            access.kind == AccessKind::Select
                && model
                    .privileges_on(1, access.object)
                    .iter()
                    .any(|p| p.minor != 0 && *p.code == *code && p.state != 'D' && token.is(p.grantee))
        };
        let allowed = model.has(token, object, code) || some_column();
        return if allowed { Vec::new() } else { vec![denied()] };
    }
    let refused: Vec<_> = access
        .columns
        .iter()
        .filter(|(id, _)| !model.has(token, Securable::Column(access.object, *id), code))
        .collect();
    if refused.is_empty() {
        return Vec::new();
    }
    // Who has nothing on the table is told about the table.
    let by_column = model
        .privileges_on(1, access.object)
        .iter()
        .any(|p| p.minor != 0 && *p.code == *code && token.is(p.grantee));
    if !by_column {
        return vec![denied()];
    }
    refused
        .iter()
        .map(|(_, column)| SqlError::new(230, &[&word, column, &access.name, &database.name, &access.schema]))
        .collect()
}

impl SharedSession {
    /// Who the session is in a database.
    ///
    /// # Errors
    /// 916.
    pub fn user_token(&self, database: &Arc<HostDatabase>) -> SqlResult<Arc<UserToken>> {
        self.security.user_token(database)
    }

    /// Whether a permission is there.
    ///
    /// # Errors
    /// 916.
    pub fn may(&self, database: &Arc<HostDatabase>, on: Securable, code: &'static str) -> SqlResult<bool> {
        if self.security.is_unrestricted() {
            return Ok(true);
        }
        let token = self.user_token(database)?;
        Ok(token.is_dbo || database.security()?.has(&token, on, code))
    }

    /// Asks for a permission of the database.
    ///
    /// # Errors
    /// 262, 916.
    pub fn need_database(&self, database: &Arc<HostDatabase>, code: &'static str) -> SqlResult<()> {
        if self.may(database, Securable::Database, code)? {
            return Ok(());
        }
        Err(SqlError::new(262, &[&super::permission::name_of(false, code), &database.name]))
    }

    /// Whether a database may be entered at all.
    ///
    /// # Errors
    /// 916.
    pub fn need_access(&self, database: &Arc<HostDatabase>) -> SqlResult<()> {
        if self.security.is_unrestricted() { Ok(()) } else { self.user_token(database).map(|_| ()) }
    }
}

impl Runner<'_> {
    /// Checks what a plan does (see the file's head).
    pub fn authorize(&self, accesses: &Accesses, scope: &Scope) -> Result<(), Fail> {
        if accesses.list.is_empty() || self.compiling {
            return Ok(());
        }
        self.session.note_use()?;
        if self.session.security.is_unrestricted() {
            return Ok(());
        }
        let current = self.session.current_database();
        let token = self.session.user_token(&current)?;
        let module = scope.module.map_or(0, |m| m.1);
        let key = token.number << 32 | u64::from(module as u32);
        if accesses.allowed_under(key) {
            return Ok(());
        }
        let mut errors = Vec::new();
        for a in &accesses.list {
            let database = match a.database {
                id if id == current.id => Arc::clone(&current),
                id => match self.session.host.database_by_id(id) {
                    Some(d) => d,
                    None => continue,
                },
            };
            let token = self.session.user_token(&database)?;
            match a.kind {
                AccessKind::ServerState if !self.session.security.has_server("VWSS") => {
                    let denied = SqlError::new(300, &[&"VIEW SERVER STATE", &"server", &"master"]);
                    return Err(Fail::Many(vec![denied, SqlError::new(297, &[])]));
                }
                AccessKind::DatabaseState if !self.session.may(&database, Securable::Database, "VWDS")? => {
                    let denied = SqlError::new(262, &[&"VIEW DATABASE STATE", &database.name]);
                    return Err(Fail::Many(vec![denied, SqlError::new(297, &[])]));
                }
                // Being somebody there is all that is asked.
                AccessKind::ServerState | AccessKind::DatabaseState | AccessKind::Connect => continue,
                _ => {}
            }
            if token.is_dbo {
                continue;
            }
            let model = database.security()?;
            let chained = a.through.or(scope.module).is_some_and(|(id, by)| {
                a.object > 0
                    && id == a.database
                    && !model.owns_nothing(by)
                    && model.owner(by) == model.owner(a.object)
            });
            if !chained {
                errors.extend(check(a, &database, &model, &token));
            }
        }
        match errors.len() {
            0 => {
                accesses.allow(key);
                Ok(())
            }
            1 => Err(Fail::Error(errors.swap_remove(0))),
            _ => Err(Fail::Many(errors)),
        }
    }

    /// EXECUTE on a module that is called by name.
    pub fn need_execute(
        &self,
        database: &Arc<HostDatabase>,
        (object, schema, name): (i32, &Arc<str>, &Arc<str>),
        scope: Option<(i32, i32)>,
    ) -> Result<(), Fail> {
        if self.session.security.is_unrestricted() {
            return Ok(());
        }
        let token = self.session.user_token(database)?;
        if token.is_dbo {
            return Ok(());
        }
        let model = database.security()?;
        let chained =
            scope.is_some_and(|(id, by)| id == database.id && model.owner(by) == model.owner(object));
        if chained || model.has(&token, Securable::Object(object), "EX") {
            return Ok(());
        }
        Err(SqlError::new(229, &[&"EXECUTE", name, &database.name, schema]).state(5).into())
    }
}
