//! Several log files: the log goes on from one to the other and back, files come and go, and power loss at any moment of that
//! loses nothing.

#[path = "common/disk_world.rs"]
mod disk_world;

use disk_world::World;
use holdfast_disk::SimulatedDisk;
use tempfile::TempDir;

fn mix(a: u64, b: u64) -> u64 {
    let x = (a ^ b.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^ x >> 29
}

/// A database whose first log file is small and does not grow.
fn small() -> World {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 4MB, filegrowth = 1MB)
         log on (name = 'l', filename = 'l.ldf', size = 512KB, filegrowth = 0)",
    );
    world.fine("create table T (n int identity primary key, v char(1000) not null)");
    world
}

const ADD: &str =
    "alter database D add log file (name = 'l2', filename = 'l2.ldf', size = 1MB, filegrowth = 512KB)";
const MORE: &str = "insert T select top 60 'x' from sys.all_columns";

/// File id and size in pages of the log files.
fn logs(world: &mut World) -> Vec<String> {
    world.fine("select file_id, size from sys.database_files where type = 1 order by file_id")
}

/// Removes the second file, after as much log as is needed for the log to be in the first.
fn remove(world: &mut World) -> usize {
    for n in 0..60 {
        let (_, errors) = world.run("alter database D remove file l2");
        match errors.first() {
            None => return n,
            Some(e) => assert_eq!(e.0, 5042, "{errors:?}"),
        }
        world.fine(MORE);
        world.fine("checkpoint");
    }
    panic!("the second log file is never free");
}

#[test]
fn the_log_goes_on_in_the_next_file_and_comes_back() {
    let mut world = small();
    world.fine(ADD);
    assert_eq!(logs(&mut world), ["Int(2)|Int(64)", "Int(3)|Int(128)"]);
    assert_eq!(world.refused(ADD).0, 1828);
    assert_eq!(world.refused("alter database D remove file l").0, 5020);
    // A transaction larger than the first file, which grows the second.
    world.fine("begin tran; insert T select top 1500 'y' from sys.all_columns a cross join sys.all_columns b; commit");
    let grown = logs(&mut world);
    assert!(grown[0] == "Int(2)|Int(64)" && grown[1] != "Int(3)|Int(128)", "{grown:?}");
    let rows = world.number("select count(*) from T");
    let mut world = world.survives("T", rows);
    assert_eq!(logs(&mut world), grown);
    // Round and round.
    for _ in 0..20 {
        world.fine(MORE);
        world.fine("checkpoint");
    }
    assert_eq!(logs(&mut world), grown);
    let mut world = world.survives("T", rows + 1200);
    // What is open across both files is rolled back out of both.
    world.fine("begin tran; update T set v = 'z'");
    world.fine("rollback");
    assert_eq!(world.number("select count(*) from T where v = 'z'"), 0);
    remove(&mut world);
    assert_eq!(logs(&mut world).len(), 1);
    let rows = world.number("select count(*) from T");
    let mut world = world.survives("T", rows);
    assert_eq!(world.refused("begin tran; update T set v = 'q'; commit").0, 9002);
    world.fine("if @@trancount > 0 rollback");
    // The first file is made larger, as large as it takes.
    world.fine("alter database D modify file (name = l, size = 2MB)");
    assert_eq!(logs(&mut world), ["Int(2)|Int(256)"]);
    assert_eq!(world.refused("alter database D modify file (name = l, size = 1MB)").0, 5039);
    world.fine("alter database D modify file (name = l, filegrowth = 1MB, maxsize = 64MB)");
    world.fine("update T set v = 'q'");
    let mut world = world.survives("T", rows);
    let said = world.fine("select growth, max_size from sys.database_files where type = 1");
    assert_eq!(said, ["Int(128)|Int(8192)"]);
    assert_eq!(world.number("select count(*) from T where v <> 'q'"), 0);
}

/// What is so at a moment: changes of the disk, rows, and the list of databases.
struct Moment {
    changes: u64,
    rows: i64,
    list: String,
}

fn moment(world: &mut World) -> Moment {
    let list = std::fs::read_to_string(world.dir.path().join("instance.json")).unwrap();
    let rows = world.number("select count(*) from T with (nolock)");
    Moment { changes: world.disk.changes(), rows, list }
}

/// Opens what power loss left; what is wrong, with the directory back.
fn verified(disk: &SimulatedDisk, dir: TempDir, list: &str, rows: &[i64]) -> (TempDir, Option<String>) {
    std::fs::write(dir.path().join("instance.json"), list).unwrap();
    let (mut world, said) = World::open(disk.crash(1), dir);
    let mut wrong = said.first().cloned();
    if wrong.is_none() {
        world.fine("use D");
        let found = world.number("select count(*) from T");
        let (_, errors) = world.run("dbcc checkdb (D) with no_infomsgs");
        if !rows.contains(&found) || !errors.is_empty() {
            wrong = Some(format!("{found} rows, {rows:?} wanted, {errors:?}"));
        }
        // And it goes on, over the next change of file.
        for _ in 0..3 {
            world.fine(MORE);
        }
        let again = world.disk.crash(mix(rows[0] as u64, 7));
        let World { dir, session, .. } = world;
        drop(session);
        let (mut world, said) = World::open(again, dir);
        wrong = wrong.or(said.first().cloned());
        if wrong.is_none() {
            world.fine("use D");
            let then = world.number("select count(*) from T");
            wrong = (then != found + 180).then(|| format!("{then} rows after {found} and 180"));
        }
        return (world.dir, wrong);
    }
    (world.dir, wrong)
}

#[test]
fn power_loss_while_log_files_come_and_go() {
    let mut world = small();
    world.fine(MORE);
    world.disk.record();
    let mut moments = vec![moment(&mut world)];
    let step = |world: &mut World, batch: &str, moments: &mut Vec<Moment>| {
        world.fine(batch);
        moments.push(moment(world));
    };
    step(&mut world, ADD, &mut moments);
    for n in 0..24 {
        let batch = if n % 8 == 7 { "delete T where n % 3 = 0" } else { MORE };
        step(&mut world, batch, &mut moments);
        if n % 3 == 2 {
            step(&mut world, "checkpoint", &mut moments);
        }
    }
    loop {
        let (_, errors) = world.run("alter database D remove file l2");
        moments.push(moment(&mut world));
        if errors.is_empty() {
            break;
        }
        assert!(moments.len() < 200 && errors[0].0 == 5042, "{errors:?}");
        step(&mut world, MORE, &mut moments);
        step(&mut world, "checkpoint", &mut moments);
    }
    step(&mut world, MORE, &mut moments);
    let mut replay = world.disk.replay().unwrap();
    let (first, last) = replay.range().into_inner();
    let World { mut dir, session, .. } = world;
    drop(session);
    let cuts = std::env::var("HOLDFAST_CRASH_CUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(70);
    let stride = ((last - first) / cuts).max(1);
    // Every change of the statements that add and remove, a choice of the others.
    let listed = |at: u64| {
        moments.windows(2).any(|w| w[0].list != w[1].list && at >= w[0].changes && at <= w[1].changes)
    };
    for at in first..=last {
        if !listed(at) && (at - first) % stride != 0 {
            continue;
        }
        replay.go_to(at);
        let left = replay.crash(mix(at, 3));
        let done = moments.iter().rposition(|m| m.changes <= at).unwrap_or(0);
        let next = moments.get(done + 1).unwrap_or(&moments[done]);
        let rows = [moments[done].rows, next.rows];
        // A statement that changes the list does so at some moment: with one of the two it must be right.
        let (same, wrong) = verified(&left, dir, &next.list, &rows);
        dir = same;
        let Some(wrong) = wrong else { continue };
        let (same, other) = verified(&left, dir, &moments[done].list, &rows);
        dir = same;
        if next.list == moments[done].list || other.is_some() {
            panic!("cut at {} of {}: {wrong}; {other:?}", at - first, last - first);
        }
    }
}
