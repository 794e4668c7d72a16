//! Vocabulary shared by every layer: identifiers of pages, slots and log records, bounded byte access, and the traits
//! through which the outside world (clock, entropy) enters. Pure: no I/O, no threads.
//!
//! Module map: [`ids`] newtypes for on-disk addresses, [`bytes`] bounded little-endian reading and writing,
//! [`sha1`](mod@sha1) a digest of two formats, [`world`] clock and entropy traits.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod ids;
pub mod sha1;
pub mod world;

pub use bytes::{ByteReader, ByteWriter, Truncated};
pub use ids::{FileId, Lsn, PAGE_SIZE, PageId, PageNumber, Rid, SlotNumber};
