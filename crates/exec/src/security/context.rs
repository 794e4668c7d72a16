//! Who a session is: a stack of contexts, the login at the bottom, and the tokens made for them.
//!
//! Invariants
//! 1. The bottom is the login and never goes away. A module's end takes away what was put on during it; REVERT takes away
//!    nothing that was put on outside of the module it stands in.
//! 2. Tokens are made again when the server's principals have another version, or when a database's catalog is another one.
//! 3. A context of a database user holds in that database; in tempdb it is guest, elsewhere nobody. An application role is guest
//!    elsewhere, where guest may connect.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use holdfast_types::{SqlError, SqlResult};
use parking_lot::Mutex;

use super::model::{GUEST, Securable};
use super::store::LoginStore;
use super::token::{LoginToken, UserToken};
use crate::host::HostDatabase;

/// How a context came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Login,
    /// EXECUTE AS: the database it was said in, and what REVERT must bring.
    Statement {
        database: i32,
        no_revert: bool,
        cookie: Option<Vec<u8>>,
    },
    /// WITH EXECUTE AS of a module.
    Module,
    /// sp_setapprole: what sp_unsetapprole must bring.
    ApplicationRole {
        cookie: Option<Vec<u8>>,
    },
}

/// One of the stack.
#[derive(Clone, Debug)]
pub struct Context {
    number: u64,
    /// What SUSER_SNAME says.
    pub login_name: Arc<str>,
    /// Authority at the server; `None` for a user of a database.
    pub login: Option<Arc<LoginToken>>,
    /// The user it is: database and id.
    pub user: Option<(i32, i32)>,
    pub origin: Origin,
}

struct Made {
    context: u64,
    database: Weak<HostDatabase>,
    token: Arc<UserToken>,
}

struct Inner {
    stack: Vec<Context>,
    /// How many of the stack are out of REVERT's reach.
    floor: usize,
    next: u64,
    version: u64,
    made: Vec<Made>,
}

/// The database that everybody may use.
const TEMPDB: i32 = 2;
/// Tokens kept.
const KEPT: usize = 16;

/// The stack of a session.
pub struct SecurityContexts {
    store: Arc<LoginStore>,
    inner: Mutex<Inner>,
    /// The version at which the present context was found to be sysadmin's; 0: it is not.
    unrestricted: AtomicU64,
}

impl SecurityContexts {
    /// The contexts of a login that was let in.
    ///
    /// # Errors
    /// 18456 when there is no such login (any more).
    pub fn new(store: Arc<LoginStore>, login: &str) -> SqlResult<Self> {
        let version = store.version();
        let token = LoginToken::of(&store.read(), login).ok_or_else(|| SqlError::new(18456, &[&login]))?;
        let bottom = Context {
            number: 0,
            login_name: Arc::clone(&token.name),
            login: Some(Arc::new(token)),
            user: None,
            origin: Origin::Login,
        };
        let inner = Inner { stack: vec![bottom], floor: 1, next: 1, version, made: Vec::new() };
        let contexts = SecurityContexts { store, inner: Mutex::new(inner), unrestricted: Default::default() };
        contexts.mark(&contexts.inner.lock());
        Ok(contexts)
    }

    pub fn store(&self) -> &Arc<LoginStore> {
        &self.store
    }

    /// Whether nothing needs to be asked.
    pub fn is_unrestricted(&self) -> bool {
        let version = self.unrestricted.load(Ordering::Relaxed);
        version != 0 && version == self.store.version()
    }

    fn mark(&self, inner: &Inner) {
        let free = inner
            .stack
            .last()
            .is_some_and(|c| c.user.is_none() && c.login.as_ref().is_some_and(|l| l.sysadmin));
        self.unrestricted.store(if free { inner.version } else { 0 }, Ordering::Relaxed);
    }

    /// The lock, after what other sessions changed was taken in (invariant 2).
    fn lock(&self) -> parking_lot::MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock();
        let version = self.store.version();
        if inner.version != version {
            let now = self.store.read();
            for c in &mut inner.stack {
                if let Some(old) = &c.login
                    && let Some(token) = LoginToken::of(&now, &old.name).filter(|t| t.id == old.id)
                {
                    c.login = Some(Arc::new(token));
                }
            }
            inner.version = version;
            inner.made.clear();
            self.mark(&inner);
        }
        inner
    }

    /// The present context.
    pub fn current(&self) -> Option<Context> {
        self.lock().stack.last().cloned()
    }

    /// The login that logged in.
    pub fn original_name(&self) -> Arc<str> {
        self.inner.lock().stack.first().map_or_else(|| "".into(), |c| Arc::clone(&c.login_name))
    }

    pub fn login_name(&self) -> Arc<str> {
        self.inner.lock().stack.last().map_or_else(|| "".into(), |c| Arc::clone(&c.login_name))
    }

    /// Authority at the server.
    pub fn login(&self) -> Option<Arc<LoginToken>> {
        self.lock().stack.last().and_then(|c| c.login.clone())
    }

    pub fn has_server(&self, code: &'static str) -> bool {
        self.is_unrestricted() || self.login().is_some_and(|l| l.has(code))
    }

    /// Who the session is in a database.
    ///
    /// # Errors
    /// 916 when it is nobody there.
    pub fn user_token(&self, database: &Arc<HostDatabase>) -> SqlResult<Arc<UserToken>> {
        let mut inner = self.lock();
        let Some(context) = inner.stack.last().cloned() else {
            return Err(SqlError::new(916, &[&"", &database.name]));
        };
        let same = |m: &Made| {
            m.context == context.number && std::ptr::eq(m.database.as_ptr(), Arc::as_ptr(database))
        };
        if let Some(found) = inner.made.iter().find(|m| same(m)) {
            return Ok(Arc::clone(&found.token));
        }
        let token = Arc::new(make(&context, database)?);
        if inner.made.len() >= KEPT {
            inner.made.remove(0);
        }
        let database = Arc::downgrade(database);
        inner.made.push(Made { context: context.number, database, token: Arc::clone(&token) });
        Ok(token)
    }

    /// Puts a context on.
    pub fn push(
        &self,
        login_name: Arc<str>,
        login: Option<Arc<LoginToken>>,
        user: Option<(i32, i32)>,
        origin: Origin,
    ) {
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.stack.push(Context { number, login_name, login, user, origin });
        self.mark(&inner);
    }

    /// REVERT, in a database.
    ///
    /// # Errors
    /// 15199 in another database than the one it was put on in, 15591 when a cookie is missing or wrong or reverting was ruled out.
    pub fn revert(&self, database: i32, cookie: Option<&[u8]>) -> SqlResult<()> {
        let mut inner = self.lock();
        if inner.stack.len() <= inner.floor {
            return Ok(());
        }
        match inner.stack.last().map(|c| &c.origin) {
            Some(Origin::Statement { no_revert, cookie: wanted, database: place }) => {
                if *no_revert || wanted.as_deref() != cookie {
                    return Err(SqlError::new(15591, &[]));
                }
                if *place != database {
                    return Err(SqlError::new(15199, &[]));
                }
            }
            _ => return Err(SqlError::new(15591, &[])),
        }
        inner.stack.pop();
        self.mark(&inner);
        Ok(())
    }

    /// Takes an application role off, and what came above it; `false` when none was put on with this cookie.
    pub fn unset_application_role(&self, given: &[u8]) -> bool {
        let mut inner = self.lock();
        let floor = inner.floor;
        let of_role =
            |c: &Context| matches!(&c.origin, Origin::ApplicationRole { cookie: Some(k) } if k == given);
        match inner.stack.iter().rposition(of_role).filter(|at| *at >= floor) {
            Some(at) => {
                inner.stack.truncate(at);
                self.mark(&inner);
                true
            }
            None => false,
        }
    }

    /// Who called the module that runs.
    pub fn caller(&self) -> Option<Context> {
        let inner = self.lock();
        inner.stack.get(inner.floor.saturating_sub(1)).cloned()
    }

    /// A module begins. Hand the answer to [`SecurityContexts::leave`].
    pub fn enter(&self) -> (usize, usize) {
        let mut inner = self.inner.lock();
        let before = (inner.stack.len(), inner.floor);
        inner.floor = before.0;
        before
    }

    /// A module ends (invariant 1).
    pub fn leave(&self, before: (usize, usize)) {
        let mut inner = self.inner.lock();
        let changed = inner.stack.len() != before.0;
        inner.stack.truncate(before.0.max(1));
        inner.floor = before.1;
        if changed {
            self.mark(&inner);
        }
    }

    /// What was put on since [`SecurityContexts::enter`] stays.
    pub fn keep(&self, before: (usize, usize)) {
        self.inner.lock().floor = before.1;
    }

    /// Back to the login, as the connection is used for something new.
    pub fn reset(&self) {
        let mut inner = self.inner.lock();
        inner.stack.truncate(1);
        inner.floor = 1;
        self.mark(&inner);
    }
}

fn make(context: &Context, database: &Arc<HostDatabase>) -> SqlResult<UserToken> {
    if let (Some(login), None) = (&context.login, context.user)
        && login.sysadmin
    {
        return Ok(UserToken::dbo(database.id, Some(Arc::clone(login))));
    }
    let model = database.security()?;
    let nobody = || SqlError::new(916, &[&context.login_name, &database.name]);
    match context.user {
        Some((id, user)) => {
            let user = match id {
                _ if id == database.id => model.principal(user),
                _ if database.id == TEMPDB => model.principal(GUEST),
                _ if matches!(context.origin, Origin::ApplicationRole { .. }) => {
                    let guest = model.principal(GUEST).ok_or_else(nobody)?;
                    let token = UserToken::user(database.id, &model, guest, None);
                    return if model.has(&token, Securable::Database, "CO") {
                        Ok(token)
                    } else {
                        Err(nobody())
                    };
                }
                _ => None,
            };
            Ok(UserToken::user(database.id, &model, user.ok_or_else(nobody)?, context.login.clone()))
        }
        None => {
            let login = context.login.as_ref().ok_or_else(nobody)?;
            let owner = database.online().properties().owner_sid;
            UserToken::of_login((database.id, &database.name), &model, &owner, login)
        }
    }
}
