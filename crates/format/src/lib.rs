//! Placeholder head; see docs/design.md.
#![forbid(unsafe_code)]

pub mod log;
