//! Linked servers, backup devices, counters; and SQL Server 2000's views of them, of locks and of permissions.
//!
//! Invariants
//! 1. A counter that is not counted truly is not listed.
//!
//! Evidence: the documentation of the views; the numbers of modes, resources and actions as sys.syslockinfo and sys.sysprotects document them.

use std::collections::BTreeMap;

use holdfast_engine::lock::snapshot::Status;
use holdfast_types::{SqlResult, Value};

use super::{SystemView, ViewContext, row};
use crate::host::server_settings::{LinkedLogin, LinkedServer};

type Rows = SqlResult<Vec<Vec<Value>>>;

const COUNTERS: &str = "object_name nchar(128)!, counter_name nchar(128)!, instance_name nchar(128), cntr_value bigint!, cntr_type int!";

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.servers",
        columns: "server_id int!, name sysname!, product sysname!, provider sysname!, data_source nvarchar(4000), location nvarchar(4000), provider_string nvarchar(4000), catalog sysname, connect_timeout int, query_timeout int, is_linked bit!, is_remote_login_enabled bit!, is_rpc_out_enabled bit!, is_data_access_enabled bit!, is_collation_compatible bit!, uses_remote_collation bit!, collation_name sysname, lazy_schema_validation bit!, is_system bit!, is_publisher bit!, is_subscriber bit, is_distributor bit, is_nonsql_subscriber bit, is_remote_proc_transaction_promotion_enabled bit, modify_date datetime!, is_rda_server bit",
        rows: servers,
    },
    SystemView {
        name: "sys.linked_logins",
        columns: "server_id int!, local_principal_id int, uses_self_credential bit!, remote_name sysname, modify_date datetime!",
        rows: linked_logins,
    },
    SystemView {
        name: "sys.backup_devices",
        columns: "name sysname!, type tinyint, type_desc desc, physical_name nvarchar(260)",
        rows: |c| {
            let settings = c.source.settings();
            let disk = |kind: &str| kind == "disk";
            let rows = settings.devices.iter().map(|d| {
                let (number, words) = if disk(&d.kind) { (2u8, "DISK") } else { (5, "TAPE") };
                row![d.name.as_str(), number, words, d.path.as_str()]
            });
            Ok(rows.collect())
        },
    },
    SystemView { name: "sys.dm_os_performance_counters", columns: COUNTERS, rows: counters },
];

pub const COMPATIBILITY: &[SystemView] = &[
    SystemView { name: "sys.sysperfinfo", columns: COUNTERS, rows: counters },
    SystemView {
        name: "sys.sysdevices",
        columns: "name sysname!, size int!, low int!, high int!, status smallint, cntrltype smallint, phyname nvarchar(260)",
        rows: |c| {
            let settings = c.source.settings();
            // Status 16: a backup device; the controller says disk or tape.
            let rows = settings.devices.iter().map(|d| {
                row![
                    d.name.as_str(),
                    0,
                    0,
                    0,
                    16i16,
                    if d.kind == "disk" { 2i16 } else { 5 },
                    d.path.as_str()
                ]
            });
            Ok(rows.collect())
        },
    },
    SystemView {
        name: "sys.sysservers",
        columns: "srvid smallint, srvstatus smallint, srvname sysname!, srvproduct nvarchar(128)!, providername nvarchar(128)!, datasource nvarchar(4000), location nvarchar(4000), providerstring nvarchar(4000), schemadate datetime!, topologyx int!, topologyy int!, catalog sysname, srvcollation sysname, connecttimeout int, querytimeout int, srvnetname char(30), isremote bit, rpc bit!, pub bit!, sub bit, dist bit, dpub bit, rpcout bit!, dataaccess bit!, collationcompatible bit!, system bit!, useremotecollation bit!, lazyschemavalidation bit!, collation sysname, nonsqlsub bit",
        rows: old_servers,
    },
    SystemView {
        name: "sys.syslockinfo",
        columns: "rsc_text nchar(32)!, rsc_bin binary(16)!, rsc_valblk binary(16)!, rsc_dbid smallint!, rsc_indid smallint!, rsc_objid int!, rsc_type tinyint!, rsc_flag tinyint!, req_mode tinyint!, req_status tinyint!, req_refcnt smallint!, req_cryrefcnt smallint!, req_lifetime int!, req_spid int!, req_ecid int!, req_ownertype smallint!, req_transactionID bigint, req_transactionUOW uniqueidentifier",
        rows: old_locks,
    },
    SystemView {
        name: "sys.sysprotects",
        columns: "id int!, uid smallint, action tinyint!, protecttype tinyint!, columns varbinary(4000), grantor smallint",
        rows: old_permissions,
    },
];

fn servers(c: &ViewContext<'_>) -> Rows {
    let name = c.source.server_name();
    let started = c.source.started();
    let none = Value::Null;
    let mut rows = vec![row![
        0,
        &name,
        "SQL Server",
        "SQLNCLI",
        &name,
        none.clone(),
        none.clone(),
        none.clone(),
        0,
        0,
        false,
        true,
        true,
        false,
        false,
        true,
        none.clone(),
        false,
        false,
        false,
        false,
        false,
        false,
        true,
        started,
        false
    ]];
    for s in &c.source.settings().linked_servers {
        let on = |option: &str, otherwise: bool| is_on(s, option, otherwise);
        rows.push(row![
            s.id,
            s.name.as_str(),
            s.product.as_str(),
            s.provider.as_str(),
            s.data_source.as_deref(),
            s.location.as_deref(),
            s.provider_string.as_deref(),
            s.catalog.as_deref(),
            number(s, "connect timeout"),
            number(s, "query timeout"),
            true,
            on("rpc", false),
            on("rpc out", false),
            on("data access", true),
            on("collation compatible", false),
            on("use remote collation", true),
            s.options.get("collation name").map(String::as_str),
            on("lazy schema validation", false),
            on("system", false),
            on("pub", false),
            on("sub", false),
            on("dist", false),
            false,
            on("remote proc transaction promotion", true),
            started,
            false
        ]);
    }
    Ok(rows)
}

fn is_on(s: &LinkedServer, option: &str, otherwise: bool) -> bool {
    s.options.get(option).map_or(otherwise, |v| v == "on")
}

fn number(s: &LinkedServer, option: &str) -> i32 {
    s.options.get(option).and_then(|v| v.parse().ok()).unwrap_or(0)
}

fn linked_logins(c: &ViewContext<'_>) -> Rows {
    let principals = c.source.principals();
    let started = c.source.started();
    let settings = c.source.settings();
    let all = settings.linked_servers.iter().flat_map(|s| s.logins.iter().map(move |l| (s.id, l)));
    let row = |(server, l): (i32, &LinkedLogin)| {
        // 0: everybody. A login that is gone is nobody.
        let local = match &l.local {
            Some(name) => principals.login(name)?.id,
            None => 0,
        };
        Some(row![server, local, l.use_self, l.remote.as_deref(), started])
    };
    Ok(all.filter_map(row).collect())
}

fn old_servers(c: &ViewContext<'_>) -> Rows {
    Ok(servers(c)?
        .into_iter()
        .map(|s| {
            let at = |i: usize| s[i].clone();
            let net = match &s[1] {
                Value::String(name) => name.to_text().chars().take(30).collect(),
                _ => String::new(),
            };
            row![
                at(0),
                0i16,
                at(1),
                at(2),
                at(3),
                at(4),
                at(5),
                at(6),
                at(24),
                0,
                0,
                at(7),
                at(16),
                at(8),
                at(9),
                net,
                at(10),
                at(11),
                at(19),
                at(20),
                at(21),
                false,
                at(12),
                at(13),
                at(14),
                at(18),
                at(15),
                at(17),
                at(16),
                at(22)
            ]
        })
        .collect())
}

/// A value that is what it is; one that counts since the start, for a rate.
const PLAIN: i32 = 65_792;
const RATE: i32 = 272_696_576;

fn counters(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    let mut put = |object: &str, counter: &str, instance: &str, value: i64, kind: i32| {
        rows.push(row![format!("SQLServer:{object}"), counter, instance, value, kind]);
    };
    let counts = c.source.counts();
    let sessions = c.source.sessions();
    put("General Statistics", "User Connections", "", sessions.len() as i64, PLAIN);
    put("General Statistics", "Logins/sec", "", counts.logins, RATE);
    put("SQL Statistics", "Batch Requests/sec", "", counts.requests, RATE);
    let open = sessions.iter().filter(|s| s.transaction.is_some()).count();
    put("General Statistics", "Transactions", "", open as i64, PLAIN);
    if let Some(locks) = c.source.locks() {
        let waiting = locks.locks().iter().filter(|l| l.status != Status::Granted).count();
        put("General Statistics", "Processes blocked", "", waiting as i64, PLAIN);
    }
    let mut total = [0i64; 2];
    for d in c.source.databases() {
        let size = |kind: u8| -> i64 {
            d.files.iter().filter(|f| f.kind == kind).map(|f| i64::from(f.size) * 8).sum()
        };
        for (sum, kind) in total.iter_mut().zip([0, 1]) {
            *sum += size(kind);
        }
        put("Databases", "Data File(s) Size (KB)", &d.name, size(0), PLAIN);
        put("Databases", "Log File(s) Size (KB)", &d.name, size(1), PLAIN);
    }
    put("Databases", "Data File(s) Size (KB)", "_Total", total[0], PLAIN);
    put("Databases", "Log File(s) Size (KB)", "_Total", total[1], PLAIN);
    Ok(rows)
}

/// Modes by their number in syslockinfo.
const MODES: &[&str] = &[
    "NULL", "Sch-S", "Sch-M", "S", "U", "X", "IS", "IU", "IX", "SIU", "SIX", "UIX", "BU", "RangeS-S",
    "RangeS-U", "RangeI-N", "RangeI-S", "RangeI-U", "RangeI-X", "RangeX-S", "RangeX-U", "RangeX-X",
];

/// Kinds of resources by theirs.
const KINDS: &[(&str, u8)] = &[
    ("DATABASE", 2),
    ("FILE", 3),
    ("OBJECT", 5),
    ("PAGE", 6),
    ("KEY", 7),
    ("EXTENT", 8),
    ("RID", 9),
    ("APPLICATION", 10),
    ("METADATA", 11),
    ("HOBT", 12),
    ("ALLOCATION_UNIT", 13),
];

fn old_locks(c: &ViewContext<'_>) -> Rows {
    let Some(locks) = c.source.locks() else { return Ok(Vec::new()) };
    Ok(locks
        .locks()
        .iter()
        .map(|l| {
            let kind = KINDS.iter().find(|k| k.0 == l.resource.kind()).map_or(1, |k| k.1);
            let mode = MODES.iter().position(|m| *m == l.mode.name()).unwrap_or(0);
            let status = match l.status {
                Status::Granted => 1u8,
                Status::Converting => 2,
                Status::Waiting => 3,
            };
            let object = if kind == 5 { l.resource.entity() } else { 0 };
            row![
                l.description.chars().take(32).collect::<String>(),
                [0u8; 16].as_slice(),
                [0u8; 16].as_slice(),
                l.resource.database() as i16,
                0i16,
                i32::try_from(object).unwrap_or(0),
                kind,
                0u8,
                mode as u8,
                status,
                i16::try_from(l.count).unwrap_or(i16::MAX),
                0i16,
                if l.status == Status::Granted { 0x0200_0000 } else { 0 },
                i32::from(l.session),
                0,
                1i16,
                l.owner.0 as i64,
                Value::Null
            ]
        })
        .collect())
}

/// Numbers of the permissions that SQL Server 2000 knew.
const ACTIONS: &[(&str, u8)] = &[
    ("RF", 26),
    ("CRFN", 178),
    ("SL", 193),
    ("IN", 195),
    ("DL", 196),
    ("UP", 197),
    ("CRTB", 198),
    ("CRDB", 203),
    ("CRVW", 207),
    ("CRPR", 222),
    ("EX", 224),
    ("BADB", 228),
    ("CRDF", 233),
    ("BALO", 235),
    ("CRRU", 236),
];

/// Permissions on columns of a table are one row with a bit for each column (bit 0: all of them).
fn old_permissions(c: &ViewContext<'_>) -> Rows {
    let mut found: BTreeMap<(i32, i32, u8, u8, i32), Vec<u8>> = BTreeMap::new();
    for r in c.source.base_rows("sysprivs")?.iter() {
        let Some((_, action)) = ACTIONS.iter().find(|a| a.0 == r.text("type").trim_end()) else { continue };
        let kind = match r.text("state").trim_end() {
            "W" => 204,
            "G" => 205,
            "D" => 206,
            _ => continue,
        };
        let id = match r.int("class") {
            0 => 0,
            1 => r.int("id"),
            _ => continue,
        };
        let bits = found.entry((id, r.int("grantee"), *action, kind, r.int("grantor"))).or_default();
        let column = usize::try_from(r.int("subid")).unwrap_or(0);
        if bits.len() <= column / 8 {
            bits.resize(column / 8 + 1, 0);
        }
        bits[column / 8] |= 1 << (column % 8);
    }
    Ok(found
        .into_iter()
        .map(|((id, grantee, action, kind, grantor), bits)| {
            let columns = (id != 0 && matches!(action, 26 | 193 | 197)).then_some(bits);
            row![id, grantee as i16, action, kind, columns.map(|b| Value::binary(&b)), grantor as i16]
        })
        .collect())
}
