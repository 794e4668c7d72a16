//! Base tables by name, their rows by column name.
//!
//! Invariants
//! 1. A cell for a column that the database's version does not have is left out; a column without a cell is NULL, or zero where
//!    it cannot be NULL.
//! 2. Rows are changed only after they were locked, and read again when they had changed meanwhile.
//! 3. What a name stands for is locked by Sch-M before its row comes, goes or gets another name
//!    ([`crate::write::definitions`], invariant 3).

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_types::{DateTime, SqlError, SqlResult, SqlType, TypeId, Value};
use parking_lot::Mutex;

use crate::access::{BOOKMARK, Bound, KeyRange, ReadContext};
use crate::catalog::{Catalog, TableDef};
use crate::database::DatabaseCatalog;
use crate::lock::{Duration, LockMode, Resource};
use crate::write::definitions::Name;
use crate::write::{NewRow, RowState, RowUpdate, TableWriter, WriteContext};

/// Columns by which rows of base tables are looked up. The order is that of the documents; indexes may have another.
const KEYS: &[(&str, &[&str])] = &[
    ("sysschobjs", &["id"]),
    ("syscolpars", &["id", "number", "colid"]),
    ("sysidxstats", &["id", "indid"]),
    ("sysiscols", &["idmajor", "idminor", "subid"]),
    ("sysobjvalues", &["valclass", "objid", "subobjid", "valnum"]),
    ("syssingleobjrefs", &["class", "depid", "depsubid"]),
    ("sysmultiobjrefs", &["class", "depid", "depsubid", "indepid", "indepsubid"]),
    ("syssoftobjrefs", &["depclass", "depid"]),
    ("sysrowsets", &["rowsetid"]),
    ("sysrscols", &["rsid", "hbcolid"]),
    ("sysrowsetcolumns", &["rowsetid", "rowsetcolid"]),
    ("syshobtcolumns", &["hobtid", "hobtcolumnid"]),
    ("syshobts", &["hobtid"]),
    ("sysserefs", &["class", "depid", "indepid"]),
    ("sysallocunits", &["auid"]),
    ("sysseobjvalues", &["valclass", "id", "subid"]),
    ("sysclsobjs", &["class", "id"]),
    ("systypedsubobjs", &["class", "idmajor", "subid"]),
    ("sysowners", &["id"]),
    ("sysprivs", &["class", "id", "subid", "grantee"]),
    ("sysxprops", &["class", "id", "subid"]),
    ("sysscalartypes", &["id"]),
    ("sysnsobjs", &["class", "id"]),
    ("sysprufiles", &["fileid"]),
    ("sysqnames", &["qid", "hash", "nid"]),
    ("sysxmlcomponent", &["id"]),
    ("sysxmlfacet", &["compid", "ord"]),
    ("sysxmlplacement", &["placingid", "ordinal"]),
];

/// First version of each release before those whose databases are made here.
const RELEASES: [(u16, &str); 3] = [(611, "2005"), (FIRST_OF_2008, "2008"), (660, "2008 R2")];

/// Database versions with which something came.
pub const FIRST_OF_2008: u16 = 655;
pub const FIRST_OF_2012: u16 = 706;

/// A value on its way into a column of a base table.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Owned(String),
    Bytes(Vec<u8>),
    Guid([u8; 16]),
    Moment(DateTime),
    /// sql_variant.
    Variant(SqlType, Value),
}

impl From<i32> for Cell<'_> {
    fn from(n: i32) -> Self {
        Cell::Int(n.into())
    }
}
impl From<i64> for Cell<'_> {
    fn from(n: i64) -> Self {
        Cell::Int(n)
    }
}
impl<'a> From<&'a str> for Cell<'a> {
    fn from(s: &'a str) -> Self {
        Cell::Text(s)
    }
}

impl Cell<'_> {
    fn value(self, ty: &SqlType) -> Value {
        match (self, ty.id) {
            (Cell::Null, _) => Value::Null,
            (Cell::Int(n), TypeId::Bit) => Value::Bit(n != 0),
            (Cell::Int(n), TypeId::TinyInt) => Value::TinyInt(n as u8),
            (Cell::Int(n), TypeId::SmallInt) => Value::SmallInt(n as i16),
            (Cell::Int(n), TypeId::BigInt) => Value::BigInt(n),
            (Cell::Int(n), _) => Value::Int(n as i32),
            (Cell::Text(s), _) => Value::string(s),
            (Cell::Owned(s), _) => Value::string(&s),
            (Cell::Bytes(b), _) => Value::Binary(b.into()),
            (Cell::Guid(g), _) => Value::Guid(g),
            (Cell::Moment(m), _) => Value::DateTime(m),
            (Cell::Variant(ty, value), _) => Value::Variant(Arc::new(holdfast_types::Variant { ty, value })),
        }
    }
}

/// What stands in a column that cannot be NULL and was not given.
fn zero(ty: &SqlType) -> Value {
    match ty.id {
        TypeId::DateTime => Value::DateTime(DateTime::default()),
        TypeId::UniqueIdentifier => Value::Guid([0; 16]),
        id if id.is_character() => Value::string(""),
        TypeId::Binary => Value::Binary(vec![0; usize::try_from(ty.length).unwrap_or(0)].into()),
        TypeId::VarBinary => Value::Binary(Vec::new().into()),
        _ => Cell::Int(0).value(ty),
    }
}

/// A row of a base table as read.
#[derive(Clone, Debug)]
pub struct Found {
    pub bookmark: Vec<u8>,
    pub values: Vec<Value>,
}

/// A base table open for changes.
pub struct Base {
    pub definition: Arc<TableDef>,
    writer: Arc<dyn TableWriter>,
}

impl Base {
    pub fn ordinal(&self, column: &str) -> Option<usize> {
        self.definition.columns.iter().position(|c| &*c.name == column)
    }

    /// An integer of a row; 0 for NULL and for columns that are not there.
    pub fn int(&self, row: &Found, column: &str) -> i64 {
        let value = self.ordinal(column).and_then(|i| row.values.get(i));
        match value {
            Some(Value::Bit(b)) => i64::from(*b),
            Some(Value::TinyInt(n)) => i64::from(*n),
            Some(Value::SmallInt(n)) => i64::from(*n),
            Some(Value::Int(n)) => i64::from(*n),
            Some(Value::BigInt(n)) => *n,
            _ => 0,
        }
    }

    pub fn text(&self, row: &Found, column: &str) -> String {
        match self.ordinal(column).and_then(|i| row.values.get(i)) {
            Some(Value::String(s)) => s.to_text(),
            _ => String::new(),
        }
    }

    pub fn value<'r>(&self, row: &'r Found, column: &str) -> &'r Value {
        self.ordinal(column).and_then(|i| row.values.get(i)).unwrap_or(&Value::Null)
    }
}

/// Tables whose rows have names that statements look up, with the columns of name and schema.
const NAMED: &[(&str, &str, &str)] =
    &[("sysschobjs", "name", "nsid"), ("sysscalartypes", "name", "schid"), ("sysclsobjs", "name", "")];
/// Class of the schemas in sysclsobjs.
const SCHEMAS: i64 = 50;

/// Writes catalog rows on behalf of a transaction.
pub struct CatalogWriter<'a> {
    pub catalog: Arc<DatabaseCatalog>,
    pub write: WriteContext<'a>,
    /// Local time of the statement.
    pub now: DateTime,
    tables: Mutex<HashMap<String, Arc<Base>>>,
}

impl<'a> CatalogWriter<'a> {
    pub fn new(catalog: Arc<DatabaseCatalog>, write: WriteContext<'a>, now: DateTime) -> Self {
        CatalogWriter { catalog, write, now, tables: Mutex::default() }
    }

    /// Refuses what the release that the database is of does not have.
    pub fn require(&self, since: u16, what: &str) -> SqlResult<()> {
        let version = self.catalog.version();
        if version >= since {
            return Ok(());
        }
        let release = RELEASES.iter().rev().find(|r| r.0 <= version).map_or("", |r| r.1);
        Err(SqlError::not_supported(format!("{what} in a database of SQL Server {release}")))
    }

    /// Whether the database's version has the table.
    pub fn has(&self, table: &str) -> bool {
        self.catalog.base_table_id(table).is_some()
    }

    pub fn base(&self, table: &str) -> SqlResult<Arc<Base>> {
        if let Some(known) = self.tables.lock().get(table) {
            return Ok(Arc::clone(known));
        }
        let id = self.catalog.base_table_id(table);
        let definition = id.map(|id| self.catalog.table(id)).transpose()?.flatten();
        let definition = definition.ok_or_else(|| {
            SqlError::not_supported(format!(
                "What needs {table}, which databases of version {} lack,",
                self.catalog.version()
            ))
        })?;
        let writer = definition
            .access
            .writer()
            .ok_or_else(|| SqlError::new(3906, &[&crate::catalog::Catalog::database_name(&*self.catalog)]))?;
        let base = Arc::new(Base { definition, writer });
        self.tables.lock().insert(table.to_owned(), Arc::clone(&base));
        Ok(base)
    }

    /// Rows with these values in the columns of the table's key, in the order of [`KEYS`].
    pub fn rows(&self, table: &str, key: &[i64]) -> SqlResult<Vec<Found>> {
        let base = self.base(table)?;
        let names = KEYS.iter().find(|k| k.0 == table).map_or(&[][..], |k| k.1);
        if key.len() > names.len() {
            return Err(SqlError::with_text(
                8624,
                16,
                format!("Internal error: the key of {table} is not known."),
            ));
        }
        let given: Vec<(usize, i64)> =
            names.iter().zip(key).filter_map(|(n, v)| Some((base.ordinal(n)?, *v))).collect();
        // As much of the index's own key as is given; its columns may come in another order.
        let index = base.definition.indexes.iter().find(|i| i.index_id == 1 && !i.disabled);
        let mut prefix = Vec::new();
        for k in index.map_or(&[][..], |i| &i.keys) {
            let Some((_, value)) = given.iter().find(|(o, _)| *o == k.ordinal) else { break };
            let ty = base.definition.columns.get(k.ordinal).map_or(SqlType::INT, |c| c.ty);
            prefix.push(Cell::Int(*value).value(&ty));
        }
        let range = if prefix.is_empty() { KeyRange::all() } else { KeyRange::point(prefix) };
        let mut rows = self.seek(&base, 1, range)?;
        rows.retain(|r| {
            given.iter().all(|(o, v)| {
                let ty = base.definition.columns.get(*o).map_or(SqlType::INT, |c| c.ty);
                r.values.get(*o) == Some(&Cell::Int(*v).value(&ty))
            })
        });
        Ok(rows)
    }

    /// Rows of any index of a base table.
    pub fn seek(&self, base: &Base, index: i32, range: KeyRange) -> SqlResult<Vec<Found>> {
        let mut columns: Vec<usize> = (0..base.definition.columns.len()).collect();
        let mut types: Vec<SqlType> = base.definition.columns.iter().map(|c| c.ty).collect();
        columns.push(BOOKMARK);
        types.push(SqlType::binary(TypeId::VarBinary, 8000));
        let read = ReadContext {
            owner: self.write.transaction.owner(),
            wait: self.write.wait.clone(),
            ..ReadContext::default()
        };
        let mut source = if index == 1 && !base.definition.indexes.iter().any(|i| i.index_id == 1) {
            base.definition.access.scan(&read, &columns)?
        } else {
            base.definition.access.seek(&read, index, range, &columns, false)?
        };
        let mut out = Vec::new();
        while let Some(batch) = source.next_batch()? {
            for i in 0..batch.len {
                let mut values = batch.row(i, &types);
                let bookmark = match values.pop() {
                    Some(Value::Binary(b)) => b.to_vec(),
                    _ => Vec::new(),
                };
                out.push(Found { bookmark, values });
            }
        }
        Ok(out)
    }

    /// Highest value of the first key column below a bound; for ids that are given in ascending order.
    pub fn highest(&self, table: &str) -> SqlResult<i64> {
        let base = self.base(table)?;
        let read = ReadContext { owner: self.write.transaction.owner(), ..ReadContext::default() };
        let range = KeyRange { low: Bound::Unbounded, high: Bound::Unbounded };
        let key = base.definition.indexes.iter().find(|i| i.index_id == 1).and_then(|i| i.keys.first());
        let ordinal = key.map_or(0, |k| k.ordinal);
        let ty = base.definition.columns.get(ordinal).map_or(SqlType::INT, |c| c.ty);
        let mut source = base.definition.access.seek(&read, 1, range, &[ordinal], true)?;
        while let Some(batch) = source.next_batch()? {
            if batch.len > 0 {
                return Ok(match batch.row(0, &[ty]).first() {
                    Some(Value::BigInt(n)) => *n,
                    Some(Value::Int(n)) => i64::from(*n),
                    _ => 0,
                });
            }
        }
        Ok(0)
    }

    /// Keeps others from giving out ids of a system table's rows until the transaction ends: between looking for a free one and entering
    /// its row nobody else may find the same.
    ///
    /// # Errors
    /// Those of the wait for another transaction.
    pub fn hold_ids(&self, table: &str) -> SqlResult<()> {
        let Some(writing) = self.catalog.writing() else { return Ok(()) };
        let base = self.base(table)?;
        let resource =
            Resource::Schema { database: base.definition.database_id, schema: -base.definition.object_id };
        let (owner, wait) = (self.write.transaction.owner(), self.write.wait);
        writing.locks.acquire(owner, &resource, LockMode::X, Duration::Transaction, wait)?;
        Ok(())
    }

    /// Inserts a row.
    pub fn insert(&self, table: &str, cells: &[(&str, Cell<'_>)]) -> SqlResult<()> {
        let base = self.base(table)?;
        let mut values: Vec<Value> = base
            .definition
            .columns
            .iter()
            .map(|c| if c.nullable { Value::Null } else { zero(&c.ty) })
            .collect();
        for (name, cell) in cells {
            if let Some(i) = base.ordinal(name) {
                values[i] = cell.clone().value(&base.definition.columns[i].ty);
            }
        }
        let row = Found { bookmark: Vec::new(), values };
        self.defines_name(table, &base, &row, false)?;
        self.note_image(table, &base, &row.values, true);
        let row = NewRow { values: row.values, outside_indexes: Vec::new() };
        base.writer.insert(self.write, &[row]).map(|_| ())
    }

    /// What a row gives a name to; `None` for what statements do not name by itself.
    fn named(&self, table: &str, base: &Base, row: &Found) -> Option<(Resource, Name)> {
        let (_, name, schema) = NAMED.iter().find(|n| n.0 == table)?;
        let database = self.catalog.database_id();
        let key = self.catalog.names().key(&base.text(row, name));
        let id = base.int(row, "id") as i32;
        let schema = base.int(row, schema) as i32;
        match table {
            "sysschobjs" => Some((self.object_locked(base, row), Name::Object(schema, key))),
            "sysscalartypes" => {
                Some((Resource::UserType { database, user_type: id }, Name::UserType(schema, key)))
            }
            _ => (base.int(row, "class") == SCHEMAS)
                .then_some((Resource::Schema { database, schema: id }, Name::Schema(key))),
        }
    }

    /// What keeps the definition of an object of sysschobjs: keys, checks and defaults of columns belong to their table, whose Sch-M
    /// covers them.
    pub(super) fn object_locked(&self, base: &Base, row: &Found) -> Resource {
        let parent = base.int(row, "pid");
        let of_its_own = parent == 0 || base.text(row, "type").trim_end() == "TR";
        let object = if of_its_own { base.int(row, "id") } else { parent };
        Resource::Object { database: self.catalog.database_id(), object: object as i32 }
    }

    /// What others see of the row until the transaction ends ([`crate::write::images`]).
    fn note_image(&self, table: &str, base: &Base, row: &[Value], comes: bool) {
        let Some(writing) = self.catalog.writing() else { return };
        let clustered = base.definition.indexes.iter().find(|i| i.index_id == 1 && !i.disabled);
        let key: Vec<usize> = clustered.map_or_else(Vec::new, |i| i.keys.iter().map(|k| k.ordinal).collect());
        writing.definitions.images.note(self.write.transaction.owner(), table, &key, row, comes);
    }

    /// Invariant 3: the row comes, or it is about to lose its name (`leaves`).
    fn defines_name(&self, table: &str, base: &Base, row: &Found, leaves: bool) -> SqlResult<()> {
        let Some((resource, name)) = self.named(table, base, row) else { return Ok(()) };
        let Some(writing) = self.catalog.writing() else { return Ok(()) };
        let owner = self.write.transaction.owner();
        writing.locks.acquire(owner, &resource, LockMode::SchM, Duration::Transaction, self.write.wait)?;
        if leaves {
            writing.definitions.leave_name(name, owner, resource);
        }
        Ok(())
    }

    fn locked(&self, base: &Base, row: &Found) -> SqlResult<bool> {
        Ok(base.writer.lock(self.write, &row.bookmark)? == RowState::Unchanged)
    }

    /// Changes cells of the rows under a key prefix that `wanted` takes. Answers how many.
    pub fn update(
        &self,
        table: &str,
        prefix: &[i64],
        wanted: &dyn Fn(&Base, &Found) -> bool,
        cells: &dyn Fn(&Base, &Found) -> Vec<(&'static str, Cell<'static>)>,
    ) -> SqlResult<usize> {
        let base = self.base(table)?;
        // Locks are kept, so that a second look finds nothing changed.
        for _ in 0..100 {
            let rows: Vec<Found> =
                self.rows(table, prefix)?.into_iter().filter(|r| wanted(&base, r)).collect();
            let mut unchanged = true;
            for row in &rows {
                unchanged &= self.locked(&base, row)?;
            }
            if !unchanged {
                continue;
            }
            let mut changed: Vec<usize> = Vec::new();
            let mut updates = Vec::new();
            for row in &rows {
                let mut values = row.values.clone();
                for (name, cell) in cells(&base, row) {
                    if let Some(i) = base.ordinal(name) {
                        values[i] = cell.value(&base.definition.columns[i].ty);
                        if !changed.contains(&i) {
                            changed.push(i);
                        }
                    }
                }
                updates.push(RowUpdate {
                    bookmark: row.bookmark.clone(),
                    row: NewRow { values, outside_indexes: Vec::new() },
                    old: Vec::new(),
                });
            }
            let names = NAMED.iter().find(|n| n.0 == table);
            let renamed = |i: &usize| {
                let column = base.definition.columns.get(*i).map_or("", |c| &*c.name);
                names.is_some_and(|n| column == n.1 || column == n.2)
            };
            if changed.iter().any(renamed) {
                rows.iter().try_for_each(|row| self.defines_name(table, &base, row, true))?;
            }
            if !updates.is_empty() && !changed.is_empty() {
                for (row, update) in rows.iter().zip(&updates) {
                    self.note_image(table, &base, &row.values, false);
                    // Where the key changes, the row comes under another one.
                    self.note_image(table, &base, &update.row.values, true);
                }
                base.writer.update(self.write, &updates, &changed)?;
            }
            return Ok(rows.len());
        }
        Err(SqlError::new(1205, &[]))
    }

    /// Removes the rows under a key prefix that `wanted` takes. Answers them.
    pub fn delete(
        &self,
        table: &str,
        prefix: &[i64],
        wanted: &dyn Fn(&Base, &Found) -> bool,
    ) -> SqlResult<Vec<Found>> {
        let find = || self.rows(table, prefix);
        self.delete_found(table, &find, wanted)
    }

    /// Removes the rows in which a column has a value, through an index that begins with it where there is one.
    pub fn delete_by(
        &self,
        table: &str,
        column: &str,
        value: i64,
        wanted: &dyn Fn(&Base, &Found) -> bool,
    ) -> SqlResult<Vec<Found>> {
        let base = self.base(table)?;
        let place = base.ordinal(column);
        let leads = |i: &&crate::catalog::IndexDef| {
            i.index_id > 1 && !i.disabled && i.keys.first().map(|k| k.ordinal) == place
        };
        let index = base.definition.indexes.iter().find(leads).map(|i| i.index_id);
        let ty = place.and_then(|p| base.definition.columns.get(p)).map_or(SqlType::INT, |c| c.ty);
        let find = || match index {
            Some(index) => self.seek(&base, index, KeyRange::point(vec![Cell::Int(value).value(&ty)])),
            None => self.rows(table, &[]),
        };
        self.delete_found(table, &find, &|b, r| b.int(r, column) == value && wanted(b, r))
    }

    fn delete_found(
        &self,
        table: &str,
        find: &dyn Fn() -> SqlResult<Vec<Found>>,
        wanted: &dyn Fn(&Base, &Found) -> bool,
    ) -> SqlResult<Vec<Found>> {
        let base = self.base(table)?;
        for _ in 0..100 {
            let rows: Vec<Found> = find()?.into_iter().filter(|r| wanted(&base, r)).collect();
            let mut unchanged = true;
            for row in &rows {
                unchanged &= self.locked(&base, row)?;
            }
            if !unchanged {
                continue;
            }
            rows.iter().try_for_each(|row| self.defines_name(table, &base, row, true))?;
            if !rows.is_empty() {
                rows.iter().for_each(|row| self.note_image(table, &base, &row.values, false));
                let bookmarks: Vec<Vec<u8>> = rows.iter().map(|r| r.bookmark.clone()).collect();
                base.writer.delete(self.write, &bookmarks, &[])?;
            }
            return Ok(rows);
        }
        Err(SqlError::new(1205, &[]))
    }

    /// Removes all rows under a key prefix.
    pub fn delete_all(&self, table: &str, prefix: &[i64]) -> SqlResult<Vec<Found>> {
        if !self.has(table) {
            return Ok(Vec::new());
        }
        self.delete(table, prefix, &|_, _| true)
    }
}
