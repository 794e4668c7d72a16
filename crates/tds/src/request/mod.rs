//! Requests: what a client asks. [`headers`] the ALL_HEADERS block, [`batch`] SQL text, [`rpc`] procedure calls,
//! [`table`] table-valued parameters, [`transaction`] transaction-manager requests, [`bulk`] bulk load.

pub mod batch;
pub mod bulk;
pub mod headers;
pub mod rpc;
pub mod table;
pub mod transaction;

pub use batch::SqlBatch;
pub use bulk::BulkLoad;
pub use headers::Headers;
pub use rpc::{Rpc, RpcCall, RpcParameter, RpcProcedure, RpcValue};
pub use table::{TableColumn, TableValue};
pub use transaction::TransactionManagerRequest;
