//! The report as data, which JSON prints as it is and the text form lays out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_backup::chain::{Link, best_sequence};
use holdfast_backup::config::flags;
use holdfast_backup::rows::file_backup_size;
use holdfast_backup::{BackupKind, BackupSet, Device, FileKind, Media, MediaSet};
use serde::Serialize;

use super::data_file::{self, DataFile};
use crate::output::{guid, release};

#[derive(Serialize, Default)]
pub struct Report {
    pub media_sets: Vec<MediaReport>,
    pub data_files: Vec<DataFile>,
    /// How the sets can be restored, furthest first: "database": steps.
    pub restore_orders: Vec<RestoreOrder>,
    pub unusable: Vec<Unusable>,
}

#[derive(Serialize)]
pub struct Unusable {
    pub file: PathBuf,
    pub error: String,
    /// The message number SQL Server would answer with.
    pub message: i32,
}

#[derive(Serialize)]
pub struct MediaReport {
    pub media_set: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub software: String,
    pub families: u16,
    pub missing_families: Vec<u16>,
    pub compressed: bool,
    pub block_size: u32,
    pub password_protected: bool,
    pub files: Vec<FamilyReport>,
    pub sets: Vec<SetReport>,
}

#[derive(Serialize)]
pub struct FamilyReport {
    pub file: String,
    pub family: u16,
    pub family_id: String,
    pub written: String,
    pub bytes: u64,
    pub problem: Option<String>,
}

#[derive(Serialize)]
pub struct SetReport {
    pub position: u16,
    pub name: Option<String>,
    pub description: Option<String>,
    pub kind: &'static str,
    pub copy_only: bool,
    pub complete: bool,
    pub missing_families: Vec<u16>,
    pub set_guid: String,
    pub database: String,
    pub database_version: u16,
    pub release: &'static str,
    pub server: String,
    pub machine: String,
    pub user: String,
    pub software_version: String,
    pub compatibility_level: u8,
    pub recovery_model: &'static str,
    pub created: String,
    pub started: String,
    pub finished: String,
    pub expires: Option<String>,
    pub time_zone_minutes: i32,
    pub first_lsn: String,
    pub last_lsn: String,
    pub checkpoint_lsn: String,
    pub database_backup_lsn: String,
    pub differential_base_lsn: Option<String>,
    pub differential_base: Option<String>,
    pub family_guid: String,
    pub recovery_fork: String,
    pub binding_id: String,
    pub collation_id: u32,
    pub sort_order: u32,
    pub flags: Vec<&'static str>,
    pub backup_bytes: u64,
    pub compressed_bytes: Option<u64>,
    pub passes: usize,
    pub page_count: u64,
    pub log_bytes: u64,
    pub files: Vec<FileReport>,
    /// What a restore of this set needs besides it.
    pub needs: Option<String>,
}

#[derive(Serialize)]
pub struct FileReport {
    pub id: u32,
    pub logical_name: String,
    pub physical_name: String,
    pub kind: &'static str,
    pub filegroup: Option<String>,
    pub size: u64,
    pub backup_bytes: u64,
    pub max_size: Option<u64>,
    pub growth: String,
    pub unique_id: String,
}

#[derive(Serialize)]
pub struct RestoreOrder {
    pub database: String,
    pub until_lsn: String,
    pub steps: Vec<String>,
}

impl Report {
    pub fn build(paths: &[PathBuf]) -> Self {
        let mut report = Report::default();
        let mut media = Vec::new();
        for path in paths {
            match Self::open(path) {
                Ok(Opened::Backup(m)) => media.push(Arc::from(m)),
                Ok(Opened::Data(d)) => report.data_files.push(*d),
                Err(u) => report.unusable.push(u),
            }
        }
        let groups = MediaSet::group(media);
        let all: Vec<BackupSet> = groups.iter().flat_map(MediaSet::sets).collect();
        for group in &groups {
            report.media_sets.push(media_report(group, &all));
        }
        report.restore_orders = restore_orders(&all);
        report
    }

    fn open(path: &Path) -> Result<Opened, Unusable> {
        let unusable = |error: String, message| Unusable { file: path.to_owned(), error, message };
        let file =
            crate::output::open_file(path).map_err(|e| unusable(format!("{}: {e}", path.display()), 3201))?;
        if let Some(data) = data_file::open(path, &file) {
            return Ok(Opened::Data(Box::new(data)));
        }
        let name = path.display().to_string();
        let media = Device::new(&name, Arc::new(file)).and_then(Media::open);
        media.map(|m| Opened::Backup(Box::new(m))).map_err(|e| unusable(e.to_string(), e.message_number()))
    }

    pub fn exit_code(&self) -> u8 {
        if !self.unusable.is_empty() {
            return 2;
        }
        let damaged = self.media_sets.iter().flat_map(|m| &m.files).any(|f| f.problem.is_some())
            || self.data_files.iter().any(|d| d.problem.is_some());
        u8::from(damaged)
    }
}

enum Opened {
    Backup(Box<Media>),
    Data(Box<DataFile>),
}

fn filled(s: &str) -> Option<String> {
    (!s.is_empty()).then(|| s.to_owned())
}

fn media_report(group: &MediaSet, all: &[BackupSet]) -> MediaReport {
    let label = &group.media[0].label;
    MediaReport {
        media_set: guid(&group.id),
        name: filled(&label.name),
        description: filled(&label.description),
        software: label.software_name().to_owned(),
        families: group.family_count,
        missing_families: group.missing_families(),
        compressed: group.media[0].is_compressed(),
        block_size: label.block_size,
        password_protected: label.password_digest.is_some(),
        files: group
            .media
            .iter()
            .map(|m| FamilyReport {
                file: m.device.name().to_string(),
                family: m.label.family_sequence,
                family_id: format!("{:08X}", m.label.family_id),
                written: m.label.date.to_string(),
                bytes: m.device.length(),
                problem: m.problem.as_ref().map(ToString::to_string),
            })
            .collect(),
        sets: group.sets().iter().filter_map(|s| set_report(s, all)).collect(),
    }
}

fn flag_names(f: u32) -> Vec<&'static str> {
    const NAMES: [(u32, &str); 11] = [
        (flags::BULK_LOGGED, "bulk-logged data"),
        (flags::SNAPSHOT, "snapshot"),
        (flags::READ_ONLY, "read-only"),
        (flags::SINGLE_USER, "single user"),
        (flags::CHECKSUMS, "checksums"),
        (flags::DAMAGED, "damaged"),
        (flags::TAIL_LOG, "tail of the log"),
        (flags::INCOMPLETE_METADATA, "incomplete metadata"),
        (flags::NO_RECOVERY, "norecovery"),
        (flags::COPY_ONLY, "copy-only"),
        (flags::DIFFERENTIAL, "differential"),
    ];
    NAMES.iter().filter(|(bit, _)| f & bit != 0).map(|(_, n)| *n).collect()
}

pub fn kind_name(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Full => "full",
        BackupKind::Differential => "differential",
        BackupKind::Log => "log",
        BackupKind::File => "file",
        BackupKind::FileDifferential => "file differential",
        BackupKind::Partial => "partial",
        BackupKind::PartialDifferential => "partial differential",
        BackupKind::Unknown(_) => "unknown",
    }
}

fn set_report(set: &BackupSet, all: &[BackupSet]) -> Option<SetReport> {
    let configuration = set.configuration()?;
    let s = &configuration.set;
    let start = &set.head().start;
    let differential = s.differential_base != [0; 16];
    let complete = set.require_complete().is_ok();
    let page_bytes: u64 = configuration.data_files().map(|f| file_backup_size(set.head(), f)).sum();
    let kind = s.kind;
    Some(SetReport {
        position: start.position,
        name: filled(&start.name),
        description: filled(&start.description),
        kind: kind_name(kind),
        copy_only: s.has(flags::COPY_ONLY),
        complete,
        missing_families: set.missing_families(),
        set_guid: guid(&start.set_guid),
        database: s.database_name.clone(),
        database_version: s.database_version,
        release: release(s.database_version),
        server: s.server_name.clone(),
        machine: set.head().volume.as_ref().map(|v| v.machine.clone()).unwrap_or_default(),
        user: start.user.clone(),
        software_version: format!("{}.{}.{}", s.software_major, s.software_minor, s.software_build),
        compatibility_level: s.compatibility_level,
        recovery_model: s.recovery_model().name(),
        created: s.creation_date.to_string(),
        started: s.start_date.to_string(),
        finished: s.finish_date.to_string(),
        expires: (!start.expiration.is_none()).then(|| start.expiration.to_string()),
        time_zone_minutes: i32::from(start.time_zone) * 15,
        first_lsn: s.first_lsn.to_string(),
        last_lsn: s.last_lsn.to_string(),
        checkpoint_lsn: s.checkpoint_lsn.to_string(),
        database_backup_lsn: s.database_backup_lsn.to_string(),
        differential_base_lsn: differential.then(|| s.differential_base_lsn.to_string()),
        differential_base: differential.then(|| guid(&s.differential_base)),
        family_guid: guid(&s.family),
        recovery_fork: guid(&s.fork.guid),
        binding_id: guid(&s.binding_id),
        collation_id: s.collation,
        sort_order: s.collation_sort_order,
        flags: flag_names(s.flags),
        backup_bytes: s.backup_size,
        compressed_bytes: s.compressed_size.filter(|_| set.media().is_compressed()),
        passes: set.passes(),
        page_count: page_bytes / 8192,
        log_bytes: set.head().vlfs.iter().map(|v| v.end.saturating_sub(v.start)).sum(),
        files: configuration
            .files
            .iter()
            .map(|f| FileReport {
                id: f.id,
                logical_name: f.logical_name.clone(),
                physical_name: f.physical_name.clone(),
                kind: match f.kind {
                    FileKind::Data => "data",
                    FileKind::Log => "log",
                    FileKind::Other(_) => "other",
                },
                filegroup: configuration.filegroup_name(f.filegroup).map(str::to_owned),
                size: f.size,
                backup_bytes: file_backup_size(set.head(), f),
                max_size: (f.max_size != holdfast_backup::config::UNLIMITED).then_some(f.max_size),
                growth: if f.flags & 8 != 0 {
                    format!("{}%", f.growth)
                } else {
                    crate::output::size(f.growth)
                },
                unique_id: guid(&f.unique_id),
            })
            .collect(),
        needs: needs(set, all),
    })
}

/// What must be restored before this set, when it is not among the files given.
fn needs(set: &BackupSet, all: &[BackupSet]) -> Option<String> {
    let s = set.info()?;
    match s.kind {
        BackupKind::Differential => {
            let there = all.iter().any(|o| o.guid() == s.differential_base);
            (!there).then(|| {
                format!(
                    "the full backup {} (first LSN {}), which is not among these files",
                    guid(&s.differential_base),
                    s.differential_base_lsn
                )
            })
        }
        BackupKind::Log => {
            let reaches = |o: &&BackupSet| {
                o.info().is_some_and(|i| {
                    i.family == s.family
                        && o.guid() != set.guid()
                        && s.first_lsn <= i.last_lsn
                        && i.last_lsn <= s.last_lsn
                })
            };
            (!all.iter().any(|o| reaches(&o)))
                .then(|| format!("a backup that reaches LSN {}, which is not among these files", s.first_lsn))
        }
        _ => None,
    }
}

fn restore_orders(all: &[BackupSet]) -> Vec<RestoreOrder> {
    let mut families: Vec<[u8; 16]> = Vec::new();
    for s in all.iter().filter_map(BackupSet::info) {
        if !families.contains(&s.family) {
            families.push(s.family);
        }
    }
    let mut orders = Vec::new();
    for family in families {
        let sets: Vec<&BackupSet> =
            all.iter().filter(|s| s.info().is_some_and(|i| i.family == family)).collect();
        let links: Vec<Link> = sets.iter().filter_map(|s| Link::of(s)).collect();
        let steps = best_sequence(&links);
        let (Some(&last), Some(info)) = (steps.last(), sets.first().and_then(|s| s.info())) else { continue };
        if links.len() < 2 {
            continue;
        }
        let describe = |&i: &usize| {
            let set = sets[i];
            let names: Vec<&str> = set.members().iter().map(|m| &**m.media.device.name()).collect();
            format!(
                "{} (set {}) from {}",
                kind_name(links[i].kind),
                set.head().start.position,
                names.join(", ")
            )
        };
        orders.push(RestoreOrder {
            database: info.database_name.clone(),
            until_lsn: links[last].last.to_string(),
            steps: steps.iter().map(describe).collect(),
        });
    }
    orders
}
