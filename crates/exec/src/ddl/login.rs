//! Logins and server roles: CREATE, ALTER and DROP LOGIN and SERVER ROLE.
//!
//! Invariants
//! 1. Who cannot control the server changes no login that can, and gives no role that could.
//! 2. The policy is looked at where a password comes in clear; a hash is taken as it is.

use std::sync::Arc;

use holdfast_base::world::{Entropy, SystemEntropy};
use holdfast_tsql::ast::{Drop, PrincipalStatement, Setting};
use holdfast_types::datetime::Language;
use holdfast_types::{SqlError, SqlResult, Value};

use crate::host::configuration;
use crate::procedure::administration::Call;
use crate::procedure::options::is_language;
use crate::security::LoginToken;
use crate::security::password::{PasswordHash, check_policy};
use crate::security::store::{self, Login, Principals, SA, ServerRole, new_login, same};

/// What WITH says.
#[derive(Default)]
struct Options {
    /// In clear or hashed.
    password: Option<Value>,
    hashed: bool,
    must_change: bool,
    unlock: bool,
    old_password: Option<String>,
    sid: Option<Vec<u8>>,
    name: Option<String>,
    default_database: Option<String>,
    default_language: Option<String>,
    check_policy: Option<bool>,
    check_expiration: Option<bool>,
}

fn invalid(what: &str) -> SqlError {
    SqlError::new(15021, &[&what])
}

impl Options {
    fn read(settings: &[Setting], call: &mut Call<'_>) -> SqlResult<Options> {
        let mut o = Options::default();
        for s in settings {
            let value = match &s.value {
                Some(e) => (call.evaluate)(e)?,
                None => Value::Null,
            };
            let text = || match &value {
                Value::String(s) => Ok(s.to_text()),
                _ => Err(invalid(&s.name)),
            };
            let on = || match text()?.to_ascii_uppercase().as_str() {
                "ON" => Ok(true),
                "OFF" => Ok(false),
                _ => Err(invalid(&s.name)),
            };
            match s.name.as_str() {
                "PASSWORD" | "OLD_PASSWORD" => {
                    for n in &s.nested {
                        match n.name.as_str() {
                            "HASHED" => o.hashed = true,
                            "MUST_CHANGE" => o.must_change = true,
                            "OLD_PASSWORD" => {
                                let value = n.value.as_ref().map(|e| (call.evaluate)(e)).transpose()?;
                                o.old_password = match value {
                                    Some(Value::String(s)) => Some(s.to_text()),
                                    _ => return Err(invalid("OLD_PASSWORD")),
                                };
                            }
                            _ => o.unlock = true,
                        }
                    }
                    if s.name == "PASSWORD" {
                        o.password = Some(value)
                    } else {
                        o.old_password = Some(text()?)
                    }
                }
                "SID" => match &value {
                    Value::Binary(b) => o.sid = Some(b.to_vec()),
                    _ => return Err(invalid("SID")),
                },
                "NAME" => o.name = Some(text()?),
                "DEFAULT_DATABASE" => o.default_database = Some(text()?),
                "DEFAULT_LANGUAGE" => o.default_language = Some(text()?),
                "CHECK_POLICY" => o.check_policy = Some(on()?),
                "CHECK_EXPIRATION" => o.check_expiration = Some(on()?),
                "NO CREDENTIAL" => {}
                other => return Err(SqlError::not_supported(format!("The login option {other}"))),
            }
        }
        if let Some(name) = &o.default_database
            && call.session.host.instance.find(name).is_none()
        {
            return Err(SqlError::new(15010, &[name]));
        }
        if let Some(name) = &o.default_language
            && !is_language(name)
        {
            return Err(SqlError::new(15033, &[name]));
        }
        Ok(o)
    }

    /// The new password's hash, after the policy.
    fn hash(&self, login: &str, policy: bool) -> SqlResult<Option<PasswordHash>> {
        Ok(match (&self.password, self.hashed) {
            (None, _) => None,
            (Some(Value::Binary(b)), true) => {
                Some(PasswordHash::from_bytes(b).ok_or_else(|| invalid("PASSWORD"))?)
            }
            (Some(Value::String(s)), false) => {
                let clear = s.to_text();
                if clear.encode_utf16().count() > 128 {
                    return Err(SqlError::new(15117, &[]));
                }
                if policy {
                    check_policy(login, &clear)?;
                }
                Some(PasswordHash::of(&clear)?)
            }
            _ => return Err(invalid("PASSWORD")),
        })
    }

    /// Takes over all but name, password and SID.
    fn settle(&self, login: &mut Login) -> SqlResult<()> {
        if let Some(policy) = self.check_policy {
            login.check_policy = policy;
        }
        if let Some(expiration) = self.check_expiration {
            login.check_expiration = expiration;
        } else if self.check_policy == Some(false) {
            login.check_expiration = false;
        }
        if login.check_expiration && !login.check_policy {
            return Err(SqlError::new(15122, &[]));
        }
        if self.must_change && !login.check_expiration {
            return Err(SqlError::new(15099, &[]));
        }
        if login.must_change && self.password.is_none() && (!login.check_policy || !login.check_expiration) {
            return Err(SqlError::new(15128, &[]));
        }
        if let Some(d) = &self.default_database {
            login.default_database.clone_from(d);
        }
        if let Some(l) = &self.default_language {
            login.default_language.clone_from(l);
        }
        Ok(())
    }
}

fn own_token(call: &Call<'_>) -> Option<Arc<LoginToken>> {
    call.session.security.login()
}

/// Invariant 1.
fn may_alter(call: &Call<'_>, principals: &Principals, id: i32) -> bool {
    let Some(me) = own_token(call) else { return false };
    if me.has("CL") {
        return true;
    }
    let mighty =
        principals.name_of(id).and_then(|n| LoginToken::of(principals, n)).is_some_and(|t| t.has("CL"));
    !mighty && me.has_on(id, "AL", "ALLG")
}

/// CREATE and ALTER LOGIN and SERVER ROLE.
///
/// # Errors
/// The statement's.
pub fn change(p: &PrincipalStatement, call: &mut Call<'_>) -> SqlResult<()> {
    match (p.action, p.kind) {
        ("CREATE", "LOGIN") => create_login(p, call),
        ("ALTER", "LOGIN") => alter_login(p, call),
        ("CREATE", "SERVER ROLE") => create_role(p, call),
        _ => alter_role(p, call),
    }
}

fn create_login(p: &PrincipalStatement, call: &mut Call<'_>) -> SqlResult<()> {
    let name = p.name.text.as_str();
    if !call.session.security.has_server("ALLG") {
        return Err(SqlError::new(15247, &[]));
    }
    if let Some((clause, _)) = p.clauses.first() {
        return Err(SqlError::not_supported(format!("CREATE LOGIN {clause}")));
    }
    let options = Options::read(&p.options, call)?;
    if name.is_empty() || name.contains('\\') {
        let text = format!("'{name}' is not a valid name because it contains invalid characters.");
        return Err(SqlError::with_text(15006, 16, text));
    }
    let exists = || SqlError::new(15025, &[&name]);
    if call.session.host.logins.read().principal(name).is_some() {
        return Err(exists());
    }
    let policy = options.check_policy.unwrap_or(true);
    let password = options.hash(name, policy)?.ok_or_else(|| invalid("PASSWORD"))?;
    let sid = match &options.sid {
        Some(sid) if sid.len() != 16 => return Err(SqlError::new(15419, &[])),
        Some(sid) => sid.clone(),
        None => SystemEntropy.guid().to_vec(),
    };
    let now = call.session.host.now();
    let default = call.session.host.settings.in_use(configuration::DEFAULT_LANGUAGE);
    let language = Language::all().find(|l| i32::from(l.0.lang_id) == default).unwrap_or_default();
    let language = language.0.name.to_owned();
    call.session.change_principals(|principals| {
        if principals.principal(name).is_some() {
            return Err(exists());
        }
        if principals.login_of_sid(&sid).is_some() {
            return Err(SqlError::new(15433, &[]));
        }
        let mut login = Login {
            password: Some(password),
            check_policy: true,
            created: now,
            modified: now,
            password_set: now,
            default_language: language.clone(),
            ..new_login(principals.free_id(), name, sid)
        };
        options.settle(&mut login)?;
        login.must_change = options.must_change;
        principals.add(login);
        Ok(())
    })
}

fn alter_login(p: &PrincipalStatement, call: &mut Call<'_>) -> SqlResult<()> {
    let name = p.name.text.as_str();
    let missing = || SqlError::new(15151, &[&"alter", &"login", &name]);
    let options = Options::read(&p.options, call)?;
    if options.sid.is_some() {
        return Err(SqlError::not_supported("ALTER LOGIN … WITH SID"));
    }
    let before = call.session.host.logins.read();
    let login = before.login(name).ok_or_else(missing)?;
    // Everybody may change their own password who knows it.
    let only_password = options.password.is_some()
        && !options.hashed
        && p.options.iter().all(|o| matches!(o.name.as_str(), "PASSWORD" | "OLD_PASSWORD"))
        && p.clauses.is_empty();
    let own = own_token(call).is_some_and(|t| t.id == login.id);
    if !may_alter(call, &before, login.id) {
        let old = options.old_password.as_deref();
        let knows =
            only_password && own && old.is_some_and(|o| login.password.as_ref().is_some_and(|h| h.verify(o)));
        if !knows {
            return Err(missing());
        }
    } else if let Some(old) = options.old_password.as_deref()
        && !login.password.as_ref().is_some_and(|h| h.verify(old))
    {
        return Err(missing());
    }
    let policy = options.check_policy.unwrap_or(login.check_policy);
    let hash = options.hash(options.name.as_deref().unwrap_or(name), policy)?;
    let now = call.session.host.now();
    call.session.change_principals(|principals| {
        if let Some(new) = &options.name
            && !same(new, name)
            && principals.principal(new).is_some()
        {
            return Err(SqlError::new(15025, &[new]));
        }
        let login = principals.login_mut(name).ok_or_else(missing)?;
        for (clause, _) in &p.clauses {
            match clause.as_str() {
                "ENABLE" => login.disabled = false,
                "DISABLE" => login.disabled = true,
                other => return Err(SqlError::not_supported(format!("ALTER LOGIN {other}"))),
            }
        }
        options.settle(login)?;
        if let Some(hash) = hash {
            login.password = Some(hash);
            login.password_set = now;
            login.must_change = options.must_change;
        }
        if let Some(new) = &options.name {
            login.name.clone_from(new);
        }
        login.modified = now;
        Ok(())
    })
}

fn create_role(p: &PrincipalStatement, call: &mut Call<'_>) -> SqlResult<()> {
    let name = p.name.text.as_str();
    let allowed = call.session.security.has_server("CRSR") || call.session.security.has_server("ALSR");
    let Some(me) = own_token(call).filter(|_| allowed) else { return Err(SqlError::new(15247, &[])) };
    let owner = p.clauses.iter().find(|c| c.0 == "AUTHORIZATION").and_then(|c| c.1.as_ref());
    let now = call.session.host.now();
    call.session.change_principals(|principals| {
        if principals.principal(name).is_some() {
            return Err(SqlError::new(15025, &[&name]));
        }
        let owner = match owner {
            Some(o) => principals
                .principal(&o.text)
                .ok_or_else(|| SqlError::new(15151, &[&"find", &"login", &o.text]))?,
            None => me.id,
        };
        let id = principals.free_id();
        let sid = SystemEntropy.guid().to_vec();
        let role = ServerRole { id, name: name.to_owned(), sid, owner, created: now, modified: now };
        principals.roles.push(role);
        Ok(())
    })
}

/// Whether the session may put somebody into a role or take them out.
fn may_alter_role(me: &LoginToken, principals: &Principals, role: i32) -> bool {
    let owner = principals.roles.iter().find(|r| r.id == role).map(|r| r.owner);
    match owner {
        Some(owner) => me.is(owner) || me.has_on(role, "AL", "ALSR"),
        // Members of a fixed role may take others in.
        None => me.sysadmin || (role != store::PUBLIC && me.is(role)),
    }
}

fn alter_role(p: &PrincipalStatement, call: &mut Call<'_>) -> SqlResult<()> {
    let name = p.name.text.as_str();
    let missing = || SqlError::new(15151, &[&"alter", &"server role", &name]);
    let me = own_token(call).ok_or_else(missing)?;
    let clause = |words: &str| p.clauses.iter().find(|c| c.0 == words).and_then(|c| c.1.as_ref());
    let new_name = p.options.iter().find(|o| o.name == "NAME").and_then(|o| o.value.as_ref());
    let new_name = new_name.and_then(super::table::word).map(str::to_owned);
    let now = call.session.host.now();
    call.session.change_principals(|principals| {
        let role = principals.role(name).ok_or_else(missing)?;
        if !may_alter_role(&me, principals, role) {
            return Err(missing());
        }
        if role == store::PUBLIC {
            return Err(SqlError::with_text(15081, 16, "Membership of the public role cannot be changed."));
        }
        for (words, verb) in [("ADD MEMBER", "add"), ("DROP MEMBER", "drop")] {
            let Some(member) = clause(words) else { continue };
            let id = principals
                .principal(&member.text)
                .ok_or_else(|| SqlError::new(15151, &[&verb, &"principal", &member.text]))?;
            if id == SA || id < 257 {
                return Err(SqlError::new(15405, &[&member.text]));
            }
            principals.members.retain(|m| *m != (role, id));
            if verb == "add" {
                if principals.roles_of(role).contains(&id) {
                    return Err(SqlError::with_text(15413, 11, "Cannot make a role a member of itself."));
                }
                principals.members.push((role, id));
            }
            return Ok(());
        }
        let Some(new) = &new_name else {
            return Err(SqlError::not_supported("This form of ALTER SERVER ROLE"));
        };
        if principals.principal(new).is_some_and(|id| id != role) {
            return Err(SqlError::new(15025, &[new]));
        }
        let found = principals.roles.iter_mut().find(|r| r.id == role).ok_or_else(missing)?;
        found.name.clone_from(new);
        found.modified = now;
        Ok(())
    })
}

/// DROP LOGIN and SERVER ROLE.
///
/// # Errors
/// The statement's.
pub fn drop(d: &Drop, call: &mut Call<'_>) -> SqlResult<()> {
    let kind = if d.kind == "LOGIN" { "login" } else { "server role" };
    for name in &d.names {
        let text = name.name.text.as_str();
        let missing = || SqlError::new(15151, &[&"drop", &kind, &text]);
        let host = Arc::clone(&call.session.host);
        let before = host.logins.read();
        let found = if kind == "login" { before.login(text).map(|l| l.id) } else { before.role(text) };
        let Some(id) = found else {
            if d.if_exists {
                continue;
            }
            return Err(missing());
        };
        let me = own_token(call).ok_or_else(missing)?;
        if kind == "login" {
            if !may_alter(call, &before, id) {
                return Err(missing());
            }
            if id == SA {
                return Err(SqlError::new(15405, &[&text]));
            }
            if host.sessions.uses_login(text) {
                return Err(SqlError::new(15434, &[&text]));
            }
            let sid = before.login(text).map(|l| l.sid.clone()).unwrap_or_default();
            let owns = |d: &Arc<holdfast_engine::instance::DatabaseEntry>| {
                d.online().is_ok_and(|o| o.properties().owner_sid == sid)
            };
            if host.instance.databases().iter().any(owns) {
                return Err(SqlError::new(15174, &[&text]));
            }
            if before.roles.iter().any(|r| r.owner == id) {
                return Err(SqlError::new(15141, &[&"server role"]));
            }
        } else {
            if id < 257 || !may_alter_role(&me, &before, id) {
                return Err(missing());
            }
            if before.members.iter().any(|m| m.0 == id) {
                return Err(SqlError::new(15144, &[]));
            }
        }
        call.session.change_principals(|principals| {
            principals.forget(id);
            Ok(())
        })?;
    }
    Ok(())
}
