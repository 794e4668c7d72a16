//! The page header, bytes 0–95, and its constants.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | header version, 1; 0 = never formatted |
//! | 1 | 1 | page type |
//! | 2 | 1 | type flags |
//! | 3 | 1 | level |
//! | 4 | 2 | flags |
//! | 6 | 2 | index id = high word of the allocation unit id |
//! | 8 | 6 | previous page |
//! | 14 | 2 | pminlen |
//! | 16 | 6 | next page |
//! | 22 | 2 | slot count |
//! | 24 | 4 | object id = middle dword of the allocation unit id |
//! | 28 | 2 | free bytes |
//! | 30 | 2 | end of the used area |
//! | 32 | 6 | own address |
//! | 38 | 2 | reserved bytes |
//! | 40 | 10 | LSN of the last change |
//! | 50 | 2 | bytes reserved by the last reserving transaction |
//! | 52 | 6 | that transaction |
//! | 58 | 2 | ghost records |
//! | 60 | 4 | checksum or torn bits |
//! | 64 | 32 | zero |
//!
//! Invariants
//! 1. [`PageHeader::encode`] writes back exactly the bytes [`PageHeader::decode`] read.

use holdfast_base::{Lsn, PageId};

use super::PageBytes;

/// `m_flagBits`.
pub mod flag {
    /// The page carries a checksum.
    pub const CHECKSUM: u16 = 0x0200;
    /// The page carries torn-page bits.
    pub const TORN: u16 = 0x0100;
    /// Some record has a version tag.
    pub const VERSIONED: u16 = 0x2000;
    /// Filled in order by a bulk build; dropped on the first insert or delete.
    pub const BULK: u16 = 0x0004 | 0x0020;
    /// Set on pages of large values.
    pub const LOB: u16 = 0x8000;
}

/// `m_typeFlagBits`: the page begins with a compression information structure.
pub const TYPE_FLAG_COMPRESSED: u8 = 0x80;

/// Object id in the headers of the fixed pages of a file.
pub const FIXED_PAGE_OBJECT: u32 = 99;

/// Kinds of pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum PageType {
    /// Heap pages and the leaves of clustered indexes.
    Data = 1,
    /// Upper levels of every index and leaves of nonclustered ones.
    Index = 2,
    /// Pieces and roots of large values.
    TextMix = 3,
    /// One inner node of a large value.
    TextTree = 4,
    Sort = 7,
    Gam = 8,
    Sgam = 9,
    Iam = 10,
    Pfs = 11,
    Boot = 13,
    FileHeader = 15,
    DifferentialMap = 16,
    MinimalLogMap = 17,
}

impl PageType {
    pub const fn from_raw(raw: u8) -> Option<Self> {
        Some(match raw {
            1 => PageType::Data,
            2 => PageType::Index,
            3 => PageType::TextMix,
            4 => PageType::TextTree,
            7 => PageType::Sort,
            8 => PageType::Gam,
            9 => PageType::Sgam,
            10 => PageType::Iam,
            11 => PageType::Pfs,
            13 => PageType::Boot,
            15 => PageType::FileHeader,
            16 => PageType::DifferentialMap,
            17 => PageType::MinimalLogMap,
            _ => return None,
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            PageType::Data => "data",
            PageType::Index => "index",
            PageType::TextMix => "text mix",
            PageType::TextTree => "text tree",
            PageType::Sort => "sort",
            PageType::Gam => "GAM",
            PageType::Sgam => "SGAM",
            PageType::Iam => "IAM",
            PageType::Pfs => "PFS",
            PageType::Boot => "boot",
            PageType::FileHeader => "file header",
            PageType::DifferentialMap => "differential map",
            PageType::MinimalLogMap => "minimally logged map",
        }
    }
}

/// All fields of the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PageHeader {
    pub header_version: u8,
    pub page_type: u8,
    pub type_flags: u8,
    pub level: u8,
    pub flags: u16,
    pub index_id: u16,
    pub previous: PageId,
    pub pminlen: u16,
    pub next: PageId,
    pub slot_count: u16,
    pub object_id: u32,
    pub free_count: u16,
    pub free_data: u16,
    pub page_id: PageId,
    pub reserved_count: u16,
    pub lsn: Lsn,
    pub xact_reserved: u16,
    /// Low 4 and high 2 bytes of the transaction id, as stored.
    pub xdes_id: [u8; 6],
    pub ghost_count: u16,
    pub torn_bits: u32,
    pub tail: [u8; 32],
}

fn array<const N: usize>(page: &PageBytes, at: usize) -> [u8; N] {
    let mut out = [0u8; N];
    out.copy_from_slice(&page[at..at + N]);
    out
}

impl PageHeader {
    /// A header for a page about to be filled, without records.
    pub fn new(page_id: PageId, page_type: PageType, unit_id: u64, pminlen: u16) -> Self {
        PageHeader {
            header_version: 1,
            page_type: page_type as u8,
            index_id: (unit_id >> 48) as u16,
            object_id: (unit_id >> 16) as u32,
            pminlen,
            page_id,
            free_count: 8096,
            free_data: 96,
            ..PageHeader::default()
        }
    }

    pub fn decode(page: &PageBytes) -> Self {
        let u16_at = |at: usize| u16::from_le_bytes([page[at], page[at + 1]]);
        PageHeader {
            header_version: page[0],
            page_type: page[1],
            type_flags: page[2],
            level: page[3],
            flags: u16_at(4),
            index_id: u16_at(6),
            previous: PageId::from_bytes(array(page, 8)),
            pminlen: u16_at(14),
            next: PageId::from_bytes(array(page, 16)),
            slot_count: u16_at(22),
            object_id: u32::from_le_bytes(array(page, 24)),
            free_count: u16_at(28),
            free_data: u16_at(30),
            page_id: PageId::from_bytes(array(page, 32)),
            reserved_count: u16_at(38),
            lsn: Lsn::from_bytes(array(page, 40)),
            xact_reserved: u16_at(50),
            xdes_id: array(page, 52),
            ghost_count: u16_at(58),
            torn_bits: u32::from_le_bytes(array(page, 60)),
            tail: array(page, 64),
        }
    }

    pub fn encode(&self, page: &mut PageBytes) {
        page[0] = self.header_version;
        page[1] = self.page_type;
        page[2] = self.type_flags;
        page[3] = self.level;
        page[4..6].copy_from_slice(&self.flags.to_le_bytes());
        page[6..8].copy_from_slice(&self.index_id.to_le_bytes());
        page[8..14].copy_from_slice(&self.previous.to_bytes());
        page[14..16].copy_from_slice(&self.pminlen.to_le_bytes());
        page[16..22].copy_from_slice(&self.next.to_bytes());
        page[22..24].copy_from_slice(&self.slot_count.to_le_bytes());
        page[24..28].copy_from_slice(&self.object_id.to_le_bytes());
        page[28..30].copy_from_slice(&self.free_count.to_le_bytes());
        page[30..32].copy_from_slice(&self.free_data.to_le_bytes());
        page[32..38].copy_from_slice(&self.page_id.to_bytes());
        page[38..40].copy_from_slice(&self.reserved_count.to_le_bytes());
        page[40..50].copy_from_slice(&self.lsn.to_bytes());
        page[50..52].copy_from_slice(&self.xact_reserved.to_le_bytes());
        page[52..58].copy_from_slice(&self.xdes_id);
        page[58..60].copy_from_slice(&self.ghost_count.to_le_bytes());
        page[60..64].copy_from_slice(&self.torn_bits.to_le_bytes());
        page[64..96].copy_from_slice(&self.tail);
    }
}
