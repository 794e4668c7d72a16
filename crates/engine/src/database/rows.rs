//! Base tables by name, and look-ups into the ones every definition needs.
//!
//! Invariants
//! 1. A base table is read at most once per snapshot.
//! 2. Rows are found by id through maps built once, never by scanning per object.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use holdfast_format::FormatError;
use holdfast_format::catalog::base_table::BaseRow;
use holdfast_format::catalog::{BaseColumn, BaseTable, object, unit_type};
use holdfast_types::{CollationId, NameOrder, SqlResult, SqlType, TypeId, Value};
use parking_lot::Mutex;

use super::DatabaseCatalog;
use crate::access::ReadContext;
use crate::error::damaged;
use crate::stored::Store;

/// A type of sysscalartypes.
#[derive(Clone, Debug)]
pub struct TypeRow {
    pub id: i32,
    pub schema_id: i32,
    pub name: Arc<str>,
    pub ty: SqlType,
    pub nullable: bool,
    /// A table type: no type of a value.
    pub table: bool,
}

/// Row numbers by the value of an integer column.
pub type RowMap = HashMap<i64, Vec<usize>>;

/// Base tables and the maps into them.
pub struct Catalogs {
    /// Object id of each base table by name.
    ids: HashMap<String, i32>,
    read: Mutex<HashMap<String, Arc<BaseTable>>>,
    columns: Arc<BaseTable>,
    /// Rows of syscolpars by (object, number).
    columns_of: HashMap<(i32, i16), Vec<usize>>,
    types: HashMap<i32, TypeRow>,
    /// Maps by base table: key column's value to row numbers.
    grouped: Mutex<HashMap<(&'static str, &'static str), Arc<RowMap>>>,
}

/// The columns of sysschobjs needed to find the others; ids are column ids.
const SYSSCHOBJS: [(&str, i32); 3] = [("id", 1), ("name", 2), ("type", 6)];

impl Catalogs {
    pub fn open(store: &Store) -> Result<Self, FormatError> {
        let columns = Arc::new(store.tables.read_columns(&*store.source)?);
        let mut columns_of: HashMap<(i32, i16), Vec<usize>> = HashMap::new();
        for (index, row) in columns.iter().enumerate() {
            columns_of.entry((row.i32("id"), row.int("number") as i16)).or_default().push(index);
        }
        let wanted =
            SYSSCHOBJS.iter().map(|(n, id)| BaseColumn { name: (*n).to_owned(), column_id: *id }).collect();
        let objects = store.tables.read_table(&*store.source, object::SYSSCHOBJS, wanted)?;
        let ids: HashMap<String, i32> = objects
            .iter()
            .filter(|r| r.text("type").trim_end() == "S" && r.i32("id") > 0)
            .map(|r| (r.text("name").to_owned(), r.i32("id")))
            .collect();
        let mut out = Catalogs {
            ids,
            read: Mutex::new(HashMap::new()),
            columns,
            columns_of,
            types: HashMap::new(),
            grouped: Mutex::new(HashMap::new()),
        };
        for row in out.table(store, "sysscalartypes")?.iter() {
            let id = row.i32("id");
            let ty = sql_type(
                row.int("xtype") as u8,
                id,
                row.i32("length"),
                row.int("prec") as u8,
                row.int("scale") as u8,
                row.int("collationid") as u32,
            );
            let nullable = row.int("status") & 1 == 0;
            let name = row.text("name").into();
            let table = row.int("xtype") == i64::from(crate::ddl::table::TABLE_TYPE);
            out.types.insert(id, TypeRow { id, schema_id: row.i32("schid"), name, ty, nullable, table });
        }
        Ok(out)
    }

    pub fn table_id(&self, name: &str) -> Option<i32> {
        self.ids.get(name).copied()
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.ids.keys().cloned().collect();
        names.sort();
        names
    }

    pub fn table(&self, store: &Store, name: &str) -> Result<Arc<BaseTable>, FormatError> {
        if name == "syscolpars" {
            return Ok(self.columns.clone());
        }
        if let Some(table) = self.read.lock().get(name) {
            return Ok(table.clone());
        }
        let table = match self.ids.get(name) {
            None => BaseTable::default(),
            Some(&id) => {
                let columns: Vec<BaseColumn> = self
                    .columns_of(id, 0)
                    .map(|r| BaseColumn { name: r.text("name").to_owned(), column_id: r.i32("colid") })
                    .collect();
                store.live.steady(|| store.tables.read_table(&*store.source, id, columns.clone()))?
            }
        };
        let table = Arc::new(table);
        self.read.lock().insert(name.to_owned(), table.clone());
        Ok(table)
    }

    /// Rows of syscolpars of an object: number 0 its columns, 1 its parameters; in column-id order.
    pub fn columns_of(&self, object: i32, number: i16) -> impl Iterator<Item = BaseRow<'_>> {
        let rows = self.columns_of.get(&(object, number)).map_or(&[][..], Vec::as_slice);
        rows.iter().filter_map(|&i| self.columns.row(i))
    }

    pub fn type_row(&self, id: i32) -> Option<&TypeRow> {
        self.types.get(&id)
    }

    pub fn types(&self) -> Vec<&TypeRow> {
        let mut all: Vec<&TypeRow> = self.types.values().collect();
        all.sort_by_key(|t| t.id);
        all
    }

    pub fn user_type(&self, names: NameOrder, schema: Option<i32>, name: &str) -> Option<(SqlType, bool)> {
        self.types
            .values()
            .filter(|t| t.id > 255 && !t.table)
            .filter(|t| schema.is_none_or(|s| s == t.schema_id))
            .find(|t| names.same(&t.name, name))
            .map(|t| (t.ty, t.nullable))
    }

    /// Row numbers of `table` by the integer in `column`, built once.
    pub fn group(
        &self,
        store: &Store,
        table: &'static str,
        column: &'static str,
    ) -> Result<(Arc<BaseTable>, Arc<RowMap>), FormatError> {
        let rows = self.table(store, table)?;
        if let Some(map) = self.grouped.lock().get(&(table, column)) {
            return Ok((rows, map.clone()));
        }
        let mut map = RowMap::new();
        for (index, row) in rows.iter().enumerate() {
            map.entry(row.int(column)).or_default().push(index);
        }
        let map = Arc::new(map);
        self.grouped.lock().insert((table, column), map.clone());
        Ok((rows, map))
    }
}

/// The SQL type of catalog columns xtype, utype, length, prec, scale, collation.
pub fn sql_type(xtype: u8, utype: i32, length: i32, precision: u8, scale: u8, collation: u32) -> SqlType {
    let id = match xtype {
        34 => TypeId::Image,
        35 => TypeId::Text,
        36 => TypeId::UniqueIdentifier,
        40 => TypeId::Date,
        41 => TypeId::Time,
        42 => TypeId::DateTime2,
        43 => TypeId::DateTimeOffset,
        48 => TypeId::TinyInt,
        52 => TypeId::SmallInt,
        56 => TypeId::Int,
        58 => TypeId::SmallDateTime,
        59 => TypeId::Real,
        60 => TypeId::Money,
        61 => TypeId::DateTime,
        62 => TypeId::Float,
        98 => TypeId::SqlVariant,
        99 => TypeId::NText,
        104 => TypeId::Bit,
        106 => TypeId::Decimal,
        108 => TypeId::Numeric,
        122 => TypeId::SmallMoney,
        127 => TypeId::BigInt,
        165 if utype == 255 => TypeId::Vector,
        165 => TypeId::VarBinary,
        167 => TypeId::VarChar,
        173 => TypeId::Binary,
        175 => TypeId::Char,
        189 => TypeId::RowVersion,
        231 => TypeId::NVarChar,
        239 => TypeId::NChar,
        240 => match utype {
            128 => TypeId::HierarchyId,
            129 => TypeId::Geometry,
            130 => TypeId::Geography,
            _ => TypeId::Clr,
        },
        241 => TypeId::Xml,
        244 => TypeId::Json,
        _ => TypeId::VarBinary,
    };
    let plain = match id {
        TypeId::Bit => SqlType::BIT,
        TypeId::TinyInt => SqlType::TINYINT,
        TypeId::SmallInt => SqlType::SMALLINT,
        TypeId::Int => SqlType::INT,
        TypeId::BigInt => SqlType::BIGINT,
        TypeId::Money => SqlType::MONEY,
        TypeId::SmallMoney => SqlType::SMALLMONEY,
        TypeId::Real => SqlType::REAL,
        TypeId::Float => SqlType::FLOAT,
        TypeId::Date => SqlType::DATE,
        TypeId::DateTime => SqlType::DATETIME,
        TypeId::SmallDateTime => SqlType::SMALLDATETIME,
        TypeId::Time => SqlType::time(scale.min(7)),
        TypeId::DateTime2 => SqlType::datetime2(scale.min(7)),
        TypeId::DateTimeOffset => SqlType::datetimeoffset(scale.min(7)),
        TypeId::Decimal => SqlType::decimal(precision.min(38), scale.min(38)),
        TypeId::Numeric => SqlType::numeric(precision.min(38), scale.min(38)),
        TypeId::UniqueIdentifier => SqlType::GUID,
        TypeId::RowVersion => SqlType::ROWVERSION,
        TypeId::SqlVariant => SqlType::VARIANT,
        TypeId::Xml => SqlType::XML,
        _ => SqlType { id, length, precision, scale, collation: CollationId::NONE },
    };
    if id.is_character() { SqlType { collation: CollationId(collation), ..plain } } else { plain }
}

/// All rows of a base table as values.
pub(super) fn base_values(
    catalog: &DatabaseCatalog,
    name: &str,
) -> SqlResult<(Vec<String>, Vec<Vec<Value>>)> {
    let Some(&id) = catalog.catalogs.ids.get(name) else { return Ok((Vec::new(), Vec::new())) };
    let Some(table) = catalog.table(id)? else { return Ok((Vec::new(), Vec::new())) };
    let ordinals: Vec<usize> = (0..table.columns.len()).collect();
    let types: Vec<SqlType> = table.columns.iter().map(|c| c.ty).collect();
    let mut source = table.access.scan(&ReadContext::unlocked(), &ordinals)?;
    let mut rows = Vec::new();
    while let Some(batch) = source.next_batch()? {
        rows.extend((0..batch.len).map(|i| batch.row(i, &types)));
    }
    let _ = damaged;
    let names: Vec<String> = table.columns.iter().map(|c| c.name.to_string()).collect();
    count_live(catalog, name, &names, &mut rows);
    Ok((names, rows))
}

/// Counts of rows and pages as they are now: the catalogue has those of the last checkpoint.
fn count_live(catalog: &DatabaseCatalog, table: &str, names: &[String], rows: &mut [Vec<Value>]) {
    let at = |name: &str| names.iter().position(|n| n == name);
    let big = |row: &[Value], at: Option<usize>| match at.and_then(|i| row.get(i)) {
        Some(Value::BigInt(n)) => Some(n.unsigned_abs()),
        Some(Value::TinyInt(n)) => Some(u64::from(*n)),
        _ => None,
    };
    let put = |row: &mut [Value], at: Option<usize>, count: &AtomicI64| {
        if let Some(place @ Value::BigInt(_)) = at.and_then(|i| row.get_mut(i)) {
            *place = Value::BigInt(count.load(Ordering::Relaxed).max(0));
        }
    };
    let live = |id: Option<u64>| catalog.store.live.get(id?);
    match table {
        "sysrowsets" => {
            let (id, count) = (at("rowsetid"), at("rcrows"));
            for row in rows {
                if let Some(live) = live(big(row, id)) {
                    put(row, count, &live.rows);
                }
            }
        }
        "sysallocunits" => {
            let (owner, kind) = (at("ownerid"), at("type"));
            let (used, data, reserved) = (at("pcused"), at("pcdata"), at("pcreserved"));
            for row in rows {
                let (Some(live), Some(kind)) = (live(big(row, owner)), big(row, kind)) else { continue };
                let unit = live.unit(kind as u8);
                put(row, used, &unit.used);
                put(row, reserved, &unit.reserved);
                if kind == u64::from(unit_type::IN_ROW) {
                    put(row, data, &unit.data);
                }
            }
        }
        _ => {}
    }
}
