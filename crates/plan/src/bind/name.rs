//! Name resolution: columns through the levels, variables, and equality of names.

use std::sync::Arc;

use holdfast_engine::catalog::TableDef;
use holdfast_tsql::Span;
use holdfast_tsql::ast::name::Ident;
use holdfast_types::{CollationId, NameOrder, SqlError, SqlResult, SqlType, TypeId, Value};

use super::{Binder, Coerce, ScopeColumn, Source, TableArgument, Typed, err};
use crate::context::VariableInfo;
use crate::expr::{Binding, Expr, ExprKind};

/// Name of a collation, for messages.
pub(crate) fn collation_name(c: CollationId) -> String {
    c.name().unwrap_or_else(|| format!("{:#010x}", c.0))
}

fn dotted(parts: &[Ident]) -> String {
    parts.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(".")
}

impl Source {
    /// Whether `qualifier` (one to three parts, innermost last) names this source.
    pub fn answers_to(&self, order: NameOrder, qualifier: &[Ident]) -> bool {
        let mut parts = qualifier.iter().rev();
        let Some(name) = parts.next() else { return true };
        if !self.name.as_deref().is_some_and(|n| order.same(n, &name.text)) {
            return false;
        }
        let mut check = |have: &Option<Arc<str>>| match parts.next() {
            None => true,
            Some(p) => {
                p.text.is_empty()
                    || (!self.aliased && have.as_deref().is_some_and(|h| order.same(h, &p.text)))
            }
        };
        check(&self.schema) && check(&self.database)
    }
}

/// Outcome of looking in one level.
enum Found {
    No,
    /// The qualifier fits a source that lacks the column.
    NoColumn,
    Column(ScopeColumn),
}

fn look(order: NameOrder, sources: &[Source], qualifier: &[Ident], column: &Ident) -> SqlResult<Found> {
    let mut found: Option<&ScopeColumn> = None;
    let mut source_seen = false;
    for s in sources {
        if !qualifier.is_empty() {
            if !s.answers_to(order, qualifier) {
                continue;
            }
            source_seen = true;
        }
        for c in s.columns.iter().filter(|c| order.same(&c.name, &column.text)) {
            if found.is_some() {
                return err(column.span, 209, &[&column.text]);
            }
            found = Some(c);
        }
        if source_seen && !qualifier.is_empty() && found.is_some() {
            break;
        }
    }
    Ok(match found {
        Some(c) => Found::Column(c.clone()),
        None if source_seen => Found::NoColumn,
        None => Found::No,
    })
}

impl Binder<'_> {
    /// A column reference of one to four parts. A name that nobody knows is noted and stands for NULL, so that the statement is told of
    /// all of them at once.
    pub fn bind_column(&mut self, parts: &[Ident]) -> SqlResult<Typed> {
        let bound = self.known_column(parts);
        match (&mut self.unbound, bound) {
            (Some(noted), Err(e)) if matches!(e.number, 207 | 4104) => {
                noted.push(e);
                Ok(Typed::new(Expr::literal(Value::Null, SqlType::INT)))
            }
            (_, bound) => bound,
        }
    }

    fn known_column(&mut self, parts: &[Ident]) -> SqlResult<Typed> {
        let Some((column, qualifier)) = parts.split_last() else {
            return Err(SqlError::not_supported("An empty column reference"));
        };
        if let Some(t) = self.find_column(qualifier, column)? {
            return Ok(t);
        }
        match self.spatial_column(qualifier)? {
            // `g.Lat`, `t.g.Lat`: a property of a column.
            Some(owner) => self.bind_property(owner, column, column.span),
            None if qualifier.is_empty() => err(column.span, 207, &[&column.text]),
            None => err(parts.first().map_or(Span::default(), |p| p.span), 4104, &[&dotted(parts)]),
        }
    }

    /// A column of a spatial type, which has properties.
    fn spatial_column(&mut self, parts: &[Ident]) -> SqlResult<Option<Typed>> {
        let Some((column, qualifier)) = parts.split_last() else { return Ok(None) };
        match self.find_column(qualifier, column) {
            Ok(found) => Ok(found.filter(|t| matches!(t.e.ty.id, TypeId::Geometry | TypeId::Geography))),
            // It is not that, then; what the whole name lacks is told of the whole.
            Err(e) if e.number == 207 => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// As `bind_column`; `None` when no level knows the name.
    pub fn find_column(&mut self, qualifier: &[Ident], column: &Ident) -> SqlResult<Option<Typed>> {
        for i in (0..self.levels.len()).rev() {
            match look(self.env.order, &self.levels[i].sources, qualifier, column)? {
                Found::Column(c) => return Ok(Some(self.reference(i, &c))),
                Found::NoColumn => return err(column.span, 207, &[&column.text]),
                Found::No => {}
            }
        }
        Ok(None)
    }

    /// A column of level `i` as seen from the innermost level.
    pub fn reference(&mut self, i: usize, c: &ScopeColumn) -> Typed {
        self.note_column(c);
        let mut e = c.col.expr();
        if i + 1 < self.levels.len() {
            let slot = match self.levels[i + 1].memo.get(&c.col.id) {
                Some(&slot) => slot,
                None => {
                    let slot = self.new_slot();
                    let level = &mut self.levels[i + 1];
                    level.memo.insert(c.col.id, slot);
                    level.outer.push(Binding { slot, value: e.clone() });
                    slot
                }
            };
            if self.typed_xml.contains(&c.col.id) {
                self.typed_xml_slots.insert(slot);
            }
            e = Expr::new(ExprKind::Parameter(slot), c.col.ty, c.col.nullable);
        }
        Typed::with(e, c.coerce)
    }

    /// Names of variables are the instance's.
    fn same_variable(&self, a: &str, b: &str) -> bool {
        NameOrder::of(self.cx.server_collation).same(a, b)
    }

    /// `@x`.
    pub fn variable(&self, name: &str) -> Option<VariableInfo> {
        match &self.env.parameters {
            Some(list) => list.iter().find(|(n, _)| self.same_variable(n, name)).map(|(_, v)| v.clone()),
            None => self.cx.names.variable(name),
        }
    }

    /// `inserted` or `deleted` in a trigger.
    pub fn trigger_table(&self, name: &str) -> Option<Arc<TableDef>> {
        let known = ["inserted", "deleted"].into_iter().find(|n| self.same(n, name))?;
        self.cx.names.trigger_table(known)
    }

    /// `@x` as a table.
    pub fn table_variable(&self, name: &str) -> Option<TableArgument> {
        if self.env.parameters.is_some() {
            return self.env.tables.iter().find(|(n, _)| self.same_variable(n, name)).map(|(_, t)| t.clone());
        }
        let table = self.cx.names.table_variable(name)?;
        Some(TableArgument { table, type_object: self.cx.names.table_variable_type(name).unwrap_or(0) })
    }

    pub fn bind_variable(&self, name: &str, span: Span) -> SqlResult<Typed> {
        match self.variable(name) {
            Some(v) => Ok(Typed::with(Expr::new(ExprKind::Parameter(v.slot), v.ty, true), Coerce::Default)),
            None => err(span, 137, &[&name]),
        }
    }
}

impl Binder<'_> {
    /// A collation by name; DATABASE_DEFAULT and CATALOG_DEFAULT stand for the database's.
    pub fn find_collation(&self, name: &str) -> Option<CollationId> {
        if name.eq_ignore_ascii_case("DATABASE_DEFAULT") || name.eq_ignore_ascii_case("CATALOG_DEFAULT") {
            return Some(self.env.catalog.default_collation());
        }
        CollationId::from_name(name)
    }
}
