//! KILL and ROLLBACK IMMEDIATE end sessions whose clients say nothing, with all that these hold.

mod common;

use std::time::{Duration, Instant};

use common::{Client, Server};

#[track_caller]
fn soon(what: &str, mut f: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !f() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn idle_sessions_end() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut admin = Client::open(&server.address, "master").unwrap();
    admin.fine("create database k");
    // One whose thread still waits for it, and one that has given its thread back.
    for silence in [Duration::ZERO, Duration::from_millis(1500)] {
        let mut idle = Client::open(&server.address, "k").unwrap();
        let id = idle.number("select @@spid");
        idle.fine("create table ##g(a int); exec sp_getapplock 'r', 'exclusive', 'session'; begin tran; create table t(a int)");
        std::thread::sleep(silence);
        let sessions = format!("select count(*) from sys.dm_exec_sessions where session_id = {id}");
        assert_eq!(admin.number(&sessions), 1);
        admin.fine(&format!("kill {id}"));
        soon("the session ends", || admin.number(&sessions) == 0);
        assert_eq!(admin.number("select count(*) from tempdb.sys.tables where name = '##g'"), 0);
        let lock = "use k; declare @r int; exec @r = sp_getapplock 'r', 'exclusive', 'session', 0; select @r; exec sp_releaseapplock 'r', 'session'; use master";
        assert_eq!(admin.number(lock), 0);
        assert_eq!(admin.number("select count(*) from k.sys.tables"), 0);
        assert!(idle.run("select 1").is_none(), "the connection is closed");
    }
}

#[test]
fn rollback_immediate_ends_idle_sessions() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut admin = Client::open(&server.address, "master").unwrap();
    admin.fine("create database k");
    let idle: Vec<Client> = (0..5).map(|_| Client::open(&server.address, "k").unwrap()).collect();
    let began = Instant::now();
    admin.fine("alter database k set single_user with rollback immediate");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    admin.fine("use k; create table t(a int); use master; alter database k set multi_user");
    for mut client in idle {
        assert!(client.run("select 1").is_none());
    }
}

/// One that sends rows to a client which has stopped to read them.
#[test]
fn a_session_that_waits_for_its_reader_ends() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut admin = Client::open(&server.address, "master").unwrap();
    admin.fine("create database k");
    admin.fine("use k; create table t(a int); insert t values (1); use master");
    let mut idle = Client::open(&server.address, "k").unwrap();
    let id = idle.number("select @@spid");
    let endless = "begin tran; update t set a = 2; select replicate(cast('x' as varchar(max)), 8000) from sys.all_columns a, sys.all_columns b";
    idle.send(endless);
    let sessions = format!("select count(*) from sys.dm_exec_sessions where session_id = {id}");
    let held = "set lock_timeout 0; use k; select count(*) from t; use master; set lock_timeout -1";
    soon("the row is changed", || admin.run(held) == Some(Err(1222)));
    // Its socket is full by now.
    std::thread::sleep(Duration::from_millis(500));
    admin.fine(&format!("kill {id}"));
    soon("the session ends", || admin.number(&sessions) == 0);
    assert_eq!(admin.number("select a from k.dbo.t"), 1);
    drop(idle);
}
