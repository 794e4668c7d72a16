//! What statements name: tables, functions, procedures, sequences; and every expression in them.
//!
//! Invariants
//! 1. Names of common tables, and aliases of the FROM clause that a change names as its target, are not names of objects.
//! 2. Bodies of modules inside a batch are theirs: they are not gone into.
//!
//! Depth is bounded by the parser's.

use super::{
    Assignment, CursorDeclaration, Ddl, DeclarationKind, Delete, DmlTarget, ExecuteTarget, Expr, ExprKind,
    FrameBound, FunctionCall, GroupItem, Ident, Insert, InsertSource, Merge, MergeAction, ObjectName,
    OutputClause, OverClause, Query, QueryBody, Select, SelectItem, SetOption, SetValue, Statement,
    StatementKind, SystemTime, TableKind, TableRef, Top, Update, WaitFor, With,
};

/// What was met.
#[derive(Clone, Copy, Debug)]
pub enum Met<'a> {
    /// Rows are read from it.
    Rows(&'a ObjectName),
    /// Rows are read from what it answers.
    TableFunction(&'a ObjectName),
    /// It is changed by INSERT, UPDATE, DELETE, MERGE, TRUNCATE or a bulk load.
    Target(&'a ObjectName),
    /// An INSERT; its target follows.
    Insert(&'a Insert),
    /// SELECT INTO makes it.
    Into(&'a ObjectName),
    /// It is executed.
    Procedure(&'a ObjectName),
    Sequence(&'a ObjectName),
    /// The statement defines, changes or drops things.
    Definition(&'a Ddl),
    /// A function is called, built in or not; a method of a column looks the same.
    Call(&'a FunctionCall),
    Expr(&'a Expr),
}

/// Tells `see` of everything that statements name, in the order of the text as far as the tree keeps it.
pub fn walk_statements<'a>(list: &'a [Statement], see: &mut dyn FnMut(Met<'a>)) {
    let mut walk = Walk { common: Vec::new(), see };
    list.iter().for_each(|s| walk.statement(s));
}

/// As [`walk_statements`], of one statement.
pub fn walk_statement<'a>(s: &'a Statement, see: &mut dyn FnMut(Met<'a>)) {
    walk_statements(std::slice::from_ref(s), see);
}

/// As [`walk_statements`], of a query.
pub fn walk_query<'a>(q: &'a Query, see: &mut dyn FnMut(Met<'a>)) {
    Walk { common: Vec::new(), see }.query(q);
}

/// As [`walk_statements`], of an expression.
pub fn walk_expr<'a>(e: &'a Expr, see: &mut dyn FnMut(Met<'a>)) {
    Walk { common: Vec::new(), see }.expr(e);
}

struct Walk<'a, 's> {
    /// Common tables in scope.
    common: Vec<&'a str>,
    see: &'s mut dyn FnMut(Met<'a>),
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// What a row source is called inside its statement.
fn labels<'a>(list: &'a [TableRef], out: &mut Vec<&'a str>) {
    for r in list {
        let alias = match &r.kind {
            TableKind::Named(t) => t.alias.as_ref(),
            TableKind::Join { left, right, .. } | TableKind::Apply { left, right, .. } => {
                labels(std::slice::from_ref(left), out);
                labels(std::slice::from_ref(right), out);
                None
            }
            TableKind::Paren(inner) => {
                labels(std::slice::from_ref(inner), out);
                None
            }
            TableKind::Variable { alias, .. }
            | TableKind::Derived { alias, .. }
            | TableKind::Function { alias, .. } => alias.as_ref(),
            _ => None,
        };
        out.extend(alias.map(|a: &Ident| a.text.as_str()));
    }
}

impl<'a> Walk<'a, '_> {
    fn statement(&mut self, s: &'a Statement) {
        match &s.kind {
            StatementKind::Select(q) => self.query(&q.query),
            StatementKind::Insert(_)
            | StatementKind::Update(_)
            | StatementKind::Delete(_)
            | StatementKind::Merge(_) => self.change(&s.kind),
            StatementKind::Truncate { table, .. }
            | StatementKind::BulkInsert { table, .. }
            | StatementKind::InsertBulk { table, .. } => (self.see)(Met::Target(table)),
            StatementKind::TextPointer { operands, .. } => self.exprs(operands),
            StatementKind::Declare(list) => {
                for d in list {
                    if let DeclarationKind::Scalar { initial: Some(e), .. } = &d.kind {
                        self.expr(e);
                    }
                }
            }
            StatementKind::DeclareCursor(c) => self.cursor(c),
            StatementKind::SetVariable(v) => match &v.value {
                SetValue::Expr { value, .. } => self.expr(value),
                SetValue::Cursor(c) => self.cursor(c),
                SetValue::Member { arguments, value, .. } => {
                    self.exprs(arguments.iter().flatten());
                    self.exprs(value);
                }
            },
            StatementKind::SetOption(SetOption::Value { value, .. }) => self.expr(value),
            StatementKind::Block(list) => list.iter().for_each(|s| self.statement(s)),
            StatementKind::If { .. } => self.conditional(s),
            StatementKind::While { condition, body } => {
                self.expr(condition);
                self.statement(body);
            }
            StatementKind::TryCatch { body, handler } => {
                body.iter().chain(handler).for_each(|s| self.statement(s));
            }
            StatementKind::Return(e) => self.exprs(e),
            StatementKind::WaitFor(WaitFor::Delay(e) | WaitFor::Time(e)) | StatementKind::Print(e) => {
                self.expr(e);
            }
            StatementKind::RaisError(r) => {
                self.exprs([&r.message, &r.severity, &r.state].into_iter().chain(&r.arguments));
            }
            StatementKind::Throw(Some(t)) => self.exprs([&t.number, &t.message, &t.state]),
            StatementKind::Execute(e) => self.executed(&e.target),
            StatementKind::Ddl(d) => (self.see)(Met::Definition(d)),
            _ => {}
        }
    }

    /// Chains of ELSE IF are as long as the text: they are walked, not descended into.
    fn conditional(&mut self, s: &'a Statement) {
        let mut next = Some(s);
        while let Some(s) = next.take() {
            let StatementKind::If { condition, then, otherwise } = &s.kind else {
                return self.statement(s);
            };
            self.expr(condition);
            self.statement(then);
            next = otherwise.as_deref();
        }
    }

    fn executed(&mut self, target: &'a ExecuteTarget) {
        match target {
            ExecuteTarget::Procedure { name, arguments, .. } => {
                (self.see)(Met::Procedure(name));
                self.exprs(arguments.iter().map(|a| &a.value));
            }
            ExecuteTarget::Variable { arguments, .. } => self.exprs(arguments.iter().map(|a| &a.value)),
            ExecuteTarget::Text { parts, arguments, .. } => {
                self.exprs(parts);
                self.exprs(arguments.iter().map(|a| &a.value));
            }
        }
    }

    fn cursor(&mut self, c: &'a CursorDeclaration) {
        self.query(&c.query.query);
    }

    /// Runs `f` with the tables of a WITH clause in scope.
    fn with(&mut self, with: Option<&'a With>, f: impl FnOnce(&mut Self)) {
        let height = self.common.len();
        for t in with.iter().flat_map(|w| &w.tables) {
            // Its own name is in scope, for the recursive part.
            self.common.push(&t.name.text);
            self.query(&t.query);
        }
        f(self);
        self.common.truncate(height);
    }

    fn change(&mut self, kind: &'a StatementKind) {
        match kind {
            StatementKind::Insert(i) => self.with(i.with.as_ref(), |w| w.insert(i)),
            StatementKind::Update(u) => self.with(u.with.as_ref(), |w| w.update(u)),
            StatementKind::Delete(d) => self.with(d.with.as_ref(), |w| w.delete(d)),
            StatementKind::Merge(m) => self.with(m.with.as_ref(), |w| w.merge(m)),
            _ => {}
        }
    }

    fn insert(&mut self, i: &'a Insert) {
        (self.see)(Met::Insert(i));
        self.top(i.top.as_ref());
        self.target(&i.target, &[]);
        self.output(&i.output);
        match &i.source {
            InsertSource::Values(rows) => rows.iter().for_each(|r| self.exprs(r)),
            InsertSource::DefaultValues => {}
            InsertSource::Query(q) => self.query(q),
            InsertSource::Execute(e) => self.executed(&e.target),
        }
    }

    fn update(&mut self, u: &'a Update) {
        self.top(u.top.as_ref());
        self.target(&u.target, &u.from);
        self.assignments(&u.assignments);
        self.output(&u.output);
        u.from.iter().for_each(|r| self.table(r));
        self.exprs(&u.filter);
    }

    fn delete(&mut self, d: &'a Delete) {
        self.top(d.top.as_ref());
        self.target(&d.target, &d.from);
        self.output(&d.output);
        d.from.iter().for_each(|r| self.table(r));
        self.exprs(&d.filter);
    }

    fn merge(&mut self, m: &'a Merge) {
        self.top(m.top.as_ref());
        self.target(&m.target, &[]);
        self.table(&m.source);
        self.expr(&m.on);
        for c in &m.clauses {
            self.exprs(&c.condition);
            match &c.action {
                MergeAction::Update(list) => self.assignments(list),
                MergeAction::Delete => {}
                MergeAction::Insert { values, .. } => self.exprs(values.iter().flatten()),
            }
        }
        self.output(&m.output);
    }

    fn target(&mut self, t: &'a DmlTarget, from: &'a [TableRef]) {
        match t {
            DmlTarget::Named { name, .. } => {
                let mut known = Vec::new();
                labels(from, &mut known);
                let is_label =
                    name.is_simple() && known.iter().chain(&self.common).any(|n| same(n, &name.name.text));
                if !is_label {
                    (self.see)(Met::Target(name));
                }
            }
            DmlTarget::Variable(_) => {}
            DmlTarget::Rowset(r) => self.table(r),
        }
    }

    fn assignments(&mut self, list: &'a [Assignment]) {
        for a in list {
            match a {
                Assignment::Column { value, .. }
                | Assignment::Variable { value, .. }
                | Assignment::Both { value, .. } => self.expr(value),
                Assignment::Method { arguments, .. } => self.exprs(arguments),
            }
        }
    }

    fn output(&mut self, list: &'a [OutputClause]) {
        for o in list {
            o.items.iter().for_each(|i| self.item(i));
            if let Some((into, _)) = &o.into {
                self.target(into, &[]);
            }
        }
    }

    fn top(&mut self, top: Option<&'a Top>) {
        self.exprs(top.map(|t| &t.count));
    }

    fn query(&mut self, q: &'a Query) {
        self.with(q.with.as_ref(), |w| {
            w.body(&q.body);
            w.exprs(q.order_by.iter().map(|o| &o.expr));
            w.exprs(&q.offset);
            w.exprs(&q.fetch);
        });
    }

    fn body(&mut self, b: &'a QueryBody) {
        match b {
            QueryBody::Select(s) => self.select(s),
            QueryBody::Set { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            QueryBody::Paren(q) => self.query(q),
            QueryBody::Values(rows) => rows.iter().for_each(|r| self.exprs(r)),
        }
    }

    fn select(&mut self, s: &'a Select) {
        self.top(s.top.as_ref());
        s.items.iter().for_each(|i| self.item(i));
        if let Some(into) = &s.into {
            (self.see)(Met::Into(&into.table));
        }
        s.from.iter().for_each(|r| self.table(r));
        self.exprs(&s.filter);
        if let Some(g) = &s.group_by {
            g.items.iter().for_each(|i| self.group(i));
        }
        self.exprs(&s.having);
        s.windows.iter().for_each(|(_, w)| self.over(w));
    }

    fn item(&mut self, i: &'a SelectItem) {
        match i {
            SelectItem::Wildcard { .. } => {}
            SelectItem::Expr { expr, .. } | SelectItem::Assign { expr, .. } => self.expr(expr),
        }
    }

    fn group(&mut self, g: &'a GroupItem) {
        match g {
            GroupItem::Expr(e) => self.expr(e),
            GroupItem::Composite(list) => self.exprs(list),
            GroupItem::Empty => {}
            GroupItem::Rollup(list) | GroupItem::Cube(list) | GroupItem::GroupingSets(list) => {
                list.iter().for_each(|g| self.group(g));
            }
        }
    }

    fn over(&mut self, o: &'a OverClause) {
        self.exprs(&o.partition_by);
        self.exprs(o.order_by.iter().map(|o| &o.expr));
        if let Some(f) = &o.frame {
            for b in [Some(&f.start), f.end.as_ref()].into_iter().flatten() {
                if let FrameBound::Preceding(e) | FrameBound::Following(e) = b {
                    self.expr(e);
                }
            }
        }
    }

    fn table(&mut self, r: &'a TableRef) {
        match &r.kind {
            TableKind::Named(t) => {
                let common = t.name.is_simple() && self.common.iter().any(|c| same(c, &t.name.name.text));
                if !common {
                    (self.see)(Met::Rows(&t.name));
                }
                match t.system_time.as_deref() {
                    Some(SystemTime::AsOf(e)) => self.expr(e),
                    Some(
                        SystemTime::FromTo(a, b) | SystemTime::Between(a, b) | SystemTime::ContainedIn(a, b),
                    ) => self.exprs([a, b]),
                    Some(SystemTime::All) | None => {}
                }
            }
            TableKind::Function { name, arguments, .. } => {
                (self.see)(Met::TableFunction(name));
                self.exprs(arguments);
            }
            TableKind::Method { call, .. } => self.expr(call),
            TableKind::Derived { query, .. } => self.query(query),
            TableKind::Values { rows, .. } => rows.iter().for_each(|r| self.exprs(r)),
            TableKind::Join { left, right, on, .. } => {
                self.table(left);
                self.table(right);
                self.exprs(on);
            }
            TableKind::Apply { left, right, .. } => {
                self.table(left);
                self.table(right);
            }
            TableKind::Paren(inner) => self.table(inner),
            TableKind::Change { change, .. } => self.change(change),
            TableKind::Pivot(p) => {
                self.table(&p.input);
                self.exprs(&p.aggregates);
            }
            TableKind::Unpivot(u) => self.table(&u.input),
            TableKind::OpenJson { json, path, .. } => {
                self.expr(json);
                self.exprs(path.as_deref());
            }
            TableKind::OpenXml { handle, row_pattern, flags, .. } => {
                self.exprs([&**handle, &**row_pattern]);
                self.exprs(flags.as_deref());
            }
            TableKind::OpenRowset { arguments, .. } => self.exprs(arguments),
            TableKind::ChangeTable { arguments, table, .. }
            | TableKind::FullText { arguments, table, .. } => {
                (self.see)(Met::Rows(table));
                self.exprs(arguments);
            }
            TableKind::Variable { .. }
            | TableKind::OpenQuery { .. }
            | TableKind::OpenDataSource { .. }
            | TableKind::Unsupported { .. } => {}
        }
    }

    fn exprs(&mut self, list: impl IntoIterator<Item = &'a Expr>) {
        list.into_iter().for_each(|e| self.expr(e));
    }

    fn expr(&mut self, e: &'a Expr) {
        (self.see)(Met::Expr(e));
        match &e.kind {
            ExprKind::Literal(_)
            | ExprKind::Variable(_)
            | ExprKind::GlobalVariable(_)
            | ExprKind::Column(_)
            | ExprKind::PseudoColumn { .. }
            | ExprKind::Default
            | ExprKind::Niladic(_)
            | ExprKind::CurrentOf { .. }
            | ExprKind::UpdatedColumn(_)
            | ExprKind::GraphMatch(_) => {}
            ExprKind::PartitionFunction { argument: e, .. }
            | ExprKind::Unary { operand: e, .. }
            | ExprKind::Paren(e)
            | ExprKind::Cast { value: e, .. }
            | ExprKind::Property { target: e, .. }
            | ExprKind::Collate { value: e, .. }
            | ExprKind::OdbcFunction(e)
            | ExprKind::Not(e)
            | ExprKind::IsNull { value: e, .. }
            | ExprKind::FullText { condition: e, .. } => self.expr(e),
            ExprKind::Binary { left, right, .. }
            | ExprKind::Comparison { left, right, .. }
            | ExprKind::IsDistinctFrom { left, right, .. }
            | ExprKind::NullIf(left, right)
            | ExprKind::AtTimeZone { value: left, zone: right } => self.exprs([&**left, &**right]),
            ExprKind::SimpleCase { input, whens, otherwise } => {
                self.expr(input);
                self.exprs(whens.iter().flat_map(|w| [&w.when, &w.then]));
                self.exprs(otherwise.as_deref());
            }
            ExprKind::SearchedCase { whens, otherwise } => {
                self.exprs(whens.iter().flat_map(|w| [&w.when, &w.then]));
                self.exprs(otherwise.as_deref());
            }
            ExprKind::Convert { value, style: other, .. } | ExprKind::Parse { value, culture: other, .. } => {
                self.expr(value);
                self.exprs(other.as_deref());
            }
            ExprKind::Coalesce(list) | ExprKind::And(list) | ExprKind::Or(list) => self.exprs(list),
            ExprKind::Iif { condition, then, otherwise } => {
                self.exprs([&**condition, &**then, &**otherwise]);
            }
            ExprKind::Function(call) => {
                (self.see)(Met::Call(call));
                self.exprs(&call.arguments);
                self.exprs(call.within_group.iter().map(|o| &o.expr));
                call.over.iter().for_each(|o| self.over(o));
            }
            ExprKind::Method { target, arguments, .. } => {
                self.expr(target);
                self.exprs(arguments);
            }
            ExprKind::StaticMember { arguments, .. } => self.exprs(arguments.iter().flatten()),
            ExprKind::Subquery(q) | ExprKind::Exists(q) => self.query(q),
            ExprKind::NextValueFor { sequence, over } => {
                (self.see)(Met::Sequence(sequence));
                over.iter().for_each(|o| self.over(o));
            }
            ExprKind::Between { value, low, high, .. } => self.exprs([&**value, &**low, &**high]),
            ExprKind::InList { value, list, .. } => {
                self.expr(value);
                self.exprs(list);
            }
            ExprKind::InSubquery { value: left, query, .. } | ExprKind::Quantified { left, query, .. } => {
                self.expr(left);
                self.query(query);
            }
            ExprKind::Like { value, pattern, escape, .. } => {
                self.exprs([&**value, &**pattern]);
                self.exprs(escape.as_deref());
            }
        }
    }
}
