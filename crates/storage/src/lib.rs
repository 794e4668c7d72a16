//! Everything between files and the catalogue: the page cache, recovery and restore.
//!
//! Module map: [`cache`] verified pages of open databases.
#![forbid(unsafe_code)]

pub mod cache;

pub use cache::{DatabasePages, PageCache};
