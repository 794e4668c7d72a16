//! What people define in master and msdb stays there: over a restart, over power loss at any moment; and a master that is broken is
//! never taken for an empty one.

#[path = "common/disk_world.rs"]
mod disk_world;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use disk_world::World;
use holdfast_disk::{Disk, RealDisk, SimulatedDisk};
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::procedure::startup::startup_procedures;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSessions};
use holdfast_exec::session::{LoginInfo, SessionFactory, SqlSession};
use holdfast_storage::PageCache;

fn open(dir: &std::path::Path) -> std::io::Result<(Arc<Instance>, Vec<String>)> {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(16 << 20)).untended();
    let mut said = Vec::new();
    let instance =
        Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| said.push(m.to_owned()))?;
    Ok((instance, said))
}

/// A world whose instance lies on the simulated disk, with no database of its own.
fn world() -> World {
    World::open(SimulatedDisk::new(), tempfile::tempdir().unwrap()).0
}

#[test]
fn no_files_until_something_is_defined() {
    let mut world = world();
    let system = world.dir.path().join("system");
    world.fine("select * from sys.objects");
    world.fine("select count(*) from msdb.dbo.sysjobs");
    world.refused("insert nowhere values (1)");
    assert!(!world.disk.exists(&system.join("master.mdf")));
    world.fine("create table dbo.t (a int)");
    assert!(world.disk.exists(&system.join("master.mdf")));
    assert!(!world.disk.exists(&system.join("MSDBData.mdf")));
}

#[test]
fn a_definition_in_a_transaction_that_is_rolled_back_is_gone() {
    let mut world = world();
    world.fine("begin tran; create table dbo.t (a int); insert dbo.t values (1); rollback");
    assert_eq!(world.number("select count(*) from sys.tables where is_ms_shipped = 0"), 0);
    world.fine("create table dbo.t (a int)");
    assert_eq!(world.number("select count(*) from dbo.t"), 0);
}

#[test]
fn power_loss_keeps_what_was_acknowledged() {
    let mut world = world();
    world.fine("create database D");
    world.fine("create table dbo.CommandLog (id int primary key, command nvarchar(max))");
    world.fine("insert dbo.CommandLog values (1, N'one'), (2, N'two')");
    world.fine("create table msdb.dbo.Mine (a int); insert msdb.dbo.Mine values (7)");
    for batch in [
        "create procedure dbo.sp_count as select count(*) from dbo.CommandLog",
        "begin tran; insert dbo.CommandLog values (3, N'not yet')",
    ] {
        world.fine(batch);
    }
    for seed in 0..4 {
        world = world.crashed(seed);
        // In D now: the procedure comes from master.
        assert_eq!(world.number("exec sp_count"), 2);
        assert_eq!(world.number("select a from msdb.dbo.Mine"), 7);
        let (_, errors) =
            world.run("dbcc checkdb (master) with no_infomsgs; dbcc checkdb (msdb) with no_infomsgs");
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn tempdb_begins_empty() {
    let mut world = world();
    world.fine("create table tempdb.dbo.work (a int); insert tempdb.dbo.work values (1)");
    world.fine("create procedure #p as select count(*) from tempdb.dbo.work");
    assert_eq!(world.number("exec #p"), 1);
    let World { disk, session, dir } = world;
    drop(session);
    let (mut world, said) = World::open(disk.crash(1), dir);
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(world.number("select count(*) from tempdb.sys.tables"), 0);
    assert_eq!(world.refused("exec #p").0, 2812);
    assert!(!world.disk.exists(&world.dir.path().join("system/tempdb.mdf")));
    world.fine("create table tempdb.dbo.work (b int)");
}

#[test]
fn temporary_procedures_go_with_their_session() {
    let mut world = world();
    world.fine("create procedure #p as select 1");
    world.fine("create procedure ##q as select 2");
    assert_eq!(world.number("select count(*) from tempdb.sys.procedures"), 2);
    world.session.reset(false);
    assert_eq!(world.number("select count(*) from tempdb.sys.procedures"), 0);
}

#[test]
fn marked_procedures_run_at_start() {
    let mut world = world();
    world.fine("create table dbo.Started (at datetime)");
    world.fine("create procedure dbo.at_start as insert dbo.Started values (getdate())");
    world.fine("create procedure dbo.fails as select 1 / 0");
    world.fine(
        "exec sp_procoption 'at_start', 'startup', 'on'; exec sp_procoption 'fails', 'startup', 'true'",
    );
    let host = Arc::clone(&world.session.shared_session().host);
    let names = startup_procedures(&host).unwrap();
    assert_eq!(names, ["[dbo].[at_start]", "[dbo].[fails]"]);
    let sessions = InstanceSessions::new(host, Arc::new(InstanceAdministration));
    assert!(sessions.run_startup_procedure(&names[0]).is_empty());
    let errors = sessions.run_startup_procedure(&names[1]);
    assert!(errors.len() == 1 && errors[0].contains("Divide by zero"), "{errors:?}");
    assert_eq!(world.number("select count(*) from dbo.Started"), 1);
}

/// A logon is over when the triggers have run; one that fails or rolls back lets nobody in, and where they are switched off none runs.
#[test]
fn logon_triggers_decide_who_comes_in() {
    let mut world = world();
    world.fine("create table dbo.logons (who sysname, event sysname)");
    world.fine(
        "create trigger lt on all server for logon as begin
           insert master.dbo.logons select original_login(), eventdata().value('(/EVENT_INSTANCE/EventType)[1]', 'sysname')
           if app_name() = 'unwelcome' rollback
         end",
    );
    let host = Arc::clone(&world.session.shared_session().host);
    let sessions = InstanceSessions::new(Arc::clone(&host), Arc::new(InstanceAdministration));
    let login = |application: &str| LoginInfo {
        login: "sa".into(),
        application: application.into(),
        ..LoginInfo::default()
    };
    let come = |application: &str| {
        let mut said = Collected::new();
        sessions.open(login(application), &mut said).err().map(|e| e.number)
    };
    assert_eq!(come("welcome"), None);
    assert_eq!(world.number("select count(*) from dbo.logons where who = 'sa' and event = 'LOGON'"), 1);
    assert_eq!(come("unwelcome"), Some(17892));
    assert_eq!(world.number("select count(*) from dbo.logons"), 1);
    world.fine("alter trigger lt on all server for logon as select 1 / 0");
    assert_eq!(come("welcome"), Some(17892));
    host.logon_triggers.store(false, Ordering::Relaxed);
    assert_eq!(come("welcome"), None);
    host.logon_triggers.store(true, Ordering::Relaxed);
    world.fine("drop trigger lt on all server");
    assert_eq!(come("welcome"), None);
}

#[test]
fn a_new_database_that_cannot_be_as_model_is_none() {
    let mut world = world();
    world.fine("create table model.dbo.t (a int)");
    world.fine("use model");
    world.fine("create view dbo.v as select a from dbo.t");
    world.fine("insert dbo.t values (1)");
    world.fine("use master");
    world.fine("create database D");
    assert_eq!(world.number("select count(*) from D.dbo.v"), 1);
    // What the view reads is gone: the script fails at the view.
    world.fine("drop table model.dbo.t");
    let (number, _, _) = world.refused("create database E");
    assert_eq!(number, 208);
    assert_eq!(world.number("select count(*) from sys.databases where name = 'E'"), 0);
    assert_eq!(world.number("select count(*) from D.dbo.v"), 1);
}

/// While the files come into being: a disk that fails at every one of its operations in turn leaves no half master behind.
#[test]
fn a_disk_that_fails_leaves_master_whole_or_absent() {
    use holdfast_disk::Operation;
    use std::io::ErrorKind;
    for ending in ["master.mdf", "mastlog.ldf", "master.journal"] {
        for operation in [Operation::Create, Operation::Write, Operation::Sync] {
            let mut world = world();
            world.fail(ending, operation, ErrorKind::StorageFull);
            let (_, errors) = world.run("create table dbo.t (a int)");
            world.heal();
            let World { disk, session, dir } = world;
            drop(session);
            let (mut world, said) = World::open(disk, dir);
            assert!(said.is_empty(), "{ending} {operation:?}: {said:?}");
            let there = world.number("select count(*) from sys.tables where name = 't'");
            assert!(!errors.is_empty() || there == 1, "{ending} {operation:?}: acknowledged and gone");
            // Whatever became of it, the next definition works.
            world.fine("create table dbo.u (a int); insert dbo.u values (1)");
            assert_eq!(world.number("select a from dbo.u"), 1, "{ending} {operation:?}");
        }
    }
}

#[test]
fn a_broken_master_stops_the_start_and_others_do_not() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (instance, _) = open(dir.path()).unwrap();
        for id in [1, 4] {
            instance
                .make_system_database(
                    id,
                    Default::default(),
                    1_700_000_000,
                    &holdfast_base::world::SystemEntropy,
                )
                .unwrap();
        }
        assert!(instance.close().is_empty());
    }
    let msdb = dir.path().join("system/MSDBData.mdf");
    std::fs::remove_file(&msdb).unwrap();
    let (instance, said) = open(dir.path()).unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(instance.online("msdb").err().map(|e| e.number), Some(945));
    assert!(instance.online("master").unwrap().stored().is_some());
    drop(instance);
    std::fs::write(dir.path().join("system/master.mdf"), b"nothing of the kind").unwrap();
    let error = open(dir.path()).err().unwrap().to_string();
    assert!(error.contains("'master'") && error.contains("master.mdf"), "{error}");
}

#[test]
fn a_file_that_is_in_the_way_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (instance, _) = open(dir.path()).unwrap();
    let path = dir.path().join("system/master.mdf");
    std::fs::write(&path, b"somebody's").unwrap();
    let made = instance.make_system_database(1, Default::default(), 0, &holdfast_base::world::SystemEntropy);
    assert_eq!(made.err().map(|e| e.number), Some(5170));
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody's");
}
