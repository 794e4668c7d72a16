//! Dynamic management views about the machine and about open transactions.
//!
//! Invariants
//! 1. What the server does not measure is NULL where the documentation lets it be, never invented.

use holdfast_types::{SqlResult, Value};

use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.dm_os_sys_memory",
        columns: "total_physical_memory_kb bigint!, available_physical_memory_kb bigint!, total_page_file_kb bigint!, available_page_file_kb bigint!, system_cache_kb bigint!, kernel_paged_pool_kb bigint!, kernel_nonpaged_pool_kb bigint!, system_high_memory_signal_state bit!, system_low_memory_signal_state bit!, system_memory_state_desc nvarchar(256)!",
        rows: |_| Ok(vec![system_memory()]),
    },
    SystemView {
        name: "sys.dm_os_process_memory",
        columns: "physical_memory_in_use_kb bigint!, large_page_allocations_kb bigint!, locked_page_allocations_kb bigint!, total_virtual_address_space_kb bigint!, virtual_address_space_reserved_kb bigint!, virtual_address_space_committed_kb bigint!, virtual_address_space_available_kb bigint!, page_fault_count bigint!, memory_utilization_percentage int!, available_commit_limit_kb bigint!, process_physical_memory_low bit!, process_virtual_memory_low bit!",
        rows: |_| Ok(vec![process_memory()]),
    },
    SystemView {
        name: "sys.dm_os_schedulers",
        columns: "scheduler_address varbinary(8), parent_node_id int!, scheduler_id int!, cpu_id smallint!, status nvarchar(60)!, is_online bit!, is_idle bit, preemptive_switches_count int, context_switches_count int, idle_switches_count int, current_tasks_count int, runnable_tasks_count int, current_workers_count int, active_workers_count int, work_queue_count bigint, pending_disk_io_count int, load_factor int, yield_count int, last_timer_activity bigint, failed_to_create_worker bit, active_worker_address varbinary(8), memory_object_address varbinary(8), task_memory_object_address varbinary(8), quantum_length_us bigint, total_cpu_usage_ms bigint, total_cpu_idle_capped_ms bigint, total_scheduler_delay_ms bigint, ideal_workers_limit int",
        rows: schedulers,
    },
    SystemView {
        name: "sys.dm_tran_database_transactions",
        columns: "transaction_id bigint!, database_id int!, database_transaction_begin_time datetime, database_transaction_type int!, database_transaction_state int!, database_transaction_status int, database_transaction_status2 int, database_transaction_log_record_count bigint, database_transaction_replicate_record_count int, database_transaction_log_bytes_used bigint, database_transaction_log_bytes_reserved bigint, database_transaction_log_bytes_used_system int, database_transaction_log_bytes_reserved_system int, database_transaction_begin_lsn numeric(25,0), database_transaction_last_lsn numeric(25,0), database_transaction_most_recent_savepoint_lsn numeric(25,0), database_transaction_commit_lsn numeric(25,0), database_transaction_last_rollback_lsn numeric(25,0), database_transaction_next_undo_lsn numeric(25,0), database_transaction_first_repl_lsn numeric(25,0)",
        rows: database_transactions,
    },
    SystemView {
        name: "sys.dm_tran_current_transaction",
        columns: "transaction_id bigint!, transaction_sequence_num bigint, transaction_is_snapshot bit, first_snapshot_sequence_num bigint, last_transaction_sequence_num bigint, first_useful_sequence_num bigint",
        rows: current_transaction,
    },
    SystemView {
        name: "sys.dm_tcp_listener_states",
        columns: "listener_id int!, ip_address nvarchar(48)!, is_ipv4 bit!, port int!, type smallint!, type_desc nvarchar(20)!, state smallint!, state_desc nvarchar(16)!, start_time datetime!",
        rows: listeners,
    },
];

/// The transaction that the reader has open. Transactions get no numbers before they commit; snapshots have those of the last commits
/// before them.
fn current_transaction(c: &ViewContext<'_>) -> Rows {
    let Some(reader) = &c.reader else { return Ok(Vec::new()) };
    let sessions = c.source.sessions();
    let own = sessions.iter().find(|s| s.session_id == reader.session_id());
    let open = own.and_then(|s| s.transaction.as_ref());
    let (snapshot, last, oldest) = reader.snapshots();
    let number = |n: Option<u64>| n.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    Ok(open
        .map(|t| {
            row![t.id, Value::Null, snapshot.is_some(), number(snapshot), number(Some(last)), number(oldest)]
        })
        .into_iter()
        .collect())
}

fn listeners(c: &ViewContext<'_>) -> Rows {
    let row = |(n, (address, since)): (usize, (std::net::SocketAddr, holdfast_types::DateTime))| {
        let id = i32::try_from(n + 1).unwrap_or(i32::MAX);
        let (ip, port) = (address.ip().to_string(), i32::from(address.port()));
        row![id, ip, address.is_ipv4(), port, 0, "TSQL", 0, "ONLINE", since]
    };
    Ok(c.source.listeners().into_iter().enumerate().map(row).collect())
}

/// A line of the kernel's key files in kilobytes (`MemTotal:  123 kB`).
pub fn kilobytes(file: &str, key: &str) -> i64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find_map(|l| l.strip_prefix(key)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Milliseconds that the process has run on processors, in its own code and in the kernel's.
pub fn processor_time() -> (i64, i64) {
    // The kernel counts in hundredths of a second; the name of the program, in parentheses, may hold blanks.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let numbers = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let of =
        |n: usize| numbers.split_whitespace().nth(n).and_then(|t| t.parse::<i64>().ok()).unwrap_or(0) * 10;
    (of(11), of(12))
}

fn system_memory() -> Vec<Value> {
    let of = |key| kilobytes("/proc/meminfo", key);
    let (total, available) = (of("MemTotal"), of("MemAvailable"));
    // Below a twentieth of the memory the machine is short of it.
    let low = available < total / 20;
    row![
        total,
        available,
        total + of("SwapTotal"),
        available + of("SwapFree"),
        of("Cached"),
        of("SReclaimable"),
        of("SUnreclaim"),
        !low,
        low,
        if low { "Available physical memory is low" } else { "Available physical memory is high" }
    ]
}

fn process_memory() -> Vec<Value> {
    let of = |key| kilobytes("/proc/self/status", key);
    let (resident, total) = (of("VmRSS"), kilobytes("/proc/meminfo", "MemTotal"));
    let available = kilobytes("/proc/meminfo", "MemAvailable");
    let space: i64 = 1 << 37;
    row![
        resident,
        0,
        of("VmLck"),
        space,
        of("VmSize"),
        of("VmData"),
        space - of("VmSize"),
        0,
        (resident * 100 / total.max(1)).clamp(0, 100),
        available,
        available < total / 20,
        false
    ]
}

/// One for each processor that the server may use.
fn schedulers(_: &ViewContext<'_>) -> Rows {
    let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let one = |n: usize| {
        let id = i32::try_from(n).unwrap_or(i32::MAX);
        let mut row = row![Value::Null, 0, id, id, "VISIBLE ONLINE", true];
        row.resize(28, Value::Null);
        row
    };
    Ok((0..count).map(one).collect())
}

fn database_transactions(c: &ViewContext<'_>) -> Rows {
    let sessions = c.source.sessions();
    let open = sessions.iter().filter_map(|s| s.transaction.as_ref().map(|t| (s, t)));
    Ok(open
        .map(|(s, t)| {
            // 1: it reads and writes; 3: it began and has not ended.
            let mut row = row![t.id, s.database_id, t.started, 1, 3];
            row.resize(20, Value::Null);
            row
        })
        .collect())
}
