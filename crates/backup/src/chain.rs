//! Which backup set can be applied to which state: full, then differential, then logs.
//!
//! Rules
//! 1. A differential applies to exactly the full backup whose set GUID it names as its base.
//! 2. A log L applies to a database rolled to R iff `L.first ≤ R < L.last`; ending exactly at R adds nothing and counts
//!    as too early; an empty log (`first = last = R`) applies and changes nothing.
//! 3. Family GUID must agree; the recovery fork must, unless the set crosses the fork point.
//!
//! Evidence: documented rules; every chain of the corpus fits them (test).

use holdfast_base::Lsn;
use thiserror::Error;

use crate::config::{BackupKind, SetInfo};
use crate::set::BackupSet;

/// How far a database being restored has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Backup set GUID of the full backup at the bottom.
    pub base: [u8; 16],
    /// A copy-only full backup: is no base for differentials.
    pub base_is_copy_only: bool,
    /// The first LSN not yet contained.
    pub lsn: Lsn,
    pub family: [u8; 16],
    pub fork: [u8; 16],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChainError {
    #[error("nothing is restored yet; a full backup must come first")]
    NoBase,
    #[error("the set is of another database")]
    OtherDatabase,
    #[error("the differential's base is another full backup")]
    OtherBase { base: [u8; 16] },
    #[error("the log begins at {first}, which is too recent; a log containing {needed} comes first")]
    TooRecent { first: Lsn, needed: Lsn },
    #[error("the log ends at {last}, which is too early; a later log containing {needed} is needed")]
    TooEarly { last: Lsn, needed: Lsn },
    #[error("the set is of another recovery path")]
    OtherFork,
    #[error("backups of this kind cannot be applied: {0:?}")]
    Unsupported(BackupKind),
}

impl ChainError {
    /// SQL Server's message number.
    pub fn message_number(self) -> i32 {
        match self {
            ChainError::NoBase => 3117,
            ChainError::OtherDatabase => 3154,
            ChainError::OtherBase { .. } => 3136,
            ChainError::TooRecent { .. } => 4305,
            ChainError::TooEarly { .. } => 4326,
            ChainError::OtherFork => 4330,
            ChainError::Unsupported(_) => 3032,
        }
    }
}

/// What a chain decision needs to know of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub guid: [u8; 16],
    pub kind: BackupKind,
    pub copy_only: bool,
    pub first: Lsn,
    pub last: Lsn,
    pub family: [u8; 16],
    pub fork: [u8; 16],
    pub previous_fork: [u8; 16],
    pub differential_base: [u8; 16],
}

impl Link {
    pub fn new(guid: [u8; 16], info: &SetInfo) -> Self {
        Link {
            guid,
            kind: info.kind,
            copy_only: info.has(crate::config::flags::COPY_ONLY),
            first: info.first_lsn,
            last: info.last_lsn,
            family: info.family,
            fork: info.fork.guid,
            previous_fork: info.previous_fork.guid,
            differential_base: info.differential_base,
        }
    }

    pub fn of(set: &BackupSet) -> Option<Self> {
        Some(Link::new(set.guid(), set.info()?))
    }
}

/// State after applying `link` to `now`, or why it does not fit.
pub fn apply(now: Option<&Progress>, link: &Link) -> Result<Progress, ChainError> {
    if link.kind == BackupKind::Full {
        return Ok(Progress {
            base: link.guid,
            base_is_copy_only: link.copy_only,
            lsn: link.last,
            family: link.family,
            fork: link.fork,
        });
    }
    let now = now.ok_or(ChainError::NoBase)?;
    if now.family != link.family {
        return Err(ChainError::OtherDatabase);
    }
    match link.kind {
        BackupKind::Differential => {
            if now.base != link.differential_base {
                return Err(ChainError::OtherBase { base: link.differential_base });
            }
            if link.last < now.lsn {
                return Err(ChainError::TooEarly { last: link.last, needed: now.lsn });
            }
        }
        BackupKind::Log => {
            if link.first > now.lsn {
                return Err(ChainError::TooRecent { first: link.first, needed: now.lsn });
            }
            let empty = link.first == link.last && link.last == now.lsn;
            if link.last <= now.lsn && !empty {
                return Err(ChainError::TooEarly { last: link.last, needed: now.lsn });
            }
            if link.fork != now.fork && link.previous_fork != now.fork {
                return Err(ChainError::OtherFork);
            }
        }
        kind => return Err(ChainError::Unsupported(kind)),
    }
    Ok(Progress { lsn: link.last, fork: link.fork, ..*now })
}

/// The longest way to restore from a bag of sets: a full backup (the newest that leads furthest), its best differential,
/// then logs. Gives indices into `links`.
pub fn best_sequence(links: &[Link]) -> Vec<usize> {
    let mut best: (Lsn, Vec<usize>) = (Lsn::ZERO, Vec::new());
    let fulls = (0..links.len()).filter(|&i| links[i].kind == BackupKind::Full);
    for full in fulls {
        let Ok(base) = apply(None, &links[full]) else { continue };
        let mut starts = vec![(base, vec![full])];
        for (i, link) in links.iter().enumerate().filter(|(_, l)| l.kind == BackupKind::Differential) {
            if let Ok(p) = apply(Some(&base), link) {
                starts.push((p, vec![full, i]));
            }
        }
        for (mut progress, mut steps) in starts {
            loop {
                let next =
                    links.iter().enumerate().filter(|(i, l)| l.kind == BackupKind::Log && !steps.contains(i));
                let candidate = next
                    .filter_map(|(i, l)| apply(Some(&progress), l).ok().map(|p| (i, p)))
                    .filter(|(_, p)| p.lsn > progress.lsn)
                    .max_by_key(|(_, p)| p.lsn);
                let Some((i, p)) = candidate else { break };
                progress = p;
                steps.push(i);
            }
            let better = progress.lsn > best.0 || progress.lsn == best.0 && steps.len() < best.1.len();
            if best.1.is_empty() || better {
                best = (progress.lsn, steps);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(kind: BackupKind, guid: u8, first: u32, last: u32, base: u8) -> Link {
        Link {
            guid: [guid; 16],
            kind,
            copy_only: false,
            first: Lsn::new(first, 0, 0),
            last: Lsn::new(last, 0, 0),
            family: [1; 16],
            fork: [1; 16],
            previous_fork: [0; 16],
            differential_base: [base; 16],
        }
    }

    #[test]
    fn order_is_enforced() {
        let full = link(BackupKind::Full, 1, 10, 12, 0);
        let diff = link(BackupKind::Differential, 2, 20, 22, 1);
        let log = link(BackupKind::Log, 3, 11, 25, 0);
        let late = link(BackupKind::Log, 4, 25, 30, 0);
        assert_eq!(apply(None, &diff), Err(ChainError::NoBase));
        let p = apply(None, &full).expect("full");
        assert_eq!(apply(Some(&p), &late).map_err(|e| e.message_number()), Err(4305));
        let p2 = apply(Some(&p), &diff).expect("diff");
        let p3 = apply(Some(&p2), &log).expect("log");
        assert_eq!(apply(Some(&p3), &log).map_err(|e| e.message_number()), Err(4326));
        let other = link(BackupKind::Differential, 9, 20, 22, 7);
        assert_eq!(apply(Some(&p), &other).map_err(|e| e.message_number()), Err(3136));
        assert_eq!(best_sequence(&[late, diff, other, log, full]), vec![4, 3, 0]);
    }
}
