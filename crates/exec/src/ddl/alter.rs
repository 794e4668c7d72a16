//! ALTER TABLE.
//!
//! Invariants
//! 1. What the server does in the catalog alone is done there alone: adding a column that allows NULL, dropping a column, making a
//!    variable column longer, allowing NULL. Everything else writes the values of the column anew.

use std::sync::Arc;

use holdfast_engine::access::{BOOKMARK, ReadContext};
use holdfast_engine::catalog::{Catalog, ColumnDef, IndexKind, TableDef};
use holdfast_engine::ddl::layout::fixed_size;
use holdfast_engine::ddl::object::{Escalation, bits};
use holdfast_engine::ddl::rows::FIRST_OF_2008;
use holdfast_engine::ddl::table::NewColumn;
use holdfast_engine::write::{RowUpdate, WriteContext};
use holdfast_tsql::ast::{
    AlterTable, AlterTableAction, AlterTableDrop, ColumnDefinition, ConstraintKind, Expr, ExprKind, Ident,
    Setting, TableDefinition,
};
use holdfast_types::{SqlError, SqlType, TypeId, Value};

use super::constraint::Declared;
use super::lower::known_columns;
use super::{Definition, shown};
use crate::procedure::change::fit::fit;
use crate::procedure::query::convert;
use crate::procedure::run::Fail;

/// What a new column gets in the rows that are there.
#[derive(Clone)]
enum Fill<'a> {
    Value(Value),
    /// Evaluated for every row.
    Each(&'a Expr, SqlType),
    Identity,
    RowVersion,
}

/// The type that values of a column are converted to before it is looked whether they fit the new one: strings and bytes keep
/// their length.
fn whole_type(old: &SqlType, new: &SqlType) -> SqlType {
    let long = |t: &SqlType| t.id.is_character() || matches!(t.id, TypeId::Binary | TypeId::VarBinary);
    match new.id {
        _ if !long(old) => *new,
        TypeId::Char | TypeId::VarChar => SqlType::varchar(-1, new.collation),
        TypeId::NChar | TypeId::NVarChar => SqlType::nvarchar_max(new.collation),
        TypeId::Binary | TypeId::VarBinary => SqlType::binary(TypeId::VarBinary, -1),
        _ => *new,
    }
}

fn is_literal(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Literal(_) => true,
        ExprKind::Paren(inner) => is_literal(inner),
        ExprKind::Unary { operand, .. } => is_literal(operand),
        _ => false,
    }
}

impl Definition<'_, '_> {
    pub fn alter_table(&mut self, a: &AlterTable) -> Result<(), Fail> {
        let table = self.table(&a.name)?;
        self.lock(table.object_id)?;
        match &a.action {
            AlterTableAction::Add { with_check, definition } => self.add(&table, *with_check, definition),
            AlterTableAction::AlterColumn { column, .. } => self.alter_column(&table, column),
            AlterTableAction::Drop(list) => {
                for d in list {
                    let table = self
                        .catalog()?
                        .table(table.object_id)?
                        .ok_or_else(|| SqlError::new(4902, &[&shown(&a.name)]))?;
                    self.drop_part(&table, d)?;
                    self.refresh()?;
                }
                Ok(())
            }
            AlterTableAction::CheckConstraint { with_check, enable, all, names } => {
                self.check_constraints(&table, *with_check, *enable, *all, names)
            }
            AlterTableAction::Trigger { enable, all, names } => {
                let on = holdfast_tsql::ast::TriggerTarget::Object(a.name.clone());
                let names: Vec<_> =
                    names.iter().map(|n| holdfast_tsql::ast::ObjectName::one(n.clone())).collect();
                self.enable_trigger(*enable, &names, *all, &on)
            }
            AlterTableAction::Rebuild { partition, options } => {
                self.rebuild_table(&table, partition.as_ref(), options)
            }
            AlterTableAction::AlterColumnProperty { column, add, property, .. } if property == "HIDDEN" => {
                self.set_hidden(&table, &column.text, *add)
            }
            AlterTableAction::AlterColumnProperty { column, add, property, .. } if property == "SPARSE" => {
                self.set_sparse(&table, &column.text, *add)
            }
            AlterTableAction::AlterColumnProperty { property, .. } => {
                Err(SqlError::not_supported(format!("ALTER COLUMN … {property}")).into())
            }
            AlterTableAction::Switch { partition, target, target_partition, options } => {
                self.switch(&table, partition.as_ref(), target, target_partition.as_ref(), options)
            }
            AlterTableAction::ChangeTracking { .. } => Err(SqlError::not_supported("Change tracking").into()),
            AlterTableAction::Set(options) => {
                let names: Vec<&str> = options.iter().map(|o| o.name.as_str()).collect();
                if let ([o], ["LOCK_ESCALATION"]) = (options.as_slice(), names.as_slice()) {
                    return self.set_escalation(&table, o);
                }
                if let ([o], ["SYSTEM_VERSIONING"]) = (options.as_slice(), names.as_slice()) {
                    return self.set_versioning(&table, o);
                }
                Err(SqlError::not_supported(format!("ALTER TABLE SET {}", names.join(", "))).into())
            }
            _ => Err(SqlError::not_supported("This form of ALTER TABLE").into()),
        }
    }

    /// AUTO is kept, and is what TABLE is: row locks on a partition escalate to the table.
    fn set_escalation(&mut self, table: &TableDef, o: &Setting) -> Result<(), Fail> {
        let given = o.value.as_ref().and_then(super::table::word).unwrap_or_default();
        let Some(escalation) = Escalation::named(given) else {
            return Err(SqlError::new(102, &[&given]).into());
        };
        let writer = self.writer()?;
        if escalation != Escalation::Table {
            writer.require(FIRST_OF_2008, "LOCK_ESCALATION")?;
        }
        Ok(writer.set_status(table.object_id, escalation.bits(), bits::ESCALATION)?)
    }

    fn has_rows(&self, table: &TableDef) -> Result<bool, Fail> {
        let read = ReadContext { owner: self.transaction.owner(), ..ReadContext::default() };
        let first: Vec<usize> =
            (0..table.columns.len()).filter(|&i| table.columns[i].computed.is_none()).take(1).collect();
        let mut source = table.access.scan(&read, &first)?;
        while let Some(batch) = source.next_batch()? {
            if batch.len > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn add(
        &mut self,
        table: &Arc<TableDef>,
        with_check: Option<bool>,
        d: &TableDefinition,
    ) -> Result<(), Fail> {
        self.check_addition(table, d)?;
        let mut rows = self.has_rows(table)?;
        if let Some(history) = self.history_of(table)? {
            rows |= self.has_rows(&history)?;
        }
        let full = format!("{}.{}", table.schema_name, table.name);
        let mut known = known_columns(table);
        let mut added: Vec<(NewColumn, i32)> = Vec::new();
        let mut in_history: Vec<(i32, i32)> = Vec::new();
        for c in &d.columns {
            if known.iter().any(|k| self.same(&k.name, &c.name.text)) {
                return Err(SqlError::new(2705, &[&c.name.text, &full]).into());
            }
            let key = super::lower::in_primary_key(self.names(), d, c);
            let new = self.column(&table.name, c, key, &known, d)?;
            if new.identity.is_some() && table.columns.iter().any(|o| o.identity.is_some()) {
                return Err(SqlError::new(2744, &[&full]).into());
            }
            if new.ty.id == TypeId::RowVersion && known.iter().any(|k| k.ty.id == TypeId::RowVersion) {
                return Err(SqlError::new(2738, &[&table.name, &new.name]).state(2).into());
            }
            let has_default = c.constraints.iter().any(|k| matches!(k.kind, ConstraintKind::Default { .. }));
            let given = has_default || new.identity.is_some() || new.ty.id == TypeId::RowVersion;
            if rows && !new.nullable && new.computed.is_none() && !given {
                return Err(SqlError::new(4901, &[&new.name, &table.name]).into());
            }
            if rows
                && table.temporal.history.is_some()
                && (new.identity.is_some() || new.ty.id == TypeId::RowVersion)
            {
                let what = "Adding such a column to a system-versioned table that has rows";
                return Err(SqlError::not_supported(what).into());
            }
            if new.sparse && self.base_placement(table)?.is_compressed() {
                return Err(SqlError::new(11418, &[&"alter", &table.name]).into());
            }
            let id = self.writer()?.append_column(table.object_id, &new)?;
            if let Some(history) = table.temporal.history {
                in_history.push((history, self.append_to_history(history, &new)?));
            }
            known.push(super::lower::Known {
                name: new.name.clone(),
                column_id: id,
                ty: new.ty,
                nullable: new.nullable,
                is_virtual: super::lower::is_virtual(&new),
                formula: super::lower::formula(&new),
            });
            added.push((new, id));
        }
        if !added.is_empty() {
            self.refresh()?;
        }
        let now = self.catalog()?.table(table.object_id)?.unwrap_or_else(|| Arc::clone(table));
        // Values of the new columns in rows that are there.
        let (mut given, mut given_history) = (Vec::new(), Vec::new());
        let mut computed = false;
        for (n, (c, (new, id))) in d.columns.iter().zip(&added).enumerate() {
            let default = c.constraints.iter().find_map(|k| match &k.kind {
                ConstraintKind::Default { value, with_values, .. } => Some((value, *with_values)),
                _ => None,
            });
            if let Some((value, with_values)) = default
                && (rows || in_history.get(n).is_some())
                && (with_values || !new.nullable)
            {
                let fill = match is_literal(value) {
                    true => Fill::Value(self.constant(value, new.ty)?),
                    // NEWID(), NEXT VALUE FOR: every row has its own.
                    false => Fill::Each(value, new.ty),
                };
                given_history.extend(in_history.get(n).map(|h| (h.1, fill.clone())));
                given.push((*id, fill));
            } else if rows && new.identity.is_some() {
                given.push((*id, Fill::Identity));
            } else if rows && new.ty.id == TypeId::RowVersion {
                given.push((*id, Fill::RowVersion));
            }
            computed |= rows && matches!(new.computed, Some((_, true)));
        }
        // All at once: none of them may be NULL while another gets its value.
        if computed || !given.is_empty() {
            self.fill_columns(table.object_id, &given)?;
        }
        if let Some((history, _)) = in_history.first()
            && !given_history.is_empty()
        {
            self.fill_columns(*history, &given_history)?;
        }
        self.add_period(table.object_id, d, &added)?;
        let declared = Declared::of(d);
        let mut target = self.target(&now)?;
        let keys = self.plan_keys(&declared, &mut target)?;
        for k in &keys {
            let index = self.make_index(table.object_id, &k.index).map_err(|f| match f {
                Fail::Error(e) if e.number == 1505 => Fail::Many(vec![e, SqlError::new(1750, &[])]),
                other => other,
            })?;
            self.writer()?.add_key_constraint(
                k.id,
                target.schema_id,
                target.object,
                &k.index.name,
                k.primary,
                k.system_named,
                index,
            )?;
            self.refresh()?;
        }
        let columns: Vec<NewColumn> = added.into_iter().map(|a| a.0).collect();
        let check = with_check != Some(false);
        let before = self.constraint_ids(table.object_id)?;
        self.other_constraints(&declared, &target, &columns, check)?;
        self.refresh()?;
        if rows && check {
            let mut new = self.constraint_ids(table.object_id)?;
            new.retain(|id| !before.contains(id));
            self.verify(table.object_id, &new)?;
        }
        if !d.indexes.is_empty() || d.columns.iter().any(|c| c.index.is_some()) {
            return Err(SqlError::not_supported("INDEX in ALTER TABLE").into());
        }
        Ok(())
    }

    /// The value of a constant expression, converted.
    pub fn constant(&mut self, e: &Expr, ty: SqlType) -> Result<Value, Fail> {
        let scope = crate::procedure::run::Scope::new(
            Arc::clone(&self.scope.unit),
            &self.runner.session.host.temporary_rows,
        );
        self.runner.value_as(e, ty, &scope)
    }

    /// Gives new columns of every row their values; stored computed columns follow.
    fn fill_columns(&mut self, object: i32, fills: &[(i32, Fill<'_>)]) -> Result<(), Fail> {
        let ids: Vec<i32> = fills.iter().map(|v| v.0).collect();
        let table = self.catalog()?.table(object)?.ok_or_else(|| SqlError::new(4902, &[&object]))?;
        let writer = table.access.writer().ok_or_else(|| SqlError::new(3906, &[&self.database.name]))?;
        self.each_value(object, &ids, &mut |this, _| {
            let mut out = Vec::with_capacity(fills.len());
            for (_, fill) in fills {
                out.push(match fill {
                    Fill::Value(value) => value.clone(),
                    Fill::Each(e, ty) => this.constant(e, *ty)?,
                    Fill::Identity => writer.next_identity()?,
                    Fill::RowVersion => Value::binary(&writer.next_row_version()?.to_be_bytes()),
                });
            }
            Ok(out)
        })
    }

    /// Gives columns of every row the values that `f` makes for the row of that number. What is computed from them and stored
    /// is computed anew.
    fn each_value(
        &mut self,
        object: i32,
        column_ids: &[i32],
        f: &mut dyn FnMut(&mut Self, usize) -> Result<Vec<Value>, Fail>,
    ) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let table = catalog.table(object)?.ok_or_else(|| SqlError::new(4902, &[&object]))?;
        let writer = table.access.writer().ok_or_else(|| SqlError::new(3906, &[&self.database.name]))?;
        let stored: Vec<usize> = (0..table.columns.len())
            .filter(|&i| table.columns[i].computed.is_none() || table.columns[i].persisted)
            .collect();
        let mut ordinals = Vec::with_capacity(column_ids.len());
        for id in column_ids {
            let ordinal = table.columns.iter().position(|c| c.column_id == *id);
            ordinals.push(ordinal.ok_or_else(|| SqlError::new(4924, &[&"ALTER TABLE", id, &table.name]))?);
        }
        let mut wanted = stored.clone();
        wanted.push(BOOKMARK);
        let mut types: Vec<SqlType> = stored.iter().map(|&i| table.columns[i].ty).collect();
        types.push(SqlType::binary(TypeId::VarBinary, 8000));
        let read = ReadContext {
            owner: self.transaction.owner(),
            wait: self.wait.clone(),
            ..ReadContext::default()
        };
        let mut rows: Vec<(Vec<u8>, Vec<Value>)> = Vec::new();
        let mut source = table.access.scan(&read, &wanted)?;
        while let Some(batch) = source.next_batch()? {
            for i in 0..batch.len {
                let mut values = batch.row(i, &types);
                let mark = match values.pop() {
                    Some(Value::Binary(b)) => b.to_vec(),
                    _ => Vec::new(),
                };
                rows.push((mark, values));
            }
        }
        drop(source);
        let (mut bookmarks, mut whole_rows) =
            (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for (n, (bookmark, values)) in rows.into_iter().enumerate() {
            let mut whole = vec![Value::Null; table.columns.len()];
            for (&at, v) in stored.iter().zip(values) {
                whole[at] = v;
            }
            for (&ordinal, value) in ordinals.iter().zip(f(self, n)?) {
                whole[ordinal] = value;
            }
            bookmarks.push(bookmark);
            whole_rows.push(whole);
        }
        let computed = |&i: &usize| table.columns[i].computed.is_some() && !ordinals.contains(&i);
        let changed: Vec<usize> =
            ordinals.iter().copied().chain(stored.iter().copied().filter(computed)).collect();
        let scope = crate::procedure::run::Scope::new(
            Arc::clone(&self.scope.unit),
            &self.runner.session.host.temporary_rows,
        );
        let catalog = catalog as Arc<dyn Catalog>;
        let rows = self.runner.settled_rows(&table, &catalog, whole_rows, &scope)?;
        let write = WriteContext { transaction: &self.transaction, wait: &self.wait };
        let apart = has_apart(&table);
        for (bookmark, row) in bookmarks.into_iter().zip(rows) {
            writer.lock(write, &bookmark)?;
            // What only indexes hold is computed from columns that stay as they are.
            let old = if apart { row.values.clone() } else { Vec::new() };
            writer.update(write, &[RowUpdate { bookmark, row, old }], &changed)?;
        }
        Ok(())
    }

    fn alter_column(&mut self, table: &Arc<TableDef>, c: &ColumnDefinition) -> Result<(), Fail> {
        let full = self.versioned_name(table);
        if table.temporal.history_of.is_some() {
            return Err(SqlError::new(13548, &[&c.name.text, &full]).into());
        }
        if c.generated.is_some() {
            return Err(SqlError::new(13589, &[&c.name.text, &full]).into());
        }
        let at = table.columns.iter().position(|o| self.same(&o.name, &c.name.text));
        if at.is_some_and(|o| table.temporal.generates(o)) {
            return Err(SqlError::new(13599, &[&c.name.text]).into());
        }
        self.alter_column_of(table, c)?;
        if let Some(history) = self.history_of(table)? {
            self.refresh()?;
            self.alter_column_of(&history, c)?;
        }
        Ok(())
    }

    fn alter_column_of(&mut self, table: &Arc<TableDef>, c: &ColumnDefinition) -> Result<(), Fail> {
        let full = &table.name;
        let old = table.columns.iter().find(|o| self.same(&o.name, &c.name.text));
        let Some(old) = old.cloned() else {
            return Err(SqlError::new(4924, &[&"ALTER TABLE ALTER COLUMN", &c.name.text, full]).into());
        };
        let what = match () {
            () if old.computed.is_some() => Some("COMPUTED"),
            () if old.ty.id == TypeId::RowVersion => Some("timestamp"),
            () => None,
        };
        if let Some(what) = what {
            return Err(SqlError::new(4928, &[&old.name, &what]).into());
        }
        let key = table.indexes.iter().any(|i| {
            i.primary_key && i.keys.iter().any(|k| table.columns[k.ordinal].column_id == old.column_id)
        });
        let mut definition = c.clone();
        // A sparse column stays so until DROP SPARSE.
        definition.sparse |= old.is_sparse;
        if definition.nullable.is_none() && key {
            definition.nullable = Some(false);
        }
        let new =
            self.column(full, &definition, false, &known_columns(table), &TableDefinition::default())?;
        self.retype_column(table, &old, new)
    }

    /// ALTER COLUMN … ADD or DROP SPARSE.
    fn set_sparse(&mut self, table: &Arc<TableDef>, column: &str, sparse: bool) -> Result<(), Fail> {
        let verb = "ALTER TABLE ALTER COLUMN";
        let Some(at) = table.columns.iter().position(|c| self.same(&c.name, column)) else {
            return Err(SqlError::new(4924, &[&verb, &column, &table.name]).into());
        };
        if table.temporal.history.is_some() || table.temporal.history_of.is_some() {
            let what = "ALTER COLUMN … SPARSE of a system-versioned table";
            return Err(SqlError::not_supported(what).into());
        }
        let old = table.columns[at].clone();
        if old.is_sparse == sparse {
            return Ok(());
        }
        let mut declared = self.history_columns(table)?;
        let mut new = declared.swap_remove(at);
        let user_type = new.user_type > 256 || matches!(new.ty.id, TypeId::Clr | TypeId::RowVersion);
        let elsewhere = matches!(
            new.ty.id,
            TypeId::Text | TypeId::NText | TypeId::Image | TypeId::Geometry | TypeId::Geography
        );
        let otherwise = old.is_row_guid || old.identity.is_some() || old.computed.is_some();
        if sparse && (!old.nullable || otherwise || user_type || elsewhere) {
            return Err(SqlError::new(1731, &[&old.name, &table.name]).into());
        }
        if sparse && self.base_placement(table)?.is_compressed() {
            return Err(SqlError::new(11418, &[&"alter", &table.name]).into());
        }
        if old.typed_xml.is_some() {
            let what = "ALTER COLUMN … SPARSE of a column with an XML schema collection";
            return Err(SqlError::not_supported(what).into());
        }
        new.sparse = sparse;
        self.retype_column(table, &old, new)
    }

    /// Gives a column what `new` says, and its values the new form.
    fn retype_column(
        &mut self,
        table: &Arc<TableDef>,
        old: &ColumnDef,
        mut new: NewColumn,
    ) -> Result<(), Fail> {
        if new.ty.id == TypeId::RowVersion {
            return Err(SqlError::new(4927, &[&old.name, &"timestamp"]).into());
        }
        new.row_guid = old.is_row_guid;
        if old.identity.is_some() {
            new.nullable = false;
        }
        let same_place = new.sparse == old.is_sparse
            && new.ty.id == old.ty.id
            && match fixed_size(&new.ty) {
                None => new.ty.is_max() == old.ty.is_max(),
                Some(size) => {
                    fixed_size(&old.ty) == Some(size)
                        && new.ty.scale == old.ty.scale
                        && (new.ty.precision >= old.ty.precision)
                }
            }
            && new.ty.collation == old.ty.collation;
        let grows = same_place && (new.ty.is_max() || new.ty.length >= old.ty.length);
        let same_type = same_place && new.ty.length == old.ty.length && new.ty.precision == old.ty.precision;
        // A key or index column can only grow; constraints that name it stop everything else.
        if !same_type {
            let keeps_type = new.ty.id == old.ty.id;
            let how = (grows, keeps_type);
            self.check_column_free(table, &old.name, old.column_id, "ALTER TABLE ALTER COLUMN", how)?;
        }
        let rows = self.has_rows(table)?;
        let ordinal = table.columns.iter().position(|x| x.column_id == old.column_id).unwrap_or(0);
        let values: Vec<Value> = if rows {
            self.all_rows(table)?.into_iter().map(|mut r| std::mem::take(&mut r[ordinal])).collect()
        } else {
            Vec::new()
        };
        if old.nullable && !new.nullable && values.iter().any(Value::is_null) {
            let text = format!(
                "Cannot insert the value NULL into column '{}', table '{}.{}.{}'; column does not allow nulls. UPDATE fails.",
                old.name, self.database.name, table.schema_name, table.name
            );
            return Err(SqlError::with_text(515, 16, text).state(2).into());
        }
        if grows {
            return Ok(self.writer()?.alter_column(table.object_id, old.column_id, &new, false)?);
        }
        let context = self.runner.context(self.scope);
        let whole = whole_type(&old.ty, &new.ty);
        let column = ColumnDef { ty: new.ty, ..old.clone() };
        let full_name = || format!("{}.{}.{}", self.database.name, table.schema_name, table.name);
        // What would be cut is an error whatever ANSI_WARNINGS says: nobody asked for it to be lost.
        let converted: Vec<Value> = values
            .iter()
            .map(|v| fit(convert(v, old.ty, whole, &context)?, &column, &full_name, true).map_err(Fail::from))
            .collect::<Result<_, _>>()?;
        let same_storage = same_place && fixed_size(&new.ty).is_none();
        // A row has its sparse values by the column's number: none may be there that was written as of another type.
        if rows && !same_storage && new.sparse && old.is_sparse {
            self.each_value(table.object_id, &[old.column_id], &mut |_, _| Ok(vec![Value::Null]))?;
            self.refresh()?;
        }
        self.writer()?.alter_column(table.object_id, old.column_id, &new, !same_storage)?;
        self.refresh()?;
        if rows && (!same_storage || converted != values) {
            self.each_value(table.object_id, &[old.column_id], &mut |_, n| {
                Ok(vec![converted.get(n).cloned().unwrap_or_default()])
            })?;
        }
        Ok(())
    }

    /// Whether a condition that is kept as text names a column.
    pub(super) fn names_column(&self, condition: &str, column: &str) -> bool {
        let text = format!("select 1 where {condition}");
        let Ok(query) = holdfast_tsql::parse_query(&text, &Default::default()) else { return false };
        let holdfast_tsql::ast::QueryBody::Select(select) = &query.body else { return false };
        let named = select.filter.as_ref().map(|e| super::print::columns_of(self.names(), e));
        named.is_some_and(|list| list.iter().any(|c| self.same(c, column)))
    }

    /// 5074 for everything that needs the column, then 4922; whether it only grows, and whether its type stays (other than in length
    /// or precision).
    fn check_column_free(
        &self,
        table: &TableDef,
        name: &str,
        id: i32,
        statement: &str,
        (grows, keeps_type): (bool, bool),
    ) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let failed = |e| Fail::Error(holdfast_engine::page_error(&e));
        let mut errors = Vec::new();
        let mut depends = |what: &str, by: &str| {
            errors.push(SqlError::new(5074, &[&what, &by, &"column", &name]));
        };
        for i in &table.indexes {
            let uses = i.keys.iter().map(|k| k.ordinal).chain(i.included.iter().copied());
            let mut uses = uses.filter_map(|o| table.columns.get(o));
            let filters = i.filter.as_deref().is_some_and(|f| self.names_column(f, name));
            // A column of an index may grow, one of a primary key may not.
            if filters && !grows || uses.any(|c| c.column_id == id) && (!grows || i.primary_key) {
                let constraint = i.primary_key || i.unique_constraint;
                depends(if constraint { "object" } else { "index" }, i.name.as_deref().unwrap_or(""));
            }
        }
        let by = table.access.partitioned_by().and_then(|by| table.columns.get(by.ordinal));
        if by.is_some_and(|c| c.column_id == id) {
            let base = i32::from(table.indexes.iter().any(|i| i.kind == IndexKind::Clustered));
            let spread = catalog.spread_of(table.object_id, base).map_err(failed)?;
            depends("object", spread.as_ref().map_or("", |s| &s.scheme.name));
        }
        let references = catalog.base_table("sysmultiobjrefs").map_err(failed)?;
        for r in references.iter().filter(|r| r.int("class") == 1) {
            if r.i32("indepid") != table.object_id || r.i32("indepsubid") != id {
                continue;
            }
            if r.i32("depid") == table.object_id {
                let by = table.columns.iter().find(|c| c.column_id == r.i32("depsubid"));
                depends("column", by.map_or("", |c| &c.name));
            } else if let Some(o) = catalog.object_row(r.i32("depid"))
                && !(grows && &*o.kind == "C")
            {
                depends("object", &o.name);
            }
        }
        for k in catalog.foreign_keys().map_err(failed)? {
            let here = k.table_id == table.object_id && k.columns.iter().any(|c| c.0 == id);
            let there = k.referenced_table_id == table.object_id && k.columns.iter().any(|c| c.1 == id);
            if here || there {
                depends("object", &k.name);
            }
        }
        if !keeps_type {
            for d in catalog.constraints("D").map_err(failed)? {
                if d.table_id == table.object_id && d.column_id == id {
                    depends("object", &d.name);
                }
            }
        }
        if !grows {
            errors.extend(self.let_go_of_statistics(table, name, id)?);
        }
        if errors.is_empty() {
            return Ok(());
        }
        errors.push(SqlError::new(4922, &[&statement, &name]));
        Err(Fail::Many(errors))
    }

    fn drop_part(&mut self, table: &Arc<TableDef>, d: &AlterTableDrop) -> Result<(), Fail> {
        match d {
            AlterTableDrop::Column { name, if_exists } => {
                let found = table.columns.iter().find(|c| self.same(&c.name, &name.text));
                let Some(column) = found else {
                    if *if_exists {
                        return Ok(());
                    }
                    let verb = "ALTER TABLE DROP COLUMN";
                    return Err(SqlError::new(4924, &[&verb, &name.text, &table.name]).into());
                };
                if table.temporal.history_of.is_some() {
                    return Err(SqlError::new(13551, &[&self.versioned_name(table)]).into());
                }
                let at = table.columns.iter().position(|c| c.column_id == column.column_id);
                if at.is_some_and(|o| table.temporal.generates(o)) {
                    return Err(SqlError::new(13588, &[&column.name, &self.versioned_name(table)]).into());
                }
                if table.columns.iter().filter(|c| c.computed.is_none()).count() == 1
                    && column.computed.is_none()
                {
                    return Err(SqlError::new(4923, &[&column.name, &table.name]).into());
                }
                self.check_column_free(
                    table,
                    &column.name,
                    column.column_id,
                    "ALTER TABLE DROP COLUMN",
                    (false, false),
                )?;
                self.writer()?.drop_column(table.object_id, column.column_id)?;
                if let Some(history) = self.history_of(table)?
                    && let Some(c) = history.columns.iter().find(|c| self.same(&c.name, &column.name))
                {
                    let (statement, id) = ("ALTER TABLE DROP COLUMN", c.column_id);
                    self.check_column_free(&history, &c.name, id, statement, (false, false))?;
                    self.writer()?.drop_column(history.object_id, id)?;
                }
                Ok(())
            }
            AlterTableDrop::Constraint { name, if_exists, .. } => {
                self.drop_constraint(table, name, *if_exists)
            }
            AlterTableDrop::Index { .. } => Err(SqlError::not_supported("DROP INDEX in ALTER TABLE").into()),
            AlterTableDrop::Period => self.drop_period(table),
        }
    }

    fn drop_constraint(&mut self, table: &Arc<TableDef>, name: &Ident, if_exists: bool) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let found = catalog
            .objects()
            .into_iter()
            .filter(|o| self.same(&o.name, &name.text) && matches!(&*o.kind, "PK" | "UQ" | "F" | "C" | "D"))
            // Other schemas may have the name, too.
            .max_by_key(|o| o.parent_id == table.object_id)
            .cloned();
        let failed = |e: SqlError| Fail::Many(vec![e, SqlError::new(3727, &[])]);
        let Some(o) = found else {
            if if_exists {
                return Ok(());
            }
            return Err(failed(SqlError::new(3728, &[&name.text])));
        };
        if o.parent_id != table.object_id {
            return Err(failed(SqlError::new(3733, &[&name.text, &table.name])));
        }
        match &*o.kind {
            "PK" if table.temporal.history.is_some() => {
                return Err(SqlError::new(13557, &[&self.versioned_name(table)]).into());
            }
            "PK" | "UQ" => {
                let id = self.index_named(table.object_id, &o.name)?.unwrap_or(0);
                if let Some((key, of)) = self.key_over(table.object_id, id)? {
                    let of = catalog.object_row(of).map_or_else(String::new, |t| t.name.to_string());
                    return Err(failed(SqlError::new(3725, &[&o.name, &of, &key])));
                }
                self.writer()?.remove_object(o.id)?;
                if id == 1 {
                    self.rewrite(table, None)?;
                } else {
                    self.writer()?.remove_index(table.object_id, id)?;
                }
            }
            "D" => {
                let writer = self.writer()?;
                writer.set_column_default(table.object_id, o.intprop, 0)?;
                writer.remove_object(o.id)?;
            }
            _ => self.writer()?.remove_object(o.id)?,
        }
        Ok(self.writer()?.touch(table.object_id)?)
    }

    fn check_constraints(
        &mut self,
        table: &Arc<TableDef>,
        with_check: Option<bool>,
        enable: bool,
        all: bool,
        names: &[Ident],
    ) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let constraints: Vec<(i32, String)> = catalog
            .objects()
            .iter()
            .filter(|o| o.parent_id == table.object_id && matches!(&*o.kind, "C" | "F"))
            .map(|o| (o.id, o.name.to_string()))
            .collect();
        let chosen: Vec<i32> = if all {
            constraints.iter().map(|c| c.0).collect()
        } else {
            let mut out = Vec::new();
            for n in names {
                let found = constraints.iter().find(|c| self.same(&c.1, &n.text));
                out.push(found.ok_or_else(|| SqlError::new(4917, &[&n.text]))?.0);
            }
            out
        };
        if enable && with_check == Some(true) && self.has_rows(table)? {
            self.verify(table.object_id, &chosen)?;
        }
        let trusted = enable && (with_check == Some(true));
        for id in chosen {
            let (set, clear) = match (enable, trusted) {
                (true, true) => (0, bits::DISABLED | bits::NOT_TRUSTED),
                (true, false) => (0, bits::DISABLED),
                (false, _) => (bits::DISABLED | bits::NOT_TRUSTED, 0),
            };
            self.writer()?.set_status(id, set, clear)?;
        }
        Ok(())
    }
}

/// Whether indexes of a table may hold computed columns that its rows do not.
pub(super) fn has_apart(table: &TableDef) -> bool {
    table.columns.iter().any(|c| c.computed.is_some() && !c.persisted)
}
