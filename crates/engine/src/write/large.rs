//! Large values: pieces on pages of their own, linked from the row.
//!
//! Invariants
//! 1. A value that is replaced or removed takes its pieces with it, in the same transaction.
//! 2. Pieces are written before the row that points to them, and removed after the row has left them. A piece that grows does so
//!    before the row (its link names the old part until then), one that changes its bytes in place after it: whoever read pieces
//!    looks afterwards whether the row is still the one that led to them (`stored::large`).
//! 3. A page that lost its last piece is used again for pieces of its unit (`stored::room`), and given back to the extent, and the
//!    extent to the file, once nobody can want its pieces back (`write::ghost`). The PFS has how full it is.

use std::collections::HashSet;
use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::PageSource;
use holdfast_format::allocation::pfs;
use holdfast_format::catalog::unit_type;
use holdfast_format::lob::{self, Link, Node, Pointer};
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::{PageType, PageView};
use holdfast_format::record::{PageRows, status};
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::space::Format;
use holdfast_storage::write::{Body, Change, LogTransaction, Undo, UnitId, What};

use super::pointers;
use super::tree::{Tree, record_bytes};
use super::undo::FixedRows;
use crate::stored::LiveRowsets;
use crate::stored::live::LiveRowset;
use crate::stored::room::SLOTS_MAX;

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
/// Bytes before the data of a piece.
const HEAD: usize = 14;
/// A piece that others follow is at least as long when its page has no room for more.
const LEAST: usize = 6000;
/// A piece with more than this goes to an empty page, smaller ones share pages.
const SHARING: usize = 4000;
/// Pages that are looked at before another extent is asked for.
const TRIES: usize = 8;

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
        let links = self.put_pieces(change, transaction, id, data, PIECE)?;
        let limit = if form == Form::Text { ROOT_LINKS } else { INLINE_LINKS };
        let (level, links) = self.put_nodes(change, transaction, id, links, limit, &[])?;
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

    /// Pieces of `data`, `most` bytes in each but the last.
    fn put_pieces(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        id: u64,
        data: &[u8],
        most: usize,
    ) -> RecoveryResult<Vec<Link>> {
        let mut links = Vec::new();
        for piece in data.chunks(most.max(1)) {
            let target = self.put(change, transaction, &lob::build_data(id, piece))?;
            let before = links.last().map_or(0, |l: &Link| l.end);
            links.push(Link { end: before + piece.len() as u64, target });
        }
        Ok(links)
    }

    /// Inner nodes over `links` until no more than `limit` links are left; those that stand among `nodes` already are not written
    /// again.
    fn put_nodes(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        id: u64,
        mut links: Vec<Link>,
        limit: usize,
        nodes: &[(Rid, Vec<u8>)],
    ) -> RecoveryResult<(u16, Vec<Link>)> {
        let mut level = 0u16;
        while links.len() > limit {
            let mut upper = Vec::new();
            for part in links.chunks(INNER_LINKS) {
                let base = upper.last().map_or(0, |l: &Link| l.end);
                // Ends are counted from the beginning of the node's own part.
                let own: Vec<Link> =
                    part.iter().map(|l| Link { end: l.end - base, target: l.target }).collect();
                let record = lob::build_internal(id, level, INNER_LINKS as u16, &own);
                let target = match nodes.iter().find(|(_, known)| *known == record) {
                    Some((at, _)) => *at,
                    None => self.put(change, transaction, &record)?,
                };
                upper.push(Link { end: part.last().map_or(base, |l| l.end), target });
            }
            links = upper;
            level += 1;
        }
        Ok((level, links))
    }

    /// Writes a value in the place of another one of the same column, as far as they differ: pieces that both have stay. Answers
    /// the new pointer, and what is to change in pieces that stay, once the row leads to them by it. `None`: the old value is not
    /// of a kind for that.
    pub fn rewrite(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        old: &[u8],
        data: &[u8],
    ) -> RecoveryResult<Option<(Vec<u8>, Vec<Overwrite>)>> {
        let fail = |error| RecoveryError::Unreadable { page: PageId::NULL, error };
        let Ok(Pointer::Inline { row_overflow: false, level, unused, update_sequence, id, links }) =
            Pointer::decode(old)
        else {
            return Ok(None);
        };
        let lob::Parts { pieces, nodes, id: whole } = lob::parts(change.source(), old).map_err(fail)?;
        let pointer = |level, links| {
            let update_sequence = update_sequence.wrapping_add(1);
            Pointer::Inline { row_overflow: false, level, unused, update_sequence, id, links }.encode()
        };
        let id = whole.unwrap_or(u64::from(id) << 16);
        // What both have at the front and at the back.
        let (mut front, mut from) = (0, 0);
        while let Some(piece) = pieces.get(front)
            && let Some(bytes) = data.get(from..from + piece.length)
            && holds(change, piece, bytes)?
        {
            (front, from) = (front + 1, from + piece.length);
        }
        let (mut back, mut to) = (pieces.len(), data.len());
        while back > front
            && let Some(piece) = pieces.get(back - 1)
            && let Some(start) = to.checked_sub(piece.length).filter(|s| *s >= from)
            && holds(change, piece, &data[start..to])?
        {
            (back, to) = (back - 1, start);
        }
        if front == pieces.len() && from == data.len() {
            return Ok(Some((old.to_vec(), Vec::new())));
        }
        let length: usize = pieces[front..back].iter().map(|p| p.length).sum();
        if length == to - from {
            let mut at = from;
            let mut later = Vec::new();
            for piece in &pieces[front..back] {
                let new = &data[at..at + piece.length];
                at += piece.length;
                later.extend(with_piece(change, piece, |bytes, _| Overwrite::of(piece.at, bytes, new))?);
            }
            return Ok(Some((pointer(level, links), later)));
        }
        if front == pieces.len()
            && let Some(last) = pieces.last()
            && let Some(more) = self.grow(change, transaction, last, &data[from..])?
        {
            let more = from + more;
            let mut leaves = linked(pieces.iter().map(|p| (p.at, p.length)), 0);
            if let Some(last) = leaves.last_mut() {
                last.end = more as u64;
            }
            let behind = self.put_pieces(change, transaction, id, &data[more..], PIECE)?;
            leaves.extend(behind.iter().map(|l| Link { end: l.end + more as u64, target: l.target }));
            let (level, links) = self.put_nodes(change, transaction, id, leaves, INLINE_LINKS, &nodes)?;
            return Ok(Some((pointer(level as u8, links), Vec::new())));
        }
        // Neighbours with which what is written makes one piece go into it: pieces do not become smaller and smaller.
        while from < to && front > 0 && to - from < PIECE && pieces[front - 1].length < PIECE {
            (front, from) = (front - 1, from - pieces[front - 1].length);
        }
        if from < to && back < pieces.len() && to - from < PIECE && to - from + pieces[back].length <= PIECE {
            (back, to) = (back + 1, to + pieces[back].length);
        }
        // Pieces in the middle are of one length: whoever comes next finds room in all of them.
        let count = (to - from).div_ceil(PIECE).max(1);
        let most = if back == pieces.len() { PIECE } else { (to - from).div_ceil(count) };
        let written = self.put_pieces(change, transaction, id, &data[from..to], most)?;
        let mut leaves = linked(pieces[..front].iter().map(|p| (p.at, p.length)), 0);
        leaves.extend(written.iter().map(|l| Link { end: l.end + from as u64, target: l.target }));
        leaves.extend(linked(pieces[back..].iter().map(|p| (p.at, p.length)), to as u64));
        let (level, links) = self.put_nodes(change, transaction, id, leaves, INLINE_LINKS, &nodes)?;
        Ok(Some((pointer(level as u8, links), Vec::new())))
    }

    /// Adds bytes, as many as go into it, to a piece where it stands; `None`: it is rather to be written anew.
    fn grow(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        piece: &lob::Piece,
        more: &[u8],
    ) -> RecoveryResult<Option<usize>> {
        let page = piece.at.page;
        let plain = with_piece(change, piece, |bytes, tagged| bytes.len() == piece.length && !tagged)?;
        let wanted = more.len().min(PIECE.saturating_sub(piece.length));
        let fits = wanted.min(change.free_bytes(page, transaction.id)?);
        if wanted > 0 && !plain || fits < wanted && piece.length + fits < LEAST {
            return Ok(None);
        }
        if fits > 0 {
            self.modify(change, transaction, piece.at, piece.length, &[], &more[..fits])?;
            self.note_room(change, page)?;
        }
        Ok(Some(fits))
    }

    /// Changes bytes of a piece.
    pub fn overwrite(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        what: &Overwrite,
    ) -> RecoveryResult<()> {
        self.modify(change, transaction, what.at, what.offset, &what.old, &what.new)
    }

    fn modify(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        at: Rid,
        offset: usize,
        old: &[u8],
        new: &[u8],
    ) -> RecoveryResult<()> {
        let size_or_flags = old.len() as u16;
        let row = RowTarget { offset: (HEAD + offset) as u16, size_or_flags, ..self.row_target() };
        let body = Body::Row { row, elements: &[old, new, &[], &[]] };
        let (operation, context) = (op::MODIFY_ROW, context::TEXT_MIX);
        let what = What { operation, context, page: at.page, slot: at.slot, unit: self.unit(), body };
        change.log(transaction, what, self.undo()).map(|_| ())
    }

    /// Removes the pieces a pointer leads to, but for those that `kept` leads to as well.
    pub fn remove(
        &self,
        change: &mut Change<'_>,
        transaction: &mut LogTransaction,
        pointer: &[u8],
        kept: Option<&[u8]>,
    ) -> RecoveryResult<()> {
        let unreadable = |error| RecoveryError::Unreadable { page: PageId::NULL, error };
        let parts = lob::parts(change.source(), pointer).map_err(unreadable)?;
        let id = |pointer| match Pointer::decode(pointer) {
            Ok(Pointer::Inline { id, .. }) => Some(id),
            _ => None,
        };
        let mut stays = HashSet::new();
        if let Some(kept) = kept.filter(|k| id(k).is_some() && id(k) == id(pointer)) {
            let parts = lob::parts(change.source(), kept).map_err(unreadable)?;
            stays.extend(parts.pieces.iter().map(|p| p.at).chain(parts.nodes.iter().map(|n| n.0)));
        }
        let all = parts.nodes.iter().map(|n| n.0).chain(parts.pieces.iter().map(|p| p.at));
        for rid in all.filter(|rid| !stays.contains(rid)) {
            let image = change.page(rid.page)?;
            let fail = |error| RecoveryError::Unreadable { page: rid.page, error };
            let rows = PageRows::new(PageView::new(&image)).map_err(fail)?;
            let record = record_bytes(&rows, rid.slot).map_err(fail)?;
            let row = RowTarget { offset: 1, ..self.row_target() };
            let body = Body::Row { row, elements: &[record, &[]] };
            let (page, slot, unit) = (rid.page, rid.slot, UnitId(unit_of(&image)));
            let tree = PageView::new(&image).is(PageType::TextTree);
            let context = if tree { context::TEXT_TREE } else { context::TEXT_MIX };
            let what = What { operation: op::DELETE_ROWS, context, page, slot, unit, body };
            change.log(transaction, what, self.undo())?;
            change.reserve_slot(transaction, page, slot, record.len() + 2);
            self.note_room(change, page)?;
        }
        Ok(())
    }

    /// Tells the PFS and who looks for room how full a page is.
    fn note_room(&self, change: &mut Change<'_>, page: PageId) -> RecoveryResult<()> {
        let image = change.page(page)?;
        let view = PageView::new(&image);
        if view.is(PageType::TextMix) {
            change.note_fullness(page, 8096 - usize::from(view.free_count()).min(8096))?;
        }
        self.live.unit(self.kind).room.lock().note(page, view);
        if view.slot_count() == 0 {
            self.live.note_ghosts(page);
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
        let (page, slot) = self.page_with_room(change, transaction, record.len() + 2)?;
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
        self.note_room(change, page)?;
        Ok(Rid { page, slot })
    }

    /// A page of the unit with `need` bytes that this transaction may use, and the slot to use there.
    fn page_with_room(
        &self,
        change: &mut Change<'_>,
        transaction: &LogTransaction,
        need: usize,
    ) -> RecoveryResult<(PageId, u16)> {
        let unit = self.live.unit(self.kind);
        if !unit.room.lock().known {
            self.look_for_room(change)?;
        }
        let both = [false, true];
        for empty in if need > SHARING { &both[1..] } else { &both[..] } {
            let count = unit.room.lock().count(*empty).min(TRIES);
            for _ in 0..count {
                let Some(page) = unit.room.lock().next(*empty) else { break };
                if let Some(slot) = self.place_on(change, transaction, page, need)? {
                    return Ok((page, slot));
                }
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
        Ok((page, 0))
    }

    /// The slot that a record of `need` bytes, its slot among them, gets on a page; `None`: it has no room for that.
    fn place_on(
        &self,
        change: &Change<'_>,
        transaction: &LogTransaction,
        page: PageId,
        need: usize,
    ) -> RecoveryResult<Option<u16>> {
        let unit = self.live.unit(self.kind);
        if page.page >= change.source().page_count(page.file) {
            unit.room.lock().forget(page);
            return Ok(None);
        }
        let image = change.page(page)?;
        let view = PageView::new(&image);
        let in_use = change.is_allocated(page)?;
        if !in_use || !view.is(PageType::TextMix) || unit_of(&image) != unit.id() {
            unit.room.lock().forget(page);
            return Ok(None);
        }
        let slots = view.slot_count();
        // Slots that a deletion has emptied may be wanted back by its rollback: new pieces go behind all of them.
        let slot = if change.is_reserved(page) {
            change.slot_behind(page)?
        } else {
            (0..slots).find(|&s| view.slot_is_empty(s)).unwrap_or(slots)
        };
        let need = need - 2 + 2 * usize::from((slot + 1).saturating_sub(slots));
        let fits = slot < SLOTS_MAX && change.free_bytes(page, transaction.id)? >= need;
        Ok(fits.then_some(slot))
    }

    /// Asks the maps which pages are not full. Those that are empty may be given back as well.
    fn look_for_room(&self, change: &Change<'_>) -> RecoveryResult<()> {
        let unit = self.live.unit(self.kind);
        let mut room = unit.room.lock();
        room.known = true;
        let first_iam = unit.first_iam();
        if first_iam.is_null() {
            return Ok(());
        }
        let fail = |error| RecoveryError::Unreadable { page: first_iam, error };
        let pages = holdfast_format::allocation::iam::unit_pages(change.source(), first_iam).map_err(fail)?;
        let mut reader = holdfast_format::allocation::iam::PfsReader::default();
        for page in pages {
            match reader.byte(change.source(), page).map_err(fail)? & pfs::FULLNESS {
                0 => {
                    room.note_empty(page);
                    self.live.note_ghosts(page);
                }
                1 | 2 => room.note_some(page),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Bytes of a piece that change in their place.
pub struct Overwrite {
    at: Rid,
    offset: usize,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Overwrite {
    /// What makes `old` the `new` bytes, as many as those.
    fn of(at: Rid, old: &[u8], new: &[u8]) -> Option<Self> {
        let differs = |(a, b): (&u8, &u8)| a != b;
        let from = old.iter().zip(new).position(differs)?;
        let to = old.iter().zip(new).rposition(differs)? + 1;
        Some(Overwrite { at, offset: from, old: old[from..to].to_vec(), new: new[from..to].to_vec() })
    }
}

/// Runs `f` with the bytes of a piece that its link names, or more, and whether a version tag stands behind them.
fn with_piece<T>(
    change: &Change<'_>,
    piece: &lob::Piece,
    f: impl FnOnce(&[u8], bool) -> T,
) -> RecoveryResult<T> {
    let page = piece.at.page;
    let fail = |error| RecoveryError::Unreadable { page, error };
    let image = change.page(page)?;
    let record = PageView::new(&image).require_record(piece.at.slot).map_err(fail)?;
    let (_, node) = lob::decode_node(record).map_err(|e| fail(e.at(page, piece.at.slot)))?;
    let tagged = record.first().is_some_and(|b| b & status::VERSION_TAG != 0);
    Ok(f(if let Node::Data(data) = node { data } else { &[] }, tagged))
}

/// Whether a piece has these bytes.
fn holds(change: &Change<'_>, piece: &lob::Piece, bytes: &[u8]) -> RecoveryResult<bool> {
    with_piece(change, piece, |data, _| data == bytes)
}

/// Links to pieces in a row, the first of which begins at `start`.
fn linked(pieces: impl Iterator<Item = (Rid, usize)>, start: u64) -> Vec<Link> {
    let mut end = start;
    pieces
        .map(|(target, length)| {
            end += length as u64;
            Link { end, target }
        })
        .collect()
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
