declare @h int, @x nvarchar(max) = N'<ROOT>
  <Customer CustomerID="VINET" ContactName="Paul Henriot">
    <Order OrderID="10248" EmployeeID="5" OrderDate="1996-07-04T00:00:00">
      <Detail ProductID="11" Quantity="12"/>
      <Detail ProductID="42" Quantity="10">note <b>bold</b></Detail>
    </Order>
  </Customer>
  <Customer CustomerID="LILAS" ContactName="Carlos Gonzalez">
    <Order OrderID="10283" EmployeeID="3" OrderDate="1996-08-16T00:00:00"/>
    <City>Barquisimeto</City>
  </Customer>
</ROOT>'
exec sp_xml_preparedocument @h output, @x
select @h h
select * from openxml(@h, '/ROOT/Customer', 1) with (CustomerID varchar(10), ContactName varchar(20), City varchar(20))
select * from openxml(@h, '/ROOT/Customer', 2) with (CustomerID varchar(10), City varchar(20))
select * from openxml(@h, '/ROOT/Customer', 3) with (CustomerID varchar(10), City varchar(20))
select * from openxml(@h, '/ROOT/Customer/Order/Detail', 2) with (
  OrderID int '../@OrderID', Customer varchar(10) '../../@CustomerID', OrderDate datetime '../@OrderDate', ProductID int '@ProductID', Qty int '@Quantity', body nvarchar(50) '.', id int '@mp:id', parent nvarchar(20) '@mp:parentlocalname')
select * from openxml(@h, '/ROOT/Customer[@CustomerID="LILAS"]', 9) with (CustomerID varchar(10), rest nvarchar(200) '@mp:xmltext')
select * from openxml(@h, '/ROOT/Customer/Order', 1) with (whole xml '@mp:xmltext', up int '../@mp:id', name sysname '@mp:localname', prev int '@mp:prev')
select id, parentid, nodetype, localname, prefix, namespaceuri, datatype, prev, text from openxml(@h, '/ROOT/Customer[2]')
select count(*) n, sum(Quantity) q from openxml(@h, '//Detail') with (Quantity int) d where Quantity > 10
create table #detail(ProductID int, Quantity smallint)
insert #detail select * from openxml(@h, '//Detail', 1) with #detail
select * from #detail
exec sp_xml_removedocument @h
select * from openxml(@h, '/ROOT')
exec sp_xml_removedocument @h
go
select * from openxml(0, '/a') with (b int)
go
declare @h int
exec sp_xml_preparedocument @h output, N'<a><b></a>'
select @h
go
declare @h int
exec sp_xml_preparedocument @h output, N'<p:a xmlns:p="urn:one"><p:b k="1">x</p:b></p:a>', N'<r xmlns:q="urn:one"/>'
select * from openxml(@h, '/q:a/q:b', 1) with (k int, t varchar(10) 'text()', u nvarchar(20) '@mp:namespaceuri', p nvarchar(10) '@mp:prefix')
select * from openxml(@h, '/q:a/[', 1) with (k int)
exec sp_xml_removedocument @h
exec sp_xml_preparedocument @h output
select count(*) n from openxml(@h, '/')
go
declare @h int
exec sp_xml_preparedocument @h output, N'<a v="x"/>'
select * from openxml(@h, '/a') with (v int)
go
