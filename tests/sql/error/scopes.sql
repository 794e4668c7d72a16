-- GOTO does not lead into TRY and CATCH, but out of them.
goto x
begin try
x: print 'in'
end try begin catch end catch
print 'out'
go
begin try select 1/0 end try begin catch goto beyond; print 'skipped' end catch
print 'skipped, too'
beyond: print 'beyond'
begin try
  goto here
  print 'skipped'
  here: print 'here'
end try begin catch end catch
go
goto y
begin try select 1 end try begin catch y: print 'in' end catch
go
-- What can only be rolled back makes no tables, temporary ones neither.
begin tran
begin try select cast('x' as int) end try
begin catch
  begin try create table #w2(i int) print 'created' end try begin catch print error_number() end catch
  begin try select 1 a into #w3 print 'into' end try begin catch print error_number() end catch
  rollback
end catch
go
-- What is not there ends the procedure that names it, TRY or not, and its caller goes on.
create proc ta1 as begin select * from nosuch1 print 'in ta1' end
go
create proc ta2 as begin begin try select * from nosuch1 end try begin catch print 'c' end catch print 'in ta2' end
go
create proc ta4 as begin begin try create table #n(a int) select nocol from #n end try begin catch print 'c4' end catch end
go
exec ta1 print 'A after'
go
exec ta2 print 'B after'
go
exec ta4 print 'D after'
go
exec('begin try select * from nosuch1 end try begin catch print 1 end catch') print 'E after'
begin try exec ta2 end try begin catch print error_message() end catch
print 'F after'
go
set xact_abort on
begin tran
exec ta2 print 'not after'
go
select @@trancount
set xact_abort off
drop proc ta1, ta2, ta4
go
create table o1(a int)
insert o1 output (select max(a) from o1), inserted.a values(7)
go
select x from (values(row_number() over(order by (select 1)))) v(x)
go
drop table o1
go
