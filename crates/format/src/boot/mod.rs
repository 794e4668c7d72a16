//! The boot page (page 9 of file 1): the database's own record of itself.
//!
//! One record at offset 96: `00 00`, u16 record length, then the DBINFO block. Field offsets below count from the block.
//!
//! Invariants
//! 1. Fields are read and written in place: bytes that no field names are kept.
//! 2. A field beyond the end of a shorter (older) block reads as zero and is not written.
//!
//! Evidence: docs/format/boot.md.

use holdfast_base::{Lsn, PageId};

use crate::error::FormatError;
use crate::page::{PageBytes, PageType, PageView};

/// Where the boot page is.
pub const BOOT_PAGE: PageId = PageId::new(1, 9);

/// Byte offsets in the DBINFO block.
mod at {
    pub const VERSION: usize = 0;
    pub const CREATE_VERSION: usize = 2;
    pub const LAST_FULL_BACKUP: usize = 16;
    pub const STATUS: usize = 32;
    pub const NEXT_ID: usize = 36;
    pub const CREATED: usize = 40;
    pub const NAME: usize = 48;
    pub const DATABASE_ID: usize = 308;
    pub const COMPATIBILITY: usize = 310;
    pub const MAX_TIMESTAMP: usize = 312;
    pub const DIFFERENTIAL_BASE_LSN: usize = 332;
    pub const CHECKPOINT_LSN: usize = 344;
    pub const CHECK_FLAGS: usize = 354;
    pub const LAST_GOOD_CHECK: usize = 356;
    pub const COLLATION: usize = 388;
    pub const FAMILY: usize = 404;
    pub const FORK_LSN: usize = 440;
    pub const FORK: usize = 452;
    pub const DIFFERENTIAL_BASE: usize = 496;
    pub const FIRST_SYS_INDEXES: usize = 512;
    pub const MODIFIED: usize = 672;
    pub const BUILD: usize = 680;
    pub const BROKER: usize = 688;
    pub const BROKER_OPTIONS: usize = 704;
    pub const NEXT_UNIT: usize = 732;
}

/// Length of the name field in UTF-16 units.
const NAME_UNITS: usize = 128;

/// A datetime as stored: 1/300 s ticks since midnight, days since 1900-01-01.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoredDateTime {
    pub ticks: u32,
    pub days: i32,
}

impl StoredDateTime {
    pub fn from_bytes(b: [u8; 8]) -> Self {
        StoredDateTime {
            ticks: u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            days: i32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        }
    }

    pub fn to_bytes(self) -> [u8; 8] {
        let mut out = [0u8; 8];
        out[..4].copy_from_slice(&self.ticks.to_le_bytes());
        out[4..].copy_from_slice(&self.days.to_le_bytes());
        out
    }
}

/// The fields of the boot page that Holdfast uses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BootPage {
    pub version: u16,
    pub create_version: u16,
    pub last_full_backup: StoredDateTime,
    pub status: u32,
    pub next_id: u32,
    pub created: StoredDateTime,
    pub name: String,
    pub database_id: u16,
    pub compatibility_level: u16,
    /// The counter behind rowversion values; raised on disk ahead of use.
    pub max_timestamp: u64,
    pub differential_base_lsn: Lsn,
    pub checkpoint_lsn: Lsn,
    /// dbi_dbccFlags: 2 once column values were checked.
    pub check_flags: u16,
    /// dbi_dbccLastKnownGood: when DBCC CHECKDB last found nothing.
    pub last_good_check: StoredDateTime,
    pub collation: u32,
    pub family_guid: [u8; 16],
    pub recovery_fork_lsn: Lsn,
    pub recovery_fork_guid: [u8; 16],
    pub differential_base_guid: [u8; 16],
    /// First leaf page of sysallocunits.
    pub first_sys_indexes: PageId,
    pub modified: StoredDateTime,
    /// major << 24 | minor << 16 | build.
    pub build: u32,
    pub broker_guid: [u8; 16],
    pub broker_options: u32,
    /// Next allocation unit number (its id is this << 16); 0 in version 611.
    pub next_unit: u64,
}

/// Reads a fixed-size field; zeros when the block is shorter.
fn field<const N: usize>(block: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0u8; N];
    if let Some(bytes) = block.get(offset..offset + N) {
        out.copy_from_slice(bytes);
    }
    out
}

/// Bounds of the DBINFO block in the page.
fn block_bounds(view: PageView<'_>) -> Result<(usize, usize), FormatError> {
    view.expect(BOOT_PAGE, PageType::Boot)?;
    let start = view.slot_offset(0).ok_or(FormatError::NoSuchSlot { page: BOOT_PAGE, slot: 0 })?;
    let bytes = view.require_record(0)?;
    let bad = FormatError::Page { page: BOOT_PAGE, what: "the length of the boot record is out of range" };
    let length = match bytes.get(2..4) {
        Some(l) => usize::from(u16::from_le_bytes([l[0], l[1]])),
        None => return Err(bad),
    };
    if length < 4 + at::FIRST_SYS_INDEXES + 6 || length > bytes.len() {
        return Err(bad);
    }
    Ok((start + 4, start + length))
}

impl BootPage {
    pub fn read(page: &PageBytes) -> Result<Self, FormatError> {
        let view = PageView::new(page);
        let (start, end) = block_bounds(view)?;
        let block = page.get(start..end).unwrap_or(&[]);
        let name: Vec<u16> = field::<{ 2 * NAME_UNITS }>(block, at::NAME)
            .chunks_exact(2)
            .map(|c| u16::from_le_bytes([c[0], c[1]]))
            .collect();
        let name = String::from_utf16_lossy(&name);
        // The unused rest holds blanks, zeros or U+2020.
        let name = name.trim_end_matches([' ', '\0', '\u{2020}']).to_owned();
        let moment = |offset| StoredDateTime::from_bytes(field(block, offset));
        Ok(BootPage {
            version: u16::from_le_bytes(field(block, at::VERSION)),
            create_version: u16::from_le_bytes(field(block, at::CREATE_VERSION)),
            last_full_backup: moment(at::LAST_FULL_BACKUP),
            status: u32::from_le_bytes(field(block, at::STATUS)),
            next_id: u32::from_le_bytes(field(block, at::NEXT_ID)),
            created: moment(at::CREATED),
            name,
            database_id: u16::from_le_bytes(field(block, at::DATABASE_ID)),
            compatibility_level: u16::from_le_bytes(field(block, at::COMPATIBILITY)),
            max_timestamp: u64::from_le_bytes(field(block, at::MAX_TIMESTAMP)),
            differential_base_lsn: Lsn::from_bytes(field(block, at::DIFFERENTIAL_BASE_LSN)),
            checkpoint_lsn: Lsn::from_bytes(field(block, at::CHECKPOINT_LSN)),
            check_flags: u16::from_le_bytes(field(block, at::CHECK_FLAGS)),
            last_good_check: moment(at::LAST_GOOD_CHECK),
            collation: u32::from_le_bytes(field(block, at::COLLATION)),
            family_guid: field(block, at::FAMILY),
            recovery_fork_lsn: Lsn::from_bytes(field(block, at::FORK_LSN)),
            recovery_fork_guid: field(block, at::FORK),
            differential_base_guid: field(block, at::DIFFERENTIAL_BASE),
            first_sys_indexes: PageId::from_bytes(field(block, at::FIRST_SYS_INDEXES)),
            modified: moment(at::MODIFIED),
            build: u32::from_le_bytes(field(block, at::BUILD)),
            broker_guid: field(block, at::BROKER),
            broker_options: u32::from_le_bytes(field(block, at::BROKER_OPTIONS)),
            next_unit: u64::from_le_bytes(field(block, at::NEXT_UNIT)),
        })
    }

    /// Writes the fields into a boot page; the name's padding is kept when the name is unchanged.
    pub fn write(&self, page: &mut PageBytes) -> Result<(), FormatError> {
        let old = Self::read(page)?;
        let (start, end) = block_bounds(PageView::new(page))?;
        let block = page.get_mut(start..end).unwrap_or(&mut []);
        let mut put = |offset: usize, bytes: &[u8]| {
            if let Some(target) = block.get_mut(offset..offset + bytes.len()) {
                target.copy_from_slice(bytes);
            }
        };
        let moment = StoredDateTime::to_bytes;
        put(at::VERSION, &self.version.to_le_bytes());
        put(at::CREATE_VERSION, &self.create_version.to_le_bytes());
        put(at::LAST_FULL_BACKUP, &moment(self.last_full_backup));
        put(at::STATUS, &self.status.to_le_bytes());
        put(at::NEXT_ID, &self.next_id.to_le_bytes());
        put(at::CREATED, &moment(self.created));
        if self.name != old.name {
            let mut units: Vec<u16> = self.name.encode_utf16().take(NAME_UNITS).collect();
            units.resize(NAME_UNITS, 0x20);
            let bytes: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
            put(at::NAME, &bytes);
        }
        put(at::DATABASE_ID, &self.database_id.to_le_bytes());
        put(at::COMPATIBILITY, &self.compatibility_level.to_le_bytes());
        put(at::MAX_TIMESTAMP, &self.max_timestamp.to_le_bytes());
        put(at::DIFFERENTIAL_BASE_LSN, &self.differential_base_lsn.to_bytes());
        put(at::CHECKPOINT_LSN, &self.checkpoint_lsn.to_bytes());
        put(at::CHECK_FLAGS, &self.check_flags.to_le_bytes());
        put(at::LAST_GOOD_CHECK, &moment(self.last_good_check));
        put(at::COLLATION, &self.collation.to_le_bytes());
        put(at::FAMILY, &self.family_guid);
        put(at::FORK_LSN, &self.recovery_fork_lsn.to_bytes());
        put(at::FORK, &self.recovery_fork_guid);
        put(at::DIFFERENTIAL_BASE, &self.differential_base_guid);
        put(at::FIRST_SYS_INDEXES, &self.first_sys_indexes.to_bytes());
        put(at::MODIFIED, &moment(self.modified));
        put(at::BUILD, &self.build.to_le_bytes());
        put(at::BROKER, &self.broker_guid);
        put(at::BROKER_OPTIONS, &self.broker_options.to_le_bytes());
        put(at::NEXT_UNIT, &self.next_unit.to_le_bytes());
        Ok(())
    }
}
