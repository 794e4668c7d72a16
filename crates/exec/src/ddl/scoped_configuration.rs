//! ALTER DATABASE SCOPED CONFIGURATION: what `sys.database_scoped_configurations` lists.
//!
//! Invariants
//! 1. Every option has the value that a new database of SQL Server 2022 has, and means here what that value says.
//! 2. Those that only advise the optimizer ([`ADVICE`]) are kept and shown: no answer depends on them. Of the others another value is
//!    refused, never taken and ignored.
//!
//! Evidence: numbers, names and defaults from the documentation of the view and of the statement.

use holdfast_tsql::ast::Setting;
use holdfast_types::{SqlError, Value};

use crate::procedure::administration::Call;

/// Number, name, the value of the view, and the word that sets it.
pub const OPTIONS: &[(i32, &str, i32, &str)] = &[
    (1, "MAXDOP", 0, "0"),
    (2, "LEGACY_CARDINALITY_ESTIMATION", 0, "OFF"),
    (3, "PARAMETER_SNIFFING", 1, "ON"),
    (4, "QUERY_OPTIMIZER_HOTFIXES", 0, "OFF"),
    (6, "IDENTITY_CACHE", 1, "ON"),
    (7, "INTERLEAVED_EXECUTION_TVF", 1, "ON"),
    (8, "BATCH_MODE_MEMORY_GRANT_FEEDBACK", 1, "ON"),
    (9, "BATCH_MODE_ADAPTIVE_JOINS", 1, "ON"),
    (10, "TSQL_SCALAR_UDF_INLINING", 1, "ON"),
    (13, "OPTIMIZE_FOR_AD_HOC_WORKLOADS", 0, "OFF"),
    (16, "ROW_MODE_MEMORY_GRANT_FEEDBACK", 1, "ON"),
    (18, "BATCH_MODE_ON_ROWSTORE", 1, "ON"),
    (19, "DEFERRED_COMPILATION_TV", 1, "ON"),
    (20, "ACCELERATED_PLAN_FORCING", 1, "ON"),
    (21, "GLOBAL_TEMPORARY_TABLE_AUTO_DROP", 1, "ON"),
    (22, "LIGHTWEIGHT_QUERY_PROFILING", 1, "ON"),
    (23, "VERBOSE_TRUNCATION_WARNINGS", 1, "ON"),
    (24, "LAST_QUERY_PLAN_STATS", 0, "OFF"),
];

/// Options that change how fast something is answered, and not what.
const ADVICE: &[&str] = &[
    "MAXDOP",
    "LEGACY_CARDINALITY_ESTIMATION",
    "PARAMETER_SNIFFING",
    "QUERY_OPTIMIZER_HOTFIXES",
    "INTERLEAVED_EXECUTION_TVF",
    "BATCH_MODE_MEMORY_GRANT_FEEDBACK",
    "BATCH_MODE_ADAPTIVE_JOINS",
    "TSQL_SCALAR_UDF_INLINING",
    "OPTIMIZE_FOR_AD_HOC_WORKLOADS",
    "ROW_MODE_MEMORY_GRANT_FEEDBACK",
    "BATCH_MODE_ON_ROWSTORE",
    "DEFERRED_COMPILATION_TV",
    "ACCELERATED_PLAN_FORCING",
    "LIGHTWEIGHT_QUERY_PROFILING",
    "LAST_QUERY_PLAN_STATS",
];

/// Under which name a database keeps an option; those for secondaries apart.
pub fn kept_name(option: &str, secondary: bool) -> String {
    format!("SCOPED{}.{option}", if secondary { "_SECONDARY" } else { "" })
}

/// The statement.
pub fn alter(secondary: bool, setting: &Setting, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
    // Plans are kept per text and looked at anew when a catalogue changes: there is nothing that a cleared cache would change.
    if setting.name == "CLEAR PROCEDURE_CACHE" {
        return Ok(None);
    }
    let one = |e: SqlError| vec![e];
    let value = match &setting.value {
        Some(e) => match (call.evaluate)(e).map_err(one)? {
            Value::String(s) => s.to_text().to_ascii_uppercase(),
            Value::Int(n) => n.to_string(),
            _ => String::new(),
        },
        None => String::new(),
    };
    let Some((.., usual)) = OPTIONS.iter().find(|o| o.1 == setting.name) else {
        return Err(one(SqlError::new(102, &[&setting.name])));
    };
    let known = match *usual {
        "ON" | "OFF" => matches!(value.as_str(), "ON" | "OFF"),
        _ => value.parse::<u16>().is_ok_and(|n| n <= 32_767),
    };
    let as_primary = secondary && value == "PRIMARY";
    if known && ADVICE.contains(&setting.name.as_str()) || as_primary {
        let host = &call.session.host;
        let usual = if secondary { as_primary } else { value == *usual };
        let kept = (!usual).then_some(value.as_str());
        let name = kept_name(&setting.name, secondary);
        host.instance.set_database_option(call.session.current_database().id, &name, kept).map_err(one)?;
        return Ok(None);
    }
    if value == *usual {
        return Ok(None);
    }
    Err(one(SqlError::not_supported(format!(
        "ALTER DATABASE SCOPED CONFIGURATION SET {} = {value}",
        setting.name
    ))))
}
