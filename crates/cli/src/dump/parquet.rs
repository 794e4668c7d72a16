//! Rows as Parquet: one row group per 65,536 rows, each column with the nearest logical type (integers, decimals up to 38
//! digits, dates, times and timestamps in microseconds, UTF-8 strings, byte arrays); what has none is its canonical text.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use anyhow::Context;
use holdfast_engine::catalog::{ColumnDef, TableDef};
use holdfast_types::canonical::canonical_text;
use holdfast_types::{TypeId, Value};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::rows::{for_each_row, stored_columns};

const GROUP_ROWS: usize = 65_536;
/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;
const MICROS_PER_DAY: i64 = 86_400_000_000;

pub fn write(table: &TableDef, out: impl Write + Send) -> anyhow::Result<u64> {
    let columns = stored_columns(table);
    let fields = columns
        .iter()
        .map(|&c| Ok(Arc::new(field(&table.columns[c])?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let schema = Arc::new(Type::group_type_builder(&table.name).with_fields(fields).build()?);
    let properties = Arc::new(WriterProperties::builder().set_created_by("holdfast".into()).build());
    let mut writer = SerializedFileWriter::new(out, schema, properties)?;
    let mut pending: Vec<Vec<Value>> = columns.iter().map(|_| Vec::new()).collect();
    let mut lost = BTreeMap::new();
    let count = for_each_row(table, &columns, |row| {
        for (column, value) in pending.iter_mut().zip(row) {
            column.push(value.clone());
        }
        if pending.first().is_some_and(|c| c.len() == GROUP_ROWS) {
            group(&mut writer, table, &columns, &mut pending, &mut lost)?;
        }
        Ok(())
    })?;
    if pending.first().is_some_and(|c| !c.is_empty()) {
        group(&mut writer, table, &columns, &mut pending, &mut lost)?;
    }
    writer.close()?;
    for (column, values) in lost.into_iter().filter(|l| l.1 > 0) {
        let name = table.columns.get(column).map_or("", |c| &c.name);
        eprintln!(
            "note: {}.{}.{name}: {values} values have a seventh decimal of the second, which Parquet's timestamps hold for some years only; it is cut",
            table.schema_name, table.name
        );
    }
    Ok(count)
}

fn field(column: &ColumnDef) -> anyhow::Result<Type> {
    let ty = column.ty;
    let (physical, logical) = match ty.id {
        TypeId::Bit => (Physical::BOOLEAN, None),
        TypeId::TinyInt => (Physical::INT32, Some(LogicalType::integer(8, false))),
        TypeId::SmallInt => (Physical::INT32, Some(LogicalType::integer(16, true))),
        TypeId::Int => (Physical::INT32, None),
        TypeId::BigInt => (Physical::INT64, None),
        TypeId::Real => (Physical::FLOAT, None),
        TypeId::Float => (Physical::DOUBLE, None),
        TypeId::Decimal | TypeId::Numeric => {
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(decimal(ty.precision, ty.scale)))
        }
        TypeId::Money => (Physical::FIXED_LEN_BYTE_ARRAY, Some(decimal(19, 4))),
        TypeId::SmallMoney => (Physical::FIXED_LEN_BYTE_ARRAY, Some(decimal(10, 4))),
        TypeId::Date => (Physical::INT32, Some(LogicalType::Date)),
        TypeId::Time if ty.scale > 6 => (Physical::INT64, Some(LogicalType::time(false, TimeUnit::NANOS))),
        TypeId::Time => (Physical::INT64, Some(LogicalType::time(false, TimeUnit::MICROS))),
        TypeId::DateTime | TypeId::SmallDateTime | TypeId::DateTime2 => {
            (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::MICROS)))
        }
        _ if is_bytes(ty.id) => (Physical::BYTE_ARRAY, None),
        _ => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let mut builder = Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical.clone());
    if let Some(LogicalType::Decimal(d)) = logical {
        builder = builder.with_length(16).with_precision(d.precision).with_scale(d.scale);
    }
    builder.build().with_context(|| column.name.to_string())
}

fn decimal(precision: u8, scale: u8) -> LogicalType {
    LogicalType::decimal(i32::from(scale), i32::from(precision))
}

fn is_bytes(id: TypeId) -> bool {
    id.is_binary() || matches!(id, TypeId::Geometry | TypeId::Geography | TypeId::HierarchyId | TypeId::Clr)
}

/// Writes one row group and empties the columns.
fn group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    table: &TableDef,
    columns: &[usize],
    pending: &mut [Vec<Value>],
    lost: &mut BTreeMap<usize, u64>,
) -> anyhow::Result<()> {
    let mut group = writer.next_row_group()?;
    for (values, &c) in pending.iter_mut().zip(columns) {
        let levels: Vec<i16> = values.iter().map(|v| i16::from(!v.is_null())).collect();
        let present = values.iter().filter(|v| !v.is_null());
        let column = &table.columns[c];
        let mut target = group.next_column()?.context("the schema has fewer columns than the table")?;
        match target.untyped() {
            ColumnWriter::BoolColumnWriter(w) => {
                let v: Vec<bool> = present.map(|v| matches!(v, Value::Bit(true))).collect();
                w.write_batch(&v, Some(&levels), None)?;
            }
            ColumnWriter::Int32ColumnWriter(w) => {
                let v: Vec<i32> = present.map(|v| integer(v) as i32).collect();
                w.write_batch(&v, Some(&levels), None)?;
            }
            ColumnWriter::Int64ColumnWriter(w) => {
                let exact = column.ty.id == TypeId::Time && column.ty.scale > 6;
                let v: Vec<i64> = match exact {
                    true => {
                        present.map(|v| if let Value::Time(t) = v { t.0 as i64 * 100 } else { 0 }).collect()
                    }
                    false => present.map(integer).collect(),
                };
                let cut = values.iter().filter(|v| matches!(v, Value::DateTime2(d) if d.time.0 % 10 != 0));
                *lost.entry(c).or_default() += cut.count() as u64;
                w.write_batch(&v, Some(&levels), None)?;
            }
            ColumnWriter::FloatColumnWriter(w) => {
                let v: Vec<f32> = present.map(|v| if let Value::Real(x) = v { *x } else { 0.0 }).collect();
                w.write_batch(&v, Some(&levels), None)?;
            }
            ColumnWriter::DoubleColumnWriter(w) => {
                let v: Vec<f64> = present.map(|v| if let Value::Float(x) = v { *x } else { 0.0 }).collect();
                w.write_batch(&v, Some(&levels), None)?;
            }
            ColumnWriter::FixedLenByteArrayColumnWriter(w) => {
                let v: Vec<FixedLenByteArray> = present
                    .map(|v| FixedLenByteArray::from(mantissa(v, column.ty.scale).to_be_bytes().to_vec()))
                    .collect();
                w.write_batch(&v, Some(&levels), None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(w) => {
                let v: Vec<ByteArray> = present
                    .map(|v| match v {
                        Value::Binary(b) => ByteArray::from(b.to_vec()),
                        other => ByteArray::from(
                            canonical_text(other, &column.ty).unwrap_or_default().into_bytes(),
                        ),
                    })
                    .collect();
                w.write_batch(&v, Some(&levels), None)?;
            }
            ColumnWriter::Int96ColumnWriter(_) => anyhow::bail!("{}: unexpected physical type", column.name),
        }
        target.close()?;
        values.clear();
    }
    group.close()?;
    Ok(())
}

/// Integers, dates (days since 1970), times and timestamps (microseconds).
fn integer(v: &Value) -> i64 {
    let stamp = |v: Option<holdfast_types::DateTime2>| {
        v.map_or(0, |v| (i64::from(v.date.0) - DAYS_TO_1970) * MICROS_PER_DAY + (v.time.0 / 10) as i64)
    };
    match v {
        Value::TinyInt(n) => i64::from(*n),
        Value::SmallInt(n) => i64::from(*n),
        Value::Int(n) => i64::from(*n),
        Value::BigInt(n) => *n,
        Value::Date(d) => i64::from(d.0) - DAYS_TO_1970,
        Value::Time(t) => (t.0 / 10) as i64,
        Value::DateTime2(v) => stamp(Some(*v)),
        Value::DateTime(v) => stamp(v.to_datetime2()),
        Value::SmallDateTime(v) => stamp(v.to_datetime2()),
        _ => 0,
    }
}

/// The unscaled value of a decimal or money.
fn mantissa(v: &Value, scale: u8) -> i128 {
    match v {
        Value::Decimal(d) => d.rescale(scale).unwrap_or(*d).mantissa,
        Value::Money(v) => i128::from(*v),
        Value::SmallMoney(v) => i128::from(*v),
        _ => 0,
    }
}
