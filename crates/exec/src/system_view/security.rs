//! Principals, roles, permissions, schemas.

use holdfast_types::{SqlResult, Value};

use super::{SystemView, ViewContext, row};

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
        rows: |c| {
            Ok(c.source
                .logins()
                .iter()
                .map(|l| {
                    row![
                        &l.name,
                        l.principal_id,
                        l.sid.clone(),
                        "S",
                        "SQL_LOGIN",
                        l.disabled,
                        l.created,
                        l.created,
                        &l.default_database,
                        "us_english",
                        Value::Null,
                        true,
                        false,
                        Value::Null
                    ]
                })
                .collect())
        },
    },
    SystemView {
        name: "sys.server_role_members",
        columns: "role_principal_id int!, member_principal_id int!",
        rows: |_| Ok(vec![row![3, 1]]),
    },
    SystemView {
        name: "sys.login_token",
        columns: "principal_id int, sid varbinary(85), name nvarchar(128), type nvarchar(128), usage nvarchar(128)",
        rows: |c| {
            Ok(c.source
                .logins()
                .iter()
                .take(1)
                .map(|l| row![l.principal_id, l.sid.clone(), &l.name, "SQL LOGIN", "GRANT OR DENY"])
                .collect())
        },
    },
    SystemView {
        name: "sys.user_token",
        columns: "principal_id int, sid varbinary(85), name nvarchar(128), type nvarchar(128), usage nvarchar(128)",
        rows: |c| {
            let sid = c.source.logins().first().map(|l| l.sid.clone());
            Ok(vec![row![1, sid, "dbo", "SQL USER", "GRANT OR DENY"]])
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
            let authentication = match kind {
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
fn role_members(c: &ViewContext<'_>) -> Rows {
    let mut rows = vec![row![16384, 1]];
    for r in c.source.base_rows("sysmultiobjrefs")?.iter().filter(|r| r.int("class") == 25) {
        let (role, member) = (r.int("indepid"), r.int("depid"));
        if (role, member) != (16384, 1) {
            rows.push(row![role, member]);
        }
    }
    Ok(rows)
}

/// Names of the four-letter permission codes.
fn permission_name(code: &str) -> &'static str {
    match code {
        "AL" => "ALTER",
        "CL" => "CONTROL",
        "CO" => "CONNECT",
        "DL" => "DELETE",
        "EX" => "EXECUTE",
        "IN" => "INSERT",
        "RC" => "RECEIVE",
        "RF" => "REFERENCES",
        "SL" => "SELECT",
        "TO" => "TAKE OWNERSHIP",
        "UP" => "UPDATE",
        "VW" => "VIEW DEFINITION",
        "VWCT" => "VIEW CHANGE TRACKING",
        "VWDS" => "VIEW DATABASE STATE",
        "VWCM" => "VIEW ANY COLUMN MASTER KEY DEFINITION",
        "VWCK" => "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION",
        "CRTB" => "CREATE TABLE",
        "CRVW" => "CREATE VIEW",
        "CRPR" => "CREATE PROCEDURE",
        "CRFN" => "CREATE FUNCTION",
        "CRSM" => "CREATE SCHEMA",
        "CRTY" => "CREATE TYPE",
        "BADB" => "BACKUP DATABASE",
        "BALO" => "BACKUP LOG",
        "SPLN" => "SHOWPLAN",
        "IM" => "IMPERSONATE",
        "SN" => "SEND",
        _ => "UNKNOWN",
    }
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
                permission_name(code.trim_end()),
                &state,
                match state.trim_end() {
                    "D" => "DENY",
                    "W" => "GRANT_WITH_GRANT_OPTION",
                    "R" => "REVOKE",
                    _ => "GRANT",
                }
            ]
        })
        .collect())
}

fn server_principals(c: &ViewContext<'_>) -> Rows {
    let mut rows: Vec<Vec<Value>> = c
        .source
        .logins()
        .iter()
        .map(|l| {
            row![
                &l.name,
                l.principal_id,
                l.sid.clone(),
                "S",
                "SQL_LOGIN",
                l.disabled,
                l.created,
                l.created,
                &l.default_database,
                "us_english",
                Value::Null,
                Value::Null,
                false
            ]
        })
        .collect();
    let roles = [
        (2, "public", false),
        (3, "sysadmin", true),
        (4, "securityadmin", true),
        (5, "serveradmin", true),
        (6, "setupadmin", true),
        (7, "processadmin", true),
        (8, "diskadmin", true),
        (9, "dbcreator", true),
        (10, "bulkadmin", true),
    ];
    let started = c.source.started();
    rows.extend(roles.iter().map(|(id, name, fixed)| {
        row![
            *name,
            *id,
            [*id as u8].as_slice(),
            "R",
            "SERVER_ROLE",
            false,
            started,
            started,
            Value::Null,
            Value::Null,
            Value::Null,
            1,
            *fixed
        ]
    }));
    Ok(rows)
}
