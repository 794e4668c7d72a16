//! SERVERPROPERTY, DATABASEPROPERTYEX and the version text: what the instance says it is.
//!
//! Holdfast says honestly what it is where text is shown (@@VERSION, Edition); the version *number* that tools compare is
//! configurable and is that of the SQL Server whose behaviour is followed.

use std::sync::Arc;

use holdfast_engine::ddl::boot;
use holdfast_engine::instance::DatabaseState;
use holdfast_format::boot::StoredDateTime;
use holdfast_types::{DateTime, SqlType, Value};

use super::Host;
use super::database::database_info;

/// Product name, first words of @@VERSION.
pub const PRODUCT: &str = "Holdfast";

/// @@VERSION. Tools (SQLAlchemy among them) look for a text that begins with
/// "Microsoft" and for the number behind " - ", so both are said, with what this is.
pub fn version_text(host: &Host) -> Arc<str> {
    let version = host.instance.options.version_text();
    let year = match host.instance.options.product_version.0 {
        11 => "2012",
        12 => "2014",
        13 => "2016",
        14 => "2017",
        15 => "2019",
        16 => "2022",
        _ => "2025",
    };
    format!(
        "Microsoft SQL Server {year} compatible server {PRODUCT} {} - {version} ({}) on Linux",
        env!("CARGO_PKG_VERSION"),
        if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" },
    )
    .into()
}

/// SERVERPROPERTY: base type and value; `None` when there is no such property (the function then answers NULL).
pub fn server_property(host: &Host, name: &str) -> Option<(SqlType, Value)> {
    let options = &host.instance.options;
    let collation = options.collation;
    let text = |s: &str| Some((SqlType::nvarchar(128, collation), Value::string(s)));
    let int = |n: i32| Some((SqlType::INT, Value::Int(n)));
    let (major, minor, build, _) = options.product_version;
    let instance_directory = |p: std::path::PathBuf| text(&format!("{}/", p.display()));
    match name.to_lowercase().as_str() {
        "productversion" | "resourceversion" => text(&options.version_text()),
        "productmajorversion" => text(&major.to_string()),
        "productminorversion" => text(&minor.to_string()),
        "productbuild" => text(&build.to_string()),
        "productlevel" => text("RTM"),
        "productupdatelevel" | "productupdatereference" | "productbuildtype" => {
            Some((SqlType::nvarchar(128, collation), Value::Null))
        }
        "edition" => text("Holdfast Edition (64-bit)"),
        "editionid" => Some((SqlType::BIGINT, Value::BigInt(-1_534_726_760))),
        "engineedition" => int(3),
        "servername" | "machinename" | "computernamephysicalnetbios" => text(&options.server_name),
        "instancename" => Some((SqlType::nvarchar(128, collation), Value::Null)),
        "collation" => text(&collation.name().unwrap_or_default()),
        "collationid" => int(collation.0 as i32),
        "comparisonstyle" => int(196_609),
        "lcid" => int(collation.lcid() as i32),
        "sqlcharset" => Some((SqlType::TINYINT, Value::TinyInt(1))),
        "sqlcharsetname" => text("iso_1"),
        "sqlsortorder" => Some((SqlType::TINYINT, Value::TinyInt((collation.0 >> 24) as u8))),
        "sqlsortordername" => text("nocase_iso"),
        "buildclrversion" => text(""),
        "isclustered"
        | "ishadrenabled"
        | "isfulltextinstalled"
        | "isintegratedsecurityonly"
        | "islocaldb"
        | "issingleuser"
        | "isadvancedanalyticsinstalled"
        | "ispolybaseinstalled"
        | "isxtpsupported"
        | "isbigdatacluster"
        | "isexternalauthenticationonly"
        | "isexternalgovernanceenabled"
        | "istempdbmetadatamemoryoptimized"
        | "isserversuspendedforsnapshotbackup"
        | "suspendeddatabasecount"
        | "filestreamconfiguredlevel"
        | "filestreameffectivelevel" => int(0),
        "hadrmanagerstatus" => int(2),
        "licensetype" => text("DISABLED"),
        "numlicenses" => Some((SqlType::INT, Value::Null)),
        "processid" => int(std::process::id() as i32),
        "pathseparator" => text("/"),
        "resourcelastupdatedatetime" => Some((SqlType::DATETIME, Value::DateTime(host.started()))),
        "instancedefaultdatapath" | "instancedefaultlogpath" => {
            instance_directory(host.instance.data_directory())
        }
        "instancedefaultbackuppath" => instance_directory(host.instance.backup_directory()),
        "errorlogfilename" => text(&format!("{}/errorlog", options.data_directory.display())),
        "filestreamsharename" => Some((SqlType::nvarchar(128, collation), Value::Null)),
        _ => None,
    }
}

/// DATABASEPROPERTYEX.
pub fn database_property(host: &Host, database_id: i32, name: &str) -> Option<(SqlType, Value)> {
    let entry = host.instance.find_id(database_id)?;
    let info = database_info(&entry, host.instance.options.collation, &host.instance);
    let collation = host.instance.options.collation;
    let online = matches!(entry.state(), DatabaseState::Online(_));
    let text = |s: &str| Some((SqlType::nvarchar(128, collation), Value::string(s)));
    let int = |n: i32| Some((SqlType::INT, Value::Int(n)));
    match name.to_lowercase().as_str() {
        "collation" => text(&info.collation.name().unwrap_or_default()),
        "lcid" => int(info.collation.lcid() as i32),
        "comparisonstyle" => int(196_609),
        "sqlsortorder" => Some((SqlType::TINYINT, Value::TinyInt((info.collation.0 >> 24) as u8))),
        "recovery" => text(match info.recovery_model {
            1 => "FULL",
            2 => "BULK_LOGGED",
            _ => "SIMPLE",
        }),
        "status" => text(match info.state {
            0 => "ONLINE",
            1 => "RESTORING",
            3 => "SUSPECT",
            _ => "OFFLINE",
        }),
        "updateability" => text(if info.read_only { "READ_ONLY" } else { "READ_WRITE" }),
        "useraccess" => text(info.user_access()),
        "isautoclose" => int(i32::from(info.is_on("AUTO_CLOSE", false))),
        "isautoshrink" => int(i32::from(info.is_on("AUTO_SHRINK", false))),
        "isansinullsenabled" => int(i32::from(info.is_on("ANSI_NULLS", false))),
        "isansinulldefault" => int(i32::from(info.is_on("ANSI_NULL_DEFAULT", false))),
        "isansipaddingenabled" => int(i32::from(info.is_on("ANSI_PADDING", false))),
        "isansiwarningsenabled" => int(i32::from(info.is_on("ANSI_WARNINGS", false))),
        "isarithmeticabortenabled" => int(i32::from(info.is_on("ARITHABORT", false))),
        "isclosecursorsoncommitenabled" => int(i32::from(info.is_on("CURSOR_CLOSE_ON_COMMIT", false))),
        "islocalcursorsdefault" => {
            int(i32::from(info.options.get("CURSOR_DEFAULT").is_some_and(|v| v == "LOCAL")))
        }
        "isnullconcat" => int(i32::from(info.is_on("CONCAT_NULL_YIELDS_NULL", false))),
        "isnumericroundabortenabled" => int(i32::from(info.is_on("NUMERIC_ROUNDABORT", false))),
        "isparameterizationforced" => {
            int(i32::from(info.options.get("PARAMETERIZATION").is_some_and(|v| v == "FORCED")))
        }
        "isquotedidentifiersenabled" => int(i32::from(info.is_on("QUOTED_IDENTIFIER", false))),
        "isrecursivetriggersenabled" => int(i32::from(info.is_on("RECURSIVE_TRIGGERS", false))),
        "isautocreatestatistics" => int(i32::from(info.is_on("AUTO_CREATE_STATISTICS", true))),
        "isautocreatestatisticsincremental" | "isdatabasesuspendedforsnapshotbackup" => int(0),
        "isautoupdatestatistics" => int(i32::from(info.is_on("AUTO_UPDATE_STATISTICS", true))),
        "version" => online.then_some((SqlType::INT, Value::Int(info.version))),
        "edition" => text("Holdfast Edition"),
        "isinstandby"
        | "isfulltextenabled"
        | "ismergepublished"
        | "ispublished"
        | "issubscribed"
        | "issyncwithbackup"
        | "isclone"
        | "isverifiedclone"
        | "isxtpsupported"
        | "ismemoryoptimizedelevatetosnapshotenabled" => int(0),
        "istornpagedetectionenabled" => int(i32::from(info.page_verify == 1)),
        "lastgoodcheckdbtime" => {
            let DatabaseState::Online(database) = entry.state() else {
                return Some((SqlType::DATETIME, Value::Null));
            };
            let checked = match database.stored() {
                Some(catalog) => boot::now(&catalog).ok()?.last_good_check,
                None => StoredDateTime::default(),
            };
            let when = DateTime { days: checked.days, ticks: checked.ticks };
            Some((SqlType::DATETIME, Value::DateTime(when)))
        }
        _ => None,
    }
}
