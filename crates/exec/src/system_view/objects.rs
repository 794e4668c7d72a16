//! Objects: sys.objects and the views that are slices of it, modules, triggers, synonyms, sequences.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::ddl::object::{CLASS_OF_SERVER, Escalation};
use holdfast_types::{SqlResult, SqlType, Value};

use super::model::{CatalogModel, Object, SCHEMA_INFORMATION_SCHEMA, SCHEMA_SYS};
use super::table::variant;
use super::{SystemView, ViewContext, all, object_id, row};
use crate::ddl::event;
use crate::procedure::impersonation::EXECUTES_AS;

type Rows = SqlResult<Vec<Vec<Value>>>;

/// Data spaces from here on are partition schemes, those below filegroups.
const FIRST_SCHEME: i32 = 65_601;

/// The columns every slice of sys.objects starts with.
macro_rules! object_columns {
    ($rest:literal) => {
        concat!(
            "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type code(2), ",
            "type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_published bit!, ",
            "is_schema_published bit!",
            $rest
        )
    };
}

pub const VIEWS: &[SystemView] = &[
    SystemView { name: "sys.objects", columns: object_columns!(""), rows: objects },
    SystemView { name: "sys.all_objects", columns: object_columns!(""), rows: all_objects },
    SystemView { name: "sys.system_objects", columns: object_columns!(""), rows: system_objects },
    SystemView {
        name: "sys.tables",
        columns: object_columns!(
            ", lob_data_space_id int!, filestream_data_space_id int, max_column_id_used int!, lock_on_bulk_load bit!, uses_ansi_nulls bit, is_replicated bit, has_replication_filter bit, is_merge_published bit, is_sync_tran_subscribed bit, has_unchecked_assembly_data bit!, text_in_row_limit int, large_value_types_out_of_row bit, is_tracked_by_cdc bit, lock_escalation tinyint, lock_escalation_desc desc, is_filetable bit, is_memory_optimized bit, durability tinyint, durability_desc desc, temporal_type tinyint, temporal_type_desc desc, history_table_id int, is_remote_data_archive_enabled bit, is_external bit!, history_retention_period int, history_retention_period_unit int, history_retention_period_unit_desc nvarchar(10), is_node bit, is_edge bit, data_retention_period int, data_retention_period_unit int, data_retention_period_unit_desc nvarchar(10), ledger_type tinyint, ledger_type_desc desc, ledger_view_id int, is_dropped_ledger_table bit"
        ),
        rows: tables,
    },
    SystemView {
        name: "sys.periods",
        columns: "name sysname, period_type tinyint, period_type_desc desc, object_id int!, start_column_id int, end_column_id int",
        rows: |c| {
            let period = |p: &(i32, i32, i32)| row!["SYSTEM_TIME", 1, "SYSTEM_TIME_PERIOD", p.0, p.1, p.2];
            Ok(c.model.periods.iter().map(period).collect())
        },
    },
    SystemView {
        name: "sys.views",
        columns: object_columns!(
            ", is_replicated bit, has_replication_filter bit, has_opaque_metadata bit!, has_unchecked_assembly_data bit!, with_check_option bit!, is_date_correlation_view bit!, is_tracked_by_cdc bit, has_snapshot bit, ledger_view_type tinyint, ledger_view_type_desc desc, is_dropped_ledger_view bit"
        ),
        rows: |c| views(c, false),
    },
    SystemView {
        name: "sys.all_views",
        columns: object_columns!(
            ", is_replicated bit, has_replication_filter bit, has_opaque_metadata bit!, has_unchecked_assembly_data bit!, with_check_option bit!, is_date_correlation_view bit!, is_tracked_by_cdc bit, has_snapshot bit, ledger_view_type tinyint, ledger_view_type_desc desc, is_dropped_ledger_view bit"
        ),
        rows: |c| views(c, true),
    },
    SystemView {
        name: "sys.system_views",
        columns: object_columns!(
            ", is_replicated bit, has_replication_filter bit, has_opaque_metadata bit!, has_unchecked_assembly_data bit!, with_check_option bit!, is_date_correlation_view bit!, is_tracked_by_cdc bit, has_snapshot bit, ledger_view_type tinyint, ledger_view_type_desc desc, is_dropped_ledger_view bit"
        ),
        rows: |c| Ok(system_view_objects(c).iter().map(view_row).collect()),
    },
    SystemView {
        name: "sys.procedures",
        columns: object_columns!(
            ", is_auto_executed bit!, is_execution_replicated bit, is_repl_serializable_only bit, skips_repl_constraints bit"
        ),
        rows: |c| {
            Ok(c.model
                .of_kind(&["P", "PC", "X"])
                .map(|o| {
                    let starts = o.status & crate::procedure::startup::STARTUP as i32 != 0;
                    extend(object_row(o), row![starts, false, false, false])
                })
                .collect())
        },
    },
    SystemView {
        name: "sys.triggers",
        columns: "name sysname!, object_id int!, parent_class tinyint!, parent_class_desc desc, parent_id int!, type code(2)!, type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_disabled bit!, is_not_for_replication bit!, is_instead_of_trigger bit!",
        rows: triggers,
    },
    SystemView {
        name: "sys.trigger_events",
        columns: "object_id int!, type int!, type_desc desc, is_first bit, is_last bit, event_group_type int, event_group_type_desc desc, is_trigger_event bit",
        rows: trigger_events,
    },
    SystemView {
        name: "sys.events",
        columns: "object_id int!, type int!, type_desc desc, is_trigger_event bit, event_group_type int, event_group_type_desc desc",
        rows: |c| {
            let of_event = |e: TriggerEvent| {
                row![
                    e.trigger,
                    e.event,
                    event::name_of(e.event),
                    true,
                    e.group,
                    e.group.and_then(event::name_of)
                ]
            };
            Ok(events(&c.model, false).map(of_event).collect())
        },
    },
    SystemView {
        name: "sys.trigger_event_types",
        columns: "type int!, type_name desc, parent_type int",
        rows: |_| {
            let listed = event::EVENTS.iter().filter(|e| e.0 > 3);
            Ok(listed.map(|e| row![e.0, e.1, (e.2 != 0).then_some(e.2)]).collect())
        },
    },
    SystemView {
        name: "sys.server_triggers",
        columns: "name sysname!, object_id int!, parent_class tinyint!, parent_class_desc desc, parent_id int!, type code(2)!, type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_disabled bit!",
        rows: server_triggers,
    },
    SystemView {
        name: "sys.server_trigger_events",
        columns: "object_id int!, type int!, type_desc nvarchar(60)!, is_trigger_event bit, is_first bit, is_last bit, event_group_type int, event_group_type_desc desc",
        rows: server_trigger_events,
    },
    SystemView {
        name: "sys.server_sql_modules",
        columns: "object_id int!, definition nvarchar(max), uses_ansi_nulls bit, uses_quoted_identifier bit, execute_as_principal_id int",
        rows: server_modules,
    },
    SystemView {
        name: "sys.sql_modules",
        columns: "object_id int!, definition nvarchar(max), uses_ansi_nulls bit, uses_quoted_identifier bit, is_schema_bound bit, uses_database_collation bit, is_recompiled bit, null_on_null_input bit, execute_as_principal_id int, uses_native_compilation bit, inline_type bit, is_inlineable bit",
        rows: modules,
    },
    SystemView {
        name: "sys.all_sql_modules",
        columns: "object_id int!, definition nvarchar(max), uses_ansi_nulls bit, uses_quoted_identifier bit, is_schema_bound bit, uses_database_collation bit, is_recompiled bit, null_on_null_input bit, execute_as_principal_id int, uses_native_compilation bit, inline_type bit, is_inlineable bit",
        rows: modules,
    },
    SystemView {
        name: "sys.synonyms",
        columns: object_columns!(", base_object_name nvarchar(1035)"),
        rows: |c| {
            Ok(c.model
                .of_kind(&["SN"])
                .map(|o| extend(object_row(o), row![c.model.synonym_target(o.id)]))
                .collect())
        },
    },
    SystemView {
        name: "sys.sequences",
        columns: object_columns!(
            ", start_value sql_variant!, increment sql_variant!, minimum_value sql_variant!, maximum_value sql_variant!, is_cycling bit, is_cached bit, cache_size int, system_type_id tinyint!, user_type_id int!, precision tinyint!, scale tinyint, current_value sql_variant!, is_exhausted bit!, last_used_value sql_variant"
        ),
        rows: sequences,
    },
    SystemView {
        name: "sys.internal_tables",
        columns: object_columns!(
            ", internal_type tinyint, internal_type_desc desc, parent_id int!, parent_minor_id int!, lob_data_space_id int!, filestream_data_space_id int"
        ),
        rows: |c| {
            Ok(c.model
                .objects
                .iter()
                .filter(|o| &*o.kind == "IT")
                .map(|o| extend(object_row(o), row![201u8, "QUEUE_MESSAGES", o.parent_id, 0, 0, Value::Null]))
                .collect())
        },
    },
    SystemView {
        name: "sys.extended_properties",
        columns: "class tinyint!, class_desc desc, major_id int!, minor_id int!, name sysname!, value sql_variant",
        rows: extended_properties,
    },
];

/// Appends the columns particular to a view.
pub(super) fn extend(mut base: Vec<Value>, rest: Vec<Value>) -> Vec<Value> {
    base.extend(rest);
    base
}

/// The twelve columns of sys.objects.
pub(super) fn object_row(o: &Object) -> Vec<Value> {
    row![
        &o.name,
        o.id,
        Value::Null,
        o.schema_id,
        o.parent_id,
        &*o.kind,
        o.type_desc(),
        o.created,
        o.modified,
        o.system || o.status_bit(1),
        false,
        false
    ]
}

fn objects(c: &ViewContext<'_>) -> Rows {
    let shown = |o: &&Object| o.has_schema() && (o.is_listed() || matches!(&*o.kind, "S" | "IT" | "SQ"));
    let listed = c.model.objects.iter().filter(shown);
    Ok(listed.map(object_row).collect())
}

/// Every object of the database, then the system views it does not list itself (before 2012 the names are not stored).
fn all_objects(c: &ViewContext<'_>) -> Rows {
    let mut rows: Vec<_> = c.model.objects.iter().filter(|o| o.has_schema()).map(object_row).collect();
    rows.extend(unlisted_views(c).iter().map(object_row));
    Ok(rows)
}

fn system_objects(c: &ViewContext<'_>) -> Rows {
    let mut rows: Vec<_> = c.model.objects.iter().filter(|o| !o.is_listed()).map(object_row).collect();
    rows.extend(unlisted_views(c).iter().map(object_row));
    Ok(rows)
}

/// System views of Holdfast that sysschobjs does not name.
fn unlisted_views(c: &ViewContext<'_>) -> Vec<Object> {
    all().filter_map(|v| as_object(&c.model, v, false)).collect()
}

/// All system views as objects.
fn system_view_objects(c: &ViewContext<'_>) -> Vec<Object> {
    all().filter_map(|v| as_object(&c.model, v, true)).collect()
}

fn as_object(model: &CatalogModel, view: &SystemView, listed_too: bool) -> Option<Object> {
    let (schema, name) = view.name.split_once('.')?;
    let schema_id = if schema == "sys" { SCHEMA_SYS } else { SCHEMA_INFORMATION_SCHEMA };
    match model.system_object(schema_id, name) {
        Some(o) if listed_too => Some(o.clone()),
        Some(_) => None,
        None => Some(Object {
            id: object_id(model, view.name),
            name: name.into(),
            schema_id,
            status: 1,
            kind: "V".into(),
            parent_id: 0,
            on_database: false,
            on_server: false,
            intprop: 0,
            created: Default::default(),
            modified: Default::default(),
            system: true,
            computed: false,
        }),
    }
}

/// Where large values of heaps and clustered indexes lie, by table: the filegroup of their allocation units, which every version has.
fn large_value_spaces(c: &ViewContext<'_>) -> SqlResult<HashMap<i32, i32>> {
    const LARGE: i32 = 2;
    let units = c.source.base_rows("sysallocunits")?;
    let of_rowset: HashMap<i64, i32> = units
        .iter()
        .filter(|u| u.int("type") == LARGE)
        .map(|u| (u.integer("ownerid"), u.int("fgid")))
        .collect();
    let rowsets = c.source.base_rows("sysrowsets")?;
    Ok(rowsets
        .iter()
        .filter(|r| r.int("idminor") <= 1)
        .filter_map(|r| Some((r.int("idmajor"), *of_rowset.get(&r.integer("rowsetid"))?)))
        .collect())
}

fn tables(c: &ViewContext<'_>) -> Rows {
    let spaces = large_value_spaces(c)?;
    Ok(c.model
        .of_kind(&["U"])
        .map(|t| {
            // What is spread by a scheme has the scheme.
            let kept = c.model.references_of(8, t.id).next().map_or(0, |r| r.independent);
            let scheme = (kept >= FIRST_SCHEME).then_some(kept);
            let lob = scheme.or_else(|| spaces.get(&t.id).copied()).unwrap_or(kept);
            let escalation = Escalation::of(t.status.into()).unwrap_or(Escalation::Table);
            let (escalation, escalation_name) = (escalation as u8, escalation.name());
            let (temporal, history) = c.model.temporal_type(t.id);
            let descriptions = ["NON_TEMPORAL_TABLE", "HISTORY_TABLE", "SYSTEM_VERSIONED_TEMPORAL_TABLE"];
            // Old rows are kept for ever: no other period is taken.
            let infinite = history.map(|_| -1);
            let rest = row![
                lob,
                Value::Null,
                t.intprop,
                false,
                true,
                false,
                false,
                false,
                false,
                false,
                0,
                t.status_bit(0x0200_0000),
                t.status_bit(0x0100_0000),
                escalation,
                escalation_name,
                false,
                false,
                0,
                "SCHEMA_AND_DATA",
                temporal,
                descriptions[temporal as usize],
                history,
                false,
                false,
                infinite,
                infinite,
                history.map(|_| "INFINITE"),
                false,
                false,
                -1,
                Value::Null,
                Value::Null,
                0,
                "NON_LEDGER_TABLE",
                Value::Null,
                false
            ];
            extend(object_row(t), rest)
        })
        .collect())
}

fn view_row(o: &Object) -> Vec<Value> {
    let rest = row![
        false,
        false,
        false,
        false,
        o.status_bit(0x400),
        false,
        false,
        false,
        0,
        "NON_LEDGER_VIEW",
        false
    ];
    extend(object_row(o), rest)
}

fn views(c: &ViewContext<'_>, system_too: bool) -> Rows {
    let mut rows: Vec<_> = c.model.of_kind(&["V"]).map(view_row).collect();
    if system_too {
        rows.extend(system_view_objects(c).iter().map(view_row));
    }
    Ok(rows)
}

fn triggers(c: &ViewContext<'_>) -> Rows {
    Ok(c.model
        .of_kind(&["TR", "TA"])
        .filter(|t| !t.on_server)
        .map(|t| {
            let on_object = !t.on_database;
            let text = c.model.hidden_text(t.id).unwrap_or_else(|| Arc::from("")).to_uppercase();
            let instead =
                text.split_whitespace().collect::<Vec<_>>().windows(2).any(|w| w == ["INSTEAD", "OF"]);
            row![
                &t.name,
                t.id,
                i32::from(on_object),
                if on_object { "OBJECT_OR_COLUMN" } else { "DATABASE" },
                t.parent_id,
                &*t.kind,
                t.type_desc(),
                t.created,
                t.modified,
                false,
                t.status_bit(0x100),
                false,
                on_object && instead
            ]
        })
        .collect())
}

/// An event that a trigger is for.
struct TriggerEvent {
    trigger: i32,
    event: i32,
    /// The group that the trigger's text names, when the event came with one.
    group: Option<i32>,
    order: i32,
}

/// What the catalog says triggers are for; the groups are in their texts.
fn events(model: &CatalogModel, on_server: bool) -> impl Iterator<Item = TriggerEvent> + '_ {
    let of = move |t: i32| model.object(t).is_some_and(|o| o.on_server) == on_server;
    let listed = model.trigger_events.iter().filter(move |e| of(e.0));
    listed.map(|&(trigger, event, order)| {
        let has_schema = model.object(trigger).is_none_or(Object::has_schema);
        let text = if has_schema { None } else { model.hidden_text(trigger) };
        let upper = text.map(|t| t.to_uppercase()).unwrap_or_default();
        let part = |ch: char| !(ch.is_alphanumeric() || ch == '_');
        let mut named = upper.split(part).filter_map(event::number_of);
        let group = named.find(|g| *g > 10_000 && event::is_in(event, *g));
        TriggerEvent { trigger, event, group, order }
    })
}

/// master's catalog, for who may see what the server has.
fn of_server(c: &ViewContext<'_>) -> SqlResult<Option<Arc<CatalogModel>>> {
    let sees = c.reader.as_ref().is_none_or(|r| r.has_server("VWAD") || r.has_server("CL"));
    match c.source.master().filter(|_| sees) {
        Some(master) => master.model().map(Some),
        None => Ok(None),
    }
}

fn server_triggers(c: &ViewContext<'_>) -> Rows {
    let Some(model) = of_server(c)? else { return Ok(Vec::new()) };
    let of = model.objects.iter().filter(|o| o.on_server);
    let row = |t: &Object| {
        row![
            &t.name,
            t.id,
            CLASS_OF_SERVER as u8,
            "SERVER",
            0,
            &*t.kind,
            t.type_desc(),
            t.created,
            t.modified,
            false,
            t.status_bit(0x100)
        ]
    };
    Ok(of.map(row).collect())
}

fn server_trigger_events(c: &ViewContext<'_>) -> Rows {
    use holdfast_engine::ddl::module::trigger_event::{FIRST, LAST};
    let Some(model) = of_server(c)? else { return Ok(Vec::new()) };
    let row = |e: TriggerEvent| {
        row![
            e.trigger,
            e.event,
            event::name_of(e.event),
            true,
            e.order == FIRST,
            e.order == LAST,
            e.group,
            e.group.and_then(event::name_of)
        ]
    };
    Ok(events(&model, true).map(row).collect())
}

fn server_modules(c: &ViewContext<'_>) -> Rows {
    let Some(model) = of_server(c)? else { return Ok(Vec::new()) };
    let row = |o: &Object| {
        row![
            o.id,
            model.text(o.id),
            o.status_bit(0x40000),
            o.status_bit(0x80000),
            model.references_of(EXECUTES_AS, o.id).next().map(|r| r.independent)
        ]
    };
    Ok(model.objects.iter().filter(|o| o.on_server).map(row).collect())
}

fn trigger_events(c: &ViewContext<'_>) -> Rows {
    use holdfast_engine::ddl::module::trigger_event::{FIRST, LAST};
    let of_event = |e: TriggerEvent| {
        row![
            e.trigger,
            e.event,
            event::name_of(e.event),
            e.order == FIRST,
            e.order == LAST,
            e.group,
            e.group.and_then(event::name_of),
            true
        ]
    };
    Ok(events(&c.model, false).map(of_event).collect())
}

fn modules(c: &ViewContext<'_>) -> Rows {
    let with_text = c.model.user_objects().filter(|o| o.is_module() && !o.computed && !o.on_server);
    Ok(with_text
        .map(|o| {
            row![
                o.id,
                c.model.text(o.id),
                o.status_bit(0x40000),
                o.status_bit(0x80000),
                o.status_bit(0x20000),
                o.status_bit(0x100000),
                o.status_bit(0x400000),
                o.status_bit(0x200000),
                c.model.references_of(EXECUTES_AS, o.id).next().map(|r| r.independent),
                false,
                false,
                false
            ]
        })
        .collect())
}

/// Sequence state: sysobjvalues class 63 (docs/format/catalog.md).
pub(super) fn sequences(c: &ViewContext<'_>) -> Rows {
    let values = c.source.base_rows("sysobjvalues")?;
    let mut rows = Vec::new();
    for o in c.model.of_kind(&["SO"]) {
        let Some(state) = values.iter().find(|r| r.int("valclass") == 63 && r.int("objid") == o.id) else {
            continue;
        };
        let xtype = (state.int("valnum") & 0xff) as u8;
        let (precision, scale) = ((state.int("valnum") >> 8) & 0xff, (state.int("valnum") >> 16) & 0xff);
        let bytes: Vec<u8> = match state.value("value") {
            Value::Variant(v) => match &v.value {
                Value::Binary(b) => b.to_vec(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        let width = bytes.len().saturating_sub(1) / 5;
        let part = |i: usize| -> Value {
            let Some(b) = bytes.get(i * width..(i + 1) * width).filter(|b| (1..=8).contains(&b.len())) else {
                return Value::Null;
            };
            let mut raw = [0u8; 8];
            raw[..b.len()].copy_from_slice(b);
            let shift = 64 - 8 * b.len() as u32;
            let n = (i64::from_le_bytes(raw) << shift) >> shift;
            match xtype {
                48 => variant(Value::BigInt(n & 0xff), SqlType::TINYINT),
                52 => variant(Value::BigInt(n), SqlType::SMALLINT),
                56 => variant(Value::BigInt(n), SqlType::INT),
                _ => variant(Value::BigInt(n), SqlType::BIGINT),
            }
        };
        let number = |n: i128, xtype: u8| -> Value {
            match xtype {
                48 => variant(Value::TinyInt(n as u8), SqlType::TINYINT),
                52 => variant(Value::SmallInt(n as i16), SqlType::SMALLINT),
                56 => variant(Value::Int(n as i32), SqlType::INT),
                106 | 108 => variant(
                    Value::Decimal(holdfast_types::Decimal::new(n, 0)),
                    SqlType::decimal(precision as u8, 0),
                ),
                _ => variant(Value::BigInt(n as i64), SqlType::BIGINT),
            }
        };
        // What is in memory is ahead of the row.
        let live = c.source.sequence_state(o.id);
        let (current, exhausted, last) = match &live {
            Some((spec, last)) => {
                let now = last.unwrap_or(spec.first);
                let beyond = !(spec.min..=spec.max).contains(&(now + spec.increment));
                let used = last.map_or(Value::Null, |n| number(n, xtype));
                (number(now, xtype), last.is_some() && beyond && !spec.cycle, used)
            }
            None => (part(4), false, Value::Null),
        };
        let own = |i: usize, of: fn(&holdfast_engine::write::sequence::SequenceSpec) -> i128| match &live {
            Some((spec, _)) => number(of(spec), xtype),
            None => part(i),
        };
        let cached = o.status_bit(0x200);
        let rest = row![
            own(0, |s| s.start),
            own(1, |s| s.increment),
            own(2, |s| s.min),
            own(3, |s| s.max),
            o.status_bit(0x100),
            cached,
            if cached && o.intprop > 0 { Value::Int(o.intprop) } else { Value::Null },
            i32::from(xtype),
            i32::from(xtype),
            precision,
            scale,
            current,
            exhausted,
            last
        ];
        rows.push(extend(object_row(o), rest));
    }
    Ok(rows)
}

fn extended_properties(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysxprops")?
        .iter()
        .map(|r| {
            let class = r.int("class");
            let description = match class {
                0 => "DATABASE",
                1 => "OBJECT_OR_COLUMN",
                2 => "PARAMETER",
                3 => "SCHEMA",
                4 => "DATABASE_PRINCIPAL",
                5 => "ASSEMBLY",
                6 => "TYPE",
                7 => "INDEX",
                10 => "XML_SCHEMA_COLLECTION",
                15 => "MESSAGE_TYPE",
                20 => "DATASPACE",
                21 => "PARTITION_FUNCTION",
                22 => "DATABASE_FILE",
                _ => "OTHER",
            };
            row![class, description, r.int("id"), r.int("subid"), r.text("name"), r.value("value").clone()]
        })
        .collect())
}
