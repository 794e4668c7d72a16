//! A whole value against a collection.
//!
//! Invariants
//! 1. The answer is the value as it is stored: values of simple types in their canonical form, defaults filled in.
//! 2. Recursion is bounded by the depth that documents may have.

use std::collections::HashSet;

use super::super::document::{Document, Node, NodeId, NodeKind};
use super::builtin::{self, XML, XSI};
use super::group::{Child, Misfit, Taker, wildcard_takes};
use super::simple::is_space;
use super::{Collection, Component, Placement, expanded, kind, space, status};
use crate::{SqlError, SqlResult};

const DEPTH_MAX: usize = 128;

enum Edit {
    Value(NodeId, String),
    Text(NodeId, String),
    Attribute(NodeId, String, String),
}

struct Check<'c> {
    collection: &'c Collection,
    document: &'c Document,
    edits: Vec<Edit>,
    ids: HashSet<String>,
    references: Vec<(String, String)>,
}

impl Collection {
    /// Checks a value, the text of a document or fragment, and answers how it is stored.
    ///
    /// # Errors
    /// 6901 to 6965 for what does not fit.
    pub fn validate(&self, text: &str, whole_document: bool) -> SqlResult<String> {
        let document = Document::parse(text).map_err(|e| e.to_sql())?;
        let mut check = Check {
            collection: self,
            document: &document,
            edits: Vec::new(),
            ids: HashSet::new(),
            references: Vec::new(),
        };
        check.roots(whole_document)?;
        let edits = check.edits;
        if edits.is_empty() {
            return Ok(text.to_owned());
        }
        let mut document = document;
        for edit in edits {
            match edit {
                Edit::Value(id, value) => document.set_value(id, &value),
                Edit::Text(element, value) => {
                    let texts: Vec<NodeId> = document.get(element).children.clone();
                    let mut texts = texts
                        .into_iter()
                        .filter(|t| document.get(*t).kind == NodeKind::Text)
                        .collect::<Vec<_>>();
                    if texts.is_empty() {
                        let new = document.new_text(&value);
                        document.insert(element, 0, &[new]);
                    } else {
                        document.set_value(texts.remove(0), &value);
                        texts.into_iter().for_each(|t| document.set_value(t, ""));
                    }
                }
                Edit::Attribute(element, name, value) => document.add_attribute(element, &name, &value),
            }
        }
        let mut out = String::new();
        document.write(0, &mut out);
        Ok(out)
    }
}

/// Lists names as messages do.
fn listed(names: &[String]) -> String {
    names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(",")
}

fn name_of(n: &Node) -> String {
    expanded(&n.uri, &n.local)
}

impl<'c> Check<'c> {
    fn node(&self, id: NodeId) -> &'c Node {
        self.document.get(id)
    }

    fn elements(&self, of: NodeId) -> Vec<NodeId> {
        let all = &self.node(of).children;
        all.iter().copied().filter(|c| self.node(*c).kind == NodeKind::Element).collect()
    }

    /// Where a node is, as messages say it. Only errors ask: it looks at all siblings on the way.
    fn path(&self, id: NodeId) -> String {
        if id == 0 {
            return String::new();
        }
        let n = self.node(id);
        let path = self.path(n.parent);
        if n.kind == NodeKind::Attribute {
            return format!("{path}/@*:{}", n.local);
        }
        let siblings = self.elements(n.parent);
        let same =
            siblings.iter().take_while(|s| **s != id).filter(|s| self.node(**s).local == n.local).count();
        format!("{path}/*:{}[{}]", n.local, same + 1)
    }

    fn has_text(&self, of: NodeId) -> bool {
        let is_text = |c: &Node| c.kind == NodeKind::Text && !c.value.chars().all(is_space);
        self.node(of).children.iter().any(|c| is_text(self.node(*c)))
    }

    fn roots(&mut self, whole_document: bool) -> SqlResult<()> {
        let roots = self.elements(0);
        if whole_document && (roots.len() != 1 || self.has_text(0)) {
            return Err(SqlError::new(6901, &[]));
        }
        if self.has_text(0) {
            return Err(SqlError::new(6909, &[&"/"]));
        }
        for root in roots {
            let n = self.node(root);
            let declared = self.collection.global(space::ELEMENT, &n.uri, &n.local);
            let declared = declared.ok_or_else(|| SqlError::new(6913, &[&name_of(n), &self.path(root)]))?;
            self.element(root, declared, 0)?;
        }
        for (attribute, value) in std::mem::take(&mut self.references) {
            if !self.ids.contains(&value) {
                return Err(SqlError::new(6931, &[&attribute, &value]));
            }
        }
        Ok(())
    }

    fn xsi(&self, id: NodeId, local: &str) -> Option<&'c str> {
        let at = |a: &&NodeId| self.node(**a).local.as_ref() == local && self.node(**a).uri.as_ref() == XSI;
        self.node(id).attributes.iter().find(at).map(|a| self.node(*a).value.trim())
    }

    /// The type that xsi:type names.
    fn named_type(&self, id: NodeId, name: &str) -> SqlResult<i32> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let mut at = id;
        let uri = loop {
            let n = self.node(at);
            if let Some(d) = n.declarations.iter().find(|d| d.0.as_ref() == prefix) {
                break d.1.to_string();
            }
            if at == 0 {
                if prefix.is_empty() {
                    break String::new();
                }
                return Err(SqlError::new(6922, &[&prefix]));
            }
            at = n.parent;
        };
        let found = if uri == builtin::XSD {
            builtin::type_named(local)
        } else {
            self.collection.global(space::TYPE, &uri, local).map(|c| c.id)
        };
        found.ok_or_else(|| SqlError::new(6914, &[&expanded(&uri, local), &self.path(id)]))
    }

    fn derives(&self, mut ty: i32, from: i32) -> bool {
        let simple = |t: i32| {
            self.collection.get(t).is_none_or(|c| !matches!(c.kind, kind::COMPLEX | kind::COMPLEX_SIMPLE))
        };
        if from == builtin::ANY_TYPE || (from == builtin::ANY_SIMPLE_TYPE && simple(ty)) {
            return true;
        }
        for _ in 0..DEPTH_MAX {
            if ty == from {
                return true;
            }
            match self.collection.get(ty) {
                Some(c) if c.base != 0 => ty = c.base,
                Some(_) => return false,
                // Of built-in types the primitive one stands for what lies between.
                None => return builtin::primitive(ty) == from,
            }
        }
        false
    }

    fn type_label(&self, ty: i32) -> String {
        match self.collection.get(ty) {
            Some(c) => expanded(self.collection.namespace_of(c), &c.name),
            None => expanded(builtin::XSD, builtin::type_name(ty).unwrap_or_default()),
        }
    }

    fn element(&mut self, id: NodeId, declared: &'c Component, depth: usize) -> SqlResult<()> {
        let n = self.node(id);
        if declared.status & status::ELEMENT_ABSTRACT != 0 {
            return Err(SqlError::new(6934, &[&name_of(n), &self.path(id)]));
        }
        let own = declared.placed.first().map_or(builtin::ANY_TYPE, |p| p.placed);
        let ty = match self.xsi(id, "type") {
            Some(name) => {
                let ty = self.named_type(id, name)?;
                if !self.derives(ty, own) {
                    let (from, to) = (self.type_label(own), self.type_label(ty));
                    return Err(SqlError::new(6936, &[&name_of(n), &from, &to, &self.path(id)]));
                }
                ty
            }
            None => own,
        };
        let nil = matches!(self.xsi(id, "nil"), Some("true" | "1"));
        if nil {
            if declared.status & status::NILLABLE == 0 {
                return Err(SqlError::new(6917, &[&name_of(n), &self.path(id)]));
            }
            if !self.elements(id).is_empty() || self.has_text(id) {
                return Err(SqlError::new(6918, &[&name_of(n), &self.path(id)]));
            }
        }
        self.typed(id, ty, (!nil).then_some(declared), depth)
    }

    /// Content and attributes by a type. `declared` gives the element's default; `None` when it is nil.
    fn typed(&mut self, id: NodeId, ty: i32, declared: Option<&'c Component>, depth: usize) -> SqlResult<()> {
        if depth > DEPTH_MAX {
            return Err(SqlError::new(6335, &[]));
        }
        let Some(c) = self.collection.get(ty) else {
            if ty == builtin::ANY_TYPE {
                return self.any_content(id, 'L', depth);
            }
            self.attributes(id, &[])?;
            return declared.map_or(Ok(()), |d| self.simple(id, ty, d));
        };
        let chain = self.chain(c);
        match c.kind {
            kind::COMPLEX => {
                if c.status & status::TYPE_ABSTRACT != 0 {
                    return Err(SqlError::new(6919, &[&name_of(self.node(id)), &self.path(id)]));
                }
                self.attributes(id, &chain)?;
                match declared {
                    Some(_) => self.children(id, c, depth),
                    None => Ok(()),
                }
            }
            kind::COMPLEX_SIMPLE => {
                if c.status & status::TYPE_ABSTRACT != 0 {
                    return Err(SqlError::new(6919, &[&name_of(self.node(id)), &self.path(id)]));
                }
                self.attributes(id, &chain)?;
                declared.map_or(Ok(()), |d| self.simple(id, ty, d))
            }
            _ => {
                self.attributes(id, &[])?;
                declared.map_or(Ok(()), |d| self.simple(id, ty, d))
            }
        }
    }

    /// A type and those it is derived from.
    fn chain(&self, ty: &'c Component) -> Vec<&'c Component> {
        let mut out = vec![ty];
        while let Some(c) = out.last().and_then(|c| self.collection.get(c.base)) {
            if out.len() > DEPTH_MAX {
                break;
            }
            out.push(c);
        }
        out
    }

    fn simple(&mut self, id: NodeId, ty: i32, declared: &'c Component) -> SqlResult<()> {
        if let Some(first) = self.elements(id).first() {
            return Err(SqlError::new(6912, &[&name_of(self.node(*first)), &self.path(id)]));
        }
        let mut text = self.document.string_value(id);
        let empty = text.is_empty();
        if empty && let Some(default) = &declared.default {
            text.clone_from(default);
        }
        let value = self.collection.simple_value(ty, &text);
        let value = value.ok_or_else(|| SqlError::new(6926, &[&text, &self.path(id)]))?;
        if declared.status & status::FIXED != 0 {
            self.check_fixed(ty, declared.default.as_deref(), &value.canonical, &declared.name, id)?;
        }
        if value.canonical != text || (empty && !text.is_empty()) {
            self.edits.push(Edit::Text(id, value.canonical));
        }
        Ok(())
    }

    fn check_fixed(
        &self,
        ty: i32,
        fixed: Option<&str>,
        canonical: &str,
        name: &str,
        id: NodeId,
    ) -> SqlResult<()> {
        let fixed = fixed.and_then(|f| self.collection.simple_value(ty, f));
        match fixed {
            Some(f) if f.canonical != canonical => Err(SqlError::new(6921, &[&name, &self.path(id)])),
            _ => Ok(()),
        }
    }

    fn children(&mut self, id: NodeId, ty: &'c Component, depth: usize) -> SqlResult<()> {
        if ty.status & status::MIXED == 0 && self.has_text(id) {
            return Err(SqlError::new(6909, &[&self.path(id)]));
        }
        let elements = self.elements(id);
        let children: Vec<Child> = elements
            .iter()
            .map(|e| self.node(*e))
            .map(|n| Child { uri: n.uri.to_string(), local: n.local.to_string() })
            .collect();
        let content = self.collection.content_of(ty);
        let content = content.ok_or_else(|| SqlError::new(6311, &[]))?;
        let takers = match self.collection.take_children(&content, &children) {
            Ok(takers) => takers,
            Err(Misfit::Missing(expected)) => {
                return Err(SqlError::new(6908, &[&listed(&expected), &self.path(id)]));
            }
            Err(Misfit::Unexpected(at, expected)) => {
                let child = elements.get(at).copied().unwrap_or(id);
                let (name, path) = (name_of(self.node(child)), self.path(child));
                return Err(if expected.is_empty() {
                    SqlError::new(6923, &[&name, &path])
                } else {
                    SqlError::new(6965, &[&listed(&expected), &name, &path])
                });
            }
        };
        for (child, taker) in elements.into_iter().zip(takers) {
            match taker {
                Taker::Element(e) => self.element(child, e, depth + 1)?,
                Taker::Wildcard(w) => self.wild(child, w.detail, depth + 1)?,
            }
        }
        Ok(())
    }

    /// An element that a wildcard took.
    fn wild(&mut self, id: NodeId, process: char, depth: usize) -> SqlResult<()> {
        if process == 'P' {
            return Ok(());
        }
        let n = self.node(id);
        match self.collection.global(space::ELEMENT, &n.uri, &n.local) {
            Some(declared) => self.element(id, declared, depth),
            None if process == 'L' => self.any_content(id, 'L', depth),
            None => Err(SqlError::new(6913, &[&name_of(n), &self.path(id)])),
        }
    }

    fn any_content(&mut self, id: NodeId, process: char, depth: usize) -> SqlResult<()> {
        if depth > DEPTH_MAX {
            return Err(SqlError::new(6335, &[]));
        }
        for child in self.elements(id) {
            self.wild(child, process, depth + 1)?;
        }
        Ok(())
    }

    fn attributes(&mut self, id: NodeId, chain: &[&'c Component]) -> SqlResult<()> {
        let collection = self.collection;
        let mut declared: Vec<(String, String, &'c Placement, Option<&'c Component>)> = Vec::new();
        let mut wildcard = None;
        for p in chain.iter().flat_map(|c| &c.placed) {
            let found = collection.get(p.placed);
            let (uri, name) = match found {
                Some(a) if a.kind == kind::ATTRIBUTE => {
                    (if a.qualified { collection.namespace_of(a) } else { "" }, a.name.as_str())
                }
                Some(w) if w.kind == kind::ATTRIBUTE_WILDCARD => {
                    wildcard = wildcard.or(Some(w));
                    continue;
                }
                Some(_) => continue,
                None => match builtin::ATTRIBUTES.iter().find(|a| a.1 == p.placed) {
                    Some(a) => (XML, a.0),
                    None => continue,
                },
            };
            // The derived type's own comes first.
            if !declared.iter().any(|d| d.0 == uri && d.1 == name) {
                declared.push((uri.to_owned(), name.to_owned(), p, found));
            }
        }
        let mut seen = vec![false; declared.len()];
        for a in &self.node(id).attributes {
            let n = self.node(*a);
            if n.uri.as_ref() == XSI
                && matches!(n.local.as_ref(), "type" | "nil" | "schemaLocation" | "noNamespaceSchemaLocation")
            {
                continue;
            }
            let at = declared.iter().position(|d| *d.0 == *n.uri && *d.1 == *n.local);
            let refused = || SqlError::new(6905, &[&name_of(n), &self.path(*a)]).state(3);
            match at {
                Some(at) => {
                    seen[at] = true;
                    let (_, _, p, found) = &declared[at];
                    self.attribute(*a, p, *found)?;
                }
                None => {
                    let taken = wildcard.filter(|w| wildcard_takes(w, &n.uri));
                    let process = taken.map(|w| w.detail).ok_or_else(refused)?;
                    let global = collection.global(space::ATTRIBUTE, &n.uri, &n.local);
                    match global {
                        Some(g) if process != 'P' => {
                            let plain =
                                Placement { placed: g.id, least: 0, most: 1, status: 0, default: None };
                            self.attribute(*a, &plain, Some(g))?;
                        }
                        None if process == 'S' => return Err(refused()),
                        _ => {}
                    }
                }
            }
        }
        for (d, _) in declared.iter().zip(seen).filter(|(_, seen)| !seen) {
            if d.2.least > 0 {
                return Err(SqlError::new(6906, &[&expanded(&d.0, &d.1), &self.path(id)]));
            }
            let default = d.2.default.as_ref().or_else(|| d.3.and_then(|c| c.default.as_ref()));
            if let Some(default) = default {
                let ty = d.3.and_then(|c| c.placed.first()).map_or(builtin::STRING, |p| p.placed);
                let value =
                    collection.simple_value(ty, default).map_or_else(|| default.clone(), |v| v.canonical);
                self.edits.push(Edit::Attribute(id, d.1.clone(), value));
            }
        }
        Ok(())
    }

    fn attribute(&mut self, id: NodeId, p: &Placement, declared: Option<&Component>) -> SqlResult<()> {
        let n = self.node(id);
        let ty = match declared {
            Some(d) => d.placed.first().map_or(builtin::ANY_SIMPLE_TYPE, |t| t.placed),
            None => builtin::ATTRIBUTES.iter().find(|a| a.1 == p.placed).map_or(builtin::STRING, |a| a.2),
        };
        let value = self.collection.simple_value(ty, &n.value);
        let value = value
            .filter(|v| p.placed != builtin::SPACE || matches!(v.canonical.as_str(), "default" | "preserve"));
        let value = value.ok_or_else(|| SqlError::new(6926, &[&n.value, &self.path(id)]))?;
        let fixed = if p.status & status::FIXED != 0 {
            p.default.as_deref()
        } else {
            declared.filter(|d| d.status & status::FIXED != 0).and_then(|d| d.default.as_deref())
        };
        if fixed.is_some() {
            self.check_fixed(ty, fixed, &value.canonical, &n.local, id)?;
        }
        match self.collection.built_in_base(ty) {
            builtin::ID if !self.ids.insert(value.canonical.clone()) => {
                return Err(SqlError::new(6930, &[&n.local, &value.canonical, &self.path(id)]));
            }
            builtin::IDREF => self.references.push((n.local.to_string(), value.canonical.clone())),
            200 => {
                let all = value.canonical.split(' ').map(|v| (n.local.to_string(), v.to_owned()));
                self.references.extend(all);
            }
            _ => {}
        }
        if value.canonical != *n.value {
            self.edits.push(Edit::Value(id, value.canonical));
        }
        Ok(())
    }
}
