//! CREATE DATABASE, DROP DATABASE, attaching genuine files, detaching: as statements of a session.

use std::path::Path;
use std::sync::Arc;

use holdfast_base::world::SystemClock;
use holdfast_disk::RealDisk;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::{LoginInfo, SqlSession};
use holdfast_storage::PageCache;

fn session(dir: &Path) -> InstanceSession {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(32 << 20));
    let instance =
        Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| panic!("{m}")).unwrap();
    let host = Host::open(instance, Arc::new(SystemClock::new(0))).unwrap();
    let sessions = InstanceSessions::new(host, Arc::new(InstanceAdministration));
    sessions.open_session(LoginInfo { login: "sa".into(), ..LoginInfo::default() }).unwrap()
}

/// Rows as text and the numbers of errors.
fn run(session: &mut InstanceSession, batch: &str) -> (Vec<String>, Vec<i32>) {
    let mut sink = Collected::new();
    session.execute_batch(batch, &mut sink);
    let rows = sink
        .results
        .iter()
        .flat_map(|r| {
            r.rows.iter().map(|row| row.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join("|"))
        })
        .collect();
    (rows, sink.errors().iter().map(|e| e.number).collect())
}

#[track_caller]
fn fine(session: &mut InstanceSession, batch: &str) -> Vec<String> {
    let (rows, errors) = run(session, batch);
    assert!(errors.is_empty(), "{batch}: {errors:?}");
    rows
}

#[track_caller]
fn refused(session: &mut InstanceSession, batch: &str, numbers: &[i32]) {
    assert_eq!(run(session, batch).1, numbers, "{batch}");
}

#[test]
fn databases_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    fine(s, "create database Shop");
    refused(s, "create database SHOP", &[1801]);
    let state =
        fine(s, "select name, state_desc, recovery_model_desc from sys.databases where database_id = 5");
    assert_eq!(state.len(), 1);
    fine(s, "use Shop");
    assert_eq!(
        fine(s, "select count(*) from sys.objects where type = 'U' and is_ms_shipped = 0"),
        ["Int(0)"]
    );
    assert_eq!(fine(s, "select count(*) from sys.database_files"), ["Int(2)"]);
    refused(s, "drop database Shop", &[3702]);
    fine(s, "use master; drop database Shop");
    refused(s, "drop database Shop", &[3701]);
    refused(s, "drop database master", &[3708]);
    fine(s, "drop database if exists Shop");
    fine(
        s,
        r"create database Big on primary (name = 'b1', filename = 'C:\Data\b1.mdf', size = 10MB, maxsize = unlimited, filegrowth = 10%),
          filegroup Second default (name = 'b2', filename = 'C:\Data\b2.ndf', size = 5120KB)
          log on (name = 'bl', filename = 'C:\Data\bl.ldf', size = 2MB, maxsize = 100MB, filegrowth = 1MB)
          collate Latin1_General_100_CI_AS",
    );
    fine(s, "use Big");
    let files = fine(
        s,
        "select file_id, name, size, max_size, growth, is_percent_growth from sys.database_files order by file_id",
    );
    assert_eq!(files.len(), 3);
    assert!(files[0].contains("Int(1280)|Int(-1)|Int(10)|Bit(true)"), "{files:?}");
    assert!(files[1].contains("Int(256)|Int(12800)|Int(128)"), "{files:?}");
    assert!(files[2].contains("Int(640)"), "{files:?}");
    let spaces = fine(s, "select name, is_default from sys.filegroups order by data_space_id");
    assert_eq!(spaces.len(), 2);
    assert!(spaces[1].contains("Bit(true)"), "{spaces:?}");
    refused(s, "create database Small on (name = 's', filename = 's.mdf', size = 1MB)", &[1803]);
    refused(s, "create database Twice on (name = 's', filename = 'b1.mdf')", &[1834, 1802]);
}

#[test]
fn genuine_files_attach_and_detach() {
    let Some(corpus) = holdfast_testkit::corpus_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let s = &mut session(dir.path());
    let copy = |from: &str, to: &str| {
        std::fs::write(data.join(to), std::fs::read(corpus.join(from)).unwrap()).unwrap();
    };
    copy("706_mdf_MvcMusicStore_asdeoz_82269f.mdf", "m.mdf");
    copy("706_ldf_MvcMusicStore-log_asdeoz_01346d.ldf", "m.ldf");
    fine(s, "create database Music on (filename = 'm.mdf'), (filename = 'm.ldf') for attach");
    let albums = fine(s, "select count(*) from Music.dbo.Albums");
    assert_ne!(albums, ["Int(0)"]);
    refused(s, "create database Again on (filename = 'm.mdf') for attach", &[1834]);
    // Nothing was written into it, and another way of writing its path makes it no other file.
    std::os::unix::fs::symlink(data.join("m.mdf"), data.join("link.mdf")).unwrap();
    for kind in ["attach", "attach_rebuild_log"] {
        refused(s, &format!("create database Again on (filename = 'link.mdf') for {kind}"), &[1834]);
    }
    assert!(fine(s, "dbcc checkdb ('Music') with no_infomsgs").is_empty());
    fine(s, "exec sp_detach_db 'Music'");
    refused(s, "select count(*) from Music.dbo.Albums", &[208]);
    std::fs::remove_file(data.join("m.ldf")).unwrap();
    fine(s, "create database Music on (filename = 'm.mdf') for attach_rebuild_log");
    assert_eq!(fine(s, "select count(*) from Music.dbo.Albums"), albums);
    // A copy of the file of a database that is in use, as a server that dies leaves it, is not whole without its log.
    std::fs::copy(data.join("m.mdf"), data.join("copy.mdf")).unwrap();
    refused(s, "create database Copy on (filename = 'copy.mdf') for attach_rebuild_log", &[1813]);
    fine(s, "exec sp_detach_db @dbname = 'Music'");
    let log = data.join("Music_log.ldf");
    assert!(log.exists());
    fine(s, "exec sp_attach_db 'Music', 'm.mdf', 'Music_log.ldf'");
    assert_eq!(fine(s, "select count(*) from Music.dbo.Albums"), albums);
    refused(s, "exec sp_detach_db 'Nothing'", &[15010]);
    refused(s, "create database Nothing on (filename = 'nothing.mdf') for attach", &[5120]);
    refused(s, "create database Nothing on (filename = 'Music_log.ldf') for attach", &[5171]);
}
