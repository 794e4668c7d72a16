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
    read_visiting(source, pointer, &mut |_| {})
}

/// Like [`read`], telling `visit` each record it passes.
pub fn read_visiting(
    source: &dyn PageSource,
    pointer: &[u8],
    visit: Visit<'_>,
) -> Result<Option<Vec<u8>>, FormatError> {
    let mut out = Vec::new();
    match Pointer::decode(pointer)? {
        Pointer::Text { id, root } => {
            if root.page.is_null() {
                return Ok(None);
            }
            let found = append_node(source, root, Some(id), None, 0, &mut out, visit)?;
            Ok(found.then_some(out))
        }
        Pointer::Inline { id, links, .. } => {
            append_links(source, &links, Some(u64::from(id) << 16), 0, &mut out, visit)?;
            Ok(Some(out))
        }
    }
}

fn append_links(
    source: &dyn PageSource,
    links: &[Link],
    id: Option<u64>,
    depth: usize,
    out: &mut Vec<u8>,
    visit: Visit<'_>,
) -> Result<(), FormatError> {
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
        append_node(source, link.target, id, Some(wanted), depth, out, visit)?;
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
    source: &dyn PageSource,
    at: Rid,
    id: Option<u64>,
    wanted: Option<u64>,
    depth: usize,
    out: &mut Vec<u8>,
    visit: Visit<'_>,
) -> Result<bool, FormatError> {
    let fail = |what| FormatError::Lob { page: at.page, slot: at.slot, what };
    if depth > MAX_DEPTH {
        return Err(fail("the tree is too deep"));
    }
    visit(at);
    let page = source.page(at.page)?;
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
            if wanted.is_some_and(|w| w != data.len() as u64) {
                return Err(fail("a piece does not have the length its link gives"));
            }
            out.extend_from_slice(data);
        }
        Node::Links { links, .. } => {
            if let (Some(wanted), Some(last)) = (wanted, links.last())
                && last.end != wanted
            {
                return Err(fail("a node does not have the length its link gives"));
            }
            append_links(source, &links, id, depth + 1, out, visit)?;
        }
    }
    Ok(true)
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
    use super::*;

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
