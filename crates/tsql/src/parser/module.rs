//! Procedures, functions, triggers, views. A module's text is its statement's span; its body is parsed like a batch.

use super::{Parsed, Parser, error};
use crate::Span;
use crate::ast::{
    CreateFunction, CreateProcedure, CreateTrigger, CreateView, Ddl, ExecuteAsPrincipal, FunctionReturns,
    ModuleAction, ModuleBody, ModuleOptions, Parameter, Statement, StatementKind, TriggerTarget,
};
use crate::lexer::TokenKind;

fn ddl(d: Ddl) -> StatementKind {
    StatementKind::Ddl(Box::new(d))
}

impl Parser<'_> {
    /// Error 111 unless the module begins its batch.
    pub(crate) fn must_be_first(&self, first: bool, start: Span, what: &str) -> Parsed<()> {
        if first {
            return Ok(());
        }
        Err(error(111, 15, 1, start, format!("'{what}' must be the first statement in a query batch.")))
    }

    /// Runs `f` as the body of a module: its variables are its own.
    fn module_scope<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let uses = std::mem::take(&mut self.uses);
        let outer = std::mem::replace(&mut self.in_module, true);
        let r = f(self);
        self.uses = uses;
        self.in_module = outer;
        r
    }

    pub(crate) fn create_view(&mut self, action: ModuleAction) -> Parsed<StatementKind> {
        let view = self.view_definition(action)?;
        while self.eat_symbol(';') {}
        self.expect_end()?;
        Ok(view)
    }

    /// A view up to where its text ends; inside CREATE SCHEMA more may follow.
    pub(crate) fn view_definition(&mut self, action: ModuleAction) -> Parsed<StatementKind> {
        self.module_scope(|p| {
            let name = p.object_name()?;
            let columns = if p.is_symbol('(') { p.paren_list(Self::ident)? } else { Vec::new() };
            let options = p.module_options()?;
            p.expect_word("AS")?;
            let query = p.query()?;
            let check_option = p.eat_words(&["WITH", "CHECK", "OPTION"]);
            Ok(ddl(Ddl::CreateView(Box::new(CreateView {
                action,
                name,
                columns,
                options,
                query,
                check_option,
            }))))
        })
    }

    fn module_options(&mut self) -> Parsed<ModuleOptions> {
        let mut options = ModuleOptions::default();
        if !self.eat_word("WITH") {
            return Ok(options);
        }
        loop {
            if self.eat_word("SCHEMABINDING") {
                options.schema_binding = true;
            } else if self.eat_word("ENCRYPTION") {
                options.encryption = true;
            } else if self.eat_word("RECOMPILE") {
                options.recompile = true;
            } else if self.eat_word("VIEW_METADATA") {
                options.view_metadata = true;
            } else if self.eat_word("NATIVE_COMPILATION") {
                options.native_compilation = true;
            } else if self.eat_words(&["RETURNS", "NULL", "ON", "NULL", "INPUT"]) {
                options.null_on_null_input = true;
            } else if self.eat_words(&["CALLED", "ON", "NULL", "INPUT"]) {
                options.null_on_null_input = false;
            } else if self.eat_word("INLINE") {
                self.expect_symbol('=')?;
                options.inline = Some(self.on_off()?);
            } else if self.is_one_of(&["EXEC", "EXECUTE"]) {
                self.advance();
                self.expect_word("AS")?;
                options.execute_as = Some(if self.eat_word("CALLER") {
                    ExecuteAsPrincipal::Caller
                } else if self.eat_word("OWNER") {
                    ExecuteAsPrincipal::Owner
                } else if self.eat_word("SELF") {
                    ExecuteAsPrincipal::Self_
                } else {
                    ExecuteAsPrincipal::User(self.expr()?)
                });
            } else {
                return Err(self.unexpected());
            }
            if !self.eat_symbol(',') {
                return Ok(options);
            }
        }
    }

    fn parameters(&mut self) -> Parsed<Vec<Parameter>> {
        self.list(|p| {
            let start = p.span();
            let name = p.variable()?;
            p.eat_word("AS");
            let data_type = p.data_type()?;
            let mut parameter = Parameter {
                name,
                data_type,
                default: None,
                output: false,
                readonly: false,
                varying: false,
                nullable: None,
                span: start,
            };
            loop {
                if p.eat_word("VARYING") {
                    parameter.varying = true;
                } else if p.eat_words(&["NOT", "NULL"]) {
                    parameter.nullable = Some(false);
                } else if p.eat_word("NULL") {
                    parameter.nullable = Some(true);
                } else if p.eat_symbol('=') {
                    parameter.default = Some(p.parameter_default()?);
                } else if p.eat_one_of(&["OUTPUT", "OUT"]).is_some() {
                    parameter.output = true;
                } else if p.eat_word("READONLY") {
                    parameter.readonly = true;
                } else {
                    break;
                }
            }
            parameter.span = p.since(start);
            Ok(parameter)
        })
    }

    /// A constant or a bare word (a string).
    fn parameter_default(&mut self) -> Parsed<crate::ast::Expr> {
        if matches!(self.token().kind, TokenKind::Word(false) | TokenKind::Quoted(_))
            && !self.is_symbol_at(1, '(')
        {
            return self.word_as_literal();
        }
        self.expr()
    }

    pub(crate) fn create_procedure(&mut self, action: ModuleAction) -> Parsed<StatementKind> {
        self.module_scope(|p| {
            let name = p.object_name()?;
            let mut number = None;
            if p.eat_symbol(';') {
                number = Some(p.integer()?);
            }
            let mut parameters = Vec::new();
            if p.is_symbol('(') && matches!(p.token_at(1).kind, TokenKind::Variable) {
                p.advance();
                parameters = p.parameters()?;
                p.expect_symbol(')')?;
            } else if p.is_symbol('(') && p.is_symbol_at(1, ')') {
                p.advance();
                p.advance();
            } else if p.is_variable() {
                parameters = p.parameters()?;
            }
            let mut options = p.module_options()?;
            let for_replication = p.eat_words(&["FOR", "REPLICATION"]);
            if p.is_word("WITH") {
                options = p.module_options()?;
            }
            p.expect_word("AS")?;
            let body = p.module_body()?;
            Ok(ddl(Ddl::CreateProcedure(Box::new(CreateProcedure {
                action,
                name,
                number,
                parameters,
                options,
                for_replication,
                body,
                uses: std::mem::take(&mut p.uses),
            }))))
        })
    }

    /// All statements to the end of the batch, or EXTERNAL NAME.
    fn module_body(&mut self) -> Parsed<ModuleBody> {
        if let Some(external) = self.external_name()? {
            return Ok(external);
        }
        Ok(ModuleBody::Statements(self.statement_list(true, Self::at_end)?))
    }

    fn external_name(&mut self) -> Parsed<Option<ModuleBody>> {
        if !self.eat_words(&["EXTERNAL", "NAME"]) {
            return Ok(None);
        }
        let parts = self.name_parts(3)?;
        while self.eat_symbol(';') {}
        Ok(Some(ModuleBody::External(parts)))
    }

    pub(crate) fn create_function(&mut self, action: ModuleAction) -> Parsed<StatementKind> {
        let start = self.span();
        self.module_scope(|p| {
            let name = p.object_name()?;
            p.expect_symbol('(')?;
            let parameters = if p.is_variable() { p.parameters()? } else { Vec::new() };
            p.expect_symbol(')')?;
            p.expect_word("RETURNS")?;
            let mut options = ModuleOptions::default();
            let returns = p.function_returns(&mut options)?;
            while p.eat_symbol(';') {}
            p.expect_end()?;
            let span = p.since(start);
            let uses = std::mem::take(&mut p.uses);
            let function = CreateFunction { action, name, parameters, options, returns, uses, span };
            Ok(ddl(Ddl::CreateFunction(Box::new(function))))
        })
    }

    fn function_returns(&mut self, options: &mut ModuleOptions) -> Parsed<FunctionReturns> {
        if self.is_variable() {
            let variable = self.variable()?;
            self.expect_word("TABLE")?;
            let definition = self.table_definition()?;
            *options = self.module_options()?;
            self.eat_word("AS");
            let body = self.function_body()?;
            return Ok(FunctionReturns::Table { variable, definition, body });
        }
        if self.eat_word("TABLE") {
            if self.is_symbol('(') {
                let definition = self.table_definition()?;
                *options = self.module_options()?;
                if self.eat_word("ORDER") {
                    self.skip_parentheses()?;
                }
                self.eat_word("AS");
                let Some(body) = self.external_name()? else { return Err(self.unexpected()) };
                return Ok(FunctionReturns::ExternalTable { definition, body });
            }
            *options = self.module_options()?;
            self.eat_word("AS");
            self.expect_word("RETURN")?;
            // `RETURN (WITH … SELECT …)`: a query with common table expressions in parentheses, as nothing else may have.
            if self.is_symbol('(') && self.is_word_at(1, "WITH") {
                self.advance();
                let query = self.query()?;
                self.expect_symbol(')')?;
                return Ok(FunctionReturns::Inline(query));
            }
            return Ok(FunctionReturns::Inline(self.query()?));
        }
        let data_type = self.data_type()?;
        *options = self.module_options()?;
        self.eat_word("AS");
        if let Some(body) = self.external_name()? {
            return Ok(FunctionReturns::Scalar { data_type, body });
        }
        let body = ModuleBody::Statements(self.function_body()?);
        Ok(FunctionReturns::Scalar { data_type, body })
    }

    /// `BEGIN [ATOMIC WITH (…)] … END`
    fn function_body(&mut self) -> Parsed<Vec<Statement>> {
        self.expect_word("BEGIN")?;
        if self.eat_words(&["ATOMIC", "WITH"]) {
            self.skip_parentheses()?;
        }
        let body = self.statements_until(Self::at_block_end)?;
        self.expect_word("END")?;
        Ok(body)
    }

    pub(crate) fn create_trigger(&mut self, action: ModuleAction) -> Parsed<StatementKind> {
        self.module_scope(|p| {
            let name = p.object_name()?;
            p.expect_word("ON")?;
            let on = p.trigger_target()?;
            let options = p.module_options()?;
            let instead_of = p.eat_words(&["INSTEAD", "OF"]);
            if !instead_of && p.eat_one_of(&["FOR", "AFTER"]).is_none() {
                return Err(p.unexpected());
            }
            let of_rows = matches!(on, TriggerTarget::Object(_));
            let events = p.list(|p| match of_rows && !p.is_one_of(&["INSERT", "UPDATE", "DELETE"]) {
                true => Err(p.unexpected()),
                false => p.upper_word(),
            })?;
            let append = p.eat_words(&["WITH", "APPEND"]);
            let not_for_replication = p.eat_words(&["NOT", "FOR", "REPLICATION"]);
            p.expect_word("AS")?;
            let body = p.module_body()?;
            Ok(ddl(Ddl::CreateTrigger(Box::new(CreateTrigger {
                action,
                name,
                on,
                options,
                instead_of,
                events,
                append,
                not_for_replication,
                body,
                uses: std::mem::take(&mut p.uses),
            }))))
        })
    }

    pub(crate) fn trigger_target(&mut self) -> Parsed<TriggerTarget> {
        if self.eat_word("DATABASE") {
            return Ok(TriggerTarget::Database);
        }
        if self.eat_words(&["ALL", "SERVER"]) {
            return Ok(TriggerTarget::AllServer);
        }
        Ok(TriggerTarget::Object(self.object_name()?))
    }

    /// ENABLE/DISABLE TRIGGER names ON target
    pub(crate) fn enable_trigger(&mut self) -> Parsed<StatementKind> {
        let enable = self.is_word("ENABLE");
        self.advance();
        self.advance();
        let all = self.eat_word("ALL");
        let names = if all { Vec::new() } else { self.list(Self::object_name)? };
        self.expect_word("ON")?;
        let on = self.trigger_target()?;
        Ok(ddl(Ddl::EnableTrigger { enable, names, all, on }))
    }
}
