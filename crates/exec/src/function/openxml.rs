//! sp_xml_preparedocument's documents and OPENXML over them.
//!
//! Invariants
//! 1. A prepared document does not change; statements that read it share it.
//! 2. Patterns are XPath, run by the same parser as the xml methods, under the namespaces given when the document was prepared.
//! 3. What the documents of a session take is bounded ([`SIZE_MAX_ALL`]): 6624 beyond it.
//!
//! Evidence: columns, flags and metaproperties as documented; that ids of the edge table go by document order with the texts
//! of attributes behind everything else, the root element being 0 and its first child 2, is assumed.

use std::sync::Arc;

use holdfast_plan::physical::TableFunction;
use holdfast_types::xml::document::{Document, NodeId, NodeKind};
use holdfast_types::xml::xquery::{Item, Query, serialize};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use crate::context::ExecContext;
use crate::expression::convert::convert_value;

/// Units of all documents that a session has prepared.
pub const SIZE_MAX_ALL: usize = 1 << 26;

const METAPROPERTIES: &str = "urn:schemas-microsoft-com:xml-metaprop";

/// What a handle stands for.
pub struct PreparedXml {
    document: Arc<Document>,
    /// By node: its number in the edge table, and that of its text where it is an attribute.
    ids: Vec<(i64, i64)>,
    namespaces: Vec<(String, String)>,
    /// Units of the text.
    pub size: usize,
}

fn description(e: SqlError) -> SqlError {
    SqlError::with_text(6602, 16, format!("The error description is '{}'.", e.message)).state(2)
}

impl PreparedXml {
    /// # Errors
    /// 6602 for a text that is no xml.
    pub fn new(text: &str, namespaces: Option<&str>) -> SqlResult<Self> {
        let parse = |text: &str| Document::parse_compact(text).map_err(|e| description(e.to_sql()));
        let document = parse(text)?;
        let mut list = vec![("mp".to_owned(), METAPROPERTIES.to_owned())];
        if let Some(text) = namespaces {
            let names = parse(text)?;
            for &root in &names.get(0).children {
                let declared = &names.get(root).declarations;
                list.extend(declared.iter().map(|(p, uri)| (p.to_string(), uri.to_string())));
            }
        }
        let mut ids = vec![(-1, -1); document.len()];
        let mut next = 0;
        let mut number = || {
            let n = next;
            // The first number after the root's is not given.
            next = if n == 0 { 2 } else { n + 1 };
            n
        };
        for (id, place) in ids.iter_mut().enumerate().skip(1) {
            if document.contains(id as NodeId) {
                place.0 = number();
            }
        }
        for (id, place) in ids.iter_mut().enumerate().skip(1) {
            if document.get(id as NodeId).kind == NodeKind::Attribute {
                place.1 = number();
            }
        }
        Ok(PreparedXml { document: Arc::new(document), ids, namespaces: list, size: text.len() })
    }

    fn id(&self, node: NodeId) -> Value {
        match self.ids.get(node as usize) {
            Some(&(id, _)) if id >= 0 => Value::BigInt(id),
            _ => Value::Null,
        }
    }

    /// The sibling before an element.
    fn previous(&self, node: NodeId) -> Value {
        let n = self.document.get(node);
        if n.kind == NodeKind::Attribute {
            return Value::Null;
        }
        let siblings = &self.document.get(n.parent).children;
        let at = siblings.iter().position(|&s| s == node).unwrap_or(0);
        at.checked_sub(1).and_then(|i| siblings.get(i)).map_or(Value::Null, |&s| self.id(s))
    }

    fn query(&self, path: &str) -> SqlResult<Query> {
        Query::parse(path, "openxml", &self.namespaces)
            .map_err(|e| SqlError::with_text(6603, 16, format!("XML parsing error: {}", e.message)).state(2))
    }

    fn nodes(&self, query: &Query, context: NodeId) -> SqlResult<Vec<NodeId>> {
        let found = query.run((Arc::clone(&self.document), context), &[])?;
        let node = |i: Item| match i {
            Item::Node(d, id) if Arc::ptr_eq(&d, &self.document) => Some(id),
            _ => None,
        };
        Ok(found.into_iter().filter_map(node).collect())
    }
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::string(text) }
}

/// Where a column of WITH gets its value.
enum From {
    /// A metaproperty of the node that the path leads to, the row's own without one.
    Meta(Option<Query>, String),
    Path(Query),
    /// The attribute, or the child element, of the column's name.
    Attribute(String),
    Element(String),
    Either(String),
}

/// The rows of OPENXML: `args` are handle, row pattern and flags.
pub fn open_xml(
    function: &TableFunction,
    args: &[Value],
    types: &[SqlType],
    ctx: &ExecContext,
) -> SqlResult<Vec<Vec<Value>>> {
    let handle = match args.first() {
        Some(Value::Int(n)) => *n,
        _ => 0,
    };
    let Some(prepared) = ctx.query.session.xml_document(handle) else {
        return Err(SqlError::new(8179, &[&handle]).state(5));
    };
    let Some(Value::String(pattern)) = args.get(1) else { return Ok(Vec::new()) };
    let flags = match args.get(2) {
        Some(Value::Int(n)) => *n,
        _ => 0,
    };
    let found = prepared.nodes(&prepared.query(&pattern.to_text())?, 0)?;
    if function.schema.is_empty() {
        let mut rows = Vec::new();
        for node in found {
            edge_rows(&prepared, node, &mut rows);
        }
        return Ok(rows);
    }
    let mut sources = Vec::with_capacity(function.schema.len());
    for c in &function.schema {
        let name = c.name.to_string();
        sources.push(match (&c.path, flags & 3) {
            (Some(path), _) => match path.rsplit_once("@mp:") {
                Some((before, property)) => {
                    let before = before.trim_end_matches('/');
                    let query = (!before.is_empty()).then(|| prepared.query(before)).transpose()?;
                    From::Meta(query, property.to_owned())
                }
                None => From::Path(prepared.query(path)?),
            },
            (None, 2) => From::Element(name),
            (None, 3) => From::Either(name),
            (None, _) => From::Attribute(name),
        });
    }
    let mut rows = Vec::with_capacity(found.len());
    for node in found {
        ctx.check_cancel()?;
        let mut consumed = Vec::new();
        let mut row = vec![Value::Null; types.len()];
        // What is left over is known when all other columns have taken theirs.
        for last in [false, true] {
            for ((from, ty), value) in sources.iter().zip(types).zip(row.iter_mut()) {
                if last != matches!(from, From::Meta(_, p) if p == "xmltext") {
                    continue;
                }
                *value = column(&prepared, node, from, ty, flags, &mut consumed, ctx)?;
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

fn column(
    prepared: &PreparedXml,
    row: NodeId,
    from: &From,
    ty: &SqlType,
    flags: i32,
    consumed: &mut Vec<NodeId>,
    ctx: &ExecContext,
) -> SqlResult<Value> {
    let d = &prepared.document;
    let named = |list: &[NodeId], name: &str| list.iter().copied().find(|&n| &*d.get(n).local == name);
    let attribute = |name: &str| named(&d.get(row).attributes, name);
    let element = |name: &str| {
        let elements = d.get(row).children.iter().copied().filter(|&c| d.get(c).kind == NodeKind::Element);
        named(&elements.collect::<Vec<_>>(), name)
    };
    let node = match from {
        From::Meta(path, property) => {
            let at = match path {
                Some(query) => prepared.nodes(query, row)?.first().copied(),
                None => Some(row),
            };
            let Some(at) = at else { return Ok(Value::Null) };
            let left_out: &[NodeId] = if flags & 8 != 0 { consumed } else { &[] };
            let (value, from) = metaproperty(prepared, at, property, left_out)?;
            return converted(&value, from, ty, ctx);
        }
        From::Path(query) => prepared.nodes(query, row)?.first().copied(),
        From::Attribute(name) => attribute(name),
        From::Element(name) => element(name),
        From::Either(name) => attribute(name).or_else(|| element(name)),
    };
    let Some(node) = node else { return Ok(Value::Null) };
    consumed.push(node);
    if ty.id == TypeId::Xml && d.get(node).kind == NodeKind::Element {
        return Ok(Value::string(&serialize("openxml", &[Item::Node(Arc::clone(d), node)])?));
    }
    let text = SqlType::nvarchar_max(ctx.query.session.default_collation());
    converted(&Value::string(&d.string_value(node)), text, ty, ctx)
}

fn converted(value: &Value, from: SqlType, ty: &SqlType, ctx: &ExecContext) -> SqlResult<Value> {
    let mode = holdfast_plan::expr::ConvertMode::Explicit;
    // Numbers and moments may have blanks around them in xml.
    let trimmed = match value {
        Value::String(s) if !ty.id.is_character() && ty.id != TypeId::Xml => {
            Value::string(s.to_text().trim())
        }
        other => other.clone(),
    };
    convert_value(&trimmed, &from, ty, None, mode, ctx)
}

/// A metaproperty of a node, and its type.
fn metaproperty(
    prepared: &PreparedXml,
    node: NodeId,
    property: &str,
    left_out: &[NodeId],
) -> SqlResult<(Value, SqlType)> {
    let d = &prepared.document;
    let text = SqlType::nvarchar_max(holdfast_types::CollationId::SERVER_DEFAULT);
    let n = d.get(node);
    let parent = (n.parent != 0).then(|| d.get(n.parent));
    let of_parent = |f: fn(&holdfast_types::xml::document::Node) -> &str| {
        (parent.map_or(Value::Null, |p| text_or_null(f(p))), text)
    };
    Ok(match property {
        "id" => (prepared.id(node), SqlType::BIGINT),
        "parentid" => (if n.parent == 0 { Value::Null } else { prepared.id(n.parent) }, SqlType::BIGINT),
        "prev" => (prepared.previous(node), SqlType::BIGINT),
        "localname" => (text_or_null(&n.local), text),
        "namespaceuri" => (text_or_null(&n.uri), text),
        "prefix" => (text_or_null(&n.prefix), text),
        "parentlocalname" => of_parent(|p| &p.local),
        "parentnamespaceuri" => of_parent(|p| &p.uri),
        "parentprefix" => of_parent(|p| &p.prefix),
        "xmltext" => {
            let mut out = String::new();
            if left_out.is_empty() {
                d.write(node, &mut out);
            } else {
                let mut rest = (**d).clone();
                left_out.iter().filter(|&&c| c != node).for_each(|&c| rest.detach(c));
                rest.write(node, &mut out);
            }
            (Value::string(&out), text)
        }
        other => {
            let text = format!("XML parsing error: Reference to undeclared metaproperty '{other}'.");
            return Err(SqlError::with_text(6603, 16, text).state(2));
        }
    })
}

/// A node and all that is below it, as rows of the edge table.
fn edge_rows(prepared: &PreparedXml, root: NodeId, rows: &mut Vec<Vec<Value>>) {
    let d = &prepared.document;
    let mut waiting = vec![root];
    while let Some(node) = waiting.pop() {
        let n = d.get(node);
        let kind = match n.kind {
            NodeKind::Document => {
                waiting.extend(n.children.iter().rev());
                continue;
            }
            NodeKind::Element => 1,
            NodeKind::Attribute => 2,
            NodeKind::Text => 3,
            NodeKind::Instruction => 7,
            NodeKind::Comment => 8,
        };
        let parent = if n.parent == 0 { Value::Null } else { prepared.id(n.parent) };
        let name = match n.kind {
            NodeKind::Text => "#text",
            NodeKind::Comment => "#comment",
            _ => &n.local,
        };
        let text = match n.kind {
            NodeKind::Text | NodeKind::Comment | NodeKind::Instruction => Value::string(&n.value),
            _ => Value::Null,
        };
        rows.push(vec![
            prepared.id(node),
            parent,
            Value::Int(kind),
            Value::string(name),
            text_or_null(&n.prefix),
            text_or_null(&n.uri),
            Value::Null,
            prepared.previous(node),
            text,
        ]);
        if n.kind == NodeKind::Attribute {
            let id = prepared.ids.get(node as usize).map_or(Value::Null, |i| Value::BigInt(i.1));
            rows.push(vec![
                id,
                prepared.id(node),
                Value::Int(3),
                Value::string("#text"),
                Value::Null,
                Value::Null,
                Value::Null,
                Value::Null,
                Value::string(&n.value),
            ]);
        }
        waiting.extend(n.children.iter().rev());
        waiting.extend(n.attributes.iter().rev());
    }
}
