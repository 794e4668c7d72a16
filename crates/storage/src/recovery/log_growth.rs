//! How a log file grows: by its FILEGROWTH up to its MAXSIZE, cut into virtual log files as the server does it.
//!
//! | growth | VLFs |
//! |---|---|
//! | below 1/8 of the present size, since version 782 (2014) | 1 |
//! | up to 64 MiB, since version 957 (2022) | 1 |
//! | below 64 MiB | 4 |
//! | up to 1 GiB | 8 |
//! | above | 16 |
//!
//! Invariants
//! 1. No VLF is smaller than 248 KiB, the smallest that genuine files have; a growth is at least one such VLF.
//! 2. Nothing grows beyond the maximum size, nor when growth is off.
//!
//! Evidence: the rule is documented, not verified (docs/format/log.md); the smallest size is verified.

use holdfast_base::PAGE_SIZE;
use holdfast_format::file_header::FileHeader;

/// Smallest VLF: 248 KiB.
pub const SMALLEST_VLF: u64 = 0x3E000;
/// Status bit of a file whose growth is a percentage.
pub const PERCENT_GROWTH: u32 = 0x10_0000;
/// Largest log file: 2 TiB.
const LARGEST: u64 = 2 << 40;

/// By how much a log file grows at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Off,
    Bytes(u64),
    Percent(u32),
}

/// FILEGROWTH and MAXSIZE of a log file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogGrowth {
    pub step: Step,
    /// Bytes that the file never exceeds.
    pub limit: u64,
}

impl Default for LogGrowth {
    /// What a new log file has: 10 percent, without a limit.
    fn default() -> Self {
        LogGrowth { step: Step::Percent(10), limit: LARGEST }
    }
}

impl LogGrowth {
    /// From FILEGROWTH and MAXSIZE as the catalogue has them: pages (or percent), pages (−1: no limit).
    pub fn of_settings(growth: u32, percent: bool, max_size: i32) -> Self {
        let step = match growth {
            0 => Step::Off,
            n if percent => Step::Percent(n),
            n => Step::Bytes(u64::from(n) * PAGE_SIZE as u64),
        };
        let limit = match max_size {
            m if m <= 0 => LARGEST,
            m => (u64::from(m.unsigned_abs()) * PAGE_SIZE as u64).min(LARGEST),
        };
        LogGrowth { step, limit }
    }

    /// From page 0 of the log file, which is all that recovery has. Its bit for percentages is set in every genuine log file
    /// seen, also beside sizes that cannot be percentages.
    pub fn of_header(header: &FileHeader) -> Self {
        let percent = header.status & PERCENT_GROWTH != 0 && header.growth <= 100;
        Self::of_settings(header.growth, percent, header.max_size)
    }

    /// Sizes of the VLFs that a file of `size` bytes gets next, in a database of this version, so that one of them is at least
    /// `least`; why there are none otherwise.
    pub fn next(&self, version: u16, size: u64, least: u64) -> Result<Vec<u64>, &'static str> {
        let step = match self.step {
            Step::Off => return Err("autogrowth is off"),
            Step::Bytes(n) => n,
            Step::Percent(p) => size / 100 * u64::from(p),
        };
        let wanted = step.max(SMALLEST_VLF).max(least).next_multiple_of(PAGE_SIZE as u64);
        let growth = wanted.min(self.limit.saturating_sub(size)) / PAGE_SIZE as u64 * PAGE_SIZE as u64;
        if growth < SMALLEST_VLF.max(least) {
            return Err("the file has its maximum size");
        }
        const MIB: u64 = 1 << 20;
        let count = match growth {
            g if version >= 782 && g < size / 8 => 1,
            g if version >= 957 && g <= 64 * MIB => 1,
            g if g < 64 * MIB => 4,
            g if g <= 1024 * MIB => 8,
            _ => 16,
        };
        let count = count.min(growth / SMALLEST_VLF.max(least)).max(1);
        let each = growth / count / PAGE_SIZE as u64 * PAGE_SIZE as u64;
        let mut sizes = vec![each; usize::try_from(count).unwrap_or(1)];
        if let Some(last) = sizes.last_mut() {
            *last += growth - each * count;
        }
        Ok(sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growth_is_cut_as_documented_and_stays_below_the_limit() {
        const MIB: u64 = 1 << 20;
        let by = |bytes: u64| LogGrowth { step: Step::Bytes(bytes), limit: LARGEST };
        let count = |g: LogGrowth, version, size| g.next(version, size, 0).expect("grows").len();
        assert_eq!(count(by(32 * MIB), 706, 8 * MIB), 4);
        assert_eq!(count(by(64 * MIB), 706, 8 * MIB), 8);
        assert_eq!(count(by(1025 * MIB), 706, 8 * MIB), 16);
        assert_eq!(count(by(32 * MIB), 782, 1024 * MIB), 1);
        assert_eq!(count(by(32 * MIB), 706, 1024 * MIB), 4);
        assert_eq!(count(by(64 * MIB), 957, 8 * MIB), 1);
        // 10 percent of half a megabyte is less than the smallest VLF.
        assert_eq!(LogGrowth::default().next(706, 504 << 10, 0), Ok(vec![SMALLEST_VLF]));
        let sizes = by(10 * MIB).next(706, MIB, 0).expect("grows");
        assert_eq!(sizes.iter().sum::<u64>(), 10 * MIB);
        let most = LogGrowth::of_settings(1280, false, 256);
        assert_eq!(most.next(706, MIB, 0).expect("grows").iter().sum::<u64>(), MIB);
        assert!(most.next(706, 2 * MIB, 0).is_err());
        assert!(LogGrowth::of_settings(0, false, -1).next(706, MIB, 0).is_err());
    }
}
