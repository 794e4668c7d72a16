//! INSERT, UPDATE, DELETE, MERGE, TRUNCATE, BULK INSERT.

use super::{Parsed, Parser};
use crate::ast::{
    Assignment, Delete, DmlTarget, Expr, Ident, Insert, InsertSource, Merge, MergeAction, MergeClause,
    MergeWhen, OutputClause, StatementKind, Update, With,
};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// The table that a data change names, with its hints.
    fn dml_target(&mut self) -> Parsed<DmlTarget> {
        if self.is_variable() {
            return Ok(DmlTarget::Variable(self.used_table_variable()?));
        }
        if self.is_one_of(&["OPENQUERY", "OPENROWSET", "OPENDATASOURCE"]) {
            return Ok(DmlTarget::Rowset(Box::new(self.table_source()?)));
        }
        let name = self.object_name()?;
        let hints =
            if self.is_word("WITH") && self.is_symbol_at(1, '(') { self.table_hints()? } else { Vec::new() };
        Ok(DmlTarget::Named { name, hints })
    }

    /// The target of UPDATE and DELETE, whose hints may stand without WITH.
    fn hinted_target(&mut self) -> Parsed<DmlTarget> {
        let mut target = self.dml_target()?;
        if let DmlTarget::Named { hints, .. } = &mut target
            && hints.is_empty()
            && self.is_symbol('(')
        {
            *hints = self.table_hints()?;
        }
        Ok(target)
    }

    fn output(&mut self) -> Parsed<Vec<OutputClause>> {
        let mut out = Vec::new();
        while self.eat_word("OUTPUT") {
            let items = self.list(Self::select_item)?;
            let mut into = None;
            if self.eat_word("INTO") {
                let target = self.dml_target()?;
                let columns = if self.is_symbol('(') && !self.is_word_at(1, "SELECT") {
                    self.paren_list(Self::ident)?
                } else {
                    Vec::new()
                };
                into = Some((target, columns));
            }
            out.push(OutputClause { items, into });
        }
        Ok(out)
    }

    pub(crate) fn insert(&mut self, with: Option<With>) -> Parsed<StatementKind> {
        self.advance();
        let top = self.top()?;
        self.eat_word("INTO");
        let target = self.dml_target()?;
        let mut columns = Vec::new();
        if self.is_symbol('(') && !self.is_one_of_at(1, &["SELECT", "WITH"]) && !self.is_symbol_at(1, '(') {
            columns = self.paren_list(|p| {
                if matches!(p.token().kind, TokenKind::Dollar) {
                    let span = p.span();
                    let text = span.text(p.text).to_owned();
                    p.advance();
                    return Ok(vec![Ident { text, quoted: false, span }]);
                }
                p.name_parts(4)
            })?;
        }
        let mut target = target;
        if let DmlTarget::Named { hints, .. } = &mut target
            && hints.is_empty()
            && self.is_word("WITH")
            && self.is_symbol_at(1, '(')
        {
            *hints = self.table_hints()?;
        }
        let output = self.output()?;
        let source = if self.eat_word("VALUES") {
            InsertSource::Values(self.list(|p| p.paren_list(Self::expr_or_default))?)
        } else if self.eat_words(&["DEFAULT", "VALUES"]) {
            InsertSource::DefaultValues
        } else if self.is_one_of(&["EXEC", "EXECUTE"]) {
            InsertSource::Execute(Box::new(self.execute()?))
        } else {
            InsertSource::Query(Box::new(self.query()?))
        };
        let options = self.option_clause()?;
        Ok(StatementKind::Insert(Box::new(Insert { with, top, target, columns, output, source, options })))
    }

    pub(crate) fn update(&mut self, with: Option<With>) -> Parsed<StatementKind> {
        self.advance();
        let top = self.top()?;
        let target = self.hinted_target()?;
        self.expect_word("SET")?;
        let assignments = self.list(Self::assignment)?;
        let output = self.output()?;
        let from = if self.eat_word("FROM") { self.list(Self::table_source)? } else { Vec::new() };
        let filter = if self.eat_word("WHERE") { Some(self.where_condition()?) } else { None };
        let options = self.option_clause()?;
        let update = Update { with, top, target, assignments, output, from, filter, options };
        Ok(StatementKind::Update(Box::new(update)))
    }

    fn assignment(&mut self) -> Parsed<Assignment> {
        if self.is_variable() {
            let variable = self.used_variable()?;
            let op = self.assign_op()?;
            // `@v = column = value`
            let mark = self.mark();
            if self.is_ident() {
                let column = self.name_parts(4)?;
                if let Some((inner, tokens)) = self.peek_assign_op(0) {
                    (0..tokens).for_each(|_| self.advance());
                    let value = self.expr_or_default()?;
                    return Ok(Assignment::Both { variable, column, op: inner, value });
                }
                self.reset(mark);
            }
            return Ok(Assignment::Variable { variable, op, value: self.expr()? });
        }
        let mut column = if matches!(self.token().kind, TokenKind::Dollar) {
            let span = self.span();
            let text = span.text(self.text).to_owned();
            self.advance();
            vec![Ident { text, quoted: false, span }]
        } else {
            self.name_parts(5)?
        };
        if self.is_symbol('(') && column.len() > 1 {
            let method = column.pop().unwrap_or_default();
            self.advance();
            let arguments = self.arguments_until_close()?;
            return Ok(Assignment::Method { column, method, arguments });
        }
        let op = self.assign_op()?;
        Ok(Assignment::Column { column, op, value: self.expr_or_default()? })
    }

    pub(crate) fn delete(&mut self, with: Option<With>) -> Parsed<StatementKind> {
        self.advance();
        let top = self.top()?;
        self.eat_word("FROM");
        let target = self.hinted_target()?;
        let output = self.output()?;
        let from = if self.eat_word("FROM") { self.list(Self::table_source)? } else { Vec::new() };
        let filter = if self.eat_word("WHERE") { Some(self.where_condition()?) } else { None };
        let options = self.option_clause()?;
        Ok(StatementKind::Delete(Box::new(Delete { with, top, target, output, from, filter, options })))
    }

    /// MERGE as a statement of its own, which ends with a semicolon.
    pub(crate) fn merge_statement(&mut self, with: Option<With>) -> Parsed<StatementKind> {
        let merge = self.merge(with)?;
        if self.is_symbol(';') {
            return Ok(merge);
        }
        let text = "A MERGE statement must be terminated by a semi-colon (;).";
        Err(super::error(10713, 15, 1, self.token().span, text.to_owned()))
    }

    pub(crate) fn merge(&mut self, with: Option<With>) -> Parsed<StatementKind> {
        self.advance();
        let top = self.top()?;
        self.eat_word("INTO");
        let mut target = self.dml_target()?;
        let mut alias = None;
        if self.eat_word("AS") || (self.is_ident() && !self.is_word("USING")) {
            alias = Some(self.ident()?);
        }
        if let DmlTarget::Named { hints, .. } = &mut target
            && hints.is_empty()
            && self.is_word("WITH")
        {
            *hints = self.table_hints()?;
        }
        self.expect_word("USING")?;
        let source = self.table_source()?;
        self.expect_word("ON")?;
        let on = self.condition()?;
        let mut clauses = Vec::new();
        while self.eat_word("WHEN") {
            clauses.push(self.merge_clause()?);
        }
        if clauses.is_empty() {
            return Err(self.unexpected());
        }
        let output = self.output()?;
        let options = self.option_clause()?;
        let merge = Merge { with, top, target, alias, source, on, clauses, output, options };
        Ok(StatementKind::Merge(Box::new(merge)))
    }

    fn merge_clause(&mut self) -> Parsed<MergeClause> {
        let when = if self.eat_word("MATCHED") {
            MergeWhen::Matched
        } else {
            self.expect_words(&["NOT", "MATCHED"])?;
            if self.eat_words(&["BY", "SOURCE"]) {
                MergeWhen::NotMatchedBySource
            } else {
                self.eat_words(&["BY", "TARGET"]);
                MergeWhen::NotMatchedByTarget
            }
        };
        let condition = if self.eat_word("AND") { Some(self.condition()?) } else { None };
        self.expect_word("THEN")?;
        let action = if self.eat_word("DELETE") {
            MergeAction::Delete
        } else if self.eat_word("UPDATE") {
            self.expect_word("SET")?;
            MergeAction::Update(self.list(Self::assignment)?)
        } else {
            self.expect_word("INSERT")?;
            let columns =
                if self.is_symbol('(') { self.paren_list(|p| p.name_parts(4))? } else { Vec::new() };
            let values = if self.eat_words(&["DEFAULT", "VALUES"]) {
                None
            } else {
                self.expect_word("VALUES")?;
                Some(self.paren_list(Self::expr_or_default)?)
            };
            MergeAction::Insert { columns, values }
        };
        Ok(MergeClause { when, condition, action })
    }

    pub(crate) fn truncate(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.expect_word("TABLE")?;
        let table = self.object_name()?;
        let mut partitions = Vec::new();
        if self.is_word("WITH") && self.is_symbol_at(1, '(') && self.is_word_at(2, "PARTITIONS") {
            (0..3).for_each(|_| self.advance());
            self.expect_symbol('(')?;
            partitions = self.list(|p| {
                let from = p.expr()?;
                let to = if p.eat_word("TO") { Some(p.expr()?) } else { None };
                Ok((from, to))
            })?;
            self.expect_symbol(')')?;
            self.expect_symbol(')')?;
        }
        Ok(StatementKind::Truncate { table, partitions })
    }

    pub(crate) fn bulk_insert(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.expect_word("INSERT")?;
        let table = self.object_name()?;
        self.expect_word("FROM")?;
        let file = if self.is_string() { self.expr()? } else { self.word_as_literal()? };
        let mut options = Vec::new();
        if self.eat_word("WITH") {
            self.expect_symbol('(')?;
            loop {
                let name = self.upper_word()?;
                if name == "ORDER" {
                    self.skip_parentheses()?;
                    options.push((name, None));
                } else if self.eat_symbol('=') {
                    let value = if self.is_ident() { self.word_as_literal()? } else { self.expr()? };
                    options.push((name, Some(value)));
                } else {
                    options.push((name, None));
                }
                if !self.eat_symbol(',') && self.is_symbol(')') {
                    break;
                }
            }
            self.expect_symbol(')')?;
        }
        Ok(StatementKind::BulkInsert { table, file, options })
    }

    /// `INSERT BULK t (c type [COLLATE x] [NULL], …) [WITH (option [= n], …)]`, as client libraries send it.
    pub(crate) fn insert_bulk(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let table = self.object_name()?;
        let mut columns = Vec::new();
        if self.is_symbol('(') {
            columns = self.paren_list(|p| {
                let name = p.ident()?;
                p.data_type()?;
                if p.eat_word("COLLATE") {
                    p.ident()?;
                }
                p.eat_word("NOT");
                p.eat_word("NULL");
                Ok(name)
            })?;
        }
        let mut options = Vec::new();
        if self.eat_word("WITH") {
            self.expect_symbol('(')?;
            while !self.is_symbol(')') {
                options.push(self.upper_word()?);
                if self.is_symbol('(') {
                    self.skip_parentheses()?;
                } else if self.eat_symbol('=') {
                    self.expr()?;
                }
                if !self.eat_symbol(',') {
                    break;
                }
            }
            self.expect_symbol(')')?;
        }
        Ok(StatementKind::InsertBulk { table, columns, options })
    }

    /// READTEXT, WRITETEXT, UPDATETEXT: operands as they come.
    pub(crate) fn text_pointer(&mut self, command: String) -> Parsed<StatementKind> {
        self.advance();
        self.eat_word("BULK");
        let mut operands: Vec<Expr> = Vec::new();
        loop {
            match self.token().kind {
                TokenKind::Word(false) | TokenKind::Quoted(_) => operands.push(self.name_expression()?),
                TokenKind::Variable
                | TokenKind::Binary(_)
                | TokenKind::Integer
                | TokenKind::String { .. } => {
                    operands.push(self.expr()?);
                }
                TokenKind::Word(true) if self.is_word("NULL") => operands.push(self.expr()?),
                TokenKind::Word(true) if self.is_words(&["WITH", "LOG"]) => {
                    self.advance();
                    self.advance();
                }
                TokenKind::Word(true) if self.is_word("HOLDLOCK") => self.advance(),
                _ => break,
            }
        }
        Ok(StatementKind::TextPointer { command, operands })
    }
}
