//! The procedural side of T-SQL: batches, variables, control flow, errors, procedures and functions, over the planner and the
//! operators.
//!
//! Module map: [`run`] the statement runner, [`surroundings`] what statements run in, [`unit`] a text with its variables and plans, [`cache`] units by text,
//! [`query`] SELECT and expressions, [`call`] EXECUTE, [`function_call`] user-defined functions, [`options`] SET and USE,
//! [`raise`] PRINT, RAISERROR, THROW, [`transaction`], [`cursor`], `cursor_dynamic`, `cursor_keyset`, `cursor_block` blocks of rows for clients, `cursor_session` the calls of clients, [`cursor_list`] what cursors there are, [`change`] statements that change rows, [`temporary`] temporary tables, [`temporary_alter`] ALTER TABLE of them, [`temporary_procedure`], [`memory_table`], [`memory_shape`], [`identity`],
//! [`impersonation`] EXECUTE AS and REVERT, [`names`] what of master is found from everywhere, [`settled`] looking them up while others define, [`startup`] procedures that run when the server starts,
//! [`state`] what a session remembers, [`metadata`] answers for metadata functions, [`system`] system procedures as texts,
//! [`application_lock`] locks on names,
//! [`describe`] what a text would answer, `described` SET FMTONLY, `browse` SELECT … FOR BROWSE, `result_sets` WITH RESULT SETS, [`xml_document`] documents for OPENXML,
//! [`administration`] statements of the server layer, [`instance_administration`] those that an instance alone can answer, [`instance_session`] sessions as the protocol drives them.

pub mod administration;
mod append;
pub mod application_lock;
mod browse;
pub mod cache;
pub mod call;
pub mod change;
mod collation_text;
pub mod configure;
pub mod cursor;
mod cursor_block;
mod cursor_dynamic;
mod cursor_keyset;
pub mod cursor_list;
mod cursor_session;
pub mod dbcc;
mod dbcc_indexes;
mod dbcc_info;
pub mod dbcc_maintenance;
pub mod dbcc_session;
mod dbcc_shrink;
mod dbcc_views;
pub mod describe;
mod described;
mod extended;
pub mod function_call;
pub mod identity;
pub mod impersonation;
pub mod instance_administration;
pub mod instance_session;
mod load;
pub mod management_function;
pub mod memory_shape;
pub mod memory_table;
pub mod metadata;
pub mod names;
pub mod options;
mod prepared;
mod property;
pub mod query;
pub mod raise;
pub mod redefined;
mod result_sets;
pub mod run;
mod server_objects;
pub mod server_procedure;
pub mod settled;
pub mod show_statistics;
pub mod showplan;
mod simple;
pub mod startup;
pub mod state;
pub mod statistics;
pub mod surroundings;
pub mod system;
pub mod temporary;
pub mod temporary_alter;
pub mod temporary_procedure;
pub mod transaction;
pub mod unit;
pub mod user_message;
pub mod xml_document;

pub use administration::{Administration, NoAdministration};
pub use instance_administration::InstanceAdministration;
pub use instance_session::{InstanceSession, InstanceSessions};
pub use state::SharedSession;
