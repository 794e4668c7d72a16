//! Names, function calls, conversions, window clauses, and data types.

use super::{Parsed, Parser, object_name_of};
use crate::Span;
use crate::ast::{
    DataType, Expr, ExprKind, Frame, FrameBound, FunctionCall, Ident, NullTreatment, ObjectName, OrderItem,
    OverClause, SetQuantifier, TrimSide, TypeArgument, XmlType,
};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// A column, a function call or a static member.
    pub(crate) fn name_expression(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let plain = matches!(self.token().kind, TokenKind::Word(_));
        if plain && self.is_symbol_at(1, '(') {
            let word = self.word();
            if word.eq_ignore_ascii_case("CAST") || word.eq_ignore_ascii_case("TRY_CAST") {
                return self.cast();
            }
            if word.eq_ignore_ascii_case("PARSE") || word.eq_ignore_ascii_case("TRY_PARSE") {
                return self.parse_function();
            }
            if word.eq_ignore_ascii_case("IIF") {
                return self.iif();
            }
        }
        if plain && self.is_words(&["NEXT", "VALUE", "FOR"]) {
            return self.next_value();
        }
        let mut parts = vec![self.take_ident()];
        while self.is_symbol('.') {
            if matches!(self.token_at(1).kind, TokenKind::Dollar) {
                self.advance();
                return self.dollar(parts, start);
            }
            if self.is_symbol_at(1, '*') {
                break;
            }
            self.advance();
            if self.is_symbol('.') {
                parts.push(Ident { text: String::new(), quoted: false, span: self.span() });
            } else {
                parts.push(self.ident()?);
            }
            if parts.len() > 6 {
                return Err(self.unexpected());
            }
        }
        if self.is_symbol('(') {
            return self.function_call(parts, start);
        }
        if self.is_symbol(':') && self.is_symbol_at(1, ':') {
            self.advance();
            self.advance();
            let data_type = object_name_of(parts, self.since(start));
            let member = self.any_word()?;
            let arguments = if self.eat_symbol('(') { Some(self.arguments_until_close()?) } else { None };
            return Ok(Expr::new(ExprKind::StaticMember { data_type, member, arguments }, self.since(start)));
        }
        if parts.len() > 5 {
            return Err(self.unexpected());
        }
        Ok(Expr::new(ExprKind::Column(parts), self.since(start)))
    }

    /// Arguments after `(` up to and including `)`.
    pub(crate) fn arguments_until_close(&mut self) -> Parsed<Vec<Expr>> {
        if self.eat_symbol(')') {
            return Ok(Vec::new());
        }
        let list = self.list(Self::expr_or_default)?;
        self.expect_symbol(')')?;
        Ok(list)
    }

    /// The call of the function whose name is `parts`; the current token is `(`.
    pub(crate) fn function_call(&mut self, parts: Vec<Ident>, start: Span) -> Parsed<Expr> {
        let name = object_name_of_many(parts, self.since(start));
        let mut call = FunctionCall::plain(name, Vec::new());
        self.expect_symbol('(')?;
        if self.is_symbol('*') && self.is_symbol_at(1, ')') {
            self.advance();
            call.star = true;
        } else if !self.is_symbol(')') {
            self.call_arguments(&mut call)?;
        }
        self.expect_symbol(')')?;
        self.call_suffix(&mut call)?;
        Ok(Expr::new(ExprKind::Function(Box::new(call)), self.since(start)))
    }

    fn call_arguments(&mut self, call: &mut FunctionCall) -> Parsed<()> {
        if self.eat_word("DISTINCT") {
            call.quantifier = Some(SetQuantifier::Distinct);
        } else if self.eat_word("ALL") {
            call.quantifier = Some(SetQuantifier::All);
        }
        if call.name.is("TRIM") {
            let side = match self.eat_one_of(&["LEADING", "TRAILING", "BOTH"]) {
                Some("LEADING") => Some(TrimSide::Leading),
                Some("TRAILING") => Some(TrimSide::Trailing),
                Some(_) => Some(TrimSide::Both),
                None => None,
            };
            call.arguments.push(self.expr()?);
            if self.eat_word("FROM") {
                call.trim = Some(side.unwrap_or(TrimSide::Both));
                call.arguments.push(self.expr()?);
            } else {
                call.trim = side;
            }
            return Ok(());
        }
        let json_object = call.name.is("JSON_OBJECT") || call.name.is("JSON_OBJECTAGG");
        let json = json_object || call.name.is("JSON_ARRAY") || call.name.is("JSON_ARRAYAGG");
        if !(json && self.is_null_clause()) {
            loop {
                call.arguments.push(self.expr_or_default()?);
                if json_object && self.eat_symbol(':') {
                    call.key_value = true;
                    call.arguments.push(self.expr()?);
                }
                if !self.eat_symbol(',') {
                    break;
                }
            }
        }
        if json && self.is_null_clause() {
            call.null_on_null = Some(self.is_word("NULL"));
            (0..3).for_each(|_| self.advance());
        }
        Ok(())
    }

    fn is_null_clause(&self) -> bool {
        self.is_words(&["NULL", "ON", "NULL"]) || self.is_words(&["ABSENT", "ON", "NULL"])
    }

    fn call_suffix(&mut self, call: &mut FunctionCall) -> Parsed<()> {
        if self.is_words(&["WITHIN", "GROUP"]) {
            self.advance();
            self.advance();
            self.expect_symbol('(')?;
            self.expect_words(&["ORDER", "BY"])?;
            call.within_group = self.order_items()?;
            self.expect_symbol(')')?;
        }
        if self.eat_words(&["IGNORE", "NULLS"]) {
            call.nulls = Some(NullTreatment::Ignore);
        } else if self.eat_words(&["RESPECT", "NULLS"]) {
            call.nulls = Some(NullTreatment::Respect);
        }
        if self.is_word("OVER") {
            call.over = Some(self.over()?);
        }
        Ok(())
    }

    /// `OVER w` or `OVER (…)`.
    fn over(&mut self) -> Parsed<OverClause> {
        self.expect_word("OVER")?;
        if self.is_symbol('(') {
            return self.window();
        }
        let name = self.ident()?;
        Ok(OverClause { span: name.span, window: Some(name), ..OverClause::default() })
    }

    /// `( [w] [PARTITION BY …] [ORDER BY …] [ROWS|RANGE …] )`
    pub(crate) fn window(&mut self) -> Parsed<OverClause> {
        let start = self.span();
        self.expect_symbol('(')?;
        let mut over = OverClause::default();
        let clause = self.is_words(&["PARTITION", "BY"])
            || ((self.is_word("ROWS") || self.is_word("RANGE")) && !self.is_symbol_at(1, ')'));
        if self.is_ident() && !clause {
            over.window = Some(self.ident()?);
        }
        if self.eat_words(&["PARTITION", "BY"]) {
            over.partition_by = self.list(Self::expr)?;
        }
        if self.eat_words(&["ORDER", "BY"]) {
            over.order_by = self.order_items()?;
        }
        if let Some(word) = self.eat_one_of(&["ROWS", "RANGE"]) {
            let range = word == "RANGE";
            if self.eat_word("BETWEEN") {
                let first = self.frame_bound()?;
                self.expect_word("AND")?;
                let end = Some(self.frame_bound()?);
                over.frame = Some(Frame { range, start: first, end });
            } else {
                over.frame = Some(Frame { range, start: self.frame_bound()?, end: None });
            }
        }
        self.expect_symbol(')')?;
        over.span = self.since(start);
        Ok(over)
    }

    fn frame_bound(&mut self) -> Parsed<FrameBound> {
        if self.eat_words(&["CURRENT", "ROW"]) {
            return Ok(FrameBound::CurrentRow);
        }
        if self.eat_word("UNBOUNDED") {
            return match self.eat_one_of(&["PRECEDING", "FOLLOWING"]) {
                Some("PRECEDING") => Ok(FrameBound::UnboundedPreceding),
                Some(_) => Ok(FrameBound::UnboundedFollowing),
                None => Err(self.unexpected()),
            };
        }
        let n = Box::new(self.expr()?);
        match self.eat_one_of(&["PRECEDING", "FOLLOWING"]) {
            Some("PRECEDING") => Ok(FrameBound::Preceding(n)),
            Some(_) => Ok(FrameBound::Following(n)),
            None => Err(self.unexpected()),
        }
    }

    pub(crate) fn order_items(&mut self) -> Parsed<Vec<OrderItem>> {
        self.list(|p| {
            let expr = p.expr()?;
            let descending = p.eat_word("DESC");
            if !descending {
                p.eat_word("ASC");
            }
            Ok(OrderItem { expr, descending })
        })
    }

    fn cast(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let is_try = self.is_word("TRY_CAST");
        self.advance();
        self.expect_symbol('(')?;
        let value = Box::new(self.expr()?);
        self.expect_word("AS")?;
        let data_type = self.data_type()?;
        self.expect_symbol(')')?;
        Ok(Expr::new(ExprKind::Cast { value, data_type, is_try }, self.since(start)))
    }

    pub(crate) fn convert(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let is_try = self.is_word("TRY_CONVERT");
        self.advance();
        self.expect_symbol('(')?;
        let data_type = self.data_type()?;
        self.expect_symbol(',')?;
        let value = Box::new(self.expr()?);
        let style = if self.eat_symbol(',') { Some(Box::new(self.expr()?)) } else { None };
        self.expect_symbol(')')?;
        Ok(Expr::new(ExprKind::Convert { data_type, value, style, is_try }, self.since(start)))
    }

    fn parse_function(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let is_try = self.is_word("TRY_PARSE");
        self.advance();
        self.expect_symbol('(')?;
        let value = Box::new(self.expr()?);
        self.expect_word("AS")?;
        let data_type = self.data_type()?;
        let culture = if self.eat_word("USING") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_symbol(')')?;
        Ok(Expr::new(ExprKind::Parse { value, data_type, culture, is_try }, self.since(start)))
    }

    fn iif(&mut self) -> Parsed<Expr> {
        let start = self.span();
        self.advance();
        self.expect_symbol('(')?;
        let condition = Box::new(self.condition()?);
        self.expect_symbol(',')?;
        let then = Box::new(self.expr()?);
        self.expect_symbol(',')?;
        let otherwise = Box::new(self.expr()?);
        self.expect_symbol(')')?;
        Ok(Expr::new(ExprKind::Iif { condition, then, otherwise }, self.since(start)))
    }

    fn next_value(&mut self) -> Parsed<Expr> {
        let start = self.span();
        (0..3).for_each(|_| self.advance());
        let sequence = self.object_name()?;
        let over = if self.is_word("OVER") { Some(Box::new(self.over()?)) } else { None };
        Ok(Expr::new(ExprKind::NextValueFor { sequence, over }, self.since(start)))
    }

    pub(crate) fn data_type(&mut self) -> Parsed<DataType> {
        let start = self.span();
        let mut name = if let Some(name) = self.type_of_words() {
            ObjectName::one(name)
        } else {
            let parts = self.name_parts(3)?;
            object_name_of(parts, self.since(start))
        };
        let base = name.name.text.to_ascii_lowercase();
        let varying = match base.as_str() {
            "char" | "character" => Some("varchar"),
            "binary" => Some("varbinary"),
            "nchar" => Some("nvarchar"),
            // CURSOR VARYING: a word of the parameter.
            _ => None,
        };
        if let Some(varying) = varying
            && name.is_simple()
            && self.eat_word("VARYING")
        {
            name.name.text = varying.into();
        }
        let mut data_type = DataType { name, arguments: Vec::new(), xml: None, span: start };
        if self.is_symbol('(') {
            self.advance();
            if base == "xml" {
                let document = self.eat_word("DOCUMENT");
                if !document {
                    self.eat_word("CONTENT");
                }
                data_type.xml = Some(XmlType { document, collection: self.object_name()? });
            } else {
                data_type.arguments = self.list(|p| {
                    if p.eat_word("MAX") {
                        return Ok(TypeArgument::Max);
                    }
                    if base == "vector" && p.is_one_of(&["float32", "float16"]) {
                        let n = if p.is_word("float16") { 16 } else { 32 };
                        p.advance();
                        return Ok(TypeArgument::Number(n));
                    }
                    Ok(TypeArgument::Number(p.integer()?))
                })?;
            }
            self.expect_symbol(')')?;
        }
        data_type.span = self.since(start);
        Ok(data_type)
    }

    /// Type names of several or of reserved words.
    fn type_of_words(&mut self) -> Option<Ident> {
        let span = self.span();
        let name = |text: &str| Some(Ident { text: text.to_owned(), quoted: false, span });
        if self.eat_words(&["DOUBLE", "PRECISION"]) {
            return name("float");
        }
        if self.is_word("NATIONAL") {
            if self.is_word_at(1, "TEXT") {
                self.advance();
                self.advance();
                return name("ntext");
            }
            if self.is_word_at(1, "CHAR") || self.is_word_at(1, "CHARACTER") {
                self.advance();
                self.advance();
                return name("nchar");
            }
        }
        if self.eat_word("CURSOR") {
            return name("cursor");
        }
        None
    }
}

/// Like [`object_name_of`], but with more than four parts (a method on a fully named column) the surplus leading parts
/// are joined into the server part.
fn object_name_of_many(mut parts: Vec<Ident>, span: Span) -> ObjectName {
    if parts.len() > 4 {
        let surplus = parts.len() - 3;
        let mut first = parts[0].clone();
        first.text = parts[..surplus].iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(".");
        parts.drain(..surplus);
        parts.insert(0, first);
    }
    object_name_of(parts, span)
}
