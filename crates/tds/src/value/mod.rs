//! How values travel: [`encode`] one value, [`decode`] one value, [`rows`] whole column batches as ROW and NBCROW tokens,
//! [`variant`] sql_variant, [`text`] the texts that clients below 7.3 get for dates.
//!
//! Invariants
//! 1. Encoding follows the wire type of [`TypeInfo`](crate::type_info::TypeInfo); a value of another kind is an error.
//! 2. Decoding allocates no more than the input holds.

pub mod decode;
pub mod encode;
pub mod rows;
mod text;
pub mod variant;

pub use decode::decode_value;
pub use encode::{ValueContext, encode_value};
pub use rows::RowEncoder;
