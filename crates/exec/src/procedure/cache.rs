//! Units by text, so that a text that comes again is neither parsed nor planned again.
//!
//! Invariants
//! 1. The key holds everything that the meaning of names and types depends on before binding: text, settings, database.
//!    What binding depends on is checked again for every kept plan (see `unit`).
//! 2. Bounded by the bytes of the texts; the oldest entries go first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use super::unit::Unit;

/// Bytes of text kept.
const MAX_BYTES: usize = 16 << 20;
/// Longer texts run once, as a rule.
const MAX_TEXT: usize = 256 << 10;

/// What a text is looked up by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnitKey {
    pub text: Arc<str>,
    /// Declaration text of parameters (sp_executesql), module identity, or empty.
    pub parameters: Arc<str>,
    pub options: i32,
    pub database: usize,
}

#[derive(Default)]
struct Inner {
    units: HashMap<UnitKey, Arc<Unit>>,
    order: VecDeque<UnitKey>,
    bytes: usize,
}

/// A bounded map, shared by all sessions.
#[derive(Default)]
pub struct UnitCache {
    inner: Mutex<Inner>,
}

impl UnitCache {
    pub fn find(&self, key: &UnitKey) -> Option<Arc<Unit>> {
        self.inner.lock().units.get(key).cloned()
    }

    pub fn keep(&self, key: UnitKey, unit: &Arc<Unit>) {
        if key.text.len() > MAX_TEXT {
            return;
        }
        let mut inner = self.inner.lock();
        inner.bytes += key.text.len() + 256;
        if inner.units.insert(key.clone(), Arc::clone(unit)).is_none() {
            inner.order.push_back(key);
        }
        while inner.bytes > MAX_BYTES {
            let Some(old) = inner.order.pop_front() else { break };
            inner.bytes = inner.bytes.saturating_sub(old.text.len() + 256);
            inner.units.remove(&old);
        }
    }
}
