//! The server: listener, connections, logins, TLS. The only crate (besides cluster drivers) with an asynchronous runtime;
//! statements run through [`holdfast_exec::session::SqlSession`] on threads that gave up their part in the runtime.
//!
//! Module map: [`config`] what an instance is told, [`listener`] accepting and stopping, [`connection`] one connection from
//! its first byte to its last, [`rpc`] the prepared-statement and cursor procedures over a plain session, [`security`]
//! logins, passwords and certificates.
//!
//! Invariants
//! 1. No engine call on a thread that has other tasks of the runtime to run.
//! 2. A connection holds at most [`config::Config::message_size_max`] bytes of request and a few chunks of answer.
//! 3. Before login a client may send little, slowly costs it the connection, and neither says which part was wrong.
#![forbid(unsafe_code)]

pub mod config;
pub mod connection;
pub mod listener;
pub mod rpc;
pub mod security;

pub use config::Config;
pub use listener::{Server, ServerError};
