//! A blocking connection of the shell: pre-login, TLS inside TDS when the server offers it, login, requests.
//!
//! The server's certificate is not verified: it is usually self-made. The connection is encrypted all the same.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::{Context, bail};
use holdfast_tds::TdsVersion;
use holdfast_tds::client::{self, Client, Event};
use holdfast_tds::login::{Login7, Secret};
use holdfast_tds::packet::{HEADER_SIZE, PacketHeader, PacketType, message};
use holdfast_tds::prelogin::{Encryption, PreLogin};
use holdfast_tds::token::Token;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

pub struct Connection {
    stream: Box<dyn Stream>,
    client: Client,
}

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

fn tls() -> anyhow::Result<ClientConnection> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    Ok(ClientConnection::new(Arc::new(config), "localhost".try_into()?)?)
}

/// During the handshake TLS records travel in packets of type PRELOGIN.
struct Wrapped {
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

impl Connection {
    /// Connects and logs in. `each` gets the login's tokens (messages, environment).
    pub fn open(
        address: &str,
        user: &str,
        password: &str,
        database: &str,
        each: &mut dyn FnMut(Token),
    ) -> anyhow::Result<Self> {
        let mut tcp = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        tcp.set_nodelay(true)?;
        let mut client = Client::new(TdsVersion::V7_4);
        let login = client::login(&Login7 {
            user_name: user.into(),
            password: Secret(password.into()),
            database: database.into(),
            application: "holdfast sql".into(),
            client_process_id: std::process::id(),
            packet_size: 8000,
            ..Default::default()
        });
        tcp.write_all(&client::prelogin(&PreLogin {
            encryption: Some(Encryption::On),
            ..Default::default()
        }))?;
        let answer = loop {
            if let Some(payload) = client.take_message()? {
                break PreLogin::decode(&payload)?;
            }
            let mut bytes = [0; 4096];
            let n = tcp.read(&mut bytes)?;
            if n == 0 {
                bail!("the server closed the connection");
            }
            client.feed(&bytes[..n]);
        };
        let stream: Box<dyn Stream> = match answer.encryption {
            Some(Encryption::NotSupported) | None => {
                tcp.write_all(&login)?;
                Box::new(tcp)
            }
            answered => {
                let mut wrapped =
                    Wrapped { tcp: tcp.try_clone()?, left: 0, records: Vec::new(), wrapping: true };
                let mut session = tls()?;
                while session.is_handshaking() {
                    session.complete_io(&mut wrapped)?;
                }
                wrapped.wrapping = false;
                let mut secured = StreamOwned::new(session, wrapped);
                secured.write_all(&login)?;
                secured.flush()?;
                if answered == Some(Encryption::Off) { Box::new(tcp) } else { Box::new(secured) }
            }
        };
        let mut connection = Connection { stream, client };
        let mut accepted = false;
        connection.answer(&mut |token| {
            accepted |= matches!(token, Token::LoginAck(_));
            each(token);
        })?;
        if !accepted {
            bail!("login failed");
        }
        Ok(connection)
    }

    /// Runs a batch; `each` gets every token of the answer.
    pub fn batch(&mut self, text: &str, each: &mut dyn FnMut(Token)) -> anyhow::Result<()> {
        let bytes = self.client.batch(text);
        self.stream.write_all(&bytes)?;
        self.stream.flush()?;
        self.answer(each)
    }

    fn answer(&mut self, each: &mut dyn FnMut(Token)) -> anyhow::Result<()> {
        let mut bytes = vec![0; 1 << 16];
        loop {
            match self.client.next_event()? {
                Event::Token(token) => each(token),
                Event::End => return Ok(()),
                Event::NeedBytes => {
                    let n = self.stream.read(&mut bytes)?;
                    if n == 0 {
                        bail!("the server closed the connection");
                    }
                    self.client.feed(&bytes[..n]);
                }
            }
        }
    }
}
