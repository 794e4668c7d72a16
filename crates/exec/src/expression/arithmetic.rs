//! Kernels of unary and binary operators: integers, floats, money, decimals, bit operators, dates, string concatenation.
//!
//! Invariants
//! 1. A row that is NULL in either operand is NULL in the result and never raises an error, whatever filler it holds.
//! 2. Integer overflow is 8115, division by zero 8134; decimals round when a product loses digits and truncate in division.
//! 3. Constants are not spread out: kernels take a slice or one value.
//!
//! Evidence: result of decimal operations and error numbers from the T-SQL reference.

use ethnum::I256;
use holdfast_plan::expr::{BinaryOp, UnaryOp};
use holdfast_types::batch::VarColumn;
use holdfast_types::{
    Column, ColumnData, DateTime, SmallDateTime, SqlError, SqlResult, SqlType, TypeId, Value,
};

use super::vector::{Vector, merged_nulls};

/// A slice or a constant.
#[derive(Clone, Copy)]
pub enum Operand<'a, T> {
    Const(T),
    Slice(&'a [T]),
}

impl<T: Copy> Operand<'_, T> {
    #[inline]
    fn at(&self, i: usize) -> T {
        match self {
            Operand::Const(v) => *v,
            Operand::Slice(s) => s[i],
        }
    }
}

/// Applies `f` to every row; `f` says beside its result whether it failed. `Err(row)` is the first failing row that is not NULL.
fn map2<A: Copy, B: Copy, R>(
    a: Operand<'_, A>,
    b: Operand<'_, B>,
    len: usize,
    nulls: Option<&[bool]>,
    f: impl Fn(A, B) -> (R, bool),
) -> Result<Vec<R>, usize> {
    let mut out = Vec::with_capacity(len);
    let mut failed = false;
    let mut keep = |(v, e): (R, bool)| {
        failed |= e;
        v
    };
    match (a, b) {
        (Operand::Slice(x), Operand::Slice(y)) => out.extend(x.iter().zip(y).map(|(&p, &q)| keep(f(p, q)))),
        (Operand::Slice(x), Operand::Const(q)) => out.extend(x.iter().map(|&p| keep(f(p, q)))),
        (Operand::Const(p), Operand::Slice(y)) => out.extend(y.iter().map(|&q| keep(f(p, q)))),
        (Operand::Const(p), Operand::Const(q)) => out.extend((0..len).map(|_| keep(f(p, q)))),
    }
    if failed {
        for i in 0..len {
            if !nulls.is_some_and(|n| n[i]) && f(a.at(i), b.at(i)).1 {
                return Err(i);
            }
        }
    }
    Ok(out)
}

pub fn overflow(ty: &SqlType) -> SqlError {
    let name = if ty.id == TypeId::Decimal { "numeric" } else { ty.id.name() };
    SqlError::new(8115, &[&"expression", &name]).state(2)
}

pub fn divide_by_zero() -> SqlError {
    SqlError::new(8134, &[])
}

fn unsupported(op: BinaryOp, ty: &SqlType) -> SqlError {
    SqlError::new(402, &[&ty.id.name(), &ty.id.name(), &format!("{op:?}").to_lowercase()])
}

macro_rules! operand {
    ($v:expr, $variant:ident, $pattern:pat => $value:expr) => {
        match $v {
            Vector::Column(c) => match &c.data {
                ColumnData::$variant(s) => Operand::Slice(s.as_slice()),
                _ => return Err(type_mismatch()),
            },
            Vector::Const($pattern) => Operand::Const($value),
            Vector::Const(_) => return Err(type_mismatch()),
        }
    };
}

pub fn type_mismatch() -> SqlError {
    SqlError::with_text(8624, 16, "Internal error: an operand is not of the type the plan gives it.")
}

macro_rules! integer_op {
    ($op:expr, $l:expr, $r:expr, $t:ty, $variant:ident, $pattern:ident, $len:expr, $nulls:expr, $ty:expr) => {{
        let a = operand!($l, $variant, Value::$pattern(x) => *x);
        let b = operand!($r, $variant, Value::$pattern(x) => *x);
        let n = $nulls;
        let out = match $op {
            BinaryOp::Add => map2(a, b, $len, n, |x: $t, y: $t| x.overflowing_add(y)),
            BinaryOp::Subtract => map2(a, b, $len, n, |x: $t, y: $t| x.overflowing_sub(y)),
            BinaryOp::Multiply => map2(a, b, $len, n, |x: $t, y: $t| x.overflowing_mul(y)),
            BinaryOp::Divide => map2(a, b, $len, n, |x: $t, y: $t| if y == 0 { (0, true) } else { x.overflowing_div(y) }),
            BinaryOp::Modulo => {
                map2(a, b, $len, n, |x: $t, y: $t| if y == 0 { (0, true) } else { (x.wrapping_rem(y), false) })
            }
            BinaryOp::BitAnd => map2(a, b, $len, n, |x: $t, y: $t| (x & y, false)),
            BinaryOp::BitOr => map2(a, b, $len, n, |x: $t, y: $t| (x | y, false)),
            BinaryOp::BitXor => map2(a, b, $len, n, |x: $t, y: $t| (x ^ y, false)),
            BinaryOp::ShiftLeft | BinaryOp::ShiftRight | BinaryOp::Concat => return Err(unsupported($op, $ty)),
        };
        match out {
            Ok(v) => ColumnData::$variant(v),
            Err(row) => {
                let zero = matches!($op, BinaryOp::Divide | BinaryOp::Modulo) && b.at(row) == 0;
                return Err(if zero { divide_by_zero() } else { overflow($ty) });
            }
        }
    }};
}

macro_rules! float_op {
    ($op:expr, $l:expr, $r:expr, $t:ty, $variant:ident, $pattern:ident, $len:expr, $nulls:expr, $ty:expr) => {{
        let a = operand!($l, $variant, Value::$pattern(x) => *x);
        let b = operand!($r, $variant, Value::$pattern(x) => *x);
        let n = $nulls;
        let done = |v: $t| (v, !v.is_finite());
        let out = match $op {
            BinaryOp::Add => map2(a, b, $len, n, |x: $t, y: $t| done(x + y)),
            BinaryOp::Subtract => map2(a, b, $len, n, |x: $t, y: $t| done(x - y)),
            BinaryOp::Multiply => map2(a, b, $len, n, |x: $t, y: $t| done(x * y)),
            BinaryOp::Divide => map2(a, b, $len, n, |x: $t, y: $t| done(x / y)),
            BinaryOp::Modulo => map2(a, b, $len, n, |x: $t, y: $t| done(x % y)),
            _ => return Err(unsupported($op, $ty)),
        };
        match out {
            Ok(v) => ColumnData::$variant(v),
            Err(row) => {
                let zero = matches!($op, BinaryOp::Divide | BinaryOp::Modulo) && b.at(row) == 0.0;
                return Err(if zero { divide_by_zero() } else { overflow($ty) });
            }
        }
    }};
}

/// `left op right` with result type `ty`; `lt` and `rt` are the operands' types.
pub fn binary(
    op: BinaryOp,
    left: &Vector,
    lt: &SqlType,
    right: &Vector,
    rt: &SqlType,
    ty: &SqlType,
    len: usize,
) -> SqlResult<Vector> {
    if let (Vector::Const(a), Vector::Const(b)) = (left, right) {
        if a.is_null() || b.is_null() {
            return Ok(Vector::Const(Value::Null));
        }
        // One row keeps a single implementation.
        let shifts = matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight);
        if op == BinaryOp::Concat || shifts || ty.id.is_binary() {
            let one = Vector::Column(left.clone().into_column(lt, 1)?);
            return match binary(op, &one, lt, right, rt, ty, 1)? {
                Vector::Column(c) => Ok(Vector::Const(c.value(0, ty))),
                c => Ok(c),
            };
        }
        let data = fixed(op, left, lt, right, rt, ty, 1, None)?;
        return Ok(Vector::Const(Column::new(data).value(0, ty)));
    }
    if matches!(left, Vector::Const(Value::Null)) || matches!(right, Vector::Const(Value::Null)) {
        return Ok(Vector::Const(Value::Null));
    }
    if matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight) {
        return shift(op, left, lt, right, rt, ty, len);
    }
    let merged = merged_nulls(left, right);
    if op == BinaryOp::Concat {
        return concat(left, lt, right, rt, ty, len, merged);
    }
    if ty.id.is_binary() {
        return bitwise_bytes(op, left, right, ty, len);
    }
    let data = fixed(op, left, lt, right, rt, ty, len, merged.as_deref())?;
    Ok(Vector::column(match merged {
        Some(m) => Column::with_nulls(data, m),
        None => Column::new(data),
    }))
}

/// The operators of types of fixed length.
#[allow(clippy::too_many_arguments)]
fn fixed(
    op: BinaryOp,
    left: &Vector,
    lt: &SqlType,
    right: &Vector,
    rt: &SqlType,
    ty: &SqlType,
    len: usize,
    n: Option<&[bool]>,
) -> SqlResult<ColumnData> {
    Ok(match ty.id {
        TypeId::Bit => {
            let a = operand!(left, U8, Value::Bit(x) => u8::from(*x));
            let b = operand!(right, U8, Value::Bit(x) => u8::from(*x));
            let out = match op {
                BinaryOp::BitAnd => map2(a, b, len, n, |x, y| (x & y, false)),
                BinaryOp::BitOr => map2(a, b, len, n, |x, y| (x | y, false)),
                BinaryOp::BitXor => map2(a, b, len, n, |x, y| (x ^ y, false)),
                _ => return Err(unsupported(op, ty)),
            };
            ColumnData::U8(out.unwrap_or_default())
        }
        TypeId::TinyInt => integer_op!(op, left, right, u8, U8, TinyInt, len, n, ty),
        TypeId::SmallInt => integer_op!(op, left, right, i16, I16, SmallInt, len, n, ty),
        TypeId::Int | TypeId::Null => integer_op!(op, left, right, i32, I32, Int, len, n, ty),
        TypeId::BigInt => integer_op!(op, left, right, i64, I64, BigInt, len, n, ty),
        TypeId::Real => float_op!(op, left, right, f32, F32, Real, len, n, ty),
        TypeId::Float => float_op!(op, left, right, f64, F64, Float, len, n, ty),
        TypeId::Money => {
            let a = operand!(left, I64, Value::Money(x) => *x);
            let b = operand!(right, I64, Value::Money(x) => *x);
            ColumnData::I64(money(op, a, b, len, n, ty, |v| i64::try_from(v).ok())?)
        }
        TypeId::SmallMoney => {
            let a = operand!(left, I32, Value::SmallMoney(x) => *x);
            let b = operand!(right, I32, Value::SmallMoney(x) => *x);
            ColumnData::I32(money(op, a, b, len, n, ty, |v| i32::try_from(v).ok())?)
        }
        TypeId::Decimal | TypeId::Numeric => {
            let a = operand!(left, Decimal, Value::Decimal(x) => x.mantissa);
            let b = operand!(right, Decimal, Value::Decimal(x) => x.mantissa);
            ColumnData::Decimal(decimal(op, a, lt.scale, b, rt.scale, ty, len, n)?)
        }
        TypeId::DateTime => datetime(op, left, right, len, n, ty)?,
        TypeId::SmallDateTime => smalldatetime(op, left, right, len, n, ty)?,
        _ => return Err(unsupported(op, ty)),
    })
}

fn money<T: Copy + Into<i128> + Default>(
    op: BinaryOp,
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    len: usize,
    nulls: Option<&[bool]>,
    ty: &SqlType,
    narrow: impl Fn(i128) -> Option<T>,
) -> SqlResult<Vec<T>> {
    let wide = |x: i128, y: i128| -> Option<i128> {
        Some(match op {
            BinaryOp::Add => x + y,
            BinaryOp::Subtract => x - y,
            // Division of 128-bit numbers is a call; nearly all products are small.
            BinaryOp::Multiply => match i64::try_from(x * y) {
                Ok(p) => {
                    let (q, r) = (p / 10_000, p % 10_000);
                    i128::from(if r.abs() >= 5_000 { q + p.signum() } else { q })
                }
                Err(_) => divide_rounded(x * y, 10_000),
            },
            BinaryOp::Divide if y != 0 => x * 10_000 / y,
            BinaryOp::Modulo if y != 0 => x % y,
            _ => return None,
        })
    };
    map2(a, b, len, nulls, |x, y| match wide(x.into(), y.into()).and_then(&narrow) {
        Some(v) => (v, false),
        None => (T::default(), true),
    })
    .map_err(|row| {
        let zero: i128 = b.at(row).into();
        match op {
            BinaryOp::Divide | BinaryOp::Modulo if zero == 0 => divide_by_zero(),
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => overflow(ty),
            _ => unsupported(op, ty),
        }
    })
}

/// `x / d` rounded half away from zero.
pub fn divide_rounded(x: i128, d: i128) -> i128 {
    let (q, r) = (x / d, x % d);
    if r.unsigned_abs() * 2 >= d.unsigned_abs() { q + x.signum() * d.signum() } else { q }
}

/// 10^n for n ≤ 38.
pub fn power_of_ten(n: u32) -> i128 {
    10i128.pow(n.min(38))
}

fn wide_power(n: u32) -> I256 {
    I256::from(10).pow(n)
}

fn wide_divide_rounded(x: I256, d: I256) -> I256 {
    let (q, r) = (x / d, x % d);
    if r.abs() * 2 >= d { q + x.signum() } else { q }
}

/// Decimal arithmetic on mantissas; the result has the scale of `ty` and must fit its precision.
#[allow(clippy::too_many_arguments)]
fn decimal(
    op: BinaryOp,
    a: Operand<'_, i128>,
    sa: u8,
    b: Operand<'_, i128>,
    sb: u8,
    ty: &SqlType,
    len: usize,
    nulls: Option<&[bool]>,
) -> SqlResult<Vec<i128>> {
    let limit = power_of_ten(u32::from(ty.precision.min(38)));
    let check = |v: Option<i128>| match v {
        Some(v) if v > -limit && v < limit => (v, false),
        _ => (0, true),
    };
    let (sa, sb, sr) = (u32::from(sa), u32::from(sb), u32::from(ty.scale));
    let common = sa.max(sb);
    let (fa, fb) = (power_of_ten(common - sa), power_of_ten(common - sb));
    // The usual case without any rescaling takes no multiplication at all.
    let plain = fa == 1 && fb == 1 && common == sr;
    let out = match op {
        BinaryOp::Add if plain => map2(a, b, len, nulls, |x, y| check(x.checked_add(y))),
        BinaryOp::Subtract if plain => map2(a, b, len, nulls, |x, y| check(x.checked_sub(y))),
        BinaryOp::Add | BinaryOp::Subtract => map2(a, b, len, nulls, |x, y| {
            let y = if op == BinaryOp::Add { y } else { -y };
            let sum = I256::from(x) * I256::from(fa) + I256::from(y) * I256::from(fb);
            check(narrow(rescale(sum, common, sr)))
        }),
        BinaryOp::Multiply if sa + sb == sr => map2(a, b, len, nulls, |x, y| check(x.checked_mul(y))),
        BinaryOp::Multiply => map2(a, b, len, nulls, |x, y| {
            if let (Some(p), true) = (x.checked_mul(y), sa + sb >= sr) {
                return check(Some(divide_rounded(p, power_of_ten(sa + sb - sr))));
            }
            check(narrow(rescale(I256::from(x) * I256::from(y), sa + sb, sr)))
        }),
        BinaryOp::Divide => map2(a, b, len, nulls, |x, y| {
            if y == 0 {
                return (0, true);
            }
            let up = (sr + sb) as i32 - sa as i32;
            if up >= 0 {
                if let Some(n) = (up <= 38).then(|| x.checked_mul(power_of_ten(up as u32))).flatten() {
                    return check(Some(match (i64::try_from(n), i64::try_from(y)) {
                        (Ok(n), Ok(y)) if y != -1 => i128::from(n / y),
                        _ => n / y,
                    }));
                }
                check(narrow(I256::from(x) * wide_power(up as u32) / I256::from(y)))
            } else {
                check(Some(x / power_of_ten((-up) as u32) / y))
            }
        }),
        BinaryOp::Modulo => map2(a, b, len, nulls, |x, y| {
            if y == 0 {
                return (0, true);
            }
            let r = (I256::from(x) * I256::from(fa)) % (I256::from(y) * I256::from(fb));
            check(narrow(rescale(r, common, sr)))
        }),
        _ => return Err(unsupported(op, ty)),
    };
    out.map_err(|row| {
        if matches!(op, BinaryOp::Divide | BinaryOp::Modulo) && b.at(row) == 0 {
            divide_by_zero()
        } else {
            overflow(ty)
        }
    })
}

fn rescale(v: I256, from: u32, to: u32) -> I256 {
    if from > to { wide_divide_rounded(v, wide_power(from - to)) } else { v * wide_power(to - from) }
}

fn narrow(v: I256) -> Option<i128> {
    i128::try_from(v).ok()
}

const TICKS_PER_DAY: i64 = 25_920_000;

/// datetime ± datetime: both count from 1900-01-01.
fn datetime(
    op: BinaryOp,
    left: &Vector,
    right: &Vector,
    len: usize,
    nulls: Option<&[bool]>,
    ty: &SqlType,
) -> SqlResult<ColumnData> {
    let a = operand!(left, DateTime, Value::DateTime(x) => *x);
    let b = operand!(right, DateTime, Value::DateTime(x) => *x);
    let total = |d: DateTime| i64::from(d.days) * TICKS_PER_DAY + i64::from(d.ticks);
    let sign = match op {
        BinaryOp::Add => 1,
        BinaryOp::Subtract => -1,
        _ => return Err(unsupported(op, ty)),
    };
    map2(a, b, len, nulls, |x, y| {
        let t = total(x) + sign * total(y);
        let days = t.div_euclid(TICKS_PER_DAY);
        // 1753-01-01 to 9999-12-31.
        let out = DateTime { days: days as i32, ticks: t.rem_euclid(TICKS_PER_DAY) as u32 };
        (out, !(-53_690..=2_958_463).contains(&days))
    })
    .map(ColumnData::DateTime)
    .map_err(|_| SqlError::new(517, &[&"datetime"]))
}

fn smalldatetime(
    op: BinaryOp,
    left: &Vector,
    right: &Vector,
    len: usize,
    nulls: Option<&[bool]>,
    ty: &SqlType,
) -> SqlResult<ColumnData> {
    let a = operand!(left, SmallDateTime, Value::SmallDateTime(x) => *x);
    let b = operand!(right, SmallDateTime, Value::SmallDateTime(x) => *x);
    let total = |d: SmallDateTime| i64::from(d.days) * 1440 + i64::from(d.minutes);
    let sign = match op {
        BinaryOp::Add => 1,
        BinaryOp::Subtract => -1,
        _ => return Err(unsupported(op, ty)),
    };
    map2(a, b, len, nulls, |x, y| {
        let t = total(x) + sign * total(y);
        let days = t.div_euclid(1440);
        let out = SmallDateTime { days: days as u16, minutes: t.rem_euclid(1440) as u16 };
        (out, !(0..=65_535).contains(&days))
    })
    .map(ColumnData::SmallDateTime)
    .map_err(|_| SqlError::new(517, &[&"smalldatetime"]))
}

/// Entries of a variable-length column or constant.
enum Entries<'a, T> {
    Const(&'a [T]),
    Column(&'a VarColumn<T>),
}

impl<T> Entries<'_, T> {
    fn at(&self, i: usize) -> &[T] {
        match self {
            Entries::Const(s) => s,
            Entries::Column(c) => c.entry(i),
        }
    }
}

fn concat_entries<T: Copy>(
    a: &Entries<'_, T>,
    b: &Entries<'_, T>,
    len: usize,
    limit: usize,
    nulls: Option<&[bool]>,
) -> SqlResult<VarColumn<T>> {
    let mut out = VarColumn::with_capacity(len, 16);
    for i in 0..len {
        if !nulls.is_some_and(|n| n[i]) {
            let (x, y) = (a.at(i), b.at(i));
            let x = &x[..x.len().min(limit)];
            let y = &y[..y.len().min(limit - x.len())];
            if out.data.len() + x.len() + y.len() > u32::MAX as usize {
                return Err(SqlError::new(701, &[&"default"]));
            }
            out.data.extend_from_slice(x);
            out.data.extend_from_slice(y);
        }
        out.offsets.push(out.data.len() as u32);
    }
    Ok(out)
}

fn concat(
    left: &Vector,
    _lt: &SqlType,
    right: &Vector,
    _rt: &SqlType,
    ty: &SqlType,
    len: usize,
    nulls: Option<Vec<bool>>,
) -> SqlResult<Vector> {
    let data = if ty.id.is_binary() {
        let limit = if ty.is_max() { usize::MAX } else { ty.length.max(0) as usize };
        let a = bytes_of(left)?;
        let b = bytes_of(right)?;
        ColumnData::Bytes(concat_entries(&a, &b, len, limit, nulls.as_deref())?)
    } else {
        let limit = ty.char_length().map_or(usize::MAX, |n| n.max(0) as usize);
        let a = units_of(left)?;
        let b = units_of(right)?;
        let mut joined = concat_entries(&a, &b, len, limit, nulls.as_deref())?;
        // Where a character may need several bytes, fewer may find place.
        if !ty.is_max() && !ty.id.is_unicode() && !ty.collation.code_page().is_single_byte() {
            let mut cut = VarColumn::with_capacity(len, 16);
            for i in 0..len {
                let s = joined.entry(i);
                cut.push(&s[..super::collate::fitting(ty, s)]);
            }
            joined = cut;
        }
        ColumnData::Utf16(joined)
    };
    Ok(Vector::column(match nulls {
        Some(n) => Column::with_nulls(data, n),
        None => Column::new(data),
    }))
}

fn units_of(v: &Vector) -> SqlResult<Entries<'_, u16>> {
    match v {
        Vector::Const(Value::String(s)) => Ok(Entries::Const(s.units())),
        Vector::Column(c) => match &c.data {
            ColumnData::Utf16(w) => Ok(Entries::Column(w)),
            _ => Err(type_mismatch()),
        },
        _ => Err(type_mismatch()),
    }
}

fn bytes_of(v: &Vector) -> SqlResult<Entries<'_, u8>> {
    match v {
        Vector::Const(Value::Binary(s)) => Ok(Entries::Const(s)),
        Vector::Column(c) => match &c.data {
            ColumnData::Bytes(w) => Ok(Entries::Column(w)),
            _ => Err(type_mismatch()),
        },
        _ => Err(type_mismatch()),
    }
}

fn bitwise_bytes(op: BinaryOp, left: &Vector, right: &Vector, ty: &SqlType, len: usize) -> SqlResult<Vector> {
    let (a, b) = (bytes_of(left)?, bytes_of(right)?);
    let mut out = VarColumn::with_capacity(len, 8);
    for i in 0..len {
        let (x, y) = (a.at(i), b.at(i));
        let r: Vec<u8> = (0..x.len().max(y.len()))
            .map(|k| {
                let p = x.get(k).copied().unwrap_or(0);
                let q = y.get(k).copied().unwrap_or(0);
                Ok(match op {
                    BinaryOp::BitAnd => p & q,
                    BinaryOp::BitOr => p | q,
                    BinaryOp::BitXor => p ^ q,
                    _ => return Err(unsupported(op, ty)),
                })
            })
            .collect::<SqlResult<_>>()?;
        out.push(&r);
    }
    Ok(Vector::column(match merged_nulls(left, right) {
        Some(n) => Column::with_nulls(ColumnData::Bytes(out), n),
        None => Column::new(ColumnData::Bytes(out)),
    }))
}

/// An integer value as i64.
pub fn integer_value(v: &Value) -> Option<i64> {
    Some(match v {
        Value::Bit(b) => i64::from(*b),
        Value::TinyInt(x) => i64::from(*x),
        Value::SmallInt(x) => i64::from(*x),
        Value::Int(x) => i64::from(*x),
        Value::BigInt(x) => *x,
        _ => return None,
    })
}

/// Shifts of the left operand's bits; counts outside its width give 0, negative counts shift the other way.
pub fn shift_value(v: &Value, count: i64, left: bool) -> SqlResult<Value> {
    let (left, count) = if count < 0 { (!left, count.unsigned_abs()) } else { (left, count as u64) };
    macro_rules! go {
        ($x:expr, $u:ty, $s:ty) => {{
            let bits = <$u>::BITS as u64;
            let x = $x as $u;
            (if count >= bits {
                0
            } else if left {
                x << count
            } else {
                x >> count
            }) as $s
        }};
    }
    Ok(match v {
        Value::TinyInt(x) => Value::TinyInt(go!(*x, u8, u8)),
        Value::SmallInt(x) => Value::SmallInt(go!(*x, u16, i16)),
        Value::Int(x) => Value::Int(go!(*x, u32, i32)),
        Value::BigInt(x) => Value::BigInt(go!(*x, u64, i64)),
        Value::Null => Value::Null,
        _ => return Err(type_mismatch()),
    })
}

fn shift(
    op: BinaryOp,
    left: &Vector,
    lt: &SqlType,
    right: &Vector,
    rt: &SqlType,
    ty: &SqlType,
    len: usize,
) -> SqlResult<Vector> {
    let mut out = Vec::with_capacity(len);
    for i in 0..len {
        let (v, n) = (left.value(i, lt), right.value(i, rt));
        out.push(match integer_value(&n) {
            None if n.is_null() => Value::Null,
            None => return Err(type_mismatch()),
            Some(n) => shift_value(&v, n, op == BinaryOp::ShiftLeft)?,
        });
    }
    Ok(Vector::column(Column::from_values(ty, &out)?))
}

/// `-x` and `~x`.
pub fn unary(op: UnaryOp, operand: &Vector, from: &SqlType, ty: &SqlType, len: usize) -> SqlResult<Vector> {
    if let Vector::Const(v) = operand {
        if v.is_null() {
            return Ok(Vector::Const(Value::Null));
        }
        let one = Vector::Column(operand.clone().into_column(from, 1)?);
        return Ok(Vector::Const(unary(op, &one, from, ty, 1)?.value(0, ty)));
    }
    let Vector::Column(c) = operand else { return Err(type_mismatch()) };
    let null = |i: usize| c.is_null(i);
    macro_rules! negate {
        ($v:expr, $variant:ident) => {{
            let mut out = Vec::with_capacity(len);
            for (i, x) in $v.iter().enumerate() {
                out.push(match x.checked_neg() {
                    Some(y) => y,
                    None if null(i) => *x,
                    None => return Err(overflow(ty)),
                });
            }
            ColumnData::$variant(out)
        }};
    }
    let data = match (op, &c.data) {
        (UnaryOp::Negate, ColumnData::U8(v)) => {
            if v.iter().enumerate().any(|(i, &x)| x != 0 && !null(i)) {
                return Err(overflow(ty));
            }
            ColumnData::U8(v.clone())
        }
        (UnaryOp::Negate, ColumnData::I16(v)) => negate!(v, I16),
        (UnaryOp::Negate, ColumnData::I32(v)) => negate!(v, I32),
        (UnaryOp::Negate, ColumnData::I64(v)) => negate!(v, I64),
        (UnaryOp::Negate, ColumnData::Decimal(v)) => negate!(v, Decimal),
        (UnaryOp::Negate, ColumnData::F32(v)) => ColumnData::F32(v.iter().map(|x| -x).collect()),
        (UnaryOp::Negate, ColumnData::F64(v)) => ColumnData::F64(v.iter().map(|x| -x).collect()),
        (UnaryOp::BitNot, ColumnData::U8(v)) if from.id == TypeId::Bit => {
            ColumnData::U8(v.iter().map(|x| x ^ 1).collect())
        }
        (UnaryOp::BitNot, ColumnData::U8(v)) => ColumnData::U8(v.iter().map(|x| !x).collect()),
        (UnaryOp::BitNot, ColumnData::I16(v)) => ColumnData::I16(v.iter().map(|x| !x).collect()),
        (UnaryOp::BitNot, ColumnData::I32(v)) => ColumnData::I32(v.iter().map(|x| !x).collect()),
        (UnaryOp::BitNot, ColumnData::I64(v)) => ColumnData::I64(v.iter().map(|x| !x).collect()),
        _ => {
            return Err(SqlError::new(
                8117,
                &[&ty.id.name(), &if op == UnaryOp::Negate { "minus" } else { "'~'" }],
            ));
        }
    };
    Ok(Vector::column(Column { data, nulls: c.nulls.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_types::Decimal;

    fn dec(m: i128, s: u8) -> Vector {
        Vector::Const(Value::Decimal(Decimal::new(m, s)))
    }

    #[test]
    fn decimal_operations_follow_the_result_type() {
        let (a, b) = (SqlType::decimal(5, 2), SqlType::decimal(5, 3));
        let r =
            binary(BinaryOp::Add, &dec(150, 2), &a, &dec(2500, 3), &b, &SqlType::decimal(7, 3), 1).unwrap();
        assert_eq!(r.value(0, &SqlType::decimal(7, 3)), Value::Decimal(Decimal::new(4000, 3)));
        let t = SqlType::decimal(8, 6);
        let r = binary(
            BinaryOp::Divide,
            &dec(20, 1),
            &SqlType::decimal(2, 1),
            &dec(3, 0),
            &SqlType::decimal(1, 0),
            &t,
            1,
        );
        assert_eq!(r.unwrap().value(0, &t), Value::Decimal(Decimal::new(666_666, 6)));
        let big = SqlType::decimal(38, 0);
        let x = dec(10i128.pow(37), 0);
        assert_eq!(binary(BinaryOp::Multiply, &x, &big, &x, &big, &big, 1).unwrap_err().number, 8115);
        assert_eq!(binary(BinaryOp::Divide, &x, &big, &dec(0, 0), &big, &big, 1).unwrap_err().number, 8134);
    }

    #[test]
    fn integers_overflow_and_nulls_do_not() {
        let c = Column::from_values(&SqlType::INT, &[Value::Int(i32::MAX), Value::Null]).unwrap();
        let int = SqlType::INT;
        let one = Vector::Const(Value::Int(1));
        assert_eq!(
            binary(BinaryOp::Add, &Vector::column(c), &int, &one, &int, &int, 2).unwrap_err().number,
            8115
        );
        let c = Vector::column(Column::from_values(&int, &[Value::Int(4), Value::Null]).unwrap());
        let zeroes = Vector::column(Column::from_values(&int, &[Value::Int(2), Value::Int(0)]).unwrap());
        let r = binary(BinaryOp::Divide, &c, &int, &zeroes, &int, &int, 2).unwrap();
        assert_eq!((r.value(0, &int), r.value(1, &int)), (Value::Int(2), Value::Null));
        let zero = Vector::Const(Value::Int(0));
        assert_eq!(binary(BinaryOp::Modulo, &c, &int, &zero, &int, &int, 2).unwrap_err().number, 8134);
    }
}
