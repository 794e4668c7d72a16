//! Bulk loads: INSERT BULK with the rows a client sends after it, and BULK INSERT from a file.
//!
//! Invariants
//! 1. Without CHECK_CONSTRAINTS neither checks nor foreign keys are looked at, without FIRE_TRIGGERS no trigger fires, without
//!    KEEP_NULLS a NULL becomes the column's default.
//! 2. The load is one statement: an error that ends it leaves nothing behind.
//! 3. TABLOCK keeps all others from the table (SQL Server lets other loads in beside it).
//!
//! Evidence: T-SQL reference, "BULK INSERT"; the statements that client libraries send.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, TableRules};
use holdfast_engine::write::Records;
use holdfast_plan::change::{Action, BoundChange, ChangeKind};
use holdfast_tsql::ast::{DmlTarget, Execute, ExecuteTarget, Expr, Ident, Insert, InsertSource, ObjectName};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, CodePage, CollationId, SqlError, SqlResult, SqlString, SqlType, Value};

use super::bulk_file::{Character, FileFormat, FileRows, FileText};
use super::bulk_row::RowMaker;
use super::external::assigned;
use super::fit::fit;
use super::{Change, INSERT, Rows, Runner, writer};
use crate::procedure::raise::integer;
use crate::procedure::run::{Fail, Scope, scope_names};
use crate::procedure::unit::{Folding, Unit, with_bind_context};
use crate::session::ResultColumn;

/// What an INSERT BULK announced.
#[derive(Clone, Debug)]
pub struct BulkTarget {
    table: ObjectName,
    columns: Vec<Ident>,
    options: LoadOptions,
}

#[derive(Clone, Copy, Debug, Default)]
struct LoadOptions {
    keep_nulls: bool,
    check_constraints: bool,
    fire_triggers: bool,
    lock_table: bool,
}

/// An INSERT whose rows come from elsewhere.
pub(super) fn insert_of(target: DmlTarget, columns: &[Ident]) -> Insert {
    let nothing = ExecuteTarget::Text { parts: Vec::new(), arguments: Vec::new(), as_user: None, at: None };
    Insert {
        with: None,
        top: None,
        target,
        columns: columns.iter().map(|c| vec![c.clone()]).collect(),
        output: Vec::new(),
        source: InsertSource::Execute(Box::new(Execute {
            return_variable: None,
            target: nothing,
            options: Vec::new(),
            implicit: false,
        })),
        options: Vec::new(),
    }
}

impl Runner<'_> {
    /// The change that a load is, with the table's rules as its options leave them.
    fn bulk_change(
        &mut self,
        table: &ObjectName,
        columns: &[Ident],
        options: LoadOptions,
        scope: &Scope,
    ) -> Result<BoundChange, Fail> {
        let insert = insert_of(DmlTarget::Named { name: table.clone(), hints: Vec::new() }, columns);
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let mut bound =
            with_bind_context(&names.names(), &evaluator, |cx| holdfast_plan::bind_insert(&insert, cx))
                .map_err(Fail::Compile)?;
        self.authorize(&bound.accesses, scope)?;
        let mut target = (*bound.target).clone();
        if !options.check_constraints {
            target.checks.clear();
            target.rules = Arc::new(TableRules { foreign_keys: Vec::new(), ..(*target.rules).clone() });
        }
        if !options.fire_triggers {
            target.triggers.clear();
        }
        bound.target = Arc::new(target);
        Ok(bound)
    }

    /// INSERT BULK.
    pub fn insert_bulk(
        &mut self,
        table: &ObjectName,
        columns: &[Ident],
        options: &[String],
        scope: &Scope,
    ) -> Result<(), Fail> {
        let has = |name: &str| options.iter().any(|o| o == name);
        let options = LoadOptions {
            keep_nulls: has("KEEP_NULLS"),
            check_constraints: has("CHECK_CONSTRAINTS"),
            fire_triggers: has("FIRE_TRIGGERS"),
            lock_table: has("TABLOCK"),
        };
        self.bulk_change(table, columns, options, scope)?;
        let target = BulkTarget { table: table.clone(), columns: columns.to_vec(), options };
        self.session.state.lock().bulk = Some(target);
        self.plain_done(0)
    }

    /// The rows that belong to the last INSERT BULK.
    pub fn bulk_rows(&mut self, columns: &[ResultColumn], rows: Rows) -> Result<(), Fail> {
        let announced = self.session.state.lock().bulk.take();
        let Some(announced) = announced else {
            let text = "A bulk load message came without an INSERT BULK statement before it.";
            return Err(SqlError::with_text(4002, 16, text).into());
        };
        let unit = Unit::new("", Vec::new(), Vec::new(), Default::default());
        let mut scope = Scope::new(unit);
        let bound = self.bulk_change(&announced.table, &announced.columns, announced.options, &scope)?;
        let ChangeKind::InsertExternal(ordinals) = bound.kind.clone() else { return Ok(()) };
        if ordinals.len() != columns.len() {
            return Err(SqlError::new(213, &[]).into());
        }
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        let bound = Arc::new(bound);
        self.run_change(&bound, &mut scope, INSERT, |r, change, _| {
            change.default_for_null = !announced.options.keep_nulls;
            if announced.options.lock_table {
                writer(&bound.target)?.lock_all(change.write())?;
            }
            r.insert_external(&bound, &ordinals, &types, rows, change)?;
            r.touch_nothing(&bound.target, Action::Insert, change);
            Ok(())
        })
    }

    /// BULK INSERT.
    pub fn bulk_insert(
        &mut self,
        table: &ObjectName,
        file: &Expr,
        options: &[(String, Option<Expr>)],
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        if !self.session.security.has_server("ADBO") {
            return Err(SqlError::new(4834, &[]).into());
        }
        let name_type = SqlType::nvarchar(4000, CollationId::SERVER_DEFAULT);
        let path = match self.value_as(file, name_type, scope)? {
            Value::String(s) => s.to_text(),
            _ => String::new(),
        };
        let mut load = LoadOptions::default();
        let mut format = FileFormat::default();
        let mut keep_identity = false;
        let mut max_errors = 10u64;
        for (name, value) in options {
            let value = match value {
                Some(e) => self.value(e, scope)?.0,
                None => Value::Null,
            };
            let text = match &value {
                Value::String(s) => s.to_text(),
                _ => String::new(),
            };
            let number = integer(&value).and_then(|n| u64::try_from(n).ok());
            match name.as_str() {
                "KEEPNULLS" => load.keep_nulls = true,
                "KEEPIDENTITY" => keep_identity = true,
                "CHECK_CONSTRAINTS" => load.check_constraints = true,
                "FIRE_TRIGGERS" => load.fire_triggers = true,
                "FIELDTERMINATOR" => format.set_field_end(&text),
                "ROWTERMINATOR" => format.set_row_end(&text),
                "FIELDQUOTE" => format.set_quote(&text),
                "FORMAT" if text.eq_ignore_ascii_case("CSV") => format.csv(),
                "FIRSTROW" => format.first_row = number.unwrap_or(1).max(1),
                "LASTROW" => format.last_row = number.unwrap_or(0),
                "MAXERRORS" => max_errors = number.unwrap_or(10),
                "CODEPAGE" => {
                    let page = if text.is_empty() { number.unwrap_or(0).to_string() } else { text };
                    format.utf8 = page == "65001";
                }
                "DATAFILETYPE" if text.eq_ignore_ascii_case("widechar") => format.wide = true,
                "DATAFILETYPE" if text.eq_ignore_ascii_case("char") => {}
                "TABLOCK" => load.lock_table = true,
                // How a load is cut up does not change what it leaves.
                "BATCHSIZE" | "ROWS_PER_BATCH" | "KILOBYTES_PER_BATCH" | "ORDER" => {}
                other => {
                    return Err(SqlError::not_supported(format!("BULK INSERT with {other}")).into());
                }
            }
        }
        let bytes = std::fs::read(&path).map_err(|_| SqlError::new(4860, &[&path]))?;
        let bound = self.bulk_change(table, &[], load, scope)?;
        let columns = &bound.target.table.columns;
        // A field for every column that is not computed; that of the identity column is passed over unless asked for.
        let fields: Vec<usize> =
            (0..columns.len()).filter(|&i| columns[i].computed.is_none() && !columns[i].is_hidden).collect();
        let ordinals: Vec<usize> =
            fields.iter().copied().filter(|&o| keep_identity || columns[o].identity.is_none()).collect();
        let collation = self.session.current_database().default_collation();
        let text = FileText::new(bytes, &mut format, collation);
        let page = if format.utf8 { CodePage::UTF8 } else { collation.code_page() };
        let bound = Arc::new(bound);
        let file = LoadFile { bound: &bound, fields, ordinals, collation, max_errors, options: load };
        self.run_change(&bound, scope, INSERT, |r, change, _| {
            change.default_for_null = !load.keep_nulls;
            if load.lock_table {
                writer(&bound.target)?.lock_all(change.write())?;
            }
            match &text {
                FileText::Narrow(text) => {
                    let narrow =
                        Reading { ascii: &ascii_of_bytes, units: &|field: &[u8]| page.decode(field) };
                    r.load_file(&file, FileRows::new(text, &format, file.fields.len()), &narrow, change)?;
                }
                FileText::Wide(text) => {
                    let wide = Reading { ascii: &ascii_of_units, units: &|field: &[u16]| field.to_vec() };
                    r.load_file(&file, FileRows::new(text, &format, file.fields.len()), &wide, change)?;
                }
            }
            r.touch_nothing(&bound.target, Action::Insert, change);
            Ok(())
        })
    }

    /// Enters the rows of a file: as records where that is enough, as values where not.
    fn load_file<U: Character>(
        &mut self,
        file: &LoadFile<'_>,
        mut rows: FileRows<'_, U>,
        reading: &Reading<'_, U>,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        let LoadFile { bound, fields, ordinals, collation, max_errors, options } = file;
        let columns = &bound.target.table.columns;
        let plan = writer(&bound.target)?.record_plan();
        let mut maker = plan.and_then(|p| RowMaker::new(bound, p, fields, ordinals, !options.keep_nulls));
        let from = SqlType::nvarchar_max(*collation);
        let mut errors = 0u64;
        let mut part: Rows = Vec::new();
        let mut row = Vec::with_capacity(fields.len());
        let mut read = 0u64;
        while let Some(number) = rows.next_row(&mut row) {
            let number = number?;
            read += 1;
            if read.is_multiple_of(256) {
                change.context.check_cancel()?;
            }
            let value = |o: usize, field: &[U], change: &Change<'_>| -> SqlResult<Value> {
                let value = Value::String(SqlString::new((reading.units)(field)));
                let value = assigned(value, from, columns[o].ty, change)?;
                fit(value, &columns[o], &String::new, true)
            };
            if let Some(maker) = &mut maker
                && maker.row(&row, reading.ascii, &|o, field| value(o, field, change).ok())
            {
                if maker.records.len() == LOAD_ROWS {
                    self.load_records(bound, &mut maker.records, change)?;
                }
                continue;
            }
            let mut new = Vec::with_capacity(ordinals.len());
            let mut failed = None;
            for (n, (&o, field)) in fields.iter().zip(&row).enumerate() {
                if !ordinals.contains(&o) {
                    continue;
                }
                match field.as_ref().map_or(Ok(Value::Null), |f| value(o, f, change)) {
                    Ok(v) => new.push(v),
                    Err(e) => {
                        let id = if e.number == 2628 { 4863 } else { 4864 };
                        failed = Some(SqlError::new(id, &[&number, &(n + 1), &columns[o].name]));
                        break;
                    }
                }
            }
            if let Some(e) = failed {
                errors += 1;
                if errors > *max_errors {
                    return Err(SqlError::new(4865, &[max_errors]).into());
                }
                self.sink.message(&e.at_line(1))?;
                continue;
            }
            part.push(new);
            // Rows stay in order: what comes as values goes in between the records before and behind it.
            if let Some(maker) = &mut maker {
                self.load_records(bound, &mut maker.records, change)?;
            }
            if part.len() == BATCH_ROWS || maker.is_some() {
                self.load_part(bound, ordinals, std::mem::take(&mut part), change)?;
            }
        }
        if let Some(maker) = &mut maker {
            self.load_records(bound, &mut maker.records, change)?;
        }
        self.load_part(bound, ordinals, part, change)
    }

    fn load_records(
        &mut self,
        bound: &BoundChange,
        records: &mut Records,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        if !records.is_empty() {
            writer(&bound.target)?.insert_records(change.write(), records)?;
            change.count += records.len() as u64;
            records.clear();
        }
        Ok(())
    }

    fn load_part(
        &mut self,
        bound: &BoundChange,
        ordinals: &[usize],
        rows: Rows,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        if rows.is_empty() {
            return Ok(());
        }
        let batch = Batch::new(rows.len(), Vec::new());
        self.insert_values(bound, ordinals, rows, &batch, change)
    }
}

/// Records entered at a time.
const LOAD_ROWS: usize = 2048;

/// What a BULK INSERT puts where.
struct LoadFile<'f> {
    bound: &'f BoundChange,
    /// The column of each field, and those that take theirs.
    fields: Vec<usize>,
    ordinals: Vec<usize>,
    collation: CollationId,
    max_errors: u64,
    options: LoadOptions,
}

/// The text of a field.
struct Reading<'r, U> {
    /// When all of it is ASCII.
    ascii: &'r dyn for<'a> Fn(&'a [U], &'a mut Vec<u8>) -> Option<&'a [u8]>,
    units: &'r dyn Fn(&[U]) -> Vec<u16>,
}

fn ascii_of_bytes<'a>(field: &'a [u8], _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    field.is_ascii().then_some(field)
}

fn ascii_of_units<'a>(field: &'a [u16], narrow: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    narrow.clear();
    narrow.extend(field.iter().map(|u| *u as u8));
    field.iter().all(|u| *u < 0x80).then_some(narrow)
}
