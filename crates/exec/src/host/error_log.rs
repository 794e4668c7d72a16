//! The server's log as `sp_readerrorlog` shows it: `log/errorlog` in the data directory, older ones `errorlog.1` to `errorlog.6`.
//!
//! Invariants
//! 1. A line is `YYYY-MM-DD hh:mm:ss.ff source text`; what begins otherwise belongs to the line before.
//! 2. Writing it never fails a statement: why the last line could not be written is kept, and said by those who read the log.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use holdfast_types::conversion::canonical_text;
use holdfast_types::{Date, DateTime, SqlType, Value};
use parking_lot::Mutex;

/// Older logs that are kept.
pub const KEPT: u32 = 6;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As it stands in the file.
    pub date: String,
    pub source: String,
    pub text: String,
}

impl Entry {
    /// Its date as a value.
    pub fn moment(&self) -> Option<DateTime> {
        let (date, time) = self.date.split_once(' ')?;
        let mut parts = date.splitn(3, '-').map(|p| p.parse::<i32>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let date = Date::from_ymd(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
        let mut parts = time.splitn(3, ':');
        let hours: u32 = parts.next()?.parse().ok()?;
        let minutes: u32 = parts.next()?.parse().ok()?;
        let seconds: f64 = parts.next()?.parse().ok()?;
        let ticks = (hours * 60 + minutes) * 60 * 300 + (seconds * 300.0).round() as u32;
        // 1900-01-01 in days since the first day.
        Some(DateTime { days: date.0 - 693_595, ticks })
    }
}

/// The open log.
pub struct ErrorLog {
    directory: PathBuf,
    /// Why the last line was not written; held while the files are touched.
    failure: Mutex<Option<String>>,
}

impl ErrorLog {
    pub fn new(data_directory: &Path) -> Self {
        ErrorLog { directory: data_directory.join("log"), failure: Mutex::default() }
    }

    fn path(&self, archive: u32) -> PathBuf {
        match archive {
            0 => self.directory.join("errorlog"),
            n => self.directory.join(format!("errorlog.{n}")),
        }
    }

    /// Where the current log lies.
    pub fn current(&self) -> PathBuf {
        self.path(0)
    }

    /// Adds a line.
    pub fn write(&self, now: DateTime, source: &str, text: &str) {
        let mut failure = self.failure.lock();
        *failure = self.append(now, source, text).err().map(|e| e.to_string());
    }

    /// Why the last line was not written.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    fn append(&self, now: DateTime, source: &str, text: &str) -> std::io::Result<()> {
        holdfast_disk::private_directory(&self.directory)?;
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(self.path(0))?;
        // The lines of a text are indented, so that none looks like a line of its own.
        let text = text.replace("\r\n", "\n").replace('\n', "\n\t");
        file.write_all(format!("{} {source:<11} {text}\n", stamp(now)).as_bytes())
    }

    /// sp_cycle_errorlog, and every start: a new log begins.
    ///
    /// # Errors
    /// When the files cannot be renamed.
    pub fn cycle(&self) -> std::io::Result<()> {
        let _alone = self.failure.lock();
        for n in (0..KEPT).rev() {
            match std::fs::rename(self.path(n), self.path(n + 1)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    /// The lines of a log; `None` when there is no such one.
    pub fn read(&self, archive: u32) -> Option<Vec<Entry>> {
        let bytes = std::fs::read(self.path(archive)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut entries: Vec<Entry> = Vec::new();
        for line in text.lines() {
            match (line.strip_prefix('\t'), entries.last_mut()) {
                (Some(more), Some(last)) => {
                    last.text.push('\n');
                    last.text.push_str(more);
                }
                _ => {
                    let mut parts = line.splitn(3, ' ');
                    let date = [parts.next().unwrap_or(""), parts.next().unwrap_or("")].join(" ");
                    let rest = parts.next().unwrap_or("");
                    let (source, text) = rest.split_at_checked(12).unwrap_or((rest, ""));
                    entries.push(Entry { date, source: source.trim_end().to_owned(), text: text.to_owned() });
                }
            }
        }
        Some(entries)
    }

    /// Which logs there are, with their sizes in bytes and the date of the last line.
    pub fn logs(&self) -> Vec<(u32, String, u64)> {
        (0..=KEPT)
            .filter_map(|n| {
                let size = std::fs::metadata(self.path(n)).ok()?.len();
                let last = self.read(n)?.pop().map_or_else(String::new, |e| e.date);
                Some((n, last, size))
            })
            .collect()
    }
}

/// `2026-11-28 02:40:00.12`
fn stamp(now: DateTime) -> String {
    let text = canonical_text(&Value::DateTime(now), &SqlType::DATETIME).unwrap_or_default();
    text.chars().take(22).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_and_logs_are_cycled() {
        let dir = tempfile::tempdir().unwrap();
        let log = ErrorLog::new(dir.path());
        assert_eq!(log.read(0), None);
        let now = DateTime { days: 46_000, ticks: 300 * 3600 };
        log.write(now, "spid51", "first\nwith more");
        log.write(now, "Server", "second");
        let read = log.read(0).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].source.as_str(), read[0].text.as_str()), ("spid51", "first\nwith more"));
        assert!(read[0].date.ends_with(" 01:00:00.00"), "{}", read[0].date);
        assert_eq!(read[0].moment(), Some(now));
        for _ in 0..8 {
            log.cycle().unwrap();
            log.write(now, "Server", "later");
        }
        assert_eq!(log.read(0).unwrap().len(), 1);
        assert_eq!(log.logs().len(), 7);
    }
}
