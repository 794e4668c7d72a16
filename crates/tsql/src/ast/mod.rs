//! The syntax tree: what was written, with positions, before any name is resolved.
//!
//! Module map: [`statement`] batches and control flow, [`query`] SELECT, [`expression`], [`dml`] data changes, [`ddl`]
//! definitions, [`backup`], [`name`], [`types`]; [`walk`] what statements name.

#![expect(
    clippy::large_enum_variant,
    reason = "trees are built once per statement text and cached; boxes would burden every user"
)]

pub mod backup;
pub mod ddl;
pub mod dml;
pub mod expression;
pub mod name;
pub mod query;
pub mod statement;
pub mod types;
pub mod walk;

pub use backup::*;
pub use ddl::*;
pub use dml::*;
pub use expression::*;
pub use name::*;
pub use query::*;
pub use statement::*;
pub use types::*;
