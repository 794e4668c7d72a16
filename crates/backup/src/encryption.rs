//! Recognising encrypted backups: what enciphers them is not undone, but a server names the certificate it would need.
//!
//! The key of a database under TDE, and that of a backup WITH ENCRYPTION, stand in the file enciphered under a certificate:
//! u32 20, the certificate's SHA-1 thumbprint, u32 length of the enciphered key (128, 256, 384 or 512), the key. Under TDE
//! bytes 0..96 of every page are plain and the rest is not; the backup's own structure is plain throughout.
//!
//! Invariants
//! 1. A thumbprint is only ever reported for a file that is encrypted by another sign; looking for it proves nothing.
//!
//! Evidence: others' findings on genuine files of 2022 (docs/format/backup.md); none is in the corpus.

use holdfast_base::PAGE_SIZE;

use crate::device::Device;
use crate::error::BackupResult;

/// The key stands in the file's leading part.
const LEADING_PART: usize = 64 << 10;
const THUMBPRINT: usize = 20;

/// The thumbprint of the certificate that a file's key is enciphered under, if it can be found.
pub(crate) fn find_thumbprint(device: &Device) -> BackupResult<Option<Vec<u8>>> {
    let mut head = vec![0; (device.length() as usize).min(LEADING_PART)];
    device.read(0, &mut head)?;
    Ok(thumbprint_in(&head))
}

fn thumbprint_in(bytes: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    (0..bytes.len()).find_map(|at| {
        let key = at + 4 + THUMBPRINT + 4;
        if word(at)? != THUMBPRINT as u32 || !matches!(word(key - 4)?, 128 | 256 | 384 | 512) {
            return None;
        }
        let thumbprint = bytes.get(at + 4..at + 4 + THUMBPRINT)?;
        let distinct: std::collections::BTreeSet<u8> = thumbprint.iter().copied().collect();
        (distinct.len() >= 8).then(|| thumbprint.to_vec())
    })
}

/// Whether an extent is the first of a data file and its allocation pages are enciphered: their headers say what they are,
/// their rows do not begin as such rows do.
pub(crate) fn is_enciphered(extent: &[u8]) -> bool {
    let page = |n: usize| extent.get(n * PAGE_SIZE..(n + 1) * PAGE_SIZE);
    let (Some(header), Some(pfs), Some(gam)) = (page(0), page(1), page(2)) else { return false };
    let named = |p: &[u8], kind: u8, number: u8| p[0] == 1 && p[1] == kind && p[32..36] == [number, 0, 0, 0];
    named(header, 15, 0)
        && named(pfs, 11, 1)
        && named(gam, 8, 2)
        && pfs[96..100] != [0, 0, 0x9C, 0x1F]
        && gam[96..100] != [0, 0, 0x5E, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_are_found_by_their_shape() {
        let mut bytes = vec![0u8; 500];
        assert_eq!(thumbprint_in(&bytes), None);
        let thumbprint: Vec<u8> = (1..=20).collect();
        bytes[37..41].copy_from_slice(&20u32.to_le_bytes());
        bytes[41..61].copy_from_slice(&thumbprint);
        bytes[61..65].copy_from_slice(&256u32.to_le_bytes());
        assert_eq!(thumbprint_in(&bytes), Some(thumbprint));
        // Nothing but zeros between the lengths is no thumbprint.
        bytes[41..61].fill(0);
        assert_eq!(thumbprint_in(&bytes), None);
    }

    #[test]
    fn a_plain_first_extent_is_not_enciphered() {
        let mut extent = vec![0u8; 8 * PAGE_SIZE];
        for (n, kind) in [(0, 15), (1, 11), (2, 8)] {
            extent[n * PAGE_SIZE..n * PAGE_SIZE + 2].copy_from_slice(&[1, kind]);
            extent[n * PAGE_SIZE + 32] = n as u8;
        }
        extent[PAGE_SIZE + 96..PAGE_SIZE + 100].copy_from_slice(&[0, 0, 0x9C, 0x1F]);
        extent[2 * PAGE_SIZE + 96..2 * PAGE_SIZE + 100].copy_from_slice(&[0, 0, 0x5E, 0]);
        assert!(!is_enciphered(&extent));
        extent[PAGE_SIZE + 96..3 * PAGE_SIZE].fill(0xA7);
        extent[2 * PAGE_SIZE..2 * PAGE_SIZE + 2].copy_from_slice(&[1, 8]);
        extent[2 * PAGE_SIZE + 32..2 * PAGE_SIZE + 36].copy_from_slice(&[2, 0, 0, 0]);
        assert!(is_enciphered(&extent));
    }
}
