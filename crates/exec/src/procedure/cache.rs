//! Units by text, so that a text that comes again is neither parsed nor planned again.
//!
//! Invariants
//! 1. The key holds everything that the meaning of names and types depends on before binding: text, settings, database.
//!    What binding depends on is checked again for every kept plan (see `unit`).
//! 2. Bounded by what the units are taken to need; those that came again since they were last looked at go later.
//! 3. Plans for databases as they were before a change of their catalogue are let go soon: they hold that catalogue.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::unit::Unit;
use crate::host::HostDatabase;

/// Memory that units may be taken to need, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// Longer texts run once, as a rule.
const MAX_TEXT: usize = 256 << 10;
/// What a unit is taken to need: its tree and its plans grow with its text (measured: 6 to 50 KiB for 100 characters).
const UNIT_BYTES: usize = 8 << 10;
const BYTES_PER_CHARACTER: usize = 64;
/// New units between two looks for outdated plans: at least so many, and a part of those kept, so that the look costs each
/// new unit little.
const SWEEP: usize = 64;
const SWEEP_PART: usize = 16;
/// More views of databases than after the last sweep are reason enough for the next.
const MORE_ALIVE: usize = 8;

/// What a text is looked up by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnitKey {
    pub text: Arc<str>,
    /// Declaration text of parameters (sp_executesql), module identity, or empty.
    pub parameters: Arc<str>,
    pub options: i32,
    pub database: usize,
}

struct Entry {
    unit: Arc<Unit>,
    /// Found since it was last considered for leaving.
    used: AtomicBool,
}

#[derive(Default)]
struct Inner {
    units: HashMap<UnitKey, Entry>,
    order: VecDeque<UnitKey>,
    bytes: usize,
    since_sweep: usize,
    /// Views of databases that there were after the last sweep.
    alive: usize,
}

fn weight(key: &UnitKey) -> usize {
    UNIT_BYTES + BYTES_PER_CHARACTER * key.text.len()
}

/// A bounded map, shared by all sessions.
#[derive(Default)]
pub struct UnitCache {
    inner: Mutex<Inner>,
}

impl UnitCache {
    pub fn find(&self, key: &UnitKey) -> Option<Arc<Unit>> {
        let inner = self.inner.lock();
        let entry = inner.units.get(key)?;
        entry.used.store(true, Ordering::Relaxed);
        Some(Arc::clone(&entry.unit))
    }

    pub fn keep(&self, key: UnitKey, unit: &Arc<Unit>) {
        if key.text.len() > MAX_TEXT {
            return;
        }
        let mut inner = self.inner.lock();
        inner.since_sweep += 1;
        // Plans hold catalogs, which may be large.
        let many = HostDatabase::alive() > inner.alive + MORE_ALIVE;
        if many || inner.since_sweep >= SWEEP + inner.units.len() / SWEEP_PART {
            inner.since_sweep = 0;
            inner.units.values().for_each(|e| e.unit.forget_outdated());
            inner.alive = HostDatabase::alive();
        }
        let entry = Entry { unit: Arc::clone(unit), used: AtomicBool::new(false) };
        if inner.units.insert(key.clone(), entry).is_none() {
            inner.bytes += weight(&key);
            inner.order.push_back(key);
        }
        while inner.bytes > MAX_BYTES {
            let Some(old) = inner.order.pop_front() else { break };
            if inner.units.get(&old).is_some_and(|e| e.used.swap(false, Ordering::Relaxed)) {
                inner.order.push_back(old);
                continue;
            }
            inner.bytes = inner.bytes.saturating_sub(weight(&old));
            inner.units.remove(&old);
        }
    }

    /// Units kept.
    pub fn len(&self) -> usize {
        self.inner.lock().units.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procedure::unit::Layout;

    fn key(text: &str) -> UnitKey {
        UnitKey { text: text.into(), parameters: "".into(), options: 0, database: 0 }
    }

    #[test]
    fn bounded_and_kind_to_what_comes_again() {
        let cache = UnitCache::default();
        let often = key("often");
        let unit = Unit::new("", Vec::new(), Vec::new(), Layout::default());
        cache.keep(often.clone(), &unit);
        for n in 0..20_000 {
            assert!(cache.find(&often).is_some(), "gone after {n}");
            cache.keep(key(&format!("select {n}")), &unit);
        }
        assert!(cache.len() * UNIT_BYTES <= MAX_BYTES, "{}", cache.len());
        assert!(cache.find(&key("select 0")).is_none());
        assert!(cache.find(&key("select 19999")).is_some());
    }
}
