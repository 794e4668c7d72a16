//! One connection: [`login`] from the first byte to the login's answer, [`requests`] the loop after it, [`sink`] answers as
//! tokens, [`stream`] and [`io`] the bytes below.
//!
//! ```text
//! first byte 0x16 ── TLS (ALPN tds/8.0) ─┐
//! first byte 0x12 ───────────────────────┴─ PRELOGIN ─ [TLS inside packets] ─ LOGIN7 ─ requests ─ close
//! ```

pub mod io;
pub mod login;
pub mod requests;
pub mod sink;
pub mod stream;

pub use io::ConnectionError;

use std::net::SocketAddr;
use std::sync::Arc;

use holdfast_exec::session::SessionFactory;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use crate::config::Config;
use crate::security::{Certificates, LoginStore};

/// What all connections share.
pub struct Shared {
    pub config: Config,
    pub logins: LoginStore,
    pub certificates: Certificates,
    pub factory: Arc<dyn SessionFactory>,
    /// One permit for every request that may run.
    pub running: Semaphore,
}

/// Runs a connection to its end. `stop` turns true when the server stops.
pub async fn serve(
    shared: Arc<Shared>,
    tcp: TcpStream,
    peer: SocketAddr,
    logged_in: impl FnOnce(),
    mut stop: watch::Receiver<bool>,
) -> Result<(), ConnectionError> {
    let timeout = shared.config.login_timeout;
    let login = tokio::time::timeout(timeout, login::login(&shared, tcp, peer));
    let answered = tokio::select! {
        l = login => l.map_err(|_| ConnectionError::LoginTimeout)??,
        () = stopped(&mut stop) => return Ok(()),
    };
    let Some(session) = answered else { return Ok(()) };
    logged_in();
    requests::run(session, stop).await
}

/// Returns when the server stops.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}
