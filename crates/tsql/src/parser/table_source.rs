//! The FROM clause: tables, functions, derived tables, joins, PIVOT, hints.

use super::{MAX_CHAIN, Parsed, Parser, error, object_name_of};
use crate::Span;
use crate::ast::{
    Expr, ExprKind, HintArgument, Ident, JoinHint, JoinKind, NamedTable, OpenJsonColumn, OpenRowsetBulk,
    OpenXmlSchema, Pivot, QueryBody, SampleUnit, SystemTime, TableHint, TableKind, TableRef, TableSample,
    Unpivot,
};
use crate::lexer::TokenKind;

const HINTS: &[&str] = &[
    "FASTFIRSTROW",
    "FORCESCAN",
    "FORCESEEK",
    "HOLDLOCK",
    "IGNORE_CONSTRAINTS",
    "IGNORE_TRIGGERS",
    "INDEX",
    "KEEPDEFAULTS",
    "KEEPIDENTITY",
    "NOEXPAND",
    "NOLOCK",
    "NOWAIT",
    "PAGLOCK",
    "READCOMMITTED",
    "READCOMMITTEDLOCK",
    "READPAST",
    "READUNCOMMITTED",
    "REPEATABLEREAD",
    "ROWLOCK",
    "SERIALIZABLE",
    "SNAPSHOT",
    "SPATIAL_WINDOW_MAX_CELLS",
    "TABLOCK",
    "TABLOCKX",
    "UPDLOCK",
    "XLOCK",
];

/// What stands in parentheses in a FROM clause.
enum Inside {
    Query(QueryBody, Span),
    Table(Box<TableRef>),
}

impl Parser<'_> {
    /// A table source with all its joins.
    pub(crate) fn table_source(&mut self) -> Parsed<TableRef> {
        let before = std::mem::replace(&mut self.conditions, false);
        let r = self.nested(|p| {
            let first = p.table_primary()?;
            p.joins(first)
        });
        self.conditions = before;
        r
    }

    fn joins(&mut self, first: TableRef) -> Parsed<TableRef> {
        let mut left = first;
        let mut chain = 0;
        while self.is_join_start() || self.is_one_of(&["PIVOT", "UNPIVOT"]) {
            chain += 1;
            if chain > MAX_CHAIN {
                return Err(self.too_deep());
            }
            left = if self.is_join_start() { self.join(left)? } else { self.pivot_or_unpivot(left)? };
        }
        Ok(left)
    }

    fn is_join_start(&self) -> bool {
        self.is_one_of(&["JOIN", "INNER", "CROSS", "OUTER"])
            || (self.is_one_of(&["LEFT", "RIGHT", "FULL"]) && !self.is_symbol_at(1, '('))
    }

    /// One join or APPLY whose left side is `left`.
    fn join(&mut self, left: TableRef) -> Parsed<TableRef> {
        let start = left.span;
        if self.is_one_of(&["CROSS", "OUTER"]) {
            let outer = self.is_word("OUTER");
            self.advance();
            if self.eat_word("APPLY") {
                let right = Box::new(self.table_primary()?);
                let kind = TableKind::Apply { outer, left: Box::new(left), right };
                return Ok(TableRef { kind, span: self.since(start) });
            }
            if outer {
                return Err(self.unexpected());
            }
            self.expect_word("JOIN")?;
            let right = Box::new(self.table_primary()?);
            let kind =
                TableKind::Join { kind: JoinKind::Cross, hint: None, left: Box::new(left), right, on: None };
            return Ok(TableRef { kind, span: self.since(start) });
        }
        let kind = match self.eat_one_of(&["INNER", "LEFT", "RIGHT", "FULL"]) {
            Some("LEFT") => JoinKind::Left,
            Some("RIGHT") => JoinKind::Right,
            Some("FULL") => JoinKind::Full,
            _ => JoinKind::Inner,
        };
        if kind != JoinKind::Inner {
            self.eat_word("OUTER");
        }
        let hints = ["LOOP", "HASH", "MERGE", "REMOTE", "REDUCE", "REPLICATE", "REDISTRIBUTE"];
        let hint = self.eat_one_of(&hints).map(|h| match h {
            "LOOP" => JoinHint::Loop,
            "HASH" => JoinHint::Hash,
            "MERGE" => JoinHint::Merge,
            "REMOTE" => JoinHint::Remote,
            "REDUCE" => JoinHint::Reduce,
            "REPLICATE" => JoinHint::Replicate,
            _ => JoinHint::Redistribute,
        });
        self.expect_word("JOIN")?;
        // `a JOIN b JOIN c ON … ON …`: joins before the ON belong to the right side.
        let right = self.nested(|p| {
            let mut right = p.table_primary()?;
            while !p.is_word("ON") && p.is_join_start() {
                right = p.join(right)?;
            }
            Ok(right)
        })?;
        self.expect_word("ON")?;
        let on = Some(self.condition()?);
        let kind = TableKind::Join { kind, hint, left: Box::new(left), right: Box::new(right), on };
        Ok(TableRef { kind, span: self.since(start) })
    }

    fn table_primary(&mut self) -> Parsed<TableRef> {
        let start = self.span();
        let kind = self.table_kind()?;
        let mut table = TableRef { kind, span: self.since(start) };
        let mut chain = 0;
        while self.is_one_of(&["PIVOT", "UNPIVOT"]) {
            chain += 1;
            if chain > MAX_CHAIN {
                return Err(self.too_deep());
            }
            table = self.pivot_or_unpivot(table)?;
        }
        Ok(table)
    }

    fn table_kind(&mut self) -> Parsed<TableKind> {
        if self.is_symbol('{') && self.is_word_at(1, "OJ") {
            // ODBC's way to write an outer join.
            self.advance();
            self.advance();
            let join = self.table_source()?;
            self.expect_symbol('}')?;
            return Ok(TableKind::Paren(Box::new(join)));
        }
        if self.is_symbol('(') {
            return self.nested(Self::parenthesised_table);
        }
        if self.is_variable() {
            return self.table_variable();
        }
        if self.is_symbol(':') && self.is_symbol_at(1, ':') {
            self.advance();
            self.advance();
        }
        let word = self.word().to_ascii_uppercase();
        if self.is_symbol_at(1, '(') {
            match word.as_str() {
                "OPENXML" => return self.open_xml(),
                "OPENJSON" => return self.open_json(),
                "OPENQUERY" => return self.open_query(),
                "OPENROWSET" => return self.open_rowset(),
                "OPENDATASOURCE" => return self.open_data_source(),
                "CHANGETABLE" => return self.change_table(),
                "CONTAINSTABLE"
                | "FREETEXTTABLE"
                | "SEMANTICKEYPHRASETABLE"
                | "SEMANTICSIMILARITYTABLE"
                | "SEMANTICSIMILARITYDETAILSTABLE" => return self.full_text_table(),
                "PREDICT" | "AI_GENERATE_CHUNKS" | "VECTOR_SEARCH" => {
                    self.advance();
                    self.skip_parentheses()?;
                    if self.is_word("WITH") && self.is_symbol_at(1, '(') {
                        self.advance();
                        self.skip_parentheses()?;
                    }
                    let alias = self.table_alias()?;
                    return Ok(TableKind::Unsupported { name: word, alias });
                }
                _ => {}
            }
        }
        self.named_table()
    }

    /// `[AS] alias`
    pub(crate) fn table_alias(&mut self) -> Parsed<Option<Ident>> {
        if self.eat_word("AS") {
            return Ok(Some(self.ident()?));
        }
        let window = self.is_word("WINDOW") && self.is_ident_at(1) && self.is_word_at(2, "AS");
        if self.is_ident() && !window && !self.is_label_here() {
            return Ok(Some(self.ident()?));
        }
        Ok(None)
    }

    /// `[AS] alias [(columns)]`
    fn alias_and_columns(&mut self) -> Parsed<(Option<Ident>, Vec<Ident>)> {
        let alias = self.table_alias()?;
        let columns = if alias.is_some() && self.is_symbol('(') && !self.is_hint_list() {
            self.paren_list(Self::ident)?
        } else {
            Vec::new()
        };
        Ok((alias, columns))
    }

    /// `(NOLOCK)` and the like.
    fn is_hint_list(&self) -> bool {
        if !self.is_symbol('(') {
            return false;
        }
        let word = self.word_at(1);
        let known = HINTS.iter().any(|h| h.eq_ignore_ascii_case(word));
        let after = &self.token_at(2).kind;
        let index = word.eq_ignore_ascii_case("INDEX");
        known
            && (index || matches!(after, TokenKind::Symbol(')' | ',')) || matches!(after, TokenKind::Word(_)))
    }

    /// `WITH (hints)` or `(hints)`.
    pub(crate) fn table_hints(&mut self) -> Parsed<Vec<TableHint>> {
        if self.is_word("WITH") {
            if self.is_symbol_at(1, '(') {
                self.advance();
            } else if self.is_ident_at(1) {
                let word = self.token_at(1).span;
                let shown = match &self.token_at(1).kind {
                    TokenKind::Quoted(q) => q.clone(),
                    _ => word.text(self.text).to_owned(),
                };
                let text = format!(
                    "Incorrect syntax near '{shown}'. If this is intended to be a common table expression, you need to \
                     explicitly terminate the previous statement with a semi-colon."
                );
                return Err(error(336, 15, 1, word, text));
            } else {
                return Ok(Vec::new());
            }
        } else if !self.is_hint_list() {
            return Ok(Vec::new());
        }
        self.expect_symbol('(')?;
        let mut hints = vec![self.table_hint()?];
        while !self.is_symbol(')') {
            self.eat_symbol(',');
            hints.push(self.table_hint()?);
        }
        self.expect_symbol(')')?;
        Ok(hints)
    }

    pub(crate) fn table_hint(&mut self) -> Parsed<TableHint> {
        let span = self.span();
        let name = self.upper_word()?;
        if !HINTS.contains(&name.as_str()) {
            return Err(not_a_hint(span, span.text(self.text)));
        }
        let mut hint = TableHint { name, arguments: Vec::new(), columns: Vec::new() };
        if self.eat_symbol('=') {
            if self.is_symbol('(') {
                hint.arguments = self.paren_list(Self::hint_argument)?;
            } else {
                hint.arguments.push(self.hint_argument()?);
            }
        } else if self.is_symbol('(') {
            self.advance();
            hint.arguments.push(self.hint_argument()?);
            if hint.name == "FORCESEEK" && self.is_symbol('(') {
                hint.columns = self.paren_list(Self::ident)?;
            }
            while self.eat_symbol(',') {
                hint.arguments.push(self.hint_argument()?);
            }
            self.expect_symbol(')')?;
        }
        Ok(hint)
    }

    fn hint_argument(&mut self) -> Parsed<HintArgument> {
        if self.token().kind == TokenKind::Integer {
            return Ok(HintArgument::Number(self.integer()?));
        }
        Ok(HintArgument::Name(self.ident()?))
    }

    fn named_table(&mut self) -> Parsed<TableKind> {
        let start = self.span();
        let mut parts = vec![];
        if self.is_symbol('.') {
            parts.push(Ident::default());
        } else {
            parts.push(self.ident()?);
        }
        while self.eat_symbol('.') {
            if self.is_symbol('.') {
                parts.push(Ident::default());
            } else {
                parts.push(self.ident()?);
            }
            if parts.len() > 5 {
                return Err(self.unexpected());
            }
        }
        if self.is_symbol('(') && !self.is_hint_list() {
            return self.table_function(parts, start);
        }
        if parts.len() > 4 {
            let name = self.since(start).text(self.text);
            let text = format!(
                "The object name '{name}' contains more than the maximum number of prefixes. The maximum is 3."
            );
            return Err(error(117, 15, 1, start, text));
        }
        let mut table =
            NamedTable { name: object_name_of(parts, self.since(start)), ..NamedTable::default() };
        if self.is_words(&["FOR", "SYSTEM_TIME"]) {
            self.advance();
            self.advance();
            table.system_time = Some(Box::new(self.system_time()?));
        } else if self.eat_words(&["FOR", "PATH"]) {
            table.for_path = true;
        }
        if self.is_word("TABLESAMPLE") {
            table.sample = Some(Box::new(self.table_sample()?));
        }
        table.hints = self.table_hints()?;
        let (alias, columns) = self.alias_and_columns()?;
        // Behind the alias of a table stand hints, and no names for its columns.
        if let Some(name) = columns.first() {
            return Err(not_a_hint(name.span, &name.text));
        }
        table.alias = alias;
        if self.is_word("TABLESAMPLE") && table.sample.is_none() {
            table.sample = Some(Box::new(self.table_sample()?));
        }
        if self.is_words(&["FOR", "SYSTEM_TIME"]) && table.system_time.is_none() {
            self.advance();
            self.advance();
            table.system_time = Some(Box::new(self.system_time()?));
        }
        if table.hints.is_empty() {
            table.hints = self.table_hints()?;
        }
        Ok(TableKind::Named(table))
    }

    fn table_function(&mut self, parts: Vec<Ident>, start: Span) -> Parsed<TableKind> {
        let name_span = self.since(start);
        self.expect_symbol('(')?;
        let arguments = self.arguments_until_close()?;
        if self.is_symbol('.') {
            // `f(…).nodes(…)`: a method of what the function returns.
            let name = object_name_of(parts, name_span);
            let mut call = Expr::new(
                ExprKind::Function(Box::new(crate::ast::FunctionCall::plain(name, arguments))),
                self.since(start),
            );
            while self.eat_symbol('.') {
                let method = self.ident()?;
                self.expect_symbol('(')?;
                let arguments = self.arguments_until_close()?;
                call = Expr::new(
                    ExprKind::Method { target: Box::new(call), method, arguments },
                    self.since(start),
                );
            }
            let (alias, columns) = self.alias_and_columns()?;
            return Ok(TableKind::Method { call: Box::new(call), alias, columns });
        }
        let mut parts = parts;
        if parts.len() > 4 {
            let surplus = parts.len() - 3;
            let mut first = parts[0].clone();
            first.text = parts[..surplus].iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(".");
            parts.drain(..surplus);
            parts.insert(0, first);
        }
        let name = object_name_of(parts, name_span);
        let mut hints = self.table_hints()?;
        let (alias, columns) = self.alias_and_columns()?;
        if hints.is_empty() {
            hints = self.table_hints()?;
        }
        Ok(TableKind::Function { name, arguments, alias, columns, hints })
    }

    fn table_variable(&mut self) -> Parsed<TableKind> {
        let start = self.span();
        let name =
            if self.is_symbol_at(1, '.') { self.used_variable()? } else { self.used_table_variable()? };
        if self.is_symbol('.') {
            let mut call = Expr::new(ExprKind::Variable(name), start);
            while self.eat_symbol('.') {
                let method = self.ident()?;
                self.expect_symbol('(')?;
                let arguments = self.arguments_until_close()?;
                call = Expr::new(
                    ExprKind::Method { target: Box::new(call), method, arguments },
                    self.since(start),
                );
            }
            let (alias, columns) = self.alias_and_columns()?;
            return Ok(TableKind::Method { call: Box::new(call), alias, columns });
        }
        let mut hints = self.table_hints()?;
        let alias = self.table_alias()?;
        if hints.is_empty() {
            hints = self.table_hints()?;
        }
        Ok(TableKind::Variable { name, alias, hints })
    }

    /// `( … )`: a derived table, a VALUES list or a join in parentheses.
    fn parenthesised_table(&mut self) -> Parsed<TableKind> {
        match self.inside_parentheses()? {
            Inside::Table(table) => Ok(TableKind::Paren(table)),
            Inside::Query(body, span) => self.derived(body, span),
        }
    }

    fn derived(&mut self, body: QueryBody, span: Span) -> Parsed<TableKind> {
        let (alias, columns) = self.alias_and_columns()?;
        if alias.is_none() {
            return Err(self.unexpected());
        }
        if let QueryBody::Values(rows) = body {
            return Ok(TableKind::Values { rows, alias, columns });
        }
        let query = match body {
            QueryBody::Paren(q) => q,
            other => Box::new(crate::ast::Query {
                with: None,
                body: other,
                order_by: Vec::new(),
                offset: None,
                fetch: None,
                for_clause: None,
                span,
            }),
        };
        Ok(TableKind::Derived { query, alias, columns })
    }

    /// From `(` to its `)`. A query comes back as `Paren` (or `Values`), so that the caller may go on with UNION.
    fn inside_parentheses(&mut self) -> Parsed<Inside> {
        let start = self.span();
        self.expect_symbol('(')?;
        if self.is_word("SELECT") || self.is_word("WITH") {
            let query = self.subquery_body()?;
            self.expect_symbol(')')?;
            return Ok(Inside::Query(QueryBody::Paren(Box::new(query)), self.since(start)));
        }
        if self.eat_word("VALUES") {
            let rows = self.list(|p| p.paren_list(Self::expr_or_default))?;
            self.expect_symbol(')')?;
            return Ok(Inside::Query(QueryBody::Values(rows), self.since(start)));
        }
        if self.is_one_of(&["INSERT", "UPDATE", "DELETE", "MERGE"]) {
            let change = match self.word().to_ascii_uppercase().as_str() {
                "INSERT" => self.insert(None)?,
                "UPDATE" => self.update(None)?,
                "DELETE" => self.delete(None)?,
                _ => self.merge(None)?,
            };
            self.expect_symbol(')')?;
            let (alias, columns) = self.alias_and_columns()?;
            let kind = TableKind::Change { change: Box::new(change), alias, columns };
            return Ok(Inside::Table(Box::new(TableRef { kind, span: self.since(start) })));
        }
        if !self.is_symbol('(') {
            let table = self.table_source()?;
            self.expect_symbol(')')?;
            return Ok(Inside::Table(Box::new(table)));
        }
        let inner_start = self.span();
        let first = match self.nested(Self::inside_parentheses)? {
            Inside::Table(table) => TableRef { kind: TableKind::Paren(table), span: self.since(inner_start) },
            Inside::Query(body, span) => {
                let more = self.is_one_of(&["UNION", "EXCEPT", "INTERSECT", "ORDER", "FOR"]);
                if more || self.is_symbol(')') {
                    // Operands further on are those of a subquery: they may have ORDER BY.
                    let outside = std::mem::replace(&mut self.in_subquery, true);
                    let query = self.query_after_first(None, body, span);
                    self.in_subquery = outside;
                    let query = query?;
                    self.expect_symbol(')')?;
                    return Ok(Inside::Query(QueryBody::Paren(Box::new(query)), self.since(start)));
                }
                TableRef { kind: self.derived(body, span)?, span: self.since(inner_start) }
            }
        };
        let table = self.joins(first)?;
        self.expect_symbol(')')?;
        Ok(Inside::Table(Box::new(table)))
    }

    fn system_time(&mut self) -> Parsed<SystemTime> {
        if self.eat_words(&["AS", "OF"]) {
            return Ok(SystemTime::AsOf(self.system_moment()?));
        }
        if self.eat_word("FROM") {
            let a = self.system_moment()?;
            self.expect_word("TO")?;
            return Ok(SystemTime::FromTo(a, self.system_moment()?));
        }
        if self.eat_word("BETWEEN") {
            let a = self.system_moment()?;
            self.expect_word("AND")?;
            return Ok(SystemTime::Between(a, self.system_moment()?));
        }
        if self.eat_words(&["CONTAINED", "IN"]) {
            self.expect_symbol('(')?;
            let a = self.system_moment()?;
            self.expect_symbol(',')?;
            let b = self.system_moment()?;
            self.expect_symbol(')')?;
            return Ok(SystemTime::ContainedIn(a, b));
        }
        if self.eat_word("ALL") {
            return Ok(SystemTime::All);
        }
        Err(self.unexpected())
    }

    /// A moment of FOR SYSTEM_TIME: a literal or a variable, no other expression.
    fn system_moment(&mut self) -> Parsed<Expr> {
        if !(self.is_variable() || self.is_string()) {
            return Err(self.unexpected());
        }
        self.expr()
    }

    fn table_sample(&mut self) -> Parsed<TableSample> {
        self.expect_word("TABLESAMPLE")?;
        let system = self.eat_word("SYSTEM");
        self.expect_symbol('(')?;
        let number = self.expr()?;
        let unit = match self.eat_one_of(&["PERCENT", "ROWS"]) {
            Some("ROWS") => SampleUnit::Rows,
            _ => SampleUnit::Percent,
        };
        self.expect_symbol(')')?;
        let mut repeatable = None;
        if self.eat_word("REPEATABLE") {
            self.expect_symbol('(')?;
            repeatable = Some(self.expr()?);
            self.expect_symbol(')')?;
        }
        Ok(TableSample { system, number, unit, repeatable })
    }

    fn pivot_or_unpivot(&mut self, input: TableRef) -> Parsed<TableRef> {
        let start = input.span;
        let pivot = self.is_word("PIVOT");
        self.advance();
        self.expect_symbol('(')?;
        let kind = if pivot {
            let aggregates = self.list(Self::expr)?;
            self.expect_word("FOR")?;
            let column = self.name_parts(4)?;
            self.expect_word("IN")?;
            let values = self.paren_list(Self::ident)?;
            self.expect_symbol(')')?;
            let (alias, columns) = self.alias_and_columns()?;
            TableKind::Pivot(Box::new(Pivot { input, aggregates, column, values, alias, columns }))
        } else {
            let value = self.ident()?;
            self.expect_word("FOR")?;
            let column = self.ident()?;
            self.expect_word("IN")?;
            let sources = self.paren_list(|p| p.name_parts(4))?;
            self.expect_symbol(')')?;
            let (alias, columns) = self.alias_and_columns()?;
            TableKind::Unpivot(Box::new(Unpivot { input, value, column, sources, alias, columns }))
        };
        Ok(TableRef { kind, span: self.since(start) })
    }

    fn open_json(&mut self) -> Parsed<TableKind> {
        self.advance();
        self.expect_symbol('(')?;
        let json = Box::new(self.expr()?);
        let path = if self.eat_symbol(',') { Some(Box::new(self.expr()?)) } else { None };
        self.expect_symbol(')')?;
        let columns = if self.is_word("WITH") && self.is_symbol_at(1, '(') {
            self.rowset_schema()?
        } else {
            Vec::new()
        };
        let alias = self.table_alias()?;
        Ok(TableKind::OpenJson { json, path, columns, alias })
    }

    /// `WITH (name type ['path'] [AS JSON], …)`
    fn rowset_schema(&mut self) -> Parsed<Vec<OpenJsonColumn>> {
        self.expect_word("WITH")?;
        self.paren_list(|p| {
            let name = p.ident()?;
            let data_type = p.data_type()?;
            if p.eat_word("COLLATE") {
                p.ident()?;
            }
            let path = if p.is_string() {
                Some(p.string()?)
            } else if p.token().kind == TokenKind::Integer {
                Some(p.integer()?.to_string())
            } else {
                None
            };
            let as_json = p.eat_words(&["AS", "JSON"]);
            Ok(OpenJsonColumn { name, data_type, path, as_json })
        })
    }

    fn open_xml(&mut self) -> Parsed<TableKind> {
        self.advance();
        self.expect_symbol('(')?;
        let handle = Box::new(self.expr()?);
        self.expect_symbol(',')?;
        let row_pattern = Box::new(self.expr()?);
        let flags = if self.eat_symbol(',') { Some(Box::new(self.expr()?)) } else { None };
        self.expect_symbol(')')?;
        let mut schema = OpenXmlSchema::Edge;
        if self.is_word("WITH") && self.is_symbol_at(1, '(') {
            schema = OpenXmlSchema::Columns(self.rowset_schema()?);
        } else if self.eat_word("WITH") {
            schema = OpenXmlSchema::Table(self.object_name()?);
        }
        let alias = self.table_alias()?;
        Ok(TableKind::OpenXml { handle, row_pattern, flags, schema, alias })
    }

    fn open_query(&mut self) -> Parsed<TableKind> {
        self.advance();
        self.expect_symbol('(')?;
        let server = self.ident()?;
        self.expect_symbol(',')?;
        let query = self.string()?;
        self.expect_symbol(')')?;
        let alias = self.table_alias()?;
        Ok(TableKind::OpenQuery { server, query, alias })
    }

    fn open_rowset(&mut self) -> Parsed<TableKind> {
        self.advance();
        self.expect_symbol('(')?;
        let mut arguments = Vec::new();
        let mut bulk = None;
        if self.eat_word("BULK") {
            bulk = Some(Box::new(self.open_rowset_bulk()?));
        } else {
            arguments.push(self.expr()?);
            while self.eat_symbol(',') || self.eat_symbol(';') {
                arguments.push(self.expr()?);
            }
        }
        self.expect_symbol(')')?;
        if self.is_word("WITH") && self.is_symbol_at(1, '(') && !self.is_with_hints() {
            let schema = self.rowset_schema()?;
            if let Some(b) = &mut bulk {
                b.schema = schema;
            }
        }
        let (alias, columns) = self.alias_and_columns()?;
        Ok(TableKind::OpenRowset { arguments, bulk, alias, columns })
    }

    fn is_with_hints(&self) -> bool {
        HINTS.iter().any(|h| self.is_word_at(2, h))
    }

    fn open_rowset_bulk(&mut self) -> Parsed<OpenRowsetBulk> {
        let files = if self.is_symbol('(') { self.paren_list(Self::expr)? } else { vec![self.expr()?] };
        let mut bulk = OpenRowsetBulk { files, single: None, options: Vec::new(), schema: Vec::new() };
        while self.eat_symbol(',') {
            let name = self.upper_word()?;
            if name.starts_with("SINGLE_") {
                bulk.single = Some(name);
            } else if name == "ORDER" {
                self.skip_parentheses()?;
                self.eat_word("UNIQUE");
            } else {
                self.expect_symbol('=')?;
                bulk.options.push((name, self.expr()?));
            }
        }
        Ok(bulk)
    }

    fn open_data_source(&mut self) -> Parsed<TableKind> {
        self.advance();
        self.expect_symbol('(')?;
        let provider = self.string()?;
        self.expect_symbol(',')?;
        let connection = self.string()?;
        self.expect_symbol(')')?;
        self.expect_symbol('.')?;
        let object = self.object_name()?;
        let alias = self.table_alias()?;
        Ok(TableKind::OpenDataSource { provider, connection, object, alias })
    }

    fn change_table(&mut self) -> Parsed<TableKind> {
        self.advance();
        self.expect_symbol('(')?;
        let changes = match self.eat_one_of(&["CHANGES", "VERSION"]) {
            Some(w) => w == "CHANGES",
            None => return Err(self.unexpected()),
        };
        let table = self.object_name()?;
        let mut arguments = Vec::new();
        while self.eat_symbol(',') {
            if self.is_symbol('(') {
                arguments.extend(self.paren_list(Self::expr)?);
            } else {
                arguments.push(self.expr()?);
            }
        }
        self.expect_symbol(')')?;
        let (alias, columns) = self.alias_and_columns()?;
        Ok(TableKind::ChangeTable { arguments, table, changes, alias, columns })
    }

    fn full_text_table(&mut self) -> Parsed<TableKind> {
        let function = self.take_ident();
        self.expect_symbol('(')?;
        let table = self.object_name()?;
        let mut arguments = Vec::new();
        while self.eat_symbol(',') {
            if self.eat_symbol('*') || self.eat_word("LANGUAGE") {
                if !self.is_symbol(',') && !self.is_symbol(')') {
                    arguments.push(self.expr()?);
                }
            } else if self.is_symbol('(') {
                self.advance();
                if !self.eat_symbol('*') {
                    arguments.extend(self.list(Self::expr)?);
                }
                self.expect_symbol(')')?;
            } else {
                arguments.push(self.expr()?);
            }
        }
        self.expect_symbol(')')?;
        let (alias, columns) = self.alias_and_columns()?;
        Ok(TableKind::FullText { function, table, arguments, alias, columns })
    }
}

fn not_a_hint(span: Span, name: &str) -> Box<crate::SyntaxError> {
    let text = format!(
        "\"{name}\" is not a recognized table hints option. If it is intended as a parameter to a \
         table-valued function or to the CHANGETABLE function, ensure that your database compatibility mode is set \
         to 90."
    );
    error(321, 15, 1, span, text)
}
