//! BULK INSERT from a file: one thread reads rows and makes records of them, the statement's own enters them.
//!
//! Invariants
//! 1. Rows are entered in the file's order, whichever way they go: as records where that is enough, as values where not.
//! 2. What is on its way between the threads is bounded; when the statement ends, whyever, the reading thread ends with it.
//! 3. Both threads look whether the statement has been cancelled.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use holdfast_engine::write::{RecordPlan, Records};
use holdfast_plan::change::BoundChange;
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, CollationId, SqlError, SqlResult, SqlString, SqlType, Value};

use super::bulk_file::{Character, Field, FileRows, Next};
use super::bulk_row::RowMaker;
use super::bulk_text::Source;
use super::external::assigned;
use super::fit::fit;
use super::{Change, Rows, Runner, writer};
use crate::context::ExecContext;
use crate::procedure::run::Fail;

/// Records entered at a time.
const LOAD_ROWS: usize = 2048;
/// Parts that may wait to be entered.
const PARTS: usize = 4;

/// What a BULK INSERT puts where.
pub(super) struct LoadFile<'f> {
    pub bound: &'f BoundChange,
    pub path: &'f str,
    /// The column of each field, and those that take theirs.
    pub fields: Vec<usize>,
    pub ordinals: Vec<usize>,
    pub collation: CollationId,
    pub max_errors: u64,
    pub keep_nulls: bool,
}

/// The text of a field.
pub(super) struct Reading<'r, U> {
    /// When all of it is ASCII.
    pub ascii: &'r (dyn for<'a> Fn(&'a [U], &'a mut Vec<u8>) -> Option<&'a [u8]> + Sync),
    pub units: &'r (dyn Fn(&[U]) -> Vec<u16> + Sync),
}

/// Rows on their way into the table.
enum Part {
    Records(Records),
    Rows(Rows),
    /// What is wrong with a row that is left out.
    Note(SqlError),
    Failed(SqlError),
}

/// The file cannot be read any further.
pub(super) fn unreadable(path: &str, e: &io::Error) -> SqlError {
    if e.kind() == io::ErrorKind::UnexpectedEof {
        return SqlError::new(4832, &[]);
    }
    let code = e.raw_os_error().unwrap_or(0);
    let said = e.to_string();
    // The number stands before it already.
    let said = said.split(" (os error").next().unwrap_or_default();
    let text = format!(
        "Cannot bulk load because the file \"{path}\" could not be read. Operating system error code {code}({said})."
    );
    SqlError::with_text(4861, 16, text)
}

impl LoadFile<'_> {
    /// A field as a value of its column.
    fn value(&self, column: usize, units: Vec<u16>, context: &ExecContext) -> SqlResult<Value> {
        let column = &self.bound.target.table.columns[column];
        let from = SqlType::nvarchar_max(self.collation);
        let value = assigned(Value::String(SqlString::new(units)), from, column.ty, context)?;
        fit(value, column, &String::new, true)
    }
}

/// The reading side.
struct Reader<'r, 'f, U> {
    file: &'r LoadFile<'f>,
    reading: &'r Reading<'r, U>,
    context: ExecContext,
    maker: Option<(RowMaker, Arc<RecordPlan>)>,
    rows: Rows,
    errors: u64,
    send: SyncSender<Part>,
    emptied: Receiver<Records>,
}

/// Why reading stops early.
enum Stop {
    /// The statement has ended.
    Ended,
    Failed(SqlError),
}

impl From<SqlError> for Stop {
    fn from(e: SqlError) -> Self {
        Stop::Failed(e)
    }
}

impl<U: Character> Reader<'_, '_, U> {
    fn run(mut self, source: &mut dyn Source<U>, mut rows: FileRows<U>) {
        // When nobody takes it the statement has ended already.
        if let Err(Stop::Failed(e)) = self.read(source, &mut rows) {
            let _ = self.send.send(Part::Failed(e));
        }
    }

    fn read(&mut self, source: &mut dyn Source<U>, rows: &mut FileRows<U>) -> Result<(), Stop> {
        let (mut text, mut more) = (Vec::new(), true);
        loop {
            {
                let mut row = Vec::with_capacity(self.file.fields.len());
                loop {
                    let number = match rows.next_row(&text, more, &mut row)? {
                        Next::Row(number) => number,
                        Next::More => break,
                        Next::End => {
                            self.flush_rows()?;
                            return self.flush_records();
                        }
                    };
                    self.row(number, &row)?;
                }
            }
            text.drain(..std::mem::take(&mut rows.at));
            // What is left is looked through again: at most once for every time that it doubles.
            let enough = text.len() * 2;
            loop {
                self.context.check_cancel()?;
                more = source.append(&mut text).map_err(|e| unreadable(self.file.path, &e))?;
                if !more || text.len() >= enough {
                    break;
                }
            }
        }
    }

    fn row(&mut self, number: u64, fields: &[Field<'_, U>]) -> Result<(), Stop> {
        let (file, reading, context) = (self.file, self.reading, &self.context);
        let general = |o: usize, field: &[U]| file.value(o, (reading.units)(field), context).ok();
        if let Some((maker, _)) = &mut self.maker
            && maker.row(fields, reading.ascii, &general)
        {
            let full = maker.records.len() == LOAD_ROWS;
            self.flush_rows()?;
            return if full { self.flush_records() } else { Ok(()) };
        }
        let mut new = Vec::with_capacity(file.ordinals.len());
        for (n, (&o, field)) in file.fields.iter().zip(fields).enumerate() {
            if !file.ordinals.contains(&o) {
                continue;
            }
            match field.as_ref().map_or(Ok(Value::Null), |f| file.value(o, (reading.units)(f), context)) {
                Ok(v) => new.push(v),
                Err(e) => {
                    let id = if e.number == 2628 { 4863 } else { 4864 };
                    let name = &file.bound.target.table.columns[o].name;
                    return self.wrong(SqlError::new(id, &[&number, &(n + 1), name]));
                }
            }
        }
        self.flush_records()?;
        self.rows.push(new);
        if self.rows.len() == BATCH_ROWS { self.flush_rows() } else { Ok(()) }
    }

    /// A row is left out, unless there are too many such.
    fn wrong(&mut self, e: SqlError) -> Result<(), Stop> {
        self.errors += 1;
        if self.errors > self.file.max_errors {
            return Err(SqlError::new(4865, &[&self.file.max_errors]).into());
        }
        self.give(Part::Note(e.at_line(1)))
    }

    fn give(&self, part: Part) -> Result<(), Stop> {
        self.send.send(part).map_err(|_| Stop::Ended)
    }

    fn flush_rows(&mut self) -> Result<(), Stop> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.give(Part::Rows(rows))
    }

    fn flush_records(&mut self) -> Result<(), Stop> {
        let Some((maker, plan)) = &mut self.maker else { return Ok(()) };
        if maker.records.is_empty() {
            return Ok(());
        }
        let next = self.emptied.try_recv().unwrap_or_else(|_| Records::new(Arc::clone(plan)));
        let full = std::mem::replace(&mut maker.records, next);
        self.give(Part::Records(full))
    }
}

impl Runner<'_> {
    /// Enters the rows of a file.
    pub(super) fn load_file<U: Character + Sync>(
        &mut self,
        file: &LoadFile<'_>,
        source: &mut dyn Source<U>,
        rows: FileRows<U>,
        reading: &Reading<'_, U>,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        // What is to be carried on to views comes as values.
        let plan = writer(&file.bound.target)?.record_plan().filter(|_| file.bound.target.views.is_empty());
        let maker = plan.and_then(|p| {
            let (fields, taken) = (&file.fields, &file.ordinals);
            let maker = RowMaker::new(file.bound, Arc::clone(&p), fields, taken, !file.keep_nulls)?;
            Some((maker, p))
        });
        let (send, parts) = sync_channel(PARTS);
        let (give_back, emptied) = channel();
        let context = change.context.clone();
        let reader = Reader { file, reading, context, maker, rows: Rows::new(), errors: 0, send, emptied };
        std::thread::scope(|scope| {
            let started = std::thread::Builder::new()
                .name("bulk-read".to_owned())
                .spawn_scoped(scope, move || reader.run(source, rows));
            if let Err(e) = started {
                let text = format!("Internal error: a thread could not be started: {e}.");
                return Err(SqlError::with_text(8624, 16, text).into());
            }
            // It goes with the closure, which ends the reader.
            let parts = parts;
            self.enter_parts(file, &parts, &give_back, change)
        })
    }

    fn enter_parts(
        &mut self,
        file: &LoadFile<'_>,
        parts: &Receiver<Part>,
        give_back: &Sender<Records>,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        for part in parts {
            change.context.check_cancel()?;
            match part {
                Part::Records(mut records) => {
                    writer(&file.bound.target)?.insert_records(change.write(), &records)?;
                    change.count += records.len() as u64;
                    records.clear();
                    let _ = give_back.send(records);
                }
                Part::Rows(rows) => {
                    let batch = Batch::new(rows.len(), Vec::new());
                    self.insert_values(file.bound, &file.ordinals, rows, &batch, change)?;
                }
                Part::Note(e) => self.sink.message(&e)?,
                Part::Failed(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}
