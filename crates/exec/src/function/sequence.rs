//! NEXT VALUE FOR: values of sequences for the rows of a statement.
//!
//! Invariants
//! 1. Every use of a sequence in a row gives the row's value: a use counts the rows it has seen. Uses are evaluated batch by
//!    batch, so none is more than a batch behind another.

use std::collections::{HashMap, VecDeque};

use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{SqlError, SqlResult, Value};
use parking_lot::Mutex;

use super::Call;

/// Values given to one statement, by (database, sequence).
#[derive(Debug, Default)]
pub struct StatementSequences(Mutex<HashMap<(i32, i32), Given>>);

#[derive(Debug, Default)]
struct Given {
    /// Values by row, from row `first` on.
    values: VecDeque<Value>,
    first: usize,
    /// Rows seen by each use.
    seen: HashMap<i32, usize>,
    /// Values go by place, in any order: all are kept.
    placed: bool,
}

/// How far behind a use may be.
const KEPT: usize = 2 * BATCH_ROWS;

pub fn next_value(c: &Call<'_>) -> SqlResult<Value> {
    let int = |i: usize| match c.args.get(i) {
        Some(Value::Int(n)) => Ok(*n),
        _ => Err(internal()),
    };
    let place = match c.args.get(3) {
        Some(Value::BigInt(n)) => usize::try_from(*n).map_err(|_| internal())?,
        _ => return Err(internal()),
    };
    let (database, object, number) = (int(0)?, int(1)?, int(2)?);
    let mut all = c.ctx.query.sequences.0.lock();
    let given = all.entry((database, object)).or_default();
    let row = if place > 0 {
        given.placed = true;
        place - 1
    } else {
        let seen = given.seen.entry(number).or_default();
        *seen += 1;
        *seen - 1
    };
    while given.first + given.values.len() <= row {
        let value = c.ctx.query.session.next_sequence_value(database, object)?;
        given.values.push_back(value);
        if !given.placed && given.values.len() > KEPT {
            given.values.pop_front();
            given.first += 1;
        }
    }
    let at = row.checked_sub(given.first).ok_or_else(internal)?;
    given.values.get(at).cloned().ok_or_else(internal)
}

fn internal() -> SqlError {
    SqlError::with_text(8624, 16, "Internal error: a row's value of a sequence is lost.")
}
