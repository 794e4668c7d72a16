//! Schemas, types, synonyms, users, roles, owners, permissions.

use holdfast_base::world::{Entropy, SystemEntropy};
use holdfast_tsql::ast::{
    CreateSchema, CreateType, CreateTypeKind, Ident, ObjectName, Permission, PermissionAction,
    PrincipalStatement, Statement, StatementKind,
};
use holdfast_types::{SqlError, SqlResult};

use super::{Definition, shown};
use crate::procedure::run::{Fail, Runner, Scope, next_run};

/// Permissions by name: the four letters of sysprivs.
const PERMISSIONS: &[(&str, &str)] = &[
    ("SELECT", "SL  "),
    ("INSERT", "IN  "),
    ("UPDATE", "UP  "),
    ("DELETE", "DL  "),
    ("EXECUTE", "EX  "),
    ("EXEC", "EX  "),
    ("REFERENCES", "RF  "),
    ("ALTER", "AL  "),
    ("CONTROL", "CL  "),
    ("TAKE OWNERSHIP", "TO  "),
    ("VIEW DEFINITION", "VW  "),
    ("VIEW CHANGE TRACKING", "VWCT"),
    ("CONNECT", "CO  "),
    ("RECEIVE", "RC  "),
    ("IMPERSONATE", "IM  "),
    ("CREATE TABLE", "CRTB"),
    ("CREATE VIEW", "CRVW"),
    ("CREATE PROCEDURE", "CRPR"),
    ("CREATE FUNCTION", "CRFN"),
    ("CREATE DEFAULT", "CRDF"),
    ("CREATE RULE", "CRRU"),
    ("CREATE SCHEMA", "CRSM"),
    ("CREATE ROLE", "CRRL"),
    ("CREATE TYPE", "CRTY"),
    ("CREATE SYNONYM", "CRSN"),
    ("BACKUP DATABASE", "BADB"),
    ("BACKUP LOG", "BALO"),
    ("VIEW DATABASE STATE", "VWDS"),
    ("SHOWPLAN", "SPLN"),
];

/// What ALL stands for on an object.
const ALL_ON_TABLE: &[&str] = &["SL  ", "IN  ", "UP  ", "DL  ", "RF  "];

impl Definition<'_, '_> {
    /// A principal's id by name.
    fn principal_id(&self, name: &str) -> SqlResult<Option<(i32, String)>> {
        let writer = self.writer()?;
        let base = writer.base("sysowners")?;
        let rows = writer.rows("sysowners", &[])?;
        Ok(rows
            .iter()
            .find(|r| base.text(r, "name").eq_ignore_ascii_case(name))
            .map(|r| (base.int(r, "id") as i32, base.text(r, "type").trim_end().to_owned())))
    }

    fn owner(&self, name: Option<&Ident>) -> Result<i32, Fail> {
        let Some(n) = name else { return Ok(1) };
        match self.principal_id(&n.text)? {
            Some((id, _)) => Ok(id),
            None => Err(SqlError::new(15151, &[&"find", &"user", &n.text]).into()),
        }
    }

    pub fn create_schema(&mut self, s: &CreateSchema) -> Result<(), Fail> {
        let name = match (&s.name, &s.owner) {
            (Some(n), _) => n.text.clone(),
            (None, Some(o)) => o.text.clone(),
            (None, None) => return Err(SqlError::new(102, &[&"SCHEMA"]).into()),
        };
        let name = name.as_str();
        if self.catalog()?.schema_number(name).is_some() {
            return Err(SqlError::new(2714, &[&name]).state(6).into());
        }
        let owner = self.owner(s.owner.as_ref())?;
        self.writer()?.add_schema(name, owner)?;
        if s.elements.is_empty() {
            return Ok(());
        }
        self.refresh()?;
        for e in &s.elements {
            self.element(name, e)?;
        }
        Ok(())
    }

    /// CREATE TABLE or VIEW inside CREATE SCHEMA.
    fn element(&mut self, schema: &str, e: &Statement) -> Result<(), Fail> {
        let StatementKind::Ddl(d) = &e.kind else {
            return Err(SqlError::not_supported("This statement inside CREATE SCHEMA").into());
        };
        let in_schema = |name: &ObjectName| {
            let mut n = name.clone();
            n.schema.get_or_insert_with(|| Ident::new(schema));
            n
        };
        match &**d {
            holdfast_tsql::ast::Ddl::CreateTable(t) => {
                let mut t = t.clone();
                t.name = in_schema(&t.name);
                self.create_table(&t)?;
            }
            holdfast_tsql::ast::Ddl::CreateView(v) => {
                let mut v = v.clone();
                v.name = in_schema(&v.name);
                self.create_view(&v)?;
            }
            other => {
                return Err(SqlError::not_supported(format!("{} inside CREATE SCHEMA", other.name())).into());
            }
        }
        Ok(self.refresh()?)
    }

    pub fn create_type(&mut self, t: &CreateType) -> Result<(), Fail> {
        let schema = self.schema_of(&t.name)?;
        let catalog = self.catalog()?;
        let schema_name = catalog.schema_name(schema);
        if catalog.type_named(Some(&schema_name), &t.name.name.text).is_some() {
            let text = format!(
                "The type '{}' already exists, or you do not have permission to create it.",
                shown(&t.name)
            );
            return Err(SqlError::with_text(219, 16, text).into());
        }
        match &t.kind {
            CreateTypeKind::Alias { base, nullable } => {
                let (ty, _, user_type) = self.resolve(base)?;
                if user_type > 256 {
                    return Err(SqlError::not_supported("An alias of an alias type").into());
                }
                let null = nullable.unwrap_or(true);
                self.writer()?.add_alias_type(schema, &t.name.name.text, &ty, null)?;
                Ok(())
            }
            CreateTypeKind::Table { .. } => Err(SqlError::not_supported("CREATE TYPE AS TABLE").into()),
            CreateTypeKind::External(_) => Err(SqlError::not_supported("CREATE TYPE of an assembly").into()),
        }
    }

    pub fn create_synonym(&mut self, name: &ObjectName, target: &ObjectName) -> Result<(), Fail> {
        let schema = self.schema_of(name)?;
        let parts =
            [target.server.as_ref(), target.database.as_ref(), target.schema.as_ref(), Some(&target.name)];
        let text: Vec<String> =
            parts.into_iter().flatten().map(|p| format!("[{}]", p.text.replace(']', "]]"))).collect();
        let writer = self.writer()?;
        writer.check_free(schema, &name.name.text)?;
        writer.add_synonym(schema, &name.name.text, &text.join("."))?;
        Ok(())
    }

    /// CREATE and ALTER USER and ROLE.
    pub fn principal(&mut self, p: &PrincipalStatement) -> Result<(), Fail> {
        let name = &p.name.text;
        let clause = |words: &str| {
            p.clauses
                .iter()
                .find(|c| c.0.eq_ignore_ascii_case(words))
                .map(|c| c.1.as_ref().map(|i| i.text.clone()))
        };
        let setting = |wanted: &str| {
            p.options
                .iter()
                .find(|o| o.name == wanted)
                .and_then(|o| o.value.as_ref())
                .and_then(super::table::word)
                .map(str::to_owned)
        };
        match (p.action, p.kind) {
            ("CREATE", "USER") => {
                if self.principal_id(name)?.is_some() {
                    return Err(SqlError::new(15023, &[name]).into());
                }
                let login = p
                    .clauses
                    .iter()
                    .find(|c| c.0.to_ascii_uppercase().ends_with("LOGIN") && c.1.is_some())
                    .and_then(|c| c.1.as_ref())
                    .map_or_else(|| name.clone(), |l| l.text.clone());
                let without = clause("WITHOUT LOGIN").is_some();
                let sid = if without {
                    // S-1-9-3-…, as the server gives users of no login.
                    [&[1, 5, 0, 0, 0, 0, 0, 9, 3, 0, 0, 0][..], &SystemEntropy.guid()].concat()
                } else {
                    let logins = self.runner.session.host.logins();
                    let found = logins.iter().find(|l| l.name.eq_ignore_ascii_case(&login));
                    let found = found.ok_or_else(|| SqlError::new(15007, &[&login]))?;
                    found.sid.to_vec()
                };
                let schema = setting("DEFAULT_SCHEMA").unwrap_or_else(|| "dbo".to_owned());
                self.writer()?.add_principal(name, "S", Some(sid), Some(&schema), None)?;
                Ok(())
            }
            ("CREATE", "ROLE") => {
                if self.principal_id(name)?.is_some() {
                    return Err(SqlError::new(15023, &[name]).into());
                }
                let owner = clause("AUTHORIZATION").flatten().map(Ident::new);
                let owner = self.owner(owner.as_ref())?;
                // S-1-9-4-…
                let sid = [&[1, 5, 0, 0, 0, 0, 0, 9, 4, 0, 0, 0][..], &SystemEntropy.guid()].concat();
                self.writer()?.add_principal(name, "R", Some(sid), None, Some(owner))?;
                Ok(())
            }
            ("ALTER", "ROLE") => {
                let missing = |kind: &str, n: &str| Fail::Error(SqlError::new(15151, &[&"alter", &kind, &n]));
                let (role, kind) = self.principal_id(name)?.ok_or_else(|| missing("role", name))?;
                if kind != "R" {
                    return Err(missing("role", name));
                }
                if let Some(Some(member)) = clause("ADD MEMBER") {
                    let (id, _) = self
                        .principal_id(&member)?
                        .ok_or_else(|| SqlError::new(15151, &[&"add", &"principal", &member]))?;
                    return Ok(self.writer()?.add_member(role, id)?);
                }
                if let Some(Some(member)) = clause("DROP MEMBER") {
                    let (id, _) = self
                        .principal_id(&member)?
                        .ok_or_else(|| SqlError::new(15151, &[&"drop", &"principal", &member]))?;
                    self.writer()?.remove_member(role, id)?;
                    return Ok(());
                }
                if let Some(new) = setting("NAME") {
                    return self.rename_principal(role, &new);
                }
                Err(SqlError::not_supported("This form of ALTER ROLE").into())
            }
            ("ALTER", "USER") => {
                let (id, _) = self
                    .principal_id(name)?
                    .ok_or_else(|| SqlError::new(15151, &[&"alter", &"user", name]))?;
                if let Some(new) = setting("NAME") {
                    self.rename_principal(id, &new)?;
                }
                if let Some(schema) = setting("DEFAULT_SCHEMA") {
                    self.writer()?.set_default_schema(id, &schema)?;
                }
                if let Some(login) = setting("LOGIN") {
                    let logins = self.runner.session.host.logins();
                    let found = logins.iter().find(|l| l.name.eq_ignore_ascii_case(&login));
                    let found = found.ok_or_else(|| SqlError::new(15007, &[&login]))?;
                    self.writer()?.set_principal_sid(id, found.sid.to_vec())?;
                }
                Ok(())
            }
            _ => Err(SqlError::not_supported(format!("{} {}", p.action, p.kind)).into()),
        }
    }

    fn rename_principal(&mut self, id: i32, new: &str) -> Result<(), Fail> {
        if self.principal_id(new)?.is_some() {
            return Err(SqlError::new(15023, &[&new]).into());
        }
        Ok(self.writer()?.rename_principal(id, new)?)
    }

    pub fn alter_authorization(
        &mut self,
        class: Option<&str>,
        name: &ObjectName,
        owner: &Ident,
    ) -> Result<(), Fail> {
        let owner = self.owner(Some(owner))?;
        match class.map(str::to_ascii_uppercase).as_deref() {
            Some("SCHEMA") => {
                let id = self
                    .catalog()?
                    .schema_number(&name.name.text)
                    .ok_or_else(|| SqlError::new(15151, &[&"alter", &"schema", &name.name.text]))?;
                Ok(self.writer()?.set_schema_owner(id, owner)?)
            }
            Some("OBJECT") | None => {
                let (id, _) = self
                    .find(name)?
                    .ok_or_else(|| SqlError::new(15151, &[&"alter", &"object", &shown(name)]))?;
                let writer = self.writer()?;
                writer.delete_all("syssingleobjrefs", &[97, id.into()])?;
                Ok(writer.add_reference(97, (id, 0), (owner, 0))?)
            }
            Some(other) => Err(SqlError::not_supported(format!("ALTER AUTHORIZATION ON {other}")).into()),
        }
    }

    /// ALTER SCHEMA s TRANSFER o.
    pub fn alter_schema(&mut self, schema: &Ident, object: &ObjectName) -> Result<(), Fail> {
        let to = self
            .catalog()?
            .schema_number(&schema.text)
            .ok_or_else(|| SqlError::new(15151, &[&"alter", &"schema", &schema.text]))?;
        let (id, _) =
            self.find(object)?.ok_or_else(|| SqlError::new(15151, &[&"find", &"object", &shown(object)]))?;
        self.writer()?.check_free(to, &object.name.text)?;
        let mut all = vec![id];
        all.extend(self.catalog()?.objects().iter().filter(|o| o.parent_id == id).map(|o| o.id));
        for id in all {
            self.writer()?.set_schema(id, to)?;
        }
        Ok(())
    }

    /// DROP SCHEMA, TYPE, USER, ROLE.
    pub fn drop_other(&mut self, kind: &str, name: &ObjectName, if_exists: bool) -> Result<(), Fail> {
        let text = &name.name.text;
        let missing = |what: &str| {
            if if_exists { Ok(()) } else { Err(Fail::Error(SqlError::new(15151, &[&"drop", &what, text]))) }
        };
        let catalog = self.catalog()?;
        match kind {
            "SCHEMA" => {
                let Some(id) = catalog.schema_number(text) else { return missing("schema") };
                if id <= 4 || (16_384..16_400).contains(&id) {
                    return Err(SqlError::new(15150, &[&"drop", &"schema", text]).into());
                }
                if let Some(o) = catalog.objects().into_iter().find(|o| o.schema_id == id) {
                    return Err(SqlError::new(3729, &[&"drop schema", text, &o.name]).into());
                }
                Ok(self.writer()?.remove_schema(id)?)
            }
            "TYPE" => {
                let schema = name.schema.as_ref().map(|s| s.text.as_str());
                let found = catalog.type_named(schema, text).filter(|t| t.0 > 256);
                let Some((id, _, _)) = found else {
                    return if if_exists { Ok(()) } else { Err(SqlError::new(218, &[text]).into()) };
                };
                let writer = self.writer()?;
                if let Some(by) = writer.type_is_used(id)? {
                    let by = catalog.object_row(by).map_or_else(String::new, |o| o.name.to_string());
                    return Err(SqlError::new(3732, &[&shown(name), &by]).into());
                }
                writer.delete_all("sysscalartypes", &[id.into()])?;
                writer.delete_all("sysxprops", &[6, id.into()])?;
                Ok(())
            }
            _ => {
                let what = if kind == "USER" { "user" } else { "role" };
                let Some((id, _)) = self.principal_id(text)? else { return missing(what) };
                if id < 5 || (16_384..16_400).contains(&id) {
                    return Err(SqlError::new(15150, &[&"drop", &what, text]).into());
                }
                let writer = self.writer()?;
                let base = writer.base("syssingleobjrefs")?;
                let owns = writer
                    .rows("syssingleobjrefs", &[50])?
                    .iter()
                    .any(|r| base.int(r, "indepid") == i64::from(id));
                if owns {
                    return Err(SqlError::new(15138, &[&"schema"]).into());
                }
                let members = writer.base("sysmultiobjrefs")?;
                let has_members = writer
                    .rows("sysmultiobjrefs", &[25])?
                    .iter()
                    .any(|r| members.int(r, "indepid") == i64::from(id));
                if has_members {
                    return Err(SqlError::new(15144, &[]).into());
                }
                Ok(writer.remove_principal(id)?)
            }
        }
    }

    /// GRANT, DENY, REVOKE.
    fn permission(&mut self, p: &Permission) -> Result<(), Fail> {
        let class = p.class.as_deref().map(str::to_ascii_uppercase);
        let not_found = |what: &str, n: &str| Fail::Error(SqlError::new(15151, &[&"find", &what, &n]));
        let on = match (&p.securable, class.as_deref()) {
            (None, _) | (Some(_), Some("DATABASE")) => (0, 0),
            (Some(n), Some("SCHEMA")) => {
                let id = self.catalog()?.schema_number(&n.name.text);
                (3, id.ok_or_else(|| not_found("schema", &n.name.text))?)
            }
            (Some(n), Some("USER" | "ROLE")) => {
                let id = self.principal_id(&n.name.text)?;
                (4, id.ok_or_else(|| not_found("user", &n.name.text))?.0)
            }
            (Some(n), Some("TYPE")) => {
                let schema = n.schema.as_ref().map(|s| s.text.as_str());
                let found = self.catalog()?.type_named(schema, &n.name.text);
                (6, found.ok_or_else(|| not_found("type", &n.name.text))?.0)
            }
            (Some(n), Some("OBJECT") | None) => {
                let found = self.find(n)?;
                (1, found.ok_or_else(|| not_found("object", &n.name.text))?.0)
            }
            (Some(_), Some(other)) => {
                return Err(SqlError::not_supported(format!("Permissions on {other}")).into());
            }
        };
        let mut kinds: Vec<(&str, Vec<Ident>)> = Vec::new();
        for (name, columns) in &p.permissions {
            let columns = if columns.is_empty() { p.columns.clone() } else { columns.clone() };
            if name == "ALL" || name == "ALL PRIVILEGES" {
                kinds.extend(ALL_ON_TABLE.iter().map(|k| (*k, columns.clone())));
                continue;
            }
            let found = PERMISSIONS.iter().find(|k| k.0 == name);
            let found = found.ok_or_else(|| SqlError::not_supported(format!("The permission {name}")))?;
            kinds.push((found.1, columns));
        }
        for grantee in &p.principals {
            let (id, _) =
                self.principal_id(&grantee.text)?.ok_or_else(|| not_found("user", &grantee.text))?;
            for (kind, columns) in &kinds {
                let mut places = Vec::new();
                if columns.is_empty() {
                    places.push(0);
                }
                for c in columns {
                    let table = self.catalog()?.table(on.1)?;
                    let found = table.as_ref().and_then(|t| {
                        t.columns.iter().find(|x| x.name.eq_ignore_ascii_case(&c.text)).map(|x| x.column_id)
                    });
                    places.push(found.ok_or_else(|| SqlError::new(1020, &[]))?);
                }
                for place in places {
                    let on = (on.0, on.1, place);
                    let writer = self.writer()?;
                    match p.action {
                        PermissionAction::Revoke if p.grant_option_for => {
                            writer.add_permission(on, id, 1, kind, "G")?;
                        }
                        PermissionAction::Revoke => writer.remove_permission(on, id, kind)?,
                        PermissionAction::Deny => writer.add_permission(on, id, 1, kind, "D")?,
                        PermissionAction::Grant => {
                            let state = if p.with_grant_option { "W" } else { "G" };
                            writer.add_permission(on, id, 1, kind, state)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl Runner<'_> {
    /// GRANT, DENY and REVOKE in a database.
    pub fn permit(&mut self, p: &Permission, statement: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        let database = self.session.current_database();
        self.defining(&database, statement, scope, |work| work.permission(p))?;
        scope.run = next_run();
        self.plain_done(0)
    }
}
