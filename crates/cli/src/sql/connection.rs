//! Connecting and logging in.

use std::net::TcpStream;

use anyhow::{Context, bail};
use holdfast_client::{Connection, Options};
use holdfast_tds::login::{Login7, Secret};
use holdfast_tds::prelogin::Encryption;
use holdfast_tds::token::Token;

/// Who and where.
#[derive(Clone, Debug)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    pub user: String,
    pub password: String,
    pub database: String,
}

/// Connects and logs in. `each` gets the login's tokens (messages, environment).
pub fn open(target: &Target, each: &mut dyn FnMut(Token)) -> anyhow::Result<Connection> {
    let tcp = TcpStream::connect(&target.address)
        .with_context(|| format!("cannot connect to {}", target.address))?;
    let login = Login7 {
        user_name: target.user.clone(),
        password: Secret(target.password.clone()),
        database: target.database.clone(),
        application: "holdfast sql".into(),
        client_process_id: std::process::id(),
        packet_size: 8000,
        ..Default::default()
    };
    let options = Options { encryption: Encryption::On, strict: false, mars: false, login };
    let mut connection = Connection::open(tcp, &options)?;
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
