//! INFORMATION_SCHEMA.

use std::sync::Arc;

use holdfast_types::{CollationId, SqlResult, TypeId, Value};

use super::indexes::actions;
use super::model::{ColumnRow, Object};
use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

const COLUMNS: &str = "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, COLUMN_NAME sysname, ORDINAL_POSITION int, COLUMN_DEFAULT nvarchar(4000), IS_NULLABLE varchar(3), DATA_TYPE nvarchar(128), CHARACTER_MAXIMUM_LENGTH int, CHARACTER_OCTET_LENGTH int, NUMERIC_PRECISION tinyint, NUMERIC_PRECISION_RADIX smallint, NUMERIC_SCALE int, DATETIME_PRECISION smallint, CHARACTER_SET_CATALOG sysname, CHARACTER_SET_SCHEMA sysname, CHARACTER_SET_NAME sysname, COLLATION_CATALOG sysname, COLLATION_SCHEMA sysname, COLLATION_NAME sysname, DOMAIN_CATALOG sysname, DOMAIN_SCHEMA sysname, DOMAIN_NAME sysname";

const ROUTINES: &str = "SPECIFIC_CATALOG nvarchar(128), SPECIFIC_SCHEMA nvarchar(128), SPECIFIC_NAME sysname!, ROUTINE_CATALOG nvarchar(128), ROUTINE_SCHEMA nvarchar(128), ROUTINE_NAME sysname!, ROUTINE_TYPE nvarchar(20), MODULE_CATALOG sysname, MODULE_SCHEMA sysname, MODULE_NAME sysname, UDT_CATALOG sysname, UDT_SCHEMA sysname, UDT_NAME sysname, DATA_TYPE sysname, CHARACTER_MAXIMUM_LENGTH int, CHARACTER_OCTET_LENGTH int, COLLATION_CATALOG sysname, COLLATION_SCHEMA sysname, COLLATION_NAME sysname, CHARACTER_SET_CATALOG sysname, CHARACTER_SET_SCHEMA sysname, CHARACTER_SET_NAME sysname, NUMERIC_PRECISION tinyint, NUMERIC_PRECISION_RADIX smallint, NUMERIC_SCALE int, DATETIME_PRECISION smallint, INTERVAL_TYPE nvarchar(30), INTERVAL_PRECISION smallint, TYPE_UDT_CATALOG sysname, TYPE_UDT_SCHEMA sysname, TYPE_UDT_NAME sysname, SCOPE_CATALOG sysname, SCOPE_SCHEMA sysname, SCOPE_NAME sysname, MAXIMUM_CARDINALITY bigint, DTD_IDENTIFIER sysname, ROUTINE_BODY nvarchar(30), ROUTINE_DEFINITION nvarchar(4000), EXTERNAL_NAME sysname, EXTERNAL_LANGUAGE nvarchar(30), PARAMETER_STYLE nvarchar(30), IS_DETERMINISTIC nvarchar(10), SQL_DATA_ACCESS nvarchar(30), IS_NULL_CALL nvarchar(10), SQL_PATH sysname, SCHEMA_LEVEL_ROUTINE nvarchar(10), MAX_DYNAMIC_RESULT_SETS smallint, IS_USER_DEFINED_CAST nvarchar(10), IS_IMPLICITLY_INVOCABLE nvarchar(10), CREATED datetime, LAST_ALTERED datetime";

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "INFORMATION_SCHEMA.TABLES",
        columns: "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA sysname, TABLE_NAME sysname!, TABLE_TYPE varchar(10)",
        rows: tables,
    },
    SystemView { name: "INFORMATION_SCHEMA.COLUMNS", columns: COLUMNS, rows: |c| columns(c, &["U", "V"]) },
    SystemView {
        name: "INFORMATION_SCHEMA.ROUTINE_COLUMNS",
        columns: COLUMNS,
        rows: |c| columns(c, &["IF", "TF", "FT"]),
    },
    SystemView {
        name: "INFORMATION_SCHEMA.VIEWS",
        columns: "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, VIEW_DEFINITION nvarchar(4000), CHECK_OPTION varchar(7), IS_UPDATABLE varchar(2)",
        rows: views,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.SCHEMATA",
        columns: "CATALOG_NAME nvarchar(128), SCHEMA_NAME nvarchar(128)!, SCHEMA_OWNER nvarchar(128), DEFAULT_CHARACTER_SET_CATALOG sysname, DEFAULT_CHARACTER_SET_SCHEMA sysname, DEFAULT_CHARACTER_SET_NAME sysname",
        rows: schemata,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.TABLE_CONSTRAINTS",
        columns: "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!, TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname, CONSTRAINT_TYPE varchar(11), IS_DEFERRABLE varchar(2)!, INITIALLY_DEFERRED varchar(2)!",
        rows: table_constraints,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.KEY_COLUMN_USAGE",
        columns: "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME nvarchar(128)!, TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME nvarchar(128), COLUMN_NAME nvarchar(128), ORDINAL_POSITION int!",
        rows: key_columns,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE",
        columns: "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME nvarchar(128)!, COLUMN_NAME nvarchar(128), CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME nvarchar(128)!",
        rows: constraint_columns,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.CONSTRAINT_TABLE_USAGE",
        columns: "TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!",
        rows: constraint_tables,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS",
        columns: "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!, UNIQUE_CONSTRAINT_CATALOG nvarchar(128), UNIQUE_CONSTRAINT_SCHEMA nvarchar(128), UNIQUE_CONSTRAINT_NAME sysname, MATCH_OPTION varchar(7), UPDATE_RULE varchar(11), DELETE_RULE varchar(11)",
        rows: referential,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.CHECK_CONSTRAINTS",
        columns: "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!, CHECK_CLAUSE nvarchar(4000)",
        rows: |c| {
            Ok(c.model
                .of_kind(&["C"])
                .map(|k| row![catalog(c), schema(c, k), &k.name, c.model.text(k.id)])
                .collect())
        },
    },
    SystemView { name: "INFORMATION_SCHEMA.ROUTINES", columns: ROUTINES, rows: routines },
    SystemView {
        name: "INFORMATION_SCHEMA.PARAMETERS",
        columns: "SPECIFIC_CATALOG nvarchar(128), SPECIFIC_SCHEMA nvarchar(128), SPECIFIC_NAME sysname!, ORDINAL_POSITION int!, PARAMETER_MODE nvarchar(10), IS_RESULT nvarchar(10), AS_LOCATOR nvarchar(10), PARAMETER_NAME sysname, DATA_TYPE sysname, CHARACTER_MAXIMUM_LENGTH int, CHARACTER_OCTET_LENGTH int, COLLATION_CATALOG sysname, COLLATION_SCHEMA sysname, COLLATION_NAME sysname, CHARACTER_SET_CATALOG sysname, CHARACTER_SET_SCHEMA sysname, CHARACTER_SET_NAME sysname, NUMERIC_PRECISION tinyint, NUMERIC_PRECISION_RADIX smallint, NUMERIC_SCALE int, DATETIME_PRECISION smallint, INTERVAL_TYPE nvarchar(30), INTERVAL_PRECISION smallint, USER_DEFINED_TYPE_CATALOG sysname, USER_DEFINED_TYPE_SCHEMA sysname, USER_DEFINED_TYPE_NAME sysname, SCOPE_CATALOG sysname, SCOPE_SCHEMA sysname, SCOPE_NAME sysname",
        rows: parameters,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.SEQUENCES",
        columns: "SEQUENCE_CATALOG nvarchar(128), SEQUENCE_SCHEMA nvarchar(128), SEQUENCE_NAME sysname!, DATA_TYPE sysname, NUMERIC_PRECISION tinyint, NUMERIC_PRECISION_RADIX smallint, NUMERIC_SCALE int, START_VALUE sql_variant, MINIMUM_VALUE sql_variant, MAXIMUM_VALUE sql_variant, INCREMENT sql_variant, CYCLE_OPTION bit, DECLARED_DATA_TYPE int, DECLARED_NUMERIC_PRECISION tinyint, DECLARED_NUMERIC_SCALE tinyint",
        rows: sequences,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.DOMAINS",
        columns: "DOMAIN_CATALOG nvarchar(128), DOMAIN_SCHEMA nvarchar(128), DOMAIN_NAME sysname!, DATA_TYPE sysname, CHARACTER_MAXIMUM_LENGTH int, CHARACTER_OCTET_LENGTH int, NUMERIC_PRECISION tinyint, NUMERIC_SCALE int, DOMAIN_DEFAULT nvarchar(4000)",
        rows: |c| {
            Ok(c.model
                .types
                .iter()
                .filter(|t| t.id > 256 && t.xtype != 243 && t.xtype != 240)
                .map(|t| {
                    row![
                        catalog(c),
                        c.model.schema_name(t.schema_id),
                        &t.name,
                        super::model::type_id(t.xtype, t.id).name(),
                        t.length,
                        t.length,
                        i32::from(t.precision),
                        i32::from(t.scale),
                        Value::Null
                    ]
                })
                .collect())
        },
    },
    SystemView {
        name: "INFORMATION_SCHEMA.TABLE_PRIVILEGES",
        columns: "GRANTOR nvarchar(128), GRANTEE nvarchar(128), TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, PRIVILEGE_TYPE varchar(10), IS_GRANTABLE varchar(3)",
        rows: |_| Ok(Vec::new()),
    },
    SystemView {
        name: "INFORMATION_SCHEMA.COLUMN_PRIVILEGES",
        columns: "GRANTOR nvarchar(128), GRANTEE nvarchar(128), TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, COLUMN_NAME sysname, PRIVILEGE_TYPE varchar(10), IS_GRANTABLE varchar(3)",
        rows: |_| Ok(Vec::new()),
    },
];

fn catalog(c: &ViewContext<'_>) -> Arc<str> {
    c.source.database().name
}

fn schema(c: &ViewContext<'_>, o: &Object) -> Arc<str> {
    c.model.schema_name(o.schema_id)
}

fn tables(c: &ViewContext<'_>) -> Rows {
    let name = catalog(c);
    Ok(c.model
        .of_kind(&["U", "V"])
        .map(|o| {
            let kind = if &*o.kind == "U" { "BASE TABLE" } else { "VIEW" };
            row![&name, schema(c, o), &o.name, kind]
        })
        .collect())
}

/// DATA_TYPE and the eight describing columns that COLUMNS, ROUTINES and PARAMETERS share:
/// character length, octet length, precision, radix, scale, datetime precision, character set, collation.
struct Described {
    data_type: Arc<str>,
    characters: Option<i32>,
    octets: Option<i32>,
    precision: Option<i32>,
    radix: Option<i32>,
    scale: Option<i32>,
    datetime_precision: Option<i32>,
    character_set: Option<&'static str>,
    collation: Option<Arc<str>>,
}

fn describe(c: &ViewContext<'_>, x: &ColumnRow) -> Described {
    let ty = x.sql_type();
    let id = ty.id;
    let max = i32::MAX;
    let (characters, octets) = match id {
        TypeId::Text | TypeId::Image => (Some(max), Some(max)),
        TypeId::NText => (Some(max / 2), Some(max - 1)),
        TypeId::Xml => (Some(-1), Some(-1)),
        _ if id.is_character() => (Some(ty.char_length().unwrap_or(-1)), Some(ty.length)),
        TypeId::Binary | TypeId::VarBinary => (Some(ty.length), Some(ty.length)),
        _ => (None, None),
    };
    let (precision, radix, scale) = match id {
        TypeId::Bit => (None, None, None),
        TypeId::Real | TypeId::Float => (Some(i32::from(x.precision)), Some(2), None),
        _ if id.is_numeric() => (Some(i32::from(x.precision)), Some(10), Some(i32::from(x.scale))),
        _ => (None, None, None),
    };
    let datetime_precision = match id {
        TypeId::DateTime => Some(3),
        TypeId::SmallDateTime | TypeId::Date => Some(0),
        TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => Some(i32::from(x.scale)),
        _ => None,
    };
    let text = id.is_character();
    Described {
        data_type: if id == TypeId::Clr { c.model.type_name(x.user_type) } else { id.name().into() },
        characters,
        octets,
        precision,
        radix,
        scale,
        datetime_precision,
        character_set: text.then_some(if id.is_unicode() { "UNICODE" } else { "iso_1" }),
        collation: text.then(|| c.source.collation_name(CollationId(x.collation))),
    }
}

fn columns(c: &ViewContext<'_>, kinds: &[&str]) -> Rows {
    let name = catalog(c);
    let mut rows = Vec::new();
    for o in c.model.of_kind(kinds) {
        for x in c.model.columns_of(o.id) {
            let d = describe(c, x);
            let alias = x.user_type > 256;
            let alias_type = alias.then(|| c.model.type_row(x.user_type)).flatten();
            rows.push(row![
                &name,
                schema(c, o),
                &o.name,
                &x.name,
                x.column_id,
                if x.default_id != 0 { c.model.text(x.default_id) } else { None },
                if x.nullable() { "YES" } else { "NO" },
                d.data_type,
                d.characters,
                d.octets,
                d.precision,
                d.radix,
                d.scale,
                d.datetime_precision,
                Value::Null,
                Value::Null,
                d.character_set,
                Value::Null,
                Value::Null,
                d.collation,
                alias_type.map(|_| Arc::clone(&name)),
                alias_type.map(|t| c.model.schema_name(t.schema_id)),
                alias_type.map(|t| Arc::clone(&t.name))
            ]);
        }
    }
    Ok(rows)
}

fn views(c: &ViewContext<'_>) -> Rows {
    Ok(c.model
        .of_kind(&["V"])
        .map(|o| {
            let text = c.model.text(o.id).map(|t| t.chars().take(4000).collect::<String>());
            let check = if o.status_bit(0x400) { "CASCADE" } else { "NONE" };
            row![catalog(c), schema(c, o), &o.name, text, check, "NO"]
        })
        .collect())
}

fn schemata(c: &ViewContext<'_>) -> Rows {
    let owners = c.source.base_rows("sysowners")?;
    Ok(c.model
        .schemas
        .iter()
        .map(|(_, name, owner)| {
            let owner = owners.iter().find(|r| r.int("id") == *owner).map(|r| r.text("name"));
            row![catalog(c), name, owner, Value::Null, Value::Null, "iso_1"]
        })
        .collect())
}

fn table_constraints(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for k in c.model.of_kind(&["PK", "UQ", "F", "C"]) {
        let Some(table) = c.model.object(k.parent_id) else { continue };
        let kind = match &*k.kind {
            "PK" => "PRIMARY KEY",
            "UQ" => "UNIQUE",
            "F" => "FOREIGN KEY",
            _ => "CHECK",
        };
        let name = catalog(c);
        rows.push(row![&name, schema(c, k), &k.name, &name, schema(c, table), &table.name, kind, "NO", "NO"]);
    }
    Ok(rows)
}

/// Column ids of a key, unique or foreign key constraint, in order.
fn constraint_column_ids(c: &ViewContext<'_>, k: &Object) -> Vec<i32> {
    if &*k.kind == "F" {
        return c.model.foreign_key(k.id).2.iter().map(|p| p.0).collect();
    }
    let index = c.model.key_index(k);
    let mut keys: Vec<_> =
        c.model.index_columns_of(k.parent_id, index).iter().filter(|x| x.status & 0x10 == 0).collect();
    keys.sort_by_key(|x| x.key_ordinal);
    keys.into_iter().map(|x| x.column_id).collect()
}

fn key_columns(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for k in c.model.of_kind(&["PK", "UQ", "F"]) {
        let Some(table) = c.model.object(k.parent_id) else { continue };
        let name = catalog(c);
        for (n, id) in constraint_column_ids(c, k).into_iter().enumerate() {
            let column = c.model.column(table.id, id).map(|x| Arc::clone(&x.name));
            rows.push(row![
                &name,
                schema(c, k),
                &k.name,
                &name,
                schema(c, table),
                &table.name,
                column,
                n as i32 + 1
            ]);
        }
    }
    Ok(rows)
}

fn constraint_columns(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    let name = catalog(c);
    // The columns that the conditions of checks name are kept as dependencies.
    let references = c.source.base_rows("sysmultiobjrefs")?;
    for k in c.model.of_kind(&["PK", "UQ", "F", "C"]) {
        let Some(table) = c.model.object(k.parent_id) else { continue };
        let ids = if &*k.kind == "C" {
            let named = references
                .iter()
                .filter(|r| r.int("class") == 1 && r.int("depid") == k.id && r.int("indepid") == table.id);
            let mut ids: Vec<i32> = named.map(|r| r.int("indepsubid")).filter(|id| *id > 0).collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.is_empty() && k.intprop > 0 { vec![k.intprop] } else { ids }
        } else {
            constraint_column_ids(c, k)
        };
        for id in ids {
            let column = c.model.column(table.id, id).map(|x| Arc::clone(&x.name));
            rows.push(row![&name, schema(c, table), &table.name, column, &name, schema(c, k), &k.name]);
        }
    }
    Ok(rows)
}

fn constraint_tables(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    let name = catalog(c);
    for k in c.model.of_kind(&["PK", "UQ", "F", "C"]) {
        let Some(table) = c.model.object(k.parent_id) else { continue };
        rows.push(row![&name, schema(c, table), &table.name, &name, schema(c, k), &k.name]);
    }
    Ok(rows)
}

fn referential(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    let name = catalog(c);
    for k in c.model.of_kind(&["F"]) {
        let (table, index, _) = c.model.foreign_key(k.id);
        let target = c.model.object(table);
        let unique = c
            .model
            .of_kind(&["PK", "UQ"])
            .find(|u| u.parent_id == table && c.model.key_index(u) == index)
            .map(|u| Arc::clone(&u.name))
            .or_else(|| {
                c.model.indexes_of(table).iter().find(|i| i.index_id == index).and_then(|i| i.name.clone())
            });
        let (delete, update) = actions(k);
        let rule = |a: (i32, &'static str)| a.1.replace('_', " ");
        rows.push(row![
            &name,
            schema(c, k),
            &k.name,
            &name,
            target.map(|t| schema(c, t)),
            unique,
            "SIMPLE",
            rule(update),
            rule(delete)
        ]);
    }
    Ok(rows)
}

fn routines(c: &ViewContext<'_>) -> Rows {
    let name = catalog(c);
    let mut rows = Vec::new();
    for o in c.model.of_kind(&["P", "PC", "FN", "IF", "TF", "FS", "FT"]) {
        let function = !matches!(&*o.kind, "P" | "PC");
        let scalar = matches!(&*o.kind, "FN" | "FS");
        let result = scalar
            .then(|| c.model.parameters_of(o.id).iter().find(|p| p.column_id == 0))
            .flatten()
            .map(|p| describe(c, p));
        let data_type = match (&result, function) {
            (Some(d), _) => Some(Arc::clone(&d.data_type)),
            (None, true) => Some("TABLE".into()),
            _ => None,
        };
        let text = c.model.text(o.id).map(|t| t.chars().take(4000).collect::<String>());
        let d = result.as_ref();
        let null = || Value::Null;
        rows.push(row![
            &name,
            schema(c, o),
            &o.name,
            &name,
            schema(c, o),
            &o.name,
            if function { "FUNCTION" } else { "PROCEDURE" },
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            data_type,
            d.and_then(|d| d.characters),
            d.and_then(|d| d.octets),
            null(),
            null(),
            d.and_then(|d| d.collation.clone()),
            null(),
            null(),
            d.and_then(|d| d.character_set),
            d.and_then(|d| d.precision),
            d.and_then(|d| d.radix),
            d.and_then(|d| d.scale),
            d.and_then(|d| d.datetime_precision),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            null(),
            if matches!(&*o.kind, "PC" | "FS" | "FT") { "EXTERNAL" } else { "SQL" },
            text,
            null(),
            null(),
            null(),
            "NO",
            if function { "READS" } else { "MODIFIES" },
            if function { Some("NO") } else { None },
            null(),
            "YES",
            if function { 0 } else { -1 },
            "NO",
            "NO",
            o.created,
            o.modified
        ]);
    }
    Ok(rows)
}

fn parameters(c: &ViewContext<'_>) -> Rows {
    let name = catalog(c);
    let mut rows = Vec::new();
    for o in c.model.of_kind(&["P", "PC", "FN", "IF", "TF", "FS", "FT"]) {
        for p in c.model.parameters_of(o.id) {
            let d = describe(c, p);
            let null = || Value::Null;
            let output = p.column_id == 0 || p.status & 0x200 != 0;
            let mode = match (p.column_id, output) {
                (0, _) => "OUT",
                (_, true) => "INOUT",
                _ => "IN",
            };
            rows.push(row![
                &name,
                schema(c, o),
                &o.name,
                p.column_id,
                mode,
                if p.column_id == 0 { "YES" } else { "NO" },
                "NO",
                &p.name,
                d.data_type,
                d.characters,
                d.octets,
                null(),
                null(),
                d.collation,
                null(),
                null(),
                d.character_set,
                d.precision,
                d.radix,
                d.scale,
                d.datetime_precision,
                null(),
                null(),
                null(),
                null(),
                null(),
                null(),
                null(),
                null()
            ]);
        }
    }
    Ok(rows)
}

fn sequences(c: &ViewContext<'_>) -> Rows {
    let name = catalog(c);
    let rows = super::objects::sequences(c)?;
    let one = |r: Vec<Value>| {
        // sys.sequences has the columns of sys.objects before its own twelve to twenty-five.
        let own = |i: usize| r.get(12 + i).cloned().unwrap_or(Value::Null);
        let schema_id = match r.get(3) {
            Some(Value::Int(n)) => *n,
            _ => 0,
        };
        let user_type = match own(8) {
            Value::Int(n) => n,
            _ => 0,
        };
        let kind = c.model.types.iter().find(|t| t.id == user_type).map(|t| Arc::clone(&t.name));
        row![
            &name,
            c.model.schema_name(schema_id),
            r.first().cloned().unwrap_or(Value::Null),
            kind,
            own(9),
            10,
            own(10),
            own(0),
            own(2),
            own(3),
            own(1),
            own(4),
            Value::Null,
            Value::Null,
            Value::Null
        ]
    };
    Ok(rows.into_iter().map(one).collect())
}
