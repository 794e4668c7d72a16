//! The number that the next object gets, where the catalogue keeps it.
//!
//! Invariants
//! 1. Taking a number belongs to no transaction: nobody waits for whoever has taken one, a rollback gives none back, none is given twice.
//!
//! Evidence: sysobjvalues class 7, object 101, sub-object 34, number 0 of genuine databases from 706 on is an int: the next id.

use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_types::{TypeId, Value};

use super::tree::rewrite;
use super::writing::Writing;

/// Value class, object, sub-object, number.
const NEXT: [Value; 4] = [Value::TinyInt(7), Value::Int(101), Value::Int(34), Value::Int(0)];
/// In front of an int in a sql_variant: type and version.
const HEAD: [u8; 2] = [TypeId::Int.xtype(), 1];

/// Takes the number and has it followed by what comes `after` it; `None`: this catalogue keeps none.
///
/// # Errors
/// A row that holds something else; those of page and log.
pub fn take(writing: &Writing, after: impl Fn(i64) -> i64) -> RecoveryResult<Option<i64>> {
    let trees = writing.trees()?;
    let mut change = writing.logged.change()?;
    let tree = &trees.values;
    let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
    let found = tree.find_entry(change.source(), &NEXT).map_err(fail)?;
    let Some(place) = found.filter(|p| p.found && !p.ghost) else { return Ok(None) };
    let broken =
        || RecoveryError::Database { what: "the catalogue's next object id is no number".to_owned() };
    let position = tree.layout().columns.iter().find(|c| c.column_id == 5).map(|c| c.leaf.offset);
    let index = position.filter(|o| *o < 0).map(|o| usize::from(o.unsigned_abs()) - 1).ok_or_else(broken)?;
    let mut taken = None;
    rewrite(tree, &mut change, &place, "NextObjectId", |parts| {
        let slot = parts.variable.get_mut(index).map(|s| &mut s.0).ok_or_else(broken)?;
        let number: [u8; 4] = slot.strip_prefix(&HEAD).and_then(|b| b.try_into().ok()).ok_or_else(broken)?;
        let id = i64::from(i32::from_le_bytes(number));
        let next = i32::try_from(after(id)).map_err(|_| broken())?;
        slot.truncate(HEAD.len());
        slot.extend(next.to_le_bytes());
        taken = Some(id);
        Ok(())
    })?;
    Ok(taken)
}
