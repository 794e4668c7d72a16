//! A place where pages are written before they are written over: a page that a power failure tears in its file is whole
//! here. Without it a torn page would mean restoring the database again.
//!
//! ```text
//! 0     magic, u32 count, then per page: u32 page, u16 file, u16 0; up to 4096; the last 4 bytes of it: checksum
//! 4096  the pages
//! ```
//!
//! Invariants
//! 1. A page is written to its file only after the journal holding it is durable.
//! 2. The journal is emptied, durably, after the files are durable: what it holds is never older than the files.
//! 3. A journal whose checksum is wrong was cut while it was being written; then the files were not touched yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_disk::{DiskFile, DiskResult};
use holdfast_format::PageBytes;

const HEAD: usize = 4096;
const MAGIC: &[u8; 12] = b"HOLDFAST-PJ1";
/// Pages in one filling of the journal: 3.9 MiB.
pub const CAPACITY: usize = 500;

/// The journal file.
pub struct PageJournal {
    file: Arc<dyn DiskFile>,
}

/// FNV-1a over 8-byte words, folded; guards against torn writes, not against malice.
fn checksum(head: &[u8], pages: &[u8]) -> u32 {
    let mut sum = 0xCBF2_9CE4_8422_2325u64;
    for word in head.chunks(8).chain(pages.chunks(8)) {
        let mut bytes = [0u8; 8];
        bytes[..word.len()].copy_from_slice(word);
        sum = (sum ^ u64::from_le_bytes(bytes)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    (sum ^ (sum >> 32)) as u32
}

impl PageJournal {
    /// Opens the journal and puts back into the files whatever it holds.
    pub fn open(file: Arc<dyn DiskFile>, files: &BTreeMap<FileId, Arc<dyn DiskFile>>) -> DiskResult<Self> {
        let journal = PageJournal { file };
        let pages = journal.read()?;
        if !pages.is_empty() {
            for (id, page) in &pages {
                if let Some(file) = files.get(&id.file) {
                    file.write_at(u64::from(id.page) * PAGE_SIZE as u64, page)?;
                }
            }
            files.values().try_for_each(|f| f.sync())?;
            journal.clear()?;
        }
        Ok(journal)
    }

    /// The pages of a complete journal.
    fn read(&self) -> DiskResult<Vec<(PageId, Vec<u8>)>> {
        let length = self.file.length()?;
        let mut head = vec![0u8; HEAD];
        if length < HEAD as u64 {
            return Ok(Vec::new());
        }
        self.file.read_at(0, &mut head)?;
        let count = u32::from_le_bytes([head[12], head[13], head[14], head[15]]) as usize;
        if &head[..12] != MAGIC
            || count == 0
            || count > CAPACITY
            || length < (HEAD + count * PAGE_SIZE) as u64
        {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0u8; count * PAGE_SIZE];
        self.file.read_at(HEAD as u64, &mut bytes)?;
        let (head, stored) = head.split_at(HEAD - 4);
        // Invariant 3.
        if checksum(head, &bytes).to_le_bytes() != *stored {
            return Ok(Vec::new());
        }
        let ids =
            head[16..].chunks_exact(8).map(|b| PageId::from_bytes([b[0], b[1], b[2], b[3], b[4], b[5]]));
        Ok(ids.zip(bytes.chunks_exact(PAGE_SIZE).map(<[u8]>::to_vec)).take(count).collect())
    }

    /// Makes pages durable here; at most [`CAPACITY`].
    pub fn write(&self, pages: &[(PageId, Box<PageBytes>)]) -> DiskResult<()> {
        let mut bytes = vec![0u8; HEAD];
        bytes[..12].copy_from_slice(MAGIC);
        bytes[12..16].copy_from_slice(&(pages.len() as u32).to_le_bytes());
        for (index, (id, _)) in pages.iter().enumerate() {
            bytes[16 + index * 8..22 + index * 8].copy_from_slice(&id.to_bytes());
        }
        for (_, page) in pages {
            bytes.extend_from_slice(page.as_ref());
        }
        let (head, rest) = bytes.split_at(HEAD);
        let sum = checksum(&head[..HEAD - 4], rest);
        bytes[HEAD - 4..HEAD].copy_from_slice(&sum.to_le_bytes());
        self.file.write_at(0, &bytes)?;
        self.file.sync()
    }

    /// Empties the journal, durably.
    pub fn clear(&self) -> DiskResult<()> {
        self.file.write_at(0, &[0; 16])?;
        self.file.sync()
    }
}

const _: () = assert!(16 + CAPACITY * 8 <= HEAD - 4);
