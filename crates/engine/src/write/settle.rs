//! Making records that fit: values that are too large for their row go to pages of their own.
//!
//! Invariants
//! 1. What a key is made of, and the row locator of an index entry, stays in the row.
//! 2. Each rowset has its large values in its own units: an index entry never points to pieces of the table's row.

use std::sync::Arc;

use holdfast_format::catalog::unit_type;
use holdfast_format::record::RowLayout;
use holdfast_format::record::layout::xtype;
use holdfast_format::record::writer::RecordShape;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Change, LogTransaction};

use super::large::{Form, Large, Overwrite, kind_of};
use super::row::{self, MAX_ROW, Stored};
use super::table::internal;
use super::writing::Writing;
use crate::stored::live::LiveRowset;

/// A rowset whose rows are made.
pub(super) struct Settling<'a> {
    pub writing: &'a Arc<Writing>,
    pub live: &'a Arc<LiveRowset>,
    pub layout: &'a RowLayout,
    pub shape: RecordShape,
    /// Positions of columns, beside the key's, that stay in the row.
    pub staying: &'a [usize],
    /// Longest value of a MAX type that stays in the row, in bytes; an empty one always does.
    pub in_row: usize,
}

impl Settling<'_> {
    /// Moves large values out of the row until it fits; answers the record. Fields of `kept` that are out of the row already
    /// stay where they are.
    ///
    /// # Errors
    /// `row of … bytes` when nothing more can leave the row; those of the pages.
    pub fn settle(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        fields: &mut [Stored],
        kept: &[Stored],
    ) -> RecoveryResult<Vec<u8>> {
        self.settle_over(change, log, fields, kept, None)
    }

    /// The same for a row that takes the place of one with the fields `kept`: pieces of its large values that are the same go on to be
    /// used. What is to change in them is added to `later`, for [`Self::overwrite`], once the row stands there.
    pub fn settle_over(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        fields: &mut [Stored],
        kept: &[Stored],
        mut later: Option<&mut Vec<Overwrite>>,
    ) -> RecoveryResult<Vec<u8>> {
        let layout = self.layout;
        // What only indexes hold is no part of the row.
        let own = fields.len().min(layout.columns.len());
        let fields = &mut fields[..own];
        let is_new = |fields: &[Stored], i: usize| {
            fields[i].bytes.is_some()
                && !fields[i].complex
                && kept.get(i).is_none_or(|k| *k != fields[i] || !k.complex)
        };
        for i in 0..fields.len() {
            let text = matches!(layout.columns[i].xtype, xtype::TEXT | xtype::NTEXT | xtype::IMAGE);
            let large = layout.columns[i].is_large();
            let length = fields[i].bytes.as_ref().map_or(0, |b| b.len());
            if is_new(fields, i) && (text || (large && length > self.in_row)) {
                let form = if text { Form::Text } else { Form::Inline };
                self.move_out(change, log, &mut fields[i], form, kept.get(i), later.as_deref_mut())?;
            }
        }
        loop {
            // A record beyond 32 KB has no encodable offsets; its length is known without building it.
            let plain: usize = fields.iter().map(|f| f.bytes.as_ref().map_or(0, |b| b.len())).sum();
            if plain <= MAX_ROW {
                let record = row::record(layout, fields, self.shape).map_err(|e| internal(&e.to_string()))?;
                if record.len() <= MAX_ROW {
                    return Ok(record);
                }
            }
            let candidate = (0..fields.len())
                .filter(|&i| {
                    let c = &layout.columns[i];
                    // A sparse value can leave the row where its type has a unit for that.
                    (c.leaf.offset < 0 || c.is_sparse() && c.is_large())
                        && c.key_ordinal == 0
                        && !self.staying.contains(&i)
                        && is_new(fields, i)
                        && fields[i].bytes.as_ref().is_some_and(|b| b.len() > 24)
                })
                .max_by_key(|&i| {
                    (layout.columns[i].is_large(), fields[i].bytes.as_ref().map_or(0, |b| b.len()))
                });
            let Some(i) = candidate else {
                return Err(RecoveryError::Database { what: format!("row of {plain} bytes") });
            };
            let form = if layout.columns[i].is_large() { Form::Inline } else { Form::Overflow };
            self.move_out(change, log, &mut fields[i], form, kept.get(i), later.as_deref_mut())?;
        }
    }

    fn move_out(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        field: &mut Stored,
        form: Form,
        old: Option<&Stored>,
        later: Option<&mut Vec<Overwrite>>,
    ) -> RecoveryResult<()> {
        let data = field.bytes.take().unwrap_or_default();
        if form == Form::Inline
            && let (Some(later), Some(old)) = (later, old.filter(|o| o.complex))
            && let Some(pointer) = &old.bytes
            && let Some((pointer, more)) = self.large(unit_type::LOB).rewrite(change, log, pointer, &data)?
        {
            later.extend(more);
            *field = Stored::pointer(pointer);
            return Ok(());
        }
        let id = self.writing.large_id();
        let pointer = self.large(kind_of(form)).write(change, log, form, id, &data)?;
        *field = Stored::pointer(pointer);
        Ok(())
    }

    /// Removes the pieces of large values of `old` that `new` no longer leads to.
    pub fn drop_large(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        old: &[Stored],
        new: &[Stored],
    ) -> RecoveryResult<()> {
        for (position, field) in old.iter().enumerate() {
            if !field.complex || new.get(position) == Some(field) {
                continue;
            }
            let Some(pointer) = &field.bytes else { continue };
            let overflow = pointer.len() != 16 && pointer.first() == Some(&2);
            let kind = if overflow { unit_type::ROW_OVERFLOW } else { unit_type::LOB };
            let kept = new.get(position).filter(|n| n.complex).and_then(|n| n.bytes.as_deref());
            self.large(kind).remove(change, log, pointer, kept)?;
        }
        Ok(())
    }

    /// Changes bytes in pieces that a row goes on to use ([`Self::settle_over`]); versions of the row have been kept.
    pub fn overwrite(
        &self,
        change: &mut Change<'_>,
        log: &mut LogTransaction,
        all: &[Overwrite],
    ) -> RecoveryResult<()> {
        let large = self.large(unit_type::LOB);
        all.iter().try_for_each(|what| large.overwrite(change, log, what))
    }

    fn large(&self, kind: u8) -> Large {
        Large {
            live: Arc::clone(self.live),
            rowsets: Arc::clone(&self.writing.rowsets),
            pointers: self.writing.pointers(),
            kind,
        }
    }
}
