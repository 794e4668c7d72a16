//! FORMAT, PARSE and TRY_PARSE: .NET format strings and cultures.
//!
//! Invariants
//! 1. A format that the value's type does not know gives NULL; only a culture that is not there is an error (9818).
//! 2. Numbers are formatted from their exact decimal digits, rounding half away from zero.
//!
//! Evidence: the public reference of .NET's standard and custom format strings; FORMAT's and PARSE's documentation pages.

mod culture;
mod date;
mod number;

use holdfast_plan::function::FunctionId;
use holdfast_types::conversion::{self, ConvertContext, Mode};
use holdfast_types::datetime::calendar::Moment;
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::Call;
use crate::expression::arithmetic::type_mismatch;
use culture::Culture;

fn text(v: Option<&Value>) -> Option<String> {
    match v {
        Some(Value::String(s)) => Some(s.to_text()),
        _ => None,
    }
}

/// The culture named, or that of the session's language.
fn culture(c: &Call<'_>, name: Option<&Value>) -> SqlResult<&'static Culture> {
    match text(name) {
        Some(name) => Culture::by_name(&name).ok_or_else(|| {
            let text = format!(
                "The culture parameter '{name}' provided in the function call is not supported by Holdfast."
            );
            SqlError::with_text(9818, 16, text)
        }),
        None => {
            let language = c.ctx.query.settings.conversion_language;
            let missing =
                || SqlError::not_supported(format!("The culture of the language {}", language.0.name));
            Culture::of_language(language).ok_or_else(missing)
        }
    }
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    match c.function {
        FunctionId::Format => format(c),
        FunctionId::Parse => parse(c),
        _ => match parse(c) {
            Err(e) if e.number == 9819 => Ok(Value::Null),
            other => other,
        },
    }
}

fn format(c: &Call<'_>) -> SqlResult<Value> {
    let pattern = text(c.args.get(1)).unwrap_or_default();
    let culture = culture(c, c.args.get(2))?;
    let (value, ty) = (&c.args[0], &c.types[0]);
    let out = match value {
        Value::Null => return Ok(Value::Null),
        Value::Time(t) => date::time_span(*t, &pattern),
        v if Moment::from_value(v).is_some() => {
            let Some(m) = Moment::from_value(v) else { return Err(type_mismatch()) };
            date::moment(m, matches!(v, Value::DateTimeOffset(_)), &pattern, culture)
        }
        v => {
            let number = number::Number::of(v, ty)
                .ok_or_else(|| SqlError::new(8116, &[&ty.id.name(), &1, &"format"]))?;
            number::format(&number, &pattern, culture)
        }
    };
    Ok(out.map_or(Value::Null, |s| Value::string(&s)))
}

fn parse(c: &Call<'_>) -> SqlResult<Value> {
    let source = text(c.args.first()).unwrap_or_default();
    let culture = culture(c, c.args.get(1))?;
    let failed = || {
        let name = text(c.args.get(1)).unwrap_or_default();
        let message = format!(
            "Error converting string value '{source}' into data type {} using culture '{name}'.",
            c.ty.id.name()
        );
        SqlError::with_text(9819, 16, message)
    };
    let numeric = match c.ty.id {
        TypeId::TinyInt
        | TypeId::SmallInt
        | TypeId::Int
        | TypeId::BigInt
        | TypeId::Decimal
        | TypeId::Numeric
        | TypeId::Money
        | TypeId::SmallMoney
        | TypeId::Float
        | TypeId::Real => true,
        TypeId::Date
        | TypeId::Time
        | TypeId::DateTime
        | TypeId::SmallDateTime
        | TypeId::DateTime2
        | TypeId::DateTimeOffset => false,
        other => {
            let name = if c.function == FunctionId::Parse { "parse" } else { "try_parse" };
            let text = format!("Invalid data type {} in function {name}.", other.name());
            return Err(SqlError::with_text(10_761, 15, text));
        }
    };
    let plain = if numeric { culture.plain_number(&source, c.ty) } else { Some(culture.plain_date(&source)) };
    let plain = plain.ok_or_else(failed)?;
    let from = SqlType::nvarchar_max(c.ctx.query.session.default_collation());
    let context = ConvertContext {
        date_order: culture.date_order(),
        language: culture.language(),
        compatibility_level: c.ctx.query.settings.compatibility_level,
    };
    conversion::convert(&Value::string(&plain), &from, c.ty, None, &context, Mode::Explicit)
        .map_err(|_| failed())
}
