//! DBCC DBINFO ('database') WITH TABLERESULTS: fields of the boot page.
//!
//! Invariants
//! 1. Only fields whose place is known are shown (docs/format/boot.md), under the names that SQL Server's own output has.
//!
//! Evidence: scripts that read the output, among them those for the last consistency check (`dbi_dbccLastKnownGood`).

use holdfast_base::Lsn;
use holdfast_engine::ddl::boot;
use holdfast_format::boot::{BootPage, StoredDateTime};
use holdfast_types::conversion::canonical_text;
use holdfast_types::{CollationId, DateTime, SqlError, SqlType, Value};

use super::administration::Call;
use super::dbcc::completed;
use super::dbcc_maintenance::named;
use super::dbcc_session::send;

const ROOT: &str = "DBINFO STRUCTURE:";
const BLOCK: &str = "DBINFO";

/// Runs the command.
pub fn run(
    arguments: &[Value],
    as_table: bool,
    quiet: bool,
    call: &mut Call<'_>,
) -> Result<Option<u64>, Vec<SqlError>> {
    let database = named(arguments, call)?;
    if !as_table {
        return Err(vec![SqlError::not_supported("DBCC DBINFO without TABLERESULTS")]);
    }
    let Some(catalog) = database.online().stored() else {
        return Err(vec![SqlError::not_supported(format!(
            "DBCC DBINFO of '{}', which has no files",
            database.name
        ))]);
    };
    let page = boot::now(&catalog).map_err(|e| vec![e])?;
    let rows: Vec<Vec<Value>> = fields(&page, database.id)
        .into_iter()
        .map(|(object, field, value)| {
            let parent = if object == BLOCK { ROOT } else { BLOCK };
            [parent, object, &field, &value].into_iter().map(Value::string).collect()
        })
        .collect();
    let text = SqlType::nvarchar(255, CollationId::SERVER_DEFAULT);
    let columns = [("ParentObject", text), ("Object", text), ("Field", text), ("VALUE", text)];
    let count = send(call, &columns, &rows)?;
    if !quiet {
        completed(call);
    }
    Ok(Some(count))
}

fn moment(stored: StoredDateTime) -> String {
    let when = Value::DateTime(DateTime { days: stored.days, ticks: stored.ticks });
    canonical_text(&when, &SqlType::DATETIME).unwrap_or_default().replace('T', " ")
}

fn guid(bytes: [u8; 16]) -> String {
    canonical_text(&Value::Guid(bytes), &SqlType::GUID).unwrap_or_default()
}

type Field = (&'static str, String, String);

/// Object, field and value, in the order of SQL Server's output.
fn fields(page: &BootPage, id: i32) -> Vec<Field> {
    let mut out: Vec<Field> = Vec::new();
    let plain = |out: &mut Vec<Field>, name: &str, value: String| out.push((BLOCK, name.to_owned(), value));
    let number = |out: &mut Vec<Field>, object, lsn: Lsn| {
        out.push((object, "m_fSeqNo".to_owned(), lsn.vlf.to_string()));
        out.push((object, "m_blockOffset".to_owned(), lsn.block.to_string()));
        out.push((object, "m_slotId".to_owned(), lsn.slot.to_string()));
    };
    plain(&mut out, "dbi_version", page.version.to_string());
    plain(&mut out, "dbi_createVersion", page.create_version.to_string());
    plain(&mut out, "dbi_dbid", id.to_string());
    plain(&mut out, "dbi_status", page.status.to_string());
    plain(&mut out, "dbi_nextid", page.next_id.to_string());
    plain(&mut out, "dbi_dbname", page.name.clone());
    plain(&mut out, "dbi_maxDbTimestamp", page.max_timestamp.to_string());
    plain(&mut out, "dbi_crdate", moment(page.created));
    plain(&mut out, "dbi_cmptlevel", page.compatibility_level.to_string());
    number(&mut out, "dbi_checkptLSN", page.checkpoint_lsn);
    plain(&mut out, "dbi_dbccFlags", page.check_flags.to_string());
    plain(&mut out, "dbi_dbccLastKnownGood", moment(page.last_good_check));
    number(&mut out, "dbi_differentialBaseLSN", page.differential_base_lsn);
    plain(&mut out, "dbi_differentialBaseGuid", guid(page.differential_base_guid));
    plain(&mut out, "dbi_familyGUID", guid(page.family_guid));
    plain(&mut out, "dbi_firstSysIndexes", page.first_sys_indexes.to_string());
    plain(&mut out, "dbi_collation", page.collation.to_string());
    plain(&mut out, "dbi_modDate", moment(page.modified));
    plain(&mut out, "dbi_verRDB", page.build.to_string());
    plain(&mut out, "dbi_svcBrokerGUID", guid(page.broker_guid));
    plain(&mut out, "dbi_svcBrokerOptions", page.broker_options.to_string());
    plain(&mut out, "dbi_AuIdNext", page.next_unit.to_string());
    out
}
