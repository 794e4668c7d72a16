-- LOCK_ESCALATION is kept and obeyed
create database Kept
go
use Kept
go
create table t(i int primary key, v int)
insert t select top(7000) row_number() over(order by (select 1)), 1 from sys.all_columns a, sys.all_columns b
alter table t set (lock_escalation = disable)
select lock_escalation, lock_escalation_desc from sys.tables where name = 't'
go
begin tran
update t set v = 2 where i < 6500
select resource_type, request_mode, count(*) n from sys.dm_tran_locks
where request_session_id = @@spid and resource_type in ('OBJECT', 'KEY') group by resource_type, request_mode order by 1, 2
rollback
go
alter table t set (lock_escalation = auto)
select lock_escalation, lock_escalation_desc from sys.tables where name = 't'
alter table t set (lock_escalation = table)
select lock_escalation, lock_escalation_desc from sys.tables where name = 't'
go
begin tran
update t set v = 2 where i < 6500
select resource_type, request_mode, count(*) n from sys.dm_tran_locks
where request_session_id = @@spid and resource_type in ('OBJECT', 'KEY') group by resource_type, request_mode order by 1, 2
rollback
go
-- rolled back with its transaction
begin tran
alter table t set (lock_escalation = disable)
rollback
select lock_escalation_desc from sys.tables where name = 't'
go
alter table t set (lock_escalation = never)
go
