//! Filling a new nonclustered index with the rows that a table has.
//!
//! Invariants
//! 1. The caller holds a lock that keeps others from changing the table until its transaction ends.

use holdfast_types::{SqlError, SqlResult, Value};

use super::writing::failure;
use super::{StoredWriter, WriteContext, bookmark};

/// Rows entered under one gate.
const STEP: usize = 64;

/// Enters the rows into the index.
pub fn fill_index(
    writer: &StoredWriter,
    write: WriteContext<'_>,
    index_id: i32,
    bookmarks: &[Vec<u8>],
    rows: &[Vec<Value>],
) -> SqlResult<()> {
    if let Some(what) = &writer.unsupported {
        return Err(SqlError::not_supported(format!("Changing table '{}', {what},", writer.name)));
    }
    let index = writer.indexes.iter().find(|i| i.index_id == index_id);
    let index = index.ok_or_else(|| SqlError::not_supported("Filling this kind of index"))?;
    let joined = writer.writing.join(write.transaction)?;
    let part = joined.part()?;
    for (step, some) in bookmarks.chunks(STEP).enumerate() {
        let mut log = part.log.lock();
        let mut change = writer.writing.logged.change().map_err(|e| failure(&e))?;
        for (n, mark) in some.iter().enumerate() {
            let (_, place) = bookmark::open(mark).map_err(|e| crate::page_error(&e))?;
            let current = writer.current(&change, place).map_err(|e| failure(&e))?;
            // Gone since it was read: there is nothing to enter.
            let Some(mut current) = current else { continue };
            current.fields.extend(writer.apart_fields(rows.get(step * STEP + n).map(Vec::as_slice))?);
            writer.insert_entry(&mut change, &mut log, index, &current.fields, current.rid)?;
        }
    }
    Ok(())
}
