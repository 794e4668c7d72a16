//! Partition functions, schemes and the tables on them.

#[path = "common/answers.rs"]
mod answers;

use answers::{answers, check, session};
use holdfast_exec::procedure::InstanceSession;

fn database(dir: &std::path::Path) -> InstanceSession {
    let mut s = session(dir);
    let said = answers(&mut s, "create database p");
    assert!(said.iter().all(|a| !a.starts_with('!')), "{said:?}");
    check(&mut s, "use p", &["#5701:Changed database context to 'p'."]);
    s
}

#[track_caller]
fn done(s: &mut InstanceSession, batch: &str) {
    let said = answers(s, batch);
    assert!(!said.iter().any(|a| a.starts_with('!')), "{batch}: {said:?}");
}

#[test]
fn functions_and_schemes_are_made_and_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut database(dir.path());
    done(s, "create partition function f (int) as range left for values (1, 100, 1000)");
    check(
        s,
        "select name, function_id, type, type_desc, fanout, boundary_value_on_right from sys.partition_functions
         select parameter_id, system_type_id, max_length, user_type_id from sys.partition_parameters
         select boundary_id, parameter_id, cast(value as int) from sys.partition_range_values order by 1",
        &["f|65536|R |RANGE|4|0", "1|56|4|56", "1|1|1", "2|1|100", "3|1|1000"],
    );
    check(
        s,
        "select $partition.f(1), $partition.f(2), p.$partition.f(100), $partition.f(1001), $partition.f(null), $partition.F('7')",
        &["1|2|2|4|1|2"],
    );
    check(
        s,
        "create partition function r (datetime) as range right for values ('20240101', '20230101', null)",
        &[
            "#7709:Warning: Range value list for partition function 'r' is not sorted by value. Mapping of partitions to filegroups during CREATE PARTITION SCHEME will use the sorted boundary values if the function 'r' is referenced in CREATE PARTITION SCHEME.",
        ],
    );
    check(
        s,
        "select $partition.r(null), $partition.r('20221231'), $partition.r('20230101'), $partition.r('20240101')",
        &["2|2|3|4"],
    );
    done(
        s,
        "create partition function c (varchar(10) collate Latin1_General_BIN) as range right for values ('M', 'a')",
    );
    check(s, "select $partition.c('L'), $partition.c('Z'), $partition.c('b')", &["1|2|3"]);
    for (batch, expected) in [
        (
            "create partition function f (int) as range for values (1)",
            "!2714:1:There is already an object named 'f' in the database.",
        ),
        (
            "create partition function g (text) as range for values ('a')",
            "!7704:1:The type 'text' is not valid for this operation.",
        ),
        (
            "create partition function g (varchar(max)) as range for values ('a')",
            "!7704:1:The type 'varchar' is not valid for this operation.",
        ),
        (
            "create partition function g (int) as range for values (1, 2, 1)",
            "!7708:1:Duplicate range boundary values are not allowed in partition function boundary values list. Partition boundary values at ordinal 1 and 3 are equal.",
        ),
        (
            "create partition function g (int) as range for values (1, 'x')",
            "!7705:1:Could not implicitly convert range values type specified at ordinal 2 to partition function parameter type.",
        ),
        (
            "create partition function g (varchar(3)) as range for values ('abcd')",
            "!7720:1:Data truncated when converting range values to the partition function parameter type. The range value at ordinal 1 requires data truncation.",
        ),
        ("select $partition.nothing(1)", "!208:1:Invalid object name 'nothing'."),
        (
            "create partition scheme s as partition nothing all to ([primary])",
            "!208:1:Invalid object name 'nothing'.",
        ),
        (
            "create partition scheme s as partition f to ([primary], [primary])",
            "!7707:1:The associated partition function 'f' generates more partitions than there are file groups mentioned in the scheme 's'.",
        ),
        (
            "create partition scheme s as partition f all to ([primary], [primary])",
            "!7723:1:Only a single filegroup can be specified while creating partition scheme using option ALL to specify all the filegroups.",
        ),
        (
            "create partition scheme s as partition f all to (nowhere)",
            "!1921:1:Invalid filegroup 'nowhere' specified.",
        ),
        (
            "drop partition scheme s",
            "!15151:1:Cannot drop the partition scheme 's', because it does not exist or you do not have permission.",
        ),
        (
            "drop partition function g",
            "!15151:1:Cannot drop the partition function 'g', because it does not exist or you do not have permission.",
        ),
        (
            "alter partition scheme s next used [primary]",
            "!15151:1:Cannot alter the partition scheme 's', because it does not exist or you do not have permission.",
        ),
    ] {
        check(s, batch, &[expected]);
    }
    done(s, "create partition scheme s as partition f all to ([primary])");
    done(s, "create partition scheme t as partition f to ([primary], [primary], [primary], [primary])");
    check(
        s,
        "create partition scheme u as partition f to ([primary], [primary], [primary], [primary], [primary], [primary])",
        &["#7713:1 filegroups specified after the next used filegroup are ignored."],
    );
    check(
        s,
        "select name, data_space_id, type, type_desc, function_id from sys.partition_schemes order by 2
         select name, data_space_id, type from sys.data_spaces order by 2
         select partition_scheme_id, count(*), min(data_space_id) from sys.destination_data_spaces group by partition_scheme_id order by 1
         select name from sys.filegroups",
        &[
            "s|65601|PS|PARTITION_SCHEME|65536",
            "t|65602|PS|PARTITION_SCHEME|65536",
            "u|65603|PS|PARTITION_SCHEME|65536",
            "PRIMARY|1|FG",
            "s|65601|PS",
            "t|65602|PS",
            "u|65603|PS",
            "65601|5|1",
            "65602|4|1",
            "65603|5|1",
            "PRIMARY",
        ],
    );
    check(
        s,
        "alter partition scheme t next used",
        &[
            "#7710:Warning: The partition scheme 't' does not have any next used filegroup. Partition scheme has not been changed.",
        ],
    );
    done(s, "alter partition scheme t next used [primary]; alter partition scheme s next used");
    check(
        s,
        "select partition_scheme_id, count(*) from sys.destination_data_spaces group by partition_scheme_id order by 1",
        &["65601|4", "65602|5", "65603|5"],
    );
    check(
        s,
        "drop partition function f",
        &["!7706:1:Partition function 'f' is being used by one or more partition schemes."],
    );
    check(
        s,
        "begin tran; drop partition scheme s; drop partition scheme t; drop partition scheme u; drop partition function f; rollback; select count(*) from sys.data_spaces",
        &["4"],
    );
    done(
        s,
        "drop partition scheme s; drop partition scheme t; drop partition scheme u; drop partition function f; drop partition function r; drop partition function c",
    );
    check(
        s,
        "select (select count(*) from sys.partition_functions), (select count(*) from sys.partition_range_values),
                (select count(*) from sys.partition_parameters), (select count(*) from sys.destination_data_spaces)",
        &["0|0|0|0"],
    );
}

/// Makes function `pf` (int, boundaries 100 to 400 by 100), scheme `ps`.
fn spread(s: &mut InstanceSession, side: &str) {
    done(s, &format!("create partition function pf (int) as range {side} for values (100, 200, 300, 400)"));
    done(s, "create partition scheme ps as partition pf all to ([primary])");
}

#[test]
fn tables_and_indexes_lie_on_schemes() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut database(dir.path());
    spread(s, "left");
    done(s, "create partition function pc (char(1)) as range right for values ('m')");
    done(s, "create partition scheme psc as partition pc all to ([primary])");
    for (batch, expected) in [
        (
            "create table t (a int, b int) on nowhere(a)",
            "!1921:1:Invalid partition scheme 'nowhere' specified.",
        ),
        (
            "create table t (a int, b int) on ps(c)",
            "!1911:1:Column name 'c' does not exist in the target table or view.",
        ),
        (
            "create table t (a int, b int) on ps",
            "!2726:1:Partition function 'pf' uses 1 columns which does not match with the number of partition columns used to partition the table or index.",
        ),
        (
            "create table t (a int, b int) on ps(a, b)",
            "!2726:1:Partition function 'pf' uses 1 columns which does not match with the number of partition columns used to partition the table or index.",
        ),
        (
            "create table t (a bigint, b int) on ps(a)",
            "!7726:1:Partition column 'a' has data type bigint which is different from the partition function 'pf' parameter data type int.",
        ),
        (
            "create table t (a char(1) collate Latin1_General_BIN) on psc(a)",
            "!7727:1:Collation of partition column 'a' does not match collation of corresponding parameter in partition function 'pc'.",
        ),
        (
            "create table t (a int, b as a + 1) on ps(b)",
            "!7724:1:Computed column cannot be used as a partition key if it is not persisted. Partition key column 'b' in table 't' is not persisted.",
        ),
    ] {
        check(s, batch, &[expected]);
    }
    check(
        s,
        "create table t (a int, b int constraint pk_t primary key) on ps(a)",
        &[
            "!1908:1:Column 'a' is partitioning column of the index 'pk_t'. Partition columns for a unique index must be a subset of the index key.",
            "!1750:1:Could not create constraint or index. See previous errors.",
        ],
    );
    done(s, "create table h (a int, b int) on ps(a)");
    done(s, "create table c (a int not null, b int not null, constraint pk_c primary key (b, a)) on ps(a)");
    done(s, "create table n (a int, b int, c varchar(10)); create clustered index cl on n(b) on ps(a)");
    done(
        s,
        "create index i on h(b); create index i on c(b); create index j on n(c); create unique index k on c(b) on [primary]",
    );
    check(
        s,
        "create unique index u on h(b)",
        &[
            "!1908:1:Column 'a' is partitioning column of the index 'u'. Partition columns for a unique index must be a subset of the index key.",
        ],
    );
    check(
        s,
        "select object_name(i.object_id), i.index_id, d.name from sys.indexes i join sys.data_spaces d on d.data_space_id = i.data_space_id
           where object_name(i.object_id) in ('h','c','n') order by 1, 2
         select object_name(object_id), index_id, index_column_id, column_id, key_ordinal, partition_ordinal, is_included_column
           from sys.index_columns where object_name(object_id) in ('h','c','n') order by 1, 2, 3",
        &[
            "c|1|ps", "c|2|ps", "c|3|PRIMARY", "h|0|ps", "h|2|ps", "n|1|ps", "n|2|ps",
            "c|1|1|1|2|1|0", "c|1|2|2|1|0|0", "c|2|1|2|1|0|0", "c|2|2|1|0|1|0", "c|3|1|2|1|0|0",
            "h|0|1|1|0|1|0", "h|2|1|2|1|0|0", "h|2|2|1|0|1|0",
            "n|1|1|2|1|0|0", "n|1|2|1|0|1|0", "n|2|1|3|1|0|0", "n|2|2|1|0|1|0",
        ],
    );
    for t in ["h", "c", "n"] {
        done(
            s,
            &format!(
                "insert {t} (a, b) values (1, 1), (100, 2), (101, 3), (250, 4), (400, 5), (401, 6), (1000, 7)"
            ),
        );
        check(
            s,
            &format!("select partition_number, rows from sys.partitions where object_id = object_id('{t}') and index_id < 2 order by 1
                      select partition_number, sum(row_count) from sys.dm_db_partition_stats where object_id = object_id('{t}') and index_id = 2 group by partition_number order by 1
                      select $partition.pf(a), count(*) from {t} group by $partition.pf(a) order by 1"),
            &["1|2", "2|1", "3|1", "4|1", "5|2", "1|2", "2|1", "3|1", "4|1", "5|2", "1|2", "2|1", "3|1", "4|1", "5|2"],
        );
    }
    check(
        s,
        "insert c values (7, 7)",
        &[
            "!2601:1:Cannot insert duplicate key row in object 'dbo.c' with unique index 'k'. The duplicate key value is (7).",
            "#3621:The statement has been terminated.",
        ],
    );
    check(
        s,
        "insert c values (1, 1)",
        &[
            "!2627:1:Violation of PRIMARY KEY constraint 'pk_c'. Cannot insert duplicate key in object 'dbo.c'. The duplicate key value is (1, 1).",
            "#3621:The statement has been terminated.",
        ],
    );
    // Keys of an index that is not partitioned change places across partitions.
    done(s, "update c set b = 8 - b");
    check(s, "select a, b from c with (index (k)) where b > 5 order by b", &["100|6", "1|7"]);
    check(
        s,
        "select b, a from c order by b desc",
        &["7|1", "6|100", "5|101", "4|250", "3|400", "2|401", "1|1000"],
    );
    check(
        s,
        "drop partition scheme ps",
        &["!7717:1:The partition scheme \"ps\" is currently being used to partition one or more tables."],
    );
    check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
    check(
        s,
        "alter table c drop constraint pk_c",
        &[
            "!40517:1:An index that is not partitioned on a partitioned heap is not supported yet by Holdfast.",
        ],
    );
    done(s, "drop index cl on n; drop table h; drop index k on c; alter table c drop constraint pk_c");
    check(
        s,
        "select i.type_desc, count(*) from sys.indexes i join sys.partitions p on p.object_id = i.object_id and p.index_id = i.index_id where object_name(i.object_id) in ('n', 'c') group by object_name(i.object_id), i.type_desc order by object_name(i.object_id), 1",
        &["HEAP|5", "NONCLUSTERED|5", "HEAP|5", "NONCLUSTERED|5"],
    );
    check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
}

/// A table without partitions and three with the same rows, in all forms, through the same changes.
#[test]
fn partitioned_tables_answer_as_others_do() {
    for side in ["left", "right"] {
        let dir = tempfile::tempdir().unwrap();
        let s = &mut database(dir.path());
        spread(s, side);
        let columns = "id int not null, p int null, k varchar(20), n money, big varchar(max)";
        done(
            s,
            &format!(
                "create table plain ({columns}, constraint pk primary key (id)); create index ik on plain(k) include (n)"
            ),
        );
        done(
            s,
            &format!(
                "create table heap ({columns}) on ps(p); create index ik on heap(k) include (n); create index ii on heap(id)"
            ),
        );
        done(
            s,
            &format!(
                "create table lead ({columns}) on ps(p); create clustered index c on lead(p, id); create index ik on lead(k) include (n); create index ii on lead(id)"
            ),
        );
        done(
            s,
            &format!(
                "create table late ({columns}) on ps(p); create clustered index c on late(id); create index ik on late(k) include (n); create unique index u on late(id) include (k) on [primary]"
            ),
        );
        let tables = ["plain", "heap", "lead", "late"];
        let changes = [
            "insert @ (id, p, k, n) select top 700 row_number() over (order by (select 1)), (row_number() over (order by (select 1)) * 7) % 520, 'k' + cast((row_number() over (order by (select 1)) * 13) % 97 as varchar(10)), 1.5 from sys.all_columns",
            "insert @ (id, p, k) values (1001, null, 'none'), (1002, 100, 'at'), (1003, 101, 'behind')",
            "update @ set big = replicate(cast('x' as varchar(max)), 9000 + id) where id % 50 = 0",
            "update @ set n = n + id where p between 90 and 310",
            "update @ set p = p + 100 where id % 3 = 0",
            "update @ set p = null where id % 41 = 0",
            "update @ set p = 450, k = 'moved' where p is null",
            "update @ set id = 3000 - id where id < 200",
            "delete @ where p > 300 and id % 5 = 0",
            "delete top (50) percent from @ where k like 'k1%' and id % 2 = 0 and id > 0 and 1 = 0",
            "merge @ t using (select id + 1 as id, id as p from plain where id between 500 and 520) s on t.id = s.id when matched and s.p % 2 = 0 then delete when matched then update set p = s.p % 500 when not matched then insert (id, p, k) values (s.id + 10000, s.p, 'new');",
            "begin tran; update @ set p = 500 - p; delete @ where id % 2 = 1; insert @ (id, p) values (-1, 5); rollback",
            "set transaction isolation level serializable; begin tran; update @ set n = 0 where p between 110 and 120; select count(*) from @ where p < 50; commit; set transaction isolation level read committed",
        ];
        let queries = [
            "select id, p, k, n, len(big), checksum(big) from @ order by id",
            "select count(*), sum(p), min(p), max(p), sum(n), count(big) from @",
            "select count(*), sum(id) from @ where p = 100",
            "select count(*), sum(id) from @ where p in (5, 100, 205, 399, 400, 401)",
            "select count(*), sum(id) from @ where p > 200 and p <= 300",
            "select count(*) from @ where p is null",
            "select count(*) from @ where p >= 400 or p < 20",
            "select top 20 k, id from @ where k >= 'k5' order by k, id",
            "select top 20 k, id from @ where k > 'k2' order by k desc, id desc",
            "select id from @ where id between 2900 and 2940 order by id desc",
            "select p, id from @ where p between 150 and 250 order by p, id",
            "select p, id from @ where p between 150 and 250 order by p desc, id desc",
            "declare @x int = 250; select count(*) from @ where p = @x or p = @x + 1",
            "select count(*) from @ a join @ b on a.id = b.id and a.p = b.p",
            "select k, count(*) from @ with (index (ik)) where k between 'k2' and 'k4' group by k order by k",
            "select count(*) from @ with (updlock) where p < 120",
        ];
        for change in changes {
            // The source of MERGE is as it was for all of them.
            for t in tables.iter().rev() {
                done(s, &change.replace('@', t));
            }
        }
        for q in queries {
            let q = |t: &str| q.replace("@x", "#x").replace('@', t).replace("#x", "@x");
            let plain = answers(s, &q("plain"));
            assert!(!plain.is_empty() && !plain[0].starts_with('!'), "{}: {plain:?}", q("plain"));
            for t in &tables[1..] {
                assert_eq!(answers(s, &q(t)), plain, "{side}: {}", q(t));
            }
        }
        check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
        for t in &tables[1..] {
            // What lies in a partition belongs there.
            check(
                s,
                &format!("select count(*) from (select partition_number, rows from sys.partitions where object_id = object_id('{t}') and index_id < 2
                          except select $partition.pf(p), count(*) from {t} group by $partition.pf(p)) x where x.rows > 0"),
                &["0"],
            );
            done(
                s,
                &format!(
                    "alter table {t} rebuild with (data_compression = row on partitions (1, 3 to 4), data_compression = page on partitions (5))"
                ),
            );
            done(s, &format!("alter index ik on {t} rebuild partition = 2 with (data_compression = page)"));
            check(
                s,
                &format!("select string_agg(cast(data_compression as varchar(1)), '') within group (order by partition_number) from sys.partitions where object_id = object_id('{t}') and index_id < 2
                          select string_agg(cast(data_compression as varchar(1)), '') within group (order by partition_number) from sys.partitions p join sys.indexes i on i.object_id = p.object_id and i.index_id = p.index_id where i.name = 'ik' and p.object_id = object_id('{t}')"),
                &["10112", "02000"],
            );
            assert_eq!(
                answers(s, &queries[0].replace('@', t)),
                answers(s, &queries[0].replace('@', "plain")),
                "{t}"
            );
        }
        check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
    }
}

/// Rows of each partition of a table's heap or clustered index, and of index `ik`.
#[track_caller]
fn counts(s: &mut InstanceSession, table: &str) -> String {
    let of = |filter: &str| {
        format!(
            "select string_agg(cast(p.rows as varchar(10)), ' ') within group (order by partition_number) from sys.partitions p join sys.indexes i on i.object_id = p.object_id and i.index_id = p.index_id where p.object_id = object_id('{table}') and {filter}"
        )
    };
    let base = answers(s, &of("i.index_id < 2"));
    let index = answers(s, &of("i.name = 'ik'"));
    assert!(index == ["NULL"] || index == base, "{table}: {base:?} {index:?}");
    base.join(" ")
}

#[test]
fn boundaries_come_and_go() {
    for side in ["left", "right"] {
        let dir = tempfile::tempdir().unwrap();
        let s = &mut database(dir.path());
        spread(s, side);
        done(s, "create table heap (id int, p int, big varchar(max)) on ps(p); create index ik on heap(id)");
        done(
            s,
            "create table tree (id int, p int not null, big varchar(max), constraint pk primary key (p, id)) on ps(p); create index ik on tree(id); create unique index u on tree(id) on [primary]",
        );
        for t in ["heap", "tree"] {
            done(
                s,
                &format!(
                    "insert {t} select n, n, replicate(cast('b' as varchar(max)), 20 * n) from (select row_number() over (order by (select 1)) n from sys.all_columns) x where n <= 500"
                ),
            );
        }
        let all = "select count(*), sum(id), sum(p), sum(len(big)), checksum_agg(checksum(big)) from ";
        let before = answers(s, &format!("{all} heap"));
        let start = if side == "left" { "100 100 100 100 100" } else { "99 100 100 100 101" };
        assert_eq!(counts(s, "heap"), start);
        for (batch, expected) in [
            (
                "alter partition function nothing() split range (1)",
                "!15151:1:Cannot alter the partition function 'nothing', because it does not exist or you do not have permission.",
            ),
            (
                "alter partition function pf() split range (200)",
                "!7721:1:Duplicate range boundary values are not allowed in partition function boundary values list. The boundary value being added is already present at ordinal 2 of the boundary value list.",
            ),
            (
                "alter partition function pf() merge range (201)",
                "!7715:1:The specified partition range value could not be found.",
            ),
            (
                "alter partition function pf() merge range ('x')",
                "!7705:1:Could not implicitly convert range values type specified at ordinal 1 to partition function parameter type.",
            ),
        ] {
            check(s, batch, &[expected]);
        }
        done(s, "begin tran; alter partition function pf() split range (250)");
        assert_eq!(
            counts(s, "tree"),
            if side == "left" { "100 100 50 50 100 100" } else { "99 100 50 50 100 101" }
        );
        check(
            s,
            "select count(*) from tree where p between 240 and 260; select count(*) from heap where p = 250; select $partition.pf(251); rollback",
            &["21", "1", "4"],
        );
        assert_eq!(counts(s, "tree"), start);
        done(s, "alter partition function pf() split range (250)");
        check(
            s,
            "alter partition function pf() split range (350)",
            &[
                "!7707:1:The associated partition function 'pf' generates more partitions than there are file groups mentioned in the scheme 'ps'.",
            ],
        );
        done(
            s,
            "alter partition scheme ps next used [primary]; alter partition function pf() split range (1000); alter partition scheme ps next used [primary]; declare @v int = 0; alter partition function pf() split range (@v)",
        );
        assert_eq!(
            counts(s, "heap"),
            if side == "left" { "0 100 100 50 50 100 100 0" } else { "0 99 100 50 50 100 101 0" }
        );
        assert_eq!(counts(s, "heap"), counts(s, "tree"));
        assert_eq!(answers(s, &format!("{all} heap")), before);
        assert_eq!(answers(s, &format!("{all} tree")), before);
        check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
        done(
            s,
            "alter partition function pf() merge range (200); alter partition function pf() merge range (400)",
        );
        assert_eq!(
            counts(s, "tree"),
            if side == "left" { "0 100 150 50 200 0" } else { "0 99 150 50 201 0" }
        );
        assert_eq!(counts(s, "heap"), counts(s, "tree"));
        check(
            s,
            "select string_agg(cast(cast(value as int) as varchar(10)), ' ') within group (order by boundary_id) from sys.partition_range_values
             select fanout from sys.partition_functions
             select count(*) from tree where p > 200 and p <= 300; select id from tree with (index (u)) where id = 250; select count(*) from heap where p in (1, 100, 250, 251, 500)",
            &["0 100 250 300 1000", "6", "100", "250", "5"],
        );
        assert_eq!(answers(s, &format!("{all} heap")), before);
        assert_eq!(answers(s, &format!("{all} tree")), before);
        check(
            s,
            "insert tree (id, p) values (250, 9)",
            &[
                "!2601:1:Cannot insert duplicate key row in object 'dbo.tree' with unique index 'u'. The duplicate key value is (250).",
                "#3621:The statement has been terminated.",
            ],
        );
        check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
        for v in [0, 100, 250, 300, 1000] {
            done(s, &format!("alter partition function pf() merge range ({v})"));
        }
        assert_eq!(counts(s, "tree"), "500");
        done(
            s,
            "alter partition scheme ps next used [primary]; alter partition function pf() split range (50); truncate table heap with (partitions (1)); delete tree where p < 40",
        );
        assert_eq!(answers(s, "select count(*) from heap"), [if side == "left" { "450" } else { "451" }]);
        check(
            s,
            "truncate table tree with (partitions (1 to 2))",
            &[
                "!40517:1:TRUNCATE of partitions of table 'dbo.tree', which has an index that is not partitioned is not supported yet by Holdfast.",
            ],
        );
        check(
            s,
            "truncate table heap with (partitions (3))",
            &[
                "!7722:1:Invalid partition number 3 specified for table 'heap', partition number can range from 1 to 2.",
            ],
        );
        check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
        done(s, "truncate table tree; insert tree (id, p) values (1, 1)");
        check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
    }
}

#[test]
fn partitions_are_switched() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut database(dir.path());
    spread(s, "right");
    done(
        s,
        "create table t (p int not null, id int not null, v varchar(max), constraint pk primary key (p, id)) on ps(p); create index ik on t(id)",
    );
    done(
        s,
        "insert t select n, n, replicate(cast('v' as varchar(max)), n * 30) from (select row_number() over (order by (select 1)) n from sys.all_columns) x where n <= 450",
    );
    done(
        s,
        "create table old (gone int, p int not null, id int not null, v varchar(max), constraint pk_old primary key (p, id)); alter table old drop column gone; create index whatever on old(id)",
    );
    done(
        s,
        "create table again (p int not null, id int not null, v varchar(max), constraint pk_again primary key (p, id)) on ps(p); create index ik on again(id)",
    );
    done(
        s,
        "create table bare (p int not null, id int not null, v varchar(max)); create table heap (p int not null, id int not null, v varchar(max)) on ps(p)",
    );
    for (batch, expected) in [
        (
            "alter table t switch to old",
            "!4911:1:Cannot specify a partitioned table without partition number in ALTER TABLE SWITCH statement. The table 'p.dbo.t' is partitioned.",
        ),
        (
            "alter table t switch partition 9 to old",
            "!4950:1:ALTER TABLE SWITCH statement failed because partition number 9 does not exist in table 'p.dbo.t'.",
        ),
        (
            "alter table t switch partition 1 to nothing",
            "!4902:1:Cannot find the object \"nothing\" because it does not exist or you do not have permissions.",
        ),
        (
            "alter table t switch partition 2 to t partition 3",
            "!4904:1:ALTER TABLE SWITCH statement failed. The specified partition 3 of target table 'p.dbo.t' must be empty.",
        ),
        (
            "alter table t switch partition 2 to again partition 3",
            "!4972:1:ALTER TABLE SWITCH statement failed. Check constraints or partition function of source table 'p.dbo.t' allows values that are not allowed by check constraints or partition function on target table 'p.dbo.again'.",
        ),
        (
            "alter table t switch partition 2 to bare",
            "!4913:1:ALTER TABLE SWITCH statement failed. The table 'p.dbo.t' has clustered index 'pk' while the table 'p.dbo.bare' does not have clustered index.",
        ),
        (
            "alter table bare switch to heap partition 2",
            "!4982:1:ALTER TABLE SWITCH statement failed. Check constraints of source table 'p.dbo.bare' allow values that are not allowed by range defined by partition 2 on target table 'p.dbo.heap'.",
        ),
    ] {
        check(s, batch, &[expected]);
    }
    done(
        s,
        "create table few (p int not null, id int not null); create table other (p int not null, id bigint not null, v varchar(max)); create table named (p int not null, ident int not null, v varchar(max)); create table nulls (p int, id int not null, v varchar(max))",
    );
    for (target, expected) in [
        (
            "few",
            "!4943:1:ALTER TABLE SWITCH statement failed because table 'p.dbo.bare' has 3 columns and table 'p.dbo.few' has 2 columns.",
        ),
        (
            "other",
            "!4944:1:ALTER TABLE SWITCH statement failed because column 'id' has data type int in source table 'p.dbo.bare' which is different from its type bigint in target table 'p.dbo.other'.",
        ),
        (
            "named",
            "!4942:1:ALTER TABLE SWITCH statement failed because column 'id' at ordinal 2 in table 'p.dbo.bare' has a different name than the column 'ident' at the same ordinal in table 'p.dbo.named'.",
        ),
        (
            "nulls",
            "!4985:1:ALTER TABLE SWITCH statement failed because column 'p' does not have the same nullability attribute in tables 'p.dbo.bare' and 'p.dbo.nulls'.",
        ),
    ] {
        check(s, &format!("alter table bare switch to {target}"), &[expected]);
    }
    let sums = |s: &mut InstanceSession, t: &str| {
        answers(s, &format!("select count(*), sum(id), sum(len(v)) from {t}"))
    };
    let before = sums(s, "t");
    done(s, "begin tran; alter table t switch partition 2 to old");
    check(
        s,
        "select count(*), min(p), max(id) from old; select count(*) from t; select count(*) from t where p = 150; select id from old with (index (whatever)) where id = 150; rollback",
        &["100|100|199", "350", "0", "150"],
    );
    assert_eq!((sums(s, "t"), sums(s, "old")), (before.clone(), vec!["0|NULL|NULL".to_owned()]));
    done(s, "alter table t switch partition 2 to old");
    check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
    // What came and what was left behind are tables like others.
    done(
        s,
        "update old set v = v + 'x', id = id + 1000 where p % 2 = 0; delete old where p = 101; insert old (p, id) values (101, 101); insert t (p, id, v) values (150, 5000, 'new'); delete t where p = 150",
    );
    check(
        s,
        "alter table old switch to t partition 2",
        &[
            "!4982:1:ALTER TABLE SWITCH statement failed. Check constraints of source table 'p.dbo.old' allow values that are not allowed by range defined by partition 2 on target table 'p.dbo.t'.",
        ],
    );
    done(s, "alter table old with nocheck add constraint c check (p >= 100 and p < 200)");
    check(
        s,
        "alter table old switch to t partition 2",
        &[
            "!4982:1:ALTER TABLE SWITCH statement failed. Check constraints of source table 'p.dbo.old' allow values that are not allowed by range defined by partition 2 on target table 'p.dbo.t'.",
        ],
    );
    done(s, "alter table old with check check constraint c");
    check(
        s,
        "alter table old switch partition 1 to t partition 2",
        &[
            "#4903:Warning: The specified partition 1 for the table 'p.dbo.old' was ignored in ALTER TABLE SWITCH statement because the table is not partitioned.",
        ],
    );
    check(
        s,
        "select count(*) from old; select count(*), count(distinct id) from t; select count(*) from t with (index (ik)) where id > 1000; select count(*) from t where p between 100 and 199",
        &["0", "450|450", "50", "100"],
    );
    done(
        s,
        "alter table t switch partition 4 to again partition 4; alter table t switch partition $partition.pf(450) to again partition 5",
    );
    check(s, "select count(*), min(p), max(p) from again; select count(*) from t", &["151|300|450", "299"]);
    check(
        s,
        "alter table bare with check add check (p between 100 and 199); alter table bare add constraint nn check (v <> 'no'); insert bare values (100, 1, 'yes'); alter table bare switch to heap partition 2; select p, $partition.pf(p) from heap; select count(*) from bare",
        &["100|2", "0"],
    );
    done(s, "alter table heap with check add constraint hc check (id > 0)");
    check(
        s,
        "alter table bare switch to heap partition 2",
        &[
            "!4904:1:ALTER TABLE SWITCH statement failed. The specified partition 2 of target table 'p.dbo.heap' must be empty.",
        ],
    );
    check(
        s,
        "truncate table heap; alter table bare switch to heap partition 2",
        &[
            "!4970:1:ALTER TABLE SWITCH statement failed. Target table 'p.dbo.heap' has a table level check constraint 'hc' but the source table 'p.dbo.bare' does not have a corresponding constraint.",
        ],
    );
    check(
        s,
        "create table child (p int, id int, constraint fk_child foreign key (p, id) references t(p, id)); alter table t switch partition 1 to old",
        &[
            "!4967:1:ALTER TABLE SWITCH statement failed. SWITCH is not allowed because source table 'p.dbo.t' contains primary key for constraint 'fk_child'.",
        ],
    );
    check(
        s,
        "drop table child; alter table old rebuild with (data_compression = page); alter table t switch partition 1 to old",
        &[
            "!11406:1:ALTER TABLE SWITCH statement failed. Source and target partitions have different values for the DATA_COMPRESSION option.",
        ],
    );
    check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
}

/// Partitions after a restart, under row versions and under the locks of others.
#[test]
fn partitions_survive_and_are_shared() {
    let dir = tempfile::tempdir().unwrap();
    let mut s = database(dir.path());
    spread(&mut s, "right");
    done(
        &mut s,
        "create table t (p int not null, id int not null identity, v varchar(100), constraint pk primary key (p, id)) on ps(p); create index ik on t(v); create table h (p int, v int) on ps(p); create unique index u on t(id) on [primary]",
    );
    done(
        &mut s,
        "insert t (p, v) select n, 'v' + cast(n as varchar(10)) from (select row_number() over (order by (select 1)) n from sys.all_columns) x where n <= 450; insert h select p, id from t",
    );
    done(
        &mut s,
        "create table empty (p int not null, id int not null identity, v varchar(100), constraint pk_empty primary key (p, id)); create index ik on empty(v)",
    );
    done(
        &mut s,
        "drop index u on t; alter table t switch partition 3 to empty; alter partition function pf() merge range (100)",
    );
    drop(s);
    let s = &mut session(dir.path());
    done(s, "use p");
    check(
        s,
        "select count(*), sum(p) from t; select count(*), sum(p) from h; select count(*), min(p), max(p) from empty; select $partition.pf(p), count(*) from t group by $partition.pf(p) order by 1",
        &["350|76525", "450|101475", "100|200|299", "1|199", "3|100", "4|51"],
    );
    check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
    done(
        s,
        "update t set p = p + 200 where p < 150; insert t (p, v) values (5, 'five'); update h set p = null where p = 7",
    );
    check(
        s,
        "select count(*) from t where p >= 300; select sign(@@identity - 450); select count(*) from h where p is null",
        &["201", "1", "1"],
    );
    done(s, "alter database p set allow_snapshot_isolation on");
    done(s, "set transaction isolation level snapshot; begin tran");
    check(
        s,
        "select count(*), sum(p) from t; select count(*) from h where p between 90 and 110",
        &["351|106330", "21"],
    );
    check(
        s,
        "update t set p = 450 where p = 5; select count(*), sum(p) from t; select v from t where v = 'five'; rollback; set transaction isolation level read committed",
        &["351|106775", "five"],
    );
    check(s, "dbcc checkdb (p) with no_infomsgs", &[]);
}

/// Rows of a partition are locked whichever index leads to them, and those of other partitions are not.
#[test]
fn locks_are_those_of_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = answers::sessions(dir.path());
    let (a, b) = (&mut answers::open(&sessions), &mut answers::open(&sessions));
    done(a, "create database p");
    done(a, "use p");
    spread(a, "right");
    done(
        a,
        "create table t (p int not null, id int not null, v int, constraint pk primary key (p, id)) on ps(p); create index ik on t(v); create unique index u on t(id) on [primary]",
    );
    done(a, "create table h (p int not null, id int not null) on ps(p)");
    done(
        a,
        "insert t select n, n, n from (select row_number() over (order by (select 1)) n from sys.all_columns) x where n <= 450; insert h select p, id from t",
    );
    done(b, "use p; set lock_timeout 50");
    let waits = ["!1222:1:Lock request time out period exceeded."];
    done(
        a,
        "begin tran; update t set v = -1 where p = 150; update h set id = -1 where p = 150; update t set p = 60 where p = 350",
    );
    for (query, expected) in [
        ("select count(*) from t where p = 151", Some("1")),
        ("select count(*) from t where p between 200 and 299", Some("100")),
        ("select count(*) from h where p >= 200", Some("251")),
        ("select count(*) from t where p between 100 and 199", None),
        ("select count(*) from t", None),
        ("select count(*) from h where p = 160", None),
        ("select v from t with (index (u)) where id = 151", Some("151")),
        ("select v from t with (index (u)) where id = 150", None),
        ("select v from t with (index (ik)) where v = 350", None),
        ("select id from t where p = 60 and id = 350", None),
        ("select count(*) from t with (nolock)", Some("450")),
        ("select count(*) from t with (readpast) where p between 100 and 199", Some("99")),
    ] {
        let found = answers(b, query);
        match expected {
            Some(value) => assert_eq!(found, [value], "{query}"),
            None => assert_eq!(found, waits, "{query}"),
        }
    }
    check(
        b,
        "insert t values (1, 350, 1)",
        &["!1222:1:Lock request time out period exceeded.", "#3621:The statement has been terminated."],
    );
    done(a, "rollback");
    done(b, "insert t values (500, 500, 500)");
    // Nothing comes into a range that was read, in whichever partition.
    done(
        a,
        "set transaction isolation level serializable; begin tran; select count(*) from t where p between 90 and 110; select count(*) from t with (index (ik)) where v between 1000 and 2000",
    );
    let stopped =
        ["!1222:1:Lock request time out period exceeded.", "#3621:The statement has been terminated."];
    check(b, "insert t values (95, 1001, 1)", &stopped);
    check(b, "insert t values (105, 1002, 1)", &stopped);
    check(b, "update t set p = 100 where p = 300", &stopped);
    check(b, "insert t values (350, 1003, 1500)", &stopped);
    done(b, "insert t values (350, 1004, 1)");
    done(a, "commit");
    done(b, "insert t values (95, 1001, 1500)");
    check(a, "dbcc checkdb (p) with no_infomsgs", &[]);
}

/// What is placed by a function waits for whoever changes that, and sees what became of it.
#[test]
fn functions_are_held_by_what_they_place() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = answers::sessions(dir.path());
    let (a, b) = (&mut answers::open(&sessions), &mut answers::open(&sessions));
    done(
        a,
        "create database p; use p; create partition function f(int) as range right for values (10); create partition scheme sf as partition f all to ([primary])",
    );
    done(b, "use p; set lock_timeout 50");
    for end in ["rollback", "commit"] {
        done(
            a,
            "begin tran; alter partition scheme sf next used [primary]; alter partition function f() split range (20)",
        );
        let waits = ["!1222:1:Lock request time out period exceeded."];
        for batch in [
            "create table t (p int not null) on sf(p)",
            "create partition scheme other as partition f all to ([primary])",
            "alter partition function f() split range (30)",
            "drop partition scheme sf",
        ] {
            let found = answers(b, batch);
            assert_eq!(found.first().map(String::as_str), Some(waits[0]), "{batch}");
        }
        // Waits, and then places by what is there.
        let waiting = std::thread::scope(|scope| {
            let made = scope.spawn(|| {
                answers(
                    b,
                    "set lock_timeout -1; create table t (p int not null) on sf(p); set lock_timeout 50",
                )
            });
            std::thread::sleep(std::time::Duration::from_millis(200));
            done(a, end);
            made.join().unwrap()
        });
        assert!(waiting.is_empty(), "{waiting:?}");
        let partitions = if end == "commit" { "3" } else { "2" };
        check(
            b,
            "insert t values (5), (15), (25); select count(*) from sys.partitions where object_id = object_id('t'); select count(distinct $partition.f(p)) from t",
            &[partitions, partitions],
        );
        done(b, "drop table t");
    }
    check(a, "dbcc checkdb (p) with no_infomsgs", &[]);
}

/// A constraint proves nothing by what it does not compare in the column's type, by NULL, or by what changes with time.
#[test]
fn what_a_constraint_does_not_prove_is_not_switched() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut database(dir.path());
    done(
        s,
        "create partition function f(int) as range right for values (10, 500); create partition scheme sf as partition f all to ([primary]); create table whole (p int not null, v varchar(10)) on sf(p); create table part (p int not null, v varchar(10))",
    );
    let refused = "!4982:1:ALTER TABLE SWITCH statement failed. Check constraints of source table 'p.dbo.part' allow values that are not allowed by range defined by partition 1 on target table 'p.dbo.whole'.";
    for check_of in ["p < 10.5", "p in (1, null)", "p = null", "p < datepart(year, getdate()) - 2100"] {
        done(s, &format!("alter table part add constraint c check ({check_of})"));
        check(s, "alter table part switch to whole partition 1", &[refused]);
        done(s, "alter table part drop constraint c");
    }
    for check_of in ["p < 10.0", "p < '10'", "p between 1 and 9", "p in (1, -2)", "p >= 1 and p < 10"] {
        done(
            s,
            &format!("insert part values (1, 'x'); alter table part add constraint c check ({check_of})"),
        );
        done(s, "alter table part switch to whole partition 1");
        check(
            s,
            "select p, $partition.f(p), v from whole; truncate table whole; alter table part drop constraint c",
            &["1|1|x"],
        );
    }
    // Keys that refer to the table itself, columns that no row holds.
    done(s, "create table tree (p int not null primary key, up int constraint fk_up references tree)");
    check(
        s,
        "create table tree2 (p int not null primary key, up int); alter table tree switch to tree2",
        &[
            "!4967:1:ALTER TABLE SWITCH statement failed. SWITCH is not allowed because source table 'p.dbo.tree' contains primary key for constraint 'fk_up'.",
        ],
    );
    check(
        s,
        "create table virtual (id int, a int, c as a % 500); create clustered index ci on virtual(id) on sf(c)",
        &[
            "!7724:1:Computed column cannot be used as a partition key if it is not persisted. Partition key column 'c' in table 'ci' is not persisted.",
        ],
    );
}
