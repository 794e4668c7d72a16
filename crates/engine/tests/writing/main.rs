//! Changing genuine databases: every table against a model, the checker clean, rollback, and crashes cut at every write.

mod crash;
mod workload;
mod world;

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
