-- String work: splitting and joining, title case, padding, LIKE escapes, TRANSLATE, hashing, collations, Unicode, numbers in words.
create database Texts
go
use Texts
go
declare @csv varchar(100) = 'pear, apple ,fig,,plum'
select ordinal, trim(value) as v, len(value) as l, datalength(value) as dl from string_split(@csv, ',', 1) order by ordinal
select string_agg(trim(value), '|') within group (order by trim(value) desc) as joined from string_split(@csv, ',') where trim(value) <> ''
;with s as (select 1 as i, charindex(',', @csv + ',') as e, cast(1 as int) as b union all select i + 1, charindex(',', @csv + ',', e + 1), e + 1 from s where charindex(',', @csv + ',', e + 1) > 0)
select i, substring(@csv, b, e - b) as part from s
go
create procedure dbo.Title @s nvarchar(200), @out nvarchar(200) output as
begin
    declare @i int = 1, @c nchar(1), @up bit = 1
    set @out = N''
    while @i <= len(@s)
    begin
        set @c = substring(@s, @i, 1)
        set @out += case when @up = 1 then upper(@c) else lower(@c) end
        set @up = case when @c like N'[a-z0-9'']' then 0 else 1 end
        set @i += 1
    end
end
go
declare @o nvarchar(200)
exec dbo.Title N'the qUICK-brown fox''s 2nd den', @o output
select @o as title
exec dbo.Title N'', @o output
select '[' + @o + ']' as empty_title
go
select right('000' + cast(7 as varchar(3)), 3) as padded, str(3.14159, 8, 2) as s, replicate('ab', 3) + space(2) + 'x' as r, reverse('desserts') as rev, stuff('abcdef', 2, 3, 'XY') as st, quotename('a]b') as q1, quotename('it''s', '''') as q2, patindex('%[0-9]%', 'abc123') as p, charindex('b', 'abcb', 3) as c, left('abc', 2) + right('abc', 1) as lr, ltrim('  a ') + '|' as lt, concat('a', null, 1, 2.50) as cc, concat_ws('-', 'a', null, 'b') as cw, translate('2*[3+4]', '[]', '()') as tr, format(1234567.891, 'N2') as f1, soundex('Robert') as sx, difference('Robert', 'Rupert') as df
go
select v, case when v like '50[%]' then 1 else 0 end a, case when v like '50!%' escape '!' then 1 else 0 end b, case when v like '%[_]%' then 1 else 0 end c, case when v like '[^a-c]%' then 1 else 0 end d, case when v like 'a__' then 1 else 0 end e
from (values ('50%'), ('50x'), ('a_c'), ('abc'), ('zed'), ('ABC ')) t(v)
go
select case when 'a' = 'A' then 1 else 0 end ci, case when 'a' = 'A' collate Latin1_General_CS_AS then 1 else 0 end cs, case when 'e' = N'é' collate Latin1_General_CI_AI then 1 else 0 end ai, case when 'a ' = 'a' then 1 else 0 end trail, len('a  ') l, datalength(N'a  ') dl
select v from (values (N'b'), (N'A'), (N'a'), (N'B'), (N'ä'), (N'_'), (N'1')) t(v) order by v collate Latin1_General_BIN2
select unicode(N'Ω') u, nchar(937) n, ascii('A') a, char(66) c, upper(N'straße') up, lower(N'ÀÉ') lo, len(N'👍') surrogates, datalength(N'👍') bytes
go
select convert(varchar(66), hashbytes('SHA2_256', 'abc'), 2) as sha, convert(varchar(34), hashbytes('MD5', N'abc'), 1) as md5, convert(varbinary(8), 'abc') as b, convert(varchar(10), 0x616263) as t, convert(varbinary(4), '0x0aFF', 1) as h, cast(258 as varbinary(4)) as i, cast(0x0102 as int) as j
select cast('' as int) as e, cast(' 12 ' as int) as t, try_cast('1,5' as decimal(5, 2)) as d, try_parse('1.234,5' as decimal(9, 2) using 'de-DE') as p, parse('3 March 2024' as date using 'en-GB') as pd, isnumeric('1e5') as n1, isnumeric('$1,000.00') as n2, isnumeric('abc') as n3
go
select cast('abc' as int)
go
select cast('99999999999' as int)
go
select cast(1234.5678 as decimal(5, 2))
go
declare @t table (v varchar(5))
insert @t values ('123456')
go
select substring('abc', 0, 2) a, substring('abc', -1, 3) b, substring('abc', 2, 100) c, left('abc', 0) d, replicate('a', -1) e, len(null) f, replace('aAa', 'a', 'x') g, charindex('', 'abc') h, stuff('abc', 5, 1, 'x') i
go
declare @n int = 1234, @words varchar(200) = ''
declare @ones table (n int primary key, w varchar(10))
insert @ones values (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four'), (30, 'thirty')
select @words = isnull((select w + ' thousand ' from @ones where n = @n / 1000), '') + isnull((select w + ' hundred ' from @ones where n = @n / 100 % 10), '') + isnull((select w from @ones where n = @n / 10 % 10 * 10), '') + isnull((select '-' + w from @ones where n = @n % 10), '')
select @words as words
go
select dense_rank() over (order by len(v)) as r, v, checksum(v) - checksum(upper(v)) as same from (values ('aa'), ('b'), ('Ccc'), ('dd')) t(v) order by r, v
select string_escape('a"b\c/' + char(9), 'json') as j, compress_me = datalength(cast(replicate(cast('x' as varchar(max)), 10000) as varchar(max)))
go
