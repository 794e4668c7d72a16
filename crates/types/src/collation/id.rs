//! Collation ids: the meaning of their bits, names, code pages, LCIDs and the five-byte TDS form.
//!
//! | bits | meaning |
//! |---|---|
//! | 0–7 | language |
//! | 8 | supplementary characters (_SC, and all _140 linguistic collations) |
//! | 9 | variation selectors ignored (_140 without _VSS) |
//! | 11 / 16 | BIN2 / BIN |
//! | 12, 13, 14, 15 | case-, accent-, kana-, width-insensitive |
//! | 17–19 | version: 0 = 80, 1 = 90, 2 = 100, 3 = 140 |
//! | 20 | UTF-8 (assumed; no genuine value known) |
//! | 24–31 | SQL Server sort order, 0 for Windows collations |
//!
//! Evidence: bits, names and TDS bytes equal all 3,955 rows of the published list (test below).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::names;
use crate::code_page::CodePage;
use crate::sql_type::CollationId;

const CASE: u32 = 1 << 12;
const ACCENT: u32 = 1 << 13;
const KANA: u32 = 1 << 14;
const WIDTH: u32 = 1 << 15;
const BIN: u32 = 1 << 16;
const BIN2: u32 = 1 << 11;
const SUPPLEMENTARY: u32 = 1 << 8;
const VARIATION: u32 = 1 << 9;
const UTF8: u32 = 1 << 20;

type Family = (&'static str, u32);

/// Language byte and version to (name, LCID).
static FAMILIES: LazyLock<HashMap<(u8, u8), Family>> =
    LazyLock::new(|| names::WINDOWS.iter().map(|&(n, l, v, lcid)| ((l, v), (n, lcid))).collect());

/// Upper-cased name to id.
static BY_NAME: LazyLock<HashMap<String, CollationId>> =
    LazyLock::new(|| CollationId::all().map(|(n, id)| (n.to_ascii_uppercase(), id)).collect());

impl CollationId {
    pub const fn language(self) -> u8 {
        self.0 as u8
    }

    /// 0 = 80, 1 = 90, 2 = 100, 3 = 140.
    pub const fn version(self) -> u8 {
        (self.0 >> 17 & 7) as u8
    }

    /// SQL Server sort order id; 0 for Windows collations.
    pub const fn sort_order(self) -> u8 {
        (self.0 >> 24) as u8
    }

    pub const fn is_binary(self) -> bool {
        self.0 & BIN != 0
    }

    pub const fn is_binary2(self) -> bool {
        self.0 & BIN2 != 0
    }

    pub const fn ignores_case(self) -> bool {
        self.0 & CASE != 0
    }

    pub const fn ignores_accents(self) -> bool {
        self.0 & ACCENT != 0
    }

    pub const fn ignores_kana(self) -> bool {
        self.0 & KANA != 0
    }

    pub const fn ignores_width(self) -> bool {
        self.0 & WIDTH != 0
    }

    /// String functions count surrogate pairs as one character.
    pub const fn supplementary(self) -> bool {
        self.0 & SUPPLEMENTARY != 0
    }

    pub const fn ignores_variation_selectors(self) -> bool {
        self.0 & VARIATION != 0
    }

    pub const fn is_utf8(self) -> bool {
        self.0 & UTF8 != 0
    }

    /// Windows locale id, with the sort id in bits 16–19.
    pub fn lcid(self) -> u32 {
        if self.sort_order() != 0
            && let Some(row) = names::SQL.iter().find(|r| r.1 == self.0)
        {
            return row.2;
        }
        let (language, version) = (self.language(), self.version());
        (0..=3)
            .map(|back| version.wrapping_sub(back))
            .find_map(|v| FAMILIES.get(&(language, v)))
            .or_else(|| (0..=3).find_map(|v| FAMILIES.get(&(language, v))))
            .map_or(1033, |f| f.1)
    }

    /// Code page of varchar data; 0 for Unicode-only collations (Indic and others), which hold no varchar data.
    pub const fn code_page_number(self) -> u16 {
        if self.is_utf8() {
            return 65001;
        }
        match self.sort_order() {
            0 => {}
            30..=34 => return 437,
            40..=44 | 49 | 55..=61 => return 850,
            80..=98 => return 1250,
            104..=108 => return 1251,
            112..=114 | 120..=124 => return 1253,
            128..=130 => return 1254,
            136..=138 => return 1255,
            144..=146 => return 1256,
            152..=160 => return 1257,
            _ => return 1252,
        }
        match self.language() {
            0x04 | 0x0D | 0x13 | 0x14 | 0x16 | 0x17 | 0x18 | 0x1C | 0x2A | 0x4C | 0x4E | 0x58 => 1250,
            0x06 | 0x15 | 0x1B | 0x37 | 0x39 | 0x3A | 0x4D | 0x4F | 0x54 | 0x64 => 1251,
            0x07 => 1253,
            0x1A | 0x38 | 0x63 => 1254,
            0x0C => 1255,
            0x01 | 0x02 | 0x25 | 0x50 | 0x51 => 1256,
            0x1D..=0x1F => 1257,
            0x20 => 1258,
            0x19 => 874,
            0x10 | 0x2B | 0x30 | 0x48 | 0x49 => 932,
            0x24 | 0x2E | 0x31 | 0x32 | 0x43 | 0x44 => 936,
            0x11 | 0x40 => 949,
            0x03 | 0x2F | 0x33 | 0x34 | 0x3E | 0x41 | 0x42 | 0x45 | 0x46 => 950,
            0x35 | 0x3B | 0x3C | 0x55 | 0x59..=0x5C | 0x5E | 0x5F | 0x62 => 0,
            _ => 1252,
        }
    }

    /// The page to decode varchar bytes with; Unicode-only and unknown collations decode as 1252.
    pub const fn code_page(self) -> CodePage {
        match self.code_page_number() {
            0 => CodePage::WINDOWS_1252,
            n => CodePage::new(n),
        }
    }

    /// Name as `sys.databases.collation_name` shows it; `None` for an id no collation has.
    pub fn name(self) -> Option<String> {
        if self.sort_order() != 0 {
            return names::SQL.iter().find(|r| r.1 == self.0).map(|r| r.0.to_owned());
        }
        let (family, _) = FAMILIES.get(&(self.language(), self.version()))?;
        let mut name = (*family).to_owned();
        if self.is_binary() {
            name.push_str("_BIN");
            return Some(name);
        }
        if self.is_binary2() {
            name.push_str(if self.is_utf8() { "_BIN2_UTF8" } else { "_BIN2" });
            return Some(name);
        }
        name.push_str(if self.ignores_case() { "_CI" } else { "_CS" });
        name.push_str(if self.ignores_accents() { "_AI" } else { "_AS" });
        if !self.ignores_kana() {
            name.push_str("_KS");
        }
        if !self.ignores_width() {
            name.push_str("_WS");
        }
        if self.version() == 3 {
            if !self.ignores_variation_selectors() {
                name.push_str("_VSS");
            }
        } else if self.supplementary() {
            name.push_str("_SC");
        }
        if self.is_utf8() {
            name.push_str("_UTF8");
        }
        Some(name)
    }

    /// The id of a collation name, in any case.
    pub fn from_name(name: &str) -> Option<CollationId> {
        let upper = name.to_ascii_uppercase();
        if let Some(id) = BY_NAME.get(&upper) {
            return Some(*id);
        }
        let id = BY_NAME.get(upper.strip_suffix("_UTF8")?)?;
        // UTF-8 exists for supplementary-aware collations and for BIN2 of versions 100 and later.
        (id.version() >= 2 && (id.supplementary() || id.is_binary2())).then_some(CollationId(id.0 | UTF8))
    }

    /// All collations without the UTF-8 ones: (name, id).
    pub fn all() -> impl Iterator<Item = (String, CollationId)> {
        let windows = names::WINDOWS.iter().flat_map(|&(_, language, version, _)| {
            let base = u32::from(language) | u32::from(version) << 17;
            let mut ids = vec![base | BIN, base | BIN2];
            for bits in 0..16u32 {
                let id = base | bits << 12;
                match version {
                    0 => ids.push(id),
                    3 => ids.extend([id | SUPPLEMENTARY, id | SUPPLEMENTARY | VARIATION]),
                    _ => ids.extend([id, id | SUPPLEMENTARY]),
                }
            }
            ids.into_iter().filter_map(|id| Some((CollationId(id).name()?, CollationId(id))))
        });
        windows.chain(names::SQL.iter().map(|r| (r.0.to_owned(), CollationId(r.1))))
    }

    /// The five collation bytes of a TDS type description: LCID and flags, then the sort order.
    pub fn to_tds(self) -> [u8; 5] {
        let mut word = self.lcid() & 0xF_FFFF | (self.0 >> 12 & 0xF) << 20 | u32::from(self.version()) << 28;
        word |= u32::from(self.is_binary()) << 24
            | u32::from(self.is_binary2()) << 25
            | u32::from(self.is_utf8()) << 26;
        let b = word.to_le_bytes();
        [b[0], b[1], b[2], b[3], self.sort_order()]
    }

    /// The collation that five TDS bytes mean; `None` when no collation has that LCID and version or sort order.
    pub fn from_tds(bytes: [u8; 5]) -> Option<CollationId> {
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        if bytes[4] != 0 {
            return names::SQL
                .iter()
                .map(|r| CollationId(r.1))
                .find(|id| id.sort_order() == bytes[4] && id.to_tds() == bytes)
                .or_else(|| {
                    names::SQL.iter().map(|r| CollationId(r.1)).find(|id| id.sort_order() == bytes[4])
                });
        }
        let (lcid, version) = (word & 0xF_FFFF, word >> 28);
        let row = names::WINDOWS
            .iter()
            .find(|r| r.3 == lcid && u32::from(r.2) == version)
            .or_else(|| names::WINDOWS.iter().find(|r| r.3 == lcid))?;
        let mut id = u32::from(row.1) | u32::from(row.2) << 17;
        if word & 1 << 24 != 0 {
            id |= BIN;
        } else if word & 1 << 25 != 0 {
            id |= BIN2;
        } else {
            id |= (word >> 20 & 0xF) << 12;
            if row.2 == 3 {
                id |= SUPPLEMENTARY | VARIATION;
            }
        }
        if word & 1 << 26 != 0 {
            id |= UTF8;
        }
        Some(CollationId(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_published_rows() {
        let Some(dir) = holdfast_testkit::corpus_dir() else { return };
        let Ok(text) = std::fs::read_to_string(dir.join("../reference/collations.tsv")) else {
            eprintln!("SKIPPED: no collations.tsv beside the corpus");
            return;
        };
        let mut rows = 0;
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let f: Vec<&str> = line.split('\t').collect();
            let id = CollationId(f[0].parse().unwrap());
            assert_eq!(id.name().as_deref(), Some(f[1]));
            assert_eq!(CollationId::from_name(f[1]), Some(id), "{}", f[1]);
            assert_eq!(id.lcid(), f[2].parse::<u32>().unwrap(), "{}", f[1]);
            let tds = id.to_tds();
            assert_eq!(
                format!("0x{:02X}{:02X}{:02X}{:02X}", tds[0], tds[1], tds[2], tds[3]),
                f[3],
                "{}",
                f[1]
            );
            if !id.supplementary() {
                assert_eq!(CollationId::from_tds(tds), Some(id), "{}", f[1]);
            }
            rows += 1;
        }
        assert_eq!(rows, 3955);
        assert_eq!(CollationId::all().count(), 3955);
    }

    #[test]
    fn server_default() {
        let id = CollationId::SERVER_DEFAULT;
        assert_eq!(id.name().as_deref(), Some("SQL_Latin1_General_CP1_CI_AS"));
        assert_eq!(id.code_page_number(), 1252);
        assert_eq!(id.to_tds(), [0x09, 0x04, 0xD0, 0x00, 52]);
        let utf8 = CollationId::from_name("latin1_general_100_ci_as_sc_utf8").unwrap();
        assert_eq!(utf8.code_page_number(), 65001);
        assert_eq!(utf8.name().as_deref(), Some("Latin1_General_100_CI_AS_SC_UTF8"));
        assert_eq!(CollationId::from_name("Nowhere_CI_AS"), None);
    }
}
