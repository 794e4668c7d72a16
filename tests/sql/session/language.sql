select langid, dateformat, datefirst, name, alias, lcid, msglangid from sys.syslanguages order by langid
select months, shortmonths, days from sys.syslanguages where alias in ('Czech', 'Japanese')
go
set language German
select @@language, @@langid, @@datefirst, datename(month, '20240301'), datename(weekday, '20240303'), convert(varchar(30), cast('20241224' as datetime), 106)
select cast('1.2.2024' as datetime) dmy, cast('3 März 2024' as date) named, format(cast('20240301' as date), 'MMMM')
set dateformat mdy
select cast('1.2.2024' as datetime)
go
set language N'čeština'
select datename(month, '20240901'), datename(weekday, '20240901')
select format(cast('20240301' as date), 'MMMM')
go
set language Thai
select datename(month, '20240901')
set language us_english
select @@langid, @@datefirst, cast('1.2.2024' as datetime)
go
set dateformat ydm
select month('2024-02-03'), month(cast('2024/02/03' as datetime)), month(cast('2024-02-03' as datetime2)), month(cast('20240203' as datetime))
set dateformat dym
select cast('3/24/2' as datetime)
go
set dateformat xyz
go
set language Klingon
go
exec('set language german select datename(month, ''20240301''), @@language')
select datename(month, '20240301'), @@language
dbcc useroptions
