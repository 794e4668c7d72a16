//! Collations: identity, comparison, sort keys, searching, case mapping.
//!
//! Module map: [`id`] names and bits, [`key`] sort keys of Windows word sort, [`sql_order`] 8-bit orders of `SQL_` collations,
//! [`casing`] upper and lower case,
//! [`NameOrder`] equality of names. Everybody else uses [`Collation`] through [`get`] or [`of`], or the short functions here.
//!
//! Invariants
//! 1. `compare(a, b)` equals comparing `sort_key(a)` and `sort_key(b)` bytewise; equal strings have equal keys.
//! 2. Trailing blanks never matter, except in [`Collation::equal_exact`] and the searching functions.
//! 3. `SQL_` collations order varchar by their own table and nvarchar as Windows does: [`SqlType::sort_collation`]
//!    marks which of the two a value's type means.

pub mod casing;
pub mod id;
pub mod key;
mod name_order;
mod names;
pub mod sql_order;
mod weights;

pub use name_order::{NameKey, NameOrder};

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::sql_type::{CollationId, SqlType};
use key::{CASE_MASK_ALL, KeyBuilder};
use sql_order::ByteOrder;
use weights::Locale;

/// Bit of a collation id (never stored) that says: values are varchar, ordered by the sort order's own table.
pub const VARCHAR_MARK: u32 = 1 << 22;

enum Kind {
    /// BIN: first unit by value, then byte by byte.
    Binary,
    /// BIN2: by code unit.
    Binary2,
    /// BIN and BIN2 of varchar: by encoded byte.
    Bytes,
    Words,
    Sql(&'static ByteOrder),
}

/// Everything needed to compare strings of one collation.
pub struct Collation {
    id: CollationId,
    kind: Kind,
    locale: &'static Locale,
    /// Bits of the case weight that count.
    case_mask: u8,
    ignores_accents: bool,
    reverse_diacritics: bool,
    /// Script and weight of the ASCII characters that compare on their own; 0 = needs the key builder.
    ascii: [u16; 128],
    ascii_case: [u8; 128],
}

static LOADED: Mutex<Option<HashMap<u32, &'static Collation>>> = Mutex::new(None);

thread_local! {
    static LAST: std::cell::Cell<Option<&'static Collation>> = const { std::cell::Cell::new(None) };
}

/// The collation object of an id; id 0 compares as SQL_Latin1_General_CP1_CI_AS.
pub fn get(id: CollationId) -> &'static Collation {
    let id = if id.is_none() { CollationId::SERVER_DEFAULT } else { id };
    if let Some(c) = LAST.get()
        && c.id == id
    {
        return c;
    }
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    // Leaked on purpose: one small object per collation in use.
    let c: &'static Collation = loaded
        .get_or_insert_with(HashMap::new)
        .entry(id.0)
        .or_insert_with(|| Box::leak(Box::new(Collation::load(id))));
    LAST.set(Some(c));
    c
}

/// The collation object that orders values of type `ty`.
pub fn of(ty: &SqlType) -> &'static Collation {
    get(ty.sort_collation())
}

impl SqlType {
    /// The collation id to compare with: that of the type, marked when the values are varchar (invariant 3).
    pub fn sort_collation(&self) -> CollationId {
        let special =
            self.collation.sort_order() != 0 || self.collation.is_binary() || self.collation.is_binary2();
        if special && self.id.is_character() && !self.id.is_unicode() {
            CollationId(self.collation.0 | VARCHAR_MARK)
        } else {
            self.collation
        }
    }
}

fn trim(s: &[u16]) -> &[u16] {
    &s[..s.iter().rposition(|&u| u != 0x20).map_or(0, |p| p + 1)]
}

impl Collation {
    fn load(id: CollationId) -> Collation {
        let varchar = id.0 & VARCHAR_MARK != 0;
        let kind = if id.is_binary() || id.is_binary2() {
            match (varchar && !id.is_utf8(), id.is_binary2()) {
                (true, _) => Kind::Bytes,
                (false, true) => Kind::Binary2,
                (false, false) => Kind::Binary,
            }
        } else {
            match sql_order::for_sort_order(id.sort_order()).filter(|_| varchar) {
                Some(order) => Kind::Sql(order),
                None => Kind::Words,
            }
        };
        let locale = weights::locale(key::sort_id(id));
        let mut case_mask = CASE_MASK_ALL;
        if id.ignores_case() {
            case_mask &= !0x18;
        }
        if id.ignores_width() {
            case_mask &= !0x01;
        }
        if id.ignores_kana() {
            case_mask &= !0x20;
        }
        let mut c = Collation {
            id,
            kind,
            locale,
            case_mask,
            ignores_accents: id.ignores_accents(),
            reverse_diacritics: locale.flags & weights::REVERSE_DIACRITICS != 0,
            ascii: [0; 128],
            ascii_case: [0; 128],
        };
        for unit in 0..128u16 {
            let w = locale.weight(unit);
            let [primary, script, diacritic, case] = w.to_le_bytes();
            let alone =
                script > 6 && script < 169 && diacritic == 2 && !locale.contractions.contains_key(&unit);
            if alone {
                c.ascii[usize::from(unit)] = u16::from(script) << 8 | u16::from(primary);
                c.ascii_case[usize::from(unit)] = case & case_mask;
            }
        }
        c
    }

    pub fn id(&self) -> CollationId {
        CollationId(self.id.0 & !VARCHAR_MARK)
    }

    /// BIN or BIN2.
    pub fn is_binary(&self) -> bool {
        matches!(self.kind, Kind::Binary | Kind::Binary2 | Kind::Bytes)
    }

    /// Order of two strings.
    pub fn compare(&self, a: &[u16], b: &[u16]) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        match &self.kind {
            Kind::Words => self.compare_words(trim(a), trim(b)),
            Kind::Sql(order) => order.compare(trim(a), trim(b)),
            Kind::Binary2 => padded(a, b, |u| u),
            Kind::Binary => match (a.first(), b.first()) {
                (Some(x), Some(y)) if x != y => x.cmp(y),
                (Some(_), Some(_)) => padded(&a[1..], &b[1..], u16::swap_bytes),
                _ => padded(a, b, |u| u),
            },
            Kind::Bytes => {
                let page = self.id.code_page();
                let wide = |s: &[u16]| page.encode(s).into_iter().map(u16::from).collect::<Vec<_>>();
                padded(&wide(a), &wide(b), |u| u)
            }
        }
    }

    /// Equality, trailing blanks aside.
    pub fn equals(&self, a: &[u16], b: &[u16]) -> bool {
        self.compare(a, b) == Ordering::Equal
    }

    /// Equality with trailing blanks counting, for LIKE and searching.
    pub fn equal_exact(&self, a: &[u16], b: &[u16]) -> bool {
        if a == b {
            return true;
        }
        match &self.kind {
            Kind::Words => self.compare_words(a, b) == Ordering::Equal,
            Kind::Sql(order) => order.compare(a, b) == Ordering::Equal,
            _ => false,
        }
    }

    fn compare_words(&self, a: &[u16], b: &[u16]) -> Ordering {
        let mut case = Ordering::Equal;
        for i in 0..a.len().min(b.len()) {
            let (x, y) = (a[i], b[i]);
            if x >= 128 || y >= 128 {
                return self.compare_keys(a, b);
            }
            let (p, q) = (self.ascii[usize::from(x)], self.ascii[usize::from(y)]);
            if p == 0 || q == 0 {
                return self.compare_keys(a, b);
            }
            if p != q {
                // A combining mark or special behind cannot change these primary weights: what contracts is not in the table.
                return p.cmp(&q);
            }
            if case == Ordering::Equal {
                case = self.ascii_case[usize::from(x)].cmp(&self.ascii_case[usize::from(y)]);
            }
        }
        let rest = if a.len() > b.len() { &a[b.len()..] } else { &b[a.len()..] };
        if rest.iter().any(|&u| u >= 128 || self.ascii[usize::from(u)] == 0) {
            return self.compare_keys(a, b);
        }
        a.len().cmp(&b.len()).then(case)
    }

    fn compare_keys(&self, a: &[u16], b: &[u16]) -> Ordering {
        let (mut x, mut y) = (Vec::with_capacity(a.len() * 4), Vec::with_capacity(b.len() * 4));
        self.words_key(a, &mut x);
        self.words_key(b, &mut y);
        x.cmp(&y)
    }

    fn words_key(&self, s: &[u16], out: &mut Vec<u8>) {
        KeyBuilder::new(self.locale, self.case_mask, self.ignores_accents, self.reverse_diacritics)
            .build(s, out);
    }

    /// Appends the sort key of `s`: bytes whose order is the collation's order.
    pub fn sort_key(&self, s: &[u16], out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Words => self.words_key(trim(s), out),
            Kind::Sql(order) => order.key(trim(s), out),
            // A blank marks the end, since shorter strings compare as if padded with blanks.
            Kind::Binary2 => {
                trim(s).iter().for_each(|u| out.extend_from_slice(&u.to_be_bytes()));
                out.extend_from_slice(&[0, 0x20]);
            }
            Kind::Binary => {
                for (i, u) in trim(s).iter().enumerate() {
                    out.extend_from_slice(&if i == 0 { u.to_be_bytes() } else { u.to_le_bytes() });
                }
                out.extend_from_slice(if trim(s).is_empty() { &[0, 0x20] } else { &[0x20, 0] });
            }
            Kind::Bytes => {
                out.extend_from_slice(&self.id.code_page().encode(trim(s)));
                out.push(0x20);
            }
        }
    }

    /// Position (in units) and length of the first match of `needle` in `text` from `from` on.
    pub fn find(&self, text: &[u16], needle: &[u16], from: usize) -> Option<(usize, usize)> {
        if needle.is_empty() || from > text.len() {
            return None;
        }
        let n = needle.len();
        (from..=text.len().checked_sub(n)?)
            .find(|&i| self.equal_exact(&text[i..i + n], needle))
            .map(|i| (i, n))
    }

    pub fn starts_with(&self, text: &[u16], prefix: &[u16]) -> bool {
        text.get(..prefix.len()).is_some_and(|head| self.equal_exact(head, prefix))
    }

    pub fn to_upper(&self, s: &[u16]) -> Vec<u16> {
        casing::map(s, casing::is_turkic(self.id), true)
    }

    pub fn to_lower(&self, s: &[u16]) -> Vec<u16> {
        casing::map(s, casing::is_turkic(self.id), false)
    }
}

/// Unit-wise order with the shorter string padded with blanks.
fn padded(a: &[u16], b: &[u16], weight: impl Fn(u16) -> u16) -> Ordering {
    for i in 0..a.len().max(b.len()) {
        let (x, y) = (*a.get(i).unwrap_or(&0x20), *b.get(i).unwrap_or(&0x20));
        match weight(x).cmp(&weight(y)) {
            Ordering::Equal => {}
            other => return other,
        }
    }
    Ordering::Equal
}

/// Order of two strings under a collation.
pub fn compare(id: CollationId, a: &[u16], b: &[u16]) -> Ordering {
    get(id).compare(a, b)
}

/// Appends the sort key of `s`.
pub fn sort_key(id: CollationId, s: &[u16], out: &mut Vec<u8>) {
    get(id).sort_key(s, out);
}

#[cfg(test)]
mod tests;
