//! Runs the targets on a stable toolchain: mutates seeds until the time is up and says what came of it.
//!
//! `fuzz [--seconds N] [--seed N] [--target NAME]…` · `fuzz --replay FILE --target NAME`
//!
//! A case that panics is written to `fuzz/findings/` with its target's name and makes the exit code 1. A case that takes
//! longer than [`LIMIT`] or makes the process larger than [`MEMORY`] is written too and ends the run at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use holdfast_fuzz::mutate::mutate;
use holdfast_fuzz::{Random, Target, targets};

/// Longest a case may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Largest the process may grow, seeds included.
const MEMORY: u64 = 2 << 30;
/// Findings written down in a run; more of the same says nothing new.
static KEPT: AtomicUsize = AtomicUsize::new(0);
/// Cases of one target before the next has its turn.
const TURN: Duration = Duration::from_millis(500);

struct Options {
    seconds: u64,
    seed: u64,
    only: Vec<String>,
    replay: Option<PathBuf>,
}

fn options() -> anyhow::Result<Options> {
    let mut o = Options { seconds: 30, seed: 1, only: Vec::new(), replay: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(a) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{a} wants a value"))?;
        match a.as_str() {
            "--seconds" => o.seconds = value.parse()?,
            "--seed" => o.seed = value.parse()?,
            "--target" => o.only.push(value),
            "--replay" => o.replay = Some(value.into()),
            _ => bail!("unknown argument {a}"),
        }
    }
    Ok(o)
}

/// The case that is running, for the watchdog.
type Current = Arc<Mutex<Option<(Instant, &'static str, Vec<u8>)>>>;

fn save(target: &str, data: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    let _ = std::fs::create_dir_all(&folder);
    let name =
        data.iter().fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01B3));
    let path = folder.join(format!("{target}-{name:016x}"));
    let _ = std::fs::write(&path, data);
    path
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|p| p.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// Ends the process when a case hangs or grows.
fn watch(current: Current) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let running = current.lock().map(|c| c.clone()).unwrap_or(None);
            let Some((start, target, data)) = running else { continue };
            let (slow, large) = (start.elapsed() > LIMIT, resident() > MEMORY);
            if slow || large {
                let what = if slow { "takes too long" } else { "takes too much memory" };
                eprintln!("{target}: a case {what}: {}", save(target, &data).display());
                std::process::exit(1);
            }
        }
    });
}

fn run_case(target: &Target, data: Vec<u8>, current: &Current) -> bool {
    if let Ok(mut c) = current.lock() {
        *c = Some((Instant::now(), target.name, data.clone()));
    }
    let fine = catch_unwind(AssertUnwindSafe(|| (target.run)(&data))).is_ok();
    if let Ok(mut c) = current.lock() {
        *c = None;
    }
    if !fine && KEPT.fetch_add(1, Ordering::Relaxed) < 50 {
        eprintln!("{}: a case panics: {}", target.name, save(target.name, &data).display());
    }
    fine
}

fn main() -> anyhow::Result<ExitCode> {
    let o = options()?;
    let all: Vec<Target> =
        targets().into_iter().filter(|t| o.only.is_empty() || o.only.iter().any(|n| n == t.name)).collect();
    if all.is_empty() {
        bail!(
            "no such target; there are {}",
            targets().iter().map(|t| t.name).collect::<Vec<_>>().join(", ")
        );
    }
    let current: Current = Arc::default();
    watch(current.clone());
    if let Some(path) = &o.replay {
        let data = std::fs::read(path).with_context(|| path.display().to_string())?;
        let fine = all.iter().all(|t| run_case(t, data.clone(), &current));
        return Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut work = Vec::new();
    for (i, t) in all.iter().enumerate() {
        let seeds = (t.seeds)();
        let fine = seeds.iter().all(|s| run_case(t, s.clone(), &current));
        if !fine {
            bail!("{}: a seed itself fails", t.name);
        }
        work.push((t, seeds, Random::new(o.seed.wrapping_add(i as u64)), 0u64, 0u64));
    }
    let end = Instant::now() + Duration::from_secs(o.seconds);
    while Instant::now() < end {
        for (target, seeds, random, cases, failures) in &mut work {
            let turn = Instant::now() + TURN;
            while !seeds.is_empty() && Instant::now() < turn.min(end) {
                let seed = &seeds[random.below(seeds.len())];
                let data = mutate(seed, target.changes, random);
                *cases += 1;
                *failures += u64::from(!run_case(target, data, &current));
            }
        }
    }
    let mut failed = false;
    for (target, seeds, _, cases, failures) in &work {
        println!(
            "{:<14} {:>4} seeds {cases:>9} cases {failures:>4} failures  {}",
            target.name,
            seeds.len(),
            target.what
        );
        failed |= *failures > 0;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
