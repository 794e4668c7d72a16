//! EXECUTE in all its forms, and EXECUTE AS.

use super::{Parsed, Parser};
use crate::ast::{
    Execute, ExecuteArgument, ExecuteAs, ExecuteAsPrincipal, ExecuteOption, ExecuteTarget, Expr, ExprKind,
    ResultColumn, ResultSetDefinition, StatementKind,
};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(crate) fn execute_statement(&mut self) -> Parsed<StatementKind> {
        if self.is_word_at(1, "AS") {
            self.advance();
            return self.execute_as();
        }
        Ok(StatementKind::Execute(Box::new(self.execute()?)))
    }

    /// A procedure call that begins a batch without EXECUTE.
    pub(crate) fn implicit_execute(&mut self) -> Parsed<StatementKind> {
        let target = self.procedure_target()?;
        let options = self.execute_options()?;
        Ok(StatementKind::Execute(Box::new(Execute {
            return_variable: None,
            target,
            options,
            implicit: true,
        })))
    }

    /// From EXEC on.
    pub(crate) fn execute(&mut self) -> Parsed<Execute> {
        self.advance();
        let mut return_variable = None;
        if self.is_variable() && self.is_symbol_at(1, '=') {
            return_variable = Some(self.used_variable()?);
            self.advance();
        }
        let target = if self.is_symbol('(') && return_variable.is_none() {
            self.execute_text()?
        } else if self.is_variable() {
            let name = self.used_variable()?;
            if self.is_symbol(';') && self.token_at(1).kind == TokenKind::Integer {
                self.advance();
                self.integer()?;
            }
            ExecuteTarget::Variable { name, arguments: self.execute_arguments()? }
        } else {
            self.procedure_target()?
        };
        let options = self.execute_options()?;
        Ok(Execute { return_variable, target, options, implicit: false })
    }

    fn procedure_target(&mut self) -> Parsed<ExecuteTarget> {
        let name = self.object_name()?;
        let mut number = None;
        if self.is_symbol(';') && self.token_at(1).kind == TokenKind::Integer {
            self.advance();
            number = Some(self.integer()?);
        }
        let arguments = self.execute_arguments()?;
        Ok(ExecuteTarget::Procedure { name, number, arguments })
    }

    /// EXEC ('…' + @v [, arguments]) [AS LOGIN|USER = '…'] [AT server]
    fn execute_text(&mut self) -> Parsed<ExecuteTarget> {
        self.expect_symbol('(')?;
        let mut parts = Vec::new();
        loop {
            match self.token().kind {
                TokenKind::String { .. } | TokenKind::Variable | TokenKind::Global => {}
                _ => return Err(self.unexpected()),
            }
            let mut one = self.execute_text_part()?;
            parts.append(&mut one);
            if !self.eat_symbol('+') {
                break;
            }
        }
        let mut arguments = Vec::new();
        while self.eat_symbol(',') {
            arguments.push(self.execute_argument()?);
        }
        self.expect_symbol(')')?;
        let mut as_user = None;
        if self.is_word("AS") && self.is_one_of_at(1, &["LOGIN", "USER"]) {
            self.advance();
            let login = self.is_word("LOGIN");
            self.advance();
            self.expect_symbol('=')?;
            as_user = Some((login, self.expr()?));
        }
        let at = if self.is_word("AT") && self.is_ident_at(1) {
            self.advance();
            if self.is_words(&["DATA_SOURCE"]) && self.is_ident_at(1) {
                self.advance();
            }
            Some(self.ident()?)
        } else {
            None
        };
        Ok(ExecuteTarget::Text { parts, arguments, as_user, at })
    }

    fn execute_text_part(&mut self) -> Parsed<Vec<Expr>> {
        let span = self.span();
        let kind = match &self.token().kind {
            TokenKind::String { value, national } => {
                ExprKind::Literal(crate::ast::Literal::String { value: value.clone(), national: *national })
            }
            TokenKind::Global => ExprKind::GlobalVariable(span.text(self.text).to_owned()),
            _ => ExprKind::Variable(self.used_variable()?),
        };
        if !matches!(kind, ExprKind::Variable(_)) {
            self.advance();
        }
        Ok(vec![Expr::new(kind, span)])
    }

    fn execute_arguments(&mut self) -> Parsed<Vec<ExecuteArgument>> {
        if !self.argument_starts() {
            return Ok(Vec::new());
        }
        self.list(Self::execute_argument)
    }

    fn argument_starts(&self) -> bool {
        match self.token().kind {
            TokenKind::Word(true) => self.is_one_of(&["NULL", "DEFAULT"]),
            TokenKind::Word(false) => !self.is_label_here(),
            TokenKind::Symbol(c) => c == '-' || c == '+' || c == '{',
            TokenKind::End | TokenKind::Bad(_) => false,
            _ => true,
        }
    }

    fn execute_argument(&mut self) -> Parsed<ExecuteArgument> {
        let mut name = None;
        if self.is_variable() && self.is_symbol_at(1, '=') {
            name = Some(self.variable()?);
            self.advance();
        }
        let value = self.execute_value()?;
        let output = self.eat_one_of(&["OUTPUT", "OUT"]).is_some();
        Ok(ExecuteArgument { name, value, output })
    }

    /// A constant, a variable, a bare word, DEFAULT: never an expression.
    fn execute_value(&mut self) -> Parsed<Expr> {
        let start = self.span();
        match self.token().kind {
            TokenKind::Word(true) if self.is_word("NULL") => self.expr(),
            TokenKind::Word(true) if self.is_word("DEFAULT") => {
                self.advance();
                Ok(Expr::new(ExprKind::Default, start))
            }
            TokenKind::Word(false) => self.word_as_literal(),
            TokenKind::Quoted(_) => self.word_as_literal(),
            TokenKind::Symbol('-' | '+') => {
                let minus = self.is_symbol('-');
                self.advance();
                let operand = match self.token().kind {
                    TokenKind::Integer | TokenKind::Decimal | TokenKind::Float | TokenKind::Money(_) => {
                        self.constant()?
                    }
                    _ => return Err(self.unexpected()),
                };
                let op = if minus { crate::ast::UnaryOp::Minus } else { crate::ast::UnaryOp::Plus };
                Ok(Expr::new(ExprKind::Unary { op, operand: Box::new(operand) }, self.since(start)))
            }
            TokenKind::Variable => {
                let name = self.used_variable()?;
                Ok(Expr::new(ExprKind::Variable(name), start))
            }
            TokenKind::Global
            | TokenKind::String { .. }
            | TokenKind::Integer
            | TokenKind::Decimal
            | TokenKind::Float
            | TokenKind::Money(_)
            | TokenKind::Binary(_) => self.constant(),
            TokenKind::Symbol('{') => self.expr(),
            _ => Err(self.unexpected()),
        }
    }

    /// The current literal token alone.
    fn constant(&mut self) -> Parsed<Expr> {
        use crate::ast::Literal;
        let span = self.span();
        let text = || span.text(self.text).to_owned();
        let kind = match &self.token().kind {
            TokenKind::Integer => ExprKind::Literal(Literal::Integer(text())),
            TokenKind::Decimal => ExprKind::Literal(Literal::Decimal(text())),
            TokenKind::Float => ExprKind::Literal(Literal::Float(text())),
            TokenKind::Money(m) => ExprKind::Literal(Literal::Money(m.clone())),
            TokenKind::Binary(b) => ExprKind::Literal(Literal::Binary(b.clone())),
            TokenKind::String { value, national } => {
                ExprKind::Literal(Literal::String { value: value.clone(), national: *national })
            }
            TokenKind::Global => ExprKind::GlobalVariable(text()),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Expr::new(kind, span))
    }

    /// WITH RECOMPILE, WITH RESULT SETS …
    fn execute_options(&mut self) -> Parsed<Vec<ExecuteOption>> {
        let mut options = Vec::new();
        if !(self.is_word("WITH") && self.is_one_of_at(1, &["RECOMPILE", "RESULT"])) {
            return Ok(options);
        }
        self.advance();
        loop {
            if self.eat_word("RECOMPILE") {
                options.push(ExecuteOption::Recompile);
            } else {
                self.expect_words(&["RESULT", "SETS"])?;
                options.push(if self.eat_word("UNDEFINED") {
                    ExecuteOption::ResultSetsUndefined
                } else if self.eat_word("NONE") {
                    ExecuteOption::ResultSetsNone
                } else {
                    ExecuteOption::ResultSets(self.paren_list(Self::result_set)?)
                });
            }
            if !self.eat_symbol(',') {
                return Ok(options);
            }
        }
    }

    fn result_set(&mut self) -> Parsed<ResultSetDefinition> {
        if self.eat_words(&["AS", "OBJECT"]) {
            return Ok(ResultSetDefinition::Object(self.object_name()?));
        }
        if self.eat_words(&["AS", "TYPE"]) {
            return Ok(ResultSetDefinition::Type(self.object_name()?));
        }
        if self.eat_words(&["AS", "FOR", "XML"]) {
            return Ok(ResultSetDefinition::ForXml);
        }
        Ok(ResultSetDefinition::Columns(self.paren_list(|p| {
            let name = p.ident()?;
            let data_type = p.data_type()?;
            let collation = if p.eat_word("COLLATE") { Some(p.ident()?) } else { None };
            let nullable = if p.eat_words(&["NOT", "NULL"]) {
                Some(false)
            } else if p.eat_word("NULL") {
                Some(true)
            } else {
                None
            };
            Ok(ResultColumn { name, data_type, collation, nullable })
        })?))
    }

    /// After EXECUTE, at AS.
    fn execute_as(&mut self) -> Parsed<StatementKind> {
        self.expect_word("AS")?;
        let principal = if self.eat_word("CALLER") {
            ExecuteAsPrincipal::Caller
        } else if self.eat_word("USER") {
            self.expect_symbol('=')?;
            ExecuteAsPrincipal::User(self.expr()?)
        } else if self.eat_word("LOGIN") {
            self.expect_symbol('=')?;
            ExecuteAsPrincipal::Login(self.expr()?)
        } else {
            return Err(self.unexpected());
        };
        let mut statement = ExecuteAs { principal, no_revert: false, cookie: None };
        if self.is_words(&["WITH", "NO", "REVERT"]) {
            (0..3).for_each(|_| self.advance());
            statement.no_revert = true;
        } else if self.is_words(&["WITH", "COOKIE", "INTO"]) {
            (0..3).for_each(|_| self.advance());
            statement.cookie = Some(self.used_variable()?);
        }
        Ok(StatementKind::ExecuteAs(statement))
    }
}
