//! TLS sessions, and the handshake inside TDS: until it is done, TLS records travel in packets of type PRELOGIN.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use holdfast_tds::packet::{HEADER_SIZE, PacketHeader, PacketType, message};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::ClientResult;

/// Takes any certificate.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

pub fn session(strict: bool) -> ClientResult<ClientConnection> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    if strict {
        config.alpn_protocols = vec![b"tds/8.0".to_vec()];
    }
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    Ok(ClientConnection::new(Arc::new(config), name)?)
}

/// The handshake of TDS 7; afterwards records follow each other bare.
pub fn inside_tds(tcp: TcpStream) -> ClientResult<StreamOwned<ClientConnection, Wrapped>> {
    let mut wrapped = Wrapped { tcp, left: 0, records: Vec::new(), wrapping: true };
    let mut session = session(false)?;
    while session.is_handshaking() {
        session.complete_io(&mut wrapped)?;
    }
    wrapped.wrapping = false;
    Ok(StreamOwned::new(session, wrapped))
}

/// The socket with packets around what is written while `wrapping`.
pub struct Wrapped {
    tcp: TcpStream,
    left: usize,
    records: Vec<u8>,
    wrapping: bool,
}

impl Read for Wrapped {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.wrapping {
            return self.tcp.read(out);
        }
        if self.left == 0 {
            let mut head = [0; HEADER_SIZE];
            self.tcp.read_exact(&mut head)?;
            let header = PacketHeader::decode(head).map_err(io::Error::other)?;
            self.left = usize::from(header.length).saturating_sub(HEADER_SIZE);
        }
        let n = out.len().min(self.left);
        let n = self.tcp.read(&mut out[..n])?;
        self.left -= n;
        Ok(n)
    }
}

impl Write for Wrapped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.wrapping {
            return self.tcp.write(bytes);
        }
        self.records.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        if !self.records.is_empty() {
            let records = std::mem::take(&mut self.records);
            self.tcp.write_all(&message(PacketType::PreLogin, 4096, 0, records))?;
        }
        self.tcp.flush()
    }
}
