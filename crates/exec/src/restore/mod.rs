//! RESTORE as a statement: options, devices, result sets and messages. Placing pages and recovery are the storage layer's;
//! here is what a client sees of it.
//!
//! Module map: [`request`] the statement with its expressions evaluated, [`devices`] opening backup devices,
//! [`answers`] HEADERONLY, FILELISTONLY, LABELONLY, [`verify`] VERIFYONLY, [`errors`] backup errors as messages,
//! [`database`] RESTORE DATABASE and LOG, [`roll`] their storage side,
//! [`targets`] where files go.
//!
//! Invariants
//! 1. A failing statement sends its specific errors first and `3013 … is terminating abnormally.` last.
//! 2. Every informational message and its arithmetic are those of docs/design/restore.md.

pub mod answers;
pub mod database;
pub mod devices;
pub mod errors;
pub mod request;
pub mod roll;
pub mod targets;
pub mod verify;

pub use request::{RecoveryOption, RestoreRequest, RestoreVerb};
