//! What may not stand in the body of a function: what has an effect beside its answer (443), rows for the client (444), an end
//! without RETURN (455).
//!
//! Evidence: numbers, states and the operators' names are those of published messages.

use holdfast_tsql::Span;
use holdfast_tsql::ast::walk::{Met, walk_query, walk_statements};
use holdfast_tsql::ast::{
    CreateFunction, DmlTarget, ExecuteTarget, FunctionReturns, InsertSource, ModuleBody, OutputClause, Query,
    QueryBody, Select, SelectItem, Statement, StatementKind, TableKind,
};
use holdfast_types::SqlError;

struct Rules<'a> {
    name: &'a str,
    errors: Vec<SqlError>,
}

/// Everything in the function that may not be in one.
pub fn check(f: &CreateFunction) -> Vec<SqlError> {
    let mut rules = Rules { name: &f.name.name.text, errors: Vec::new() };
    match &f.returns {
        FunctionReturns::Scalar { body: ModuleBody::Statements(list), .. }
        | FunctionReturns::Table { body: list, .. } => {
            list.iter().for_each(|s| rules.statement(s));
            walk_statements(list, &mut |met| rules.met(met));
            if !matches!(list.last().map(|s| &s.kind), Some(StatementKind::Return(_))) {
                let line = list.last().map_or(f.span.line, |s| s.span.line);
                let text = "The last statement included within a function must be a return statement.";
                rules.report(SqlError::with_text(455, 16, text).state(2).at_line(line));
            }
        }
        FunctionReturns::Inline(q) => walk_query(q, &mut |met| rules.met(met)),
        _ => {}
    }
    rules.errors
}

fn first_select(body: &QueryBody) -> Option<&Select> {
    match body {
        QueryBody::Select(s) => Some(s),
        QueryBody::Set { left, .. } => first_select(left),
        QueryBody::Paren(q) => first_select(&q.body),
        QueryBody::Values(_) => None,
    }
}

impl Rules<'_> {
    fn report(&mut self, e: SqlError) {
        self.errors.push(SqlError { procedure: self.name.to_owned(), ..e });
    }

    fn side_effect(&mut self, what: &str, state: u8, span: Span) {
        let text = format!("Invalid use of a side-effecting operator '{what}' within a function.");
        self.report(SqlError::with_text(443, 16, text).state(state).at_line(span.line));
    }

    fn met(&mut self, met: Met<'_>) {
        match met {
            Met::Call(call) if call.name.is_simple() => {
                let name = &call.name.name;
                for operator in ["newid", "newsequentialid", "rand", "crypt_gen_random"] {
                    if name.is(operator) && !name.quoted {
                        self.side_effect(operator, 1, name.span);
                    }
                }
            }
            Met::Sequence(name) => {
                let text = "NEXT VALUE FOR function is not allowed in check constraints, default objects, computed columns, views, user-defined functions, user-defined aggregates, user-defined table types, sub-queries, common table expressions, derived tables or return statements.";
                self.report(SqlError::with_text(11719, 15, text).at_line(name.span.line));
            }
            Met::Rows(name) | Met::Target(name) if name.name.text.starts_with('#') => {
                let text = "Cannot access temporary tables from within a function.";
                self.report(SqlError::with_text(2772, 16, text).at_line(name.span.line));
            }
            _ => {}
        }
    }

    fn statement(&mut self, s: &Statement) {
        match &s.kind {
            StatementKind::Block(list) => list.iter().for_each(|s| self.statement(s)),
            StatementKind::If { .. } => self.conditional(s),
            StatementKind::While { body, .. } => self.statement(body),
            StatementKind::TryCatch { body, handler } => {
                self.side_effect("BEGIN TRY", 14, s.span);
                body.iter().chain(handler).for_each(|s| self.statement(s));
            }
            StatementKind::Select(q) => self.select(&q.query, s.span),
            StatementKind::Insert(i) => {
                if matches!(&i.source, InsertSource::Execute(_)) {
                    self.side_effect("INSERT EXEC", 14, s.span);
                }
                self.change(&i.target, &[], "INSERT", s.span);
                self.output(&i.output, s.span);
            }
            StatementKind::Update(u) => {
                self.change(&u.target, &u.from, "UPDATE", s.span);
                self.output(&u.output, s.span);
            }
            StatementKind::Delete(d) => {
                self.change(&d.target, &d.from, "DELETE", s.span);
                self.output(&d.output, s.span);
            }
            StatementKind::Merge(m) => {
                self.change(&m.target, &[], "MERGE", s.span);
                self.output(&m.output, s.span);
            }
            StatementKind::Execute(e) if matches!(e.target, ExecuteTarget::Text { .. }) => {
                self.side_effect("EXECUTE STRING", 14, s.span);
            }
            StatementKind::SetOption(_) => self.side_effect("SET OPTION ON", 15, s.span),
            StatementKind::Print(_)
            | StatementKind::RaisError(_)
            | StatementKind::Throw(_)
            | StatementKind::WaitFor(_)
            | StatementKind::BeginTransaction { .. }
            | StatementKind::CommitTransaction { .. }
            | StatementKind::RollbackTransaction { .. }
            | StatementKind::SaveTransaction { .. } => self.side_effect(&s.kind.name(), 14, s.span),
            StatementKind::Truncate { .. } | StatementKind::BulkInsert { .. } | StatementKind::Ddl(_) => {
                self.side_effect(&s.kind.name(), 15, s.span);
            }
            _ => {}
        }
    }

    /// Chains of ELSE IF are walked, not descended into.
    fn conditional(&mut self, s: &Statement) {
        let mut next = Some(s);
        while let Some(s) = next.take() {
            let StatementKind::If { then, otherwise, .. } = &s.kind else { return self.statement(s) };
            self.statement(then);
            next = otherwise.as_deref();
        }
    }

    fn select(&mut self, q: &Query, span: Span) {
        let Some(first) = first_select(&q.body) else { return };
        if first.into.is_some() {
            return self.side_effect("SELECT INTO", 15, span);
        }
        if !first.items.iter().any(|i| matches!(i, SelectItem::Assign { .. })) {
            let text = "Select statements included within a function cannot return data to a client.";
            self.report(SqlError::with_text(444, 16, text).state(2).at_line(span.line));
        }
    }

    /// Only variables of the function may be changed, under their names or aliases.
    fn change(&mut self, target: &DmlTarget, from: &[holdfast_tsql::ast::TableRef], what: &str, span: Span) {
        let variable = match target {
            DmlTarget::Variable(_) => true,
            DmlTarget::Named { name, .. } => {
                name.is_simple() && from.iter().any(|r| is_variable(r, &name.name.text))
            }
            DmlTarget::Rowset(_) => false,
        };
        if !variable {
            self.side_effect(what, 15, span);
        }
    }

    fn output(&mut self, list: &[OutputClause], span: Span) {
        for o in list {
            match &o.into {
                Some((DmlTarget::Variable(_), _)) => {}
                Some(_) => self.side_effect("OUTPUT INTO", 15, span),
                None => self.side_effect("OUTPUT", 15, span),
            }
        }
    }
}

/// Whether `label` is a table variable, or a derived table or common table that may come down to one.
fn is_variable(r: &holdfast_tsql::ast::TableRef, label: &str) -> bool {
    let same = |a: &Option<holdfast_tsql::ast::Ident>| a.as_ref().is_some_and(|a| a.is(label));
    match &r.kind {
        TableKind::Variable { alias, .. } | TableKind::Derived { alias, .. } => same(alias),
        TableKind::Join { left, right, .. } | TableKind::Apply { left, right, .. } => {
            is_variable(left, label) || is_variable(right, label)
        }
        TableKind::Paren(inner) => is_variable(inner, label),
        _ => false,
    }
}
