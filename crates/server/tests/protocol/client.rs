//! The blocking client as the tests want it: whatever fails ends the test.

use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use holdfast_tds::TdsVersion;
use holdfast_tds::login::{Login7, Secret};
use holdfast_tds::prelogin::Encryption;
use holdfast_tds::token::Token;

pub const PASSWORD: &str = "Test-passw0rd";

pub struct Connection(holdfast_client::Connection);

impl Deref for Connection {
    type Target = holdfast_client::Connection;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

pub struct Options {
    pub encryption: Encryption,
    pub strict: bool,
    pub user: String,
    pub password: String,
    /// Empty: the password stays.
    pub new_password: String,
    pub database: String,
    pub version: TdsVersion,
    pub packet_size: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            encryption: Encryption::NotSupported,
            strict: false,
            user: "sa".into(),
            password: PASSWORD.into(),
            new_password: String::new(),
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
        let login = Login7 {
            tds_version: o.version.number(),
            packet_size: o.packet_size,
            user_name: o.user.clone(),
            change_password: holdfast_tds::login::Secret(o.new_password.clone()),
            password: Secret(o.password.clone()),
            database: o.database.clone(),
            ..Default::default()
        };
        let options =
            holdfast_client::Options { encryption: o.encryption, strict: o.strict, mars: true, login };
        let mut c = Connection(holdfast_client::Connection::open(tcp(address), &options).unwrap());
        assert!(!c.prelogin.mars);
        let tokens = c.answer();
        (c, tokens)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.send(bytes).unwrap();
    }

    /// All tokens of one answer.
    pub fn answer(&mut self) -> Vec<Token> {
        let mut out = Vec::new();
        self.0.answer(&mut |t| out.push(t)).unwrap();
        out
    }

    pub fn query(&mut self, text: &str) -> Vec<Token> {
        let bytes = self.client.batch(text);
        self.send(&bytes);
        self.answer()
    }
}
