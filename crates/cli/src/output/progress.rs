//! Progress over bytes: a bar on a terminal, a plain line every tenth otherwise. Both go to standard error, so that
//! results stay alone on standard output.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

pub struct Progress {
    bar: Option<ProgressBar>,
    what: String,
    total: u64,
    done: AtomicU64,
}

impl Progress {
    pub fn new(what: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            bar
        });
        Progress { bar, what: what.to_owned(), total, done: AtomicU64::new(0) }
    }

    pub fn add(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        } else if self.total > 0 {
            let tenth = |n: u64| n.saturating_mul(10) / self.total;
            let now = tenth(before + bytes);
            // Small inputs are done before anyone could read the lines.
            if now > tenth(before) && self.total > 256 << 20 {
                eprintln!("{}: {}0 percent", self.what, now.min(10));
            }
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
