//! Fields of a data file straight into records, for tables of which nothing but the fields themselves is asked.
//!
//! Invariants
//! 1. What is made here is what the general way makes of the same fields (`external::assigned`, `fit`, `rows`). A row that this
//!    does not do, whatever the reason, is left to the general way, which also says what is wrong with it.

use std::sync::Arc;

use holdfast_engine::catalog::ColumnDef;
use holdfast_engine::write::{RecordPlan, Records};
use holdfast_plan::change::{Action, BoundChange};
use holdfast_types::{SqlType, TypeId, Value};

/// How the text of a field becomes stored bytes when it looks as expected.
#[derive(Clone, Copy)]
enum Form {
    /// A whole number of so many bytes, between bounds.
    Whole(usize, i64, i64),
    Money(usize),
    /// Decimal digits, of them behind the point, bytes.
    Decimal(u8, u8, usize),
    Real,
    Float,
    /// ASCII text of at most so many bytes, filled up to them or not.
    Text(usize, bool),
    /// The same in UTF-16.
    Wide(usize, bool),
    Other,
}

impl Form {
    fn of(ty: &SqlType) -> Form {
        let limit = usize::try_from(ty.length).unwrap_or(usize::MAX);
        match ty.id {
            TypeId::TinyInt => Form::Whole(1, 0, 255),
            TypeId::SmallInt => Form::Whole(2, i16::MIN.into(), i16::MAX.into()),
            TypeId::Int => Form::Whole(4, i32::MIN.into(), i32::MAX.into()),
            TypeId::BigInt => Form::Whole(8, i64::MIN, i64::MAX),
            TypeId::Money => Form::Money(8),
            TypeId::SmallMoney => Form::Money(4),
            TypeId::Decimal | TypeId::Numeric => Form::Decimal(
                ty.precision,
                ty.scale,
                SqlType::decimal(ty.precision, ty.scale).length as usize,
            ),
            TypeId::Real => Form::Real,
            TypeId::Float => Form::Float,
            TypeId::Char => Form::Text(limit, true),
            TypeId::VarChar => Form::Text(limit, false),
            TypeId::NChar => Form::Wide(limit, true),
            TypeId::NVarChar => Form::Wide(limit, false),
            _ => Form::Other,
        }
    }
}

/// A field of the file and the column it goes to.
struct Target {
    ordinal: usize,
    form: Form,
    nullable: bool,
    /// A NULL becomes the column's default.
    default: bool,
}

/// Makes records of the fields of a file's rows.
pub struct RowMaker {
    pub records: Records,
    /// By the file's fields; `None`: the field is passed over.
    targets: Vec<Option<Target>>,
    scratch: Vec<u8>,
}

/// The general way for one value; `None`: it cannot be had.
pub type General<'g, U> = dyn Fn(usize, &[U]) -> Option<Value> + 'g;

impl RowMaker {
    /// `fields`: the column of each field; `taken`: columns whose fields are not passed over. `None`: more is asked of the rows.
    pub fn new(
        bound: &BoundChange,
        plan: Arc<RecordPlan>,
        fields: &[usize],
        taken: &[usize],
        default_for_null: bool,
    ) -> Option<Self> {
        let target = &bound.target;
        let columns: &[ColumnDef] = &target.table.columns;
        let plain = target.computed.is_empty()
            && target.checks.is_empty()
            && target.filters.is_empty()
            && target.rules.foreign_keys.is_empty()
            && target.identity.is_none()
            && target.row_version.is_none()
            && target.table.temporal.period.is_none()
            && target.after(Action::Insert).is_empty()
            && target.instead_of(Action::Insert).is_none()
            && bound.output.is_empty()
            && (0..columns.len()).all(|o| taken.contains(&o));
        if !plain {
            return None;
        }
        let target = |o: &usize| {
            let (column, default) = (columns.get(*o)?, target.defaults.get(*o)?.is_some());
            let default = default && default_for_null;
            Some(Target { ordinal: *o, form: Form::of(&column.ty), nullable: column.nullable, default })
        };
        let targets = fields.iter().map(|o| if taken.contains(o) { target(o) } else { None }).collect();
        Some(RowMaker { records: Records::new(plan), targets, scratch: Vec::new() })
    }

    /// Makes a record. False: nothing was made, the row goes the general way. `ascii` gives a field's text when it is ASCII.
    pub fn row<U>(
        &mut self,
        fields: &[Option<impl AsRef<[U]>>],
        ascii: &dyn for<'a> Fn(&'a [U], &'a mut Vec<u8>) -> Option<&'a [u8]>,
        general: &General<'_, U>,
    ) -> bool {
        self.records.begin();
        let mut narrow = Vec::new();
        for (target, field) in self.targets.iter().zip(fields) {
            let Some(target) = target else { continue };
            let Some(field) = field else {
                if !target.nullable || target.default {
                    return false;
                }
                continue;
            };
            let field = field.as_ref();
            let text = ascii(field, &mut narrow);
            if let Some(text) = text
                && store(&mut self.records, &mut self.scratch, target, text)
            {
                continue;
            }
            let Some(value) = general(target.ordinal, field) else { return false };
            let null = value.is_null() && (!target.nullable || target.default);
            if null || !self.records.value(target.ordinal, &value).unwrap_or(false) {
                return false;
            }
        }
        self.records.finish()
    }
}

/// Stores the text of a field when it looks as expected.
fn store(records: &mut Records, scratch: &mut Vec<u8>, target: &Target, text: &[u8]) -> bool {
    let ordinal = target.ordinal;
    match target.form {
        Form::Whole(size, least, most) => match whole(text) {
            Some(n) if (least..=most).contains(&n) => records.set(ordinal, &n.to_le_bytes()[..size]),
            _ => false,
        },
        Form::Money(size) => match scaled(text, 18, 4) {
            Some(n) if size == 8 || i32::try_from(n).is_ok() => {
                records.set(ordinal, &n.to_le_bytes()[..size])
            }
            _ => false,
        },
        Form::Decimal(precision, scale, size) => match scaled(text, precision, scale) {
            Some(n) => {
                let mut stored = [0u8; 17];
                stored[0] = u8::from(n >= 0);
                stored[1..9].copy_from_slice(&n.unsigned_abs().to_le_bytes());
                stored.get(..size).is_some_and(|s| records.set(ordinal, s))
            }
            None => false,
        },
        Form::Real | Form::Float => {
            let plain = text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
            let number = std::str::from_utf8(text).ok().filter(|_| plain).and_then(|t| t.parse::<f64>().ok());
            match number {
                Some(n) if !n.is_finite() => false,
                Some(n) if matches!(target.form, Form::Float) => records.set(ordinal, &n.to_le_bytes()),
                Some(n) => (n as f32).is_finite() && records.set(ordinal, &(n as f32).to_le_bytes()),
                None => false,
            }
        }
        Form::Text(limit, false) => text.len() <= limit && records.set(ordinal, text),
        Form::Text(limit, true) => {
            if text.len() > limit {
                return false;
            }
            scratch.clear();
            scratch.extend_from_slice(text);
            scratch.resize(limit, b' ');
            records.set(ordinal, scratch)
        }
        Form::Wide(limit, padded) => {
            if text.len().saturating_mul(2) > limit {
                return false;
            }
            scratch.clear();
            scratch.extend(text.iter().flat_map(|b| [*b, 0]));
            while padded && scratch.len() < limit {
                scratch.extend_from_slice(&[b' ', 0]);
            }
            records.set(ordinal, scratch)
        }
        Form::Other => false,
    }
}

/// Digits with an optional sign, of a number that is not too long.
fn whole(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut n = 0i64;
    for b in digits {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + i64::from(digit);
    }
    Some(if negative { -n } else { n })
}

/// A number with at most `scale` digits behind its point, in units of the last of them; at most `precision` digits, and not
/// more than a 64-bit number holds.
fn scaled(text: &[u8], precision: u8, scale: u8) -> Option<i64> {
    let point = text.iter().position(|b| *b == b'.');
    let (before, behind) = match point {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    let (negative, before) = match before.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, before),
    };
    let (precision, scale) = (usize::from(precision.min(18)), usize::from(scale));
    if before.is_empty() || behind.len() > scale || before.len() + scale > precision {
        return None;
    }
    let mut n = 0i64;
    for b in before.iter().chain(behind) {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + i64::from(digit);
    }
    n *= 10i64.pow((scale - behind.len()) as u32);
    Some(if negative { -n } else { n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_look_as_expected() {
        assert_eq!(whole(b"-17"), Some(-17));
        assert_eq!(whole(b"000000000000000017"), Some(17));
        for other in [&b""[..], b"-", b"1 ", b"+1", b"1.0", b"1234567890123456789"] {
            assert_eq!(whole(other), None);
        }
        assert_eq!(scaled(b"12.5", 18, 4), Some(125_000));
        assert_eq!(scaled(b"-0.0001", 18, 4), Some(-1));
        assert_eq!(scaled(b"7.", 5, 2), Some(700));
        assert_eq!(scaled(b"999.99", 5, 2), Some(99_999));
        for other in [&b"1000"[..], b".5", b"1.234", b"", b"-", b"1,000", b"1e3", b"1.2.3"] {
            assert_eq!(scaled(other, 5, 2), None);
        }
    }
}
