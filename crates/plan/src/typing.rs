//! Type rules: which type two operands meet in, what converts implicitly, precision of decimal results, lengths of strings.
//!
//! Invariants
//! 1. Every function is total over `SqlType`; a result of `None` means SQL Server refuses the combination.
//!
//! Evidence: T-SQL reference (data type precedence; precision, scale and length; CAST and CONVERT's conversion table).

use holdfast_types::{SqlType, TypeId, Value};

use crate::expr::{BinaryOp, Expr, ExprKind};

/// What the conversion table says for a pair of types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conversion {
    Implicit,
    /// Only by CAST or CONVERT (error 257 otherwise).
    Explicit,
    /// Never (206 or 529).
    None,
}

fn is_lob(t: TypeId) -> bool {
    matches!(t, TypeId::Text | TypeId::NText | TypeId::Image)
}

/// char, varchar, nchar, nvarchar.
fn is_plain_string(t: TypeId) -> bool {
    matches!(t, TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar)
}

fn is_clr(t: TypeId) -> bool {
    matches!(t, TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography | TypeId::Clr)
}

/// The conversion table.
pub fn conversion(from: TypeId, to: TypeId) -> Conversion {
    use Conversion::{Explicit, Implicit, None as Never};
    use TypeId as T;
    if from == to || from == T::Null {
        return Implicit;
    }
    let binary = |t: T| matches!(t, T::Binary | T::VarBinary);
    let old_date = |t: T| matches!(t, T::DateTime | T::SmallDateTime);
    let new_date = |t: T| matches!(t, T::Date | T::Time | T::DateTime2 | T::DateTimeOffset);
    match (from, to) {
        (T::Decimal, T::Numeric) | (T::Numeric, T::Decimal) => Implicit,
        (f, T::SqlVariant) => {
            if is_lob(f) || is_clr(f) || matches!(f, T::Xml | T::RowVersion | T::Json | T::Vector) {
                Never
            } else {
                Implicit
            }
        }
        (T::SqlVariant, t) => {
            if is_lob(t) || is_clr(t) || matches!(t, T::Xml | T::RowVersion | T::Json | T::Vector) {
                Never
            } else {
                Explicit
            }
        }
        (f, t) if is_clr(f) => {
            if binary(t) {
                Implicit
            } else if is_plain_string(t) {
                Explicit
            } else {
                Never
            }
        }
        (f, t) if is_clr(t) => {
            if binary(f) || is_plain_string(f) || matches!(f, T::Image) {
                Implicit
            } else {
                Never
            }
        }
        (T::Xml, t) => {
            if is_plain_string(t) || binary(t) {
                Explicit
            } else {
                Never
            }
        }
        (f, T::Xml) => {
            if f.is_character() || binary(f) || f == T::Image {
                Implicit
            } else {
                Never
            }
        }
        (T::Json, t) => {
            if is_plain_string(t) {
                Implicit
            } else {
                Never
            }
        }
        (f, T::Json) => {
            if is_plain_string(f) {
                Implicit
            } else {
                Never
            }
        }
        (T::Vector, t) => {
            if is_plain_string(t) {
                Implicit
            } else {
                Never
            }
        }
        (f, T::Vector) => {
            if is_plain_string(f) {
                Implicit
            } else {
                Never
            }
        }
        (T::Text, t) => match t {
            T::Char | T::VarChar => Implicit,
            T::NChar | T::NVarChar => Implicit,
            _ => Never,
        },
        (T::NText, t) => match t {
            T::Char | T::VarChar => Implicit,
            T::NChar | T::NVarChar => Implicit,
            _ => Never,
        },
        (T::Image, t) => {
            if binary(t) || t == T::RowVersion {
                Implicit
            } else {
                Never
            }
        }
        (f, T::Text | T::NText) => {
            if is_plain_string(f) {
                Implicit
            } else {
                Never
            }
        }
        (f, T::Image) => {
            if binary(f) || f == T::RowVersion {
                Implicit
            } else if is_plain_string(f) {
                Explicit
            } else {
                Never
            }
        }
        (T::UniqueIdentifier, t) => {
            if is_plain_string(t) || binary(t) {
                Implicit
            } else {
                Never
            }
        }
        (f, T::UniqueIdentifier) => {
            if is_plain_string(f) || binary(f) {
                Implicit
            } else {
                Never
            }
        }
        (T::RowVersion, t) => {
            if matches!(t, T::NChar | T::NVarChar | T::Real | T::Float) || new_date(t) {
                Never
            } else {
                Implicit
            }
        }
        (f, T::RowVersion) => {
            if matches!(f, T::NChar | T::NVarChar | T::Char | T::VarChar) {
                Explicit
            } else if new_date(f) || matches!(f, T::Real | T::Float) {
                Never
            } else {
                Implicit
            }
        }
        (f, t) if is_plain_string(f) => {
            if binary(t) {
                Explicit
            } else {
                Implicit
            }
        }
        (f, t) if is_plain_string(t) => {
            let _ = f;
            Implicit
        }
        (f, t) if binary(f) => {
            if binary(t) {
                Implicit
            } else if matches!(t, T::Real | T::Float) {
                Never
            } else if new_date(t) {
                Explicit
            } else {
                Implicit
            }
        }
        (f, t) if binary(t) => {
            if f.is_numeric() {
                Implicit
            } else {
                Explicit
            }
        }
        (f, t) if f.is_numeric() && t.is_numeric() => Implicit,
        (f, t) if f.is_numeric() => {
            if old_date(t) {
                Implicit
            } else {
                Never
            }
        }
        (f, t) if t.is_numeric() => {
            if old_date(f) {
                Explicit
            } else {
                Never
            }
        }
        (T::Date, T::Time) | (T::Time, T::Date) => Never,
        (f, t) if f.is_temporal() && t.is_temporal() => Implicit,
        _ => Never,
    }
}

/// Decimal precision and scale that holds every value of a numeric type; `None` for real, float and non-numbers.
pub fn as_decimal(t: &SqlType) -> Option<(u8, u8)> {
    Some(match t.id {
        TypeId::Bit => (1, 0),
        TypeId::TinyInt => (3, 0),
        TypeId::SmallInt => (5, 0),
        TypeId::Int | TypeId::Null => (10, 0),
        TypeId::BigInt => (19, 0),
        TypeId::SmallMoney => (10, 4),
        TypeId::Money => (19, 4),
        TypeId::Decimal | TypeId::Numeric => (t.precision, t.scale),
        _ => return None,
    })
}

/// As [`as_decimal`], but an integer literal counts its own digits.
fn operand_decimal(e: &Expr) -> Option<(u8, u8)> {
    let digits = |v: i64| (v.unsigned_abs().checked_ilog10().unwrap_or(0) + 1) as u8;
    match &e.kind {
        ExprKind::Literal(Value::Int(v)) => Some((digits(i64::from(*v)), 0)),
        ExprKind::Literal(Value::BigInt(v)) => Some((digits(*v), 0)),
        ExprKind::Literal(Value::SmallInt(v)) => Some((digits(i64::from(*v)), 0)),
        ExprKind::Literal(Value::TinyInt(v)) => Some((digits(i64::from(*v)), 0)),
        _ => as_decimal(&e.ty),
    }
}

/// A type of `id` family wide enough for both (for CASE, UNION, COALESCE, comparison).
pub fn common(a: &SqlType, b: &SqlType) -> SqlType {
    if a.id == TypeId::Null {
        return *b;
    }
    if b.id == TypeId::Null {
        return *a;
    }
    if a == b {
        return *a;
    }
    let (hi, lo) = if a.id.precedence() >= b.id.precedence() { (a, b) } else { (b, a) };
    match hi.id {
        TypeId::Decimal | TypeId::Numeric => match (as_decimal(hi), as_decimal(lo)) {
            (Some((p1, s1)), Some((p2, s2))) => {
                let scale = s1.max(s2);
                let whole = (p1 - s1).max(p2.saturating_sub(s2));
                let precision = whole + scale;
                let (p, s) = if precision > 38 {
                    (38, scale.min(38 - whole.min(38)))
                } else {
                    (precision.max(1), scale)
                };
                let id = if a.id == TypeId::Numeric || b.id == TypeId::Numeric {
                    TypeId::Numeric
                } else {
                    TypeId::Decimal
                };
                SqlType { id, ..SqlType::decimal(p, s) }
            }
            _ => *hi,
        },
        TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar => {
            // binary with char: the string type wins as is.
            let width =
                |t: &SqlType| if t.id.is_character() { t.char_length() } else { Some(t.length.max(0)) };
            let fixed = hi.id == lo.id || matches!((hi.id, lo.id), (TypeId::NChar, TypeId::Char));
            let id = if fixed {
                hi.id
            } else if hi.id.is_unicode() {
                TypeId::NVarChar
            } else {
                TypeId::VarChar
            };
            let unicode = id.is_unicode();
            let collation = if hi.collation.is_none() { lo.collation } else { hi.collation };
            match (width(hi), width(lo)) {
                (Some(x), Some(y)) => {
                    let n = x.max(y).min(if unicode { 4000 } else { 8000 });
                    SqlType::character(id, if unicode { n * 2 } else { n }, collation)
                }
                _ => SqlType::character(
                    if unicode { TypeId::NVarChar } else { TypeId::VarChar },
                    -1,
                    collation,
                ),
            }
        }
        TypeId::Binary | TypeId::VarBinary => {
            if hi.is_max() || lo.is_max() {
                SqlType::binary(TypeId::VarBinary, -1)
            } else {
                SqlType::binary(hi.id, hi.length.max(lo.length))
            }
        }
        TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => {
            let scale_of = |t: &SqlType| match t.id {
                TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => t.scale,
                TypeId::DateTime => 3,
                _ => 0,
            };
            let s = scale_of(hi).max(scale_of(lo));
            match hi.id {
                TypeId::Time => SqlType::time(s),
                TypeId::DateTime2 => SqlType::datetime2(s),
                _ => SqlType::datetimeoffset(s),
            }
        }
        _ => *hi,
    }
}

/// Name of an operator in messages 402 and 8117.
pub fn operator_name(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add | BinaryOp::Concat => "add",
        BinaryOp::Subtract => "subtract",
        BinaryOp::Multiply => "multiply",
        BinaryOp::Divide => "divide",
        BinaryOp::Modulo => "modulo",
        BinaryOp::BitAnd => "'&'",
        BinaryOp::BitOr => "'|'",
        BinaryOp::BitXor => "'^'",
        BinaryOp::ShiftLeft => "'<<'",
        BinaryOp::ShiftRight => "'>>'",
    }
}

/// Result precision and scale of decimal arithmetic, with the reduction beyond 38 digits.
pub fn decimal_result(op: BinaryOp, (p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> (u8, u8) {
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let (precision, scale) = match op {
        BinaryOp::Multiply => (p1 + p2 + 1, s1 + s2),
        BinaryOp::Divide => {
            let s = 6.max(s1 + p2 + 1);
            (p1 - s1 + s2 + s, s)
        }
        BinaryOp::Modulo => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
        _ => (s1.max(s2) + (p1 - s1).max(p2 - s2) + 1, s1.max(s2)),
    };
    let (p, s) = if precision <= 38 {
        (precision.max(1), scale)
    } else {
        match op {
            BinaryOp::Multiply | BinaryOp::Divide => {
                let whole = precision - scale;
                let s = if whole < 32 {
                    scale.min(38 - whole)
                } else if scale > 6 {
                    6
                } else {
                    scale
                };
                (38, s)
            }
            _ => {
                let whole = (p1 - s1).max(p2 - s2);
                (38, scale.min(38 - whole).max(0))
            }
        }
    };
    (p as u8, s.clamp(0, 38) as u8)
}

/// What an arithmetic or bit operator works in.
pub struct Arithmetic {
    pub op: BinaryOp,
    /// Types the operands are converted to.
    pub left: SqlType,
    pub right: SqlType,
    pub result: SqlType,
}

/// Why an operator refuses its operands.
pub enum Refusal {
    /// 8117: operand data type … is invalid for … operator.
    Operand(TypeId),
    /// 402: the data types … and … are incompatible in the … operator.
    Pair,
    /// 206: operand type clash.
    Clash,
    /// 257: implicit conversion not allowed, from … to ….
    Implicit(TypeId, TypeId),
}

/// Types of `left op right`.
pub fn arithmetic(op: BinaryOp, l: &Expr, r: &Expr) -> Result<Arithmetic, Refusal> {
    use TypeId as T;
    let (a, b) = (&l.ty, &r.ty);
    let same = |t: SqlType| Ok(Arithmetic { op, left: t, right: t, result: t });
    if is_lob(a.id)
        || is_lob(b.id)
        || matches!(a.id, T::Xml)
        || matches!(b.id, T::Xml)
        || is_clr(a.id)
        || is_clr(b.id)
    {
        return Err(if a.id == b.id { Refusal::Operand(a.id) } else { Refusal::Pair });
    }
    if op == BinaryOp::Concat || op == BinaryOp::Add {
        let stringy = |t: &SqlType| is_plain_string(t.id);
        let binary = |t: &SqlType| matches!(t.id, T::Binary | T::VarBinary);
        let null = |t: &SqlType| t.id == T::Null;
        if (stringy(a) && (stringy(b) || null(b)))
            || (null(a) && stringy(b))
            || (op == BinaryOp::Concat && (stringy(a) || stringy(b)))
        {
            let unicode = a.id.is_unicode() || b.id.is_unicode();
            let collation = if a.collation.is_none() { b.collation } else { a.collation };
            let width = |t: &SqlType| match t.id {
                T::Null => Some(1),
                _ if t.id.is_character() => t.char_length(),
                _ => Some(30),
            };
            let id = if unicode { T::NVarChar } else { T::VarChar };
            let limit = if unicode { 4000 } else { 8000 };
            let make = |n: Option<i32>| match n {
                Some(n) => {
                    SqlType::character(id, if unicode { n.min(limit) * 2 } else { n.min(limit) }, collation)
                }
                None => SqlType::character(id, -1, collation),
            };
            let (wa, wb) = (width(a), width(b));
            let result = make(match (wa, wb) {
                (Some(x), Some(y)) => Some(x.saturating_add(y)),
                _ => None,
            });
            return Ok(Arithmetic { op: BinaryOp::Concat, left: make(wa), right: make(wb), result });
        }
        if (binary(a) && (binary(b) || null(b))) || (null(a) && binary(b)) {
            let len = |t: &SqlType| {
                if null(t) {
                    Some(1)
                } else if t.is_max() {
                    None
                } else {
                    Some(t.length)
                }
            };
            let make = |n: Option<i32>| SqlType::binary(T::VarBinary, n.map_or(-1, |n| n.min(8000)));
            let result = make(match (len(a), len(b)) {
                (Some(x), Some(y)) => Some(x.saturating_add(y)),
                _ => None,
            });
            return Ok(Arithmetic { op: BinaryOp::Concat, left: make(len(a)), right: make(len(b)), result });
        }
        // Binary with string: `+` concatenates as strings.
        if (binary(a) && stringy(b)) || (stringy(a) && binary(b)) {
            return Err(Refusal::Pair);
        }
    }
    if op == BinaryOp::Concat {
        return Err(if a.id == b.id { Refusal::Operand(a.id) } else { Refusal::Pair });
    }
    if matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight) && a.id == T::Bit && b.id == T::Bit {
        return Err(Refusal::Operand(T::Bit));
    }
    let bit_op = matches!(
        op,
        BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor | BinaryOp::ShiftLeft | BinaryOp::ShiftRight
    );
    let hi = if a.id.precedence() >= b.id.precedence() { a } else { b };
    let hi_id = if hi.id == T::Null { T::Int } else { hi.id };
    if bit_op {
        let integer = |t: T| t.is_integer() || t == T::Null;
        let binary = |t: T| matches!(t, T::Binary | T::VarBinary);
        if integer(a.id) && integer(b.id) {
            return same(if hi.id == T::Null { SqlType::INT } else { *hi });
        }
        if integer(a.id) && binary(b.id) {
            return same(*a);
        }
        if binary(a.id) && integer(b.id) {
            return same(*b);
        }
        if integer(hi_id) && (is_plain_string(a.id) || is_plain_string(b.id)) {
            return same(*hi);
        }
        return Err(if a.id == b.id { Refusal::Operand(a.id) } else { Refusal::Pair });
    }
    // A string meets a number: the number's type. Two strings outside `+`: refused.
    match hi_id {
        T::Bit => {
            if a.id == T::Bit && b.id == T::Bit {
                Err(Refusal::Operand(T::Bit))
            } else {
                Err(Refusal::Pair)
            }
        }
        T::TinyInt | T::SmallInt | T::Int | T::BigInt => {
            let other = if std::ptr::eq(hi, a) { b } else { a };
            if conversion(other.id, hi_id) != Conversion::Implicit {
                return Err(Refusal::Clash);
            }
            same(if hi.id == T::Null { SqlType::INT } else { *hi })
        }
        T::Money | T::SmallMoney => same(*hi),
        T::Real | T::Float => {
            if op == BinaryOp::Modulo {
                return Err(if a.id == b.id { Refusal::Operand(hi_id) } else { Refusal::Pair });
            }
            let other = if std::ptr::eq(hi, a) { b } else { a };
            if conversion(other.id, hi_id) != Conversion::Implicit {
                return Err(Refusal::Clash);
            }
            same(*hi)
        }
        T::Decimal | T::Numeric => {
            let side = |e: &Expr| {
                operand_decimal(e).or(if is_plain_string(e.ty.id) {
                    Some((hi.precision, hi.scale))
                } else {
                    None
                })
            };
            let (Some(x), Some(y)) = (side(l), side(r)) else {
                return Err(Refusal::Clash);
            };
            let (p, s) = decimal_result(op, x, y);
            let operand = |t: &SqlType, (p, s): (u8, u8)| {
                if matches!(t.id, T::Decimal | T::Numeric) {
                    *t
                } else {
                    SqlType { id: hi.id, ..SqlType::decimal(p, s) }
                }
            };
            let id = if a.id == T::Numeric || b.id == T::Numeric { T::Numeric } else { T::Decimal };
            Ok(Arithmetic {
                op,
                left: operand(a, x),
                right: operand(b, y),
                result: SqlType { id, ..SqlType::decimal(p, s) },
            })
        }
        T::DateTime | T::SmallDateTime if matches!(op, BinaryOp::Add | BinaryOp::Subtract) => {
            let ok = |t: T| {
                t == T::Null
                    || is_plain_string(t)
                    || t.is_numeric()
                    || matches!(t, T::DateTime | T::SmallDateTime | T::Binary | T::VarBinary)
            };
            if ok(a.id) && ok(b.id) { same(*hi) } else { Err(Refusal::Pair) }
        }
        t if t.is_temporal() => Err(if a.id == b.id {
            Refusal::Operand(t)
        } else if a.id.is_numeric() || b.id.is_numeric() {
            Refusal::Clash
        } else {
            Refusal::Pair
        }),
        T::UniqueIdentifier if a.id != b.id && (a.id.is_numeric() || b.id.is_numeric()) => {
            Err(Refusal::Clash)
        }
        T::SqlVariant if a.id != b.id => {
            Err(Refusal::Implicit(T::SqlVariant, if a.id == T::SqlVariant { b.id } else { a.id }))
        }
        t => Err(if a.id == b.id || a.id == T::Null || b.id == T::Null {
            Refusal::Operand(t)
        } else {
            Refusal::Pair
        }),
    }
}

/// Types that cannot be compared, sorted, grouped or made distinct.
pub fn not_comparable(t: TypeId) -> bool {
    is_lob(t)
        || matches!(t, TypeId::Xml | TypeId::Geometry | TypeId::Geography | TypeId::Json | TypeId::Vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_rules() {
        assert_eq!(decimal_result(BinaryOp::Add, (5, 2), (10, 4)), (11, 4));
        assert_eq!(decimal_result(BinaryOp::Multiply, (18, 2), (18, 4)), (37, 6));
        assert_eq!(decimal_result(BinaryOp::Divide, (2, 1), (1, 0)), (7, 6));
        assert_eq!(decimal_result(BinaryOp::Divide, (38, 10), (38, 10)), (38, 6));
        assert_eq!(decimal_result(BinaryOp::Add, (38, 10), (38, 5)), (38, 5));
        assert_eq!(decimal_result(BinaryOp::Multiply, (38, 4), (38, 4)), (38, 6));
    }

    #[test]
    fn conversions() {
        assert_eq!(conversion(TypeId::VarChar, TypeId::Int), Conversion::Implicit);
        assert_eq!(conversion(TypeId::DateTime, TypeId::Int), Conversion::Explicit);
        assert_eq!(conversion(TypeId::Date, TypeId::Int), Conversion::None);
        assert_eq!(conversion(TypeId::VarChar, TypeId::VarBinary), Conversion::Explicit);
        assert_eq!(conversion(TypeId::Int, TypeId::UniqueIdentifier), Conversion::None);
    }

    #[test]
    fn meeting_types() {
        let c = holdfast_types::CollationId(1);
        assert_eq!(common(&SqlType::INT, &SqlType::decimal(5, 2)).to_string(), "decimal(12,2)");
        assert_eq!(common(&SqlType::varchar(10, c), &SqlType::nvarchar(5, c)).to_string(), "nvarchar(10)");
        assert_eq!(common(&SqlType::NULL, &SqlType::DATE), SqlType::DATE);
        assert_eq!(common(&SqlType::datetime2(3), &SqlType::DATETIME), SqlType::datetime2(3));
    }
}
