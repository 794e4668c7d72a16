//! Users and roles of a database: CREATE, ALTER and DROP USER and ROLE, owners of what there is.
//!
//! Invariants
//! 1. A user and a login are tied by their SID alone; no two users of a database have the same.
//! 2. Who is not dbo asks for permission before anything is looked at, so that what exists is not given away.

use holdfast_base::world::{Entropy, SystemEntropy};
use holdfast_engine::instance::{MASTER, MODEL, TEMPDB};
use holdfast_tsql::ast::{ExecuteAsPrincipal, Ident, ObjectName, PrincipalStatement};
use holdfast_types::{SqlError, SqlResult};

use super::{Definition, shown};
use crate::procedure::impersonation::{EXECUTES_AS, OWNER};
use crate::procedure::run::Fail;
use crate::security::model::{DBO, Securable};
use crate::security::permission::DB_OWNER;

/// SIDs of users without a login and of roles: S-1-9-3-… and S-1-9-4-….
const NO_LOGIN: u8 = 3;
const ROLE: u8 = 4;

pub(super) fn own_sid(kind: u8) -> Vec<u8> {
    [&[1, 5, 0, 0, 0, 0, 0, 9, kind, 0, 0, 0][..], &SystemEntropy.guid()].concat()
}

/// Fixed roles cannot be changed or dropped.
pub fn is_fixed(id: i32) -> bool {
    (DB_OWNER..DB_OWNER + 16).contains(&id)
}

impl Definition<'_, '_> {
    /// A principal's id and kind by name.
    pub fn principal_id(&self, name: &str) -> SqlResult<Option<(i32, String)>> {
        let writer = self.writer()?;
        let base = writer.base("sysowners")?;
        let rows = writer.rows("sysowners", &[])?;
        Ok(rows
            .iter()
            .find(|r| self.same(&base.text(r, "name"), name))
            .map(|r| (base.int(r, "id") as i32, base.text(r, "type").trim_end().to_owned())))
    }

    /// Who will own something: the one named, or the session's user.
    pub fn owner(&self, name: Option<&Ident>) -> Result<i32, Fail> {
        let token = self.runner.session.user_token(&self.database)?;
        let Some(n) = name else { return Ok(token.id) };
        let found = self.principal_id(&n.text)?;
        let refused = || SqlError::new(15151, &[&"find", &"user", &n.text]);
        let (id, kind) = found.ok_or_else(refused)?;
        let own = token.is(id);
        let allowed = match kind.as_str() {
            "R" => own || self.may(Securable::Principal(id), "AL")?,
            _ => own || self.may(Securable::Principal(id), "IM")?,
        };
        if allowed { Ok(id) } else { Err(refused().into()) }
    }

    /// Whether the session's user has a permission.
    pub fn may(&self, on: Securable, code: &'static str) -> SqlResult<bool> {
        self.runner.session.may(&self.database, on, code)
    }

    fn sid_of_login(&self, login: &str) -> SqlResult<Vec<u8>> {
        let principals = self.runner.session.host.logins.read();
        let found = principals.login(login).map(|l| l.sid.clone());
        found.ok_or_else(|| SqlError::new(15007, &[&login]))
    }

    /// 15063 when a user has the SID already.
    fn check_sid(&self, sid: &[u8]) -> SqlResult<()> {
        let model = self.database.security()?;
        let owner = self.database.online().properties().owner_sid;
        if model.user_of_sid(sid).is_some() || owner == sid {
            return Err(SqlError::new(15063, &[]));
        }
        Ok(())
    }

    /// CREATE and ALTER USER and ROLE.
    pub fn principal(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        match (p.action, p.kind) {
            ("CREATE", "USER") => self.create_user(p),
            ("ALTER", "USER") => self.alter_user(p),
            ("CREATE", "ROLE") => self.create_role(p),
            ("ALTER", "ROLE") => self.alter_role(p),
            ("CREATE", "APPLICATION ROLE") => self.create_application_role(p),
            ("ALTER", "APPLICATION ROLE") => self.alter_application_role(p),
            _ => Err(SqlError::not_supported(format!("{} {}", p.action, p.kind)).into()),
        }
    }

    fn create_user(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        let name = &p.name.text;
        if !self.may(Securable::Database, "ALUS")? {
            return Err(SqlError::new(15247, &[]).into());
        }
        if self.principal_id(name)?.is_some() {
            return Err(SqlError::new(15023, &[name]).into());
        }
        if let Some(o) = p.options.iter().find(|o| !matches!(o.name.as_str(), "DEFAULT_SCHEMA")) {
            return Err(SqlError::not_supported(format!("CREATE USER … WITH {}", o.name)).into());
        }
        let mut login = Some(name.clone());
        for (words, of) in &p.clauses {
            match words.as_str() {
                "FOR LOGIN" => login = of.as_ref().map(|l| l.text.clone()),
                "WITHOUT LOGIN" => login = None,
                other => return Err(SqlError::not_supported(format!("CREATE USER {other}")).into()),
            }
        }
        let sid = match &login {
            None => own_sid(NO_LOGIN),
            Some(login) => {
                let sid = self.sid_of_login(login)?;
                self.check_sid(&sid)?;
                sid
            }
        };
        let schema = setting(p, "DEFAULT_SCHEMA").unwrap_or_else(|| "dbo".to_owned());
        self.writer()?.add_principal(name, "S", Some(sid), Some(&schema), None)?;
        Ok(())
    }

    fn alter_user(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        let name = &p.name.text;
        let missing = || SqlError::new(15151, &[&"alter", &"user", name]);
        let (id, kind) = self.principal_id(name)?.ok_or_else(missing)?;
        if !matches!(kind.as_str(), "S" | "U" | "G") || !self.may(Securable::Principal(id), "AL")? {
            return Err(missing().into());
        }
        for o in &p.options {
            match o.name.as_str() {
                "NAME" => {
                    let new = setting(p, "NAME").unwrap_or_default();
                    if id <= 4 {
                        return Err(SqlError::new(15150, &[&"alter", &"user", name]).into());
                    }
                    self.rename_principal(id, &new)?;
                }
                "DEFAULT_SCHEMA" => {
                    let schema = setting(p, "DEFAULT_SCHEMA").unwrap_or_else(|| "dbo".to_owned());
                    self.writer()?.set_default_schema(id, &schema)?;
                }
                "LOGIN" => {
                    let sid = self.sid_of_login(&setting(p, "LOGIN").unwrap_or_default())?;
                    let model = self.database.security()?;
                    if model.user_of_sid(&sid).is_some_and(|u| u.id == id) {
                        continue;
                    }
                    self.check_sid(&sid)?;
                    self.writer()?.set_principal_sid(id, sid)?;
                }
                other => {
                    return Err(SqlError::not_supported(format!("ALTER USER … WITH {other}")).into());
                }
            }
        }
        Ok(())
    }

    fn create_role(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        let name = &p.name.text;
        if !self.may(Securable::Database, "CRRL")? {
            return Err(SqlError::new(15247, &[]).into());
        }
        if self.principal_id(name)?.is_some() {
            return Err(SqlError::new(15023, &[name]).into());
        }
        let owner = p.clauses.iter().find(|c| c.0 == "AUTHORIZATION").and_then(|c| c.1.as_ref());
        let owner = self.owner(owner)?;
        self.writer()?.add_principal(name, "R", Some(own_sid(ROLE)), None, Some(owner))?;
        Ok(())
    }

    fn alter_role(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        let name = &p.name.text;
        let missing = || Fail::Error(SqlError::new(15151, &[&"alter", &"role", name]));
        let (role, kind) = self.principal_id(name)?.ok_or_else(missing)?;
        // Members of fixed roles are the affair of the database's owners.
        let allowed = if is_fixed(role) {
            let token = self.runner.session.user_token(&self.database)?;
            token.is_dbo || token.is(DB_OWNER)
        } else {
            self.may(Securable::Principal(role), "AL")?
        };
        if kind != "R" || !allowed {
            return Err(missing());
        }
        let member_of = |words: &str| p.clauses.iter().find(|c| c.0 == words).and_then(|c| c.1.as_ref());
        for (words, verb) in [("ADD MEMBER", "add"), ("DROP MEMBER", "drop")] {
            let Some(member) = member_of(words) else { continue };
            let found = self.principal_id(&member.text)?;
            let (id, _) = found.ok_or_else(|| SqlError::new(15151, &[&verb, &"principal", &member.text]))?;
            if role == 0 {
                return Err(SqlError::with_text(
                    15081,
                    16,
                    "Membership of the public role cannot be changed.",
                )
                .into());
            }
            if matches!(id, 0 | DBO | 3 | 4) || is_fixed(id) {
                return Err(SqlError::new(15405, &[&member.text]).into());
            }
            if verb == "drop" {
                self.writer()?.remove_member(role, id)?;
            } else {
                if id == role || self.database.security()?.roles_of(role).contains(&id) {
                    let text = "Cannot make a role a member of itself.";
                    return Err(SqlError::with_text(15413, 11, text).into());
                }
                self.writer()?.add_member(role, id)?;
            }
            return Ok(());
        }
        if let Some(new) = setting(p, "NAME") {
            if is_fixed(role) || role == 0 {
                return Err(SqlError::new(15150, &[&"alter", &"role", name]).into());
            }
            return self.rename_principal(role, &new);
        }
        Err(SqlError::not_supported("This form of ALTER ROLE").into())
    }

    pub(super) fn rename_principal(&mut self, id: i32, new: &str) -> Result<(), Fail> {
        if self.principal_id(new)?.is_some_and(|p| p.0 != id) {
            return Err(SqlError::new(15023, &[&new]).into());
        }
        Ok(self.writer()?.rename_principal(id, new)?)
    }

    /// DROP USER and ROLE.
    pub fn drop_principal(&mut self, what: &str, text: &str, if_exists: bool) -> Result<(), Fail> {
        let missing = || SqlError::new(15151, &[&"drop", &what, &text]);
        let found = self.principal_id(text)?.filter(|f| match what {
            "role" => f.1 == "R",
            "application role" => f.1 == "A",
            _ => !matches!(f.1.as_str(), "R" | "A"),
        });
        let Some((id, _)) = found else {
            return if if_exists { Ok(()) } else { Err(missing().into()) };
        };
        if !self.may(Securable::Principal(id), "AL")? {
            return Err(missing().into());
        }
        if id < 5 || is_fixed(id) {
            return Err(SqlError::new(15150, &[&"drop", &what, &text]).into());
        }
        let writer = self.writer()?;
        let base = writer.base("syssingleobjrefs")?;
        let owns = |class: i64| -> SqlResult<bool> {
            let rows = writer.rows("syssingleobjrefs", &[class])?;
            Ok(rows.iter().any(|r| base.int(r, "indepid") == i64::from(id)))
        };
        if owns(50)? {
            return Err(SqlError::new(15138, &[&"schema"]).into());
        }
        if owns(97)? {
            let text = "The database principal owns objects in the database and cannot be dropped.";
            return Err(SqlError::with_text(15183, 16, text).into());
        }
        if owns(51)? {
            let text = "The database principal owns a database role and cannot be dropped.";
            return Err(SqlError::with_text(15421, 16, text).into());
        }
        if owns(i64::from(EXECUTES_AS))? {
            let text = "The database principal is set as the execution context of one or more procedures, functions, or event \
                        notifications and cannot be dropped.";
            return Err(SqlError::with_text(15136, 16, text).into());
        }
        if self.database.security()?.members_of(id).next().is_some() {
            return Err(SqlError::new(15144, &[]).into());
        }
        Ok(writer.remove_principal(id)?)
    }

    pub fn alter_authorization(
        &mut self,
        class: Option<&str>,
        name: &ObjectName,
        owner: &Ident,
    ) -> Result<(), Fail> {
        let text = &name.name.text;
        match class.map(str::to_ascii_uppercase).as_deref() {
            Some("SCHEMA") => {
                let missing = || SqlError::new(15151, &[&"find", &"schema", text]);
                let id = self.catalog()?.schema_number(text).ok_or_else(missing)?;
                self.may_take(Securable::Schema(id), missing)?;
                let owner = self.owner(Some(owner))?;
                Ok(self.writer()?.set_schema_owner(id, owner)?)
            }
            Some("ROLE") => {
                let missing = || SqlError::new(15151, &[&"find", &"role", text]);
                let (id, _) = self.principal_id(text)?.filter(|p| p.1 == "R").ok_or_else(missing)?;
                self.may_take(Securable::Principal(id), missing)?;
                let owner = self.owner(Some(owner))?;
                Ok(self.writer()?.set_role_owner(id, owner)?)
            }
            Some("OBJECT") | None => {
                let missing = || SqlError::new(15151, &[&"find", &"object", &shown(name)]);
                let (id, _) = self.find(name)?.ok_or_else(missing)?;
                self.may_take(Securable::Object(id), missing)?;
                let to_schema = owner.text.eq_ignore_ascii_case("SCHEMA OWNER");
                let owner = if to_schema { None } else { Some(self.owner(Some(owner))?) };
                let writer = self.writer()?;
                writer.delete_all("syssingleobjrefs", &[97, id.into()])?;
                match owner {
                    Some(owner) => Ok(writer.add_reference(97, (id, 0), (owner, 0))?),
                    None => Ok(()),
                }
            }
            Some("DATABASE") => {
                let missing = || SqlError::new(15151, &[&"find", &"database", text]);
                if matches!(self.database.id, MASTER | TEMPDB | MODEL) {
                    let text =
                        "Cannot change the owner of the master, model, tempdb or distribution database.";
                    return Err(SqlError::with_text(15_109, 16, text).into());
                }
                self.may_take(Securable::Database, missing)?;
                let sid = self
                    .sid_of_login(&owner.text)
                    .map_err(|_| SqlError::new(15151, &[&"find", &"principal", &owner.text]))?;
                // Whoever owns it is somebody in it: only who could be that login may say so.
                if !self.runner.session.may_impersonate_login(&owner.text) {
                    return Err(SqlError::new(15151, &[&"find", &"principal", &owner.text]).into());
                }
                let model = self.database.security()?;
                if model.user_of_sid(&sid).is_some_and(|u| u.id != DBO) {
                    return Err(SqlError::new(15110, &[]).into());
                }
                Ok(self.writer()?.set_principal_sid(DBO, sid)?)
            }
            Some(other) => Err(SqlError::not_supported(format!("ALTER AUTHORIZATION ON {other}")).into()),
        }
    }

    /// Whom a module will execute as: only somebody that its maker could be.
    pub fn execution_context(
        &self,
        principal: Option<&ExecuteAsPrincipal>,
        owner: i32,
    ) -> Result<Option<i32>, Fail> {
        let token = self.runner.session.user_token(&self.database)?;
        let may_be = |id: i32| -> Result<bool, Fail> {
            Ok(token.is_dbo || token.is(id) || self.may(Securable::Principal(id), "IM")?)
        };
        let refused = |name: &str| Fail::Error(SqlError::new(15151, &[&"find", &"user", &name]));
        match principal {
            None | Some(ExecuteAsPrincipal::Caller) => Ok(None),
            Some(ExecuteAsPrincipal::Self_) => Ok(Some(token.id)),
            Some(ExecuteAsPrincipal::Owner) => {
                if may_be(owner)? {
                    return Ok(Some(OWNER));
                }
                Err(refused(self.database.security()?.principal(owner).map_or("", |p| &p.name)))
            }
            Some(ExecuteAsPrincipal::User(e)) => {
                let name = super::table::word(e).unwrap_or_default();
                let found = self.principal_id(name)?.filter(|p| matches!(p.1.as_str(), "S" | "U"));
                match found {
                    Some((id, _)) if id != 3 && id != 4 && may_be(id)? => Ok(Some(id)),
                    _ => Err(refused(name)),
                }
            }
            Some(ExecuteAsPrincipal::Login(_)) => Err(SqlError::new(102, &[&"LOGIN"]).into()),
        }
    }

    /// The same for a module of the server: a login.
    pub fn login_context(&self, principal: Option<&ExecuteAsPrincipal>) -> Result<Option<i32>, Fail> {
        let session = &self.runner.session;
        match principal {
            None | Some(ExecuteAsPrincipal::Caller) => Ok(None),
            Some(ExecuteAsPrincipal::Self_) => Ok(session.security.login().map(|l| l.id)),
            Some(ExecuteAsPrincipal::User(e)) => {
                let name = super::table::word(e).unwrap_or_default();
                let id = session.host.logins.read().login(name).map(|l| l.id);
                let id = id.filter(|_| session.may_impersonate_login(name));
                Ok(Some(id.ok_or_else(|| SqlError::new(15151, &[&"find", &"login", &name]))?))
            }
            // Nobody owns what is of the server.
            Some(ExecuteAsPrincipal::Owner) => Err(SqlError::new(102, &[&"OWNER"]).into()),
            Some(ExecuteAsPrincipal::Login(_)) => Err(SqlError::new(102, &[&"LOGIN"]).into()),
        }
    }

    fn may_take(&self, on: Securable, missing: impl FnOnce() -> SqlError) -> Result<(), Fail> {
        if self.may(on, "TO")? { Ok(()) } else { Err(missing().into()) }
    }
}

pub(super) fn setting(p: &PrincipalStatement, wanted: &str) -> Option<String> {
    let found = p.options.iter().find(|o| o.name == wanted)?;
    found.value.as_ref().and_then(super::table::word).map(str::to_owned)
}
