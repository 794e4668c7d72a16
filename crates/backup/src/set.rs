//! Media sets and backup sets over any mix of files: which stripes belong together, what is missing, where the data is.
//!
//! Stripes: every member is a complete file with the same media set id and, per set, the same backup set GUID and the
//! same configuration; each carries a part of the extents. The log is in member 1 in all sets seen, but is taken from
//! whichever member has it.
//!
//! Invariants
//! 1. Members of a [`BackupSet`] are ordered by family sequence, each family once (mirrors count as the same family).
//! 2. A set whose families are not all present is still a value; [`BackupSet::require_complete`] refuses it.

use std::sync::Arc;

use crate::config::{Configuration, SetInfo};
use crate::data::BatchReader;
use crate::device::Device;
use crate::error::{BackupError, BackupResult};
use crate::media::{BulkStream, Media, SetMember, Vlf};

/// Files of one media set.
#[derive(Clone, Debug)]
pub struct MediaSet {
    pub id: [u8; 16],
    pub family_count: u16,
    /// Ordered by family sequence.
    pub media: Vec<Arc<Media>>,
}

impl MediaSet {
    /// Groups files by media set id, in order of first appearance. Nothing is refused here.
    pub fn group(media: impl IntoIterator<Item = Arc<Media>>) -> Vec<MediaSet> {
        let mut sets: Vec<MediaSet> = Vec::new();
        for m in media {
            // A file without a media set id (no RAID stream) stands alone.
            let found = sets.iter_mut().find(|s| s.id == m.label.media_set && s.id != [0; 16]);
            match found {
                Some(s) => {
                    s.family_count = s.family_count.max(m.label.family_count);
                    s.media.push(m);
                }
                None => sets.push(MediaSet {
                    id: m.label.media_set,
                    family_count: m.label.family_count,
                    media: vec![m],
                }),
            }
        }
        for s in &mut sets {
            s.media.sort_by_key(|m| m.label.family_sequence);
        }
        sets
    }

    /// The devices of one statement as one media set: all of the same set, no family twice.
    pub fn assemble(media: Vec<Arc<Media>>) -> BackupResult<MediaSet> {
        for (i, m) in media.iter().enumerate() {
            for before in &media[..i] {
                let (device, other) = (m.device.name().clone(), before.device.name().clone());
                if before.label.media_set != m.label.media_set {
                    return Err(BackupError::OtherMediaSet { device, other });
                }
                if before.label.family_sequence == m.label.family_sequence {
                    let family = m.label.family_sequence;
                    return Err(BackupError::SameFamily { device, other, family });
                }
            }
        }
        let missing = || BackupError::MissingFamilies { families: 1, provided: 0, missing: vec![1] };
        Self::group(media).into_iter().next().ok_or_else(missing)
    }

    /// Family sequence numbers that no file provides.
    pub fn missing_families(&self) -> Vec<u16> {
        (1..=self.family_count).filter(|n| self.media.iter().all(|m| m.label.family_sequence != *n)).collect()
    }

    /// Positions of the sets, ascending.
    pub fn positions(&self) -> Vec<u16> {
        let mut all: Vec<u16> =
            self.media.iter().flat_map(|m| m.sets.iter().map(|s| s.start.position)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The backup set at a position, from all members that hold it under the same backup set GUID.
    pub fn set(&self, position: u32) -> BackupResult<BackupSet> {
        let mut members: Vec<Member> = Vec::new();
        let mut guid = None;
        for m in &self.media {
            let Some(index) = m.sets.iter().position(|s| u32::from(s.start.position) == position) else {
                continue;
            };
            let this = m.sets[index].start.set_guid;
            if *guid.get_or_insert(this) != this {
                let other =
                    members.first().map_or_else(|| m.device.name(), |f| f.media.device.name()).clone();
                return Err(BackupError::OtherMediaSet { device: m.device.name().clone(), other });
            }
            if members.iter().all(|o| o.media.label.family_sequence != m.label.family_sequence) {
                members.push(Member { media: m.clone(), index });
            }
        }
        let device = || self.media.first().map_or_else(|| Arc::from(""), |m| m.device.name().clone());
        if members.is_empty() {
            return Err(BackupError::NoSuchSet { device: device(), position });
        }
        Ok(BackupSet { family_count: self.family_count, members })
    }

    pub fn sets(&self) -> Vec<BackupSet> {
        self.positions().into_iter().filter_map(|p| self.set(u32::from(p)).ok()).collect()
    }
}

#[derive(Clone, Debug)]
pub struct Member {
    pub media: Arc<Media>,
    index: usize,
}

impl Member {
    pub fn set(&self) -> &SetMember {
        &self.media.sets[self.index]
    }
}

/// One backup set over all its stripes.
#[derive(Clone, Debug)]
pub struct BackupSet {
    pub family_count: u16,
    members: Vec<Member>,
}

/// A bulk stream with the file it is in.
#[derive(Clone, Debug)]
pub struct Source {
    pub device: Device,
    pub stream: BulkStream,
}

impl Source {
    pub fn reader(&self) -> BatchReader {
        BatchReader::new(&self.device, self.stream)
    }
}

impl BackupSet {
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    fn first(&self) -> &Member {
        // Constructed with at least one member.
        &self.members[0]
    }

    /// SSET and volume, as the first member has them.
    pub fn head(&self) -> &SetMember {
        self.first().set()
    }

    pub fn media(&self) -> &Media {
        &self.first().media
    }

    pub fn guid(&self) -> [u8; 16] {
        self.head().start.set_guid
    }

    /// Final configuration if any member reached it, else the leading one.
    pub fn configuration(&self) -> Option<&Configuration> {
        let trailing = self.members.iter().find_map(|m| m.set().trailing.as_ref());
        trailing.or_else(|| self.members.iter().find_map(|m| m.set().leading.as_ref()))
    }

    pub fn info(&self) -> Option<&SetInfo> {
        self.configuration().map(|c| &c.set)
    }

    pub fn missing_families(&self) -> Vec<u16> {
        (1..=self.family_count)
            .filter(|n| self.members.iter().all(|m| m.media.label.family_sequence != *n))
            .collect()
    }

    /// All families are there and every member reached its end.
    pub fn require_complete(&self) -> BackupResult<&Configuration> {
        let missing = self.missing_families();
        if !missing.is_empty() {
            return Err(BackupError::MissingFamilies {
                families: self.family_count,
                provided: self.members.len() as u16,
                missing,
            });
        }
        for m in &self.members {
            if !m.set().complete || m.set().trailing.is_none() {
                return Err(m.media.problem.clone().unwrap_or_else(|| BackupError::Incomplete {
                    device: m.media.device.name().clone(),
                    position: m.set().start.position,
                }));
            }
        }
        self.configuration().ok_or_else(|| BackupError::Incomplete {
            device: self.media().device.name().clone(),
            position: self.head().start.position,
        })
    }

    /// Refuses a set whose database is encrypted (TDE): its structure is plain, its pages are not.
    ///
    /// # Errors
    /// [`BackupError::Encrypted`], or what reading the first extents says.
    pub fn require_plain(&self) -> BackupResult<()> {
        for source in self.pages(0) {
            let Some(batch) = source.reader().next_batch(Vec::new())? else { continue };
            let mut data = Vec::new();
            batch.unpack(&mut data)?;
            if data.chunks(crate::data::EXTENT).any(crate::encryption::is_enciphered) {
                let device = source.device.name().clone();
                let thumbprint = crate::encryption::find_thumbprint(&source.device)?;
                return Err(BackupError::Encrypted { device, thumbprint });
            }
        }
        Ok(())
    }

    /// Number of passes over the data; a later pass replaces what an earlier one placed.
    pub fn passes(&self) -> usize {
        self.members.iter().map(|m| m.set().pages.len()).max().unwrap_or(0)
    }

    /// The page data of one pass: one source per member that has it.
    pub fn pages(&self, pass: usize) -> Vec<Source> {
        self.members
            .iter()
            .filter_map(|m| {
                let stream = *m.set().pages.get(pass)?;
                Some(Source { device: m.media.device.clone(), stream })
            })
            .collect()
    }

    /// The VLFs of the log file with the log this set holds, in file order of the blocks (those with log first, in
    /// sequence). The source is `None` for a VLF without log.
    pub fn log(&self) -> Vec<(Vlf, Option<Source>)> {
        let first = &self.head().vlfs;
        first
            .iter()
            .enumerate()
            .map(|(i, vlf)| {
                let source = self.members.iter().find_map(|m| {
                    let other = m.set().vlfs.get(i).filter(|v| v.offset == vlf.offset)?;
                    Some(Source { device: m.media.device.clone(), stream: other.stream? })
                });
                (vlf.clone(), source)
            })
            .collect()
    }

    /// Uncompressed bytes of pages in all passes and members, fillers included: the measure for progress.
    pub fn page_bytes(&self) -> u64 {
        self.members.iter().flat_map(|m| &m.set().pages).map(|s| s.length).sum()
    }
}
