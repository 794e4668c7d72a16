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
