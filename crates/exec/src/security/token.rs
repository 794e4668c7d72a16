//! Who somebody is: at the server a login with its roles, in a database a user with its roles.
//!
//! Invariants
//! 1. A token never changes; a change of principals makes new ones (see `context`).
//! 2. Every user token has a number of its own: what was allowed under it is remembered by the number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_types::{SqlError, SqlResult};

use super::model::{DBO, GUEST, Principal, Securable, SecurityModel};
use super::permission::{Level, SERVER_ROLES, SERVER_SECURITY_ADMIN, covering};
use super::store::{ON_SERVER, Principals, SYSADMIN, ServerPermission};

/// A login with what it may do at the server.
#[derive(Clone, Debug)]
pub struct LoginToken {
    pub id: i32,
    pub name: Arc<str>,
    pub sid: Arc<[u8]>,
    /// Server roles, however deeply.
    pub roles: Vec<i32>,
    pub sysadmin: bool,
    permissions: Vec<ServerPermission>,
}

impl LoginToken {
    /// The token of a login; `None` when there is none of that name.
    pub fn of(principals: &Principals, name: &str) -> Option<LoginToken> {
        let login = principals.login(name)?;
        let roles = principals.roles_of(login.id);
        let mine = |id: i32| id == login.id || roles.contains(&id);
        let permissions = principals.permissions.iter().filter(|p| mine(p.grantee)).cloned().collect();
        Some(LoginToken {
            id: login.id,
            name: login.name.as_str().into(),
            sid: login.sid.as_slice().into(),
            sysadmin: roles.contains(&SYSADMIN),
            roles,
            permissions,
        })
    }

    pub fn is(&self, principal: i32) -> bool {
        self.id == principal || self.roles.contains(&principal)
    }

    fn holds(&self, codes: &[&'static str], class: u8, major: i32) -> Option<bool> {
        let mut granted = None;
        for p in self.permissions.iter().filter(|p| p.class == class && p.major == major) {
            if codes.contains(&p.code.as_str()) {
                match p.state {
                    'D' => return Some(false),
                    _ => granted = Some(true),
                }
            }
        }
        granted
    }

    /// A permission at the server.
    pub fn has(&self, code: &'static str) -> bool {
        if self.sysadmin {
            return true;
        }
        let codes = covering(Level::Server, code);
        let fixed =
            SERVER_ROLES.iter().filter(|r| self.is(r.0)).any(|r| r.1.iter().any(|g| codes.contains(g)));
        match self.holds(&codes, ON_SERVER, 0) {
            Some(false) => false,
            found => found.is_some() || fixed,
        }
    }

    /// A permission in every database, by what the login has at the server.
    pub fn has_in_databases(&self, code: &'static str) -> bool {
        self.has(match code {
            // Those that mean something else at the server.
            "CRDB" | "AUTH" => "CL",
            other => other,
        })
    }

    /// A permission on a login or role.
    pub fn has_on(&self, principal: i32, code: &'static str, wider: &'static str) -> bool {
        if self.sysadmin {
            return true;
        }
        match self.holds(&[code, "CL"], super::store::ON_PRINCIPAL, principal) {
            Some(granted) => granted,
            None => self.has(wider),
        }
    }

    /// Whether it may hand a permission on. Those at the server itself are also the affair of securityadmin.
    pub fn may_grant(&self, code: &str, class: u8, major: i32) -> bool {
        self.has("CL")
            || (class == ON_SERVER && self.is(SERVER_SECURITY_ADMIN))
            || self
                .permissions
                .iter()
                .any(|p| p.state == 'W' && p.code == code && (p.class, p.major) == (class, major))
    }
}

/// A user with its roles in one database.
#[derive(Clone, Debug)]
pub struct UserToken {
    /// See invariant 2.
    pub number: u64,
    pub database: i32,
    pub id: i32,
    pub name: Arc<str>,
    pub roles: Vec<i32>,
    /// Nothing is asked of dbo.
    pub is_dbo: bool,
    pub default_schema: Arc<str>,
    /// What it may do at the server; `None` for one that only exists here.
    pub login: Option<Arc<LoginToken>>,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl UserToken {
    pub fn is(&self, principal: i32) -> bool {
        self.id == principal || self.roles.contains(&principal)
    }

    /// dbo, by being sysadmin or the database's owner.
    pub fn dbo(database: i32, login: Option<Arc<LoginToken>>) -> UserToken {
        UserToken {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            database,
            id: DBO,
            name: "dbo".into(),
            roles: vec![0, super::permission::DB_OWNER],
            is_dbo: true,
            default_schema: "dbo".into(),
            login,
        }
    }

    /// A user of the database.
    pub fn user(
        database: i32,
        model: &SecurityModel,
        user: &Principal,
        login: Option<Arc<LoginToken>>,
    ) -> UserToken {
        UserToken {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            database,
            id: user.id,
            name: Arc::clone(&user.name),
            roles: model.roles_of(user.id),
            is_dbo: user.id == DBO,
            default_schema: user.default_schema.clone().unwrap_or_else(|| "dbo".into()),
            login,
        }
    }

    /// Who a login is in a database. `owner` is the database owner's SID.
    ///
    /// # Errors
    /// 916 when it is nobody there.
    pub fn of_login(
        database: (i32, &str),
        model: &SecurityModel,
        owner: &[u8],
        login: &Arc<LoginToken>,
    ) -> SqlResult<UserToken> {
        let id = database.0;
        if login.sysadmin || *owner == *login.sid {
            return Ok(UserToken::dbo(id, Some(Arc::clone(login))));
        }
        let user = model.user_of_sid(&login.sid).or_else(|| model.principal(GUEST));
        if let Some(user) = user {
            let token = UserToken::user(id, model, user, Some(Arc::clone(login)));
            if token.is_dbo || model.has(&token, Securable::Database, "CO") {
                return Ok(token);
            }
        }
        Err(SqlError::new(916, &[&login.name, &database.1]))
    }
}
