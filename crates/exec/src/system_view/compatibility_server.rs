//! SQL Server 2000's views of the server: logins; and what nothing is known of here, present and empty.
//!
//! Invariants
//! 1. Columns as the documentation of the compatibility views lists them; what has no meaning any more is NULL or 0.
//! 2. Who may not see a login in `sys.server_principals` does not see it here.

use holdfast_types::{DateTime, SqlResult, Value, messages};

use super::empty::empty;
use super::{SystemView, ViewContext, row};
use crate::security::store::{self, Login, ON_SERVER, add_roles};

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.syslogins",
        columns: "sid varbinary(85), status smallint, createdate datetime!, updatedate datetime!, accdate datetime!, totcpu int, totio int, spacelimit int, timelimit int, resultlimit int, name sysname!, dbname sysname, password nvarchar(128), language sysname, denylogin int, hasaccess int, isntname int, isntgroup int, isntuser int, sysadmin int, securityadmin int, serveradmin int, setupadmin int, processadmin int, diskadmin int, dbcreator int, bulkadmin int, loginname sysname!",
        rows: logins,
    },
    SystemView {
        name: "sys.sysmessages",
        columns: "error int!, severity tinyint, dlevel smallint, description nvarchar(255), msglangid smallint!",
        rows: |c| {
            let settings = c.source.settings();
            let dlevel = |logged: bool| if logged { 0x80i16 } else { 0 };
            let short = |text: &str| text.chars().take(255).collect::<String>();
            let own = messages::all()
                .map(|m| row![m.0, m.1, dlevel(settings.is_logged(m.0, m.1)), short(m.2), 1033i16]);
            let added = settings
                .messages
                .iter()
                .map(|m| row![m.number, m.severity, dlevel(m.logged), short(&m.text), m.language as i16]);
            Ok(own.chain(added).collect())
        },
    },
    empty(
        "sys.syscacheobjects",
        "bucketid int!, cacheobjtype nvarchar(17)!, objtype nvarchar(8)!, objid int, dbid smallint, dbidexec smallint, uid smallint, refcounts int!, usecounts int!, pagesused int!, setopts int, langid smallint, dateformat smallint, status int, lasttime bigint, maxexectime bigint, avgexectime bigint, lastreads bigint, lastwrites bigint, sqlbytes int, sql nvarchar(3900)",
    ),
    empty(
        "sys.sysremotelogins",
        "remoteserverid smallint!, remoteusername sysname!, status smallint, sid varbinary(85), changedate datetime!",
    ),
    empty(
        "sys.sysoledbusers",
        "rmtsrvid smallint!, rmtloginame nvarchar(128), rmtpassword nvarchar(128), loginsid varbinary(85), status smallint, changedate datetime!",
    ),
    empty("sys.sysopentapes", "openTape nvarchar(64)"),
    empty("sys.sysfulltextcatalogs", "ftcatid smallint!, name sysname!, status smallint, path nvarchar(260)"),
];

/// The roles that the columns of syslogins are about.
const ROLES: &[&str] = &[
    "sysadmin",
    "securityadmin",
    "serveradmin",
    "setupadmin",
    "processadmin",
    "diskadmin",
    "dbcreator",
    "bulkadmin",
];

fn logins(c: &ViewContext<'_>) -> Rows {
    let principals = c.source.principals();
    let all = c.reader.as_ref().is_none_or(|r| r.has_server("VWAD") || r.has_server("ALLG"));
    let own = c.reader.as_ref().and_then(crate::security::Reader::login);
    let seen = |l: &&Login| all || l.id == store::SA || own.as_ref().is_some_and(|o| o.is(l.id));
    let row = |l: &Login| {
        let connect = |state: char| {
            let of =
                |p: &&store::ServerPermission| p.class == ON_SERVER && p.grantee == l.id && p.code == "COSQ";
            principals
                .permissions
                .iter()
                .filter(of)
                .any(|p| p.state == state || (state == 'G' && p.state == 'W'))
        };
        let mut roles = vec![];
        add_roles(&principals.members, l.id, &mut roles);
        let moment = |m: DateTime| if m == DateTime::default() { c.source.started() } else { m };
        let is_sa = l.id == store::SA;
        let mut row = row![
            l.sid.as_slice(),
            9,
            moment(l.created),
            moment(l.modified),
            moment(l.created),
            0,
            0,
            0,
            0,
            0,
            l.name.as_str(),
            l.default_database.as_str(),
            Value::Null,
            l.default_language.as_str(),
            i32::from(connect('D')),
            i32::from(is_sa || connect('G')),
            0,
            0,
            0
        ];
        for role in ROLES {
            let id = store::FIXED_ROLES.iter().find(|r| r.1 == *role).map(|r| r.0);
            let member = is_sa && *role == "sysadmin" || id.is_some_and(|id| roles.contains(&id));
            row.extend(row![i32::from(member)]);
        }
        row.extend(row![l.name.as_str()]);
        row
    };
    Ok(principals.logins.iter().filter(seen).map(row).collect())
}
