//! Changing the rows of a stored table: base rows, large values and every index together.
//!
//! Invariants
//! 1. Locks are taken before the gate: the table (IX), the row (X), and the key of every unique index that changes (X).
//! 2. Under one gate a row changes everywhere: in the heap or clustered index and in each nonclustered index.
//! 3. An error after the first change leaves the rest to the statement's savepoint.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use holdfast_base::{PageId, Rid};
use holdfast_format::record::layout::{fixed_size, xtype};
use holdfast_format::record::writer::RecordShape;
use holdfast_format::record::{Field, PhysicalColumn, Row, RowLayout};
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Change, LogTransaction};
use holdfast_types::compare::hash_key;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::definitions::redefined;
use super::heap::Heap;
use super::identity::IdentityColumn;
use super::records::{RecordPlan, Records};
use super::row::{self, LARGEST_IN_ROW, MAX_ROW, Stored};
use super::settle::Settling;
use super::tree::{Tree, Way};
use super::unkept::Unkept;
use super::writing::{DatabaseTransaction, Located, Writing, failure};
use super::{NewRow, RowState, RowUpdate, TableWriter, WriteContext, bookmark};
use crate::lock::manager::Table;
use crate::lock::{Duration, LockMode, Resource};
use crate::stored::live::LiveRowset;
use crate::stored::table::StoredKey;

/// Where the rows are.
pub enum Base {
    Heap(Heap),
    Tree { tree: Arc<Tree>, unique: bool, name: Arc<str>, constraint: bool },
}

/// Where a field of an index entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Position in the base row's layout; behind its columns come those that only indexes hold ([`StoredWriter::apart`]).
    Base(usize),
    /// The row's address.
    Rid,
    /// Nothing: a dropped column.
    Nothing,
}

/// A computed column that no row holds, only entries of indexes. Its stored form follows those of the row's own columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    /// Among the table's columns.
    pub ordinal: usize,
    /// Bytes that a value of fixed length takes; 0 for others.
    pub size: usize,
}

/// Bytes of the key columns that an index takes (product documentation, limits of SQL Server 2016 and later). Longer ones would
/// leave upper levels of the tree without room to split.
pub(super) const LONGEST_CLUSTERED_KEY: usize = 900;
pub(super) const LONGEST_NONCLUSTERED_KEY: usize = 1700;

/// 1946 for an entry whose first `declared` key columns, the uniquifier left out, are longer than `limit` bytes.
pub(super) fn check_key(
    tree: &Tree,
    declared: usize,
    fields: &[Stored],
    index: &str,
    kind: &str,
    limit: usize,
) -> SqlResult<()> {
    let keys = tree.keys.iter().take(declared).filter(|k| k.ordinal.is_some());
    let length = |k: &StoredKey| fields.get(k.position).and_then(|f| f.bytes.as_ref()).map_or(0, |b| b.len());
    let sum: usize = keys.map(length).sum();
    if sum > limit {
        return Err(SqlError::new(1946, &[&sum, &index, &limit, &kind]));
    }
    Ok(())
}

/// A nonclustered index.
pub struct Index {
    pub index_id: i32,
    pub name: Arc<str>,
    pub tree: Arc<Tree>,
    pub fields: Vec<From>,
    pub unique: bool,
    pub constraint: bool,
    pub filtered: bool,
    /// Key columns as declared; the rest of the tree's key is the row locator.
    pub declared: usize,
}

/// The writer of one table.
pub struct StoredWriter {
    pub writing: Arc<Writing>,
    pub object_id: i32,
    /// `dbo.Orders`
    pub name: Arc<str>,
    pub types: Vec<SqlType>,
    pub names: Vec<Arc<str>>,
    pub nullable: Vec<bool>,
    /// Per table column: position in the base layout.
    pub positions: Vec<Option<usize>>,
    pub base: Base,
    pub indexes: Vec<Index>,
    /// Columns that only indexes hold.
    pub apart: Vec<Apart>,
    pub identity: Option<IdentityColumn>,
    /// Why rows of this table cannot be changed yet.
    pub unsupported: Option<String>,
    /// Indexes that allow only some changes.
    pub unkept: Vec<Unkept>,
    /// Unique indexes that leave out rows whose key is there already (IGNORE_DUP_KEY); the clustered one is 1.
    pub ignoring: Vec<i32>,
    /// The moment of the definition ([`super::definitions`]).
    pub as_of: u64,
    /// LOCK_ESCALATION = DISABLE.
    pub keeps_row_locks: bool,
    /// "large value types out of row".
    pub large_out_of_row: bool,
    /// What records hold that are older than a column with a default, by position, once somebody asked.
    pub absent: OnceLock<Vec<(usize, Stored)>>,
    /// How rows become records, once somebody asked.
    pub plan: OnceLock<Option<Arc<RecordPlan>>>,
}

/// A row as it stands in the table.
pub(super) struct Current {
    /// As it can be read without its page.
    pub(super) record: Vec<u8>,
    pub(super) fields: Vec<Stored>,
    /// Heap address.
    pub(super) rid: Option<Rid>,
    /// Where the record stands if that is not its address.
    pub(super) moved: Option<Rid>,
}

/// What is made of a new row before the gate.
#[derive(Default)]
pub(super) struct Ahead {
    /// Its record, when nothing moves out of it and its key is known.
    pub(super) record: Option<Vec<u8>>,
    /// The way to its place in the clustered index.
    pub(super) way: Option<Way>,
    /// Its key there, as values and as it is stored.
    pub(super) key: Option<(Vec<Value>, Vec<u8>)>,
}

pub(super) fn internal(what: &str) -> RecoveryError {
    RecoveryError::Database { what: what.to_owned() }
}

/// Stored fields of a record, which can be read without its page, in layout order. `absent`: positions and values of columns that are
/// younger than some records.
pub(super) fn fields_of(
    layout: &RowLayout,
    record: &[u8],
    absent: &[(usize, Stored)],
) -> RecoveryResult<Vec<Stored>> {
    let row = Row::parse(record, false, 0).map_err(|e| internal(e.what))?;
    let mut out = Vec::with_capacity(layout.columns.len());
    for (position, column) in layout.columns.iter().enumerate() {
        let mut scratch = Vec::new();
        let field = row.field(layout, position, false, &mut scratch).map_err(|e| internal(e.what))?;
        out.push(match field {
            Field::Null => Stored::null(),
            Field::Missing => {
                absent.iter().find(|a| a.0 == position).map_or_else(Stored::null, |a| a.1.clone())
            }
            Field::Bit(bit) => {
                Stored { bytes: Some([u8::from(bit)].as_slice().into()), complex: false, bit: true }
            }
            Field::Bytes(b) => {
                Stored { bytes: Some(b.into()), complex: false, bit: column.xtype == xtype::BIT }
            }
            Field::Complex(b) => Stored::pointer(b),
        });
    }
    Ok(out)
}

/// Fixed-size character and binary values are stored at their full length.
pub(super) fn padded(ty: &SqlType, column: &PhysicalColumn, mut stored: Stored) -> Stored {
    let fixed = column.leaf.offset > 0 || column.is_sparse();
    let size = usize::from(match column.is_sparse() {
        true => fixed_size(column.xtype, column.length, column.precision, column.scale),
        false => column.leaf.size,
    });
    if let Some(bytes) = stored.bytes.as_mut().filter(|_| fixed && size > 0) {
        row::pad(ty.id, size, bytes);
    }
    stored
}

impl StoredWriter {
    pub(super) fn check(&self) -> SqlResult<()> {
        match &self.unsupported {
            Some(what) => Err(SqlError::not_supported(format!("Changing table '{}', {what},", self.name))),
            None => Ok(()),
        }
    }

    /// The gate for changes, after the log was given room if it fills up.
    pub(super) fn gate(&self) -> SqlResult<Change<'_>> {
        let logged = &self.writing.logged;
        logged.relieve_log().and_then(|()| logged.change()).map_err(|e| failure(&e))
    }

    /// An error that names what could not grow.
    pub(super) fn named(&self, error: SqlError) -> SqlError {
        if error.number != 1105 {
            return error;
        }
        let (live, index) = match &self.base {
            Base::Heap(h) => (&h.access.live, String::new()),
            Base::Tree { tree, name, .. } => (tree.live(), format!(".'{name}'")),
        };
        let group = self.writing.rowsets.group_name(live.filegroup);
        if self.writing.rowsets.files(live.filegroup).is_empty() {
            return SqlError::new(622, &[&group]);
        }
        let database = self.writing.logged.name();
        SqlError::new(1105, &[&self.name, &index, &database, &group]).state(2)
    }

    pub(super) fn layout(&self) -> &RowLayout {
        match &self.base {
            Base::Heap(h) => &h.access.layout,
            Base::Tree { tree, .. } => tree.layout(),
        }
    }

    /// What older records hold of columns that came with a default: it is in the catalogue, not in them.
    pub(super) fn absent(&self) -> RecoveryResult<&[(usize, Stored)]> {
        if let Some(absent) = self.absent.get() {
            return Ok(absent);
        }
        let access = match &self.base {
            Base::Heap(h) => &h.access,
            Base::Tree { tree, .. } => &tree.access,
        };
        let mut absent = Vec::new();
        for ((value, position), ty) in access.missing.iter().zip(&self.positions).zip(&self.types) {
            let Some(position) = position.filter(|_| !value.is_null()) else { continue };
            let Some(column) = access.layout.columns.get(position) else { continue };
            let stored = row::stored(ty, value).map_err(|e| internal(&e.to_string()))?;
            absent.push((position, padded(ty, column, stored)));
        }
        Ok(self.absent.get_or_init(|| absent))
    }

    /// What is known of the rowset that holds the rows.
    pub(super) fn base_live(&self) -> &Arc<LiveRowset> {
        match &self.base {
            Base::Heap(h) => &h.access.live,
            Base::Tree { tree, .. } => tree.live(),
        }
    }

    pub(super) fn rowset(&self) -> u64 {
        match &self.base {
            Base::Heap(h) => h.access.rowset,
            Base::Tree { tree, .. } => tree.access.rowset,
        }
    }

    pub(super) fn table(&self) -> Table {
        Table { database: self.writing.database_id, object: self.object_id }
    }

    pub(super) fn lock_table(&self, write: WriteContext<'_>, mode: LockMode) -> SqlResult<()> {
        let resource = self.table().resource();
        let owner = write.transaction.owner();
        // Who gets Sch-M here has not defined the table himself: others may have while he waited.
        let comes_to_define = mode == LockMode::SchM && !self.writing.defines(self.object_id, owner);
        self.writing.locks.acquire(owner, &resource, mode, Duration::Transaction, write.wait)?;
        if comes_to_define && self.writing.definitions.changed_since(self.object_id, self.as_of) {
            return Err(redefined(self.writing.database_id, self.object_id, &self.name));
        }
        if self.keeps_row_locks {
            self.writing.locks.keep_row_locks(owner, self.table());
        }
        self.writing.still_defined(self.object_id, &self.name, self.as_of, owner)
    }

    pub(super) fn lock_row(&self, write: WriteContext<'_>, row: &Resource) -> SqlResult<()> {
        let owner = write.transaction.owner();
        let (mode, duration) = (LockMode::X, Duration::Transaction);
        self.writing.locks.acquire_row(owner, self.table(), row, mode, duration, write.wait)?;
        Ok(())
    }

    /// Locks a row under the gate, where nothing may wait; `false` when that would need a wait.
    pub(super) fn try_lock_row(&self, write: WriteContext<'_>, row: &Resource) -> bool {
        self.writing.locks.try_row(write.transaction.owner(), self.table(), row, LockMode::X)
    }

    /// Notes what a row is before it changes, for snapshots; `row` is its place as bookmarks have it. Comes before the change.
    pub(super) fn note(&self, write: WriteContext<'_>, row: &[u8], before: Option<&[u8]>) {
        let (versions, database) = (&self.writing.locks.versions, self.writing.database_id);
        if versions.keeps(database) {
            versions.note(write.transaction.owner(), database, self.rowset() as i64, row, before);
        }
    }

    /// Removes the pieces of large values of `old` that `new` no longer leads to; snapshots keep the values. `rid`: where the old row
    /// was if it has an address.
    pub(super) fn drop_large(
        &self,
        write: WriteContext<'_>,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        (old, rid): (&[Stored], Option<Rid>),
        new: &[Stored],
    ) -> RecoveryResult<()> {
        self.keep_large(write, change, (old, rid), |p| new.get(p) != Some(&old[p]))?;
        self.settling().drop_large(change, log, old, new)
    }

    /// Has the noted version of a row keep those of its large values that are `going`.
    pub(super) fn keep_large(
        &self,
        write: WriteContext<'_>,
        change: &Change<'_>,
        (old, rid): (&[Stored], Option<Rid>),
        going: impl Fn(usize) -> bool,
    ) -> RecoveryResult<()> {
        if !self.keeps_versions() || !old.iter().any(|f| f.complex) {
            return Ok(());
        }
        let positions: Vec<usize> = (0..old.len()).filter(|&p| old[p].complex && going(p)).collect();
        let name = match (&self.base, rid) {
            (Base::Tree { tree, .. }, _) => Self::key_of(tree, old)?.1,
            (Base::Heap(_), Some(rid)) => rid.to_bytes().to_vec(),
            (Base::Heap(_), None) => return Err(internal("a heap row without an address")),
        };
        let row = (self.writing.database_id, self.rowset() as i64, name.as_slice());
        let owner = write.transaction.owner();
        let pointer = |position: usize| old[position].bytes.as_deref().unwrap_or_default();
        let is_of = |before: &[u8], position: usize| {
            let before = Row::parse(before, false, 0).map_err(|e| internal(e.what))?;
            let mut scratch = Vec::new();
            let field = before.field(self.layout(), position, false, &mut scratch);
            Ok(matches!(field.map_err(|e| internal(e.what))?, Field::Complex(p) if p == pointer(position)))
        };
        self.writing.locks.versions.keep_values(owner, row, &positions, is_of, |position| {
            holdfast_format::lob::read(change.source(), pointer(position))
                .map_err(|error| RecoveryError::Unreadable { page: PageId::NULL, error })
        })
    }

    /// Whether anybody may want to know what rows were before.
    pub(super) fn keeps_versions(&self) -> bool {
        self.writing.locks.versions.keeps(self.writing.database_id)
    }

    /// Locks the place of a record that was moved away from its address, before it may go from there: until the transaction ends nobody
    /// else may use the slot, which a rollback would fill again. The row itself is locked, so the place is the one it has.
    pub(super) fn lock_moved(&self, write: WriteContext<'_>, current: &Current) -> SqlResult<()> {
        current.moved.map_or(Ok(()), |at| self.lock_row(write, &self.rid_resource(at)))
    }

    /// Whether a row may be put at a heap address: nobody has locked it. It is noted as coming from nothing.
    pub(super) fn take_address(&self, write: WriteContext<'_>, rid: Rid) -> bool {
        let free = self.try_lock_row(write, &self.rid_resource(rid));
        if free {
            self.note(write, &rid.to_bytes(), None);
        }
        free
    }

    pub(super) fn key_resource(&self, tree: &Tree, key: &[Value]) -> Resource {
        key_resource(self.writing.database_id, tree, key)
    }

    pub(super) fn rid_resource(&self, rid: Rid) -> Resource {
        Resource::Rid {
            database: self.writing.database_id,
            rowset: self.rowset() as i64,
            file: rid.page.file,
            page: rid.page.page,
            slot: rid.slot,
        }
    }

    /// NOT NULL of every column; of an update of those that are `changed`.
    pub(super) fn check_nulls(
        &self,
        values: &[Value],
        changed: Option<&[usize]>,
        verb: &str,
    ) -> SqlResult<()> {
        for (ordinal, value) in values.iter().enumerate() {
            if changed.is_some_and(|c| !c.contains(&ordinal)) {
                continue;
            }
            let stored = self.positions.get(ordinal).copied().flatten().is_some();
            if value.is_null() && stored && !self.nullable.get(ordinal).copied().unwrap_or(true) {
                let name = self.names.get(ordinal).map_or("", |n| n);
                let text = format!(
                    "Cannot insert the value NULL into column '{name}', table '{}'; column does not allow nulls. {verb} fails.",
                    self.name
                );
                return Err(SqlError::with_text(515, 16, text).state(2));
            }
        }
        Ok(())
    }

    /// The row's fields as values give them, large values still whole. `old` and `changed`: an update, whose other columns
    /// keep their stored form.
    pub(super) fn fields(&self, row: &NewRow, old: Option<(&[Stored], &[usize])>) -> SqlResult<Vec<Stored>> {
        let layout = self.layout();
        let mut fields = vec![Stored::null(); layout.columns.len()];
        if let Some((old, _)) = old {
            fields = old.to_vec();
        }
        let mut scratch = Vec::new();
        for (ordinal, position) in self.positions.iter().enumerate() {
            let Some(position) = *position else { continue };
            if old.is_some_and(|(_, changed)| !changed.contains(&ordinal)) {
                continue;
            }
            let (Some(ty), Some(column)) = (self.types.get(ordinal), layout.columns.get(position)) else {
                continue;
            };
            let value = row.values.get(ordinal).unwrap_or(&Value::Null);
            if let Some(field) = fields.get_mut(position) {
                *field = padded(ty, column, row::stored_with(ty, value, &mut scratch)?);
            }
        }
        let Some((_, changed)) = old else {
            fields.extend(self.apart_fields(Some(&row.values))?);
            return Ok(fields);
        };
        let columns = layout.columns.len();
        if self.apart.iter().any(|a| changed.contains(&a.ordinal)) {
            for (n, field) in self.apart_fields(Some(&row.values))?.into_iter().enumerate() {
                // Where the old ones were not given, entries cannot be made either: see `write::entry`.
                if let Some(place) = fields.get_mut(columns + n) {
                    *place = field;
                }
            }
        }
        Ok(fields)
    }

    /// Stored forms of the columns that only indexes hold, out of a whole row; none when no row is given.
    pub(super) fn apart_fields(&self, row: Option<&[Value]>) -> SqlResult<Vec<Stored>> {
        let Some(row) = row.filter(|r| !r.is_empty()) else { return Ok(Vec::new()) };
        let mut out = Vec::with_capacity(self.apart.len());
        for a in &self.apart {
            let ty = self.types.get(a.ordinal).copied().unwrap_or(SqlType::NULL);
            let mut field = row::stored(&ty, row.get(a.ordinal).unwrap_or(&Value::Null))?;
            if let Some(bytes) = field.bytes.as_mut().filter(|_| a.size > 0) {
                row::pad(ty.id, a.size, bytes);
            }
            out.push(field);
        }
        Ok(out)
    }

    /// Position of a table column among the stored fields.
    fn field_position(&self, ordinal: usize) -> Option<usize> {
        let own = self.positions.get(ordinal).copied().flatten();
        own.or_else(|| {
            let n = self.apart.iter().position(|a| a.ordinal == ordinal)?;
            Some(self.layout().columns.len() + n)
        })
    }

    /// Where rows that do not fit put their large values.
    pub(super) fn settling(&self) -> Settling<'_> {
        Settling {
            writing: &self.writing,
            live: self.base_live(),
            layout: self.layout(),
            shape: RecordShape::Data,
            staying: &[],
            in_row: if self.large_out_of_row { 0 } else { LARGEST_IN_ROW },
        }
    }

    fn record_of(&self, fields: &[Stored]) -> RecoveryResult<Vec<u8>> {
        // What only indexes hold is no part of the row.
        let fields = &fields[..fields.len().min(self.layout().columns.len())];
        row::record(self.layout(), fields, RecordShape::Data).map_err(|e| internal(&e.to_string()))
    }

    /// The record of a row without large columns that fits as it is, before the gate; `None`: [`Settling::settle`] makes it.
    pub(super) fn ready(&self, fields: &[Stored]) -> RecoveryResult<Option<Vec<u8>>> {
        let plain: usize = fields.iter().map(|f| f.bytes.as_ref().map_or(0, |b| b.len())).sum();
        let columns = &self.layout().columns;
        let large = columns
            .iter()
            .any(|c| c.is_large() || matches!(c.xtype, xtype::TEXT | xtype::NTEXT | xtype::IMAGE));
        if large || plain > MAX_ROW {
            return Ok(None);
        }
        Ok(Some(self.record_of(fields)?).filter(|record| record.len() <= MAX_ROW))
    }

    /// Key values and stored key fields of a tree's entry, out of the entry's fields.
    pub(super) fn key_of(tree: &Tree, fields: &[Stored]) -> RecoveryResult<(Vec<Value>, Vec<u8>)> {
        let mut raw = Vec::new();
        for k in tree.keys.iter() {
            match fields.get(k.position).and_then(|f| f.bytes.as_ref()) {
                None => raw.extend_from_slice(&u16::MAX.to_le_bytes()),
                Some(b) => {
                    raw.extend_from_slice(&(b.len() as u16).to_le_bytes());
                    raw.extend_from_slice(b);
                }
            }
        }
        Ok((tree.key_of_fields(&raw)?, raw))
    }

    pub(super) fn duplicate(&self, index: &str, constraint: bool, tree: &Tree, key: &[Value]) -> SqlError {
        let shown: Vec<String> = key
            .iter()
            .zip(tree.keys.iter())
            .map(|(v, k)| match v {
                Value::Null => "<NULL>".to_owned(),
                v => holdfast_types::conversion::canonical_text(v, &k.ty).unwrap_or_default(),
            })
            .collect();
        let shown = shown.join(", ");
        if constraint {
            let kind = if matches!(&self.base, Base::Tree { name, .. } if **name == *index)
                || index.starts_with("PK")
            {
                "PRIMARY KEY"
            } else {
                "UNIQUE KEY"
            };
            let text = format!(
                "Violation of {kind} constraint '{index}'. Cannot insert duplicate key in object '{}'. The duplicate key value is ({shown}).",
                self.name
            );
            return SqlError::with_text(2627, 14, text);
        }
        let text = format!(
            "Cannot insert duplicate key row in object '{}' with unique index '{index}'. The duplicate key value is ({shown}).",
            self.name
        );
        SqlError::with_text(2601, 14, text)
    }

    /// The row that a bookmark names, as it is now.
    pub(super) fn current(&self, change: &Change<'_>, place: &[u8]) -> RecoveryResult<Option<Current>> {
        match &self.base {
            Base::Heap(heap) => {
                let rid = bookmark::rid(place).map_err(|_| internal("a bookmark of another table"))?;
                let Some(found) = heap.find(change, rid)? else { return Ok(None) };
                let fields = fields_of(&heap.access.layout, &found.standalone, self.absent()?)?;
                let moved = found.forwarded.then_some(found.at);
                Ok(Some(Current { record: found.standalone, fields, rid: Some(rid), moved }))
            }
            Base::Tree { tree, .. } => {
                let key = tree.key_of_fields(place)?;
                let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
                let entry = tree.find_entry(change.source(), &key).map_err(fail)?;
                let Some(entry) = entry.filter(|p| p.found && !p.ghost) else { return Ok(None) };
                tree.record_at(&entry, |record| {
                    Ok(Current {
                        record: record.to_vec(),
                        fields: fields_of(tree.layout(), record, self.absent()?)?,
                        rid: None,
                        moved: None,
                    })
                })
                .map(Some)
            }
        }
    }

    /// The row that a bookmark names, which the transaction has locked exclusively: nobody else can change it, so rows of trees
    /// are read without the gate. With the way back to it.
    pub(super) fn locked(
        &self,
        part: &DatabaseTransaction,
        place: &[u8],
    ) -> SqlResult<Option<(Current, Option<Way>)>> {
        let Base::Tree { tree, .. } = &self.base else {
            let change = self.gate()?;
            let current = self.current(&change, place).map_err(|e| failure(&e))?;
            return Ok(current.map(|c| (c, None)));
        };
        let known = Self::known_way(part, tree, place);
        let read = |record: &[u8]| {
            let fields = fields_of(tree.layout(), record, self.absent()?)?;
            Ok(Current { record: record.to_vec(), fields, rid: None, moved: None })
        };
        Ok(self.locked_in(tree, place, known, read)?.map(|(current, way)| (current, Some(way))))
    }

    /// The way to a row that was locked just before.
    pub(super) fn known_way(part: &DatabaseTransaction, tree: &Tree, place: &[u8]) -> Option<Way> {
        let known = part.located.lock().take();
        known.filter(|l| l.rowset == tree.access.rowset && *l.place == *place).map(|l| l.way)
    }

    /// What `read` makes of a locked row of a tree, without the gate.
    pub(super) fn locked_in<T>(
        &self,
        tree: &Tree,
        place: &[u8],
        known: Option<Way>,
        read: impl FnOnce(&[u8]) -> RecoveryResult<T>,
    ) -> SqlResult<Option<(T, Way)>> {
        let logged = &self.writing.logged;
        let found = logged.check().and_then(|()| {
            let key = tree.key_of_fields(place)?;
            let walked = tree.walk(&**logged.pages(), &key, known.as_ref());
            let walked = walked
                .map_err(|error| RecoveryError::Unreadable { page: tree.access.root(), error })?
                .filter(|(entry, _)| entry.found && !entry.ghost);
            walked.map(|(entry, way)| Ok((tree.record_at(&entry, read)?, way))).transpose()
        });
        found.map_err(|e| failure(&e))
    }

    pub(super) fn gone() -> SqlError {
        SqlError::with_text(8624, 16, "Internal error: a locked row is not there any more.")
    }

    pub(super) fn row_resource(&self, place: &[u8]) -> SqlResult<Resource> {
        Ok(match &self.base {
            Base::Heap(_) => self.rid_resource(bookmark::rid(place).map_err(|e| crate::page_error(&e))?),
            Base::Tree { tree, .. } => {
                let key = tree.key_of_fields(place).map_err(|e| failure(&e))?;
                self.key_resource(tree, &key)
            }
        })
    }

    /// The next uniquifier behind the entries with this declared key.
    pub(super) fn uniquifier(
        &self,
        change: &Change<'_>,
        tree: &Tree,
        declared: &[Value],
    ) -> RecoveryResult<i32> {
        let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
        let mut whole = declared.to_vec();
        whole.push(Value::Int(i32::MAX));
        let Some(place) = tree.find(change.source(), &whole).map_err(fail)? else { return Ok(0) };
        let (mut page, mut slot) = (place.image, place.slot.checked_sub(1));
        // Pages whose rows were all taken back are empty.
        let (page, slot) = loop {
            let view = holdfast_format::page::PageView::new(&page);
            match slot {
                Some(slot) => break (page, slot),
                None if view.previous().is_null() => return Ok(0),
                None => {
                    let previous = change.page(view.previous())?;
                    slot = holdfast_format::page::PageView::new(&previous).slot_count().checked_sub(1);
                    page = previous;
                }
            }
        };
        let rows = holdfast_format::record::PageRows::new(holdfast_format::page::PageView::new(&page))
            .map_err(fail)?;
        let Some(row) = rows.row(slot).map_err(fail)? else { return Ok(0) };
        let key = tree.key_of(change.source(), &row, false).map_err(fail)?;
        let same = declared
            .iter()
            .zip(&key)
            .zip(tree.keys.iter())
            .all(|((a, b), k)| crate::stored::key::compare(&k.ty, a, b).is_eq());
        match key.last() {
            Some(Value::Int(n)) if same => {
                n.checked_add(1).ok_or_else(|| internal("uniquifiers are used up"))
            }
            _ => Ok(0),
        }
    }

    /// The field of a uniquifier.
    pub(super) fn uniquifier_field(tree: &Tree, n: i32) -> Stored {
        // Compressed records do not tell an absent one from 0.
        let absent = n == 0 && tree.layout().compression == 0;
        let bytes = n.to_le_bytes();
        Stored::plain(if absent { &[][..] } else { &bytes[..] })
    }

    /// 511 for a row that fits on no page.
    pub(super) fn too_large(&self, e: RecoveryError) -> SqlError {
        match e {
            RecoveryError::Database { what } if what.starts_with("row of ") => SqlError::with_text(
                511,
                16,
                format!(
                    "Cannot create a {} which is greater than the allowable maximum row size of {MAX_ROW}.",
                    what
                ),
            ),
            e => failure(&e),
        }
    }

    /// Inserts the base row and its entries; `fields` get the uniquifier and large values' pointers.
    pub(super) fn insert_row(
        &self,
        write: WriteContext<'_>,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        fields: &mut [Stored],
        kept: &[Stored],
        outside: &[i32],
        ahead: Ahead,
    ) -> SqlResult<()> {
        let failed = |e: RecoveryError| self.too_large(e);
        let rid = match &self.base {
            Base::Heap(heap) => {
                let record = match ahead.record {
                    Some(record) => record,
                    None => self.settling().settle(change, log, fields, kept).map_err(failed)?,
                };
                let is_free = |rid: Rid| self.take_address(write, rid);
                let rid = heap.insert(change, log, &record, &is_free).map_err(failed)?;
                Some(rid)
            }
            Base::Tree { tree, unique, name, constraint } => {
                check_key(tree, tree.keys.len(), fields, name, "clustered", LONGEST_CLUSTERED_KEY)?;
                let (key, raw) = match ahead.key {
                    Some(key) => key,
                    None => Self::key_of(tree, fields).map_err(failed)?,
                };
                if *unique {
                    let place = tree.find_by(change.source(), &key, ahead.way.as_ref());
                    let place = place.map_err(|e| {
                        failed(RecoveryError::Unreadable { page: tree.access.root(), error: e })
                    })?;
                    if place.is_some_and(|p| p.found && !p.ghost) {
                        return Err(self.duplicate(name, *constraint, tree, &key));
                    }
                } else {
                    let declared = &key[..key.len().saturating_sub(1)];
                    let mut n = self.uniquifier(change, tree, declared).map_err(failed)?;
                    let position = tree.keys.last().map_or(0, |k| k.position);
                    loop {
                        if let Some(field) = fields.get_mut(position) {
                            *field = Self::uniquifier_field(tree, n);
                        }
                        let (key, _) = Self::key_of(tree, fields).map_err(failed)?;
                        let resource = self.key_resource(tree, &key);
                        if self.try_lock_row(write, &resource) {
                            break;
                        }
                        n = n.checked_add(1).ok_or_else(|| failure(&internal("uniquifiers are used up")))?;
                    }
                }
                let record = match ahead.record.filter(|_| *unique) {
                    Some(record) => record,
                    None => self.settling().settle(change, log, fields, kept).map_err(failed)?,
                };
                // Settling moves no key columns; the uniquifier is one that came since.
                let (key, raw) =
                    if *unique { (key, raw) } else { Self::key_of(tree, fields).map_err(failed)? };
                self.note(write, &raw, None);
                tree.insert(change, log, &key, &raw, &record, ahead.way.as_ref()).map_err(failed)?;
                None
            }
        };
        for index in self.indexes.iter().filter(|i| !outside.contains(&i.index_id)) {
            self.insert_entry(change, log, index, fields, rid)?;
        }
        Ok(())
    }

    pub(super) fn delete_base(
        &self,
        write: WriteContext<'_>,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        current: &Current,
    ) -> RecoveryResult<()> {
        match (&self.base, current.rid) {
            (Base::Heap(heap), Some(rid)) => {
                let found = heap.find(change, rid)?.ok_or_else(|| internal("a locked row is not there"))?;
                self.note(write, &rid.to_bytes(), Some(&current.record));
                heap.delete(change, log, rid, &found)
            }
            (Base::Tree { tree, .. }, _) => {
                let (key, raw) = Self::key_of(tree, &current.fields)?;
                let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
                let place = tree.find_entry(change.source(), &key).map_err(fail)?;
                let place = place.filter(|p| p.found && !p.ghost);
                let place = place.ok_or_else(|| internal("a locked row is not there"))?;
                self.note(write, &raw, Some(&current.record));
                tree.delete(change, log, place, &raw)
            }
            (Base::Heap(_), None) => Err(internal("a heap row without an address")),
        }
    }

    /// Counts values that were set, for statistics.
    pub(super) fn count_updates(&self, changed: &[usize], rows: usize) {
        let columns = self.changed_positions(changed).into_iter();
        let physical = columns.filter_map(|p| self.layout().columns.get(p).map(|c| c.physical_id));
        let live = self.base_live();
        live.modifications.columns(self.object_id, physical, rows);
        live.counts_changed.store(true, Ordering::Relaxed);
    }

    /// Positions in the base layout of changed table columns.
    pub(super) fn changed_positions(&self, changed: &[usize]) -> Vec<usize> {
        changed.iter().filter_map(|&o| self.field_position(o)).collect()
    }
}

/// The lock resource of an entry's key.
pub fn key_resource(database: i32, tree: &Tree, key: &[Value]) -> Resource {
    let mut bytes = Vec::with_capacity(32);
    for (value, k) in key.iter().zip(tree.keys.iter()) {
        hash_key(value, &k.ty, &mut bytes);
    }
    Resource::key(database, tree.access.rowset as i64, &bytes)
}

impl TableWriter for StoredWriter {
    fn insert(&self, write: WriteContext<'_>, rows: &[NewRow]) -> SqlResult<u64> {
        let inserted = self.insert_rows(write, rows).map_err(|e| self.named(e))?;
        self.base_live().modifications.rows(self.object_id, rows.len());
        Ok(inserted)
    }

    fn record_plan(&self) -> Option<Arc<RecordPlan>> {
        let make = || RecordPlan::new(self.layout(), &self.types, &self.positions).map(Arc::new);
        let plan = self.plan.get_or_init(make).as_ref();
        let plain = self.unkept.is_empty()
            && self.ignoring.is_empty()
            && self.apart.is_empty()
            && !self.large_out_of_row
            && self.unsupported.is_none();
        plan.filter(|_| plain).cloned()
    }

    fn insert_records(&self, write: WriteContext<'_>, records: &Records) -> SqlResult<()> {
        self.put_records(write, records).map_err(|e| self.named(e))?;
        self.base_live().modifications.rows(self.object_id, records.len());
        Ok(())
    }

    fn lock_all(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.lock_table(write, LockMode::X)
    }

    fn lock_to_change(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.lock_table(write, LockMode::IX)
    }

    fn lock(&self, write: WriteContext<'_>, bookmark: &[u8]) -> SqlResult<RowState> {
        self.check()?;
        self.lock_table(write, LockMode::IX)?;
        let (digest, place) = bookmark::open(bookmark).map_err(|e| crate::page_error(&e))?;
        self.lock_row(write, &self.row_resource(place)?)?;
        let found = match &self.base {
            Base::Heap(_) => {
                let change = self.gate()?;
                let current = self.current(&change, place).map_err(|e| failure(&e))?;
                current.map(|c| bookmark::digest(&c.record))
            }
            Base::Tree { tree, .. } => {
                let found = self.locked_in(tree, place, None, |record| Ok(bookmark::digest(record)))?;
                if let Some((found, way)) = found {
                    // A transaction that only locks rows takes no part in the database.
                    if let Some(joined) = self.writing.joined(write.transaction) {
                        let (rowset, place) = (tree.access.rowset, place.into());
                        *joined.part()?.located.lock() = Some(Located { rowset, place, way });
                    }
                    Some(found)
                } else {
                    None
                }
            }
        };
        Ok(if found == Some(digest) { RowState::Unchanged } else { RowState::Changed })
    }

    fn changed_since(&self, write: WriteContext<'_>, bookmark: &[u8], snapshot: u64) -> SqlResult<bool> {
        let (_, place) = bookmark::open(bookmark).map_err(|e| crate::page_error(&e))?;
        let (versions, owner) = (&self.writing.locks.versions, write.transaction.owner());
        Ok(versions.changed_since(self.writing.database_id, self.rowset() as i64, place, snapshot, owner))
    }

    fn lock_key(&self, write: WriteContext<'_>, key: &[Value]) -> SqlResult<()> {
        self.check()?;
        self.lock_table(write, LockMode::IX)?;
        match &self.base {
            Base::Tree { tree, unique: true, .. } => self.lock_row(write, &self.key_resource(tree, key)),
            _ => {
                Err(SqlError::with_text(8624, 16, "Internal error: a table without a unique clustered key."))
            }
        }
    }

    fn leaves_other_columns(&self) -> bool {
        self.unkept.is_empty() && self.apart.is_empty()
    }

    fn update(&self, write: WriteContext<'_>, rows: &[RowUpdate], changed: &[usize]) -> SqlResult<()> {
        self.update_rows(write, rows, changed).map_err(|e| self.named(e))?;
        self.count_updates(changed, rows.len());
        Ok(())
    }

    fn delete(&self, write: WriteContext<'_>, bookmarks: &[Vec<u8>], old: &[Vec<Value>]) -> SqlResult<()> {
        self.delete_rows(write, bookmarks, old).map_err(|e| self.named(e))?;
        self.base_live().modifications.rows(self.object_id, bookmarks.len());
        Ok(())
    }

    fn stored_parts(&self) -> Vec<&StoredWriter> {
        vec![self]
    }

    fn truncate(&self, write: WriteContext<'_>) -> SqlResult<()> {
        let rows = self.base_live().rows.load(Ordering::Relaxed);
        self.empty(write).map_err(|e| self.named(e))?;
        self.base_live().modifications.rows(self.object_id, usize::try_from(rows).unwrap_or(0));
        Ok(())
    }

    fn next_identity(&self) -> SqlResult<Value> {
        match &self.identity {
            Some(column) => self.writing.identities.next(&self.writing, self.object_id, column),
            None => Err(SqlError::with_text(8624, 16, "Internal error: a table without an identity column.")),
        }
    }

    fn note_identity(&self, value: &Value, reseed: bool) -> SqlResult<()> {
        match &self.identity {
            Some(column) => {
                self.writing.identities.note(&self.writing, self.object_id, column, Some(value), reseed)
            }
            None => Ok(()),
        }
    }

    fn next_row_version(&self) -> SqlResult<u64> {
        self.writing.row_versions.next(&self.writing)
    }

    fn current_identity(&self) -> SqlResult<Value> {
        Ok(self.identity.as_ref().map_or(Value::Null, |c| self.writing.identities.current(self.object_id, c)))
    }
}
