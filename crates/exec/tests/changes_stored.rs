//! Statements that change rows of a restored database: constraints, foreign keys, transactions; afterwards its structures are
//! checked.

#[path = "common/answers.rs"]
mod answers;

use answers::{check, sample};

const ENDED: &str = "#3621:The statement has been terminated.";

#[test]
fn northwind_changes() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "northwind") else { return };
    check(
        s,
        "insert Categories (CategoryName, Description) values ('New', 'd'); select @@rowcount, @@identity, scope_identity(), ident_current('Categories')",
        &["1|9|9|9"],
    );
    check(s, "select CategoryID, CategoryName from Categories where CategoryID > 7", &["8|Seafood", "9|New"]);
    check(
        s,
        "update Categories set CategoryName = CategoryName + '!' where CategoryID = 9; delete Categories where CategoryID = 9; select count(*) from Categories",
        &["8"],
    );
    check(
        s,
        "delete Categories where CategoryID = 1",
        &[
            "!547:1:The DELETE statement conflicted with the REFERENCE constraint \"FK_Products_Categories\". The conflict occurred in database \"nw\", table \"dbo.Products\", column 'CategoryID'.",
            ENDED,
        ],
    );
    check(
        s,
        "update Products set CategoryID = 77 where ProductID = 1",
        &[
            "!547:1:The UPDATE statement conflicted with the FOREIGN KEY constraint \"FK_Products_Categories\". The conflict occurred in database \"nw\", table \"dbo.Categories\", column 'CategoryID'.",
            ENDED,
        ],
    );
    check(
        s,
        "update Products set UnitPrice = -1 where ProductID = 1",
        &[
            "!547:1:The UPDATE statement conflicted with the CHECK constraint \"CK_Products_UnitPrice\". The conflict occurred in database \"nw\", table \"dbo.Products\", column 'UnitPrice'.",
            ENDED,
        ],
    );
    check(
        s,
        "insert Customers (CustomerID, CompanyName) values ('ALFKI', 'x')",
        &[
            "!2627:1:Violation of PRIMARY KEY constraint 'PK_Customers'. Cannot insert duplicate key in object 'dbo.Customers'. The duplicate key value is (ALFKI).",
            ENDED,
        ],
    );
    check(
        s,
        "insert Customers (CustomerID) values ('ZZZZZ')",
        &[
            "!515:1:Cannot insert the value NULL into column 'CompanyName', table 'nw.dbo.Customers'; column does not allow nulls. INSERT fails.",
            ENDED,
        ],
    );
    check(
        s,
        "insert Customers (CustomerID, CompanyName) values ('TOOLONG', 'x')",
        &[
            "!2628:1:String or binary data would be truncated in table 'nw.dbo.Customers', column 'CustomerID'. Truncated value: 'TOOLO'.",
            ENDED,
        ],
    );
    check(
        s,
        "begin tran; update Orders set Freight = Freight + 1; delete [Order Details] where OrderID < 10300; select @@rowcount; save tran a; update Customers set City = upper(City); rollback tran a; select count(*) from [Order Details]; rollback; select count(*), sum(Quantity) from [Order Details]",
        &["140", "2015", "2155|51317"],
    );
    check(
        s,
        "update d set Discount = 0 from [Order Details] d join Orders o on o.OrderID = d.OrderID where o.CustomerID = 'VINET'; select @@rowcount; select count(*) from Customers where City = upper(City) collate Latin1_General_BIN",
        &["10", "0"],
    );
    check(
        s,
        "insert Orders (CustomerID, EmployeeID, OrderDate) output inserted.OrderID values ('VINET', 5, '2020-01-02'); insert [Order Details] (OrderID, ProductID, UnitPrice, Quantity) select scope_identity(), ProductID, UnitPrice, 3 from Products where CategoryID = 2; select @@rowcount; select sum(Quantity) from [Order Details] where OrderID = 11078",
        &["11078", "12", "36"],
    );
}

#[test]
fn changes_through_views() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "northwind") else { return };
    check(
        s,
        "update [Current Product List] set ProductName = 'Tea' where ProductID = 1; select @@rowcount, ProductName from Products where ProductID = 1",
        &["1|Tea"],
    );
    check(
        s,
        "update a set ProductName = 'Tea!' from [Alphabetical list of products] a where a.CategoryName = 'Beverages' and a.UnitPrice > 200; select @@rowcount; update [Alphabetical list of products] set CategoryName = 'Drinks' where ProductID = 1; select CategoryName from Categories where CategoryID = 1",
        &["1", "Drinks"],
    );
    check(
        s,
        "insert [Current Product List] (ProductName) values ('New'); select @@rowcount, Discontinued, UnitsInStock from Products where ProductName = 'New'",
        &["1|0|0"],
    );
    check(
        s,
        "delete [Alphabetical list of products] where ProductID = 1",
        &[
            "!4405:1:View or function 'Alphabetical list of products' is not updatable because the modification affects multiple base tables.",
        ],
    );
    check(
        s,
        "update [Alphabetical list of products] set CategoryName = 'a', ProductName = 'b'",
        &[
            "!4405:1:View or function 'Alphabetical list of products' is not updatable because the modification affects multiple base tables.",
        ],
    );
    check(
        s,
        "update [Category Sales for 1997] set CategoryName = 'a'",
        &[
            "!4403:1:Cannot update the view or function 'Category Sales for 1997' because it contains aggregates, or a DISTINCT or GROUP BY clause, or PIVOT or UNPIVOT operator.",
        ],
    );
    check(
        s,
        "update [Order Details Extended] set ExtendedPrice = 1",
        &[
            "!4406:1:Update or insert of view or function 'Order Details Extended' failed because it contains a derived or constant field.",
        ],
    );
}

#[test]
fn triggers_of_pubs() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "706_full_pubs") else { return };
    let level = "!50000:25:The level for job_id:13 should be between 25 and 100.";
    let ended = "!3609:1:The transaction ended in the trigger. The batch has been aborted.";
    check(
        s,
        "update employee set job_lvl = 36 where emp_id = 'PMA42628M'; select @@rowcount, job_lvl from employee where emp_id = 'PMA42628M'",
        &["1|36"],
    );
    check(
        s,
        "begin tran; update employee set job_lvl = 250 where emp_id = 'PMA42628M'\nselect 'not reached'",
        &[level, ended],
    );
    check(s, "select @@trancount, job_lvl from employee where emp_id = 'PMA42628M'", &["0|36"]);
    check(
        s,
        "begin try update employee set job_lvl = 250 where emp_id = 'PMA42628M' end try begin catch select error_number(), error_procedure(), xact_state() end catch",
        &["50000|employee_insupd|0"],
    );
    check(s, "update employee set fname = 'x' where emp_id = 'none'; select @@rowcount", &["0"]);
    // A foreign key and a default of a user-defined type.
    check(
        s,
        "insert titleauthor (au_id, title_id) values ('172-32-1176', 'none')",
        &[
            "!547:1:The INSERT statement conflicted with the FOREIGN KEY constraint \"FK__titleauth__title__1ED998B2\". The conflict occurred in database \"nw\", table \"dbo.titles\", column 'title_id'.",
            ENDED,
        ],
    );
    check(
        s,
        "insert authors (au_id, au_lname, au_fname, contract) values ('111-11-1111', 'a', 'b', 1); select phone from authors where au_id = '111-11-1111'; delete authors where au_id = '111-11-1111'",
        &["UNKNOWN     "],
    );
}

#[test]
fn files_and_client_rows() {
    use holdfast_exec::collect::Collected;
    use holdfast_exec::session::{ResultColumn, SqlSession};
    use holdfast_types::{SqlType, Value};
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "northwind") else { return };
    let file = dir.path().join("regions.csv");
    std::fs::write(&file, "id,name\n10,\"North, far\"\n11,South\n").unwrap();
    let load = |options: &str| {
        format!("bulk insert Region from '{}' with (format = 'csv', firstrow = 2{options})", file.display())
    };
    check(
        s,
        &format!(
            "{}; select @@rowcount; select RegionID, rtrim(RegionDescription) from Region where RegionID > 4",
            load("")
        ),
        &["2", "10|North, far", "11|South"],
    );
    check(
        s,
        &load(""),
        &[
            "!2627:1:Violation of PRIMARY KEY constraint 'PK_Region'. Cannot insert duplicate key in object 'dbo.Region'. The duplicate key value is (10).",
            ENDED,
        ],
    );
    std::fs::write(&file, "h\n12,ok\nx,bad\n").unwrap();
    check(
        s,
        &format!("{}; select count(*) from Region", load("")),
        &[
            "7",
            "!4864:1:Bulk load data conversion error (type mismatch or invalid character for the specified codepage) for row 3, column 1 (RegionID).",
        ],
    );
    check(
        s,
        &load(", maxerrors = 0"),
        &["!4865:1:Cannot bulk load because the maximum number of errors (0) was exceeded.", ENDED],
    );
    // What nobody has looked at is not trusted any more.
    check(
        s,
        "create table believed (id int constraint ck check (id < 11), t varchar(20), r int default 1 constraint fk references Region)",
        &[],
    );
    let trust = "select (select is_not_trusted from sys.check_constraints where name = 'ck'), (select is_not_trusted from sys.foreign_keys where name = 'fk')";
    let into = |options: &str| {
        format!(
            "bulk insert believed_rows from '{}' with (format = 'csv', firstrow = 2{options})",
            file.display()
        )
    };
    check(s, "exec('create view believed_rows as select id, t from believed')", &[]);
    let (loaded, answers) = (into(", check_constraints"), answers::answers(s, &into(", check_constraints")));
    assert!(answers.iter().any(|a| a.starts_with("!547:")), "{loaded}: {answers:?}");
    check(s, trust, &["0|0"]);
    let answers = answers::answers(s, &format!("{}; {trust}", into("")));
    assert!(answers.iter().any(|a| a == "1|1"), "{answers:?}");
    check(
        s,
        "select iif(count(*) > 0, 1, 0) from believed; drop view believed_rows; drop table believed",
        &["1"],
    );
    check(
        s,
        "bulk insert Region from '/nowhere'",
        &[
            "!4860:1:Cannot bulk load. The file \"/nowhere\" does not exist or you don't have file access rights.",
            ENDED,
        ],
    );
    check(
        s,
        "insert bulk Region ([RegionID] int, [RegionDescription] nchar(50) collate Latin1_General_CI_AS) with (check_constraints, rows_per_batch = 2)",
        &[],
    );
    let column = |name: &str, ty| ResultColumn {
        name: name.into(),
        ty,
        nullable: true,
        identity: false,
        computed: false,
        updatable: false,
        user_type: None,
        source: None,
    };
    let columns = [
        column("RegionID", SqlType::INT),
        column("RegionDescription", SqlType::nvarchar(50, holdfast_types::CollationId::SERVER_DEFAULT)),
    ];
    let rows = vec![vec![Value::Int(20), Value::string("a")], vec![Value::Int(21), Value::string("b")]];
    let mut sink = Collected::new();
    s.bulk_load(&columns, rows.clone(), &mut sink);
    assert!(sink.messages.is_empty(), "{:?}", sink.messages);
    check(
        s,
        "select RegionID, datalength(RegionDescription) from Region where RegionID >= 20",
        &["20|100", "21|100"],
    );
    let mut sink = Collected::new();
    s.bulk_load(&columns, rows, &mut sink);
    assert_eq!(sink.messages[0].number, 4002);
}

/// A file of several pieces whose rows go in as records, as values and not at all, in its order.
#[test]
fn files_in_pieces() {
    use std::fmt::Write;
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "706_full_pubs") else { return };
    let wrong_row = |row: u64| {
        format!(
            "!4864:1:Bulk load data conversion error (type mismatch or invalid character for the specified codepage) for row {row}, column 1 (n)."
        )
    };
    let file = dir.path().join("rows.txt");
    let (mut text, mut wrong, mut entered, mut sum) = (String::new(), 0, 0, 0u64);
    for n in 1..=60_000u64 {
        // Every tenth needs the general way, a few are wrong.
        let (number, bad) = match n % 10 {
            _ if n % 20_000 == 7 => (format!("x{n}"), true),
            0 => (format!(" {n} "), false),
            _ => (n.to_string(), false),
        };
        writeln!(text, "{number}\t{}\t{}", "text ".repeat(n as usize % 9), n % 1000).unwrap();
        if bad {
            wrong += 1;
        } else {
            (entered, sum) = (entered + 1, sum + n);
        }
    }
    assert!(text.len() > 1 << 20, "one piece");
    text.pop();
    std::fs::write(&file, &text).unwrap();
    check(s, "create table plain (n int not null, t varchar(60), d decimal(9,2))", &[]);
    check(
        s,
        "create table given (i int identity, n int not null primary key, t varchar(60), d decimal(9,2), s as n * 2)",
        &[],
    );
    check(s, "create view as_file as select n, t, d from given", &[]);
    for table in ["plain", "as_file"] {
        let load = format!("bulk insert {table} from '{}'", file.display());
        let mut answers = vec![format!("{entered}|{sum}")];
        answers.extend([7, 20_007, 40_007].map(wrong_row));
        assert_eq!(wrong, 3);
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        check(s, &format!("{load}; select count(*), sum(cast(n as bigint)) from {table}"), &answers);
    }
    // In the file's order, and the same either way.
    check(
        s,
        "select count(*) from given g join given h on h.i = g.i + 1 where h.n <= g.n; select count(*) from (select n, t, d from plain except select n, t, d from given) x",
        &["0", "0"],
    );
    check(
        s,
        &format!(
            "bulk insert plain from '{}' with (maxerrors = 2); select count(*) from plain",
            file.display()
        ),
        &[
            &entered.to_string(),
            &wrong_row(7),
            &wrong_row(20_007),
            "!4865:1:Cannot bulk load because the maximum number of errors (2) was exceeded.",
            ENDED,
        ],
    );
}

/// Many changes, some of them taken back; then the file is clean: every index equals its table, maps and counts agree.
#[test]
fn many_changes_leave_a_clean_database() {
    use std::sync::Arc;

    use holdfast_engine::check::check as structure;
    use holdfast_format::{MemoryPages, PageSource};
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "northwind") else { return };
    let mut seed = 7u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..120 {
        let (a, b, c) = (10_248 + next(830), 1 + next(77), next(9));
        let statement = match c {
            0 => format!(
                "insert Orders (CustomerID, EmployeeID, OrderDate, ShipName, ShipCity) select CustomerID, EmployeeID, getdate(), replicate('n', {b} % 40), ShipCity from Orders where OrderID % 50 = {b} % 50"
            ),
            1 => format!(
                "update Orders set ShipName = replicate(char(65 + OrderID % 26), {b} % 40), ShipPostalCode = '{round}' where OrderID between {a} and {a} + 40"
            ),
            2 => format!(
                "delete [Order Details] where OrderID between {a} and {a} + 5; delete Orders where OrderID between {a} and {a} + 5"
            ),
            3 => format!(
                "insert [Order Details] (OrderID, ProductID, UnitPrice, Quantity) select OrderID, {b}, 1, 2 from Orders o where OrderID % 7 = {b} % 7 and not exists (select * from [Order Details] d where d.OrderID = o.OrderID and d.ProductID = {b})"
            ),
            4 => format!(
                "update [Order Details] set Quantity = Quantity + 1, UnitPrice = UnitPrice * 1.01 where ProductID = {b}"
            ),
            5 => format!(
                "update Customers set CompanyName = left(CompanyName, 30) + '{round}', City = reverse(City), PostalCode = '{a}' where CustomerID like '%{}%'",
                char::from(b'A' + (b % 26) as u8)
            ),
            6 => format!(
                "merge Products p using (select {b} id, 'p{round}' name union all select 1000 + {round}, 'new{round}') v on v.id = p.ProductID when matched then update set ProductName = v.name, UnitsInStock = {b} when not matched then insert (ProductName, SupplierID, CategoryID) values (v.name, 1 + {b} % 29, 1 + {b} % 8);"
            ),
            7 => format!(
                "update Employees set Notes = replicate(convert(nvarchar(max), Notes), 1 + {b} % 3), Photo = null where EmployeeID = 1 + {b} % 9"
            ),
            _ => format!(
                "delete Products where ProductID > 77 and ProductID % 3 = {b} % 3 and not exists (select * from [Order Details] d where d.ProductID = Products.ProductID)"
            ),
        };
        let batch = match next(4) {
            0 => format!("begin tran; {statement}; rollback"),
            1 => format!("begin tran; save tran s; {statement}; rollback tran s; {statement}; commit"),
            _ => statement,
        };
        check(s, &batch, &[]);
    }
    check(
        s,
        "select (select count(*) from Orders with (index(1))) - (select count(*) from Orders with (index(CustomersOrders))), (select sum(convert(bigint, OrderID)) from [Order Details] with (index(1))) - (select sum(convert(bigint, OrderID)) from [Order Details] with (index(ProductID)))",
        &["0|0"],
    );
    check(
        s,
        "select count(*) from [Order Details] d where not exists (select * from Orders o where o.OrderID = d.OrderID)",
        &["0"],
    );
    check(s, "select case when convert(bigint, @@dbts) >= 2000 then 'yes' end", &["yes"]);
    answers::answers(s, "use master; exec sp_detach_db 'nw'");
    let file = std::fs::read_dir(dir.path().join("data"))
        .unwrap()
        .filter_map(|e| e.ok().map(|e| e.path()))
        .find(|p| p.extension().is_some_and(|x| x == "mdf"))
        .unwrap();
    let source: Arc<dyn PageSource> = Arc::new(MemoryPages::from_file(&std::fs::read(file).unwrap()));
    let report = structure(&source, &mut |_, _| {});
    assert!(report.is_clean(), "{report:?}");
}

const DISABLED: &str = "#0:Warning: XML index 'PXML_ProductModel_CatalogDescription' on table 'SalesLT.ProductModel' was disabled, because the statement changes rows that it is over. Rebuild it with ALTER INDEX ... REBUILD on SQL Server.";

/// What the schema of that column allows at least.
const EMPTY: &str = "<ProductDescription xmlns=\"http://schemas.microsoft.com/sqlserver/2004/07/adventure-works/ProductModelDescription\"/>";

/// A table with an XML index, which is not kept up: changes that it need not follow go, the others disable it.
#[test]
fn changes_beside_an_xml_index() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "adventureworkslt2012") else { return };
    check(
        s,
        "update SalesLT.ProductModel set Name = Name + '!' where ProductModelID in (1, 19); select @@rowcount; select count(*) from SalesLT.ProductModel where Name like '%!' and ProductModelID = 19 and CatalogDescription is not null",
        &["2", "1"],
    );
    check(
        s,
        "insert SalesLT.ProductModel (Name) values ('without'); select @@rowcount; delete SalesLT.ProductModel where Name = 'without'; select @@rowcount, (select count(*) from SalesLT.ProductModel)",
        &["1", "1|128"],
    );
    for text in [
        format!("insert SalesLT.ProductModel (Name, CatalogDescription) values ('with', '{EMPTY}')"),
        "update SalesLT.ProductModel set CatalogDescription = null where ProductModelID in (1, 19)"
            .to_owned(),
        format!("update SalesLT.ProductModel set CatalogDescription = '{EMPTY}' where ProductModelID = 1"),
    ] {
        check(s, &format!("begin tran; {text}; rollback"), &[DISABLED]);
    }
    check(
        s,
        "update SalesLT.ProductModel set CatalogDescription = null where ProductModelID = 1; select @@rowcount",
        &["1"],
    );
}

/// Rows go in by the page where nobody else can change the table; what is there then, and after taking it back, is what goes in
/// row by row.
#[test]
fn many_rows_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "northwind") else { return };
    let file = dir.path().join("many.txt");
    let columns = "a int not null, b bigint null, c smallint not null, d money null, e decimal(9,2) null, f real null, g float null, h varchar(30) collate Latin1_General_CI_AS null, i char(4) null, j nvarchar(20) null, k nchar(3) null, l date null, m datetime null, n bit null, o tinyint not null default 7, p uniqueidentifier null";
    let line = |n: i64| {
        let some = |every: i64, text: String| if n % every == 0 { String::new() } else { text };
        let fields = [
            n.to_string(),
            some(5, format!("{}", n * -7_000_000_000)),
            ((n * 31) % 20_000 - 10_000).to_string(),
            some(6, format!("{}.{:04}", n % 977 - 400, n % 10_000)),
            some(7, format!("-{}.{}", n % 9_999, n % 10)),
            some(8, format!("0.{n}")),
            some(9, format!("{n}e-3")),
            some(3, format!("row {n} caf\u{e9}{}", "x".repeat((n % 15) as usize))),
            some(4, "ab".to_owned()),
            some(5, format!("\u{20ac} {n}")),
            some(2, "\u{fc}".to_owned()),
            some(3, format!("20{:02}-0{}-1{}", n % 90 + 10, n % 9 + 1, n % 9)),
            some(4, format!("1999-12-0{} 10:11:12.{:03}", n % 9 + 1, n % 1000)),
            some(2, (n % 2).to_string()),
            some(11, (n % 256).to_string()),
            some(3, format!("00000000-0000-0000-0000-{n:012}")),
        ];
        fields.join("|") + "\r\n"
    };
    let text = |rows: &mut dyn Iterator<Item = i64>| rows.map(line).collect::<String>();
    std::fs::write(&file, text(&mut (1..=3000))).unwrap();
    let load = |table: &str, options: &str| {
        let file = file.display();
        format!("bulk insert {table} from '{file}' with (codepage = '65001', fieldterminator = '|'{options})")
    };
    let differ = |one: &str, other: &str| {
        format!(
            "select count(*) from {one}; select count(*) from (select * from {one} except select * from {other}) x; select count(*) from (select * from {other} except select * from {one}) x"
        )
    };
    check(s, "create database Many", &[]);
    check(s, "use Many", &["#5701:Changed database context to 'Many'."]);
    for (table, key) in [
        ("by_row", ", check(a > 0)"),
        ("heap", ""),
        ("keyed", ", constraint PK_many primary key(a)"),
        ("backward", ", primary key(c desc, a desc)"),
        ("unordered", ", unique clustered(p, a)"),
    ] {
        check(s, &format!("create table {table}({columns}{key})"), &[]);
    }
    check(
        s,
        "create table repeated(a int not null, b varchar(200)); create clustered index x on repeated(a)",
        &[],
    );
    check(s, "create unique index ix on heap(a); create index iy on keyed(h, c)", &[]);
    // Nobody holds the table and there are too few rows for that to change: one by one.
    check(
        s,
        &format!("{}; select count(*) from by_row where o = 7", load("by_row", ", check_constraints")),
        &["283"],
    );
    for table in ["heap", "keyed", "backward", "unordered"] {
        check(s, &load(table, ", tablock"), &[]);
        check(s, &differ(table, "by_row"), &["3000", "0", "0"]);
    }
    // Into the middle and behind, in one transaction that is taken back to a savepoint and then as a whole.
    std::fs::write(&file, text(&mut (3001..=9000).rev().filter(|n| n % 2 == 0))).unwrap();
    for table in ["heap", "keyed", "backward"] {
        check(s, &format!("begin tran; {}; save tran x", load(table, ", tablock")), &[]);
        check(s, &format!("update {table} set h = replicate('z', 30), b = 1 where a > 2900"), &[]);
        check(
            s,
            &format!(
                "insert {table}(a, c, h) select a + 1, c, replicate('y', 25) from {table} where a > 3000"
            ),
            &[],
        );
        check(s, &format!("delete {table} where a % 3 = 0"), &[]);
        check(s, &format!("select count(*), sum(a) from {table}"), &["6000|27006000"]);
        check(s, "rollback tran x", &[]);
        check(
            s,
            &format!("select count(*), sum(a), sum(iif(b is null, 0, 1)) from {table}"),
            &["6000|22504500|4800"],
        );
        check(s, &format!("insert {table}(a, c) select a + 1, c from {table} where a > 3000; rollback"), &[]);
        check(s, &differ(table, "by_row"), &["3000", "0", "0"]);
        check(s, &format!("{}; delete {table} where a > 3000", load(table, ", tablock")), &[]);
        check(s, &differ(table, "by_row"), &["3000", "0", "0"]);
    }
    // Without TABLOCK the lock on the table comes with the rows; the same key twice is found wherever it comes.
    std::fs::write(&file, text(&mut (3001..=12_000).chain([11_999]))).unwrap();
    let twice = "!2627:1:Violation of PRIMARY KEY constraint 'PK_many'. Cannot insert duplicate key in object 'dbo.keyed'. The duplicate key value is (11999).";
    check(s, &load("keyed", ""), &[twice, ENDED]);
    check(s, &differ("keyed", "by_row"), &["3000", "0", "0"]);
    // Rows of equal keys keep apart.
    check(
        s,
        "insert repeated with (tablockx) select a / 3, h from by_row; insert repeated select a / 3, h from by_row where a > 2000",
        &[],
    );
    check(s, "select count(*), count(distinct a), sum(a) from repeated", &["4000|1001|2332667"]);
    check(s, "select a, b, h into made from by_row", &[]);
    check(s, "select count(*), sum(cast(a as bigint)) from made", &["3000|4501500"]);
    check(s, "dbcc checkdb with no_infomsgs", &[]);
}

/// AdventureWorksLT2012: an indexed view over four tables and an XML index, as SQL Server made them.
#[test]
fn what_a_genuine_database_carries_along() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "adventureworkslt") else { return };
    let same = "select count(*) from (select * from SalesLT.vProductAndDescription with (noexpand) except select * from SalesLT.vProductAndDescription) x;
        select count(*) from (select * from SalesLT.vProductAndDescription except select * from SalesLT.vProductAndDescription with (noexpand)) x;
        select count(*) from SalesLT.vProductAndDescription with (noexpand)";
    check(s, same, &["0", "0", "1764"]);
    check(
        s,
        "update SalesLT.Product set Name = Name + '!' where ProductID = 680;
         select count(*) from SalesLT.vProductAndDescription with (noexpand) where Name like '%!'",
        &["6"],
    );
    check(s, same, &["0", "0", "1764"]);
    check(
        s,
        "delete SalesLT.ProductModelProductDescription where ProductModelID = 6 and Culture = 'fr';
         update SalesLT.ProductDescription set Description = 'changed' where ProductDescriptionID = 513;
         insert SalesLT.ProductModelProductDescription (ProductModelID, ProductDescriptionID, Culture) values (6, 513, 'xx')",
        &[],
    );
    check(s, same, &["0", "0", "1764"]);
    check(
        s,
        "insert SalesLT.ProductModelProductDescription (ProductModelID, ProductDescriptionID, Culture) values (6, 513, 'yy');
         select count(*) from SalesLT.vProductAndDescription with (noexpand) where Culture = 'yy'",
        &["11"],
    );
    // Rows that the XML index does not have may change; the first that it has disables it.
    let off = "select is_disabled from sys.indexes where name = 'PXML_ProductModel_CatalogDescription' and object_id = object_id('SalesLT.ProductModel');
        select count(*) from sys.xml_index_nodes_1381579960_256000";
    check(s, "insert SalesLT.ProductModel (Name) values ('new')", &[]);
    check(s, off, &["0", "350"]);
    check(
        s,
        "begin tran; update SalesLT.ProductModel set CatalogDescription = null where ProductModelID = 19; rollback",
        &[DISABLED],
    );
    check(s, off, &["0", "350"]);
    // What begins again sets variables once, and calls once.
    check(
        s,
        "declare @n int = 0; begin tran;
         update SalesLT.ProductModel set @n = @n + 1, CatalogDescription = null where ProductModelID in (19, 23); select @n; rollback",
        &["2", DISABLED],
    );
    check(
        s,
        &format!(
            "begin tran; insert SalesLT.ProductModel (Name, CatalogDescription) exec ('print ''once''; select ''x'', ''{EMPTY}'''); rollback"
        ),
        &[DISABLED, "#0:once"],
    );
    check(s, off, &["0", "350"]);
    check(
        s,
        "update SalesLT.ProductModel set CatalogDescription = null where ProductModelID = 19",
        &[DISABLED],
    );
    check(s, off, &["1", "0"]);
    check(s, "update SalesLT.ProductModel set CatalogDescription = null where ProductModelID = 23", &[]);
    check(s, "select count(*) from SalesLT.ProductModel where CatalogDescription is not null", &["4"]);
    // ALL leaves it as it is.
    let left = "#0:Warning: XML index 'PXML_ProductModel_CatalogDescription' on table 'SalesLT.ProductModel' stays disabled. Rebuild it with ALTER INDEX ... REBUILD on SQL Server.";
    check(s, "alter index all on SalesLT.ProductModel rebuild", &[left]);
    check(s, off, &["1", "0"]);
    check(s, "select count(*) from SalesLT.ProductModel", &["129"]);
    check(s, "dbcc checkdb with no_infomsgs, extended_logical_checks", &[]);
    check(
        s,
        "drop index PXML_ProductModel_CatalogDescription on SalesLT.ProductModel;
         select count(*) from sys.objects where name like 'xml_index_nodes%'; select count(*) from sys.indexes where type = 3",
        &["0", "0"],
    );
    check(s, "dbcc checkdb with no_infomsgs", &[]);
}

/// AdventureWorksLT2012: AK_SalesOrderHeader_SalesOrderNumber is over a computed column that no row holds, and the trigger of
/// the order's lines changes the order.
#[test]
fn a_genuine_index_over_a_computed_column() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut sample(dir.path(), "adventureworkslt") else { return };
    let orders =
        "select count(*), min(SalesOrderNumber), max(SalesOrderNumber) from SalesLT.SalesOrderHeader";
    check(s, "dbcc checkdb with no_infomsgs", &[]);
    check(s, orders, &["32|SO71774|SO71946"]);
    check(
        s,
        "update SalesLT.SalesOrderDetail set OrderQty = OrderQty + 1 where SalesOrderID = 71774;
         select RevisionNumber from SalesLT.SalesOrderHeader where SalesOrderNumber = 'SO71774'",
        &["3"],
    );
    check(
        s,
        "begin tran;
         delete SalesLT.SalesOrderDetail where SalesOrderID = 71946;
         delete SalesLT.SalesOrderHeader where SalesOrderNumber = 'SO71946';
         set identity_insert SalesLT.SalesOrderHeader on;
         insert SalesLT.SalesOrderHeader (SalesOrderID, DueDate, CustomerID, ShipMethod) values (80000, '20300101', 29847, 'x');
         set identity_insert SalesLT.SalesOrderHeader off",
        &[],
    );
    check(s, orders, &["32|SO71774|SO80000"]);
    check(s, "dbcc checkdb with no_infomsgs", &[]);
    check(s, "rollback", &[]);
    check(s, orders, &["32|SO71774|SO71946"]);
    check(
        s,
        "delete SalesLT.SalesOrderHeader where SalesOrderID = 71946; select count(*) from SalesLT.SalesOrderDetail where SalesOrderID = 71946",
        &["0"],
    );
    check(s, orders, &["31|SO71774|SO71938"]);
    check(s, "alter index all on SalesLT.SalesOrderHeader rebuild", &[]);
    check(s, "dbcc checkdb with no_infomsgs", &[]);
}
