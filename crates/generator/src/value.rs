//! Values as they are stored in records: from catalogue text and from Rust values; and their order in an index.

use std::cmp::Ordering;
use std::sync::Arc;

use holdfast_format::record::layout::{PhysicalColumn, xtype};

use crate::{GeneratorError, Result};

/// A column's stored bytes, `None` for NULL. A bit is one byte, 0 or 1.
pub type Stored = Option<Vec<u8>>;

pub fn utf16(s: &str) -> Vec<u8> {
    s.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Characters as single bytes; those beyond Latin-1 become `?`.
pub fn latin1(s: &str) -> Vec<u8> {
    s.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

/// `0x…` text.
fn hex(s: &str) -> Option<Vec<u8>> {
    let digits = s.strip_prefix("0x")?;
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).ok()).collect()
}

/// Upper-case 8-4-4-4-12 text.
fn guid(s: &str) -> Option<Vec<u8>> {
    let b = hex(&format!("0x{}", s.replace('-', "")))?;
    (b.len() == 16).then(|| {
        vec![
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
            b[15],
        ]
    })
}

/// Days from 1900-01-01 to a civil date.
pub fn days_since_1900(year: u16, month: u8, day: u8) -> Option<i32> {
    let date = holdfast_backup::MtfDate { year, month, day, ..holdfast_backup::MtfDate::NONE };
    i32::try_from(date.days_since_epoch()? + 25_567).ok()
}

/// datetime: ticks of 1/300 s, then days since 1900.
pub fn datetime(days: i32, ticks: u32) -> Vec<u8> {
    [ticks.to_le_bytes(), days.to_le_bytes()].concat()
}

/// `YYYY-MM-DD HH:MM:SS.mmm`
fn datetime_text(s: &str) -> Option<Vec<u8>> {
    let number = |from: usize, to: usize| s.get(from..to)?.parse::<u32>().ok();
    let days = days_since_1900(number(0, 4)? as u16, number(5, 7)? as u8, number(8, 10)? as u8)?;
    let ms = ((number(11, 13)? * 60 + number(14, 16)?) * 60 + number(17, 19)?) * 1000 + number(20, 23)?;
    Some(datetime(days, (ms * 3 + 5) / 10))
}

/// sql_variant from `type:value`.
fn variant(s: &str, collation: u32) -> Option<Vec<u8>> {
    let (kind, value) = s.split_once(':')?;
    let name = kind.split('(').next()?;
    let fixed = |x: u8, bytes: &[u8]| Some([&[x, 1], bytes].concat());
    match name {
        "bit" => fixed(xtype::BIT, &[value.parse().ok()?]),
        "int" => fixed(xtype::INT, &value.parse::<i32>().ok()?.to_le_bytes()),
        "bigint" => fixed(xtype::BIGINT, &value.parse::<i64>().ok()?.to_le_bytes()),
        "nvarchar" => {
            let length: u16 = kind.split(['(', ')']).nth(1)?.parse().ok()?;
            let head =
                [&[xtype::NVARCHAR, 1], &(length * 2).to_le_bytes()[..], &collation.to_le_bytes()].concat();
            Some([head, utf16(value)].concat())
        }
        _ => None,
    }
}

/// Catalogue text to stored bytes.
pub fn from_text(column: &PhysicalColumn, text: &str, collation: u32) -> Result<Vec<u8>> {
    let length = usize::from(column.length);
    let parsed = match column.xtype {
        xtype::BIT | xtype::TINYINT => text.parse::<u8>().ok().map(|v| vec![v]),
        xtype::SMALLINT => text.parse::<i16>().ok().map(|v| v.to_le_bytes().to_vec()),
        xtype::INT => text.parse::<i32>().ok().map(|v| v.to_le_bytes().to_vec()),
        xtype::BIGINT => text.parse::<i64>().ok().map(|v| v.to_le_bytes().to_vec()),
        xtype::DATETIME => datetime_text(text),
        xtype::GUID => guid(text),
        xtype::BINARY | xtype::VARBINARY => hex(text),
        xtype::NVARCHAR => Some(utf16(text)),
        xtype::VARCHAR => Some(latin1(text)),
        xtype::NCHAR => {
            let mut b = utf16(text);
            b.truncate(length);
            while b.len() < length {
                b.extend_from_slice(&[0x20, 0]);
            }
            Some(b)
        }
        xtype::CHAR => {
            let mut b = latin1(text);
            b.resize(length, b' ');
            Some(b)
        }
        xtype::VARIANT => variant(text, collation),
        _ => None,
    };
    parsed.ok_or_else(|| GeneratorError::Template(format!("cannot store {text:?} as type {}", column.xtype)))
}

/// Sort weight of a character in names: Windows orders punctuation, then symbols of arithmetic, digits, letters without
/// regard to case; hyphen and apostrophe count only last.
fn weight(c: u16) -> Option<u32> {
    let c = u32::from(c);
    Some(match char::from_u32(c)? {
        '-' | '\'' => return None,
        '+' | '<' | '=' | '>' => 0x0100_0000 + c,
        '$' => 0x0200_0000 + c,
        '0'..='9' => 0x0300_0000 + c,
        ch if ch.is_ascii_alphabetic() => 0x0400_0000 + u32::from(ch.to_ascii_lowercase()),
        _ => c,
    })
}

/// Order of two names under a collation; trailing blanks do not count.
pub type NameOrder = Arc<dyn Fn(&[u16], &[u16]) -> Ordering + Send + Sync>;

/// The order of names as it is for the names of the carried catalogue under Latin collations that ignore case.
pub fn latin_order() -> NameOrder {
    Arc::new(compare_names)
}

fn units(x: &[u8]) -> Vec<u16> {
    x.as_chunks::<2>().0.iter().map(|c| u16::from_le_bytes(*c)).collect()
}

fn compare_names(a: &[u16], b: &[u16]) -> Ordering {
    let trimmed = |all: &[u16]| -> Vec<u16> {
        let end = all.iter().rposition(|u| *u != 0x20).map_or(0, |i| i + 1);
        all[..end].to_vec()
    };
    let (a, b) = (trimmed(a), trimmed(b));
    let primary = a.iter().filter_map(|u| weight(*u)).cmp(b.iter().filter_map(|u| weight(*u)));
    // Names that differ only in hyphens and apostrophes: the one without comes first.
    primary.then_with(|| {
        let special = |x: &[u16]| x.iter().filter(|u| weight(**u).is_none()).count();
        special(&a).cmp(&special(&b))
    })
}

/// Key order of stored values: NULL first.
pub fn compare(column: &PhysicalColumn, a: &Stored, b: &Stored, names: &NameOrder) -> Ordering {
    let (a, b) = match (a, b) {
        (None, None) => return Ordering::Equal,
        (None, _) => return Ordering::Less,
        (_, None) => return Ordering::Greater,
        (Some(a), Some(b)) => (a, b),
    };
    let signed = |x: &[u8]| -> i64 {
        let mut wide = if x.last().is_some_and(|b| b & 0x80 != 0) { [0xFF; 8] } else { [0; 8] };
        for (w, v) in wide.iter_mut().zip(x) {
            *w = *v;
        }
        i64::from_le_bytes(wide)
    };
    match column.xtype {
        xtype::SMALLINT | xtype::INT | xtype::BIGINT | xtype::MONEY | xtype::SMALLMONEY => {
            signed(a).cmp(&signed(b))
        }
        xtype::NVARCHAR | xtype::NCHAR => names(&units(a), &units(b)),
        xtype::DATETIME => {
            let key = |x: &[u8]| (signed(x.get(4..8).unwrap_or(&[])), signed(x.get(..4).unwrap_or(&[])));
            key(a).cmp(&key(b))
        }
        xtype::GUID => {
            const ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];
            let key = |x: &[u8]| ORDER.map(|i| x.get(i).copied().unwrap_or(0));
            key(a).cmp(&key(b))
        }
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(datetime_text("1900-01-02 00:00:01.000"), Some(datetime(1, 300)));
        assert_eq!(hex("0x0AFF"), Some(vec![10, 255]));
        assert_eq!(variant("int:7", 0), Some(vec![56, 1, 7, 0, 0, 0]));
        let name = PhysicalColumn { xtype: xtype::NVARCHAR, ..PhysicalColumn::default() };
        let order = |a: &str, b: &str| compare(&name, &Some(utf16(a)), &Some(utf16(b)), &latin_order());
        assert_eq!(order("_x", "1x"), Ordering::Less);
        assert_eq!(order("9", "a"), Ordering::Less);
        assert_eq!(order("ABC", "abd"), Ordering::Less);
        assert_eq!(order("Abc", "aBC"), Ordering::Equal);
    }
}
