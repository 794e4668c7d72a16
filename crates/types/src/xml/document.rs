//! An xml value as a tree: what XQuery walks over.
//!
//! Invariants
//! 1. Nodes lie in document order, an element's attributes directly behind it; node 0 is the document node.
//! 2. Building and writing are iterative or bounded by [`super::DEPTH_MAX`].

use super::{Event, XmlError, text};

pub type NodeId = u32;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeKind {
    Document,
    Element,
    Attribute,
    Text,
    Comment,
    Instruction,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub kind: NodeKind,
    pub parent: NodeId,
    pub prefix: Box<str>,
    /// Local name; target of an instruction.
    pub local: Box<str>,
    pub uri: Box<str>,
    /// Value of attributes, texts, comments and instructions.
    pub value: Box<str>,
    pub attributes: Vec<NodeId>,
    /// Namespace declarations of an element: prefix (empty = default) and URI.
    pub declarations: Vec<(Box<str>, Box<str>)>,
    pub children: Vec<NodeId>,
}

#[derive(Clone, Debug)]
pub struct Document {
    nodes: Vec<Node>,
}

impl Default for Document {
    fn default() -> Self {
        Document { nodes: vec![Document::node(NodeKind::Document, 0, "", "", "", "")] }
    }
}

impl Document {
    fn node(kind: NodeKind, parent: NodeId, prefix: &str, local: &str, uri: &str, value: &str) -> Node {
        Node {
            kind,
            parent,
            prefix: prefix.into(),
            local: local.into(),
            uri: uri.into(),
            value: value.into(),
            attributes: Vec::new(),
            declarations: Vec::new(),
            children: Vec::new(),
        }
    }

    /// The tree of an xml text; white space that the text holds was kept on purpose.
    pub fn parse(source: &str) -> Result<Self, XmlError> {
        Self::parse_as(source, true)
    }

    /// The tree of a text as it came: white space alone between tags is none of its content.
    pub fn parse_compact(source: &str) -> Result<Self, XmlError> {
        Self::parse_as(source, false)
    }

    fn parse_as(source: &str, preserve: bool) -> Result<Self, XmlError> {
        let mut d = Document::default();
        let mut open: Vec<NodeId> = vec![0];
        text::parse_with(source, preserve, |event| {
            let parent = open.last().copied().unwrap_or(0);
            let mut child = |n: Node| {
                let id = d.nodes.len() as NodeId;
                d.nodes.push(n);
                d.nodes[parent as usize].children.push(id);
                id
            };
            match event {
                Event::Start { prefix, local, uri } => {
                    open.push(child(Self::node(NodeKind::Element, parent, prefix, local, uri, "")));
                }
                Event::Attribute { prefix, local, uri, value } => {
                    let declared = match (prefix, local) {
                        ("xmlns", p) => Some(p),
                        ("", "xmlns") => Some(""),
                        _ => None,
                    };
                    match declared {
                        Some(p) => d.nodes[parent as usize].declarations.push((p.into(), value.into())),
                        None => {
                            let id = d.nodes.len() as NodeId;
                            d.nodes.push(Self::node(NodeKind::Attribute, parent, prefix, local, uri, value));
                            d.nodes[parent as usize].attributes.push(id);
                        }
                    }
                }
                Event::End => {
                    open.pop();
                }
                Event::Text(t) => {
                    child(Self::node(NodeKind::Text, parent, "", "", "", t));
                }
                Event::Comment(t) => {
                    child(Self::node(NodeKind::Comment, parent, "", "", "", t));
                }
                Event::Instruction { target, data } => {
                    child(Self::node(NodeKind::Instruction, parent, "", target, "", data));
                }
            }
        })?;
        Ok(d)
    }

    /// # Panics
    /// Never for ids that this document gave out.
    pub fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// Nodes, the document node among them.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = self.nodes.len() as NodeId;
        self.nodes.push(node);
        id
    }

    /// Takes a node (or attribute) out of its parent. Ids of others stay; document order is that of the lists from now on.
    pub fn detach(&mut self, id: NodeId) {
        let parent = self.nodes[id as usize].parent as usize;
        self.nodes[parent].children.retain(|c| *c != id);
        self.nodes[parent].attributes.retain(|a| *a != id);
    }

    /// A text that belongs to no element yet.
    pub fn new_text(&mut self, value: &str) -> NodeId {
        self.add(Self::node(NodeKind::Text, 0, "", "", "", value))
    }

    pub fn add_attribute(&mut self, element: NodeId, name: &str, value: &str) {
        let id = self.add(Self::node(NodeKind::Attribute, element, "", name, "", value));
        self.nodes[element as usize].attributes.push(id);
    }

    /// Value of an attribute, text, comment or instruction.
    pub fn set_value(&mut self, id: NodeId, value: &str) {
        self.nodes[id as usize].value = value.into();
    }

    /// Puts nodes without a parent among an element's children.
    pub fn insert(&mut self, element: NodeId, at: usize, children: &[NodeId]) {
        for c in children {
            self.nodes[*c as usize].parent = element;
        }
        let list = &mut self.nodes[element as usize].children;
        let at = at.min(list.len());
        list.splice(at..at, children.iter().copied());
    }

    /// Copies a node of a document (all children of its document node) here; the copies have no parent yet.
    pub fn import(&mut self, from: &Document, id: NodeId, out: &mut Vec<NodeId>) {
        let node = from.get(id);
        if node.kind == NodeKind::Document {
            for &c in &node.children {
                self.import(from, c, out);
            }
            return;
        }
        let copy = Node { attributes: Vec::new(), children: Vec::new(), parent: 0, ..node.clone() };
        let new = self.add(copy);
        for &a in &node.attributes {
            let attribute = Node { parent: new, ..from.get(a).clone() };
            let a = self.add(attribute);
            self.nodes[new as usize].attributes.push(a);
        }
        let mut children = Vec::new();
        for &c in &node.children {
            self.import(from, c, &mut children);
        }
        self.insert(new, 0, &children);
        out.push(new);
    }

    pub fn contains(&self, id: NodeId) -> bool {
        (id as usize) < self.nodes.len()
    }

    /// The string value: an element's texts joined, or the node's own value.
    pub fn string_value(&self, id: NodeId) -> String {
        let node = self.get(id);
        match node.kind {
            NodeKind::Document | NodeKind::Element => {
                let mut out = String::new();
                self.collect_text(id, &mut out);
                out
            }
            _ => node.value.to_string(),
        }
    }

    fn collect_text(&self, id: NodeId, out: &mut String) {
        for &c in &self.get(id).children {
            match self.get(c).kind {
                NodeKind::Text => out.push_str(&self.get(c).value),
                NodeKind::Element => self.collect_text(c, out),
                _ => {}
            }
        }
    }

    /// Writes a node as it stands alone: declarations it inherits are repeated on it where its names need them.
    pub fn write(&self, id: NodeId, out: &mut String) {
        self.write_in(id, &mut Vec::new(), out);
    }

    fn write_in(&self, id: NodeId, scope: &mut Vec<(String, String)>, out: &mut String) {
        let node = self.get(id);
        match node.kind {
            NodeKind::Document => node.children.iter().for_each(|&c| self.write_in(c, scope, out)),
            NodeKind::Text => escape(&node.value, false, out),
            NodeKind::Attribute => escape(&node.value, true, out),
            NodeKind::Comment => {
                out.push_str("<!--");
                out.push_str(&node.value);
                out.push_str("-->");
            }
            NodeKind::Instruction => {
                out.push_str("<?");
                out.push_str(&node.local);
                if !node.value.is_empty() {
                    out.push(' ');
                    out.push_str(&node.value);
                }
                out.push_str("?>");
            }
            NodeKind::Element => {
                let before = scope.len();
                let name = joined(&node.prefix, &node.local);
                out.push('<');
                out.push_str(&name);
                for (prefix, uri) in &node.declarations {
                    declare(prefix, uri, scope, out);
                }
                let names = std::iter::once(node).chain(node.attributes.iter().map(|&a| self.get(a)));
                for (i, n) in names.enumerate() {
                    let attribute_without = i > 0 && n.prefix.is_empty();
                    if attribute_without || &*n.prefix == "xml" {
                        continue;
                    }
                    let known =
                        scope.iter().rev().find(|s| s.0 == *n.prefix).map_or("", |s| s.1.as_str()).to_owned();
                    if known != *n.uri {
                        declare(&n.prefix, &n.uri, scope, out);
                    }
                }
                for &a in &node.attributes {
                    let a = self.get(a);
                    out.push(' ');
                    out.push_str(&joined(&a.prefix, &a.local));
                    out.push_str("=\"");
                    escape(&a.value, true, out);
                    out.push('"');
                }
                if node.children.is_empty() {
                    out.push_str("/>");
                } else {
                    out.push('>');
                    for &c in &node.children {
                        self.write_in(c, scope, out);
                    }
                    out.push_str("</");
                    out.push_str(&name);
                    out.push('>');
                }
                scope.truncate(before);
            }
        }
    }
}

fn declare(prefix: &str, uri: &str, scope: &mut Vec<(String, String)>, out: &mut String) {
    out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
    out.push_str(prefix);
    out.push_str("=\"");
    escape(uri, true, out);
    out.push('"');
    scope.push((prefix.to_owned(), uri.to_owned()));
}

pub(super) fn joined(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

/// Text or attribute value with the characters that xml reserves written as references.
pub(super) fn escape(value: &str, attribute: bool, out: &mut String) {
    let units: Vec<u16> = value.encode_utf16().collect();
    let mut escaped = Vec::with_capacity(units.len());
    super::binary::escape(&units, attribute, &mut escaped);
    out.push_str(&String::from_utf16_lossy(&escaped));
}
