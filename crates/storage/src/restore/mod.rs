//! Restoring backup sets into database files.
//!
//! Module map: [`cut`] ends the log at a stop point; [`place`] writes the pages of a set to their places, on all cores and in bounded memory; [`log_files`] the log
//! file with the set's log in it; [`set`] one set from end to end, and recovery after the last one; [`state`] what is known
//! in between. Rolling the log is [`crate::recovery`]'s.

mod cut;
mod error;
pub mod log_files;
pub mod place;
pub mod set;
pub mod state;

pub use error::RestoreError;
pub use place::{PlaceError, PlaceOptions, Placed, TargetFile, place_pages};
pub use set::{
    Identity, Recovered, RestoreOptions, RestoreTarget, Restored, check_set, discard, recover, restore_set,
};
pub use state::{Phase, RestoreState, RestoredFile};
