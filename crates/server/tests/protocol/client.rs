//! A blocking client over the protocol crate's client side: plain, TLS inside TDS, and TLS first.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use holdfast_tds::TdsVersion;
use holdfast_tds::client::{self, Client, Event};
use holdfast_tds::login::{Login7, Secret};
use holdfast_tds::packet::{HEADER_SIZE, PacketHeader, PacketType, message};
use holdfast_tds::prelogin::{Encryption, PreLogin};
use holdfast_tds::token::Token;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

pub const PASSWORD: &str = "Test-passw0rd";

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub struct Connection {
    stream: Box<dyn Stream>,
    pub client: Client,
}

/// Accepts the server's self-made certificate.
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
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256]
    }
}

fn tls(strict: bool) -> ClientConnection {
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
    if strict {
        config.alpn_protocols = vec![b"tds/8.0".to_vec()];
    }
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

/// During the handshake TLS records travel in packets of type PRELOGIN.
struct Wrapped {
    tcp: TcpStream,
    left: usize,
    records: Vec<u8>,
    wrapping: bool,
}
impl Read for Wrapped {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.wrapping {
            return self.tcp.read(buf);
        }
        if self.left == 0 {
            let mut head = [0; HEADER_SIZE];
            self.tcp.read_exact(&mut head)?;
            self.left = usize::from(PacketHeader::decode(head).unwrap().length) - HEADER_SIZE;
        }
        let n = buf.len().min(self.left);
        let n = self.tcp.read(&mut buf[..n])?;
        self.left -= n;
        Ok(n)
    }
}
impl Write for Wrapped {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.wrapping {
            return self.tcp.write(buf);
        }
        self.records.extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        if !self.records.is_empty() {
            let records = std::mem::take(&mut self.records);
            self.tcp.write_all(&message(PacketType::PreLogin, 4096, 0, records))?;
        }
        self.tcp.flush()
    }
}

pub struct Options {
    pub encryption: Encryption,
    pub strict: bool,
    pub password: String,
    pub database: String,
    pub version: TdsVersion,
    pub packet_size: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            encryption: Encryption::NotSupported,
            strict: false,
            password: PASSWORD.into(),
            database: String::new(),
            version: TdsVersion::V7_4,
            packet_size: 8000,
        }
    }
}

pub fn tcp(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    tcp
}

impl Connection {
    /// Connects and logs in; the tokens of the login's answer come with it.
    pub fn open(address: SocketAddr, o: &Options) -> (Connection, Vec<Token>) {
        let mut tcp = tcp(address);
        let mut client = Client::new(o.version);
        let login = client::login(&Login7 {
            tds_version: o.version.number(),
            packet_size: o.packet_size,
            user_name: "sa".into(),
            password: Secret(o.password.clone()),
            database: o.database.clone(),
            ..Default::default()
        });
        let hello = client::prelogin(&PreLogin {
            encryption: (!o.strict).then_some(o.encryption),
            mars: true,
            ..Default::default()
        });
        let mut stream: Box<dyn Stream>;
        if o.strict {
            stream = Box::new(StreamOwned::new(tls(true), tcp));
            stream.write_all(&hello).unwrap();
            let answer = take(&mut *stream, &mut client);
            assert!(!answer.mars);
            stream.write_all(&login).unwrap();
        } else {
            tcp.write_all(&hello).unwrap();
            let answer = take(&mut tcp, &mut client);
            assert!(!answer.mars);
            match answer.encryption.unwrap() {
                Encryption::NotSupported => {
                    tcp.write_all(&login).unwrap();
                    stream = Box::new(tcp);
                }
                answered => {
                    let mut wrapped =
                        Wrapped { tcp: tcp.try_clone().unwrap(), left: 0, records: vec![], wrapping: true };
                    let mut session = tls(false);
                    while session.is_handshaking() {
                        session.complete_io(&mut wrapped).unwrap();
                    }
                    wrapped.wrapping = false;
                    let mut tls = StreamOwned::new(session, wrapped);
                    tls.write_all(&login).unwrap();
                    tls.flush().unwrap();
                    stream = if answered == Encryption::Off { Box::new(tcp) } else { Box::new(tls) };
                }
            }
        }
        stream.flush().unwrap();
        let mut c = Connection { stream, client };
        let tokens = c.answer();
        (c, tokens)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }

    /// All tokens of one answer.
    pub fn answer(&mut self) -> Vec<Token> {
        let mut out = Vec::new();
        let mut buffer = [0u8; 8192];
        loop {
            match self.client.next_event().unwrap() {
                Event::Token(t) => out.push(t),
                Event::End => return out,
                Event::NeedBytes => {
                    let n = self.stream.read(&mut buffer).unwrap();
                    assert!(n > 0, "the server closed after {out:?}");
                    self.client.feed(&buffer[..n]);
                }
            }
        }
    }

    pub fn query(&mut self, text: &str) -> Vec<Token> {
        let bytes = self.client.batch(text);
        self.send(&bytes);
        self.answer()
    }
}

fn take(stream: &mut dyn Stream, client: &mut Client) -> PreLogin {
    let mut buffer = [0u8; 4096];
    loop {
        if let Some(m) = client.take_message().unwrap() {
            return PreLogin::decode(&m).unwrap();
        }
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0);
        client.feed(&buffer[..n]);
    }
}
