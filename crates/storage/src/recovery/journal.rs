//! A place where pages are written before they are written over: a page that a power failure tears in its file is whole
//! here. Without it a torn page would mean restoring the database again.
//!
//! ```text
//! 0     magic, u32 count, then per page: u32 page, u16 file, u16 0
//! 4032  family GUID of the database, 10 bytes checkpoint LSN of its boot page before this writing
//! 4092  checksum
//! 4096  the pages
//! ```
//!
//! Invariants
//! 1. A page is written to its file only after the journal holding it is durable.
//! 2. The journal is emptied, durably, after the files are durable: what it holds is never older than the files.
//! 3. A journal whose checksum is wrong was cut while it was being written; then the files were not touched yet.
//! 4. Pages go only into the database they came from, at the state it had: family and checkpoint must agree. A journal that
//!    does not fit is refused, not passed over: either it or the files lie in the wrong place.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{FileId, Lsn, PAGE_SIZE, PageId};
use holdfast_disk::{DiskFile, DiskResult};
use holdfast_format::PageBytes;
use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::page::protection;
use parking_lot::Mutex;

use super::error::{RecoveryError, RecoveryResult};

const HEAD: usize = 4096;
const MAGIC: &[u8; 12] = b"HOLDFAST-PJ2";
/// What all versions of the format begin with.
const FAMILY_OF_MAGIC: &[u8] = b"HOLDFAST-PJ";
const OWNER: usize = 4032;
/// Pages in one filling of the journal: 3.9 MiB.
pub const CAPACITY: usize = 500;

/// Whose pages a journal holds: the database's family, and the checkpoint its boot page names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Owner {
    family: [u8; 16],
    checkpoint: Lsn,
}

impl Owner {
    /// From a boot page as it lies on disk.
    fn of(page: &[u8]) -> Option<Owner> {
        let mut page: Box<PageBytes> = Box::new(page.try_into().ok()?);
        protection::verify(&page).ok()?;
        protection::restore_torn(&mut page).ok()?;
        let boot = BootPage::read(&page).ok()?;
        Some(Owner { family: boot.family_guid, checkpoint: boot.checkpoint_lsn })
    }
}

/// The journal file.
pub struct PageJournal {
    file: Arc<dyn DiskFile>,
    /// As the files have it, and as they will when what was written here has reached them.
    owner: Mutex<(Owner, Option<Owner>)>,
}

/// What a journal holds.
struct Held {
    owner: Owner,
    pages: Vec<(PageId, Vec<u8>)>,
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
    pub fn open(
        file: Arc<dyn DiskFile>,
        files: &BTreeMap<FileId, Arc<dyn DiskFile>>,
    ) -> RecoveryResult<Self> {
        let journal = PageJournal { file, owner: Mutex::default() };
        if let Some(Held { owner, pages }) = journal.read()? {
            let boot = pages.iter().find(|(id, _)| *id == BOOT_PAGE).and_then(|(_, page)| Owner::of(page));
            // Torn, the boot page must be among the journal's.
            let fits = match (Self::owner_of(files)?, boot) {
                (Some(found), boot) => found == owner || Some(found) == boot && found.family == owner.family,
                (None, boot) => boot.is_some_and(|b| b.family == owner.family),
            };
            if !fits {
                let what = "it holds pages of another database, or of these files at another time";
                return Err(journal.refused(what));
            }
            for (id, page) in &pages {
                if let Some(file) = files.get(&id.file) {
                    file.write_at(u64::from(id.page) * PAGE_SIZE as u64, page)?;
                }
            }
            files.values().try_for_each(|f| f.sync())?;
            journal.clear()?;
        }
        // So that a disk that gets full later does not keep pages from being written. One that is full now does not keep the
        // database from opening: then the space is taken when it is needed.
        if let Err(e) = journal.file.allocate((HEAD + CAPACITY * PAGE_SIZE) as u64)
            && !e.is_out_of_space()
        {
            return Err(e.into());
        }
        *journal.owner.lock() = (Self::owner_of(files)?.unwrap_or_default(), None);
        Ok(journal)
    }

    fn refused(&self, what: &str) -> RecoveryError {
        let path = self.file.path().display();
        RecoveryError::Database { what: format!("the page journal '{path}' cannot be used: {what}") }
    }

    /// What the files say; `None` when their boot page is not whole.
    fn owner_of(files: &BTreeMap<FileId, Arc<dyn DiskFile>>) -> DiskResult<Option<Owner>> {
        let Some(primary) = files.get(&BOOT_PAGE.file) else { return Ok(None) };
        let mut page = vec![0u8; PAGE_SIZE];
        let offset = u64::from(BOOT_PAGE.page) * PAGE_SIZE as u64;
        if primary.length()? < offset + PAGE_SIZE as u64 {
            return Ok(None);
        }
        primary.read_at(offset, &mut page)?;
        Ok(Owner::of(&page))
    }

    /// The pages of a complete journal.
    fn read(&self) -> RecoveryResult<Option<Held>> {
        let length = self.file.length()?;
        let mut head = vec![0u8; HEAD];
        if length < HEAD as u64 {
            return Ok(None);
        }
        self.file.read_at(0, &mut head)?;
        let count = u32::from_le_bytes([head[12], head[13], head[14], head[15]]) as usize;
        if count > 0 && head.starts_with(FAMILY_OF_MAGIC) && &head[..12] != MAGIC {
            return Err(self.refused("another version of Holdfast has written it"));
        }
        if &head[..12] != MAGIC
            || count == 0
            || count > CAPACITY
            || length < (HEAD + count * PAGE_SIZE) as u64
        {
            return Ok(None);
        }
        let mut bytes = vec![0u8; count * PAGE_SIZE];
        self.file.read_at(HEAD as u64, &mut bytes)?;
        let (head, stored) = head.split_at(HEAD - 4);
        // Invariant 3.
        if checksum(head, &bytes).to_le_bytes() != *stored {
            return Ok(None);
        }
        let mut owner = Owner::default();
        owner.family.copy_from_slice(&head[OWNER..OWNER + 16]);
        let mut lsn = [0; 10];
        lsn.copy_from_slice(&head[OWNER + 16..OWNER + 26]);
        owner.checkpoint = Lsn::from_bytes(lsn);
        let ids =
            head[16..OWNER].chunks_exact(8).map(|b| PageId::from_bytes([b[0], b[1], b[2], b[3], b[4], b[5]]));
        let pages = ids.zip(bytes.chunks_exact(PAGE_SIZE).map(<[u8]>::to_vec)).take(count).collect();
        Ok(Some(Held { owner, pages }))
    }

    /// Makes pages durable here; at most [`CAPACITY`]. `bytes` is where the journal's are put together.
    pub fn write<'p>(
        &self,
        pages: impl ExactSizeIterator<Item = (PageId, &'p PageBytes)>,
        bytes: &mut Vec<u8>,
    ) -> DiskResult<()> {
        let count = pages.len();
        bytes.clear();
        // At once: growing would copy what is there, and touch twice the memory.
        bytes.reserve_exact(HEAD + count * PAGE_SIZE);
        bytes.resize(HEAD, 0);
        bytes[..12].copy_from_slice(MAGIC);
        bytes[12..16].copy_from_slice(&(count as u32).to_le_bytes());
        let mut owner = self.owner.lock();
        bytes[OWNER..OWNER + 16].copy_from_slice(&owner.0.family);
        bytes[OWNER + 16..OWNER + 26].copy_from_slice(&owner.0.checkpoint.to_bytes());
        for (index, (id, page)) in pages.enumerate() {
            bytes[16 + index * 8..22 + index * 8].copy_from_slice(&id.to_bytes());
            bytes.extend_from_slice(page);
            if id == BOOT_PAGE {
                owner.1 = Owner::of(page);
            }
        }
        drop(owner);
        let (head, rest) = bytes.split_at(HEAD);
        let sum = checksum(&head[..HEAD - 4], rest);
        bytes[HEAD - 4..HEAD].copy_from_slice(&sum.to_le_bytes());
        self.file.write_at(0, bytes)?;
        self.file.sync()
    }

    /// Empties the journal, durably.
    pub fn clear(&self) -> DiskResult<()> {
        self.file.write_at(0, &[0; 16])?;
        self.file.sync()?;
        let mut owner = self.owner.lock();
        if let Some(new) = owner.1.take() {
            owner.0 = new;
        }
        Ok(())
    }
}

const _: () = assert!(16 + CAPACITY * 8 <= OWNER && OWNER + 26 <= HEAD - 4);
