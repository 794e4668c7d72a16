//! The end of recovery: a checkpoint that says where the next recovery begins.
//!
//! Order: log durable, pages durable, BEGIN_CKPT and END_CKPT durable, then the boot page. A crash in between leaves the old
//! starting point, from which the same work is done again.

use holdfast_base::{Lsn, PageId};
use holdfast_format::PageBytes;
use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::log::write::{begin_checkpoint, boot_page_checkpoint, end_checkpoint};
use holdfast_format::log::{LogTime, TransactionId};
use holdfast_format::page::PageView;

use super::counts::CountChanges;
use super::error::{RecoveryError, RecoveryResult};
use super::log_writer::LogWriter;
use super::pages::PageStore;

/// Offset in the boot page of the second checkpoint LSN (row offset 372), which differs from the first only while
/// transactions are open.
const RECOVERY_LSN: usize = 96 + 372;

/// Reads the boot page's fields.
pub fn boot(pages: &mut dyn PageStore) -> RecoveryResult<BootPage> {
    BootPage::read(pages.page(BOOT_PAGE)?)
        .map_err(|error| RecoveryError::Unreadable { page: BOOT_PAGE, error })
}

/// Writes where recovery begins into a boot page.
pub fn set_checkpoint(page: &mut PageBytes, lsn: Lsn) -> RecoveryResult<()> {
    set_recovery_start(page, lsn, lsn)
}

/// The same with transactions open: recovery begins at `from`, which is not behind the checkpoint.
pub fn set_recovery_start(page: &mut PageBytes, lsn: Lsn, from: Lsn) -> RecoveryResult<()> {
    let failed = |error| RecoveryError::Unreadable { page: BOOT_PAGE, error };
    let mut boot = BootPage::read(page).map_err(failed)?;
    boot.checkpoint_lsn = lsn;
    boot.write(page).map_err(failed)?;
    let row_end = PageView::new(page).slot_array_start();
    if let Some(field) = page.get_mut(RECOVERY_LSN..RECOVERY_LSN + 10).filter(|_| row_end > RECOVERY_LSN + 10)
    {
        field.copy_from_slice(&from.to_bytes());
    }
    Ok(())
}

/// Makes everything durable and moves the start of the next recovery here. No transaction may be open.
pub fn checkpoint(
    pages: &mut dyn PageStore,
    writer: &mut LogWriter,
    previous: Lsn,
    highest: TransactionId,
    counts: &CountChanges,
    time: LogTime,
) -> RecoveryResult<Lsn> {
    writer.flush()?;
    pages.flush()?;
    let version = boot(pages)?.version;
    // Each record in a block of its own, as the server writes them.
    let begin = writer.append(&begin_checkpoint(previous, time, version, highest))?;
    writer.end_block()?;
    for record in counts.records() {
        writer.append(&record)?;
    }
    writer.end_block()?;
    if version >= 706 {
        writer.append(&boot_page_checkpoint())?;
        writer.end_block()?;
    }
    writer.append(&end_checkpoint(begin, time, version))?;
    writer.flush()?;
    set_checkpoint(pages.page_mut(BOOT_PAGE)?, begin)?;
    pages.flush()?;
    Ok(begin)
}

/// Highest LSN on any page that a new log must lie above: the boot page's and the file headers'.
pub fn highest_known_lsn(pages: &mut dyn PageStore, files: &[u16]) -> RecoveryResult<Lsn> {
    let mut highest = PageView::new(pages.page(BOOT_PAGE)?).lsn();
    for &file in files {
        highest = highest.max(PageView::new(pages.page(PageId::new(file, 0))?).lsn());
    }
    Ok(highest)
}
