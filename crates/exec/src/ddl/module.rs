//! CREATE, ALTER and CREATE OR ALTER of views, procedures, functions and triggers; ENABLE and DISABLE TRIGGER.
//!
//! Invariants
//! 1. The text kept is the whole batch, as the server keeps it, with ALTER turned into CREATE.
//! 2. Names in the body need not exist yet (views excepted): they are looked up when it runs.

use holdfast_engine::catalog::Catalog;
use holdfast_engine::ddl::module::{NewModule, NewParameter};
use holdfast_engine::ddl::object::bits;
use holdfast_engine::ddl::rows::FIRST_OF_2008;
use holdfast_engine::ddl::table::NewColumn;
use holdfast_plan::physical::ResultColumnInfo;
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::walk::walk_query;
use holdfast_tsql::ast::{
    CreateFunction, CreateProcedure, CreateTrigger, CreateView, Ddl, FunctionReturns, ModuleAction,
    ModuleBody, ModuleOptions, ObjectName, Parameter, QueryBody, SelectStatement, StatementKind,
    TriggerTarget,
};
use holdfast_types::{SqlError, SqlType, TypeId};

use super::dependency::{Dependencies, Named};
use super::lower::{Known, built_in_type, user_type_of};
use super::module_check::Body;
use super::{Definition, function_rules, schema_binding, shown};
use crate::procedure::run::Fail;
use crate::procedure::state::option;
use crate::procedure::unit::of_place;

/// 1033: rows of a view or function have no order.
fn refuse_order(q: &holdfast_tsql::ast::Query) -> Result<(), Fail> {
    let has_top = matches!(&q.body, QueryBody::Select(s) if s.top.is_some());
    if q.order_by.is_empty() || q.offset.is_some() || q.for_clause.is_some() || has_top {
        return Ok(());
    }
    Err(Fail::Compile(SqlError::new(1033, &[]).at_line(q.span.line)))
}

/// What a column without a type of its own gets.
fn shown_type(ty: SqlType) -> SqlType {
    if ty.id == TypeId::Null { SqlType::INT } else { ty }
}

impl Definition<'_, '_> {
    /// Status bits of a module: the SET options in force, and its own.
    pub fn module_status(&self, options: &ModuleOptions) -> Result<i64, Fail> {
        if options.native_compilation {
            return Err(SqlError::not_supported("WITH NATIVE_COMPILATION").into());
        }
        let o = self.runner.session.state.lock().settings.options;
        Ok(if o & option::ANSI_NULLS != 0 { bits::ANSI_NULLS } else { 0 }
            | if o & option::QUOTED_IDENTIFIER != 0 { bits::QUOTED_IDENTIFIER } else { 0 }
            | if options.schema_binding { bits::SCHEMA_BOUND | bits::DATABASE_COLLATION } else { 0 }
            | if options.recompile { bits::RECOMPILE } else { 0 }
            | if options.null_on_null_input { bits::NULL_ON_NULL } else { 0 })
    }

    /// Invariant 1.
    pub fn module_text(&self, action: ModuleAction) -> String {
        let source = self.source();
        let start = self.span.start as usize;
        let (before, rest) = source.split_at_checked(start).unwrap_or(("", source));
        let word = |text: &str, w: &str| text.get(..w.len()).is_some_and(|t| t.eq_ignore_ascii_case(w));
        match action {
            ModuleAction::Create => source.to_owned(),
            ModuleAction::Alter if word(rest, "ALTER") => format!("{before}CREATE{}", &rest[5..]),
            ModuleAction::Alter => source.to_owned(),
            ModuleAction::CreateOrAlter => {
                // CREATE OR ALTER: the two words in the middle go away.
                let upper = rest.to_ascii_uppercase();
                match upper.find("ALTER") {
                    Some(at) if word(rest, "CREATE") => {
                        format!("{before}{} {}", &rest[..6], rest[at + 5..].trim_start())
                    }
                    _ => source.to_owned(),
                }
            }
        }
    }

    fn parameters(&mut self, list: &[Parameter]) -> Result<Vec<NewParameter>, Fail> {
        let mut out = Vec::new();
        let catalog = self.catalog()?;
        for (i, p) in list.iter().enumerate() {
            let at = |e: SqlError| of_place(e, i + 1).at_line(p.span.line);
            let name = &p.data_type.name;
            let table = match (p.data_type.builtin(), &name.schema) {
                (Some(_), _) => None,
                (None, Some(schema)) => catalog.table_type_object(&schema.text, &name.name.text)?,
                (None, None) => match catalog.table_type_object(&self.schema_of_types(), &name.name.text)? {
                    None => catalog.table_type_object("dbo", &name.name.text)?,
                    found => found,
                },
            };
            let refused = |number: i32| SqlError::new(number, &[&p.name]).at_line(p.span.line);
            let (ty, user_type) = if let Some((user_type, _)) = table {
                if !p.readonly {
                    return Err(refused(352).into());
                }
                (SqlType::VARIANT, user_type)
            } else if p.readonly {
                self.resolve(&p.data_type).map_err(at)?;
                return Err(refused(346).into());
            } else if p.data_type.builtin() == Some("cursor") {
                if !(p.varying && p.output) {
                    return Err(crate::procedure::cursor::not_valid(&p.name).at_line(p.span.line).into());
                }
                // The catalog knows no type of cursors; that it is one stands in the status.
                (SqlType::INT, built_in_type(&SqlType::INT))
            } else {
                let (ty, _, _) = self.resolve(&p.data_type).map_err(at)?;
                (ty, user_type_of(&catalog, &p.data_type, &ty))
            };
            out.push(NewParameter {
                name: p.name.clone(),
                ty,
                user_type,
                output: p.output,
                read_only: p.readonly,
                cursor: p.data_type.builtin() == Some("cursor"),
            });
        }
        Ok(out)
    }

    /// Enters a module, or puts it in the place of the one that has its name.
    pub fn put_module(
        &mut self,
        action: ModuleAction,
        name: &ObjectName,
        mut new: NewModule,
        options: &ModuleOptions,
    ) -> Result<(), Fail> {
        let found = self.find(name)?;
        let owner = match &found {
            Some((id, _)) => self.database.security()?.owner(*id),
            None => self.database.security()?.schema_owner(self.schema_of(name)?),
        };
        let executes_as = self.execution_context(options.execute_as.as_ref(), owner)?;
        new.encrypted = options.encryption;
        match (action, found) {
            (ModuleAction::Create, Some(_)) => Err(SqlError::new(2714, &[&name.name.text]).state(3).into()),
            (ModuleAction::Alter, None) => Err(SqlError::new(208, &[&shown(name)]).state(6).into()),
            (_, None) => {
                new.schema_id = self.schema_of(name)?;
                let id = self.writer()?.add_module(&new)?;
                Ok(self.writer()?.set_execution_context(id, executes_as)?)
            }
            (_, Some((id, kind))) => {
                let functions = ["FN", "IF", "TF"];
                let fits = kind == new.kind.trim_end()
                    || functions.contains(&kind.as_str()) && functions.contains(&new.kind.trim_end());
                if !fits || kind != new.kind.trim_end() {
                    let text = format!(
                        "Cannot perform alter on '{}' because it is an incompatible object type.",
                        shown(name)
                    );
                    return Err(SqlError::with_text(2010, 16, text).into());
                }
                self.check_not_bound(id, "ALTER", name)?;
                if self.catalog()?.indexed_views()?.contains(&id) {
                    self.lock_under_view(id)?;
                }
                self.lock(id)?;
                if new.kind.trim_end() == "V" {
                    // They would not be those of the new text.
                    self.remove_view_indexes(id)?;
                }
                self.writer()?.replace_module(id, &new)?;
                Ok(self.writer()?.set_execution_context(id, executes_as)?)
            }
        }
    }

    pub fn module(&self, name: &ObjectName, kind: &'static str, status: i64, text: String) -> NewModule {
        NewModule {
            name: name.name.text.clone(),
            schema_id: 1,
            kind,
            parent_id: 0,
            status,
            text,
            encrypted: false,
            columns: Vec::new(),
            parameters: Vec::new(),
            identity_columns: Vec::new(),
            depends_on: Vec::new(),
            names: Vec::new(),
            uses: Vec::new(),
            on_server: false,
            events: Vec::new(),
        }
    }

    /// What a schema-bound text depends on: the objects that it reads, and those of their columns that it names.
    fn bound_columns(&self, bound: &holdfast_plan::BoundQuery) -> Vec<(i32, i32)> {
        let here = self.database.id;
        let mut out: Vec<(i32, i32)> =
            bound.dependencies.iter().filter(|o| o.0 == here).map(|o| (o.1, 0)).collect();
        // What another view's text names is that view's.
        for a in bound.accesses.list.iter().filter(|a| a.database == here && a.through.is_none()) {
            for (column, _) in &a.columns {
                let named = (a.object, *column);
                if out.contains(&(a.object, 0)) && !out.contains(&named) {
                    out.push(named);
                }
            }
        }
        out.sort_unstable();
        out
    }

    /// What is wrong with the query is told of the view.
    pub fn create_view(&mut self, v: &CreateView) -> Result<(), Fail> {
        let named = |mut e: SqlError| {
            let before = std::mem::take(&mut e.before);
            let named = |e: SqlError| match e.procedure.is_empty() {
                true => super::module_check::of_module(e, &v.name.name.text),
                false => e,
            };
            SqlError { before: before.into_iter().map(named).collect(), ..named(e) }
        };
        self.put_view(v).map_err(|fail| match fail {
            Fail::Error(e) => Fail::Error(named(e)),
            Fail::Compile(e) => Fail::Compile(named(e)),
            Fail::Many(list) => Fail::Many(list.into_iter().map(named).collect()),
            other => other,
        })
    }

    fn put_view(&mut self, v: &CreateView) -> Result<(), Fail> {
        schema_binding::refuse_temporary(&v.name, false)?;
        schema_binding::refuse_into(&v.query.body)?;
        refuse_order(&v.query)?;
        if v.options.schema_binding {
            let text = schema_binding::Bound::Query(&v.query);
            schema_binding::check(&text, "view", &self.in_two_parts(&v.name)?)?;
        }
        let select = SelectStatement { query: v.query.clone(), options: Vec::new() };
        let bound = self.runner.bind_fresh(&select, self.scope)?;
        if !v.columns.is_empty() && v.columns.len() != bound.columns.len() {
            let number = if v.columns.len() > bound.columns.len() { 4502 } else { 8158 };
            return Err(SqlError::new(number, &[&v.name.name.text]).into());
        }
        let mut columns: Vec<NewColumn> = Vec::new();
        for (i, c) in bound.columns.iter().enumerate() {
            let name = v.columns.get(i).map_or_else(|| c.name.to_string(), |n| n.text.clone());
            if name.is_empty() {
                let text = format!(
                    "Create View or Function failed because no column name was specified for column {}.",
                    i + 1
                );
                return Err(SqlError::with_text(4511, 16, text).into());
            }
            if columns.iter().any(|o| self.same(&o.name, &name)) {
                return Err(SqlError::new(4506, &[&name, &v.name.name.text]).into());
            }
            let ty = shown_type(c.ty);
            columns.push(NewColumn::plain(&name, ty, built_in_type(&ty), c.nullable));
        }
        let status = self.module_status(&v.options)? | if v.check_option { bits::CHECK_OPTION } else { 0 };
        let text = self.module_text(v.action);
        let depends_on = if v.options.schema_binding { self.bound_columns(&bound) } else { Vec::new() };
        let Dependencies { names, uses } = if v.options.schema_binding {
            Dependencies::default()
        } else {
            self.query_dependencies(&v.query, &bound, &v.name)?
        };
        let keeps = matches!(&v.query.body, QueryBody::Select(s) if super::select_into::keeps_identity(s));
        let identity = |(_, c): &(usize, &ResultColumnInfo)| keeps && c.identity;
        let identity_columns =
            bound.columns.iter().enumerate().filter(identity).map(|(i, _)| i as i32 + 1).collect();
        let new = NewModule {
            columns,
            identity_columns,
            depends_on,
            names,
            uses,
            ..self.module(&v.name, "V ", status, text)
        };
        self.put_module(v.action, &v.name, new, &v.options)
    }

    /// What the query of a view or inline function names.
    fn query_dependencies(
        &self,
        query: &holdfast_tsql::ast::Query,
        bound: &holdfast_plan::BoundQuery,
        name: &ObjectName,
    ) -> Result<Dependencies, Fail> {
        let mut named = Named::default();
        walk_query(query, &mut |met| named.see(met));
        // 2005 tells of views, too, what is done to columns.
        let marked = self.catalog()?.version() < FIRST_OF_2008;
        Ok(self.dependencies(&named, &bound.accesses.list, name, marked)?)
    }

    pub fn create_procedure(&mut self, p: &CreateProcedure) -> Result<(), Fail> {
        if p.number.is_some_and(|n| n != 1) {
            return Err(SqlError::not_supported("Numbered procedures").into());
        }
        if matches!(p.body, ModuleBody::External(_)) {
            return Err(SqlError::not_supported("A procedure of an assembly").into());
        }
        self.module = Some(p.name.clone());
        let status = self.module_status(&p.options)?;
        let text = self.module_text(p.action);
        let parameters = self.parameters(&p.parameters)?;
        let Dependencies { names, uses } = match &p.body {
            ModuleBody::Statements(statements) => self.check_body(&Body {
                name: &p.name,
                parameters: &p.parameters,
                statements,
                uses: &p.uses,
                returns: None,
                table: None,
                trigger: None,
            })?,
            ModuleBody::External(_) => Dependencies::default(),
        };
        let new = NewModule { parameters, names, uses, ..self.module(&p.name, "P ", status, text) };
        self.put_module(p.action, &p.name, new, &p.options)
    }

    /// The name of what is defined, with the schema that it comes to.
    fn in_two_parts(&self, name: &ObjectName) -> Result<String, Fail> {
        let id = self.schema_of(name)?;
        let schema = self.catalog()?.schema_name(id);
        Ok(format!("{schema}.{}", name.name.text))
    }

    fn check_bound(&self, f: &CreateFunction) -> Result<(), Fail> {
        let text = match &f.returns {
            FunctionReturns::Inline(query) => schema_binding::Bound::Query(query),
            FunctionReturns::Scalar { body: ModuleBody::Statements(list), .. }
            | FunctionReturns::Table { body: list, .. } => schema_binding::Bound::Statements(list),
            _ => return Ok(()),
        };
        Ok(schema_binding::check(&text, "function", &self.in_two_parts(&f.name)?)?)
    }

    pub fn create_function(&mut self, f: &CreateFunction) -> Result<(), Fail> {
        schema_binding::refuse_temporary(&f.name, true)?;
        self.module = Some(f.name.clone());
        if f.options.schema_binding {
            self.check_bound(f)?;
        }
        let status = self.module_status(&f.options)?;
        let text = self.module_text(f.action);
        let mut parameters = self.parameters(&f.parameters)?;
        let refused = function_rules::check(f);
        if !refused.is_empty() {
            return Err(Fail::Many(refused));
        }
        let mut found = self.check_function(f)?;
        let catalog = self.catalog()?;
        let (kind, columns) = match &f.returns {
            FunctionReturns::Scalar { data_type, body: ModuleBody::Statements(_) } => {
                let (ty, _, _) = self.resolve(data_type)?;
                let user_type = user_type_of(&catalog, data_type, &ty);
                let returned = NewParameter {
                    name: String::new(),
                    ty,
                    user_type,
                    output: true,
                    read_only: false,
                    cursor: false,
                };
                parameters.insert(0, returned);
                ("FN", Vec::new())
            }
            FunctionReturns::Inline(query) => {
                refuse_order(query)?;
                // The columns come from the body with its parameters as variables of their types.
                let (columns, dependencies) = self.inline_columns(query, f)?;
                found = dependencies;
                ("IF", columns)
            }
            FunctionReturns::Table { definition, .. } => {
                let columns = self.columns(&f.name.name.text, definition)?;
                ("TF", columns)
            }
            _ => return Err(SqlError::not_supported("A function of an assembly").into()),
        };
        let mut depends_on = Vec::new();
        if f.options.schema_binding {
            let Dependencies { uses, .. } = std::mem::take(&mut found);
            depends_on.extend(uses.iter().map(|u| (u.0, 0)).chain(uses.iter().map(|u| (u.0, u.1))));
            depends_on.sort_unstable();
            depends_on.dedup();
        }
        let Dependencies { names, uses } = found;
        let module = self.module(&f.name, kind, status, text);
        let new = NewModule { columns, parameters, depends_on, names, uses, ..module };
        self.put_module(f.action, &f.name, new, &f.options)
    }

    /// Looks at the statements of a function; the query of an inline one is bound for its columns anyway.
    fn check_function(&mut self, f: &CreateFunction) -> Result<Dependencies, Fail> {
        let (statements, returns, table) = match &f.returns {
            FunctionReturns::Scalar { data_type, body: ModuleBody::Statements(statements) } => {
                (statements, Some(self.resolve(data_type)?.0), None)
            }
            FunctionReturns::Table { variable, definition, body } => {
                (body, None, Some((variable.as_str(), definition)))
            }
            _ => return Ok(Dependencies::default()),
        };
        self.check_body(&Body {
            name: &f.name,
            parameters: &f.parameters,
            statements,
            uses: &f.uses,
            returns,
            table,
            trigger: None,
        })
    }

    fn inline_columns(
        &mut self,
        query: &holdfast_tsql::ast::Query,
        f: &CreateFunction,
    ) -> Result<(Vec<NewColumn>, Dependencies), Fail> {
        let parameters = &f.parameters;
        use crate::procedure::run::Scope;
        use crate::procedure::unit::{Layout, TypeScope, Unit, layout};
        let types = TypeScope {
            collation: self.database.default_collation(),
            catalog: std::sync::Arc::clone(&self.database) as std::sync::Arc<dyn Catalog>,
            schema: self.schema_of_types(),
            text: self.source(),
        };
        let layout = layout(parameters, &[], &types, Layout::default())?;
        let unit = Unit::new(self.source(), parameters.to_vec(), Vec::new(), layout);
        let scope = Scope::new(unit, &self.runner.session.host.temporary_rows);
        let select = SelectStatement { query: query.clone(), options: Vec::new() };
        let bound = self.runner.bind_fresh(&select, &scope)?;
        let name = f.name.name.text.as_str();
        let of_function = |e: SqlError| Fail::Error(super::module_check::of_module(e, name));
        for (i, c) in bound.columns.iter().enumerate() {
            if c.name.is_empty() {
                return Err(of_function(SqlError::new(4514, &[&(i + 1)])));
            }
            if bound.columns[..i].iter().any(|o| self.same(&o.name, &c.name)) {
                return Err(of_function(SqlError::new(4506, &[&c.name, &name])));
            }
        }
        let column = |c: &ResultColumnInfo| {
            let ty = shown_type(c.ty);
            NewColumn::plain(&c.name, ty, built_in_type(&ty), c.nullable)
        };
        let columns = bound.columns.iter().map(column).collect();
        Ok((columns, self.query_dependencies(query, &bound, &f.name)?))
    }

    pub fn create_trigger(&mut self, t: &CreateTrigger) -> Result<(), Fail> {
        if matches!(t.body, ModuleBody::External(_)) {
            return Err(SqlError::not_supported("A trigger of an assembly").into());
        }
        let TriggerTarget::Object(on) = &t.on else {
            return self.create_database_trigger(t);
        };
        let parent = self.find(on)?.filter(|f| f.1 == "U" || f.1 == "V");
        let missing = || {
            let text = format!("The object '{}' does not exist or is invalid for this operation.", shown(on));
            Fail::Error(SqlError::with_text(8197, 16, text).state(4))
        };
        let (parent_id, kind) = parent.ok_or_else(missing)?;
        if kind == "V" && !t.instead_of {
            let text = format!(
                "Object '{}' is not a table; only INSTEAD OF triggers can be created on views.",
                shown(on)
            );
            return Err(SqlError::with_text(2109, 16, text).into());
        }
        self.lock(parent_id)?;
        if kind == "U" {
            self.check_trigger_target(parent_id, t.instead_of)?;
            self.check_trigger_cascades(parent_id, t)?;
        }
        if t.instead_of {
            self.check_instead_of(t, parent_id, if kind == "V" { "view" } else { "table" }, on)?;
        }
        let mut found = Dependencies::default();
        if let ModuleBody::Statements(statements) = &t.body {
            let mut name = t.name.clone();
            name.schema = on.schema.clone().or(name.schema);
            let trigger = self.catalog()?.table(parent_id).ok().flatten();
            found = self.check_body(&Body {
                name: &name,
                parameters: &[],
                statements,
                uses: &t.uses,
                returns: None,
                table: None,
                trigger,
            })?;
        }
        let status = self.module_status(&t.options)? | if t.instead_of { bits::INSTEAD_OF } else { 0 };
        let text = self.module_text(t.action);
        let events = super::event::spread(&t.events, false).iter().map(|e| e.0).collect();
        // A trigger lives in the schema of its table.
        let mut name = t.name.clone();
        if name.schema.is_none() {
            name.schema.clone_from(&on.schema);
        }
        let Dependencies { names, uses } = found;
        let new = NewModule { parent_id, events, names, uses, ..self.module(&name, "TR", status, text) };
        self.put_module(t.action, &name, new, &t.options)
    }

    /// 2111: for each action there is one trigger that stands in for it.
    fn check_instead_of(
        &self,
        t: &CreateTrigger,
        parent: i32,
        kind: &str,
        on: &ObjectName,
    ) -> Result<(), Fail> {
        let rules = self.catalog()?.rules(parent)?;
        for other in rules.triggers.iter().filter(|o| !self.same(&o.module.name, &t.name.name.text)) {
            let options = ParseOptions { quoted_identifier: other.module.quoted_identifier };
            let Ok(batch) = holdfast_tsql::parse_batch(&other.module.text, &options) else { continue };
            let first = batch.statements.first().map(|s| &s.kind);
            let Some(StatementKind::Ddl(d)) = first else { continue };
            let Ddl::CreateTrigger(there) = &**d else { continue };
            let twice = there.events.iter().find(|e| there.instead_of && t.events.contains(e));
            if let Some(event) = twice {
                let what = match t.action {
                    ModuleAction::Alter => "alter",
                    _ => "create",
                };
                let e = SqlError::new(2111, &[&what, &t.name.name.text, &kind, &shown(on), event]);
                return Err(super::module_check::of_module(e, &t.name.name.text).into());
            }
        }
        Ok(())
    }

    pub fn enable_trigger(
        &mut self,
        enable: bool,
        names: &[ObjectName],
        all: bool,
        on: &TriggerTarget,
    ) -> Result<(), Fail> {
        let TriggerTarget::Object(on) = on else {
            return self.enable_database_triggers(enable, names, all, on);
        };
        let (parent, _) = self.find(on)?.ok_or_else(|| SqlError::new(4902, &[&shown(on)]))?;
        let catalog = self.catalog()?;
        let triggers: Vec<(i32, String)> = catalog
            .objects()
            .iter()
            .filter(|o| o.parent_id == parent && &*o.kind == "TR")
            .map(|o| (o.id, o.name.to_string()))
            .collect();
        let chosen: Vec<i32> = if all {
            triggers.iter().map(|t| t.0).collect()
        } else {
            let mut out = Vec::new();
            for n in names {
                let found = triggers.iter().find(|t| self.same(&t.1, &n.name.text));
                let found = found.ok_or_else(|| SqlError::new(4920, &[&n.name.text, &shown(on)]))?;
                out.push(found.0);
            }
            out
        };
        self.lock(parent)?;
        for id in chosen {
            let (set, clear) = if enable { (0, bits::DISABLED) } else { (bits::DISABLED, 0) };
            self.writer()?.set_status(id, set, clear)?;
        }
        Ok(())
    }

    /// Columns as expressions see them.
    pub fn known_of(columns: &[NewColumn]) -> Vec<Known> {
        columns
            .iter()
            .enumerate()
            .map(|(i, c)| Known {
                name: c.name.clone(),
                column_id: i as i32 + 1,
                ty: c.ty,
                nullable: c.nullable,
                is_virtual: super::lower::is_virtual(c),
                formula: super::lower::formula(c),
            })
            .collect()
    }
}
