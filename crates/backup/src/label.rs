//! The media header: block TAPE with stream RAID. One per file, at offset 0 of the stream.
//!
//! TAPE: 52 media family id u32, 56 attributes u32 (bit 1: label present), 60 media sequence u16, 62 password algorithm
//! u16 (5 = MD5), 64 media block size / 512 u16, 66 catalog type u16, 68 name, 72 description, 76 password, 80 software
//! name (string pointers), 84 logical block size u16 = 1024, 86 vendor u16 = 4608, 88 date[5], 93 MTF major version.
//! RAID: 0 media set id, 16 u32 0xF00000AD, 20 family count u16, 22 mirrors u16, 24 family sequence u16 (from 1),
//! 26 u16, 28 mirror index u16, 30 u16.
//!
//! Evidence: verified on the corpus; name and description were never seen filled; mirror fields are assumed.

use holdfast_base::{ByteReader, Truncated};

use crate::block::{pointed, read_string};
use crate::date::MtfDate;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaLabel {
    pub family_id: u32,
    pub attributes: u32,
    pub media_sequence: u16,
    /// MD5 of the media password's UTF-16LE bytes.
    pub password_digest: Option<[u8; 16]>,
    /// Media block size in bytes (BLOCKSIZE).
    pub block_size: u32,
    pub name: String,
    pub description: String,
    /// As stored, with its trailing NULs.
    pub software: String,
    pub vendor: u16,
    pub date: MtfDate,
    pub mtf_major: u8,
    pub media_set: [u8; 16],
    pub family_count: u16,
    /// From 1.
    pub family_sequence: u16,
    pub mirror_count: u16,
    pub mirror_index: u16,
}

impl MediaLabel {
    /// `block` is the TAPE block up to its first stream, `raid` the RAID stream's data (empty when it has none).
    pub fn parse(block: &[u8], raid: &[u8]) -> Result<Self, Truncated> {
        let mut r = ByteReader::at(block, 52);
        let family_id = r.u32()?;
        let attributes = r.u32()?;
        let media_sequence = r.u16()?;
        let algorithm = r.u16()?;
        let block_size = u32::from(r.u16()?) * 512;
        r.seek(86);
        let vendor = r.u16()?;
        let date = MtfDate::from_bytes(r.array()?);
        let mtf_major = r.u8()?;
        let digest = pointed(block, 76)?;
        let password_digest = if algorithm != 0 { digest.try_into().ok() } else { None };
        let mut q = ByteReader::new(raid);
        let (media_set, family_count, mirror_count, family_sequence, mirror_index) = if raid.is_empty() {
            ([0; 16], 1, 1, 1, 0)
        } else {
            let set = q.array()?;
            q.skip(4)?;
            let (count, mirrors, sequence) = (q.u16()?, q.u16()?, q.u16()?);
            q.skip(2)?;
            (set, count, mirrors, sequence, q.u16()?)
        };
        Ok(MediaLabel {
            family_id,
            attributes,
            media_sequence,
            password_digest,
            block_size,
            name: read_string(block, 68)?,
            description: read_string(block, 72)?,
            software: read_string(block, 80)?,
            vendor,
            date,
            mtf_major,
            media_set,
            family_count,
            family_sequence,
            mirror_count,
            mirror_index,
        })
    }

    /// Software name without the NULs that are stored with it.
    pub fn software_name(&self) -> &str {
        self.software.trim_end_matches('\0')
    }
}
