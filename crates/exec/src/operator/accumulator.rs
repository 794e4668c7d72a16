//! Aggregate functions: one state per group, updated a batch at a time, mergeable.
//!
//! Invariants
//! 1. NULLs do not count, except in COUNT(*).
//! 2. Sums of integers and money are kept wide and checked against the result type at the end; decimals in 128 bits, checked on the way.
//! 3. `merge` of partial states over any split of the input gives the state of the whole (floats up to rounding).
//! 4. Rows with group [`NO_GROUP`] are skipped.

use holdfast_plan::function::AggregateId;
use holdfast_plan::physical::Aggregate;
use holdfast_types::batch::ColumnBuilder;
use holdfast_types::{Column, ColumnData, Decimal, SqlError, SqlResult, SqlString, SqlType, TypeId, Value};

use super::hash_table::NO_GROUP;
use crate::expression::arithmetic::{overflow, power_of_ten, type_mismatch};
use crate::expression::compare;
use crate::expression::vector::Vector;

/// Groups of the rows of a batch.
#[derive(Clone, Copy)]
pub enum Groups<'a> {
    /// All rows belong to group 0.
    One,
    Many(&'a [u32]),
}

impl Groups<'_> {
    #[inline]
    fn at(&self, row: usize) -> u32 {
        match self {
            Groups::One => 0,
            Groups::Many(g) => g[row],
        }
    }
}

#[derive(Clone, Debug)]
enum State {
    Count(Vec<i64>),
    /// Integers, money: wide sums and counts.
    Wide {
        sums: Vec<i128>,
        counts: Vec<i64>,
        average: bool,
    },
    /// As `Wide` where 64 bits hold any sum of 32-bit values.
    Narrow {
        sums: Vec<i64>,
        counts: Vec<i64>,
        average: bool,
    },
    Float {
        sums: Vec<f64>,
        counts: Vec<i64>,
        average: bool,
    },
    Decimal {
        sums: Vec<i128>,
        counts: Vec<i64>,
        average: bool,
    },
    Extreme {
        best: Best,
        want: Want,
    },
    /// count, mean, sum of squared deviations
    Moments(Vec<(f64, f64, f64)>),
    Text(Vec<Option<Vec<TextPart>>>),
    Checksum(Vec<Option<i32>>),
    /// All values, for percentiles.
    All(Vec<Vec<Value>>),
}

#[derive(Clone, Debug)]
struct TextPart {
    key: Vec<u8>,
    separator: SqlString,
    text: SqlString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Min,
    Max,
    First,
}

/// Best value so far per group; `None`-like flags beside typed vectors.
#[derive(Clone, Debug)]
enum Best {
    I32(Vec<i32>, Vec<bool>),
    I64(Vec<i64>, Vec<bool>),
    F64(Vec<f64>, Vec<bool>),
    Decimal(Vec<i128>, Vec<bool>),
    Other(Vec<Value>),
}

/// One aggregate over all groups.
#[derive(Clone, Debug)]
pub struct Accumulator {
    state: State,
    function: AggregateId,
    argument: SqlType,
    ty: SqlType,
    null_seen: bool,
    /// Bytes of the texts and values that groups collect.
    collected: usize,
}

fn is_average(f: AggregateId) -> bool {
    f == AggregateId::Avg
}

impl Accumulator {
    pub fn new(a: &Aggregate) -> SqlResult<Self> {
        let argument = a.argument.as_ref().map_or(SqlType::INT, |e| e.ty);
        let average = is_average(a.function);
        let state = match a.function {
            AggregateId::Count | AggregateId::CountBig | AggregateId::ApproxCountDistinct => {
                State::Count(Vec::new())
            }
            AggregateId::Sum | AggregateId::Avg => match argument.id {
                TypeId::TinyInt
                | TypeId::SmallInt
                | TypeId::Int
                | TypeId::Bit
                | TypeId::Null
                | TypeId::SmallMoney => State::Narrow { sums: Vec::new(), counts: Vec::new(), average },
                TypeId::BigInt | TypeId::Money => {
                    State::Wide { sums: Vec::new(), counts: Vec::new(), average }
                }
                TypeId::Real | TypeId::Float => {
                    State::Float { sums: Vec::new(), counts: Vec::new(), average }
                }
                TypeId::Decimal | TypeId::Numeric => {
                    State::Decimal { sums: Vec::new(), counts: Vec::new(), average }
                }
                _ => {
                    return Err(SqlError::new(
                        8117,
                        &[&argument.id.name(), &a.function.name().to_lowercase()],
                    ));
                }
            },
            AggregateId::Min | AggregateId::Max | AggregateId::Any => {
                let want = match a.function {
                    AggregateId::Min => Want::Min,
                    AggregateId::Max => Want::Max,
                    _ => Want::First,
                };
                let best = match ColumnData::for_type(&argument, 0) {
                    ColumnData::I32(_) => Best::I32(Vec::new(), Vec::new()),
                    ColumnData::I64(_) => Best::I64(Vec::new(), Vec::new()),
                    ColumnData::F64(_) => Best::F64(Vec::new(), Vec::new()),
                    ColumnData::Decimal(_) => Best::Decimal(Vec::new(), Vec::new()),
                    _ => Best::Other(Vec::new()),
                };
                State::Extreme { best, want }
            }
            AggregateId::StDev | AggregateId::StDevP | AggregateId::Var | AggregateId::VarP => {
                State::Moments(Vec::new())
            }
            AggregateId::StringAgg => State::Text(Vec::new()),
            AggregateId::ChecksumAgg => State::Checksum(Vec::new()),
            AggregateId::ApproxPercentileCont | AggregateId::ApproxPercentileDisc => State::All(Vec::new()),
        };
        Ok(Accumulator { state, function: a.function, argument, ty: a.ty, null_seen: false, collected: 0 })
    }

    /// Whether a NULL was left out (message 8153).
    pub fn null_seen(&self) -> bool {
        self.null_seen
    }

    /// Bytes of the texts and values that groups collect, beside [`Accumulator::width`].
    pub fn collected(&self) -> usize {
        self.collected
    }

    /// Makes room for `groups` groups.
    pub fn resize(&mut self, groups: usize) {
        match &mut self.state {
            State::Count(c) => c.resize(groups, 0),
            State::Wide { sums, counts, .. } | State::Decimal { sums, counts, .. } => {
                sums.resize(groups, 0);
                counts.resize(groups, 0);
            }
            State::Narrow { sums, counts, .. } => {
                sums.resize(groups, 0);
                counts.resize(groups, 0);
            }
            State::Float { sums, counts, .. } => {
                sums.resize(groups, 0.0);
                counts.resize(groups, 0);
            }
            State::Extreme { best, .. } => match best {
                Best::I32(v, s) => {
                    v.resize(groups, 0);
                    s.resize(groups, false);
                }
                Best::I64(v, s) => {
                    v.resize(groups, 0);
                    s.resize(groups, false);
                }
                Best::F64(v, s) => {
                    v.resize(groups, 0.0);
                    s.resize(groups, false);
                }
                Best::Decimal(v, s) => {
                    v.resize(groups, 0);
                    s.resize(groups, false);
                }
                Best::Other(v) => v.resize(groups, Value::Null),
            },
            State::Moments(m) => m.resize(groups, (0.0, 0.0, 0.0)),
            State::Text(t) => t.resize_with(groups, || None),
            State::Checksum(c) => c.resize(groups, None),
            State::All(a) => a.resize_with(groups, Vec::new),
        }
    }

    /// Bytes per group, roughly (beside texts and lists).
    pub fn width(&self) -> usize {
        match &self.state {
            State::Count(_) => 8,
            State::Wide { .. } | State::Decimal { .. } | State::Moments(_) => 24,
            State::Narrow { .. } | State::Float { .. } => 16,
            State::Extreme { .. } => 32,
            _ => 64,
        }
    }

    /// Adds the rows of a batch. `argument` is `None` for COUNT(*).
    pub fn update(&mut self, groups: Groups<'_>, argument: Option<&Vector>, len: usize) -> SqlResult<()> {
        let Some(argument) = argument else {
            let State::Count(counts) = &mut self.state else { return Err(type_mismatch()) };
            match groups {
                Groups::One => counts[0] += len as i64,
                Groups::Many(g) => {
                    for &g in &g[..len] {
                        if g != NO_GROUP {
                            counts[g as usize] += 1;
                        }
                    }
                }
            }
            return Ok(());
        };
        if argument.nulls().is_some() || matches!(argument, Vector::Const(Value::Null)) {
            self.null_seen = true;
        }
        let column;
        let c: &Column = match argument {
            Vector::Column(c) => c,
            Vector::Const(v) => {
                column = Column::constant(&self.argument, v, len)?;
                &column
            }
        };
        let nulls = c.nulls.as_deref();
        // Calls `$body` for every row that counts, with the group and the value.
        macro_rules! rows {
            ($v:expr, |$g:ident, $x:ident| $body:expr) => {
                match (nulls, groups) {
                    (None, Groups::Many(gs)) => {
                        for (&$g, &$x) in gs.iter().zip($v.iter()) {
                            if $g != NO_GROUP {
                                let $g = $g as usize;
                                $body;
                            }
                        }
                    }
                    _ => {
                        for (i, &$x) in $v.iter().enumerate() {
                            let $g = groups.at(i);
                            if $g != NO_GROUP && !nulls.is_some_and(|n| n[i]) {
                                let $g = $g as usize;
                                $body;
                            }
                        }
                    }
                }
            };
        }
        match &mut self.state {
            State::Count(counts) => match (nulls, groups) {
                (None, Groups::One) => counts[0] += len as i64,
                _ => {
                    for i in 0..len {
                        let g = groups.at(i);
                        if g != NO_GROUP && !nulls.is_some_and(|n| n[i]) {
                            counts[g as usize] += 1;
                        }
                    }
                }
            },
            State::Narrow { sums, counts, .. } => {
                if let (None, Groups::One) = (nulls, groups) {
                    sums[0] += match &c.data {
                        ColumnData::U8(v) => v.iter().map(|&x| i64::from(x)).sum::<i64>(),
                        ColumnData::I16(v) => v.iter().map(|&x| i64::from(x)).sum(),
                        ColumnData::I32(v) => v.iter().map(|&x| i64::from(x)).sum(),
                        _ => return Err(type_mismatch()),
                    };
                    counts[0] += len as i64;
                    return Ok(());
                }
                match &c.data {
                    ColumnData::U8(v) => rows!(v, |g, x| {
                        sums[g] += i64::from(x);
                        counts[g] += 1
                    }),
                    ColumnData::I16(v) => rows!(v, |g, x| {
                        sums[g] += i64::from(x);
                        counts[g] += 1
                    }),
                    ColumnData::I32(v) => rows!(v, |g, x| {
                        sums[g] += i64::from(x);
                        counts[g] += 1
                    }),
                    _ => return Err(type_mismatch()),
                }
            }
            State::Wide { sums, counts, .. } => {
                let ColumnData::I64(v) = &c.data else { return Err(type_mismatch()) };
                if let (None, Groups::One) = (nulls, groups) {
                    sums[0] += v.iter().map(|&x| i128::from(x)).sum::<i128>();
                    counts[0] += len as i64;
                } else {
                    rows!(v, |g, x| {
                        sums[g] += i128::from(x);
                        counts[g] += 1
                    });
                }
            }
            State::Float { sums, counts, .. } => match &c.data {
                ColumnData::F64(v) => {
                    if let (None, Groups::One) = (nulls, groups) {
                        sums[0] += v.iter().sum::<f64>();
                        counts[0] += len as i64;
                    } else {
                        rows!(v, |g, x| {
                            sums[g] += x;
                            counts[g] += 1
                        });
                    }
                }
                ColumnData::F32(v) => rows!(v, |g, x| {
                    sums[g] += f64::from(x);
                    counts[g] += 1
                }),
                _ => return Err(type_mismatch()),
            },
            State::Decimal { sums, counts, .. } => {
                let ColumnData::Decimal(v) = &c.data else { return Err(type_mismatch()) };
                let mut failed = false;
                rows!(v, |g, x| {
                    let (s, o) = sums[g].overflowing_add(x);
                    failed |= o;
                    sums[g] = s;
                    counts[g] += 1
                });
                if failed {
                    return Err(overflow(&self.ty));
                }
            }
            State::Extreme { best, want } => {
                let want = *want;
                macro_rules! extreme {
                    ($v:expr, $best:expr, $seen:expr) => {
                        rows!($v, |g, x| {
                            let better = match want {
                                Want::Min => x < $best[g],
                                Want::Max => x > $best[g],
                                Want::First => false,
                            };
                            if better || !$seen[g] {
                                $best[g] = x;
                                $seen[g] = true;
                            }
                        })
                    };
                }
                match (best, &c.data) {
                    (Best::I32(b, s), ColumnData::I32(v)) => extreme!(v, b, s),
                    (Best::I64(b, s), ColumnData::I64(v)) => extreme!(v, b, s),
                    (Best::F64(b, s), ColumnData::F64(v)) => extreme!(v, b, s),
                    (Best::Decimal(b, s), ColumnData::Decimal(v)) => extreme!(v, b, s),
                    (Best::Other(b), _) => {
                        for i in 0..len {
                            let g = groups.at(i);
                            if g == NO_GROUP || nulls.is_some_and(|n| n[i]) {
                                continue;
                            }
                            let best = &mut b[g as usize];
                            if best.is_null() {
                                *best = c.value(i, &self.argument);
                            } else if want != Want::First {
                                replace_if_better(best, c, i, &self.argument, want)?;
                            }
                        }
                    }
                    _ => return Err(type_mismatch()),
                }
            }
            State::Moments(m) => {
                for i in 0..len {
                    let g = groups.at(i);
                    if g == NO_GROUP || nulls.is_some_and(|n| n[i]) {
                        continue;
                    }
                    let x = number(c, i, &self.argument)?;
                    let s = &mut m[g as usize];
                    s.0 += 1.0;
                    let d = x - s.1;
                    s.1 += d / s.0;
                    s.2 += d * (x - s.1);
                }
            }
            State::Checksum(sums) => {
                for i in 0..len {
                    let g = groups.at(i);
                    if g == NO_GROUP || nulls.is_some_and(|n| n[i]) {
                        continue;
                    }
                    let ColumnData::I32(v) = &c.data else { return Err(type_mismatch()) };
                    let s = &mut sums[g as usize];
                    *s = Some(s.unwrap_or(0) ^ v[i]);
                }
            }
            State::All(lists) => {
                for i in 0..len {
                    let g = groups.at(i);
                    if g != NO_GROUP && !nulls.is_some_and(|n| n[i]) {
                        self.collected += size_of::<Value>();
                        lists[g as usize].push(c.value(i, &self.argument));
                    }
                }
            }
            State::Text(_) => return Err(type_mismatch()),
        }
        Ok(())
    }

    /// STRING_AGG: texts with separators, and order keys when WITHIN GROUP asks for an order.
    pub fn update_text(
        &mut self,
        groups: Groups<'_>,
        argument: &Vector,
        separator: &Vector,
        separator_type: &SqlType,
        keys: Option<&holdfast_types::batch::VarColumn<u8>>,
        len: usize,
    ) -> SqlResult<()> {
        let State::Text(parts) = &mut self.state else { return Err(type_mismatch()) };
        for i in 0..len {
            let g = groups.at(i);
            if g == NO_GROUP {
                continue;
            }
            let Value::String(text) = argument.value(i, &self.argument) else {
                self.null_seen = true;
                continue;
            };
            let separator = match separator.value(i, separator_type) {
                Value::String(s) => s,
                _ => SqlString::empty(),
            };
            let key = keys.map_or_else(Vec::new, |k| k.entry(i).to_vec());
            self.collected += size_of::<TextPart>() + key.len() + text.units().len() * 2;
            parts[g as usize].get_or_insert_with(Vec::new).push(TextPart { key, separator, text });
        }
        Ok(())
    }

    /// Adds the groups of another state: group g of it belongs to `map[g]` here ([`NO_GROUP`]: to none).
    pub fn merge(&mut self, other: &mut Accumulator, map: &[u32]) -> SqlResult<()> {
        self.null_seen |= other.null_seen;
        self.collected += std::mem::take(&mut other.collected);
        let targets = map.iter().enumerate().filter(|(_, m)| **m != NO_GROUP).map(|(g, &m)| (g, m as usize));
        match (&mut self.state, &mut other.state) {
            (State::Count(a), State::Count(b)) => targets.for_each(|(g, t)| a[t] += b[g]),
            (State::Narrow { sums, counts, .. }, State::Narrow { sums: s2, counts: c2, .. }) => {
                targets.for_each(|(g, t)| {
                    sums[t] += s2[g];
                    counts[t] += c2[g];
                });
            }
            (State::Wide { sums, counts, .. }, State::Wide { sums: s2, counts: c2, .. }) => {
                targets.for_each(|(g, t)| {
                    sums[t] += s2[g];
                    counts[t] += c2[g];
                });
            }
            (State::Decimal { sums, counts, .. }, State::Decimal { sums: s2, counts: c2, .. }) => {
                for (g, t) in targets {
                    sums[t] = sums[t].checked_add(s2[g]).ok_or_else(|| overflow(&self.ty))?;
                    counts[t] += c2[g];
                }
            }
            (State::Float { sums, counts, .. }, State::Float { sums: s2, counts: c2, .. }) => {
                targets.for_each(|(g, t)| {
                    sums[t] += s2[g];
                    counts[t] += c2[g];
                });
            }
            (State::Moments(a), State::Moments(b)) => targets.for_each(|(g, t)| {
                let (n1, m1, s1) = a[t];
                let (n2, m2, s2) = b[g];
                if n2 > 0.0 {
                    let n = n1 + n2;
                    let d = m2 - m1;
                    a[t] = (n, m1 + d * n2 / n, s1 + s2 + d * d * n1 * n2 / n);
                }
            }),
            (State::Extreme { best: a, want }, State::Extreme { best: b, .. }) => {
                let want = *want;
                macro_rules! extreme {
                    ($a:expr, $sa:expr, $b:expr, $sb:expr) => {
                        targets.for_each(|(g, t)| {
                            if $sb[g] {
                                let better = match want {
                                    Want::Min => $b[g] < $a[t],
                                    Want::Max => $b[g] > $a[t],
                                    Want::First => false,
                                };
                                if better || !$sa[t] {
                                    $a[t] = $b[g];
                                    $sa[t] = true;
                                }
                            }
                        })
                    };
                }
                match (a, b) {
                    (Best::I32(a, sa), Best::I32(b, sb)) => extreme!(a, sa, b, sb),
                    (Best::I64(a, sa), Best::I64(b, sb)) => extreme!(a, sa, b, sb),
                    (Best::F64(a, sa), Best::F64(b, sb)) => extreme!(a, sa, b, sb),
                    (Best::Decimal(a, sa), Best::Decimal(b, sb)) => extreme!(a, sa, b, sb),
                    (Best::Other(a), Best::Other(b)) => {
                        for (g, t) in targets {
                            if b[g].is_null() {
                                continue;
                            }
                            let take = a[t].is_null()
                                || match want {
                                    Want::First => false,
                                    Want::Min => compare::order(&b[g], &a[t], &self.argument)?.is_lt(),
                                    Want::Max => compare::order(&b[g], &a[t], &self.argument)?.is_gt(),
                                };
                            if take {
                                a[t] = std::mem::take(&mut b[g]);
                            }
                        }
                    }
                    _ => return Err(type_mismatch()),
                }
            }
            (State::Text(a), State::Text(b)) => targets.for_each(|(g, t)| {
                if let Some(parts) = b[g].take() {
                    a[t].get_or_insert_with(Vec::new).extend(parts);
                }
            }),
            (State::Checksum(a), State::Checksum(b)) => targets.for_each(|(g, t)| {
                if let Some(x) = b[g] {
                    a[t] = Some(a[t].unwrap_or(0) ^ x);
                }
            }),
            (State::All(a), State::All(b)) => targets.for_each(|(g, t)| a[t].append(&mut b[g])),
            _ => return Err(type_mismatch()),
        }
        Ok(())
    }

    /// The results of groups `0..groups`. `fraction` is the second argument of percentiles, `descending` their order.
    pub fn finish(&mut self, groups: usize, fraction: Option<f64>, descending: bool) -> SqlResult<Column> {
        let ty = self.ty;
        let mut out = ColumnBuilder::new(ty, groups);
        match &mut self.state {
            State::Count(counts) => {
                for &c in &counts[..groups] {
                    out.push(&if ty.id == TypeId::BigInt {
                        Value::BigInt(c)
                    } else {
                        Value::Int(i32::try_from(c).map_err(|_| overflow(&ty))?)
                    })?;
                }
            }
            State::Narrow { sums, counts, average } => {
                for g in 0..groups {
                    out.push(&integer_result(i128::from(sums[g]), counts[g], *average, &ty)?)?;
                }
            }
            State::Wide { sums, counts, average } => {
                for g in 0..groups {
                    out.push(&integer_result(sums[g], counts[g], *average, &ty)?)?;
                }
            }
            State::Float { sums, counts, average } => {
                for g in 0..groups {
                    if counts[g] == 0 {
                        out.push_null();
                        continue;
                    }
                    let v = if *average { sums[g] / counts[g] as f64 } else { sums[g] };
                    if !v.is_finite() {
                        return Err(overflow(&ty));
                    }
                    out.push(&if ty.id == TypeId::Real { Value::Real(v as f32) } else { Value::Float(v) })?;
                }
            }
            State::Decimal { sums, counts, average } => {
                for g in 0..groups {
                    out.push(&decimal_sum_result(sums[g], counts[g], *average, &self.argument, &ty)?)?;
                }
            }
            State::Extreme { best, .. } => match best {
                Best::I32(v, s) => return Ok(flagged(ColumnData::I32(std::mem::take(v)), s)),
                Best::I64(v, s) => return Ok(flagged(ColumnData::I64(std::mem::take(v)), s)),
                Best::F64(v, s) => return Ok(flagged(ColumnData::F64(std::mem::take(v)), s)),
                Best::Decimal(v, s) => return Ok(flagged(ColumnData::Decimal(std::mem::take(v)), s)),
                Best::Other(v) => {
                    for v in &v[..groups] {
                        out.push(v)?;
                    }
                }
            },
            State::Moments(m) => {
                let population = matches!(self.function, AggregateId::StDevP | AggregateId::VarP);
                let root = matches!(self.function, AggregateId::StDev | AggregateId::StDevP);
                for &(n, _, s) in &m[..groups] {
                    let d = if population { n } else { n - 1.0 };
                    if d < 1.0 {
                        out.push_null();
                        continue;
                    }
                    let v = (s / d).max(0.0);
                    out.push(&Value::Float(if root { v.sqrt() } else { v }))?;
                }
            }
            State::Checksum(sums) => {
                for s in &sums[..groups] {
                    out.push(&s.map_or(Value::Null, Value::Int))?;
                }
            }
            State::Text(parts) => {
                for p in &mut parts[..groups] {
                    let Some(mut list) = p.take() else {
                        out.push_null();
                        continue;
                    };
                    list.sort_by(|a, b| a.key.cmp(&b.key));
                    let mut units = Vec::new();
                    for (i, part) in list.iter().enumerate() {
                        if i > 0 {
                            units.extend_from_slice(part.separator.units());
                        }
                        units.extend_from_slice(part.text.units());
                    }
                    if let Some(limit) = ty.char_length()
                        && units.len() > limit.max(0) as usize
                    {
                        return Err(SqlError::new(9829, &[&8000]));
                    }
                    out.push_units(&units)?;
                }
            }
            State::All(lists) => {
                let discrete = self.function == AggregateId::ApproxPercentileDisc;
                for list in &mut lists[..groups] {
                    let mut failed = None;
                    list.sort_by(|a, b| {
                        compare::order(a, b, &self.argument).unwrap_or_else(|e| {
                            failed = Some(e);
                            std::cmp::Ordering::Equal
                        })
                    });
                    if let Some(e) = failed {
                        return Err(e);
                    }
                    if descending {
                        list.reverse();
                    }
                    out.push(&percentile(list, fraction.unwrap_or(0.5), discrete)?)?;
                }
            }
        }
        Ok(out.finish())
    }
}

fn flagged(data: ColumnData, seen: &[bool]) -> Column {
    Column::with_nulls(data, seen.iter().map(|s| !s).collect())
}

/// The value at `fraction` of a sorted list: interpolated, or the first whose share reaches it.
pub fn percentile(list: &[Value], fraction: f64, discrete: bool) -> SqlResult<Value> {
    if list.is_empty() {
        return Ok(Value::Null);
    }
    if discrete {
        let i = (fraction * list.len() as f64).ceil() as usize;
        return Ok(list[i.clamp(1, list.len()) - 1].clone());
    }
    let at = fraction * (list.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    let (a, b) = (value_number(&list[low])?, value_number(&list[high])?);
    Ok(Value::Float(a + (b - a) * (at - low as f64)))
}

/// A numeric value as a float.
pub fn value_number(v: &Value) -> SqlResult<f64> {
    Ok(match v {
        Value::Bit(x) => f64::from(u8::from(*x)),
        Value::TinyInt(x) => f64::from(*x),
        Value::SmallInt(x) => f64::from(*x),
        Value::Int(x) => f64::from(*x),
        Value::BigInt(x) => *x as f64,
        Value::Money(x) => *x as f64 / 10_000.0,
        Value::SmallMoney(x) => f64::from(*x) / 10_000.0,
        Value::Real(x) => f64::from(*x),
        Value::Float(x) => *x,
        Value::Decimal(d) => d.mantissa as f64 / 10f64.powi(i32::from(d.scale)),
        _ => return Err(type_mismatch()),
    })
}

fn number(c: &Column, row: usize, ty: &SqlType) -> SqlResult<f64> {
    match &c.data {
        ColumnData::F64(v) => Ok(v[row]),
        _ => value_number(&c.value(row, ty)),
    }
}

fn replace_if_better(best: &mut Value, c: &Column, row: usize, ty: &SqlType, want: Want) -> SqlResult<()> {
    // Strings are compared where they lie: most rows are not better and need no copy.
    let order = match (&c.data, &*best) {
        (ColumnData::Utf16(v), Value::String(b)) => {
            crate::expression::collate::compare(ty.sort_collation(), v.entry(row), b.units())
        }
        _ => compare::order(&c.value(row, ty), best, ty)?,
    };
    if (want == Want::Min && order.is_lt()) || (want == Want::Max && order.is_gt()) {
        *best = c.value(row, ty);
    }
    Ok(())
}

/// Result of SUM or AVG over exact integers and money.
pub fn integer_result(sum: i128, count: i64, average: bool, ty: &SqlType) -> SqlResult<Value> {
    if count == 0 {
        return Ok(Value::Null);
    }
    let v = if average { sum / i128::from(count) } else { sum };
    let wide = i64::try_from(v).map_err(|_| overflow(ty))?;
    Ok(match ty.id {
        TypeId::BigInt => Value::BigInt(wide),
        TypeId::Money => Value::Money(wide),
        TypeId::Int | TypeId::Null => Value::Int(i32::try_from(wide).map_err(|_| overflow(ty))?),
        _ => return Err(type_mismatch()),
    })
}

/// Result of SUM or AVG over decimals of type `argument`.
pub fn decimal_sum_result(
    sum: i128,
    count: i64,
    average: bool,
    argument: &SqlType,
    ty: &SqlType,
) -> SqlResult<Value> {
    if count == 0 {
        return Ok(Value::Null);
    }
    let m = if average { decimal_average(sum, count, argument.scale, ty.scale) } else { Some(sum) };
    let limit = power_of_ten(u32::from(ty.precision));
    match m {
        Some(m) if m > -limit && m < limit => {
            Ok(Value::Decimal(Decimal::new(m, if average { ty.scale } else { argument.scale })))
        }
        _ => Err(overflow(ty)),
    }
}

fn decimal_average(sum: i128, count: i64, from: u8, to: u8) -> Option<i128> {
    let n = i128::from(count);
    if to >= from {
        let f = power_of_ten(u32::from(to - from));
        match sum.checked_mul(f) {
            Some(x) => Some(x / n),
            None => {
                i128::try_from(ethnum::I256::from(sum) * ethnum::I256::from(f) / ethnum::I256::from(n)).ok()
            }
        }
    } else {
        Some(sum / power_of_ten(u32::from(from - to)) / n)
    }
}
