//! Rows of OUTPUT clauses.

use std::sync::Arc;

use holdfast_plan::change::{Action, BoundChange};
use holdfast_types::{Batch, CollationId, Column, SqlResult, SqlType, Value};

use super::{Change, Rows, Runner};
use crate::expression::evaluate;
use crate::procedure::run::Fail;

impl Runner<'_> {
    /// Makes the OUTPUT rows of changed rows; `batch` holds the plan's row of each.
    pub(super) fn put_out(
        &mut self,
        bound: &BoundChange,
        action: Action,
        deleted: Option<&Rows>,
        inserted: Option<&Rows>,
        batch: &Batch,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        if bound.output.is_empty() || batch.len == 0 {
            return Ok(());
        }
        let types = bound.target.types();
        let side = |rows: Option<&Rows>| -> SqlResult<Batch> {
            match rows {
                Some(rows) if rows.len() == batch.len => Batch::from_rows(&types, rows),
                _ => Ok(Batch::new(
                    batch.len,
                    types.iter().map(|t| Arc::new(Column::all_null(t, batch.len))).collect(),
                )),
            }
        };
        let action_type = SqlType::nvarchar(10, CollationId::SERVER_DEFAULT);
        let word = Column::constant(&action_type, &Value::string(action.word()), batch.len)?;
        let whole = side(deleted)?
            .beside(side(inserted)?)
            .beside(Batch::new(batch.len, vec![Arc::new(word)]))
            .beside(batch.clone());
        for (i, clause) in bound.output.iter().enumerate() {
            let mut columns = Vec::with_capacity(clause.exprs.len());
            for e in &clause.exprs {
                columns.push(evaluate(e, &whole, &change.context)?.into_column(&e.ty, whole.len)?);
            }
            let made = Batch::new(whole.len, columns);
            match &clause.into {
                None => change.output[i].push(made)?,
                Some(into) => {
                    let types: Vec<SqlType> = clause.exprs.iter().map(|e| e.ty).collect();
                    let values: Rows = (0..made.len).map(|r| made.row(r, &types)).collect();
                    let identity = change.identity.clone();
                    let rows = self.whole_rows(&into.target, &into.ordinals, values, change, true)?;
                    change.identity = identity;
                    self.store_uncounted(&into.target, &rows, change)?;
                }
            }
        }
        Ok(())
    }
}
