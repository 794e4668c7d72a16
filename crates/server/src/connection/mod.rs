//! One connection: [`login`] from the first byte to the login's answer, [`requests`] the loop after it, [`sink`] answers as
//! tokens, [`stream`] the bytes of the handshake, [`transport`] those after it, [`watch`] the ear for clients whose requests take long.
//!
//! ```text
//! first byte 0x16 ── TLS (ALPN tds/8.0) ─┐
//! first byte 0x12 ───────────────────────┴─ PRELOGIN ─ [TLS inside packets] ─ LOGIN7 ─ requests ─ close
//! ```

pub mod error;
pub mod login;
pub mod requests;
pub mod sink;
pub mod stream;
pub mod transport;
pub mod watch;

pub use error::ConnectionError;

use std::net::SocketAddr;
use std::sync::Arc;

use holdfast_exec::security::LoginStore;
use holdfast_exec::session::SessionFactory;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::security::{Certificates, Throttle};
use requests::{Requests, Turn};
use transport::Transport;
use watch::Watch;

/// What all connections share.
pub struct Shared {
    pub config: Config,
    pub logins: Arc<LoginStore>,
    pub throttle: Throttle,
    pub certificates: Certificates,
    pub factory: Arc<dyn SessionFactory>,
    pub watch: Watch,
    /// Threads that connections may hold; logins have others.
    pub threads: Semaphore,
}

/// Runs a connection to its end. `stop` turns true when the server stops.
pub async fn serve(
    shared: Arc<Shared>,
    tcp: TcpStream,
    peer: SocketAddr,
    logged_in: impl FnOnce(),
    mut stop: tokio::sync::watch::Receiver<bool>,
) -> Result<(), ConnectionError> {
    let timeout = shared.config.login_timeout;
    let login = tokio::time::timeout(timeout, login::login(&shared, tcp, peer));
    let answered = tokio::select! {
        l = login => l.map_err(|_| ConnectionError::LoginTimeout)??,
        () = stopped(&mut stop) => return Ok(()),
    };
    let Some(session) = answered else { return Ok(()) };
    logged_in();
    let mut requests = Requests::new(session);
    if *stop.borrow() {
        requests.transport().stop();
    }
    loop {
        // Never closed, so there is always a permit some time.
        let permit = shared.threads.acquire().await;
        let turn = tokio::task::spawn_blocking(move || requests.run()).await;
        drop(permit);
        match turn.map_err(|_| ConnectionError::Worker)? {
            Turn::Ended(result) => return result,
            Turn::Idle(r) => requests = r,
        }
        let transport = Arc::clone(requests.transport());
        // What goes wrong here the next read meets again, on a thread where the session may end.
        tokio::select! {
            _ = readable(&transport) => {}
            () = stopped(&mut stop) => {}
        }
        let _ = transport.tcp().set_nonblocking(false);
    }
}

/// Returns when the client sends something, or closes. Leaves the socket in non-blocking mode.
async fn readable(transport: &Transport) -> std::io::Result<()> {
    let tcp = transport.tcp().try_clone()?;
    tcp.set_nonblocking(true)?;
    TcpStream::from_std(tcp)?.readable().await
}

/// Returns when the server stops.
pub(crate) async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}
