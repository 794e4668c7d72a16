//! `holdfast verify`: proves files restorable as far as they can show it: container structure, record and stream
//! checksums, every allocated page's own id and checksum or torn bits, the links between pages, stripes and chain; up to a size
//! also allocation, system tables, keys, heaps and large values.
//!
//! Exit codes: 0 good, 1 damaged, 2 unusable: a file cannot be read at all, is encrypted, or lacks stripes. Findings go to standard output, progress to standard error.

mod data_file;
mod deep;
mod finding;
mod links;
mod log;
mod log_file;
mod pages;
mod stream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use holdfast_backup::chain::{Link, best_sequence};
use holdfast_backup::{BackupError, BackupKind, BackupSet, Device, Media, MediaSet};
use holdfast_base::Lsn;
use holdfast_disk::RealDisk;
use holdfast_engine::instance::attach::read_primary;

use crate::inspect::data_file as header;
use crate::inspect::report::kind_name;
use crate::output::{Progress, open_file, outln, size};
use finding::{Finding, Findings, Severity};
use pages::PageChecks;

#[derive(clap::Args)]
pub struct Args {
    /// Backup files (any mix of stripes and sets), data and log files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Check allocation, system tables, keys, heaps and large values whatever the size (else up to 256 MiB of pages)
    #[arg(long)]
    deep: bool,
    /// Only stream through the files: container, checksums, pages, log blocks
    #[arg(long, conflicts_with = "deep")]
    quick: bool,
}

/// Structure is checked without being asked for up to this many bytes of pages.
const DEEP_LIMIT: u64 = 256 << 20;

impl Args {
    fn page_checks(&self) -> PageChecks {
        if self.quick { PageChecks::default() } else { PageChecks::with_links() }
    }

    fn wants_deep(&self, bytes: u64) -> bool {
        self.deep || !self.quick && bytes <= DEEP_LIMIT
    }
}

struct DataInput {
    path: PathBuf,
    device: Device,
    header: header::DataFile,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let findings = Findings::default();
    let (mut media, mut data) = (Vec::new(), Vec::new());
    for path in &args.files {
        open(path, &mut media, &mut data, &findings);
    }
    let groups = MediaSet::group(media);
    let sets: Vec<BackupSet> = groups.iter().flat_map(MediaSet::sets).collect();
    let total = sets.iter().map(BackupSet::page_bytes).sum::<u64>()
        + data.iter().map(|d| d.device.length()).sum::<u64>();
    let progress = Progress::new("verify", total);
    let mut summary = Vec::new();
    for group in &groups {
        for m in &group.media {
            if let Some(problem) = &m.problem {
                findings.add(Finding::of(problem, Severity::Damage));
            }
            if m.sets.is_empty() {
                let e = BackupError::Empty { device: m.device.name().clone() };
                findings.add(Finding::of(&e, Severity::Damage));
            }
        }
        for set in group.sets() {
            summary.push(check_set(&set, &args, &findings, &progress));
        }
    }
    // The files of one database link to each other.
    let mut checks = BTreeMap::new();
    let ends = ends_of_logs(&data, &findings);
    for d in &data {
        if let Some(p) = &d.header.problem {
            let file = d.path.display().to_string();
            findings.add(Finding {
                severity: Severity::Damage,
                file,
                page: None,
                offset: None,
                text: p.clone(),
            });
        }
        if d.header.kind == "data" {
            let checks = checks.entry(d.header.binding_id.clone()).or_insert_with(|| {
                let end = ends.get(&d.header.binding_id).copied();
                args.page_checks().within_log(end)
            });
            let pages = data_file::check(&d.path, &d.device, d.header.file_id, checks, &findings, &progress);
            summary.push(format!("{}: {pages} pages read", d.path.display()));
        } else {
            progress.add(d.device.length());
            let name = d.path.display().to_string();
            summary.push(log_file::check(&name, d.header.file_id, &d.device, &findings));
        }
    }
    check_structure(&data, checks, &args, &findings, &mut summary);
    chain_findings(&sets, &findings);
    progress.finish();
    conclude(&findings, &summary)
}

fn open(path: &Path, media: &mut Vec<Arc<Media>>, data: &mut Vec<DataInput>, findings: &Findings) {
    let name = path.display().to_string();
    let unusable = |text: String| Finding {
        severity: Severity::Unusable,
        file: name.clone(),
        page: None,
        offset: None,
        text,
    };
    let file = match open_file(path) {
        Ok(f) => f,
        Err(e) => return findings.add(unusable(e.to_string())),
    };
    let header = header::open(path, &file);
    let device = match Device::new(&name, Arc::new(file)) {
        Ok(d) => d,
        Err(e) => return findings.add(Finding::of(&e, Severity::Unusable)),
    };
    if let Some(header) = header {
        data.push(DataInput { path: path.to_owned(), device, header });
        return;
    }
    match Media::open(device) {
        Ok(m) => media.push(Arc::new(m)),
        Err(e) => findings.add(Finding::of(&e, Severity::Unusable)),
    }
}

/// Checks one backup set over the stripes that are there; gives its line of the summary.
fn check_set(set: &BackupSet, args: &Args, findings: &Findings, progress: &Progress) -> String {
    let device = set.media().device.name().to_string();
    let missing = set.missing_families();
    if !missing.is_empty() {
        let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
        findings.add(Finding {
            severity: Severity::Unusable,
            file: device.clone(),
            page: None,
            offset: None,
            text: format!("stripe {} of {} is missing", list.join(", "), set.family_count),
        });
    }
    let note = |text: &str| {
        findings.add(Finding {
            severity: Severity::Note,
            file: device.clone(),
            page: None,
            offset: None,
            text: text.to_owned(),
        });
    };
    if set.media().label.password_digest.is_some() {
        note("the media set has a password: restoring it needs WITH MEDIAPASSWORD");
    }
    if set.head().start.password_digest.is_some() {
        note("the backup set has a password: restoring it needs WITH PASSWORD");
    }
    if let Err(e @ BackupError::Encrypted { .. }) = set.require_plain() {
        // Every page would fail; one finding says why.
        findings.add(Finding::of(&e, Severity::Unusable));
        return format!("{device}: the database is encrypted; its pages were not checked");
    }
    let full = set.info().is_some_and(|i| i.kind == BackupKind::Full);
    let complete = full && missing.is_empty() && set.require_complete().is_ok();
    // The links of a differential's pages lead to pages of its base.
    let mut checks = if complete { args.page_checks() } else { PageChecks::default() };
    let mut pages = 0;
    for pass in 0..set.passes() {
        for source in set.pages(pass) {
            stream::check_stream(&source, &checks, findings, progress);
        }
        pages += checks.end_pass(findings);
    }
    let (mut log_bytes, mut blocks) = (0, 0);
    for (vlf, source) in set.log() {
        log_bytes += vlf.end.saturating_sub(vlf.start);
        if let Some(source) = source {
            stream::check_stream(&source, &PageChecks::default(), findings, progress);
            blocks += log::check_blocks(&vlf, &source, findings);
        }
    }
    if missing.is_empty() && set.require_complete().is_ok() {
        log::check_cover(set, findings);
    }
    check_counts(set, missing.is_empty(), findings);
    let what = set.info().map_or_else(
        || "backup set without configuration".to_owned(),
        |i| format!("{} backup of {}", kind_name(i.kind), i.database_name),
    );
    let position = set.head().start.position;
    let mut line =
        format!("{device}: set {position}, {what}: {pages} pages, {} of log read", size(log_bytes));
    if complete {
        if let Some(text) = checks.check_links(&device, deep::severity(blocks), findings) {
            line.push_str(&format!(", {text}"));
        }
        if args.wants_deep(set.page_bytes()) {
            if let Some(text) = deep::check_backup(set, &device, blocks, findings) {
                line.push_str(&format!(", {text}"));
            }
        } else if !args.quick {
            line.push_str(", keys, heaps and allocation not checked (--deep does)");
        }
    }
    line
}

/// Where the logs of the databases end whose data and log files are given, by binding id.
fn ends_of_logs(data: &[DataInput], findings: &Findings) -> BTreeMap<String, Lsn> {
    let mut ends = BTreeMap::new();
    let logs = || data.iter().filter(|d| d.header.kind == "log");
    for primary in data {
        let Some(boot) = &primary.header.boot else { continue };
        let of = |d: &&DataInput| d.header.binding_id == primary.header.binding_id;
        let mut ids: Vec<u16> = data.iter().filter(of).map(|d| d.header.file_id).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|w| w[0] == w[1]) {
            findings.add(Finding {
                severity: Severity::Note,
                file: primary.path.display().to_string(),
                page: None,
                offset: None,
                text: format!(
                    "several of the files say that they are file {} of this database: which of them belong together is not known, so log and data were not compared",
                    twice[0]
                ),
            });
            continue;
        }
        let own: Vec<(String, &Device)> =
            logs().filter(of).map(|d| (d.path.display().to_string(), &d.device)).collect();
        let own: Vec<(&str, &Device)> = own.iter().map(|(name, device)| (name.as_str(), *device)).collect();
        if let Some(end) = log_file::check_needed(&own, boot.needed_log, findings) {
            ends.insert(primary.header.binding_id.clone(), end);
        }
    }
    let primaries = || data.iter().filter(|d| d.header.boot.is_some());
    for log in logs().filter(|_| primaries().next().is_some()) {
        if !primaries().any(|d| d.header.binding_id == log.header.binding_id) {
            findings.add(Finding {
                severity: Severity::Note,
                file: log.path.display().to_string(),
                page: None,
                offset: None,
                text: "the log belongs to none of the databases whose primary data file is given".to_owned(),
            });
        }
    }
    ends
}

/// Structure of the data files given, database by database (files of one database share their binding id).
fn check_structure(
    data: &[DataInput],
    mut checks: BTreeMap<String, PageChecks>,
    args: &Args,
    findings: &Findings,
    summary: &mut Vec<String>,
) {
    for primary in data.iter().filter(|d| d.header.boot.is_some()) {
        let members = data
            .iter()
            .filter(|d| d.header.kind == "data" && d.header.binding_id == primary.header.binding_id);
        let files: BTreeMap<_, _> = members.map(|d| (d.header.file_id, d.device.clone())).collect();
        let bytes: u64 = files.values().map(Device::length).sum();
        let name = primary.path.display().to_string();
        let given: Vec<u16> = files.keys().copied().collect();
        let whole = check_members(primary, &given, findings);
        let links = checks.remove(&primary.header.binding_id);
        if let Some(text) = links.and_then(|c| c.check_links(&name, Severity::Damage, findings)) {
            summary.push(format!("{name}: {text}"));
        }
        if !whole {
            summary.push(format!("{name}: keys, heaps and allocation not checked (files are missing)"));
        } else if args.wants_deep(bytes) {
            summary.push(deep::check_files(files, &name, findings));
        } else if !args.quick {
            summary.push(format!("{name}: keys, heaps and allocation not checked (--deep does)"));
        }
    }
}

/// Whether all data files are there that the primary file names; tells of those that are not, and of a database that still
/// needs its log.
fn check_members(primary: &DataInput, given: &[u16], findings: &Findings) -> bool {
    // What cannot be read of the primary file is damage that the other checks tell.
    let Ok(facts) = read_primary(&RealDisk, &primary.path) else { return true };
    let add = |severity, text| {
        let file = primary.path.display().to_string();
        findings.add(Finding { severity, file, page: None, offset: None, text });
    };
    if !facts.closed_cleanly {
        add(
            Severity::Note,
            "the database was not closed cleanly: changes that only its log holds are not in the data files; attaching it with its log recovers them"
                .to_owned(),
        );
    }
    let missing: Vec<String> = facts
        .files
        .iter()
        .filter(|f| !f.is_log && !given.contains(&f.file_id))
        .map(|f| format!("{} ({}, {})", f.file_id, f.logical_name, f.stored_path))
        .collect();
    if !missing.is_empty() {
        add(Severity::Unusable, format!("data files of the database are missing: {}", missing.join(", ")));
    }
    missing.is_empty()
}

/// The data must be as long as the configuration says.
fn check_counts(set: &BackupSet, all_stripes: bool, findings: &Findings) {
    let Some(configuration) = set.configuration() else { return };
    if !all_stripes || set.require_complete().is_err() {
        return;
    }
    let told: u64 =
        configuration.data_files().map(|f| holdfast_backup::rows::file_backup_size(set.head(), f)).sum();
    let held: u64 = set.pages(0).iter().map(|s| s.stream.length).sum();
    if held < told {
        findings.add(Finding {
            severity: Severity::Damage,
            file: set.media().device.name().to_string(),
            page: None,
            offset: None,
            text: format!("the set should hold {told} bytes of pages but has {held}"),
        });
    }
}

/// Differentials and logs whose beginning is not among the files: a note, since they may lie elsewhere.
fn chain_findings(sets: &[BackupSet], findings: &Findings) {
    let links: Vec<(usize, Link)> =
        sets.iter().enumerate().filter_map(|(i, s)| Some((i, Link::of(s)?))).collect();
    let mut families: Vec<[u8; 16]> = links.iter().map(|(_, l)| l.family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        let of: Vec<&(usize, Link)> = links.iter().filter(|(_, l)| l.family == family).collect();
        let steps = best_sequence(&of.iter().map(|(_, l)| *l).collect::<Vec<_>>());
        let reached = steps.last().map(|&s| of[s].1.last);
        for (index, link) in &of {
            let needs = match link.kind {
                BackupKind::Differential => !of.iter().any(|(_, o)| o.guid == link.differential_base),
                BackupKind::Log => reached.is_none_or(|r| link.first > r),
                _ => false,
            };
            if needs {
                findings.add(Finding {
                    severity: Severity::Note,
                    file: sets[*index].media().device.name().to_string(),
                    page: None,
                    offset: None,
                    text: format!(
                        "restoring it needs a backup that is not among these files (up to LSN {})",
                        link.first
                    ),
                });
            }
        }
    }
}

fn conclude(findings: &Findings, summary: &[String]) -> anyhow::Result<ExitCode> {
    let worst = findings.worst();
    let (list, more) = findings.take();
    for finding in &list {
        outln(&finding.to_string())?;
    }
    if more > 0 {
        outln(&format!("and {more} more findings"))?;
    }
    for line in summary {
        outln(line)?;
    }
    let (word, code) = match worst {
        Some(Severity::Unusable) => ("UNUSABLE", 2),
        Some(Severity::Damage) => ("DAMAGED", 1),
        _ => ("good", 0),
    };
    outln(word)?;
    Ok(ExitCode::from(code))
}
