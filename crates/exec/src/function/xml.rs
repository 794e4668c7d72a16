//! The xml methods: XQuery over xml values and over the nodes that nodes() found.
//!
//! Invariants
//! 1. An xml value in flight is its text. A node that nodes() yields is a reference into a document that the query's
//!    context keeps ([`Documents`]): the mark U+FFFF, which no xml text begins with, then the two numbers.
//! 2. A document is parsed once per nodes() call and once per value() call on a whole value.

use std::sync::Arc;

use holdfast_plan::function::MethodId;
use holdfast_types::xml::document::{Document, NodeId};
use holdfast_types::xml::xquery::{Atom, Item, Query, Update, serialize};
use holdfast_types::{SqlError, SqlResult, SqlString, SqlType, TypeId, Value};
use parking_lot::Mutex;

use crate::context::ExecContext;
use crate::expression::convert::convert_value;

const MARK: u16 = 0xFFFF;

/// The documents that nodes() calls of a query opened.
#[derive(Default)]
pub struct Documents(Mutex<Vec<Arc<Document>>>);

impl Documents {
    fn keep(&self, d: Arc<Document>) -> usize {
        let mut list = self.0.lock();
        // nodes() of one document's nodes, opened row after row, needs one entry.
        if list.last().is_some_and(|l| Arc::ptr_eq(l, &d)) {
            return list.len() - 1;
        }
        list.push(d);
        list.len() - 1
    }

    fn get(&self, index: usize) -> Option<Arc<Document>> {
        self.0.lock().get(index).cloned()
    }
}

/// The document and context node of an xml value.
fn context(v: &Value, ctx: &ExecContext) -> SqlResult<(Arc<Document>, NodeId)> {
    let Value::String(s) = v else { return Err(SqlError::not_supported("This form of xml value")) };
    if let Some((&MARK, rest)) = s.units().split_first() {
        let text = String::from_utf16_lossy(rest);
        let numbers = text.split_once(' ').and_then(|(d, n)| Some((d.parse().ok()?, n.parse().ok()?)));
        let found = numbers.and_then(|(d, n): (usize, NodeId)| Some((ctx.query.xml.get(d)?, n)));
        return found
            .filter(|(d, n)| d.contains(*n))
            .ok_or_else(|| SqlError::with_text(8624, 16, "Internal error: an xml node outlived its query."));
    }
    let d = Document::parse(&s.to_text()).map_err(|e| e.to_sql())?;
    Ok((Arc::new(d), 0))
}

/// A SQL value as XQuery sees it; `None` for NULL.
fn atom(v: &Value, ty: &SqlType, ctx: &ExecContext) -> SqlResult<Option<Atom>> {
    Ok(Some(match v {
        Value::Null => return Ok(None),
        Value::Bit(b) => Atom::Boolean(*b),
        Value::TinyInt(n) => Atom::Integer(i64::from(*n)),
        Value::SmallInt(n) => Atom::Integer(i64::from(*n)),
        Value::Int(n) => Atom::Integer(i64::from(*n)),
        Value::BigInt(n) => Atom::Integer(*n),
        Value::Float(f) => Atom::Double(*f),
        Value::Real(f) => Atom::Double(f64::from(*f)),
        Value::Decimal(_) | Value::Money(_) | Value::SmallMoney(_) => {
            let float =
                convert_value(v, ty, &SqlType::FLOAT, None, holdfast_plan::expr::ConvertMode::Explicit, ctx)?;
            match float {
                Value::Float(f) => Atom::Double(f),
                _ => return Ok(None),
            }
        }
        Value::String(s) => Atom::String(s.to_text()),
        Value::Binary(b) => Atom::Base64(b.to_vec()),
        other => {
            let text = SqlType::nvarchar_max(ctx.query.session.default_collation());
            // Dates and times in the form of XML Schema.
            match convert_value(other, ty, &text, Some(126), holdfast_plan::expr::ConvertMode::Explicit, ctx)?
            {
                Value::String(s) => Atom::String(s.to_text()),
                _ => return Ok(None),
            }
        }
    }))
}

fn name(method: MethodId) -> &'static str {
    match method {
        MethodId::XmlValue => "value",
        MethodId::XmlExist => "exist",
        _ => "query",
    }
}

/// A prepared method call: the query is parsed once for all rows.
pub struct Method {
    method: MethodId,
    query: Query,
}

impl Method {
    pub fn new(method: MethodId, text: &Value) -> SqlResult<Self> {
        let Value::String(s) = text else { return Err(SqlError::not_supported("A query that is no text")) };
        Ok(Method { method, query: Query::parse(&s.to_text(), name(method), &[])? })
    }

    /// The answer for one xml value; `sql` are the values that the query takes from SQL, with their types.
    pub fn call(
        &self,
        subject: &Value,
        sql: &[(Value, SqlType)],
        ty: &SqlType,
        ctx: &ExecContext,
    ) -> SqlResult<Value> {
        let atoms = sql.iter().map(|(v, t)| atom(v, t, ctx)).collect::<SqlResult<Vec<_>>>()?;
        let found = self.query.run(context(subject, ctx)?, &atoms)?;
        match self.method {
            MethodId::XmlExist => Ok(Value::Bit(!found.is_empty())),
            MethodId::XmlValue => {
                let item = match found.as_slice() {
                    [] => return Ok(Value::Null),
                    [item] => item,
                    _ => return Err(self.query.singleton_error()),
                };
                typed(&item.atomize(), ty, ctx)
            }
            _ => Ok(Value::string(&serialize("query", &found)?)),
        }
    }
}

/// A prepared modify().
pub struct Modification(Update);

impl Modification {
    pub fn new(text: &Value) -> SqlResult<Self> {
        let Value::String(s) = text else { return Err(SqlError::not_supported("A query that is no text")) };
        Ok(Modification(Update::parse(&s.to_text(), &[])?))
    }

    pub fn call(&self, subject: &Value, sql: &[(Value, SqlType)], ctx: &ExecContext) -> SqlResult<Value> {
        let atoms = sql.iter().map(|(v, t)| atom(v, t, ctx)).collect::<SqlResult<Vec<_>>>()?;
        let (document, _) = context(subject, ctx)?;
        Ok(Value::string(&self.0.run(&document, &atoms)?))
    }
}

fn typed(a: &Atom, ty: &SqlType, ctx: &ExecContext) -> SqlResult<Value> {
    let mode = holdfast_plan::expr::ConvertMode::Explicit;
    let text = SqlType::nvarchar_max(ctx.query.session.default_collation());
    let (value, from) = match a {
        Atom::Boolean(b) if ty.id == TypeId::Bit => return Ok(Value::Bit(*b)),
        Atom::Integer(n) if !ty.id.is_character() => (Value::BigInt(*n), SqlType::BIGINT),
        Atom::Double(f) if !ty.id.is_character() => (Value::Float(*f), SqlType::FLOAT),
        // Binary values are written in base64 in xml; a text that is not gives none.
        other if matches!(ty.id, TypeId::Binary | TypeId::VarBinary) => match other.bytes() {
            Some(b) => (Value::Binary(b.into()), SqlType::binary(TypeId::VarBinary, -1)),
            None => return Ok(Value::Null),
        },
        // Numbers and dates may have blanks around them in xml.
        other if ty.id.is_character() => (Value::string(&other.text()), text),
        other => (Value::string(other.text().trim()), text),
    };
    convert_value(&value, &from, ty, None, mode, ctx)
}

/// The rows of nodes(): one reference per node found.
pub fn nodes(text: &str, args: &[(Value, SqlType)], ctx: &ExecContext) -> SqlResult<Vec<Vec<Value>>> {
    let Some(((subject, _), sql)) = args.split_first() else { return Ok(Vec::new()) };
    if subject.is_null() {
        return Ok(Vec::new());
    }
    let query = Query::parse(text, "nodes", &[])?;
    let atoms = sql.iter().map(|(v, t)| atom(v, t, ctx)).collect::<SqlResult<Vec<_>>>()?;
    let found = query.run(context(subject, ctx)?, &atoms)?;
    let mut kept: Vec<(Arc<Document>, usize)> = Vec::new();
    let mut rows = Vec::with_capacity(found.len());
    for item in found {
        let Item::Node(d, id) = item else {
            return Err(SqlError::with_text(
                2374,
                16,
                "XQuery [nodes()]: A node or set of nodes is required for 'nodes()'",
            ));
        };
        let index = match kept.iter().find(|k| Arc::ptr_eq(&k.0, &d)) {
            Some(k) => k.1,
            None => {
                let index = ctx.query.xml.keep(d.clone());
                kept.push((d, index));
                index
            }
        };
        let mut units = vec![MARK];
        units.extend(format!("{index} {id}").encode_utf16());
        rows.push(vec![Value::String(SqlString::new(units))]);
    }
    Ok(rows)
}
