//! XML_SCHEMA_NAMESPACE: the schema documents that an XML schema collection stands for, made from its components.
//!
//! Invariants
//! 1. What is printed can be given to CREATE XML SCHEMA COLLECTION and makes components that take the same values. Names of groups
//!    and groups of attributes, comments and annotations are not kept by a collection and so are not there.
//! 2. One document per target namespace, in the order of the namespaces.
//!
//! Evidence: documentation of the function; prefixes `xsd` and `t`, and content as a restriction of anyType, as its examples show.

use std::fmt::Write as _;

use holdfast_types::xml::schema::{
    Collection, Component, FIRST_ID, Placement, UNBOUNDED, builtin, kind, status,
};
use holdfast_types::{SqlError, SqlResult, Value};

use crate::procedure::state::SharedSession;

/// How deep types may stand in types.
const DEEP: usize = 128;

/// XML_SCHEMA_NAMESPACE (schema, collection [, namespace]).
///
/// # Errors
/// 6314 for a collection that is not there.
pub fn call(session: &SharedSession, args: &[Value]) -> SqlResult<Value> {
    let text = |at: usize| match args.get(at) {
        Some(Value::String(s)) => Some(s.to_text()),
        _ => None,
    };
    let (Some(schema), Some(name)) = (text(0), text(1)) else { return Ok(Value::Null) };
    let missing = || SqlError::new(6314, &[&format!("{schema}.{name}")]);
    let catalog = session.current_database().online().stored().ok_or_else(missing)?;
    let failed = |e| holdfast_engine::page_error(&e);
    let id = catalog.xml_collection_named(&schema, &name).map_err(failed)?.ok_or_else(missing)?;
    if id < FIRST_ID {
        return Err(SqlError::not_supported("XML_SCHEMA_NAMESPACE of what is built in"));
    }
    let collection = catalog.xml_collection(id).map_err(failed)?.ok_or_else(missing)?;
    if !collection.is_understood() {
        return Err(SqlError::not_supported(
            "XML_SCHEMA_NAMESPACE of a collection whose components are not all understood",
        ));
    }
    let wanted = text(2);
    let mut out = String::new();
    let mut any = false;
    for (at, uri) in collection.namespaces.iter().enumerate() {
        if wanted.as_ref().is_none_or(|w| w == uri) {
            any = true;
            let mut printer = Printer { collection: &collection, target: at as i32 + 1, out: String::new() };
            printer.schema(uri)?;
            out.push_str(&printer.out);
        }
    }
    Ok(if any { Value::string(&out) } else { Value::Null })
}

struct Printer<'a> {
    collection: &'a Collection,
    /// Ordinal of the namespace that is printed.
    target: i32,
    out: String,
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", ch as u32);
            }
            other => out.push(other),
        }
    }
    out
}

/// The element that gives a facet.
fn facet(kind: &str) -> &'static str {
    match kind {
        "LG" => "length",
        "LN" => "minLength",
        "LX" => "maxLength",
        "PT" => "pattern",
        "EU" => "enumeration",
        "IN" => "minInclusive",
        "IX" => "maxInclusive",
        "EN" => "minExclusive",
        "EX" => "maxExclusive",
        "DT" => "totalDigits",
        "DF" => "fractionDigits",
        _ => "whiteSpace",
    }
}

impl<'a> Printer<'a> {
    fn attribute(&mut self, name: &str, value: &str) {
        let _ = write!(self.out, " {name}=\"{}\"", escaped(value));
    }

    fn flag(&mut self, name: &str, on: bool) {
        if on {
            self.attribute(name, "true");
        }
    }

    /// Ends the start of an element; its end is [`Self::end`] with what this answers.
    fn inside(&mut self) -> usize {
        self.out.push('>');
        self.out.len()
    }

    fn end(&mut self, tag: &str, inside: usize) {
        if self.out.len() == inside {
            self.out.pop();
            self.out.push_str("/>");
        } else {
            let _ = write!(self.out, "</xsd:{tag}>");
        }
    }

    fn get(&self, id: i32) -> Option<&'a Component> {
        self.collection.get(id)
    }

    /// The prefix of a namespace of the collection, with its colon.
    fn prefix(&self, ordinal: i32) -> String {
        let at = usize::try_from(ordinal - 1).unwrap_or(usize::MAX);
        match self.collection.namespaces.get(at).map(String::as_str) {
            None | Some("") => String::new(),
            Some(_) if ordinal == self.target => "t:".to_owned(),
            Some(_) => format!("ns{ordinal}:"),
        }
    }

    /// The name of a global component or of what is built in; `None` for what has none.
    fn name(&self, id: i32) -> Option<String> {
        if let Some(name) = builtin::type_name(id) {
            return Some(format!("xsd:{name}"));
        }
        if let Some(a) = builtin::ATTRIBUTES.iter().find(|a| a.1 == id) {
            return Some(format!("xml:{}", a.0));
        }
        let c = self.get(id)?;
        (c.scope == 0 && !c.name.is_empty()).then(|| format!("{}{}", self.prefix(c.namespace), c.name))
    }

    fn schema(&mut self, uri: &str) -> SqlResult<()> {
        let own: Vec<&Component> =
            self.collection.components().iter().filter(|c| c.namespace == self.target).collect();
        self.out.push_str("<xsd:schema");
        self.attribute("xmlns:xsd", builtin::XSD);
        if !uri.is_empty() {
            self.attribute("xmlns:t", uri);
        }
        let others: Vec<(i32, &'a str)> = (1..)
            .zip(self.collection.namespaces.iter().map(String::as_str))
            .filter(|(ordinal, _)| *ordinal != self.target && self.uses(&own, *ordinal))
            .collect();
        for (ordinal, other) in others.iter().filter(|o| !o.1.is_empty()) {
            self.attribute(&format!("xmlns:ns{ordinal}"), other);
        }
        if !uri.is_empty() {
            self.attribute("targetNamespace", uri);
        }
        let mut local = own.iter().filter(|c| c.kind == kind::ELEMENT && c.scope != 0).peekable();
        let qualified = local.peek().is_some() && local.all(|c| c.qualified);
        if qualified {
            self.attribute("elementFormDefault", "qualified");
        }
        let inside = self.inside();
        for (_, other) in others {
            self.out.push_str("<xsd:import");
            if !other.is_empty() {
                self.attribute("namespace", other);
            }
            self.out.push_str("/>");
        }
        for c in own.iter().filter(|c| c.scope == 0 && !c.name.is_empty()) {
            match c.kind {
                kind::ELEMENT => self.element(c, None, qualified, 0)?,
                kind::ATTRIBUTE => self.attribute_declaration(c, None, 0)?,
                kind::GROUP | kind::WILDCARD | kind::ATTRIBUTE_WILDCARD => {}
                _ => self.type_definition(c, qualified, 0)?,
            }
        }
        self.end("schema", inside);
        Ok(())
    }

    /// Whether components name something of another namespace.
    fn uses(&self, own: &[&Component], ordinal: i32) -> bool {
        let of = |id: i32| self.get(id).is_some_and(|c| c.namespace == ordinal);
        own.iter().any(|c| of(c.base) || c.placed.iter().any(|p| of(p.placed)))
    }

    fn deeper(depth: usize) -> SqlResult<usize> {
        match depth < DEEP {
            true => Ok(depth + 1),
            false => Err(SqlError::not_supported("XML_SCHEMA_NAMESPACE of types nested so deeply")),
        }
    }

    fn occurrences(&mut self, p: &Placement) {
        if p.least != 1 {
            self.attribute("minOccurs", &p.least.to_string());
        }
        match p.most {
            1 => {}
            UNBOUNDED => self.attribute("maxOccurs", "unbounded"),
            n => self.attribute("maxOccurs", &n.to_string()),
        }
    }

    /// A default or fixed value.
    fn constraint(&mut self, value: Option<&str>, fixed: bool) {
        if let Some(value) = value {
            self.attribute(if fixed { "fixed" } else { "default" }, value);
        }
    }

    /// An element; `place` of one that stands in a group.
    fn element(
        &mut self,
        c: &Component,
        place: Option<&Placement>,
        all_qualified: bool,
        depth: usize,
    ) -> SqlResult<()> {
        let depth = Self::deeper(depth)?;
        self.out.push_str("<xsd:element");
        if let Some(name) = self.name(c.id).filter(|_| place.is_some()) {
            self.attribute("ref", &name);
            place.into_iter().for_each(|p| self.occurrences(p));
            self.out.push_str("/>");
            return Ok(());
        }
        self.attribute("name", &c.name);
        let ty = c.placed.first().map_or(builtin::ANY_TYPE, |p| p.placed);
        let named = self.name(ty);
        if let Some(name) = &named {
            self.attribute("type", name);
        }
        place.into_iter().for_each(|p| self.occurrences(p));
        self.constraint(c.default.as_deref(), c.status & status::FIXED != 0);
        self.flag("nillable", c.status & status::NILLABLE != 0);
        self.flag("abstract", c.status & status::ELEMENT_ABSTRACT != 0);
        if place.is_some() && c.qualified && !all_qualified {
            self.attribute("form", "qualified");
        }
        match self.get(ty).filter(|_| named.is_none()) {
            Some(inner) => {
                self.out.push('>');
                self.type_definition(inner, all_qualified, depth)?;
                self.out.push_str("</xsd:element>");
            }
            None => self.out.push_str("/>"),
        }
        Ok(())
    }

    /// An attribute; `place` of one that stands in a type.
    fn attribute_declaration(
        &mut self,
        c: &Component,
        place: Option<&Placement>,
        depth: usize,
    ) -> SqlResult<()> {
        let depth = Self::deeper(depth)?;
        self.out.push_str("<xsd:attribute");
        self.attribute("name", &c.name);
        let ty = c.placed.first().map_or(builtin::ANY_SIMPLE_TYPE, |p| p.placed);
        let named = self.name(ty);
        if let Some(name) = &named {
            self.attribute("type", name);
        }
        self.constraint(c.default.as_deref(), c.status & status::FIXED != 0);
        if let Some(p) = place {
            if p.least > 0 {
                self.attribute("use", "required");
            }
            if c.qualified {
                self.attribute("form", "qualified");
            }
        }
        match self.get(ty).filter(|_| named.is_none()) {
            Some(inner) => {
                self.out.push('>');
                self.type_definition(inner, false, depth)?;
                self.out.push_str("</xsd:attribute>");
            }
            None => self.out.push_str("/>"),
        }
        Ok(())
    }

    fn type_definition(&mut self, c: &Component, all_qualified: bool, depth: usize) -> SqlResult<()> {
        let depth = Self::deeper(depth)?;
        let complex = matches!(c.kind, kind::COMPLEX | kind::COMPLEX_SIMPLE);
        let tag = if complex { "complexType" } else { "simpleType" };
        let _ = write!(self.out, "<xsd:{tag}");
        if !c.name.is_empty() {
            self.attribute("name", &c.name);
        }
        if complex {
            self.flag("mixed", c.status & status::MIXED != 0);
            self.flag("abstract", c.status & status::TYPE_ABSTRACT != 0);
        }
        let inside = self.inside();
        match c.kind {
            kind::COMPLEX => self.content(c, "complexContent", all_qualified, depth)?,
            kind::COMPLEX_SIMPLE => self.content(c, "simpleContent", all_qualified, depth)?,
            kind::LIST if c.base == 0 => self.listed(c, "list", "itemType", depth)?,
            kind::UNION => self.listed(c, "union", "memberTypes", depth)?,
            _ => self.restriction(c, depth)?,
        }
        self.end(tag, inside);
        Ok(())
    }

    /// A list or union: names of types in an attribute, those without a name inside.
    fn listed(&mut self, c: &Component, tag: &str, attribute: &str, depth: usize) -> SqlResult<()> {
        let _ = write!(self.out, "<xsd:{tag}");
        let names: Vec<String> = c.placed.iter().filter_map(|p| self.name(p.placed)).collect();
        if !names.is_empty() {
            self.attribute(attribute, &names.join(" "));
        }
        let inside = self.inside();
        let unnamed = c.placed.iter().filter(|p| self.name(p.placed).is_none());
        let inner: Vec<&Component> = unnamed.filter_map(|p| self.get(p.placed)).collect();
        for ty in inner {
            self.type_definition(ty, false, depth)?;
        }
        self.end(tag, inside);
        Ok(())
    }

    fn restriction(&mut self, c: &Component, depth: usize) -> SqlResult<()> {
        self.out.push_str("<xsd:restriction");
        let named = self.name(c.base);
        if let Some(name) = &named {
            self.attribute("base", name);
        }
        let inside = self.inside();
        if let Some(inner) = self.get(c.base).filter(|_| named.is_none()) {
            self.type_definition(inner, false, depth)?;
        }
        self.facets(c);
        self.end("restriction", inside);
        Ok(())
    }

    fn facets(&mut self, c: &Component) {
        for f in &c.facets {
            let _ = write!(self.out, "<xsd:{}", facet(&f.kind));
            self.attribute("value", &f.value);
            self.flag("fixed", f.fixed);
            self.out.push_str("/>");
        }
    }

    /// What a complex type adds to its base or leaves of it.
    fn content(&mut self, c: &Component, tag: &str, all_qualified: bool, depth: usize) -> SqlResult<()> {
        let derived = if c.derivation == 'X' { "extension" } else { "restriction" };
        let base = self.name(c.base).unwrap_or_else(|| "xsd:anyType".to_owned());
        let _ = write!(self.out, "<xsd:{tag}><xsd:{derived}");
        self.attribute("base", &base);
        let inside = self.inside();
        self.facets(c);
        for p in &c.placed {
            match self.get(p.placed) {
                Some(inner) if inner.kind == kind::ATTRIBUTE && inner.scope != 0 => {
                    self.attribute_declaration(inner, Some(p), depth)?;
                }
                Some(inner) if inner.kind != kind::ATTRIBUTE => self.part(inner, p, all_qualified, depth)?,
                // A global attribute, or one of the xml namespace.
                _ => {
                    self.out.push_str("<xsd:attribute");
                    self.attribute("ref", &self.name(p.placed).unwrap_or_default());
                    if p.least > 0 {
                        self.attribute("use", "required");
                    }
                    self.constraint(p.default.as_deref(), p.status & status::FIXED != 0);
                    self.out.push_str("/>");
                }
            }
        }
        self.end(derived, inside);
        let _ = write!(self.out, "</xsd:{tag}>");
        Ok(())
    }

    /// A group, an element or a wildcard in its place.
    fn part(&mut self, c: &Component, p: &Placement, all_qualified: bool, depth: usize) -> SqlResult<()> {
        let depth = Self::deeper(depth)?;
        match c.kind {
            kind::ELEMENT => self.element(c, Some(p), all_qualified, depth)?,
            kind::GROUP => {
                let tag = match c.detail {
                    'A' => "all",
                    'C' => "choice",
                    _ => "sequence",
                };
                let _ = write!(self.out, "<xsd:{tag}");
                self.occurrences(p);
                let inside = self.inside();
                for p in &c.placed {
                    if let Some(inner) = self.get(p.placed) {
                        self.part(inner, p, all_qualified, depth)?;
                    }
                }
                self.end(tag, inside);
            }
            _ => self.wildcard(c, p),
        }
        Ok(())
    }

    fn wildcard(&mut self, c: &Component, p: &Placement) {
        let element = c.kind == kind::WILDCARD;
        self.out.push_str(if element { "<xsd:any" } else { "<xsd:anyAttribute" });
        if element {
            self.occurrences(p);
        }
        let target = self.collection.namespace_of(c);
        let refuses = c.status & status::DISALLOWS != 0;
        match (refuses, c.namespaces.is_empty()) {
            (true, true) => {}
            (true, false) => self.attribute("namespace", "##other"),
            (false, _) => {
                let word = |n: &String| match n.as_str() {
                    "" => "##local".to_owned(),
                    n if n == target => "##targetNamespace".to_owned(),
                    other => other.to_owned(),
                };
                let words: Vec<String> = c.namespaces.iter().map(word).collect();
                self.attribute("namespace", &words.join(" "));
            }
        }
        match c.detail {
            'L' => self.attribute("processContents", "lax"),
            'P' => self.attribute("processContents", "skip"),
            _ => {}
        }
        self.out.push_str("/>");
    }
}
