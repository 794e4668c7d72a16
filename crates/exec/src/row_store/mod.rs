//! Rows of tables that are not in a database: encoded, in sorted trees whose leaves share one bounded memory and go to a file beyond it.
//!
//! Module map: [`pool`] the memory all leaves share, [`extents`] places in the file, [`leaf`] some entries in order, [`tree`] ordered
//! sets of entries with snapshots, [`cursor`] moving through one, [`sorter`] building one from entries in any order, [`codec`] rows as
//! bytes.
//!
//! Invariants
//! 1. A tree is a set of byte strings in memcmp order. A copy of a tree is a snapshot: it costs nothing to make, and changes of one
//!    are not seen in the other, because what two trees share is copied before it changes.
//! 2. Leaves are charged to the pool while they are in memory. What branches take (below a hundredth of what is under them) is not.
//! 3. The last tree that refers to a leaf gives back its memory and its place in the file.
//! 4. Adding to a tree fails before anything changes when the file has no room. Reading never needs room in the file.

pub mod codec;
pub mod cursor;
mod extents;
mod leaf;
pub mod pool;
pub mod sorter;
pub mod tree;

pub use cursor::Cursor;
pub use pool::Pool;
pub use tree::Tree;
