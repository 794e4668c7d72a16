-- restore: 611_full_northwind_blackmonoceros as nw
select top 3 ProductName, UnitPrice, rank() over(order by UnitPrice desc) r from Products order by r
select c.CategoryName, count(*) n, avg(p.UnitPrice) a, sum(p.UnitsInStock) s from Categories c join Products p on p.CategoryID = c.CategoryID group by c.CategoryName having count(*) > 9 order by c.CategoryName
select top 5 o.OrderID, sum(d.UnitPrice * d.Quantity * (1 - d.Discount)) total from Orders o join [Order Details] d on d.OrderID = o.OrderID group by o.OrderID order by total desc
select e.LastName, m.LastName boss from Employees e left join Employees m on m.EmployeeID = e.ReportsTo order by e.LastName
;with chain as (select EmployeeID, LastName, 0 lvl from Employees where ReportsTo is null union all select e.EmployeeID, e.LastName, c.lvl + 1 from Employees e join chain c on c.EmployeeID = e.ReportsTo) select lvl, count(*) n from chain group by lvl order by lvl
select Country, [1996], [1997], [1998] from (select c.Country, year(o.OrderDate) y, o.OrderID from Orders o join Customers c on c.CustomerID = o.CustomerID where c.Country in ('Germany', 'USA')) s pivot (count(OrderID) for y in ([1996], [1997], [1998])) p order by Country
select CustomerID, CompanyName from Customers c where not exists (select * from Orders o where o.CustomerID = c.CustomerID) order by CustomerID
select top 2 CustomerID, (select top 1 OrderDate from Orders o where o.CustomerID = c.CustomerID order by OrderDate desc) last from Customers c order by CustomerID
select * from Region order by RegionID for json path
select count(*) from [Order Details Extended]
select top 3 CategoryName, ProductSales from [Sales by Category] order by ProductSales desc
select top 2 ProductName, Freight from (select p.ProductName, o.Freight, row_number() over(partition by p.ProductID order by o.Freight desc) rn from Products p join [Order Details] d on d.ProductID = p.ProductID join Orders o on o.OrderID = d.OrderID) x where rn = 1 order by Freight desc, ProductName
exec [Ten Most Expensive Products]
exec SalesByCategory @CategoryName = 'Produce', @OrdYear = '1997'
select datename(month, OrderDate) m, count(*) n from Orders where year(OrderDate) = 1997 group by datename(month, OrderDate), month(OrderDate) order by month(OrderDate)
select ShipCountry, count(*) n from Orders group by ShipCountry having count(*) >= 100 union all select 'all', count(*) from Orders order by n
GO
select nosuch from Orders
GO
select OrderID, CustomerID from Orders group by OrderID
GO
select OrderID from dbo.Orders group by CustomerID
