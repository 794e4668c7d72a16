//! Making statistics from rows: densities, and a histogram of the first column.
//!
//! Invariants
//! 1. A histogram has at most [`MAX_STEPS`] steps, NULL among them; its first and last steps are the least and the greatest
//!    value that was seen.
//! 2. Rows of all steps and NULLs add up to the rows of the table, or of those that the filter takes, also when only a sample
//!    was seen.
//! 3. At most [`MOST_VALUES`] values are held: of more rows half are let go, again and again, and what is left is a sample, as the
//!    statistics say by their number of sampled rows.
//! 4. The same rows in the same order give the same statistics: which rows a sample takes goes by their number.
//! 5. A sample of whole pages is no sample of rows: equal values lie together. How many values there are is told by those that
//!    lie on one page only, among values counted once a page; a sample of rows is one of pages with a row each.
//!
//! Evidence: layout and meaning of the parts in docs/format/statistics.md. Which values become steps is not what SQL Server
//! would choose (its way is not documented): as many steps as there are values while they fit; else a step for each value that
//! is frequent, and between them steps of about as many rows each.

use std::cmp::Ordering;

use holdfast_format::statistics::{FORM, MAX_COLUMNS, Statistics, Step};
use holdfast_types::{DateTime, SqlResult, SqlString, SqlType, Value};

use crate::ddl::layout::fixed_size;
use crate::stored::key::compare;
use crate::write::row::{pad, stored};

/// Steps of a histogram.
pub const MAX_STEPS: usize = 200;
/// Rows up to which a sample takes all.
const SMALL: u64 = 10_000;
/// Pages that the server looks at when nobody says how many: all of a table of 8 MB, and of larger ones this many and this
/// often the root of their number.
const DEFAULT_PAGES: (f64, f64) = (1024.0, 4.0);
/// Values of rows that are held while statistics are made (about 60 bytes each, and what their text needs).
const MOST_VALUES: usize = 4_000_000;
/// Characters or bytes of a long value that its key in the histogram has.
const LONGEST_KEY: usize = 100;
/// First versions (2008, 2017) with rows before the filter, and with a persisted sampling percentage.
const FIRST_WITH_FILTER: u16 = 655;
const FIRST_WITH_SAMPLE: u16 = 869;

/// How many of a table's rows statistics are made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    Full,
    Percent(f64),
    Rows(u64),
    /// The server decides.
    Default,
}

impl Sampling {
    /// The fraction that is taken of a table of so many rows and pages.
    pub fn fraction(self, rows: u64, pages: u64) -> f64 {
        if rows <= SMALL {
            return 1.0;
        }
        let of = |n: u64| n.max(SMALL) as f64 / rows as f64;
        match self {
            Sampling::Full => 1.0,
            Sampling::Percent(p) => (p / 100.0).max(of(SMALL)),
            Sampling::Rows(n) => of(n),
            Sampling::Default => {
                let pages = (pages as f64).max(1.0);
                (DEFAULT_PAGES.0 + DEFAULT_PAGES.1 * pages.sqrt()) / pages
            }
        }
        .clamp(0.0, 1.0)
    }
}

/// A row that was taken.
#[derive(Debug)]
struct Taken {
    values: Vec<Value>,
    /// Its place among all, as [`scattered`] has it.
    place: f64,
    page: u64,
}

/// Rows on their way into statistics.
#[derive(Debug)]
pub struct Collector {
    types: Vec<SqlType>,
    rows: Vec<Taken>,
    /// Rows of the table, of which those of some pages are added, and the page at hand; `None`: all rows are added.
    of_pages: Option<(u64, u64)>,
    /// Lengths of the columns of all rows that were taken, and of how many.
    lengths: Vec<f64>,
    measured: u64,
    seen: u64,
    fraction: f64,
    most: usize,
}

/// A number for a number, as good as random.
fn scattered(n: u64) -> f64 {
    let mut x = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

impl Collector {
    /// For columns of these types, taking this fraction of the rows.
    pub fn new(types: Vec<SqlType>, fraction: f64) -> Self {
        let lengths = vec![0.0; types.len()];
        let most = MOST_VALUES / types.len().clamp(1, MAX_COLUMNS);
        Collector { types, rows: Vec::new(), of_pages: None, lengths, measured: 0, seen: 0, fraction, most }
    }

    /// For rows of some pages of a table of so many rows.
    pub fn of_some_pages(types: Vec<SqlType>, rows: u64) -> Self {
        Collector { of_pages: Some((rows, 0)), ..Self::new(types, 1.0) }
    }

    /// What is added from here on lies on another page.
    pub fn next_page(&mut self) {
        if let Some((_, page)) = &mut self.of_pages {
            *page += 1;
        }
    }

    /// Takes a row, or passes it over.
    pub fn add(&mut self, row: Vec<Value>) {
        self.seen += 1;
        let place = scattered(self.seen);
        if self.fraction < 1.0 && place >= self.fraction {
            return;
        }
        let page = self.of_pages.map_or(self.seen, |(_, page)| page);
        let mut row = row;
        row.truncate(self.types.len().min(MAX_COLUMNS));
        for ((value, ty), sum) in row.iter_mut().zip(&self.types).zip(&mut self.lengths) {
            *sum += length(ty, value);
            shorten(ty, value);
        }
        self.measured += 1;
        self.rows.push(Taken { values: row, place, page });
        if self.rows.len() >= self.most {
            self.let_go();
        }
    }

    /// Keeps half of the rows.
    fn let_go(&mut self) {
        self.fraction /= 2.0;
        self.rows.retain(|r| r.place < self.fraction);
    }

    /// Rows of the table, as far as they were added.
    pub fn seen(&self) -> u64 {
        self.of_pages.map_or(self.seen, |(rows, _)| rows.max(self.seen))
    }

    /// The statistics of the rows that were added, for a database of this version; `None` without rows. `unfiltered`: rows of
    /// the table, filter or not.
    pub fn finish(mut self, now: DateTime, unfiltered: u64, version: u16) -> SqlResult<Option<Statistics>> {
        let taken = self.rows.len();
        let Some(first) = self.types.first().copied().filter(|_| taken > 0) else { return Ok(None) };
        let types = std::mem::take(&mut self.types);
        // Rows of an index come sorted already, which costs no more than looking at them.
        self.rows.sort_by(|a, b| in_order(&types, &a.values, &b.values));
        let scale = self.seen() as f64 / taken as f64;
        let densities = self.densities(&types, scale);
        let nulls = self.rows.iter().take_while(|r| r.values[0].is_null()).count();
        let groups = groups(&first, &self.rows[nulls..]);
        let room = MAX_STEPS - usize::from(nulls > 0);
        let steps = choose(&groups, taken - nulls, room);
        let (steps, range) = self.steps(&first, &groups, &steps, scale)?;
        let lengths: Vec<f32> =
            self.lengths.iter().map(|sum| (sum / self.measured.max(1) as f64) as f32).collect();
        Ok(Some(Statistics {
            form: FORM,
            updated: (now.ticks, now.days),
            rows: self.seen(),
            rows_sampled: taken as u64,
            range_density: if range.0 > 0.0 { (range.1 / range.0) as f32 } else { 0.0 },
            densities,
            key_size: fixed_size(&first).and_then(|n| u16::try_from(n).ok()).unwrap_or(0),
            average_key_length: lengths.iter().sum(),
            counted: taken as f32,
            null_rows: (nulls as f64 * scale) as f32,
            lengths,
            steps: (!steps.is_empty()).then_some(steps),
            strings: None,
            history: None,
            unfiltered_rows: (version >= FIRST_WITH_FILTER).then_some(unfiltered),
            sample_percent: (version >= FIRST_WITH_SAMPLE).then_some(0.0),
        }))
    }

    /// 1 / distinct values of each prefix.
    fn densities(&self, types: &[SqlType], scale: f64) -> Vec<f32> {
        let width = types.len().min(MAX_COLUMNS);
        let mut prefixes = vec![Spread::default(); width];
        let mut previous: Option<&Taken> = None;
        for row in &self.rows {
            let differs = previous.map_or(0, |p| {
                let same = |&i: &usize| compare(&types[i], &p.values[i], &row.values[i]) != Ordering::Equal;
                (0..width).find(same).unwrap_or(width)
            });
            for (i, spread) in prefixes.iter_mut().enumerate() {
                spread.add(i >= differs, row.page);
            }
            previous = Some(row);
        }
        prefixes.into_iter().map(|spread| (1.0 / spread.values(scale)) as f32).collect()
    }

    /// The steps at these groups, and rows and distinct values between them.
    fn steps(
        &self,
        ty: &SqlType,
        groups: &[Group<'_>],
        at: &[usize],
        scale: f64,
    ) -> SqlResult<(Vec<Step>, (f64, f64))> {
        let mut out = Vec::with_capacity(at.len());
        let (mut from, mut all_rows, mut all_values) = (0, 0.0, 0.0);
        for &at in at {
            let between = groups.get(from..at).unwrap_or_default();
            let rows = between.iter().map(|g| g.rows).sum::<usize>() as f64;
            let mut spread = Spread::default();
            between.iter().for_each(|g| spread.join(g));
            let values = spread.values(scale).min(rows * scale);
            let mut key = stored(ty, groups[at].value)?.bytes.unwrap_or_default().into_vec();
            if let Some(size) = fixed_size(ty).and_then(|n| usize::try_from(n).ok()) {
                pad(ty.id, size, &mut key);
            }
            let range_rows = rows * scale;
            out.push(Step {
                equal_rows: (groups[at].rows as f64 * scale) as f32,
                range_rows: range_rows as f32,
                average_range_rows: if values > 0.0 { (range_rows / values) as f32 } else { 1.0 },
                key: Some(key),
            });
            all_rows += range_rows;
            all_values += values;
            from = at + 1;
        }
        Ok((out, (all_rows, all_values)))
    }
}

/// How values lie on the pages that were seen, told group after group of equal ones.
#[derive(Clone, Debug, Default)]
struct Spread {
    /// Values; those that lie on one page only; and values counted once a page.
    distinct: u64,
    single: u64,
    on_pages: u64,
    /// The page of the last row, and whether its value was on no other.
    page: u64,
    alone: bool,
}

impl Spread {
    /// `new`: the row's value is another than the last one's.
    fn add(&mut self, new: bool, page: u64) {
        if new {
            self.single += u64::from(self.alone);
            self.distinct += 1;
            self.alone = true;
        }
        if new || page != self.page {
            self.on_pages += 1;
            self.alone &= new;
        }
        self.page = page;
    }

    fn join(&mut self, group: &Group<'_>) {
        self.single += u64::from(group.on_pages == 1);
        self.distinct += 1;
        self.on_pages += group.on_pages;
    }

    /// Values among all rows, when a page was seen with the probability 1 / `scale`.
    fn values(&self, scale: f64) -> f64 {
        let single = (self.single + u64::from(self.alone)) as f64;
        estimated(self.distinct as f64, single, self.on_pages as f64, scale)
    }
}

/// Equal values of the first column.
struct Group<'r> {
    value: &'r Value,
    rows: usize,
    on_pages: u64,
    page: u64,
}

fn groups<'r>(ty: &SqlType, rows: &'r [Taken]) -> Vec<Group<'r>> {
    let mut out: Vec<Group<'r>> = Vec::new();
    for row in rows {
        match out.last_mut() {
            Some(last) if compare(ty, last.value, &row.values[0]) == Ordering::Equal => {
                last.rows += 1;
                last.on_pages += u64::from(last.page != row.page);
                last.page = row.page;
            }
            _ => out.push(Group { value: &row.values[0], rows: 1, on_pages: 1, page: row.page }),
        }
    }
    out
}

/// Which groups become steps (invariant 1), in order.
fn choose(groups: &[Group<'_>], rows: usize, room: usize) -> Vec<usize> {
    if groups.len() <= room {
        return (0..groups.len()).collect();
    }
    let frequent = rows / (room / 2).max(1) + 1;
    let own = groups.iter().filter(|g| g.rows >= frequent).count();
    let light: usize = groups.iter().map(|g| g.rows).filter(|n| *n < frequent).sum();
    let share = light / room.saturating_sub(own + 2).max(1) + 1;
    let (mut out, mut gathered) = (Vec::with_capacity(room), 0);
    for (i, group) in groups.iter().enumerate() {
        gathered += group.rows;
        if i == 0 || i + 1 == groups.len() || group.rows >= frequent || gathered >= share {
            out.push(i);
            gathered = 0;
        }
    }
    out
}

/// Distinct values among all, when a sample of `units` has `distinct`, `single` of them once (the estimator that databases commonly
/// use: exact for a full scan, and for columns where every value is its own).
fn estimated(distinct: f64, single: f64, units: f64, scale: f64) -> f64 {
    if scale <= 1.0 || units <= 0.0 {
        return distinct;
    }
    let fraction = 1.0 / scale;
    (distinct / (1.0 - (1.0 - fraction) * single / units)).clamp(distinct, units * scale)
}

fn in_order(types: &[SqlType], a: &[Value], b: &[Value]) -> Ordering {
    let parts = types.iter().zip(a.iter().zip(b));
    parts.map(|(ty, (a, b))| compare(ty, a, b)).find(|o| *o != Ordering::Equal).unwrap_or(Ordering::Equal)
}

/// Bytes of a value; of characters outside of Unicode one each.
fn length(ty: &SqlType, value: &Value) -> f64 {
    match (fixed_size(ty), value) {
        (_, Value::Null) => 0.0,
        (Some(size), _) => f64::from(size),
        (None, Value::String(s)) => (s.len() * if ty.id.is_unicode() { 2 } else { 1 }) as f64,
        (None, Value::Binary(b)) => b.len() as f64,
        (None, _) => 0.0,
    }
}

/// The part of a long value that the histogram has.
fn shorten(ty: &SqlType, value: &mut Value) {
    if !crate::ddl::layout::is_large(ty) {
        return;
    }
    match value {
        Value::String(s) if s.len() > LONGEST_KEY => {
            *value = Value::String(SqlString::new(&s.units()[..LONGEST_KEY]));
        }
        Value::Binary(b) if b.len() > LONGEST_KEY => *value = Value::Binary(b[..LONGEST_KEY].into()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_types::Value::{Int, Null};

    fn made(rows: impl IntoIterator<Item = Value>, fraction: f64) -> Statistics {
        let mut collector = Collector::new(vec![SqlType::INT], fraction);
        rows.into_iter().for_each(|v| collector.add(vec![v]));
        let seen = collector.seen();
        collector.finish(DateTime::default(), seen, 904).expect("statistics").expect("rows")
    }

    fn keys(s: &Statistics) -> Vec<(i32, f32, f32, f32)> {
        let step = |s: &Step| {
            let key = s.key.as_deref().and_then(|k| k.try_into().ok()).map_or(-1, i32::from_le_bytes);
            (key, s.range_rows, s.equal_rows, s.average_range_rows)
        };
        s.steps.iter().flatten().map(step).collect()
    }

    fn total(s: &Statistics) -> f32 {
        s.null_rows + keys(s).iter().map(|k| k.1 + k.2).sum::<f32>()
    }

    #[test]
    fn few_values_have_a_step_each_and_null_is_apart() {
        let s = made([Int(3), Null, Int(1), Int(3), Int(3), Null], 1.0);
        assert_eq!(keys(&s), [(1, 0.0, 1.0, 1.0), (3, 0.0, 3.0, 1.0)]);
        assert!(keys(&s).iter().all(|k| k.1.is_sign_positive()));
        assert_eq!((s.rows, s.null_rows, s.range_density), (6, 2.0, 0.0));
        assert_eq!(s.densities, [1.0 / 3.0]);
        assert_eq!(Statistics::parse(&s.build()).as_ref(), Some(&s));
    }

    #[test]
    fn many_values_have_at_most_200_steps_and_the_frequent_one_its_own() {
        let rows = (0..5_000).map(|i| Int(if i % 2 == 0 { 777 } else { i }));
        let s = made(rows.chain([Null]), 1.0);
        let keys = keys(&s);
        assert!(keys.len() < MAX_STEPS && keys.len() > 50, "{}", keys.len());
        assert_eq!((keys[0].0, keys.last().expect("steps").0), (1, 4_999));
        assert_eq!(keys.iter().find(|k| k.0 == 777).expect("a step").2, 2_501.0);
        assert_eq!(total(&s), 5_001.0);
        assert_eq!(s.densities, [1.0 / 2_501.0]);
    }

    #[test]
    fn a_sample_is_scaled_to_the_whole() {
        let s = made((0..100_000).map(|i| Int(i / 10)), 0.25);
        assert!((s.rows_sampled as f64 - 25_000.0).abs() < 500.0, "{}", s.rows_sampled);
        assert_eq!(s.rows, 100_000);
        assert!((total(&s) - 100_000.0).abs() < 50.0, "{}", total(&s));
        let distinct = 1.0 / s.densities[0];
        assert!((8_000.0..12_000.0).contains(&distinct), "{distinct}");
        let unique = made((0..100_000).map(Int), 0.25);
        assert!((1.0 / unique.densities[0] - 100_000.0).abs() < 1_000.0);
    }

    /// Rows of every tenth page of a table with 50 rows on each.
    fn of_pages(row: impl Fn(i32) -> i32) -> Statistics {
        let mut c = Collector::of_some_pages(vec![SqlType::INT], 100_000);
        for page in (0..2_000).step_by(10) {
            c.next_page();
            (page * 50..page * 50 + 50).for_each(|n| c.add(vec![Int(row(n))]));
        }
        let seen = c.seen();
        c.finish(DateTime::default(), seen, 904).expect("statistics").expect("rows")
    }

    #[test]
    fn pages_tell_how_many_values_lie_together() {
        // Ten equal values beside each other; all different; few values everywhere.
        for (made, values) in [
            (of_pages(|n| n / 10), 10_000.0),
            (of_pages(|n| n), 100_000.0),
            (of_pages(|n| n % 7), 7.0),
            (of_pages(|n| n / 1_000), 100.0),
        ] {
            assert_eq!((made.rows, made.rows_sampled), (100_000, 10_000));
            let found = f64::from(1.0 / made.densities[0]);
            assert!((found / values - 1.0).abs() < 0.05, "{found} for {values}");
            assert!((total(&made) - 100_000.0).abs() < 100.0, "{}", total(&made));
        }
    }

    #[test]
    fn more_rows_than_are_held_are_a_sample() {
        let mut c = Collector::new(vec![SqlType::INT], 1.0);
        c.most = 10_000;
        for n in 0..100_000 {
            c.add(vec![Int(n % 1_000)]);
        }
        let s = c.finish(DateTime::default(), 100_000, 706).expect("statistics").expect("rows");
        assert_eq!(s.rows, 100_000);
        assert!((4_000..10_000).contains(&s.rows_sampled), "{}", s.rows_sampled);
        assert!((1.0 / s.densities[0] - 1_000.0).abs() < 50.0, "{}", s.densities[0]);
        let all: f64 =
            s.steps.iter().flatten().map(|s| f64::from(s.equal_rows) + f64::from(s.range_rows)).sum();
        assert!((all - 100_000.0).abs() < 100.0, "{all}");
    }

    #[test]
    fn prefixes_have_their_densities() {
        let mut c = Collector::new(vec![SqlType::INT, SqlType::INT], 1.0);
        for (a, b) in [(2, 1), (1, 1), (1, 2), (2, 1)] {
            c.add(vec![Int(a), Int(b)]);
        }
        let s = c.finish(DateTime::default(), 4, 706).expect("statistics").expect("rows");
        assert_eq!(s.densities, [0.5, 1.0 / 3.0]);
        assert_eq!((s.lengths.as_slice(), s.average_key_length), (&[4.0, 4.0][..], 8.0));
        assert!(s.sample_percent.is_none() && s.unfiltered_rows == Some(4));
    }
}
