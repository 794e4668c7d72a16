//! Child processes: run to the end, watched for time and memory, stopped.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Runs a command to its end; failure is an error that shows what it said.
pub fn finish(mut c: Command) -> anyhow::Result<String> {
    let out = c.stdin(Stdio::null()).output().with_context(|| format!("{c:?}"))?;
    if !out.status.success() {
        bail!("{c:?}: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// As [`finish`], timed.
pub fn timed(c: Command) -> anyhow::Result<f64> {
    let start = Instant::now();
    finish(c)?;
    Ok(start.elapsed().as_secs_f64())
}

/// Fields of `/proc/PID/stat` from the 14th on: user, system, and the same of children that were waited for; in ticks.
fn ticks(pid: u32) -> anyhow::Result<[u64; 4]> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let rest = text.rsplit_once(')').context("stat of a process")?.1;
    let mut out = [0; 4];
    for (slot, field) in out.iter_mut().zip(rest.split_whitespace().skip(11)) {
        *slot = field.parse()?;
    }
    Ok(out)
}

/// Ticks of processor time of a process, of its living children and of those that ended.
pub fn cpu_ticks(pid: u32) -> anyhow::Result<u64> {
    let mut sum: u64 = ticks(pid)?.iter().sum();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    for child in children.split_whitespace() {
        // One that ends meanwhile is counted with its parent the next time.
        if let Ok(t) = ticks(child.parse()?) {
            sum += t[0] + t[1];
        }
    }
    Ok(sum)
}

/// Ticks per second, as the kernel shows them to programs.
pub const TICKS: f64 = 100.0;

/// Greatest memory a process has had so far, in MiB.
pub fn peak_memory(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// Asks a process to end, and waits.
pub fn stop(mut child: Child) -> anyhow::Result<()> {
    finish({
        let mut c = Command::new("kill");
        c.arg(child.id().to_string());
        c
    })?;
    let until = Instant::now() + Duration::from_secs(30);
    while child.try_wait()?.is_none() {
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            bail!("a server did not stop");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Writes a file's pages to the disk.
pub fn sync_file(path: &Path) -> anyhow::Result<()> {
    Ok(std::fs::File::open(path)?.sync_all()?)
}

/// Removes a file or folder if it is there.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(m) if m.is_dir() => std::fs::remove_dir_all(path)?,
        Ok(_) => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    Ok(())
}
