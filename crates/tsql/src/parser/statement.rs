//! Batches, the statement dispatcher, control flow, variables, options, transactions, cursors.

use super::{MAX_CHAIN, Parsed, Parser, error};
use crate::Span;
use crate::ast::walk::{Met, walk_expr};
use crate::ast::{
    Batch, CursorDeclaration, CursorName, Declaration, DeclarationKind, Expr, ExprKind, Fetch,
    FetchDirection, Ident, IsolationLevel, Literal, NameOrVariable, RaisError, SelectStatement, SetOption,
    SetValue, SetVariable, Statement, StatementKind, Throw, WaitFor,
};
use crate::lexer::TokenKind;

/// Functions over the rows of a group.
const AGGREGATES: [&str; 16] = [
    "APPROX_COUNT_DISTINCT",
    "AVG",
    "CHECKSUM_AGG",
    "COUNT",
    "COUNT_BIG",
    "GROUPING",
    "GROUPING_ID",
    "MAX",
    "MIN",
    "STDEV",
    "STDEVP",
    "STRING_AGG",
    "SUM",
    "VAR",
    "VARP",
    "JSON_ARRAYAGG",
];

/// Options of SET that are on or off, sorted.
const FLAGS: &[&str] = &[
    "ANSI_DEFAULTS",
    "ANSI_NULLS",
    "ANSI_NULL_DFLT_OFF",
    "ANSI_NULL_DFLT_ON",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ARITHABORT",
    "ARITHIGNORE",
    "CONCAT_NULL_YIELDS_NULL",
    "CURSOR_CLOSE_ON_COMMIT",
    "DISABLE_DEF_CNST_CHK",
    "FMTONLY",
    "FORCEPLAN",
    "IMPLICIT_TRANSACTIONS",
    "NOCOUNT",
    "NOEXEC",
    "NO_BROWSETABLE",
    "NUMERIC_ROUNDABORT",
    "PARSEONLY",
    "QUOTED_IDENTIFIER",
    "REMOTE_PROC_TRANSACTIONS",
    "RESULT_SET_CACHING",
    "SHOWPLAN_ALL",
    "SHOWPLAN_TEXT",
    "SHOWPLAN_XML",
    "XACT_ABORT",
];

/// Options of SET with a value.
const VALUES: &[&str] = &[
    "CONTEXT_INFO",
    "DATEFIRST",
    "DATEFORMAT",
    "DEADLOCK_PRIORITY",
    "ERRLVL",
    "FIPS_FLAGGER",
    "LANGUAGE",
    "LOCK_TIMEOUT",
    "QUERY_GOVERNOR_COST_LIMIT",
    "ROWCOUNT",
    "TEXTSIZE",
];

impl Parser<'_> {
    pub(crate) fn batch(&mut self) -> Parsed<Batch> {
        let statements = self.statement_list(true, Self::at_end)?;
        Ok(Batch { statements, uses: std::mem::take(&mut self.uses) })
    }

    /// Statements up to where `end` holds.
    pub(crate) fn statements_until(&mut self, end: impl Fn(&Self) -> bool) -> Parsed<Vec<Statement>> {
        self.statement_list(false, end)
    }

    /// Like [`Parser::statements_until`]; `outermost` lists may begin with a procedure call without EXECUTE.
    pub(crate) fn statement_list(
        &mut self,
        outermost: bool,
        end: impl Fn(&Self) -> bool,
    ) -> Parsed<Vec<Statement>> {
        let mut out = Vec::new();
        loop {
            let mut separated = out.is_empty();
            while self.eat_symbol(';') {
                separated = true;
            }
            if end(self) {
                return Ok(out);
            }
            // A label or a block ends by itself.
            let ended = |s: &Statement| {
                matches!(
                    s.kind,
                    StatementKind::Label(_)
                        | StatementKind::Block(_)
                        | StatementKind::If { .. }
                        | StatementKind::While { .. }
                        | StatementKind::TryCatch { .. }
                )
            };
            if !separated && self.is_word("WITH") && !out.last().is_some_and(ended) {
                return Err(self.unexpected());
            }
            let first = outermost && out.is_empty();
            out.push(self.statement(first)?);
        }
    }

    /// True at the END of a block (END CONVERSATION is a statement).
    pub(crate) fn at_block_end(&self) -> bool {
        self.is_word("END") && !self.is_word_at(1, "CONVERSATION")
    }

    /// One statement; `first` allows a procedure call without EXECUTE and statements that must come first.
    pub(crate) fn statement(&mut self, first: bool) -> Parsed<Statement> {
        let start = self.span();
        let kind = self.nested(|p| p.statement_kind(first))?;
        Ok(Statement { kind, span: self.since(start) })
    }

    /// 1046: some statements take values, but no query.
    pub(crate) fn refuse_subquery(&self, value: &Expr) -> Parsed<()> {
        let mut found = None;
        walk_expr(value, &mut |met| {
            if let Met::Expr(e) = met
                && let ExprKind::Subquery(_)
                | ExprKind::Exists(_)
                | ExprKind::InSubquery { .. }
                | ExprKind::Quantified { .. } = e.kind
            {
                found = found.or(Some(e.span));
            }
        });
        match found {
            None => Ok(()),
            Some(span) => {
                let text = "Subqueries are not allowed in this context. Only scalar expressions are allowed.";
                Err(error(1046, 15, 1, span, text.to_owned()))
            }
        }
    }

    /// 1046 and 175: computed columns and constraints are about one row.
    pub(crate) fn refuse_many_rows(&self, value: &Expr) -> Parsed<()> {
        self.refuse_subquery(value)?;
        let mut found = None;
        walk_expr(value, &mut |met| {
            if let Met::Call(call) = met
                && call.name.is_simple()
                && call.over.is_none()
                && AGGREGATES.iter().any(|a| call.name.name.is(a))
            {
                found = found.or(Some(call.name.name.span));
            }
        });
        match found {
            None => Ok(()),
            Some(span) => {
                let text = "An aggregate may not appear in a computed column expression or check constraint.";
                Err(error(175, 15, 1, span, text.to_owned()))
            }
        }
    }

    fn statement_kind(&mut self, first: bool) -> Parsed<StatementKind> {
        let word = match self.token().kind {
            TokenKind::Word(_) => self.word().to_ascii_uppercase(),
            TokenKind::Symbol('(') => return self.select_statement(),
            TokenKind::Quoted(_) if first => return self.implicit_execute(),
            _ => return Err(self.unexpected()),
        };
        if self.is_label_here() {
            let label = self.take_ident();
            self.advance();
            return Ok(StatementKind::Label(label));
        }
        match word.as_str() {
            "SELECT" => self.select_statement(),
            "WITH" => self.with_statement(),
            "INSERT" if self.is_word_at(1, "BULK") => self.insert_bulk(),
            "INSERT" => self.insert(None),
            "UPDATE" if self.is_word_at(1, "STATISTICS") => self.update_statistics(),
            "UPDATE" => self.update(None),
            "DELETE" => self.delete(None),
            "MERGE" => self.merge_statement(None),
            "TRUNCATE" => self.truncate(),
            "BULK" => self.bulk_insert(),
            "READTEXT" | "WRITETEXT" | "UPDATETEXT" => self.text_pointer(word),
            "DECLARE" => self.declare(),
            "SET" => self.set(),
            "BEGIN" => self.begin(),
            "IF" => self.if_statement(),
            "WHILE" => self.while_statement(),
            "BREAK" => self.single(StatementKind::Break),
            "CONTINUE" => self.single(StatementKind::Continue),
            "RETURN" => self.return_statement(),
            "GOTO" => {
                self.advance();
                Ok(StatementKind::Goto(self.ident()?))
            }
            "WAITFOR" => self.wait_for(),
            "PRINT" => {
                self.advance();
                let value = self.expr()?;
                self.refuse_subquery(&value)?;
                Ok(StatementKind::Print(value))
            }
            "RAISERROR" => self.raiserror(),
            "EXEC" | "EXECUTE" => self.execute_statement(),
            "REVERT" => {
                self.advance();
                let mut cookie = None;
                if self.is_words(&["WITH", "COOKIE"]) {
                    self.advance();
                    self.advance();
                    self.expect_symbol('=')?;
                    cookie = Some(self.expr()?);
                }
                Ok(StatementKind::Revert { cookie })
            }
            "USE" => {
                if self.in_module {
                    let text = "a USE database statement is not allowed in a procedure, function or trigger.";
                    return Err(error(154, 15, 1, self.span(), text.to_owned()));
                }
                self.advance();
                Ok(StatementKind::Use(self.ident()?))
            }
            "OPEN" | "CLOSE" if self.is_one_of_at(1, &["MASTER", "SYMMETRIC", "ALL"]) => self.unsupported(2),
            "OPEN" => {
                self.advance();
                Ok(StatementKind::OpenCursor(self.cursor_name()?))
            }
            "CLOSE" => {
                self.advance();
                Ok(StatementKind::CloseCursor(self.cursor_name()?))
            }
            "DEALLOCATE" => {
                self.advance();
                self.eat_word("CURSOR");
                Ok(StatementKind::DeallocateCursor(self.cursor_name()?))
            }
            "FETCH" => self.fetch(),
            "COMMIT" | "ROLLBACK" | "SAVE" => self.end_transaction(&word),
            "BACKUP" => self.backup(),
            "RESTORE" => self.restore(),
            "DBCC" => self.dbcc(),
            "KILL" => self.kill(),
            "CHECKPOINT" => {
                self.advance();
                let duration =
                    if self.token().kind == TokenKind::Integer { Some(self.expr()?) } else { None };
                Ok(StatementKind::Checkpoint(duration))
            }
            "RECONFIGURE" => {
                self.advance();
                Ok(StatementKind::Reconfigure { with_override: self.eat_words(&["WITH", "OVERRIDE"]) })
            }
            "SHUTDOWN" => {
                self.advance();
                Ok(StatementKind::Shutdown { no_wait: self.eat_words(&["WITH", "NOWAIT"]) })
            }
            "CREATE" | "ALTER" | "DROP" => self.ddl(first),
            "GRANT" | "DENY" | "REVOKE" => self.permission(),
            "ADD" => self.unsupported(3),
            // The older form of EXECUTE AS USER and REVERT.
            "SETUSER" => {
                self.advance();
                if !matches!(self.token().kind, TokenKind::String { .. } | TokenKind::Variable) {
                    return Ok(StatementKind::Revert { cookie: None });
                }
                let principal = crate::ast::ExecuteAsPrincipal::User(self.expr()?);
                let no_revert = self.eat_words(&["WITH", "NORESET"]);
                Ok(StatementKind::ExecuteAs(crate::ast::ExecuteAs { principal, no_revert, cookie: None }))
            }
            "END" if self.is_word_at(1, "CONVERSATION") => self.unsupported(2),
            "THROW" if !first || self.throw_follows() => self.throw(),
            "ENABLE" | "DISABLE" if self.is_word_at(1, "TRIGGER") => self.enable_trigger(),
            "RECEIVE" if !first || self.is_word_at(1, "TOP") || self.is_symbol_at(1, '*') => {
                self.unsupported(1)
            }
            "SEND" if self.is_word_at(1, "ON") => self.unsupported(3),
            "GET" | "MOVE" if self.is_word_at(1, "CONVERSATION") => self.unsupported(2),
            _ if first && self.is_ident() => self.implicit_execute(),
            _ => Err(self.unexpected()),
        }
    }

    pub(crate) fn is_one_of_at(&self, n: usize, words: &[&str]) -> bool {
        words.iter().any(|w| self.is_word_at(n, w))
    }

    fn single(&mut self, kind: StatementKind) -> Parsed<StatementKind> {
        self.advance();
        Ok(kind)
    }

    fn select_statement(&mut self) -> Parsed<StatementKind> {
        let query = self.query()?;
        let options = self.option_clause()?;
        Ok(StatementKind::Select(Box::new(SelectStatement { query, options })))
    }

    /// WITH before any of the data statements.
    fn with_statement(&mut self) -> Parsed<StatementKind> {
        let start = self.span();
        let with = self.with_clause()?;
        if self.is_word("INSERT") {
            self.insert(Some(with))
        } else if self.is_word("UPDATE") {
            self.update(Some(with))
        } else if self.is_word("DELETE") {
            self.delete(Some(with))
        } else if self.is_word("MERGE") {
            self.merge_statement(Some(with))
        } else {
            let query = self.nested(|p| {
                let first = p.query_primary()?;
                p.query_after_first(Some(with), first, start)
            })?;
            let options = self.option_clause()?;
            Ok(StatementKind::Select(Box::new(SelectStatement { query, options })))
        }
    }

    // ---- control flow ----

    fn begin(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.is_one_of(&["TRAN", "TRANSACTION", "DISTRIBUTED"]) {
            return self.begin_transaction();
        }
        if self.is_one_of(&["DIALOG", "CONVERSATION"]) {
            self.position -= 1;
            return self.unsupported(2);
        }
        if self.eat_word("TRY") {
            return self.try_catch();
        }
        if self.is_words(&["ATOMIC", "WITH"]) {
            self.advance();
            self.advance();
            self.skip_parentheses()?;
        }
        let body = self.statements_until(Self::at_block_end)?;
        if body.is_empty() {
            return Err(self.unexpected());
        }
        self.expect_word("END")?;
        Ok(StatementKind::Block(body))
    }

    fn try_catch(&mut self) -> Parsed<StatementKind> {
        let body = self.statements_until(Self::at_block_end)?;
        if body.is_empty() {
            return Err(self.unexpected());
        }
        self.expect_words(&["END", "TRY"])?;
        while self.eat_symbol(';') {}
        self.expect_words(&["BEGIN", "CATCH"])?;
        let handler = self.statements_until(Self::at_block_end)?;
        self.expect_words(&["END", "CATCH"])?;
        Ok(StatementKind::TryCatch { body, handler })
    }

    /// A chain of ELSE IF is read in a loop, so that its length does not count as nesting.
    fn if_statement(&mut self) -> Parsed<StatementKind> {
        let mut chain: Vec<(Span, Expr, Box<Statement>)> = Vec::new();
        let mut otherwise = None;
        loop {
            let start = self.span();
            self.expect_word("IF")?;
            let condition = self.condition()?;
            let then = Box::new(self.statement(false)?);
            chain.push((start, condition, then));
            let mut semicolons = 0;
            while self.is_symbol_at(semicolons, ';') {
                semicolons += 1;
            }
            if !self.is_word_at(semicolons, "ELSE") {
                break;
            }
            (0..=semicolons).for_each(|_| self.advance());
            if !self.is_word("IF") {
                otherwise = Some(Box::new(self.statement(false)?));
                break;
            }
            if chain.len() >= MAX_CHAIN as usize {
                return Err(self.too_deep());
            }
        }
        let end = self.last_span();
        while let Some((start, condition, then)) = chain.pop() {
            let kind = StatementKind::If { condition, then, otherwise };
            if chain.is_empty() {
                return Ok(kind);
            }
            otherwise = Some(Box::new(Statement { kind, span: start.to(end) }));
        }
        Err(self.unexpected())
    }

    fn while_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let condition = self.condition()?;
        let body = Box::new(self.statement(false)?);
        Ok(StatementKind::While { condition, body })
    }

    fn return_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let value = match self.token().kind {
            TokenKind::End | TokenKind::Bad(_) | TokenKind::Symbol(';' | ')' | '}') => false,
            TokenKind::Word(true) => {
                self.is_one_of(&[
                    "CASE",
                    "NULL",
                    "CONVERT",
                    "TRY_CONVERT",
                    "COALESCE",
                    "NULLIF",
                    "USER",
                    "SYSTEM_USER",
                    "SESSION_USER",
                    "CURRENT_USER",
                    "CURRENT_TIMESTAMP",
                    "CURRENT_DATE",
                ]) || (self.is_one_of(&["LEFT", "RIGHT"]) && self.is_symbol_at(1, '('))
            }
            TokenKind::Word(false) => !self.is_label_here() && !self.is_word("THROW"),
            _ => true,
        };
        Ok(StatementKind::Return(if value { Some(self.expr()?) } else { None }))
    }

    fn wait_for(&mut self) -> Parsed<StatementKind> {
        let start = self.span();
        self.advance();
        if self.eat_word("DELAY") {
            return Ok(StatementKind::WaitFor(WaitFor::Delay(self.expr()?)));
        }
        if self.eat_word("TIME") {
            return Ok(StatementKind::WaitFor(WaitFor::Time(self.expr()?)));
        }
        self.skip_parentheses()?;
        if self.eat_symbol(',') {
            self.expect_word("TIMEOUT")?;
            self.expr()?;
        }
        Ok(StatementKind::WaitFor(WaitFor::Other(self.since(start).text(self.text).to_owned())))
    }

    fn raiserror(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.expect_symbol('(')?;
        let message = self.expr()?;
        self.expect_symbol(',')?;
        let severity = self.expr()?;
        self.expect_symbol(',')?;
        let state = self.expr()?;
        let mut arguments = Vec::new();
        while self.eat_symbol(',') {
            arguments.push(self.expr()?);
        }
        self.expect_symbol(')')?;
        let mut r =
            RaisError { message, severity, state, arguments, log: false, no_wait: false, set_error: false };
        if self.is_word("WITH") && self.is_one_of_at(1, &["LOG", "NOWAIT", "SETERROR"]) {
            self.advance();
            loop {
                match self.eat_one_of(&["LOG", "NOWAIT", "SETERROR"]) {
                    Some("LOG") => r.log = true,
                    Some("NOWAIT") => r.no_wait = true,
                    Some(_) => r.set_error = true,
                    None => return Err(self.unexpected()),
                }
                if !self.eat_symbol(',') {
                    break;
                }
            }
        }
        Ok(StatementKind::RaisError(Box::new(r)))
    }

    /// At the beginning of a batch THROW could be a procedure's name.
    fn throw_follows(&self) -> bool {
        matches!(
            self.token_at(1).kind,
            TokenKind::Integer | TokenKind::Variable | TokenKind::Symbol(';') | TokenKind::End
        )
    }

    fn throw(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if !matches!(self.token().kind, TokenKind::Integer | TokenKind::Variable) {
            return Ok(StatementKind::Throw(None));
        }
        let number = self.expr()?;
        self.expect_symbol(',')?;
        let message = self.expr()?;
        self.expect_symbol(',')?;
        let state = self.expr()?;
        Ok(StatementKind::Throw(Some(Box::new(Throw { number, message, state }))))
    }

    // ---- variables and options ----

    fn declare(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.is_ident() {
            let name = self.ident()?;
            return Ok(StatementKind::DeclareCursor(Box::new(self.cursor_declaration(name)?)));
        }
        let declarations = self.list(|p| {
            let start = p.span();
            let name = p.variable()?;
            p.eat_word("AS");
            let kind = if p.is_word("CURSOR") {
                p.advance();
                DeclarationKind::Cursor
            } else if p.is_word("TABLE") {
                p.advance();
                DeclarationKind::Table(Box::new(p.table_definition()?))
            } else {
                let data_type = p.data_type()?;
                let initial = if p.eat_symbol('=') { Some(p.expr()?) } else { None };
                DeclarationKind::Scalar { data_type, initial }
            };
            Ok(Declaration { name, kind, span: p.since(start) })
        })?;
        Ok(StatementKind::Declare(declarations))
    }

    fn cursor_declaration(&mut self, name: Ident) -> Parsed<CursorDeclaration> {
        let mut options = Vec::new();
        while !self.is_word("CURSOR") {
            options.push(self.upper_word()?);
        }
        self.advance();
        while !self.is_word("FOR") {
            options.push(self.upper_word()?);
        }
        self.advance();
        let query = self.query()?;
        let hints = self.option_clause()?;
        let mut query = SelectStatement { query, options: hints };
        if self.is_word("FOR") && query.query.for_clause.is_none() {
            query.query.for_clause = self.cursor_for()?;
        }
        Ok(CursorDeclaration { name, options, query })
    }

    fn cursor_for(&mut self) -> Parsed<Option<crate::ast::ForClause>> {
        if self.eat_words(&["FOR", "READ", "ONLY"]) {
            return Ok(Some(crate::ast::ForClause::ReadOnly));
        }
        self.expect_words(&["FOR", "UPDATE"])?;
        let columns = if self.eat_word("OF") { self.list(Self::ident)? } else { Vec::new() };
        Ok(Some(crate::ast::ForClause::Update(columns)))
    }

    fn set(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.is_variable() {
            return self.set_variable();
        }
        if self.eat_words(&["TRANSACTION", "ISOLATION", "LEVEL"])
            || self.eat_words(&["TRAN", "ISOLATION", "LEVEL"])
        {
            return self.isolation_level();
        }
        if self.eat_word("IDENTITY_INSERT") {
            let table = self.object_name()?;
            let on = self.on_off()?;
            return Ok(StatementKind::SetOption(SetOption::IdentityInsert { table, on }));
        }
        if self.eat_word("STATISTICS") {
            let names = self.list(Self::upper_word)?;
            let on = self.on_off()?;
            return Ok(StatementKind::SetOption(SetOption::Statistics { names, on }));
        }
        if self.eat_word("OFFSETS") {
            let names = self.list(Self::upper_word)?;
            let on = self.on_off()?;
            return Ok(StatementKind::SetOption(SetOption::Offsets { names, on }));
        }
        let span = self.span();
        let shown = self.shown_token();
        let name = self.upper_word()?;
        if VALUES.contains(&name.as_str()) {
            let value = self.set_value()?;
            return Ok(StatementKind::SetOption(SetOption::Value { name, value }));
        }
        if !FLAGS.contains(&name.as_str()) {
            return Err(error(195, 15, 5, span, format!("'{shown}' is not a recognized SET option.")));
        }
        let mut names = vec![name];
        while self.eat_symbol(',') {
            names.push(self.upper_word()?);
        }
        let on = self.on_off()?;
        if names.iter().any(|n| n == "QUOTED_IDENTIFIER" || n == "ANSI_DEFAULTS") && !self.in_module {
            self.switch_quoted_identifier(on);
        }
        Ok(StatementKind::SetOption(SetOption::Flags { names, on }))
    }

    /// A value; a bare word counts as a string.
    fn set_value(&mut self) -> Parsed<Expr> {
        let span = self.span();
        if let TokenKind::Word(_) = self.token().kind
            && !self.is_word("NULL")
        {
            let word = self.take_ident();
            let literal = Literal::String { value: word.text, national: false };
            return Ok(Expr::new(ExprKind::Literal(literal), span));
        }
        self.expr()
    }

    fn isolation_level(&mut self) -> Parsed<StatementKind> {
        let level = if self.eat_words(&["READ", "UNCOMMITTED"]) {
            IsolationLevel::ReadUncommitted
        } else if self.eat_words(&["READ", "COMMITTED"]) {
            IsolationLevel::ReadCommitted
        } else if self.eat_words(&["REPEATABLE", "READ"]) {
            IsolationLevel::RepeatableRead
        } else if self.eat_word("SNAPSHOT") {
            IsolationLevel::Snapshot
        } else if self.eat_word("SERIALIZABLE") {
            IsolationLevel::Serializable
        } else {
            return Err(self.unexpected());
        };
        Ok(StatementKind::SetOption(SetOption::TransactionIsolation(level)))
    }

    fn set_variable(&mut self) -> Parsed<StatementKind> {
        let name = self.used_variable()?;
        if self.eat_symbol('.') || (self.is_symbol(':') && self.is_symbol_at(1, ':')) {
            if self.is_symbol(':') {
                self.advance();
                self.advance();
            }
            let member = self.any_word()?;
            let arguments = if self.eat_symbol('(') { Some(self.arguments_until_close()?) } else { None };
            let value = if arguments.is_none() {
                self.expect_symbol('=')?;
                Some(self.expr()?)
            } else {
                None
            };
            let value = SetValue::Member { member, arguments, value };
            return Ok(StatementKind::SetVariable(SetVariable { name, value }));
        }
        let op = self.assign_op()?;
        if self.is_word("CURSOR") {
            let declaration = self.cursor_declaration(Ident::default())?;
            let value = SetValue::Cursor(Box::new(declaration));
            return Ok(StatementKind::SetVariable(SetVariable { name, value }));
        }
        // Checked by the runner when the variable is a cursor: `SET @c = name`.
        let value = SetValue::Expr { op, value: self.expr()? };
        Ok(StatementKind::SetVariable(SetVariable { name, value }))
    }

    // ---- transactions ----

    fn transaction_name(&mut self) -> Parsed<Option<NameOrVariable>> {
        if self.is_variable() {
            return Ok(Some(NameOrVariable::Variable(self.used_variable()?)));
        }
        if self.is_ident() && !self.is_label_here() && !self.is_word("THROW") {
            return Ok(Some(NameOrVariable::Name(self.ident()?)));
        }
        Ok(None)
    }

    fn begin_transaction(&mut self) -> Parsed<StatementKind> {
        let distributed = self.eat_word("DISTRIBUTED");
        if self.eat_one_of(&["TRAN", "TRANSACTION"]).is_none() {
            return Err(self.unexpected());
        }
        let name = self.transaction_name()?;
        let mut mark = None;
        if self.eat_words(&["WITH", "MARK"]) {
            let given = self.is_string() || self.is_variable();
            mark = Some(if given { Some(self.expr()?) } else { None });
        }
        Ok(StatementKind::BeginTransaction { name, distributed, mark })
    }

    fn end_transaction(&mut self, word: &str) -> Parsed<StatementKind> {
        self.advance();
        let full = self.eat_one_of(&["TRAN", "TRANSACTION"]).is_some();
        if !full {
            if word == "SAVE" {
                return Err(self.unexpected());
            }
            self.eat_word("WORK");
        }
        let name = if full { self.transaction_name()? } else { None };
        Ok(match word {
            "COMMIT" => {
                let mut delayed_durability = None;
                if self.is_word("WITH")
                    && self.is_symbol_at(1, '(')
                    && self.is_word_at(2, "DELAYED_DURABILITY")
                {
                    (0..3).for_each(|_| self.advance());
                    self.expect_symbol('=')?;
                    delayed_durability = Some(self.on_off()?);
                    self.expect_symbol(')')?;
                }
                StatementKind::CommitTransaction { name, delayed_durability }
            }
            "ROLLBACK" => StatementKind::RollbackTransaction { name },
            _ => match name {
                Some(name) => StatementKind::SaveTransaction { name },
                None => return Err(self.unexpected()),
            },
        })
    }

    // ---- cursors ----

    fn cursor_name(&mut self) -> Parsed<CursorName> {
        if self.is_variable() {
            return Ok(CursorName::Variable(self.used_variable()?));
        }
        let global = self.is_word("GLOBAL") && self.is_ident_at(1);
        if global {
            self.advance();
        }
        Ok(CursorName::Name { name: self.ident()?, global })
    }

    fn fetch(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let names_follow = self.is_word_at(1, "FROM");
        let direction = match self.word().to_ascii_uppercase().as_str() {
            "NEXT" if names_follow || self.is_ident_at(1) => FetchDirection::Next,
            "PRIOR" if names_follow || self.is_ident_at(1) => FetchDirection::Prior,
            "FIRST" if names_follow || self.is_ident_at(1) => FetchDirection::First,
            "LAST" if names_follow || self.is_ident_at(1) => FetchDirection::Last,
            word @ ("ABSOLUTE" | "RELATIVE") => {
                self.advance();
                let n = self.expr()?;
                self.position -= 1;
                if word == "ABSOLUTE" { FetchDirection::Absolute(n) } else { FetchDirection::Relative(n) }
            }
            _ => {
                self.eat_word("FROM");
                return self.fetch_rest(FetchDirection::Next);
            }
        };
        self.advance();
        self.eat_word("FROM");
        self.fetch_rest(direction)
    }

    fn fetch_rest(&mut self, direction: FetchDirection) -> Parsed<StatementKind> {
        let cursor = self.cursor_name()?;
        let into = if self.eat_word("INTO") { self.list(Self::used_variable)? } else { Vec::new() };
        Ok(StatementKind::Fetch(Box::new(Fetch { direction, cursor, into })))
    }

    /// Names for statements that accept a name, a string or a variable.
    pub(crate) fn name_or_variable(&mut self) -> Parsed<NameOrVariable> {
        if self.is_variable() {
            return Ok(NameOrVariable::Variable(self.used_variable()?));
        }
        Ok(NameOrVariable::Name(self.ident()?))
    }

    /// An identifier as a string literal, for options that take either.
    pub(crate) fn word_as_literal(&mut self) -> Parsed<Expr> {
        let span = self.span();
        let value = self.any_word()?.text;
        Ok(Expr::new(ExprKind::Literal(Literal::String { value, national: false }), span))
    }

    pub(crate) fn literal_of(value: String, span: Span) -> Expr {
        Expr::new(ExprKind::Literal(Literal::String { value, national: false }), span)
    }
}
