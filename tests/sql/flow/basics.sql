begin try select 1/0 end try begin catch select error_number() n, error_severity() s, error_state() st, error_line() l, error_procedure() p, error_message() m, xact_state() x end catch
GO
begin try raiserror('Hello %s, %d items, %5d|%-5d|%05d, %x %X %o %u %%',16,2,'Bob',3,42,42,42,255,255,8,7) end try begin catch print error_message() end catch
raiserror('sev 10',10,1)
raiserror('with nowait',0,1) with nowait
raiserror(50001,16,1)
raiserror('%s %s',16,1,'a')
raiserror('abc %d',16,1,'x')
declare @m nvarchar(100)=N'var %i'; raiserror(@m,11,5,9)
print formatmessage('%s=%d','a',5)
GO
throw 50000,'x',1
GO
throw 49999,'x',1
GO
begin try throw 51000,'boom',7 end try begin catch print concat(error_number(),'|',error_state(),'|',error_message()); throw end catch
print 'not reached'
GO
declare @i int=0; while 1=1 begin set @i+=1; if @i%2=0 continue; if @i>5 break; print @i end; print 'end '+cast(@i as varchar)
GO
declare c cursor local scroll for select v from (values(1),(2),(3)) t(v)
declare @v int; open c; fetch last from c into @v; print @v; fetch prior from c into @v; print @v; fetch absolute 1 from c into @v; print @v; fetch relative 2 from c into @v; print @v; fetch next from c into @v; print @@fetch_status; print @@cursor_rows; close c; deallocate c
fetch next from c
GO
exec sp_executesql N'select @p1+@p2 as s', N'@p1 int, @p2 int', @p1=1, @p2=2
declare @r int, @out nvarchar(20); exec @r = sp_executesql N'set @o = N''done''', N'@o nvarchar(20) output', @o=@out output; select @r, @out
exec('select 1 as x; select 2 as y')
exec nosuchproc
declare @p nvarchar(20)='sp_executesql'; exec @p N'select 7'
GO
select 1 as a; goto skip; select 2; skip: select 3
if 1=1 select 'yes' else select 'no'
if exists(select 1 where 1=0) print 'e' else begin print 'ne' end
waitfor delay '00:00:00.01'
return
select 'never'
GO
set rowcount 2; select v from (values(1),(2),(3)) t(v); set rowcount 0
set nocount on; select 1; set nocount off
set ansi_nulls off; select 1 where null=null; set ansi_nulls on
set concat_null_yields_null off; select 'a'+null; set concat_null_yields_null on
set quoted_identifier off; select "abc"; set quoted_identifier on
set datefirst 1; select datepart(dw,'20240101'), @@datefirst; set datefirst 7
set language german; select datename(month,'20240301'); set language us_english
set noexec on
select 'x'
set noexec off
set parseonly off
select @@trancount, @@nestlevel, @@rowcount, @@error
begin tran; save tran s1; select @@trancount, xact_state(); rollback tran s1; commit; select @@trancount
rollback
GO
