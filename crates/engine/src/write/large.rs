//! Large values: pieces on pages of their own, linked from the row.
//!
//! Invariants
//! 1. A value that is replaced or removed takes its pieces with it, in the same transaction.
//! 2. Pieces are written before the row that points to them.

use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::catalog::unit_type;
use holdfast_format::lob::{self, Link, Pointer};
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::{PageType, PageView};
use holdfast_format::record::PageRows;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::space::Format;
use holdfast_storage::write::{Body, Change, LogTransaction, Undo, UnitId, What};

use super::pointers;
use super::tree::{Tree, record_bytes};
use super::undo::FixedRows;
use crate::stored::LiveRowsets;
use crate::stored::live::LiveRowset;

/// Bytes of data in a piece that fills its page.
const PIECE: usize = 8040;
/// Links of an inner node that fills its page.
const INNER_LINKS: usize = 500;
/// Links of a MAX pointer in its row.
const INLINE_LINKS: usize = 5;
/// Links of the root of a text pointer.
const ROOT_LINKS: usize = 5;
/// Data of a text value that fits its root.
const SMALL: usize = 64;

/// Writes and removes large values of one rowset.
pub struct Large {
    pub live: Arc<LiveRowset>,
    pub rowsets: Arc<LiveRowsets>,
    pub pointers: Option<Arc<Tree>>,
    /// [`unit_type::LOB`] or [`unit_type::ROW_OVERFLOW`].
    pub kind: u8,
}

/// What leads to the value from the row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// text, ntext, image: 16 bytes, root on a page.
    Text,
    /// MAX types, xml: links in the row.
    Inline,
    /// A column pushed off its row.
    Overflow,
}

impl Large {
    fn unit(&self) -> UnitId {
        UnitId(self.live.unit(self.kind).id())
    }

    /// Writes a value; answers the pointer for the row. `id` is unique among the values of the database.
    pub fn write(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        form: Form,
        id: u64,
        data: &[u8],
    ) -> RecoveryResult<Vec<u8>> {
        if form == Form::Text && data.len() <= SMALL {
            let root = self.put(change, transaction, &lob::build_small_root(id, data))?;
            return Ok(Pointer::Text { id, root }.encode());
        }
        let mut links = Vec::new();
        for piece in data.chunks(PIECE) {
            let target = self.put(change, transaction, &lob::build_data(id, piece))?;
            let before = links.last().map_or(0, |l: &Link| l.end);
            links.push(Link { end: before + piece.len() as u64, target });
        }
        let mut level = 0u16;
        let limit = if form == Form::Text { ROOT_LINKS } else { INLINE_LINKS };
        while links.len() > limit {
            let mut upper = Vec::new();
            for part in links.chunks(INNER_LINKS) {
                let base = upper.last().map_or(0, |l: &Link| l.end);
                // Ends are counted from the beginning of the node's own part.
                let own: Vec<Link> =
                    part.iter().map(|l| Link { end: l.end - base, target: l.target }).collect();
                let record = lob::build_internal(id, level, INNER_LINKS as u16, &own);
                let target = self.put(change, transaction, &record)?;
                upper.push(Link { end: part.last().map_or(base, |l| l.end), target });
            }
            links = upper;
            level += 1;
        }
        Ok(match form {
            Form::Text => {
                let root = self.put(change, transaction, &lob::build_large_root(id, level, &links))?;
                Pointer::Text { id, root }.encode()
            }
            Form::Inline | Form::Overflow => Pointer::Inline {
                row_overflow: form == Form::Overflow,
                level: level as u8,
                unused: 0,
                update_sequence: 1,
                id: (id >> 16) as u32,
                links,
            }
            .encode(),
        })
    }

    /// Removes the pieces a pointer leads to.
    pub fn remove(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        pointer: &[u8],
    ) -> RecoveryResult<()> {
        let mut pieces = Vec::new();
        lob::read_visiting(change.source(), pointer, &mut |rid| pieces.push(rid))
            .map_err(|error| RecoveryError::Unreadable { page: PageId::NULL, error })?;
        for rid in pieces {
            let image = change.page(rid.page)?;
            let fail = |error| RecoveryError::Unreadable { page: rid.page, error };
            let rows = PageRows::new(PageView::new(&image)).map_err(fail)?;
            let record = record_bytes(&rows, rid.slot).map_err(fail)?;
            let row = RowTarget { offset: 1, ..self.row_target() };
            let body = Body::Row { row, elements: &[record, &[]] };
            let (page, slot, unit) = (rid.page, rid.slot, UnitId(unit_of(&image)));
            let what =
                What { operation: op::DELETE_ROWS, context: context::TEXT_MIX, page, slot, unit, body };
            change.log(transaction, what, self.undo())?;
            change.reserve_slot(transaction, page, slot, record.len() + 2);
        }
        Ok(())
    }

    fn undo(&self) -> Undo {
        Undo::Row { rows: Arc::new(FixedRows(Arc::clone(&self.live))), key: Box::default(), count: 0 }
    }

    fn row_target(&self) -> RowTarget {
        RowTarget { rowset: self.live.rowset, space_bits: 0x41, ..RowTarget::default() }
    }

    fn put(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        record: &[u8],
    ) -> RecoveryResult<Rid> {
        let unit = self.live.unit(self.kind);
        if unit.id() == 0 {
            return Err(RecoveryError::Database {
                what: format!("rowset {} has no allocation unit for large values", self.live.rowset),
            });
        }
        let page = self.page_with_room(change, transaction, record.len() + 2)?;
        // Slots that a deletion has emptied may be wanted back by its rollback: new pieces go behind all of them.
        let slot = change.slot_behind(page)?;
        let body = Body::Row { row: self.row_target(), elements: &[record, &[], &[]] };
        let what = What {
            operation: op::INSERT_ROWS,
            context: context::TEXT_MIX,
            page,
            slot,
            unit: self.unit(),
            body,
        };
        change.log(transaction, what, self.undo())?;
        let image = change.page(page)?;
        let free = usize::from(PageView::new(&image).free_count());
        change.note_fullness(page, 8096 - free.min(8096))?;
        Ok(Rid { page, slot })
    }

    fn page_with_room(
        &self,
        change: &mut Change<'_>,
        transaction: &LogTransaction,
        need: usize,
    ) -> RecoveryResult<PageId> {
        let unit = self.live.unit(self.kind);
        let last = unit.last_used();
        if !last.is_null() {
            let image = change.page(last)?;
            let view = PageView::new(&image);
            let ours = view.is(PageType::TextMix) && unit_of(&image) == unit.id();
            let behind = change.slot_behind(last)?;
            let need = need + 2 * usize::from(behind - view.slot_count());
            if ours && change.free_bytes(last, transaction.id)? >= need && behind < 1000 {
                return Ok(last);
            }
        }
        let files = self.rowsets.files(self.live.filegroup);
        let (page, taken) = change.system("AllocLobPage", Some(transaction), |change, own| {
            let mut first_iam = unit.first_iam();
            let empty = first_iam.is_null();
            let (page, taken) = change.allocate(own, self.unit(), &files, &mut first_iam, 0)?;
            let format = Format { kind: PageType::TextMix, ..Format::default() };
            change.format_page(own, page, self.unit(), format)?;
            if empty && let Some(tree) = &self.pointers {
                let (first, iam) = (Some(page), Some(first_iam));
                pointers::set_of(tree, change, own, &self.live, self.kind, first, first, iam)?;
            }
            Ok((page, taken))
        })?;
        pointers::count(&self.live, unit, taken, 0);
        unit.set_last_used(page);
        Ok(page)
    }
}

/// Allocation unit id in a page's header.
fn unit_of(image: &holdfast_format::PageBytes) -> u64 {
    let header = holdfast_format::page::PageHeader::decode(image);
    u64::from(header.index_id) << 48 | u64::from(header.object_id) << 16
}

/// [`unit_type`] for a form.
pub const fn kind_of(form: Form) -> u8 {
    match form {
        Form::Overflow => unit_type::ROW_OVERFLOW,
        Form::Text | Form::Inline => unit_type::LOB,
    }
}
