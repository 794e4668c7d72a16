//! What verification found, each with its place.

use std::fmt;
use std::sync::Mutex;

use holdfast_backup::BackupError;
use holdfast_base::PageId;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Worth knowing; the data is not affected.
    Note,
    Damage,
    /// The file cannot be used at all.
    Unusable,
}

#[derive(Clone, Debug)]
pub struct Finding {
    pub severity: Severity,
    pub file: String,
    pub page: Option<PageId>,
    /// Byte offset in the file as stored.
    pub offset: Option<u64>,
    pub text: String,
}

impl Finding {
    pub fn of(error: &BackupError, severity: Severity) -> Self {
        let file = error.device().unwrap_or("").to_owned();
        // The error's own text begins with the device, which the finding prints already.
        let full = error.to_string();
        let text = full.strip_prefix(&format!("{file}: ")).unwrap_or(&full).to_owned();
        Finding { severity, file, page: None, offset: error.offset(), text }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Note => "note",
            Severity::Damage => "DAMAGED",
            Severity::Unusable => "UNUSABLE",
        };
        write!(f, "{word}: {}", self.file)?;
        if let Some(page) = self.page {
            write!(f, ": page {page}")?;
        }
        match self.offset {
            Some(offset) if !self.text.contains(&format!("offset {offset}")) => {
                write!(f, "{} offset {offset}: {}", if self.page.is_some() { " at" } else { ":" }, self.text)
            }
            _ => write!(f, ": {}", self.text),
        }
    }
}

/// Collects findings from several threads; beyond the limit only counts.
#[derive(Default)]
pub struct Findings(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    list: Vec<Finding>,
    dropped: u64,
    worst: Option<Severity>,
}

const LIMIT: usize = 10_000;

impl Findings {
    pub fn add(&self, finding: Finding) {
        let mut inner = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.worst = inner.worst.max(Some(finding.severity));
        if inner.list.len() < LIMIT {
            inner.list.push(finding);
        } else {
            inner.dropped += 1;
        }
    }

    pub fn worst(&self) -> Option<Severity> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).worst
    }

    /// The findings in order of file and offset, and how many more there were.
    pub fn take(&self) -> (Vec<Finding>, u64) {
        let mut inner = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut list = std::mem::take(&mut inner.list);
        list.sort_by(|a, b| (&a.file, a.offset, a.page).cmp(&(&b.file, b.offset, b.page)));
        (list, inner.dropped)
    }
}
