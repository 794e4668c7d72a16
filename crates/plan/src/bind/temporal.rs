//! FOR SYSTEM_TIME: a versioned table and its history as one, cut to the rows of a time.
//!
//! Invariants
//! 1. The clause is bound where it stands; on a view it holds for every versioned table that the view's text comes to.
//! 2. Rows of the history whose period is empty (changed twice in one transaction) are in no answer.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, TableDef};
use holdfast_tsql::ast::TableHint;
use holdfast_tsql::ast::query::SystemTime;
use holdfast_types::{SqlError, SqlResult, SqlType};

use super::from::From;
use super::{Binder, Coerce, Source, Typed};
use crate::expr::{CompareOp, Expr};
use crate::logical::LogicalPlan;

/// Which rows of a versioned table a query wants.
#[derive(Clone, Debug)]
enum Wanted {
    AsOf(Expr),
    FromTo(Expr, Expr),
    Between(Expr, Expr),
    ContainedIn(Expr, Expr),
    All,
}

/// A bound FOR SYSTEM_TIME clause.
#[derive(Clone, Debug)]
pub(crate) struct SystemTimeFilter {
    wanted: Wanted,
    /// A versioned table was met.
    pub met: bool,
}

/// `database.schema.table`, as messages about versioned tables name them.
pub(crate) fn full_name(table: &TableDef, catalog: Option<&Arc<dyn Catalog>>) -> String {
    let database = catalog.map_or_else(String::new, |c| format!("{}.", c.database_name()));
    format!("{database}{}.{}", table.schema_name, table.name)
}

/// 13544.
pub(crate) fn not_versioned(name: &str) -> SqlError {
    SqlError::new(13544, &[&name])
}

impl Binder<'_> {
    pub(super) fn bind_system_time(&mut self, t: &SystemTime) -> SqlResult<SystemTimeFilter> {
        let mut moment = |e| {
            let t = self.bind(e)?;
            self.coerce_to(t, SqlType::datetime2(7))
        };
        let wanted = match t {
            SystemTime::AsOf(a) => Wanted::AsOf(moment(a)?),
            SystemTime::FromTo(a, b) => Wanted::FromTo(moment(a)?, moment(b)?),
            SystemTime::Between(a, b) => Wanted::Between(moment(a)?, moment(b)?),
            SystemTime::ContainedIn(a, b) => Wanted::ContainedIn(moment(a)?, moment(b)?),
            SystemTime::All => Wanted::All,
        };
        Ok(SystemTimeFilter { wanted, met: false })
    }

    /// A table under FOR SYSTEM_TIME.
    pub(super) fn system_time_source(
        &mut self,
        table: Arc<TableDef>,
        catalog: &Arc<dyn Catalog>,
        label: &str,
        aliased: bool,
        hints: &[TableHint],
        filter: &SystemTimeFilter,
    ) -> SqlResult<From> {
        let name = full_name(&table, Some(catalog));
        let (Some(period), Some(history)) = (table.temporal.period, table.temporal.history) else {
            return Err(not_versioned(&name));
        };
        let history = catalog.table_by_id(history)?.ok_or_else(|| not_versioned(&name))?;
        let current = self.table_source(table, Some(catalog), label, aliased, hints)?;
        let old = self.table_source(history, Some(catalog), label, aliased, hints)?;
        let (current, mut source) = self.cut(current, period, filter, false)?;
        let (old, old_source) = self.cut(old, period, filter, true)?;
        if old_source.columns.len() != source.columns.len() {
            return Err(not_versioned(&name));
        }
        let ids = |s: &Source| s.columns.iter().map(|c| c.col.id).collect();
        let inputs = vec![(current, ids(&source)), (old, ids(&old_source))];
        let mut columns = Vec::with_capacity(source.columns.len());
        for c in &mut source.columns {
            let col = self.new_col(c.col.ty, c.col.nullable);
            if let Some(name) = self.column_names.get(&c.col.id).cloned() {
                self.column_names.insert(col.id, name);
            }
            c.col = col;
            columns.push(col);
        }
        Ok(From { plan: LogicalPlan::Concat { inputs, columns }, sources: vec![source] })
    }

    /// The rows of one of the two tables that belong to the time.
    fn cut(
        &mut self,
        from: From,
        period: (usize, usize),
        filter: &SystemTimeFilter,
        history: bool,
    ) -> SqlResult<(LogicalPlan, Source)> {
        let From { plan, mut sources } = from;
        let source = sources.swap_remove(0);
        let columns = (source.columns.get(period.0), source.columns.get(period.1));
        let (Some(start), Some(end)) = columns else {
            return Err(SqlError::new(207, &[&"SYSTEM_TIME"]));
        };
        let typed = |e: &Expr| Typed::with(e.clone(), Coerce::Implicit);
        let (start, end) = (start.col.expr(), end.col.expr());
        use CompareOp::{Greater as Gt, Less as Lt, LessOrEqual as Le, NotEqual as Ne};
        let mut terms: Vec<(CompareOp, &Expr, &Expr)> = match &filter.wanted {
            Wanted::AsOf(t) => vec![(Le, &start, t), (Gt, &end, t)],
            Wanted::FromTo(a, b) => vec![(Lt, &start, b), (Gt, &end, a)],
            Wanted::Between(a, b) => vec![(Le, &start, b), (Gt, &end, a)],
            Wanted::ContainedIn(a, b) => vec![(Le, a, &start), (Le, &end, b)],
            Wanted::All => Vec::new(),
        };
        if history {
            terms.push((Ne, &start, &end));
        }
        let mut conditions = Vec::with_capacity(terms.len());
        for (op, l, r) in terms {
            conditions.push(self.compare(op, typed(l), typed(r))?);
        }
        let plan = if conditions.is_empty() { plan } else { plan.filter(Expr::and(conditions)) };
        Ok((plan, source))
    }
}
