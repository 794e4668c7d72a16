//! Placeholder head; see docs/design.md.
