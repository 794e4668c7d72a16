-- Audit by triggers in JSON, soft deletes by INSTEAD OF, optimistic concurrency by rowversion, undo from the audit.
create database Audited
go
use Audited
go
set nocount on
go
create table dbo.Contact_ (Id int not null constraint PK_Contact primary key, Name nvarchar(30) not null, Phone varchar(20) null, IsDeleted bit not null constraint DF_Deleted default 0, Ver rowversion)
create table dbo.History (HistoryId int identity constraint PK_History primary key, Id int not null, Action_ char(1) not null, Before_ nvarchar(max) null, After_ nvarchar(max) null)
go
create view dbo.Contact with schemabinding as select Id, Name, Phone, Ver from dbo.Contact_ where IsDeleted = 0
go
create trigger dbo.Contact_del on dbo.Contact instead of delete as
begin
    set nocount on
    update c set IsDeleted = 1 from dbo.Contact_ c join deleted d on d.Id = c.Id
end
go
create trigger dbo.Contact_audit on dbo.Contact_ after insert, update, delete as
begin
    set nocount on
    if not exists (select * from inserted) and not exists (select * from deleted) return
    insert dbo.History (Id, Action_, Before_, After_)
    select coalesce(i.Id, d.Id), case when d.Id is null then 'I' when i.Id is null then 'D' when i.IsDeleted = 1 and d.IsDeleted = 0 then 'S' else 'U' end,
      (select d.Name as name, d.Phone as phone where d.Id is not null for json path, without_array_wrapper, include_null_values),
      (select i.Name as name, i.Phone as phone where i.Id is not null for json path, without_array_wrapper)
    from inserted i full join deleted d on d.Id = i.Id order by 1
end
go
insert dbo.Contact (Id, Name, Phone) values (1, N'Ann', '111'), (2, N'Bob', null), (3, N'Cem', '333')
update dbo.Contact set Phone = '222' where Id = 2
delete dbo.Contact where Id in (1, 3)
update dbo.Contact set Name = N'none' where Id = 99
delete dbo.Contact_ where Id = 3
select Id, Name, Phone from dbo.Contact order by Id
select Id, Name, IsDeleted from dbo.Contact_ order by Id
select HistoryId, Id, Action_, Before_, After_ from dbo.History order by HistoryId
go
create procedure dbo.Rename_ @id int, @name nvarchar(30), @ver binary(8) as
begin
    set nocount on
    update dbo.Contact set Name = @name where Id = @id and Ver = @ver
    if @@rowcount = 0
    begin
        if exists (select * from dbo.Contact where Id = @id) raiserror(N'Contact %d was changed by somebody else.', 16, 1, @id)
        else raiserror(N'Contact %d is not there.', 16, 2, @id)
        return -1
    end
end
go
declare @v binary(8) = (select Ver from dbo.Contact where Id = 2), @r int
exec @r = dbo.Rename_ 2, N'Robert', @v
select @r as r, case when (select Ver from dbo.Contact where Id = 2) > @v then 'newer' end as ver
exec @r = dbo.Rename_ 2, N'Rob', @v
select @r as r
exec @r = dbo.Rename_ 1, N'Rob', @v
go
declare @undo nvarchar(max) = (select top 1 Before_ from dbo.History where Id = 2 and Action_ = 'U' order by HistoryId desc)
update dbo.Contact_ set Name = json_value(@undo, '$.name'), Phone = json_value(@undo, '$.phone') where Id = 2
select Name, Phone from dbo.Contact where Id = 2
select Id, string_agg(Action_, '') within group (order by HistoryId) as trail from dbo.History group by Id order by Id
go
disable trigger dbo.Contact_audit on dbo.Contact_
delete dbo.Contact_
enable trigger dbo.Contact_audit on dbo.Contact_
select count(*) as n from dbo.History
select name, is_disabled, is_instead_of_trigger from sys.triggers order by name
go
