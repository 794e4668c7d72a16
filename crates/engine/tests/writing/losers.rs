//! A crash with a transaction open: the database opens before it is rolled back, keeps others from its table alone, and whatever
//! moment of that the next crash comes at, nothing of it stays and nothing of the others is lost.

use std::cell::RefCell;
use std::sync::Arc;

use holdfast_engine::catalog::TableDef;
use holdfast_engine::lock::{LockMode, Resource};
use holdfast_engine::transaction::{Transaction, new_owner};

use super::crash::{mix, settled};
use super::world::{Model, Random, World};

fn again(world: &World, table: &TableDef) -> Arc<TableDef> {
    let tables = world.database.stored_catalog().user_tables().expect("tables");
    tables.into_iter().find(|t| t.object_id == table.object_id).expect("there")
}

fn is_locked(world: &World, table: &TableDef) -> bool {
    let resource = Resource::Object { database: 5, object: table.object_id };
    world.locks.would_wait(new_owner(), &resource, LockMode::IS)
}

#[test]
fn others_work_while_losers_are_rolled_back_and_crash_again() {
    let mut seen = 0;
    for (n, (name, world)) in World::genuine().into_iter().enumerate() {
        let tables = world.tables();
        for (place, table) in tables.iter().enumerate().take(5) {
            let other = &tables[(place + 1) % tables.len()];
            if other.object_id != table.object_id {
                one(&name, &world, table, other, mix(n as u64, place as u64));
                seen += 1;
            }
        }
    }
    assert!(seen > 10 || holdfast_testkit::corpus_dir().is_none(), "{seen} tables");
}

fn one(name: &str, world: &World, table: &Arc<TableDef>, other: &Arc<TableDef>, seed: u64) {
    let mut random = Random(seed | 1);
    let before = Model::read(world, table);
    let mut others = Model::read(world, other);
    // Rolled back to a savepoint in between: recovery meets compensations, too.
    let loser = Transaction::with_locks(new_owner(), Arc::clone(&world.locks));
    let mut dirty = Model::read(world, table);
    dirty.change_within(&loser, table, &mut random, 25);
    let (savepoint, kept) = (loser.savepoint(), dirty.rows.clone());
    dirty.change_within(&loser, table, &mut random, 5);
    loser.rollback_to(&savepoint).expect("rolls back");
    dirty.rows = kept;
    dirty.change_within(&loser, table, &mut random, 25);
    let changed = dirty.sorted() != before.sorted();
    others.change(world, other, &mut random, 6, true);
    // Whether that has changed anything or not.
    world.database.writing().expect("writable").logged.log().flush().expect("durable");
    let disk = world.disk.crash(seed);
    let opened = World::open(disk).unwrap_or_else(|e| panic!("{name}: {e}"));
    let opened = World { wrong_before: Arc::clone(&world.wrong_before), ..opened };
    loser.rollback().expect("rolls back");
    let (table, other) = (again(&opened, table), again(&opened, other));
    let losers = opened.database.losers().cloned();
    let count = losers.as_ref().map_or(0, |l| l.count());
    assert!(count == 1 || !changed, "{name}: {}: {count}", table.name);
    let Some(losers) = losers else { return };
    assert!(is_locked(&opened, &table) && !is_locked(&opened, &other), "{name}: {}", table.name);
    dirty.compare(&opened, &table, name);
    others.compare(&opened, &other, name);
    // Others go on between the steps; what is committed of them when.
    opened.disk.record();
    let start = opened.disk.changes();
    let committed = vec![(start, others.sorted())];
    let state = RefCell::new((others, random, committed));
    let go_on = || {
        assert!(is_locked(&opened, &table));
        let (others, random, states) = &mut *state.borrow_mut();
        let commit = random.below(3) > 0;
        others.change(&opened, &other, random, 2, commit);
        if random.below(5) == 0 {
            opened.database.writing().expect("writable").logged.checkpoint().expect("a checkpoint");
        }
        states.push((opened.disk.changes(), others.sorted()));
        true
    };
    assert!(losers.finish_in(4, &go_on).expect("rolls back"));
    assert!(!is_locked(&opened, &table) && opened.locks.is_idle(), "{name}: {}", table.name);
    let (others, _, states) = state.into_inner();
    before.compare(&opened, &table, name);
    others.compare(&opened, &other, name);
    opened.check(name);
    let mut replay = opened.disk.replay().expect("recorded");
    let (first, last) = replay.range().into_inner();
    let mut cuts: Vec<u64> = (0..8).map(|cut| first + mix(seed, cut) % (last - first + 1)).collect();
    cuts.sort_unstable();
    for at in cuts {
        replay.go_to(at);
        let world = World::open(replay.crash(mix(seed, at))).unwrap_or_else(|e| panic!("{name}: {at}: {e}"));
        let world = World { wrong_before: Arc::clone(&opened.wrong_before), ..world };
        let world = settled(world, seed).unwrap_or_else(|e| panic!("{name}: {at}: {e}"));
        before.compare(&world, &again(&world, &table), name);
        let found = Model::read(&world, &again(&world, &other)).sorted();
        let done = states.iter().rposition(|s| s.0 <= at).expect("the first is there");
        let next = states.get(done + 1).is_some_and(|s| s.1 == found);
        assert!(found == states[done].1 || next, "{name}: {} at {at} of {first}..{last}", other.name);
        world.check(name);
    }
}
