//! RESTORE DATABASE and RESTORE LOG: from the request to an open (or RESTORING) database, with its messages.
//!
//! Order: open devices, check the set against version, database and sequence, choose files, list the database as RESTORING,
//! place pages, roll the log, open. The list is durable before the first page is written, so a stop at any point leaves a
//! database that says RESTORING, or none.
//!
//! Invariants
//! 1. Nothing is written before every check that can be made without writing has passed.
//! 2. A first restore that fails leaves no database and no files; a later step of a sequence that fails leaves it RESTORING.
//! 3. One statement at a time works on a database: whoever comes meanwhile finds it in use.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use holdfast_backup::config::flags;
use holdfast_backup::{BackupKind, BackupSet, Configuration, FileInfo, FileKind, RecoveryModel};
use holdfast_base::world::Clock;
use holdfast_engine::instance::{DatabaseState, FileRecord, Instance};
use holdfast_types::{NameOrder, SqlError, SqlResult};

use super::devices::{choose_set, disk_path, open_set, os_text};
use super::errors::message;
use super::request::{RecoveryOption, RestoreRequest, RestoreVerb};
use super::roll;
use super::targets::{check_moves, check_space, file_name_of, moved_to, plain_path};
use crate::session::{CancelFlag, ResultSink};

/// What a server keeps in its data directory beside the files of databases.
const OWN_FILES: [&str; 8] = [
    "security",
    "system",
    "decisions",
    "log",
    "spill",
    "holdfast.lock",
    "instance.json",
    "instance.json.new",
];

/// Bytes; room is left for what is put behind it (journal).
const LONGEST_FILE_NAME: usize = 240;

/// What the statement needs of the session and the host.
pub struct Surroundings<'a> {
    pub instance: &'a Arc<Instance>,
    pub cancel: &'a CancelFlag,
    /// The session's own current database.
    pub session_database: i32,
    /// Whether another session is in a database.
    pub in_use: &'a dyn Fn(i32) -> bool,
    pub workers: usize,
    pub clock: &'a dyn Clock,
    /// Told how many percent are done.
    pub progress: &'a dyn Fn(f32),
    /// The SID of the login that restores: it will own a database that is new. `None`: whoever owned it in the backup.
    pub restorer: Option<Vec<u8>>,
}

/// Runs the statement. Informational messages go to the sink; errors come back, to be sent by the caller before 3013.
///
/// # Errors
/// All errors in the order in which they are to be sent.
pub fn restore(
    request: &RestoreRequest,
    around: &Surroundings<'_>,
    sink: &mut dyn ResultSink,
) -> Result<(), Vec<SqlError>> {
    let name = match &request.verb {
        RestoreVerb::Database(n) | RestoreVerb::Log(n) => n.clone(),
        other => return Err(vec![SqlError::not_supported(other.words())]),
    };
    let Some(_occupied) = around.instance.occupy(&name) else {
        return Err(vec![SqlError::new(3101, &[])]);
    };
    if request.devices.is_empty() {
        return recover_only(&name, request, around, sink).map_err(|e| vec![e]);
    }
    let media = open_set(request, &around.instance.backup_directory()).map_err(|e| vec![e])?;
    let position = request.file.unwrap_or(1);
    let set = choose_set(&media, request).map_err(|e| vec![e])?;
    let configuration = set.require_complete().map_err(|e| vec![message(&e)])?.clone();
    check_version(&configuration, around.instance).map_err(|e| vec![e])?;
    set.require_plain().map_err(|e| vec![message(&e)])?;
    if request.stop_at.is_some() && configuration.set.recovery_model() == RecoveryModel::Simple {
        return Err(vec![SqlError::new(3145, &[])]);
    }
    let kind = configuration.set.kind;
    let wanted = if matches!(request.verb, RestoreVerb::Log(_)) { BackupKind::Log } else { kind };
    if wanted != kind || kind == BackupKind::Log && !matches!(request.verb, RestoreVerb::Log(_)) {
        let device = media.media.first().map_or("", |m| m.device.name()).to_owned();
        return Err(vec![SqlError::new(3135, &[&device, &made_by(kind)])]);
    }
    if request.checksum == Some(true) && !configuration.set.has(flags::CHECKSUMS) {
        return Err(vec![SqlError::new(3187, &[])]);
    }
    let job = Job { request, around, name: &name, set: &set, configuration: &configuration, position };
    match kind {
        BackupKind::Full => job.full(sink),
        BackupKind::Differential | BackupKind::Log => job.continue_sequence(sink),
        other => Err(vec![SqlError::not_supported(format!("Restoring a {} backup", other.description()))]),
    }
}

/// The statement that makes a kind of backup, for 3135.
fn made_by(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Log => "BACKUP LOG",
        _ => "BACKUP DATABASE",
    }
}

/// 3169 for anything newer than the configured version.
fn check_version(configuration: &Configuration, instance: &Instance) -> SqlResult<()> {
    let s = &configuration.set;
    if i32::from(s.database_version) <= instance.options.database_version {
        return Ok(());
    }
    let (major, minor, build, _) = instance.options.product_version;
    let shown = |a: u8, b: u8, c: u16, d: i32| format!("{a}.{b:02}.{c:04} (database version {d})");
    Err(SqlError::new(
        3169,
        &[
            &shown(s.software_major, s.software_minor, s.software_build, i32::from(s.database_version)),
            &shown(major, minor, build, instance.options.database_version),
        ],
    ))
}

/// RESTORE DATABASE x WITH RECOVERY, without FROM: finishes a sequence.
fn recover_only(
    name: &str,
    request: &RestoreRequest,
    around: &Surroundings<'_>,
    sink: &mut dyn ResultSink,
) -> SqlResult<()> {
    let entry = around.instance.find(name).ok_or_else(|| SqlError::new(911, &[&name]))?;
    if !matches!(entry.state(), DatabaseState::Restoring) {
        return Err(SqlError::new(3148, &[]));
    }
    if request.recovery != RecoveryOption::Recovery {
        return Err(SqlError::new(3031, &[&"norecovery", &"recovery"]));
    }
    let start = Instant::now();
    roll::recover(&around.instance.restore_state_path(entry.id), &entry.name, around.clock)?;
    around.instance.finish_restore(name).map_err(|reason| could_not_start(name, &reason))?;
    let _ = sink.message(&finished(request.verb.words(), 0, start));
    Ok(())
}

fn could_not_start(name: &str, reason: &str) -> SqlError {
    let mut e = SqlError::new(3167, &[&name]);
    e.message = format!("{} [{reason}]", e.message);
    e
}

/// 3014 with its arithmetic: MB of 2^20 bytes, seconds and rate cut to three decimals.
fn finished(words: &str, pages: u64, start: Instant) -> SqlError {
    let micros = start.elapsed().as_micros().max(1);
    let ms = (micros / 1000).max(1);
    let rate = u128::from(pages) * 8192 * 1_000_000 * 1000 / (1 << 20) / micros;
    SqlError::new(
        3014,
        &[
            &words,
            &pages,
            &(ms / 1000),
            &format!("{:03}", ms % 1000),
            &(rate / 1000),
            &format!("{:03}", rate % 1000),
        ],
    )
}

struct Job<'a> {
    request: &'a RestoreRequest,
    around: &'a Surroundings<'a>,
    name: &'a str,
    set: &'a BackupSet,
    configuration: &'a Configuration,
    position: u32,
}

impl Job<'_> {
    /// A full backup: makes or replaces the database.
    fn full(&self, sink: &mut dyn ResultSink) -> Result<(), Vec<SqlError>> {
        let planning = |e: SqlError| vec![e, SqlError::new(3119, &[])];
        let existing = self.around.instance.find(self.name);
        let mut old_files = Vec::new();
        if let Some(old) = &existing {
            self.may_replace(old.id, &old.state()).map_err(|e| vec![e])?;
            old_files = old.files.read().clone();
        }
        let instance = self.around.instance;
        let shown = existing.as_ref().map_or_else(|| Arc::from(self.name), |e| Arc::clone(&e.name));
        let before = existing.map(|e| (e.state(), e));
        let (files, notes) = self.take_files(&old_files)?;
        // Nothing is lost where nothing has been written over.
        let ready = check_space(self.configuration, &files, &old_files).map_err(planning);
        let ready = ready.and_then(|()| self.roll(&shown, &files, &old_files, &self.state_path()).prepare());
        if let Err(mut errors) = ready {
            let done = match &before {
                Some((was, entry)) => instance.take_back_restore(entry, was),
                None => instance.remove(self.name),
            };
            errors.extend(done.err().map(|e| SqlError::new(3271, &[&"instance.json", &e.to_string()])));
            return Err(errors);
        }
        for note in notes {
            let _ = sink.message(&note);
        }
        let result = self.run(&shown, &files, &old_files, sink);
        match result {
            Ok(()) => {
                // Files of the database that was replaced and that the new one does not use.
                for f in old_files.iter().filter(|f| files.iter().all(|n| n.path != f.path)) {
                    let _ = std::fs::remove_file(&f.path);
                }
                Ok(())
            }
            Err(mut errors) => {
                let done = match &before {
                    None => instance.discard_restore(self.name),
                    Some((was, entry)) if instance.has_placed_nothing(entry.id) => {
                        instance.take_back_restore(entry, was)
                    }
                    Some(_) => Ok(()),
                };
                errors.extend(done.err().map(|e| SqlError::new(3271, &[&"instance.json", &e.to_string()])));
                Err(errors)
            }
        }
    }

    /// Chooses files and lists the database as RESTORING with them. Another RESTORE may choose the same places at the same
    /// time; who comes later chooses again.
    fn take_files(&self, old: &[FileRecord]) -> Result<(Vec<FileRecord>, Vec<SqlError>), Vec<SqlError>> {
        let mut tries = 0;
        loop {
            let (files, notes) = self.choose_files(old)?;
            match self.around.instance.begin_restore(
                self.name,
                files.clone(),
                self.around.restorer.as_deref(),
            ) {
                Ok(_) => return Ok((files, notes)),
                Err(e) if e.number == 1834 && tries < 100 => tries += 1,
                Err(e) => return Err(vec![e]),
            }
        }
    }

    fn state_path(&self) -> PathBuf {
        let instance = self.around.instance;
        instance.restore_state_path(instance.find(self.name).map_or(0, |e| e.id))
    }

    fn roll<'r>(
        &'r self,
        shown: &'r str,
        files: &'r [FileRecord],
        replaced: &'r [FileRecord],
        state: &'r Path,
    ) -> roll::Roll<'r> {
        roll::Roll {
            set: self.set,
            configuration: self.configuration,
            files,
            replaced,
            state,
            newest_version: self.around.instance.options.database_version,
            verify: self.request.checksum,
            continue_after_error: self.request.continue_after_error,
            stop_at: self.request.stop_at,
            workers: self.around.workers,
            database: shown,
        }
    }

    /// A differential or log backup on top of what is there.
    fn continue_sequence(&self, sink: &mut dyn ResultSink) -> Result<(), Vec<SqlError>> {
        let fail = |e: SqlError| vec![e];
        let Some(entry) = self.around.instance.find(self.name) else {
            return Err(fail(SqlError::new(3118, &[&self.name])));
        };
        if !matches!(entry.state(), DatabaseState::Restoring) {
            return Err(fail(SqlError::new(3117, &[])));
        }
        let files = entry.files.read().clone();
        self.run(&entry.name, &files, &[], sink)
    }

    /// Whether the existing database may be overwritten.
    fn may_replace(&self, id: i32, state: &DatabaseState) -> SqlResult<()> {
        if id <= 4 {
            return Err(SqlError::not_supported("Restoring a system database"));
        }
        if id == self.around.session_database {
            return Err(SqlError::new(3102, &[&"RESTORE", &self.name]));
        }
        if (self.around.in_use)(id) {
            return Err(SqlError::new(3101, &[]));
        }
        if self.request.replace {
            return Ok(());
        }
        match state {
            DatabaseState::Online(d) => {
                if d.family() != Some(self.configuration.set.family) {
                    return Err(SqlError::new(3154, &[&self.name]));
                }
                // What was committed since the last log backup would be lost without a word.
                const SIMPLE: u8 = 3;
                if d.properties().recovery_model != SIMPLE && self.request.stop_at.is_none() {
                    return Err(SqlError::new(3159, &[&self.name]));
                }
                Ok(())
            }
            // A restore that was not finished may be begun again with the same database's backup.
            DatabaseState::Restoring => match roll::progress(&self.around.instance.restore_state_path(id)) {
                Some(p) if p.family != self.configuration.set.family => {
                    Err(SqlError::new(3154, &[&self.name]))
                }
                _ => Ok(()),
            },
            // What is in it cannot be looked at; its first file says whose it is.
            DatabaseState::Offline | DatabaseState::RecoveryPending(_) => {
                let files = self.around.instance.find_id(id).map(|e| e.files.read().clone());
                let primary = files.iter().flatten().find(|f| !f.is_log && f.file_id == 1);
                let family = primary.and_then(|f| roll::family(&f.path));
                let number = if family == Some(self.configuration.set.family) { 3159 } else { 3154 };
                Err(SqlError::new(number, &[&self.name]))
            }
        }
    }

    /// Paths for all files: MOVE targets, the replaced database's own places, else the data directory.
    fn choose_files(&self, old: &[FileRecord]) -> Result<(Vec<FileRecord>, Vec<SqlError>), Vec<SqlError>> {
        let planning = |e: SqlError| vec![e, SqlError::new(3119, &[])];
        check_moves(&self.request.moves, self.configuration, self.name).map_err(|e| vec![e])?;
        let mut out: Vec<FileRecord> = Vec::new();
        let mut notes = Vec::new();
        let mut taken: BTreeSet<PathBuf> = BTreeSet::new();
        for f in &self.configuration.files {
            if let FileKind::Other(_) = f.kind {
                return Err(vec![SqlError::not_supported("Restoring FILESTREAM or memory-optimized data")]);
            }
            let moved = self.request.moves.iter().find(|m| NameOrder::instance().same(&m.0, &f.logical_name));
            let path = match moved {
                Some((_, target)) => self.moved_path(f, target, old).map_err(|(e, path)| {
                    let overwrites = e.number == 3142;
                    let mut errors = planning(e);
                    if !overwrites {
                        errors.insert(1, SqlError::new(3156, &[&f.logical_name, &path]));
                    }
                    errors
                })?,
                None => {
                    let path = self.default_path(f, old, &taken);
                    notes.push(mapped(f, &path));
                    path
                }
            };
            if !taken.insert(plain_path(&path)) {
                let first = out.iter().find(|o| plain_path(&o.path) == plain_path(&path));
                let first_name = first.map_or("", |o| o.logical_name.as_str()).to_owned();
                let first_id = first.map_or(0, |o| o.file_id);
                let shown = path.display().to_string();
                return Err(planning(SqlError::new(
                    3176,
                    &[&shown, &f.logical_name, &f.id, &first_name, &first_id],
                )));
            }
            out.push(FileRecord {
                file_id: f.id as u16,
                is_log: f.kind == FileKind::Log,
                logical_name: f.logical_name.clone(),
                path,
            });
        }
        Ok((out, notes))
    }

    /// A MOVE target: 1834, 3142, 5133 as they apply, with the path they are about.
    fn moved_path(
        &self,
        f: &FileInfo,
        target: &str,
        old: &[FileRecord],
    ) -> Result<PathBuf, (SqlError, String)> {
        const ENOENT: i32 = 2;
        const EACCES: i32 = 13;
        let directory = self.around.instance.data_directory();
        let path = moved_to(target, &directory);
        let shown = path.display().to_string();
        if let Some(user) = self.around.instance.user_of_file(&path)
            && !NameOrder::instance().same(&user, self.name)
        {
            return Err((SqlError::new(1834, &[&shown, &user]), shown));
        }
        if self.is_kept(&path) {
            return Err((SqlError::new(5123, &[&os_text(EACCES, ""), &shown]), shown));
        }
        let own = old.iter().any(|o| o.path == path);
        if path.exists() && !own && !self.request.replace {
            return Err((SqlError::new(3142, &[&f.logical_name, &shown]), shown));
        }
        if !path.parent().is_some_and(Path::is_dir) {
            return Err((SqlError::new(5133, &[&shown, &os_text(ENOENT, "")]), shown));
        }
        Ok(path)
    }

    /// Whether a file may not be written over whoever asks: one of the devices that are read, and what the instance keeps in
    /// its directory beside `data`.
    fn is_kept(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let instance = self.around.instance;
        let identity = |p: &Path| std::fs::metadata(p).ok().map(|m| (m.dev(), m.ino()));
        let wanted = identity(path);
        let devices = self.request.devices.iter().map(|d| disk_path(&d.name, &instance.backup_directory()));
        if wanted.is_some() && devices.into_iter().any(|d| identity(&d) == wanted) {
            return true;
        }
        let whole = |p: &Path| std::fs::canonicalize(p).unwrap_or_else(|_| p.to_owned());
        let path = plain_path(path);
        let within = path.strip_prefix(whole(&instance.options.data_directory)).ok();
        let first = within.and_then(|p| p.components().next());
        first.is_some_and(|f| OWN_FILES.iter().any(|own| f.as_os_str() == *own))
    }

    /// The replaced database's place for the file; else the backup's file name in the data directory, made unique.
    fn default_path(&self, f: &FileInfo, old: &[FileRecord], taken: &BTreeSet<PathBuf>) -> PathBuf {
        if let Some(o) =
            old.iter().find(|o| u32::from(o.file_id) == f.id && !taken.contains(&plain_path(&o.path)))
        {
            return o.path.clone();
        }
        let directory = self.around.instance.data_directory();
        let file_name = file_name_of(f);
        let unused = |p: &Path| self.around.instance.user_of_file(p).is_none();
        let free = |p: &PathBuf| !p.exists() && !taken.contains(&plain_path(p)) && unused(p);
        let plain = directory.join(&file_name);
        if free(&plain) {
            return plain;
        }
        let safe: String =
            self.name.chars().map(|c| if matches!(c, '/' | '\\' | '\0') { '_' } else { c }).collect();
        (0u32..)
            .map(|n| {
                let number = if n == 0 { String::new() } else { format!("_{n}") };
                // As much of the name as a file's name may hold.
                let room = LONGEST_FILE_NAME.saturating_sub(file_name.len() + number.len() + 1);
                let end = (0..=room.min(safe.len())).rev().find(|i| safe.is_char_boundary(*i));
                directory.join(format!("{}{number}_{file_name}", &safe[..end.unwrap_or(0)]))
            })
            .find(free)
            .unwrap_or(plain)
    }

    /// Places pages, rolls the log, opens; with the messages in SQL Server's order.
    fn run(
        &self,
        shown: &Arc<str>,
        files: &[FileRecord],
        replaced: &[FileRecord],
        sink: &mut dyn ResultSink,
    ) -> Result<(), Vec<SqlError>> {
        let start = Instant::now();
        let instance = self.around.instance;
        let state = self.state_path();
        let recover = self.request.recovery == RecoveryOption::Recovery;
        let mut stats = Stats::new(self.request.stats);
        let roll = self.roll(shown, files, replaced, &state);
        let cancel = self.around.cancel;
        let done = roll.run(&mut |done, total| {
            (self.around.progress)(done as f32 * 100.0 / total.max(1) as f32);
            if let Some(percent) = stats.step(done, total) {
                let _ = sink.message(&SqlError::new(3211, &[&percent]));
                let _ = sink.flush();
            }
            !cancel.is_cancelled()
        })?;
        if self.configuration.set.kind == BackupKind::Full
            && let Some(entry) = instance.find(self.name)
        {
            instance.restore_has_placed(entry.id).map_err(|e| vec![e])?;
            // As a database comes from its backup.
            let _ = instance.set_database_option(entry.id, "USER_ACCESS", None);
        }
        if let Some(percent) = stats.finish() {
            let _ = sink.message(&SqlError::new(3211, &[&percent]));
        }
        let mut total = 0;
        for f in files {
            let pages = done.pages.get(&f.file_id).copied().unwrap_or(0);
            total += pages;
            let m = SqlError::new(4035, &[&pages, shown, &f.logical_name, &self.position]);
            let _ = sink.message(&m);
        }
        if done.damaged > 0 {
            let _ = sink.message(&SqlError::new(3184, &[]));
        }
        if self.request.stop_at.is_some() && !done.stopped {
            // Whatever was asked for: the point lies further on, and more log may follow.
            let _ = sink.message(&SqlError::new(4322, &[]));
        } else if recover {
            roll::recover(&state, shown, self.around.clock).map_err(|e| vec![e])?;
            instance.finish_restore(self.name).map_err(|reason| vec![could_not_start(self.name, &reason)])?;
        }
        let _ = sink.message(&finished(self.request.verb.words(), total, start));
        Ok(())
    }
}

/// Tells where a file went that the statement did not place itself.
fn mapped(f: &FileInfo, path: &Path) -> SqlError {
    SqlError::with_text(
        0,
        0,
        format!(
            "File '{}' ('{}' in the backup) is restored to '{}'.",
            f.logical_name,
            f.physical_name.trim_end(),
            path.display()
        ),
    )
}

/// When to send 3211: at about each step, with the real percentage, and 100 once at the end.
struct Stats {
    step: Option<u32>,
    next: u32,
    last: u32,
}

impl Stats {
    fn new(step: Option<u32>) -> Self {
        Stats { step, next: step.unwrap_or(0), last: 0 }
    }

    fn step(&mut self, done: u64, total: u64) -> Option<u32> {
        let step = self.step?;
        let percent = (u128::from(done) * 100 / u128::from(total.max(1))) as u32;
        if percent < self.next || percent >= 100 {
            return None;
        }
        self.next = (percent / step + 1) * step;
        self.last = percent;
        Some(percent)
    }

    fn finish(&mut self) -> Option<u32> {
        self.step.filter(|_| self.last < 100).map(|_| 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_the_real_percentage_once_a_step() {
        let mut stats = Stats::new(Some(10));
        let said: Vec<u32> = (0..=1000).filter_map(|n| stats.step(n, 1000)).collect();
        assert_eq!(said, [10, 20, 30, 40, 50, 60, 70, 80, 90]);
        assert_eq!(stats.finish(), Some(100));
        assert_eq!(Stats::new(None).finish(), None);
    }
}
