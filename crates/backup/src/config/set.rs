//! SCIN: what a backup set is of. Offsets in docs/format/backup.md.

use holdfast_base::{ByteWriter, Lsn, Truncated};

use super::{Chunk, ChunkWriter, Layout};
use crate::date::MtfDate;

/// Bits of the set's flags (HEADERONLY column Flags).
pub mod flags {
    pub const BULK_LOGGED: u32 = 1;
    pub const SNAPSHOT: u32 = 2;
    pub const READ_ONLY: u32 = 4;
    pub const SINGLE_USER: u32 = 8;
    pub const CHECKSUMS: u32 = 16;
    pub const DAMAGED: u32 = 32;
    pub const TAIL_LOG: u32 = 64;
    pub const INCOMPLETE_METADATA: u32 = 128;
    pub const NO_RECOVERY: u32 = 256;
    /// Set in every genuine set.
    pub const ALWAYS: u32 = 512;
    pub const COPY_ONLY: u32 = 1024;
    pub const DIFFERENTIAL: u32 = 2048;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BackupKind {
    Full,
    Differential,
    Log,
    File,
    FileDifferential,
    Partial,
    PartialDifferential,
    Unknown(u8),
}

impl BackupKind {
    pub fn from_letter(l: u8) -> Self {
        match l {
            b'D' => BackupKind::Full,
            b'I' => BackupKind::Differential,
            b'L' => BackupKind::Log,
            b'F' => BackupKind::File,
            b'G' => BackupKind::FileDifferential,
            b'P' => BackupKind::Partial,
            b'Q' => BackupKind::PartialDifferential,
            l => BackupKind::Unknown(l),
        }
    }

    pub fn letter(self) -> u8 {
        match self {
            BackupKind::Full => b'D',
            BackupKind::Differential => b'I',
            BackupKind::Log => b'L',
            BackupKind::File => b'F',
            BackupKind::FileDifferential => b'G',
            BackupKind::Partial => b'P',
            BackupKind::PartialDifferential => b'Q',
            BackupKind::Unknown(l) => l,
        }
    }

    /// HEADERONLY column BackupType.
    pub fn number(self) -> i16 {
        match self {
            BackupKind::Full => 1,
            BackupKind::Log => 2,
            BackupKind::File => 4,
            BackupKind::Differential => 5,
            BackupKind::FileDifferential => 6,
            BackupKind::Partial => 7,
            BackupKind::PartialDifferential => 8,
            BackupKind::Unknown(_) => 0,
        }
    }

    /// HEADERONLY column BackupTypeDescription.
    pub fn description(self) -> &'static str {
        match self {
            BackupKind::Full => "DATABASE",
            BackupKind::Log => "TRANSACTION LOG",
            BackupKind::File => "FILE OR FILEGROUP",
            BackupKind::Differential => "DATABASE DIFFERENTIAL",
            BackupKind::FileDifferential => "FILE DIFFERENTIAL",
            BackupKind::Partial => "PARTIAL",
            BackupKind::PartialDifferential => "PARTIAL DIFFERENTIAL",
            BackupKind::Unknown(_) => "UNKNOWN",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecoveryModel {
    Full,
    BulkLogged,
    Simple,
}

impl RecoveryModel {
    /// HEADERONLY column RecoveryModel.
    pub fn name(self) -> &'static str {
        match self {
            RecoveryModel::Full => "FULL",
            RecoveryModel::BulkLogged => "BULK-LOGGED",
            RecoveryModel::Simple => "SIMPLE",
        }
    }
}

/// An LSN with the recovery fork it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fork {
    pub lsn: Lsn,
    pub guid: [u8; 16],
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetInfo {
    pub flags: u32,
    pub data_files: u32,
    pub filegroups: u32,
    pub software_major: u8,
    pub software_minor: u8,
    pub software_build: u16,
    pub processor: u32,
    pub first_lsn: Lsn,
    pub last_lsn: Lsn,
    pub checkpoint_lsn: Lsn,
    /// FirstLSN of the last full backup before this one, zero if none.
    pub database_backup_lsn: Lsn,
    pub creation_date: MtfDate,
    pub start_date: MtfDate,
    pub finish_date: MtfDate,
    pub kind: BackupKind,
    pub sort_order: u8,
    pub compatibility_level: u8,
    pub database_id: u16,
    /// Internal database version, 611 … 998.
    pub database_version: u16,
    /// Bytes of the whole media set.
    pub backup_size: u64,
    pub database_name: String,
    pub server_name: String,
    pub locale: u32,
    pub comparison_style: u32,
    pub binding_id: [u8; 16],
    pub fork: Fork,
    pub previous_fork: Fork,
    /// Backup set GUID of the full backup that `database_backup_lsn` names.
    pub last_full_backup: [u8; 16],
    pub collation: u32,
    pub collation_sort_order: u32,
    pub family: [u8; 16],
    /// Unit to which page data is padded: 65536 or 1048576.
    pub transfer_unit: u32,
    pub database_status: u32,
    pub log_chain_start: Lsn,
    pub differential_base_lsn: Lsn,
    pub differential_base: [u8; 16],
    pub previous_fork_again: Fork,
    pub next_log_lsn: Lsn,
    /// `None` before 2008.
    pub compressed_size: Option<u64>,
}

impl SetInfo {
    pub(crate) fn parse(chunk: &Chunk<'_>) -> Result<Self, Truncated> {
        let c = Chunk::new(chunk.raw()).bounded_by(&[104, 108]);
        Ok(SetInfo {
            flags: c.u32(8)?,
            data_files: c.u32(12)?,
            filegroups: c.u32(16)?,
            software_build: c.u16(24)?,
            software_minor: c.u8(26)?,
            software_major: c.u8(27)?,
            processor: c.u32(28)?,
            first_lsn: c.lsn(32)?,
            last_lsn: c.lsn(42)?,
            checkpoint_lsn: c.lsn(52)?,
            database_backup_lsn: c.lsn(62)?,
            creation_date: c.date(72)?,
            start_date: c.date(77)?,
            finish_date: c.date(82)?,
            kind: BackupKind::from_letter(c.u8(87)?),
            sort_order: c.u8(88)?,
            compatibility_level: c.u8(91)?,
            database_id: c.u16(92)?,
            database_version: c.u16(94)?,
            backup_size: c.u64(96)?,
            database_name: c.string(104)?,
            server_name: c.string(108)?,
            locale: c.u32(116)?,
            comparison_style: c.u32(120)?,
            binding_id: c.guid(124)?,
            fork: Fork { lsn: c.lsn(144)?, guid: c.guid(156)? },
            previous_fork: Fork { lsn: c.lsn(172)?, guid: c.guid(184)? },
            last_full_backup: c.guid(200)?,
            collation: c.u32(216)?,
            collation_sort_order: c.u32(220)?,
            family: c.guid(224)?,
            transfer_unit: c.u32(240)?,
            database_status: c.u32(244)?,
            log_chain_start: c.lsn(248)?,
            differential_base_lsn: c.lsn(260)?,
            differential_base: c.guid(272)?,
            previous_fork_again: Fork { lsn: c.lsn(304)?, guid: c.guid(316)? },
            next_log_lsn: c.lsn(332)?,
            compressed_size: if c.has(344, 8) { Some(c.u64(344)?) } else { None },
        })
    }

    /// Appends the chunk in the layout of its software version. Undefined bytes are zero.
    pub fn write(&self, out: &mut ByteWriter) {
        let layout = Layout::for_major(self.software_major);
        let mut c = ChunkWriter::new(b"SCIN", layout.set_fixed);
        c.u32(8, self.flags).u32(12, self.data_files).u32(16, self.filegroups);
        c.u16(24, self.software_build).u8(26, self.software_minor).u8(27, self.software_major);
        c.u32(28, self.processor);
        c.lsn(32, self.first_lsn).lsn(42, self.last_lsn).lsn(52, self.checkpoint_lsn);
        c.lsn(62, self.database_backup_lsn);
        c.date(72, self.creation_date).date(77, self.start_date).date(82, self.finish_date);
        c.u8(87, self.kind.letter()).u8(88, self.sort_order).u8(89, 1).u8(91, self.compatibility_level);
        c.u16(92, self.database_id).u16(94, self.database_version).u64(96, self.backup_size);
        c.u32(116, self.locale).u32(120, self.comparison_style).bytes(124, &self.binding_id);
        c.lsn(144, self.fork.lsn).bytes(156, &self.fork.guid);
        c.lsn(172, self.previous_fork.lsn).bytes(184, &self.previous_fork.guid);
        c.bytes(200, &self.last_full_backup).u32(216, self.collation).u32(220, self.collation_sort_order);
        c.bytes(224, &self.family).u32(240, self.transfer_unit).u32(244, self.database_status);
        c.lsn(248, self.log_chain_start)
            .lsn(260, self.differential_base_lsn)
            .bytes(272, &self.differential_base);
        c.lsn(304, self.previous_fork_again.lsn).bytes(316, &self.previous_fork_again.guid);
        c.lsn(332, self.next_log_lsn).u64(344, self.compressed_size.unwrap_or(self.backup_size));
        for (offset, v) in [372, 380, 384, 388].into_iter().zip(layout.set_tail) {
            c.u32(offset, v);
        }
        c.string(104, &self.database_name).string(108, &self.server_name);
        c.finish(out);
    }

    pub fn recovery_model(&self) -> RecoveryModel {
        if self.database_status & 8 != 0 {
            RecoveryModel::Simple
        } else if self.database_status & 4 != 0 {
            RecoveryModel::BulkLogged
        } else {
            RecoveryModel::Full
        }
    }

    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}
