//! Tables keyed by page addresses: one multiplication in place of a keyed hash.
//!
//! The keys are not under an adversary's control beyond the page numbers of one file.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use holdfast_base::PageId;

/// Multiplicative hash of an address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(u64::from(b));
        }
    }
    fn write_u64(&mut self, v: u64) {
        self.0 = mix(self.0 ^ v);
    }
}

/// Spreads an address over all bits.
pub(crate) fn mix(address: u64) -> u64 {
    let mixed = address.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}

/// A table by address.
pub(crate) type AddressMap<V> = HashMap<u64, V, BuildHasherDefault<AddressHasher>>;

/// The address of a page within one database.
pub(crate) fn address(id: PageId) -> u64 {
    u64::from(id.file) << 32 | u64::from(id.page)
}
