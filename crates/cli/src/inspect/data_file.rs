//! Database files (`.mdf`, `.ndf`, `.ldf`): what their header pages tell.

use std::fmt::Write;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use holdfast_base::Lsn;
use serde::Serialize;

use crate::output::{guid, release, size};

#[derive(Serialize)]
pub struct DataFile {
    pub file: String,
    pub bytes: u64,
    pub kind: &'static str,
    pub file_id: u16,
    pub logical_name: String,
    pub binding_id: String,
    pub size_pages: u32,
    pub boot: Option<Boot>,
    pub problem: Option<String>,
}

#[derive(Serialize)]
pub struct Boot {
    pub database: String,
    pub database_version: u16,
    pub release: &'static str,
    pub created_as_version: u16,
    pub compatibility_level: u16,
    pub checkpoint_lsn: String,
    pub family_guid: String,
    /// The log that recovery needs: from where it begins, and up to the last checkpoint at least.
    #[serde(skip)]
    pub needed_log: (Lsn, Lsn),
}

const PAGE: usize = 8192;
/// Page types of the header and boot page.
const FILE_HEADER: u8 = 15;
const BOOT: u8 = 13;

/// `None` when the file does not begin with a file header page.
pub fn open(path: &Path, file: &File) -> Option<DataFile> {
    let mut page = vec![0; PAGE];
    file.read_exact_at(&mut page, 0).ok()?;
    if page[0] != 1 || page[1] != FILE_HEADER || page[32..36] != [0; 4] {
        return None;
    }
    holdfast_backup::checksum::restore_torn_bits(&mut page);
    let bytes = file.metadata().map_or(0, |m| m.len());
    let file_id = u16::from_le_bytes([page[36], page[37]]);
    let fields = header_fields(&page);
    let field = |i: usize| fields.get(i).copied().unwrap_or(&[]);
    let filegroup = field(3).first_chunk().map_or(0, |b| u16::from_le_bytes(*b));
    let mut boot = None;
    let mut problem = None;
    if file_id == 1 {
        let mut page = vec![0; PAGE];
        match file.read_exact_at(&mut page, 9 * PAGE as u64) {
            Ok(()) if page[1] == BOOT => {
                holdfast_backup::checksum::restore_torn_bits(&mut page);
                boot = boot_fields(&page);
            }
            Ok(()) => problem = Some("page (1:9) is not a boot page".to_owned()),
            Err(e) => problem = Some(format!("page (1:9): {e}")),
        }
    }
    let size_pages = field(4).first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
    if problem.is_none() && u64::from(size_pages) * PAGE as u64 > bytes {
        problem = Some(format!("the header tells {size_pages} pages, the file has {}", bytes / PAGE as u64));
    }
    Some(DataFile {
        file: path.display().to_string(),
        bytes,
        kind: if filegroup == 0 && file_id != 1 { "log" } else { "data" },
        file_id,
        logical_name: utf16(field(27)),
        binding_id: field(0).first_chunk().map(guid).unwrap_or_default(),
        size_pages,
        boot,
        problem,
    })
}

fn utf16(b: &[u8]) -> String {
    let units: Vec<u16> = b.as_chunks::<2>().0.iter().map(|c| u16::from_le_bytes(*c)).collect();
    String::from_utf16_lossy(&units)
}

/// Variable columns of the header page's one record.
fn header_fields(page: &[u8]) -> Vec<&[u8]> {
    let slot = usize::from(u16::from_le_bytes([page[8190], page[8191]]));
    let Some(record) = page.get(slot..) else { return Vec::new() };
    let u16_at = |at: usize| record.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let parse = || -> Option<Vec<&[u8]>> {
        let fixed = u16_at(2)?;
        let columns = u16_at(fixed)?;
        let count_at = fixed + 2 + columns.div_ceil(8);
        let count = u16_at(count_at)?.min(128);
        let mut start = count_at + 2 + 2 * count;
        let mut out = Vec::new();
        for i in 0..count {
            let end = u16_at(count_at + 2 + 2 * i)? & 0x7FFF;
            out.push(record.get(start..end.max(start))?);
            start = end.max(start);
        }
        Some(out)
    };
    parse().unwrap_or_default()
}

fn boot_fields(page: &[u8]) -> Option<Boot> {
    let b = page.get(100..)?;
    let u16_at = |at: usize| u16::from_le_bytes([b[at], b[at + 1]]);
    let name = utf16(&b[48..304]);
    let lsn_at = |at: usize| b.get(at..at + 10).and_then(|b| b.try_into().ok()).map(Lsn::from_bytes);
    let lsn = lsn_at(344)?;
    let oldest = lsn_at(368).filter(|l| !l.is_zero() && *l < lsn).unwrap_or(lsn);
    let version = u16_at(0);
    Some(Boot {
        database: name.trim_end_matches([' ', '\0', '\u{2020}']).to_owned(),
        database_version: version,
        release: release(version),
        created_as_version: u16_at(2),
        compatibility_level: u16_at(310),
        checkpoint_lsn: lsn.to_string(),
        needed_log: (oldest, lsn),
        family_guid: b[404..420].try_into().map(|g: [u8; 16]| guid(&g)).ok()?,
    })
}

impl DataFile {
    pub fn text(&self, out: &mut String) {
        let _ = writeln!(out, "Database file {} ({}, {})", self.file, self.kind, size(self.bytes));
        let _ = writeln!(
            out,
            "  File {} \"{}\", {} pages, binding {}",
            self.file_id, self.logical_name, self.size_pages, self.binding_id
        );
        if let Some(b) = &self.boot {
            let _ = writeln!(
                out,
                "  Database {}, version {} (SQL Server {}), created as {}, compatibility level {}",
                b.database, b.database_version, b.release, b.created_as_version, b.compatibility_level
            );
            let _ = writeln!(out, "  Checkpoint LSN {}, family {}", b.checkpoint_lsn, b.family_guid);
        }
        if let Some(p) = &self.problem {
            let _ = writeln!(out, "  DAMAGED: {p}");
        }
        out.push('\n');
    }
}
