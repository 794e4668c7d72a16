//! Power loss while tables, columns and indexes come and go: random statements (CREATE and DROP TABLE and INDEX, ALTER TABLE
//! ADD and DROP COLUMN and CONSTRAINT, TRUNCATE, SELECT INTO, sp_rename; heaps whose rows are forwarded, large values;
//! transactions of some thousand rows; in tests of their own also partitions that are split, merged and switched, and indexed views over a join) run once with every change of the disk recorded. For chosen moments the disk is what
//! power loss left, and the database that opens there must be as it was after the last statement that had been
//! acknowledged, or after the one that was under way: the same tables, columns, indexes and rows, by every index, and the
//! checker content. Recovery is cut, too.
//!
//! `HOLDFAST_CRASH_SEED` runs that seed at every cut, `HOLDFAST_CRASH_CUT` only that cut of it; `HOLDFAST_CRASH_SEEDS` runs
//! that many seeds from `HOLDFAST_CRASH_FROM` on.

#[path = "common/disk_world.rs"]
mod disk_world;

use std::fmt::Write;

use disk_world::World;
use holdfast_disk::SimulatedDisk;

struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Random(mix(seed, 0x5EED) | 1)
    }
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let x = (a ^ b.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ x >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x ^ x >> 32
}

const TABLES: [&str; 5] = ["A", "B", "C", "D1", "E"];
/// Columns that tables are made with; `w` and `x` come and go.
const COLUMNS: &str = "id int not null, k int not null, v varchar(2000) null, big varchar(max) null";

/// The next batch. Some are refused, which changes nothing.
fn batch(random: &mut Random) -> String {
    let table = random.one(&TABLES);
    let other = random.one(&TABLES);
    let n = random.below(100_000);
    let few = 1 + random.below(30);
    let many = 200 + random.below(1_500);
    let length = random.below(1_900);
    let rows = |count: usize| {
        format!(
            "insert {table} (id, k, v, big) select {n} + n, (n * 7919 + {n}) % 1009, replicate('v', (n * 31 + {n}) % {length}),
             case when n % 40 = 0 then replicate(convert(varchar(max), 'L'), 4000 + n * 13 % 20000) end from S where n < {count}"
        )
    };
    let change = |random: &mut Random, wide: bool| {
        let part = if wide { 2 } else { 5 + random.below(20) };
        match random.below(5) {
            // Rows of heaps grow and are forwarded, those of trees move to other pages.
            0 => format!("update {table} set v = replicate('w', {length}) where id % {part} = 0"),
            1 => format!("update {table} set k = k + 1 where id % {part} = 1"),
            2 => format!(
                "update {table} set big = replicate(convert(varchar(max), 'M'), {}) where id % {} = 0",
                100 + n % 30_000,
                part * 20
            ),
            3 => format!("delete {table} where id % {part} = 2"),
            _ => format!("update {table} set v = null, big = null where id % {part} = 3"),
        }
    };
    match random.below(26) {
        0 => format!("create table {table} ({COLUMNS})"),
        1 => format!("create table {table} ({COLUMNS}, constraint PK_{table} primary key (id))"),
        2 => format!(
            "create table {table} ({COLUMNS}, constraint PK_{table} primary key nonclustered (k, id))"
        ),
        3 => format!("drop table {table}"),
        4 => format!("create index IX_{table} on {table} (k) include (v)"),
        5 => format!(
            "create {} index U_{table} on {table} ({})",
            random.one(&["unique", "nonclustered"]),
            random.one(&["id", "k, id"])
        ),
        6 => format!("create clustered index CX_{table} on {table} ({})", random.one(&["k", "id"])),
        7 => {
            let index = random.one(&["IX", "U", "CX"]);
            format!("drop index {index}_{table} on {table}")
        }
        8 => format!("alter table {table} add w int null"),
        9 => format!("alter table {table} add x varchar(40) not null constraint DX_{table} default 'given'"),
        10 => format!("alter table {table} drop column w"),
        11 => format!(
            "begin tran; alter table {table} drop constraint DX_{table}; alter table {table} drop column x; commit"
        ),
        12 => format!("truncate table {table}"),
        13 => format!("select id, k, v, big into {table} from {other}"),
        14 => format!("exec sp_rename '{table}', '{other}'"),
        15 => {
            format!(
                "begin tran; exec sp_rename '{table}.k', 'kk', 'COLUMN'; exec sp_rename '{table}.kk', 'k', 'COLUMN'; commit"
            )
        }
        16 => format!("alter table {table} drop constraint PK_{table}"),
        17 => rows(many),
        18 => "checkpoint".to_owned(),
        19 => {
            let mut text = "begin tran; ".to_owned();
            for _ in 0..1 + random.below(4) {
                let part = match random.below(8) {
                    0 => rows(many),
                    1 => format!("create index T_{table} on {table} (k); drop index T_{table} on {table}"),
                    2 => format!("truncate table {table}"),
                    3 => format!(
                        "create table Z{n} ({COLUMNS}); insert Z{n} (id, k) select n, n from S where n < {few}; drop table Z{n}"
                    ),
                    4 => format!("save tran p; {}; rollback tran p", change(random, true)),
                    5 => format!("drop table {other}"),
                    _ => change(random, true),
                };
                let _ = write!(text, "{part}; ");
            }
            text + random.one(&["commit", "rollback"])
        }
        20 => change(random, true),
        21 | 22 => rows(few),
        _ => change(random, false),
    }
}

/// Seeds from here on work on partitioned tables, too.
const PARTITIONED: u64 = 5000;

/// The next batch of those seeds: half of them are about partitions. Function and scheme are there from the beginning.
fn partition_batch(random: &mut Random) -> String {
    if random.below(2) == 0 {
        return batch(random);
    }
    let table = random.one(&TABLES);
    let n = random.below(100_000);
    let part = 1 + random.below(3);
    let boundary = random.below(1_100);
    match random.below(11) {
        0 | 1 => format!("create table {table} ({COLUMNS}) on ps(k)"),
        2 => format!("create table {table} ({COLUMNS}, constraint PK_{table} primary key (id, k)) on ps(k)"),
        3 => format!("create clustered index CX_{table} on {table} ({}) on ps(k)", random.one(&["k", "id"])),
        4 | 5 => format!(
            "begin try begin tran; alter partition scheme ps next used [primary]; alter partition function pf() split range ({boundary}); commit end try
             begin catch if @@trancount > 0 rollback end catch"
        ),
        6 | 7 => format!(
            "declare @v int = (select top 1 cast(value as int) from sys.partition_range_values order by (boundary_id * {n}) % 7, boundary_id);
             begin try alter partition function pf() merge range (@v) end try begin catch end catch"
        ),
        // Rows of a partition go out, half of them come back.
        8 => format!(
            "begin try begin tran; select top 0 * into Y{n} from {table}; alter table {table} switch partition {part} to Y{n};
             insert {table} select * from Y{n} where id % 2 = 0; drop table Y{n}; commit end try begin catch if @@trancount > 0 rollback end catch"
        ),
        9 => format!("update {table} set k = (k * 31 + {n}) % 1200 where id % 3 = 1"),
        _ => format!("begin try truncate table {table} with (partitions ({part})) end try begin catch end catch"),
    }
}

/// Seeds from here on have two tables and indexed views over them.
const VIEWED: u64 = 7000;
/// Seeds from here on are run in a genuine database of SQL Server 2005.
const OLD: u64 = 9000;

/// What there is from the beginning for those seeds.
const VIEW_SETUP: &[&str] = &[
    "create table P (id int not null primary key, k int not null, name varchar(900) not null)",
    "create table Q (id int not null primary key, p int not null, k int not null, amount decimal(9, 2) not null, index by_p (p))",
    "insert P select n, n % 7, concat('p', n) from S where n < 40",
    "insert Q select n, n % 40, n % 11, n * 0.25 from S where n < 300",
    "create view V1 with schemabinding as select P.k, count_big(*) as id, sum(Q.amount) as amount from dbo.Q join dbo.P on P.id = Q.p group by P.k",
    "create view V2 with schemabinding as select Q.id, Q.k, P.name from dbo.Q join dbo.P on P.id = Q.p where Q.k > 2",
];

/// The next batch of those seeds.
fn view_batch(random: &mut Random) -> String {
    let n = random.below(400);
    let part = 2 + random.below(20);
    let one = |random: &mut Random| {
        match random.below(9) {
        0 => format!(
            "insert Q select n + {}, (n + {n}) % 40, n % 11, n * 0.5 from S where n < {}",
            1000 + n * 100,
            1 + n % 120
        ),
        1 => format!("update Q set amount = amount + {n}, k = (k + 1) % 11 where id % {part} = 0"),
        2 => format!("update Q set p = (p + {n}) % 45 where id % {part} = 1"),
        3 => format!("delete Q where id % {part} = {}", n % part),
        4 => {
            format!("update P set k = (k + {n}) % 9, name = replicate('n', {}) where id % {part} = 0", 1 + n)
        }
        5 => format!("delete P where id = {}", n % 45),
        6 => "insert P select n, n % 7, concat('again ', n) from S where n < 45 and n not in (select id from P)"
            .to_owned(),
        7 => format!(
            "merge Q as t using (select n, (n + {n}) % 40 as p from S where n < {part}) as s on t.id = s.n
             when matched and s.n % 3 = 0 then delete when matched then update set p = s.p, amount = {n}
             when not matched then insert values (s.n, s.p, s.n % 11, 1);"
        ),
        // The second row has a key that is there.
        _ => format!("insert Q values ({}, 1, 5, 1), ({n}, 1, 5, 1)", 900_000 + n),
    }
    };
    match random.below(16) {
        0 => "create unique clustered index CV1 on V1 (k)".to_owned(),
        1 => "create unique clustered index CV2 on V2 (id)".to_owned(),
        2 => "create index IX_V2 on V2 (k) include (name)".to_owned(),
        3 => format!("drop index {}", random.one(&["CV1 on V1", "CV2 on V2", "IX_V2 on V2"])),
        4 => format!("alter index CV1 on V1 {}", random.one(&["rebuild", "disable"])),
        5 => "checkpoint".to_owned(),
        6 | 7 => {
            let mut text = "begin tran; ".to_owned();
            for _ in 0..2 + random.below(3) {
                let _ = write!(text, "{}; ", one(random));
            }
            text + random.one(&["commit", "rollback"])
        }
        _ => one(random),
    }
}

/// What indexed views keep; it is what their queries give.
fn view_state(world: &mut World, out: &mut Vec<String>) {
    let kept = world.fine(
        "select v.name, i.index_id, i.is_disabled from sys.views v join sys.indexes i on i.object_id = v.object_id order by v.name, i.index_id",
    );
    for view in ["V1", "V2"] {
        if !kept.iter().any(|k| k.contains(view) && k.contains("Int(1)") && k.contains("Bit(false)")) {
            continue;
        }
        let rows = world.fine(&format!("select * from {view} with (noexpand) order by 1"));
        let computed = world.fine(&format!("select * from {view} order by 1"));
        assert_eq!(rows, computed, "{view}");
        out.push(format!("{view}: {rows:?}"));
    }
    if kept.iter().any(|k| k.contains("V2") && k.contains("Int(2)"))
        && out.iter().any(|o| o.starts_with("V2"))
    {
        let read = world.fine("select count(*), sum(k) from V2 with (noexpand, index(IX_V2))");
        let whole = world.fine("select count(*), sum(k) from V2");
        assert_eq!(read, whole, "IX_V2");
    }
    out.extend(kept);
}

/// Tables, columns, indexes, and the rows as the table and each index has them.
fn state(world: &mut World) -> String {
    let mut out = world.fine(
        "select t.name, c.name, c.column_id, y.name, c.max_length, c.is_nullable from sys.tables t join sys.columns c on c.object_id = t.object_id
         join sys.types y on y.user_type_id = c.user_type_id order by t.name, c.column_id",
    );
    let indexes = world.fine(
        "select t.name, i.name, i.type, i.is_unique from sys.tables t join sys.indexes i on i.object_id = t.object_id order by t.name, i.index_id",
    );
    for table in world.fine("select name from sys.tables order by name") {
        let name = plain(&table);
        let mut rows = world.fine(&format!("select * from [{name}]"));
        rows.sort();
        let mut hash = 0u64;
        for row in &rows {
            for byte in row.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
            }
        }
        out.push(format!("{name}: {} rows, {hash:x}", rows.len()));
    }
    if world.fine("select name from sys.views").len() == 2 {
        view_state(world, &mut out);
    }
    out.extend(indexes.iter().cloned());
    out.extend(world.fine(
        "select t.name, p.index_id, p.partition_number, p.rows from sys.tables t join sys.partitions p on p.object_id = t.object_id
         where t.name <> 'S' order by t.name, p.index_id, p.partition_number",
    ));
    out.extend(
        world.fine("select boundary_id, cast(value as int) from sys.partition_range_values order by 1"),
    );
    out.extend(
        world.fine("select destination_id, data_space_id from sys.destination_data_spaces order by 1"),
    );
    for index in indexes {
        let parts: Vec<String> = index.split('|').map(plain).collect();
        let [table, name, ..] = parts.as_slice() else { continue };
        // S is what rows are made from.
        if name != "Null" && !["S", "P", "Q"].contains(&table.as_str()) {
            let sum = world.fine(&format!("select count(*), sum(convert(bigint, k)), sum(convert(bigint, id)) from [{table}] with (index([{name}]))"));
            out.push(format!("{table}.{name}: {sum:?}"));
        }
    }
    out.join("\n")
}

/// A name as a value shows it, without what is around it.
fn plain(shown: &str) -> String {
    let inner = shown.split('"').nth(1).unwrap_or(shown);
    inner.to_owned()
}

/// What ran, and how the database was after each statement.
struct Story {
    /// Changes of the disk when the statement was acknowledged, the state then, and the statement.
    states: Vec<(u64, String, String)>,
}

impl Story {
    fn run(world: &mut World, random: &mut Random, steps: usize, seed: u64) -> Story {
        let now = (world.disk.changes(), state(world), "nothing".to_owned());
        let mut states = vec![now];
        let mut refused = 0;
        for _ in 0..steps {
            let text = match seed {
                OLD.. => batch(random),
                VIEWED.. => view_batch(random),
                PARTITIONED.. => partition_batch(random),
                _ => batch(random),
            };
            let (_, errors) = world.run(&text);
            refused += usize::from(!errors.is_empty());
            for (number, _, message) in errors {
                assert!(!FAILURES.contains(&number), "{text}: {number} {message}");
                if std::env::var_os("HOLDFAST_CRASH_SEED").is_some() {
                    println!("{text}: {number} {message}");
                }
            }
            // Some errors end the batch with its transaction open.
            world.fine("if @@trancount > 0 rollback");
            states.push((world.disk.changes(), state(world), text));
        }
        // Names that are taken or not there; most statements must do something.
        assert!(refused + 8 < steps, "{refused} of {steps} statements were refused");
        Story { states }
    }

    /// The state of a database that a cut left.
    fn verify(&self, found: &str, at: u64) -> Result<(), String> {
        let acknowledged = self.states.iter().rposition(|s| s.0 <= at).unwrap_or(0);
        let last = (acknowledged + 1).min(self.states.len() - 1);
        if self.states[acknowledged..=last].iter().any(|s| s.1 == found) {
            return Ok(());
        }
        // SELECT INTO makes the table, then fills it, as two changes.
        let (_, before, _) = &self.states[acknowledged];
        let under_way = self.states[last].2.strip_prefix("select ").and_then(|t| t.split_once(" into "));
        if let Some(table) = under_way.and_then(|(_, rest)| rest.split(' ').next()) {
            let empty = format!("{table}: 0 rows, 0");
            let of_table = format!("String(\"{table}\")|");
            let others = found.lines().filter(|l| *l != empty && !l.starts_with(&of_table));
            if found.lines().any(|l| l == empty) && others.eq(before.lines()) {
                return Ok(());
            }
        }
        let (_, wanted, text) = &self.states[acknowledged];
        let differ: Vec<String> = wanted
            .lines()
            .filter(|l| !found.lines().any(|f| f == *l))
            .map(|l| format!("- {l}"))
            .chain(found.lines().filter(|l| !wanted.lines().any(|w| w == *l)).map(|l| format!("+ {l}")))
            .collect();
        Err(format!("after {text:?}, during {:?}:\n{}", self.states[last].2, differ.join("\n")))
    }
}

/// What no statement may meet here: failures of disk, log and recovery, no space, pages that cannot be read.
const FAILURES: &[i32] = &[596, 605, 823, 824, 825, 926, 945, 1105, 3314, 3414, 3624, 9001, 9002, 9004, 21];

/// How a seed is run.
#[derive(Clone, Copy)]
struct Plan {
    steps: usize,
    cuts: u64,
    check_every: u64,
}

/// Opens what a crash left and verifies it.
fn verified(
    disk: &SimulatedDisk,
    dir: tempfile::TempDir,
    story: &Story,
    at: u64,
    check: bool,
) -> Result<World, String> {
    let (mut world, said) = World::open(disk.clone(), dir);
    if !said.is_empty() {
        return Err(format!("does not open: {said:?}"));
    }
    world.fine("use D");
    story.verify(&state(&mut world), at)?;
    if check {
        let (_, errors) = world.run("dbcc checkdb (D) with no_infomsgs, extended_logical_checks");
        if !errors.is_empty() {
            return Err(format!("{errors:#?}"));
        }
    }
    Ok(world)
}

/// The genuine pubs of 2005 without its own tables; `None` without the corpus.
fn old_world() -> Option<World> {
    let files = holdfast_testkit::corpus();
    let of = |kind: &str| {
        files.iter().find(|f| f.column("kind") == kind && f.name().starts_with("611")).map(|f| f.read())
    };
    let mut world = World::of_files(&of("mdf")?, &of("ldf")?);
    world.fine("drop view titleview");
    let drops = [
        "select 'alter table ' + quotename(object_name(parent_object_id)) + ' drop constraint ' + quotename(name) from sys.foreign_keys",
        "select 'drop table ' + quotename(name) from sys.tables",
    ];
    for query in drops {
        for text in world.fine(query) {
            world.fine(&plain(&text));
        }
    }
    Some(world)
}

fn run(seed: u64, plan: Plan, only: Option<u64>) -> u64 {
    let mut random = Random::new(seed);
    let mut world = if seed >= OLD {
        let Some(world) = old_world() else { return 0 };
        world
    } else {
        World::new(
            "on (name = 'd', filename = 'd.mdf', size = 4MB, filegrowth = 1MB) log on (name = 'l', filename = 'l.ldf', size = 2MB, filegrowth = 1MB)",
        )
    };
    let values: Vec<String> = (0..1000).map(|n| format!("({n})")).collect();
    world
        .fine(&format!("create table S (n int not null primary key); insert S values {}", values.join(", ")));
    world.fine("insert S select n + 1000 from S");
    if (VIEWED..OLD).contains(&seed) {
        VIEW_SETUP.iter().for_each(|text| drop(world.fine(text)));
    } else if (PARTITIONED..VIEWED).contains(&seed) {
        let side = if seed.is_multiple_of(2) { "left" } else { "right" };
        world.fine(&format!("create partition function pf (int) as range {side} for values (300, 700)"));
        world.fine("create partition scheme ps as partition pf all to ([primary])");
    }
    world.fine("checkpoint");
    world.disk.record();
    let story = Story::run(&mut world, &mut random, plan.steps, seed);
    let mut replay = world.disk.replay().unwrap();
    let (first, last) = replay.range().into_inner();
    let World { mut dir, session, .. } = world;
    drop(session);
    let all = last - first + 1;
    let step = (all / plan.cuts).max(1);
    let mut at = only.map_or(first + mix(seed, 5) % step, |only| first + only);
    let mut cuts = 0;
    while at <= last {
        replay.go_to(at);
        let left = replay.crash(mix(seed, at));
        let check = at.is_multiple_of(plan.check_every);
        let result = verified(&left.crash(1), dir, &story, at, check).and_then(|world| {
            if !mix(seed, at).is_multiple_of(4) {
                return Ok(world);
            }
            // Recovery, cut at some moment, and what the next one makes of it.
            let World { dir, session, .. } = world;
            drop(session);
            let disk = left.crash(1);
            disk.record();
            let World { dir, session, .. } = verified(&disk, dir, &story, at, true)?;
            drop(session);
            let mut recovery = disk.replay().unwrap();
            let (first, last) = recovery.range().into_inner();
            recovery.go_to(first + mix(seed ^ 9, at) % (last - first + 1));
            cuts += 1;
            verified(&recovery.crash(mix(at, 3)), dir, &story, at, check)
                .map_err(|e| format!("recovery was cut: {e}"))
        });
        match result {
            Ok(World { dir: same, session, .. }) => {
                drop(session);
                dir = same;
            }
            Err(what) => {
                for (changes, _, text) in story.states.iter().filter(|_| only.is_some()) {
                    println!("{:>6} {text}", changes.saturating_sub(first));
                }
                panic!("HOLDFAST_CRASH_SEED={seed} HOLDFAST_CRASH_CUT={} of {all}: {what}", at - first)
            }
        }
        cuts += 1;
        if only.is_some() {
            break;
        }
        at += step;
    }
    println!("seed {seed}: {all} changes, {cuts} cuts");
    cuts
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Seeds and cuts that once failed.
const REGRESSIONS: &[(u64, u64)] = &[(1005, 1089)];

#[test]
fn definitions_survive_power_loss_at_any_change() {
    let plan = Plan { steps: 60, cuts: 12, check_every: 3 };
    if number("HOLDFAST_CRASH_SEED").or(number("HOLDFAST_CRASH_FROM")).is_some_and(|s| s >= PARTITIONED) {
        return;
    }
    if let Some(seed) = number("HOLDFAST_CRASH_SEED") {
        run(seed, Plan { cuts: u64::MAX, check_every: 1, ..plan }, number("HOLDFAST_CRASH_CUT"));
    } else if let Some(seeds) = number("HOLDFAST_CRASH_SEEDS") {
        let from = number("HOLDFAST_CRASH_FROM").unwrap_or(1000);
        for seed in from..from + seeds {
            run(seed, Plan { cuts: 40, ..plan }, None);
        }
    } else {
        for &(seed, cut) in REGRESSIONS {
            run(seed, Plan { cuts: u64::MAX, check_every: 1, ..plan }, Some(cut));
        }
        let cuts: u64 = (1..=3).map(|seed| run(seed, plan, None)).sum();
        println!("{cuts} cuts");
    }
}

/// Runs the seeds of a range that the environment asks for, or three of them.
fn seeds_from(first: u64, end: u64) {
    let plan = Plan { steps: 60, cuts: 12, check_every: 3 };
    let within = |seed: u64| (first..end).contains(&seed);
    match (number("HOLDFAST_CRASH_SEED"), number("HOLDFAST_CRASH_SEEDS"), number("HOLDFAST_CRASH_FROM")) {
        (Some(seed), _, _) if within(seed) => {
            run(seed, Plan { cuts: u64::MAX, check_every: 1, ..plan }, number("HOLDFAST_CRASH_CUT"));
        }
        (None, Some(seeds), Some(from)) if within(from) => {
            for seed in from..from + seeds {
                run(seed, Plan { cuts: 40, ..plan }, None);
            }
        }
        (None, None, _) => {
            let cuts: u64 = (first..first + 3).map(|seed| run(seed, plan, None)).sum();
            println!("{cuts} cuts");
        }
        // Seeds of other tests.
        _ => {}
    }
}

#[test]
fn partitions_survive_power_loss_at_any_change() {
    seeds_from(PARTITIONED, VIEWED);
}

#[test]
fn indexed_views_survive_power_loss_at_any_change() {
    seeds_from(VIEWED, OLD);
}

#[test]
fn definitions_in_a_database_of_2005_survive_power_loss_at_any_change() {
    seeds_from(OLD, u64::MAX);
}
