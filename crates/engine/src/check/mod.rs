//! The consistency checker.
