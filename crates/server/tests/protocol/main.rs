//! The server over real sockets, with canned answers below it and the protocol crate's client side above.

mod client;
mod fake;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use client::{Connection, Options, PASSWORD};
use holdfast_exec::security::LoginStore;
use holdfast_exec::security::store::new_login;
use holdfast_server::listener::StopHandle;
use holdfast_server::{Config, Server};
use holdfast_tds::packet::{PacketType, message, status};
use holdfast_tds::prelogin::Encryption;
use holdfast_tds::request::{Rpc, RpcCall, RpcParameter, RpcProcedure, TransactionManagerRequest};
use holdfast_tds::token::{DoneToken, Environment, Token, done_status};
use holdfast_tds::type_info::TypeInfo;
use holdfast_tds::{TdsVersion, client as tds_client};
use holdfast_types::{CollationId, SqlType, Value};

struct Running {
    address: SocketAddr,
    stop: StopHandle,
    thread: Option<std::thread::JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(t) = self.thread.take() {
            t.join().unwrap();
        }
    }
}

fn start() -> Running {
    start_with(|_| ())
}

fn start_with(change: impl FnOnce(&mut Config)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let logins = Arc::new(LoginStore::open(dir.path()).unwrap());
    logins.set_password("sa", PASSWORD).unwrap();
    logins
        .change(|p| {
            for (i, name) in ["locked", "fresh"].iter().enumerate() {
                let mut login = new_login(257 + i as i32, name, vec![i as u8; 16]);
                login.password = p.login("sa").and_then(|sa| sa.password.clone());
                login.disabled = *name == "locked";
                login.must_change = *name == "fresh";
                p.add(login);
            }
            Ok(())
        })
        .unwrap();
    let mut config = Config::new(dir.path().to_owned());
    config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    change(&mut config);
    let server = runtime.block_on(Server::bind_with(config, fake::FakeFactory::new(), logins)).unwrap();
    let address = server.addresses()[0];
    let stop = server.stop_handle();
    let thread = std::thread::spawn(move || runtime.block_on(server.run()));
    Running { address, stop, thread: Some(thread), _dir: dir }
}

fn rows(tokens: &[Token]) -> Vec<&Vec<Value>> {
    tokens.iter().filter_map(|t| if let Token::Row(r) = t { Some(r) } else { None }).collect()
}

fn dones(tokens: &[Token]) -> Vec<DoneToken> {
    tokens.iter().filter_map(|t| if let Token::Done(d) = t { Some(*d) } else { None }).collect()
}

fn errors(tokens: &[Token]) -> Vec<i32> {
    tokens
        .iter()
        .filter_map(|t| match t {
            Token::Message(m) if m.class > 10 => Some(m.number),
            _ => None,
        })
        .collect()
}

fn check_types(c: &mut Connection) {
    let tokens = c.query("types");
    let got = rows(&tokens);
    let expected = fake::every_type();
    assert_eq!(got.len(), 2);
    for ((name, ty, value), got) in expected.iter().zip(got[0]) {
        assert_eq!(got, value, "{name} {ty}");
    }
    assert!(got[1].iter().all(Value::is_null));
}

#[test]
fn every_kind_of_encryption() {
    let s = start();
    for (encryption, strict) in [
        (Encryption::NotSupported, false),
        (Encryption::Off, false),
        (Encryption::On, false),
        (Encryption::NotSupported, true),
    ] {
        let version = if strict { TdsVersion::V8_0 } else { TdsVersion::V7_4 };
        let o = Options { encryption, strict, version, ..Default::default() };
        let (mut c, login) = Connection::open(s.address, &o);
        assert!(login.iter().any(|t| matches!(t, Token::LoginAck(_))), "{login:?}");
        assert!(
            login.contains(&Token::Environment(Environment::PacketSize { new: 8000, old: 4096 })),
            "{login:?}"
        );
        check_types(&mut c);
        let many = c.query("rows 100000");
        assert_eq!(rows(&many).len(), 100_000);
    }
}

#[test]
fn older_versions_get_types_they_know() {
    let s = start();
    for version in [TdsVersion::V7_3, TdsVersion::V7_2, TdsVersion::V7_1] {
        let o = Options { version, packet_size: 512, ..Default::default() };
        let (mut c, _) = Connection::open(s.address, &o);
        let tokens = c.query("types");
        let row = rows(&tokens)[0];
        for ((name, _, value), got) in fake::every_type().iter().zip(row) {
            let as_text = ["date", "time", "datetime2", "datetimeoffset"].contains(name);
            if as_text && !version.has_73() {
                assert!(matches!(got, Value::String(_)), "{name}");
            } else {
                assert_eq!(got, value, "{name}");
            }
        }
        assert!(rows(&tokens)[1].iter().all(Value::is_null));
    }
}

#[test]
fn logins_are_refused_without_a_reason() {
    let s = start();
    let (_, wrong) = Connection::open(s.address, &Options { password: "Wrong".into(), ..Default::default() });
    assert_eq!(errors(&wrong), [18456]);
    let (_, nowhere) =
        Connection::open(s.address, &Options { database: "nowhere".into(), ..Default::default() });
    assert_eq!(errors(&nowhere), [4060, 18456]);
}

#[test]
fn the_state_of_a_login_is_told_to_who_knows_its_password() {
    let s = start();
    let open = |user: &str, password: &str, new: &str| {
        let o = Options {
            user: user.into(),
            password: password.into(),
            new_password: new.into(),
            ..Default::default()
        };
        errors(&Connection::open(s.address, &o).1)
    };
    assert_eq!(open("nobody", PASSWORD, ""), [18456]);
    assert_eq!(open("locked", "Wrong", ""), [18456]);
    assert_eq!(open("locked", PASSWORD, ""), [18470]);
    assert_eq!(open("fresh", PASSWORD, ""), [18488]);
    assert_eq!(open("fresh", PASSWORD, "weak"), [15116, 18456]);
    assert_eq!(open("fresh", "Wrong", "An0ther-pass"), [18456]);
    assert!(open("fresh", PASSWORD, "An0ther-pass").is_empty());
    assert_eq!(open("fresh", PASSWORD, ""), [18456]);
    assert!(open("fresh", "An0ther-pass", "").is_empty());
}

#[test]
fn results_messages_and_their_order() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let two = c.query("two");
    let d = dones(&two);
    assert_eq!((d.len(), d[0].count(), d[1].count()), (2, Some(1), Some(2)));
    assert!(d[0].has_more() && !d[1].has_more());
    let e = c.query("error");
    assert_eq!(errors(&e), [208]);
    assert!(dones(&e)[0].status & done_status::ERROR != 0);
    let used = c.query("use other");
    assert!(matches!(&used[0], Token::Environment(Environment::Database { new, .. }) if new == "other"));
    let printed = c.query("print");
    assert!(matches!(&printed[0], Token::Message(m) if m.text == "hello" && m.server == "FAKE"));
    assert_eq!(dones(&c.query("")).len(), 1);
}

#[test]
fn a_running_statement_is_cancelled() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    for text in ["wait", "rows 100000000"] {
        let bytes = c.client.batch(text);
        c.send(&bytes);
        std::thread::sleep(std::time::Duration::from_millis(50));
        c.send(&tds_client::attention());
        let mut answers = vec![c.answer()];
        while !dones(&answers[answers.len() - 1]).iter().any(|d| d.status & done_status::ATTENTION != 0) {
            answers.push(c.answer());
        }
        assert_eq!(rows(&c.query("rows 3")).len(), 3);
    }
    // An attention that comes too late is still acknowledged.
    c.send(&tds_client::attention());
    assert!(dones(&c.answer())[0].status & done_status::ATTENTION != 0);
}

/// With two threads for all, every connection that is silent for a moment gives its thread back and gets one again.
#[test]
fn silent_connections_need_no_thread() {
    let s = start_with(|c| c.requests_max = 2);
    let mut all: Vec<Connection> = [Encryption::NotSupported, Encryption::On, Encryption::On]
        .into_iter()
        .map(|encryption| Connection::open(s.address, &Options { encryption, ..Default::default() }).0)
        .collect();
    for round in 1..4 {
        for c in &mut all {
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert_eq!(rows(&c.query(&format!("rows {round}"))).len(), round);
        }
    }
    let last = all.len() - 1;
    let bytes = all[last].client.batch("wait");
    all[last].send(&bytes);
    assert_eq!(rows(&all[0].query("rows 2")).len(), 2);
    all[last].send(&tds_client::attention());
    let answers = [all[last].answer(), all[last].answer()];
    assert!(dones(&answers[1]).iter().any(|d| d.status & done_status::ATTENTION != 0));
}

/// A client that goes away ends its request; one that sends requests ahead gets their answers in order.
#[test]
fn requests_ahead_and_clients_gone() {
    let s = start();
    let (mut gone, _) = Connection::open(s.address, &Options::default());
    let bytes = gone.client.batch("wait");
    gone.send(&bytes);
    drop(gone);
    for encryption in [Encryption::NotSupported, Encryption::On] {
        let (mut c, _) = Connection::open(s.address, &Options { encryption, ..Default::default() });
        let all: Vec<u8> = (1..40).flat_map(|n| c.client.batch(&format!("rows {n}"))).collect();
        c.send(&all);
        for n in 1..40 {
            assert_eq!(rows(&c.answer()).len(), n);
        }
    }
    // The server would not stop in time if the first request still waited.
    let start = std::time::Instant::now();
    drop(s);
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

fn call(procedure: RpcProcedure, parameters: Vec<RpcParameter>) -> Rpc {
    let call = RpcCall { procedure, options: 0, parameters, no_execute: false };
    Rpc { headers: Default::default(), calls: vec![call] }
}

fn parameter(ty: SqlType, value: Value, out: bool) -> RpcParameter {
    let info = TypeInfo::for_parameter(&ty, TdsVersion::V7_4);
    RpcParameter { by_reference: out, ..RpcParameter::scalar("", info, value) }
}

fn text(s: &str) -> RpcParameter {
    parameter(SqlType::nvarchar_max(CollationId::SERVER_DEFAULT), Value::string(s), false)
}

fn int(v: i32) -> RpcParameter {
    parameter(SqlType::INT, Value::Int(v), false)
}

fn out() -> RpcParameter {
    parameter(SqlType::INT, Value::Null, true)
}

fn outputs(tokens: &[Token]) -> Vec<(u16, Value)> {
    tokens
        .iter()
        .filter_map(|t| if let Token::ReturnValue(v) = t { Some((v.ordinal, v.value.clone())) } else { None })
        .collect()
}

impl Connection {
    fn rpc(&mut self, rpc: Rpc) -> Vec<Token> {
        let bytes = self.client.rpc(rpc).unwrap();
        self.send(&bytes);
        self.answer()
    }
}

#[test]
fn parameters_of_every_type_go_both_ways() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let all = fake::every_type();
    let parameters: Vec<RpcParameter> =
        all.iter().map(|(_, ty, v)| parameter(*ty, v.clone(), false)).collect();
    let tokens = c.rpc(call(RpcProcedure::Name("echo".into()), parameters));
    for ((name, _, value), got) in all.iter().zip(rows(&tokens)[0]) {
        assert_eq!(got, value, "{name}");
    }
    let nulls = all.iter().map(|(_, ty, _)| parameter(*ty, Value::Null, true)).collect();
    let tokens = c.rpc(call(RpcProcedure::Name("echo".into()), nulls));
    assert!(rows(&tokens)[0].iter().all(Value::is_null));
    assert_eq!(outputs(&tokens).len(), all.len());
    assert!(matches!(tokens[tokens.len() - 1], Token::Done(d) if d.token == 0xFE && !d.has_more()));
}

/// A call that cannot be run says so in its DONEPROC, and its connection goes on.
#[test]
fn calls_that_cannot_be_run() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let failed = |tokens: &[Token], number: i32| {
        assert_eq!(errors(tokens), [number]);
        let last = dones(tokens).pop().expect("a DONE");
        assert!(last.token == 0xFE && last.status & done_status::ERROR != 0, "{last:?}");
    };
    failed(&c.rpc(call(RpcProcedure::Name("echo".into()), vec![int(1); 2101])), 8003);
    failed(&c.rpc(call(RpcProcedure::Name("echo".into()), vec![int(1); 9000])), 8003);
    failed(&c.rpc(call(RpcProcedure::Number(999), vec![int(1)])), 2812);
    let tokens = c.rpc(call(RpcProcedure::Name("echo".into()), vec![int(1); 2100]));
    assert!(errors(&tokens).is_empty() && rows(&tokens)[0].len() == 2100);
}

#[test]
fn prepared_statements() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let p = vec![out(), text(""), text("rows 2"), int(1)];
    let tokens = c.rpc(call(RpcProcedure::Number(11), p));
    let (_, handle) = outputs(&tokens)[0].clone();
    assert!(tokens.iter().any(|t| matches!(t, Token::Columns(_))), "sp_prepare describes");
    let handle = parameter(SqlType::INT, handle, false);
    let tokens = c.rpc(call(RpcProcedure::Number(12), vec![handle.clone()]));
    assert_eq!(rows(&tokens).len(), 2);
    let tokens = c.rpc(call(RpcProcedure::Number(15), vec![handle.clone()]));
    assert!(errors(&tokens).is_empty());
    let tokens = c.rpc(call(RpcProcedure::Number(12), vec![handle]));
    assert_eq!(errors(&tokens), [8179]);
    let p = vec![out(), text(""), text("rows 3")];
    let tokens = c.rpc(call(RpcProcedure::Number(13), p));
    assert_eq!(rows(&tokens).len(), 3);
    assert!(matches!(outputs(&tokens)[0], (0, Value::Int(h)) if h > 0));
    assert!(matches!(tokens[tokens.len() - 1], Token::Done(d) if d.token == 0xFE));
}

/// ODBC's `{call p(?)}`: sp_prepexecrpc with the procedure's name; sp_execute calls it again.
#[test]
fn prepared_calls() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let arguments = || vec![int(7), parameter(SqlType::INT, Value::Int(8), true)];
    let p = [vec![out(), text("echo")], arguments()].concat();
    let tokens = c.rpc(call(RpcProcedure::Number(14), p));
    assert_eq!(rows(&tokens)[0][..], [Value::Int(7), Value::Int(8)]);
    // The output parameter at its place in what was sent, and the handle.
    let mut told = outputs(&tokens);
    told.sort_by_key(|o| o.0);
    let [(0, handle @ Value::Int(_)), (3, Value::Int(8))] = &told[..] else { panic!("{told:?}") };
    let handle = parameter(SqlType::INT, handle.clone(), false);
    let tokens = c.rpc(call(RpcProcedure::Number(12), [vec![handle.clone()], arguments()].concat()));
    assert_eq!(rows(&tokens)[0][..], [Value::Int(7), Value::Int(8)]);
    assert_eq!(outputs(&tokens), [(2, Value::Int(8))]);
    let tokens = c.rpc(call(RpcProcedure::Number(15), vec![handle.clone()]));
    assert!(errors(&tokens).is_empty());
    let tokens = c.rpc(call(RpcProcedure::Number(12), vec![handle]));
    assert_eq!(errors(&tokens), [8179]);
}

#[test]
fn cursors() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let inout = |v| parameter(SqlType::INT, Value::Int(v), true);
    let p = vec![out(), text("select 10"), inout(1), inout(4), inout(0)];
    let tokens = c.rpc(call(RpcProcedure::Number(2), p));
    let values = outputs(&tokens);
    assert_eq!(values[1..], [(2, Value::Int(8)), (3, Value::Int(1)), (4, Value::Int(10))]);
    let cursor = parameter(SqlType::INT, values[0].1.clone(), false);
    let mut fetch = |kind, row, n| -> Vec<i32> {
        let p = vec![cursor.clone(), int(kind), int(row), int(n)];
        let tokens = c.rpc(call(RpcProcedure::Number(7), p));
        rows(&tokens)
            .iter()
            .map(|r| {
                assert_eq!(r[1], Value::Int(1), "ROWSTAT");
                if let Value::Int(v) = r[0] { v } else { -1 }
            })
            .collect()
    };
    assert_eq!(fetch(2, 0, 4), [0, 1, 2, 3]);
    assert_eq!(fetch(2, 0, 4), [4, 5, 6, 7]);
    assert_eq!(fetch(2, 0, 4), [8, 9]);
    assert_eq!(fetch(2, 0, 4), [0i32; 0]);
    assert_eq!(fetch(8, 0, 1), [9]);
    assert_eq!(fetch(16, 3, 2), [2, 3]);
    assert_eq!(fetch(4, 0, 2), [0, 1]);
    assert_eq!(fetch(16, -1, 1), [9]);
    assert_eq!(fetch(1, 0, 1), [0]);
    let tokens = c.rpc(call(RpcProcedure::Number(9), vec![cursor.clone()]));
    assert!(errors(&tokens).is_empty());
    let tokens = c.rpc(call(RpcProcedure::Number(7), vec![cursor, int(2), int(0), int(1)]));
    assert_eq!(errors(&tokens), [16909]);
}

#[test]
fn what_can_have_no_cursor_is_refused_unrun_or_run_directly() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let inout = |v| parameter(SqlType::INT, Value::Int(v), true);
    // Two statements, and a call of a procedure that cannot be looked at: the fake session would answer either.
    for statement in ["rows 3", "select 1 select 2", "select 1 into t", "insert t values (1)"] {
        let p = vec![out(), text(statement), inout(1), inout(4), inout(0)];
        let tokens = c.rpc(call(RpcProcedure::Number(2), p));
        assert_eq!(errors(&tokens), [16937], "{statement}");
        assert!(!tokens.iter().any(|t| matches!(t, Token::Columns(_))), "{statement}");
    }
    let p = vec![out(), text("rows 3"), inout(8), inout(0x2001), inout(0)];
    let tokens = c.rpc(call(RpcProcedure::Number(2), p));
    assert!(matches!(&tokens[0], Token::Message(m) if m.number == 16954), "{:?}", tokens[0]);
    assert_eq!(rows(&tokens).len(), 3);
    assert_eq!(rows(&tokens)[0].len(), 1, "no ROWSTAT");
    assert!(outputs(&tokens).is_empty());
    assert!(matches!(tokens[tokens.len() - 1], Token::Done(d) if d.token == 0xFE));
    // What can have one gets one.
    let p = vec![out(), text("select 3"), inout(8), inout(0x2001), inout(0)];
    assert_eq!(outputs(&c.rpc(call(RpcProcedure::Number(2), p))).len(), 4);
}

#[test]
fn transactions_resets_and_bulk_loads() {
    let s = start();
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let begin = TransactionManagerRequest::Begin { isolation: 2, name: "t".into() };
    let payload = begin.encode(&c.client.headers(), c.client.version());
    let bytes = c.client.request(PacketType::TransactionManager, payload);
    c.send(&bytes);
    assert_eq!(c.answer()[0], Token::Environment(Environment::BeginTransaction(77)));
    assert_eq!(c.client.headers().transaction, 77);
    let bytes = c.client.request(PacketType::BulkLoad, vec![0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    c.send(&bytes);
    // The rows of a bulk load reach the session; here none.
    let tokens = c.answer();
    assert!(errors(&tokens).is_empty());
    assert!(format!("{tokens:?}").contains("0 columns, 0 rows"), "{tokens:?}");
    let mut bytes = c.client.batch("rows 1");
    bytes[1] |= status::RESET_CONNECTION;
    c.send(&bytes);
    let tokens = c.answer();
    assert_eq!(tokens[0], Token::Environment(Environment::ResetConnection));
    assert_eq!(rows(&tokens).len(), 1);
    let bytes = c.client.batch("fatal");
    c.send(&bytes);
    assert_eq!(errors(&c.answer()), [50000]);
}

#[test]
fn hostile_bytes_end_only_their_connection() {
    let s = start();
    let good = tds_client::prelogin(&Default::default());
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..60 {
        let mut tcp = client::tcp(s.address);
        let mut bytes = if round % 2 == 0 { good.clone() } else { vec![0; 200] };
        for _ in 0..1 + next() % 8 {
            let at = next() as usize % bytes.len();
            bytes[at] = next() as u8;
        }
        let _ = tcp.write_all(&bytes);
        let _ = tcp.write_all(&message(PacketType::Login7, 4096, 0, vec![0xFF; 300]));
    }
    let (mut c, _) = Connection::open(s.address, &Options::default());
    let payload: Vec<u8> = (0..500).map(|_| next() as u8).collect();
    let bytes = c.client.request(PacketType::Rpc, payload);
    c.send(&bytes);
    assert_eq!(errors(&c.answer()), [4002]);
    let (mut c, _) = Connection::open(s.address, &Options::default());
    check_types(&mut c);
}
