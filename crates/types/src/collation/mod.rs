//! Collations: identity, comparison, sort keys, pattern matching, case mapping.

pub mod id;
mod names;
