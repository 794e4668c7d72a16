//! Compatibility views of SQL Server 2000: sysobjects, syscolumns, sysindexes and their kin (in schema sys; the engine also
//! finds them in dbo).

use holdfast_types::{SqlResult, Value};

use super::locks::{wait_resource, waits_by_session};
use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.sysobjects",
        columns: "name sysname!, id int!, xtype char(2)!, uid smallint, info smallint, status int, base_schema_ver int, replinfo int, parent_obj int!, crdate datetime!, ftcatid smallint, schema_ver int, stats_schema_ver int, type char(2), userstat smallint, sysstat smallint, indexdel smallint, refdate datetime!, version int, deltrig int, instrig int, updtrig int, seltrig int, category int, cache smallint",
        rows: sysobjects,
    },
    SystemView {
        name: "sys.syscolumns",
        columns: "name sysname, id int!, xtype tinyint!, typestat tinyint, xusertype smallint, length smallint!, xprec tinyint!, xscale tinyint!, colid smallint, xoffset smallint, bitpos tinyint, reserved tinyint, colstat smallint, cdefault int!, domain int!, number smallint!, colorder smallint, autoval varbinary(8000), offset smallint, collationid int, language int, status tinyint, type tinyint!, usertype smallint, printfmt varchar(255), prec smallint, scale int, iscomputed int, isoutparam int, isnullable int, collation sysname, tdscollation binary(5)",
        rows: syscolumns,
    },
    SystemView {
        name: "sys.sysindexes",
        columns: "id int!, status int, first binary(6), indid smallint, root binary(6), minlen smallint, keycnt smallint, groupid smallint, dpages int, reserved int, used int, rowcnt bigint, rowmodctr int, xmaxlen smallint, maxirow smallint, OrigFillFactor tinyint, StatVersion tinyint, FirstIAM binary(6), name sysname, rows int",
        rows: sysindexes,
    },
    SystemView {
        name: "sys.sysusers",
        columns: "uid smallint, status smallint, name sysname!, sid varbinary(85), roles varbinary(2048), createdate datetime!, updatedate datetime!, altuid smallint, password varbinary(256), gid smallint, environ varchar(255), hasdbaccess int, islogin int, isntname int, isntgroup int, isntuser int, issqluser int, isaliased int, issqlrole int, isapprole int",
        rows: sysusers,
    },
    SystemView {
        name: "sys.systypes",
        columns: "name sysname!, xtype tinyint!, status tinyint, xusertype smallint, length smallint!, xprec tinyint!, xscale tinyint!, tdefault int!, domain int!, uid smallint, reserved smallint, collationid int, usertype smallint, variable bit, allownulls bit, type tinyint!, printfmt varchar(255), prec smallint, scale tinyint, collation sysname",
        rows: systypes,
    },
    SystemView {
        name: "sys.sysdatabases",
        columns: "name sysname!, dbid smallint, sid varbinary(85), mode smallint, status int, status2 int, crdate datetime!, reserved datetime, category int, cmptlevel tinyint!, filename nvarchar(260), version smallint",
        rows: sysdatabases,
    },
    SystemView {
        name: "sys.sysfiles",
        columns: "fileid smallint, groupid smallint, size int!, maxsize int!, growth int!, status int, perf int, name sysname!, filename nvarchar(260)",
        rows: sysfiles,
    },
    SystemView {
        name: "sys.syscomments",
        columns: "id int!, number smallint, colid smallint!, status smallint!, ctext varbinary(8000), texttype smallint, language smallint, encrypted bit!, compressed bit!, text nvarchar(4000)",
        rows: syscomments,
    },
    SystemView {
        name: "sys.sysforeignkeys",
        columns: "constid int!, fkeyid int, rkeyid int, fkey smallint, rkey smallint, keyno smallint",
        rows: |c| {
            let mut rows = Vec::new();
            for k in c.model.of_kind(&["F"]) {
                let (table, _, pairs) = c.model.foreign_key(k.id);
                for (n, (parent, referenced)) in pairs.into_iter().enumerate() {
                    rows.push(row![k.id, k.parent_id, table, parent, referenced, n as i32 + 1]);
                }
            }
            Ok(rows)
        },
    },
    SystemView {
        name: "sys.sysprocesses",
        columns: "spid smallint!, kpid smallint!, blocked smallint!, waittype binary(2)!, waittime bigint!, lastwaittype nchar(32)!, waitresource nchar(256)!, dbid smallint!, uid smallint, cpu int!, physical_io bigint!, memusage int!, login_time datetime!, last_batch datetime!, ecid smallint!, open_tran smallint!, status nchar(30)!, sid binary(86)!, hostname nchar(128)!, program_name nchar(128)!, hostprocess nchar(10)!, cmd nchar(26)!, nt_domain nchar(128)!, nt_username nchar(128)!, net_address nchar(12)!, net_library nchar(12)!, loginame nchar(128)!, context_info binary(128)!, sql_handle binary(20)!, stmt_start int!, stmt_end int!, request_id int!, page_resource binary(8)",
        rows: sysprocesses,
    },
    SystemView {
        name: "sys.sysconfigures",
        columns: CONFIGURES,
        rows: |c| Ok(super::server::configures(c, false)),
    },
    SystemView {
        name: "sys.syscurconfigs",
        columns: CONFIGURES,
        rows: |c| Ok(super::server::configures(c, true)),
    },
    SystemView {
        name: "sys.sysfilegroups",
        columns: "groupid smallint, allocpolicy smallint, status int, groupname sysname!",
        rows: |c| {
            // 0x10: the default, 0x8: read-only.
            let status = |g: &super::storage::FilegroupRow| {
                (if g.default { 0x10 } else { 0 }) | (if g.read_only { 8 } else { 0 })
            };
            let groups = super::filegroup_rows(c.source)?;
            Ok(groups.into_iter().map(|g| row![g.id, 0, status(&g), g.name]).collect())
        },
    },
];

const CONFIGURES: &str = "value int, config int!, comment nvarchar(255)!, status smallint!";

/// sysobjects.xtype keeps the catalog's code; `type` maps constraints to K and the like.
fn old_type(kind: &str) -> &str {
    match kind {
        "PK" | "UQ" => "K",
        other => other,
    }
}

/// The four bits of `sysstat` that tell the type, as SQL Server 7 numbered them.
fn old_kind(kind: &str) -> i32 {
    match kind {
        "S" => 1,
        "V" => 2,
        "U" => 3,
        "P" | "PC" | "X" | "RF" => 4,
        "D" => 6,
        "R" => 7,
        "TR" => 8,
        "PK" | "UQ" => 9,
        "C" => 10,
        "F" => 11,
        _ => 0,
    }
}

fn sysobjects(c: &ViewContext<'_>) -> Rows {
    let listed = c.model.objects.iter().filter(|o| o.is_listed() || matches!(&*o.kind, "S" | "IT" | "SQ"));
    Ok(listed
        .map(|o| {
            row![
                &o.name,
                o.id,
                &*o.kind,
                o.schema_id,
                o.intprop,
                0,
                0,
                0,
                o.parent_id,
                o.created,
                0,
                0,
                0,
                old_type(&o.kind),
                1,
                old_kind(&o.kind),
                0,
                o.created,
                0,
                0,
                0,
                0,
                0,
                if o.system { 2 } else { 0 },
                0
            ]
        })
        .collect())
}

fn syscolumns(c: &ViewContext<'_>) -> Rows {
    Ok(c.model
        .columns
        .iter()
        .filter(|x| c.model.object(x.object_id).is_some_and(|o| o.is_listed() || &*o.kind == "S"))
        .map(|x| {
            let ty = x.sql_type();
            let prec = ty.char_length().filter(|_| ty.id.is_character()).unwrap_or(i32::from(x.precision));
            let collation =
                (x.collation != 0).then(|| c.source.collation_name(holdfast_types::CollationId(x.collation)));
            row![
                &x.name,
                x.object_id,
                i32::from(x.xtype),
                if x.nullable() { 2 } else { 3 },
                x.user_type,
                x.length,
                i32::from(x.precision),
                i32::from(x.scale),
                x.column_id,
                0,
                0,
                0,
                i32::from(x.is_identity()) | if x.is_computed() { 4 } else { 0 },
                x.default_id,
                x.rule_id,
                x.number,
                x.column_id,
                Value::Null,
                0,
                x.collation as i32,
                0,
                if x.nullable() { 8 } else { 0 } | if x.is_identity() { 0x80 } else { 0 },
                i32::from(x.xtype),
                x.user_type.min(32767),
                Value::Null,
                prec,
                i32::from(x.scale),
                i32::from(x.is_computed()),
                i32::from(x.number != 0 && x.status & 0x200 != 0),
                i32::from(x.nullable()),
                collation,
                (x.collation != 0).then(|| Value::binary(&holdfast_types::CollationId(x.collation).to_tds()))
            ]
        })
        .collect())
}

fn sysindexes(c: &ViewContext<'_>) -> Rows {
    let rowsets = c.source.base_rows("sysrowsets")?;
    let units = c.source.base_rows("sysallocunits")?;
    let mut rows = Vec::new();
    for i in &c.model.indexes {
        if c.model.object(i.object_id).is_none() {
            continue;
        }
        let rowset =
            rowsets.iter().find(|r| r.int("idmajor") == i.object_id && r.int("idminor") == i.index_id);
        let count = rowset.map_or(0, |r| r.integer("rcrows"));
        let unit = rowset.and_then(|s| {
            units.iter().find(|u| u.integer("ownerid") == s.integer("rowsetid") && u.int("type") == 1)
        });
        let page = |column: &str| unit.and_then(|u| u.bytes(column).map(<[u8]>::to_vec));
        let number = |column: &str| unit.map_or(0, |u| u.int(column));
        let as_value = |b: Option<Vec<u8>>| b.map_or(Value::Null, |b| Value::binary(&b));
        rows.push(row![
            i.object_id,
            (if i.has(8) { 2 } else { 0 })
                | (if i.has(0x20) { 0x800 } else { 0 })
                | (if i.has(1) { 0 } else { 0x40 }),
            as_value(page("pgfirst")),
            i.index_id,
            as_value(page("pgroot")),
            0,
            c.model.index_columns_of(i.object_id, i.index_id).len() as i32,
            1,
            number("pcdata"),
            number("pcreserved"),
            number("pcused"),
            count,
            0,
            0,
            0,
            i32::from(i.fill_factor),
            0,
            as_value(page("pgfirstiam")),
            i.name.clone(),
            count as i32
        ]);
    }
    Ok(rows)
}

fn sysusers(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysowners")?
        .iter()
        .map(|r| {
            let kind = r.text("type");
            let kind = kind.trim_end();
            let role = kind == "R";
            row![
                r.int("id"),
                0,
                r.text("name"),
                r.bytes("sid"),
                Value::Null,
                r.datetime("created"),
                r.datetime("modified"),
                Value::Null,
                Value::Null,
                if role { r.int("id") } else { 0 },
                Value::Null,
                i32::from(!role && r.int("id") != 3 && r.int("id") != 4),
                i32::from(!role),
                i32::from(matches!(kind, "U" | "G")),
                i32::from(kind == "G"),
                i32::from(kind == "U"),
                i32::from(kind == "S"),
                0,
                i32::from(role),
                i32::from(kind == "A")
            ]
        })
        .collect())
}

fn systypes(c: &ViewContext<'_>) -> Rows {
    Ok(c.model
        .types
        .iter()
        .map(|t| {
            let collation =
                (t.collation != 0).then(|| c.source.collation_name(holdfast_types::CollationId(t.collation)));
            let variable = matches!(t.xtype, 165 | 167 | 231);
            row![
                &t.name,
                i32::from(t.xtype),
                0,
                t.id,
                t.length,
                i32::from(t.precision),
                i32::from(t.scale),
                0,
                0,
                t.schema_id,
                0,
                t.collation as i32,
                t.id.min(32767),
                variable,
                t.status & 1 == 0,
                i32::from(t.xtype),
                Value::Null,
                i32::from(t.precision),
                i32::from(t.scale),
                collation
            ]
        })
        .collect())
}

fn sysdatabases(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .databases()
        .iter()
        .map(|d| {
            let file = d.files.first().map(|f| f.physical_name.clone());
            row![
                &d.name,
                d.id,
                d.owner_sid.clone(),
                0,
                if d.state == 1 { 0x20 } else { 0x10000 },
                0x4000_0000,
                d.created,
                Value::Null,
                0,
                d.compatibility_level,
                file,
                d.version
            ]
        })
        .collect())
}

fn sysfiles(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .database()
        .files
        .iter()
        .map(|f| {
            let status = if f.kind == 0 { 2 } else { 0x42 } | if f.percent_growth { 0x10_0000 } else { 0 };
            row![
                f.file_id,
                f.data_space_id,
                f.size,
                f.max_size,
                f.growth,
                status,
                0,
                &f.logical_name,
                &f.physical_name
            ]
        })
        .collect())
}

/// Module texts in pieces of 4,000 characters.
fn syscomments(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for o in c.model.user_objects() {
        if c.model.is_encrypted(o.id) {
            let number = i32::from(&*o.kind == "P");
            rows.push(row![o.id, number, 1, 1, Value::Null, 6, 0, true, false, Value::Null]);
            continue;
        }
        let Some(text) = c.model.text(o.id) else { continue };
        let units: Vec<u16> = text.encode_utf16().collect();
        for (n, piece) in units.chunks(4000).enumerate() {
            rows.push(row![
                o.id,
                i32::from(&*o.kind == "P"),
                n as i32 + 1,
                0,
                Value::Null,
                2,
                0,
                false,
                false,
                Value::String(piece.to_vec().into())
            ]);
        }
    }
    Ok(rows)
}

fn sysprocesses(c: &ViewContext<'_>) -> Rows {
    let waits = waits_by_session(c);
    Ok(c.source
        .sessions()
        .iter()
        .map(|s| {
            let wait = waits.get(&s.session_id);
            row![
                s.session_id,
                0,
                wait.and_then(|w| w.blockers.first()).map_or(0, |b| *b as i16),
                if wait.is_some() { [1u8, 0] } else { [0u8; 2] }.as_slice(),
                wait.map_or(0, |w| w.waited.as_millis() as i64),
                wait.map_or("MISCELLANEOUS".into(), |w| w.kind()),
                wait.map_or(String::new(), wait_resource),
                s.database_id,
                1,
                0,
                0i64,
                4,
                s.login_time,
                s.login_time,
                0,
                s.open_transactions,
                match (s.running, wait) {
                    (_, Some(_)) => "suspended",
                    (true, None) => "running",
                    (false, None) => "sleeping",
                },
                [1u8].as_slice(),
                &s.host,
                &s.program,
                s.host_process_id.to_string(),
                if s.running { "SELECT" } else { "AWAITING COMMAND" },
                "",
                "",
                "",
                "TCP/IP",
                &s.login,
                Value::Null,
                [0u8; 20].as_slice(),
                0,
                -1,
                0,
                Value::Null
            ]
        })
        .collect())
}
