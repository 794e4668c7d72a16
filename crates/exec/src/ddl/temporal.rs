//! PERIOD FOR SYSTEM_TIME and SYSTEM_VERSIONING of tables.
//!
//! Invariants
//! 1. A history table has the columns of its table, in the same order, as ordinary ones: no identity, nothing computed, no
//!    constraints. What changes the columns of one changes those of the other.
//! 2. Messages name tables by database, schema and name.

use std::sync::Arc;

use holdfast_engine::catalog::{IndexKind, TableDef};
use holdfast_engine::ddl::index::{NewIndex, Placement};
use holdfast_engine::ddl::object::bits;
use holdfast_engine::ddl::table::{NewColumn, column_bits};
use holdfast_engine::ddl::temporal::RowBound;
use holdfast_tsql::ast::{ColumnDefinition, ConstraintKind, ObjectName, Setting, TableDefinition};
use holdfast_types::{NameOrder, SqlError, SqlType, TypeId, Value};

use super::constraint::Declared;
use super::lower::type_text;
use super::table::word;
use super::{Definition, shown};
use crate::procedure::change::end_of_time;
use crate::procedure::run::Fail;
use crate::security::Securable;

/// First version of a database in which versioned tables are made: that of new databases.
const FIRST_VERSION: u16 = 706;

/// What WITH (SYSTEM_VERSIONING = …) says.
pub struct Versioning {
    pub on: bool,
    history: Option<ObjectName>,
    /// DATA_CONSISTENCY_CHECK.
    check: bool,
}

/// GENERATED ALWAYS AS ROW START or END of a column.
pub fn generated(c: &ColumnDefinition, ty: &SqlType) -> Result<Option<RowBound>, Fail> {
    let bound = match c.generated.as_deref() {
        None => {
            if c.hidden {
                return Err(SqlError::new(13735, &[&c.name.text, &""]).into());
            }
            return Ok(None);
        }
        Some("ROW START") => RowBound::Start,
        Some("ROW END") => RowBound::End,
        Some(other) => {
            return Err(SqlError::not_supported(format!("GENERATED ALWAYS AS {other}")).into());
        }
    };
    if ty.id != TypeId::DateTime2 {
        return Err(SqlError::new(13501, &[&c.name.text]).into());
    }
    if c.nullable == Some(true) {
        return Err(SqlError::new(13587, &[&c.name.text]).into());
    }
    Ok(Some(bound))
}

/// The columns that a PERIOD clause names among columns of a name and a bound, as places in the list.
fn period_among(
    names: NameOrder,
    d: &TableDefinition,
    columns: &[(&str, Option<RowBound>)],
) -> Result<Option<(usize, usize)>, Fail> {
    let of = |bound: RowBound| columns.iter().filter(move |c| c.1 == Some(bound)).count();
    let Some((start, end)) = &d.period else {
        if columns.iter().any(|c| c.1.is_some()) {
            return Err(SqlError::new(13509, &[]).into());
        }
        return Ok(None);
    };
    let mut found = [0; 2];
    let bounds = [(start, RowBound::Start, 13502, 13504, 13506), (end, RowBound::End, 13503, 13505, 13507)];
    for (place, (name, bound, many, none, other)) in found.iter_mut().zip(bounds) {
        let number = match of(bound) {
            0 => none,
            1 => other,
            _ => many,
        };
        let at = columns.iter().position(|c| c.1 == Some(bound) && names.same(c.0, &name.text));
        *place = at.filter(|_| number == other).ok_or_else(|| SqlError::new(number, &[]))?;
    }
    Ok(Some((found[0], found[1])))
}

impl Definition<'_, '_> {
    /// A table as messages about versioning name it.
    pub fn versioned_name(&self, table: &TableDef) -> String {
        format!("{}.{}.{}", self.database.name, table.schema_name, table.name)
    }

    /// An error that names a table in full.
    fn about(&self, number: i32, table: &TableDef) -> Fail {
        SqlError::new(number, &[&self.versioned_name(table)]).into()
    }

    /// The period of a new table: ids of its columns.
    pub fn period(&self, d: &TableDefinition, columns: &[NewColumn]) -> Result<Option<(i32, i32)>, Fail> {
        let named: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.generated)).collect();
        let Some((start, end)) = period_among(self.names(), d, &named)? else { return Ok(None) };
        if columns[start].ty.scale != columns[end].ty.scale {
            return Err(SqlError::new(13513, &[]).into());
        }
        self.check_version()?;
        Ok(Some((start as i32 + 1, end as i32 + 1)))
    }

    fn check_version(&self) -> Result<(), Fail> {
        let version = self.catalog()?.version();
        if version < FIRST_VERSION {
            let what = format!("PERIOD FOR SYSTEM_TIME in a database of version {version}");
            return Err(SqlError::not_supported(what).into());
        }
        Ok(())
    }

    /// SYSTEM_VERSIONING = ON | OFF with what stands behind it in parentheses.
    pub fn versioning(&self, o: &Setting) -> Result<Versioning, Fail> {
        let on = |s: &Setting| s.value.as_ref().and_then(word).is_some_and(|w| w.eq_ignore_ascii_case("ON"));
        let mut out = Versioning { on: on(o), history: None, check: true };
        for s in &o.nested {
            match s.name.as_str() {
                "HISTORY_TABLE" => {
                    let text = s.value.as_ref().map_or("", |v| v.span.text(self.source()));
                    let name = holdfast_tsql::parse_object_name(text)
                        .map_err(|e| SqlError::with_text(e.number, e.severity, e.message))?;
                    if name.schema.is_none() || name.database.is_some() {
                        return Err(SqlError::new(13539, &[&shown(&name)]).into());
                    }
                    out.history = Some(name);
                }
                "DATA_CONSISTENCY_CHECK" => out.check = on(s),
                "HISTORY_RETENTION_PERIOD"
                    if s.value
                        .as_ref()
                        .and_then(word)
                        .is_some_and(|w| w.eq_ignore_ascii_case("INFINITE")) => {}
                other => {
                    return Err(SqlError::not_supported(format!("SYSTEM_VERSIONING with {other}")).into());
                }
            }
        }
        Ok(out)
    }

    /// ALTER TABLE … SET (SYSTEM_VERSIONING = …).
    pub fn set_versioning(&mut self, table: &Arc<TableDef>, o: &Setting) -> Result<(), Fail> {
        let versioning = self.versioning(o)?;
        if versioning.on {
            return self.start_versioning(table.object_id, &versioning);
        }
        let Some(history) = table.temporal.history else { return Err(self.about(13591, table)) };
        self.need_control(history, || self.about(4902, table))?;
        self.lock(history)?;
        Ok(self.writer()?.clear_history(table.object_id, history)?)
    }

    /// SYSTEM_VERSIONING = ON for a table that is there.
    pub fn start_versioning(&mut self, object: i32, v: &Versioning) -> Result<(), Fail> {
        self.check_version()?;
        let table = self.catalog()?.table(object)?.ok_or_else(|| SqlError::new(4902, &[&object]))?;
        let full = self.versioned_name(&table);
        let named = match &v.history {
            Some(name) => self.find(name)?,
            None => None,
        };
        if let Some(present) = table.temporal.history {
            let Some(name) = &v.history else { return Err(self.about(13596, &table)) };
            return match named {
                Some((id, _)) if id == present => Ok(()),
                Some(_) => {
                    let other = format!("{}.{}", self.database.name, shown(name));
                    Err(SqlError::new(13595, &[&other, &full]).into())
                }
                None => Err(self.about(13757, &table)),
            };
        }
        if table.temporal.period.is_none() {
            return Err(SqlError::new(13510, &[]).into());
        }
        if !table.indexes.iter().any(|i| i.primary_key) {
            return Err(self.about(13553, &table));
        }
        let instead = |o: &&holdfast_engine::database::ObjectRow| {
            o.parent_id == object && &*o.kind == "TR" && i64::from(o.status) & bits::INSTEAD_OF != 0
        };
        if self.catalog()?.objects().iter().any(instead) {
            return Err(self.about(13774, &table));
        }
        let history = match (&v.history, named) {
            (None, _) => self.make_history(&table, None)?,
            (Some(name), None) => self.make_history(&table, Some(name))?,
            (Some(name), Some((id, kind))) if kind == "U" && id != object => {
                self.need_control(id, || SqlError::new(4902, &[&shown(name)]).into())?;
                self.lock(id)?;
                self.check_history(&table, id, v.check)?;
                id
            }
            (Some(name), Some(_)) => {
                let other = format!("{}.{}", self.database.name, shown(name));
                return Err(SqlError::new(13511, &[&other]).into());
            }
        };
        Ok(self.writer()?.set_history(object, history)?)
    }

    /// CONTROL of a history table: whoever has it decides what becomes of its rows.
    fn need_control(&self, id: i32, refused: impl FnOnce() -> Fail) -> Result<(), Fail> {
        if self.may(Securable::Object(id), "CL")? { Ok(()) } else { Err(refused()) }
    }

    /// The columns of a table as its history has them.
    pub fn history_columns(&self, table: &TableDef) -> Result<Vec<NewColumn>, Fail> {
        let writer = self.writer()?;
        let base = writer.base("syscolpars")?;
        let rows = writer.rows("syscolpars", &[table.object_id.into(), 0])?;
        let mut out = Vec::with_capacity(table.columns.len());
        for c in &table.columns {
            let row = rows.iter().find(|r| base.int(r, "colid") == i64::from(c.column_id));
            let user_type = row.map_or(i64::from(c.ty.id.xtype()), |r| base.int(r, "utype"));
            let status = row.map_or(0, |r| base.int(r, "status"));
            let mut new = NewColumn::plain(&c.name, c.ty, user_type as i32, c.nullable);
            new.ansi_padding = status & column_bits::PADDED != 0 || c.computed.is_some();
            new.sparse = c.is_sparse;
            out.push(new);
        }
        Ok(out)
    }

    /// A new history table, under a name of its own or that of the server's making.
    fn make_history(&mut self, table: &TableDef, name: Option<&ObjectName>) -> Result<i32, Fail> {
        let Some((_, end)) = table.temporal.period else { return Err(SqlError::new(13510, &[]).into()) };
        let start = table.temporal.period.map_or(0, |p| p.0);
        let object = self.writer()?.next_object_id()?;
        let schema = match name {
            Some(n) => self.schema_of(n)?,
            None => self.catalog()?.object_row(table.object_id).map_or(1, |o| o.schema_id),
        };
        let name = match name {
            Some(n) => n.name.text.clone(),
            None => {
                let own = format!("MSSQL_TemporalHistoryFor_{}", table.object_id);
                match self.writer()?.find_named(schema, &own)? {
                    None => own,
                    Some(_) => format!("{own}_{object:08X}"),
                }
            }
        };
        if !self.may(Securable::Database, "CRTB")? {
            return Err(SqlError::new(262, &[&"CREATE TABLE", &self.database.name]).into());
        }
        if !self.may(Securable::Schema(schema), "AL")? {
            let schema = self.catalog()?.schema_name(schema);
            return Err(SqlError::new(2760, &[&schema]).into());
        }
        self.writer()?.check_free(schema, &name)?;
        self.lock(object)?;
        // Sparse columns and compression exclude each other.
        let sparse = table.columns.iter().any(|c| c.is_sparse);
        let compression = if sparse { 0 } else { 2 };
        let place = Placement { compression, ..self.base_placement(table)? };
        let columns = self.history_columns(table)?;
        let key = |ordinal: usize| (ordinal as i32 + 1, false);
        let index = NewIndex {
            clustered: true,
            keys: vec![key(end), key(start)],
            ..NewIndex::named(&format!("ix_{name}"), place.clone())
        };
        self.write_table(object, "U ", schema, &name, &columns, Some(&index), &place)?;
        Ok(object)
    }

    /// Whether a table that is there can keep the old rows of another.
    fn check_history(&mut self, table: &Arc<TableDef>, id: i32, check: bool) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let history = catalog.table(id)?.ok_or_else(|| SqlError::new(4902, &[&id]))?;
        let (full, there) = (self.versioned_name(table), self.versioned_name(&history));
        let children =
            |kinds: &[&str]| catalog.objects().iter().any(|o| o.parent_id == id && kinds.contains(&&*o.kind));
        let keys = catalog.foreign_keys().map_err(|e| holdfast_engine::page_error(&e))?;
        let number = match () {
            () if history.temporal.is_versioned() => Some(13514),
            () if history.temporal.period.is_some() => Some(13574),
            () if history.indexes.iter().any(|i| i.unique && i.kind != IndexKind::Heap) => Some(13515),
            () if keys.iter().any(|k| k.table_id == id || k.referenced_table_id == id) => Some(13516),
            () if children(&["C"]) => Some(13517),
            () if history.columns.iter().any(|c| c.identity.is_some()) => Some(13518),
            () if history.columns.iter().any(|c| c.computed.is_some()) => Some(13519),
            () if children(&["TR", "TA"]) => Some(13522),
            () => None,
        };
        if let Some(number) = number {
            return Err(SqlError::new(number, &[&there]).into());
        }
        let (ours, theirs) = (table.columns.len(), history.columns.len());
        if ours != theirs {
            return Err(SqlError::new(13523, &[&full, &ours, &there, &theirs]).into());
        }
        for (i, (c, h)) in table.columns.iter().zip(&history.columns).enumerate() {
            if !self.same(&c.name, &h.name) {
                return Err(SqlError::new(13524, &[&h.name, &(i + 1), &there, &c.name, &full]).into());
            }
            let shape = |t: &SqlType| (t.id, t.length, t.precision, t.scale);
            if shape(&c.ty) != shape(&h.ty) {
                let (a, b) = (type_text(&h.ty), type_text(&c.ty));
                return Err(SqlError::new(13525, &[&c.name, &a, &there, &b, &full]).into());
            }
            if c.ty.collation != h.ty.collation {
                return Err(SqlError::new(13526, &[&c.name, &full, &there]).into());
            }
            if c.nullable != h.nullable {
                let e = if table.temporal.generates(i) {
                    SqlError::new(13530, &[&c.name, &there, &full])
                } else {
                    SqlError::new(13531, &[&c.name, &full, &there])
                };
                return Err(e.into());
            }
        }
        if check { self.check_history_rows(table, &history) } else { Ok(()) }
    }

    /// DATA_CONSISTENCY_CHECK.
    fn check_history_rows(&mut self, table: &TableDef, history: &TableDef) -> Result<(), Fail> {
        let Some((start, end)) = table.temporal.period else { return Ok(()) };
        let there = self.versioned_name(history);
        let quoted = |n: &str| format!("[{}]", n.replace(']', "]]"));
        let column = |o: usize| quoted(&table.columns[o].name);
        let (start, end) = (column(start), column(end));
        let key = table.indexes.iter().find(|i| i.primary_key);
        let key: Vec<String> = key.into_iter().flat_map(|k| &k.keys).map(|k| column(k.ordinal)).collect();
        let from = [&*self.database.name, &*history.schema_name, &*history.name].map(quoted).join(".");
        let key = key.join(", ");
        for (number, query) in [
            (13541, format!("select top 1 1 from {from} where {end} < {start}")),
            (13543, format!("select top 1 1 from {from} where {end} > sysutcdatetime()")),
            (
                13573,
                format!(
                    "select top 1 1 from (select {end} as e, lead({start}) over (partition by {key} order by {start}, {end}) as n from {from} where {start} <> {end}) as h where n < e"
                ),
            ),
        ] {
            if self.any_row(&query)? {
                return Err(SqlError::new(number, &[&there]).into());
            }
        }
        Ok(())
    }

    /// ALTER TABLE … ADD PERIOD FOR SYSTEM_TIME, its columns being there.
    pub fn add_period(
        &mut self,
        object: i32,
        d: &TableDefinition,
        added: &[(NewColumn, i32)],
    ) -> Result<(), Fail> {
        let table = self.catalog()?.table(object)?.ok_or_else(|| SqlError::new(4902, &[&object]))?;
        let Some((start, end)) = &d.period else {
            let named: Vec<_> = added.iter().map(|(c, _)| (c.name.as_str(), c.generated)).collect();
            return period_among(self.names(), d, &named).map(|_| ());
        };
        if table.temporal.period.is_some() {
            return Err(self.about(13597, &table));
        }
        if table.temporal.history_of.is_some() {
            return Err(self.about(13598, &table));
        }
        self.check_version()?;
        let find = |name: &str| table.columns.iter().position(|c| self.same(&c.name, name));
        let generated = |o: usize, bound: RowBound| {
            let id = table.columns[o].column_id;
            let new = added.iter().find(|(_, i)| *i == id);
            new.is_none_or(|(c, _)| c.generated == Some(bound))
        };
        let s = find(&start.text).filter(|&o| generated(o, RowBound::Start));
        let s = s.ok_or_else(|| SqlError::new(13506, &[]))?;
        let e = find(&end.text).filter(|&o| generated(o, RowBound::End) && o != s);
        let e = e.ok_or_else(|| SqlError::new(13507, &[]))?;
        for o in [s, e] {
            let c = &table.columns[o];
            if c.ty.id != TypeId::DateTime2 || c.computed.is_some() {
                return Err(SqlError::new(13501, &[&c.name]).into());
            }
            if c.nullable {
                return Err(SqlError::new(13587, &[&c.name]).into());
            }
        }
        if table.columns[s].ty.scale != table.columns[e].ty.scale {
            return Err(SqlError::new(13513, &[]).into());
        }
        let last = end_of_time(&table.columns[e].ty);
        let work = Arc::clone(&self.transaction);
        let now = Value::DateTime2(self.runner.transaction_time(&work));
        for row in self.all_rows(&table)? {
            if row[e] != last {
                return Err(self.about(13575, &table));
            }
            if let (Value::DateTime2(begun), Value::DateTime2(now)) = (&row[s], &now)
                && begun > &now.round(table.columns[s].ty.scale)
                && self.is_future(&row[s])
            {
                return Err(self.about(13542, &table));
            }
        }
        let (start, end) = (table.columns[s].column_id, table.columns[e].column_id);
        Ok(self.writer()?.add_period(object, start, end)?)
    }

    /// Later than now: defaults of the statement itself are evaluated after its transaction began.
    fn is_future(&self, value: &Value) -> bool {
        let now = crate::procedure::surroundings::now(&self.runner.session).utc;
        matches!(value, Value::DateTime2(d) if *d > now)
    }

    /// ALTER TABLE … DROP PERIOD FOR SYSTEM_TIME.
    pub fn drop_period(&mut self, table: &TableDef) -> Result<(), Fail> {
        let Some((start, end)) = table.temporal.period else { return Err(self.about(13593, table)) };
        if table.temporal.history.is_some() {
            return Err(self.about(13592, table));
        }
        let columns = [start, end].map(|o| table.columns[o].column_id);
        Ok(self.writer()?.drop_period(table.object_id, columns)?)
    }

    /// ALTER COLUMN … ADD | DROP HIDDEN.
    pub fn set_hidden(&mut self, table: &TableDef, column: &str, hidden: bool) -> Result<(), Fail> {
        let at = table.columns.iter().position(|c| self.same(&c.name, column));
        let verb = "ALTER TABLE ALTER COLUMN";
        let at = at.ok_or_else(|| SqlError::new(4924, &[&verb, &column, &table.name]))?;
        if !table.temporal.generates(at) {
            return Err(SqlError::new(13735, &[&column, &self.versioned_name(table)]).into());
        }
        Ok(self.writer()?.set_hidden(table.object_id, table.columns[at].column_id, hidden)?)
    }

    /// What may not be added to a history table, or to a versioned one.
    pub fn check_addition(&self, table: &TableDef, d: &TableDefinition) -> Result<(), Fail> {
        if table.temporal.history_of.is_some() {
            if !d.columns.is_empty() {
                return Err(self.about(13550, table));
            }
            for s in Declared::of(d).0 {
                let number = match s.kind {
                    ConstraintKind::Key { primary: true, .. } => 13558,
                    ConstraintKind::Key { .. } => 13583,
                    ConstraintKind::Check { .. } => 13564,
                    ConstraintKind::ForeignKey { .. } => {
                        let name = s.name.map_or("", |n| n.text.as_str());
                        return Err(SqlError::new(13565, &[&name]).into());
                    }
                    _ => continue,
                };
                return Err(self.about(number, table));
            }
        }
        if table.temporal.history.is_some() {
            if d.columns.iter().any(|c| c.computed.is_some()) {
                return Err(SqlError::new(13724, &[]).into());
            }
            let own = |c: &ColumnDefinition| c.identity.is_some() || c.rowguidcol;
            if d.columns.iter().any(own) {
                let what = "Adding an IDENTITY or ROWGUIDCOL column to a system-versioned table";
                return Err(SqlError::not_supported(what).into());
            }
        }
        Ok(())
    }

    /// A column that the table got, for its history, too.
    pub fn append_to_history(&mut self, history: i32, c: &NewColumn) -> Result<i32, Fail> {
        self.lock(history)?;
        let mut new = NewColumn::plain(&c.name, c.ty, c.user_type, c.nullable);
        new.ansi_padding = c.ansi_padding;
        Ok(self.writer()?.append_column(history, &new)?)
    }

    /// The history of a table, for a change of the table's columns that it takes part in.
    pub fn history_of(&mut self, table: &TableDef) -> Result<Option<Arc<TableDef>>, Fail> {
        let Some(history) = table.temporal.history else { return Ok(None) };
        self.lock(history)?;
        Ok(self.catalog()?.table(history)?)
    }

    /// 13569: no triggers on a history, and none INSTEAD OF a versioned table's changes.
    pub fn check_trigger_target(&self, object: i32, instead_of: bool) -> Result<(), Fail> {
        match self.catalog()?.table(object)? {
            Some(t) if t.temporal.history_of.is_some() || (instead_of && t.temporal.history.is_some()) => {
                Err(self.about(13569, &t))
            }
            _ => Ok(()),
        }
    }

    /// 13552: a versioned table and its history are not dropped.
    pub fn check_droppable(&self, object: i32) -> Result<(), Fail> {
        match self.catalog()?.table(object)? {
            Some(t) if t.temporal.is_versioned() => Err(self.about(13552, &t)),
            _ => Ok(()),
        }
    }
}
