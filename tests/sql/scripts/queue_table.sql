-- A work queue: enqueue, claim with READPAST and OUTPUT, complete, retry, dead letters.
create database Jobs
go
use Jobs
go
set nocount on
go
create table dbo.Job
(
    JobId int identity(1, 1) not null,
    Payload nvarchar(200) not null,
    Priority tinyint not null constraint DF_Job_Priority default (5),
    Status varchar(10) not null constraint DF_Job_Status default ('new'),
    Attempts int not null constraint DF_Job_Attempts default (0),
    ClaimedBy sysname null,
    constraint PK_Job primary key clustered (JobId),
    constraint CK_Job_Status check (Status in ('new', 'busy', 'done', 'failed', 'dead'))
)
create index IX_Job_Next on dbo.Job (Priority desc, JobId) include (Payload) where Status = 'new'
create table dbo.DeadLetter (JobId int primary key, Payload nvarchar(200), Reason varchar(100))
create type dbo.PayloadList as table (n int identity(1, 1) primary key, Payload nvarchar(200) not null, Priority tinyint not null default 5)
go
create procedure dbo.Enqueue @items dbo.PayloadList readonly
as
set nocount on
insert dbo.Job (Payload, Priority)
output inserted.JobId, inserted.Payload, inserted.Status
select Payload, Priority from @items order by n
go
create procedure dbo.Claim @worker sysname, @count int = 1
as
set nocount on
;with next_jobs as
(
    select top (@count) * from dbo.Job with (rowlock, updlock, readpast)
    where Status = 'new' order by Priority desc, JobId
)
update next_jobs
set Status = 'busy', ClaimedBy = @worker, Attempts += 1
output inserted.JobId, inserted.Payload, deleted.Status as was, inserted.Status as now_, inserted.Attempts
go
create procedure dbo.Fail @id int, @reason varchar(100)
as
set nocount on
declare @dead table (JobId int, Payload nvarchar(200))
update dbo.Job set Status = 'new', ClaimedBy = null where JobId = @id and Attempts < 2
if @@rowcount = 0
begin
    delete dbo.Job output deleted.JobId, deleted.Payload into @dead where JobId = @id
    insert dbo.DeadLetter select JobId, Payload, @reason from @dead
    return 1
end
return 0
go
declare @p dbo.PayloadList
insert @p (Payload) values (N'mail'), (N'print')
insert @p (Payload, Priority) values (N'urgent', 9)
exec dbo.Enqueue @p
go
exec dbo.Claim 'w1'
exec dbo.Claim @worker = 'w2', @count = 5
exec dbo.Claim 'w3'
go
update dbo.Job set Status = 'done' where JobId = 1
declare @r int
exec @r = dbo.Fail 2, 'paper jam'
select @r as r
exec dbo.Claim 'w1'
exec @r = dbo.Fail 2, 'paper jam again'
select @r as r
go
select JobId, Payload, Priority, Status, Attempts, ClaimedBy from dbo.Job order by JobId
select * from dbo.DeadLetter
go
delete top (1) from dbo.Job output deleted.* where Status = 'done'
update top (1) dbo.Job set Priority = 1 output deleted.Priority as before, inserted.Priority as after
go
insert dbo.Job (Payload, Status) values (N'x', 'lost')
go
update dbo.Job set Attempts = null
go
declare @log table (act nvarchar(10), id int, old varchar(10), new varchar(10))
merge dbo.Job as t
using (values (3, N'urgent', 'done'), (100, N'fresh', 'new')) as s (JobId, Payload, Status)
on t.JobId = s.JobId
when matched and t.Status <> s.Status then update set Status = s.Status
when not matched by target then insert (Payload, Status) values (s.Payload, s.Status)
when not matched by source then delete
output $action, coalesce(inserted.JobId, deleted.JobId), deleted.Status, inserted.Status into @log;
select @@rowcount as merged
select * from @log order by id
go
