//! Everything between files and the catalogue: the page cache, recovery and restore.
//!
//! Module map: [`address`] tables by page; [`cache`] verified pages of open databases; [`recovery`] the one pass over the log; [`restore`] backup sets
//! into files; [`write`] changing an open database.
#![forbid(unsafe_code)]

mod address;
pub mod cache;
pub mod recovery;
pub mod restore;
pub mod write;

pub use cache::{DatabasePages, PageCache};
