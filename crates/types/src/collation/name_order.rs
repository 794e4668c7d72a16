//! Equality of names: of objects, columns, types, principals and all else that a catalogue lists or a statement calls by name.
//!
//! Which collation a name is compared by is told in `docs/design/names.md`; this is the one place that knows how.
//!
//! Invariants
//! 1. `same(a, b)` exactly when `key(a) == key(b)`, and exactly when the collation finds the two equal as nvarchar.
//! 2. Names of ASCII characters that weigh for themselves take no allocation in `same` and never meet the key builder.
//!
//! Evidence: the unique index over (class, schema, name) of sysschobjs in genuine files is ordered by the database's collation.

use super::{Collation, Kind, get};
use crate::sql_type::CollationId;

/// How names are compared: the collation of the database (or instance) they belong to.
#[derive(Clone, Copy)]
pub struct NameOrder(&'static Collation);

/// The instance's.
impl Default for NameOrder {
    fn default() -> Self {
        NameOrder::instance()
    }
}

/// Bytes that are equal exactly for equal names of one order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameKey(Box<[u8]>);

impl std::fmt::Debug for NameOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NameOrder({})", self.0.id().name().unwrap_or_default())
    }
}

impl PartialEq for NameOrder {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for NameOrder {}

impl NameOrder {
    /// The order of names in a database of that collation.
    pub fn of(collation: CollationId) -> NameOrder {
        NameOrder(get(collation))
    }

    /// The order of an instance's own names: databases, logins, variables, cursors, labels, temporary tables.
    pub fn instance() -> NameOrder {
        NameOrder::of(CollationId::SERVER_DEFAULT)
    }

    /// Whether two names are one.
    #[inline]
    pub fn same(self, a: &str, b: &str) -> bool {
        a == b || self.0.same_name(a, b)
    }

    /// What caches and look-ups hash.
    pub fn key(self, name: &str) -> NameKey {
        let mut out = Vec::with_capacity(name.len() * 3 + 3);
        self.0.name_key(name, &mut out);
        NameKey(out.into())
    }
}

fn wide(s: &str) -> Vec<u16> {
    s.encode_utf16().collect()
}

impl Collation {
    fn same_name(&self, a: &str, b: &str) -> bool {
        let (a, b) = (a.trim_end_matches(' '), b.trim_end_matches(' '));
        let Kind::Words = self.kind else { return a == b };
        let (x, y) = (a.as_bytes(), b.as_bytes());
        let mut same_case = true;
        for (&p, &q) in x.iter().zip(y) {
            if p >= 128 || q >= 128 {
                return self.compare_words(&wide(a), &wide(b)).is_eq();
            }
            let (p, q) = (usize::from(p), usize::from(q));
            if self.ascii[p] == 0 || self.ascii[q] == 0 {
                return self.compare_words(&wide(a), &wide(b)).is_eq();
            }
            if self.ascii[p] != self.ascii[q] {
                return false;
            }
            same_case &= self.ascii_case[p] == self.ascii_case[q];
        }
        let rest = if x.len() > y.len() { &x[y.len()..] } else { &y[x.len()..] };
        match rest.iter().find(|&&u| u >= 128 || self.ascii[usize::from(u)] == 0) {
            Some(_) => self.compare_words(&wide(a), &wide(b)).is_eq(),
            None => rest.is_empty() && same_case,
        }
    }

    /// The sort key, or for binary orders the text itself.
    fn name_key(&self, name: &str, out: &mut Vec<u8>) {
        let name = name.trim_end_matches(' ');
        let Kind::Words = self.kind else { return out.extend_from_slice(name.as_bytes()) };
        let alone = |b: u8| b < 128 && self.ascii[usize::from(b)] != 0;
        if !name.bytes().all(alone) {
            return self.words_key(&wide(name), out);
        }
        // What the key builder writes for such characters: no diacritics, the case weights without neutral ones at the end.
        for b in name.bytes() {
            let [script, primary] = self.ascii[usize::from(b)].to_be_bytes();
            out.extend_from_slice(&[script, primary.max(2)]);
        }
        out.extend_from_slice(&[1, 1]);
        let case = |b: &u8| self.ascii_case[usize::from(*b)];
        if let Some(last) = name.as_bytes().iter().rposition(|b| case(b) > 2) {
            out.extend(name.as_bytes()[..=last].iter().map(|b| case(b).max(2)));
        }
        out.push(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(name: &str) -> NameOrder {
        NameOrder::of(CollationId::from_name(name).expect("a known collation"))
    }

    const NAMES: [&str; 34] = [
        "", "a", "A", "b", "Orders", "orders", "ORDERS", "Orders ", "Ordérs", "ordérs", "ORDÉRS", "Order",
        "Ä", "ä", "I", "i", "İ", "ı", "co-op", "coop", "CO-OP", "o'b", "OB", "Ａ", "あ", "ア", "ｱ", "cs",
        "CS", "cS", "tab_1", "TAB_1", "Straße", "Strasse",
    ];

    #[test]
    fn keys_and_equality_are_the_collations_own() {
        for name in [
            "SQL_Latin1_General_CP1_CI_AS",
            "SQL_Latin1_General_CP1_CS_AS",
            "Latin1_General_CI_AI",
            "Latin1_General_CS_AS_KS_WS",
            "Latin1_General_BIN",
            "Latin1_General_BIN2",
            "Latin1_General_100_BIN2_UTF8",
            "Turkish_CI_AS",
            "Japanese_CI_AS",
            "Hungarian_CI_AS",
            "Danish_Norwegian_CI_AS",
            "French_CS_AS",
        ] {
            let o = order(name);
            for a in NAMES {
                let mut built = Vec::new();
                o.0.sort_key(&wide(a), &mut built);
                if !o.0.is_binary() {
                    assert_eq!(*o.key(a).0, *built, "{name}: {a}");
                }
                for b in NAMES {
                    let equal = o.0.equals(&wide(a), &wide(b));
                    assert_eq!(o.same(a, b), equal, "{name}: {a} and {b}");
                    assert_eq!(o.key(a) == o.key(b), equal, "{name}: keys of {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn what_each_order_tells_apart() {
        let (ci, cs, bin, turkish) = (
            NameOrder::instance(),
            order("Latin1_General_CS_AS"),
            order("Latin1_General_BIN2"),
            order("Turkish_CI_AS"),
        );
        assert!(ci.same("Ä", "ä") && ci.same("orders", "ORDERS") && ci.same("t ", "t"));
        assert!(!ci.same("Ä", "A") && order("Latin1_General_CI_AI").same("Ä", "A"));
        assert!(!cs.same("orders", "Orders") && !cs.same("ä", "Ä") && cs.same("t", "t "));
        assert!(cs.same("Ａ", "A") && !order("Latin1_General_CS_AS_WS").same("Ａ", "A"));
        assert!(!bin.same("orders", "Orders") && !bin.same("Ａ", "A") && bin.same("t", "t "));
        assert!(turkish.same("i", "İ") && turkish.same("ı", "I") && !turkish.same("i", "I"));
        assert!(ci.same("i", "I") && !ci.same("i", "ı"));
    }

    #[test]
    fn usual_names_never_meet_the_key_builder() {
        let ci = NameOrder::instance();
        let usual = ('0'..='9').chain('a'..='z').chain('A'..='Z').chain("_@#$ .".chars());
        for c in usual {
            assert_ne!(ci.0.ascii[c as usize], 0, "{c}");
        }
    }
}
