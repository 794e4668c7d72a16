//! XML schema collections and what is in them.
//!
//! Evidence: columns and letters from the documentation of the views; rows from docs/format/catalog.md, "XML schema collections".

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::database::xml_schema::{BASE, COLLECTION, NAMESPACE, PARENT};
use holdfast_types::{SqlResult, Value};

use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

const COMPONENT: &str = "xml_component_id int!, xml_collection_id int!, xml_namespace_id int!, is_qualified bit!, name nvarchar(4000), symbol_space char(1)!, symbol_space_desc desc, kind char(1)!, kind_desc desc, derivation char(1)!, derivation_desc desc, base_xml_component_id int, scoping_xml_component_id int";

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.xml_schema_collections",
        columns: "xml_collection_id int!, schema_id int!, principal_id int, name sysname!, create_date datetime!, modify_date datetime!",
        rows: collections,
    },
    SystemView {
        name: "sys.xml_schema_namespaces",
        columns: "xml_collection_id int!, name nvarchar(4000)!, xml_namespace_id int!",
        rows: namespaces,
    },
    SystemView { name: "sys.xml_schema_components", columns: COMPONENT, rows: components },
    SystemView {
        name: "sys.xml_schema_component_placements",
        columns: "xml_component_id int!, placement_id int!, placed_xml_component_id int!, is_default_fixed bit!, min_occurences int!, max_occurences int!, default_value nvarchar(4000)",
        rows: placements,
    },
    SystemView {
        name: "sys.xml_schema_facets",
        columns: "xml_component_id int!, facet_id int!, kind char(2)!, kind_desc desc, is_fixed bit!, value nvarchar(4000)",
        rows: facets,
    },
];

fn references(c: &ViewContext<'_>, class: i32) -> HashMap<(i32, i32), i32> {
    let of = c.model.references.iter().filter(|r| r.class == class);
    of.map(|r| ((r.dependent, r.dependent_sub), r.independent)).collect()
}

fn collections(c: &ViewContext<'_>) -> Rows {
    let rows = c.source.base_rows("sysnsobjs")?;
    let of = rows.iter().filter(|r| r.int("class") == COLLECTION);
    Ok(of
        .map(|r| {
            let (created, modified) = (r.value("created").clone(), r.value("modified").clone());
            row![r.int("id"), r.int("nsid"), Value::Null, r.text("name"), created, modified]
        })
        .collect())
}

fn names(c: &ViewContext<'_>) -> SqlResult<HashMap<i32, Arc<str>>> {
    Ok(c.source.base_rows("sysqnames")?.iter().map(|r| (r.int("nid"), r.text("name"))).collect())
}

fn namespaces(c: &ViewContext<'_>) -> Rows {
    let names = names(c)?;
    let mut all: Vec<((i32, i32), i32)> = references(c, NAMESPACE).into_iter().collect();
    all.sort_unstable();
    Ok(all
        .into_iter()
        .filter_map(|((collection, ordinal), name)| {
            Some(row![collection, names.get(&name)?.clone(), ordinal])
        })
        .collect())
}

/// What a letter of `symbol_space` stands for.
fn space(letter: &str) -> &'static str {
    match letter {
        "E" => "ELEMENT",
        "T" => "TYPE",
        "M" => "MODEL_GROUP",
        "A" => "ATTRIBUTE",
        _ => "NONE",
    }
}

/// What a letter of `kind` stands for.
fn kind(letter: &str) -> &'static str {
    match letter {
        "N" => "ANY_TYPE",
        "Z" => "ANY_SIMPLE_TYPE",
        "P" => "PRIMITIVE_TYPE",
        "S" => "SIMPLE_TYPE",
        "L" => "LIST_TYPE",
        "U" => "UNION_TYPE",
        "C" => "COMPLEX_SIMPLE_TYPE",
        "K" => "COMPLEX_TYPE",
        "E" => "ELEMENT",
        "M" => "MODEL_GROUP",
        "W" => "ELEMENT_WILDCARD",
        "A" => "ATTRIBUTE",
        "G" => "ATTRIBUTE_GROUP",
        _ => "ATTRIBUTE_WILDCARD",
    }
}

fn components(c: &ViewContext<'_>) -> Rows {
    let names = names(c)?;
    let (bases, parents) = (references(c, BASE), references(c, PARENT));
    let rows = c.source.base_rows("sysxmlcomponent")?;
    Ok(rows
        .iter()
        .map(|r| {
            let id = r.int("id");
            let (symbol, is) = (r.text("symspace"), r.text("kind"));
            let derivation = r.text("deriv");
            let derived = match &*derivation {
                "X" => "EXTENSION",
                "R" => "RESTRICTION",
                "S" => "SUBSTITUTION",
                _ => "NONE",
            };
            let (space, kind) = (space(&symbol), kind(&is));
            row![
                id,
                r.int("xsdid"),
                r.int("uriord"),
                r.int("qual") != 0,
                names.get(&r.int("nameid")).cloned(),
                symbol.to_owned(),
                space,
                is.to_owned(),
                kind,
                derivation.to_owned(),
                derived,
                bases.get(&(id, 0)).copied(),
                parents.get(&(id, 0)).copied()
            ]
        })
        .collect())
}

fn placements(c: &ViewContext<'_>) -> Rows {
    let rows = c.source.base_rows("sysxmlplacement")?;
    Ok(rows
        .iter()
        .map(|r| {
            row![
                r.int("placingid"),
                r.int("ordinal"),
                r.int("placedid"),
                r.int("status") & 1 != 0,
                r.int("minoccur"),
                r.int("maxoccur"),
                r.value("defval").clone()
            ]
        })
        .collect())
}

fn facets(c: &ViewContext<'_>) -> Rows {
    let rows = c.source.base_rows("sysxmlfacet")?;
    Ok(rows
        .iter()
        .map(|r| {
            let kind = r.text("kind");
            let told = match &*kind {
                "LG" => "LENGTH",
                "LN" => "MINIMUM_LENGTH",
                "LX" => "MAXIMUM_LENGTH",
                "PT" => "PATTERN",
                "EU" => "ENUMERATION",
                "IN" => "MINIMUM_INCLUSIVE_VALUE",
                "IX" => "MAXIMUM_INCLUSIVE_VALUE",
                "EN" => "MINIMUM_EXCLUSIVE_VALUE",
                "EX" => "MAXIMUM_EXCLUSIVE_VALUE",
                "DT" => "TOTAL_DIGITS",
                "DF" => "FRACTION_DIGITS",
                _ => "WHITESPACE_NORMALIZATION",
            };
            let value = r.value("dflt").clone();
            row![r.int("compid"), r.int("ord"), kind.to_owned(), told, r.int("status") & 1 != 0, value]
        })
        .collect())
}
