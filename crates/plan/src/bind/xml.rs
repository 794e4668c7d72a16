//! Methods of the xml type: value(), query(), exist(), nodes() and modify().
//!
//! Invariants
//! 1. A query's own errors are found here, before anything runs; the executor parses the same text again.
//! 2. Namespaces of WITH XMLNAMESPACES are written into the query's prolog, so that plans carry one text.
//! 3. What only a schema tells (that an element is there once, that its content is simple) is not looked up: for xml of a column
//!    with a schema collection the executor finds out (2389).
//! 4. sql:variable and sql:column become further arguments, in the order in which the query first names them.

use holdfast_tsql::ast::Ident;
use holdfast_tsql::ast::expression as ast;
use holdfast_tsql::{ParseOptions, Span};
use holdfast_types::xml::xquery::{Query, Update};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::from::From;
use super::{Binder, Source, Typed, at, err};
use crate::expr::{Expr, ExprKind};
use crate::function::{MethodId, TableFunctionId};
use crate::logical::LogicalPlan;
use crate::physical::TableFunction;

/// A node that nodes() found may only be asked through methods.
pub(super) fn no_node(ty: &SqlType) -> SqlResult<()> {
    if *ty == SqlType::XML_NODE {
        return Err(SqlError::with_text(
            493,
            16,
            "The column that was returned from the nodes() method cannot be used directly. It can only be used with one of the \
             four XML data type methods, exist(), nodes(), query(), and value(), or in IS NULL and IS NOT NULL checks.",
        ));
    }
    Ok(())
}

fn literal(arguments: &[ast::Expr], i: usize) -> Option<&str> {
    match arguments.get(i).map(|a| &a.unparen().kind) {
        Some(ast::ExprKind::Literal(ast::Literal::String { value, .. })) => Some(value),
        _ => None,
    }
}

impl Binder<'_> {
    /// The query argument of a method with its prolog.
    fn xquery_text(&self, method: &str, arguments: &[ast::Expr], span: Span) -> SqlResult<String> {
        let Some(source) = literal(arguments, 0) else {
            let text =
                format!("The argument 1 of the XML data type method \"{method}\" must be a string literal.");
            return Err(SqlError::with_text(8172, 16, text).at_line(span.line));
        };
        let mut text = String::new();
        for (prefix, uri) in &self.env.namespaces {
            let uri = uri.replace('&', "&amp;").replace('"', "\"\"");
            if prefix.is_empty() {
                text.push_str(&format!("declare default element namespace \"{uri}\";"));
            } else {
                text.push_str(&format!("declare namespace {prefix}=\"{uri}\";"));
            }
        }
        text.push_str(source);
        Ok(text)
    }

    /// The query argument of a method, checked, and the values that it takes from SQL.
    fn xquery(
        &mut self,
        method: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> SqlResult<(String, Query, Vec<Expr>)> {
        let text = self.xquery_text(method, arguments, span)?;
        let query = at(span, Query::parse(&text, method, &[]))?;
        let values = self.sql_references(query.sql_references(), span)?;
        Ok((text, query, values))
    }

    /// What sql:variable and sql:column name.
    fn sql_references(&mut self, references: &[(bool, String)], span: Span) -> SqlResult<Vec<Expr>> {
        let mut values = Vec::new();
        for (_, name) in references {
            let options = ParseOptions { quoted_identifier: self.env.settings.quoted_identifier };
            let e = holdfast_tsql::parse_expression(name, &options)
                .map_err(|_| SqlError::new(102, &[name]).at_line(span.line))?;
            values.push(self.bind(&e)?.e);
        }
        Ok(values)
    }

    /// What a variable or column holds after modify().
    pub fn bind_modify(&mut self, target: Expr, arguments: &[ast::Expr], span: Span) -> SqlResult<Expr> {
        if target.ty.id != TypeId::Xml {
            return err(span, 258, &[&target.ty.id.name()]);
        }
        if arguments.len() != 1 {
            return err(span, 174, &[&"modify", &1]);
        }
        let text = self.xquery_text("modify", arguments, span)?;
        let update = at(span, Update::parse(&text, &[]))?;
        if let Some(e) = update.untyped_error().filter(|_| !self.has_schemas(&target)) {
            return Err(e.at_line(span.line));
        }
        let mut args = vec![super::literal::string_literal(&text, true, self.collation())];
        args.extend(self.sql_references(update.sql_references(), span)?);
        let kind = ExprKind::Method { method: MethodId::XmlModify, operand: Box::new(target), args };
        Ok(Expr::new(kind, SqlType::XML, true))
    }

    /// The value is of a column with a schema collection, or a node inside it.
    fn has_schemas(&self, e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Column(id) => self.typed_xml.contains(id),
            ExprKind::Parameter(slot) => self.typed_xml_slots.contains(slot),
            _ => false,
        }
    }

    pub(super) fn bind_xml_method(
        &mut self,
        target: Typed,
        method: &Ident,
        arguments: &[ast::Expr],
        span: Span,
    ) -> SqlResult<Typed> {
        let name = method.text.as_str();
        let wanted = if name == "value" { 2 } else { 1 };
        let known = matches!(name, "value" | "query" | "exist");
        if name == "nodes" {
            return at(span, no_node(&SqlType::XML_NODE).map(|()| target));
        }
        if name == "modify" {
            let text = "Incorrect use of the XML data type method 'modify'. A non-mutator method is expected in this context.";
            return Err(SqlError::with_text(8137, 16, text).at_line(span.line));
        }
        if !known {
            let text = format!("\"{name}\" is not a valid function, property, or field.");
            return Err(SqlError::with_text(227, 15, text).at_line(span.line));
        }
        if arguments.len() != wanted {
            return err(span, 174, &[&name, &wanted]);
        }
        let (text, query, values) = self.xquery(name, arguments, span)?;
        let (m, ty) = match name {
            "value" => {
                let Some(t) = literal(arguments, 1) else {
                    let text =
                        "The argument 2 of the XML data type method \"value\" must be a string literal.";
                    return Err(SqlError::with_text(8172, 16, text).at_line(span.line));
                };
                if !query.is_singleton() && !self.has_schemas(&target.e) {
                    return Err(query.singleton_error().at_line(span.line));
                }
                (MethodId::XmlValue, self.type_from_text(t, span)?)
            }
            "query" => (MethodId::XmlQuery, SqlType::XML),
            _ => (MethodId::XmlExist, SqlType::BIT),
        };
        let mut args = vec![super::literal::string_literal(&text, true, self.collation())];
        args.extend(values);
        let kind = ExprKind::Method { method: m, operand: Box::new(target.e), args };
        Ok(Typed::new(Expr::new(kind, ty, true)))
    }

    /// A type named in a string, as value('…', 'int') does.
    fn type_from_text(&mut self, text: &str, span: Span) -> SqlResult<SqlType> {
        let probe = format!("SELECT CAST(NULL AS {text})");
        let query = super::source::parse_query(&probe, true)?;
        let item = match &query.body {
            holdfast_tsql::ast::query::QueryBody::Select(s) => s.items.first(),
            _ => None,
        };
        if let Some(holdfast_tsql::ast::query::SelectItem::Expr { expr, .. }) = item
            && let ast::ExprKind::Cast { data_type, .. } = &expr.kind
        {
            let ty = at(span, self.data_type(data_type, true).map(|t| t.0))?;
            let allowed = !matches!(
                ty.id,
                TypeId::Xml | TypeId::Image | TypeId::Text | TypeId::NText | TypeId::SqlVariant | TypeId::Clr
            );
            if allowed {
                return Ok(ty);
            }
            let message = format!("The data type '{text}' used in the VALUE method is invalid.");
            return Err(SqlError::with_text(9500, 16, message).at_line(span.line));
        }
        err(span, 243, &[&text])
    }

    /// The row source of nodes().
    pub(super) fn nodes(
        &mut self,
        target: Expr,
        arguments: &[ast::Expr],
        alias: Option<&Ident>,
        names: &[Ident],
        span: Span,
    ) -> SqlResult<From> {
        if target.ty.id != TypeId::Xml {
            return err(span, 258, &[&target.ty.id.name()]);
        }
        let (text, _, values) = self.xquery("nodes", arguments, span)?;
        let label = alias.map_or("nodes", |a| a.text.as_str()).to_owned();
        let (cols, columns) =
            self.plain_columns(&[("nodes".to_owned(), SqlType::XML_NODE, true)], &label, names)?;
        if self.has_schemas(&target) {
            self.typed_xml.extend(cols.iter().map(|c| c.id));
        }
        let function =
            TableFunction { id: TableFunctionId::XmlNodes, schema: Vec::new(), path: Some(text.into()) };
        let mut args = vec![target];
        args.extend(values);
        let plan = LogicalPlan::TableFunction { function, args, columns: cols };
        Ok(From {
            plan,
            sources: vec![Source {
                name: Some(label.as_str().into()),
                aliased: true,
                columns,
                ..Source::default()
            }],
        })
    }
}
