//! The executor: operators over column batches, expression evaluation, the statement runner, system views.
//!
//! Module map: [`session`] the boundary to connections.
#![forbid(unsafe_code)]

pub mod restore;
pub mod session;
pub mod system_view;
