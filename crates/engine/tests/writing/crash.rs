//! Crashes cut at every write.
