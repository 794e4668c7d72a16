//! SFGI and SFIN: filegroups and files of a backup set.

use holdfast_base::{ByteWriter, Lsn, Truncated};

use super::set::Fork;
use super::{Chunk, ChunkWriter, Layout, SetInfo};

/// A filegroup. 2012 and later also hold the set's LSNs and forks; they are written from the set.
#[derive(Clone, Debug, PartialEq)]
pub struct FileGroupInfo {
    pub id: u32,
    pub name: String,
}

impl FileGroupInfo {
    pub(crate) fn parse(chunk: &Chunk<'_>) -> Result<Self, Truncated> {
        Ok(FileGroupInfo { id: chunk.u32(12)?, name: chunk.string(16)? })
    }

    pub fn write(&self, set: &SetInfo, out: &mut ByteWriter) {
        let layout = Layout::for_major(set.software_major);
        let mut c = ChunkWriter::new(b"SFGI", layout.filegroup_fixed);
        c.u32(8, 0x10).u32(12, self.id).u32(20, 1);
        if layout.filegroup_fixed >= 224 {
            c.u32(40, 4);
        }
        c.lsn(52, set.first_lsn).lsn(64, set.last_lsn).lsn(76, set.checkpoint_lsn);
        c.lsn(100, set.log_chain_start).lsn(112, set.next_log_lsn);
        let mut fork = |at: usize, f: &Fork| {
            c.lsn(at, f.lsn).bytes(at + 12, &f.guid);
        };
        fork(128, &set.fork);
        fork(156, &set.previous_fork);
        fork(184, &set.previous_fork_again);
        c.string(16, &self.name);
        c.finish(out);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    Data,
    Log,
    /// FILESTREAM and others, by their number.
    Other(u32),
}

#[derive(Clone, Debug, PartialEq)]
pub struct FileInfo {
    /// 4 always; 8 growth in percent; 0x80 this full backup becomes a differential base.
    pub flags: u32,
    pub page_size: u32,
    pub id: u32,
    pub kind: FileKind,
    /// Pages (data) or whole 8 KiB (log) in this backup.
    pub backup_pages: u32,
    pub source_block_size: u32,
    pub filegroup: u32,
    /// Bytes.
    pub size: u64,
    pub logical_name: String,
    pub physical_name: String,
    pub max_size: u64,
    /// Bytes, or percent with flag 8.
    pub growth: u64,
    pub minimum_size: u64,
    pub create_lsn: Lsn,
    pub drop_lsn: Lsn,
    pub differential_base_lsn: Lsn,
    pub differential_base: [u8; 16],
    pub unique_id: [u8; 16],
    pub first_lsn: Lsn,
    pub last_lsn: Lsn,
    pub checkpoint_lsn: Lsn,
    /// Bytes in this backup.
    pub backup_size: u64,
    /// Start time of the differential base, FILETIME.
    pub differential_base_time: u64,
}

/// No limit: 2^32 pages of 8 KiB less one.
pub const UNLIMITED: u64 = 35_184_372_080_640;

impl FileInfo {
    pub(crate) fn parse(chunk: &Chunk<'_>) -> Result<Self, Truncated> {
        let c = Chunk::new(chunk.raw()).bounded_by(&[48, 52]);
        Ok(FileInfo {
            flags: c.u32(8)?,
            page_size: c.u32(16)?,
            id: c.u32(20)?,
            backup_pages: c.u32(24)?,
            kind: match c.u32(28)? {
                1 => FileKind::Data,
                2 => FileKind::Log,
                n => FileKind::Other(n),
            },
            source_block_size: c.u32(32)?,
            filegroup: c.u32(36)?,
            size: c.u64(40)?,
            logical_name: c.string(48)?,
            physical_name: c.string(52)?,
            max_size: c.u64(86)?,
            growth: c.u64(94)?,
            minimum_size: c.u64(114)?,
            create_lsn: c.lsn(138)?,
            drop_lsn: c.lsn(148)?,
            differential_base_lsn: c.lsn(158)?,
            differential_base: c.guid(170)?,
            unique_id: c.guid(186)?,
            first_lsn: c.lsn(202)?,
            last_lsn: c.lsn(218)?,
            checkpoint_lsn: c.lsn(234)?,
            backup_size: c.u64(250)?,
            differential_base_time: c.u64(262)?,
        })
    }

    pub fn write(&self, layout: &Layout, out: &mut ByteWriter) {
        let mut c = ChunkWriter::new(b"SFIN", layout.file_fixed);
        let kind = match self.kind {
            FileKind::Data => 1,
            FileKind::Log => 2,
            FileKind::Other(n) => n,
        };
        c.u32(8, self.flags)
            .u32(16, self.page_size)
            .u32(20, self.id)
            .u32(24, self.backup_pages)
            .u32(28, kind);
        c.u32(32, self.source_block_size).u32(36, self.filegroup).u64(40, self.size);
        c.u64(86, self.max_size).u64(94, self.growth).u64(114, self.minimum_size).u64(122, UNLIMITED);
        c.u64(130, self.size).lsn(138, self.create_lsn).lsn(148, self.drop_lsn);
        c.lsn(158, self.differential_base_lsn)
            .bytes(170, &self.differential_base)
            .bytes(186, &self.unique_id);
        c.lsn(202, self.first_lsn).lsn(218, self.last_lsn).lsn(234, self.checkpoint_lsn);
        c.u64(250, self.backup_size).u64(262, self.differential_base_time);
        let directory = self
            .physical_name
            .rfind(['\\', '/'])
            .map_or(0, |i| self.physical_name[..=i].encode_utf16().count());
        c.u16(1026, directory as u16);
        c.string(48, &self.logical_name).string(52, &self.physical_name);
        c.finish(out);
    }
}
