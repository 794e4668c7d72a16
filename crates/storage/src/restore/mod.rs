//! Restoring backup sets into data files.
//!
//! Module map: [`place`] writes the pages of a set to their places, on all cores and in bounded memory. Rolling the log is
//! [`crate::recovery`]'s.

pub mod place;

pub use place::{PlaceError, PlaceOptions, Placed, TargetFile, place_pages};
