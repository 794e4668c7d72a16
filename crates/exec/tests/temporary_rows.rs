//! Tables outside databases that are much larger than the memory they may have: their answers, how much memory the process takes
//! meanwhile, and that all of it is given back.

use std::path::Path;
use std::sync::{Arc, Mutex};

use holdfast_base::world::SystemClock;
use holdfast_disk::RealDisk;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::{LoginInfo, SqlSession};
use holdfast_storage::PageCache;
use holdfast_types::Value;

struct World {
    host: Arc<Host>,
    session: InstanceSession,
}

impl World {
    fn new(dir: &Path) -> World {
        let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(16 << 20));
        let instance =
            Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| panic!("{m}")).unwrap();
        let host = Host::open(instance, Arc::new(SystemClock::new(0))).unwrap();
        let sessions = InstanceSessions::new(Arc::clone(&host), Arc::new(InstanceAdministration));
        let login = LoginInfo { login: "sa".into(), ..LoginInfo::default() };
        let session = sessions.open_session(login).unwrap();
        let mut world = World { host, session };
        world.run(
            "exec sp_configure 'show advanced options', 1; reconfigure;
             exec sp_configure 'max server memory', 128; reconfigure",
        );
        assert_eq!(world.host.temporary_rows.limit(), 32 << 20, "a quarter");
        world
    }

    fn run(&mut self, text: &str) -> Vec<Vec<Value>> {
        let mut sink = Collected::new();
        self.session.execute_batch(text, &mut sink);
        assert!(sink.errors().is_empty(), "{text}: {:?}", sink.errors());
        sink.results.into_iter().flat_map(|r| r.rows).collect()
    }

    fn numbers(&mut self, text: &str) -> Vec<i64> {
        let rows = self.run(text);
        let row = rows.last().unwrap_or_else(|| panic!("{text}: no row"));
        row.iter()
            .map(|v| match v {
                Value::Int(n) => i64::from(*n),
                Value::BigInt(n) => *n,
                other => panic!("{text}: {other:?}"),
            })
            .collect()
    }

    fn refused(&mut self, text: &str) -> i32 {
        let mut sink = Collected::new();
        self.session.execute_batch(text, &mut sink);
        sink.errors().first().unwrap_or_else(|| panic!("{text}: no error")).number
    }

    fn is_all_given_back(&self) {
        let pool = &self.host.temporary_rows;
        assert_eq!((pool.used(), pool.file_bytes()), (0, 0));
    }
}

/// A line of /proc/self/status in bytes; `None` where there is no such thing.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|l| l.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}

/// One test at a time: one of them looks at the memory of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

const ROWS: i64 = 1_000_000;

/// The rows take some 85 MB, and their indexes 45 MB.
#[test]
fn millions_of_rows_take_little_memory() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let dir = tempfile::tempdir().unwrap();
    let mut w = World::new(dir.path());
    // The peak from here on.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS:");
    let some = "cast(value as int) as id, value % 1000 as g, concat('the name of row number ', value, replicate('x', value % 90)) as name";
    w.run(&format!("select {some} into #t from generate_series(1, {ROWS})"));
    assert!(w.host.temporary_rows.file_bytes() > 60 << 20, "{}", w.host.temporary_rows.file_bytes());
    let sum = ROWS * (ROWS + 1) / 2;
    assert_eq!(w.numbers("select count_big(*), sum(cast(id as bigint)) from #t"), [ROWS, sum]);
    w.run("create unique index i on #t (id); create index g on #t (g desc)");
    assert_eq!(w.numbers("select g, len(name) from #t where id = 654321"), [321, 23 + 6 + 654_321 % 90]);
    assert_eq!(w.numbers("select count(*), min(id), max(id) from #t where g = 77"), [1000, 77, 999_077]);
    assert_eq!(w.numbers("select top 1 id from #t order by id desc"), [ROWS]);
    assert_eq!(w.refused("insert #t values (5, 5, 'again')"), 2601);
    w.run("begin tran; update #t set g = -1 where id % 3 = 0; delete #t where id % 5 = 0");
    assert_eq!(w.numbers("select count_big(*) from #t"), [ROWS - ROWS / 5]);
    assert_eq!(w.numbers("select count(*) from #t where g = -1"), [ROWS / 3 - ROWS / 15]);
    w.run("rollback");
    assert_eq!(w.numbers("select count_big(*), sum(cast(id as bigint)) from #t"), [ROWS, sum]);
    assert_eq!(w.numbers("select count(*) from #t where g = 77"), [1000]);
    assert_eq!(w.numbers("select count(*) from #t where g = -1"), [0]);
    // A statement that fails late leaves nothing.
    let used = w.host.temporary_rows.file_bytes();
    assert_eq!(w.refused("select id, 1 / (id - 950000) as x into #u from #t"), 8134);
    assert!(w.host.temporary_rows.file_bytes() <= used + (1 << 20));
    // The same rows once more, with a key, in a table variable, and joined.
    w.run("create table #k (id int primary key, name nvarchar(200)); insert #k select id, name from #t where id <= 500000");
    assert_eq!(
        w.numbers("select count(*), sum(cast(t.g as bigint)) from #k k join #t t on t.id = k.id where len(t.name) = len(k.name)"),
        [500_000, 500 * 999 * 500]
    );
    assert_eq!(
        w.numbers("declare @v table (id int, name nvarchar(200)); insert @v select id, name from #k; select count(*), max(id) from @v"),
        [500_000, 500_000]
    );
    // A cursor's copy, from both ends.
    let ends = w.numbers(
        "declare c cursor static for select id, name from #t order by id desc; open c;
         declare @a int, @b int, @n nvarchar(200); fetch last from c into @a, @n; fetch absolute 2 from c into @b, @n;
         close c; deallocate c; select @a, @b",
    );
    assert_eq!(ends, [1, ROWS - 1]);
    if let (Some(before), Some(peak)) = (before, status("VmHWM:")) {
        let more = peak.saturating_sub(before) >> 20;
        // The pool's 32 MB, the query's 32 MB, and what the allocator keeps of them.
        assert!(more < 150, "{more} MB");
    }
    w.run("drop table #t, #k");
    w.is_all_given_back();
}

#[test]
fn rows_of_triggers_and_output_take_little_memory() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let dir = tempfile::tempdir().unwrap();
    let mut w = World::new(dir.path());
    w.host.temporary_rows.set_limit(1 << 20);
    w.run("create database D");
    w.run("use D; create table T (id int not null, name varchar(100) not null); create table L (what char(3), n int, lo int, hi int)");
    w.run("insert T select value, concat('name ', value, replicate('y', value % 50)) from generate_series(1, 100000)");
    w.run(
        "create trigger U on T after update as insert L select 'upd', count(*), min(i.id), max(d.id) from inserted i join deleted d
             on i.id = d.id where i.name = d.name + '!' and update(name) and not update(id)",
    );
    w.run("create trigger X on T after delete as insert L select 'del', count(*), min(id), max(id) from deleted");
    w.run("update T set name = name + '!' where id > 100; update T set name = name + '!' where id < 0; delete T where id > 10");
    assert_eq!(
        w.numbers("select count(*), sum(n), min(lo), max(hi), sum(case n when 0 then 1 else 0 end) from L"),
        [3, 99_900 + 99_990, 11, 100_000, 1]
    );
    assert!(w.host.temporary_rows.written_bytes() > 5 << 20);
    // OUTPUT into a table, and to the client.
    w.run("drop trigger U; drop trigger X; insert T select value, 'z' from generate_series(11, 50000)");
    w.run("create table #gone (id int, old varchar(100), new varchar(100))");
    w.run(
        "update T set name = 'new' output inserted.id, deleted.name, inserted.name into #gone where id > 10",
    );
    assert_eq!(
        w.numbers("select count(*), min(id), max(id) from #gone where old = 'z' and new = 'new'"),
        [49_990, 11, 50_000]
    );
    let out = w.run("delete T output deleted.id where id > 10");
    assert_eq!(out.len(), 49_990);
    assert_eq!(w.numbers("select count(*) from T"), [10]);
    w.run("drop table #gone");
    // What triggers have seen stays with the session only while they run.
    w.is_all_given_back();
}

#[test]
fn a_session_that_ends_gives_its_tables_back() {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let dir = tempfile::tempdir().unwrap();
    let mut w = World::new(dir.path());
    w.host.temporary_rows.set_limit(1 << 20);
    w.run("select value as id, replicate('x', 100) as x into ##g from generate_series(1, 50000); select * into #t from ##g");
    w.run("begin tran; delete #t; insert #t select top 1000 * from ##g");
    assert!(w.host.temporary_rows.file_bytes() > 5 << 20);
    let World { host, session } = w;
    drop(session);
    let pool = &host.temporary_rows;
    assert_eq!((pool.used(), pool.file_bytes()), (0, 0));
}
