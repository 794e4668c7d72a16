//! Application locks: `sp_getapplock`, `sp_releaseapplock`, APPLOCK_MODE, APPLOCK_TEST.
//!
//! Invariants
//! 1. Names compare byte by byte, as far as their first 255 characters, within one database and database principal.
//! 2. A lock of the transaction goes with it; a lock of the session goes with the session or a reset of it. Both are of one
//!    space: a session never waits for itself.
//! 3. A wait that ends without the lock is a return code, not an error: -1 time-out, -2 cancelled, -3 deadlock victim.
//!
//! Evidence: documented (sp_getapplock, sp_releaseapplock, APPLOCK_MODE, APPLOCK_TEST).

use holdfast_engine::lock::{Duration, Granted, LockError, LockMode, LockOwner, Resource};
use holdfast_types::{SqlError, Value};

use super::raise::integer;
use super::state::SharedSession;
use crate::context::SessionInfo;

const LONGEST_NAME: usize = 255;
/// What a wrong parameter returns besides its error.
pub(super) const WRONG: i32 = -999;

type Arguments = [(Option<String>, Value)];

/// The value of a parameter, by name or position; `None` when it is not given or NULL.
fn parameter<'a>(arguments: &'a Arguments, position: usize, name: &str) -> Option<&'a Value> {
    let named = arguments.iter().find(|(n, _)| n.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    let found = named.or_else(|| arguments.get(position).filter(|(n, _)| n.is_none()));
    found.map(|(_, v)| v).filter(|v| !v.is_null())
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(s) => Some(s.to_text()),
        _ => None,
    }
}

fn mode_of(name: &str) -> Option<LockMode> {
    Some(match name.to_lowercase().as_str() {
        "shared" => LockMode::S,
        "update" => LockMode::U,
        "intentshared" => LockMode::IS,
        "intentexclusive" => LockMode::IX,
        "exclusive" => LockMode::X,
        _ => return None,
    })
}

fn name_of(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Null => "NoLock",
        LockMode::S => "Shared",
        LockMode::U => "Update",
        LockMode::X => "Exclusive",
        LockMode::IS => "IntentShared",
        LockMode::IX => "IntentExclusive",
        LockMode::SIX => "SharedIntentExclusive",
        LockMode::UIX => "UpdateIntentExclusive",
        other => other.name(),
    }
}

/// What a lock is named by, and whose it is.
struct Target {
    resource: Resource,
    owner: LockOwner,
}

impl SharedSession {
    fn application_resource(&self, principal: &str, name: &str) -> Option<Resource> {
        let principal =
            if principal.eq_ignore_ascii_case("public") { 0 } else { self.principal_id(principal)? };
        let name: String = name.chars().take(LONGEST_NAME).collect();
        Some(self.host.instance.locks.application(self.database().0, principal, &name))
    }

    /// The owner that 'Session' or 'Transaction' means; `None` for a transaction that is not there.
    fn application_owner(&self, owner: &str) -> Result<Option<LockOwner>, ()> {
        match owner.to_lowercase().as_str() {
            "session" => Ok(Some(self.owner)),
            "transaction" => Ok(self.open_transaction().map(|t| t.owner())),
            _ => Err(()),
        }
    }

    fn application_target(
        &self,
        arguments: &Arguments,
        procedure: &str,
        positions: (usize, usize),
    ) -> Result<Target, SqlError> {
        let wrong = |number| SqlError::new(number, &[&procedure]);
        let name = text(parameter(arguments, 0, "@Resource")).ok_or_else(|| wrong(1224))?;
        let owner = text(parameter(arguments, positions.0, "@LockOwner"));
        let owner = self.application_owner(owner.as_deref().unwrap_or("Transaction"));
        let owner = owner.map_err(|()| wrong(1226))?;
        let principal = text(parameter(arguments, positions.1, "@DbPrincipal"));
        let principal = principal.as_deref().unwrap_or("public");
        let resource = self.application_resource(principal, &name).ok_or_else(|| wrong(1230))?;
        let owner = owner.ok_or_else(|| {
            let text =
                "You attempted to acquire a transactional application lock without an active transaction.";
            SqlError::with_text(50_000, 16, text)
        })?;
        Ok(Target { resource, owner })
    }

    fn get_application_lock(&self, arguments: &Arguments) -> Result<i32, SqlError> {
        const PROCEDURE: &str = "sp_getapplock";
        let target = self.application_target(arguments, PROCEDURE, (2, 4))?;
        let mode = text(parameter(arguments, 1, "@LockMode"));
        let mode = mode.and_then(|m| mode_of(&m)).ok_or_else(|| SqlError::new(1225, &[&PROCEDURE]))?;
        let mut wait = self.lock_wait();
        if let Some(given) = parameter(arguments, 3, "@LockTimeout") {
            let given = match given {
                Value::String(s) => s.to_text().trim().parse().ok(),
                other => integer(other),
            };
            let ms = given.filter(|n| *n >= -1).ok_or_else(|| SqlError::new(1227, &[&PROCEDURE]))?;
            wait.timeout = u64::try_from(ms).ok().map(std::time::Duration::from_millis);
        }
        let locks = &self.host.instance.locks;
        Ok(match locks.acquire(target.owner, &target.resource, mode, Duration::Transaction, &wait) {
            Ok(Granted::Held | Granted::Immediately) => 0,
            Ok(Granted::AfterWait) => 1,
            Err(LockError::Timeout) => -1,
            Err(LockError::Cancelled) => -2,
            Err(LockError::Deadlock { .. }) => -3,
        })
    }

    fn release_application_lock(&self, arguments: &Arguments) -> Result<i32, SqlError> {
        let target = self.application_target(arguments, "sp_releaseapplock", (1, 2))?;
        if self.host.instance.locks.release(target.owner, &target.resource) {
            return Ok(0);
        }
        let name = text(parameter(arguments, 0, "@Resource")).unwrap_or_default();
        let principal = text(parameter(arguments, 2, "@DbPrincipal")).unwrap_or_else(|| "public".into());
        Err(SqlError::new(1223, &[&principal, &name]))
    }

    /// The procedures by lower-case name; `None` for others. The return code, and the error that comes with it.
    pub fn application_lock(
        &self,
        procedure: &str,
        arguments: &Arguments,
    ) -> Option<(i32, Option<SqlError>)> {
        let result = match procedure {
            "sp_getapplock" => self.get_application_lock(arguments),
            "sp_releaseapplock" => self.release_application_lock(arguments),
            _ => return None,
        };
        Some(match result {
            Ok(code) => (code, None),
            Err(e) => (WRONG, Some(e)),
        })
    }

    /// APPLOCK_MODE(principal, name, owner): NULL for parameters that are wrong.
    pub fn application_lock_mode(&self, args: &[Value]) -> Option<Value> {
        let resource = self.application_resource(&text(args.first())?, &text(args.get(1))?)?;
        let owner = self.application_owner(&text(args.get(2))?).ok()?;
        let held = owner.map_or(LockMode::Null, |o| self.host.instance.locks.held(o, &resource));
        Some(Value::string(name_of(held)))
    }

    /// APPLOCK_TEST(principal, name, mode, owner): whether the lock could be had at once.
    pub fn application_lock_test(&self, args: &[Value]) -> Option<Value> {
        let resource = self.application_resource(&text(args.first())?, &text(args.get(1))?)?;
        let mode = mode_of(&text(args.get(2))?)?;
        let owner = self.application_owner(&text(args.get(3))?).ok()?.unwrap_or(self.owner);
        Some(Value::SmallInt(i16::from(!self.host.instance.locks.would_wait(owner, &resource, mode))))
    }
}
