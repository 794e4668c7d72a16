//! Binding of literals: the type that each form has.

use holdfast_tsql::ast::expression as ast;
use holdfast_types::{CollationId, Decimal, SqlError, SqlResult, SqlString, SqlType, TypeId, Value};

use super::{Binder, Typed};
use crate::expr::Expr;

impl Binder<'_> {
    pub(super) fn bind_literal(&mut self, l: &ast::Literal) -> SqlResult<Typed> {
        use ast::Literal as L;
        let collation = self.collation();
        let decimal = |digits: &str| -> SqlResult<Expr> {
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let whole = whole.trim_start_matches('0');
            let scale = fraction.len();
            let precision = (whole.len() + scale).max(1);
            if precision > 38 {
                return Err(SqlError::with_text(
                    1007,
                    15,
                    format!(
                        "The number '{digits}' is out of the range for numeric representation (maximum precision 38)."
                    ),
                ));
            }
            let mantissa: i128 =
                format!("0{whole}{fraction}").parse().map_err(|_| SqlError::new(102, &[&digits]))?;
            let ty = SqlType::numeric(precision as u8, scale as u8);
            Ok(Expr::literal(Value::Decimal(Decimal::new(mantissa, scale as u8)), ty))
        };
        let e = match l {
            L::Null => Expr::null(),
            L::Integer(d) => match d.parse::<i32>() {
                Ok(v) => Expr::int(v),
                Err(_) => decimal(d)?,
            },
            L::Decimal(d) => decimal(d)?,
            L::Float(t) => {
                // `1e` is a float, too.
                let v: f64 = t.trim_end_matches(['e', 'E']).parse().map_err(|_| SqlError::new(102, &[t]))?;
                if !v.is_finite() {
                    return Err(SqlError::with_text(
                        168,
                        15,
                        format!(
                            "The floating point value '{t}' is out of the range of computer representation (8 bytes)."
                        ),
                    ));
                }
                Expr::literal(Value::Float(v), SqlType::FLOAT)
            }
            L::Money(t) => Expr::literal(Value::Money(money(t)?), SqlType::MONEY),
            L::Binary(b) => {
                let n = (b.len() as i32).max(1);
                let ty = SqlType::binary(TypeId::VarBinary, if n > 8000 { -1 } else { n });
                Expr::literal(Value::binary(b), ty)
            }
            L::String { value, national } => string_literal(value, *national, collation),
            L::OdbcDateTime(t) => {
                // Written as an escape its parts have their own order, whatever DATEFORMAT says.
                let s = string_literal(&format!("{{ts '{t}'}}"), false, collation);
                return Ok(Typed::new(self.convert(s, SqlType::DATETIME)));
            }
            L::OdbcGuid(t) => {
                let s = string_literal(t, false, collation);
                return Ok(Typed::new(self.convert(s, SqlType::GUID)));
            }
        };
        Ok(Typed::new(e))
    }
}

pub(crate) fn string_literal(value: &str, national: bool, collation: CollationId) -> Expr {
    let s = SqlString::from(value);
    // n of varchar(n) are bytes, which characters may need several of in UTF-8.
    let n = match !national && collation.is_utf8() {
        true => collation.code_page().encoded_len(s.units()),
        false => s.len(),
    };
    let n = i32::try_from(n).unwrap_or(i32::MAX).max(1);
    let ty = if national {
        if n > 4000 { SqlType::nvarchar_max(collation) } else { SqlType::nvarchar(n, collation) }
    } else if n > 8000 {
        SqlType::varchar(-1, collation)
    } else {
        SqlType::varchar(n, collation)
    };
    Expr::literal(Value::String(s), ty)
}

/// Text after the currency sign -> units of 10^-4.
fn money(t: &str) -> SqlResult<i64> {
    let bad = || {
        SqlError::with_text(
            293,
            16,
            "Cannot convert char value to smallmoney. The char value has incorrect syntax.",
        )
    };
    let (negative, digits) = match t.strip_prefix('-') {
        Some(d) => (true, d),
        None => (false, t.strip_prefix('+').unwrap_or(t)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut v: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
    let mut f = fraction.chars().filter(char::is_ascii_digit);
    for _ in 0..4 {
        v = v.checked_mul(10).ok_or_else(bad)?;
        v += i128::from(f.next().and_then(|c| c.to_digit(10)).unwrap_or(0));
    }
    if f.next().is_some_and(|c| c >= '5') {
        v += 1;
    }
    i64::try_from(if negative { -v } else { v }).map_err(|_| bad())
}
