//! Extended procedures and those over the server's log: texts, files, folders.
//!
//! Invariants
//! 1. What looks at the machine's files is for members of sysadmin (`xp_sprintf` and `xp_sscanf` are everybody's).
//! 2. Files and folders are named as on Linux; `C:\dir\file` means `/dir/file`, as SQL Server on Linux has it.
//!
//! Evidence: the documentation of the procedures; the columns of the undocumented ones as their users' scripts read them.

use std::path::{Path, PathBuf};

use holdfast_types::{CollationId, SqlError, SqlType, Value};

use super::run::{Fail, Runner};
use super::server_procedure::{Given, ServerProcedure};
use crate::host::error_log::Entry;
use crate::system_view::{kilobytes, row};

const fn procedure(
    name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    run: super::server_procedure::Body,
) -> ServerProcedure {
    ServerProcedure { name, parameters, required, run }
}

const READ_LOG: &[&str] = &["@p1", "@p2", "@p3", "@p4"];

pub const PROCEDURES: &[ServerProcedure] = &[
    procedure("xp_sprintf", &["string", "format"], 2, |_, given| sprintf(given)),
    procedure("xp_sscanf", &["string", "format"], 2, |_, given| sscanf(given)),
    procedure("xp_logevent", &["error_number", "message", "severity"], 2, |r, given| r.log_event(given)),
    procedure("xp_fileexist", &["filename", "file_exists"], 1, |r, given| r.file_exists(given)),
    procedure("xp_dirtree", &["directory", "depth", "file"], 1, |r, given| r.directory_tree(given)),
    procedure("xp_subdirs", &["directory"], 1, |r, given| r.subdirectories(given)),
    procedure("xp_fixeddrives", &[], 0, |r, _| r.fixed_drives()),
    procedure("xp_create_subdir", &["directory"], 1, |r, given| r.create_directory(given)),
    procedure("xp_getnetname", &["name"], 0, |r, given| r.net_name(given)),
    procedure("xp_msver", &["optname"], 0, |r, given| r.version(given)),
    procedure("sp_readerrorlog", READ_LOG, 0, |r, given| r.read_error_log(given)),
    procedure("xp_readerrorlog", READ_LOG, 0, |r, given| r.read_error_log(given)),
    procedure("sp_enumerrorlogs", &["@p1"], 0, |r, _| r.list_error_logs()),
    procedure("xp_enumerrorlogs", &["@p1"], 0, |r, _| r.list_error_logs()),
    procedure("sp_cycle_errorlog", &[], 0, |r, _| r.cycle_error_log()),
];

/// Deepest that xp_dirtree goes, and most that it lists: a tree may have loops.
const DEPTH_MAX: i32 = 64;
const ENTRIES_MAX: usize = 1_000_000;

fn varchar(n: i32) -> SqlType {
    SqlType::varchar(n, CollationId::SERVER_DEFAULT)
}

/// `%s` is filled with the arguments in order.
fn sprintf(given: &mut Given<'_>) -> Result<i32, Fail> {
    let format = given.text(1).unwrap_or_default();
    let mut out = String::new();
    let mut pieces = format.split("%s");
    out.push_str(pieces.next().unwrap_or(""));
    for (place, piece) in (2..).zip(pieces) {
        out.push_str(&given.text(place).unwrap_or_default());
        out.push_str(piece);
    }
    given.output(0, varchar(8000), Value::string(&out));
    Ok(0)
}

/// Words of a text go into the arguments where the format has `%s`; it ends where the two differ.
fn sscanf(given: &mut Given<'_>) -> Result<i32, Fail> {
    let (text, format) = (given.text(0).unwrap_or_default(), given.text(1).unwrap_or_default());
    let mut rest = text.as_str();
    let mut pieces = format.split("%s");
    let Some(after) = pieces.next().and_then(|first| rest.strip_prefix(first)) else { return Ok(0) };
    rest = after;
    for (place, piece) in (2..).zip(pieces) {
        let word = rest.trim_start();
        let until = if piece.trim().is_empty() { None } else { word.find(piece) };
        let end = until.unwrap_or_else(|| word.find(char::is_whitespace).unwrap_or(word.len()));
        given.output(place, varchar(8000), Value::string(&word[..end]));
        let Some(after) = word[end..].strip_prefix(piece) else { break };
        rest = after;
    }
    Ok(0)
}

/// Invariant 2.
fn local(name: &str) -> PathBuf {
    let name = name.trim_end();
    let bytes = name.as_bytes();
    let drive = bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\';
    if drive { PathBuf::from(name[2..].replace('\\', "/")) } else { PathBuf::from(name) }
}

/// Entries of a folder by name: name and whether it is a folder.
fn entries(path: &Path) -> Vec<(String, bool)> {
    let Ok(list) = std::fs::read_dir(path) else { return Vec::new() };
    let mut out: Vec<(String, bool)> = list
        .filter_map(Result::ok)
        .map(|e| {
            let folder = e.file_type().is_ok_and(|t| t.is_dir());
            (e.file_name().to_string_lossy().into_owned(), folder)
        })
        .collect();
    out.sort();
    out
}

fn walk(path: &Path, level: i32, depth: i32, files: bool, out: &mut Vec<Vec<Value>>) {
    for (name, folder) in entries(path) {
        if out.len() >= ENTRIES_MAX {
            return;
        }
        match (folder, files) {
            (_, true) => out.push(row![name.as_str(), level, i32::from(!folder)]),
            (true, false) => out.push(row![name.as_str(), level]),
            (false, false) => continue,
        }
        if folder && level < depth {
            walk(&path.join(&name), level + 1, depth, files, out);
        }
    }
}

/// A date of a log line or an argument, comparable as text.
fn within(entry: &Entry, from: Option<&str>, to: Option<&str>) -> bool {
    from.is_none_or(|f| entry.date.as_str() >= f) && to.is_none_or(|t| entry.date.as_str() <= t)
}

impl Runner<'_> {
    /// xp_logevent: a message with a number above 50000.
    fn log_event(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        self.need_administrator()?;
        let number = given.int(0)?.unwrap_or(0);
        if number <= 50_000 {
            let text = "Error: Event number must be greater than 50000.";
            return Err(SqlError::with_text(22_004, 16, text).into());
        }
        let severity = match given.text(2).map(|s| s.trim().to_lowercase()).as_deref() {
            None | Some("informational") => 10,
            Some("warning" | "error") => 16,
            Some(_) => return Err(SqlError::new(15600, &[&"xp_logevent"]).into()),
        };
        let text = given.text(1).unwrap_or_default();
        self.log_error(&SqlError::with_text(number, severity, text));
        Ok(0)
    }

    fn file_exists(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        self.need_administrator()?;
        let path = local(&given.text(0).unwrap_or_default());
        let file = path.is_file();
        if given.arguments.len() > 1 {
            given.output(1, SqlType::INT, Value::Int(i32::from(file)));
            return Ok(0);
        }
        let parent = path.parent().is_some_and(|p| p.as_os_str().is_empty() || p.is_dir());
        let rows = vec![row![u8::from(file), u8::from(path.is_dir()), u8::from(parent)]];
        let columns =
            "[File Exists] tinyint!, [File is a Directory] tinyint!, [Parent Directory Exists] tinyint!";
        self.send_rows(columns, &rows)?;
        Ok(0)
    }

    fn directory_tree(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        self.need_administrator()?;
        let depth = match given.int(1)?.unwrap_or(0) {
            n if n > 0 => n.min(DEPTH_MAX),
            _ => DEPTH_MAX,
        };
        let files = given.int(2)?.unwrap_or(0) != 0;
        let mut rows = Vec::new();
        walk(&local(&given.text(0).unwrap_or_default()), 1, depth, files, &mut rows);
        let columns = match files {
            true => "subdirectory nvarchar(512)!, depth int!, file int!",
            false => "subdirectory nvarchar(512)!, depth int!",
        };
        self.send_rows(columns, &rows)?;
        Ok(0)
    }

    fn subdirectories(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        self.need_administrator()?;
        let path = local(&given.text(0).unwrap_or_default());
        if !path.is_dir() {
            let text = "xp_subdirs could not access the folder: The system cannot find the path specified.";
            return Err(SqlError::with_text(22_006, 16, text).into());
        }
        let folders = entries(&path).into_iter().filter(|e| e.1);
        let rows: Vec<_> = folders.map(|(name, _)| row![name.as_str()]).collect();
        self.send_rows("subdirectory nvarchar(512)!", &rows)?;
        Ok(0)
    }

    /// One drive, C, as on Linux everywhere: free space where the databases are.
    fn fixed_drives(&mut self) -> Result<i32, Fail> {
        self.need_administrator()?;
        let directory = self.session.host.instance.data_directory();
        let free = holdfast_disk::free_space(&directory)
            .map_err(|e| SqlError::new(3634, &[&e, &"looking at", &directory.display()]))?;
        let megabytes = i32::try_from(free >> 20).unwrap_or(i32::MAX);
        self.send_rows("drive char(1)!, [MB free] int!", &[row!["C", megabytes]])?;
        Ok(0)
    }

    fn create_directory(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        self.need_administrator()?;
        let path = local(&given.text(0).unwrap_or_default());
        std::fs::create_dir_all(&path).map_err(|e| {
            let text = format!("xp_create_subdir could not create the folder '{}': {e}.", path.display());
            SqlError::with_text(22_048, 16, text)
        })?;
        Ok(0)
    }

    fn net_name(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let name = self.session.host.instance.options.server_name.clone();
        if given.arguments.is_empty() {
            self.send_rows("[Server Net Name] nvarchar(128)", &[row![name.as_str()]])?;
        } else {
            given.output(0, SqlType::nvarchar(128, CollationId::SERVER_DEFAULT), Value::string(&name));
        }
        Ok(0)
    }

    /// Facts of the version and the machine, which are everybody's: all of them, or those that the arguments name.
    fn version(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        let options = &self.session.host.instance.options;
        let (major, minor, _, _) = options.product_version;
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let processors = i32::try_from(processors).unwrap_or(i32::MAX);
        let memory = kilobytes("/proc/meminfo", "MemTotal");
        let megabytes = i32::try_from(memory / 1024).unwrap_or(i32::MAX);
        let version = i32::from(major) << 16 | i32::from(minor);
        let all = [
            (1, "ProductName", None, "Microsoft SQL Server".to_owned()),
            (2, "ProductVersion", Some(version), options.version_text()),
            (3, "Language", Some(1033), "English (United States)".to_owned()),
            (4, "Platform", None, "NT x64".to_owned()),
            (15, "WindowsVersion", Some(0), String::new()),
            (16, "ProcessorCount", Some(processors), processors.to_string()),
            (19, "PhysicalMemory", Some(megabytes), format!("{megabytes} ({})", memory * 1024)),
        ];
        let wanted: Vec<String> = (0..given.arguments.len()).filter_map(|at| given.text(at)).collect();
        let asked =
            |name: &str| wanted.is_empty() || wanted.iter().any(|w| w.trim().eq_ignore_ascii_case(name));
        let rows: Vec<_> = all.into_iter().filter(|r| asked(r.1)).map(|r| row![r.0, r.1, r.2, r.3]).collect();
        let columns = "[Index] int, Name nvarchar(32), Internal_Value int, Character_Value nvarchar(512)";
        self.send_rows(columns, &rows)?;
        Ok(0)
    }

    /// `@p1` which log, `@p2` 1 for the server's own, `@p3` and `@p4` what lines contain; then from, to, order.
    fn read_error_log(&mut self, given: &mut Given<'_>) -> Result<i32, Fail> {
        if !self.session.security.has_server("VWSS") {
            return Err(SqlError::new(15247, &[]).into());
        }
        let archive = given.int(0)?.unwrap_or(0);
        let of_server = given.int(1)?.unwrap_or(1) == 1;
        let log = &self.session.host.error_log;
        if let Some(why) = log.failure() {
            self.info(0, 0, 1, format!("The last line of the error log could not be written: {why}."))?;
        }
        let found = u32::try_from(archive).ok().and_then(|n| self.session.host.error_log.read(n));
        // There is no log of SQL Server Agent; the current one of the server is empty before its first line.
        let mut lines = match found {
            _ if !of_server => Vec::new(),
            Some(lines) => lines,
            None if archive == 0 => Vec::new(),
            None => {
                let text = format!("The error log file 'errorlog.{archive}' cannot be found.");
                return Err(SqlError::with_text(22_004, 16, text).into());
            }
        };
        for place in [2, 3] {
            if let Some(wanted) = given.text(place).map(|t| t.to_lowercase()) {
                lines.retain(|l| l.text.to_lowercase().contains(&wanted));
            }
        }
        let moment = |place: usize| {
            let value = given.value(place)?;
            let ty = if matches!(value, Value::String(_)) { varchar(40) } else { SqlType::DATETIME };
            let text = holdfast_types::conversion::canonical_text(value, &ty)?;
            Some(text.replace('T', " "))
        };
        let (from, to) = (moment(4), moment(5));
        lines.retain(|l| within(l, from.as_deref(), to.as_deref()));
        if given.text(6).is_some_and(|o| o.trim().eq_ignore_ascii_case("desc")) {
            lines.reverse();
        }
        let rows: Vec<_> =
            lines.iter().map(|l| row![l.moment(), l.source.as_str(), l.text.as_str()]).collect();
        self.send_rows("LogDate datetime, ProcessInfo nvarchar(50), [Text] nvarchar(max)", &rows)?;
        Ok(0)
    }

    fn list_error_logs(&mut self) -> Result<i32, Fail> {
        if !self.session.security.has_server("VWSS") {
            return Err(SqlError::new(15247, &[]).into());
        }
        let rows: Vec<_> = self
            .session
            .host
            .error_log
            .logs()
            .into_iter()
            .map(|(n, date, size)| row![n as i32, date.as_str(), i32::try_from(size).unwrap_or(i32::MAX)])
            .collect();
        self.send_rows("[Archive #] int, Date nvarchar(30), [Log File Size (Byte)] int", &rows)?;
        Ok(0)
    }

    fn cycle_error_log(&mut self) -> Result<i32, Fail> {
        self.need_administrator()?;
        let host = &self.session.host;
        let cycled = host.error_log.cycle();
        cycled.map_err(|e| SqlError::new(3634, &[&e, &"renaming", &host.error_log.current().display()]))?;
        host.error_log.write(
            host.now(),
            &format!("spid{}", self.session.id),
            "The error log has been reinitialized. See the previous log for older entries.",
        );
        self.sink.message(&SqlError::with_text(2528, 10, super::dbcc::COMPLETED))?;
        Ok(0)
    }
}
