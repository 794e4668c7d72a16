//! How long a database takes to be ready after a crash with much log behind the last checkpoint, beside reading that log:
//! `cargo run --release -p holdfast-exec --example restart_speed -- DIRECTORY [MEGABYTES]`.
//!
//! The workload inserts, updates and deletes in a table with two indexes, without a checkpoint; then the server is gone
//! without a word, with every changed page in memory only. Log and data files leave the system's cache before each measuring.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use holdfast_base::world::SystemClock;
use holdfast_disk::RealDisk;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::{LoginInfo, SqlSession};
use holdfast_storage::PageCache;

type Answer<T> = Result<T, Box<dyn Error>>;

/// An error unless `good`.
fn ensure(good: bool, what: &str) -> Answer<()> {
    if good { Ok(()) } else { Err(what.into()) }
}

fn open(directory: &Path) -> Answer<InstanceSession> {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(2 << 30)).untended();
    let mut said = Vec::new();
    let options = InstanceOptions::new(directory);
    let instance = Instance::open(options, Arc::new(opener), &mut |m| said.push(m.to_owned()))
        .map_err(|e| e.to_string())?;
    ensure(said.is_empty(), &said.join("; "))?;
    let host = Host::open(instance, Arc::new(SystemClock::new(0))).map_err(|e| e.to_string())?;
    let sessions = InstanceSessions::new(host, Arc::new(InstanceAdministration));
    let login = LoginInfo { login: "sa".into(), ..LoginInfo::default() };
    Ok(sessions.open_session(login).map_err(|e| format!("{e:?}"))?)
}

fn run(session: &mut InstanceSession, batch: &str) -> Answer<String> {
    let mut sink = Collected::new();
    session.execute_batch(batch, &mut sink);
    if let Some(e) = sink.errors().first() {
        return Err(format!("{batch}: {}", e.message).into());
    }
    let first = sink.results.first().and_then(|r| r.rows.first()).and_then(|r| r.first());
    Ok(first.map(|v| format!("{v:?}")).unwrap_or_default())
}

/// Written pages leave the system's cache.
fn forget(path: &Path) -> Answer<()> {
    let file = File::open(path)?;
    file.sync_all()?;
    let done = std::process::Command::new("dd")
        .arg(format!("if={}", path.display()))
        .args(["iflag=nocache", "count=0", "status=none"])
        .status()?;
    ensure(done.success(), "dd")
}

/// Seconds it takes to read the first bytes of a file.
fn read(path: &Path, bytes: u64) -> Answer<f64> {
    let began = Instant::now();
    let mut file = File::open(path)?.take(bytes);
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer)? > 0 {}
    Ok(began.elapsed().as_secs_f64())
}

/// Bytes of a log file that was written from its beginning on and holds zeros behind.
fn used(path: &Path) -> Answer<u64> {
    const STEP: u64 = 1 << 20;
    let file = File::open(path)?;
    let (mut low, mut high) = (0, file.metadata()?.len() / STEP);
    let mut buffer = vec![0u8; STEP as usize];
    while low < high {
        let middle = low + (high - low) / 2;
        file.read_exact_at(&mut buffer, middle * STEP)?;
        // VLFs that were not used yet have a header of 8 KiB.
        if buffer.iter().filter(|b| **b != 0).count() > 1000 { low = middle + 1 } else { high = middle }
    }
    Ok(low * STEP)
}

/// Makes the database and what is to be recovered; answers how many rows there are.
fn work(directory: &Path, log: &Path, megabytes: u64) -> Answer<String> {
    let mut session = open(directory)?;
    let log_size = megabytes * 2;
    run(
        &mut session,
        &format!(
            "create database Restart on (name = 'd', filename = 'd.mdf', size = 64MB, filegrowth = 64MB)
             log on (name = 'l', filename = 'l.ldf', size = {log_size}MB)"
        ),
    )?;
    run(&mut session, "use Restart")?;
    run(
        &mut session,
        "create table T (id int not null primary key, k int not null, pad varchar(300) not null);
         create index K on T (k);
         create table S (n int not null)",
    )?;
    let values: Vec<String> = (0..1000).map(|n| format!("({n})")).collect();
    run(&mut session, &format!("insert S values {}; checkpoint", values.join(", ")))?;
    let began = Instant::now();
    let mut rows = 0u64;
    let mut batches = 0u64;
    while !batches.is_multiple_of(50) || used(log)? < megabytes << 20 {
        run(
            &mut session,
            &format!(
                "insert T select n + {rows}, (n * 7919 + {rows}) % 1000003, replicate('p', 100 + n % 150) from S"
            ),
        )?;
        rows += 1000;
        if batches % 4 == 3 {
            run(
                &mut session,
                &format!(
                    "update T set pad = replicate('q', 50 + id % 200) where id between {} and {rows}",
                    rows - 400
                ),
            )?;
            run(&mut session, &format!("delete T where id between {} and {}", rows - 2000, rows - 1900))?;
        }
        batches += 1;
    }
    let count = run(&mut session, "select count(*) from T")?;
    println!("{rows} rows entered in {:.1} s", began.elapsed().as_secs_f64());
    Ok(count)
}

fn main() -> Answer<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("a directory to work in")?;
    let megabytes: u64 = arguments.next().map_or(Ok(1024), |n| n.parse())?;
    let directory = Path::new(&directory);
    std::fs::create_dir_all(directory)?;
    let log = directory.join("data/l.ldf");
    // What an earlier run has left, or was killed over, is measured as it is.
    let count = if log.exists() { None } else { Some(work(directory, &log, megabytes)?) };
    for cold in [true, false] {
        // Recovery makes a checkpoint: each measuring has files of its own.
        let copy = directory.with_extension(if cold { "cold" } else { "warm" });
        let _ = std::fs::remove_dir_all(&copy);
        let status = std::process::Command::new("cp").arg("-r").arg(directory).arg(&copy).status()?;
        ensure(status.success(), "cp")?;
        let (log, data) = (copy.join("data/l.ldf"), copy.join("data/d.mdf"));
        // What was copied is on disk, as it is after a crash of the server.
        for file in [&log, &data] {
            File::open(file)?.sync_all()?;
            if cold {
                forget(file)?;
            }
        }
        let bytes = used(&log)?;
        if cold {
            forget(&log)?;
        }
        let once = read(&log, bytes)?;
        if cold {
            forget(&log)?;
        }
        let began = Instant::now();
        let mut session = open(&copy)?;
        let ready = began.elapsed().as_secs_f64();
        run(&mut session, "use Restart")?;
        let found = run(&mut session, "select count(*) from T")?;
        ensure(count.as_ref().is_none_or(|c| *c == found), "rows differ after recovery")?;
        println!(
            "{}: reading {} MiB of log {once:.2} s, twice {:.2} s; ready after {ready:.2} s ({:.2} of twice)",
            if cold { "cold" } else { "warm" },
            bytes >> 20,
            2.0 * once,
            ready / (2.0 * once)
        );
        drop(session);
        std::fs::remove_dir_all(&copy)?;
    }
    Ok(())
}
