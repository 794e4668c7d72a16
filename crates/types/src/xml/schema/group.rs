//! Content models: which elements may stand in which order.
//!
//! Invariants
//! 1. A model is followed from left to right without going back, which is right because every place of a valid model can be taken
//!    by one particle only (unique particle attribution).
//! 2. `expected` holds what the model could have taken at the first element that it did not take.

use super::{Collection, Component, UNBOUNDED, expanded, kind, status};

/// Deepest nesting of groups, types and their bases.
const DEPTH_MAX: usize = 128;

pub struct Particle<'c> {
    least: i32,
    most: i32,
    term: Term<'c>,
}

pub enum Term<'c> {
    Element(&'c Component),
    Wildcard(&'c Component),
    /// Compositor: A, C or S.
    Group(char, Vec<Particle<'c>>),
}

/// A child element by its name.
pub struct Child {
    pub uri: String,
    pub local: String,
}

/// What takes a child.
#[derive(Clone, Copy)]
pub enum Taker<'c> {
    Element(&'c Component),
    Wildcard(&'c Component),
}

/// Why children do not fit.
pub enum Misfit {
    /// The model ends in want of something.
    Missing(Vec<String>),
    /// The child at this place is not expected; what is may be nothing.
    Unexpected(usize, Vec<String>),
}

/// Whether a wildcard takes a namespace.
pub fn wildcard_takes(w: &Component, uri: &str) -> bool {
    let named = w.namespaces.iter().any(|n| n == uri);
    if w.status & status::DISALLOWS == 0 {
        return named;
    }
    // What is not the target namespace has to be in one.
    !named && (w.namespaces.is_empty() || !uri.is_empty())
}

pub struct Walk<'c, 'w> {
    collection: &'c Collection,
    children: &'w [Child],
    takers: Vec<Taker<'c>>,
    expected: Vec<String>,
}

impl<'c> Walk<'c, '_> {
    fn takes(&self, term: &Term<'c>, child: &Child) -> bool {
        match term {
            Term::Element(e) => {
                let uri = if e.qualified { self.collection.namespace_of(e) } else { "" };
                e.name == child.local && uri == child.uri
            }
            Term::Wildcard(w) => wildcard_takes(w, &child.uri),
            Term::Group(..) => false,
        }
    }

    fn nullable(p: &Particle<'c>) -> bool {
        p.least == 0
            || match &p.term {
                Term::Group('C', parts) => parts.is_empty() || parts.iter().any(Self::nullable),
                Term::Group(_, parts) => parts.iter().all(Self::nullable),
                _ => false,
            }
    }

    fn can_start(&self, p: &Particle<'c>, child: &Child) -> bool {
        match &p.term {
            Term::Group('S', parts) => {
                for part in parts {
                    if self.can_start(part, child) {
                        return true;
                    }
                    if !Self::nullable(part) {
                        return false;
                    }
                }
                false
            }
            Term::Group(_, parts) => parts.iter().any(|part| self.can_start(part, child)),
            term => p.most > 0 && self.takes(term, child),
        }
    }

    /// Adds what the particle could begin with.
    fn expect(&mut self, p: &Particle<'c>) {
        let name = match &p.term {
            Term::Group('S', parts) => {
                for part in parts {
                    self.expect(part);
                    if !Self::nullable(part) {
                        break;
                    }
                }
                return;
            }
            Term::Group(_, parts) => {
                parts.iter().for_each(|part| self.expect(part));
                return;
            }
            Term::Element(e) => {
                let uri = if e.qualified { self.collection.namespace_of(e) } else { "" };
                expanded(uri, &e.name)
            }
            Term::Wildcard(_) => "*".to_owned(),
        };
        if !self.expected.contains(&name) {
            self.expected.push(name);
        }
    }

    fn take(&mut self, taker: Taker<'c>) {
        self.takers.push(taker);
        self.expected.clear();
    }

    /// Takes children from the next on; `Err` when something required is not there.
    fn run(&mut self, p: &Particle<'c>) -> Result<(), ()> {
        let mut count = 0;
        while p.most == UNBOUNDED || count < p.most {
            let before = self.takers.len();
            let starts = self.children.get(before).is_some_and(|c| self.can_start(p, c));
            if !starts {
                if count >= p.least || Self::nullable(p) {
                    self.expect(p);
                    break;
                }
                // A sequence may have begun with parts that are not required.
                self.expect(p);
                return Err(());
            }
            match &p.term {
                Term::Element(e) => self.take(Taker::Element(e)),
                Term::Wildcard(w) => self.take(Taker::Wildcard(w)),
                Term::Group('S', parts) => {
                    for part in parts {
                        self.run(part)?;
                    }
                }
                Term::Group('C', parts) => {
                    let child = self.children.get(before);
                    if let Some(part) =
                        parts.iter().find(|part| child.is_some_and(|c| self.can_start(part, c)))
                    {
                        self.run(part)?;
                    }
                }
                Term::Group(_, parts) => self.all(parts)?,
            }
            if self.takers.len() == before {
                break;
            }
            count += 1;
        }
        Ok(())
    }

    /// Each part once, in any order.
    fn all(&mut self, parts: &[Particle<'c>]) -> Result<(), ()> {
        let mut left: Vec<&Particle<'c>> = parts.iter().collect();
        while let Some(child) = self.children.get(self.takers.len()) {
            let Some(at) = left.iter().position(|part| self.can_start(part, child)) else { break };
            let part = left.remove(at);
            self.run(part)?;
        }
        left.iter().for_each(|part| self.expect(part));
        if left.iter().any(|part| !Self::nullable(part)) { Err(()) } else { Ok(()) }
    }
}

impl Collection {
    /// The content of a complex type, that of its bases by extension first; `None` when its components make no sense.
    pub fn content_of(&self, ty: &Component) -> Option<Particle<'_>> {
        let mut parts = Vec::new();
        let mut at = Some(ty);
        let mut steps = 0;
        while let Some(c) = at.filter(|c| c.kind == kind::COMPLEX) {
            steps += 1;
            if steps > DEPTH_MAX {
                return None;
            }
            for p in &c.placed {
                if self.get(p.placed)?.kind == kind::GROUP {
                    parts.push(self.particle(p.placed, p.least, p.most, 0)?);
                }
            }
            at = if c.derivation == 'X' { self.get(c.base) } else { None };
        }
        parts.reverse();
        match parts.len() {
            1 => parts.pop(),
            _ => Some(Particle { least: 1, most: 1, term: Term::Group('S', parts) }),
        }
    }

    fn particle(&self, id: i32, least: i32, most: i32, depth: usize) -> Option<Particle<'_>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let c = self.get(id)?;
        let term = match c.kind {
            kind::ELEMENT => Term::Element(c),
            kind::WILDCARD => Term::Wildcard(c),
            kind::GROUP => {
                let parts: Option<Vec<_>> =
                    c.placed.iter().map(|p| self.particle(p.placed, p.least, p.most, depth + 1)).collect();
                Term::Group(c.detail, parts?)
            }
            _ => return None,
        };
        Some(Particle { least, most, term })
    }

    /// What takes each of the children.
    pub fn take_children<'c>(
        &'c self,
        content: &Particle<'c>,
        children: &[Child],
    ) -> Result<Vec<Taker<'c>>, Misfit> {
        let mut walk = Walk { collection: self, children, takers: Vec::new(), expected: Vec::new() };
        let done = walk.run(content);
        let at = walk.takers.len();
        if at < children.len() {
            return Err(Misfit::Unexpected(at, walk.expected));
        }
        match done {
            Ok(()) => Ok(walk.takers),
            Err(()) => Err(Misfit::Missing(walk.expected)),
        }
    }
}
