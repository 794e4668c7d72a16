//! `collation-table <sort table file> <output>`: writes the compact table of sort weights that `holdfast-types` includes.
//!
//! Input: four offsets (sort keys, case maps, character types, sort ids); at the first, one 32-bit weight per unit
//! (alphanumeric weight, script, diacritic weight, case weight); at the fourth, version, count and list of sort ids of 36
//! bytes (GUID, flags, compression table, exception table, two more), expansions, compression tables.
//!
//! Output, all little-endian, numbers as 7-bit groups: runs of the default weights (length, start, step); expansions
//! (pairs of units); then per locale table: id, flags, exceptions (gap, length, top byte, three lower bytes each), contractions
//! (length, units, weight). Tables of more than 5,000 exceptions are East Asian; only those of [`EAST_ASIAN`] are kept.
//!
//! The input is not kept in the project; docs/decisions/0010-sort-weights.md says where it came from.

use anyhow::{Context, ensure};

/// Japanese, Korean, Chinese by pinyin, by stroke, by bopomofo.
const EAST_ASIAN: &[u8] = &[0x38, 0x39, 0x3A, 0x46, 0x47];

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn u16(&self, at: usize) -> anyhow::Result<u16> {
        let b = self.0.get(at..at + 2).context("the file is too short")?;
        Ok(u16::from_le_bytes([b[0], b[1]]))
    }

    fn u32(&self, at: usize) -> anyhow::Result<u32> {
        Ok(u32::from(self.u16(at)?) | u32::from(self.u16(at + 2)?) << 16)
    }
}

fn number(out: &mut Vec<u8>, mut n: u32) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [input, output] = arguments else { anyhow::bail!("usage: collation-table FILE OUTPUT") };
    let data = std::fs::read(input).with_context(|| input.clone())?;
    let d = Input(&data);
    let keys = d.u32(0)? as usize;
    let ids = d.u32(12)? as usize;
    let weight = |at: usize| d.u32(keys + 4 * at);
    let mut out = Vec::new();

    let default: Vec<u32> = (0..0x1_0000).map(weight).collect::<Result<_, _>>()?;
    let mut runs: Vec<(u32, u32, i32)> = Vec::new();
    let mut at = 0;
    while at < default.len() {
        let step = default.get(at + 1).map_or(0, |n| n.wrapping_sub(default[at]) as i32);
        let mut end = at + 1;
        while end < default.len() && default[end].wrapping_sub(default[end - 1]) as i32 == step {
            end += 1;
        }
        runs.push(((end - at) as u32, default[at], step));
        at = end;
    }
    number(&mut out, runs.len() as u32);
    for (length, start, step) in &runs {
        number(&mut out, *length);
        out.extend_from_slice(&start.to_le_bytes());
        number(&mut out, (step << 1 ^ step >> 31) as u32);
    }

    let count = d.u32(ids + 4)? as usize;
    let expansions = ids + 8 + 36 * count;
    let expansion_count = d.u32(expansions)? as usize;
    number(&mut out, expansion_count as u32);
    out.extend_from_slice(&data[expansions + 4..expansions + 4 + 4 * expansion_count]);
    let compressions = expansions + 4 + 4 * expansion_count;
    let compression_count = d.u32(compressions)? as usize;
    let units_start = compressions + 4 + 24 * compression_count;

    let mut tables = Vec::new();
    for id in 1..=count {
        let row = ids + 8 + 36 * (id - 1);
        let (flags, compression) = (d.u32(row + 16)?, d.u32(row + 20)?);
        // Turkic languages have a second table in which i and dotless i are letters of their own.
        let exception = match d.u32(row + 28)? {
            0 => d.u32(row + 24)? as usize,
            linguistic => linguistic as usize,
        };
        let mut exceptions: Vec<(u16, u32)> = Vec::new();
        if exception != 0 {
            for unit in 0..0x1_0000usize {
                let w = weight(weight(exception + (unit >> 8))? as usize + (unit & 0xFF))?;
                if w != default[unit] {
                    exceptions.push((unit as u16, w));
                }
            }
        }
        if exceptions.len() > 5000 && !EAST_ASIAN.contains(&(id as u8)) {
            continue;
        }
        let mut table = vec![id as u8, flags as u8];
        let mut segments: Vec<(u8, Vec<(u16, u32)>)> = Vec::new();
        for (unit, w) in exceptions {
            match segments.last_mut() {
                Some((half, s)) if *half == (w >> 24) as u8 && s.last().is_some_and(|l| l.0 + 1 == unit) => {
                    s.push((unit, w));
                }
                _ => segments.push(((w >> 24) as u8, vec![(unit, w)])),
            }
        }
        number(&mut table, segments.len() as u32);
        let mut next = 0;
        for (half, segment) in &segments {
            number(&mut table, u32::from(segment[0].0) - next);
            number(&mut table, segment.len() as u32);
            table.push(*half);
            segment.iter().for_each(|s| table.extend_from_slice(&s.1.to_le_bytes()[..3]));
            next = u32::from(segment[0].0) + segment.len() as u32;
        }
        let mut contractions: Vec<(Vec<u16>, u32)> = Vec::new();
        if compression != u32::MAX {
            let row = compressions + 4 + 24 * compression as usize;
            let mut at = units_start + 2 * d.u32(row)? as usize;
            if d.u16(row + 4)? < 0xD800 {
                for length in 2..10usize {
                    for _ in 0..d.u16(row + 8 + 2 * (length - 2))? {
                        let units = (0..length).map(|i| d.u16(at + 2 * i)).collect::<Result<Vec<_>, _>>()?;
                        at += 2 * (length + length % 2);
                        contractions.push((units, d.u32(at)?));
                        at += 4;
                    }
                }
            }
        }
        number(&mut table, contractions.len() as u32);
        for (units, w) in &contractions {
            table.push(units.len() as u8);
            units.iter().for_each(|u| table.extend_from_slice(&u.to_le_bytes()));
            table.extend_from_slice(&w.to_le_bytes());
        }
        tables.push(table);
    }
    ensure!(tables.len() > 50, "only {} locale tables found", tables.len());
    number(&mut out, tables.len() as u32);
    for table in &tables {
        number(&mut out, table.len() as u32);
        out.extend_from_slice(table);
    }
    println!(
        "{} runs, {expansion_count} expansions, {} locale tables, {} bytes",
        runs.len(),
        tables.len(),
        out.len()
    );
    std::fs::write(output, out)?;
    Ok(())
}
