//! Columns of a table definition to columns of the catalog: types, nullability, computed columns.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, TableDef};
use holdfast_engine::database::DatabaseCatalog;
use holdfast_engine::ddl::table::NewColumn;
use holdfast_tsql::ast::{
    ColumnDefinition, ConstraintKind, DataType, Expr, Statement, StatementKind, TableDefinition,
};
use holdfast_types::{CollationId, NameOrder, SqlError, SqlResult, SqlType, TypeId, Value};

use super::Definition;
use super::print::{columns_of, stored_text};
use crate::procedure::run::Fail;
use crate::procedure::state::option;
use crate::procedure::unit::TypeScope;

/// A column as far as expressions about it go.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: String,
    pub column_id: i32,
    pub ty: SqlType,
    pub nullable: bool,
    /// Computed for every reader: no row holds it.
    pub is_virtual: bool,
    /// Of a computed column.
    pub formula: Option<Arc<str>>,
}

/// Whether no row will hold a column.
pub fn is_virtual(column: &NewColumn) -> bool {
    column.computed.as_ref().is_some_and(|(_, persisted)| !persisted)
}

/// The text of a computed column.
pub fn formula(column: &NewColumn) -> Option<Arc<str>> {
    column.computed.as_ref().map(|(text, _)| Arc::from(text.as_str()))
}

/// The columns of a table that is there.
pub fn known_columns(table: &TableDef) -> Vec<Known> {
    table
        .columns
        .iter()
        .map(|c| Known {
            name: c.name.to_string(),
            column_id: c.column_id,
            ty: c.ty,
            nullable: c.nullable,
            is_virtual: c.computed.is_some() && !c.persisted,
            formula: c.computed.clone(),
        })
        .collect()
}

/// A column by name.
pub fn find_column<'a>(names: NameOrder, columns: &'a [Known], name: &str) -> Option<&'a Known> {
    columns.iter().find(|c| names.same(&c.name, name))
}

/// The id of a declared type: the storage type's, or the alias or CLR type's own.
pub fn user_type_of(catalog: &DatabaseCatalog, dt: &DataType, ty: &SqlType) -> i32 {
    match dt.builtin() {
        Some("sysname") => 256,
        Some(_) => built_in_type(ty),
        None => {
            let schema = dt.name.schema.as_ref().map(|s| s.text.as_str());
            catalog.type_named(schema, &dt.name.name.text).map_or_else(|| built_in_type(ty), |t| t.0)
        }
    }
}

pub fn built_in_type(ty: &SqlType) -> i32 {
    match ty.id {
        TypeId::HierarchyId => 128,
        TypeId::Geometry => 129,
        TypeId::Geography => 130,
        TypeId::Vector => 255,
        _ => i32::from(ty.id.xtype()),
    }
}

/// A type as T-SQL.
pub fn type_text(ty: &SqlType) -> String {
    let name = ty.id.name();
    match ty.id {
        TypeId::Decimal | TypeId::Numeric => format!("{name}({},{})", ty.precision, ty.scale),
        TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => format!("{name}({})", ty.scale),
        TypeId::Char | TypeId::VarChar | TypeId::Binary | TypeId::VarBinary if ty.is_max() => {
            format!("{name}(max)")
        }
        TypeId::NVarChar if ty.is_max() => format!("{name}(max)"),
        TypeId::Char | TypeId::VarChar | TypeId::Binary | TypeId::VarBinary => {
            format!("{name}({})", ty.length)
        }
        TypeId::NChar | TypeId::NVarChar => format!("{name}({})", ty.length / 2),
        TypeId::RowVersion => "binary(8)".to_owned(),
        _ => name.to_owned(),
    }
}

pub fn bracketed(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// 131, 2715 and 2750 tell which column has the impossible type.
fn of_column(e: SqlError, c: &ColumnDefinition, all: &TableDefinition) -> SqlError {
    let name = &c.name.text;
    let rewritten = match e.number {
        131 => e.message.split_once(" given to the type '").and_then(|(size, rest)| {
            let (_, limit) = rest.split_once('\'')?;
            Some(format!("{size} given to the column '{name}'{limit}"))
        }),
        2750 | 2751 => {
            let at = all.columns.iter().position(|o| o.name.text == *name).map_or(1, |i| i + 1);
            Some(e.message.replacen("#0", &format!("#{at}"), 1))
        }
        2715 => {
            let at = all.columns.iter().position(|o| o.name.text == *name).map_or(1, |i| i + 1);
            return crate::procedure::unit::of_place(e, at);
        }
        _ => None,
    };
    match rewritten {
        Some(message) if e.number == 131 => SqlError { message, ..e }.state(2),
        Some(message) => SqlError { message, ..e },
        None => e,
    }
}

impl Definition<'_, '_> {
    /// The type of a column, and whether its declaration allows NULL.
    pub fn resolve(&self, dt: &DataType) -> SqlResult<(SqlType, bool, i32)> {
        let session = &self.runner.session;
        let (ty, nullable) = session.settled(|watch| {
            let database = session.host.database_by_id(self.database.id);
            let database = database.unwrap_or_else(|| Arc::clone(&self.database));
            let collation = database.default_collation();
            let catalog = watch.over(database, session);
            let schema = self.schema_of_types();
            let types = TypeScope { catalog, collation, schema, text: self.source() };
            types.resolve(dt)
        })??;
        let catalog = self.catalog()?;
        let user_type = user_type_of(&catalog, dt, &ty);
        Ok((ty, nullable, user_type))
    }

    /// Runs a SELECT made of text over columns that need not exist, for the types of what it selects.
    fn probe(&mut self, columns: &[Known], select: &str) -> Result<Vec<(SqlType, bool)>, Fail> {
        let bound = self.bound_over(columns, select)?;
        Ok(bound.columns.iter().map(|c| (c.ty, c.nullable)).collect())
    }

    fn bound_over(
        &mut self,
        columns: &[Known],
        select: &str,
    ) -> Result<Arc<holdfast_plan::BoundQuery>, Fail> {
        let each: Vec<String> = columns
            .iter()
            .filter(|c| !matches!(c.ty.id, TypeId::Clr | TypeId::Json))
            .map(|c| format!("convert({},null) as {}", type_text(&c.ty), bracketed(&c.name)))
            .collect();
        let list = if each.is_empty() { "1 as [ ]".to_owned() } else { each.join(",") };
        let text = format!("{} from (select {list}) as [probe]", select);
        self.bound_text(&text)
    }

    /// Sequences and functions of the database that an expression uses.
    pub fn objects_of(&mut self, columns: &[Known], text: &str) -> Result<Vec<i32>, Fail> {
        self.objects_in(columns, &format!("select {text} as [x]"))
    }

    /// The same of a condition.
    pub fn objects_of_condition(&mut self, columns: &[Known], text: &str) -> Result<Vec<i32>, Fail> {
        self.objects_in(columns, &format!("select case when {text} then 1 end as [x]"))
    }

    fn objects_in(&mut self, columns: &[Known], select: &str) -> Result<Vec<i32>, Fail> {
        let bound = self.bound_over(columns, select)?;
        let own = bound.dependencies.iter().filter(|d| d.0 == self.database.id);
        Ok(own.map(|d| d.1).collect())
    }

    fn bound_text(&mut self, text: &str) -> Result<Arc<holdfast_plan::BoundQuery>, Fail> {
        let parsed = holdfast_tsql::parse_batch(text, &Default::default()).map_err(|e| {
            let e = e.into_iter().next();
            Fail::Compile(e.map_or_else(
                || SqlError::new(102, &[&""]),
                |e| SqlError::with_text(e.number, e.severity, e.message),
            ))
        })?;
        let Some(Statement { kind: StatementKind::Select(select), .. }) =
            parsed.statements.into_iter().next()
        else {
            return Err(SqlError::new(102, &[&text]).into());
        };
        let line = self.span.line;
        self.runner.bind_fresh(&select, self.scope).map_err(|f| match f {
            Fail::Compile(mut e) => {
                e.before.iter_mut().for_each(|b| b.line = line);
                Fail::Error(SqlError { line, ..e })
            }
            other => other,
        })
    }

    /// Type and nullability of an expression over columns; unknown names answer 207.
    pub fn expression_type(&mut self, columns: &[Known], text: &str) -> Result<(SqlType, bool), Fail> {
        let found = self.probe(columns, &format!("select {text} as [x]"))?;
        Ok(found.first().copied().unwrap_or((SqlType::INT, true)))
    }

    /// Checks that a condition over columns can be bound.
    pub fn check_condition(&mut self, columns: &[Known], text: &str) -> Result<(), Fail> {
        self.probe(columns, &format!("select case when {text} then 1 end as [x]")).map(|_| ())
    }

    /// A constant of the column's type: identity seeds, defaults.
    fn number(e: Option<&Expr>, ty: &SqlType, fallback: i64) -> Value {
        let n = e.and_then(Expr::as_integer).unwrap_or(fallback);
        match ty.id {
            TypeId::TinyInt => Value::TinyInt(n as u8),
            TypeId::SmallInt => Value::SmallInt(n as i16),
            TypeId::Int => Value::Int(n as i32),
            TypeId::BigInt => Value::BigInt(n),
            _ => Value::Decimal(holdfast_types::Decimal::new(i128::from(n), 0)),
        }
    }

    /// 8148 and 8147: what a column is said to be must be said once, and go together.
    fn check_options(&self, table: &str, c: &ColumnDefinition) -> Result<(), Fail> {
        let defaults = c.constraints.iter().filter(|k| matches!(k.kind, ConstraintKind::Default { .. }));
        if defaults.count() > 1 {
            return Err(SqlError::new(8148, &[&"DEFAULT", &c.name.text, &table]).into());
        }
        if c.identity.is_some() && c.nullable == Some(true) {
            return Err(SqlError::new(8147, &[&c.name.text, &table]).into());
        }
        Ok(())
    }

    /// One column. `key`: it belongs to the primary key.
    pub fn column(
        &mut self,
        table: &str,
        c: &ColumnDefinition,
        key: bool,
        before: &[Known],
        all: &TableDefinition,
    ) -> Result<NewColumn, Fail> {
        let (default_null, padding) = {
            let state = self.runner.session.state.lock();
            let o = state.settings.options;
            let default = match (o & option::ANSI_NULL_DFLT_ON != 0, o & option::ANSI_NULL_DFLT_OFF != 0) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            };
            (default, o & option::ANSI_PADDING != 0)
        };
        // A session that says nothing has the database's.
        let default_null = default_null.unwrap_or_else(|| {
            let options = self.runner.session.host.instance.database_options(self.database.id);
            options.get("ANSI_NULL_DEFAULT").is_some_and(|v| v == "ON")
        });
        self.check_options(table, c)?;
        let catalog: Arc<DatabaseCatalog> = self.catalog()?;
        for (set, what) in [
            (c.filestream, "FILESTREAM columns"),
            (c.masked.is_some(), "Dynamic data masking"),
            (!c.encrypted.is_empty(), "Always Encrypted"),
            (c.column_set, "Column sets"),
        ] {
            if set {
                return Err(SqlError::not_supported(what).into());
            }
        }
        if let Some(dt) = &c.data_type
            && dt.name.schema.is_none()
            && dt.name.name.text.eq_ignore_ascii_case("json")
        {
            return Err(SqlError::not_supported("A column of type json").into());
        }
        if c.sparse && c.computed.is_some() {
            return Err(SqlError::new(1731, &[&c.name.text, &table]).into());
        }
        if let Some(computed) = &c.computed {
            let text = stored_text(&computed.expr, self.source());
            let from = columns_of(self.names(), &computed.expr);
            for n in &from {
                let another = match find_column(self.names(), before, n) {
                    Some(k) => k.formula.is_some(),
                    None => all.columns.iter().any(|o| o.computed.is_some() && self.same(&o.name.text, n)),
                };
                if another {
                    return Err(SqlError::new(1759, &[n, &table]).into());
                }
            }
            // Later columns may be named too, so far as they are not computed.
            let mut known = before.to_vec();
            for other in &all.columns {
                if other.computed.is_none()
                    && find_column(self.names(), &known, &other.name.text).is_none()
                    && let Some(dt) = &other.data_type
                {
                    let (ty, nullable, _) = self.resolve(dt)?;
                    let name = other.name.text.clone();
                    known.push(Known { name, column_id: 0, ty, nullable, is_virtual: false, formula: None });
                }
            }
            let (ty, nullable) = self.expression_type(&known, &text)?;
            if computed.persisted && !self.is_steady(&known, &computed.expr)? {
                return Err(SqlError::new(4936, &[&c.name.text, &table]).into());
            }
            let ids: Vec<i32> = from
                .iter()
                .filter_map(|n| match find_column(self.names(), before, n) {
                    Some(k) if k.column_id > 0 => Some(k.column_id),
                    _ => {
                        let at = all.columns.iter().position(|o| self.same(&o.name.text, n))?;
                        Some(at as i32 + 1)
                    }
                })
                .collect();
            let uses = self.objects_of(&known, &text)?;
            let ty = if ty.id == TypeId::Null { SqlType::INT } else { ty };
            return Ok(NewColumn {
                name: c.name.text.clone(),
                user_type: built_in_type(&ty),
                ty,
                nullable: c.nullable.unwrap_or(nullable) && !key,
                identity: None,
                not_for_replication: false,
                row_guid: false,
                sparse: false,
                column_set: false,
                computed: Some((text, computed.persisted)),
                computed_from: ids,
                computed_by: uses,
                ansi_padding: true,
                generated: None,
                hidden: false,
                xml_collection: None,
            });
        }
        let (ty, declared_null, user_type) = match &c.data_type {
            Some(dt) => self.resolve(dt).map_err(|e| of_column(e, c, all))?,
            // A bare `timestamp`.
            None => (SqlType::ROWVERSION, false, 189),
        };
        let ty = match &c.collation {
            Some(name) if ty.id.is_character() => {
                let collation = if name.is("database_default") {
                    Some(catalog.default_collation())
                } else {
                    CollationId::from_name(&name.text)
                };
                let collation = collation.ok_or_else(|| SqlError::new(448, &[&name.text]))?;
                SqlType { collation, ..ty }
            }
            _ => ty,
        };
        let xml_collection = match c.data_type.as_ref().and_then(|dt| dt.xml.as_ref()) {
            Some(x) => Some((self.xml_collection_for_use(&x.collection)?, x.document)),
            None => None,
        };
        let alias = user_type > 256 && !matches!(ty.id, TypeId::Clr);
        let nullable = if key {
            if c.nullable == Some(true) {
                return Err(super::constraint::could_not_create(SqlError::new(8111, &[&table])));
            }
            false
        } else if c.identity.is_some() || ty.id == TypeId::RowVersion {
            c.nullable == Some(true) && ty.id == TypeId::RowVersion
        } else {
            c.nullable.unwrap_or(if alias || user_type == 256 { declared_null } else { default_null })
        };
        let generated = super::temporal::generated(c, &ty)?;
        let nullable = if c.sparse { c.nullable.unwrap_or(!key) } else { nullable && generated.is_none() };
        if c.sparse {
            let kept_elsewhere = matches!(
                ty.id,
                TypeId::Text
                    | TypeId::NText
                    | TypeId::Image
                    | TypeId::Geometry
                    | TypeId::Geography
                    | TypeId::RowVersion
            );
            let otherwise = c.rowguidcol || c.identity.is_some() || generated.is_some();
            if !nullable || kept_elsewhere || otherwise || alias || ty.id == TypeId::Clr {
                return Err(SqlError::new(1731, &[&c.name.text, &table]).into());
            }
        }
        let identity = match &c.identity {
            Some(i) => {
                let whole =
                    ty.id.is_integer() || matches!(ty.id, TypeId::Decimal | TypeId::Numeric) && ty.scale == 0;
                if !whole {
                    return Err(SqlError::new(2749, &[&c.name.text]).into());
                }
                if i.increment.as_ref().and_then(Expr::as_integer) == Some(0) {
                    return Err(SqlError::new(2753, &[&c.name.text]).into());
                }
                Some((Self::number(i.seed.as_ref(), &ty, 1), Self::number(i.increment.as_ref(), &ty, 1)))
            }
            None => None,
        };
        if c.rowguidcol && ty.id != TypeId::UniqueIdentifier {
            return Err(SqlError::new(2761, &[]).into());
        }
        Ok(NewColumn {
            name: c.name.text.clone(),
            ty,
            user_type,
            nullable,
            identity,
            not_for_replication: c.not_for_replication,
            row_guid: c.rowguidcol,
            sparse: c.sparse,
            column_set: false,
            computed: None,
            computed_from: Vec::new(),
            computed_by: Vec::new(),
            ansi_padding: padding,
            generated,
            hidden: c.hidden,
            xml_collection,
        })
    }

    /// All columns of a new table, with 2705 and 2744. `first` is the id of the first.
    pub fn columns(&mut self, table: &str, d: &TableDefinition) -> Result<Vec<NewColumn>, Fail> {
        let mut out: Vec<NewColumn> = Vec::new();
        let mut known: Vec<Known> = Vec::new();
        for (i, c) in d.columns.iter().enumerate() {
            if known.iter().any(|k| self.same(&k.name, &c.name.text)) {
                return Err(SqlError::new(2705, &[&c.name.text, &table]).into());
            }
            let key = in_primary_key(self.names(), d, c);
            let new = self.column(table, c, key, &known, d)?;
            if new.ty.id == TypeId::RowVersion && out.iter().any(|o| o.ty.id == TypeId::RowVersion) {
                return Err(SqlError::new(2738, &[&table, &new.name]).state(2).into());
            }
            if new.identity.is_some() && out.iter().any(|o| o.identity.is_some()) {
                return Err(SqlError::new(2744, &[&table]).into());
            }
            known.push(Known {
                name: new.name.clone(),
                column_id: i as i32 + 1,
                ty: new.ty,
                nullable: new.nullable,
                is_virtual: is_virtual(&new),
                formula: formula(&new),
            });
            out.push(new);
        }
        Ok(out)
    }
}

/// The column belongs to the primary key that the definition declares.
pub fn in_primary_key(names: NameOrder, d: &TableDefinition, c: &ColumnDefinition) -> bool {
    c.constraints.iter().any(|k| matches!(k.kind, ConstraintKind::Key { primary: true, .. }))
        || d.constraints.iter().any(|k| match &k.kind {
            ConstraintKind::Key { primary: true, columns, .. } => {
                columns.iter().any(|x| names.same(&x.name.text, &c.name.text))
            }
            _ => false,
        })
}
