//! Fuzz targets: every decoder that reads bytes from a disk, a wire or a user, as a function over bytes, and the seeds to
//! mutate. A target has the shape coverage-guided fuzzers want (`fn(&[u8])`), so that one line binds it to such a fuzzer;
//! the program of this crate needs none: it mutates seeds with a fixed random sequence on a stable toolchain.
//!
//! Invariants
//! 1. A target gives back nothing and never panics: whatever the bytes, decoders answer a value or an error.
//! 2. A target ends soon (see the runner's limit) and holds memory in proportion to its input.
//! 3. The same seed and target give the same cases on every machine with the same corpus.
#![forbid(unsafe_code)]

pub mod mutate;
pub mod target;

pub use mutate::Random;

/// One decoder, or a chain of them.
pub struct Target {
    pub name: &'static str,
    pub what: &'static str,
    /// Inputs to mutate: genuine ones where the corpus is at hand, made ones otherwise.
    pub seeds: fn() -> Vec<Vec<u8>>,
    pub run: fn(&[u8]),
    /// Changes applied to a seed at most; large inputs need more to be hit where it matters.
    pub changes: usize,
}

/// All targets.
pub fn targets() -> Vec<Target> {
    let mut all = target::backup::targets();
    all.extend(target::database::targets());
    all.extend(target::log::targets());
    all.extend(target::value::targets());
    all.extend(target::wire::targets());
    all
}
