//! Schemas, database principals, permissions, extended properties in the catalog.
//!
//! Evidence: rows of genuine databases; role members and owners are rows of syssingleobjrefs and sysmultiobjrefs.

use holdfast_types::{SqlResult, SqlType, Value};

use super::rows::{CatalogWriter, Cell};

/// First id of a user's own principal, and of a user's own schema.
const FIRST: i32 = 5;
/// Ids from here on are fixed roles'.
const FIXED: i32 = 16_384;
/// Reference class: owner of a schema, of a role.
const SCHEMA_OWNER: i32 = 50;
const ROLE_OWNER: i32 = 51;
/// Reference class: whom a module executes as; -2 is its owner (assumed: no genuine module at hand has one).
const EXECUTES_AS: i32 = 22;
/// Multi-reference class: a member (dependent) of a role.
const ROLE_MEMBER: i32 = 25;

impl CatalogWriter<'_> {
    fn free_id(&self, table: &str, prefix: &[i64], column: &str) -> SqlResult<i32> {
        self.hold_ids(table)?;
        let base = self.base(table)?;
        let used: Vec<i64> = self.rows(table, prefix)?.iter().map(|r| base.int(r, column)).collect();
        Ok((FIRST..FIXED)
            .chain(FIXED + 100..i32::MAX)
            .find(|i| !used.contains(&i64::from(*i)))
            .unwrap_or(i32::MAX))
    }

    /// Enters a schema. Answers its id.
    pub fn add_schema(&self, name: &str, owner: i32) -> SqlResult<i32> {
        let id = self.free_id("sysclsobjs", &[50], "id")?;
        self.insert(
            "sysclsobjs",
            &[
                ("class", 50.into()),
                ("id", id.into()),
                ("name", name.into()),
                ("status", 0.into()),
                ("type", "\0\0".into()),
                ("intprop", 0.into()),
                ("created", Cell::Moment(self.now)),
                ("modified", Cell::Moment(self.now)),
            ],
        )?;
        self.add_reference(SCHEMA_OWNER, (id, 0), (owner, 0))?;
        Ok(id)
    }

    pub fn remove_schema(&self, id: i32) -> SqlResult<()> {
        self.delete_all("sysclsobjs", &[50, id.into()])?;
        self.delete_all("syssingleobjrefs", &[SCHEMA_OWNER.into(), id.into()])?;
        self.delete_all("sysprivs", &[3, id.into()])?;
        self.delete_all("sysxprops", &[3, id.into()])?;
        Ok(())
    }

    pub fn set_schema_owner(&self, id: i32, owner: i32) -> SqlResult<()> {
        self.delete_all("syssingleobjrefs", &[SCHEMA_OWNER.into(), id.into()])?;
        self.add_reference(SCHEMA_OWNER, (id, 0), (owner, 0))
    }

    pub fn set_role_owner(&self, id: i32, owner: i32) -> SqlResult<()> {
        self.delete_all("syssingleobjrefs", &[ROLE_OWNER.into(), id.into()])?;
        self.add_reference(ROLE_OWNER, (id, 0), (owner, 0))
    }

    /// WITH EXECUTE AS of a module; `None` is its caller.
    pub fn set_execution_context(&self, module: i32, principal: Option<i32>) -> SqlResult<()> {
        self.delete_all("syssingleobjrefs", &[EXECUTES_AS.into(), module.into()])?;
        match principal {
            Some(id) => self.add_reference(EXECUTES_AS, (module, 0), (id, 0)),
            None => Ok(()),
        }
    }

    /// Enters a user (`S`), role (`R`) or application role (`A`). Answers its id.
    pub fn add_principal(
        &self,
        name: &str,
        kind: &str,
        sid: Option<Vec<u8>>,
        default_schema: Option<&str>,
        owner: Option<i32>,
    ) -> SqlResult<i32> {
        let id = self.free_id("sysowners", &[], "id")?;
        self.insert(
            "sysowners",
            &[
                ("id", id.into()),
                ("name", name.into()),
                ("type", kind.into()),
                ("sid", sid.map_or(Cell::Null, Cell::Bytes)),
                ("dfltsch", default_schema.map_or(Cell::Null, Cell::Text)),
                ("status", 0.into()),
                ("created", Cell::Moment(self.now)),
                ("modified", Cell::Moment(self.now)),
            ],
        )?;
        if let Some(owner) = owner {
            self.add_reference(ROLE_OWNER, (id, 0), (owner, 0))?;
        }
        if kind == "S" || kind == "U" {
            // CONNECT.
            self.add_permission((0, 0, 0), id, 1, "CO  ", "G")?;
        }
        Ok(id)
    }

    pub fn rename_principal(&self, id: i32, name: &str) -> SqlResult<()> {
        let (name, now) = (name.to_owned(), self.now);
        self.update("sysowners", &[id.into()], &|_, _| true, &|_, _| {
            vec![("name", Cell::Owned(name.clone())), ("modified", Cell::Moment(now))]
        })
        .map(|_| ())
    }

    pub fn set_default_schema(&self, id: i32, schema: &str) -> SqlResult<()> {
        let schema = schema.to_owned();
        self.update("sysowners", &[id.into()], &|_, _| true, &|_, _| {
            vec![("dfltsch", Cell::Owned(schema.clone()))]
        })
        .map(|_| ())
    }

    pub fn set_principal_sid(&self, id: i32, sid: Vec<u8>) -> SqlResult<()> {
        self.update("sysowners", &[id.into()], &|_, _| true, &|_, _| vec![("sid", Cell::Bytes(sid.clone()))])
            .map(|_| ())
    }

    /// Moves an object to another schema.
    pub fn set_schema(&self, object: i32, schema: i32) -> SqlResult<()> {
        let now = self.now;
        self.update("sysschobjs", &[object.into()], &|_, _| true, &|_, _| {
            vec![("nsid", schema.into()), ("modified", Cell::Moment(now))]
        })
        .map(|_| ())
    }

    /// Gives an object, column or index another name.
    pub fn rename(
        &self,
        table: &'static str,
        key: &[i64],
        column: &'static str,
        name: &str,
    ) -> SqlResult<usize> {
        let name = name.to_owned();
        self.update(table, key, &|_, _| true, &|_, _| vec![(column, Cell::Owned(name.clone()))])
    }

    pub fn remove_principal(&self, id: i32) -> SqlResult<()> {
        self.delete_all("sysowners", &[id.into()])?;
        self.delete_all("syssingleobjrefs", &[ROLE_OWNER.into(), id.into()])?;
        self.delete("sysmultiobjrefs", &[ROLE_MEMBER.into()], &|b, r| {
            b.int(r, "depid") == i64::from(id) || b.int(r, "indepid") == i64::from(id)
        })?;
        self.delete("sysprivs", &[], &|b, r| b.int(r, "grantee") == i64::from(id))?;
        self.delete_all("sysxprops", &[4, id.into()])?;
        Ok(())
    }

    /// Makes a principal a member of a role.
    pub fn add_member(&self, role: i32, member: i32) -> SqlResult<()> {
        let key = [ROLE_MEMBER.into(), i64::from(member), 0, i64::from(role), 0];
        if self.rows("sysmultiobjrefs", &key)?.is_empty() {
            self.add_dependency(ROLE_MEMBER, member, (role, 0))?;
        }
        Ok(())
    }

    pub fn remove_member(&self, role: i32, member: i32) -> SqlResult<bool> {
        let key = [ROLE_MEMBER.into(), i64::from(member), 0, i64::from(role), 0];
        Ok(!self.delete_all("sysmultiobjrefs", &key)?.is_empty())
    }

    /// Sets a permission: state G, D or W; what there was of that kind is replaced.
    pub fn add_permission(
        &self,
        on: (i32, i32, i32),
        grantee: i32,
        grantor: i32,
        kind: &str,
        state: &str,
    ) -> SqlResult<()> {
        self.remove_permission(on, grantee, kind)?;
        self.insert(
            "sysprivs",
            &[
                ("class", on.0.into()),
                ("id", on.1.into()),
                ("subid", on.2.into()),
                ("grantee", grantee.into()),
                ("grantor", grantor.into()),
                ("type", kind.into()),
                ("state", state.into()),
            ],
        )
    }

    pub fn remove_permission(&self, on: (i32, i32, i32), grantee: i32, kind: &str) -> SqlResult<()> {
        let key = [i64::from(on.0), i64::from(on.1), i64::from(on.2), i64::from(grantee)];
        self.delete("sysprivs", &key, &|b, r| b.text(r, "type").trim_end() == kind.trim_end()).map(|_| ())
    }

    /// Sets an extended property; `None` removes it. Answers whether it was there before.
    pub fn set_property(
        &self,
        on: (i32, i32, i32),
        name: &str,
        value: Option<(SqlType, Value)>,
    ) -> SqlResult<bool> {
        let key = [i64::from(on.0), i64::from(on.1), i64::from(on.2)];
        let names = crate::catalog::Catalog::names(&*self.catalog);
        let there = !self.delete("sysxprops", &key, &|b, r| names.same(&b.text(r, "name"), name))?.is_empty();
        if let Some((ty, value)) = value {
            let value = if value.is_null() { Cell::Null } else { Cell::Variant(ty, value) };
            self.insert(
                "sysxprops",
                &[
                    ("class", on.0.into()),
                    ("id", on.1.into()),
                    ("subid", on.2.into()),
                    ("name", name.into()),
                    ("value", value),
                ],
            )?;
        }
        Ok(there)
    }
}
