//! The executor: operators over column batches, expression evaluation, the statement runner, system views.
//!
//! Module map: [`session`] the boundary to connections, [`server_cursor`] the same for cursors of the API, [`context`] what one execution carries, [`operator`] the physical operators
//! ([`operator::open`] runs a plan), [`expression`] evaluation over batches, [`function`] built-in functions, [`ddl`] data definition, [`security`] who may do what, [`indexed_view`] what such views compute, [`row_store`] rows of tables that are not in a database.
#![forbid(unsafe_code)]

pub mod collect;
pub mod context;
pub mod ddl;
pub mod expression;
pub mod function;
pub mod host;
pub mod indexed_view;
pub mod operator;
pub mod procedure;
pub mod restore;
pub mod row_store;
pub mod security;
pub mod server_cursor;
pub mod session;
pub mod system_view;
