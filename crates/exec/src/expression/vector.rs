//! Results of expressions over a batch: a column, or one value that stands for every row.
//!
//! Invariants
//! 1. A column has as many rows as the batch it was computed from; a constant is never spread out unless someone needs a column.
//! 2. Truth values are bytes ordered false < unknown < true, so that AND is the minimum and OR the maximum.

use std::sync::Arc;

use holdfast_types::{Batch, Column, ColumnData, SqlResult, SqlType, Value};

/// A value per row, or one for all.
#[derive(Clone, Debug)]
pub enum Vector {
    Const(Value),
    Column(Arc<Column>),
}

impl Vector {
    pub fn column(c: Column) -> Self {
        Vector::Column(Arc::new(c))
    }

    /// As a column of `len` rows.
    pub fn into_column(self, ty: &SqlType, len: usize) -> SqlResult<Arc<Column>> {
        match self {
            Vector::Column(c) => Ok(c),
            Vector::Const(v) => Ok(Arc::new(Column::constant(ty, &v, len)?)),
        }
    }

    #[inline]
    pub fn value(&self, row: usize, ty: &SqlType) -> Value {
        match self {
            Vector::Const(v) => v.clone(),
            Vector::Column(c) => c.value(row, ty),
        }
    }

    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Vector::Const(v) => v.is_null(),
            Vector::Column(c) => c.is_null(row),
        }
    }

    pub fn is_const(&self) -> bool {
        matches!(self, Vector::Const(_))
    }

    pub fn nulls(&self) -> Option<&[bool]> {
        match self {
            Vector::Const(_) => None,
            Vector::Column(c) => c.nulls.as_deref(),
        }
    }
}

pub const FALSE: u8 = 0;
pub const UNKNOWN: u8 = 1;
pub const TRUE: u8 = 2;

pub fn truth_of(b: Option<bool>) -> u8 {
    match b {
        Some(true) => TRUE,
        Some(false) => FALSE,
        None => UNKNOWN,
    }
}

/// Three-valued result of a predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    Const(u8),
    Rows(Vec<u8>),
}

impl Truth {
    pub fn at(&self, row: usize) -> u8 {
        match self {
            Truth::Const(t) => *t,
            Truth::Rows(r) => r[row],
        }
    }

    #[must_use]
    pub fn negate(self) -> Truth {
        match self {
            Truth::Const(t) => Truth::Const(TRUE - t),
            Truth::Rows(mut r) => {
                r.iter_mut().for_each(|t| *t = TRUE - *t);
                Truth::Rows(r)
            }
        }
    }

    /// Row-wise minimum (AND) or maximum (OR).
    #[must_use]
    pub fn combine(self, other: Truth, and: bool) -> Truth {
        let pick = |a: u8, b: u8| if and { a.min(b) } else { a.max(b) };
        match (self, other) {
            (Truth::Const(a), Truth::Const(b)) => Truth::Const(pick(a, b)),
            (Truth::Const(a), Truth::Rows(mut r)) | (Truth::Rows(mut r), Truth::Const(a)) => {
                r.iter_mut().for_each(|t| *t = pick(*t, a));
                Truth::Rows(r)
            }
            (Truth::Rows(mut a), Truth::Rows(b)) => {
                if and {
                    a.iter_mut().zip(&b).for_each(|(x, y)| *x = (*x).min(*y));
                } else {
                    a.iter_mut().zip(&b).for_each(|(x, y)| *x = (*x).max(*y));
                }
                Truth::Rows(a)
            }
        }
    }

    /// Rows that are true; `None` when all of `len` are.
    pub fn selected(&self, len: usize) -> Option<Vec<u32>> {
        match self {
            Truth::Const(TRUE) => None,
            Truth::Const(_) => Some(Vec::new()),
            Truth::Rows(r) => {
                let count = r.iter().filter(|&&t| t == TRUE).count();
                if count == len {
                    return None;
                }
                let mut out = vec![0u32; count + 1];
                let mut n = 0;
                // Branch-free: writes every index, advances only for true rows.
                for (i, &t) in r.iter().enumerate() {
                    out[n] = i as u32;
                    n += usize::from(t == TRUE);
                }
                out.truncate(count);
                Some(out)
            }
        }
    }

    /// As a bit column or constant.
    pub fn into_vector(self) -> Vector {
        match self {
            Truth::Const(TRUE) => Vector::Const(Value::Bit(true)),
            Truth::Const(FALSE) => Vector::Const(Value::Bit(false)),
            Truth::Const(_) => Vector::Const(Value::Null),
            Truth::Rows(r) => {
                let nulls = r.iter().map(|&t| t == UNKNOWN).collect();
                let data = r.into_iter().map(|t| u8::from(t == TRUE)).collect();
                Vector::column(Column::with_nulls(ColumnData::U8(data), nulls))
            }
        }
    }
}

/// Rows that are NULL in either operand.
pub fn merged_nulls(a: &Vector, b: &Vector) -> Option<Vec<bool>> {
    match (a.nulls(), b.nulls()) {
        (None, None) => None,
        (Some(x), None) | (None, Some(x)) => Some(x.to_vec()),
        (Some(x), Some(y)) => Some(x.iter().zip(y).map(|(p, q)| p | q).collect()),
    }
}

/// The given rows of a batch, only in the columns that `needed` names; the others are empty and must not be touched.
pub fn subset(batch: &Batch, rows: &[u32], needed: &[usize]) -> Batch {
    let empty = Arc::new(Column::new(ColumnData::U8(Vec::new())));
    let mut columns = vec![empty; batch.columns.len()];
    for &c in needed {
        if let (Some(slot), Some(source)) = (columns.get_mut(c), batch.columns.get(c)) {
            *slot = Arc::new(source.take(rows));
        }
    }
    Batch { len: rows.len(), columns }
}

/// Puts pieces, each computed for some of the rows, back together in row order. Rows in no piece are NULL.
pub fn scatter(ty: &SqlType, len: usize, pieces: Vec<(Vec<u32>, Vector)>) -> SqlResult<Vector> {
    let mut all = Column::empty(ty);
    let mut position = vec![u32::MAX; len];
    for (rows, vector) in pieces {
        let base = all.len() as u32;
        for (i, &r) in rows.iter().enumerate() {
            position[r as usize] = base + i as u32;
        }
        all.append(vector.into_column(ty, rows.len())?.as_ref())?;
    }
    Ok(Vector::column(if position.contains(&u32::MAX) {
        all.take_or_null(&position)
    } else {
        all.take(&position)
    }))
}
