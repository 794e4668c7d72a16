//! Unicode compression (SCSU, Unicode Technical Standard 6) as compressed nchar/nvarchar values use it.
//!
//! A stream is padded to an odd length with one byte: mostly 0x10 (select window 0), but any byte may stand there. So a
//! command that lacks its operands at the end is that padding and says nothing.
//!
//! Invariants
//! 1. Decoding accepts any bytes: malformed input is an error, never a panic, and the output is at most twice the input in
//!    code units plus one.
//!
//! Evidence: the published standard; values of odd length are in this form, of even length plain UTF-16LE; the padding as
//! others found it in genuine backups of 2017 to 2025 (docs/format/compression.md).

use crate::error::RecordError;

const STATIC: [u32; 8] = [0x0000, 0x0080, 0x0100, 0x0300, 0x2000, 0x2080, 0x2100, 0x3000];
const DYNAMIC: [u32; 8] = [0x0080, 0x00C0, 0x0400, 0x0600, 0x0900, 0x3040, 0x30A0, 0xFF00];

fn window(byte: u8) -> Option<u32> {
    let b = u32::from(byte);
    Some(match byte {
        0x01..=0x67 => b * 0x80,
        0x68..=0xA7 => b * 0x80 + 0xAC00,
        0xF9 => 0x00C0,
        0xFA => 0x0250,
        0xFB => 0x0370,
        0xFC => 0x0530,
        0xFD => 0x3040,
        0xFE => 0x30A0,
        0xFF => 0xFF60,
        _ => return None,
    })
}

fn push(out: &mut Vec<u8>, code: u32) {
    let mut units = [0u16; 2];
    match char::from_u32(code) {
        Some(c) => {
            for unit in c.encode_utf16(&mut units) {
                out.extend_from_slice(&unit.to_le_bytes());
            }
        }
        None => out.extend_from_slice(&(code as u16).to_le_bytes()),
    }
}

/// Bytes that follow a byte and belong to it.
fn operands(b: u8, unicode: bool) -> usize {
    match (unicode, b) {
        (true, 0xE0..=0xE7 | 0xF2) => 0,
        (true, 0xF0 | 0xF1) => 2,
        // A window number, or the low byte of a code unit.
        (true, _) => 1,
        (false, 0x01..=0x08 | 0x18..=0x1F) => 1,
        (false, 0x0B | 0x0E) => 2,
        (false, _) => 0,
    }
}

/// Appends the UTF-16LE form of `input` to `out`.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    let mut dynamic = DYNAMIC;
    let (mut active, mut unicode, mut at) = (0usize, false, 0usize);
    let bad = |at: usize| RecordError::new(at, "compressed text holds a reserved tag");
    // The operand at a place. Commands are only begun when all their operands are there.
    let next = |at: &mut usize| -> Result<u8, RecordError> {
        let b = *input.get(*at).ok_or(RecordError::new(*at, "compressed text is cut off"))?;
        *at += 1;
        Ok(b)
    };
    while at < input.len() {
        let start = at;
        let b = next(&mut at)?;
        if input.len() - at < operands(b, unicode) {
            break;
        }
        if unicode {
            match b {
                0xE0..=0xE7 => {
                    active = usize::from(b - 0xE0);
                    unicode = false;
                }
                0xE8..=0xEF => {
                    active = usize::from(b - 0xE8);
                    dynamic[active] = window(next(&mut at)?).ok_or(bad(start))?;
                    unicode = false;
                }
                0xF1 => {
                    let word = u32::from(next(&mut at)?) << 8 | u32::from(next(&mut at)?);
                    active = (word >> 13) as usize;
                    dynamic[active] = 0x10000 + (word & 0x1FFF) * 0x80;
                    unicode = false;
                }
                0xF2 => return Err(bad(start)),
                _ => {
                    let high = if b == 0xF0 { next(&mut at)? } else { b };
                    let low = next(&mut at)?;
                    out.extend_from_slice(&[low, high]);
                }
            }
            continue;
        }
        match b {
            0x01..=0x08 => {
                let index = usize::from(b - 1);
                let c = next(&mut at)?;
                let code = if c < 0x80 {
                    STATIC[index] + u32::from(c)
                } else {
                    dynamic[index] + u32::from(c - 0x80)
                };
                push(out, code);
            }
            0x0B => {
                let word = u32::from(next(&mut at)?) << 8 | u32::from(next(&mut at)?);
                active = (word >> 13) as usize;
                dynamic[active] = 0x10000 + (word & 0x1FFF) * 0x80;
            }
            0x0C => return Err(bad(start)),
            0x0E => {
                let high = next(&mut at)?;
                let low = next(&mut at)?;
                out.extend_from_slice(&[low, high]);
            }
            0x0F => unicode = true,
            0x10..=0x17 => active = usize::from(b - 0x10),
            0x18..=0x1F => {
                active = usize::from(b - 0x18);
                dynamic[active] = window(next(&mut at)?).ok_or(bad(start))?;
            }
            0x80..=0xFF => push(out, dynamic[active] + u32::from(b - 0x80)),
            _ => push(out, u32::from(b)),
        }
    }
    Ok(())
}

/// The compressed form of UTF-16LE text, padded to an odd length; `None` when its characters do not share one of the
/// standard's windows.
pub fn encode(text: &[u8]) -> Option<Vec<u8>> {
    let units: Vec<u32> = text.chunks_exact(2).map(|c| u32::from(u16::from_le_bytes([c[0], c[1]]))).collect();
    let plain = |u: u32| matches!(u, 0 | 9 | 0x0A | 0x0D | 0x20..=0x7F);
    let inside = |u: u32, w: usize| u >= DYNAMIC[w] && u < DYNAMIC[w] + 0x80;
    if units.is_empty() || text.len() % 2 == 1 {
        return None;
    }
    let window = (0..DYNAMIC.len()).find(|&w| units.iter().all(|&u| plain(u) || inside(u, w)))?;
    let mut out = Vec::with_capacity(units.len() + 2);
    if window > 0 {
        out.push(SELECT + window as u8);
    }
    for &unit in &units {
        out.push(if plain(unit) { unit as u8 } else { 0x80 + (unit - DYNAMIC[window]) as u8 });
    }
    if out.len() % 2 == 0 {
        out.push(SELECT);
    }
    Some(out)
}

/// Selects window 0; also what pads a stream to an odd length.
const SELECT: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(input: &[u8]) -> String {
        let mut out = Vec::new();
        decode(input, &mut out).expect("decodes");
        let units: Vec<u16> = out.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
        String::from_utf16_lossy(&units)
    }

    #[test]
    fn the_standards_examples() {
        assert_eq!(text(&[0xD6, 0x6C, 0x20, 0x66, 0x6C, 0x69, 0x65, 0xDF, 0x74]), "Öl fließt");
        assert_eq!(text(&[0x12, 0x9C, 0xBE, 0xC1, 0xBA, 0xB2, 0xB0]), "Москва");
    }

    #[test]
    fn what_is_encoded_decodes() {
        for original in ["a", "ab", "Öl fließt", "Москва", "x\ty\r\nz", "\u{3042}\u{3044}", "\0a"] {
            let utf16: Vec<u8> = original.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let bytes = encode(&utf16).expect("one window");
            assert_eq!(bytes.len() % 2, 1, "{original}");
            assert!(bytes.len() <= original.encode_utf16().count() + 2);
            assert_eq!(text(&bytes), original);
        }
        for original in ["", "\u{4E2D}", "é Ж", "\u{1}", "\u{1F600}"] {
            let utf16: Vec<u8> = original.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(encode(&utf16), None, "{original}");
        }
    }

    #[test]
    fn padding_says_nothing() {
        // "C", a quoted code unit's mode, one unit, and a byte too many.
        assert_eq!(text(&[0x43, 0x0F, 0x4E, 0x2D, 0x10]), "C\u{4E2D}");
        assert_eq!(text(&[0x61, 0x62, 0x10]), "ab");
        assert_eq!(text(&[0x61, 0x62, 0x02]), "ab");
        assert_eq!(text(&[0x0F, 0x4E, 0x2D, 0xF0, 0x11]), "\u{4E2D}");
        assert_eq!(text(&[0x43, 0x00, 0x0F, 0x1D, 0x80, 0x02, 0x8F, 0x02]), "C\0\u{1D80}\u{028F}");
    }

    #[test]
    fn reserved_tags_are_errors() {
        assert!(decode(&[0x0C], &mut Vec::new()).is_err());
        assert!(decode(&[0x0F, 0xF2, 0x00], &mut Vec::new()).is_err());
        assert!(decode(&[0x18, 0xA8], &mut Vec::new()).is_err());
    }
}
