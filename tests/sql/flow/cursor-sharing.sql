-- A variable refers to a cursor, it does not copy it; @@CURSOR_ROWS tells of the one opened last.
declare @t table(n int); insert @t values (1), (2), (3), (4);
declare c cursor local static for select n from @t order by n;
declare @v cursor; set @v = c;
open c;
select @@cursor_rows as rows;
declare @a int, @b int;
fetch next from c into @a; fetch next from @v into @b;
select @a as a, @b as b;
deallocate c;
fetch next from @v into @a; select @a as a, @@fetch_status as s;
close @v; select @@cursor_rows as rows;
deallocate @v;
go
declare d cursor dynamic for select name from sys.databases;
open d; select @@cursor_rows as rows;
close d; deallocate d;
go
declare @x cursor;
fetch next from @x;
go
