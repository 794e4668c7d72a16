//! Page checksum and torn-page bits.
//!
//! Checksum: the page as 16 sectors of 128 dwords with the stored checksum taken as 0; the XOR of each sector is folded in
//! by `c = rotl(c, 1) ^ sector`. Torn bits: the two lowest bits of the last byte of sectors 1..15 hold a pattern that
//! alternates from write to write; the pattern is kept in bits 0–1 of the header's field, the original bits of sector k in
//! bits 2k..2k+1.
//!
//! Invariants
//! 1. `stamp_checksum` then `verify` succeeds on any page; one changed bit makes it fail.
//! 2. `restore_torn` leaves the page untouched when it reports a torn sector.
//! 3. A page that was restored holds its original bits; it must get a checksum (or fresh torn bits) before it is written.
//!
//! Evidence: equal on every protected page of the genuine corpus.

use holdfast_base::PAGE_SIZE;

use super::{PageBytes, PageView, flag};
use crate::error::FormatError;

const SECTOR: usize = 512;
const FIELD: usize = 60;

/// The checksum of a page's contents.
pub fn checksum(page: &PageBytes) -> u32 {
    let mut sum = 0u32;
    for (index, sector) in page.chunks_exact(SECTOR).enumerate() {
        let mut folded = 0u64;
        for word in sector.chunks_exact(8) {
            folded ^=
                u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
        }
        let mut xor = (folded as u32) ^ ((folded >> 32) as u32);
        if index == 0 {
            xor ^= stored(page);
        }
        sum = sum.rotate_left(1) ^ xor;
    }
    sum
}

fn stored(page: &PageBytes) -> u32 {
    u32::from_le_bytes([page[FIELD], page[FIELD + 1], page[FIELD + 2], page[FIELD + 3]])
}

/// Marks the page as carrying a checksum and stores it.
pub fn stamp_checksum(page: &mut PageBytes) {
    let flags = (u16::from_le_bytes([page[4], page[5]]) & !flag::TORN) | flag::CHECKSUM;
    page[4..6].copy_from_slice(&flags.to_le_bytes());
    let sum = checksum(page);
    page[FIELD..FIELD + 4].copy_from_slice(&sum.to_le_bytes());
}

/// Verifies whichever protection the page carries. Torn bits must still be in place (the page as it lies on disk).
pub fn verify(page: &PageBytes) -> Result<(), FormatError> {
    let view = PageView::new(page);
    let flags = view.flags();
    if flags & flag::CHECKSUM != 0 {
        let (stored, computed) = (stored(page), checksum(page));
        if stored != computed {
            return Err(FormatError::Checksum { page: view.page_id(), stored, computed });
        }
    } else if flags & flag::TORN != 0 {
        torn_sector(page).map_or(Ok(()), |sector| Err(FormatError::Torn { page: view.page_id(), sector }))?;
    }
    Ok(())
}

/// First sector whose pattern differs from the header's.
fn torn_sector(page: &PageBytes) -> Option<u8> {
    let pattern = stored(page) as u8 & 3;
    (1..16u8).find(|&k| page[SECTOR * usize::from(k) + SECTOR - 1] & 3 != pattern)
}

/// Puts the original bits back on a page that carries torn bits; does nothing on others.
pub fn restore_torn(page: &mut PageBytes) -> Result<(), FormatError> {
    let view = PageView::new(page);
    if view.flags() & flag::TORN == 0 || view.flags() & flag::CHECKSUM != 0 {
        return Ok(());
    }
    if let Some(sector) = torn_sector(page) {
        return Err(FormatError::Torn { page: view.page_id(), sector });
    }
    let bits = stored(page);
    for k in 1..16usize {
        let last = &mut page[SECTOR * k + SECTOR - 1];
        *last = (*last & !3) | ((bits >> (2 * k)) as u8 & 3);
    }
    Ok(())
}

/// Puts torn bits on a page: the inverse of [`restore_torn`] for the given 2-bit pattern (1 or 2).
pub fn stamp_torn(page: &mut PageBytes, pattern: u8) {
    let pattern = pattern & 3;
    let flags = (u16::from_le_bytes([page[4], page[5]]) & !flag::CHECKSUM) | flag::TORN;
    page[4..6].copy_from_slice(&flags.to_le_bytes());
    let mut bits = u32::from(pattern);
    for k in 1..16usize {
        let last = &mut page[SECTOR * k + SECTOR - 1];
        bits |= u32::from(*last & 3) << (2 * k);
        *last = (*last & !3) | pattern;
    }
    page[FIELD..FIELD + 4].copy_from_slice(&bits.to_le_bytes());
}

/// A page of zeros: never written.
pub fn is_blank(page: &PageBytes) -> bool {
    page.iter().all(|&b| b == 0)
}

const _: () = assert!(PAGE_SIZE == 16 * SECTOR);

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> PageBytes {
        let mut page = [0u8; PAGE_SIZE];
        for (i, b) in page.iter_mut().enumerate() {
            *b = (i * 31 % 251) as u8;
        }
        page[4] = 0;
        page[5] = 0;
        page
    }

    #[test]
    fn a_stamped_page_verifies_and_a_changed_one_does_not() {
        let mut page = sample();
        stamp_checksum(&mut page);
        assert_eq!(verify(&page), Ok(()));
        page[4000] ^= 0x10;
        assert!(matches!(verify(&page), Err(FormatError::Checksum { .. })));
    }

    #[test]
    fn torn_bits_are_put_on_and_taken_off() {
        let original = sample();
        let mut page = original;
        stamp_torn(&mut page, 2);
        assert_eq!(verify(&page), Ok(()));
        let mut torn = page;
        torn[512 * 7 + 511] ^= 3;
        assert!(matches!(verify(&torn), Err(FormatError::Torn { sector: 7, .. })));
        restore_torn(&mut page).expect("not torn");
        assert_eq!(page[96..], original[96..]);
    }
}
