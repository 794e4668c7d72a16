//! Statements that change rows of a restored database: constraints, foreign keys, transactions; afterwards its structures are
//! checked.

#[path = "common/answers.rs"]
mod answers;

use answers::{check, northwind};

const ENDED: &str = "#3621:The statement has been terminated.";

#[test]
fn northwind_changes() {
    let dir = tempfile::tempdir().unwrap();
    let Some(s) = &mut northwind(dir.path()) else { return };
    check(s, "insert Categories (CategoryName, Description) values ('New', 'd'); select @@rowcount, @@identity, scope_identity(), ident_current('Categories')", &["1|9|9|9"]);
    check(s, "select CategoryID, CategoryName from Categories where CategoryID > 7", &["8|Seafood", "9|New"]);
    check(s, "update Categories set CategoryName = CategoryName + '!' where CategoryID = 9; delete Categories where CategoryID = 9; select count(*) from Categories", &["8"]);
    check(
        s,
        "delete Categories where CategoryID = 1",
        &["!547:1:The DELETE statement conflicted with the REFERENCE constraint \"FK_Products_Categories\". The conflict occurred in database \"nw\", table \"dbo.Products\", column 'CategoryID'.", ENDED],
    );
    check(
        s,
        "update Products set CategoryID = 77 where ProductID = 1",
        &["!547:1:The UPDATE statement conflicted with the FOREIGN KEY constraint \"FK_Products_Categories\". The conflict occurred in database \"nw\", table \"dbo.Categories\", column 'CategoryID'.", ENDED],
    );
    check(
        s,
        "update Products set UnitPrice = -1 where ProductID = 1",
        &["!547:1:The UPDATE statement conflicted with the CHECK constraint \"CK_Products_UnitPrice\". The conflict occurred in database \"nw\", table \"dbo.Products\", column 'UnitPrice'.", ENDED],
    );
    check(s, "insert Customers (CustomerID, CompanyName) values ('ALFKI', 'x')", &["!2627:1:Violation of PRIMARY KEY constraint 'PK_Customers'. Cannot insert duplicate key in object 'dbo.Customers'. The duplicate key value is (ALFKI).", ENDED]);
    check(s, "insert Customers (CustomerID) values ('ZZZZZ')", &["!515:1:Cannot insert the value NULL into column 'CompanyName', table 'nw.dbo.Customers'; column does not allow nulls. INSERT fails.", ENDED]);
    check(s, "insert Customers (CustomerID, CompanyName) values ('TOOLONG', 'x')", &["!2628:1:String or binary data would be truncated in table 'nw.dbo.Customers', column 'CustomerID'. Truncated value: 'TOOLO'.", ENDED]);
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
