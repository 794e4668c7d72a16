//! The server's certificate and the two TLS set-ups.
//!
//! Invariants
//! 1. Inside TDS 7 only TLS 1.2 is offered: with 1.3, session tickets sent after the handshake confuse clients that think
//!    the handshake's packets are over (seen with FreeTDS and OpenSSL clients).
//! 2. TDS 8 (TLS first) offers 1.2 and 1.3 and the application protocol `tds/8.0`.
//! 3. The private key lies in the data directory with mode 0600.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use holdfast_disk::{private_directory, write_private};

#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Pem { path: PathBuf, source: rustls_pki_types::pem::Error },
    #[error("making the certificate: {0}")]
    Generate(#[from] rcgen::Error),
    #[error("TLS set-up: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS configurations, cheap to clone.
#[derive(Clone)]
pub struct Certificates {
    /// For handshakes inside TDS packets.
    pub wrapped: Arc<ServerConfig>,
    /// For TDS 8.
    pub strict: Arc<ServerConfig>,
}

impl Certificates {
    /// Loads the given files, or those of the data directory, which are made on first use.
    pub fn open(data_dir: &Path, files: Option<&(PathBuf, PathBuf)>) -> Result<Self, CertificateError> {
        let (certificate, key) = match files {
            Some((c, k)) => (c.clone(), k.clone()),
            None => {
                let dir = data_dir.join("security");
                let (c, k) = (dir.join("server-certificate.pem"), dir.join("server-key.pem"));
                if !c.is_file() || !k.is_file() {
                    generate(&dir, &c, &k)?;
                }
                (c, k)
            }
        };
        let pem = |path: &Path, source| CertificateError::Pem { path: path.to_owned(), source };
        let chain = CertificateDer::pem_file_iter(&certificate)
            .map_err(|e| pem(&certificate, e))?
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| pem(&certificate, e))?;
        let private = PrivateKeyDer::from_pem_file(&key).map_err(|e| pem(&key, e))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Its generator first gathers entropy, some 50 ms: no client shall wait for that. What fails here fails in handshakes again,
        // where it is told.
        let random = provider.secure_random;
        let _ = std::thread::Builder::new().name("entropy".into()).spawn(move || random.fill(&mut [0]));
        let wrapped = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain.clone(), private.clone_key())?;
        let mut strict = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, private)?;
        strict.alpn_protocols = vec![b"tds/8.0".to_vec()];
        Ok(Certificates { wrapped: Arc::new(wrapped), strict: Arc::new(strict) })
    }
}

fn generate(dir: &Path, certificate: &Path, key: &Path) -> Result<(), CertificateError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| CertificateError::File { path, source }
    };
    private_directory(dir).map_err(file(dir))?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        let host = host.trim();
        if !host.is_empty() && host.is_ascii() && !names.iter().any(|n| n == host) {
            names.push(host.to_owned());
        }
    }
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = rcgen::CertificateParams::new(names)?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Holdfast self-signed certificate");
    let made = parameters.self_signed(&pair)?;
    write_private(key, pair.serialize_pem().as_bytes()).map_err(file(key))?;
    write_private(certificate, made.pem().as_bytes()).map_err(file(certificate))?;
    Ok(())
}
