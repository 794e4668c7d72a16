//! A server that stopped with a large transaction open: its database is there before that is rolled back.

#[path = "common/server.rs"]
#[allow(dead_code)]
mod server;

use std::path::Path;

use holdfast_exec::collect::Collected;
use holdfast_exec::procedure::InstanceSession;
use holdfast_exec::session::SqlSession;
use server::Server;

/// Rows as text and the numbers of errors.
fn run(session: &mut InstanceSession, batch: &str) -> (Vec<String>, Vec<i32>) {
    let mut sink = Collected::new();
    session.execute_batch(batch, &mut sink);
    let row = |row: &Vec<_>| row.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join("|");
    let rows = sink.results.iter().flat_map(|r| r.rows.iter().map(row)).collect();
    (rows, sink.errors().iter().map(|e| e.number).collect())
}

#[track_caller]
fn fine(session: &mut InstanceSession, batch: &str) -> Vec<String> {
    let (rows, errors) = run(session, batch);
    assert!(errors.is_empty(), "{batch}: {errors:?}");
    rows
}

/// What a process that is killed leaves: the files as they are, at another place.
fn left_behind(from: &Path, to: &Path) {
    for folder in ["", "data"] {
        std::fs::create_dir_all(to.join(folder)).unwrap();
        for file in std::fs::read_dir(from.join(folder)).unwrap().map(Result::unwrap) {
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), to.join(folder).join(file.file_name())).unwrap();
            }
        }
    }
    let state = std::fs::read_to_string(to.join("instance.json")).unwrap();
    let moved = state.replace(from.to_str().unwrap(), to.to_str().unwrap());
    assert_ne!(state, moved);
    std::fs::write(to.join("instance.json"), moved).unwrap();
}

const ROWS: u32 = 40_000;

/// A server in whose database D a transaction that changed all rows of T was open when the one before was killed.
fn killed(dir: &Path, options: &str) -> Server {
    let before = dir.join("before");
    let server = Server::new(&before);
    let s = &mut server.session("master");
    fine(s, "create database D");
    fine(s, options);
    fine(s, "use D; create table T (id int primary key, v int, w int); create table O (id int primary key)");
    let rows = format!(
        "insert T select top {ROWS} row_number() over (order by (select 1)), 1, 2
         from sys.all_columns a cross join sys.all_columns b cross join sys.all_columns c"
    );
    fine(s, &rows);
    fine(s, "create index I on T (w)");
    let loser = &mut server.session("D");
    fine(
        loser,
        "begin tran; update T set v = 7, w = 8; delete T where id % 10 = 3; insert T values (-1, 7, 8)",
    );
    fine(s, "insert O values (1)");
    let after = dir.join("after");
    left_behind(&before, &after);
    fine(loser, "rollback");
    Server::new(&after)
}

fn counts() -> Vec<String> {
    vec![format!("Int({ROWS})|Int({ROWS})|Int({})", 2 * ROWS)]
}

const COUNTS: &str = "select count(*), sum(v), (select sum(w) from T with (index (I))) from T";

#[test]
fn the_database_is_ready_before_a_large_transaction_is_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = killed(dir.path(), "");
    let s = &mut server.session("D");
    // Rolled back from the last change to the first: the first is still there.
    let dirty = fine(s, "select v from T with (nolock) where id = 1");
    let (_, locked) = run(s, "set lock_timeout 0; select v from T where id = 2");
    assert_eq!((dirty, locked), (vec!["Int(7)".to_owned()], vec![1222]));
    assert_eq!(run(s, "insert T values (-2, 1, 1)").1, [1222]);
    let locks = "select resource_type, request_mode from sys.dm_tran_locks
                 where resource_associated_entity_id = object_id('T') and request_session_id = 0";
    assert_eq!(fine(s, locks), ["String(\"OBJECT\")|String(\"X\")"]);
    assert_eq!(fine(s, "select state_desc from sys.databases where name = 'D'"), ["String(\"ONLINE\")"]);
    fine(s, "insert O values (2); checkpoint; delete O where id = 1");
    assert_eq!(fine(s, "set lock_timeout -1; select id from O"), ["Int(2)"]);
    assert_eq!(fine(s, COUNTS), counts());
    assert_eq!(fine(s, locks), Vec::<String>::new());
    assert!(fine(s, "dbcc checkdb").is_empty());
    fine(s, "insert T values (-1, 1, 1)");
}

#[test]
fn readers_of_row_versions_never_see_it() {
    for option in [
        "alter database D set read_committed_snapshot on",
        "alter database D set allow_snapshot_isolation on",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let server = killed(dir.path(), option);
        let s = &mut server.session("D");
        fine(s, "set lock_timeout 0");
        assert_eq!(fine(s, COUNTS), counts());
    }
}

#[test]
fn closing_waits_for_it_or_leaves_the_rest_for_later() {
    let dir = tempfile::tempdir().unwrap();
    let server = killed(dir.path(), "");
    let s = &mut server.session("master");
    // Left in the middle, several times.
    for _ in 0..3 {
        fine(s, "alter database D set offline with rollback immediate; alter database D set online");
    }
    fine(s, "alter database D modify name = E");
    assert_eq!(run(s, "use E; set lock_timeout 0; select count(*) from T").1, [1222]);
    fine(s, "use master");
    // Files that nobody recovers are whole.
    fine(s, "alter database E set read_only with rollback immediate; use E");
    assert_eq!(fine(s, COUNTS), counts());
    fine(s, "use master; alter database E set read_write");
    let path =
        fine(s, "select physical_name from sys.master_files where database_id = db_id('E') and type = 0");
    let path = path[0].trim_start_matches("String(\"").trim_end_matches("\")").to_owned();
    fine(s, "exec sp_detach_db 'E'");
    fine(s, &format!("create database F on (filename = '{path}') for attach; use F"));
    assert_eq!(fine(s, COUNTS), counts());
}

#[test]
fn a_database_is_dropped_in_the_middle_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = killed(dir.path(), "");
    let s = &mut server.session("master");
    fine(s, "drop database D; create database D; use D; create table T (id int)");
    assert_eq!(fine(s, "set lock_timeout 0; select count(*) from T"), ["Int(0)"]);
}

/// The counts that the log alone has go with a table that comes back: whoever had dropped it was open when the server was killed.
#[test]
fn a_dropped_table_comes_back_with_its_counts() {
    let dir = tempfile::tempdir().unwrap();
    let before = dir.path().join("before");
    let server = Server::new(&before);
    let s = &mut server.session("master");
    fine(s, "create database D");
    fine(s, "use D; create table T (id int primary key, v int); create table O (id int primary key)");
    fine(s, "create index I on T (v)");
    fine(s, "insert T select top 100 row_number() over (order by (select 1)), 1 from sys.all_columns");
    fine(s, "checkpoint");
    fine(s, "delete T where id <= 12; insert T values (1000, 1)");
    let loser = &mut server.session("D");
    fine(loser, "begin tran; delete T where id between 20 and 24; insert T values (1001, 1); drop table T");
    // A checkpoint cannot write them where the table's row in the catalogue is deleted.
    fine(s, "checkpoint");
    fine(s, "insert O values (1)");
    let after = dir.path().join("after");
    left_behind(&before, &after);
    fine(loser, "rollback");
    let server = Server::new(&after);
    let s = &mut server.session("D");
    assert_eq!(fine(s, "select count(*) from T"), ["Int(89)"]);
    let counted = "select rows from sys.partitions where object_id = object_id('T') order by index_id";
    assert_eq!(fine(s, counted), ["BigInt(89)", "BigInt(89)"]);
    fine(s, "dbcc checkdb with no_infomsgs");
}
