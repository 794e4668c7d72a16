//! Random concurrent transactions, checked for what their isolation level forbids.
//!
//! The default run is small. `HOLDFAST_HISTORY=1000` runs that many transactions per session and level;
//! `HOLDFAST_HISTORY_SEED=7` begins with another seed, which is named by every failure.

mod checker;
mod definitions;
mod phantoms;
mod redefined;
#[path = "../common/server.rs"]
mod server;
mod workload;

use checker::Anomaly::{self, G0, G1a, G1b, G1c, G2, GSingle, Internal, Lost};
use phantoms::Shape;
use workload::Load;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn never(level: &'static str, option: Option<&'static str>, forbidden: &[Anomaly]) {
    for heap in [false, true] {
        let seed = number("HOLDFAST_HISTORY_SEED", 1);
        let transactions = number("HOLDFAST_HISTORY", 40) as u32;
        let load = Load { level, option, heap, threads: 4, transactions, lists: 1 + transactions / 10, seed };
        let outcome = workload::go(load).expect("tables can be made");
        let found = checker::check(&outcome.history, &outcome.lists);
        let committed = outcome.history.iter().filter(|t| t.committed).count();
        println!(
            "{level} heap {heap}: {committed} of {} committed, errors {:?}",
            outcome.history.len(),
            outcome.errors
        );
        assert!(committed > outcome.history.len() / 10, "hardly anything commits");
        for anomaly in forbidden {
            assert!(
                !found.contains_key(anomaly),
                "{level} (heap {heap}, seed {seed}): {anomaly:?}: {}",
                found[anomaly]
            );
        }
    }
}

#[test]
fn read_uncommitted() {
    never("read uncommitted", None, &[Lost, G0]);
}

#[test]
fn read_committed() {
    never("read committed", None, &[Lost, Internal, G0, G1a, G1b, G1c]);
}

#[test]
fn repeatable_read() {
    never("repeatable read", None, &[Lost, Internal, G0, G1a, G1b, G1c, GSingle, G2]);
}

#[test]
fn serializable() {
    never("serializable", None, &[Lost, Internal, G0, G1a, G1b, G1c, GSingle, G2]);
}
#[test]
fn snapshot() {
    let option = Some("allow_snapshot_isolation on");
    never("snapshot", option, &[Lost, Internal, G0, G1a, G1b, G1c, GSingle]);
}

#[test]
fn read_committed_snapshot() {
    let option = Some("read_committed_snapshot on");
    never("read committed", option, &[Lost, Internal, G0, G1a, G1b, G1c]);
}

fn no_phantoms(table: &'static str, hint: &'static str) {
    let seed = number("HOLDFAST_HISTORY_SEED", 1);
    let transactions = number("HOLDFAST_HISTORY", 40) as u32 * 3;
    let done = phantoms::go(Shape { table, hint }, transactions, seed);
    println!("{table}: {done} of {} transactions", 4 * transactions);
    // A tenth, as above: where the machine gives one thread the processor for long, the others are victims most of the time.
    assert!(done > 4 * transactions as usize / 10, "hardly anything commits");
}

#[test]
fn no_phantoms_in_a_clustered_index() {
    no_phantoms("create table slots (id int not null, g int not null primary key)", "forceseek");
}

#[test]
fn no_phantoms_in_a_clustered_index_with_uniquifiers() {
    no_phantoms("create table slots (id int not null, g int not null, index c clustered (g))", "forceseek");
}

#[test]
fn no_phantoms_in_an_index_of_a_heap() {
    no_phantoms("create table slots (id int not null, g int not null, index n (g))", "index(n), forceseek");
}

#[test]
fn no_phantoms_in_an_index_of_a_clustered_table() {
    let table = "create table slots (id int not null primary key, g int not null, index n unique (g))";
    no_phantoms(table, "index(n), forceseek");
}

#[test]
fn no_phantoms_without_a_useful_index() {
    no_phantoms("create table slots (id int not null, g int not null)", "forcescan");
}

#[test]
fn statements_beside_definitions() {
    let seed = number("HOLDFAST_HISTORY_SEED", 1);
    let done = redefined::go(number("HOLDFAST_HISTORY", 40) as u32 * 5, seed);
    println!("{done} definitions");
    assert!(done > 8, "hardly anything is defined");
}

#[test]
fn definitions_beside_definitions() {
    let seed = number("HOLDFAST_HISTORY_SEED", 1);
    for seed in seed..seed + 3 {
        definitions::go(number("HOLDFAST_HISTORY", 40) as u32, seed);
    }
}
