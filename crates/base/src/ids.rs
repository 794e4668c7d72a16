//! Addresses inside a database: file, page, slot, log sequence number.
//!
//! Invariants
//! 1. All of them are plain values with the width they have on disk; nothing here checks that they exist.
//! 2. `PageId` orders by file, then page; `Lsn` orders by (vlf, block, slot), which is log order.
//!
//! Evidence: page and RID pointers, LSN layout and its decimal form are verified on genuine files (docs/format/).

use std::fmt;

/// Size of a data page in bytes.
pub const PAGE_SIZE: usize = 8192;

/// File number inside a database (1 = primary data file, 2 usually the log).
pub type FileId = u16;
/// Page number inside a file; byte offset = number × 8192.
pub type PageNumber = u32;
/// Slot number inside a page, from 0.
pub type SlotNumber = u16;

/// A page address: 6 bytes on disk, `page u32, file u16`, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PageId {
    pub file: FileId,
    pub page: PageNumber,
}

impl PageId {
    /// The null pointer `0:0`.
    pub const NULL: PageId = PageId { file: 0, page: 0 };

    pub const fn new(file: FileId, page: PageNumber) -> Self {
        PageId { file, page }
    }

    /// Reads the 6-byte on-disk form.
    #[inline]
    pub fn from_bytes(b: [u8; 6]) -> Self {
        PageId { page: u32::from_le_bytes([b[0], b[1], b[2], b[3]]), file: u16::from_le_bytes([b[4], b[5]]) }
    }

    pub fn to_bytes(self) -> [u8; 6] {
        let p = self.page.to_le_bytes();
        let f = self.file.to_le_bytes();
        [p[0], p[1], p[2], p[3], f[0], f[1]]
    }

    pub fn is_null(self) -> bool {
        self == Self::NULL
    }
}

impl Ord for PageId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.file, self.page).cmp(&(other.file, other.page))
    }
}
impl PartialOrd for PageId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
/// Shown as `(file:page)`, the way SQL Server's messages write it.
impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}:{})", self.file, self.page)
    }
}
impl fmt::Debug for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A record address: 8 bytes on disk, `page u32, file u16, slot u16`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rid {
    pub page: PageId,
    pub slot: SlotNumber,
}

impl Rid {
    pub fn from_bytes(b: [u8; 8]) -> Self {
        Rid {
            page: PageId::from_bytes([b[0], b[1], b[2], b[3], b[4], b[5]]),
            slot: u16::from_le_bytes([b[6], b[7]]),
        }
    }

    pub fn to_bytes(self) -> [u8; 8] {
        let p = self.page.to_bytes();
        let s = self.slot.to_le_bytes();
        [p[0], p[1], p[2], p[3], p[4], p[5], s[0], s[1]]
    }
}
impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}:{}:{})", self.page.file, self.page.page, self.slot)
    }
}
impl fmt::Debug for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A log sequence number: 10 bytes on disk, `vlf u32, block u32, slot u16`; block counts 512-byte units from the start
/// of the VLF, slot counts log records from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn {
    pub vlf: u32,
    pub block: u32,
    pub slot: u16,
}

impl Lsn {
    pub const ZERO: Lsn = Lsn { vlf: 0, block: 0, slot: 0 };
    pub const MAX: Lsn = Lsn { vlf: u32::MAX, block: u32::MAX, slot: u16::MAX };

    pub const fn new(vlf: u32, block: u32, slot: u16) -> Self {
        Lsn { vlf, block, slot }
    }

    #[inline]
    pub fn from_bytes(b: [u8; 10]) -> Self {
        Lsn {
            vlf: u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            block: u32::from_le_bytes([b[4], b[5], b[6], b[7]]),
            slot: u16::from_le_bytes([b[8], b[9]]),
        }
    }

    #[inline]
    pub fn to_bytes(self) -> [u8; 10] {
        let (v, b, s) = (self.vlf.to_le_bytes(), self.block.to_le_bytes(), self.slot.to_le_bytes());
        [v[0], v[1], v[2], v[3], b[0], b[1], b[2], b[3], s[0], s[1]]
    }

    /// The `numeric(25,0)` form of RESTORE HEADERONLY and msdb: `vlf·10^15 + block·10^5 + slot`.
    pub fn to_decimal(self) -> u128 {
        u128::from(self.vlf) * 10u128.pow(15) + u128::from(self.block) * 100_000 + u128::from(self.slot)
    }

    /// Inverse of [`Lsn::to_decimal`]; `None` when a part is out of range.
    pub fn from_decimal(d: u128) -> Option<Self> {
        let slot = u16::try_from(d % 100_000).ok()?;
        let block = u32::try_from(d / 100_000 % 10u128.pow(10)).ok()?;
        let vlf = u32::try_from(d / 10u128.pow(15)).ok()?;
        Some(Lsn { vlf, block, slot })
    }

    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}
/// Shown as `00000025:00000110:0019`, the form of fn_dblog and of SQL Server's messages.
impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}:{:08x}:{:04x}", self.vlf, self.block, self.slot)
    }
}
impl fmt::Debug for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lsn_decimal_round_trips() {
        let lsn = Lsn::new(0x25, 0x110, 0x19);
        assert_eq!(lsn.to_decimal(), 37_000_000_027_200_025);
        assert_eq!(Lsn::from_decimal(lsn.to_decimal()), Some(lsn));
        assert_eq!(lsn.to_string(), "00000025:00000110:0019");
        assert_eq!(Lsn::from_bytes(lsn.to_bytes()), lsn);
    }

    #[test]
    fn page_pointer_layout() {
        let id = PageId::from_bytes([0x84, 0, 0, 0, 1, 0]);
        assert_eq!(id, PageId::new(1, 0x84));
        assert_eq!(id.to_bytes(), [0x84, 0, 0, 0, 1, 0]);
        assert_eq!(id.to_string(), "(1:132)");
    }
}
