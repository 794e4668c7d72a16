//! `{fn name(…)}`: ODBC's functions, read as what the server makes of them.
//!
//! Invariants
//! 1. A name that is not ODBC's own, or that means the same without the braces, is read like any other expression.

use super::{Parsed, Parser};
use crate::Span;
use crate::ast::{
    BinaryOp, DataType, Expr, ExprKind, FunctionCall, Ident, Literal, NiladicFunction, ObjectName,
    TypeArgument,
};

/// Functions that have another name, or take a fixed first (`datepart`) argument.
const RENAMED: &[(&str, &str, Option<&str>)] = &[
    ("UCASE", "UPPER", None),
    ("LCASE", "LOWER", None),
    ("LENGTH", "LEN", None),
    ("CHAR_LENGTH", "LEN", None),
    ("CHARACTER_LENGTH", "LEN", None),
    ("OCTET_LENGTH", "DATALENGTH", None),
    ("LOCATE", "CHARINDEX", None),
    ("INSERT", "STUFF", None),
    ("REPEAT", "REPLICATE", None),
    ("IFNULL", "ISNULL", None),
    ("ATAN2", "ATN2", None),
    ("DATABASE", "DB_NAME", None),
    ("NOW", "GETDATE", None),
    ("DAYOFMONTH", "DATEPART", Some("day")),
    ("DAYOFWEEK", "DATEPART", Some("weekday")),
    ("DAYOFYEAR", "DATEPART", Some("dayofyear")),
    ("HOUR", "DATEPART", Some("hour")),
    ("MINUTE", "DATEPART", Some("minute")),
    ("QUARTER", "DATEPART", Some("quarter")),
    ("SECOND", "DATEPART", Some("second")),
    ("WEEK", "DATEPART", Some("week")),
    ("DAYNAME", "DATENAME", Some("weekday")),
    ("MONTHNAME", "DATENAME", Some("month")),
];

const INTERVALS: &[(&str, &str)] = &[
    ("SQL_TSI_FRAC_SECOND", "millisecond"),
    ("SQL_TSI_SECOND", "second"),
    ("SQL_TSI_MINUTE", "minute"),
    ("SQL_TSI_HOUR", "hour"),
    ("SQL_TSI_DAY", "day"),
    ("SQL_TSI_WEEK", "week"),
    ("SQL_TSI_MONTH", "month"),
    ("SQL_TSI_QUARTER", "quarter"),
    ("SQL_TSI_YEAR", "year"),
];

const TYPES: &[(&str, &str)] = &[
    ("SQL_BIGINT", "bigint"),
    ("SQL_BINARY", "binary"),
    ("SQL_BIT", "bit"),
    ("SQL_CHAR", "char"),
    ("SQL_DATE", "datetime"),
    ("SQL_DECIMAL", "decimal"),
    ("SQL_DOUBLE", "float"),
    ("SQL_FLOAT", "float"),
    ("SQL_GUID", "uniqueidentifier"),
    ("SQL_INTEGER", "int"),
    ("SQL_LONGVARBINARY", "image"),
    ("SQL_LONGVARCHAR", "text"),
    ("SQL_NUMERIC", "numeric"),
    ("SQL_REAL", "real"),
    ("SQL_SMALLINT", "smallint"),
    ("SQL_TIME", "datetime"),
    ("SQL_TIMESTAMP", "datetime"),
    ("SQL_TINYINT", "tinyint"),
    ("SQL_VARBINARY", "varbinary"),
    ("SQL_VARCHAR", "varchar"),
    ("SQL_WCHAR", "nchar"),
    ("SQL_WLONGVARCHAR", "ntext"),
    ("SQL_WVARCHAR", "nvarchar"),
];

fn call(name: &str, arguments: Vec<Expr>) -> ExprKind {
    ExprKind::Function(Box::new(FunctionCall::plain(ObjectName::one(Ident::new(name)), arguments)))
}

fn part(name: &str, span: Span) -> Expr {
    Expr::new(ExprKind::Column(vec![Ident::new(name)]), span)
}

fn number(n: i64, span: Span) -> Expr {
    Expr::new(ExprKind::Literal(Literal::Integer(n.to_string())), span)
}

fn data_type(name: &str, arguments: Vec<TypeArgument>, span: Span) -> DataType {
    DataType { name: ObjectName::one(Ident::new(name)), arguments, xml: None, span }
}

/// The moment as `yyyy-mm-dd hh:mm:ss.mmm`.
fn moment(length: i64, span: Span) -> ExprKind {
    ExprKind::Convert {
        data_type: data_type("varchar", vec![TypeArgument::Number(length)], span),
        value: Box::new(Expr::new(call("GETDATE", Vec::new()), span)),
        style: Some(Box::new(number(121, span))),
        is_try: false,
    }
}

impl Parser<'_> {
    /// What stands behind `{fn`.
    pub(crate) fn odbc_function(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let name = self.word().to_ascii_uppercase();
        let kind = match name.as_str() {
            "EXTRACT" if self.is_symbol_at(1, '(') => {
                self.open_call()?;
                let of = self.ident()?;
                self.expect_word("FROM")?;
                let value = self.expr()?;
                call("DATEPART", vec![part(&of.text, of.span), value])
            }
            "CONVERT" if self.is_symbol_at(1, '(') => {
                self.open_call()?;
                let value = Box::new(self.expr()?);
                self.expect_symbol(',')?;
                let Some((_, of)) = TYPES.iter().find(|t| self.is_word(t.0)) else {
                    return Err(self.unexpected());
                };
                let span = self.span();
                self.advance();
                let data_type = data_type(of, Vec::new(), span);
                ExprKind::Convert { data_type, value, style: None, is_try: false }
            }
            "TIMESTAMPADD" | "TIMESTAMPDIFF" if self.is_symbol_at(1, '(') => {
                self.open_call()?;
                let Some((_, of)) = INTERVALS.iter().find(|i| self.is_word(i.0)) else {
                    return Err(self.unexpected());
                };
                let of = part(of, self.span());
                self.advance();
                self.expect_symbol(',')?;
                let first = self.expr()?;
                self.expect_symbol(',')?;
                let second = self.expr()?;
                let name = if name == "TIMESTAMPADD" { "DATEADD" } else { "DATEDIFF" };
                call(name, vec![of, first, second])
            }
            "MOD" | "TRUNCATE" if self.is_symbol_at(1, '(') => {
                self.open_call()?;
                let first = self.expr()?;
                self.expect_symbol(',')?;
                let second = self.expr()?;
                if name == "MOD" {
                    let paren = |e: Expr| {
                        let span = e.span;
                        Box::new(Expr::new(ExprKind::Paren(Box::new(e)), span))
                    };
                    ExprKind::Binary { op: BinaryOp::Modulo, left: paren(first), right: paren(second) }
                } else {
                    call("ROUND", vec![first, second, number(1, start)])
                }
            }
            "USER" if self.is_symbol_at(1, '(') => {
                self.open_call()?;
                ExprKind::Niladic(NiladicFunction::CurrentUser)
            }
            "CURDATE" | "CURRENT_DATE" | "CURTIME" | "CURRENT_TIME" if self.is_symbol_at(1, '(') => {
                self.open_call()?;
                if !self.is_symbol(')') {
                    // Digits of a second: there are three.
                    self.integer()?;
                }
                if name.ends_with("DATE") {
                    moment(10, start)
                } else {
                    let text = Expr::new(moment(23, start), start);
                    call("SUBSTRING", vec![text, number(12, start), number(12, start)])
                }
            }
            _ => match RENAMED.iter().find(|r| r.0 == name && self.is_symbol_at(1, '(')) {
                Some((_, to, of)) => {
                    self.open_call()?;
                    let mut arguments: Vec<Expr> = of.iter().map(|p| part(p, start)).collect();
                    if !self.is_symbol(')') {
                        arguments.extend(self.list(Self::expr)?);
                    }
                    call(to, arguments)
                }
                None => return self.expr(),
            },
        };
        self.expect_symbol(')')?;
        Ok(Expr::new(kind, self.since(start)))
    }

    fn open_call(&mut self) -> Parsed<()> {
        self.advance();
        self.expect_symbol('(')
    }
}
