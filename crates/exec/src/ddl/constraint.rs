//! Constraints of tables: keys with their indexes, defaults, checks, foreign keys.
//!
//! Invariants
//! 1. A name that is not given is made as the server makes it; the constraint is then marked as named by the system.

use std::sync::Arc;

use holdfast_engine::catalog::{IndexKind, TableDef};
use holdfast_engine::database::details::ReferentialAction as Action;
use holdfast_engine::ddl::constraint::{NewForeignKey, generated_key_name, generated_name};
use holdfast_engine::ddl::index::{ClusteredKey, NewIndex, Placement, TableColumn, check_key};
use holdfast_engine::ddl::object::bits;
use holdfast_engine::ddl::table::NewColumn;
use holdfast_tsql::ast::{
    ConstraintKind, CreateTrigger, Expr, ExprKind, Ident, IndexColumn, InlineIndex, ReferentialAction,
    Setting, TableDefinition,
};
use holdfast_types::{SqlError, SqlType, TypeId};

use super::lower::{Known, find_column, known_columns};
use super::print::{columns_of, stored_filter, stored_text};
use super::table::word;
use super::{Definition, shown};
use crate::procedure::run::Fail;

/// A constraint with the column that it stands at.
pub struct Stands<'a> {
    pub name: Option<&'a Ident>,
    pub kind: &'a ConstraintKind,
    pub column: Option<&'a str>,
}

/// The constraints of a definition in order: those of columns, then those of the table.
pub struct Declared<'a>(pub Vec<Stands<'a>>);

impl<'a> Declared<'a> {
    pub fn of(d: &'a TableDefinition) -> Self {
        let mut all = Vec::new();
        for c in &d.columns {
            for k in &c.constraints {
                all.push(Stands { name: k.name.as_ref(), kind: &k.kind, column: Some(&c.name.text) });
            }
        }
        for k in &d.constraints {
            all.push(Stands { name: k.name.as_ref(), kind: &k.kind, column: None });
        }
        Declared(all)
    }
}

/// The table that constraints are for.
pub struct Target {
    pub object: i32,
    pub schema_id: i32,
    pub name: String,
    pub known: Vec<Known>,
    /// The clustered key, once it is known.
    pub clustered: Option<ClusteredKey>,
    /// Where its rows are; indexes go there, too, uncompressed.
    pub place: Placement,
    /// Unique keys: index id, columns, whether it is the primary key.
    pub keys: Vec<(i32, Vec<i32>, bool)>,
}

/// A PRIMARY KEY or UNIQUE constraint to be made.
pub struct PlannedKey {
    pub id: i32,
    pub index: NewIndex,
    pub primary: bool,
    pub system_named: bool,
}

/// Gives the rows of an index or table the form that DATA_COMPRESSION asks for: all of them, those of the partitions that the
/// option names, or those of `only` (from 0).
pub fn compress(
    place: &mut Placement,
    options: &[Setting],
    name: &str,
    only: Option<usize>,
) -> Result<(), Fail> {
    let count = place.each().len();
    let mut given = vec![false; count];
    for o in options.iter().filter(|o| o.name == "DATA_COMPRESSION") {
        let level = compression(o)?;
        let mut wanted: Vec<usize> = match only {
            Some(n) => vec![n],
            None if o.partitions.is_empty() => (0..count).collect(),
            None if place.partitions.is_none() => {
                return Err(SqlError::new(7729, &[&"alter", &"index", &"index", &name]).into());
            }
            None => Vec::new(),
        };
        for (from, to) in &o.partitions {
            let first = partition_number(from, name, count)?;
            let last = to.as_ref().map_or(Ok(first), |e| partition_number(e, name, count))?;
            if first > last {
                return Err(SqlError::new(7728, &[&(first + 1), &(last + 1)]).into());
            }
            wanted.extend(first..=last);
        }
        for n in wanted {
            if std::mem::replace(&mut given[n], true) {
                return Err(SqlError::new(7711, &[]).into());
            }
            place.compress(level, Some(n));
        }
    }
    Ok(())
}

/// A partition by its number, from 0. 7722 when there is none.
pub fn partition_number(e: &holdfast_tsql::ast::Expr, name: &str, count: usize) -> Result<usize, Fail> {
    let number = e.as_integer().unwrap_or(0);
    let found = usize::try_from(number).ok().filter(|n| (1..=count).contains(n));
    found.map(|n| n - 1).ok_or_else(|| SqlError::new(7722, &[&number, &"table", &name, &count]).into())
}

/// The kind of rows that DATA_COMPRESSION asks for.
fn compression(o: &Setting) -> Result<u8, Fail> {
    match o.value.as_ref().and_then(word).map(str::to_ascii_uppercase).as_deref() {
        Some("NONE") => Ok(0),
        Some("ROW") => Ok(1),
        Some("PAGE") => Ok(2),
        Some(w @ ("COLUMNSTORE" | "COLUMNSTORE_ARCHIVE")) => {
            Err(SqlError::not_supported(format!("DATA_COMPRESSION = {w}")).into())
        }
        other => Err(SqlError::new(102, &[&other.unwrap_or("DATA_COMPRESSION")]).into()),
    }
}

/// WITH options of an index.
pub fn index_options(index: &mut NewIndex, options: &[Setting]) -> Result<(), Fail> {
    index_options_of(index, options, None)
}

/// The same with DATA_COMPRESSION for one partition only.
pub fn index_options_of(index: &mut NewIndex, options: &[Setting], only: Option<usize>) -> Result<(), Fail> {
    let name = index.name.clone();
    compress(&mut index.place, options, &name, only)?;
    for o in options {
        let on = match &o.value {
            Some(v) => match word(v) {
                Some(w) => w.eq_ignore_ascii_case("ON"),
                None => v.as_integer().is_some_and(|n| n != 0),
            },
            None => true,
        };
        match o.name.as_str() {
            "FILLFACTOR" => {
                let n = o.value.as_ref().and_then(holdfast_tsql::ast::Expr::as_integer).unwrap_or(0);
                if !(1..=100).contains(&n) {
                    let text = format!(
                        "Fillfactor {n} is not a valid percentage; fillfactor must be between 1 and 100."
                    );
                    return Err(SqlError::with_text(129, 15, text).into());
                }
                index.fill_factor = n as u8;
            }
            "PAD_INDEX" => index.padded = on,
            "IGNORE_DUP_KEY" => index.ignore_duplicates = on,
            "STATISTICS_NORECOMPUTE" => index.no_recompute = on,
            "ALLOW_ROW_LOCKS" => index.no_row_locks = !on,
            "ALLOW_PAGE_LOCKS" => index.no_page_locks = !on,
            // How it is made, not what it is.
            "ONLINE"
            | "SORT_IN_TEMPDB"
            | "MAXDOP"
            | "DROP_EXISTING"
            | "RESUMABLE"
            | "MAX_DURATION"
            | "STATISTICS_INCREMENTAL"
            | "OPTIMIZE_FOR_SEQUENTIAL_KEY" => {}
            "DATA_COMPRESSION" => {}
            other => return Err(SqlError::not_supported(format!("The index option {other}")).into()),
        }
    }
    Ok(())
}

/// 1916: rows are alike for a unique index only.
pub fn only_unique_ignores(index: &NewIndex) -> Result<(), Fail> {
    match index.ignore_duplicates && !index.unique {
        true => Err(SqlError::new(1916, &[&"nonunique", &"ignore_dup_key"]).state(4).into()),
        false => Ok(()),
    }
}

/// 10735: a filter is made of comparisons of one column with constants, all of which must hold.
pub fn check_filter(filter: &Expr, index: &str, table: &str) -> Result<(), Fail> {
    match is_filter(filter) {
        true => Ok(()),
        false => {
            let e = SqlError::new(10735, &[&"index", &index, &table]);
            Err(Fail::Compile(e.at_line(filter.span.line)))
        }
    }
}

fn is_filter(e: &Expr) -> bool {
    let column = |e: &Expr| matches!(e.unparen().kind, ExprKind::Column(_));
    match &e.unparen().kind {
        ExprKind::And(list) => list.iter().all(is_filter),
        ExprKind::IsNull { value, .. } => column(value),
        ExprKind::InList { value, list, negated: false } => column(value) && list.iter().all(is_constant),
        ExprKind::Comparison { left, right, .. } => column(left) && is_constant(right),
        _ => false,
    }
}

fn is_constant(e: &Expr) -> bool {
    match &e.unparen().kind {
        ExprKind::Literal(_) => true,
        ExprKind::Unary { operand, .. } => is_constant(operand),
        ExprKind::Cast { value, is_try: false, .. } | ExprKind::Convert { value, is_try: false, .. } => {
            is_constant(value)
        }
        _ => false,
    }
}

fn action(a: ReferentialAction) -> Action {
    match a {
        ReferentialAction::NoAction => Action::NoAction,
        ReferentialAction::Cascade => Action::Cascade,
        ReferentialAction::SetNull => Action::SetNull,
        ReferentialAction::SetDefault => Action::SetDefault,
    }
}

/// 1750 behind the reason.
pub fn could_not_create(e: SqlError) -> Fail {
    Fail::Many(vec![e, SqlError::new(1750, &[])])
}

/// Columns as rowsets need them.
pub fn physical_columns(columns: &[NewColumn]) -> Vec<TableColumn> {
    columns.iter().enumerate().map(|(i, c)| c.physical(i as i32 + 1)).collect()
}

impl Definition<'_, '_> {
    /// Column ids of a key, with their types checked.
    pub fn key_columns(
        &self,
        target: &Target,
        index: &str,
        columns: &[IndexColumn],
    ) -> Result<Vec<(i32, bool)>, Fail> {
        let mut out = Vec::new();
        let mut types: Vec<(String, SqlType)> = Vec::new();
        for c in columns {
            let found = find_column(self.names(), &target.known, &c.name.text)
                .ok_or_else(|| SqlError::new(1911, &[&c.name.text]))?;
            types.push((found.name.clone(), found.ty));
            out.push((found.column_id, c.descending));
        }
        check_key(self.names(), &target.name, index, &types)?;
        Ok(out)
    }

    /// PRIMARY KEY and UNIQUE constraints, in order, with ids and names.
    pub fn plan_keys(
        &mut self,
        declared: &Declared<'_>,
        target: &mut Target,
    ) -> Result<Vec<PlannedKey>, Fail> {
        let mut out: Vec<PlannedKey> = Vec::new();
        let mut elsewhere = Vec::new();
        let explicit = declared
            .0
            .iter()
            .any(|s| matches!(s.kind, ConstraintKind::Key { primary: false, clustered: Some(true), .. }));
        for s in &declared.0 {
            let ConstraintKind::Key { primary, clustered, columns, options, on, not_enforced } = s.kind
            else {
                continue;
            };
            if *not_enforced {
                return Err(SqlError::not_supported("A constraint that is NOT ENFORCED").into());
            }
            if *primary && out.iter().any(|k| k.primary) {
                return Err(SqlError::new(8110, &[&target.name]).into());
            }
            if *primary && target.keys.iter().any(|k| k.2) {
                return Err(could_not_create(SqlError::new(1779, &[&target.name])));
            }
            let own;
            let columns: &[IndexColumn] = match (columns.is_empty(), s.column) {
                (true, Some(c)) => {
                    own = [IndexColumn { name: Ident::new(c), descending: false }];
                    &own
                }
                _ => columns,
            };
            let id = self.writer()?.next_object_id()?;
            let salt = self.runner.session.host.clock.monotonic().as_nanos() as u64 ^ (id as u64) << 32;
            let names: Vec<&str> = columns.iter().map(|c| c.name.text.as_str()).collect();
            let name = match s.name {
                Some(n) => n.text.clone(),
                None => generated_key_name(if *primary { "PK" } else { "UQ" }, &target.name, &names, salt),
            };
            self.writer()?.check_free(target.schema_id, &name).map_err(could_not_create)?;
            if self.same(&name, &target.name) || out.iter().any(|k| self.same(&k.index.name, &name)) {
                return Err(could_not_create(SqlError::new(2714, &[&name])));
            }
            let taken = target.clustered.is_some() || out.iter().any(|k| k.index.clustered);
            let wants = clustered.unwrap_or(*primary && !explicit && !taken);
            if wants && taken {
                if out.iter().any(|k| k.index.clustered) {
                    return Err(SqlError::new(8112, &[&target.name]).into());
                }
                let table = self.catalog()?.table(target.object)?;
                let other = table.iter().flat_map(|t| &t.indexes).find(|i| i.kind == IndexKind::Clustered);
                let other = other.and_then(|i| i.name.as_deref()).unwrap_or("");
                let e = SqlError::new(1902, &[&"table", &target.name, &other]);
                return Err(could_not_create(e));
            }
            let mut place = match on {
                Some(on) => self.placement(Some(on), &target.known)?,
                None => target.place.clone(),
            };
            if !wants {
                place = place.uncompressed();
            }
            let keys = self.key_columns(target, &name, columns).map_err(|f| match f {
                Fail::Error(e) => could_not_create(e),
                other => other,
            })?;
            let mut index = NewIndex {
                clustered: wants,
                unique: true,
                primary_key: *primary,
                unique_constraint: !*primary,
                keys,
                ..NewIndex::named(&name, place)
            };
            index_options(&mut index, options)?;
            self.check_computed_keys(target, &index).map_err(|f| match f {
                Fail::Error(e) if e.number != 40517 => could_not_create(e),
                other => other,
            })?;
            if *primary
                && index
                    .keys
                    .iter()
                    .any(|(id, _)| target.known.iter().any(|k| k.column_id == *id && k.nullable))
            {
                return Err(could_not_create(SqlError::new(8111, &[&target.name])));
            }
            elsewhere.push(on.is_some());
            out.push(PlannedKey { id, index, primary: *primary, system_named: s.name.is_none() });
        }
        if let Some(k) = out.iter().find(|k| k.index.clustered) {
            target.clustered = Some(ClusteredKey::of(&k.index));
            target.place = k.index.place.clone();
        }
        for (k, elsewhere) in out.iter_mut().zip(elsewhere) {
            if !elsewhere && !k.index.clustered && k.index.place.space() != target.place.space() {
                k.index.place = target.place.clone().uncompressed();
            }
            self.check_partitioning(&k.index, target).map_err(|f| match f {
                Fail::Error(e) if e.number == 1908 => could_not_create(e),
                other => other,
            })?;
        }
        Ok(out)
    }

    /// Enters the constraints and their indexes; the clustered one is there with the table.
    pub fn write_keys(
        &mut self,
        keys: &[PlannedKey],
        columns: &[NewColumn],
        target: &Target,
    ) -> Result<(), Fail> {
        let physical = physical_columns(columns);
        for k in keys {
            let writer = self.writer()?;
            let index = if k.index.clustered {
                1
            } else {
                writer.add_index(target.object, &physical, &k.index, target.clustered.as_ref())?
            };
            writer.add_key_constraint(
                k.id,
                target.schema_id,
                target.object,
                &k.index.name,
                k.primary,
                k.system_named,
                index,
            )?;
        }
        Ok(())
    }

    /// INDEX … CLUSTERED inside CREATE TABLE.
    pub fn inline_clustered(
        &mut self,
        d: &TableDefinition,
        target: &Target,
    ) -> Result<Option<NewIndex>, Fail> {
        for (column, i) in inline_indexes(d) {
            if i.clustered == Some(true) && !i.columnstore {
                return self.inline_index(i, column, target).map(Some);
            }
        }
        Ok(None)
    }

    fn inline_index(
        &mut self,
        i: &InlineIndex,
        column: Option<&Ident>,
        target: &Target,
    ) -> Result<NewIndex, Fail> {
        if i.columnstore || i.hash {
            return Err(SqlError::not_supported("Columnstore and hash indexes").into());
        }
        let own: Vec<IndexColumn> =
            column.map(|c| IndexColumn { name: c.clone(), descending: false }).into_iter().collect();
        let columns = if i.columns.is_empty() { &own } else { &i.columns };
        let clustered = i.clustered == Some(true);
        let mut place = match &i.on {
            Some(on) => self.placement(Some(on), &target.known)?,
            None => target.place.clone(),
        };
        if !clustered {
            place = place.uncompressed();
        }
        let mut index = NewIndex {
            clustered,
            unique: i.unique,
            keys: self.key_columns(target, &i.name.text, columns)?,
            ..NewIndex::named(&i.name.text, place)
        };
        index.included = self.included(target, &index.keys, &i.include)?;
        if let Some(f) = &i.filter {
            check_filter(f, &i.name.text, &target.name)?;
            index.filter = Some(stored_filter(f, self.source()));
        }
        index_options(&mut index, &i.options)?;
        only_unique_ignores(&index)?;
        self.check_computed_keys(target, &index)?;
        let place = if clustered { index.place.clone() } else { target.place.clone() };
        self.check_partitioning_at(&index, &place, &target.known, target.clustered.is_some())?;
        Ok(index)
    }

    /// The columns of INCLUDE: 1911 for one that is not there, 1909 for one that is in the index already.
    pub fn included(&self, target: &Target, keys: &[(i32, bool)], list: &[Ident]) -> Result<Vec<i32>, Fail> {
        let mut out: Vec<i32> = Vec::new();
        for c in list {
            let found = find_column(self.names(), &target.known, &c.text)
                .ok_or_else(|| SqlError::new(1911, &[&c.text]))?;
            let id = found.column_id;
            if keys.iter().any(|k| k.0 == id) || out.contains(&id) {
                return Err(SqlError::new(1909, &[&"index", &found.name]).into());
            }
            out.push(id);
        }
        Ok(out)
    }

    /// Nonclustered INDEX … inside CREATE TABLE.
    pub fn inline_indexes(
        &mut self,
        d: &TableDefinition,
        columns: &[NewColumn],
        target: &mut Target,
        keys: &[PlannedKey],
    ) -> Result<(), Fail> {
        let physical = physical_columns(columns);
        let mut taken: Vec<String> = keys.iter().map(|k| k.index.name.clone()).collect();
        for (column, i) in inline_indexes(d) {
            let index = self.inline_index(i, column, target)?;
            if taken.iter().any(|n| self.same(n, &index.name)) {
                let e = SqlError::new(1913, &[&index.name, &"table", &target.name]);
                return Err(could_not_create(e));
            }
            taken.push(index.name.clone());
            if index.clustered {
                if keys.iter().any(|k| k.index.clustered) {
                    return Err(SqlError::new(1902, &[&"table", &target.name, &index.name]).into());
                }
                target.clustered = Some(ClusteredKey::of(&index));
                target.place = index.place.clone();
                continue;
            }
            self.writer()?.add_index(target.object, &physical, &index, target.clustered.as_ref())?;
        }
        Ok(())
    }

    /// Defaults, checks and foreign keys, in order. `trusted`: the table has no rows that were not checked.
    pub fn other_constraints(
        &mut self,
        declared: &Declared<'_>,
        target: &Target,
        columns: &[NewColumn],
        trusted: bool,
    ) -> Result<(), Fail> {
        for s in &declared.0 {
            match s.kind {
                ConstraintKind::Default { value, column, .. } => {
                    let name = s.column.or(column.as_ref().map(|c| c.text.as_str())).unwrap_or("");
                    self.add_default(s.name, value, name, target, columns)?;
                }
                ConstraintKind::Check { condition, not_for_replication } => {
                    self.add_check(s, condition, *not_for_replication, target, trusted)?;
                }
                ConstraintKind::ForeignKey { .. } => self.add_foreign_key(s, target, trusted)?,
                ConstraintKind::Connection(_) => {
                    return Err(SqlError::not_supported("CONNECTION constraints").into());
                }
                ConstraintKind::Key { .. } => {}
            }
        }
        Ok(())
    }

    fn add_default(
        &mut self,
        name: Option<&Ident>,
        value: &holdfast_tsql::ast::Expr,
        column: &str,
        target: &Target,
        columns: &[NewColumn],
    ) -> Result<(), Fail> {
        let found = find_column(self.names(), &target.known, column)
            .ok_or_else(|| could_not_create(SqlError::new(1752, &[&column, &target.name])))?
            .clone();
        if let Some(c) = columns.iter().find(|c| self.same(&c.name, column)) {
            if c.identity.is_some() {
                return Err(could_not_create(SqlError::new(1754, &[&target.name, &c.name])));
            }
            if c.ty.id == TypeId::RowVersion {
                return Err(could_not_create(SqlError::new(1755, &[&target.name, &c.name])));
            }
            if c.computed.is_some() || c.sparse {
                return Err(could_not_create(SqlError::new(1752, &[&column, &target.name])));
            }
        }
        let there = self.catalog()?.table(target.object)?;
        if let Some(c) = there.iter().flat_map(|t| &t.columns).find(|c| self.same(&c.name, column)) {
            if c.identity.is_some() {
                return Err(could_not_create(SqlError::new(1754, &[&target.name, &c.name])));
            }
            if c.ty.id == TypeId::RowVersion {
                return Err(could_not_create(SqlError::new(1755, &[&target.name, &c.name])));
            }
            if c.is_sparse || c.computed.is_some() {
                return Err(could_not_create(SqlError::new(1752, &[&column, &target.name])));
            }
        }
        if let Some(named) = columns_of(self.names(), value).first() {
            return Err(Fail::Compile(SqlError::new(128, &[named]).at_line(value.span.line)));
        }
        let text = stored_text(value, self.source());
        self.expression_type(&[], &text)?;
        let uses = self.objects_of(&[], &text)?;
        let id = self.writer()?.next_object_id()?;
        let (given, made);
        let name = match name {
            Some(n) => {
                given = n.text.as_str();
                given
            }
            None => {
                made = generated_name("DF", &target.name, Some(&found.name), id);
                &made
            }
        };
        let system_named = name.starts_with("DF__") && name.ends_with(&format!("{id:08X}"));
        let writer = self.writer()?;
        writer.check_free(target.schema_id, name).map_err(could_not_create)?;
        let key = [i64::from(target.object), 0, i64::from(found.column_id)];
        let base = writer.base("syscolpars")?;
        if writer.rows("syscolpars", &key)?.iter().any(|r| base.int(r, "dflt") != 0) {
            return Err(could_not_create(SqlError::new(1781, &[])));
        }
        writer.add_default(
            id,
            target.schema_id,
            target.object,
            name,
            found.column_id,
            &text,
            system_named,
        )?;
        for object in uses {
            writer.add_dependency(1, id, (object, 0))?;
        }
        Ok(())
    }

    fn add_check(
        &mut self,
        s: &Stands<'_>,
        condition: &holdfast_tsql::ast::Expr,
        not_for_replication: bool,
        target: &Target,
        trusted: bool,
    ) -> Result<(), Fail> {
        let text = stored_text(condition, self.source());
        self.check_condition(&target.known, &text)?;
        let uses = self.objects_of_condition(&target.known, &text)?;
        let names = columns_of(self.names(), condition);
        let ids: Vec<i32> = names
            .iter()
            .filter_map(|n| find_column(self.names(), &target.known, n).map(|k| k.column_id))
            .collect();
        if let Some(c) = s.column
            && names.iter().any(|n| !self.same(n, c) && find_column(self.names(), &target.known, n).is_some())
        {
            return Err(could_not_create(SqlError::new(8141, &[&"CHECK", &c, &target.name])));
        }
        // A check of one column stands at that column, wherever it was written.
        let column = match (s.column, ids.as_slice()) {
            (Some(c), _) => find_column(self.names(), &target.known, c).map_or(0, |k| k.column_id),
            (None, [one]) => *one,
            _ => 0,
        };
        let id = self.writer()?.next_object_id()?;
        let of = target.known.iter().find(|k| k.column_id == column).map(|k| k.name.as_str());
        let name = match s.name {
            Some(n) => n.text.clone(),
            None => generated_name("CK", &target.name, of.filter(|_| s.column.is_some()), id),
        };
        let status = if s.name.is_none() { bits::SYSTEM_NAMED } else { 0 }
            | if not_for_replication { bits::NOT_FOR_REPLICATION } else { 0 }
            | if trusted { 0 } else { bits::NOT_TRUSTED };
        let writer = self.writer()?;
        writer.check_free(target.schema_id, &name).map_err(could_not_create)?;
        writer.add_check(id, target.schema_id, target.object, &name, column, &text, &ids, status)?;
        for object in uses {
            writer.add_dependency(1, id, (object, 0))?;
        }
        Ok(())
    }

    fn add_foreign_key(&mut self, s: &Stands<'_>, target: &Target, trusted: bool) -> Result<(), Fail> {
        let ConstraintKind::ForeignKey {
            columns,
            table,
            referenced,
            on_delete,
            on_update,
            not_for_replication,
        } = s.kind
        else {
            return Ok(());
        };
        let id = self.writer()?.next_object_id()?;
        let here: Vec<&str> = if columns.is_empty() {
            s.column.into_iter().collect()
        } else {
            columns.iter().map(|c| c.text.as_str()).collect()
        };
        let name = match s.name {
            Some(n) => n.text.clone(),
            None => generated_name("FK", &target.name, here.first().copied(), id),
        };
        let fail = could_not_create;
        if table.database.is_some() {
            return Err(fail(SqlError::new(1763, &[&name])));
        }
        if table.name.text.starts_with('#') {
            return Err(fail(SqlError::new(1766, &[&name])));
        }
        self.writer()?.check_free(target.schema_id, &name).map_err(fail)?;
        let own: Vec<&Known> = here
            .iter()
            .map(|c| {
                find_column(self.names(), &target.known, c)
                    .ok_or_else(|| fail(SqlError::new(1769, &[&name, c, &target.name])))
            })
            .collect::<Result<_, _>>()?;
        let sets_null = [*on_delete, *on_update].into_iter().any(|a| action(a) == Action::SetNull);
        if sets_null && own.iter().any(|k| !k.nullable) {
            return Err(fail(SqlError::new(1761, &[&name])));
        }
        let shown_there = shown(table);
        // The table itself, or another one.
        let same = self.same(&table.name.text, &target.name)
            && self.schema_of(table).is_ok_and(|s| s == target.schema_id);
        let other: Option<Arc<TableDef>> = if same {
            None
        } else {
            let found = self.find(table)?.filter(|f| f.1 == "U");
            let (id, _) = found.ok_or_else(|| fail(SqlError::new(1767, &[&name, &shown_there])))?;
            self.catalog()?.table(id)?
        };
        if other.as_ref().is_some_and(|t| t.temporal.history_of.is_some()) {
            return Err(fail(SqlError::new(13565, &[&name])));
        }
        let (object, there_known, keys) = match &other {
            Some(t) => (t.object_id, known_columns(t), keys_of(t)),
            None => {
                // What was just written is not in the snapshot: the keys are read from its rows.
                (target.object, target.known.clone(), self.written_keys(target.object)?)
            }
        };
        let mut wanted: Vec<i32> = Vec::new();
        for c in referenced {
            let k = find_column(self.names(), &there_known, &c.text)
                .ok_or_else(|| fail(SqlError::new(1770, &[&name, &c.text, &shown_there])))?;
            wanted.push(k.column_id);
        }
        let (index, there) = if referenced.is_empty() {
            let key = keys.iter().find(|k| k.2);
            let key = key.ok_or_else(|| fail(SqlError::new(1773, &[&name, &shown_there])))?;
            if key.1.len() != own.len() {
                return Err(fail(SqlError::new(1774, &[&name, &shown_there])));
            }
            (key.0, key.1.clone())
        } else {
            let mut sorted = wanted.clone();
            sorted.sort_unstable();
            let matching = keys.iter().find(|k| {
                let mut columns = k.1.clone();
                columns.sort_unstable();
                columns == sorted
            });
            let key = matching.ok_or_else(|| fail(SqlError::new(1776, &[&shown_there, &name])))?;
            if wanted.len() != own.len() {
                return Err(fail(SqlError::new(1774, &[&name, &shown_there])));
            }
            (key.0, wanted)
        };
        let mut pairs = Vec::new();
        for (o, t) in own.iter().zip(&there) {
            let Some(k) = there_known.iter().find(|k| k.column_id == *t) else { continue };
            let texts = [TypeId::VarChar, TypeId::Char, TypeId::NVarChar, TypeId::NChar];
            let same_type = o.ty.id == k.ty.id
                || matches!(
                    (o.ty.id, k.ty.id),
                    (TypeId::Decimal, TypeId::Numeric) | (TypeId::Numeric, TypeId::Decimal)
                );
            let pair = [&shown_there as &dyn std::fmt::Display, &k.name, &target.name, &o.name, &name];
            if !same_type {
                return Err(fail(SqlError::new(1778, &pair)));
            }
            if o.ty.length != k.ty.length && !texts.contains(&o.ty.id) || o.ty.scale != k.ty.scale {
                return Err(fail(SqlError::new(1753, &pair)));
            }
            if texts.contains(&o.ty.id) {
                if o.ty.length != k.ty.length {
                    return Err(fail(SqlError::new(1753, &pair)));
                }
                if o.ty.collation != k.ty.collation {
                    return Err(fail(SqlError::new(1757, &pair)));
                }
            }
            pairs.push((o.column_id, *t));
        }
        if object != target.object {
            self.lock(object)?;
        }
        let key = NewForeignKey {
            name,
            system_named: s.name.is_none(),
            schema_id: target.schema_id,
            table: target.object,
            referenced: object,
            key_index: index,
            column: if let [one] = own.as_slice() { one.column_id } else { 0 },
            columns: pairs,
            on_delete: action(*on_delete),
            on_update: action(*on_update),
            not_for_replication: *not_for_replication,
            not_trusted: !trusted,
        };
        self.check_cascades(&key, target)?;
        Ok(self.writer()?.add_foreign_key(id, &key)?)
    }

    /// 2113: what a cascade does to the rows of a table is not done instead.
    pub(super) fn check_trigger_cascades(&self, table: i32, t: &CreateTrigger) -> Result<(), Fail> {
        let all = self.catalog()?.foreign_keys().map_err(|e| holdfast_engine::page_error(&e))?;
        let replaces = |event: &str| t.instead_of && t.events.iter().any(|e| e == event);
        let (deletes, updates) = (replaces("DELETE"), replaces("UPDATE"));
        if all.iter().any(|k| {
            k.table_id == table
                && (deletes && k.on_delete != Action::NoAction || updates && k.on_update != Action::NoAction)
        }) {
            let on = self.catalog()?.table(table)?.map_or_else(String::new, |t| t.name.to_string());
            return Err(SqlError::new(2113, &[&t.name.name.text, &on]).into());
        }
        Ok(())
    }

    /// 1785: what a key does on DELETE or UPDATE must reach every table by one way only, from whatever table it begins.
    fn check_cascades(&mut self, new: &NewForeignKey, target: &Target) -> Result<(), Fail> {
        if new.on_delete == Action::NoAction && new.on_update == Action::NoAction {
            return Ok(());
        }
        // Keys of the same statement count, too.
        self.refresh()?;
        let all = self.catalog()?.foreign_keys().map_err(|e| holdfast_engine::page_error(&e))?;
        for deleting in [true, false] {
            let rule = |d: Action, u: Action| if deleting { d } else { u };
            let mut edges: Vec<(i32, i32, Action)> = all
                .iter()
                .map(|k| (k.referenced_table_id, k.table_id, rule(k.on_delete, k.on_update)))
                .collect();
            edges.push((new.referenced, new.table, rule(new.on_delete, new.on_update)));
            edges.retain(|e| e.2 != Action::NoAction);
            if rule(new.on_delete, new.on_update) != Action::NoAction && meets_twice(&edges, new.referenced) {
                return Err(could_not_create(SqlError::new(1785, &[&new.name, &target.name])));
            }
        }
        Ok(())
    }

    /// Unique keys of a table as its catalog rows have them now.
    fn written_keys(&self, object: i32) -> Result<Vec<(i32, Vec<i32>, bool)>, Fail> {
        let writer = self.writer()?;
        let (indexes, columns) = (writer.base("sysidxstats")?, writer.base("sysiscols")?);
        let mut out = Vec::new();
        for row in writer.rows("sysidxstats", &[object.into()])? {
            let status = indexes.int(&row, "status");
            if status & 8 == 0 {
                continue;
            }
            let index = indexes.int(&row, "indid");
            let mut keys: Vec<(i64, i32)> = writer
                .rows("sysiscols", &[object.into(), index])?
                .iter()
                .filter(|r| columns.int(r, "tinyprop1") > 0)
                .map(|r| (columns.int(r, "tinyprop1"), columns.int(r, "intprop") as i32))
                .collect();
            keys.sort_unstable();
            out.push((index as i32, keys.into_iter().map(|k| k.1).collect(), status & 0x20 != 0));
        }
        Ok(out)
    }
}

/// Unique keys of a table: index id, column ids, whether it is the primary key.
pub fn keys_of(t: &TableDef) -> Vec<(i32, Vec<i32>, bool)> {
    t.indexes
        .iter()
        .filter(|i| i.unique && i.filter.is_none())
        .map(|i| {
            let columns =
                i.keys.iter().filter_map(|k| t.columns.get(k.ordinal).map(|c| c.column_id)).collect();
            (i.index_id, columns, i.primary_key)
        })
        .collect()
}

/// Whether from some table on, from which the actions come to `through`, a table is met by two ways or again.
fn meets_twice(edges: &[(i32, i32, Action)], through: i32) -> bool {
    let walk = |start: i32| {
        let mut met = vec![start];
        let mut next = vec![start];
        let mut twice = false;
        while let Some(from) = next.pop() {
            for (_, to, action) in edges.iter().filter(|e| e.0 == from) {
                if met.contains(to) {
                    twice = true;
                    continue;
                }
                met.push(*to);
                // What is set to NULL or its default stays where it is.
                if *action == Action::Cascade {
                    next.push(*to);
                }
            }
        }
        (met, twice)
    };
    let mut starts: Vec<i32> = edges.iter().map(|e| e.0).collect();
    starts.sort_unstable();
    starts.dedup();
    starts.into_iter().any(|s| {
        let (met, twice) = walk(s);
        twice && met.contains(&through)
    })
}

fn inline_indexes(d: &TableDefinition) -> impl Iterator<Item = (Option<&Ident>, &InlineIndex)> {
    d.columns
        .iter()
        .filter_map(|c| c.index.as_ref().map(|i| (Some(&c.name), i)))
        .chain(d.indexes.iter().map(|i| (None, i)))
}
