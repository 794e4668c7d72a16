//! Bounded reading and writing of little-endian bytes. Every codec reads through [`ByteReader`], so that hostile lengths
//! yield an error and never a panic or an allocation larger than the input.

use thiserror::Error;

/// The input ended (or a length pointed outside it) at `offset`, where `wanted` more bytes were needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("input of {length} bytes ends at offset {offset} where {wanted} more bytes are needed")]
pub struct Truncated {
    /// Byte offset in the input at which the read was tried.
    pub offset: usize,
    /// Bytes needed from there.
    pub wanted: usize,
    /// Total length of the input in bytes.
    pub length: usize,
}

/// A cursor over a byte slice; all reads are checked.
#[derive(Clone, Copy, Debug)]
pub struct ByteReader<'a> {
    data: &'a [u8],
    pos: usize,
}

macro_rules! read_le {
    ($($name:ident $t:ty),*) => {$(
        #[inline]
        pub fn $name(&mut self) -> Result<$t, Truncated> {
            let b = self.bytes(size_of::<$t>())?;
            let mut a = [0u8; size_of::<$t>()];
            a.copy_from_slice(b);
            Ok(<$t>::from_le_bytes(a))
        }
    )*};
}

impl<'a> ByteReader<'a> {
    #[inline]
    pub fn new(data: &'a [u8]) -> Self {
        ByteReader { data, pos: 0 }
    }

    /// Starts at `offset`, which may be anywhere; reads then fail if it lies outside.
    #[inline]
    pub fn at(data: &'a [u8], offset: usize) -> Self {
        ByteReader { data, pos: offset }
    }

    /// Byte offset of the next read.
    pub fn position(&self) -> usize {
        self.pos
    }

    pub fn seek(&mut self, offset: usize) {
        self.pos = offset;
    }

    pub fn remaining(&self) -> usize {
        self.data.len().saturating_sub(self.pos)
    }

    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    #[inline]
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let end = self.pos.checked_add(count).filter(|&e| e <= self.data.len()).ok_or(Truncated {
            offset: self.pos,
            wanted: count,
            length: self.data.len(),
        })?;
        let out = &self.data[self.pos..end];
        self.pos = end;
        Ok(out)
    }

    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let mut a = [0u8; N];
        a.copy_from_slice(self.bytes(N)?);
        Ok(a)
    }

    #[inline]
    pub fn skip(&mut self, count: usize) -> Result<(), Truncated> {
        self.bytes(count).map(|_| ())
    }

    /// All bytes not read yet.
    pub fn rest(&mut self) -> &'a [u8] {
        let out = self.data.get(self.pos..).unwrap_or(&[]);
        self.pos = self.data.len();
        out
    }

    read_le!(u8 u8, i8 i8, u16 u16, i16 i16, u32 u32, i32 i32, u64 u64, i64 i64, f32 f32, f64 f64);

    pub fn u16_be(&mut self) -> Result<u16, Truncated> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn u32_be(&mut self) -> Result<u32, Truncated> {
        Ok(u32::from_be_bytes(self.array()?))
    }
}

/// Appends little-endian values to a growing buffer.
#[derive(Clone, Debug, Default)]
pub struct ByteWriter {
    pub buf: Vec<u8>,
}

macro_rules! write_le {
    ($($name:ident $t:ty),*) => {$(
        pub fn $name(&mut self, v: $t) -> &mut Self {
            self.buf.extend_from_slice(&v.to_le_bytes());
            self
        }
    )*};
}

impl ByteWriter {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.buf.len()
    }

    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    pub fn bytes(&mut self, b: &[u8]) -> &mut Self {
        self.buf.extend_from_slice(b);
        self
    }

    pub fn zeros(&mut self, count: usize) -> &mut Self {
        self.buf.resize(self.buf.len() + count, 0);
        self
    }

    write_le!(u8 u8, i8 i8, u16 u16, i16 i16, u32 u32, i32 i32, u64 u64, i64 i64, f32 f32, f64 f64);

    pub fn u16_be(&mut self, v: u16) -> &mut Self {
        self.bytes(&v.to_be_bytes())
    }

    pub fn u32_be(&mut self, v: u32) -> &mut Self {
        self.bytes(&v.to_be_bytes())
    }

    /// Overwrites two bytes at `offset`, which must already be written.
    pub fn patch_u16(&mut self, offset: usize, v: u16) {
        self.buf[offset..offset + 2].copy_from_slice(&v.to_le_bytes());
    }

    /// Overwrites four bytes at `offset`, which must already be written.
    pub fn patch_u32(&mut self, offset: usize, v: u32) {
        self.buf[offset..offset + 4].copy_from_slice(&v.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_bounded() {
        let mut r = ByteReader::new(&[1, 2, 3]);
        assert_eq!(r.u16(), Ok(0x0201));
        assert_eq!(r.u16(), Err(Truncated { offset: 2, wanted: 2, length: 3 }));
        assert_eq!(r.u8(), Ok(3));
        assert!(ByteReader::at(&[1], 9).u8().is_err());
        assert!(ByteReader::new(&[1]).bytes(usize::MAX).is_err());
    }
}
