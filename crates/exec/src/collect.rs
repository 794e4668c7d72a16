//! A sink that keeps everything in memory: for tests, for describing statements, and for callers inside the process.

use holdfast_types::{Batch, SqlError, SqlType, Value};

use crate::session::{Done, EnvironmentChange, ResultColumn, ResultSink, SinkResult};

/// One result set.
#[derive(Clone, Debug, Default)]
pub struct ResultSet {
    pub columns: Vec<ResultColumn>,
    pub rows: Vec<Vec<Value>>,
}

/// Everything a request answered, in order of arrival within each kind.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    pub results: Vec<ResultSet>,
    pub messages: Vec<SqlError>,
    pub done: Vec<Done>,
    pub environment: Vec<EnvironmentChange>,
    pub return_status: Option<i32>,
    /// Output parameters: name, type, value.
    pub return_values: Vec<(String, SqlType, Value)>,
}

impl Collected {
    pub fn new() -> Self {
        Self::default()
    }

    /// Messages of severity above 10.
    pub fn errors(&self) -> Vec<&SqlError> {
        self.messages.iter().filter(|m| m.severity > 10).collect()
    }
}

impl ResultSink for Collected {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        self.results.push(ResultSet { columns: columns.to_vec(), rows: Vec::new() });
        Ok(())
    }

    fn rows(&mut self, batch: &Batch) -> SinkResult {
        if let Some(result) = self.results.last_mut() {
            for row in 0..batch.len {
                let types = result.columns.iter().map(|c| &c.ty);
                result.rows.push(batch.columns.iter().zip(types).map(|(c, ty)| c.value(row, ty)).collect());
            }
        }
        Ok(())
    }

    fn done(&mut self, done: Done) -> SinkResult {
        self.done.push(done);
        Ok(())
    }

    fn message(&mut self, message: &SqlError) -> SinkResult {
        self.messages.push(message.clone());
        Ok(())
    }

    fn environment(&mut self, change: EnvironmentChange) -> SinkResult {
        self.environment.push(change);
        Ok(())
    }

    fn return_status(&mut self, status: i32) -> SinkResult {
        self.return_status = Some(status);
        Ok(())
    }

    fn return_value(&mut self, _ordinal: u16, name: &str, ty: &SqlType, value: &Value) -> SinkResult {
        self.return_values.push((name.to_owned(), *ty, value.clone()));
        Ok(())
    }

    fn flush(&mut self) -> SinkResult {
        Ok(())
    }
}
