//! Partition functions and schemes, and where the data of tables lies.
//!
//! Evidence: docs/format/catalog.md, "Partitions".

use std::collections::HashMap;

use holdfast_engine::database::partition::{
    DATA_SPACE, FUNCTION, INDEX_SPACE, RIGHT, SCHEME_FUNCTION, SCHEME_SPACE, SCHEME_TYPE,
};
use holdfast_types::{CollationId, SqlResult, Value};

use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.partition_functions",
        columns: "name sysname!, function_id int!, type code(2)!, type_desc desc, fanout int!, boundary_value_on_right bit!, is_system bit!, create_date datetime!, modify_date datetime!",
        rows: functions,
    },
    SystemView {
        name: "sys.partition_parameters",
        columns: "function_id int!, parameter_id int!, system_type_id tinyint!, max_length smallint!, precision tinyint!, scale tinyint!, collation_name sysname, user_type_id int!",
        rows: parameters,
    },
    SystemView {
        name: "sys.partition_range_values",
        columns: "function_id int!, boundary_id int!, parameter_id int!, value sql_variant",
        rows: range_values,
    },
    SystemView {
        name: "sys.partition_schemes",
        columns: "name sysname!, data_space_id int!, type code(2)!, type_desc desc, is_default bit, is_system bit, function_id int!",
        rows: |c| {
            let functions = references(c, SCHEME_FUNCTION);
            Ok(schemes(c)?
                .into_iter()
                .map(|mut r| {
                    let scheme = if let Some(Value::Int(id)) = r.get(1) { *id } else { 0 };
                    let function = functions.iter().find(|f| f.0 == scheme).map_or(0, |f| f.2);
                    r.push(Value::Int(function));
                    r
                })
                .collect())
        },
    },
    SystemView {
        name: "sys.destination_data_spaces",
        columns: "partition_scheme_id int!, destination_id int!, data_space_id int!",
        rows: |c| {
            let mut found = references(c, SCHEME_SPACE);
            found.sort_unstable();
            Ok(found.into_iter().map(|(scheme, place, space)| row![scheme, place, space]).collect())
        },
    },
];

/// References of a class: dependent, its part, what it depends on.
fn references(c: &ViewContext<'_>, class: i32) -> Vec<(i32, i32, i32)> {
    let of = c.model.references.iter().filter(|r| r.class == class);
    of.map(|r| (r.dependent, r.dependent_sub, r.independent)).collect()
}

fn functions(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysclsobjs")?
        .iter()
        .filter(|r| r.int("class") == FUNCTION)
        .map(|r| {
            row![
                r.text("name"),
                r.int("id"),
                "R ",
                "RANGE",
                r.int("intprop"),
                r.integer("status") & RIGHT != 0,
                false,
                r.value("created").clone(),
                r.value("modified").clone()
            ]
        })
        .collect())
}

fn parameters(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("systypedsubobjs")?
        .iter()
        .filter(|r| r.int("class") == FUNCTION)
        .map(|r| {
            let collation = r.integer("collationid") as u32;
            let name = (collation != 0).then(|| c.source.collation_name(CollationId(collation)));
            row![
                r.int("idmajor"),
                r.int("subid"),
                r.int("xtype"),
                r.int("length"),
                r.int("prec"),
                r.int("scale"),
                name,
                r.int("utype")
            ]
        })
        .collect())
}

fn range_values(c: &ViewContext<'_>) -> Rows {
    let rows = c.source.base_rows("sysobjvalues")?;
    let of = rows.iter().filter(|r| r.int("valclass") == FUNCTION);
    Ok(of.map(|r| row![r.int("objid"), r.int("subobjid"), 1, r.value("value").clone()]).collect())
}

/// The schemes among the data spaces, in the columns of sys.data_spaces.
pub(super) fn schemes(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysclsobjs")?
        .iter()
        .filter(|r| r.int("class") == DATA_SPACE && r.text("type").trim() == SCHEME_TYPE)
        .map(|r| row![r.text("name"), r.int("id"), SCHEME_TYPE, "PARTITION_SCHEME", false, false])
        .collect())
}

/// The data space of each heap and index: its scheme, or the filegroup of its rows.
pub(super) fn data_spaces(c: &ViewContext<'_>) -> SqlResult<HashMap<(i32, i32), i32>> {
    let mut owners: HashMap<i64, (i32, i32)> = HashMap::new();
    for r in c.source.base_rows("sysrowsets")?.iter() {
        owners.insert(r.integer("rowsetid"), (r.int("idmajor"), r.int("idminor")));
    }
    let mut out = HashMap::new();
    for r in c.source.base_rows("sysallocunits")?.iter().filter(|r| r.int("type") == 1) {
        if let Some(owner) = owners.get(&r.integer("ownerid")) {
            out.insert(*owner, r.int("fgid").max(1));
        }
    }
    out.extend(references(c, INDEX_SPACE).into_iter().map(|(object, index, space)| ((object, index), space)));
    Ok(out)
}
