-- A conversion pads, cuts and refuses by its own type, whatever its value is converted to afterwards.
declare @d datetime = '2026-11-29'
select '[' + convert(char(12), @d, 112) + ']' a, '[' + convert(char(6), 5) + ']' b, '[' + cast(1.5 as char(6)) + ']' c,
  datalength(cast('1' as char(5)) + 'x') d, cast(0x05 as binary(5)) + 0x01 e, N'[' + cast(N'q' as nchar(3)) + N']' f
select '[' + coalesce(cast('1' as char(5)), '') + ']' a, '[' + iif(1 = 1, cast('1' as char(5)), '') + ']' b, '[' + isnull(cast('1' as char(5)), '') + ']' c,
  '[' + case when 1 = 1 then cast('1' as char(5)) else '' end + ']' d
select cast('abcdef' as varchar(3)) + 'x' a, cast(N'abcdef' as nvarchar(3)) + N'x' b, cast(0x010203 as varbinary(2)) + 0x09 c
go
create table kept (a varchar(20), b varbinary(20), n nvarchar(20), d decimal(12, 2), c as cast(a as char(6)) + 'x' persisted)
insert kept (a, b, n, d) values (cast('1' as char(5)), cast(0x01 as binary(4)), cast('1' as char(3)), 1)
insert kept (a, n) values (convert(char(4), 12), cast('abcdef' as varchar(3)))
insert kept (a, n) select cast('abcdef' as varchar(3)), cast(N'abcdef' as nvarchar(2))
select datalength(a) a, datalength(b) b, datalength(n) n, c + ']' c from kept
update kept set a = cast('q' as char(7))
select datalength(a) a, c + ']' c from kept
select count(*) n from kept where cast(a as char(6)) + 'x' = 'q     x'
go
declare @v varchar(20) = cast('1' as char(5)), @w varbinary(20)
select @w = cast(0x01 as binary(3))
select datalength(@v) v, datalength(@w) w
set @v = cast('abcdef' as varchar(3))
select @v v
select datalength(cast('<a>1</a>' as xml).value('/a[1]', 'char(5)') + 'x') x
go
-- 8115, not a value of five digits more.
declare @d decimal(12, 2) = cast(12345.67 as decimal(5, 2))
go
declare @d decimal(12, 2)
set @d = try_cast(12345.67 as decimal(5, 2))
select @d d
go
drop table kept
