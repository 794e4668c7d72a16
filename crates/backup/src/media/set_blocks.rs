//! The blocks of one backup set: SSET, VOLB, MSTL and the set map TSMP. Offsets in docs/format/backup.md.

use holdfast_base::{ByteReader, Lsn, Truncated};

use super::BulkStream;
use crate::block::{pointed, read_string};
use crate::date::MtfDate;

/// SSET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetStart {
    /// 4 full and log, 8 differential, 6 copy-only.
    pub attributes: u32,
    pub password_digest: Option<[u8; 16]>,
    pub vendor: u16,
    /// 1-based position in the file.
    pub position: u16,
    pub name: String,
    pub description: String,
    pub user: String,
    pub write_date: MtfDate,
    pub software_major: u8,
    pub software_minor: u8,
    /// Offset from UTC in quarter hours.
    pub time_zone: i8,
    pub set_guid: [u8; 16],
    pub expiration: MtfDate,
}

impl SetStart {
    pub(super) fn parse(block: &[u8]) -> Result<Self, Truncated> {
        let mut r = ByteReader::at(block, 52);
        let attributes = r.u32()?;
        let algorithm = r.u16()?;
        r.skip(2)?;
        let vendor = r.u16()?;
        let position = r.u16()?;
        r.seek(88);
        let write_date = MtfDate::from_bytes(r.array()?);
        let (software_major, software_minor, time_zone) = (r.u8()?, r.u8()?, r.i8()?);
        r.seek(100);
        let set_guid = r.array()?;
        let expiration = MtfDate::from_bytes(r.array()?);
        let digest = pointed(block, 72)?;
        Ok(SetStart {
            attributes,
            password_digest: if algorithm != 0 { digest.try_into().ok() } else { None },
            vendor,
            position,
            name: read_string(block, 64)?,
            description: read_string(block, 68)?,
            user: read_string(block, 76)?,
            write_date,
            software_major,
            software_minor,
            time_zone,
            set_guid,
            expiration,
        })
    }
}

/// VOLB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeInfo {
    pub device: String,
    pub volume: String,
    pub machine: String,
}

impl VolumeInfo {
    pub(super) fn parse(block: &[u8]) -> Result<Self, Truncated> {
        Ok(VolumeInfo {
            device: read_string(block, 56)?,
            volume: read_string(block, 60)?,
            machine: read_string(block, 64)?,
        })
    }
}

/// MSTL: one virtual log file of the log file, with or without log in this backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vlf {
    /// Byte range of the log file that this backup holds from this VLF; `start == end` when none.
    pub start: u64,
    pub end: u64,
    pub file: u16,
    /// VLF sequence number, 0 without log in this backup.
    pub sequence: u32,
    /// Size and offset of the VLF in the log file, bytes.
    pub size: u64,
    pub offset: u64,
    /// 0, 64 or 128.
    pub parity: u8,
    /// Byte 115: not defined, kept for writing a set again as it was.
    pub undefined: u8,
    pub create_lsn: Lsn,
    pub version: u16,
    /// The log bytes, where this file holds them.
    pub stream: Option<BulkStream>,
}

impl Vlf {
    pub(super) fn parse(block: &[u8]) -> Result<Self, Truncated> {
        let mut r = ByteReader::at(block, 60);
        let (start, end, file) = (r.u64()?, r.u64()?, r.u16()?);
        r.seek(92);
        let sequence = r.u32()?;
        let (size, offset) = (r.u64()?, r.u64()?);
        r.skip(2)?;
        let (parity, undefined) = (r.u8()?, r.u8()?);
        let create_lsn = Lsn::from_bytes(r.array()?);
        let version = r.u16()?;
        Ok(Vlf {
            start,
            end,
            file,
            sequence,
            size,
            offset,
            parity,
            undefined,
            create_lsn,
            version,
            stream: None,
        })
    }
}

/// TSMP: all sets of the file up to this one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SetMap {
    pub family_id: u32,
    pub entries: Vec<SetMapEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetMapEntry {
    pub attributes: u32,
    pub offset: u64,
    pub position: u16,
    pub size: u64,
    pub date: MtfDate,
    pub time_zone: i8,
    pub name: String,
    pub description: String,
    pub user: String,
    pub volume: VolumeInfo,
}

impl SetMap {
    pub(super) fn parse(data: &[u8]) -> Result<Self, Truncated> {
        let mut r = ByteReader::new(data);
        let family_id = r.u32()?;
        let count = r.u16()?;
        r.skip(2)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let start = r.position();
            let length = usize::from(r.u16()?);
            let entry = ByteReader::at(data, start).bytes(length)?;
            let mut e = ByteReader::at(entry, 8);
            let (attributes, offset) = (e.u32()?, e.u64()?);
            e.seek(30);
            let position = e.u16()?;
            e.seek(52);
            let size = e.u64()?;
            e.seek(80);
            let date = MtfDate::from_bytes(e.array()?);
            let time_zone = e.i8()?;
            let volume_length = usize::from(ByteReader::at(data, start + length).u16()?);
            let volume = ByteReader::at(data, start + length).bytes(volume_length)?;
            entries.push(SetMapEntry {
                attributes,
                offset,
                position,
                size,
                date,
                time_zone,
                name: read_string(entry, 64)?,
                description: read_string(entry, 72)?,
                user: read_string(entry, 76)?,
                volume: VolumeInfo {
                    device: read_string(volume, 40)?,
                    volume: read_string(volume, 44)?,
                    machine: read_string(volume, 48)?,
                },
            });
            // Each entry is at least 90 bytes, so the loop is bounded by the data.
            r.seek(start + length.max(1) + volume_length);
        }
        Ok(SetMap { family_id, entries })
    }
}
