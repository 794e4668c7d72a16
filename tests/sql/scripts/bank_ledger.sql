-- Transfers with TRY ... CATCH, XACT_ABORT and THROW; a ledger with running balances and an audit that outlives the rollback.
create database Bank
go
use Bank
go
set nocount on
set xact_abort on
go
create table dbo.Account
(
    AccountId int not null constraint PK_Account primary key,
    Owner nvarchar(60) not null,
    Balance decimal(19, 4) not null constraint DF_Balance default (0),
    Version rowversion not null,
    constraint CK_Balance check (Balance >= 0)
);
create table dbo.Ledger
(
    EntryId bigint identity(1, 1) primary key,
    AccountId int not null references dbo.Account (AccountId),
    Amount decimal(19, 4) not null,
    Kind char(1) not null check (Kind in ('D', 'C')),
    Posted datetime2(0) not null default '2024-01-01T00:00:00'
);
create table dbo.Failure (Id int identity primary key, Number int, Severity int, State int, Proc_ sysname null, Line int, Message nvarchar(2048));
go
create or alter procedure dbo.Transfer
    @From int,
    @To int,
    @Amount decimal(19, 4)
as
begin
    set nocount on;
    declare @rc int = 0;
    if @Amount is null or @Amount <= 0
    begin
        raiserror(N'Amount %s is not positive.', 16, 1, N'given');
        return 1;
    end;
    begin try
        begin transaction;
        update dbo.Account set Balance -= @Amount where AccountId = @From;
        if @@rowcount = 0
            throw 50001, N'No such source account.', 1;
        update dbo.Account set Balance += @Amount where AccountId = @To;
        if @@rowcount = 0
            throw 50002, N'No such target account.', 2;
        insert dbo.Ledger (AccountId, Amount, Kind) values (@From, -@Amount, 'D'), (@To, @Amount, 'C');
        commit transaction;
    end try
    begin catch
        if xact_state() <> 0 rollback transaction;
        insert dbo.Failure (Number, Severity, State, Proc_, Line, Message)
        values (error_number(), error_severity(), error_state(), error_procedure(), error_line(), error_message());
        set @rc = -1;
        throw;
    end catch;
    return @rc;
end;
go
insert dbo.Account (AccountId, Owner, Balance) values (1, N'Ann', 100), (2, N'Bob', 50.5), (3, N'Cy', 0);
exec dbo.Transfer 1, 2, 30;
exec dbo.Transfer @From = 2, @To = 3, @Amount = 80.5;
go
exec dbo.Transfer 1, 2, 1000;
go
exec dbo.Transfer 9, 2, 1;
go
exec dbo.Transfer 1, 9, 1;
go
declare @rc int;
exec @rc = dbo.Transfer 1, 2, -5;
select @rc as rc;
go
select AccountId, Owner, Balance from dbo.Account order by AccountId;
select Number, Severity, State, Proc_, Line, Message from dbo.Failure order by Id;
select EntryId, AccountId, Amount, Kind, sum(Amount) over (partition by AccountId order by EntryId rows unbounded preceding) as Running from dbo.Ledger order by EntryId;
select @@trancount as open_transactions, xact_state() as state;
go
-- Doomed and not doomed.
set xact_abort off
begin try
    begin tran
    insert dbo.Ledger (AccountId, Amount, Kind) values (1, 1, 'X')
end try
begin catch
    select error_number() as n, xact_state() as state
    rollback
end catch
set xact_abort on
begin try
    begin tran
    insert dbo.Ledger (AccountId, Amount, Kind) values (1, 1, 'X')
end try
begin catch
    select error_number() as n, xact_state() as state
    rollback
end catch
go
-- A savepoint keeps the first half.
set xact_abort off
begin tran outerwork
update dbo.Account set Balance = Balance + 1 where AccountId = 1
save tran halfway
update dbo.Account set Balance = Balance + 100 where AccountId = 1
rollback tran halfway
commit tran outerwork
select Balance from dbo.Account where AccountId = 1
go
begin tran
exec ('begin tran; select @@trancount as inside; commit')
select @@trancount as outside
rollback
go
create procedure dbo.Leaks as begin tran
go
exec dbo.Leaks
select @@trancount as left_open
rollback
go
rollback
go
commit
go
throw 50123, 'plain', 7
go
throw 49999, 'too low', 1
go
raiserror('with %d and %5.2s|%-6s|%06d|%x|%X|%%', 11, 3, 42, 'abc', 'ab', 7, 255, 255)
raiserror('a warning', 10, 1) with nowait
raiserror(50001, 16, 1)
go
declare @m nvarchar(100) = formatmessage('%s has %i', N'x', 5)
print @m
go
