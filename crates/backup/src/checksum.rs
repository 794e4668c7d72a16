//! The checksums of backup files and pages: XOR of 16-bit words in block headers, rotate-and-XOR over 512-byte sectors
//! for pages and bulk streams, rotate-and-XOR over 32-bit words for compressed records.
//!
//! Evidence: every one verified on every corpus file (docs/format/backup.md).

/// XOR of the little-endian 16-bit words of `bytes` (an odd last byte is left out).
pub fn header_checksum(bytes: &[u8]) -> u16 {
    bytes.chunks_exact(2).fold(0, |c, w| c ^ u16::from_le_bytes([w[0], w[1]]))
}

/// XOR of the 128 words of one sector.
fn sector_xor(sector: &[u8]) -> u32 {
    // Two lanes of 64 bits fold into 32 at the end; written so that it vectorises.
    let mut lanes = [0u64; 8];
    for chunk in sector.chunks_exact(64) {
        for (lane, word) in lanes.iter_mut().zip(chunk.as_chunks::<8>().0) {
            *lane ^= u64::from_le_bytes(*word);
        }
    }
    let x = lanes.iter().fold(0, |a, b| a ^ b);
    (x ^ x >> 32) as u32
}

/// Running checksum over a bulk stream (CSUM): `c = rotl(c, 1) ^ xor32(sector)` for each 512 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamChecksum(u32);

impl StreamChecksum {
    /// Continues over `bytes`, whose length must be a multiple of 512 (a shorter last sector is taken as it is).
    pub fn update(&mut self, bytes: &[u8]) {
        for sector in bytes.chunks(512) {
            self.0 = self.0.rotate_left(1)
                ^ if sector.len() == 512 { sector_xor(sector) } else { word_xor(sector) };
        }
    }

    pub fn value(self) -> u32 {
        self.0
    }

    /// The checksum of a concatenation, from the parts' own checksums: rotation distributes over XOR, so parts may be
    /// summed in parallel. `sectors` is the number of sectors of the second part.
    pub fn append(self, second: StreamChecksum, sectors: u64) -> StreamChecksum {
        StreamChecksum(self.0.rotate_left((sectors % 32) as u32) ^ second.0)
    }
}

fn word_xor(bytes: &[u8]) -> u32 {
    bytes.chunks(4).fold(0, |c, w| {
        let mut a = [0u8; 4];
        a[..w.len()].copy_from_slice(w);
        c ^ u32::from_le_bytes(a)
    })
}

/// Checksum of a page (8192 bytes) with its own checksum field (offset 60) taken as zero.
pub fn page_checksum(page: &[u8]) -> u32 {
    let mut c = StreamChecksum::default();
    c.update(page);
    // The field's word is part of sector 0, which is rotated by 15 at the end: taking it out again is one XOR.
    let field = page.get(60..64).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    c.0 ^ field.rotate_left(15)
}

/// Checksum of a compressed record: `c = rotl(c, 1) ^ w` for each 32-bit word, zero-padded.
pub fn record_checksum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    // Eight words at a time: the rotations of a group are constants, which breaks the dependency chain.
    let (groups, tail) = words.as_chunks::<8>();
    let mut c = 0u32;
    for g in groups {
        let mut x = 0u32;
        for (i, w) in g.iter().enumerate() {
            x ^= u32::from_le_bytes(*w).rotate_left(7 - i as u32);
        }
        c = c.rotate_left(8) ^ x;
    }
    for w in tail {
        c = c.rotate_left(1) ^ u32::from_le_bytes(*w);
    }
    if !rest.is_empty() {
        c = c.rotate_left(1) ^ word_xor(rest);
    }
    c
}

/// What a page's own protection says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageProtection {
    /// Neither checksum nor torn bits: nothing to check.
    None,
    Good,
    BadChecksum {
        stored: u32,
        found: u32,
    },
    /// Sector (1..=15) whose pattern differs.
    Torn {
        sector: u8,
    },
}

/// Checks a page's checksum (flag 0x0200) or torn-page bits (0x0100). `page` is 8192 bytes as on disk.
pub fn check_page(page: &[u8]) -> PageProtection {
    let (Some(flags), Some(field)) = (page.get(4..6), page.get(60..64)) else { return PageProtection::None };
    let flags = u16::from_le_bytes([flags[0], flags[1]]);
    let stored = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
    if flags & 0x0200 != 0 {
        let found = page_checksum(page);
        return if found == stored {
            PageProtection::Good
        } else {
            PageProtection::BadChecksum { stored, found }
        };
    }
    if flags & 0x0100 != 0 {
        let pattern = (stored & 3) as u8;
        for k in 1..16u8 {
            if page.get(usize::from(k) * 512 + 511).is_none_or(|b| b & 3 != pattern) {
                return PageProtection::Torn { sector: k };
            }
        }
        return PageProtection::Good;
    }
    PageProtection::None
}

/// Puts back the bits that torn-page protection displaced: the two lowest bits of the last byte of sectors 1 to 15, whose
/// originals stand in the field at 60. Pages without that protection are left alone.
pub fn restore_torn_bits(page: &mut [u8]) {
    let Some(head) = page.first_chunk::<64>() else { return };
    if u16::from_le_bytes([head[4], head[5]]) & 0x0300 != 0x0100 {
        return;
    }
    let field = u32::from_le_bytes([head[60], head[61], head[62], head[63]]);
    for k in 1..16 {
        if let Some(byte) = page.get_mut(k * 512 + 511) {
            *byte = *byte & !3 | (field >> (2 * k) & 3) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize) -> Vec<u8> {
        let mut s = 12345u32;
        (0..n)
            .map(|_| {
                s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (s >> 24) as u8
            })
            .collect()
    }

    #[test]
    fn fast_forms_equal_the_definition() {
        let data = noise(8192);
        let plain = data.chunks(512).fold(0u32, |c, s| c.rotate_left(1) ^ word_xor(s));
        let mut c = StreamChecksum::default();
        c.update(&data);
        assert_eq!(c.value(), plain);
        let (mut a, mut b) = (StreamChecksum::default(), StreamChecksum::default());
        a.update(&data[..3072]);
        b.update(&data[3072..]);
        assert_eq!(a.append(b, 10).value(), plain);

        let mut page = data.clone();
        let field = u32::from_le_bytes([page[60], page[61], page[62], page[63]]);
        let sum = page_checksum(&page);
        page[60..64].fill(0);
        assert_ne!(field, 0);
        assert_eq!(sum, page_checksum(&page));

        for n in [0usize, 1, 3, 4, 31, 32, 33, 100] {
            let words = data[..n].chunks(4).fold(0u32, |c, w| c.rotate_left(1) ^ word_xor(w));
            assert_eq!(record_checksum(&data[..n]), words, "{n}");
        }
    }
}
