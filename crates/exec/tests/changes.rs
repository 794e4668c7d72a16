//! Statements that change rows, over tables in memory: what they answer and what they leave behind.

#[path = "common/answers.rs"]
mod answers;

use answers::{check, session};

const NULLS: &str =
    "Cannot insert the value NULL into column 'a', table '#t'; column does not allow nulls. INSERT fails.";
const ENDED: &str = "#3621:The statement has been terminated.";

#[test]
fn inserts() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(
        s,
        "create table #t (id int identity(10, 5) primary key, a varchar(3) not null default 'x', b decimal(5,2) null, c as a + '!', d datetime default getdate())",
        &[],
    );
    check(
        s,
        "insert #t (a, b) values ('one', 1.234), (default, null); select @@rowcount, @@identity, scope_identity()",
        &["2|15|15"],
    );
    check(s, "select id, a, b, c from #t", &["10|one|1.23|one!", "15|x|NULL|x!"]);
    check(
        s,
        "insert #t default values; insert into #t (b) select b + 1 from #t where b is not null; select id, a, b from #t where id > 15",
        &["20|x|NULL", "25|x|2.23"],
    );
    check(s, "select count(*) from #t where d is null", &["0"]);
    check(s, "insert #t (a) values (null)", &[&format!("!515:1:{NULLS}"), ENDED]);
    check(
        s,
        "insert #t (a) values ('four')",
        &[
            "!2628:1:String or binary data would be truncated in table 'tempdb.dbo.#t', column 'a'. Truncated value: 'fou'.",
            ENDED,
        ],
    );
    check(s, "insert #t (a) values ('abc   '); select a + '|' from #t where a = 'abc'", &["abc|"]);
    check(
        s,
        "set ansi_warnings off; insert #t (a) values ('defgh'); set ansi_warnings on; select a from #t where a like 'de%'",
        &["def"],
    );
    check(
        s,
        "insert #t (id, a) values (1, 'a')",
        &[
            "!544:1:Cannot insert explicit value for identity column in table '#t' when IDENTITY_INSERT is set to OFF.",
        ],
    );
    check(
        s,
        "set identity_insert #t on; insert #t (id, a) values (100, 'a'); set identity_insert #t off; insert #t (a) values ('b'); select id from #t where id >= 100",
        &["100", "105"],
    );
    check(
        s,
        "insert #t (a, b) values (1)\nselect 1",
        &[
            "!109:1:There are more columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
        ],
    );
    check(
        s,
        "insert #t (c) values ('x')",
        &[
            "!271:1:The column \"c\" cannot be modified because it is either a computed column or is the result of a UNION operator.",
        ],
    );
    check(s, "insert #t (nosuch) values ('x')", &["!207:1:Invalid column name 'nosuch'."]);
    check(
        s,
        "set identity_insert #t on; insert #t (id, a) values (100, 'a')",
        &[
            "!2627:1:Violation of PRIMARY KEY constraint 'PK__#t__*'. Cannot insert duplicate key in object 'dbo.#t'. The duplicate key value is (100).",
            ENDED,
        ],
    );
    check(
        s,
        "set identity_insert #t off; insert top (1) into #t (a) output inserted.id, inserted.a, inserted.c select a from #t order by id",
        &["110|one|one!"],
    );
    check(s, "insert nosuch values (1)", &["!208:1:Invalid object name 'nosuch'."]);
    check(
        s,
        "insert #t (a) values (1), ('z')",
        &["!245:1:Conversion failed when converting the varchar value 'z' to data type int."],
    );
    check(
        s,
        "create table #x (a int, b int); insert #x exec ('select 1, 2 select 3, 4'); select * from #x; insert #x exec('select 1')",
        &[
            "1|2",
            "3|4",
            "!213:1:Column name or number of supplied values does not match table definition.",
            ENDED,
        ],
    );
    check(s, "truncate table #x; select count(*) from #x", &["0"]);
}

#[test]
fn updates() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(
        s,
        "create table #t (id int primary key, a int, b varchar(max), check (a < 100)); insert #t values (1, 10, 'x'), (2, 20, 'y'), (3, 30, null)",
        &[],
    );
    check(
        s,
        "update #t set a = a + 1, b += '-' where id < 3; select @@rowcount; select * from #t",
        &["2", "1|11|x-", "2|21|y-", "3|30|NULL"],
    );
    check(
        s,
        "update t set a = v.n from #t t join (values (1, 5), (3, 7)) v(i, n) on v.i = t.id; select a from #t",
        &["5", "21", "7"],
    );
    check(s, "update #t set a = 0 from #t as x where x.id = 2; select a from #t", &["5", "0", "7"]);
    check(
        s,
        "declare @v int; update #t set @v = a = a + 1 where id = 1; select @v; declare @s int = 0; update #t set @s = @s + a; select @s",
        &["6", "13"],
    );
    check(s, "declare @r int = 0; update #t set @r = a = @r + 1; select a from #t", &["1", "2", "3"]);
    check(s, "update #t set id = id + 1; select id from #t", &["2", "3", "4"]);
    check(
        s,
        "update #t set b.write('ab', 1, 0) where id = 2; update #t set b.write('Z', null, null) where id = 3; select b from #t",
        &["xab-", "y-Z", "NULL"],
    );
    check(s, "update top (1) #t set a = 50; select sum(a) from #t", &["55"]);
    check(
        s,
        "update #t set a = 200 where id = 2",
        &[
            "!547:1:The UPDATE statement conflicted with the CHECK constraint \"CK__#t__*\". The conflict occurred in database \"tempdb\", table \"dbo.#t\".",
            ENDED,
        ],
    );
    check(
        s,
        "update #t set id = 9",
        &[
            "!2627:1:Violation of PRIMARY KEY constraint 'PK__#t__*'. Cannot insert duplicate key in object 'dbo.#t'. The duplicate key value is (9).",
            ENDED,
        ],
    );
    check(s, "select id, a from #t", &["2|50", "3|2", "4|3"]);
    check(
        s,
        "with c as (select top (2) id, a from #t order by id desc) update c set a = a * 10; select a from #t",
        &["50", "20", "30"],
    );
    check(
        s,
        "update c set a = 1 from (select id, a + 1 as a from #t) c",
        &[
            "!4421:1:Derived table 'c' is not updatable because a column of the derived table is derived or constant.",
        ],
    );
    check(
        s,
        "with c as (select a, count(*) n from #t group by a) delete c",
        &[
            "!4418:1:Derived table 'c' is not updatable because it contains aggregates, or a DISTINCT or GROUP BY clause, or PIVOT or UNPIVOT operator.",
        ],
    );
    check(
        s,
        "update #t set a = 1, a = 2",
        &[
            "!264:1:The column name 'a' is specified more than once in the SET clause or column list of an INSERT. A column cannot be assigned more than one value in the same clause. Modify the clause to make sure that a column is updated only once. If this statement updates or inserts columns into a view, column aliasing can conceal the duplication in your code.",
        ],
    );
    check(
        s,
        "update #t set a = 1 output deleted.a, inserted.a, inserted.id where id > 2",
        &["20|1|3", "30|1|4"],
    );
    check(
        s,
        "update #t set a = default, b = default where id = 4; select a, b from #t where id = 4",
        &["NULL|NULL"],
    );
    check(s, "update #t set a = a / 0", &["!8134:1:Divide by zero error encountered.", ENDED]);
}

#[test]
fn deletes() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(
        s,
        "create table #t (id int primary key, a int); insert #t select value, value % 3 from generate_series(1, 9)",
        &[],
    );
    check(
        s,
        "delete #t where a = 0; select @@rowcount; delete from #t output deleted.* where id = 1",
        &["3", "1|1"],
    );
    check(
        s,
        "delete t from #t t join (values (2), (4)) v(i) on v.i = t.id; select id from #t",
        &["5", "7", "8"],
    );
    check(s, "delete top (1) from #t; select count(*) from #t", &["2"]);
    check(
        s,
        "with d as (select *, row_number() over (order by id desc) n from #t) delete d where n = 1; select id from #t",
        &["7"],
    );
    check(
        s,
        "declare @o table (id int, what char(3)); delete #t output deleted.id, 'del' into @o; select * from @o; select count(*) from #t",
        &["7|del", "0"],
    );
    check(s, "delete from nosuch", &["!208:1:Invalid object name 'nosuch'."]);
}

#[test]
fn merges() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(
        s,
        "create table #t (id int primary key, a varchar(10)); insert #t values (1, 'one'), (2, 'two'), (3, 'three')",
        &[],
    );
    check(
        s,
        "merge #t as t using (values (2, 'zwei'), (4, 'vier'), (3, null)) s(id, a) on t.id = s.id
         when matched and s.a is null then delete
         when matched then update set a = s.a
         when not matched then insert (id, a) values (s.id, s.a)
         when not matched by source then update set a = t.a + '!'
         output $action, inserted.id, inserted.a, deleted.id, deleted.a, s.id;
         select @@rowcount; select * from #t",
        &[
            "DELETE|NULL|NULL|3|three|3",
            "UPDATE|2|zwei|2|two|2",
            "UPDATE|1|one!|1|one|NULL",
            "INSERT|4|vier|NULL|NULL|4",
            "4",
            "1|one!",
            "2|zwei",
            "4|vier",
        ],
    );
    check(
        s,
        "merge #t t using (values (1), (1)) s(id) on t.id = s.id when matched then update set a = 'x';",
        &[
            "!8672:1:The MERGE statement attempted to UPDATE or DELETE the same row more than once. This happens when a target row matches more than one source row. A MERGE statement cannot UPDATE/DELETE the same row of the target table multiple times. Refine the ON clause to ensure a target row matches at most one source row, or use the GROUP BY clause to group the source rows.",
            ENDED,
        ],
    );
    check(
        s,
        "merge #t t using (values (1), (7)) s(id) on t.id = s.id when not matched then insert values (s.id, 'new'); select * from #t",
        &["1|one!", "2|zwei", "4|vier", "7|new"],
    );
}

#[test]
fn transactions() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(s, "create table #t (a int primary key); declare @v table (a int)", &[]);
    check(
        s,
        "declare @v table (a int)
         begin tran; insert #t values (1); insert @v values (1); save tran p; insert #t values (2); rollback tran p; select a from #t; insert #t values (3); commit; select a from #t; select count(*) from @v",
        &["1", "1", "3", "1"],
    );
    check(
        s,
        "declare @v table (a int); begin tran; insert #t values (4); insert @v values (4); update #t set a = 9 where a = 1; delete #t where a = 3; rollback; select a from #t; select a from @v",
        &["1", "3", "4"],
    );
    // A statement that fails leaves nothing, the transaction goes on.
    check(
        s,
        "begin tran; insert #t values (5); insert #t select 6 union all select 1; select @@trancount; commit; select a from #t",
        &[
            "1",
            "1",
            "3",
            "5",
            "!2627:1:Violation of PRIMARY KEY constraint 'PK__#t__*'. Cannot insert duplicate key in object 'dbo.#t'. The duplicate key value is (1).",
            ENDED,
        ],
    );
    check(
        s,
        "declare @v table (a int primary key); insert @v values (1); begin try insert @v select 2 union all select 1 end try begin catch select error_number() end catch; select a from @v",
        &["2627", "1"],
    );
    check(
        s,
        "set xact_abort on; begin tran; insert #t values (7); insert #t values (7)\nselect 'not reached'",
        &[
            "!2627:1:Violation of PRIMARY KEY constraint 'PK__#t__*'. Cannot insert duplicate key in object 'dbo.#t'. The duplicate key value is (7).",
        ],
    );
    check(s, "set xact_abort off; select @@trancount, count(*) from #t", &["0|3"]);
    check(
        s,
        "set xact_abort on; begin try begin tran; insert #t values (8); insert #t values (8) end try begin catch select xact_state(), @@trancount; begin try insert #t values (11) end try begin catch select error_number() end catch; rollback; select @@trancount end catch; set xact_abort off; select count(*) from #t",
        &["-1|1", "3930", "0", "3"],
    );
    check(
        s,
        "begin try begin tran; insert #t values (8); insert #t values (8) end try begin catch select xact_state(); commit end catch; select count(*) from #t",
        &["1", "4"],
    );
    // A failed conversion dooms the transaction in a TRY and rolls it back outside.
    check(
        s,
        "begin try begin tran; insert #t values ('x') end try begin catch select xact_state() end catch",
        &[
            "-1",
            "!3998:1:Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.",
        ],
    );
    check(
        s,
        "begin tran; insert #t values (20); insert #t values ('x')\nselect 1",
        &["!245:1:Conversion failed when converting the varchar value 'x' to data type int."],
    );
    check(s, "select @@trancount, count(*) from #t", &["0|4"]);
    check(
        s,
        "set implicit_transactions on; insert #t values (30); select @@trancount; rollback; select count(*) from #t; select @@trancount; commit; set implicit_transactions off",
        &["1", "4", "1"],
    );
    check(
        s,
        "begin tran; create table #n (a int); rollback; select object_id('tempdb..#n'); select * from #n",
        &["NULL", "!208:1:Invalid object name '#n'."],
    );
    check(s, "create table #k (a int); begin tran; drop table #k; rollback; select count(*) from #k", &["0"]);
    check(s, "save tran x", &["!628:1:Cannot issue SAVE TRANSACTION when there is no active transaction."]);
    check(
        s,
        "begin tran; rollback tran nosuch; rollback",
        &["!6401:1:Cannot roll back nosuch. No transaction or savepoint of that name was found."],
    );
}

#[test]
fn cursors_that_change() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(s, "create table #t (id int primary key, a int); insert #t values (1, 1), (2, 2), (3, 3)", &[]);
    check(
        s,
        "declare c cursor for select id from #t for update of a; declare @i int; open c; fetch next from c into @i
         while @@fetch_status = 0 begin if @i = 2 delete #t where current of c else begin update #t set a = a * 5 where current of c; update #t set a = a * 2 where current of c end; fetch next from c into @i end
         close c; deallocate c; select * from #t",
        &["1|10", "3|30"],
    );
    check(
        s,
        "declare c cursor read_only for select id from #t; declare @i int; open c; fetch next from c into @i; delete #t where current of c; deallocate c",
        &["!16929:1:The cursor is READ ONLY.", ENDED],
    );
}

#[test]
fn indexes_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(
        s,
        "create table #t (id int, name varchar(20), index ix (name)); insert #t select value, 'n' + convert(varchar(10), value % 100) from generate_series(1, 1000)",
        &[],
    );
    check(
        s,
        "create unique clustered index c on #t (id desc); select top 3 id from #t; select count(*) from #t where name = 'N7'; select id from #t where id between 998 and 2000 order by id",
        &["1000", "999", "998", "10", "998", "999", "1000"],
    );
    check(
        s,
        "create unique index u on #t (name)",
        &[
            "!1505:1:The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name 'dbo.#t' and the index name 'u'. The duplicate key value is (n0).",
        ],
    );
    check(
        s,
        "insert #t values (5, 'x')",
        &[
            "!2601:1:Cannot insert duplicate key row in object 'dbo.#t' with unique index 'c'. The duplicate key value is (5).",
            ENDED,
        ],
    );
    check(
        s,
        "create table #d (a int primary key with (ignore_dup_key = on)); insert #d values (1), (1), (2); select @@rowcount; select a from #d",
        &["2", "1", "2", "#3604:Duplicate key was ignored."],
    );
    check(
        s,
        "create table #f (a int, b int, index u unique (a) where b = 1); insert #f values (1, 1), (1, 2), (1, 2); insert #f values (1, 1)",
        &[
            "!2601:1:Cannot insert duplicate key row in object 'dbo.#f' with unique index 'u'. The duplicate key value is (1).",
            ENDED,
        ],
    );
    check(s, "update #f set b = 3 where b = 1; insert #f values (1, 1); select count(*) from #f", &["4"]);
    check(s, "drop index c on #t; insert #t values (5, 'x'); select count(*) from #t where id = 5", &["2"]);
}
