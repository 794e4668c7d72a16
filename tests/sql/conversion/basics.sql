select convert(varchar(30), cast('2024-03-05T14:07:09.123' as datetime), 0), convert(varchar(30), cast('2024-03-05T14:07:09.123' as datetime), 1), convert(varchar(30), cast('2024-03-05T14:07:09.123' as datetime), 2), convert(varchar(30), cast('2024-03-05T14:07:09.123' as datetime), 3)
select convert(varchar(40), cast('2024-03-05T14:07:09.123' as datetime), s) from (values(4),(5),(6),(7),(8),(9)) v(s)
GO
declare @d datetime='2024-03-05T14:07:09.123'
select convert(varchar(40),@d,100),convert(varchar(40),@d,101),convert(varchar(40),@d,102),convert(varchar(40),@d,103),convert(varchar(40),@d,104),convert(varchar(40),@d,105),convert(varchar(40),@d,106),convert(varchar(40),@d,107),convert(varchar(40),@d,108),convert(varchar(40),@d,109)
select convert(varchar(40),@d,10),convert(varchar(40),@d,11),convert(varchar(40),@d,12),convert(varchar(40),@d,13),convert(varchar(40),@d,14),convert(varchar(40),@d,20),convert(varchar(40),@d,21),convert(varchar(40),@d,22),convert(varchar(40),@d,23),convert(varchar(40),@d,24),convert(varchar(40),@d,25)
select convert(varchar(40),cast(@d as datetime2),121), convert(varchar(40),cast(@d as datetime2(3)),126), convert(varchar(40),cast(@d as date)), convert(varchar(40),cast(@d as time)), convert(varchar(40), cast(@d as datetimeoffset)), convert(varchar(40), cast(@d as smalldatetime))
select cast(@d as varchar(30)), cast(cast(@d as date) as varchar(30)), cast(@d as nvarchar(10))
GO
GO
select convert(varchar(20),cast(1234567.891 as money)), convert(varchar(20),cast(1234567.891 as money),1), convert(varchar(20),cast(1234567.891 as money),2), convert(varchar(30),cast(1234567.891 as float)), convert(varchar(30),cast(1234567.891 as float),1), convert(varchar(30),cast(1234567.891 as float),2), convert(varchar(30),cast(1234567.891 as float),3), cast(cast(0.1 as real) as varchar(30)), cast(1e20 as varchar(30)), cast(123456789012.0e0 as varchar(30))
select convert(varbinary(4),'0x1aF2',1), convert(varbinary(4),'1af2',2), convert(varchar(10),0x1af2,1), convert(varchar(10),0x1af2,2), convert(varchar(10),0x4142), convert(varbinary(8),12345), convert(int,0x00003039), convert(binary(8), N'ab'), cast(cast(1 as bit) as varchar), cast('true' as bit), cast('False' as bit)
select cast('12:30' as time(0)), cast('20240101 12:30:15.1234567' as datetime2(3)), cast('2024-01-01T10:00:00+02:00' as datetimeoffset(0)), cast('jan 5 2024' as date), cast('5 January 2024' as datetime), cast('01/02/2024' as date), cast('' as datetime), cast('' as date)
select cast(1 as datetime), cast(1.5 as datetime), cast(cast('1900-01-02T12:00' as datetime) as float), cast(cast('20240101' as datetime) as int), cast('20240101' as datetime)+1, cast('20240101' as datetime)-cast('20231231' as datetime)
GO
set dateformat dmy; select cast('01/02/2024' as date), cast('13/02/2024' as datetime); set dateformat mdy
GO
select cast('13/02/2024' as datetime)
GO
select cast('abc' as int)
GO
select cast('abc' as decimal(5,2))
GO
select cast(1000 as decimal(5,2)), 1
GO
select cast(1000 as decimal(4,2))
GO
select cast(300 as tinyint)
GO
select cast('300' as tinyint)
GO
select cast('99999999999' as int)
GO
select cast(99999999999 as int)
GO
select cast('40000' as smallint)
GO
select cast(40000 as smallint)
GO
select cast(1e40 as real)
GO
select cast('x' as uniqueidentifier)
GO
select cast('2024-13-01' as datetime2)
GO
select cast('abc' as money)
GO
select cast(12345 as varchar(2)), cast(12345.67 as varchar(20)), cast(-12345 as char(3)), cast(12345 as nvarchar(2))
GO
select cast(1.5 as varchar(2))
GO
GO
GO
select try_cast(1 as xml)
GO
select cast(1 as xml)
GO
GO
select 1/3, 1.0/3, 10/3.0, 1.00/3.00, cast(1 as decimal(38,10))/3, cast(1 as decimal(10,2))*cast(2 as decimal(10,2)), 5%3, -5%3, 5.5%2, 2147483647+1.0
select sql_variant_property(1.0/3,'Precision') p, sql_variant_property(1.0/3,'Scale') s, sql_variant_property(cast(1 as decimal(38,10))*cast(1 as decimal(38,10)),'Scale') s2,sql_variant_property(cast(1 as decimal(20,10))+cast(1 as decimal(18,4)),'Precision') s3, sql_variant_property(N'abc','BaseType'), sql_variant_property('abc','MaxLength'), sql_variant_property(1,'TotalBytes')
select 2147483647+1
GO
select 7/2*1.0, 7*1.0/2, '5'+3, '5'+'3', 1+'1.5'
GO
select 0x10 + 1, 5 & 3, 5 | 3, 5 ^ 3, ~5, 1.5e0*2, $1.5*2, cast(1 as bit)+cast(1 as tinyint)
GO
select cast(255 as tinyint)+cast(1 as tinyint)
GO
select 'a' + 1
GO
GO
select cast('20240101' as date) + 1
GO
select cast('20240101' as datetime2) + 1
GO
select 1 + cast('20240101' as xml)
GO
select cast('a' as text) = 'a'
GO
select 1 where cast('a' as text) = 'a'
GO
select -cast(-2147483648 as int)
GO
select cast(null as int)+1, null+'a', 'a'+null
