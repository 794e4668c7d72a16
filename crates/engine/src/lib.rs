//! The engine: databases, their catalogs, and access to the rows of their tables. Knows SQL types and pages; knows no SQL
//! text and no plans.
//!
//! Module map: [`catalog`] definitions of tables, views and modules as the binder sees them, [`access`] how rows come out.
#![forbid(unsafe_code)]

pub mod access;
pub mod catalog;
pub mod instance;
