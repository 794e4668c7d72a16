//! Fields of the boot page, changed through the log.
//!
//! Evidence: genuine logs change the boot row with MODIFY_ROW, context BOOT_PAGE, outside of user transactions.

use holdfast_format::boot::{BOOT_PAGE, BootPage, StoredDateTime};
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::PageView;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Body, UnitId, What};
use holdfast_types::{DateTime, SqlResult};

use super::rows::CatalogWriter;
use crate::database::DatabaseCatalog;
use crate::write::Writing;

/// Offset of the block in the boot row.
const BLOCK: usize = 4;
const STATUS: usize = 32;
const NAME: usize = 48;
const COMPATIBILITY: usize = 310;
const LAST_GOOD_CHECK: usize = 356;
const COLLATION: usize = 388;
const NEXT_UNIT: usize = 732;

/// Writes bytes at an offset of the boot page's block; nothing when they stand there.
fn put(writing: &Writing, offset: usize, new: &[u8]) -> RecoveryResult<()> {
    let mut change = writing.logged.change()?;
    let image = change.page(BOOT_PAGE)?;
    let fail = |error| RecoveryError::Unreadable { page: BOOT_PAGE, error };
    let row = PageView::new(&image).require_record(0).map_err(fail)?;
    let old = row
        .get(BLOCK + offset..BLOCK + offset + new.len())
        .ok_or_else(|| RecoveryError::Database { what: "the boot page is too short".to_owned() })?;
    if old == new {
        return Ok(());
    }
    let old = old.to_vec();
    let target = RowTarget {
        offset: (BLOCK + offset) as u16,
        size_or_flags: new.len() as u16,
        ..RowTarget::default()
    };
    change.log_outside(What {
        operation: op::MODIFY_ROW,
        context: context::BOOT_PAGE,
        page: BOOT_PAGE,
        slot: 0,
        unit: UnitId::FIXED,
        body: Body::Row { row: target, elements: &[&old, new] },
    })?;
    Ok(())
}

fn current(writing: &Writing) -> RecoveryResult<BootPage> {
    let change = writing.logged.change()?;
    let image = change.page(BOOT_PAGE)?;
    BootPage::read(&image).map_err(|error| RecoveryError::Unreadable { page: BOOT_PAGE, error })
}

/// The boot page as it is now; of a database that is only read, as it was when it was opened.
pub fn now(catalog: &DatabaseCatalog) -> SqlResult<BootPage> {
    match catalog.writing() {
        Some(writing) => current(writing).map_err(|e| crate::write::writing::failure(&e)),
        None => Ok(catalog.storage().boot.clone()),
    }
}

/// Notes when DBCC CHECKDB found nothing.
pub fn set_last_good_check(writing: &Writing, when: DateTime) -> SqlResult<()> {
    let stored = StoredDateTime { ticks: when.ticks, days: when.days };
    put(writing, LAST_GOOD_CHECK, &stored.to_bytes()).map_err(|e| crate::write::writing::failure(&e))
}

/// The number of the next allocation unit is at least this.
pub fn raise_next_unit(writer: &CatalogWriter<'_>, next: u64) -> SqlResult<()> {
    let Some(writing) = &writer.catalog.store.writing else { return Ok(()) };
    let failed = |e| crate::write::writing::failure(&e);
    if current(writing).map_err(failed)?.next_unit >= next || writer.catalog.version() < 655 {
        return Ok(());
    }
    put(writing, NEXT_UNIT, &next.to_le_bytes()).map_err(failed)
}

/// Sets and clears bits of the database's status (those of sysdatabases.status).
pub fn set_status(writing: &Writing, set: u32, clear: u32) -> SqlResult<()> {
    let failed = |e| crate::write::writing::failure(&e);
    let status = current(writing).map_err(failed)?.status & !clear | set;
    put(writing, STATUS, &status.to_le_bytes()).map_err(failed)
}

/// Bit of the status: nothing was changed since the last checkpoint, so the log is not needed to open the database.
pub const CLOSED_CLEANLY: u32 = 0x4000_0000;

/// Notes that the database is closed, or that it is not any more. Answers whether the page says something new, which the next
/// checkpoint makes durable.
pub fn set_closed(writing: &Writing, closed: bool) -> RecoveryResult<bool> {
    let before = current(writing)?.status;
    let after = if closed { before | CLOSED_CLEANLY } else { before & !CLOSED_CLEANLY };
    if before != after {
        put(writing, STATUS, &after.to_le_bytes())?;
    }
    Ok(before != after)
}

/// Sets the compatibility level.
pub fn set_compatibility(writing: &Writing, level: u16) -> SqlResult<()> {
    put(writing, COMPATIBILITY, &level.to_le_bytes()).map_err(|e| crate::write::writing::failure(&e))
}

/// Sets the database's collation.
pub fn set_collation(writing: &Writing, collation: u32) -> SqlResult<()> {
    put(writing, COLLATION, &collation.to_le_bytes()).map_err(|e| crate::write::writing::failure(&e))
}

/// Sets the database's name.
pub fn set_name(writing: &Writing, name: &str) -> SqlResult<()> {
    let mut units: Vec<u16> = name.encode_utf16().take(128).collect();
    units.resize(128, 0x2020);
    let bytes: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
    put(writing, NAME, &bytes).map_err(|e| crate::write::writing::failure(&e))
}
