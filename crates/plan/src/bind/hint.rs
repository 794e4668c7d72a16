//! Table hints: which index, which access, which locks and versions.

use holdfast_engine::access::{ReadIntent, ReadLevel};
use holdfast_engine::catalog::{IndexDef, IndexKind, TableDef};
use holdfast_tsql::ast::query::{HintArgument, TableHint};
use holdfast_types::{NameOrder, SqlError, SqlResult};

use crate::logical::AccessHints;
use crate::physical::ReadHints;

/// The index of a number: 0 is the table itself, 1 its clustered index; 307 when there is no such one.
fn numbered(table: &TableDef, number: i64) -> SqlResult<i32> {
    let id = i32::try_from(number).ok();
    let known = |id: &i32| *id == 0 || table.indexes.iter().any(|i| i.index_id == *id);
    id.filter(known).ok_or_else(|| SqlError::new(307, &[&number, &table.name]))
}

/// What the hints of a table ask; 307 and 308 for an index that it has not.
pub(super) fn access_hints(
    order: NameOrder,
    table: &TableDef,
    hints: &[TableHint],
) -> SqlResult<AccessHints> {
    let mut out = AccessHints::default();
    check_together(hints)?;
    for h in hints {
        match h.name.as_str() {
            "INDEX" => {
                out.index = match h.arguments.first() {
                    Some(HintArgument::Number(n)) => Some(numbered(table, *n)?),
                    Some(HintArgument::Name(n)) => {
                        let named = |i: &&IndexDef| i.name.as_deref().is_some_and(|x| order.same(x, &n.text));
                        let found = table.indexes.iter().find(named);
                        let found = found.ok_or_else(|| SqlError::new(308, &[&n.text, &table.name]))?;
                        if found.disabled {
                            return Err(SqlError::new(315, &[&n.text, &table.name]));
                        }
                        Some(if found.kind == IndexKind::Heap { 0 } else { found.index_id })
                    }
                    _ => None,
                };
            }
            "FORCESEEK" => out.force_seek = true,
            "FORCESCAN" => out.force_scan = true,
            _ => read_hint(&h.name, &mut out.read),
        }
    }
    Ok(out)
}

/// 1047 and 650: of what is locked and of how it is read a table may have one hint each ("Table hints").
fn check_together(hints: &[TableHint]) -> SqlResult<()> {
    if hints.len() < 2 {
        return Ok(());
    }
    let level = |name: &str| match name {
        "NOLOCK" | "READUNCOMMITTED" => Some(0),
        "READCOMMITTED" | "READCOMMITTEDLOCK" => Some(1),
        "REPEATABLEREAD" => Some(2),
        "HOLDLOCK" | "SERIALIZABLE" => Some(3),
        "SNAPSHOT" => Some(4),
        _ => None,
    };
    // NOLOCK takes no locks of any size.
    let size = |name: &str| match name {
        "NOLOCK" | "READUNCOMMITTED" => Some(0),
        "ROWLOCK" => Some(1),
        "PAGLOCK" => Some(2),
        "TABLOCK" | "TABLOCKX" => Some(3),
        _ => None,
    };
    let differ = |of: &dyn Fn(&str) -> Option<i32>| {
        let mut found = hints.iter().filter_map(|h| of(&h.name));
        found.next().is_some_and(|first| found.any(|other| other != first))
    };
    if differ(&level) || differ(&size) {
        return Err(SqlError::new(1047, &[]));
    }
    let has = |name: &str| hints.iter().any(|h| h.name == name);
    if has("READPAST") && (has("SERIALIZABLE") || has("HOLDLOCK")) {
        return Err(SqlError::new(650, &[]));
    }
    Ok(())
}

/// 1065: what changes rows cannot read them unlocked.
pub(super) fn check_target(hints: &[TableHint]) -> SqlResult<()> {
    match hints.iter().any(|h| matches!(h.name.as_str(), "NOLOCK" | "READUNCOMMITTED")) {
        true => Err(SqlError::new(1065, &[])),
        false => Ok(()),
    }
}

/// What a hint asks of locks and versions.
fn read_hint(name: &str, read: &mut ReadHints) {
    match name {
        "NOLOCK" | "READUNCOMMITTED" => read.level = Some(ReadLevel::Uncommitted),
        "READCOMMITTED" | "READCOMMITTEDLOCK" => read.level = Some(ReadLevel::Committed),
        "REPEATABLEREAD" => read.level = Some(ReadLevel::Repeatable),
        "HOLDLOCK" | "SERIALIZABLE" => read.level = Some(ReadLevel::Serializable),
        "SNAPSHOT" => read.level = Some(ReadLevel::Snapshot),
        "READPAST" => read.skip_locked = true,
        "NOWAIT" => read.no_wait = true,
        "UPDLOCK" if read.intent == ReadIntent::Read => read.intent = ReadIntent::Update,
        "XLOCK" => read.intent = ReadIntent::Exclusive,
        "TABLOCK" => read.table_lock = true,
        "TABLOCKX" => {
            read.table_lock = true;
            read.intent = ReadIntent::Exclusive;
        }
        _ => {}
    }
}
