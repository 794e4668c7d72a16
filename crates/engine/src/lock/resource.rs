//! What can be locked.
//!
//! Invariants
//! 1. A row is named by the rowset that holds it (heap or clustered index) and its place or key; an entry of a unique index
//!    by the index's rowset and its key. Keys are named by a 64-bit hash: two keys with one hash exclude each other, which
//!    costs a wait and never a wrong answer.
//! 2. The text of a resource is that of `sys.dm_tran_locks.resource_description`.

use std::fmt;
use std::hash::{Hash, Hasher};

/// Something that sessions lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resource {
    Database {
        database: i32,
    },
    Schema {
        database: i32,
        schema: i32,
    },
    /// A type that a user defined.
    UserType {
        database: i32,
        user_type: i32,
    },
    Object {
        database: i32,
        object: i32,
    },
    Rowset {
        database: i32,
        rowset: i64,
    },
    Page {
        database: i32,
        file: u16,
        page: u32,
    },
    /// A row of a heap.
    Rid {
        database: i32,
        rowset: i64,
        file: u16,
        page: u32,
        slot: u16,
    },
    /// A row of a clustered index, or an entry of a nonclustered one.
    Key {
        database: i32,
        rowset: i64,
        hash: u64,
    },
    /// A name that applications agree on (`sp_getapplock`); [`super::LockManager::application`] makes it.
    Application {
        database: i32,
        principal: i32,
        hash: u64,
    },
}

/// Beyond the last key of an index: what a serializable reader locks when nothing follows its range.
pub const KEY_INFINITY: u64 = u64::MAX;

impl Resource {
    pub fn key(database: i32, rowset: i64, key: &[u8]) -> Self {
        // The greatest hash stands for the end of the index.
        Resource::Key { database, rowset, hash: hash_bytes(key).min(KEY_INFINITY - 1) }
    }

    pub fn database(&self) -> i32 {
        match *self {
            Resource::Database { database }
            | Resource::Schema { database, .. }
            | Resource::UserType { database, .. }
            | Resource::Object { database, .. }
            | Resource::Rowset { database, .. }
            | Resource::Page { database, .. }
            | Resource::Rid { database, .. }
            | Resource::Key { database, .. }
            | Resource::Application { database, .. } => database,
        }
    }

    /// `resource_type` of `sys.dm_tran_locks`.
    pub fn kind(&self) -> &'static str {
        match self {
            Resource::Database { .. } => "DATABASE",
            Resource::Schema { .. } | Resource::UserType { .. } => "METADATA",
            Resource::Object { .. } => "OBJECT",
            Resource::Rowset { .. } => "HOBT",
            Resource::Page { .. } => "PAGE",
            Resource::Rid { .. } => "RID",
            Resource::Key { .. } => "KEY",
            Resource::Application { .. } => "APPLICATION",
        }
    }

    /// `resource_subtype` of `sys.dm_tran_locks`.
    pub fn subtype(&self) -> &'static str {
        match self {
            Resource::Schema { .. } => "SCHEMA",
            Resource::UserType { .. } => "USER_TYPE",
            _ => "",
        }
    }

    /// `resource_associated_entity_id` of `sys.dm_tran_locks`: object or rowset.
    pub fn entity(&self) -> i64 {
        match *self {
            Resource::Object { object, .. } => i64::from(object),
            Resource::Rowset { rowset, .. } | Resource::Rid { rowset, .. } | Resource::Key { rowset, .. } => {
                rowset
            }
            _ => 0,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Resource::Schema { schema, .. } => write!(f, "SCHEMA: schema_id = {schema}"),
            Resource::UserType { user_type, .. } => write!(f, "USER_TYPE: user_type_id = {user_type}"),
            Resource::Page { file, page, .. } => write!(f, "{file}:{page}"),
            Resource::Rid { file, page, slot, .. } => write!(f, "{file}:{page}:{slot}"),
            Resource::Key { hash, .. } => write!(f, "({:012x})", hash & 0xFFFF_FFFF_FFFF),
            Resource::Application { principal, hash, .. } => {
                write!(f, "{principal}:({:08x})", hash & 0xFFFF_FFFF)
            }
            _ => Ok(()),
        }
    }
}

const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// Multiplies to 128 bits and folds the halves together: every bit of the input reaches every bit of the result.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// A 64-bit hash of a key. The same in every process: the tests of others may rely on it within one run only.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut h = fold(bytes.len() as u64 ^ MIX, 0xD6E8_FEB8_6659_FD93);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        h = fold(h ^ u64::from_le_bytes(word), MIX);
    }
    let rest = chunks.remainder();
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    fold(h ^ u64::from_le_bytes(word), 0xA076_1D64_78BD_642F)
}

/// Hashes resources and numbers for the tables of this module: short fixed-size input, not chosen by an attacker who could
/// gain more by it than slow look-ups of his own locks.
#[derive(Default, Clone)]
pub(super) struct FastHasher(u64);

impl Hasher for FastHasher {
    fn finish(&self) -> u64 {
        fold(self.0, MIX)
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = fold(self.0 ^ hash_bytes(bytes), MIX);
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_u16(&mut self, n: u16) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_i32(&mut self, n: i32) {
        self.write_u64(n as u64);
    }
    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = fold(self.0.rotate_left(5) ^ n, 0xA076_1D64_78BD_642F) ^ n;
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}

#[derive(Default, Clone, Copy)]
pub(super) struct FastHash;

impl std::hash::BuildHasher for FastHash {
    type Hasher = FastHasher;
    fn build_hasher(&self) -> FastHasher {
        // Not zero: a product with zero would lose the first word.
        FastHasher(0x1D8E_4E27_C47D_124F)
    }
}

pub(super) fn hash_of(resource: &Resource) -> u64 {
    let mut hasher = std::hash::BuildHasher::build_hasher(&FastHash);
    resource.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_little_have_different_hashes() {
        let mut seen = std::collections::HashSet::new();
        for n in 0..200_000u64 {
            assert!(seen.insert(hash_bytes(&n.to_le_bytes())));
            assert!(seen.insert(hash_bytes(&n.to_be_bytes()[4..])));
        }
        // A longer key is not a shorter one with zeros.
        assert_ne!(hash_bytes(&[1]), hash_bytes(&[1, 0]));
        assert_ne!(hash_bytes(&[]), hash_bytes(&[0; 8]));
    }

    #[test]
    fn resources_spread_over_the_shards() {
        let mut counts = [0u32; 64];
        for n in 0..64_000u64 {
            let r = Resource::Rid {
                database: 5,
                rowset: 72,
                file: 1,
                page: (n / 100) as u32,
                slot: (n % 100) as u16,
            };
            counts[(hash_of(&r) >> 40) as usize % 64] += 1;
        }
        assert!(counts.iter().all(|c| (800..1200).contains(c)), "{counts:?}");
    }

    #[test]
    fn descriptions() {
        assert_eq!(
            Resource::Rid { database: 1, rowset: 2, file: 1, page: 104, slot: 7 }.to_string(),
            "1:104:7"
        );
        assert_eq!(
            Resource::Key { database: 1, rowset: 2, hash: KEY_INFINITY }.to_string(),
            "(ffffffffffff)"
        );
        assert_eq!(Resource::Object { database: 1, object: 2 }.to_string(), "");
    }
}
