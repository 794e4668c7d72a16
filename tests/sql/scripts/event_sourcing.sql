-- An event store: append with expected versions, projections by JSON, snapshots, idempotent consumers with application locks.
create database Events
go
use Events
go
set nocount on
create sequence dbo.Position as bigint start with 1
create table dbo.Event (Position bigint not null constraint DF_Pos default (next value for dbo.Position) constraint PK_Event primary key, Stream uniqueidentifier not null, Version int not null, Type_ varchar(30) not null, Data nvarchar(max) not null constraint CK_Json check (isjson(Data) = 1), constraint UQ_Stream unique (Stream, Version))
create table dbo.Consumer (Name varchar(20) constraint PK_Consumer primary key, Position bigint not null)
create table dbo.Balance (Stream uniqueidentifier constraint PK_Balance primary key, Amount decimal(12, 2) not null, Version int not null)
go
create procedure dbo.Append_ @stream uniqueidentifier, @expected int, @events nvarchar(max) as
begin
    set nocount, xact_abort on
    begin try
        begin tran
        declare @now int = isnull((select max(Version) from dbo.Event with (updlock, holdlock) where Stream = @stream), 0)
        if @now <> @expected
        begin
            declare @m nvarchar(200) = formatmessage(N'Expected version %d but found %d.', @expected, @now);
            throw 52000, @m, 1
        end
        insert dbo.Event (Stream, Version, Type_, Data)
        select @stream, @now + 1 + cast([key] as int), json_value(value, '$.type'), json_query(value, '$.data') from openjson(@events) order by cast([key] as int)
        commit
    end try
    begin catch
        if @@trancount > 0 rollback;
        throw
    end catch
end
go
declare @a uniqueidentifier = '00000000-0000-0000-0000-00000000000A', @b uniqueidentifier = '00000000-0000-0000-0000-00000000000B'
exec dbo.Append_ @a, 0, N'[{"type":"opened","data":{"owner":"Ann"}},{"type":"paid-in","data":{"amount":100.5}}]'
exec dbo.Append_ @b, 0, N'[{"type":"opened","data":{"owner":"Bob"}}]'
exec dbo.Append_ @a, 2, N'[{"type":"paid-out","data":{"amount":30.25,"to":{"iban":"X1"}}}]'
select Position, Version, Type_, Data from dbo.Event order by Position
go
exec dbo.Append_ '00000000-0000-0000-0000-00000000000A', 2, N'[{"type":"closed","data":{}}]'
go
exec dbo.Append_ '00000000-0000-0000-0000-00000000000B', 1, N'[{"type":"closed"}]'
go
create procedure dbo.Project @consumer varchar(20), @batch int = 2 as
begin
    set nocount on
    declare @lock int, @from bigint, @to bigint
    begin tran
    exec @lock = sp_getapplock @Resource = @consumer, @LockMode = 'Exclusive', @LockTimeout = 0
    if @lock < 0 begin rollback; return -1 end
    select @from = Position from dbo.Consumer where Name = @consumer
    if @from is null begin set @from = 0; insert dbo.Consumer values (@consumer, 0) end
    select @to = max(Position) from (select top (@batch) Position from dbo.Event where Position > @from order by Position) x
    if @to is null begin commit; return 0 end
    ;with d as (
        select Stream, sum(case Type_ when 'paid-in' then 1 when 'paid-out' then -1 else 0 end * isnull(try_cast(json_value(Data, '$.amount') as decimal(12, 2)), 0)) as Delta, max(Version) as Version
        from dbo.Event where Position > @from and Position <= @to group by Stream)
    merge dbo.Balance as t using d on t.Stream = d.Stream
    when matched then update set Amount += d.Delta, Version = d.Version
    when not matched then insert (Stream, Amount, Version) values (d.Stream, d.Delta, d.Version);
    update dbo.Consumer set Position = @to where Name = @consumer
    commit
    return 1
end
go
declare @r int = 1, @rounds int = 0
while @r = 1
begin
    exec @r = dbo.Project 'balances'
    set @rounds += 1
end
select @rounds as rounds, @r as last_
select Stream, Amount, Version from dbo.Balance order by Stream
select Name, Position from dbo.Consumer
select e.Version, o.owner, o.amount, o.iban from dbo.Event e cross apply openjson(e.Data) with (owner nvarchar(20), amount decimal(9, 2), iban varchar(10) '$.to.iban') o order by e.Position
go
declare @state nvarchar(max) = N'{}'
select @state = json_modify(json_modify(@state, '$.version', Version), '$.types', json_query(concat('["', replace(isnull(json_value(@state, '$.last'), ''), '"', ''), '","', Type_, '"]'))) from dbo.Event where Stream = '00000000-0000-0000-0000-00000000000A' and Version = 3
select @state as state, applock_mode('public', 'balances', 'Transaction') as mode, applock_test('public', 'balances', 'Exclusive', 'Session') as free_
go
