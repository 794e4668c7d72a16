//! Changing genuine databases: every table against a model, the checker clean, rollback, and crashes cut at every write.

mod crash;
mod define;
mod large;
mod losers;
mod several;
mod workload;
mod world;

use std::path::Path;
use std::sync::Arc;

use holdfast_disk::{Disk, SimulatedDisk};
use holdfast_engine::access::ReadContext;
use holdfast_engine::catalog::TableDef;
use holdfast_engine::lock::{Duration, LockMode, LockWait, Resource};
use holdfast_engine::transaction::new_owner;
use holdfast_engine::write::counts;
use holdfast_format::PageSource;
use holdfast_format::catalog::unit_type;
use world::{Model, Random, World};

/// Random statements over every table that can be written; the model says what must be there.
#[test]
fn changes_of_every_table_are_what_was_asked_for() {
    for (name, world) in World::genuine() {
        let tables = world.tables();
        let mut changed = 0;
        for table in &tables {
            let mut model = Model::read(&world, table);
            let mut random = Random(0x5DEE_CE66 ^ model.rows.len() as u64);
            for round in 0..6 {
                let commit = round % 3 != 2;
                model.change(&world, table, &mut random, 12, commit);
            }
            model.compare(&world, table, &name);
            changed += 1;
        }
        assert!(changed > 0, "{name}: only {changed} tables could be changed");
        world.check(&name);
        let world = world.reopened();
        for table in &world.tables() {
            assert!(Model::read(&world, table).indexes_agree(&world, table), "{name}: {}", table.name);
        }
        world.check(&name);
    }
}

/// The same where the rows are in the compressed form, which they are given first.
#[test]
fn changes_of_compressed_tables_are_what_was_asked_for() {
    // 2005 knows no compression.
    let worlds = World::genuine().into_iter().filter(|(name, _)| !name.starts_with("611"));
    for (n, (name, world)) in worlds.enumerate() {
        world.compress(1 + n as u8 % 2);
        world.check(&name);
        for table in &world.tables() {
            let mut model = Model::read(&world, table);
            let mut random = Random(0x1234_5678 ^ model.rows.len() as u64);
            for round in 0..6 {
                model.change(&world, table, &mut random, 12, round % 3 != 2);
            }
            model.insert_many(&world, table, &mut random, 150, n % 2 == 0);
            model.compare(&world, table, &name);
        }
        world.check(&name);
        let world = world.reopened();
        for table in &world.tables() {
            assert!(Model::read(&world, table).indexes_agree(&world, table), "{name}: {}", table.name);
        }
        world.check(&name);
    }
}

/// The same where tables are spread over partitions.
#[test]
fn changes_of_partitioned_tables_are_what_was_asked_for() {
    let (mut partitioned, mut misplaced) = (0, 0);
    // Whether a row lies at the boundary that is moved depends on the seeds, which go by the place of a world.
    let mut worlds = World::genuine();
    worlds.sort_by_key(|(name, _)| name.starts_with("611"));
    for (n, (name, world)) in worlds.into_iter().enumerate() {
        partitioned += world.partition(n % 2 == 0);
        world.check(&name);
        for table in &world.tables() {
            let mut model = Model::read(&world, table);
            let mut random = Random(0x1234_5678 ^ model.rows.len() as u64);
            for round in 0..6 {
                model.change(&world, table, &mut random, 12, round % 3 != 2);
            }
            model.insert_many(&world, table, &mut random, 150, n % 2 == 0);
            model.compare(&world, table, &name);
        }
        world.check(&name);
        let world = world.reopened();
        for table in &world.tables() {
            assert!(Model::read(&world, table).indexes_agree(&world, table), "{name}: {}", table.name);
        }
        world.check(&name);
        if n % 2 == 0 && world.move_boundary() {
            let found = world.checked().expect_err(&name);
            assert!(
                found.contains("should be on partition number 1 but was found in partition number 2"),
                "{found}"
            );
            misplaced += 1;
        }
    }
    assert!(partitioned > 15, "only {partitioned} tables have partitions");
    assert!(misplaced > 0, "no boundary was moved");
}

/// Enough rows to split pages on several levels, in and out of key order.
#[test]
fn trees_grow_and_shrink() {
    let Some((name, world)) = World::genuine().into_iter().find(|(n, _)| n.starts_with("706")) else {
        return;
    };
    for table in world.tables().iter().take(4) {
        let mut model = Model::read(&world, table);
        let mut random = Random(42);
        for round in 0..4 {
            model.insert_many(&world, table, &mut random, 700, round % 2 == 0);
        }
        model.compare(&world, table, &name);
        world.check(&name);
        model.delete_share(&world, table, &mut random, 80);
        model.compare(&world, table, &name);
        assert!(world.clean() > 0 || model.rows.is_empty() || table.indexes.iter().all(|i| i.index_id == 0));
        world.check(&name);
        model.insert_many(&world, table, &mut random, 500, true);
        model.compare(&world, table, &name);
    }
    world.check(&name);
}

/// Pages in use by the rows of a table, as the maps have them.
fn used_pages(world: &World, table: &TableDef) -> i64 {
    let catalog = world.database.stored_catalog();
    let storage = catalog.storage();
    let source: Arc<dyn PageSource> =
        Arc::clone(world.database.writing().expect("writable").logged.pages()) as _;
    let rowset = storage.rowsets_of(table.object_id).find(|r| r.index_id <= 1).expect("one");
    let live = world.database.writing().expect("writable").rowsets.of(storage, rowset);
    counts::pages(&*source, live.unit(unit_type::IN_ROW).first_iam()).expect("countable").used
}

/// A table with a clustered index, with enough rows for many leaves.
fn tall(world: &World) -> Option<(Arc<TableDef>, Model)> {
    let clustered = |t: &Arc<TableDef>| t.indexes.iter().any(|i| i.index_id == 1);
    world.tables().into_iter().filter(clustered).find_map(|table| {
        let mut model = Model::read(world, &table);
        let mut random = Random(7);
        for _ in 0..4 {
            model.insert_many(world, &table, &mut random, 700, true);
        }
        (used_pages(world, &table) > 40).then_some((table, model))
    })
}

fn modern() -> Option<(String, World)> {
    World::genuine().into_iter().find(|(n, _)| n.starts_with("706"))
}

#[test]
fn emptied_leaves_are_given_back_when_nobody_reads() {
    let Some((name, world)) = modern() else { return };
    let (table, mut model) = tall(&world).expect("a table");
    let before = used_pages(&world, &table);
    assert!(before > 40, "{before} pages");
    // A reader that has begun reads on over pages whose rows go away behind it.
    let mut reader = table.access.scan(&ReadContext::unlocked(), &[0]).expect("scans");
    let first = reader.next_batch().expect("reads").expect("rows").len;
    model.delete_share(&world, &table, &mut Random(3), 100);
    world.clean();
    assert_eq!(used_pages(&world, &table), before, "a page went away under a reader");
    let mut rest = 0;
    while let Some(batch) = reader.next_batch().expect("reads") {
        rest += batch.len;
    }
    assert!(first > 0 && rest == 0, "{first} rows, then {rest}");
    drop(reader);
    world.clean();
    let after = used_pages(&world, &table);
    assert!(after * 4 < before, "{before} pages before, {after} after");
    world.check(&name);
    model.compare(&world, &table, &name);
    // The space is used again, and all of it survives.
    model.insert_many(&world, &table, &mut Random(11), 700, false);
    model.compare(&world, &table, &name);
    world.check(&name);
    let world = world.reopened();
    let table = world.tables().into_iter().find(|t| t.object_id == table.object_id).expect("there");
    model.compare(&world, &table, &name);
    world.check(&name);
}

#[test]
fn rows_deleted_before_a_crash_are_cleared_after_it() {
    let Some((name, world)) = modern() else { return };
    let (table, mut model) = tall(&world).expect("a table");
    model.delete_share(&world, &table, &mut Random(3), 50);
    let wrong_before = Arc::clone(&world.wrong_before);
    let disk = world.disk.crash(1);
    drop(world);
    let world = World { wrong_before, ..World::open(disk).expect("opens") };
    let table = world.tables().into_iter().find(|t| t.object_id == table.object_id).expect("there");
    assert!(world.clean() > 100);
    model.compare(&world, &table, &name);
    world.check(&name);
}

/// A checkpoint carries counts on in the log alone where somebody holds the table's definition, who need not have logged anything.
#[test]
fn counts_that_a_checkpoint_carries_on_are_there_after_a_crash() {
    let Some((name, world)) = modern() else { return };
    let (table, mut model) = tall(&world).expect("a table");
    let writing = world.database.writing().expect("writable");
    writing.logged.checkpoint().expect("goes");
    model.delete_share(&world, &table, &mut Random(7), 50);
    let resource = Resource::Object { database: writing.database_id, object: table.object_id };
    let (owner, wait) = (new_owner(), LockWait::default());
    world.locks.acquire(owner, &resource, LockMode::SchM, Duration::Transaction, &wait).expect("free");
    writing.logged.checkpoint().expect("goes");
    writing.logged.checkpoint().expect("goes");
    let wrong_before = Arc::clone(&world.wrong_before);
    let disk = world.disk.crash(1);
    world.locks.release_all(owner);
    drop(world);
    let world = World { wrong_before, ..World::open(disk).expect("opens") };
    let table = world.tables().into_iter().find(|t| t.object_id == table.object_id).expect("there");
    model.compare(&world, &table, &name);
    world.check(&name);
}

/// Disks as they are while a checkpoint writes pages over, with the journal that guards them.
fn in_a_checkpoint(world: &World, table: &Arc<TableDef>, model: &mut Model) -> Vec<SimulatedDisk> {
    model.insert_many(world, table, &mut Random(5), 30, true);
    world.disk.record();
    world.database.writing().expect("writable").logged.checkpoint().expect("goes");
    let mut replay = world.disk.replay().expect("recorded");
    let mut found = Vec::new();
    let range = replay.range();
    let step = ((range.end() - range.start()) / 24).max(1);
    for at in range.step_by(step as usize) {
        replay.go_to(at);
        let disk = replay.crash(1);
        let journal = disk.read_file(Path::new("/d/data.journal")).expect("there");
        if journal.get(12..16).is_some_and(|count| count != [0; 4]) {
            found.push(disk);
        }
    }
    found
}

#[test]
fn a_page_journal_goes_into_no_other_database_and_no_older_files() {
    let Some((name, world)) = modern() else { return };
    let (table, mut model) = tall(&world).expect("a table");
    let first = in_a_checkpoint(&world, &table, &mut model);
    let second = in_a_checkpoint(&world, &table, &mut model);
    assert!(first.len() > 3 && second.len() > 3, "{} and {} moments", first.len(), second.len());
    let put = |disk: &SimulatedDisk, from: &SimulatedDisk| {
        let disk = disk.crash(1);
        let bytes = from.read_file(Path::new("/d/data.journal")).expect("there");
        let file = disk.open(Path::new("/d/data.journal"), true).expect("opens");
        file.write_at(0, &bytes).expect("written");
        disk
    };
    for own in first.iter().chain(&second) {
        assert!(World::open(own.crash(1)).is_ok(), "{name}: its own journal was refused");
    }
    let refused =
        |disk| World::open(disk).err().unwrap_or_else(|| panic!("{name}: a foreign journal went in"));
    let why = refused(put(&second[second.len() / 2], &first[0]));
    assert!(why.contains("page journal"), "{why}");
    for (other, data, logs) in World::files().into_iter().filter(|(n, ..)| !n.starts_with("706")) {
        let Some(foreign) = logs.iter().find_map(|log| World::first(&data, log)) else { continue };
        let why = refused(put(&foreign.disk, &first[0]));
        assert!(why.contains("page journal"), "{other}: {why}");
    }
}
