//! Who looks at a catalog view, and which of its rows they may see.
//!
//! Invariants
//! 1. A row about an object is shown to who has some permission on the object or on one of its columns; rows about what the
//!    server ships are shown to everybody.
//! 2. Module texts are shown to who has VIEW DEFINITION on the module.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_types::{SqlResult, Value};

use super::model::{Securable, SecurityModel};
use super::token::{LoginToken, UserToken};
use crate::host::HostDatabase;
use crate::procedure::SharedSession;
use crate::system_view::model::CatalogModel;

/// The reader of a view.
pub struct Reader {
    session: Arc<SharedSession>,
    database: Arc<HostDatabase>,
}

/// Which columns of a view say what a row is about.
enum About {
    Object(usize),
    /// Schema and name.
    Named(usize, usize),
    Session(usize),
    Principal(usize),
    Login(usize),
    /// Class, major id, grantee of a database's permission.
    Privilege(usize, usize, usize),
    Database(usize),
    /// Rows of the server that one of these permissions at it shows.
    Server(&'static [&'static str]),
    /// A column of them that only this one shows.
    Secret(usize, &'static str),
}

/// Compatibility views whose `id` is an object's.
const OLD: &[&str] =
    &["sysobjects", "syscolumns", "syscomments", "sysindexes", "sysindexkeys", "sysdepends", "sysprotects"];

fn about(view: &str, columns: &[&str]) -> Option<About> {
    let at = |name: &str| columns.iter().position(|c| *c == name);
    let (schema, name) = view.split_once('.')?;
    if schema == "INFORMATION_SCHEMA" {
        let pair = |s: &str, n: &str| Some(About::Named(at(s)?, at(n)?));
        return pair("TABLE_SCHEMA", "TABLE_NAME")
            .or_else(|| pair("SPECIFIC_SCHEMA", "SPECIFIC_NAME"))
            .or_else(|| pair("ROUTINE_SCHEMA", "ROUTINE_NAME"))
            .or_else(|| pair("CONSTRAINT_SCHEMA", "CONSTRAINT_NAME"))
            .or_else(|| pair("SEQUENCE_SCHEMA", "SEQUENCE_NAME"));
    }
    match name {
        "dm_exec_sessions" | "dm_exec_requests" => return at("session_id").map(About::Session),
        "database_principals" => return at("principal_id").map(About::Principal),
        "sysusers" => return at("uid").map(About::Principal),
        "server_principals" | "sql_logins" => return at("principal_id").map(About::Login),
        "sysprocesses" => return at("spid").map(About::Session),
        "server_permissions" => return at("grantee_principal_id").map(About::Login),
        "server_role_members" => return at("member_principal_id").map(About::Login),
        "database_role_members" => return at("member_principal_id").map(About::Principal),
        "database_permissions" => {
            return Some(About::Privilege(at("class")?, at("major_id")?, at("grantee_principal_id")?));
        }
        "databases" => return at("database_id").map(About::Database),
        "sysdatabases" => return at("dbid").map(About::Database),
        "linked_logins" => return Some(About::Server(&["ALLS", "ALLG", "VWAD"])),
        "backup_devices" | "sysdevices" => return Some(About::Server(&["ALRS", "VWAD"])),
        // It may hold a password.
        "servers" => return at("provider_string").map(|place| About::Secret(place, "ALLS")),
        "sysservers" => return at("providerstring").map(|place| About::Secret(place, "ALLS")),
        "schemas" | "types" => return None,
        _ => {}
    }
    if OLD.contains(&name) {
        return at("id").map(About::Object);
    }
    at("object_id")
        .or_else(|| at("constraint_object_id"))
        .or_else(|| at("referencing_id"))
        .or_else(|| at("constid"))
        .map(About::Object)
}

impl Reader {
    pub fn new(session: Arc<SharedSession>, database: Arc<HostDatabase>) -> Self {
        Reader { session, database }
    }

    pub fn login(&self) -> Option<Arc<LoginToken>> {
        self.session.security.login()
    }

    pub fn session_id(&self) -> i16 {
        i16::try_from(self.session.id).unwrap_or(i16::MAX)
    }

    /// Numbers of moments: of the snapshot that the session's transaction reads, of the last commit, of the oldest snapshot.
    pub fn snapshots(&self) -> (Option<u64>, u64, Option<u64>) {
        let own = self.session.state.lock().transaction.snapshot.as_ref().map(|s| s.number());
        let versions = &self.session.host.instance.locks.versions;
        (own, versions.last(), versions.active().1)
    }

    pub fn user(&self) -> SqlResult<Arc<UserToken>> {
        self.session.user_token(&self.database)
    }

    pub fn has_server(&self, code: &'static str) -> bool {
        self.session.security.has_server(code)
    }

    /// Leaves out what the reader may not see.
    ///
    /// # Errors
    /// 916 when the reader is nobody in the database.
    pub fn filter(
        &self,
        view: &str,
        columns: &[&str],
        catalog: &CatalogModel,
        rows: &mut Vec<Vec<Value>>,
    ) -> SqlResult<()> {
        if self.session.security.is_unrestricted() {
            return Ok(());
        }
        let token = self.user()?;
        let server = |code| self.has_server(code);
        let int = |row: &[Value], at: usize| match row.get(at) {
            Some(Value::Int(n)) => Some(*n),
            Some(Value::SmallInt(n)) => Some(i32::from(*n)),
            Some(Value::TinyInt(n)) => Some(i32::from(*n)),
            _ => None,
        };
        match about(view, columns) {
            Some(About::Session(at)) if !server("VWSS") => {
                let own = i32::from(self.session.id);
                rows.retain(|r| int(r, at) == Some(own));
            }
            Some(About::Login(at)) if !server("VWAD") && !server("ALLG") => {
                let login = self.login();
                let mine =
                    |id: i32| id <= super::store::SA || id < 257 || login.as_ref().is_some_and(|l| l.is(id));
                rows.retain(|r| int(r, at).is_some_and(mine));
            }
            Some(About::Database(at)) if !server("VWDB") => {
                let host = &self.session.host;
                rows.retain(|r| {
                    let id = int(r, at).unwrap_or_default();
                    let open =
                        || host.database_by_id(id).is_some_and(|d| self.session.need_access(&d).is_ok());
                    id <= 2 || open()
                });
            }
            Some(About::Server(codes)) if !codes.iter().any(|code| server(code)) => rows.clear(),
            Some(About::Secret(at, code)) => {
                for cell in rows.iter_mut().filter(|_| !server(code)).filter_map(|r| r.get_mut(at)) {
                    *cell = Value::Null;
                }
            }
            _ if token.is_dbo => {}
            Some(About::Privilege(class, major, grantee)) => {
                let model = self.database.security()?;
                if model.has(&token, Securable::Database, "VW") {
                    return Ok(());
                }
                let mut seen = Seen { model: &model, token: &token, known: HashMap::new() };
                rows.retain(|r| {
                    let (class, major) = (int(r, class), int(r, major).unwrap_or_default());
                    let mine = int(r, grantee).is_some_and(|g| token.is(g));
                    mine || (class == Some(1) && major > 0 && seen.object(major))
                });
            }
            Some(About::Object(at)) => {
                let model = self.database.security()?;
                let mut seen = Seen { model: &model, token: &token, known: HashMap::new() };
                rows.retain(|r| int(r, at).is_none_or(|id| seen.object(id)));
                if let Some(text) = columns.iter().position(|c| matches!(*c, "definition" | "text")) {
                    for r in rows.iter_mut() {
                        let id = int(r, at).unwrap_or_default();
                        let own = catalog.object(id).is_none_or(|o| o.system);
                        if !own && !model.has(&token, Securable::Object(id), "VW") {
                            r[text] = Value::Null;
                        }
                    }
                }
            }
            Some(About::Named(schema, name)) => {
                let model = self.database.security()?;
                let mut seen = Seen { model: &model, token: &token, known: HashMap::new() };
                let word = |v: Option<&Value>| match v {
                    Some(Value::String(s)) => s.to_text(),
                    _ => String::new(),
                };
                let object = |r: &[Value]| {
                    let schema = catalog.schema_id(&word(r.get(schema)))?;
                    catalog.object_named(schema, &word(r.get(name)))
                };
                rows.retain(|r| object(r).is_none_or(|o| seen.object(o.id)));
                let text = |c: &&str| matches!(*c, "ROUTINE_DEFINITION" | "VIEW_DEFINITION");
                if let Some(text) = columns.iter().position(text) {
                    for r in rows.iter_mut() {
                        let own = object(r).is_none_or(|o| o.system);
                        let shown = own
                            || object(r).is_some_and(|o| model.has(&token, Securable::Object(o.id), "VW"));
                        if !shown {
                            r[text] = Value::Null;
                        }
                    }
                }
            }
            Some(About::Principal(at)) => {
                let model = self.database.security()?;
                rows.retain(|r| {
                    let id = int(r, at).unwrap_or_default();
                    let fixed = id <= 4 || (16_384..16_400).contains(&id);
                    fixed
                        || token.is(id)
                        || model.has(&token, Securable::Principal(id), "VW")
                        || model.has(&token, Securable::Principal(id), "AL")
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// What was found out about objects.
struct Seen<'a> {
    model: &'a SecurityModel,
    token: &'a UserToken,
    known: HashMap<i32, bool>,
}

impl Seen<'_> {
    fn object(&mut self, id: i32) -> bool {
        let (model, token) = (self.model, self.token);
        *self.known.entry(id).or_insert_with(|| id <= 0 || model.sees(token, id))
    }
}
