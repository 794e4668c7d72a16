//! Which texts a server cursor can be opened over.
//!
//! Documented (sp_cursoropen): one SELECT without INTO and FOR BROWSE, or EXECUTE of a procedure that holds one such SELECT. SET
//! in such a procedure is let through: it changes nothing but how the SELECT is read.

use holdfast_exec::session::{
    Done, EnvironmentChange, ResultColumn, ResultSink, RpcParameter, RpcValue, SinkResult, SqlSession,
    StatementText,
};
use holdfast_tsql::ast::query::{ForClause, Query, QueryBody};
use holdfast_tsql::ast::{Ddl, ExecuteTarget, Ident, ModuleBody, ObjectName, Statement, StatementKind};
use holdfast_tsql::{ParseOptions, parse_batch};
use holdfast_types::{Batch, CollationId, SqlError, SqlType, Value};

const OPTIONS: ParseOptions = ParseOptions { quoted_identifier: true };

/// Whether a cursor can be opened over the text. One with syntax errors is for the executor to refuse.
pub fn gets_cursor(text: &str, session: &mut dyn SqlSession) -> bool {
    let Ok(batch) = parse_batch(text, &OPTIONS) else { return true };
    let [one] = batch.statements.as_slice() else { return false };
    match &one.kind {
        StatementKind::Select(s) => is_plain(&s.query),
        StatementKind::Execute(e) => match &e.target {
            ExecuteTarget::Procedure { name, .. } => {
                definition(name, session).is_some_and(|text| holds_one_select(&text))
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_plain(query: &Query) -> bool {
    !matches!(query.for_clause, Some(ForClause::Browse)) && !has_into(&query.body)
}

fn has_into(body: &QueryBody) -> bool {
    match body {
        QueryBody::Select(s) => s.into.is_some(),
        QueryBody::Set { left, right, .. } => has_into(left) || has_into(right),
        QueryBody::Paren(q) => has_into(&q.body),
        QueryBody::Values(_) => false,
    }
}

fn holds_one_select(definition: &str) -> bool {
    let Ok(batch) = parse_batch(definition, &OPTIONS) else { return false };
    let [one] = batch.statements.as_slice() else { return false };
    match &one.kind {
        StatementKind::Ddl(d) => match &**d {
            Ddl::CreateProcedure(p) => match &p.body {
                ModuleBody::Statements(list) => is_one_select(list),
                ModuleBody::External(_) => false,
            },
            _ => false,
        },
        _ => false,
    }
}

fn is_one_select(list: &[Statement]) -> bool {
    let mut work = list.iter().filter(|s| !matches!(s.kind, StatementKind::SetOption(_)));
    match (work.next().map(|s| &s.kind), work.next()) {
        (Some(StatementKind::Block(inner)), None) => is_one_select(inner),
        (Some(StatementKind::Select(s)), None) => is_plain(&s.query),
        _ => false,
    }
}

/// The text of a procedure; `None` when there is none that the session may see.
fn definition(name: &ObjectName, session: &mut dyn SqlSession) -> Option<String> {
    let quoted = |p: &Ident| format!("[{}].", p.text.replace(']', "]]"));
    let database = name.database.as_ref().map(quoted).unwrap_or_default();
    // `db..p` leaves the schema out.
    let left_out = if database.is_empty() { "" } else { "." };
    let schema = name.schema.as_ref().map_or_else(|| left_out.to_owned(), quoted);
    let full = format!("{database}{schema}{}", quoted(&name.name));
    let full = full.trim_end_matches('.');
    let value = RpcParameter {
        name: String::new(),
        ty: SqlType::nvarchar_max(CollationId::SERVER_DEFAULT),
        value: RpcValue::Scalar(Value::string(full)),
        output: false,
        default: false,
    };
    let query = StatementText {
        text: "select object_definition(object_id(@name))".into(),
        declarations: "@name nvarchar(max)".into(),
    };
    let mut found = First::default();
    session.execute_statement(&query, &[value], 0, &mut found);
    found.text
}

/// Keeps the first value that is text.
#[derive(Default)]
struct First {
    types: Vec<SqlType>,
    text: Option<String>,
}

impl ResultSink for First {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        self.types = columns.iter().map(|c| c.ty).collect();
        Ok(())
    }
    fn rows(&mut self, batch: &Batch) -> SinkResult {
        if self.text.is_none()
            && batch.len > 0
            && let Some(Value::String(s)) = batch.row(0, &self.types).first()
        {
            self.text = Some(s.to_text());
        }
        Ok(())
    }
    fn done(&mut self, _: Done) -> SinkResult {
        Ok(())
    }
    fn message(&mut self, _: &SqlError) -> SinkResult {
        Ok(())
    }
    fn environment(&mut self, _: EnvironmentChange) -> SinkResult {
        Ok(())
    }
    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> SinkResult {
        Ok(())
    }
}
