//! Data definition as statements of a session: what it makes is there, goes back with its transaction, and is refused with the
//! server's numbers; install scripts run as they are.

use std::path::Path;
use std::sync::Arc;

use holdfast_base::world::SystemClock;
use holdfast_disk::RealDisk;
use holdfast_engine::check::check;
use holdfast_engine::instance::{Instance, InstanceOptions, StoredOpener};
use holdfast_exec::collect::Collected;
use holdfast_exec::host::Host;
use holdfast_exec::procedure::{InstanceAdministration, InstanceSession, InstanceSessions};
use holdfast_exec::session::{LoginInfo, SqlSession};
use holdfast_format::{MemoryPages, PageSource};
use holdfast_storage::PageCache;
use holdfast_types::Value;

struct World {
    instance: Arc<Instance>,
    session: InstanceSession,
}

fn open(dir: &Path) -> World {
    let opener = StoredOpener::new(Arc::new(RealDisk), PageCache::new(64 << 20));
    let instance =
        Instance::open(InstanceOptions::new(dir), Arc::new(opener), &mut |m| panic!("{m}")).unwrap();
    let host = Host::open(Arc::clone(&instance), Arc::new(SystemClock::new(0))).unwrap();
    let sessions = InstanceSessions::new(host, Arc::new(InstanceAdministration));
    let session = sessions.open_session(LoginInfo { login: "sa".into(), ..LoginInfo::default() }).unwrap();
    World { instance, session }
}

fn text(v: &Value) -> String {
    match v {
        Value::Null => "NULL".into(),
        Value::Bit(b) => i32::from(*b).to_string(),
        Value::TinyInt(n) => n.to_string(),
        Value::SmallInt(n) => n.to_string(),
        Value::Int(n) => n.to_string(),
        Value::BigInt(n) => n.to_string(),
        Value::String(s) => s.to_text(),
        other => format!("{other:?}"),
    }
}

impl World {
    /// Rows on one line each, then errors as `!number`.
    fn run(&mut self, batch: &str) -> Vec<String> {
        let mut sink = Collected::new();
        self.session.execute_batch(batch, &mut sink);
        let mut out: Vec<String> = sink
            .results
            .iter()
            .flat_map(|r| r.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")))
            .collect();
        out.extend(sink.errors().iter().map(|e| format!("!{}", e.number)));
        out
    }

    #[track_caller]
    fn check(&mut self, batch: &str, expected: &[&str]) {
        let found = self.run(batch);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, expected, "{batch}");
    }

    /// A script with GO lines.
    #[track_caller]
    fn script(&mut self, text: &str) {
        let mut batch = String::new();
        for line in text.lines().chain(["go"]) {
            if line.trim().eq_ignore_ascii_case("go") {
                let errors: Vec<String> =
                    self.run(&batch).into_iter().filter(|l| l.starts_with('!')).collect();
                assert!(errors.is_empty(), "{errors:?}: {batch}");
                batch.clear();
            } else {
                batch.push_str(line);
                batch.push_str("\r\n");
            }
        }
    }

    /// The structure of a database's pages.
    #[track_caller]
    fn sound(&self, name: &str) {
        let online = self.instance.online(name).unwrap();
        online.stored().unwrap().writing().unwrap().logged.checkpoint().unwrap();
        let data = online.properties().files.into_iter().find(|f| f.file_id == 1).unwrap();
        let pages = MemoryPages::from_file(&std::fs::read(data.path).unwrap());
        let source: Arc<dyn PageSource> = Arc::new(pages);
        let report = check(&source, &mut |_, _| {});
        let faults: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}

#[test]
fn tables_come_change_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let w = &mut open(dir.path());
    w.check("create database Shop", &[]);
    w.check("use Shop", &[]);
    w.check(
        "create table t(a int not null identity primary key, b varchar(20) default 'x', c nvarchar(max) null)",
        &[],
    );
    w.check(
        "insert t(b) values('hello'),('world'); insert t default values; select a, b from t",
        &["1|hello", "2|world", "3|x"],
    );
    w.check("create index ix on t(b) include(c); create unique index ux on t(b)", &[]);
    w.check("create unique index ux on t(b)", &["!1913"]);
    w.check("select a from t with(index(ix)) where b = 'world'", &["2"]);
    w.check("create table t(a int)", &["!2714"]);
    w.check("create table u(x int references t(a), y int check(y > 0), constraint uq unique(x, y))", &[]);
    w.check("insert u values(1, 5); select * from u", &["1|5"]);
    w.check("insert u values(9, 5)", &["!547"]);
    w.check("insert u values(1, -5)", &["!547"]);
    w.check("insert u values(1, 5)", &["!2627"]);
    w.check("drop table t", &["!3726"]);
    w.check("alter table t drop column b", &["!5074", "!5074", "!5074", "!4922"]);
    w.check("alter table t add d int not null", &["!4901"]);
    w.check(
        "alter table t add d int not null default 5, e varchar(10); select a, d, e from t",
        &["1|5|NULL", "2|5|NULL", "3|5|NULL"],
    );
    w.check(
        "alter table t alter column e varchar(50); alter table t alter column d bigint",
        &["!5074", "!4922"],
    );
    w.check(
        "insert t(b, e) values('y', 'longer than ten characters'); select e from t where b = 'y'",
        &["longer than ten characters"],
    );
    w.check("create table h(a int, b varchar(5), c int); insert h values(1, '7', 3), (2, '8', 4)", &[]);
    w.check(
        "alter table h alter column b int; alter table h drop column a; select * from h",
        &["7|3", "8|4"],
    );
    w.check("create clustered index cx on h(c desc); select * from h", &["8|4", "7|3"]);
    w.check("create clustered index cy on h(b)", &["!1902"]);
    w.check("drop index cx on h; alter table h alter column b int not null", &[]);
    w.check("alter table h add constraint pk_h primary key (b); select * from h", &["7|3", "8|4"]);
    w.check("alter table h drop constraint pk_h; alter table h drop constraint pk_h", &["!3728", "!3727"]);
    w.sound("Shop");
    w.check("drop table u, t, h; select count(*) from sys.tables", &["0"]);
    w.check("drop table t", &["!3701"]);
    w.check("drop table if exists t", &[]);
    w.sound("Shop");
}

#[test]
fn a_rollback_takes_definitions_back() {
    let dir = tempfile::tempdir().unwrap();
    let w = &mut open(dir.path());
    w.check("create database Shop", &[]);
    w.check("use Shop", &[]);
    w.check("create table k(a int identity primary key, b varchar(max)); insert k(b) values('q')", &[]);
    w.check(
        "begin tran; create table z(a int identity primary key, b varchar(10)); create index ix on z(b);
         insert z values('a'); drop table k; select name from sys.tables; rollback; select name from sys.tables;
         select a, b from k",
        &["z", "k", "1|q"],
    );
    w.check(
        "begin tran; alter table k add c int; save tran s; create table m(a int); rollback tran s; commit",
        &[],
    );
    w.check("select name from sys.tables; select * from k", &["k", "1|q|NULL"]);
    w.sound("Shop");
    // And after a restart.
    let instance = Arc::clone(&w.instance);
    drop(instance);
    let dir2 = dir;
    let w = &mut open(dir2.path());
    w.check("use Shop; select name from sys.tables; select * from k", &["k", "1|q|NULL"]);
}

#[test]
fn definitions_outlive_a_server_that_was_not_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let given = {
        let w = &mut open(dir.path());
        w.check("create database Shop", &[]);
        w.check("use Shop", &[]);
        w.check(
            "create sequence cached start with 1; create sequence plain start with 1 no cache; create sequence small as tinyint start with 1 cache 5",
            &[],
        );
        w.check("select next value for cached, next value for plain, next value for small", &["1|1|1"]);
        w.check("select next value for cached, next value for plain, next value for small", &["2|2|2"]);
        w.check(
            "create table src(id int identity primary key, b varchar(9)); insert src values('x'), ('y')",
            &[],
        );
        w.check("select * into made from src", &[]);
        w.check("create type dbo.Lines as table(id int primary key, b varchar(9) default 'q')", &[]);
        w.check(
            "exec sp_addextendedproperty 'about', 'a table', 'schema', 'dbo', 'table', 'made'; exec sp_rename 'made', 'renamed'",
            &[],
        );
        w.check("alter database Shop set trustworthy on, recursive_triggers on", &[]);
        // A transaction that has not ended.
        w.check("begin tran; create sequence late; alter sequence plain restart with 100; select next value for plain", &["100"]);
        w.run("select count(*) from sys.sequences")
    };
    assert_eq!(given, ["4"]);
    let w = &mut open(dir.path());
    w.check("use Shop; select name from sys.sequences order by name", &["cached", "plain", "small"]);
    // What was cached and not given is left out; nothing is given twice.
    w.check("select next value for cached, next value for plain, next value for small", &["51|3|6"]);
    w.check("insert renamed(b) values('z'); select id, b from renamed", &["1|x", "2|y", "3|z"]);
    w.check("declare @l dbo.Lines; insert @l(id) values(1); select * from @l", &["1|q"]);
    w.check(
        "select convert(varchar(20), value) from fn_listextendedproperty('about', 'schema', 'dbo', 'table', 'renamed', null, null)",
        &["a table"],
    );
    w.check(
        "select is_trustworthy_on, is_recursive_triggers_on from sys.databases where name = 'Shop'",
        &["1|1"],
    );
    w.sound("Shop");
}

#[test]
fn modules_types_and_principals() {
    let dir = tempfile::tempdir().unwrap();
    let w = &mut open(dir.path());
    w.check("create database Shop", &[]);
    w.check("use Shop", &[]);
    w.check("create table t(a int, b varchar(5)); insert t values(1, 'x')", &[]);
    w.check("create view v as select a, b as c from t", &[]);
    w.check(
        "select * from v; select name from sys.columns where object_id = object_id('v')",
        &["1|x", "a", "c"],
    );
    w.check("create view v as select 1 as a", &["!2714"]);
    w.check("create view w as select 1", &["!4511"]);
    w.check("alter view v as select b from t", &[]);
    w.check("select * from v", &["x"]);
    w.check("create procedure p @a int, @b int = 2 as select @a + @b", &[]);
    w.check("exec p 4", &["6"]);
    w.check("create or alter procedure p @a int as select @a * 10", &[]);
    w.check("exec p 4; drop procedure p, nothing", &["40", "!3701"]);
    w.check("create function f(@a int) returns int as begin return @a * 2 end", &[]);
    w.check("create function g(@a int) returns table as return select @a as x, a from t", &[]);
    w.check("select dbo.f(4); select * from g(3)", &["8", "3|1"]);
    w.check("create trigger tr on t after insert as insert t2 select a from inserted", &[]);
    w.check("create table t2(a int); insert t values(5, 'y'); select * from t2", &["5"]);
    w.check("disable trigger tr on t; insert t values(6, 'z'); select count(*) from t2", &["1"]);
    w.check("create schema s", &[]);
    w.check("create table s.z(a int); alter schema dbo transfer s.z; insert z values(1); drop schema s", &[]);
    w.check("create type dbo.flag from bit not null; create table fl(a flag); drop type flag", &["!3732"]);
    w.check(
        "select c.is_nullable, t.name from sys.columns c join sys.types t on t.user_type_id = c.user_type_id where object_id = object_id('fl')",
        &["0|flag"],
    );
    w.check("exec sp_addtype code, 'varchar(11)', 'NOT NULL'; create table co(c code); drop table co; exec sp_droptype code", &[]);
    w.check("create synonym sy for dbo.t; select count(*) from sy", &["3"]);
    w.check(
        "create user u without login; create role r; alter role r add member u; drop role r",
        &["!15144"],
    );
    w.check(
        "grant select, update(a) on t to r; deny insert on schema::dbo to u; revoke select on t from r",
        &[],
    );
    w.check(
        "select permission_name, state_desc, minor_id from sys.database_permissions
         where grantee_principal_id in (user_id('u'), user_id('r')) order by 1",
        &["CONNECT|GRANT|0", "INSERT|DENY|0", "UPDATE|GRANT|1"],
    );
    w.check("alter role r drop member u; drop role r; drop user u", &[]);
    w.sound("Shop");
}

#[test]
fn northwind_installs_unmodified() {
    let Some(corpus) = holdfast_testkit::corpus_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let w = &mut open(dir.path());
    w.check("create database Northwind", &[]);
    w.check("use Northwind", &[]);
    let bytes = std::fs::read(corpus.join("ground_truth/instnwnd.sql")).unwrap();
    // Each statement waits for the disk; one transaction around a batch is the client's choice.
    w.script(&String::from_utf8_lossy(&bytes));
    w.check(
        "select count(*) from Orders; select count(*) from [Order Details]; select count(*) from Invoices",
        &["830", "2155", "2155"],
    );
    w.check(
        "select count(*) from sys.foreign_keys; select count(*) from sys.check_constraints",
        &["13", "8"],
    );
    w.sound("Northwind");
}

#[test]
fn pubs_installs_unmodified() {
    let Some(corpus) = holdfast_testkit::corpus_dir() else { return };
    let dir = tempfile::tempdir().unwrap();
    let w = &mut open(dir.path());
    let bytes = std::fs::read(corpus.join("ground_truth/instpubs.sql")).unwrap();
    w.script(&String::from_utf8_lossy(&bytes));
    w.check("select count(*) from pubs.dbo.roysched; select count(*) from pubs.dbo.titleview", &["86", "25"]);
    w.check("select recovery_model_desc from sys.databases where name = 'pubs'", &["SIMPLE"]);
    // Names and ids are those of a genuine database made with the same script.
    w.check(
        "use pubs; select name, object_id from sys.objects where name in ('authors', 'CK__authors__au_id__108B795B', 'titleview')
         order by object_id",
        &["authors|245575913", "CK__authors__au_id__108B795B|277576027", "titleview|981578535"],
    );
    w.check(
        "select definition from sys.check_constraints where name = 'CK__jobs__max_lvl__2D27B809'",
        &["([max_lvl]<=(250))"],
    );
    w.sound("pubs");
}
