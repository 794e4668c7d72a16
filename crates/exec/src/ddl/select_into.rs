//! SELECT INTO a table of a database.
//!
//! Invariants
//! 1. The table is made first, then filled: rows that cannot be put in leave an empty table, unless a transaction around both
//!    is rolled back.
//! 2. A column keeps type, collation, nullability and alias type. It keeps IDENTITY when it comes straight from one table that
//!    is read alone; other properties (default, computed, ROWGUIDCOL, sparse) are not taken over.
//!
//! Evidence: T-SQL reference, "SELECT - INTO Clause".

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, IdentityDef, ObjectDef};
use holdfast_engine::ddl::table::NewColumn;
use holdfast_engine::write::{NewRow, WriteContext};
use holdfast_plan::physical::ResultColumnInfo;
use holdfast_tsql::Span;
use holdfast_tsql::ast::{ObjectName, QueryBody, Select, SelectStatement, StoragePlace, TableKind};
use holdfast_types::{SqlError, SqlType, TypeId, Value};

use super::lower::built_in_type;
use super::name_taken;
use crate::host::HostDatabase;
use crate::operator;
use crate::procedure::identity::{value_of, whole};
use crate::procedure::query::SELECT;
use crate::procedure::run::{Fail, Runner, Scope, next_run};
use crate::procedure::temporary::take_identity;

/// The SELECT that may have an INTO: that of the query, or the first of a set operation.
pub fn select_with_into(body: &QueryBody) -> Option<&Select> {
    match body {
        QueryBody::Select(s) => Some(s),
        QueryBody::Set { left, .. } => select_with_into(left),
        _ => None,
    }
}

/// The same, and whether it is all of the query.
pub fn select_with_into_mut(body: &mut QueryBody) -> Option<(&mut Select, bool)> {
    match body {
        QueryBody::Select(s) => Some((s, true)),
        QueryBody::Set { left, .. } => select_with_into_mut(left).map(|(s, _)| (s, false)),
        _ => None,
    }
}

/// Whether identity may be taken over: one table, no grouping, nothing distinct.
pub fn keeps_identity(s: &Select) -> bool {
    let one = matches!(
        s.from.as_slice(),
        [t] if matches!(t.kind, TableKind::Named(_) | TableKind::Variable { .. } | TableKind::Derived { .. })
    );
    one && s.group_by.is_none() && s.having.is_none() && !s.distinct
}

impl Runner<'_> {
    /// Seed and increment of the identity column that a result column is.
    fn identity_behind(&self, c: &ResultColumnInfo, scope: &Scope) -> Option<IdentityDef> {
        let source = c.source.as_ref()?;
        let find = |columns: &[holdfast_engine::catalog::ColumnDef]| {
            columns.iter().find(|d| d.name == source.column).and_then(|d| d.identity.clone())
        };
        let key = source.table.to_lowercase();
        if let Some(t) = scope.tables.get(&key) {
            return find(&t.definition.columns);
        }
        if let Some(t) = self.temporary.get(&key) {
            return find(&t.definition.columns);
        }
        let database = self.session.host.database(&source.database).ok()?;
        match database.object(&source.schema, &source.table)? {
            ObjectDef::Table(t) => find(&t.columns),
            _ => None,
        }
    }

    fn new_columns(
        &self,
        found: &[ResultColumnInfo],
        into: &ObjectName,
        database: &Arc<HostDatabase>,
        made: Option<&(usize, (IdentityDef, SqlType))>,
        keeps: bool,
        scope: &Scope,
    ) -> Result<Vec<NewColumn>, Fail> {
        let mut columns: Vec<NewColumn> = Vec::with_capacity(found.len());
        // A temporary table's columns are met by statements of the current database.
        let names = match into.name.text.starts_with('#') {
            true => self.session.current_database().names(),
            false => database.names(),
        };
        let straight = found.iter().filter(|c| c.identity).count() == 1;
        for (i, c) in found.iter().enumerate() {
            if c.name.is_empty() {
                return Err(SqlError::new(1038, &[]).state(5).into());
            }
            if columns.iter().any(|d| names.same(&d.name, &c.name)) {
                return Err(SqlError::new(2705, &[&c.name, &into.name.text]).state(3).into());
            }
            let mut ty = if c.ty.id == TypeId::Null { SqlType::INT } else { c.ty };
            if (ty.id.is_character() || ty.id.is_binary()) && ty.length == 0 {
                // An empty string has a length of one.
                ty.length = if ty.id.is_unicode() { 2 } else { 1 };
            }
            let user_type = c.user_type.as_deref().and_then(|n| {
                if n == "sysname" {
                    return Some(256);
                }
                let (schema, name) = n.split_once('.')?;
                let catalog = database.online().stored()?;
                catalog.type_named(Some(schema), name).filter(|t| t.1 == ty).map(|t| t.0)
            });
            let mut new =
                NewColumn::plain(&c.name, ty, user_type.unwrap_or_else(|| built_in_type(&ty)), c.nullable);
            if let Some((_, (def, ty))) = made.filter(|m| m.0 == i) {
                if let Some(other) = found.iter().find(|c| keeps && straight && c.identity) {
                    return Err(SqlError::new(8108, &[&into.name.text, &other.name]).into());
                }
                let of = |v: &Value| value_of(whole(v).unwrap_or(1), ty);
                new = NewColumn::plain(&c.name, *ty, built_in_type(ty), false);
                new.identity = Some((of(&def.seed)?, of(&def.increment)?));
            } else if c.identity && keeps && straight && made.is_none() {
                new.nullable = false;
                let of = |v: &Value| value_of(whole(v).unwrap_or(1), &ty);
                new.identity = match self.identity_behind(c, scope) {
                    Some(d) => Some((of(&d.seed)?, of(&d.increment)?)),
                    None => None,
                };
            } else if c.identity {
                new.nullable = false;
            }
            columns.push(new);
        }
        Ok(columns)
    }

    pub fn select_into_table(
        &mut self,
        q: &SelectStatement,
        into: &ObjectName,
        span: Span,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let database = match &into.database {
            Some(d) => self.session.host.database(&d.text)?,
            None => self.session.names_database(),
        };
        let mut query = q.clone();
        let (mut made, mut keeps, mut place) = (None, false, None);
        if let Some((s, alone)) = select_with_into_mut(&mut query.query.body) {
            let on = s.into.take().and_then(|i| i.filegroup);
            place = on.map(|name| StoragePlace { name, columns: Vec::new() });
            if alone {
                keeps = keeps_identity(s);
                made = take_identity(s);
            }
        }
        self.may_create_table(into, &database)?;
        self.begin_implicitly()?;
        let bound = self.bind_fresh(&query, scope)?;
        self.authorize(&bound.accesses, scope)?;
        let columns = self.new_columns(&bound.columns, into, &database, made.as_ref(), keeps, scope)?;
        let object = self.defining(&database, span, scope, |work| {
            if work.watched {
                work.events = vec![work.object_event("CREATE", "TABLE", into)?];
            }
            let schema = work.schema_of(into)?;
            work.writer()?.check_free(schema, &into.name.text).map_err(name_taken)?;
            let place = work.placement(place.as_ref(), &[])?;
            let object = work.writer()?.next_object_id()?;
            work.lock(object)?;
            work.write_table(object, "U ", schema, &into.name.text, &columns, None, &place)?;
            Ok(object)
        })?;
        scope.run = next_run();
        let count = self.fill_new_table(&database, object, &bound, &columns, made.map(|m| m.0), scope)?;
        self.counted(count, SELECT, true)
    }

    fn fill_new_table(
        &mut self,
        database: &Arc<HostDatabase>,
        object: i32,
        bound: &holdfast_plan::BoundQuery,
        columns: &[NewColumn],
        made: Option<usize>,
        scope: &Scope,
    ) -> Result<u64, Fail> {
        let gone = || Fail::Error(SqlError::new(208, &[&database.name]));
        let now = self.session.host.database_by_id(database.id).ok_or_else(gone)?;
        let table = now.table_by_id(object)?.ok_or_else(gone)?;
        let writer = table.access.writer().ok_or_else(|| SqlError::new(3906, &[&database.name]))?;
        let identity = columns.iter().position(|c| c.identity.is_some());
        let (seed, step) = match identity.and_then(|i| columns[i].identity.as_ref()) {
            Some((s, i)) => (whole(s).unwrap_or(1), whole(i).unwrap_or(1)),
            None => (1, 1),
        };
        let wait = self.session.lock_wait();
        self.changing(|r, work| {
            let context = r.context(scope);
            let types: Vec<SqlType> = bound.plan.columns.iter().map(|c| c.ty).collect();
            let mut source = operator::open(&bound.plan, &context)?;
            let (mut count, mut last) = (0u64, None::<i128>);
            while let Some(batch) = source.next_batch()? {
                context.check_cancel()?;
                let mut rows = Vec::with_capacity(batch.len);
                for i in 0..batch.len {
                    let mut values = batch.row(i, &types);
                    if let Some(at) = made {
                        let n = seed + step * i128::from(count + i as u64);
                        values[at] = value_of(n, &columns[at].ty)?;
                    }
                    if let Some(n) = identity.and_then(|at| whole(&values[at])) {
                        let further = last.is_none_or(|l| if step > 0 { n > l } else { n < l });
                        last = if further { Some(n) } else { last };
                    }
                    rows.push(NewRow { values, outside_indexes: Vec::new() });
                }
                count += writer.insert(WriteContext { transaction: work, wait: &wait }, &rows)?;
            }
            if let (Some(at), Some(n)) = (identity, last) {
                writer.note_identity(&value_of(n, &columns[at].ty)?, false)?;
            }
            r.warn_of_nulls(&context)?;
            Ok(count)
        })
    }
}
