//! Functions over session, statement and server state, and the small logical ones.
//!
//! Invariants
//! 1. All state comes from [`crate::context::SessionInfo`]; nothing is invented here: what the session does not know is NULL.

use std::sync::Arc;

use holdfast_plan::function::{FunctionId, definition};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value, Variant};

use super::{Call, not_yet, text_of};
use crate::context::SessionInfo;
use crate::expression::arithmetic::integer_value;

pub fn name(s: &Arc<str>) -> Value {
    Value::string(s)
}

fn variant(found: Option<(SqlType, Value)>) -> Value {
    match found {
        Some((_, Value::Null)) | None => Value::Null,
        Some((ty, value)) => Value::Variant(Arc::new(Variant { ty, value })),
    }
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    let a = c.args;
    let session: &dyn SessionInfo = c.ctx.query.session.as_ref();
    let settings = &c.ctx.query.settings;
    let caught = || session.caught_error();
    let integer = |n: i64| -> Value {
        match c.ty.id {
            TypeId::TinyInt => Value::TinyInt(n as u8),
            TypeId::SmallInt => Value::SmallInt(n as i16),
            TypeId::BigInt => Value::BigInt(n),
            TypeId::Bit => Value::Bit(n != 0),
            _ => Value::Int(n as i32),
        }
    };
    Ok(match c.function {
        FunctionId::IsNull => {
            if a[0].is_null() {
                a[1].clone()
            } else {
                a[0].clone()
            }
        }
        FunctionId::Choose => match integer_value(&a[0]) {
            Some(n) if n >= 1 && (n as usize) < a.len() => a[n as usize].clone(),
            _ => Value::Null,
        },
        FunctionId::PartitionNumber => {
            let order = |b: &Value| holdfast_engine::stored::key::compare(&c.types[0], b, &a[0]);
            let right = a[1] == Value::Int(1);
            let below = a[2..].partition_point(|b| order(b).is_lt() || (right && order(b).is_eq()));
            integer(below as i64 + 1)
        }
        FunctionId::ErrorMessage => caught().map_or(Value::Null, |e| name(&e.message)),
        FunctionId::ErrorNumber => caught().map_or(Value::Null, |e| Value::Int(e.number)),
        FunctionId::ErrorSeverity => caught().map_or(Value::Null, |e| Value::Int(i32::from(e.severity))),
        FunctionId::ErrorState => caught().map_or(Value::Null, |e| Value::Int(i32::from(e.state))),
        FunctionId::ErrorLine => caught().map_or(Value::Null, |e| Value::Int(e.line as i32)),
        FunctionId::ErrorProcedure => caught().and_then(|e| e.procedure).map_or(Value::Null, |p| name(&p)),
        FunctionId::XactState => integer(i64::from(session.transaction_state())),
        FunctionId::AtRowCount => integer(session.row_count()),
        FunctionId::RowCountBig => Value::BigInt(session.row_count()),
        FunctionId::AtError => integer(i64::from(session.last_error())),
        FunctionId::AtSpid => integer(i64::from(session.session_id())),
        FunctionId::AtTranCount => integer(i64::from(session.transaction_count())),
        FunctionId::AtServerName => name(&session.server_name()),
        FunctionId::AtServiceName => Value::string("MSSQLSERVER"),
        FunctionId::AtVersion => name(&session.version_text()),
        FunctionId::AtMicrosoftVersion => {
            let parts: Vec<i64> = match session.server_property("ProductVersion") {
                Some((_, v)) => text_of(&v).split('.').filter_map(|p| p.parse().ok()).collect(),
                None => Vec::new(),
            };
            let at = |i: usize| parts.get(i).copied().unwrap_or(0);
            integer(at(0) << 24 | at(1) << 16 | at(2))
        }
        FunctionId::AtOptions => integer(i64::from(settings.options)),
        FunctionId::AtProcId => integer(i64::from(session.procedure_id())),
        FunctionId::AtIdentity => session.identity(false),
        FunctionId::ScopeIdentity => session.identity(true),
        FunctionId::AtFetchStatus => integer(i64::from(session.fetch_status())),
        FunctionId::AtLockTimeout => integer(i64::from(settings.lock_timeout_ms)),
        FunctionId::AtDateFirst => integer(i64::from(settings.date_first)),
        FunctionId::AtNestLevel => integer(i64::from(session.nest_level())),
        FunctionId::AtLanguage => name(&settings.language),
        FunctionId::AtLangId => integer(i64::from(settings.conversion_language.0.lang_id)),
        FunctionId::AtDefLangId => integer(0),
        FunctionId::AtTextSize => integer(i64::from(settings.text_size)),
        FunctionId::AtMaxConnections => integer(32_767),
        FunctionId::AtMaxPrecision => integer(38),
        FunctionId::AtRemServer => Value::Null,
        // A session runs one request at a time.
        FunctionId::CurrentRequestId => Value::SmallInt(0),
        FunctionId::EventData => session.event_data().map_or(Value::Null, |e| name(&e)),
        FunctionId::AtTimeTicks => integer(31_250),
        FunctionId::AtCursorRows
        | FunctionId::AtCpuBusy
        | FunctionId::AtIdle
        | FunctionId::AtIoBusy
        | FunctionId::AtConnections
        | FunctionId::AtPackReceived
        | FunctionId::AtPackSent
        | FunctionId::AtPacketErrors
        | FunctionId::AtTotalRead
        | FunctionId::AtTotalWrite
        | FunctionId::AtTotalErrors => match session.other(definition(c.function).name, a)? {
            Some(v) => v,
            None => integer(0),
        },
        FunctionId::AppName => name(&session.application_name()),
        FunctionId::HostName => name(&session.host_name()),
        FunctionId::SuserSname | FunctionId::SuserName => match a.first() {
            None => name(&session.login_name()),
            Some(Value::Null) => Value::Null,
            Some(_) => session.other(definition(c.function).name, a)?.unwrap_or(Value::Null),
        },
        FunctionId::SystemUser => name(&session.login_name()),
        FunctionId::OriginalLogin => name(&session.original_login()),
        FunctionId::SuserId => match a.first() {
            Some(Value::Null) => Value::Null,
            _ => session.other("SUSER_ID", a)?.unwrap_or(Value::Null),
        },
        FunctionId::SuserSid => match a.first() {
            Some(Value::Null) => Value::Null,
            _ => session.other("SUSER_SID", a)?.unwrap_or(Value::Null),
        },
        FunctionId::User | FunctionId::CurrentUser | FunctionId::SessionUser => name(&session.user_name()),
        FunctionId::UserName => match a.first() {
            None => name(&session.user_name()),
            Some(v) => integer_value(v)
                .and_then(|n| i32::try_from(n).ok())
                .and_then(|n| session.principal_name(n))
                .map_or(Value::Null, |n| name(&n)),
        },
        FunctionId::UserId | FunctionId::DatabasePrincipalId => {
            let who = match a.first() {
                None => session.user_name().to_string(),
                Some(Value::String(s)) => s.to_text(),
                Some(_) => return Ok(Value::Null),
            };
            session.principal_id(&who).map_or(Value::Null, Value::Int)
        }
        FunctionId::SessionContext => match &a[0] {
            Value::String(s) => match session.session_context(&s.to_text()) {
                Value::Null => Value::Null,
                v @ Value::Variant(_) => v,
                other => variant(type_of(&other).map(|t| (t, other.clone()))),
            },
            _ => Value::Null,
        },
        FunctionId::CursorStatus => {
            let (Value::String(kind), Value::String(cursor)) = (&a[0], &a[1]) else {
                return Ok(Value::Null);
            };
            let variable = cursor.to_text().starts_with('@');
            let local = match kind.to_text().to_ascii_lowercase().as_str() {
                "global" => Some(false),
                "local" if !variable => Some(true),
                "variable" if variable => Some(true),
                _ => None,
            };
            let modules = c.ctx.query.modules.as_ref();
            let status = local.and_then(|local| modules?.cursor_status(local, &cursor.to_text()));
            Value::SmallInt(status.unwrap_or(-3))
        }
        FunctionId::ContextInfo => session.context_info(),
        FunctionId::ServerProperty => match &a[0] {
            Value::String(s) => variant(session.server_property(&s.to_text())),
            _ => Value::Null,
        },
        FunctionId::ConnectionProperty => match &a[0] {
            Value::String(s) => {
                let name = Value::string(&s.to_text().to_ascii_lowercase());
                let found = session.other("CONNECTIONPROPERTY", &[name])?.unwrap_or(Value::Null);
                variant(type_of(&found).map(|t| (t, found)))
            }
            _ => Value::Null,
        },
        // Full-text search is not installed here.
        FunctionId::FullTextServiceProperty => match &a[0] {
            Value::String(s) if s.to_text().eq_ignore_ascii_case("IsFullTextInstalled") => integer(0),
            _ => Value::Null,
        },
        FunctionId::SqlVariantProperty => match (&a[0], &a[1]) {
            (Value::Variant(v), Value::String(p)) => variant_property(v, &p.to_text()),
            _ => Value::Null,
        },
        FunctionId::GetAnsiNull => integer(1),
        FunctionId::AtDbts => session.other("@@DBTS", &[])?.unwrap_or(Value::Null),
        FunctionId::TriggerNestLevel => {
            let id = a.first().and_then(integer_value).and_then(|n| i32::try_from(n).ok());
            integer(i64::from(session.trigger_nest_level(id)))
        }
        FunctionId::ColumnsUpdated => {
            session.trigger_columns().map_or(Value::Null, |columns| Value::binary(&columns))
        }
        FunctionId::ColumnUpdated => {
            let id = a.first().and_then(integer_value).and_then(|n| i32::try_from(n).ok()).unwrap_or(0);
            let set = session.trigger_columns().is_some_and(|c| crate::procedure::change::is_updated(&c, id));
            Value::Bit(set)
        }
        FunctionId::IsNumeric => Value::Int(i32::from(match &a[0] {
            Value::String(s) => is_numeric_text(&s.to_text()),
            v => super::is_number(v),
        })),
        // State that other parts of the server own, if they know it.
        other => match session.other(definition(other).name, a)? {
            Some(v) => v,
            None => return Err(not_yet(other)),
        },
    })
}

/// The type a bare value most naturally has.
pub fn type_of(v: &Value) -> Option<SqlType> {
    Some(match v {
        Value::Bit(_) => SqlType::BIT,
        Value::TinyInt(_) => SqlType::TINYINT,
        Value::SmallInt(_) => SqlType::SMALLINT,
        Value::Int(_) => SqlType::INT,
        Value::BigInt(_) => SqlType::BIGINT,
        Value::Float(_) => SqlType::FLOAT,
        Value::Real(_) => SqlType::REAL,
        Value::DateTime(_) => SqlType::DATETIME,
        Value::Guid(_) => SqlType::GUID,
        Value::Decimal(d) => SqlType::numeric(38, d.scale),
        Value::String(s) => {
            SqlType::nvarchar((s.len() as i32).clamp(1, 4000), holdfast_types::CollationId::SERVER_DEFAULT)
        }
        Value::Binary(b) => SqlType::binary(TypeId::VarBinary, (b.len() as i32).clamp(1, 8000)),
        _ => return None,
    })
}

fn variant_property(v: &Variant, property: &str) -> Value {
    let t = &v.ty;
    let int = |n: i32| Value::Variant(Arc::new(Variant { ty: SqlType::INT, value: Value::Int(n) }));
    match property.to_ascii_lowercase().as_str() {
        "basetype" => Value::Variant(Arc::new(Variant {
            ty: SqlType::sysname(holdfast_types::CollationId::SERVER_DEFAULT),
            value: Value::string(t.id.name()),
        })),
        "precision" => int(i32::from(t.precision)),
        "scale" => int(i32::from(t.scale)),
        "maxlength" => int(t.length),
        "totalbytes" => int(super::string::data_length(&v.value, t) as i32 + 2),
        "collation" if t.id.is_character() => match crate::expression::collate::name(t.collation) {
            Some(n) => Value::Variant(Arc::new(Variant {
                ty: SqlType::sysname(holdfast_types::CollationId::SERVER_DEFAULT),
                value: Value::string(&n),
            })),
            None => Value::Null,
        },
        _ => Value::Null,
    }
}

/// ISNUMERIC of a text: whether it converts to one of the numeric types.
fn is_numeric_text(s: &str) -> bool {
    let t = s.trim_matches(' ');
    if t.is_empty() {
        return false;
    }
    let signs = t.trim_start_matches(['+', '-']);
    // A lone sign, point, comma or currency sign counts.
    if matches!(t, "+" | "-" | "." | "," | "$" | "\\" | "\t" | "\n" | "\r") {
        return true;
    }
    if t.len() - signs.len() > 1 {
        return false;
    }
    let money = signs.trim_start_matches(['$', '£', '€', '¥']).trim_start();
    let digits = money.trim_start_matches(['+', '-']);
    let mut point = false;
    let mut exponent = false;
    let mut seen = false;
    let mut chars = digits.chars().peekable();
    while let Some(ch) = chars.next() {
        match ch {
            '0'..='9' => seen = true,
            ',' if !exponent => {}
            '.' if !point && !exponent => point = true,
            'e' | 'E' | 'd' | 'D' if seen && !exponent => {
                exponent = true;
                if matches!(chars.peek(), Some('+' | '-')) {
                    chars.next();
                }
            }
            _ => return false,
        }
    }
    seen || point
}

/// Error for a property or option name that does not exist where one is required.
pub fn unknown_property(what: &str) -> SqlError {
    SqlError::not_supported(format!("The property {what}"))
}

#[cfg(test)]
mod tests {
    use super::is_numeric_text;

    #[test]
    fn numeric_texts() {
        for t in ["1", " 12.5 ", "-3", "1e5", "$1,234.50", "+", ".", "1d2"] {
            assert!(is_numeric_text(t), "{t}");
        }
        for t in ["", "abc", "1.2.3", "--1", "1e5e", "0x1F"] {
            assert!(!is_numeric_text(t), "{t}");
        }
    }
}
