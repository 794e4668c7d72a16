//! System-versioned tables: the periods of rows that are written, and what becomes of the rows they replace.
//!
//! Invariants
//! 1. All changes of a transaction happen at the moment it began: rows that it writes begin then, rows that it replaces or
//!    removes go to the history and end then.
//! 2. A row does not end before it began (13535).

use std::sync::Arc;

use holdfast_engine::transaction::Transaction as Work;
use holdfast_plan::change::{Action, TargetTable};
use holdfast_types::{Batch, Date, DateTime2, DateTimeOffset, SqlError, SqlResult, SqlType, Time, Value};

use super::{BoundChange, Change, ChangeKind, Rows, Runner, writer};
use crate::expression::evaluate;
use crate::procedure::run::Fail;
use crate::procedure::surroundings::now;

/// Ticks of 100 ns in a day.
const DAY: u64 = 864_000_000_000;
/// Days from 0001-01-01 to 9999-12-31.
const LAST_DAY: i32 = 3_652_058;

/// The end of rows that are current, in the scale of a period's column.
pub fn end_of_time(ty: &SqlType) -> Value {
    let unit = 10u64.pow(7 - u32::from(ty.scale.min(7)));
    Value::DateTime2(DateTime2 { date: Date(LAST_DAY), time: Time((DAY / unit - 1) * unit) })
}

/// A moment that was some time ago.
fn earlier(now: DateTimeOffset, ago: std::time::Duration) -> DateTime2 {
    let ticks = i128::from(now.utc.date.0) * i128::from(DAY) + i128::from(now.utc.time.0);
    let then = (ticks - (ago.as_nanos() / 100) as i128).max(0);
    let (days, time) = (then / i128::from(DAY), then % i128::from(DAY));
    DateTime2 { date: Date(days as i32), time: Time(time as u64) }
}

/// 13559 to 13562: the rows of a history table are the server's own affair.
pub(super) fn refuse_history(bound: &BoundChange) -> Result<(), Fail> {
    if bound.target.table.temporal.history_of.is_none() {
        return Ok(());
    }
    let number = match bound.kind {
        ChangeKind::Insert(_) | ChangeKind::InsertExternal { .. } => 13559,
        ChangeKind::Delete => 13560,
        ChangeKind::Update(_) => 13561,
        ChangeKind::Merge { .. } => 13562,
    };
    Err(Fail::Compile(SqlError::new(number, &[&bound.target.full_name])))
}

impl Runner<'_> {
    /// When a transaction began, in UTC.
    pub(crate) fn transaction_time(&self, work: &Work) -> DateTime2 {
        work.time(|ago| earlier(now(&self.session), ago))
    }

    /// Gives rows that are to be written their period.
    pub(super) fn begin_period(&self, target: &TargetTable, rows: &mut Rows, change: &Change<'_>) {
        let Some((start, end)) = target.table.temporal.period else { return };
        let columns = &target.table.columns;
        let begin = Value::DateTime2(self.transaction_time(change.work).round(columns[start].ty.scale));
        let last = end_of_time(&columns[end].ty);
        for row in rows {
            row[start] = begin.clone();
            row[end] = last.clone();
        }
    }

    /// Puts rows that a change replaces or removes into the history.
    pub(super) fn keep_history(
        &mut self,
        target: &Arc<TargetTable>,
        old: &Rows,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        let (Some((start, end)), Some(history)) =
            (target.table.temporal.period, target.table.temporal.history)
        else {
            return Ok(());
        };
        if old.is_empty() {
            return Ok(());
        }
        let history = self.table_of(target.table.database_id, history)?;
        let history = self.cascade_target(&history, change)?;
        let time = self.transaction_time(change.work).round(target.table.columns[end].ty.scale);
        let mut rows = old.clone();
        self.compute_for_history(target, &mut rows, change)?;
        for row in &mut rows {
            if matches!(&row[start], Value::DateTime2(begun) if *begun > time) {
                return Err(SqlError::new(13535, &[&target.full_name]).into());
            }
            row[end] = Value::DateTime2(time);
        }
        let rows = self.settle(&history, rows, change, true, Action::Insert, None)?;
        writer(&history)?.insert(change.write(), &rows)?;
        if !history.views.is_empty() {
            let new: Rows = rows.into_iter().map(|r| r.values).collect();
            self.carry_to_views(&history, &Rows::new(), &new, None, change)?;
        }
        Ok(())
    }

    /// Computed columns are ordinary ones in the history: those that the rows of the table do not hold are computed now.
    fn compute_for_history(
        &self,
        target: &TargetTable,
        rows: &mut Rows,
        change: &Change<'_>,
    ) -> SqlResult<()> {
        let is_held = |ordinal: usize| target.table.columns.get(ordinal).is_some_and(|c| c.persisted);
        let wanted: Vec<_> = target.computed.iter().filter(|c| !is_held(c.ordinal)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let batch = Batch::from_rows(&target.types(), rows)?;
        for c in wanted {
            let v = evaluate(&c.value, &batch, &change.context)?;
            for (i, row) in rows.iter_mut().enumerate() {
                row[c.ordinal] = v.value(i, &c.value.ty);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_time_has_the_column_s_scale() {
        let at = |scale| match end_of_time(&SqlType::datetime2(scale)) {
            Value::DateTime2(d) => d.time.0,
            _ => 0,
        };
        assert_eq!(at(7), DAY - 1);
        assert_eq!(at(0), DAY - 10_000_000);
        assert_eq!(at(3), DAY - 10_000);
    }
}
