//! Updates that change nothing but bytes of a row's record: no index and no key is touched, and every new value is as long as the one it
//! replaces. The record is changed as it is instead of being made again out of its fields.
//!
//! Invariant: the record is byte by byte the one that [`super::row::record`] would make of the new fields, but for what genuine records
//! may have otherwise (see `holdfast_format::record::writer`), which stays.

use holdfast_format::catalog::object::SYSCOLPARS;
use holdfast_format::record::fixed_var;
use holdfast_types::SqlResult;

use super::changes::Touched;
use super::table::{Base, StoredWriter, padded};
use super::tree::Way;
use super::writing::{DatabaseTransaction, failure};
use super::{NewRow, WriteContext, row};

/// A locked row's record before and after its change.
struct Patched {
    old: Vec<u8>,
    new: Vec<u8>,
    way: Way,
}

impl StoredWriter {
    /// Whether updates may be done here at all.
    pub(super) fn may_stay_in_place(&self, touched: &Touched<'_>) -> bool {
        !touched.rekeyed
            && touched.indexes.is_empty()
            && self.unkept.is_empty()
            && self.apart.is_empty()
            && self.layout().compression == 0
            && self.object_id != SYSCOLPARS
            && matches!(&self.base, Base::Tree { .. })
    }

    /// Updates a row that is locked, if that changes bytes of its record only; `false`: nothing was done.
    pub(super) fn update_in_place(
        &self,
        write: WriteContext<'_>,
        part: &DatabaseTransaction,
        place: &[u8],
        row: &NewRow,
        changed: &[usize],
    ) -> SqlResult<bool> {
        let Base::Tree { tree, .. } = &self.base else { return Ok(false) };
        let Some(Patched { old, new, way }) = self.patched(part, place, row, changed)? else {
            return Ok(false);
        };
        let key = tree.key_of_fields(place).map_err(|e| failure(&e))?;
        let mut at = self.enter(write, part, &|_| Ok(Vec::new()))?;
        self.note(write, place, Some(&old));
        tree.replace(&mut at.change, &mut at.log, &key, place, &new, Some(&way)).map_err(|e| failure(&e))?;
        Ok(true)
    }

    fn patched(
        &self,
        part: &DatabaseTransaction,
        place: &[u8],
        row: &NewRow,
        changed: &[usize],
    ) -> SqlResult<Option<Patched>> {
        let Base::Tree { tree, .. } = &self.base else { return Ok(None) };
        let known = Self::known_way(part, tree, place);
        let found = self.locked_in(tree, place, known, |record| Ok(record.to_vec()))?;
        let (old, way) = found.ok_or_else(Self::gone)?;
        let mut new = old.clone();
        let mut scratch = Vec::new();
        for &ordinal in changed {
            let Some(position) = self.positions.get(ordinal).copied().flatten() else { continue };
            let (Some(ty), Some(column)) = (self.types.get(ordinal), self.layout().columns.get(position))
            else {
                return Ok(None);
            };
            if column.is_large() || column.is_sparse() {
                return Ok(None);
            }
            let value = row.values.get(ordinal).unwrap_or(&holdfast_types::Value::Null);
            let stored = padded(ty, column, row::stored_with(ty, value, &mut scratch)?);
            let done = !stored.complex
                && fixed_var::set_in_place(&mut new, &column.leaf, stored.bytes.as_deref())
                    .map_err(|e| failure(&super::table::internal(e.what)))?;
            if !done {
                // The way is not lost for who makes the record out of its fields.
                let (rowset, place) = (tree.access.rowset, place.into());
                *part.located.lock() = Some(super::writing::Located { rowset, place, way });
                return Ok(None);
            }
        }
        Ok(Some(Patched { old, new, way }))
    }
}
