//! Accepting connections and stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use holdfast_exec::security::LoginStore;
use holdfast_exec::session::SessionFactory;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::connection::watch::Watch;
use crate::connection::{self, Shared};
use crate::security::certificate::CertificateError;
use crate::security::{Certificates, Throttle};

#[derive(Debug, Error)]
pub enum ServerError {
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// How long running statements get to notice that the server stops.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// How long clients get to read the last answers when the server stops.
const WRITE_GRACE: Duration = Duration::from_secs(2);

/// A server that listens.
pub struct Server {
    shared: Arc<Shared>,
    listeners: Vec<TcpListener>,
    stop: watch::Sender<bool>,
    pending: Arc<AtomicUsize>,
}

/// Stops the server it came from.
#[derive(Clone, Debug)]
pub struct StopHandle(watch::Sender<bool>);

impl StopHandle {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Counts a connection that has not logged in, until dropped.
struct Pending(Arc<AtomicUsize>);
impl Drop for Pending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets the process have as many files open as it may: connections, data files and spill files are more than the usual limit.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let allowed = Rlimit { current: limit.maximum, ..limit };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, allowed)
    {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

impl Server {
    /// Opens the certificate and starts to listen. `logins` are those that the factory's sessions are opened for.
    pub async fn bind_with(
        config: Config,
        factory: Arc<dyn SessionFactory>,
        logins: Arc<LoginStore>,
    ) -> Result<Self, ServerError> {
        let certificates = Certificates::open(&config.data_dir, config.certificate.as_ref())?;
        allow_files();
        let mut listeners = Vec::new();
        for &address in &config.listen {
            let l =
                TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
            factory.listening(l.local_addr().unwrap_or(address));
            listeners.push(l);
        }
        let (stop, _) = watch::channel(false);
        let watch = Watch::start().map_err(ServerError::Thread)?;
        let threads = Semaphore::new(config.requests_max.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Server {
            shared: Arc::new(Shared {
                config,
                logins,
                throttle: Throttle::default(),
                certificates,
                factory,
                watch,
                threads,
            }),
            listeners,
            stop,
            pending: Arc::new(AtomicUsize::new(0)),
        })
    }

    /// Addresses in use; the port is the real one where 0 was asked for.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|l| l.local_addr().ok()).collect()
    }

    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Serves until stopped, then waits for connections to end.
    pub async fn run(self) {
        let Server { shared, listeners, stop, pending } = self;
        let mut accepting = JoinSet::new();
        for listener in listeners {
            let shared = Arc::clone(&shared);
            let pending = Arc::clone(&pending);
            accepting.spawn(accept(listener, shared, pending, stop.subscribe()));
        }
        let mut stopping = stop.subscribe();
        let connections = async move {
            connection::stopped(&mut stopping).await;
            for c in shared.watch.connections() {
                c.stop();
            }
            tokio::time::sleep(WRITE_GRACE).await;
            for c in shared.watch.connections() {
                c.cut();
            }
        };
        let connections = tokio::spawn(connections);
        while accepting.join_next().await.is_some() {}
        connections.abort();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    pending: Arc<AtomicUsize>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let signal = stop.clone();
    loop {
        tokio::select! {
            () = connection::stopped(&mut stop) => break,
            _ = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((tcp, peer)) => {
                    let full = connections.len() >= shared.config.connections_max
                        || pending.load(Ordering::Relaxed) >= shared.config.logins_pending_max;
                    if full {
                        tracing::warn!(client = %peer, "too many connections, refused");
                        continue;
                    }
                    pending.fetch_add(1, Ordering::Relaxed);
                    let guard = Pending(Arc::clone(&pending));
                    connections.spawn(one(Arc::clone(&shared), tcp, peer, guard, signal.clone()));
                }
                Err(e) => {
                    // Out of file descriptors, mostly: wait for some to come back instead of spinning.
                    tracing::warn!(error = %e, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_GRACE, all).await.is_err() {
        tracing::warn!("connections did not end in time");
    }
}

async fn one(
    shared: Arc<Shared>,
    tcp: TcpStream,
    peer: SocketAddr,
    pending: Pending,
    stop: watch::Receiver<bool>,
) {
    // Answers are written whole: waiting to fill segments only delays them.
    let _ = tcp.set_nodelay(true);
    match connection::serve(shared, tcp, peer, move || drop(pending), stop).await {
        Ok(()) => tracing::debug!(client = %peer, "connection ended"),
        Err(e) => tracing::info!(client = %peer, error = %e, "connection ended early"),
    }
}
