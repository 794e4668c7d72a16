-- Importing text rows: TRY_CONVERT, rejects with reasons, upserts by UPDATE then INSERT, duplicates in the batch, a log by OUTPUT, table types as parameters.
create database Import_
go
use Import_
go
set nocount on
create type dbo.RawRow as table (LineNo_ int not null primary key, Line nvarchar(200) not null)
create table dbo.Product (Code varchar(8) constraint PK_Product primary key, Name nvarchar(40) not null, Price decimal(9, 2) not null constraint CK_Price check (Price >= 0), Since date null, Updated int not null constraint DF_Updated default 0)
create table dbo.Reject (LineNo_ int not null, Reason varchar(40) not null, Line nvarchar(200) not null)
create table dbo.ImportLog (Code varchar(8), Act char(1), OldPrice decimal(9, 2) null, NewPrice decimal(9, 2))
go
create procedure dbo.ImportRows @rows dbo.RawRow readonly, @ok int output, @bad int output as
begin
    set nocount, xact_abort on
    select r.LineNo_, r.Line,
        ltrim(rtrim(max(case when s.ordinal = 1 then s.value end))) as Code, ltrim(rtrim(max(case when s.ordinal = 2 then s.value end))) as Name,
        max(case when s.ordinal = 3 then s.value end) as PriceText, max(case when s.ordinal = 4 then nullif(s.value, N'') end) as SinceText, count(*) as Fields
    into #parsed from @rows r cross apply string_split(r.Line, N';', 1) s group by r.LineNo_, r.Line
    alter table #parsed add Price decimal(9, 2) null, Since date null, Reason varchar(40) null
    exec sp_executesql N'update #parsed set Price = try_convert(decimal(9, 2), PriceText), Since = try_convert(date, SinceText, 23);
    update #parsed set Reason = case when Fields <> 4 then ''field count'' when Code not like ''[A-Z][A-Z]-[0-9]%'' then ''code'' when Name = '''' then ''name'' when Price is null or Price < 0 then ''price'' when SinceText is not null and Since is null then ''date'' end;
    with d as (select Reason, row_number() over (partition by Code order by LineNo_ desc) as rn from #parsed where Reason is null) update d set Reason = ''duplicate in batch'' where rn > 1'
    begin tran
    insert dbo.Reject (LineNo_, Reason, Line) select LineNo_, Reason, Line from #parsed where Reason is not null
    set @bad = @@rowcount
    update p set Name = n.Name, Price = n.Price, Since = coalesce(n.Since, p.Since), Updated += 1
    output inserted.Code, 'U', deleted.Price, inserted.Price into dbo.ImportLog
    from dbo.Product p join #parsed n on n.Code = p.Code where n.Reason is null and (n.Name <> p.Name or n.Price <> p.Price or isnull(n.Since, '19000101') <> isnull(p.Since, '19000101'))
    set @ok = @@rowcount
    insert dbo.Product (Code, Name, Price, Since)
    output inserted.Code, 'I', null, inserted.Price into dbo.ImportLog
    select Code, Name, Price, Since from #parsed n where Reason is null and not exists (select * from dbo.Product p where p.Code = n.Code)
    set @ok += @@rowcount
    commit
end
go
declare @r dbo.RawRow, @ok int, @bad int
insert @r values (1, N'AB-1;Anvil;19.99;2020-02-29'), (2, N'ab-2; Bell ;5;'), (3, N'AB-3;Candle;zero;'), (4, N'bad;x;1;'), (5, N'AB-4;Drum;7.50;2021-02-29'), (6, N'AB-5;;1;'), (7, N'AB-6;too;few'), (8, N'AB-1;Anvil XL;25.005;2020-02-29')
exec dbo.ImportRows @r, @ok output, @bad output
select @ok as ok, @bad as bad
delete @r where LineNo_ > 2
update @r set Line = replace(Line, N'5;', N'6.25;') where LineNo_ = 2
exec dbo.ImportRows @rows = @r, @bad = @bad output, @ok = @ok output
select @ok as ok, @bad as bad
go
select Code, Name, Price, Since, Updated from dbo.Product order by Code
select LineNo_, Reason, Line from dbo.Reject order by LineNo_
select Code, Act, OldPrice, NewPrice from dbo.ImportLog order by Code, Act, NewPrice
go
drop type dbo.RawRow
go
