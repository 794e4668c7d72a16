//! Texts of views, procedures, functions and triggers as `sysobjvalues` keeps them, those WITH ENCRYPTION among them.
//!
//! Invariants
//! 1. An encrypted text is the UTF-16 text under RC4; the key is the SHA-1 of the database's family GUID, the object's id and the number of the
//!    text (1 of procedures, else 0), the numbers little-endian in four and two bytes.
//! 2. Whether a text is encrypted is told by itself: a readable one says CREATE, an encrypted one says so only after decryption. No flag is needed.
//!
//! Evidence: docs/format/catalog.md; a published test vector of RC4.

use holdfast_base::sha1::sha1;

/// A text and how it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleText {
    pub text: String,
    pub encrypted: bool,
}

/// `value` of a row whose text has one byte a character.
pub const SINGLE_BYTE: i64 = 2;

/// What the key is made of.
#[derive(Clone, Copy, Debug)]
pub struct TextPlace {
    pub family: [u8; 16],
    pub object: i32,
    /// `subobjid` of the row.
    pub number: i16,
}

impl TextPlace {
    /// Encrypts a text, or decrypts one: both are the same.
    pub fn apply(&self, bytes: &mut [u8]) {
        let mut seed = [0u8; 22];
        seed[..16].copy_from_slice(&self.family);
        seed[16..20].copy_from_slice(&self.object.to_le_bytes());
        seed[20..].copy_from_slice(&self.number.to_le_bytes());
        rc4(&sha1(&seed), bytes);
    }
}

/// A readable text. `form`: the row's `value`.
pub fn plain(bytes: &[u8], form: i64) -> String {
    if form == SINGLE_BYTE {
        return bytes.iter().map(|&b| char::from(b)).collect();
    }
    let units: Vec<u16> = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// The text of a module (invariant 2).
pub fn decode(bytes: &[u8], form: i64, place: &TextPlace) -> ModuleText {
    let text = plain(bytes, form);
    if says_create(&text) {
        return ModuleText { text, encrypted: false };
    }
    let mut clear = bytes.to_vec();
    place.apply(&mut clear);
    for form in [1, SINGLE_BYTE] {
        let text = plain(&clear, form);
        if says_create(&text) {
            return ModuleText { text, encrypted: true };
        }
    }
    // Encrypted under another key, or no text at all: what it is, it is not to be shown, and it does not run.
    ModuleText { text, encrypted: !bytes.is_empty() }
}

fn says_create(text: &str) -> bool {
    text.as_bytes().windows(6).any(|w| w.eq_ignore_ascii_case(b"create"))
}

/// RC4 over the bytes in place.
fn rc4(key: &[u8; 20], bytes: &mut [u8]) {
    let mut state: [u8; 256] = std::array::from_fn(|i| i as u8);
    let mut j = 0u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len()]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0u8, 0u8);
    for b in bytes {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        let at = state[usize::from(i)].wrapping_add(state[usize::from(j)]);
        *b ^= state[usize::from(at)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn a_published_vector() {
        // A key of twenty bytes that repeats one of four: the same schedule as key "Wiki" over "pedia".
        let mut key = [0u8; 20];
        for (k, b) in key.iter_mut().zip(b"Wiki".iter().cycle()) {
            *k = *b;
        }
        let mut text = *b"pedia";
        rc4(&key, &mut text);
        assert_eq!(hexadecimal(&text), "1021bf0420");
    }

    #[test]
    fn a_text_comes_back_and_says_how_it_was_kept() {
        let place = TextPlace { family: [7; 16], object: 1_234_567, number: 1 };
        let text = "CREATE PROCEDURE p WITH ENCRYPTION AS SELECT N'ü€'";
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&bytes, 1, &place), ModuleText { text: text.into(), encrypted: false });
        place.apply(&mut bytes);
        assert_eq!(decode(&bytes, 1, &place), ModuleText { text: text.into(), encrypted: true });
        // Of another object, or of a copy with another family: nothing readable.
        let other = TextPlace { object: 1, ..place };
        let unreadable = decode(&bytes, 1, &other);
        assert!(unreadable.encrypted && !unreadable.text.contains("SELECT"));
        assert!(!decode(&[], 1, &place).encrypted);
        assert!(decode(&[1], 2, &place).encrypted);
    }
}
