//! Makes databases from nothing: the catalogue of an empty database, its fixed pages, maps and first log block (CREATE
//! DATABASE); and with tables of generated rows a backup of them in SQL Server's own format, for the sample backup that is
//! shipped and for big inputs of benchmarks.
//!
//! Module map: [`template`] catalogue rows of an empty database; [`table`] user tables and their catalogue rows;
//! [`compressed`] ROW and PAGE compression;
//! [`value`] text and values to stored bytes; [`space`] page allocation; [`tree`] building B-trees and heaps; [`fixed`]
//! file header and boot page; [`log`] virtual log files and the first block; [`database`] putting it together; [`backup`] writing the backup; [`sample`] the sample.
#![forbid(unsafe_code)]

pub mod backup;
pub mod compressed;
pub mod database;
pub mod fixed;
pub mod log;
pub mod sample;
pub mod space;
pub mod table;
pub mod template;
pub mod tree;
pub mod value;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum GeneratorError {
    #[error("catalogue template: {0}")]
    Template(String),
    #[error("table {table}: {what}")]
    Table { table: String, what: String },
    #[error(transparent)]
    Format(#[from] holdfast_format::FormatError),
    #[error("record: {0}")]
    Record(#[from] holdfast_format::RecordError),
    #[error("page: {0}")]
    Page(#[from] holdfast_format::page::edit::EditError),
    #[error(transparent)]
    Backup(#[from] holdfast_backup::BackupError),
    #[error("the database would be larger than a file can be")]
    TooLarge,
}

pub type Result<T> = std::result::Result<T, GeneratorError>;
