//! Entries of nonclustered indexes: made of a row's fields, entered and removed with the row.
//!
//! Invariants
//! 1. An entry holds values of its own. Where the table's row has a value on pages of its own, the entry gets the value: in the
//!    entry when it fits, else on pages of the index's own units. An entry that goes takes them with it.
//! 2. The key of an entry is in the entry, whether the row has its columns in it or not.

use holdfast_base::{PageId, Rid};
use holdfast_format::catalog::unit_type;
use holdfast_format::page::PageView;
use holdfast_format::record::writer::RecordShape;
use holdfast_format::record::{Field, PageRows};
use holdfast_format::{FormatError, PageSource, lob};
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Change, LogTransaction};
use holdfast_types::{SqlError, SqlResult, Value};

use super::WriteContext;
use super::row::{LARGEST_IN_ROW, Stored};
use super::settle::Settling;
use super::table::{Base, From, Index, LONGEST_NONCLUSTERED_KEY, StoredWriter, check_key, internal};
use super::tree::{Place, Tree};
use super::writing::failure;

impl Index {
    /// Whether its entries can have values on pages of their own.
    fn has_units(&self) -> bool {
        let live = self.tree.live();
        live.unit(unit_type::LOB).id() != 0 || live.unit(unit_type::ROW_OVERFLOW).id() != 0
    }

    /// Positions of the row locator in the entry.
    fn locator(&self, base: &Base) -> Vec<usize> {
        let is_locator = |from: &From| match (from, base) {
            (From::Rid, _) => true,
            (From::Base(p), Base::Tree { tree, .. }) => tree.keys.iter().any(|k| k.position == *p),
            _ => false,
        };
        (0..self.fields.len()).filter(|&i| is_locator(&self.fields[i])).collect()
    }
}

/// A field with its value in it.
fn whole(source: &dyn PageSource, field: &Stored) -> RecoveryResult<Stored> {
    let Some(pointer) = field.bytes.as_ref().filter(|_| field.complex) else { return Ok(field.clone()) };
    let read = lob::read(source, pointer);
    let read = read.map_err(|error| RecoveryError::Unreadable { page: PageId::NULL, error })?;
    Ok(read.map_or_else(Stored::null, Stored::plain))
}

/// The fields of an entry that are on pages of their own; the others are left out.
fn pointers(tree: &Tree, place: &Place) -> Result<Vec<Stored>, FormatError> {
    let rows = PageRows::new(PageView::new(&place.image))?;
    let Some(row) = rows.row(place.slot)? else { return Ok(Vec::new()) };
    let mut out = Vec::with_capacity(tree.layout().columns.len());
    for position in 0..tree.layout().columns.len() {
        let mut scratch = Vec::new();
        let field = row.field(tree.layout(), position, false, &mut scratch);
        out.push(match field.map_err(|e| e.at(place.page, place.slot))? {
            Field::Complex(pointer) => Stored::pointer(pointer),
            _ => Stored::null(),
        });
    }
    Ok(out)
}

impl StoredWriter {
    fn settling_entry<'a>(&'a self, index: &'a Index, staying: &'a [usize]) -> Settling<'a> {
        Settling {
            writing: &self.writing,
            live: index.tree.live(),
            layout: index.tree.layout(),
            shape: RecordShape::IndexLeaf,
            staying,
            in_row: LARGEST_IN_ROW,
        }
    }

    /// The fields of a row's entry with all values in them; `keys_only` leaves out the others.
    fn entry_fields(
        &self,
        source: &dyn PageSource,
        index: &Index,
        base: &[Stored],
        rid: Option<Rid>,
        keys_only: bool,
    ) -> RecoveryResult<Vec<Stored>> {
        let field = |(position, from): (usize, &From)| match from {
            From::Base(_) if keys_only && !index.tree.keys.iter().any(|k| k.position == position) => {
                Ok(Stored::null())
            }
            From::Base(position) => {
                let field = base.get(*position);
                let field =
                    field.ok_or_else(|| internal("an index over a column whose value is not given"))?;
                whole(source, field)
            }
            From::Rid => rid
                .map(|r| Stored::plain(r.to_bytes().as_slice()))
                .ok_or_else(|| internal("an index entry without a row address")),
            From::Nothing => Ok(Stored::null()),
        };
        index.fields.iter().enumerate().map(field).collect()
    }

    /// Key values of a row's entry and their stored fields; without an address the row's is not known yet.
    pub(super) fn entry_key(
        &self,
        source: &dyn PageSource,
        index: &Index,
        base: &[Stored],
        rid: Option<Rid>,
    ) -> RecoveryResult<(Vec<Value>, Vec<u8>)> {
        let fields = self.entry_fields(source, index, base, Some(rid.unwrap_or_default()), true)?;
        Self::key_of(&index.tree, &fields)
    }

    /// The fields of a row's entry with all values in them.
    ///
    /// # Errors
    /// 1946 for a key that is too long.
    pub(super) fn whole_entry(
        &self,
        source: &dyn PageSource,
        index: &Index,
        base: &[Stored],
        rid: Option<Rid>,
    ) -> SqlResult<Vec<Stored>> {
        let fields = self.entry_fields(source, index, base, rid, false).map_err(|e| failure(&e))?;
        let declared = index.declared;
        check_key(&index.tree, declared, &fields, &index.name, "nonclustered", LONGEST_NONCLUSTERED_KEY)?;
        Ok(fields)
    }

    /// The record of an entry; values that do not fit into it go to pages of the index's own.
    ///
    /// # Errors
    /// 1946 when the key and the locator alone do not fit.
    pub(super) fn entry_record(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        index: &Index,
        fields: &mut [Stored],
    ) -> SqlResult<Vec<u8>> {
        let plain: usize = fields.iter().map(|f| f.bytes.as_ref().map_or(0, |b| b.len())).sum();
        let record = self.settling_entry(index, &index.locator(&self.base)).settle(change, log, fields, &[]);
        record.map_err(|e| match e {
            RecoveryError::Database { what } if what.starts_with("row of ") => {
                SqlError::new(1946, &[&plain, &index.name, &LONGEST_NONCLUSTERED_KEY, &"nonclustered"])
            }
            // Indexes that were made without units for what does not fit get them when they are built anew.
            RecoveryError::Database { what } if what.ends_with("no allocation unit for large values") => {
                SqlError::not_supported(format!(
                    "Storing a value of {plain} bytes in index '{}' of table '{}', which has to be rebuilt first,",
                    index.name, self.name
                ))
            }
            e => failure(&e),
        })
    }

    pub(super) fn insert_entry(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        index: &Index,
        base: &[Stored],
        rid: Option<Rid>,
    ) -> SqlResult<()> {
        let failed = |e: RecoveryError| failure(&e);
        let mut fields = self.whole_entry(change.source(), index, base, rid)?;
        let (key, raw) = Self::key_of(&index.tree, &fields).map_err(failed)?;
        let declared = &key[..index.declared.min(key.len())];
        if index.unique && self.exists(change, &index.tree, declared).map_err(failed)? {
            return Err(self.duplicate(&index.name, index.constraint, &index.tree, declared));
        }
        let record = self.entry_record(change, log, index, &mut fields)?;
        index.tree.insert(change, log, &key, &raw, &record, None).map_err(failed)?;
        Ok(())
    }

    pub(super) fn delete_entry(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        index: &Index,
        base: &[Stored],
        rid: Option<Rid>,
    ) -> RecoveryResult<()> {
        let (key, raw) = self.entry_key(change.source(), index, base, rid)?;
        let fail = |error| RecoveryError::Unreadable { page: index.tree.access.root(), error };
        let place = index.tree.find_entry(change.source(), &key).map_err(fail)?;
        let Some(place) = place.filter(|p| p.found && !p.ghost) else {
            // The row lies outside the filter, or the index has lost it.
            let lost = || Err(internal("an index has no entry for a row of its table"));
            return if index.filtered { Ok(()) } else { lost() };
        };
        let mut old = Vec::new();
        if index.has_units() {
            old = pointers(&index.tree, &place)
                .map_err(|error| RecoveryError::Unreadable { page: place.page, error })?;
        }
        index.tree.delete(change, log, place, &raw)?;
        self.settling_entry(index, &[]).drop_large(change, log, &old, &[])
    }

    /// Whether a live entry begins with this key.
    pub(super) fn exists(&self, change: &Change<'_>, tree: &Tree, key: &[Value]) -> RecoveryResult<bool> {
        let mut found = false;
        tree.for_prefix(change.source(), key, |_, _, _, ghost| {
            found |= !ghost;
            Ok(!found)
        })
        .map_err(|error| RecoveryError::Unreadable { page: tree.access.root(), error })?;
        Ok(found)
    }

    /// Locks the keys that unique indexes get or lose.
    pub(super) fn lock_keys(
        &self,
        write: WriteContext<'_>,
        fields: &[Stored],
        outside: &[i32],
    ) -> SqlResult<()> {
        for index in self.indexes.iter().filter(|i| i.unique && !outside.contains(&i.index_id)) {
            let source = &**self.writing.logged.pages();
            let (key, _) = self.entry_key(source, index, fields, None).map_err(|e| failure(&e))?;
            let resource = self.key_resource(&index.tree, &key[..index.declared.min(key.len())]);
            self.lock_row(write, &resource)?;
        }
        Ok(())
    }
}
