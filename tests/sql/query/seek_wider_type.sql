-- A key that is compared with a value of a wider type: a seek finds what a scan finds, for every comparison and at the edges.
set nocount on
create table pairs(k varchar(30), v varchar(30), vals varchar(400), keys varchar(500))
insert pairs values
 ('tinyint', 'numeric(9,2)', '-1,0,0.5,1,254.99,255,255.01,300', '0,1,2,254,255'),
 ('smallint', 'numeric(19,4)', '-40000,-32768,-32767.5,0,0.0001,32767,32767.1', '-32768,-32767,0,1,32767'),
 ('int', 'numeric(20,3)', '-2147483649,-2147483648,-1.5,0,1,1.001,2147483647,9000000000', '-2147483648,-2,-1,0,1,2,2147483647'),
 ('int', 'bigint', '-3000000000,-2147483648,0,1,2147483647,9000000000', '-2147483648,-1,0,1,2147483647'),
 ('int', 'float', '-1e300,-2.5,-2,0,1.9999,2,1e300', '-2147483648,-3,-2,0,1,2,2147483647'),
 ('int', 'money', '-1.0001,-1,0,0.0001,2,2000000000', '-2147483648,-1,0,1,2,2147483647'),
 ('bigint', 'numeric(38,5)', '-9223372036854775809,-9223372036854775808,0,0.5,9223372036854775807,9223372036854775807.5', '-9223372036854775808,0,1,9223372036854775807'),
 ('bigint', 'float', '-1e19,-9007199254740993,0,9007199254740992,9007199254740993,9223372036854775807', '-9007199254740993,0,9007199254740991,9007199254740992,9007199254740993,9007199254740994,9223372036854775807'),
 ('bigint', 'money', '-1,0,5.5,900000000000', '-1,0,5,6,900000000000'),
 ('decimal(10,2)', 'decimal(18,4)', '-1.005,-1.01,0,0.0001,0.01,2.5,2.4999,99999999.99', '-1.01,-1,0,0.01,2.49,2.5,99999999.99'),
 ('decimal(10,2)', 'float', '-1.01,0,0.01,2.5,2.49999999', '-1.01,0,0.01,2.49,2.5'),
 ('decimal(10,6)', 'money', '0.0001,0.00015,1,1.00005', '0.000049,0.00005,0.0001,0.00015,1,1.000049,1.00005'),
 ('money', 'decimal(19,6)', '-1,0,0.00005,0.0001,1.5', '-1,0,0.0001,1.4999,1.5'),
 ('smallmoney', 'money', '-1,0,0.0001,300000', '-1,0,0.0001,214748.3647'),
 ('real', 'float', '-1.5,0,0.1,0.10000000149011612,1e38', '-1.5,0,0.1,1e38'),
 ('date', 'datetime', '2019-12-31 23:59,2020-01-01,2020-01-01 00:00:00.003,2020-01-02', '2019-12-31,2020-01-01,2020-01-02'),
 ('date', 'datetime2(7)', '0001-01-01,2020-01-01,2020-01-01 00:00:00.0000001,9999-12-31 23:59:59.9999999', '0001-01-01,2020-01-01,2020-01-02,9999-12-31'),
 ('smalldatetime', 'datetime', '1753-01-01,2020-01-01 10:00,2020-01-01 10:00:00.003,2020-01-01 10:00:30,2080-01-01', '1900-01-01,2020-01-01 10:00,2020-01-01 10:01,2079-06-06'),
 ('datetime', 'datetime2(7)', '0001-01-01,2020-01-01 10:00:00.003,2020-01-01 10:00:00.0033333,2020-01-01 10:00:00.0033334,2020-01-01 10:00:00.0066667,9999-12-31 23:59:59.9999999', '1753-01-01,2020-01-01 10:00:00,2020-01-01 10:00:00.003,2020-01-01 10:00:00.007,2020-01-01 10:00:00.010,9999-12-31 23:59:59.997'),
 ('datetime', 'datetime2(3)', '2020-01-01 10:00:00.003,2020-01-01 10:00:00.004,2020-01-01 10:00:00.007', '2020-01-01 10:00:00,2020-01-01 10:00:00.003,2020-01-01 10:00:00.007,2020-01-01 10:00:00.010'),
 ('datetime', 'datetime2(0)', '2020-01-01 10:00:00,2020-01-01 10:00:01', '2020-01-01 10:00:00,2020-01-01 10:00:00.003,2020-01-01 10:00:00.497,2020-01-01 10:00:00.500,2020-01-01 10:00:00.997,2020-01-01 10:00:01'),
 ('datetime', 'datetimeoffset(7)', '2020-01-01 10:00 +00:00,2020-01-01 12:00 +02:00,2020-01-01 10:00:00.0033333 +00:00', '2020-01-01 09:59:59.997,2020-01-01 10:00,2020-01-01 10:00:00.003'),
 ('datetime2(3)', 'datetime2(7)', '2020-01-01 10:00,2020-01-01 10:00:00.0005,2020-01-01 10:00:00.001', '2020-01-01 10:00,2020-01-01 10:00:00.001,2020-01-01 10:00:00.002'),
 ('datetime2(7)', 'datetimeoffset(7)', '2020-01-01 10:00 +00:00,2020-01-01 12:00:00.0000001 +02:00', '2020-01-01 10:00,2020-01-01 10:00:00.0000001'),
 ('date', 'datetimeoffset(0)', '2020-01-01 00:00 +00:00,2020-01-01 00:00 +05:00', '2019-12-31,2020-01-01')
go
set nocount on
declare @k varchar(30), @v varchar(30), @vals varchar(400), @keys varchar(500), @sql nvarchar(max), @n int = 0, @wrong int = 0
declare c cursor static for select k, v, vals, keys from pairs
open c
fetch c into @k, @v, @vals, @keys
while @@fetch_status = 0
begin
  set @sql = N'create table ix(k ' + @k + N' null, n int, index i clustered (k)); create table hp(k ' + @k + N' null, n int)
insert hp select cast(value as ' + @k + N'), row_number() over (order by (select 1)) from string_split(@keys, '','') insert hp values(null, 0) insert ix select * from hp
declare @val ' + @v + N', @text varchar(60), @a varchar(200), @b varchar(200)
declare v cursor static for select value from string_split(@vals, '','') union all select null
open v fetch v into @text
while @@fetch_status = 0 begin set @val = cast(@text as ' + @v + N')'
  declare @i int = 1
  while @i <= 7
  begin
    declare @c nvarchar(100) = choose(@i, N'k = @val', N'k > @val', N'k >= @val', N'k < @val', N'@val >= k', N'k in (@val, null)', N'k between @val and @val')
    set @sql += N'
select @a = string_agg(cast(n as varchar(9)), '','') within group (order by n) from ix where ' + @c + N'
select @b = string_agg(cast(n as varchar(9)), '','') within group (order by n) from hp where ' + @c + N'
set @n += 1 if isnull(@a, '''') <> isnull(@b, '''') begin set @wrong += 1 print concat(''' + @k + N' ' + @v + N' '', @text, '' ' + @c + N': seek '', @a, '' scan '', @b) end'
    set @i += 1
  end
  set @sql += N' fetch v into @text end close v deallocate v drop table ix, hp'
  exec sp_executesql @sql, N'@keys varchar(500), @vals varchar(400), @n int output, @wrong int output', @keys, @vals, @n output, @wrong output
  fetch c into @k, @v, @vals, @keys
end
close c deallocate c
select @n as compared, @wrong as wrong
go
-- The plans.
create table big(id bigint not null constraint pk primary key, d datetime not null, x int)
insert big select 9000000000 + value, dateadd(minute, value, '20200101'), value from generate_series(1, 3000)
create index d on big(d)
go
set showplan_text on
go
select x from big where id = 9000000001
go
update big set x = 0 where id = 9000000001.0
go
declare @from datetime2 = '20200102', @to datetime2 = '20200102 00:10'
select count(*) from big where d >= @from and d < @to
go
select x from big where id in (9000000001, 9000000002.0)
go
set showplan_text off
go
-- Others' rows are not waited for.
select x from big where id = 9000000001
update big set x = 0 where id = 9000000001.0
select @@rowcount, (select count(*) from big where id > 9000002999.5), (select count(*) from big where id < 9000000001.5)
declare @from datetime2 = '20200102', @to datetime2 = '20200102 00:10'
select count(*) from big where d >= @from and d < @to
drop table big, pairs
go
-- The edges of the widest decimal, beside floats that no decimal reaches.
create table widest(k decimal(38) not null primary key, n int)
insert widest values (99999999999999999999999999999999999999, 1), (-99999999999999999999999999999999999999, 2), (0, 3)
declare @big float = 1e38, @small float = -1e38, @huge float = 1e300
select (select count(*) from widest where k < @big), (select count(*) from widest where k <= @big), (select count(*) from widest where k > @big),
  (select count(*) from widest where k > @small), (select count(*) from widest where k >= @small), (select count(*) from widest where k < @small)
select (select count(*) from widest where k < @huge), (select count(*) from widest where k > -@huge), (select count(*) from widest where k = @huge),
  (select count(*) from widest with (index(0)) where k < @huge)
drop table widest
go
