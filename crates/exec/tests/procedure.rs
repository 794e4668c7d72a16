//! The statement runner over an instance with system databases only, and over restored databases of the corpus.

#[path = "common/answers.rs"]
mod answers;

use std::path::Path;

use answers::{answers, check, session};
use holdfast_exec::procedure::InstanceSession;

#[test]
fn variables_and_control_flow() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(s, "select 1, 'a' + N'b'", &["1|ab"]);
    check(
        s,
        "declare @i int = 0, @s varchar(100) = ''; while @i < 5 begin set @i += 1; if @i = 2 continue; if @i = 4 break; set @s = @s + 'x' end select @i, @s",
        &["4|xx"],
    );
    check(s, "declare @a int; select @a = 3; if @a = 3 print 'three' else print 'other'", &["#0:three"]);
    check(s, "goto l\nselect 1\nl: select 2\nreturn\nselect 3", &["2"]);
    check(s, "declare @n int = 0; again: set @n = @n + 1; if @n < 3 goto again; select @n", &["3"]);
    check(s, "select @@rowcount; select @@error, @@trancount, @@nestlevel", &["1", "0|0|0"]);
    check(
        s,
        "begin tran; begin tran; select @@trancount; commit; select @@trancount; rollback; select @@trancount",
        &["2", "1", "0"],
    );
    check(s, "set nocount on; exec('select 5')", &["5"]);
    check(s, "exec sp_executesql N'select @a + 1', N'@a int', @a = 4", &["5"]);
    check(
        s,
        "declare @o int; exec sp_executesql N'set @x = @a * 2', N'@a int, @x int output', 21, @o output; select @o",
        &["42"],
    );
}

#[test]
fn errors_and_try_catch() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(s, "select 1/0\nselect 2", &["2", "!8134:1:Divide by zero error encountered."]);
    check(s, "select 1\nselec 2", &["!102:2:Incorrect syntax near '2'."]);
    check(s, "print @x", &["!137:1:Must declare the scalar variable \"@x\"."]);
    check(s, "select 1\nselect * from missing\nselect 3", &["1", "!208:2:Invalid object name 'missing'."]);
    check(
        s,
        "begin try\nselect 1/0\nend try begin catch select error_number(), error_line(), error_message(), error_severity(), error_state() end catch\nselect 'after'",
        &["8134|2|Divide by zero error encountered.|16|1", "after"],
    );
    check(
        s,
        "begin try raiserror('x %d', 16, 3, 7) end try begin catch select error_message(), error_state() end catch",
        &["x 7|3"],
    );
    check(
        s,
        "raiserror('low', 5, 1)\nraiserror('high', 16, 1)\nselect @@error",
        &["50000", "#50000:low", "!50000:2:high"],
    );
    check(s, "throw 50001, 'gone', 2\nselect 1", &["!50001:1:gone"]);
    check(
        s,
        "begin try begin try throw 50001, 'inner', 1 end try begin catch throw end catch end try begin catch select error_number() end catch",
        &["50001"],
    );
    check(s, "exec nosuch", &["!2812:1:Could not find stored procedure 'nosuch'."]);
    check(s, "nosuch 1", &["!2812:1:Could not find stored procedure 'nosuch'."]);
    check(s, "commit", &["!3902:1:The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."]);
    check(
        s,
        "begin try exec('select * from missing') end try begin catch select error_number() end catch",
        &["208"],
    );
    check(
        s,
        "use nodatabase",
        &["!911:1:Database 'nodatabase' does not exist. Make sure that the name is entered correctly."],
    );
    check(
        s,
        "update sys.objects set name = 'x'",
        &["!259:1:Ad hoc updates to system catalogs are not allowed."],
    );
}

#[test]
fn tables_in_memory_and_cursors() {
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    check(
        s,
        "declare @t table (id int identity, n nvarchar(10)); insert @t values ('a'), ('b'); insert @t (n) select n + 'c' from @t; select * from @t",
        &["1|a", "2|b", "3|ac", "4|bc"],
    );
    check(s, "create table #t (a int not null); insert #t values (1), (2)", &[]);
    check(s, "select sum(a) from #t; drop table #t", &["3"]);
    check(s, "select 1 as a, 'x' as b into #u; select * from #u", &["1|x"]);
    check(
        s,
        "declare c cursor for select a from (values (1), (2), (3)) v(a); declare @a int, @s int = 0; open c; fetch next from c into @a; while @@fetch_status = 0 begin set @s += @a; fetch next from c into @a end; close c; deallocate c; select @s",
        &["6"],
    );
    check(
        s,
        "declare @t table (a int); insert @t exec('select 7 union all select 8'); select * from @t",
        &["7", "8"],
    );
}

/// A session over an instance with Northwind restored as `nw`; `None` without the corpus.
fn northwind(dir: &Path) -> Option<InstanceSession> {
    let file = holdfast_testkit::corpus()
        .into_iter()
        .find(|f| f.column("kind") == "full" && f.name().to_lowercase().contains("northwind"))?;
    let mut s = session(dir);
    let path = std::fs::canonicalize(&file.path).unwrap();
    let answered = answers(&mut s, &format!("restore database nw from disk = '{}'", path.display()));
    assert!(answered.iter().all(|a| a.starts_with('#')), "{answered:?}");
    Some(s)
}

#[test]
fn catalog_procedures() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut session) = northwind(dir.path()) else { return };
    let s = &mut session;
    answers(s, "use nw");
    check(
        s,
        "exec sp_columns_100 'Orders', @column_name = '%i%d', @ODBCVer = 3",
        &[
            "nw|dbo|Orders|OrderID|4|int identity|10|4|0|10|0|NULL|NULL|4|NULL|NULL|1|NO|0|0|0|1|NULL|NULL|NULL|NULL|NULL|NULL|56",
            "nw|dbo|Orders|CustomerID|-8|nchar|5|10|NULL|NULL|1|NULL|NULL|-8|NULL|10|2|YES|0|0|0|0|NULL|NULL|NULL|NULL|NULL|NULL|39",
            "nw|dbo|Orders|EmployeeID|4|int|10|4|0|10|1|NULL|NULL|4|NULL|NULL|3|YES|0|0|0|0|NULL|NULL|NULL|NULL|NULL|NULL|38",
        ],
    );
    check(
        s,
        "exec sp_columns 'Orders', @column_name = 'OrderDate'",
        &["nw|dbo|Orders|OrderDate|11|datetime|23|16|3|NULL|1|NULL|NULL|9|3|NULL|4|YES|111"],
    );
    check(
        s,
        "exec sp_pkeys 'Order Details'",
        &[
            "nw|dbo|Order Details|OrderID|1|PK_Order_Details",
            "nw|dbo|Order Details|ProductID|2|PK_Order_Details",
        ],
    );
    check(
        s,
        "exec sp_fkeys 'Orders'",
        &["nw|dbo|Orders|OrderID|nw|dbo|Order Details|OrderID|1|1|1|FK_Order_Details_Orders|PK_Orders|7"],
    );
    check(
        s,
        "exec sp_statistics_100 'Shippers', @is_unique = 'Y'",
        &[
            "nw|dbo|Shippers|NULL|NULL|NULL|0|NULL|NULL|NULL|3|2|NULL",
            "nw|dbo|Shippers|0|Shippers|PK_Shippers|1|1|ShipperID|A|3|2|NULL",
        ],
    );
    check(s, "exec sp_special_columns_100 'Orders', @ODBCVer = 3", &["1|OrderID|4|int identity|10|4|0|1"]);
    check(
        s,
        "exec sp_sproc_columns_100 'CustOrderHist', @column_name = '@C%'",
        &[
            "nw|dbo|CustOrderHist;1|@CustomerID|1|-8|nchar|5|10|NULL|NULL|1|NULL|NULL|-8|NULL|10|1|YES|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|39",
        ],
    );
    check(
        s,
        "exec sp_datatype_info_100 91, 3",
        &["date|91|10|'|'|NULL|1|0|3|NULL|0|NULL|date|NULL|0|9|1|NULL|NULL|0"],
    );
    check(s, "exec sp_tables 'Ship%', @table_type = \"'TABLE'\"", &["nw|dbo|Shippers|TABLE|NULL"]);
    check(
        s,
        "exec sp_tables @table_qualifier = 'pubs'",
        &[
            "!15250:26:The database name component of the object qualifier must be the name of the current database.",
        ],
    );
    check(
        s,
        "exec sp_helpindex 'Territories'",
        &["PK_Territories|nonclustered, unique, primary key located on PRIMARY|TerritoryID"],
    );
    check(
        s,
        "exec sp_helpconstraint 'Territories'",
        &[
            "Territories",
            "FOREIGN KEY|FK_Territories_Region|No Action|No Action|Enabled|Is_For_Replication|RegionID",
            " | | | | | |REFERENCES nw.dbo.Region (RegionID)",
            "PRIMARY KEY (non-clustered)|PK_Territories|(n/a)|(n/a)|(n/a)|(n/a)|TerritoryID",
            "nw.dbo.EmployeeTerritories: FK_EmployeeTerritories_Territories",
        ],
    );
    let lines = answers(s, "exec sp_helptext 'CustOrderHist'");
    assert_eq!((lines.len(), lines[1].as_str()), (7, "AS\r\n"), "{lines:?}");
    check(s, "exec sp_helptext 'Orders'", &["!15197:37:There is no text for object 'Orders'."]);
    let first = answers(
        s,
        "exec sp_describe_first_result_set N'select OrderID, Freight, @n + 1 as n from Orders', N'@n int'",
    );
    let short: Vec<String> =
        first.iter().map(|r| r.split('|').skip(1).take(5).collect::<Vec<_>>().join("|")).collect();
    assert_eq!(short, ["1|OrderID|0|56|int", "2|Freight|1|60|money", "3|n|1|56|int"]);
    let parameters = answers(
        s,
        "exec sp_describe_undeclared_parameters N'select * from Orders where OrderID = @a and ShipName like @b and OrderDate in (@c) and EmployeeID = @d', N'@d int'",
    );
    let short: Vec<String> =
        parameters.iter().map(|r| r.split('|').take(4).collect::<Vec<_>>().join("|")).collect();
    assert_eq!(short, ["1|@a|56|int", "2|@b|231|nvarchar(4000)", "3|@c|61|datetime"]);
    for (text, types) in [
        (
            "insert Shippers (CompanyName, Phone) values (@a, @b), (@c, upper(@d))",
            "@a nvarchar(40), @b nvarchar(24), @c nvarchar(40)",
        ),
        ("insert Shippers (CompanyName, Phone) select @a, @b", "@a nvarchar(40), @b nvarchar(24)"),
        (
            "update Orders set Freight = @a, ShipName = @b where OrderID = @c",
            "@a money, @b nvarchar(40), @c int",
        ),
        ("set nocount on; delete Orders where OrderDate < @a; select @@rowcount", "@a datetime"),
        (
            "if exists (select * from Orders where Freight > @a) exec CustOrderHist @CustomerID = @b",
            "@a money, @b nchar(5)",
        ),
        (
            "merge Shippers t using (select ShipperID from Shippers where Phone = @a) s on s.ShipperID = t.ShipperID \
             when matched then update set CompanyName = @b when not matched then insert (CompanyName) values (@c);",
            "@a nvarchar(24), @b nvarchar(40), @c nvarchar(40)",
        ),
    ] {
        let escaped = text.replace('\'', "''");
        let answer = answers(s, &format!("exec sp_describe_undeclared_parameters N'{escaped}'"));
        let short: Vec<String> = answer
            .iter()
            .map(|r| r.split('|').collect::<Vec<_>>())
            .filter(|r| r.get(1) != Some(&"@d"))
            .map(|r| format!("{} {}", r.get(1).unwrap_or(&r[0]), r.get(3).unwrap_or(&"")))
            .collect();
        assert_eq!(short.join(", "), types, "{text}");
    }
    check(
        s,
        "exec sp_describe_undeclared_parameters N'select @a'",
        &["!11502:1:The type for parameter '@a' cannot be deduced in this context."],
    );
    check(
        s,
        "set implicit_transactions on; select 1; select @@trancount; select count(*) from Shippers; select @@trancount; rollback; select @@trancount; set implicit_transactions off",
        &["1", "0", "3", "1", "0"],
    );
    check(
        s,
        "exec sp_fulltext_catalog 'x'",
        &["!40517:1:sp_fulltext_catalog is not supported yet by Holdfast."],
    );
    for all in [
        "sp_help 'Orders'",
        "sp_helpdb 'nw'",
        "sp_helpfile",
        "sp_who",
        "sp_who2",
        "sp_spaceused",
        "sp_spaceused 'Orders'",
    ] {
        let rows = answers(s, &format!("exec {all}"));
        assert!(!rows.is_empty() && rows.iter().all(|r| !r.starts_with('!')), "{all}: {rows:?}");
    }
}

#[test]
fn computed_columns_that_are_not_stored() {
    let Some(file) = holdfast_testkit::corpus()
        .into_iter()
        .find(|f| f.name().contains("AdventureWorksLT2012") && f.column("kind") == "full")
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let s = &mut session(dir.path());
    let path = std::fs::canonicalize(&file.path).unwrap();
    answers(s, &format!("restore database lt from disk = '{}'", path.display()));
    check(
        s,
        "select count(*) from lt.SalesLT.SalesOrderDetail where abs(LineTotal - UnitPrice * (1 - UnitPriceDiscount) * OrderQty) < 0.01",
        &["542"],
    );
    check(
        s,
        "select SalesOrderNumber from lt.SalesLT.SalesOrderHeader where SalesOrderID = 71796",
        &["SO71796"],
    );
    // The view reads xml with namespaces out of storage.
    check(
        s,
        "select top 1 Manufacturer, WarrantyPeriod from lt.SalesLT.vProductModelCatalogDescription order by ProductModelID",
        &["AdventureWorks|3 years"],
    );
}

#[test]
fn restored_databases() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut session) = northwind(dir.path()) else { return };
    let s = &mut session;
    check(s, "use nw; select count(*) from Customers", &["91", "#5701:Changed database context to 'nw'."]);
    check(s, "select top 1 CustomerID from Orders order by OrderID", &["VINET"]);
    let history = answers(s, "exec CustOrderHist 'VINET'");
    assert_eq!(history.len(), 9, "{history:?}");
    check(
        s,
        "select nosuch from Customers; select alsono from Orders",
        &["!207:1:Invalid column name 'nosuch'.", "!207:1:Invalid column name 'alsono'."],
    );
    check(
        s,
        "exec CustOrderHist",
        &[
            "!201:0:Procedure or function 'CustOrderHist' expects parameter '@CustomerID', which was not supplied.",
        ],
    );
    check(
        s,
        "use master; drop database nw; select count(*) from sys.databases",
        &["4", "#5701:Changed database context to 'master'."],
    );
}
