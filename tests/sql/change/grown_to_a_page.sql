-- Rows and entries that grow until nothing else fits beside them, wherever on their page they stand.
create table grown (k int not null constraint grown_key primary key, s varchar(300) null, n nvarchar(max), d decimal(12, 3))
create index by_s on grown (s) include (n, d)
go
set nocount on
declare @n int = 3835, @who int, @rows int
declare @seen table (n int, who int, rows int, shortest bigint, longest bigint)
while @n < 3965
begin
  set @who = 0
  while @who < 5
  begin
    truncate table grown
    insert grown select value, replicate('z', iif(@n % 2 = 0, 150, 300)), N'x', iif(value = 1, 1, null) from generate_series(1, 4)
    update grown set n = replicate(cast(N'a' as nvarchar(max)), @n) where k = @who or @who = 0
    set @rows = @@rowcount
    insert @seen select @n, @who, @rows, min(len(n)), max(len(n)) from grown with (index (by_s))
    set @who += 1
  end
  set @n += 1
end
select count(*) updates, sum(rows) rows, min(iif(who = 0, shortest, 1)) shortest, sum(iif(longest = n, 0, 1)) wrong from @seen
dbcc checktable ('grown') with no_infomsgs
set nocount off
go
drop table grown
