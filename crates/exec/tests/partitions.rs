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
