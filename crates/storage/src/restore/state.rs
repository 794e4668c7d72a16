//! What is known of a database between restores, in a small file beside its data.
//!
//! The file is written before the first data file is touched and removed after the last sync: while it is there, the
//! database must not be opened.
//!
//! Invariants
//! 1. The file is replaced atomically.
//! 2. A phase of [`Phase::Placing`] means that pages of a set may be missing: what helps then is a full backup or, when the set
//!    was a differential, one of the same base that reaches as far or further ([`RestoreState::tried`]): it holds every extent
//!    that the first may have written over.
//! 3. What the log of the steps so far says of counts is carried from step to step: the catalogue of a genuine database has
//!    them as of its last checkpoint.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use holdfast_backup::chain::Progress;
use holdfast_base::{FileId, Lsn, PageId};
use holdfast_disk::{Disk, DiskError};
use holdfast_format::log::{LogTime, TransactionId};

use crate::recovery::OpenTransaction;
use crate::recovery::counts::CountChanges;

/// How far a restore has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Pages or log of a set are being written.
    Placing,
    /// The sets given so far are rolled forward; more may follow.
    Restoring,
    /// Rolling back has begun: only recovery may go on.
    Recovering,
}

/// A file of the database being restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredFile {
    pub file_id: FileId,
    pub is_log: bool,
    pub path: PathBuf,
    pub logical_name: String,
    /// Pages; -1 unlimited.
    pub max_size: i32,
    /// Pages, or percent.
    pub growth: u32,
    /// Sector size of the source disk: 512 or 4096.
    pub sector_size: u32,
}

/// State of a database that is being restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreState {
    pub phase: Phase,
    pub database: String,
    /// Internal version of the database.
    pub version: u16,
    pub progress: Progress,
    /// Where rolling forward goes on.
    pub reached: Lsn,
    pub last_checkpoint: Lsn,
    pub highest: TransactionId,
    pub open: Vec<OpenTransaction>,
    /// Time of the latest commit that was rolled forward.
    pub committed: LogTime,
    pub files: Vec<RestoredFile>,
    /// How far a differential reaches that is being placed, or that was when the restore stopped; `progress` is that of before.
    pub tried: Option<Lsn>,
    /// The record at which a stop point ended rolling forward: recovery cuts the log before it.
    pub cut: Option<Lsn>,
    /// Counts that the catalogue does not have (without ghosts, see [`CountChanges::records`]).
    pub counts: CountChanges,
}

const MAGIC: &str = "holdfast-restore 1";

fn hex(b: &[u8]) -> String {
    b.iter().fold(String::new(), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut out = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (i, b) in out.iter_mut().enumerate() {
        *b = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(out)
}

fn lsn_text(lsn: Lsn) -> String {
    lsn.to_decimal().to_string()
}

fn lsn_from(text: &str) -> Option<Lsn> {
    Lsn::from_decimal(text.parse().ok()?)
}

impl RestoreState {
    /// The state as text, one `key value` a line; names and paths as hexadecimal UTF-8.
    pub fn to_text(&self) -> String {
        let mut s = format!("{MAGIC}\n");
        let phase = match self.phase {
            Phase::Placing => "placing",
            Phase::Restoring => "restoring",
            Phase::Recovering => "recovering",
        };
        let p = &self.progress;
        let _ = writeln!(s, "phase {phase}");
        let _ = writeln!(s, "database {}", hex(self.database.as_bytes()));
        let _ = writeln!(s, "version {}", self.version);
        let _ = writeln!(s, "base {} {}", hex(&p.base), u8::from(p.base_is_copy_only));
        let _ = writeln!(s, "lsn {}", lsn_text(p.lsn));
        let _ = writeln!(s, "family {}", hex(&p.family));
        let _ = writeln!(s, "fork {}", hex(&p.fork));
        let _ = writeln!(s, "reached {}", lsn_text(self.reached));
        let _ = writeln!(s, "checkpoint {}", lsn_text(self.last_checkpoint));
        let _ = writeln!(s, "highest {}", self.highest.0);
        let _ = writeln!(s, "committed {} {}", self.committed.days, self.committed.ticks);
        for t in &self.open {
            let _ = writeln!(
                s,
                "open {} {} {} {}",
                t.id.0,
                lsn_text(t.begin),
                lsn_text(t.last),
                u8::from(t.system)
            );
        }
        for f in &self.files {
            let path = hex(f.path.to_string_lossy().as_bytes());
            let name = hex(f.logical_name.as_bytes());
            let (id, log) = (f.file_id, u8::from(f.is_log));
            let _ =
                writeln!(s, "file {id} {log} {path} {name} {} {} {}", f.max_size, f.growth, f.sector_size);
        }
        if let Some(tried) = self.tried {
            let _ = writeln!(s, "tried {}", lsn_text(tried));
        }
        if let Some(cut) = self.cut {
            let _ = writeln!(s, "cut {}", lsn_text(cut));
        }
        for (rowset, by) in &self.counts.rows {
            let _ = writeln!(s, "rows {rowset} {by}");
        }
        for unit in &self.counts.units {
            let _ = writeln!(s, "unit {unit}");
        }
        for (unit, page) in &self.counts.leftovers {
            let _ = writeln!(s, "leftover {unit} {} {}", page.file, page.page);
        }
        s.push_str("end\n");
        s
    }

    /// Inverse of [`RestoreState::to_text`]; `None` when the text is not whole.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != MAGIC {
            return None;
        }
        let text_of = |h: &str| -> Option<String> {
            let bytes: Option<Vec<u8>> = h
                .as_bytes()
                .chunks(2)
                .map(|c| u8::from_str_radix(std::str::from_utf8(c).ok()?, 16).ok())
                .collect();
            String::from_utf8(bytes?).ok()
        };
        let mut state = RestoreState {
            phase: Phase::Placing,
            database: String::new(),
            version: 0,
            progress: Progress {
                base: [0; 16],
                base_is_copy_only: false,
                lsn: Lsn::ZERO,
                family: [0; 16],
                fork: [0; 16],
            },
            reached: Lsn::ZERO,
            last_checkpoint: Lsn::ZERO,
            highest: TransactionId::NONE,
            open: Vec::new(),
            committed: LogTime::default(),
            files: Vec::new(),
            tried: None,
            cut: None,
            counts: CountChanges::default(),
        };
        let mut whole = false;
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["phase", "placing"] => state.phase = Phase::Placing,
                ["phase", "restoring"] => state.phase = Phase::Restoring,
                ["phase", "recovering"] => state.phase = Phase::Recovering,
                ["database", name] => state.database = text_of(name)?,
                ["version", v] => state.version = v.parse().ok()?,
                ["base", guid, copy] => {
                    state.progress.base = unhex(guid)?;
                    state.progress.base_is_copy_only = *copy == "1";
                }
                ["lsn", l] => state.progress.lsn = lsn_from(l)?,
                ["family", g] => state.progress.family = unhex(g)?,
                ["fork", g] => state.progress.fork = unhex(g)?,
                ["reached", l] => state.reached = lsn_from(l)?,
                ["checkpoint", l] => state.last_checkpoint = lsn_from(l)?,
                ["committed", days, ticks] => {
                    state.committed = LogTime { days: days.parse().ok()?, ticks: ticks.parse().ok()? };
                }
                ["highest", n] => state.highest = TransactionId(n.parse().ok()?),
                ["open", id, begin, last, system] => state.open.push(OpenTransaction {
                    id: TransactionId(id.parse().ok()?),
                    begin: lsn_from(begin)?,
                    last: lsn_from(last)?,
                    system: *system == "1",
                }),
                ["file", id, is_log, path, name, max_size, growth, sector] => {
                    state.files.push(RestoredFile {
                        file_id: id.parse().ok()?,
                        is_log: *is_log == "1",
                        path: PathBuf::from(text_of(path)?),
                        logical_name: text_of(name)?,
                        max_size: max_size.parse().ok()?,
                        growth: growth.parse().ok()?,
                        sector_size: sector.parse().ok()?,
                    })
                }
                ["tried", l] => state.tried = Some(lsn_from(l)?),
                ["cut", l] => state.cut = Some(lsn_from(l)?),
                ["rows", rowset, by] => {
                    state.counts.rows.insert(rowset.parse().ok()?, by.parse().ok()?);
                }
                ["unit", unit] => {
                    state.counts.units.insert(unit.parse().ok()?);
                }
                ["leftover", unit, file, page] => {
                    let page = PageId::new(file.parse().ok()?, page.parse().ok()?);
                    state.counts.leftovers.insert((unit.parse().ok()?, page));
                }
                ["end"] => whole = true,
                _ => return None,
            }
        }
        whole.then_some(state)
    }

    pub fn save(&self, disk: &dyn Disk, path: &Path) -> Result<(), DiskError> {
        disk.replace_file(path, self.to_text().as_bytes())
    }

    /// The state at `path`; `Ok(None)` when there is none, an unreadable one gives `Ok(Some(None))`.
    pub fn load(disk: &dyn Disk, path: &Path) -> Result<Option<Option<Self>>, DiskError> {
        if !disk.exists(path) {
            return Ok(None);
        }
        let bytes = disk.read_file(path)?;
        Ok(Some(std::str::from_utf8(&bytes).ok().and_then(Self::from_text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_survives_as_text() {
        let state = RestoreState {
            phase: Phase::Restoring,
            database: "Ümläut db".into(),
            version: 852,
            progress: Progress {
                base: [7; 16],
                base_is_copy_only: true,
                lsn: Lsn::new(33, 400, 1),
                family: [8; 16],
                fork: [9; 16],
            },
            reached: Lsn::new(33, 400, 1),
            last_checkpoint: Lsn::new(33, 16, 1),
            highest: TransactionId(777),
            open: vec![OpenTransaction {
                id: TransactionId(5),
                begin: Lsn::new(33, 18, 2),
                last: Lsn::new(33, 19, 1),
                system: false,
            }],
            committed: LogTime { days: 42_871, ticks: 12_345 },
            files: vec![RestoredFile {
                file_id: 1,
                is_log: false,
                path: "/d/a b.mdf".into(),
                logical_name: "a b".into(),
                max_size: -1,
                growth: 10,
                sector_size: 4096,
            }],
            tried: Some(Lsn::new(34, 8, 1)),
            cut: Some(Lsn::new(34, 9, 2)),
            counts: CountChanges {
                rows: [(72_057_594_000_000_000, -3), (7, 12)].into(),
                units: [5, 1 << 63].into(),
                leftovers: [(5, PageId::new(1, 300))].into(),
                ..CountChanges::default()
            },
        };
        let text = state.to_text();
        assert_eq!(RestoreState::from_text(&text), Some(state));
        for cut in 0..text.len() - 1 {
            assert_eq!(RestoreState::from_text(&text[..cut]), None, "{cut}");
        }
    }
}
