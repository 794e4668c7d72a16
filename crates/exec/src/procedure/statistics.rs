//! SET STATISTICS IO and TIME: what a statement read and how long it took.
//!
//! Invariants
//! 1. Logical reads are the pages that queries ask for; pages that a change looks at to find its place are not among them,
//!    and whether a page came from the disk is not known: those numbers are 0.
//! 2. CPU time is that of the thread that runs the statement.

use std::sync::Arc;

use holdfast_engine::stored::counting::{Reads, StatementReads};
use holdfast_tsql::ast::StatementKind;

use super::run::{Fail, Runner};
use super::state::Statistics;

/// Statements that SQL Server gives times of.
pub fn is_measured(kind: &StatementKind) -> bool {
    !matches!(
        kind,
        StatementKind::SetOption(_)
            | StatementKind::Declare(_)
            | StatementKind::Use(_)
            | StatementKind::Label(_)
    )
}

/// Time on a processor of this thread, in milliseconds; 0 where the system does not tell.
pub fn processor_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|n| n.parse::<u64>().ok());
    nanoseconds.unwrap_or(0) / 1_000_000
}

fn line(r: &Reads) -> String {
    format!(
        "Table '{}'. Scan count {}, logical reads {}, physical reads 0, page server reads 0, read-ahead reads 0, page server read-ahead reads 0, lob logical reads {}, lob physical reads 0, lob page server reads 0, lob read-ahead reads 0, lob page server read-ahead reads 0.",
        r.table, r.scans, r.pages, r.large
    )
}

impl Runner<'_> {
    /// Runs a statement and tells what it took.
    pub fn measured(
        &mut self,
        wanted: &Statistics,
        f: impl FnOnce(&mut Self) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        let reads = wanted.io.then(|| Arc::new(StatementReads::default()));
        self.session.state.lock().statistics.reads.clone_from(&reads);
        let clock = Arc::clone(&self.session.host.clock);
        let (began, busy) = (clock.monotonic(), if wanted.time { processor_ms() } else { 0 });
        let result = f(self);
        // Statements that this one called have put theirs in its place meanwhile.
        self.session.state.lock().statistics.reads.clone_from(&wanted.reads);
        if matches!(result, Err(Fail::Stop(_))) {
            return result;
        }
        for r in reads.iter().flat_map(|r| r.list()) {
            self.info(3615, 0, 1, line(&r))?;
        }
        if wanted.time {
            let elapsed = clock.monotonic().saturating_sub(began).as_millis();
            let busy = processor_ms().saturating_sub(busy);
            let text = format!(
                "\r\n SQL Server Execution Times:\r\n   CPU time = {busy} ms,  elapsed time = {elapsed} ms."
            );
            self.info(3612, 0, 1, text)?;
        }
        result
    }

    /// The time a batch took until it could run.
    pub fn tell_compile_time(&mut self, busy: u64, elapsed: std::time::Duration) -> Result<(), Fail> {
        let busy = processor_ms().saturating_sub(busy);
        let text = format!(
            "SQL Server parse and compile time: \r\n   CPU time = {busy} ms, elapsed time = {} ms.",
            elapsed.as_millis()
        );
        self.info(3613, 0, 1, text)
    }
}
