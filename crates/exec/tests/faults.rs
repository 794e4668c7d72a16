//! Disks that are full, that cannot be read, that fail to make things durable: statements of a session against a database on
//! a simulated disk. A statement that meets a fault fails with the server's error and is taken back; a fault that leaves in
//! doubt what is durable ends the use of the database. After each: power loss, recovery, every acknowledged row there, no
//! other, the checker content.

#[path = "common/disk_world.rs"]
mod disk_world;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use disk_world::World;
use holdfast_disk::{Disk, Fault, Operation, SimulatedDisk};

const TABLE: &str = "create table T (id int not null primary key, pad char(900) not null, k int not null);
    create index K on T (k) include (pad)";

/// Inserts one row at a time until one is refused.
fn fill(world: &mut World, scatter: bool) -> (i64, (i32, u8, String)) {
    let mut done = world.number("select count(*) from T");
    for n in 0..20_000i64 {
        let id = if scatter { n * 7919 % 100_003 } else { 200_000 + n };
        let (_, errors) = world.run(&format!("insert T values ({id}, 'x', {})", n * 31 % 1009));
        match errors.first() {
            None => done += 1,
            Some(e) => return (done, e.clone()),
        }
    }
    panic!("it never filled up");
}

#[test]
fn a_data_file_at_its_maximum_refuses_with_1105_and_goes_on() {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 4MB, maxsize = 6MB, filegrowth = 1MB)
         log on (name = 'l', filename = 'l.ldf', size = 4MB)",
    );
    world.fine("create table Other (id int not null primary key, pad char(4000) not null)");
    for n in 0..40 {
        world.fine(&format!("insert Other values ({n}, 'o')"));
    }
    world.fine(TABLE);
    let (mut rows, error) = fill(&mut world, true);
    assert_eq!((error.0, error.1), (1105, 2));
    assert!(error.2.starts_with("Could not allocate space for object 'dbo.T'.'PK__T"), "{}", error.2);
    assert!(error.2.contains("in database 'D' because the 'PRIMARY' filegroup is full"), "{}", error.2);
    // Rows in many places: leaves, upper levels and both indexes meet the end of space.
    for n in 0..300i64 {
        let (_, errors) = world.run(&format!("insert T values ({}, 'y', {})", n * 331 % 99_991 + 300_000, n));
        rows += i64::from(errors.is_empty());
        assert!(errors.iter().all(|e| e.0 == 1105 || e.0 == 3621), "{errors:?}");
    }
    assert_eq!(world.number("select count(*) from T"), rows);
    assert_eq!(world.number("select count(*) from T with (index(K))"), rows);
    // A transaction of several statements goes on behind the one that failed.
    let grown = "begin tran; update T set k = k + 1 where id % 7 = 0;
         insert T select id + 500000, pad, k from T; if @@trancount = 1 rollback";
    assert_eq!(world.refused(grown).0, 1105);
    assert_eq!(world.number("select @@trancount"), 0);
    assert_eq!(world.number("select count(*) from T"), rows);
    let mut world = world.survives("T", rows);
    // Space that is given back is used.
    world.fine("drop table Other");
    let (more, error) = fill(&mut world, false);
    assert!(more > rows && error.0 == 1105);
    world.survives("T", more);
}

#[test]
fn a_full_disk_refuses_growth_of_data_files() {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 4MB, filegrowth = 1MB) log on (name = 'l', filename = 'l.ldf', size = 4MB)",
    );
    world.fine(TABLE);
    world.fail(".mdf", Operation::Resize, ErrorKind::StorageFull);
    let (rows, error) = fill(&mut world, true);
    assert_eq!(error.0, 1105);
    world.heal();
    assert_eq!(world.number("select count(*) from T"), rows);
    world.fine("insert T select id + 500000, pad, k from T");
    world.survives("T", 2 * rows);
}

#[test]
fn a_full_log_refuses_with_9002_and_is_rolled_back() {
    for full_disk in [false, true] {
        let limit = if full_disk { "" } else { ", maxsize = 2MB" };
        let mut world = World::new(&format!(
            "on (name = 'd', filename = 'd.mdf', size = 20MB)
             log on (name = 'l', filename = 'l.ldf', size = 1MB{limit}, filegrowth = 512KB)"
        ));
        world.fine(TABLE);
        world.fine("insert T values (1, 'x', 1)");
        if full_disk {
            world.fail(".ldf", Operation::Resize, ErrorKind::StorageFull);
        }
        // One transaction holds the whole log: checkpoints do not help.
        world.fine("begin tran");
        let (rows, error) = fill(&mut world, true);
        assert!(rows > 100, "{rows}");
        assert_eq!(
            error,
            (9002, 4, "The transaction log for database 'D' is full due to 'ACTIVE_TRANSACTION'.".into())
        );
        // The rows before are the transaction's still; it can be rolled back without the log growing.
        assert_eq!(world.number("select count(*) from T"), rows);
        assert_eq!(world.refused("update T set k = k + 1").0, 9002);
        assert_eq!(world.number("select sum(@@trancount)"), 1);
        world.fine("rollback");
        assert_eq!(world.number("select count(*) from T"), 1);
        // Nobody holds the log any more: it is used again and again.
        for n in 0..3000 {
            world.fine(&format!("insert T values ({n} + 10, 'y', {n})"));
        }
        world.heal();
        world.survives("T", 3001);
    }
}

#[test]
fn a_full_log_that_commits_keeps_what_it_has() {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 20MB)
         log on (name = 'l', filename = 'l.ldf', size = 1MB, maxsize = 1MB)",
    );
    world.fine(TABLE);
    world.fine("begin tran");
    let (rows, error) = fill(&mut world, true);
    assert_eq!(error.0, 9002);
    world.fine("commit");
    assert_eq!(world.number("select count(*) from T"), rows);
    let mut world = world.survives("T", rows);
    world.fine("delete T");
    world.survives("T", 0);
}

#[test]
fn a_crash_in_a_full_log_recovers_without_growth() {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 20MB)
         log on (name = 'l', filename = 'l.ldf', size = 1MB, maxsize = 1MB)",
    );
    world.fine(TABLE);
    world.fine("insert T values (1, 'x', 1)");
    world.fine("begin tran");
    fill(&mut world, true);
    world.fine("use D");
    world = world.crashed(0);
    assert_eq!(world.number("select count(*) from T"), 1);
    // And the log is used again.
    world.fine("insert T values (2, 'x', 2)");
    world.survives("T", 2);
}

#[test]
fn pages_that_cannot_be_read_fail_their_statement_only() {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 40MB) log on (name = 'l', filename = 'l.ldf', size = 8MB)",
    );
    world.fine(TABLE);
    let mut rows = 0;
    // More than the cache holds.
    for n in 0..40 {
        let values: Vec<String> = (0..300)
            .map(|i| (n * 300 + i) * 7919 % 100_003)
            .map(|id| format!("({id}, 'x', {id} % 1009)"))
            .collect();
        world.fine(&format!("insert T values {}", values.join(", ")));
        rows += 300;
    }
    world.fine("checkpoint");
    // Every how many-th read of the data file fails.
    let (mut failed, mut went) = (0, 0);
    for every in [1u64, 2, 3, 5, 9, 17, 33] {
        let count = Arc::new(AtomicU64::new(0));
        let fault: Fault = Arc::new(move |path: &Path, o, _| {
            let data = o == Operation::Read && path.to_string_lossy().ends_with(".mdf");
            (data && count.fetch_add(1, Ordering::Relaxed).is_multiple_of(every)).then_some(ErrorKind::Other)
        });
        world.disk.set_fault(Some(fault));
        for n in 0..60 {
            let id = 200_000 + n * 977 + i64::try_from(every).unwrap() * 100_000;
            let statements = [
                (format!("insert T values ({id}, 'z', {})", n * 17 % 1009), 1),
                (format!("update T set k = k + 1 where id % 4001 = {n}"), 0),
                (format!("update T set id = id + 1 where id = {id}"), 0),
            ];
            for (statement, more) in statements {
                let (_, errors) = world.run(&statement);
                match errors.first() {
                    None => {
                        rows += more;
                        went += 1;
                    }
                    Some(e) => {
                        assert_eq!(e.0, 823, "{statement}: {}", e.2);
                        failed += 1;
                    }
                }
            }
        }
        world.heal();
        assert_eq!(world.number("select count(*) from T"), rows);
        assert_eq!(world.number("select count(*) from T with (index(K))"), rows);
    }
    assert!(failed > 100 && went > 100, "{failed} failed, {went} went");
    world.survives("T", rows);
}

#[test]
fn a_commit_whose_log_is_not_durable_is_not_acknowledged_and_ends_the_database() {
    for operation in [Operation::Sync, Operation::Write] {
        let mut world = World::new("");
        world.fine(TABLE);
        world.fine("insert T values (1, 'x', 1)");
        world.fail(".ldf", operation, ErrorKind::Other);
        assert_eq!(world.refused("insert T values (2, 'x', 2)").0, 9001);
        // It is never tried again, also not when the disk says that it is well.
        world.heal();
        assert_eq!(world.refused("select count(*) from T").0, 926);
        assert_eq!(world.refused("insert T values (3, 'x', 3)").0, 9001);
        assert_eq!(world.refused("use master; use D").0, 926);
        assert_eq!(world.number("select state from sys.databases where name = 'D'"), 4);
        let mut world = world.crashed(3);
        let rows = world.number("select count(*) from T");
        assert!(rows == 1 || rows == 2, "{rows}");
        assert_eq!(world.number("select count(*) from T where id = 1"), 1);
        world.survives("T", rows);
    }
}

#[test]
fn a_checkpoint_whose_pages_are_not_durable_ends_the_database() {
    for (ending, operation) in [
        (".mdf", Operation::Sync),
        (".mdf", Operation::Write),
        (".journal", Operation::Sync),
        (".journal", Operation::Write),
    ] {
        let mut world = World::new("");
        world.fine(TABLE);
        for n in 0..50 {
            world.fine(&format!("insert T values ({n}, 'x', {n})"));
        }
        world.fail(ending, operation, ErrorKind::Other);
        world.refused("checkpoint");
        world.heal();
        assert_eq!(world.refused("select count(*) from T").0, 926, "{ending} {operation}");
        let mut world = world.crashed(2);
        assert_eq!(world.number("select count(*) from T"), 50);
        world.survives("T", 50);
    }
}

#[test]
fn a_disk_that_turns_read_only_keeps_what_it_has() {
    let mut world = World::new("");
    world.fine(TABLE);
    for n in 0..20 {
        world.fine(&format!("insert T values ({n}, 'x', {n})"));
    }
    let fault: Fault = Arc::new(|_: &Path, o, _| {
        let changes = !matches!(o, Operation::Read | Operation::Open | Operation::List);
        changes.then_some(ErrorKind::ReadOnlyFilesystem)
    });
    world.disk.set_fault(Some(Arc::clone(&fault)));
    assert_eq!(world.fine("select count(*) from T").len(), 1);
    assert_eq!(world.refused("insert T values (100, 'x', 1)").0, 9001);
    // A server that starts there cannot recover it; the database waits, the server runs.
    let World { disk, session, dir } = world;
    drop(session);
    let left = disk.crash(0);
    left.set_fault(Some(fault));
    let (mut world, said) = World::open(left, dir);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(world.refused("use D").0, 945);
    assert_eq!(world.number("select state from sys.databases where name = 'D'"), 3);
    world.heal();
    let mut world = world.crashed(0);
    assert_eq!(world.number("select count(*) from T"), 20);
    world.survives("T", 20);
}

#[test]
fn a_database_that_finds_no_space_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let (mut world, _) = World::open(SimulatedDisk::new(), dir);
    world.fail(".ldf", Operation::Resize, ErrorKind::StorageFull);
    let (_, errors) = world.run("create database D");
    assert_eq!(errors.iter().map(|e| e.0).collect::<Vec<_>>(), [5149, 1802]);
    world.heal();
    world.fine("create database D");
    world.fine("use D");
    world.fine(TABLE);
    world.survives("T", 0);
}

#[test]
fn the_size_of_a_log_file_follows_its_growth() {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 8MB)
         log on (name = 'l', filename = 'l.ldf', size = 1MB, filegrowth = 1MB)",
    );
    let size = "select size from sys.database_files where file_id = 2";
    let created = world.number(size);
    world.fine(TABLE);
    world.fine("insert T values (0, 'x', 0); begin tran");
    for n in 0..12 {
        world.fine(&format!("insert T select id + {}, pad, k from T", 1 << n));
    }
    world.fine("commit");
    let grown = world.number(size);
    assert!(grown > created + 256, "{created} {grown}");
    for seed in 0..3 {
        world = world.crashed(seed);
        assert_eq!(world.number(size), grown);
        let path = world.fine("select physical_name from sys.database_files where file_id = 2");
        let path = path[0].split('"').nth(1).unwrap_or(&path[0]).to_owned();
        let file = world.disk.open(Path::new(&path), false).unwrap();
        let mut page = [0u8; 8192];
        file.read_at(0, &mut page).unwrap();
        holdfast_format::page::protection::verify(&page).unwrap();
        holdfast_format::page::protection::restore_torn(&mut page).unwrap();
        let header = holdfast_format::file_header::FileHeader::read(&page).unwrap();
        assert_eq!(i64::from(header.size), grown);
        assert_eq!(file.length().unwrap() as i64, grown * 8192);
    }
}

#[test]
fn a_transaction_larger_than_what_is_kept_of_it_is_rolled_back() {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 8MB)
         log on (name = 'l', filename = 'l.ldf', size = 4MB, filegrowth = 4MB)",
    );
    world.fine(TABLE);
    world.fine("insert T values (0, 'x', 0)");
    for n in 0..12 {
        world.fine(&format!("insert T select id + {}, pad, k + 1 from T", 1 << n));
    }
    let sums =
        "select concat(count(*), ' ', sum(k), ' ', checksum_agg(binary_checksum(pad)), ' ', sum(id)) from T";
    let before = world.fine(sums);
    // Records of 15 MB; some of the last are not in the file yet when they are taken back.
    world.fine(
        "begin tran; update T set pad = concat('y', id); save tran S; delete T where id % 3 = 0;
         insert T select id + 100000, pad, k from T; rollback tran S; update T set k = k + 7 where id % 5 = 0; rollback",
    );
    assert_eq!(world.fine(sums), before);
    world.survives("T", 4096);
}
