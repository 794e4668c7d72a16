//! Changes of tables in memory: INSERT into table variables and temporary tables, and their CREATE, DROP, TRUNCATE and
//! DELETE without a condition. Changes of stored tables answer "not supported yet".

use std::sync::Arc;

use holdfast_engine::catalog::ColumnDef;
use holdfast_tsql::Span;
use holdfast_tsql::ast::{
    Ddl, Delete, DmlTarget, Drop as DropStatement, ExprKind, Insert, InsertSource, ObjectName,
    SelectStatement, StatementKind,
};
use holdfast_types::{SqlError, SqlType, Value};

use super::memory_table::MemoryTable;
use super::query::convert;
use super::run::{Fail, Runner, Scope, next_run};
use super::unit::TypeScope;

/// CurCmd values.
const INSERT: u16 = 0xC3;
const DELETE: u16 = 0xC4;

/// Rows that INSERT … EXEC takes from the called text.
#[derive(Default)]
struct Captured {
    rows: Vec<Vec<Value>>,
    types: Vec<SqlType>,
}

impl Runner<'_> {
    /// A table in memory that a data change names.
    fn memory_target(&self, target: &DmlTarget, scope: &Scope) -> Option<MemoryTable> {
        match target {
            DmlTarget::Variable(v) => scope.tables.get(&v.to_lowercase()).cloned(),
            DmlTarget::Named { name, .. } if name.name.text.starts_with('#') => {
                self.temporary.lock().get(&name.name.text.to_lowercase()).cloned()
            }
            _ => None,
        }
    }

    fn missing_target(target: &DmlTarget, what: &str) -> Fail {
        match target {
            DmlTarget::Named { name, .. } if name.name.text.starts_with('#') => {
                Fail::Compile(SqlError::new(208, &[&name.name.text]))
            }
            DmlTarget::Variable(v) => {
                let text = format!("Must declare the table variable \"{v}\".");
                Fail::Compile(SqlError::with_text(1087, 15, text))
            }
            _ => Fail::Error(SqlError::not_supported(format!("{what} of a stored table"))),
        }
    }

    pub fn insert(&mut self, i: &Insert, span: Span, scope: &mut Scope) -> Result<(), Fail> {
        let Some(table) = self.memory_target(&i.target, scope) else {
            return Err(Self::missing_target(&i.target, "INSERT"));
        };
        if i.top.is_some() || !i.output.is_empty() {
            return Err(SqlError::not_supported("INSERT with TOP or OUTPUT").into());
        }
        let columns = &table.definition.columns;
        let places = places(i, columns, span)?;
        let mut rows = Vec::new();
        match &i.source {
            InsertSource::Values(list) => {
                for values in list {
                    self.check_count(places.len(), values.len(), span)?;
                    let mut row = Vec::with_capacity(values.len());
                    for (v, &place) in values.iter().zip(&places) {
                        row.push(match v.kind {
                            ExprKind::Default => Value::Null,
                            _ => self.value_as(v, columns[place].ty, scope)?,
                        });
                    }
                    rows.push(row);
                }
            }
            InsertSource::DefaultValues => rows.push(vec![Value::Null; places.len()]),
            InsertSource::Query(q) => {
                let mut query = (**q).clone();
                if query.with.is_none() {
                    query.with = i.with.clone();
                }
                let select = SelectStatement { query, options: i.options.clone() };
                let bound = self.bind_fresh(&select, scope)?;
                let (from, found) = self.rows_of(&bound, scope)?;
                self.check_count(places.len(), from.len(), span)?;
                let types: Vec<SqlType> = from.iter().map(|c| c.ty).collect();
                rows = self.converted(found, &types, &places, columns, scope)?;
            }
            InsertSource::Execute(e) => {
                let mut captured = Captured::default();
                self.captured(e, span, scope, &mut captured)?;
                self.check_count(
                    places.len(),
                    captured.types.len().max(usize::from(captured.rows.is_empty()) * places.len()),
                    span,
                )?;
                rows = self.converted(captured.rows, &captured.types, &places, columns, scope)?;
            }
        }
        let count = rows.len() as u64;
        let whole = whole_rows(rows, &places, &table)?;
        table.rows.append(whole);
        self.counted(count, INSERT, true)
    }

    fn check_count(&self, expected: usize, found: usize, span: Span) -> Result<(), Fail> {
        if expected == found {
            return Ok(());
        }
        let text = "Column name or number of supplied values does not match table definition.";
        Err(Fail::Compile(SqlError::with_text(213, 16, text).at_line(span.line)))
    }

    fn converted(
        &self,
        rows: Vec<Vec<Value>>,
        types: &[SqlType],
        places: &[usize],
        columns: &[ColumnDef],
        scope: &Scope,
    ) -> Result<Vec<Vec<Value>>, Fail> {
        let context = self.context(scope);
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let mut new = Vec::with_capacity(row.len());
            for ((v, from), &place) in row.iter().zip(types).zip(places) {
                new.push(convert(v, *from, columns[place].ty, &context)?);
            }
            out.push(new);
        }
        Ok(out)
    }

    /// Runs EXEC and keeps its rows instead of sending them.
    fn captured(
        &mut self,
        e: &holdfast_tsql::ast::Execute,
        span: Span,
        scope: &mut Scope,
        captured: &mut Captured,
    ) -> Result<(), Fail> {
        let mut sink = CaptureSink { captured, outer: self.sink };
        let mut inner = Runner {
            session: Arc::clone(&self.session),
            shared: Arc::clone(&self.shared),
            sink: &mut sink,
            kind: crate::session::DoneKind::InProc,
            tries: self.tries,
            level: self.level,
            temporary: Arc::clone(&self.temporary),
            cursors: Arc::clone(&self.cursors),
        };
        inner.execute(e, span, scope)
    }

    pub fn delete(&mut self, d: &Delete, scope: &mut Scope) -> Result<(), Fail> {
        let Some(table) = self.memory_target(&d.target, scope) else {
            return Err(Self::missing_target(&d.target, "DELETE"));
        };
        if d.filter.is_some() || !d.from.is_empty() || d.top.is_some() || !d.output.is_empty() {
            return Err(SqlError::not_supported("DELETE with a condition").into());
        }
        let count = table.rows.len() as u64;
        table.rows.clear();
        self.counted(count, DELETE, true)
    }

    pub fn truncate(&mut self, name: &ObjectName) -> Result<(), Fail> {
        let found = self.temporary.lock().get(&name.name.text.to_lowercase()).cloned();
        match found {
            Some(t) => {
                t.rows.clear();
                self.plain_done(0)
            }
            None => Err(SqlError::not_supported("TRUNCATE TABLE").into()),
        }
    }

    pub fn ddl(&mut self, d: &Ddl, kind: &StatementKind, scope: &mut Scope) -> Result<(), Fail> {
        match d {
            Ddl::CreateTable(t) if t.name.name.text.starts_with('#') => {
                let key = t.name.name.text.to_lowercase();
                if self.temporary.lock().contains_key(&key) {
                    let text =
                        format!("There is already an object named '{}' in the database.", t.name.name.text);
                    return Err(SqlError::with_text(2714, 16, text).state(6).into());
                }
                let database = self.session.current_database();
                let collation = holdfast_engine::catalog::Catalog::default_collation(&*database);
                let types = TypeScope { catalog: &*database, collation };
                let columns = types.columns(&t.definition)?;
                let table = MemoryTable::new(&t.name.name.text, columns);
                self.temporary.lock().insert(key, table);
                scope.run = next_run();
                self.plain_done(0)
            }
            Ddl::Drop(drop)
                if drop.kind == "TABLE" && drop.names.iter().all(|n| n.name.text.starts_with('#')) =>
            {
                self.drop_temporary(drop, scope)
            }
            Ddl::Drop(drop) if drop.if_exists && drop.kind == "TABLE" && self.absent(drop) => {
                self.plain_done(0)
            }
            _ => self.administration(kind, scope),
        }
    }

    fn drop_temporary(&mut self, drop: &DropStatement, scope: &mut Scope) -> Result<(), Fail> {
        for name in &drop.names {
            let gone = self.temporary.lock().remove(&name.name.text.to_lowercase()).is_some();
            if !gone && !drop.if_exists {
                let text = format!(
                    "Cannot drop the table '{}', because it does not exist or you do not have permission.",
                    name.name.text
                );
                return Err(SqlError::with_text(3701, 11, text).state(5).into());
            }
        }
        scope.run = next_run();
        self.plain_done(0)
    }

    /// Nothing of what the statement drops is there.
    fn absent(&self, drop: &DropStatement) -> bool {
        let database = self.session.current_database();
        drop.names.iter().all(|n| {
            let schema = n.schema.as_ref().map_or("", |s| s.text.as_str());
            n.database.is_none()
                && database.find_object(schema, &n.name.text, "dbo").is_ok_and(|o| o.is_none())
        })
    }
}

/// Positions in the table that the statement's values go to.
fn places(i: &Insert, columns: &[ColumnDef], span: Span) -> Result<Vec<usize>, Fail> {
    if i.columns.is_empty() {
        return Ok((0..columns.len()).filter(|&c| columns[c].identity.is_none()).collect());
    }
    let mut out = Vec::with_capacity(i.columns.len());
    for parts in &i.columns {
        let name = parts.last().map_or("", |p| p.text.as_str());
        let at = columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
        let Some(at) = at else {
            return Err(Fail::Compile(SqlError::new(207, &[&name]).at_line(span.line)));
        };
        out.push(at);
    }
    Ok(out)
}

/// Rows over all columns: identities generated, NULLs checked.
fn whole_rows(rows: Vec<Vec<Value>>, places: &[usize], table: &MemoryTable) -> Result<Vec<Vec<Value>>, Fail> {
    let columns = &table.definition.columns;
    let before = table.rows.len();
    let mut out = Vec::with_capacity(rows.len());
    for (n, row) in rows.into_iter().enumerate() {
        let mut whole = vec![Value::Null; columns.len()];
        for (v, &place) in row.into_iter().zip(places) {
            whole[place] = v;
        }
        for (i, c) in columns.iter().enumerate() {
            if let Some(identity) = &c.identity
                && !places.contains(&i)
            {
                let of = |v: &Value| super::raise::integer(v).unwrap_or(1);
                let value = of(&identity.seed) + of(&identity.increment) * (before + n) as i64;
                whole[i] = integer_of(value, &c.ty);
            }
            if whole[i].is_null() && !places.contains(&i) && c.default.is_some() {
                return Err(SqlError::not_supported("DEFAULT of a column of a temporary table").into());
            }
            if whole[i].is_null() && !c.nullable {
                let text = format!(
                    "Cannot insert the value NULL into column '{}', table '{}'; column does not allow nulls. INSERT fails.",
                    c.name, table.definition.name
                );
                return Err(SqlError::with_text(515, 16, text).state(2).into());
            }
        }
        out.push(whole);
    }
    Ok(out)
}

fn integer_of(n: i64, ty: &SqlType) -> Value {
    use holdfast_types::TypeId;
    match ty.id {
        TypeId::TinyInt => Value::TinyInt(n as u8),
        TypeId::SmallInt => Value::SmallInt(n as i16),
        TypeId::Int => Value::Int(n as i32),
        TypeId::BigInt => Value::BigInt(n),
        _ => Value::Decimal(holdfast_types::Decimal::new(i128::from(n), 0)),
    }
}

/// Takes rows; passes messages on.
struct CaptureSink<'a> {
    captured: &'a mut Captured,
    outer: &'a mut dyn crate::session::ResultSink,
}

impl crate::session::ResultSink for CaptureSink<'_> {
    fn columns(&mut self, columns: &[crate::session::ResultColumn]) -> crate::session::SinkResult {
        self.captured.types = columns.iter().map(|c| c.ty).collect();
        Ok(())
    }
    fn rows(&mut self, batch: &holdfast_types::Batch) -> crate::session::SinkResult {
        let types = self.captured.types.clone();
        self.captured.rows.extend((0..batch.len).map(|i| batch.row(i, &types)));
        Ok(())
    }
    fn done(&mut self, done: crate::session::Done) -> crate::session::SinkResult {
        if done.error { self.outer.done(done) } else { Ok(()) }
    }
    fn message(&mut self, message: &SqlError) -> crate::session::SinkResult {
        self.outer.message(message)
    }
    fn environment(&mut self, change: crate::session::EnvironmentChange) -> crate::session::SinkResult {
        self.outer.environment(change)
    }
    fn return_status(&mut self, _: i32) -> crate::session::SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> crate::session::SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> crate::session::SinkResult {
        self.outer.flush()
    }
}
