//! FOR XML and FOR JSON as the last step of a query; PIVOT and UNPIVOT as rewrites.

use std::sync::Arc;

use holdfast_tsql::Span;
use holdfast_tsql::ast::expression::ExprKind as AstKind;
use holdfast_tsql::ast::query::{
    ForJson as AstJson, ForXml as AstXml, ForXmlElements, ForXmlMode as AstMode, Pivot, Unpivot,
};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::from::From;
use super::query::BoundQueryPlan;
use super::{Binder, Clause, Coerce, Level, OutColumn, ScopeColumn, Source, Typed, err};
use crate::expr::{CompareOp, Expr, ExprKind};
use crate::logical::{Col, LogicalPlan};
use crate::physical::{Aggregate, ForJson, ForXml, ForXmlMode, SerialColumn};

impl Binder<'_> {
    fn serial_columns(&self, b: &BoundQueryPlan, auto: bool, xml: bool) -> SqlResult<Vec<SerialColumn>> {
        let mut tables: Vec<String> = Vec::new();
        let mut out = Vec::with_capacity(b.columns.len());
        for (i, c) in b.columns.iter().enumerate() {
            let name: Arc<str> = c.name.clone().unwrap_or_else(|| "".into());
            let mut table = None;
            if auto {
                if let Some(full) = self.column_names.get(&c.col.id)
                    && c.meta.as_ref().is_some_and(|m| m.source.is_some())
                {
                    let label = full.rsplit_once('.').map_or(full.as_str(), |(t, _)| t);
                    let level = match tables.iter().position(|t| t == label) {
                        Some(p) => p,
                        None => {
                            tables.push(label.to_owned());
                            tables.len() - 1
                        }
                    };
                    table = Some((level, Arc::from(label)));
                } else if let Some(last) = tables.last() {
                    table = Some((tables.len() - 1, Arc::from(last.as_str())));
                }
            }
            if name.is_empty() && !xml {
                return Err(SqlError::with_text(
                    13605,
                    16,
                    format!(
                        "Column names or aliases are required for FOR JSON. Add alias to the unnamed column with index {}.",
                        i + 1
                    ),
                ));
            }
            out.push(SerialColumn {
                name,
                table,
                // In JSON, xml is text like any other.
                raw: match c.col.ty.id {
                    TypeId::Xml => xml,
                    id => c.raw || id == TypeId::Json,
                },
            });
        }
        Ok(out)
    }

    /// The namespaces that the outermost elements declare: those of WITH XMLNAMESPACES, the last one first.
    fn declarations(&self, xsinil: bool) -> String {
        let mut out = String::new();
        let mut declare = |prefix: &str, uri: &str| {
            let uri = uri.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            let colon = if prefix.is_empty() { "" } else { ":" };
            out.push_str(&format!(" xmlns{colon}{prefix}=\"{uri}\""));
        };
        if xsinil {
            declare("xsi", "http://www.w3.org/2001/XMLSchema-instance");
        }
        for (prefix, uri) in self.env.namespaces.iter().rev() {
            declare(prefix, uri);
        }
        out
    }

    /// `statement`: the query is a statement's own, which has no row where there is nothing to write.
    pub fn bind_for_xml(
        &mut self,
        b: BoundQueryPlan,
        x: &AstXml,
        statement: bool,
    ) -> SqlResult<BoundQueryPlan> {
        if x.xmldata || x.xmlschema.is_some() {
            return Err(SqlError::not_supported("FOR XML with XMLDATA or XMLSCHEMA"));
        }
        let mode = match x.mode {
            AstMode::Raw => ForXmlMode::Raw { element: x.element.as_deref().unwrap_or("row").into() },
            AstMode::Auto => ForXmlMode::Auto,
            AstMode::Path => ForXmlMode::Path { element: x.element.as_deref().unwrap_or("row").into() },
            AstMode::Explicit => ForXmlMode::Explicit,
        };
        let columns = self.serial_columns(&b, mode == ForXmlMode::Auto, true)?;
        let ty = if x.is_type { SqlType::XML } else { SqlType::nvarchar_max(self.collation()) };
        let column = self.new_col(ty, true);
        let options = ForXml {
            mode,
            root: x.root.as_ref().map(|r| r.as_deref().unwrap_or("root").into()),
            typed: x.is_type,
            absent: statement && !x.is_type,
            elements: x.elements.is_some(),
            xsinil: x.elements == Some(ForXmlElements::XsiNil),
            declarations: self.declarations(x.elements == Some(ForXmlElements::XsiNil)).into(),
            binary_base64: x.binary_base64,
            columns,
        };
        let input_columns = b.columns.iter().map(|c| c.col.id).collect();
        let plan = LogicalPlan::ForXml {
            input: Box::new(b.plan),
            input_columns,
            options: Box::new(options),
            column,
        };
        Ok(serialised(plan, column, "XML_F52E2B61-18A1-11d1-B105-00805F49916B", x.is_type))
    }

    /// `statement`: as for XML.
    pub fn bind_for_json(
        &mut self,
        b: BoundQueryPlan,
        j: &AstJson,
        statement: bool,
    ) -> SqlResult<BoundQueryPlan> {
        let columns = self.serial_columns(&b, !j.path, false)?;
        let column = self.new_col(SqlType::nvarchar_max(self.collation()), true);
        let options = ForJson {
            auto: !j.path,
            absent: statement,
            root: j.root.as_ref().map(|r| r.as_deref().unwrap_or("root").into()),
            include_null_values: j.include_null_values,
            without_array_wrapper: j.without_array_wrapper,
            columns,
        };
        let input_columns = b.columns.iter().map(|c| c.col.id).collect();
        let plan = LogicalPlan::ForJson {
            input: Box::new(b.plan),
            input_columns,
            options: Box::new(options),
            column,
        };
        // Text without its array brackets is escaped when embedded again.
        Ok(serialised(plan, column, "JSON_F52E2B61-18A1-11d1-B105-00805F49916B", !j.without_array_wrapper))
    }

    /// PIVOT: group by the columns not mentioned, one conditional aggregate per listed value.
    pub fn bind_pivot(&mut self, p: &Pivot, span: Span) -> SqlResult<From> {
        let input = self.bind_table_ref(&p.input)?;
        let [aggregate] = p.aggregates.as_slice() else {
            return Err(SqlError::not_supported("PIVOT with several aggregates"));
        };
        let AstKind::Function(call) = &aggregate.unparen().kind else {
            return err(span, 102, &[&"PIVOT"]);
        };
        let Some(id) = crate::function::AggregateId::parse(&call.name.name.text) else {
            return err(span, 195, &[&call.name, &"aggregate function"]);
        };
        self.levels.push(Level {
            is_select: true,
            sources: input.sources.clone(),
            clause: Clause::Select,
            ..Level::default()
        });
        let bound = (|| {
            let column = self.bind_column(&p.column)?;
            let (aggregate, coerce) = self.aggregate_parts(id, call, span)?;
            Ok::<_, SqlError>((column, aggregate, coerce))
        })();
        self.levels.pop();
        let (column, aggregate, coerce) = bound?;
        let mut used = Vec::new();
        column.e.columns(&mut used);
        if let Some(a) = &aggregate.argument {
            a.columns(&mut used);
        }
        let mut group = Vec::new();
        let mut columns = Vec::new();
        for c in
            input.sources.iter().flat_map(|s| &s.columns).filter(|c| !used.contains(&c.col.id) && !c.hidden)
        {
            group.push((c.col.id, c.col.expr()));
            columns.push(c.clone());
        }
        let mut aggregates = Vec::with_capacity(p.values.len());
        let collation = self.collation();
        for v in &p.values {
            let literal = Typed::new(super::literal::string_literal(&v.text, true, collation));
            let literal = Typed::new(self.coerce_to(literal, column.e.ty)?);
            let condition = self.compare(CompareOp::Equal, column.clone(), literal)?;
            let argument = match &aggregate.argument {
                Some(a) => a.clone(),
                None => Expr::int(1),
            };
            let ty = argument.ty;
            let case =
                Expr::new(ExprKind::Case { whens: vec![(condition, argument)], otherwise: None }, ty, true);
            let col = self.new_col(aggregate.ty, aggregate.nullable);
            aggregates.push((col.id, Aggregate { argument: Some(case), ..aggregate.clone() }));
            columns.push(ScopeColumn {
                name: v.text.as_str().into(),
                col,
                coerce,
                meta: None,
                hidden: false,
                origin: None,
            });
        }
        let plan = LogicalPlan::Aggregate {
            input: Box::new(input.plan),
            group,
            aggregates,
            sets: None,
            grouping: None,
        };
        Ok(self.renamed(plan, columns, p.alias.as_ref(), &p.columns))
    }

    /// UNPIVOT: one row per listed column whose value is not NULL.
    pub fn bind_unpivot(&mut self, u: &Unpivot, span: Span) -> SqlResult<From> {
        let input = self.bind_table_ref(&u.input)?;
        self.levels.push(Level {
            is_select: true,
            sources: input.sources.clone(),
            clause: Clause::Select,
            ..Level::default()
        });
        let bound = u.sources.iter().map(|s| self.bind_column(s)).collect::<SqlResult<Vec<_>>>();
        self.levels.pop();
        let bound = bound?;
        let Some(first) = bound.first() else {
            return err(span, 102, &[&"UNPIVOT"]);
        };
        let ty = first.e.ty;
        let coerce = first.coerce;
        for (b, s) in bound.iter().zip(&u.sources) {
            let same = b.e.ty.id == ty.id
                && b.e.ty.length == ty.length
                && b.e.ty.precision == ty.precision
                && b.e.ty.scale == ty.scale;
            if !same {
                let name = s.last().map_or("", |n| n.text.as_str());
                return Err(SqlError::with_text(
                    8167,
                    16,
                    format!(
                        "The type of column \"{name}\" conflicts with the type of other columns specified in the UNPIVOT list."
                    ),
                ));
            }
        }
        let used: Vec<usize> = bound
            .iter()
            .filter_map(|b| if let ExprKind::Column(id) = b.e.kind { Some(id) } else { None })
            .collect();
        let kept: Vec<ScopeColumn> = input
            .sources
            .iter()
            .flat_map(|s| &s.columns)
            .filter(|c| !used.contains(&c.col.id) && !c.hidden)
            .cloned()
            .collect();
        // Per source column one pass over the input, told apart by the name column: an inner plan per row would need parameters,
        // so the rows are made by a join with the list of positions.
        let collation = self.collation();
        let position = self.new_col(SqlType::INT, false);
        let name = self.new_col(SqlType::nvarchar(128, collation), false);
        let rows = u
            .sources
            .iter()
            .enumerate()
            .map(|(i, s)| {
                let text = s.last().map_or("", |n| n.text.as_str());
                let literal = super::literal::string_literal(text, true, collation);
                vec![Expr::int(i as i32), self.convert(literal, name.ty)]
            })
            .collect();
        let names = LogicalPlan::Values { columns: vec![position, name], rows };
        let joined = LogicalPlan::Join {
            kind: crate::physical::JoinKind::Inner,
            left: Box::new(input.plan),
            right: Box::new(names),
            predicate: None,
            algorithm: None,
        };
        let value = self.new_col(ty, false);
        let whens = bound
            .into_iter()
            .enumerate()
            .map(|(i, b)| (Expr::compare(CompareOp::Equal, position.expr(), Expr::int(i as i32)), b.e))
            .collect();
        let case = Expr::new(ExprKind::Case { whens, otherwise: None }, ty, true);
        let plan = joined.extend(vec![(value.id, case)]);
        let plan = plan.filter(Expr::boolean(
            ExprKind::IsNull { operand: Box::new(Expr::column(value.id, ty, true)), negated: true },
            false,
        ));
        let mut columns = kept;
        columns.push(ScopeColumn {
            name: u.value.text.as_str().into(),
            col: value,
            coerce,
            meta: None,
            hidden: false,
            origin: None,
        });
        columns.push(ScopeColumn {
            name: u.column.text.as_str().into(),
            col: name,
            coerce: Coerce::Implicit,
            meta: None,
            hidden: false,
            origin: None,
        });
        Ok(self.renamed(plan, columns, u.alias.as_ref(), &u.columns))
    }

    fn renamed(
        &mut self,
        plan: LogicalPlan,
        mut columns: Vec<ScopeColumn>,
        alias: Option<&holdfast_tsql::ast::Ident>,
        names: &[holdfast_tsql::ast::Ident],
    ) -> From {
        for (c, n) in columns.iter_mut().zip(names) {
            c.name = n.text.as_str().into();
        }
        let label = alias.map_or("", |a| a.text.as_str());
        for c in &columns {
            self.column_names.insert(c.col.id, format!("{label}.{}", c.name));
        }
        From {
            plan,
            sources: vec![Source { name: Some(label.into()), aliased: true, columns, ..Source::default() }],
        }
    }
}

fn serialised(plan: LogicalPlan, column: Col, name: &str, raw: bool) -> BoundQueryPlan {
    let out = OutColumn {
        name: Some(name.into()),
        col: column,
        coerce: Coerce::Default,
        meta: None,
        raw,
        untyped: false,
    };
    BoundQueryPlan { plan, columns: vec![out], ordered: true }
}
