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

use holdfast_engine::catalog::{Catalog, IndexDef, IndexKind, TableRules};
use holdfast_engine::ddl::object::bits;
use holdfast_plan::change::{Action, BoundChange, ChangeKind};
use holdfast_tsql::Span;
use holdfast_tsql::ast::{DmlTarget, Execute, ExecuteTarget, Expr, Ident, Insert, InsertSource, ObjectName};
use holdfast_types::{CodePage, CollationId, SqlError, SqlType, Value};

use super::bulk_file::{FileFormat, FileRows};
use super::bulk_load::{LoadFile, Reading, unreadable};
use super::bulk_text::FileText;
use super::{INSERT, Rows, Runner, writer};
use crate::procedure::instance_session::is_number;
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
            with_bind_context(&names.names(), &evaluator, |cx| holdfast_plan::bind_insert(&insert, cx))?
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

    /// [`Self::bulk_change`] for rows that are about to come. Constraints that nobody looks at meanwhile are not trusted from then on.
    /// (Documented at CHECK_CONSTRAINTS of BULK INSERT.)
    fn bulk_change_of_rows(
        &mut self,
        table: &ObjectName,
        columns: &[Ident],
        options: LoadOptions,
        scope: &Scope,
    ) -> Result<BoundChange, Fail> {
        let bound = self.bulk_change(table, columns, options, scope)?;
        if options.check_constraints {
            return Ok(bound);
        }
        let (id, object) = (bound.target.table.database_id, bound.target.table.object_id);
        let Some(database) = self.session.host.database_by_id(id) else { return Ok(bound) };
        let rules = Catalog::rules(&*database, object)?;
        let checks = rules.checks.iter().filter(|c| !c.disabled && !c.not_trusted).map(|c| c.object_id);
        let keys = rules.foreign_keys.iter().filter(|k| !k.disabled && !k.not_trusted).map(|k| k.object_id);
        let trusted: Vec<i32> = checks.chain(keys).collect();
        if trusted.is_empty() {
            return Ok(bound);
        }
        self.defining(&database, Span::default(), scope, |work| {
            work.lock(object)?;
            for constraint in &trusted {
                work.writer()?.set_status(*constraint, bits::NOT_TRUSTED, 0)?;
            }
            Ok(())
        })?;
        self.bulk_change(table, columns, options, scope)
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
        for (i, row) in rows.iter().enumerate() {
            if let Some(at) = row.iter().position(|v| !is_number(v)) {
                let name = columns.get(at).map_or("", |c| &*c.name);
                return Err(SqlError::new(4864, &[&(i + 1), &(at + 1), &name]).into());
            }
        }
        let unit = Unit::new("", Vec::new(), Vec::new(), Default::default());
        let mut scope = Scope::new(unit, &self.session.host.temporary_rows);
        let bound =
            self.bulk_change_of_rows(&announced.table, &announced.columns, announced.options, &scope)?;
        // Rows that such an index would have to follow come again when it has been disabled.
        let followed = |i: &IndexDef| matches!(i.kind, IndexKind::Xml | IndexKind::Spatial);
        let spare = bound.target.table.indexes.iter().any(followed).then(|| rows.clone());
        match (self.enter_bulk(bound, &announced, columns, rows, &mut scope), spare) {
            (Err(fail), Some(rows)) => {
                let mut kept = self.kept_definitions();
                self.begin_again(&mut kept, fail)?;
                let bound =
                    self.bulk_change(&announced.table, &announced.columns, announced.options, &scope)?;
                self.enter_bulk(bound, &announced, columns, rows, &mut scope)
            }
            (done, _) => done,
        }
    }

    fn enter_bulk(
        &mut self,
        bound: BoundChange,
        announced: &BulkTarget,
        columns: &[ResultColumn],
        rows: Rows,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let ChangeKind::InsertExternal { ordinals, .. } = bound.kind.clone() else { return Ok(()) };
        if ordinals.len() != columns.len() {
            return Err(SqlError::new(213, &[]).into());
        }
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        let bound = Arc::new(bound);
        self.run_change(&bound, scope, INSERT, |r, change, _| {
            change.default_for_null = !announced.options.keep_nulls;
            if announced.options.lock_table {
                writer(&bound.target)?.lock_all(change.write())?;
            }
            r.insert_external(&bound, &ordinals, &types, super::external::parts(rows), change)?;
            r.touch_nothing(&bound.target, Action::Insert, change)?;
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
        let opened = std::fs::File::open(&path).map_err(|_| SqlError::new(4860, &[&path]))?;
        let bound = self.bulk_change_of_rows(table, &[], load, scope)?;
        let columns = &bound.target.table.columns;
        // A field for every column that is not computed; that of the identity column is passed over unless asked for.
        let ChangeKind::InsertExternal { shown, .. } = &bound.kind else { return Ok(()) };
        let fields = shown.clone();
        let ordinals: Vec<usize> =
            fields.iter().copied().filter(|&o| keep_identity || columns[o].identity.is_none()).collect();
        let collation = self.session.current_database().default_collation();
        let text =
            FileText::new(Box::new(opened), &mut format, collation).map_err(|e| unreadable(&path, &e))?;
        let page = if format.utf8 { CodePage::UTF8 } else { collation.code_page() };
        let bound = Arc::new(bound);
        let file = LoadFile {
            bound: &bound,
            path: &path,
            fields,
            ordinals,
            collation,
            max_errors,
            keep_nulls: load.keep_nulls,
        };
        self.run_change(&bound, scope, INSERT, |r, change, _| {
            change.default_for_null = !load.keep_nulls;
            if load.lock_table {
                writer(&bound.target)?.lock_all(change.write())?;
            }
            let fields = file.fields.len();
            match text {
                FileText::Narrow(mut pieces) => {
                    let narrow =
                        Reading { ascii: &ascii_of_bytes, units: &|field: &[u8]| page.decode(field) };
                    r.load_file(&file, &mut pieces, FileRows::new(&format, fields), &narrow, change)?;
                }
                FileText::Wide(mut pieces) => {
                    let wide = Reading { ascii: &ascii_of_units, units: &|field: &[u16]| field.to_vec() };
                    r.load_file(&file, &mut pieces, FileRows::new(&format, fields), &wide, change)?;
                }
            }
            r.touch_nothing(&bound.target, Action::Insert, change)?;
            Ok(())
        })
    }
}

fn ascii_of_bytes<'a>(field: &'a [u8], _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    field.is_ascii().then_some(field)
}

fn ascii_of_units<'a>(field: &'a [u16], narrow: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    narrow.clear();
    narrow.extend(field.iter().map(|u| *u as u8));
    field.iter().all(|u| *u < 0x80).then_some(narrow)
}
