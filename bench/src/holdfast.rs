//! A Holdfast server under measurement, and a client that adds as little as possible.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use holdfast_tds::TdsVersion;
use holdfast_tds::client::{self, Client, Event};
use holdfast_tds::login::{Login7, Secret};
use holdfast_tds::packet::PacketType;
use holdfast_tds::prelogin::{Encryption, PreLogin};
use holdfast_tds::request::{Rpc, RpcCall, RpcParameter, RpcProcedure, TransactionManagerRequest};
use holdfast_tds::token::Token;
use holdfast_tds::type_info::TypeInfo;
use holdfast_types::{CollationId, SqlType, Value};

use crate::process;

pub const PASSWORD: &str = "Side-by-side-1";
pub const DATABASE: &str = "BigHarbour";

pub struct Server {
    child: Option<Child>,
    pub port: u16,
    /// From the start of the process to its "ready" line.
    pub ready_seconds: f64,
}

impl Server {
    /// Starts a server on a data directory; `restore` is brought online first.
    pub fn start(
        program: &Path,
        directory: &Path,
        restore: Option<&PathBuf>,
        cache_mib: u32,
    ) -> anyhow::Result<Self> {
        let mut c = Command::new(program);
        c.arg("serve").arg("--data-dir").arg(directory).args(["--listen", "127.0.0.1:0"]);
        c.arg("--cache").arg(cache_mib.to_string());
        if let Some(file) = restore {
            c.arg("--restore").arg(file);
        }
        c.env("HOLDFAST_SA_PASSWORD", PASSWORD);
        c.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let start = Instant::now();
        let mut child = c.spawn().with_context(|| program.display().to_string())?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output).lines();
        let port = loop {
            let Some(line) = lines.next() else {
                let _ = child.kill();
                bail!("the server ended before it was ready");
            };
            if let Some(rest) = line?.strip_prefix("holdfast ready: listening on 127.0.0.1:") {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                break digits.parse()?;
            }
        };
        let ready_seconds = start.elapsed().as_secs_f64();
        // What it says later must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server { child: Some(child), port, ready_seconds })
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    pub fn stop(mut self) -> anyhow::Result<()> {
        self.child.take().map_or(Ok(()), process::stop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            let _ = process::stop(child);
        }
    }
}

/// A plain connection: nothing is encrypted, as with PostgreSQL on loopback.
pub struct Connection {
    tcp: TcpStream,
    client: Client,
    buffer: Vec<u8>,
}

/// What an answer came to.
#[derive(Debug, Default)]
pub struct Answer {
    pub rows: Vec<Vec<Value>>,
    pub handle: Option<i32>,
}

const TEXT: SqlType = SqlType::nvarchar(4000, CollationId::SERVER_DEFAULT);

impl Connection {
    pub fn open(port: u16, database: &str) -> anyhow::Result<Self> {
        let mut tcp = TcpStream::connect(("127.0.0.1", port))?;
        tcp.set_nodelay(true)?;
        let mut client = Client::new(TdsVersion::V7_4);
        tcp.write_all(&client::prelogin(&PreLogin {
            encryption: Some(Encryption::NotSupported),
            ..Default::default()
        }))?;
        let mut buffer = vec![0; 1 << 16];
        while client.take_message()?.is_none() {
            let n = tcp.read(&mut buffer)?;
            if n == 0 {
                bail!("the server closed the connection");
            }
            client.feed(&buffer[..n]);
        }
        tcp.write_all(&client::login(&Login7 {
            user_name: "sa".into(),
            password: Secret(PASSWORD.into()),
            database: database.into(),
            packet_size: 8000,
            ..Default::default()
        }))?;
        let mut connection = Connection { tcp, client, buffer };
        connection.answer()?;
        Ok(connection)
    }

    pub fn batch(&mut self, text: &str) -> anyhow::Result<Answer> {
        let bytes = self.client.batch(text);
        self.tcp.write_all(&bytes)?;
        self.answer()
    }

    /// sp_prepare; `declared`: parameters, all of them int.
    pub fn prepare(&mut self, declared: &str, text: &str) -> anyhow::Result<i32> {
        let version = self.client.version();
        let parameter = |ty: &SqlType, v| RpcParameter::scalar("", TypeInfo::for_parameter(ty, version), v);
        let handle = RpcParameter { by_reference: true, ..parameter(&SqlType::INT, Value::Null) };
        let parameters = vec![
            handle,
            parameter(&TEXT, Value::string(declared)),
            parameter(&TEXT, Value::string(text)),
            parameter(&SqlType::INT, Value::Int(0)),
        ];
        self.call(11, parameters)?.handle.context("sp_prepare gave no handle")
    }

    /// sp_execute of a prepared statement.
    pub fn execute(&mut self, handle: i32, values: &[i32]) -> anyhow::Result<Answer> {
        let info = TypeInfo::for_parameter(&SqlType::INT, self.client.version());
        let mut parameters = vec![RpcParameter::scalar("", info.clone(), Value::Int(handle))];
        parameters.extend(values.iter().map(|v| RpcParameter::scalar("", info.clone(), Value::Int(*v))));
        self.call(12, parameters)
    }

    /// Begins a transaction as drivers do: with a request of its own.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        self.transaction(&TransactionManagerRequest::Begin { isolation: 0, name: String::new() })
    }

    pub fn commit(&mut self) -> anyhow::Result<()> {
        self.transaction(&TransactionManagerRequest::Commit { name: String::new(), next: None })
    }

    fn transaction(&mut self, request: &TransactionManagerRequest) -> anyhow::Result<()> {
        let payload = request.encode(&self.client.headers(), self.client.version());
        let bytes = self.client.request(PacketType::TransactionManager, payload);
        self.tcp.write_all(&bytes)?;
        self.answer().map(drop)
    }

    fn call(&mut self, number: u16, parameters: Vec<RpcParameter>) -> anyhow::Result<Answer> {
        let call =
            RpcCall { procedure: RpcProcedure::Number(number), options: 0, parameters, no_execute: false };
        let bytes = self.client.rpc(Rpc { headers: Default::default(), calls: vec![call] })?;
        self.tcp.write_all(&bytes)?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<Answer> {
        let mut out = Answer::default();
        loop {
            match self.client.next_event()? {
                Event::Token(Token::Row(row)) => out.rows.push(row),
                Event::Token(Token::ReturnValue(v)) => {
                    if let Value::Int(n) = v.value {
                        out.handle = Some(n);
                    }
                }
                Event::Token(Token::Message(m)) if m.class > 10 => bail!("{}: {}", m.number, m.text),
                Event::Token(_) => {}
                Event::End => return Ok(out),
                Event::NeedBytes => {
                    let n = self.tcp.read(&mut self.buffer)?;
                    if n == 0 {
                        bail!("the server closed the connection");
                    }
                    self.client.feed(&self.buffer[..n]);
                }
            }
        }
    }
}
