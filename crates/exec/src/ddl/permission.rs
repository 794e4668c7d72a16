//! GRANT, DENY and REVOKE, in a database and at the server.
//!
//! Invariants
//! 1. Only who may grant a permission grants, denies or revokes it; whoever owns a thing needs no grant on it and gets none.
//! 2. What was handed on under a grant option goes with it, and only when CASCADE says so.

use std::sync::Arc;

use holdfast_engine::instance::{MASTER, MODEL, TEMPDB};
use holdfast_tsql::ast::{Ident, Permission, PermissionAction, Statement};
use holdfast_types::{NameOrder, SqlError, SqlResult};

use super::Definition;
use super::event::Event;
use super::principal::is_fixed;
use crate::procedure::run::{Fail, Runner, Scope, next_run};
use crate::security::model::{DBO, GUEST, Securable};
use crate::security::permission::{self, Level, grantable};
use crate::security::store::{ON_PRINCIPAL, ON_SERVER, SA, ServerPermission};

const ALL_ON_TABLE: &[&str] = &["SL", "IN", "UP", "DL", "RF"];
const ALL_ON_PROCEDURE: &[&str] = &["EX"];
const ALL_ON_FUNCTION: &[&str] = &["EX", "RF"];
const ALL_ON_TABLE_FUNCTION: &[&str] = &["SL", "IN", "UP", "DL", "RF"];
const ALL_ON_DATABASE: &[&str] = &["BADB", "BALO", "CRDF", "CRFN", "CRPR", "CRRU", "CRTB", "CRVW"];

/// What a statement is about in a database.
struct Target {
    on: Securable,
    class: i32,
    major: i32,
    level: Level,
    /// Kind of an object.
    kind: String,
}

fn not_found(what: &str, n: &str) -> Fail {
    Fail::Error(SqlError::new(15151, &[&"find", &what, &n]))
}

/// Whether a permission makes sense on a kind of object.
fn fits(kind: &str, code: &str) -> bool {
    match kind {
        "P" | "PC" | "X" => matches!(code, "EX" | "AL" | "CL" | "TO" | "VW"),
        // Whatever fits what it stands for, which may not be there yet.
        "SN" => matches!(code, "SL" | "IN" | "UP" | "DL" | "EX" | "CL" | "TO" | "VW"),
        "FN" | "FS" | "AF" => matches!(code, "EX" | "RF" | "AL" | "CL" | "TO" | "VW"),
        _ => code != "EX",
    }
}

impl Definition<'_, '_> {
    fn permission_target(&self, p: &Permission) -> Result<Target, Fail> {
        let class = p.class.as_deref().map(str::to_ascii_uppercase);
        let plain = |on, class, major, level| Target { on, class, major, level, kind: String::new() };
        Ok(match (&p.securable, class.as_deref()) {
            (None, _) => plain(Securable::Database, 0, 0, Level::Database),
            (Some(n), Some("DATABASE")) => {
                if !NameOrder::instance().same(&self.database.name, &n.name.text) {
                    return Err(not_found("database", &n.name.text));
                }
                plain(Securable::Database, 0, 0, Level::Database)
            }
            (Some(n), Some("SCHEMA")) => {
                let id = self.catalog()?.schema_number(&n.name.text);
                let id = id.ok_or_else(|| not_found("schema", &n.name.text))?;
                plain(Securable::Schema(id), 3, id, Level::Schema)
            }
            (Some(n), Some(what @ ("USER" | "ROLE" | "APPLICATION ROLE"))) => {
                let found = self.principal_id(&n.name.text)?.filter(|f| match what {
                    "ROLE" => f.1 == "R",
                    "APPLICATION ROLE" => f.1 == "A",
                    _ => !matches!(f.1.as_str(), "R" | "A"),
                });
                let id = found.ok_or_else(|| not_found(&what.to_lowercase(), &n.name.text))?.0;
                plain(Securable::Principal(id), 4, id, Level::Principal)
            }
            (Some(n), Some("TYPE")) => {
                let schema = n.schema.as_ref().map(|s| s.text.as_str());
                let found = self.catalog()?.type_named(schema, &n.name.text);
                let id = found.ok_or_else(|| not_found("type", &n.name.text))?.0;
                plain(Securable::Type(id), 6, id, Level::Type)
            }
            (Some(n), Some("OBJECT") | None) => {
                let (id, kind) = self.find(n)?.ok_or_else(|| not_found("object", &n.name.text))?;
                Target { kind, ..plain(Securable::Object(id), 1, id, Level::Object) }
            }
            (Some(_), Some(other)) => {
                return Err(SqlError::not_supported(format!("Permissions on {other}")).into());
            }
        })
    }

    /// The permissions of a statement, each with its columns.
    fn kinds(p: &Permission, target: &Target) -> Result<Vec<(&'static str, Vec<Ident>)>, Fail> {
        let mut kinds: Vec<(&'static str, Vec<Ident>)> = Vec::new();
        for (name, columns) in &p.permissions {
            let columns = if columns.is_empty() { p.columns.clone() } else { columns.clone() };
            if name == "ALL" || name == "ALL PRIVILEGES" {
                let all = match (target.level, target.kind.as_str()) {
                    (Level::Database, _) => ALL_ON_DATABASE,
                    (Level::Object, "P" | "PC" | "X") => ALL_ON_PROCEDURE,
                    (Level::Object, "FN" | "FS" | "AF") => ALL_ON_FUNCTION,
                    (Level::Object, "IF" | "TF" | "FT") => ALL_ON_TABLE_FUNCTION,
                    (Level::Object, _) => ALL_ON_TABLE,
                    _ => return Err(SqlError::new(4623, &[]).into()),
                };
                let all = all.iter().filter(|k| columns.is_empty() || matches!(**k, "SL" | "UP" | "RF"));
                kinds.extend(all.map(|k| (*k, columns.clone())));
                continue;
            }
            let code = permission::letters(permission::DATABASE, name)
                .ok_or_else(|| SqlError::not_supported(format!("The permission {name}")))?;
            let sensible = grantable(target.level, code)
                && (target.level != Level::Object || fits(&target.kind, code))
                && (columns.is_empty() || matches!(code, "SL" | "UP" | "RF"));
            if !sensible {
                return Err(SqlError::new(4606, &[name]).into());
            }
            if code == "CRDB" {
                return Err(SqlError::new(4619, &[]).into());
            }
            kinds.push((code, columns));
        }
        Ok(kinds)
    }

    /// Tells triggers of the database.
    fn told_permission(&mut self, p: &Permission, target: &Target) -> Result<(), Fail> {
        let row = match target.on {
            Securable::Object(id) => {
                let catalog = self.catalog()?;
                catalog.object_row(id).map(|o| (catalog.schema_name(o.schema_id), Arc::clone(&o.name)))
            }
            _ => None,
        };
        let class = p.class.as_deref().unwrap_or("DATABASE").to_uppercase();
        let name =
            p.securable.as_ref().map_or_else(|| self.database.name.to_string(), |n| n.name.text.clone());
        let mut e = match &row {
            Some((schema, name)) => Event::of("", Some(schema), name, super::event::kind_name(&target.kind)),
            None => Event::of("", Some(""), &name, &class),
        };
        let grantor = crate::context::SessionInfo::user_name(&*self.runner.session);
        e = told(e, p, "DATABASE", &grantor);
        self.events.push(e);
        Ok(())
    }

    /// GRANT, DENY, REVOKE.
    pub fn permission(&mut self, p: &Permission) -> Result<(), Fail> {
        let target = self.permission_target(p)?;
        let kinds = Self::kinds(p, &target)?;
        if self.watched {
            self.told_permission(p, &target)?;
        }
        let session = &self.runner.session;
        let token = session.user_token(&self.database)?;
        let model = self.database.security()?;
        // Who grants: the one named, the owner when dbo or a controller speaks for them, else the user.
        let owner = match target.on {
            Securable::Object(id) => model.owner(id),
            Securable::Schema(id) => model.schema_owner(id),
            _ => DBO,
        };
        let grantor = match &p.as_principal {
            Some(n) => match self.principal_id(&n.text)? {
                Some((id, _)) if token.is_dbo || token.is(id) => id,
                _ => return Err(SqlError::new(4618, &[&n.text]).into()),
            },
            None if token.is_dbo || self.may(target.on, "CL")? => owner,
            None => token.id,
        };
        for (code, _) in &kinds {
            if !model.may_grant(&token, target.on, code) {
                let seen = match target.on {
                    Securable::Object(id) => model.sees(&token, id),
                    _ => true,
                };
                return Err(match (&p.securable, seen) {
                    (Some(n), false) => not_found("object", &n.name.text),
                    _ => SqlError::new(4613, &[]).into(),
                });
            }
        }
        for grantee in &p.principals {
            let (id, _) =
                self.principal_id(&grantee.text)?.ok_or_else(|| not_found("user", &grantee.text))?;
            if is_fixed(id) {
                return Err(SqlError::new(4617, &[]).into());
            }
            let special = matches!(id, DBO | 3 | 4) || (id == token.id && !token.is_dbo);
            if special || (id == owner && target.level != Level::Database) {
                return Err(SqlError::new(4624, &[]).into());
            }
            for (code, columns) in &kinds {
                let whole = target.level == Level::Database && *code == "CO" && id == GUEST;
                if whole && p.action != PermissionAction::Grant && matches!(self.database.id, MASTER | TEMPDB)
                {
                    let text = "Cannot disable access to the guest user in master or tempdb.";
                    return Err(SqlError::with_text(15_182, 16, text).into());
                }
                let mut places = Vec::new();
                if columns.is_empty() {
                    places.push(0);
                }
                for c in columns {
                    let found = self.column_id(target.major, &c.text)?;
                    places.push(found.ok_or_else(|| SqlError::new(1020, &[]))?);
                }
                for place in places {
                    self.set(p, (target.class, target.major, place), (id, grantor), code)?;
                }
            }
        }
        Ok(())
    }

    /// A column of a table or view by name.
    fn column_id(&self, object: i32, name: &str) -> SqlResult<Option<i32>> {
        use crate::system_view::ViewSource;
        let model = self.database.model()?;
        let found = model.columns_of(object).iter().find(|c| self.same(&c.name, name));
        Ok(found.map(|c| c.column_id))
    }

    fn set(
        &mut self,
        p: &Permission,
        on: (i32, i32, i32),
        (grantee, grantor): (i32, i32),
        code: &str,
    ) -> Result<(), Fail> {
        let model = self.database.security()?;
        let rows = model.privileges_on(on.0, on.1);
        let here = |x: &&crate::security::model::Privilege| x.minor == on.2 && *x.code == *code;
        let held = rows.iter().filter(here).find(|x| x.grantee == grantee).map(|x| x.state);
        let padded = format!("{code:<4}");
        let writer = self.writer()?;
        if p.action == PermissionAction::Grant {
            let state = if p.with_grant_option || held == Some('W') { "W" } else { "G" };
            return Ok(writer.add_permission(on, grantee, grantor, &padded, state)?);
        }
        // Invariant 2.
        let mut handed_on = Vec::new();
        let mut next = vec![grantee];
        while let Some(by) = next.pop() {
            for x in rows.iter().filter(here).filter(|x| x.grantor == by && x.grantee != grantee) {
                if x.state != 'D' && !handed_on.contains(&x.grantee) {
                    handed_on.push(x.grantee);
                    next.push(x.grantee);
                }
            }
        }
        if held == Some('W') {
            if !p.cascade {
                return Err(SqlError::new(4611, &[]).into());
            }
            for id in handed_on {
                writer.remove_permission(on, id, &padded)?;
            }
        }
        match p.action {
            PermissionAction::Deny => writer.add_permission(on, grantee, grantor, &padded, "D")?,
            _ if p.grant_option_for => {
                if held == Some('W') {
                    writer.add_permission(on, grantee, grantor, &padded, "G")?;
                }
            }
            _ => {
                writer.remove_permission(on, grantee, &padded)?;
                // What a table gives goes with the columns' own grants.
                if on.2 == 0 {
                    for x in rows.iter().filter(|x| x.minor != 0 && x.grantee == grantee && *x.code == *code)
                    {
                        writer.remove_permission((on.0, on.1, x.minor), grantee, &padded)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Adds what EVENTDATA() tells of a permission.
fn told(mut e: Event, p: &Permission, level: &str, grantor: &str) -> Event {
    let (verb, grant) = match p.action {
        PermissionAction::Grant => ("GRANT", true),
        PermissionAction::Deny => ("DENY", false),
        PermissionAction::Revoke => ("REVOKE", false),
    };
    e.name = format!("{verb}_{level}");
    let listed = |element: &str, list: &[String]| {
        let one = |t: &String| format!("<{element}>{}</{element}>", super::event::escaped(t));
        list.iter().map(one).collect::<String>()
    };
    let permissions: Vec<String> = p.permissions.iter().map(|k| k.0.to_lowercase()).collect();
    let grantees: Vec<String> = p.principals.iter().map(|i| i.text.clone()).collect();
    e = e.with("Grantor", grantor);
    e.details.push(("Permissions", listed("Permission", &permissions)));
    e.details.push(("Grantees", listed("Grantee", &grantees)));
    e.with("AsGrantor", p.as_principal.as_ref().map_or("", |i| &i.text))
        .with("GrantOption", if grant && p.with_grant_option || p.grant_option_for { "1" } else { "0" })
        .with("CascadeOption", if p.cascade { "1" } else { "0" })
}

/// Whether the statement is about the server: its class says so, or no database has such a permission.
fn is_server_scope(p: &Permission) -> bool {
    let class = p.class.as_deref().map(str::to_ascii_uppercase);
    match class.as_deref() {
        Some("LOGIN" | "SERVER ROLE" | "SERVER" | "ENDPOINT") => true,
        Some(_) => false,
        None => {
            p.securable.is_none()
                && p.permissions.iter().any(|(name, _)| {
                    permission::letters(permission::DATABASE, name).is_none()
                        && permission::letters(permission::SERVER, name).is_some()
                })
        }
    }
}

impl Runner<'_> {
    /// GRANT, DENY and REVOKE.
    pub fn permit(&mut self, p: &Permission, statement: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        if is_server_scope(p) {
            let session = &self.session;
            let server = crate::context::SessionInfo::server_name(&**session);
            let class = p.class.as_deref().unwrap_or("SERVER").to_uppercase();
            let name = p.securable.as_ref().map_or(&*server, |n| &n.name.text);
            let login = crate::context::SessionInfo::login_name(&**session);
            let event = told(Event::of("", None, name, &class), p, "SERVER", &login);
            self.watched_at_server(event, statement, scope, |r| r.permit_at_server(p))?;
            return self.plain_done(0);
        }
        if p.class.as_deref().is_none_or(|c| c.eq_ignore_ascii_case("OBJECT"))
            && p.securable.as_ref().is_some_and(|n| self.is_elsewhere(n))
        {
            return Err(SqlError::new(4610, &[]).into());
        }
        let database = self.session.names_database();
        if database.id == MODEL {
            return Err(SqlError::not_supported("A permission in model").into());
        }
        self.defining(&database, statement.span, scope, |work| work.permission(p))?;
        scope.run = next_run();
        self.plain_done(0)
    }

    fn permit_at_server(&mut self, p: &Permission) -> Result<(), Fail> {
        if self.session.current_database().id != 1 {
            return Err(SqlError::new(4621, &[]).into());
        }
        let session = std::sync::Arc::clone(&self.session);
        let login = session.security.login().ok_or_else(|| SqlError::new(4613, &[]))?;
        let mut codes = Vec::new();
        for (name, _) in &p.permissions {
            let code = permission::letters(permission::SERVER, name)
                .ok_or_else(|| SqlError::not_supported(format!("The permission {name} at the server")))?;
            codes.push(code);
        }
        session.change_principals(|principals| {
            let class = p.class.as_deref().map(str::to_ascii_uppercase);
            let (class, major) = match (&p.securable, class.as_deref()) {
                (Some(n), Some(what @ ("LOGIN" | "SERVER ROLE"))) => {
                    let found = match what {
                        "LOGIN" => principals.login(&n.name.text).map(|l| l.id),
                        _ => principals.role(&n.name.text),
                    };
                    let missing = || SqlError::new(15151, &[&"find", &what.to_lowercase(), &n.name.text]);
                    (ON_PRINCIPAL, found.ok_or_else(missing)?)
                }
                (_, Some("ENDPOINT")) => return Err(SqlError::not_supported("Permissions on ENDPOINT")),
                _ => (ON_SERVER, 0),
            };
            for grantee in &p.principals {
                let missing = || SqlError::new(15151, &[&"find", &"login", &grantee.text]);
                let id = principals.principal(&grantee.text).ok_or_else(missing)?;
                if (3..=10).contains(&id) {
                    return Err(SqlError::new(4617, &[]));
                }
                if id == SA || id == login.id {
                    return Err(SqlError::new(4624, &[]));
                }
                for code in &codes {
                    if !login.may_grant(code, class, major) {
                        return Err(SqlError::new(4613, &[]));
                    }
                    let state = match p.action {
                        PermissionAction::Deny => 'D',
                        PermissionAction::Grant if p.with_grant_option => 'W',
                        _ => 'G',
                    };
                    let code = (*code).to_owned();
                    let row = ServerPermission { class, major, grantee: id, grantor: login.id, code, state };
                    let set = p.action != PermissionAction::Revoke || p.grant_option_for;
                    principals.set_permission(row, set);
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}
