//! A server of its own for a test, and clients of it.

#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use holdfast_client::{Connection, Options};
use holdfast_tds::login::{Login7, Secret};
use holdfast_tds::prelogin::Encryption;
use holdfast_tds::request::{Rpc, RpcCall, RpcParameter, RpcProcedure};
use holdfast_tds::token::Token;
use holdfast_types::Value;

const PASSWORD: &str = "Test-passw0rd";

pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    pub fn start(data: &Path) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .env("HOLDFAST_SA_PASSWORD", PASSWORD)
            .env("HOLDFAST_LOG", "warn")
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = lines.map_while(Result::ok).find(|l| l.contains("listening on")).expect("gets ready");
        let address = ready.split("listening on ").nth(1).and_then(|t| t.split(' ').next());
        Server { address: address.expect("an address").to_owned(), child }
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("can be killed");
        self.child.wait().expect("ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a batch answered: rows, or the number of its first error.
pub type Answer = Result<Vec<Vec<Value>>, i32>;

pub struct Client(Connection);

impl Client {
    pub fn open(address: &str, database: &str) -> Option<Client> {
        let tcp = TcpStream::connect(address).ok()?;
        tcp.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        let login = Login7 {
            user_name: "sa".into(),
            password: Secret(PASSWORD.into()),
            database: database.into(),
            packet_size: 8000,
            ..Default::default()
        };
        let options = Options { encryption: Encryption::NotSupported, strict: false, mars: false, login };
        let mut connection = Connection::open(tcp, &options).ok()?;
        let mut accepted = false;
        connection.answer(&mut |t| accepted |= matches!(t, Token::LoginAck(_))).ok()?;
        accepted.then_some(Client(connection))
    }

    /// `None`: the connection broke, so nobody knows what became of it.
    pub fn run(&mut self, batch: &str) -> Option<Answer> {
        let (mut rows, mut error) = (Vec::new(), None);
        self.0
            .batch(batch, &mut |token| match token {
                Token::Row(row) => rows.push(row),
                Token::Message(m) if m.class > 10 => _ = error.get_or_insert(m.number),
                _ => {}
            })
            .ok()?;
        Some(error.map_or(Ok(rows), Err))
    }

    /// Sends a batch and reads nothing of its answer.
    pub fn send(&mut self, batch: &str) {
        self.0.send_batch(batch).expect("sent");
    }

    /// Calls a procedure by its number and gives all that it answers.
    #[track_caller]
    pub fn call(&mut self, procedure: u16, parameters: Vec<RpcParameter>) -> Vec<Token> {
        let procedure = RpcProcedure::Number(procedure);
        let call = RpcCall { procedure, options: 0, parameters, no_execute: false };
        let bytes = self.0.client.rpc(Rpc { headers: Default::default(), calls: vec![call] }).unwrap();
        self.0.send(&bytes).unwrap();
        let mut tokens = Vec::new();
        self.0.answer(&mut |t| tokens.push(t)).unwrap();
        tokens
    }

    /// The next request begins with sp_reset_connection.
    pub fn run_reset(&mut self, batch: &str) {
        let mut bytes = self.0.client.batch(batch);
        bytes[1] |= holdfast_tds::packet::status::RESET_CONNECTION;
        self.0.send(&bytes).unwrap();
        self.0.answer(&mut |_| {}).unwrap();
    }

    #[track_caller]
    pub fn fine(&mut self, batch: &str) -> Vec<Vec<Value>> {
        match self.run(batch) {
            Some(Ok(rows)) => rows,
            other => panic!("{batch}: {other:?}"),
        }
    }

    #[track_caller]
    pub fn number(&mut self, query: &str) -> i64 {
        number(&self.fine(query)[0][0])
    }
}

#[track_caller]
pub fn number(value: &Value) -> i64 {
    match value {
        Value::SmallInt(n) => i64::from(*n),
        Value::Int(n) => i64::from(*n),
        Value::BigInt(n) => *n,
        Value::Null => 0,
        other => panic!("{other:?} is no number"),
    }
}
