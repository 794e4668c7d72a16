-- ARITHABORT ON and ANSI_WARNINGS OFF: an error of arithmetic ends the batch and its transaction.
create table ab(i int)
go
set ansi_warnings off
set arithabort on
go
begin tran insert ab values(1) select 1/0 insert ab values(2) commit
go
select @@trancount t, count(*) n from ab
go
begin tran insert ab values(1) declare @t tinyint = 200 set @t = @t + 100 insert ab values(2) commit
go
select @@trancount t, count(*) n from ab
go
begin tran
begin try select 1/0 end try begin catch select error_number(), xact_state() end catch
if @@trancount > 0 rollback
go
set ansi_warnings on
go
begin tran insert ab values(1) select 1/0 insert ab values(2) commit
go
select @@trancount t, count(*) n from ab
drop table ab
go
