//! Data definition: statements to changes of the catalog.
//!
//! Module map: [`database`] CREATE, ALTER and DROP DATABASE, attach and detach, [`row_versions`] its options about versions.

pub mod database;
pub mod row_versions;
