//! The result sets of RESTORE HEADERONLY, FILELISTONLY and LABELONLY: columns in SQL Server's order with their types, and
//! the rows of a file. The statement layer turns [`Cell`]s into values.
//!
//! Evidence: column lists documented and counted in published tools (52 columns in 2008 … 59 since 2022); places of the
//! values in docs/format/backup.md. Columns whose place in the file is not known are NULL or 0 as stated there.

use holdfast_base::Lsn;

use crate::config::{Configuration, FileInfo, FileKind, flags};
use crate::date::MtfDate;
use crate::error::{BackupError, BackupResult};
use crate::media::{Media, SetMember};
use crate::set::BackupSet;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CellType {
    NVarChar(u16),
    Char(u16),
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Bit,
    /// numeric(p, 0)
    Numeric(u8),
    DateTime,
    UniqueIdentifier,
    VarBinary(u16),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    pub name: &'static str,
    pub ty: CellType,
    pub nullable: bool,
    /// First software major version that has the column.
    pub since: u8,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Bit(bool),
    Numeric(u128),
    /// Local time of the server that wrote it.
    DateTime(MtfDate),
    Guid([u8; 16]),
    Binary(Vec<u8>),
    /// Windows LCID with flags and sort order id: to be shown as the collation's name.
    Collation {
        id: u32,
        sort_order: u32,
    },
}

use CellType::{
    BigInt, Bit, Char, DateTime, Int, NVarChar, Numeric, SmallInt, TinyInt, UniqueIdentifier, VarBinary,
};

const fn c(name: &'static str, ty: CellType) -> Column {
    Column { name, ty, nullable: true, since: 10 }
}

const fn since(name: &'static str, ty: CellType, since: u8) -> Column {
    Column { name, ty, nullable: true, since }
}

/// RESTORE HEADERONLY.
pub const HEADER_COLUMNS: [Column; 59] = [
    c("BackupName", NVarChar(128)),
    c("BackupDescription", NVarChar(255)),
    c("BackupType", SmallInt),
    c("ExpirationDate", DateTime),
    c("Compressed", TinyInt),
    c("Position", SmallInt),
    c("DeviceType", TinyInt),
    c("UserName", NVarChar(128)),
    c("ServerName", NVarChar(128)),
    c("DatabaseName", NVarChar(128)),
    c("DatabaseVersion", Int),
    c("DatabaseCreationDate", DateTime),
    c("BackupSize", Numeric(20)),
    c("FirstLSN", Numeric(25)),
    c("LastLSN", Numeric(25)),
    c("CheckpointLSN", Numeric(25)),
    c("DatabaseBackupLSN", Numeric(25)),
    c("BackupStartDate", DateTime),
    c("BackupFinishDate", DateTime),
    c("SortOrder", SmallInt),
    c("CodePage", SmallInt),
    c("UnicodeLocaleId", Int),
    c("UnicodeComparisonStyle", Int),
    c("CompatibilityLevel", TinyInt),
    c("SoftwareVendorId", Int),
    c("SoftwareVersionMajor", Int),
    c("SoftwareVersionMinor", Int),
    c("SoftwareVersionBuild", Int),
    c("MachineName", NVarChar(128)),
    c("Flags", Int),
    c("BindingID", UniqueIdentifier),
    c("RecoveryForkID", UniqueIdentifier),
    c("Collation", NVarChar(128)),
    c("FamilyGUID", UniqueIdentifier),
    c("HasBulkLoggedData", Bit),
    c("IsSnapshot", Bit),
    c("IsReadOnly", Bit),
    c("IsSingleUser", Bit),
    c("HasBackupChecksums", Bit),
    c("IsDamaged", Bit),
    c("BeginsLogChain", Bit),
    c("HasIncompleteMetaData", Bit),
    c("IsForceOffline", Bit),
    c("IsCopyOnly", Bit),
    c("FirstRecoveryForkID", UniqueIdentifier),
    c("ForkPointLSN", Numeric(25)),
    c("RecoveryModel", NVarChar(60)),
    c("DifferentialBaseLSN", Numeric(25)),
    c("DifferentialBaseGUID", UniqueIdentifier),
    c("BackupTypeDescription", NVarChar(60)),
    c("BackupSetGUID", UniqueIdentifier),
    c("CompressedBackupSize", BigInt),
    since("Containment", TinyInt, 11),
    since("KeyAlgorithm", NVarChar(32), 12),
    since("EncryptorThumbprint", VarBinary(20), 12),
    since("EncryptorType", NVarChar(32), 12),
    since("LastValidRestoreTime", DateTime, 16),
    since("TimeZone", NVarChar(32), 16),
    since("CompressionAlgorithm", NVarChar(32), 16),
];

/// RESTORE FILELISTONLY.
pub const FILE_LIST_COLUMNS: [Column; 22] = [
    c("LogicalName", NVarChar(128)),
    c("PhysicalName", NVarChar(260)),
    c("Type", Char(1)),
    c("FileGroupName", NVarChar(128)),
    c("Size", Numeric(20)),
    c("MaxSize", Numeric(20)),
    c("FileId", BigInt),
    c("CreateLSN", Numeric(25)),
    c("DropLSN", Numeric(25)),
    c("UniqueId", UniqueIdentifier),
    c("ReadOnlyLSN", Numeric(25)),
    c("ReadWriteLSN", Numeric(25)),
    c("BackupSizeInBytes", BigInt),
    c("SourceBlockSize", Int),
    c("FileGroupId", Int),
    c("LogGroupGUID", UniqueIdentifier),
    c("DifferentialBaseLSN", Numeric(25)),
    c("DifferentialBaseGUID", UniqueIdentifier),
    c("IsReadOnly", Bit),
    c("IsPresent", Bit),
    c("TDEThumbprint", VarBinary(32)),
    since("SnapshotUrl", NVarChar(360), 13),
];

/// RESTORE LABELONLY.
pub const LABEL_COLUMNS: [Column; 13] = [
    c("MediaName", NVarChar(128)),
    c("MediaSetId", UniqueIdentifier),
    c("FamilyCount", Int),
    c("FamilySequenceNumber", Int),
    c("MediaFamilyId", UniqueIdentifier),
    c("MediaSequenceNumber", Int),
    c("MediaLabelPresent", TinyInt),
    c("MediaDescription", NVarChar(255)),
    c("SoftwareName", NVarChar(128)),
    c("SoftwareVendorId", Int),
    c("MediaDate", DateTime),
    c("MirrorCount", Int),
    c("IsCompressed", Bit),
];

/// The columns that a server of the given software major version has.
pub fn columns_for(all: &'static [Column], server_major: u8) -> Vec<Column> {
    all.iter().filter(|c| c.since <= server_major).copied().collect()
}

fn text(s: &str) -> Cell {
    if s.is_empty() { Cell::Null } else { Cell::Text(s.to_owned()) }
}

fn date(d: MtfDate) -> Cell {
    if d.days_since_epoch().is_none() { Cell::Null } else { Cell::DateTime(d) }
}

fn lsn(l: Lsn) -> Cell {
    Cell::Numeric(l.to_decimal())
}

fn guid_or_null(g: [u8; 16]) -> Cell {
    if g == [0; 16] { Cell::Null } else { Cell::Guid(g) }
}

fn integer(n: impl Into<i64>) -> Cell {
    Cell::Integer(n.into())
}

/// Sizes beyond `bigint` can only come from damaged files and are shown at its end.
fn bigint(n: u64) -> Cell {
    Cell::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

/// One HEADERONLY row. `device_type` is of the statement: 2 for DISK, 102 for a logical device.
pub fn header_row(media: &Media, set: &SetMember, device_type: u8) -> BackupResult<Vec<Cell>> {
    let configuration = configuration(media, set)?;
    let s = &configuration.set;
    let start = &set.start;
    let fork = s.previous_fork;
    // The fork point lies inside the set only when it crosses a recovery.
    let crosses =
        !fork.lsn.is_zero() && s.first_lsn <= fork.lsn && fork.lsn <= s.last_lsn && fork.guid != [0; 16];
    let (first_fork, fork_point) =
        if crosses { (Cell::Guid(fork.guid), lsn(fork.lsn)) } else { (Cell::Guid(s.fork.guid), Cell::Null) };
    let differential = s.differential_base != [0; 16];
    let begins = s.kind == crate::config::BackupKind::Log && s.first_lsn == s.log_chain_start;
    let flag = |f: u32| Cell::Bit(s.has(f));
    Ok(vec![
        text(&start.name),
        text(&start.description),
        integer(s.kind.number()),
        date(start.expiration),
        integer(i64::from(media.is_compressed())),
        integer(start.position),
        integer(device_type),
        text(&start.user),
        text(&s.server_name),
        text(&s.database_name),
        integer(s.database_version),
        date(s.creation_date),
        Cell::Numeric(u128::from(s.backup_size)),
        lsn(s.first_lsn),
        lsn(s.last_lsn),
        lsn(s.checkpoint_lsn),
        lsn(s.database_backup_lsn),
        date(s.start_date),
        date(s.finish_date),
        integer(s.sort_order),
        integer(0),
        integer(s.locale as i32),
        integer(s.comparison_style as i32),
        integer(s.compatibility_level),
        integer(start.vendor),
        integer(s.software_major),
        integer(s.software_minor),
        integer(s.software_build),
        text(set.volume.as_ref().map_or("", |v| &v.machine)),
        integer(s.flags as i32),
        Cell::Guid(s.binding_id),
        Cell::Guid(s.fork.guid),
        Cell::Collation { id: s.collation, sort_order: s.collation_sort_order },
        Cell::Guid(s.family),
        flag(flags::BULK_LOGGED),
        flag(flags::SNAPSHOT),
        flag(flags::READ_ONLY),
        flag(flags::SINGLE_USER),
        flag(flags::CHECKSUMS),
        flag(flags::DAMAGED),
        Cell::Bit(begins),
        flag(flags::INCOMPLETE_METADATA),
        flag(flags::NO_RECOVERY),
        flag(flags::COPY_ONLY),
        first_fork,
        fork_point,
        Cell::Text(s.recovery_model().name().to_owned()),
        if differential { lsn(s.differential_base_lsn) } else { Cell::Null },
        guid_or_null(s.differential_base),
        Cell::Text(s.kind.description().to_owned()),
        Cell::Guid(start.set_guid),
        bigint(s.compressed_size.unwrap_or(s.backup_size)),
        integer(0),
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        if media.is_compressed() { Cell::Text("MS_XPRESS".to_owned()) } else { Cell::Null },
    ])
}

fn configuration<'a>(media: &Media, set: &'a SetMember) -> BackupResult<&'a Configuration> {
    set.configuration().ok_or_else(|| BackupError::Incomplete {
        device: media.device.name().clone(),
        position: set.start.position,
    })
}

/// All HEADERONLY rows of one device, in order of position.
pub fn header_rows(media: &Media, device_type: u8) -> BackupResult<Vec<Vec<Cell>>> {
    media.sets.iter().map(|s| header_row(media, s, device_type)).collect()
}

/// Bytes of a file in a set. With two passes the leading configuration tells the first pass, which is the whole.
pub fn file_backup_size(set: &SetMember, file: &FileInfo) -> u64 {
    if file.kind == FileKind::Data && set.pages.len() > 1 {
        let first = set.leading.as_ref().and_then(|c| c.files.iter().find(|f| f.id == file.id));
        return first.map_or(file.backup_size, |f| f.backup_size);
    }
    file.backup_size
}

/// FILELISTONLY rows of a set.
pub fn file_list_rows(media: &Media, set: &SetMember) -> BackupResult<Vec<Vec<Cell>>> {
    let configuration = configuration(media, set)?;
    Ok(configuration
        .files
        .iter()
        .map(|f| {
            let kind = match f.kind {
                FileKind::Data => "D",
                FileKind::Log => "L",
                FileKind::Other(_) => "S",
            };
            let group = configuration.filegroup_name(f.filegroup).unwrap_or("");
            vec![
                Cell::Text(f.logical_name.clone()),
                Cell::Text(f.physical_name.clone()),
                Cell::Text(kind.to_owned()),
                if f.kind == FileKind::Log { Cell::Null } else { text(group) },
                Cell::Numeric(u128::from(f.size)),
                Cell::Numeric(u128::from(f.max_size)),
                integer(f.id),
                lsn(f.create_lsn),
                lsn(f.drop_lsn),
                Cell::Guid(f.unique_id),
                lsn(Lsn::ZERO),
                lsn(Lsn::ZERO),
                bigint(file_backup_size(set, f)),
                integer(f.source_block_size as i32),
                integer(f.filegroup as i32),
                Cell::Null,
                lsn(f.differential_base_lsn),
                Cell::Guid(f.differential_base),
                Cell::Bit(false),
                Cell::Bit(true),
                Cell::Null,
                Cell::Null,
            ]
        })
        .collect())
}

/// The LABELONLY row.
pub fn label_row(media: &Media) -> Vec<Cell> {
    let l = &media.label;
    let mut family = [0; 16];
    family[..4].copy_from_slice(&l.family_id.to_le_bytes());
    vec![
        text(&l.name),
        Cell::Guid(l.media_set),
        integer(l.family_count),
        integer(l.family_sequence),
        Cell::Guid(family),
        integer(l.media_sequence),
        integer(i64::from(l.attributes & 2 != 0)),
        text(&l.description),
        text(l.software_name()),
        integer(l.vendor),
        date(l.date),
        integer(l.mirror_count),
        Cell::Bit(media.is_compressed()),
    ]
}

/// Header row of a set over all stripes, as the first member tells it.
pub fn set_header_row(set: &BackupSet, device_type: u8) -> BackupResult<Vec<Cell>> {
    header_row(set.media(), set.head(), device_type)
}
