//! CREATE DATABASE, DROP DATABASE, attaching and detaching.
//!
//! Invariants
//! 1. A Windows path keeps its file name and goes to the data directory, as in RESTORE; so scripts made for Windows run.
//! 2. An option that means nothing here, or cannot be set yet, is refused with an error that says so; those whose value is
//!    already what is asked for are accepted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_base::world::{Entropy, SystemEntropy};
use holdfast_engine::instance::attach::{self, AttachedFacts};
use holdfast_engine::instance::create::{
    DEFAULT_GROWTH, DEFAULT_PAGES, LEAST_PAGES, LEAST_PRIMARY_PAGES, NewDatabaseOptions, NewFile,
};
use holdfast_engine::instance::{FileRecord, Instance, MODEL};
use holdfast_format::log::LogTime;
use holdfast_tsql::ast::{AttachKind, CreateDatabase, Drop, Expr, FileDefinition};
use holdfast_types::{CollationId, NameOrder, SqlError, SqlResult, Value};

use crate::procedure::administration::Call;
use crate::procedure::raise::integer;

type Many<T> = Result<T, Vec<SqlError>>;

/// Page checksums.
const STATUS: u32 = 0x1_0000;
const SIMPLE: u32 = 8;
const BULK_LOGGED: u32 = 4;
/// What a server of the version of new databases calls its own level.
const COMPATIBILITY: u16 = 110;
/// Pages of a megabyte.
const MEGABYTE: i64 = 128;

fn one(e: SqlError) -> Vec<SqlError> {
    vec![e]
}

/// Where a named file lies: Windows paths by their name, relative ones in the data directory.
pub fn local_path(instance: &Instance, name: &str) -> PathBuf {
    let directory = instance.data_directory();
    match name.rsplit_once('\\') {
        Some((_, file)) => directory.join(file),
        None if Path::new(name).is_absolute() => PathBuf::from(name),
        None => directory.join(name),
    }
}

/// Options of a new database that ask for what every database here has.
const AS_IT_IS: &[(&str, &str)] = &[
    ("CATALOG_COLLATION", "DATABASE_DEFAULT"),
    ("LEDGER", "OFF"),
    ("DB_CHAINING", "OFF"),
    ("TRUSTWORTHY", "OFF"),
];

/// Evaluates constants of the statement.
pub(super) struct Reader<'a, 'b> {
    pub(super) call: &'a mut Call<'b>,
}

impl Reader<'_, '_> {
    pub(super) fn text(&mut self, e: &Expr) -> SqlResult<String> {
        Ok(match (self.call.evaluate)(e)? {
            Value::String(s) => s.to_text(),
            other => integer(&other).map(|n| n.to_string()).unwrap_or_default(),
        })
    }

    /// A size in pages; `default_unit` when none is given.
    pub(super) fn pages(&mut self, e: &Expr, unit: Option<&str>) -> SqlResult<i64> {
        let n = integer(&(self.call.evaluate)(e)?).unwrap_or(0);
        let pages = match unit.unwrap_or("MB") {
            "KB" => n.saturating_add(7) / 8,
            "GB" => n.saturating_mul(MEGABYTE * 1024),
            "TB" => n.saturating_mul(MEGABYTE * 1024 * 1024),
            _ => n.saturating_mul(MEGABYTE),
        };
        Ok(pages)
    }

    /// MAXSIZE in pages; -1 for UNLIMITED.
    pub(super) fn limit(&mut self, e: &Expr, unit: Option<&str>) -> SqlResult<i32> {
        if matches!((self.call.evaluate)(e)?, Value::String(_)) {
            return Ok(-1);
        }
        Ok(i32::try_from(self.pages(e, unit)?).unwrap_or(i32::MAX))
    }

    /// One file of ON or LOG ON.
    pub(super) fn file(
        &mut self,
        definition: &FileDefinition,
        instance: &Instance,
        log: bool,
        filegroup: u16,
        default_size: u32,
    ) -> SqlResult<NewFile> {
        let mut file = NewFile {
            log,
            filegroup,
            logical_name: String::new(),
            path: PathBuf::new(),
            size: default_size,
            max_size: None,
            growth: DEFAULT_GROWTH,
            percent: false,
        };
        for s in &definition.settings {
            let unit = s.unit.as_deref();
            match (s.name.as_str(), &s.value) {
                ("NAME", Some(v)) => file.logical_name = self.text(v)?,
                ("FILENAME", Some(v)) => file.path = local_path(instance, &self.text(v)?),
                ("SIZE", Some(v)) => {
                    let pages = self.pages(v, unit)?;
                    file.size = u32::try_from(pages).unwrap_or(u32::MAX).next_multiple_of(8);
                }
                ("MAXSIZE", Some(v)) => {
                    let unlimited = matches!((self.call.evaluate)(v)?, Value::String(_));
                    let pages = if unlimited { 0 } else { self.pages(v, unit)? };
                    file.max_size = (!unlimited).then(|| u32::try_from(pages).unwrap_or(u32::MAX));
                }
                ("FILEGROWTH", Some(v)) if unit == Some("%") => {
                    file.percent = true;
                    file.growth = u32::try_from(integer(&(self.call.evaluate)(v)?).unwrap_or(0)).unwrap_or(0);
                }
                ("FILEGROWTH", Some(v)) => {
                    file.growth = u32::try_from(self.pages(v, unit)?).unwrap_or(u32::MAX);
                }
                (other, _) => return Err(SqlError::not_supported(format!("{other} of a new file"))),
            }
        }
        if file.logical_name.is_empty() {
            // The file's own name, without its extension.
            file.logical_name = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        if file.path.as_os_str().is_empty() {
            return Err(SqlError::with_text(
                1829,
                16,
                "The file specification has no FILENAME; every file of CREATE DATABASE needs one.",
            ));
        }
        let least = if log || file.filegroup != 1 { LEAST_PAGES } else { LEAST_PRIMARY_PAGES.min(file.size) };
        if file.size < least {
            return Err(SqlError::new(5174, &[]));
        }
        if !file.path.parent().is_some_and(Path::is_dir) {
            let shown = file.path.display();
            return Err(SqlError::new(5133, &[&shown, &"2(No such file or directory)"]));
        }
        if let Some(max) = file.max_size
            && max < file.size
        {
            let text = format!(
                "MODIFY FILE failed. Specified size is greater than the maximum size of file '{}'.",
                file.logical_name
            );
            return Err(SqlError::with_text(5040, 16, text));
        }
        Ok(file)
    }
}

/// A file name made of the database's name.
fn file_name(database: &str, ending: &str) -> String {
    let safe: String =
        database.chars().map(|c| if matches!(c, '/' | '\\' | '\0') { '_' } else { c }).collect();
    format!("{safe}{ending}")
}

fn collation_of(statement: &CreateDatabase, instance: &Instance) -> SqlResult<CollationId> {
    let Some(name) = &statement.collation else { return Ok(instance.options.collation) };
    CollationId::from_name(&name.text)
        .ok_or_else(|| SqlError::with_text(448, 16, format!("Invalid collation '{}'.", name.text)))
}

/// CREATE DATABASE in all its forms.
pub fn create(statement: &CreateDatabase, call: &mut Call<'_>) -> Many<Option<u64>> {
    let host = Arc::clone(&call.session.host);
    let instance = &host.instance;
    let name = statement.name.text.as_str();
    if name.is_empty() || name.encode_utf16().count() > 123 {
        let text = format!("The database name '{name}' is not a valid identifier of at most 123 characters.");
        return Err(vec![SqlError::with_text(1838, 16, text)]);
    }
    if instance.find(name).is_some() {
        return Err(vec![SqlError::new(1801, &[&name]).state(3)]);
    }
    if call.session.state.lock().transaction.count > 0 {
        let text = "CREATE DATABASE statement not allowed within multi-statement transaction.";
        return Err(vec![SqlError::with_text(226, 16, text).state(5)]);
    }
    if statement.snapshot_of.is_some() {
        return Err(vec![SqlError::not_supported("A database snapshot")]);
    }
    if let Some(kind) = statement.attach {
        return attach_files(statement, kind, call).map_err(failed_to_create);
    }
    if statement.containment.as_deref().is_some_and(|c| c != "NONE") {
        return Err(vec![SqlError::not_supported("CONTAINMENT other than NONE")]);
    }
    let options = plan_files(statement, call).map_err(one)?;
    let created = {
        let utc = host.clock.now_utc();
        utc.as_secs() as i64 + i64::from(host.clock.local_offset_minutes(utc)) * 60
    };
    let entry = instance.create_database(&options, created, &SystemEntropy).map_err(|e| match e.number {
        5123 | 5149 | 5170 | 1834 => {
            let text =
                "CREATE DATABASE failed. Some file names listed could not be created. Check related errors.";
            vec![e, SqlError::with_text(1802, 16, text).state(4)]
        }
        _ => vec![e],
    })?;
    for (option, value) in instance.database_options(MODEL) {
        if option != "USER_ACCESS" {
            instance.set_database_option(entry.id, &option, Some(&value)).map_err(one)?;
        }
    }
    Ok(None)
}

/// The recovery model that model has, as bits of the boot page's status.
fn recovery_of_model(instance: &Instance) -> SqlResult<u32> {
    Ok(match instance.online("model")?.properties().recovery_model {
        3 => SIMPLE,
        2 => BULK_LOGGED,
        _ => 0,
    })
}

fn failed_to_create(e: SqlError) -> Vec<SqlError> {
    vec![e]
}

fn plan_files(statement: &CreateDatabase, call: &mut Call<'_>) -> SqlResult<NewDatabaseOptions> {
    let host = Arc::clone(&call.session.host);
    let instance = &host.instance;
    let name = statement.name.text.as_str();
    let mut reader = Reader { call };
    let mut files = Vec::new();
    for f in &statement.files {
        files.push(reader.file(f, instance, false, 1, DEFAULT_PAGES)?);
    }
    if files.is_empty() {
        files.push(NewFile {
            log: false,
            filegroup: 1,
            logical_name: name.to_owned(),
            path: instance.data_directory().join(file_name(name, ".mdf")),
            size: DEFAULT_PAGES,
            max_size: None,
            growth: DEFAULT_GROWTH,
            percent: false,
        });
    }
    let mut filegroups = Vec::new();
    for (n, g) in statement.filegroups.iter().enumerate() {
        if let Some(kind) = &g.contains {
            return Err(SqlError::not_supported(format!("A filegroup that contains {kind}")));
        }
        let id = u16::try_from(n + 2).unwrap_or(u16::MAX);
        for f in &g.files {
            files.push(reader.file(f, instance, false, id, DEFAULT_PAGES)?);
        }
        filegroups.push((id, g.name.text.clone(), g.default));
    }
    if let Some(first) = files.first()
        && first.size < LEAST_PRIMARY_PAGES
    {
        return Err(SqlError::new(1803, &[&(i64::from(LEAST_PRIMARY_PAGES) / MEGABYTE)]));
    }
    let data: u64 = files.iter().map(|f| u64::from(f.size)).sum();
    for f in &statement.log {
        files.push(reader.file(f, instance, true, 0, DEFAULT_PAGES)?);
    }
    if statement.log.is_empty() {
        let quarter = u32::try_from(data / 4).unwrap_or(u32::MAX).next_multiple_of(8).max(LEAST_PAGES);
        files.push(NewFile {
            log: true,
            filegroup: 0,
            logical_name: format!("{name}_log"),
            path: instance.data_directory().join(file_name(name, "_log.ldf")),
            size: if statement.files.is_empty() { DEFAULT_PAGES } else { quarter },
            max_size: None,
            growth: DEFAULT_GROWTH,
            percent: false,
        });
    }
    for (i, f) in files.iter().enumerate() {
        if files.iter().take(i).any(|o| NameOrder::instance().same(&o.logical_name, &f.logical_name)) {
            return Err(SqlError::new(1828, &[&f.logical_name]));
        }
    }
    for o in &statement.options {
        let value = o.value.as_ref().map_or(Ok(String::new()), |v| Reader { call }.text(v))?;
        if !AS_IT_IS.contains(&(o.name.as_str(), value.to_ascii_uppercase().as_str())) {
            return Err(SqlError::not_supported(format!("CREATE DATABASE WITH {}", o.name)));
        }
    }
    Ok(NewDatabaseOptions {
        name: name.to_owned(),
        collation: collation_of(statement, instance)?,
        files,
        filegroups,
        compatibility_level: COMPATIBILITY,
        status: STATUS | recovery_of_model(instance)?,
    })
}

/// Names the files of an attached database: those given, found by the file id in their first page; else those of the
/// catalog's names beside the primary file.
fn locate(
    facts: &AttachedFacts,
    given: &[PathBuf],
    primary: &Path,
    instance: &Instance,
) -> SqlResult<(Vec<FileRecord>, Vec<(u16, String)>)> {
    let disk = instance.disk();
    let (mut found, mut missing_logs) = (Vec::new(), Vec::new());
    for f in &facts.files {
        let beside = || {
            let base = f.stored_path.rsplit(['\\', '/']).next().unwrap_or("");
            primary.with_file_name(base)
        };
        let path = if f.file_id == 1 {
            Some(primary.to_path_buf())
        } else {
            let named = given.iter().find(|p| attach::file_id(&*disk, p) == Some(f.file_id)).cloned();
            named.or_else(|| Some(beside()).filter(|p| attach::file_id(&*disk, p) == Some(f.file_id)))
        };
        match path {
            Some(path) => found.push(FileRecord {
                file_id: f.file_id,
                is_log: f.is_log,
                logical_name: f.logical_name.clone(),
                path,
            }),
            None if f.is_log => missing_logs.push((f.file_id, f.logical_name.clone())),
            None => {
                let shown = beside();
                return Err(SqlError::new(5120, &[&shown.display(), &2, &"2(No such file or directory)"]));
            }
        }
    }
    Ok((found, missing_logs))
}

fn attach_files(statement: &CreateDatabase, kind: AttachKind, call: &mut Call<'_>) -> SqlResult<Option<u64>> {
    let mut given = Vec::new();
    let host = Arc::clone(&call.session.host);
    let mut reader = Reader { call };
    for f in statement.files.iter().chain(&statement.log) {
        for s in f.settings.iter().filter(|s| s.name == "FILENAME") {
            if let Some(v) = &s.value {
                given.push(local_path(&host.instance, &reader.text(v)?));
            }
        }
    }
    attach_database(&statement.name.text, &given, kind != AttachKind::Attach, call)?;
    Ok(None)
}

/// Attaches files under a name. `rebuild`: a log that is there is left aside and a new one made.
pub fn attach_database(name: &str, given: &[PathBuf], rebuild: bool, call: &mut Call<'_>) -> SqlResult<()> {
    let host = Arc::clone(&call.session.host);
    let instance = &host.instance;
    if instance.find(name).is_some() {
        return Err(SqlError::new(1801, &[&name]).state(3));
    }
    let disk = instance.disk();
    let Some(primary) = given.first() else {
        return Err(SqlError::with_text(
            1829,
            16,
            "The FOR ATTACH option requires that at least the primary file be specified.",
        ));
    };
    let shown = primary.display();
    if !disk.exists(primary) {
        return Err(SqlError::new(5120, &[&shown, &2, &"2(No such file or directory)"]));
    }
    if attach::file_id(&*disk, primary) != Some(1) {
        return Err(SqlError::new(5171, &[&shown]));
    }
    let facts = attach::read_primary(&*disk, primary).map_err(|reason| {
        let mut e = SqlError::new(1813, &[&name]);
        e.message = format!("{} [{reason}]", e.message);
        e
    })?;
    if i32::from(facts.version) > instance.options.database_version {
        return Err(SqlError::new(948, &[&name, &facts.version, &instance.options.database_version]));
    }
    if let Some(other) = given.iter().find(|p| disk.exists(p) && attach::file_id(&*disk, p).is_none()) {
        return Err(SqlError::new(5172, &[&other.display(), &"FILE SIZE"]));
    }
    let (mut files, mut missing) = locate(&facts, given, primary, instance)?;
    // Before anything is written into them.
    for f in &files {
        if let Some(user) = instance.user_of_file(&f.path) {
            return Err(SqlError::new(1834, &[&f.path.display(), &user]));
        }
    }
    let binding = attach::binding(&*disk, primary);
    if files.iter().any(|f| !(rebuild && f.is_log) && attach::binding(&*disk, &f.path) != binding) {
        return Err(SqlError::new(5173, &[]));
    }
    if rebuild {
        for f in files.iter().filter(|f| f.is_log) {
            missing.push((f.file_id, f.logical_name.clone()));
        }
        files.retain(|f| !f.is_log);
    }
    if !files.iter().any(|f| f.is_log) {
        missing.sort_by_key(|m| m.0);
        let Some((id, logical)) = missing.first().cloned() else {
            return Err(SqlError::new(5173, &[]));
        };
        if !facts.closed_cleanly {
            let text = "The log cannot be rebuilt because there were open transactions/users when the database was shutdown, no checkpoint occurred to the database, or the database was read-only. This error could occur if the transaction log file was manually deleted or lost due to a hardware or environment failure.";
            return Err(SqlError::with_text(1813, 16, text));
        }
        let path = free_log_path(primary, name, &*disk);
        let data: Vec<_> = files.iter().map(|f| (f.file_id, f.path.clone())).collect();
        let now = host.now();
        let time = LogTime { days: now.days as u32, ticks: now.ticks };
        attach::rebuild_log(&*disk, &data, (id, &logical, &path), SystemEntropy.guid(), time).map_err(
            |reason| {
                let mut e = SqlError::new(1813, &[&name]);
                e.message = format!("{} [{reason}]", e.message);
                e
            },
        )?;
        let text = format!("New log file '{}' was created.", path.display());
        let _ = call.sink.message(&SqlError::with_text(1802, 10, text));
        files.push(FileRecord { file_id: id, is_log: true, logical_name: logical, path });
    }
    instance.attach_database(name, files)?;
    Ok(())
}

fn free_log_path(primary: &Path, name: &str, disk: &dyn holdfast_disk::Disk) -> PathBuf {
    let plain = primary.with_file_name(file_name(name, "_log.ldf"));
    if !disk.exists(&plain) {
        return plain;
    }
    (1u32..)
        .map(|n| primary.with_file_name(file_name(name, &format!("_log{n}.ldf"))))
        .find(|p| !disk.exists(p))
        .unwrap_or(plain)
}

/// DROP DATABASE a, b.
pub fn drop(statement: &Drop, call: &mut Call<'_>) -> Many<Option<u64>> {
    let host = Arc::clone(&call.session.host);
    for name in &statement.names {
        let shown = &name.name.text;
        let Some(entry) = host.instance.find(shown) else {
            if statement.if_exists {
                continue;
            }
            return Err(vec![SqlError::new(3701, &[&"drop", &"database", shown])]);
        };
        if entry.id <= 4 {
            return Err(vec![SqlError::new(3708, &[&"drop", &"database", shown, &"database"]).state(4)]);
        }
        if host.instance.is_occupied(&entry.name) || in_use(entry.id, call) {
            return Err(vec![SqlError::new(3702, &[&"database", shown]).state(3)]);
        }
        host.instance.drop_database(shown).map_err(one)?;
    }
    Ok(None)
}

fn in_use(database: i32, call: &Call<'_>) -> bool {
    let session = call.session;
    session.current_database().id == database || !session.host.users_of(database, session.id).is_empty()
}

/// sp_detach_db.
pub fn detach(name: &str, call: &mut Call<'_>) -> SqlResult<()> {
    let host = Arc::clone(&call.session.host);
    let entry = host.instance.find(name).ok_or_else(|| SqlError::new(15010, &[&name]))?;
    if entry.id <= 4 {
        let text = "System databases master, model, msdb, and tempdb cannot be detached.";
        return Err(SqlError::with_text(7940, 16, text));
    }
    if host.instance.is_occupied(&entry.name) || in_use(entry.id, call) {
        return Err(SqlError::new(3703, &[&"database", &name]).state(2));
    }
    host.instance.detach_database(name).map(|_| ())
}
