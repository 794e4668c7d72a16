//! `holdfast serve`: an instance over a data directory.
//!
//! Order: lock the directory, open the instance (databases recover), make the `sa` login and certificate on first start,
//! listen, restore what `--restore` names, print the ready line, serve until SIGTERM or SIGINT, end sessions, leave.
//!
//! Invariants
//! 1. Nothing is written before the directory's lock is held.
//! 2. A generated password is printed once and stored only as a hash.
//! 3. The ready line is printed when connections are accepted and every `--restore` is done.

mod restore;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use holdfast_base::world::SystemClock;
use holdfast_disk::{DirectIo, Disk, InstanceLock, RealDisk, RealDiskWith};
use holdfast_engine::instance::stored::StoredOpener;
use holdfast_engine::instance::{Instance, InstanceOptions};
use holdfast_exec::host::Host;
use holdfast_exec::procedure::instance_administration::InstanceAdministration;
use holdfast_exec::procedure::instance_session::InstanceSessions;
use holdfast_exec::procedure::startup::startup_procedures;
use holdfast_exec::security::{LoginStore, password};
use holdfast_exec::session::SessionFactory;
use holdfast_server::{Config, Server};
use holdfast_storage::PageCache;

use crate::output::outln;

#[derive(clap::Args)]
pub struct Args {
    /// Directory of the instance: databases, logins, certificate. Made on first start
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Address to listen on; may be repeated. Port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1433")]
    listen: Vec<String>,
    /// Backup files to bring online first (any mix of stripes, differentials and logs)
    #[arg(long, value_name = "FILE", num_args = 1..)]
    restore: Vec<PathBuf>,
    /// Refuse connections that are not encrypted throughout
    #[arg(long)]
    force_encryption: bool,
    /// PEM certificate chain to use instead of a self-made one
    #[arg(long, value_name = "PEM", requires = "key")]
    certificate: Option<PathBuf>,
    /// PEM private key of the certificate
    #[arg(long, value_name = "PEM", requires = "certificate")]
    key: Option<PathBuf>,
    /// Memory for database pages, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    cache: usize,
    /// What goes past the page cache of the operating system (O_DIRECT): nothing, logs, or data files, too; an
    /// error where the data directory's file system does not let them. Without it: logs, where it does
    #[arg(long, value_name = "WHAT")]
    direct_io: Option<Direct>,
    /// Let clients in without running logon triggers: the way in when one of these lets nobody in
    #[arg(long)]
    no_logon_triggers: bool,
    /// Name the server gives itself (@@SERVERNAME)
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
}

/// What `--direct-io` takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Direct {
    Off,
    Log,
    All,
}

/// Stack of worker threads: deep expressions recurse.
const STACK: usize = 16 << 20;
/// Requests that run at the same time; more wait.
const REQUESTS_MAX: usize = 1024;
/// Threads for logins and for the runtime itself, beside those of requests.
const OTHER_THREADS: usize = 64;

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    start_log();
    let addresses = addresses(&args.listen)?;
    holdfast_disk::private_directory(&args.data_dir).with_context(|| args.data_dir.display().to_string())?;
    let _lock = InstanceLock::acquire(&args.data_dir)?;
    let instance = open_instance(&args)?;
    let host = Host::open(Arc::clone(&instance), Arc::new(SystemClock::new(0)))?;
    begin_log(&host);
    host.logon_triggers.store(!args.no_logon_triggers, Ordering::Relaxed);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .max_blocking_threads(REQUESTS_MAX + OTHER_THREADS)
        .build()
        .context("cannot start the runtime")?;
    let mut config = Config::new(args.data_dir.clone());
    config.listen = addresses;
    config.requests_max = REQUESTS_MAX;
    config.force_encryption = args.force_encryption;
    config.certificate = args.certificate.clone().zip(args.key.clone());
    let sessions = InstanceSessions::new(Arc::clone(&host), Arc::new(InstanceAdministration));
    let factory: Arc<dyn SessionFactory> = Arc::clone(&sessions) as _;
    // On first start a password is hashed and a certificate made; each takes its time.
    let (server, first) = std::thread::scope(|scope| {
        let first = scope.spawn(|| first_login(&host.logins));
        let server = runtime.block_on(Server::bind_with(config, factory, Arc::clone(&host.logins)));
        (server, first.join())
    });
    first.map_err(|_| anyhow::anyhow!("the first login cannot be made"))??;
    let server = server?;
    if !args.restore.is_empty() {
        restore::bring_online(&instance, &args.restore)?;
    }
    let listening: Vec<String> = server.addresses().iter().map(SocketAddr::to_string).collect();
    let user = instance.databases().iter().filter(|d| d.id > 4).count();
    outln(&format!(
        "holdfast ready: listening on {} ({user} user databases, {:.2} s)",
        listening.join(", "),
        started.elapsed().as_secs_f64()
    ))?;
    run_startup_procedures(&host, &sessions)?;
    runtime.block_on(serve(server))?;
    // Requests have ended; what they changed is in the log. Complete files spare the next start the recovery.
    for error in instance.close() {
        tracing::error!("{error}");
    }
    outln("holdfast stopped")?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until a signal asks to stop.
async fn serve(server: Server) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = server.stop_handle();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.stop();
    });
    server.run().await;
    Ok(())
}

/// Procedures of master that run at start, each on a thread of its own: some never end.
fn run_startup_procedures(host: &Arc<Host>, sessions: &Arc<InstanceSessions>) -> anyhow::Result<()> {
    for name in startup_procedures(host)? {
        tracing::info!("Launched startup procedure '{name}'.");
        let sessions = Arc::clone(sessions);
        let work = move || {
            for error in sessions.run_startup_procedure(&name) {
                tracing::error!("startup procedure '{name}': {error}");
            }
        };
        std::thread::Builder::new().name("startup".into()).stack_size(STACK).spawn(work)?;
    }
    Ok(())
}

/// A new error log, as at every start of SQL Server.
fn begin_log(host: &Host) {
    if let Err(e) = host.error_log.cycle() {
        tracing::error!(error = %e, "the error log cannot be renamed");
    }
    host.error_log.write(host.now(), "Server", &holdfast_exec::host::properties::version_text(host));
    host.error_log.write(host.now(), "Server", &format!("Server process ID is {}.", std::process::id()));
}

fn start_log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("HOLDFAST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
}

fn addresses(listen: &[String]) -> anyhow::Result<Vec<SocketAddr>> {
    let mut out = Vec::new();
    for text in listen {
        let found = text.to_socket_addrs().with_context(|| format!("--listen {text}: expected HOST:PORT"))?;
        out.extend(found);
    }
    Ok(out)
}

fn open_instance(args: &Args) -> anyhow::Result<Arc<Instance>> {
    let mut options = InstanceOptions::new(&args.data_dir);
    options.server_name = match &args.server_name {
        Some(n) => n.clone(),
        None => std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|h| h.trim().to_owned())
            .ok()
            .filter(|h| !h.is_empty())
            .unwrap_or_else(|| "holdfast".into()),
    };
    let disk: Arc<dyn Disk> = match args.direct_io {
        None => Arc::new(RealDisk),
        Some(Direct::Off) => Arc::new(RealDiskWith(DirectIo::Off)),
        Some(wanted) => {
            // Whoever asks for it is told when it cannot be had.
            holdfast_disk::probe_direct(&args.data_dir)
                .context("--direct-io: files in the data directory cannot go past the page cache")?;
            Arc::new(RealDiskWith(if wanted == Direct::All { DirectIo::All } else { DirectIo::Log }))
        }
    };
    let cache = PageCache::new(args.cache.max(16) << 20);
    let opener = Arc::new(StoredOpener::new(disk, cache).reporting(|text| tracing::info!("{text}")));
    Instance::open(options, opener, &mut |text| tracing::error!("{text}"))
        .with_context(|| format!("cannot open the instance in {}", args.data_dir.display()))
}

/// Makes `sa` on first start.
fn first_login(logins: &LoginStore) -> anyhow::Result<()> {
    if logins.has_password("sa") {
        return Ok(());
    }
    for variable in ["HOLDFAST_SA_PASSWORD", "MSSQL_SA_PASSWORD"] {
        if let Ok(password) = std::env::var(variable) {
            return logins.set_password("sa", &password).with_context(|| format!("{variable} is not usable"));
        }
    }
    let password = password::generate()?;
    logins.set_password("sa", &password)?;
    outln(&format!("Password of login sa (shown once, not stored): {password}"))?;
    Ok(())
}
