//! Tables held in memory: table variables, table-valued parameters, temporary tables, `inserted` and `deleted` of triggers.
//!
//! Invariants
//! 1. Every row has a value for every column, already converted to the column's type.
//! 2. A scan or seek sees the rows as they were when it was opened.
//! 3. A key of a unique index stands for one row; keys are normalised (see `operator::sort_key`), so their order is the index's.
//! 4. Changes of temporary tables are taken back with their transaction; those of table variables only with their statement.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Bound as TreeBound;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use holdfast_engine::access::{BOOKMARK, BatchSource, Bound, KeyRange, ReadContext, TableAccess};
use holdfast_engine::catalog::{ColumnDef, IndexDef, IndexKind, TableDef, TableRules};
use holdfast_engine::transaction::{Participant, Transaction};
use holdfast_engine::write::{NewRow, RowState, RowUpdate, TableWriter, WriteContext};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, Column, NameOrder, SqlError, SqlResult, SqlType, TypeId, Value};
use parking_lot::{Mutex, RwLock};

use super::identity::Counter;
use crate::operator::sort_key::{KeyPart, encode_rows};
use crate::system_view::model::TEMPORARY_ID;

/// Database id of tempdb, where such tables live.
const TEMPDB: i32 = 2;

/// Type of bookmarks.
const BOOKMARK_TYPE: SqlType = SqlType::binary(TypeId::VarBinary, 8000);

/// A row: its place, how often it was written, and for which filtered indexes it does not count.
struct Row {
    id: u64,
    version: u64,
    values: Vec<Value>,
    outside: Vec<i32>,
}

/// One index: normalised key (and place, where the index is not unique) to place.
struct Tree {
    index_id: i32,
    unique: bool,
    ignore_duplicates: bool,
    name: Arc<str>,
    constraint: Option<&'static str>,
    ordinals: Vec<usize>,
    parts: Vec<KeyPart>,
    keys: BTreeMap<Vec<u8>, u64>,
}

#[derive(Default)]
struct Inner {
    rows: Arc<BTreeMap<u64, Arc<Row>>>,
    trees: Vec<Tree>,
    clustered: Option<usize>,
}

/// The rows, shared between the definition that plans hold and the statements that change them.
pub struct MemoryRows {
    name: Arc<str>,
    types: Vec<SqlType>,
    inner: RwLock<Inner>,
    next: AtomicU64,
    identity: Option<Mutex<Counter>>,
    /// A table variable: its rows outlive a rollback.
    lasting: bool,
    this: Weak<MemoryRows>,
}

/// A table in memory: its definition for the binder and its rows.
#[derive(Clone)]
pub struct MemoryTable {
    pub definition: Arc<TableDef>,
    pub rows: Arc<MemoryRows>,
    pub rules: Arc<TableRules>,
    pub default_names: Arc<[(i32, Arc<str>)]>,
    /// The object of the table type that it was declared with; 0: none.
    pub type_object: i32,
    /// The rows of a table-valued parameter as a client sent them.
    pub from_client: bool,
}

/// What a table in memory is made of.
#[derive(Clone, Default)]
pub struct MemoryShape {
    pub columns: Vec<ColumnDef>,
    /// Without heap entry.
    pub indexes: Vec<IndexDef>,
    pub rules: Arc<TableRules>,
    /// Indexes WITH IGNORE_DUP_KEY.
    pub ignore_duplicates: Vec<i32>,
    /// Names of default constraints by column id.
    pub default_names: Vec<(i32, Arc<str>)>,
    /// The object of the table type; 0: none.
    pub type_object: i32,
}

impl MemoryShape {
    /// A table like those of a table type.
    pub fn of_type(table: &TableDef, rules: Arc<TableRules>) -> Self {
        let mut columns = table.columns.clone();
        for identity in columns.iter_mut().filter_map(|c| c.identity.as_mut()) {
            identity.last = None;
        }
        let indexes = table.indexes.iter().filter(|i| i.kind != IndexKind::Heap).cloned();
        MemoryShape {
            columns,
            indexes: indexes.map(|i| IndexDef { statistics: None, ..i }).collect(),
            rules,
            type_object: table.object_id,
            ..MemoryShape::default()
        }
    }
}

static NEXT_ID: AtomicU32 = AtomicU32::new(0);
static NEXT_VERSION: AtomicU64 = AtomicU64::new(1);

/// An object id for something in memory: negative and far from those of system objects.
pub fn next_object_id() -> i32 {
    let n = NEXT_ID.fetch_add(1, Ordering::Relaxed) % 1_100_000_000;
    TEMPORARY_ID - n as i32
}

impl MemoryTable {
    /// A table without indexes and rules.
    pub fn new(name: &str, columns: Vec<ColumnDef>) -> Self {
        Self::of(name, MemoryShape { columns, ..MemoryShape::default() })
    }

    pub fn of(name: &str, shape: MemoryShape) -> Self {
        let MemoryShape { columns, mut indexes, rules, ignore_duplicates, default_names, type_object } =
            shape;
        let identity =
            columns.iter().find_map(|c| c.identity.as_ref().map(|i| Mutex::new(Counter::new(i, c.ty))));
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        let trees: Vec<Tree> =
            indexes.iter().map(|i| tree(i, &types, ignore_duplicates.contains(&i.index_id))).collect();
        let clustered = indexes.iter().position(|i| i.kind == IndexKind::Clustered);
        if clustered.is_none() {
            indexes.insert(0, heap());
        }
        let rows = Arc::new_cyclic(|this| MemoryRows {
            name: name.into(),
            types,
            inner: RwLock::new(Inner { rows: Arc::default(), trees, clustered }),
            next: AtomicU64::new(1),
            identity,
            lasting: name.starts_with('@'),
            this: this.clone(),
        });
        let definition = TableDef {
            database_id: TEMPDB,
            // Distinct, so that no two tables look alike to a cache.
            object_id: next_object_id(),
            schema_name: "dbo".into(),
            name: name.into(),
            columns,
            indexes,
            statistics: Vec::new(),
            row_count: 100,
            page_count: 1,
            temporal: Default::default(),
            access: Arc::clone(&rows) as Arc<dyn TableAccess>,
        };
        MemoryTable {
            definition: Arc::new(definition),
            rows,
            rules,
            default_names: default_names.into(),
            type_object,
            from_client: false,
        }
    }

    /// The table of a caller, as the parameter that this table stands for; `None` when it is not in memory.
    pub fn taking(&self, definition: &Arc<TableDef>) -> Option<MemoryTable> {
        let rows = match definition.access.in_memory() {
            Some(rows) => rows.downcast::<MemoryRows>().ok()?,
            None => return None,
        };
        Some(MemoryTable { definition: Arc::clone(definition), rows, ..self.clone() })
    }

    /// The same rows under a definition with one more index.
    pub fn with_index(&self, index: IndexDef, ignore_duplicates: bool) -> SqlResult<MemoryTable> {
        let shape_indexes: Vec<IndexDef> =
            self.definition.indexes.iter().filter(|i| i.kind != IndexKind::Heap).cloned().collect();
        let mut new = tree(&index, &self.rows.types, ignore_duplicates);
        let mut inner = self.rows.inner.write();
        let all: Vec<Arc<Row>> = inner.rows.values().cloned().collect();
        let mut keyed: Vec<(Vec<u8>, &Arc<Row>)> =
            new.keys_of(all.iter().map(|r| &r.values))?.into_iter().zip(&all).collect();
        keyed.retain(|(_, row)| !row.outside.contains(&new.index_id));
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        if new.unique
            && let Some(pair) = keyed.windows(2).find(|w| w[0].0 == w[1].0)
        {
            let text = format!(
                "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name 'dbo.{}' and the index name '{}'. The duplicate key value is {}.",
                self.rows.name,
                new.name,
                key_text(&pair[0].1.values, &new, &self.rows.types)
            );
            return Err(SqlError::with_text(1505, 16, text));
        }
        for (key, row) in keyed {
            let key = new.whole_key(key, row.id);
            new.keys.insert(key, row.id);
        }
        inner.trees.push(new);
        if index.kind == IndexKind::Clustered {
            inner.clustered = Some(inner.trees.len() - 1);
        }
        drop(inner);
        let mut indexes = shape_indexes;
        let heap_left =
            index.kind != IndexKind::Clustered && !indexes.iter().any(|i| i.kind == IndexKind::Clustered);
        indexes.push(index);
        if heap_left {
            indexes.insert(0, heap());
        }
        Ok(self.redefined(indexes))
    }

    /// The same rows under a definition without an index; `None` when there is none of that name.
    pub fn without_index(&self, names: NameOrder, name: &str) -> Option<MemoryTable> {
        let found = self
            .definition
            .indexes
            .iter()
            .find(|i| i.name.as_deref().is_some_and(|n| names.same(n, name)))?;
        let id = found.index_id;
        let mut inner = self.rows.inner.write();
        inner.trees.retain(|t| t.index_id != id);
        inner.clustered = inner.trees.iter().position(|t| t.index_id == 1);
        drop(inner);
        let mut indexes: Vec<IndexDef> =
            self.definition.indexes.iter().filter(|i| i.index_id != id).cloned().collect();
        if indexes.iter().all(|i| i.kind != IndexKind::Clustered && i.kind != IndexKind::Heap) {
            indexes.insert(0, heap());
        }
        Some(self.redefined(indexes))
    }

    fn redefined(&self, indexes: Vec<IndexDef>) -> MemoryTable {
        let d = &self.definition;
        let definition = TableDef {
            database_id: d.database_id,
            object_id: next_object_id(),
            schema_name: d.schema_name.clone(),
            name: d.name.clone(),
            columns: d.columns.clone(),
            indexes,
            statistics: Vec::new(),
            row_count: d.row_count,
            page_count: d.page_count,
            temporal: Default::default(),
            access: Arc::clone(&d.access),
        };
        MemoryTable {
            definition: Arc::new(definition),
            rows: Arc::clone(&self.rows),
            rules: Arc::clone(&self.rules),
            default_names: Arc::clone(&self.default_names),
            type_object: self.type_object,
            from_client: self.from_client,
        }
    }

    /// What this table is made of, to be changed and made anew.
    pub fn shape(&self) -> MemoryShape {
        let d = &self.definition;
        MemoryShape {
            columns: d.columns.clone(),
            indexes: d.indexes.iter().filter(|i| i.kind != IndexKind::Heap).cloned().collect(),
            rules: Arc::clone(&self.rules),
            ignore_duplicates: {
                let inner = self.rows.inner.read();
                inner.trees.iter().filter(|t| t.ignore_duplicates).map(|t| t.index_id).collect()
            },
            default_names: self.default_names.to_vec(),
            type_object: self.type_object,
        }
    }
}

fn heap() -> IndexDef {
    IndexDef {
        index_id: 0,
        name: None,
        kind: IndexKind::Heap,
        unique: false,
        primary_key: false,
        unique_constraint: false,
        ignore_duplicates: false,
        disabled: false,
        keys: Vec::new(),
        included: Vec::new(),
        filter: None,
        statistics: None,
    }
}

fn tree(i: &IndexDef, types: &[SqlType], ignore_duplicates: bool) -> Tree {
    Tree {
        index_id: i.index_id,
        unique: i.unique,
        ignore_duplicates,
        name: i.name.clone().unwrap_or_else(|| "".into()),
        constraint: if i.primary_key {
            Some("PRIMARY KEY")
        } else if i.unique_constraint {
            Some("UNIQUE KEY")
        } else {
            None
        },
        ordinals: i.keys.iter().map(|k| k.ordinal).collect(),
        parts: i.keys.iter().map(|k| KeyPart { ty: types[k.ordinal], descending: k.descending }).collect(),
        keys: BTreeMap::new(),
    }
}

impl Tree {
    /// Normalised keys of rows.
    fn keys_of<'r>(&self, rows: impl Iterator<Item = &'r Vec<Value>> + Clone) -> SqlResult<Vec<Vec<u8>>> {
        let len = rows.clone().count();
        let mut columns = Vec::with_capacity(self.parts.len());
        for (p, &o) in self.parts.iter().zip(&self.ordinals) {
            columns.push(Column::from_values(&p.ty, rows.clone().map(|r| &r[o]))?);
        }
        let refs: Vec<&Column> = columns.iter().collect();
        let encoded = encode_rows(&self.parts, &refs, len)?;
        Ok(encoded.iter().map(<[u8]>::to_vec).collect())
    }

    fn prefix(&self, values: &[Value]) -> SqlResult<Vec<u8>> {
        let n = values.len().min(self.parts.len());
        let mut columns = Vec::with_capacity(n);
        for (p, v) in self.parts.iter().zip(values) {
            columns.push(Column::from_values(&p.ty, [v])?);
        }
        let refs: Vec<&Column> = columns.iter().collect();
        Ok(encode_rows(&self.parts[..n], &refs, 1)?.entry(0).to_vec())
    }

    fn whole_key(&self, mut key: Vec<u8>, id: u64) -> Vec<u8> {
        if !self.unique {
            key.extend_from_slice(&id.to_be_bytes());
        }
        key
    }
}

/// The first byte string after all that begin with `prefix`.
fn successor(prefix: &[u8]) -> TreeBound<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < 0xFF {
            next.push(last + 1);
            return TreeBound::Included(next);
        }
    }
    TreeBound::Unbounded
}

/// `(1, abc)` for messages.
fn key_text(values: &[Value], tree: &Tree, types: &[SqlType]) -> String {
    let context = crate::context::ExecContext::plain();
    let parts: Vec<String> =
        tree.ordinals.iter().map(|&o| super::query::value_text(&values[o], types[o], &context)).collect();
    format!("({})", parts.join(", "))
}

impl Inner {
    /// Puts a row (or its absence) in place without looking at uniqueness.
    fn put(&mut self, id: u64, new: Option<Arc<Row>>) -> SqlResult<()> {
        let old = self.rows.get(&id).cloned();
        for t in &mut self.trees {
            if let Some(old) = &old
                && !old.outside.contains(&t.index_id)
            {
                let key = t.keys_of([&old.values].into_iter())?.pop().unwrap_or_default();
                let key = t.whole_key(key, id);
                if t.keys.get(&key) == Some(&id) {
                    t.keys.remove(&key);
                }
            }
            if let Some(new) = &new
                && !new.outside.contains(&t.index_id)
            {
                let key = t.keys_of([&new.values].into_iter())?.pop().unwrap_or_default();
                let key = t.whole_key(key, id);
                t.keys.insert(key, id);
            }
        }
        let rows = Arc::make_mut(&mut self.rows);
        match new {
            Some(row) => rows.insert(id, row),
            None => rows.remove(&id),
        };
        Ok(())
    }

    /// The rows in the order a scan yields them.
    fn ordered(&self) -> Vec<Arc<Row>> {
        match self.clustered.and_then(|c| self.trees.get(c)) {
            Some(t) => t.keys.values().filter_map(|id| self.rows.get(id).cloned()).collect(),
            None => self.rows.values().cloned().collect(),
        }
    }
}

impl MemoryRows {
    /// Adds whole rows that no statement takes back: parameters, rows of triggers.
    pub fn append(&self, new: Vec<Vec<Value>>) -> SqlResult<()> {
        let mut inner = self.inner.write();
        for values in new {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            inner.put(id, Some(self.row(id, values, Vec::new())))?;
        }
        Ok(())
    }

    /// The identity value last given; NULL before the first.
    pub fn last_identity(&self) -> Value {
        self.identity.as_ref().map_or(Value::Null, |c| c.lock().current())
    }

    pub fn count(&self) -> usize {
        self.inner.read().rows.len()
    }

    fn row(&self, id: u64, values: Vec<Value>, outside: Vec<i32>) -> Arc<Row> {
        Arc::new(Row { id, version: NEXT_VERSION.fetch_add(1, Ordering::Relaxed), values, outside })
    }

    pub fn clear(&self) {
        let mut inner = self.inner.write();
        inner.rows = Arc::default();
        inner.trees.iter_mut().for_each(|t| t.keys.clear());
    }

    pub fn len(&self) -> usize {
        self.inner.read().rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows.
    pub fn values(&self) -> Vec<Vec<Value>> {
        self.inner.read().rows.values().map(|r| r.values.clone()).collect()
    }

    /// All rows as batches.
    pub fn batches(&self) -> SqlResult<Vec<Batch>> {
        let rows: Vec<Vec<Value>> = self.inner.read().ordered().iter().map(|r| r.values.clone()).collect();
        rows.chunks(BATCH_ROWS).map(|c| Batch::from_rows(&self.types, c)).collect()
    }

    fn source(&self, rows: Vec<Arc<Row>>, columns: &[usize]) -> Box<dyn BatchSource> {
        let types = columns
            .iter()
            .map(|&c| {
                if c == BOOKMARK {
                    BOOKMARK_TYPE
                } else {
                    self.types.get(c).copied().unwrap_or(SqlType::NULL)
                }
            })
            .collect();
        Box::new(Scan { rows, next: 0, columns: columns.to_vec(), types })
    }

    fn changes(&self, transaction: &Transaction) -> SqlResult<Arc<dyn Participant>> {
        let place = if self.lasting { VARIABLES } else { TEMPORARIES };
        transaction.participant(place, || {
            Ok(Arc::new(MemoryChanges { place, undo: Mutex::new(Vec::new()) }) as Arc<dyn Participant>)
        })
    }

    fn note(&self, write: WriteContext<'_>, entries: Vec<Entry>) -> SqlResult<()> {
        let Some(this) = self.this.upgrade() else { return Ok(()) };
        let participant = self.changes(write.transaction)?;
        if let Some(changes) = participant.as_any().downcast_ref::<MemoryChanges>() {
            let mut undo = changes.undo.lock();
            undo.extend(entries.into_iter().map(|entry| Undo::Rows { table: Arc::clone(&this), entry }));
        }
        Ok(())
    }

    fn duplicate(&self, t: &Tree, values: &[Value]) -> SqlError {
        let key = key_text(values, t, &self.types);
        let object = format!("dbo.{}", self.name);
        match t.constraint {
            Some(kind) => SqlError::new(2627, &[&kind, &t.name, &object, &key]),
            None => SqlError::new(2601, &[&object, &t.name, &key]),
        }
    }
}

/// Places of the two participants tables in memory join a transaction as.
const TEMPORARIES: usize = 1;
const VARIABLES: usize = 2;

enum Entry {
    /// The row of this place was this before.
    Row(u64, Option<Arc<Row>>),
    All(Arc<BTreeMap<u64, Arc<Row>>>),
}

enum Undo {
    Rows {
        table: Arc<MemoryRows>,
        entry: Entry,
    },
    /// Something else in memory: temporary tables made or dropped.
    Other(Box<dyn FnOnce() + Send>),
}

/// What a transaction did to tables in memory.
struct MemoryChanges {
    place: usize,
    undo: Mutex<Vec<Undo>>,
}

impl Participant for MemoryChanges {
    fn place(&self) -> usize {
        self.place
    }
    fn commit(&self) -> SqlResult<()> {
        self.undo.lock().clear();
        Ok(())
    }
    fn rollback(&self) -> SqlResult<()> {
        if self.place == VARIABLES {
            self.undo.lock().clear();
            return Ok(());
        }
        self.rollback_to(0)
    }
    fn savepoint(&self) -> u64 {
        self.undo.lock().len() as u64
    }
    fn rollback_to(&self, mark: u64) -> SqlResult<()> {
        let taken = {
            let mut undo = self.undo.lock();
            let keep = usize::try_from(mark).unwrap_or(usize::MAX).min(undo.len());
            undo.split_off(keep)
        };
        for u in taken.into_iter().rev() {
            match u {
                Undo::Other(f) => f(),
                Undo::Rows { table, entry } => {
                    let mut inner = table.inner.write();
                    match entry {
                        Entry::Row(id, old) => inner.put(id, old)?,
                        Entry::All(rows) => {
                            for (id, row) in rows.iter() {
                                inner.put(*id, Some(Arc::clone(row)))?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A statement has ended well: its changes of table variables stay, whatever becomes of the transaction.
pub fn keep_variables(transaction: &Transaction) {
    let none = || Err(SqlError::with_text(0, 0, ""));
    if let Ok(p) = transaction.participant(VARIABLES, none)
        && let Some(changes) = p.as_any().downcast_ref::<MemoryChanges>()
    {
        changes.undo.lock().clear();
    }
}

/// Notes how to take back something else that a transaction did in memory.
pub fn note_undo(transaction: &Transaction, undo: Box<dyn FnOnce() + Send>) -> SqlResult<()> {
    let place = TEMPORARIES;
    let p = transaction.participant(place, || {
        Ok(Arc::new(MemoryChanges { place, undo: Mutex::new(Vec::new()) }) as Arc<dyn Participant>)
    })?;
    if let Some(changes) = p.as_any().downcast_ref::<MemoryChanges>() {
        changes.undo.lock().push(Undo::Other(undo));
    }
    Ok(())
}

struct Scan {
    rows: Vec<Arc<Row>>,
    next: usize,
    columns: Vec<usize>,
    types: Vec<SqlType>,
}

impl BatchSource for Scan {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.next >= self.rows.len() {
            return Ok(None);
        }
        let end = (self.next + BATCH_ROWS).min(self.rows.len());
        let part: Vec<Vec<Value>> = self.rows[self.next..end]
            .iter()
            .map(|r| {
                let cell = |&c: &usize| {
                    if c == BOOKMARK { mark(r) } else { r.values.get(c).cloned().unwrap_or_default() }
                };
                self.columns.iter().map(cell).collect()
            })
            .collect();
        self.next = end;
        Batch::from_rows(&self.types, &part).map(Some)
    }
}

/// Place and version: a bookmark ends with a byte that no trimming of zeros takes away.
fn mark(r: &Row) -> Value {
    let mut bytes = Vec::with_capacity(17);
    bytes.extend_from_slice(&r.id.to_be_bytes());
    bytes.extend_from_slice(&r.version.to_be_bytes());
    bytes.push(1);
    Value::binary(&bytes)
}

fn marked(bookmark: &[u8]) -> Option<(u64, u64)> {
    let id = bookmark.get(..8)?.try_into().ok()?;
    let version = bookmark.get(8..16)?.try_into().ok()?;
    Some((u64::from_be_bytes(id), u64::from_be_bytes(version)))
}

impl TableAccess for MemoryRows {
    fn in_memory(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.this.upgrade().map(|rows| rows as Arc<dyn Any + Send + Sync>)
    }

    fn scan(&self, _read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        let rows = self.inner.read().ordered();
        Ok(self.source(rows, columns))
    }

    fn seek(
        &self,
        _: &ReadContext,
        index_id: i32,
        range: &KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        let inner = self.inner.read();
        let Some(t) = inner.trees.iter().find(|t| t.index_id == index_id) else {
            return Err(SqlError::not_supported("A seek in an index that was dropped"));
        };
        let low = match &range.low {
            Bound::Unbounded => TreeBound::Unbounded,
            Bound::Included(v) => TreeBound::Included(t.prefix(v)?),
            Bound::Excluded(v) => successor(&t.prefix(v)?),
        };
        let high = match &range.high {
            Bound::Unbounded => TreeBound::Unbounded,
            Bound::Included(v) => match successor(&t.prefix(v)?) {
                TreeBound::Included(b) => TreeBound::Excluded(b),
                other => other,
            },
            Bound::Excluded(v) => TreeBound::Excluded(t.prefix(v)?),
        };
        // A range that ends before it begins holds nothing.
        let empty = match (&low, &high) {
            (TreeBound::Included(a), TreeBound::Excluded(b)) => a >= b,
            _ => false,
        };
        let mut rows: Vec<Arc<Row>> = if empty {
            Vec::new()
        } else {
            t.keys.range((low, high)).filter_map(|(_, id)| inner.rows.get(id).cloned()).collect()
        };
        if backward {
            rows.reverse();
        }
        Ok(self.source(rows, columns))
    }

    fn writer(&self) -> Option<Arc<dyn TableWriter>> {
        self.this.upgrade().map(|t| t as Arc<dyn TableWriter>)
    }
}

impl TableWriter for MemoryRows {
    fn insert(&self, write: WriteContext<'_>, rows: &[NewRow]) -> SqlResult<u64> {
        let mut inner = self.inner.write();
        let mut entries = Vec::with_capacity(rows.len());
        let mut failure = None;
        let mut count = 0u64;
        // Keys of all rows at once, per index.
        let mut keys = Vec::with_capacity(inner.trees.len());
        for t in &inner.trees {
            keys.push(t.keys_of(rows.iter().map(|r| &r.values))?);
        }
        let mut map = Arc::clone(&inner.rows);
        inner.rows = Arc::default();
        let all = Arc::make_mut(&mut map);
        'rows: for (n, r) in rows.iter().enumerate() {
            for (t, k) in inner.trees.iter().zip(&keys) {
                if t.unique && !r.outside_indexes.contains(&t.index_id) && t.keys.contains_key(&k[n]) {
                    if t.ignore_duplicates {
                        continue 'rows;
                    }
                    failure = Some(self.duplicate(t, &r.values));
                    break 'rows;
                }
            }
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            for (t, k) in inner.trees.iter_mut().zip(&keys) {
                if !r.outside_indexes.contains(&t.index_id) {
                    let key = t.whole_key(k[n].clone(), id);
                    t.keys.insert(key, id);
                }
            }
            all.insert(id, self.row(id, r.values.clone(), r.outside_indexes.clone()));
            entries.push(Entry::Row(id, None));
            count += 1;
        }
        inner.rows = map;
        drop(inner);
        self.note(write, entries)?;
        match failure {
            Some(e) => Err(e),
            None => Ok(count),
        }
    }

    fn lock(&self, _: WriteContext<'_>, bookmark: &[u8]) -> SqlResult<RowState> {
        let found = marked(bookmark)
            .and_then(|(id, version)| self.inner.read().rows.get(&id).map(|r| r.version == version));
        Ok(if found == Some(true) { RowState::Unchanged } else { RowState::Changed })
    }

    fn update(&self, write: WriteContext<'_>, rows: &[RowUpdate], _changed: &[usize]) -> SqlResult<()> {
        let mut inner = self.inner.write();
        let mut entries = Vec::with_capacity(rows.len());
        // All old keys go before new ones come: keys may change places.
        for r in rows {
            let Some((id, _)) = marked(&r.bookmark) else { continue };
            let Some(old) = inner.rows.get(&id).cloned() else { continue };
            inner.put(id, None)?;
            entries.push(Entry::Row(id, Some(old)));
        }
        let mut failure = None;
        'rows: for r in rows {
            let Some((id, _)) = marked(&r.bookmark) else { continue };
            let values = &r.row.values;
            for t in inner.trees.iter().filter(|t| t.unique && !r.row.outside_indexes.contains(&t.index_id)) {
                let key = t.keys_of([values].into_iter())?.pop().unwrap_or_default();
                if t.keys.contains_key(&key) {
                    failure = Some(self.duplicate(t, values));
                    break 'rows;
                }
            }
            inner.put(id, Some(self.row(id, values.clone(), r.row.outside_indexes.clone())))?;
        }
        drop(inner);
        self.note(write, entries)?;
        failure.map_or(Ok(()), Err)
    }

    fn delete(&self, write: WriteContext<'_>, bookmarks: &[Vec<u8>], _old: &[Vec<Value>]) -> SqlResult<()> {
        let mut inner = self.inner.write();
        let mut entries = Vec::with_capacity(bookmarks.len());
        for b in bookmarks {
            let Some((id, _)) = marked(b) else { continue };
            let Some(old) = inner.rows.get(&id).cloned() else { continue };
            inner.put(id, None)?;
            entries.push(Entry::Row(id, Some(old)));
        }
        drop(inner);
        self.note(write, entries)
    }

    fn truncate(&self, write: WriteContext<'_>) -> SqlResult<()> {
        let rows = {
            let mut inner = self.inner.write();
            inner.trees.iter_mut().for_each(|t| t.keys.clear());
            std::mem::take(&mut inner.rows)
        };
        if let Some(c) = &self.identity {
            c.lock().restart();
        }
        self.note(write, vec![Entry::All(rows)])
    }

    fn next_identity(&self) -> SqlResult<Value> {
        match &self.identity {
            Some(c) => c.lock().take_next(),
            None => Ok(Value::Null),
        }
    }

    fn note_identity(&self, value: &Value, reseed: bool) -> SqlResult<()> {
        if let Some(c) = &self.identity {
            c.lock().note(value, reseed);
        }
        Ok(())
    }

    fn current_identity(&self) -> SqlResult<Value> {
        Ok(self.last_identity())
    }
}
