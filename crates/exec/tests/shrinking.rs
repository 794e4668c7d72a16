//! DBCC SHRINKFILE and SHRINKDATABASE: files become as small as their contents allow, stay whole, grow again, and power loss at
//! any moment of that loses nothing.

#[path = "common/disk_world.rs"]
mod disk_world;

use disk_world::World;
use tempfile::TempDir;

fn mix(a: u64, b: u64) -> u64 {
    let x = (a ^ b.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^ x >> 29
}

fn world() -> World {
    let mut world = World::new(
        "on (name = 'd', filename = 'd.mdf', size = 4MB, filegrowth = 1MB)
         log on (name = 'l', filename = 'l.ldf', size = 512KB, filegrowth = 512KB)",
    );
    world.fine("create table K (n int identity primary key, v char(1000) not null)");
    world.fine("insert K select top 300 'k' from sys.all_columns");
    world
}

/// A table of some megabytes, all of it behind what was there.
fn filled(world: &mut World) {
    world.fine("create table T (n int identity primary key, v char(4000) not null, b varchar(max))");
    world.fine(
        "insert T (v, b) select top 1500 'x', replicate(convert(varchar(max), 'b'), 9000) from sys.all_columns",
    );
}

fn size(world: &mut World, file: &str) -> i64 {
    world.number(&format!("select size from sys.database_files where name = '{file}'"))
}

#[test]
fn files_give_back_what_is_free_at_their_end() {
    let mut world = world();
    let made = size(&mut world, "d");
    filled(&mut world);
    let full = size(&mut world, "d");
    assert!(full > made + 2000, "{made} {full}");
    // Nothing is free at the end.
    world.fine("dbcc shrinkfile (d, truncateonly) with no_infomsgs");
    let tight = size(&mut world, "d");
    assert!(tight <= full && tight > made, "{tight}");
    world.fine("drop table T");
    // Behind a transaction that is open, recovery could meet what goes.
    let said = world.fine("dbcc shrinkfile (N'd', truncateonly)");
    let small = size(&mut world, "d");
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with(&format!("SmallInt(5)|Int(1)|Int({small})|")), "{said:?}");
    assert!(small < made, "{small}");
    let rows = world.number("select size from sys.master_files where database_id = db_id() and type = 0");
    assert_eq!(rows, small);
    let mut world = world.survives("K", 300);
    assert_eq!(size(&mut world, "d"), small);
    // It grows again, over the same extents, maps and all.
    filled(&mut world);
    world.check();
    let mut world = world.survives("T", 1500);
    // The log was as large as the largest transaction.
    world.fine("checkpoint");
    let log = size(&mut world, "l");
    assert!(log > 1000, "{log}");
    let said = world.fine("dbcc shrinkfile (l, 1)");
    let small = size(&mut world, "l");
    assert!(
        small * 2 < log && said[0].starts_with(&format!("SmallInt(5)|Int(2)|Int({small})|")),
        "{log} {said:?}"
    );
    let mut world = world.survives("T", 1500);
    assert_eq!(size(&mut world, "l"), small);
    world.fine("update T set v = replicate('y', 4000)");
    assert!(size(&mut world, "l") > small);
    let mut world = world.survives("K", 300);
    assert_eq!(world.number("select count(*) from T where v not like 'yy%'"), 0);
    // A hole in the middle stays, and is said.
    world.fine("create table U (n int identity primary key, v char(4000) not null)");
    world.fine("insert U select top 200 'u' from sys.all_columns; drop table T");
    let said = world.refused("dbcc shrinkfile (d, 1)");
    assert!(said.2.contains("Moving pages of file 'd'"), "{said:?}");
    let said = world.refused("dbcc shrinkfile (d, emptyfile)");
    assert!(said.2.contains("EMPTYFILE"), "{said:?}");
    world.fine("dbcc shrinkdatabase (D, truncateonly)");
    assert_eq!(world.refused("dbcc shrinkfile (nothing)").0, 8985);
    assert_eq!(world.refused("dbcc shrinkfile (77)").0, 8984);
    world.survives("U", 200);
}

#[test]
fn what_is_open_keeps_what_it_may_want_back() {
    let mut world = world();
    filled(&mut world);
    // The log of what is open reaches over the part that would go: the file stays; the table comes back.
    world.fine("begin tran; drop table T");
    world.fine("dbcc shrinkfile (l, 1)");
    assert_eq!(world.number("select count(*) from K"), 300);
    world.fine("rollback");
    let mut world = world.survives("T", 1500);
    assert_eq!(world.number("select count(*) from K"), 300);
}

#[test]
fn power_loss_while_files_shrink_and_grow() {
    let mut world = world();
    world.disk.record();
    let mut states = Vec::new();
    let step = |world: &mut World, batch: &str, states: &mut Vec<(u64, i64, i64)>| {
        world.fine(batch);
        let there = world.number("select count(*) from sys.tables where name = 'T'");
        let rows = if there == 1 { world.number("select count(*) from T") } else { -1 };
        let kept = world.number("select count(*) from K");
        states.push((world.disk.changes(), rows, kept));
    };
    step(&mut world, "insert K values ('1')", &mut states);
    for round in 0..3 {
        step(
            &mut world,
            "create table T (n int identity primary key, v char(4000) not null, b varchar(max))",
            &mut states,
        );
        let fill = "insert T (v, b) select top 500 'x', replicate(convert(varchar(max), 'b'), 9000) from sys.all_columns";
        step(&mut world, fill, &mut states);
        if round == 1 {
            step(&mut world, "checkpoint", &mut states);
        }
        step(&mut world, "drop table T", &mut states);
        step(&mut world, "dbcc shrinkfile (d, truncateonly)", &mut states);
        step(&mut world, "insert K values ('2')", &mut states);
        step(&mut world, "dbcc shrinkfile (l, 1)", &mut states);
    }
    step(&mut world, "insert K select v from K", &mut states);
    let mut replay = world.disk.replay().unwrap();
    let (first, last) = replay.range().into_inner();
    let World { mut dir, session, .. } = world;
    drop(session);
    let cuts = std::env::var("HOLDFAST_CRASH_CUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let stride = ((last - first) / cuts).max(1);
    let only: Option<u64> = std::env::var("HOLDFAST_CRASH_CUT").ok().and_then(|n| n.parse().ok());
    let mut chosen: Vec<u64> = (first + mix(first, last) % stride..=last).step_by(stride as usize).collect();
    if let Some(only) = only {
        chosen = vec![first + only];
    }
    for at in chosen {
        replay.go_to(at);
        let left = replay.crash(mix(at, 3));
        let done = states.iter().rposition(|s| s.0 <= at);
        let wanted: Vec<(i64, i64)> = match done {
            Some(n) => states[n..].iter().take(2).map(|s| (s.1, s.2)).collect(),
            None => vec![(-1, 300), (-1, 301)],
        };
        dir = opens(&left, dir, &wanted, at - first);
    }
}

fn opens(left: &holdfast_disk::SimulatedDisk, dir: TempDir, wanted: &[(i64, i64)], at: u64) -> TempDir {
    let (mut world, said) = World::open(left.crash(1), dir);
    assert!(said.is_empty(), "cut at {at}: {said:?}");
    world.fine("use D");
    let there = world.number("select count(*) from sys.tables where name = 'T'");
    let rows = if there == 1 { world.number("select count(*) from T") } else { -1 };
    let found = (rows, world.number("select count(*) from K"));
    assert!(wanted.contains(&found), "cut at {at}: {found:?} of {wanted:?}");
    world.check();
    // Over the end that was cut off, and another crash.
    world.fine("create table Z (n int identity primary key, v char(4000) not null)");
    world.fine("insert Z select top 300 'z' from sys.all_columns");
    let mut world = world.crashed(mix(at, 9));
    assert_eq!(world.number("select count(*) from Z"), 300, "cut at {at}");
    let (_, wrong) = world.run("dbcc checkdb (D) with no_infomsgs");
    assert!(wrong.is_empty(), "cut at {at}: {wrong:?}");
    let World { dir, session, .. } = world;
    drop(session);
    dir
}
