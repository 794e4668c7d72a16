//! Writes a generated database as a full backup: one pass of pages, the log from its checkpoint on.

use std::io::Write;

use holdfast_backup::config::{FileGroupInfo, Layout, UNLIMITED, flags};
use holdfast_backup::media::{SetStart, VolumeInfo};
use holdfast_backup::writer::{MediaWriter, Packing};
use holdfast_backup::{BackupError, BackupKind, FileInfo, FileKind, MediaLabel, MtfDate, SetInfo, Vlf};
use holdfast_base::{ByteWriter, Lsn};

use crate::Result;
use crate::database::{CHECKPOINT, Database, LOG_PAGES, STATUS};
use crate::log::{PARITY, first_block, vlfs};
use crate::template::Version;

const VERSION: u16 = Version::V904.number();
/// Release whose layout is written: 2019.
const MAJOR: u8 = 15;
const EXTENT_BYTES: u64 = 65_536;
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub compressed: bool,
    pub checksum: bool,
}

/// An extent that only fills up the transfer unit.
fn filler() -> Vec<u8> {
    let mut page = vec![0u8; 8192];
    page[..2].copy_from_slice(&[1, 0x65]);
    page[5] = 2;
    page[28..32].copy_from_slice(&[0xA0, 0x1F, 0x60, 0]);
    page[48] = 1;
    page[60..64].copy_from_slice(&[0, 3, 0x50, 0x3C]);
    page.repeat(8)
}

struct Facts<'a> {
    database: &'a Database,
    date: MtfDate,
    last: Lsn,
    log_bytes: u64,
    transfer_unit: u32,
    page_bytes: u64,
    checksum: bool,
}

impl Facts<'_> {
    /// The configuration; sizes and finish date are known only at the end.
    fn configuration(&self, size: Option<(u64, u64)>) -> Vec<u8> {
        let id = &self.database.identity;
        let fork = |lsn| holdfast_backup::config::Fork { lsn, guid: id.fork };
        let none = holdfast_backup::config::Fork::default();
        let set = SetInfo {
            flags: flags::ALWAYS | if self.checksum { flags::CHECKSUMS } else { 0 },
            data_files: 1,
            filegroups: 1,
            software_major: MAJOR,
            software_minor: 0,
            software_build: 2000,
            processor: 9,
            first_lsn: CHECKPOINT,
            last_lsn: self.last,
            checkpoint_lsn: CHECKPOINT,
            database_backup_lsn: Lsn::ZERO,
            creation_date: self.date,
            start_date: self.date,
            finish_date: if size.is_some() { self.date } else { MtfDate::NONE },
            kind: BackupKind::Full,
            sort_order: 52,
            compatibility_level: 150,
            database_id: 5,
            database_version: VERSION,
            backup_size: size.map_or(self.page_bytes + self.log_bytes, |s| s.0),
            database_name: id.name.clone(),
            server_name: "HOLDFAST".to_owned(),
            locale: 1033,
            comparison_style: 0x0003_0001,
            binding_id: id.binding,
            fork: fork(self.last),
            previous_fork: none,
            last_full_backup: [0; 16],
            collation: 0x00D0_0409,
            collation_sort_order: 52,
            family: id.family,
            transfer_unit: self.transfer_unit,
            database_status: STATUS,
            log_chain_start: Lsn::ZERO,
            differential_base_lsn: Lsn::ZERO,
            differential_base: [0; 16],
            previous_fork_again: none,
            next_log_lsn: CHECKPOINT,
            compressed_size: Some(size.map_or(self.page_bytes + self.log_bytes, |s| s.1)),
        };
        let mut w = ByteWriter::new();
        set.write(&mut w);
        FileGroupInfo { id: 1, name: "PRIMARY".to_owned() }.write(&set, &mut w);
        let layout = Layout::for_major(MAJOR);
        let last = size.is_some();
        let base = if last { (CHECKPOINT, id.backup_set) } else { (Lsn::ZERO, [0; 16]) };
        let data = FileInfo {
            flags: 0x84,
            page_size: 8192,
            id: 1,
            kind: FileKind::Data,
            backup_pages: (self.page_bytes / 8192) as u32,
            source_block_size: 512,
            filegroup: 1,
            size: u64::from(self.database.file_pages) * 8192,
            logical_name: id.name.clone(),
            physical_name: format!("C:\\Data\\{}.mdf", id.name),
            max_size: UNLIMITED,
            growth: 8192 * 8192,
            minimum_size: 1024 * 8192,
            create_lsn: Lsn::ZERO,
            drop_lsn: Lsn::ZERO,
            differential_base_lsn: base.0,
            differential_base: base.1,
            unique_id: id.data_file,
            first_lsn: CHECKPOINT,
            last_lsn: self.last,
            checkpoint_lsn: CHECKPOINT,
            backup_size: self.page_bytes,
            differential_base_time: 0,
        };
        let log = FileInfo {
            flags: 4,
            id: 2,
            kind: FileKind::Log,
            backup_pages: (self.log_bytes / 8192) as u32,
            filegroup: 0,
            size: u64::from(LOG_PAGES) * 8192,
            logical_name: format!("{}_log", id.name),
            physical_name: format!("C:\\Data\\{}_log.ldf", id.name),
            max_size: 2_199_023_255_552,
            differential_base_lsn: Lsn::ZERO,
            differential_base: [0; 16],
            unique_id: id.log_file,
            backup_size: if last { self.log_bytes } else { 0 },
            ..data.clone()
        };
        data.write(layout, &mut w);
        log.write(layout, &mut w);
        w.buf
    }
}

/// Writes the backup to `out`; `progress` is told of bytes of pages as they go.
pub fn write<W: Write>(database: &Database, out: W, options: Options, progress: &dyn Fn(u64)) -> Result<W> {
    let id = &database.identity;
    let date = MtfDate::from_unix(id.created);
    let (log, last) = first_block(Version::V904, CHECKPOINT, id.created_stored());
    let page_bytes = database.backup_extents.len() as u64 * EXTENT_BYTES;
    let transfer_unit: u32 = if database.file_pages > 1536 { 1 << 20 } else { 1 << 16 };
    let checksum = options.checksum;
    let facts =
        Facts { database, date, last, log_bytes: log.len() as u64, transfer_unit, page_bytes, checksum };
    let label = MediaLabel {
        family_id: u32::from_le_bytes([id.media_set[0], id.media_set[1], id.media_set[2], id.media_set[3]]),
        attributes: 5,
        media_sequence: 1,
        password_digest: None,
        block_size: 4096,
        name: String::new(),
        description: String::new(),
        software: "Microsoft SQL Server\0\0".to_owned(),
        vendor: 0x1200,
        date,
        mtf_major: 1,
        media_set: id.media_set,
        family_count: 1,
        family_sequence: 1,
        mirror_count: 1,
        mirror_index: 0,
    };
    let packing = if options.compressed { Packing::xpress() } else { Packing::Plain };
    let writer = MediaWriter::new(&id.name, out, packing, label, MAJOR)?;
    let start = SetStart {
        attributes: 4,
        password_digest: None,
        vendor: 0x1200,
        position: 1,
        name: format!("{}-Full Database Backup", id.name),
        description: String::new(),
        user: "holdfast".to_owned(),
        write_date: date,
        software_major: MAJOR,
        software_minor: 0,
        time_zone: 0,
        set_guid: id.backup_set,
        expiration: MtfDate::NONE,
    };
    let volume = VolumeInfo { device: "C:".into(), volume: String::new(), machine: "HOLDFAST".into() };
    let mut set = writer.begin_set(start, volume, &facts.configuration(None))?;
    let padded = page_bytes.next_multiple_of(u64::from(transfer_unit));
    let mut failed = None;
    let written = set.pages(padded, options.checksum, |put| {
        let mut extent = Vec::with_capacity(EXTENT_BYTES as usize);
        for first in &database.backup_extents {
            extent.clear();
            for page in *first..*first + 8 {
                match database.page(page) {
                    Ok(bytes) => extent.extend_from_slice(&bytes),
                    Err(e) => {
                        let reason = e.to_string();
                        failed = Some(e);
                        return Err(BackupError::Write {
                            device: std::sync::Arc::from("pages"),
                            offset: 0,
                            reason,
                        });
                    }
                }
            }
            put(&extent)?;
            progress(EXTENT_BYTES);
        }
        for _ in 0..(padded - page_bytes) / EXTENT_BYTES {
            put(&filler())?;
        }
        Ok(())
    });
    if let Some(e) = failed {
        return Err(e);
    }
    written?;
    for (i, (offset, size)) in vlfs(LOG_PAGES).into_iter().enumerate() {
        let first = i == 0;
        let begin = offset + u64::from(CHECKPOINT.block) * 512;
        let vlf = Vlf {
            start: if first { begin } else { 0 },
            end: if first { begin + log.len() as u64 } else { 0 },
            file: 2,
            sequence: if first { CHECKPOINT.vlf } else { 0 },
            size,
            offset,
            parity: if first { PARITY } else { 0 },
            undefined: 0,
            create_lsn: Lsn::ZERO,
            version: Layout::for_major(MAJOR).vlf_version,
            stream: None,
        };
        set.log(&vlf, first.then_some(log.as_slice()), options.checksum)?;
    }
    let sizes = set.sizes();
    let trailing = facts.configuration(Some(sizes));
    Ok(set.finish(&trailing, sizes.1)?.finish()?)
}
