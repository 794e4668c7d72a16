//! Temporary tables: CREATE, DROP, indexes, and SELECT INTO one; DDL of everything else is in [`crate::ddl`].
//!
//! Invariants
//! 1. A temporary table goes with the procedure or dynamic batch that made it, and with the session.
//! 2. What a transaction made or dropped comes back when it is rolled back.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ColumnDef, IdentityDef};
use holdfast_engine::transaction::Transaction as Work;
use holdfast_engine::write::WriteContext;
use holdfast_tsql::Span;
use holdfast_tsql::ast::{
    self, CreateIndex, CreateTable, Ddl, Drop as DropStatement, SelectStatement, Statement,
};
use holdfast_types::{Column, SqlError, SqlResult, SqlType, Value};

use super::memory_shape::generated_name;
use super::memory_table::{MemoryTable, lock_name, note_undo};
use super::query::{SELECT, plain_column};
use super::run::{Fail, Runner, Scope};
use super::unit::TypeScope;
use crate::ddl::select_into::{keeps_identity, select_with_into_mut};

fn is_temporary(name: &ast::ObjectName) -> bool {
    name.name.text.starts_with('#')
}

/// 2714.
fn exists(name: &str) -> SqlError {
    SqlError::new(2714, &[&name]).state(6)
}

impl Runner<'_> {
    pub fn ddl(&mut self, d: &Ddl, statement: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        match d {
            Ddl::CreateTable(t) if is_temporary(&t.name) => self.create_temporary(t, scope),
            Ddl::CreateIndex(c) if is_temporary(&c.table) => self.index_temporary(c, scope),
            Ddl::Drop(drop) if drop.kind == "TABLE" && drop.names.iter().all(is_temporary) => {
                self.drop_temporary(drop, scope)
            }
            Ddl::Drop(drop)
                if drop.kind == "INDEX" && drop.on.iter().all(|t| t.as_ref().is_some_and(is_temporary)) =>
            {
                self.drop_temporary_index(drop)
            }
            Ddl::Drop(drop) if drop.if_exists && drop.kind == "TABLE" && self.absent(drop) => {
                self.plain_done(0)
            }
            Ddl::AlterTable(a) if is_temporary(&a.name) => self.alter_temporary(a, scope),
            Ddl::CreateProcedure(p) if is_temporary(&p.name) => {
                self.define_temporary_procedure(p, statement, scope)
            }
            Ddl::Drop(drop)
                if matches!(drop.kind.as_str(), "PROCEDURE" | "PROC")
                    && drop.names.iter().all(is_temporary) =>
            {
                self.drop_temporary_procedures(drop, statement, scope)
            }
            Ddl::CreateStatistics(s) if is_temporary(&s.table) => self.statistics_of_temporary(s),
            Ddl::UpdateStatistics { table, .. } if is_temporary(table) => {
                self.temporary_table(table)?;
                self.plain_done(0)
            }
            // Nothing of them is kept, so there is nothing to drop.
            Ddl::Drop(drop)
                if drop.kind == "STATISTICS"
                    && drop
                        .names
                        .iter()
                        .all(|n| n.schema.as_ref().is_some_and(|t| self.temporary_named(t))) =>
            {
                self.plain_done(0)
            }
            Ddl::AlterIndex(a) if is_temporary(&a.table) => self.alter_temporary_index(a),
            _ => self.define(d, statement, scope),
        }
    }

    fn temporary_named(&self, name: &ast::Ident) -> bool {
        name.text.starts_with('#') && self.temporary.get(&name.text.to_lowercase()).is_some()
    }

    fn temporary_table(&self, name: &ast::ObjectName) -> Result<MemoryTable, Fail> {
        let found = self.temporary.get(&name.name.text.to_lowercase());
        found.ok_or_else(|| Fail::Compile(SqlError::new(1088, &[&name.name.text])))
    }

    /// Plans count the rows of tables in memory themselves, so their statistics are checked and nothing is kept.
    fn statistics_of_temporary(&mut self, s: &ast::CreateStatistics) -> Result<(), Fail> {
        let table = self.temporary_table(&s.table)?;
        let names = self.session.current_database().names();
        let has = |c: &ast::Ident| table.definition.columns.iter().any(|d| names.same(&d.name, &c.text));
        match s.columns.iter().find(|c| !has(c)) {
            Some(missing) => Err(SqlError::new(1911, &[&missing.text]).into()),
            None => self.plain_done(0),
        }
    }

    fn create_temporary(&mut self, t: &CreateTable, scope: &mut Scope) -> Result<(), Fail> {
        self.not_doomed()?;
        let key = t.name.name.text.to_lowercase();
        self.begin_implicitly()?;
        let _alone = self.alone_with(&key)?;
        self.check_free_name(&t.name, scope)?;
        let database = self.session.current_database();
        let unit = Arc::clone(&scope.unit);
        let types = TypeScope {
            // tempdb's, which is the instance's.
            collation: self.session.host.instance.options.collation,
            catalog: database as Arc<dyn Catalog>,
            schema: self.session.default_schema(),
            text: &unit.text,
        };
        if t.options.iter().any(|o| o.name == "SYSTEM_VERSIONING") {
            return Err(SqlError::new(13568, &[&format!("tempdb.dbo.{}", t.name.name.text)]).into());
        }
        if t.definition.period.is_some() {
            return Err(SqlError::not_supported("PERIOD FOR SYSTEM_TIME of a temporary table").into());
        }
        let shape = types.shape(&t.name.name.text, &t.definition)?;
        for f in foreign_keys(t) {
            let name =
                f.map_or_else(|| generated_name("FK", &t.name.name.text, 0), |n| n.text.as_str().into());
            let text = format!(
                "Skipping FOREIGN KEY constraint '{name}' definition for temporary table. FOREIGN KEY constraints are not enforced on local or global temporary tables."
            );
            self.info(1766, 0, 1, text)?;
        }
        self.keep_temporary(
            key,
            MemoryTable::of(&t.name.name.text, shape, &self.session.host.temporary_rows),
            scope,
        )?;
        self.plain_done(0)
    }

    /// 2714, unless the name belongs to a caller's table, which the new one hides as long as this scope runs.
    fn check_free_name(&self, name: &ast::ObjectName, scope: &Scope) -> Result<(), SqlError> {
        let key = name.name.text.to_lowercase();
        let inherited =
            self.level > 0 && !key.starts_with("##") && scope.temporaries.iter().all(|t| t.0 != key);
        match self.temporary.get(&key) {
            Some(_) if !inherited => Err(exists(&name.name.text)),
            _ => Ok(()),
        }
    }

    /// Lists a new temporary table, to vanish with a rollback.
    fn keep_temporary(&mut self, key: String, table: MemoryTable, scope: &mut Scope) -> Result<(), Fail> {
        self.begin_implicitly()?;
        let hidden = self.temporary.get(&key);
        self.undo_naming(&key, hidden.clone())?;
        // A global table outlives the procedure that makes it.
        if key.starts_with("##") {
            table.share(&self.session.host.instance.locks);
        } else {
            scope.temporaries.push((key.clone(), hidden));
        }
        self.temporary.insert(key, table);
        self.look_again();
        Ok(())
    }

    /// On a rollback the name means again what it meant.
    fn undo_naming(&self, key: &str, before: Option<MemoryTable>) -> Result<(), Fail> {
        let work = self.session.state.lock().transaction.open.clone();
        if let Some(work) = work {
            let (tables, name) = (Arc::clone(&self.temporary), key.to_owned());
            note_undo(
                &work,
                Box::new(move || match before {
                    Some(table) => tables.insert(name, table),
                    None => {
                        tables.remove(&name);
                    }
                }),
            )?;
        }
        Ok(())
    }

    /// A changed table in place of the one of that name.
    pub fn replace_temporary(&mut self, name: &ast::ObjectName, new: MemoryTable) -> Result<(), Fail> {
        let key = name.name.text.to_lowercase();
        if key.starts_with("##") {
            new.share(&self.session.host.instance.locks);
        }
        self.undo_naming(&key, self.temporary.get(&key))?;
        self.temporary.insert(key, new);
        self.look_again();
        Ok(())
    }

    pub fn find_temporary(&self, name: &ast::ObjectName) -> Option<MemoryTable> {
        self.temporary.get(&name.name.text.to_lowercase())
    }

    fn index_temporary(&mut self, c: &CreateIndex, scope: &Scope) -> Result<(), Fail> {
        let _alone = self.alone_with(&c.table.name.text.to_lowercase())?;
        let Some(table) = self.find_temporary(&c.table) else {
            let text = format!(
                "Cannot find the object \"{}\" because it does not exist or you do not have permissions.",
                c.table
            );
            return Err(SqlError::with_text(1088, 16, text).state(12).into());
        };
        let database = self.session.current_database();
        let types = TypeScope {
            // tempdb's, which is the instance's.
            collation: self.session.host.instance.options.collation,
            catalog: database as Arc<dyn Catalog>,
            schema: self.session.default_schema(),
            text: &scope.unit.text,
        };
        let d = &table.definition;
        let (index, ignore) = types.new_index(c, &d.columns, &d.indexes)?;
        if c.filter.is_some() && !table.rows.is_empty() {
            self.add_filtered_index(&c.table, &table, index, scope)?;
            return self.plain_done(0);
        }
        let new = table.with_index(index, ignore)?;
        self.temporary.insert(c.table.name.text.to_lowercase(), new);
        self.look_again();
        self.plain_done(0)
    }

    fn drop_temporary_index(&mut self, drop: &DropStatement) -> Result<(), Fail> {
        for (name, on) in drop.names.iter().zip(&drop.on) {
            let Some(on) = on else { continue };
            let _alone = self.alone_with(&on.name.text.to_lowercase())?;
            let names = self.session.current_database().names();
            let new = self.find_temporary(on).and_then(|t| t.without_index(names, &name.name.text));
            match new {
                Some(t) => {
                    self.temporary.insert(on.name.text.to_lowercase(), t);
                }
                None if drop.if_exists => {}
                None => {
                    let text = format!(
                        "Cannot drop the index '{}.{}', because it does not exist or you do not have permission.",
                        on, name.name.text
                    );
                    return Err(SqlError::with_text(3701, 11, text).state(7).into());
                }
            }
        }
        self.plain_done(0)
    }

    /// Waits until nobody else uses a table that all sessions see, or defines one of its name; nobody does while what is answered is
    /// there, and until the transaction ends.
    pub(super) fn alone_with(&self, key: &str) -> Result<Option<Arc<Work>>, Fail> {
        if !key.starts_with("##") {
            return Ok(None);
        }
        let work = self.session.open_transaction().unwrap_or_else(|| self.session.new_transaction());
        let wait = self.session.lock_wait();
        let locks = &self.session.host.instance.locks;
        lock_name(locks, key, WriteContext { transaction: &work, wait: &wait })?;
        Ok(Some(work))
    }

    fn drop_temporary(&mut self, drop: &DropStatement, scope: &mut Scope) -> Result<(), Fail> {
        for name in &drop.names {
            let key = name.name.text.to_lowercase();
            self.begin_implicitly()?;
            let _alone = self.alone_with(&key)?;
            let gone = self.temporary.remove(&key);
            match gone {
                Some(table) => {
                    self.undo_naming(&key, Some(table))?;
                    // What it hid can be seen again.
                    if let Some(at) = scope.temporaries.iter().rposition(|t| t.0 == key)
                        && let Some(hidden) = scope.temporaries.remove(at).1
                    {
                        self.temporary.insert(key, hidden);
                    }
                }
                None if drop.if_exists => {}
                None => {
                    let text = format!(
                        "Cannot drop the table '{}', because it does not exist or you do not have permission.",
                        name.name.text
                    );
                    return Err(SqlError::with_text(3701, 11, text).state(5).into());
                }
            }
        }
        self.look_again();
        self.plain_done(0)
    }

    /// Nothing of what the statement drops is there.
    fn absent(&self, drop: &DropStatement) -> bool {
        let database = self.session.names_database();
        drop.names.iter().all(|n| {
            let schema = n.schema.as_ref().map_or("", |s| s.text.as_str());
            n.database.is_none()
                && database.find_object(schema, &n.name.text, "dbo").is_ok_and(|o| o.is_none())
        })
    }

    /// SELECT INTO.
    pub fn select_into(
        &mut self,
        q: &SelectStatement,
        table: &ast::ObjectName,
        span: Span,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        if !is_temporary(table) {
            return self.select_into_table(q, table, span, scope);
        }
        let name = table.name.text.to_lowercase();
        self.begin_implicitly()?;
        let _alone = self.alone_with(&name)?;
        self.check_free_name(table, scope).map_err(|e| e.at_line(span.line))?;
        let mut plain = q.clone();
        let (mut new_identity, mut keeps) = (None, false);
        if let Some((s, alone)) = select_with_into_mut(&mut plain.query.body) {
            s.into = None;
            if alone {
                keeps = keeps_identity(s);
                new_identity = take_identity(s);
            }
        }
        let bound = self.bind_fresh(&plain, scope)?;
        self.authorize(&bound.accesses, scope)?;
        let names = self.session.current_database().names();
        let mut definitions: Vec<ColumnDef> = Vec::with_capacity(bound.columns.len());
        for (i, c) in bound.columns.iter().enumerate() {
            if c.name.is_empty() {
                return Err(SqlError::new(1038, &[]).state(5).into());
            }
            if definitions.iter().any(|d| names.same(&d.name, &c.name)) {
                return Err(SqlError::new(2705, &[&c.name, &table.name.text]).state(3).into());
            }
            let mut d = plain_column(&c.name, i, c.ty, c.nullable);
            if c.identity
                && keeps
                && new_identity.is_none()
                && !definitions.iter().any(|d| d.identity.is_some())
            {
                // A column selected as it is keeps being the identity; values go on after the highest.
                d.identity =
                    Some(IdentityDef { seed: Value::BigInt(1), increment: Value::BigInt(1), last: None });
                d.nullable = false;
            }
            definitions.push(d);
        }
        let counts = new_identity.map(|(at, def)| {
            definitions[at].ty = def.1;
            definitions[at].nullable = false;
            let seed = super::identity::whole(&def.0.seed).unwrap_or(1);
            let step = super::identity::whole(&def.0.increment).unwrap_or(1);
            definitions[at].identity = Some(def.0);
            (at, def.1, seed, step)
        });
        let made = MemoryTable::new(&table.name.text, definitions, &self.session.host.temporary_rows);
        let identity = made.definition.columns.iter().position(|c| c.identity.is_some());
        let writer = holdfast_engine::access::TableAccess::writer(&*made.rows);
        let context = self.context(scope);
        let mut source = crate::operator::open(&bound.plan, &context)?;
        let mut count = 0u64;
        while let Some(mut batch) = source.next_batch()? {
            context.check_cancel()?;
            if let Some((at, ty, seed, step)) = &counts {
                let next =
                    |n: usize| super::identity::value_of(seed + step * (i128::from(count) + n as i128), ty);
                let values = (0..batch.len).map(next).collect::<SqlResult<Vec<Value>>>()?;
                batch.columns[*at] = Arc::new(Column::from_values(ty, &values)?);
            }
            if let (Some(at), Some(writer)) = (identity, &writer) {
                let ty = made.definition.columns[at].ty;
                for i in 0..batch.len {
                    writer.note_identity(&batch.columns[at].value(i, &ty), false)?;
                }
            }
            made.rows.append_batch(&batch)?;
            count += batch.len as u64;
        }
        drop(source);
        self.keep_temporary(name, made, scope)?;
        self.counted(count, SELECT, true)
    }
}

fn foreign_keys(t: &CreateTable) -> Vec<Option<ast::Ident>> {
    let is = |k: &ast::ConstraintKind| matches!(k, ast::ConstraintKind::ForeignKey { .. });
    let columns = t.definition.columns.iter().flat_map(|c| &c.constraints);
    columns
        .filter(|k| is(&k.kind))
        .map(|k| k.name.clone())
        .chain(t.definition.constraints.iter().filter(|k| is(&k.kind)).map(|k| k.name.clone()))
        .collect()
}

/// Takes `IDENTITY(type, seed, increment) AS name` out of a select list: its place and definition.
pub fn take_identity(s: &mut ast::Select) -> Option<(usize, (IdentityDef, SqlType))> {
    for (i, item) in s.items.iter_mut().enumerate() {
        let ast::SelectItem::Expr { expr, .. } = item else { continue };
        let ast::ExprKind::Function(call) = &expr.kind else { continue };
        if !call.name.is_simple() || !call.name.name.is("IDENTITY") {
            continue;
        }
        let n = |i: usize| call.arguments.get(i).and_then(ast::Expr::as_integer).unwrap_or(1);
        let def = IdentityDef { seed: Value::BigInt(n(1)), increment: Value::BigInt(n(2)), last: None };
        let ty = call.arguments.first().map_or(SqlType::INT, identity_type);
        let span = expr.span;
        *expr = ast::Expr::new(ast::ExprKind::Literal(ast::Literal::Integer("0".into())), span);
        return Some((i, (def, ty)));
    }
    None
}

/// The type that IDENTITY() names: `int`, `decimal(9)` …
fn identity_type(e: &ast::Expr) -> SqlType {
    let (name, precision) = match &e.kind {
        ast::ExprKind::Column(parts) => {
            (parts.last().map_or("", |p| p.text.as_str()).to_ascii_lowercase(), None)
        }
        ast::ExprKind::Function(call) => {
            let precision = call.arguments.first().and_then(ast::Expr::as_integer);
            (call.name.name.text.to_ascii_lowercase(), precision)
        }
        _ => return SqlType::INT,
    };
    let precision =
        precision.and_then(|p| u8::try_from(p).ok()).filter(|p| (1..=38).contains(p)).unwrap_or(18);
    match name.as_str() {
        "tinyint" => SqlType::TINYINT,
        "smallint" => SqlType::SMALLINT,
        "bigint" => SqlType::BIGINT,
        "decimal" => SqlType::decimal(precision, 0),
        "numeric" => SqlType::numeric(precision, 0),
        _ => SqlType::INT,
    }
}
