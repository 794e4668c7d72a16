//! What an instance is told at start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use holdfast_tds::packet;

#[derive(Clone, Debug)]
pub struct Config {
    pub listen: Vec<SocketAddr>,
    /// Holds `security/` (logins, certificate) below it.
    pub data_dir: PathBuf,
    /// Refuse connections that would not be encrypted throughout.
    pub force_encryption: bool,
    /// PEM files to use instead of the self-made certificate.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// From the first byte to the login's answer.
    pub login_timeout: Duration,
    /// Connections that have not logged in yet.
    pub logins_pending_max: usize,
    pub connections_max: usize,
    /// Connections that hold a thread at the same time; more wait for one. The runtime must have more blocking threads than
    /// this.
    pub requests_max: usize,
    /// Bytes of one request.
    pub message_size_max: usize,
    /// Upper limit of what clients may negotiate, 512..=32767.
    pub packet_size_max: usize,
}

impl Config {
    /// Defaults: loopback, port 1433.
    pub fn new(data_dir: PathBuf) -> Self {
        Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 1433))],
            data_dir,
            force_encryption: false,
            certificate: None,
            login_timeout: Duration::from_secs(30),
            logins_pending_max: 4096,
            connections_max: 32_767,
            requests_max: 400,
            message_size_max: 256 << 20,
            packet_size_max: packet::PACKET_SIZE_MAX,
        }
    }
}
