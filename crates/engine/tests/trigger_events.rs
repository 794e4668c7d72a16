//! What the catalog of genuine databases says triggers are for, against the triggers' texts.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_engine::DatabaseCatalog;
use holdfast_engine::ddl::module::trigger_event;
use holdfast_types::Value;

/// Events of a trigger's header: the words between FOR or AFTER and AS, behind the last comment.
fn named(text: &str) -> BTreeSet<i32> {
    let upper = text.to_uppercase();
    let header = &upper[upper.rfind("CREATE TRIGGER").unwrap()..];
    let words = header.split(|c: char| !c.is_alphanumeric());
    let events = words.skip_while(|w| !matches!(*w, "FOR" | "AFTER")).take_while(|w| *w != "AS");
    let number = |w: &str| match w {
        "INSERT" => Some(1),
        "UPDATE" => Some(2),
        "DELETE" => Some(3),
        _ => None,
    };
    events.filter_map(number).collect()
}

#[test]
fn rows_of_class_70_are_the_events_that_triggers_are_for() {
    let (mut seen, mut with_files) = (0, 0);
    for (name, pages) in common::all_databases() {
        let Ok(catalog) = DatabaseCatalog::open(5, None, Arc::new(pages)) else { continue };
        with_files += 1;
        let (columns, rows) = catalog.base_values("sysobjvalues").unwrap();
        let at = |n: &str| columns.iter().position(|c| c == n).unwrap();
        let int = |row: &[Value], n: &str| match row[at(n)] {
            Value::TinyInt(v) => i64::from(v),
            Value::Int(v) => i64::from(v),
            _ => panic!("{n}"),
        };
        for object in catalog.objects().into_iter().filter(|o| &*o.kind == "TR") {
            let Some(text) = catalog.module_text(object).unwrap() else { continue };
            let mine = rows.iter().filter(|r| {
                int(r, "valclass") == trigger_event::CLASS && int(r, "objid") == i64::from(object.id)
            });
            let mut found = BTreeSet::new();
            for r in mine {
                // Triggers that 2005 made have 0.
                let number = int(r, "valnum");
                assert!(number == 0 || number == trigger_event::VALUE_NUMBER, "{name}: {}", object.name);
                assert!(
                    matches!(&r[at("value")], Value::Variant(v) if v.value == Value::Int(0)),
                    "{name}: {}",
                    object.name
                );
                found.insert(int(r, "subobjid") as i32);
            }
            assert_eq!(found, named(&text.text), "{name}: {}", object.name);
            seen += 1;
        }
    }
    assert!(with_files == 0 || seen > 5, "{seen} triggers in {with_files} databases");
}
