//! Sort keys of Windows word sort.
//!
//! key = primary weights, 01, diacritic weights, 01, case weights, 01, positions and weights of ignored punctuation. Diacritic
//! and case weights lose their trailing neutral bytes (≤ 2).
//!
//! | script | meaning |
//! |---|---|
//! | 0 | ignored |
//! | 1 | non-spacing mark: adds to the diacritic weight before it |
//! | 2 | expansion into two units |
//! | 3 | kana; weight 0 repeats the kana before, 1 prolongs its vowel |
//! | 5 | Extension A: three-byte primary weight |
//! | 6 | hyphen, apostrophe: compared last, by position |
//! | others | primary weight is script and alphanumeric weight |
//!
//! Invariants
//! 1. Primary, diacritic and case bytes are at least 2, so that the separator 01 sorts before all of them.
//!
//! Evidence: Microsoft's published order examples (tests); order of nvarchar keys in genuine index pages.

use super::weights::{DOUBLE_COMPRESSION, Locale, THREE_BYTE, expansion};
use crate::sql_type::CollationId;

/// All bits of the case weight that mean something; 0x40 and 0x80 only announce contractions.
pub(super) const CASE_MASK_ALL: u8 = 0x3F;

const KANA: u8 = 34;

/// Sort id (row of the locale table) of a collation: by language byte.
pub(super) fn sort_id(id: CollationId) -> u8 {
    match id.language() {
        0x0D => 0x04,                                                  // Hungarian
        0x1E => 0x06,                                                  // Latvian
        0x58 => 0x08,                                                  // Turkmen
        0x06 => 0x09,                                                  // Yakut
        0x3A => 0x0A,                                                  // Macedonian
        0x37 => 0x0B,                                                  // Kazakh
        0x5E => 0x0C,                                                  // Khmer
        0x0F => 0x0E,                                                  // Corsican
        0x26 => 0x0F,                                                  // Breton
        0x3F => 0x10,                                                  // Mohawk
        0x52 => 0x12,                                                  // Mapudungan
        0x53 => 0x13,                                                  // Upper Sorbian
        0x12 => 0x14,                                                  // Maori
        0x50 => 0x15,                                                  // Urdu
        0x5B => 0x16,                                                  // Pashto
        0x25 => 0x17,                                                  // Uighur
        0x18 => 0x18,                                                  // Albanian
        0x16 | 0x4C | 0x4E => 0x19, // Croatian, Serbian Latin, Bosnian Latin
        0x0A => 0x1A,               // Finnish, Swedish
        0x56 => 0x1B,               // Sami (Norway)
        0x04 => 0x1C,               // Czech
        0x13 => 0x1D,               // Polish
        0x1C => 0x1E,               // Slovenian
        0x47 => 0x1F,               // Danish, Greenlandic
        0x05 | 0x4A => 0x20,        // Danish and Norwegian, Norwegian
        0x57 => 0x21,               // Sami (Sweden, Finland)
        0x1A => 0x22,               // Turkish
        0x63 => 0x23,               // Azeri Latin
        0x14 => 0x24,               // Romanian
        0x0E => 0x25,               // Icelandic
        0x1D => 0x27,               // Estonian
        0x1F => 0x28,               // Lithuanian
        0x17 => 0x29,               // Slovak
        0x09 => 0x2A,               // Traditional Spanish
        0x28 => 0x2B,               // Modern Spanish
        0x5D => 0x2C,               // Welsh
        0x55 => 0x2D,               // Maltese
        0x5F => 0x2E,               // Lao
        0x19 => 0x2F,               // Thai
        0x20 => 0x30,               // Vietnamese
        0x59 | 0x5A => 0x31,        // Bengali, Assamese
        0x35 => 0x32,               // Indic
        0x62 => 0x33,               // Nepali
        0x5C => 0x34,               // Tibetan
        0x54 => 0x3D,               // Bashkir
        0x29 => 0x3F,               // German phone book
        0x1B => 0x40,               // Ukrainian
        0x51 => 0x41,               // Persian
        0x39 => 0x43,               // Tatar
        0x3B => 0x44,               // Syriac
        0x3C => 0x45,               // Divehi
        0x2D => 0x48,               // Georgian modern
        0x2F | 0x33 | 0x42 => 0x38, // Chinese by bopomofo
        0x03 | 0x34 | 0x2E | 0x32 | 0x3E | 0x41 | 0x44 | 0x46 => 0x39, // Chinese by strokes
        0x24 | 0x31 | 0x43 | 0x45 => 0x3A, // Chinese by pinyin
        0x10 | 0x30 | 0x48 => 0x46, // Japanese
        0x11 | 0x40 => 0x47,        // Korean
        0x0B if id.version() == 0 => 0x03, // French: diacritics from the end
        _ => 0,
    }
}

pub(super) struct KeyBuilder<'a> {
    locale: &'a Locale,
    case_mask: u8,
    ignores_accents: bool,
    reverse: bool,
    diacritic: Vec<u8>,
    case: Vec<u8>,
    special: Vec<u8>,
    /// Number of primary weights so far.
    count: usize,
    last_kana: Option<u8>,
}

impl<'a> KeyBuilder<'a> {
    pub fn new(locale: &'a Locale, case_mask: u8, ignores_accents: bool, reverse: bool) -> Self {
        KeyBuilder {
            locale,
            case_mask,
            ignores_accents,
            reverse,
            diacritic: Vec::new(),
            case: Vec::new(),
            special: Vec::new(),
            count: 0,
            last_kana: None,
        }
    }

    pub fn build(mut self, s: &[u16], out: &mut Vec<u8>) {
        let mut at = 0;
        while at < s.len() {
            at += self.element(&s[at..], out);
        }
        out.push(1);
        if !self.ignores_accents {
            if self.reverse {
                self.diacritic.reverse();
            }
            append_trimmed(&self.diacritic, out);
        }
        out.push(1);
        append_trimmed(&self.case, out);
        out.push(1);
        out.extend_from_slice(&self.special);
    }

    /// Weighs what stands at the beginning of `s` and says how many units that was.
    fn element(&mut self, s: &[u16], out: &mut Vec<u8>) -> usize {
        if !self.locale.contractions.is_empty() {
            if let Some((n, w)) = self.locale.contraction(s) {
                self.weight(w, out);
                return n;
            }
            // Hungarian: "ccs" stands for "cs" twice.
            if self.locale.flags & DOUBLE_COMPRESSION != 0
                && s.len() > 2
                && s[0] == s[1]
                && let Some((n, w)) = self.locale.contraction(&s[1..])
            {
                self.weight(w, out);
                self.weight(w, out);
                return n + 1;
            }
        }
        self.unit(s[0], 0, out);
        1
    }

    fn unit(&mut self, unit: u16, depth: u8, out: &mut Vec<u8>) {
        let w = self.locale.weight(unit);
        if w >> 8 & 0xFF == 2 && depth < 4 {
            for u in expansion((w >> 16) as u16 & 0x3FFF) {
                self.unit(u, depth + 1, out);
            }
        } else {
            self.weight(w, out);
        }
    }

    fn weight(&mut self, w: u32, out: &mut Vec<u8>) {
        let [primary, mut script, diacritic, case] = w.to_le_bytes();
        let mut primary = primary;
        let mut case = case & self.case_mask;
        match script {
            0 | 2 => return,
            1 => {
                match self.diacritic.last_mut() {
                    Some(d) => *d = d.wrapping_add(diacritic).max(2),
                    None => self.diacritic.push(diacritic.max(2)),
                }
                return;
            }
            3 => {
                script = KANA;
                match (primary, self.last_kana) {
                    (0 | 1, None) => primary += 2,
                    (0, Some(k)) => primary = k,
                    (1, Some(k)) => {
                        primary = k & 0x87;
                        case |= 0x40;
                    }
                    _ => {}
                }
                self.last_kana = Some(primary);
            }
            5 => {
                out.extend_from_slice(&[0xFD, 0xFF, primary.max(2), diacritic.max(2)]);
                self.push_level(2, 2);
                return;
            }
            6 => {
                let position = 0x8000 | ((self.count * 4 + 7).min(0x7FFF) as u16);
                self.special.extend_from_slice(&position.to_be_bytes());
                self.special.push(primary);
                self.special.push(diacritic << 3 | case);
                return;
            }
            _ => {}
        }
        if script != KANA {
            self.last_kana = None;
        }
        out.push(script);
        out.push(primary.max(2));
        let three = (169..=175).contains(&script)
            || (self.locale.flags & THREE_BYTE != 0 && (192..=239).contains(&script));
        if three {
            out.push(diacritic.max(2));
            self.push_level(2, case);
        } else {
            self.push_level(diacritic, case);
        }
    }

    fn push_level(&mut self, diacritic: u8, case: u8) {
        self.diacritic.push(diacritic.max(2));
        self.case.push(case.max(2));
        self.count += 1;
    }
}

fn append_trimmed(level: &[u8], out: &mut Vec<u8>) {
    let n = level.iter().rposition(|&b| b > 2).map_or(0, |p| p + 1);
    out.extend_from_slice(&level[..n]);
}
