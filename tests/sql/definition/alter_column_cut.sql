-- A column does not get shorter than its values; trailing blanks may go.
create database Cut
go
use Cut
go
create table t (v varchar(10), n nvarchar(10), c char(10), b varbinary(10), x varchar(max), k varchar(10))
insert t values ('abcdefghij', N'abcdefghij', 'abcdefghij', 0x01020304050607, replicate('z', 100), 'ab   ')
go
alter table t alter column v varchar(5)
go
alter table t alter column n nvarchar(4)
go
alter table t alter column c char(4)
go
alter table t alter column b varbinary(3)
go
alter table t alter column x varchar(10)
go
alter table t alter column v nvarchar(5)
go
alter table t alter column k varchar(3)
go
select v, n, c, b, len(x) as x, k, datalength(k) as bytes from t
select name, max_length from sys.columns where object_id = object_id('t') order by column_id
go
update t set v = 'abc', n = 'abc', c = 'abc', b = 0x01, x = 'abc'
go
alter table t alter column v varchar(5)
alter table t alter column n nvarchar(4)
alter table t alter column c char(4)
alter table t alter column b varbinary(3)
alter table t alter column x varchar(10)
go
select v, n, c, datalength(c) as c_bytes, b, x from t
