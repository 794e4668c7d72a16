//! Lock modes, which of them exclude each other, and what two of them make together.
//!
//! Invariants
//! 1. Numbers and names are those of SQL Server (`sys.syslockinfo.req_mode`, `sys.dm_tran_locks.request_mode`).
//! 2. Two modes exclude each other when any of their parts do; the parts and their conflicts are the one table here. The
//!    tests hold the published matrix against it.
//! 3. [`LockMode::union`] is the weakest mode that excludes everything either of the two excludes.
//!
//! Evidence: documented ("Lock Compatibility", "Key-Range Locking", "Lock conversion"); combinations that the documentation
//! calls illegal (key ranges with intents) are answered from the parts.

/// A lock mode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum LockMode {
    #[default]
    Null = 0,
    SchS,
    SchM,
    S,
    U,
    X,
    IS,
    IU,
    IX,
    SIU,
    SIX,
    UIX,
    BU,
    RangeSS,
    RangeSU,
    RangeIN,
    RangeIS,
    RangeIU,
    RangeIX,
    RangeXS,
    RangeXU,
    RangeXX,
}

use LockMode::*;

const COUNT: usize = 22;

/// All modes by number.
pub const MODES: [LockMode; COUNT] = [
    Null, SchS, SchM, S, U, X, IS, IU, IX, SIU, SIX, UIX, BU, RangeSS, RangeSU, RangeIN, RangeIS, RangeIU,
    RangeIX, RangeXS, RangeXU, RangeXX,
];

const NAMES: [&str; COUNT] = [
    "NULL", "Sch-S", "Sch-M", "S", "U", "X", "IS", "IU", "IX", "SIU", "SIX", "UIX", "BU", "RangeS-S",
    "RangeS-U", "RangeI-N", "RangeI-S", "RangeI-U", "RangeI-X", "RangeX-S", "RangeX-U", "RangeX-X",
];

// The parts that modes are made of.
const P_SCH_S: u16 = 1;
const P_SCH_M: u16 = 1 << 1;
const P_S: u16 = 1 << 2;
const P_U: u16 = 1 << 3;
const P_X: u16 = 1 << 4;
const P_IS: u16 = 1 << 5;
const P_IU: u16 = 1 << 6;
const P_IX: u16 = 1 << 7;
const P_BU: u16 = 1 << 8;
/// The range before a key is kept as it is.
const P_RANGE: u16 = 1 << 9;
/// A key is put into the range.
const P_INSERT: u16 = 1 << 10;

const PARTS: [u16; COUNT] = [
    0,
    P_SCH_S,
    P_SCH_M,
    P_S,
    P_U,
    P_X,
    P_IS,
    P_IU,
    P_IX,
    P_S | P_IU,
    P_S | P_IX,
    P_U | P_IX,
    P_BU,
    P_RANGE | P_S,
    P_RANGE | P_U,
    P_INSERT,
    P_INSERT | P_S,
    P_INSERT | P_U,
    P_INSERT | P_X,
    P_RANGE | P_INSERT | P_S,
    P_RANGE | P_INSERT | P_U,
    P_RANGE | P_INSERT | P_X,
];

/// Which parts a part excludes in others.
const EXCLUDES: [(u16, u16); 11] = [
    (P_SCH_S, P_SCH_M),
    (P_SCH_M, u16::MAX),
    (P_S, P_SCH_M | P_X | P_IX | P_BU),
    (P_U, P_SCH_M | P_U | P_X | P_IU | P_IX | P_BU),
    (P_X, P_SCH_M | P_S | P_U | P_X | P_IS | P_IU | P_IX | P_BU),
    (P_IS, P_SCH_M | P_X | P_BU),
    (P_IU, P_SCH_M | P_U | P_X | P_BU),
    (P_IX, P_SCH_M | P_S | P_U | P_X | P_BU),
    (P_BU, P_SCH_M | P_S | P_U | P_X | P_IS | P_IU | P_IX),
    (P_RANGE, P_SCH_M | P_INSERT),
    (P_INSERT, P_SCH_M | P_RANGE),
];

/// Bit `b` of entry `a`: the modes exclude each other.
const CONFLICTS: [u32; COUNT] = {
    let mut table = [0u32; COUNT];
    let mut a = 0;
    while a < COUNT {
        let mut excluded = 0u16;
        let mut i = 0;
        while i < EXCLUDES.len() {
            if PARTS[a] & EXCLUDES[i].0 != 0 {
                excluded |= EXCLUDES[i].1;
            }
            i += 1;
        }
        let mut b = 0;
        while b < COUNT {
            if PARTS[b] & excluded != 0 {
                table[a] |= 1 << b;
            }
            b += 1;
        }
        a += 1;
    }
    table
};

const fn is_range(mode: usize) -> bool {
    mode >= RangeSS as usize
}

const fn weakest(a: usize, b: usize) -> u8 {
    if a == 0 || a == b {
        return b as u8;
    }
    if b == 0 {
        return a as u8;
    }
    let wanted = CONFLICTS[a] | CONFLICTS[b];
    let range = is_range(a) || is_range(b);
    let mut best = SchM as usize;
    let mut c = 1;
    while c < COUNT {
        let fits = CONFLICTS[c] & wanted == wanted;
        // Among equals the one that is already there, then the mode that names a range where a range is part of it.
        let fewer = CONFLICTS[c].count_ones() < CONFLICTS[best].count_ones();
        let equal = CONFLICTS[c].count_ones() == CONFLICTS[best].count_ones();
        let nicer = if range { is_range(c) } else { c == a || c == b };
        if fits && (is_range(c) == range) && (fewer || (equal && nicer)) {
            best = c;
        }
        c += 1;
    }
    best as u8
}

const UNION: [[u8; COUNT]; COUNT] = {
    let mut table = [[0u8; COUNT]; COUNT];
    let mut a = 0;
    while a < COUNT {
        let mut b = 0;
        while b < COUNT {
            table[a][b] = weakest(a, b);
            b += 1;
        }
        a += 1;
    }
    table
};

impl LockMode {
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// Whether two sessions cannot hold these modes on one resource at the same time.
    #[inline]
    pub fn conflicts(self, other: LockMode) -> bool {
        CONFLICTS[self as usize] & (1 << other as u32) != 0
    }

    /// What a holder of one holds after getting the other too.
    #[inline]
    pub fn union(self, other: LockMode) -> LockMode {
        MODES[UNION[self as usize][other as usize] as usize]
    }

    /// Whether a holder of this mode needs nothing more for the other on the same resource.
    #[inline]
    pub fn covers(self, other: LockMode) -> bool {
        self.union(other) == self
    }

    /// Whether a holder of this mode on a table needs no lock of the other mode on its rows.
    pub fn covers_rows(self, row: LockMode) -> bool {
        match self {
            X | SchM => true,
            S | SIU | SIX => matches!(row, S | RangeSS),
            U | UIX => matches!(row, S | U | RangeSS | RangeSU),
            _ => false,
        }
    }

    /// Whether a holder on a table may change its rows.
    #[inline]
    pub fn writes(self) -> bool {
        matches!(self, SchM | X | IX | SIX | UIX | BU)
    }

    /// Whether a holder on a table may have rows of it locked against readers that want this lock on them: S or more.
    #[inline]
    pub fn stops_readers(self, wanted: LockMode) -> bool {
        self.writes() || (wanted != S && matches!(self, IU | SIU | U))
    }

    /// Whether the lock also covers the gap before its key.
    pub const fn is_range(self) -> bool {
        is_range(self as usize)
    }

    /// The table lock that stands for row locks of this mode.
    pub fn escalated(self) -> LockMode {
        match self {
            S | RangeSS => S,
            U | RangeSU => U,
            Null => Null,
            _ => X,
        }
    }

    /// The intent on the table that goes with a row lock of this mode.
    pub fn intent(self) -> LockMode {
        match self {
            S | RangeSS => IS,
            U | RangeSU => IU,
            Null => Null,
            _ => IX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published matrix of the modes outside key ranges, rows and columns in the order of the numbers from Sch-S to BU.
    /// C: they exclude each other.
    const PUBLISHED: [&str; 12] = [
        "NCNNNNNNNNNN",
        "CCCCCCCCCCCC",
        "NCNNCNNCNCCC",
        "NCNCCNCCCCCC",
        "NCCCCCCCCCCC",
        "NCNNCNNNNNNC",
        "NCNCCNNNNNCC",
        "NCCCCNNNCCCC",
        "NCNCCNNCNCCC",
        "NCCCCNNCCCCC",
        "NCCCCNCCCCCC",
        "NCCCCCCCCCCN",
    ];

    /// Key modes: S, U, X and the ranges, with the ranges that take part in published rules.
    const RANGES: [(LockMode, &str); 7] = [
        //            S U X SS SU IN XX
        (S, "NNCNNNC"),
        (U, "NCCNCNC"),
        (X, "CCCCCNC"),
        (RangeSS, "NNCNNCC"),
        (RangeSU, "NCCNCCC"),
        (RangeIN, "NNNCCNC"),
        (RangeXX, "CCCCCCC"),
    ];

    #[test]
    fn the_published_matrix() {
        for (i, row) in PUBLISHED.iter().enumerate() {
            for (j, cell) in row.bytes().enumerate() {
                let (a, b) = (MODES[i + 1], MODES[j + 1]);
                assert_eq!(a.conflicts(b), cell == b'C', "{} and {}", a.name(), b.name());
            }
        }
        for (a, row) in RANGES {
            for ((b, _), cell) in RANGES.iter().zip(row.bytes()) {
                assert_eq!(a.conflicts(*b), cell == b'C', "{} and {}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn exclusion_is_mutual() {
        for a in MODES {
            assert!(!a.conflicts(Null));
            for b in MODES {
                assert_eq!(a.conflicts(b), b.conflicts(a), "{} and {}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn documented_conversions() {
        for (a, b, together) in [
            (S, IX, SIX),
            (S, IU, SIU),
            (U, IX, UIX),
            (SIX, U, UIX),
            (SIU, IX, SIX),
            (IS, IX, IX),
            (IS, S, S),
            (IU, S, SIU),
            (IU, U, U),
            (IU, IX, IX),
            (S, U, U),
            (U, X, X),
            (S, X, X),
            (BU, S, X),
            (SchS, X, X),
            (SchS, IX, IX),
            (X, SchM, SchM),
            (RangeIN, S, RangeIS),
            (RangeIN, U, RangeIU),
            (RangeIN, X, RangeIX),
            (RangeIN, RangeSS, RangeXS),
            (RangeIN, RangeSU, RangeXU),
            (RangeSS, X, RangeXX),
            (RangeSS, U, RangeSU),
            (RangeSU, X, RangeXX),
        ] {
            assert_eq!(a.union(b), together, "{} and {}", a.name(), b.name());
            assert_eq!(b.union(a), together, "{} and {}", b.name(), a.name());
        }
    }

    #[test]
    fn a_union_excludes_what_its_sides_exclude_and_nothing_weaker_does() {
        for a in MODES {
            for b in MODES {
                let both = a.union(b);
                assert!(both.covers(a) && both.covers(b), "{} and {}", a.name(), b.name());
                let excludes = |m: LockMode| MODES.map(|o| m.conflicts(o));
                let wanted: Vec<bool> = excludes(a).iter().zip(excludes(b)).map(|(x, y)| *x || y).collect();
                let enough = |m: LockMode| excludes(m).iter().zip(&wanted).all(|(x, w)| *x || !*w);
                assert!(enough(both));
                let strength = |m: LockMode| excludes(m).iter().filter(|c| **c).count();
                let range = is_range(a as usize) || is_range(b as usize);
                for c in MODES {
                    if c != Null && is_range(c as usize) == range && enough(c) {
                        assert!(strength(c) >= strength(both), "{} + {}: {}", a.name(), b.name(), c.name());
                    }
                }
            }
        }
    }

    #[test]
    fn a_table_lock_for_rows_excludes_what_the_rows_exclude() {
        for table in MODES {
            for row in [S, U, X, RangeSS, RangeSU, RangeIN, RangeXX] {
                if table.covers_rows(row) {
                    // Others with a conflicting row lock hold its intent on the table.
                    for other in [S, U, X, RangeSS, RangeSU, RangeIN, RangeXX] {
                        assert!(
                            !row.conflicts(other) || table.conflicts(other.intent()),
                            "{} for {} against {}",
                            table.name(),
                            row.name(),
                            other.name()
                        );
                    }
                }
            }
        }
        for row in [S, U, X, RangeSS, RangeSU, RangeIN, RangeXX] {
            assert!(row.escalated().covers_rows(row));
        }
    }
}
