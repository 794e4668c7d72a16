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
            "#1750:Could not create constraint or index. See previous errors.",
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
        &["!40517:1:An index that is not partitioned on a partitioned heap is not supported yet by Holdfast."],
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
