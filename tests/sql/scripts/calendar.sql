-- Dates: Easter, working days, ISO weeks, fiscal years, ages, time zones, Unix times, spans, last Fridays, DATEFIRST and formats.
create database Calendar
go
use Calendar
go
set nocount on
go
create function dbo.Easter (@y int) returns date as
begin
    declare @a int = @y % 19, @b int = @y / 100, @c int = @y % 100
    declare @h int = (19 * @a + @b - @b / 4 - (@b - (@b + 8) / 25 + 1) / 3 + 15) % 30
    declare @l int = (32 + 2 * (@b % 4) + 2 * (@c / 4) - @h - @c % 4) % 7
    declare @m int = (@a + 11 * @h + 22 * @l) / 451
    declare @n int = @h + @l - 7 * @m + 114
    return datefromparts(@y, @n / 31, @n % 31 + 1)
end
go
create table dbo.Holiday (Day_ date constraint PK_Holiday primary key, Name varchar(20))
insert dbo.Holiday select dateadd(day, o.n, dbo.Easter(y.y)), o.name from (values (2024), (2025)) y(y) cross join (values (-2, 'Good Friday'), (1, 'Easter Monday'), (39, 'Ascension')) o(n, name)
insert dbo.Holiday values ('2024-12-25', 'Christmas'), ('2024-01-01', 'New Year')
select y.y, dbo.Easter(y.y) as easter from (values (1999), (2000), (2024), (2025), (2038)) y(y) order by y.y
select Day_, Name, datename(weekday, Day_) as wd from dbo.Holiday order by Day_
go
create function dbo.WorkDays (@from date, @to date) returns int with schemabinding as
begin
    return (select count(*) from (select dateadd(day, v.n, @from) as d from (select row_number() over (order by (select null)) - 1 as n from (values (1),(1),(1),(1),(1),(1),(1),(1),(1),(1)) a(x) cross join (values (1),(1),(1),(1),(1),(1),(1),(1),(1),(1)) b(x)) v where v.n < datediff(day, @from, @to)) d
      where datediff(day, '19000101', d.d) % 7 < 5 and not exists (select 1 from dbo.Holiday h where h.Day_ = d.d))
end
go
select dbo.WorkDays('2024-03-25', '2024-04-08') as fortnight, dbo.WorkDays('2024-03-30', '2024-04-01') as weekend, dbo.WorkDays('2024-01-01', '2024-01-02') as newyear
go
select d, datepart(iso_week, d) as iso, datepart(week, d) as wk, datepart(dayofyear, d) as dy, datepart(weekday, d) as dw, datepart(quarter, d) as q, year(dateadd(month, 3, d)) as fiscal, eomonth(d) as em, day(eomonth(d)) as len
from (values (cast('2020-12-31' as date)), ('2021-01-03'), ('2021-01-04'), ('2024-02-29'), ('2024-12-30')) t(d) order by d
set datefirst 1
select datepart(weekday, '2024-02-29') as dw, datepart(week, '2021-01-03') as wk, @@datefirst as df
set datefirst 7
go
with m as (select 1 as n union all select n + 1 from m where n < 6)
select eomonth(datefromparts(2024, n, 1)) as last_day, dateadd(day, -((datediff(day, '19000105', eomonth(datefromparts(2024, n, 1)))) % 7), eomonth(datefromparts(2024, n, 1))) as last_friday from m
go
select born, on_, datediff(year, born, on_) - case when dateadd(year, datediff(year, born, on_), born) > on_ then 1 else 0 end as age from (values (cast('2000-02-29' as date), cast('2023-02-28' as date)), ('2000-02-29', '2024-02-29'), ('1999-12-31', '2000-01-01')) t(born, on_)
select datediff(second, '1970-01-01', cast('2024-02-29T12:34:56' as datetime2(0))) as unix_, dateadd(second, 1709210096, cast('1970-01-01' as datetime2(0))) as back_, datediff_big(millisecond, '1970-01-01', cast('2024-02-29T12:34:56.789' as datetime2(3))) as ms
select cast('2024-02-29T23:30:00+02:00' as datetimeoffset(0)) as o, switchoffset(cast('2024-02-29T23:30:00+02:00' as datetimeoffset(0)), '-05:00') as s, todatetimeoffset(cast('2024-02-29T23:30:00' as datetime2(0)), '+01:00') as t, cast(cast('2024-02-29T23:30:00+02:00' as datetimeoffset(0)) as datetime2(0)) as local_, datepart(tzoffset, cast('2024-02-29T23:30:00+02:00' as datetimeoffset(0))) as tz, case when cast('2024-02-29T23:30:00+02:00' as datetimeoffset(0)) = cast('2024-02-29T21:30:00+00:00' as datetimeoffset(0)) then 'equal' end as eq
select cast('2024-02-29T12:34:56' as datetime2(0)) at time zone 'UTC' as u
go
declare @d datetime2(7) = '2024-02-29T13:04:05.1234567'
select convert(varchar(30), @d, 0) c0, convert(varchar(30), @d, 1) c1, convert(varchar(30), @d, 3) c3, convert(varchar(30), @d, 4) c4, convert(varchar(30), @d, 5) c5, convert(varchar(30), @d, 8) c8, convert(varchar(30), @d, 12) c12, convert(varchar(30), @d, 103) c103, convert(varchar(30), @d, 106) c106, convert(varchar(30), @d, 107) c107, convert(varchar(30), @d, 108) c108, convert(varchar(30), @d, 112) c112, convert(varchar(30), @d, 113) c113, convert(varchar(30), @d, 114) c114, convert(varchar(30), @d, 121) c121, convert(varchar(33), @d, 126) c126
select cast(@d as datetime) dt, cast(@d as smalldatetime) sd, cast(@d as date) d, cast(@d as time(2)) t, cast(cast(@d as datetime) as int) days, datetrunc(hour, @d) tr, date_bucket(week, 1, @d) as bucket
go
select cast('2024-02-30' as date)
go
select dateadd(year, 8000, cast('2024-01-01' as date))
go
select datefromparts(2023, 2, 29)
go
select convert(datetime, '31/12/2024')
go
set dateformat dmy
select convert(datetime, '31/12/2024') as d, isdate('12/31/2024') as i
set dateformat mdy
go
