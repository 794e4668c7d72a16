//! The consistency checker: everything that can be verified about a database's pages without a second copy of it.
//!
//! Module map: [`allocation`] maps, chains and page headers; [`structure`] trees, heaps, large values and row counts; [`indexes`]
//! nonclustered indexes against their tables.
//!
//! Invariants
//! 1. The checker reports and goes on; it never stops at the first fault and never changes anything.
//! 2. What holds on every undamaged genuine database is checked; nothing else is called a fault (tests/check.rs).
//! 3. At most [`MAX_FINDINGS`] findings are kept; the rest is counted.

pub mod allocation;
pub mod indexes;
pub mod structure;

use std::collections::HashSet;
use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_format::{FormatError, PageSource};

use crate::database::DatabaseCatalog;

/// Findings kept in a report.
pub const MAX_FINDINGS: usize = 10_000;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The page concerned; its file number is part of the address.
    pub page: Option<PageId>,
    /// Byte offset in the page; 0 when the page as a whole is meant.
    pub offset: usize,
    /// Table or index concerned, when known.
    pub object: Option<Arc<str>>,
    pub what: String,
    /// Number of the message that tells it.
    pub number: i32,
}

/// The number of faults that have none of their own.
const FAULT: i32 = 8928;

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(page) = self.page {
            write!(f, "page {page}")?;
            if self.offset > 0 {
                write!(f, " offset {}", self.offset)?;
            }
            f.write_str(": ")?;
        }
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// Findings beyond [`MAX_FINDINGS`].
    pub suppressed: u64,
    pub pages_checked: u64,
    pub tables_checked: u64,
    pub rows_checked: u64,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS { self.findings.push(finding) } else { self.suppressed += 1 }
    }

    pub(crate) fn page(&mut self, page: PageId, offset: usize, what: impl Into<String>) {
        self.add(Finding { page: Some(page), offset, object: None, what: what.into(), number: FAULT });
    }

    pub(crate) fn error(&mut self, object: Option<Arc<str>>, error: &FormatError) {
        let offset = match error {
            FormatError::Record { offset, .. } => *offset,
            _ => 0,
        };
        self.add(Finding { page: error.page(), offset, object, what: error.to_string(), number: FAULT });
    }
}

/// Told how far the check is: pages done, pages in all.
pub type Progress<'p> = &'p mut dyn FnMut(u64, u64);

/// What is under way while the checker looks.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Objects that an open transaction is changing: it may be between two changes of one row, and the catalogue does not count its
    /// rows yet.
    pub busy: HashSet<i32>,
    /// Something is being defined: what it drops is out of the catalogue, and its pages are in use until it is certain.
    pub defining: bool,
}

/// Checks the database in `source`: first maps and pages, then, when the catalog can be read, every table.
pub fn check(source: &Arc<dyn PageSource>, progress: Progress<'_>) -> Report {
    check_beside(source, &Beside::default(), progress)
}

/// The same while transactions are open.
pub fn check_beside(source: &Arc<dyn PageSource>, beside: &Beside, progress: Progress<'_>) -> Report {
    let mut report = Report::default();
    let catalog = match DatabaseCatalog::open(0, None, source.clone()) {
        Ok(catalog) => Some(catalog),
        Err(error) => {
            report.error(None, &error);
            None
        }
    };
    let tables = catalog.as_ref().map(|c| c.storage());
    let owners = allocation::check(&**source, tables, beside.defining, &mut report, progress);
    if let Some(catalog) = catalog {
        let busy = |object| beside.busy.contains(&object);
        structure::check(&catalog, &owners, &busy, &mut report);
        indexes::check(&catalog, &busy, &mut report);
    }
    report
}
