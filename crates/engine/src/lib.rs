//! The engine: databases, their catalogs, and access to the rows of their tables. Knows SQL types and pages; knows no SQL
//! text and no plans.
//!
//! Module map: [`catalog`] definitions of tables, views and modules as the binder sees them, [`access`] how rows come out,
//! [`database`] a stored database's catalog read from its base tables, [`stored`] scans and seeks over its pages,
//! [`write`] changes of rows, [`transaction`] what ties them together, [`decision`] what becomes of it in several databases, [`lock`] who waits for whom, [`version`] what rows were before, [`instance`] the databases of a data directory, [`decode`] stored bytes to values, [`check`] the consistency checker, [`script`] a schema as T-SQL, [`statistics`] making them from rows.
#![forbid(unsafe_code)]

pub mod access;
pub mod catalog;
pub mod check;
pub mod database;
pub mod ddl;
pub mod decision;
pub mod decode;
pub mod error;
pub mod instance;
pub mod lock;
pub mod script;
pub mod statistics;
pub mod stored;
pub mod transaction;
pub mod version;
pub mod write;

pub use database::{DatabaseCatalog, StoredDatabase};
pub use error::page_error;
