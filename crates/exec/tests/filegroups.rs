//! Files and filegroups that come to a database and leave it while it is open.

#[path = "common/answers.rs"]
mod answers;

#[path = "common/server.rs"]
mod server;

use answers::{answers, check, session};
use holdfast_exec::procedure::InstanceSession;

const FAILED: &str = "!5069:1:ALTER DATABASE statement failed.";

#[track_caller]
fn done(s: &mut InstanceSession, batch: &str) {
    let said = answers(s, batch);
    assert!(!said.iter().any(|a| a.starts_with('!')), "{batch}: {said:?}");
}

#[test]
fn files_and_filegroups_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let (second, third) = (dir.path().join("second.ndf"), dir.path().join("third.ndf"));
    let s = &mut session(dir.path());
    done(s, "create database d");
    done(s, "use d");
    done(s, "alter database d add filegroup [Old Data]");
    check(
        s,
        "alter database d add filegroup [old data]",
        &[
            "!5035:1:Filegroup 'old data' already exists in this database. Specify a different name or remove the conflicting filegroup if it is empty.",
            FAILED,
        ],
    );
    done(s, "create table early (a int) on [Old Data]");
    check(
        s,
        "insert early values (1)",
        &[
            "!622:1:The filegroup \"Old Data\" has no files assigned to it. Tables, indexes, text columns, ntext columns, and image columns cannot be populated on this filegroup until a file is added.",
            "#3621:The statement has been terminated.",
        ],
    );
    check(
        s,
        "alter database d modify filegroup [Old Data] default",
        &[
            "!5050:1:Cannot change the properties of empty filegroup 'Old Data'. The filegroup must contain at least one file.",
            FAILED,
        ],
    );
    let add = |name: &str, path: &std::path::Path, more: &str| {
        format!(
            "alter database d add file (name = {name}, filename = '{}', size = 1MB{more}) to filegroup [Old Data]",
            path.display()
        )
    };
    done(s, &add("d2", &second, ", filegrowth = 1MB"));
    check(
        s,
        &add("d2", &third, ""),
        &["!1828:1:The logical file name \"d2\" is already in use. Choose a different name.", FAILED],
    );
    done(s, &add("d3", &third, ", filegrowth = 10%, maxsize = 20MB"));
    check(
        s,
        "select name, file_id, type, data_space_id, size, growth, is_percent_growth, max_size from sys.database_files where file_id > 2 order by file_id",
        &["d2|3|0|2|128|128|0|-1", "d3|4|0|2|128|10|1|2560"],
    );
    done(s, "alter database d modify filegroup [Old Data] default");
    check(
        s,
        "alter database d modify filegroup [Old Data] default",
        &["!5045:1:The filegroup already has the 'DEFAULT' property set.", FAILED],
    );
    check(s, "select name, is_default from sys.filegroups order by name", &["Old Data|1", "PRIMARY|0"]);
    // Both files get their share.
    done(
        s,
        "create table t (id int identity primary key, b char(3000)); insert t (b) select top 1000 'x' from sys.all_columns; insert early select 1",
    );
    check(s, "select count(*), sum(id) from t", &["1000|500500"]);
    check(
        s,
        "select count(*) from sys.dm_db_file_space_usage where file_id > 2 and allocated_extent_page_count > 64",
        &["2"],
    );
    check(s, "dbcc checkdb (d) with no_infomsgs", &[]);
    check(
        s,
        "alter database d remove file d3",
        &["!5042:1:The file 'd3' cannot be removed because it is not empty.", FAILED],
    );
    check(
        s,
        "alter database d remove file d",
        &["!5020:1:The primary data or log file cannot be removed from a database.", FAILED],
    );
    check(
        s,
        "alter database d remove file nothing",
        &[
            "!5009:1:One or more files listed in the statement could not be found or could not be initialized.",
            FAILED,
        ],
    );
    check(
        s,
        "alter database d remove filegroup [Old Data]",
        &["!5042:1:The filegroup 'Old Data' cannot be removed because it is not empty.", FAILED],
    );
    // What is there is found again.
    done(s, "use master; alter database d set offline; alter database d set online; use d");
    check(s, "select count(*), sum(id) from t", &["1000|500500"]);
    done(s, "drop table t; drop table early; alter database d modify filegroup [primary] default");
    check(s, "alter database d remove file d2", &["#0:The file 'd2' has been removed."]);
    check(s, "alter database d remove file d3", &["#0:The file 'd3' has been removed."]);
    assert!(!second.exists() && !third.exists());
    check(
        s,
        "alter database d remove filegroup [Old Data]",
        &["#0:The filegroup 'Old Data' has been removed."],
    );
    check(s, "select name from sys.filegroups; select count(*) from sys.database_files", &["PRIMARY", "2"]);
    done(s, "create table after_all (a int primary key); insert after_all values (1)");
    check(s, "dbcc checkdb (d) with no_infomsgs", &[]);
    done(s, "use master; alter database d set offline; alter database d set online");
    check(s, "select a from d.dbo.after_all", &["1"]);
}

#[test]
fn a_file_stays_while_recovery_may_meet_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = server::Server::new(dir.path());
    let (mut one, mut two) = (server.session("master"), server.session("master"));
    let (s, other) = (&mut one, &mut two);
    done(s, "create database d");
    done(s, "use d; create table here (a int)");
    done(other, "use d");
    let file = dir.path().join("more.ndf");
    done(s, "alter database d add filegroup g");
    let add = format!(
        "alter database d add file (name = f, filename = '{}', size = 1MB) to filegroup g",
        file.display()
    );
    done(s, &add);
    done(other, "begin transaction; insert here values (1)");
    done(s, "create table there (a int) on g; insert there values (1); drop table there");
    let refused = "!5042:1:The file 'f' cannot be removed because it is not empty.";
    check(s, "alter database d remove file f", &[refused, FAILED]);
    done(other, "commit");
    check(s, "alter database d remove file f", &["#0:The file 'f' has been removed."]);
    // Its number is given again, and what recovery meets is the new file's.
    done(s, &add);
    done(s, "create table there (a int) on g; insert there values (2)");
    done(s, "begin transaction");
    let text = "ALTER DATABASE statement not allowed within multi-statement transaction.";
    check(s, "alter database d remove file f", &[&format!("!226:1:{text}")]);
    done(s, "rollback; use master");
    done(other, "use master; alter database d set offline; alter database d set online");
    check(
        other,
        "select a from d.dbo.there; select a from d.dbo.here; dbcc checkdb (d) with no_infomsgs",
        &["2", "1"],
    );
    drop((one, two));
    assert!(server.locks.is_idle(), "locks are left after all sessions have gone");
}

#[test]
fn files_get_other_names_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name).display().to_string();
    let s = &mut session(dir.path());
    done(s, "create database d");
    done(s, "create table d.dbo.t (a int); insert d.dbo.t values (1), (2)");
    check(
        s,
        "alter database d modify file (name = d, newname = d_log)",
        &["!1828:1:The logical file name \"d_log\" is already in use. Choose a different name.", FAILED],
    );
    check(
        s,
        "alter database d modify file (name = d, newname = [A much longer name of the data file])",
        &["#0:The file name 'A much longer name of the data file' has been set."],
    );
    done(s, "alter database d modify file (name = d_log, newname = l, filegrowth = 2MB)");
    let names = "select name, growth from d.sys.database_files order by file_id";
    check(s, names, &["A much longer name of the data file|8192", "l|256"]);
    check(
        s,
        "alter database d modify file (name = nobody, filename = 'x')",
        &["!5041:1:MODIFY FILE failed. File 'nobody' does not exist.", FAILED],
    );
    // The place counts from the next opening on.
    let (data, log) = (place("moved.mdf"), place("moved.ldf"));
    let here = answers(s, "select physical_name from d.sys.database_files order by file_id");
    check(
        s,
        &format!("alter database d modify file (name = l, filename = '{log}')"),
        &[
            "#0:The file \"l\" has been modified in the system catalog. The new path will be used the next time the database is started.",
        ],
    );
    let listed = "select physical_name from sys.master_files where database_id = db_id('d') order by file_id";
    assert_eq!(answers(s, listed), [here[0].clone(), log.clone()]);
    assert_eq!(answers(s, "select physical_name from d.sys.database_files order by file_id"), here);
    done(s, "insert d.dbo.t values (3)");
    done(s, "alter database d set offline");
    done(
        s,
        &format!(
            "alter database d modify file (name = [A much longer name of the data file], filename = '{data}')"
        ),
    );
    // Not moved yet.
    let failed = answers(s, "alter database d set online");
    assert!(failed.iter().any(|a| a.starts_with("!")), "{failed:?}");
    std::fs::rename(&here[0], &data).unwrap();
    std::fs::rename(&here[1], &log).unwrap();
    done(s, "alter database d set online");
    check(s, "select count(*), sum(a) from d.dbo.t", &["3|6"]);
    assert_eq!(answers(s, listed), [data.clone(), log.clone()]);
    assert_eq!(
        answers(s, "select physical_name from d.sys.database_files order by file_id"),
        [data.clone(), log]
    );
    check(s, names, &["A much longer name of the data file|8192", "l|256"]);
    done(s, "use d; dbcc checkdb with no_infomsgs; use master");
    done(s, "drop database d");
    assert!(!std::path::Path::new(&data).exists());
    // A database that does not open leaves what lies where its file is said to be.
    let other = place("precious.txt");
    std::fs::write(&other, "precious").unwrap();
    done(s, "create database e");
    done(s, &format!("alter database e modify file (name = e, filename = '{other}')"));
    done(s, "alter database e set offline");
    assert!(answers(s, "alter database e set online").iter().any(|a| a.starts_with("!945:")));
    done(s, "drop database e");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
}
