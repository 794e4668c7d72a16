//! The permissions there are in SQL Server, class by class: sys.fn_builtin_permissions.
//!
//! Invariants
//! 1. All permissions are listed, also those that nothing here asks for.
//! 2. A permission at the top of its class has an empty text where others name the one that covers them.
//!
//! Evidence: documentation of the function and of the permissions of the database engine (what covers what in the containing class).

use holdfast_types::Value;

use crate::system_view::row;

/// A class in the database or the server: its name, the class it is in, what covers ALTER there, and its permissions' letters.
struct Class(&'static str, &'static str, &'static str, &'static str);

const CLASSES: &[Class] = &[
    Class("APPLICATION ROLE", "DATABASE", "ALTER ANY APPLICATION ROLE", "AL CL VW"),
    Class("ASSEMBLY", "DATABASE", "ALTER ANY ASSEMBLY", "AL CL RF TO VW"),
    Class("ASYMMETRIC KEY", "DATABASE", "ALTER ANY ASYMMETRIC KEY", "AL CL RF TO VW"),
    Class("AVAILABILITY GROUP", "SERVER", "ALTER ANY AVAILABILITY GROUP", "AL CL TO VW"),
    Class("CERTIFICATE", "DATABASE", "ALTER ANY CERTIFICATE", "AL CL RF TO VW"),
    Class("CONTRACT", "DATABASE", "ALTER ANY CONTRACT", "AL CL RF TO VW"),
    Class("DATABASE SCOPED CREDENTIAL", "DATABASE", "CONTROL", "AL CL RF TO VW"),
    Class("ENDPOINT", "SERVER", "ALTER ANY ENDPOINT", "AL CL CO TO VW"),
    Class("FULLTEXT CATALOG", "DATABASE", "ALTER ANY FULLTEXT CATALOG", "AL CL RF TO VW"),
    Class("FULLTEXT STOPLIST", "DATABASE", "ALTER ANY FULLTEXT CATALOG", "AL CL RF TO VW"),
    Class("LOGIN", "SERVER", "ALTER ANY LOGIN", "AL CL IM VW"),
    Class("MESSAGE TYPE", "DATABASE", "ALTER ANY MESSAGE TYPE", "AL CL RF TO VW"),
    Class("OBJECT", "SCHEMA", "ALTER", "AL CL DL EX IN RC RF SL TO UP VW VWCT"),
    Class("REMOTE SERVICE BINDING", "DATABASE", "ALTER ANY REMOTE SERVICE BINDING", "AL CL TO VW"),
    Class("ROLE", "DATABASE", "ALTER ANY ROLE", "AL CL TO VW"),
    Class("ROUTE", "DATABASE", "ALTER ANY ROUTE", "AL CL TO VW"),
    Class("SCHEMA", "DATABASE", "ALTER ANY SCHEMA", "AL CL CRSO DL EX IN RF SL TO UP VW VWCT"),
    Class("SEARCH PROPERTY LIST", "DATABASE", "ALTER ANY FULLTEXT CATALOG", "AL CL RF TO VW"),
    Class("SERVER ROLE", "SERVER", "ALTER ANY SERVER ROLE", "AL CL TO VW"),
    Class("SERVICE", "DATABASE", "ALTER ANY SERVICE", "AL CL SN TO VW"),
    Class("SYMMETRIC KEY", "DATABASE", "ALTER ANY SYMMETRIC KEY", "AL CL RF TO VW"),
    Class("TYPE", "SCHEMA", "", "CL EX RF TO VW"),
    Class("USER", "DATABASE", "ALTER ANY USER", "AL CL IM VW"),
    Class("XML SCHEMA COLLECTION", "SCHEMA", "ALTER", "AL CL EX RF TO VW"),
];

/// Names in the classes above.
const NAMES: &[(&str, &str)] = &[
    ("AL", "ALTER"),
    ("CL", "CONTROL"),
    ("CO", "CONNECT"),
    ("CRSO", "CREATE SEQUENCE"),
    ("DL", "DELETE"),
    ("EX", "EXECUTE"),
    ("IM", "IMPERSONATE"),
    ("IN", "INSERT"),
    ("RC", "RECEIVE"),
    ("RF", "REFERENCES"),
    ("SL", "SELECT"),
    ("SN", "SEND"),
    ("TO", "TAKE OWNERSHIP"),
    ("UP", "UPDATE"),
    ("VW", "VIEW DEFINITION"),
    ("VWCT", "VIEW CHANGE TRACKING"),
];

/// Letters, name, what covers it in the database, and at the server where that is not CONTROL SERVER.
const DATABASE: &[(&str, &str, &str, &str)] = &[
    ("AADS", "ALTER ANY DATABASE EVENT SESSION", "ALTER", "ALTER ANY EVENT SESSION"),
    ("AAMK", "ALTER ANY MASK", "CONTROL", ""),
    ("AEDS", "ALTER ANY EXTERNAL DATA SOURCE", "CONTROL", ""),
    ("AEFF", "ALTER ANY EXTERNAL FILE FORMAT", "CONTROL", ""),
    ("AL", "ALTER", "CONTROL", "ALTER ANY DATABASE"),
    ("ALAK", "ALTER ANY ASYMMETRIC KEY", "ALTER", ""),
    ("ALAR", "ALTER ANY APPLICATION ROLE", "ALTER", ""),
    ("ALAS", "ALTER ANY ASSEMBLY", "ALTER", ""),
    ("ALCF", "ALTER ANY CERTIFICATE", "ALTER", ""),
    ("ALCK", "ALTER ANY COLUMN ENCRYPTION KEY", "ALTER", ""),
    ("ALCM", "ALTER ANY COLUMN MASTER KEY", "ALTER", ""),
    ("ALDA", "ALTER ANY DATABASE AUDIT", "ALTER", "ALTER ANY SERVER AUDIT"),
    ("ALDC", "ALTER ANY DATABASE SCOPED CONFIGURATION", "CONTROL", ""),
    ("ALDS", "ALTER ANY DATASPACE", "ALTER", ""),
    ("ALED", "ALTER ANY DATABASE EVENT NOTIFICATION", "ALTER", "ALTER ANY EVENT NOTIFICATION"),
    ("ALFT", "ALTER ANY FULLTEXT CATALOG", "ALTER", ""),
    ("ALMT", "ALTER ANY MESSAGE TYPE", "ALTER", ""),
    ("ALRL", "ALTER ANY ROLE", "ALTER", ""),
    ("ALRT", "ALTER ANY ROUTE", "ALTER", ""),
    ("ALSB", "ALTER ANY REMOTE SERVICE BINDING", "ALTER", ""),
    ("ALSC", "ALTER ANY CONTRACT", "ALTER", ""),
    ("ALSK", "ALTER ANY SYMMETRIC KEY", "ALTER", ""),
    ("ALSM", "ALTER ANY SCHEMA", "ALTER", ""),
    ("ALSP", "ALTER ANY SECURITY POLICY", "CONTROL", ""),
    ("ALSV", "ALTER ANY SERVICE", "ALTER", ""),
    ("ALTG", "ALTER ANY DATABASE DDL TRIGGER", "ALTER", ""),
    ("ALUS", "ALTER ANY USER", "ALTER", ""),
    ("AUTH", "AUTHENTICATE", "CONTROL", "AUTHENTICATE SERVER"),
    ("BADB", "BACKUP DATABASE", "CONTROL", ""),
    ("BALO", "BACKUP LOG", "CONTROL", ""),
    ("CL", "CONTROL", "", ""),
    ("CO", "CONNECT", "CONNECT REPLICATION", ""),
    ("CORP", "CONNECT REPLICATION", "CONTROL", ""),
    ("CP", "CHECKPOINT", "CONTROL", ""),
    ("CRAG", "CREATE AGGREGATE", "ALTER", ""),
    ("CRAK", "CREATE ASYMMETRIC KEY", "ALTER ANY ASYMMETRIC KEY", ""),
    ("CRAS", "CREATE ASSEMBLY", "ALTER ANY ASSEMBLY", ""),
    ("CRCF", "CREATE CERTIFICATE", "ALTER ANY CERTIFICATE", ""),
    ("CRDB", "CREATE DATABASE", "CONTROL", "CREATE ANY DATABASE"),
    ("CRDF", "CREATE DEFAULT", "ALTER", ""),
    (
        "CRED",
        "CREATE DATABASE DDL EVENT NOTIFICATION",
        "ALTER ANY DATABASE EVENT NOTIFICATION",
        "CREATE DDL EVENT NOTIFICATION",
    ),
    ("CRFN", "CREATE FUNCTION", "ALTER", ""),
    ("CRFT", "CREATE FULLTEXT CATALOG", "ALTER ANY FULLTEXT CATALOG", ""),
    ("CRMT", "CREATE MESSAGE TYPE", "ALTER ANY MESSAGE TYPE", ""),
    ("CRPR", "CREATE PROCEDURE", "ALTER", ""),
    ("CRQU", "CREATE QUEUE", "ALTER", ""),
    ("CRRL", "CREATE ROLE", "ALTER ANY ROLE", ""),
    ("CRRT", "CREATE ROUTE", "ALTER ANY ROUTE", ""),
    ("CRRU", "CREATE RULE", "ALTER", ""),
    ("CRSB", "CREATE REMOTE SERVICE BINDING", "ALTER ANY REMOTE SERVICE BINDING", ""),
    ("CRSC", "CREATE CONTRACT", "ALTER ANY CONTRACT", ""),
    ("CRSK", "CREATE SYMMETRIC KEY", "ALTER ANY SYMMETRIC KEY", ""),
    ("CRSM", "CREATE SCHEMA", "ALTER ANY SCHEMA", ""),
    ("CRSN", "CREATE SYNONYM", "ALTER", ""),
    ("CRSV", "CREATE SERVICE", "ALTER ANY SERVICE", ""),
    ("CRTB", "CREATE TABLE", "ALTER", ""),
    ("CRTY", "CREATE TYPE", "ALTER", ""),
    ("CRVW", "CREATE VIEW", "ALTER", ""),
    ("CRXS", "CREATE XML SCHEMA COLLECTION", "ALTER", ""),
    ("DL", "DELETE", "CONTROL", ""),
    ("EAES", "EXECUTE ANY EXTERNAL SCRIPT", "CONTROL", ""),
    ("EX", "EXECUTE", "CONTROL", ""),
    ("IN", "INSERT", "CONTROL", ""),
    ("RF", "REFERENCES", "CONTROL", ""),
    ("SL", "SELECT", "CONTROL", ""),
    ("SPLN", "SHOWPLAN", "CONTROL", "ALTER TRACE"),
    ("SUQN", "SUBSCRIBE QUERY NOTIFICATIONS", "CONTROL", ""),
    ("TO", "TAKE OWNERSHIP", "CONTROL", ""),
    ("UMSK", "UNMASK", "CONTROL", ""),
    ("UP", "UPDATE", "CONTROL", ""),
    ("VW", "VIEW DEFINITION", "CONTROL", "VIEW ANY DEFINITION"),
    ("VWCK", "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION", "VIEW DEFINITION", "VIEW SERVER STATE"),
    ("VWCM", "VIEW ANY COLUMN MASTER KEY DEFINITION", "VIEW DEFINITION", "VIEW SERVER STATE"),
    ("VWDS", "VIEW DATABASE STATE", "CONTROL", "VIEW SERVER STATE"),
];

/// Letters, name, what covers it at the server where that is not CONTROL SERVER.
const SERVER: &[(&str, &str, &str)] = &[
    ("AAES", "ALTER ANY EVENT SESSION", ""),
    ("ADBO", "ADMINISTER BULK OPERATIONS", ""),
    ("ALAA", "ALTER ANY SERVER AUDIT", ""),
    ("ALAG", "ALTER ANY AVAILABILITY GROUP", ""),
    ("ALCD", "ALTER ANY CREDENTIAL", ""),
    ("ALCO", "ALTER ANY CONNECTION", ""),
    ("ALDB", "ALTER ANY DATABASE", ""),
    ("ALES", "ALTER ANY EVENT NOTIFICATION", ""),
    ("ALHE", "ALTER ANY ENDPOINT", ""),
    ("ALLG", "ALTER ANY LOGIN", ""),
    ("ALLS", "ALTER ANY LINKED SERVER", ""),
    ("ALRS", "ALTER RESOURCES", ""),
    ("ALSR", "ALTER ANY SERVER ROLE", ""),
    ("ALSS", "ALTER SERVER STATE", ""),
    ("ALST", "ALTER SETTINGS", ""),
    ("ALTR", "ALTER TRACE", ""),
    ("AUTH", "AUTHENTICATE SERVER", ""),
    ("CADB", "CONNECT ANY DATABASE", ""),
    ("CL", "CONTROL SERVER", ""),
    ("COSQ", "CONNECT SQL", ""),
    ("CRAC", "CREATE AVAILABILITY GROUP", "ALTER ANY AVAILABILITY GROUP"),
    ("CRDB", "CREATE ANY DATABASE", "ALTER ANY DATABASE"),
    ("CRDE", "CREATE DDL EVENT NOTIFICATION", "ALTER ANY EVENT NOTIFICATION"),
    ("CRHE", "CREATE ENDPOINT", "ALTER ANY ENDPOINT"),
    ("CRSR", "CREATE SERVER ROLE", "ALTER ANY SERVER ROLE"),
    ("CRTE", "CREATE TRACE EVENT NOTIFICATION", "ALTER ANY EVENT NOTIFICATION"),
    ("IAL", "IMPERSONATE ANY LOGIN", ""),
    ("SHDN", "SHUTDOWN", ""),
    ("SUS", "SELECT ALL USER SECURABLES", ""),
    ("VWAD", "VIEW ANY DEFINITION", ""),
    ("VWDB", "VIEW ANY DATABASE", "VIEW ANY DEFINITION"),
    ("VWSS", "VIEW SERVER STATE", "ALTER SERVER STATE"),
    ("XA", "EXTERNAL ACCESS ASSEMBLY", "UNSAFE ASSEMBLY"),
    ("XU", "UNSAFE ASSEMBLY", ""),
];

fn or<'a>(given: &'a str, usual: &'a str) -> &'a str {
    if given.is_empty() { usual } else { given }
}

/// What covers a permission in the class that contains its own.
fn above(class: &Class, code: &str, name: &'static str) -> &'static str {
    let top = if class.1 == "SERVER" { "CONTROL SERVER" } else { "CONTROL" };
    match code {
        "AL" => class.2,
        "VW" if class.1 == "SERVER" => "VIEW ANY DEFINITION",
        "VW" | "RF" | "EX" | "SL" | "IN" | "UP" | "DL" | "VWCT" => name,
        _ => top,
    }
}

/// Rows of the function; `wanted`: a class, or nothing for all.
pub fn rows(wanted: Option<&str>) -> Vec<Vec<Value>> {
    let mut out = Vec::new();
    let asked = |class: &str| wanted.is_none_or(|w| w.is_empty() || w.eq_ignore_ascii_case(class));
    for class in CLASSES.iter().filter(|c| asked(c.0)) {
        for code in class.3.split(' ') {
            let name = NAMES.iter().find(|n| n.0 == code).map_or("", |n| n.1);
            let covering = match code {
                "CL" => "",
                "CRSO" => "ALTER",
                _ => "CONTROL",
            };
            out.push(row![class.0, name, code, covering, class.1, above(class, code, name)]);
        }
    }
    for p in DATABASE.iter().filter(|_| asked("DATABASE")) {
        out.push(row!["DATABASE", p.1, p.0, p.2, "SERVER", or(p.3, "CONTROL SERVER")]);
    }
    for p in SERVER.iter().filter(|_| asked("SERVER")) {
        let covering = if p.0 == "CL" { "" } else { or(p.2, "CONTROL SERVER") };
        out.push(row!["SERVER", p.1, p.0, covering, "", ""]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::permission;
    use super::*;

    #[test]
    fn what_can_be_granted_is_listed() {
        let other = ["ALTER", "CONTROL", "IMPERSONATE", "VIEW DEFINITION"];
        for (name, code) in permission::SERVER.iter().filter(|p| !other.contains(&p.0)) {
            assert!(SERVER.iter().any(|p| (p.1, p.0) == (*name, *code)), "{name}");
        }
        for (name, code) in permission::DATABASE.iter().filter(|p| p.0 != "EXEC") {
            let own = DATABASE.iter().any(|p| (p.1, p.0) == (*name, *code));
            assert!(own || NAMES.contains(&(*code, *name)), "{name}");
        }
    }

    #[test]
    fn whatever_covers_another_is_there() {
        let names = |class: &str| -> Vec<String> {
            rows(Some(class)).iter().map(|r| format!("{:?}", r[1])).collect()
        };
        for r in rows(None) {
            let text = |v: &Value| format!("{v:?}");
            let empty = text(&Value::string(""));
            let class = |v: &Value| match v {
                Value::String(s) => s.to_text(),
                _ => String::new(),
            };
            assert!(text(&r[3]) == empty || names(&class(&r[0])).contains(&text(&r[3])), "{r:?}");
            let tracking = text(&r[1]) == text(&Value::string("VIEW CHANGE TRACKING"));
            assert!(tracking || text(&r[5]) == empty || names(&class(&r[4])).contains(&text(&r[5])), "{r:?}");
        }
    }
}
