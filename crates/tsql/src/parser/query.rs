//! Query expressions: WITH, SELECT, set operations, GROUP BY, ORDER BY, FOR, OPTION.

use super::{MAX_CHAIN, Parsed, Parser};
use crate::Span;
use crate::ast::{
    AssignOp, CommonTable, Expr, ExprKind, ForClause, ForJson, ForXml, ForXmlElements, ForXmlMode, GroupBy,
    GroupItem, GroupWith, Query, QueryBody, QueryHint, Select, SelectInto, SelectItem, SetOp, Top, With,
    XmlNamespace,
};
use crate::lexer::TokenKind;

impl Parser<'_> {
    /// A query with its optional WITH list.
    pub(crate) fn query(&mut self) -> Parsed<Query> {
        let start = self.span();
        let with = if self.is_word("WITH") { Some(self.with_clause()?) } else { None };
        self.nested(|p| {
            let first = p.query_primary()?;
            p.query_after_first(with, first, start)
        })
    }

    /// A query inside parentheses of an expression or table source.
    pub(crate) fn subquery_body(&mut self) -> Parsed<Query> {
        let before = std::mem::replace(&mut self.conditions, false);
        let outside = std::mem::replace(&mut self.in_subquery, true);
        let r = self.query();
        self.conditions = before;
        self.in_subquery = outside;
        r
    }

    /// Set operations and trailing clauses after the first operand.
    pub(crate) fn query_after_first(
        &mut self,
        with: Option<With>,
        first: QueryBody,
        start: Span,
    ) -> Parsed<Query> {
        let body = self.set_operations(first)?;
        let mut query = Query {
            with,
            body,
            order_by: Vec::new(),
            offset: None,
            fetch: None,
            for_clause: None,
            span: start,
        };
        if self.eat_words(&["ORDER", "BY"]) {
            query.order_by = self.order_items()?;
            if self.eat_word("OFFSET") {
                query.offset = Some(self.expr()?);
                self.row_word()?;
                if self.eat_word("FETCH") {
                    self.eat_one_of(&["NEXT", "FIRST"]).ok_or_else(|| self.unexpected())?;
                    query.fetch = Some(self.expr()?);
                    self.row_word()?;
                    self.expect_word("ONLY")?;
                }
            }
        }
        if self.is_word("FOR") {
            query.for_clause = self.for_clause()?;
        }
        query.span = self.since(start);
        Ok(query)
    }

    fn row_word(&mut self) -> Parsed<()> {
        self.eat_one_of(&["ROWS", "ROW"]).map(|_| ()).ok_or_else(|| self.unexpected())
    }

    fn set_operations(&mut self, first: QueryBody) -> Parsed<QueryBody> {
        let mut left = self.intersections(first)?;
        let mut chain = 0;
        loop {
            let op = if self.eat_word("UNION") {
                SetOp::Union
            } else if self.eat_word("EXCEPT") {
                SetOp::Except
            } else {
                return Ok(left);
            };
            chain += 1;
            if chain > MAX_CHAIN {
                return Err(self.too_deep());
            }
            let all = op == SetOp::Union && self.eat_word("ALL");
            let right = self.query_primary()?;
            let right = self.intersections(right)?;
            left = QueryBody::Set { op, all, left: Box::new(left), right: Box::new(right) };
        }
    }

    fn intersections(&mut self, first: QueryBody) -> Parsed<QueryBody> {
        let mut left = first;
        let mut chain = 0;
        while self.eat_word("INTERSECT") {
            chain += 1;
            if chain > MAX_CHAIN {
                return Err(self.too_deep());
            }
            let right = self.query_primary()?;
            left = QueryBody::Set {
                op: SetOp::Intersect,
                all: false,
                left: Box::new(left),
                right: Box::new(right),
            };
        }
        Ok(left)
    }

    pub(crate) fn query_primary(&mut self) -> Parsed<QueryBody> {
        if self.is_symbol('(') {
            return self.nested(|p| {
                p.advance();
                if p.in_subquery {
                    let query = p.query()?;
                    p.expect_symbol(')')?;
                    return Ok(QueryBody::Paren(Box::new(query)));
                }
                let start = p.span();
                let first = p.query_primary()?;
                let body = p.set_operations(first)?;
                // Of a statement, an operand has neither WITH nor ORDER BY; those of a subquery may.
                p.expect_symbol(')')?;
                let query = Query {
                    with: None,
                    body,
                    order_by: Vec::new(),
                    offset: None,
                    fetch: None,
                    for_clause: None,
                    span: p.since(start),
                };
                Ok(QueryBody::Paren(Box::new(query)))
            });
        }
        if self.is_word("SELECT") {
            return Ok(QueryBody::Select(Box::new(self.select()?)));
        }
        Err(self.unexpected())
    }

    pub(crate) fn with_clause(&mut self) -> Parsed<With> {
        self.expect_word("WITH")?;
        let mut with = With::default();
        if self.is_word("XMLNAMESPACES") && self.is_symbol_at(1, '(') {
            self.advance();
            with.namespaces = self.paren_list(|p| {
                if p.eat_word("DEFAULT") {
                    return Ok(XmlNamespace { uri: p.string()?, prefix: None });
                }
                let uri = p.string()?;
                p.expect_word("AS")?;
                Ok(XmlNamespace { uri, prefix: Some(p.ident()?) })
            })?;
            if !self.eat_symbol(',') {
                return Ok(with);
            }
        } else if self.is_word("CHANGE_TRACKING_CONTEXT") && self.is_symbol_at(1, '(') {
            self.advance();
            self.advance();
            with.change_tracking_context = Some(self.expr()?);
            self.expect_symbol(')')?;
            if !self.eat_symbol(',') {
                return Ok(with);
            }
        }
        with.tables = self.list(|p| {
            let name = p.ident()?;
            let columns = if p.is_symbol('(') { p.paren_list(Self::ident)? } else { Vec::new() };
            p.expect_word("AS")?;
            p.expect_symbol('(')?;
            let query = Box::new(p.subquery_body()?);
            p.expect_symbol(')')?;
            Ok(CommonTable { name, columns, query })
        })?;
        Ok(with)
    }

    fn select(&mut self) -> Parsed<Select> {
        let start = self.span();
        self.expect_word("SELECT")?;
        let distinct = self.eat_word("DISTINCT");
        if !distinct {
            self.eat_word("ALL");
        }
        let top = self.top()?;
        let items = self.list(Self::select_item)?;
        let mut select = Select {
            distinct,
            top,
            items,
            into: None,
            from: Vec::new(),
            filter: None,
            group_by: None,
            having: None,
            windows: Vec::new(),
            span: start,
        };
        if self.eat_word("INTO") {
            let table = self.object_name()?;
            let filegroup = if self.eat_word("ON") { Some(self.ident_or_string()?) } else { None };
            select.into = Some(SelectInto { table, filegroup });
        }
        if self.eat_word("FROM") {
            select.from = self.list(Self::table_source)?;
        }
        if self.eat_word("WHERE") {
            select.filter = Some(self.where_condition()?);
        }
        if self.is_words(&["GROUP", "BY"]) {
            select.group_by = Some(self.group_by()?);
        }
        if self.eat_word("HAVING") {
            select.having = Some(self.condition()?);
        }
        if self.is_word("WINDOW")
            && self.is_ident_at(1)
            && self.is_word_at(2, "AS")
            && self.is_symbol_at(3, '(')
        {
            self.advance();
            select.windows = self.list(|p| {
                let name = p.ident()?;
                p.expect_word("AS")?;
                Ok((name, p.window()?))
            })?;
        }
        select.span = self.since(start);
        Ok(select)
    }

    /// The condition of WHERE, which may be `CURRENT OF`.
    pub(crate) fn where_condition(&mut self) -> Parsed<Expr> {
        let start = self.span();
        if self.eat_words(&["CURRENT", "OF"]) {
            let global = self.is_word("GLOBAL") && self.is_ident_at(1);
            if global {
                self.advance();
            }
            let cursor = if self.is_variable() {
                let span = self.span();
                crate::ast::Ident { text: self.variable()?, quoted: false, span }
            } else {
                self.ident()?
            };
            return Ok(Expr::new(ExprKind::CurrentOf { cursor, global }, self.since(start)));
        }
        self.condition()
    }

    pub(crate) fn top(&mut self) -> Parsed<Option<Top>> {
        if !self.eat_word("TOP") {
            return Ok(None);
        }
        let count = if self.eat_symbol('(') {
            let start = self.span();
            let e = if self.is_word("SELECT") {
                let query = self.subquery_body()?;
                Expr::new(ExprKind::Subquery(Box::new(query)), self.since(start))
            } else {
                self.expr()?
            };
            self.expect_symbol(')')?;
            e
        } else if matches!(self.token().kind, TokenKind::Integer | TokenKind::Decimal | TokenKind::Float) {
            let span = self.span();
            let digits = span.text(self.text).to_owned();
            let literal = match self.token().kind {
                TokenKind::Integer => crate::ast::Literal::Integer(digits),
                TokenKind::Decimal => crate::ast::Literal::Decimal(digits),
                _ => crate::ast::Literal::Float(digits),
            };
            self.advance();
            Expr::new(ExprKind::Literal(literal), span)
        } else {
            return Err(self.unexpected());
        };
        let percent = self.eat_word("PERCENT");
        let with_ties = self.eat_words(&["WITH", "TIES"]);
        Ok(Some(Top { count, percent, with_ties }))
    }

    /// `=` or a compound assignment operator.
    pub(crate) fn assign_op(&mut self) -> Parsed<AssignOp> {
        let Some((op, tokens)) = self.peek_assign_op(0) else { return Err(self.unexpected()) };
        (0..tokens).for_each(|_| self.advance());
        Ok(op)
    }

    pub(crate) fn peek_assign_op(&self, at: usize) -> Option<(AssignOp, usize)> {
        let TokenKind::Symbol(c) = self.token_at(at).kind else { return None };
        if c == '=' {
            return Some((AssignOp::Set, 1));
        }
        if c == '|' && self.is_symbol_at(at + 1, '|') && self.is_symbol_at(at + 2, '=') {
            return Some((AssignOp::Concat, 3));
        }
        if !self.is_symbol_at(at + 1, '=') {
            return None;
        }
        let op = match c {
            '+' => AssignOp::Add,
            '-' => AssignOp::Subtract,
            '*' => AssignOp::Multiply,
            '/' => AssignOp::Divide,
            '%' => AssignOp::Modulo,
            '&' => AssignOp::BitAnd,
            '|' => AssignOp::BitOr,
            '^' => AssignOp::BitXor,
            _ => return None,
        };
        Some((op, 2))
    }

    pub(crate) fn select_item(&mut self) -> Parsed<SelectItem> {
        let start = self.span();
        if self.eat_symbol('*') {
            return Ok(SelectItem::Wildcard { qualifier: Vec::new(), span: start });
        }
        if self.is_variable() && self.peek_assign_op(1).is_some() {
            let variable = self.used_variable()?;
            let op = self.assign_op()?;
            let expr = self.expr()?;
            return Ok(SelectItem::Assign { variable, op, expr, span: self.since(start) });
        }
        if (self.is_ident() || self.is_string()) && self.is_symbol_at(1, '=') {
            let alias = self.ident_or_string()?;
            self.advance();
            let expr = self.expr()?;
            return Ok(SelectItem::Expr { expr, alias: Some(alias) });
        }
        let expr = self.expr()?;
        if self.is_symbol('.') && self.is_symbol_at(1, '*') {
            if let ExprKind::Column(qualifier) = expr.kind {
                self.advance();
                self.advance();
                return Ok(SelectItem::Wildcard { qualifier, span: self.since(start) });
            }
            return Err(self.unexpected());
        }
        let named = self.eat_word("AS") || self.is_string() || (self.is_ident() && !self.is_label_here());
        let alias = if named { Some(self.ident_or_string()?) } else { None };
        Ok(SelectItem::Expr { expr, alias })
    }

    /// `name:` but not `name::`.
    pub(crate) fn is_label_here(&self) -> bool {
        matches!(self.token().kind, TokenKind::Word(_))
            && self.is_symbol_at(1, ':')
            && !self.is_symbol_at(2, ':')
    }

    fn group_by(&mut self) -> Parsed<GroupBy> {
        self.expect_words(&["GROUP", "BY"])?;
        let all = self.eat_word("ALL");
        let items = self.list(|p| p.group_item(true))?;
        let mut group = GroupBy { all, items, with: None, distributed: false };
        if self.eat_words(&["WITH", "CUBE"]) {
            group.with = Some(GroupWith::Cube);
        } else if self.eat_words(&["WITH", "ROLLUP"]) {
            group.with = Some(GroupWith::Rollup);
        } else if self.is_word("WITH") && self.is_symbol_at(1, '(') && self.is_word_at(2, "DISTRIBUTED_AGG") {
            (0..3).for_each(|_| self.advance());
            self.expect_symbol(')')?;
            group.distributed = true;
        }
        Ok(group)
    }

    fn group_item(&mut self, outer: bool) -> Parsed<GroupItem> {
        if self.is_word("ROLLUP") && self.is_symbol_at(1, '(') {
            self.advance();
            return Ok(GroupItem::Rollup(self.paren_list(|p| p.group_item(false))?));
        }
        if self.is_word("CUBE") && self.is_symbol_at(1, '(') {
            self.advance();
            return Ok(GroupItem::Cube(self.paren_list(|p| p.group_item(false))?));
        }
        if self.is_words(&["GROUPING", "SETS"]) && self.is_symbol_at(2, '(') {
            self.advance();
            self.advance();
            return self.nested(|p| Ok(GroupItem::GroupingSets(p.paren_list(|p| p.group_item(false))?)));
        }
        if self.is_symbol('(') && self.is_symbol_at(1, ')') {
            self.advance();
            self.advance();
            return Ok(GroupItem::Empty);
        }
        if !outer && self.is_symbol('(') {
            // A list in parentheses, or an expression that begins with one.
            let mark = self.mark();
            self.advance();
            let list = self.list(Self::expr)?;
            self.expect_symbol(')')?;
            if list.len() > 1 || self.is_symbol(',') || self.is_symbol(')') {
                return Ok(GroupItem::Composite(list));
            }
            self.reset(mark);
        }
        Ok(GroupItem::Expr(self.expr()?))
    }

    /// FOR BROWSE/XML/JSON/READ ONLY/UPDATE; anything else after FOR belongs to the statement around the query.
    fn for_clause(&mut self) -> Parsed<Option<ForClause>> {
        let next = self.word_at(1).to_ascii_uppercase();
        if !matches!(next.as_str(), "BROWSE" | "XML" | "JSON" | "READ" | "UPDATE") {
            return Ok(None);
        }
        self.advance();
        self.advance();
        Ok(Some(match next.as_str() {
            "BROWSE" => ForClause::Browse,
            "XML" => ForClause::Xml(self.for_xml()?),
            "JSON" => ForClause::Json(self.for_json()?),
            "READ" => {
                self.expect_word("ONLY")?;
                ForClause::ReadOnly
            }
            _ => {
                let columns = if self.eat_word("OF") {
                    let lists = self.list(|p| p.name_parts(4))?;
                    lists.into_iter().filter_map(|mut parts| parts.pop()).collect()
                } else {
                    Vec::new()
                };
                ForClause::Update(columns)
            }
        }))
    }

    fn string_in_parentheses(&mut self) -> Parsed<Option<String>> {
        if !self.eat_symbol('(') {
            return Ok(None);
        }
        let s = self.string()?;
        self.expect_symbol(')')?;
        Ok(Some(s))
    }

    fn for_xml(&mut self) -> Parsed<ForXml> {
        let mode = match self.eat_one_of(&["RAW", "AUTO", "PATH", "EXPLICIT"]) {
            Some("RAW") => ForXmlMode::Raw,
            Some("AUTO") => ForXmlMode::Auto,
            Some("PATH") => ForXmlMode::Path,
            Some(_) => ForXmlMode::Explicit,
            None => return Err(self.unexpected()),
        };
        let mut xml = ForXml {
            mode,
            element: self.string_in_parentheses()?,
            elements: None,
            root: None,
            is_type: false,
            binary_base64: false,
            xmldata: false,
            xmlschema: None,
        };
        while self.eat_symbol(',') {
            if self.eat_word("ELEMENTS") {
                xml.elements = Some(match self.eat_one_of(&["XSINIL", "ABSENT"]) {
                    Some("XSINIL") => ForXmlElements::XsiNil,
                    Some(_) => ForXmlElements::Absent,
                    None => ForXmlElements::Plain,
                });
            } else if self.eat_word("ROOT") {
                xml.root = Some(self.string_in_parentheses()?);
            } else if self.eat_word("TYPE") {
                xml.is_type = true;
            } else if self.eat_words(&["BINARY", "BASE64"]) {
                xml.binary_base64 = true;
            } else if self.eat_word("XMLDATA") {
                xml.xmldata = true;
            } else if self.eat_word("XMLSCHEMA") {
                xml.xmlschema = Some(self.string_in_parentheses()?);
            } else {
                return Err(self.unexpected());
            }
        }
        Ok(xml)
    }

    fn for_json(&mut self) -> Parsed<ForJson> {
        let path = match self.eat_one_of(&["PATH", "AUTO"]) {
            Some(w) => w == "PATH",
            None => return Err(self.unexpected()),
        };
        let mut json = ForJson { path, root: None, include_null_values: false, without_array_wrapper: false };
        while self.eat_symbol(',') {
            if self.eat_word("ROOT") {
                json.root = Some(self.string_in_parentheses()?);
            } else if self.eat_word("INCLUDE_NULL_VALUES") {
                json.include_null_values = true;
            } else if self.eat_word("WITHOUT_ARRAY_WRAPPER") {
                json.without_array_wrapper = true;
            } else {
                return Err(self.unexpected());
            }
        }
        Ok(json)
    }

    /// `OPTION (…)`, if it is there.
    pub(crate) fn option_clause(&mut self) -> Parsed<Vec<QueryHint>> {
        if !self.is_word("OPTION") {
            return Ok(Vec::new());
        }
        self.advance();
        self.paren_list(Self::query_hint)
    }

    fn query_hint(&mut self) -> Parsed<QueryHint> {
        let mut hint =
            QueryHint { name: String::new(), arguments: Vec::new(), optimize_for: Vec::new(), table: None };
        let mut words = vec![self.upper_word()?];
        while matches!(self.token().kind, TokenKind::Word(_)) {
            words.push(self.upper_word()?);
        }
        hint.name = words.join(" ");
        self.eat_symbol('=');
        match hint.name.as_str() {
            "OPTIMIZE FOR" if self.is_symbol('(') => {
                hint.optimize_for = self.paren_list(|p| {
                    let v = p.variable()?;
                    if p.eat_word("UNKNOWN") {
                        return Ok((v, None));
                    }
                    p.expect_symbol('=')?;
                    Ok((v, Some(p.expr()?)))
                })?;
            }
            "TABLE HINT" => {
                self.expect_symbol('(')?;
                let name = self.object_name()?;
                let mut hints = Vec::new();
                while self.eat_symbol(',') {
                    hints.push(self.table_hint()?);
                }
                self.expect_symbol(')')?;
                hint.table = Some((name, hints));
            }
            _ if self.is_symbol('(') => hint.arguments = self.paren_list(Self::expr)?,
            _ => {
                if !self.is_symbol(',') && !self.is_symbol(')') {
                    hint.arguments.push(self.expr()?);
                }
            }
        }
        Ok(hint)
    }
}
