//! Large values: pointers in rows, and the trees of LOB records they lead to.
//!
//! LOB record: `u16 status (0x08, 0x48 with a version tag behind), u16 length, u64 blob id, u16 type`, then by type:
//! 0 small root (`u16 length @14`, data @20), 2 inner node (`u16 max @14, u16 links @16, u16 level @18`, 16-byte links @20),
//! 3 data (@14), 4/5 large root (`u16 max @14, u16 links @16, u16 level @18`, 12-byte links @24), 8 NULL.
//!
//! Invariants
//! 1. Reading is bounded: depth by [`MAX_DEPTH`], length by what the root announces and by [`MAX_LENGTH`]; the pieces must
//!    add up to the announced ends.
//! 2. Every node must carry the blob id of the pointer that led to it (when the pointer has one).
//! 3. A piece may be longer than its link says for who reads a value that grows meanwhile ([`read`]): a piece grows before its link
//!    does, and what a link does not name is not part of the value. Who checks or changes a value takes no such piece
//!    ([`read_visiting`]).
//!
//! Evidence: docs/format/lob.md; every large value of the genuine corpus is read.

use holdfast_base::{ByteReader, PageId, Rid};

use crate::error::{FormatError, RecordError};
use crate::page::PageView;
use crate::record::VERSION_TAG_SIZE;
use crate::source::PageSource;

/// Levels of a LOB tree.
pub const MAX_DEPTH: usize = 8;
/// Largest value: 2^31 − 1 bytes.
pub const MAX_LENGTH: u64 = 0x7FFF_FFFF;

/// Node types.
pub mod node {
    pub const SMALL_ROOT: u16 = 0;
    pub const INTERNAL: u16 = 2;
    pub const DATA: u16 = 3;
    pub const LARGE_ROOT_OLD: u16 = 4;
    pub const LARGE_ROOT: u16 = 5;
    pub const NULL: u16 = 8;
}

/// Bytes of the LOB record at the start of `bytes`, version tag included.
pub fn record_length(bytes: &[u8]) -> Result<usize, RecordError> {
    let mut reader = ByteReader::new(bytes);
    let status = reader.u16()?;
    let length = usize::from(reader.u16()?);
    let total = length + if status & 0x40 != 0 { VERSION_TAG_SIZE } else { 0 };
    if length < 14 || total > bytes.len() {
        return Err(RecordError::new(2, "the length of a LOB record is out of range"));
    }
    Ok(total)
}

/// A link to a piece: it holds the bytes up to `end` of the value (of the node's part of it).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    pub end: u64,
    pub target: Rid,
}

/// A decoded LOB record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node<'a> {
    Data(&'a [u8]),
    Links { level: u16, links: Vec<Link>, root: bool },
    Null,
}

/// Decodes the LOB record at the start of `bytes`; gives its blob id too.
pub fn decode_node(bytes: &[u8]) -> Result<(u64, Node<'_>), RecordError> {
    let mut reader = ByteReader::new(bytes);
    let status = reader.u16()?;
    if status & 0x0E != 0x08 {
        return Err(RecordError::new(0, "not a LOB record"));
    }
    let length = usize::from(reader.u16()?);
    let bytes = bytes.get(..length).ok_or(RecordError::new(2, "a LOB record is cut off"))?;
    let mut reader = ByteReader::at(bytes, 4);
    let id = reader.u64()?;
    let kind = reader.u16()?;
    let node = match kind {
        node::SMALL_ROOT => {
            let size = usize::from(reader.u16()?);
            reader.seek(20);
            Node::Data(reader.bytes(size)?)
        }
        node::DATA => Node::Data(reader.rest()),
        node::NULL => Node::Null,
        node::INTERNAL => {
            reader.skip(2)?;
            let count = usize::from(reader.u16()?);
            let level = reader.u16()?;
            let mut links = Vec::with_capacity(count.min(512));
            for _ in 0..count {
                links.push(Link { end: reader.u64()?, target: Rid::from_bytes(reader.array()?) });
            }
            Node::Links { level, links, root: false }
        }
        node::LARGE_ROOT | node::LARGE_ROOT_OLD => {
            reader.skip(2)?;
            let count = usize::from(reader.u16()?);
            let level = reader.u16()?;
            reader.seek(24);
            let mut links = Vec::with_capacity(count.min(8));
            for _ in 0..count {
                links.push(Link { end: u64::from(reader.u32()?), target: Rid::from_bytes(reader.array()?) });
            }
            Node::Links { level, links, root: true }
        }
        _ => return Err(RecordError::new(12, "a LOB record has an unknown type")),
    };
    Ok((id, node))
}

/// What a complex column leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pointer {
    /// text, ntext, image: 16 bytes.
    Text { id: u64, root: Rid },
    /// MAX types and xml (`row_overflow` false), or a column pushed off its row.
    Inline { row_overflow: bool, level: u8, unused: u8, update_sequence: u32, id: u32, links: Vec<Link> },
}

impl Pointer {
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let bad = |what| FormatError::LobPointer { what };
        let cut = |_| bad("the pointer is cut off");
        let mut reader = ByteReader::new(bytes);
        if bytes.len() == 16 {
            let id = reader.u64().map_err(cut)?;
            return Ok(Pointer::Text { id, root: Rid::from_bytes(reader.array().map_err(cut)?) });
        }
        let kind = reader.u16().map_err(cut)?;
        if kind != 4 && kind != 2 {
            return Err(bad("the pointer's type is not known"));
        }
        if bytes.len() < 24 || bytes.len() > 12 + 12 * 8 || !bytes.len().is_multiple_of(12) {
            return Err(bad("the pointer has an impossible length"));
        }
        let level = reader.u8().map_err(cut)?;
        let unused = reader.u8().map_err(cut)?;
        let update_sequence = reader.u32().map_err(cut)?;
        let id = reader.u32().map_err(cut)?;
        let mut links = Vec::new();
        while !reader.is_empty() {
            let end = u64::from(reader.u32().map_err(cut)?);
            links.push(Link { end, target: Rid::from_bytes(reader.array().map_err(cut)?) });
        }
        Ok(Pointer::Inline { row_overflow: kind == 2, level, unused, update_sequence, id, links })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = holdfast_base::ByteWriter::new();
        match self {
            Pointer::Text { id, root } => {
                out.u64(*id).bytes(&root.to_bytes());
            }
            Pointer::Inline { row_overflow, level, unused, update_sequence, id, links } => {
                out.u16(if *row_overflow { 2 } else { 4 }).u8(*level).u8(*unused);
                out.u32(*update_sequence).u32(*id);
                for link in links {
                    out.u32(link.end as u32).bytes(&link.target.to_bytes());
                }
            }
        }
        out.buf
    }
}

/// Called for each LOB record visited: its address.
pub type Visit<'v> = &'v mut dyn FnMut(Rid);

/// Reads the whole value a complex column points to; `None` when the pointer says NULL.
pub fn read(source: &dyn PageSource, pointer: &[u8]) -> Result<Option<Vec<u8>>, FormatError> {
    Reading { source, exact: false, visit: &mut |_| {} }.value(pointer)
}

/// Like [`read`], telling `visit` each record it passes; pieces must have the lengths of their links.
pub fn read_visiting(
    source: &dyn PageSource,
    pointer: &[u8],
    visit: Visit<'_>,
) -> Result<Option<Vec<u8>>, FormatError> {
    Reading { source, exact: true, visit }.value(pointer)
}

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub at: Rid,
    /// Bytes of the value in it; the record may have more (invariant 3).
    pub length: usize,
}

/// The records of a value.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub pieces: Vec<Piece>,
    /// Roots and inner nodes with their records.
    pub nodes: Vec<(Rid, Vec<u8>)>,
    /// The id that the records carry, which may be longer than what the pointer has of it.
    pub id: Option<u64>,
}

/// Walks the records that a pointer leads to.
pub fn parts(source: &dyn PageSource, pointer: &[u8]) -> Result<Parts, FormatError> {
    let mut out = Parts::default();
    match Pointer::decode(pointer)? {
        Pointer::Text { root, .. } if root.page.is_null() => {}
        Pointer::Text { id, root } => add_part(source, root, id, None, 0, &mut out)?,
        Pointer::Inline { id, links, .. } => add_parts(source, &links, u64::from(id) << 16, 0, &mut out)?,
    }
    Ok(out)
}

fn add_parts(
    source: &dyn PageSource,
    links: &[Link],
    id: u64,
    depth: usize,
    out: &mut Parts,
) -> Result<(), FormatError> {
    let mut previous = 0;
    for link in links {
        let Some(wanted) = link.end.checked_sub(previous).filter(|_| link.end <= MAX_LENGTH) else {
            let (page, slot) = (link.target.page, link.target.slot);
            return Err(FormatError::Lob { page, slot, what: "the ends of the pieces are out of order" });
        };
        previous = link.end;
        if wanted > 0 {
            add_part(source, link.target, id, Some(wanted), depth, out)?;
        }
    }
    Ok(())
}

fn add_part(
    source: &dyn PageSource,
    at: Rid,
    id: u64,
    wanted: Option<u64>,
    depth: usize,
    out: &mut Parts,
) -> Result<(), FormatError> {
    let fail = |what| FormatError::Lob { page: at.page, slot: at.slot, what };
    if depth > MAX_DEPTH {
        return Err(fail("the tree is too deep"));
    }
    let page = source.page(at.page)?;
    let view = PageView::new(&page);
    view.expect_id(at.page)?;
    let record = view.require_record(at.slot)?;
    let (found, node) = decode_node(record).map_err(|e| e.at(at.page, at.slot))?;
    if (id >> 16) as u32 != (found >> 16) as u32 {
        return Err(fail("the record belongs to another value"));
    }
    out.id = Some(found);
    match node {
        Node::Null => out.pieces.push(Piece { at, length: 0 }),
        Node::Data(data) => {
            let length = wanted.map_or(data.len(), |w| usize::try_from(w).unwrap_or(usize::MAX));
            if length > data.len() {
                return Err(fail("a piece does not have the length its link gives"));
            }
            out.pieces.push(Piece { at, length });
        }
        Node::Links { links, .. } => {
            if wanted.is_some_and(|w| links.last().is_none_or(|l| l.end != w)) {
                return Err(fail("a node does not have the length its link gives"));
            }
            let length = record_length(record).map_err(|e| e.at(at.page, at.slot))?;
            out.nodes.push((at, record.get(..length).unwrap_or(record).to_vec()));
            add_parts(source, &links, id, depth + 1, out)?;
        }
    }
    Ok(())
}

/// Reads one value.
struct Reading<'a> {
    source: &'a dyn PageSource,
    /// Invariant 3.
    exact: bool,
    visit: Visit<'a>,
}

impl Reading<'_> {
    fn value(&mut self, pointer: &[u8]) -> Result<Option<Vec<u8>>, FormatError> {
        let mut out = Vec::new();
        match Pointer::decode(pointer)? {
            Pointer::Text { id, root } => {
                if root.page.is_null() {
                    return Ok(None);
                }
                let found = self.append_node(root, Some(id), None, 0, &mut out)?;
                Ok(found.then_some(out))
            }
            Pointer::Inline { id, links, .. } => {
                self.append_links(&links, Some(u64::from(id) << 16), 0, &mut out)?;
                Ok(Some(out))
            }
        }
    }

    fn append_links(
        &mut self,
        links: &[Link],
        id: Option<u64>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        let source = self.source;
        let start = out.len() as u64;
        let mut previous = 0u64;
        // Every piece is referenced once, so no value is longer than the files that hold it.
        let pages: u64 = source.files().iter().map(|f| u64::from(source.page_count(*f))).sum();
        let limit = MAX_LENGTH.min(pages.saturating_mul(8096));
        for link in links {
            if link.end < previous || link.end > limit {
                return Err(FormatError::Lob {
                    page: link.target.page,
                    slot: link.target.slot,
                    what: "the ends of the pieces are out of order",
                });
            }
            let wanted = link.end - previous;
            previous = link.end;
            if wanted == 0 {
                continue;
            }
            self.append_node(link.target, id, Some(wanted), depth, out)?;
            if out.len() as u64 != start + link.end {
                return Err(FormatError::Lob {
                    page: link.target.page,
                    slot: link.target.slot,
                    what: "a piece does not have the length its link gives",
                });
            }
        }
        Ok(())
    }

    /// Appends a node's bytes; false for a NULL node. `wanted` is the length its link announces.
    fn append_node(
        &mut self,
        at: Rid,
        id: Option<u64>,
        wanted: Option<u64>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, FormatError> {
        let fail = |what| FormatError::Lob { page: at.page, slot: at.slot, what };
        if depth > MAX_DEPTH {
            return Err(fail("the tree is too deep"));
        }
        (self.visit)(at);
        let page = self.source.page(at.page)?;
        let view = PageView::new(&page);
        view.expect_id(at.page)?;
        let (found, node) = decode_node(view.require_record(at.slot)?).map_err(|e| e.at(at.page, at.slot))?;
        // A pointer keeps 48 bits (text) or 32 bits of the counter; compare what both have.
        if id.is_some_and(|id| (id >> 16) as u32 != (found >> 16) as u32) {
            return Err(fail("the record belongs to another value"));
        }
        match node {
            Node::Null => return Ok(false),
            Node::Data(data) => {
                let length = wanted.map_or(data.len(), |w| usize::try_from(w).unwrap_or(usize::MAX));
                let named = data.get(..length).filter(|d| !self.exact || d.len() == data.len());
                let named = named.ok_or_else(|| fail("a piece does not have the length its link gives"))?;
                out.extend_from_slice(named);
            }
            Node::Links { links, .. } => {
                if let (Some(wanted), Some(last)) = (wanted, links.last())
                    && last.end != wanted
                {
                    return Err(fail("a node does not have the length its link gives"));
                }
                self.append_links(&links, id, depth + 1, out)?;
            }
        }
        Ok(true)
    }
}

/// A DATA record.
pub fn build_data(id: u64, data: &[u8]) -> Vec<u8> {
    let mut out = holdfast_base::ByteWriter::new();
    out.u16(8).u16(14 + data.len() as u16).u64(id).u16(node::DATA).bytes(data);
    out.buf
}

/// A SMALL_ROOT record of at most 64 bytes of data.
pub fn build_small_root(id: u64, data: &[u8]) -> Vec<u8> {
    let mut out = holdfast_base::ByteWriter::new();
    out.u16(8).u16(84).u64(id).u16(node::SMALL_ROOT).u16(data.len() as u16).u32(0).bytes(data);
    out.buf.resize(84, 0);
    out.buf
}

/// A LARGE_ROOT record with at most five links.
pub fn build_large_root(id: u64, level: u16, links: &[Link]) -> Vec<u8> {
    let mut out = holdfast_base::ByteWriter::new();
    out.u16(8).u16(84).u64(id).u16(node::LARGE_ROOT).u16(5).u16(links.len() as u16).u16(level).u32(0);
    for link in links {
        out.u32(link.end as u32).bytes(&link.target.to_bytes());
    }
    out.buf.resize(84, 0);
    out.buf
}

/// An INTERNAL record.
pub fn build_internal(id: u64, level: u16, max_links: u16, links: &[Link]) -> Vec<u8> {
    let mut out = holdfast_base::ByteWriter::new();
    out.u16(8).u16(20 + 16 * links.len() as u16).u64(id).u16(node::INTERNAL);
    out.u16(max_links).u16(links.len() as u16).u16(level);
    for link in links {
        out.u64(link.end).bytes(&link.target.to_bytes());
    }
    out.buf
}

/// First page of a pointer's value, for tests of reachability.
pub fn first_page(pointer: &Pointer) -> Option<PageId> {
    match pointer {
        Pointer::Text { root, .. } => Some(root.page),
        Pointer::Inline { links, .. } => links.first().map(|l| l.target.page),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_base::PAGE_SIZE;

    use super::*;
    use crate::MemoryPages;
    use crate::page::{PageEditor, PageHeader, PageType};

    #[test]
    fn nodes_round_trip() {
        let link = Link { end: 5, target: Rid { page: PageId::new(1, 7), slot: 2 } };
        assert_eq!(decode_node(&build_data(9 << 16, b"hello")), Ok((9 << 16, Node::Data(b"hello"))));
        assert_eq!(decode_node(&build_small_root(9, b"x")), Ok((9, Node::Data(b"x"))));
        let built = build_large_root(3, 0, &[link]);
        let root = decode_node(&built).expect("decodes").1;
        assert_eq!(root, Node::Links { level: 0, links: vec![link], root: true });
        let built = build_internal(3, 0, 501, &[link, link]);
        let inner = decode_node(&built).expect("decodes").1;
        assert_eq!(inner, Node::Links { level: 0, links: vec![link, link], root: false });
    }

    /// Two pieces and an inner node on one page, the second piece longer than its link.
    #[test]
    fn a_piece_that_grows_is_read_as_far_as_its_link_goes() {
        let id = 7u64 << 16;
        let at = PageId::new(1, 3);
        let rid = |slot| Rid { page: at, slot };
        let pointer = |end, target| {
            let links = vec![Link { end, target }];
            Pointer::Inline { row_overflow: false, level: 1, unused: 0, update_sequence: 1, id: 7, links }
                .encode()
        };
        let links = |end| [Link { end: 5, target: rid(0) }, Link { end, target: rid(1) }];
        let mut page = [0u8; PAGE_SIZE];
        let header = PageHeader::new(at, PageType::TextMix, 5 << 16, 0);
        let mut editor = PageEditor::format(&mut page, &header);
        editor.fill_slot(0, &build_data(id, b"hello")).expect("fits");
        editor.fill_slot(1, &build_data(id, b" world")).expect("fits");
        editor.fill_slot(2, &build_internal(id, 0, 501, &links(8))).expect("fits");
        editor.fill_slot(3, &build_internal(id, 0, 501, &links(12))).expect("fits");
        let mut file = vec![0u8; 3 * PAGE_SIZE];
        file.extend_from_slice(&page);
        let pages = MemoryPages::from_file(&file);
        let short = pointer(8, rid(2));
        assert_eq!(read(&pages, &short), Ok(Some(b"hello wo".to_vec())));
        assert!(read_visiting(&pages, &short, &mut |_| {}).is_err());
        let found = parts(&pages, &short).expect("walks");
        let piece = |slot, length| Piece { at: rid(slot), length };
        assert_eq!(found.pieces, [piece(0, 5), piece(1, 3)]);
        assert_eq!((found.nodes.len(), found.id), (1, Some(id)));
        assert!(read(&pages, &pointer(12, rid(3))).is_err(), "a piece that is too short");
        assert!(parts(&pages, &pointer(12, rid(3))).is_err());
        assert!(read(&pages, &pointer(11, rid(3))).is_err() && parts(&pages, &pointer(11, rid(3))).is_err());
    }

    #[test]
    fn pointers_round_trip() {
        let link = Link { end: 5, target: Rid { page: PageId::new(1, 7), slot: 2 } };
        for p in [
            Pointer::Text { id: 1 << 20, root: link.target },
            Pointer::Inline {
                row_overflow: true,
                level: 0,
                unused: 3,
                update_sequence: 1,
                id: 2001,
                links: vec![link],
            },
        ] {
            assert_eq!(Pointer::decode(&p.encode()), Ok(p));
        }
        assert!(Pointer::decode(&[4, 0, 0]).is_err());
    }
}
