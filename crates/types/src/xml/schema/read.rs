//! Schema documents into components.
//!
//! Invariants
//! 1. Components get ids in the order in which they are met, depth first: an element, its type, the type's group, what stands in it.
//! 2. Nothing of a schema that values would have to obey is passed over: what has no component here is refused by its name.
//! 3. Named groups and groups of attributes are written out where they are referred to; names in them can be referred to within one
//!    statement only.

use std::collections::HashMap;

use super::super::document::{Document, Node, NodeId, NodeKind};
use super::builtin::{self, SQL_TYPES, XML, XSD};
use super::pattern::Pattern;
use super::simple::order;
use super::{Collection, Component, FIRST_ID, Facet, Placement, UNBOUNDED, kind, space, status};
use crate::{SqlError, SqlResult};

const DEPTH_MAX: usize = 128;
/// Longest value of a facet or default, in characters.
const VALUE_MAX: usize = 4000;

/// A schema element and what holds for all in it.
#[derive(Clone)]
struct Root {
    id: NodeId,
    target: String,
    elements_qualified: bool,
    attributes_qualified: bool,
}

struct Reader<'d> {
    document: &'d Document,
    collection: Collection,
    /// Global declarations of this document: kind of declaration, namespace, name.
    globals: HashMap<(&'static str, String, String), (NodeId, usize)>,
    made: HashMap<NodeId, i32>,
    /// Global types and groups being read.
    open: Vec<NodeId>,
    roots: Vec<Root>,
    next: i32,
    depth: usize,
}

fn refused(what: impl std::fmt::Display) -> SqlError {
    SqlError::not_supported(format!("{what} in an XML schema"))
}

/// What has no place where it stands, or lacks what has to stand in it.
fn misplaced(what: &str) -> SqlError {
    refused(format_args!("The content of {what}, or {what} at its place,"))
}

/// 2307, 2308: a name that nothing has.
fn undefined(uri: &str, name: &str) -> SqlError {
    if uri.is_empty() { SqlError::new(2307, &[&"", &name]) } else { SqlError::new(2308, &[&"", &name, &uri]) }
}

impl Collection {
    /// The collection with the schemas of a text added; `next` is the first free id of a component.
    ///
    /// # Errors
    /// 94xx for a text that is no XML, 2378 for one that is no schema, 2307, 2308, 6310 and others of definitions; 40517 for what
    /// is not understood.
    pub fn with_schemas(&self, text: &str, next: i32) -> SqlResult<Collection> {
        let document = Document::parse_compact(text).map_err(|e| e.to_sql())?;
        let mut reader = Reader {
            document: &document,
            collection: self.clone(),
            globals: HashMap::new(),
            made: HashMap::new(),
            open: Vec::new(),
            roots: Vec::new(),
            next: next.max(FIRST_ID),
            depth: 0,
        };
        reader.read()?;
        Ok(reader.collection)
    }
}

impl<'d> Reader<'d> {
    fn node(&self, id: NodeId) -> &'d Node {
        self.document.get(id)
    }

    /// Child elements, annotations left out; other namespaces than XML Schema's are refused.
    fn parts(&self, id: NodeId) -> SqlResult<Vec<(NodeId, &'d str)>> {
        let mut out = Vec::new();
        for child in &self.node(id).children {
            let n = self.node(*child);
            match n.kind {
                NodeKind::Element if &*n.uri != XSD => return Err(misplaced(&n.local)),
                NodeKind::Element if &*n.local == "annotation" => {}
                NodeKind::Element => out.push((*child, &*n.local)),
                _ => {}
            }
        }
        Ok(out)
    }

    fn attribute(&self, id: NodeId, name: &str) -> Option<&'d str> {
        let n = self.node(id);
        let at = n.attributes.iter().map(|a| self.node(*a)).find(|a| a.uri.is_empty() && &*a.local == name);
        at.map(|a| a.value.trim_matches(super::simple::is_space))
    }

    /// The value as it stands.
    fn raw(&self, id: NodeId, name: &str) -> Option<&'d str> {
        let n = self.node(id);
        n.attributes
            .iter()
            .map(|a| self.node(*a))
            .find(|a| a.uri.is_empty() && &*a.local == name)
            .map(|a| &*a.value)
    }

    fn is_true(&self, id: NodeId, name: &str) -> bool {
        matches!(self.attribute(id, name), Some("true" | "1"))
    }

    fn name(&self, id: NodeId) -> SqlResult<&'d str> {
        let name = self.attribute(id, "name").ok_or_else(|| SqlError::new(2300, &[&"", &"name"]))?;
        if name.contains(':') {
            return Err(SqlError::new(2306, &[&"", &name]));
        }
        Ok(name)
    }

    /// Namespace and local name of a qualified name.
    fn resolved(&self, id: NodeId, name: &'d str) -> SqlResult<(String, &'d str)> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if prefix == "xml" {
            return Ok((XML.to_owned(), local));
        }
        let mut at = id;
        loop {
            let n = self.node(at);
            if let Some(d) = n.declarations.iter().find(|d| &*d.0 == prefix) {
                return Ok((d.1.to_string(), local));
            }
            if at == 0 {
                break;
            }
            at = n.parent;
        }
        if prefix.is_empty() { Ok((String::new(), local)) } else { Err(SqlError::new(6922, &[&prefix])) }
    }

    fn read(&mut self) -> SqlResult<()> {
        for child in &self.node(0).children {
            let n = self.node(*child);
            match n.kind {
                NodeKind::Element if &*n.uri == XSD && &*n.local == "schema" => {
                    let target = self.attribute(*child, "targetNamespace").unwrap_or("").to_owned();
                    let qualified = |name| self.attribute(*child, name) == Some("qualified");
                    let root = Root {
                        id: *child,
                        target,
                        elements_qualified: qualified("elementFormDefault"),
                        attributes_qualified: qualified("attributeFormDefault"),
                    };
                    if self.collection.namespace_ordinal(&root.target) == 0 {
                        self.collection.namespaces.push(root.target.clone());
                    }
                    self.roots.push(root);
                }
                NodeKind::Element | NodeKind::Text => return Err(SqlError::new(2378, &[])),
                _ => {}
            }
        }
        if self.roots.is_empty() {
            return Err(SqlError::new(2378, &[]));
        }
        let mut order = Vec::new();
        for at in 0..self.roots.len() {
            for (id, what) in self.parts(self.roots[at].id)? {
                let class = match what {
                    "element" => "element",
                    "simpleType" | "complexType" => "type",
                    "attribute" => "attribute",
                    "group" => "group",
                    "attributeGroup" => "attributeGroup",
                    "import" => continue,
                    "include" | "redefine" | "notation" => return Err(refused(format_args!("xsd:{what}"))),
                    _ => return Err(SqlError::new(6940, &[&what])),
                };
                let target = self.roots[at].target.clone();
                let name = self.name(id)?.to_owned();
                let (space, label) = match class {
                    "element" => (space::ELEMENT, "Element"),
                    "type" => (space::TYPE, "Type"),
                    "attribute" => (space::ATTRIBUTE, "Attribute"),
                    _ => (space::GROUP, "Model-Group"),
                };
                if self.collection.global(space, &target, &name).is_some() {
                    return Err(SqlError::new(6310, &[&target, &name, &label]));
                }
                if self.globals.insert((class, target, name.clone()), (id, at)).is_some() {
                    return Err(SqlError::new(2302, &[&"", &name]));
                }
                order.push((id, at, class));
            }
        }
        for (id, at, class) in order {
            match class {
                "element" => self.global_element(id, at).map(|_| ())?,
                "type" => self.global_type(id, at).map(|_| ())?,
                "attribute" => self.global_attribute(id, at).map(|_| ())?,
                // What only stands in groups that nothing refers to is read as well, for its errors.
                _ => {}
            }
        }
        Ok(())
    }

    /// Enters a component that is filled in later.
    fn begin(&mut self, root: usize, name: &str, space: char, kind: char) -> i32 {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        let namespace = self.collection.namespace_ordinal(&self.roots[root].target);
        self.collection.push(Component {
            id,
            namespace,
            qualified: false,
            name: name.to_owned(),
            space,
            // What has no name is in a scope of its own; names are made global by who knows that they are.
            scope: id,
            kind,
            derivation: 'N',
            status: 0,
            detail: '\0',
            default: None,
            parent: 0,
            base: 0,
            namespaces: Vec::new(),
            placed: Vec::new(),
            facets: Vec::new(),
        });
        id
    }

    fn make_global(&mut self, id: i32) {
        let Some(c) = self.collection.get_mut(id) else { return };
        (c.scope, c.qualified) = (0, true);
        let key = (c.space, c.namespace, c.name.clone());
        self.collection.globals.insert(key, id);
    }

    fn change(&mut self, id: i32, f: impl FnOnce(&mut Component)) {
        if let Some(c) = self.collection.get_mut(id) {
            f(c);
        }
    }

    fn place(&mut self, within: i32, placed: i32, least: i32, most: i32) {
        self.change(within, |c| c.placed.push(Placement { placed, least, most, status: 0, default: None }));
    }

    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> SqlResult<T>) -> SqlResult<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SqlError::new(6335, &[]));
        }
        let result = f(self);
        self.depth -= 1;
        result
    }

    fn occurrences(&self, id: NodeId) -> SqlResult<(i32, i32)> {
        let number = |name: &str| match self.attribute(id, name) {
            None => Ok(1),
            Some("unbounded") if name == "maxOccurs" => Ok(UNBOUNDED),
            Some(n) => {
                n.parse::<i32>().ok().filter(|n| *n >= 0).ok_or_else(|| SqlError::new(2309, &[&"", &name]))
            }
        };
        let (least, most) = (number("minOccurs")?, number("maxOccurs")?);
        if least > most {
            return Err(SqlError::new(2309, &[&"", &"minOccurs"]));
        }
        Ok((least, most))
    }

    /// Default or fixed value, and whether it is fixed.
    fn constraint(&self, id: NodeId) -> SqlResult<(Option<String>, bool)> {
        let (default, fixed) = (self.raw(id, "default"), self.raw(id, "fixed"));
        let value = fixed.or(default);
        if let Some(v) = value.filter(|v| v.chars().count() > VALUE_MAX) {
            return Err(SqlError::new(6963, &[&v.chars().take(100).collect::<String>()]));
        }
        Ok((value.map(str::to_owned), fixed.is_some()))
    }

    fn global_element(&mut self, id: NodeId, root: usize) -> SqlResult<i32> {
        if let Some(made) = self.made.get(&id) {
            return Ok(*made);
        }
        self.element(id, root, None)
    }

    /// An element declaration; `group` is where a local one stands.
    fn element(&mut self, id: NodeId, root: usize, group: Option<i32>) -> SqlResult<i32> {
        let name = self.name(id)?;
        for what in ["substitutionGroup", "block", "final"] {
            if self.attribute(id, what).is_some() {
                return Err(refused(format_args!("An element with {what}")));
            }
        }
        let own_type = |r: &mut Self, within: i32| r.element_type(id, root, within);
        let (default, fixed) = self.constraint(id)?;
        let nillable = self.is_true(id, "nillable");
        if fixed && nillable {
            return Err(SqlError::new(6997, &[&name]));
        }
        let qualified = group.is_none()
            || match self.attribute(id, "form") {
                Some(form) => form == "qualified",
                None => self.roots[root].elements_qualified,
            };
        let bits = [
            (fixed, status::FIXED),
            (self.is_true(id, "abstract"), status::ELEMENT_ABSTRACT),
            (nillable, status::NILLABLE),
            (qualified, status::ELEMENT_QUALIFIED),
        ];
        let element = self.begin(root, name, space::ELEMENT, kind::ELEMENT);
        self.made.insert(id, element);
        let has_default = default.is_some();
        self.change(element, |c| {
            c.qualified = qualified;
            c.status = bits.iter().filter(|b| b.0).map(|b| b.1).sum();
            c.default = default;
            if let Some(group) = group {
                (c.scope, c.parent) = (group, group);
            }
        });
        if group.is_none() {
            self.make_global(element);
        }
        let ty = self.deeper(|r| own_type(r, element))?;
        self.place(element, ty, 1, 1);
        if matches!(self.collection.built_in_base(ty), builtin::ID | builtin::IDREF | 200) {
            return Err(SqlError::new(6995, &[&name]));
        }
        if has_default {
            self.check_default(element, ty, name)?;
        }
        Ok(element)
    }

    fn check_default(&self, of: i32, ty: i32, name: &str) -> SqlResult<()> {
        let is_complex =
            self.collection.get(ty).is_some_and(|t| t.kind == kind::COMPLEX) || ty == builtin::ANY_TYPE;
        if is_complex {
            return Err(refused(format_args!(
                "A default or fixed value of '{name}', whose content is not simple,"
            )));
        }
        let default = self.collection.get(of).and_then(|c| c.default.clone()).unwrap_or_default();
        match self.collection.simple_value(ty, &default) {
            Some(_) => Ok(()),
            None => Err(SqlError::new(6927, &[&default])),
        }
    }

    fn element_type(&mut self, id: NodeId, root: usize, within: i32) -> SqlResult<i32> {
        let mut inner = None;
        for (part, what) in self.parts(id)? {
            match what {
                "simpleType" | "complexType" if inner.is_none() => inner = Some((part, what)),
                "key" | "keyref" | "unique" => return Err(refused(format_args!("xsd:{what}"))),
                _ => return Err(misplaced(what)),
            }
        }
        match (self.attribute(id, "type"), inner) {
            (Some(_), Some(_)) => Err(SqlError::new(2305, &[&"", &"type"])),
            (Some(name), None) => self.type_named(id, name),
            (None, Some((part, what))) => self.anonymous(part, what, root, within),
            (None, None) => Ok(builtin::ANY_TYPE),
        }
    }

    fn anonymous(&mut self, id: NodeId, what: &str, root: usize, within: i32) -> SqlResult<i32> {
        let made = self.deeper(|r| match what {
            "simpleType" => r.simple_type(id, root, ""),
            _ => r.complex_type(id, root, ""),
        })?;
        self.change(made, |c| c.parent = within);
        Ok(made)
    }

    fn type_named(&mut self, at: NodeId, name: &'d str) -> SqlResult<i32> {
        let (uri, local) = self.resolved(at, name)?;
        if uri == XSD {
            return builtin::type_named(local).ok_or_else(|| undefined(&uri, local));
        }
        if uri == SQL_TYPES {
            return Err(refused("A type of the sqltypes namespace"));
        }
        if let Some((id, root)) = self.globals.get(&("type", uri.clone(), local.to_owned())).copied() {
            return self.deeper(|r| r.global_type(id, root));
        }
        self.collection.global(space::TYPE, &uri, local).map(|c| c.id).ok_or_else(|| undefined(&uri, local))
    }

    fn global_type(&mut self, id: NodeId, root: usize) -> SqlResult<i32> {
        if let Some(made) = self.made.get(&id) {
            return Ok(*made);
        }
        let name = self.name(id)?;
        if self.open.contains(&id) {
            return Err(SqlError::new(6953, &[&name]));
        }
        let what = &*self.node(id).local;
        if what == "simpleType" {
            self.simple_type(id, root, name)
        } else {
            self.complex_type(id, root, name)
        }
    }

    /// A named type or (`name` empty) an anonymous one.
    fn simple_type(&mut self, id: NodeId, root: usize, name: &str) -> SqlResult<i32> {
        let parts = self.parts(id)?;
        let [(part, what)] = parts.as_slice() else { return Err(misplaced("simpleType")) };
        let (part, what) = (*part, *what);
        let ty = self.begin(root, name, space::TYPE, kind::SIMPLE);
        if !name.is_empty() {
            self.make_global(ty);
        }
        self.open.push(id);
        match what {
            "restriction" => {
                let base = self.base_of(part, root, ty)?;
                let is_complex = self
                    .collection
                    .get(base)
                    .is_some_and(|c| matches!(c.kind, kind::COMPLEX | kind::COMPLEX_SIMPLE));
                if is_complex || base == builtin::ANY_TYPE {
                    return Err(SqlError::new(6942, &[&name]));
                }
                let base_kind = self.collection.get(base).map(|c| c.kind);
                if base_kind == Some(kind::UNION) {
                    return Err(SqlError::new(6910, &[&name]));
                }
                let list = base_kind == Some(kind::LIST) || builtin::item_of(base).is_some();
                self.change(ty, |c| {
                    c.kind = if list { kind::LIST } else { kind::SIMPLE };
                    (c.base, c.derivation) = (base, 'R');
                });
                self.facets(part, ty, name)?;
            }
            "list" => {
                let item = match self.attribute(part, "itemType") {
                    Some(t) => self.type_named(part, t)?,
                    None => self.only_simple(part, root, ty)?.ok_or_else(|| misplaced("list"))?,
                };
                let is_list = self.collection.get(item).is_some_and(|c| c.kind == kind::LIST);
                if is_list
                    || builtin::item_of(item).is_some()
                    || self.collection.built_in_base(item) == builtin::ID
                {
                    return Err(SqlError::new(6978, &[&name]));
                }
                self.change(ty, |c| c.kind = kind::LIST);
                self.place(ty, item, 1, 1);
            }
            "union" => {
                self.change(ty, |c| c.kind = kind::UNION);
                let mut members = Vec::new();
                for t in self.attribute(part, "memberTypes").unwrap_or("").split(super::simple::is_space) {
                    if !t.is_empty() {
                        members.push(self.type_named(part, t)?);
                    }
                }
                for (inner, what) in self.parts(part)? {
                    if what != "simpleType" {
                        return Err(misplaced(what));
                    }
                    members.push(self.anonymous(inner, what, root, ty)?);
                }
                for member in members {
                    if matches!(self.collection.built_in_base(member), builtin::ID | builtin::QNAME) {
                        return Err(SqlError::new(6903, &[&name]));
                    }
                    self.place(ty, member, 1, 1);
                }
            }
            _ => return Err(misplaced(what)),
        }
        self.open.pop();
        self.made.insert(id, ty);
        Ok(ty)
    }

    /// The type that a derivation names, or holds.
    fn base_of(&mut self, id: NodeId, root: usize, within: i32) -> SqlResult<i32> {
        match self.attribute(id, "base") {
            Some(name) => self.type_named(id, name),
            None => self.only_simple(id, root, within)?.ok_or_else(|| SqlError::new(2300, &[&"", &"base"])),
        }
    }

    fn only_simple(&mut self, id: NodeId, root: usize, within: i32) -> SqlResult<Option<i32>> {
        let found = self.parts(id)?.into_iter().find(|p| p.1 == "simpleType");
        found.map(|(part, what)| self.anonymous(part, what, root, within)).transpose()
    }

    fn facets(&mut self, id: NodeId, ty: i32, name: &str) -> SqlResult<()> {
        for (part, what) in self.parts(id)? {
            let kind = match what {
                "length" => "LG",
                "minLength" => "LN",
                "maxLength" => "LX",
                "pattern" => "PT",
                "enumeration" => "EU",
                "minInclusive" => "IN",
                "maxInclusive" => "IX",
                "minExclusive" => "EN",
                "maxExclusive" => "EX",
                "totalDigits" => "DT",
                "fractionDigits" => "DF",
                "whiteSpace" => "WS",
                _ => continue,
            };
            let value = self.raw(part, "value").ok_or_else(|| SqlError::new(2300, &[&"", &"value"]))?;
            if value.chars().count() > VALUE_MAX {
                return Err(SqlError::new(6964, &[&value.chars().take(100).collect::<String>()]));
            }
            self.check_facet(ty, kind, what, value, name)?;
            let facet =
                Facet { kind: kind.to_owned(), fixed: self.is_true(part, "fixed"), value: value.to_owned() };
            self.change(ty, |c| c.facets.push(facet));
        }
        Ok(())
    }

    fn check_facet(&self, ty: i32, kind: &str, what: &str, value: &str, name: &str) -> SqlResult<()> {
        let Some(c) = self.collection.get(ty) else { return Ok(()) };
        let wrong = || Err(SqlError::new(6945, &[&what, &name]));
        match kind {
            "PT" => match Pattern::read(value) {
                Some(_) => Ok(()),
                None => Err(refused(format_args!("The pattern '{value}'"))),
            },
            "WS" if !matches!(value, "preserve" | "replace" | "collapse") => wrong(),
            "LG" | "LN" | "LX" | "DT" | "DF" if value.trim().parse::<usize>().is_err() => wrong(),
            "EU" if self.collection.base_value(c, value, 0).is_none() => wrong(),
            "IN" | "IX" | "EN" | "EX" => {
                let primitive = self.collection.primitive_of(ty);
                let Some(bound) = self.collection.base_value(c, value, 0) else { return wrong() };
                match order(primitive, &bound.canonical, &bound.canonical) {
                    Some(_) => Ok(()),
                    None => Err(refused(format_args!("{what} of a type without a known order"))),
                }
            }
            _ => Ok(()),
        }
    }

    fn complex_type(&mut self, id: NodeId, root: usize, name: &str) -> SqlResult<i32> {
        for what in ["block", "final"] {
            if self.attribute(id, what).is_some() {
                return Err(refused(format_args!("A type with {what}")));
            }
        }
        let ty = self.begin(root, name, space::TYPE, kind::COMPLEX);
        if !name.is_empty() {
            self.make_global(ty);
        }
        // Content may refer to its own type.
        self.made.insert(id, ty);
        let bits = [
            (self.is_true(id, "abstract"), status::TYPE_ABSTRACT),
            (self.is_true(id, "mixed"), status::MIXED),
        ];
        self.change(ty, |c| {
            c.status = bits.iter().filter(|b| b.0).map(|b| b.1).sum();
            (c.base, c.derivation) = (builtin::ANY_TYPE, 'R');
        });
        let parts = self.parts(id)?;
        match parts.first() {
            Some((part, "simpleContent")) => self.simple_content(*part, root, ty, name)?,
            Some((part, "complexContent")) => self.complex_content(*part, root, ty, name)?,
            _ => self.content(id, root, ty)?,
        }
        Ok(ty)
    }

    fn derivation(&self, id: NodeId) -> SqlResult<(NodeId, char)> {
        match self.parts(id)?.as_slice() {
            [(part, "extension")] => Ok((*part, 'X')),
            [(part, "restriction")] => Ok((*part, 'R')),
            _ => Err(misplaced("restriction")),
        }
    }

    fn simple_content(&mut self, id: NodeId, root: usize, ty: i32, name: &str) -> SqlResult<()> {
        let (part, derivation) = self.derivation(id)?;
        let base = self.attribute(part, "base").ok_or_else(|| SqlError::new(2300, &[&"", &"base"]))?;
        let base = self.type_named(part, base)?;
        let base_kind = self.collection.get(base).map(|c| c.kind);
        if base_kind == Some(kind::COMPLEX) || base == builtin::ANY_TYPE {
            return Err(SqlError::new(6942, &[&name]));
        }
        if derivation == 'R' && base_kind != Some(kind::COMPLEX_SIMPLE) {
            return Err(SqlError::new(6968, &[&name]));
        }
        self.change(ty, |c| (c.kind, c.base, c.derivation) = (kind::COMPLEX_SIMPLE, base, derivation));
        if derivation == 'R' {
            if self.parts(part)?.iter().any(|p| p.1 == "simpleType") {
                return Err(refused("A simpleType inside simpleContent"));
            }
            self.facets(part, ty, name)?;
        }
        self.attributes(part, root, ty)
    }

    fn complex_content(&mut self, id: NodeId, root: usize, ty: i32, name: &str) -> SqlResult<()> {
        let (part, derivation) = self.derivation(id)?;
        let base = self.attribute(part, "base").ok_or_else(|| SqlError::new(2300, &[&"", &"base"]))?;
        let base = self.type_named(part, base)?;
        let base_kind = self.collection.get(base).map(|c| c.kind);
        if base_kind != Some(kind::COMPLEX) && base != builtin::ANY_TYPE {
            return Err(SqlError::new(6941, &[&name]));
        }
        if base == ty {
            return Err(SqlError::new(6953, &[&name]));
        }
        let mixed = self.is_true(id, "mixed");
        self.change(ty, |c| {
            (c.base, c.derivation) = (base, derivation);
            if mixed {
                c.status |= status::MIXED;
            }
        });
        let own = self.collection.get(ty).map_or(0, |c| c.status) & status::MIXED;
        let of_base = self.collection.get(base).map_or(own, |c| c.status & status::MIXED);
        if own != of_base && (derivation == 'X' || own != 0) {
            return Err(SqlError::new(6967, &[&name]));
        }
        self.content(part, root, ty)
    }

    /// The group of a complex type, then its attributes.
    fn content(&mut self, id: NodeId, root: usize, ty: i32) -> SqlResult<()> {
        let groups: Vec<_> = self
            .parts(id)?
            .into_iter()
            .filter(|p| matches!(p.1, "group" | "all" | "choice" | "sequence"))
            .collect();
        if groups.len() > 1 {
            return Err(misplaced(groups[1].1));
        }
        for (part, what) in groups {
            self.group(part, what, root, ty)?;
        }
        self.attributes(id, root, ty)
    }

    /// A group, placed within a type or another group.
    fn group(&mut self, id: NodeId, what: &str, root: usize, within: i32) -> SqlResult<()> {
        let (least, most) = self.occurrences(id)?;
        if what == "group" {
            let name = self.attribute(id, "ref").ok_or_else(|| SqlError::new(2300, &[&"", &"ref"]))?;
            let (uri, local) = self.resolved(id, name)?;
            let found = self.globals.get(&("group", uri.clone(), local.to_owned())).copied();
            let (definition, root) = found.ok_or_else(|| undefined(&uri, local))?;
            if self.open.contains(&definition) {
                return Err(SqlError::new(6954, &[&local]));
            }
            let parts = self.parts(definition)?;
            let [(part, what)] = parts.as_slice() else { return Err(misplaced("group")) };
            self.open.push(definition);
            self.deeper(|r| r.group_of(*part, what, root, within, (least, most)))?;
            self.open.pop();
            return Ok(());
        }
        self.deeper(|r| r.group_of(id, what, root, within, (least, most)))
    }

    fn group_of(
        &mut self,
        id: NodeId,
        what: &str,
        root: usize,
        within: i32,
        occurs: (i32, i32),
    ) -> SqlResult<()> {
        let compositor = match what {
            "all" => 'A',
            "choice" => 'C',
            "sequence" => 'S',
            _ => return Err(misplaced(what)),
        };
        let outer_is_group = self.collection.get(within).is_some_and(|c| c.kind == kind::GROUP);
        if compositor == 'A' && (outer_is_group || occurs.1 > 1) {
            return Err(SqlError::new(6958, &[&self.name_around(within)]));
        }
        let group = self.begin(root, "", space::GROUP, kind::GROUP);
        self.change(group, |c| (c.detail, c.parent) = (compositor, within));
        self.place(within, group, occurs.0, occurs.1);
        for (part, what) in self.parts(id)? {
            match what {
                "element" => self.local_element(part, root, group, compositor)?,
                "any" if compositor != 'A' => {
                    let (least, most) = self.occurrences(part)?;
                    let wildcard = self.wildcard(part, root, kind::WILDCARD, group)?;
                    self.place(group, wildcard, least, most);
                }
                "group" | "choice" | "sequence" | "all" if compositor != 'A' => {
                    self.group(part, what, root, group)?
                }
                _ => return Err(misplaced(what)),
            }
        }
        Ok(())
    }

    fn name_around(&self, mut id: i32) -> String {
        for _ in 0..DEPTH_MAX {
            match self.collection.get(id) {
                Some(c) if !c.name.is_empty() => return c.name.clone(),
                Some(c) if c.parent != 0 => id = c.parent,
                _ => break,
            }
        }
        String::new()
    }

    fn local_element(&mut self, id: NodeId, root: usize, group: i32, compositor: char) -> SqlResult<()> {
        let (least, most) = self.occurrences(id)?;
        if compositor == 'A' && most > 1 {
            return Err(SqlError::new(6958, &[&self.name_around(group)]));
        }
        let element = match self.attribute(id, "ref") {
            Some(name) => {
                let (uri, local) = self.resolved(id, name)?;
                match self.globals.get(&("element", uri.clone(), local.to_owned())).copied() {
                    Some((global, root)) => self.deeper(|r| r.global_element(global, root))?,
                    None => {
                        let known = self.collection.global(space::ELEMENT, &uri, local);
                        known.map(|c| c.id).ok_or_else(|| undefined(&uri, local))?
                    }
                }
            }
            None => self.same_element(id, root, group)?,
        };
        self.place(group, element, least, most);
        Ok(())
    }

    /// A local declaration. One that the group already has by that name has to be of the same type, and is that.
    fn same_element(&mut self, id: NodeId, root: usize, group: i32) -> SqlResult<i32> {
        let name = self.name(id)?;
        let before = self.collection.get(group).and_then(|g| {
            let of = g.placed.iter().filter_map(|p| self.collection.get(p.placed));
            of.filter(|c| c.kind == kind::ELEMENT && c.scope == group).find(|c| c.name == name).map(|c| c.id)
        });
        let Some(before) = before else { return self.deeper(|r| r.element(id, root, Some(group))) };
        let ty = self.collection.get(before).and_then(|c| c.placed.first()).map(|p| p.placed);
        match self.attribute(id, "type") {
            Some(t) if Some(self.type_named(id, t)?) == ty => Ok(before),
            _ => Err(SqlError::new(6992, &[&self.name_around(group), &name])),
        }
    }

    fn wildcard(&mut self, id: NodeId, root: usize, kind: char, within: i32) -> SqlResult<i32> {
        let process = match self.attribute(id, "processContents") {
            None | Some("strict") => 'S',
            Some("lax") => 'L',
            Some("skip") => 'P',
            Some(other) => return Err(SqlError::new(2312, &[&"", &other])),
        };
        let target = self.roots[root].target.clone();
        let (bits, namespaces) = match self.attribute(id, "namespace") {
            None | Some("##any") => (status::DISALLOWS, Vec::new()),
            Some("##other") => (status::DISALLOWS, vec![target]),
            Some(list) => {
                let each = list.split(super::simple::is_space).filter(|n| !n.is_empty());
                let uri = |n: &str| match n {
                    "##targetNamespace" => target.clone(),
                    "##local" => String::new(),
                    other => other.to_owned(),
                };
                (0, each.map(uri).collect())
            }
        };
        let wildcard = self.begin(root, "", space::WILDCARD, kind);
        self.change(wildcard, |c| {
            (c.detail, c.status, c.parent, c.namespaces) = (process, bits, within, namespaces);
        });
        Ok(wildcard)
    }

    fn attributes(&mut self, id: NodeId, root: usize, ty: i32) -> SqlResult<()> {
        for (part, what) in self.parts(id)? {
            match what {
                "attribute" => self.placed_attribute(part, root, ty)?,
                "attributeGroup" => {
                    let name =
                        self.attribute(part, "ref").ok_or_else(|| SqlError::new(2300, &[&"", &"ref"]))?;
                    let (uri, local) = self.resolved(part, name)?;
                    let found = self.globals.get(&("attributeGroup", uri.clone(), local.to_owned())).copied();
                    let (definition, root) = found.ok_or_else(|| undefined(&uri, local))?;
                    if self.open.contains(&definition) {
                        return Err(SqlError::new(6954, &[&local]));
                    }
                    self.open.push(definition);
                    self.deeper(|r| r.attributes(definition, root, ty))?;
                    self.open.pop();
                }
                "anyAttribute" => {
                    let wildcard = self.wildcard(part, root, kind::ATTRIBUTE_WILDCARD, ty)?;
                    self.place(ty, wildcard, 0, 1);
                }
                "group" | "all" | "choice" | "sequence" | "simpleType" => {}
                "length" | "minLength" | "maxLength" | "pattern" | "enumeration" | "minInclusive"
                | "maxInclusive" | "minExclusive" | "maxExclusive" | "totalDigits" | "fractionDigits"
                | "whiteSpace" => {}
                _ => return Err(misplaced(what)),
            }
        }
        Ok(())
    }

    fn placed_attribute(&mut self, id: NodeId, root: usize, ty: i32) -> SqlResult<()> {
        let least = match self.attribute(id, "use") {
            None | Some("optional") => 0,
            Some("required") => 1,
            Some("prohibited") => return Err(refused("An attribute with use=\"prohibited\"")),
            Some(other) => return Err(SqlError::new(2312, &[&"", &other])),
        };
        let (default, fixed) = self.constraint(id)?;
        let Some(name) = self.attribute(id, "ref") else {
            let attribute = self.attribute_declaration(id, root, Some(ty))?;
            self.place(ty, attribute, least, 1);
            return Ok(());
        };
        let (uri, local) = self.resolved(id, name)?;
        let known = if uri == XML {
            builtin::ATTRIBUTES.iter().find(|a| a.0 == local).map(|a| a.1)
        } else if let Some((global, root)) =
            self.globals.get(&("attribute", uri.clone(), local.to_owned())).copied()
        {
            Some(self.global_attribute(global, root)?)
        } else {
            self.collection.global(space::ATTRIBUTE, &uri, local).map(|c| c.id)
        };
        let attribute = known.ok_or_else(|| undefined(&uri, local))?;
        if default.is_some() && !fixed {
            return Err(refused("A default of an attribute in a namespace"));
        }
        let status = if fixed { status::FIXED } else { 0 };
        let placement = Placement { placed: attribute, least, most: 1, status, default };
        self.change(ty, |c| c.placed.push(placement));
        Ok(())
    }

    fn global_attribute(&mut self, id: NodeId, root: usize) -> SqlResult<i32> {
        if let Some(made) = self.made.get(&id) {
            return Ok(*made);
        }
        self.attribute_declaration(id, root, None)
    }

    /// `ty` is the type that a local declaration stands in.
    fn attribute_declaration(&mut self, id: NodeId, root: usize, ty: Option<i32>) -> SqlResult<i32> {
        let name = self.name(id)?;
        let (default, fixed) = self.constraint(id)?;
        let qualified = ty.is_none()
            || match self.attribute(id, "form") {
                Some(form) => form == "qualified",
                None => self.roots[root].attributes_qualified,
            };
        // Where the namespace is "" there is nothing to qualify by.
        if qualified && default.is_some() && !fixed && !self.roots[root].target.is_empty() {
            return Err(refused("A default of an attribute in a namespace"));
        }
        if let Some(ty) = ty {
            let placed = self.collection.get(ty).map(|c| c.placed.clone()).unwrap_or_default();
            let twice = placed.iter().filter_map(|p| self.collection.get(p.placed));
            if twice.filter(|c| c.kind == kind::ATTRIBUTE).any(|c| c.name == name && c.qualified == qualified)
            {
                return Err(SqlError::new(2310, &[&"", &name]));
            }
        }
        let attribute = self.begin(root, name, space::ATTRIBUTE, kind::ATTRIBUTE);
        self.made.insert(id, attribute);
        let has_default = default.is_some();
        self.change(attribute, |c| {
            c.qualified = qualified;
            c.default = default;
            c.status = if fixed { status::FIXED } else { 0 }
                | if qualified { status::ATTRIBUTE_QUALIFIED } else { 0 };
            if let Some(ty) = ty {
                (c.scope, c.parent) = (ty, ty);
            }
        });
        if ty.is_none() {
            self.make_global(attribute);
        }
        let own = match (self.attribute(id, "type"), self.only_simple(id, root, attribute)?) {
            (Some(name), None) => self.type_named(id, name)?,
            (None, Some(inner)) => inner,
            (None, None) => builtin::ANY_SIMPLE_TYPE,
            _ => return Err(SqlError::new(2305, &[&"", &"type"])),
        };
        let complex =
            self.collection.get(own).is_some_and(|c| matches!(c.kind, kind::COMPLEX | kind::COMPLEX_SIMPLE));
        if complex || own == builtin::ANY_TYPE {
            return Err(SqlError::new(6955, &[&name]));
        }
        self.place(attribute, own, 1, 1);
        if has_default {
            if self.collection.built_in_base(own) == builtin::ID {
                return Err(SqlError::new(6932, &[&name]));
            }
            self.check_default(attribute, own, name)?;
        }
        Ok(attribute)
    }
}
