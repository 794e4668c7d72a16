//! Transaction and checkpoint records.
//!
//! | operation | fields (offset: meaning) |
//! |---|---|
//! | BEGIN_XACT | 18 session, 20 kind, 28 begin time; since 2012: 30 number, 40 own or top id, 46 parent id; elements: name, login SID |
//! | COMMIT_XACT, ABORT_XACT | 18 end time, 20 LSN of BEGIN; since 2012: 40 number |
//! | BEGIN_CKPT | 18 time, 2A database version, 2C highest transaction id |
//! | XACT_CKPT | elements, 80 bytes each: 00 id, 08 LSN of BEGIN, 14 LSN of the last record, 30 number |
//! | END_CKPT | 18 time, 20 LSN of BEGIN_CKPT, 2A database version |
//! | PREP_XACT | 18 partner's transaction id, 1E partner's database id, 20 partner's LSN, 2C LSN of BEGIN, 38 time; one element, empty in genuine ones; ours: 16 bytes, the branch of a transaction over several databases |
//! | HOBT_DELTA | 18 rowset, 20 unit, 28 data, 30 used, 38 reserved pages; ours: 40 rows, 48 allocation unit id |
//!
//! Up to 2008 R2, BEGIN is 0x40 bytes and COMMIT 0x30; their common fields stand at the same places.
//!
//! Evidence: docs/format/log.md.

use holdfast_base::{Lsn, Truncated};

use super::LogError;
use super::record::{COMMON_HEADER, LogRecord, LogTime, TransactionId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginTransaction {
    pub session: u32,
    /// 1 = ordinary, 3 = nested system transaction.
    pub kind: u32,
    pub time: LogTime,
    /// Transaction this one is nested in; `None` where the record (2008 R2 and older) does not tell.
    pub parent: Option<TransactionId>,
    pub name: String,
}

impl BeginTransaction {
    /// Whether a BEGIN_XACT begins a nested system transaction.
    pub fn is_system(record: &LogRecord<'_>) -> Result<bool, LogError> {
        let kind = record.reader(0x20).u32().map_err(LogError::short(record.lsn()))?;
        // 2005 keeps the kind four bytes further on.
        let old_kind = record.reader(0x24).u16().unwrap_or(0);
        Ok(kind == 3 || record.fixed_length() == 0x30 && old_kind == 3)
    }

    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(COMMON_HEADER);
        let mut read = || -> Result<(u32, u32, LogTime), Truncated> {
            let session = r.u32()?;
            r.skip(4)?;
            let kind = r.u32()?;
            r.skip(4)?;
            Ok((session, kind, LogTime::from_bytes(r.array()?)))
        };
        let (session, kind, time) = read().map_err(LogError::short(record.lsn()))?;
        let parent = record.reader(0x46).array().ok().map(TransactionId::from_bytes);
        let elements = record.elements()?;
        let name: Vec<u16> = elements
            .first()
            .map(|b| {
                b.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).take_while(|&c| c != 0).collect()
            })
            .unwrap_or_default();
        Ok(BeginTransaction { session, kind, time, parent, name: String::from_utf16_lossy(&name) })
    }
}

/// COMMIT_XACT and ABORT_XACT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransaction {
    pub time: LogTime,
    pub begin: Lsn,
}

impl EndTransaction {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(COMMON_HEADER);
        let mut read = || -> Result<Self, Truncated> {
            Ok(EndTransaction { time: LogTime::from_bytes(r.array()?), begin: Lsn::from_bytes(r.array()?) })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

/// A part of a transaction over several databases, by an id that no other part anywhere has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchId(pub [u8; 16]);

/// PREP_XACT: the transaction may still be committed or rolled back, whatever happens; who decides stands elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrepareTransaction {
    pub partner: TransactionId,
    /// 1: master.
    pub partner_database: u16,
    pub partner_lsn: Lsn,
    pub begin: Lsn,
    pub time: LogTime,
    /// Only in records that Holdfast wrote.
    pub branch: Option<BranchId>,
}

impl PrepareTransaction {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(COMMON_HEADER);
        let mut read = || -> Result<Self, Truncated> {
            let partner = TransactionId::from_bytes(r.array()?);
            let partner_database = r.u16()?;
            let partner_lsn = Lsn::from_bytes(r.array()?);
            r.seek(0x2C);
            let begin = Lsn::from_bytes(r.array()?);
            r.seek(0x38);
            let time = LogTime::from_bytes(r.array()?);
            Ok(PrepareTransaction { partner, partner_database, partner_lsn, begin, time, branch: None })
        };
        let read = read().map_err(LogError::short(record.lsn()))?;
        let branch = record.elements()?.first().and_then(|b| b.try_into().ok()).map(BranchId);
        Ok(PrepareTransaction { branch, ..read })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginCheckpoint {
    pub time: LogTime,
    pub database_version: u16,
    pub highest_transaction: TransactionId,
}

impl BeginCheckpoint {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(COMMON_HEADER);
        let mut read = || -> Result<Self, Truncated> {
            let time = LogTime::from_bytes(r.array()?);
            r.seek(0x2A);
            Ok(BeginCheckpoint {
                time,
                database_version: r.u16()?,
                highest_transaction: TransactionId::from_bytes(r.array()?),
            })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

/// A transaction that was open at a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAtCheckpoint {
    pub id: TransactionId,
    pub begin: Lsn,
    pub last: Lsn,
}

/// The open transactions of an XACT_CKPT record.
pub fn open_at_checkpoint(record: &LogRecord<'_>) -> Result<Vec<OpenAtCheckpoint>, LogError> {
    let mut out = Vec::new();
    let elements = record.elements()?;
    for entry in elements.iter() {
        for entry in entry.chunks_exact(80) {
            let mut r = holdfast_base::ByteReader::new(entry);
            let mut read = || -> Result<OpenAtCheckpoint, Truncated> {
                let id = TransactionId::from_bytes(r.array()?);
                r.seek(0x08);
                let begin = Lsn::from_bytes(r.array()?);
                r.seek(0x14);
                Ok(OpenAtCheckpoint { id, begin, last: Lsn::from_bytes(r.array()?) })
            };
            out.push(read().map_err(LogError::short(record.lsn()))?);
        }
    }
    Ok(out)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndCheckpoint {
    pub time: LogTime,
    pub begin: Lsn,
    pub database_version: u16,
}

impl EndCheckpoint {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(COMMON_HEADER);
        let mut read = || -> Result<Self, Truncated> {
            let time = LogTime::from_bytes(r.array()?);
            let begin = Lsn::from_bytes(r.array()?);
            Ok(EndCheckpoint { time, begin, database_version: r.u16()? })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}

/// Page counts of a rowset kept in memory; negative when pages were freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HobtDelta {
    pub rowset: u64,
    pub unit: u32,
    pub data: i64,
    pub used: i64,
    pub reserved: i64,
    /// Rows, and the allocation unit's id; with a unit the first field is a page (file << 32 | page) or 0. Only in records
    /// that Holdfast wrote ([`super::write::count_change`]).
    pub rows: i64,
    pub unit_id: u64,
}

impl HobtDelta {
    pub fn decode(record: &LogRecord<'_>) -> Result<Self, LogError> {
        let mut r = record.reader(COMMON_HEADER);
        let mut read = || -> Result<Self, Truncated> {
            let rowset = r.u64()?;
            let unit = r.u32()?;
            r.skip(4)?;
            let (data, used, reserved) = (r.i64()?, r.i64()?, r.i64()?);
            let own = record.fixed_length() >= 0x50;
            let (rows, unit_id) = if own { (r.i64()?, r.u64()?) } else { (0, 0) };
            Ok(HobtDelta { rowset, unit, data, used, reserved, rows, unit_id })
        };
        read().map_err(LogError::short(record.lsn()))
    }
}
