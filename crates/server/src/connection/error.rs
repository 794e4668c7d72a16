//! Why a connection ends early.

use std::io;

use holdfast_tds::TdsError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ConnectionError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] TdsError),
    #[error("the client took too long to log in")]
    LoginTimeout,
    #[error("the client closed the connection before logging in")]
    ClosedEarly,
    #[error("{0}")]
    Refused(&'static str),
    #[error("a worker thread ended abnormally")]
    Worker,
}
