//! Data types as written -> [`SqlType`], with SQL Server's checks of lengths, precision and scale.

use holdfast_engine::catalog::Catalog;
use holdfast_tsql::ast::types::{DataType, TypeArgument};
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType, TypeId};

/// Where the type stands: CAST and CONVERT give 30 to a missing length, declarations 1.
pub fn resolve_type(
    dt: &DataType,
    catalog: &dyn Catalog,
    default_schema: &str,
    collation: CollationId,
    in_cast: bool,
) -> SqlResult<(SqlType, bool)> {
    let line = dt.span.line;
    if in_cast && dt.xml.is_some() {
        return Err(SqlError::not_supported("A conversion to xml with a schema collection").at_line(line));
    }
    let Some(name) = dt.builtin() else {
        let schema = dt.name.schema.as_ref().map_or(default_schema, |s| s.text.as_str());
        let found = catalog.user_type(schema, &dt.name.name.text).or_else(|| {
            if dt.name.schema.is_none() { catalog.user_type("dbo", &dt.name.name.text) } else { None }
        });
        return found.ok_or_else(|| SqlError::new(243, &[&dt.name]).at_line(line));
    };
    let number = |i: usize| match dt.arguments.get(i) {
        Some(TypeArgument::Number(n)) => Some(*n),
        _ => None,
    };
    let max = matches!(dt.arguments.first(), Some(TypeArgument::Max));
    let default_length = if in_cast { 30 } else { 1 };
    let length = |limit: i64, unit: i32| -> SqlResult<i32> {
        if max {
            return Ok(-1);
        }
        match number(0) {
            None => Ok(default_length * unit),
            Some(n) if n < 1 => Err(SqlError::new(1001, &[&line, &n]).at_line(line)),
            Some(n) if n > limit => Err(SqlError::with_text(
                131,
                15,
                format!("The size ({n}) given to the type '{name}' exceeds the maximum allowed for any data type ({limit})."),
            )
            .at_line(line)),
            Some(n) => Ok(n as i32 * unit),
        }
    };
    let scale = |default: u8| -> SqlResult<u8> {
        match number(0) {
            None => Ok(default),
            Some(n @ 0..=7) => Ok(n as u8),
            Some(n) => {
                Err(SqlError::with_text(1002, 16, format!("Line {line}: Specified scale {n} is invalid."))
                    .at_line(line))
            }
        }
    };
    let ty = match name {
        "bit" => SqlType::BIT,
        "tinyint" => SqlType::TINYINT,
        "smallint" => SqlType::SMALLINT,
        "int" => SqlType::INT,
        "bigint" => SqlType::BIGINT,
        "decimal" | "numeric" => {
            let p = number(0).unwrap_or(18);
            let s = number(1).unwrap_or(0);
            if !(1..=38).contains(&p) {
                return Err(SqlError::new(2750, &[&0, &p, &38]).at_line(line));
            }
            if s < 0 || s > p {
                return Err(SqlError::new(2751, &[&0, &s, &p]).at_line(line));
            }
            let t = SqlType::decimal(p as u8, s as u8);
            if name == "numeric" { SqlType { id: TypeId::Numeric, ..t } } else { t }
        }
        "money" => SqlType::MONEY,
        "smallmoney" => SqlType::SMALLMONEY,
        "real" => SqlType::REAL,
        "float" => match number(0) {
            Some(1..=24) => SqlType::REAL,
            Some(n) if !(1..=53).contains(&n) => {
                return Err(SqlError::new(2750, &[&0, &n, &53]).at_line(line));
            }
            _ => SqlType::FLOAT,
        },
        "date" => SqlType::DATE,
        "time" => SqlType::time(scale(7)?),
        "datetime2" => SqlType::datetime2(scale(7)?),
        "datetimeoffset" => SqlType::datetimeoffset(scale(7)?),
        "datetime" => SqlType::DATETIME,
        "smalldatetime" => SqlType::SMALLDATETIME,
        "char" | "varchar" => {
            let id = if name == "char" && !max { TypeId::Char } else { TypeId::VarChar };
            SqlType::character(id, length(8000, 1)?, collation)
        }
        "nchar" | "nvarchar" => {
            let id = if name == "nchar" && !max { TypeId::NChar } else { TypeId::NVarChar };
            SqlType::character(id, length(4000, 2)?, collation)
        }
        "sysname" => return Ok((SqlType::sysname(collation), false)),
        "text" => SqlType::character(TypeId::Text, 16, collation),
        "ntext" => SqlType::character(TypeId::NText, 16, collation),
        "image" => SqlType::IMAGE,
        "binary" | "varbinary" => {
            let id = if name == "binary" && !max { TypeId::Binary } else { TypeId::VarBinary };
            SqlType::binary(id, length(8000, 1)?)
        }
        "uniqueidentifier" => SqlType::GUID,
        "timestamp" => SqlType::ROWVERSION,
        "sql_variant" => SqlType::VARIANT,
        "xml" => SqlType::XML,
        "hierarchyid" => SqlType::HIERARCHYID,
        "geometry" => SqlType::GEOMETRY,
        "geography" => SqlType::GEOGRAPHY,
        "json" => SqlType { id: TypeId::Json, ..SqlType::XML },
        other => return Err(SqlError::not_supported(format!("The data type {other}")).at_line(line)),
    };
    Ok((ty, true))
}
