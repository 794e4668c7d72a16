//! CREATE, ALTER and DROP of partition functions and schemes.
//!
//! Invariants
//! 1. Boundaries are stored in ascending order whatever order they are written in.
//! 2. A scheme has a filegroup for each partition of its function.

use std::cmp::Ordering;
use std::sync::Arc;

use holdfast_engine::database::partition::{PartitionFunction, PartitionScheme};
use holdfast_engine::ddl::index::{NewIndex, Placement};
use holdfast_engine::instance::files::filegroups;
use holdfast_engine::lock::LockMode;
use holdfast_engine::page_error;
use holdfast_engine::stored::key::{compare, is_comparable};
use holdfast_tsql::ast::{DataType, Drop, Expr, Ident, StoragePlace};
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType, TypeId, Value};

use super::Definition;
use super::constraint::Target;
use super::lower::{Known, find_column, type_text};
use crate::procedure::query::convert;
use crate::procedure::run::Fail;

/// Most partitions of a function.
pub const MOST_PARTITIONS: usize = 15_000;

/// 7705 for a value that cannot become one of the function's type.
fn conversion(f: Fail, ordinal: usize) -> Fail {
    let cannot = |e: &SqlError| {
        matches!(e.number, 206 | 220 | 235 | 241 | 242 | 244 | 245 | 248 | 257 | 295 | 8114 | 8115 | 8169)
    };
    match f {
        Fail::Error(e) | Fail::Compile(e) if cannot(&e) => SqlError::new(7705, &[&ordinal]).into(),
        other => other,
    }
}

/// 7720: the value is longer than the type.
fn is_longer(value: &Value, ty: &SqlType) -> bool {
    match value {
        Value::String(s) => holdfast_types::conversion::would_truncate(s, ty),
        Value::Binary(b) => i64::try_from(b.len()).unwrap_or(i64::MAX) > i64::from(ty.length),
        _ => false,
    }
}

/// The column by which rows are spread at a place.
pub fn partition_column<'k>(place: &Placement, known: &'k [Known]) -> Option<&'k Known> {
    let id = place.partition_column()?;
    known.iter().find(|k| k.column_id == id)
}

impl Definition<'_, '_> {
    pub fn partition_function(&self, name: &str) -> SqlResult<Option<Arc<PartitionFunction>>> {
        let all = self.catalog()?.partition_functions().map_err(|e| page_error(&e))?;
        Ok(all.into_iter().find(|f| self.same(&f.name, name)))
    }

    pub fn partition_scheme(&self, name: &str) -> SqlResult<Option<Arc<PartitionScheme>>> {
        let all = self.catalog()?.partition_schemes().map_err(|e| page_error(&e))?;
        Ok(all.into_iter().find(|s| self.same(&s.name, name)))
    }

    pub fn create_partition_function(
        &mut self,
        name: &Ident,
        data_type: &DataType,
        collation: Option<&Ident>,
        right: bool,
        values: &[Expr],
    ) -> Result<(), Fail> {
        if self.partition_function(&name.text)?.is_some() {
            return Err(SqlError::new(2714, &[&name.text]).into());
        }
        let (mut ty, _, user_type) = self.resolve(data_type)?;
        let plain = user_type <= 255 && is_comparable(&ty) && !ty.is_max() && ty.id != TypeId::RowVersion;
        if !plain || matches!(ty.id, TypeId::HierarchyId) {
            return Err(SqlError::new(7704, &[&ty.id.name()]).into());
        }
        if let Some(c) = collation {
            let id = CollationId::from_name(&c.text).ok_or_else(|| SqlError::new(448, &[&c.text]))?;
            if !ty.id.is_character() {
                return Err(SqlError::new(447, &[&ty.id.name()]).into());
            }
            ty.collation = id;
        }
        if values.len() >= MOST_PARTITIONS {
            return Err(SqlError::new(7719, &[&MOST_PARTITIONS]).into());
        }
        let mut boundaries = Vec::with_capacity(values.len());
        for (n, e) in values.iter().enumerate() {
            boundaries.push((n + 1, self.boundary(e, &ty, n + 1)?));
        }
        let sorted = boundaries.windows(2).all(|w| compare(&ty, &w[0].1, &w[1].1) != Ordering::Greater);
        boundaries.sort_by(|a, b| compare(&ty, &a.1, &b.1));
        if let Some(w) = boundaries.windows(2).find(|w| compare(&ty, &w[0].1, &w[1].1) == Ordering::Equal) {
            return Err(SqlError::new(7708, &[&w[0].0, &w[1].0]).into());
        }
        let boundaries: Vec<Value> = boundaries.into_iter().map(|b| b.1).collect();
        self.writer()?.add_partition_function(&name.text, &ty, user_type, right, &boundaries)?;
        if !sorted {
            let warning = SqlError::new(7709, &[&name.text, &name.text]);
            self.runner.info(7709, 10, 1, warning.message.clone())?;
        }
        Ok(())
    }

    /// The value of an expression that may use the batch's variables.
    pub fn value(&mut self, e: &Expr, ty: SqlType) -> Result<Value, Fail> {
        let scope = self.scope;
        self.runner.value_as(e, ty, scope)
    }

    /// A boundary value, converted to the function's type.
    pub fn boundary(&mut self, e: &Expr, ty: &SqlType, ordinal: usize) -> Result<Value, Fail> {
        let wide = match ty.id {
            id if id.is_character() => Some(SqlType {
                length: -1,
                id: if id.is_unicode() { TypeId::NVarChar } else { TypeId::VarChar },
                ..*ty
            }),
            TypeId::Binary | TypeId::VarBinary => Some(SqlType::binary(TypeId::VarBinary, -1)),
            _ => None,
        };
        // Evaluated once: a plan is kept for its node, whatever type it is for.
        let given = wide.unwrap_or(*ty);
        let value = self.value(e, given).map_err(|f| conversion(f, ordinal))?;
        if wide.is_some() && is_longer(&value, ty) {
            return Err(SqlError::new(7720, &[&ordinal]).into());
        }
        let context = self.runner.context(self.scope);
        convert(&value, given, *ty, &context).map_err(|e| conversion(e.into(), ordinal))
    }

    /// The place that ON names when that is a scheme.
    pub fn scheme_place(&self, on: &StoragePlace, known: &[Known]) -> Result<Option<Placement>, Fail> {
        let Some(scheme) = self.partition_scheme(&on.name.text)? else {
            if on.columns.is_empty() {
                return Ok(None);
            }
            return Err(SqlError::new(1921, &[&"partition scheme", &on.name.text]).into());
        };
        let functions = self.catalog()?.partition_functions().map_err(|e| page_error(&e))?;
        let function = functions.iter().find(|f| f.id == scheme.function);
        let function = function.ok_or_else(|| SqlError::new(1921, &[&"partition scheme", &scheme.name]))?;
        // Its boundaries stay what they are until what is placed by them is there, or is not.
        self.hold(function.id, LockMode::SchS)?;
        let [column] = on.columns.as_slice() else {
            return Err(SqlError::new(2726, &[&function.name, &1]).into());
        };
        let found = find_column(self.names(), known, &column.text);
        let found = found.ok_or_else(|| SqlError::new(1911, &[&column.text]))?;
        let (a, b) = (&found.ty, &function.ty);
        if (a.id, a.length, a.precision, a.scale) != (b.id, b.length, b.precision, b.scale) {
            let (a, b) = (type_text(a), type_text(b));
            return Err(SqlError::new(7726, &[&found.name, &a, &function.name, &b]).into());
        }
        if a.id.is_character() && a.collation != b.collation {
            return Err(SqlError::new(7727, &[&found.name, &function.name]).into());
        }
        Ok(Some(Placement::spread(&scheme, found.column_id)))
    }

    /// 1908 for a unique index whose key lacks the partitioning column; what is not there yet answers so.
    pub fn check_partitioning(&self, index: &NewIndex, target: &Target) -> Result<(), Fail> {
        self.check_partitioning_at(index, &target.place, &target.known, target.clustered.is_some())
    }

    /// The same for an index of a table whose rows lie at `base`.
    pub fn check_partitioning_at(
        &self,
        index: &NewIndex,
        base: &Placement,
        known: &[Known],
        clustered: bool,
    ) -> Result<(), Fail> {
        if let Some(p) = partition_column(&index.place, known).filter(|p| p.is_virtual) {
            return Err(SqlError::new(7724, &[&p.name, &index.name]).into());
        }
        if let Some(id) = index.place.partition_column()
            && index.unique
            && !index.keys.iter().any(|(c, _)| *c == id)
        {
            let column = known.iter().find(|k| k.column_id == id).map_or("", |k| &k.name);
            return Err(SqlError::new(1908, &[&column, &index.name]).into());
        }
        let schemes = self.catalog()?.partition_schemes().map_err(|e| page_error(&e))?;
        let function = |p: &Placement| {
            let scheme = p.partitions.as_ref()?.scheme;
            schemes.iter().find(|s| s.id == scheme).map(|s| s.function)
        };
        let same = function(&index.place) == function(base)
            && index.place.partition_column() == base.partition_column();
        if index.clustered || same {
            return Ok(());
        }
        if index.place.partitions.is_some() {
            return Err(
                SqlError::not_supported("An index that is partitioned otherwise than its table").into()
            );
        }
        if !clustered {
            return Err(
                SqlError::not_supported("An index that is not partitioned on a partitioned heap").into()
            );
        }
        Ok(())
    }

    /// The id of a filegroup; `DEFAULT` is the default one.
    fn group_named(&self, name: &Ident) -> Result<i16, Fail> {
        let groups = filegroups(&*self.catalog()?)?;
        let default = name.text.eq_ignore_ascii_case("default");
        let found = groups.iter().find(|g| if default { g.2 } else { self.same(&g.1, &name.text) });
        match found {
            Some(g) => Ok(g.0 as i16),
            None if default => Ok(1),
            None => Err(SqlError::new(1921, &[&"filegroup", &name.text]).into()),
        }
    }

    pub fn create_partition_scheme(
        &mut self,
        name: &Ident,
        function: &Ident,
        all: bool,
        groups: &[Ident],
    ) -> Result<(), Fail> {
        let taken = filegroups(&*self.catalog()?)?.iter().any(|g| self.same(&g.1, &name.text));
        if taken || self.partition_scheme(&name.text)?.is_some() {
            return Err(SqlError::new(2714, &[&name.text]).into());
        }
        let found = self.partition_function(&function.text)?;
        let found = found.ok_or_else(|| SqlError::new(208, &[&function.text]).state(57))?;
        self.hold(found.id, LockMode::SchS)?;
        if all && groups.len() != 1 {
            return Err(SqlError::new(7723, &[]).into());
        }
        let ids: Vec<i16> = groups.iter().map(|g| self.group_named(g)).collect::<Result<_, Fail>>()?;
        let needed = found.partitions();
        let (places, next_used) = if all {
            (vec![ids[0]; needed], Some(ids[0]))
        } else if ids.len() < needed {
            return Err(SqlError::new(7707, &[&found.name, &name.text]).into());
        } else {
            (ids[..needed].to_vec(), ids.get(needed).copied())
        };
        self.writer()?.add_partition_scheme(&name.text, found.id, &places, next_used)?;
        if !all && ids.len() > needed + 1 {
            let ignored = SqlError::new(7713, &[&(ids.len() - needed - 1)]);
            self.runner.info(7713, 10, 1, ignored.message.clone())?;
        }
        Ok(())
    }

    /// ALTER PARTITION SCHEME … NEXT USED.
    pub fn alter_partition_scheme(&mut self, name: &Ident, next_used: Option<&Ident>) -> Result<(), Fail> {
        let scheme = self.partition_scheme(&name.text)?;
        let scheme =
            scheme.ok_or_else(|| SqlError::new(15151, &[&"alter", &"partition scheme", &name.text]))?;
        self.lock(scheme.function)?;
        let group = next_used.map(|g| self.group_named(g)).transpose()?;
        if group.is_none() && scheme.next_used.is_none() {
            let warning = SqlError::new(7710, &[&scheme.name]);
            return self.runner.info(7710, 10, 1, warning.message.clone());
        }
        Ok(self.writer()?.set_destinations(&scheme, &scheme.groups, group)?)
    }

    /// DROP PARTITION FUNCTION and DROP PARTITION SCHEME.
    pub fn drop_partitioning(&mut self, d: &Drop) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let what = d.kind.to_lowercase();
        for name in &d.names {
            let text = &name.name.text;
            let missing = || SqlError::new(15151, &[&"drop", &what, text]);
            if d.kind == "PARTITION FUNCTION" {
                let function = self.partition_function(text)?.ok_or_else(missing)?;
                self.lock(function.id)?;
                let schemes = catalog.partition_schemes().map_err(|e| page_error(&e))?;
                if schemes.iter().any(|s| s.function == function.id) {
                    return Err(SqlError::new(7706, &[&function.name]).into());
                }
                self.writer()?.remove_partition_function(function.id)?;
            } else {
                let scheme = self.partition_scheme(text)?.ok_or_else(missing)?;
                self.lock(scheme.function)?;
                if !catalog.on_scheme(scheme.id).map_err(|e| page_error(&e))?.is_empty() {
                    return Err(SqlError::new(7717, &[&scheme.name]).into());
                }
                self.writer()?.remove_partition_scheme(scheme.id)?;
            }
        }
        Ok(())
    }
}
