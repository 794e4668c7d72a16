//! What an index asks of the computed columns that it is over.
//!
//! Invariants
//! 1. The value of a computed column that no row holds must be the same whenever it is computed: entries of indexes are found
//!    again by it when their row changes or goes.
//!
//! Evidence: rules and messages as documented for indexes on computed columns; the index
//! AK_SalesOrderHeader_SalesOrderNumber of the AdventureWorks samples is one of them.

use holdfast_engine::ddl::index::NewIndex;
use holdfast_engine::ddl::object::bits;
use holdfast_tsql::ast::Expr;
use holdfast_types::{SqlError, TypeId};

use super::Definition;
use super::constraint::Target;
use super::lower::{Known, find_column};
use super::print::columns_of;
use crate::indexed_view::Steady;
use crate::procedure::run::Fail;

fn is_imprecise(k: &Known) -> bool {
    matches!(k.ty.id, TypeId::Float | TypeId::Real)
}

impl Definition<'_, '_> {
    /// 2729, 2799, 1711 and their kin for the computed columns of an index.
    pub fn check_computed_keys(&self, target: &Target, index: &NewIndex) -> Result<(), Fail> {
        let of = |id: &i32| target.known.iter().find(|k| k.column_id == *id);
        let (keys, included) = (index.keys.iter().filter_map(|k| of(&k.0)), &index.included);
        let both = keys.map(|k| (k, true)).chain(included.iter().filter_map(of).map(|k| (k, false)));
        let mut any = false;
        for (column, is_key) in both {
            let Some(formula) = &column.formula else { continue };
            any |= is_key;
            if index.primary_key && (column.is_virtual || column.nullable) {
                return Err(SqlError::new(1711, &[&column.name, &target.name]).into());
            }
            if let Ok(e) = holdfast_tsql::parse_expression(formula, &Default::default()) {
                self.check_formula(target, index, column, is_key, &e)?;
            }
            if column.is_virtual && index.clustered {
                let what = "A clustered index on a computed column that is not persisted";
                return Err(SqlError::not_supported(what).into());
            }
        }
        if any {
            self.runner.refuse_options("CREATE INDEX")?;
        }
        Ok(())
    }

    fn check_formula(
        &self,
        target: &Target,
        index: &NewIndex,
        column: &Known,
        is_key: bool,
        e: &Expr,
    ) -> Result<(), Fail> {
        if !self.is_steady(&target.known, e)? {
            return Err(SqlError::new(2729, &[&column.name, &target.name]).into());
        }
        let from = columns_of(self.names(), e);
        let imprecise = is_imprecise(column)
            || from.iter().filter_map(|n| find_column(self.names(), &target.known, n)).any(is_imprecise);
        if is_key && column.is_virtual && imprecise {
            return Err(SqlError::new(2799, &[&index.name, &target.name, &column.name]).into());
        }
        Ok(())
    }

    /// Whether an expression over columns has the same value whenever it is computed.
    pub fn is_steady(&self, known: &[Known], e: &Expr) -> Result<bool, Fail> {
        let all = match crate::indexed_view::steadiness(e) {
            Steady::Always => return Ok(true),
            Steady::Never => return Ok(false),
            Steady::AsModules(all) => all,
        };
        for (schema, name) in all {
            let of_column = schema.as_ref().is_some_and(|s| find_column(self.names(), known, s).is_some());
            if !of_column && !self.is_schema_bound(schema.as_deref(), &name)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_schema_bound(&self, schema: Option<&str>, name: &str) -> Result<bool, Fail> {
        let catalog = self.catalog()?;
        let found = catalog.objects().into_iter().find(|o| {
            self.same(&o.name, name) && schema.is_none_or(|s| self.same(&catalog.schema_name(o.schema_id), s))
        });
        Ok(found.is_some_and(|o| i64::from(o.status) & bits::SCHEMA_BOUND != 0))
    }
}
