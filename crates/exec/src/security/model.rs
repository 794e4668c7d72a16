//! Principals, members, owners and permissions of one database, read once per catalog snapshot from its own rows, and what
//! they come to for somebody.
//!
//! Invariants
//! 1. A DENY found anywhere from the object outwards refuses, whatever is granted elsewhere; only a column's GRANT stands
//!    against a DENY on its table, as in SQL Server. Owners are refused nothing on what they own.
//! 2. An object without an owner of its own belongs to its schema's owner; a schema without one, to dbo.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_types::{NameKey, SqlResult};

use super::permission::{DATABASE_ROLES, Level, covering};
use super::token::UserToken;
use crate::system_view::BaseRows;
use crate::system_view::model::CatalogModel;

pub const DBO: i32 = 1;
pub const GUEST: i32 = 2;
const PUBLIC: i32 = 0;
/// Classes of references: owner of a schema, of a role, of an object; member of a role.
const SCHEMA_OWNER: i32 = 50;
const ROLE_OWNER: i32 = 51;
const OBJECT_OWNER: i32 = 97;
const MEMBER: i32 = 25;

/// A user or role.
#[derive(Clone, Debug)]
pub struct Principal {
    pub id: i32,
    pub name: Arc<str>,
    /// S user, U and G Windows, R role, A application role.
    pub kind: Arc<str>,
    pub sid: Option<Arc<[u8]>>,
    pub default_schema: Option<Arc<str>>,
}

impl Principal {
    pub fn is_role(&self) -> bool {
        &*self.kind == "R"
    }
}

/// A row of sysprivs.
#[derive(Clone, Debug)]
pub struct Privilege {
    pub minor: i32,
    pub grantee: i32,
    pub grantor: i32,
    pub code: Arc<str>,
    /// G, W or D.
    pub state: char,
}

/// What a permission is asked for on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Securable {
    Database,
    Schema(i32),
    Object(i32),
    Column(i32, i32),
    Principal(i32),
    Type(i32),
}

/// See the file's head.
pub struct SecurityModel {
    principals: HashMap<i32, Principal>,
    by_name: HashMap<NameKey, i32>,
    /// Role and member.
    members: Vec<(i32, i32)>,
    privileges: HashMap<(i32, i32), Vec<Privilege>>,
    schema_owners: HashMap<i32, i32>,
    object_owners: HashMap<i32, i32>,
    role_owners: HashMap<i32, i32>,
    catalog: Arc<CatalogModel>,
}

impl SecurityModel {
    pub fn build(
        catalog: Arc<CatalogModel>,
        rows: &dyn Fn(&str) -> SqlResult<Arc<BaseRows>>,
    ) -> SqlResult<SecurityModel> {
        let mut principals = HashMap::new();
        let mut by_name = HashMap::new();
        for r in rows("sysowners")?.iter() {
            let p = Principal {
                id: r.int("id"),
                name: r.text("name"),
                kind: r.text("type").trim_end().into(),
                sid: r.bytes("sid").map(Arc::from),
                default_schema: r.optional_text("dfltsch").filter(|s| !s.is_empty()),
            };
            by_name.insert(catalog.names.key(&p.name), p.id);
            principals.insert(p.id, p);
        }
        let members = rows("sysmultiobjrefs")?
            .iter()
            .filter(|r| r.int("class") == MEMBER)
            .map(|r| (r.int("indepid"), r.int("depid")))
            .collect();
        let mut privileges: HashMap<(i32, i32), Vec<Privilege>> = HashMap::new();
        for r in rows("sysprivs")?.iter() {
            let p = Privilege {
                minor: r.int("subid"),
                grantee: r.int("grantee"),
                grantor: r.int("grantor"),
                code: r.text("type").trim_end().into(),
                state: r.text("state").chars().next().unwrap_or('G'),
            };
            privileges.entry((r.int("class"), r.int("id"))).or_default().push(p);
        }
        let owners = |class| -> HashMap<i32, i32> {
            let of_class = catalog.references.iter().filter(|r| r.class == class);
            of_class.map(|r| (r.dependent, r.independent)).collect()
        };
        Ok(SecurityModel {
            schema_owners: owners(SCHEMA_OWNER),
            object_owners: owners(OBJECT_OWNER),
            role_owners: owners(ROLE_OWNER),
            principals,
            by_name,
            members,
            privileges,
            catalog,
        })
    }

    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.principals.values()
    }

    pub fn principal(&self, id: i32) -> Option<&Principal> {
        self.principals.get(&id)
    }

    pub fn principal_named(&self, name: &str) -> Option<&Principal> {
        self.by_name.get(&self.catalog.names.key(name)).and_then(|id| self.principals.get(id))
    }

    pub fn user_of_sid(&self, sid: &[u8]) -> Option<&Principal> {
        self.principals.values().find(|p| !p.is_role() && p.sid.as_deref() == Some(sid))
    }

    /// The roles somebody is in, however deeply, `public` among them.
    pub fn roles_of(&self, id: i32) -> Vec<i32> {
        let mut found = vec![PUBLIC];
        if id == DBO {
            found.push(super::permission::DB_OWNER);
        }
        super::store::add_roles(&self.members, id, &mut found);
        found
    }

    /// Members that a role lists itself.
    pub fn members_of(&self, role: i32) -> impl Iterator<Item = i32> {
        self.members.iter().filter(move |m| m.0 == role).map(|m| m.1)
    }

    pub fn schema_of(&self, object: i32) -> Option<i32> {
        let found = self.catalog.object(object)?;
        // A constraint or trigger is where its table is.
        let parent = self.catalog.object(found.parent_id);
        Some(parent.map_or(found.schema_id, |p| p.schema_id))
    }

    pub fn schema_owner(&self, schema: i32) -> i32 {
        self.schema_owners.get(&schema).copied().unwrap_or(DBO)
    }

    pub fn role_owner(&self, role: i32) -> i32 {
        self.role_owners.get(&role).copied().unwrap_or(DBO)
    }

    /// A trigger on the database is in no schema and belongs to nobody: what it uses is its caller's affair.
    pub fn owns_nothing(&self, object: i32) -> bool {
        self.catalog.object(object).is_some_and(|o| !o.has_schema())
    }

    /// The owner of an object (invariant 2); dbo's for one that is not there.
    pub fn owner(&self, object: i32) -> i32 {
        if let Some(own) = self.object_owners.get(&object) {
            return *own;
        }
        if let Some(parent) = self.catalog.object(object).filter(|o| o.parent_id != 0).map(|o| o.parent_id)
            && let Some(own) = self.object_owners.get(&parent)
        {
            return *own;
        }
        self.schema_of(object).map_or(DBO, |s| self.schema_owner(s))
    }

    /// Rows of sysprivs on something.
    pub fn privileges_on(&self, class: i32, major: i32) -> &[Privilege] {
        self.privileges.get(&(class, major)).map_or(&[], Vec::as_slice)
    }

    /// Looks at one level. `Some(false)`: denied, `Some(true)`: granted.
    fn look(
        &self,
        token: &UserToken,
        (class, major): (i32, i32),
        minor: i32,
        level: Level,
        code: &'static str,
    ) -> Option<bool> {
        let rows = self.privileges_on(class, major);
        if rows.is_empty() {
            return None;
        }
        let codes = covering(level, code);
        let mut granted = None;
        for p in rows.iter().filter(|p| p.minor == minor && codes.contains(&&*p.code) && token.is(p.grantee))
        {
            match p.state {
                'D' => return Some(false),
                _ => granted = Some(true),
            }
        }
        granted
    }

    /// What the fixed roles say at the database.
    fn fixed_roles(token: &UserToken, code: &'static str) -> Option<bool> {
        let codes = covering(Level::Database, code);
        let mut granted = None;
        for (role, given, denied) in DATABASE_ROLES.iter().filter(|r| token.is(r.0)) {
            let _ = role;
            if denied.contains(&code) {
                return Some(false);
            }
            if given.iter().any(|g| codes.contains(g)) {
                granted = Some(true);
            }
        }
        granted
    }

    /// Whether somebody has a permission (invariant 1).
    pub fn has(&self, token: &UserToken, on: Securable, code: &'static str) -> bool {
        if token.is_dbo {
            return true;
        }
        let mut granted = false;
        let mut column_granted = false;
        let mut schema = None;
        let mut object = None;
        match on {
            Securable::Column(id, column) => {
                match self.look(token, (1, id), column, Level::Object, code) {
                    Some(false) => return false,
                    Some(true) => column_granted = true,
                    None => {}
                }
                object = Some(id);
            }
            Securable::Object(id) => object = Some(id),
            Securable::Schema(id) => schema = Some(id),
            Securable::Principal(id) => {
                match self.look(token, (4, id), 0, Level::Principal, code) {
                    Some(false) => return false,
                    found => granted |= found.is_some(),
                }
                if token.is(self.role_owner(id)) && self.principal(id).is_some_and(Principal::is_role) {
                    return true;
                }
            }
            Securable::Type(id) => match self.look(token, (6, id), 0, Level::Type, code) {
                Some(false) => return false,
                found => granted |= found.is_some(),
            },
            Securable::Database => {}
        }
        if let Some(id) = object {
            if token.is(self.owner(id)) {
                return true;
            }
            match self.look(token, (1, id), 0, Level::Object, code) {
                Some(false) if !column_granted => return false,
                found => granted |= found == Some(true),
            }
            schema = self.schema_of(id);
        }
        granted |= column_granted;
        if let Some(id) = schema {
            if token.is(self.schema_owner(id)) {
                return true;
            }
            match self.look(token, (3, id), 0, Level::Schema, code) {
                Some(false) => return false,
                found => granted |= found.is_some(),
            }
        }
        let wider = match on {
            // Users and roles are the affair of ALTER ANY USER and ALTER ANY ROLE.
            Securable::Principal(id) => match (self.principal(id), code) {
                (Some(p), "AL") if p.is_role() => "ALRL",
                (Some(p), "AL") if &*p.kind == "A" => "ALAR",
                (Some(_), "AL") => "ALUS",
                (_, code) => code,
            },
            _ => code,
        };
        match self.look(token, (0, 0), 0, Level::Database, wider) {
            Some(false) => return false,
            found => granted |= found.is_some(),
        }
        match Self::fixed_roles(token, wider) {
            Some(false) => return false,
            found => granted |= found.is_some(),
        }
        granted || token.login.as_ref().is_some_and(|l| l.has_in_databases(wider))
    }

    /// Whether somebody has some permission on an object or one of its columns: then its metadata are theirs to see.
    pub fn sees(&self, token: &UserToken, object: i32) -> bool {
        if token.is_dbo {
            return true;
        }
        let Some(found) = self.catalog.object(object) else { return true };
        if found.system {
            return true;
        }
        let id = if found.parent_id != 0 { found.parent_id } else { object };
        self.privileges_on(1, id).iter().any(|p| p.state != 'D' && token.is(p.grantee))
            || ["SL", "EX", "IN", "UP", "DL", "RF", "VW", "AL", "TO"]
                .iter()
                .any(|code| self.has(token, Securable::Object(id), code))
    }

    /// Whether somebody may grant a permission on: holds it WITH GRANT OPTION, controls what it is on, or keeps the database's
    /// security.
    pub fn may_grant(&self, token: &UserToken, on: Securable, code: &'static str) -> bool {
        if token.is_dbo || token.is(super::permission::SECURITY_ADMIN) || self.has(token, on, "CL") {
            return true;
        }
        let (class, major) = match on {
            Securable::Database => (0, 0),
            Securable::Schema(id) => (3, id),
            Securable::Object(id) | Securable::Column(id, _) => (1, id),
            Securable::Principal(id) => (4, id),
            Securable::Type(id) => (6, id),
        };
        self.privileges_on(class, major)
            .iter()
            .any(|p| p.state == 'W' && *p.code == *code && token.is(p.grantee))
    }

    /// A principal by name among those of a kind.
    pub fn find(&self, name: &str, role: bool) -> Option<&Principal> {
        self.principal_named(name).filter(|p| p.is_role() == role)
    }
}
