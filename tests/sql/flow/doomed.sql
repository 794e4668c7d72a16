-- What may never be committed: a transaction whose XACT_STATE() is -1, by whatever way it ends.
create table x (i int not null primary key, v int);
create table log_of (i int);
GO
-- a trigger that keeps its error to itself
create trigger tz on x after insert as begin begin try select 1/0 end try begin catch end catch end
GO
insert x values (41, 8); select 'not reached'
GO
select i from x; select @@trancount t
begin tran; insert log_of values (1); insert x values (42, 8); select 'not reached'
GO
select @@trancount t; select i from x; select i from log_of
GO
-- and around it a TRY
begin tran
insert log_of values (1)
begin try insert x values (43, 8); select 'not reached' end try
begin catch select error_number() n, xact_state() s, @@trancount t; rollback end catch
select @@trancount t; select i from x; select i from log_of
GO
begin try insert x values (44, 8); select 'not reached' end try
begin catch select error_number() n, xact_state() s, @@trancount t end catch
select i from x
GO
merge x using (select 45 i) s on x.i = s.i when not matched then insert values (s.i, 1);
GO
select i from x; select @@trancount t
GO
set implicit_transactions on
insert x values (46, 1)
GO
select @@trancount t; select i from x
if @@trancount > 0 rollback
set implicit_transactions off
GO
drop trigger tz
GO
-- a procedure that the trigger calls
create procedure swallow as begin try select 1/0 end try begin catch select xact_state() s end catch
GO
create trigger tz on x after insert as exec swallow
GO
insert x values (47, 1)
GO
select i from x
drop trigger tz
GO
-- INSTEAD OF
create trigger ti on x instead of insert as begin
  insert log_of select i from inserted
  begin try insert x select i, 1/0 from inserted end try begin catch insert log_of values (-1) end catch
end
GO
insert x values (48, 1); select 'not reached'
GO
select i from x; select i from log_of; select @@trancount t
drop trigger ti
GO
create trigger ti on x instead of insert as begin
  begin try insert x select i, 1/0 from inserted end try begin catch end catch
end
GO
insert x values (49, 1); select 'not reached'
GO
select i from x; select @@trancount t
drop trigger ti
GO
-- one that ends the transaction itself is 3609 as ever
create trigger tz on x after insert as begin begin try select 1/0 end try begin catch rollback end catch end
GO
insert x values (50, 1); select 'not reached'
GO
select i from x; drop trigger tz
GO
-- a trigger of the database
create trigger td on database for create_table as begin try select 1/0 end try begin catch end catch
GO
create table made (i int); select 'not reached'
GO
select object_id('made') o, @@trancount t
begin tran; create table made (i int); select 'not reached'
GO
select object_id('made') o, @@trancount t
drop trigger td on database
GO
-- INSERT ... EXEC
create procedure rows_of as begin
  set xact_abort on
  select 1
  begin try select 1/0 end try begin catch select xact_state() end catch
end
GO
insert log_of exec rows_of; select 'not reached'
GO
select i from log_of; select @@trancount t
begin tran; insert log_of values (2); insert log_of exec rows_of; select 'not reached'
GO
select i from log_of; select @@trancount t
GO
insert log_of exec ('set xact_abort on; select 1; begin try select 1/0 end try begin catch end catch')
GO
select i from log_of; select @@trancount t
GO
-- COMMIT, changes, savepoints, the end of the batch
set xact_abort on
begin tran
insert log_of values (3)
begin try select 1/0 end try begin catch select xact_state() s end catch
begin try commit end try begin catch select error_number() n end catch
begin try insert log_of values (4) end try begin catch select error_number() n end catch
begin try save tran p end try begin catch select error_number() n end catch
begin try create table made (i int) end try begin catch select error_number() n end catch
begin try truncate table log_of end try begin catch select error_number() n end catch
begin tran
begin try commit end try begin catch select error_number() n, @@trancount t end catch
select i from log_of
GO
select @@trancount t; select i from log_of
GO
exec sp_executesql N'begin tran; insert log_of values (5); begin try select 1/0 end try begin catch end catch; select xact_state() s; commit'
GO
select @@trancount t; select i from log_of
GO
set implicit_transactions on
insert log_of values (6)
begin try select 1/0 end try begin catch end catch
commit
GO
select @@trancount t; select i from log_of
rollback
set implicit_transactions off
GO
begin distributed transaction
GO
begin try begin distributed tran t1; select 'not reached' end try begin catch select error_number() n, @@trancount t end catch
GO
