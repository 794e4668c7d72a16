//! Data definition: statements to changes of the catalog.
//!
//! Module map: [`database`] CREATE, ALTER and DROP DATABASE, attach and detach.

pub mod database;
