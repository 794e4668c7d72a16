//! A random workload of interleaved transactions that knows what must be there after every commit.
//!
//! Invariants
//! 1. One thread: commits are in the log in the order in which they were asked for, and at most one is under way.
//! 2. Rows are compared by digests of all their stored values; no two states of a table that differ have equal digests.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use holdfast_engine::catalog::TableDef;
use holdfast_engine::instance::OnlineDatabase;
use holdfast_engine::lock::LockWait;
use holdfast_engine::transaction::{Savepoint, Transaction, new_owner};
use holdfast_engine::write::{NewRow, RowState, RowUpdate, WriteContext};
use holdfast_types::{SqlError, Value};

use super::define::may_fail;
use super::large;
use super::world::{Model, Random, World, expected, text};

/// Rows of a table: digest and how often.
pub type Rows = BTreeMap<String, usize>;

fn digest(row: &[Value]) -> String {
    let whole = text(row);
    let mut hash = DefaultHasher::new();
    whole.hash(&mut hash);
    let cut = whole.char_indices().nth(300).map_or(whole.len(), |(at, _)| at);
    format!("{:016x} {}", hash.finish(), &whole[..cut])
}

pub fn rows(world: &World, table: &TableDef) -> Rows {
    let mut out = Rows::new();
    for row in &Model::read(world, table).rows {
        *out.entry(digest(row)).or_default() += 1;
    }
    out
}

fn put(rows: &mut Rows, row: &str, by: i32) {
    let count = rows.entry(row.to_owned()).or_default();
    *count = count.checked_add_signed(by as isize).expect("the row was there");
    if *count == 0 {
        rows.remove(row);
    }
}

/// A change of a transaction: table, row, 1 or -1.
type Effect = (usize, String, i32);

struct Open {
    transaction: Transaction,
    effects: Vec<Effect>,
    savepoints: Vec<(Savepoint, usize)>,
    /// Highest identity value given, by table.
    given: BTreeMap<usize, i64>,
}

/// The committed state from a moment on.
#[derive(Clone)]
pub struct Committed {
    /// Changes of the disk when commit was called and when it returned.
    pub asked: u64,
    pub done: u64,
    pub tables: Vec<Arc<Rows>>,
    /// Highest identity value of a committed transaction, by table.
    pub given: BTreeMap<usize, i64>,
}

pub struct Workload {
    pub tables: Vec<Arc<TableDef>>,
    random: Random,
    open: Vec<Open>,
    pub states: Vec<Committed>,
    /// See [`World::wrong_before`].
    pub wrong_before: Arc<BTreeSet<u64>>,
    /// Whether many rows are entered at a time, too.
    pub many: bool,
    /// Statements done, by kind, to see that the workload is one.
    pub done: BTreeMap<&'static str, usize>,
}

impl Workload {
    /// Over some tables of the world.
    pub fn new(world: &World, seed: u64, most_tables: usize) -> Workload {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.next();
        let mut all = world.tables();
        let mut tables = Vec::new();
        while tables.len() < most_tables && !all.is_empty() {
            tables.push(all.swap_remove(random.below(all.len())));
        }
        let now = world.disk.changes();
        let state = Committed {
            asked: now,
            done: now,
            tables: tables.iter().map(|t| Arc::new(rows(world, t))).collect(),
            given: BTreeMap::new(),
        };
        let wrong_before = Arc::clone(&world.wrong_before);
        Workload {
            tables,
            random,
            open: Vec::new(),
            states: vec![state],
            wrong_before,
            many: true,
            done: BTreeMap::new(),
        }
    }

    /// Does `steps` random things.
    pub fn run(&mut self, world: &World, steps: usize) {
        for _ in 0..steps {
            self.step(world);
        }
    }

    fn step(&mut self, world: &World) {
        match self.random.below(100) {
            0..2 => {
                world.database.writing().expect("writable").logged.checkpoint().expect("checkpoint");
                self.note("checkpoint");
            }
            2..5 => {
                world.clean();
                self.note("clean");
            }
            5..9 if self.many => self.define(world),
            _ => self.in_transaction(world),
        }
    }

    /// Makes an index or writes a table anew, alone; what the transaction does behind that goes into it.
    fn define(&mut self, world: &World) {
        while let Some(open) = self.open.pop() {
            self.commit(world, open);
        }
        let transaction = Transaction::with_locks(new_owner(), Arc::clone(&world.locks));
        let (effects, savepoints, given) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut open = Open { transaction, effects, savepoints, given };
        for _ in 0..self.random.below(3) {
            self.statement(world, &mut open);
        }
        let before = (open.transaction.savepoint(), open.effects.len());
        let place = self.random.below(self.tables.len());
        let table = Arc::clone(&self.tables[place]);
        let made = world.define(&table, &open.transaction, &mut self.random);
        let failed = made.as_ref().is_err_and(|e| {
            assert!(may_fail(e), "{}: {e:?}", table.name);
            true
        });
        self.reload(world);
        for _ in 0..self.random.below(6) {
            if !failed {
                self.statement(world, &mut open);
            }
        }
        if failed || self.random.below(4) == 0 {
            open.transaction.rollback_to(&before.0).expect("rolls back");
            open.effects.truncate(before.1);
            self.reload(world);
            self.note("definition taken back");
        }
        for _ in 0..self.random.below(3) {
            self.statement(world, &mut open);
        }
        if self.random.below(3) == 0 {
            open.transaction.rollback().expect("rolls back");
            self.note("definition rolled back");
        } else {
            self.commit(world, open);
            if let Ok(Some(what)) = made {
                self.note(what);
            }
        }
        self.reload(world);
    }

    /// The tables as they are defined now.
    fn reload(&mut self, world: &World) {
        world.database.refresh().expect("refreshes");
        let catalog = world.database.stored_catalog();
        for table in &mut self.tables {
            *table = catalog.table(table.object_id).expect("table").expect("there");
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    fn in_transaction(&mut self, world: &World) {
        if self.open.is_empty() || self.open.len() < 4 && self.random.below(4) == 0 {
            let transaction = Transaction::with_locks(new_owner(), Arc::clone(&world.locks));
            let (effects, savepoints, given) = (Vec::new(), Vec::new(), BTreeMap::new());
            self.open.push(Open { transaction, effects, savepoints, given });
        }
        let at = self.random.below(self.open.len());
        match self.random.below(20) {
            0..3 => {
                let open = self.open.swap_remove(at);
                self.commit(world, open);
            }
            3 => {
                self.open.swap_remove(at).transaction.rollback().expect("rolls back");
                self.note("rollback");
            }
            4 => {
                let open = &mut self.open[at];
                open.savepoints.push((open.transaction.savepoint(), open.effects.len()));
            }
            5 => {
                let open = &mut self.open[at];
                if let Some((savepoint, effects)) = open.savepoints.last() {
                    open.transaction.rollback_to(savepoint).expect("rolls back");
                    open.effects.truncate(*effects);
                    self.note("savepoint");
                }
            }
            _ => {
                let mut open = self.open.swap_remove(at);
                self.statement(world, &mut open);
                self.open.push(open);
            }
        }
    }

    fn commit(&mut self, world: &World, open: Open) {
        let asked = world.disk.changes();
        open.transaction.commit().expect("commits");
        let done = world.disk.changes();
        let before = self.states.last().expect("one");
        let mut tables = before.tables.clone();
        for (table, row, by) in &open.effects {
            put(Arc::make_mut(&mut tables[*table]), row, *by);
        }
        let mut given = before.given.clone();
        for (table, value) in open.given {
            let most = given.entry(table).or_insert(value);
            *most = value.max(*most);
        }
        self.states.push(Committed { asked, done, tables, given });
        self.note("commit");
    }

    fn statement(&mut self, world: &World, open: &mut Open) {
        let savepoint = open.transaction.savepoint();
        let effects = open.effects.len();
        let given = open.given.clone();
        if let Err(e) = self.change(world, open) {
            if e.number != 1222 {
                expected(&e);
            }
            open.transaction.rollback_to(&savepoint).expect("rolls back");
            open.effects.truncate(effects);
            // A transaction that has nothing but this commits nothing: its values may be given again.
            open.given = given;
        }
    }

    fn change(&mut self, world: &World, open: &mut Open) -> Result<(), SqlError> {
        let place = self.random.below(self.tables.len());
        let table = Arc::clone(&self.tables[place]);
        let writer = table.access.writer().expect("writable");
        let wait = LockWait { timeout: Some(Duration::ZERO), ..LockWait::default() };
        let write = WriteContext { transaction: &open.transaction, wait: &wait };
        let model = Model::read(world, &table);
        let random = &mut self.random;
        let kind = random.below(64);
        if kind == 0 {
            let before = model.rows.iter().map(|r| (place, digest(r), -1)).collect::<Vec<Effect>>();
            writer.truncate(write)?;
            open.effects.extend(before);
            self.note("truncate");
            return Ok(());
        }
        if self.many && kind < 4 {
            return self.many(world, open, place);
        }
        if kind < 30 || model.rows.is_empty() {
            let many = if random.below(12) == 0 { 60 } else { 1 + random.below(3) };
            for n in 0..many {
                let mut row = model.invent(&table, random, random_order(n));
                if let Some(at) = model.stored.iter().position(|&c| table.columns[c].identity.is_some()) {
                    row[at] = writer.next_identity()?;
                    let given = open.given.entry(place).or_insert(i64::MIN);
                    *given = (*given).max(number_of(&row[at]));
                }
                let new = NewRow { values: model.whole(&table, &row), outside_indexes: Vec::new() };
                writer.insert(write, &[new])?;
                open.effects.push((place, digest(&row), 1));
            }
            self.note("insert");
            return Ok(());
        }
        let marked = model.marked(&table);
        let count = (1 + random.below(if kind > 60 { 40 } else { 3 })).min(marked.len());
        let from = random.below(marked.len() - count + 1);
        for (old, mark) in &marked[from..from + count] {
            if writer.lock(write, mark)? != RowState::Unchanged {
                return Err(SqlError::new(1222, &[]));
            }
            if kind < 48 {
                let mut row = model.invent(&table, random, false);
                let mut changed = Vec::new();
                for (i, value) in row.iter_mut().enumerate() {
                    let ordinal = model.stored[i];
                    if random.below(2) == 0 || table.columns[ordinal].identity.is_some() {
                        *value = old[i].clone();
                    } else {
                        changed.push(ordinal);
                        if self.many
                            && table.columns[ordinal].ty.is_max()
                            && let Some(part) = large::edited(&old[i], random)
                        {
                            *value = part;
                        }
                    }
                }
                let new = NewRow { values: model.whole(&table, &row), outside_indexes: Vec::new() };
                let update = RowUpdate { bookmark: mark.clone(), row: new, old: Vec::new() };
                writer.update(write, &[update], &changed)?;
                open.effects.push((place, digest(old), -1));
                open.effects.push((place, digest(&row), 1));
            } else {
                writer.delete(write, std::slice::from_ref(mark), &[])?;
                open.effects.push((place, digest(old), -1));
            }
        }
        self.note(if kind < 48 { "update" } else { "delete" });
        Ok(())
    }

    /// Many rows at a time into a table that nobody else may change; then some between them, one by one.
    fn many(&mut self, world: &World, open: &mut Open, place: usize) -> Result<(), SqlError> {
        let table = Arc::clone(&self.tables[place]);
        let writer = table.access.writer().expect("writable");
        let wait = LockWait { timeout: Some(Duration::ZERO), ..LockWait::default() };
        let write = WriteContext { transaction: &open.transaction, wait: &wait };
        writer.lock_all(write)?;
        let model = Model::read(world, &table);
        let random = &mut self.random;
        let first = 0x7F00_0000 + random.below(0xFF_0000) as u64;
        let most = if random.below(3) == 0 { 400 } else { 60 };
        let many = 8 + random.below(most);
        let most = if random.below(2) == 0 { 30 } else { 1 };
        let between = random.below(most);
        let mut numbers: Vec<u64> = (0..many as u64).map(|n| first + 2 * n).collect();
        if random.below(4) == 0 {
            numbers.reverse();
        }
        numbers.extend((0..between).map(|_| first + 2 * random.below(many) as u64 + 1));
        let mut rows = Vec::new();
        for number in numbers {
            let mut row = model.invent_with(&table, random, Some(number));
            if let Some(at) = model.stored.iter().position(|&c| table.columns[c].identity.is_some()) {
                row[at] = writer.next_identity()?;
                let given = open.given.entry(place).or_insert(i64::MIN);
                *given = (*given).max(number_of(&row[at]));
            }
            rows.push(row);
        }
        let whole =
            |row: &Vec<Value>| NewRow { values: model.whole(&table, row), outside_indexes: Vec::new() };
        let new: Vec<NewRow> = rows[..many].iter().map(whole).collect();
        writer.insert(write, &new)?;
        open.effects.extend(rows[..many].iter().map(|r| (place, digest(r), 1)));
        for row in &rows[many..] {
            writer.insert(write, &[whole(row)])?;
            open.effects.push((place, digest(row), 1));
        }
        self.note("many");
        Ok(())
    }

    /// What is wrong with a database that was opened after the disk had done `changes` changes.
    pub fn verify(&self, world: &World, changes: u64) -> Result<(), String> {
        let last = self.states.iter().rposition(|s| s.done <= changes).expect("the first is there");
        let under_way = self.states.get(last + 1).filter(|s| s.asked < changes);
        let tables: Vec<Arc<TableDef>> = world.database.stored_catalog().user_tables().expect("tables");
        let mut found = Vec::new();
        for table in &self.tables {
            let now = tables.iter().find(|t| t.object_id == table.object_id).ok_or("a table is gone")?;
            let model = Model::read(world, now);
            if !model.indexes_agree(world, now) {
                return Err(format!("{}: indexes differ from the table", table.name));
            }
            found.push((Arc::clone(now), rows(world, now)));
        }
        let differs = |state: &Committed| {
            let pairs = state.tables.iter().zip(&found).zip(&self.tables);
            pairs.map(|((a, (_, b)), t)| difference(&t.name, a, b)).find(Result::is_err).unwrap_or(Ok(()))
        };
        let acknowledged = &self.states[last];
        let state = match (differs(acknowledged), under_way) {
            (Ok(()), _) => acknowledged,
            (Err(_), Some(next)) if differs(next).is_ok() => next,
            (Err(what), _) => return Err(format!("after commit {last}: {what}")),
        };
        for (place, given) in &state.given {
            let writer = found[*place].0.access.writer().ok_or("not writable")?;
            let next = number_of(&writer.next_identity().map_err(|e| e.to_string())?);
            if next <= *given && !self.done.contains_key("truncate") {
                return Err(format!("identity {next} is given again, {given} was the last"));
            }
        }
        Ok(())
    }
}

fn random_order(n: usize) -> bool {
    n % 2 == 1
}

fn number_of(value: &Value) -> i64 {
    match value {
        Value::TinyInt(n) => i64::from(*n),
        Value::SmallInt(n) => i64::from(*n),
        Value::Int(n) => i64::from(*n),
        Value::BigInt(n) => *n,
        _ => i64::MIN,
    }
}

fn difference(name: &str, wanted: &Rows, found: &Rows) -> Result<(), String> {
    if wanted == found {
        return Ok(());
    }
    let missing: Vec<_> = wanted.iter().filter(|(k, n)| found.get(*k) != Some(n)).take(3).collect();
    let extra: Vec<_> = found.iter().filter(|(k, n)| wanted.get(*k) != Some(n)).take(3).collect();
    Err(format!(
        "{name}: {} rows wanted, {} found; missing {missing:?}; extra {extra:?}",
        wanted.len(),
        found.len()
    ))
}
