//! CREATE, UPDATE and DROP STATISTICS, and the statistics that an index in the making gets.
//!
//! Invariants
//! 1. Rows are read without locks, as SQL Server reads them: who changes the table is not waited for.
//! 2. Statistics of an index say the same rows as the index holds: those that its filter takes.
//! 3. An option that would be passed over is refused.

use std::sync::Arc;

use holdfast_engine::access::{BatchSource, KeyRange, ReadContext};
use holdfast_engine::catalog::{IndexKind, TableDef};
use holdfast_engine::database::statistics::StoredStatistics;
use holdfast_engine::ddl::index::bits;
use holdfast_engine::lock::LockMode;
use holdfast_engine::statistics::{Collector, Sampling};
use holdfast_engine::stored::key::is_comparable;
use holdfast_tsql::ast::{CreateStatistics, Ident, ObjectName, Setting};
use holdfast_types::{SqlError, SqlType, TypeId};

use super::lower::{bracketed, find_column, known_columns};
use super::print::stored_filter;
use super::table::word;
use super::{Definition, shown};
use crate::procedure::run::{Fail, Stop};

/// Rows from which an index that is made gets statistics of a sample.
const INDEX_SAMPLE: u64 = 1_000_000;
/// Columns that statistics may have.
const MAX_COLUMNS: usize = 32;

/// Which statistics of a table UPDATE STATISTICS means when it names none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kinds {
    #[default]
    All,
    Columns,
    Indexes,
}

/// The options after WITH.
#[derive(Debug, Default)]
struct Options {
    sampling: Option<Sampling>,
    resample: bool,
    no_recompute: bool,
    kinds: Kinds,
    /// The percentage is kept for later updates, or forgotten.
    persist: Option<bool>,
}

/// OFF; `None` stands for ON.
fn is_on(o: &Setting) -> bool {
    o.value.as_ref().and_then(word).is_none_or(|w| !w.eq_ignore_ascii_case("OFF"))
}

fn options(statement: &str, given: &[Setting]) -> Result<Options, Fail> {
    let unknown = |name: &str| {
        let text = format!("'{name}' is not a recognized {statement} option.");
        Err(Fail::Compile(SqlError::with_text(155, 15, text)))
    };
    let mut out = Options::default();
    for o in given {
        let number = o.value.as_ref().and_then(holdfast_tsql::ast::Expr::as_integer).unwrap_or(-1);
        match o.name.as_str() {
            "FULLSCAN" => out.sampling = Some(Sampling::Full),
            "SAMPLE PERCENT" if (0..=100).contains(&number) => {
                out.sampling = Some(Sampling::Percent(number as f64));
            }
            "SAMPLE PERCENT" => {
                return Err(Fail::Compile(SqlError::new(1031, &[])));
            }
            "SAMPLE ROWS" => {
                out.sampling = Some(Sampling::Rows(u64::try_from(number).unwrap_or(0)));
            }
            "SAMPLE" => return Err(Fail::Compile(SqlError::new(102, &[&"SAMPLE"]))),
            "NORECOMPUTE" => out.no_recompute = true,
            "RESAMPLE" if statement == "UPDATE STATISTICS" && o.partitions.is_empty() => out.resample = true,
            "ALL" if statement == "UPDATE STATISTICS" => out.kinds = Kinds::All,
            "COLUMNS" if statement == "UPDATE STATISTICS" => out.kinds = Kinds::Columns,
            "INDEX" if statement == "UPDATE STATISTICS" => out.kinds = Kinds::Indexes,
            "PERSIST_SAMPLE_PERCENT" => out.persist = Some(is_on(o)),
            // One thread reads.
            "MAXDOP" => {}
            "INCREMENTAL" | "AUTO_DROP" if !is_on(o) => {}
            "RESAMPLE" if statement == "CREATE STATISTICS" => return unknown(&o.name),
            "INCREMENTAL" | "AUTO_DROP" | "STATS_STREAM" | "RESAMPLE" | "ROWCOUNT" | "PAGECOUNT" => {
                return Err(SqlError::not_supported(format!("{statement} with {}", o.name)).into());
            }
            other => return unknown(other),
        }
    }
    Ok(out)
}

/// Types that no statistics are made of.
fn check_type(table: &str, column: &str, ty: &SqlType) -> Result<(), Fail> {
    if matches!(ty.id, TypeId::Xml | TypeId::Geometry | TypeId::Geography) {
        return Err(SqlError::new(1978, &[&column, &table]).into());
    }
    if !is_comparable(ty) {
        return Err(
            SqlError::not_supported(format!("Statistics of a column of type {}", ty.id.name())).into()
        );
    }
    Ok(())
}

/// A table and the rows that are read of it.
struct Rows {
    ordinals: Vec<usize>,
    types: Vec<SqlType>,
}

impl Definition<'_, '_> {
    pub fn create_statistics(&mut self, s: &CreateStatistics) -> Result<(), Fail> {
        let options = options("CREATE STATISTICS", &s.options)?;
        let name = shown(&s.table);
        let table = self.table(&s.table).map_err(|e| match e.number {
            4902 => Fail::Compile(SqlError::new(1088, &[&name])),
            _ => e.into(),
        })?;
        self.keep(&table)?;
        if self.index_named(table.object_id, &s.name.text)?.is_some() {
            return Err(SqlError::new(1927, &[&name, &s.name.text]).into());
        }
        let known = known_columns(&table);
        let mut ids = Vec::new();
        for c in &s.columns {
            let found =
                find_column(self.names(), &known, &c.text).ok_or_else(|| SqlError::new(1911, &[&c.text]))?;
            if ids.contains(&found.column_id) {
                return Err(SqlError::new(1909, &[&"statistics", &c.text]).into());
            }
            check_type(&table.name, &c.text, &found.ty)?;
            ids.push(found.column_id);
        }
        if ids.len() > MAX_COLUMNS {
            let args: [&dyn std::fmt::Display; 6] =
                [&"statistics", &s.name.text, &name, &ids.len(), &"statistics", &MAX_COLUMNS];
            return Err(SqlError::new(1904, &args).into());
        }
        let filter = match &s.filter {
            Some(f) => {
                let text = stored_filter(f, self.source());
                self.check_condition(&known, &text)?;
                Some(text)
            }
            None => None,
        };
        let id = self.writer()?.add_statistics(
            table.object_id,
            &s.name.text,
            &ids,
            filter.as_deref(),
            options.no_recompute,
        )?;
        self.refresh()?;
        self.make_statistics(&table, id, &options)
    }

    /// UPDATE STATISTICS of all statistics of a table, or of those named.
    pub fn update_statistics(
        &mut self,
        name: &ObjectName,
        names: &[Ident],
        given: &[Setting],
    ) -> Result<(), Fail> {
        let options = options("UPDATE STATISTICS", given)?;
        let table = self.table(name).map_err(|e| match e.number {
            4902 => Fail::Compile(SqlError::new(2706, &[&shown(name)])),
            _ => e.into(),
        })?;
        self.keep(&table)?;
        let all = self.statistics_of(table.object_id)?;
        let mut chosen = Vec::new();
        for n in names {
            let found = all.iter().find(|s| self.same(&s.name, &n.text));
            let found = found.ok_or_else(|| SqlError::new(2767, &[&n.text]))?;
            for id in &found.columns {
                if let Some(c) = table.columns.iter().find(|c| c.column_id == *id) {
                    check_type(&table.name, &c.name, &c.ty)?;
                }
            }
            chosen.push(found.id);
        }
        if names.is_empty() {
            let usable = |s: &&StoredStatistics| {
                let of_kind = match options.kinds {
                    Kinds::All => true,
                    Kinds::Columns => !s.is_index(),
                    Kinds::Indexes => s.is_index(),
                };
                // Disabled indexes, and those of other kinds, keep what they have.
                let index = table.indexes.iter().find(|i| i.index_id == s.id);
                let plain = index.is_none_or(|i| {
                    !i.disabled && matches!(i.kind, IndexKind::Clustered | IndexKind::Nonclustered)
                });
                let column = |id: &i32| table.columns.iter().find(|c| c.column_id == *id);
                of_kind
                    && plain
                    && s.columns.iter().all(|id| column(id).is_some_and(|c| is_comparable(&c.ty)))
            };
            chosen.extend(all.iter().filter(usable).map(|s| s.id));
        }
        for id in chosen {
            self.make_statistics(&table, id, &options)?;
            let (set, clear) =
                if options.no_recompute { (bits::NO_RECOMPUTE, 0) } else { (0, bits::NO_RECOMPUTE) };
            let stands = all.iter().find(|s| s.id == id).is_some_and(|s| s.status & bits::NO_RECOMPUTE != 0);
            if stands != options.no_recompute {
                self.writer()?.set_index_status(table.object_id, id, set, clear)?;
            }
        }
        Ok(())
    }

    /// DROP STATISTICS `table.name`.
    pub fn drop_statistics(&mut self, name: &ObjectName) -> Result<(), Fail> {
        let missing = || Fail::Error(SqlError::new(3701, &[&"drop", &"statistics", &shown(name)]).state(6));
        let Some(table) = &name.schema else { return Err(missing()) };
        let mut t = ObjectName::one(table.clone());
        t.schema.clone_from(&name.database);
        let (object, _) = self.find(&t)?.ok_or_else(missing)?;
        let all = self.statistics_of(object)?;
        let found = all.iter().find(|s| self.same(&s.name, &name.name.text)).ok_or_else(missing)?;
        if found.is_index() {
            return Err(SqlError::new(3739, &[&"DROP", &shown(name)]).into());
        }
        self.lock(object)?;
        Ok(self.writer()?.remove_index(object, found.id)?)
    }

    /// Statistics of an index that was made or written anew, from its rows.
    pub fn statistics_of_index(&mut self, object: i32, id: i32) -> Result<(), Fail> {
        let Some(table) = self.catalog()?.table(object)? else { return Ok(()) };
        let plain = |k: &holdfast_engine::catalog::IndexKey| {
            table.columns.get(k.ordinal).is_some_and(|c| is_comparable(&c.ty))
        };
        let index = table.indexes.iter().find(|i| i.index_id == id && !i.disabled);
        let Some(index) = index.filter(|i| !i.keys.is_empty() && i.keys.iter().all(plain)) else {
            return Ok(());
        };
        let sampling = Some(Sampling::Rows(INDEX_SAMPLE));
        self.make_statistics(&table, index.index_id, &Options { sampling, ..Options::default() })
    }

    pub(super) fn statistics_of(&self, object: i32) -> Result<Vec<StoredStatistics>, Fail> {
        Ok(self.catalog()?.statistics(object).map_err(|e| holdfast_engine::page_error(&e))?)
    }

    /// Nobody takes the table away meanwhile.
    fn keep(&self, table: &TableDef) -> Result<(), Fail> {
        Ok(self.hold(table.object_id, LockMode::SchS)?)
    }

    /// Makes statistics from the rows that are there and puts them into the catalogue.
    fn make_statistics(&mut self, table: &Arc<TableDef>, id: i32, options: &Options) -> Result<(), Fail> {
        let all = self.statistics_of(table.object_id)?;
        let Some(stored) = all.into_iter().find(|s| s.id == id) else { return Ok(()) };
        let persisted = stored.values.as_ref().and_then(|v| v.sample_percent).filter(|p| *p > 0.0);
        let kept = options.persist.unwrap_or(persisted.is_some());
        let sampling = match (options.sampling, persisted) {
            (Some(asked), _) => asked,
            (None, Some(percent)) => Sampling::Percent(percent),
            (None, None) => match stored.values.as_ref().filter(|v| options.resample && v.rows > 0) {
                Some(v) => Sampling::Percent(v.rows_sampled as f64 * 100.0 / v.rows as f64),
                None => Sampling::Default,
            },
        };
        let rows = self.columns_of_statistics(table, &stored);
        if rows.ordinals.is_empty() {
            return Ok(());
        }
        let catalog = self.catalog()?;
        // What is changed from here on counts against them.
        let changes = catalog
            .modifications(table.object_id, stored.columns.first().copied().unwrap_or(0))
            .map_err(|e| holdfast_engine::page_error(&e))?;
        let collector = self.gather(table, &stored, &rows, sampling.fraction(table.rows(), table.pages()))?;
        let writer = self.writer()?;
        let unfiltered = if stored.filter.is_some() { table.rows() } else { collector.seen() };
        let mut made = collector.finish(writer.now, unfiltered, catalog.version())?;
        if let Some(made) = &mut made
            && made.sample_percent.is_some()
            && kept
        {
            made.sample_percent = Some(match sampling {
                Sampling::Full => 100.0,
                Sampling::Percent(p) => p,
                _ => made.rows_sampled as f64 * 100.0 / made.rows.max(1) as f64,
            });
        }
        Ok(writer.set_statistics(table.object_id, id, made.as_ref(), changes)?)
    }

    /// As [`Definition::make_statistics`], by the server's own choice of rows.
    pub(super) fn make_default_statistics(&mut self, table: &Arc<TableDef>, id: i32) -> Result<(), Fail> {
        self.make_statistics(table, id, &Options::default())
    }

    /// The columns that statistics are about; those of an index include the clustered key, by which its entries find rows.
    fn columns_of_statistics(&self, table: &TableDef, stored: &StoredStatistics) -> Rows {
        let place = |id: &i32| table.columns.iter().position(|c| c.column_id == *id);
        let mut ordinals: Vec<usize> = stored.columns.iter().filter_map(place).collect();
        if stored.is_index()
            && stored.id > 1
            && let Some(base) = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered)
        {
            for key in &base.keys {
                if !ordinals.contains(&key.ordinal) && is_comparable(&table.columns[key.ordinal].ty) {
                    ordinals.push(key.ordinal);
                }
            }
        }
        ordinals.truncate(MAX_COLUMNS + 1);
        let types = ordinals.iter().map(|&o| table.columns[o].ty).collect();
        Rows { ordinals, types }
    }

    /// Reads the rows: those of some pages for a sample; else all, through an index that has them in order where there is one.
    fn gather(
        &mut self,
        table: &Arc<TableDef>,
        stored: &StoredStatistics,
        rows: &Rows,
        fraction: f64,
    ) -> Result<Collector, Fail> {
        let mut into = Collector::new(rows.types.clone(), fraction);
        let computed =
            |o: &usize| table.columns.get(*o).is_some_and(|c| c.computed.is_some() && !c.persisted);
        let own = table.indexes.iter().find(|i| i.index_id == stored.id && !i.disabled);
        let asked = stored.filter.is_some() && own.is_none() || rows.ordinals.iter().any(computed);
        if asked {
            let columns: Vec<String> =
                rows.ordinals.iter().map(|&o| bracketed(&table.columns[o].name)).collect();
            let condition = stored.filter.as_ref().map(|f| format!(" where {f}")).unwrap_or_default();
            let text = format!(
                "select {} from {}.{}.{} with (nolock){condition}",
                columns.join(", "),
                bracketed(&self.database.name),
                bracketed(&table.schema_name),
                bracketed(&table.name)
            );
            for row in self.rows_by_query(&text)? {
                into.add(row);
            }
            return Ok(into);
        }
        let read = ReadContext { owner: self.transaction.owner(), ..ReadContext::unlocked() };
        let filtered = stored.filter.is_some();
        let some = match fraction < 1.0 && !filtered {
            true => table.access.scan_some_pages(&read, &rows.ordinals, fraction)?,
            false => None,
        };
        if let Some(some) = some {
            into = Collector::of_some_pages(rows.types.clone(), table.rows());
            self.read_into(some, rows, &mut into)?;
            return Ok(into);
        }
        let first = rows.ordinals.first().copied();
        let leads = |i: &&holdfast_engine::catalog::IndexDef| {
            matches!(i.kind, IndexKind::Clustered | IndexKind::Nonclustered)
                && !i.disabled
                && i.keys.first().map(|k| k.ordinal) == first
                && rows.ordinals.iter().all(|o| {
                    i.kind == IndexKind::Clustered
                        || i.keys.iter().any(|k| k.ordinal == *o)
                        || i.included.contains(o)
                })
        };
        let index = own.or_else(|| table.indexes.iter().filter(|i| i.filter.is_none()).find(leads));
        let source = match index {
            Some(i) => table.access.seek(&read, i.index_id, KeyRange::all(), &rows.ordinals, false)?,
            None => table.access.scan(&read, &rows.ordinals)?,
        };
        self.read_into(source, rows, &mut into)?;
        Ok(into)
    }

    fn read_into(
        &self,
        mut source: Box<dyn BatchSource>,
        rows: &Rows,
        into: &mut Collector,
    ) -> Result<(), Fail> {
        while let Some(batch) = source.next_batch()? {
            if self.runner.session.cancel.is_cancelled() {
                return Err(Stop::Cancelled.into());
            }
            into.next_page();
            for i in 0..batch.len {
                into.add(batch.row(i, &rows.types));
            }
        }
        Ok(())
    }
}
