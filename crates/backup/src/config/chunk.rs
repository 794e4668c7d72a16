//! Field access inside one configuration chunk.

use holdfast_base::{ByteReader, ByteWriter, Lsn, Truncated};

use crate::block::{read_string, utf16};
use crate::date::MtfDate;

/// One chunk with its fixed part's length.
pub struct Chunk<'a> {
    bytes: &'a [u8],
    fixed: usize,
}

impl<'a> Chunk<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Chunk { bytes, fixed: bytes.len() }
    }

    /// Bounds the fixed part by the string pointers at these offsets: strings stand directly behind it.
    #[must_use]
    pub fn bounded_by(mut self, pointers: &[usize]) -> Self {
        for &p in pointers {
            let mut r = ByteReader::at(self.bytes, p);
            if let (Ok(length), Ok(offset)) = (r.u16(), r.u16())
                && length > 0
            {
                self.fixed = self.fixed.min(usize::from(offset));
            }
        }
        self
    }

    pub(crate) fn raw(&self) -> &'a [u8] {
        self.bytes
    }

    /// Length of the fixed part in bytes.
    pub fn fixed(&self) -> usize {
        self.fixed
    }

    /// The field's bytes; zeros when this version has no such field.
    fn field<const N: usize>(&self, offset: usize) -> Result<[u8; N], Truncated> {
        if offset + N > self.fixed {
            return Ok([0; N]);
        }
        ByteReader::at(self.bytes, offset).array()
    }

    pub fn u8(&self, offset: usize) -> Result<u8, Truncated> {
        Ok(self.field::<1>(offset)?[0])
    }

    pub fn u16(&self, offset: usize) -> Result<u16, Truncated> {
        Ok(u16::from_le_bytes(self.field(offset)?))
    }

    pub fn u32(&self, offset: usize) -> Result<u32, Truncated> {
        Ok(u32::from_le_bytes(self.field(offset)?))
    }

    pub fn u64(&self, offset: usize) -> Result<u64, Truncated> {
        Ok(u64::from_le_bytes(self.field(offset)?))
    }

    pub fn lsn(&self, offset: usize) -> Result<Lsn, Truncated> {
        Ok(Lsn::from_bytes(self.field(offset)?))
    }

    pub fn guid(&self, offset: usize) -> Result<[u8; 16], Truncated> {
        self.field(offset)
    }

    pub fn date(&self, offset: usize) -> Result<MtfDate, Truncated> {
        Ok(MtfDate::from_bytes(self.field(offset)?))
    }

    pub fn string(&self, pointer: usize) -> Result<String, Truncated> {
        read_string(self.bytes, pointer)
    }

    /// The field lies inside this version's fixed part.
    pub fn has(&self, offset: usize, size: usize) -> bool {
        offset + size <= self.fixed
    }
}

/// Builds one chunk: fields at offsets (those outside the fixed part are left out), then strings.
pub struct ChunkWriter {
    bytes: Vec<u8>,
    fixed: usize,
}

impl ChunkWriter {
    pub fn new(tag: &[u8; 4], fixed: usize) -> Self {
        let mut bytes = vec![0; fixed];
        bytes[..4].copy_from_slice(tag);
        ChunkWriter { bytes, fixed }
    }

    pub fn bytes(&mut self, offset: usize, value: &[u8]) -> &mut Self {
        if offset + value.len() <= self.fixed {
            self.bytes[offset..offset + value.len()].copy_from_slice(value);
        }
        self
    }

    pub fn u8(&mut self, offset: usize, v: u8) -> &mut Self {
        self.bytes(offset, &[v])
    }

    pub fn u16(&mut self, offset: usize, v: u16) -> &mut Self {
        self.bytes(offset, &v.to_le_bytes())
    }

    pub fn u32(&mut self, offset: usize, v: u32) -> &mut Self {
        self.bytes(offset, &v.to_le_bytes())
    }

    pub fn u64(&mut self, offset: usize, v: u64) -> &mut Self {
        self.bytes(offset, &v.to_le_bytes())
    }

    pub fn lsn(&mut self, offset: usize, v: Lsn) -> &mut Self {
        self.bytes(offset, &v.to_bytes())
    }

    pub fn date(&mut self, offset: usize, v: MtfDate) -> &mut Self {
        self.bytes(offset, &v.to_bytes())
    }

    /// Appends the string and sets its pointer.
    pub fn string(&mut self, pointer: usize, s: &str) -> &mut Self {
        let s = utf16(s);
        let offset = self.bytes.len() as u16;
        self.u16(pointer, s.len() as u16).u16(pointer + 2, offset);
        self.bytes.extend_from_slice(&s);
        self
    }

    /// Sets the chunk's length and appends it.
    pub fn finish(mut self, out: &mut ByteWriter) {
        let length = self.bytes.len() as u32;
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        out.bytes(&self.bytes);
    }
}
