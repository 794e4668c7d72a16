//! EXECUTE AS, REVERT, WITH EXECUTE AS of modules.
//!
//! Invariants
//! 1. What a module or dynamic batch puts on goes away with it (`nested_run`); what a batch puts on stays with the session
//!    until REVERT.
//! 2. Authority at the server is not taken over from a user of a database: whoever owns a database does not own the server.

use std::sync::Arc;

use holdfast_tsql::ast::{self, ExecuteAs, ExecuteAsPrincipal};
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType, TypeId, Value};

use super::run::{Fail, Runner, Scope};
use super::state::SharedSession;
use crate::host::HostDatabase;
use crate::security::context::Origin;
use crate::security::functions::sid_text;
use crate::security::model::{Principal, Securable};
use crate::security::token::LoginToken;
use crate::system_view::ViewSource;

/// Reference class: whom a module executes as.
pub const EXECUTES_AS: i32 = 22;
/// What stands there for the owner.
pub const OWNER: i32 = -2;

impl SharedSession {
    /// What SUSER_SNAME says of a user: its login's name, or its SID.
    fn login_name_of(&self, user: &Principal) -> Arc<str> {
        let Some(sid) = user.sid.as_deref() else { return Arc::clone(&user.name) };
        match self.host.logins.read().login_of_sid(sid) {
            Some(login) => login.name.as_str().into(),
            None => sid_text(sid).into(),
        }
    }

    /// Turns the session into a user of a database. No permission is asked for.
    fn become_user(&self, database: &Arc<HostDatabase>, user: &Principal, origin: Origin) {
        self.security.push(self.login_name_of(user), None, Some((database.id, user.id)), origin);
    }

    /// EXECUTE AS USER.
    fn impersonate_user(&self, name: &str, origin: Origin) -> SqlResult<()> {
        let database = self.current_database();
        let model = database.security()?;
        let refused = || SqlError::new(15517, &[&name]);
        let user =
            model.principal_named(name).filter(|u| matches!(&*u.kind, "S" | "U")).ok_or_else(refused)?;
        // INFORMATION_SCHEMA and sys own what is shipped; nobody is them.
        if user.id == 3 || user.id == 4 || !self.may(&database, Securable::Principal(user.id), "IM")? {
            return Err(refused());
        }
        self.become_user(&database, user, origin);
        Ok(())
    }

    /// IMPERSONATE on a login, or being it.
    pub fn may_impersonate_login(&self, name: &str) -> bool {
        let Some(token) = LoginToken::of(&self.host.logins.read(), name) else { return false };
        self.security.is_unrestricted()
            || self.security.login().is_some_and(|l| l.id == token.id || l.has_on(token.id, "IM", "IAL"))
    }

    /// EXECUTE AS LOGIN.
    fn impersonate_login(&self, name: &str, origin: Origin) -> SqlResult<()> {
        let refused = || SqlError::new(15406, &[&name]);
        let token = LoginToken::of(&self.host.logins.read(), name).ok_or_else(refused)?;
        if !self.may_impersonate_login(name) {
            return Err(refused());
        }
        let before = self.security.enter();
        self.security.push(Arc::clone(&token.name), Some(Arc::new(token)), None, origin);
        // Who may not be where the session is cannot be put on here.
        if let Err(e) = self.need_access(&self.current_database()) {
            self.security.leave(before);
            return Err(e);
        }
        self.security.keep(before);
        Ok(())
    }
}

impl Runner<'_> {
    fn principal_name(&mut self, e: &ast::Expr, scope: &Scope) -> Result<String, Fail> {
        let ty = SqlType::sysname(CollationId::SERVER_DEFAULT);
        match self.value_as(e, ty, scope)? {
            Value::String(s) => Ok(s.to_text()),
            _ => Ok(String::new()),
        }
    }

    pub fn execute_as(&mut self, e: &ExecuteAs, scope: &mut Scope) -> Result<(), Fail> {
        if (e.no_revert || e.cookie.is_some()) && self.level > 0 {
            return Err(SqlError::new(15590, &[]).into());
        }
        let cookie = match &e.cookie {
            Some(_) => Some(crate::security::password::random::<50>()?.to_vec()),
            None => None,
        };
        let database = self.session.current_database().id;
        let origin = Origin::Statement { database, no_revert: e.no_revert, cookie: cookie.clone() };
        match &e.principal {
            // The caller of a batch is the session itself.
            ExecuteAsPrincipal::Caller => {
                let contexts = &self.session.security;
                let found = if scope.module.is_some() { contexts.caller() } else { contexts.current() };
                let Some(now) = found else { return self.plain_done(0) };
                self.session.security.push(now.login_name, now.login, now.user, origin);
            }
            ExecuteAsPrincipal::User(name) => {
                let name = self.principal_name(name, scope)?;
                self.session.impersonate_user(&name, origin)?;
            }
            ExecuteAsPrincipal::Login(name) => {
                let name = self.principal_name(name, scope)?;
                self.session.impersonate_login(&name, origin)?;
            }
            ExecuteAsPrincipal::Owner | ExecuteAsPrincipal::Self_ => {
                return Err(SqlError::new(102, &[&"AS"]).into());
            }
        }
        if let (Some(variable), Some(cookie)) = (&e.cookie, cookie)
            && let Some(v) = scope.unit.layout.variables.get(&variable.to_lowercase()).cloned()
        {
            let ty = SqlType::binary(TypeId::VarBinary, 8000);
            let context = self.context(scope);
            let value = super::query::convert(&Value::binary(&cookie), ty, v.ty, &context)?;
            scope.set(v.slot, value);
        }
        self.plain_done(0)
    }

    /// EXECUTE ('…') AS USER or AS LOGIN, for as long as the text runs.
    pub fn become_named(&mut self, who: Option<&(bool, ast::Expr)>, scope: &Scope) -> Result<(), Fail> {
        let Some((login, name)) = who else { return Ok(()) };
        let name = self.principal_name(name, scope)?;
        let became = match login {
            true => self.session.impersonate_login(&name, Origin::Module),
            false => self.session.impersonate_user(&name, Origin::Module),
        };
        Ok(became?)
    }

    pub fn revert(&mut self, cookie: Option<&ast::Expr>, scope: &Scope) -> Result<(), Fail> {
        let cookie = match cookie {
            Some(e) => match self.value(e, scope)?.0 {
                Value::Binary(b) => Some(b),
                _ => Some(Arc::from([])),
            },
            None => None,
        };
        let database = self.session.current_database().id;
        self.session.security.revert(database, cookie.as_deref())?;
        self.plain_done(0)
    }

    /// Puts on whom a module executes as, at its beginning.
    pub fn become_module(&mut self, scope: &Scope) -> SqlResult<()> {
        let (Some(principal), Some((id, object))) = (&scope.unit.execute_as, scope.module) else {
            return Ok(());
        };
        let Some(database) = self.session.host.database_by_id(id) else { return Ok(()) };
        let model = database.security()?;
        let stored = || {
            let catalog = database.model().ok()?;
            catalog.references_of(EXECUTES_AS, object).next().map(|r| r.independent)
        };
        let name = match principal {
            ExecuteAsPrincipal::User(e) => crate::ddl::table::word(e).unwrap_or_default(),
            _ => "",
        };
        if database.model()?.object(object).is_some_and(|o| o.on_server) {
            if *principal == ExecuteAsPrincipal::Caller {
                return Ok(());
            }
            // Modules of the server execute as logins.
            let logins = self.session.host.logins.read();
            let token = stored().and_then(|id| LoginToken::of(&logins, logins.name_of(id)?));
            let token = token.ok_or_else(|| SqlError::new(15406, &[&name]))?;
            self.session.security.push(Arc::clone(&token.name), Some(Arc::new(token)), None, Origin::Module);
            return Ok(());
        }
        let user = match principal {
            ExecuteAsPrincipal::Caller => return Ok(()),
            ExecuteAsPrincipal::Owner => {
                let owner = model.owner(object);
                // A role cannot be anybody: then it is the one who owns it.
                let owner = match model.principal(owner) {
                    Some(p) if p.is_role() => model.role_owner(owner),
                    _ => owner,
                };
                model.principal(owner)
            }
            ExecuteAsPrincipal::User(_) => {
                let named = || model.principal_named(name).filter(|u| matches!(&*u.kind, "S" | "U"));
                // The one that was meant when the module was made, whatever their name is now.
                stored().and_then(|id| model.principal(id)).or_else(named)
            }
            ExecuteAsPrincipal::Self_ => stored().and_then(|id| model.principal(id)),
            ExecuteAsPrincipal::Login(_) => None,
        };
        let user = user.ok_or_else(|| SqlError::new(15517, &[&name]))?;
        self.session.become_user(&database, user, Origin::Module);
        Ok(())
    }
}
