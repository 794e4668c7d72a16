//! 8-bit sort orders of `SQL_` collations, which order varchar values.
//!
//! Dictionary order: control characters and punctuation by code, then digits, then letters with their accented forms behind
//! them. Hyphen and apostrophe are ordinary characters here. Case- and accent-sensitive orders decide ties after the whole
//! string compared equal by letters.
//!
//! Invariants
//! 1. Only the code pages 1252, 437 and 850 have a table; other sort orders compare as Windows does.
//!
//! Evidence: documented descriptions of sort orders 30–34, 40–44 and 50–54 (binary ones are BIN ids and never come here);
//! the relative order inside one letter's accented forms is assumed to follow the code page.

use std::cmp::Ordering;
use std::sync::LazyLock;

use crate::code_page::CodePage;

/// Weights of 256 bytes.
pub struct ByteOrder {
    page: CodePage,
    /// Letter or symbol.
    primary: [u16; 256],
    /// Accent and case under the letter; 0 where the order ignores them.
    secondary: [u8; 256],
}

struct Spec {
    sort_order: u8,
    page: u16,
    case: bool,
    accents: bool,
    /// Uppercase first among equals ("preference").
    preference: bool,
}

const fn spec(sort_order: u8, page: u16, case: bool, accents: bool, preference: bool) -> Spec {
    Spec { sort_order, page, case, accents, preference }
}

const SPECS: [Spec; 12] = [
    spec(31, 437, true, true, false),
    spec(32, 437, false, true, false),
    spec(33, 437, false, true, true),
    spec(34, 437, false, false, false),
    spec(41, 850, true, true, false),
    spec(42, 850, false, true, false),
    spec(43, 850, false, true, true),
    spec(44, 850, false, false, false),
    spec(51, 1252, true, true, false),
    spec(52, 1252, false, true, false),
    spec(53, 1252, false, true, true),
    spec(54, 1252, false, false, false),
];

static ORDERS: LazyLock<Vec<(u8, ByteOrder)>> =
    LazyLock::new(|| SPECS.iter().map(|s| (s.sort_order, build(s))).collect());

/// The order of a sort order id, if it has a table here.
pub fn for_sort_order(id: u8) -> Option<&'static ByteOrder> {
    ORDERS.iter().find(|o| o.0 == id).map(|o| &o.1)
}

/// Base letter of an accented Latin letter (lower case), and whether it has an accent.
fn base(c: char) -> Option<(char, bool)> {
    let lower = c.to_lowercase().next().unwrap_or(c);
    Some(match lower {
        'a'..='z' => (lower, false),
        'à'..='å' => ('a', true),
        'ç' => ('c', true),
        'è'..='ë' => ('e', true),
        'ì'..='ï' => ('i', true),
        'ñ' => ('n', true),
        'ò'..='ö' | 'ø' => ('o', true),
        'ù'..='ü' => ('u', true),
        'ý' | 'ÿ' => ('y', true),
        'š' => ('s', true),
        'ž' => ('z', true),
        _ => return None,
    })
}

fn build(spec: &Spec) -> ByteOrder {
    let page = CodePage::new(spec.page);
    let all: Vec<u8> = (0..=255).collect();
    let decoded = page.decode(&all);
    let mut order = ByteOrder { page, primary: [0; 256], secondary: [0; 256] };
    for (b, &unit) in decoded.iter().enumerate() {
        let c = char::from_u32(u32::from(unit)).unwrap_or('\u{FFFD}');
        let letter = base(c);
        let (primary, accent) = match (c, letter) {
            ('0'..='9', _) => (0x200 + u16::from(c as u8), 0),
            (_, Some((l, accented))) => {
                // Accents in code order inside the letter, so that accented forms stay apart.
                let accent =
                    if accented { c.to_lowercase().next().map_or(1, |l| l as u32 as u8 | 1) } else { 0 };
                (0x300 + u16::from(l as u8) * 4, accent)
            }
            ('æ' | 'Æ', _) => (0x300 + u16::from(b'a') * 4 + 1, 0),
            ('ð' | 'Ð', _) => (0x300 + u16::from(b'd') * 4 + 1, 0),
            ('œ' | 'Œ', _) => (0x300 + u16::from(b'o') * 4 + 1, 0),
            ('ß', _) => (0x300 + u16::from(b's') * 4 + 1, 0),
            ('þ' | 'Þ', _) => (0x300 + u16::from(b't') * 4 + 1, 0),
            _ => (b as u16 + 1, 0),
        };
        order.primary[b] = primary;
        let upper = c.is_uppercase();
        let case_bit = if spec.case { u8::from(if spec.preference { !upper } else { upper }) } else { 0 };
        let accent = if spec.accents { accent & 0xFE } else { 0 };
        order.secondary[b] = accent | case_bit;
    }
    order
}

impl ByteOrder {
    pub fn compare(&self, a: &[u16], b: &[u16]) -> Ordering {
        let (x, y) = (self.bytes(a), self.bytes(b));
        let by = |t: fn(&Self, u8) -> u16| x.iter().map(|&c| t(self, c)).cmp(y.iter().map(|&c| t(self, c)));
        by(|s, c| s.primary[usize::from(c)]).then_with(|| by(|s, c| u16::from(s.secondary[usize::from(c)])))
    }

    pub fn key(&self, s: &[u16], out: &mut Vec<u8>) {
        let bytes = self.bytes(s);
        bytes.iter().for_each(|&b| out.extend_from_slice(&self.primary[usize::from(b)].to_be_bytes()));
        out.extend_from_slice(&[0, 0]);
        out.extend(bytes.iter().map(|&b| self.secondary[usize::from(b)]));
    }

    fn bytes(&self, s: &[u16]) -> Vec<u8> {
        if s.iter().all(|&u| u < 0x80) {
            return s.iter().map(|&u| u as u8).collect();
        }
        self.page.encode(s)
    }
}
