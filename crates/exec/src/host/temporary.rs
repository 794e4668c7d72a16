//! Temporary tables of all sessions: whose they are, and how tempdb's catalog shows them.
//!
//! Invariants
//! 1. A name that begins with one `#` is its session's; with two it is everybody's, until the session that made it ends.
//! 2. Whatever is entered or goes moves `generation`, so that tempdb's catalog is read again.
//! 3. tempdb shows a local table under its name filled up with underscores and a number; OBJECT_ID finds it by its own name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_engine::catalog::IndexKind;
use holdfast_engine::ddl::layout::precision;
use holdfast_types::storage_form::encode_value;
use holdfast_types::{DateTime, SqlType, TypeId, Value, Variant};
use parking_lot::Mutex;

use crate::procedure::memory_table::{MemoryTable, next_object_id};
use crate::system_view::BaseRows;

/// Database id of tempdb.
pub const TEMPDB: i32 = 2;

/// Bits of catalogue rows (docs/format/catalog.md).
mod bit {
    pub const NOT_NULL: i32 = 1;
    pub const IDENTITY: i32 = 4;
    pub const ROW_GUID: i32 = 8;
    pub const COMPUTED: i32 = 0x10;
    pub const INDEX: i32 = 1;
    pub const UNIQUE: i32 = 8;
    pub const PRIMARY_KEY: i32 = 0x20;
    pub const UNIQUE_CONSTRAINT: i32 = 0x40;
    pub const DESCENDING: i32 = 4;
    /// The name was made up by the server.
    pub const SYSTEM_NAMED: i32 = 2;
}

/// A constraint or default of a table, as an object of its own.
struct Child {
    id: i32,
    name: Arc<str>,
    kind: &'static str,
    /// Column it belongs to; 0 for the table.
    column: i32,
    text: Option<Arc<str>>,
}

struct Entry {
    shown: Arc<str>,
    created: DateTime,
    table: MemoryTable,
    children: Vec<Child>,
}

#[derive(Default)]
struct Inner {
    /// By object id.
    entries: BTreeMap<i32, Entry>,
    /// Global tables by lower-case name, with the session that made them.
    global: HashMap<String, (u16, MemoryTable)>,
}

/// The temporary tables of an instance.
#[derive(Default)]
pub struct TemporaryTables {
    inner: Mutex<Inner>,
    generation: AtomicU64,
    numbers: AtomicU64,
}

impl TemporaryTables {
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn enter(&self, inner: &mut Inner, table: &MemoryTable, now: DateTime) {
        table.set_named(true);
        let d = &table.definition;
        let shown: Arc<str> = if d.name.starts_with("##") {
            d.name.clone()
        } else {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
            format!("{:_<116}{number:012X}", d.name).into()
        };
        let mut children = Vec::new();
        let mut child = |name: Arc<str>, kind, column, text| {
            children.push(Child { id: next_object_id(), name, kind, column, text });
        };
        for i in d.indexes.iter().filter(|i| i.primary_key || i.unique_constraint) {
            let name = i.name.clone().unwrap_or_else(|| "".into());
            child(name, if i.primary_key { "PK" } else { "UQ" }, 0, None);
        }
        for c in &table.rules.checks {
            child(c.name.clone(), "C ", c.column_id, Some(c.text.clone()));
        }
        for c in d.columns.iter().filter(|c| c.default.is_some()) {
            let named = table.default_names.iter().find(|n| n.0 == c.column_id);
            child(named.map_or_else(|| "".into(), |n| n.1.clone()), "D ", c.column_id, c.default.clone());
        }
        inner.entries.insert(d.object_id, Entry { shown, created: now, table: table.clone(), children });
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn leave(&self, inner: &mut Inner, table: &MemoryTable) {
        table.set_named(false);
        inner.entries.remove(&table.definition.object_id);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// The rows that temporary tables add to a base table of tempdb.
    pub fn base_rows(&self, table: &str) -> Option<BaseRows> {
        let (columns, one): (&[&str], fn(&Entry, &mut Vec<Vec<Value>>)) = match table {
            "sysschobjs" => {
                (&["id", "name", "nsid", "type", "pid", "status", "intprop", "created", "modified"], objects)
            }
            "syscolpars" => (
                &[
                    "id",
                    "number",
                    "colid",
                    "name",
                    "xtype",
                    "utype",
                    "length",
                    "prec",
                    "scale",
                    "collationid",
                    "status",
                    "dflt",
                    "idtval",
                ],
                columns_of,
            ),
            "sysidxstats" => (&["id", "indid", "name", "status", "fillfact", "type", "rowset"], indexes_of),
            "sysiscols" => (
                &["idmajor", "idminor", "subid", "status", "intprop", "tinyprop1", "tinyprop2"],
                index_columns_of,
            ),
            "sysobjvalues" => (&["valclass", "objid", "subobjid", "value", "imageval"], texts_of),
            "sysrowsets" => {
                (&["rowsetid", "ownertype", "idmajor", "idminor", "numpart", "status", "rcrows"], rowsets_of)
            }
            _ => return None,
        };
        let mut rows = Vec::new();
        for e in self.inner.lock().entries.values() {
            one(e, &mut rows);
        }
        Some(BaseRows::new(columns, rows))
    }
}

fn int(n: usize) -> Value {
    Value::Int(i32::try_from(n).unwrap_or(i32::MAX))
}

fn objects(e: &Entry, out: &mut Vec<Vec<Value>>) {
    let d = &e.table.definition;
    let mut row = |id, name: &str, kind: &str, parent, status, intprop| {
        out.push(vec![
            Value::Int(id),
            Value::string(name),
            Value::Int(1),
            Value::string(kind),
            Value::Int(parent),
            Value::Int(status),
            Value::Int(intprop),
            Value::DateTime(e.created),
            Value::DateTime(e.created),
        ]);
    };
    let last = d.columns.iter().map(|c| c.column_id).max().unwrap_or(0);
    row(d.object_id, &e.shown, "U ", 0, 0, last);
    for c in &e.children {
        row(c.id, &c.name, c.kind, d.object_id, bit::SYSTEM_NAMED, c.column);
    }
}

fn user_type(ty: &SqlType) -> i32 {
    match ty.id {
        TypeId::HierarchyId => 128,
        TypeId::Geometry => 129,
        TypeId::Geography => 130,
        id => i32::from(id.xtype()),
    }
}

fn columns_of(e: &Entry, out: &mut Vec<Vec<Value>>) {
    let d = &e.table.definition;
    for c in &d.columns {
        let mut status = 0;
        for (is, b) in [
            (!c.nullable, bit::NOT_NULL),
            (c.identity.is_some(), bit::IDENTITY),
            (c.is_row_guid, bit::ROW_GUID),
            (c.computed.is_some(), bit::COMPUTED),
        ] {
            status |= if is { b } else { 0 };
        }
        let default =
            e.children.iter().find(|x| x.kind == "D " && x.column == c.column_id).map_or(0, |x| x.id);
        let (precision, scale) = precision(&c.ty);
        let collation = if c.ty.id.is_character() { c.ty.collation.0 as i32 } else { 0 };
        out.push(vec![
            Value::Int(d.object_id),
            Value::SmallInt(0),
            Value::Int(c.column_id),
            Value::string(&c.name),
            Value::TinyInt(c.ty.id.xtype()),
            Value::Int(user_type(&c.ty)),
            Value::Int(c.ty.length),
            Value::TinyInt(precision),
            Value::TinyInt(scale),
            Value::Int(collation),
            Value::Int(status),
            Value::Int(default),
            identity_image(e, c).unwrap_or(Value::Null),
        ]);
    }
}

/// Last value, increment, seed and the flag of an identity column that has given none.
fn identity_image(e: &Entry, c: &holdfast_engine::catalog::ColumnDef) -> Option<Value> {
    let i = c.identity.as_ref()?;
    let stored = |v: &Value| {
        let n = crate::procedure::identity::whole(v)?;
        encode_value(&c.ty, &crate::procedure::identity::value_of(n, &c.ty).ok()?).ok()
    };
    let last = e.table.rows.last_identity();
    let mut image = stored(if last.is_null() { &i.seed } else { &last })?;
    image.extend(stored(&i.increment)?);
    image.extend(stored(&i.seed)?);
    image.push(u8::from(last.is_null()));
    Some(Value::binary(&image))
}

fn indexes_of(e: &Entry, out: &mut Vec<Vec<Value>>) {
    let d = &e.table.definition;
    for i in &d.indexes {
        let mut status = bit::INDEX;
        for (is, b) in [
            (i.unique, bit::UNIQUE),
            (i.primary_key, bit::PRIMARY_KEY),
            (i.unique_constraint, bit::UNIQUE_CONSTRAINT),
        ] {
            status |= if is { b } else { 0 };
        }
        let kind = match i.kind {
            IndexKind::Heap => 0,
            IndexKind::Clustered => 1,
            _ => 2,
        };
        out.push(vec![
            Value::Int(d.object_id),
            Value::Int(i.index_id),
            i.name.as_ref().map_or(Value::Null, |n| Value::string(n)),
            Value::Int(status),
            Value::TinyInt(0),
            Value::TinyInt(kind),
            Value::BigInt(rowset(d.object_id, i.index_id)),
        ]);
    }
}

/// A rowset id of its own for every index.
fn rowset(object: i32, index: i32) -> i64 {
    (i64::from(object.unsigned_abs()) << 16) | i64::from(index)
}

fn index_columns_of(e: &Entry, out: &mut Vec<Vec<Value>>) {
    let d = &e.table.definition;
    for i in d.indexes.iter().filter(|i| i.kind != IndexKind::Heap) {
        for (n, k) in i.keys.iter().enumerate() {
            let Some(c) = d.columns.get(k.ordinal) else { continue };
            out.push(vec![
                Value::Int(d.object_id),
                Value::Int(i.index_id),
                int(n + 1),
                Value::Int(if k.descending { bit::DESCENDING } else { 0 }),
                Value::Int(c.column_id),
                Value::TinyInt(u8::try_from(n + 1).unwrap_or(u8::MAX)),
                Value::TinyInt(0),
            ]);
        }
    }
}

fn texts_of(e: &Entry, out: &mut Vec<Vec<Value>>) {
    let form = || Value::Variant(Arc::new(Variant { ty: SqlType::INT, value: Value::Int(1) }));
    let mut text = |class: u8, object: i32, sub: i32, text: &str| {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        out.push(vec![
            Value::TinyInt(class),
            Value::Int(object),
            Value::Int(sub),
            form(),
            Value::binary(&bytes),
        ]);
    };
    for c in &e.children {
        if let Some(t) = &c.text {
            // With parentheses, as the catalogue keeps defaults and checks.
            text(1, c.id, 0, &format!("({t})"));
        }
    }
    for c in &e.table.definition.columns {
        if let Some(t) = &c.computed {
            text(2, e.table.definition.object_id, c.column_id, t);
        }
    }
}

fn rowsets_of(e: &Entry, out: &mut Vec<Vec<Value>>) {
    let d = &e.table.definition;
    let rows = i64::try_from(e.table.rows.len()).unwrap_or(i64::MAX);
    for i in &d.indexes {
        out.push(vec![
            Value::BigInt(rowset(d.object_id, i.index_id)),
            Value::TinyInt(1),
            Value::Int(d.object_id),
            Value::Int(i.index_id),
            Value::Int(1),
            Value::Int(0),
            Value::BigInt(rows),
        ]);
    }
}

/// The temporary tables that one session can name.
pub struct SessionTables {
    all: Arc<TemporaryTables>,
    session: u16,
    clock: Arc<dyn holdfast_base::world::Clock>,
    local: Mutex<HashMap<String, MemoryTable>>,
}

impl SessionTables {
    pub fn new(
        all: Arc<TemporaryTables>,
        session: u16,
        clock: Arc<dyn holdfast_base::world::Clock>,
    ) -> Arc<Self> {
        Arc::new(SessionTables { all, session, clock, local: Mutex::default() })
    }

    /// By lower-case name.
    pub fn get(&self, name: &str) -> Option<MemoryTable> {
        if name.starts_with("##") {
            return self.all.inner.lock().global.get(name).map(|g| g.1.clone());
        }
        self.local.lock().get(name).cloned()
    }

    /// Enters a table, in place of one of the same name.
    pub fn insert(&self, name: String, table: MemoryTable) {
        let mut local = self.local.lock();
        let mut inner = self.all.inner.lock();
        let old = if name.starts_with("##") {
            let owner = inner.global.get(&name).map_or(self.session, |g| g.0);
            inner.global.insert(name, (owner, table.clone())).map(|g| g.1)
        } else {
            local.insert(name, table.clone())
        };
        if let Some(old) = old {
            self.all.leave(&mut inner, &old);
        }
        let now = super::local_datetime(&*self.clock);
        self.all.enter(&mut inner, &table, now);
    }

    pub fn remove(&self, name: &str) -> Option<MemoryTable> {
        let mut local = self.local.lock();
        let mut inner = self.all.inner.lock();
        let old =
            if name.starts_with("##") { inner.global.remove(name).map(|g| g.1) } else { local.remove(name) }?;
        self.all.leave(&mut inner, &old);
        Some(old)
    }

    /// All that the session can name.
    pub fn all(&self) -> Vec<(String, MemoryTable)> {
        let mut out: Vec<_> = self.local.lock().iter().map(|(k, t)| (k.clone(), t.clone())).collect();
        out.extend(self.all.inner.lock().global.iter().map(|(k, g)| (k.clone(), g.1.clone())));
        out
    }

    pub fn is_empty(&self) -> bool {
        self.local.lock().is_empty() && self.all.inner.lock().global.is_empty()
    }

    /// Whether one of them has the object id.
    pub fn has_id(&self, id: i32) -> bool {
        self.local.lock().values().any(|t| t.definition.object_id == id)
            || self.all.inner.lock().global.values().any(|g| g.1.definition.object_id == id)
    }

    /// The session ends or starts anew: what it made goes.
    pub fn clear(&self) {
        let mut local = self.local.lock();
        let mut inner = self.all.inner.lock();
        let mut gone: Vec<MemoryTable> = local.drain().map(|(_, t)| t).collect();
        inner.global.retain(|_, (owner, table)| {
            let mine = *owner == self.session;
            if mine {
                gone.push(table.clone());
            }
            !mine
        });
        for table in &gone {
            self.all.leave(&mut inner, table);
        }
    }
}

impl Drop for SessionTables {
    fn drop(&mut self) {
        self.clear();
    }
}
