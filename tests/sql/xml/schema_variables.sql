-- Whatever gives a variable of typed xml its value, the value has to fit.
create xml schema collection numbers as '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:int"/></xs:schema>'
go
create table kept (k int constraint kept_key primary key, x xml)
insert kept values (1, '<n>1</n>'), (2, '<m/>')
go
declare @v xml(numbers); set @v = '<m/>'
go
declare @v xml(numbers); select @v = '<m/>'
go
declare @v xml(numbers); update kept set @v = '<m/>' where k = 1; select @v as v
go
declare @v xml(numbers); update kept set @v = '<n>2</n>', k = k where k = 1; select @v as v
go
exec sp_executesql N'select @v as v', N'@v xml(numbers)', '<m/>'
go
exec sp_executesql N'select @v as v', N'@v xml(numbers)', '<n>3</n>'
go
drop xml schema collection numbers
go
-- A batch that came before means the collection that is there now.
declare @v xml(numbers); set @v = '<m/>'
go
create xml schema collection numbers as '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="m"/></xs:schema>'
go
declare @v xml(numbers); set @v = '<m/>'
go
drop xml schema collection numbers
drop table kept
