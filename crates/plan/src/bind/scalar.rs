//! Binding of expressions: operators, conversions, CASE, predicates.

use std::sync::Arc;

use holdfast_engine::catalog::Catalog;
use holdfast_tsql::Span;
use holdfast_tsql::ast::Ident;
use holdfast_tsql::ast::expression as ast;
use holdfast_tsql::ast::types::DataType;
use holdfast_types::{Decimal, SqlError, SqlResult, SqlType, TypeId, Value};

use super::collate::{Meeting, merge, relabel};
use super::{Binder, Coerce, MAX_LINKS, Typed, at, err, resolve_type};
use crate::expr::{BinaryOp, CompareOp, ConvertMode, Expr, ExprKind, UnaryOp};
use crate::function::{FunctionId, MethodId};
use crate::typing::{self, Conversion, Refusal};

fn compare_op(op: ast::ComparisonOp) -> CompareOp {
    match op {
        ast::ComparisonOp::Equal | ast::ComparisonOp::OuterLeft => CompareOp::Equal,
        ast::ComparisonOp::NotEqual => CompareOp::NotEqual,
        ast::ComparisonOp::Less => CompareOp::Less,
        ast::ComparisonOp::LessOrEqual => CompareOp::LessOrEqual,
        ast::ComparisonOp::Greater => CompareOp::Greater,
        ast::ComparisonOp::GreaterOrEqual => CompareOp::GreaterOrEqual,
    }
}

fn binary_op(op: ast::BinaryOp) -> BinaryOp {
    match op {
        ast::BinaryOp::Add => BinaryOp::Add,
        ast::BinaryOp::Subtract => BinaryOp::Subtract,
        ast::BinaryOp::Multiply => BinaryOp::Multiply,
        ast::BinaryOp::Divide => BinaryOp::Divide,
        ast::BinaryOp::Modulo => BinaryOp::Modulo,
        ast::BinaryOp::BitAnd => BinaryOp::BitAnd,
        ast::BinaryOp::BitOr => BinaryOp::BitOr,
        ast::BinaryOp::BitXor => BinaryOp::BitXor,
        ast::BinaryOp::ShiftLeft => BinaryOp::ShiftLeft,
        ast::BinaryOp::ShiftRight => BinaryOp::ShiftRight,
        ast::BinaryOp::Concat => BinaryOp::Concat,
    }
}

/// The operator's words in messages 402 and 468.
fn compare_words(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal | CompareOp::NotDistinct => "equal to",
        CompareOp::NotEqual | CompareOp::Distinct => "not equal to",
        CompareOp::Less => "less than",
        CompareOp::LessOrEqual => "less than or equal to",
        CompareOp::Greater => "greater than",
        CompareOp::GreaterOrEqual => "greater than or equal to",
    }
}

impl Binder<'_> {
    /// A value expression.
    pub fn bind(&mut self, e: &ast::Expr) -> SqlResult<Typed> {
        let before = self.sequences.total;
        let bound = at(e.span, self.nested(|b| b.bind_inner(e)))?;
        if self.sequences.total != before && super::sequence::is_conditional(e) {
            return err(e.span, 11741, &[]);
        }
        Ok(bound)
    }

    /// A condition.
    pub fn bind_condition(&mut self, e: &ast::Expr) -> SqlResult<Expr> {
        if !e.is_boolean() {
            return Err(SqlError::with_text(
                4145,
                15,
                "An expression of non-boolean type specified in a context where a condition is expected.",
            )
            .at_line(e.span.line));
        }
        at(e.span, self.nested(|b| b.bind_condition_inner(e)))
    }

    fn bind_inner(&mut self, e: &ast::Expr) -> SqlResult<Typed> {
        use ast::ExprKind as K;
        match &e.kind {
            K::Literal(l) => self.bind_literal(l),
            K::Variable(name) => self.bind_variable(name, e.span),
            K::GlobalVariable(name) => match crate::function::find(name) {
                Some(def) => self.call_builtin(def, Vec::new(), e.span),
                None => err(e.span, 137, &[name]),
            },
            K::Column(parts) => self.bind_column(parts),
            K::PseudoColumn { name, .. } => self.bind_pseudo_column(*name, e.span),
            K::Paren(inner) => self.bind(inner),
            K::Unary { op, operand } => self.bind_unary(*op, operand),
            K::Binary { .. } => self.bind_chain(e),
            K::SimpleCase { input, whens, otherwise } => {
                let mut bound = Vec::with_capacity(whens.len());
                for w in whens {
                    let x = self.bind(input)?;
                    let v = self.bind(&w.when)?;
                    let c = at(w.when.span, self.compare(CompareOp::Equal, x, v))?;
                    bound.push((c, self.bind(&w.then)?));
                }
                let otherwise = otherwise.as_ref().map(|o| self.bind(o)).transpose()?;
                self.case(bound, otherwise, e.span)
            }
            K::SearchedCase { whens, otherwise } => {
                let mut bound = Vec::with_capacity(whens.len());
                for w in whens {
                    let c = self.bind_condition(&w.when)?;
                    bound.push((c, self.bind(&w.then)?));
                }
                let otherwise = otherwise.as_ref().map(|o| self.bind(o)).transpose()?;
                self.case(bound, otherwise, e.span)
            }
            K::Iif { condition, then, otherwise } => {
                let c = self.bind_condition(condition)?;
                let t = self.bind(then)?;
                let o = self.bind(otherwise)?;
                self.case(vec![(c, t)], Some(o), e.span)
            }
            K::NullIf(a, b) => {
                let x = self.bind(a)?;
                if x.e.ty.id == TypeId::Null {
                    return err(a.span, 4151, &[]);
                }
                let y = self.bind(b)?;
                let coerce = x.coerce;
                let result = x.clone();
                let cond = self.compare(CompareOp::Equal, x, y)?;
                let ty = result.e.ty;
                let kind = ExprKind::Case {
                    whens: vec![(cond, Expr::literal(Value::Null, ty))],
                    otherwise: Some(Box::new(result.e)),
                };
                Ok(Typed::with(Expr::new(kind, ty, true), coerce))
            }
            K::Coalesce(list) => {
                let items = list.iter().map(|x| self.bind(x)).collect::<SqlResult<Vec<_>>>()?;
                if items.iter().all(|t| t.e.ty.id == TypeId::Null) {
                    return err(e.span, 4127, &[]);
                }
                let (items, ty, coerce) = self.unify(items, Meeting::Makes("COALESCE"))?;
                let nullable = items.iter().all(|i| i.nullable);
                Ok(Typed::with(Expr::new(ExprKind::Coalesce(items), ty, nullable), coerce))
            }
            K::Cast { value, data_type, is_try } => {
                self.bind_convert(value, data_type, None, *is_try, e.span)
            }
            K::Convert { data_type, value, style, is_try } => {
                self.bind_convert(value, data_type, style.as_deref(), *is_try, e.span)
            }
            K::Parse { value, data_type, culture, is_try } => {
                let v = self.bind(value)?;
                let text = SqlType::nvarchar(4000, self.collation());
                let mut args = vec![self.coerce_to(v, text)?];
                if let Some(c) = culture {
                    let c = self.bind(c)?;
                    args.push(self.coerce_to(c, text)?);
                }
                let (ty, _) = self.data_type(data_type, true)?;
                let function = if *is_try { FunctionId::TryParse } else { FunctionId::Parse };
                Ok(Typed::new(Expr::new(ExprKind::Function { function, args }, ty, true)))
            }
            K::Function(call) => self.bind_call(call, e.span),
            K::Niladic(n) => {
                let id = match n {
                    ast::NiladicFunction::CurrentTimestamp => FunctionId::GetDate,
                    ast::NiladicFunction::CurrentDate => FunctionId::CurrentDate,
                    ast::NiladicFunction::CurrentUser => FunctionId::CurrentUser,
                    ast::NiladicFunction::SessionUser => FunctionId::SessionUser,
                    ast::NiladicFunction::SystemUser => FunctionId::SystemUser,
                    ast::NiladicFunction::User => FunctionId::User,
                };
                self.call_builtin(crate::function::definition(id), Vec::new(), e.span)
            }
            K::Method { target, method, arguments } => {
                let t = self.bind(target)?;
                self.bind_method(t, method, arguments, e.span)
            }
            K::Property { target, property } => {
                let t = self.bind(target)?;
                self.bind_property(t, property, e.span)
            }
            K::StaticMember { data_type, member, arguments } => {
                self.bind_static(data_type, member, arguments.as_deref(), e.span)
            }
            K::AtTimeZone { value, zone } => {
                let v = self.bind(value)?;
                let z = self.bind(zone)?;
                self.call_builtin(crate::function::definition(FunctionId::AtTimeZone), vec![v, z], e.span)
            }
            K::Collate { value, collation } => {
                let v = self.bind(value)?;
                let Some(id) = self.find_collation(&collation.text) else {
                    return err(collation.span, 448, &[&collation.text]);
                };
                if !v.e.ty.id.is_character() {
                    return err(e.span, 447, &[&v.e.ty.id.name()]);
                }
                let mut expr = v.e;
                if expr.ty.collation != id {
                    expr = relabel(expr, id);
                }
                Ok(Typed::with(expr, Coerce::Explicit))
            }
            K::Subquery(q) => self.bind_scalar_subquery(q, e.span),
            K::NextValueFor { sequence, over } => self.bind_next_value(sequence, over.as_deref(), e.span),
            K::OdbcFunction(inner) => self.bind_odbc(inner),
            K::Default => Err(SqlError::with_text(156, 15, "Incorrect syntax near the keyword 'DEFAULT'.")),
            K::PartitionFunction { database, function, argument } => {
                self.bind_partition_number(database.as_ref(), function, argument, e.span)
            }
            K::CurrentOf { .. } => Err(SqlError::not_supported("WHERE CURRENT OF")),
            _ => Err(SqlError::with_text(
                102,
                15,
                "Incorrect syntax: a condition stands where a value is expected.",
            )),
        }
    }

    /// `a + b + c …`: its tree is as deep on the left side as the chain is long, so it is bound from the left in a loop.
    fn bind_chain(&mut self, e: &ast::Expr) -> SqlResult<Typed> {
        let mut chain = Vec::new();
        let mut first = e;
        while let ast::ExprKind::Binary { op, left, right } = &first.kind {
            chain.push((binary_op(*op), right.as_ref(), first.span));
            first = left;
        }
        // The chain is as deep as it is long for whatever walks its tree.
        let links = chain.len();
        if self.links + links > MAX_LINKS {
            return err(e.span, 8631, &[]);
        }
        self.links += links;
        let mut bind = || {
            let mut bound = self.bind(first)?;
            while let Some((op, right, span)) = chain.pop() {
                let right = self.bind(right)?;
                bound = at(span, self.binary(op, bound, right))?;
            }
            Ok(bound)
        };
        let bound = bind();
        self.links -= links;
        bound
    }

    /// `$PARTITION.f(x)`: the function's boundaries are constants of the plan.
    fn bind_partition_number(
        &mut self,
        database: Option<&Ident>,
        function: &Ident,
        argument: &ast::Expr,
        span: Span,
    ) -> SqlResult<Typed> {
        let catalog: Arc<dyn Catalog> = match database {
            Some(d) => {
                let found = self.cx.names.database(&d.text);
                found.ok_or_else(|| SqlError::new(911, &[&d.text]).at_line(span.line))?
            }
            None => Arc::clone(&self.env.catalog),
        };
        let Some(f) = catalog.partition_function(&function.text)? else {
            return err(span, 208, &[&function.text]);
        };
        self.depends_on(catalog.database_id(), f.id);
        let value = self.bind(argument)?;
        let value = self.coerce_to(value, f.ty)?;
        let mut args = vec![value, Expr::int(i32::from(f.right))];
        args.extend(f.values.iter().map(|v| Expr::literal(v.clone(), f.ty)));
        let kind = ExprKind::Function { function: FunctionId::PartitionNumber, args };
        Ok(Typed::with(Expr::new(kind, SqlType::INT, false), Coerce::Default))
    }

    fn bind_odbc(&mut self, inner: &ast::Expr) -> SqlResult<Typed> {
        self.bind(inner)
    }

    fn bind_pseudo_column(&mut self, name: ast::PseudoColumn, span: Span) -> SqlResult<Typed> {
        if let (ast::PseudoColumn::Action, Some(action)) = (name, self.action) {
            return Ok(Typed::with(action.expr(), Coerce::Default));
        }
        let found = self.levels.last().and_then(|l| {
            l.sources.iter().flat_map(|s| &s.columns).find(|c| match name {
                ast::PseudoColumn::Identity => c.meta.as_ref().is_some_and(|m| m.identity),
                _ => false,
            })
        });
        match (found.cloned(), name) {
            (Some(c), _) => {
                self.note_column(&c);
                Ok(Typed::with(c.col.expr(), c.coerce))
            }
            (None, ast::PseudoColumn::Identity) => err(span, 207, &[&"$IDENTITY"]),
            _ => Err(SqlError::not_supported("This pseudo-column").at_line(span.line)),
        }
    }

    fn bind_unary(&mut self, op: ast::UnaryOp, operand: &ast::Expr) -> SqlResult<Typed> {
        let t = self.bind(operand)?;
        let id = t.e.ty.id;
        match op {
            ast::UnaryOp::Plus => {
                if !id.is_numeric()
                    && id != TypeId::Null
                    && !id.is_character()
                    && !matches!(id, TypeId::DateTime | TypeId::SmallDateTime)
                {
                    return err(operand.span, 8117, &[&id.name(), &"plus"]);
                }
                Ok(t)
            }
            ast::UnaryOp::Minus => {
                if (!id.is_numeric() && id != TypeId::Null) || id == TypeId::Bit {
                    return err(operand.span, 8117, &[&id.name(), &"minus"]);
                }
                // A negative literal is a literal.
                let folded = match &t.e.kind {
                    ExprKind::Literal(Value::Int(v)) => v.checked_neg().map(Value::Int),
                    ExprKind::Literal(Value::Float(v)) => Some(Value::Float(-v)),
                    ExprKind::Literal(Value::Money(v)) => v.checked_neg().map(Value::Money),
                    ExprKind::Literal(Value::Decimal(d)) if d.mantissa == 2_147_483_648 && d.scale == 0 => {
                        return Ok(Typed::new(Expr::int(i32::MIN)));
                    }
                    ExprKind::Literal(Value::Decimal(d)) => {
                        Some(Value::Decimal(Decimal::new(-d.mantissa, d.scale)))
                    }
                    _ => None,
                };
                if let Some(v) = folded {
                    return Ok(Typed::new(Expr::literal(v, t.e.ty)));
                }
                let ty = match id {
                    TypeId::TinyInt => SqlType::SMALLINT,
                    TypeId::Null => SqlType::INT,
                    _ => t.e.ty,
                };
                let nullable = t.e.nullable;
                let inner = self.convert(t.e, ty);
                Ok(Typed::new(Expr::new(
                    ExprKind::Unary { op: UnaryOp::Negate, operand: Box::new(inner) },
                    ty,
                    nullable,
                )))
            }
            ast::UnaryOp::BitNot => {
                if !id.is_integer() && id != TypeId::Null {
                    return err(operand.span, 8117, &[&id.name(), &"'~'"]);
                }
                let (ty, nullable) = (t.e.ty, t.e.nullable);
                Ok(Typed::new(Expr::new(
                    ExprKind::Unary { op: UnaryOp::BitNot, operand: Box::new(t.e) },
                    ty,
                    nullable,
                )))
            }
        }
    }

    /// `l op r` for arithmetic, concatenation and bits.
    pub fn binary(&mut self, op: BinaryOp, l: Typed, r: Typed) -> SqlResult<Typed> {
        let plan = match typing::arithmetic(op, &l.e, &r.e) {
            Ok(p) => p,
            Err(Refusal::Operand(t)) => {
                return Err(SqlError::new(8117, &[&t.name(), &typing::operator_name(op)]));
            }
            Err(Refusal::Pair) => {
                return Err(SqlError::new(
                    402,
                    &[&l.e.ty.id.name(), &r.e.ty.id.name(), &typing::operator_name(op)],
                ));
            }
            Err(Refusal::Clash) => {
                // The side that wins by precedence is named second.
                let (a, b) =
                    if l.e.ty.id.precedence() >= r.e.ty.id.precedence() { (&l, &r) } else { (&r, &l) };
                return Err(SqlError::new(206, &[&a.e.ty.id.name(), &b.e.ty.id.name()]));
            }
            Err(Refusal::Implicit(f, t)) => return Err(SqlError::new(257, &[&f.name(), &t.name()])),
        };
        let mut coerce = Coerce::Default;
        let mut result = plan.result;
        let (mut left_ty, mut right_ty) = (plan.left, plan.right);
        if plan.op == BinaryOp::Concat && result.id.is_character() {
            let (collation, c) =
                merge((l.e.ty.collation, l.coerce), (r.e.ty.collation, r.coerce), Meeting::Makes("add"))?;
            let collation = if collation.is_none() { self.collation() } else { collation };
            coerce = c;
            result.collation = collation;
            left_ty.collation = collation;
            right_ty.collation = collation;
        }
        // Arithmetic may overflow to NULL (ARITHABORT off), so it counts as nullable whatever its operands are.
        let overflows =
            plan.op != BinaryOp::Concat && result.id.is_numeric() && !(l.e.is_literal() && r.e.is_literal());
        let nullable = overflows || l.e.nullable || r.e.nullable;
        let left = self.convert(l.e, left_ty);
        let right = self.convert(r.e, right_ty);
        let kind = ExprKind::Binary { op: plan.op, left: Box::new(left), right: Box::new(right) };
        let mut e = Expr::new(kind, result, nullable);
        if op == BinaryOp::Add && !self.env.settings.concat_null_yields_null {
            null_as_empty(&mut e);
        }
        Ok(Typed::with(e, coerce))
    }

    /// `=` and `<>` with a variable under ANSI_NULLS OFF: a variable that is NULL equals NULL and differs from all else.
    fn compare_nulls(
        &mut self,
        op: CompareOp,
        (l, left): (Typed, bool),
        (r, right): (Typed, bool),
    ) -> SqlResult<Expr> {
        let null = |e: &Expr, negated| {
            Expr::boolean(ExprKind::IsNull { operand: Box::new(e.clone()), negated }, false)
        };
        if op == CompareOp::Equal {
            return self.compare(CompareOp::NotDistinct, l, r);
        }
        let mut terms = Vec::new();
        for (variable, other, is) in [(&l.e, &r.e, left), (&r.e, &l.e, right)] {
            if is {
                terms.push(Expr::and(vec![null(variable, false), null(other, true)]));
            }
        }
        terms.insert(0, self.compare(op, l, r)?);
        let nullable = terms.iter().any(|t| t.nullable);
        Ok(Expr::boolean(ExprKind::Or(terms), nullable))
    }

    /// `l op r` as a condition.
    pub fn compare(&mut self, op: CompareOp, l: Typed, r: Typed) -> SqlResult<Expr> {
        let (a, b) = (l.e.ty.id, r.e.ty.id);
        if a == TypeId::Xml || b == TypeId::Xml {
            return Err(SqlError::new(305, &[]));
        }
        if typing::not_comparable(a) || typing::not_comparable(b) {
            return Err(SqlError::new(402, &[&a.name(), &b.name(), &compare_words(op)]));
        }
        let (left, right) = self.meet(l, r, compare_words(op))?;
        Ok(Expr::compare(op, left, right))
    }

    /// Converts both sides to their common type and collation.
    fn meet(&mut self, l: Typed, r: Typed, operation: &str) -> SqlResult<(Expr, Expr)> {
        let mut ty = typing::common(&l.e.ty, &r.e.ty);
        for (from, side) in [(l.e.ty.id, &l), (r.e.ty.id, &r)] {
            match typing::conversion(from, ty.id) {
                Conversion::Implicit => {}
                Conversion::Explicit => return Err(SqlError::new(257, &[&from.name(), &ty.id.name()])),
                Conversion::None => {
                    let other = if std::ptr::eq(side, &l) { r.e.ty.id } else { l.e.ty.id };
                    return if from.is_temporal() && other.is_temporal() {
                        Err(SqlError::new(402, &[&l.e.ty.id.name(), &r.e.ty.id.name(), &operation]))
                    } else {
                        Err(SqlError::new(206, &[&ty.id.name(), &from.name()]))
                    };
                }
            }
        }
        if ty.id == TypeId::Null {
            ty = SqlType::INT;
        }
        if ty.id.is_character() {
            let words = format!("{operation} operation");
            let (collation, _) = merge(
                (l.e.ty.collation, l.coerce),
                (r.e.ty.collation, r.coerce),
                Meeting::Decides(words.trim_end_matches(" operation")),
            )?;
            ty.collation = if collation.is_none() { self.collation() } else { collation };
        }
        // Decimals are compared digit by digit where a common scale holds both; strings need no common length.
        let is_decimal = |t: &SqlType| matches!(t.id, TypeId::Decimal | TypeId::Numeric);
        let mut unscaled = false;
        if is_decimal(&l.e.ty) && is_decimal(&r.e.ty) {
            let (a, b) = (&l.e.ty, &r.e.ty);
            let scale = a.scale.max(b.scale);
            let whole = a.precision.saturating_sub(a.scale).max(b.precision.saturating_sub(b.scale));
            unscaled = whole + scale > 38;
            ty = SqlType { id: ty.id, ..SqlType::decimal((whole + scale).min(38), scale) };
        }
        let same_family = |t: &SqlType| {
            (is_decimal(t) && is_decimal(&ty) && (unscaled || t.scale == ty.scale))
                || (t.id.is_character() && ty.id.is_character() && t.id.is_unicode() == ty.id.is_unicode())
                || (matches!(t.id, TypeId::Binary | TypeId::VarBinary)
                    && matches!(ty.id, TypeId::Binary | TypeId::VarBinary))
        };
        let side =
            |b: &Self, e: Expr| if same_family(&e.ty) { relabel(e, ty.collation) } else { b.convert(e, ty) };
        Ok((side(self, l.e), side(self, r.e)))
    }

    /// Converts all to one type: CASE, COALESCE, UNION, IN, VALUES.
    pub fn unify(
        &mut self,
        items: Vec<Typed>,
        meeting: Meeting<'_>,
    ) -> SqlResult<(Vec<Expr>, SqlType, Coerce)> {
        let types: Vec<_> = items.iter().map(|t| (t.e.ty, t.coerce)).collect();
        let (ty, coerce) = self.common_of(&types, meeting)?;
        let out = items.into_iter().map(|t| self.convert(t.e, ty)).collect();
        Ok((out, ty, coerce))
    }

    /// The type and collation that all of these meet in.
    pub fn common_of(
        &self,
        items: &[(SqlType, Coerce)],
        meeting: Meeting<'_>,
    ) -> SqlResult<(SqlType, Coerce)> {
        let mut ty = SqlType::NULL;
        let mut label = (holdfast_types::CollationId::NONE, Coerce::Default);
        for (t, coerce) in items {
            ty = typing::common(&ty, t);
            if t.id.is_character() {
                label = merge(label, (t.collation, *coerce), meeting)?;
            }
        }
        for (t, _) in items {
            match typing::conversion(t.id, ty.id) {
                Conversion::Implicit => {}
                Conversion::Explicit => return Err(SqlError::new(257, &[&t.id.name(), &ty.id.name()])),
                Conversion::None => return Err(SqlError::new(206, &[&t.id.name(), &ty.id.name()])),
            }
        }
        if ty.id == TypeId::Null {
            ty = SqlType::INT;
        }
        if ty.id.is_character() {
            ty.collation = if label.0.is_none() { self.collation() } else { label.0 };
        }
        Ok((ty, label.1))
    }

    fn case(&mut self, whens: Vec<(Expr, Typed)>, otherwise: Option<Typed>, span: Span) -> SqlResult<Typed> {
        let (conditions, mut results): (Vec<Expr>, Vec<Typed>) = whens.into_iter().unzip();
        let has_else = otherwise.is_some();
        results.extend(otherwise);
        if results.iter().all(|t| t.e.ty.id == TypeId::Null) {
            return err(span, 8133, &[]);
        }
        let raw = results.iter().all(|t| t.raw);
        let (mut exprs, ty, coerce) = self.unify(results, Meeting::Makes("CASE"))?;
        let nullable = !has_else || exprs.iter().any(|e| e.nullable);
        let otherwise = if has_else { exprs.pop().map(Box::new) } else { None };
        let whens = conditions.into_iter().zip(exprs).collect();
        let mut t = Typed::with(Expr::new(ExprKind::Case { whens, otherwise }, ty, nullable), coerce);
        t.raw = raw;
        Ok(t)
    }

    /// A written data type, resolved in the current database.
    pub fn data_type(&self, dt: &DataType, in_cast: bool) -> SqlResult<(SqlType, bool)> {
        resolve_type(dt, self.env.catalog.as_ref(), &self.env.schema, self.collation(), in_cast)
    }

    fn bind_convert(
        &mut self,
        value: &ast::Expr,
        dt: &DataType,
        style: Option<&ast::Expr>,
        is_try: bool,
        span: Span,
    ) -> SqlResult<Typed> {
        let v = self.bind(value)?;
        let (mut ty, _) = self.data_type(dt, true)?;
        if typing::conversion(v.e.ty.id, ty.id) == Conversion::None {
            return err(span, 529, &[&v.e.ty.id.name(), &ty.id.name()]);
        }
        let mut coerce = Coerce::Default;
        if ty.id.is_character() && v.e.ty.id.is_character() {
            ty.collation = v.e.ty.collation;
            coerce = v.coerce;
        }
        let style = match style {
            Some(s) => {
                let s = self.bind(s)?;
                Some(Box::new(self.coerce_to(s, SqlType::INT)?))
            }
            None => None,
        };
        let lossy = is_try || v.e.nullable;
        let mode = if is_try { ConvertMode::Try } else { ConvertMode::Explicit };
        Ok(Typed::with(
            Expr::new(ExprKind::Convert { operand: Box::new(v.e), style, mode }, ty, lossy),
            coerce,
        ))
    }

    /// Implicit conversion with its check (257, 206).
    pub fn coerce_to(&mut self, t: Typed, mut ty: SqlType) -> SqlResult<Expr> {
        self.deduce_from(&t.e, ty);
        match typing::conversion(t.e.ty.id, ty.id) {
            Conversion::Implicit => {}
            Conversion::Explicit => return Err(SqlError::new(257, &[&t.e.ty.id.name(), &ty.id.name()])),
            Conversion::None => return Err(SqlError::new(206, &[&t.e.ty.id.name(), &ty.id.name()])),
        }
        if ty.id.is_character() && ty.collation.is_none() {
            ty.collation = if t.e.ty.collation.is_none() { self.collation() } else { t.e.ty.collation };
        }
        Ok(self.convert(t.e, ty))
    }

    /// Conversion without a check; no node where the value stays as it is.
    pub fn convert(&self, e: Expr, ty: SqlType) -> Expr {
        convert(e, ty)
    }

    fn bind_condition_inner(&mut self, e: &ast::Expr) -> SqlResult<Expr> {
        use ast::ExprKind as K;
        match &e.kind {
            K::Paren(inner) => self.bind_condition(inner),
            K::And(list) => {
                let terms = list.iter().map(|x| self.bind_condition(x)).collect::<SqlResult<Vec<_>>>()?;
                Ok(Expr::and(terms))
            }
            K::Or(list) => {
                let terms = list.iter().map(|x| self.bind_condition(x)).collect::<SqlResult<Vec<_>>>()?;
                let nullable = terms.iter().any(|t| t.nullable);
                Ok(Expr::boolean(ExprKind::Or(terms), nullable))
            }
            K::Not(inner) => {
                let c = self.bind_condition(inner)?;
                Ok(negate(c))
            }
            K::Comparison { op, left, right } => {
                let l = self.bind(left)?;
                let r = self.bind(right)?;
                let op = compare_op(*op);
                let variable = |e: &ast::Expr| matches!(e.unparen().kind, K::Variable(_));
                if !self.env.settings.ansi_nulls
                    && matches!(op, CompareOp::Equal | CompareOp::NotEqual)
                    && l.e.ty.id != TypeId::Null
                    && r.e.ty.id != TypeId::Null
                    && (variable(left) || variable(right))
                {
                    return self.compare_nulls(op, (l, variable(left)), (r, variable(right)));
                }
                if !self.env.settings.ansi_nulls
                    && matches!(op, CompareOp::Equal | CompareOp::NotEqual)
                    && (l.e.ty.id == TypeId::Null || r.e.ty.id == TypeId::Null)
                {
                    let operand = if l.e.ty.id == TypeId::Null { r.e } else { l.e };
                    let negated = op == CompareOp::NotEqual;
                    return Ok(Expr::boolean(
                        ExprKind::IsNull { operand: Box::new(operand), negated },
                        false,
                    ));
                }
                self.compare(op, l, r)
            }
            K::IsDistinctFrom { left, right, negated } => {
                let l = self.bind(left)?;
                let r = self.bind(right)?;
                self.compare(if *negated { CompareOp::NotDistinct } else { CompareOp::Distinct }, l, r)
            }
            K::IsNull { value, negated } => {
                let v = self.bind(value)?;
                Ok(Expr::boolean(ExprKind::IsNull { operand: Box::new(v.e), negated: *negated }, false))
            }
            K::Between { value, low, high, negated } => {
                let v = self.bind(value)?;
                let l = self.bind(low)?;
                let h = self.bind(high)?;
                let a = self.compare(CompareOp::GreaterOrEqual, v.clone(), l)?;
                let b = self.compare(CompareOp::LessOrEqual, v, h)?;
                let both = Expr::and(vec![a, b]);
                Ok(if *negated { negate(both) } else { both })
            }
            K::InList { value, list, negated } => {
                let v = self.bind(value)?;
                let items = list.iter().map(|x| self.bind(x)).collect::<SqlResult<Vec<_>>>()?;
                self.in_list(v, items, *negated)
            }
            K::InSubquery { value, query, negated } => self.bind_in_subquery(value, query, *negated),
            K::Quantified { op, left, quantifier, query } => {
                let all = *quantifier == ast::Quantifier::All;
                self.bind_quantified(compare_op(*op), all, left, query)
            }
            K::Exists(query) => self.bind_exists(query),
            K::Like { value, pattern, escape, negated } => {
                let v = self.bind(value)?;
                let p = self.bind(pattern)?;
                let esc = escape.as_ref().map(|x| self.bind(x)).transpose()?;
                self.like(v, p, esc, *negated)
            }
            // No table here has a full-text index.
            K::FullText { columns, .. } => self.full_text(columns),
            K::UpdatedColumn(name) => {
                let Some(table) = self.cx.names.trigger_target() else {
                    let text = "Can only use IF UPDATE within a CREATE TRIGGER statement.";
                    return Err(SqlError::with_text(140, 15, text));
                };
                let column = table.columns.iter().find(|c| self.same(&c.name, &name.text));
                let Some(column) = column else { return err(name.span, 207, &[&name.text]) };
                let kind = ExprKind::Function {
                    function: FunctionId::ColumnUpdated,
                    args: vec![Expr::int(column.column_id)],
                };
                let updated = Expr::new(kind, SqlType::BIT, false);
                let yes = Expr::literal(Value::Bit(true), SqlType::BIT);
                Ok(Expr::compare(CompareOp::Equal, updated, yes))
            }
            K::CurrentOf { .. } => Err(SqlError::not_supported("WHERE CURRENT OF besides other conditions")),
            _ => Err(SqlError::with_text(
                102,
                15,
                "Incorrect syntax: a value stands where a condition is expected.",
            )),
        }
    }

    fn in_list(&mut self, v: Typed, items: Vec<Typed>, negated: bool) -> SqlResult<Expr> {
        // One common type for all, as the list is one set of comparisons.
        for t in items.iter().chain([&v]) {
            if t.e.ty.id == TypeId::Xml {
                return Err(SqlError::new(305, &[]));
            }
            if typing::not_comparable(t.e.ty.id) {
                return Err(SqlError::new(402, &[&v.e.ty.id.name(), &t.e.ty.id.name(), &"equal to"]));
            }
        }
        let mut label = (v.e.ty.collation, v.coerce);
        for t in &items {
            if t.e.ty.id.is_character() {
                label = merge(label, (t.e.ty.collation, t.coerce), Meeting::Decides("equal to"))?;
            }
        }
        let mut all = vec![v];
        all.extend(items);
        let (mut exprs, _, _) = self.unify(all, Meeting::Makes(""))?;
        if !label.0.is_none() {
            exprs = exprs.into_iter().map(|e| relabel(e, label.0)).collect();
        }
        let operand = exprs.remove(0);
        let nullable = operand.nullable || exprs.iter().any(|e| e.nullable);
        if exprs.len() == 1 {
            let op = if negated { CompareOp::NotEqual } else { CompareOp::Equal };
            return Ok(Expr::compare(op, operand, exprs.remove(0)));
        }
        Ok(Expr::boolean(ExprKind::InList { operand: Box::new(operand), list: exprs, negated }, nullable))
    }

    fn like(&mut self, v: Typed, p: Typed, escape: Option<Typed>, negated: bool) -> SqlResult<Expr> {
        for (i, t) in [&v, &p].into_iter().enumerate() {
            if matches!(t.e.ty.id, TypeId::Xml | TypeId::Image | TypeId::SqlVariant)
                || t.e.ty.id == TypeId::HierarchyId
            {
                return Err(SqlError::new(8116, &[&t.e.ty.id.name(), &(i + 1), &"like"]));
            }
        }
        let (collation, _) =
            merge((v.e.ty.collation, v.coerce), (p.e.ty.collation, p.coerce), Meeting::Decides("like"))?;
        let collation = if collation.is_none() { self.collation() } else { collation };
        let unicode = v.e.ty.id.is_unicode() || p.e.ty.id.is_unicode();
        let as_string = |b: &mut Self, t: Typed| -> SqlResult<Expr> {
            let e = if t.e.ty.id.is_character() {
                if unicode && !t.e.ty.id.is_unicode() {
                    let n = t.e.ty.char_length().filter(|&n| n <= 4000 && t.e.ty.id != TypeId::Text);
                    let ty = n.map_or(SqlType::nvarchar_max(collation), |n| SqlType::nvarchar(n, collation));
                    b.convert(t.e, ty)
                } else {
                    t.e
                }
            } else {
                let ty = if unicode {
                    SqlType::nvarchar(4000, collation)
                } else {
                    SqlType::varchar(8000, collation)
                };
                b.coerce_to(t, ty)?
            };
            Ok(relabel(e, collation))
        };
        let operand = as_string(self, v)?;
        let pattern = as_string(self, p)?;
        let escape = escape.map(|t| as_string(self, t)).transpose()?.map(Box::new);
        let nullable = operand.nullable || pattern.nullable || escape.as_ref().is_some_and(|e| e.nullable);
        let kind = ExprKind::Like { operand: Box::new(operand), pattern: Box::new(pattern), escape, negated };
        Ok(Expr::boolean(kind, nullable))
    }

    fn bind_static(
        &mut self,
        data_type: &holdfast_tsql::ast::name::ObjectName,
        member: &holdfast_tsql::ast::name::Ident,
        arguments: Option<&[ast::Expr]>,
        span: Span,
    ) -> SqlResult<Typed> {
        let ty = match data_type.name.text.to_ascii_lowercase().as_str() {
            "hierarchyid" => SqlType::HIERARCHYID,
            "geometry" => SqlType::GEOMETRY,
            "geography" => SqlType::GEOGRAPHY,
            _ => return err(span, 243, &[&data_type.name.text]),
        };
        let mut args = Vec::new();
        for a in arguments.unwrap_or(&[]) {
            args.push(self.bind(a)?.e);
        }
        let method = match member.text.as_str() {
            "Parse" => MethodId::Parse,
            "GetRoot" if ty.id == TypeId::HierarchyId => MethodId::HierarchyGetRoot,
            "Null" => return Ok(Typed::new(Expr::literal(Value::Null, ty))),
            "STGeomFromText" | "STPointFromText" | "STLineFromText" | "STPolyFromText" => {
                MethodId::StGeomFromText
            }
            "Point" => MethodId::Point,
            other => return Err(SqlError::not_supported(format!("The static method {other}"))),
        };
        let operand = Box::new(Expr::literal(Value::Null, ty));
        Ok(Typed::new(Expr::new(ExprKind::Method { method, operand, args }, ty, true)))
    }
}

/// `NOT c`, pushed into simple nodes.
pub(crate) fn negate(mut c: Expr) -> Expr {
    match &mut c.kind {
        ExprKind::Compare { op, .. } => *op = op.negate(),
        ExprKind::IsNull { negated, .. }
        | ExprKind::InList { negated, .. }
        | ExprKind::Like { negated, .. } => *negated = !*negated,
        ExprKind::BoolLiteral(v) => *v = v.map(|b| !b),
        ExprKind::Not(inner) => return std::mem::replace(inner, Expr::null()),
        _ => {
            let nullable = c.nullable;
            return Expr::boolean(ExprKind::Not(Box::new(c)), nullable);
        }
    }
    c
}

/// Conversion without a check; no node where the value stays as it is.
pub(crate) fn convert(mut e: Expr, ty: SqlType) -> Expr {
    if e.ty == ty {
        return e;
    }
    if let ExprKind::Literal(v) = &e.kind {
        let whole = match v {
            Value::Null => {
                e.ty = ty;
                return e;
            }
            Value::TinyInt(n) => Some(i64::from(*n)),
            Value::SmallInt(n) => Some(i64::from(*n)),
            Value::Int(n) => Some(i64::from(*n)),
            Value::BigInt(n) => Some(*n),
            _ => None,
        };
        let folded = whole.and_then(|n| match ty.id {
            TypeId::TinyInt => u8::try_from(n).ok().map(Value::TinyInt),
            TypeId::SmallInt => i16::try_from(n).ok().map(Value::SmallInt),
            TypeId::Int => i32::try_from(n).ok().map(Value::Int),
            TypeId::BigInt => Some(Value::BigInt(n)),
            TypeId::Bit => Some(Value::Bit(n != 0)),
            TypeId::Float => Some(Value::Float(n as f64)),
            TypeId::Money => n.checked_mul(10_000).map(Value::Money),
            TypeId::Decimal | TypeId::Numeric => {
                let m = i128::from(n).checked_mul(10i128.checked_pow(u32::from(ty.scale))?)?;
                let limit = 10i128.checked_pow(u32::from(ty.precision))?;
                (m.abs() < limit).then_some(Value::Decimal(Decimal::new(m, ty.scale)))
            }
            _ => None,
        });
        if let Some(v) = folded {
            return Expr::literal(v, ty);
        }
    }
    let fits = match (e.ty.char_length(), ty.char_length()) {
        (_, None) => true,
        (Some(a), Some(b)) => a <= b,
        (None, Some(_)) => false,
    };
    let relabels = match ty.id {
        TypeId::NVarChar => {
            matches!(e.ty.id, TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar) && fits
        }
        TypeId::VarChar => {
            matches!(e.ty.id, TypeId::Char | TypeId::VarChar)
                && fits
                && (e.ty.collation == ty.collation || e.is_literal())
        }
        TypeId::Char => e.ty.id == TypeId::Char && e.ty.length == ty.length && e.ty.collation == ty.collation,
        TypeId::NChar => e.ty.id == TypeId::NChar && e.ty.length == ty.length,
        TypeId::VarBinary => {
            matches!(e.ty.id, TypeId::Binary | TypeId::VarBinary)
                && (ty.is_max() || (!e.ty.is_max() && e.ty.length <= ty.length))
        }
        TypeId::Decimal | TypeId::Numeric => {
            matches!(e.ty.id, TypeId::Decimal | TypeId::Numeric)
                && e.ty.scale == ty.scale
                && e.ty.precision <= ty.precision
        }
        _ => false,
    };
    // What is computed keeps its own limit on the way into a (max) type.
    let computed = matches!(e.kind, ExprKind::Binary { .. } | ExprKind::Function { .. });
    // What makes a value of the type it is given pads, cuts and refuses by that one.
    let made = matches!(e.kind, ExprKind::Convert { .. } | ExprKind::Method { .. });
    if relabels && !made && !(computed && ty.is_max() && !e.ty.is_max()) {
        e.ty = ty;
        return e;
    }
    let nullable = e.nullable;
    Expr::new(
        ExprKind::Convert { operand: Box::new(e), style: None, mode: ConvertMode::Implicit },
        ty,
        nullable,
    )
}

/// CONCAT_NULL_YIELDS_NULL OFF: a NULL that is joined to a string counts as an empty one.
fn null_as_empty(sum: &mut Expr) {
    let text = sum.ty.id.is_character();
    let ExprKind::Binary { op: BinaryOp::Concat, left, right } = &mut sum.kind else { return };
    if !text {
        return;
    }
    for side in [left, right] {
        let ty = side.ty;
        let empty = Expr::literal(Value::string(""), ty);
        let own = std::mem::replace(&mut **side, empty.clone());
        **side = if own.nullable { Expr::new(ExprKind::Coalesce(vec![own, empty]), ty, false) } else { own };
    }
    sum.nullable = false;
}

impl Binder<'_> {
    /// CONTAINS, FREETEXT: 7601 with the table that its columns are of; 207 and 4104 where there is none.
    fn full_text(&mut self, columns: &ast::FullTextColumns) -> SqlResult<Expr> {
        let parts: &[Ident] = match columns {
            ast::FullTextColumns::All => &[],
            ast::FullTextColumns::List(list) => list.first().map_or(&[], Vec::as_slice),
            ast::FullTextColumns::Property { column, .. } => column,
        };
        let qualifier = match parts.split_last() {
            Some((column, qualifier)) if column.text != "*" => {
                self.bind_column(parts)?;
                let order = self.env.order;
                let sources = self.levels.iter().rev().flat_map(|l| &l.sources);
                let mut found = sources.filter(|s| s.answers_to(order, qualifier));
                let found = found.find(|s| s.columns.iter().any(|c| order.same(&c.name, &column.text)));
                found.and_then(|s| s.name.clone())
            }
            Some((_, qualifier)) => qualifier.last().map(|q| q.text.as_str().into()),
            None => None,
        };
        let first = self.levels.last().and_then(|l| l.sources.first()).and_then(|s| s.name.clone());
        let table = qualifier.or(first).unwrap_or_else(|| "".into());
        Err(SqlError::new(7601, &[&"table or indexed view", &table]))
    }
}
