//! Who holds and waits for what: `sys.dm_tran_locks`, `sys.dm_os_waiting_tasks`, open transactions.
//!
//! Invariants
//! 1. Rows are copies of the lock manager's state at the moment the view is opened.
//! 2. A session that waits shows the session it waits for here, in `sys.dm_exec_requests` and in `sysprocesses` alike.

use std::collections::HashMap;

use holdfast_engine::lock::Resource;
use holdfast_engine::lock::snapshot::{Status, WaitRow};
use holdfast_types::{SqlResult, Value};

use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.dm_tran_locks",
        columns: "resource_type nvarchar(60)!, resource_subtype nvarchar(60)!, resource_database_id int!, resource_description nvarchar(256)!, resource_associated_entity_id bigint, resource_lock_partition int!, request_mode nvarchar(60)!, request_type nvarchar(60)!, request_status nvarchar(60)!, request_reference_count smallint!, request_lifetime int!, request_session_id int!, request_exec_context_id int!, request_request_id int!, request_owner_type nvarchar(60)!, request_owner_id bigint, request_owner_guid uniqueidentifier, request_owner_lockspace_id nvarchar(32)!, lock_owner_address varbinary(8)!",
        rows: locks,
    },
    SystemView {
        name: "sys.dm_os_waiting_tasks",
        columns: "waiting_task_address varbinary(8)!, session_id smallint, exec_context_id int, wait_duration_ms bigint, wait_type nvarchar(60), resource_address varbinary(8), blocking_task_address varbinary(8), blocking_session_id smallint, blocking_exec_context_id int, resource_description nvarchar(3072)",
        rows: waiting_tasks,
    },
    SystemView {
        name: "sys.dm_tran_active_transactions",
        columns: "transaction_id bigint!, name nvarchar(32)!, transaction_begin_time datetime!, transaction_type int!, transaction_uow uniqueidentifier, transaction_state int!, transaction_status int!, transaction_status2 int!, dtc_state int!, dtc_status int!, dtc_isolation_level int!, filestream_transaction_id varbinary(128)",
        rows: active_transactions,
    },
    SystemView {
        name: "sys.dm_tran_session_transactions",
        columns: "session_id int!, transaction_id bigint!, transaction_descriptor binary(8)!, enlist_count int!, is_user_transaction bit!, is_local bit!, is_enlisted bit!, is_bound bit!, open_transaction_count int!",
        rows: session_transactions,
    },
];

fn locks(c: &ViewContext<'_>) -> Rows {
    let Some(locks) = c.source.locks() else { return Ok(Vec::new()) };
    // A session's own owner is told from its transaction by the sessions' open transactions.
    let transactions: Vec<i64> =
        c.source.sessions().iter().filter_map(|s| s.transaction.as_ref().map(|t| t.id)).collect();
    let rows = locks.locks();
    Ok(rows
        .iter()
        .map(|l| {
            let id = l.owner.0 as i64;
            let transaction =
                transactions.contains(&id) || !matches!(l.resource, Resource::Application { .. });
            row![
                l.resource.kind(),
                l.resource.subtype(),
                l.resource.database(),
                l.description.as_str(),
                l.resource.entity(),
                0,
                l.mode.name(),
                "LOCK",
                l.status.name(),
                i16::try_from(l.count).unwrap_or(i16::MAX),
                if l.status == Status::Granted { 0x0200_0000 } else { 0 },
                i32::from(l.session),
                0,
                0,
                if transaction { "TRANSACTION" } else { "SESSION" },
                if transaction { id } else { 0 },
                Value::Null,
                format!("0x{id:016x}:0:0"),
                l.owner.0.to_be_bytes().as_slice(),
            ]
        })
        .collect())
}

/// What one waits for, as `wait_resource` names it.
pub fn wait_resource(wait: &WaitRow) -> String {
    let database = wait.resource.database();
    let place = wait.description.trim_start();
    match wait.resource {
        Resource::Database { .. } => format!("DATABASE: {database}:0"),
        Resource::Object { object, .. } => format!("OBJECT: {database}:{object}:0"),
        Resource::Rowset { rowset, .. } => format!("HOBT: {database}:{rowset}"),
        Resource::Key { rowset, .. } => format!("KEY: {database}:{rowset} {place}"),
        Resource::Schema { .. } | Resource::UserType { .. } => {
            format!("METADATA: database_id = {database} {place}")
        }
        _ => format!("{}: {database}:{place}", wait.resource.kind()),
    }
}

/// The resource as `sys.dm_os_waiting_tasks` describes it.
fn waiting_description(wait: &WaitRow) -> String {
    let (database, mode) = (wait.resource.database(), wait.mode.name());
    match wait.resource {
        Resource::Object { object, .. } => {
            format!(
                "objectlock lockPartition=0 objid={object} subresource=FULL dbid={database} mode={mode} associatedObjectId={object}"
            )
        }
        Resource::Page { file, page, .. } => {
            format!("pagelock fileid={file} pageid={page} dbid={database} mode={mode}")
        }
        Resource::Key { rowset, .. } => {
            format!("keylock hobtid={rowset} dbid={database} mode={mode} associatedObjectId={rowset}")
        }
        Resource::Rid { rowset, file, page, .. } => {
            format!(
                "ridlock fileid={file} pageid={page} dbid={database} mode={mode} associatedObjectId={rowset}"
            )
        }
        Resource::Rowset { rowset, .. } => {
            format!(
                "hobtlock hobtid={rowset} subresource=FULL dbid={database} mode={mode} associatedObjectId={rowset}"
            )
        }
        Resource::Application { principal, .. } => {
            format!(
                "applicationlock hash={} databasePrincipalId={principal} dbid={database} mode={mode}",
                wait.description
            )
        }
        Resource::Database { .. } => format!("databaselock subresource=FULL dbid={database} mode={mode}"),
        Resource::Schema { .. } | Resource::UserType { .. } => {
            format!("metadatalock subresource={} dbid={database} mode={mode}", wait.resource.subtype())
        }
    }
}

fn waiting_tasks(c: &ViewContext<'_>) -> Rows {
    let Some(locks) = c.source.locks() else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for w in locks.waiting() {
        for blocker in &w.blockers {
            let session = w.session as i16;
            rows.push(row![
                w.owner.0.to_be_bytes().as_slice(),
                session,
                0,
                w.waited.as_millis() as i64,
                w.kind(),
                Value::Null,
                Value::Null,
                *blocker as i16,
                0,
                waiting_description(&w),
            ]);
        }
    }
    Ok(rows)
}

/// The wait of each session that waits, the oldest.
pub fn waits_by_session(c: &ViewContext<'_>) -> HashMap<i16, WaitRow> {
    let mut waits = HashMap::new();
    for w in c.source.locks().map(|l| l.waiting()).unwrap_or_default() {
        waits.entry(w.session as i16).or_insert(w);
    }
    waits
}

fn active_transactions(c: &ViewContext<'_>) -> Rows {
    let sessions = c.source.sessions();
    // Read/write, active, local.
    let rows = sessions.iter().filter_map(|s| s.transaction.as_ref());
    Ok(rows.map(|t| row![t.id, &t.name, t.started, 1, Value::Null, 2, 0, 0, 0, 0, -1, Value::Null]).collect())
}

fn session_transactions(c: &ViewContext<'_>) -> Rows {
    let sessions = c.source.sessions();
    let open = sessions.iter().filter_map(|s| s.transaction.as_ref().map(|t| (s, t)));
    Ok(open
        .map(|(s, t)| {
            let descriptor = t.descriptor.to_le_bytes();
            row![
                i32::from(s.session_id),
                t.id,
                descriptor.as_slice(),
                0,
                true,
                true,
                false,
                false,
                s.open_transactions
            ]
        })
        .collect())
}
