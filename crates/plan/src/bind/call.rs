//! Function calls: built-in scalar functions, aggregates, user-defined functions, methods.

use std::sync::Arc;

use holdfast_engine::catalog::{ModuleDef, ObjectDef, TableTypeName};
use holdfast_tsql::Span;
use holdfast_tsql::ast::expression as ast;
use holdfast_tsql::ast::name::{Ident, ObjectName};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::collate::{Meeting, merge};
use super::{Binder, Coerce, Typed, at, err};
use crate::access::AccessKind;
use crate::expr::{ConvertMode, Expr, ExprKind};
use crate::function::{
    self, AggregateId, ArgRule, DatePart, FunctionDef, FunctionId, MethodId, Nullability, ResultRule,
    SpatialOp, WindowId,
};
use crate::typing;

impl Binder<'_> {
    pub fn bind_call(&mut self, call: &ast::FunctionCall, span: Span) -> SqlResult<Typed> {
        if !call.name.is_simple() {
            return self.bind_qualified_call(call, span);
        }
        let name = call.name.name.text.as_str();
        if let Some(window) = WindowId::parse(name) {
            return match &call.over {
                Some(over) => self.bind_ranking(window, call, over, span),
                None => err(span, 10753, &[&call.name.name.text]),
            };
        }
        if let Some(aggregate) = AggregateId::parse(name) {
            return match &call.over {
                Some(over) => self.bind_windowed_aggregate(aggregate, call, over, span),
                None => self.bind_aggregate(aggregate, call, span),
            };
        }
        if call.over.is_some() {
            return err(span, 4113, &[&name]);
        }
        if name.eq_ignore_ascii_case("GROUPING") || name.eq_ignore_ascii_case("GROUPING_ID") {
            return self.bind_grouping(call, span);
        }
        let Some(def) = function::find(name).filter(|d| !d.name.starts_with('@') && !d.name.contains(' '))
        else {
            if KEYED.iter().any(|k| k.eq_ignore_ascii_case(name)) {
                return Err(SqlError::not_supported(name.to_ascii_uppercase()).at_line(span.line));
            }
            return err(span, 195, &[&name, &"built-in function name"]);
        };
        let mut args = Vec::with_capacity(call.arguments.len());
        for (i, a) in call.arguments.iter().enumerate() {
            if i == 0 && def.arg_rule(0) == ArgRule::DatePart {
                args.push(self.bind_date_part(def, a)?);
            } else if i == 1 && def.id == FunctionId::IsJson {
                args.push(self.bind_json_kind(a)?);
            } else {
                args.push(self.bind(a)?);
            }
        }
        match def.id {
            // TRIM's syntax order is characters first.
            FunctionId::Trim if args.len() == 2 => {
                args.swap(0, 1);
                let side = match call.trim {
                    Some(ast::TrimSide::Leading) => 1,
                    Some(ast::TrimSide::Trailing) => 2,
                    _ => 3,
                };
                args.push(Typed::new(Expr::int(side)));
            }
            FunctionId::Trim => {
                if let Some(side @ (ast::TrimSide::Leading | ast::TrimSide::Trailing)) = call.trim {
                    let collation = self.collation();
                    args.push(Typed::new(super::literal::string_literal(" ", false, collation)));
                    args.push(Typed::new(Expr::int(if side == ast::TrimSide::Leading { 1 } else { 2 })));
                }
            }
            FunctionId::JsonObject | FunctionId::JsonArray => {
                let default = def.id == FunctionId::JsonObject;
                args.push(Typed::new(Expr::int(i32::from(call.null_on_null.unwrap_or(default)))));
            }
            FunctionId::Checksum | FunctionId::BinaryChecksum if call.star => {
                let columns = self.select_level().map(|l| l.sources.clone()).unwrap_or_default();
                for c in
                    columns.iter().flat_map(|s| &s.columns).filter(|c| !typing::not_comparable(c.col.ty.id))
                {
                    self.note_column(c);
                    args.push(Typed::with(c.col.expr(), c.coerce));
                }
            }
            _ => {}
        }
        at(span, self.call_builtin(def, args, span))
    }

    /// The bare word in ISJSON(text, ARRAY).
    fn bind_json_kind(&mut self, a: &ast::Expr) -> SqlResult<Typed> {
        let word = match &a.unparen().kind {
            ast::ExprKind::Column(parts) if parts.len() == 1 => parts[0].text.to_ascii_uppercase(),
            _ => String::new(),
        };
        if !matches!(word.as_str(), "VALUE" | "ARRAY" | "OBJECT" | "SCALAR") {
            return err(a.span, 102, &[&"isjson"]);
        }
        let collation = self.collation();
        Ok(Typed::new(super::literal::string_literal(&word, false, collation)))
    }

    fn bind_date_part(&mut self, def: &FunctionDef, a: &ast::Expr) -> SqlResult<Typed> {
        let name = match &a.unparen().kind {
            ast::ExprKind::Column(parts) if parts.len() == 1 => parts[0].text.as_str(),
            _ => return err(a.span, 1023, &[&1, &def.name.to_ascii_lowercase()]),
        };
        match DatePart::parse(name) {
            Some(p) => Ok(Typed::new(Expr::literal(Value::TinyInt(p as u8), SqlType::TINYINT))),
            None => err(a.span, 155, &[&name, &def.name.to_ascii_lowercase()]),
        }
    }

    /// Checks the count of arguments, converts them and works out the result type.
    pub fn call_builtin(
        &mut self,
        def: &'static FunctionDef,
        args: Vec<Typed>,
        span: Span,
    ) -> SqlResult<Typed> {
        let n = args.len();
        if n < usize::from(def.min_args) || (def.max_args != 255 && n > usize::from(def.max_args)) {
            let name = def.name.to_ascii_lowercase();
            return if def.min_args == def.max_args {
                err(span, 174, &[&name, &def.min_args])
            } else {
                err(span, 189, &[&name, &def.min_args, &def.max_args])
            };
        }
        let first_ty = args.first().map(|t| t.e.ty);
        let common = if (0..n).any(|i| def.arg_rule(i) == ArgRule::Common) {
            let list: Vec<_> = args
                .iter()
                .enumerate()
                .filter(|(i, _)| def.arg_rule(*i) == ArgRule::Common)
                .map(|(_, t)| (t.e.ty, t.coerce))
                .collect();
            Some(self.common_of(&list, Meeting::Makes(""))?)
        } else {
            None
        };
        // Strings in a function meet by collation precedence like operands.
        let mut label = (holdfast_types::CollationId::NONE, Coerce::Default);
        for (i, t) in args.iter().enumerate() {
            if t.e.ty.id.is_character() && !matches!(def.arg_rule(i), ArgRule::Variant | ArgRule::Any) {
                label = match merge(label, (t.e.ty.collation, t.coerce), Meeting::Makes("")) {
                    Ok(l) => l,
                    Err(e) => return Err(e.at_line(span.line)),
                };
            }
        }
        let compares = matches!(
            def.id,
            FunctionId::CharIndex
                | FunctionId::PatIndex
                | FunctionId::Replace
                | FunctionId::Translate
                | FunctionId::Greatest
                | FunctionId::Least
        );
        if compares && let Coerce::None(x, y, _) = label.1 {
            return err(
                span,
                468,
                &[
                    &super::name::collation_name(y),
                    &super::name::collation_name(x),
                    &def.name.to_ascii_lowercase(),
                ],
            );
        }
        let mut exprs = Vec::with_capacity(n);
        for (i, t) in args.into_iter().enumerate() {
            let rule = def.arg_rule(i);
            // What is JSON already goes in as it is, not as a string.
            let json = t.raw
                && t.e.ty.id.is_character()
                && matches!(rule, ArgRule::Any)
                && matches!(def.id, FunctionId::JsonModify | FunctionId::JsonObject | FunctionId::JsonArray);
            let e = self.convert_argument(def, i, rule, t, first_ty, common.map(|c| c.0))?;
            let e = if json { self.convert(e, SqlType { id: TypeId::Json, ..SqlType::XML }) } else { e };
            exprs.push(if compares { super::collate::relabel(e, label.0) } else { e });
        }
        if def.id == FunctionId::Stuff
            && let [value, _, _, part] = &mut exprs[..]
            && value.ty.id.is_character() != part.ty.id.is_character()
        {
            // The part that goes in is of the kind that it goes into.
            let old = std::mem::replace(part, Expr::null());
            let to = if value.ty.id.is_character() {
                SqlType::varchar(if old.ty.is_max() { -1 } else { 8000 }, value.ty.collation)
            } else {
                SqlType::binary(TypeId::VarBinary, if old.ty.is_max() { -1 } else { 8000 })
            };
            *part = self.convert(old, to);
        }
        let types: Vec<SqlType> = exprs.iter().map(|e| e.ty).collect();
        let collation = if label.0.is_none() { self.collation() } else { label.0 };
        let default_collation = self.collation();
        let mut coerce = Coerce::Default;
        let mut ty = match def.result {
            ResultRule::Fixed(t) => t,
            ResultRule::NVarChar(n) => SqlType::nvarchar(n, default_collation),
            ResultRule::VarChar(n) => SqlType::varchar(n, default_collation),
            ResultRule::NVarCharMax => SqlType::nvarchar_max(default_collation),
            ResultRule::First => types.first().copied().unwrap_or(SqlType::INT),
            ResultRule::Common => common.map_or(SqlType::INT, |c| c.0),
            ResultRule::Derive(f) => f(&types, collation),
            ResultRule::Special => self.special_result(def.id, &exprs, collation)?,
        };
        if ty.id == TypeId::Null {
            ty = SqlType::INT;
        }
        if ty.id.is_character()
            && types.iter().any(|t| t.id.is_character())
            && !matches!(def.result, ResultRule::NVarChar(_) | ResultRule::NVarCharMax)
        {
            ty.collation = collation;
            coerce = label.1;
        }
        let nullable = match def.nullability {
            Nullability::Never => false,
            Nullability::Always | Nullability::PropagateOr => match def.id {
                FunctionId::IsNull => exprs.iter().all(|e| e.nullable),
                _ => true,
            },
            Nullability::Propagate => exprs.iter().any(|e| e.nullable),
        };
        let raw = matches!(
            def.id,
            FunctionId::JsonQuery | FunctionId::JsonModify | FunctionId::JsonObject | FunctionId::JsonArray
        );
        let mut t = Typed::with(
            Expr::new(ExprKind::Function { function: def.id, args: exprs }, ty, nullable),
            coerce,
        );
        t.raw = raw;
        Ok(t)
    }

    fn convert_argument(
        &mut self,
        def: &FunctionDef,
        i: usize,
        rule: ArgRule,
        t: Typed,
        first: Option<SqlType>,
        common: Option<SqlType>,
    ) -> SqlResult<Expr> {
        let id = t.e.ty.id;
        let shown = if id == TypeId::Null { "NULL" } else { id.name() };
        let own = def.name.to_ascii_lowercase();
        let called = if def.id == FunctionId::AtTimeZone { "AT TIME ZONE" } else { own.as_str() };
        let invalid = || SqlError::new(8116, &[&shown, &(i + 1), &called]);
        let collation = if t.e.ty.collation.is_none() { self.collation() } else { t.e.ty.collation };
        let is_max =
            t.e.ty.is_max() || matches!(id, TypeId::Text | TypeId::NText | TypeId::Image | TypeId::Xml);
        let plain_string = matches!(id, TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar);
        let bits = matches!(
            def.id,
            FunctionId::BitCount
                | FunctionId::GetBit
                | FunctionId::SetBit
                | FunctionId::LeftShift
                | FunctionId::RightShift
        );
        let whole = id.is_integer() || id == TypeId::Null;
        if bits && !whole && !(i == 0 && matches!(id, TypeId::Binary | TypeId::VarBinary)) {
            return Err(invalid());
        }
        let dated = matches!(
            id,
            TypeId::SmallDateTime
                | TypeId::DateTime
                | TypeId::DateTime2
                | TypeId::DateTimeOffset
                | TypeId::Null
        );
        if def.id == FunctionId::AtTimeZone && i == 0 && !dated {
            return Err(invalid());
        }
        let target = match rule {
            ArgRule::Any | ArgRule::DatePart => return Ok(t.e),
            ArgRule::Int => {
                if id.is_temporal()
                    || matches!(id, TypeId::UniqueIdentifier | TypeId::SqlVariant | TypeId::Xml)
                {
                    return Err(invalid());
                }
                SqlType::INT
            }
            // Not even a string of digits is a number of days.
            ArgRule::BigInt if def.id == FunctionId::DateAdd && id.is_character() => return Err(invalid()),
            ArgRule::BigInt => {
                if id.is_temporal()
                    || matches!(id, TypeId::UniqueIdentifier | TypeId::SqlVariant | TypeId::Xml)
                {
                    return Err(invalid());
                }
                if id == TypeId::Int || id == TypeId::SmallInt || id == TypeId::TinyInt {
                    return Ok(self.convert(t.e, SqlType::BIGINT));
                }
                SqlType::BIGINT
            }
            ArgRule::Float => {
                if id.is_temporal()
                    || matches!(id, TypeId::UniqueIdentifier | TypeId::SqlVariant | TypeId::Xml)
                    || id.is_binary()
                {
                    return Err(invalid());
                }
                SqlType::FLOAT
            }
            ArgRule::Numeric => {
                if id.is_numeric() {
                    let widened = match id {
                        TypeId::Bit | TypeId::Real => SqlType::FLOAT,
                        TypeId::TinyInt | TypeId::SmallInt => SqlType::INT,
                        TypeId::SmallMoney => SqlType::MONEY,
                        _ => t.e.ty,
                    };
                    return Ok(self.convert(t.e, widened));
                }
                if id == TypeId::Null {
                    return Ok(self.convert(t.e, SqlType::INT));
                }
                if !plain_string {
                    return Err(invalid());
                }
                SqlType::FLOAT
            }
            // Long values of the old types go to few functions only.
            ArgRule::String | ArgRule::StringOrBinary
                if matches!(id, TypeId::Text | TypeId::NText | TypeId::Image) && takes_no_text(def.id) =>
            {
                return Err(invalid());
            }
            ArgRule::String | ArgRule::StringOrBinary if id == TypeId::Xml => return Err(invalid()),
            ArgRule::StringOrBinary
                if def.id == FunctionId::Substring && !id.is_character() && !id.is_binary() =>
            {
                return Err(invalid());
            }
            ArgRule::String | ArgRule::StringOrBinary => {
                if plain_string || (rule == ArgRule::StringOrBinary && id.is_binary() && id != TypeId::Image)
                {
                    return Ok(t.e);
                }
                match id {
                    TypeId::Text => SqlType::varchar(-1, collation),
                    TypeId::NText | TypeId::Xml | TypeId::Json => SqlType::nvarchar_max(collation),
                    TypeId::Image if rule == ArgRule::StringOrBinary => {
                        SqlType::binary(TypeId::VarBinary, -1)
                    }
                    TypeId::Null => SqlType::varchar(1, collation),
                    TypeId::SqlVariant if !matches!(def.id, FunctionId::Concat | FunctionId::ConcatWs) => {
                        return Err(invalid());
                    }
                    TypeId::SqlVariant => SqlType::nvarchar(4000, collation),
                    _ => SqlType::varchar(
                        if id.is_binary() { 8000 } else { display_width(&t.e.ty) },
                        collation,
                    ),
                }
            }
            ArgRule::NString => {
                if id == TypeId::SqlVariant && !matches!(def.id, FunctionId::JsonModify) {
                    return Err(invalid());
                }
                if is_max {
                    SqlType::nvarchar_max(collation)
                } else if let Some(n) = t.e.ty.char_length().filter(|_| id.is_character()) {
                    if n > 4000 { SqlType::nvarchar_max(collation) } else { SqlType::nvarchar(n, collation) }
                } else {
                    SqlType::nvarchar(4000, collation)
                }
            }
            ArgRule::Binary => {
                if id.is_binary() && id != TypeId::Image {
                    return Ok(t.e);
                }
                let ty = SqlType::binary(TypeId::VarBinary, if is_max { -1 } else { 8000 });
                let nullable = t.e.nullable;
                return Ok(Expr::new(
                    ExprKind::Convert { operand: Box::new(t.e), style: None, mode: ConvertMode::Implicit },
                    ty,
                    nullable,
                ));
            }
            ArgRule::Temporal => {
                if id.is_temporal() {
                    return Ok(t.e);
                }
                if plain_string {
                    match def.id {
                        FunctionId::DateAdd | FunctionId::EoMonth => SqlType::DATETIME,
                        FunctionId::AtTimeZone | FunctionId::DateTrunc => SqlType::datetime2(7),
                        _ => SqlType::datetimeoffset(7),
                    }
                } else if id.is_numeric()
                    || id == TypeId::Null
                    || matches!(id, TypeId::Binary | TypeId::VarBinary)
                {
                    SqlType::DATETIME
                } else {
                    return Err(invalid());
                }
            }
            ArgRule::Date => SqlType::DATE,
            ArgRule::DateTime => SqlType::DATETIME,
            ArgRule::Time => SqlType::time(7),
            ArgRule::DateTime2 => {
                if id == TypeId::DateTime2 {
                    return Ok(t.e);
                }
                SqlType::datetime2(7)
            }
            ArgRule::DateTimeOffset => {
                if id == TypeId::DateTimeOffset {
                    return Ok(t.e);
                }
                if !(id.is_temporal() || plain_string || id.is_numeric() || id == TypeId::Null) {
                    return Err(invalid());
                }
                SqlType::datetimeoffset(7)
            }
            ArgRule::Guid => SqlType::GUID,
            ArgRule::Variant => SqlType::VARIANT,
            ArgRule::First => match first {
                // ISNULL(NULL, x) has the type of x.
                Some(f) if f.id != TypeId::Null => {
                    let mut f = f;
                    if f.id.is_character() && f.collation.is_none() {
                        f.collation = collation;
                    }
                    f
                }
                _ => t.e.ty,
            },
            ArgRule::Common => common.unwrap_or(t.e.ty),
        };
        self.coerce_to(t, target)
    }

    /// Result types that depend on argument values.
    fn special_result(
        &self,
        id: FunctionId,
        args: &[Expr],
        collation: holdfast_types::CollationId,
    ) -> SqlResult<SqlType> {
        let literal_int = |e: &Expr| match &e.kind {
            ExprKind::Literal(Value::Int(v)) => Some(i64::from(*v)),
            ExprKind::Literal(Value::BigInt(v)) => Some(*v),
            _ => None,
        };
        let clamp = |n: i64| i32::try_from(n.clamp(1, 8000)).unwrap_or(8000);
        Ok(match id {
            FunctionId::Left | FunctionId::Right | FunctionId::Substring => {
                let t = args[0].ty;
                let wanted = args.last().and_then(literal_int);
                // Each character may be a surrogate pair.
                let units = match t.id {
                    id if id.is_unicode() && t.collation.supplementary() => 2,
                    id if id.is_character() && !id.is_unicode() && t.collation.is_utf8() => 4,
                    _ => 1,
                };
                let wanted = wanted.map(|n| clamp(n.saturating_mul(units)));
                if t.id.is_binary() {
                    let n = match (t.is_max(), wanted) {
                        (true, Some(n)) if n < 8000 => n,
                        (true, _) => -1,
                        (false, Some(n)) => n.min(t.length),
                        (false, None) => t.length,
                    };
                    SqlType::binary(TypeId::VarBinary, n)
                } else {
                    let mut t = t;
                    t.collation = collation;
                    let chars = match (t.char_length(), wanted) {
                        (Some(have), Some(n)) => Some(n.min(have)),
                        (None, Some(n)) if n < 4000 => Some(n),
                        (have, _) => have,
                    };
                    function::string_like(&t, chars)
                }
            }
            FunctionId::Concat | FunctionId::ConcatWs => {
                let unicode = args.iter().any(|a| a.ty.id.is_unicode());
                let max = args.iter().any(|a| a.ty.is_max());
                let total: i64 = args.iter().map(|a| i64::from(a.ty.char_length().unwrap_or(8000))).sum();
                let separators = if id == FunctionId::ConcatWs {
                    args[0].ty.char_length().map_or(0, i64::from) * (args.len() as i64 - 3).max(0)
                } else {
                    0
                };
                let n = if max { None } else { Some(clamp(total + separators)) };
                let family = SqlType::character(
                    if unicode { TypeId::NVarChar } else { TypeId::VarChar },
                    2,
                    collation,
                );
                function::string_like(&family, n)
            }
            FunctionId::Stuff => {
                let (a, b) = (args[0].ty, args[3].ty);
                if a.id.is_binary() {
                    SqlType::binary(
                        TypeId::VarBinary,
                        if a.is_max() || b.is_max() { -1 } else { (a.length + b.length).min(8000) },
                    )
                } else {
                    let unicode = a.id.is_unicode() || b.id.is_unicode();
                    let family = SqlType::character(
                        if unicode { TypeId::NVarChar } else { TypeId::VarChar },
                        2,
                        collation,
                    );
                    let n = match (a.char_length(), b.char_length()) {
                        (Some(x), Some(y)) => Some(x.saturating_add(y)),
                        _ => None,
                    };
                    function::string_like(&family, n)
                }
            }
            FunctionId::StrFn => {
                let n = args.get(1).map_or(Some(10), literal_int).map_or(8000, clamp);
                SqlType::varchar(n, collation)
            }
            FunctionId::DateTime2FromParts => SqlType::datetime2(scale_literal(args.get(7))?),
            FunctionId::DateTimeOffsetFromParts => SqlType::datetimeoffset(scale_literal(args.get(9))?),
            FunctionId::TimeFromParts => SqlType::time(scale_literal(args.get(4))?),
            FunctionId::IsNull => {
                let t = args[0].ty;
                if t.id == TypeId::Null { args[1].ty } else { t }
            }
            FunctionId::Choose => args.get(1).map_or(SqlType::INT, |a| a.ty),
            _ => return Err(SqlError::not_supported("This function here")),
        })
    }

    /// `schema.function(…)`, `column.method(…)`, `sys.fn_…(…)`.
    fn bind_qualified_call(&mut self, call: &ast::FunctionCall, span: Span) -> SqlResult<Typed> {
        let name = &call.name;
        // A method of a column comes first when the qualifier is one.
        let qualifier: Vec<Ident> =
            [&name.server, &name.database, &name.schema].into_iter().flatten().cloned().collect();
        if let Some((column, rest)) = qualifier.split_last()
            && let Ok(Some(target)) = self.find_column(rest, column)
            && (matches!(
                target.e.ty.id,
                TypeId::Xml | TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography | TypeId::Clr
            ) || qualifier.len() > 1)
        {
            return self.bind_method(target, &name.name, &call.arguments, span);
        }
        if let Some(module) = self.find_scalar_function(name)? {
            return self.bind_user_function(module, call, span);
        }
        let schema_is_system = name.schema.as_ref().is_some_and(|s| s.is("sys") || s.is("dbo"));
        if schema_is_system
            && name.name.text.to_ascii_lowercase().starts_with("fn_")
            && let Some(def) = function::find(&name.name.text)
        {
            let args = call.arguments.iter().map(|a| self.bind(a)).collect::<SqlResult<Vec<_>>>()?;
            return at(span, self.call_builtin(def, args, span));
        }
        // The one function of msdb that is here.
        let in_msdb = match &name.database {
            Some(d) => d.is("msdb"),
            None => self.env.catalog.database_id() == holdfast_engine::instance::MSDB,
        };
        if in_msdb
            && name.name.is("agent_datetime")
            && name.schema.as_ref().is_some_and(|s| s.is("dbo"))
            && let Some(def) = function::find("MSDB AGENT_DATETIME")
        {
            match call.arguments.len() {
                0 | 1 => return err(span, 313, &[&name]),
                2 => {}
                _ => return err(span, 8144, &[&name]),
            }
            let args = call.arguments.iter().map(|a| self.bind(a)).collect::<SqlResult<Vec<_>>>()?;
            return at(span, self.call_builtin(def, args, span));
        }
        let first = qualifier.first().map_or("", |q| q.text.as_str());
        err(span, 4121, &[&first, name])
    }

    fn find_scalar_function(&mut self, name: &ObjectName) -> SqlResult<Option<Arc<ModuleDef>>> {
        let catalog = match &name.database {
            Some(d) => self.cx.names.database(&d.text),
            None => Some(self.env.catalog.clone()),
        };
        let Some(catalog) = catalog else { return Ok(None) };
        let schema = name.schema.as_ref().map_or("dbo", |s| s.text.as_str());
        let (object, through) = match catalog.object(schema, &name.name.text) {
            Some(ObjectDef::Synonym(synonym)) => {
                let (_, object) = self.behind(&synonym, &catalog, name)?;
                if matches!(object, ObjectDef::ScalarFunction(_)) {
                    self.note_synonym(AccessKind::Execute, &synonym);
                }
                (Some(object), Some((synonym.database_id, synonym.object_id)))
            }
            other => (other, None),
        };
        Ok(match object {
            Some(ObjectDef::ScalarFunction(m)) => {
                self.depends_on(m.database_id, m.object_id);
                self.through(through, |b| b.note_module(AccessKind::Execute, &m));
                Some(m)
            }
            _ => None,
        })
    }

    fn bind_user_function(
        &mut self,
        module: Arc<ModuleDef>,
        call: &ast::FunctionCall,
        span: Span,
    ) -> SqlResult<Typed> {
        let args = self.user_arguments(&module, &call.arguments, span)?;
        let result = module.parameters.iter().find(|p| p.name.is_empty()).map(|p| p.ty);
        let Some(ty) = result else {
            return Err(SqlError::not_supported(format!("Calling {}", call.name)).at_line(span.line));
        };
        Ok(Typed::with(Expr::new(ExprKind::UserFunction { module, args }, ty, true), Coerce::Default))
    }

    /// Arguments of a user-defined function, converted; `None` for DEFAULT.
    pub fn user_arguments(
        &mut self,
        module: &ModuleDef,
        arguments: &[ast::Expr],
        span: Span,
    ) -> SqlResult<Vec<Option<Expr>>> {
        let parameters: Vec<_> = module.parameters.iter().filter(|p| !p.name.is_empty()).collect();
        let name = format!("{}.{}", module.schema_name, module.name);
        if arguments.len() < parameters.len() {
            return err(span, 313, &[&name]);
        }
        if arguments.len() > parameters.len() {
            return err(span, 8144, &[&name]);
        }
        let mut out = Vec::with_capacity(arguments.len());
        for (a, p) in arguments.iter().zip(parameters) {
            if matches!(a.kind, ast::ExprKind::Default) {
                out.push(None);
            } else if let Some(ty) = &p.table_type {
                out.push(Some(at(a.span, self.table_argument(a, ty))?));
            } else {
                let t = self.bind(a)?;
                out.push(Some(at(a.span, self.coerce_to(t, p.ty))?));
            }
        }
        Ok(out)
    }

    /// The argument of a table-valued parameter: a variable of the same table type.
    fn table_argument(&mut self, a: &ast::Expr, ty: &TableTypeName) -> SqlResult<Expr> {
        let clash = |what: &str| Err(SqlError::new(206, &[&what, &ty.name]).state(2));
        if let ast::ExprKind::Variable(name) = &a.kind
            && let Some(found) = self.table_variable(name)
        {
            if found.type_object != ty.object_id {
                return clash("table");
            }
            self.depends_on(found.table.database_id, found.table.object_id);
            return Ok(Expr::new(ExprKind::Table(found.table), SqlType::NULL, false));
        }
        let given = self.bind(a)?;
        clash(given.e.ty.id.name())
    }

    pub fn bind_method(
        &mut self,
        target: Typed,
        method: &Ident,
        arguments: &[ast::Expr],
        span: Span,
    ) -> SqlResult<Typed> {
        let id = target.e.ty.id;
        let collation = self.collation();
        if id == TypeId::Xml {
            return self.bind_xml_method(target, method, arguments, span);
        }
        let name = method.text.as_str();
        let mut args = Vec::new();
        for a in arguments {
            args.push(self.bind(a)?.e);
        }
        if id == TypeId::HierarchyId {
            // Paths given as texts are hierarchyids.
            args = args
                .into_iter()
                .map(|a| if a.ty.id.is_character() { self.convert(a, SqlType::HIERARCHYID) } else { a })
                .collect();
        }
        let text = SqlType::nvarchar(4000, collation);
        let long_text = SqlType::nvarchar_max(collation);
        use MethodId as M;
        let (m, ty) = match (id, name) {
            (TypeId::HierarchyId, "ToString") => (M::ToText, text),
            (TypeId::HierarchyId, "GetLevel") => (M::HierarchyGetLevel, SqlType::SMALLINT),
            (TypeId::HierarchyId, "GetAncestor") => (M::HierarchyGetAncestor, SqlType::HIERARCHYID),
            (TypeId::HierarchyId, "GetDescendant") => (M::HierarchyGetDescendant, SqlType::HIERARCHYID),
            (TypeId::HierarchyId, "GetReparentedValue") => {
                (M::HierarchyGetReparentedValue, SqlType::HIERARCHYID)
            }
            (TypeId::HierarchyId, "IsDescendantOf") => (M::HierarchyIsDescendantOf, SqlType::BIT),
            (TypeId::Geometry | TypeId::Geography, _) => match name {
                "ToString" => (M::ToText, long_text),
                "STAsText" => (M::StAsText, long_text),
                "AsTextZM" => (M::AsTextZm, long_text),
                "STAsBinary" => (M::StAsBinary, SqlType::binary(TypeId::VarBinary, -1)),
                "STGeometryType" => (M::StGeometryType, text),
                "STIsEmpty" => (M::StIsEmpty, SqlType::BIT),
                other => {
                    let Some((op, ty)) = spatial_method(id, other, target.e.ty) else {
                        return Err(SqlError::not_supported(format!("The method {other}")).at_line(span.line));
                    };
                    if args.len() != op.arguments() {
                        return err(span, 174, &[&other, &op.arguments()]);
                    }
                    (M::Spatial(op), ty)
                }
            },
            (TypeId::HierarchyId | TypeId::Clr, other) => {
                return Err(SqlError::not_supported(format!("The method {other}")).at_line(span.line));
            }
            (other, _) => return err(span, 258, &[&other.name()]),
        };
        Ok(Typed::new(Expr::new(ExprKind::Method { method: m, operand: Box::new(target.e), args }, ty, true)))
    }

    pub fn bind_property(&mut self, target: Typed, property: &Ident, span: Span) -> SqlResult<Typed> {
        use MethodId as M;
        let (m, ty) = match (target.e.ty.id, property.text.as_str()) {
            (TypeId::Geometry, "STX") => (M::StX, SqlType::FLOAT),
            (TypeId::Geometry, "STY") => (M::StY, SqlType::FLOAT),
            (TypeId::Geography, "Lat") => (M::Lat, SqlType::FLOAT),
            (TypeId::Geography, "Long") => (M::Long, SqlType::FLOAT),
            (TypeId::Geometry | TypeId::Geography, "STSrid") => (M::StSrid, SqlType::INT),
            (TypeId::Geometry | TypeId::Geography, "Z") => (M::Z, SqlType::FLOAT),
            (TypeId::Geometry | TypeId::Geography, "M") => (M::M, SqlType::FLOAT),
            (_, other) => {
                return Err(SqlError::not_supported(format!("The property {other}")).at_line(span.line));
            }
        };
        Ok(Typed::new(Expr::new(
            ExprKind::Method { method: m, operand: Box::new(target.e), args: Vec::new() },
            ty,
            true,
        )))
    }
}

/// Methods that look at the shape, with their results.
fn spatial_method(id: TypeId, name: &str, own: SqlType) -> Option<(SpatialOp, SqlType)> {
    use SpatialOp as S;
    let planar = id == TypeId::Geometry;
    Some(match name {
        "STLength" => (S::Length, SqlType::FLOAT),
        "STDistance" => (S::Distance, SqlType::FLOAT),
        "STNumPoints" => (S::NumPoints, SqlType::INT),
        "STPointN" => (S::PointN, own),
        "STStartPoint" => (S::StartPoint, own),
        "STEndPoint" => (S::EndPoint, own),
        "STNumGeometries" => (S::NumGeometries, SqlType::INT),
        "STGeometryN" => (S::GeometryN, own),
        "STDimension" => (S::Dimension, SqlType::INT),
        "STIsClosed" => (S::IsClosed, SqlType::BIT),
        "STArea" if planar => (S::Area, SqlType::FLOAT),
        "STContains" if planar => (S::Contains, SqlType::BIT),
        "STWithin" if planar => (S::Within, SqlType::BIT),
        "STIntersects" if planar => (S::Intersects, SqlType::BIT),
        "STDisjoint" if planar => (S::Disjoint, SqlType::BIT),
        "STEquals" if planar => (S::Equals, SqlType::BIT),
        "STCentroid" if planar => (S::Centroid, own),
        "STEnvelope" if planar => (S::Envelope, own),
        "STConvexHull" if planar => (S::ConvexHull, own),
        "STIsValid" if planar => (S::IsValid, SqlType::BIT),
        "MakeValid" if planar => (S::MakeValid, own),
        "STNumInteriorRing" if planar => (S::NumInteriorRing, SqlType::INT),
        "STExteriorRing" if planar => (S::ExteriorRing, own),
        "STInteriorRingN" if planar => (S::InteriorRingN, own),
        _ => return None,
    })
}

/// The literal scale of DATETIME2FROMPARTS and its kin.
fn scale_literal(e: Option<&Expr>) -> SqlResult<u8> {
    match e.map(|e| &e.kind) {
        Some(ExprKind::Literal(Value::Int(n @ 0..=7))) => Ok(*n as u8),
        _ => Err(SqlError::with_text(
            10760,
            16,
            "Scale argument is not valid. Valid expressions for data type datetime2 scale argument are integer constants and integer constant expressions.",
        )),
    }
}

/// Characters that a value of a non-character type can take as text.
fn display_width(t: &SqlType) -> i32 {
    match t.id {
        TypeId::Bit => 1,
        TypeId::TinyInt => 3,
        TypeId::SmallInt => 6,
        TypeId::Int => 12,
        TypeId::BigInt => 20,
        TypeId::Decimal | TypeId::Numeric => 41,
        TypeId::UniqueIdentifier => 36,
        _ => 50,
    }
}

/// Functions that need keys and certificates, of which there are none here.
const KEYED: &[&str] = &[
    "ENCRYPTBYKEY",
    "DECRYPTBYKEY",
    "ENCRYPTBYPASSPHRASE",
    "DECRYPTBYPASSPHRASE",
    "ENCRYPTBYCERT",
    "DECRYPTBYCERT",
    "ENCRYPTBYASYMKEY",
    "DECRYPTBYASYMKEY",
    "DECRYPTBYKEYAUTOCERT",
    "DECRYPTBYKEYAUTOASYMKEY",
    "KEY_GUID",
    "KEY_ID",
    "KEY_NAME",
    "SYMKEYPROPERTY",
    "ASYMKEY_ID",
    "ASYMKEYPROPERTY",
    "CERT_ID",
    "CERTENCODED",
    "CERTPRIVATEKEY",
    "CERTPROPERTY",
    "SIGNBYCERT",
    "SIGNBYASYMKEY",
    "VERIFYSIGNEDBYCERT",
    "VERIFYSIGNEDBYASYMKEY",
];

/// Functions of strings that refuse text, ntext and image.
fn takes_no_text(id: FunctionId) -> bool {
    matches!(
        id,
        FunctionId::Len
            | FunctionId::Upper
            | FunctionId::Lower
            | FunctionId::LTrim
            | FunctionId::RTrim
            | FunctionId::Trim
            | FunctionId::Left
            | FunctionId::Right
            | FunctionId::Reverse
            | FunctionId::Replace
            | FunctionId::Replicate
            | FunctionId::Stuff
    )
}
