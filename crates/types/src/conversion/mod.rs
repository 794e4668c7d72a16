//! Conversions between types.

pub mod text;

pub use text::{money_text, uuid_text};
