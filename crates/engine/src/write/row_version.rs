//! Values for rowversion columns: given from memory, with a mark in the boot page ahead of them.
//!
//! Invariants
//! 1. The boot page's counter is never behind a value that was given, so none is given twice, also after a crash.
//!
//! Evidence: docs/format/boot.md: genuine databases raise the counter by 4,000 in advance; the first value of a new one is
//! 2001.

use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::PageView;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Body, UnitId, What};
use holdfast_types::SqlResult;
use parking_lot::Mutex;

use super::writing::{Writing, failure};

/// Values taken from the boot page at a time.
const BLOCK: u64 = 4000;
/// Place of the counter in the boot row: after the row's head, at the block's offset 312.
const PLACE: usize = 4 + 312;

/// The counter of one database.
#[derive(Default)]
pub struct RowVersionCounter {
    /// The last value given and what the boot page says.
    state: Mutex<Option<(u64, u64)>>,
}

impl RowVersionCounter {
    /// The next value.
    pub fn next(&self, writing: &Writing) -> SqlResult<u64> {
        let mut state = self.state.lock();
        let (last, mark) = match *state {
            Some(known) => known,
            None => {
                let counter = stored(writing).map_err(|e| failure(&e))?;
                (counter, counter)
            }
        };
        let next = last + 1;
        let mark =
            if next > mark { raise(writing, next + BLOCK - 1).map_err(|e| failure(&e))? } else { mark };
        *state = Some((next, mark));
        Ok(next)
    }

    /// The last value given (@@DBTS).
    pub fn last(&self, writing: &Writing) -> SqlResult<u64> {
        match *self.state.lock() {
            Some((last, _)) => Ok(last),
            None => stored(writing).map_err(|e| failure(&e)),
        }
    }
}

fn unreadable(error: holdfast_format::FormatError) -> RecoveryError {
    RecoveryError::Unreadable { page: BOOT_PAGE, error }
}

fn stored(writing: &Writing) -> RecoveryResult<u64> {
    let change = writing.logged.change()?;
    let image = change.page(BOOT_PAGE)?;
    BootPage::read(&image).map(|b| b.max_timestamp).map_err(unreadable)
}

/// Moves the boot page's counter to `mark`.
fn raise(writing: &Writing, mark: u64) -> RecoveryResult<u64> {
    let mut change = writing.logged.change()?;
    let image = change.page(BOOT_PAGE)?;
    let row = PageView::new(&image).require_record(0).map_err(unreadable)?;
    let old = row
        .get(PLACE..PLACE + 8)
        .ok_or_else(|| RecoveryError::Database { what: "the boot page is too short".to_owned() })?
        .to_vec();
    let new = mark.to_le_bytes();
    // Only the bytes that differ.
    let Some(first) = (0..8).find(|&i| old[i] != new[i]) else { return Ok(mark) };
    let last = (0..8).rev().find(|&i| old[i] != new[i]).unwrap_or(first);
    let target = RowTarget {
        offset: (PLACE + first) as u16,
        size_or_flags: (last + 1 - first) as u16,
        ..RowTarget::default()
    };
    change.log_outside(What {
        operation: op::MODIFY_ROW,
        context: context::BOOT_PAGE,
        page: BOOT_PAGE,
        slot: 0,
        unit: UnitId::FIXED,
        body: Body::Row { row: target, elements: &[&old[first..=last], &new[first..=last]] },
    })?;
    Ok(mark)
}
