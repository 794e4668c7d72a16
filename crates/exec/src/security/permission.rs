//! The permissions there are: names, the letters that `sysprivs` holds, what covers what, and what the fixed roles stand for.
//!
//! Invariants
//! 1. Letters are written without the blanks that pad them to four.
//! 2. [`covering`] lists for a permission at one level everything that gives it there, itself first.
//!
//! Evidence: documentation of `sys.database_permissions`, `sys.server_permissions` and the fixed roles; letters seen in genuine
//! `sysprivs` rows.

use super::store;

/// Permissions in a database: name and letters.
pub const DATABASE: &[(&str, &str)] = &[
    ("ALTER", "AL"),
    ("ALTER ANY APPLICATION ROLE", "ALAR"),
    ("ALTER ANY ASSEMBLY", "ALAS"),
    ("ALTER ANY CERTIFICATE", "ALCF"),
    ("ALTER ANY DATABASE DDL TRIGGER", "ALTG"),
    ("ALTER ANY DATASPACE", "ALDS"),
    ("ALTER ANY ROLE", "ALRL"),
    ("ALTER ANY SCHEMA", "ALSM"),
    ("ALTER ANY USER", "ALUS"),
    ("AUTHENTICATE", "AUTH"),
    ("BACKUP DATABASE", "BADB"),
    ("BACKUP LOG", "BALO"),
    ("CHECKPOINT", "CP"),
    ("CONNECT", "CO"),
    ("CONNECT REPLICATION", "CORP"),
    ("CONTROL", "CL"),
    ("CREATE AGGREGATE", "CRAG"),
    ("CREATE ASSEMBLY", "CRAS"),
    ("CREATE DATABASE", "CRDB"),
    ("CREATE DEFAULT", "CRDF"),
    ("CREATE FUNCTION", "CRFN"),
    ("CREATE PROCEDURE", "CRPR"),
    ("CREATE ROLE", "CRRL"),
    ("CREATE RULE", "CRRU"),
    ("CREATE SCHEMA", "CRSM"),
    ("CREATE SEQUENCE", "CRSO"),
    ("CREATE SYNONYM", "CRSN"),
    ("CREATE TABLE", "CRTB"),
    ("CREATE TYPE", "CRTY"),
    ("CREATE VIEW", "CRVW"),
    ("CREATE XML SCHEMA COLLECTION", "CRXS"),
    ("DELETE", "DL"),
    ("EXECUTE", "EX"),
    ("EXEC", "EX"),
    ("IMPERSONATE", "IM"),
    ("INSERT", "IN"),
    ("RECEIVE", "RC"),
    ("REFERENCES", "RF"),
    ("SELECT", "SL"),
    ("SEND", "SN"),
    ("SHOWPLAN", "SPLN"),
    ("SUBSCRIBE QUERY NOTIFICATIONS", "SUQN"),
    ("TAKE OWNERSHIP", "TO"),
    ("UNMASK", "UMSK"),
    ("UPDATE", "UP"),
    ("VIEW ANY COLUMN ENCRYPTION KEY DEFINITION", "VWCK"),
    ("VIEW ANY COLUMN MASTER KEY DEFINITION", "VWCM"),
    ("VIEW CHANGE TRACKING", "VWCT"),
    ("VIEW DATABASE STATE", "VWDS"),
    ("VIEW DEFINITION", "VW"),
];

/// Permissions at the server.
pub const SERVER: &[(&str, &str)] = &[
    ("ADMINISTER BULK OPERATIONS", "ADBO"),
    ("ALTER", "AL"),
    ("ALTER ANY CONNECTION", "ALCO"),
    ("ALTER ANY CREDENTIAL", "ALCD"),
    ("ALTER ANY DATABASE", "ALDB"),
    ("ALTER ANY ENDPOINT", "ALHE"),
    ("ALTER ANY LINKED SERVER", "ALLS"),
    ("ALTER ANY LOGIN", "ALLG"),
    ("ALTER ANY SERVER ROLE", "ALSR"),
    ("ALTER RESOURCES", "ALRS"),
    ("ALTER SERVER STATE", "ALSS"),
    ("ALTER SETTINGS", "ALST"),
    ("ALTER TRACE", "ALTR"),
    ("AUTHENTICATE SERVER", "AUTH"),
    ("CONNECT ANY DATABASE", "CADB"),
    ("CONNECT SQL", "COSQ"),
    ("CONTROL", "CL"),
    ("CONTROL SERVER", "CL"),
    ("CREATE ANY DATABASE", "CRDB"),
    ("CREATE ENDPOINT", "CRHE"),
    ("CREATE SERVER ROLE", "CRSR"),
    ("IMPERSONATE", "IM"),
    ("IMPERSONATE ANY LOGIN", "IAL"),
    ("SELECT ALL USER SECURABLES", "SUS"),
    ("SHUTDOWN", "SHDN"),
    ("VIEW ANY DATABASE", "VWDB"),
    ("VIEW ANY DEFINITION", "VWAD"),
    ("VIEW DEFINITION", "VW"),
    ("VIEW SERVER STATE", "VWSS"),
];

/// Letters of a permission by name (upper case).
pub fn letters(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|p| p.0 == name).map(|p| p.1)
}

/// The name behind letters; EXEC and the second names of CONTROL are not the first ones found.
pub fn name_of(server: bool, letters: &str) -> &'static str {
    let table = if server { SERVER } else { DATABASE };
    let wanted = if server && letters == "CL" { "CONTROL SERVER" } else { "" };
    let found = table.iter().find(|p| p.0 == wanted).or_else(|| table.iter().find(|p| p.1 == letters));
    found.map_or("", |p| p.0)
}

/// Where a permission is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Object,
    Schema,
    Database,
    /// A user or role.
    Principal,
    Type,
    Server,
}

/// What can be granted at a level, besides CONTROL. `ALL` on a table or view, on a scalar function, on a procedure, in a
/// database are what GRANT ALL stands for there.
pub fn grantable(level: Level, code: &str) -> bool {
    match level {
        Level::Object => {
            matches!(
                code,
                "SL" | "IN" | "UP" | "DL" | "RF" | "EX" | "AL" | "CL" | "TO" | "VW" | "VWCT" | "RC"
            )
        }
        Level::Schema => matches!(
            code,
            "SL" | "IN" | "UP" | "DL" | "RF" | "EX" | "AL" | "CL" | "TO" | "VW" | "VWCT" | "CRSO" | "UMSK"
        ),
        Level::Database => !matches!(code, "IM" | "RC" | "SN" | "VWCT"),
        Level::Principal => matches!(code, "IM" | "AL" | "CL" | "VW" | "TO"),
        Level::Type => matches!(code, "EX" | "RF" | "CL" | "TO" | "VW"),
        Level::Server => true,
    }
}

/// What gives `code` when it is held at a level (invariant 2). Permissions of inner levels are asked for at outer ones, too:
/// SELECT on a table is given by SELECT on its database.
pub fn covering(level: Level, code: &'static str) -> Vec<&'static str> {
    let mut out = vec![code];
    match level {
        Level::Object | Level::Schema | Level::Principal | Level::Type => out.push("CL"),
        Level::Database => {
            match code {
                // A schema's and an object's ALTER comes from the database's ALTER ANY SCHEMA.
                "AL" => out.push("ALSM"),
                "CRSM" => out.extend(["ALSM", "AL"]),
                "CRRL" => out.extend(["ALRL", "AL"]),
                "CRDB" => {}
                // Making and changing things is what ALTER is about; being somebody and reading are not.
                c if c.starts_with("AL") || c.starts_with("CR") => out.push("AL"),
                _ => {}
            }
            out.push("CL");
        }
        Level::Server => {
            out = match code {
                "VW" => vec!["VWAD"],
                "VWDS" => vec!["VWSS", "ALSS"],
                "VWSS" => vec!["VWSS", "ALSS"],
                "CO" => vec!["CADB"],
                "SL" => vec!["SUS"],
                "AL" | "ALSM" | "ALUS" | "ALRL" | "ALAR" => vec!["ALDB"],
                "SPLN" => vec!["ALTR"],
                "CRDB" => vec!["CRDB", "ALDB"],
                "VWDB" => vec!["VWDB", "ALDB"],
                // Of a database and not of the server, though the letters are the same.
                _ => vec![code],
            };
            out.push("CL");
        }
    }
    out
}

/// Fixed roles of a database: id, what they are given and what they are denied.
pub const DATABASE_ROLES: &[(i32, &[&str], &[&str])] = &[
    (16384, &["CL"], &[]),
    (16385, &["ALUS", "CRSM", "CO"], &[]),
    (16386, &["ALRL", "ALAR", "CRSM", "CRRL", "VW"], &[]),
    (
        16387,
        &[
            "ALAS", "ALCF", "ALTG", "ALDS", "ALSM", "CP", "CRAG", "CRAS", "CRDF", "CRFN", "CRPR", "CRRU",
            "CRSN", "CRSO", "CRTB", "CRTY", "CRVW", "CRXS", "RF",
        ],
        &[],
    ),
    (16389, &["BADB", "BALO", "CP"], &[]),
    (16390, &["SL"], &[]),
    (16391, &["IN", "UP", "DL"], &[]),
    (16392, &[], &["SL"]),
    (16393, &[], &["IN", "UP", "DL"]),
];

/// The role whose members may grant what they do not have.
pub const SECURITY_ADMIN: i32 = 16386;
pub const DB_OWNER: i32 = 16384;

/// The role of the server whose members grant its permissions.
pub const SERVER_SECURITY_ADMIN: i32 = 4;

/// Fixed roles of the server and what they are given.
pub const SERVER_ROLES: &[(i32, &[&str])] = &[
    (store::PUBLIC, &["VWDB"]),
    (store::SYSADMIN, &["CL"]),
    (SERVER_SECURITY_ADMIN, &["ALLG"]),
    (5, &["ALHE", "ALRS", "ALSS", "ALST", "SHDN", "VWSS"]),
    (6, &["ALLS"]),
    (7, &["ALCO", "ALSS"]),
    (8, &["ALRS"]),
    (9, &["CRDB", "ALDB"]),
    (10, &["ADBO"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_letters_go_both_ways() {
        for (server, table) in [(false, DATABASE), (true, SERVER)] {
            for (name, code) in table {
                assert!(code.len() <= 4, "{name}");
                assert_eq!(letters(table, name), Some(*code));
                let back = name_of(server, code);
                assert!(letters(table, back) == Some(*code), "{name} {back}");
            }
        }
        assert_eq!(name_of(true, "CL"), "CONTROL SERVER");
        assert_eq!(name_of(false, "EX"), "EXECUTE");
        assert_eq!(name_of(false, "??"), "");
    }

    #[test]
    fn control_covers_everything() {
        for (_, code) in DATABASE {
            for level in [Level::Object, Level::Schema, Level::Database, Level::Server] {
                assert!(covering(level, code).contains(&"CL"), "{code}");
            }
        }
        assert!(covering(Level::Database, "CRTB").contains(&"AL"));
        for code in ["SL", "IM", "CO", "TO", "EX", "BADB"] {
            assert!(!covering(Level::Database, code).contains(&"AL"), "{code}");
        }
    }
}
