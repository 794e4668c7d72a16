//! What built-in functions say about principals and permissions.
//!
//! Invariants
//! 1. Who somebody is comes from the session's contexts; a name or id that nobody has is NULL.

use std::sync::Arc;

use holdfast_types::{SqlResult, SqlType, Value, Variant};

use super::model::{DBO, Securable};
use super::password::PasswordHash;
use super::permission::{self, Level};
use super::store::{PUBLIC, same};
use crate::context::ObjectInfo;
use crate::host::HostDatabase;
use crate::procedure::SharedSession;
use crate::procedure::metadata::named_object;
use crate::system_view::ViewSource;

fn text(v: Option<&Value>) -> Option<String> {
    match v? {
        Value::String(s) => Some(s.to_text().trim_end().to_owned()),
        _ => None,
    }
}

fn flag(b: bool) -> Option<Value> {
    Some(Value::Int(i32::from(b)))
}

/// A SID as text: S-1-9-3-….
pub fn sid_text(sid: &[u8]) -> String {
    if sid.len() < 8 || !(sid.len() - 8).is_multiple_of(4) {
        return sid.iter().fold("0x".to_owned(), |s, b| s + &format!("{b:02X}"));
    }
    let authority = sid[2..8].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let parts = sid[8..].chunks(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]).to_string());
    let parts: Vec<String> = parts.collect();
    format!("S-{}-{authority}-{}", sid[0], parts.join("-"))
}

/// Functions by upper-case name; `None` for those this does not know.
pub fn other(session: &SharedSession, function: &str, args: &[Value]) -> Option<Value> {
    let store = session.security.store();
    let name = |n: &str| Value::string(n);
    match function {
        "SUSER_SNAME" | "SUSER_NAME" => {
            let principals = store.read();
            let found = match args.first()? {
                Value::Binary(sid) => principals.login_of_sid(sid).map(|l| l.name.clone()).or_else(|| {
                    let roles = &principals.roles;
                    roles.iter().find(|r| r.sid == sid[..]).map(|r| r.name.clone())
                }),
                Value::Int(id) => principals.name_of(*id).map(str::to_owned),
                _ => None,
            };
            Some(found.map_or(Value::Null, |n| name(&n)))
        }
        // Accounts of Windows are not known here; it answers for them and for logins.
        "SUSER_ID" | "SUSER_SID" | "SID_BINARY" => {
            let principals = store.read();
            let wanted = match args.first() {
                Some(Value::Null) => return Some(Value::Null),
                Some(v) => text(Some(v))?,
                None => session.security.login_name().to_string(),
            };
            if function == "SUSER_ID" {
                return Some(principals.principal(&wanted).map_or(Value::Null, Value::Int));
            }
            let login = principals.login(&wanted).map(|l| l.sid.clone());
            let sid = login
                .or_else(|| principals.roles.iter().find(|r| same(&r.name, &wanted)).map(|r| r.sid.clone()));
            Some(sid.map_or(Value::Null, |s| Value::binary(&s)))
        }
        "IS_SRVROLEMEMBER" => {
            let role = text(args.first())?;
            let principals = store.read();
            let Some(role) = principals.role(&role) else { return Some(Value::Null) };
            let roles = match args.get(1) {
                None => match session.security.login() {
                    Some(l) => l.roles.clone(),
                    None => vec![PUBLIC],
                },
                Some(v) => match text(Some(v)).and_then(|n| principals.principal(&n)) {
                    Some(id) => principals.roles_of(id),
                    None => return Some(Value::Null),
                },
            };
            flag(roles.contains(&role))
        }
        "IS_MEMBER" | "IS_ROLEMEMBER" => {
            let role = text(args.first())?;
            let database = session.current_database();
            let model = database.security().ok()?;
            let Some(role) = model.find(&role, true).map(|p| p.id) else { return Some(Value::Null) };
            let roles = match args.get(1) {
                None => {
                    let token = session.user_token(&database).ok()?;
                    // Who needs no role is in none but what dbo is in.
                    return flag(token.is(role));
                }
                Some(v) => match text(Some(v)).and_then(|n| model.principal_named(&n)) {
                    Some(p) => model.roles_of(p.id),
                    None => return Some(Value::Null),
                },
            };
            flag(roles.contains(&role))
        }
        "HAS_DBACCESS" => {
            let wanted = text(args.first())?;
            if session.host.instance.find(&wanted).is_none() {
                return Some(Value::Null);
            }
            let database = session.host.database(&wanted).ok();
            flag(database.is_some_and(|d| session.need_access(&d).is_ok()))
        }
        "PERMISSIONS" => Some(permissions(session, args).unwrap_or(Value::Null)),
        "LOGINPROPERTY" => Some(login_property(session, args).unwrap_or(Value::Null)),
        "PWDCOMPARE" => {
            let (Some(Value::String(clear)), Some(Value::Binary(hash))) = (args.first(), args.get(1)) else {
                return Some(Value::Null);
            };
            flag(PasswordHash::from_bytes(hash).is_some_and(|h| h.verify(&clear.to_text())))
        }
        "PWDENCRYPT" => {
            let clear = match args.first() {
                Some(Value::String(s)) => s.to_text(),
                _ => return Some(Value::Null),
            };
            let hash = PasswordHash::sql_server(&clear).ok()?;
            Some(Value::binary(hash.as_bytes()))
        }
        _ => None,
    }
}

/// A securable of a class by name, in the database it is in; `None` when there is none or it cannot be seen.
fn securable(
    session: &SharedSession,
    class: &str,
    name: Option<&str>,
) -> SqlResult<Option<(Arc<HostDatabase>, Securable, Level)>> {
    let object = match (class, name) {
        ("OBJECT", Some(name)) => named_object(session, name)?,
        _ => None,
    };
    Ok(of_class(session, class, name, object))
}

fn of_class(
    session: &SharedSession,
    class: &str,
    name: Option<&str>,
    object: Option<ObjectInfo>,
) -> Option<(Arc<HostDatabase>, Securable, Level)> {
    let current = session.current_database();
    Some(match class {
        "DATABASE" => {
            let database = match name {
                Some(n) => session.host.database(n.trim_matches(['[', ']'])).ok()?,
                None => current,
            };
            (database, Securable::Database, Level::Database)
        }
        "SCHEMA" => {
            let id = current.model().ok()?.schema_id(name?.trim_matches(['[', ']']))?;
            (current, Securable::Schema(id), Level::Schema)
        }
        "USER" | "ROLE" | "APPLICATION ROLE" => {
            let id = current.security().ok()?.principal_named(name?.trim_matches(['[', ']']))?.id;
            (current, Securable::Principal(id), Level::Principal)
        }
        "OBJECT" => {
            let object = object?;
            let database = session.host.database_by_id(object.database_id)?;
            (database, Securable::Object(object.object_id), Level::Object)
        }
        _ => return None,
    })
}

/// HAS_PERMS_BY_NAME.
///
/// # Errors
/// Those of the wait for a transaction that is defining the object.
pub fn has_perms_by_name(session: &SharedSession, args: &[Value]) -> SqlResult<Option<Value>> {
    let name = text(args.first());
    let class = text(args.get(1)).map(|c| c.to_uppercase());
    let on = match class.as_deref() {
        None | Some("SERVER" | "LOGIN") => None,
        Some(class) => securable(session, class, name.as_deref())?,
    };
    Ok(permitted(session, args, name, class, on))
}

fn permitted(
    session: &SharedSession,
    args: &[Value],
    name: Option<String>,
    class: Option<String>,
    on: Option<(Arc<HostDatabase>, Securable, Level)>,
) -> Option<Value> {
    let wanted = text(args.get(2))?.to_uppercase();
    if class.is_none() || class.as_deref() == Some("SERVER") {
        if wanted == "ANY" {
            return flag(session.security.login().is_some());
        }
        let code = permission::letters(permission::SERVER, &wanted)?;
        return flag(session.security.has_server(code));
    }
    if class.as_deref() == Some("LOGIN") {
        let code = permission::letters(permission::SERVER, &wanted)?;
        let id = session.security.store().read().login(&name?)?.id;
        let login = session.security.login()?;
        return flag(login.has_on(id, code, if code == "IM" { "IAL" } else { "ALLG" }));
    }
    let (database, on, level) = on?;
    if session.need_access(&database).is_err() {
        return flag(false);
    }
    if wanted == "ANY" {
        let seen = match on {
            Securable::Object(id) => {
                let token = session.user_token(&database).ok()?;
                database.security().ok()?.sees(&token, id)
            }
            _ => any_of(session, &database, on, level),
        };
        return flag(seen);
    }
    let code = permission::letters(permission::DATABASE, &wanted)?;
    if !permission::grantable(level, code) {
        return None;
    }
    let on = match (on, text(args.get(3)), text(args.get(4)).map(|c| c.to_uppercase())) {
        (Securable::Object(id), Some(column), Some(c)) if c == "COLUMN" => {
            let model = database.model().ok()?;
            let found = model.columns_of(id).iter().find(|c| model.names.same(&c.name, &column))?;
            Securable::Column(id, found.column_id)
        }
        _ => on,
    };
    flag(session.may(&database, on, code).unwrap_or(false))
}

fn any_of(session: &SharedSession, database: &Arc<HostDatabase>, on: Securable, level: Level) -> bool {
    permission::DATABASE
        .iter()
        .filter(|p| permission::grantable(level, p.1))
        .any(|p| session.may(database, on, p.1).unwrap_or(false))
}

/// PERMISSIONS([object [, column]]): bits of the old interface.
fn permissions(session: &SharedSession, args: &[Value]) -> Option<Value> {
    let database = session.current_database();
    let bits = |list: &[(i32, &'static str)], on: Securable| {
        let held = list.iter().filter(|(_, code)| session.may(&database, on, code).unwrap_or(false));
        Some(Value::Int(held.fold(0, |n, (bit, _)| n | bit)))
    };
    let id = match args.first() {
        None => {
            let list = [
                (2, "CRTB"),
                (4, "CRPR"),
                (8, "CRVW"),
                (16, "CRRU"),
                (32, "CRDF"),
                (64, "BADB"),
                (128, "BALO"),
            ];
            return bits(&list, Securable::Database);
        }
        Some(Value::Int(id)) => *id,
        Some(_) => return None,
    };
    let on = match text(args.get(1)) {
        Some(column) => {
            let model = database.model().ok()?;
            let found = model.columns_of(id).iter().find(|c| model.names.same(&c.name, &column))?;
            Securable::Column(id, found.column_id)
        }
        None => Securable::Object(id),
    };
    if matches!(on, Securable::Column(..)) {
        return bits(&[(1, "SL"), (2, "UP"), (4, "RF")], on);
    }
    bits(
        &[(1, "SL"), (2, "UP"), (4, "RF"), (8, "IN"), (16, "DL"), (32, "EX"), (4096, "SL"), (8192, "UP")],
        on,
    )
}

fn login_property(session: &SharedSession, args: &[Value]) -> Option<Value> {
    let principals = session.security.store().read();
    let login = principals.login(&text(args.first())?)?;
    let variant = |ty: SqlType, value: Value| Some(Value::Variant(Arc::new(Variant { ty, value })));
    let int = |n: i32| variant(SqlType::INT, Value::Int(n));
    let collation = holdfast_types::CollationId::SERVER_DEFAULT;
    let sysname = |s: &str| variant(SqlType::sysname(collation), Value::string(s));
    match text(args.get(1))?.to_lowercase().as_str() {
        "islocked" | "isexpired" | "badpasswordcount" | "historylength" => int(0),
        "ismustchange" => int(i32::from(login.must_change)),
        "defaultdatabase" => sysname(&login.default_database),
        "defaultlanguage" => sysname(&login.default_language),
        "passwordlastsettime" => variant(SqlType::DATETIME, Value::DateTime(login.password_set)),
        "passwordhash" if session.security.has_server("CL") => {
            let bytes = login.password.as_ref()?.as_bytes();
            let ty = SqlType::binary(holdfast_types::TypeId::VarBinary, 256);
            variant(ty, Value::binary(bytes))
        }
        "passwordhashalgorithm" => int(match login.password.as_ref()?.as_bytes() {
            [2, 0, ..] => 2,
            [1, 0, ..] => 1,
            _ => 3,
        }),
        _ => None,
    }
}

/// Rows of fn_my_permissions(securable, class).
pub fn my_permissions(session: &SharedSession, args: &[Value]) -> SqlResult<Vec<Vec<Value>>> {
    let name = text(args.first());
    let class = text(args.get(1)).unwrap_or_default().to_uppercase();
    let mut rows = Vec::new();
    if class == "SERVER" {
        for (permission, code) in permission::SERVER {
            let own = permission::name_of(true, code) == *permission && !matches!(*code, "AL" | "IM" | "VW");
            if own && session.security.has_server(code) {
                rows.push(vec![Value::string("server"), Value::string(""), Value::string(permission)]);
            }
        }
        return Ok(rows);
    }
    let Some((database, on, level)) = securable(session, &class, name.as_deref())? else { return Ok(rows) };
    if session.need_access(&database).is_err() {
        return Ok(rows);
    }
    let entity = if class == "DATABASE" { "database".to_owned() } else { name.unwrap_or_default() };
    let mut row = |sub: &str, permission: &str| {
        rows.push(vec![Value::string(&entity), Value::string(sub), Value::string(permission)]);
    };
    let kind = match on {
        Securable::Object(id) => database.find_object_id(id)?.map(|o| o.kind),
        _ => None,
    };
    // What makes no sense on that kind of object is not listed.
    let sensible = |code: &str| match kind.as_deref() {
        Some("U" | "V" | "S") => !matches!(code, "EX" | "RC"),
        Some("P" | "PC" | "X") => matches!(code, "EX" | "VW" | "AL" | "TO" | "CL"),
        Some("FN" | "FS" | "AF") => matches!(code, "EX" | "RF" | "VW" | "AL" | "TO" | "CL"),
        Some("IF" | "TF" | "FT") => !matches!(code, "EX" | "RC" | "VWCT"),
        _ => true,
    };
    for (permission, code) in permission::DATABASE {
        let own = permission::name_of(false, code) == *permission;
        if !own || !permission::grantable(level, code) || !sensible(code) {
            continue;
        }
        if session.may(&database, on, code)? {
            row("", permission);
        }
        if let (Securable::Object(id), "SL" | "UP" | "RF") = (on, *code)
            && matches!(kind.as_deref(), Some("U" | "V" | "S" | "IF" | "TF"))
        {
            for c in database.model()?.columns_of(id) {
                if session.may(&database, Securable::Column(id, c.column_id), code)? {
                    row(&c.name, permission);
                }
            }
        }
    }
    Ok(rows)
}

/// What DATABASE_PRINCIPAL_ID and USER_ID say without an argument.
pub fn current_user(session: &SharedSession) -> (i32, Arc<str>) {
    match session.user_token(&session.current_database()) {
        Ok(token) => (token.id, Arc::clone(&token.name)),
        // The session stands in a database that it may not use any more.
        Err(_) => (session.security.login().map_or(0, |l| if l.sysadmin { DBO } else { 0 }), "".into()),
    }
}
