//! What maintenance scripts ask for: how pages of indexes lie, how full logs are, checks of parts, old ways to rebuild.

#[path = "common/answers.rs"]
mod answers;

use answers::{answers, check, session};
use holdfast_exec::procedure::InstanceSession;

#[track_caller]
fn done(s: &mut InstanceSession, batch: &str) -> Vec<String> {
    let said = answers(s, batch);
    assert!(!said.iter().any(|a| a.starts_with('!')), "{batch}: {said:?}");
    said
}

fn database(s: &mut InstanceSession) {
    done(s, "create database d");
    done(s, "use d");
    done(s, "create table t (id int primary key, filler char(500), long varchar(max))");
    done(s, "create table h (id int, filler varchar(2000))");
    done(
        s,
        "insert t select value, 'x', replicate(cast('y' as varchar(max)), 9000) from generate_series(1, 600)",
    );
    done(s, "insert h select value, 'z' from generate_series(1, 400)");
    done(s, "create index i on t (filler)");
}

#[test]
fn pages_of_indexes_are_described() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    database(s);
    let of = |what: &str, mode: &str| {
        format!(
            "select {what} from sys.dm_db_index_physical_stats(db_id(), object_id('t'), null, null, {mode})"
        )
    };
    check(
        s,
        &of("index_id, index_type_desc, alloc_unit_type_desc, index_level, record_count", "'LIMITED'"),
        &[
            "1|CLUSTERED INDEX|IN_ROW_DATA|0|NULL",
            "1|CLUSTERED INDEX|LOB_DATA|0|NULL",
            "2|NONCLUSTERED INDEX|IN_ROW_DATA|0|NULL",
        ],
    );
    // What is counted is what the catalogue counts.
    check(
        s,
        "select p.index_id, case when p.page_count = a.data_pages then 'same' else 'other' end, p.record_count, \
         p.min_record_size_in_bytes from sys.dm_db_index_physical_stats(db_id(), object_id('t'), null, null, 'DETAILED') p \
         join sys.partitions r on r.object_id = p.object_id and r.index_id = p.index_id \
         join sys.allocation_units a on a.container_id = r.hobt_id and a.type = 1 \
         where p.index_level = 0 and p.alloc_unit_type_desc = 'IN_ROW_DATA' order by 1",
        &["1|same|600|551", "2|same|600|508"],
    );
    let levels = answers(s, &of("index_level, page_count", "'DETAILED'"));
    assert!(levels.contains(&"1|1".to_owned()), "{levels:?}");
    done(s, "delete t where id % 2 = 0");
    done(s, "alter index all on t rebuild");
    check(
        s,
        "select record_count, ghost_record_count, case when avg_page_space_used_in_percent > 80 then 'full' end, \
         case when avg_fragmentation_in_percent < 30 then 'in order' end from \
         sys.dm_db_index_physical_stats(db_id(), object_id('t'), 1, null, 'SAMPLED') where alloc_unit_type_desc = 'IN_ROW_DATA'",
        &["300|0|full|in order"],
    );
    // Rows that grow move away and leave stubs.
    done(s, "update h set filler = replicate('w', 2000) where id % 3 = 0");
    check(
        s,
        "select index_type_desc, case when forwarded_record_count > 50 then 'forwarded' end, index_depth from \
         sys.dm_db_index_physical_stats(db_id(), object_id('h'), null, null, 'DETAILED')",
        &["HEAP|forwarded|1"],
    );
    let all = answers(
        s,
        "select distinct object_name(object_id) from sys.dm_db_index_physical_stats(db_id(), null, null, null, null)",
    );
    assert_eq!(all.len(), 2, "{all:?}");
    check(s, &of("1", "'NONSENSE'"), &["!2561:1:Parameter 5 is incorrect for this statement."]);
    check(
        s,
        "select * from sys.dm_db_index_physical_stats(db_id(), 77, null, null, null)",
        &["!2573:1:Could not find table or object ID 77. Check system catalog."],
    );
}

#[test]
fn logs_and_volumes_are_described() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    database(s);
    let space = done(s, "dbcc sqlperf (logspace) with no_infomsgs");
    assert!(space.iter().any(|r| r.starts_with("d|Real(")), "{space:?}");
    check(
        s,
        "select case when total_log_size_in_bytes > used_log_space_in_bytes and used_log_space_in_percent < 100 then 'room' end \
         from sys.dm_db_log_space_usage",
        &["room"],
    );
    let vlfs = done(s, "select file_id, vlf_active from sys.dm_db_log_info(db_id())");
    assert!(vlfs.len() > 1 && vlfs.contains(&"2|1".to_owned()), "{vlfs:?}");
    assert_eq!(done(s, "dbcc loginfo with no_infomsgs").len(), vlfs.len());
    let total = done(s, "select total_vlf_count, recovery_model from sys.dm_db_log_stats(db_id())");
    assert!(total[0].starts_with(&format!("{}|", vlfs.len())), "{total:?}");
    check(
        s,
        "select case when total_bytes >= available_bytes and available_bytes > 0 then 'volume' end \
         from sys.master_files f cross apply sys.dm_os_volume_stats(f.database_id, f.file_id) where f.database_id = db_id()",
        &["volume", "volume"],
    );
}

#[test]
fn parts_are_checked_and_old_commands_rebuild() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    database(s);
    let completed =
        "#2528:DBCC execution completed. If DBCC printed error messages, contact your system administrator.";
    let said = answers(s, "dbcc checktable ('t')");
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!((said[0].as_str(), said[2].as_str()), ("#2536:DBCC results for 't'.", completed));
    assert!(said[1].starts_with("#2593:There are 600 rows in "), "{said:?}");
    check(s, "dbcc checktable ('t') with no_infomsgs", &[]);
    check(s, "dbcc checkcatalog", &["#2536:DBCC results for 'd'.", completed]);
    check(
        s,
        "dbcc checkfilegroup",
        &[
            "#2536:DBCC results for 'd'.",
            "#8989:CHECKFILEGROUP found 0 allocation errors and 0 consistency errors in database 'd'.",
            completed,
        ],
    );
    check(s, "dbcc updateusage (0)", &[completed]);
    check(s, "dbcc updateusage ('d', 't') with no_infomsgs", &[]);
    check(s, "dbcc cleantable (0, 't')", &[completed]);
    check(s, "dbcc dbreindex ('t', '', 70)", &[completed]);
    check(
        s,
        "select index_id, fill_factor from sys.indexes where object_id = object_id('t')",
        &["1|70", "2|70"],
    );
    check(s, "dbcc indexdefrag (0, 't', 'i') with no_infomsgs", &[]);
    let said = answers(s, "dbcc dbreindex ('t', 'nope')");
    assert_eq!(said.first().map(String::as_str), Some("!2727:1:Cannot find index 'nope'."), "{said:?}");
    done(s, "dbcc checkdb with no_infomsgs");
}

#[test]
fn views_of_what_is_not_there_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    database(s);
    for view in [
        "sys.query_store_plan",
        "sys.server_event_session_events",
        "sys.dm_os_tasks",
        "sys.dm_exec_query_resource_semaphores",
        "sys.dm_db_missing_index_group_stats_query",
        "sys.dm_db_index_operational_stats(db_id(), null, null, null)",
        "msdb.dbo.sysjobsteps",
        "msdb.dbo.sysalerts",
        "msdb.dbo.sysmail_profile",
        "msdb.dbo.log_shipping_primary_databases",
    ] {
        check(s, &format!("select count(*) from {view}"), &["0"]);
    }
    check(
        s,
        "select keyno, indid from sysindexkeys where id = object_id('t') order by indid",
        &["1|1", "1|2"],
    );
    check(s, "select status from sysconstraints where id = object_id('t')", &["33"]);
    check(s, "select is_enabled from sys.resource_governor_configuration", &["0"]);
}

#[test]
fn the_texts_of_requests_are_found_by_their_handles() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(
        s,
        "select left(t.text, 14), r.dop from sys.dm_exec_requests r cross apply sys.dm_exec_sql_text(r.sql_handle) t \
         where r.session_id = @@spid",
        &["select left(t.|1"],
    );
    done(s, "create table #n (n int)");
    done(
        s,
        "with n as (select 1 n union all select n + 1 from n where n < 500) \
         insert #n select n from n option (maxrecursion 500)",
    );
    check(s, "select count(*) from #n", &["500"]);
    check(s, "exec sp_validname ''", &["!15004:4:Name cannot be NULL."]);
    check(
        s,
        "exec sp_helplogins 'nobody'",
        &["!15007:5:'nobody' is not a valid login or you do not have permission."],
    );
    let logins = done(s, "exec sp_helplogins");
    assert!(logins.iter().any(|r| r.starts_with("sa|")), "{logins:?}");
    assert!(!done(s, "exec sp_helpserver").is_empty());
    let said = answers(s, "exec sp_estimate_data_compression_savings 'dbo', 't', null, null, 'PAGE'");
    assert!(said[0].starts_with("!40517:"), "{said:?}");
}
