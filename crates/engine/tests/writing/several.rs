//! Power loss while transactions over two databases end: whatever moment it comes at, both have them or neither has. The two
//! are copies of one database, so nothing but the ids of the parts tells them apart; they open in either order, with a crash
//! between now and then.

use std::path::Path;
use std::sync::Arc;

use holdfast_disk::SimulatedDisk;
use holdfast_engine::catalog::TableDef;
use holdfast_engine::decision::Decisions;
use holdfast_engine::lock::{LockManager, LockWait};
use holdfast_engine::transaction::{Transaction, new_owner};
use holdfast_engine::write::WriteContext;

use super::crash::{mix, settled};
use super::world::{Model, Random, World};

const PLACES: [(i32, &str); 2] = [(5, "/d"), (6, "/e")];
const DECISIONS: &str = "/i/decisions";

fn open(disk: &SimulatedDisk, seed: u64) -> Result<[World; 2], String> {
    let decisions = Decisions::open(Arc::new(disk.clone()), Path::new(DECISIONS))?;
    let locks: Arc<LockManager> = Arc::default();
    let one = |n: usize| {
        let (id, directory) = PLACES[n];
        let world =
            World::open_as(disk.clone(), id, Path::new(directory), Arc::clone(&locks), Some(&decisions))?;
        assert!(world.database.losers().is_none_or(|l| l.count() > 0));
        settled_here(world, seed)
    };
    Ok(if seed.is_multiple_of(2) {
        let first = one(0)?;
        [first, one(1)?]
    } else {
        let second = one(1)?;
        [one(0)?, second]
    })
}

/// Rolls back what was left; these worlds are not closed midway.
fn settled_here(world: World, seed: u64) -> Result<World, String> {
    match world.database.losers().cloned() {
        Some(losers) => {
            losers.finish_in(1 + seed as u32 % 5, &|| true).map_err(|e| e.to_string())?;
            Ok(world)
        }
        None => settled(world, seed),
    }
}

type Sorted = Vec<String>;

/// What both databases hold from a moment on.
struct Committed {
    asked: u64,
    done: u64,
    rows: [Sorted; 2],
}

fn sorted(world: &World, table: &TableDef) -> Sorted {
    Model::read(world, table).sorted()
}

fn same_table(world: &World, object: i32) -> Arc<TableDef> {
    let tables = world.database.stored_catalog().user_tables().expect("tables");
    tables.into_iter().find(|t| t.object_id == object).expect("there")
}

fn work(worlds: &[World; 2], objects: [i32; 2], random: &mut Random) -> Vec<Committed> {
    let tables = [same_table(&worlds[0], objects[0]), same_table(&worlds[1], objects[1])];
    let now = worlds[0].disk.changes();
    let rows = [sorted(&worlds[0], &tables[0]), sorted(&worlds[1], &tables[1])];
    let mut states = vec![Committed { asked: now, done: now, rows }];
    for _ in 0..12 {
        let transaction = Transaction::with_locks(new_owner(), Arc::clone(&worlds[0].locks));
        let mut models = [Model::read(&worlds[0], &tables[0]), Model::read(&worlds[1], &tables[1])];
        for n in 0..2 {
            // Some change one of them only.
            if random.below(6) == 0 {
                continue;
            }
            if random.below(8) == 0 {
                let wait = LockWait::default();
                let write = WriteContext { transaction: &transaction, wait: &wait };
                let writer = tables[n].access.writer().expect("writable");
                if writer.truncate(write).is_ok() {
                    models[n].rows.clear();
                }
            }
            models[n].change_within(&transaction, &tables[n], random, 3);
        }
        if random.below(6) == 0 {
            transaction.rollback().expect("rolls back");
            continue;
        }
        let asked = worlds[0].disk.changes();
        transaction.commit().expect("commits");
        let done = worlds[0].disk.changes();
        states.push(Committed { asked, done, rows: [models[0].sorted(), models[1].sorted()] });
        if random.below(5) == 0 {
            worlds[random.below(2)]
                .database
                .writing()
                .expect("writable")
                .logged
                .checkpoint()
                .expect("checkpoint");
        }
    }
    states
}

fn verify(worlds: &[World; 2], objects: [i32; 2], states: &[Committed], at: u64) -> Result<(), String> {
    let rows = [0, 1].map(|n| sorted(&worlds[n], &same_table(&worlds[n], objects[n])));
    let last = states.iter().rposition(|s| s.done <= at).expect("the first is there");
    let under_way = states.get(last + 1).filter(|s| s.asked < at);
    if states[last].rows == rows || under_way.is_some_and(|s| s.rows == rows) {
        return Ok(());
    }
    let halves = under_way.map(|s| [s.rows[0] == rows[0], s.rows[1] == rows[1]]);
    Err(format!("commit {last} of both wanted; of the one under way: {halves:?}"))
}

#[test]
fn power_loss_leaves_both_databases_or_neither_with_a_transaction() {
    let (mut cuts, mut seeds) = (0, 0);
    let only = std::env::var("HOLDFAST_CRASH_SEED").ok().and_then(|s| s.parse::<u64>().ok());
    for (place, (name, data, logs)) in World::files().into_iter().enumerate() {
        let first = logs.iter().find_map(|log| Some((log, World::first(&data, log)?.wrong_before)));
        let Some((log, wrong_before)) = first else { continue };
        for seed in 0..2u64 {
            let seed = seed * 100 + place as u64;
            if only.is_some_and(|only| only != seed) {
                continue;
            }
            let disk = SimulatedDisk::new();
            PLACES.iter().for_each(|(_, directory)| World::put(&disk, Path::new(directory), &data, log));
            let worlds = open(&disk, seed).unwrap_or_else(|e| panic!("{name}: {e}"));
            let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            let tables = worlds[0].tables();
            let objects = [0, 1].map(|_| tables[random.below(tables.len())].object_id);
            disk.record();
            let states = work(&worlds, objects, &mut random);
            let mut replay = disk.replay().expect("recorded");
            let (first, last) = replay.range().into_inner();
            // Every fourth moment, beginning with another one each time; all of them for a seed that is asked for.
            let step = if only.is_some() { 1 } else { 4 };
            for at in (first..=last).skip(seed as usize % step).step_by(step) {
                replay.go_to(at);
                let left = replay.crash(mix(seed, at));
                let fail = |what: String| -> ! {
                    panic!("{name}: seed {seed}, cut {} of {}: {what}", at - first, last - first)
                };
                // Now and then the first that opens does so alone, and the power goes again.
                if mix(at, seed).is_multiple_of(3) {
                    left.record();
                    let again = open(&left, at).unwrap_or_else(|e| fail(e));
                    drop(again);
                    let mut recovery = left.replay().expect("recorded");
                    let (from, to) = recovery.range().into_inner();
                    recovery.go_to(from + mix(at, seed) % (to - from + 1));
                    let twice = recovery.crash(mix(at, 7));
                    let worlds = open(&twice, at + 1).unwrap_or_else(|e| fail(e));
                    verify(&worlds, objects, &states, at).unwrap_or_else(|e| fail(format!("twice: {e}")));
                } else {
                    let worlds = open(&left, at).unwrap_or_else(|e| fail(e));
                    verify(&worlds, objects, &states, at).unwrap_or_else(|e| fail(e));
                    if mix(seed, at).is_multiple_of(5) {
                        for world in worlds {
                            World { wrong_before: Arc::clone(&wrong_before), ..world }
                                .checked()
                                .unwrap_or_else(|e| fail(e));
                        }
                    }
                }
                cuts += 1;
            }
            seeds += 1;
        }
    }
    println!("{seeds} workloads, {cuts} cuts");
    assert!(cuts > 500 || only.is_some() || holdfast_testkit::corpus_dir().is_none(), "{cuts} cuts");
}
