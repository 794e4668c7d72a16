//! Plans and result columns as text, for one query after the other.

mod fixture;

use expect_test::{Expect, expect};

fn check(queries: &[&str], expected: &Expect) {
    let mut out = String::new();
    for q in queries {
        out.push_str(&format!("-- {q}\n-> {}\n{}", fixture::columns(q), fixture::plan(q)));
    }
    expected.assert_eq(&out);
}

#[test]
fn access_paths() {
    check(
        &[
            "SELECT Name FROM Customers WHERE Id IN (1,2,3) ORDER BY Id DESC",
            "SELECT * FROM vOrders WHERE Id = 3",
            "SELECT Name FROM Customers WHERE Name LIKE N'abc%'",
            "SELECT Id FROM Orders WHERE Placed >= '20240101' AND Placed < '20250101' AND CustomerId = 3",
            "SELECT Id FROM Orders WHERE CustomerId = CAST(3 AS bigint)",
            "SELECT Id FROM Customers WHERE Name = 'abc'",
            "SELECT Id FROM Customers WHERE Name > N'm' ORDER BY Name",
            "SELECT Customers.Name FROM dbo.Customers WHERE Customers.Id BETWEEN 1 AND 5",
            "SELECT * FROM Orders WHERE Total = 5 OR CustomerId = 3",
            "SELECT * FROM Orders WHERE 1 = 0",
            "SELECT * FROM Orders WHERE @i = 1 AND Id = 3",
            "SELECT Name FROM Customers WHERE City LIKE '%x%' AND Code IS NULL",
        ],
        &expect![[r#"
            -- SELECT Name FROM Customers WHERE Id IN (1,2,3) ORDER BY Id DESC
            -> Name nvarchar(50) not null
            Project #1
              Seek dbo.Customers PK_Customers {= 1; = 2; = 3} backward [Id Name]
            -- SELECT * FROM vOrders WHERE Id = 3
            -> Id int not null, Name nvarchar(50) not null, Total money
            Project #0, #3, #2
              Loops Inner (@2 := #1)
                Seek dbo.Orders PK_Orders {= 3} [Id CustomerId Total]
                Seek dbo.Customers PK_Customers {= @2} [Name]
            -- SELECT Name FROM Customers WHERE Name LIKE N'abc%'
            -> Name nvarchar(50) not null
            Seek dbo.Customers IX_Name {>= 'abc', < 'abd'} [Name] where #0 like 'abc%'
            -- SELECT Id FROM Orders WHERE Placed >= '20240101' AND Placed < '20250101' AND CustomerId = 3
            -> Id int not null
            Seek dbo.Orders IX_Customer {= 3, >= datetime('20240101'), < datetime('20250101')} [Id]
            -- SELECT Id FROM Orders WHERE CustomerId = CAST(3 AS bigint)
            -> Id int not null
            Seek dbo.Orders IX_Customer {= int(bigint(3))} [Id]
            -- SELECT Id FROM Customers WHERE Name = 'abc'
            -> Id int not null
            Project #0
              Seek dbo.Customers IX_Name {= 'abc'} [Id Name] where #1 = 'abc'
            -- SELECT Id FROM Customers WHERE Name > N'm' ORDER BY Name
            -> Id int not null
            Project #0
              Seek dbo.Customers IX_Name {> 'm'} [Id Name] where #1 > 'm'
            -- SELECT Customers.Name FROM dbo.Customers WHERE Customers.Id BETWEEN 1 AND 5
            -> Name nvarchar(50) not null
            Seek dbo.Customers PK_Customers {>= 1, <= 5} [Name]
            -- SELECT * FROM Orders WHERE Total = 5 OR CustomerId = 3
            -> Id int not null, CustomerId int not null, Placed datetime not null, Total money
            Scan dbo.Orders [Id CustomerId Placed Total] where (#3 = Money(50000) or #1 = 3)
            -- SELECT * FROM Orders WHERE 1 = 0
            -> Id int not null, CustomerId int not null, Placed datetime not null, Total money
            StartupFilter Some(false)
              Scan dbo.Orders [Id CustomerId Placed Total]
            -- SELECT * FROM Orders WHERE @i = 1 AND Id = 3
            -> Id int not null, CustomerId int not null, Placed datetime not null, Total money
            StartupFilter @0 = 1
              Seek dbo.Orders PK_Orders {= 3} [Id CustomerId Placed Total]
            -- SELECT Name FROM Customers WHERE City LIKE '%x%' AND Code IS NULL
            -> Name nvarchar(50) not null
            Project #0
              Scan dbo.Customers [Name City Code] where (#1 like '%x%' and #2 is null)
        "#]],
    );
}

#[test]
fn joins() {
    check(
        &[
            "SELECT TOP 10 c.Name, o.Total FROM Customers c JOIN Orders o ON o.CustomerId = c.Id WHERE c.Id = 7 ORDER BY o.Placed DESC",
            "SELECT c.Name, f.Id FROM Customers c CROSS APPLY dbo.fOrdersOf(c.Id) f",
            "SELECT o.Id FROM Orders o, Lines l, Customers c WHERE o.Id = l.OrderId AND c.Id = o.CustomerId AND c.City = 'x'",
            "SELECT c.Id FROM Customers c LEFT JOIN Orders o ON o.CustomerId = c.Id WHERE o.Id IS NULL",
            "SELECT * FROM Customers c LEFT JOIN (Orders o JOIN Lines l ON l.OrderId = o.Id) ON o.CustomerId = c.Id WHERE c.Id = 1",
            "SELECT * FROM Customers c RIGHT JOIN Orders o ON o.CustomerId = c.Id",
            "SELECT * FROM Customers c FULL JOIN Orders o ON o.CustomerId = c.Id",
        ],
        &expect![[r#"
            -- SELECT TOP 10 c.Name, o.Total FROM Customers c JOIN Orders o ON o.CustomerId = c.Id WHERE c.Id = 7 ORDER BY o.Placed DESC
            -> Name nvarchar(50) not null, Total money
            Project #1, #4
              Sort #3 desc top 10L
                Loops Inner (@2 := #0)
                  Seek dbo.Customers PK_Customers {= 7} [Id Name]
                  Seek dbo.Orders IX_Customer {= @2} [CustomerId Placed Total] where #0 = 7
            -- SELECT c.Name, f.Id FROM Customers c CROSS APPLY dbo.fOrdersOf(c.Id) f
            -> Name nvarchar(50) not null, Id int not null
            Project #1, #2
              Loops Inner (@2 := #0)
                Scan dbo.Customers [Id Name]
                Loops Inner (@3 := @2)
                  Values 1
                  Seek dbo.Orders IX_Customer {= @3} [Id]
            -- SELECT o.Id FROM Orders o, Lines l, Customers c WHERE o.Id = l.OrderId AND c.Id = o.CustomerId AND c.City = 'x'
            -> Id int not null
            Project #2
              Loops Inner (@3 := #2)
                Loops Inner (@2 := #0)
                  Scan dbo.Customers [Id City] where #1 = 'x'
                  Seek dbo.Orders IX_Customer {= @2} [Id]
                Seek dbo.Lines PK_Lines {= @3} []
            -- SELECT c.Id FROM Customers c LEFT JOIN Orders o ON o.CustomerId = c.Id WHERE o.Id IS NULL
            -> Id int not null
            Project #2
              Filter #0 is null
                HashJoin Right #1 = #0
                  Scan dbo.Orders [Id CustomerId]
                  Scan dbo.Customers [Id]
            -- SELECT * FROM Customers c LEFT JOIN (Orders o JOIN Lines l ON l.OrderId = o.Id) ON o.CustomerId = c.Id WHERE c.Id = 1
            -> Id int not null, Name nvarchar(50) not null, City nvarchar(30), Credit decimal(10,2), Code varchar(10), Id int, CustomerId int, Placed datetime, Total money, OrderId int, No smallint, Product nvarchar(40), Quantity int
            Project #8, #9, #10, #11, #12, #4, #5, #6, #7, #0, #1, #2, #3
              HashJoin Right #5 = #0
                HashJoin Inner #0 = #0
                  Scan dbo.Lines [OrderId No Product Quantity]
                  Scan dbo.Orders [Id CustomerId Placed Total]
                Seek dbo.Customers PK_Customers {= 1} [Id Name City Credit Code]
            -- SELECT * FROM Customers c RIGHT JOIN Orders o ON o.CustomerId = c.Id
            -> Id int, Name nvarchar(50), City nvarchar(30), Credit decimal(10,2), Code varchar(10), Id int not null, CustomerId int not null, Placed datetime not null, Total money
            Project #4, #5, #6, #7, #8, #0, #1, #2, #3
              HashJoin Left #1 = #0
                Scan dbo.Orders [Id CustomerId Placed Total]
                Scan dbo.Customers [Id Name City Credit Code]
            -- SELECT * FROM Customers c FULL JOIN Orders o ON o.CustomerId = c.Id
            -> Id int, Name nvarchar(50), City nvarchar(30), Credit decimal(10,2), Code varchar(10), Id int, CustomerId int, Placed datetime, Total money
            Project #4, #5, #6, #7, #8, #0, #1, #2, #3
              HashJoin Full #1 = #0
                Scan dbo.Orders [Id CustomerId Placed Total]
                Scan dbo.Customers [Id Name City Credit Code]
        "#]],
    );
}

#[test]
fn grouping() {
    check(
        &[
            "SELECT City, COUNT(*) AS n FROM Customers GROUP BY City HAVING COUNT(*) > 1 ORDER BY n DESC",
            "SELECT City, GROUPING(City) g, COUNT(*) FROM Customers GROUP BY ROLLUP(City)",
            "SELECT City AS Name, COUNT(*) FROM Customers GROUP BY City ORDER BY Name",
            "SELECT YEAR(Placed), SUM(Total) FROM Orders GROUP BY YEAR(Placed) ORDER BY YEAR(Placed)",
            "SELECT COUNT(DISTINCT City), AVG(Credit), MIN(Name) FROM Customers",
            "SELECT City, Name, COUNT(*), GROUPING_ID(City, Name) FROM Customers GROUP BY GROUPING SETS ((City), (City, Name), ()) HAVING COUNT(*) > 0",
            "SELECT SUM(Quantity) FROM Lines l JOIN Orders o ON o.Id = l.OrderId JOIN Customers c ON c.Id = o.CustomerId WHERE c.City = N'Rome' GROUP BY c.Name ORDER BY 1 DESC",
        ],
        &expect![[r#"
            -- SELECT City, COUNT(*) AS n FROM Customers GROUP BY City HAVING COUNT(*) > 1 ORDER BY n DESC
            -> City nvarchar(30), n int not null
            Sort #1 desc
              Filter #1 > 1
                HashAggregate by (#0) compute (COUNT(*))
                  Scan dbo.Customers [City]
            -- SELECT City, GROUPING(City) g, COUNT(*) FROM Customers GROUP BY ROLLUP(City)
            -> City nvarchar(30), g tinyint not null, - int not null
            Project #0, #2, #1
              Project #0, #1, tinyint((((#2 / 1) & 1) * 1))
                HashAggregate by (#0) compute (COUNT(*)) sets [[0], []]
                  Scan dbo.Customers [City]
            -- SELECT City AS Name, COUNT(*) FROM Customers GROUP BY City ORDER BY Name
            -> Name nvarchar(30), - int not null
            Sort #0
              HashAggregate by (#0) compute (COUNT(*))
                Scan dbo.Customers [City]
            -- SELECT YEAR(Placed), SUM(Total) FROM Orders GROUP BY YEAR(Placed) ORDER BY YEAR(Placed)
            -> - int not null, - money
            Sort #0
              HashAggregate by (year(#0)) compute (SUM(#1))
                Scan dbo.Orders [Placed Total]
            -- SELECT COUNT(DISTINCT City), AVG(Credit), MIN(Name) FROM Customers
            -> - int not null, - decimal(38,6), - nvarchar(50)
            HashAggregate by () compute (COUNT(distinct #1), AVG(#2), MIN(#0))
              Scan dbo.Customers [Name City Credit]
            -- SELECT City, Name, COUNT(*), GROUPING_ID(City, Name) FROM Customers GROUP BY GROUPING SETS ((City), (City, Name), ()) HAVING COUNT(*) > 0
            -> City nvarchar(30), Name nvarchar(50), - int not null, - int not null
            Project #0, #1, #2, ((((#3 / 2) & 1) * 2) + (((#3 / 1) & 1) * 1))
              Filter #2 > 0
                HashAggregate by (#1, #0) compute (COUNT(*)) sets [[0], [0, 1], []]
                  Scan dbo.Customers [Name City]
            -- SELECT SUM(Quantity) FROM Lines l JOIN Orders o ON o.Id = l.OrderId JOIN Customers c ON c.Id = o.CustomerId WHERE c.City = N'Rome' GROUP BY c.Name ORDER BY 1 DESC
            -> - int
            Project #1
              Sort #1 desc
                HashAggregate by (#1) compute (SUM(#4))
                  Loops Inner (@3 := #3)
                    Loops Inner (@2 := #0)
                      Scan dbo.Customers [Id Name City] where #2 = 'Rome'
                      Seek dbo.Orders IX_Customer {= @2} [Id]
                    Seek dbo.Lines PK_Lines {= @3} [Quantity]
        "#]],
    );
}

#[test]
fn subqueries() {
    check(
        &[
            "SELECT c.Name FROM Customers c WHERE EXISTS (SELECT 1 FROM Orders o WHERE o.CustomerId = c.Id)",
            "WITH t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT n FROM t",
            "SELECT Id FROM Customers WHERE Id NOT IN (SELECT CustomerId FROM Orders)",
            "SELECT * FROM (SELECT CustomerId, Total, Id FROM Orders) s PIVOT (SUM(Total) FOR CustomerId IN ([1],[2])) p",
            "SELECT c.City, (SELECT COUNT(*) FROM Orders o WHERE o.CustomerId = MAX(c.Id)) FROM Customers c GROUP BY c.City",
            "SELECT c.City, COUNT(*) FROM Customers c GROUP BY c.City HAVING EXISTS (SELECT 1 FROM Orders o WHERE o.CustomerId = COUNT(*))",
            "SELECT c.Id, x.Total FROM Customers c OUTER APPLY (SELECT TOP 1 o.Total FROM Orders o WHERE o.CustomerId = c.Id ORDER BY o.Placed DESC) x",
            "WITH a AS (SELECT Id, Name FROM Customers), b AS (SELECT a.Id, o.Total FROM a JOIN Orders o ON o.CustomerId = a.Id) SELECT b.*, a.Name FROM b JOIN a ON a.Id = b.Id",
            "SELECT Id FROM Orders WHERE Total > ALL (SELECT Credit FROM Customers)",
            "SELECT Id FROM Orders WHERE Id = (SELECT MAX(OrderId) FROM Lines)",
            "SELECT OrderId, No, u.k, u.v FROM (SELECT OrderId, No, Quantity, OrderId + 0 AS q2 FROM Lines) l UNPIVOT (v FOR k IN (Quantity, q2)) u",
            "SELECT c.Name FROM Customers c WHERE c.Id IN (SELECT o.CustomerId FROM Orders o WHERE o.Total > c.Credit)",
            "SELECT c.Name FROM Customers c WHERE NOT EXISTS (SELECT * FROM Orders o JOIN Lines l ON l.OrderId = o.Id WHERE o.CustomerId = c.Id AND l.Quantity > 5)",
            "SELECT * FROM (SELECT TOP 5 * FROM Orders ORDER BY Placed) t WHERE t.Id = 1",
            "SELECT t.* FROM (VALUES (1),(2)) t(n) WHERE EXISTS (SELECT 1 FROM Orders WHERE Id = n)",
            "SELECT Name, (SELECT Name FROM Customers c2 WHERE c2.Id = c.Id + (SELECT COUNT(*) FROM Orders o WHERE o.CustomerId = c.Id)) FROM Customers c",
            "SELECT c.Name, STUFF((SELECT ',' + CAST(o.Id AS varchar(10)) FROM Orders o WHERE o.CustomerId = c.Id FOR XML PATH('')), 1, 1, '') FROM Customers c",
        ],
        &expect![[r#"
            -- SELECT c.Name FROM Customers c WHERE EXISTS (SELECT 1 FROM Orders o WHERE o.CustomerId = c.Id)
            -> Name nvarchar(50) not null
            Project #1
              HashJoin LeftSemi #0 = #0
                Scan dbo.Customers [Id Name]
                Scan dbo.Orders [CustomerId]
            -- WITH t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT n FROM t
            -> n int
            RecursiveCte #0
              Project 1
                Values 1
              Project (#0 + 1)
                Filter #0 < 10
                  CteRead #0
            -- SELECT Id FROM Customers WHERE Id NOT IN (SELECT CustomerId FROM Orders)
            -> Id int not null
            HashJoin LeftAnti #0 = #0
              Scan dbo.Customers [Id]
              Scan dbo.Orders [CustomerId]
            -- SELECT * FROM (SELECT CustomerId, Total, Id FROM Orders) s PIVOT (SUM(Total) FOR CustomerId IN ([1],[2])) p
            -> Id int not null, 1 money, 2 money
            HashAggregate by (#0) compute (SUM(case when #1 = int('1') then #2 end), SUM(case when #1 = int('2') then #2 end))
              Scan dbo.Orders [Id CustomerId Total]
            -- SELECT c.City, (SELECT COUNT(*) FROM Orders o WHERE o.CustomerId = MAX(c.Id)) FROM Customers c GROUP BY c.City
            -> City nvarchar(30), - int
            Project #0, scalar[@3 := #1: HashAggregate by () compute (COUNT(*)) | Seek dbo.Orders IX_Customer {= @3} []]
              HashAggregate by (#1) compute (MAX(#0))
                Scan dbo.Customers [Id City]
            -- SELECT c.City, COUNT(*) FROM Customers c GROUP BY c.City HAVING EXISTS (SELECT 1 FROM Orders o WHERE o.CustomerId = COUNT(*))
            -> 147: An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list, and the column being aggregated is an outer reference.
            147: An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list, and the column being aggregated is an outer reference.
            -- SELECT c.Id, x.Total FROM Customers c OUTER APPLY (SELECT TOP 1 o.Total FROM Orders o WHERE o.CustomerId = c.Id ORDER BY o.Placed DESC) x
            -> Id int not null, Total money
            Project #0, #2
              Loops Left (@2 := #0)
                Scan dbo.Customers [Id]
                Top 1L
                  Seek dbo.Orders IX_Customer {= @2} backward [Placed Total]
            -- WITH a AS (SELECT Id, Name FROM Customers), b AS (SELECT a.Id, o.Total FROM a JOIN Orders o ON o.CustomerId = a.Id) SELECT b.*, a.Name FROM b JOIN a ON a.Id = b.Id
            -> Id int not null, Total money, Name nvarchar(50) not null
            Project #2, #1, #4
              HashJoin Inner #0 = #0
                Scan dbo.Orders [CustomerId Total]
                HashJoin Inner #0 = #0
                  Scan dbo.Customers [Id]
                  Scan dbo.Customers [Id Name]
            -- SELECT Id FROM Orders WHERE Total > ALL (SELECT Credit FROM Customers)
            -> Id int not null
            Project #0
              Scan dbo.Orders [Id Total] where decimal(19,4)(#1) > all[: Project decimal(19,4)(#0) | Scan dbo.Customers [Credit]]
            -- SELECT Id FROM Orders WHERE Id = (SELECT MAX(OrderId) FROM Lines)
            -> Id int not null
            Scan dbo.Orders [Id] where #0 = scalar[: HashAggregate by () compute (MAX(#0)) | Scan dbo.Lines [OrderId]]
            -- SELECT OrderId, No, u.k, u.v FROM (SELECT OrderId, No, Quantity, OrderId + 0 AS q2 FROM Lines) l UNPIVOT (v FOR k IN (Quantity, q2)) u
            -> OrderId int not null, No smallint not null, k nvarchar(128) not null, v int not null
            Filter #3 is not null
              Project #0, #1, #5, case when #4 = 0 then #2 when #4 = 1 then #3 end
                Loops Inner
                  Project #0, #1, #2, (#0 + 0)
                    Scan dbo.Lines [OrderId No Quantity]
                  Values 2
            -- SELECT c.Name FROM Customers c WHERE c.Id IN (SELECT o.CustomerId FROM Orders o WHERE o.Total > c.Credit)
            -> Name nvarchar(50) not null
            Project #1
              HashJoin LeftSemi #0 = #0 where decimal(19,4)(#4) > decimal(19,4)(#2)
                Scan dbo.Customers [Id Name Credit]
                Scan dbo.Orders [CustomerId Total]
            -- SELECT c.Name FROM Customers c WHERE NOT EXISTS (SELECT * FROM Orders o JOIN Lines l ON l.OrderId = o.Id WHERE o.CustomerId = c.Id AND l.Quantity > 5)
            -> Name nvarchar(50) not null
            Project #1
              HashJoin LeftAnti #0 = #3
                Scan dbo.Customers [Id Name]
                HashJoin Inner #0 = #0
                  Scan dbo.Lines [OrderId Quantity] where #1 > 5
                  Scan dbo.Orders [Id CustomerId]
            -- SELECT * FROM (SELECT TOP 5 * FROM Orders ORDER BY Placed) t WHERE t.Id = 1
            -> Id int not null, CustomerId int not null, Placed datetime not null, Total money
            Filter #0 = 1
              Sort #2 top 5L
                Scan dbo.Orders [Id CustomerId Placed Total]
            -- SELECT t.* FROM (VALUES (1),(2)) t(n) WHERE EXISTS (SELECT 1 FROM Orders WHERE Id = n)
            -> n int not null
            Loops LeftSemi (@3 := #0)
              Values 2
              Seek dbo.Orders PK_Orders {= @3} []
            -- SELECT Name, (SELECT Name FROM Customers c2 WHERE c2.Id = c.Id + (SELECT COUNT(*) FROM Orders o WHERE o.CustomerId = c.Id)) FROM Customers c
            -> Name nvarchar(50) not null, - nvarchar(50)
            Project #1, scalar[@2 := #0: Project #1 | Scan dbo.Customers [Id Name] where #0 = (@2 + scalar[: HashAggregate by () compute (COUNT(*)) | Seek dbo.Orders IX_Customer {= @2} []])]
              Scan dbo.Customers [Id Name]
            -- SELECT c.Name, STUFF((SELECT ',' + CAST(o.Id AS varchar(10)) FROM Orders o WHERE o.CustomerId = c.Id FOR XML PATH('')), 1, 1, '') FROM Customers c
            -> Name nvarchar(50) not null, - nvarchar(max)
            Project #1, stuff(scalar[@2 := #0: ForXml Path { element: "" } | Project (',' || varchar(10)(#0)) | Seek dbo.Orders IX_Customer {= @2} [Id]], 1L, 1L, '')
              Scan dbo.Customers [Id Name]
        "#]],
    );
}

#[test]
fn windows() {
    check(
        &[
            "SELECT Id, ROW_NUMBER() OVER (PARTITION BY CustomerId ORDER BY Placed) rn FROM Orders",
            "SELECT LAG(Total, 1, 0) OVER (PARTITION BY CustomerId ORDER BY Placed), SUM(Total) OVER (PARTITION BY CustomerId ORDER BY Placed ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), COUNT(*) OVER () FROM Orders",
            "SELECT ROW_NUMBER() OVER (ORDER BY (SELECT NULL)) FROM Orders",
        ],
        &expect![[r#"
            -- SELECT Id, ROW_NUMBER() OVER (PARTITION BY CustomerId ORDER BY Placed) rn FROM Orders
            -> Id int not null, rn bigint
            Project #0, #3
              Window ROW_NUMBER() over (#1 order #2)
                Seek dbo.Orders IX_Customer {all} [Id CustomerId Placed]
            -- SELECT LAG(Total, 1, 0) OVER (PARTITION BY CustomerId ORDER BY Placed), SUM(Total) OVER (PARTITION BY CustomerId ORDER BY Placed ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), COUNT(*) OVER () FROM Orders
            -> - money, - money, - int not null
            Project #3, #4, #5
              Window COUNT() over ( order )
                Window LAG(#2, 1L, Money(0)), SUM(#2) over (#0 order #1)
                  Sort #0, #1
                    Scan dbo.Orders [CustomerId Placed Total]
            -- SELECT ROW_NUMBER() OVER (ORDER BY (SELECT NULL)) FROM Orders
            -> - bigint
            Window ROW_NUMBER() over ( order )
              Scan dbo.Orders []
        "#]],
    );
}

#[test]
fn others() {
    check(
        &[
            "SELECT 1.0/3, 5/2, 'a' + N'b', GETDATE() + 1, CAST(1 AS decimal(5,2)) * 3",
            "SELECT DISTINCT UPPER(City) AS u FROM Customers ORDER BY u",
            "SELECT DISTINCT UPPER(City) AS u FROM Customers ORDER BY UPPER(City)",
            "SELECT TOP (@i) PERCENT Id FROM Orders ORDER BY Id",
            "SELECT CONVERT(varchar(10), Placed, 120), CAST(Total AS decimal(10,1)), TRY_CAST(Name AS int) FROM Orders, Customers",
            "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT NULL",
            "SELECT NULL AS x, 'a' AS y UNION SELECT 1, N'b'",
            "SELECT c.Name, c.Id FROM Customers c UNION ALL SELECT N'x', Id FROM Orders ORDER BY c.Id DESC",
            "SELECT Shop.dbo.Customers.Id FROM Shop.dbo.Customers",
            "SELECT dbo.Customers.Name FROM Customers",
            "SELECT @i = @i + 1 FROM Customers",
            "SELECT TOP 1 Id FROM Orders ORDER BY Id DESC",
            "SELECT * FROM OPENJSON(@s) WITH (a int '$.a', b nvarchar(10)) j",
            "SELECT value FROM GENERATE_SERIES(1, 10)",
            "SELECT IIF(Id > 5, 'big', 'small'), NULLIF(Name, N'x'), CONCAT(Id, '-', Name), CHOOSE(2, 'a', 'b'), LEFT(Name, 2), REPLACE(Name, 'a', 'b') FROM Customers",
            "SELECT '2020' + 1, 'a' + CAST(1 AS varchar(3)), 1 + 1.5, 2147483648, 5 % 3, -5, ~1, 1 | 2",
            "SELECT Id FROM Customers FOR XML AUTO",
        ],
        &expect![[r#"
            -- SELECT 1.0/3, 5/2, 'a' + N'b', GETDATE() + 1, CAST(1 AS decimal(5,2)) * 3
            -> - numeric(7,6) not null, - int not null, - nvarchar(2) not null, - datetime not null, - decimal(7,2)
            Project (10e-1 / 3e-0), (5 / 2), ('a' || 'b'), (getdate() + datetime(1)), (decimal(5,2)(1) * 3e-0)
              Values 1
            -- SELECT DISTINCT UPPER(City) AS u FROM Customers ORDER BY u
            -> u nvarchar(30)
            Sort #0
              Distinct
                Project upper(#0)
                  Scan dbo.Customers [City]
            -- SELECT DISTINCT UPPER(City) AS u FROM Customers ORDER BY UPPER(City)
            -> u nvarchar(30)
            Sort #0
              Distinct
                Project upper(#0)
                  Scan dbo.Customers [City]
            -- SELECT TOP (@i) PERCENT Id FROM Orders ORDER BY Id
            -> Id int not null
            Top float(@0) percent
              Seek dbo.Orders PK_Orders {all} [Id]
            -- SELECT CONVERT(varchar(10), Placed, 120), CAST(Total AS decimal(10,1)), TRY_CAST(Name AS int) FROM Orders, Customers
            -> - varchar(10) not null, - decimal(10,1), - int
            Project varchar(10)(#0), decimal(10,1)(#1), int(#2)
              Loops Inner
                Scan dbo.Orders [Placed Total]
                Scan dbo.Customers [Name]
            -- SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT NULL
            -> - int
            Concat
              Project 1
                Values 1
              Project 2
                Values 1
              Project NULL
                Values 1
            -- SELECT NULL AS x, 'a' AS y UNION SELECT 1, N'b'
            -> x int, y nvarchar(1) not null
            Distinct
              Concat
                Project #0, #1
                  Project NULL, 'a'
                    Values 1
                Project 1, 'b'
                  Values 1
            -- SELECT c.Name, c.Id FROM Customers c UNION ALL SELECT N'x', Id FROM Orders ORDER BY c.Id DESC
            -> Name nvarchar(50) not null, Id int not null
            Sort #1 desc
              Concat
                Project #1, #0
                  Scan dbo.Customers [Id Name]
                Project #1, #0
                  Project #0, #1
                    Project #0, 'x'
                      Scan dbo.Orders [Id]
            -- SELECT Shop.dbo.Customers.Id FROM Shop.dbo.Customers
            -> Id int not null
            Scan dbo.Customers [Id]
            -- SELECT dbo.Customers.Name FROM Customers
            -> Name nvarchar(50) not null
            Scan dbo.Customers [Name]
            -- SELECT @i = @i + 1 FROM Customers
            -> 
            Scan dbo.Customers []
            -- SELECT TOP 1 Id FROM Orders ORDER BY Id DESC
            -> Id int not null
            Top 1L
              Seek dbo.Orders PK_Orders {all} backward [Id]
            -- SELECT * FROM OPENJSON(@s) WITH (a int '$.a', b nvarchar(10)) j
            -> a int, b nvarchar(10)
            TableFunction OpenJson(@1)
            -- SELECT value FROM GENERATE_SERIES(1, 10)
            -> value int
            TableFunction GenerateSeries(1, 10)
            -- SELECT IIF(Id > 5, 'big', 'small'), NULLIF(Name, N'x'), CONCAT(Id, '-', Name), CHOOSE(2, 'a', 'b'), LEFT(Name, 2), REPLACE(Name, 'a', 'b') FROM Customers
            -> - varchar(5) not null, - nvarchar(50), - nvarchar(63) not null, - varchar(1), - nvarchar(2) not null, - nvarchar(4000) not null
            Project case when #0 > 5 then 'big' else 'small' end, case when #1 = 'x' then NULL else #1 end, concat(varchar(12)(#0), '-', #1), choose(2, 'a', 'b'), left(#1, 2), replace(#1, 'a', 'b')
              Scan dbo.Customers [Id Name]
            -- SELECT '2020' + 1, 'a' + CAST(1 AS varchar(3)), 1 + 1.5, 2147483648, 5 % 3, -5, ~1, 1 | 2
            -> - int not null, - varchar(4) not null, - numeric(3,1) not null, - numeric(10,0) not null, - int not null, - int not null, - int not null, - int not null
            Project (int('2020') + 1), ('a' || varchar(3)(1)), (1e-0 + 15e-1), 2147483648e-0, (5 % 3), -5, ~1, (1 | 2)
              Values 1
            -- SELECT Id FROM Customers FOR XML AUTO
            -> XML_F52E2B61-18A1-11d1-B105-00805F49916B nvarchar(max)
            ForXml Auto
              Scan dbo.Customers [Id]
        "#]],
    );
}

/// A join is planned in time that grows with its tables: were a side built anew for each method, thirty joins would never end.
#[test]
fn many_joins() {
    for word in ["JOIN", "LEFT JOIN"] {
        let joins: String =
            (0..30).map(|i| format!(" {word} Customers c{i} ON c{i}.Id = o.CustomerId")).collect();
        let text = fixture::plan(&format!("SELECT o.Id, c29.Name FROM Orders o{joins}"));
        assert_eq!(text.matches("dbo.Customers").count(), 30, "{text}");
    }
}

/// Inner sides without a fitting index keep their rows by the outer values; those with one, and those that must not, do not.
#[test]
fn spools() {
    check(
        &[
            "SELECT o.Id, (SELECT COUNT(*) FROM Lines l WHERE l.Quantity = o.Id) FROM Orders o",
            "SELECT o.Id, a.No FROM Orders o CROSS APPLY (SELECT TOP 1 l.No FROM Lines l WHERE l.Product = N'x' AND l.Quantity = o.CustomerId AND l.No < o.Id ORDER BY l.No DESC) a",
            "SELECT o.Id, (SELECT SUM(l.Quantity) FROM Lines l JOIN Customers c ON c.Id = l.OrderId WHERE c.Code = o.CustomerId AND o.Id > 3) FROM Orders o",
            "SELECT o.Id, (SELECT COUNT(*) FROM Lines l WHERE l.OrderId = o.Id) FROM Orders o",
            "SELECT o.Id, (SELECT COUNT(*) FROM Lines l WITH (UPDLOCK) WHERE l.Quantity = o.Id) FROM Orders o",
            "SELECT o.Id, (SELECT COUNT(*) FROM Lines l WHERE l.Quantity = o.Id AND NEWID() <> NEWID()) FROM Orders o",
        ],
        &expect![[r#"
            -- SELECT o.Id, (SELECT COUNT(*) FROM Lines l WHERE l.Quantity = o.Id) FROM Orders o
            -> Id int not null, - int
            Project #0, scalar[@2 := #0: HashAggregate by () compute (COUNT(*)) | IndexSpool #0 = @2 | Scan dbo.Lines [Quantity]]
              Scan dbo.Orders [Id]
            -- SELECT o.Id, a.No FROM Orders o CROSS APPLY (SELECT TOP 1 l.No FROM Lines l WHERE l.Product = N'x' AND l.Quantity = o.CustomerId AND l.No < o.Id ORDER BY l.No DESC) a
            -> Id int not null, No smallint not null
            Project #0, #2
              Loops Inner (@2 := #1, @3 := #0)
                Scan dbo.Orders [Id CustomerId]
                Sort #0 desc top 1L
                  IndexSpool #2 = @2 where int(#0) < @3
                    Scan dbo.Lines [No Product Quantity] where #1 = 'x'
            -- SELECT o.Id, (SELECT SUM(l.Quantity) FROM Lines l JOIN Customers c ON c.Id = l.OrderId WHERE c.Code = o.CustomerId AND o.Id > 3) FROM Orders o
            -> Id int not null, - int
            Project #0, scalar[@2 := #1, @3 := #0: HashAggregate by () compute (SUM(#1)) | StartupFilter @3 > 3 | IndexSpool int(#3) = @2 | HashJoin Inner #0 = #0 | Scan dbo.Lines [OrderId Quantity] | Scan dbo.Customers [Id Code]]
              Scan dbo.Orders [Id CustomerId]
            -- SELECT o.Id, (SELECT COUNT(*) FROM Lines l WHERE l.OrderId = o.Id) FROM Orders o
            -> Id int not null, - int
            Project #0, scalar[@2 := #0: HashAggregate by () compute (COUNT(*)) | Seek dbo.Lines PK_Lines {= @2} []]
              Scan dbo.Orders [Id]
            -- SELECT o.Id, (SELECT COUNT(*) FROM Lines l WITH (UPDLOCK) WHERE l.Quantity = o.Id) FROM Orders o
            -> Id int not null, - int
            Project #0, scalar[@2 := #0: HashAggregate by () compute (COUNT(*)) | Scan dbo.Lines [Quantity] where #0 = @2]
              Scan dbo.Orders [Id]
            -- SELECT o.Id, (SELECT COUNT(*) FROM Lines l WHERE l.Quantity = o.Id AND NEWID() <> NEWID()) FROM Orders o
            -> Id int not null, - int
            Project #0, scalar[@2 := #0: HashAggregate by () compute (COUNT(*)) | Scan dbo.Lines [Quantity] where (newid() <> newid() and #0 = @2)]
              Scan dbo.Orders [Id]
        "#]],
    );
}

/// OR over keys of several indexes, and ranges between values of another row.
#[test]
fn wide_seeks() {
    check(
        &[
            "SELECT Total FROM Orders WHERE Id = 3 OR CustomerId = 4",
            "SELECT Total FROM Orders WHERE Id = 3 OR Total = 4",
            "SELECT c.Name, o.Total FROM Customers c JOIN Orders o ON o.Id = c.Id OR (o.CustomerId = c.Id AND o.Placed > '20240101')",
            "SELECT c.Name, o.Id FROM Customers c LEFT JOIN Orders o ON o.Id BETWEEN c.Credit AND c.Id + 10",
            "SELECT c.Name, o.Id FROM Customers c LEFT JOIN Orders o ON o.Id BETWEEN c.Id AND c.Id + 10",
            "SELECT c.Name FROM Customers c WHERE NOT EXISTS (SELECT * FROM Orders o WHERE o.Id = c.Id OR o.CustomerId = c.Id)",
        ],
        &expect![[r#"
            -- SELECT Total FROM Orders WHERE Id = 3 OR CustomerId = 4
            -> Total money
            Concat
              Seek dbo.Orders PK_Orders {= 3} [Total]
              Project #1
                Seek dbo.Orders IX_Customer {= 4} [Id Total] where case when #0 = 3 then 1 else 0 end = 0
            -- SELECT Total FROM Orders WHERE Id = 3 OR Total = 4
            -> Total money
            Project #1
              Scan dbo.Orders [Id Total] where (#0 = 3 or #1 = Money(40000))
            -- SELECT c.Name, o.Total FROM Customers c JOIN Orders o ON o.Id = c.Id OR (o.CustomerId = c.Id AND o.Placed > '20240101')
            -> Name nvarchar(50) not null, Total money
            Project #1, #2
              Loops Inner (@2 := #0)
                Scan dbo.Customers [Id Name]
                Concat
                  Seek dbo.Orders PK_Orders {= @2} [Total]
                  Project #1
                    Seek dbo.Orders IX_Customer {= @2, > datetime('20240101')} [Id Total] where case when #0 = @2 then 1 else 0 end = 0
            -- SELECT c.Name, o.Id FROM Customers c LEFT JOIN Orders o ON o.Id BETWEEN c.Credit AND c.Id + 10
            -> Name nvarchar(50) not null, Id int
            Project #1, #3
              Loops Left (@3 := #0, @2 := #2)
                Scan dbo.Customers [Id Name Credit]
                Seek dbo.Orders PK_Orders {>= int(@2), <= (@3 + 10)} [Id]
            -- SELECT c.Name, o.Id FROM Customers c LEFT JOIN Orders o ON o.Id BETWEEN c.Id AND c.Id + 10
            -> Name nvarchar(50) not null, Id int
            Project #1, #2
              Loops Left (@2 := #0)
                Scan dbo.Customers [Id Name]
                Seek dbo.Orders PK_Orders {>= @2, <= (@2 + 10)} [Id]
            -- SELECT c.Name FROM Customers c WHERE NOT EXISTS (SELECT * FROM Orders o WHERE o.Id = c.Id OR o.CustomerId = c.Id)
            -> Name nvarchar(50) not null
            Project #1
              Loops LeftAnti (@3 := #0)
                Scan dbo.Customers [Id Name]
                Concat
                  Seek dbo.Orders PK_Orders {= @3} []
                  Project 
                    Seek dbo.Orders IX_Customer {= @3} [Id] where case when #0 = @3 then 1 else 0 end = 0
        "#]],
    );
}

/// Planning ends when the statement is cancelled.
#[test]
fn cancelled() {
    struct Cancelled(std::cell::Cell<u32>);
    impl holdfast_plan::ConstantEvaluator for Cancelled {
        fn evaluate(&self, _: &holdfast_plan::Expr) -> Option<holdfast_types::Value> {
            None
        }
        fn check_cancel(&self) -> holdfast_types::SqlResult<()> {
            let left = self.0.get();
            self.0.set(left.saturating_sub(1));
            match left {
                0 => Err(holdfast_types::SqlError::with_text(3617, 11, "Cancelled.")),
                _ => Ok(()),
            }
        }
    }
    let query = "SELECT o.Id FROM Orders o JOIN Customers c ON c.Id = o.CustomerId WHERE o.Total + 1 > 3";
    for asked in 0..8 {
        let ended =
            fixture::bind_with(query, Some(&Cancelled(asked.into()))).map(|_| ()).map_err(|e| e.number);
        assert_eq!(ended, Err(3617), "after {asked} questions");
    }
}

/// Generated expressions are long, and lists are longer.
#[test]
fn long_expressions() {
    let plan = |text: String| {
        std::thread::Builder::new()
            .stack_size(16 << 20)
            .spawn(move || fixture::error(&text))
            .unwrap()
            .join()
            .unwrap()
    };
    assert_eq!(plan(format!("SELECT Id{} FROM Orders", " + Id".repeat(4000))), 0);
    assert_eq!(plan(format!("SELECT Id{} FROM Orders", " + 1.5".repeat(4000))), 0);
    assert_eq!(plan(format!("SELECT Name{} FROM Customers", " + 'x'".repeat(4000))), 0);
    assert_eq!(
        plan(format!("SELECT Id FROM Orders WHERE {}", "Id + 1 = CustomerId OR ".repeat(5000) + "1 = 0")),
        0
    );
    assert_eq!(plan(format!("SELECT {}1{} FROM Orders", "(".repeat(150), ")".repeat(150))), 0);
    let derived =
        |n: usize| format!("SELECT Id FROM {}Orders{}", "(SELECT * FROM ".repeat(n), ") o".repeat(n));
    assert_eq!((plan(derived(50)), plan(derived(500))), (0, 191));
    let list: Vec<String> = (0..10_000).map(|n| format!("N'k{n}'")).collect();
    assert_eq!(plan(format!("SELECT Id FROM Customers WHERE City IN ({})", list.join(","))), 0);
}
