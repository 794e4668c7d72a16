//! Expressions and conditions: precedence climbing with one tree for both (see the invariants of the expression AST).
//!
//! Precedence, tightest first: member access, COLLATE and AT TIME ZONE; unary; `* / %`; `+ - & ^ | ||`; comparisons and
//! predicates; NOT; AND; OR.

use super::{MAX_CHAIN, MAX_TERMS, Parsed, Parser, error};
use crate::Span;
use crate::ast::{
    BinaryOp, ComparisonOp, Expr, ExprKind, FullTextColumns, Ident, Literal, NiladicFunction, PseudoColumn,
    Quantifier, QueryBody, UnaryOp, When,
};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// A value.
    pub(crate) fn expr(&mut self) -> Parsed<Expr> {
        let before = std::mem::replace(&mut self.conditions, false);
        let r = self.nested(|p| p.arithmetic(0));
        self.conditions = before;
        r
    }

    /// A condition; a value in its place is error 4145.
    pub(crate) fn condition(&mut self) -> Parsed<Expr> {
        let e = self.any_expression()?;
        self.require_boolean(&e)?;
        Ok(e)
    }

    /// A value or a condition.
    pub(crate) fn any_expression(&mut self) -> Parsed<Expr> {
        let before = std::mem::replace(&mut self.conditions, true);
        let r = self.nested(Self::or_expression);
        self.conditions = before;
        r
    }

    /// A value or the word DEFAULT.
    pub(crate) fn expr_or_default(&mut self) -> Parsed<Expr> {
        let span = self.span();
        if self.eat_word("DEFAULT") {
            return Ok(Expr::new(ExprKind::Default, span));
        }
        self.expr()
    }

    fn require_boolean(&self, e: &Expr) -> Parsed<()> {
        if e.is_boolean() {
            return Ok(());
        }
        if matches!(self.token().kind, TokenKind::Bad(_)) {
            return Err(self.unexpected());
        }
        let text = format!(
            "An expression of non-boolean type specified in a context where a condition is expected, near '{}'.",
            self.shown_token()
        );
        let span = if self.at_end() { self.last_span() } else { self.span() };
        Err(error(4145, 15, 1, span, text))
    }

    fn or_expression(&mut self) -> Parsed<Expr> {
        let first = self.and_expression()?;
        if !self.is_word("OR") {
            return Ok(first);
        }
        self.require_boolean(&first)?;
        let start = first.span;
        let mut operands = vec![first];
        while self.eat_word("OR") {
            let e = self.and_expression()?;
            self.require_boolean(&e)?;
            operands.push(e);
        }
        Ok(Expr::new(ExprKind::Or(operands), self.since(start)))
    }

    fn and_expression(&mut self) -> Parsed<Expr> {
        let first = self.not_expression()?;
        if !self.is_word("AND") {
            return Ok(first);
        }
        self.require_boolean(&first)?;
        let start = first.span;
        let mut operands = vec![first];
        while self.eat_word("AND") {
            let e = self.not_expression()?;
            self.require_boolean(&e)?;
            operands.push(e);
        }
        Ok(Expr::new(ExprKind::And(operands), self.since(start)))
    }

    fn not_expression(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let mut count = 0usize;
        while self.eat_word("NOT") {
            count += 1;
        }
        let mut e = self.predicate()?;
        if count > 0 {
            self.require_boolean(&e)?;
            if count > MAX_CHAIN as usize {
                return Err(self.too_deep());
            }
            // A pair of NOTs cancels, in three-valued logic too.
            if count % 2 == 1 {
                e = Expr::new(ExprKind::Not(Box::new(e)), self.since(start));
            }
        }
        Ok(e)
    }

    fn predicate(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if self.is_word("EXISTS") {
            self.advance();
            self.expect_symbol('(')?;
            let query = Box::new(self.subquery_body()?);
            self.expect_symbol(')')?;
            return Ok(Expr::new(ExprKind::Exists(query), self.since(start)));
        }
        if self.is_one_of(&["CONTAINS", "FREETEXT"]) {
            return self.full_text();
        }
        if self.is_word("UPDATE") && self.is_symbol_at(1, '(') {
            self.advance();
            self.advance();
            let column = self.ident()?;
            self.expect_symbol(')')?;
            return Ok(Expr::new(ExprKind::UpdatedColumn(column), self.since(start)));
        }
        if self.is_word("MATCH") && self.is_symbol_at(1, '(') {
            self.advance();
            let from = self.span();
            self.skip_parentheses()?;
            let text = self.since(from).text(self.text).to_owned();
            return Ok(Expr::new(ExprKind::GraphMatch(text), self.since(start)));
        }
        let left = self.arithmetic(0)?;
        if left.is_boolean() {
            return Ok(left);
        }
        self.predicate_after(left, start)
    }

    fn predicate_after(&mut self, left: Expr, start: Span) -> Parsed<Expr> {
        if let Some(op) = self.comparison_operator()? {
            return self.comparison(op, left, start);
        }
        if self.eat_word("IS") {
            let negated = self.eat_word("NOT");
            if self.eat_word("NULL") {
                let value = Box::new(left);
                return Ok(Expr::new(ExprKind::IsNull { value, negated }, self.since(start)));
            }
            self.expect_words(&["DISTINCT", "FROM"])?;
            let right = Box::new(self.arithmetic(0)?);
            let kind = ExprKind::IsDistinctFrom { left: Box::new(left), right, negated };
            return Ok(Expr::new(kind, self.since(start)));
        }
        let negated = self.is_word("NOT")
            && (self.is_word_at(1, "IN") || self.is_word_at(1, "LIKE") || self.is_word_at(1, "BETWEEN"));
        if negated {
            self.advance();
        }
        let kind = if self.eat_word("IN") {
            return self.in_predicate(left, negated, start);
        } else if self.eat_word("LIKE") {
            let pattern = Box::new(self.arithmetic(0)?);
            let escape = if self.eat_word("ESCAPE") {
                Some(Box::new(self.arithmetic(0)?))
            } else if self.is_symbol('{') && self.is_word_at(1, "ESCAPE") {
                self.advance();
                self.advance();
                let e = self.arithmetic(0)?;
                self.expect_symbol('}')?;
                Some(Box::new(e))
            } else {
                None
            };
            ExprKind::Like { value: Box::new(left), pattern, escape, negated }
        } else if self.eat_word("BETWEEN") {
            let low = Box::new(self.arithmetic(0)?);
            self.expect_word("AND")?;
            let high = Box::new(self.arithmetic(0)?);
            ExprKind::Between { value: Box::new(left), low, high, negated }
        } else {
            return Ok(left);
        };
        Ok(Expr::new(kind, self.since(start)))
    }

    fn comparison(&mut self, op: ComparisonOp, left: Expr, start: Span) -> Parsed<Expr> {
        let left = Box::new(left);
        if let Some(word) = self.eat_one_of(&["ALL", "ANY", "SOME"]) {
            let quantifier = if word == "ALL" { Quantifier::All } else { Quantifier::Any };
            self.expect_symbol('(')?;
            let query = Box::new(self.subquery_body()?);
            self.expect_symbol(')')?;
            return Ok(Expr::new(ExprKind::Quantified { op, left, quantifier, query }, self.since(start)));
        }
        let right = self.arithmetic(0)?;
        if right.is_boolean() {
            return Err(self.unexpected());
        }
        Ok(Expr::new(ExprKind::Comparison { op, left, right: Box::new(right) }, self.since(start)))
    }

    fn in_predicate(&mut self, left: Expr, negated: bool, start: Span) -> Parsed<Expr> {
        let value = Box::new(left);
        self.expect_symbol('(')?;
        if self.is_word("SELECT") || self.is_word("WITH") {
            let query = Box::new(self.subquery_body()?);
            self.expect_symbol(')')?;
            return Ok(Expr::new(ExprKind::InSubquery { value, query, negated }, self.since(start)));
        }
        let mut list = self.list(Self::expr)?;
        self.expect_symbol(')')?;
        if list.len() == 1 && matches!(list[0].unparen().kind, ExprKind::Subquery(_)) {
            // `IN ((SELECT …))` means the query's rows.
            let mut only = list.remove(0);
            while let ExprKind::Paren(inner) = only.kind {
                only = *inner;
            }
            if let ExprKind::Subquery(query) = only.kind {
                return Ok(Expr::new(ExprKind::InSubquery { value, query, negated }, self.since(start)));
            }
            return Err(self.unexpected());
        }
        Ok(Expr::new(ExprKind::InList { value, list, negated }, self.since(start)))
    }

    fn full_text(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let freetext = self.is_word("FREETEXT");
        self.advance();
        self.expect_symbol('(')?;
        let columns = if self.eat_symbol('*') {
            FullTextColumns::All
        } else if self.is_word("PROPERTY") && self.is_symbol_at(1, '(') {
            self.advance();
            self.advance();
            let column = self.name_parts(4)?;
            self.expect_symbol(',')?;
            let property = Box::new(self.expr()?);
            self.expect_symbol(')')?;
            FullTextColumns::Property { column, property }
        } else if self.eat_symbol('(') {
            let list = if self.eat_symbol('*') { Vec::new() } else { self.list(|p| p.name_parts(4))? };
            self.expect_symbol(')')?;
            if list.is_empty() { FullTextColumns::All } else { FullTextColumns::List(list) }
        } else {
            let mut parts = vec![self.ident()?];
            while self.eat_symbol('.') {
                if self.eat_symbol('*') {
                    break;
                }
                parts.push(self.ident()?);
            }
            FullTextColumns::List(vec![parts])
        };
        self.expect_symbol(',')?;
        let condition = Box::new(self.expr()?);
        let mut language = None;
        if self.eat_symbol(',') {
            self.expect_word("LANGUAGE")?;
            language = Some(Box::new(self.expr()?));
        }
        self.expect_symbol(')')?;
        Ok(Expr::new(ExprKind::FullText { freetext, columns, condition, language }, self.since(start)))
    }

    fn comparison_operator(&mut self) -> Parsed<Option<ComparisonOp>> {
        let first = match self.token().kind {
            TokenKind::Symbol(c @ ('=' | '<' | '>' | '!')) => c,
            _ => return Ok(None),
        };
        self.advance();
        let op = match first {
            '=' => ComparisonOp::Equal,
            '<' if self.eat_symbol('>') => ComparisonOp::NotEqual,
            '<' if self.eat_symbol('=') => ComparisonOp::LessOrEqual,
            '<' => ComparisonOp::Less,
            '>' if self.eat_symbol('=') => ComparisonOp::GreaterOrEqual,
            '>' => ComparisonOp::Greater,
            _ if self.eat_symbol('=') => ComparisonOp::NotEqual,
            _ if self.eat_symbol('<') => ComparisonOp::GreaterOrEqual,
            _ if self.eat_symbol('>') => ComparisonOp::LessOrEqual,
            _ => return Err(self.unexpected()),
        };
        Ok(Some(op))
    }

    /// The binary operator at the current token with its level, and how many tokens it takes.
    fn binary_operator(&self) -> Option<(BinaryOp, u8, usize)> {
        let TokenKind::Symbol(c) = self.token().kind else { return None };
        let adjacent = self.token().span.end == self.token_at(1).span.start;
        // `+=` and the like are assignments, never expressions.
        let assignment = self.is_symbol_at(1, '=');
        let one = |op, level| if assignment { None } else { Some((op, level, 1)) };
        match c {
            '*' => one(BinaryOp::Multiply, 2),
            '/' => one(BinaryOp::Divide, 2),
            '%' => one(BinaryOp::Modulo, 2),
            '+' => one(BinaryOp::Add, 1),
            '-' => one(BinaryOp::Subtract, 1),
            '&' => one(BinaryOp::BitAnd, 1),
            '^' => one(BinaryOp::BitXor, 1),
            '|' if self.is_symbol_at(1, '|') && adjacent => Some((BinaryOp::Concat, 1, 2)),
            '|' => one(BinaryOp::BitOr, 1),
            '<' if self.is_symbol_at(1, '<') && adjacent => Some((BinaryOp::ShiftLeft, 1, 2)),
            '>' if self.is_symbol_at(1, '>') && adjacent => Some((BinaryOp::ShiftRight, 1, 2)),
            _ => None,
        }
    }

    fn arithmetic(&mut self, minimum: u8) -> Parsed<Expr> {
        let start = self.span();
        let before = std::mem::take(&mut self.tallest);
        let mut left = self.unary()?;
        let mut height = std::mem::take(&mut self.tallest);
        while let Some((op, level, tokens)) = self.binary_operator() {
            if level <= minimum {
                break;
            }
            if left.is_boolean() {
                return Err(self.unexpected());
            }
            for _ in 0..tokens {
                self.advance();
            }
            let right = self.arithmetic(level)?;
            height = height.max(std::mem::take(&mut self.tallest)) + 1;
            if height > MAX_TERMS {
                return Err(self.too_deep());
            }
            if right.is_boolean() {
                return Err(self.unexpected());
            }
            let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
            left = Expr::new(kind, self.since(start));
        }
        self.tallest = before.max(height);
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let op = match self.token().kind {
            TokenKind::Symbol('+') => UnaryOp::Plus,
            TokenKind::Symbol('-') => UnaryOp::Minus,
            TokenKind::Symbol('~') => UnaryOp::BitNot,
            _ => return self.postfix(),
        };
        self.advance();
        let operand = self.nested(Self::unary)?;
        if operand.is_boolean() {
            return Err(self.unexpected());
        }
        Ok(Expr::new(ExprKind::Unary { op, operand: Box::new(operand) }, self.since(start)))
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let mut e = self.primary()?;
        let mut chain = 0;
        loop {
            chain += 1;
            if chain > MAX_CHAIN {
                return Err(self.too_deep());
            }
            let kind = if self.is_symbol('.') && !self.is_symbol_at(1, '*') && !e.is_boolean() {
                self.advance();
                let member = self.any_word()?;
                if self.eat_symbol('(') {
                    let arguments = self.arguments_until_close()?;
                    ExprKind::Method { target: Box::new(e), method: member, arguments }
                } else {
                    ExprKind::Property { target: Box::new(e), property: member }
                }
            } else if self.is_word("COLLATE") && !e.is_boolean() {
                self.advance();
                let collation = self.ident()?;
                ExprKind::Collate { value: Box::new(e), collation }
            } else if self.is_words(&["AT", "TIME", "ZONE"]) && !e.is_boolean() {
                (0..3).for_each(|_| self.advance());
                // One operand only: a further AT TIME ZONE applies to the whole.
                let zone = Box::new(self.nested(Self::primary)?);
                ExprKind::AtTimeZone { value: Box::new(e), zone }
            } else {
                return Ok(e);
            };
            e = Expr::new(kind, self.since(start));
        }
    }

    pub(crate) fn primary(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let literal = match &self.token().kind {
            TokenKind::Integer => Literal::Integer(start.text(self.text).to_owned()),
            TokenKind::Decimal => Literal::Decimal(start.text(self.text).to_owned()),
            TokenKind::Float => Literal::Float(start.text(self.text).to_owned()),
            TokenKind::Money(m) => Literal::Money(m.clone()),
            TokenKind::Binary(b) => Literal::Binary(b.clone()),
            TokenKind::String { value, national } => {
                Literal::String { value: value.clone(), national: *national }
            }
            TokenKind::Variable => {
                let name = self.used_variable()?;
                return Ok(Expr::new(ExprKind::Variable(name), start));
            }
            TokenKind::Global => {
                self.advance();
                return Ok(Expr::new(ExprKind::GlobalVariable(start.text(self.text).to_owned()), start));
            }
            TokenKind::Dollar => return self.dollar(Vec::new(), start),
            TokenKind::Symbol('(') => return self.parenthesis(),
            TokenKind::Symbol('{') => return self.odbc_escape(),
            TokenKind::Symbol(':') if self.is_symbol_at(1, ':') => {
                // `::fn_name(…)`, the old call of system functions.
                self.advance();
                self.advance();
                return self.name_expression();
            }
            TokenKind::Word(true) => return self.keyword_expression(),
            TokenKind::Word(false) | TokenKind::Quoted(_) => return self.name_expression(),
            TokenKind::Symbol(_) | TokenKind::Bad(_) | TokenKind::End => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Expr::new(ExprKind::Literal(literal), start))
    }

    /// `$action`, `t.$identity`, `$partition.f(x)`.
    pub(crate) fn dollar(&mut self, qualifier: Vec<Ident>, start: Span) -> Parsed<Expr> {
        let span = self.span();
        let word = span.text(self.text);
        let lower = word.to_ascii_lowercase();
        if lower == "$partition" {
            self.advance();
            self.expect_symbol('.')?;
            let function = self.ident()?;
            self.expect_symbol('(')?;
            let argument = Box::new(self.expr()?);
            self.expect_symbol(')')?;
            let database = qualifier.into_iter().next();
            let kind = ExprKind::PartitionFunction { database, function, argument };
            return Ok(Expr::new(kind, self.since(start)));
        }
        let name = match lower.as_str() {
            "$action" => PseudoColumn::Action,
            "$identity" => PseudoColumn::Identity,
            "$rowguid" => PseudoColumn::RowGuid,
            "$node_id" => PseudoColumn::NodeId,
            "$edge_id" => PseudoColumn::EdgeId,
            "$from_id" => PseudoColumn::FromId,
            "$to_id" => PseudoColumn::ToId,
            "$cuid" => PseudoColumn::Cuid,
            _ => return Err(error(126, 15, 1, span, format!("Invalid pseudocolumn \"{word}\"."))),
        };
        self.advance();
        Ok(Expr::new(ExprKind::PseudoColumn { qualifier, name }, self.since(start)))
    }

    /// `( … )`: a value, a condition where one is allowed, or a subquery.
    fn parenthesis(&mut self) -> Parsed<Expr> {
        let start = self.span();
        self.expect_symbol('(')?;
        if self.is_word("SELECT") || self.is_word("WITH") {
            let query = self.subquery_body()?;
            self.expect_symbol(')')?;
            return Ok(Expr::new(ExprKind::Subquery(Box::new(query)), self.since(start)));
        }
        let inner = if self.conditions {
            self.nested(Self::or_expression)?
        } else {
            self.nested(|p| p.arithmetic(0))?
        };
        // `((SELECT …) UNION (SELECT …))`
        if self.is_one_of(&["UNION", "EXCEPT", "INTERSECT"]) && matches!(inner.kind, ExprKind::Subquery(_)) {
            let span = inner.span;
            if let ExprKind::Subquery(query) = inner.kind {
                let query = self.query_after_first(None, QueryBody::Paren(query), span)?;
                self.expect_symbol(')')?;
                return Ok(Expr::new(ExprKind::Subquery(Box::new(query)), self.since(start)));
            }
            return Err(self.unexpected());
        }
        self.expect_symbol(')')?;
        Ok(Expr::new(ExprKind::Paren(Box::new(inner)), self.since(start)))
    }

    /// `{d '…'}`, `{fn f(…)}`, `{guid '…'}`.
    fn odbc_escape(&mut self) -> Parsed<Expr> {
        let start = self.span();
        self.expect_symbol('{')?;
        let kind = if self.eat_word("FN") {
            ExprKind::OdbcFunction(Box::new(self.odbc_function()?))
        } else if self.eat_one_of(&["D", "T", "TS"]).is_some() {
            ExprKind::Literal(Literal::OdbcDateTime(self.string()?))
        } else if self.eat_word("GUID") {
            ExprKind::Literal(Literal::OdbcGuid(self.string()?))
        } else {
            return Err(self.unexpected());
        };
        self.expect_symbol('}')?;
        Ok(Expr::new(kind, self.since(start)))
    }

    /// An expression that begins with a reserved word.
    fn keyword_expression(&mut self) -> Parsed<Expr> {
        let start = self.span();
        let word = self.word().to_ascii_uppercase();
        let niladic = match word.as_str() {
            "NULL" => {
                self.advance();
                return Ok(Expr::new(ExprKind::Literal(Literal::Null), start));
            }
            "CASE" => return self.nested(Self::case),
            "CONVERT" | "TRY_CONVERT" => return self.convert(),
            "COALESCE" => {
                self.advance();
                let list = self.paren_list(Self::expr)?;
                return Ok(Expr::new(ExprKind::Coalesce(list), self.since(start)));
            }
            "NULLIF" => {
                self.advance();
                self.expect_symbol('(')?;
                let a = Box::new(self.expr()?);
                self.expect_symbol(',')?;
                let b = Box::new(self.expr()?);
                self.expect_symbol(')')?;
                return Ok(Expr::new(ExprKind::NullIf(a, b), self.since(start)));
            }
            "LEFT" | "RIGHT" | "IDENTITY" if self.is_symbol_at(1, '(') => {
                let name = vec![self.take_ident()];
                return self.function_call(name, start);
            }
            "IDENTITYCOL" | "ROWGUIDCOL" => {
                self.advance();
                let name = if word == "IDENTITYCOL" { PseudoColumn::Identity } else { PseudoColumn::RowGuid };
                return Ok(Expr::new(ExprKind::PseudoColumn { qualifier: Vec::new(), name }, start));
            }
            "CURRENT_TIMESTAMP" => NiladicFunction::CurrentTimestamp,
            "CURRENT_DATE" => NiladicFunction::CurrentDate,
            "CURRENT_USER" => NiladicFunction::CurrentUser,
            "SESSION_USER" => NiladicFunction::SessionUser,
            "SYSTEM_USER" => NiladicFunction::SystemUser,
            "USER" => NiladicFunction::User,
            _ if self.words_are_names => return self.name_expression(),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Expr::new(ExprKind::Niladic(niladic), start))
    }

    fn case(&mut self) -> Parsed<Expr> {
        let start = self.span();
        self.expect_word("CASE")?;
        let input = if self.is_word("WHEN") { None } else { Some(Box::new(self.expr()?)) };
        let mut whens = Vec::new();
        while self.eat_word("WHEN") {
            let when = if input.is_some() { self.expr()? } else { self.condition()? };
            self.expect_word("THEN")?;
            let then = self.expr()?;
            whens.push(When { when, then });
        }
        if whens.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.eat_word("ELSE") { Some(Box::new(self.expr()?)) } else { None };
        self.expect_word("END")?;
        let kind = match input {
            Some(input) => ExprKind::SimpleCase { input, whens, otherwise },
            None => ExprKind::SearchedCase { whens, otherwise },
        };
        Ok(Expr::new(kind, self.since(start)))
    }
}
