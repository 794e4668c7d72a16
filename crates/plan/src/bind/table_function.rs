//! Functions as row sources: table-valued ones of a database, built-in ones, OPENXML, OPENJSON, nodes().

use std::sync::Arc;

use holdfast_engine::catalog::{ColumnDef, ObjectDef};
use holdfast_tsql::Span;
use holdfast_tsql::ast::expression::Expr as AstExpr;
use holdfast_tsql::ast::query::OpenXmlSchema;
use holdfast_tsql::ast::{Ident, ObjectName};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::from::{From, originate};
use super::synonym::Behind;
use super::{Binder, Coerce, ScopeColumn, Source, TableArgument, err};
use crate::access::AccessKind;
use crate::context::VariableInfo;
use crate::expr::{Binding, Expr, ExprKind};
use crate::function::{self, ArgRule, TableFunctionId};
use crate::logical::{Col, LogicalPlan};
use crate::physical::{JoinKind, SchemaColumn, TableFunction};

impl Binder<'_> {
    /// The columns of OPENXML … WITH; empty: the edge table.
    pub(super) fn open_xml_schema(&mut self, schema: &OpenXmlSchema) -> SqlResult<Vec<SchemaColumn>> {
        match schema {
            OpenXmlSchema::Edge => Ok(Vec::new()),
            OpenXmlSchema::Columns(columns) => {
                let column = |c: &holdfast_tsql::ast::query::OpenJsonColumn| {
                    Ok(SchemaColumn {
                        name: c.name.text.as_str().into(),
                        ty: self.data_type(&c.data_type, false)?.0,
                        path: c.path.as_deref().map(Into::into),
                        as_json: false,
                    })
                };
                columns.iter().map(column).collect()
            }
            OpenXmlSchema::Table(name) => {
                let found = if name.name.text.starts_with('#') {
                    self.cx.names.temp_table(&name.name.text)
                } else {
                    match self.find_behind(AccessKind::Select, name)?.object {
                        Some(ObjectDef::Table(table)) => Some(table),
                        _ => None,
                    }
                };
                let Some(table) = found else { return err(name.span, 208, &[name]) };
                let column = |c: &ColumnDef| SchemaColumn {
                    name: c.name.clone(),
                    ty: c.ty,
                    path: None,
                    as_json: false,
                };
                Ok(table.columns.iter().filter(|c| c.computed.is_none()).map(column).collect())
            }
        }
    }

    pub(super) fn bind_table_function(
        &mut self,
        name: &ObjectName,
        arguments: &[AstExpr],
        alias: Option<&Ident>,
        names: &[Ident],
        span: Span,
    ) -> SqlResult<From> {
        let label = alias.map_or(name.name.text.as_str(), |a| a.text.as_str()).to_owned();
        // col.nodes('…')
        if name.name.text == "nodes" && !name.is_simple() {
            let qualifier: Vec<Ident> =
                [&name.server, &name.database, &name.schema].into_iter().flatten().cloned().collect();
            let target = self.bind_column(&qualifier)?;
            return self.nodes(target.e, arguments, alias, names, span);
        }
        let sys = name.schema.as_ref().is_some_and(|s| s.is("sys"));
        if (name.is_simple() || sys)
            && let Some(def) = function::find_table_function(&name.name.text, sys)
        {
            let args: Vec<&AstExpr> = arguments.iter().collect();
            return self.builtin_table(def.id, def.name, &args, Vec::new(), &label, names, span);
        }
        let Behind { catalog, object, through } = self.find_behind(AccessKind::Select, name)?;
        match object {
            Some(ObjectDef::InlineFunction(module)) => {
                let args = self.user_arguments(&module, arguments, span)?;
                let parameters: Vec<_> =
                    module.parameters.iter().filter(|p| !p.name.is_empty()).cloned().collect();
                let mut bound = Vec::with_capacity(parameters.len());
                let mut tables = Vec::new();
                let mut bindings = Vec::with_capacity(parameters.len());
                for (p, a) in parameters.iter().zip(args) {
                    if let Some(ty) = &p.table_type {
                        let table = match a.map(|e| e.kind) {
                            Some(ExprKind::Table(table)) => Some(table),
                            // DEFAULT: the type's own table, which has no rows.
                            _ => catalog.table_type(&ty.schema, &ty.name)?,
                        };
                        let table = table.ok_or_else(|| SqlError::new(2715, &[&0, &ty.name]))?;
                        tables.push((p.name.clone(), TableArgument { table, type_object: ty.object_id }));
                        continue;
                    }
                    let value = match a {
                        Some(e) => e,
                        None => match super::source::parameter_default(
                            self.env.catalog.names(),
                            &module,
                            &p.name,
                        )? {
                            Some(e) => {
                                let value = self.bind(&e)?;
                                self.coerce_to(value, p.ty)?
                            }
                            None => {
                                let name = format!("{}.{}", module.schema_name, module.name);
                                return err(span, 313, &[&name]);
                            }
                        },
                    };
                    let slot = self.new_slot();
                    bound.push((p.name.clone(), VariableInfo { slot, ty: p.ty }));
                    bindings.push(Binding { slot, value });
                }
                let access = self.through(through, |b| b.note_module(AccessKind::Select, &module));
                let outside = self.system_time.take();
                let q = self.bind_module(&module, catalog, bound, tables);
                self.system_time = outside;
                let (q, columns) = q.map_err(|e| e.at_line(span.line))?;
                let names = if names.is_empty() { &columns } else { names };
                let mut from = self.derived(q, &label, names)?;
                originate(&mut from, access, &module);
                if !bindings.is_empty() {
                    from.plan = LogicalPlan::Apply {
                        kind: JoinKind::Inner,
                        left: Box::new(LogicalPlan::one_row()),
                        right: Box::new(from.plan),
                        bindings,
                        predicate: None,
                    };
                }
                Ok(from)
            }
            Some(ObjectDef::TableFunction(module)) => {
                self.depends_on(module.database_id, module.object_id);
                let access = self.through(through, |b| b.note_module(AccessKind::Select, &module));
                let args = self.user_arguments(&module, arguments, span)?;
                let (cols, columns) = self.plain_columns(
                    &module
                        .columns
                        .iter()
                        .map(|c| (c.name.to_string(), c.ty, c.nullable))
                        .collect::<Vec<_>>(),
                    &label,
                    names,
                )?;
                let source =
                    Source { name: Some(label.as_str().into()), aliased: true, columns, ..Source::default() };
                let plan =
                    LogicalPlan::UserTableFunction { module: Arc::clone(&module), args, columns: cols };
                let mut from = From { plan, sources: vec![source] };
                originate(&mut from, access, &module);
                Ok(from)
            }
            _ => err(name.span, 208, &[name]),
        }
    }

    pub(super) fn plain_columns(
        &mut self,
        list: &[(String, SqlType, bool)],
        label: &str,
        names: &[Ident],
    ) -> SqlResult<(Vec<Col>, Vec<ScopeColumn>)> {
        if !names.is_empty() && names.len() != list.len() {
            return Err(SqlError::new(if names.len() < list.len() { 8158 } else { 8159 }, &[&label]));
        }
        let mut cols = Vec::with_capacity(list.len());
        let mut columns = Vec::with_capacity(list.len());
        for (i, (name, ty, nullable)) in list.iter().enumerate() {
            let col = self.new_col(*ty, *nullable);
            let name: Arc<str> = names.get(i).map_or(name.as_str(), |n| n.text.as_str()).into();
            self.column_names.insert(col.id, format!("{label}.{name}"));
            cols.push(col);
            columns.push(ScopeColumn {
                name,
                col,
                coerce: Coerce::Implicit,
                meta: None,
                hidden: false,
                origin: None,
            });
        }
        Ok((cols, columns))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn builtin_table(
        &mut self,
        id: TableFunctionId,
        name: &str,
        arguments: &[&AstExpr],
        schema: Vec<SchemaColumn>,
        label: &str,
        names: &[Ident],
        span: Span,
    ) -> SqlResult<From> {
        let Some(def) = function::table_functions().find(|d| d.id == id) else {
            return err(span, 208, &[&name]);
        };
        let n = arguments.len();
        if n < usize::from(def.min_args) {
            return err(span, 313, &[&name]);
        }
        if n > usize::from(def.max_args) {
            return err(span, 8144, &[&name]);
        }
        let mut bound = Vec::with_capacity(n);
        for a in arguments {
            bound.push(if matches!(a.kind, holdfast_tsql::ast::expression::ExprKind::Default) {
                super::Typed::new(Expr::null())
            } else {
                self.bind(a)?
            });
        }
        let first = bound.first().map(|t| (t.e.ty, t.coerce));
        let mut args = Vec::with_capacity(n);
        let common = if def.args.contains(&ArgRule::Common) {
            let list: Vec<_> = bound.iter().map(|t| (t.e.ty, t.coerce)).collect();
            Some(self.common_of(&list, super::collate::Meeting::Makes(""))?.0)
        } else {
            None
        };
        for (i, t) in bound.into_iter().enumerate() {
            let rule = def.args.get(i).or(def.args.last()).copied().unwrap_or(ArgRule::Any);
            let collation = if t.e.ty.collation.is_none() { self.collation() } else { t.e.ty.collation };
            let ty = match rule {
                ArgRule::Int => SqlType::INT,
                ArgRule::NString => {
                    if t.e.ty.is_max()
                        || t.e.ty.id == TypeId::NText
                        || t.e.ty.id == TypeId::Text
                        || t.e.ty.char_length().is_some_and(|c| c > 4000)
                    {
                        SqlType::nvarchar_max(collation)
                    } else {
                        SqlType::nvarchar(4000, collation)
                    }
                }
                ArgRule::String if !t.e.ty.id.is_character() => SqlType::varchar(8000, collation),
                ArgRule::Binary if !t.e.ty.id.is_binary() => SqlType::binary(TypeId::VarBinary, 8000),
                ArgRule::Common => common.unwrap_or(t.e.ty),
                _ => t.e.ty,
            };
            args.push(self.coerce_to(t, ty)?);
        }
        let mut list: Vec<(String, SqlType, bool)> = (def.columns)(self.collation())
            .into_iter()
            .map(|(n, t, nullable)| (n.to_owned(), t, nullable))
            .collect();
        match id {
            TableFunctionId::StringSplit => {
                if let Some((ty, _)) = first {
                    let mut value = function::string_like(&ty, ty.char_length());
                    if value.collation.is_none() {
                        value.collation = self.collation();
                    }
                    list[0].1 = value;
                }
                let ordinal = matches!(
                    args.get(2).map(|a| &a.kind),
                    Some(crate::expr::ExprKind::Literal(holdfast_types::Value::Int(1)))
                );
                if !ordinal {
                    list.truncate(1);
                }
            }
            TableFunctionId::GenerateSeries => {
                if let Some(c) = common {
                    list[0].1 = c;
                }
            }
            TableFunctionId::OpenJson | TableFunctionId::OpenXml if !schema.is_empty() => {
                list = schema.iter().map(|c| (c.name.to_string(), c.ty, true)).collect();
            }
            _ => {}
        }
        let (cols, columns) = self.plain_columns(&list, label, names)?;
        let plan = LogicalPlan::TableFunction {
            function: TableFunction { id, schema, path: None },
            args,
            columns: cols,
        };
        Ok(From {
            plan,
            sources: vec![Source { name: Some(label.into()), aliased: true, columns, ..Source::default() }],
        })
    }

    /// `@x.nodes('…') AS T(c)`.
    pub(super) fn bind_nodes_expr(
        &mut self,
        call: &AstExpr,
        alias: Option<&Ident>,
        names: &[Ident],
        span: Span,
    ) -> SqlResult<From> {
        match &call.unparen().kind {
            holdfast_tsql::ast::expression::ExprKind::Method { target, method, arguments }
                if method.text == "nodes" =>
            {
                let t = self.bind(target)?;
                self.nodes(t.e, arguments, alias, names, span)
            }
            _ => Err(SqlError::not_supported("This row source")),
        }
    }
}
