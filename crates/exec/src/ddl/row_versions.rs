//! ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION and READ_COMMITTED_SNAPSHOT.
//!
//! Invariants
//! 1. The statement comes back when every transaction has ended that was changing something before versions were kept; a
//!    reader of versions never misses one. READ_COMMITTED_SNAPSHOT does not end other sessions: it waits as the other does.

use holdfast_engine::instance::RowVersions;
use holdfast_tsql::ast::{AlterDatabase, AlterDatabaseAction, Setting};
use holdfast_types::{SqlError, Value};

use crate::procedure::administration::Call;

/// The statement with the options that are not about versions, and the one with those that are; `None`: it has none of the kind.
pub fn apart(statement: &AlterDatabase) -> (Option<AlterDatabase>, Option<AlterDatabase>) {
    let AlterDatabaseAction::Set { options, termination } = &statement.action else {
        return (Some(statement.clone()), None);
    };
    let known = ["ALLOW_SNAPSHOT_ISOLATION", "READ_COMMITTED_SNAPSHOT"];
    let part = |versions: bool| {
        let mine = |o: &&Setting| known.contains(&o.name.as_str()) == versions;
        let options: Vec<Setting> = options.iter().filter(mine).cloned().collect();
        let action = AlterDatabaseAction::Set { options, termination: termination.clone() };
        AlterDatabase { name: statement.name.clone(), action }
    };
    let some = |versions: bool| options.iter().any(|o| known.contains(&o.name.as_str()) == versions);
    (some(false).then(|| part(false)), some(true).then(|| part(true)))
}

/// Sets the options.
pub fn alter(statement: &AlterDatabase, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    set(statement, call).map_err(|e| vec![e])
}

fn set(statement: &AlterDatabase, call: &mut Call<'_>) -> Result<(), SqlError> {
    let AlterDatabaseAction::Set { options, .. } = &statement.action else { return Ok(()) };
    let instance = &call.session.host.instance;
    let current = call.session.current_database();
    let name = statement.name.as_ref().map_or(&*current.name, |n| n.text.as_str());
    let entry = instance.find(name).ok_or_else(|| SqlError::new(911, &[&name]))?;
    entry.online()?;
    let keeping = instance.locks.versions.keeping(entry.id);
    let mut versions = RowVersions {
        allow_snapshot_isolation: keeping.snapshot,
        read_committed_snapshot: keeping.read_committed,
    };
    for o in options {
        let value = match &o.value {
            Some(e) => (call.evaluate)(e)?,
            None => Value::Null,
        };
        let on = match &value {
            Value::String(s) if s.to_text().eq_ignore_ascii_case("ON") => true,
            Value::String(s) if s.to_text().eq_ignore_ascii_case("OFF") => false,
            _ => return Err(SqlError::new(102, &[&o.name])),
        };
        if o.name == "ALLOW_SNAPSHOT_ISOLATION" {
            versions.allow_snapshot_isolation = on;
        } else {
            versions.read_committed_snapshot = on;
        }
    }
    let cancel = &call.session.cancel;
    let done = instance
        .set_row_versions(entry.id, versions, &|| cancel.is_cancelled())
        .map_err(|e| SqlError::with_text(5123, 16, e.to_string()))?;
    if done { Ok(()) } else { Err(crate::context::cancelled()) }
}
