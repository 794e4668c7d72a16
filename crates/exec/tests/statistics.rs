//! Statistics as statements make, show and keep them, and the plans that follow from them.

#[path = "common/answers.rs"]
mod answers;

use answers::{answers, check, session};
use holdfast_exec::procedure::InstanceSession;

#[track_caller]
fn done(s: &mut InstanceSession, batch: &str) {
    let said = answers(s, batch);
    assert!(!said.iter().any(|a| a.starts_with('!')), "{batch}: {said:?}");
}

/// A table where 7 stands in every other row, NULL in each hundredth, and every other value once.
fn table(s: &mut InstanceSession) {
    done(s, "create database d");
    done(s, "use d");
    done(s, "create table t (id int identity primary key, a int null, b varchar(20), c date, x xml)");
    done(
        s,
        "insert t (a, b, c) select case when v % 100 = 0 then null when v % 2 = 0 then 7 else v end, \
         'name' + cast(v % 50 as varchar(9)), dateadd(day, v, '2020-01-01') \
         from (select cast(value as int) v from generate_series(1, 3000)) n",
    );
}

const PROPERTIES: &str = "select s.name, p.rows, p.rows_sampled, p.unfiltered_rows, p.modification_counter \
    from sys.stats s cross apply sys.dm_db_stats_properties(s.object_id, s.stats_id) p \
    where s.object_id = object_id('t') and s.name not like 'PK%' order by s.stats_id";

#[test]
fn statistics_are_made_shown_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    table(s);
    done(s, "create index ia on t (a) include (b)");
    done(s, "create statistics sb on t (b, a) with fullscan");
    done(s, "create statistics sf on t (c) where a = 7");
    check(s, PROPERTIES, &["ia|3000|3000|3000|0", "sb|3000|3000|3000|0", "sf|1471|1471|3000|0"]);
    check(
        s,
        "select name, has_filter, filter_definition, user_created, auto_created, no_recompute from sys.stats \
         where object_id = object_id('t') and stats_id > 2",
        &["sb|0|NULL|1|0|0", "sf|1|([a]=(7))|1|0|0"],
    );
    // NULL is a step, and so is what is frequent.
    check(
        s,
        "select convert(int, range_high_key), equal_rows, range_rows from \
         sys.dm_db_stats_histogram(object_id('t'), 2) where step_number < 3 or equal_rows > 1000",
        &["NULL|Real(30.0)|Real(0.0)", "1|Real(1.0)|Real(0.0)", "7|Real(1471.0)|Real(2.0)"],
    );
    check(
        s,
        "select case when count(*) between 100 and 200 then 'steps' end, sum(equal_rows + range_rows) \
         from sys.dm_db_stats_histogram(object_id('t'), 2)",
        &["steps|Float(3000.0)"],
    );
    check(
        s,
        "dbcc show_statistics ('t', 'sb') with density_vector, no_infomsgs",
        &["Real(0.02)|Real(5.8)|b", "Real(0.000655308)|Real(9.76)|b, a"],
    );
    let whole = answers(s, "dbcc show_statistics ('dbo.t', sb) with no_infomsgs");
    assert_eq!(whole.len(), 1 + 2 + 50, "{whole:?}");
    assert!(whole.iter().any(|r| r.starts_with("name49|Real(0.0)|Real(60.0)|0|Real(1.0)")), "{whole:?}");

    // Changes count for the columns that they touch.
    done(s, "update t set a = 8 where id <= 20");
    done(s, "delete t where id between 31 and 35");
    check(s, PROPERTIES, &["ia|3000|3000|3000|25", "sb|3000|3000|3000|5", "sf|1471|1471|3000|5"]);
    done(s, "update statistics t ia");
    check(s, PROPERTIES, &["ia|2995|2995|2995|0", "sb|3000|3000|3000|5", "sf|1471|1471|3000|5"]);
    done(s, "update statistics t with columns, norecompute");
    check(s, PROPERTIES, &["ia|2995|2995|2995|0", "sb|2995|2995|2995|0", "sf|1458|1458|2995|0"]);
    check(
        s,
        "select name, no_recompute from sys.stats where object_id = object_id('t') and stats_id > 1",
        &["ia|0", "sb|1", "sf|1"],
    );
    done(s, "truncate table t");
    done(s, "update statistics t");
    check(s, PROPERTIES, &["ia|NULL|NULL|NULL|NULL", "sb|NULL|NULL|NULL|NULL", "sf|NULL|NULL|NULL|NULL"]);
    done(s, "dbcc checkdb with no_infomsgs");
}

#[test]
fn what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    table(s);
    done(s, "create index ia on t (a)");
    done(s, "create statistics sb on t (b)");
    let refused = [
        ("create statistics sb on t (a)", "!1927:1:There are already statistics on table 't' named 'sb'."),
        ("create statistics ia on t (a)", "!1927:1:There are already statistics on table 't' named 'ia'."),
        ("create statistics s on t (x)", "!1978:1:"),
        ("create statistics s on t (a, a)", "!1909:1:"),
        ("create statistics s on t (nope)", "!1911:1:"),
        ("create statistics s on nope (a)", "!1088:"),
        ("create statistics s on t (a) with sample 101 percent", "!1031:"),
        ("create statistics s on t (a) with resample", "!155:"),
        ("create statistics s on t (a) with incremental = on", "!40517:"),
        ("update statistics nope", "!2706:"),
        ("update statistics t nope", "!2767:1:Could not locate statistics 'nope' in the system catalogs."),
        (
            "drop statistics t.ia",
            "!3739:1:Cannot DROP the index 't.ia' because it is not a statistics collection.",
        ),
        ("drop statistics t.nope", "!3701:1:"),
        ("dbcc show_statistics ('t', 'a')", "!2767:"),
        ("dbcc show_statistics ('nope', 'a')", "!2501:"),
    ];
    for (batch, expected) in refused {
        let said = answers(s, batch);
        assert!(said.first().is_some_and(|a| a.starts_with(expected)), "{batch}: {said:?}");
    }
    done(s, "drop statistics t.sb");
    check(s, "select count(*) from sys.stats where name = 'sb'", &["0"]);
}

#[test]
fn a_sample_says_how_many_rows_it_saw_and_is_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    done(s, "create database d");
    done(s, "use d");
    done(s, "create table t (n int, m int)");
    done(s, "insert t select value, value / 10 from generate_series(1, 40000)");
    done(s, "create statistics sm on t (m) with sample 50 percent");
    let sampled = "select case when p.rows_sampled between 14000 and 26000 then 'half' else 'other' end, p.rows \
        from sys.stats s cross apply sys.dm_db_stats_properties(s.object_id, s.stats_id) p where s.name = 'sm'";
    check(s, sampled, &["half|40000"]);
    done(s, "update statistics t with resample");
    check(s, sampled, &["half|40000"]);
    done(s, "update statistics t (sm) with fullscan");
    check(s, sampled, &["other|40000"]);
    // Changes go back with their transaction, and so do statistics.
    done(s, "begin tran update statistics t sm with sample 20000 rows");
    check(s, sampled, &["half|40000"]);
    done(s, "rollback");
    check(s, sampled, &["other|40000"]);
}

#[test]
fn counts_of_changes_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    {
        let s = &mut session(dir.path());
        table(s);
        done(s, "create index ia on t (a)");
        done(s, "update t set a = a + 1 where id <= 40");
        done(s, "checkpoint");
        done(s, "update t set a = a + 1 where id <= 2");
        check(s, PROPERTIES, &["ia|3000|3000|3000|42"]);
        done(s, "checkpoint");
    }
    let s = &mut session(dir.path());
    done(s, "use d");
    check(s, PROPERTIES, &["ia|3000|3000|3000|42"]);
    done(s, "delete t where id = 1");
    check(s, PROPERTIES, &["ia|3000|3000|3000|43"]);
    done(s, "dbcc checkdb with no_infomsgs");
}

#[test]
fn only_what_changed_is_updated_by_sp_updatestats() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    table(s);
    done(s, "create index ia on t (a)");
    done(s, "create statistics sb on t (b)");
    done(s, "update t set b = 'other' where id = 1");
    done(s, "exec sp_updatestats");
    check(s, PROPERTIES, &["ia|3000|3000|3000|0", "sb|3000|3000|3000|0"]);
    check(s, "exec sp_helpstats 't'", &["sb|b"]);
    done(s, "exec sp_autostats 't', 'OFF', 'sb'");
    check(s, "select name from sys.stats where no_recompute = 1", &["sb"]);
    check(s, "exec sp_updatestats 'nonsense'", &["!14138:6:nonsense is an invalid option."]);
}

fn plan(s: &mut InstanceSession, query: &str) -> String {
    done(s, "set showplan_text on");
    let said = answers(s, query).join("\n");
    done(s, "set showplan_text off");
    said
}

#[test]
fn plans_follow_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    table(s);
    done(s, "create index ia on t (a)");
    let seeks = |plan: &str| plan.contains("Index Seek") && plan.contains("[ia]");
    // A value that is rare is looked for, the one that every other row has is not.
    let rare = plan(s, "select b from t where a = 1001");
    let frequent = plan(s, "select b from t where a = 7");
    assert!(seeks(&rare), "{rare}");
    assert!(!seeks(&frequent), "{frequent}");
    // A narrow range is, a wide one is not.
    let narrow = plan(s, "select b from t where a between 1001 and 1011");
    let wide = plan(s, "select b from t where a between 101 and 2001");
    assert!(seeks(&narrow), "{narrow}");
    assert!(!seeks(&wide), "{wide}");
    // NULLs are many, then few.
    done(s, "update t set a = null where id % 3 = 0");
    done(s, "update statistics t");
    let null = plan(s, "select b from t where a is null");
    assert!(!seeks(&null), "{null}");
    done(s, "update t set a = id where a is null and id > 9");
    done(s, "update statistics t");
    let null = plan(s, "select b from t where a is null");
    assert!(seeks(&null), "{null}");
    // The data change, and with the statistics the plan does.
    done(s, "update t set a = 1001 where a = 7");
    done(s, "update statistics t");
    let rare = plan(s, "select b from t where a = 7");
    let frequent = plan(s, "select b from t where a = 1001");
    assert!(seeks(&rare), "{rare}");
    assert!(!seeks(&frequent), "{frequent}");
}

#[test]
fn filtered_indexes_serve_queries_that_ask_for_their_rows_only() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    table(s);
    done(s, "create index fa on t (c) include (a) where a = 7");
    done(s, "create index fb on t (b) where a > 2900 and b is not null");
    let uses = |plan: &str, index: &str| plan.contains(&format!("[{index}]"));
    let narrow = "select c from t where a = 7 and c = '2020-02-02'";
    assert!(uses(&plan(s, narrow), "fa"), "{}", plan(s, narrow));
    for other in [
        "select c from t where a = 8 and c = '2020-02-02'",
        "select c from t where c = '2020-02-02'",
        "declare @a int = 7 select c from t where a = @a and c = '2020-02-02'",
        "select c from t where a in (7, 8) and c = '2020-02-02'",
    ] {
        assert!(!uses(&plan(s, other), "fa"), "{}", plan(s, other));
    }
    let in_range = "select id from t where a >= 2950 and b = 'name1'";
    assert!(uses(&plan(s, in_range), "fb"), "{}", plan(s, in_range));
    assert!(!uses(&plan(s, "select id from t where a >= 2900 and b = 'name1'"), "fb"));
    // The rows are the same, whichever way they are read.
    for condition in [
        "a = 7 and c < '2020-03-01'",
        "a >= 2950 and b = 'name1'",
        "a between 2910 and 2990 and b like 'name%'",
    ] {
        let by_index = answers(s, &format!("select id from t where {condition} order by id"));
        let by_scan = answers(s, &format!("select id from t with (forcescan) where {condition} order by id"));
        assert!(!by_index.is_empty() && by_index == by_scan, "{condition}: {by_index:?} {by_scan:?}");
    }
    done(s, "update t set a = 1 where id = 2");
    check(s, "select count(*) from t where a = 7 and c = dateadd(day, 2, '2020-01-01')", &["0"]);
}
