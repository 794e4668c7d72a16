//! Tables and indexes with ROW and PAGE compression: made, changed and rebuilt, beside the same rows uncompressed.

#[path = "common/answers.rs"]
mod answers;

use answers::{answers, check, session};
use holdfast_exec::procedure::InstanceSession;
use holdfast_generator::{backup, sample};

/// Every table answers the query (with its name for `@`) alike.
#[track_caller]
fn alike(s: &mut InstanceSession, tables: [&str; 3], query: &str) -> Vec<String> {
    let [plain, row, page] = tables.map(|t| answers(s, &query.replace('@', t)));
    assert!(!plain.is_empty() && !plain[0].starts_with('!'), "{query}: {plain:?}");
    assert_eq!(plain, row, "{query}");
    assert_eq!(plain, page, "{query}");
    plain
}

#[track_caller]
fn done(s: &mut InstanceSession, batch: &str) {
    let said = answers(s, batch);
    assert!(!said.iter().any(|a| a.starts_with('!')), "{batch}: {said:?}");
}

/// Pages with anchors and dictionaries: rows come in, change, grow, go, and their pages are split.
#[test]
fn rows_of_page_compressed_pages_are_changed() {
    let dir = tempfile::tempdir().unwrap();
    let bak = dir.path().join("c.bak");
    let database = sample::compressed(2_000).expect("builds");
    let out = backup::write(&database, Vec::new(), backup::Options::default(), &|_| ()).expect("writes");
    std::fs::write(&bak, out).unwrap();
    let s = &mut session(dir.path());
    done(s, &format!("restore database c from disk = '{}'", bak.display()));
    done(s, "use c");
    let tables = ["Plain", "ByRow", "ByPage"];
    for t in tables {
        for change in [
            "update @ set AVarChar = 'grown far beyond what it was ' + cast(ID as varchar(10)) where ID % 3 = 0",
            "update @ set ANVarChar = N'Ж ' + ANVarChar, ADecimal = -ADecimal, ABit = 1 - ABit where ID % 5 = 1",
            "delete @ where ID % 7 = 2",
            "set identity_insert @ on",
            "insert @ (ID, AVarChar, ANChar, AMoney) select ID + 5000, AVarChar, N'n', AMoney / 3 from @ where ID % 4 = 0",
            "insert @ (ID, AVarChar) select ID, 'again' from Plain where ID > 100000",
            "insert @ (ID, AVarChar, AFloat) values (2, replicate('v', 50), 1e-300), (9, '', 0), (16, NULL, NULL)",
            "set identity_insert @ off",
            "begin tran; update @ set AVarChar = replicate('x', 50); delete @ where ID < 900; rollback",
        ] {
            done(s, &change.replace('@', t));
        }
    }
    let all = alike(s, tables, "select * from @ order by ID");
    assert!(all.len() > 1_800, "{}", all.len());
    alike(s, tables, "select count(*), sum(cast(ID as bigint)), min(AVarChar), max(ANVarChar) from @");
    check(s, "dbcc checkdb (c) with no_infomsgs", &[]);
    done(
        s,
        "alter table Plain rebuild with (data_compression = page); alter table ByPage rebuild with (data_compression = none)",
    );
    assert_eq!(alike(s, tables, "select * from @ order by ID"), all);
    check(
        s,
        "select object_name(object_id), data_compression_desc, rows from sys.partitions where object_id > 100 and index_id < 2 and object_name(object_id) in ('Plain','ByRow','ByPage') order by 1",
        &[
            &format!("ByPage|NONE|{}", all.len()),
            &format!("ByRow|ROW|{}", all.len()),
            &format!("Plain|PAGE|{}", all.len()),
        ],
    );
    check(s, "dbcc checkdb (c) with no_infomsgs", &[]);
}

/// Heaps with forwarded rows, clustered indexes that are not unique, nonclustered and filtered indexes.
#[test]
fn tables_of_every_kind_are_made_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    done(s, "create database d");
    done(s, "use d");
    for (t, how) in [("n", "none"), ("r", "row"), ("p", "page")] {
        let with = format!("with (data_compression = {how})");
        done(s, &format!("create table {t} (x int, y varchar(200)) {with}"));
        done(s, &format!("create table c{t} (x int, y varchar(200), b bit, index c clustered (x) {with})"));
        done(
            s,
            &format!(
                "create table k{t} (id int identity primary key, a int, n nvarchar(60), m varchar(max)) {with}"
            ),
        );
        done(
            s,
            &format!(
                "create index i on k{t} (n, a) {with}; create unique index u on k{t} (a) where a is not null {with}"
            ),
        );
        done(
            s,
            &format!(
                "insert {t} select top 300 row_number() over (order by (select 1)), replicate('a', 9) from sys.all_columns"
            ),
        );
        done(s, &format!("insert c{t} select x % 9, y, x % 2 from {t}"));
        done(
            s,
            &format!(
                "insert k{t} select case when x % 5 > 0 then x end, N'Ünï' + cast(x % 30 as nvarchar(9)), replicate(cast('m' as varchar(max)), x * 40) from {t}"
            ),
        );
        for change in [
            "update {t} set y = replicate('b', 150) where x % 4 = 1",
            "update {t} set y = replicate('c', 190) where x % 8 = 1",
            "update {t} set y = 's' where x % 16 = 1",
            "delete {t} where x % 9 = 2",
            "update c{t} set y = replicate('d', 120) where x = 4",
            "update c{t} set x = x + 1, b = ~b where x in (2, 7)",
            "begin tran; delete c{t} where x < 5; update {t} set y = replicate('z', 200); insert c{t} values (3, 'gone', null); rollback",
            "update k{t} set n = n + N' Ж', a = -a where id % 3 = 0",
            "delete k{t} where id % 6 = 5",
            "create clustered index cx on {t} (y) with (data_compression = row); drop index cx on {t}",
        ] {
            done(s, &change.replace("{t}", t));
        }
    }
    let tables = ["n", "r", "p"];
    alike(s, tables, "select x, y from @ order by x, y");
    alike(s, tables, "select x, y, b from c@ order by x, y, b");
    alike(s, tables, "select id, a, n, len(m) from k@ order by id");
    alike(s, tables, "select n, a, id from k@ with (index (i)) where n > N'Ünï2' order by n, a, id");
    alike(s, tables, "select id from k@ where a = 76");
    alike(s, tables, "select count(*) from c@ where x = 3");
    check(s, "dbcc checkdb (d) with no_infomsgs", &[]);
    done(
        s,
        "alter index all on kn rebuild with (data_compression = page); alter table p rebuild with (data_compression = none); alter index i on kr rebuild with (data_compression = none, fillfactor = 70)",
    );
    alike(s, tables, "select x, y from @ order by x, y");
    alike(s, tables, "select n, a, id from k@ with (index (i)) order by n, a, id");
    check(
        s,
        "select i.name, p.data_compression, i.fill_factor from sys.partitions p join sys.indexes i on i.object_id = p.object_id and i.index_id = p.index_id where p.object_id in (object_id('kn'), object_id('kr')) and i.index_id > 1 order by object_name(p.object_id), i.name",
        &["i|2|0", "u|2|0", "i|0|70", "u|1|0"],
    );
    check(s, "dbcc checkdb (d) with no_infomsgs", &[]);
}

#[test]
fn alter_index_says_what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    done(s, "create database d");
    done(s, "use d");
    done(
        s,
        "create table t (a int constraint pk primary key, b int); create index i on t (b); insert t values (1, 2)",
    );
    check(
        s,
        "alter index i on t resume",
        &[
            "!10638:1:ALTER INDEX 'RESUME' failed. There is no pending resumable index operation for the index 'i' on 'dbo.t'.",
        ],
    );
    check(
        s,
        "alter index pk on t set (ignore_dup_key = on)",
        &[
            "!1979:1:Cannot use index option ignore_dup_key to alter index 'pk' as it enforces a primary or unique constraint.",
        ],
    );
    check(
        s,
        "alter index i on t set (allow_row_locks = off); select allow_row_locks, allow_page_locks from sys.indexes where name = 'i'",
        &["0|1"],
    );
    check(s, "alter index i on t disable; select is_disabled from sys.indexes where name = 'i'", &["1"]);
    check(
        s,
        "alter index i on t reorganize",
        &["!1973:1:Cannot perform the specified operation on disabled index 'i' on table 'dbo.t'."],
    );
    check(s, "alter index i on t rebuild; select a from t with (index (i)) where b = 2", &["1"]);
    check(
        s,
        "alter index i on t rebuild partition = 2",
        &[
            "!7722:1:Invalid partition number 2 specified for table 't', partition number can range from 1 to 1.",
        ],
    );
}
