//! What the instance tells of itself: configuration, sessions, requests, host, messages, languages.

use holdfast_types::datetime::Language;
use holdfast_types::{SqlResult, SqlType, Value, messages};

use super::locks::{wait_resource, waits_by_session};
use super::source::SessionRow;
use super::table::variant;
use super::{SystemView, ViewContext, row};
use crate::host::configuration;

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.configurations",
        columns: "configuration_id int!, name nvarchar(35)!, value sql_variant, minimum sql_variant, maximum sql_variant, value_in_use sql_variant, description nvarchar(255)!, is_dynamic bit!, is_advanced bit!",
        rows: configurations,
    },
    SystemView {
        name: "sys.dm_exec_sessions",
        columns: "session_id smallint!, login_time datetime!, host_name nvarchar(128), program_name nvarchar(128), host_process_id int, client_version int, client_interface_name nvarchar(32), security_id varbinary(85)!, login_name nvarchar(128)!, nt_domain nvarchar(128), nt_user_name nvarchar(128), status nvarchar(30)!, context_info varbinary(128), cpu_time int!, memory_usage int!, total_scheduled_time int!, total_elapsed_time int!, endpoint_id int!, last_request_start_time datetime!, last_request_end_time datetime, reads bigint!, writes bigint!, logical_reads bigint!, is_user_process bit!, text_size int!, language nvarchar(128), date_format nvarchar(3), date_first smallint!, quoted_identifier bit!, arithabort bit!, ansi_null_dflt_on bit!, ansi_defaults bit!, ansi_warnings bit!, ansi_padding bit!, ansi_nulls bit!, concat_null_yields_null bit!, transaction_isolation_level smallint!, lock_timeout int!, deadlock_priority int!, row_count bigint!, prev_error int!, original_security_id varbinary(85)!, original_login_name nvarchar(128)!, last_successful_logon datetime, last_unsuccessful_logon datetime, unsuccessful_logons bigint, group_id int!, database_id smallint!, authenticating_database_id int, open_transaction_count int!, page_server_reads bigint!",
        rows: sessions,
    },
    SystemView {
        name: "sys.dm_exec_connections",
        columns: "session_id int, most_recent_session_id int, connect_time datetime!, net_transport nvarchar(40)!, protocol_type nvarchar(40), protocol_version int, endpoint_id int, encrypt_option nvarchar(40)!, auth_scheme nvarchar(40)!, node_affinity smallint!, num_reads int, num_writes int, last_read datetime, last_write datetime, net_packet_size int, client_net_address varchar(48), client_tcp_port int, local_net_address varchar(48), local_tcp_port int, connection_id uniqueidentifier!, parent_connection_id uniqueidentifier, most_recent_sql_handle varbinary(64)",
        rows: connections,
    },
    SystemView {
        name: "sys.dm_exec_requests",
        columns: "session_id smallint!, request_id int!, start_time datetime!, status nvarchar(30)!, command nvarchar(32)!, sql_handle varbinary(64), statement_start_offset int, statement_end_offset int, plan_handle varbinary(64), database_id smallint!, user_id int!, connection_id uniqueidentifier, blocking_session_id smallint, wait_type nvarchar(60), wait_time int!, last_wait_type nvarchar(60)!, wait_resource nvarchar(256)!, open_transaction_count int!, open_resultset_count int!, transaction_id bigint!, context_info varbinary(128), percent_complete real!, estimated_completion_time bigint!, cpu_time int!, total_elapsed_time int!, scheduler_id int, task_address varbinary(8), reads bigint!, writes bigint!, logical_reads bigint!, text_size int!, language nvarchar(128), date_format nvarchar(3), date_first smallint!, quoted_identifier bit!, arithabort bit!, ansi_null_dflt_on bit!, ansi_defaults bit!, ansi_warnings bit!, ansi_padding bit!, ansi_nulls bit!, concat_null_yields_null bit!, transaction_isolation_level smallint!, lock_timeout int!, deadlock_priority int!, row_count bigint!, prev_error int!, nest_level int!, granted_query_memory int!, executing_managed_code bit!, group_id int!, query_hash binary(8), query_plan_hash binary(8), statement_sql_handle varbinary(64), statement_context_id bigint, dop int, parallel_worker_count int, external_script_request_id uniqueidentifier, is_resumable bit, page_resource binary(8), page_server_reads bigint, dist_statement_id uniqueidentifier",
        rows: requests,
    },
    SystemView {
        name: "sys.dm_os_host_info",
        columns: "host_platform nvarchar(256)!, host_distribution nvarchar(256)!, host_release nvarchar(256)!, host_service_pack_level nvarchar(256)!, host_sku int, os_language_version int!, host_architecture nvarchar(256)!",
        rows: |_| {
            let architecture = if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" };
            Ok(vec![row!["Linux", "Linux", "", "", Value::Null, 0, architecture]])
        },
    },
    SystemView {
        name: "sys.dm_os_sys_info",
        columns: "cpu_ticks bigint!, ms_ticks bigint!, cpu_count int!, hyperthread_ratio int!, physical_memory_kb bigint!, virtual_memory_kb bigint!, committed_kb bigint!, committed_target_kb bigint!, visible_target_kb bigint!, stack_size_in_bytes int!, os_quantum bigint!, os_error_mode int!, os_priority_class int, max_workers_count int!, scheduler_count int!, scheduler_total_count int!, deadlock_monitor_serial_number int!, sqlserver_start_time_ms_ticks bigint!, sqlserver_start_time datetime!, affinity_type int!, affinity_type_desc nvarchar(60)!, process_kernel_time_ms bigint!, process_user_time_ms bigint!, time_source int!, time_source_desc nvarchar(60)!, virtual_machine_type int!, virtual_machine_type_desc nvarchar(60)!, softnuma_configuration int!, softnuma_configuration_desc nvarchar(60)!, process_physical_affinity nvarchar(3072), sql_memory_model int!, sql_memory_model_desc nvarchar(60)!, socket_count int, cores_per_socket int, numa_node_count int, container_type int!, container_type_desc nvarchar(60)!",
        rows: system_info,
    },
    SystemView {
        name: "sys.dm_server_services",
        columns: "servicename nvarchar(256)!, startup_type int, startup_type_desc nvarchar(256)!, status int, status_desc nvarchar(256)!, process_id int, last_startup_time datetime, service_account nvarchar(256)!, filename nvarchar(256)!, is_clustered nvarchar(1)!, cluster_nodename nvarchar(256), instant_file_initialization_enabled nvarchar(1)!",
        rows: |c| {
            Ok(vec![row![
                "Holdfast",
                2,
                "Automatic",
                4,
                "Running",
                std::process::id() as i32,
                c.source.started(),
                "",
                "holdfast",
                "N",
                Value::Null,
                "Y"
            ]])
        },
    },
    SystemView {
        name: "sys.messages",
        columns: "message_id int!, language_id smallint!, severity tinyint, is_event_logged bit!, text nvarchar(2048)!",
        rows: |c| {
            let settings = c.source.settings();
            let own = messages::all().map(|m| row![m.0, 1033, m.1, settings.is_logged(m.0, m.1), m.2]);
            let added = settings
                .messages
                .iter()
                .map(|m| row![m.number, m.language, m.severity, m.logged, m.text.as_str()]);
            Ok(own.chain(added).collect())
        },
    },
    SystemView {
        name: "sys.syslanguages",
        columns: "langid smallint!, dateformat nchar(3)!, datefirst tinyint!, upgrade int, name sysname!, alias sysname, months nvarchar(372), shortmonths nvarchar(132), days nvarchar(217), lcid int!, msglangid smallint!",
        rows: |_| Ok(Language::all().map(language_row).collect()),
    },
    SystemView {
        name: "sys.endpoints",
        columns: "name sysname!, endpoint_id int!, principal_id int, protocol tinyint!, protocol_desc desc, type tinyint!, type_desc desc, state tinyint, state_desc desc, is_admin_endpoint bit!",
        rows: |_| Ok(vec![row!["TSQL Default TCP", 4, 1, 2, "TCP", 2, "TSQL", 0, "STARTED", false]]),
    },
    SystemView {
        name: "sys.tcp_endpoints",
        columns: "name sysname!, endpoint_id int!, principal_id int, protocol tinyint!, protocol_desc desc, type tinyint!, type_desc desc, state tinyint, state_desc desc, is_admin_endpoint bit!, port int!, is_dynamic_port bit!, ip_address nvarchar(45)",
        rows: |_| {
            Ok(vec![row![
                "TSQL Default TCP",
                4,
                1,
                2,
                "TCP",
                2,
                "TSQL",
                0,
                "STARTED",
                false,
                0,
                true,
                Value::Null
            ]])
        },
    },
    SystemView {
        name: "sys.database_scoped_configurations",
        columns: "configuration_id int, name nvarchar(60), value sql_variant, value_for_secondary sql_variant, is_value_default bit",
        rows: |c| {
            use crate::ddl::scoped_configuration::{OPTIONS, kept_name};
            let database = c.source.database();
            // Options that are ON or OFF are bits.
            let shown = |value: &str| match value {
                "ON" | "OFF" => variant(Value::Bit(value == "ON"), SqlType::BIT),
                _ => variant(Value::Int(value.parse().unwrap_or(0)), SqlType::INT),
            };
            let row = |&(id, name, _, usual): &(i32, &str, i32, &str)| {
                let set = database.options.get(&kept_name(name, false)).map(String::as_str);
                let other = database.options.get(&kept_name(name, true));
                row![
                    id,
                    name,
                    shown(set.unwrap_or(usual)),
                    other.map_or(Value::Null, |v| shown(v)),
                    set.is_none() && other.is_none()
                ]
            };
            Ok(OPTIONS.iter().map(row).collect())
        },
    },
    SystemView {
        name: "sys.securable_classes",
        columns: "class_desc desc, class int, type varchar(2), type_desc desc",
        rows: |_| {
            Ok(vec![
                row!["DATABASE", 0, "DB", "DATABASE"],
                row!["OBJECT_OR_COLUMN", 1, "U ", "USER_TABLE"],
                row!["SCHEMA", 3, "SC", "SCHEMA"],
            ])
        },
    },
    SystemView {
        name: "sys.time_zone_info",
        columns: "name sysname!, current_utc_offset nvarchar(6)!, is_currently_dst bit!",
        rows: |_| Ok(vec![row!["UTC", "+00:00", false]]),
    },
];

fn configurations(c: &ViewContext<'_>) -> Rows {
    let v = |n: i32| variant(Value::Int(n), SqlType::INT);
    Ok(configuration::all()
        .map(|o| {
            let (configured, in_use) = c.source.configured(o.id);
            row![
                o.id,
                o.name,
                v(configured),
                v(o.minimum),
                v(o.maximum),
                v(in_use),
                o.description,
                o.dynamic,
                o.advanced
            ]
        })
        .collect())
}

/// The options as sysconfigures (configured values) and syscurconfigs (those in use) show them: status 1 dynamic, 2 advanced.
pub fn configures(c: &ViewContext<'_>, in_use: bool) -> Vec<Vec<Value>> {
    configuration::all()
        .map(|o| {
            let (configured, running) = c.source.configured(o.id);
            let status = i16::from(o.dynamic) | if o.advanced { 2 } else { 0 };
            row![if in_use { running } else { configured }, o.id, o.description, status]
        })
        .collect()
}

fn session(s: &SessionRow, sid: &[u8]) -> Vec<Value> {
    row![
        s.session_id,
        s.login_time,
        &s.host,
        &s.program,
        s.host_process_id,
        7,
        &s.client_interface,
        sid,
        &s.login,
        "",
        "",
        if s.running { "running" } else { "sleeping" },
        Value::Null,
        0,
        4,
        0,
        0,
        4,
        s.login_time,
        s.login_time,
        0i64,
        0i64,
        0i64,
        true,
        i32::MAX,
        "us_english",
        "mdy",
        7,
        true,
        true,
        true,
        false,
        true,
        true,
        true,
        true,
        s.isolation,
        s.lock_timeout,
        s.deadlock_priority,
        0i64,
        0,
        sid,
        &s.login,
        Value::Null,
        Value::Null,
        Value::Null,
        2,
        s.database_id,
        1,
        s.open_transactions,
        0i64
    ]
}

fn sessions(c: &ViewContext<'_>) -> Rows {
    let principals = c.source.principals();
    let sid = |s: &SessionRow| principals.login(&s.login).map_or(&[][..], |l| &l.sid);
    Ok(c.source.sessions().iter().map(|s| session(s, sid(s))).collect())
}

/// What `sys.dm_exec_sql_text` finds a session's text by.
fn sql_handle(s: &SessionRow) -> Value {
    let mut handle = [0u8; 20];
    handle[..2].copy_from_slice(&s.session_id.to_le_bytes());
    Value::binary(&handle)
}

fn connections(c: &ViewContext<'_>) -> Rows {
    let one = |s: &SessionRow| {
        row![
            i32::from(s.session_id),
            i32::from(s.session_id),
            s.login_time,
            "TCP",
            "TSQL",
            0x7400_0004,
            4,
            if s.encrypted { "TRUE" } else { "FALSE" },
            "SQL",
            0,
            0,
            0,
            s.login_time,
            s.login_time,
            4096,
            &s.client_address,
            Value::Null,
            s.local_address.map(|a| a.ip().to_string()),
            s.local_address.map(|a| i32::from(a.port())),
            [0u8; 16],
            Value::Null,
            sql_handle(s)
        ]
    };
    Ok(c.source.sessions().iter().map(one).collect())
}

fn requests(c: &ViewContext<'_>) -> Rows {
    let waits = waits_by_session(c);
    let one = |s: &SessionRow| {
        let wait = waits.get(&s.session_id);
        row![
            s.session_id,
            0,
            s.login_time,
            if wait.is_some() { "suspended" } else { "running" },
            &s.command,
            sql_handle(s),
            0,
            -1,
            Value::Null,
            s.database_id,
            1,
            Value::Null,
            wait.and_then(|w| w.blockers.first()).map_or(0, |b| *b as i16),
            wait.map_or(Value::Null, |w| Value::string(&w.kind())),
            wait.map_or(0, |w| w.waited.as_millis() as i32),
            wait.map_or("MISCELLANEOUS".into(), |w| w.kind()),
            wait.map_or(String::new(), wait_resource),
            s.open_transactions,
            1,
            s.transaction.as_ref().map_or(0, |t| t.id),
            Value::Null,
            s.percent_complete,
            0i64,
            0,
            0,
            0,
            Value::Null,
            0i64,
            0i64,
            0i64,
            i32::MAX,
            "us_english",
            "mdy",
            7,
            true,
            true,
            true,
            false,
            true,
            true,
            true,
            true,
            s.isolation,
            s.lock_timeout,
            s.deadlock_priority,
            0i64,
            0,
            0,
            0,
            false,
            2,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            1,
            Value::Null,
            Value::Null,
            false,
            Value::Null,
            0i64,
            Value::Null
        ]
    };
    Ok(c.source.sessions().iter().filter(|s| s.running).map(one).collect())
}

fn system_info(c: &ViewContext<'_>) -> Rows {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as i32);
    let (user, kernel) = super::management::processor_time();
    Ok(vec![row![
        0i64,
        0i64,
        cores,
        1,
        super::management::kilobytes("/proc/meminfo", "MemTotal"),
        0i64,
        super::management::kilobytes("/proc/self/status", "VmRSS"),
        0i64,
        0i64,
        2_093_056,
        4i64,
        5,
        Value::Null,
        512,
        cores,
        cores,
        0,
        0i64,
        c.source.started(),
        2,
        "AUTO",
        kernel,
        user,
        0,
        "QUERY_PERFORMANCE_COUNTER",
        0,
        "NONE",
        0,
        "OFF",
        Value::Null,
        1,
        "CONVENTIONAL",
        1,
        cores,
        1,
        0,
        "NONE"
    ]])
}

fn language_row(language: Language) -> Vec<Value> {
    let l = language.0;
    // Messages of British English are those of us_english.
    let messages = if l.lcid == 2057 { 1033 } else { l.lcid as i32 };
    let names = |list: &[&str]| list.join(",");
    row![
        l.lang_id as i32,
        l.date_order.name(),
        l.date_first,
        0,
        l.name,
        l.alias,
        names(&l.months),
        names(&l.short_months),
        names(&l.days),
        l.lcid as i32,
        messages
    ]
}
