//! What a text would answer: sp_describe_first_result_set, sp_describe_undeclared_parameters and sp_describe_parameter_encryption.
//!
//! Invariants
//! 1. The text is bound and never run.
//! 2. Columns, their order and names are those of the documented result sets; drivers read them by position.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ObjectDef};
use holdfast_plan::{Inferred, ParamId};
use holdfast_tsql::ast::walk::{Met, walk_statements};
use holdfast_tsql::ast::{ExecuteTarget, Ident, ObjectName, SetValue, Statement, StatementKind};
use holdfast_types::{Batch, SqlError, SqlType, TypeId, Value};

use super::call::{Argument, Returned};
use super::instance_session::first_select;
use super::load::parse_parameters;
use super::query::{SELECT, result_column};
use super::run::{Fail, Runner, Scope, scope_names};
use super::unit::{Folding, Layout, TypeScope, Unit, VariableSlot, layout, parse, with_bind_context};
use crate::security::Securable;
use crate::session::{Done, DoneKind, ResultColumn};
use crate::system_view::{ViewSource, parse_columns, row};

const FIRST_RESULT_SET: &str = "is_hidden bit!, column_ordinal int!, name sysname, is_nullable bit!, system_type_id int!, \
    system_type_name nvarchar(256), max_length smallint!, precision tinyint!, scale tinyint!, collation_name sysname, \
    user_type_id int, user_type_database sysname, user_type_schema sysname, user_type_name sysname, \
    assembly_qualified_type_name nvarchar(4000), xml_collection_id int, xml_collection_database sysname, \
    xml_collection_schema sysname, xml_collection_name sysname, is_xml_document bit!, is_case_sensitive bit!, \
    is_fixed_length_clr_type bit!, source_server sysname, source_database sysname, source_schema sysname, source_table sysname, \
    source_column sysname, is_identity_column bit, is_part_of_unique_key bit, is_updateable bit, is_computed_column bit, \
    is_sparse_column_set bit, ordinal_in_order_by_list smallint, order_by_list_length smallint, order_by_is_descending smallint, \
    tds_type_id int!, tds_length int!, tds_collation_id int, tds_collation_sort_id tinyint";

const UNDECLARED: &str = "parameter_ordinal int!, name sysname!, suggested_system_type_id int!, \
    suggested_system_type_name nvarchar(256), suggested_max_length smallint!, suggested_precision tinyint!, \
    suggested_scale tinyint!, suggested_user_type_id int, suggested_user_type_database sysname, \
    suggested_user_type_schema sysname, suggested_user_type_name sysname, suggested_assembly_qualified_type_name nvarchar(4000), \
    suggested_xml_collection_id int, suggested_xml_collection_database sysname, suggested_xml_collection_schema sysname, \
    suggested_xml_collection_name sysname, suggested_is_xml_document bit!, suggested_is_case_sensitive bit!, \
    suggested_is_fixed_length_clr_type bit!, suggested_is_input bit!, suggested_is_output bit!, formal_parameter_name sysname, \
    suggested_tds_type_id int!, suggested_tds_length int!";

const ENCRYPTION_KEYS: &str = "column_encryption_key_ordinal int, database_id int, column_encryption_key_id int, \
    column_encryption_key_version int, column_encryption_key_metadata_version binary(8), \
    column_encryption_key_encrypted_value varbinary(4000), column_master_key_store_provider_name sysname, \
    column_master_key_path nvarchar(4000), column_encryption_key_encryption_algorithm_name sysname";

const PARAMETER_ENCRYPTION: &str = "parameter_ordinal int, parameter_name sysname, column_encryption_algorithm tinyint, \
    column_encryption_type tinyint, column_encryption_key_ordinal int, column_encryption_normalization_rule_version tinyint";

/// Columns that tell of a column in the functions' rows, which leave out those of the wire, and of an error.
const OF_COLUMN: usize = 35;
const OF_ERROR: usize = 6;
/// Calls of procedures that are followed.
const DEEPEST: usize = 8;

/// The type's token on the wire and the length that goes with it.
fn wire_type(ty: &SqlType, nullable: bool) -> (i32, i32) {
    let length = if ty.length < 0 { 65_535 } else { ty.length };
    let token = match (ty.id, nullable) {
        (TypeId::TinyInt, false) => 48,
        (TypeId::SmallInt, false) => 52,
        (TypeId::Int | TypeId::Null, false) => 56,
        (TypeId::BigInt, false) => 127,
        (TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::BigInt | TypeId::Null, true) => 38,
        (TypeId::Bit, false) => 50,
        (TypeId::Bit, true) => 104,
        (TypeId::Real, false) => 59,
        (TypeId::Float, false) => 62,
        (TypeId::Real | TypeId::Float, true) => 109,
        (TypeId::Money, false) => 60,
        (TypeId::SmallMoney, false) => 122,
        (TypeId::Money | TypeId::SmallMoney, true) => 110,
        (TypeId::DateTime, false) => 61,
        (TypeId::SmallDateTime, false) => 58,
        (TypeId::DateTime | TypeId::SmallDateTime, true) => 111,
        (TypeId::RowVersion, _) => 173,
        _ => i32::from(ty.id.xtype()),
    };
    (token, length)
}

/// Precision and scale as the catalog shows them.
fn numbers(ty: &SqlType) -> (u8, u8) {
    let fraction = |whole: u8| whole + if ty.scale > 0 { ty.scale + 1 } else { 0 };
    match ty.id {
        TypeId::Decimal | TypeId::Numeric => (ty.precision, ty.scale),
        TypeId::Bit => (1, 0),
        TypeId::TinyInt => (3, 0),
        TypeId::SmallInt => (5, 0),
        TypeId::Int | TypeId::Null => (10, 0),
        TypeId::BigInt => (19, 0),
        TypeId::Money => (19, 4),
        TypeId::SmallMoney => (10, 4),
        TypeId::Real => (24, 0),
        TypeId::Float => (53, 0),
        TypeId::Date => (10, 0),
        TypeId::Time => (fraction(8), ty.scale),
        TypeId::DateTime2 => (fraction(19), ty.scale),
        TypeId::DateTimeOffset => (fraction(26), ty.scale),
        TypeId::DateTime => (23, 3),
        TypeId::SmallDateTime => (16, 0),
        _ => (0, 0),
    }
}

fn text(arguments: &[Argument], name: &str, position: usize) -> Option<String> {
    let named = arguments.iter().find(|a| a.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    let argument = named.or_else(|| arguments.get(position).filter(|a| a.name.is_none()))?;
    match argument.value.as_ref()? {
        Value::String(s) => Some(s.to_text()),
        _ => None,
    }
}

fn statement(arguments: &[Argument]) -> Result<String, Fail> {
    text(arguments, "@tsql", 0).ok_or_else(|| {
        let message = "Procedure expects parameter '@tsql' of type 'nvarchar(max)'.";
        SqlError::with_text(214, 16, message).state(2).into()
    })
}

/// The last of several errors is the statement's own, as elsewhere.
fn last(mut errors: Vec<SqlError>) -> Fail {
    errors.pop().unwrap_or_else(|| SqlError::new(102, &[&""])).into()
}

fn described(ordinal: usize, c: &ResultColumn) -> Vec<Value> {
    let (token, length) = wire_type(&c.ty, c.nullable);
    let (precision, scale) = numbers(&c.ty);
    let character = c.ty.id.is_character();
    let s = c.source.as_deref();
    row![
        false,
        ordinal as i32,
        (!c.name.is_empty()).then(|| Arc::clone(&c.name)),
        c.nullable,
        i32::from(c.ty.id.xtype()),
        c.ty.to_string(),
        c.ty.length.clamp(-1, 8016) as i16,
        precision,
        scale,
        if character { c.ty.collation.name() } else { None },
        c.user_type.as_ref().map(|_| i32::from(c.ty.id.xtype())),
        Value::Null,
        Value::Null,
        c.user_type.clone(),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        false,
        false,
        false,
        Value::Null,
        s.map(|s| Arc::clone(&s.database)),
        s.map(|s| Arc::clone(&s.schema)),
        s.map(|s| Arc::clone(&s.table)),
        s.map(|s| Arc::clone(&s.column)),
        c.identity,
        Value::Null,
        c.updatable,
        c.computed,
        false,
        Value::Null,
        Value::Null,
        Value::Null,
        token,
        length,
        character.then_some((c.ty.collation.0 & 0x00FF_FFFF) as i32),
        character.then_some((c.ty.collation.0 >> 24) as u8)
    ]
}

fn suggested(ordinal: usize, name: &str, ty: &SqlType) -> Vec<Value> {
    let (token, length) = wire_type(ty, true);
    let (precision, scale) = numbers(ty);
    row![
        ordinal as i32,
        name,
        i32::from(ty.id.xtype()),
        ty.to_string(),
        ty.length.clamp(-1, 8016) as i16,
        precision,
        scale,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        false,
        false,
        false,
        true,
        false,
        Value::Null,
        token,
        length
    ]
}

impl Runner<'_> {
    /// Sends one result set of the columns declared.
    pub(super) fn send_rows(&mut self, declaration: &str, rows: &[Vec<Value>]) -> Result<(), Fail> {
        let collation = self.session.current_database().default_collation();
        let columns: Vec<ResultColumn> = parse_columns(declaration, collation)
            .into_iter()
            .map(|(name, ty, nullable)| ResultColumn {
                name: name.into(),
                ty,
                nullable,
                identity: false,
                computed: false,
                updatable: false,
                user_type: None,
                source: None,
            })
            .collect();
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        let batch = Batch::from_rows(&types, rows)?;
        self.sink.columns(&columns)?;
        self.sink.rows(&batch)?;
        let rows = Some(rows.len() as u64);
        self.sink.done(Done { kind: DoneKind::InProc, rows, error: false, command: SELECT })?;
        Ok(())
    }

    /// `@tsql, @params`: keys of encrypted columns that parameters go to, and how parameters are encrypted. No column is.
    pub fn describe_parameter_encryption(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        let tsql = statement(arguments)?;
        let parameters = text(arguments, "@params", 1).unwrap_or_default();
        let unit = self.load_batch(&tsql.into(), &parameters.into()).map_err(last)?;
        let one = |(i, name): (usize, &str)| row![i as i32 + 1, name, 0u8, 0u8, 0, 0u8];
        let rows: Vec<_> = unit.parameters.iter().map(|p| &*p.name).enumerate().map(one).collect();
        self.send_rows(ENCRYPTION_KEYS, &[])?;
        self.send_rows(PARAMETER_ENCRYPTION, &rows)?;
        Ok(Returned::status(0))
    }

    /// `@tsql, @params, @browse_information_mode`
    pub fn describe_first_result_set(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        let tsql = statement(arguments)?;
        let parameters = text(arguments, "@params", 1).unwrap_or_default();
        let columns = self.describe_text(&tsql, &parameters)?;
        let rows: Vec<_> = columns.iter().enumerate().map(|(i, c)| described(i + 1, c)).collect();
        self.send_rows(FIRST_RESULT_SET, &rows)?;
        Ok(Returned::status(0))
    }

    /// Columns of the first result set of a batch with parameters.
    pub(super) fn describe_text(&mut self, text: &str, parameters: &str) -> Result<Vec<ResultColumn>, Fail> {
        let unit = self.load_batch(&text.into(), &parameters.into()).map_err(last)?;
        let scope = Scope::new(unit, &self.session.host.temporary_rows);
        self.describe_scope(&scope, 0)
    }

    /// The same of a procedure or trigger of the current database.
    pub(super) fn describe_object(&mut self, id: i32) -> Result<Vec<ResultColumn>, Fail> {
        let database = self.session.current_database();
        let found = database.model()?.object(id).map(|o| (o.schema_id, Arc::clone(&o.name)));
        let missing = || {
            let text = format!(
                "The metadata could not be determined because the object with the id {id} is not supported or does not exist."
            );
            Fail::from(SqlError::with_text(11_525, 16, text))
        };
        let (schema, name) = found.ok_or_else(missing)?;
        let schema = database.model()?.schema_name(schema).to_string();
        let mut name = ObjectName::one(Ident::new(&*name));
        name.schema = Some(Ident::new(schema));
        match self.describe_procedure(&name, 0)? {
            Some(columns) => Ok(columns),
            None => Err(missing()),
        }
    }

    /// Columns of the first result set of a procedure; `None` when there is none of the name whose text could be read.
    fn describe_procedure(
        &mut self,
        name: &ObjectName,
        depth: usize,
    ) -> Result<Option<Vec<ResultColumn>>, Fail> {
        if depth > DEEPEST {
            return Ok(None);
        }
        let Some((database, Some(ObjectDef::Procedure(module)))) = self.look_up(name)? else {
            return Ok(None);
        };
        if !self.session.may(&database, Securable::Object(module.object_id), "EX")? {
            return Err(
                SqlError::new(229, &[&"EXECUTE", &module.name, &database.name, &module.schema_name]).into()
            );
        }
        let unit = self.load(&module, &database)?;
        let mut scope = Scope::new(unit, &self.session.host.temporary_rows);
        scope.procedure = Arc::clone(&module.name);
        scope.module = Some((module.database_id, module.object_id));
        scope.schema = Some(Arc::clone(&module.schema_name));
        let outer = std::mem::replace(&mut self.module, scope.module);
        let columns = self.within(database, |r| r.describe_scope(&scope, depth));
        self.module = outer;
        columns.map(Some)
    }

    /// The first statement that answers rows, or what it calls.
    fn describe_scope(&mut self, scope: &Scope, depth: usize) -> Result<Vec<ResultColumn>, Fail> {
        if let Some(q) = first_select(&scope.unit.statements) {
            let bound = self.plan_query(q, scope)?;
            return Ok(bound.columns.iter().map(result_column).collect());
        }
        let called = scope.unit.statements.iter().find_map(|s| match &s.kind {
            StatementKind::Execute(e) => match &e.target {
                ExecuteTarget::Procedure { name, .. } => Some(name.clone()),
                _ => None,
            },
            _ => None,
        });
        match called {
            Some(name) => Ok(self.describe_procedure(&name, depth + 1)?.unwrap_or_default()),
            None => Ok(Vec::new()),
        }
    }

    /// Rows as the functions answer them: what goes wrong is a row, too.
    pub(super) fn described_rows(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<Vec<ResultColumn>, Fail>,
    ) -> Vec<Vec<Value>> {
        match f(self) {
            Ok(columns) => columns
                .iter()
                .enumerate()
                .map(|(i, c)| {
                    let mut row = described(i + 1, c);
                    row.truncate(OF_COLUMN);
                    row.resize(OF_COLUMN + OF_ERROR, Value::Null);
                    row
                })
                .collect(),
            Err(fail) => {
                let e = super::function_call::error_of(fail);
                let (kind, name) = if e.severity == 15 { (2, "SYNTAX") } else { (1, "MISC") };
                let mut row = vec![Value::Null; OF_COLUMN];
                row.extend(row![
                    e.number,
                    i32::from(e.severity),
                    i32::from(e.state),
                    e.message.as_str(),
                    kind,
                    name
                ]);
                vec![row]
            }
        }
    }

    /// Types that the statements give to the parameters `wanted`.
    fn deduce(
        &mut self,
        statements: &[Statement],
        wanted: &[ParamId],
        scope: &Scope,
        found: &mut Vec<(ParamId, SqlType)>,
    ) -> Result<(), Fail> {
        for s in statements {
            let mut parts = Vec::new();
            match &s.kind {
                StatementKind::Select(q) => parts.push(Inferred::Query(&q.query)),
                StatementKind::Insert(i) => parts.push(Inferred::Insert(i)),
                StatementKind::Update(u) => parts.push(Inferred::Update(u)),
                StatementKind::Delete(d) => parts.push(Inferred::Delete(d)),
                StatementKind::Merge(m) => parts.push(Inferred::Merge(m)),
                StatementKind::Block(list) => self.deduce(list, wanted, scope, found)?,
                StatementKind::TryCatch { body, handler } => {
                    self.deduce(body, wanted, scope, found)?;
                    self.deduce(handler, wanted, scope, found)?;
                }
                StatementKind::If { condition, then, otherwise } => {
                    self.deduce_part(&Inferred::Condition(condition), wanted, scope, found)?;
                    self.deduce(std::slice::from_ref(then), wanted, scope, found)?;
                    if let Some(o) = otherwise {
                        self.deduce(std::slice::from_ref(o), wanted, scope, found)?;
                    }
                }
                StatementKind::While { condition, body } => {
                    self.deduce_part(&Inferred::Condition(condition), wanted, scope, found)?;
                    self.deduce(std::slice::from_ref(body), wanted, scope, found)?;
                }
                StatementKind::SetVariable(v) => {
                    let variable = scope.unit.layout.variables.get(&v.name.to_lowercase());
                    if let (SetValue::Expr { value, .. }, Some(slot)) = (&v.value, variable) {
                        parts.push(Inferred::Value(value, Some(slot.ty)));
                    }
                }
                StatementKind::Execute(e) => {
                    let ExecuteTarget::Procedure { name, arguments, .. } = &e.target else { continue };
                    let order = self.session.current_database().names();
                    let parameters = self.procedure_parameters(name)?.unwrap_or_default();
                    for (i, a) in arguments.iter().enumerate() {
                        let parameter = match &a.name {
                            Some(n) => parameters.iter().find(|p| order.same(&p.0, n)),
                            None => parameters.get(i),
                        };
                        if let Some((_, ty)) = parameter {
                            parts.push(Inferred::Value(&a.value, Some(*ty)));
                        }
                    }
                }
                _ => {}
            }
            for part in &parts {
                self.deduce_part(part, wanted, scope, found)?;
            }
        }
        Ok(())
    }

    fn deduce_part(
        &mut self,
        part: &Inferred<'_>,
        wanted: &[ParamId],
        scope: &Scope,
        found: &mut Vec<(ParamId, SqlType)>,
    ) -> Result<(), Fail> {
        let resolver = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let types = with_bind_context(&resolver.names(), &evaluator, |cx| {
            holdfast_plan::infer_parameters(part, wanted, cx)
        })??;
        for (p, ty) in types {
            if !found.iter().any(|(f, _)| *f == p) {
                found.push((p, ty));
            }
        }
        Ok(())
    }

    /// `@tsql, @params`
    pub fn describe_undeclared_parameters(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        let tsql = statement(arguments)?;
        let declared = parse_parameters(&text(arguments, "@params", 1).unwrap_or_default()).map_err(last)?;
        let batch = parse(&tsql, &self.session).map_err(last)?;
        let database = self.session.current_database();
        let collation = database.default_collation();
        let schema = self.session.default_schema();
        let types = TypeScope { catalog: database, collation, schema, text: &tsql };
        let mut names = layout(&declared, &batch.statements, &types, Layout::default())?;
        let mut unknown: Vec<(String, ParamId)> = Vec::new();
        for u in batch.uses.iter().filter(|u| !u.table) {
            let key = u.name.to_lowercase();
            if names.variables.contains_key(&key) || names.cursors.contains(&key) {
                continue;
            }
            let slot = ParamId(names.frame_size);
            names.frame_size += 1;
            names.variables.insert(key, VariableSlot { slot, ty: SqlType::NULL });
            unknown.push((u.name.clone(), slot));
        }
        // Types of columns are told of databases only that the session may be in.
        let mut elsewhere: Vec<String> = Vec::new();
        walk_statements(&batch.statements, &mut |met| {
            if let Met::Rows(n) | Met::Target(n) | Met::TableFunction(n) = met {
                elsewhere.extend(n.database.as_ref().map(|d| d.text.clone()));
            }
        });
        for name in elsewhere {
            let database = self.session.host.database(&name)?;
            self.session.need_access(&database)?;
        }
        let unit = Unit::new(&tsql, declared, batch.statements, names);
        let scope = Scope::new(Arc::clone(&unit), &self.session.host.temporary_rows);
        let wanted: Vec<ParamId> = unknown.iter().map(|u| u.1).collect();
        let mut found = Vec::new();
        self.deduce(&unit.statements, &wanted, &scope, &mut found)?;
        let mut rows = Vec::with_capacity(unknown.len());
        for (i, (name, slot)) in unknown.iter().enumerate() {
            let Some((_, ty)) = found.iter().find(|(s, _)| s == slot) else {
                let text = format!("The type for parameter '{name}' cannot be deduced in this context.");
                return Err(SqlError::with_text(11502, 16, text).into());
            };
            rows.push(suggested(i + 1, name, ty));
        }
        self.send_rows(UNDECLARED, &rows)?;
        Ok(Returned::status(0))
    }
}
