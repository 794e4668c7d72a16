//! System views as tables: column declarations, cells, and the access that computes rows when it is opened.

use std::sync::Arc;

use holdfast_engine::access::{BatchSource, KeyRange, ReadContext, ReadLevel, TableAccess};
use holdfast_engine::catalog::{ColumnDef, IndexDef, TableDef};
use holdfast_types::batch::{BATCH_ROWS, Batch};
use holdfast_types::{CollationId, Column, DateTime, Decimal, SqlError, SqlResult, SqlType, TypeId, Value};

use super::source::ViewSource;
use super::{SystemView, ViewContext, object_id};

/// Latin1_General_CI_AS_KS_WS, the collation of type codes and descriptions in catalog views.
const CODES: CollationId = CollationId(0x0000_1008);

/// Anything that can stand in a row.
pub trait Cell {
    fn value(self) -> Value;
}

macro_rules! cell {
    ($($t:ty => |$x:ident| $e:expr),* $(,)?) => {$(
        impl Cell for $t { fn value(self) -> Value { let $x = self; $e } }
    )*};
}

cell! {
    Value => |v| v,
    bool => |v| Value::Bit(v),
    u8 => |v| Value::TinyInt(v),
    i16 => |v| Value::SmallInt(v),
    i32 => |v| Value::Int(v),
    i64 => |v| Value::BigInt(v),
    f32 => |v| Value::Real(v),
    &str => |v| Value::string(v),
    String => |v| Value::string(&v),
    Arc<str> => |v| Value::string(&v),
    &Arc<str> => |v| Value::string(v),
    Arc<[u8]> => |v| Value::Binary(v),
    &[u8] => |v| Value::binary(v),
    DateTime => |v| Value::DateTime(v),
    Decimal => |v| Value::Decimal(v),
    [u8; 16] => |v| Value::Guid(v),
}

impl<T: Cell> Cell for Option<T> {
    fn value(self) -> Value {
        self.map_or(Value::Null, Cell::value)
    }
}

/// Parses `name type[!], name type[!] …`. Types: the usual names with lengths, plus `sysname`, `code(n)` = char(n) and
/// `desc` = nvarchar(60) in the catalog's fixed collation.
///
/// # Panics
/// On a malformed declaration, which is a constant of this program and covered by a test.
pub fn parse_columns(declaration: &str, collation: CollationId) -> Vec<(String, SqlType, bool)> {
    split_top_level(declaration)
        .map(|part| {
            let (name, ty) = named(part).unwrap_or_else(|| panic!("column {part:?}"));
            let (ty, nullable) = match ty.trim().strip_suffix('!') {
                Some(t) => (t, false),
                None => (ty.trim(), true),
            };
            (name.to_owned(), parse_type(ty, collation), nullable)
        })
        .collect()
}

/// Names of the columns of a declaration.
fn names(declaration: &str) -> impl Iterator<Item = &str> {
    split_top_level(declaration).filter_map(|p| named(p).map(|x| x.0))
}

/// Name and type of one column; a name with blanks stands in brackets.
fn named(part: &str) -> Option<(&str, &str)> {
    match part.trim().strip_prefix('[') {
        Some(rest) => rest.split_once("] "),
        None => part.trim().split_once(' '),
    }
}

/// Splits at commas outside parentheses.
fn split_top_level(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0i32;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
}

fn parse_type(text: &str, collation: CollationId) -> SqlType {
    let (name, arguments) = match text.split_once('(') {
        Some((n, a)) => (n, a.trim_end_matches(')')),
        None => (text, ""),
    };
    let number = |i: usize| arguments.split(',').nth(i).and_then(|a| a.trim().parse::<i32>().ok());
    let length = || if arguments == "max" { -1 } else { number(0).unwrap_or(1) };
    let doubled = || if arguments == "max" { -1 } else { number(0).unwrap_or(1) * 2 };
    match name {
        "bit" => SqlType::BIT,
        "tinyint" => SqlType::TINYINT,
        "smallint" => SqlType::SMALLINT,
        "int" => SqlType::INT,
        "bigint" => SqlType::BIGINT,
        "real" => SqlType::REAL,
        "float" => SqlType::FLOAT,
        "money" => SqlType::MONEY,
        "datetime" => SqlType::DATETIME,
        "datetimeoffset" => SqlType::datetimeoffset(7),
        "timestamp" => SqlType::ROWVERSION,
        "image" => SqlType::IMAGE,
        "decimal" => SqlType::decimal(number(0).unwrap_or(18) as u8, number(1).unwrap_or(0) as u8),
        "datetime2" => SqlType::datetime2(7),
        "uniqueidentifier" => SqlType::GUID,
        "sql_variant" => SqlType::VARIANT,
        "xml" => SqlType::XML,
        "sysname" => SqlType::sysname(collation),
        "desc" => SqlType::nvarchar(60, CODES),
        "code" => SqlType::character(TypeId::Char, length(), CODES),
        "char" => SqlType::character(TypeId::Char, length(), collation),
        "varchar" => SqlType::varchar(length(), collation),
        "nvarchar" => SqlType::character(TypeId::NVarChar, doubled(), collation),
        "nchar" => SqlType::character(TypeId::NChar, doubled(), collation),
        "binary" => SqlType::binary(TypeId::Binary, length()),
        "varbinary" => SqlType::binary(TypeId::VarBinary, length()),
        "numeric" => SqlType::numeric(number(0).unwrap_or(18) as u8, number(1).unwrap_or(0) as u8),
        _ => panic!("type {text:?}"),
    }
}

/// Brings a cell to its column's type: integers change width, strings pad to char(n).
fn coerce(value: Value, ty: &SqlType) -> Value {
    let integer = match &value {
        Value::Bit(b) => Some(i64::from(*b)),
        Value::TinyInt(v) => Some(i64::from(*v)),
        Value::SmallInt(v) => Some(i64::from(*v)),
        Value::Int(v) => Some(i64::from(*v)),
        Value::BigInt(v) => Some(*v),
        _ => None,
    };
    match (ty.id, integer) {
        (TypeId::Bit, Some(v)) => Value::Bit(v != 0),
        (TypeId::TinyInt, Some(v)) => Value::TinyInt(v as u8),
        (TypeId::SmallInt, Some(v)) => Value::SmallInt(v as i16),
        (TypeId::Int, Some(v)) => Value::Int(v as i32),
        (TypeId::BigInt, Some(v)) => Value::BigInt(v),
        (TypeId::Numeric, Some(v)) => {
            Value::Decimal(Decimal::new(i128::from(v) * 10i128.pow(u32::from(ty.scale)), ty.scale))
        }
        (TypeId::SqlVariant, Some(_)) => variant(value, SqlType::INT),
        (TypeId::Char, _) => match value {
            Value::String(s) if (s.len() as i32) < ty.length => {
                let mut units = s.units().to_vec();
                units.resize(ty.length as usize, 0x20);
                Value::String(units.into())
            }
            other => other,
        },
        _ => value,
    }
}

/// Wraps a value as sql_variant.
pub fn variant(value: Value, ty: SqlType) -> Value {
    let value = coerce(value, &ty);
    if value.is_null() {
        return Value::Null;
    }
    Value::Variant(Arc::new(holdfast_types::Variant { ty, value }))
}

/// The access of a system view: computes all rows when opened.
pub struct ComputedRows {
    view: &'static SystemView,
    types: Vec<SqlType>,
    source: Arc<dyn ViewSource>,
}

impl ComputedRows {
    pub fn table_def(view: &'static SystemView, source: Arc<dyn ViewSource>) -> Arc<TableDef> {
        let database = source.database();
        let collation =
            if database.collation.is_none() { CollationId::SERVER_DEFAULT } else { database.collation };
        let parsed = parse_columns(view.columns, collation);
        let types = parsed.iter().map(|c| c.1).collect();
        let columns = parsed
            .into_iter()
            .enumerate()
            .map(|(i, (name, ty, nullable))| ColumnDef {
                name: name.into(),
                column_id: i as i32 + 1,
                ty,
                nullable,
                user_type: None,
                identity: None,
                is_row_guid: false,
                is_sparse: false,
                is_hidden: false,
                computed: None,
                persisted: false,
                default: None,
                typed_xml: None,
            })
            .collect();
        let (schema, name) = view.name.split_once('.').unwrap_or(("sys", view.name));
        let id = source.model().map_or(-1, |m| object_id(&m, view.name));
        Arc::new(TableDef {
            database_id: database.id,
            object_id: id,
            schema_name: schema.into(),
            name: name.into(),
            columns,
            indexes: vec![IndexDef::heap()],
            statistics: Vec::new(),
            row_count: 200,
            page_count: 4,
            temporal: Default::default(),
            access: Arc::new(ComputedRows { view, types, source }),
        })
    }
}

impl ComputedRows {
    /// The view's rows: without what other transactions have not committed, but at READ UNCOMMITTED.
    fn rows(&self, read: &ReadContext) -> SqlResult<Vec<Vec<Value>>> {
        if read.level == ReadLevel::Uncommitted {
            return self.rows_of(&*self.source, read);
        }
        for _ in 0..AGAIN {
            let definers = self.source.definers();
            if let Some(committed) = self.source.committed(read.owner) {
                return self.rows_of(&*committed, read);
            }
            let rows = self.rows_of(&*self.source, read)?;
            // Somebody may have defined something while they were made.
            if self.source.definers() == definers && self.source.committed(read.owner).is_none() {
                return Ok(rows);
            }
        }
        self.rows_of(&*self.source, read)
    }

    fn rows_of(&self, source: &dyn ViewSource, read: &ReadContext) -> SqlResult<Vec<Vec<Value>>> {
        let reader = source.reader(read.session);
        let context = ViewContext { source, model: source.model()?, reader };
        let mut rows = (self.view.rows)(&context)?;
        if let Some(reader) = &context.reader {
            let names: Vec<&str> = names(self.view.columns).collect();
            reader.filter(self.view.name, &names, &context.model, &mut rows)?;
        }
        Ok(rows)
    }
}

/// How often rows are made again because somebody has defined something meanwhile.
const AGAIN: usize = 10;

impl TableAccess for ComputedRows {
    fn scan(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        let rows = self.rows(read)?;
        let types: Vec<SqlType> = columns.iter().map(|&c| self.types[c]).collect();
        let projected = rows
            .into_iter()
            .map(|mut row| {
                debug_assert_eq!(row.len(), self.types.len(), "{}", self.view.name);
                columns
                    .iter()
                    .map(|&c| row.get_mut(c).map_or(Value::Null, |v| coerce(v.clone(), &self.types[c])))
                    .collect()
            })
            .collect();
        Ok(Box::new(RowsSource { types, rows: projected, next: 0 }))
    }

    fn seek(
        &self,
        _read: &ReadContext,
        _index_id: i32,
        _range: KeyRange,
        _columns: &[usize],
        _backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        Err(SqlError::not_supported(format!("A seek in the system view {}", self.view.name)))
    }
}

/// Rows held in memory, handed out in batches.
pub struct RowsSource {
    types: Vec<SqlType>,
    rows: Vec<Vec<Value>>,
    next: usize,
}

impl RowsSource {
    pub fn new(types: Vec<SqlType>, rows: Vec<Vec<Value>>) -> Self {
        RowsSource { types, rows, next: 0 }
    }
}

impl BatchSource for RowsSource {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.next >= self.rows.len() {
            return Ok(None);
        }
        let end = (self.next + BATCH_ROWS).min(self.rows.len());
        let rows = &self.rows[self.next..end];
        let columns = self
            .types
            .iter()
            .enumerate()
            .map(|(i, ty)| Column::from_values(ty, rows.iter().map(|r| &r[i])).map(Arc::new))
            .collect::<SqlResult<_>>()?;
        let len = rows.len();
        self.next = end;
        Ok(Some(Batch { len, columns }))
    }
}
