//! EXECUTE … WITH RESULT SETS: what the procedure sends is given other names and types on its way to the client.
//!
//! Invariant: once something does not fit nothing more is sent, and the statement ends with that error.

use std::sync::Arc;

use holdfast_engine::catalog::Catalog;
use holdfast_tsql::Span;
use holdfast_tsql::ast::{Execute, ExecuteOption, ResultSetDefinition};
use holdfast_types::{Batch, SqlError, SqlType, Value};

use super::query::convert;
use super::run::{Fail, Runner, Scope};
use super::unit::TypeScope;
use crate::context::ExecContext;
use crate::session::{Done, EnvironmentChange, ResultColumn, ResultSink, SinkResult};

/// A column as the statement wants it.
struct Wanted {
    name: Arc<str>,
    ty: SqlType,
    /// `None`: as it comes.
    nullable: Option<bool>,
}

impl Runner<'_> {
    /// EXECUTE, its result sets as it asks for them.
    pub fn execute(&mut self, e: &Execute, span: Span, scope: &mut Scope) -> Result<(), Fail> {
        let Some(sets) = self.wanted_sets(e)? else { return self.execute_as_it_is(e, span, scope) };
        let context = self.context(scope);
        let inherited = self.inherited();
        let mut sink = Shaped { outer: self.sink, sets, begun: 0, from: Vec::new(), context, error: None };
        let mut inner = inherited.over(&mut sink);
        let done = inner.execute_as_it_is(e, span, scope);
        let (wanted, sent, error) = (sink.sets.len(), sink.begun, sink.error.take());
        done?;
        if let Some(error) = error {
            return Err(error.into());
        }
        if sent < wanted {
            let text = format!(
                "EXECUTE statement failed because its WITH RESULT SETS clause specified {wanted} result set(s), but the statement \
                 only sent {sent} result set(s) at run time."
            );
            return Err(SqlError::with_text(11_536, 16, text).into());
        }
        Ok(())
    }

    /// `None`: whatever comes.
    fn wanted_sets(&self, e: &Execute) -> Result<Option<Vec<Vec<Wanted>>>, Fail> {
        let mut out = None;
        for option in &e.options {
            match option {
                ExecuteOption::Recompile => {}
                ExecuteOption::ResultSetsUndefined => out = None,
                ExecuteOption::ResultSetsNone => out = Some(Vec::new()),
                ExecuteOption::ResultSets(list) => {
                    let sets: Result<Vec<_>, Fail> = list.iter().map(|set| self.wanted(set)).collect();
                    out = Some(sets?);
                }
            }
        }
        Ok(out)
    }

    fn wanted(&self, set: &ResultSetDefinition) -> Result<Vec<Wanted>, Fail> {
        let columns = match set {
            ResultSetDefinition::Columns(columns) => columns,
            ResultSetDefinition::Object(_) => {
                return Err(SqlError::not_supported("WITH RESULT SETS AS OBJECT").into());
            }
            ResultSetDefinition::Type(_) => {
                return Err(SqlError::not_supported("WITH RESULT SETS AS TYPE").into());
            }
            ResultSetDefinition::ForXml => {
                return Err(SqlError::not_supported("WITH RESULT SETS AS FOR XML").into());
            }
        };
        let database = self.session.current_database();
        let types = TypeScope {
            catalog: Arc::clone(&database) as Arc<dyn Catalog>,
            collation: database.default_collation(),
            schema: self.session.default_schema(),
            text: "",
        };
        let mut out = Vec::with_capacity(columns.len());
        for c in columns {
            if c.collation.is_some() {
                return Err(SqlError::not_supported("COLLATE in WITH RESULT SETS").into());
            }
            let ty = types.resolve(&c.data_type)?.0;
            out.push(Wanted { name: c.name.text.as_str().into(), ty, nullable: c.nullable });
        }
        Ok(out)
    }
}

struct Shaped<'s> {
    outer: &'s mut dyn ResultSink,
    sets: Vec<Vec<Wanted>>,
    /// Result sets that have begun.
    begun: usize,
    /// Types of the present one as they come.
    from: Vec<SqlType>,
    context: ExecContext,
    error: Option<SqlError>,
}

impl Shaped<'_> {
    fn refuse(&mut self, number: i32, why: String) {
        let text = format!("EXECUTE statement failed because its WITH RESULT SETS clause specified {why}.");
        self.error.get_or_insert(SqlError::with_text(number, 16, text));
    }

    fn converted(&self, batch: &Batch, wanted: &[Wanted]) -> Result<Batch, SqlError> {
        let types: Vec<SqlType> = wanted.iter().map(|w| w.ty).collect();
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(batch.len);
        for i in 0..batch.len {
            let mut row = Vec::with_capacity(wanted.len());
            for (n, (value, w)) in batch.row(i, &self.from).iter().zip(wanted).enumerate() {
                if value.is_null() && w.nullable == Some(false) {
                    let text = format!(
                        "EXECUTE statement failed because its WITH RESULT SETS clause specified a non-nullable type for column \
                         #{} in result set #{}, and the corresponding value sent at run time was null.",
                        n + 1,
                        self.begun
                    );
                    return Err(SqlError::with_text(11_553, 16, text));
                }
                row.push(convert(value, self.from[n], w.ty, &self.context)?);
            }
            rows.push(row);
        }
        Batch::from_rows(&types, &rows)
    }
}

impl ResultSink for Shaped<'_> {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        if self.error.is_some() {
            return Ok(());
        }
        self.begun += 1;
        let (number, count) = (self.begun, self.sets.len());
        let Some(wanted) = self.sets.get(number - 1) else {
            let why =
                format!("{count} result set(s), and the statement tried to send more result sets than this");
            self.refuse(11_535, why);
            return Ok(());
        };
        if wanted.len() != columns.len() {
            let (wants, sent) = (wanted.len(), columns.len());
            let why = format!(
                "{wants} column(s) for result set number {number}, but the statement sent {sent} column(s) at run time"
            );
            self.refuse(11_537, why);
            return Ok(());
        }
        self.from = columns.iter().map(|c| c.ty).collect();
        let shaped = |(c, w): (&ResultColumn, &Wanted)| ResultColumn {
            name: Arc::clone(&w.name),
            ty: w.ty,
            nullable: w.nullable.unwrap_or(c.nullable),
            identity: false,
            computed: false,
            updatable: false,
            user_type: None,
            source: None,
        };
        let shaped: Vec<ResultColumn> = columns.iter().zip(wanted).map(shaped).collect();
        self.outer.columns(&shaped)
    }

    fn rows(&mut self, batch: &Batch) -> SinkResult {
        if self.error.is_some() {
            return Ok(());
        }
        let Some(wanted) = self.sets.get(self.begun.wrapping_sub(1)) else { return Ok(()) };
        match self.converted(batch, wanted) {
            Ok(batch) => self.outer.rows(&batch),
            Err(e) => {
                self.error.get_or_insert(e);
                Ok(())
            }
        }
    }

    fn done(&mut self, done: Done) -> SinkResult {
        self.outer.done(done)
    }
    fn message(&mut self, message: &SqlError) -> SinkResult {
        self.outer.message(message)
    }
    fn environment(&mut self, change: EnvironmentChange) -> SinkResult {
        self.outer.environment(change)
    }
    fn return_status(&mut self, status: i32) -> SinkResult {
        self.outer.return_status(status)
    }
    fn return_value(&mut self, ordinal: u16, name: &str, ty: &SqlType, value: &Value) -> SinkResult {
        self.outer.return_value(ordinal, name, ty, value)
    }
    fn flush(&mut self) -> SinkResult {
        self.outer.flush()
    }
}
