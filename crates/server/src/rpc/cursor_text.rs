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

/// What a cursor is to be opened over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// One SELECT, which the cursor can read anew.
    Query,
    /// Rows that are there once: those of a procedure, or none of a text with syntax errors, which is for the executor to refuse.
    Rows,
    /// No cursor can be opened over it.
    Nothing,
}

pub fn subject(text: &str, session: &mut dyn SqlSession) -> Subject {
    let Ok(batch) = parse_batch(text, &OPTIONS) else {
        // FOR UPDATE and FOR READ ONLY stand in cursors only.
        let declared = parse_batch(&format!("DECLARE c CURSOR FOR {text}"), &OPTIONS);
        let is_query = declared.is_ok_and(|b| {
            matches!(b.statements.as_slice(), [Statement { kind: StatementKind::DeclareCursor(c), .. }]
                if is_plain(&c.query.query))
        });
        return if is_query { Subject::Query } else { Subject::Rows };
    };
    let [one] = batch.statements.as_slice() else { return Subject::Nothing };
    match &one.kind {
        StatementKind::Select(s) if is_plain(&s.query) => Subject::Query,
        StatementKind::Execute(e) => match &e.target {
            ExecuteTarget::Procedure { name, .. }
                if definition(name, session).is_some_and(|text| holds_one_select(&text)) =>
            {
                Subject::Rows
            }
            _ => Subject::Nothing,
        },
        _ => Subject::Nothing,
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
