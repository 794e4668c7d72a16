//! SQL Server's data file format as pure codecs: bytes to values and back, with no I/O, no clock, no threads.
//!
//! Module map: [`page`] header, slots, protection, editing, local checks; [`record`] rows and index entries, plain and
//! compressed; [`allocation`] GAM/SGAM/DCM/BCM/PFS/IAM; [`lob`] values outside the row; [`btree`] descent and levels;
//! [`boot`] and [`file_header`] the two fixed records; [`log`] log blocks and records; [`catalog`] reading the system base tables; [`source`] where pages
//! come from; [`statistics`] histograms; [`module_text`] texts of modules, encrypted ones too; [`error`].
#![forbid(unsafe_code)]

pub mod allocation;
pub mod boot;
pub mod btree;
pub mod catalog;
pub mod error;
pub mod file_header;
pub mod lob;
pub mod log;
pub mod module_text;
pub mod page;
pub mod record;
pub mod source;
pub mod statistics;

pub use error::{FormatError, RecordError};
pub use page::{PageBytes, PageType, PageView};
pub use source::{MemoryPages, PageRef, PageSource};
