//! Principals, roles, permissions, schemas.

use std::sync::Arc;

use holdfast_types::{DateTime, SqlResult, Value};

use super::{SystemView, ViewContext, row};
use crate::security::store::ServerPermission;
use crate::security::{Reader, permission, store};

type Rows = SqlResult<Vec<Vec<Value>>>;

const SERVER_PRINCIPALS: &str = "name sysname!, principal_id int!, sid varbinary(85), type code(1)!, type_desc desc, is_disabled bit, create_date datetime!, modify_date datetime!, default_database_name sysname, default_language_name sysname, credential_id int, owning_principal_id int, is_fixed_role bit!";

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.schemas",
        columns: "name sysname!, schema_id int!, principal_id int",
        rows: |c| Ok(c.model.schemas.iter().map(|s| row![&s.1, s.0, s.2]).collect()),
    },
    SystemView {
        name: "sys.database_principals",
        columns: "name sysname!, principal_id int!, type code(1)!, type_desc desc, default_schema_name sysname, create_date datetime!, modify_date datetime!, owning_principal_id int, sid varbinary(85), is_fixed_role bit!, authentication_type int!, authentication_type_desc desc, default_language_name sysname, default_language_lcid int, allow_encrypted_value_modifications bit!",
        rows: database_principals,
    },
    SystemView {
        name: "sys.database_role_members",
        columns: "role_principal_id int!, member_principal_id int!",
        rows: role_members,
    },
    SystemView {
        name: "sys.database_permissions",
        columns: "class tinyint!, class_desc desc, major_id int!, minor_id int!, grantee_principal_id int!, grantor_principal_id int!, type code(4)!, permission_name nvarchar(128), state code(1)!, state_desc desc",
        rows: permissions,
    },
    SystemView { name: "sys.server_principals", columns: SERVER_PRINCIPALS, rows: server_principals },
    SystemView {
        name: "sys.sql_logins",
        columns: "name sysname!, principal_id int!, sid varbinary(85), type code(1)!, type_desc desc, is_disabled bit, create_date datetime!, modify_date datetime!, default_database_name sysname, default_language_name sysname, credential_id int, is_policy_checked bit, is_expiration_checked bit, password_hash varbinary(256)",
        rows: sql_logins,
    },
    SystemView {
        name: "sys.server_role_members",
        columns: "role_principal_id int!, member_principal_id int!",
        rows: |c| {
            let sa = [row![store::SYSADMIN, store::SA]];
            let others = c.source.principals();
            Ok(sa.into_iter().chain(others.members.iter().map(|m| row![m.0, m.1])).collect())
        },
    },
    SystemView {
        name: "sys.server_permissions",
        columns: "class tinyint!, class_desc desc, major_id int!, minor_id int!, grantee_principal_id int!, grantor_principal_id int!, type code(4)!, permission_name nvarchar(128), state code(1)!, state_desc desc",
        rows: server_permissions,
    },
    SystemView {
        name: "sys.login_token",
        columns: "principal_id int, sid varbinary(85), name nvarchar(128), type nvarchar(128), usage nvarchar(128)",
        rows: |c| {
            let Some(login) = c.reader.as_ref().and_then(Reader::login) else { return Ok(Vec::new()) };
            let own = row![login.id, Arc::clone(&login.sid), &login.name, "SQL LOGIN", "GRANT OR DENY"];
            let principals = c.source.principals();
            let roles = login.roles.iter().map(|r| {
                let name = principals.name_of(*r).unwrap_or_default();
                row![*r, [*r as u8].as_slice(), name, "SERVER ROLE", "GRANT OR DENY"]
            });
            Ok([own].into_iter().chain(roles).collect())
        },
    },
    SystemView {
        name: "sys.user_token",
        columns: "principal_id int, sid varbinary(85), name nvarchar(128), type nvarchar(128), usage nvarchar(128)",
        rows: |c| {
            let Some(reader) = &c.reader else { return Ok(Vec::new()) };
            let token = reader.user()?;
            let owners = c.source.base_rows("sysowners")?;
            let mine = owners.iter().filter(|r| token.is(r.int("id")));
            Ok(mine
                .map(|r| {
                    let kind = match r.text("type").trim_end() {
                        "R" => "ROLE",
                        "A" => "APPLICATION ROLE",
                        _ => "SQL USER",
                    };
                    row![r.int("id"), r.bytes("sid"), r.text("name"), kind, "GRANT OR DENY"]
                })
                .collect())
        },
    },
];

fn database_principals(c: &ViewContext<'_>) -> Rows {
    let owners = c.source.base_rows("sysowners")?;
    Ok(owners
        .iter()
        .map(|r| {
            let id = r.int("id");
            let kind = r.text("type");
            let kind = kind.trim_end();
            let description = match kind {
                "R" => "DATABASE_ROLE",
                "S" => "SQL_USER",
                "U" => "WINDOWS_USER",
                "G" => "WINDOWS_GROUP",
                "A" => "APPLICATION_ROLE",
                "C" => "CERTIFICATE_MAPPED_USER",
                "K" => "ASYMMETRIC_KEY_MAPPED_USER",
                _ => "EXTERNAL_USER",
            };
            // Users WITHOUT LOGIN have SIDs of a kind of their own.
            let alone = r.bytes("sid").is_some_and(|s| s.starts_with(&[1, 5, 0, 0, 0, 0, 0, 9, 3, 0, 0, 0]));
            let authentication = match kind {
                "S" if alone => (0, "NONE"),
                "S" if id > 4 || id == 1 => (1, "INSTANCE"),
                "U" | "G" => (3, "WINDOWS"),
                _ => (0, "NONE"),
            };
            let owner = c.model.references_of(51, id).next().map(|x| x.independent);
            let fixed = (16384..16400).contains(&id);
            row![
                r.text("name"),
                id,
                kind,
                description,
                r.optional_text("dfltsch"),
                r.datetime("created"),
                r.datetime("modified"),
                if kind == "R" { Some(owner.unwrap_or(1)) } else { None },
                r.bytes("sid"),
                fixed,
                authentication.0,
                authentication.1,
                Value::Null,
                Value::Null,
                false
            ]
        })
        .collect())
}

/// Role membership: syssingleobjrefs/sysmultiobjrefs hold none of it; it is class 25 rows of sysmultiobjrefs where present
/// (assumed); dbo's membership of db_owner is fixed.
pub(super) fn role_members(c: &ViewContext<'_>) -> Rows {
    let mut rows = vec![row![16384, 1]];
    for r in c.source.base_rows("sysmultiobjrefs")?.iter().filter(|r| r.int("class") == 25) {
        let (role, member) = (r.int("indepid"), r.int("depid"));
        if (role, member) != (16384, 1) {
            rows.push(row![role, member]);
        }
    }
    Ok(rows)
}

fn permissions(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysprivs")?
        .iter()
        .map(|r| {
            let class = r.int("class");
            let code = r.text("type");
            let state = r.text("state");
            row![
                class,
                match class {
                    0 => "DATABASE",
                    1 => "OBJECT_OR_COLUMN",
                    3 => "SCHEMA",
                    4 => "DATABASE_PRINCIPAL",
                    6 => "TYPE",
                    _ => "OTHER",
                },
                r.int("id"),
                r.int("subid"),
                r.int("grantee"),
                r.int("grantor"),
                &code,
                permission::name_of(false, code.trim_end()),
                &state,
                state_name(state.trim_end())
            ]
        })
        .collect())
}

fn state_name(state: &str) -> &'static str {
    match state {
        "D" => "DENY",
        "W" => "GRANT_WITH_GRANT_OPTION",
        "R" => "REVOKE",
        _ => "GRANT",
    }
}

fn server_principals(c: &ViewContext<'_>) -> Rows {
    let principals = c.source.principals();
    let moment = |m: DateTime| if m == DateTime::default() { c.source.started() } else { m };
    let mut rows: Vec<Vec<Value>> = principals
        .logins
        .iter()
        .map(|l| {
            row![
                l.name.as_str(),
                l.id,
                l.sid.as_slice(),
                "S",
                "SQL_LOGIN",
                l.disabled,
                moment(l.created),
                moment(l.modified),
                l.default_database.as_str(),
                l.default_language.as_str(),
                Value::Null,
                Value::Null,
                false
            ]
        })
        .collect();
    let started = c.source.started();
    let mut role = |id: i32, name: &str, sid: &[u8], made: (DateTime, DateTime), owner: i32, fixed: bool| {
        rows.push(row![
            name,
            id,
            sid,
            "R",
            "SERVER_ROLE",
            false,
            made.0,
            made.1,
            Value::Null,
            Value::Null,
            Value::Null,
            owner,
            fixed
        ]);
    };
    for (id, name) in store::FIXED_ROLES {
        role(*id, name, &[*id as u8], (started, started), store::SA, *id != store::PUBLIC);
    }
    for r in &principals.roles {
        role(r.id, &r.name, &r.sid, (moment(r.created), moment(r.modified)), r.owner, false);
    }
    Ok(rows)
}

fn sql_logins(c: &ViewContext<'_>) -> Rows {
    let moment = |m: DateTime| if m == DateTime::default() { c.source.started() } else { m };
    let shown = c.reader.as_ref().is_none_or(|r| r.has_server("CL"));
    Ok(c.source
        .principals()
        .logins
        .iter()
        .map(|l| {
            row![
                l.name.as_str(),
                l.id,
                l.sid.as_slice(),
                "S",
                "SQL_LOGIN",
                l.disabled,
                moment(l.created),
                moment(l.modified),
                l.default_database.as_str(),
                l.default_language.as_str(),
                Value::Null,
                l.check_policy,
                l.check_expiration,
                l.password.as_ref().filter(|_| shown).map(|h| Arc::<[u8]>::from(h.as_bytes()))
            ]
        })
        .collect())
}

fn server_permissions(c: &ViewContext<'_>) -> Rows {
    let principals = c.source.principals();
    let public = ServerPermission {
        class: store::ON_SERVER,
        major: 0,
        grantee: store::PUBLIC,
        grantor: store::SA,
        code: "VWDB".into(),
        state: 'G',
    };
    Ok([public]
        .iter()
        .chain(&principals.permissions)
        .map(|p| {
            let on_server = p.class == store::ON_SERVER;
            let state = p.state.to_string();
            row![
                p.class,
                if on_server { "SERVER" } else { "SERVER_PRINCIPAL" },
                p.major,
                0,
                p.grantee,
                p.grantor,
                p.code.as_str(),
                permission::name_of(on_server, &p.code),
                state.as_str(),
                state_name(&state)
            ]
        })
        .collect())
}
