//! The two fixed pages of a new database: file header (page 0) and boot page (page 9), as genuine files of the version have them.

use holdfast_base::{ByteWriter, Lsn, PAGE_SIZE, PageId};
use holdfast_format::page::edit::PageEditor;
use holdfast_format::page::header::PageHeader;
use holdfast_format::page::{PageBytes, PageType};

use crate::Result;
use crate::template::Version;
use crate::tree::PAGE_LSN;
use crate::value::utf16;

/// Everything that names the database.
#[derive(Clone, Debug)]
pub struct Identity {
    pub name: String,
    pub binding: [u8; 16],
    pub family: [u8; 16],
    pub fork: [u8; 16],
    pub broker: [u8; 16],
    pub data_file: [u8; 16],
    pub log_file: [u8; 16],
    pub backup_set: [u8; 16],
    pub media_set: [u8; 16],
    /// Local time, seconds since 1970.
    pub created: i64,
}

/// A fixed pattern from a number: names made from the same seed are the same.
fn guid(seed: u64, index: u64) -> [u8; 16] {
    let mut out = [0; 16];
    let mut state = seed ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for half in out.chunks_mut(8) {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        half.copy_from_slice(&(z ^ z >> 31).to_le_bytes());
    }
    out[7] = out[7] & 0x0F | 0x40;
    out[8] = out[8] & 0x3F | 0x80;
    out
}

impl Identity {
    pub fn new(name: &str, seed: u64, created: i64) -> Self {
        let g = |i| guid(seed, i);
        Identity {
            name: name.to_owned(),
            binding: g(1),
            family: g(2),
            fork: g(3),
            broker: g(4),
            data_file: g(5),
            log_file: g(6),
            backup_set: g(7),
            media_set: g(8),
            created,
        }
    }

    /// With GUIDs from outside.
    pub fn random(name: &str, created: i64, guid: &mut dyn FnMut() -> [u8; 16]) -> Self {
        Identity {
            name: name.to_owned(),
            binding: guid(),
            family: guid(),
            fork: guid(),
            broker: guid(),
            data_file: guid(),
            log_file: guid(),
            backup_set: guid(),
            media_set: guid(),
            created,
        }
    }

    /// datetime of creation as stored: ticks of 1/300 s, days since 1900.
    pub fn created_stored(&self) -> [u8; 8] {
        let days = (self.created.div_euclid(86_400) + 25_567) as i32;
        let ticks = self.created.rem_euclid(86_400) as u32 * 300;
        let (t, d) = (ticks.to_le_bytes(), days.to_le_bytes());
        [t[0], t[1], t[2], t[3], d[0], d[1], d[2], d[3]]
    }
}

fn fixed_page(id: PageId, kind: PageType) -> PageBytes {
    let mut page = [0u8; PAGE_SIZE];
    PageEditor::format(&mut page, &PageHeader { lsn: PAGE_LSN, ..PageHeader::new(id, kind, 99 << 16, 0) });
    page
}

/// What page 0 of a data file says.
#[derive(Clone, Debug)]
pub struct HeaderFacts<'a> {
    pub file: u16,
    pub filegroup: u16,
    pub logical_name: &'a str,
    /// Pages.
    pub size: u32,
    /// Pages; `u32::MAX` unlimited.
    pub max_size: u32,
    /// Pages or percent.
    pub growth: u32,
    pub min_size: u32,
    /// 0, or 0x20 for growth in percent.
    pub status: u32,
    pub guid: [u8; 16],
    /// LSN and GUID of the full backup that differentials are based on.
    pub base: (Lsn, [u8; 16]),
}

/// Page 0.
pub fn file_header(version: Version, identity: &Identity, facts: &HeaderFacts<'_>) -> Result<PageBytes> {
    let zeros = |n: usize| vec![0u8; n];
    let dword = |v: u32| v.to_le_bytes().to_vec();
    let mut columns: Vec<Vec<u8>> = vec![
        identity.binding.to_vec(),
        vec![],
        facts.file.to_le_bytes().to_vec(),
        facts.filegroup.to_le_bytes().to_vec(),
        dword(facts.size),
        dword(facts.max_size),
        dword(facts.growth),
        dword(0),
        zeros(10),
        zeros(10),
        zeros(10),
        vec![],
        dword(facts.min_size),
        dword(facts.status),
        dword(u32::MAX),
        dword(512),
        zeros(10),
        zeros(28),
        zeros(10),
        if version == Version::V706 { zeros(10) } else { vec![] },
        facts.base.0.to_bytes().to_vec(),
        facts.base.1.to_vec(),
        zeros(10),
        facts.guid.to_vec(),
        dword(0),
        zeros(10),
        vec![],
        utf16(facts.logical_name),
        zeros(16),
        vec![],
        vec![],
        vec![],
        vec![],
        vec![],
        vec![],
        if version == Version::V706 { zeros(16) } else { identity.fork.to_vec() },
        vec![],
        vec![],
        zeros(10),
        zeros(10),
        zeros(28),
        zeros(10),
        zeros(16),
        zeros(28),
        zeros(8),
        zeros(600),
    ];
    // Columns in all: those above, fixed ones, and (2012) two that no record has yet.
    let count = match version {
        Version::V706 => columns.len() as u16 + 3,
        Version::V904 => {
            columns.extend([
                vec![],
                vec![],
                1u16.to_le_bytes().to_vec(),
                zeros(10),
                dword(0),
                dword(0),
                dword(0),
                zeros(8),
                zeros(10),
            ]);
            columns.len() as u16 + 1
        }
    };
    let mut w = ByteWriter::new();
    // Prologue: null bitmap and variable columns, fixed part of 8 bytes, one int 0.
    w.u8(0x30).u8(0).u16(8).u32(0).u16(count).zeros(usize::from(count).div_ceil(8));
    w.u16(columns.len() as u16);
    let mut end = w.len() + 2 * columns.len();
    for c in &columns {
        end += c.len();
        w.u16(end as u16);
    }
    for c in &columns {
        w.bytes(c);
    }
    let mut page = fixed_page(PageId::new(facts.file, 0), PageType::FileHeader);
    // 0x08: what genuine header pages carry.
    page[4] |= 0x08;
    PageEditor::new(&mut page).insert(0, &w.buf)?;
    Ok(page)
}

/// Length of the boot record, and fields whose meaning is not known, as genuine new databases have them.
const fn boot_shape(version: Version) -> (usize, &'static [(usize, u32)]) {
    match version {
        Version::V706 => (
            1504,
            &[
                (396, 0x6100_0000),
                (420, 0x000A_1000),
                (540, 0x0004_0000),
                (680, 0x0B00_0834),
                (704, 1),
                (1448, 0x12),
                (1452, 0x51),
                (1456, 0x43),
            ],
        ),
        Version::V904 => (
            1768,
            &[
                (396, 0x6100_0000),
                (540, 0x0004_0000),
                (680, 0x0F00_07D0),
                (704, 1),
                (1448, 0x12),
                (1452, 0x41),
                (1456, 0x45),
                (1468, 0x3C),
                (1640, 0x004C_0000),
                (1644, 0x0100_0000),
                (1648, 0x004D_0000),
                (1652, 0x0100_0000),
            ],
        ),
    }
}

pub struct BootFacts {
    pub checkpoint: Lsn,
    pub collation: u32,
    pub first_sys_indexes: PageId,
    /// Next allocation unit id >> 16.
    pub next_unit: u64,
    pub status: u32,
    pub database_id: u16,
    pub compatibility: u16,
    /// Whether a full backup exists that differentials are based on.
    pub backed_up: bool,
}

/// Page 9.
pub fn boot(version: Version, identity: &Identity, facts: &BootFacts) -> Result<PageBytes> {
    let (length, constants) = boot_shape(version);
    let mut r = vec![0u8; length];
    r[2..4].copy_from_slice(&(length as u16).to_le_bytes());
    let mut put =
        |offset: usize, bytes: &[u8]| r[4 + offset..4 + offset + bytes.len()].copy_from_slice(bytes);
    put(0, &version.number().to_le_bytes());
    put(2, &version.number().to_le_bytes());
    for (offset, value) in [
        (32, facts.status),
        (36, 0x7B90_5C75),
        (308, u32::from(facts.compatibility) << 16 | u32::from(facts.database_id)),
        (312, 0x7D0),
        (354, 2),
        (388, facts.collation),
    ]
    .iter()
    .chain(constants)
    {
        put(*offset, &value.to_le_bytes());
    }
    let created = identity.created_stored();
    put(40, &created);
    put(672, &created);
    let mut name = utf16(&identity.name);
    name.resize(256, 0);
    for pair in name.chunks_mut(2).skip(identity.name.encode_utf16().count()) {
        pair.copy_from_slice(&[0x20, 0]);
    }
    put(48, &name);
    put(344, &facts.checkpoint.to_bytes());
    put(368, &facts.checkpoint.to_bytes());
    put(404, &identity.family);
    if facts.backed_up {
        put(332, &facts.checkpoint.to_bytes());
        put(440, &facts.checkpoint.to_bytes());
        put(496, &identity.backup_set);
    }
    put(452, &identity.fork);
    put(512, &facts.first_sys_indexes.to_bytes());
    put(518, &0x0263u16.to_le_bytes());
    put(688, &identity.broker);
    put(732, &facts.next_unit.to_le_bytes());
    let mut page = fixed_page(PageId::new(1, 9), PageType::Boot);
    PageEditor::new(&mut page).insert(0, &r)?;
    Ok(page)
}
