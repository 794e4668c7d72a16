//! A hash table from key rows to dense numbers (groups), shared by aggregation, joins, DISTINCT and set operations.
//!
//! Invariants
//! 1. Two rows get the same number exactly if their keys are equal as `=` (or grouping, for NULLs) sees them: strings by collation,
//!    binary strings without trailing zeros, -0.0 = 0.0.
//! 2. Numbers count from 0 in order of first appearance.
//! 3. Variable-length and rarely used types are interned first: a column of small numbers stands for them, so that the table itself only
//!    sees fixed-width words. Interning looks at the raw units first; the collation is asked once per distinct raw string.
//! 4. A table with direct addresses (`insert_all`) takes no further keys.
//! 5. A table that is only read (`find`) may be shared between threads; what a reader learns is kept in its own [`Finder`].

use holdfast_types::{Column, ColumnData, SqlError, SqlResult, SqlType, TypeId, Value};

use super::sort_key::encode_value;
use crate::expression::collate;
use crate::expression::compare::trim_zeros;

/// No group: the key is not in the table, or has a NULL that matches nothing.
pub const NO_GROUP: u32 = u32::MAX;

#[inline]
fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    h ^ (h >> 29)
}

fn hash_units(s: &[u16]) -> u64 {
    let mut h = s.len() as u64;
    let mut chunks = s.chunks_exact(4);
    for c in &mut chunks {
        let w = u64::from(c[0]) | u64::from(c[1]) << 16 | u64::from(c[2]) << 32 | u64::from(c[3]) << 48;
        h = mix(h.rotate_left(23) ^ w);
    }
    let mut w = 0u64;
    for &u in chunks.remainder() {
        w = w << 16 | u64::from(u);
    }
    mix(h.rotate_left(23) ^ w)
}

fn hash_bytes(s: &[u8]) -> u64 {
    let mut h = s.len() as u64;
    let mut chunks = s.chunks_exact(8);
    for c in &mut chunks {
        let mut a = [0u8; 8];
        a.copy_from_slice(c);
        h = mix(h.rotate_left(23) ^ u64::from_le_bytes(a));
    }
    let mut w = 0u64;
    for &u in chunks.remainder() {
        w = w << 8 | u64::from(u);
    }
    mix(h.rotate_left(23) ^ w)
}

/// Open addressing over entries kept elsewhere: slot = (hash, entry + 1).
#[derive(Clone, Debug)]
struct Slots {
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Slots {
    fn new() -> Self {
        Slots { slots: vec![(0, 0); 64], used: 0 }
    }

    #[inline]
    fn find(&self, hash: u64, equal: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len() - 1;
        let tag = (hash >> 32) as u32;
        let mut at = hash as usize & mask;
        loop {
            let (t, e) = self.slots[at];
            if e == 0 {
                return None;
            }
            if t == tag && equal(e - 1) {
                return Some(e - 1);
            }
            at = (at + 1) & mask;
        }
    }

    fn insert(&mut self, hash: u64, entry: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.used + 1) * 2 > self.slots.len() {
            let bigger = vec![(0, 0); self.slots.len() * 2];
            let old = std::mem::replace(&mut self.slots, bigger);
            for (_, e) in old {
                if e != 0 {
                    self.place(hash_of(e - 1), e);
                }
            }
        }
        self.place(hash, entry + 1);
        self.used += 1;
    }

    fn place(&mut self, hash: u64, stored: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at].1 != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = ((hash >> 32) as u32, stored);
    }

    fn memory(&self) -> usize {
        self.slots.len() * 8
    }

    /// Memory when `more` entries have been added, old and new slots together while they are moved.
    fn memory_after(&self, more: usize) -> usize {
        grown(self.slots.len(), self.used + more) * 8
    }
}

/// Slots that there are at once while room is made for so many entries.
fn grown(slots: usize, entries: usize) -> usize {
    if entries * 2 <= slots {
        return slots;
    }
    let after = (entries * 2).next_power_of_two();
    after + after / 2
}

/// Raw strings seen so far with the number of their equivalence class.
#[derive(Clone, Debug)]
struct RawStrings<T> {
    data: Vec<T>,
    offsets: Vec<usize>,
    hashes: Vec<u64>,
    class: Vec<u32>,
    slots: Slots,
}

impl<T: Copy + Eq> RawStrings<T> {
    fn new() -> Self {
        RawStrings {
            data: Vec::new(),
            offsets: vec![0],
            hashes: Vec::new(),
            class: Vec::new(),
            slots: Slots::new(),
        }
    }

    fn entry(&self, i: u32) -> &[T] {
        &self.data[self.offsets[i as usize]..self.offsets[i as usize + 1]]
    }

    fn find(&self, hash: u64, raw: &[T]) -> Option<u32> {
        self.slots.find(hash, |e| self.entry(e) == raw).map(|e| self.class[e as usize])
    }

    fn add(&mut self, hash: u64, raw: &[T], class: u32) {
        let entry = self.class.len() as u32;
        self.data.extend_from_slice(raw);
        self.offsets.push(self.data.len());
        self.hashes.push(hash);
        self.class.push(class);
        let hashes = &self.hashes;
        self.slots.insert(hash, entry, |e| hashes[e as usize]);
    }

    fn memory(&self) -> usize {
        self.data.capacity() * size_of::<T>() + self.class.capacity() * 20 + self.slots.memory()
    }

    fn memory_after(&self, more: usize) -> usize {
        self.memory() - self.slots.memory() + self.slots.memory_after(more)
    }
}

/// Numbers for equivalence classes of one variable-length (or rare) column.
#[derive(Clone, Debug)]
struct Interner {
    kind: InternKind,
    units: RawStrings<u16>,
    bytes: RawStrings<u8>,
    /// Sort key → class, for strings.
    keys: RawStrings<u8>,
    key: Vec<u8>,
    classes: u32,
}

#[derive(Clone, Copy, Debug)]
enum InternKind {
    Text(holdfast_types::CollationId, bool),
    Bytes,
    /// Encoded as sort keys.
    Value(SqlType),
}

fn trim_blanks(mut s: &[u16]) -> &[u16] {
    while let [head @ .., 0x20] = s {
        s = head;
    }
    s
}

impl Interner {
    fn new(kind: InternKind) -> Self {
        Interner {
            kind,
            units: RawStrings::new(),
            bytes: RawStrings::new(),
            keys: RawStrings::new(),
            key: Vec::new(),
            classes: 0,
        }
    }

    fn memory(&self) -> usize {
        self.units.memory() + self.bytes.memory() + self.keys.memory()
    }

    fn memory_after(&self, more: usize) -> usize {
        match self.kind {
            InternKind::Text(_, binary) => {
                let keys = if binary { 0 } else { self.keys.memory_after(more) };
                self.units.memory_after(more) + keys
            }
            InternKind::Bytes | InternKind::Value(_) => self.bytes.memory_after(more),
        }
    }

    fn text(&mut self, s: &[u16]) -> u32 {
        let raw = trim_blanks(s);
        let hash = hash_units(raw);
        if let Some(c) = self.units.find(hash, raw) {
            return c;
        }
        let InternKind::Text(collation, binary) = self.kind else { return NO_GROUP };
        let class = if binary {
            self.new_class()
        } else {
            self.key.clear();
            collate::sort_key(collation, raw, &mut self.key);
            let key_hash = hash_bytes(&self.key);
            match self.keys.find(key_hash, &self.key) {
                Some(class) => class,
                None => {
                    let class = self.classes;
                    self.classes += 1;
                    self.keys.add(key_hash, &self.key, class);
                    class
                }
            }
        };
        self.units.add(hash, raw, class);
        class
    }

    fn new_class(&mut self) -> u32 {
        let c = self.classes;
        self.classes += 1;
        c
    }

    fn raw(&mut self, s: &[u8]) -> u32 {
        let hash = hash_bytes(s);
        if let Some(c) = self.bytes.find(hash, s) {
            return c;
        }
        let class = self.new_class();
        self.bytes.add(hash, s, class);
        class
    }

    /// As [`Interner::text`] without adding; `seen` remembers what the collation was asked.
    fn find_text(&self, s: &[u16], seen: &mut RawStrings<u16>) -> u32 {
        let raw = trim_blanks(s);
        let hash = hash_units(raw);
        if let Some(c) = self.units.find(hash, raw) {
            return c;
        }
        let InternKind::Text(collation, binary) = self.kind else { return NO_GROUP };
        if binary {
            return NO_GROUP;
        }
        if let Some(c) = seen.find(hash, raw) {
            return c;
        }
        let mut key = Vec::with_capacity(raw.len() * 2 + 8);
        collate::sort_key(collation, raw, &mut key);
        let class = self.keys.find(hash_bytes(&key), &key).unwrap_or(NO_GROUP);
        if seen.data.len() < SEEN_LIMIT {
            seen.add(hash, raw, class);
        }
        class
    }
}

/// Units of strings that a reader remembers per column.
const SEEN_LIMIT: usize = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// One column of up to 64 bits; NULL has its own number beside the table.
    Single,
    /// Fixed number of 64-bit words per key, the last one holding the NULL bits.
    Words(usize),
}

/// What a reader of a shared table keeps for itself.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    seen: Vec<Option<RawStrings<u16>>>,
    words: Vec<u64>,
}

/// Single-word keys that lie close together: the key itself is the address, nothing is hashed. Keys are mostly such.
#[derive(Clone, Debug)]
struct Direct {
    least: u64,
    /// Group by distance from the least key.
    groups: Vec<u32>,
}

impl Direct {
    /// Room for keys between `least` and `greatest`, unless `rows` keys would lie too sparsely in it.
    fn new(least: u64, greatest: u64, rows: usize) -> Option<Self> {
        let span = usize::try_from(greatest.checked_sub(least)?).ok()?;
        (span < rows.saturating_mul(8).saturating_add(1024))
            .then(|| Direct { least, groups: vec![NO_GROUP; span + 1] })
    }

    #[inline]
    fn find(&self, word: u64) -> u32 {
        self.groups.get(word.wrapping_sub(self.least) as usize).copied().unwrap_or(NO_GROUP)
    }
}

/// See the module description.
#[derive(Clone, Debug)]
pub struct KeyTable {
    types: Vec<SqlType>,
    widths: Vec<usize>,
    interners: Vec<Option<Interner>>,
    layout: Layout,
    /// Keys in order of their numbers, `stride` words each; single words are in their slots only.
    keys: Vec<u64>,
    slots: Vec<(u64, u32)>,
    direct: Option<Direct>,
    wide: Slots,
    null_group: Option<u32>,
    groups: u32,
    words: Vec<u64>,
    nulls: Vec<bool>,
}

fn intern_kind(ty: &SqlType) -> Option<InternKind> {
    match ColumnData::for_type(ty, 0) {
        ColumnData::Utf16(_) => Some(InternKind::Text(collate::of(ty), collate::is_binary(collate::of(ty)))),
        ColumnData::Bytes(_) => Some(InternKind::Bytes),
        ColumnData::Values(_) => Some(InternKind::Value(*ty)),
        _ => None,
    }
}

impl KeyTable {
    pub fn new(types: &[SqlType]) -> Self {
        let interners: Vec<Option<Interner>> =
            types.iter().map(|t| intern_kind(t).map(Interner::new)).collect();
        let widths: Vec<usize> = types
            .iter()
            .map(|t| match t.id {
                TypeId::Decimal | TypeId::Numeric | TypeId::UniqueIdentifier | TypeId::DateTime2 => 2,
                _ => 1,
            })
            .collect();
        let layout =
            if widths == [1] { Layout::Single } else { Layout::Words(widths.iter().sum::<usize>() + 1) };
        KeyTable {
            types: types.to_vec(),
            widths,
            interners,
            layout,
            keys: Vec::new(),
            slots: if layout == Layout::Single { vec![(0, 0); 64] } else { Vec::new() },
            direct: None,
            wide: Slots::new(),
            null_group: None,
            groups: 0,
            words: Vec::new(),
            nulls: Vec::new(),
        }
    }

    /// Number of distinct keys.
    pub fn len(&self) -> usize {
        self.groups as usize
    }

    pub fn is_empty(&self) -> bool {
        self.groups == 0
    }

    pub fn memory(&self) -> usize {
        self.keys.capacity() * 8
            + self.slots.len() * 16
            + self.direct.as_ref().map_or(0, |d| d.groups.len() * 4)
            + self.wide.memory()
            + self.interners.iter().flatten().map(Interner::memory).sum::<usize>()
    }

    /// Memory when so many keys more have been inserted (their texts aside), with what takes part in growing. Asked before a
    /// batch, so that a table does not find out that it is too big when it has just become twice as big.
    pub fn memory_after(&self, more: usize) -> usize {
        let keys = match self.layout {
            Layout::Single => grown(self.slots.len(), self.len() + more) * 16,
            Layout::Words(stride) => {
                let capacity = self.keys.capacity();
                let fits = self.keys.len() + more * stride <= capacity;
                (if fits { capacity } else { capacity * 3 }) * 8 + self.wide.memory_after(more)
            }
        };
        keys + self.interners.iter().flatten().map(|i| i.memory_after(more)).sum::<usize>()
    }

    /// Numbers the rows of a batch of keys, adding new ones. `null_matches[k]` false: a NULL in column k gives [`NO_GROUP`].
    pub fn insert(
        &mut self,
        columns: &[&Column],
        len: usize,
        null_matches: &[bool],
        out: &mut Vec<u32>,
    ) -> SqlResult<()> {
        if self.direct.is_some() {
            return Err(SqlError::with_text(8624, 16, "Internal error: a finished key table is added to."));
        }
        out.clear();
        out.reserve(len);
        if self.types.is_empty() {
            if len > 0 {
                self.groups = 1;
            }
            out.resize(len, 0);
            return Ok(());
        }
        match self.layout {
            Layout::Single => {
                let mut words = std::mem::take(&mut self.words);
                let coded = encode_words(
                    columns[0],
                    len,
                    &mut words,
                    1,
                    0,
                    &mut Source::Insert(self.interners[0].as_mut()),
                );
                if let Err(e) = coded {
                    self.words = words;
                    return Err(e);
                }
                match &columns[0].nulls {
                    None => {
                        for &w in &words {
                            let g = self.insert_single(w);
                            out.push(g);
                        }
                    }
                    Some(n) => {
                        for (i, &w) in words.iter().enumerate() {
                            let g = if !n[i] {
                                self.insert_single(w)
                            } else if !null_matches[0] {
                                NO_GROUP
                            } else {
                                match self.null_group {
                                    Some(g) => g,
                                    None => {
                                        let g = self.next_group();
                                        self.null_group = Some(g);
                                        g
                                    }
                                }
                            };
                            out.push(g);
                        }
                    }
                }
                self.words = words;
            }
            Layout::Words(stride) => {
                let mut words = std::mem::take(&mut self.words);
                words.clear();
                words.resize(stride * len, 0);
                let mut at = 0;
                for (k, c) in columns.iter().enumerate() {
                    encode_words(
                        c,
                        len,
                        &mut words,
                        stride,
                        at,
                        &mut Source::Insert(self.interners[k].as_mut()),
                    )?;
                    at += self.widths[k];
                }
                self.mark_nulls(columns, len, null_matches, &mut words, stride);
                for i in 0..len {
                    if self.nulls[i] {
                        out.push(NO_GROUP);
                        continue;
                    }
                    let key = &words[i * stride..(i + 1) * stride];
                    let hash = hash_words(key);
                    let keys = &self.keys;
                    let found = self
                        .wide
                        .find(hash, |g| &keys[g as usize * stride..(g as usize + 1) * stride] == key);
                    let g = match found {
                        Some(g) => g,
                        None => {
                            let g = self.groups;
                            self.groups += 1;
                            self.keys.extend_from_slice(key);
                            let keys = &self.keys;
                            self.wide.insert(hash, g, |g| {
                                hash_words(&keys[g as usize * stride..(g as usize + 1) * stride])
                            });
                            g
                        }
                    };
                    out.push(g);
                }
                self.words = words;
            }
        }
        if self.groups >= NO_GROUP - 1 {
            return Err(SqlError::new(701, &[&"default"]));
        }
        Ok(())
    }

    /// As [`KeyTable::insert`] of all the rows there will ever be into an empty table: keys that lie close together are
    /// then addressed directly.
    pub fn insert_all(
        &mut self,
        columns: &[&Column],
        len: usize,
        null_matches: &[bool],
        out: &mut Vec<u32>,
    ) -> SqlResult<()> {
        let whole = |c: &Column| {
            matches!(c.data, ColumnData::U8(_) | ColumnData::I16(_) | ColumnData::I32(_) | ColumnData::I64(_))
        };
        let single = self.layout == Layout::Single && self.groups == 0 && len > 0 && !null_matches[0];
        if !single || !whole(columns[0]) {
            return self.insert(columns, len, null_matches, out);
        }
        let mut words = Vec::new();
        encode_words(columns[0], len, &mut words, 1, 0, &mut Source::Insert(None))?;
        let null = |row: usize| columns[0].is_null(row);
        let (mut least, mut greatest) = (u64::MAX, 0);
        for (row, &w) in words.iter().enumerate() {
            if !null(row) {
                least = least.min(w);
                greatest = greatest.max(w);
            }
        }
        let Some(mut direct) = Direct::new(least, greatest, len) else {
            return self.insert(columns, len, null_matches, out);
        };
        out.clear();
        out.reserve(len);
        for (row, &w) in words.iter().enumerate() {
            if null(row) {
                out.push(NO_GROUP);
                continue;
            }
            let place = &mut direct.groups[(w - least) as usize];
            if *place == NO_GROUP {
                *place = self.groups;
                self.groups += 1;
            }
            out.push(*place);
        }
        self.direct = Some(direct);
        Ok(())
    }

    /// Sets NULL words to 0 and the NULL bits; `self.nulls` marks rows whose NULL matches nothing.
    fn mark_nulls(
        &mut self,
        columns: &[&Column],
        len: usize,
        null_matches: &[bool],
        words: &mut [u64],
        stride: usize,
    ) {
        let mut dead = std::mem::take(&mut self.nulls);
        dead.clear();
        dead.resize(len, false);
        mark_nulls(columns, &self.widths, null_matches, words, stride, &mut dead);
        self.nulls = dead;
    }

    fn next_group(&mut self) -> u32 {
        let g = self.groups;
        self.groups += 1;
        g
    }

    #[inline]
    fn insert_single(&mut self, word: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(word) as usize & mask;
        loop {
            let (k, e) = self.slots[at];
            if e == 0 {
                break;
            }
            if k == word {
                return e - 1;
            }
            at = (at + 1) & mask;
        }
        let g = self.next_group();
        self.slots[at] = (word, g + 1);
        if self.groups as usize * 2 > self.slots.len() {
            let bigger = vec![(0, 0); self.slots.len() * 2];
            let old = std::mem::replace(&mut self.slots, bigger);
            let mask = self.slots.len() - 1;
            for (k, e) in old {
                if e != 0 {
                    let mut at = mix(k) as usize & mask;
                    while self.slots[at].1 != 0 {
                        at = (at + 1) & mask;
                    }
                    self.slots[at] = (k, e);
                }
            }
        }
        g
    }

    #[inline]
    fn find_single(&self, word: u64) -> u32 {
        if let Some(direct) = &self.direct {
            return direct.find(word);
        }
        let mask = self.slots.len() - 1;
        let mut at = mix(word) as usize & mask;
        loop {
            let (k, e) = self.slots[at];
            if e == 0 {
                return NO_GROUP;
            }
            if k == word {
                return e - 1;
            }
            at = (at + 1) & mask;
        }
    }

    pub fn finder(&self) -> Finder {
        Finder {
            seen: self
                .interners
                .iter()
                .map(|i| matches!(i, Some(Interner { kind: InternKind::Text(..), .. })).then(RawStrings::new))
                .collect(),
            words: Vec::new(),
        }
    }

    /// Numbers the rows of a batch of keys without adding: [`NO_GROUP`] for unknown ones.
    pub fn find(
        &self,
        columns: &[&Column],
        len: usize,
        null_matches: &[bool],
        finder: &mut Finder,
        out: &mut Vec<u32>,
    ) -> SqlResult<()> {
        out.clear();
        out.reserve(len);
        if self.types.is_empty() {
            out.resize(len, if self.groups > 0 { 0 } else { NO_GROUP });
            return Ok(());
        }
        let Finder { seen, words } = finder;
        match self.layout {
            Layout::Single => {
                let mut source = Source::Find(self.interners[0].as_ref(), seen[0].as_mut());
                encode_words(columns[0], len, words, 1, 0, &mut source)?;
                let interned = self.interners[0].is_some();
                match &columns[0].nulls {
                    None if self.direct.is_some() => {
                        if let Some(direct) = &self.direct {
                            out.extend(words.iter().map(|&w| direct.find(w)));
                        }
                    }
                    None if !interned => out.extend(words.iter().map(|&w| self.find_single(w))),
                    nulls => out.extend(words.iter().enumerate().map(|(i, &w)| {
                        if nulls.as_ref().is_some_and(|n| n[i]) {
                            if null_matches[0] { self.null_group.unwrap_or(NO_GROUP) } else { NO_GROUP }
                        } else {
                            self.find_single(w)
                        }
                    })),
                }
            }
            Layout::Words(stride) => {
                words.clear();
                words.resize(stride * len, 0);
                let mut at = 0;
                for (k, c) in columns.iter().enumerate() {
                    let mut source = Source::Find(self.interners[k].as_ref(), seen[k].as_mut());
                    encode_words(c, len, words, stride, at, &mut source)?;
                    at += self.widths[k];
                }
                let mut dead = vec![false; len];
                mark_nulls(columns, &self.widths, null_matches, words, stride, &mut dead);
                for i in 0..len {
                    if dead[i] {
                        out.push(NO_GROUP);
                        continue;
                    }
                    let key = &words[i * stride..(i + 1) * stride];
                    let found = self.wide.find(hash_words(key), |g| {
                        &self.keys[g as usize * stride..(g as usize + 1) * stride] == key
                    });
                    out.push(found.unwrap_or(NO_GROUP));
                }
            }
        }
        Ok(())
    }
}

fn mark_nulls(
    columns: &[&Column],
    widths: &[usize],
    null_matches: &[bool],
    words: &mut [u64],
    stride: usize,
    dead: &mut [bool],
) {
    let mut at = 0;
    for (k, c) in columns.iter().enumerate() {
        if let Some(n) = &c.nulls {
            for (i, _) in n.iter().enumerate().filter(|(_, b)| **b) {
                if !null_matches[k] {
                    dead[i] = true;
                    continue;
                }
                words[i * stride + at..i * stride + at + widths[k]].fill(0);
                words[(i + 1) * stride - 1] |= 1 << (k & 63);
            }
        }
        at += widths[k];
    }
}

fn hash_words(key: &[u64]) -> u64 {
    key.iter().fold(0, |h: u64, &w| mix(h.rotate_left(23) ^ w))
}

/// Where interned columns get their numbers from.
enum Source<'a> {
    Insert(Option<&'a mut Interner>),
    Find(Option<&'a Interner>, Option<&'a mut RawStrings<u16>>),
}

impl Source<'_> {
    fn text(&mut self, s: &[u16]) -> u32 {
        match self {
            Source::Insert(Some(i)) => i.text(s),
            Source::Find(Some(i), Some(seen)) => i.find_text(s, seen),
            _ => NO_GROUP,
        }
    }

    fn raw(&mut self, s: &[u8]) -> u32 {
        match self {
            Source::Insert(Some(i)) => i.raw(s),
            Source::Find(Some(i), _) => i.bytes.find(hash_bytes(s), s).unwrap_or(NO_GROUP),
            _ => NO_GROUP,
        }
    }

    fn value_type(&self) -> SqlType {
        let kind = match self {
            Source::Insert(Some(i)) => Some(i.kind),
            Source::Find(Some(i), _) => Some(i.kind),
            _ => None,
        };
        match kind {
            Some(InternKind::Value(t)) => t,
            _ => SqlType::VARIANT,
        }
    }
}

/// Writes the words of one column at word `at` of each row of `stride` words. With stride 1 `words` is filled anew.
fn encode_words(
    column: &Column,
    len: usize,
    words: &mut Vec<u64>,
    stride: usize,
    at: usize,
    source: &mut Source<'_>,
) -> SqlResult<()> {
    if stride == 1 {
        words.clear();
        words.resize(len, 0);
    }
    let null = |i: usize| column.is_null(i);
    macro_rules! put {
        ($v:expr, $f:expr) => {{
            if stride == 1 {
                for (slot, x) in words.iter_mut().zip($v.iter()) {
                    *slot = $f(x);
                }
            } else {
                for (i, x) in $v.iter().enumerate() {
                    words[i * stride + at] = $f(x);
                }
            }
        }};
    }
    match &column.data {
        ColumnData::U8(v) => put!(v, |x: &u8| u64::from(*x)),
        ColumnData::I16(v) => put!(v, |x: &i16| *x as u16 as u64),
        ColumnData::I32(v) => put!(v, |x: &i32| *x as u32 as u64),
        ColumnData::I64(v) => put!(v, |x: &i64| *x as u64),
        ColumnData::F32(v) => put!(v, |x: &f32| if *x == 0.0 { 0 } else { u64::from(x.to_bits()) }),
        ColumnData::F64(v) => put!(v, |x: &f64| if *x == 0.0 { 0 } else { x.to_bits() }),
        ColumnData::DateTime(v) => {
            put!(v, |x: &holdfast_types::DateTime| (x.days as u32 as u64) << 32 | u64::from(x.ticks))
        }
        ColumnData::SmallDateTime(v) => {
            put!(v, |x: &holdfast_types::SmallDateTime| u64::from(x.days) << 16 | u64::from(x.minutes))
        }
        ColumnData::Decimal(v) => {
            for (i, x) in v.iter().enumerate() {
                words[i * stride + at] = *x as u64;
                words[i * stride + at + 1] = (*x >> 64) as u64;
            }
        }
        ColumnData::DateTime2(v) => {
            for (i, x) in v.iter().enumerate() {
                words[i * stride + at] = x.date.0 as u32 as u64;
                words[i * stride + at + 1] = x.time.0;
            }
        }
        ColumnData::Guid(v) => {
            for (i, x) in v.iter().enumerate() {
                let w = u128::from_le_bytes(*x);
                words[i * stride + at] = w as u64;
                words[i * stride + at + 1] = (w >> 64) as u64;
            }
        }
        ColumnData::Utf16(v) => {
            for (i, s) in v.iter().enumerate() {
                if !null(i) {
                    words[i * stride + at] = u64::from(source.text(s));
                }
            }
        }
        ColumnData::Bytes(v) => {
            for (i, s) in v.iter().enumerate() {
                if !null(i) {
                    words[i * stride + at] = u64::from(source.raw(trim_zeros(s)));
                }
            }
        }
        ColumnData::Values(v) => {
            let ty = source.value_type();
            let mut key = Vec::new();
            for (i, x) in v.iter().enumerate() {
                if !null(i) && *x != Value::Null {
                    key.clear();
                    encode_value(x, &ty, &mut key)?;
                    words[i * stride + at] = u64::from(source.raw(&key));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_types::CollationId;

    fn column(ty: &SqlType, v: &[Value]) -> Column {
        Column::from_values(ty, v).unwrap()
    }

    #[test]
    fn integers_and_null() {
        let mut t = KeyTable::new(&[SqlType::INT]);
        let c =
            column(&SqlType::INT, &[Value::Int(5), Value::Null, Value::Int(-1), Value::Int(5), Value::Null]);
        let mut out = Vec::new();
        t.insert(&[&c], 5, &[true], &mut out).unwrap();
        assert_eq!(out, [0, 1, 2, 0, 1]);
        t.insert(&[&c], 5, &[false], &mut out).unwrap();
        assert_eq!(out, [0, NO_GROUP, 2, 0, NO_GROUP]);
        let many: Vec<Value> = (0..10_000).map(Value::Int).collect();
        let many = column(&SqlType::INT, &many);
        t.insert(&[&many], 10_000, &[true], &mut out).unwrap();
        let mut f = t.finder();
        let mut again = Vec::new();
        t.find(&[&many], 10_000, &[true], &mut f, &mut again).unwrap();
        assert_eq!(out, again);
    }

    #[test]
    fn direct_addresses_find_what_hashing_finds() {
        let close = [Value::Int(7), Value::Int(5), Value::Null, Value::Int(7), Value::Int(900)];
        // Negative keys are far from positive ones as words: these are hashed.
        let far = [Value::Int(-1), Value::Int(5), Value::Null, Value::Int(i32::MAX), Value::Int(5)];
        let probe = [4, 5, 6, 7, 900, 901, -1, i32::MAX].map(Value::Int);
        for (keys, direct) in [(&close, true), (&far, false)] {
            let c = column(&SqlType::INT, keys);
            let (mut all, mut one) = (KeyTable::new(&[SqlType::INT]), KeyTable::new(&[SqlType::INT]));
            let (mut a, mut b) = (Vec::new(), Vec::new());
            all.insert_all(&[&c], 5, &[false], &mut a).unwrap();
            one.insert(&[&c], 5, &[false], &mut b).unwrap();
            assert_eq!((&a, all.len(), all.direct.is_some()), (&b, one.len(), direct));
            let mut with_null = probe.to_vec();
            with_null.push(Value::Null);
            for list in [&probe[..], &with_null] {
                let p = column(&SqlType::INT, list);
                all.find(&[&p], list.len(), &[false], &mut all.finder(), &mut a).unwrap();
                one.find(&[&p], list.len(), &[false], &mut one.finder(), &mut b).unwrap();
                assert_eq!(a, b);
            }
        }
    }

    #[test]
    fn strings_by_collation_and_several_columns() {
        let s = SqlType::nvarchar(10, CollationId::SERVER_DEFAULT);
        let mut t = KeyTable::new(&[s, SqlType::decimal(10, 2)]);
        let d = |m| Value::Decimal(holdfast_types::Decimal::new(m, 2));
        let names = column(&s, &["a", "A ", "b", "a"].map(Value::string));
        let numbers = column(&SqlType::decimal(10, 2), &[d(1), d(1), d(1), Value::Null]);
        let mut out = Vec::new();
        t.insert(&[&names, &numbers], 4, &[true, true], &mut out).unwrap();
        assert_eq!(out, [0, 0, 1, 2]);
        let mut f = t.finder();
        let probe = column(&s, &["B", "c", "A", "a  "].map(Value::string));
        t.find(&[&probe, &numbers], 4, &[true, true], &mut f, &mut out).unwrap();
        assert_eq!(out, [1, NO_GROUP, 0, 2]);
    }
}
