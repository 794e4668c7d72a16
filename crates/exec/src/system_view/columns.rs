//! Columns, types and parameters.

use std::sync::Arc;

use holdfast_types::{CollationId, SqlResult, SqlType, Value};

use super::model::{ColumnRow, TypeRow};
use super::objects::extend;
use super::table::{parse_columns, variant};
use super::{SystemView, ViewContext, all, object_id, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

macro_rules! column_columns {
    ($rest:literal) => {
        concat!(
            "object_id int!, name sysname, column_id int!, system_type_id tinyint!, user_type_id int!, max_length smallint!, ",
            "precision tinyint!, scale tinyint!, collation_name sysname, is_nullable bit, is_ansi_padded bit!, ",
            "is_rowguidcol bit!, is_identity bit!, ", $rest,
            "is_filestream bit!, is_replicated bit, is_non_sql_subscribed bit, is_merge_published bit, ",
            "is_dts_replicated bit, is_xml_document bit!, xml_collection_id int!, default_object_id int!, rule_object_id int!"
        )
    };
}

const COLUMNS: &str = concat!(
    column_columns!("is_computed bit!, "),
    ", is_sparse bit, is_column_set bit, generated_always_type tinyint, generated_always_type_desc desc, ",
    "encryption_type int, encryption_type_desc nvarchar(64), encryption_algorithm_name sysname, ",
    "column_encryption_key_id int, column_encryption_key_database_name sysname, is_hidden bit, is_masked bit, ",
    "graph_type int, graph_type_desc desc, is_data_deletion_filter_column bit, ledger_view_column_type tinyint, ",
    "ledger_view_column_type_desc desc, is_dropped_ledger_column bit"
);

pub const VIEWS: &[SystemView] = &[
    SystemView { name: "sys.columns", columns: COLUMNS, rows: columns },
    SystemView { name: "sys.all_columns", columns: COLUMNS, rows: all_columns },
    SystemView { name: "sys.system_columns", columns: COLUMNS, rows: system_columns },
    SystemView {
        name: "sys.computed_columns",
        columns: concat!(
            column_columns!(""),
            ", definition nvarchar(max), uses_database_collation bit!, is_persisted bit!, is_computed bit!, is_sparse bit, is_column_set bit"
        ),
        rows: computed,
    },
    SystemView {
        name: "sys.identity_columns",
        columns: concat!(
            column_columns!(""),
            ", seed_value sql_variant, increment_value sql_variant, last_value sql_variant, is_not_for_replication bit, is_computed bit!, is_sparse bit!, is_column_set bit!"
        ),
        rows: identity,
    },
    SystemView {
        name: "sys.masked_columns",
        columns: concat!(column_columns!(""), ", masking_function nvarchar(4000), is_masked bit!"),
        rows: |_| Ok(Vec::new()),
    },
    SystemView { name: "sys.types", columns: TYPES, rows: |c| Ok(types(c)) },
    SystemView {
        name: "sys.table_types",
        columns: "name sysname!, system_type_id tinyint!, user_type_id int!, schema_id int!, principal_id int, max_length smallint!, precision tinyint!, scale tinyint!, collation_name sysname, is_nullable bit, is_user_defined bit!, is_assembly_type bit!, default_object_id int!, rule_object_id int!, is_table_type bit!, type_table_object_id int!, is_memory_optimized bit",
        rows: |c| {
            Ok(c.model
                .types
                .iter()
                .filter(|t| t.xtype == 243)
                .map(|t| {
                    let table = c.model.references_of(36, t.id).next().map_or(0, |r| r.independent);
                    extend(type_row(c, t), row![table, false])
                })
                .collect())
        },
    },
    SystemView {
        name: "sys.assembly_types",
        columns: "name sysname!, system_type_id tinyint!, user_type_id int!, schema_id int!, principal_id int, max_length smallint!, precision tinyint!, scale tinyint!, collation_name sysname, is_nullable bit, is_user_defined bit!, is_assembly_type bit!, default_object_id int!, rule_object_id int!, assembly_id int!, assembly_class sysname, is_binary_ordered bit, is_fixed_length bit, prog_id nvarchar(40), assembly_qualified_name nvarchar(4000), is_table_type bit!",
        rows: assembly_types,
    },
    SystemView { name: "sys.parameters", columns: PARAMETERS, rows: parameters },
    SystemView { name: "sys.all_parameters", columns: PARAMETERS, rows: parameters },
    SystemView {
        name: "sys.column_type_usages",
        columns: "object_id int!, column_id int!, user_type_id int!",
        rows: |c| {
            Ok(user_columns(c)
                .filter(|x| x.user_type > 256)
                .map(|x| row![x.object_id, x.column_id, x.user_type])
                .collect())
        },
    },
];

const TYPES: &str = "name sysname!, system_type_id tinyint!, user_type_id int!, schema_id int!, principal_id int, max_length smallint!, precision tinyint!, scale tinyint!, collation_name sysname, is_nullable bit, is_user_defined bit!, is_assembly_type bit!, default_object_id int!, rule_object_id int!, is_table_type bit!";

const PARAMETERS: &str = "object_id int!, name sysname, parameter_id int!, system_type_id tinyint!, user_type_id int!, max_length smallint!, precision tinyint!, scale tinyint!, is_output bit!, is_cursor_ref bit!, has_default_value bit!, is_xml_document bit!, default_value sql_variant, xml_collection_id int!, is_readonly bit!, is_nullable bit, encryption_type int, encryption_type_desc nvarchar(64), encryption_algorithm_name sysname, column_encryption_key_id int, column_encryption_key_database_name sysname";

fn user_columns<'a>(c: &'a ViewContext<'_>) -> impl Iterator<Item = &'a ColumnRow> {
    c.model.columns.iter().filter(|x| {
        x.number == 0 && c.model.object(x.object_id).is_some_and(|o| o.is_listed() || &*o.kind == "S")
    })
}

fn collation_name(c: &ViewContext<'_>, id: u32) -> Option<Arc<str>> {
    (id != 0).then(|| c.source.collation_name(CollationId(id)))
}

/// The 13 columns before `is_computed`.
fn head(c: &ViewContext<'_>, x: &ColumnRow) -> Vec<Value> {
    row![
        x.object_id,
        &x.name,
        x.column_id,
        i32::from(x.xtype),
        x.user_type,
        x.length,
        i32::from(x.precision),
        i32::from(x.scale),
        collation_name(c, x.collation),
        x.nullable(),
        x.status & 2 != 0,
        x.status & 8 != 0,
        x.is_identity()
    ]
}

/// The nine columns after it.
fn tail(x: &ColumnRow) -> Vec<Value> {
    row![
        x.status & 0x20 != 0,
        false,
        false,
        false,
        false,
        x.status & 0x800 != 0,
        x.xml_collection,
        x.default_id,
        x.rule_id
    ]
}

fn full(c: &ViewContext<'_>, x: &ColumnRow) -> Vec<Value> {
    let generated = x.generated();
    let rest = row![
        x.status & 0x0100_0000 != 0,
        x.status & 0x0200_0000 != 0,
        generated,
        ["NOT_APPLICABLE", "AS_ROW_START", "AS_ROW_END"][generated as usize],
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        x.status & 0x2000 != 0,
        false,
        Value::Null,
        Value::Null,
        false,
        Value::Null,
        Value::Null,
        false
    ];
    extend(extend(extend(head(c, x), row![x.is_computed()]), tail(x)), rest)
}

fn columns(c: &ViewContext<'_>) -> Rows {
    Ok(user_columns(c).map(|x| full(c, x)).collect())
}

fn all_columns(c: &ViewContext<'_>) -> Rows {
    let mut rows = columns(c)?;
    rows.extend(system_columns(c)?);
    Ok(rows)
}

/// Columns of the system views, from their declarations.
fn system_columns(c: &ViewContext<'_>) -> Rows {
    let collation = c.source.database().collation;
    Ok(all()
        .flat_map(|view| declared_columns(view, object_id(&c.model, view.name), collation))
        .map(|column| full(c, &column))
        .collect())
}

/// The columns of a view as its declaration has them, in rows of syscolpars.
pub fn declared_columns(view: &SystemView, object: i32, collation: CollationId) -> Vec<ColumnRow> {
    let column = |(i, (name, ty, nullable)): (usize, (String, SqlType, bool))| ColumnRow {
        object_id: object,
        number: 0,
        column_id: i as i32 + 1,
        name: name.into(),
        xtype: ty.id.xtype(),
        user_type: if ty == SqlType::sysname(collation) { 256 } else { i32::from(ty.id.xtype()) },
        length: ty.length,
        precision: ty.precision,
        scale: ty.scale,
        collation: ty.collation.0,
        status: 2 | i32::from(!nullable),
        xml_collection: 0,
        default_id: 0,
        rule_id: 0,
        identity: None,
    };
    parse_columns(view.columns, collation).into_iter().enumerate().map(column).collect()
}

fn computed(c: &ViewContext<'_>) -> Rows {
    let physical = c.source.base_rows("sysrscols")?;
    let of_2005 = c.source.base_rows("sysrowsetcolumns")?;
    let rowsets = c.source.base_rows("sysrowsets")?;
    Ok(user_columns(c)
        .filter(|x| x.is_computed())
        .map(|x| {
            let rowset = rowsets
                .iter()
                .find(|r| r.int("idmajor") == x.object_id && r.int("idminor") <= 1)
                .map_or(-1, |r| r.integer("rowsetid"));
            let persisted =
                physical.iter().any(|r| r.integer("rsid") == rowset && r.int("rscolid") == x.column_id)
                    || of_2005
                        .iter()
                        .any(|r| r.integer("rowsetid") == rowset && r.int("rowsetcolid") == x.column_id);
            let rest =
                row![c.model.computed_text(x.object_id, x.column_id), true, persisted, true, false, false];
            extend(extend(head(c, x), tail(x)), rest)
        })
        .collect())
}

fn identity(c: &ViewContext<'_>) -> Rows {
    Ok(user_columns(c)
        .filter(|x| x.is_identity())
        .map(|x| {
            let value = |v: i128| {
                let ty = x.sql_type();
                let plain = if ty.id.is_integer() {
                    Value::BigInt(v as i64)
                } else {
                    Value::Decimal(holdfast_types::Decimal::new(v, 0))
                };
                variant(plain, ty)
            };
            let (last, increment, seed) = match x.identity_values() {
                Some((last, increment, seed)) => {
                    (last.map_or(Value::Null, value), value(increment), value(seed))
                }
                None => (Value::Null, Value::Null, Value::Null),
            };
            let rest = row![seed, increment, last, false, false, false, false];
            extend(extend(head(c, x), tail(x)), rest)
        })
        .collect())
}

fn type_row(c: &ViewContext<'_>, t: &TypeRow) -> Vec<Value> {
    let user_defined = t.id > 256 || t.xtype == 243;
    let assembly = t.xtype == 240;
    row![
        &t.name,
        i32::from(t.xtype),
        t.id,
        t.schema_id,
        Value::Null,
        t.length,
        i32::from(t.precision),
        i32::from(t.scale),
        collation_name(c, t.collation),
        t.status & 1 == 0,
        user_defined && !(128..=130).contains(&t.id),
        assembly,
        t.default_id,
        t.rule_id,
        t.xtype == 243
    ]
}

fn types(c: &ViewContext<'_>) -> Vec<Vec<Value>> {
    c.model.types.iter().map(|t| type_row(c, t)).collect()
}

fn assembly_types(c: &ViewContext<'_>) -> Rows {
    Ok(c.model
        .types
        .iter()
        .filter(|t| t.xtype == 240)
        .map(|t| {
            let mut row = type_row(c, t);
            row.pop();
            let class = match t.id {
                128 => "Microsoft.SqlServer.Types.SqlHierarchyId",
                129 => "Microsoft.SqlServer.Types.SqlGeometry",
                130 => "Microsoft.SqlServer.Types.SqlGeography",
                _ => "",
            };
            extend(row, row![1, class, t.id == 128, false, Value::Null, class, false])
        })
        .collect())
}

fn parameters(c: &ViewContext<'_>) -> Rows {
    let listed = c.model.columns.iter().filter(|x| x.number == 1);
    Ok(listed
        .filter(|x| c.model.object(x.object_id).is_some_and(|o| !o.system))
        .map(|x| {
            row![
                x.object_id,
                &x.name,
                x.column_id,
                i32::from(x.xtype),
                x.user_type,
                x.length,
                i32::from(x.precision),
                i32::from(x.scale),
                x.column_id == 0 || x.status & 0x200 != 0,
                x.status & 0x400 != 0,
                false,
                false,
                Value::Null,
                x.xml_collection,
                x.status & 0x40_0000 != 0,
                true,
                Value::Null,
                Value::Null,
                Value::Null,
                Value::Null,
                Value::Null
            ]
        })
        .collect())
}
