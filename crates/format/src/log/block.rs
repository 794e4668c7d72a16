//! Log blocks: sector marks, header, checksum, slot array.
//!
//! First byte of each sector as stored: bits 7–6 parity (40 or 80), bit 4 first sector, bit 3 last sector. The bytes that
//! the marks displace are kept at the end of the block, the one of sector 0 last.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 00 | 1 | header version: 2 → 18-byte header without checksum (2000); 3 → 1C (2005); 4 → 28 (2008, R2); 5 → 30 (2012–2017); 6 → 48 (2019–) |
//! | 02 | 2 | records |
//! | 04 | 2 | used bytes, slot array included |
//! | 06 | 2 | size on disk in bytes |
//! | 08 | 2 | 3 (1 in older ones) |
//! | 0A | 2 | size of the previous block |
//! | 0C | 10 | LSN of the first record |
//! | 16 | 2 | 0 |
//! | 18 | 4 | checksum; 0 = none |
//! | 1C | 4 | not initialised in genuine logs (mostly C0); here: up to where the log was durable, see [`durable_mark`] |
//! | 20 | 16 | 0 |
//! | 30 | 8 | version 6: time the block was started |
//! | 38 | 16 | version 6: unknown, FF or 0 |
//!
//! Invariants
//! 1. A [`LogBlock`] that exists has marked sectors, a sane header and a right checksum (or none).
//! 2. [`LogBlock::to_stored`] gives back the stored bytes of an unchanged block.
//!
//! Evidence: all blocks of the corpus, 2005–2022.

use std::fmt;

use holdfast_base::Lsn;

use super::LogError;
use super::record::LogRecord;

/// Bytes of a log sector.
pub const SECTOR: usize = 512;
/// Largest block: 120 sectors.
pub const MAX_BLOCK: usize = 120 * SECTOR;

/// Place of the checksum in the header, where there is one.
const CHECKSUM: usize = 0x18;

const FIRST_MARK: u8 = 0x10;
const LAST_MARK: u8 = 0x08;
const PARITY_BITS: u8 = 0xC0;

/// Header layouts, by the version byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockVersion {
    pub number: u8,
    /// Bytes before the first record.
    pub header_size: usize,
    /// First internal database version that writes it.
    pub since: u16,
    /// Records begin on multiples of this.
    pub alignment: usize,
}

/// All header layouts that can be read.
pub const BLOCK_VERSIONS: &[BlockVersion] = &[
    BlockVersion { number: 2, header_size: 0x18, since: 0, alignment: 4 },
    BlockVersion { number: 3, header_size: 0x1C, since: 611, alignment: 4 },
    BlockVersion { number: 4, header_size: 0x28, since: 655, alignment: 8 },
    BlockVersion { number: 5, header_size: 0x30, since: 706, alignment: 8 },
    BlockVersion { number: 6, header_size: 0x48, since: 895, alignment: 8 },
];

impl BlockVersion {
    pub fn by_number(number: u8) -> Option<Self> {
        BLOCK_VERSIONS.iter().copied().find(|v| v.number == number)
    }

    /// What a database of the given internal version writes.
    pub fn of_database(version: u16) -> Self {
        BLOCK_VERSIONS.iter().copied().rev().find(|v| v.since <= version).unwrap_or(BLOCK_VERSIONS[0])
    }
}

/// Why bytes are not a valid block. In a log file this is where the log ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockFlaw {
    /// The first byte is no first-sector mark of the expected parity.
    Mark,
    /// The version byte is not known.
    Version(u8),
    /// Size, used bytes or slot count cannot be.
    Size,
    /// The header names another place in the log.
    Place(Lsn),
    /// This sector is not marked: the block was not written completely.
    Torn(u8),
    Checksum {
        stored: u32,
        computed: u32,
    },
    /// The slot array points to impossible places.
    Slots,
    /// The bytes end inside the block.
    Cut,
}

impl fmt::Display for BlockFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockFlaw::Mark => f.write_str("no block begins here"),
            BlockFlaw::Version(v) => write!(f, "header version {v} is not known"),
            BlockFlaw::Size => f.write_str("the sizes in the header cannot be"),
            BlockFlaw::Place(lsn) => write!(f, "the header names {lsn}"),
            BlockFlaw::Torn(sector) => write!(f, "sector {sector} was not written together with the first"),
            BlockFlaw::Checksum { stored, computed } => {
                write!(f, "checksum 0x{stored:08x} is stored but the contents give 0x{computed:08x}")
            }
            BlockFlaw::Slots => f.write_str("the slot array points outside the records"),
            BlockFlaw::Cut => f.write_str("the bytes end inside the block"),
        }
    }
}

/// The header fields of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    pub version: BlockVersion,
    pub parity: u8,
    pub records: u16,
    /// Bytes in use, slot array included.
    pub used: u16,
    /// Bytes on disk.
    pub size: u16,
    /// Bytes on disk of the block before.
    pub previous_size: u16,
    /// LSN of the first record (slot 1).
    pub lsn: Lsn,
    pub checksum: u32,
}

/// Place of [`durable_mark`] in the header.
pub(super) const DURABLE: usize = 0x1C;
/// Bits of the distance in it.
const DISTANCE_BITS: u32 = 20;

/// What a block says of the log before it: when it was ended, all log of its VLF up to `distance` sectors before it was durable. So
/// what is not there of that has been damaged; what is not there behind may never have been written. Genuine blocks have leftovers in
/// these four bytes: twelve bits tell the two apart. `None`: it is too far away.
pub fn durable_mark(lsn: Lsn, distance: u32) -> Option<u32> {
    (distance >> DISTANCE_BITS == 0).then(|| distance << 12 | proof(lsn, distance))
}

/// Of twelve bits, and never 0.
fn proof(lsn: Lsn, distance: u32) -> u32 {
    let mut mixed = u64::from(lsn.vlf) << 32 | u64::from(lsn.block);
    mixed = (mixed ^ u64::from(distance).rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^= mixed >> 32;
    1 + ((mixed as u32) % 0xFFF)
}

/// The checksum function: over the block as stored, with the field itself as 0.
pub fn checksum(stored: &[u8]) -> u32 {
    let mut sum = 0u32;
    for (index, sector) in stored.chunks_exact(SECTOR).enumerate() {
        let mut folded = 0u64;
        for w in sector.chunks_exact(8) {
            folded ^= u64::from_le_bytes([w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]]);
        }
        let mut xor = (folded as u32) ^ ((folded >> 32) as u32);
        if index == 0 {
            xor ^= u32::from_le_bytes([sector[0x18], sector[0x19], sector[0x1A], sector[0x1B]]);
        }
        sum = sum.rotate_left(1) ^ xor;
    }
    sum
}

/// Puts the sector marks on a block whose length is a multiple of 512 and saves the displaced bytes at its end.
pub fn stamp(block: &mut [u8], parity: u8) {
    let sectors = block.len() / SECTOR;
    let length = sectors * SECTOR;
    for i in 0..sectors {
        block[length - 1 - i] = block[SECTOR * i];
        let mut mark = parity & PARITY_BITS;
        if i == 0 {
            mark |= FIRST_MARK;
        }
        if i + 1 == sectors {
            mark |= LAST_MARK;
        }
        block[SECTOR * i] = mark;
    }
}

/// A verified block, marks taken off.
#[derive(Clone, PartialEq, Eq)]
pub struct LogBlock {
    header: BlockHeader,
    bytes: Box<[u8]>,
}

impl fmt::Debug for LogBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LogBlock({}, {} records, {} bytes)",
            self.header.lsn, self.header.records, self.header.size
        )
    }
}

#[inline]
fn u16_at(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes([*b.get(at)?, *b.get(at + 1)?]))
}

fn u32_at(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes([*b.get(at)?, *b.get(at + 1)?, *b.get(at + 2)?, *b.get(at + 3)?]))
}

impl LogBlock {
    /// Size on disk that the stored first sector announces, if it looks like a block at all.
    pub fn announced_size(stored: &[u8]) -> Result<usize, BlockFlaw> {
        let mark = *stored.first().ok_or(BlockFlaw::Cut)?;
        let parity = mark & PARITY_BITS;
        if mark & FIRST_MARK == 0 || !matches!(parity, 0x40 | 0x80) || mark & 0x07 != 0 {
            return Err(BlockFlaw::Mark);
        }
        let size = usize::from(u16_at(stored, 6).ok_or(BlockFlaw::Cut)?);
        if size == 0 || !size.is_multiple_of(SECTOR) || size > MAX_BLOCK {
            return Err(BlockFlaw::Size);
        }
        Ok(size)
    }

    /// Whether a block of that place may begin with this sector.
    pub(super) fn begins(sector: &[u8], parity: u8, (vlf, block): (u32, u32)) -> bool {
        let mark = sector.first().copied().unwrap_or(0);
        mark & (PARITY_BITS | FIRST_MARK) == parity | FIRST_MARK
            && u32_at(sector, 0x0C) == Some(vlf)
            && u32_at(sector, 0x10) == Some(block)
    }

    /// Takes a block off the start of `stored`. `place` is the (VLF sequence, block number) it must be at; `parity` the
    /// VLF's parity where it is known.
    pub fn decode(stored: &[u8], place: (u32, u32), parity: Option<u8>) -> Result<Self, BlockFlaw> {
        let size = Self::announced_size(stored)?;
        let stored = stored.get(..size).ok_or(BlockFlaw::Cut)?;
        let own_parity = stored[0] & PARITY_BITS;
        if parity.is_some_and(|p| p != own_parity) {
            return Err(BlockFlaw::Mark);
        }
        let lsn = Lsn::new(
            u32_at(stored, 0x0C).ok_or(BlockFlaw::Cut)?,
            u32_at(stored, 0x10).ok_or(BlockFlaw::Cut)?,
            u16_at(stored, 0x14).ok_or(BlockFlaw::Cut)?,
        );
        if (lsn.vlf, lsn.block) != place || lsn.slot != 1 {
            return Err(BlockFlaw::Place(lsn));
        }
        let sectors = size / SECTOR;
        for i in 0..sectors {
            let mut mark = own_parity;
            if i == 0 {
                mark |= FIRST_MARK;
            }
            if i + 1 == sectors {
                mark |= LAST_MARK;
            }
            if stored[SECTOR * i] != mark {
                return Err(BlockFlaw::Torn(i as u8));
            }
        }
        let number = stored[size - 1];
        let version = BlockVersion::by_number(number).ok_or(BlockFlaw::Version(number))?;
        let sum = match version.header_size > CHECKSUM {
            true => u32_at(stored, CHECKSUM).ok_or(BlockFlaw::Cut)?,
            false => 0,
        };
        if sum != 0 {
            let computed = checksum(stored);
            if computed != sum {
                return Err(BlockFlaw::Checksum { stored: sum, computed });
            }
        }
        let mut bytes: Box<[u8]> = stored.into();
        for i in 0..sectors {
            bytes[SECTOR * i] = bytes[size - 1 - i];
        }
        let header = BlockHeader {
            version,
            parity: own_parity,
            records: u16_at(&bytes, 2).ok_or(BlockFlaw::Cut)?,
            used: u16_at(&bytes, 4).ok_or(BlockFlaw::Cut)?,
            size: size as u16,
            previous_size: u16_at(&bytes, 0x0A).ok_or(BlockFlaw::Cut)?,
            lsn,
            checksum: sum,
        };
        let block = LogBlock { header, bytes };
        block.check_slots()?;
        Ok(block)
    }

    fn check_slots(&self) -> Result<(), BlockFlaw> {
        let (used, count) = (usize::from(self.header.used), usize::from(self.header.records));
        let records_end = used.checked_sub(2 * count).ok_or(BlockFlaw::Size)?;
        if used > self.bytes.len() || (count > 0 && records_end < self.header.version.header_size) {
            return Err(BlockFlaw::Size);
        }
        let mut least = self.header.version.header_size;
        for slot in 1..=self.header.records {
            let at = self.slot_offset(slot).ok_or(BlockFlaw::Slots)?;
            if at < least || at + super::record::COMMON_HEADER > records_end {
                return Err(BlockFlaw::Slots);
            }
            least = at + super::record::COMMON_HEADER;
        }
        Ok(())
    }

    pub fn header(&self) -> &BlockHeader {
        &self.header
    }

    /// The block's bytes with the marks taken off.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Up to which block of its VLF the log was durable when this one was ended; `None`: it does not say ([`durable_mark`]).
    pub fn durable_until(&self) -> Option<u32> {
        if self.header.version.header_size < DURABLE + 4 {
            return None;
        }
        let mark = u32_at(&self.bytes, DURABLE)?;
        let (distance, own) = (mark >> 12, mark & 0xFFF);
        let until = self.header.lsn.block.checked_sub(distance)?;
        (own == proof(self.header.lsn, distance)).then_some(until)
    }

    /// Place of the block behind this one in the same VLF.
    pub fn next_block(&self) -> u32 {
        self.header.lsn.block.saturating_add(self.bytes.len() as u32 / SECTOR as u32)
    }

    #[inline]
    fn slot_offset(&self, slot: u16) -> Option<usize> {
        if slot == 0 || slot > self.header.records {
            return None;
        }
        let at = usize::from(self.header.used).checked_sub(2 * usize::from(slot))?;
        u16_at(&self.bytes, at).map(usize::from)
    }

    /// The record of a slot (from 1), padding included.
    #[inline]
    pub fn record(&self, slot: u16) -> Result<LogRecord<'_>, LogError> {
        let lsn = Lsn { slot, ..self.header.lsn };
        let missing = LogError::Missing { lsn };
        let start = self.slot_offset(slot).ok_or_else(|| missing.clone())?;
        let end = if slot < self.header.records {
            self.slot_offset(slot + 1)
        } else {
            usize::from(self.header.used).checked_sub(2 * usize::from(self.header.records))
        };
        let bytes = end.and_then(|end| self.bytes.get(start..end)).ok_or(missing)?;
        LogRecord::new(lsn, bytes)
    }

    /// All records in order.
    pub fn records(&self) -> impl Iterator<Item = Result<LogRecord<'_>, LogError>> {
        (1..=self.header.records).map(|slot| self.record(slot))
    }

    /// The block as it lies on disk.
    pub fn to_stored(&self) -> Vec<u8> {
        let mut out = self.bytes.to_vec();
        stamp(&mut out, self.header.parity);
        if self.header.checksum != 0 {
            let sum = checksum(&out);
            out[0x18..0x1C].copy_from_slice(&sum.to_le_bytes());
        }
        out
    }
}
