//! What a catalogue shows of the server's own beside what it stores: system views and procedures where the database does not list
//! them (before 2012, and system databases without files), and the computed tables of master and msdb.
//!
//! Invariants
//! 1. A procedure is shown only if a call finds it; its id is SQL Server's own.
//! 2. A computed table has the same id as long as no stored object has it; a stored one of its name hides it.

use std::collections::HashSet;
use std::sync::OnceLock;

use holdfast_engine::instance::shipped;
use holdfast_types::{CollationId, DateTime, NameOrder};

use super::model::{ColumnRow, Object, SCHEMA_DBO, SCHEMA_INFORMATION_SCHEMA};
use super::{declared_columns, instance_tables, named};
use crate::procedure::system::is_there;

/// 2003-04-08, as every instance shows for its system databases.
const OF_INSTANCE: DateTime = DateTime { days: 37_717, ticks: 0 };

/// Adds them to the objects and columns of a database.
pub fn add(
    database: i32,
    names: NameOrder,
    collation: CollationId,
    objects: &mut Vec<Object>,
    columns: &mut Vec<ColumnRow>,
) {
    if !objects.iter().any(|o| o.system && o.is_procedure()) {
        objects.extend(listed().iter().cloned());
    }
    let mut ids: HashSet<i32> = objects.iter().map(|o| o.id).collect();
    for table in instance_tables::of(database) {
        let name = table.name.strip_prefix("dbo.").unwrap_or(table.name);
        if objects.iter().any(|o| o.schema_id == SCHEMA_DBO && names.same(&o.name, name)) {
            continue;
        }
        let mut id = first_id(name);
        while !ids.insert(id) {
            id = if id == i32::MAX { 1 << 30 } else { id + 1 };
        }
        let own = declared_columns(table, id, collation);
        objects.push(Object {
            id,
            name: name.into(),
            schema_id: SCHEMA_DBO,
            status: 1,
            kind: if instance_tables::is_view(name) { "V" } else { "U" }.into(),
            parent_id: 0,
            on_database: false,
            on_server: false,
            intprop: own.len() as i32,
            created: OF_INSTANCE,
            modified: OF_INSTANCE,
            system: true,
            computed: true,
        });
        columns.extend(own);
    }
}

/// From the name, in the upper half of what ids of objects may be.
fn first_id(name: &str) -> i32 {
    let hash = name.bytes().fold(0x811C_9DC5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    (1 << 30) | (hash & 0x3FFF_FFFF) as i32
}

/// Views and procedures that are here, with the ids that databases list them with.
fn listed() -> &'static [Object] {
    static LISTED: OnceLock<Vec<Object>> = OnceLock::new();
    LISTED.get_or_init(|| {
        let order = NameOrder::instance();
        let here = |o: &&shipped::Shipped| match o.kind.as_str() {
            "P" | "PC" | "X" => is_there(&o.name),
            "V" => {
                let information = o.schema_id == SCHEMA_INFORMATION_SCHEMA;
                named(order, if information { "INFORMATION_SCHEMA" } else { "sys" }, &o.name).is_some()
            }
            _ => false,
        };
        let object = |o: &shipped::Shipped| Object {
            id: o.id,
            name: o.name.as_str().into(),
            schema_id: o.schema_id,
            status: 1,
            kind: o.kind.as_str().into(),
            parent_id: 0,
            on_database: false,
            on_server: false,
            intprop: 0,
            created: o.created,
            modified: o.modified,
            system: true,
            computed: false,
        };
        shipped::objects().iter().filter(here).map(object).collect()
    })
}
