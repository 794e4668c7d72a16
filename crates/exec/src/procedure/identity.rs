//! Counting up identity columns of tables in memory.

use holdfast_engine::catalog::IdentityDef;
use holdfast_types::{Decimal, SqlError, SqlResult, SqlType, TypeId, Value};

/// Where an identity column stands.
#[derive(Clone)]
pub struct Counter {
    ty: SqlType,
    seed: i128,
    increment: i128,
    last: Option<i128>,
    /// Set by a reseed before any row: the very next value.
    first: Option<i128>,
}

/// A whole number out of a value of an identity column's type.
pub fn whole(v: &Value) -> Option<i128> {
    Some(match v {
        Value::TinyInt(n) => i128::from(*n),
        Value::SmallInt(n) => i128::from(*n),
        Value::Int(n) => i128::from(*n),
        Value::BigInt(n) => i128::from(*n),
        Value::Decimal(d) => d.mantissa / 10i128.checked_pow(u32::from(d.scale))?,
        _ => return None,
    })
}

/// A whole number as a value of a type; 8115 when it does not fit.
pub fn value_of(n: i128, ty: &SqlType) -> SqlResult<Value> {
    let v = match ty.id {
        TypeId::TinyInt => u8::try_from(n).ok().map(Value::TinyInt),
        TypeId::SmallInt => i16::try_from(n).ok().map(Value::SmallInt),
        TypeId::Int => i32::try_from(n).ok().map(Value::Int),
        TypeId::BigInt => i64::try_from(n).ok().map(Value::BigInt),
        _ => 10i128
            .checked_pow(u32::from(ty.precision))
            .filter(|limit| n.abs() < *limit)
            .map(|_| Value::Decimal(Decimal::new(n, 0))),
    };
    v.ok_or_else(|| {
        let text = format!("Arithmetic overflow error converting IDENTITY to data type {}.", ty.id.name());
        SqlError::with_text(8115, 16, text)
    })
}

impl Counter {
    pub fn new(def: &IdentityDef, ty: SqlType) -> Self {
        let seed = whole(&def.seed).unwrap_or(1);
        let increment = whole(&def.increment).unwrap_or(1);
        Counter { ty, seed, increment, last: def.last.as_ref().and_then(whole), first: None }
    }

    /// The next value, never given again.
    pub fn take_next(&mut self) -> SqlResult<Value> {
        let n = match (self.first, self.last) {
            (Some(first), _) => first,
            (None, None) => self.seed,
            (None, Some(last)) => last + self.increment,
        };
        let v = value_of(n, &self.ty)?;
        self.first = None;
        self.last = Some(n);
        Ok(v)
    }

    /// Takes note of an explicit value, or of where to go on from.
    pub fn note(&mut self, value: &Value, reseed: bool) {
        let Some(n) = whole(value) else { return };
        if reseed {
            if self.last.is_none() {
                self.first = Some(n);
            } else {
                self.last = Some(n);
            }
            return;
        }
        let beyond = match self.last {
            None => true,
            Some(last) if self.increment < 0 => n < last,
            Some(last) => n > last,
        };
        if beyond {
            self.last = Some(n);
            self.first = None;
        }
    }

    pub fn restart(&mut self) {
        self.last = None;
        self.first = None;
    }

    pub fn current(&self) -> Value {
        self.last.and_then(|n| value_of(n, &self.ty).ok()).unwrap_or(Value::Null)
    }
}
